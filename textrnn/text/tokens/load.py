"""Text to ids and back: build a vocabulary from text, or read one that was saved.

Level       a token is                               ids
char        a character                              those seen
byte        a byte of UTF-8, or of any file          258
word        a word, or a character of a rare one     --vocab-size
bpe         a frequent sequence of bytes             --vocab-size
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from textrnn.base.errors import TokenizerError
from textrnn.text.options import TokenizerConfig
from textrnn.text.tokens.base import PADDING_ID, UNKNOWN_ID, Decoder, StringTokenizer, Tokenizer, damaged
from textrnn.text.tokens.bpe import BpeTokenizer
from textrnn.text.tokens.char import ByteTokenizer, CharTokenizer
from textrnn.text.tokens.word import WordTokenizer

__all__ = ["PADDING_ID", "UNKNOWN_ID", "Decoder", "Tokenizer", "build_tokenizer", "bytes_as_characters"]
__all__ += ["tokenizer_from_json"]

_READERS: dict[str, Callable[[Any], Tokenizer]] = {
    "char": CharTokenizer.from_json,
    "byte": ByteTokenizer.from_json,
    "word": WordTokenizer.from_json,
    "bpe": BpeTokenizer.from_json,
}


def build_tokenizer(config: TokenizerConfig, pieces: Iterable[str], known: Tokenizer | None = None) -> Tokenizer:
    """Make a vocabulary from text, in one pass and with memory for counts only.

    Args:
        config: resolved, that is with the vocabulary size and smallest count of its level filled in.
        pieces: normalised text, cut at safe places.
        known: a vocabulary of the same level to begin with, whose ids stay as they are: the characters and words of
            the text that it lacks stand behind them. Bytes and subwords spell any text, and stay alone.

    Returns:
        A tokenizer; the same text and config give the same ids.

    Raises:
        TokenizerError: the text has fewer than two distinct characters, or none is frequent enough.

    Example:
        >>> tokenizer = build_tokenizer(TokenizerConfig(min_count=1), ["hel", "lo"])
        >>> tokenizer.encode("hello").tolist()
        [4, 3, 2, 2, 5]
        >>> build_tokenizer(TokenizerConfig(min_count=1), ["hi"], tokenizer).encode("hello hi").tolist()
        [4, 3, 2, 2, 5, 1, 4, 6]
    """
    distinct: set[str] = set()
    watched = _watch(pieces, distinct)
    tokenizer = _build(config, watched, known.segmenter if isinstance(known, WordTokenizer) else None)
    if not distinct:
        raise TokenizerError("the text is empty: there is nothing to learn")
    if len(distinct) == 1:
        raise TokenizerError(f"the text has a single distinct character {min(distinct)!r}: there is nothing to learn")
    if tokenizer.vocab_size <= 2:
        raise TokenizerError(
            f"no character is seen {config.min_count} times: the vocabulary is empty; use a smaller --min-count"
        )
    if isinstance(known, StringTokenizer) and isinstance(tokenizer, StringTokenizer):
        return known.extended(tokenizer)
    return tokenizer if known is None else known


def bytes_as_characters() -> CharTokenizer:
    """The vocabulary of what is read byte by byte: the 256 characters whose numbers are those of the bytes."""
    return CharTokenizer([chr(value) for value in range(256)])


def tokenizer_from_json(values: Any) -> Tokenizer:
    """Make the tokenizer that was saved with `to_json`.

    Args:
        values: what the json module read; nothing about it is trusted.

    Returns:
        The tokenizer.

    Raises:
        TokenizerError: anything about it is not as `to_json` gives it.

    Example:
        >>> tokenizer_from_json({"level": "char", "tokens": ["o", "h"]}).decode([3, 2])
        'ho'
    """
    level = values.get("level") if isinstance(values, dict) else None
    if not isinstance(level, str) or level not in _READERS:
        raise damaged(f"its level is {level!r:.60}, expected {', '.join(_READERS)}")
    return _READERS[level](values)


def _build(config: TokenizerConfig, pieces: Iterator[str], segmenter: str | None) -> Tokenizer:
    min_count = config.min_count or 1
    if config.level == "char":
        return CharTokenizer.build(pieces, config.vocab_size, min_count)
    if config.level == "byte":
        for _ in pieces:  # only to see that there is something to learn; the vocabulary is fixed
            pass
        return ByteTokenizer()
    if config.vocab_size is None:
        raise TokenizerError(f"--vocab-size is not set: level {config.level} needs one; resolve the config first")
    if config.level == "word":
        return WordTokenizer.build(pieces, config.vocab_size, min_count, segmenter)
    return BpeTokenizer.build(pieces, config.vocab_size, min_count)


def _watch(pieces: Iterable[str], distinct: set[str]) -> Iterator[str]:
    """Pass pieces on, and note their distinct characters until there are two."""
    for piece in pieces:
        if len(distinct) < 2:
            distinct.update(piece)
        yield piece
