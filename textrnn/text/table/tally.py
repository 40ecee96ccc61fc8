"""Rows of a table, and a count of what is wrong with them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from textrnn.text.table.noise import EXPLAINED, REPEATED, TOTAL
from textrnn.text.table.records import Record

NO_TEXT = "no text"
NO_OBJECT = "no JSON object"
TOO_FEW, TOO_MANY, JOINED = "too few cells", "surplus cells left out", "surplus cells joined to the text"
STRAY = "stray quotes"
NUL = "NUL characters"
DAMAGED = "undecodable bytes"
UNUSABLE = (NO_OBJECT, NO_TEXT)
SHAPE_PROBLEMS = (TOO_FEW, TOO_MANY, JOINED, STRAY)
MAX_NAMED_ROWS = 5
MAX_SHAPE_SHARE = 0.1  # of rows: above it the delimiter or the quotes may be mistaken


class Row(NamedTuple):
    """A row of a table. Only with an empty text is it unusable."""

    number: int  # from 1, as a person counts: the header and blank lines do not count
    text: str  # as it is written, without NUL characters; empty if it is missing or white space
    # As it is written, without white space around it; None if it is blank or there is no such column. Those of a list
    # have AND between them.
    label: str | None
    problem: str | None  # what is wrong with the row, in words
    record: Record  # with all cells


@dataclass
class Tally:
    """How many rows have which problem, and the first of them.

    Example:
        >>> tally = Tally(num_rows=20)
        >>> tally.add(NO_TEXT, 4, 5)
        >>> tally.add(NO_TEXT, 18, 19)
        >>> tally.summary()
        'cannot be used: 2 rows with no text (rows 4, 18; lines 5, 19)'
    """

    num_rows: int = 0
    num_blank: int = 0
    num_titles: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    first_rows: defaultdict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, problem: str, number: int, line: int) -> None:
        """Count a row with a problem, by its number and the line of the file on which it begins, 0 if it has none."""
        self.counts[problem] += 1
        if self.counts[problem] <= MAX_NAMED_ROWS:
            self.first_rows[problem].append((number, line))

    def summary(self) -> str | None:
        """The problems in one line, or None if there are none."""
        parts = []
        titles = {f"line{'s' * (self.num_titles != 1)} above the header": self.num_titles}
        if noise := [f"{count:,} {kind}" for kind, count in (titles | self._noise()).items() if count]:
            parts.append(f"passed over: {', '.join(noise)} (--all-rows reads all)")
        if unusable := [self._count(problem) for problem in UNUSABLE if problem in self.counts]:
            parts.append(f"cannot be used: {', '.join(unusable)}")
        if others := [self._count(problem) for problem in self.counts if problem not in UNUSABLE]:
            parts.append(f"read as well as it can be: {', '.join(others)}")
        if self.num_blank:
            parts.append(f"{self.num_blank:,} blank line{'s' * (self.num_blank != 1)} left out")
        if any(self.counts[problem] > MAX_SHAPE_SHARE * self.num_rows for problem in SHAPE_PROBLEMS):
            parts.append("if that is too many, name the delimiter with --delimiter or try --no-quotes")
        return "; ".join(parts) or None

    def _noise(self) -> dict[str, int]:
        """Records that are no rows, by what they are, in the plural if there are several."""
        plural = {
            REPEATED: "repeated headers",
            TOTAL: "totals at the end",
            EXPLAINED: EXPLAINED.replace("line that explains", "lines that explain"),
        }
        return {plural.get(kind, f"{kind}s") if count > 1 else kind: count for kind, count in self.passed_over.items()}

    def _count(self, problem: str) -> str:
        count, first = self.counts[problem], self.first_rows[problem]
        s, more = "s" * (count != 1), ", ..." * (count > MAX_NAMED_ROWS)
        places = [f"row{s} " + ", ".join(f"{number:,}" for number, _ in first) + more]
        if all(line for _, line in first):
            places.append(f"line{s} " + ", ".join(f"{line:,}" for _, line in first) + more)
        return f"{count:,} row{s} with {problem} ({'; '.join(places)})"
