"""How good predictions are where a row has several labels, a grade or a number. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from textrnn.report.metrics import class_scores


def evaluate_several(
    labels: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray, names: Sequence[str]
) -> dict[str, Any]:
    """All metrics of predictions of several labels a row, ready for JSON.

    Args:
        labels: bool[rows, labels], which of them each row has.
        probabilities: float[rows, labels], of each label by itself.
        thresholds: float[labels], or [rows, labels]; a label is predicted from there on.
        names: of the labels.

    Returns:
        `rows`, `micro_f1` (over all pairs of a row and a label), `macro_f1` (mean over the labels that occur or are
        predicted), `sample_f1` (mean over the rows; a row rightly left without any label has 1), `subset_accuracy`
        (share of rows with all labels right), `hamming_loss` (share of pairs that are wrong), `average_precision`
        (mean over the labels that occur) and `per_label`: `label`, `precision`, `recall`, `f1`, `average_precision`,
        `support` and `threshold` (the mean over the rows) of each. What would be 0 / 0 is None.

    Example:
        >>> labels = np.array([[True, False], [True, True], [False, False]])
        >>> probabilities = np.array([[0.9, 0.6], [0.8, 0.9], [0.1, 0.2]])
        >>> found = evaluate_several(labels, probabilities, np.array([0.5, 0.5]), ["art", "people"])
        >>> found["micro_f1"], found["subset_accuracy"], found["hamming_loss"]
        (0.8571428571428571, 0.6666666666666666, 0.16666666666666666)
    """
    predicted, per_label = probabilities >= thresholds, []
    for k, name in enumerate(names):
        own, given = labels[:, k], predicted[:, k]
        hits = int((own & given).sum())
        confusion = np.array([[0, int((given & ~own).sum())], [int((own & ~given).sum()), hits]])
        precision = average_precision(own, probabilities[:, k])
        found = dict(label=name, **class_scores(confusion)[1])
        per_label.append({**found, "average_precision": precision, "threshold": float(np.mean(thresholds[..., k]))})
    both, either = (labels & predicted).sum(), labels.sum() + predicted.sum()
    return dict(
        rows=len(labels),
        micro_f1=float(2 * both / either) if either else None,
        macro_f1=_mean([one["f1"] for one in per_label]),
        sample_f1=float(1 - row_losses(labels, predicted).mean()),
        subset_accuracy=float((labels == predicted).all(1).mean()),
        hamming_loss=float((labels != predicted).mean()),
        average_precision=_mean([one["average_precision"] for one in per_label]),
        per_label=per_label,
    )


def row_losses(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """1 - F1 of each row, float64[rows]: bool[rows, labels] both; 0 where there is no label, and none was predicted."""
    both, either = (labels & predicted).sum(1), labels.sum(1) + predicted.sum(1)
    found: np.ndarray = 1 - np.where(either > 0, 2 * both / np.maximum(either, 1), 1.0)
    return found


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float | None:
    """The area under the steps of precision over recall; rows with equal scores are taken together.

    Args:
        labels: bool[rows].
        scores: float[rows].

    Returns:
        from 0 to 1; None if no row has the label.

    Reference:
        Manning, Raghavan and Schuetze, 2008, Introduction to Information Retrieval, section 8.4.

    Example:
        >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]))  # (1 + 2 / 3) / 2
        0.8333333333333333
    """
    if not labels.any():
        return None
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(labels[order])[ends]
    gained = np.diff(hits, prepend=0)
    return float((gained * hits / (ends + 1)).sum() / hits[-1])


# Rows with a label at which its own threshold and that of all labels count the same, chosen on made-up sets
# (`benchmarks/README.md`).
PRIOR_ROWS = 2.0
LOWEST, HIGHEST = 0.02, 0.98  # thresholds


def best_thresholds(labels: np.ndarray, probabilities: np.ndarray) -> list[float]:
    """For each label the threshold with the highest F1 on rows that were not learnt from, drawn to that of all labels.

    The best threshold of a label that few rows have is a matter of chance, and often so low that nearly every row would
    get it. So thresholds, as log-odds, are drawn to the one with the highest F1 over all labels, the more the fewer
    rows have the label; one that none has gets that of all labels, and a half where no row has any.

    Args:
        labels: bool[rows, labels].
        probabilities: float[rows, labels].

    Example:
        >>> labels = np.array([[True, False], [True, False], [False, True]] * 9)
        >>> found = best_thresholds(labels, np.array([[0.5, 0.1], [0.3, 0.1], [0.1, 0.3]] * 9))
        >>> [round(threshold, 6) for threshold in found]
        [0.2, 0.2]
    """
    common = _best_threshold(labels.ravel(), probabilities.ravel())
    found = []
    for k, rows in enumerate(labels.sum(0).tolist()):
        own = _best_threshold(labels[:, k], probabilities[:, k])
        odds = (rows * _log_odds(own) + PRIOR_ROWS * _log_odds(common)) / (rows + PRIOR_ROWS)
        found.append(float(1 / (1 + np.exp(-odds))))
    return found


def _log_odds(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def _best_threshold(labels: np.ndarray, probabilities: np.ndarray) -> float:
    order = np.argsort(-probabilities, kind="stable")
    falling = probabilities[order]
    hits, given = np.cumsum(labels[order]), np.arange(1, len(order) + 1)
    # Only between different probabilities.
    cuts = np.flatnonzero(np.append(falling[:-1] != falling[1:], True))
    thresholds = (falling[cuts] + np.append(falling[1:], 0.0)[cuts]) / 2
    score = 2 * hits[cuts] / (given[cuts] + labels.sum())
    return float(np.clip(thresholds[score.argmax()], LOWEST, HIGHEST)) if labels.any() else 0.5


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def evaluate_numbers(labels: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """All metrics of predicted numbers, ready for JSON.

    Args:
        labels: float[rows].
        predicted: float[rows].

    Returns:
        `rows`, `mae` (mean absolute error), `rmse` (root of the mean squared error), `r2` (share of the variance that
        is explained), `pearson` and `spearman` (correlation of values, and of ranks). None where all labels, or all
        predictions, are equal.

    Example:
        >>> found = evaluate_numbers(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
        >>> round(found["mae"], 3), found["r2"], round(found["spearman"], 3)
        (0.333, 0.5, 1.0)
    """
    errors, spread = predicted - labels, float(((labels - labels.mean()) ** 2).sum())
    return dict(
        rows=len(labels),
        mae=float(np.abs(errors).mean()),
        rmse=float(np.sqrt((errors**2).mean())),
        r2=1 - float((errors**2).sum()) / spread if spread > 0 else None,
        pearson=correlation(labels, predicted),
        spearman=correlation(ranks(labels), ranks(predicted)),
    )


def correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Pearson's correlation of two float[rows]; None where one of them is constant."""
    a, b = first - first.mean(), second - second.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip(a @ b / norm, -1, 1)) if norm > 0 else None


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, float64[rows]; equal values share the mean of their ranks.

    Example:
        >>> ranks(np.array([3.0, 1.0, 3.0])).tolist()
        [2.5, 1.0, 2.5]
    """
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    found: np.ndarray = (np.cumsum(counts) - (counts - 1) / 2)[which]
    return found


def quadratic_kappa(confusion: np.ndarray, values: np.ndarray) -> float | None:
    """Cohen's kappa with weights that grow with the square of the distance: 1 is agreement, 0 is chance.

    Args:
        confusion: int[grades, grades], true grades down, predicted ones across.
        values: float[grades], what each grade is worth.

    Returns:
        None where chance would always agree.

    Reference:
        J. Cohen, 1968, Weighted kappa: nominal scale agreement with provision for scaled disagreement.

    Example:
        >>> quadratic_kappa(np.array([[2, 0], [1, 1]]), np.array([1.0, 2.0]))
        0.5
    """
    distance = (values[:, None] - values[None, :]) ** 2
    by_chance = np.outer(confusion.sum(1), confusion.sum(0)) / confusion.sum()
    expected = float((distance * by_chance).sum())
    return 1 - float((distance * confusion).sum()) / expected if expected > 0 else None
