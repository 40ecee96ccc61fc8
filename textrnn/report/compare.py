"""Whether one model is better than another on the same rows, or chance explains the difference."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from textrnn.report.metrics import Z95

# A difference that chance makes less often than this is called one.
SIGNIFICANT = 0.05


def compare(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """Compares two models by the rows that only one of them has right.

    Args:
        labels: int[rows], the true classes.
        first: int[rows], what the first model predicted.
        second: int[rows], what the second one predicted.

    Returns:
        `rows`, `first_accuracy`, `second_accuracy`, `only_first` and `only_second` (rows that only this one has
        right), `p` (see `mcnemar_exact`) and `difference_interval` (see there), ready for JSON.

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
    """How often chance alone makes two equally good models differ this much: the exact two-sided test.

    Args:
        only_first: rows that only the first model has right.
        only_second: rows that only the second one has right.

    Returns:
        min(1, 2 P(X <= the smaller of both)), X binomial with probability 1/2.

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
    k = np.arange(1, fewer + 1)
    log_counts = np.concatenate([[0.0], np.cumsum(np.log(differ - k + 1) - np.log(k))])  # ln of differ over k
    # Few rows: whole numbers, so that the answer is exact; many: logarithms, as 2^1000 and more is no float.
    if differ <= 50:
        return 2 * float(np.rint(np.exp(log_counts)).sum()) / 2.0**differ
    return min(1.0, 2 * float(np.exp(log_counts - differ * math.log(2)).sum()))


def difference_interval(only_first: int, only_second: int, num_rows: int) -> tuple[float, float]:
    """The 95 % interval of accuracy of the first model less that of the second, on the same rows.

    Args:
        only_first: rows that only the first model has right.
        only_second: rows that only the second one has right.
        num_rows: all rows.

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
