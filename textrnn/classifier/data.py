"""What a classifier learns from: the rows of a table, and further texts without labels."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import DataError
from textrnn.classifier.found_kind import LabelOptions, encoded, found_kind, several_line, without_lists
from textrnn.classifier.kinds import Classes, Several
from textrnn.classifier.label_kind import CLASSES, SEVERAL, LabelKind
from textrnn.classifier.labels import (
    is_unlabelled,
    known_label,
    listed,
    merged_line,
    settle_labels,
    stand_for_groups,
)
from textrnn.classifier.sides import NO_SIDES, SideColumns
from textrnn.classifier.splits import GroupedTexts, some_texts, text_numbers
from textrnn.text.files import find_file
from textrnn.text.lines import lines_of
from textrnn.text.packed import inner_name
from textrnn.text.reader import Reading, open_sources, pieces
from textrnn.text.table.column_words import column_name
from textrnn.text.table.find_columns import no_label
from textrnn.text.table.folder import TABLES
from textrnn.text.table.joined import JoinedTable
from textrnn.text.table.label_lists import parts_of
from textrnn.text.table.table import Table, TableOptions, open_table

FEW_NAMED = 5  # rows that a message lists
MOST_CLASSES = 1_000  # of which a linear model, which has weights for each, is still learnt in minutes
FEW_ROWS = 20
LOOKED_AT = 10_000  # rows, to see whether there are labels


@dataclass
class Rows:
    """Rows that have a text and a label.

    Attributes:
        texts: as written; with their groups, if they have any, see `GroupedTexts`.
        labels: int64[rows], the class of each.
        numbers: int64[rows], the row numbers in the file, from 1.
        lines: int64[rows], the lines on which they begin, from 1; None if that is not known.
        unlabelled: texts of rows that have none.
        counts: of all rows, by what they are.
        remarks: what a person should know of the labels, in lines.
        parts: of each row the cell that says on which side of the split it is, if there is such a column.
    """

    texts: list[str]
    labels: np.ndarray
    numbers: np.ndarray
    unlabelled: list[str] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    lines: np.ndarray | None = None
    parts: list[str] | None = None

    def some(self, chosen: np.ndarray) -> Rows:
        """Some of the rows, int[any] by their places here."""
        lines = None if self.lines is None else self.lines[chosen]
        return Rows(some_texts(self.texts, chosen), self.labels[chosen], self.numbers[chosen], lines=lines)


def read_rows(
    table: Table, options: LabelOptions, kind: LabelKind | None = None, sides: SideColumns = NO_SIDES
) -> tuple[Rows, LabelKind]:
    """Reads all rows of a table.

    Args:
        table: opened, with a column of labels.
        options: what is said of the labels.
        kind: of the labels that count; None for those that are there, in order.
        sides: columns that decide which rows are held out.

    Returns:
        the rows, and the kind of their labels.

    Raises:
        DataError: there is no label to tell the kind by, or one is not of the kind, or was not learnt.
    """
    texts, written, empty = list[str](), list[str | None](), list[int]()
    side_cells = sides.reader(table)
    cells = list[tuple[str, ...]]()
    numbers, places = array("q"), array("q")  # of millions of rows as well
    for row in table.rows():
        if not row.text.strip():
            empty.append(row.number)
        else:
            texts.append(row.text)
            cells.append(side_cells(row.record.cells))
            written.append(row.label)
            numbers.append(row.number)
            places.append(table.line_of(row.record))
    is_new = kind is None
    meant, kind, remarks = _settled(table, written, options, kind)
    known = [row for row, label in enumerate(meant) if label is not None]
    few = _doubts(meant) if is_new else []
    rows = Rows(
        [texts[row] for row in known],
        encoded(kind, [str(meant[row]) for row in known], table.name),
        np.array(numbers, np.int64)[known],
        [text for text, label in zip(texts, meant, strict=True) if label is None],
        lines=np.array(places, np.int64)[known] if table.has_lines else None,
        remarks=[f"{table.name}: {line}" for line in remarks + few],
    )
    if sides.group is not None:
        rows.texts = GroupedTexts(rows.texts, [cells[row][0] or None for row in known])
    if sides.split is not None:
        rows.parts = [cells[row][-1] for row in known]
    rows.counts = dict(used=len(known), unlabelled=len(rows.unlabelled), empty=len(empty))
    if isinstance(table, JoinedTable):
        table.count(rows.numbers.tolist(), empty)
    elif empty:
        rows.counts["empty_rows"] = empty[:FEW_NAMED]
    return rows, kind


def _doubts(labels: Sequence[str | None]) -> list[str]:
    """What a person should know of labels that are few, or that stand for the rows below; None for no label."""
    number, found = sum(label is not None for label in labels), list[str]()
    if number < FEW_ROWS:
        found.append(
            f"{number} labelled row{'s' * (number != 1)}, too few to learn from: what comes out is little more than a "
            f"guess; label {FEW_ROWS} or more"
        )
    if stand_for_groups(labels):
        found.append(
            "no label comes again before another one does, with blanks between them: if each stands for the rows below "
            "it, fill these with it; now they count as rows without a label"
        )
    return found


def _settled(
    table: Table, written: Sequence[str | None], options: LabelOptions, kind: LabelKind | None
) -> tuple[list[str | None], LabelKind, list[str]]:
    """What the labels of rows count as, None for none; their kind; and what a person should know of both."""
    between, lists = None, written
    if kind is None:
        written, between = without_lists(lists)
    counts, lines = Counter(label for label in written if label is not None), list[str]()
    if kind is None:
        meant, lines = settle_labels(counts, len(written), table.options)
    elif not isinstance(kind, Several):
        meant = {label: known_label(label, kind.names, table.options) for label in counts}
    else:
        meant = {label: None if is_unlabelled(label, table.options) else label for label in counts}
    labels = [None if label is None else meant[label] for label in written]
    if kind is None:
        known = [label for label in labels if label is not None]
        if not known:
            raise DataError(f"{table.name} has no row with both a text and a label: expected some to learn from")
        if (one_hot := table.one_hot) is not None:
            is_one = all(len(parts_of(label, one_hot.separator)) == 1 for label in known)
            options = replace(options, task=options.task or (CLASSES if is_one else SEVERAL))
            options = options if is_one else replace(options, separator=one_hot.separator)
            if one_hot.blank_is_no and (number := known.count(one_hot.separator)):
                lines.append(
                    f"{number:,} row{'s' * (number != 1)} without a mark count as rows with none of the labels"
                )
        elif between is not None:
            lines += [several_line(lists)] if options.task is None else []
            options = replace(options, task=options.task or SEVERAL, separator=options.separator or between)
        kind, words = found_kind(known, str(table.column_names[1] or ""), options)
        merged = merged_line(meant, counts) if kind.task == CLASSES else None
        lines += [line for line in (merged, words) if line]
    return labels, kind, lines


def has_labels(table: Table) -> bool:
    """Whether there are labels among the first rows of a table."""
    if isinstance(table, JoinedTable):
        return any(map(has_labels, table.members))
    return table.label_column is not None and any(
        row.label and not is_unlabelled(row.label, table.options) for row in islice(table.rows(), LOOKED_AT)
    )


def why_unlabelled(table: Table) -> str:
    """Why `has_labels` is false, in words."""
    if table.label_column is None:
        return str(no_label(table))
    name = column_name(table.header, table.label_column)
    return f"{table.label} has no label in {name}, only blanks and marks such as NA: name another with --label-column"


def check_learnable(rows: Rows, kind: LabelKind, name: str) -> None:
    """Raises DataError when there are too few rows or labels to learn from, naming them."""
    if len(set(text_numbers(rows.texts).tolist())) < 2:
        raise DataError(f"{name} has the same text in all of its labelled rows: expected at least two different texts")
    if isinstance(kind, Several):
        _check_several(rows, kind, name)
    elif not isinstance(kind, Classes) and np.ptp(rows.labels) == 0:
        raise DataError(
            f"{name} has the same number in all of its {len(rows.texts):,} labelled rows: expected different ones"
        )
    elif isinstance(kind, Classes):
        _check_classes(rows, kind.names, name)


def _check_several(rows: Rows, kind: Several, name: str) -> None:
    if len(kind.names) > MOST_CLASSES:
        raise DataError(
            f"{name} has {len(kind.names):,} different labels, such as {listed(kind.names)}: expected "
            f"{MOST_CLASSES:,} at most; put rare ones together, or take each cell as one label with --task classes"
        )
    if not (rows.labels.any(0) & ~rows.labels.all(0)).any():
        raise DataError(
            f"{name} has the same labels in all of its {len(rows.texts):,} labelled rows: expected different ones"
        )


def _check_classes(rows: Rows, classes: Sequence[str], name: str) -> None:
    counts = Counter(rows.labels.tolist())
    if len(classes) < 2:
        raise DataError(
            f"{name} has a single label, {classes[0]!r:.60}, in all of its {len(rows.texts):,} labelled rows: expected "
            "at least two; name another column with --label-column"
        )
    single = [classes[number] for number, count in sorted(counts.items()) if count < 2]
    if len(single) > len(classes) / 2 and len(rows.texts) < FEW_ROWS:
        raise DataError(
            f"{name} has {len(rows.texts)} labelled rows, {len(single)} of them with a label that comes once "
            f"({listed(single)}): too few to learn from; expected several rows of each label"
        )
    if len(single) > len(classes) / 2:
        raise DataError(
            f"{name} has {len(classes):,} different labels in {len(rows.texts):,} rows, {len(single):,} of them only "
            f"once ({listed(single)}): that is no column of labels; name another one with --label-column"
        )
    if len(classes) > MOST_CLASSES:
        raise DataError(
            f"{name} has {len(classes):,} different labels, such as {listed(classes)}: expected {MOST_CLASSES:,} at "
            "most; put rare ones together, or name another column with --label-column"
        )


def read_unlabelled(path: str, options: TableOptions) -> list[str]:
    """Reads all texts of a file, as many as there are.

    Args:
        path: a table by its suffix (`.csv`, `.tsv`, `.jsonl` and so on), or else a text a line; packed or not.
        options: how tables are read; of other files the encoding.

    Returns:
        those that are not blank.

    Raises:
        DataError: it cannot be read, or holds no text.
    """
    is_folder = os.path.isdir(path)
    place = path if is_folder else find_file(path)
    is_table = is_folder or Path(inner_name(place)).suffix.lower() in TABLES
    texts = _cells(place, options) if is_table else _lines(place, options)
    if not (found := [text for text in texts if text.strip()]):
        raise DataError(f"{path} has no text: expected texts without labels")
    return found


def _cells(path: str, options: TableOptions) -> list[str]:
    with open_table(path, options, needs_label=False) as table:
        return [row.text for row in table.rows()]


def _lines(path: str, options: TableOptions) -> list[str]:
    with open_sources([path], Reading(options.encoding, options.strict_encoding)) as (source,):
        return lines_of("".join(pieces(source)))
