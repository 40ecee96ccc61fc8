"""The columns of labels, by their names and cells, where the user has not named them."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence

from textrnn.base.errors import DataError
from textrnn.text.table.column_facts import MAX_LABEL_CHARS, MIN_ROWS_TO_JUDGE, ColumnFacts, column_facts
from textrnn.text.table.column_names import (
    EXACT,
    LAST,
    TARGET,
    WITHIN,
    alike_but_for_numbers,
    label_hint,
    names_aside,
    names_aspect,
    names_gold,
    names_grades,
    names_guessed,
    names_id,
    names_rater,
    names_remark,
    names_time,
    speaks_against,
)
from textrnn.text.table.column_words import (
    candidates,
    column_name,
    flag_value,
    list_some,
    never_label,
    why_no_label,
)
from textrnn.text.table.find_text import added_columns, passed_over, say
from textrnn.text.table.one_hot import FEWEST, are_members, is_yes_or_no, numbered_labels, says_no, yes_or_no_columns
from textrnn.text.table.origin import titled
from textrnn.text.table.rows import ROW, Table

MAX_FACT_ROWS = 2_000
FEWEST_TIMES = 3  # that each value of a column of very many classes comes, on average
SENTENCE = 8  # characters of a cell on average, from which it is more than a name


def find_labels(table: Table, facts: Sequence[ColumnFacts], needs_label: bool | None) -> list[int]:
    """The columns of the labels: one, or several of yes and no; see `choose_columns`."""
    if table.header and (flags := _find_flags(table, table.header, facts)):
        return flags
    found, others = _find_label(table, facts, needs_label)
    if found is None:
        return []
    columns = _numbered(table, facts, found)
    _say_others(table, facts, found, [column for column in others if column not in columns])
    if len(columns) > 1:
        names, flag = list_some(table.header, columns), flag_value(table.header, found)
        say(
            table,
            f"{table.name}: columns {names} hold several labels a row; --label-column {flag} takes that one alone",
        )
    return columns


def _numbered(table: Table, facts: Sequence[ColumnFacts], label: int) -> list[int]:
    """The columns of several labels a row of which one is the first, such as `label1` and `label2`; else that alone."""
    names = table.header or []
    free = [c for c in range(len(names)) if c not in {label, *table.text_columns, *passed_over(table)}]
    columns = [label, *(c for c in free if facts[c].filled and alike_but_for_numbers(names[label], names[c]))]
    is_first = columns == sorted(columns) and not names_rater(names[label]) if names else False
    return columns if is_first and len(columns) > 1 and numbered_labels(facts, table.sample, columns) else [label]


def _find_flags(table: Table, names: Sequence[str], facts: Sequence[ColumnFacts]) -> list[int]:
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
        _say_others(table, facts, whole, columns)
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


def _find_label(table: Table, facts: Sequence[ColumnFacts], needs_label: bool | None) -> tuple[int | None, list[int]]:
    """The column of the labels by the sample, or by rows from all over the file, and others to be said; see
    `choose_columns`."""
    names = table.header
    if needs_label is False:
        with contextlib.suppress(DataError):
            return _by_facts(table, facts, may_guess=False)[0], []
        return None, []
    if not table.is_short and table.width > 1:
        with contextlib.suppress(DataError):
            found, others = _by_facts(table, facts)
            if found is not None and names and label_hint(names[found]) and len(facts[found].counts) > 1:
                return found, others
        step = max(1, table.estimated_rows // MAX_FACT_ROWS)
        rows = (record.cells for part, record in table.parts() if part == ROW)
        spread = [cells for number, cells in enumerate(rows) if number % step == 0 and cells]
        facts = column_facts(regular(table, spread), table.width)
    found, others = _by_facts(table, facts)
    if found is None and needs_label and table.width == 2 and not added_columns(names):
        # The only column that is left, in a table that is too short for its values to come again.
        only = 1 - table.text_column
        few = facts[only].num_rows < MIN_ROWS_TO_JUDGE and len(facts[only].counts) > 1
        few = few and not (names and speaks_against(names[only]))
        found = only if few and not never_label(facts[only]) else None
    last = _last_resort(table, facts) if found is None and needs_label else None
    if last is not None:
        name, flag = column_name(names, last), flag_value(names, last)
        say(table, f"{table.name}: {name} is taken for the label, as no other column can be: --label-column {flag}")
        found = last
    if found is None and needs_label:
        raise no_label(table, facts)
    return found, others


def regular(table: Table, rows: list[list[str]]) -> list[list[str]]:
    """Rows with the usual number of cells if there are enough: in others cells may be under a wrong name."""
    rows = rows[:: max(1, -(-len(rows) // MAX_FACT_ROWS))]
    usual = [row for row in rows if len(row) == table.usual_width]
    return usual if len(usual) >= MIN_ROWS_TO_JUDGE else rows


class NoLabelError(DataError):
    """A table has no column of labels."""


def no_label(table: Table, facts: Sequence[ColumnFacts] | None = None) -> NoLabelError:
    """The error that there is no column of labels, with what speaks against each other column."""
    facts = facts or column_facts(regular(table, table.sample), table.width)
    columns = set(range(len(facts))) - {*table.text_columns, *passed_over(table)}
    reasons = f": {why_no_label(table.header, facts, sorted(columns))}" if columns else ""
    sheets = table.origin.sheets if table.origin else ()
    other = f"another sheet with --sheet (there: {titled(sheets)})" if sheets else "the delimiter with --delimiter"
    return NoLabelError(
        f"{table.label} has no column of labels beside {column_name(table.header, table.text_column)}{reasons}; "
        f"name it with --label-column, or {other}"
    )


def unused_label(table: Table, facts: Sequence[ColumnFacts]) -> None:
    """Warns of a column that its name makes one of labels, when there are none in it."""
    for column, own in enumerate(facts):
        if table.header and column != table.text_column and label_hint(table.header[column]) >= LAST and own.is_unique:
            name = column_name(table.header, column)
            say(table, f"{table.name}: {name} has another value in most rows, so it is not taken for labels")
            return


def _by_facts(table: Table, facts: Sequence[ColumnFacts], *, may_guess: bool = True) -> tuple[int | None, list[int]]:
    """The column with the labels, or None; and others that could be meant.

    Raises:
        DataError: several could be meant, and all are numbers, or it may not be guessed.
    """
    names = table.header
    taken = {*table.text_columns, *passed_over(table)}
    columns = [column for column in range(len(facts)) if column not in taken]
    plain = [c for c in columns if not facts[c].are_flags]
    columns = plain if any(facts[c].is_few for c in plain) else columns
    few = [c for c in columns if facts[c].is_few and not (names and speaks_against(names[c]))]
    if not names:
        lists = [c for c in columns if facts[c].is_several and (facts[c].are_codes or len(columns) == 1)]
        few += [c for c in lists if c not in few]
    elif not few:  # whole cells may all be different
        few = [c for c in columns if facts[c].is_several and not speaks_against(names[c])]
    hints, guessed = _hints(names, facts, columns, few)
    hinted = [
        c
        for c in columns
        if hints[c]
        and (
            facts[c].is_measured or facts[c].is_several or not never_label(facts[c]) or _are_scores(names, c, facts[c])
        )
    ]
    few += [c for c in guessed if c not in few]
    if found := [c for c in hinted if len(facts[c].counts) > 1] or ([] if few else hinted):
        # A grade is seldom meant where there is another label, and one label a row more often than several.
        found.sort(key=lambda c: (bool(names and names_grades(names[c])) - hints[c], facts[c].is_several))
        is_known = hints[found[0]] in (EXACT, TARGET, LAST)  # not a grade, and more than a word within the name
        is_sure = is_known and facts[found[0]].is_mostly_filled
        also = [c for c in few if c in guessed or (names and names_aspect(names[c]))] if is_sure else few
        others = [c for c in also if c not in found]
        return found[0], found[1:] + others
    measured = [c for c in columns if names and facts[c].is_measured and not speaks_against(names[c])]
    if not names and (flag := _only_flag(facts, few)) is not None:
        return flag, [c for c in few if c != flag]
    words = [c for c in few if facts[c].numbers < 0.5]  # numbers count something more often than they are classes
    aside = [c for c in few if names and names_aside(names[c])]
    if len(only := [c for c in few if c not in aside]) == 1:
        words = only
    if len(few) > 1 and words and (may_guess or len(words) == 1):
        last = {*guessed, *aside}

        def rank(c: int) -> tuple[bool, bool, bool, int, int]:
            """Less for what is rather the label."""
            is_aspect = bool(names and names_aspect(names[c]))
            return c in last, not facts[c].has_opinions, not is_aspect, len(facts[c].counts), -c

        chosen = min(words, key=rank)
        if names:  # of `topic1` and `topic2` the first
            chosen = min([chosen, *(c for c in words if alike_but_for_numbers(names[c], names[chosen]))])
        return chosen, sorted({*few, *measured} - {chosen}, key=lambda c: len(facts[c].counts))
    if len(few) > 1:
        several = candidates(names, facts, few)
        raise DataError(
            f"{table.label} has several columns that may hold the label: {several}; name one with --label-column"
        )
    return (few[0], measured) if few else (None, [])


def _only_flag(facts: Sequence[ColumnFacts], few: Sequence[int]) -> int | None:
    """The only column of 0 and 1, where all others of a few values hold sentences, as the texts of pairs are."""
    flags = [c for c in few if facts[c].counts.keys() == {"0", "1"}]
    are_sentences = all(facts[c].prose >= 0.5 and facts[c].mean_chars >= SENTENCE for c in few if c not in flags)
    return flags[0] if len(flags) == 1 and are_sentences else None


def _hints(
    names: Sequence[str] | None, facts: Sequence[ColumnFacts], columns: Sequence[int], few: Sequence[int]
) -> tuple[dict[int, float], list[int]]:
    """How much the name of each column speaks for labels; and those that others than who is asked have filled in.

    Args:
        names: of all columns.
        facts: of all columns.
        columns: that may be meant.
        few: those of them whose few values come again.
    """
    if not names:
        return dict.fromkeys(columns, 0.0), []
    hints = {c: label_hint(names[c]) for c in columns}
    hints |= {c: 0.0 for c in columns if names_remark(names[c]) and not facts[c].have_digits}
    gold = [c for c in few if names_gold(names[c])]
    raters = [c for c in columns if names_rater(names[c]) and facts[c].is_few]
    raters = raters if len(raters) > 1 else []  # one alone may hold their names
    guessed = [c for c in columns if names_guessed(names[c], beside_gold=bool(gold)) and facts[c].is_few]
    if gold or any(hints[c] for c in few if c not in raters):
        guessed += [c for c in raters if c not in guessed]
    else:
        hints |= {c: max(hints[c], WITHIN) for c in raters}
    return hints | {c: max(hints[c], LAST) for c in gold if guessed}, guessed


def _last_resort(table: Table, facts: Sequence[ColumnFacts]) -> int | None:
    """The only column that can be the label, though nothing speaks for it."""
    named = _against_its_name(table, facts)
    named = _of_many_classes(table, facts) if named is None else named
    return _quantities(table, facts) if named is None else named


def _of_many_classes(table: Table, facts: Sequence[ColumnFacts]) -> int | None:
    """The only column whose short values come three times on average and more, as those of many classes do."""
    taken = {*table.text_columns, *passed_over(table)}
    free = [c for c in range(len(facts)) if c not in taken and not (table.header and speaks_against(table.header[c]))]
    many = [c for c in free if facts[c].filled >= FEWEST_TIMES * len(facts[c].counts) > FEWEST_TIMES]
    many = [c for c in many if facts[c].is_text and facts[c].mean_chars <= MAX_LABEL_CHARS / 2]
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
    columns = [c for c in columns if not (table.header and names_id(table.header[c]))]
    return columns[0] if len(columns) == 1 else None


def _are_scores(names: Sequence[str] | None, column: int, facts: ColumnFacts) -> bool:
    """Whether numbers are grades by the name of their column, though most are different."""
    return names is not None and names_grades(names[column]) and facts.are_quantities


def _say_others(table: Table, facts: Sequence[ColumnFacts], found: int, others: list[int]) -> None:
    if others:
        say(
            table,
            f"{table.name}: the label is taken from {column_name(table.header, found)}, and could also be in "
            f"{candidates(table.header, facts, others)}: --label-column {flag_value(table.header, others[0])}",
        )
