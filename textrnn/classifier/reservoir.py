"""A classifier with an echo state network in NumPy: pooled states of whole texts, and a readout of classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from textrnn.nn.numpy.reservoir import Reservoir
from textrnn.nn.numpy.weights import Weights


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
