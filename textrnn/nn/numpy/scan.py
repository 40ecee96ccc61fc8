"""Layers that read many texts at once, in one direction or both, in NumPy: for classifiers, whose texts are all there.

Arrays are [gates, ways, rows, features], a row's features side by side: then the input's share of the gates is copied
by whole rows, each gate is one piece of memory, and both directions go forward in the same few operations. Sigmoids
are 1 / (1 + exp(v)), v having the other sign: NumPy's exp takes half the time of its tanh. So the candidate of the GRU
is tanh(a) = 1 - 2 / (1 + exp(2 a)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from textrnn.base.tasks import named
from textrnn.nn.architectures import cell_spec
from textrnn.nn.numpy.cells import Cell, make_cell

HIGHEST = np.float32(80)  # whose exp can still be added up


@dataclass(frozen=True)
class WindowStep:
    """One step of texts side by side, with its gates in an order of its own.

    Attributes:
        advance: changes the state, a list of float32[ways, rows, units], from the projected input float32[gates, ways,
            rows, units], the product of the output with the recurrent kernel, of that shape, and the candidate's bias.
        gates: where each gate is among those of Keras (LSTM i, f, c, o; GRU z, r, h).
        factors: what the weights of each are multiplied by. A sigmoid's change their sign; the GRU's first gate is
            1 - z = sigmoid(-v), where the sign stays; its last is doubled.
    """

    advance: Callable[[np.ndarray, np.ndarray, list[np.ndarray], np.ndarray], None]
    gates: tuple[int, ...]
    factors: tuple[int, ...]

    def by_gate(self, array: np.ndarray, units: int) -> np.ndarray:
        """float32[any, gates * units] in the order of Keras -> float32[gates, any, units] in ours, with the factors."""
        gates = array.reshape(len(array), -1, units).transpose(1, 0, 2)[list(self.gates)]
        scaled: np.ndarray = gates * np.array(self.factors, np.float32)[:, None, None]
        return scaled


@dataclass(frozen=True)
class Layer:
    """A recurrent layer ready to read.

    Attributes:
        step: of its cell.
        states: arrays that it carries.
        kernel: float32[gates, ways, inputs, units].
        recurrent: float32[gates, ways, units, units], or float32[0] for a cell without recurrent product.
        bias: float32[gates, ways, 1, units].
        candidate_bias: float32[ways, 1, units], twice the recurrent bias of the GRU's candidate; zeros for other cells.
    """

    step: WindowStep
    states: int
    kernel: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray
    candidate_bias: np.ndarray

    def project(self, inputs: np.ndarray) -> np.ndarray:
        """The inputs' share of the gates: float32[rows, inputs] -> float32[gates, ways, rows, units]."""
        projected: np.ndarray = np.matmul(inputs, self.kernel)
        projected += self.bias
        return projected


