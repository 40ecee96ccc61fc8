"""N-grams of a text, order by order: each longer one is found below the one that it begins with.

The rows of an order are sorted by the row of the prefix in the order before, and then by the last token, so that the
continuations of a context stand side by side. Numbers of rows stand for n-grams, so that keys stay small whatever the
order and the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

NONE = -1  # the row of what is not there
PIECE = 1 << 22  # tokens that are sorted at a time


@dataclass(frozen=True)
class Order:
    """The n-grams of one order.

    Attributes:
        offsets: int64[contexts + 1], where the continuations of each n-gram of the order before begin; of order 1 there
            is one context, the empty one.
        tokens: int32[rows], the last token of each.
        counts: int64[rows], how often each occurs.
        suffixes: int32[rows], the row of each without its first token, in the order before.
        first: int64[rows], the position of the last token where it occurs for the first time.
        last: int64[rows], and for the last time.
        ends: int32[tokens], the row of the n-gram that ends at each position of the text; -1 where none does.
    """

    offsets: np.ndarray
    tokens: np.ndarray
    counts: np.ndarray
    suffixes: np.ndarray
    first: np.ndarray
    last: np.ndarray
    ends: np.ndarray


def orders_of(ids: np.ndarray, vocab_size: int, starts: np.ndarray | None = None) -> Iterator[Order]:
    """All orders of a text, from 1 on, without end.

    Args:
        ids: int[tokens], each below `vocab_size`.
        vocab_size: number of tokens.
        starts: int64[any], positions over which no n-gram reaches, such as the first of each document.

    Example:
        >>> two = list(zip(range(2), orders_of(np.array([0, 1, 0, 1, 1]), 2)))[1][1]
        >>> two.offsets.tolist(), two.tokens.tolist(), two.counts.tolist(), two.ends.tolist()
        ([0, 1, 3], [1, 0, 1], [2, 1, 1], [-1, 0, 1, 0, 2])
    """
    begins = np.zeros(len(ids), bool)
    begins[:1] = True
    if starts is not None:
        begins[starts] = True
    contexts, num_contexts, ends = np.zeros(len(ids), np.int32), 1, np.zeros(len(ids), np.int32)
    while True:
        order = _order(ids, vocab_size, contexts, num_contexts, ends)
        yield order
        ends, num_contexts = order.ends, len(order.tokens)
        contexts = np.empty_like(ends)
        contexts[1:] = ends[:-1]
        contexts[begins] = NONE


def _order(ids: np.ndarray, vocab_size: int, contexts: np.ndarray, num_contexts: int, before: np.ndarray) -> Order:
    """One order from the rows of the contexts of all positions; `before` has the rows of the order before."""
    ends, parts, num_rows = np.full(len(ids), NONE, np.int32), list[tuple[np.ndarray, ...]](), 0
    for places in _by_context(contexts, num_contexts):
        keys, places = _sorted(contexts[places].astype(np.int64) * vocab_size + ids[places], places)
        begins = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        counts = np.diff(np.append(begins, len(keys)))
        ends[places] = np.repeat(np.arange(num_rows, num_rows + len(begins), dtype=np.int32), counts)
        num_rows += len(begins)
        parts.append((keys[begins], counts, places[begins], places[begins + counts - 1]))
    keys, counts, first, last = map(np.concatenate, zip(*parts, strict=True)) if parts else np.zeros((4, 0), np.int64)
    per_context = np.bincount(keys // vocab_size, minlength=num_contexts)
    offsets = np.concatenate([[0], np.cumsum(per_context)])
    return Order(offsets, (keys % vocab_size).astype(np.int32), counts, before[first], first, last, ends)


def _sorted(keys: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keys in order, int64[any], and the place of each; equal ones by their place."""
    bits = len(keys).bit_length()
    if int(keys.max()).bit_length() + bits > 63:
        order = np.argsort(keys, kind="stable")
        return keys[order], places[order]
    packed = np.sort(keys << bits | np.arange(len(keys)))  # in a third of the time of an argsort
    return packed >> bits, places[packed & ((1 << bits) - 1)]


def _by_context(contexts: np.ndarray, num_contexts: int) -> Iterator[np.ndarray]:
    """Positions that have a context, in parts of contexts that follow each other: sorting needs memory."""
    if len(contexts) <= PIECE:
        places = np.flatnonzero(contexts != NONE)
        if len(places):
            yield places
        return
    upto = np.cumsum(np.bincount(contexts[contexts != NONE], minlength=num_contexts))
    begin = 0
    while begin < num_contexts:
        done = upto[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(upto, done + PIECE, side="right")))
        places = np.flatnonzero((contexts >= begin) & (contexts < end))
        if len(places):
            yield places
        begin = end
