"""Which rows are held out: each class in its share, and a text never on both sides, however often it occurs."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from textrnn.base.errors import ConfigError, DataError


def folded(text: str) -> str:
    """A text as it counts for "the same text": without case, any white space as one space.

    Example:
        >>> folded(" Very  GOOD\\n") == folded("very good")
        True
    """
    return " ".join(text.casefold().split())


class GroupedTexts(list[str]):
    """Texts of rows that belong together in groups: of each group, all rows are on one side of a split.

    A text that several groups have is not learnt from where it is held out in one of them.

    Attributes:
        groups: the name of each row's group; None for a row that belongs to no other.
    """

    def __init__(self, texts: Iterable[str], groups: Sequence[str | None]) -> None:
        super().__init__(texts)
        if len(groups) != len(self):
            raise DataError(f"{len(self)} texts and {len(groups)} groups do not fit: expected a group for each text")
        self.groups = groups


def some_texts(texts: Sequence[str], rows: np.ndarray) -> list[str]:
    """Some of the texts, int[any] by their places, with their groups if they have any."""
    chosen = rows.tolist()
    found = [texts[row] for row in chosen]
    return GroupedTexts(found, [texts.groups[row] for row in chosen]) if isinstance(texts, GroupedTexts) else found


def texts_like(texts: Sequence[str], changed: Iterable[str]) -> list[str]:
    """The same rows with other texts, in the same groups if they have any."""
    return GroupedTexts(changed, texts.groups) if isinstance(texts, GroupedTexts) else list(changed)


def text_numbers(texts: Sequence[str]) -> np.ndarray:
    """Numbers the distinct texts in order: int64[rows], the same number for texts that are the same (see `folded`).

    Example:
        >>> text_numbers(["Good", "bad", "good "]).tolist()
        [0, 1, 0]
    """
    return _numbered(map(folded, texts))


def group_numbers(texts: Sequence[str]) -> np.ndarray:
    """Numbers what has to stay together in order: int64[rows], see `text_numbers`.

    Of `GroupedTexts` the rows of a group have the same number; a row without a group counts by its text.

    Example:
        >>> group_numbers(GroupedTexts(["Good", "bad", "good ", "fine"], ["ann", "ann", "bob", None])).tolist()
        [0, 0, 1, 2]
    """
    if not isinstance(texts, GroupedTexts):
        return text_numbers(texts)
    pairs = zip(texts, texts.groups, strict=True)
    return _numbered((None, folded(text)) if group is None else group for text, group in pairs)


def _without_held(texts: Sequence[str], learnt: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The rows to learn from without those whose text is held out, which several groups can have."""
    if not isinstance(texts, GroupedTexts):
        return learnt
    numbers = text_numbers(texts)
    return learnt[~np.isin(numbers[learnt], numbers[held])]


def _numbered(values: Iterable[Hashable]) -> np.ndarray:
    """The number of each value, int64[values]: 0 for the first one, and for others how many were new before it."""
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values], np.int64)


