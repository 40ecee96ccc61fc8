"""What one network of a classifier learns from, and what comes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from textrnn.classifier.options import ClassifierConfig


@dataclass(frozen=True)
class ToFit:
    """What one network of a classifier learns from, and within which time.

    Attributes:
        config: all options.
        texts: ids of each row, int32[steps], at least one.
        labels: int[rows], the class of each.
        held: ids of rows to predict at the end.
        vocab_size: number of tokens.
        num_classes: number of classes.
        class_weights: float[classes], what a row of each class counts in the loss.
        random_seed: decides all that is drawn: initial weights, order, dropout.
        seconds: after which training has to end; the learning rate falls so that it is low then.
        interrupted: whether to stop after this step.
        on_step: told the share that is done and the loss in nats.
    """

    config: ClassifierConfig
    texts: Sequence[np.ndarray]
    labels: np.ndarray
    held: Sequence[np.ndarray]
    vocab_size: int
    num_classes: int
    class_weights: np.ndarray
    random_seed: int
    seconds: float = math.inf
    interrupted: Callable[[], bool] = lambda: False
    on_step: Callable[[float, float], None] = lambda done, nats: None


@dataclass
class Fitted:
    """A trained network of a classifier.

    Attributes:
        weights: its arrays by name.
        logits: float32[rows, classes] of the rows that were held out.
        history: a row for each pass: `epoch`, `train_nats`, `seconds`; none of a reservoir.
    """

    weights: dict[str, np.ndarray]
    logits: np.ndarray
    history: list[dict[str, float]] = field(default_factory=list)
