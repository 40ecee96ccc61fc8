"""A table that has been opened: its rows, as often as they are wanted, and what was wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from textrnn.text.table.column_facts import column_name
from textrnn.text.table.dialect import DELIMITERS
from textrnn.text.table.json_lines import read_json_records
from textrnn.text.table.records import AT, CSV, JSONL, LINES, QUOTE, Dialect, Record, read_records
from textrnn.text.table.source import BAD, REPLACEMENT, Encoding, table_lines

BLANK, HEADER, ROW = "blank", "header", "row"  # parts of a file
NO_TEXT = "no text"
NO_OBJECT = "no JSON object"
TOO_FEW, TOO_MANY = "too few cells", "too many cells"
STRAY = "stray quotes"
NUL = "NUL characters"
DAMAGED = "undecodable bytes"
UNUSABLE = (NO_OBJECT, NO_TEXT)
SHAPE_PROBLEMS = (TOO_FEW, TOO_MANY, STRAY)
MAX_NAMED_ROWS = 5
MAX_SHAPE_SHARE = 0.1  # of rows: above it the delimiter or the quotes may be mistaken


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        number: from 1, as a person counts: the header and blank lines do not count.
        line: number of its first line in the file, from 1.
        text: as it is written, without NUL characters; empty if it is missing or white space.
        label: as it is written, without white space around it; None if it is blank or there is no such column.
        problem: what is wrong with the row, in words; None if nothing is. Only with an empty text is it unusable.
        cells: all of them, without their quotes.
        raw: the record as it stands in the file, with its line end.
    """

    number: int
    line: int
    text: str
    label: str | None
    problem: str | None
    cells: Sequence[str]
    raw: str


@dataclass
class Tally:
    """How many rows have which problem, and the first of them.

    Example:
        >>> tally = Tally()
        >>> tally.add(NO_TEXT, 4)
        >>> tally.add(NO_TEXT, 18)
        >>> tally.num_rows = 20
        >>> tally.summary()
        'cannot be used: 2 rows with no text (rows 4, 18)'
    """

    counts: dict[str, int] = field(default_factory=dict)
    first_rows: dict[str, list[int]] = field(default_factory=dict)
    num_rows: int = 0
    num_blank: int = 0

    def add(self, problem: str, number: int) -> None:
        """Count a row with a problem."""
        self.counts[problem] = self.counts.get(problem, 0) + 1
        named = self.first_rows.setdefault(problem, [])
        if len(named) < MAX_NAMED_ROWS:
            named.append(number)

    def summary(self) -> str | None:
        """The problems in one line, or None if there are none."""
        parts = []
        if unusable := self._list([problem for problem in UNUSABLE if problem in self.counts]):
            parts.append(f"cannot be used: {unusable}")
        if others := self._list([problem for problem in self.counts if problem not in UNUSABLE]):
            parts.append(f"read as well as it can be: {others}")
        if self.num_blank:
            parts.append(f"{self.num_blank:,} blank line{'s' * (self.num_blank != 1)} left out")
        if any(self.counts.get(problem, 0) > MAX_SHAPE_SHARE * self.num_rows for problem in SHAPE_PROBLEMS):
            parts.append("if that is too many, name the delimiter with --delimiter or try --no-quotes")
        return "; ".join(parts) or None

    def _list(self, problems: Sequence[str]) -> str:
        shown = []
        for problem in problems:
            count, named = self.counts[problem], self.first_rows[problem]
            plural = "s" * (count != 1)
            more = ", ..." if count > len(named) else ""
            numbers = ", ".join(f"{number:,}" for number in named)
            shown.append(f"{count:,} row{plural} with {problem} (row{plural} {numbers}{more})")
        return ", ".join(shown)


