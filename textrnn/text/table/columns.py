"""Which columns of a table hold the texts and the labels."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from textrnn.base.errors import ConfigError, DataError
from textrnn.text.table.column_facts import MAX_LABEL_CHARS, ColumnFacts
from textrnn.text.table.column_names import LAST, label_hint, speaks_against, text_hint

MAX_SHOWN = 12
OFTEN = 5  # times that each of some long values comes, on average, if they are labels


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


def find_usual(wanted: str | None, names: Sequence[str] | None, *, taken: int | None) -> int | None:
    """The index of the column that has a name in tables of this kind; None if none or several have it, or it is taken.

    Example:
        >>> find_usual("body", ["id", "body"], taken=None), find_usual("body", ["id", "body"], taken=1)
        (1, None)
    """
    found = [index for index, name in enumerate(names or []) if name == wanted and name]
    return found[0] if len(found) == 1 and found[0] != taken else None


def find_text(
    names: Sequence[str] | None, facts: Sequence[ColumnFacts], *, table: str, label_column: int | None = None
) -> int:
    """The column with the texts: by its name, and else the one with long texts that differ.

    Args:
        names: of the columns, if there is a header.
        facts: of the columns.
        table: what to call it in messages.
        label_column: the column of the labels, if it is known.

    Raises:
        DataError: no column has texts, or several may.

    Example:
        >>> from textrnn.text.table.column_facts import column_facts
        >>> find_text(None, column_facts([["3", "a good film"], ["4", "a bad one"]], 2), table="a.csv")
        1
    """
    columns = [column for column in range(len(facts)) if column != label_column]
    usable = [column for column in columns if facts[column].is_text]
    _check_named(names, facts, usable, table)
    if not usable:
        check_text(names, facts, columns[0], table)
        raise DataError(f"{table} has no column with text (columns: {list_columns(names, len(facts))})")
    if len(usable) == 1:
        return usable[0]
    # A short text that comes again and again is a label, whatever its name.
    texts = [c for c in usable if not (facts[c].is_few and facts[c].mean_chars < 20)] or usable
    hints = {c: text_hint(names[c]) for c in texts} if names else {}
    best = max(hints.values(), default=0)
    if best:
        found = [c for c in texts if hints[c] == best]
    else:
        found = [c for c in texts if facts[c].prose >= 0.3 and not (names and speaks_against(names[c]))] or texts
    weights = {c: facts[c].mean_chars * len(facts[c].counts) / facts[c].num_rows for c in found}
    found.sort(key=lambda c: -weights[c])
    if len(found) > 1 and weights[found[1]] > weights[found[0]] / 2:
        raise DataError(
            f"{table} has several columns that may hold the text: {_candidates(names, facts, sorted(found))}; "
            "name one with --text-column"
        )
    return found[0]


def _check_named(names: Sequence[str] | None, facts: Sequence[ColumnFacts], usable: Sequence[int], table: str) -> None:
    """Raise DataError if the column named for texts has none, and the usable ones are named for labels."""
    if names is None or any(text_hint(names[column]) or not label_hint(names[column]) for column in usable):
        return
    for column in (column for column in range(len(facts)) if text_hint(names[column])):
        if not facts[column].filled:
            raise DataError(
                f"{table}: all texts are empty in {column_name(names, column)}: expected some text; "
                f"name another with --text-column (columns: {list_columns(names, len(facts))})"
            )
        check_text(names, facts, column, table)


def check_text(names: Sequence[str] | None, facts: Sequence[ColumnFacts], column: int, table: str) -> None:
    """Raise DataError if the column of the texts holds numbers."""
    if facts[column].filled > 1 and facts[column].numbers >= 0.9:
        example = next(iter(facts[column].counts))
        raise DataError(
            f"{table}: {column_name(names, column)} holds numbers such as {example:.30}, expected text; "
            f"name another with --text-column (columns: {list_columns(names, len(facts))})"
        )


def find_label(
    names: Sequence[str] | None, facts: Sequence[ColumnFacts], *, table: str, text_column: int
) -> int | None:
    """The column with the labels: by its name, and else the one with a few values that come again and again.

    Ids, dates, long texts and values that come once each are never labels; a column with one value is only by its name.

    Args:
        names: of the columns, if there is a header.
        facts: of the columns.
        table: what to call it in messages.
        text_column: the column of the texts.

    Returns:
        Its index, or None if there is none.

    Raises:
        DataError: several columns may be meant.

    Example:
        >>> from textrnn.text.table.column_facts import column_facts
        >>> facts = column_facts([["1", "a film", "good"], ["2", "a book", "bad"]] * 2, 3)
        >>> find_label(["id", "text", "label"], facts, table="a.csv", text_column=1)
        2
    """
    columns = [column for column in range(len(facts)) if column != text_column]
    hints = {column: label_hint(names[column]) if names else 0.0 for column in columns}
    hinted = [column for column in columns if hints[column] and not _is_never_label(facts[column])]
    if found := [c for c in hinted if len(facts[c].counts) > 1] or hinted:
        best = max(hints[c] for c in found)
        found = [c for c in found if hints[c] == best]
    else:
        found = [c for c in columns if facts[c].is_few and not (names and speaks_against(names[c]))]
    if len(found) > 1:
        raise DataError(
            f"{table} has several columns that may hold the label: {_candidates(names, facts, found)}; "
            "name one with --label-column"
        )
    return found[0] if found else None


def may_be_label(facts: ColumnFacts) -> bool:
    """Whether there are several values, and they are neither ids nor dates nor long texts.

    Example:
        >>> from textrnn.text.table.column_facts import column_facts
        >>> [may_be_label(facts) for facts in column_facts([["1", "2015-02-24"], ["0", "2015-02-25"]], 2)]
        [True, False]
    """
    return len(facts.counts) > 1 and not _is_never_label(facts)


def _is_never_label(facts: ColumnFacts) -> bool:
    is_long = facts.mean_chars > MAX_LABEL_CHARS and facts.filled < OFTEN * len(facts.counts)
    return facts.is_unique or facts.dates >= 0.5 or is_long


def unused_label(names: Sequence[str] | None, facts: Sequence[ColumnFacts], text_column: int) -> str | None:
    """A warning of a column that its name makes one of labels, when there are none in it; None if there is no such.

    Example:
        >>> from textrnn.text.table.column_facts import column_facts
        >>> facts = column_facts([["a film", f"{n}"] for n in range(20)], 2)
        >>> unused_label(["text", "label"], facts, 0)
        "column 'label' has another value in most rows, so it is not taken for labels"
    """
    for column, own in enumerate(facts):
        if names and column != text_column and label_hint(names[column]) >= LAST and own.is_unique:
            return f"{column_name(names, column)} has another value in most rows, so it is not taken for labels"
    return None


def no_label(names: Sequence[str] | None, facts: Sequence[ColumnFacts], *, table: str, text_column: int) -> DataError:
    """The error that there is no column of labels, and why not one of those that its name speaks for.

    Example:
        >>> from textrnn.text.table.column_facts import column_facts
        >>> print(no_label(["text"], column_facts([["fine"]], 1), table="a", text_column=0))
        a has no column of labels beside column 'text': name it with --label-column, or the delimiter with --delimiter
    """
    others = [column for column in range(len(facts)) if column != text_column]
    if not others:
        return DataError(
            f"{table} has no column of labels beside {column_name(names, text_column)}: "
            "name it with --label-column, or the delimiter with --delimiter"
        )
    return DataError(
        f"{table} has no column of labels, with a few values that come again and again: "
        f"{_candidates(names, facts, others)}; name it with --label-column"
    )


def column_name(names: Sequence[str] | None, column: int) -> str:
    """What to call a column.

    Example:
        >>> column_name(["id", ""], 0), column_name(["id", ""], 1)
        ("column 'id'", 'column 2')
    """
    name = names[column].strip() if names and column < len(names) else ""
    return f"column {name!r:.60}" if name else f"column {column + 1}"


def list_columns(names: Sequence[str] | None, width: int) -> str:
    """The columns as a person can name them.

    Example:
        >>> list_columns(["id", ""], 2)
        "'id', 2 (unnamed)"
    """
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


def check_different(text_column: int | None, label_column: int | None) -> None:
    """Raise ConfigError if both are the same column."""
    if text_column == label_column:
        raise ConfigError("--text-column and --label-column are the same: expected two columns")
