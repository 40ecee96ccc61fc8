"""How good predictions are: each metric a small function, and `evaluate`, which computes all. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from textrnn.base.errors import DataError

# Quantile of the normal distribution for intervals of 95 %.
Z95 = 1.959963984540054
NUM_BINS = 15
# Smaller probabilities count as this one, so that one sure mistake does not make the log-loss infinite (36 nats).
SMALLEST = float(np.finfo(np.float64).eps)
# How far from 1 the sum of the probabilities of a row may be: that of float32 outputs with many classes is.
TOLERANCE = 1e-3


def evaluate(
    labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str], *, predicted: np.ndarray | None = None
) -> dict[str, Any]:
    """All metrics of some predictions, ready for JSON.

    Args:
        labels: int[rows], the true class of each row.
        probabilities: float[rows, classes]; rows sum to 1.
        classes: the label of each class.
        predicted: int[rows], the predicted classes; the most probable ones, if nothing is said, and the first one if
            several are equally probable.

    Returns:
        `rows`, `accuracy`, `accuracy_interval` (95 %), `macro_f1`, `log_loss` (nats), `calibration_error`, `roc_auc`
        (two classes, else None), `per_class` (a list of `label` and what `class_scores` gives), `confusion` (see
        `confusion_matrix`) and `reliability` (see there).

    Raises:
        DataError: see `checked`.

    Example:
        >>> found = evaluate(np.array([0, 1, 1]), np.array([[0.8, 0.2], [0.6, 0.4], [0.1, 0.9]]), ["bad", "good"])
        >>> found["rows"], round(found["accuracy"], 4), found["confusion"], found["roc_auc"]
        (3, 0.6667, [[1, 0], [1, 1]], 1.0)
        >>> found["per_class"][1]
        {'label': 'good', 'precision': 1.0, 'recall': 0.5, 'f1': 0.6666666666666666, 'support': 2}
    """
    labels, probabilities = checked(labels, probabilities, len(classes))
    predicted = probabilities.argmax(1) if predicted is None else predicted
    confusion = confusion_matrix(labels, predicted, len(classes))
    num_right, bins = int(np.trace(confusion)), reliability(labels, probabilities)
    return dict(
        rows=len(labels),
        accuracy=num_right / len(labels),
        accuracy_interval=list(wilson_interval(num_right, len(labels))),
        macro_f1=macro_f1(confusion),
        log_loss=log_loss(labels, probabilities),
        calibration_error=calibration_error(bins),
        roc_auc=roc_auc(labels, probabilities[:, 1]) if len(classes) == 2 else None,
        per_class=[dict(label=label, **one) for label, one in zip(classes, class_scores(confusion), strict=True)],
        confusion=confusion.tolist(),
        reliability=bins,
    )


def checked(labels: np.ndarray, probabilities: np.ndarray, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels as int64[rows] and probabilities as float64[rows, classes] whose rows sum to 1.

    Raises:
        DataError: there are no rows, shapes or classes do not fit, or these are no probabilities.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, np.float64)
    if not len(labels):
        raise DataError("there are no labelled rows to judge by: expected at least one")
    if labels.shape != probabilities.shape[:1] or probabilities.shape[1:] != (num_classes,):
        raise DataError(
            f"{list(labels.shape)} labels and {list(probabilities.shape)} probabilities do not fit: "
            f"expected one row of {num_classes} for each label"
        )
    if labels.min() < 0 or labels.max() >= num_classes:
        raise DataError(f"labels are from {labels.min()} to {labels.max()}: expected from 0 to {num_classes - 1}")
    sums = probabilities.sum(1)
    wrong = ~(np.abs(sums - 1) <= TOLERANCE) | (probabilities < 0).any(1)  # NaN is neither
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"row {row} has the probabilities {probabilities[row, :5]}, in all {sums[row]:g}: "
            "expected numbers from 0 to 1 that sum to 1"
        )
    return labels.astype(np.int64), probabilities / sums[:, None]


def wilson_interval(num_right: int, num_rows: int) -> tuple[float, float]:
    """The 95 % interval of the share num_right / num_rows, also for few rows and for shares near 0 and 1.

    Reference:
        E. B. Wilson, 1927, Probable inference, the law of succession, and statistical inference:
        (p + z^2 / 2n ± z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n).

    Example:
        >>> [round(limit, 4) for limit in wilson_interval(8, 10)]
        [0.4902, 0.9433]
    """
    share, part = num_right / num_rows, Z95**2 / num_rows
    middle = share + part / 2
    half = float(np.sqrt(share * (1 - share) * part + part**2 / 4))
    # Rounding must not take the limits of none and all beyond 0 and 1.
    low = 0.0 if num_right == 0 else (middle - half) / (1 + part)
    return low, 1.0 if num_right == num_rows else (middle + half) / (1 + part)


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts of rows, int64[classes, classes]: true classes are the rows of the matrix, predicted ones its columns.

    Example:
        >>> confusion_matrix(np.array([0, 0, 2]), np.array([0, 2, 2]), 3).tolist()
        [[1, 0, 1], [0, 0, 0], [0, 0, 1]]
    """
    pairs = np.asarray(labels, np.int64) * num_classes + np.asarray(predicted, np.int64)
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes).astype(np.int64)


