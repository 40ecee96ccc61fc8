"""Rows of a table written in another form than it has, and those of several tables in one."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, BinaryIO

from textrnn.text.table import excel, parquet
from textrnn.text.table.cell_values import as_number
from textrnn.text.table.forms import PARQUET, XLSX, Cell
from textrnn.text.table.records import AND, FASTTEXT, JSON, JSONL, Record
from textrnn.text.table.rows import Table

CHUNK_PIECES = 256
BINARY = {XLSX: excel.write_rows, PARQUET: parquet.write_rows}


def cells_of(table: Table, width: int) -> Callable[[Record], list[str]]:
    """How the cells of a row are given to forms of cells: as many as there are columns, labels of fastText as text."""

    def cells(record: Record) -> list[str]:
        own = [cell.replace(AND, "; ") for cell in record.cells] if table.dialect.kind == FASTTEXT else record.cells
        return [*own, *[""] * width][:width]

    return cells


def objects_of(table: Table, own: Sequence[str]) -> Callable[[Record], dict[str, Any]]:
    """How a row is given to JSON: an object that is one as it is, else one of its cells by these names."""
    cells = cells_of(table, len(own))
    numeric = table.origin.numeric if table.origin is not None else ()

    def values(record: Record) -> dict[str, Any]:
        if table.dialect.kind in (JSON, JSONL) and record.cells:
            found: dict[str, Any] = json.loads(record.raw, strict=False)
            return found
        made: dict[str, Any] = dict(zip(own, cells(record), strict=True))
        for column in numeric:
            made[own[column]] = as_number(made[own[column]])
        if table.dialect.kind == FASTTEXT and AND in record.cells[0]:
            made[own[0]] = record.cells[0].split(AND)
        return made

    return values


def write_form(
    file: BinaryIO, form: str, header: Sequence[str], rows: Iterator[Any], codec: str = "utf-8", mark: str = ""
) -> None:
    """Writes rows in a form.

    Args:
        file: where they go.
        form: see `textrnn.text.table.forms.form_of`.
        header: names of the columns.
        rows: objects for JSON, else cells.
        codec: of what is text.
        mark: what goes first.
    """
    if form in BINARY:
        BINARY[form](file, header, rows)
        return
    if form in (JSON, JSONL):
        pieces = _objects((json.dumps(row, ensure_ascii=False) for row in rows), form)
    else:
        pieces = (delimited(row, form) for row in chain([header], rows))
    write_text(file, chain([mark], pieces), codec)


def write_text(file: BinaryIO, pieces: Iterable[str], codec: str) -> None:
    """Writes text; what the codec cannot hold, such as half a character of a file name, becomes a `?`."""
    encoder, pieces = codecs.getincrementalencoder(codec)("replace"), iter(pieces)
    while chunk := list(islice(pieces, CHUNK_PIECES)):
        file.write(encoder.encode("".join(chunk)))
    file.write(encoder.encode("", final=True))


def delimited(cells: Sequence[Cell], delimiter: str) -> str:
    """A row as a line of CSV."""
    line = io.StringIO(newline="")
    csv.writer(line, delimiter=delimiter, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _objects(rows: Iterator[str], form: str) -> Iterator[str]:
    """Objects as JSON lines or as an array."""
    number = -1
    for number, row in enumerate(rows):
        yield f"{row}\n" if form == JSONL else f"{',' if number else '['}\n{row}"
    if form == JSON:
        yield "\n]\n" if number >= 0 else "[]\n"
