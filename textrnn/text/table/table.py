"""Tables of texts and labels: CSV, TSV and the like, `text@label`, JSON lines, or a text a line.

`open_table` finds out how a file is written and which columns hold what, `Table.rows` reads it as a stream, and
`textrnn.text.table.writer.write_predictions` writes it again with columns added. All three work on one opened table,
as often as they are wanted; `choose_columns` looks for its columns again, without reading the file again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from textrnn.base.errors import DataError
from textrnn.text.encodings import BAD, REPLACEMENT
from textrnn.text.files import STANDARD_INPUT, find_file
from textrnn.text.packed import unpacked
from textrnn.text.reader import opened, spooled, standard_input
from textrnn.text.table.column_facts import MIN_ROWS_TO_JUDGE, column_facts
from textrnn.text.table.columns import choose_columns
from textrnn.text.table.dialect import find_dialect, is_json, parse_delimiter, separator_line
from textrnn.text.table.find_columns import MAX_FACT_ROWS, NoLabelError
from textrnn.text.table.folder import FolderTable, folder_as_table
from textrnn.text.table.header import are_text_and_label, has_header, is_unlike_labels, shifted_names, with_whole_texts
from textrnn.text.table.json_arrays import array_keys, read_array
from textrnn.text.table.json_lines import keys_of, read_json_records
from textrnn.text.table.measure import MIN_SHARE, Measure
from textrnn.text.table.noise import TOTAL, Noise, facts_below, num_explained, num_titles
from textrnn.text.table.options import TableOptions
from textrnn.text.table.origin import Origin
from textrnn.text.table.origins import origin_of
from textrnn.text.table.records import (
    CSV,
    FASTTEXT,
    FIRST_WORD,
    JSON,
    JSONL,
    MAX_RECORD_CHARS,
    Record,
    is_kept_as_text,
    read_records,
)
from textrnn.text.table.rows import Table
from textrnn.text.table.source import Encoding, encoding_remarks, inspect_table, refuse_markup, table_lines
from textrnn.text.table.tally import Row, Tally

__all__ = ["Row", "Table", "TableOptions", "Tally", "choose_columns", "open_records", "open_table"]

MAX_COLUMNS = 100_000
SAMPLE_CHARS, SAMPLE_LINES, MAX_SAMPLE_CHARS = 1 << 18, 1_000, 1 << 21


@contextlib.contextmanager
def open_table(path: str, options: TableOptions | None = None, *, needs_label: bool | None = None) -> Iterator[Table]:
    """Open a file of texts and find out how it is written.

    The file is read once to decide its encoding (see `textrnn.text.table.source`); its first quarter of a million
    characters or more, the sample, tell its delimiter and quotes (`textrnn.text.table.dialect`) and its columns
    (`textrnn.text.table.columns`).

    Args:
        path: the file; `-` is standard input, which is copied to a temporary file first, as are pipes.
        options: what is known.
        needs_label: see `choose_columns`.

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
        table = stack.enter_context(open_records(path, options, wants_labels=needs_label is not False))
        try:
            choose_columns(table, options, needs_label=needs_label)
        except NoLabelError:
            if (other := _labelled_sheet(path, table, options, stack)) is None:
                raise
            table = other
        yield table


def _labelled_sheet(path: str, table: Table, options: TableOptions, stack: contextlib.ExitStack) -> Table | None:
    """The first of a workbook's other sheets that has texts with labels, to be closed by the stack."""
    if table.origin is None or not os.path.isfile(path):
        return None
    for sheet in table.origin.sheets:
        with contextlib.ExitStack() as own, contextlib.suppress(DataError):
            named = replace(options, sheet=sheet)
            other = own.enter_context(open_records(path, named))
            choose_columns(other, named, needs_label=True)
            if other.origin is not None and len(other.sample) >= MIN_ROWS_TO_JUDGE:
                words = f"{other.origin.words} is read, as {table.origin.words} has no labels"
                other.warnings.insert(0, f"{table.label}: {words}: --sheet NAME reads another")
                stack.push(own.pop_all())
                return other
    return None


