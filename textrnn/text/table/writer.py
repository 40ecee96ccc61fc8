"""A table written back with columns added: what it was stays as it was."""

from __future__ import annotations

import codecs
import errno
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from textrnn.base.errors import DataError
from textrnn.base.files import atomic_file
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.table.column_facts import NUMBER
from textrnn.text.table.forms import (
    Cell,
    column_names,
    converter,
    delimited,
    has_decimal_commas,
    joined,
    other_form,
    output_codec,
    with_comma,
)
from textrnn.text.table.json_lines import free_name, with_members, with_value
from textrnn.text.table.label_lists import as_list
from textrnn.text.table.origin import NewRow
from textrnn.text.table.packed import packing
from textrnn.text.table.records import (
    AND,
    AT,
    AT_SIGN,
    CSV,
    ESCAPE,
    FASTTEXT,
    JSON,
    JSONL,
    LABEL_PREFIX,
    QUOTE,
    Dialect,
    Record,
    read_records,
)
from textrnn.text.table.rows import HEADER, ROW, Table

CHUNK_PIECES = 256
Edit = Callable[[Record], Record | None]
Part = tuple[str, Record, Sequence[Cell] | None]  # a part of the table, and its new cells if it is a row


def write_predictions(
    table: Table,
    columns: Sequence[str],
    cells: Iterable[Sequence[Cell]],
    output: str,
    *,
    overwrite: bool = True,
    edit: Edit = lambda record: record,
) -> list[str]:
    """Write a table again, with columns added behind its own.

    Every record is written as it is read: the same quoting, line end and order, blank lines too; in the encoding of the
    input, or in UTF-8 with a byte order mark if that cannot hold the labels. If the suffix of the output names another
    form (`.csv`, `.tsv`, `.jsonl`, `.json`), the rows are written in that one; `.gz` and `.zip` are packed. The new
    cells are quoted as the file quotes its own, with decimal commas where it has such. A record with too few cells is
    padded, and in one with too many the new ones come before the surplus, so that each stands under its name. A table
    without header stays without. JSON objects get members; lines that are none stay as they are.

    Args:
        table: the input, still open.
        columns: names of the new columns; one that the table has already gets a number behind it.
        cells: for each row of the table, in order, the cells of these columns; numbers stay numbers in JSON. They may
            come from a generator that reads `table.rows()` itself: both read in constant memory.
        output: the file, written under another name and then moved to its place; `-` is standard output.
        overwrite: whether a file that exists may be replaced.
        edit: is called with each row once its new cells are there, and returns it, changed or not, or None to leave
            it out.

    Returns:
        The names under which the columns were added.

    Raises:
        DataError: there are more or fewer cells than rows or columns, the output exists, is the input, or cannot be
            written.
        OSError: the disk is full; nothing is left behind.

    Example:
        >>> import tempfile
        >>> from textrnn.text.table.table import open_table
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path, output = os.path.join(folder, "a.csv"), os.path.join(folder, "a.predicted.csv")
        ...     with open(path, "w", encoding="utf-8") as file:
        ...         _ = file.write('text,label\\n"good, really",1\\nbad,0\\n')
        ...     with open_table(path) as table:
        ...         names = write_predictions(table, ["label", "sure"], [["1", 0.9], ["0", 0.8]], output)
        ...     print(Path(output).read_text(encoding="utf-8"), end="")
        text,label,label_2,sure
        "good, really",1,1,0.9
        bad,0,0,0.8
    """
    form = other_form(table, output)
    own = table.header or () if form is None else column_names(table)
    names = _free_names(columns, own)
    codec, bom = output_codec(table, names, form)
    rows = _with_cells(table, names, cells, edit)
    if output != STANDARD_INPUT:
        _check_output(table, output, overwrite=overwrite)
    if form is None and table.origin is not None:
        origin = table.origin
        _write_to(output, lambda file: origin.write(file, names, _new_rows(table, rows)), table.name)
        return names
    pieces = _pieces(table, names, rows) if form is None else _converted(table, form, names, rows)
    pieces = chain(["\ufeff"] * bom, pieces)
    _write_to(output, lambda file: _write(file, pieces, codec), table.name)
    return names


