"""The models of one training next to each other, and in plain words which is better, if any is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from textrnn.base.errors import DataError
from textrnn.report.compare import SIGNIFICANT, compare
from textrnn.report.layout import percent
from textrnn.report.metrics import evaluate

MAJORITY = "majority"
NAMES = {
    "rnn": "the RNN",
    "linear": "the linear model",
    "combined": "the combination of both",
    MAJORITY: "always giving the most frequent label",
}
# What is compared: the elaborate one first, then the simple one that might do as well.
PAIRS = (("rnn", "linear"), ("combined", "linear"))


def name_of(model: str) -> str:
    """What a model is called in a sentence."""
    return NAMES.get(model, f"the model {model}")


def judge(
    labels: np.ndarray,
    probabilities: Mapping[str, np.ndarray],
    classes: Sequence[str],
    *,
    chosen: str,
    learnt_labels: np.ndarray,
) -> dict[str, Any]:
    """The part of a report that needs the predictions: measures of all models, and how they compare.

    Args:
        labels: int[rows], the true classes of rows that no model has learnt from.
        probabilities: float[rows, classes] of each model, by its name (`rnn`, `linear`, `combined`).
        classes: the label of each class.
        chosen: the name of the model that will be used. It was chosen on other rows than these.
        learnt_labels: int[any], the classes of the rows that were learnt from: what is most frequent there is what the
            model called `majority` always gives, and its probabilities are the shares there.

    Returns:
        `chosen`, `test` (see `evaluate`) of the chosen model, `models` (the same of each, with `majority`), and
        `comparisons`: a list of what `compare` gives, with `first`, `second` and `words`. Ready for JSON.

    Raises:
        DataError: there are no rows, shapes do not fit, or the chosen model is not there.

    Example:
        >>> labels, sure = np.array([0, 1, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])
        >>> found = judge(labels, {"rnn": sure}, ["bad", "good"], chosen="rnn", learnt_labels=np.array([0, 1, 1]))
        >>> found["test"]["accuracy"], found["models"]["majority"]["accuracy"], found["models"]["majority"]["label"]
        (0.75, 0.75, 'good')
    """
    if chosen not in probabilities:
        raise DataError(
            f"the chosen model {chosen} has no probabilities: there are {', '.join(probabilities) or 'none'}"
        )
    learnt = np.bincount(np.asarray(learnt_labels, np.int64), minlength=len(classes))
    shares = learnt / max(1, learnt.sum()) if learnt.any() else np.full(len(classes), 1 / len(classes))
    parts = {**probabilities, MAJORITY: np.tile(shares, (len(labels), 1))}
    models = {name: evaluate(labels, part, classes) for name, part in parts.items()}
    models[MAJORITY]["label"] = classes[int(shares.argmax())]
    predicted = {name: np.asarray(part).argmax(1) for name, part in parts.items()}
    comparisons = []
    for first, second in (*PAIRS, (chosen, MAJORITY)):
        if first in parts and second in parts:
            found = dict(first=first, second=second, **compare(labels, predicted[first], predicted[second]))
            comparisons.append({**found, "words": words_of(found)})
    return dict(chosen=chosen, test=models[chosen], models=models, comparisons=comparisons)


def words_of(comparison: Mapping[str, Any]) -> str:
    """Which of two models is better, in one sentence; the second is the simpler one, which wins a draw.

    Args:
        comparison: `first` and `second`, and what `compare` gives.

    Example:
        >>> counts = dict(rows=1821, first_accuracy=1459 / 1821, second_accuracy=1462 / 1821, only_first=70)
        >>> found = dict(first="rnn", second="linear", **counts, p=0.867, difference_interval=[-0.0152, 0.0112])
        >>> words = words_of(found)
        >>> words[:words.index(", a")], words[words.index("(") :]  # doctest: +NORMALIZE_WHITESPACE
        ('The linear model is as good as the RNN: 80.3 % against 80.1 % of 1,821 rows right',
         '(McNemar exact p = 0.867; the RNN is from 1.5 points worse to 1.1 points better, with 95 % confidence).')
    """
    first, second = comparison["first"], comparison["second"]
    shares = {first: comparison["first_accuracy"], second: comparison["second_accuracy"]}
    rows, p, (low, high) = f"{comparison['rows']:,}", comparison["p"], comparison["difference_interval"]
    is_draw = p >= SIGNIFICANT
    better, worse = (first, second) if shares[first] > shares[second] and not is_draw else (second, first)
    sentence = (
        f"{name_of(better)} is {'as good as' if is_draw else 'better than'} {name_of(worse)}: "
        f"{percent(shares[better])} against {percent(shares[worse])} of {rows} rows right"
    )
    if is_draw:
        sentence += ", a difference that chance explains" if shares[first] != shares[second] else ""
        span = f"{name_of(first)} is from {_points(low)} to {_points(high)}"
    else:
        limits = sorted(abs(100 * end) for end in (low, high))
        span = f"{limits[0]:.1f} to {limits[1]:.1f} points better"
    chance = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return f"{sentence[0].upper()}{sentence[1:]} (McNemar exact {chance}; {span}, with 95 % confidence)."


def _points(difference: float) -> str:
    return f"{abs(100 * difference):.1f} points {'better' if difference >= 0 else 'worse'}"
