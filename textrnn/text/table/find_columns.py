"""The columns of labels, by their names and cells, where the user has not named them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

from textrnn.base.errors import DataError
from textrnn.text.table.column_facts import MIN_ROWS_TO_JUDGE, ColumnFacts, column_facts
from textrnn.text.table.column_names import (
    EXACT,
    LAST,
    TARGET,
    WITHIN,
    alike_but_for_numbers,
    label_hint,
    names_amount,
    names_aside,
    names_aspect,
    names_gold,
    names_grades,
    names_guessed,
    names_rater,
    names_remark,
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
from textrnn.text.table.find_several import find_flags, numbered_columns, say_others
from textrnn.text.table.find_text import added_columns, passed_over, say
from textrnn.text.table.last_resort import last_resort
from textrnn.text.table.origin import titled
from textrnn.text.table.predictable import LEAD, MOST_ROWS, SURE, feature_matrix, predictability
from textrnn.text.table.rows import ROW, Table

MAX_FACT_ROWS = 2_000
SENTENCE = 8  # characters of a cell on average, from which it is more than a name


def find_labels(table: Table, facts: Sequence[ColumnFacts], needs_label: bool | None) -> list[int]:
    """The columns of the labels: one, or several of yes and no; see `choose_columns`."""
    if table.header and (flags := find_flags(table, table.header, facts)):
        return flags
    found, others = _find_label(table, facts, needs_label)
    if found is None:
        return []
    columns = numbered_columns(table, facts, found)
    say_others(table, facts, found, [column for column in others if column not in columns])
    if len(columns) > 1:
        names, flag = list_some(table.header, columns), flag_value(table.header, found)
        say(
            table,
            f"{table.name}: columns {names} hold several labels a row; --label-column {flag} takes that one alone",
        )
    return columns


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
            found, others = _by_facts(table, facts, may_guess=False)
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
    last = last_resort(table, facts) if found is None and needs_label else None
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
    few += [c for c in guessed if c not in few]
    if found := _by_hints(names, facts, hints, few):
        return found[0], _others_than(found, names, facts, hints, few, guessed)
    measured = [c for c in columns if names and _may_be_asked(names[c], facts[c])]
    if not names and (flag := _only_flag(facts, few)) is not None:
        return flag, [c for c in few if c != flag]
    words = _of_words(names, facts, few, guessed)
    told = _told_by_texts(table, [c for c in few if c not in guessed]) if may_guess and len(few) > 1 else {}
    has_opinions = bool(words) and facts[words[0]].has_opinions
    if (best := _surest(told, names)) is not None and not has_opinions:
        words = [best]
    are_weak = bool(told) and max(told.values()) <= LEAD and not has_opinions
    amount = _only_amount(names, facts, columns, few) if are_weak else None
    if amount is not None:
        return amount, [c for c in [*few, *measured] if c != amount]
    if len(few) > 1 and words and (may_guess or len(words) == 1):
        others = {*few, *measured} - {words[0]}
        return words[0], sorted(others, key=lambda c: (-told.get(c, 0.0), len(facts[c].counts)))
    if len(few) > 1:
        several = candidates(names, facts, few)
        raise DataError(
            f"{table.label} has several columns that may hold the label: {several}; name one with --label-column"
        )
    return (few[0], measured) if few else (None, [])


def _by_hints(
    names: Sequence[str] | None, facts: Sequence[ColumnFacts], hints: Mapping[int, float], few: Sequence[int]
) -> list[int]:
    """The columns that their names make those of labels, the surest first.

    A grade is seldom meant where there is another label, and one label a row more often than several.
    """
    hinted = [c for c, hint in hints.items() if hint and _may_be_named(names, c, facts[c])]
    found = [c for c in hinted if len(facts[c].counts) > 1] or ([] if few else hinted)
    return sorted(found, key=lambda c: (bool(names and names_grades(names[c])) - hints[c], facts[c].is_several))


def _may_be_named(names: Sequence[str] | None, column: int, facts: ColumnFacts) -> bool:
    """Whether the cells of a column can be what its name says, labels."""
    return facts.is_measured or facts.is_several or not never_label(facts) or _are_scores(names, column, facts)


def _others_than(
    found: Sequence[int],
    names: Sequence[str] | None,
    facts: Sequence[ColumnFacts],
    hints: Mapping[int, float],
    few: Sequence[int],
    guessed: Sequence[int],
) -> list[int]:
    """The columns that could be meant beside the one that was found by its name."""
    is_known = hints[found[0]] in (EXACT, TARGET, LAST)  # not a grade, and more than a word within the name
    is_sure = is_known and facts[found[0]].is_mostly_filled
    also = [c for c in few if c in guessed or (names and names_aspect(names[c]))] if is_sure else few
    return [*found[1:], *(c for c in also if c not in found)]


def _of_words(
    names: Sequence[str] | None, facts: Sequence[ColumnFacts], few: Sequence[int], guessed: Sequence[int]
) -> list[int]:
    """Columns of a few values of which none is named like labels, what is rather the label first.

    Numbers count something more often than they are classes.
    """
    words = [c for c in few if facts[c].numbers < 0.5]
    aside = [c for c in few if names and names_aside(names[c])]
    if len(only := [c for c in few if c not in aside]) == 1:
        words = only

    def rank(c: int) -> tuple[bool, bool, bool, int, int]:
        is_aspect = bool(names and names_aspect(names[c]))
        return c in guessed or c in aside, not facts[c].has_opinions, not is_aspect, len(facts[c].counts), -c

    words = sorted(words, key=rank)
    if names and words and not facts[words[0]].has_opinions:  # of `topic1` and `topic2` the first
        first = min(c for c in words if c == words[0] or alike_but_for_numbers(names[c], names[words[0]]))
        words = [first, *(c for c in words if c != first)]
    return words


def _may_be_asked(name: str, facts: ColumnFacts) -> bool:
    """Whether numbers that hardly come twice may be what is asked for: amounts by their name, or with decimals."""
    if names_amount(name):
        return facts.are_quantities and not facts.is_few
    return facts.is_measured and not speaks_against(name)


def _only_amount(
    names: Sequence[str] | None, facts: Sequence[ColumnFacts], columns: Sequence[int], few: Sequence[int]
) -> int | None:
    """The only column of amounts, if hardly one comes twice, and texts are sorted by nothing else by its name."""
    amounts = [c for c in columns if names and names_amount(names[c]) and facts[c].are_quantities]
    is_sorted = any(names_aspect(names[c]) for c in few) if names else True
    return amounts[0] if len(amounts) == 1 and amounts[0] not in few and not is_sorted else None


def _told_by_texts(table: Table, columns: Sequence[int]) -> dict[int, float]:
    """How well the texts of the sample tell what stands in each of some columns, see `predictability`."""
    rows = [row for row in regular(table, table.sample) if len(row) > max(*columns, *table.text_columns)][:MOST_ROWS]
    matrix = feature_matrix([" ".join(row[column] for column in table.text_columns) for row in rows])
    return {c: predictability(matrix, [row[c].strip() for row in rows]) for c in columns}


def _surest(told: Mapping[int, float], names: Sequence[str] | None) -> int | None:
    """The column that texts tell far better than the others, but for those of whom and where they are from."""
    order = sorted((c for c in told if not (names and names_aside(names[c]))), key=lambda c: -told[c])
    values = [told[c] for c in order[:2]] + [0.0, 0.0]
    return order[0] if order and values[0] > SURE and values[0] - values[1] > LEAD else None


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


def _are_scores(names: Sequence[str] | None, column: int, facts: ColumnFacts) -> bool:
    """Whether numbers are grades by the name of their column, though most are different."""
    return names is not None and names_grades(names[column]) and facts.are_quantities
