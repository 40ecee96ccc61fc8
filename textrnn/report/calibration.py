"""Probabilities that mean what they say: one temperature for the logits of a model, fitted on held-out rows."""

from __future__ import annotations

import numpy as np

from textrnn.base.errors import DataError

# A temperature beyond these is a sign of too few rows, not of a model that is so far off.
LOWEST, HIGHEST = 0.05, 20.0
STEPS = 60  # at most; Newton needs about six, and halving gets to 1e-10 of the range in forty


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of logits: float[rows, classes] -> float64[rows, classes].

    Example:
        >>> softmax(np.array([[0.0, np.log(3)]])).round(4).tolist()
        [[0.25, 0.75]]
    """
    found: np.ndarray = np.exp(log_softmax(logits))
    return found


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logarithms of `softmax`, exact where the probabilities themselves would be 0."""
    logits = np.asarray(logits, np.float64)
    shifted = logits - logits.max(1, keepdims=True)
    found: np.ndarray = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return found


def apply_temperature(logits: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(logits / temperature), float64[rows, classes]. A temperature above 1 gives less sure probabilities.

    Example:
        >>> apply_temperature(np.array([[0.0, 2 * np.log(3)]]), 2.0).round(4).tolist()
        [[0.25, 0.75]]
    """
    return softmax(np.asarray(logits, np.float64) / temperature)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with which the probabilities of held-out rows fit how often they are right.

    Newton's method in a shrinking bracket minimises the log-loss in 1 / temperature, which is convex. The targets are
    smoothed by 1 / (rows + classes), so that few rows, or rows that are all right, do not give endless confidence. With
    two classes and equally sure rows the fitted confidence is Laplace's (right + 1) / (rows + 2).

    Args:
        logits: float[rows, classes] of rows that the model has not learnt from.
        labels: int[rows], their true classes.

    Returns:
        the temperature, from 0.05 to 20; 1.0 if there are no rows, or if any other is no better on these rows.

    Raises:
        DataError: shapes do not fit, or logits are not finite.

    Reference:
        C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, 2017, On calibration of modern neural networks; the counts as
        in J. Platt, 1999, Probabilistic outputs for support vector machines.

    Example:
        >>> logits = np.array([[4.0, 0.0]] * 8)  # says 98 %, but 6 of 8 are right: 7 / 10, ln(7 / 3) = 0.847
        >>> round(fit_temperature(logits, np.array([0] * 6 + [1] * 2)), 3)  # 4 / 0.847
        4.721
    """
    logits, labels = np.asarray(logits, np.float64), np.asarray(labels, np.int64)
    if not len(labels):
        return 1.0
    if logits.ndim != 2 or len(logits) != len(labels) or not np.isfinite(logits).all():
        raise DataError(
            f"cannot calibrate on logits of shape {list(logits.shape)} and {len(labels)} labels: "
            "expected a row of finite numbers for each label"
        )
    rows, num_classes = logits.shape
    targets = np.full_like(logits, 1 / (rows + num_classes))
    targets[np.arange(rows), labels] += rows / (rows + num_classes)
    temperature = 1 / _smallest_root(logits, targets)
    if _nats(logits, labels, temperature) >= _nats(logits, labels, 1.0):
        return 1.0
    return temperature


def _nats(logits: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    return float(-log_softmax(logits / temperature)[np.arange(len(labels)), labels].mean())


def _smallest_root(logits: np.ndarray, targets: np.ndarray) -> float:
    """The 1 / temperature at which the slope of the loss is 0, or the nearest end of the range."""
    low, high, factor = 1 / HIGHEST, 1 / LOWEST, 1.0
    for _ in range(STEPS):
        slope, curvature = _derivatives(logits, targets, factor)
        if slope > 0:
            high = factor
        else:
            low = factor
        step = factor - slope / curvature if curvature > 0 else low - 1
        following = step if low < step < high else (low + high) / 2
        if abs(following - factor) <= 1e-10 * factor:
            break
        factor = following
    return factor


def _derivatives(logits: np.ndarray, targets: np.ndarray, factor: float) -> tuple[float, float]:
    """First and second derivative of the mean log-loss of softmax(factor * logits): mean and variance of the logits."""
    probabilities = softmax(logits * factor)
    means = (probabilities * logits).sum(1)
    slope = means - (targets * logits).sum(1)
    variances = (probabilities * (logits - means[:, None]) ** 2).sum(1)
    return float(slope.mean()), float(variances.mean())
