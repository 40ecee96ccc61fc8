"""An echo state network in NumPy: fixed random connections, and a readout whose scores become probabilities.

    pre    = W_in[token] + b + W h          W: a few connections to each unit
    h'     = (1 - leak) h + leak tanh(pre)
    scores = h' R + r                        R, r: ridge regression on one-hot tokens
    logits = power ln(width softplus(scores / width)) + slope scores + prior[token]

The scores of a regression on one-hot tokens are estimates of probabilities, some of them below zero. The last line
makes logits of them: beside the scores counts what is known without a reservoir, how often a token follows the one
before. Its few numbers were fitted on text which the readout had not learnt from.

Reference:
    H. Jaeger, 2001, The "echo state" approach to analysing and training recurrent neural networks.
    M. Lukosevicius, 2012, A practical guide to applying echo state networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textrnn.base.errors import RunError
from textrnn.nn.numpy.network import State, TargetNats
from textrnn.nn.numpy.weights import Weights

SMALLEST = 1e-30  # a probability below which logarithms end


@dataclass(frozen=True)
class Reservoir:
    """The part of an echo state network that is never learnt.

    Attributes:
        inputs: float32[vocab, units], what each token adds to each unit.
        index: int64[connections, units], the units that each unit reads.
        weights: float32[connections, units], how much of them.
        leak: share of the state that is new at each step.
    """

    inputs: np.ndarray
    index: np.ndarray
    weights: np.ndarray
    leak: float

    @property
    def units(self) -> int:
        """Number of units."""
        return int(self.inputs.shape[1])

    def recur(self, state: np.ndarray) -> np.ndarray:
        """W h: float32[units, rows] -> a new float32[units, rows]."""
        if state.shape[1] == 1:
            row: np.ndarray = np.einsum("ku,ku->u", self.weights, state[:, 0][self.index])
            return row[:, None]
        total: np.ndarray = state[self.index[0]]
        total *= self.weights[0][:, None]
        for index, weights in zip(self.index[1:], self.weights[1:], strict=True):
            read = state[index]
            read *= weights[:, None]
            total += read
        return total

    def step(self, ids: np.ndarray, state: np.ndarray) -> np.ndarray:
        """The state float32[units, rows] after one token a row, int[rows]."""
        new = self.recur(state)
        new += self.inputs[ids].T
        np.tanh(new, out=new)
        if self.leak < 1:
            new *= np.float32(self.leak)
            new += np.float32(1 - self.leak) * state
        return new

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The arrays of a run by name."""
        return {
            "reservoir/inputs": self.inputs,
            "reservoir/index": self.index.astype(np.int32),
            "reservoir/weights": self.weights,
            "reservoir/leak": np.array([self.leak], np.float32),
        }

    @classmethod
    def load(cls, weights: Weights, vocab_size: int, units: int) -> Reservoir:
        """The inverse of `to_arrays`; raises RunError if the arrays are not those of a reservoir."""
        inputs, strengths = (
            weights.get("reservoir/inputs", vocab_size, units),
            weights.get("reservoir/weights", None, units),
        )
        index, leak = weights.get("reservoir/index", len(strengths), units), float(weights.get("reservoir/leak", 1)[0])
        if not len(index) or not ((index >= 0) & (index < units)).all():
            raise RunError(f"the weights do not fit the model: reservoir/index has to name units below {units}")
        if not 0 < leak <= 1:
            raise RunError(
                f"the weights do not fit the model: reservoir/leak is {leak}, expected above 0 and at most 1"
            )
        return cls(inputs, index.astype(np.int64), strengths, leak)


