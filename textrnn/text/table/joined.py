"""Several tables of the same columns, read as one and written as one."""

from __future__ import annotations

import contextlib
import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from textrnn.base.errors import ConfigError, DataError
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.table.column_words import list_columns, short_name
from textrnn.text.table.options import TableOptions
from textrnn.text.table.records import Record
from textrnn.text.table.rows import Table
from textrnn.text.table.table import open_records, open_table
from textrnn.text.table.tally import Row


@dataclass
class JoinedTable(Table):
    """Tables one after another: rows are numbered through, their cells in the order of the first table's columns."""

    members: Sequence[Table] = ()
    paths: Sequence[str] = ()  # as they were given
    used: Sequence[int] = ()  # numbers of the rows that are learnt from
    empty: Sequence[int] = ()  # numbers of those without a text
    reading: int = field(default=0, repr=False)  # the table whose row was given last

    def rows(self) -> Iterator[Row]:
        """See `Table.rows`."""
        number = 0
        for reading, member in enumerate(self.members):
            self.reading = reading
            places = _places(self, member)
            for row in member.rows():
                number += 1
                record = row.record
                if places is not None:
                    padded = [*record.cells, ""]  # the last one is of columns that this table has not
                    record = record._replace(cells=[padded[place] if place < len(padded) else "" for place in places])
                yield row._replace(number=number, record=record)
        self.num_rows = number

    @property
    def first_name(self) -> str:
        """See `Table.first_name`."""
        return self.members[0].name

    def line_of(self, record: Record) -> int:
        """See `Table.line_of`, of a record of the row that was given last."""
        return self.members[self.reading].line_of(record)

    def describe(self) -> str:
        """See `Table.describe`."""
        texts = " and ".join(short_name(self.header, column) for column in self.text_columns)
        labels = ", ".join(short_name(self.header, column) for column in self.label_columns)
        shown = ", ".join(f"{one.name} ({one.rows_in_words()})" for one in self.members)
        parts = f"text in column{'s' * (len(self.text_columns) > 1)} {texts}, "
        parts += f"label{'s' * (len(self.label_columns) > 1)} in {labels}" if labels else "no labels"
        return f"{len(self.members)} files: {shown}; {parts}"

    def summary(self) -> str | None:
        """See `Table.summary`."""
        return "; ".join(filter(None, (member.summary() for member in self.members))) or None

    def place_of(self, number: int) -> tuple[int, int]:
        """Of a row by its number: the place of its file among the members, and its number there."""
        ends, total = list[int](), 0
        for member in self.members:
            ends.append(total)
            total += member.num_rows or 0
        found = bisect_right(ends, number - 1) - 1
        return found, number - ends[found]

    def count(self, used: Sequence[int], empty: Sequence[int]) -> None:
        """Keeps which rows, by their numbers, are learnt from, and which have no text."""
        self.used, self.empty = used, empty

    def counts(self) -> list[dict[str, Any]]:
        """Of each file its path and how many rows are used, unlabelled and empty."""
        used, empty = (Counter(self.place_of(int(row))[0] for row in rows) for rows in (self.used, self.empty))
        found = list[dict[str, Any]]()
        for number, (path, member) in enumerate(zip(self.paths, self.members, strict=True)):
            rest = (member.num_rows or 0) - used[number] - empty[number]
            found.append({"file": path, "used": used[number], "unlabelled": rest, "empty": empty[number]})
        return found

    def locate(self, findings: Mapping[str, Any], *, but: str | None) -> None:
        """Gives each row that a report lists its file, and its number there.

        Args:
            findings: what a report found, see `textrnn.classifier.findings`.
            but: the list of rows that are of another table, if there is one.
        """
        parts = {"surest_wrong": findings.get("surest_wrong") or ()}
        parts["suspected_labels"] = (findings.get("suspected_labels") or {}).get("listed", ())
        for name, listed in parts.items():
            if name != but:
                self.locate_rows(listed)
        for one in (findings.get("duplicates") or {}).get("listed", ()):
            places = [self.place_of(number) for number in one["rows"]]
            one["files"] = [self.members[file].name for file, _ in places]
            one["rows"] = [number for _, number in places]

    def locate_rows(self, listed: Iterable[dict[str, Any]]) -> None:
        """Gives rows of a list their `file`, and as `row` their number there."""
        for one in listed:
            file, one["row"] = self.place_of(one["row"])
            one["file"] = self.members[file].name


