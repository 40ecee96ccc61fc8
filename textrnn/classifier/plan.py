"""The plan of an evaluation: which rows are learnt from, and which the models are measured on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from textrnn.base.errors import DataError
from textrnn.classifier.data import Rows, check_learnable
from textrnn.classifier.kinds import Classes, Several
from textrnn.classifier.label_kind import LabelKind
from textrnn.classifier.labels import listed
from textrnn.classifier.sides import SideColumns, given_sides
from textrnn.classifier.splits import GroupedTexts, folds, group_numbers, hold_out, text_numbers

MIN_GROUPS = 2  # of texts that something can be learnt from: one is held out from the other to choose by
TEST_SHARE, MOST_TEST_ROWS = 0.2, 2_000
FEW_ROWS, FOLDS_OF_FEW = 100, 5  # so few rows are each held out once, as a fifth of them would tell nothing


@dataclass(frozen=True)
class EvaluationPlan:
    """Which rows are learnt from, and which the models are evaluated on.

    Attributes:
        parts: for each fit the rows to learn from and those to evaluate on.
        source: what the latter are rows of, in words.
        every: all rows, to learn from once more at the end; None if the fit that was evaluated is kept.
        sides: the columns that decided which rows are held out, and what was done, for `run.json`.
        is_one_table: whether the rows to evaluate on are of the table that is learnt from.
    """

    parts: list[tuple[Rows, Rows]]
    source: str
    every: Rows | None = None
    sides: dict[str, str] = field(default_factory=dict)
    is_one_table: bool = True

    @property
    def num_fits(self) -> int:
        """How many times something is learnt."""
        return len(self.learnt)

    @property
    def learnt(self) -> list[Rows]:
        """The rows that each fit learns from."""
        return [rows for rows, _ in self.parts] + ([] if self.every is None else [self.every])

    def in_words(self, num_parts: int) -> str:
        """The rows that were evaluated on, in words, when this was done for so many parts."""
        if self.every is None:
            return self.source
        if num_parts < len(self.parts):
            return f"{self.source}, held out in {num_parts} of {len(self.parts)} folds,"
        return f"{self.source}, each held out once in {num_parts} folds,"


def plan_of(
    rows: Rows,
    kind: LabelKind,
    name: str,
    *,
    num_folds: int | None,
    sides: SideColumns,
    random_seed: int,
    say: Callable[[str], None],
) -> EvaluationPlan:
    """The plan for the rows of one table: by folds, by a column, or a fifth of the rows.

    Args:
        rows: all of them.
        kind: of their labels.
        name: of the table.
        num_folds: of a cross-validation that was asked for; None for one of few rows alone.
        sides: columns that decide.
        random_seed: decides what these leave open.
        say: is called with a line about what was done.

    Raises:
        DataError: rows cannot be split so.
    """
    check_groups(rows, sides, "has")
    if num_folds is None and sides.split is None and len(rows.texts) <= FEW_ROWS:
        num_folds = min(FOLDS_OF_FEW, len(set(group_numbers(rows.texts).tolist())))
        say(
            f"{len(rows.texts)} labelled rows are few: each is measured once, in {num_folds} folds; --folds or --test "
            "decides otherwise"
        )
    if sides.split is not None:
        plan = by_column(rows, name, kind, sides)
    elif num_folds is not None:
        plan = cross_validation(rows, name, kind, num_folds, random_seed)
    else:
        plan = held_out(rows, name, kind, random_seed)
    for learnt in plan.learnt:
        check_groups(learnt, sides, "leaves")
    plan = replace(plan, sides=_told(plan, sides))
    if "words" in plan.sides:
        say(f"{name}: {plan.sides['words']}")
    return plan


def _told(plan: EvaluationPlan, sides: SideColumns) -> dict[str, str]:
    """The columns that decided, and what was done; nothing if there were none."""
    found = {f"{flag}_column": name for flag in ("group", "split") if (name := getattr(sides, flag)) is not None}
    words = [plan.sides["words"]] if "words" in plan.sides else []
    learnt, held = plan.parts[0]
    if isinstance(learnt.texts, GroupedTexts) and isinstance(held.texts, GroupedTexts):
        if plan.every is None:
            words.append(
                f"by {sides.group!r:.60}: {_grouped(learnt)} are learnt from, {_grouped(held)} are measured on, and no "
                "group is in both"
            )
        else:
            words.append(f"by {sides.group!r:.60}: {_grouped(plan.every)} are in {len(plan.parts)} folds, each in one")
    return {**found, "words": "; ".join(words)} if found else {}


def _grouped(rows: Rows) -> str:
    """How many rows of how many groups, in words."""
    groups = rows.texts.groups if isinstance(rows.texts, GroupedTexts) else ()
    alone = sum(group is None for group in groups)
    number = len(set(groups) - {None})
    words = f"{len(groups):,} row{'s' * (len(groups) != 1)} of {number:,} group{'s' * (number != 1)}"
    return f"{words} and {alone:,} without one" if alone else words


def check_groups(rows: Rows, sides: SideColumns, verb: str) -> None:
    """Raises DataError where all rows to learn from belong together."""
    if isinstance(rows.texts, GroupedTexts) and len(set(group_numbers(rows.texts).tolist())) < MIN_GROUPS:
        names = [group for group in rows.texts.groups if group is not None]
        only = f"{names[0]!r:.60} in " if names else ""
        raise DataError(
            f"--group-column {sides.group!r:.60} {verb} a single group to learn from, {only}{len(rows.texts):,} "
            f"row{'s' * (len(rows.texts) != 1)}: expected at least {MIN_GROUPS} there, to hold one out and choose by it"
        )


def held_out(rows: Rows, name: str, kind: LabelKind, random_seed: int) -> EvaluationPlan:
    """Holds out a fifth of the rows; raises DataError if that cannot be."""
    rng = np.random.default_rng((random_seed, 0))
    learnt, held = hold_out(rows.texts, kind.strata(rows.labels), TEST_SHARE, rng, max_rows=MOST_TEST_ROWS)
    return EvaluationPlan([(rows.some(learnt), rows.some(held))], f"{name} that were held out")


def cross_validation(rows: Rows, name: str, kind: LabelKind, num_folds: int, random_seed: int) -> EvaluationPlan:
    """Holds out each row once; raises DataError if there are too few texts."""
    pairs = folds(rows.texts, kind.strata(rows.labels), num_folds, np.random.default_rng((random_seed, 0)))
    parts = [(rows.some(learnt), rows.some(held)) for learnt, held in pairs]
    if (fewest := min(len(set(group_numbers(learnt.texts).tolist())) for learnt, _ in parts)) < MIN_GROUPS:
        raise DataError(
            f"{name} has {fewest} distinct text{'s' * (fewest != 1)} outside of a fold: expected at least {MIN_GROUPS} "
            "to learn from; more rows help, or more --folds"
        )
    return EvaluationPlan(parts, name, every=rows)


def by_column(rows: Rows, name: str, kind: LabelKind, sides: SideColumns) -> EvaluationPlan:
    """Holds out the rows that a column names, or that come last by it; raises DataError if that cannot be."""
    found = given_sides(rows.parts or [], str(sides.split), TEST_SHARE, MOST_TEST_ROWS)
    learnt, words = apart(rows.some(found.learnt), rows.some(found.held), found.words)
    held = rows.some(found.held)
    check_learnable(learnt, kind, f"{name}, in the rows to learn from,")
    check_labels(learnt, held, kind, f"--split-column {sides.split!r:.60}")
    return EvaluationPlan([(learnt, held)], f"{name} {found.held_words}", sides=dict(words=words))


def apart(learnt: Rows, held: Rows, words: str) -> tuple[Rows, str]:
    """The rows to learn from without those of groups that are held out; and the words, with how many these are."""
    texts, tested = learnt.texts, held.texts
    if not isinstance(texts, GroupedTexts) or not isinstance(tested, GroupedTexts):
        numbers = text_numbers([*texts, *tested])
        again = int(np.isin(numbers[: len(texts)], numbers[len(texts) :]).sum())
        same = (
            f"{again:,} row{'s' * (again != 1)} to learn from {'have' if again != 1 else 'has'} the text of such a row"
        )
        return learnt, f"{words}; {same}" if again else words
    numbers = group_numbers(GroupedTexts([*texts, *tested], [*texts.groups, *tested.groups]))
    kept = np.flatnonzero(~np.isin(numbers[: len(texts)], numbers[len(texts) :]))
    left = len(texts) - len(kept)
    if not len(kept):
        raise DataError("each group of the rows to learn from is also measured on: no row can be learnt from")
    more = f"; {left:,} row{'s' * (left != 1)} left out, whose group is also measured on" if left else ""
    return learnt.some(kept), words + more


def check_labels(learnt: Rows, held: Rows, kind: LabelKind, flag: str) -> None:
    """Raises DataError if a label is only in the rows that are measured on."""
    if isinstance(kind, Several):
        unknown = np.flatnonzero(held.labels.any(0) & ~learnt.labels.any(0))
    elif isinstance(kind, Classes):
        unknown = np.setdiff1d(held.labels, learnt.labels)
    else:
        return
    if len(unknown):
        names = [kind.names[place] for place in unknown.tolist()]
        raise DataError(
            f"{flag} puts all rows with the label{'s' * (len(names) != 1)} {listed(names)} on the side that is "
            "measured on: expected each label among the rows that are learnt from, too"
        )
