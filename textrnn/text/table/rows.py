"""A table that has been opened: its rows, as often as they are wanted, and what was wrong with them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from textrnn.text.encodings import BAD, REPLACEMENT
from textrnn.text.table.cell_values import text_of_list
from textrnn.text.table.column_words import column_name, short_name
from textrnn.text.table.decimals import as_decimal
from textrnn.text.table.json_arrays import read_array
from textrnn.text.table.json_lines import are_numbers, read_json_records
from textrnn.text.table.label_lists import joined_labels, list_style
from textrnn.text.table.noise import EXPLAINED, REPEATED, RULER, TOTAL, Noise
from textrnn.text.table.one_hot import Numbered, OneHot, several_columns
from textrnn.text.table.options import TableOptions
from textrnn.text.table.origin import Origin
from textrnn.text.table.records import (
    AT,
    CSV,
    FASTTEXT,
    FIRST_WORD,
    JSON,
    JSONL,
    LINES,
    Dialect,
    Record,
    read_records,
)
from textrnn.text.table.signs import DELIMITERS
from textrnn.text.table.source import Encoding, table_lines
from textrnn.text.table.tally import (
    DAMAGED,
    JOINED,
    NO_OBJECT,
    NO_TEXT,
    NUL,
    STRAY,
    TOO_FEW,
    TOO_MANY,
    Row,
    Tally,
)

PREAMBLE, BLANK, HEADER, ROW = "preamble", "blank", "header", "row"  # parts of a file, beside those of `noise`
NOISE = frozenset({EXPLAINED, REPEATED, RULER, TOTAL})
# What stands for no text in exports of a data frame or a spreadsheet, and what nobody writes.
NO_TEXTS = frozenset({"nan", "NaN", "<NA>", "#N/A", "#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#NV"})
MAX_TYPED_ROWS = 1_000  # that tell whether labels are numbers


@dataclass
class Table:
    """A file of texts, perhaps with labels, that is read as a stream. Made by `textrnn.text.table.table.open_table`."""

    name: str  # the name of the file without its folder, or "standard input"
    path: str  # where it is: of standard input and pipes, the copy that lasts as long as the table is open
    label: str  # what to call it in errors: the path as it was given
    dialect: Dialect
    encoding: Encoding
    header: list[str] | None  # as many names as there are columns, those missing empty; of JSON lines the first keys
    has_header: bool  # whether a record of the file is the header
    width: int  # number of columns
    usual_width: int  # number of cells that most rows have
    sample: list[list[str]] = field(repr=False)  # cells of the first rows; of all if `is_short`
    is_short: bool
    options: TableOptions = field(default_factory=TableOptions)
    preamble: int = 0  # lines before the first record, such as `sep=;` and titles
    num_titles: int = 0  # lines that are titles, or blank before the header
    num_explained: int = 0  # records below the header that explain it
    text_columns: tuple[int, ...] = (0,)  # several are joined, each on a line
    label_columns: tuple[int, ...] = ()  # several hold yes or no each, see `textrnn.text.table.one_hot`
    known_labels: frozenset[str] = frozenset()  # those of the sample
    number_sign: str | None = None  # the sign of labels such as 3,208 that is read as other numbers show
    set_aside: frozenset[int] = frozenset()  # columns that hold neither, as the user says
    num_empty: int = 0  # columns without a cell in them, as far as is known
    num_added: int = 0  # columns that an earlier prediction has added
    has_lines: bool = True  # whether the user's file has the lines that are read; a folder has not
    origin: Origin | None = None  # the file, if this table was made of it
    estimated_rows: int = 0
    num_rows: int | None = None  # None until `rows` has come to its end, unless the table is short
    warnings: list[str] = field(default_factory=list)  # for the user, such as that the encoding is a guess
    tally: Tally = field(default_factory=Tally)  # problems that the last complete reading has found
    readers: list[Generator[str, None, None]] = field(default_factory=list)  # of the file, see `close`

    @property
    def first_name(self) -> str:
        """The name of its file, and of the first of several."""
        return self.name

    @property
    def text_column(self) -> int:
        """The first column with texts."""
        return self.text_columns[0]

    @property
    def label_column(self) -> int | None:
        """The first column with labels, if there is one."""
        return self.label_columns[0] if self.label_columns else None

    @property
    def column_names(self) -> tuple[str | list[str] | None, str | list[str] | None]:
        """The names of the columns with the texts and with the labels, each a list if they are several."""
        names = self.header or [""] * self.width
        texts, labels = ([names[column] for column in own] for own in (self.text_columns, self.label_columns))
        return _one_or_all(texts), _one_or_all(labels)

    @cached_property
    def list_style(self) -> str | None:
        """A cell with a list of labels, to write others like it; None if labels are not in lists."""
        column = self.label_column
        if self.dialect.kind == FASTTEXT or column is None or self.one_hot is not None:
            return None
        return list_style(row[column].strip() for row in self.sample if column < len(row))

    @cached_property
    def has_numbers_as_labels(self) -> bool:
        """Whether labels are numbers and not text, in a file that tells them apart."""
        if self.label_column is None or self.one_hot is not None:
            return False
        if self.origin is not None and self.label_column in self.origin.numeric:
            return True
        if self.dialect.kind not in (JSON, JSONL) or not self.header:
            return False
        rows = islice((record.raw for part, record in self.parts() if part == ROW), MAX_TYPED_ROWS)
        return are_numbers(rows, self.header[self.label_column])

    @property
    def has_lists(self) -> bool:
        """Whether a row has its labels in a list, and so can have several."""
        return self.dialect.kind == FASTTEXT or self.list_style is not None

    @cached_property
    def one_hot(self) -> OneHot | Numbered | None:
        """How the labels of a row are read from several columns; None where they are in one."""
        if len(self.label_columns) < 2:
            return None
        return several_columns(self.label_columns, self.header or [""] * self.width, self.sample)

    def line_of(self, record: Record) -> int:
        """The line of the file on which a record begins, as an editor counts; 0 if it is no file with lines."""
        if self.origin is not None and self.origin.lines is not None:
            return self.origin.lines(self.origin.place_of(record.line + self.preamble))
        return record.line + self.preamble if self.has_lines else 0

    def rows_in_words(self) -> str:
        """How many rows it has, as far as is known."""
        if self.num_rows is None:
            return f"about {self.estimated_rows:,} rows"
        return f"{self.num_rows:,} row{'s' * (self.num_rows != 1)}"

    def describe(self) -> str:
        """The table in one line, for the user; see `open_table` for an example."""
        kind, delimiter = self.dialect.kind, self.dialect.delimiter
        names = {
            AT: f"text{delimiter}label",
            JSONL: "JSON lines",
            JSON: "a JSON array",
            FASTTEXT: "fastText",
            FIRST_WORD: "a label before each text",
            LINES: "a text a line",
        }
        written = names.get(kind) or DELIMITERS.get(delimiter, f"delimiter {delimiter!r}")
        encoding = self.encoding.name
        if self.origin is not None:
            written, encoding = self.origin.words, self.origin.encoding
        parts = [self.rows_in_words(), written, *[encoding] * bool(encoding)]
        if kind == CSV and not self.has_header:
            parts.append("no header")
        if kind != LINES:
            names_of_texts = " and ".join(short_name(self.header, column) for column in self.text_columns)
            parts.append(f"text in column{'s' * (len(self.text_columns) > 1)} {names_of_texts}")
            labels = ", ".join(short_name(self.header, column) for column in self.label_columns)
            several = "s" * (len(self.label_columns) > 1)
            parts.append(f"label{several} in column{several} {labels}" if labels else "no labels")
        if self.num_added:
            parts.append(f"{self.num_added} column{'s' * (self.num_added != 1)} of an earlier prediction passed over")
        if self.num_empty:
            parts.append(f"{self.num_empty} empty column{'s' * (self.num_empty != 1)}")
        return f"{self.name}: {', '.join(parts)}"

    def summary(self) -> str | None:
        """What was wrong with the rows when they were last read to the end, in one line; None if nothing was."""
        found = self.tally.summary()
        return f"{self.name}: {found}" if found else None

    def close(self) -> None:
        """Closes the file wherever it is still being read: nothing waits for what was given up half way."""
        for lines in self.readers:
            lines.close()
        self.readers.clear()

    def parts(self) -> Iterator[tuple[str, Record]]:
        """All records of the file, in order, each with what it is: PREAMBLE, BLANK, HEADER, ROW or one of NOISE."""
        lines = table_lines(self.path, self.name, self.encoding, self.dialect.newline)
        self.readers.append(lines)
        for number, line in enumerate(islice(lines, self.preamble), 1):
            yield PREAMBLE, Record(line, [], number)
        if self.dialect.kind == JSON:
            for is_row, record in read_array(lines, self.dialect.level, self.header or []):
                yield (ROW if is_row else PREAMBLE), record
            return
        if self.dialect.kind == JSONL:
            records = read_json_records(lines, self.header or [])
        else:
            records = read_records(lines, self.dialect, width=self.usual_width)
        noise = None
        if self.dialect.kind == CSV and not self.options.all_rows:
            noise = Noise(self.header if self.has_header else None, self.width)
        header_follows, has_bad, explaining = self.has_header, self.encoding.num_bad > 0, self.num_explained
        held: list[tuple[str, Record]] = []  # totals, which are rows after all if others follow
        for record in records:
            if has_bad and BAD in record.raw:
                raw, cells = (record.raw.replace(BAD, REPLACEMENT), [c.replace(BAD, REPLACEMENT) for c in record.cells])
                record = record._replace(raw=raw, cells=cells, damaged=True)
            part = ROW
            if not record.cells and not record.stray:
                part = BLANK
            elif header_follows:
                header_follows, part = False, HEADER
            elif explaining:
                explaining, part = explaining - 1, EXPLAINED
            elif noise is not None and (noise.is_possible(record.cells) or record.cells[0] in self.known_labels):
                part = noise.kind_of(record.cells, self.known_labels) or ROW
            if held or part == TOTAL:
                if part == TOTAL or not any(map(str.strip, record.cells)):
                    held.append((part, record))
                    continue
                yield from ((ROW if kind == TOTAL else kind, one) for kind, one in held)
                held = []
            yield part, record
        yield from held

    def rows(self) -> Iterator[Row]:
        """Read the rows, in constant memory; may be called again, and several times at once.

        Yields:
            The rows, none left out but blank lines and noise. At the end `tally`, `summary` and `num_rows` are set.

        Raises:
            DataError: the file cannot be read any more.
        """
        tally, number, has_nul = Tally(num_titles=self.num_titles), 0, self.encoding.has_nul
        text_column, label_column, usual_width = self.text_column, self.label_column, self.usual_width
        is_joined = len(self.text_columns) > 1
        one_hot = self.one_hot
        if one_hot is not None or max(*self.text_columns, label_column or 0) >= usual_width:
            usual_width = -1  # then no row is read the fast way
        make = tuple.__new__  # faster than Row(...), which there may be millions of
        for part, record in self.parts():
            if part != ROW:
                tally.num_blank += part == BLANK
                tally.passed_over[part] += part in NOISE
                continue
            number += 1
            cells, problem = record.cells, None
            if len(cells) == usual_width and not (record.stray or record.damaged or has_nul):
                text = self._joined(cells) if is_joined else cells[text_column]
                label = cells[label_column].strip() if label_column is not None else ""
                if not text or text.isspace() or text in NO_TEXTS:
                    text, problem = "", NO_TEXT
                    tally.add(NO_TEXT, number, self.line_of(record))
            else:
                text, label, problems = self._odd_row(record)
                for problem in problems:
                    tally.add(problem, number, self.line_of(record))
                problem = ", ".join(problems) or None
            if text[:1] == "[" and self.dialect.kind in (JSON, JSONL):
                text = text_of_list(text)
            if label and (label[0] == "[" or self.list_style is not None):
                name = f"{self.label}: {column_name(self.header, label_column or 0)}"
                label = joined_labels(label, name, self.list_style)
            if self.number_sign is not None:
                label = as_decimal(label, self.number_sign)
            yield make(Row, (number, text, label or None, problem, record))
        tally.num_rows = self.num_rows = number
        self.tally = tally

    def _odd_row(self, record: Record) -> tuple[str, str, list[str]]:
        """Text, label and problems of a record that may have some."""
        cells, label_column = record.cells, self.label_column
        padded = [*cells, *[""] * self.width]
        text, label = self._joined(padded), padded[label_column].strip() if label_column is not None else ""
        if self.one_hot is not None:
            label = self.one_hot.label(padded, self.label)
        has_surplus = any(cell.strip() for cell in cells[self.width :])
        is_one = len(self.text_columns) == 1 and self.one_hot is None and self.dialect.kind == CSV
        joined = self._rejoined(record, label) if has_surplus and is_one else None
        text, label = joined or (text, label)
        text, label = text.replace("\0", ""), label.replace("\0", "").strip()
        text = "" if text.isspace() or text in NO_TEXTS else text
        problems = {
            NO_OBJECT: not cells,
            TOO_FEW: 0 < len(cells) < self.usual_width,
            JOINED: joined is not None,
            TOO_MANY: has_surplus and joined is None,
            NUL: "\0" in record.raw,
            DAMAGED: record.damaged,
            STRAY: record.stray and bool(cells),
            NO_TEXT: bool(cells) and not text,
        }
        return text, label, [problem for problem, is_there in problems.items() if is_there]

    def _joined(self, cells: Sequence[str]) -> str:
        """The text of a row: that of one column, or of several, but for blank ones, a line each."""
        if len(self.text_columns) == 1:
            return cells[self.text_columns[0]]
        return "\n".join(cells[column] for column in self.text_columns if cells[column].strip())

    def _rejoined(self, record: Record, label: str) -> tuple[str, str] | None:
        """Text and label where delimiters in a text without quotes are what makes too many cells; else None.

        That is so where a label that is known stands behind the text if this takes the surplus cells, and only then;
        and behind a label that is known, unless the text ends with its quotes.
        """
        cells, begin, column, extra = record.cells, self.text_column, self.label_column, len(record.cells) - self.width
        joined = self.dialect.delimiter.join(cells[begin : begin + extra + 1])
        if record.spans:
            joined = record.raw[record.spans[begin][0] : record.spans[begin + extra][1]]
        if column is not None and column > begin:
            moved = cells[column + extra].strip()
            return (joined, moved) if moved in self.known_labels and label not in self.known_labels else None
        is_whole = self.dialect.quotes and joined.startswith(self.dialect.quote) and cells[begin + 1][:1] != " "
        is_last = begin == self.width - 1 and not is_whole
        return (joined, label) if is_last and (column is None or label in self.known_labels) else None


def _one_or_all(names: list[str]) -> str | list[str] | None:
    if len(names) > 1 and all(names):
        return names
    return names[0] or None if names else None
