"""Which columns of a table hold the texts and the labels."""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Sequence

from textrnn.base.errors import ConfigError, DataError
from textrnn.text.table.column_facts import (
    LAST,
    MAX_LABEL_CHARS,
    MIN_ROWS_TO_JUDGE,
    ColumnFacts,
    column_facts,
    column_name,
    label_hint,
    speaks_against,
    text_hint,
)
from textrnn.text.table.options import TableOptions
from textrnn.text.table.records import AT
from textrnn.text.table.rows import ROW, Table

MAX_SHOWN = 12
MAX_FACT_ROWS = 2_000
OFTEN = 5  # times that each of some long values comes, on average, if they are labels


def choose_columns(table: Table, options: TableOptions, *, needs_label: bool | None = None) -> None:
    """Find the columns of texts and labels of a table. It can be called again, with other options.

    A column is found by its name; else the texts are the long ones that differ, and the labels a few values that come
    again and again. Ids, dates, long texts and values that come once each are never labels. Rows from all over a long
    file are looked at if its first do not show the labels, as where it is sorted by them.

    Args:
        table: opened; its `text_column`, `label_column` and `known_labels` are set, and a warning may be added.
        options: what is known of the columns; what they say of the dialect is not read again.
        needs_label: True if there has to be a column of labels; False if it is used when it can be told;
            None if there may be none, but several that could be meant are an error.

    Raises:
        ConfigError: both are the same column.
        DataError: a column cannot be told, or is not there; the message lists them and names the flag that helps.
    """
    names, width, name = table.header, table.width, table.label
    facts = column_facts(_regular(table, table.sample), width)
    text = label = None
    if options.text_column is not None:
        text = resolve_column(options.text_column, names, width, flag="--text-column", table=name)
    if options.label_column is not None:
        label = resolve_column(options.label_column, names, width, flag="--label-column", table=name)
    if text is not None and text == label:
        raise ConfigError("--text-column and --label-column are the same: expected two columns")
    if text is None:
        text = _column_named(options.usual_text, names, taken=label)
    if label is None:
        label = _column_named(options.usual_label, names, taken=text)
    if table.dialect.kind == AT:  # the form says which is which
        text = text if text is not None else int(label == 0)
        label = 1 - text if label is None else label
    if text is None:
        text = 0 if width == 1 else _find_text(table, facts, label)
    _check_text(table, facts, text)
    table.text_column, table.known_labels = text, frozenset()
    table.num_empty = sum(not own.filled for column, own in enumerate(facts) if column not in (text, label))
    table.label_column = label = _label_in_rows(table, facts, needs_label) if label is None else label
    if label is not None:
        whole = [row for row in table.sample if len(row) == table.usual_width > label]
        table.known_labels = frozenset({row[label].strip() for row in whole} - {""})
    elif (warning := _unused_label(table, facts)) and warning not in table.warnings:
        table.warnings.append(warning)


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
        f"{table} has no column {wanted!r:.60} as {flag} wants it{hint} (there: {_list_columns(names, width)})"
    )


def _column_named(wanted: str | None, names: Sequence[str] | None, *, taken: int | None) -> int | None:
    """The index of the only column of a name; None if none or several have it, or it is taken."""
    found = [index for index, name in enumerate(names or []) if name == wanted and name]
    return found[0] if len(found) == 1 and found[0] != taken else None


def _find_text(table: Table, facts: Sequence[ColumnFacts], label_column: int | None) -> int:
    """The column with the texts."""
    names = table.header
    columns = [column for column in range(len(facts)) if column != label_column]
    usable = [column for column in columns if facts[column].is_text]
    if names and all(label_hint(names[c]) and not text_hint(names[c]) for c in usable):
        for column in (column for column in range(len(facts)) if text_hint(names[column])):
            _check_text(table, facts, column, can_be_empty=False)
    if not usable:
        _check_text(table, facts, columns[0])
        raise DataError(f"{table.label} has no column with text (columns: {_list_columns(names, len(facts))})")
    if len(usable) == 1:
        return usable[0]
    # A short text that comes again and again is a label, whatever its name.
    texts = [c for c in usable if not (facts[c].is_few and facts[c].mean_chars < 20)] or usable
    hints = {c: text_hint(names[c]) for c in texts} if names else {}
    if best := max(hints.values(), default=0):
        found = [c for c in texts if hints[c] == best]
    else:
        found = [c for c in texts if facts[c].prose >= 0.3 and not (names and speaks_against(names[c]))] or texts
    weights = {c: facts[c].mean_chars * len(facts[c].counts) / facts[c].num_rows for c in found}
    found.sort(key=lambda c: -weights[c])
    if len(found) > 1 and weights[found[1]] > weights[found[0]] / 2:
        raise DataError(
            f"{table.label} has several columns that may hold the text: {_candidates(names, facts, sorted(found))}; "
            "name one with --text-column"
        )
    return found[0]


