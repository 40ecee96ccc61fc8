"""Tables of texts and labels: CSV, TSV and the like, `text@label`, JSON lines, or a text a line.

`open_table` finds out how a file is written and which columns hold what, `Table.rows` reads it as a stream, and
`textrnn.text.table.writer.write_predictions` writes it again with columns added.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from textrnn.base.errors import DataError
from textrnn.text.files import STANDARD_INPUT, find_files
from textrnn.text.reader import opened, spooled, standard_input
from textrnn.text.table.column_facts import MIN_ROWS_TO_JUDGE, ColumnFacts, column_facts, has_header
from textrnn.text.table.column_names import label_hint
from textrnn.text.table.columns import (
    check_different,
    check_text,
    find_label,
    find_text,
    find_usual,
    may_be_label,
    no_label,
    resolve_column,
    unused_label,
)
from textrnn.text.table.dialect import MIN_SHARE, Measure, find_dialect, parse_delimiter, separator_line
from textrnn.text.table.json_lines import keys_of, read_json_records
from textrnn.text.table.records import AT, JSONL, MAX_RECORD_CHARS, read_records
from textrnn.text.table.rows import ROW, Row, Table, Tally
from textrnn.text.table.source import BAD, REPLACEMENT, Encoding, inspect_table, table_lines

__all__ = ["Row", "Table", "TableOptions", "Tally", "open_table"]

SAMPLE_CHARS, SAMPLE_LINES, MAX_SAMPLE_CHARS = 1 << 18, 1_000, 1 << 21
MAX_FACT_ROWS = 2_000


@dataclass(frozen=True)
class TableOptions:
    """What the user says about a table; None is to be found out.

    Args:
        delimiter: a character, or `tab`, `comma`, `semicolon`, `pipe`, `at` (text@label), `jsonl`,
            `lines` (a text a line).
        text_column: name of the column with the texts, or its number from 1.
        label_column: the same for the labels.
        encoding: name of a Python codec.
        header: whether the first record names the columns.
        quotes: whether cells can be in quotes; if not, quotes are text.
        usual_text: name of the column that has the texts, if there is one of that name.
        usual_label: the same for the labels.
    """

    delimiter: str | None = None
    text_column: str | None = None
    label_column: str | None = None
    encoding: str | None = None
    header: bool | None = None
    quotes: bool | None = None
    usual_text: str | None = None
    usual_label: str | None = None

    def like(self, text: str | None, label: str | None) -> TableOptions:
        """The same for a table that goes with another one, whose columns have these names."""
        return replace(self, usual_text=text, usual_label=label)


@dataclass(frozen=True)
class _Sample:
    """The beginning of a file, cut into records."""

    measure: Measure
    preamble: int
    rows: list[list[str]]  # cells of the records that are not blank
    complete: bool
    chars: int
    keys: list[str] | None = None


@contextlib.contextmanager
def open_table(path: str, options: TableOptions | None = None, *, needs_label: bool | None = None) -> Iterator[Table]:
    """Open a file of texts and find out how it is written.

    The file is read once to decide its encoding (see `textrnn.text.table.source`); its first quarter of a million
    characters or more tell its delimiter and quotes (`textrnn.text.table.dialect`) and its columns
    (`textrnn.text.table.columns`).
    Where these do not show the labels, as in a file that is sorted by them, rows from all over the file do.

    Args:
        path: the file; `-` is standard input, which is copied to a temporary file first, as are pipes.
        options: what is known.
        needs_label: True if there has to be a column of labels; False if it is used when it can be told;
            None if there may be none, but several that could be meant are an error.

    Yields:
        The table, to be read while it is open.

    Raises:
        ConfigError: an option makes no sense.
        DataError: the file is missing, empty, no table or in no known encoding; or its columns cannot be told, where
            the message lists them and names the flag that helps.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "reviews.csv")
        ...     with open(path, "w", encoding="utf-8") as file:
        ...         _ = file.write('id;review;stars\\n1;"good; very good";5\\n2;bad film;1\\n3;fine film;5\\n4;no;1\\n')
        ...     with open_table(path) as table:
        ...         print(table.describe())
        ...         print([(row.number, row.text, row.label) for row in table.rows()][0])
        reviews.csv: 4 rows, semicolon, UTF-8, text in column 'review', label in column 'stars'
        (1, 'good; very good', '5')
    """
    options = options or TableOptions()
    with contextlib.ExitStack() as stack:
        if path == STANDARD_INPUT:
            copy = stack.enter_context(spooled(standard_input(), "standard input"))
            yield _open(copy, "standard input", "standard input", options, needs_label)
            return
        if os.path.isdir(path):
            raise DataError(f"{path} is a folder: expected a file with a table")
        if not os.path.exists(path):
            path = find_files([path])[0]
        name = os.path.basename(path)
        if os.path.isfile(path):
            yield _open(path, path, name, options, needs_label)
            return
        with opened(path, path) as pipe:
            copy = stack.enter_context(spooled(pipe, path))
        yield _open(copy, path, name, options, needs_label)


def _open(path: str, label: str, name: str, options: TableOptions, needs_label: bool | None) -> Table:
    encoding = inspect_table(path, label, options.encoding)
    sample = _read_sample(path, label, name, encoding, options)
    dialect, rows = sample.measure.dialect, sample.rows
    if not rows:
        raise DataError(f"{label} has no record that can be read: expected a table with text")
    names = sample.keys
    below = column_facts(_some(rows[1:]), max(map(len, rows)))
    headed = names is None and (options.header if options.header is not None else has_header(rows[0], below))
    if headed:
        names = rows.pop(0)
        if not rows and sample.complete:
            raise DataError(f"{label} has a header ({', '.join(names):.200}) and no rows: expected texts below it")
    usual = sample.measure.width or len(sample.keys or ())
    if headed and names is not None and sample.measure.share < MIN_SHARE:
        usual = len(names)
    width = max(usual, len(names or ()))
    if names is not None:
        names = [name.strip() for name in names] + [""] * (width - len(names))
    table = Table(
        name=name,
        path=path,
        dialect=dialect,
        encoding=encoding,
        header=names,
        has_header=headed,
        width=width,
        usual_width=usual,
        text_column=0,
        preamble=sample.preamble,
        estimated_rows=_estimate(len(rows), sample.chars, encoding.num_chars),
        num_rows=len(rows) if sample.complete else None,
    )
    if encoding.guessed:
        table.warnings.append(
            f"{name} is neither UTF-8 nor GB18030: read as {encoding.name}; "
            "if letters with accents look wrong, name its encoding with --encoding"
        )
    elif encoding.num_bad:
        table.warnings.append(
            f"{name} has {encoding.num_bad:,} places that are not {encoding.name}: read as U+FFFD; "
            "if there are many, name its encoding with --encoding"
        )
    return _with_columns(table, label, sample, options, needs_label)


def _with_columns(table: Table, label: str, sample: _Sample, options: TableOptions, needs_label: bool | None) -> Table:
    """Tell a table its columns of texts and labels."""
    names, width = table.header, table.width
    facts = column_facts(_some(_regular(table, sample.rows)), width)
    text = label_column = None
    if options.text_column is not None:
        text = resolve_column(options.text_column, names, width, flag="--text-column", table=label)
    if options.label_column is not None:
        label_column = resolve_column(options.label_column, names, width, flag="--label-column", table=label)
        check_different(text, label_column)
    if text is None:
        text = find_usual(options.usual_text, names, taken=label_column)
    if label_column is None:
        label_column = find_usual(options.usual_label, names, taken=text)
    if table.dialect.kind == AT:  # the form says which is which
        text = 0 if text is None and label_column != 0 else 1 if text is None else text
        label_column = 1 - text if label_column is None else label_column
    if text is None:
        text = 0 if width == 1 else find_text(names, facts, table=label, label_column=label_column)
    check_text(names, facts, text, label)
    table.text_column = text
    if label_column is None:
        label_column = _find_label(table, facts, label, sample, needs_label)
    table.label_column = label_column
    if label_column is None and (warning := unused_label(names, facts, text)):
        table.warnings.append(f"{table.name}: {warning}")
    if label_column is not None:
        whole = [row for row in sample.rows if len(row) == table.usual_width > label_column]
        table.known_labels = frozenset({row[label_column].strip() for row in whole} - {""})
    return table


def _find_label(
    table: Table, facts: Sequence[ColumnFacts], label: str, sample: _Sample, needs_label: bool | None
) -> int | None:
    """The column of the labels. Rows from all over a long file are looked at if its first do not show them."""
    names = table.header
    find = partial(find_label, names, table=label, text_column=table.text_column)
    if needs_label is False:
        with contextlib.suppress(DataError):
            return find(facts)
        return None
    if not sample.complete and table.width > 1:
        # In a file that is sorted by its labels the first rows have one of them only.
        with contextlib.suppress(DataError):
            found = find(facts)
            if found is not None and names and label_hint(names[found]) and len(facts[found].counts) > 1:
                return found
        facts = column_facts(_regular(table, _spread_rows(table)), table.width)
    found = find(facts)
    if found is None and needs_label and table.width == 2:
        # The only column that is left, in a table that is too short for its values to come again.
        only = 1 - table.text_column
        found = only if facts[only].num_rows < MIN_ROWS_TO_JUDGE and may_be_label(facts[only]) else None
    if found is None and needs_label:
        raise no_label(names, facts, table=label, text_column=table.text_column)
    return found


def _regular(table: Table, rows: list[list[str]]) -> list[list[str]]:
    """The rows with the usual number of cells if there are enough: in others cells may be under a wrong name."""
    regular = [row for row in rows if len(row) == table.usual_width]
    return regular if len(regular) >= MIN_ROWS_TO_JUDGE else rows


def _spread_rows(table: Table) -> list[list[str]]:
    """Some rows from all over a file."""
    step = max(1, table.estimated_rows // MAX_FACT_ROWS)
    records = (record.cells for part, record, _ in table.parts() if part == ROW)
    return [cells for number, cells in enumerate(records) if number % step == 0 and cells]


def _some(rows: Sequence[list[str]]) -> Sequence[list[str]]:
    return rows[:: max(1, -(-len(rows) // MAX_FACT_ROWS))]


def _estimate(rows: int, chars: int, total: int) -> int:
    """About how many rows a file has, in two digits."""
    number = round(rows * total / max(1, chars))
    scale = 10 ** max(0, len(str(number)) - 2)
    return number if rows == number else round(number / scale) * scale


def _read_sample(path: str, label: str, name: str, encoding: Encoding, options: TableOptions) -> _Sample:
    """Read the beginning of a file and find its dialect."""
    newline = _newline(path, label, encoding)
    delimiter = parse_delimiter(options.delimiter) if options.delimiter is not None else None
    lines: list[str] = []
    chars, wanted, complete = 0, SAMPLE_CHARS, False
    with contextlib.closing(table_lines(path, label, encoding, newline)) as source:
        while True:
            for line in source:
                lines.append(line.replace(BAD, REPLACEMENT))
                chars += len(line)
                if (chars > wanted and len(lines) >= SAMPLE_LINES) or chars > max(wanted, MAX_SAMPLE_CHARS):
                    break
            else:
                complete = True
            told = separator_line(lines[0]) if lines else None
            preamble = int(told is not None)
            if not any(line.strip() for line in lines[preamble:]):
                raise DataError(f"{label} has blank lines only: expected a table with text")
            measure = find_dialect(
                lines[preamble:],
                complete=complete,
                newline=newline,
                delimiter=delimiter or told,
                quotes=options.quotes,
                name=name,
            )
            if complete or not measure.cut or chars > MAX_RECORD_CHARS:
                break
            wanted = 8 * chars  # a cell may go on, or a quote is stray
    if measure.dialect.kind == JSONL:
        keys = keys_of(lines)
        records = read_json_records(lines, keys)
        return _Sample(measure, 0, [r.cells for r in records if r.cells], complete, chars, keys)
    records = read_records(lines[preamble:], measure.dialect, width=measure.width, complete=complete)
    rows = [record.cells for record in records if record.cells]
    return _Sample(measure, preamble, rows, complete, chars)


def _newline(path: str, label: str, encoding: Encoding) -> str:
    """What ends a line: a carriage return if there is no line feed, as on an old Mac."""
    with contextlib.closing(table_lines(path, label, encoding)) as lines:
        first = next(lines, "")
    return "\r" if "\r" in first and not first.endswith("\n") else "\n"
