"""Which columns of a table hold the texts and the labels: as the user says, or as names and cells show."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from textrnn.base.errors import ConfigError, DataError
from textrnn.text.table.column_facts import column_facts
from textrnn.text.table.column_words import column_name, list_columns
from textrnn.text.table.decimals import reading_of
from textrnn.text.table.find_columns import find_labels, regular, unused_label
from textrnn.text.table.find_text import added_columns, check_text, find_text
from textrnn.text.table.noise import num_counted, num_unlike_labels
from textrnn.text.table.options import TableOptions
from textrnn.text.table.records import AT, CSV, FASTTEXT, FIRST_WORD
from textrnn.text.table.rows import Table


def choose_columns(table: Table, options: TableOptions, *, needs_label: bool | None = None) -> None:
    """Find the columns of texts and labels of a table. It can be called again, with other options.

    A column is found by its name; else the texts are the long ones that differ, and the labels a few values that come
    again and again. Ids, dates, long texts and values that come once each are never labels. Rows from all over a long
    file are looked at if its first do not show the labels, as where it is sorted by them. Where names speak for
    several columns, one is chosen and the others are said in a warning.

    Args:
        table: opened; its `text_columns`, `label_columns` and `known_labels` are set, and warnings may be added.
        options: what is known of the columns; what they say of the dialect is not read again.
        needs_label: True if there has to be a column of labels; False if it is used when it can be told;
            None if there may be none, but several that could be meant are an error.

    Raises:
        ConfigError: both are the same column.
        DataError: a column cannot be told, or is not there; the message lists them and names the flag that helps.
    """
    names, width, name = table.header, table.width, table.label
    facts = column_facts(regular(table, table.sample), width)
    table.set_aside = frozenset(
        resolve_column(one, names, width, flag=flag, table=name) for flag, one in options.side_columns
    )
    wanted = [options.text_column] if isinstance(options.text_column, str) else options.text_column or ()
    texts = [resolve_column(one, names, width, flag="--text-column", table=name) for one in wanted]
    wanted = [options.label_column] if isinstance(options.label_column, str) else options.label_column or ()
    labels = [resolve_column(one, names, width, flag="--label-column", table=name) for one in wanted]
    if len(set(labels)) < len(labels):
        raise ConfigError("--label-column names a column twice: expected different columns, each for a label")
    if set(labels) & set(texts):
        raise ConfigError("--text-column and --label-column are the same: expected two columns")
    if len(set(texts)) < len(texts):
        raise ConfigError("--text-column names a column twice: expected different columns, which are joined")
    if not texts:
        texts = _columns_named(options.usual_text, names, taken=labels)
    if not labels:
        labels = _columns_named(options.usual_label, names, taken=texts)
    if table.dialect.kind in (AT, FASTTEXT, FIRST_WORD):  # the form says which is which
        first = int(table.dialect.kind != AT)
        texts = texts or [1 - first if labels == [first] else first]
        labels = labels or [1 - texts[0]]
    if not texts:
        texts = [0 if width == 1 else find_text(table, facts, labels)]
    for column in texts:
        check_text(table, facts, column)
    table.text_columns, table.known_labels, table.number_sign = tuple(texts), frozenset(), None
    table.label_columns = tuple(labels or find_labels(table, facts, needs_label))
    if len(table.label_columns) == 1:
        _look_at_labels(table, table.label_columns[0], all_rows=options.all_rows)
    elif not table.label_columns:
        unused_label(table, facts)
    used = {*texts, *table.label_columns}
    table.num_added = len(added_columns(names) - used)
    table.num_empty = sum(not own.filled for column, own in enumerate(facts) if column not in used)


def _look_at_labels(table: Table, label: int, *, all_rows: bool) -> None:
    """Sets which labels are known and how they are read; leaves out what stands around the rows of a short table."""
    is_noisy = table.is_short and table.dialect.kind == CSV and not all_rows
    if is_noisy and (counted := num_counted(table.sample, label)):
        table.sample = table.sample[:-counted]
    if is_noisy and (unlike := num_unlike_labels(table.sample, min(table.text_columns), label, table.header)):
        table.sample, table.num_explained = table.sample[unlike:], table.num_explained + unlike
    if is_noisy:
        table.num_rows = len(table.sample)
    is_moved = label > min(table.text_columns)  # by surplus cells of a text
    whole = [row for row in table.sample if len(row) > label and (not is_moved or len(row) == table.usual_width)]
    table.known_labels = frozenset({row[label].strip() for row in whole} - {""})
    _find_reading(table)


def _find_reading(table: Table) -> None:
    """Sets how labels such as 3,208 are read, and says so."""
    found = reading_of(table.known_labels, table.dialect.delimiter) if table.dialect.kind == CSV else None
    if found is None:
        return
    table.number_sign, why = found
    name = column_name(table.header, table.label_columns[0])
    what = "commas in {} are decimal commas" if table.number_sign == "," else "points in {} stand between thousands"
    warning = f"{table.name}: {what.format(name)}, {why}"
    table.warnings += [warning] * (warning not in table.warnings)


def resolve_column(wanted: str, names: Sequence[str] | None, width: int, *, flag: str, table: str) -> int:
    """The index of a column that a flag names, by its name or number.

    Raises:
        DataError: there is no such column, or several of that name.

    Example:
        >>> resolve_column("Review", ["id", "review"], 2, flag="--text-column", table="a.csv")
        1
        >>> resolve_column("2", None, 3, flag="--text-column", table="a.csv")
        1
    """
    for known in (names or [], [name.strip().casefold() for name in names or []]):
        key = wanted if known is names else wanted.strip().casefold()
        found = [index for index, name in enumerate(known) if name == key and key]
        if len(found) == 1:
            return found[0]
        if found:
            numbers = ", ".join(str(index + 1) for index in found)
            raise DataError(
                f"{table} has several columns named {wanted!r}: name one by its number ({numbers}) in {flag}"
            )
    if re.fullmatch(r"[0-9]{1,9}", wanted) and 1 <= int(wanted) <= width:
        return int(wanted) - 1
    near = difflib.get_close_matches(wanted, [name for name in names or [] if name], n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise DataError(
        f"{table} has no column {wanted!r:.60} as {flag} wants it{hint} (there: {list_columns(names, width)})"
    )


def _columns_named(
    wanted: str | Sequence[str] | None, names: Sequence[str] | None, *, taken: Sequence[int]
) -> list[int]:
    """The indexes of the only columns of some names; none if a name is missing, comes twice or is taken."""
    columns = list[int]()
    for name in [wanted] if isinstance(wanted, str) else wanted or ():
        found = [index for index, own in enumerate(names or []) if own == name and own]
        if len(found) != 1 or found[0] in taken:
            return []
        columns += found
    return columns
