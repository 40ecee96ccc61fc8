"""The condition of each step of a text: what the id that began its document says."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


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
