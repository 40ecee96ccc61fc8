"""A sheet of Excel as CSV, with its cells as a person sees them."""

from __future__ import annotations

import csv
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from textrnn.text.table.cell_values import EXCEL_ERRORS, as_text
from textrnn.text.table.excel_parts import Merged, merged_and_hidden

_CONTROL_CODE = re.compile("_x(00[01][0-9A-Fa-f])_")  # how a cell has a control character, such as the CR of CR LF
HIDDEN, MERGED, HEADINGS, ERRORS = "hidden", "merged", "headings", "errors"
SAID = {
    HIDDEN: ("hidden row is read too", "hidden rows are read too"),
    MERGED: (
        "cell is read as the one above that it is merged with",
        "cells are read as those above that they are merged with",
    ),
    HEADINGS: (
        "row of cells merged across is a heading, and left out",
        "rows of cells merged across are headings, and left out",
    ),
    ERRORS: (
        "cell with an error of Excel is read as blank",
        "cells with an error of Excel (such as #DIV/0!) are read as blank",
    ),
}  # of one, and of several


class ReadSheet:
    """What was read of a sheet.

    Attributes:
        width: number of columns.
        places: rows by the lines of the table.
        numeric: columns that hold numbers.
        counts: cells and rows that are read in another way than they stand there.
    """

    def __init__(self) -> None:
        self.width, self.places, self.numeric = 0, dict[int, int](), frozenset[int]()
        self.counts = Counter[str]()

    def remarks(self) -> list[str]:
        """What a person should know of it."""
        return [f"{number:,} {SAID[what][number > 1]}" for what, number in self.counts.items() if number]


def write_sheet(sheet: Any, file: Any) -> ReadSheet:
    """Writes the cells of a sheet as CSV; empty rows are blank lines, and those at the end are left out."""
    read, writer, line, blank = ReadSheet(), csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL), 1, 0
    numbers, others = array("q"), array("q")  # cells of each column
    for number, row in _rows(sheet, read):
        cells = [as_text(value).replace("\r\n", "\n").replace("\r", "\n") for value in row]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            blank += 1
            continue
        file.write("\n" * blank)
        line, blank = line + blank, 0
        read.places[line] = number
        read.width = max(read.width, len(cells))
        for column, value in enumerate(row[: len(cells)]):
            if column >= len(numbers):
                numbers.append(0)
                others.append(0)
            if value is not None:
                is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
                (numbers if is_number else others)[column] += 1
        writer.writerow([*cells, *[""] * (read.width - len(cells))])
        line += 1 + sum(cell.count("\n") for cell in cells)
    read.numeric = frozenset(column for column, own in enumerate(numbers) if own > 10 * max(0, others[column] - 1))
    return read


def _rows(sheet: Any, read: ReadSheet) -> Iterator[tuple[int, list[Any]]]:
    """The rows of a sheet by their numbers, from 0: as a person sees them where cells are merged."""
    with sheet.parent._archive.open(sheet._worksheet_path) as part:
        merged, read.counts[HIDDEN] = merged_and_hidden(part.read())
    starts = {(one.top, one.left): one for one in merged}
    tops, carried = {one.top for one in merged}, dict[int, tuple[int, Any]]()  # by column: the last row, and the value
    sheet.reset_dimensions()
    for number, row in enumerate(sheet.iter_rows(values_only=True)):
        cells = [_CONTROL_CODE.sub(_decoded, value) if isinstance(value, str) else value for value in row]
        for column, value in enumerate(cells):
            if value in EXCEL_ERRORS:
                cells[column] = None
                read.counts[ERRORS] += 1
        filled = [column for column, value in enumerate(cells) if value is not None] if number in tops else []
        own = [starts.get((number, column)) for column in filled]
        for column, (last, value) in carried.items():
            if number <= last:
                cells += [None] * (column + 1 - len(cells))
                cells[column] = value
                read.counts[MERGED] += 1
        for one in own:
            if one is not None and one.bottom > number:
                carried[one.left] = one.bottom, cells[one.left]
        if _is_heading(own, read.width):
            read.counts[HEADINGS] += 1
            continue
        yield number, cells


def _is_heading(cells: Sequence[Merged | None], width: int) -> bool:
    """Whether a row is a heading within a table, or of several columns above their own names.

    Args:
        cells: as what those that are not empty are merged.
        width: of the rows above.
    """
    across = [one for one in cells if one is not None and one.right > one.left]
    if not width:
        return bool(across) and len(cells) > 1 and None not in cells
    return len(cells) == 1 < width and bool(across) and across[0].right >= width - 1


def _decoded(code: re.Match[str]) -> str:
    return chr(int(code[1], 16))