@contextlib.contextmanager
def open_records(path: str, options: TableOptions, *, wants_labels: bool = True) -> Iterator[Table]:
    """Open a file as `open_table` does, but for its columns of texts and labels, which are not looked for."""
    if path != STANDARD_INPUT and not os.path.exists(path):
        path = find_file(path)
    name = label = "standard input"
    with contextlib.ExitStack() as stack:
        if path == STANDARD_INPUT:
            path = stack.enter_context(spooled(standard_input(), label))
        elif os.path.isdir(path):
            found = stack.enter_context(folder_as_table(path, wants_labels=wants_labels))
            made = _open_folder(path, found, options)
            stack.callback(made.close)
            yield made
            return
        else:
            name, label = os.path.basename(path), path
            if not os.path.isfile(path):
                with opened(path, path) as pipe:
                    path = stack.enter_context(spooled(pipe, path))
        inside, inner = stack.enter_context(unpacked(path))
        name = name if inside == path else inner
        origin = stack.enter_context(origin_of(inside, label, name, options))
        if origin is None:
            table = _open(inside, label, name, options, wants_labels=wants_labels)
        else:
            table = _open_origin(origin, label, name, options)
        stack.callback(table.close)
        yield table


def _open_origin(origin: Origin, label: str, name: str, options: TableOptions) -> Table:
    """The table that was made of a file."""
    read_as = replace(options, encoding="utf-8", delimiter=origin.delimiter, quotes=None)
    table = _open(origin.path, label, name, read_as)
    table.origin, table.has_lines = origin, origin.lines is not None
    table.warnings = origin.remarks + table.warnings
    return table


def _open_folder(folder: str, found: FolderTable, options: TableOptions) -> Table:
    """The table that was made of a folder."""
    usual = replace(options, delimiter=",", header=True, quotes=None, all_rows=True, encoding="utf-8")
    table = _open(found.path, folder, f"{os.path.basename(os.path.abspath(folder))}.csv", usual)
    table.warnings, table.has_lines = table.warnings + found.remarks, False
    return table


@dataclass(frozen=True)
class _Sample:
    """The beginning of a file: how it is cut, its records that are not blank lines, the keys of JSON lines."""

    measure: Measure
    preamble: int
    records: list[Record]
    complete: bool
    chars: int
    keys: list[str] | None


def _open(path: str, label: str, name: str, options: TableOptions, *, wants_labels: bool = False) -> Table:
    """The table without its columns of texts and labels."""
    encoding = inspect_table(path, label, options.encoding, strict=options.strict_encoding)
    sample = _read_sample(path, label, name, encoding, options, wants_labels=wants_labels)
    measure, names, rows = sample.measure, sample.keys, [record.cells for record in sample.records]
    if not rows:
        raise DataError(f"{label} has no record that can be read: expected a table with text")
    titles = _num_titles(sample, rows, options)
    above = sample.records[titles].line - 1
    rows = rows[titles:]
    headed, is_unsure = (False, False) if names is not None else _is_headed(sample, rows, options)
    usual = measure.width or len(names or ())
    if headed:
        names = rows.pop(0)
        _check_rows(rows, names, label, complete=sample.complete)
        if measure.share < MIN_SHARE:
            usual = len(names)
        if measure.unclosed_line and sample.complete and max(map(len, rows)) < len(names):
            raise DataError(
                f"{label}: a quote opened on line {measure.unclosed_line + sample.preamble:,} is never closed, and no "
                f"row has the {len(names)} cells of the header: close it, or read quotes as text with --no-quotes"
            )
    explained = num_explained(rows, names or ()) if headed and _is_noisy(measure, options) else 0
    rows = rows[explained:]
    if headed and are_text_and_label(names or (), rows):
        usual, rows = 2, with_whole_texts(rows, measure.dialect.delimiter)
    width = max(usual, len(names or ()))
    remarks = encoding_remarks(name, encoding)
    if any(map(is_kept_as_text, sample.records)):
        remarks.append(f'{name}: cells that Excel keeps as text, written as ="...", are read without these signs')
    if is_unsure:
        remarks.append(f"{name}: the first row is taken for one like those below: --header takes it for names")
    if names is not None:
        names = [name.strip() for name in names]
        if headed and len(names) < width:
            names, shifted = shifted_names(names, rows, width)
            remarks += [f"{name}: {line}" for line in shifted]
        names += [""] * (width - len(names))
    if _is_noisy(measure, options):
        rows = _without_noise(rows, Noise(names if headed else None, width), complete=sample.complete)
    return Table(
        name=name,
        path=path,
        label=label,
        dialect=measure.dialect,
        encoding=encoding,
        header=names,
        has_header=headed,
        width=width,
        usual_width=usual,
        sample=rows,
        is_short=sample.complete,
        options=options,
        preamble=sample.preamble + (above if titles else 0),
        num_titles=above if titles else 0,
        num_explained=explained,
        estimated_rows=_estimate(len(rows), sample.chars, encoding.num_chars),
        num_rows=len(rows) if sample.complete else None,
        warnings=remarks,
    )


