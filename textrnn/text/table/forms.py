"""Which form and encoding a table is written in: those in which it came, or what the suffix of the output says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from textrnn.text.packed import PACKED
from textrnn.text.table.records import CSV, JSON, JSONL
from textrnn.text.table.rows import Table

Cell = str | int | float | list[str]
FORMS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".jsonl": JSONL, ".ndjson": JSONL, ".json": JSON}
XLSX, PARQUET = "xlsx", "parquet"
FORMS |= {".xlsx": XLSX, ".parquet": PARQUET}
UTF8 = ("utf-8", "utf-8-sig")
_DECIMAL_COMMA, _DECIMAL_POINT = re.compile(r"[+-]?\d+,\d+"), re.compile(r"[+-]?\d+\.\d+")


def form_of(output: str) -> str | None:
    """The form that the suffix of an output names: a delimiter, JSONL, JSON, XLSX or PARQUET; None for others."""
    return FORMS.get(_suffix(output))


def other_form(table: Table, output: str) -> str | None:
    """The form that the suffix of an output wants, if that is another one than the table has.

    Returns:
        as `form_of`; None for the form in which it came.
    """
    wanted, dialect = _suffix(output), table.dialect
    form = form_of(output)
    if form is None or wanted == _suffix(table.name):
        return None
    if table.origin is not None:
        return form
    if dialect.kind == CSV:
        same = form == dialect.delimiter or (form == "," and dialect.delimiter != "\t")
    else:
        same = form == dialect.kind
    return None if same else form


def holds_lists(table: Table, output: str) -> bool:
    """Whether a cell of an output can be a list, as in JSON."""
    return (other_form(table, output) or table.dialect.kind) in (JSON, JSONL, PARQUET)


def keeps_all_rows(table: Table, output: str) -> bool:
    """Whether an output is the file that a table was made of, in which rows cannot be left out."""
    return table.origin is not None and table.origin.is_whole and other_form(table, output) is None


def column_names(table: Table) -> list[str]:
    """The names of all columns of a table, those that have none by their content or number."""
    if table.header and any(table.header):
        return [name or f"column {number}" for number, name in enumerate(table.header, 1)]
    known = {table.label_column: "label", table.text_column: "text"}
    return [known.get(column, f"column {column + 1}") for column in range(table.width)]


def output_codec(table: Table, names: Sequence[str], form: str | None) -> tuple[str, bool]:
    """The codec in which a table is written, and whether a byte order mark goes first.

    It is that of the input; UTF-8 with a mark, which spreadsheet programs understand, if that cannot hold the names of
    the new columns, in which all labels are; and UTF-8 for other forms that are JSON.
    """
    codec, bom = table.encoding.codec, table.encoding.bom
    if form in (JSON, JSONL) or codec in UTF8:
        return "utf-8", bom and form not in (JSON, JSONL)
    try:
        "".join(names).encode(codec)
    except UnicodeEncodeError:
        return "utf-8", True
    return codec, bom


def has_decimal_commas(table: Table) -> bool:
    """Whether numbers are written with a comma, as in spreadsheets of languages that do so."""
    if table.dialect.kind != CSV or table.dialect.delimiter != ";":
        return False
    cells = [cell for row in table.sample for cell in row if len(cell) < 20]
    return any(map(_DECIMAL_COMMA.fullmatch, cells)) and not any(map(_DECIMAL_POINT.fullmatch, cells))


def with_comma(cell: Cell) -> Cell:
    """A number with a decimal comma; other cells as they are.

    Example:
        >>> with_comma("0.25"), with_comma(0.5), with_comma("v1.2"), with_comma(3)
        ('0,25', '0,5', 'v1.2', 3)
    """
    text = str(cell)
    return text.replace(".", ",") if _DECIMAL_POINT.fullmatch(text) else cell


def default_output(path: PurePath, *, is_folder: bool) -> PurePath:
    """The name of the output that goes beside a table.

    Example:
        >>> str(default_output(PurePath("a/b.csv.gz"), is_folder=False))
        'a/b.predicted.csv.gz'
    """
    if is_folder:
        return path.with_name(f"{path.name}.predicted.csv")
    packed = path.suffix if path.suffix.lower() == ".gz" else ""
    plain = path.with_suffix("") if packed else path
    return path.with_name(f"{plain.stem}.predicted{plain.suffix}{packed}")


def _suffix(name: str) -> str:
    path = PurePath(name)
    return (path.with_suffix("") if path.suffix.lower() in PACKED and path.stem else path).suffix.lower()
