"""The tokens of a vocabulary by the characters that they add to a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from textrnn.text.encodings import REPLACEMENT
from textrnn.text.hashes import POINT_BITS, Followers, code_points, hashes, powers, values


class TokenTree:
    """A tree whose nodes are the beginnings of tokens, 0 the empty one; and what lies deeper than it, one by one.

    Args:
        texts: of each token; those without characters are left out.
        depth: characters of the longest beginnings.
        limit: characters that a known piece may have, at least `depth`.
        known: what follows `limit` characters in the text.

    Attributes:
        never: int64[any], tokens that hold a known piece of more than `limit` characters themselves.

    Example:
        >>> tree = TokenTree(["", "the", "to", "a"], 2, 5, Followers(lambda: ["-"], 5))
        >>> (t,) = tree.children(np.array([0]), np.array([ord("t")]))
        >>> bytes(tree.prefixes(np.array([t]), 1)[0].tolist()), sorted(tree.tokens(np.array([t]))[1].tolist())
        (b't', [1, 2])
    """

    def __init__(self, texts: Sequence[str], depth: int, limit: int, known: Followers) -> None:
        self._ids = np.array(sorted((token for token, text in enumerate(texts) if text), key=texts.__getitem__), int)
        ordered = [texts[token] for token in self._ids]
        lengths = np.array([len(text) for text in ordered], int)
        self._points = np.zeros((len(ordered), lengths.max(initial=0)), np.uint32)
        self._points[np.arange(self._points.shape[1]) < lengths[:, None]] = code_points("".join(ordered))
        self._grow(lengths, depth)
        long = [token for token, text in enumerate(texts) if len(text) > limit]
        self.never = np.array([token for token in long if _holds(code_points(texts[token]), limit, known)], int)
        self._list_deeper(ordered, depth, limit)

    def _grow(self, lengths: np.ndarray, depth: int) -> None:
        """Makes the nodes, a character after the other: their tokens stand side by side, from `begin` to `end`."""
        node = np.zeros(len(lengths), np.int64)  # of each token's beginning so far
        keys, begins, ends = [np.zeros(0, np.uint64)], [np.zeros(1, int)], [np.full(1, len(lengths))]
        number = 1
        for place in range(min(depth, self._points.shape[1])):
            rows = np.flatnonzero(lengths > place)
            key = _keys(node[rows], self._points[rows, place])
            first = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
            sizes = np.diff(np.append(first, len(rows)))
            node[rows] = np.repeat(number + np.arange(len(first)), sizes)
            keys.append(key[first])
            begins.append(rows[first])
            ends.append(rows[first] + sizes)
            number += len(first)
        self._keys, self._begin, self._end = map(np.concatenate, (keys, begins, ends))

    def _list_deeper(self, ordered: Sequence[str], depth: int, limit: int) -> None:
        """Pieces that end deeper in a token than the tree and begin before it: what the token adds to their hashes.

        Those are left out that hold the broken character with which a token begins: no text has it.
        """
        factors = powers(limit)
        whole = [(row, len(text)) for row, text in enumerate(ordered) if text[0] != REPLACEMENT]
        found = [(row, size) for row, length in whole for size in range(depth + 1, min(length, limit) + 1)]
        rows, self._sizes = np.array(found, int).reshape(-1, 2).T
        self._deeper = self._ids[rows]
        self._last = self._points[rows, self._sizes - 1]
        own = [values(self._points[row, : size - 1]) @ factors[limit + 1 - size :] for row, size in found]
        self._own = np.array(own, np.uint64)
        self._factors = factors

    def prefixes(self, nodes: np.ndarray, depth: int) -> np.ndarray:
        """The characters of nodes of one depth: int64[any] -> uint32[any, depth]."""
        found: np.ndarray = self._points[self._begin[nodes], :depth]
        return found

    def children(self, nodes: np.ndarray, chars: np.ndarray) -> np.ndarray:
        """The nodes to which characters lead, 0 where there is none: int64[any], int[any] -> int64[any]."""
        keys = _keys(nodes, chars)
        place = np.minimum(np.searchsorted(self._keys, keys), max(0, len(self._keys) - 1))
        if not len(self._keys):
            return np.zeros(len(keys), np.int64)
        return np.where(self._keys[place] == keys, place + 1, 0)

    def tokens(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How many tokens begin as each node, and all of them, node by node: int64[nodes], int64[any]."""
        num = self._end[nodes] - self._begin[nodes]
        places = np.arange(num.sum()) + np.repeat(self._end[nodes] - np.cumsum(num), num)
        return num, self._ids[places]

    def reaching_back(self, history: np.ndarray, known: Followers) -> tuple[np.ndarray, np.ndarray]:
        """Tokens that complete a known piece which begins before them and ends deeper than the tree.

        Args:
            history: uint64[limit, rows], the values of the last characters.
            known: what follows `limit` characters in the text.

        Returns:
            int64[any], rows, and int64[any], a token each; both may come several times.
        """
        which, ids = np.zeros(0, int), np.zeros(0, int)
        for size in dict.fromkeys(self._sizes.tolist()):
            these = np.flatnonzero(self._sizes == size)
            before = self._factors[: len(history) + 1 - size] @ history[size - 1 :]  # [rows]
            there = known.has(before + self._own[these, None], self._last[these, None])  # [tokens, rows]
            tokens, rows = np.nonzero(there)
            which, ids = np.append(which, rows), np.append(ids, self._deeper[these[tokens]])
        return which, ids


def _keys(nodes: np.ndarray, chars: np.ndarray) -> np.ndarray:
    keys: np.ndarray = (nodes.astype(np.uint64) << POINT_BITS) | chars.astype(np.uint64)
    return keys


def _holds(text: np.ndarray, limit: int, known: Followers) -> bool:
    return bool(known.has(hashes(text, limit)[:-1], text[limit:]).any())
