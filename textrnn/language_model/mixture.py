"""A network and counts of n-grams as one predictor, weighted by the network's gate; learnt in `step.make_loss`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import RunError
from textrnn.base.files import RUN_FILE
from textrnn.nn.numpy.litert import LiteNetwork
from textrnn.nn.numpy.network import CarriedNetwork, Network, State, token_nats
from textrnn.text.counts.cache import Cache
from textrnn.text.counts.joined import JoinedCounts, Streams
from textrnn.text.counts.model import Counts

COUNTS_FILE = "counts.safetensors"
SMALLEST = np.float32(1e-30)
AnyCounts = Counts | JoinedCounts
GatedNetwork = CarriedNetwork | LiteNetwork


class CountsNetwork:
    """The longest n-grams alone as a predictor, see `textrnn.nn.numpy.network.Network`.

    The first array of its state has the nodes of the counts, int64[order, rows]; the next one is what the cache
    remembers, if there is one.

    Args:
        counts: n-grams.
        cache: of the last tokens, on top of the longest n-grams; runs of earlier versions have none.
        streams: what follows the texts that are written; None for the counts as they were saved.

    Attributes:
        num_experts: the orders of the counts, and the cache.
    """

    def __init__(self, counts: AnyCounts, cache: Cache | None = None, streams: Streams | None = None) -> None:
        self.vocab_size, self.counts, self.cache, self._streams = counts.vocab, counts, cache, streams or counts
        self._arrays = 1 if cache is None else 2  # of the state, before those of a network
        self.num_experts = counts.order + (cache is not None)

    def adapted(self) -> CountsNetwork:
        """The same, whose counts go on counting in each text; it steps and reads, and gives no `target_nats`."""
        return CountsNetwork(self.counts, self.cache, _counting_on(self.counts))

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`."""
        return [self._streams.start(rows).T, *([] if self.cache is None else [self.cache.start(rows)])]

    def remembering(self, state: State, before: Callable[[int], np.ndarray]) -> State:
        """A state in which the cache remembers what stands before.

        Args:
            state: of rows that have read nothing.
            before: gives as many tokens as are asked for before each row, int[rows, steps], -1 where there is none.
        """
        if self.cache is None:
            return state
        remembered = self.cache.filled(before(self.cache.size + self.cache.longest))
        return [state[0], remembered, *state[self._arrays :]]

    def step(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.step`; the logits are logarithms of probabilities."""
        hidden, after = self._hear(ids, state[self._arrays :])
        own = self._advanced(self._tokens(ids), state)
        return self._logits(own, hidden), [*own, *after]

    def read(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read`."""
        own, after = state[: self._arrays], state[self._arrays :]
        for step in range(len(ids)):
            hidden, after = self._hear(ids[step : step + 1], after)
            own = self._advanced(self._tokens(ids[step : step + 1]), own)
        return self._logits(own, hidden), [*own, *after]

    def _advanced(self, tokens: np.ndarray, state: State) -> State:
        """The arrays that are not the network's, after one more token a row."""
        nodes = self._streams.advance(state[0].T, tokens).T
        return [nodes] if self.cache is None else [nodes, self.cache.advance(state[1], tokens)]

    def _logits(self, own: State, hidden: np.ndarray) -> np.ndarray:
        """Logarithms of probabilities, float32[rows, vocab], from the arrays that are not the network's."""
        gate, network = self._say(hidden)
        if self.cache is None:
            return _logarithms(self._streams.mixture(own[0].T, gate, network))
        found, share = self.cache.followers(own[1]), gate[:, -1]
        gate = gate[:, :-1].copy()
        gate[:, -1] += share * found.rest
        mixed = self._streams.mixture(own[0].T, gate, network)
        found.add(mixed, share)
        return _logarithms(mixed)

    def read_all(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read_all`."""
        logits = np.empty((ids.shape[1], ids.shape[0], self.vocab_size), np.float32)
        for step in range(ids.shape[1]):
            logits[step], state = self.step(ids[:, step], state)
        return logits, state

    def _hear(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """What a network makes of a token a row, [hidden, rows], and its state after; here there is none."""
        return np.zeros((0, len(ids)), np.float32), state

    def _say(self, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The weights of network and experts, float32[rows, 1 + num_experts], and the network's probabilities."""
        rows = hidden.shape[1]
        gate = np.zeros((rows, 1 + self.num_experts), np.float32)
        gate[:, -1] = 1
        return gate, np.zeros((rows, self.vocab_size), np.float32)

    def target_nats(self, ids: np.ndarray, targets: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.target_nats`."""
        found, own = self._targets(ids, targets, state)
        return -np.log(np.maximum(found[..., -1], SMALLEST, dtype=np.float64)).T, own

    def _targets(self, ids: np.ndarray, targets: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """Probabilities of targets by each expert, float32[steps, rows, num_experts], and the own arrays after."""
        walked = self.counts.walk(state[0].T, self._tokens(ids).T)
        flat = walked[1:].reshape(-1, walked.shape[-1])
        found = self.counts.target_probabilities(flat, self._tokens(targets).T.ravel())
        found, nodes = found.reshape(*ids.T.shape, self.counts.order), walked[-1].T
        if self.cache is None:
            return found, [nodes]
        remembered, own = state[1], np.empty((*ids.T.shape, 1), np.float32)
        for step in range(ids.shape[1]):
            remembered = self.cache.advance(remembered, self._tokens(ids[:, step]))
            own[step, :, 0] = self.cache.target_probabilities(
                remembered, self._tokens(targets[:, step]), found[step, :, -1]
            )
        return np.concatenate([found, own], -1), [nodes, remembered]

    def _tokens(self, ids: np.ndarray) -> np.ndarray:
        """Ids as the tokens they are counted as: those that begin a document all are its last one's end."""
        tokens: np.ndarray = np.minimum(ids, self.vocab_size - 1)
        return tokens


class MixtureNetwork(CountsNetwork):
    """A network mixed with n-grams of each order by the weights that its gate gives them at each step.

    The first arrays of its state are those of `CountsNetwork`, the others are the network's.

    Args:
        network: with a gate for each expert.
        counts: n-grams.
        cache: see `CountsNetwork`.
        streams: see `CountsNetwork`.
    """

    def __init__(
        self, network: GatedNetwork, counts: AnyCounts, cache: Cache | None = None, streams: Streams | None = None
    ) -> None:
        super().__init__(counts, cache, streams)
        self._network = network

    def adapted(self) -> MixtureNetwork:
        """See `CountsNetwork.adapted`."""
        return MixtureNetwork(self._network, self.counts, self.cache, _counting_on(self.counts))

    def over(self, network: GatedNetwork) -> MixtureNetwork:
        """The same with another network in the place of its own."""
        return MixtureNetwork(network, self.counts, self.cache, self._streams)

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`."""
        return [*super().initial_state(rows), *self.network_state(rows)]

    def network_state(self, rows: int) -> State:
        """The network's part of `initial_state`."""
        return self._network.initial_state(rows)

    def _hear(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        return self._network.next_hidden(ids, state)

    def _say(self, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._network.gate(hidden).T, self._network.probabilities(hidden)

    def target_nats(self, ids: np.ndarray, targets: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.target_nats`."""
        by_expert, own = self._targets(ids, targets, state)
        nats, after = self.nats_with(by_expert, ids, targets, state[self._arrays :])
        return nats, [*own, *after]

    def nats_with(
        self, by_expert: np.ndarray, ids: np.ndarray, targets: np.ndarray, state: State
    ) -> tuple[np.ndarray, State]:
        """Nats of targets, given what n-grams say of them.

        Args:
            by_expert: float32[steps, rows, num_experts], their probabilities by each expert.
            ids: int32[rows, steps] that are read.
            targets: int32[rows, steps].
            state: of the network alone.

        Returns:
            float64[rows, steps], and the network's state after.
        """
        outputs, after = self._network.outputs(ids, state)  # [hidden, steps * rows]
        own: np.ndarray = np.exp(-token_nats(self._network.logits(outputs), self._tokens(targets).T.ravel()))
        each = np.concatenate([own[:, None], by_expert.reshape(len(own), -1)], 1)
        mixed = -np.log(np.maximum((self._network.gate(outputs).T * each).sum(1), SMALLEST))
        return mixed.reshape(targets.T.shape).T, after


def _counting_on(counts: AnyCounts) -> Streams:
    from textrnn.text.counts.adapt import AdaptedStreams  # with all that counts, which nothing else here needs

    if isinstance(counts, JoinedCounts):
        return counts.followed_by(AdaptedStreams(counts.own))
    return AdaptedStreams(counts)


def _logarithms(probabilities: np.ndarray) -> np.ndarray:
    logarithms: np.ndarray = np.log(np.maximum(probabilities, SMALLEST))
    return logarithms


def earlier_files(folder: Path, number: int | None = None) -> list[Path]:
    """The files of the counts of texts that were learnt from before, the last one first.

    Args:
        folder: of the run.
        number: how many; those that are there, if nothing is said.
    """
    names = (folder / f"counts.{place}.safetensors" for place in itertools.count(1))
    return list(itertools.takewhile(Path.is_file, names) if number is None else itertools.islice(names, number))


def open_counts(path: Path, earlier: Sequence[Path], *, has_end: bool) -> AnyCounts:
    """The counts of a run, with those of the texts that were learnt from before.

    Args:
        path: of the own counts.
        earlier: of the others.
        has_end: whether the last token ends a document.

    Raises:
        RunError: a file is missing or damaged, or they do not belong together.
    """
    own, others = Counts(path), [Counts(file) for file in earlier]
    if any(counts.vocab > own.vocab for counts in others):
        raise RunError(f"{path}: the counts of the texts before do not belong to it; restore them, or remove all")
    return JoinedCounts(own, others, has_end=has_end) if others else own


def predictors(network: Network, folder: Path, cache: Any, vocab_size: int, *, has_end: bool) -> dict[str, Network]:
    """What a run with counts can predict with: the network, the counts, or both.

    Args:
        network: with a gate for each expert.
        folder: of the run; where it has no counts, there is the network alone.
        cache: as run.json has it, see `Cache.to_json`; None for none.
        vocab_size: number of tokens.
        has_end: whether the last token ends a document.

    Raises:
        RunError: the counts do not belong to the network.
    """
    path = folder / COUNTS_FILE
    if not path.is_file() or not isinstance(network, CarriedNetwork) or not network.num_experts:
        return {"network": network}
    counts = open_counts(path, earlier_files(folder), has_end=has_end)
    try:
        found = None if cache is None else Cache.from_json(cache, vocab_size)
    except RunError as error:
        raise RunError(f"{folder / RUN_FILE} is damaged: {error}; train again") from None
    if counts.order + (found is not None) != network.num_experts or counts.vocab != vocab_size:
        raise RunError(f"{path} does not fit the network: it has order {counts.order}; restore it, or remove it")
    both, alone = MixtureNetwork(network, counts, found), CountsNetwork(counts, found)
    return {"mixture": both, "network": network, "counts": alone}
