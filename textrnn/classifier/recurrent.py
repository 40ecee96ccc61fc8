"""A recurrent classifier in NumPy: texts as ids in, logits out; many texts at a time, none padded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from textrnn.classifier.options import EncoderConfig
from textrnn.nn.numpy.scan import Layer, make_layer
from textrnn.nn.numpy.weights import Weights

ROWS = 256  # texts side by side: fewer leave threads waiting for one another, more no longer fit into the cache
TOKENS = 1 << 17  # tokens for which those that are distinct are projected once


@dataclass(frozen=True)
class Block:
    """Some texts from the longest to the shortest, their tokens by steps, then by texts.

    Attributes:
        lengths: int64[texts].
        counts: for each step how many texts have it.
        tokens: int64[tokens], where each token stands among the tokens of one text after another.
        mirrored: int64[tokens], which token comes when each text is read from its end; the same gives the way back.
    """

    lengths: np.ndarray
    counts: list[int]
    tokens: np.ndarray
    mirrored: np.ndarray

    @classmethod
    def of(cls, lengths: np.ndarray) -> Block:
        """The order of texts of some lengths, none 0.

        Example:
            >>> block = Block.of(np.array([3, 1]))  # the texts abc and d: a d b c, and from their ends c d b a
            >>> block.counts, block.tokens.tolist(), block.mirrored.tolist()
            ([2, 1, 1], [0, 3, 1, 2], [3, 1, 2, 0])
        """
        counts = np.searchsorted(-lengths, -np.arange(lengths[0]), side="left")
        rows = np.repeat(np.arange(len(lengths)), lengths)
        steps = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        begins = np.cumsum(counts) - counts
        places = begins[steps] + rows
        tokens, mirrored = np.empty_like(places), np.empty_like(places)
        tokens[places] = np.arange(len(places))
        mirrored[places] = begins[lengths[rows] - 1 - steps] + rows
        return cls(lengths, counts.tolist(), tokens, mirrored)


class RecurrentClassifier:
    """The network of `textrnn.classifier.network`, with its weights.

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
        width, self._layers = config.embed, list[Layer]()
        for number in range(config.layers):
            names = [f"layer{number}/{way}" for way in ("forward", "backward")]
            names = names if config.both_ways else [f"layer{number}"]
            ways = [weights.of_cell(config.spec, name, width, config.units) for name in names]
            self._layers.append(make_layer(config.spec, config.units, ways))
            width = config.width
        self._query = weights.get("pooling/query", width, 1) if "attention" in config.pools else None
        self._kernel = weights.get("output/kernel", width * len(config.pools), num_classes)
        self._bias = weights.get("output/bias", num_classes)

    def logits(self, texts: Sequence[np.ndarray]) -> np.ndarray:
        """Logits float32[texts, classes] of texts as ids, int[steps] with at least one step each."""
        logits = np.empty((len(texts), self.num_classes), np.float32)
        lengths = np.array([len(ids) for ids in texts], np.int64)
        order = np.argsort(-lengths, kind="stable")
        with np.errstate(over="ignore"):  # of sigmoids that are 0
            for rows in _parts(order, lengths):
                logits[rows] = self._part_logits([texts[row] for row in rows], lengths[rows])
        return logits

    def outputs(self, ids: np.ndarray) -> list[np.ndarray]:
        """What each layer puts out at each token of a text, int[steps]: float32[steps, width], forward first."""
        block, found = Block.of(np.array([len(ids)])), list[np.ndarray]()
        with np.errstate(over="ignore"):
            for layer in self._layers:
                inputs = found[-1] if found else self._embeddings[ids]
                found.append(self._outputs(layer, block, layer.project(inputs), np.arange(len(ids))))
        return found

    def attention(self, ids: np.ndarray) -> np.ndarray | None:
        """The weight of each token of a text, int[steps], which add up to 1: float32[steps]; None without attention."""
        if self._query is None:
            return None
        scores = (self.outputs(ids)[-1] @ self._query)[:, 0]
        shares: np.ndarray = np.exp(scores - scores.max())
        shares /= shares.sum()
        return shares

    def _part_logits(self, texts: Sequence[np.ndarray], lengths: np.ndarray) -> np.ndarray:
        """The logits of texts from the longest to the shortest: each distinct token of them is projected once."""
        logits, ends = list[np.ndarray](), np.cumsum(lengths)
        distinct, ids = np.unique(np.concatenate(texts), return_inverse=True)
        projected = self._layers[0].project(self._embeddings[distinct])
        for begin in range(0, len(texts), ROWS):
            block = Block.of(lengths[begin : begin + ROWS])
            end = ends[begin + len(block.lengths) - 1]
            pooled = self._pooled(block, projected, ids[end - len(block.tokens) : end][block.tokens])
            logits.append(pooled @ self._kernel + self._bias)
        return np.concatenate(logits)

    def _pooled(self, block: Block, projected: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """float32[texts, pooled] of texts whose tokens are `ids` among those that were projected."""
        *lower, layer = self._layers
        for below, above in zip(lower, self._layers[1:], strict=True):
            projected = above.project(self._outputs(below, block, projected, ids))
            ids = np.arange(len(ids))
        if self._query is not None:
            return self._attention(block, self._outputs(layer, block, projected, ids))
        return self._running(layer, block, projected, ids)

    def _steps(self, layer: Layer, block: Block, projected: np.ndarray, ids: np.ndarray) -> Iterator[np.ndarray]:
        ways, rows = projected.shape[1:3]
        index = np.stack([ids, ids[block.mirrored] + rows][:ways])
        flat = projected.reshape(len(projected), ways * rows, -1)
        return layer.scan(flat, index, block.counts)

    def _running(self, layer: Layer, block: Block, projected: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """The pools that need no output twice, while the layer reads."""
        pools, last = self.config.pools, np.empty(0)
        total = most = last
        for h in self._steps(layer, block, projected, ids):
            count = h.shape[1]
            if not len(last):
                last, total, most = h, h.copy(), h.copy()
                continue
            if "mean" in pools:
                total[:, :count] += h
            if "max" in pools:
                np.maximum(most[:, :count], h, out=most[:, :count])
        if "mean" in pools:
            total /= block.lengths.astype(np.float32)[:, None]
        # A text that has ended keeps its state, so the view of the first step is that of the last outputs now.
        found = dict(last=last, mean=total, max=most)
        return np.concatenate([way for name in pools for way in found[name]], 1)

    def _outputs(self, layer: Layer, block: Block, projected: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """All outputs in the order of the tokens: float32[tokens, width]."""
        outputs = [np.empty((len(ids), layer.units), np.float32) for _ in range(projected.shape[1])]
        begin = 0
        for h in self._steps(layer, block, projected, ids):
            for way, array in enumerate(outputs):
                array[begin : begin + h.shape[1]] = h[way]
            begin += h.shape[1]
        if len(outputs) == 1:
            return outputs[0]
        return np.concatenate([outputs[0], outputs[1][block.mirrored]], 1)

    def _attention(self, block: Block, outputs: np.ndarray) -> np.ndarray:
        scores = np.full((len(block.counts), len(block.lengths)), -np.inf, np.float32)
        ends = np.cumsum(block.counts)
        of_tokens = (outputs @ self._query)[:, 0]
        for step, (end, count) in enumerate(zip(ends, block.counts, strict=True)):
            scores[step, :count] = of_tokens[end - count : end]
        shares = np.exp(scores - scores.max(0))
        shares /= shares.sum(0)
        total = np.zeros((len(block.lengths), outputs.shape[1]), np.float32)
        for step, (end, count) in enumerate(zip(ends, block.counts, strict=True)):
            total[:count] += outputs[end - count : end] * shares[step, :count, None]
        return total


def _parts(order: np.ndarray, lengths: np.ndarray) -> Iterator[np.ndarray]:
    """The texts in order, so many at a time that they have about TOKENS tokens."""
    before = np.cumsum(lengths[order]) - lengths[order]
    for part in np.split(order, np.flatnonzero(np.diff(before // TOKENS)) + 1):
        if len(part):
            yield part
