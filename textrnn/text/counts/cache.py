"""A cache: n-grams of the last tokens of the text being read, beside the counts of the text that was learnt from.

A name that has just been written comes again soon. Among the last tokens, c_n(h w) is how often the last n of them, h,
stand before w, and c_n(h) the sum over all w. From the longest saved n-grams on, p(w), each order leans on the one
before it, the more the less it has seen:

    q_0(w) = p(w)
    q_n(w) = (c_n(h w) + strength_n * q_(n-1)(w)) / (c_n(h) + strength_n)

There are two windows of tokens, a long one and a short one, which goes on from what the long one says.

Reference: Kuhn and De Mori 1990, A cache-based natural language model for speech recognition. The smoothing is that of
MacKay and Peto 1995, A hierarchical Dirichlet language model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from textrnn.base.errors import RunError
from textrnn.text.counts.cache_window import FIRST_STRENGTHS, Window, fitted_window
from textrnn.text.counts.last_tokens import Followers, LastTokens
from textrnn.text.counts.levels import in_order

# Tokens of each window, and the longest context looked for. Counts of eight tenths on the end of the ninth, of tiny
# Shakespeare, War and Peace (beginning), Journey to the West and Tang poems, in nats: 1.553, 1.423, 4.419, 5.372
# without a cache; one window of 2,048: 1.464, 1.368, 4.280, 4.555; 4,096 and 512: 1.453, 1.354, 4.268, 4.550; 8,192
# and 512: 1.445, 1.349, 4.271, 4.557. Contexts of 4, 6 and 8 tokens, one window, the first three texts: 1.473, 1.465,
# 1.464; 1.373, 1.368, 1.366; 4.277, 4.277, 4.278.
SIZES = (8192, 512)
PIECE = 1 << 16  # tokens that are counted at once


@dataclass(frozen=True)
class Cache:
    """How much is remembered, and how much it weighs.

    Attributes:
        vocab: number of tokens.
        windows: each shorter than the one before, all with contexts of as many tokens.
    """

    vocab: int
    windows: tuple[Window, ...]

    @property
    def size(self) -> int:
        """Tokens that are remembered."""
        return self.windows[0].size

    @property
    def longest(self) -> int:
        """Tokens of the longest context."""
        return len(self.windows[0].strengths)

    @cached_property
    def _last(self) -> LastTokens:
        return LastTokens(self.vocab, self.windows)

    def start(self, rows: int) -> np.ndarray:
        """What texts remember that have read nothing, see `LastTokens`."""
        return self.filled(np.zeros((rows, 0), np.int64))

    def filled(self, before: np.ndarray) -> np.ndarray:
        """See `LastTokens.filled`."""
        return self._last.filled(before)

    def advance(self, remembered: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """See `LastTokens.advance`."""
        return self._last.advance(remembered, tokens)

    def followers(self, remembered: np.ndarray) -> Followers:
        """See `LastTokens.followers`."""
        return self._last.followers(remembered)

    def target_probabilities(self, remembered: np.ndarray, targets: np.ndarray, base: np.ndarray) -> np.ndarray:
        """The probability of a token in each row, float64[rows]: of int[rows], from p, float32[rows]."""
        found = self.followers(remembered)
        own: np.ndarray = found.rest * base + found.of(targets)
        return own

    def text_probabilities(self, ids: np.ndarray, base: np.ndarray, *, end_id: int | None = None) -> np.ndarray:
        """The probability of each token of a text.

        Args:
            ids: int[tokens].
            base: float32[tokens], p of each.
            end_id: see `pieces`.

        Returns:
            float32[tokens].
        """
        parts = (self.leant(base[place : place + size], seen) for place, size, seen in self.pieces(ids, end_id=end_id))
        return np.concatenate([np.zeros(0, np.float32), *parts])

    def pieces(self, ids: np.ndarray, *, end_id: int | None = None) -> Iterator[tuple[int, int, np.ndarray]]:
        """A long text in pieces, with what is remembered at each token.

        Args:
            ids: int[tokens].
            end_id: the token that documents begin with, which nothing before is remembered from; None for one text.

        Yields:
            the place of a piece, its number of tokens, and what `leant` needs: int32[windows, 1 + longest, 1 + tokens].
        """
        lead, sizes = self.size + self.longest + 1, [window.size for window in self.windows]

        def count(place: int) -> tuple[int, int, np.ndarray]:
            begin = max(0, place - lead)
            tokens = np.asarray(ids[begin : place + PIECE], np.int64)
            found = _occurrences(tokens, sizes, self.longest + 1, end_id)
            if not place:
                found = np.concatenate([np.zeros_like(found[..., :1]), found], 2)
            found = found[..., max(0, place - begin - 1) :]
            return place, found.shape[2] - 1, found

        yield from in_order(count, range(0, len(ids), PIECE))

    def leant(self, base: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """The probabilities of tokens that follow each other, float32[tokens], from p of each and from `pieces`."""
        for window, own in zip(self.windows, seen, strict=True):
            base = window.leant(base, own)
        return base

    @classmethod
    def fitted(
        cls,
        ids: np.ndarray,
        base: np.ndarray,
        vocab: int,
        *,
        end_id: int | None = None,
        sizes: Sequence[int] = SIZES,
        strengths: Sequence[float] = FIRST_STRENGTHS,
    ) -> Cache:
        """The cache that predicts a text best; of a long one, the first tokens are only remembered.

        Args:
            ids: int[tokens].
            base: float32[tokens], p of each, by counts that do not hold this text.
            vocab: number of tokens.
            end_id: see `pieces`.
            sizes: tokens of each window, falling.
            strengths: with which fitting begins, one for each length of context.
        """
        cache = cls(vocab, tuple(Window(size, tuple(strengths)) for size in sizes))
        parts = [seen[..., min(place, 1) :] for place, _, seen in cache.pieces(ids, end_id=end_id)]
        skipped = cache.size if len(ids) > 2 * cache.size else 0
        seen, base = np.concatenate(parts, 2)[..., skipped:], base[skipped:]
        windows = []
        for window, own in zip(cache.windows, seen, strict=True):
            windows.append(fitted_window(window, base, own))
            base = windows[-1].leant(base, own)
        return cls(vocab, tuple(windows))

    def to_json(self) -> list[dict[str, Any]]:
        """For run.json."""
        return [dict(size=window.size, strengths=list(window.strengths)) for window in self.windows]

    @classmethod
    def from_json(cls, values: Any, vocab: int) -> Cache:
        """Reads what `to_json` gave.

        Raises:
            RunError: it is something else.
        """
        try:
            windows = [Window(int(one["size"]), tuple(float(value) for value in one["strengths"])) for one in values]
        except (TypeError, KeyError, ValueError, OverflowError):
            windows = []
        sizes, lengths = [one.size for one in windows], {len(one.strengths) for one in windows}
        shorter = all(long > short > 0 for long, short in zip([PIECE + 1, *sizes], sizes, strict=False))
        sound = all(1e-3 <= value <= 1e9 for one in windows for value in one.strengths)
        if not (windows and shorter and sound and len(lengths) == 1 and 1 <= lengths.pop() <= 64):
            raise RunError(f"the cache of the counts is {values!r:.80}: expected its windows")
        return cls(vocab, tuple(windows))


def _occurrences(ids: np.ndarray, sizes: list[int], orders: int, end_id: int | None) -> np.ndarray:
    """How often the n-gram that ends at each place has ended at some places before, in the same document.

    Args:
        ids: int64[tokens].
        sizes: how many places are looked at.
        orders: the longest n-grams.
        end_id: see `Cache.pieces`.

    Returns:
        int32[sizes, orders, tokens]; 0 where the n-gram would begin before the document.
    """
    places = np.arange(len(ids))
    begins = np.zeros(len(ids), np.int64)
    if end_id is not None:
        begins = np.maximum.accumulate(np.where(ids == end_id, places, 0))
    bits, token_bits = len(ids).bit_length(), int(ids.max(initial=0)).bit_length()
    number, found = np.zeros(len(ids), np.int64), np.zeros((len(sizes), orders, len(ids)), np.int32)
    for n in range(orders):
        ends = places[places - begins >= n]
        key = (number[ends - 1] << token_bits | ids[ends]) << bits if n else ids[ends] << bits
        key |= ends
        key.sort()
        ends = key & ((1 << bits) - 1)
        gram = key >> bits
        for place, size in enumerate(sizes):
            first = np.maximum(ends - size, begins[ends] + n)
            found[place, n, ends] = np.arange(len(key)) - np.searchsorted(key, (gram << bits) | first)
        number[ends] = np.cumsum(np.concatenate([[0], gram[1:] != gram[:-1]])[: len(gram)])
    return found
