"""Rows that a person should look at: sure mistakes, labels that may be wrong, and texts that occur twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from textrnn.classifier.data import Rows
from textrnn.classifier.kinds import Classes, Several
from textrnn.classifier.label_kind import LabelKind
from textrnn.classifier.splits import text_numbers
from textrnn.report.metrics import SMALLEST, checked

# How many characters of a text are in a report, and how many rows of a kind.
SHOWN_CHARS, SHOWN_ROWS = 240, 20
# Times half of the interval, outside of which one of ten numbers lies: if their errors are normal, one of a thousand is
# as far off.
FAR = 2.0


_YES_OR_NO = Classes(["no", "yes"])


def surest_wrong(
    rows: Rows, probabilities: np.ndarray, kind: Classes, *, limit: int = SHOWN_ROWS
) -> list[dict[str, Any]]:
    """The rows that were predicted wrongly with the most confidence, surest first.

    Args:
        rows: rows that the model has not learnt from.
        probabilities: float[rows, classes].
        kind: of the labels.
        limit: how many at most.

    Returns:
        `row` (its number), `text` (its beginning), `label`, `predicted`, `confidence` (of the prediction) and
        `label_probability` (of the label in the file) of each, ready for JSON.

    Raises:
        DataError: shapes do not fit.

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
        >>> rows = Rows(["a", "b", "c"], np.array([0, 0, 0]), np.array([1, 2, 3]))
        >>> [(one["row"], one["predicted"]) for one in surest_wrong(rows, probabilities, Classes(["bad", "good"]))]
        [(2, 'good'), (3, 'good')]
    """
    labels, probabilities = checked(rows.labels, probabilities, len(kind.names))
    predicted = kind.best(probabilities)
    wrong = np.flatnonzero(predicted != labels)
    order = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")]
    return [{**_place(rows, row, SHOWN_CHARS), **_judged(rows, probabilities, kind, row)} for row in order[:limit]]


def suspected_labels(
    rows: Rows,
    predictions: np.ndarray,
    kind: LabelKind,
    decisions: np.ndarray | None = None,
    *,
    limit: int = SHOWN_ROWS,
    chars: int | None = SHOWN_CHARS,
) -> dict[str, Any]:
    """Labels that may be wrong: the model is as sure of another class as it usually is of rows of that class.

    The threshold of a class is its mean probability over the rows that have its label. A row is suspected if the most
    probable class that reaches its threshold is not the row's label, and the prediction is not the label either. The
    surest predictions come first, and among equally sure ones those that are furthest ahead of the label.

    Of several labels a row each is two classes, yes and no, and a row is as suspicious as its worst label is. A number
    is suspected if it is more than FAR times as far from the prediction as nine of ten are.

    Args:
        rows: the rows, with the labels of the file.
        predictions: float[rows, width] of a model that has not learnt from these rows: a model that has learnt a
            wrong label predicts it.
        kind: of the labels.
        decisions: of numbers half of the interval of each row, float[rows, 1], or of all.
        limit: how many to list at most.
        chars: of a text that are listed; None for all.

    Returns:
        `rows` (how many there are), `count` (how many are suspected) and `listed`: of classes see `surest_wrong`; of
        several labels `predicted` has those that are suspected changed, and there are `worst`, its `status` (`missing`
        or `surplus`), `confidence` in that and `label_probability`; of numbers `difference` (label less prediction)
        and `half_width` (of the interval).

    Raises:
        DataError: shapes do not fit.

    Reference:
        C. G. Northcutt, L. Jiang and I. L. Chuang, 2021, Confident learning: estimating uncertainty in dataset labels,
        section 3.1: t_j = mean of p(j) over the rows labelled j.
    """
    if isinstance(kind, Classes):
        places, listed = _suspected_classes(rows, predictions, kind)
    elif isinstance(kind, Several):
        places, listed = _suspected_sets(rows, predictions, kind)
    else:
        places, listed = _far_numbers(rows, predictions, np.asarray(decisions))
    found = [{**_place(rows, row, chars), **listed(row)} for row in places[:limit].tolist()]
    return dict(rows=len(rows.labels), count=len(places), listed=found)


def _suspected(labels: np.ndarray, probabilities: np.ndarray, kind: Classes) -> np.ndarray:
    """The suspected rows, int[suspected], in order, see `suspected_labels`."""
    num_classes = len(kind.names)
    labels, probabilities = checked(labels, probabilities, num_classes)
    predicted, support = kind.best(probabilities), np.bincount(labels, minlength=num_classes)
    given = probabilities[np.arange(len(labels)), labels]
    thresholds = np.bincount(labels, given, num_classes) / np.maximum(support, 1)
    # A class without rows has no threshold. The tolerance: the mean of equal numbers is not exact.
    confident = (probabilities >= thresholds - 1e-12) & (support > 0)
    best = np.where(confident, probabilities, -1.0).argmax(1)
    suspected = np.flatnonzero(confident.any(1) & (best != labels) & (predicted != labels))
    order: np.ndarray = suspected[np.lexsort((given[suspected], -probabilities[suspected, predicted[suspected]]))]
    return order


Listed = Callable[[int], dict[str, Any]]


def _suspected_classes(rows: Rows, probabilities: np.ndarray, kind: Classes) -> tuple[np.ndarray, Listed]:
    """The suspected rows in order, and what is said of one."""
    return _suspected(rows.labels, probabilities, kind), partial(_judged, rows, probabilities, kind)


def _suspected_sets(rows: Rows, probabilities: np.ndarray, kind: Several) -> tuple[np.ndarray, Listed]:
    """The same where a row has several labels, and what is said of a row."""
    wrong = np.zeros(rows.labels.shape, bool)
    for k in range(len(kind.names)):
        two = np.stack([1 - probabilities[:, k], probabilities[:, k]], 1)
        wrong[_suspected(rows.labels[:, k].astype(np.int64), two, _YES_OR_NO), k] = True
    against = np.where(rows.labels, 1 - probabilities, probabilities)  # the probability that each is wrong
    doubt = np.where(wrong, against, 0.0)
    places = np.flatnonzero(wrong.any(1))
    order = places[np.argsort(-doubt[places].max(1), kind="stable")]

    def listed(row: int) -> dict[str, Any]:
        worst = int(doubt[row].argmax())
        return dict(
            label=kind.written(rows.labels[row]),
            predicted=kind.written(rows.labels[row] ^ wrong[row]),
            worst=kind.names[worst],
            status="surplus" if rows.labels[row, worst] else "missing",
            confidence=float(doubt[row, worst]),
            label_probability=float(1 - doubt[row, worst]),
        )

    return order, listed


def _far_numbers(rows: Rows, predictions: np.ndarray, half_widths: np.ndarray) -> tuple[np.ndarray, Listed]:
    """The numbers that are far outside of their interval, furthest first, and what is said of a row."""
    differences = rows.labels - predictions[:, 0]
    halves = np.broadcast_to(half_widths[..., 0], len(differences))
    far = np.abs(differences) / np.maximum(halves, SMALLEST)
    places = np.flatnonzero(far > FAR)
    order = places[np.argsort(-far[places], kind="stable")]

    def listed(row: int) -> dict[str, Any]:
        return dict(
            label=f"{rows.labels[row]:.6g}",
            predicted=f"{predictions[row, 0]:.6g}",
            difference=float(differences[row]),
            half_width=float(halves[row]),
        )

    return order, listed


def _place(rows: Rows, row: int, chars: int | None) -> dict[str, Any]:
    """Where a row is, and its text."""
    line = {} if rows.lines is None else {"line": int(rows.lines[row])}
    return dict(row=int(rows.numbers[row]), **line, text=rows.texts[row][:chars])


def _judged(rows: Rows, probabilities: np.ndarray, kind: Classes, row: int) -> dict[str, Any]:
    """What is said of the class of a row."""
    label, predicted = int(rows.labels[row]), int(kind.best(probabilities[row : row + 1])[0])
    return dict(
        label=kind.names[label],
        predicted=kind.names[predicted],
        confidence=float(probabilities[row, predicted]),
        label_probability=float(probabilities[row, label]),
    )


def duplicates(rows: Rows, classes: Sequence[str], *, limit: int = SHOWN_ROWS) -> dict[str, Any]:
    """Texts that occur more than once, and those among them that have different labels.

    Args:
        rows: the rows.
        classes: the label of each class.
        limit: how many conflicts, and rows of a conflict, to list at most.

    Returns:
        `exact` (rows whose text is character for character that of an earlier row), `conflicts` (texts with several
        labels; case and white space make no difference), `conflicting_rows` (rows that have these texts) and `listed`:
        `text` (its beginning), `labels` (rows of each label) and `rows` (their numbers), in the order of the file.

    Example:
        >>> rows = Rows(["Fine", "fine ", "ok", "ok"], np.array([0, 1, 1, 1]), np.array([1, 2, 3, 4]))
        >>> found = duplicates(rows, ["bad", "good"])
        >>> found["exact"], found["conflicts"], found["listed"]
        (1, 1, [{'text': 'Fine', 'labels': {'bad': 1, 'good': 1}, 'rows': [1, 2]}])
    """
    places: dict[int, list[int]] = {}
    for place, group in enumerate(text_numbers(rows.texts).tolist()):
        places.setdefault(group, []).append(place)
    conflicts = [group for group in places.values() if len(group) > 1 and np.ptp(rows.labels[group]) > 0]
    listed = []
    for group in conflicts[:limit]:
        counts = np.bincount(rows.labels[group], minlength=len(classes))
        labels = {classes[k]: int(counts[k]) for k in np.flatnonzero(counts).tolist()}
        numbers = rows.numbers[group[:limit]].tolist()
        listed.append(dict(text=rows.texts[group[0]][:SHOWN_CHARS], labels=labels, rows=numbers))
        if rows.lines is not None:
            listed[-1]["lines"] = rows.lines[group[:limit]].tolist()
    return dict(
        exact=len(rows.texts) - len(set(rows.texts)),
        conflicts=len(conflicts),
        conflicting_rows=sum(map(len, conflicts)),
        listed=listed,
    )
