"""The models of one training compared: on the same rows, in words, and over the folds of a cross-validation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from textrnn.base.errors import DataError
from textrnn.report.layout import decimals, percent
from textrnn.report.metrics import Z95, evaluate

# The largest p at which a difference between two models is not put down to chance.
SIGNIFICANT = 0.05
MAJORITY = "majority"
NAMES = {
    "rnn": "the RNN",
    "linear": "the linear model",
    "combined": "the combination of both",
    MAJORITY: "always giving the most frequent label",
}
# Which models are compared: the complex one first, then the simple one.
PAIRS = (("rnn", "linear"), ("combined", "linear"))
FOLD_METRICS = ("accuracy", "macro_f1", "log_loss", "calibration_error", "roc_auc")


def name_of(model: str) -> str:
    """What a model is called in a sentence."""
    return NAMES.get(model, f"the model {model}")


def compare_models(
    labels: np.ndarray,
    probabilities: Mapping[str, np.ndarray],
    classes: Sequence[str],
    *,
    chosen: str,
    learnt_labels: np.ndarray,
) -> dict[str, Any]:
    """Evaluates all models on the same rows, and compares them in pairs.

    Args:
        labels: int[rows], the true classes. No model has learnt from these rows.
        probabilities: float[rows, classes] of each model, by its name (`rnn`, `linear`, `combined`).
        classes: the label of each class.
        chosen: the name of the model that will be used. It must have been chosen on other rows.
        learnt_labels: int[any], the classes of the rows that the models learnt from. The model `majority` always
            predicts their most frequent class, and its probabilities are the shares of the classes among them.

    Returns:
        `chosen`, `test` (see `evaluate`) of the chosen model, `models` (the same of each model and of `majority`), and
        `comparisons`: a list of what `compare` gives, with `first`, `second` and `words`. Ready for JSON.

    Raises:
        DataError: there are no rows, shapes do not fit, or the chosen model is missing.

    Example:
        >>> labels, sure = np.array([0, 1, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])
        >>> found = compare_models(labels, {"rnn": sure}, ["bad", "good"], chosen="rnn", learnt_labels=labels[:3])
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


