"""A whole network in NumPy: token ids and a state in, logits and the next state out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Protocol

import numpy as np

from textrnn.nn.numpy.cells import Arrays, Cell
from textrnn.nn.numpy.stepping import Stepping
from textrnn.nn.numpy.weights import Weights
from textrnn.nn.options import ModelConfig, layer_cells

State = list[np.ndarray]
# A table of projected embeddings larger than this (64 MiB) costs more to make than it saves.
LARGEST_TABLE = 16_000_000


class Network(Protocol):
    """What sampling and scoring need of a network. Arrays of a state are [features, rows], never changed in place."""

    vocab_size: int

    def initial_state(self, rows: int) -> State:
        """The state before a text, for some texts side by side."""

    def step(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """Reads one token a row, int32[rows]: logits float32[rows, vocab] of the next, and the state after."""

    def read(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """Reads int32[steps] into a state of one row: logits float32[1, vocab] after the last, and the state."""

    def read_all(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """Reads int32[rows, steps]: logits float32[steps, rows, vocab] after each step, and the state after."""

    def target_nats(self, ids: np.ndarray, targets: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """Reads int32[rows, steps]: nats of as many targets, float64[rows, steps], and the state after."""


def token_nats(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """-ln softmax(logits)[target]: float32[..., vocab] and int[...] -> float64[...].

    Example:
        >>> token_nats(np.zeros((1, 4)), np.array([2])).round(4).tolist()
        [1.3863]
    """
    shifted = logits - logits.max(-1, keepdims=True)
    chosen = np.take_along_axis(shifted, targets[..., None], -1)[..., 0]
    nats: np.ndarray = np.log(np.exp(shifted).sum(-1, dtype=np.float64)) - chosen
    return nats


class TargetNats:
    """`Network.target_nats` for networks that give logits."""

    def target_nats(self: Network, ids: np.ndarray, targets: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.target_nats`."""
        logits, state = self.read_all(ids, state)
        return token_nats(logits, targets.T).T, state


class _Ends(TargetNats):
    """What all networks share: tokens to the first layer's input, the last layer's output to logits."""

    def __init__(self, config: ModelConfig, vocab_size: int, weights: Weights, num_conditions: int = 0) -> None:
        self.vocab_size, self._residual, self._cells = vocab_size, config.residual, layer_cells(config)
        one_hot = config.input == "one-hot"
        self._embeddings = None if one_hot else weights.get("embedding/embeddings", vocab_size, config.embed)
        self.hidden_width = hidden = config.units * (1 + self._cells[-1].both_ways) + num_conditions
        self._projection: np.ndarray | None = None  # [embed, hidden]
        if config.tied and self._embeddings is not None:
            self._output = self._embeddings
            if hidden != config.embed:
                self._projection = np.ascontiguousarray(weights.get("projection/kernel", hidden, config.embed).T)
        else:
            self._output = weights.get("output/kernel", hidden, vocab_size).T
        self._output = np.ascontiguousarray(self._output)  # [vocab, hidden], or [vocab, embed]
        if self._projection is not None and hidden * vocab_size <= config.embed * (hidden + vocab_size):
            self._output, self._projection = self._output @ self._projection, None  # one product is less than two
        self._output_bias = weights.get("output/bias", vocab_size)[:, None]
        self.input_width = vocab_size if one_hot else config.embed

    def logits(self, hidden: np.ndarray) -> np.ndarray:
        """Logits float32[rows, vocab], a transposed view, from the last layer's output float32[hidden, rows]."""
        if self._projection is not None:
            hidden = np.dot(self._projection, hidden)
        logits = np.dot(self._output, hidden)
        logits += self._output_bias
        by_row: np.ndarray = logits.T
        return by_row


class _FirstProjection:
    """The first layer's projection of each token: looked up in a table when that is small, else computed."""

    def __init__(self, cell: Cell, embeddings: np.ndarray | None, vocab_size: int) -> None:
        self._cell, self._embeddings = cell, embeddings
        self._by_token: np.ndarray | None = None  # [vocab, gates * units]
        self._by_gate: np.ndarray | None = None  # its transpose, made when several rows first need it
        if embeddings is None:
            self._by_token = np.ascontiguousarray((cell.kernel + cell.bias).T)
        elif vocab_size * cell.kernel.shape[0] <= LARGEST_TABLE:
            self._by_token = embeddings @ cell.kernel.T + cell.bias[:, 0]

    def __call__(self, ids: np.ndarray) -> np.ndarray:
        """int32[rows] -> float32[gates * units, rows]."""
        if self._by_token is None:
            return self._cell.project(np.ascontiguousarray(self._embeddings[ids].T))  # type: ignore[index]
        if len(ids) == 1:
            return self._by_token[ids[0], :, None]
        if self._by_gate is None:
            self._by_gate = np.ascontiguousarray(self._by_token.T)
        return np.take(self._by_gate, ids, axis=1, mode="clip")  # "raise" would copy once more


