"""Labels in several columns, where the user has not named them; and what is said of columns that could be meant."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from textrnn.text.table.column_facts import ColumnFacts
from textrnn.text.table.column_names import alike_but_for_numbers, label_hint, names_rater, speaks_against
from textrnn.text.table.column_words import candidates, column_name, flag_value, never_label
from textrnn.text.table.find_text import passed_over, say
from textrnn.text.table.one_hot import FEWEST, are_members, is_yes_or_no, numbered_labels, says_no, yes_or_no_columns
from textrnn.text.table.rows import Table

_VERSION = re.compile(r"v\d+\s*\Z", re.IGNORECASE)  # at the end of a name


def find_flags(table: Table, names: Sequence[str], facts: Sequence[ColumnFacts]) -> list[int]:
    """The columns of yes and no that are the labels, or the only one of them that all rows have; none if others are."""
    taken = {*table.text_columns, *passed_over(table)}
    free = [c for c in range(len(facts)) if c not in taken and names[c].strip() and not names_rater(names[c])]
    hinted = [c for c in free if label_hint(names[c]) and not never_label(facts[c])]
    parents = {names[c].rpartition(".")[0] for c in hinted}
    own = [c for c in free if names[c].rpartition(".")[0] in parents] if hinted else free
    if hinted and not _are_flags_of_one(names, facts, own):
        return []
    columns = _alike(yes_or_no_columns(names, facts, own), facts)
    if (whole := _whole_flag(facts, own, columns)) is not None:
        say_others(table, facts, whole, columns)
        return [whole]
    never = [c for c in own if says_no(facts[c])]  # labels that no row of the sample has
    if len(columns) < 2 or not (len(columns) + len(never) >= FEWEST or are_members([names[c] for c in columns])):
        return []
    flag = f"--label-column {flag_value(names, columns[0])}"
    said = f"{table.name}: {len(columns)} columns of yes and no are labels; {flag} takes that one alone"
    if others := [c for c in free if c not in columns and _is_other_label(names[c], facts[c])]:
        said += f", and they could also be in {candidates(names, facts, others)}"
    say(table, said)
    return columns


def _is_other_label(name: str, facts: ColumnFacts) -> bool:
    """Whether a column may hold the labels as well, where others of yes and no do."""
    return facts.is_few and (facts.numbers < 0.5 or is_yes_or_no(facts)) and not speaks_against(name)


def _are_flags_of_one(names: Sequence[str], facts: Sequence[ColumnFacts], columns: Sequence[int]) -> bool:
    """Whether columns of yes and no are members of one object in JSON, as in `{"category": {"theft": false, ...}}`."""
    flags = all(is_yes_or_no(facts[column]) or says_no(facts[column]) for column in columns)
    return len(columns) > 1 and flags and are_members([names[column] for column in columns])


def _whole_flag(facts: Sequence[ColumnFacts], free: Sequence[int], columns: Sequence[int]) -> int | None:
    """The only column of yes and no that all rows have, beside others that tell more of some rows."""
    whole = [c for c in free if is_yes_or_no(facts[c]) and facts[c].filled == facts[c].num_rows and c not in columns]
    are_partial = len(columns) > 1 and not any(facts[c].is_mostly_filled for c in columns)
    return whole[0] if are_partial and len(whole) == 1 else None


def _alike(columns: Sequence[int], facts: Sequence[ColumnFacts]) -> list[int]:
    """Those of some columns that are written as most of them are: beside 1 and 0, `True` says something else."""
    written = {column: frozenset(value.casefold() for value in facts[column].counts) for column in columns}
    often = Counter(written.values()).most_common(1)
    return [column for column in columns if written[column] == often[0][0]]


def numbered_columns(table: Table, facts: Sequence[ColumnFacts], label: int) -> list[int]:
    """The columns of several labels a row of which one is the first, such as `label1` and `label2`; else that alone."""
    names = table.header or []
    free = [c for c in range(len(names)) if c not in {label, *table.text_columns, *passed_over(table)}]
    columns = [label, *(c for c in free if facts[c].filled and alike_but_for_numbers(names[label], names[c]))]
    if len(columns) < 2 or columns != sorted(columns) or names_rater(names[label]) or _VERSION.search(names[label]):
        return [label]
    are_counted = all(names[column].strip()[-1:].isdigit() for column in columns[1:])
    return columns if are_counted and numbered_labels(facts, table.sample, columns) else [label]


def say_others(table: Table, facts: Sequence[ColumnFacts], found: int, others: list[int]) -> None:
    if others:
        say(
            table,
            f"{table.name}: the label is taken from {column_name(table.header, found)}, and could also be in "
            f"{candidates(table.header, facts, others)}: --label-column {flag_value(table.header, others[0])}",
        )