@dataclass
class Table:
    """A file of texts, perhaps with labels, that is read as a stream. Made by `textrnn.text.table.table.open_table`.

    Attributes:
        name: what to call it: the name of the file without its folder, or "standard input".
        path: where it is: of standard input and pipes, the copy that lasts as long as the table is open.
        label: what to call it in errors: the path as it was given.
        dialect: how it is cut into cells.
        encoding: how its bytes become text.
        header: names of the columns, as many as there are columns, those missing empty; None if they have no names.
            For JSON lines the keys of the first objects.
        has_header: whether a record of the file is the header.
        width: number of columns.
        usual_width: number of cells that most rows have.
        sample: cells of the first rows; all of them if `is_short`.
        is_short: whether the sample is the whole file.
        preamble: lines before the first record, such as `sep=;`.
        text_column: index of the column with the texts.
        label_column: index of the column with the labels, or None.
        known_labels: labels of the first rows.
        estimated_rows: about how many rows it has.
        num_rows: how many it has, once `rows` has come to its end, or if it is short; else None.
        warnings: lines for the user, such as that the encoding is a guess.
        tally: problems that the last complete reading has found.
    """

    name: str
    path: str
    label: str
    dialect: Dialect
    encoding: Encoding
    header: list[str] | None
    has_header: bool
    width: int
    usual_width: int
    sample: list[list[str]] = field(repr=False)
    is_short: bool
    preamble: int = 0
    text_column: int = 0
    label_column: int | None = None
    known_labels: frozenset[str] = frozenset()
    estimated_rows: int = 0
    num_rows: int | None = None
    warnings: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    @property
    def column_names(self) -> tuple[str | None, str | None]:
        """The names of the columns with the texts and the labels, as far as there are any."""
        names, columns = self.header or [""] * self.width, (self.text_column, self.label_column)
        text, label = (names[column] or None if column is not None else None for column in columns)
        return text, label

    def describe(self) -> str:
        """The table in one line, for the user; see `open_table` for an example."""
        rows = f"about {self.estimated_rows:,}" if self.num_rows is None else f"{self.num_rows:,}"
        dialect = self.dialect
        names = {AT: "text@label", JSONL: "JSON lines", LINES: "a text a line"}
        kind = names.get(dialect.kind) or DELIMITERS.get(dialect.delimiter, f"delimiter {dialect.delimiter!r}")
        parts = [f"{rows} row{'s' * (rows != '1')}", kind, self.encoding.name]
        if dialect.kind == CSV and not self.has_header:
            parts.append("no header")
        if dialect.kind != LINES:
            parts.append(f"text in {column_name(self.header, self.text_column)}")
            label = None if self.label_column is None else column_name(self.header, self.label_column)
            parts.append(f"label in {label}" if label else "no labels")
        return f"{self.name}: {', '.join(parts)}"

    def summary(self) -> str | None:
        """What was wrong with the rows when they were last read to the end, in one line; None if nothing was."""
        found = self.tally.summary()
        return f"{self.name}: {found}" if found else None

    def parts(self) -> Iterator[tuple[str, Record, bool]]:
        """All records of the file, in order: BLANK, HEADER or ROW; the record; whether bytes of it were replaced."""
        lines = table_lines(self.path, self.name, self.encoding, self.dialect.newline)
        for number, line in enumerate(islice(lines, self.preamble), 1):
            yield BLANK, Record(line, [], number), False
        if self.dialect.kind == JSONL:
            records = read_json_records(lines, self.header or [])
        else:
            records = read_records(lines, self.dialect, width=self.usual_width)
        header_follows, has_bad, damaged = self.has_header, self.encoding.num_bad > 0, False
        for record in records:
            if has_bad and (damaged := BAD in record.raw):
                raw, cells = (record.raw.replace(BAD, REPLACEMENT), [c.replace(BAD, REPLACEMENT) for c in record.cells])
                record = record._replace(raw=raw, cells=cells)
            if not record.cells and not record.stray:
                yield BLANK, record, damaged
            elif header_follows:
                header_follows = False
                yield HEADER, record, damaged
            else:
                yield ROW, record, damaged

    def rows(self) -> Iterator[Row]:
        """Read the rows, in constant memory; may be called again, and several times at once.

        Yields:
            The rows, none left out but blank lines. At the end `tally`, `summary` and `num_rows` are set.

        Raises:
            DataError: the file cannot be read any more.
        """
        tally, number, has_nul = Tally(), 0, self.encoding.has_nul
        text_column, label_column, usual_width = self.text_column, self.label_column, self.usual_width
        if max(text_column, label_column or 0) >= usual_width:
            usual_width = -1  # then no row is read the fast way
        make = tuple.__new__  # faster than Row(...), which there may be millions of
        for part, record, damaged in self.parts():
            if part != ROW:
                tally.num_blank += part == BLANK and record.line > self.preamble
                continue
            number += 1
            cells = record.cells
            problem = None
            if len(cells) == usual_width and not (record.stray or damaged or has_nul):
                text = cells[text_column]
                label = cells[label_column].strip() if label_column is not None else ""
                if not text or text.isspace():
                    text, problem = "", NO_TEXT
                    tally.add(NO_TEXT, number)
            else:
                text, label, problems = self._odd_row(record, damaged)
                for problem in problems:
                    tally.add(problem, number)
                problem = ", ".join(problems) or None
            line = record.line + self.preamble
            yield make(Row, (number, line, text, label or None, problem, cells, record.raw))
        tally.num_rows = self.num_rows = number
        self.tally = tally

    def _odd_row(self, record: Record, damaged: bool) -> tuple[str, str, list[str]]:
        """Text, label and problems of a record that may have some."""
        cells = record.cells
        needed = max(self.text_column, self.label_column or 0) + 1
        padded = [*cells, *[""] * (needed - len(cells))]
        text = padded[self.text_column]
        label = padded[self.label_column].strip() if self.label_column is not None else ""
        problems = []
        if not cells:
            problems.append(NO_OBJECT)
        elif len(cells) < self.usual_width:
            problems.append(TOO_FEW)
        elif any(cell.strip() for cell in cells[self.width :]):
            problems.append(TOO_MANY)
            if self.dialect.kind == CSV and QUOTE not in record.raw:
                text, label = self._rejoined(cells, text, label)
        if "\0" in record.raw:
            text, label = text.replace("\0", ""), label.replace("\0", "").strip()
            problems.append(NUL)
        if damaged:
            problems.append(DAMAGED)
        if record.stray and cells:
            problems.append(STRAY)
        if cells and (not text or text.isspace()):
            text = ""
            problems.append(NO_TEXT)
        return text, label, problems

    def _rejoined(self, cells: Sequence[str], text: str, label: str) -> tuple[str, str]:
        """Text and label where delimiters in a text without quotes are what makes too many cells.

        That is so where a label that is known stands behind the text if this takes the surplus cells, and only then.
        """
        begin, column, extra = self.text_column, self.label_column, len(cells) - self.width
        joined = self.dialect.delimiter.join(cells[begin : begin + extra + 1])
        if column is not None and column > begin:
            moved = cells[column + extra].strip()
            return (joined, moved) if moved in self.known_labels and label not in self.known_labels else (text, label)
        is_last = begin == self.width - 1
        return (joined, label) if is_last and (column is None or label in self.known_labels) else (text, label)
