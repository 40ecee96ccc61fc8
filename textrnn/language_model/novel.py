"""Writing nothing that stands word for word in a text: tokens that would complete a known piece are left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from textrnn.nn.numpy.network import State
from textrnn.text.counts.model import Counts
from textrnn.text.tokens.load import PADDING_ID, UNKNOWN_ID

FIRST_ID = max(PADDING_ID, UNKNOWN_ID) + 1  # the reserved ids are all below it


class Known(Protocol):
    """What is known of a text: which tokens would complete a piece of it that is too long."""

    def start(self, rows: int) -> State:
        """The state before some texts side by side; arrays [any, rows], never changed in place."""

    def read(self, ids: np.ndarray, state: State) -> State:
        """The state after one more token a row, int32[rows]."""

    def forbidden(self, state: State) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        """Rows and tokens that may not come next there, int64[any] each; some may come several times."""


class Predictor(Protocol):
    """What writing needs of a network."""

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`."""

    def step(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.step`."""

    def read(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read`."""


class NovelNetwork:
    """A network whose logits are -inf for tokens that would complete a known piece.

    Where no token is left that the network holds for possible, all others that are not forbidden are equally likely;
    where all are forbidden, none is. The first array of its state tells whether the token before the text, which is no
    part of it, has been read, bool[1, rows]; then come those of what is known and of the network.

    Args:
        network: what predicts.
        known: what may not be written.
    """

    def __init__(self, network: Predictor, known: Known) -> None:
        self._network, self._known = network, known
        self._end = 1 + len(known.start(0))  # of its own arrays and those of what is known, in the state

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`."""
        return [np.zeros((1, rows), bool), *self._known.start(rows), *self._network.initial_state(rows)]

    def step(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.step`; the first token of a text is read by `read`."""
        begun, known, network = self._parts(state)
        logits, network = self._network.step(ids, network)
        known = self._known.read(ids, known)
        return self._allowed(logits, known), [begun, *known, *network]

    def read(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read`."""
        begun, known, network = self._parts(state)
        logits, network = self._network.read(ids, network)
        for token in ids if begun.all() else ids[1:]:
            known = self._known.read(np.array([token]), known)
        return self._allowed(logits, known), [np.ones_like(begun), *known, *network]

    def _parts(self, state: State) -> tuple[np.ndarray, State, State]:
        return state[0], state[1 : self._end], state[self._end :]

    def _allowed(self, logits: np.ndarray, known: State) -> np.ndarray:
        """The logits without what is forbidden; they themselves are not changed."""
        pairs = [pair for pair in self._known.forbidden(known) if len(pair[0])]
        if not pairs:
            return logits
        rows, ids = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        allowed: np.ndarray = logits.copy()
        allowed[rows, ids] = -np.inf
        some = np.unique(rows)
        for row in some[~(allowed[some, FIRST_ID:] > -np.inf).any(1)]:
            free = np.ones(logits.shape[1], bool)
            free[ids[rows == row]] = free[:FIRST_ID] = False
            allowed[row] = np.where(free, np.float32(0), -np.inf) if free.any() else logits[row]
        return allowed


class KnownToCounts:
    """Pieces that counts of characters know; those that were left out when they were saved are not found.

    Args:
        counts: n-grams of characters.
        limit: characters that a known piece may have, below the order of the counts.
        num_chars: tokens below it are characters.
    """

    def __init__(self, counts: Counts, limit: int, num_chars: int) -> None:
        self._counts, self._limit, self._num_chars = counts, limit, num_chars

    def start(self, rows: int) -> State:
        """See `Known.start`."""
        return [self._counts.start(rows).T]

    def read(self, ids: np.ndarray, state: State) -> State:
        """See `Known.read`."""
        return [self._counts.advance(state[0].T, np.minimum(ids, self._counts.vocab - 1)).T]

    def forbidden(self, state: State) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """See `Known.forbidden`."""
        rows, tokens = self._counts.following(state[0][self._limit])
        chars = tokens < self._num_chars  # and no end of a document
        yield rows[chars], tokens[chars]
