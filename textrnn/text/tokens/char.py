"""Characters and bytes as tokens, by table lookup in NumPy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrnn.text.encodings import REPLACEMENT
from textrnn.text.tokens.base import (
    NUM_RESERVED,
    PADDING_ID,
    UNKNOWN_ID,
    BytesTokenizer,
    Ids,
    StringTokenizer,
    check_keys,
    check_tokens,
    damaged,
    ranked,
)

_NUM_CODES = 0x110000


class CharCounter:
    """Counts characters of text given in pieces; lone surrogates are not counted.

    Example:
        >>> counter = CharCounter()
        >>> counter.add("abba")
        >>> counter.counts()
        {'a': 2, 'b': 2}
    """

    def __init__(self) -> None:
        self._counts = np.zeros(_NUM_CODES, np.int64)

    def add(self, text: str) -> None:
        """Count one more piece."""
        counts = np.bincount(_codes(text))  # only as long as the largest code
        self._counts[: counts.size] += counts

    def counts(self) -> dict[str, int]:
        """Each character seen and how often, in the order of code points."""
        codes = np.flatnonzero(self._counts)
        codes = codes[(codes < 0xD800) | (codes > 0xDFFF)]
        return {chr(code): int(self._counts[code]) for code in codes}


class CharTokenizer(StringTokenizer):
    """Each character is a token.

    Args:
        characters: the vocabulary without the reserved ids, distinct.

    Example:
        >>> tokenizer = CharTokenizer(["a", "b"])
        >>> tokenizer.encode("abc").tolist(), tokenizer.decode([2, 3, 0, 1])
        ([2, 3, 1], 'ab\ufffd')
    """

    level = "char"

    def __init__(self, characters: list[str]) -> None:
        super().__init__(characters)
        codes = np.array([ord(char) for char in characters], np.int64)
        # One entry more than the largest code, for all characters beyond it.
        self._table = np.full(max(256, int(codes.max(initial=0)) + 2), UNKNOWN_ID, np.int32)
        self._table[codes] = np.arange(NUM_RESERVED, self.vocab_size)
        self._codes = np.array([0, ord(REPLACEMENT), *codes], "<u4")

    @classmethod
    def build(cls, pieces: Iterable[str], vocab_size: int | None, min_count: int) -> CharTokenizer:
        """Take the most frequent characters; `vocab_size` counts the reserved ids too."""
        counter = CharCounter()
        for piece in pieces:
            counter.add(piece)
        characters = ranked((char, count) for char, count in counter.counts().items() if count >= min_count)
        return cls(characters if vocab_size is None else characters[: vocab_size - NUM_RESERVED])

    def with_tokens(self, tokens: Iterable[str]) -> CharTokenizer:
        """See `StringTokenizer.with_tokens`."""
        return CharTokenizer([*self.tokens, *tokens])

    @classmethod
    def from_json(cls, values: Any) -> CharTokenizer:
        """The inverse of `to_json`; raises TokenizerError."""
        check_keys(values, {"level", "tokens"})
        tokens = check_tokens(values["tokens"])
        if any(len(token) > 1 for token in tokens):
            raise damaged("expected tokens of one character each")
        return cls(tokens)

    def encode(self, text: str) -> Ids:
        """See `Tokenizer.encode`."""
        codes = _codes(text)
        if codes.dtype != np.uint8:
            codes = np.minimum(codes, np.uint32(self._table.size - 1))
        ids: Ids = self._table[codes]
        return ids

    def decode(self, ids: Iterable[int] | NDArray[np.integer[Any]]) -> str:
        """See `Tokenizer.decode`."""
        array = self.check_ids(ids)
        if array.min(initial=UNKNOWN_ID) == PADDING_ID:
            array = array[array != PADDING_ID]
        return self._codes[array].tobytes().decode("utf-32-le")

    def to_json(self) -> dict[str, Any]:
        """See `Tokenizer.to_json`."""
        return {"level": self.level, "tokens": self.tokens}


class ByteTokenizer(BytesTokenizer):
    """Each byte of UTF-8 is a token: 258 ids for any text.

    Example:
        >>> ByteTokenizer().encode("é").tolist()
        [197, 171]
    """

    level = "byte"

    def __init__(self) -> None:
        super().__init__([bytes([value]) for value in range(256)])

    @classmethod
    def from_json(cls, values: Any) -> ByteTokenizer:
        """The inverse of `to_json`; raises TokenizerError."""
        check_keys(values, {"level"})
        return cls()

    def encode(self, text: str) -> Ids:
        """See `Tokenizer.encode`."""
        return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8).astype(np.int32) + NUM_RESERVED

    def decode(self, ids: Iterable[int] | NDArray[np.integer[Any]]) -> str:
        """See `Tokenizer.decode`."""
        array = self.check_ids(ids)
        if array.min(initial=NUM_RESERVED) < NUM_RESERVED:
            return super().decode(array)
        return (array - NUM_RESERVED).astype(np.uint8).tobytes().decode("utf-8", "replace")

    def to_json(self) -> dict[str, Any]:
        """See `Tokenizer.to_json`."""
        return {"level": self.level}


def _codes(text: str) -> NDArray[Any]:
    """Code points of a text: uint8[chars] if all are ASCII, else uint32[chars]."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
