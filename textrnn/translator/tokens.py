"""The two sides of pairs as tokens: which level each side gets, its vocabulary, ids and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, DataError, TokenizerError
from textrnn.text.options import TokenizerConfig
from textrnn.text.tokens.base import (
    NUM_RESERVED,
    UNKNOWN_ID,
    Decoder,
    Ids,
    StringTokenizer,
    Tokenizer,
    check_keys,
    check_tokens,
    damaged,
    ranked,
)
from textrnn.text.tokens.load import build_tokenizer, tokenizer_from_json
from textrnn.text.words import LOSSLESS, UNSPACED, script_of, split_words
from textrnn.translator.options import PairsConfig
from textrnn.translator.pairs import Pairs

ALIGNED, ENCODER_DECODER = "aligned", "encoder-decoder"
VOCAB_SIZES = {"word": 20_000, "token": 20_000, "bpe": 4_000}
MIN_COUNTS = {"char": 1, "token": 1, "word": 2, "bpe": 2}
# A side is phonemes, tags or the like if what stands between its blanks is of few kinds, each seen often.
FEW_KINDS, SEEN_OFTEN = 300, 10.0
ENOUGH_FOR_BPE = 1_000  # pairs


class BlankTokenizer(StringTokenizer):
    """What stands between blanks is a token, as are phonemes and tags.

    Example:
        >>> tokenizer = BlankTokenizer(["AH0", "B"])
        >>> tokenizer.encode("B AH0 T").tolist(), tokenizer.decode([3, 2])
        ([3, 2, 1], 'B AH0')
    """

    level = "token"

    @classmethod
    def build(cls, texts: Iterable[str], vocab_size: int, min_count: int) -> BlankTokenizer:
        """Take the most frequent tokens; `vocab_size` counts the reserved ids too."""
        counts = Counter(token for text in texts for token in text.split())
        found = ranked((token, count) for token, count in counts.items() if count >= min_count)
        if not found:
            raise TokenizerError(
                f"no token is seen {min_count} times: the vocabulary is empty; use a smaller --min-count"
            )
        return cls(found[: vocab_size - NUM_RESERVED])

    def with_tokens(self, tokens: Iterable[str]) -> BlankTokenizer:
        """See `StringTokenizer.with_tokens`."""
        return BlankTokenizer([*self.tokens, *tokens])

    @classmethod
    def from_json(cls, values: Any) -> BlankTokenizer:
        """The inverse of `to_json`; raises TokenizerError."""
        check_keys(values, {"level", "tokens"})
        tokens = check_tokens(values["tokens"])
        if any(token.split() != [token] for token in tokens):
            raise damaged("expected tokens without blanks")
        return cls(tokens)

    def encode(self, text: str) -> Ids:
        """See `Tokenizer.encode`."""
        return np.array([self._ids.get(token, UNKNOWN_ID) for token in text.split()], np.int32)

    def decode(self, ids: Any) -> str:
        """See `Tokenizer.decode`: with a blank between tokens."""
        return " ".join(filter(None, map(self._texts.__getitem__, self.check_ids(ids).tolist())))

    def decoder(self) -> Decoder:
        """Not there: a translation is decoded as a whole."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """See `Tokenizer.to_json`."""
        return {"level": self.level, "tokens": self.tokens}


@dataclass(frozen=True)
class Side:
    """The tokens of one side of pairs.

    Attributes:
        tokenizer: its vocabulary.
    """

    tokenizer: Tokenizer

    @property
    def level(self) -> str:
        """`char`, `word`, `token` or `bpe`."""
        return self.tokenizer.level

    @property
    def vocab_size(self) -> int:
        """Number of ids, the reserved ones included."""
        return self.tokenizer.vocab_size

    def encode(self, text: str) -> Ids:
        """A text in one line to int32[tokens]."""
        # Words carry the blank before them, so that the first one of a text would be another than the rest.
        return self.tokenizer.encode(f" {text}" if text and self.level in ("word", "bpe") else text)

    def decode(self, ids: Any) -> str:
        """Ids to a text in one line."""
        return " ".join(self.tokenizer.decode(ids).split()) if self.level != "char" else self.tokenizer.decode(ids)

    def shown(self, ids: Ids) -> list[str]:
        """Tokens as a person sees them."""
        return [self.tokenizer.token_text(int(token)).strip() or "␣" for token in ids]


def side_from_json(values: Any) -> Side:
    """The inverse of `Side.tokenizer.to_json()`; raises TokenizerError."""
    is_token = isinstance(values, dict) and values.get("level") == BlankTokenizer.level
    return Side(BlankTokenizer.from_json(values) if is_token else tokenizer_from_json(values))


def build_side(texts: Sequence[str], level: str, config: PairsConfig, known: Side | None = None) -> Side:
    """Makes the vocabulary of one side.

    Args:
        texts: those of the side.
        level: of its tokens.
        config: limits of the vocabulary.
        known: a side of that level to begin with, see `build_tokenizer`.

    Raises:
        TokenizerError: nothing is frequent enough.
    """
    size, count = config.vocab_size or VOCAB_SIZES.get(level), config.min_count or MIN_COUNTS[level]
    before = None if known is None else known.tokenizer
    if level == "token":
        found = BlankTokenizer.build(texts, size or VOCAB_SIZES[level], count)
        return Side(before.extended(found) if isinstance(before, BlankTokenizer) else found)
    settings = TokenizerConfig(level=level, vocab_size=size, min_count=count)
    spaced = (f" {text}\n" for text in texts) if level in ("word", "bpe") else iter(texts)
    return Side(build_tokenizer(settings, spaced, before))


def units(text: str, level: str) -> list[str]:
    """What errors of a level are counted in: characters, what stands between blanks, or words (for subwords too).

    Example:
        >>> units("Va !", "char"), units("Va-t'en.", "bpe"), units("K AE1", "token")
        (['V', 'a', ' ', '!'], ['Va', '-', "t'en", '.'], ['K', 'AE1'])
    """
    if level == "char":
        return list(text)
    if level == "token":
        return text.split()
    return [word.strip() for word in split_words(text, LOSSLESS) if word.strip()]


def chosen_kind(pairs: Pairs, config: PairsConfig) -> tuple[str, tuple[str, str]]:
    """The kind of a translator and the levels of both sides: as given, or as pairs show.

    Returns:
        `aligned` or `encoder-decoder`; levels of source and target.

    Raises:
        ConfigError: `aligned` was asked for, and a pair has other numbers of tokens on its sides.

    Example:
        >>> chosen_kind(Pairs(["hello"], ["ohlol"]), PairsConfig())
        ('aligned', ('char', 'char'))
    """
    given = (config.source_level or config.level, config.target_level or config.level)
    if config.kind != ENCODER_DECODER:
        # By what stands between blanks first: equal texts of blanks would hardly have equally many characters.
        for level in ("token", "char"):
            levels = (given[0] or level, given[1] or level)
            many = levels != ("token", "token") or sum(len(text.split()) for text in pairs.sources) >= 2 * len(pairs)
            if "bpe" not in levels and many and first_unequal(pairs, levels) is None:
                return ALIGNED, levels
    if config.kind == ALIGNED:
        levels = (given[0] or "char", given[1] or "char")
        found = first_unequal(pairs, levels)
        if found is None or "bpe" in levels:
            raise ConfigError("--kind aligned needs one target for each token of the source: it does not go with bpe")
        source, target, numbers = found
        raise ConfigError(
            f"--kind aligned needs as many tokens on both sides, but {source!r:.60} and {target!r:.60} have "
            f"{numbers[0]} and {numbers[1]} ({levels[0]} and {levels[1]}): use --kind encoder-decoder, or other levels"
        )
    if pairs.form == "cmudict":  # words and their phonemes
        source, target = ("token", "char") if pairs.is_reversed else ("char", "token")
    else:
        source, target = default_level(pairs.sources), default_level(pairs.targets)
    return ENCODER_DECODER, (given[0] or source, given[1] or target)


def first_unequal(pairs: Pairs, levels: tuple[str, str]) -> tuple[str, str, tuple[int, int]] | None:
    """The first pair that has other numbers of tokens on its sides, with these numbers."""
    for source, target in zip(pairs.sources, pairs.targets, strict=True):
        numbers = (len(units(source, levels[0])), len(units(target, levels[1])))
        if numbers[0] != numbers[1]:
            return source, target, numbers
    return None


def default_level(texts: Sequence[str]) -> str:
    """What a token should be on one side of pairs.

    Example:
        >>> [default_level(texts) for texts in (["K AE1 T", "AE1 T"] * 9, ["cat", "at"], ["I am here.", "Go on!"])]
        ['token', 'char', 'word']
    """
    counts = Counter(token for text in texts for token in text.split())
    num_tokens = sum(counts.values())
    if script_of(texts) == UNSPACED or num_tokens < 1.5 * len(texts):
        return "char"
    if len(counts) <= FEW_KINDS and num_tokens >= SEEN_OFTEN * len(counts):
        return "token"
    return "bpe" if len(texts) >= ENOUGH_FOR_BPE else "word"


def check_vocabularies(kind: str, sides: Sequence[Side], pairs: Pairs) -> None:
    """Raises DataError if an aligned pair has other numbers of tokens after all: rare words are spelled."""
    if kind != ALIGNED:
        return
    for source, target in zip(pairs.sources, pairs.targets, strict=True):
        if len(sides[0].encode(source)) != len(sides[1].encode(target)):
            raise DataError(
                f"{source!r:.60} and {target!r:.60} have other numbers of tokens once rare words are spelled: use "
                "--level token or char with --kind aligned, or --min-count 1"
            )
