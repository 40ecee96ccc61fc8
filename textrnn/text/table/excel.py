"""Workbooks of Excel (.xlsx): a sheet is read as a table, and written back with the rest of its workbook."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import re
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from copy import copy
from itertools import islice
from typing import Any, BinaryIO

from textrnn.base.errors import DataError
from textrnn.base.install import pip_install
from textrnn.text.reader import opened
from textrnn.text.table.cell_values import as_number
from textrnn.text.table.excel_parts import look_inside
from textrnn.text.table.excel_sheet import ReadSheet, write_sheet
from textrnn.text.table.origin import NewRow, Origin, temporary_table, titled

BOOK = "xl/workbook.xml"  # in each workbook
MAX_ROWS = 1_048_576
LOOKED_AT = 50  # rows of a sheet, to see whether it holds a table
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]")  # what no cell can hold
_DAMAGED = (
    zipfile.BadZipFile,
    SyntaxError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    OSError,
)  # SyntaxError: of XML


@contextlib.contextmanager
def excel_as_table(path: str, label: str, name: str, sheet: str | None) -> Iterator[Origin | None]:
    """Reads a sheet of a workbook as a table; None if the file is no workbook.

    Args:
        path: where it is.
        label: what to call it in messages.
        name: of the file.
        sheet: its name, or its number from 1; None for the first one with rows.

    Raises:
        DataError: openpyxl is not installed, the workbook is damaged, or the sheet is not there or empty.
    """
    if not is_workbook(path, label):
        yield None
        return
    require("openpyxl", "excel", f"{label} is a workbook of Excel", "save the sheet there as 'CSV UTF-8'")
    with temporary_table(".csv") as (file, place):
        with opened(path, label) as stream, _damage(label), _quiet_book(stream, read_only=True, data_only=True) as book:
            chosen, others = _choose(book, label, sheet)
            remarks = [f"{label}: {_which(chosen.title, others)}: --sheet NAME reads another"] if others else []
            title, read = chosen.title, write_sheet(chosen, file)
            remarks += [f"{name}: {words}" for words in read.remarks()]
        file.flush()
        if not read.width:
            raise DataError(f"{label} has no cell in sheet {title!r:.60}: expected a table with text")
        lost, has_formulas = look_inside(path)
        if has_formulas and (number := _num_not_computed(path, label, title)):
            remarks.append(
                f"{name}: {number:,} formula{'s have' if number > 1 else ' has'} no value that was saved, and "
                f"{'are' if number > 1 else 'is'} read as blank: open it in Excel and save it"
            )
        if lost:
            remarks.append(f"{name}: as .xlsx it comes back without its {', '.join(lost)}, which openpyxl cannot keep")

        def write(file: BinaryIO, names: Sequence[str], rows: Iterator[NewRow]) -> None:
            with opened(path, label) as stream:
                content = io.BytesIO(stream.read())
            _write_back(content, file, title, read, rows, keep_vba=name.lower().endswith(".xlsm"))

        yield Origin(
            place,
            f"sheet {title!r:.60} of Excel",
            write,
            delimiter=",",
            places=read.places,
            lines=lambda row: row + 1,
            numeric=read.numeric,
            is_whole=True,
            remarks=remarks,
            sheets=others,
        )


def is_workbook(path: str, label: str) -> bool:
    """Whether a file is a workbook of Excel, as its parts show."""
    with opened(path, label) as stream:
        if stream.read(4) != b"PK\x03\x04":
            return False
        with contextlib.suppress(zipfile.BadZipFile, OSError), zipfile.ZipFile(stream) as archive:
            return BOOK in archive.namelist()
    return False


def require(module: str, extra: str, what: str, otherwise: str) -> None:
    """Raises DataError if a library is not installed."""
    if importlib.util.find_spec(module) is None:
        raise DataError(f"{what}, which needs {module}: {pip_install(extra)}, or {otherwise}")


@contextlib.contextmanager
def _damage(label: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except _DAMAGED as error:
        raise DataError(f"{label} is damaged, or no workbook that openpyxl can read: {error}") from None


@contextlib.contextmanager
def _quiet_book(stream: BinaryIO, **options: Any) -> Iterator[Any]:
    """A workbook of openpyxl; what that warns of is told otherwise."""
    openpyxl = importlib.import_module("openpyxl")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(stream, **options)
        try:
            yield book
        finally:
            book.close()


def _choose(book: Any, label: str, wanted: str | None) -> tuple[Any, list[str]]:
    """The sheet to read, and the names of others with cells if none is asked for."""
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if wanted is not None:
        folded = {title.strip().casefold(): title for title in sheets}
        title = wanted if wanted in sheets else folded.get(wanted.strip().casefold())
        if title is None and wanted.isdecimal() and 1 <= int(wanted) <= len(sheets):
            title = list(sheets)[int(wanted) - 1]
        if title is None:
            raise DataError(f"{label} has no sheet {wanted!r:.60} as --sheet wants it (there: {titled(list(sheets))})")
        return sheets[title], []
    filled = {title: counts for title, sheet in sheets.items() if (counts := _num_filled(sheet))[0]}
    if not filled:
        raise DataError(f"{label} has no cell in any of its sheets: expected a table with text")
    visible = [title for title in filled if sheets[title].sheet_state == "visible"] or list(filled)
    # A sheet of notes has few rows with several cells beside those of a table.
    is_wide = any(filled[title][1] > 1 for title in visible)
    most = max(filled[title][is_wide] for title in visible)
    title = next(title for title in visible if filled[title][is_wide] >= most / 4)
    return sheets[title], [other for other in filled if other != title]


def _which(title: str, others: Sequence[str]) -> str:
    return f"sheet {title!r:.60} is read, and there {'is' if len(others) == 1 else 'are'} also {titled(others)}"


def _num_filled(sheet: Any) -> tuple[int, int]:
    """How many of the first rows of a sheet have a cell, and how many have several."""
    sheet.reset_dimensions()
    rows = islice(sheet.iter_rows(values_only=True), LOOKED_AT)
    counts = [sum(value is not None for value in row) for row in rows]
    return sum(count > 0 for count in counts), sum(count > 1 for count in counts)


def _num_not_computed(path: str, label: str, title: str) -> int:
    """Formulas of a sheet without a value that was saved, as programs write them that compute nothing."""
    with (
        opened(path, label) as one,
        opened(path, label) as other,
        _quiet_book(one, read_only=True, data_only=True) as values,
        _quiet_book(other, read_only=True) as formulas,
    ):
        pairs = zip(values[title].iter_rows(), formulas[title].iter_rows(), strict=False)
        return sum(
            cell.value is None and formula.data_type == "f"
            for row, other_row in pairs
            for cell, formula in zip(row, other_row, strict=False)
        )


def _write_back(
    source: BinaryIO, file: BinaryIO, title: str, read: ReadSheet, rows: Iterator[NewRow], *, keep_vba: bool
) -> None:
    """Writes a workbook again, with new cells behind a sheet's own."""
    with _quiet_book(source, rich_text=True, keep_vba=keep_vba) as book:
        sheet = book[title]
        # A formula whose value was not saved is a cell that was not read.
        width = max(column for (_, column), cell in sheet._cells.items() if cell.value is not None)
        for new in rows:
            for column, text in new.changed.items():
                cell = _single(sheet, new.place + 1, column + 1)
                _set(cell, as_number(text) if column in read.numeric else text)
            style = sheet.cell(new.place + 1, read.width) if new.is_header else None
            for number, value in enumerate(new.added, width + 1):
                cell = _single(sheet, new.place + 1, number)
                _set(cell, value)
                if style is not None and style.has_style:
                    cell._style = copy(style._style)
        _save(book, file)


