"""Texts as ids for a classifier: words, characters or subwords; nothing is put together again.

Unlike the tokenizers of language models it gives up runs of white space and case, which tell little about the class of
a text. Rare words and characters are unknown; subwords spell everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from textrnn.base.errors import TokenizerError
from textrnn.text.options import VOCABULARY_LEVELS
from textrnn.text.tokens.base import NUM_RESERVED, UNKNOWN_ID, Ids, check_keys, check_tokens, damaged, ranked
from textrnn.text.tokens.bpe import BpeTokenizer
from textrnn.text.words import SCRIPTS, SPACED, UNSPACED, fold, script_of, split_words

WORD, CHAR, BPE = VOCABULARY_LEVELS
DEFAULT_SIZES = {WORD: 30_000, CHAR: 30_000, BPE: 8_000}
SAMPLE_BYTES = 4_000_000  # that subwords are learnt from: more makes them no better, and Chinese takes seconds for each
CACHED_CHUNKS, CACHED_CHARS = 500_000, 64  # what stands between blanks is remembered, if there is not too much of it


class Vocabulary:
    """The tokens that a classifier knows.

    Args:
        tokens: without the reserved ids, distinct.
        level: `word` or `char`.
        script: how words are told apart, see `textrnn.text.words.script_of`.

    Example:
        >>> vocabulary = Vocabulary(["good", "tea"], "word")
        >>> vocabulary.encode("Good green tea").tolist()
        [2, 1, 3]
    """

    def __init__(self, tokens: list[str], level: str, script: str = SPACED) -> None:
        self.tokens, self.level, self.script = tokens, level, script
        self._ids = {token: number for number, token in enumerate(tokens, NUM_RESERVED)}

    def __contains__(self, token: str) -> bool:
        return token in self._ids

    @property
    def vocab_size(self) -> int:
        """Number of tokens, the two reserved ones included."""
        return len(self.tokens) + NUM_RESERVED

    def split(self, text: str) -> list[str]:
        """The tokens of a text, known or not."""
        return split_text(text, self.level, self.script)

    def encode(self, text: str) -> Ids:
        """The ids of a text, int32[steps]; a text without tokens is one unknown token."""
        known = self._ids
        ids = [known.get(token, UNKNOWN_ID) for token in self.split(text)]
        return np.array(ids or [UNKNOWN_ID], np.int32)

    def to_json(self) -> dict[str, Any]:
        """For the run's tokenizer.json."""
        return {"level": self.level, "script": self.script, "tokens": self.tokens}

    @classmethod
    def from_json(cls, values: Any) -> Vocabulary:
        """The inverse of `to_json`; raises TokenizerError."""
        if isinstance(values, dict) and values.get("level") == BPE:
            return Subwords.from_json(values)
        check_keys(values, {"level", "script", "tokens"})
        if values["level"] not in VOCABULARY_LEVELS or values["script"] not in SCRIPTS:
            raise damaged(f"its level is {values['level']!r:.60} and its script {values['script']!r:.60}")
        return cls(check_tokens(values["tokens"]), values["level"], values["script"])


class Subwords(Vocabulary):
    """Tokens that are frequent sequences of bytes: words and parts of them, or of Chinese about what a word is.

    Where blanks separate words, each word has the one before it, the first word too, so that it is the same everywhere.

    Args:
        bpe: how a text is cut.
        script: see `textrnn.text.words.script_of`.
    """

    def __init__(self, bpe: BpeTokenizer, script: str) -> None:
        super().__init__([bpe.token_text(number) for number in range(NUM_RESERVED, bpe.vocab_size)], BPE, script)
        self._bpe, self._known = bpe, dict[str, list[int]]()

    def split(self, text: str) -> list[str]:
        """The tokens of a text, which add up to it as it is read; those that end within a character are empty."""
        decoder = self._bpe.decoder()
        return [decoder.feed(number) for number in self._ids_of(text)]

    def encode(self, text: str) -> Ids:
        """See `Vocabulary.encode`."""
        return np.array(self._ids_of(text) or [UNKNOWN_ID], np.int32)

    def _ids_of(self, text: str) -> list[int]:
        """The ids of each chunk between blanks, which no token goes beyond; most have been met before."""
        chunks, known = _chunks(text, self.script), self._known
        missing = list(dict.fromkeys(chunk for chunk in chunks if chunk not in known))
        new = {}
        if missing:
            ids = self._bpe.encode_each(missing)
            new = {chunk: found.tolist() for chunk, found in zip(missing, ids, strict=True)}
            if len(known) < CACHED_CHUNKS:
                known.update((chunk, found) for chunk, found in new.items() if len(chunk) <= CACHED_CHARS)
        return [number for chunk in chunks for number in (known.get(chunk) or new[chunk])]

    def to_json(self) -> dict[str, Any]:
        """See `Vocabulary.to_json`."""
        return {**self._bpe.to_json(), "script": self.script}

    @classmethod
    def from_json(cls, values: Any) -> Subwords:
        """The inverse of `to_json`; raises TokenizerError."""
        check_keys(values, {"level", "script", "library"})
        if values["script"] not in SCRIPTS:
            raise damaged(f"its script is {values['script']!r:.60}")
        return cls(BpeTokenizer.from_json({"level": BPE, "library": values["library"]}), values["script"])


