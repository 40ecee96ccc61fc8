"""How far gradients reach back in time: with each step that they go through they shrink, or grow."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from textrnn.base.errors import DataError
from textrnn.inspect.backward import TracedNetwork
from textrnn.nn.numpy.network import State
from textrnn.nn.numpy.weights import Weights
from textrnn.nn.options import ModelConfig, layer_cells

SMALL = 0.01  # below this share of what it began with, a gradient teaches next to nothing
BAND = (0.1, 0.9)  # quantiles over the windows


@dataclass(frozen=True)
class Curve:
    """What becomes of the gradient on its way back.

    Attributes:
        name: of the network, in words.
        median: float64[distance + 1], over the windows, of its norm as a share of that at distance 0.
        low, high: float64[distance + 1], the quantiles BAND.
        begin: median of its norm at distance 0, in nats per unit of state.
    """

    name: str
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray
    begin: float

    @property
    def reach(self) -> int | None:
        """The distance from which on the median stays below SMALL; None if it does not."""
        large = np.flatnonzero(self.median >= SMALL)
        return int(large[-1]) + 1 if large[-1] + 1 < len(self.median) else None


def windows_of(ids: np.ndarray, *, distance: int, count: int) -> np.ndarray:
    """Windows spread evenly over a text, int32[windows, 2 * distance + 2].

    Their first `distance` tokens let the state become what it is in the midst of a text, the last one is what the loss
    is about.

    Raises:
        DataError: the text is too short for one.

    Example:
        >>> windows_of(np.arange(8), distance=1, count=9)[-1].tolist()
        [4, 5, 6, 7]
    """
    length = 2 * distance + 2
    if len(ids) < length:
        raise DataError(
            f"the text has {len(ids):,} tokens, and --distance {distance} needs at least {length:,}: give a longer "
            "text or a smaller --distance"
        )
    begins = np.unique(np.linspace(0, len(ids) - length, count).astype(np.int64))
    return np.stack([ids[begin : begin + length] for begin in begins]).astype(np.int32)


def gradient_norms(network: TracedNetwork, windows: np.ndarray, distance: int) -> np.ndarray:
    """How large the gradient of the last token's loss is with respect to the states before.

    Args:
        network: what reads.
        windows: int32[windows, steps], of at least distance + 1 steps; the state is zero before each.
        distance: how many steps to go back, at least 1.

    Returns:
        float64[distance + 1, windows]: the Euclidean norm of the gradient with respect to the whole state (of an LSTM
        h and c, of all layers) after the token that is 0, 1, ... tokens before the one that the loss is computed from.

    Reference:
        Bengio, Simard and Frasconi, 1994, Learning long-term dependencies with gradient descent is difficult.
    """
    read, targets = windows[:, :-1].T, windows[:, -1]
    state, states = network.initial_state(len(windows)), deque[State](maxlen=distance)
    for ids in read:
        states.append(state)
        state = network.advance(ids, state)
    gradient = network.loss_gradient(state, targets)
    norms = [_norm(gradient)]
    for ids, before in zip(read[::-1], reversed(states), strict=False):
        gradient = network.back(ids, before, gradient)
        norms.append(_norm(gradient))
    return np.stack(norms)


def _norm(gradient: State) -> np.ndarray:
    total: np.ndarray = np.sqrt(sum((array**2).sum(0) for array in gradient))
    return total


def measure(name: str, network: TracedNetwork, windows: np.ndarray, distance: int) -> Curve:
    """The curve of a network; see `gradient_norms`."""
    norms = gradient_norms(network, windows, distance)
    shares = norms / np.maximum(norms[0], np.finfo(np.float64).tiny)
    low, high = np.quantile(shares, BAND, axis=1)
    return Curve(name, np.median(shares, 1), low, high, float(np.median(norms[0])))


def initial_network(config: ModelConfig, vocab_size: int, rng: np.random.Generator, *, gain: float) -> TracedNetwork:
    """A network as training begins with it: drawn as `textrnn.language_model.network` draws (up to tails cut off).

    Args:
        config: the architecture, of `simple`, `gru` or `lstm` layers.
        vocab_size: number of tokens.
        rng: gives the draws.
        gain: what the orthogonal recurrent weights are multiplied by; 1 is what training begins with.
    """
    units, one_hot = config.units, config.input == "one-hot"
    arrays, width = dict[str, np.ndarray](), vocab_size if one_hot else config.embed
    if not one_hot:
        arrays["embedding/embeddings"] = rng.normal(0, 1, (vocab_size, width))
    for number, cell in enumerate(layer_cells(config)):
        shapes = cell.spec.weights(width, units)
        columns, bias = shapes["kernel"][1], np.zeros(shapes["bias"])
        if cell.cell == "lstm":
            bias[units : 2 * units] = 1.0  # forget gates begin open: Jozefowicz, Zaremba and Sutskever, 2015
        arrays[f"layer{number}/kernel"] = rng.normal(0, width**-0.5, shapes["kernel"])
        arrays[f"layer{number}/recurrent_kernel"] = gain * orthogonal(units, columns, rng)
        arrays[f"layer{number}/bias"] = bias
        width = units
    limit = (6 / (units + vocab_size)) ** 0.5
    arrays["output/bias"] = np.zeros(vocab_size)
    if not config.tied:
        arrays["output/kernel"] = rng.uniform(-limit, limit, (units, vocab_size))
    elif units != config.embed:
        limit = (6 / (units + config.embed)) ** 0.5
        arrays["projection/kernel"] = rng.uniform(-limit, limit, (units, config.embed))
    return TracedNetwork(config, vocab_size, Weights(arrays))


def orthogonal(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """A random matrix float64[rows, columns], columns >= rows, whose rows are orthonormal.

    Reference:
        Saxe, McClelland and Ganguli, 2014, Exact solutions to the nonlinear dynamics of learning in deep linear neural
        networks.

    Example:
        >>> matrix = orthogonal(2, 6, np.random.default_rng(0))
        >>> np.allclose(matrix @ matrix.T, np.eye(2))
        True
    """
    q, r = np.linalg.qr(rng.normal(0, 1, (columns, rows)))
    matrix: np.ndarray = (q * np.sign(np.diag(r))).T
    return matrix
