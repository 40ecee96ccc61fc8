"""What is learnt, as the trainer sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

State = list[Any]


class Batch(NamedTuple):
    """What one step learns from.

    Attributes:
        arrays: with the rows of the batch as first axis; the arguments of the loss.
        num_targets: how many targets, such as tokens, the rows of all workers have; a batch with none is passed over.
        reset: whether the carried state begins anew.
    """

    arrays: tuple[np.ndarray, ...]
    num_targets: float
    reset: bool = True


class Loss(NamedTuple):
    """The loss of some rows, as tensors. The mean `nats / weight` is reported, and differentiated with `unreported`.

    Attributes:
        nats: float32[], the sum over the targets.
        weight: float32[], the number of targets, or the sum of their weights.
        state: of the rows, after them.
        unreported: float32[], a mean that is differentiated as well: penalties on weights, and of a language model with
            counts its whole training loss, as `nats` is a constant there. None for none.
    """

    nats: Any
    weight: Any
    state: State = []  # noqa: RUF012 (never changed)
    unreported: Any = None


class Objective(Protocol):
    """What is learnt.

    Attributes:
        num_batches: batches of an epoch.
        variables: the Keras variables that learn.
        num_checked: targets that an evaluation reads; from it the time of the first one is estimated.
        evaluate: gives the mean loss in nats on what is held out; None where nothing is evaluated while learning.
    """

    num_batches: int
    variables: list[Any]
    num_checked: int

    def batch(self, epoch: int, index: int) -> Batch:
        """Batch `index` of epoch `epoch`, both from 0; the same one for the same numbers."""

    def loss(self, arrays: tuple[Any, ...], state: State) -> Loss:
        """The loss of some rows of a batch; part of a TensorFlow graph."""

    def initial_state(self, rows: int) -> State:
        """The state that is carried from batch to batch, as it begins; empty where none is."""

    @property
    def evaluate(self) -> Callable[[], float] | None:
        """See above."""
