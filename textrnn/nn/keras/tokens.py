"""The ends of a language model: tokens to vectors, the condition of each step, and vectors to logits."""

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
        Press and Wolf, 2017, Using the output embedding to improve language models.
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


@keras.saving.register_keras_serializable(package="textrnn")
class Conditions(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
    """Tells the condition of each step, which ids among the tokens set, and carries it on.

    Args:
        num: number of conditions.
        first_id: the id that sets the first of them; `first_id + num` sets none, and ids below change nothing.
        dropout: share of the ids whose condition is taken for none while training.
        seed: of dropout.

    Call:
        ids int32[batch, steps], before float32[batch, num] -> float32[batch, steps, num], a one-hot vector for each
        step (zeros for no condition), and float32[batch, num], that of the last step.

    Example:
        >>> layer = Conditions(2, first_id=9)
        >>> each, last = layer(ops.array([[5, 10, 5, 11, 5]]), ops.array([[0.5, 0.5]]))
        >>> ops.convert_to_numpy(each).tolist()
        [[[0.5, 0.5], [0.0, 1.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]]
    """

    def __init__(self, num: int, *, first_id: int, dropout: float = 0.0, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num, self.first_id, self.dropout, self.seed = num, first_id, dropout, seed
        self.random = keras.random.SeedGenerator(seed) if dropout else None

    def build(self, ids_shape: Any, before_shape: Any = None) -> None:
        """It has no weights."""

    def call(self, ids: Any, before: Any, training: bool = False) -> tuple[Any, Any]:
        numbers, steps = ids - self.first_id, ops.arange(ops.shape(ids)[1])
        is_set = numbers >= 0
        if training and self.random is not None:
            hidden = keras.random.uniform(ops.shape(ids), seed=self.random) < self.dropout
            numbers = ops.where(hidden, self.num, numbers)
        # The last step up to each one that sets a condition, -1 if there is none: a running maximum.
        places = ops.where(is_set, steps, -1)
        reached = ops.where(steps[None, :] <= steps[:, None], places[:, None, :], -1)  # [batch, steps, steps]
        last = ops.max(reached, -1)
        own = ops.take_along_axis(numbers, ops.maximum(last, 0), axis=1)
        each = ops.where(last[:, :, None] >= 0, ops.one_hot(own, self.num), before[:, None, :])
        return each, each[:, -1]

    def get_config(self) -> dict[str, Any]:
        own = dict(num=self.num, first_id=self.first_id, dropout=self.dropout, seed=self.seed)
        return {**super().get_config(), **own}
