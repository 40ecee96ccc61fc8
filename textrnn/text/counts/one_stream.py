"""Predictions for one stream, in Python numbers: NumPy's calls cost more than what they do for so few."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from textrnn.base.errors import RunError
from textrnn.text.counts.table_file import BACKOFF_STEPS

UNKNOWN = -1  # the number of a node that is not there
FEW = 6  # n-grams that are added one by one
MOST_CACHED = 1 << 20  # n-grams whose rows are kept, of 12 bytes


class OneStream:
    """Steps over the arrays of a file of counts, see `textrnn.text.counts.model`.

    Its methods raise a `RunError` where the file contradicts itself.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], path: Path) -> None:
        self._path = path
        self._tokens, self._counts = arrays["tokens"], arrays["counts"]
        self._values = arrays["values"]
        self._lists = self._values.tolist()
        self._token, self._count = self._tokens.data, self._counts.data
        self._first, self._scale, self._backoff = arrays["first"].data, arrays["scale"].data, arrays["backoff"].data
        self._contexts = len(self._scale)
        self._cache: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._cached = 0

    def damaged(self) -> RunError:
        """The error to raise where the file contradicts itself."""
        return RunError(f"{self._path} is damaged: its content is no trie of counts; restore it or train again")

    def row(self, node: int) -> tuple[int, int]:
        """The range of n-grams that go on from a node."""
        if not 0 <= node < self._contexts:
            return 0, 0
        begin, end = self._first[node], self._first[node + 1]
        if not begin <= end <= len(self._token):
            raise self.damaged()
        return begin, end

    def find(self, node: int, token: int) -> int:
        """The node to which a token leads, `UNKNOWN` where there is none."""
        begin, end = self.row(node)
        place = bisect_left(self._token, token, begin, end)
        return place + 1 if place < end and self._token[place] == token else UNKNOWN

    def weights(self, node: int) -> tuple[float, float]:
        """Scale and back-off weight of a context, 0 and 1 if it is not there."""
        return (self._scale[node], self._backoff[node] / BACKOFF_STEPS) if 0 <= node < self._contexts else (0.0, 1.0)

    def added(self, index: int, node: int, token: int) -> float:
        """What order `index + 1` adds to the one below for a token after a context."""
        found = self.find(node, token)
        return 0.0 if found == UNKNOWN else self._scale[node] * self._lists[index][self._count[found - 1]]

    def add(self, mixed: np.ndarray, index: int, node: int, share: float) -> None:
        """Adds the same for all tokens, times `share`, in place: float32[vocab]."""
        begin, end = self.row(node)
        try:
            if end - begin > FEW:
                tokens, row = self._cache.get(node) or self._long_row(index, node, begin, end)
                mixed[tokens] += row * np.float32(share)
            elif begin < end:
                factor, values = share * self._scale[node], self._lists[index]
                for place in range(begin, end):
                    mixed[self._token[place]] += factor * values[self._count[place]]
        except IndexError:  # a token beyond the vocabulary
            raise self.damaged() from None

    def _long_row(self, index: int, node: int, begin: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """The tokens of a row and what each adds: int64[any], float32[any]."""
        if self._cached > MOST_CACHED:
            self._cache.clear()
            self._cached = 0
        values = self._values[index][self._counts[begin:end]] * np.float32(self._scale[node])
        self._cache[node] = self._tokens[begin:end].astype(np.intp), values
        self._cached += end - begin
        return self._cache[node]

    def mix(self, mixed: np.ndarray, nodes: list[int], gate: list[float], unigram: np.ndarray) -> None:
        """Adds what the orders from 1 on give, in place; see `Counts.mixture`.

        Args:
            mixed: float32[vocab].
            nodes: of each order.
            gate: weight of each order.
            unigram: float32[vocab], the probabilities of order 1.
        """
        share = 0.0
        for index in range(len(nodes) - 1, 0, -1):
            share += gate[index]
            node = nodes[index]
            if 0 <= node < self._contexts:
                self.add(mixed, index, node, share)
                share *= self._backoff[node] / BACKOFF_STEPS
        mixed += np.float32(share + gate[0]) * unigram