class CarriedNetwork(_Ends, Stepping):
    """A stack of layers that read forwards: one step costs the same however long the text already is.

    Args:
        config: the architecture, not bidirectional.
        vocab_size: number of tokens.
        weights: the arrays of `model.safetensors`.
        num_conditions: conditions that documents are in. Then the last array of a state is that of the rows' condition,
            float32[num_conditions, rows], ids from `vocab_size` on set it (see `textrnn.text.documents`), and its
            numbers stand beside the vector of each token and beside the output of the last layer.
        num_experts: orders of n-grams that are mixed in; 0 for none.

    Raises:
        RunError: the weights are not those of this architecture.
    """

    def __init__(
        self, config: ModelConfig, vocab_size: int, weights: Weights, num_conditions: int = 0, num_experts: int = 0
    ) -> None:
        super().__init__(config, vocab_size, weights, num_conditions)
        self._num_conditions, self.num_experts = num_conditions, num_experts
        self.has_conditions = bool(num_conditions)
        if num_experts:
            width = config.units + num_conditions
            self._gate = np.ascontiguousarray(weights.get("gate/kernel", width, 1 + num_experts).T)
            self._gate_bias = weights.get("gate/bias", 1 + num_experts)[:, None]
        widths = [self.input_width + num_conditions, *[config.units] * (len(self._cells) - 1)]
        self._layers = [
            weights.cell(cell.spec, f"layer{number}", width, config.units)
            for number, (cell, width) in enumerate(zip(self._cells, widths, strict=True))
        ]
        first = self._layers[0]
        self._of_conditions = np.ascontiguousarray(first.kernel[:, self.input_width :])  # [gates * units, conditions]
        first = dataclasses.replace(first, kernel=np.ascontiguousarray(first.kernel[:, : self.input_width]))
        self._project = _FirstProjection(first, self._embeddings, vocab_size)

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`."""
        state = [array for layer in self._layers for array in layer.initial_state(rows)]
        return [*state, np.zeros((self._num_conditions, rows), np.float32)] if self._num_conditions else state

    def next_hidden(
        self, ids: np.ndarray, state: State, watch: Callable[[int, np.ndarray, State], None] | None = None
    ) -> tuple[np.ndarray, State]:
        """The last layer's output float32[units, rows] and the state after one token a row.

        Args:
            ids, state: see `Stepping.next_hidden`.
            watch: told the number of each layer, what it reads and its state before it does.
        """
        hidden: np.ndarray | None = None
        after, place = State(), 0
        conditions = self.conditions_after(ids, state[-1]) if self._num_conditions else None
        for number, layer in enumerate(self._layers):
            before, own = hidden, state[place : place + layer.num_states]
            projected = self._first(ids, conditions) if before is None else layer.project(before)
            if watch is not None:
                watch(number, projected, own)
            new = layer.step(projected, own)
            place += layer.num_states
            after += new
            hidden = layer.output(new)
            if before is not None and self._residual:
                hidden = hidden + before
        if conditions is not None and hidden is not None:
            return np.concatenate([hidden, conditions]), [*after, conditions]
        return hidden, after  # type: ignore[return-value]  # there is always a layer

    def gates(self, ids: np.ndarray, state: State) -> dict[str, np.ndarray]:
        """How far the gates are open while a text is read, from 0 to 1.

        Args:
            ids: int32[steps], at least one.
            state: before it, of one row.

        Returns:
            float32[units, steps] by layer and gate, such as `layer0/forget`; of a mixture also `mixture/network`, the
            weight of the network, float32[1, steps].
        """
        found: dict[str, list[np.ndarray]] = {}

        def add(number: int, projected: np.ndarray, own: State) -> None:
            for name, values in self._layers[number].gates(projected, own).items():
                found.setdefault(f"layer{number}/{name}", []).append(values)

        for step in range(len(ids)):
            hidden, state = self.next_hidden(ids[step : step + 1], state, add)
            if self.num_experts:
                found.setdefault("mixture/network", []).append(self.gate(hidden)[:1])
        return {name: np.concatenate(values, 1) for name, values in found.items()}

    def probabilities(self, hidden: np.ndarray) -> np.ndarray:
        """Probabilities of all tokens, float32[rows, vocab], from `next_hidden`, where there is a gate."""
        own = self.logits(hidden)
        own = np.exp(own - own.max(1, keepdims=True))
        shares: np.ndarray = own / own.sum(1, keepdims=True)
        return shares

    def gate(self, hidden: np.ndarray) -> np.ndarray:
        """Weights of the network and of each order of n-grams, float32[1 + orders, rows], from `next_hidden`."""
        weights: np.ndarray = np.dot(self._gate, hidden)
        weights += self._gate_bias
        weights -= weights.max(0)
        np.exp(weights, out=weights)
        weights /= weights.sum(0)
        return weights

    def _first(self, ids: np.ndarray, conditions: np.ndarray | None) -> np.ndarray:
        """What the first layer reads of each row's token and condition: float32[gates * units, rows]."""
        if conditions is None:
            return self._project(ids)
        projected: np.ndarray = np.dot(self._of_conditions, conditions)
        projected += self._project(np.minimum(ids, self.vocab_size - 1))
        return projected

    def conditions_after(self, ids: np.ndarray, before: np.ndarray) -> np.ndarray:
        """The condition of each row, float32[num_conditions, rows], once it has read a token."""
        numbers = ids - self.vocab_size
        if numbers.max() < 0:
            return before
        own = np.arange(self._num_conditions)[:, None] == numbers
        return np.where(numbers >= 0, own, before).astype(np.float32)


class WindowNetwork(_Ends):
    """Layers that read a window both ways; its state is the window itself, int32[window, rows].

    Args:
        config: the architecture, bidirectional.
        vocab_size: number of tokens.
        weights: the arrays of `model.safetensors`.
        window: tokens that it reads.
        start_id: what stands before a text.

    Raises:
        RunError: the weights are not those of this architecture.
    """

    def __init__(self, config: ModelConfig, vocab_size: int, weights: Weights, *, window: int, start_id: int) -> None:
        super().__init__(config, vocab_size, weights)
        self._window, self._start_id = window, start_id
        self._layers, width = list[list[Cell]](), self.input_width
        for number, cell in enumerate(self._cells):
            ways = ("/forward", "/backward") if cell.both_ways else ("",)
            self._layers.append([weights.cell(cell.spec, f"layer{number}{way}", width, config.units) for way in ways])
            width = config.units * len(ways)
        self._project = [_FirstProjection(cell, self._embeddings, vocab_size) for cell in self._layers[0]]

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`."""
        return [np.full((self._window, rows), self._start_id, np.int32)]

    def step(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.step`."""
        window = np.concatenate([state[0][1:], ids[None, :].astype(np.int32)])
        return self.window_logits(window), [window]

    def read(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read`."""
        window = np.concatenate([state[0], ids[:, None].astype(np.int32)])[-self._window :]
        return self.window_logits(window), [window]

    def read_all(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read_all`."""
        rows, steps = ids.shape
        text = np.concatenate([state[0], ids.T.astype(np.int32)])  # [window + steps, rows]
        windows = np.lib.stride_tricks.sliding_window_view(text[1:], self._window, axis=0)  # [steps, rows, window]
        logits = self.window_logits(np.ascontiguousarray(windows.reshape(steps * rows, self._window).T))
        return logits.reshape(steps, rows, self.vocab_size), [text[-self._window :]]

    def window_logits(self, windows: np.ndarray) -> np.ndarray:
        """int32[window, rows] -> float32[rows, vocab], the logits of the token after each window."""
        return self.logits(self.window_outputs(windows))

    def window_outputs(self, windows: np.ndarray) -> np.ndarray:
        """int32[window, rows] -> float32[2 * units, rows], what the last layer says of each: forward, then backward."""
        sequence: list[np.ndarray] = []
        for number, cells in enumerate(self._layers):
            last = number == len(self._layers) - 1
            ways = [self._scan(number, way, windows, sequence, last=last) for way in range(len(cells))]
            outputs = [np.concatenate(parts) for parts in zip(*ways, strict=True)]
            same = bool(sequence) and sequence[0].shape == outputs[0].shape and not last
            sequence = [o + s for o, s in zip(outputs, sequence, strict=True)] if self._residual and same else outputs
        return sequence[0]

    def _scan(self, number: int, way: int, windows: np.ndarray, inputs: Arrays, *, last: bool) -> Arrays:
        """The outputs of one direction in the order of the text, or only its final one."""
        cell = self._layers[number][way]
        order = range(len(windows)) if way == 0 else range(len(windows) - 1, -1, -1)
        state, outputs = cell.initial_state(windows.shape[1]), []
        for step in order:
            projected = self._project[way](windows[step]) if number == 0 else cell.project(inputs[step])
            state = cell.step(projected, state)
            outputs.append(cell.output(state))
        if last:
            return outputs[-1:]
        return outputs if way == 0 else outputs[::-1]
