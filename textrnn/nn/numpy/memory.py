"""The controller with an external memory in NumPy: the equations are in `textrnn/nn/keras/memory.py`.

Arrays are [features, rows], as those of the other cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from textrnn.nn.memory_options import EMPTY, SHIFTS, SOFT, TINY, MemorySizes
from textrnn.nn.numpy.cells import Arrays
from textrnn.nn.numpy.weights import Weights


@dataclass(frozen=True)
class MemoryCell:
    """A controller with its memory, ready to step.

    Attributes:
        sizes: of it all.
        kernel: float32[gates * units, inputs].
        recurrent: float32[gates * units, recurrent].
        bias: float32[gates * units, 1].
        head: float32[told, units].
        head_bias: float32[told, 1].
        read: float32[units, reads].
        kind: `memory`.
    """

    sizes: MemorySizes
    kernel: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray
    head: np.ndarray
    head_bias: np.ndarray
    read: np.ndarray
    kind: str = field(default="memory", init=False)

    @property
    def num_states(self) -> int:
        """Arrays of its state."""
        return len(self.sizes.state)

    def project(self, inputs: np.ndarray) -> np.ndarray:
        """The input's share of the controller: float32[inputs, any] -> float32[gates * units, any]."""
        projected: np.ndarray = np.dot(self.kernel, inputs) + self.bias
        return projected

    def initial_state(self, rows: int) -> Arrays:
        """An empty memory, each head at its first slot; float32[width, rows] for each width of `MemorySizes.state`."""
        *begin, memory, weights = (np.zeros((width, rows), np.float32) for width in self.sizes.state)
        weights[:: self.sizes.slots] = 1
        return [*begin, memory + np.float32(EMPTY), weights]

    def output(self, state: Arrays) -> np.ndarray:
        """What it puts out after a step, float32[units, rows]."""
        shown: np.ndarray = np.dot(self.read, state[-3])
        shown += state[0]
        return shown

    def step(self, projected: np.ndarray, state: Arrays) -> Arrays:
        """The state after one step from the projected input, float32[gates * units, rows]."""
        sizes, rows = self.sizes, projected.shape[1]
        *own, reads, flat, weights = state
        own = self._controller(projected, own, reads)
        memory = flat.reshape(sizes.slots, sizes.width, rows)
        told = np.split(np.dot(self.head, own[0]) + self.head_bias, np.cumsum(sizes.pieces)[:-1])
        key, add, erase, *others = told
        weights = weights.reshape(2 * sizes.heads, sizes.slots, rows)
        weights = self._address(memory, weights, np.tanh(key), others)
        reading, writing = np.split(weights, 2)
        reads = np.einsum("hsr,swr->hwr", reading, memory).reshape(sizes.reads, rows)
        add, erase = (a.reshape(sizes.heads, sizes.width, rows) for a in (np.tanh(add), _sigmoid(erase)))
        for weight, erased in zip(writing, erase, strict=True):
            memory = memory * (1 - weight[:, None] * erased)
        for weight, added in zip(writing, add, strict=True):
            memory = memory + weight[:, None] * added
        return [*own, reads, memory.reshape(flat.shape), weights.reshape(-1, rows)]

    def _controller(self, projected: np.ndarray, own: Arrays, reads: np.ndarray) -> Arrays:
        if self.sizes.controller == "dense":
            return [np.tanh(projected + np.dot(self.recurrent, reads))]
        h, c = own
        z = projected + np.dot(self.recurrent, np.concatenate([h, reads]))
        i, f, g, o = np.split(z, 4)
        c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
        return [_sigmoid(o) * np.tanh(c), c]

    def _address(
        self, memory: np.ndarray, weights: np.ndarray, key: np.ndarray, others: Sequence[np.ndarray]
    ) -> np.ndarray:
        sizes, rows = self.sizes, memory.shape[2]
        gate, strength, sharp, shift = others
        key = key.reshape(2 * sizes.heads, sizes.width, rows)
        lengths = np.sqrt((np.square(key).sum(1) + SOFT)[:, None] * (np.square(memory).sum(1) + SOFT))
        content = _softmax(_softplus(strength)[:, None] * np.einsum("kwr,swr->ksr", key, memory) / lengths)
        gate = _sigmoid(gate)[:, None]
        mixed = gate * content + (1 - gate) * weights
        back, stay, on = _softmax(shift.reshape(2 * sizes.heads, SHIFTS, rows)).transpose(1, 0, 2)[:, :, None]
        moved = back * np.roll(mixed, -1, 1) + stay * mixed + on * np.roll(mixed, 1, 1)
        return _softmax(np.log(moved + np.float32(TINY)) * (1 + _softplus(sharp))[:, None])


