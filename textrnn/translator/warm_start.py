"""`--from`: what a new translator takes over from another, and how much of that one's pairs it has forgotten."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import MODEL_FILE, read_weights
from textrnn.text.options import NormalizeConfig
from textrnn.training.from_run import find_start, flags_of, options_from
from textrnn.translator.batches import EncodedPairs, encode_pairs
from textrnn.translator.options import NetworkConfig
from textrnn.translator.pairs import Pairs
from textrnn.translator.predict import KIND, Translator, open_translator
from textrnn.translator.split import source_key
from textrnn.translator.store import PAIRS_FILE, read_pairs_file
from textrnn.translator.tokens import ENCODER_DECODER, Side

# All that the weights are made for; `level` is for both sides.
LEVELS = {"source_level": "--source-level", "target_level": "--target-level"}
FIXED = {**flags_of(NormalizeConfig, NetworkConfig, but=("dropout",)), "kind": "--kind", **LEVELS}
OF_THE_PAIRS = ("level", "max_words", "max_pairs")  # options that say something of the old pairs alone


@dataclass(frozen=True)
class WarmStart:
    """A translator whose weights another one begins with; it is only read.

    Attributes:
        model: the run, opened.
        path: its folder.
        weights: its arrays by name.
        pairs: what it has learnt from, by part; None where that is not there any more.
    """

    model: Translator
    path: Path
    weights: dict[str, np.ndarray]
    pairs: dict[str, Pairs] | None

    @classmethod
    def open(cls, name: str, models_dir: Path) -> WarmStart:
        """Opens the run of a name or path.

        Raises:
            RunError: it is missing, damaged, or no translator.
        """
        path, _ = find_start(name, models_dir, (KIND,))
        model, weights = open_translator(path), read_weights(path / MODEL_FILE)[0]
        try:
            pairs = read_pairs_file(path / PAIRS_FILE)
        except RunError:
            pairs = None
        return cls(model, path, weights, pairs)

    def options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All options of the new run: the old ones, where others were not given now.

        Raises:
            ConfigError: an option would change the network or its tokens.
        """
        config, kind = self.model.config, self.model.kind
        levels = dict(source_level=self.model.source.level, target_level=self.model.target.level)
        before = {**config.options(), "kind": kind, **levels}
        if (level := given.get("level")) is not None:
            if given.keys() & LEVELS.keys():
                raise ConfigError("--level is for both sides: leave it out beside --source-level and --target-level")
            given = {**given, **dict.fromkeys(LEVELS, level)}
        given = {name: value for name, value in given.items() if name != "level"}
        layers = config.network.layers + config.network.decoder_layers * (kind == ENCODER_DECODER)
        return options_from(self.path, before, given, fixed=FIXED, layers=layers, but=OF_THE_PAIRS)

    def to_json(self, sides: tuple[Side, Side], test: Pairs) -> dict[str, Any]:
        """What `run.json` says of it, and of what is new to it.

        Args:
            sides: the tokens of the new run.
            test: the pairs that it is measured on.
        """
        before = (self.model.source, self.model.target)
        known = set(map(source_key, self.pairs["train"].sources)) if self.pairs else set[str]()
        return dict(
            run=str(self.path),
            new_tokens=[side.vocab_size - old.vocab_size for side, old in zip(sides, before, strict=True)],
            learnt_before=sum(source_key(text) in known for text in test.sources),
        )

    def forgotten(self, nats_of: Callable[[EncodedPairs], float], sides: tuple[Side, Side]) -> dict[str, Any]:
        """What the old run's held-out pairs cost before and after; nothing where it keeps none.

        Args:
            nats_of: nats per token of the targets of pairs, by the new network.
            sides: its tokens. The pairs are read by those of the old run, so that the same tokens are counted.
        """
        nats = self.model.details["metrics"].get("val_nats_per_token")
        if self.pairs is None or nats is None or self.pairs["valid"].sources == self.pairs["train"].sources:
            return {}
        ends = (sides[0].vocab_size, sides[1].vocab_size) if self.model.kind == ENCODER_DECODER else None
        read = encode_pairs(self.pairs["valid"], (self.model.source, self.model.target), ends)
        return dict(pairs=len(read), nats_per_token_before=nats, nats_per_token_after=nats_of(read))
