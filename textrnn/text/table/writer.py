"""A table written back with columns added: what it was stays as it was."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from textrnn.base.errors import DataError
from textrnn.base.files import atomic_file
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.table.column_facts import NUMBER
from textrnn.text.table.json_lines import free_name, with_members
from textrnn.text.table.records import ESCAPE, JSONL, QUOTE, Dialect, Record
from textrnn.text.table.rows import HEADER, ROW, Table

CHUNK_PIECES = 256

Cell = str | int | float


def write_predictions(
    table: Table, columns: Sequence[str], cells: Iterable[Sequence[Cell]], output: str, *, overwrite: bool = True
) -> list[str]:
    """Write a table again, with columns added behind its own.

    Every record is written as it is read: the same quoting, line end and order, blank lines too; in UTF-8, with a byte
    order mark if the input has one. The new cells are quoted as the file quotes its own. A record with too few cells is
    padded, and in one with too many the new ones come before the surplus, so that each stands under its name. A table
    without header stays without. JSON objects get members; lines that are none stay as they are.

    Args:
        table: the input, still open.
        columns: names of the new columns; one that the table has already gets a number behind it.
        cells: for each row of the table, in order, the cells of these columns; numbers stay numbers in JSON. They may
            come from a generator that reads `table.rows()` itself: both read in constant memory.
        output: the file, written under another name and then moved to its place; `-` is standard output.
        overwrite: whether a file that exists may be replaced.

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
    names: list[str] = []
    for column in columns:
        names.append(free_name(column, [*(table.header or ()), *names]))
    pieces = _pieces(table, names, cells)
    if output == STANDARD_INPUT:
        sys.stdout.flush()
        _write(sys.stdout.buffer, pieces)
        sys.stdout.buffer.flush()
        return names
    _check_output(table, output, overwrite=overwrite)
    try:
        with atomic_file(Path(output)) as file:
            _write(file, pieces)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DataError(f"cannot write {output}: {error.strerror or error}; name another file") from None
    return names


def _check_output(table: Table, output: str, *, overwrite: bool) -> None:
    if not os.path.exists(output):
        return
    if os.path.isdir(output):
        raise DataError(f"cannot write {output}: it is a folder; name a file")
    if os.path.samefile(output, table.path):
        raise DataError(f"{output} is the input itself: name another file to write")
    if not overwrite:
        raise DataError(f"{output} exists and was kept: name another file, or replace it with --overwrite")


def _write(file: BinaryIO, pieces: Iterator[str]) -> None:
    """Write text; half a character, as an argument or a file name can hold one, becomes a `?`."""
    while chunk := "".join(islice(pieces, CHUNK_PIECES)):
        file.write(chunk.encode("utf-8", "replace"))


def _pieces(table: Table, names: Sequence[str], cells: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The text of the new file."""
    if table.encoding.bom:
        yield "\ufeff"
    source, number, extend = iter(cells), 0, _extender(table, names)
    for part, record in table.parts():
        if part == HEADER:
            yield extend(record, names)
        elif part == ROW:
            number += 1
            added = next(source, None)
            if added is None or len(added) != len(names):
                found = "none" if added is None else str(len(added))
                raise DataError(f"row {number:,} of {table.name} gets {len(names)} new cells, and there are {found}")
            yield extend(record, added)
        else:
            yield record.raw
    if next(source, None) is not None:
        raise DataError(f"{table.name} has {number:,} rows, and there are new cells for more")


def _extender(table: Table, names: Sequence[str]) -> Callable[[Record, Sequence[Cell]], str]:
    """How a record of this table gets its new cells."""
    dialect, width = table.dialect, table.width
    if dialect.kind == JSONL:
        return lambda record, added: with_members(record.raw, dict(zip(names, added, strict=True)))
    delimiter, quote = dialect.delimiter, _quoter(dialect)

    def extend(record: Record, added: Sequence[Cell]) -> str:
        raw, size = record.raw, len(record.cells)
        if size <= width:
            end = len(raw.rstrip("\r\n"))
        else:
            end = record.spans[width - 1][1] if record.spans else len(delimiter.join(record.cells[:width]))
        return f"{raw[:end]}{delimiter * max(1, width - size + 1)}{delimiter.join(map(quote, added))}{raw[end:]}"

    return extend


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
