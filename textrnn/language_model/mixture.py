"""A network and counts of n-grams as one predictor: what the network's gate says each of them is worth here."""

from __future__ import annotations

import numpy as np

from textrnn.nn.numpy.network import CarriedNetwork, State, token_nats
from textrnn.text.counts.model import NgramModel

SMALLEST = np.float32(1e-30)


class CountsNetwork:
    """The longest n-grams alone as a predictor, see `textrnn.nn.numpy.network.Network`.

    The first array of its state is the context of the counts, int32[order - 1, rows].

    Args:
        counts: n-grams.
    """

    def __init__(self, counts: NgramModel) -> None:
        self.vocab_size, self._counts = counts.vocab_size, counts

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`."""
        return [self._counts.initial_context(rows)]

    def step(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.step`; the logits are logarithms of probabilities."""
        context = self._counts.advance(self._tokens(ids), state[0])
        probabilities = np.zeros((len(ids), self.vocab_size), np.float32)
        weights = np.zeros((self._counts.order, len(ids)), np.float32)
        weights[-1] = 1
        self._counts.mix(probabilities, context, weights)
        return _logarithms(probabilities), [context]

    def read(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read`."""
        for step in range(len(ids) - 1):
            state = [self._counts.advance(self._tokens(ids[step : step + 1]), state[0])]
        return self.step(ids[-1:], state)

    def read_all(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read_all`."""
        logits = np.empty((ids.shape[1], ids.shape[0], self.vocab_size), np.float32)
        for step in range(ids.shape[1]):
            logits[step], state = self.step(ids[:, step], state)
        return logits, state

    def target_nats(self, ids: np.ndarray, targets: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.target_nats`."""
        found, context = self._targets(ids, targets, state[0])
        return -np.log(np.maximum(found[-1], SMALLEST, dtype=np.float64)), [context]

    def _targets(self, ids: np.ndarray, targets: np.ndarray, context: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities of targets by each order, float32[orders, rows, steps], and the context after the ids."""
        contexts = self._counts.read(self._tokens(ids), context)
        found = self._counts.target_probabilities([each[:, 1:] for each in contexts], self._tokens(targets))
        return found, np.array([each[:, -1] for each in contexts], np.int32).reshape(context.shape)

    def _tokens(self, ids: np.ndarray) -> np.ndarray:
        """Ids as the tokens they are counted as: those that begin a document all are its last one's end."""
        tokens: np.ndarray = np.minimum(ids, self.vocab_size - 1).astype(np.int32)
        return tokens


class MixtureNetwork(CountsNetwork):
    """A network mixed with n-grams of each order by the weights that its gate gives them at each step.

    The first array of its state is that of `CountsNetwork`, the others are the network's.

    Args:
        network: with a gate for each order of the counts.
        counts: n-grams.
    """

    def __init__(self, network: CarriedNetwork, counts: NgramModel) -> None:
        super().__init__(counts)
        self._network = network

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`."""
        return [*super().initial_state(rows), *self._network.initial_state(rows)]

    def step(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.step`; the logits are logarithms of probabilities."""
        hidden, after = self._network.next_hidden(ids, state[1:])
        context = self._counts.advance(self._tokens(ids), state[0])
        return self._mixed(hidden, context), [context, *after]

    def read(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read`."""
        context, *after = state
        for step in range(len(ids)):
            hidden, after = self._network.next_hidden(ids[step : step + 1], after)
            context = self._counts.advance(self._tokens(ids[step : step + 1]), context)
        return self._mixed(hidden, context), [context, *after]

    def _mixed(self, hidden: np.ndarray, context: np.ndarray) -> np.ndarray:
        weights = self._network.gate(hidden)
        probabilities = self._network.logits(hidden)
        probabilities = np.exp(probabilities - probabilities.max(1, keepdims=True))
        probabilities *= (weights[0] / probabilities.sum(1))[:, None]
        self._counts.mix(probabilities, context, weights[1:])
        return _logarithms(probabilities)

    def target_nats(self, ids: np.ndarray, targets: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.target_nats`."""
        by_order, context = self._targets(ids, targets, state[0])  # [orders, rows, steps]
        outputs, after = self._network.outputs(ids, state[1:])  # [hidden, steps * rows]
        own: np.ndarray = np.exp(-token_nats(self._network.logits(outputs), self._tokens(targets).T.ravel()))
        each = np.concatenate([own[None], by_order.transpose(0, 2, 1).reshape(len(by_order), -1)])
        mixed = -np.log(np.maximum((self._network.gate(outputs) * each).sum(0), SMALLEST))
        return mixed.reshape(targets.T.shape).T, [context, *after]


def _logarithms(probabilities: np.ndarray) -> np.ndarray:
    logarithms: np.ndarray = np.log(np.maximum(probabilities, SMALLEST))
    return logarithms
