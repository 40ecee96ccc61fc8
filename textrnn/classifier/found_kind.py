"""Which kind of labels a column has, and the labels of its cells as numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textrnn.base.errors import DataError
from textrnn.classifier.kinds import Classes, Grades, Numbers, Several
from textrnn.classifier.label_kind import CLASSES, GRADES, NUMBERS, SEVERAL, LabelKind
from textrnn.classifier.label_numbers import is_grade, number_of
from textrnn.classifier.labels import listed
from textrnn.text.documents import in_order
from textrnn.text.table.column_names import names_amount, names_grades
from textrnn.text.table.label_lists import (
    SEPARATORS,
    UNSURE_SEPARATORS,
    are_codes,
    parts_of,
    separator_of,
)
from textrnn.text.table.records import AND

MOST_GRADES = 21  # different values that are still grades: from 0 to 10 by halves
FEW_NUMBERS = 10  # different ones with other decimals than .5, which may be the names of classes, such as versions
_PLAIN = re.compile(r"\s*[+-]?[\d.,\s]+")  # a number without a unit
NUMBER_SHARE = 0.5  # of labels that come only once, from which on numbers are no classes


@dataclass(frozen=True)
class LabelOptions:
    """What is said of the labels.

    Attributes:
        task: their kind; None for what they show.
        separator: between several labels of a cell; None for what they show.
    """

    task: str | None = None
    separator: str | None = None


def without_lists(written: Sequence[str | None]) -> tuple[Sequence[str | None], str | None]:
    """Labels of which some are lists with AND between, as text, and the separator that stands between them there.

    Returns:
        the labels, and None for the separator where there are no lists.

    Example:
        >>> without_lists(["art", "art\x1ffood; drink", None])
        (['art', 'art| food; drink', None], '|')
    """
    if not any(label and AND in label for label in written):
        return written, None
    names = {part for label in written if label for part in label.split(AND)}
    separator = next((sign for sign in SEPARATORS[1:] if not any(sign in name for name in names)), AND)
    between = f"{separator} "
    return [label and label.replace(AND, between) for label in written], separator


def several_line(written: Sequence[str | None]) -> str:
    """The line that says that rows have lists of labels, with AND between."""
    names = {part for label in written if label for part in label.split(AND)}
    number = sum(label is not None and AND in label for label in written)
    rows = "row has" if number == 1 else "rows have"
    return (
        f"several labels a row: {number:,} {rows} more than one of {len(names):,}; --task classes takes those of a row "
        "together as one label"
    )


def found_kind(written: Sequence[str], column: str, options: LabelOptions) -> tuple[LabelKind, str | None]:
    """The kind of some labels, and a line that says so if it was found out and is not classes, or may be another.

    Args:
        written: the labels of all rows, as they stand in the file; at least one.
        column: the name of their column.
        options: what is said of them.

    Raises:
        DataError: labels are not of the kind that was asked for.
    """
    task, separator = options.task, options.separator
    if task is None and separator is not None:
        task = SEVERAL
    separator = separator or separator_of(written)
    values = _numbers_of(written)
    if task is None:
        task = _task_of(written, values, column, separator)
    if task == SEVERAL:
        return _several(written, separator, options)
    if task in (GRADES, NUMBERS):
        return _numeric(task, written, values, column, options)
    line = None if options.task else _unsure_line(written, values, separator)
    return Classes(sorted(set(written), key=in_order)), line


def _numbers_of(written: Sequence[str]) -> list[float | None]:
    """What each label is worth; ☆☆☆ beside ★★☆ may be no star or three, and so is none."""
    has_stars = any(label.lstrip().startswith(("★", "⭐")) for label in written)
    return [None if has_stars and not label.strip("☆ ") else number_of(label) for label in written]


def _unsure_line(written: Sequence[str], values: Sequence[float | None], separator: str | None) -> str | None:
    """The line that says that labels may be several or grades, if they may; None if nothing speaks for it."""
    separator = separator or separator_of(written, UNSURE_SEPARATORS)
    if separator is None:
        are_padded = any(label.isdigit() and label.startswith("0") and len(label) > 1 for label in written)
        numbers = {value for value in values if value is not None}
        return None if None in values or are_padded else _unsure_numbers(numbers)
    example = next(label for label in written if len(parts_of(label, separator)) > 1)
    return f"{example!r:.60} is one label here; --label-separator '{separator}' takes such labels for several"


def _unsure_numbers(values: Collection[float]) -> str | None:
    """The line that says that numbers of classes may be grades; None for those that leave numbers above 10 out, as
    codes do.

    Example:
        >>> _unsure_numbers({0.0, 1.0}), _unsure_numbers({3.0, 17.0, 40.0})
        (None, None)
        >>> _unsure_numbers({1.0, 2.0, 3.0})
        'numbers from 1 to 3 are taken as classes without an order; --task grades takes them as ordered grades'
        >>> _unsure_numbers({0.0, 6.0, 9.0, 10.0}) is None
        False
    """
    low, high = min(values), max(values)
    if len(values) > MOST_GRADES and high - low <= 2 * len(values):
        return (
            f"numbers from {low:g} to {high:g} are taken as classes without an order; --task numbers predicts a number"
        )
    if len(values) < 3 or len(values) > MOST_GRADES or (high - low > len(values) and not 0 <= low < high <= 10):
        return None
    return (
        f"numbers from {low:g} to {high:g} are taken as classes without an order; --task grades takes them as ordered "
        "grades"
    )


def _task_of(written: Sequence[str], values: Sequence[float | None], column: str, separator: str | None) -> str:
    if None in values or (separator == "," and are_codes(written)):
        return CLASSES if separator is None else SEVERAL
    counts = Counter(values)
    are_named = names_grades(column) or all(map(is_grade, dict.fromkeys(written)))
    by_halves = all(value is not None and float(2 * value).is_integer() for value in counts)
    has_halves = any(value is not None and not value.is_integer() for value in counts)
    if (
        2 < len(counts) <= MOST_GRADES
        and (by_halves or (are_named and len(counts) <= FEW_NUMBERS))
        and (has_halves or are_named)
    ):
        return GRADES
    often_once = sum(count == 1 for count in counts.values()) > NUMBER_SHARE * len(counts)
    have_units = not any(map(_PLAIN.fullmatch, dict.fromkeys(written)))
    are_amounts = have_units or names_amount(column)
    is_number = (len(counts) > FEW_NUMBERS and (are_amounts or not by_halves)) or (
        len(counts) > MOST_GRADES and (has_halves or often_once or are_named)
    )
    return NUMBERS if is_number else CLASSES


def _several(written: Sequence[str], separator: str | None, options: LabelOptions) -> tuple[LabelKind, str | None]:
    if separator is None:
        raise DataError(
            "--task multi is for several labels in a cell, and no sign between them was found: name it with "
            "--label-separator"
        )
    names = sorted({part for label in written for part in parts_of(label, separator)}, key=in_order)
    number = sum(len(parts_of(label, separator)) > 1 for label in written)
    is_alone = separator.strip() in "|｜┋/#、，；" or separator.strip().isalpha()
    kind = Several(names, separator if is_alone else f"{separator.strip()} ")
    if options.task or options.separator:
        return kind, None
    return kind, (
        f"several labels a row: {number:,} rows have more than one of {len(names)}, with {separator!r} between them; "
        "--task classes takes each cell as one label"
    )


def _numeric(
    task: str, written: Sequence[str], values: Sequence[float | None], column: str, options: LabelOptions
) -> tuple[LabelKind, str | None]:
    if None in values:
        wrong = list(dict.fromkeys(label for label, value in zip(written, values, strict=True) if value is None))
        raise DataError(f"--task {task} is for numbers, and the column {column!r:.60} has {listed(wrong)}")
    numbers = np.array(values, np.float64)
    if task == NUMBERS:
        kind: LabelKind = Numbers(float(numbers.mean()), float(numbers.std()) or 1.0)
        words = f"numbers from {numbers.min():g} to {numbers.max():g}: a number is predicted for each text"
    else:
        kind, words = _grades(written, numbers), f"ordered grades from {numbers.min():g} to {numbers.max():g}"
    return kind, None if options.task else f"{words}; --task classes takes them as labels without an order"


def _grades(written: Sequence[str], numbers: np.ndarray) -> Grades:
    """Each grade is written as it is most often."""
    spelt: dict[float, Counter[str]] = {}
    for label, value in zip(written, numbers.tolist(), strict=True):
        spelt.setdefault(value, Counter())[label] += 1
    values = sorted(spelt)
    return Grades([spelt[value].most_common(1)[0][0] for value in values], values)


def encoder_of(kind: LabelKind) -> Callable[[str], Any]:
    """The function from a label as it is written to a row of labels of a kind; None for one that was not learnt."""
    if isinstance(kind, Several):
        place = {name: number for number, name in enumerate(kind.names)}

        def several(label: str) -> Any:
            parts = parts_of(label, AND if AND in label else kind.separator)
            return [name in parts for name in kind.names] if all(part in place for part in parts) else None

        return several
    if isinstance(kind, Numbers):
        return number_of
    if isinstance(kind, Grades):
        grades = {value: number for number, value in enumerate(kind.values)}
        return lambda label: grades.get(number_of(label))  # type: ignore[arg-type]
    return {name: number for number, name in enumerate(kind.names)}.get


def encoded(kind: LabelKind, written: Sequence[str], name: str) -> np.ndarray:
    """The labels of rows as their kind has them.

    Args:
        kind: of the labels.
        written: as they stand in the file.
        name: of the table.

    Raises:
        DataError: one of them was not learnt.
    """
    encode = encoder_of(kind)
    found = [encode(label) for label in written]
    if strange := sorted({label for label, value in zip(written, found, strict=True) if value is None}):
        expected = listed(kind.names) or "numbers"
        raise DataError(f"{name} has labels that were not learnt: {listed(strange)}; expected {expected}")
    return labels_of(kind, found)


def labels_of(kind: LabelKind, rows: Sequence[Any]) -> np.ndarray:
    """What the function of `encoder_of` gave for each row, as an array."""
    if isinstance(kind, Several):
        return np.array(rows, bool).reshape(len(rows), len(kind.names))
    return np.array(rows, np.float64 if isinstance(kind, Numbers) else np.int64)
