"""The column of the labels where nothing speaks for one: the only one that can be it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textrnn.text.table.column_facts import MAX_LABEL_CHARS, ColumnFacts
from textrnn.text.table.column_names import names_amount, names_id, names_time, speaks_against
from textrnn.text.table.find_text import passed_over
from textrnn.text.table.rows import Table

FEWEST_TIMES = 3  # that each value of a column of very many classes comes, on average


def last_resort(table: Table, facts: Sequence[ColumnFacts]) -> int | None:
    """The only column that can be the label, though nothing speaks for it."""
    taken = {*table.text_columns, *passed_over(table)}
    names = dict(enumerate(table.header or [""] * len(facts)))
    free = {column: facts[column] for column in range(len(facts)) if column not in taken}
    for kind in (_against_its_name, _of_many_classes, _quantities):
        if (found := kind(names, free)) is not None:
            return found
    return None


def _against_its_name(names: Mapping[int, str], free: Mapping[int, ColumnFacts]) -> int | None:
    """The only column that looks like labels, though it is named like authors or languages, which are seldom labels."""
    words = [c for c, own in free.items() if own.is_few and own.numbers < 0.5]
    return words[0] if len(words) == 1 and not names_time(names[words[0]]) else None


def _of_many_classes(names: Mapping[int, str], free: Mapping[int, ColumnFacts]) -> int | None:
    """The only column whose short values come three times on average and more, as those of many classes do."""
    many = [c for c, own in free.items() if own.filled >= FEWEST_TIMES * len(own.counts) > FEWEST_TIMES]
    many = [c for c in many if free[c].is_text and not speaks_against(names[c])]
    many = [c for c in many if free[c].mean_chars <= MAX_LABEL_CHARS / 2 or free[c].are_canned]
    return many[0] if len(many) == 1 else None


def _quantities(names: Mapping[int, str], free: Mapping[int, ColumnFacts]) -> int | None:
    """The only column of numbers that are no ids, in a table without any other labels."""
    columns = [c for c, own in free.items() if own.are_quantities and own.is_mostly_filled and not own.are_ids]
    columns = [c for c in columns if not (names[c] and _counts_rows(names[c], free[c]))]
    return columns[0] if len(columns) == 1 else None


def _counts_rows(name: str, facts: ColumnFacts) -> bool:
    """Whether numbers only tell rows from each other, or count something about them that is never asked for."""
    return names_id(name) or (not names_amount(name) and (speaks_against(name) or facts.are_rising))
