"""The rows of a table as a classifier learns from them: texts, classes, and what cannot be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from textrnn.base.errors import DataError
from textrnn.classifier.splits import folded, group_numbers
from textrnn.text.table.table import Table

FEW_NAMED = 5  # classes that a message lists
MOST_CLASSES = 1_000  # of which a linear model, which has weights for each, is still learnt in minutes
FEW_ROWS = 20


@dataclass
class Rows:
    """Rows that have a text and a label.

    Attributes:
        texts: as written.
        labels: int64[rows], the class of each.
        numbers: int64[rows], the row numbers in the file, from 1.
        unlabelled: texts of rows that have none.
        counts: of all rows, by what they are.
    """

    texts: list[str]
    labels: np.ndarray
    numbers: np.ndarray
    unlabelled: list[str] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)

    def some(self, chosen: np.ndarray) -> Rows:
        """Some of the rows, int[any] by their places here."""
        return Rows([self.texts[row] for row in chosen.tolist()], self.labels[chosen], self.numbers[chosen])


def read_rows(table: Table, classes: Sequence[str] | None = None) -> tuple[Rows, list[str]]:
    """Reads all rows of a table.

    Args:
        table: opened, with a column of labels.
        classes: the labels that count; None for those that are there, in order.

    Returns:
        the rows, and the classes.

    Raises:
        DataError: there is nothing to learn from, or a label that is not among the classes.
    """
    texts, written, numbers, unlabelled = list[str](), list[str](), list[int](), list[str]()
    empty = list[int]()
    for row in table.rows():
        if not row.text.strip():
            empty.append(row.number)
        elif row.label is None:
            unlabelled.append(row.text)
        else:
            texts.append(row.text)
            written.append(row.label)
            numbers.append(row.number)
    known = list(classes) if classes is not None else sorted(set(written), key=_in_order)
    if strange := sorted(set(written) - set(known)):
        raise DataError(f"{table.name} has labels that were not learnt: {_listed(strange)}; expected {_listed(known)}")
    place = {label: number for number, label in enumerate(known)}
    labels = np.array([place[label] for label in written], np.int64)
    counts: dict[str, Any] = dict(used=len(texts), unlabelled=len(unlabelled), empty=len(empty))
    if empty:
        counts["empty_rows"] = empty[:FEW_NAMED]
    return Rows(texts, labels, np.array(numbers, np.int64), unlabelled, counts), known


def _in_order(label: str) -> tuple[float, str]:
    """Numbers by their size, then everything else."""
    try:
        return float(label), label
    except ValueError:
        return float("inf"), label


def _listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - FEW_NAMED} more" if len(labels) > FEW_NAMED else ""
    return ", ".join(f"{label!r:.40}" for label in labels[:FEW_NAMED]) + more


def check_learnable(rows: Rows, classes: Sequence[str], name: str) -> None:
    """Raises DataError when there are too few rows or classes to learn from, naming them."""
    if not rows.texts:
        raise DataError(f"{name} has no row with both a text and a label: expected some to learn from")
    counts = Counter(rows.labels.tolist())
    num_texts = len(set(group_numbers(rows.texts).tolist()))
    if num_texts < 2:
        raise DataError(f"{name} has the same text in all of its labelled rows: expected at least two different texts")
    if len(classes) < 2:
        raise DataError(
            f"{name} has a single label, {classes[0]!r:.60}, in all of its {len(rows.texts):,} labelled rows: expected "
            "at least two; name another column with --label-column"
        )
    single = [classes[number] for number, count in sorted(counts.items()) if count < 2]
    if len(single) > len(classes) / 2 and len(rows.texts) < FEW_ROWS:
        raise DataError(
            f"{name} has {len(rows.texts)} labelled rows, {len(single)} of them with a label that comes once "
            f"({_listed(single)}): too few to learn from; expected several rows of each label"
        )
    if len(single) > len(classes) / 2:
        raise DataError(
            f"{name} has {len(classes):,} different labels in {len(rows.texts):,} rows, {len(single):,} of them only "
            f"once ({_listed(single)}): that is no column of labels; name another one with --label-column"
        )
    if len(classes) > MOST_CLASSES:
        raise DataError(
            f"{name} has {len(classes):,} different labels, such as {_listed(classes)}: expected {MOST_CLASSES:,} at "
            "most; put rare ones together, or name another column with --label-column"
        )


def similar_labels(classes: Sequence[str]) -> str | None:
    """A warning of labels that differ in case or inner spaces only; None if there are none.

    Example:
        >>> similar_labels(["bad", "good", "Good"])
        "labels that differ in case or spaces only are different ones: 'good' and 'Good'"
    """
    alike: dict[str, list[str]] = {}
    for label in classes:
        alike.setdefault(folded(label), []).append(label)
    groups = [" and ".join(f"{label!r:.40}" for label in group) for group in alike.values() if len(group) > 1]
    more = f" and {len(groups) - FEW_NAMED} more" if len(groups) > FEW_NAMED else ""
    words = "labels that differ in case or spaces only are different ones: "
    return f"{words}{', '.join(groups[:FEW_NAMED])}{more}" if groups else None
