"""The first and the last layer of a language model: tokens to vectors, and vectors to logits."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="textrnn")
class OneHot(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
    """Turns each id into a vector of zeros with a single one.

    Args:
        vocab_size: width of the vectors.

    Call:
        int32[batch, steps] -> float32[batch, steps, vocab]
    """

    def __init__(self, vocab_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocab_size = vocab_size

    def call(self, ids: Any) -> Any:
        return ops.one_hot(ids, self.vocab_size, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "vocab_size": self.vocab_size}


def _product(hidden: Any, matrix: Any, operand_dtype: str | None) -> Any:
    """hidden [..., units] times matrix [units, vocab]; with operands of another type, the result is cast back."""
    if operand_dtype in (None, hidden.dtype):
        return ops.matmul(hidden, matrix)
    flat = tf.reshape(tf.cast(hidden, operand_dtype), (-1, hidden.shape[-1]))
    logits = tf.cast(tf.matmul(flat, tf.cast(matrix, operand_dtype)), hidden.dtype)
    return tf.reshape(logits, tf.concat([tf.shape(hidden)[:-1], [matrix.shape[-1]]], 0))


@keras.saving.register_keras_serializable(package="textrnn")
class Logits(keras.layers.Dense):  # type: ignore[misc,unused-ignore]
    """`keras.layers.Dense` without activation; `operand_dtype` is the type of the product's operands in training."""

    operand_dtype: str | None = None

    def call(self, hidden: Any, training: bool = False) -> Any:
        product = _product(hidden, ops.convert_to_tensor(self.kernel), self.operand_dtype if training else None)
        return tf.nn.bias_add(product, ops.convert_to_tensor(self.bias))


@keras.saving.register_keras_serializable(package="textrnn")
class TiedLogits(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
    """Logits from the dot product with each token's embedding, plus a bias.

    Args:
        vocab_size: number of tokens.

    Call:
        hidden float32[..., embed], table float32[vocab, embed] -> float32[..., vocab]

    Reference:
        Press and Wolf, 2017, PredictOptions the output embedding to improve language models.
    """

    operand_dtype: str | None = None

    def __init__(self, vocab_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocab_size = vocab_size

    def build(self, hidden_shape: Any, table_shape: Any = None) -> None:
        self.bias = self.add_weight(shape=(self.vocab_size,), initializer="zeros", name="bias")

    def call(self, hidden: Any, table: Any, training: bool = False) -> Any:
        product = _product(hidden, ops.transpose(table), self.operand_dtype if training else None)
        return tf.nn.bias_add(product, ops.convert_to_tensor(self.bias))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "vocab_size": self.vocab_size}
