"""A classifier with an echo state network: fixed random weights, their states pooled, and a readout of classes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np

from textrnn.classifier.network_request import FittedNetwork, NetworkRequest
from textrnn.nn.numpy.reservoir import Reservoir
from textrnn.nn.numpy.reservoir_draw import make_reservoir
from textrnn.nn.numpy.ridge import Sums
from textrnn.nn.numpy.weights import Weights

RIDGES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)  # for each text; the one that does best on texts held out is taken
TUNED_EVERY = 10  # texts of which one is held out for that
BLOCK = 512  # texts read at a time
READING_SHARE = 0.8  # of the time; texts that are not read in it are not learnt from
SHARPNESS = 8.0  # scores of 0 and 1 are far apart; the temperature that is fitted later does the rest


def pooled_states(
    reservoir: Reservoir, texts: Sequence[np.ndarray], pools: Sequence[str], rows: int = 128
) -> np.ndarray:
    """The states of whole texts in one vector each.

    Args:
        reservoir: what reads.
        texts: int[steps] each, with at least one step.
        pools: of `last`, `mean`, `max`, side by side in this order.
        rows: texts that are read at a time.

    Returns:
        float32[texts, pools * units].
    """
    found = np.empty((len(texts), len(pools) * reservoir.units), np.float32)
    order = np.argsort([-len(ids) for ids in texts], kind="stable")
    for begin in range(0, len(order), rows):
        some = order[begin : begin + rows]
        pooled = _pooled(reservoir, [texts[row] for row in some])
        found[some] = np.concatenate([pooled[name] for name in pools]).T
    return found


def _pooled(reservoir: Reservoir, texts: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """float32[units, texts] of each pool, of texts from the longest to the shortest."""
    state = np.zeros((reservoir.units, len(texts)), np.float32)
    last, total, most = state.copy(), state.copy(), np.full_like(state, -np.inf)
    for ids in _by_steps(texts):
        count = len(ids)
        state = reservoir.step(ids, np.ascontiguousarray(state[:, :count]))
        last[:, :count] = state
        total[:, :count] += state
        np.maximum(most[:, :count], state, out=most[:, :count])
    total /= np.array([len(ids) for ids in texts], np.float32)
    return dict(last=last, mean=total, max=most)


def _by_steps(texts: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """For each step the tokens of those texts that have it, of texts from the longest to the shortest."""
    for step in range(len(texts[0])):
        yield np.array([ids[step] for ids in texts if len(ids) > step])


class ReservoirClassifier:
    """A classifier with a reservoir and a readout, see `RecurrentClassifier`.

    Args:
        reservoir: the fixed part.
        kernel: float32[pools * units, classes].
        bias: float32[classes].
        pools: how states become one vector.
    """

    def __init__(self, reservoir: Reservoir, kernel: np.ndarray, bias: np.ndarray, pools: Sequence[str]) -> None:
        self.reservoir, self._kernel, self._bias, self._pools = reservoir, kernel, bias, list(pools)

    @classmethod
    def load(
        cls, weights: Weights, vocab_size: int, units: int, num_classes: int, pools: Sequence[str]
    ) -> ReservoirClassifier:
        """The network of a run; raises RunError if the weights are not those of one."""
        reservoir = Reservoir.load(weights, vocab_size, units)
        kernel = weights.get("readout/kernel", units * len(pools), num_classes)
        return cls(reservoir, kernel, weights.get("readout/bias", num_classes), pools)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The arrays of a run by name."""
        return {**self.reservoir.to_arrays(), "readout/kernel": self._kernel, "readout/bias": self._bias}

    def logits(self, texts: Sequence[np.ndarray]) -> np.ndarray:
        """Logits float32[texts, classes] of texts as ids, int[steps] with at least one step each."""
        logits: np.ndarray = pooled_states(self.reservoir, texts, self._pools) @ self._kernel + self._bias
        return logits


def fit_reservoir(request: NetworkRequest) -> FittedNetwork:
    """Fits one classifier in one pass over the texts: pooled states, and a ridge regression on one-hot classes."""
    config, texts, seed, weights = request.config, request.texts, request.random_seed, request.row_weights
    begin, encoder = time.monotonic(), config.encoder
    reservoir = make_reservoir(config.reservoir, request.vocab_size, encoder.units, seed)
    learnt, tuned = (Sums(len(encoder.pools) * encoder.units, request.kind.num_outputs) for _ in range(2))
    blocks, order = (
        list[tuple[np.ndarray, np.ndarray, np.ndarray]](),
        np.random.default_rng(seed).permutation(len(texts)),
    )
    for first in range(0, len(order), BLOCK):
        rows = order[first : first + BLOCK]
        block = np.ones((learnt.gram.shape[0], len(rows)))
        block[:-1] = pooled_states(reservoir, [texts[row] for row in rows], encoder.pools).T
        own = request.labels[rows]
        some = np.arange(len(rows)) % TUNED_EVERY == 0
        for sums, part in ((learnt, ~some), (tuned, some)):
            sums.add(np.ascontiguousarray(block[:, part]), own[part], weights[rows[part]])
        blocks.append((block[:, some], own[some], weights[rows[some]]))
        late = (time.monotonic() - begin) / (READING_SHARE * request.seconds)
        request.on_step(min(1.0, max(late, (first + len(rows)) / len(order))), 0.0)
        if late > 1 or request.interrupted():
            break
    ridge = config.reservoir.ridge or min(RIDGES, key=lambda one: _squared_error(learnt.solve(one), blocks))
    learnt.merge(tuned)
    kernel, bias = learnt.solve(ridge)
    model = ReservoirClassifier(reservoir, SHARPNESS * kernel, SHARPNESS * bias, encoder.pools)
    outputs = model.logits(request.held) if request.held else np.zeros((0, request.kind.num_outputs), np.float32)
    return FittedNetwork(model.to_arrays(), outputs)


def _squared_error(
    readout: tuple[np.ndarray, np.ndarray], blocks: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]
) -> float:
    """The sum of squared errors on texts that were held out."""
    total, (kernel, bias) = 0.0, readout
    for block, labels, weights in blocks:
        errors = block[:-1].T @ kernel + bias
        errors[np.arange(len(labels)), labels] -= 1
        total += float((weights * (errors**2).sum(1)).sum())
    return total
