"""Which model is used: temperatures, a mixture of models, and the choice, all found on rows that were held out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, DataError
from textrnn.report.calibration import apply_temperature, fit_temperature, softmax
from textrnn.report.metrics import SMALLEST, checked, log_loss

KINDS = ("linear", "log")  # of pooling probabilities; has nothing to do with the linear model
# Weights that are tried: the finest parts of 1 with at most so many combinations.
PARTS, LARGEST_GRID = (20, 10, 5, 4, 2, 1), 70
# Equal weights are preferred: others are charged PULL times their squared distance from them, in nats over all rows.
# The weights 0 and 1 are charged 2.5 nats: too much to be made up for on 20 rows, and little on 200.
PULL = 5.0


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
        if kind not in KINDS or not all(0 <= weight <= 1 for weight in weights) or abs(sum(weights) - 1) > 1e-6:
            raise ConfigError(f"a mixture is {values!r:.60}: expected linear or log, and weights that sum to 1")
        return cls(kind, weights)

    def __call__(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """The mixed probabilities, float64[rows, classes], of one float[rows, classes] for each model."""
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


def best_mixture(parts: Sequence[np.ndarray], labels: np.ndarray) -> Mixture:
    """The mixture that does best on held-out rows, as far as these can tell.

    The highest accuracy on few rows is partly chance: choosing by it lost 0.5 points of true accuracy with 200 held-out
    rows and 0.2 with 700, on simulated pairs of models. So mixtures count as equally accurate when the most accurate
    one is ahead by no more than one standard error of the difference, the square root of the number of rows on which
    just one of the two is right. Of these the one with the lowest log-loss is taken, with a charge for unequal weights
    (see PULL). That lost 0.2 points with 200 rows, and 0.1 with 700.

    Args:
        parts: float[rows, classes] for each model, of rows that none has learnt from; calibrate them before.
        labels: int[rows], their true classes.

    Returns:
        the mixture; a model that does not help has the weight 0.

    Raises:
        DataError: there are no rows or no models, or shapes do not fit.

    Reference:
        L. Breiman, J. Friedman, R. Olshen and C. Stone, 1984, Classification and regression trees, section 3.4.3 (the
        rule of one standard error); C. Genest and J. V. Zidek, 1986.

    Example:
        >>> knows, guesses = np.tile([[0.9, 0.1], [0.1, 0.9]], (50, 1)), np.full((100, 2), 0.5)
        >>> best_mixture([knows, guesses], np.tile([0, 1], 50))
        Mixture(kind='linear', weights=(1.0, 0.0))
    """
    if not parts:
        raise DataError("there are no models to mix: expected at least one")
    pairs = [checked(labels, part, np.shape(part)[-1]) for part in parts]
    labels, parts = pairs[0][0], [part for _, part in pairs]
    # One model alone is the same in each kind: two of it would tie but for rounding.
    tried = [Mixture(kind, weights) for weights in _grid(len(parts)) for kind in (KINDS[:1] if 1 in weights else KINDS)]
    right, costs = np.empty((len(tried), len(labels)), bool), np.empty(len(tried))
    for number, mixture in enumerate(tried):
        mixed = mixture(parts)
        right[number] = mixed.argmax(1) == labels
        distance = sum((weight - 1 / len(parts)) ** 2 for weight in mixture.weights)
        costs[number] = len(labels) * log_loss(labels, mixed) + PULL * distance
    num_right = right.sum(1)
    ahead = int(np.lexsort((costs, -num_right))[0])
    errors = np.sqrt((right != right[ahead]).sum(1))
    return tried[int(np.where(num_right[ahead] - num_right <= errors, costs, np.inf).argmin())]


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


@dataclass(frozen=True)
class Choice:
    """Which model is used, and how, chosen on rows that none of the models has learnt from.

    Attributes:
        chosen: `linear`, `rnn` or `combined`.
        temperatures: what the logits of each model are divided by.
        mixture: of linear and recurrent probabilities, if there are both.
        rows: int64, the numbers of these rows.
        probabilities: float64[rows, classes] of each model on them.
        accuracy: of each model on them, from 0 to 1.
    """

    chosen: str
    temperatures: dict[str, float] = field(default_factory=dict)
    mixture: Mixture | None = None
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    probabilities: dict[str, np.ndarray] = field(default_factory=dict)
    accuracy: dict[str, float] = field(default_factory=dict)


def choose(logits: Mapping[str, np.ndarray], labels: np.ndarray, kind: str) -> Choice:
    """Finds temperatures and mixture, and chooses a model.

    Args:
        logits: float64[rows, classes] of `linear`, `rnn` or both, by models that had not learnt from the row; NaN in
            rows that a model has not predicted. Rows that all have predicted count; without any, the first model is
            chosen.
        labels: int64[rows], the true classes.
        kind: the model that is asked for, or `auto`.
    """
    known = ~np.isnan(np.stack([array[:, 0] for array in logits.values()])).any(0)
    if len(logits) > 1 and not known.any():  # both were cut short: the simpler one is used
        return choose(dict(list(logits.items())[:1]), labels, kind)
    labels, rows = labels[known], np.flatnonzero(known)
    temperatures = {name: fit_temperature(array[known], labels) for name, array in logits.items()}
    found = {name: apply_temperature(array[known], temperatures[name]) for name, array in logits.items()}
    mixture = None
    if len(found) > 1:
        parts = [found["linear"], found["rnn"]]
        mixture = best_mixture(parts, labels)
        found["combined"] = mixture(parts)
    accuracy = {name: float((own.argmax(1) == labels).mean()) for name, own in found.items()}
    chosen = kind if kind in found else _simplest_good(found, labels)
    return Choice(chosen, temperatures, mixture, rows, found, accuracy)


def _simplest_good(found: dict[str, np.ndarray], labels: np.ndarray) -> str:
    """The first model, unless a later one, which is less simple, is better by more than one standard error.

    The error is that of the difference: the root of the number of rows on which just one of the two is right.

    Reference:
        L. Breiman, J. Friedman, R. Olshen and C. Stone, 1984, Classification and regression trees, section 3.4.3.
    """
    chosen, *others = found
    for name in others:
        new, old = (found[model].argmax(1) == labels for model in (name, chosen))
        if new.sum() - old.sum() > math.sqrt((new != old).sum()):
            chosen = name
    return chosen
