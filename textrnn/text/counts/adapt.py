"""Counts that adapt to the text being read: its n-grams are counted beside the saved ones.

An n-gram h w has the count c'(h w) in the stream so far, and its context h has c'(h) in all, and c(h) in the saved
counts; a count of the stream weighs as much as `weight` saved ones. d is the discount of a count, D'(h) the sum of
d(c'(h w)) over all w, and q the adapted probability of the order below:

    p(w | h) = (c(h) * (saved(w | h) + backoff(h) * q(w)) + weight * (c'(h w) - d(c'(h w)) + D'(h) * q(w)))
               / (c(h) + weight * c'(h))

As in the saved counts, the highest order counts each occurrence of an n-gram. An order below counts one only if the
n-gram of the order above that ends there is new: neither saved nor seen in the stream before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from textrnn.text.counts.levels import Sorted, Text, sort_places
from textrnn.text.counts.model import Counts
from textrnn.text.counts.one_stream import UNKNOWN

WEIGHT = 2.0  # the best on held-out parts of the training text of three books, English and Chinese


class AdaptedStream:
    """Adapted counts of one stream, token by token.

    The n-grams of the stream are nodes of a trie, 0 the empty one: lists have a value for each.
    """

    def __init__(self, counts: Counts, nodes: np.ndarray, *, weight: float = WEIGHT) -> None:
        """Begins to count.

        Args:
            counts: the saved ones.
            nodes: int64[1, order], the stream before, see `Counts.start`.
            weight: of a count in the stream against one that is saved.
        """
        self.counts, self._weight = counts, weight
        self._saved: list[int] = nodes[0].tolist()
        self._own = [0] + [UNKNOWN] * (counts.order - 1)
        self._discounts: list[list[float]] = counts.discounts.tolist()
        self._rows: list[dict[int, int]] = [{}]
        self._count, self._sum, self._taken = [0], [0], [0.0]
        self._singles = np.zeros(counts.vocab, np.float32)  # counts of single tokens without their discounts

    def advance(self, token: int) -> None:
        """Reads a token and counts it."""
        order = self.counts.order
        found = [self.counts.one.find(node, token) for node in self._saved]
        had = [node != UNKNOWN and token in self._rows[node] for node in self._own]
        for n, node in enumerate(self._own):
            if node == UNKNOWN:
                break
            child = self._rows[node].setdefault(token, len(self._rows))
            if child == len(self._rows):
                self._rows.append({})
                for values in (self._count, self._sum, self._taken):
                    values.append(0)
            if n + 1 == order or self._own[n + 1] == UNKNOWN or not (had[n + 1] or found[n + 1] != UNKNOWN):
                self._add_count(n, node, child)
                if not n:
                    count = self._count[child]
                    self._singles[token] = count - self._discounts[0][min(count, 3)]
        after = [self._rows[node][token] if node != UNKNOWN else UNKNOWN for node in self._own[:-1]]
        self._own, self._saved = [0, *after], [0, *found[:-1]]

    def _add_count(self, n: int, node: int, child: int) -> None:
        discounts, count = self._discounts[n], self._count[child]
        self._taken[node] += discounts[min(count + 1, 3)] - discounts[min(count, 3)]
        self._count[child] = count + 1
        self._sum[node] += 1

    def _parts(self, n: int) -> tuple[float, float, float]:
        """The weights of what is saved, of a count of the stream, and of the order below, in order n + 1."""
        scale, backoff = self.counts.one.weights(self._saved[n])
        saved, own = (1 / scale if scale else 0.0), self._own[n]
        mine, taken = (self._weight * self._sum[own], self._weight * self._taken[own]) if own != UNKNOWN else (0.0, 0.0)
        whole = saved + mine
        if not whole:
            return 0.0, 0.0, 1.0
        return saved / whole, self._weight / whole, (saved * backoff + taken) / whole

    def target_probabilities(self, token: int) -> np.ndarray:
        """The probability of a token, in each order: float32[order]."""
        found = np.empty(self.counts.order, np.float32)
        chain = 1 / self.counts.vocab
        for n, (node, own) in enumerate(zip(self._saved, self._own, strict=True)):
            saved, mine, below = self._parts(n)
            child = self._rows[own].get(token) if own != UNKNOWN else None
            chain = below * chain + saved * self.counts.one.added(n, node, token)
            if child is not None:
                count = self._count[child]
                chain += mine * (count - self._discounts[n][min(count, 3)])
            found[n] = chain
        return found

    def mixture(self, gate: np.ndarray, network: np.ndarray) -> np.ndarray:
        """Probabilities of all tokens, as `Counts.mixture`: float32[order + 1], float32[vocab] -> float32[vocab]."""
        weights = gate.tolist()
        mixed: np.ndarray = network * np.float32(weights[0])
        share = 0.0
        for n in range(self.counts.order - 1, -1, -1):
            share += weights[n + 1]
            saved, mine, below = self._parts(n)
            if saved:
                self.counts.one.add(mixed, n, self._saved[n], share * saved)
            if not n:
                mixed += self._singles * np.float32(share * mine)
            elif self._own[n] != UNKNOWN:
                discounts = self._discounts[n]
                for token, child in self._rows[self._own[n]].items():
                    count = self._count[child]
                    mixed[token] += share * mine * (count - discounts[min(count, 3)])
            share *= below
        mixed += np.float32(share / self.counts.vocab)
        return mixed


@dataclass(frozen=True)
class _Read:
    """The first `size` of some tokens, and the stream that has read all of them."""

    stream: AdaptedStream
    tokens: list[int]
    size: int


class AdaptedStreams:
    """Texts side by side, each of which goes on counting for itself: in the place of `Counts` while they are written.

    The state of a text is never changed, so that several can go on from one: the first of them takes over what it has
    counted, and for each of the others it is counted again. Memory grows with the texts, by about 2 KB a token.

    Args:
        counts: the saved ones, with which each text begins.
    """

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def start(self, streams: int) -> np.ndarray:
        """Texts that have read nothing: object[streams, 1]."""
        return np.full((streams, 1), None, object)

    def advance(self, states: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """The texts after one more token each, int[streams]; the first of a text, what it begins after, is not counted.

        Args:
            states: object[streams, 1].
            tokens: int[streams].

        Returns:
            object[streams, 1].
        """
        after = np.empty_like(states)
        for row, token in enumerate(tokens.tolist()):
            after[row, 0] = self._advanced(states[row, 0], token)
        return after

    def _advanced(self, before: _Read | None, token: int) -> _Read:
        if before is None:
            return _Read(self._stream(token), [token], 1)
        now = self._current(before)
        now.stream.advance(token)
        now.tokens.append(token)
        return _Read(now.stream, now.tokens, now.size + 1)

    def _stream(self, start: int) -> AdaptedStream:
        return AdaptedStream(self._counts, self._counts.advance(self._counts.start(1), np.array([start])))

    def _current(self, read: _Read) -> _Read:
        """The same tokens with a stream that has read no more than them."""
        if len(read.tokens) == read.size:
            return read
        tokens = read.tokens[: read.size]
        stream = self._stream(tokens[0])
        for token in tokens[1:]:
            stream.advance(token)
        return _Read(stream, tokens, read.size)

    def mixture(self, states: np.ndarray, gate: np.ndarray, network: np.ndarray) -> np.ndarray:
        """Probabilities of all tokens, as `Counts.mixture`; none of the texts may have read nothing."""
        rows = zip(states[:, 0], gate, network, strict=True)
        return np.stack([self._current(read).stream.mixture(weights, own) for read, weights, own in rows])


def _levels(text: Text, order: int) -> Iterator[Sorted]:
    """The n-grams of each order, in memory."""
    context, places, contexts = np.zeros(len(text.ids), np.int32), np.arange(len(text.ids), dtype=np.int32), 1
    for _ in range(order):
        level = sort_places(text, places, context, contexts)
        yield level
        goes_on = level.places < len(text.ids) - 1
        contexts = len(level.sizes)
        context = np.repeat(np.arange(contexts, dtype=np.int32), level.sizes)[goes_on]
        places = level.places[goes_on] + 1


def _before(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Sums of what stands before each value in its group; groups are contiguous, and some may be empty."""
    total = np.cumsum(values) - values
    begins = (np.cumsum(sizes, dtype=np.int64) - sizes)[sizes > 0]
    sums: np.ndarray = total - np.repeat(total[begins], sizes[sizes > 0])
    return sums


