"""All options of a language model: groups from several folders, in each of which an option stands once.

The command line makes its flags from these fields and a saved run stores them, so an option cannot mean two things.
`None` as a default means that a rule chooses: `Config.resolve`, or `size.sized` for sizes and the learning rate.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from textrnn.base.config import Checked
from textrnn.base.errors import ConfigError
from textrnn.language_model.chat import ChatConfig
from textrnn.nn.options import ModelConfig
from textrnn.nn.reservoir_options import ESN, ReservoirConfig
from textrnn.text.document_options import NO_DOCUMENTS, DocumentConfig
from textrnn.text.options import CountsConfig, DataConfig, NormalizeConfig, TokenizerConfig, resolve_tokenizer
from textrnn.training.options import OptimizationConfig, StopConfig, resolve_optimization, resolve_stop


@dataclass(frozen=True)
class Config(Checked):
    """Everything that decides what a training run learns."""

    normalize: NormalizeConfig = field(default_factory=NormalizeConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    optimization: OptimizationConfig = field(default_factory=OptimizationConfig)
    stop: StopConfig = field(default_factory=StopConfig)
    reservoir: ReservoirConfig = field(default_factory=ReservoirConfig)
    documents: DocumentConfig = NO_DOCUMENTS
    counts: CountsConfig = field(default_factory=CountsConfig)
    chat: ChatConfig = field(default_factory=ChatConfig)

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

    @property
    def is_bytes(self) -> bool:
        """Whether files are read byte by byte, as they are."""
        return self.tokenizer.level == "byte" and self.normalize.unicode == "raw"

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
        if config.data.weights and config.documents.has_documents:
            raise ConfigError(
                "--weight is for files of running text: the documents of --text-column, --condition and "
                "--document-separator are shuffled together; leave it out"
            )
        if self.is_bytes and config.documents.has_documents:
            raise ConfigError("--unicode raw with --level byte is for files as a whole: leave it out with documents")
        return config

    def _resolved(self) -> Config:
        data = _resolve_data(self.data, self.model.arch)
        return dataclasses.replace(
            self,
            tokenizer=resolve_tokenizer(self.tokenizer),
            data=data,
            counts=_resolve_counts(self, data),
            optimization=resolve_optimization(self.optimization),
            stop=resolve_stop(self.stop, deterministic=self.optimization.deterministic),
        )


def _resolve_counts(whole: Config, data: DataConfig) -> CountsConfig:
    """Counts go with networks that tell the next token at each step: the gate learns from what they know there.

    Counts ignore the condition of a text and weaken its effect, so with --condition they are off by default.
    """
    config, possible = whole.counts, data.target == "each" and whole.model.arch != ESN
    if config.counts and not possible:
        raise ConfigError(
            "--counts go with networks that predict at each step: leave them out with --arch bidirectional, --arch esn "
            "and --target last"
        )
    if config.max_order is not None and not (possible and config.counts is not False):
        raise ConfigError("--max-order is for counts, and none are made here: leave it out")
    by_default = possible and (whole.documents.condition is None or config.max_order is not None)
    return dataclasses.replace(config, counts=by_default if config.counts is None else config.counts)


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
        weights=dict(config.weights or {}),
        batch=config.batch or (64 if target == "last" else 128 if arch == ESN else 32),
    )
