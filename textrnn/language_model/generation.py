"""From seeds to texts: prompts prepared by the model's own rules, texts written side by side or piece by piece."""

from __future__ import annotations

import itertools
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from textrnn.base.errors import ConfigError
from textrnn.language_model.generation_loop import Continuation, Stream, write
from textrnn.language_model.random_state import row_rng
from textrnn.language_model.rows import Model, Prompt, read_prompt
from textrnn.language_model.sample_options import SampleConfig
from textrnn.text.documents import WITH_BLANK, spelled
from textrnn.text.normalize import normalize
from textrnn.text.options import NormalizeConfig
from textrnn.text.tokens.load import UNKNOWN_ID

ROWS = 64  # texts written side by side; more are hardly faster each, and the first would come later
SHOWN_CHARACTERS = 10
_SURROGATES = re.compile("[\ud800-\udfff]")

Warn = Callable[[str], None]
# Of a generator: a condition, and the model whose texts begin in it.
Choose = Callable[[np.random.Generator], tuple["str | None", "LanguageModel"]]


class LanguageModel(Model, Protocol):
    """A model that knows how the text that it learned from was normalised."""

    @property
    def normalize_config(self) -> NormalizeConfig:
        """The fixed preprocessing, for seeds and stop texts too."""


@dataclass(frozen=True)
class Generated:
    """One text: its seed as it was given, how the model went on, and in which condition, if it knows some."""

    seed: str
    continuation: Continuation
    condition: str | None = None


def prepare_prompt(model: LanguageModel, seed: str) -> tuple[np.ndarray, list[str]]:
    """Turn a seed into what the model reads.

    The seed is normalised by the model's own rules, and characters that the model never saw are left out: read as
    the unknown token, which training has hardly seen, they would spoil what follows.

    Args:
        model: the language model.
        seed: any string, lone surrogates included.

    Returns:
        int32[tokens], perhaps empty, and warnings of one line each: one names the characters that were left out (the
        first ten, in quotes, invisible ones as escapes), one says that nothing remains.

    Example:
        >>> from types import SimpleNamespace
        >>> from textrnn.text.tokens.char import CharTokenizer
        >>> ab = CharTokenizer(["a", "b"])
        >>> model = SimpleNamespace(tokenizer=ab, normalize_config=NormalizeConfig(), end_id=None)
        >>> ids, warnings = prepare_prompt(model, "abc")
        >>> ids.tolist(), warnings
        ([2, 3], ["the model never saw 'c': left out of the seed 'abc'"])
    """
    text = normalize(_SURROGATES.sub("", seed), model.normalize_config)
    strange = dict.fromkeys(_SURROGATES.findall(seed))  # no tokenizer has them, and normalising would hide which
    strange.update(dict.fromkeys(model.tokenizer.unknown_characters(text)))
    text = "".join(char for char in text if char not in strange)
    ids = model.tokenizer.encode(_without_open_blank(model, text))
    ids = ids[ids != UNKNOWN_ID]
    warnings, name = [], repr(seed if len(seed) <= 40 else seed[:39] + "…")
    if strange:
        warnings.append(f"the model never saw {_name_characters(list(strange))}: left out of the seed {name}")
    if seed and not len(ids):
        warnings.append(f"the model knows nothing of the seed {name}: the text begins as without one")
    return ids, warnings


def opens_blank(model: LanguageModel, text: str) -> bool:
    """Whether the blank that a text ends with belongs to the word that comes next.

    At word and bpe level " the" is one token. A model that has read the blank alone expects anything but a word, so
    it is left for the model to write, and what the model then begins with is the seed's own blank.
    """
    text = _begun(model, text)
    return model.tokenizer.level in WITH_BLANK and text.endswith(" ") and not text[:-1].endswith(" ")


def _without_open_blank(model: LanguageModel, text: str) -> str:
    return _begun(model, text)[:-1] if opens_blank(model, text) else _begun(model, text)


def _begun(model: LanguageModel, text: str) -> str:
    """A document as it was learnt begins without white space, but for the blank before its first word."""
    return text if model.end_id is None else spelled(text.lstrip(), model.tokenizer.level)


def closed(pieces: Iterator[str]) -> Iterator[str]:
    """Pieces without the blank that the seed has already."""
    first = next(pieces, "").removeprefix(" ")
    if first:
        yield first
    yield from pieces


def _name_characters(characters: Sequence[str]) -> str:
    """Characters as a person can read them: in quotes, invisible and combining ones as escapes."""
    shown = [ascii(char) if unicodedata.combining(char) else repr(char) for char in characters[:SHOWN_CHARACTERS]]
    more = len(characters) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def prepare_stops(model: LanguageModel, stops: Iterable[str]) -> tuple[str, ...]:
    """Stop texts as the model would write them: one in capitals would else never end a text in lower case.

    Args:
        model: the language model.
        stops: texts that end a text.

    Returns:
        Those that the model can write at all.

    Raises:
        ConfigError: one of them is empty.

    Example:
        >>> from types import SimpleNamespace
        >>> prepare_stops(SimpleNamespace(normalize_config=NormalizeConfig(lowercase=True)), ["END"])
        ('end',)
    """
    stops = tuple(stops)
    if not all(stops):
        raise ConfigError("--stop is empty: expected a text that ends the writing")
    return tuple(filter(None, (normalize(stop, model.normalize_config) for stop in stops)))