def _check_text(table: Table, facts: Sequence[ColumnFacts], column: int, *, can_be_empty: bool = True) -> None:
    """Raise DataError if the column of the texts holds numbers, or nothing."""
    name, columns = column_name(table.header, column), _list_columns(table.header, len(facts))
    if not facts[column].filled and not can_be_empty:
        raise DataError(
            f"{table.label}: all texts are empty in {name}, expected text; "
            f"name another with --text-column (columns: {columns})"
        )
    if facts[column].filled > 1 and facts[column].numbers >= 0.9:
        raise DataError(
            f"{table.label}: {name} holds numbers such as {next(iter(facts[column].counts)):.30}, expected text; "
            f"name another with --text-column (columns: {columns})"
        )


def _label_in_rows(table: Table, facts: Sequence[ColumnFacts], needs_label: bool | None) -> int | None:
    """The column of the labels by the sample, or by rows from all over the file."""
    names = table.header
    if needs_label is False:
        with contextlib.suppress(DataError):
            return _find_label(table, facts)
        return None
    if not table.is_short and table.width > 1:
        with contextlib.suppress(DataError):
            found = _find_label(table, facts)
            if found is not None and names and label_hint(names[found]) and len(facts[found].counts) > 1:
                return found
        step = max(1, table.estimated_rows // MAX_FACT_ROWS)
        rows = (record.cells for part, record in table.parts() if part == ROW)
        spread = [cells for number, cells in enumerate(rows) if number % step == 0 and cells]
        facts = column_facts(_regular(table, spread), table.width)
    found = _find_label(table, facts)
    if found is None and needs_label and table.width == 2:
        # The only column that is left, in a table that is too short for its values to come again.
        only = 1 - table.text_column
        few = facts[only].num_rows < MIN_ROWS_TO_JUDGE and len(facts[only].counts) > 1
        found = only if few and not _is_never_label(facts[only]) else None
    if found is None and needs_label:
        raise _no_label(table, facts)
    return found


def _regular(table: Table, rows: list[list[str]]) -> list[list[str]]:
    """Rows with the usual number of cells if there are enough: in others cells may be under a wrong name."""
    rows = rows[:: max(1, -(-len(rows) // MAX_FACT_ROWS))]
    regular = [row for row in rows if len(row) == table.usual_width]
    return regular if len(regular) >= MIN_ROWS_TO_JUDGE else rows


def _find_label(table: Table, facts: Sequence[ColumnFacts]) -> int | None:
    """The column with the labels, or None."""
    names = table.header
    columns = [column for column in range(len(facts)) if column != table.text_column]
    hints = {column: label_hint(names[column]) if names else 0.0 for column in columns}
    hinted = [column for column in columns if hints[column] and not _is_never_label(facts[column])]
    if found := [c for c in hinted if len(facts[c].counts) > 1] or hinted:
        best = max(hints[c] for c in found)
        found = [c for c in found if hints[c] == best]
    else:
        found = [c for c in columns if facts[c].is_few and not (names and speaks_against(names[c]))]
    if len(found) > 1:
        raise DataError(
            f"{table.label} has several columns that may hold the label: {_candidates(names, facts, found)}; "
            "name one with --label-column"
        )
    return found[0] if found else None


def _is_never_label(facts: ColumnFacts) -> bool:
    is_long = facts.mean_chars > MAX_LABEL_CHARS and facts.filled < OFTEN * len(facts.counts)
    return facts.is_unique or facts.dates >= 0.5 or is_long


def _unused_label(table: Table, facts: Sequence[ColumnFacts]) -> str | None:
    """A warning of a column that its name makes one of labels, when there are none in it."""
    for column, own in enumerate(facts):
        if table.header and column != table.text_column and label_hint(table.header[column]) >= LAST and own.is_unique:
            name = column_name(table.header, column)
            return f"{table.name}: {name} has another value in most rows, so it is not taken for labels"
    return None


def _no_label(table: Table, facts: Sequence[ColumnFacts]) -> DataError:
    """The error that there is no column of labels, and what there is."""
    others = [column for column in range(len(facts)) if column != table.text_column]
    there = f" ({_candidates(table.header, facts, others)})" if others else ""
    return DataError(
        f"{table.label} has no column of labels beside {column_name(table.header, table.text_column)}, none with a few "
        f"values that come again and again{there}: name it with --label-column, or the delimiter with --delimiter"
    )


def _list_columns(names: Sequence[str] | None, width: int) -> str:
    """The columns as a person can name them: `'id', 2 (unnamed)`."""
    if not names or not any(names):
        return f"1 to {width}" if width > 1 else "1"
    shown = [f"{name.strip()!r:.60}" if name.strip() else f"{number} (unnamed)" for number, name in enumerate(names, 1)]
    return ", ".join(shown[:MAX_SHOWN]) + (f" and {len(shown) - MAX_SHOWN} more" if len(shown) > MAX_SHOWN else "")


def _candidates(names: Sequence[str] | None, facts: Sequence[ColumnFacts], columns: Sequence[int]) -> str:
    """Columns, each with some of its values."""
    shown = []
    for column in columns[:MAX_SHOWN]:
        values = [f"{value[:20]}{'...' if len(value) > 20 else ''}" for value, _ in facts[column].counts.most_common(3)]
        number = len(facts[column].counts)
        name = column_name(names, column).removeprefix("column ")
        shown.append(f"{name} ({number:,} value{'s' * (number != 1)}{': ' + ', '.join(values) if values else ''})")
    return ", ".join(shown)
