"""Attention of the steps of one sequence to those of another."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

FAR = 1e9  # what is taken off the score of a step that is padding


@keras.saving.register_keras_serializable(package="textrnn")
class Attention(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
    """Attends to a memory: a_ts = softmax over real s of (q_t W) . m_s; the context is c_t = sum over s of a_ts m_s.

    All steps of the query are worked at once: nothing is fed back, so that a recurrent layer before it and one behind
    it can each read all steps in one loop.

    Call:
        query float32[batch, steps, units], memory float32[batch, places, width], mask float32[batch, places] (1 for
        real ones, at least one) -> context float32[batch, steps, width]

    Reference:
        Luong, Pham and Manning, 2015, Effective approaches to attention-based neural machine translation ("general").
    """

    def build(self, query_shape: Any, memory_shape: Any = None, mask_shape: Any = None) -> None:
        self.kernel = self.add_weight(
            shape=(query_shape[-1], memory_shape[-1]), initializer="glorot_uniform", name="kernel"
        )

    def weights_of(self, query: Any, memory: Any, mask: Any) -> Any:
        """The attention float32[batch, steps, places]; each row adds up to 1."""
        projected = tf.tensordot(query, tf.convert_to_tensor(self.kernel), 1)
        scores = tf.matmul(projected, memory, transpose_b=True)
        return tf.nn.softmax(scores + (mask[:, None, :] - 1) * FAR, -1)

    def call(self, query: Any, memory: Any, mask: Any) -> Any:
        return tf.matmul(self.weights_of(query, memory, mask), memory)