def class_scores(confusion: np.ndarray) -> list[dict[str, Any]]:
    """`precision`, `recall`, `f1` and `support` of each class of a confusion matrix; None for 0 / 0."""
    right, support, claimed = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    found = []
    for parts in zip(right.tolist(), support.tolist(), claimed.tolist(), strict=True):
        hits, rows, predictions = parts
        pairs = dict(precision=(hits, predictions), recall=(hits, rows), f1=(2 * hits, rows + predictions))
        found.append({name: part / whole if whole else None for name, (part, whole) in pairs.items()})
        found[-1]["support"] = rows
    return found


def macro_f1(confusion: np.ndarray) -> float:
    """The mean F1 of the classes that occur in the rows or among the predictions."""
    return float(np.mean([one["f1"] for one in class_scores(confusion) if one["f1"] is not None]))


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean of -ln(probability of the true class), in nats; smaller probabilities than 2.2e-16 count as this.

    Example:
        >>> round(log_loss(np.array([0, 1]), np.array([[0.5, 0.5], [0.75, 0.25]])), 4)  # (ln 2 + ln 4) / 2
        1.0397
    """
    chosen = np.take_along_axis(probabilities, labels[:, None], 1)[:, 0]
    return float(-np.log(np.clip(chosen, SMALLEST, 1)).mean())


def reliability(labels: np.ndarray, probabilities: np.ndarray, num_bins: int = NUM_BINS) -> list[dict[str, Any]]:
    """How often predictions are right, by how sure the model is.

    Args:
        labels: int[rows].
        probabilities: float[rows, classes]; the confidence of a row is its largest one.
        num_bins: bins of equal width from 0 to 1; the upper end of a bin belongs to it, the lower one does not.

    Returns:
        for each bin with rows in it: `low`, `high`, `rows`, `confidence` (mean), `accuracy`.
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    numbers = np.clip(np.ceil(confidence * num_bins).astype(np.int64) - 1, 0, num_bins - 1)
    rows = np.bincount(numbers, minlength=num_bins)
    total, num_right = (np.bincount(numbers, weights, num_bins) for weights in (confidence, right))
    return [
        dict(
            low=k / num_bins,
            high=(k + 1) / num_bins,
            rows=int(rows[k]),
            confidence=float(total[k] / rows[k]),
            accuracy=float(num_right[k] / rows[k]),
        )
        for k in np.flatnonzero(rows).tolist()
    ]


def calibration_error(bins: Sequence[dict[str, Any]]) -> float:
    """Expected calibration error: mean of |accuracy - confidence| over the rows of all bins that `reliability` gives.

    Reference:
        C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, 2017, On calibration of modern neural networks.
    """
    rows = sum(one["rows"] for one in bins)
    return float(sum(one["rows"] * abs(one["accuracy"] - one["confidence"]) for one in bins) / rows)


def roc_auc(labels: np.ndarray, scores: np.ndarray) -> float | None:
    """The area under the ROC curve: how often a row of class 1 has a higher score than one of class 0.

    Args:
        labels: int[rows], 0 or 1.
        scores: float[rows], such as the probability of class 1. Equal scores count as half.

    Returns:
        from 0 to 1; None if one of the classes has no rows.

    Example:
        >>> roc_auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]))  # 3.5 of 4 pairs
        0.875
    """
    positive = np.asarray(labels) == 1
    num_positive = int(positive.sum())
    num_negative = len(positive) - num_positive
    if not num_positive or not num_negative:
        return None
    _, which, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # equal scores share the mean of their ranks
    above = ranks[which][positive].sum() - num_positive * (num_positive + 1) / 2
    return float(above / (num_positive * num_negative))
