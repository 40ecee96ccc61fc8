"""What the tokenizers of all levels share: reserved ids, decoding, and checks of what is read from JSON."""

from __future__ import annotations

import abc
import codecs
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from textrnn.base.errors import TokenizerError
from textrnn.text.encodings import REPLACEMENT

PADDING_ID = 0
UNKNOWN_ID = 1
NUM_RESERVED = 2
MAX_TOKENS = 1_200_000  # above the 1,112,064 characters of Unicode and the largest --vocab-size
RESERVED_NAMES = ("<padding>", "<unknown>")

Ids = NDArray[np.int32]


class Decoder(Protocol):
    """Turns ids to text one by one, as a model emits them."""

    def feed(self, token_id: int) -> str:
        """The text that is complete with this token, perhaps none."""

    def finish(self) -> str:
        """What was held back; call it once, at the end."""


class Tokenizer(abc.ABC):
    """Turns normalised text to ids and back.

    Id 0 is padding and decodes to nothing, 1 is unknown and decodes to U+FFFD. Decoding what was encoded gives the
    text exactly, but for characters that the vocabulary cannot represent.

    Attributes:
        level: "char", "byte", "word" or "bpe".
        vocab_size: number of ids, the two reserved ones included.
    """

    level: str
    vocab_size: int

    @abc.abstractmethod
    def encode(self, text: str) -> Ids:
        """Normalised text to int32[tokens]."""

    @abc.abstractmethod
    def decode(self, ids: Iterable[int] | NDArray[np.integer[Any]]) -> str:
        """Ids to text; an id outside of the vocabulary raises TokenizerError."""

    @abc.abstractmethod
    def decoder(self) -> Decoder:
        """A new decoder for a stream of ids; all it gives adds up to `decode`."""

    @abc.abstractmethod
    def unknown_characters(self, text: str) -> list[str]:
        """Distinct characters of a text that the vocabulary cannot represent, in order of first appearance."""

    @abc.abstractmethod
    def token_text(self, token_id: int) -> str:
        """A token as it is shown to a person; the reserved ones and bytes that are no character in angle brackets."""

    @abc.abstractmethod
    def token_bytes(self, token_id: int) -> bytes:
        """What a token adds to a text, in UTF-8."""

    @abc.abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Everything needed to make it again with `tokenizer_from_json`."""

    def check_id(self, token_id: int) -> int:
        """The id itself if it is in the vocabulary, else TokenizerError."""
        if not 0 <= token_id < self.vocab_size:
            raise TokenizerError(f"token id {token_id} is not in the vocabulary: expected 0 to {self.vocab_size - 1}")
        return token_id

    def check_ids(self, ids: Iterable[int] | NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """The ids as int64[tokens] if all are in the vocabulary, else TokenizerError."""
        array = np.asarray(ids if isinstance(ids, np.ndarray) else list(ids), np.int64).reshape(-1)
        if array.size:
            self.check_id(int(array.min()))
            self.check_id(int(array.max()))
        return array


class StringTokenizer(Tokenizer):
    """A tokenizer whose tokens are strings, among them single characters that spell what has no token.

    Args:
        tokens: the vocabulary without the reserved ids, distinct.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = list(tokens)
        self.vocab_size = NUM_RESERVED + len(self.tokens)
        self._ids = {token: NUM_RESERVED + index for index, token in enumerate(self.tokens)}
        self._texts = ["", REPLACEMENT, *self.tokens]

    def __contains__(self, token: str) -> bool:
        return token in self._ids

    @abc.abstractmethod
    def with_tokens(self, tokens: Iterable[str]) -> StringTokenizer:
        """The same tokenizer with more tokens, whose ids stand behind all others."""

    def extended(self, other: StringTokenizer) -> StringTokenizer:
        """The same tokenizer with those tokens of another behind it that it lacks."""
        return self.with_tokens(token for token in other.tokens if token not in self)

    def decode(self, ids: Iterable[int] | NDArray[np.integer[Any]]) -> str:
        """See `Tokenizer.decode`."""
        return "".join(map(self._texts.__getitem__, self.check_ids(ids).tolist()))

    def decoder(self) -> Decoder:
        """See `Tokenizer.decoder`."""
        return _StringDecoder(self, self._texts)

    def unknown_characters(self, text: str) -> list[str]:
        """See `Tokenizer.unknown_characters`."""
        return [char for char in dict.fromkeys(text) if char not in self._ids]

    def token_bytes(self, token_id: int) -> bytes:
        """See `Tokenizer.token_bytes`."""
        return self._texts[self.check_id(token_id)].encode()

    def token_text(self, token_id: int) -> str:
        """See `Tokenizer.token_text`."""
        self.check_id(token_id)
        return RESERVED_NAMES[token_id] if token_id < NUM_RESERVED else self._texts[token_id]


