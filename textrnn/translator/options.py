"""The options of a translator: which pairs, what tokens are, what the network looks like, how it writes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from textrnn.base.config import NETWORK, PREDICTING, TEXT, Checked, option
from textrnn.base.errors import ConfigError
from textrnn.text.options import NormalizeConfig
from textrnn.training.options import OptimizationConfig, StopConfig

KINDS = ("encoder-decoder", "aligned")
PAIR_LEVELS = ("char", "word", "token", "bpe")
FORMATS = ("tsv", "csv", "cmudict", "jsonl", "tmx")
SMALLEST_BPE = 259
LEARNING_RATE = 2e-3


@dataclass(frozen=True)
class PairsConfig(Checked):
    """Which pairs are learnt from, and how their sides become tokens."""

    section = TEXT

    kind: str | None = option(
        None,
        "What maps one side to the other: a network that reads all of the source and then writes, or one with an "
        "output for each token that it reads.  [default: aligned if both sides have equally many characters, or "
        "tokens, in every pair]",
        choices=KINDS,
        first=True,
    )
    level: str | None = option(
        None,
        "What a token is, on both sides: a character, a word or punctuation mark, what stands between blanks "
        "(phonemes, tags), or a subword.  [default: as the pairs show]",
        choices=PAIR_LEVELS,
        first=True,
    )
    source_level: str | None = option(None, "The same for the source alone.", choices=PAIR_LEVELS)
    target_level: str | None = option(None, "The same for the target alone.", choices=PAIR_LEVELS)
    vocab_size: int | None = option(
        None,
        "Largest number of tokens of each side.  [default: no limit for char, 20000 for word and token, 4000 for bpe]",
        low=3,
        high=1_000_000,
    )
    min_count: int | None = option(
        None,
        "Tokens seen less often than this do not enter a vocabulary.  [default: 1 for char and token, 2 for word and "
        "bpe]",
        low=1,
        high=1_000_000_000,
    )
    max_words: int | None = option(
        None, "Use only pairs of which no side has more words than this.", low=1, high=1_000_000, unit="words"
    )
    max_pairs: int | None = option(
        None, "Use only so many pairs, drawn with --random-seed.", low=1, high=1_000_000_000, unit="pairs"
    )
    max_length: int = option(
        200,
        "Most tokens of a side: longer pairs are not learnt from, and of a longer text only so much is translated.",
        low=1,
        high=100_000,
        unit="tokens",
    )
    held_out: float = option(0.1, "Share of the sources that is held out to measure on.", above=0, high=0.9)
    max_held_out: int = option(
        2_000, "Most pairs that are held out to measure on.", low=1, high=1_000_000, unit="pairs"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.level is not None and (self.source_level or self.target_level):
            raise ConfigError("--level is for both sides: leave it out beside --source-level and --target-level")
        levels = (self.level, self.source_level, self.target_level)
        if "bpe" in levels and self.vocab_size is not None and self.vocab_size < SMALLEST_BPE:
            raise ConfigError(
                f"--vocab-size is {self.vocab_size}: bpe needs at least {SMALLEST_BPE} (256 bytes, 2 reserved, 1 merge)"
            )


@dataclass(frozen=True)
class NetworkConfig(Checked):
    """What a translator looks like; vocabularies come from the pairs."""

    section = NETWORK

    # Of the table of cells, those that are tested here.
    cell: str = option("gru", "Cell of all recurrent layers.", choices=("gru", "lstm"))
    units: int | None = option(
        None,
        "Units of each layer that writes; those that read have half of them in each direction.  [default: by the "
        "amount of text, 64 to 256]",
        low=1,
        high=16_384,
    )
    layers: int = option(1, "Recurrent layers that read the source, in both directions.", low=1, high=64)
    decoder_layers: int = option(2, "Recurrent layers that write; each attends to the source.", low=1, high=64)
    embed: int | None = option(None, "Width of the embeddings.  [default: as --units]", low=1, high=16_384)
    dropout: float | None = option(
        None,
        "Share of activations dropped while training.  [default: by the amount of text, 0 to 0.3]",
        low=0,
        high=0.95,
    )

    @property
    def way_units(self) -> int:
        """Units of a layer that reads, in each direction."""
        return -(-self.sizes[0] // 2)

    @property
    def sizes(self) -> tuple[int, int, float]:
        """Units, width of the embeddings and dropout, all known: see `TranslateConfig.sized`."""
        if self.units is None or self.embed is None or self.dropout is None:
            raise ConfigError(f"units {self.units}, embed {self.embed}, dropout {self.dropout}: expected numbers")
        return self.units, self.embed, self.dropout


@dataclass(frozen=True)
class LearningConfig(Checked):
    """What makes a translator's lessons other than those of a language model."""

    batch: int | None = option(
        None, "Pairs in a training step.  [default: by the amount of text, 16 to 128]", low=1, high=65_536, unit="pairs"
    )
    label_smoothing: float | None = option(
        None,
        "Share of each target's weight that is spread over all tokens.  [default: 0.1, and 0 for few pairs]",
        low=0,
        high=0.9,
    )
    # In equal time, 0 is better than 0.1 (benchmarks/README.md): what the network would write costs a pass of its own.
    sampling: float = option(
        0.0,
        "Scheduled sampling: share of the target's tokens that, while training, are replaced by what the network "
        "itself would have written, such as 0.1; it rises to that within the first passes.",
        low=0,
        high=0.95,
    )


@dataclass(frozen=True)
class DecodeConfig(Checked):
    """How a translation is searched for."""

    section = PREDICTING

    beam: int = option(
        4,
        "Texts that are kept while searching for the most likely one; 1 takes the best token each time.",
        low=1,
        high=1000,
    )
    length_penalty: float = option(
        1.0, "Power of the length that a text's log-probability is divided by; 0 prefers short ones.", low=0, high=10
    )


@dataclass(frozen=True)
class TranslateConfig(Checked):
    """Everything that decides what a translator learns from given pairs."""

    normalize: NormalizeConfig = field(default_factory=NormalizeConfig)
    pairs: PairsConfig = PairsConfig()
    network: NetworkConfig = NetworkConfig()
    learning: LearningConfig = LearningConfig()
    optimization: OptimizationConfig = field(default_factory=OptimizationConfig)
    stop: StopConfig = field(default_factory=StopConfig)

    def sized(self, *, num_tokens: int) -> TranslateConfig:
        """The same options, with what was left to the amount of text filled in.

        Args:
            num_tokens: of the target sides that are learnt from.

        Example:
            >>> small = TranslateConfig().sized(num_tokens=5)
            >>> small.network.units, small.network.dropout, small.learning.batch
            (64, 0.0, 16)
        """
        large, tiny = num_tokens >= 50_000, num_tokens < 2_000
        network, learning, optimization = self.network, self.learning, self.optimization
        units = network.units or (256 if large else 64 if tiny else 128)
        if network.dropout is None:
            dropout = 0.0 if tiny else 0.1 if large else 0.3  # see benchmarks/README.md
            network = dataclasses.replace(network, dropout=dropout)
        network = dataclasses.replace(network, units=units, embed=network.embed or units)
        smoothing = learning.label_smoothing if learning.label_smoothing is not None else 0.0 if tiny else 0.1
        batch = learning.batch or (128 if large else 16 if tiny else 64)
        learning = dataclasses.replace(learning, batch=batch, label_smoothing=smoothing)
        rate = optimization.learning_rate or (5 * LEARNING_RATE if tiny else LEARNING_RATE)
        optimization = dataclasses.replace(optimization, learning_rate=rate)
        return dataclasses.replace(self, network=network, learning=learning, optimization=optimization)
