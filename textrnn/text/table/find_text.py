"""The column of texts, by its name and cells, where the user has not named it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from textrnn.base.errors import DataError
from textrnn.text.table.column_facts import ColumnFacts
from textrnn.text.table.column_names import (
    EXACT,
    LAST,
    alike_but_for_numbers,
    label_hint,
    names_answer,
    names_aspect,
    names_question,
    speaks_against,
    text_hint,
)
from textrnn.text.table.column_words import column_name, flag_value, list_columns, list_some
from textrnn.text.table.rows import Table

SHORT = 20  # mean length of texts below which they may be labels
FEWEST_ASKED = 4  # words of a question
_ADDED = re.compile(r"(?:predicted|confidence|p\(.*\)|status|explanation)(?:_\d+)?")  # columns that `classify` adds


def added_columns(names: Sequence[str] | None) -> frozenset[int]:
    """The columns that an earlier `classify` has added to a table.

    Example:
        >>> sorted(added_columns(["text", "status", "predicted", "confidence", "p(bad)", "p(good)", "status_2"]))
        [2, 3, 4, 5, 6]
        >>> added_columns(["text", "status", "predicted"])
        frozenset()
    """
    if not names or not {"predicted", "confidence"} <= set(names) or not any(name.startswith("p(") for name in names):
        return frozenset()
    begin = names.index("predicted")  # all are added behind the table's own
    return frozenset(column for column in range(begin, len(names)) if _ADDED.fullmatch(names[column]))


def passed_over(table: Table) -> frozenset[int]:
    """The columns that hold neither texts nor labels."""
    return added_columns(table.header) | table.set_aside


def find_text(table: Table, facts: Sequence[ColumnFacts], label_columns: Sequence[int]) -> int:
    """The column with the texts; others that could be meant are said in a warning.

    Raises:
        DataError: there is none.
    """
    names = table.header
    columns = [c for c in range(len(facts)) if c not in {*label_columns, *passed_over(table)}]
    usable = [column for column in columns if facts[column].is_text]
    if names and all(label_hint(names[c]) and not text_hint(names[c]) for c in usable):
        for column in (column for column in columns if text_hint(names[column])):
            check_text(table, facts, column, can_be_empty=False)
    if not usable:
        check_text(table, facts, columns[0] if columns else 0)
        raise DataError(f"{table.label} has no column with text (columns: {list_columns(names, len(facts))})")
    texts, rivals = _without_labels(table, facts, usable)
    # One that never changes is no text.
    texts = [c for c in texts if len(facts[c].counts) > 1 and not facts[c].are_objects] or texts
    hints = {c: text_hint(names[c]) if names else 0.0 for c in texts}
    weights = {c: facts[c].mean_chars * len(facts[c].counts) / facts[c].num_rows for c in texts}
    prose = [c for c in texts if facts[c].prose >= 0.3 and not facts[c].are_by_machine]
    named = [c for c in prose if not (names and speaks_against(names[c]))]
    if full := [c for c in prose if facts[c].is_mostly_filled]:  # remarks that few rows have are not what is meant
        hints |= {c: 0.0 for c in texts if hints[c] < EXACT and not facts[c].is_mostly_filled}
        named = [c for c in named if c in full] or full
    if names and (asked := [c for c in prose if names_question(names[c]) and facts[c].is_free_text]):  # not its answer
        hints |= {c: 0.0 for c in texts if names_answer(names[c])}
        named = [c for c in named if not names_answer(names[c])] or asked
    best = max(hints.values())
    found = [c for c in texts if hints[c] == best] if best else named or texts
    chosen = max(found, key=lambda c: weights[c])
    free = {c for c in prose if facts[c].is_free_text and (facts[c].is_mostly_filled or facts[c].is_unique)}
    free = {c for c in free if not (names and _names_no_text(names[c]))}
    alike = {c for c in {*found, *named} if weights[c] > weights[chosen] / 2}
    alike |= {c for c in texts if names and text_hint(names[c])}
    alike |= {c for c in prose if names and alike_but_for_numbers(names[c], names[chosen])}
    if others := rivals or [*sorted(alike - {chosen}), *sorted(free - alike - {chosen})]:
        shown, flag = list_some(names, others), flag_value(names, others[0])
        both = " ".join(f"--text-column {flag_value(names, c)}" for c in sorted([chosen, others[0]]))
        say(
            table,
            f"{table.name}: the text is taken from {column_name(names, chosen)} alone, and could also be in {shown}: "
            f"--text-column {flag} takes that, {both} joins them",
        )
    return chosen


def _without_labels(table: Table, facts: Sequence[ColumnFacts], usable: Sequence[int]) -> tuple[list[int], list[int]]:
    """The columns that may hold texts, and those that could be meant as well where it is a guess.

    A short text that comes again and again is a label. Where all texts come again, as commands do, the labels are known
    by their name, or written as names, or fewer than the texts, each of which has one.
    """
    names = table.header
    texts = [c for c in usable if not (facts[c].is_few and facts[c].mean_chars < SHORT)] or list(usable)
    if any(not facts[c].is_few and facts[c].prose >= 0.3 for c in texts):
        return texts, []
    named = [c for c in usable if names and (label_hint(names[c]) >= LAST or names_aspect(names[c]))]
    if named and not set(usable) <= set(named):
        others = [c for c in usable if c not in named]
        known = [c for c in others if names and text_hint(names[c]) >= EXACT]
        return known or [c for c in others if c in texts] or others, []
    if len(usable) != 2 or not all(facts[c].is_few for c in usable):
        return texts, []
    label, text = sorted(usable, key=lambda c: (not facts[c].are_identifiers, len(facts[c].counts)))
    if facts[label].are_identifiers == facts[text].are_identifiers:
        pairs = {(row[label], row[text]) for row in table.sample if len(row) > max(usable)}
        if len(pairs) != len(facts[text].counts) or len(pairs) == len(facts[label].counts):
            return texts, []
    return [text], [] if texts == [text] else [label]


def _names_no_text(name: str) -> bool:
    """Whether a name speaks against texts; a question with such a word at its end does not."""
    return speaks_against(name) and len(name.split()) < FEWEST_ASKED


def check_text(table: Table, facts: Sequence[ColumnFacts], column: int, *, can_be_empty: bool = True) -> None:
    """Raise DataError if the column of the texts holds numbers, or nothing."""
    name, columns = column_name(table.header, column), list_columns(table.header, len(facts))
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


def say(table: Table, warning: str) -> None:
    if warning not in table.warnings:
        table.warnings.append(warning)
