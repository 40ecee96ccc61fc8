"""What one network of a classifier learns from, and what comes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from textrnn.classifier.label_kind import LabelKind
from textrnn.classifier.options import ClassifierConfig
from textrnn.classifier.vectors import StartVectors

Reader = Callable[[Sequence[np.ndarray]], np.ndarray]  # from texts as ids to outputs, float32[texts, outputs]

# Passes over the rows: more than about six overfit, but of few rows it takes more to make enough steps, and of very
# many three are enough: the time is better spent on another network.
FEWEST_EPOCHS, EPOCHS, MOST_EPOCHS = 3.0, 6.0, 40.0
ENOUGH_STEPS, MANY_STEPS = 500, 2500


def usual_epochs(steps: int) -> float:
    """Passes over the rows, if nothing is said of them, of which each takes some steps.

    Example:
        >>> [usual_epochs(steps) for steps in (10, 50, 300, 500, 3000)]
        [40.0, 10.0, 6.0, 5.0, 3.0]
    """
    few, many = min(MOST_EPOCHS, ENOUGH_STEPS / steps), max(FEWEST_EPOCHS, MANY_STEPS / steps)
    return max(few, min(EPOCHS, many))


@dataclass(frozen=True, kw_only=True)
class PretrainRequest:
    """What one network learns from when it learns from texts alone, and within which time.

    Attributes:
        config: all options.
        texts: ids of each text, int32[steps], at least one.
        vocab_size: number of tokens.
        vectors: what the embedding starts with; no text has a token that is unseen there.
        random_seed: seed of the initial weights, the order and dropout.
        seconds: after which training has to end; the learning rate falls so that it is low then.
        interrupted: whether to stop after this step.
        on_step: is called with the share that is done and the loss in nats.
    """

    config: ClassifierConfig
    texts: Sequence[np.ndarray]
    vocab_size: int
    vectors: StartVectors | None = None
    random_seed: int = 0
    seconds: float = math.inf
    interrupted: Callable[[], bool] = lambda: False
    on_step: Callable[[float, float], None] = lambda done, nats: None


@dataclass(frozen=True)
class Taught:
    """Texts without labels, and what is taken for theirs.

    Attributes:
        texts: ids of each text, int32[steps].
        targets: float32[texts, outputs], see `LabelKind.soft_targets`.
    """

    texts: Sequence[np.ndarray] = ()
    targets: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))


@dataclass(frozen=True, kw_only=True)
class NetworkRequest(PretrainRequest):
    """What one network learns from when texts have labels.

    Attributes:
        kind: of the labels.
        labels: of each text, as the kind has them.
        row_weights: float[rows], what each text counts in the loss.
        held: ids of the texts to predict at the end.
        taught: texts without labels that are learnt from too.
        initial: weights to begin with, by name; those that are not there begin at random, and so does what they lack
            of the end of the vocabulary.
    """

    kind: LabelKind
    labels: np.ndarray
    row_weights: np.ndarray
    held: Sequence[np.ndarray]
    taught: Taught = field(default_factory=Taught)
    initial: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass
class FittedNetwork:
    """A trained network.

    Attributes:
        weights: its arrays by name.
        outputs: float32[rows, outputs] of the texts that were held out.
        history: a row for each pass: `epoch`, `train_nats`, `seconds`; none of a reservoir.
        read: gives the outputs of further texts as ids, float32[texts, outputs].
    """

    weights: dict[str, np.ndarray]
    outputs: np.ndarray
    history: list[dict[str, float]] = field(default_factory=list)
    read: Reader | None = None
