"""A row in the form of its table: with new cells, or with another label."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from textrnn.text.table.cell_values import as_number
from textrnn.text.table.column_facts import NUMBER
from textrnn.text.table.forms import Cell, column_names, has_decimal_commas, with_comma
from textrnn.text.table.json_lines import with_members, with_value
from textrnn.text.table.label_lists import as_list
from textrnn.text.table.records import (
    AND,
    AT,
    CSV,
    ESCAPE,
    FASTTEXT,
    FIRST_WORD,
    JSON,
    JSONL,
    LABEL_PREFIX,
    Dialect,
    Record,
    read_records,
)
from textrnn.text.table.rows import Table


def extender(table: Table, names: Sequence[str]) -> Callable[[Record, Sequence[Cell]], str]:
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
        value = labels if table.list_style is not None else as_number(label) if table.has_numbers_as_labels else label
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
        sign, behind = table.dialect.delimiter, record.cells[-1]
        blank = behind[: len(behind) - len(behind.lstrip())]
        new = f"{record.cells[0]}{sign}{blank}{label}" if column else f"{label}{sign}{behind}"
    elif kind == FIRST_WORD:
        new = body.replace(record.cells[0], "-".join(label.split()), 1)
    else:
        new = _with_cell(table.dialect, record, column, label)
    new += raw[len(body) :]
    (found,) = read_records([new], table.dialect) if kind == CSV else (record,)
    return found._replace(raw=new, line=record.line, changed={column: label})


def _with_cell(dialect: Dialect, record: Record, column: int, cell: str) -> str:
    """A row of a delimited file with another cell, without its line end."""
    delimiter, body = dialect.delimiter, record.raw.rstrip("\r\n")
    body += delimiter * max(0, column - len(record.cells) + 1)
    spans = [*record.spans, *((len(body), len(body)),) * (column + 1 - len(record.spans))]
    if not record.spans:
        begin = sum(len(own) + len(delimiter) for own in body.split(delimiter)[:column])
        spans[column] = (begin, begin + len(body.split(delimiter)[column]))
    begin, end = spans[column]
    return f"{body[:begin]}{_quoter(dialect)(cell)}{body[end:]}"


def _of_comma(quote: Callable[[Cell], str]) -> Callable[[Cell], str]:
    return lambda cell: quote(with_comma(cell))


def _quoter(dialect: Dialect) -> Callable[[Cell], str]:
    """How a cell is written."""
    delimiter = re.escape(dialect.delimiter)
    if not dialect.quotes:  # there is no way to write a delimiter
        breaks = re.compile(f"(?:{delimiter}|[\r\n])+")
        return lambda cell: breaks.sub(" ", str(cell).replace(ESCAPE, ESCAPE * (1 + dialect.escape)))
    sign = dialect.quote
    special = re.compile(f"{delimiter}|[\r\n{sign}]|^\\s|\\s$")

    def quote(cell: Cell) -> str:
        text = str(cell)
        wanted = dialect.quoted == "all" or (dialect.quoted == "nonnumeric" and not NUMBER.fullmatch(text))
        if not wanted and not special.search(text):
            return text
        if dialect.escape:
            return f"{sign}{text.replace(ESCAPE, ESCAPE * 2).replace(sign, ESCAPE + sign)}{sign}"
        return f"{sign}{text.replace(sign, sign * 2)}{sign}"

    return quote
