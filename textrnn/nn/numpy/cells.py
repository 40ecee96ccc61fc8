"""The recurrent cells in NumPy, step by step, forward and back, with the weights and the equations of Keras.

Arrays are feature-major, [features, rows]: for a few dozen rows a matrix product in this layout is the fastest
(715 against 838 microseconds for 512 -> 2048 and 64 rows on 2 cores), and for one row it is a plain matrix-vector
product. A logistic sigmoid is written as tanh: sigmoid(v) = tanh(v / 2) / 2 + 1 / 2; the halves are multiplied
into the weights once, so that a step of the LSTM needs a single tanh over all gates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from textrnn.nn.architectures import CellSpec

Arrays = list[np.ndarray]
Named = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Cell:
    """A recurrent cell with its weights, ready to step.

    Attributes:
        spec: its entry in the table.
        units: width of its output.
        kernel: float32[width, inputs].
        bias: float32[width, 1].
        weights: all others by name, as `CellSpec.step` takes them.
    """

    spec: CellSpec
    units: int
    kernel: np.ndarray
    bias: np.ndarray
    weights: dict[str, np.ndarray]
    _step: Callable[[Named, np.ndarray, Arrays], Arrays] = field(init=False, repr=False)
    _output: Callable[[Named, Arrays], np.ndarray] | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_step", self.spec.function("step"))
        object.__setattr__(self, "_output", self.spec.function("output") if self.spec.output else None)

    @property
    def num_states(self) -> int:
        """Arrays of its state."""
        return len(self.spec.states)

    def project(self, inputs: np.ndarray) -> np.ndarray:
        """The input's share of a step: float32[inputs, any] -> float32[width, any]."""
        projected: np.ndarray = np.dot(self.kernel, inputs) + self.bias
        return projected

    def initial_state(self, rows: int) -> Arrays:
        """The state before a text, float32[any, rows] for each array."""
        return [np.repeat(array[:, None], rows, 1) for array in self.spec.initial_state(self.units)]

    def step(self, projected: np.ndarray, state: Arrays) -> Arrays:
        """The state after one step from the projected input, float32[width, rows]."""
        return self._step(self.weights, projected, state)

    def gates(self, projected: np.ndarray, state: Arrays) -> dict[str, np.ndarray]:
        """How far its gates are open in a step, by name, float32[units, rows] from 0 to 1; none of a cell without."""
        return self.spec.function("gates")(self.weights, projected, state) if self.spec.gates else {}

    def output(self, state: Arrays) -> np.ndarray:
        """What it puts out after a step, float32[units, rows]."""
        return state[0] if self._output is None else self._output(self.weights, state)


def make_cell(spec: CellSpec, units: int, arrays: Named) -> Cell:
    """Prepares the weights of a Keras layer.

    Args:
        spec: the entry of the cell.
        units: width of its output.
        arrays: the weights of the layer, named and shaped as `spec.weights` says.
    """
    prepared = dict(spec.function("prepare")(arrays) if spec.prepare else arrays)
    columns = {
        name: np.ascontiguousarray(array[:, None] if array.ndim == 1 else array.T) for name, array in prepared.items()
    }
    kernel = columns.pop("kernel")
    bias = columns.pop("bias", np.zeros((len(kernel), 1), kernel.dtype))
    return Cell(spec, units, kernel, bias, columns)


def _halved(arrays: Named, *factors: float) -> dict[str, np.ndarray]:
    """Weights with a factor for each gate: 1 / 2 for a sigmoid."""
    width = arrays["kernel"].shape[1] // len(factors)
    scale = np.repeat(factors, width).astype(np.float32)
    return {name: array * scale for name, array in arrays.items()}


def prepare_gru(arrays: Named) -> dict[str, np.ndarray]:
    """Halves the weights of z and r; the bias, input's and state's, in one, but for that of the state in g."""
    units = len(arrays["recurrent_kernel"])
    bias, recurrent = arrays["bias"]
    joined = np.concatenate([bias[: 2 * units] + recurrent[: 2 * units], bias[2 * units :]])
    return {**_halved({**arrays, "bias": joined}, 0.5, 0.5, 1), "candidate_bias": recurrent[2 * units :]}


