"""Networks that carry a state, in float64, whose steps can be gone back through: gradients without TensorFlow."""

from __future__ import annotations

import dataclasses

import numpy as np

from textrnn.base.errors import ConfigError
from textrnn.nn.architectures import CELLS, find_cell
from textrnn.nn.numpy.cells import Cell
from textrnn.nn.numpy.network import CarriedNetwork, State
from textrnn.nn.numpy.weights import Weights
from textrnn.nn.options import ModelConfig


class TracedNetwork(CarriedNetwork):
    """A network in float64 that gives gradients: float32 would lose them after some dozens of steps.

    Args:
        config: the architecture, of layers whose `CellSpec` has a `back`.
        vocab_size: number of tokens.
        weights: the arrays of `model.safetensors`.

    Raises:
        ConfigError: there is no way back through cells of this kind.
        RunError: the weights are not those of this architecture.
    """

    def __init__(self, config: ModelConfig, vocab_size: int, weights: Weights) -> None:
        spec = find_cell(config.arch)
        if spec is None or spec.back is None or spec.output is not None:
            known = ", ".join(name for name, one in CELLS.items() if one.back)
            raise ConfigError(f"gradients are measured for {known}, and this network is {config.arch}")
        self._back = spec.function("back")
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
            found, d_projected = self._back(layer.weights, inputs, state[around], [h + from_above, *rest])
            before = found + before
            from_above = layer.kernel.T @ d_projected + (from_above if self._residual else 0.0) if place else 0.0
        return before


def _widened(cell: Cell) -> Cell:
    kernel, bias = cell.kernel.astype(np.float64), cell.bias.astype(np.float64)
    weights = {name: array.astype(np.float64) for name, array in cell.weights.items()}
    return dataclasses.replace(cell, kernel=kernel, bias=bias, weights=weights)
