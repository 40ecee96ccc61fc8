"""The first and the last layer of a language model: tokens to vectors, and vectors to logits."""

from __future__ import annotations

from typing import Any

import keras
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


@keras.saving.register_keras_serializable(package="textrnn")
class TiedLogits(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
    """Logits from the dot product with each token's embedding, plus a bias.

    Args:
        vocab_size: number of tokens.

    Call:
        hidden float32[..., embed], table float32[vocab, embed] -> float32[..., vocab]

    Reference:
        Press and Wolf, 2017, Using the output embedding to improve language models.
    """

    def __init__(self, vocab_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocab_size = vocab_size

    def build(self, hidden_shape: Any, table_shape: Any = None) -> None:
        self.bias = self.add_weight(shape=(self.vocab_size,), initializer="zeros", name="bias")

    def call(self, hidden: Any, table: Any) -> Any:
        return ops.matmul(hidden, ops.transpose(table)) + self.bias

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "vocab_size": self.vocab_size}