def compare(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """Compares two models by the rows that only one of them predicts correctly.

    Args:
        labels: int[rows], the true classes.
        first: int[rows], what the first model predicted.
        second: int[rows], what the second model predicted.

    Returns:
        `rows`, `first_accuracy`, `second_accuracy`, `only_first` and `only_second` (numbers of rows that only this
        model has right), `p` (see `mcnemar_exact`) and `difference_interval` (see there), ready for JSON.

    Example:
        >>> found = compare(np.array([0, 1, 1, 0]), np.array([0, 1, 1, 1]), np.array([0, 0, 0, 1]))
        >>> found["first_accuracy"], found["second_accuracy"], found["only_first"], found["only_second"], found["p"]
        (0.75, 0.25, 2, 0, 0.5)
    """
    right, other = np.asarray(first) == labels, np.asarray(second) == labels
    only_first, only_second = int((right & ~other).sum()), int((other & ~right).sum())
    return dict(
        rows=len(right),
        first_accuracy=float(right.mean()),
        second_accuracy=float(other.mean()),
        only_first=only_first,
        only_second=only_second,
        p=mcnemar_exact(only_first, only_second),
        difference_interval=list(difference_interval(only_first, only_second, len(right))),
    )


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """The exact two-sided p of the hypothesis that two models are equally good.

    Args:
        only_first: number of rows that only the first model has right.
        only_second: number of rows that only the second model has right.

    Returns:
        min(1, 2 P(X <= the smaller number)), X binomial with probability 1/2.

    Reference:
        Q. McNemar, 1947, Note on the sampling error of the difference between correlated proportions or percentages;
        T. G. Dietterich, 1998, Approximate statistical tests for comparing supervised classification algorithms.

    Example:
        >>> mcnemar_exact(1, 5)  # 2 (1 + 6) / 64
        0.21875
    """
    fewer, differ = min(only_first, only_second), only_first + only_second
    if 2 * fewer >= differ - 1:
        return 1.0
    if differ <= 1000:
        return 2 * sum(math.comb(differ, k) for k in range(fewer + 1)) / (1 << differ)
    k = np.arange(1, fewer + 1)  # 2^differ is no float: logarithms of binomials
    log_binomials = np.concatenate([[0.0], np.cumsum(np.log(differ - k + 1) - np.log(k))])
    return min(1.0, 2 * float(np.exp(log_binomials - differ * math.log(2)).sum()))


def difference_interval(only_first: int, only_second: int, num_rows: int) -> tuple[float, float]:
    """The 95 % interval of the first model's accuracy minus the second's, on the same rows.

    Args:
        only_first: number of rows that only the first model has right.
        only_second: number of rows that only the second model has right.
        num_rows: number of all rows.

    Reference:
        A. Agresti and Y. Min, 2005, Simple improved confidence intervals for comparing matched proportions: half a row
        is added to each of the four counts, then d ± z sqrt(b + c - (b - c)^2 / n) / n.

    Example:
        >>> [round(limit, 4) for limit in difference_interval(30, 10, 198)]  # (20 ± 1.96 sqrt(41 - 2)) / 200
        [0.0388, 0.1612]
    """
    rows, differ, gain = num_rows + 2, only_first + only_second + 1, only_first - only_second
    half = Z95 * math.sqrt(differ - gain**2 / rows)
    return max(-1.0, (gain - half) / rows), min(1.0, (gain + half) / rows)


def words_of(comparison: Mapping[str, Any]) -> str:
    """Says in one sentence which of two models is better. When neither is, the second one (the simpler) is preferred.

    Args:
        comparison: `first` and `second`, and what `compare` gives.
    """
    first, second = comparison["first"], comparison["second"]
    accuracies = {first: comparison["first_accuracy"], second: comparison["second_accuracy"]}
    rows, p, (low, high) = f"{comparison['rows']:,}", comparison["p"], comparison["difference_interval"]
    is_draw = p >= SIGNIFICANT
    better, worse = (first, second) if accuracies[first] > accuracies[second] and not is_draw else (second, first)
    sentence = (
        f"{name_of(better)} is {'as good as' if is_draw else 'better than'} {name_of(worse)}: "
        f"{percent(accuracies[better])} against {percent(accuracies[worse])} of {rows} rows right"
    )
    if is_draw:
        sentence += ", a difference that chance explains" if accuracies[first] != accuracies[second] else ""
        span = f"{name_of(first)} is from {_points(low)} to {_points(high)}"
    else:
        limits = sorted(abs(100 * end) for end in (low, high))
        span = f"{limits[0]:.1f} to {limits[1]:.1f} points better"
    chance = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return f"{sentence[0].upper()}{sentence[1:]} (McNemar exact {chance}; {span}, with 95 % confidence)."


def _points(difference: float) -> str:
    return f"{abs(100 * difference):.1f} points {'better' if difference >= 0 else 'worse'}"


def is_worth_saying(comparison: Mapping[str, Any]) -> bool:
    """Whether to report a comparison: all but the expected one, that a model beats the most frequent label."""
    is_expected = comparison["p"] < SIGNIFICANT and comparison["first_accuracy"] > comparison["second_accuracy"]
    return comparison["second"] != MAJORITY or not is_expected


def over_folds(
    labels: np.ndarray, probabilities: Mapping[str, np.ndarray], fold_of: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    """Evaluates each model in each fold of a cross-validation.

    Args:
        labels: int[rows], the true classes.
        probabilities: float[rows, classes] of each model by its name, from a model that had not learnt from the row.
        fold_of: int[rows], the number of the fold in which each row was held out.
        classes: the label of each class.

    Returns:
        `count`, `rows` (of each fold) and `models`: for each by its name the metrics FOLD_METRICS, each as `mean` and
        `std` over the folds. `std` is that of a sample, None for a single fold. A metric that no fold has is None.

    Raises:
        DataError: there are no rows, or shapes do not fit.

    Example:
        >>> sure = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])
        >>> found = over_folds(np.array([0, 1, 1, 1]), {"rnn": sure}, np.array([0, 0, 1, 1]), ["bad", "good"])
        >>> found["count"], found["rows"], found["models"]["rnn"]["accuracy"]
        (2, [2, 2], {'mean': 0.75, 'std': 0.3535533905932738})
    """
    labels, fold_of = np.asarray(labels), np.asarray(fold_of)
    if fold_of.shape != labels.shape:
        raise DataError(f"{len(fold_of)} numbers of folds and {len(labels)} labels do not fit: expected as many")
    parts = [np.flatnonzero(fold_of == number) for number in np.unique(fold_of)]
    models = {}
    for name, given in probabilities.items():
        found = [evaluate(labels[rows], np.asarray(given)[rows], classes) for rows in parts]
        models[name] = {metric: _spread([test[metric] for test in found]) for metric in FOLD_METRICS}
    return dict(count=len(parts), rows=[len(rows) for rows in parts], models=models)


def _spread(values: Sequence[float | None]) -> dict[str, float | None] | None:
    """Mean and standard deviation of the values that are there."""
    known = np.array([value for value in values if value is not None], np.float64)
    if not len(known):
        return None
    return dict(mean=float(known.mean()), std=float(known.std(ddof=1)) if len(known) > 1 else None)


def folds_table(folds: Mapping[str, Any]) -> list[list[str]]:
    """What `over_folds` gives as the cells of a table, with its heads first.

    Example:
        >>> accuracy, other = dict(mean=0.8125, std=0.0125), dict(mean=0.5, std=None)
        >>> spread = dict(accuracy=accuracy, macro_f1=other, log_loss=other, calibration_error=other, roc_auc=None)
        >>> folds_table(dict(models=dict(rnn=spread)))[1]
        ['rnn', '81.2 % ± 1.2', '0.500', '0.500', '0.500']
    """
    two = any(spread["roc_auc"] for spread in folds["models"].values())
    rows = [["model", "accuracy", "macro F1", "log-loss", "calibration error", *["ROC-AUC"] * two]]
    for name, spread in folds["models"].items():
        accuracy, *others = (spread[metric] for metric in FOLD_METRICS[: None if two else -1])
        around = "" if accuracy["std"] is None else f" ± {100 * accuracy['std']:.1f}"
        rows.append([name, percent(accuracy["mean"]) + around, *map(_mean_and_std, others)])
    return rows


def _mean_and_std(spread: Mapping[str, float] | None) -> str:
    if spread is None:
        return "-"
    return decimals(spread["mean"]) + ("" if spread["std"] is None else f" ± {decimals(spread['std'])}")


def folds_in_words(folds: Mapping[str, Any]) -> str:
    """Says in one line what the table of `folds_table` shows.

    Example:
        >>> folds_in_words(dict(count=3, rows=[33, 34, 33]))
        'Mean and standard deviation over 3 folds of 33 to 34 rows, each with models of its own.'
    """
    low, high = min(folds["rows"]), max(folds["rows"])
    size = f"{low:,}" + (f" to {high:,}" if high > low else "")
    if folds["count"] == 1:
        return f"A single fold of {size} rows was judged."
    return f"Mean and standard deviation over {folds['count']} folds of {size} rows, each with models of its own."
