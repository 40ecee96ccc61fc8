"""The networks of translators in NumPy: sources as ids in, a token for each step out; many texts at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textrnn.nn.architectures import CELLS
from textrnn.nn.numpy.cells import Cell
from textrnn.nn.numpy.weights import Weights
from textrnn.text.rows import padded
from textrnn.translator.options import NetworkConfig

State = list[np.ndarray]
FAR = np.float32(1e9)  # what is taken off the score of a place that is padding


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Over the last axis, in place."""
    scores -= scores.max(-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(-1, keepdims=True)
    return scores


class Encoder:
    """Layers that read sources in both directions.

    Args:
        config: the architecture, with all sizes.
        size: number of tokens of the source.
        weights: the arrays of `model.safetensors`.
    """

    def __init__(self, config: NetworkConfig, size: int, weights: Weights) -> None:
        units, width, spec = config.way_units, config.sizes[1], CELLS[config.cell]
        self._embeddings = weights.get("source/embeddings", size, width)
        self._layers = list[tuple[Cell, Cell]]()
        for number in range(config.layers):
            forward, backward = (
                weights.cell(spec, f"encoder{number}/{way}", width, units) for way in ("forward", "backward")
            )
            self._layers.append((forward, backward))
            width = 2 * units

    def __call__(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Reads int32[rows, places] with mask float32[rows, places]: float32[rows, places, width], 0 for padding."""
        values: np.ndarray = self._embeddings[ids]
        for ways in self._layers:
            values = np.concatenate([_read(cell, values, mask, way) for way, cell in enumerate(ways)], 2)
        return values


def _read(cell: Cell, values: np.ndarray, mask: np.ndarray, way: int) -> np.ndarray:
    """One direction: float32[rows, places, inputs] -> float32[rows, places, units]."""
    rows, places, width = values.shape
    flat = np.ascontiguousarray(values.transpose(2, 1, 0)).reshape(width, places * rows)
    projected = cell.project(flat).reshape(-1, places, rows)
    state, outputs = cell.initial_state(rows), np.zeros((rows, places, cell.units), np.float32)
    for place in range(places) if way == 0 else range(places - 1, -1, -1):
        new, real = cell.step(np.ascontiguousarray(projected[:, place]), state), mask[:, place] > 0
        state = new if real.all() else [np.where(real, a, b) for a, b in zip(new, state, strict=True)]
        outputs[:, place] = state[0].T * mask[:, place, None]
    return outputs


class AlignedNetwork:
    """Tells a token for each that it reads; see `Encoder` for its arguments."""

    def __init__(self, config: NetworkConfig, source_size: int, target_size: int, weights: Weights) -> None:
        self._encoder, width = Encoder(config, source_size, weights), 2 * config.way_units
        self._kernel = weights.get("output/kernel", width, target_size)
        self._bias = weights.get("output/bias", target_size)
        weights.check_all_used()

    def logits(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """int32[rows, steps] with mask -> float32[rows, steps, target]."""
        found: np.ndarray = self._encoder(ids, mask) @ self._kernel + self._bias
        return found


@dataclass(frozen=True)
class Memory:
    """What was read of sources.

    Attributes:
        values: float32[sources, places, width].
        hidden: float32[sources, 1, places], 0 for real places, and far below 0 for padding.
        state: of the decoder before the first token, [units, sources] each.
    """

    values: np.ndarray
    hidden: np.ndarray
    state: State


class EncoderDecoderNetwork:
    """Reads texts and writes others; see `textrnn.translator.network` for the equations."""

    def __init__(self, config: NetworkConfig, source_size: int, target_size: int, weights: Weights) -> None:
        units, embed, _ = config.sizes
        memory, width = 2 * config.way_units, embed
        self._encoder, self._units, self._half = Encoder(config, source_size, weights), units, config.way_units
        self._embeddings = weights.get("target/embeddings", target_size, embed)
        count = config.decoder_layers
        self._bridge = weights.get("bridge/kernel", memory, count * units), weights.get("bridge/bias", count * units)
        self._layers = list[tuple[Cell, np.ndarray]]()
        for number in range(count):
            cell = weights.cell(CELLS[config.cell], f"decoder{number}", width, units)
            self._layers.append((cell, weights.get(f"attention{number}/kernel", units, memory)))
            width = units + memory
        self._combine = weights.get("combine/kernel", width, embed).T, weights.get("combine/bias", embed)[:, None]
        self._output_bias = weights.get("output/bias", target_size)[:, None]
        self.vocab_size = target_size
        weights.check_all_used()

    def read(self, sources: Sequence[np.ndarray]) -> Memory:
        """Reads sources, int32[tokens] each."""
        ids, mask = padded(sources)
        values, units = self._encoder(ids, mask), self._units
        last = mask.sum(1).astype(np.int64) - 1
        ends = np.concatenate([values[np.arange(len(ids)), last, : self._half], values[:, 0, self._half :]], 1)
        begins = np.tanh(ends @ self._bridge[0] + self._bridge[1])
        state = State()
        for number, (cell, _) in enumerate(self._layers):
            state += cell.initial_state(len(ids))
            state[-cell.num_states] = np.ascontiguousarray(begins[:, number * units : (number + 1) * units].T)
        return Memory(values, (mask[:, None] - 1) * FAR, state)

    def step(
        self, ids: np.ndarray, state: State, memory: Memory, sources: np.ndarray
    ) -> tuple[np.ndarray, State, list[np.ndarray]]:
        """Reads one token a row.

        Args:
            ids: int32[rows], equally many of each source, side by side.
            state: [units, rows] each.
            memory: of all sources.
            sources: int64[sources], those that the rows are of.

        Returns:
            logits float32[rows, target] of the next token, the state after, and of each layer its attention
            float32[rows, places].
        """
        all_there = len(sources) == len(memory.values)
        values = memory.values if all_there else memory.values[sources]
        hidden = memory.hidden if all_there else memory.hidden[sources]
        h, after, seen, place = np.ascontiguousarray(self._embeddings[ids].T), State(), list[np.ndarray](), 0
        for cell, kernel in self._layers:
            new = cell.step(cell.project(h), state[place : place + cell.num_states])
            place += cell.num_states
            after += new
            query = (new[0].T @ kernel).reshape(len(sources), -1, values.shape[2])
            weights = _softmax(query @ values.transpose(0, 2, 1) + hidden)
            context = (weights @ values).reshape(len(ids), -1)
            seen.append(weights.reshape(len(ids), -1))
            h = np.concatenate([new[0], context.T])
        combined = np.tanh(self._combine[0] @ h + self._combine[1])
        return (self._embeddings @ combined + self._output_bias).T, after, seen

    def attention(self, source: np.ndarray, before: np.ndarray) -> np.ndarray:
        """The attention while a text is written: float32[layers, steps, places].

        Args:
            source: int32[places].
            before: int32[steps], the tokens before each step.
        """
        memory, only = self.read([source]), np.zeros(1, np.int64)
        state, found = memory.state, []
        for token in before:
            _, state, seen = self.step(np.array([token]), state, memory, only)
            found.append(seen)
        seen_by_step: np.ndarray = np.array(found)[:, :, 0]
        weights: np.ndarray = seen_by_step.transpose(1, 0, 2)
        return weights