@dataclass(frozen=True)
class Calibration:
    """How scores become logits.

    Attributes:
        width: float32[vocab], of the rounded corner at score 0.
        power: factor of the logarithm of what is above it.
        slope: factor of the score itself.
        prior: float32[vocab, vocab], for each token logits of the next; float32[1, vocab] if they are the same for all.
    """

    width: np.ndarray
    power: float
    slope: float
    prior: np.ndarray

    def __call__(self, scores: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Scores float32[rows, vocab] after the tokens int[rows] -> logits float32[rows, vocab]."""
        logits = log_softplus(scores, self.width)
        logits *= np.float32(self.power)
        logits += np.float32(self.slope) * scores
        logits += self.prior[before] if len(self.prior) > 1 else self.prior
        return logits

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The arrays of a run by name."""
        factors = np.array([self.power, self.slope], np.float32)
        return {"calibration/width": self.width, "calibration/factors": factors, "calibration/prior": self.prior}

    @classmethod
    def load(cls, weights: Weights, vocab_size: int) -> Calibration:
        """The inverse of `to_arrays`; raises RunError if the arrays are not those of a calibration."""
        width, prior = weights.get("calibration/width", vocab_size), weights.get("calibration/prior", None, vocab_size)
        power, slope = map(float, weights.get("calibration/factors", 2))
        if not (width > 0).all() or len(prior) not in (1, vocab_size):
            raise RunError(
                "the weights do not fit the model: calibration/width has to be above 0, calibration/prior a row for "
                "each token, or one"
            )
        return cls(width, power, slope, prior)


def log_softplus(scores: np.ndarray, width: np.ndarray) -> np.ndarray:
    """ln(width ln(1 + exp(scores / width))): about ln(scores) where they are clearly above 0, and finite below.

    Example:
        >>> log_softplus(np.array([0.5, 0.0, -0.5]), np.array([0.1])).round(2).tolist()
        [-0.69, -2.67, -7.31]
    """
    scaled = scores / width
    soft = np.abs(scaled)
    np.negative(soft, out=soft)
    np.exp(soft, out=soft)
    np.log1p(soft, out=soft)
    soft += np.maximum(scaled, 0)
    # Far below 0 it is exp(scaled) of which float32 has nothing left.
    found: np.ndarray = np.where(scaled > -15, np.log(np.maximum(soft, SMALLEST)), scaled) + np.log(width)
    return found


class ReservoirNetwork(TargetNats):
    """The language model of an echo state network, see `Network`.

    Args:
        reservoir: the fixed part.
        kernel: float32[units, vocab], the readout.
        bias: float32[vocab].
        calibration: scores to logits.
    """

    def __init__(self, reservoir: Reservoir, kernel: np.ndarray, bias: np.ndarray, calibration: Calibration) -> None:
        self.reservoir, self.vocab_size, self._calibration = reservoir, len(bias), calibration
        self._kernel, self._bias = np.ascontiguousarray(kernel.T), bias  # [vocab, units]

    @classmethod
    def load(cls, weights: Weights, vocab_size: int, units: int) -> ReservoirNetwork:
        """The network of a run; raises RunError if the weights are not those of one."""
        reservoir = Reservoir.load(weights, vocab_size, units)
        kernel, bias = weights.get("readout/kernel", units, vocab_size), weights.get("readout/bias", vocab_size)
        return cls(reservoir, kernel, bias, Calibration.load(weights, vocab_size))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The arrays of a run by name."""
        kernel = np.ascontiguousarray(self._kernel.T)
        readout = {"readout/kernel": kernel, "readout/bias": self._bias}
        return {**self.reservoir.to_arrays(), **readout, **self._calibration.to_arrays()}

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`."""
        return [np.zeros((self.reservoir.units, rows), np.float32)]

    def step(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.step`."""
        hidden = self.reservoir.step(ids, state[0])
        return self._logits(hidden, ids), [hidden]

    def read(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read`."""
        hidden = state[0]
        for step in range(len(ids)):
            hidden = self.reservoir.step(ids[step : step + 1], hidden)
        return self._logits(hidden, ids[-1:]), [hidden]

    def read_all(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read_all`."""
        rows, steps = ids.shape
        states = np.empty((self.reservoir.units, steps * rows), np.float32)
        hidden = read_states(self.reservoir, ids, state[0], states)
        return self._logits(states, ids.T.ravel()).reshape(steps, rows, self.vocab_size), [hidden]

    def _logits(self, hidden: np.ndarray, before: np.ndarray) -> np.ndarray:
        """States float32[units, rows] after the tokens int[rows] -> float32[rows, vocab]."""
        return self._calibration((self._kernel @ hidden).T + self._bias, before)


def read_states(reservoir: Reservoir, ids: np.ndarray, state: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Reads tokens of texts side by side and keeps all states.

    Args:
        reservoir: what reads.
        ids: int[rows, steps].
        state: float32[units, rows], before them.
        states: float32[units or more, steps * rows], where the states go, in the order of the steps.

    Returns:
        the state after them, float32[units, rows].
    """
    rows, steps = ids.shape
    for step in range(steps):
        state = reservoir.step(ids[:, step], state)
        states[: reservoir.units, step * rows : (step + 1) * rows] = state
    return state
