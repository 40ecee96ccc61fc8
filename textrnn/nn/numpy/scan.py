"""Layers that read many texts at once, in one direction or both, in NumPy: for classifiers, whose texts are all there.

Arrays are [gates, ways, rows, features], a row's features side by side: then the input's share of the gates is copied
by whole rows, each gate is one piece of memory, and both directions go forward in the same few operations. Sigmoids
are 1 / (1 + exp(v)), v having the other sign: NumPy's exp takes half the time of its tanh. So the candidate of the GRU
is tanh(a) = 1 - 2 / (1 + exp(2 a)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from textrnn.base.tasks import named
from textrnn.nn.architectures import CellSpec
from textrnn.nn.numpy.cells import Arrays, Cell, Named, make_cell

HIGHEST = np.float32(80)  # whose exp can still be added up
# Takes the inputs' share of the gates, the state's share, the state, which is changed in place, and the GRU's
# candidate bias.
Advance = Callable[[np.ndarray, np.ndarray, Arrays, np.ndarray], None]


@dataclass(frozen=True)
class WindowStep:
    """A step of a cell for many texts at once.

    Attributes:
        gates: where each gate of ours is among those of Keras (LSTM i, f, c, o; GRU z, r, h).
        factors: what the weights of each gate of ours are multiplied by. Sigmoids change the sign; but the GRU's first
            gate is 1 - z = sigmoid(-v), and its last is doubled.
        advance: the step.
    """

    gates: tuple[int, ...]
    factors: tuple[int, ...]
    advance: Advance

    def by_gate(self, array: np.ndarray, units: int) -> np.ndarray:
        """float32[any, gates * units] in the order of Keras -> float32[gates, any, units] in ours, with our factors."""
        gates = array.reshape(len(array), -1, units).transpose(1, 0, 2)[list(self.gates)]
        scaled: np.ndarray = gates * np.array(self.factors, np.float32)[:, None, None]
        return scaled


class Layer(Protocol):
    """A recurrent layer that reads many texts at once, in one direction or both."""

    @property
    def units(self) -> int:
        """Width of its output, in each direction."""

    def project(self, inputs: np.ndarray) -> np.ndarray:
        """The inputs' share of each step: float32[rows, inputs] -> float32[gates, ways, rows, width]."""

    def scan(self, projected: np.ndarray, index: np.ndarray, counts: Sequence[int]) -> Iterator[np.ndarray]:
        """Reads texts from the longest to the shortest, step by step; one that has ended takes no more time.

        Args:
            projected: float32[gates, ways * inputs, width], made by `project`, the directions one after another.
            index: int64[ways, tokens], which of these inputs comes at each step of each text, by steps, then by texts.
            counts: for each step how many texts have it; these are the first ones.

        Yields:
            The output of each step, float32[ways, count, units], a view that the next step changes.
        """


def make_layer(spec: CellSpec, units: int, ways: Sequence[Named]) -> Layer:
    """Prepares the weights of a Keras layer.

    Args:
        spec: the entry of its cell.
        units: width of its output, in each direction.
        ways: the weights of each direction, named and shaped as `spec.weights` says.
    """
    if spec.windows is None:
        return StepLayer([make_cell(spec, units, arrays) for arrays in ways])
    step: WindowStep = named(spec.windows)
    kernels, recurrents, biases, candidates = [], [], [], []
    for arrays in ways:
        bias, candidate = arrays["bias"], np.zeros(units, np.float32)
        if bias.ndim == 2:  # that of the state too: outside of the reset gate both are one
            candidate = 2 * bias[1, 2 * units :]
            bias = np.concatenate([bias[0, : 2 * units] + bias[1, : 2 * units], bias[0, 2 * units :]])
        kernels.append(step.by_gate(arrays["kernel"], units))
        if "recurrent_kernel" in arrays:
            recurrents.append(step.by_gate(arrays["recurrent_kernel"], units))
        biases.append(step.by_gate(bias[None], units))
        candidates.append(candidate[None])
    recurrent = np.stack(recurrents, 1) if recurrents else None
    return GatedLayer(
        step, len(spec.states), np.stack(kernels, 1), recurrent, np.stack(biases, 1), np.stack(candidates)
    )


