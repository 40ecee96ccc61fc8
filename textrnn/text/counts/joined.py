"""Counts of a text beside those of other texts, of which each is one more predictor in a mixture."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from textrnn.text.counts.model import Counts


class Streams(Protocol):
    """How counts follow texts side by side: as they were saved (`Counts`), or counting on (`AdaptedStreams`)."""

    def start(self, streams: int) -> np.ndarray:
        """The states of texts that have read nothing, [streams, any]."""

    def advance(self, nodes: np.ndarray, tokens: np.ndarray, /) -> np.ndarray:
        """The states after one more token each, int[streams]."""

    def mixture(self, nodes: np.ndarray, gate: np.ndarray, network: np.ndarray, /) -> np.ndarray:
        """See `Counts.mixture`."""


class _Earlier:
    """The longest n-grams of another text, read through a larger vocabulary that begins with its own.

    Args:
        counts: of the other text.
        vocab: tokens of the larger vocabulary.
        has_end: whether the last token of both ends a document.
    """

    def __init__(self, counts: Counts, vocab: int, *, has_end: bool) -> None:
        self.counts = counts
        self.columns = np.arange(counts.vocab)  # of each of its tokens among all
        if has_end:
            self.columns[-1] = vocab - 1
        self._own = np.zeros(vocab, np.int64)  # its own token of each; 0, which no text has, where there is none
        self._own[self.columns] = np.arange(counts.vocab)

    def advance(self, nodes: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """See `Counts.advance`."""
        return self.counts.advance(nodes, self._own[tokens])

    def walk(self, nodes: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """See `Counts.walk`."""
        return self.counts.walk(nodes, self._own[tokens])

    def target_probabilities(self, nodes: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """The probability of a token after each stream: float32[streams, 1]."""
        own = self._own[tokens]
        found: np.ndarray = self.counts.target_probabilities(nodes, own)[:, -1:] * (own > 0)[:, None]
        return found

    def text_probabilities(self, nodes: np.ndarray, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The probability of each token of a text, float32[steps, 1], and the stream after it."""
        own = self._own[tokens]
        found, after = self.counts.text_probabilities(nodes, own)
        return found[:, -1:] * (own > 0)[:, None], after

    def add(self, mixed: np.ndarray, nodes: np.ndarray, weight: np.ndarray) -> None:
        """Adds the probabilities of all tokens, times a weight: float32[streams, vocab], in place, float32[streams]."""
        gate = np.zeros((len(nodes), 1 + self.counts.order), np.float32)
        gate[:, 0], gate[:, -1] = 1, weight
        mixed[:, self.columns] = self.counts.mixture(nodes, gate, mixed[:, self.columns])


class JoinedCounts:
    """Counts with those of earlier texts before their own orders; its methods are those of `Counts`.

    Where `Counts` has orders, it has predictors: the longest n-grams of each earlier text, then the orders of its own.

    Args:
        own: counts.
        earlier: of other texts, whose tokens are the first ones of `own`.
        has_end: whether the last token of all ends a document.

    Attributes:
        vocab: number of tokens.
        order: number of predictors.
        longest: tokens of the longest n-gram.
    """

    def __init__(self, own: Counts, earlier: Sequence[Counts], *, has_end: bool) -> None:
        self.own, self.vocab, self.order = own, own.vocab, len(earlier) + own.order
        self.longest = max(counts.longest for counts in (own, *earlier))
        self._earlier = [_Earlier(counts, own.vocab, has_end=has_end) for counts in earlier]
        self._all: list[Counts | _Earlier] = [*self._earlier, own]
        self._ends = np.cumsum([counts.order for counts in earlier])
        self._streams: Streams = own

    def followed_by(self, streams: Streams) -> JoinedCounts:
        """The same, where something else follows texts for the own counts; for `start`, `advance` and `mixture`."""
        other = copy.copy(self)
        other._streams = streams
        return other

    def parts(self, nodes: np.ndarray) -> list[np.ndarray]:
        """The nodes of each earlier text, int64[..., order] each, then the state of the own counts."""
        *earlier, own = np.split(nodes, self._ends, -1)
        return [*(part.astype(np.int64, copy=False) for part in earlier), own]

    def start(self, streams: int) -> np.ndarray:
        """See `Counts.start`: [streams, any], of all texts side by side."""
        followers = (*(earlier.counts for earlier in self._earlier), self._streams)
        return np.concatenate([counts.start(streams) for counts in followers], 1)

    def advance(self, nodes: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """See `Counts.advance`."""
        *parts, own = self.parts(nodes)
        found = [counts.advance(part, tokens) for counts, part in zip(self._earlier, parts, strict=True)]
        return np.concatenate([*found, self._streams.advance(own, tokens)], 1)

    def walk(self, nodes: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """See `Counts.walk`."""
        parts = zip(self._all, self.parts(nodes), strict=True)
        return np.concatenate([counts.walk(own, tokens) for counts, own in parts], -1)

    def target_probabilities(self, nodes: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """See `Counts.target_probabilities`: float32[streams, predictors]."""
        parts = zip(self._all, self.parts(nodes), strict=True)
        return np.concatenate([counts.target_probabilities(own, tokens) for counts, own in parts], 1)

    def text_probabilities(self, nodes: np.ndarray, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Counts.text_probabilities`: float32[steps, predictors], and the stream after the text."""
        parts = zip(self._all, self.parts(nodes), strict=True)
        found, after = zip(*(counts.text_probabilities(own, tokens) for counts, own in parts), strict=True)
        return np.concatenate(found, 1), np.concatenate(after, 1)

    def mixture(self, nodes: np.ndarray, gate: np.ndarray, network: np.ndarray) -> np.ndarray:
        """See `Counts.mixture`: with a gate float32[streams, 1 + predictors]."""
        *parts, own = self.parts(nodes)
        number = len(parts)
        mixed = self._streams.mixture(own, np.delete(gate, np.s_[1 : 1 + number], 1), network)
        for place, (earlier, part) in enumerate(zip(self._earlier, parts, strict=True)):
            earlier.add(mixed, part, gate[:, 1 + place])
        return mixed
