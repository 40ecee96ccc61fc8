"""Networks that carry a state, in float64, whose steps can be gone back through: gradients without TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from textrnn.base.errors import ConfigError
from textrnn.nn.numpy.cells import Arrays, Cell
from textrnn.nn.numpy.network import CarriedNetwork, State
from textrnn.nn.numpy.weights import Weights
from textrnn.nn.options import ModelConfig

# Takes a cell, its projected input, the state before and the gradient of the state after; gives the gradients of the
# state before and of the projected input. All arrays are float64[any, rows]. Sigmoids are tanh(v / 2) / 2 + 1 / 2 with
# the half in the weights, as in `textrnn.nn.numpy.cells`: hence the factors 1 / 2 here.
Back = Callable[[Cell, np.ndarray, Arrays, Arrays], tuple[Arrays, np.ndarray]]


def simple_back(cell: Cell, projected: np.ndarray, state: Arrays, after: Arrays) -> tuple[Arrays, np.ndarray]:
    """Back through h' = tanh(v), v = W x + U h + b: dv = (1 - h'^2) dh', dh = U^T dv."""
    h = np.tanh(cell.weights["recurrent_kernel"] @ state[0] + projected)
    v = after[0] * (1 - h**2)
    return [cell.weights["recurrent_kernel"].T @ v], v


def gru_back(cell: Cell, projected: np.ndarray, state: Arrays, after: Arrays) -> tuple[Arrays, np.ndarray]:
    """Back through h' = z h + (1 - z) g, g = tanh(W x + b + r (U h + c))."""
    h, units = state[0], cell.units
    recurrent = cell.weights["recurrent_kernel"] @ h
    tanhs = np.tanh(recurrent[: 2 * units] + projected[: 2 * units])
    z, r = (tanhs[:units] + 1) / 2, (tanhs[units:] + 1) / 2
    inner = recurrent[2 * units :] + cell.weights["candidate_bias"]
    g = np.tanh(inner * r + projected[2 * units :])
    d_candidate = after[0] * (1 - z) * (1 - g**2)
    d_gates = np.concatenate([after[0] * (h - g), d_candidate * inner]) / 2 * (1 - tanhs**2)
    d_recurrent = np.concatenate([d_gates, d_candidate * r])
    return [after[0] * z + cell.weights["recurrent_kernel"].T @ d_recurrent], np.concatenate([d_gates, d_candidate])


def lstm_back(cell: Cell, projected: np.ndarray, state: Arrays, after: Arrays) -> tuple[Arrays, np.ndarray]:
    """Back through c' = f c + i g, h' = o tanh(c')."""
    (h, c), units = state, cell.units
    tanhs = np.tanh(cell.weights["recurrent_kernel"] @ h + projected)
    i, f, g, o = (tanhs[k * units : (k + 1) * units] for k in range(4))
    i, f, o = (i + 1) / 2, (f + 1) / 2, (o + 1) / 2
    shown = np.tanh(f * c + i * g)
    d_c = after[1] + after[0] * o * (1 - shown**2)
    d_tanhs = np.concatenate([d_c * g / 2, d_c * c / 2, d_c * i, after[0] * shown / 2])
    d_projected = d_tanhs * (1 - tanhs**2)
    return [cell.weights["recurrent_kernel"].T @ d_projected, d_c * f], d_projected


BACKS: dict[str, Back] = {"simple": simple_back, "gru": gru_back, "lstm": lstm_back}