def _chunks(text: str, script: str) -> list[str]:
    """A text in parts that begin with a blank; the first of a script without blanks has none.

    Example:
        >>> _chunks("So  Good", "spaced"), _chunks("好茶 好", "unspaced")
        ([' so', ' good'], ['好茶', ' 好'])
    """
    chunks = [" " + chunk for chunk in fold(text).split()]
    if script == UNSPACED and chunks:
        chunks[0] = chunks[0][1:]
    return chunks


def split_text(text: str, level: str, script: str) -> list[str]:
    """A text as words, or as characters with runs of white space as one blank.

    Example:
        >>> split_text("Don't  GO!", "word", "spaced"), split_text("好  茶", "char", "unspaced")
        (['do', "n't", 'go', '!'], ['好', ' ', '茶'])
    """
    return list(" ".join(fold(text).split())) if level == CHAR else split_words(text, script)


def build_vocabulary(
    texts: Iterable[str],
    *,
    level: str | None = None,
    max_size: int | None = None,
    min_count: int = 2,
    known: Vocabulary | None = None,
) -> Vocabulary:
    """Makes the vocabulary of some texts.

    Args:
        texts: those to learn from; subwords are learnt from a part of them, evenly spread, if they are long.
        level: `word`, `char` or `bpe`; None for what suits their script, see `suitable_level`.
        max_size: largest number of tokens, the reserved ones included; None for the default of the level.
        min_count: in fewer texts than this, a token stays unknown; subwords have to be seen so often.
        known: a vocabulary to begin with, whose level counts and whose ids stay as they are: the words or characters of
            the texts that it lacks stand behind them. Subwords spell any text, and stay alone.

    Raises:
        TokenizerError: no token is frequent enough.

    Example:
        >>> known = Vocabulary(["good", "tea"], "word")
        >>> build_vocabulary(["Bad tea"], min_count=1, known=known).encode("good bad tea").tolist()
        [2, 4, 3]
    """
    texts = list(texts)
    script = script_of(texts) if known is None else known.script
    level = (level or suitable_level(script)) if known is None else known.level
    max_size = max_size or DEFAULT_SIZES[level]
    if level == BPE:
        return known or Subwords(_learn_subwords(texts, script, max_size, min_count), script)
    tokens = frequent(count_tokens(texts, level, script), min_count)[: max_size - NUM_RESERVED]
    if known is not None:
        return Vocabulary([*known.tokens, *(token for token in tokens if token not in known)], level, script)
    if not tokens:
        raise TokenizerError(f"no {level} is in {min_count} texts: there is nothing to learn from so few")
    return Vocabulary(tokens, level, script)


def suitable_level(script: str) -> str:
    """Words where blanks separate them, else characters."""
    return CHAR if script == UNSPACED else WORD


def count_tokens(texts: Iterable[str], level: str, script: str) -> Counter[str]:
    """In how many texts each word or character is."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(split_text(text, level, script)))
    return counts


def frequent(counts: Counter[str], min_count: int) -> list[str]:
    """The tokens that are in so many texts, from most to least."""
    return ranked((token, count) for token, count in counts.items() if count >= min_count)


def _learn_subwords(texts: Sequence[str], script: str, max_size: int, min_count: int) -> BpeTokenizer:
    num_bytes = sum(len(text.encode("utf-8", "replace")) for text in texts)
    sample = texts[:: -(-num_bytes // SAMPLE_BYTES) or 1]
    return BpeTokenizer.build(("".join(_chunks(text, script)) for text in sample), max_size, min_count)
