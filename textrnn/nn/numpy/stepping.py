"""What networks share that carry a state from token to token."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from textrnn.nn.numpy.cells import Arrays


class Stepping:
    """Reads texts by steps of a network.

    Attributes:
        vocab_size: number of tokens.
        hidden_width: numbers that `next_hidden` puts out for each row.
    """

    vocab_size: int
    hidden_width: int

    def next_hidden(self, ids: np.ndarray, state: Arrays) -> tuple[np.ndarray, Arrays]:
        """What stands before the logits, float32[hidden_width, rows], and the state after one token a row."""
        raise NotImplementedError

    def logits(self, hidden: np.ndarray) -> np.ndarray:
        """Logits float32[rows, vocab] from what `next_hidden` gives."""
        raise NotImplementedError

    def states(self, ids: np.ndarray, state: Arrays) -> Iterator[Arrays]:
        """The state of one row after each token, int32[steps]."""
        for step in range(len(ids)):
            _, state = self.next_hidden(ids[step : step + 1], state)
            yield state

    def step(self, ids: np.ndarray, state: Arrays) -> tuple[np.ndarray, Arrays]:
        """See `Network.step`."""
        hidden, state = self.next_hidden(ids, state)
        return self.logits(hidden), state

    def read(self, ids: np.ndarray, state: Arrays) -> tuple[np.ndarray, Arrays]:
        """See `Network.read`."""
        for step in range(len(ids)):
            hidden, state = self.next_hidden(ids[step : step + 1], state)
        return self.logits(hidden), state

    def read_all(self, ids: np.ndarray, state: Arrays) -> tuple[np.ndarray, Arrays]:
        """See `Network.read_all`."""
        outputs, state = self.outputs(ids, state)
        return self.logits(outputs).reshape(*ids.T.shape, self.vocab_size), state

    def outputs(self, ids: np.ndarray, state: Arrays) -> tuple[np.ndarray, Arrays]:
        """What `next_hidden` puts out at each step, float32[hidden_width, steps * rows], and the state after."""
        rows, steps = ids.shape
        outputs = np.empty((self.hidden_width, steps * rows), np.float32)
        for step in range(steps):
            hidden, state = self.next_hidden(ids[:, step], state)
            outputs[:, step * rows : (step + 1) * rows] = hidden
        return outputs, state
