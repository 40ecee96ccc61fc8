"""The models of one training compared: on the same rows, in words, and over the folds of a cross-validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from textrnn.base.errors import DataError
from textrnn.report.differences import MAJORITY, PAIRS, compare, compare_losses, words_of
from textrnn.report.layout import decimals, percent

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
    def counts_errors(self) -> bool:
        """Whether a loss is 1 for what is wrong, and else 0."""

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

    def say(self, predictions: np.ndarray, decision: np.ndarray) -> tuple[list[str], list[float | None]]:
        """The label of each row as it is written, and its probability."""


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
        found[MAJORITY]["label"] = judge.say(mean[None], decision)[0][0]
    losses = {name: judge.losses(labels, *part) for name, part in parts.items()}
    pairs = [(first, second) for first, second in (*PAIRS, (chosen, MAJORITY)) if first in parts and second in parts]
    comparisons = [_compared(judge, first, second, losses) for first, second in pairs]
    return dict(chosen=chosen, test=found[chosen], models=found, comparisons=comparisons)


def _compared(judge: Judge, first: str, second: str, losses: Mapping[str, np.ndarray]) -> dict[str, Any]:
    one, other = losses[first], losses[second]
    found = compare(one == 0, other == 0) if judge.counts_errors else compare_losses(one, other)
    own = dict(first=first, second=second, **found)
    return {**own, "words": words_of(own, judge.in_words)}


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
