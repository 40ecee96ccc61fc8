"""Every option once: its name, unit, default, range and help; checked when made, to and from JSON.

The command line makes its flags from these fields and a saved run stores them, so an option cannot
mean two things. `None` as a default means "chosen by `Config.resolve`", by rules that stand there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from textrnn.checked import Checked, option
from textrnn.document_config import NO_DOCUMENTS, DocumentConfig
from textrnn.errors import ConfigError
from textrnn.model_config import ModelConfig
from textrnn.reservoir_config import ESN, ReservoirConfig

LEVELS = ("char", "byte", "word", "bpe")
UNICODE_FORMS = ("NFC", "NFD", "NFKC", "NFKD", "none")
PRECISIONS = ("auto", "float32", "bfloat16")
OPTIMIZERS = ("adam", "adamw", "rmsprop", "sgd")

LEARNING_RATES = {"adam": 6e-3, "adamw": 6e-3, "rmsprop": 2e-3, "sgd": 1.0}
VOCAB_SIZES = {"word": 20_000, "bpe": 2_000}


@dataclass(frozen=True)
class NormalizeConfig(Checked):
    """The fixed preprocessing of text, stored with the model."""

    unicode: str = option("NFC", "Unicode form that text is brought to.", choices=UNICODE_FORMS)
    lowercase: bool = option(False, "Turn all letters to lower case.")
    remove_digits: bool = option(False, "Leave out all digits.")
    collapse_whitespace: bool = option(False, "Turn each run of white space into one blank, or one line end.")


@dataclass(frozen=True)
class TokenizerConfig(Checked):
    """How text becomes ids."""

    level: str = option("char", "What a token is; for texts with a --condition, word is the default.", choices=LEVELS)
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
    batch: int | None = option(
        None,
        "Windows in a training step.  [default: 32, 64 for target last, 128 for esn]",
        low=1,
        high=65_536,
        unit="windows",
    )


@dataclass(frozen=True)
class TrainConfig(Checked):
    """How the weights are found."""

    epochs: float | None = option(None, "Passes over the training part.", above=0, high=1_000_000)
    time_s: float | None = option(
        None,
        "Wall-clock budget of the whole command, such as 90s, 10m or 1h30m.  [default: 5m when --epochs is not given]",
        above=0,
        high=31_536_000,
        flag="--time",
        unit="seconds",
    )
    optimizer: str = option("adam", "Optimizer.", choices=OPTIMIZERS)
    learning_rate: float | None = option(
        None,
        "Highest learning rate.  [default: 0.006 for adam and adamw, 0.002 for rmsprop, 1 for sgd]",
        above=0,
        high=1000,
    )
    schedule: str = option(
        "cosine",
        "Learning rate after the warm-up: falling along a cosine, or constant.",
        choices=("cosine", "constant"),
    )
    warmup: int = option(
        50, "Steps over which the learning rate rises from zero.", low=0, high=10_000_000, unit="steps"
    )
    clip_norm: float = option(1.0, "Largest global norm of the gradient; 0 for no clipping.", low=0, high=1e9)
    weight_decay: float = option(0.0, "Decoupled weight decay.", low=0, high=1)
    patience: int = option(
        8,
        "Checks without a better validation loss before training stops; 0 for never.",
        low=0,
        high=1_000_000,
        unit="checks",
    )
    precision: str = option(
        "auto",
        "Type of the numbers that are multiplied while training: bfloat16 is faster on some CPUs, and auto takes "
        "it there.",
        choices=PRECISIONS,
    )
    accumulate: int = option(
        1, "Parts of a batch that are worked one after the other, to need less memory.", low=1, high=65_536
    )
    random_seed: int = option(0, "Seed of initial weights, shuffling and dropout.", low=0, high=2**32 - 1)
    deterministic: bool = option(
        False,
        "Nothing that is learnt depends on the clock: checks come at fixed steps, and a run that was stopped and "
        "resumed ends with the same bytes as one that was not.  Needs --epochs.",
    )
    save_every_s: float = option(
        300.0,
        "Longest time between two saves; each new best model is saved at once.",
        above=0,
        high=31_536_000,
        flag="--save-every",
        unit="seconds",
    )


@dataclass(frozen=True)
class Config(Checked):
    """Everything that decides what a training run learns."""

    normalize: NormalizeConfig = NormalizeConfig()
    tokenizer: TokenizerConfig = TokenizerConfig()
    data: DataConfig = DataConfig()
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = TrainConfig()
    reservoir: ReservoirConfig = field(default_factory=ReservoirConfig)
    documents: DocumentConfig = NO_DOCUMENTS

    def options(self) -> dict[str, Any]:
        """All options in one flat dictionary: the inverse of `from_options`."""
        return {name: value for group in dataclasses.asdict(self).values() for name, value in group.items()}

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Config:
        """See `Checked.from_options`; texts with a condition are read in words unless `level` says otherwise.

        Labels go with words, and a table of texts is soon too small to learn from letters what goes with them.

        Example:
            >>> Config.from_options({"condition": "label", "text_column": "text"}).tokenizer.level
            'word'
        """
        if options.get("condition") and "level" not in options:
            options = {**options, "level": "word"}
        return super().from_options(options)

    def resolve(self) -> Config:
        """The same options with every `None` that stands for a rule replaced by what the rule gives.

        Raises:
            ConfigError: two options contradict each other.
        """
        config = self._resolved()
        if self.documents.condition is not None and config.data.batching != "streams":
            raise ConfigError(
                "--condition needs the beginning of each text, and sliding windows begin anywhere: it goes with "
                "--batching streams, and not with --arch bidirectional"
            )
        return config

    def _resolved(self) -> Config:
        return dataclasses.replace(
            self,
            tokenizer=_resolve_tokenizer(self.tokenizer),
            data=_resolve_data(self.data, self.model.arch),
            train=_resolve_train(self.train),
        )


def _resolve_tokenizer(config: TokenizerConfig) -> TokenizerConfig:
    level = config.level
    if level == "byte" and (config.vocab_size or (config.min_count or 1) > 1):
        raise ConfigError("--vocab-size and --min-count do not go with --level byte: its vocabulary is the 256 bytes")
    size = config.vocab_size or VOCAB_SIZES.get(level)
    if level == "bpe" and size is not None and size < 259:
        raise ConfigError(f"--vocab-size is {size}: --level bpe needs at least 259 (256 bytes, 2 reserved, 1 merge)")
    count = config.min_count or (2 if level in ("word", "bpe") else 1)
    return dataclasses.replace(config, vocab_size=size, min_count=count)


def _resolve_data(config: DataConfig, arch: str) -> DataConfig:
    both_ways = arch == "bidirectional"
    batching = config.batching or ("sliding" if both_ways or config.target == "last" else "streams")
    target = config.target or ("last" if both_ways else "each")
    if both_ways and (batching, target) != ("sliding", "last"):
        raise ConfigError(
            "--arch bidirectional has read the tokens that it would have to predict: it needs "
            "--batching sliding and --target last"
        )
    if (batching, target) == ("streams", "last"):
        raise ConfigError("--target last goes with --batching sliding; streams learn from each step")
    window = config.window or (16 if both_ways else 64)
    if batching == "streams" and config.stride not in (None, window):
        raise ConfigError("--stride is the distance of sliding windows: it goes with --batching sliding")
    stride = config.stride or (1 if target == "last" else window)
    return dataclasses.replace(
        config,
        batching=batching,
        target=target,
        window=window,
        stride=stride,
        batch=config.batch or (64 if target == "last" else 128 if arch == ESN else 32),
    )


def _resolve_train(config: TrainConfig) -> TrainConfig:
    if config.deterministic and (config.time_s is not None or config.epochs is None):
        given = "it does not go with --time" if config.time_s is not None else "it needs --epochs"
        raise ConfigError(
            f"--deterministic lets nothing depend on the clock, and the learning rate follows the budget: {given}; "
            "give the length of training by --epochs alone"
        )
    time_s = 300.0 if config.time_s is None and config.epochs is None else config.time_s
    rate = config.learning_rate or LEARNING_RATES[config.optimizer]
    return dataclasses.replace(config, time_s=time_s, learning_rate=rate)
