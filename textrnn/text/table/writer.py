"""A table written back with columns added: what it was stays as it was."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from textrnn.base.errors import DataError
from textrnn.base.files import atomic_file, remove_stale
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.packed import packing
from textrnn.text.table.cell_values import as_figure
from textrnn.text.table.forms import PARQUET, XLSX, Cell, column_names, form_of, other_form, output_codec
from textrnn.text.table.json_lines import free_name
from textrnn.text.table.origin import NewRow, Origin
from textrnn.text.table.other_forms import cells_of, objects_of, write_form, write_text
from textrnn.text.table.own_form import extender
from textrnn.text.table.records import JSON, JSONL, Record
from textrnn.text.table.rows import HEADER, ROW, Table

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
    own = list(table.header or ()) if form is None else column_names(table)
    names = free_names(columns, own)
    if output != STANDARD_INPUT:
        check_output([table], output, overwrite=overwrite)
    rows = with_cells(table, names, cells, edit)
    write_to(output, _writer_of(table, form, own, names, rows), table.name)
    return names


def _writer_of(
    table: Table, form: str | None, own: Sequence[str], names: Sequence[str], rows: Iterator[Part]
) -> Callable[[BinaryIO], None]:
    """What writes a table to a file: in its own form, as the file that it was made of, or in another form."""
    codec, bom = output_codec(table, names, form)
    mark = "\ufeff" * bom
    if form is not None:
        return lambda file: write_form(file, form, [*own, *names], _in_form(table, form, own, names, rows), codec, mark)
    if (origin := table.origin) is not None:
        return lambda file: origin.write(file, names, _new_rows(table, origin, names, rows))
    return lambda file: write_text(file, chain([mark], _pieces(table, names, rows)), codec)


def write_joined(
    tables: Sequence[Table],
    columns: Sequence[str],
    cells: Callable[[Table], Iterable[Sequence[Cell]]],
    output: str,
    *,
    overwrite: bool = True,
    edit: Callable[[Table, Record], Record | None] = lambda table, record: record,
) -> list[str]:
    """Write several tables as one, with a column `file` before all others; the rest as `write_predictions`.

    Args:
        tables: the inputs, still open. The output has all their columns; those of the same name are one.
        columns: names of the new columns.
        cells: gives the cells of these columns for each row of a table.
        output: the file; its suffix tells the form, which else is JSON lines for JSON, and CSV.
        overwrite: whether a file that exists may be replaced.
        edit: as in `write_predictions`, with the table of each row.
    """
    is_json = all(table.dialect.kind in (JSON, JSONL) for table in tables)
    form = form_of(output) or (JSONL if is_json else ",")
    # Names that differ only in case are those of one column, as they are for the columns of texts and labels.
    spelt = {name.casefold(): name for table in reversed(tables) for name in reversed(column_names(table))}
    own = list(dict.fromkeys(spelt[name.casefold()] for table in tables for name in column_names(table)))
    file_column = free_name("file", own)
    names = free_names(columns, [file_column, *own])
    if output != STANDARD_INPUT:
        check_output(tables, output, overwrite=overwrite)

    def rows() -> Iterator[Any]:
        for table in tables:
            parts = with_cells(table, names, cells(table), partial(edit, table))
            header = [spelt[name.casefold()] for name in column_names(table)]
            for row in _in_form(table, form, header, names, parts):
                if isinstance(row, dict):
                    yield {file_column: table.name, **{spelt.get(key.casefold(), key): row[key] for key in row}}
                else:
                    by_name = dict(zip(header, row, strict=False))
                    yield [table.name, *(by_name.get(name, "") for name in own), *row[len(header) :]]

    write_to(output, lambda file: write_form(file, form, [file_column, *own, *names], rows()), tables[0].name)
    return names


def _in_form(
    table: Table, form: str, own: Sequence[str], names: Sequence[str], rows: Iterator[Part]
) -> Iterator[dict[str, Any] | list[Cell]]:
    """The rows of a table for another form: objects or cells, without what is no row."""
    objects, cells = objects_of(table, own), cells_of(table, len(own))
    for _, record, added in rows:
        if added is None:
            continue
        if form in (XLSX, PARQUET):
            yield [*cells(record), *map(as_figure, added)]
        elif form in (JSON, JSONL):
            yield {**objects(record), **dict(zip(names, added, strict=True))}
        else:
            yield [*cells(record), *added]


def free_names(columns: Sequence[str], taken: Sequence[str]) -> list[str]:
    names: list[str] = []
    for column in columns:
        names.append(free_name(column, [*taken, *names]))
    return names


def _new_rows(table: Table, origin: Origin, names: Sequence[str], rows: Iterator[Part]) -> Iterator[NewRow]:
    """The rows of a table that was made of a file, for the file to be written again."""
    for part, record, added in rows:
        cells = names if part == HEADER else added
        if cells is not None:
            place = origin.place_of(record.line + table.preamble)
            yield NewRow(place, record.raw, record.changed, [*map(as_figure, cells)], part == HEADER)


def write_to(output: str, write: Callable[[BinaryIO], None], name: str) -> None:
    """Writes a table, of this name, to a file or to standard output."""
    if output == STANDARD_INPUT:
        sys.stdout.flush()
        if sys.stdout.isatty():  # which shows text, in its own encoding
            kept = io.BytesIO()
            write(kept)
            sys.stdout.write(kept.getvalue().decode("utf-8", "replace"))
            return
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    remove_stale(Path(output))
    try:
        with atomic_file(Path(output)) as file, packing(file, output, name) as packed:
            write(packed)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DataError(f"cannot write {output}: {error.strerror or error}; name another file") from None


def check_output(tables: Sequence[Table], output: str, *, overwrite: bool) -> None:
    if not os.path.exists(output):
        return
    if os.path.isdir(output):
        raise DataError(f"cannot write {output}: it is a folder; name a file")
    if any(
        os.path.exists(place) and os.path.samefile(output, place)
        for table in tables
        for place in (table.path, table.label)
    ):
        raise DataError(f"{output} is the input itself: name another file to write")
    if not overwrite:
        raise DataError(f"{output} exists and was kept: name another file, or replace it with --overwrite")


def _pieces(table: Table, names: Sequence[str], rows: Iterator[Part]) -> Iterator[str]:
    """The text of the new file, in the form of the table."""
    extend = extender(table, names)
    for part, record, added in rows:
        if part == HEADER:
            yield extend(record, names)
        else:
            yield record.raw if added is None else extend(record, added)


def with_cells(table: Table, names: Sequence[str], cells: Iterable[Sequence[Cell]], edit: Edit) -> Iterator[Part]:
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
