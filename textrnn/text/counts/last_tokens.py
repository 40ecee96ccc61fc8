"""The last tokens of texts that are read or written side by side, and what has followed the same words before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from textrnn.text.corpus import smallest_dtype
from textrnn.text.counts.cache_window import Window

MOST_PAIRS = 1 << 20  # numbers of pairs of tokens that are kept for all texts of a batch, for each window
ROOM = 1024  # places that a copy of all has for further tokens


class Followers(NamedTuple):
    """What a cache says of the next token: q(w) = rest * p(w) + the sum of the weights that w has in its row.

    Attributes:
        rest: float64[rows].
        rows: int64[found], of each token.
        tokens: int64[found], one for each place before which a row's last tokens stand.
        weights: float64[found].
        pairs: float64[rows, vocab], further weights; None for none.
    """

    rest: np.ndarray
    rows: np.ndarray
    tokens: np.ndarray
    weights: np.ndarray
    pairs: np.ndarray | None

    def add(self, mixed: np.ndarray, share: np.ndarray) -> None:
        """Adds the weights of tokens, times a share of each row: float32[rows, vocab], in place, float32[rows]."""
        if self.pairs is not None:
            mixed += self.pairs * share[:, None]
        if not len(self.tokens):
            return
        places = self.rows * mixed.shape[1] + self.tokens
        np.add.at(mixed.reshape(-1), places, (self.weights * share[self.rows]).astype(np.float32))  # of one dtype: fast

    def of(self, targets: np.ndarray) -> np.ndarray:
        """The weights of one token in each row, float64[rows]: int[rows]."""
        right = np.flatnonzero(self.tokens == targets[self.rows])
        found: np.ndarray = np.bincount(self.rows[right], self.weights[right], minlength=len(targets))
        return found if self.pairs is None else found + self.pairs[np.arange(len(targets)), targets]


class _Trail:
    """The array of last tokens that was made last, as the end of a buffer, so that the next one is no copy.

    Attributes:
        given: [places, rows], as others have it: a view of the buffer. What is before its end is never changed.
        by_row: [rows, places], the same.
        begin: the place of the buffer at which they begin.
        pairs: int32[windows, rows, 1 + vocab, 1 + vocab], how often two tokens stand in a row in each window; None if
            nobody has asked yet.
        found: of a single row, the places before which some of its last tokens stand, int64[found], counted from the
            beginning of the buffer; None as well.
        lengths: how many, uint8 for each place of the buffer.
    """

    def __init__(self, given: np.ndarray) -> None:
        self.given = given
        self.pairs: np.ndarray | None = None
        self._renew(given.T)

    def _renew(self, kept: np.ndarray) -> None:
        self._buffer = np.empty((kept.shape[0], kept.shape[1] + ROOM), kept.dtype)
        self.begin, self._end = 0, kept.shape[1]
        self._buffer[:, : self._end] = kept
        self.found: np.ndarray | None = None
        self.lengths = np.zeros(len(self._buffer[0]) + 1, np.uint8)
        self.by_row = self._buffer[:, : self._end]

    def append(self, new: np.ndarray, most: int) -> None:
        """One more token a row; at most so many places are kept."""
        if self._end == self._buffer.shape[1]:
            self._renew(self.by_row)
        self._buffer[:, self._end] = new
        self._end += 1
        self.begin = max(self.begin, self._end - most)
        self.by_row = self._buffer[:, self.begin : self._end]
        self.given = self.by_row.T

    def find(self, new: int, longest: int) -> None:
        """Brings `found` to where it is once a token is appended: call it before."""
        before = (self.by_row[0] == new).nonzero()[0] + self.begin
        length = np.minimum(self.lengths.take(before), longest - 1) + np.uint8(1)
        self.lengths[self.found] = 0
        self.found = before + 1
        self.lengths[self.found] = length

    def at(self, rows: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Tokens of some rows at some places, [any], from two int64[any]."""
        flat: np.ndarray = self._buffer.reshape(-1).take(rows * self._buffer.shape[1] + self.begin + places)
        return flat