def _single(sheet: Any, row: int, column: int) -> Any:
    """A cell that can be written to: if it is merged with the one above or before it, they are taken apart."""
    cell = sheet.cell(row, column)
    if type(cell).__name__ == "MergedCell":
        sheet.unmerge_cells(next(one.coord for one in sheet.merged_cells.ranges if cell.coordinate in one))
    return sheet.cell(row, column)


def _save(book: Any, file: BinaryIO) -> None:
    """Writes a workbook, which needs a file in which one can seek, to any file."""
    with tempfile.TemporaryFile() as copy_of_it:
        book.save(copy_of_it)
        copy_of_it.seek(0)
        shutil.copyfileobj(copy_of_it, file)


def _set(cell: Any, value: Any) -> None:
    """Gives a cell a value; text stays text, whatever it begins with."""
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    if isinstance(value, str):
        value = _CONTROL.sub("\ufffd", value)
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"


def write_rows(file: BinaryIO, header: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    """Writes a workbook of one sheet; text that is exactly a number becomes one, and no text becomes a formula.

    Raises:
        DataError: openpyxl is not installed, or there are more rows than a sheet can have.
    """
    require("openpyxl", "excel", "a workbook of Excel is wanted", "name another form, such as .csv")
    openpyxl = importlib.import_module("openpyxl")
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    sheet.append([_cell(sheet, name, is_name=True) for name in header])
    for number, row in enumerate(rows, 2):
        if number > MAX_ROWS:
            raise DataError(f"a sheet of Excel has {MAX_ROWS:,} rows at most: name another form, such as .csv")
        sheet.append([_cell(sheet, value) for value in row])
    _save(book, file)


def _cell(sheet: Any, value: Any, *, is_name: bool = False) -> Any:
    cells = importlib.import_module("openpyxl.cell")
    cell = cells.WriteOnlyCell(sheet)
    if value is not None and value != "":
        _set(cell, as_number(value) if isinstance(value, str) and not is_name else value)
    return cell
