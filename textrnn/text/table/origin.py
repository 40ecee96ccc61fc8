"""A file that is read by way of a table made of it, such as a sheet of Excel, and that is written back whole."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple, TextIO


class NewRow(NamedTuple):
    """What a row gets when its file is written back."""

    place: int  # of the row in the file, from 0, see `Origin.places`
    raw: str  # the record of the table that was made of the file, perhaps changed
    changed: Mapping[int, str]  # its cells that are not what they were, by their column
    added: Sequence[Any]  # the cells of the new columns, or their names
    is_header: bool = False


@dataclass(frozen=True)
class Origin:
    """A file that is no stream of lines, and the table that was made of it.

    Attributes:
        path: of the table, in UTF-8.
        words: what the file is.
        write: writes the file again with new columns: to a file, with their names and all rows that are to be in it,
            the header too if it is a row.
        delimiter: of the table, see `textrnn.text.table.dialect.parse_delimiter`.
        places: for each line of the table where its row is in the file, from 0; None if they are the same.
        lines: for each row of the file its number as its program shows it, see `places`; None if it shows none.
        numeric: the columns whose cells are numbers and not text, where text could say the same.
        is_whole: whether no row can be left out when it is written back.
        encoding: of the file; empty if it is no text.
        remarks: what a person should know.
        sheets: the names of other sheets that may be read instead, if none was asked for.
    """

    path: str
    words: str
    write: Callable[[BinaryIO, Sequence[str], Iterator[NewRow]], None]
    delimiter: str = "jsonl"
    places: Mapping[int, int] | None = None
    lines: Callable[[int], int] | None = None
    numeric: frozenset[int] = frozenset()
    is_whole: bool = False
    encoding: str = ""
    remarks: list[str] = field(default_factory=list)
    sheets: Sequence[str] = ()

    def place_of(self, line: int) -> int:
        """Where the row that begins on a line of the table, from 1, is in the file."""
        return line - 1 if self.places is None else self.places[line]


def titled(sheets: Sequence[str]) -> str:
    """The names of some sheets, as a message lists them.

    Example:
        >>> titled(["May", "June"])
        "'May', 'June'"
    """
    more = f" and {len(sheets) - 5} more" if len(sheets) > 5 else ""
    return ", ".join(f"{sheet!r:.60}" for sheet in sheets[:5]) + more


@contextlib.contextmanager
def temporary_table(suffix: str) -> Iterator[tuple[TextIO, str]]:
    """A file to write a table to, and its path; it is deleted at the end."""
    descriptor, path = tempfile.mkstemp(prefix="textrnn-", suffix=suffix)
    try:
        with open(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
            yield file, path
    finally:
        os.unlink(path)
