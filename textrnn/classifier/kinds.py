"""The kinds of labels: what models learn of each, and what they say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from textrnn.base.errors import ConfigError, RunError
from textrnn.classifier.label_kind import (
    CLASSES,
    GRADES,
    HUBER,
    NUMBERS,
    SEVERAL,
    SIGMOID,
    SOFTMAX,
    Decision,
    LabelKind,
)
from textrnn.classifier.splits import folded
from textrnn.report.calibration import apply_temperature, fit_temperature
from textrnn.report.metrics import SMALLEST, confusion_matrix, evaluate, log_loss
from textrnn.report.more_metrics import (
    best_thresholds,
    evaluate_numbers,
    evaluate_several,
    quadratic_kappa,
    ranks,
    row_losses,
)

INTERVAL_SHARE = 0.9  # of the true numbers that are to lie within the interval of a prediction
LEAST = 1e-9  # of a probability in log-odds
STRATA = 10  # groups of about equal numbers, which are spread evenly over folds


@dataclass(frozen=True)
class _Named:
    """What kinds of labels with names have in common: an output, and a column of probabilities, for each."""

    names: Sequence[str]
    form: ClassVar[str] = ".4f"
    counts_errors = False
    unit: ClassVar[float] = 1.0

    @property
    def num_outputs(self) -> int:
        """See `LabelKind`."""
        return len(self.names)

    @property
    def columns(self) -> list[str]:
        """See `LabelKind`."""
        return [f"p({label})" for label in self.names]

    def figures(self, prediction: np.ndarray, decision: Decision) -> list[float]:
        """See `LabelKind`."""
        found: list[float] = prediction.tolist()
        return found


@dataclass(frozen=True)
class Classes(_Named):
    """One of some classes a row. Labels are int64[rows], predictions probabilities that sum to 1."""

    task: ClassVar[str] = CLASSES
    loss: ClassVar[str] = SOFTMAX
    mixes_logarithms: ClassVar[bool] = True
    counts_errors = True

    def targets(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelKind`."""
        classes: np.ndarray = labels.astype(np.int32)
        return classes

    def soft_targets(self, predictions: np.ndarray) -> np.ndarray:
        """See `LabelKind`: probabilities."""
        return predictions.astype(np.float32)

    def strata(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelKind`: the classes."""
        return labels

    def temperature(self, outputs: np.ndarray, labels: np.ndarray) -> float:
        """See `LabelKind`."""
        return fit_temperature(outputs, labels)

    def predictions(self, outputs: np.ndarray, temperature: float) -> np.ndarray:
        """See `LabelKind`."""
        return apply_temperature(outputs, temperature)

    def mean(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelKind`."""
        counts = np.bincount(labels, minlength=len(self.names))
        shares: np.ndarray = counts / counts.sum() if counts.any() else np.full(len(counts), 1 / len(counts))
        return shares

    def decision(self, predictions: np.ndarray, labels: np.ndarray) -> Decision:
        """See `LabelKind`: the most probable class needs none."""
        return np.zeros(0)

    def losses(self, labels: np.ndarray, predictions: np.ndarray, decision: Decision) -> np.ndarray:
        """See `LabelKind`: 0 where the most probable class is right, else 1."""
        wrong: np.ndarray = self.best(predictions) != labels
        return wrong.astype(np.float64)

    def in_words(self, loss: float) -> str:
        """See `LabelKind`."""
        return f"{100 * (1 - loss):.1f} % right"

    def nats(self, labels: np.ndarray, predictions: np.ndarray) -> float:
        """See `LabelKind`."""
        return log_loss(labels, predictions)

    def evaluate(self, labels: np.ndarray, predictions: np.ndarray, decision: Decision) -> dict[str, Any]:
        """See `LabelKind`, `textrnn.report.metrics.evaluate`."""
        return evaluate(labels, predictions, self.names)

    def best(self, predictions: np.ndarray) -> np.ndarray:
        """The predicted class of each row, int64[rows]."""
        best: np.ndarray = predictions.argmax(1)
        return best

    def say(self, predictions: np.ndarray, decision: Decision) -> tuple[list[str], list[float | None]]:
        """See `LabelKind`."""
        best = self.best(predictions)
        return [self.names[k] for k in best.tolist()], predictions[np.arange(len(best)), best].tolist()

    def scores(self, predictions: np.ndarray, column: int) -> np.ndarray:
        """See `LabelKind`."""
        return log_odds(predictions[:, column], np.delete(predictions, column, 1).sum(1))

    def explained(self, prediction: np.ndarray, decision: Decision, label: Any) -> list[int]:
        """See `LabelKind`: the predicted one."""
        found: list[int] = self.best(prediction[None]).tolist()
        return found

    def facts(self, prediction: np.ndarray, decision: Decision) -> dict[str, Any]:
        """See `LabelKind`: `probabilities` by label."""
        return dict(probabilities=dict(zip(self.names, prediction.tolist(), strict=True)))

    def to_json(self) -> dict[str, Any]:
        """See `LabelKind`."""
        return dict(task=self.task, names=list(self.names))


@dataclass(frozen=True)
class CostClasses(Classes):
    """Classes where an error costs more on rows of one than of another. What is expected to cost least is predicted.

    Attributes:
        costs: of an error on a row of each class.

    Reference:
        C. Elkan, 2001, The foundations of cost-sensitive learning.
    """

    costs: Sequence[float] = ()
    counts_errors = False

    def best(self, predictions: np.ndarray) -> np.ndarray:
        """See `Classes`."""
        best: np.ndarray = (predictions * np.asarray(self.costs)).argmax(1)
        return best

    @property
    def thresholds(self) -> dict[str, float]:
        """Of two classes the probability from which on each is predicted, by its name."""
        return {name: 1 - cost / sum(self.costs) for name, cost in zip(self.names, self.costs, strict=True)}

    def losses(self, labels: np.ndarray, predictions: np.ndarray, decision: Decision) -> np.ndarray:
        """See `LabelKind`: the cost of each row."""
        return self._cost(labels, self.best(predictions))

    def _cost(self, labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.asarray(self.costs)[labels] * (predicted != labels)
        return found

    def in_words(self, loss: float) -> str:
        """See `LabelKind`."""
        return f"cost {loss:.3f} a row"

    def evaluate(self, labels: np.ndarray, predictions: np.ndarray, decision: Decision) -> dict[str, Any]:
        """See `LabelKind`: what classes have, and `cost`: a row's mean `with` the threshold and `without` it."""
        found = evaluate(labels, predictions, self.names, predicted=self.best(predictions))
        cost = {
            "costs": dict(zip(self.names, self.costs, strict=True)),
            "thresholds": self.thresholds,
            "with": float(self.losses(labels, predictions, decision).mean()),
            "without": float(self._cost(labels, predictions.argmax(1)).mean()),
        }
        return {**found, "cost": cost}

    def to_json(self) -> dict[str, Any]:
        """See `LabelKind`."""
        return dict(**super().to_json(), costs=list(self.costs))


@dataclass(frozen=True)
class Grades(Classes):
    """One of some grades a row, of which each is worth a number, rising. Labels are places among them.

    The outputs are learnt as the answers to "is it more than this grade?", one for each but the highest, which share
    all of the network but the last layer.

    Attributes:
        values: what each grade is worth.

    Reference:
        Niu et al., 2016, Ordinal regression with multiple output CNN for age estimation.
    """

    values: Sequence[float]
    task: ClassVar[str] = GRADES
    loss: ClassVar[str] = SIGMOID
    counts_errors = False

    @property
    def num_outputs(self) -> int:
        """See `LabelKind`."""
        return len(self.names) - 1

    def targets(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelKind`."""
        return (labels[:, None] > np.arange(self.num_outputs)).astype(np.float32)

    def soft_targets(self, predictions: np.ndarray) -> np.ndarray:
        """See `LabelKind`: the probability that it is more than each grade."""
        return (1 - predictions.cumsum(1)[:, :-1]).astype(np.float32)

    def temperature(self, outputs: np.ndarray, labels: np.ndarray) -> float:
        """See `LabelKind`."""
        return _sigmoid_temperature(outputs, self.targets(labels) > 0)

    def predictions(self, outputs: np.ndarray, temperature: float) -> np.ndarray:
        """See `LabelKind`: the probability of each grade. That it is more can never rise with the grade."""
        more = np.minimum.accumulate(sigmoid(outputs / temperature), 1)
        ends = np.pad(more, ((0, 0), (1, 1)), constant_values=((0, 0), (1, 0)))
        found: np.ndarray = ends[:, :-1] - ends[:, 1:]
        return found

    def losses(self, labels: np.ndarray, predictions: np.ndarray, decision: Decision) -> np.ndarray:
        """See `LabelKind`: how far the predicted grade is from the true one, in what grades are worth."""
        values = np.asarray(self.values)
        found: np.ndarray = np.abs(values[self.best(predictions)] - values[labels])
        return found

    def best(self, predictions: np.ndarray) -> np.ndarray:
        """See `Classes`."""
        return medians(predictions)

    def in_words(self, loss: float) -> str:
        """See `LabelKind`."""
        return f"off by {loss:.3f} on average"

    def evaluate(self, labels: np.ndarray, predictions: np.ndarray, decision: Decision) -> dict[str, Any]:
        """See `LabelKind`: what classes have, `mae`, `quadratic_kappa` and `spearman`."""
        predicted, values = self.best(predictions), np.asarray(self.values)
        numbers = evaluate_numbers(values[labels], values[predicted])
        kappa = quadratic_kappa(confusion_matrix(labels, predicted, len(values)), values)
        return dict(
            **evaluate(labels, predictions, self.names, predicted=predicted),
            mae=numbers["mae"],
            quadratic_kappa=kappa,
            spearman=numbers["spearman"],
        )

    def to_json(self) -> dict[str, Any]:
        """See `LabelKind`."""
        return dict(task=self.task, names=list(self.names), values=list(self.values))


@dataclass(frozen=True)
class Several(_Named):
    """Any number of labels a row. Labels are bool[rows, labels], predictions the probability of each by itself."""

    separator: str = ", "
    task: ClassVar[str] = SEVERAL
    loss: ClassVar[str] = SIGMOID
    mixes_logarithms: ClassVar[bool] = False

    def targets(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelKind`."""
        return labels.astype(np.float32)

    def soft_targets(self, predictions: np.ndarray) -> np.ndarray:
        """See `LabelKind`: probabilities."""
        return predictions.astype(np.float32)

    def strata(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelKind`: the rarest label of a row, or none."""
        often = np.append(labels.sum(0), len(labels) + 1)
        has = np.concatenate([labels, np.ones((len(labels), 1), bool)], 1)
        found: np.ndarray = np.where(has, often, np.iinfo(np.int64).max).argmin(1)
        return found

    def temperature(self, outputs: np.ndarray, labels: np.ndarray) -> float:
        """See `LabelKind`."""
        return _sigmoid_temperature(outputs, labels)

    def predictions(self, outputs: np.ndarray, temperature: float) -> np.ndarray:
        """See `LabelKind`."""
        return sigmoid(outputs / temperature)

    def mean(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelKind`."""
        shares: np.ndarray = labels.mean(0)
        return shares

    def decision(self, predictions: np.ndarray, labels: np.ndarray) -> Decision:
        """See `LabelKind`: the threshold of each label."""
        return np.array(best_thresholds(labels, predictions))

    def losses(self, labels: np.ndarray, predictions: np.ndarray, decision: Decision) -> np.ndarray:
        """See `LabelKind`: 1 - F1 of each row."""
        return row_losses(labels, predictions >= decision)

    def in_words(self, loss: float) -> str:
        """See `LabelKind`."""
        return f"F1 of a row {1 - loss:.3f}"

    def nats(self, labels: np.ndarray, predictions: np.ndarray) -> float:
        """See `LabelKind`: of all labels of a row."""
        right = np.where(labels, predictions, 1 - predictions)
        return float(-np.log(np.clip(right, SMALLEST, 1)).sum(1).mean())

    def evaluate(self, labels: np.ndarray, predictions: np.ndarray, decision: Decision) -> dict[str, Any]:
        """See `LabelKind`, `textrnn.report.more_metrics.evaluate_several`."""
        return evaluate_several(labels, predictions, decision, self.names)

    def say(self, predictions: np.ndarray, decision: Decision) -> tuple[list[str], list[float | None]]:
        """See `LabelKind`; the probability is that of the label that is least sure."""
        has = predictions >= decision
        sure = np.where(has, predictions, 1 - predictions).min(1)
        return [self.written(row) for row in has], sure.tolist()

    def scores(self, predictions: np.ndarray, column: int) -> np.ndarray:
        """See `LabelKind`."""
        return log_odds(predictions[:, column], 1 - predictions[:, column])

    def explained(self, prediction: np.ndarray, decision: Decision, label: Any) -> list[int]:
        """See `LabelKind`: those that are predicted or given; without any the most probable one."""
        has = prediction >= decision if label is None else (prediction >= decision) | np.asarray(label)
        found: list[int] = np.flatnonzero(has).tolist()
        return found or [int(prediction.argmax())]

    def written(self, has: np.ndarray) -> str:
        """Labels, bool[labels], as they are written in a cell."""
        return self.separator.join(self._named(has))

    def _named(self, has: np.ndarray) -> list[str]:
        return [name for name, is_there in zip(self.names, has.tolist(), strict=True) if is_there]

    def facts(self, prediction: np.ndarray, decision: Decision) -> dict[str, Any]:
        """See `LabelKind`: `labels`, and `probabilities` by label."""
        probabilities = dict(zip(self.names, prediction.tolist(), strict=True))
        return dict(labels=self._named(prediction >= decision), probabilities=probabilities)

    def to_json(self) -> dict[str, Any]:
        """See `LabelKind`."""
        return dict(task=self.task, names=list(self.names), separator=self.separator)


@dataclass(frozen=True)
class Numbers:
    """A number a row. Labels are float64[rows], predictions float64[rows, 1].

    Attributes:
        middle, spread: mean and standard deviation of the rows that were learnt from, by which the output is scaled.
    """

    middle: float = 0.0
    spread: float = 1.0
    names: ClassVar[Sequence[str]] = ()
    task: ClassVar[str] = NUMBERS
    counts_errors = False
    loss: ClassVar[str] = HUBER
    mixes_logarithms: ClassVar[bool] = False
    form: ClassVar[str] = ".6g"

    @property
    def num_outputs(self) -> int:
        """See `LabelKind`."""
        return 1

    def targets(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelKind`."""
        return ((labels[:, None] - self.middle) / self.spread).astype(np.float32)

    def soft_targets(self, predictions: np.ndarray) -> np.ndarray:
        """See `LabelKind`: the numbers, scaled."""
        return self.targets(predictions[:, 0])

    def strata(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelKind`: tenths by size."""
        found: np.ndarray = ((ranks(labels) - 1) * STRATA // len(labels)).astype(np.int64)
        return found

    def temperature(self, outputs: np.ndarray, labels: np.ndarray) -> float:
        """See `LabelKind`: numbers need none."""
        return 1.0

    def predictions(self, outputs: np.ndarray, temperature: float) -> np.ndarray:
        """See `LabelKind`."""
        return np.asarray(outputs, np.float64) * self.spread + self.middle

    def mean(self, labels: np.ndarray) -> np.ndarray:
        """See `LabelKind`: the median, from which the mean absolute error is smallest."""
        return np.array([np.median(labels)])

    def decision(self, predictions: np.ndarray, labels: np.ndarray) -> Decision:
        """See `LabelKind`: half of the interval that a share of INTERVAL_SHARE of all numbers is to lie in.

        Reference:
            Lei et al., 2018, Distribution-free predictive inference for regression (split conformal).
        """
        errors = np.sort(np.abs(predictions[:, 0] - labels))
        place = int(np.ceil((len(errors) + 1) * INTERVAL_SHARE)) - 1
        half: np.ndarray = errors[min(place, len(errors) - 1)][None]
        return half

    def losses(self, labels: np.ndarray, predictions: np.ndarray, decision: Decision) -> np.ndarray:
        """See `LabelKind`: the absolute error."""
        found: np.ndarray = np.abs(predictions[:, 0] - labels)
        return found

    def in_words(self, loss: float) -> str:
        """See `LabelKind`."""
        return f"off by {loss:.4g} on average"

    def nats(self, labels: np.ndarray, predictions: np.ndarray) -> float:
        """See `LabelKind`: of a normal distribution as wide as the errors."""
        squares = float(((predictions[:, 0] - labels) ** 2).mean())
        return 0.5 * float(np.log(max(squares, SMALLEST * self.spread**2)))

    def evaluate(self, labels: np.ndarray, predictions: np.ndarray, decision: Decision) -> dict[str, Any]:
        """See `LabelKind`, `textrnn.report.more_metrics.evaluate_numbers`; and the `interval` with its `covered`."""
        widths = decision[..., 0]
        covered = float((self.losses(labels, predictions, decision) <= widths).mean())
        interval = dict(share=INTERVAL_SHARE, half_width=float(np.mean(widths)), covered=covered)
        return dict(**evaluate_numbers(labels, predictions[:, 0]), interval=interval)

    def say(self, predictions: np.ndarray, decision: Decision) -> tuple[list[str], list[float | None]]:
        """See `LabelKind`."""
        return [f"{value:.6g}" for value in predictions[:, 0].tolist()], [None] * len(predictions)

    def facts(self, prediction: np.ndarray, decision: Decision) -> dict[str, Any]:
        """See `LabelKind`: `value`, and `low` and `high`, the ends of its interval, see `decision`."""
        value, half = float(prediction[0]), float(decision[0])
        return dict(value=value, low=value - half, high=value + half)

    @property
    def unit(self) -> float:
        """See `LabelKind`: a quarter of the standard deviation, which many words change a number by."""
        return self.spread / 4

    def scores(self, predictions: np.ndarray, column: int) -> np.ndarray:
        """See `LabelKind`."""
        numbers: np.ndarray = predictions[:, column]
        return numbers

    def explained(self, prediction: np.ndarray, decision: Decision, label: Any) -> list[int]:
        """See `LabelKind`."""
        return [0]

    @property
    def columns(self) -> list[str]:
        """See `LabelKind`."""
        return ["low", "high"]

    def figures(self, prediction: np.ndarray, decision: Decision) -> list[float]:
        """See `LabelKind`."""
        facts = self.facts(prediction, decision)
        return [facts[name] for name in self.columns]

    def to_json(self) -> dict[str, Any]:
        """See `LabelKind`."""
        return dict(task=self.task, middle=self.middle, spread=self.spread)


KINDS: dict[str, type[Any]] = {kind.task: kind for kind in (Classes, Grades, Several, Numbers)}


def kind_from_json(values: Any) -> LabelKind:
    """The inverse of `to_json`.

    Raises:
        RunError: it is no kind of labels.
    """
    try:
        made = CostClasses if "costs" in values else KINDS[values["task"]]
        kind: LabelKind = made(**{name: value for name, value in values.items() if name != "task"})
    except (KeyError, TypeError):
        raise RunError(f"the kind of labels is {values!r:.80}: expected one of {', '.join(KINDS)}") from None
    return kind


def with_costs(kind: LabelKind, costs: Mapping[str, float]) -> CostClasses:
    """Two classes with what an error on a row of each costs, 1 where nothing is said.

    Raises:
        ConfigError: these are not two classes, a name is not one of theirs, or a cost is not above 0.
    """
    if kind.task != CLASSES or len(kind.names) != 2:
        found = f"{len(kind.names):,} classes" if kind.task == CLASSES else f"--task {kind.task}"
        raise ConfigError(f"--cost is for labels of two classes: leave it out with {found}")
    names = {folded(name): name for name in kind.names}
    known = dict.fromkeys(kind.names, 1.0)
    for label, cost in costs.items():
        if folded(label) not in names:
            raise ConfigError(f"--cost {label}={cost:g} names no label: expected {' or '.join(map(repr, kind.names))}")
        if not 0 < cost < math.inf:
            raise ConfigError(f"--cost {label}={cost:g}: expected a number above 0")
        known[names[folded(label)]] = cost
    return CostClasses(kind.names, list(known.values()))


def mean_loss(kind: LabelKind, labels: np.ndarray, outputs: np.ndarray) -> float:
    """The mean loss of uncalibrated outputs, see `LabelKind.losses`."""
    predictions = kind.predictions(outputs, 1.0)
    return float(kind.losses(labels, predictions, kind.decision(predictions, labels)).mean())


def sigmoid(values: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), float64, without overflow."""
    found: np.ndarray = 0.5 * (1 + np.tanh(0.5 * np.asarray(values, np.float64)))
    return found


def log_odds(for_it: np.ndarray, against_it: np.ndarray) -> np.ndarray:
    """ln(p / (1 - p)), float64[rows], of p and of 1 - p, as one would lose what is left of a p near 1."""
    found: np.ndarray = np.log(np.maximum(for_it, LEAST)) - np.log(np.maximum(against_it, LEAST))
    return found


def medians(probabilities: np.ndarray) -> np.ndarray:
    """The first grade up to which half of the probability lies, int64[rows]: what is least far off on average."""
    found: np.ndarray = (probabilities.cumsum(1) >= 0.5 - 1e-12).argmax(1)
    return found


def _sigmoid_temperature(outputs: np.ndarray, labels: np.ndarray) -> float:
    """One temperature for all outputs: each is a choice of two classes, of which one has the output 0."""
    pairs = np.stack([np.zeros(outputs.size), np.asarray(outputs, np.float64).ravel()], 1)
    return fit_temperature(pairs, labels.ravel().astype(np.int64))
