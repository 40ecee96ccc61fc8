"""Counted n-grams as they are saved, and what they predict: memory-mapped, without anything but NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from textrnn.base.errors import RunError
from textrnn.base.files import map_weights, write_weights
from textrnn.text.counts.codes import CODE_PROBABILITIES
from textrnn.text.counts.ngrams import NONE

PARTS = ("offsets", "tokens", "codes")
MOST_ORDERS, MOST_TOKENS = 32, 10_000_000


@dataclass(frozen=True)
class Level:
    """The n-grams of one order as they are saved, in the order of `textrnn.text.counts.ngrams`.

    Attributes:
        offsets: uint32[contexts + 1], where the continuations of each context begin.
        tokens: uint[rows], the last token of each n-gram.
        codes: uint8[rows], its share in its context, see `textrnn.text.counts.codes`; what the shares of a context
            leave to 1 belongs to the order below.
    """

    offsets: np.ndarray
    tokens: np.ndarray
    codes: np.ndarray


class NgramModel:
    """Interpolated n-grams of orders 1 to `order`.

    A context is carried as the rows of what was read last: int32[order - 1, streams], the row of the last token, of the
    last two, and so on; -1 for what was never seen. It takes one search an order to carry it on.

    Args:
        vocab_size: number of tokens.
        levels: of each order.

    Attributes:
        order: the longest n-grams.
    """

    def __init__(self, vocab_size: int, levels: Sequence[Level]) -> None:
        self.vocab_size, self.order, self._levels = vocab_size, len(levels), list(levels)
        first = levels[0]
        shares = CODE_PROBABILITIES[first.codes]
        self._unigram = np.full(vocab_size, (1 - shares.sum()) / vocab_size, np.float32)
        self._unigram[first.tokens] += shares
        self._row_of = np.full(vocab_size, NONE, np.int32)  # in order 1, of each token
        self._row_of[first.tokens] = np.arange(len(first.tokens), dtype=np.int32)
        self._left: list[np.ndarray | None] = [None] * len(levels)

    def save(self, path: Path) -> None:
        """Writes the model into a file; raises OSError if that fails."""
        arrays = {f"{n}/{part}": getattr(level, part) for n, level in enumerate(self._levels, 1) for part in PARTS}
        write_weights(path, arrays, {"vocab_size": str(self.vocab_size), "order": str(self.order)})

    @classmethod
    def load(cls, path: Path) -> NgramModel:
        """Opens a saved model, memory-mapped.

        Raises:
            RunError: the file is missing, or what it holds are no n-grams.
        """
        arrays, metadata = map_weights(path)
        try:
            vocab_size, order = int(metadata["vocab_size"]), int(metadata["order"])
            if not (1 <= order <= MOST_ORDERS and 1 <= vocab_size <= MOST_TOKENS and len(arrays) == order * len(PARTS)):
                raise ValueError(f"order {order}, {vocab_size} tokens, {len(arrays)} arrays")
            levels = [Level(*(arrays[f"{n}/{part}"] for part in PARTS)) for n in range(1, order + 1)]
            num_contexts = 1
            for level in levels:
                _check(level, num_contexts, vocab_size)
                num_contexts = len(level.tokens)
        except (KeyError, ValueError) as error:
            raise RunError(f"{path} is damaged: {error!r:.120}; restore it from a copy or train again") from None
        return cls(vocab_size, levels)

    def initial_context(self, streams: int) -> np.ndarray:
        """The context before a text, int32[order - 1, streams]."""
        context: np.ndarray = np.full((self.order - 1, streams), NONE, np.int32)
        return context

    def advance(self, ids: np.ndarray, context: np.ndarray) -> np.ndarray:
        """The context after one more token of each stream, int32[streams]."""
        if len(ids) == 1:
            return self._advance_one(int(ids[0]), context)
        after = np.empty_like(context)
        if len(after):
            after[0] = self._row_of[ids]
        for number in range(1, len(after)):
            after[number] = find(self._levels[number], context[number - 1], ids)
        return after

    def _advance_one(self, token: int, context: np.ndarray) -> np.ndarray:
        rows, before = [], context[:, 0].tolist()
        for number in range(len(before)):
            if number == 0:
                rows.append(int(self._row_of[token]))
                continue
            row = before[number - 1]
            if row < 0:
                break
            level = self._levels[number]
            begin, end = level.offsets[row : row + 2].tolist()
            place = begin + int(level.tokens[begin:end].searchsorted(token))
            if place == end or level.tokens[place] != token:
                break  # nothing longer has been seen either
            rows.append(place)
        after: np.ndarray = np.array([rows + [NONE] * (len(before) - len(rows))], np.int32).T
        return after

    def mix(self, probabilities: np.ndarray, context: np.ndarray, weights: np.ndarray) -> None:
        """Adds weighted probabilities of all tokens, of each order.

        Args:
            probabilities: float32[streams, vocab], to which they are added.
            context: int32[order - 1, streams].
            weights: float32[order, streams], of each order.
        """
        if len(probabilities) == 1:
            self._mix_one(probabilities[0], context[:, 0].tolist(), weights[:, 0].tolist())
            return
        own, tokens, shares = weights[-1], [], []
        for number in range(self.order - 1, 0, -1):
            level, rows = self._levels[number], context[number - 1]
            lengths, places = continuations(level, rows)
            values = CODE_PROBABILITIES[level.codes[places]]
            stream = np.repeat(np.arange(len(rows)), lengths)
            tokens.append(stream * self.vocab_size + level.tokens[places])
            shares.append(values * own[stream])
            left = 1 - np.bincount(stream, values, minlength=len(rows))
            own = weights[number - 1] + own * left
        if tokens:
            sums = np.bincount(np.concatenate(tokens), np.concatenate(shares), minlength=probabilities.size)
            probabilities += sums.reshape(probabilities.shape)
        probabilities += own.astype(np.float32)[:, None] * self._unigram

    def _mix_one(self, probabilities: np.ndarray, context: list[int], weights: list[float]) -> None:
        own, found = 0.0, []
        for number in range(self.order - 1, 0, -1):
            own += weights[number]
            row = context[number - 1]
            if row < 0:
                continue
            level = self._levels[number]
            begin, end = level.offsets[row : row + 2].tolist()
            shares = CODE_PROBABILITIES[level.codes[begin:end]]
            found.append((level.tokens[begin:end], shares, own))
            own *= 1 - float(shares.sum())
        own += weights[0]
        probabilities += self._unigram * np.float32(own)
        for tokens, shares, weight in found:
            probabilities[tokens] += shares * np.float32(weight)

    def read(self, ids: np.ndarray, context: np.ndarray) -> list[np.ndarray]:
        """The contexts while some texts are read.

        Args:
            ids: int32[streams, steps].
            context: before them, int32[order - 1, streams].

        Returns:
            for each length of a context, int32[streams, steps + 1]: before the first token, and after each.
        """
        found = [self._row_of[ids]]
        found[0] = np.concatenate([context[0][:, None] if len(context) else found[0][:, :0], found[0]], 1)
        for number in range(1, len(context)):
            level = self._levels[number]
            rows = find(level, found[-1][:, :-1].ravel(), ids.ravel()).reshape(ids.shape)
            found.append(np.concatenate([context[number][:, None], rows], 1))
        return found[: len(context)]

    def target_probabilities(self, contexts: Sequence[np.ndarray], targets: np.ndarray) -> np.ndarray:
        """Probabilities of targets by each order, float32[order, ...].

        Args:
            contexts: for each length of a context int32[...].
            targets: int32[...].
        """
        found = np.empty((self.order, *targets.shape), np.float32)
        found[0] = below = self._unigram[targets]
        for number in range(1, self.order):
            level, context = self._levels[number], contexts[number - 1]
            rows = find(level, context.ravel(), targets.ravel()).reshape(targets.shape)
            shares = np.where(rows != NONE, CODE_PROBABILITIES[level.codes[rows]], np.float32(0))
            left = np.where(context != NONE, self._left_of(number)[context], np.float32(1))
            found[number] = below = shares + left * below
        return found

    def _left_of(self, number: int) -> np.ndarray:
        """What each context of an order leaves to the one below, float32[contexts]."""
        left = self._left[number]
        if left is None:
            level = self._levels[number]
            sums = np.concatenate([[0], np.cumsum(CODE_PROBABILITIES[level.codes], dtype=np.float64)])
            left = self._left[number] = (1 - sums[level.offsets[1:]] + sums[level.offsets[:-1]]).astype(np.float32)
        return left


def _check(level: Level, num_contexts: int, vocab_size: int) -> None:
    """Raises ValueError where an order does not belong to the one before it."""
    offsets, tokens = level.offsets, level.tokens
    if not all(array.ndim == 1 and array.dtype.kind == "u" for array in (offsets, tokens, level.codes)):
        raise ValueError("an array is of another kind")
    if len(offsets) != num_contexts + 1 or len(level.codes) != len(tokens) or level.codes.dtype != np.uint8:
        raise ValueError("arrays are of other lengths")
    if int(offsets[0]) != 0 or int(offsets[-1]) != len(tokens) or (offsets[1:] < offsets[:-1]).any():
        raise ValueError("offsets do not rise from 0 to the number of n-grams")
    if len(tokens) and int(tokens.max()) >= vocab_size:
        raise ValueError("a token is not in the vocabulary")


def continuations(level: Level, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many continuations each context has, int64[streams], and the places of all of them, one context after the
    other; contexts that were never seen, -1, have none."""
    begins, ends = (level.offsets[rows + ahead].astype(np.int64) for ahead in (0, 1))
    lengths = np.where(rows != NONE, ends - begins, 0)
    upto = np.cumsum(lengths)
    return lengths, np.arange(upto[-1] if len(upto) else 0) + np.repeat(begins - upto + lengths, lengths)


def find(level: Level, contexts: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """The rows of n-grams by the rows of their contexts and their last tokens, int32[any]; -1 for those not there."""
    low = level.offsets[contexts].astype(np.int64)  # of -1 it is the last one, and then low = high
    high = np.where(contexts != NONE, level.offsets[np.minimum(contexts + 1, len(level.offsets) - 1)], low).astype(
        np.int64
    )
    end, last = high.copy(), len(level.tokens) - 1
    while (low < high).any():
        middle = (low + high) >> 1
        right = (level.tokens[np.minimum(middle, last)] < tokens) & (low < high)
        low, high = np.where(right, middle + 1, low), np.where(right, high, np.minimum(middle, high))
    there = (low < end) & (level.tokens[np.minimum(low, last)] == tokens) if last >= 0 else low < 0
    return np.where(there, low, NONE).astype(np.int32)