def hold_out(
    texts: Sequence[str],
    labels: np.ndarray,
    share: float,
    rng: np.random.Generator,
    *,
    max_rows: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Splits rows into some to learn from and some to judge by.

    Each class gives its share of rows; a class with two distinct texts or more is on both sides, one with a single
    text is learnt from. A text that occurs more often, in whatever class, goes to one side with all of its rows, and so
    does a group of `GroupedTexts`.

    Args:
        texts: one for each row.
        labels: int[rows], the class of each.
        share: of the rows that are held out, between 0 and 1.
        rng: decides which; the same seed and rows give the same split.
        max_rows: hold out no more than this; the rarest classes may then be on one side only.

    Returns:
        the numbers of the rows to learn from and of those held out, each int64 and ascending.

    Raises:
        ConfigError: the share is not between 0 and 1.
        DataError: no class has two distinct texts.

    Reference:
        R. Kohavi, 1995, A study of cross-validation and bootstrap for accuracy estimation and model selection.

    Example:
        >>> texts = ["good", "great", "fine", "Good", "bad", "poor"]
        >>> train, held = hold_out(texts, np.array([0, 0, 0, 0, 1, 1]), 0.5, np.random.default_rng(1))
        >>> train.tolist(), held.tolist()
        ([1, 2, 4], [0, 3, 5])
    """
    if not 0 < share < 1:
        raise ConfigError(f"a share of {share:g} of the rows is to be held out: expected a number between 0 and 1")
    if max_rows is not None and max_rows < 1:
        raise ConfigError(f"at most {max_rows} rows are to be held out: expected at least 1")
    labels = np.asarray(labels)
    groups = _group(texts, labels)
    is_held = np.zeros(len(groups.sizes), bool)
    is_held[_chosen(groups, share, len(texts) if max_rows is None else max_rows, rng)] = True
    side = is_held[groups.numbers]
    # A group can hold all rows of a class that it does not stand for: then it is learnt from.
    while side.any() and (unknown := np.setdiff1d(labels[side], labels[~side])).size:
        is_held[groups.numbers[side & np.isin(labels, unknown)]] = False
        side = is_held[groups.numbers]
    if not side.any():
        raise DataError(
            f"{len(groups.sizes):,} distinct texts in {len(texts):,} rows: no row can be held out to judge by; "
            "expected a class with two different texts, rare enough to be held out; or measure on a table, with --test"
        )
    held = np.flatnonzero(side)
    return _without_held(texts, np.flatnonzero(~side), held), held


def folds(
    texts: Sequence[str], labels: np.ndarray, num_folds: int, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Splits rows for cross-validation: each row is held out once, with all others of the same text.

    Args:
        texts: one for each row.
        labels: int[rows], the class of each; its rows are spread evenly over the folds.
        num_folds: how many, at least 2; of `GroupedTexts` no more than there are groups.
        rng: decides which; the same seed and rows give the same folds.

    Returns:
        for each fold the numbers of the rows to learn from and of those held out, each int64 and ascending. A class
        with two distinct texts or more is among those to learn from in every fold.

    Raises:
        ConfigError: fewer than 2 folds.
        DataError: fewer distinct texts than folds.

    Reference:
        R. Kohavi, 1995, A study of cross-validation and bootstrap for accuracy estimation and model selection.

    Example:
        >>> pairs = folds(["a", "b", "c", "A"], np.array([0, 0, 1, 0]), 2, np.random.default_rng(1))
        >>> [(train.tolist(), held.tolist()) for train, held in pairs]
        [([1, 2], [0, 3]), ([0, 3], [1, 2])]
    """
    if num_folds < 2:
        raise ConfigError(f"{num_folds} folds: expected at least 2")
    groups = _group(texts, labels)
    if isinstance(texts, GroupedTexts) and len(groups.sizes) > 1:
        num_folds = min(num_folds, len(groups.sizes))
    if len(groups.sizes) < num_folds:
        number = len(groups.sizes)
        raise DataError(
            f"{number:,} distinct text{'s' * (number != 1)} cannot be cut into {num_folds} folds: expected one for each"
        )
    fold_of, total = np.zeros(len(groups.sizes), np.int64), [0] * num_folds
    for members in _shuffled_by_class(groups, rng):
        of_class = [0] * num_folds
        # Texts with many rows first: single ones then even out what is left.
        for group in members[np.argsort(-groups.sizes[members], kind="stable")].tolist():
            fold = min(range(num_folds), key=lambda k: (of_class[k], total[k], k))
            size = int(groups.sizes[group])
            fold_of[group] = fold
            of_class[fold] += size
            total[fold] += size
    of_row = fold_of[groups.numbers]
    pairs = [(np.flatnonzero(of_row != k), np.flatnonzero(of_row == k)) for k in range(num_folds)]
    return [(_without_held(texts, learnt, held), held) for learnt, held in pairs]


@dataclass(frozen=True)
class _Groups:
    """Rows by their text: the group of each row, and of each group the rows it has and the class it stands for."""

    numbers: np.ndarray  # int64[rows]
    sizes: np.ndarray  # int64[groups]
    classes: np.ndarray  # int64[groups]


def _group(texts: Sequence[str], labels: np.ndarray) -> _Groups:
    labels = np.asarray(labels, np.int64)
    if len(texts) != len(labels) or not len(labels):
        raise DataError(f"{len(texts)} texts and {len(labels)} labels cannot be split: expected rows, a label for each")
    numbers = group_numbers(texts)
    # A text with several labels stands for the rarest of them: that class can spare it least.
    rarity = np.bincount(labels)[labels]
    order = np.lexsort((-labels, -rarity, numbers))
    classes = np.empty(int(numbers.max()) + 1, np.int64)
    classes[numbers[order]] = labels[order]  # the last one of each number stays
    return _Groups(numbers, np.bincount(numbers), classes)


def _shuffled_by_class(groups: _Groups, rng: np.random.Generator) -> list[np.ndarray]:
    """The groups of each class that has any, in random order."""
    shuffled = rng.permutation(len(groups.sizes))
    ordered = shuffled[np.argsort(groups.classes[shuffled], kind="stable")]
    return np.split(ordered, np.flatnonzero(np.diff(groups.classes[ordered])) + 1)


def _chosen(groups: _Groups, share: float, max_rows: int, rng: np.random.Generator) -> list[int]:
    """The groups to hold out."""
    by_class = [members for members in _shuffled_by_class(groups, rng) if len(members) > 1]
    if not by_class:
        return []
    rows = np.array([groups.sizes[members].sum() for members in by_class], np.int64)
    quotas = _quotas(rows, share, max_rows)
    taken = [_fitting(members, groups.sizes, quota) for members, quota in zip(by_class, quotas, strict=True)]
    num_taken = sum(int(groups.sizes[some].sum()) for some in taken)
    for number, members in enumerate(by_class):
        smallest = int(members[groups.sizes[members].argmin()])
        # Each text of the class has more rows than its share: one is held out all the same, if there is room.
        if quotas[number] and not taken[number] and num_taken + groups.sizes[smallest] <= max_rows:
            taken[number] = [smallest]
            num_taken += int(groups.sizes[smallest])
    return [group for some in taken for group in some]


def _quotas(rows: np.ndarray, share: float, max_rows: int) -> list[int]:
    """Rows to hold out of each class: its share, rounded so that the sum is right, and 1 at least.

    Args:
        rows: int64[classes].
        share: of all rows.
        max_rows: no more than this in all; with fewer than one for each class, the largest classes come first.
    """
    exact = rows * min(share, max_rows / int(rows.sum()))
    quotas = np.maximum(np.floor(exact).astype(np.int64), 1)
    missing = max(0, round(float(exact.sum())) - int(quotas.sum()))
    quotas[np.argsort(quotas - exact, kind="stable")[:missing]] += 1
    while quotas.sum() > max_rows and quotas.max() > 1:
        quotas[quotas.argmax()] -= 1
    if (excess := int(quotas.sum()) - max_rows) > 0:
        quotas[np.argsort(rows, kind="stable")[:excess]] = 0
    return [int(quota) for quota in quotas]


def _fitting(members: np.ndarray, sizes: np.ndarray, quota: int) -> list[int]:
    """Groups of a class, in their random order, of as many rows as the quota allows; one is always left over."""
    taken: list[int] = []
    for group in members.tolist():
        if quota < 1 or len(taken) == len(members) - 1:
            break
        if sizes[group] <= quota:
            taken.append(group)
            quota -= int(sizes[group])
    return taken
