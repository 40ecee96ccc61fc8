"""The options of a classifier: tokens, network, how many networks, how their weights are found, how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from textrnn.base.config import NETWORK, STOP, TEXT, Checked, option
from textrnn.base.errors import ConfigError
from textrnn.nn.architectures import BIDIRECTIONAL, ESN, CellNames, CellSpec, spec_of
from textrnn.nn.options import memory_option, settle_memory
from textrnn.nn.reservoir_options import ReservoirConfig, check_reservoir
from textrnn.text.options import VOCABULARY_LEVELS, NormalizeConfig
from textrnn.training.options import freeze_option

POOLINGS = ("last", "mean", "max", "mean-max", "attention")
SMALLEST_BPE = 259
EMBEDDING_STD = 0.1  # of what embeddings begin with
TASKS = ("classes", "multi", "grades", "numbers")  # see `textrnn.classifier.kinds`
MODELS = ("auto", "rnn", "linear", "combined")


@dataclass(frozen=True)
class TokensConfig(Checked):
    """How texts become the tokens of the networks."""

    section = TEXT

    level: str | None = option(
        None,
        "What a token of the networks is.  [default: word, and char for Chinese and other scripts without blanks]",
        choices=VOCABULARY_LEVELS,
    )
    vocab_size: int | None = option(
        None,
        "Largest number of tokens that the networks know.  [default: 30,000, and 8,000 for bpe]",
        low=3,
        high=1_000_000,
    )
    min_count: int = option(2, "Texts that a token has to be in to be known.", low=1, high=1_000_000)
    vectors: str | None = option(
        None,
        "Word vectors for the embedding to start with: a .vec or GloVe text file, or .gz of one. Its first words are "
        "known too, up to --vocab-size.",
        section=NETWORK,
    )
    max_length: int = option(
        5_000,
        "Tokens of a text that the networks read; of a longer one the beginning and the end.",
        low=2,
        high=1_000_000,
        unit="tokens",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.level == "bpe" and self.vocab_size is not None and self.vocab_size < SMALLEST_BPE:
            raise ConfigError(
                f"--vocab-size is {self.vocab_size}: --level bpe needs at least {SMALLEST_BPE} (256 bytes, 2 reserved, "
                "1 merge)"
            )
        if self.level == "bpe" and self.vectors is not None:
            raise ConfigError("--vectors does not go with --level bpe: there are vectors of words, or of characters")


@dataclass(frozen=True)
class EncoderConfig(Checked):
    """What a recurrent classifier looks like; vocabulary and classes come from the rows."""

    section = NETWORK

    arch: str = option(
        "bidirectional",
        "Architecture; bidirectional reads both ways, esn is an echo state network. Cells of installed packages go by "
        "their names.",
        choices=CellNames(BIDIRECTIONAL, ESN),
    )
    cell: str = option("gru", "Cell of the bidirectional architecture.", choices=CellNames(both_ways=True))
    units: int = option(
        None,
        "Units in each recurrent layer, in each direction.  [default: 128, and 1,000 for esn]",
        low=1,
        high=16_384,
    )
    layers: int = option(1, "Recurrent layers.", low=1, high=64)
    embed: int = option(128, "Width of the embedding; --vectors have their own.", low=1, high=16_384)
    pooling: str = option("mean-max", "How the outputs of all steps become one vector.", choices=POOLINGS)
    dropout: float = option(0.5, "Share of the pooled vector dropped while training.", low=0, high=0.95)
    embed_dropout: float = option(
        0.5, "Share of the embedding's features dropped, for a whole text, while training.", low=0, high=0.95
    )
    word_dropout: float = option(0.2, "Share of the tokens dropped while training.", low=0, high=0.95)
    memory_slots: int | None = memory_option("slots")
    memory_width: int | None = memory_option("width")
    memory_heads: int | None = memory_option("heads")
    memory_controller: str | None = memory_option("controller")

    def __post_init__(self) -> None:
        if self.units is None:
            object.__setattr__(self, "units", 1000 if self.arch == ESN else 128)
        settle_memory(self)
        super().__post_init__()
        if self.arch == ESN and self.pooling == "attention":
            raise ConfigError(
                "--pooling attention learns what to look at, and an echo state network does not: use last, "
                "mean, max or mean-max"
            )

    @property
    def spec(self) -> CellSpec:
        """The entry of the cell of all layers; an echo state network has none."""
        return spec_of(self.cell if self.both_ways else self.arch, self)

    @property
    def both_ways(self) -> bool:
        """Whether the layers read in both directions."""
        return self.arch == BIDIRECTIONAL

    @property
    def width(self) -> int:
        """Outputs of a recurrent layer at each step."""
        return self.units * (1 + self.both_ways)

    @property
    def pools(self) -> list[str]:
        """What is put side by side to make the pooled vector."""
        return self.pooling.split("-")


@dataclass(frozen=True)
class EnsembleConfig(Checked):
    """How many networks are trained, and what they begin with."""

    networks: int | None = option(
        None,
        "Most networks to train and average; each leaves out another part of the rows.  [default: 5, and 10 if --time "
        "leaves time for them]",
        low=1,
        high=100,
    )
    pretrain: float | None = option(
        None,
        "Share of the networks' time in which they first learn to predict the tokens of all texts, labelled or not.  "
        "[default: 0]",
        low=0,
        high=0.95,
        was="warm_up",
    )
    pretrain_epochs: float = option(
        20.0, "Most passes over the texts in it.", above=0, high=10_000, was="warm_up_epochs"
    )


@dataclass(frozen=True)
class OptimizationConfig(Checked):
    """How the weights of a network are found."""

    batch: int = option(32, "Rows in a training step.", low=2, high=65_536)
    learning_rate: float = option(2e-3, "Highest learning rate.", above=0, high=1000)
    freeze_embed: bool = freeze_option("embed")
    freeze_layers: int = freeze_option("layers")
    random_seed: int = option(
        0, "Seed of the split, the initial weights, shuffling and dropout.", low=0, high=2**32 - 1
    )


@dataclass(frozen=True)
class StopConfig(Checked):
    """How long is learnt."""

    section = STOP

    time_s: float | None = option(
        None,
        "Wall-clock budget of the whole command, such as 90s or 10m.  [default: by the amount of text, 40s to 10m]",
        above=0,
        high=31_536_000,
        flag="--time",
        unit="seconds",
        first=True,
    )
    epochs: float | None = option(
        None,
        "Most passes over the rows for each network.  [default: 3 to 6, and more for few rows]",
        above=0,
        high=10_000,
    )


GROUPS = (EncoderConfig, TokensConfig, EnsembleConfig, OptimizationConfig, StopConfig)
# The options of these groups that go with echo state networks.
WITH_ESN = ("units", "pooling", "time_s", "level", "vocab_size", "min_count", "networks", "max_length", "random_seed")


def check_options(options: Mapping[str, Any]) -> None:
    """Raises ConfigError where given options go with an echo state network only, or not with one."""
    check_reservoir(options, WITH_ESN, GROUPS)


@dataclass(frozen=True)
class ClassifierConfig(Checked):
    """Everything that decides what a classifier learns from given rows."""

    normalize: NormalizeConfig = field(default_factory=NormalizeConfig)
    tokens: TokensConfig = TokensConfig()
    encoder: EncoderConfig = EncoderConfig()
    ensemble: EnsembleConfig = EnsembleConfig()
    optimization: OptimizationConfig = OptimizationConfig()
    stop: StopConfig = StopConfig()
    reservoir: ReservoirConfig = field(default_factory=ReservoirConfig)
