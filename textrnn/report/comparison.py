"""The models of one training compared: on the same rows, in words, and over the folds of a cross-validation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from textrnn.base.errors import DataError
from textrnn.report.layout import decimals, percent
from textrnn.report.metrics import Z95

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
# What tables show of each kind of labels, with its heads.
METRICS = {
    "classes": {
        "accuracy": "accuracy",
        "macro_f1": "macro F1",
        "log_loss": "log-loss",
        "calibration_error": "calibration error",
        "roc_auc": "ROC-AUC",
    },
    "grades": {
        "accuracy": "accuracy",
        "mae": "mean absolute error",
        "quadratic_kappa": "quadratic kappa",
        "spearman": "Spearman",
        "log_loss": "log-loss",
    },
    "multi": {
        "micro_f1": "micro F1",
        "macro_f1": "macro F1",
        "sample_f1": "F1 of a row",
        "subset_accuracy": "all right",
        "hamming_loss": "Hamming loss",
        "average_precision": "average precision",
    },
    "numbers": {
        "mae": "mean absolute error",
        "rmse": "root mean square",
        "r2": "R2",
        "pearson": "Pearson",
        "spearman": "Spearman",
    },
}


def name_of(model: str) -> str:
    """What a model is called in a sentence."""
    return NAMES.get(model, f"the model {model}")


class Judged(NamedTuple):
    """What a model says of rows that it has not learnt from.

    Attributes:
        predictions: float64[rows, width].
        decision: float64[rows, any], what they are decided by.
    """

    predictions: np.ndarray
    decision: np.ndarray


class Judge(Protocol):
    """What knows how good predictions are: a kind of labels, see `textrnn.classifier.kinds.LabelKind`."""

    task: ClassVar[str]

    @property
    def names(self) -> Sequence[str]:
        """Of the labels."""

    def mean(self, labels: np.ndarray) -> np.ndarray:
        """What is predicted of a text that nothing is known of."""

    def decision(self, predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """What predictions are decided by."""

    def losses(self, labels: np.ndarray, predictions: np.ndarray, decision: np.ndarray) -> np.ndarray:
        """By how much each prediction is wrong."""

    def in_words(self, loss: float) -> str:
        """A mean loss in words."""

    def evaluate(self, labels: np.ndarray, predictions: np.ndarray, decision: np.ndarray) -> dict[str, Any]:
        """All metrics."""


def compare_models(
    judge: Judge, labels: np.ndarray, models: Mapping[str, Judged], *, chosen: str, learnt_labels: np.ndarray
) -> dict[str, Any]:
    """Evaluates all models on the same rows, and compares them in pairs.

    Args:
        judge: the kind of the labels.
        labels: the true ones. No model has learnt from these rows.
        models: what each model says, by its name (`rnn`, `linear`, `combined`).
        chosen: the name of the model that will be used. It must have been chosen on other rows.
        learnt_labels: of the rows that the models learnt from. The model `majority` always predicts what is most
            frequent among them (of numbers the median), as probable as it is there.

    Returns:
        `chosen`, `test` (all metrics of the chosen model), `models` (the same of each model and of `majority`), and
        `comparisons`: a list of what `compare` or `compare_losses` gives, with `first`, `second` and `words`. Ready for
        JSON.

    Raises:
        DataError: there are no rows, shapes do not fit, or the chosen model is missing.
    """
    if chosen not in models:
        raise DataError(f"the chosen model {chosen} has said nothing: there are {', '.join(models) or 'none'}")
    mean = judge.mean(learnt_labels)
    always = np.tile(mean, (len(learnt_labels), 1))
    decision = judge.decision(always, learnt_labels)
    parts = {**models, MAJORITY: Judged(np.tile(mean, (len(labels), 1)), np.tile(decision, (len(labels), 1)))}
    found = {name: judge.evaluate(labels, *part) for name, part in parts.items()}
    if "accuracy" in found[MAJORITY]:
        found[MAJORITY]["label"] = judge.names[int(mean.argmax())]
    losses = {name: judge.losses(labels, *part) for name, part in parts.items()}
    pairs = [(first, second) for first, second in (*PAIRS, (chosen, MAJORITY)) if first in parts and second in parts]
    comparisons = [_compared(judge, first, second, losses) for first, second in pairs]
    return dict(chosen=chosen, test=found[chosen], models=found, comparisons=comparisons)


def _compared(judge: Judge, first: str, second: str, losses: Mapping[str, np.ndarray]) -> dict[str, Any]:
    names = dict(first=first, second=second)
    if judge.task == "classes":
        own = {**names, **compare(losses[first] == 0, losses[second] == 0)}
        return {**own, "words": words_of(own)}
    own = {**names, **compare_losses(losses[first], losses[second])}
    return {**own, "words": words_of_losses(own, judge.in_words)}


def compare_losses(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """Compares two models by how wrong they are on the same rows.

    Args:
        first: float64[rows], losses of the first model.
        second: float64[rows], of the second one.

    Returns:
        `rows`, `first_loss`, `second_loss`, `p` (two-sided, of the hypothesis that the mean losses are equal) and
        `difference_interval` (95 %, of the first mean less the second), from a normal distribution of the mean
        difference, ready for JSON.

    Example:
        >>> compare_losses(np.array([1.0, 0.0, 2.0, 1.0]), np.array([1.0, 1.0, 2.0, 2.0]))["first_loss"]
        1.0
    """
    differences = first - second
    mean, rows = float(differences.mean()), len(differences)
    error = float(differences.std(ddof=1)) / math.sqrt(rows) if rows > 1 else 0.0
    p = math.erfc(abs(mean) / error / math.sqrt(2)) if error > 0 else float(mean == 0)
    return dict(
        rows=rows,
        first_loss=float(first.mean()),
        second_loss=float(second.mean()),
        p=p,
        difference_interval=[mean - Z95 * error, mean + Z95 * error],
    )


def words_of_losses(comparison: Mapping[str, Any], in_words: Callable[[float], str]) -> str:
    """Says in one sentence which of two models is better, see `words_of`.

    Args:
        comparison: `first` and `second`, and what `compare_losses` gives.
        in_words: says a mean loss.
    """
    losses = {comparison[name]: comparison[f"{name}_loss"] for name in ("first", "second")}
    first, second = losses
    is_draw = comparison["p"] >= SIGNIFICANT
    better, worse = (first, second) if losses[first] < losses[second] and not is_draw else (second, first)
    chance = "p < 0.001" if comparison["p"] < 0.001 else f"p = {comparison['p']:.3f}"
    sentence = (
        f"{name_of(better)} is {'as good as' if is_draw else 'better than'} {name_of(worse)}: "
        f"{in_words(losses[better])} against {in_words(losses[worse])}, on {comparison['rows']:,} rows"
    )
    explained = ", a difference that chance explains" if is_draw and losses[first] != losses[second] else ""
    return f"{sentence[0].upper()}{sentence[1:]}{explained} ({chance})."


def compare(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """Compares two models by the rows that only one of them predicts correctly.

    Args:
        first: bool[rows], which rows the first model has right.
        second: bool[rows], which ones the second model has right.

    Returns:
        `rows`, `first_accuracy`, `second_accuracy`, `only_first` and `only_second` (numbers of rows that only this
        model has right), `p` (see `mcnemar_exact`) and `difference_interval` (see there), ready for JSON.
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    return dict(
        rows=len(first),
        first_accuracy=float(first.mean()),
        second_accuracy=float(second.mean()),
        only_first=only_first,
        only_second=only_second,
        p=mcnemar_exact(only_first, only_second),
        difference_interval=list(difference_interval(only_first, only_second, len(first))),
    )


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """The exact two-sided p of the hypothesis that two models are equally good.

    Args:
        only_first, only_second: numbers of rows that only this model has right.

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

    Reference:
        A. Agresti and Y. Min, 2005, Simple improved confidence intervals for comparing matched proportions: half a row
        is added to each of the four counts, then d ± z sqrt(b + c - (b - c)^2 / n) / n.
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
    if "first_accuracy" in comparison:
        is_better = comparison["first_accuracy"] > comparison["second_accuracy"]
    else:
        is_better = comparison["first_loss"] < comparison["second_loss"]
    is_expected = comparison["p"] < SIGNIFICANT and is_better
    return comparison["second"] != MAJORITY or not is_expected


def over_folds(judge: Judge, labels: np.ndarray, models: Mapping[str, Judged], fold_of: np.ndarray) -> dict[str, Any]:
    """Evaluates each model in each fold of a cross-validation.

    Args:
        judge: the kind of the labels.
        labels: the true ones.
        models: what each model says, by its name; it had not learnt from the row.
        fold_of: int[rows], the number of the fold in which each row was held out.

    Returns:
        `count`, `rows` (of each fold) and `models`: for each by its name the metrics METRICS of its task, each as
        `mean` and `std` over the folds. `std` is that of a sample, None for a single fold. A metric that no fold has is
        None.

    Raises:
        DataError: there are no rows, or shapes do not fit.
    """
    fold_of = np.asarray(fold_of)
    if fold_of.shape != (len(labels),):
        raise DataError(f"{len(fold_of)} numbers of folds and {len(labels)} labels do not fit: expected as many")
    parts = [np.flatnonzero(fold_of == number) for number in np.unique(fold_of)]
    found = dict[str, Any]()
    for name, (predictions, decision) in models.items():
        tests = [judge.evaluate(labels[rows], predictions[rows], decision[rows]) for rows in parts]
        found[name] = {metric: _spread([test[metric] for test in tests]) for metric in METRICS[judge.task]}
    return dict(count=len(parts), rows=[len(rows) for rows in parts], models=found)


def _spread(values: Sequence[float | None]) -> dict[str, float | None] | None:
    """Mean and standard deviation of the values that are there."""
    known = np.array([value for value in values if value is not None], np.float64)
    if not len(known):
        return None
    return dict(mean=float(known.mean()), std=float(known.std(ddof=1)) if len(known) > 1 else None)


def shown_metrics(found: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The metrics that a table of models shows, with their heads: those of their kind that any model has.

    Args:
        found: all metrics of each model by its name.
    """
    tests = list(found.values())
    if not tests:
        return {}
    kind = next(
        METRICS[task] for task in ("grades", "multi", "numbers", "classes") if METRICS[task].keys() <= tests[0].keys()
    )
    return {name: head for name, head in kind.items() if any(test.get(name) is not None for test in tests)}


def folds_table(folds: Mapping[str, Any]) -> list[list[str]]:
    """What `over_folds` gives as the cells of a table, with its heads first.

    Example:
        >>> accuracy, other = dict(mean=0.8125, std=0.0125), dict(mean=0.5, std=None)
        >>> spread = dict(accuracy=accuracy, macro_f1=other, log_loss=other, calibration_error=other, roc_auc=None)
        >>> folds_table(dict(models=dict(rnn=spread)))[1]
        ['rnn', '81.2 % ± 1.2', '0.500', '0.500', '0.500']
    """
    shown = shown_metrics(folds["models"])
    rows = [["model", *shown.values()]]
    for name, spread in folds["models"].items():
        rows.append([name, *(_mean_and_std(spread[metric], is_share=metric == "accuracy") for metric in shown)])
    return rows


def _mean_and_std(spread: Mapping[str, float] | None, *, is_share: bool) -> str:
    if spread is None:
        return "-"
    mean, std = spread["mean"], spread["std"]
    if is_share:
        return percent(mean) + ("" if std is None else f" ± {100 * std:.1f}")
    return decimals(mean) + ("" if std is None else f" ± {decimals(std)}")


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
