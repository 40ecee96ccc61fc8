"""Which files are read by way of a table that is made of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from textrnn.base.errors import ConfigError
from textrnn.text.table.excel import excel_as_table
from textrnn.text.table.json_frames import json_as_table
from textrnn.text.table.options import TableOptions
from textrnn.text.table.origin import Origin
from textrnn.text.table.parquet import parquet_as_table


@contextlib.contextmanager
def origin_of(path: str, label: str, name: str, options: TableOptions) -> Iterator[Origin | None]:
    """The table that is made of a file, for as long as it is open; None if the file is one itself.

    Args:
        path: where it is, unpacked.
        label: what to call it in messages.
        name: of the file.
        options: what is known of it.

    Raises:
        ConfigError: a sheet is named, and there is none.
        DataError: it is damaged, or holds no table.
    """
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(excel_as_table(path, label, name, options.sheet))
        if origin is None and options.sheet is not None:
            raise ConfigError(f"--sheet is for workbooks of Excel, and {label} is none: leave it out")
        origin = origin or stack.enter_context(parquet_as_table(path, label))
        if origin is None and options.delimiter is None:
            origin = stack.enter_context(json_as_table(path, label, name, options))
        yield origin
