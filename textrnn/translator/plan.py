"""What is decided about a translator before it is trained: which pairs fit, how long to learn, what its run says."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np

from textrnn import __version__
from textrnn.base.errors import DataError
from textrnn.base.files import run_head
from textrnn.training.display import Display
from textrnn.training.options import resolve_train
from textrnn.translator.options import DecodeConfig, TranslateConfig
from textrnn.translator.pairs import Pairs
from textrnn.translator.predict import KIND
from textrnn.translator.split import by_source
from textrnn.translator.tokens import Side

TINY_STEPS = 150  # that pairs are learnt in which are too few to hold any out
# The default of --time: this much, and this much more for each token of the targets, at most so much.
SHORTEST_S, LONGEST_S, SECONDS_PER_TOKEN = 40.0, 1_200.0, 2.5e-3
# What translating takes for each token and beam, for a weight and for a token of the vocabulary, in seconds.
WEIGHT_S, TOKEN_S, LARGEST_RESERVE = 4e-11, 1e-8, 0.25
REFERENCE_SHARE = 0.995  # of the pairs, whose target is not longer than is allowed for


def short_pairs(pairs: Pairs, sides: tuple[Side, Side], most: int, display: Display) -> Pairs:
    """The pairs of which no side is too long."""
    rows = [
        row
        for row, texts in enumerate(zip(pairs.sources, pairs.targets, strict=True))
        if all(len(side.encode(text)) <= most for side, text in zip(sides, texts, strict=True))
    ]
    if len(rows) == len(pairs):
        return pairs
    if not rows:
        raise DataError(f"each pair has more than {most} tokens on a side: use a larger --max-length")
    display.warn(
        f"{len(pairs) - len(rows):,} pairs have more than {most} tokens on a side and are left out (--max-length)"
    )
    return pairs.some(rows)


def with_budget(config: TranslateConfig, pairs: Pairs, side: Side, *, is_tiny: bool) -> TranslateConfig:
    """The configuration with sizes and a length of training by the amount of text."""
    num_tokens = sum(len(side.encode(text)) for text in pairs.targets)
    config = config.sized(num_tokens=num_tokens)
    train = config.train
    if train.epochs is None and train.time_s is None:
        if is_tiny:
            num_batches = -(-len(pairs) // (config.lesson.batch or 1))
            train = dataclasses.replace(train, epochs=float(-(-TINY_STEPS // num_batches)))
        else:
            time_s = min(LONGEST_S, round(SHORTEST_S + SECONDS_PER_TOKEN * num_tokens))
            train = dataclasses.replace(train, time_s=float(time_s))
    settings = dataclasses.replace(config, train=train)
    return dataclasses.replace(settings, train=resolve_train(settings.train))


def reserve_s(config: TranslateConfig, side: Side, test: Pairs, decode: DecodeConfig) -> float:
    """Seconds that translating the pairs to measure on will probably take."""
    units, embed, _ = config.network.sizes
    weights = config.network.decoder_layers * 12 * units**2 + side.vocab_size * embed
    steps = sum(len(side.encode(targets[0])) + 2 for targets in by_source(test)[1])
    seconds = 1.0 + steps * decode.beam * (WEIGHT_S * weights + TOKEN_S * side.vocab_size)
    return min(seconds, LARGEST_RESERVE * (config.train.time_s or seconds / LARGEST_RESERVE))


def new_details(
    config: TranslateConfig,
    kind: str,
    sides: tuple[Side, Side],
    parts: Mapping[str, Pairs],
    pairs: Pairs,
    judged_on: str,
    command: str,
) -> dict[str, Any]:
    """The content of `run.json`, but for what is learnt."""
    ratios = [
        len(sides[1].encode(target)) / max(1, len(sides[0].encode(source)))
        for source, target in zip(parts["train"].sources, parts["train"].targets, strict=True)
    ]
    return {
        **run_head(KIND, command, config.to_json()),
        "translator": kind,
        "levels": [side.level for side in sides],
        "vocab_size": [side.vocab_size for side in sides],
        "longest": max(0.5, float(np.quantile(ratios, REFERENCE_SHARE))),
        "pairs": {**pairs.file, "form": pairs.form, "judged_on": judged_on, **{n: len(p) for n, p in parts.items()}},
        "metrics": {},
        "versions": {"textrnn": __version__, "python": platform.python_version()},
    }
