"""Sizes that make the most of a time budget: what `--size` means.

A larger network learns more from each character and reads fewer of them a second, so which size ends best depends on
how much can be computed in the time. The rule counts that in seconds of one reference machine, and takes the highest
rung of a ladder whose share of it is reached. The ladder and its borders were fitted on parts of the training text of
tiny Shakespeare, War and Peace and Journey to the West; `benchmarks/README.md` has the runs.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from textrnn.language_model.options import Config
from textrnn.nn.architectures import BIDIRECTIONAL, ESN, spec_of

SIZED = ("units", "layers", "cells", "embed", "batch", "window", "dropout", "learning_rate")  # what a size sets
LARGE_VOCAB, TIED_EMBED = 1000, 128  # tokens from which the embedding is the output matrix too, and its width then
OVERHEAD_S = 8.0  # that are not spent on learning: loading, tracing, checks, saving
UNLIMITED_S = 300.0  # of learning on the reference machine to assume when only epochs are given


@dataclass(frozen=True)
class Size:
    """A rung of the ladder.

    Attributes:
        layers: recurrent layers.
        units: units in each of them.
        batch: streams, or windows, in a step.
        learning_rate: the highest one, of Adam.
        from_s: seconds of learning on the reference machine, with a small vocabulary, from which it ends better than
            the rung before.
        tokens_per_s: that it reads there with a small vocabulary.
    """

    layers: int
    units: int
    batch: int
    learning_rate: float
    from_s: float
    tokens_per_s: float

    def speed(self, vocab_size: int, tied: int | None) -> float:
        """How fast it is with a vocabulary, next to a small one: predicting takes time for each number and token.

        Args:
            vocab_size: number of tokens of the vocabulary.
            tied: width of the embedding where that is the output matrix too.
        """
        return 1 / (1 + self.tokens_per_s * OUTPUT_S * (tied or self.units) * vocab_size)


LADDER = (
    Size(layers=1, units=128, batch=16, learning_rate=0.012, from_s=0, tokens_per_s=90_000),
    Size(layers=1, units=256, batch=16, learning_rate=0.012, from_s=3, tokens_per_s=55_000),
    Size(layers=1, units=512, batch=32, learning_rate=0.01, from_s=33, tokens_per_s=29_000),
    Size(layers=2, units=512, batch=64, learning_rate=0.008, from_s=250, tokens_per_s=17_600),
)
OUTPUT_S = 35e-12  # of the reference machine for each number and token of the output matrix and token that is read
PRESETS = {"small": 1, "medium": 2, "large": 3}
BOTH_WAYS_UNITS = {"small": 64, "medium": 128, "large": 256}
# Of an echo state network: sizes, the share of the time for reading, tokens that a unit needs and that are enough for
# it, seconds on the reference machine for a product of two units and for a unit's step, how often the sums are solved.
RESERVOIRS = (125, 250, 500, 1000, 1500, 2000, 3000, 4000, 6000, 8000)
PRESET_RESERVOIRS = {"small": 1000, "medium": 2000, "large": 4000}
READING_SHARE, TOKENS_PER_UNIT, ENOUGH_PER_UNIT, PRODUCT_S, UNIT_S, SOLUTIONS = 0.6, 50, 100, 7e-12, 2e-8, 20
SMALL_TEXT = 300_000  # tokens below which the lowest rung but one is enough


def wants_size(options: Mapping[str, Any]) -> bool:
    """Whether options leave the size to the rule: `--size` is given, or nothing that a size sets."""
    return "size" in options or not set(SIZED) & options.keys()


def tied_if_large(config: Config, options: Mapping[str, Any], vocab_size: int) -> Config:
    """Makes the embedding of a large vocabulary the output matrix too, unless something else was given.

    Args:
        config: resolved options.
        options: those that were given; they win.
        vocab_size: number of tokens of the vocabulary.

    Reference:
        Press and Wolf, 2017, Using the output embedding to improve language models.
    """
    by_rule = vocab_size >= LARGE_VOCAB and config.model.input == "embedding" and config.model.arch != ESN
    tied = options.get("tied", by_rule)
    embed = options.get("embed", TIED_EMBED if tied else config.model.embed)
    return dataclasses.replace(config, model=dataclasses.replace(config.model, tied=tied, embed=embed))


def sized(
    config: Config,
    options: Mapping[str, Any],
    *,
    num_tokens: int,
    vocab_size: int,
    seconds: float | None,
    speed: float,
) -> tuple[Config, str]:
    """Chooses units, layers, batch, dropout and learning rate, but for those that were given.

    Args:
        config: resolved options.
        options: those that were given; they win.
        num_tokens: of the training part.
        vocab_size: number of tokens of the vocabulary.
        seconds: until the whole command should be done; None for no limit.
        speed: of this machine, 1 for the reference; it does not count without a limit.

    Returns:
        the configuration, and the choice in words, "" where there was none.
    """
    arch, name = config.model.arch, config.model.size or "auto"
    if arch == ESN:
        return _sized_reservoir(
            config, options, num_tokens=num_tokens, vocab_size=vocab_size, seconds=seconds, speed=speed
        )
    learning_s = UNLIMITED_S if seconds is None else learning_seconds(seconds) * speed
    if arch == BIDIRECTIONAL:
        chosen: dict[str, Any] = {} if name == "auto" else dict(units=BOTH_WAYS_UNITS[name])
    else:
        cell, tied = spec_of(arch, config.model), _tied_width(config)
        learning_s *= cell.speed
        size = _rung(learning_s, num_tokens, vocab_size, tied) if name == "auto" else LADDER[PRESETS[name]]
        if seconds is None:
            epochs = config.stop.epochs or 1.0
        else:
            epochs = learning_s * size.tokens_per_s * size.speed(vocab_size, tied) / num_tokens
        layers = size.layers + cell.more_layers
        dropout = _dropout(epochs, vocab_size * (tied or config.model.embed + size.units) / num_tokens)
        chosen = dict(units=size.units, layers=layers, batch=size.batch, dropout=dropout)
        if config.optimization.optimizer in ("adam", "adamw"):
            chosen["learning_rate"] = size.learning_rate * cell.rate_share
    chosen = {key: value for key, value in chosen.items() if key not in options}
    model = {key: chosen[key] for key in ("units", "layers", "dropout") if key in chosen}
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, size=name, **model))
    if "batch" in chosen:
        config = dataclasses.replace(config, data=dataclasses.replace(config.data, batch=chosen["batch"]))
    if "learning_rate" in chosen:
        rate = chosen["learning_rate"]
        config = dataclasses.replace(config, optimization=dataclasses.replace(config.optimization, learning_rate=rate))
    words = ", ".join(f"{key.replace('_', ' ')} {value:g}" for key, value in chosen.items())
    return config, f"size {name}: {words}" if words else ""


def planned(seconds: float, speed: float, *, num_tokens: int, vocab_size: int) -> tuple[Size, float]:
    """What `--size auto` takes for an LSTM, and the tokens a second that it then learns from.

    Args:
        seconds: until the whole command should be done.
        speed: of this machine, 1 for the reference.
        num_tokens: of the training part.
        vocab_size: number of tokens of the vocabulary.
    """
    tied = _tied_width(tied_if_large(Config(), {}, vocab_size))
    size = _rung(learning_seconds(seconds) * speed, num_tokens, vocab_size, tied)
    return size, size.tokens_per_s * size.speed(vocab_size, tied) * speed


def _tied_width(config: Config) -> int | None:
    """The width of the embedding where that is the output matrix too, else None."""
    return config.model.embed if config.model.tied else None


def learning_seconds(seconds: float) -> float:
    """What is left of the time of a whole command for learning."""
    return max(0.0, seconds - OVERHEAD_S)


def _sized_reservoir(
    config: Config,
    options: Mapping[str, Any],
    *,
    num_tokens: int,
    vocab_size: int,
    seconds: float | None,
    speed: float,
) -> tuple[Config, str]:
    """The units of an echo state network: as many as can read in the time as much as they need."""
    name, learning_s = config.model.size or "auto", (UNLIMITED_S if seconds is None else seconds) * speed
    if name == "auto":
        fast = [
            n
            for n in RESERVOIRS
            if _reading_s(n, min(num_tokens, ENOUGH_PER_UNIT * n), vocab_size) <= READING_SHARE * learning_s
        ]
        units = max([n for n in fast if n * TOKENS_PER_UNIT <= num_tokens], default=RESERVOIRS[0])
    else:
        units = PRESET_RESERVOIRS[name]
    units = options.get("units", units)
    model = dataclasses.replace(config.model, size=name, units=units)
    return dataclasses.replace(config, model=model), f"size {name}: units {units}"


def _reading_s(units: int, num_tokens: int, vocab_size: int) -> float:
    """Seconds in which the reference machine adds up the products of all pairs of units, and solves for a readout."""
    product = (units + vocab_size / 10) * units * PRODUCT_S
    return num_tokens * (product + units * UNIT_S) + SOLUTIONS * units**2 * (units / 3 + vocab_size) * 2 * PRODUCT_S


def _rung(learning_s: float, num_tokens: int, vocab_size: int, tied: int | None) -> Size:
    """The highest rung whose time is reached and that a text of this length can fill."""
    possible = LADDER[: 2 if num_tokens < SMALL_TEXT else len(LADDER)]
    return [size for size in possible if size.from_s <= learning_s * size.speed(vocab_size, tied)][-1]


def _dropout(epochs: float, vocabulary_weights: float) -> float:
    """The more often the text is read, and the more weights of the vocabulary there are for each of its tokens, the
    easier it is learnt by heart."""
    ease = epochs * math.sqrt(max(1.0, vocabulary_weights))
    for most, dropout in ((1.5, 0.0), (3, 0.1), (6, 0.2), (12, 0.35)):
        if ease <= most:
            return dropout
    return 0.5
