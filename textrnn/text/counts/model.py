"""Saved counts that predict: a trie of n-grams in a mapped file.

An n-gram is a node; node 0 is the empty one. The n-grams that go on from a node by one token stand side by side, sorted
by that token, so that a node is the context of a range of nodes. With a context's scale and back-off weight:

    p_n(w | h) = scale(h) * value_n(count(h w)) + backoff(h) * p_(n-1)(w | h without its first token)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from textrnn.text.counts.one_stream import UNKNOWN, OneStream
from textrnn.text.counts.table_file import BACKOFF_STEPS, map_arrays

PIECE = 1 << 16


class Counts:
    """The counts of a text, as `save_counts` wrote them.

    Attributes:
        vocab: number of tokens.
        order: the highest order.
        longest: tokens of the longest n-gram, which are as many.
    """

    def __init__(self, path: Path) -> None:
        """Opens a file: it is mapped, and read where it is asked.

        Raises:
            RunError: it is missing or damaged.
        """
        layout, arrays = map_arrays(path)
        self.vocab, self.order, self.longest = layout.vocab, layout.order, layout.order
        self._tokens, self._counts, self._first = arrays["tokens"], arrays["counts"], arrays["first"]
        self._scale, self._backoff = arrays["scale"], arrays["backoff"]
        self._values = arrays["values"]
        self.one = OneStream(arrays, path)
        # Of counts from 0 to 3 and more, float64[order, 4].
        self.discounts = np.concatenate([np.zeros((self.order, 1)), [1, 2, 3] - arrays["values"][:, 1:4]], 1)
        self._contexts = len(self._scale)
        none = np.zeros(0, np.int64)
        self._asked: tuple[np.ndarray, ...] = none, none, none  # nodes, and what `_followers` gave for them
        singles = self._tokens[: layout.sizes[0]]
        if singles.max() >= self.vocab or int(self._first[1]) != len(singles):
            raise self.one.damaged()
        # What stands for single tokens, all of the vocabulary: node numbers and probabilities.
        self._singles = np.full(self.vocab, UNKNOWN, np.int64)
        self._singles[singles] = np.arange(1, len(singles) + 1)
        weight = int(self._backoff[0]) / BACKOFF_STEPS
        self.unigram = np.full(self.vocab, weight / self.vocab, np.float32)
        self.unigram[singles] += self._scale[0] * self._values[0][self._counts[: len(singles)]]

    def start(self, streams: int) -> np.ndarray:
        """Streams that have read nothing: int64[streams, order].

        Column n is the node of the last n tokens, `UNKNOWN` where the counts do not have them.
        """
        nodes = np.full((streams, self.order), UNKNOWN)
        nodes[:, 0] = 0
        return nodes

    def rows(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The n-grams that go on from nodes: the first of each and how many, int64[any].

        Raises:
            RunError: the file is damaged.
        """
        known = (nodes >= 0) & (nodes < self._contexts)
        context = np.where(known, nodes, 0)
        first = self._first[context].astype(np.int64)
        num = self._first[context + 1] - first
        if num.size and (num.min() < 0 or num.max() > self.vocab or int((first + num).max()) > len(self._tokens)):
            raise self.one.damaged()
        return first, num * known

    def find(self, nodes: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """The nodes to which tokens lead: int[any], int[any] -> int64[any], `UNKNOWN` where there is none."""
        begin, num = self.rows(nodes)
        end, last = begin + num, len(self._tokens) - 1
        for _ in range(int(num.max(initial=0)).bit_length()):  # binary search, all at once
            half = num >> 1
            middle = begin + half
            below = (self._tokens[np.minimum(middle, last)] < tokens) & (num > 0)
            begin = np.where(below, middle + 1, begin)
            num = np.where(below, num - half - 1, half)
        found = (begin < end) & (self._tokens[np.minimum(begin, last)] == tokens)
        led: np.ndarray = np.where(found, begin + 1, UNKNOWN)
        return led

    def advance(self, nodes: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """The streams after one more token each: int64[streams, order], int[streams] -> int64[streams, order]."""
        if len(nodes) == 1:
            return np.array([[0, *(self.one.find(node, int(tokens[0])) for node in nodes[0, :-1].tolist())]])
        after = np.zeros_like(nodes)
        after[:, 1:2] = self._singles[tokens][:, None][:, : self.order - 1]
        if self.order > 2:
            before = nodes[:, 1:]
            index, num = self._followers(before.ravel())  # as the mixture has just asked for them
            right = np.flatnonzero(self._tokens_at(index) == np.repeat(tokens, num.reshape(before.shape).sum(1)))
            led = np.full(before.size, UNKNOWN)
            led[np.searchsorted(np.cumsum(num), right, side="right")] = index[right] + 1
            after[:, 2:] = led.reshape(before.shape)[:, :-1]
        return after

    def weights(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scale and back-off weight of contexts: two float32[any]; 0 and 1 for those that are not there."""
        known = (nodes >= 0) & (nodes < self._contexts)
        context = np.where(known, nodes, 0)
        backoff = self._backoff[context].astype(np.float32) / np.float32(BACKOFF_STEPS)
        return np.where(known, self._scale[context], np.float32(0)), np.where(known, backoff, np.float32(1))

    def target_probabilities(self, nodes: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """The probability of a token after each stream, in each order.

        Args:
            nodes: int64[streams, order], see `start`.
            tokens: int[streams].

        Returns:
            float32[streams, order].
        """
        found = np.empty_like(nodes)
        found[:, 0] = self._singles[tokens]
        if self.order > 1:
            found[:, 1:] = self.find(nodes[:, 1:].ravel(), np.repeat(tokens, self.order - 1)).reshape(len(nodes), -1)
        scale, backoff = self.weights(nodes)
        chain = np.full(len(nodes), 1 / self.vocab, np.float32)
        result = np.empty(nodes.shape, np.float32)
        for n in range(self.order):
            result[:, n] = chain = self.added(n, found[:, n], scale[:, n]) + backoff[:, n] * chain
        return result

    def added(self, index: int, found: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """What order `index + 1` adds to the one below for n-grams: their nodes and their contexts' scale, [any]."""
        value = self._values[index][self._counts[np.maximum(found - 1, 0)]]
        added: np.ndarray = np.where(found > 0, scale * value, np.float32(0))
        return added

    def walk(self, nodes: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """The states of streams while they read.

        Args:
            nodes: int64[streams, order], the streams before.
            tokens: int[steps, streams].

        Returns:
            int64[steps + 1, streams, order]: row t has the streams when they have read t tokens.
        """
        states = np.full((len(tokens) + 1, *nodes.shape), UNKNOWN)
        states[0], states[..., 0] = nodes, 0
        if self.order > 1:
            states[1:, :, 1] = self._singles[tokens]
        for n in range(2, self.order):
            states[1:, :, n] = self.find(states[:-1, :, n - 1].ravel(), tokens.ravel()).reshape(tokens.shape)
        return states

    def text_probabilities(self, nodes: np.ndarray, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The probability of each token of a text, in each order.

        Args:
            nodes: int64[1, order], the stream before the text.
            tokens: int[steps].

        Returns:
            float32[steps, order], and the stream after the text.
        """
        parts = []
        for begin in range(0, len(tokens), PIECE):
            piece = tokens[begin : begin + PIECE]
            states = self.walk(nodes, piece[:, None])[:, 0]
            parts.append(self.target_probabilities(states[:-1], piece))
            nodes = states[-1:]
        return np.concatenate([np.zeros((0, self.order), np.float32), *parts]), nodes

    def mixture(self, nodes: np.ndarray, gate: np.ndarray, network: np.ndarray) -> np.ndarray:
        """Probabilities of all tokens: of the network and of each order, weighted.

        Args:
            nodes: int64[streams, order], see `start`.
            gate: float32[streams, order + 1], the weights of the network and of the orders from 1 on.
            network: float32[streams, vocab], the network's probabilities.

        Returns:
            float32[streams, vocab].
        """
        if len(nodes) == 1:
            one: np.ndarray = gate[:, :1] * network
            self.one.mix(one[0], nodes[0].tolist(), gate[0, 1:].tolist(), self.unigram)
            return one
        scale, backoff = self.weights(nodes)
        # What an order's own counts are multiplied by: its weight, and what the orders above back off to it.
        share = np.empty_like(scale)
        share[:, -1] = gate[:, -1]
        for n in range(self.order - 2, -1, -1):
            share[:, n] = gate[:, n + 1] + backoff[:, n + 1] * share[:, n + 1]
        mixed: np.ndarray = gate[:, :1] * network + share[:, :1] * self.unigram
        if self.order > 1:
            self._add_rows(mixed, nodes[:, 1:], scale[:, 1:] * share[:, 1:])
        return mixed

    def _add_rows(self, mixed: np.ndarray, nodes: np.ndarray, factors: np.ndarray) -> None:
        """Adds the n-grams that go on from nodes of order 2 and above."""
        index, num = self._followers(nodes.ravel())
        orders = np.arange(1, self.order) * 256
        table = np.broadcast_to(orders, nodes.shape).ravel()
        token = self._tokens_at(index)
        value = self._values.ravel()[self._counts[index] + np.repeat(table, num)] * np.repeat(factors.ravel(), num)
        stream = np.repeat(np.arange(len(nodes)) * self.vocab, num.reshape(nodes.shape).sum(1))
        np.add.at(mixed.reshape(-1), stream + token, value)

    def following(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The tokens that are known to follow nodes, of any order.

        Args:
            nodes: int64[any].

        Returns:
            int64[found], the places of nodes among those given, rising, and a token each, int64[found].

        Raises:
            RunError: the file is damaged.
        """
        index, num = self._followers(nodes)
        return np.repeat(np.arange(len(nodes)), num), self._tokens_at(index).astype(np.int64)

    def _followers(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The places of the n-grams that go on from nodes, node by node, and how many of each: int64[any] both."""
        asked, index, num = self._asked
        if not np.array_equal(asked, nodes):
            first, num = self.rows(nodes)
            index = np.arange(num.sum()) + np.repeat(first - np.cumsum(num) + num, num)
            self._asked = nodes, index, num
        return index, num

    def _tokens_at(self, index: np.ndarray) -> np.ndarray:
        token: np.ndarray = self._tokens[index]
        if token.size and token.max() >= self.vocab:
            raise self.one.damaged()
        return token
