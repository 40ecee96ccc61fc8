"""The column of the labels where nothing speaks for one: the only one that can be it."""

from __future__ import annotations

from collections.abc import Sequence

from textrnn.text.table.column_facts import MAX_LABEL_CHARS, ColumnFacts
from textrnn.text.table.column_names import names_amount, names_id, names_time, speaks_against
from textrnn.text.table.find_text import passed_over
from textrnn.text.table.rows import Table

FEWEST_TIMES = 3  # that each value of a column of very many classes comes, on average


def last_resort(table: Table, facts: Sequence[ColumnFacts]) -> int | None:
    """The only column that can be the label, though nothing speaks for it."""
    named = _against_its_name(table, facts)
    named = _of_many_classes(table, facts) if named is None else named
    return _quantities(table, facts) if named is None else named


def _of_many_classes(table: Table, facts: Sequence[ColumnFacts]) -> int | None:
    """The only column whose short values come three times on average and more, as those of many classes do."""
    taken = {*table.text_columns, *passed_over(table)}
    free = [c for c in range(len(facts)) if c not in taken and not (table.header and speaks_against(table.header[c]))]
    many = [c for c in free if facts[c].filled >= FEWEST_TIMES * len(facts[c].counts) > FEWEST_TIMES]
    many = [c for c in many if facts[c].is_text and (facts[c].mean_chars <= MAX_LABEL_CHARS / 2 or facts[c].are_canned)]
    return many[0] if len(many) == 1 else None


def _against_its_name(table: Table, facts: Sequence[ColumnFacts]) -> int | None:
    """The only column that looks like labels, though it is named like authors or languages, which are seldom labels."""
    taken = {*table.text_columns, *passed_over(table)}
    words = [c for c in range(len(facts)) if c not in taken and facts[c].is_few and facts[c].numbers < 0.5]
    return words[0] if len(words) == 1 and not (table.header and names_time(table.header[words[0]])) else None


def _quantities(table: Table, facts: Sequence[ColumnFacts]) -> int | None:
    """The only column of numbers that are no ids, in a table without any other labels."""
    taken = {*table.text_columns, *passed_over(table)}
    columns = [c for c in range(len(facts)) if c not in taken and facts[c].are_quantities]
    columns = [c for c in columns if facts[c].is_mostly_filled and not facts[c].are_ids]
    columns = [c for c in columns if not (table.header and _counts_rows(table.header[c], facts[c]))]
    return columns[0] if len(columns) == 1 else None


def _counts_rows(name: str, facts: ColumnFacts) -> bool:
    """Whether numbers only tell rows from each other, or count something about them that is never asked for."""
    return names_id(name) or (not names_amount(name) and (speaks_against(name) or facts.are_rising))