def _free_names(columns: Sequence[str], taken: Sequence[str]) -> list[str]:
    names: list[str] = []
    for column in columns:
        names.append(free_name(column, [*taken, *names]))
    return names


def _new_rows(table: Table, rows: Iterator[Part]) -> Iterator[NewRow]:
    """The rows of a table that was made of a file, for the file to be written again."""
    origin = table.origin
    if origin is None:
        return
    for _, record, added in rows:
        if added is not None:
            place = origin.place_of(record.line + table.preamble)
            yield NewRow(place, record.raw, record.changed, added)


def _write_to(output: str, write: Callable[[BinaryIO], None], name: str) -> None:
    """Writes a table, of this name, to a file or to standard output."""
    if output == STANDARD_INPUT:
        sys.stdout.flush()
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    try:
        with atomic_file(Path(output)) as file, packing(file, output, name) as packed:
            write(packed)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DataError(f"cannot write {output}: {error.strerror or error}; name another file") from None


def _check_output(table: Table, output: str, *, overwrite: bool) -> None:
    if not os.path.exists(output):
        return
    if os.path.isdir(output):
        raise DataError(f"cannot write {output}: it is a folder; name a file")
    if any(os.path.exists(place) and os.path.samefile(output, place) for place in (table.path, table.label)):
        raise DataError(f"{output} is the input itself: name another file to write")
    if not overwrite:
        raise DataError(f"{output} exists and was kept: name another file, or replace it with --overwrite")


def _write(file: BinaryIO, pieces: Iterator[str], codec: str) -> None:
    """Write text; what the codec cannot hold, such as half a character of a file name, becomes a `?`."""
    encoder = codecs.getincrementalencoder(codec)("replace")
    while chunk := "".join(islice(pieces, CHUNK_PIECES)):
        file.write(encoder.encode(chunk))
    file.write(encoder.encode("", final=True))


def _pieces(table: Table, names: Sequence[str], rows: Iterator[Part]) -> Iterator[str]:
    """The text of the new file, in the form of the table."""
    extend = _extender(table, names)
    for part, record, added in rows:
        if part == HEADER:
            yield extend(record, names)
        else:
            yield record.raw if added is None else extend(record, added)


def _converted(table: Table, form: str, names: Sequence[str], rows: Iterator[Part]) -> Iterator[str]:
    """The text of the new file in another form, without what is no row."""
    convert = converter(table, form, names)
    lines = (convert(record, added) for _, record, added in rows if added is not None)
    if form in (JSON, JSONL):
        yield from joined(lines, form)
        return
    yield delimited([*column_names(table), *names], form)
    yield from lines


def _with_cells(table: Table, names: Sequence[str], cells: Iterable[Sequence[Cell]], edit: Edit) -> Iterator[Part]:
    """All parts of the table, rows with their new cells."""
    source, number = iter(cells), 0
    for part, record in table.parts():
        if part != ROW:
            yield part, record, None
            continue
        number += 1
        added = next(source, None)
        if added is None or len(added) != len(names):
            found = "none" if added is None else str(len(added))
            raise DataError(f"row {number:,} of {table.name} gets {len(names)} new cells, and there are {found}")
        if (edited := edit(record)) is not None:
            yield part, edited, added
    if next(source, None) is not None:
        raise DataError(f"{table.name} has {number:,} rows, and there are new cells for more")


