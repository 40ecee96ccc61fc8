"""Columns of a table that decide which rows are held out: what belongs together, and what is learnt from or not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, DataError
from textrnn.classifier.label_numbers import number_of
from textrnn.classifier.labels import listed
from textrnn.classifier.splits import folded
from textrnn.text.table.column_words import short_name
from textrnn.text.table.columns import resolve_column
from textrnn.text.table.table import Table

TRAIN, VALID, TEST = "train", "validation", "test"
# How people write on which side a row is; `set`, `data` and the like behind it do not matter.
WORDS = {
    TRAIN: "train training trn tr learn learning fit 训练 训练样本 学习",
    VALID: "valid validation validate val vld dev devel development tune tuning 验证 校验 开发 验证样本",
    TEST: "test testing tst te held-out held_out heldout holdout hold-out eval evaluation evaluate 测试 评估 评测 "
    "测试样本",
}
_SIDES = {word: side for side, words in WORDS.items() for word in words.split()}
_BEHIND = re.compile(r"[ _-]?(?:sets?|data|split|part|rows|samples?|集合|数据集|数据|集)$")
_DAY_FIRST = re.compile(r"\s*(\d{1,2})([-/.])(\d{1,2})\2\d{2,4}\b")
_CHINESE_DATE = re.compile(r"(\d{4})年(\d{1,2})月(?:(\d{1,2})[日号])?")
_CHINESE_CLOCK = re.compile(r"(\d{1,2})[时点](\d{1,2})分(?:(\d{1,2})秒)?")


@dataclass(frozen=True)
class SideColumns:
    """Columns that decide which rows are held out, each by its name or number.

    Attributes:
        group: rows with the same value in it belong together.
        split: it says of each row train, validation or test; or a date, time or number by which the last are held out.
    """

    group: str | None = None
    split: str | None = None

    def reader(self, table: Table) -> Callable[[Sequence[str]], tuple[str, ...]]:
        """The function that gives what stands in these columns of a row's cells.

        Raises:
            DataError: there is no such column.
            ConfigError: it holds the texts or the labels.
        """
        columns = [_column(table, name, flag) for flag, name in self.flagged]
        return lambda cells: tuple(cells[column].strip() if column < len(cells) else "" for column in columns)

    @property
    def flagged(self) -> tuple[tuple[str, str], ...]:
        """The flag and the column of those that are given."""
        both = (("--group-column", self.group), ("--split-column", self.split))
        return tuple((flag, name) for flag, name in both if name is not None)

    def named(self, table: Table) -> SideColumns:
        """The same columns by their names in a table, if they have any there."""

        def name_of(wanted: str | None, flag: str) -> str | None:
            if wanted is None:
                return None
            return (table.header[_column(table, wanted, flag)] if table.header else "") or wanted

        return SideColumns(name_of(self.group, "--group-column"), name_of(self.split, "--split-column"))


NO_SIDES = SideColumns()


def _column(table: Table, wanted: str, flag: str) -> int:
    column = resolve_column(wanted, table.header, table.width, flag=flag, table=table.label)
    taken = {"texts": ("--text-column", table.text_columns), "labels": ("--label-column", table.label_columns)}
    for what, (own, columns) in taken.items():
        if column in columns:
            name = short_name(table.header, column)
            raise ConfigError(
                f"{flag} is {name}, which is taken for the {what} of {table.name}: name the column of the {what} with "
                f"{own}, or leave out {flag}"
            )
    return column


@dataclass(frozen=True)
class Sides:
    """Which rows are learnt from and which are measured on.

    Attributes:
        learnt, held: int64, the places of the rows, ascending.
        words: what was done, with counts.
        held_words: what the rows that are measured on are, in words behind the name of the table.
    """

    learnt: np.ndarray
    held: np.ndarray
    words: str
    held_words: str


def given_sides(cells: Sequence[str], column: str, share: float, max_rows: int) -> Sides:
    """Splits rows as the cells of a column say.

    Args:
        cells: of each row. All are words for train, validation and test; or numbers, or dates and times, of which the
            last ones are held out. Rows where it is blank are left out.
        column: its name, for messages.
        share: of the rows to hold out by numbers or times. Rows with the same one are on one side.
        max_rows: to hold out by numbers or times, at most.

    Raises:
        DataError: cells are of none of these kinds, or one side has no row.

    Example:
        >>> sides = given_sides(["train", "TEST", "训练集", "dev"], "part", 0.2, 100)
        >>> sides.learnt.tolist(), sides.held.tolist()
        ([0, 2, 3], [1])
        >>> sides = given_sides(["2024-01-05", "2023-12-31", "2024-02-01 10:30", "2024年1月7日"], "day", 0.25, 100)
        >>> sides.held.tolist(), sides.held_words
        ([2], "from 'day' = 2024-02-01 10:30 on")
    """
    flag = f"--split-column {column!r:.60}"
    filled = np.array([bool(cell) for cell in cells])
    known = sorted({cell for cell in cells if cell})
    if not known:
        raise DataError(f"{flag} is blank in all labelled rows: expected train and test, or dates or numbers")
    blank = len(cells) - int(filled.sum())
    rest = f"; {_rows(blank)} left out, where {column!r:.60} is blank" if blank else ""
    sides = {cell: side for cell in known if (side := side_of(cell)) is not None}
    if len(sides) == len(known):
        found = _by_words([sides.get(cell) for cell in cells], column, flag)
    elif sides:
        strange = [cell for cell in known if cell not in sides]
        raise DataError(f"{flag} has {listed(list(sides))} and also {listed(strange)}: expected train, valid and test")
    else:
        found = _by_order(cells, filled, column, flag, share, max_rows)
    return Sides(found.learnt, found.held, found.words + rest, found.held_words)


def side_of(cell: str) -> str | None:
    """On which side a word puts a row; None if it is no such word.

    Example:
        >>> [side_of(word) for word in ("Training set", "dev", "测试集", "held-out", "train_data", "good")]
        ['train', 'validation', 'test', 'test', 'train', None]
    """
    word = folded(cell)
    return _SIDES.get(word) or _SIDES.get(_BEHIND.sub("", word))


def _rows(number: int) -> str:
    return f"{number:,} row{'s' * (number != 1)}"


def _by_words(sides: Sequence[str | None], column: str, flag: str) -> Sides:
    counts = Counter(side for side in sides if side is not None)
    held_side = TEST if counts[TEST] else VALID
    learnt_sides = {TRAIN, VALID} - {held_side}
    learnt = np.array([row for row, side in enumerate(sides) if side in learnt_sides], np.int64)
    held = np.array([row for row, side in enumerate(sides) if side == held_side], np.int64)
    if not len(learnt) or not len(held):
        there = " and ".join(f"{side} ({_rows(count)})" for side, count in counts.items())
        raise DataError(f"{flag} says only {there}: expected rows to learn from and rows to measure on")
    words = f"as {column!r:.60} says: {_rows(counts[TRAIN])} of train"
    if TRAIN not in counts:
        words = f"as {column!r:.60} says:"
    if held_side == TEST and counts[VALID]:
        words += f"{' and ' if TRAIN in counts else ' '}{counts[VALID]:,} of validation"
    return Sides(
        learnt,
        held,
        f"{words} are learnt from, {counts[held_side]:,} of {held_side} are measured on",
        f"that are {held_side} in {column!r:.60}",
    )


def _by_order(cells: Sequence[str], filled: np.ndarray, column: str, flag: str, share: float, max_rows: int) -> Sides:
    """Rows by number or time: the last ones are held out."""
    keys, note = order_keys([cell for cell in cells if cell], flag)
    rows = np.flatnonzero(filled)
    ordered = rows[np.argsort(keys, kind="stable")]
    steps = np.sort(keys)
    begins = np.flatnonzero(np.diff(steps)) + 1  # where another value begins
    if not len(begins):
        raise DataError(f"{flag} is {cells[rows[0]]!r:.40} in all rows: expected different ones, some of them later")
    wanted = len(rows) - max(1, min(round(share * len(rows)), max_rows))
    cut = int(begins[np.abs(begins - wanted).argmin()])
    first = cells[int(ordered[cut])]
    words = (
        f"by {column!r:.60}: the first {_rows(cut)}, before {first}, are learnt from, and the last {len(rows) - cut:,} "
        f"are measured on{note}"
    )
    return Sides(np.sort(ordered[:cut]), np.sort(ordered[cut:]), words, f"from {column!r:.60} = {first} on")


def order_keys(cells: Sequence[str], flag: str) -> tuple[np.ndarray, str]:
    """Numbers by which cells are in order, float64[cells], and a note if a guess was made.

    Raises:
        DataError: they are neither all numbers nor all dates and times.
    """
    numbers = {cell: number_of(cell) for cell in dict.fromkeys(cells)}
    if None not in numbers.values():
        return np.array([numbers[cell] for cell in cells], np.float64), ""
    pairs = [match.group(1, 3) for cell in numbers if (match := _DAY_FIRST.match(cell))]
    is_day_first = any(int(first) > 12 for first, _ in pairs)
    if is_day_first and any(int(second) > 12 for _, second in pairs):
        raise DataError(f"{flag} has dates with the day first and dates with the month first: expected one way")
    has_points = any(match[2] == "." for cell in numbers if (match := _DAY_FIRST.match(cell)))
    is_sure = is_day_first or has_points or not pairs or any(int(second) > 12 for _, second in pairs)
    is_day_first = is_day_first or has_points
    times = {cell: _time(cell, is_day_first) for cell in numbers}
    if strange := [cell for cell, found in times.items() if found is None]:
        raise DataError(
            f"{flag} has {listed(strange)}: expected words for train, valid and test, or a date, time or number in all "
            "rows"
        )
    note = "" if is_sure else " (dates were read with the month first)"
    return np.array([times[cell] for cell in cells], np.float64), note


def _time(cell: str, is_day_first: bool) -> float | None:
    """Seconds of a date or time, without time zone as in UTC; None if it is none."""
    from dateutil.parser import parse

    text = _CHINESE_DATE.sub(lambda match: "-".join(f"{int(part or 1):02}" for part in match.groups()) + " ", cell)
    text = _CHINESE_CLOCK.sub(lambda match: ":".join(part or "00" for part in match.groups()), text).strip()
    found: Any
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            found = parse(text, dayfirst=is_day_first, default=datetime(1970, 1, 1))
        except (ValueError, OverflowError):
            return None
    return float((found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp())
