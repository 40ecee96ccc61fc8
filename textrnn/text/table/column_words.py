"""What messages say of columns: their names, their values, and why one holds no labels."""

from __future__ import annotations

from collections.abc import Sequence

from textrnn.text.table.column_facts import MAX_LABEL_CHARS, ColumnFacts
from textrnn.text.table.column_names import speaks_against

MAX_SHOWN, MAX_NAME_CHARS = 12, 60
OFTEN_IF_LONG = 5  # times that each of some long values comes, on average, if they are labels


def column_name(names: Sequence[str] | None, column: int) -> str:
    """What to call a column: `column 'label'`, or `column 2`."""
    return f"column {short_name(names, column)}"


def short_name(names: Sequence[str] | None, column: int) -> str:
    """Its name in quotes; its number if it has none."""
    name = names[column].strip() if names and column < len(names) else ""
    return _quoted(name) if name else str(column + 1)


def _quoted(name: str) -> str:
    """A name in quotes, of a long one the beginning."""
    return repr(name if len(name) <= MAX_NAME_CHARS else f"{name[:MAX_NAME_CHARS]}...")


def flag_value(names: Sequence[str] | None, column: int) -> str:
    """How a flag names a column: by its name if that is plain and no other column's, else by its number."""
    name = names[column].strip() if names else ""
    others = [other.strip().casefold() for other in names or ()]
    is_plain = name.replace("_", "").replace(".", "").isalnum() and not name.isdecimal()
    return name if is_plain and others.count(name.casefold()) == 1 else str(column + 1)


def list_columns(names: Sequence[str] | None, width: int) -> str:
    """The columns as a person can name them: `'id', 2 (unnamed)`."""
    if not names or not any(names):
        return f"1 to {width}" if width > 1 else "1"
    shown = [_quoted(name.strip()) if name.strip() else f"{number} (unnamed)" for number, name in enumerate(names, 1)]
    return ", ".join(shown[:MAX_SHOWN]) + (f" and {len(shown) - MAX_SHOWN} more" if len(shown) > MAX_SHOWN else "")


def list_some(names: Sequence[str] | None, columns: Sequence[int]) -> str:
    """Some columns by their names, the first of them if they are many."""
    more = f" and {len(columns) - MAX_SHOWN} more" if len(columns) > MAX_SHOWN else ""
    return ", ".join(short_name(names, column) for column in columns[:MAX_SHOWN]) + more


def candidates(names: Sequence[str] | None, facts: Sequence[ColumnFacts], columns: Sequence[int]) -> str:
    """Columns, each with some of its values."""
    shown = []
    for column in columns[:MAX_SHOWN]:
        number = len(facts[column].counts)
        values = f": {_values(facts[column])}" if number else ""
        shown.append(f"{short_name(names, column)} ({number:,} value{'s' * (number != 1)}{values})")
    return ", ".join(shown)


def never_label(facts: ColumnFacts) -> str | None:
    """Why the cells of a column are never labels, in words; None if they can be."""
    if not facts.filled:
        return "is empty"
    if facts.dates >= 0.5:
        return "holds dates or times"
    if facts.is_unique:
        return "has another value in most rows"
    if facts.mean_chars > MAX_LABEL_CHARS and facts.filled < OFTEN_IF_LONG * len(facts.counts):
        return "holds long texts"
    return None


def why_no_label(names: Sequence[str] | None, facts: Sequence[ColumnFacts], columns: Sequence[int]) -> str:
    """Why none of some columns was taken for the labels, in words."""
    shown = [f"{short_name(names, column)} {_why(names, facts[column], column)}" for column in columns[:MAX_SHOWN]]
    more = f" and {len(columns) - MAX_SHOWN} more" if len(columns) > MAX_SHOWN else ""
    return ", ".join(shown) + more


def _why(names: Sequence[str] | None, facts: ColumnFacts, column: int) -> str:
    if reason := never_label(facts):
        return reason
    number = len(facts.counts)
    if number == 1:
        return f"has one value only, {_values(facts)}"
    if names and speaks_against(names[column]):
        return f"is named like a number, a date or a person, though it has {number:,} values: {_values(facts)}"
    if number == facts.filled and not facts.is_mostly_filled:
        return f"is blank but for {number:,} rows: if a label stands for the rows below it, fill them with it"
    return f"has {number:,} values in {facts.filled:,} rows: {_values(facts)}"


def _values(facts: ColumnFacts) -> str:
    """The most frequent values."""
    found = [f"{value[:20]}{'...' if len(value) > 20 else ''}" for value, _ in facts.counts.most_common(3)]
    return ", ".join(found) + (", ..." if len(facts.counts) > len(found) else "")