@dataclass(frozen=True)
class MemoryLayer:
    """A layer with a memory, for classifiers: what `textrnn.nn.numpy.scan.Layer` is for other cells."""

    cell: MemoryCell

    def project(self, inputs: np.ndarray) -> np.ndarray:
        """The inputs' share of the controller: float32[rows, inputs] -> float32[gates, 1, rows, units]."""
        by_unit = self.cell.project(inputs.T).reshape(self.cell.sizes.gates, 1, self.cell.sizes.units, -1)
        return np.ascontiguousarray(by_unit.transpose(0, 1, 3, 2))

    def scan(self, projected: np.ndarray, index: np.ndarray, counts: Sequence[int]) -> Iterator[np.ndarray]:
        """As `textrnn.nn.numpy.scan.scan`: reads texts from the longest to the shortest, step by step.

        Args:
            projected: float32[gates, inputs, units], the inputs' share of the controller.
            index: int64[1, tokens], which of these inputs comes at each step of each text, by steps, then by texts.
            counts: for each step how many texts have it; these are the first ones.

        Yields:
            The output of each step, float32[1, count, units], a view that the next step changes.
        """
        by_input = projected.transpose(1, 0, 2).reshape(projected.shape[1], -1)
        state, begin = self.cell.initial_state(counts[0]), 0
        outputs = np.zeros((1, counts[0], self.cell.sizes.units), np.float32)
        for count in counts:
            x = np.ascontiguousarray(by_input[index[0, begin : begin + count]].T)
            begin += count
            state = self.cell.step(x, [np.ascontiguousarray(array[:, :count]) for array in state])
            outputs[0, :count] = self.cell.output(state).T
            yield outputs[:, :count]


def make_memory_cell(weights: Weights, prefix: str, inputs: int, sizes: MemorySizes) -> MemoryCell:
    """The cell whose weights begin with `prefix`.

    Raises:
        RunError: they are not those of these sizes.
    """
    gates, told = sizes.gates * sizes.units, sum(sizes.pieces)
    shapes = dict(
        kernel=(inputs, gates),
        recurrent_kernel=(sizes.recurrent, gates),
        bias=(gates,),
        head_kernel=(sizes.units, told),
        head_bias=(told,),
        read_kernel=(sizes.reads, sizes.units),
    )
    arrays = [weights.get(f"{prefix}/{name}", *shape) for name, shape in shapes.items()]
    columns = [np.ascontiguousarray(array.T if array.ndim == 2 else array[:, None]) for array in arrays]
    return MemoryCell(sizes, *columns)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    half: np.ndarray = np.tanh(values * np.float32(0.5)) * np.float32(0.5) + np.float32(0.5)
    return half


def _softplus(values: np.ndarray) -> np.ndarray:
    positive: np.ndarray = np.logaddexp(np.float32(0), values)
    return positive


def _softmax(values: np.ndarray) -> np.ndarray:
    """Over the second axis."""
    exps = np.exp(values - values.max(1, keepdims=True))
    shares: np.ndarray = exps / exps.sum(1, keepdims=True)
    return shares