def prepare_lstm(arrays: Named) -> dict[str, np.ndarray]:
    """Halves the weights of i, f and o, in the order i, f, g, o."""
    return _halved(arrays, 0.5, 0.5, 1, 0.5)


def prepare_mingru(arrays: Named) -> dict[str, np.ndarray]:
    """Halves the weights of z, in the order z, g."""
    return _halved(arrays, 0.5, 1)


def simple_step(weights: Named, projected: np.ndarray, state: Arrays) -> Arrays:
    """h' = tanh(W x + U h + b).

    Reference:
        Elman, 1990, Finding structure in time.
    """
    z = np.dot(weights["recurrent_kernel"], state[0])
    z += projected
    return [np.tanh(z, out=z)]


def gru_step(weights: Named, projected: np.ndarray, state: Arrays) -> Arrays:
    """z, r = sigmoid(W x + U h + b); g = tanh(W x + b + r * (U h + c)); h' = z * h + (1 - z) * g.

    Reference:
        Cho et al., 2014, Learning phrase representations using RNN encoder-decoder; the reset gate is applied
        after the recurrent product, as in Keras and cuDNN.
    """
    h, units = state[0], len(state[0])
    recurrent = np.dot(weights["recurrent_kernel"], h)
    gates = recurrent[: 2 * units]
    gates += projected[: 2 * units]
    np.tanh(gates, out=gates)
    gates += 1
    gates *= 0.5
    update, reset = gates[:units], gates[units:]
    candidate = recurrent[2 * units :]
    candidate += weights["candidate_bias"]
    candidate *= reset
    candidate += projected[2 * units :]
    np.tanh(candidate, out=candidate)
    new = h - candidate
    new *= update
    new += candidate
    return [new]


def lstm_step(weights: Named, projected: np.ndarray, state: Arrays) -> Arrays:
    """i, f, o = sigmoid(W x + U h + b); g = tanh(same); c' = f * c + i * g; h' = o * tanh(c').

    Reference:
        Hochreiter and Schmidhuber, 1997, Long short-term memory; Gers et al., 2000, for the forget gate.
    """
    (h, c), units = state, len(state[0])
    z = np.dot(weights["recurrent_kernel"], h)
    z += projected
    np.tanh(z, out=z)
    i, f, g, o = z[:units], z[units : 2 * units], z[2 * units : 3 * units], z[3 * units :]
    gates = z[: 2 * units]
    gates += 1  # twice the sigmoids
    o += 1
    new_c = f * c
    i *= g
    new_c += i
    new_c *= 0.5
    new_h = np.tanh(new_c)
    new_h *= o
    new_h *= 0.5
    return [new_h, new_c]


def mingru_step(weights: Named, projected: np.ndarray, state: Arrays) -> Arrays:
    """z = sigmoid(W x + b); g = W x + b; h' = h + z * (g - h).

    Reference:
        Feng et al., 2024, Were RNNs all we needed?
    """
    units = len(state[0])
    z = np.tanh(projected[:units])
    z += 1
    z *= 0.5
    return [_towards(projected[units:], state[0], z)]


def minlstm_step(weights: Named, projected: np.ndarray, state: Arrays) -> Arrays:
    """f, i = sigmoid(W x + b); g = W x + b; h' = h + i / (f + i) * (g - h).

    Reference:
        Feng et al., 2024, Were RNNs all we needed?
    """
    units = len(state[0])
    logs = np.logaddexp(0, -projected[: 2 * units])  # -log of f and i, so that no gate makes 0 / 0
    z = np.tanh((logs[:units] - logs[units:]) * 0.5)
    z += 1
    z *= 0.5
    return [_towards(projected[2 * units :], state[0], z)]


