"""Pairs to learn from, to choose by and to measure on; a source is in one part only, with all of its targets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from textrnn.base.errors import DataError
from textrnn.translator.pairs import Pairs

FEW_SOURCES = 10  # below this nothing is held out
VALID_SHARE, MOST_VALID = 0.05, 2_000  # of the pairs that are not measured on, to choose the best weights by


def source_key(text: str) -> str:
    """What makes two sources the same: all but case and white space.

    Example:
        >>> source_key("Go  On") == source_key("go on")
        True
    """
    return " ".join(text.casefold().split())


def selected(pairs: Pairs, *, max_words: int | None, max_pairs: int | None, rng: np.random.Generator) -> Pairs:
    """Only pairs of short texts, and only some of them.

    Raises:
        DataError: none is left.

    Example:
        >>> selected(Pairs(["a b", "c"], ["d", "e"]), max_words=1, max_pairs=None, rng=np.random.default_rng(1)).sources
        ['c']
    """
    rows = np.arange(len(pairs))
    if max_words is not None:
        counts = [max(len(a.split()), len(b.split())) for a, b in zip(pairs.sources, pairs.targets, strict=True)]
        rows = rows[np.array(counts) <= max_words]
        if not len(rows):
            raise DataError(
                f"each of the {len(pairs):,} pairs has more than {max_words} words on a side: use a larger --max-words"
            )
    if max_pairs is not None and max_pairs < len(rows):
        rows = np.sort(rng.permutation(rows)[:max_pairs])
    return pairs.some(rows)


def split(
    pairs: Pairs, *, share: float, max_rows: int, test: Pairs | None, rng: np.random.Generator
) -> tuple[dict[str, Pairs], str]:
    """Splits pairs by their sources.

    Args:
        pairs: of a file.
        share: of the pairs, to be measured on.
        max_rows: most pairs to be measured on.
        test: measured on instead; pairs with one of its sources are left out of the others.
        rng: decides which.

    Returns:
        pairs by `train`, `valid` and `test`, and in words what is measured on.

    Raises:
        DataError: there are too few sources to learn anything.

    Example:
        >>> pairs = Pairs([*"abcdefghijkl", "A"], [*"nopqrstuvwxy", "z"])
        >>> parts, words = split(pairs, share=0.2, max_rows=9, test=None, rng=np.random.default_rng(0))
        >>> {name: len(part) for name, part in parts.items()}, words
        ({'train': 9, 'valid': 1, 'test': 3}, 'held-out pairs')
    """
    keys = list(map(source_key, pairs.sources))
    distinct = list(dict.fromkeys(keys))
    if len(distinct) == 1 and len(pairs) > 1:
        raise DataError(
            f"all {len(pairs):,} pairs have the same source {pairs.sources[0]!r:.60}: there is nothing to tell apart"
        )
    taken = set(map(source_key, test.sources)) if test is not None else set[str]()
    if test is None and len(distinct) < FEW_SOURCES:
        return dict(train=pairs, valid=pairs, test=pairs), "the pairs that it learnt from, as they are too few"
    rows = _by_group(keys, distinct, rng)
    if test is None:
        quota = max(1, min(max_rows, round(share * len(pairs))))
        taken = _first_groups(rows, quota)
        test = pairs.some([row for row, key in enumerate(keys) if key in taken])
        words = "held-out pairs"
    else:
        words = "the pairs of --test"
    rest = {key: own for key, own in rows.items() if key not in taken}
    if len(rest) < 2:
        raise DataError(
            f"{len(rest)} source{'s' * (len(rest) != 1)} to learn from beside those of --test: expected more"
        )
    num_left = sum(map(len, rest.values()))
    chosen = _first_groups(rest, max(1, min(MOST_VALID, round(VALID_SHARE * num_left))))
    valid = [row for row, key in enumerate(keys) if key in chosen]
    train = [row for row, key in enumerate(keys) if key in rest and key not in chosen]
    return dict(train=pairs.some(train), valid=pairs.some(valid), test=test), words


def _by_group(keys: Sequence[str], distinct: Sequence[str], rng: np.random.Generator) -> dict[str, list[int]]:
    """The rows of each key, keys in random order."""
    found: dict[str, list[int]] = {distinct[number]: [] for number in rng.permutation(len(distinct))}
    for row, key in enumerate(keys):
        found[key].append(row)
    return found


def _first_groups(rows: dict[str, list[int]], quota: int) -> set[str]:
    """Keys, the first ones but never all, whose rows are no more than a quota; at least one."""
    chosen, count = set[str](), 0
    for key, own in list(rows.items())[:-1]:
        if chosen and count + len(own) > quota:
            continue
        chosen.add(key)
        count += len(own)
        if count >= quota:
            break
    return chosen


def by_source(pairs: Pairs) -> tuple[list[str], list[list[str]]]:
    """The distinct sources, and all targets of each.

    Example:
        >>> by_source(Pairs(["Run!", "Hi.", "Run!"], ["Cours !", "Salut !", "Courez !"]))
        (['Run!', 'Hi.'], [['Cours !', 'Courez !'], ['Salut !']])
    """
    found: dict[str, list[str]] = {}
    for source, target in zip(pairs.sources, pairs.targets, strict=True):
        found.setdefault(source, []).append(target)
    return list(found), list(found.values())
