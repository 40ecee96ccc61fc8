"""What a person should look at in their rows: sure mistakes, labels that look wrong, texts that occur twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from textrnn.base.errors import DataError
from textrnn.classifier.splits import group_numbers
from textrnn.report.metrics import checked

# How much of a text stands in a report, and how many rows of a kind.
SHOWN_CHARS, SHOWN_ROWS = 240, 20


def surest_wrong(
    texts: Sequence[str],
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    *,
    numbers: Sequence[int] | None = None,
    limit: int = SHOWN_ROWS,
) -> list[dict[str, Any]]:
    """The rows that were predicted wrongly with the most confidence, surest first.

    Args:
        texts: one for each row.
        labels: int[rows], the true classes.
        probabilities: float[rows, classes] of rows that the model has not learnt from.
        classes: the label of each class.
        numbers: what to call each row, as the user counts them; without, from 1 in order.
        limit: how many at most.

    Returns:
        `row`, `text` (its beginning), `label`, `predicted`, `confidence` (of the prediction) and `label_probability`
        (of the label in the file) of each, ready for JSON.

    Raises:
        DataError: shapes do not fit.

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
        >>> found = surest_wrong(["a", "b", "c"], np.array([0, 0, 0]), probabilities, ["bad", "good"])
        >>> [(one["row"], one["predicted"], one["confidence"]) for one in found]
        [(2, 'good', 0.8), (3, 'good', 0.6)]
    """
    labels, probabilities = checked(labels, probabilities, len(classes))
    wrong = np.flatnonzero(probabilities.argmax(1) != labels)
    order = wrong[np.argsort(-probabilities[wrong].max(1), kind="stable")]
    return _shown(order[:limit], texts, labels, probabilities, classes, numbers)


def suspected_labels(
    texts: Sequence[str],
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    *,
    numbers: Sequence[int] | None = None,
    limit: int = SHOWN_ROWS,
) -> dict[str, Any]:
    """Labels that may be wrong: the model is as sure of another class as it is of rows that truly are of that class.

    The threshold of a class is the mean probability that its rows have for it, so a class of which the model is never
    sure needs less. A row is suspected if its most probable class among those at or above their thresholds is not its
    label, and if the prediction is not its label either. Those come first in which the prediction is furthest ahead.

    Args:
        texts: one for each row.
        labels: int[rows], the classes as the file has them.
        probabilities: float[rows, classes], held out or cross-validated: a model that has learnt from a wrong label
            will find it right.
        classes: the label of each class.
        numbers: what to call each row, as the user counts them; without, from 1 in order.
        limit: how many to list at most.

    Returns:
        `rows` (how many were looked at), `count` (how many are suspected) and `listed`, see `surest_wrong`.

    Raises:
        DataError: shapes do not fit.

    Reference:
        C. G. Northcutt, L. Jiang and I. L. Chuang, 2021, Confident learning: estimating uncertainty in dataset labels,
        section 3.1: t_j = mean of p(j) over the rows labelled j; ranked by normalised margin.

    Example:
        >>> first = np.array([0.9, 0.9, 0.1, 0.2, 0.2])
        >>> found = suspected_labels(list("abcde"), np.array([0, 0, 0, 1, 1]), np.stack([first, 1 - first], 1), "xy")
        >>> found["count"], found["listed"][0]["row"]  # the thresholds are 0.633 and 0.8
        (1, 3)
    """
    labels, probabilities = checked(labels, probabilities, len(classes))
    rows, support = np.arange(len(labels)), np.bincount(labels, minlength=len(classes))
    given = probabilities[rows, labels]
    thresholds = np.bincount(labels, given, len(classes)) / np.maximum(support, 1)
    # No row shows how sure the model is of a class without rows. The tolerance: a mean of equal numbers is inexact.
    confident = (probabilities >= thresholds - 1e-12) & (support > 0)
    best = np.where(confident, probabilities, -1.0).argmax(1)
    suspected = np.flatnonzero(confident.any(1) & (best != labels) & (probabilities.argmax(1) != labels))
    margin = probabilities[suspected].max(1) - given[suspected]
    order = suspected[np.argsort(-margin, kind="stable")]
    listed = _shown(order[:limit], texts, labels, probabilities, classes, numbers)
    return dict(rows=len(labels), count=len(suspected), listed=listed)


def duplicates(
    texts: Sequence[str],
    labels: np.ndarray,
    classes: Sequence[str],
    *,
    numbers: Sequence[int] | None = None,
    limit: int = SHOWN_ROWS,
) -> dict[str, Any]:
    """Texts that occur more than once, and those among them whose labels contradict each other.

    Args:
        texts: one for each row.
        labels: int[rows], the class of each.
        classes: the label of each class.
        numbers: what to call each row, as the user counts them; without, from 1 in order.
        limit: how many conflicts, and rows of a conflict, to list at most.

    Returns:
        `exact` (rows whose text is character for character that of an earlier row), `conflicts` (texts with several
        labels; case and white space make no difference), `conflicting_rows` (rows that have these texts) and `listed`:
        `text` (its beginning), `labels` (rows of each label) and `rows` (their numbers), in the order of the file.

    Raises:
        DataError: shapes do not fit.

    Example:
        >>> found = duplicates(["Fine", "fine ", "ok", "ok"], np.array([0, 1, 1, 1]), ["bad", "good"])
        >>> found["exact"], found["conflicts"], found["listed"]
        (1, 1, [{'text': 'Fine', 'labels': {'bad': 1, 'good': 1}, 'rows': [1, 2]}])
    """
    labels = np.asarray(labels, np.int64)
    if not len(texts) == len(labels) == (len(labels) if numbers is None else len(numbers)):
        raise DataError(f"{len(texts)} texts and {len(labels)} labels do not fit: expected one for each")
    groups = group_numbers(texts)
    order = np.argsort(groups, kind="stable")
    begins = np.flatnonzero(np.diff(groups[order], prepend=-1))
    differ = _per_group(np.minimum, labels[order], begins) != _per_group(np.maximum, labels[order], begins)
    ends = np.append(begins[1:], len(order))
    conflicts = [order[begin:end] for begin, end in zip(begins[differ], ends[differ], strict=True)]
    listed = []
    for rows in conflicts[:limit]:
        counts = np.bincount(labels[rows], minlength=len(classes))
        listed.append(
            dict(
                text=texts[int(rows[0])][:SHOWN_CHARS],
                labels={classes[k]: int(counts[k]) for k in np.flatnonzero(counts).tolist()},
                rows=[_number(row, numbers) for row in rows[:limit].tolist()],
            )
        )
    return dict(
        exact=len(texts) - len(set(texts)),
        conflicts=len(conflicts),
        conflicting_rows=sum(len(rows) for rows in conflicts),
        listed=listed,
    )


def _per_group(function: np.ufunc, values: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """A function over each run of values: int64[values], int64[groups] -> int64[groups]."""
    return np.asarray(function.reduceat(values, begins)) if len(begins) else values


def _number(row: int, numbers: Sequence[int] | None) -> int:
    return row + 1 if numbers is None else int(numbers[row])


def _shown(
    order: np.ndarray,
    texts: Sequence[str],
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    numbers: Sequence[int] | None,
) -> list[dict[str, Any]]:
    if not len(texts) == len(labels) == (len(labels) if numbers is None else len(numbers)):
        raise DataError(f"{len(texts)} texts and {len(labels)} labels do not fit: expected one for each")
    shown = []
    for row in order.tolist():
        predicted = int(probabilities[row].argmax())
        shown.append(
            dict(
                row=_number(row, numbers),
                text=texts[row][:SHOWN_CHARS],
                label=classes[int(labels[row])],
                predicted=classes[predicted],
                confidence=float(probabilities[row, predicted]),
                label_probability=float(probabilities[row, int(labels[row])]),
            )
        )
    return shown
