"""Parquet: read as a table by its row groups, and written back with the kinds of its columns."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import errno
import importlib
import json
import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO

from textrnn.base.errors import DataError
from textrnn.text.reader import opened
from textrnn.text.table.cell_values import as_number, as_text, whole_or_float
from textrnn.text.table.excel import require
from textrnn.text.table.json_lines import free_name
from textrnn.text.table.origin import NewRow, Origin, temporary_table

MAGIC = b"PAR1"
BATCH_ROWS = 1 << 14


@contextlib.contextmanager
def parquet_as_table(path: str, label: str) -> Iterator[Origin | None]:
    """Reads a Parquet file as a table; None if it is none.

    Args:
        path: where it is.
        label: what to call it in messages.

    Raises:
        DataError: pyarrow is not installed, or the file is damaged or has no rows.
    """
    with opened(path, label) as stream:
        is_parquet = stream.read(4) == MAGIC
    if not is_parquet:
        yield None
        return
    require("pyarrow", "parquet", f"{label} is a Parquet file", "write it as .csv")
    parquet, arrow = importlib.import_module("pyarrow.parquet"), importlib.import_module("pyarrow")
    try:
        source = parquet.ParquetFile(path)
    except (arrow.ArrowException, OSError) as error:
        raise DataError(f"{label} is damaged, or no Parquet that pyarrow can read: {error}") from None
    with source, temporary_table(".jsonl") as (file, place):
        try:
            for batch in source.iter_batches(BATCH_ROWS):
                for row in batch.to_pylist():
                    file.write(json.dumps(_plain(row), ensure_ascii=False) + "\n")
        except (arrow.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:  # of the table that is written
                raise
            raise DataError(f"{label} is damaged: {error}") from None
        file.flush()
        if not source.metadata.num_rows:
            raise DataError(f"{label} has no rows ({', '.join(source.schema_arrow.names):.200}): expected texts")

        def write(file: BinaryIO, names: Sequence[str], rows: Iterator[NewRow]) -> None:
            _write_back(source, file, names, rows)

        yield Origin(place, "Parquet", write, delimiter="jsonl")


def _plain(value: Any) -> Any:
    """A value of Arrow as JSON can hold it."""
    if isinstance(value, dict):
        return {key: _plain(own) for key, own in value.items()}
    if isinstance(value, list):
        return [_plain(own) for own in value]
    if isinstance(value, float):
        return whole_or_float(value) if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return as_text(value)


def _write_back(source: Any, file: BinaryIO, names: Sequence[str], rows: Iterator[NewRow]) -> None:
    """Writes a file again with new columns, some rows at a time."""
    arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    writer, kinds, begin, waiting = None, list[Any](), 0, next(rows, None)
    own = source.schema_arrow
    with contextlib.ExitStack() as stack:
        for batch in source.iter_batches(BATCH_ROWS):
            news = list[NewRow]()
            while waiting is not None and waiting.place < begin + batch.num_rows:
                news.append(waiting)
                waiting = next(rows, None)
            kept = batch.take(arrow.array([new.place - begin for new in news], arrow.int64()))
            begin += batch.num_rows
            columns = [_changed(kept.column(place), own.field(place), news) for place in range(len(own))]
            added = [[_value(new.added[place]) for new in news] for place in range(len(names))]
            if writer is None:
                kinds = [_kind(cells, place) for place, cells in enumerate(added)]
                schema = own
                for name, kind in zip(names, kinds, strict=True):
                    schema = schema.append(arrow.field(name, kind))
                writer = stack.enter_context(parquet.ParquetWriter(file, schema))
            for name, cells, kind in zip(names, added, kinds, strict=True):
                columns.append(_array(cells, kind, name))
            writer.write_table(arrow.Table.from_arrays(columns, schema=schema))


def _changed(column: Any, field: Any, news: Sequence[NewRow]) -> Any:
    """A column of some rows, with the values that were changed."""
    changed = {place: json.loads(new.raw).get(field.name) for place, new in enumerate(news) if new.changed}
    cells = column.to_pylist() if changed else []
    differ = [place for place, value in changed.items() if _plain(cells[place]) != value]
    if not differ:
        return column
    for place in differ:
        cells[place] = _fitting(changed[place], cells[place], field.type)
    return _array(cells, field.type, field.name)


def _fitting(value: Any, old: Any, kind: Any) -> Any:
    """A changed value, which comes from JSON, as a column of a kind holds it; what is not changed stays as it was."""
    types = importlib.import_module("pyarrow.types")
    if _plain(old) == value:
        return old
    if types.is_struct(kind) and isinstance(value, dict):
        parts = old or {}
        return {name: _fitting(own, parts.get(name), kind.field(name).type) for name, own in value.items()}
    if isinstance(value, list):
        return [_fitting(one, None, kind.value_type) for one in value]
    if isinstance(value, str) and types.is_boolean(kind):
        return {"true": True, "false": False}.get(value.casefold(), value)
    if isinstance(value, str) and types.is_integer(kind):
        return as_number(value)
    if types.is_decimal(kind):
        with contextlib.suppress(decimal.InvalidOperation):
            return decimal.Decimal(str(value))
    return value


def _array(cells: Sequence[Any], kind: Any, name: str) -> Any:
    arrow = importlib.import_module("pyarrow")
    try:
        return arrow.array(cells, kind)
    except (arrow.ArrowException, TypeError, ValueError) as error:
        raise DataError(
            f"a label does not fit into column {name!r:.60} of {kind} in Parquet ({error}): name another form with -o"
        ) from None


def _value(cell: Any) -> Any:
    """A new cell; nothing for an empty one."""
    return None if cell == "" else cell


def _kind(cells: Sequence[Any], place: int) -> Any:
    """The kind of a new column, by its first cells."""
    arrow = importlib.import_module("pyarrow")
    filled = [cell for cell in cells if cell is not None]
    if any(isinstance(cell, list) for cell in filled):
        return arrow.list_(arrow.string())
    if filled and all(isinstance(cell, int) for cell in filled):
        return arrow.int64()
    return arrow.float64() if filled and all(isinstance(cell, (int, float)) for cell in filled) else arrow.string()


def write_rows(file: BinaryIO, header: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    """Writes a Parquet file; a column is one of numbers where each of its cells is exactly one.

    Raises:
        DataError: pyarrow is not installed.
    """
    require("pyarrow", "parquet", "Parquet is wanted", "name another form, such as .csv")
    arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    names = list[str]()
    for name in header:
        names.append(free_name(name, names))
    chunks: list[list[Any]] = [[] for _ in names]
    while some := list(islice(rows, BATCH_ROWS)):
        for chunk, cells in zip(chunks, zip(*some, strict=True), strict=True):
            values = [as_number(cell) if isinstance(cell, str) and cell else _value(cell) for cell in cells]
            kind = _kind(values, 0)
            is_text = kind == arrow.string()
            chunk.append(arrow.array([*map(_value, cells)] if is_text else values, kind))
    columns = [_together(chunk) for chunk in chunks]
    parquet.write_table(arrow.Table.from_arrays(columns, names=names), file)


def _together(chunks: Sequence[Any]) -> Any:
    """Parts of a column as one: numbers if all parts are, else text as it was."""
    arrow = importlib.import_module("pyarrow")
    kinds = [chunk.type for chunk in chunks if chunk.null_count < len(chunk)]
    kind = kinds[0] if kinds else arrow.string()
    for other in kinds:
        if other != kind:
            numbers = {arrow.int64(), arrow.float64()}
            kind = arrow.float64() if {kind, other} <= numbers else arrow.string()
    return arrow.chunked_array([chunk.cast(kind) for chunk in chunks], kind)