def _places(joined: Table, member: Table) -> list[int] | None:
    """For each column of the first table where it is in another one, -1 if it is not; None if all are the same."""
    if joined.header == member.header or not joined.header or not member.header:
        return None
    names = [name.strip().casefold() for name in member.header]
    return [names.index(key) if (key := name.strip().casefold()) in names else -1 for name in joined.header]


@contextlib.contextmanager
def open_tables(
    paths: Sequence[str], options: TableOptions | None = None, *, needs_label: bool | None = None
) -> Iterator[Table]:
    """Opens one table as `open_table` does, or several as one.

    Args:
        paths: files or folders; `-` only alone.
        options: what is known, of all of them.
        needs_label: see `open_table`; the further ones have the columns of the first.

    Raises:
        ConfigError: a file comes twice, or standard input with others.
        DataError: see `open_table`; or a table has not the columns of the first.
    """
    with contextlib.ExitStack() as stack:
        if len(paths) == 1:
            yield stack.enter_context(open_table(paths[0], options, needs_label=needs_label))
            return
        check_paths(paths)
        options = options or TableOptions()
        first = stack.enter_context(open_table(paths[0], options, needs_label=needs_label))
        others = [stack.enter_context(_open_other(path, first, options)) for path in paths[1:]]
        members = [first, *others]
        names = [member.name for member in members]
        own = {item.name: getattr(first, item.name) for item in fields(first)}
        rest = names[1] if len(names) == 2 else f"{len(names) - 1} more files"
        own |= dict(
            name=f"{names[0]} and {rest}",
            warnings=list(dict.fromkeys(line for member in members for line in member.warnings)),
            has_lines=all(member.has_lines for member in members),
            num_rows=None,
            origin=None,
        )
        yield JoinedTable(**own, members=members, paths=paths)


def check_paths(paths: Sequence[str]) -> None:
    """Raises ConfigError if files do not go together."""
    if STANDARD_INPUT in paths:
        raise ConfigError("standard input (-) stands alone: name files only, or - only")
    for number, path in enumerate(paths):
        for other in paths[:number]:
            if path == other or (os.path.exists(path) and os.path.exists(other) and os.path.samefile(path, other)):
                raise ConfigError(f"{path} is named twice: its rows would count twice")


@contextlib.contextmanager
def _open_other(path: str, first: Table, options: TableOptions) -> Iterator[Table]:
    """Opens a table that has to have the columns of the first one."""
    used = [*first.text_columns, *first.label_columns]
    names = [first.header[column] if first.header else "" for column in used]
    with open_records(path, options) as table:
        if all(names):
            fits, wanted = _has_columns(table, first), ", ".join(f"{name!r:.60}" for name in names)
        else:
            fits, wanted = table.width == first.width, f"{first.width}"
            table.text_columns, table.label_columns = first.text_columns, first.label_columns
        if not fits:
            raise DataError(
                f"{path} does not go with {first.label}: expected the columns {wanted}, and it has "
                f"{list_columns(table.header, table.width)}; files that are read together need the same"
            )
        table.known_labels = first.known_labels
        yield table


def _has_columns(table: Table, first: Table) -> bool:
    """Sets the columns of texts and labels to those that have the names of the first table's; whether all are there."""
    names = [name.strip().casefold() for name in table.header or ()]
    found = list[tuple[int, ...]]()
    for columns in (first.text_columns, first.label_columns):
        wanted = [(first.header or [])[column].strip().casefold() for column in columns]
        if any(names.count(name) != 1 for name in wanted):
            return False
        found.append(tuple(names.index(name) for name in wanted))
    table.text_columns, table.label_columns = found
    return True