def _counted(level: Sorted, new: np.ndarray, discount: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Before each place: the count of its n-gram, of its context, and the context's discounts; float64[steps] each."""
    count, total, taken = np.zeros(len(new)), np.zeros(len(new)), np.zeros(len(new))
    count[level.places] = _before(new[level.places], level.sizes)
    step = new * (discount[np.minimum(count + 1, 3).astype(int)] - discount[np.minimum(count, 3).astype(int)])
    context = np.repeat(np.repeat(np.arange(len(level.children)), level.children), level.sizes)
    by_place = (context << 32) | level.places
    by_place.sort()
    places = by_place & 0xFFFFFFFF
    sizes = np.bincount(context, minlength=len(level.children))
    total[places] = _before(new[places], sizes)
    taken[places] = _before(step[places], sizes)
    return count, total, taken


def adapted_probabilities(
    counts: Counts, nodes: np.ndarray, tokens: np.ndarray, *, weight: float = WEIGHT
) -> np.ndarray:
    """The probability of each token of a text, in each order, by counts that adapt to it.

    It is what `AdaptedStream` gives, for all of a text at once.

    Args:
        counts: the saved ones.
        nodes: int64[1, order], the stream before the text, see `Counts.start`.
        tokens: int[steps].
        weight: of a count in the text against one that is saved.

    Returns:
        float32[steps, order].
    """
    size, order = len(tokens), counts.order
    result = np.empty((size, order), np.float32)
    if not size:
        return result
    chain = np.full(size, 1 / counts.vocab)
    context = np.zeros(size, np.int64)
    found = counts.find(context, tokens)
    levels = _levels(Text(tokens, counts.vocab, 1), order)
    level = next(levels)
    for n in range(order):
        scale, backoff = counts.weights(context)
        added = counts.added(n, found, scale)
        new = np.ones(size)
        if n + 1 < order:
            context = np.append(nodes[0, n + 1], found[:-1])
            found = counts.find(context, tokens)
            above = next(levels)
            first = above.places[np.cumsum(above.sizes, dtype=np.int64) - above.sizes]
            new[n + 1 :] = 0  # nothing stands before those until here
            new[first] = found[first] == UNKNOWN
        discount = counts.discounts[n]
        count, mine, taken = _counted(level, new, discount)
        saved = np.divide(1, scale, out=np.zeros(size), where=scale > 0)
        own = weight * (count - discount[np.minimum(count, 3).astype(int)])
        whole = saved + weight * mine
        adapted = saved * added + own + (saved * backoff + weight * taken) * chain
        chain = np.divide(adapted, whole, out=chain, where=whole > 0)
        result[:, n] = chain
        level = above if n + 1 < order else level
    return result