def gru_gates(weights: Named, projected: np.ndarray, state: Arrays) -> dict[str, np.ndarray]:
    """z and r of `gru_step`."""
    width = 2 * len(state[0])
    update, reset = np.split(_open(np.dot(weights["recurrent_kernel"][:width], state[0]) + projected[:width]), 2)
    return dict(update=update, reset=reset)


def lstm_gates(weights: Named, projected: np.ndarray, state: Arrays) -> dict[str, np.ndarray]:
    """i, f and o of `lstm_step`."""
    i, f, _, o = np.split(_open(np.dot(weights["recurrent_kernel"], state[0]) + projected), 4)
    return dict(input=i, forget=f, output=o)


def mingru_gates(weights: Named, projected: np.ndarray, state: Arrays) -> dict[str, np.ndarray]:
    """z of `mingru_step`."""
    return dict(update=_open(projected[: len(state[0])]))


def minlstm_gates(weights: Named, projected: np.ndarray, state: Arrays) -> dict[str, np.ndarray]:
    """f and i of `minlstm_step`."""
    forget, into, _ = np.split(_open(projected / 2), 3)
    return dict(forget=forget, input=into)


def _open(halves: np.ndarray) -> np.ndarray:
    """Sigmoids of what is halved already."""
    sigmoids: np.ndarray = np.tanh(halves) / 2 + 0.5
    return sigmoids


def _towards(g: np.ndarray, h: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The state that has gone this share of its way to what comes in."""
    new: np.ndarray = g - h
    new *= share
    new += h
    return new


# ---------------------------------------------------------------- back through a step

# From the gradient with respect to the state after a step: those with respect to the state before it and to its
# projected input. The factors 1 / 2 are the halves of the sigmoids. All arrays are float64[any, rows].


def simple_back(weights: Named, projected: np.ndarray, state: Arrays, after: Arrays) -> tuple[Arrays, np.ndarray]:
    """Back through h' = tanh(v), v = W x + U h + b: dv = (1 - h'^2) dh', dh = U^T dv."""
    h = np.tanh(weights["recurrent_kernel"] @ state[0] + projected)
    v = after[0] * (1 - h**2)
    return [weights["recurrent_kernel"].T @ v], v


def gru_back(weights: Named, projected: np.ndarray, state: Arrays, after: Arrays) -> tuple[Arrays, np.ndarray]:
    """Back through h' = z h + (1 - z) g, g = tanh(W x + b + r (U h + c))."""
    h, units = state[0], len(state[0])
    recurrent = weights["recurrent_kernel"] @ h
    tanhs = np.tanh(recurrent[: 2 * units] + projected[: 2 * units])
    z, r = (tanhs[:units] + 1) / 2, (tanhs[units:] + 1) / 2
    inner = recurrent[2 * units :] + weights["candidate_bias"]
    g = np.tanh(inner * r + projected[2 * units :])
    d_candidate = after[0] * (1 - z) * (1 - g**2)
    d_gates = np.concatenate([after[0] * (h - g), d_candidate * inner]) / 2 * (1 - tanhs**2)
    d_recurrent = np.concatenate([d_gates, d_candidate * r])
    return [after[0] * z + weights["recurrent_kernel"].T @ d_recurrent], np.concatenate([d_gates, d_candidate])


def lstm_back(weights: Named, projected: np.ndarray, state: Arrays, after: Arrays) -> tuple[Arrays, np.ndarray]:
    """Back through c' = f c + i g, h' = o tanh(c')."""
    (h, c), units = state, len(state[0])
    tanhs = np.tanh(weights["recurrent_kernel"] @ h + projected)
    i, f, g, o = (tanhs[k * units : (k + 1) * units] for k in range(4))
    i, f, o = (i + 1) / 2, (f + 1) / 2, (o + 1) / 2
    shown = np.tanh(f * c + i * g)
    d_c = after[1] + after[0] * o * (1 - shown**2)
    d_tanhs = np.concatenate([d_c * g / 2, d_c * c / 2, d_c * i, after[0] * shown / 2])
    d_projected = d_tanhs * (1 - tanhs**2)
    return [weights["recurrent_kernel"].T @ d_projected, d_c * f], d_projected