def _check_rows(rows: list[list[str]], names: list[str], label: str, *, complete: bool) -> None:
    """Raises DataError where there is a header and nothing below it."""
    if not rows and complete:
        shown = " ".join(", ".join(names).split())
        raise DataError(f"{label} has a header ({shown:.200}) and no rows: expected texts below it")


def _is_noisy(measure: Measure, options: TableOptions) -> bool:
    """Whether some records may be no rows."""
    return measure.dialect.kind == CSV and not options.all_rows


def _num_titles(sample: _Sample, rows: list[list[str]], options: TableOptions) -> int:
    """How many of the first records stand above the header."""
    is_open = _is_noisy(sample.measure, options) and options.header is None
    return num_titles(rows, sample.measure.width) if is_open else 0


def _is_headed(sample: _Sample, rows: list[list[str]], options: TableOptions) -> tuple[bool, bool]:
    """Whether the first of some rows names the columns, and whether it is not sure that it does not."""
    if options.header is not None:
        return options.header, False
    below, width = rows[: 1 + MAX_FACT_ROWS], max(map(len, rows))
    is_csv = sample.measure.dialect.kind == CSV
    facts = facts_below(below, width) if is_csv else column_facts(below[1:], width)
    headed = has_header(rows[0], facts)
    return headed, is_csv and not headed and is_unlike_labels(rows[0], facts)


def _without_noise(rows: list[list[str]], noise: Noise, *, complete: bool) -> list[list[str]]:
    """The rows of a sample, as `Table.parts` would give them."""
    kinds = [noise.kind_of(cells) for cells in rows]
    last = next((place for place in range(len(rows), 0, -1) if kinds[place - 1] is None and any(rows[place - 1])), 0)
    return [
        cells
        for place, (cells, kind) in enumerate(zip(rows, kinds, strict=True))
        if kind is None or (kind == TOTAL and (place < last or not complete))
    ]


def _estimate(rows: int, chars: int, total: int) -> int:
    """About how many rows a file has, in two digits."""
    number = round(rows * total / max(1, chars))
    scale = 10 ** max(0, len(str(number)) - 2)
    return number if rows == number else round(number / scale) * scale


def _read_sample(
    path: str, label: str, name: str, encoding: Encoding, options: TableOptions, *, wants_labels: bool
) -> _Sample:
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
            if lines and delimiter is None:
                refuse_markup(lines[0], label)
            told = separator_line(lines[0]) if lines else None
            body = lines[1:] if told else lines
            if not any(line.strip() for line in body):
                raise DataError(f"{label} has blank lines only: expected a table with text")
            if delimiter != JSONL:
                _check_columns(body, label, may_be_json=delimiter is None)
            measure = find_dialect(
                body,
                complete=complete,
                newline=newline,
                delimiter=delimiter or told,
                quotes=options.quotes,
                name=name,
                wants_labels=wants_labels,
            )
            if complete or not measure.unclosed_line or chars > MAX_RECORD_CHARS:
                break
            wanted = 8 * chars  # a cell may go on, or a quote is stray
    kind, keys = measure.dialect.kind, None
    records: Iterable[Record]
    if kind == JSON:
        keys = array_keys(body, measure.dialect.level)
        parts = read_array(body, measure.dialect.level, keys)
        records = [record for is_row, record in parts if is_row]
    elif kind == JSONL:
        keys = keys_of(body)
        records = read_json_records(body, keys)
    else:
        keys = ["label", "text"] if kind in (FASTTEXT, FIRST_WORD) else None
        records = read_records(body, measure.dialect, width=measure.width, complete=complete)
    return _Sample(measure, int(told is not None), [r for r in records if r.cells], complete, chars, keys)


def _check_columns(lines: list[str], label: str, *, may_be_json: bool) -> None:
    """Raises DataError where a line would be more columns than a table has."""
    for line in lines:
        if len(line) > MAX_COLUMNS and max(map(line.count, "\t,;|")) > MAX_COLUMNS:
            if may_be_json and is_json(lines):
                return
            raise DataError(f"{label} has a line of more than {MAX_COLUMNS:,} columns: expected a table of texts")


def _newline(path: str, label: str, encoding: Encoding) -> str:
    """What ends a line: a carriage return if there is no line feed, as on an old Mac."""
    with contextlib.closing(table_lines(path, label, encoding)) as lines:
        first = next(lines, "")
    return "\r" if "\r" in first and not first.endswith("\n") else "\n"
