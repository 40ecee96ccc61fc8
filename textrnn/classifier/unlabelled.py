"""Further texts without labels: a table's column of texts, or a text a line, packed by gzip or not."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from textrnn.base.errors import DataError
from textrnn.text.cutting import lines_of
from textrnn.text.reader import inspect_file, opened, pieces, spooled
from textrnn.text.table.table import TableOptions, open_table

TABLES = frozenset({".csv", ".tsv", ".tab", ".psv", ".json", ".jsonl", ".ndjson"})
PACKED = ".gz"


def read_unlabelled(path: str, options: TableOptions) -> list[str]:
    """Reads all texts of a file, as many as there are.

    Args:
        path: a table by its suffix (`.csv`, `.tsv`, `.jsonl` and so on), or else a text a line; with `.gz` after it,
            packed.
        options: how tables are read; of other files the encoding.

    Returns:
        those that are not blank.

    Raises:
        DataError: it cannot be read, or holds no text.
    """
    with _plain(path) as (place, name):
        try:
            texts = _cells(place, options) if Path(name).suffix.lower() in TABLES else _lines(place, options.encoding)
        except DataError as error:  # which names the unpacked copy
            raise DataError(str(error).replace(place, path)) from None
    if not (found := [text for text in texts if text.strip()]):
        raise DataError(f"{path} has no text: expected texts without labels")
    return found


def _cells(path: str, options: TableOptions) -> list[str]:
    with open_table(path, options, needs_label=False) as table:
        return [row.text for row in table.rows()]


def _lines(path: str, encoding: str | None) -> list[str]:
    return lines_of("".join(pieces(inspect_file(path, encoding))))


@contextlib.contextmanager
def _plain(path: str) -> Iterator[tuple[str, str]]:
    """The path of a file, unpacked if need be, and its name."""
    if Path(path).suffix.lower() != PACKED:
        yield path, path
        return
    with opened(path, path) as packed, gzip.GzipFile(fileobj=packed) as stream:
        try:
            stream.peek(1)  # what is not packed at all is told before anything is copied
            with spooled(stream, path) as copy:  # type: ignore[arg-type,unused-ignore]
                yield copy, Path(path).stem
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"{path} is no whole gzip file: {error}; pack it again") from None
