"""How text is read, normalised, cut into tokens and into batches: the options."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from textrnn.base.config import NETWORK, TEXT, Checked, option
from textrnn.base.errors import ConfigError

LEVELS = ("char", "byte", "word", "bpe")
VOCABULARY_LEVELS = ("word", "char", "bpe")  # of tokens that are never put together again


UNICODE_FORMS = ("NFC", "NFD", "NFKC", "NFKD", "none", "raw")


VOCAB_SIZES = {"word": 20_000, "bpe": 2_000}


@dataclass(frozen=True)
class NormalizeConfig(Checked):
    """The fixed preprocessing of text, stored with the model."""

    section = TEXT

    unicode: str = option(
        "NFC",
        "Unicode form that text is brought to; raw keeps line ends as they are too, and with --level byte every byte.",
        choices=UNICODE_FORMS,
    )
    lowercase: bool = option(False, "Turn all letters to lower case.")
    remove_digits: bool = option(False, "Leave out all digits.")
    collapse_whitespace: bool = option(False, "Turn each run of white space into one blank, or one line end.")


@dataclass(frozen=True)
class TokenizerConfig(Checked):
    """How text becomes ids."""

    section = TEXT

    level: str = option(
        "char",
        "What a token is; word is the default with a --condition, and bpe for a text of 1,000,000 bytes or more with "
        "blanks between its words.",
        choices=LEVELS,
        first=True,
    )
    vocab_size: int | None = option(
        None,
        "Largest number of tokens, the two reserved ones included; rarer ones become unknown (char), "
        "are spelled (word) or are split (bpe).  [default: no limit for char, 20000 for word, 2000 for bpe]",
        low=3,
        high=1_000_000,
    )
    min_count: int | None = option(
        None,
        "Tokens seen less often than this do not enter the vocabulary.  [default: 1 for char, 2 for word and bpe]",
        low=1,
        high=1_000_000_000,
    )


@dataclass(frozen=True)
class DataConfig(Checked):
    """How ids become batches."""

    section = TEXT

    held_out: float = option(0.1, "Share of the text, at its end, kept for validation.", above=0, high=0.9)
    batching: str | None = option(
        None,
        "Streams carry the state from window to window; sliding windows are shuffled and start from zero.  "
        "[default: streams, and sliding for bidirectional]",
        choices=("streams", "sliding"),
    )
    target: str | None = option(
        None,
        "Learn from each step of a window, or only from the token after it.  "
        "[default: each, and last for bidirectional]",
        choices=("each", "last"),
    )
    window: int | None = option(
        None, "Tokens in a window.  [default: 64, and 16 for bidirectional]", low=1, high=100_000, unit="tokens"
    )
    stride: int | None = option(
        None,
        "Tokens from the start of one sliding window to the next.  [default: the window, and 1 for target last]",
        low=1,
        high=100_000,
        unit="tokens",
    )
    weights: Mapping[str, float] | None = option(
        None,
        "Learn from a file of the corpus as if it stood there so often (fractions too); may be repeated for other "
        "files.  Vocabulary, n-gram counts and held-out text take each file once.  [default: 1]",
        above=0,
        high=1000,
        flag="--weight",
    )
    batch: int | None = option(
        None,
        "Windows in a training step.  [default: 32, 64 for target last, 128 for esn]",
        low=1,
        high=65_536,
        unit="windows",
    )


@dataclass(frozen=True)
class CountsConfig(Checked):
    """Whether n-grams are counted beside the network."""

    section = NETWORK

    counts: bool | None = option(
        None,
        "Count which tokens follow which, and learn beside the network how far to trust them.  [default: yes, and "
        "no with a condition and for bidirectional, esn and target last]",
        flag="--counts/--no-counts",
    )
    max_order: int | None = option(
        None,
        "Longest n-grams that are counted, in tokens.  [default: chosen on a part of the text]",
        low=1,
        high=32,
        unit="tokens",
    )


def resolve_tokenizer(config: TokenizerConfig) -> TokenizerConfig:
    """The same options with the sizes that were left to the rules.

    Raises:
        ConfigError: two options contradict each other.
    """
    level = config.level
    if level == "byte" and (config.vocab_size or (config.min_count or 1) > 1):
        raise ConfigError("--vocab-size and --min-count do not go with --level byte: its vocabulary is the 256 bytes")
    size = config.vocab_size or VOCAB_SIZES.get(level)
    if level == "bpe" and size is not None and size < 259:
        raise ConfigError(f"--vocab-size is {size}: --level bpe needs at least 259 (256 bytes, 2 reserved, 1 merge)")
    count = config.min_count or (2 if level in ("word", "bpe") else 1)
    return dataclasses.replace(config, vocab_size=size, min_count=count)