class BytesTokenizer(Tokenizer):
    """A tokenizer whose tokens are bytes of UTF-8, so that nothing is unknown.

    Args:
        tokens: the vocabulary without the reserved ids.
    """

    def __init__(self, tokens: Sequence[bytes]) -> None:
        self.vocab_size = NUM_RESERVED + len(tokens)
        self._bytes = [b"", REPLACEMENT.encode(), *tokens]

    def decode(self, ids: Iterable[int] | NDArray[np.integer[Any]]) -> str:
        """See `Tokenizer.decode`; bytes that are not UTF-8 become U+FFFD."""
        return b"".join(map(self._bytes.__getitem__, self.check_ids(ids).tolist())).decode("utf-8", "replace")

    def decoder(self) -> Decoder:
        """See `Tokenizer.decoder`; it gives complete characters only."""
        return _BytesDecoder(self, self._bytes)

    def unknown_characters(self, text: str) -> list[str]:
        """Always empty: bytes spell every character."""
        return []

    def token_bytes(self, token_id: int) -> bytes:
        """See `Tokenizer.token_bytes`."""
        return self._bytes[self.check_id(token_id)]

    def token_text(self, token_id: int) -> str:
        """See `Tokenizer.token_text`."""
        if self.check_id(token_id) < NUM_RESERVED:
            return RESERVED_NAMES[token_id]
        token = self._bytes[token_id]
        try:
            return token.decode()
        except UnicodeDecodeError:
            return "<" + token.hex(" ") + ">"


class _StringDecoder:
    def __init__(self, tokenizer: Tokenizer, texts: list[str]) -> None:
        self._tokenizer, self._texts = tokenizer, texts

    def feed(self, token_id: int) -> str:
        return self._texts[self._tokenizer.check_id(token_id)]

    def finish(self) -> str:
        return ""


class _BytesDecoder:
    def __init__(self, tokenizer: Tokenizer, texts: list[bytes]) -> None:
        self._tokenizer, self._texts = tokenizer, texts
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, token_id: int) -> str:
        return self._decoder.decode(self._texts[self._tokenizer.check_id(token_id)])

    def finish(self) -> str:
        return self._decoder.decode(b"", final=True)


def ranked(counts: Iterable[tuple[str, int]]) -> list[str]:
    """Tokens from most to least frequent; ties in the order of code points, so that ids never depend on chance.

    Example:
        >>> ranked({"b": 1, "c": 2, "a": 1}.items())
        ['c', 'a', 'b']
    """
    return [token for token, _ in sorted(counts, key=lambda item: (-item[1], item[0]))]


def check_keys(values: Any, keys: set[str]) -> None:
    """Raise TokenizerError unless `values` is a dictionary with just these keys."""
    if not isinstance(values, dict):
        raise damaged(f"expected an object, found {type(values).__name__}")
    if set(values) != keys:
        raise damaged(f"expected the keys {sorted(keys)}, found {sorted(map(str, values))!s:.200}")


def check_tokens(tokens: Any) -> list[str]:
    """The tokens if they are a list of distinct strings that text can have, else TokenizerError."""
    if not isinstance(tokens, list) or not 1 <= len(tokens) <= MAX_TOKENS:
        raise damaged(f"expected a list of 1 to {MAX_TOKENS} tokens")
    for token in tokens:
        if not isinstance(token, str) or not token or not _is_encodable(token):
            raise damaged(f"expected tokens of text, found {token!r:.60}")
    if len(set(tokens)) < len(tokens):
        raise damaged("a token is there twice")
    return tokens


def damaged(what: str) -> TokenizerError:
    """The error for tokenizer settings that cannot be used."""
    return TokenizerError(f"the saved tokenizer is damaged: {what}")


def _is_encodable(token: str) -> bool:
    try:
        token.encode()
    except UnicodeEncodeError:
        return False
    return True
