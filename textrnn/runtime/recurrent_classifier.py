"""A recurrent classifier in NumPy: texts as ids in, logits out; many texts at a time, none padded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from textrnn.classify_config import EncoderConfig
from textrnn.runtime.cells import Arrays, Cell
from textrnn.runtime.network import LARGEST_TABLE, Weights

ROWS = 128  # texts side by side: more no longer fit into the cache
Steps = list[np.ndarray]  # for each step float32[features, texts that are that long]


class RecurrentClassifier:
    """The network of `textrnn.models.classifier`, with its weights.

    Args:
        config: the architecture.
        vocab_size: number of tokens.
        num_classes: number of classes.
        weights: its arrays by name.

    Raises:
        RunError: the weights are not those of this architecture.
    """

    def __init__(self, config: EncoderConfig, vocab_size: int, num_classes: int, weights: Weights) -> None:
        self.config, self.vocab_size, self.num_classes = config, vocab_size, num_classes
        self._embeddings = weights.get("embedding/embeddings", vocab_size, config.embed)
        width, self._layers = config.embed, list[list[Cell]]()
        for number in range(config.layers):
            names = [f"layer{number}/{way}" for way in ("forward", "backward")]
            names = names if config.both_ways else [f"layer{number}"]
            self._layers.append([weights.cell(config.cell_kind, name, width, config.units) for name in names])
            width = config.width
        self._query = weights.get("pooling/query", width, 1) if "attention" in config.pools else None
        self._kernel = weights.get("output/kernel", width * len(config.pools), num_classes)
        self._bias = weights.get("output/bias", num_classes)
        # Each token's share of the first layer's gates, looked up instead of computed.
        gates = self._layers[0][0].kernel.shape[0]
        self._tables = [
            np.ascontiguousarray((self._embeddings @ cell.kernel.T + cell.bias[:, 0]).T)
            for cell in self._layers[0]
            if vocab_size * gates <= LARGEST_TABLE
        ]

    def logits(self, texts: Sequence[np.ndarray]) -> np.ndarray:
        """Logits float32[texts, classes] of texts as ids, int[steps] with at least one step each."""
        logits = np.empty((len(texts), self.num_classes), np.float32)
        order = np.argsort([-len(ids) for ids in texts], kind="stable")
        for begin in range(0, len(order), ROWS):
            rows = order[begin : begin + ROWS]
            logits[rows] = self._pooled([texts[row] for row in rows]).T @ self._kernel + self._bias
        return logits

    def _pooled(self, texts: Sequence[np.ndarray]) -> np.ndarray:
        """float32[pooled, texts] of texts from the longest to the shortest."""
        lengths = np.array([len(ids) for ids in texts])
        padded = np.zeros((lengths[0], len(texts)), np.int32)
        for row, ids in enumerate(texts):
            padded[: len(ids), row] = ids
        # At each step the first so many texts go on.
        active = np.searchsorted(-lengths, -np.arange(lengths[0]), side="left")
        columns = [column[:count] for column, count in zip(padded, active, strict=True)]
        outputs, finals = self._first_layer(columns)
        for cells in self._layers[1:]:
            outputs, finals = self._layer(
                cells, lambda way, t, cells=cells, h=outputs: cells[way].project(h[t]), active
            )  # type: ignore[misc]
        return np.concatenate([getattr(self, f"_{name}")(outputs, finals, lengths) for name in self.config.pools])

    def _first_layer(self, ids: Steps) -> tuple[Steps, Arrays]:
        cells, active = self._layers[0], np.array([len(column) for column in ids])
        if self._tables:
            return self._layer(cells, lambda way, t: np.take(self._tables[way], ids[t], axis=1, mode="clip"), active)
        return self._layer(cells, lambda way, t: cells[way].project(self._embeddings[ids[t]].T), active)

    def _layer(self, cells: Sequence[Cell], projected, active: np.ndarray) -> tuple[Steps, Arrays]:  # type: ignore[no-untyped-def]
        """The outputs of each step, and the final outputs of each direction."""
        ways, finals = [], []
        for way, cell in enumerate(cells):
            state, outputs = cell.initial_state(int(active[0])), [np.empty(0)] * len(active)
            for t in range(len(active)) if way == 0 else range(len(active) - 1, -1, -1):
                count = active[t]
                new = cell.step(projected(way, t), [array[:, :count] for array in state])
                for array, values in zip(state, new, strict=True):
                    array[:, :count] = values
                outputs[t] = new[0]
            ways.append(outputs)
            finals.append(state[0])
        return [np.concatenate(parts) for parts in zip(*ways, strict=True)], finals

    def _last(self, outputs: Steps, finals: Arrays, lengths: np.ndarray) -> np.ndarray:
        return np.concatenate(finals)

    def _mean(self, outputs: Steps, finals: Arrays, lengths: np.ndarray) -> np.ndarray:
        total: np.ndarray = outputs[0].copy()
        for h in outputs[1:]:
            total[:, : h.shape[1]] += h
        total /= lengths.astype(np.float32)
        return total

    def _max(self, outputs: Steps, finals: Arrays, lengths: np.ndarray) -> np.ndarray:
        most: np.ndarray = outputs[0].copy()
        for h in outputs[1:]:
            np.maximum(most[:, : h.shape[1]], h, out=most[:, : h.shape[1]])
        return most

    def _attention(self, outputs: Steps, finals: Arrays, lengths: np.ndarray) -> np.ndarray:
        scores = np.full((len(outputs), len(lengths)), -np.inf, np.float32)
        for t, h in enumerate(outputs):
            scores[t, : h.shape[1]] = self._query[:, 0] @ h  # type: ignore[index]
        scores = np.exp(scores - scores.max(0))
        scores /= scores.sum(0)
        total = np.zeros_like(outputs[0])
        for t, h in enumerate(outputs):
            total[:, : h.shape[1]] += h * scores[t, : h.shape[1]]
        return total
