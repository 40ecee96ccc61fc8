"""From the outputs of all steps to one vector: by the last one, their mean, their maximum, or attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

FAR = 1e4  # below any output of a recurrent layer, and finite
FAR_SCORE = 1e9  # what is taken off the score of a step that is padding


@keras.saving.register_keras_serializable(package="textrnn")
class Pooling(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
    """Pools the outputs of a recurrent layer over the steps of a text.

    Args:
        pools: what to put side by side: `last`, `mean`, `max`, `attention`.
        both_ways: whether the second half of the outputs was read backwards, so that its last step is the first.

    Call:
        outputs float32[batch, steps, width], mask float32[batch, steps] (1 for real steps, at least one, on the left)
        -> float32[batch, pools * width]

    Reference:
        Yang et al., 2016, Hierarchical attention networks for document classification, for attention with a learned
        query: weights are the softmax of w . h over the real steps.
    """

    def __init__(self, pools: Sequence[str], *, both_ways: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pools, self.both_ways = list(pools), both_ways
        self.supports_masking = True

    def build(self, outputs_shape: Any, mask_shape: Any = None) -> None:
        if "attention" in self.pools:
            self.query = self.add_weight(shape=(outputs_shape[-1], 1), initializer="glorot_uniform", name="query")

    def call(self, outputs: Any, mask: Any) -> Any:
        return tf.concat([getattr(self, f"_{name}")(outputs, mask) for name in self.pools], 1)

    def compute_mask(self, *arguments: Any, **more: Any) -> None:
        """None: what comes out has no steps."""

    def _mean(self, outputs: Any, mask: Any) -> Any:
        return tf.reduce_sum(outputs * mask[:, :, None], 1) / tf.reduce_sum(mask, 1)[:, None]

    def _max(self, outputs: Any, mask: Any) -> Any:
        return tf.reduce_max(outputs + (mask[:, :, None] - 1) * FAR, 1)

    def _last(self, outputs: Any, mask: Any) -> Any:
        last = tf.cast(tf.reduce_sum(mask, 1), tf.int32) - 1
        final = tf.gather(outputs, last, batch_dims=1)
        if not self.both_ways:
            return final
        half = outputs.shape[-1] // 2
        return tf.concat([final[:, :half], outputs[:, 0, half:]], 1)

    def _attention(self, outputs: Any, mask: Any) -> Any:
        scores = tf.squeeze(outputs @ tf.convert_to_tensor(self.query), 2) + (mask - 1) * FAR
        return tf.reduce_sum(outputs * tf.nn.softmax(scores, 1)[:, :, None], 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pools": self.pools, "both_ways": self.both_ways}


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
        return tf.nn.softmax(scores + (mask[:, None, :] - 1) * FAR_SCORE, -1)

    def call(self, query: Any, memory: Any, mask: Any) -> Any:
        return tf.matmul(self.weights_of(query, memory, mask), memory)