def _extender(table: Table, names: Sequence[str]) -> Callable[[Record, Sequence[Cell]], str]:
    """How a record of this table gets its new cells."""
    dialect, width = table.dialect, table.width
    if dialect.kind in (JSON, JSONL):
        return lambda record, added: with_members(record.raw, dict(zip(names, added, strict=True)))
    delimiter, quote = dialect.delimiter, _quoter(dialect)
    if has_decimal_commas(table):
        quote = _of_comma(quote)

    def extend(record: Record, added: Sequence[Cell]) -> str:
        raw, size = record.raw, len(record.cells)
        if size <= width:
            end = len(raw.rstrip("\r\n"))
        else:
            end = record.spans[width - 1][1] if record.spans else len(delimiter.join(record.cells[:width]))
        return f"{raw[:end]}{delimiter * max(1, width - size + 1)}{delimiter.join(map(quote, added))}{raw[end:]}"

    return extend


def with_label(table: Table, record: Record, label: str) -> Record:
    """A row with another label in its column of labels; the rest stays as it is written.

    Args:
        table: has a column of labels.
        record: a row of it.
        label: the new one; several of a list have AND between them.
    """
    kind, column, raw = table.dialect.kind, table.label_column or 0, record.raw
    labels = label.split(AND)
    if kind in (JSON, JSONL):
        if not record.cells:
            return record
        value = labels if table.list_style is not None else label
        new = with_value(raw, column_names(table)[column], value)
        return record._replace(raw=new, changed={column: as_list(labels, "") if table.list_style else label})
    if table.list_style is not None:
        label = as_list(labels, table.list_style)
    body = raw.rstrip("\r\n")
    if kind == FASTTEXT:
        marked = [LABEL_PREFIX + "-".join(one.split()) for one in labels]
        parts = [record.cells[1], *marked] if table.dialect.labels_last else [*marked, record.cells[1]]
        new = " ".join(parts)
    elif kind == AT:
        new = f"{record.cells[0]}{AT_SIGN}{label}" if column else f"{label}{AT_SIGN}{record.cells[-1]}"
    else:
        new = _with_cell(table.dialect, record, column, label)
    new += raw[len(body) :]
    (found,) = read_records(new.splitlines(keepends=True), table.dialect) if kind == CSV else (record,)
    return found._replace(raw=new, line=record.line, changed={column: label})


def _with_cell(dialect: Dialect, record: Record, column: int, cell: str) -> str:
    """A row of a delimited file with another cell, without its line end."""
    delimiter, body = dialect.delimiter, record.raw.rstrip("\r\n")
    body += delimiter * max(0, column - len(record.cells) + 1)
    spans = [*record.spans, *((len(body), len(body)),) * (column + 1 - len(record.spans))]
    if not record.spans:
        begin = sum(len(own) + 1 for own in body.split(delimiter)[:column])
        spans[column] = (begin, begin + len(body.split(delimiter)[column]))
    begin, end = spans[column]
    return f"{body[:begin]}{_quoter(dialect)(cell)}{body[end:]}"


def _of_comma(quote: Callable[[Cell], str]) -> Callable[[Cell], str]:
    return lambda cell: quote(with_comma(cell))


def _quoter(dialect: Dialect) -> Callable[[Cell], str]:
    """How a cell is written."""
    delimiter = re.escape(dialect.delimiter)
    if not dialect.quotes:  # there is no way to write a delimiter
        breaks = re.compile(f"[{delimiter}\r\n]+")
        return lambda cell: breaks.sub(" ", str(cell))
    special = re.compile(f"[{delimiter}\r\n{QUOTE}]|^\\s|\\s$")

    def quote(cell: Cell) -> str:
        text = str(cell)
        wanted = dialect.quoted == "all" or (dialect.quoted == "nonnumeric" and not NUMBER.fullmatch(text))
        if not wanted and not special.search(text):
            return text
        if dialect.escape:
            return f"{QUOTE}{text.replace(ESCAPE, ESCAPE * 2).replace(QUOTE, ESCAPE + QUOTE)}{QUOTE}"
        return f"{QUOTE}{text.replace(QUOTE, QUOTE * 2)}{QUOTE}"

    return quote
