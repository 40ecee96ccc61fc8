"""What a token is where nobody has said it: a character, or a subword in a long text with blanks between its words.

Subwords make a text a third as long, so that a network reads it three times as often in the same time, and counts of as
many tokens reach three times as far. The runs on which this stands are in `benchmarks/README.md`, under Quality.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from textrnn.base.errors import ConfigError
from textrnn.language_model.options import Config
from textrnn.nn.architectures import ESN
from textrnn.text.reader import BYTES, Source, pieces
from textrnn.text.words import SPACED, script_of
from textrnn.training.display import Display

FEWEST_BYTES = 1_000_000  # of a text from which subwords are known to predict better
BYTES_A_SECOND = 500_000  # of --time, at most: four million are cut in a second, which may take an eighth of it
SAMPLED, LEAST_BLANKS = 1 << 18, 0.05  # characters that are looked at, and the share of white space that words need
SAID = ("level", "vocab_size", "min_count")  # options that say what a token is


def bytes_if_needed(options: dict[str, Any], sources: Sequence[Source], display: Display) -> dict[str, Any]:
    """The options, with that for files as they are where one is no text (which only `--level byte` lets through).

    Raises:
        ConfigError: they say something else.
    """
    odd = next((source for source in sources if source.encoding == BYTES), None)
    if odd is None or options.get("unicode") == "raw":
        return options
    if "unicode" in options:
        raise ConfigError(
            f"{odd.name} is no text, and --unicode is {options['unicode']}: expected raw, or leave it out"
        )
    display.warn(f"{odd.name} is no text: all is learnt byte by byte, as it is (--unicode raw)")
    return {**options, "unicode": "raw"}


def subwords_if_better(options: dict[str, Any], sources: Sequence[Source], display: Display) -> dict[str, Any]:
    """The options, with subwords where nothing says what a token is, and these will predict the text better.

    Raises:
        ConfigError: options contradict each other.
        DataError: the text cannot be read any more.
    """
    if not suits_subwords(options, sources):
        return options
    display.say("reading in subwords, which predict a long text better (--level char: in characters)")
    return {**options, "level": "bpe"}


def suits_subwords(options: Mapping[str, Any], sources: Sequence[Source]) -> bool:
    """Whether a text is to be learnt in subwords: nothing says what a token is, and they will predict it better.

    Args:
        options: those that were given.
        sources: the text.

    Raises:
        ConfigError: options contradict each other.
        DataError: the text cannot be read any more.
    """
    config = Config.from_options(options).resolve()
    is_stepwise = config.data.target == "each" and config.model.arch != ESN and config.model.input == "embedding"
    if not is_stepwise or config.documents.has_documents or any(options.get(name) is not None for name in SAID):
        return False
    most = math.inf if config.stop.time_s is None else config.stop.time_s * BYTES_A_SECOND
    if not FEWEST_BYTES <= sum(source.num_bytes for source in sources) <= most:
        return False
    sample = list(_beginnings(sources))
    num_chars, blanks = sum(map(len, sample)), sum(sum(map(str.isspace, part)) for part in sample)
    return blanks >= LEAST_BLANKS * num_chars and script_of(sample) == SPACED


def _beginnings(sources: Sequence[Source]) -> Iterator[str]:
    """The beginning of each source, in parts of 1,000 characters."""
    each = max(1000, SAMPLED // len(sources))
    for source in sources[: SAMPLED // 1000]:
        beginning = next(pieces(source, each), "")
        yield from (beginning[place : place + 1000] for place in range(0, len(beginning), 1000))