def make_layer(kind: str, ways: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Layer | SteppedLayer:
    """Prepares the weights of a Keras layer.

    Args:
        kind: the name of a cell, see `textrnn.nn.architectures`.
        ways: of each direction kernel, recurrent kernel and bias, as `textrnn.nn.numpy.cells.make_cell` takes them.
    """
    spec = cell_spec(kind)
    if spec.window_step is None:
        return SteppedLayer([make_cell(kind, *weights) for weights in ways])
    step: WindowStep = named(spec.window_step)
    candidates = []
    kernels, recurrents, biases = [], [], []
    for kernel, recurrent, bias in ways:
        units = len(recurrent)
        candidate = np.zeros(units, np.float32)
        if spec.biases == 2:
            candidate = 2 * bias[1, 2 * units :]
            bias = np.concatenate([bias[0, : 2 * units] + bias[1, : 2 * units], bias[0, 2 * units :]])
        kernels.append(step.by_gate(kernel, units))
        recurrents.append(step.by_gate(recurrent, units) if recurrent.size else recurrent)
        biases.append(step.by_gate(bias[None], units))
        candidates.append(candidate[None])
    kernel, recurrent, bias = (np.stack(arrays, 1) for arrays in (kernels, recurrents, biases))
    return Layer(step, spec.states, kernel, recurrent, bias, np.stack(candidates))


class SteppedLayer:
    """A layer of a cell that has one step only, for any number of rows, and no faster one for windows.

    Args:
        cells: of each direction.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._cells = cells

    def project(self, inputs: np.ndarray) -> np.ndarray:
        """See `Layer.project`."""
        rows, units = len(inputs), self._cells[0].units
        by_way = [cell.project(inputs.T).reshape(-1, units, rows).transpose(0, 2, 1) for cell in self._cells]
        return np.ascontiguousarray(np.stack(by_way, 1))

    def scan(self, projected: np.ndarray, index: np.ndarray, counts: Sequence[int]) -> Iterator[np.ndarray]:
        """See `scan`."""
        units, begin = projected.shape[-1], 0
        states = [cell.initial_state(counts[0]) for cell in self._cells]
        outputs = np.zeros((len(self._cells), counts[0], units), np.float32)
        for count in counts:
            x = projected[:, index[:, begin : begin + count]]  # [gates, ways, count, units]
            begin += count
            for way, cell in enumerate(self._cells):
                own = np.ascontiguousarray(x[:, way].transpose(0, 2, 1)).reshape(-1, count)
                states[way] = cell.step(own, [array[:, :count] for array in states[way]])
                outputs[way, :count] = cell.output(states[way]).T
            yield outputs[:, :count]


def scan(
    layer: Layer | SteppedLayer, projected: np.ndarray, index: np.ndarray, counts: Sequence[int]
) -> Iterator[np.ndarray]:
    """Reads texts from the longest to the shortest, step by step; one that has ended takes no more time.

    Args:
        layer: its weights.
        projected: float32[gates, ways * inputs, units], made by `Layer.project`, the directions one after another.
        index: int64[ways, tokens], which of these inputs comes at each step of each text, by steps, then by texts.
        counts: for each step how many texts have it; these are the first ones.

    Yields:
        The output of each step, float32[ways, count, units], a view that the next step changes.
    """
    if isinstance(layer, SteppedLayer):
        yield from layer.scan(projected, index, counts)
        return
    gates, ways, units = len(layer.kernel), layer.kernel.shape[1], projected.shape[-1]
    rows = counts[0]
    state = [np.zeros((ways, rows, units), np.float32) for _ in range(layer.states)]
    candidate_bias = np.repeat(layer.candidate_bias, rows, 1)
    inputs, work = (np.empty(gates * ways * rows * units, np.float32) for _ in range(2))
    step, begin = layer.step.advance, 0
    for count in counts:
        shape = (gates, ways, count, units)
        x, z = (buffer[: gates * ways * count * units].reshape(shape) for buffer in (inputs, work))
        np.take(projected, index[:, begin : begin + count], axis=1, out=x, mode="clip")
        begin += count
        now = [array[:, :count] for array in state]
        if layer.recurrent.size:
            np.matmul(now[0], layer.recurrent, out=z)
        step(x, z, now, candidate_bias[:, :count])
        yield now[0]


def _sigmoid(negated: np.ndarray) -> None:
    """1 / (1 + exp(v)), in place; an exp that is too large to be written gives 0, as it should."""
    np.exp(negated, out=negated)
    negated += 1
    np.reciprocal(negated, out=negated)


def _simple_step(x: np.ndarray, z: np.ndarray, state: list[np.ndarray], candidate_bias: np.ndarray) -> None:
    """h' = tanh(W x + U h + b)."""
    z += x
    np.tanh(z[0], out=state[0])


def _gru_step(x: np.ndarray, z: np.ndarray, state: list[np.ndarray], candidate_bias: np.ndarray) -> None:
    """u = 1 - sigmoid(W x + U h + b), r = sigmoid(same); g = tanh(W x + b + r * (U h + c)); h' = h - u * (h - g)."""
    h, sigmoids, candidate = state[0], z[:2], z[2]
    sigmoids += x[:2]
    _sigmoid(sigmoids)
    candidate += candidate_bias
    candidate *= z[1]
    candidate += x[2]
    _sigmoid(candidate)  # (1 - g) / 2
    candidate *= 2
    candidate += h
    candidate -= 1
    candidate *= z[0]
    h -= candidate


def _lstm_step(x: np.ndarray, z: np.ndarray, state: list[np.ndarray], candidate_bias: np.ndarray) -> None:
    """i, f, o = sigmoid(W x + U h + b); g = tanh(same); c' = f * c + i * g; h' = o * tanh(c')."""
    (h, c), sigmoids, candidate = state, z[:3], z[3]
    z += x
    _sigmoid(sigmoids)
    np.tanh(candidate, out=candidate)
    candidate *= z[0]
    c *= z[1]
    c += candidate
    np.tanh(c, out=h)
    h *= z[2]


def _mingru_step(x: np.ndarray, z: np.ndarray, state: list[np.ndarray], candidate_bias: np.ndarray) -> None:
    """z = sigmoid(W x + b); g = W x + b; h' = h + z * (g - h)."""
    _sigmoid(x[0])
    _go_towards(x[1], state[0], x[0])


def _minlstm_step(x: np.ndarray, z: np.ndarray, state: list[np.ndarray], candidate_bias: np.ndarray) -> None:
    """f, i = sigmoid(W x + b); g = W x + b; h' = h + i / (f + i) * (g - h)."""
    inverses = x[:2]  # of f and i
    np.minimum(inverses, HIGHEST, out=inverses)
    np.exp(inverses, out=inverses)
    inverses += 1
    x[1] += x[0]
    x[0] /= x[1]
    _go_towards(x[2], state[0], x[0])


def _go_towards(g: np.ndarray, h: np.ndarray, share: np.ndarray) -> None:
    """Lets the state go this share of its way to what comes in."""
    g -= h
    g *= share
    h += g


# By the names in `textrnn.nn.architectures`.
SIMPLE = WindowStep(_simple_step, gates=(0,), factors=(1,))
GRU = WindowStep(_gru_step, gates=(0, 1, 2), factors=(1, -1, 2))
LSTM = WindowStep(_lstm_step, gates=(0, 1, 3, 2), factors=(-1, -1, -1, 1))
MINGRU = WindowStep(_mingru_step, gates=(0, 1), factors=(-1, 1))
MINLSTM = WindowStep(_minlstm_step, gates=(0, 1, 2), factors=(-1, -1, 1))
