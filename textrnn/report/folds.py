"""Cross-validation in figures: what each model is worth in each fold, and how much that varies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from textrnn.base.errors import DataError
from textrnn.report.layout import decimals, percent
from textrnn.report.metrics import evaluate

MEASURES = ("accuracy", "macro_f1", "log_loss", "calibration_error", "roc_auc")


def over_folds(
    labels: np.ndarray,
    probabilities: Mapping[str, np.ndarray],
    fold_of: np.ndarray,
    classes: Sequence[str],
) -> dict[str, Any]:
    """Measures each model in each fold by itself.

    Args:
        labels: int[rows], the true class of each row.
        probabilities: float[rows, classes] of each model by its name, said by one that had not learnt from the row.
        fold_of: int[rows], the number of the fold that each row was held out in.
        classes: the label of each class.

    Returns:
        `count`, `rows` (of each fold) and `models`: of each by its name the measures MEASURES, each as `mean` and `std`
        over the folds. `std` is that of a sample, None for a single fold; a measure that no fold has is None.

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
    for name, said in probabilities.items():
        found = [evaluate(labels[rows], np.asarray(said)[rows], classes) for rows in parts]
        models[name] = {measure: _spread([test[measure] for test in found]) for measure in MEASURES}
    return dict(count=len(parts), rows=[len(rows) for rows in parts], models=models)


def _spread(values: Sequence[float | None]) -> dict[str, float | None] | None:
    """Mean and standard deviation of those that are there."""
    known = np.array([value for value in values if value is not None], np.float64)
    if not len(known):
        return None
    return dict(mean=float(known.mean()), std=float(known.std(ddof=1)) if len(known) > 1 else None)


def folds_table(folds: Mapping[str, Any]) -> list[list[str]]:
    """What `over_folds` gives as the cells of a table, its heads first.

    Example:
        >>> accuracy, other = dict(mean=0.8125, std=0.0125), dict(mean=0.5, std=None)
        >>> spread = dict(accuracy=accuracy, macro_f1=other, log_loss=other, calibration_error=other, roc_auc=None)
        >>> folds_table(dict(models=dict(rnn=spread)))[1]
        ['rnn', '81.2 % ± 1.2', '0.500', '0.500', '0.500']
    """
    models = folds["models"]
    two = any(spread["roc_auc"] for spread in models.values())
    rows = [["model", "accuracy", "macro F1", "log-loss", "calibration error", *["ROC-AUC"] * two]]
    for name, spread in models.items():
        measures = [*MEASURES[1:-1], *["roc_auc"] * two]
        rows.append([name, _share(spread["accuracy"]), *(_number(spread[measure]) for measure in measures)])
    return rows


def _share(spread: Mapping[str, float]) -> str:
    around = f" ± {100 * spread['std']:.1f}" if spread["std"] is not None else ""
    return percent(spread["mean"]) + around


def _number(spread: Mapping[str, float] | None) -> str:
    if spread is None:
        return "-"
    return decimals(spread["mean"]) + (f" ± {decimals(spread['std'])}" if spread["std"] is not None else "")


def folds_in_words(folds: Mapping[str, Any]) -> str:
    """What the table of `folds_table` shows, in a line.

    Example:
        >>> folds_in_words(dict(count=3, rows=[33, 34, 33]))
        'Mean and standard deviation over 3 folds of 33 to 34 rows, each with models of its own.'
    """
    low, high = min(folds["rows"]), max(folds["rows"])
    size = f"{low:,}" + (f" to {high:,}" if high > low else "")
    return (
        f"Mean and standard deviation over {folds['count']} folds of {size} rows, each with models of its own."
        if folds["count"] > 1
        else f"A single fold of {size} rows was judged."
    )