def generate_texts(
    model: LanguageModel,
    seeds: Iterable[str],
    config: SampleConfig,
    *,
    count: int = 1,
    stops: Sequence[str] = (),
    measure: bool = True,
    warn: Warn = lambda line: None,
    choose: Choose | None = None,
) -> Iterator[Generated]:
    """Write `count` texts for each seed, side by side where there are several.

    With a random seed, text n of seed m is the same whatever `count` and however many seeds follow.

    Args:
        model: the language model.
        seeds: what the texts begin with.
        config: the settings of sampling.
        count: texts a seed.
        stops: texts that end a text and are left out.
        measure: also find `bits_per_char`.
        warn: takes the warnings about seeds, one line each.
        choose: gives the condition of each text, and the model whose texts begin in it.

    Yields:
        Seed 1, text 1 to `count`, then seed 2, ...; up to `ROWS` come at the same time.

    Raises:
        ConfigError: a stop text is empty.
        RunError: the model gives no token a probability.

    Example:
        >>> from types import SimpleNamespace
        >>> from textrnn.text.tokens.char import ByteTokenizer
        >>> logits = np.eye(258)  # of a model after whose bytes comes the next higher byte
        >>> model = SimpleNamespace(tokenizer=ByteTokenizer(), start_id=12, end_id=None,
        ...                         normalize_config=NormalizeConfig(), initial_state=lambda rows: [],
        ...                         read=lambda ids, state: (logits[ids[-1:] + 1], state),
        ...                         step=lambda ids, state: (logits[ids + 1], state))
        >>> config = SampleConfig(length=3, temperature=0)
        >>> [text.seed + text.continuation.text for text in generate_texts(model, ["a", "f"], config)]
        ['abcd', 'fghi']
    """
    stops, seed = prepare_stops(model, stops), random_seed(config)
    jobs = _jobs(model, seeds, count, warn, seed, choose or (lambda rng: (None, model)))
    while batch := list(itertools.islice(jobs, ROWS)):
        prompts = [prompt for _, prompt, _, _ in batch]
        rngs = [row_rng(seed, *key) for _, _, key, _ in batch]
        continuations = write(model, prompts, rngs, config, stops=stops, measure=measure)
        for (text, _, _, condition), continuation in zip(batch, continuations, strict=True):
            if opens_blank(model, text):
                continuation = replace(continuation, text=continuation.text.removeprefix(" "))
            yield Generated(text, continuation, condition)


def _jobs(
    model: LanguageModel, seeds: Iterable[str], count: int, warn: Warn, random_seed: int, choose: Choose
) -> Iterator[tuple[str, Prompt, tuple[int, int], str | None]]:
    """Each text to write: its seed, what it goes on from (read once a seed and condition), the key of its draws, and
    its condition."""
    for number, seed in enumerate(seeds):
        ids, warnings = prepare_prompt(model, seed)
        for warning in warnings:
            warn(warning)
        prompts = dict[str | None, Prompt]()
        for copy in range(count):
            condition, beginning = choose(condition_rng(random_seed, number, copy))
            if condition not in prompts:
                prompts[condition] = read_prompt(beginning, ids)
            yield seed, prompts[condition], (number, copy), condition


def condition_rng(random_seed: int, number: int, copy: int) -> np.random.Generator:
    """Decides the condition of a text; another one than decides its tokens."""
    return row_rng(random_seed, number, copy, 1)


def generate_stream(
    model: LanguageModel, seed: str, config: SampleConfig, *, stops: Sequence[str] = (), warn: Warn = lambda line: None
) -> Iterator[str]:
    """Write one text; what comes is the text that `generate_texts` gives for the same random seed.

    Args:
        model: the language model.
        seed: what the text begins with.
        config: the settings of sampling.
        stops: texts that end the text and are left out.
        warn: takes the warnings about the seed, one line each, before the first piece.

    Returns:
        Pieces of the continuation, each as soon as it is certain.

    Raises:
        ConfigError: a stop text is empty.
        RunError: the model gives no token a probability.
    """
    ids, warnings = prepare_prompt(model, seed)
    for warning in warnings:
        warn(warning)
    stream = Stream(model, ids, row_rng(random_seed(config), 0, 0))
    pieces = stream.write(config, stops=prepare_stops(model, stops))
    return closed(pieces) if opens_blank(model, seed) else pieces


def random_seed(config: SampleConfig) -> int:
    """The seed of the draws: the one that was asked for, or a new one."""
    return secrets.randbits(128) if config.random_seed is None else config.random_seed
