"""Which model is used: temperatures, a mixture of models, and the choice, all found on rows that were held out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, DataError
from textrnn.classifier.label_kind import SOFTMAX, Decision, LabelKind
from textrnn.report.calibration import softmax
from textrnn.report.metrics import SMALLEST, checked

POOLS = ("linear", "log")  # of pooling probabilities; has nothing to do with the linear model
# Weights that are tried: the finest parts of 1 with at most so many combinations.
PARTS, LARGEST_GRID = (20, 10, 5, 4, 2, 1), 70
# Equal weights are preferred: others are charged PULL times their squared distance from them, in nats over all rows.
# The weights 0 and 1 are charged 2.5 nats: too much to be made up for on 20 rows, and little on 200.
PULL = 5.0
TIED = 6  # decimals of a loss that count


@dataclass(frozen=True)
class Mixture:
    """How models are mixed.

    Attributes:
        kind: `linear` (linear pool: mean of probabilities) or `log` (log pool: mean of their logarithms, made to sum to
            1 again).
        weights: one for each model, from 0 to 1, in all 1.

    Reference:
        C. Genest and J. V. Zidek, 1986, Combining probability distributions: a critique and an annotated bibliography.

    Example:
        >>> a, b = np.array([[0.5, 0.5]]), np.array([[0.9, 0.1]])
        >>> Mixture("linear", (0.75, 0.25))([a, b]).round(4).tolist()
        [[0.6, 0.4]]
        >>> Mixture("log", (0.5, 0.5))([a, b]).round(4).tolist()  # the odds 1 and 9 give sqrt(1 * 9) = 3
        [[0.75, 0.25]]
    """

    kind: str
    weights: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """The mixture for `run.json`."""
        return dict(kind=self.kind, weights=list(self.weights))

    @classmethod
    def from_json(cls, values: Any) -> Mixture:
        """The inverse of `to_json`.

        Raises:
            ConfigError: it is no mixture.
        """
        try:
            kind, weights = values["kind"], tuple(float(weight) for weight in values["weights"])
        except (KeyError, TypeError, ValueError):
            raise ConfigError(f"a mixture is {values!r:.60}: expected an object with kind and weights") from None
        if kind not in POOLS or not all(0 <= weight <= 1 for weight in weights) or abs(sum(weights) - 1) > 1e-6:
            raise ConfigError(f"a mixture is {values!r:.60}: expected linear or log, and weights that sum to 1")
        return cls(kind, weights)

    def __call__(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """The mixed predictions, float64[rows, width], of one float[rows, width] for each model."""
        if len(parts) != len(self.weights):
            raise DataError(f"{len(parts)} models for {len(self.weights)} weights: expected one for each")
        if self.kind == "linear":
            mixed = sum(weight * np.asarray(part, np.float64) for part, weight in zip(parts, self.weights, strict=True))
            return np.asarray(mixed)
        pairs = [(part, weight) for part, weight in zip(parts, self.weights, strict=True) if weight]
        return softmax(np.asarray(sum(weight * _logs(part) for part, weight in pairs)))


def _logs(probabilities: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.log(np.clip(np.asarray(probabilities, np.float64), SMALLEST, None))
    return found


def best_mixture(parts: Sequence[np.ndarray], labels: np.ndarray, kind: LabelKind) -> Mixture:
    """The mixture with the lowest log-loss on held-out rows, with a charge for unequal weights (see PULL).

    The share of rows that are right would be more a matter of chance: choosing by it lost accuracy on other rows
    (`benchmarks/README.md`).

    Args:
        parts: float[rows, width] for each model, predictions for rows that none has learnt from; calibrate them before.
        labels: of these rows, as the kind has them.
        kind: of the labels.

    Returns:
        the mixture; a model that does not help has the weight 0.

    Raises:
        DataError: there are no rows or no models, or shapes do not fit.

    Reference:
        D. H. Wolpert, 1992, Stacked generalization; C. Genest and J. V. Zidek, 1986.

    Example:
        >>> from textrnn.classifier.kinds import Classes
        >>> knows, guesses = np.tile([[0.9, 0.1], [0.1, 0.9]], (50, 1)), np.full((100, 2), 0.5)
        >>> best_mixture([knows, guesses], np.tile([0, 1], 50), Classes(["bad", "good"]))
        Mixture(kind='linear', weights=(1.0, 0.0))
    """
    if not parts:
        raise DataError("there are no models to mix: expected at least one")
    if kind.loss == SOFTMAX:
        pairs = [checked(labels, part, len(kind.names)) for part in parts]
        labels, parts = pairs[0][0], [part for _, part in pairs]
    pools = POOLS if kind.mixes_logarithms else POOLS[:1]
    # One model alone is the same in each kind: two of it would tie but for rounding.
    tried = [Mixture(each, weights) for weights in _grid(len(parts)) for each in (POOLS[:1] if 1 in weights else pools)]
    costs = [len(labels) * kind.nats(labels, mixture(parts)) + PULL * _inequality(mixture) for mixture in tried]
    return tried[int(np.argmin(costs))]


def _inequality(mixture: Mixture) -> float:
    """The squared distance of the weights from equal ones."""
    return sum((weight - 1 / len(mixture.weights)) ** 2 for weight in mixture.weights)


def _grid(num_models: int) -> Iterator[tuple[float, ...]]:
    """Weights that sum to 1, equal ones first."""
    yield (1 / num_models,) * num_models
    if num_models == 1:
        return
    sizes = [(math.comb(parts + num_models - 1, parts), parts) for parts in PARTS]
    parts = next((parts for size, parts in sizes if size <= LARGEST_GRID), 1)
    for cuts in itertools.combinations(range(parts + num_models - 1), num_models - 1):
        ends = (-1, *cuts, parts + num_models - 1)  # stars and bars
        yield tuple((end - begin - 1) / parts for begin, end in itertools.pairwise(ends))


def predictions_by_model(
    outputs: Mapping[str, np.ndarray], temperatures: Mapping[str, float], mixture: Mixture | None, kind: LabelKind
) -> dict[str, np.ndarray]:
    """What models say, and their mixture as `combined` if both are there: float64[rows, width] by name.

    Args:
        outputs: float[rows, outputs] of `linear`, `rnn` or both.
        temperatures: what the outputs of each are divided by.
        mixture: of linear and recurrent predictions, if it was found.
        kind: of the labels.
    """
    found = {name: kind.predictions(own, temperatures.get(name, 1.0)) for name, own in outputs.items()}
    if mixture is not None and {"linear", "rnn"} <= found.keys():
        found["combined"] = mixture([found["linear"], found["rnn"]])
    return found


@dataclass(frozen=True)
class Choice:
    """Which model is used, and how, chosen on rows that none of the models has learnt from.

    Attributes:
        chosen: `linear`, `rnn` or `combined`.
        temperatures: what the outputs of each model are divided by.
        mixture: of linear and recurrent predictions, if there are both.
        rows: int64, the numbers of these rows.
        predictions: float64[rows, width] of each model on them.
        decisions: what the predictions of each model are decided by, see `LabelKind.decision`.
        losses: mean loss of each model on them, see `LabelKind.losses`.
        nats: log-loss of each model on them, see `LabelKind.nats`.
    """

    chosen: str
    temperatures: dict[str, float] = field(default_factory=dict)
    mixture: Mixture | None = None
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    predictions: dict[str, np.ndarray] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    losses: dict[str, float] = field(default_factory=dict)
    nats: dict[str, float] = field(default_factory=dict)

    def predict(self, outputs: Mapping[str, np.ndarray], kind: LabelKind) -> np.ndarray:
        """What the model that is used says of texts: float64[texts, width].

        Args:
            outputs: float[texts, outputs] of each model, by name.
            kind: of the labels.
        """
        return predictions_by_model(outputs, self.temperatures, self.mixture, kind)[self.chosen]


def choose(outputs: Mapping[str, np.ndarray], labels: np.ndarray, kind: LabelKind, wanted: str) -> Choice:
    """Finds temperatures, mixture and decisions, and chooses a model.

    Of classes it is the one with the lowest log-loss, which is less a matter of chance than the rows that are right;
    of other kinds the one with the lowest mean loss.

    Args:
        outputs: float64[rows, outputs] of `linear`, `rnn` or both, by models that had not learnt from the row; NaN in
            rows that a model has not predicted. Rows that all have predicted count; without any, the first model is
            chosen.
        labels: of all rows, as their kind has them.
        kind: of the labels.
        wanted: the model that is asked for, or `auto`.
    """
    known = ~np.isnan(np.stack([array[:, 0] for array in outputs.values()])).any(0)
    if len(outputs) > 1 and not known.any():  # both were cut short: the simpler one is used
        return choose(dict(list(outputs.items())[:1]), labels, kind, wanted)
    labels, rows = labels[known], np.flatnonzero(known)
    temperatures = {name: kind.temperature(array[known], labels) for name, array in outputs.items()}
    found = {name: kind.predictions(array[known], temperatures[name]) for name, array in outputs.items()}
    mixture = None
    if len(found) > 1:
        parts = [found["linear"], found["rnn"]]
        mixture = best_mixture(parts, labels, kind)
        found["combined"] = mixture(parts)
    decisions = {name: kind.decision(own, labels) for name, own in found.items()}
    losses = {name: float(kind.losses(labels, own, decisions[name]).mean()) for name, own in found.items()}
    nats = {name: kind.nats(labels, own) for name, own in found.items()}
    # Of models that differ by rounding alone, the first is the simplest.
    measured = nats if kind.loss == SOFTMAX else losses
    chosen = wanted if wanted in found else min(measured, key=lambda name: round(measured[name], TIED))
    return Choice(chosen, temperatures, mixture, rows, found, decisions, losses, nats)