@dataclass(frozen=True)
class GatedLayer:
    """A `Layer` of a cell that has a `WindowStep`.

    Attributes:
        step: its step.
        num_states: arrays of its state.
        kernel: float32[gates, ways, inputs, units].
        recurrent: float32[gates, ways, units, units], or None for a cell without recurrent product.
        bias: float32[gates, ways, 1, units].
        candidate_bias: float32[ways, 1, units], twice the recurrent bias of the GRU's candidate; zeros for other cells.
    """

    step: WindowStep
    num_states: int
    kernel: np.ndarray
    recurrent: np.ndarray | None
    bias: np.ndarray
    candidate_bias: np.ndarray

    @property
    def units(self) -> int:
        """Width of its output, in each direction."""
        return int(self.kernel.shape[-1])

    def project(self, inputs: np.ndarray) -> np.ndarray:
        """See `Layer.project`; the width is that of the units."""
        projected: np.ndarray = np.matmul(inputs, self.kernel)
        projected += self.bias
        return projected

    def scan(self, projected: np.ndarray, index: np.ndarray, counts: Sequence[int]) -> Iterator[np.ndarray]:
        """See `Layer.scan`."""
        gates, ways, units = len(self.kernel), self.kernel.shape[1], self.units
        rows = counts[0]
        state = [np.zeros((ways, rows, units), np.float32) for _ in range(self.num_states)]
        candidate_bias = np.repeat(self.candidate_bias, rows, 1)
        inputs, work = (np.empty(gates * ways * rows * units, np.float32) for _ in range(2))
        advance, begin = self.step.advance, 0
        for count in counts:
            shape = (gates, ways, count, units)
            x, z = (buffer[: gates * ways * count * units].reshape(shape) for buffer in (inputs, work))
            np.take(projected, index[:, begin : begin + count], axis=1, out=x, mode="clip")
            begin += count
            now = [array[:, :count] for array in state]
            if self.recurrent is not None:
                np.matmul(now[0], self.recurrent, out=z)
            advance(x, z, now, candidate_bias[:, :count])
            yield now[0]


class StepLayer:
    """A `Layer` of any cell, by its step; slower than a `GatedLayer`.

    Args:
        cells: the cell of each direction.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._cells = cells

    @property
    def units(self) -> int:
        """Width of its output, in each direction."""
        return self._cells[0].units

    def project(self, inputs: np.ndarray) -> np.ndarray:
        """See `Layer.project`; all gates are one."""
        return np.stack([cell.project(inputs.T).T for cell in self._cells])[None]

    def scan(self, projected: np.ndarray, index: np.ndarray, counts: Sequence[int]) -> Iterator[np.ndarray]:
        """See `Layer.scan`."""
        states = [cell.initial_state(counts[0]) for cell in self._cells]
        outputs, begin = np.zeros((len(states), counts[0], self.units), np.float32), 0
        for count in counts:
            for way, cell in enumerate(self._cells):
                x = np.ascontiguousarray(projected[0, index[way, begin : begin + count]].T)
                now = [np.ascontiguousarray(array[:, :count]) for array in states[way]]
                states[way] = cell.step(x, now)
                outputs[way, :count] = cell.output(states[way]).T
            begin += count
            yield outputs[:, :count]


def _sigmoid(negated: np.ndarray) -> None:
    """1 / (1 + exp(v)), in place; an exp that is too large to be written gives 0, as it should."""
    np.exp(negated, out=negated)
    negated += 1
    np.reciprocal(negated, out=negated)


def _simple_step(x: np.ndarray, z: np.ndarray, state: Arrays, candidate_bias: np.ndarray) -> None:
    """h' = tanh(W x + U h + b)."""
    z += x
    np.tanh(z[0], out=state[0])


def _gru_step(x: np.ndarray, z: np.ndarray, state: Arrays, candidate_bias: np.ndarray) -> None:
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


def _lstm_step(x: np.ndarray, z: np.ndarray, state: Arrays, candidate_bias: np.ndarray) -> None:
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


def _mingru_step(x: np.ndarray, z: np.ndarray, state: Arrays, candidate_bias: np.ndarray) -> None:
    """z = sigmoid(W x + b); g = W x + b; h' = h + z * (g - h)."""
    _sigmoid(x[0])
    _go_towards(x[1], state[0], x[0])


def _minlstm_step(x: np.ndarray, z: np.ndarray, state: Arrays, candidate_bias: np.ndarray) -> None:
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


SIMPLE = WindowStep((0,), (1,), _simple_step)
GRU = WindowStep((0, 1, 2), (1, -1, 2), _gru_step)
LSTM = WindowStep((0, 1, 3, 2), (-1, -1, -1, 1), _lstm_step)
MINGRU = WindowStep((0, 1), (-1, 1), _mingru_step)
MINLSTM = WindowStep((0, 1, 2), (-1, -1, 1), _minlstm_step)