class LastTokens:
    """Remembers the last tokens, and counts what has followed them; see `textrnn.text.counts.cache` for the formula.

    What is remembered is an array [places, rows] of tokens and 1 more each, the last one at the end; 0 stands for none.
    There are as many places as have been read, or those of the longest window, and before them those of a context.

    Args:
        vocab: number of tokens.
        windows: each shorter than the one before, all with contexts of as many tokens.
    """

    def __init__(self, vocab: int, windows: Sequence[Window]) -> None:
        self._vocab, self._windows, self._size = vocab, windows, windows[0].size
        # Of each window and length of context, float64[windows, 1, longest].
        self._strengths = np.array([window.strengths for window in windows])[:, None]
        self._longest = self._strengths.shape[2]
        self._trails = list[_Trail]()  # the newest; whoever takes it out is the only one to change it

    def filled(self, before: np.ndarray) -> np.ndarray:
        """What texts remember that have read some tokens, int[rows, steps]; before a text, -1 stands for a token."""
        most = self._size + self._longest
        known = np.concatenate([np.zeros((self._longest, len(before)), np.int64), before.T[-most:] + 1])
        return known[-most:].astype(smallest_dtype(self._vocab + 2))

    def advance(self, remembered: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """The same after one more token each, int[rows]; what is given is not changed."""
        trail = self._trail(remembered)
        new = (tokens + 1).astype(remembered.dtype)
        if trail.pairs is not None:
            self._count(trail.pairs, trail.by_row, new)
        if trail.found is not None:
            trail.find(new[0], self._longest)
        trail.append(new, self._size + self._longest)
        self._trails = [trail]
        return trail.given

    def _trail(self, remembered: np.ndarray) -> _Trail:
        kept = self._trails
        trail = kept.pop() if kept else None
        return trail if trail is not None and trail.given is remembered else _Trail(remembered)

    def _count(self, pairs: np.ndarray, by_row: np.ndarray, new: np.ndarray) -> None:
        """Counts one more pair a row, and no longer those that a window leaves behind."""
        row, places = np.arange(len(new)), by_row.shape[1]
        pairs[:, row, by_row[:, -1], new] += 1
        for own, window in zip(pairs, self._windows, strict=True):
            left = places - window.size
            if left >= self._longest:
                own[row, by_row[:, left - 1], by_row[:, left]] -= 1

    def _pairs(self, trail: _Trail) -> np.ndarray | None:
        """How often each token has followed the last one of each row, int32[windows, rows, vocab]; None if unknown."""
        rows, width, by_row = len(trail.by_row), self._vocab + 1, trail.by_row
        if rows * width * width > MOST_PAIRS:
            return None
        if trail.pairs is None:
            offset = np.arange(rows)[:, None] * width
            trail.pairs = np.empty((len(self._windows), rows, width, width), np.int32)
            for own, window in zip(trail.pairs, self._windows, strict=True):
                begin = max(self._longest, by_row.shape[1] - window.size)
                keys = (offset + by_row[:, begin - 1 : -1]) * width + by_row[:, begin:]
                own[...] = np.bincount(keys.ravel(), minlength=own.size).reshape(own.shape)
        found: np.ndarray = trail.pairs[:, np.arange(rows), by_row[:, -1], 1:]
        return found

    def followers(self, remembered: np.ndarray) -> Followers:
        """What followed the last tokens of each row before; each row has read at least one token."""
        trail = self._trail(remembered)
        if remembered.shape[1] == 1:
            found = self._of_one(trail)
            self._trails = [trail]
            return found
        by_row, pairs = trail.by_row, self._pairs(trail)
        self._trails = [trail]
        (rows, places), longest = by_row.shape, self._longest
        row, place, length = self._found(trail, 1 if pairs is None else 2)
        # Each place counts in the first windows, up to the shortest one that reaches back to it.
        key = row * longest + length - 1
        for window in self._windows[1:]:
            key += (place >= places - window.size) * (rows * longest)
        shape = len(self._windows), rows, longest
        numbers = np.bincount(key, minlength=math.prod(shape)).reshape(shape)
        seen = numbers[::-1, :, ::-1].cumsum(0).cumsum(2)[::-1, :, ::-1]  # c_n(h)
        if pairs is not None:
            seen[:, :, 0] = pairs.sum(2)
        kept = (self._strengths / (seen + self._strengths))[:, :, ::-1].cumprod(2)[:, :, ::-1]
        rest = kept[::-1, :, 0].cumprod(0)[::-1]  # of p, by each window and the shorter ones
        each = kept / self._strengths
        each[:-1] *= rest[1:, :, None]
        of_pairs: np.ndarray | None = None
        if pairs is not None:
            of_pairs = np.einsum("wr,wrv->rv", each[:, :, 0], pairs)
            each[:, :, 0] = 0
        tokens = trail.at(row, place) - np.int64(1)
        return Followers(rest[0], row, tokens, each.cumsum(2).cumsum(0).take(key), of_pairs)

    def _of_one(self, trail: _Trail) -> Followers:
        """`followers` of a single row, in Python numbers where NumPy's calls would cost more."""
        line, longest, begin = trail.by_row[0], self._longest, trail.begin
        if trail.found is None:
            _, place, length = self._found(trail, 1)
            trail.found = place + begin
            trail.lengths[trail.found] = length
        first = max(longest, len(line) - self._size) + begin
        found = trail.found[trail.found.searchsorted(first) :]
        key = trail.lengths.take(found) - np.int64(1)
        for window in self._windows[1:]:
            key[found.searchsorted(len(line) - window.size + begin) :] += longest
        numbers = np.bincount(key, minlength=len(self._windows) * longest).tolist()
        each, seen, rest = [[0.0] * longest for _ in self._windows], [0] * longest, 1.0
        for number in range(len(self._windows) - 1, -1, -1):
            strengths, total = self._windows[number].strengths, 0
            for n in range(longest - 1, -1, -1):
                total += numbers[number * longest + n]
                seen[n] += total
                whole = seen[n] + strengths[n]
                each[number][n], rest = rest / whole, rest * strengths[n] / whole
        weights = np.array(each).cumsum(1).cumsum(0).take(key)
        none = np.zeros(0, np.int64)
        of_pairs = np.bincount(line.take(found - begin) - np.int64(1), weights, self._vocab)[None]
        return Followers(np.array([rest]), none, none, none.astype(np.float64), of_pairs)

    def _found(self, trail: _Trail, shortest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the last tokens of rows have stood before: row, next place, and how many tokens, int64[found] each."""
        by_row = trail.by_row
        begin = max(self._longest, by_row.shape[1] - self._size)
        last = by_row[:, : -self._longest - 1 : -1].T.copy()  # [longest, rows], the last one first
        last[last == 0] = self._vocab + 1  # which stands nowhere
        matches = by_row[:, begin - 1 : -1] == last[0][:, None]
        for n in range(1, shortest):
            matches &= by_row[:, begin - 1 - n : -1 - n] == last[n][:, None]
        found = matches.reshape(-1).nonzero()[0]
        row = found // matches.shape[1]
        place = found - row * matches.shape[1] + begin
        length, alive = np.full(len(row), shortest), np.ones(len(row), bool)
        for n in range(shortest, self._longest):
            alive &= trail.at(row, place - (n + 1)) == last[n].take(row)
            length += alive
        return row, place, length
