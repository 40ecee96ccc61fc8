"""Which tokens would complete a piece that stands in a text, whatever the tokens are."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

import numpy as np

from textrnn.language_model.token_tree import TokenTree
from textrnn.nn.numpy.network import State
from textrnn.text.hashes import Followers, Text, code_points, powers, values
from textrnn.text.tokens.load import Tokenizer

# Pieces that begin before a token and go further into it than the tree of tokens: so few are looked up one by one.
FEW = 64
MOST_TREES = 512
_NOTHING = 1  # no bytes of an unfinished character, as a number: b"\x01" before them


class KnownText:
    """Pieces of more than `limit` characters of a text, see `textrnn.language_model.novel.Known`.

    The state of texts has the values of their last characters, uint64[limit, rows], zero before their beginning, and
    the bytes of an unfinished character, int64[1, rows].

    What comes next is looked up in two tables of the text: what follows `limit` characters completes a piece; and what
    follows the last few of them leads on into longer tokens, so that only those are looked at with which the text goes
    on.

    Args:
        text: gives the normalised text in parts, each time from its beginning.
        limit: characters that a known piece may have, at least 1.
        tokenizer: what the tokens are.
    """

    def __init__(self, text: Text, limit: int, tokenizer: Tokenizer) -> None:
        self._limit, self._powers = limit, powers(limit)
        self._bytes = [tokenizer.token_bytes(token) for token in range(tokenizer.vocab_size)]
        lengths = np.array([len(each) for each in self._texts(_NOTHING)])
        self._depth = next(k for k in range(1, limit + 1) if k == limit or np.maximum(lengths - k, 0).sum() <= FEW)
        self._whole = Followers(text, limit)
        self._near = self._whole if self._depth == 1 else Followers(text, limit + 1 - self._depth)
        self._trees: dict[int, TokenTree] = {}
        self._decoded: dict[tuple[int, int], tuple[np.ndarray, int]] = {}

    def start(self, rows: int) -> State:
        """See `Known.start`."""
        return [np.zeros((self._limit, rows), np.uint64), np.full((1, rows), _NOTHING)]

    def read(self, ids: np.ndarray, state: State) -> State:
        """See `Known.read`."""
        history, unfinished = state
        found = [self._decode(*pair) for pair in zip(unfinished[0].tolist(), ids.tolist(), strict=True)]
        after = np.array([[bytes_left for _, bytes_left in found]])
        if all(len(added) == 1 for added, _ in found):
            return [np.concatenate([history[1:], np.array([added for added, _ in found]).T]), after]
        rows = zip(history.T, found, strict=True)
        return [np.stack([np.concatenate([row, added])[-self._limit :] for row, (added, _) in rows], axis=1), after]

    def forbidden(self, state: State) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """See `Known.forbidden`."""
        history, unfinished = state[0], state[1][0]
        for before in dict.fromkeys(unfinished.tolist()):
            rows = np.flatnonzero(unfinished == before)
            tree, recent = self._tree(before), history[:, rows]
            if len(tree.never):
                yield np.repeat(rows, len(tree.never)), np.tile(tree.never, len(rows))
            for which, ids in self._completing(tree, recent):
                yield rows[which], ids
            which, ids = tree.reaching_back(recent, self._whole)
            yield rows[which], ids

    def _completing(self, tree: TokenTree, history: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows, and tokens that complete a piece within the tree: character by character, as the text goes on."""
        rows, recent = np.arange(history.shape[1]), history
        nodes, near = np.zeros(len(rows), np.int64), self._limit + 1 - self._depth
        for depth in range(1, self._depth + 1):
            which, chars = self._near.after(self._powers[:near] @ recent[-near:])
            if not len(which):  # most times
                return
            children = tree.children(nodes[which], chars)
            there = np.flatnonzero(children)
            which, chars, children = which[there], chars[there], children[there]
            known = self._whole.has((self._powers @ recent)[which], chars)
            num, ids = tree.tokens(children[known])
            yield np.repeat(rows[which[known]], num), ids
            rows, nodes = rows[which[~known]], children[~known]
            recent = np.concatenate([history[depth:, rows], values(tree.prefixes(nodes, depth)).T])  # [limit, nodes]

    def _tree(self, before: int) -> TokenTree:
        """The tokens by what they add to a text that ends with some bytes of an unfinished character."""
        if before not in self._trees:
            if len(self._trees) >= MOST_TREES:
                self._trees.clear()
            self._trees[before] = TokenTree(self._texts(before), self._depth, self._limit, self._whole)
        return self._trees[before]

    def _texts(self, before: int) -> list[str]:
        """The characters that each token completes."""
        begin = _to_bytes(before)
        return [_decoder().decode(begin + token) for token in self._bytes]

    def _decode(self, before: int, token: int) -> tuple[np.ndarray, int]:
        """The values of the characters that a token adds, uint64[chars], and the bytes that it leaves."""
        found = self._decoded.get((before, token))
        if found is None:
            decoder = _decoder()
            text = decoder.decode(_to_bytes(before) + (self._bytes[token] if token < len(self._bytes) else b""))
            left = int.from_bytes(b"\x01" + decoder.getstate()[0], "big")
            found = self._decoded[before, token] = values(code_points(text)), left
        return found


def _decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")("replace")


def _to_bytes(number: int) -> bytes:
    return number.to_bytes(4, "big").lstrip(b"\0")[1:]