class TracedNetwork(CarriedNetwork):
    """A network in float64 that gives gradients: float32 would lose them after some dozens of steps.

    Args:
        config: the architecture, of `simple`, `gru` or `lstm` layers that read forwards.
        vocab_size: number of tokens.
        weights: the arrays of `model.safetensors`.

    Raises:
        ConfigError: there is no way back through cells of this kind.
        RunError: the weights are not those of this architecture.
    """

    def __init__(self, config: ModelConfig, vocab_size: int, weights: Weights) -> None:
        if config.arch not in BACKS:
            raise ConfigError(f"gradients are measured for {', '.join(BACKS)}, and this network is {config.arch}")
        super().__init__(config, vocab_size, weights)
        self._cells_of_layers = [_widened(layer) for layer in self._layers]
        self._layers = [*self._cells_of_layers]
        self._output, self._output_bias = self._output.astype(np.float64), self._output_bias.astype(np.float64)

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`."""
        return [array.astype(np.float64) for array in super().initial_state(rows)]

    def _inputs(self, ids: np.ndarray) -> np.ndarray:
        """The first layer's projected input, float64[gates * units, rows]."""
        if self._embeddings is None:
            one_hot: np.ndarray = self._layers[0].kernel[:, ids] + self._layers[0].bias
            return one_hot
        return self._layers[0].project(self._embeddings[ids].T.astype(np.float64))

    def _walk(self, ids: np.ndarray, state: State) -> tuple[list[np.ndarray], np.ndarray, State]:
        """One token a row: each layer's projected input, the last layer's output, and the state after."""
        projected, after, place = list[np.ndarray](), State(), 0
        hidden = np.zeros(0)
        for number, layer in enumerate(self._layers):
            projected.append(layer.project(hidden) if number else self._inputs(ids))
            new = layer.step(projected[-1].copy(), state[place : place + layer.num_states])
            place += len(new)
            after += new
            hidden = new[0] + hidden if number and self._residual else new[0]
        return projected, hidden, after

    def advance(self, ids: np.ndarray, state: State) -> State:
        """The state after one token a row, int32[rows]."""
        return self._walk(ids, state)[2]

    def loss_nats(self, state: State, targets: np.ndarray) -> np.ndarray:
        """-ln p(target) after a state, int32[rows] -> float64[rows]."""
        logits = self._state_logits(state)
        logits -= logits.max(0)
        chosen = logits[targets, np.arange(len(targets))]
        nats: np.ndarray = np.log(np.exp(logits).sum(0)) - chosen
        return nats

    def _state_logits(self, state: State) -> np.ndarray:
        outputs = [state[place] for place in self._output_places()]
        logits: np.ndarray = self._output @ np.sum(outputs, 0) + self._output_bias
        return logits

    def _output_places(self) -> list[int]:
        """Which arrays of a state add up to what the last layer puts out: all its h when layers add their input."""
        places = [sum(cell.num_states for cell in self._layers[:k]) for k in range(len(self._layers))]
        return places if self._residual else places[-1:]

    def loss_gradient(self, state: State, targets: np.ndarray) -> State:
        """The gradient of `loss_nats` with respect to the state: W^T (p - target) for h of the last layer."""
        logits = self._state_logits(state)
        shares = np.exp(logits - logits.max(0))
        shares /= shares.sum(0)
        shares[targets, np.arange(len(targets))] -= 1
        d_output, gradient = self._output.T @ shares, [np.zeros_like(array) for array in state]
        for place in self._output_places():
            gradient[place] = d_output
        return gradient

    def back(self, ids: np.ndarray, state: State, gradient: State) -> State:
        """Goes back through one step: the gradient of the state before it from that of the state after it.

        Args:
            ids: int32[rows], the tokens that were read.
            state: before the step.
            gradient: of what follows, with respect to each array of the state after the step.
        """
        projected, _, _ = self._walk(ids, state)
        before, place = State(), len(state)
        from_above: np.ndarray | float = 0.0
        for layer, inputs in zip(reversed(self._cells_of_layers), reversed(projected), strict=True):
            place -= layer.num_states
            around = slice(place, place + layer.num_states)
            h, *rest = gradient[around]
            found, d_projected = BACKS[layer.spec.name](layer, inputs, state[around], [h + from_above, *rest])
            before = found + before
            from_above = layer.kernel.T @ d_projected + (from_above if self._residual else 0.0) if place else 0.0
        return before


def _widened(cell: Cell) -> Cell:
    kernel, bias = cell.kernel.astype(np.float64), cell.bias.astype(np.float64)
    weights = {name: array.astype(np.float64) for name, array in cell.weights.items()}
    return dataclasses.replace(cell, kernel=kernel, bias=bias, weights=weights)
