"""The n-grams of a text, sorted, order by order, with bounded memory.

An n-gram is numbered within its order: by the number of its first n - 1 tokens, its context, and by its last token.
So numbers of any order are below the length of the text, whatever the vocabulary, and a context's n-grams stand side
by side. Each order is the one before it, sorted further.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from textrnn.text.corpus import smallest_dtype
from textrnn.text.counts.scratch import Column

PIECE = 1 << 16  # places that are sorted at once, unless one n-gram has more
FIRST, ALONE = 1, 2  # flags of a place, see `next_level`
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Text:
    """What is counted.

    Attributes:
        ids: int[num_tokens].
        vocab: tokens are below it.
        num_blocks: contiguous blocks of equal length that are left out, each once.
        check: is called now and then while it is counted, and may raise to end that.
    """

    ids: np.ndarray
    vocab: int
    num_blocks: int
    check: Callable[[], None] = lambda: None

    @property
    def block_size(self) -> int:
        """Tokens of a block; the last one may have fewer."""
        return -(-len(self.ids) // self.num_blocks)


class Span(NamedTuple):
    """Neighbouring contexts with all their n-grams, as ranges."""

    places: tuple[int, int]
    grams: tuple[int, int]
    contexts: tuple[int, int]


class Level:
    """The n-grams of one order, on disk.

    Attributes:
        places: where an n-gram ends, by n-gram and then rising; int32.
        sizes: how often each n-gram stands in the text; uint32.
        tokens: its last token.
        children: different tokens that follow each context, an (n-1)-gram; uint32.
        spans: into which it is divided.
    """

    def __init__(self, folder: Path, order: int, vocab: int) -> None:
        self.order = order
        self.places = Column(folder / f"places{order}", np.int32)
        self.sizes = Column(folder / f"sizes{order}", np.uint32)
        self.tokens = Column(folder / f"tokens{order}", smallest_dtype(vocab))
        self.children = Column(folder / f"children{order}", np.uint32)
        self.spans: list[Span] = []

    def add(self, found: Sorted) -> None:
        """Appends what was sorted last."""
        begin = self.places.size, self.sizes.size, self.children.size
        self.places.append(found.places)
        self.sizes.append(found.sizes)
        self.tokens.append(found.tokens)
        self.children.append(found.children)
        end = self.places.size, self.sizes.size, self.children.size
        self.spans.append(Span(*zip(begin, end, strict=True)))

    def remove_places(self) -> None:
        """Removes what is needed for counting only."""
        self.places.remove()
        self.sizes.remove()


class Sorted(NamedTuple):
    """A span of n-grams, as in `Level`; `alone`, bool[ngrams]: whether all places of an n-gram are in one block."""

    places: np.ndarray
    sizes: np.ndarray
    tokens: np.ndarray
    children: np.ndarray
    alone: np.ndarray


def in_order(function: Callable[[Item], Result], items: Iterable[Item], num_threads: int = 2) -> Iterator[Result]:
    """What a function gives for each item, computed in threads a few items ahead."""
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(num_threads) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > num_threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def cuts(sizes: np.ndarray, limit: int) -> list[tuple[int, int]]:
    """Ranges of groups that have at most `limit` members together, or are one group.

    Example:
        >>> cuts(np.array([2, 1, 9, 1, 1]), 3)
        [(0, 2), (2, 3), (3, 5)]
    """
    ends = np.cumsum(sizes, dtype=np.int64)
    ranges, begin, done = [], 0, 0
    while begin < len(ends):
        end = max(begin + 1, int(np.searchsorted(ends, done + limit, "right")))
        ranges.append((begin, end))
        begin, done = end, int(ends[end - 1])
    return ranges


def sort_places(text: Text, places: np.ndarray, context: np.ndarray, num_contexts: int) -> Sorted:
    """Sorts places by the number of the context before them and by their token.

    Args:
        text: that is counted.
        places: int[any], by context, rising within each.
        context: int[any], the number of each, below `num_contexts`.
        num_contexts: how many there are.
    """
    place_bits, token_bits = len(places).bit_length(), text.vocab.bit_length()
    key = (context.astype(np.int64) << token_bits) | text.ids[places]
    key <<= place_bits
    key |= np.arange(len(places), dtype=np.int32)
    key.sort()  # the place within the key keeps equal ones in order, and is much faster than a stable argsort
    places = places[key & ((1 << place_bits) - 1)]
    key >>= place_bits
    begins = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])[: len(key)])
    grams = key[begins]
    ends = np.append(begins, len(places))[1:]
    block = text.block_size
    return Sorted(
        places,
        (ends - begins).astype(np.uint32),
        grams & ((1 << token_bits) - 1),
        np.bincount(grams >> token_bits, minlength=num_contexts),
        places[begins] // block == places[ends - 1] // block,
    )


def first_level(text: Text, folder: Path) -> Level:
    """The single tokens of a text, by counting them and then putting each place where it belongs."""
    pieces = [slice(begin, begin + PIECE) for begin in range(0, len(text.ids), PIECE)]
    sizes = np.zeros(text.vocab, np.int64)
    for piece in pieces:
        sizes += np.bincount(text.ids[piece], minlength=text.vocab)
    ends = np.cumsum(sizes) - sizes
    places = np.empty(len(text.ids), np.int32)
    for piece in pieces:
        tokens = text.ids[piece]
        order = np.argsort(tokens, kind="stable")
        num = np.bincount(tokens, minlength=text.vocab)
        places[np.repeat(ends - (np.cumsum(num) - num), num) + np.arange(len(order))] = order + piece.start
        ends += num
    level, tokens = Level(folder, 1, text.vocab), np.flatnonzero(sizes)
    alone = np.zeros(len(tokens), bool)  # is asked of higher orders only
    level.add(Sorted(places, sizes[tokens].astype(np.uint32), tokens, np.array([len(tokens)]), alone))
    return level


def next_level(text: Text, level: Level, folder: Path, flags: np.ndarray) -> Level:
    """The n-grams of the order above, and from them the flags that the continuation counts of `level` are made of.

    Args:
        text: that is counted.
        level: the order before.
        folder: for scratch files.
        flags: uint8[num_tokens], overwritten. At each place an n-gram of `level` ends, and with the token before it an
            n-gram of the order above. `FIRST`: the latter is here for the first time, so that the places with this flag
            are as many as the different tokens before the former; the text's beginning counts as one of them. `ALONE`,
            beside `FIRST` only: the latter occurs in this block only.
    """
    flags[:] = 0
    flags[level.order - 1 : level.order] = FIRST | ALONE
    above = Level(folder, level.order + 1, text.vocab)
    sizes = level.sizes.read()
    ends = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])

    def refine(grams: tuple[int, int]) -> Sorted:
        begin, end = grams
        places = level.places.read(int(ends[begin]), int(ends[end])) + 1
        context = np.repeat(np.arange(end - begin, dtype=np.int32), sizes[begin:end])
        goes_on = places < len(text.ids)
        return sort_places(text, places[goes_on], context[goes_on], end - begin)

    for found in in_order(refine, cuts(sizes, PIECE)):
        text.check()
        begins = np.cumsum(found.sizes, dtype=np.int64) - found.sizes
        flags[found.places[begins]] = FIRST + ALONE * found.alone.astype(np.uint8)
        above.add(found)
    return above
