"""What may be asked for: the fields of each request, with their defaults and ranges."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import Request

from textrnn.base.config import Checked, option
from textrnn.base.errors import ConfigError
from textrnn.language_model.sample_options import SampleConfig
from textrnn.serve.problems import Problem
from textrnn.text.normalize import replace_surrogates

A = TypeVar("A", bound="Asked")
BODY_S = 60.0  # in which a request has to be sent
SAMPLING = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
# Fields of OpenAI's that change nothing here, and those that are understood only if they ask for nothing.
WITHOUT_EFFECT = ("user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key")
NOTHING: dict[str, tuple[Any, ...]] = {
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "best_of": (1,),
    "suffix": ("",),
    "response_format": ({"type": "text"},),
    "tools": ([],),
    "modalities": (["text"],),
}


@dataclass(frozen=True)
class Asked(Checked):
    """Base of the requests."""

    model: str | None = option(None, "Name of a run; without it the newest one of the kind.")


def _as_sampled(name: str) -> Any:
    """A field with the default, range and help of one of `SampleConfig`."""
    (item,) = (item for item in dataclasses.fields(SampleConfig) if item.name == name)
    return dataclasses.field(default=item.default, metadata=item.metadata)


@dataclass(frozen=True)
class Writing(Asked):
    """What all requests for text share."""

    max_tokens: int | None = option(None, "Most tokens to write; without it 500.", low=1)
    temperature: float = _as_sampled("temperature")
    top_p: float = _as_sampled("top_p")
    top_k: int = _as_sampled("top_k")
    min_p: float = _as_sampled("min_p")
    repetition_penalty: float = _as_sampled("repetition_penalty")
    n: int = option(1, "Texts for each prompt.", low=1, high=10_000)
    seed: int | None = option(None, "Random seed: the same one gives the same text.", low=0, high=2**63)
    stop: str | Sequence[Any] | None = option(None, "A text, or up to 16, that ends the writing and is left out.")
    stream: bool = option(False, "Send the text as it comes, as server-sent events.")
    stream_options: Mapping[str, Any] | None = option(None, "include_usage: end with the numbers of tokens.")
    use: str | None = option(None, "What predicts.", choices=("mixture", "network", "counts"))
    adapt: bool = option(False, "Let the counts go on counting in each text, prompt included, while it is written.")
    condition: str | None = option(None, "What the text should be like, of a run with conditions.")
    guidance: float | None = option(None, "How much what sets the condition apart is made stronger.", low=0, high=100)

    @property
    def stops(self) -> list[str]:
        """The texts that end the writing."""
        return texts_of(self.stop if self.stop is not None else [], "stop", 16)

    @property
    def with_usage(self) -> bool:
        """Whether a stream ends with the numbers of tokens."""
        return bool((self.stream_options or {}).get("include_usage"))

    def sampling(self, most_tokens: int) -> SampleConfig:
        """The settings of sampling.

        Raises:
            ConfigError: more tokens are asked for than a request may.
        """
        length = self.max_tokens if self.max_tokens is not None else min(500, most_tokens)
        if length > most_tokens:
            raise ConfigError(f"max_tokens is {length}: expected at most {most_tokens:,} (serve --max-tokens)")
        return SampleConfig(length=length, **{name: getattr(self, name) for name in SAMPLING})


@dataclass(frozen=True)
class Completion(Writing):
    """`POST /v1/completions`: go on with a text."""

    prompt: str | Sequence[Any] = option("", "The text to go on from, or several.")
    logprobs: int | None = option(None, "Also the most likely tokens at each place.", low=0, high=20)
    echo: bool = option(False, "Begin the text with the prompt.")


@dataclass(frozen=True)
class Chat(Writing):
    """`POST /v1/chat/completions`: answer in a conversation."""

    messages: Sequence[Any] | None = option(None, "What was said so far, each with role and content.")
    max_completion_tokens: int | None = option(None, "As max_tokens.", low=1)
    logprobs: bool = option(False, "Also the probability of each token.")
    top_logprobs: int | None = option(None, "And of the most likely ones there.", low=0, high=20)


@dataclass(frozen=True)
class Scoring(Asked):
    """`POST /v1/score`: how well a model predicts a text."""

    input: str = option("", "The text.")
    per_char: bool = option(False, "Also the bits of each character.")
    use: str | None = option(None, "What predicts.", choices=("mixture", "network", "counts"))


@dataclass(frozen=True)
class Classifying(Asked):
    """`POST /v1/classify`: the labels of texts."""

    input: str | Sequence[Any] = option("", "A text, or several.")
    explain: bool = option(False, "Also what each word adds to the log-odds of the label.")


@dataclass(frozen=True)
class Translating(Asked):
    """`POST /v1/translate`: texts turned into others."""

    input: str | Sequence[Any] = option("", "A text, or several.")
    beam: int = option(1, "Translations that are followed at the same time.", low=1, high=100)


@dataclass(frozen=True)
class Answering(Asked):
    """`POST /v1/answer`: a question about a story."""

    story: str | Sequence[Any] = option("", "Its sentences: a list, or a text with one a line.")
    question: str = option("", "What is asked.")


def texts_of(given: str | Sequence[Any], name: str, most: int) -> list[str]:
    """A text or a list of texts as a list.

    Raises:
        ConfigError: there is something else in it, or too much.
    """
    texts = [given] if isinstance(given, str) else list(given)
    if not all(isinstance(text, str) for text in texts):
        raise ConfigError(f"{name} is {given!r:.60}: expected a text or a list of texts")
    if len(texts) > most:
        raise ConfigError(f"{name} has {len(texts):,} texts: expected at most {most:,}")
    return texts


def check_chars(texts: list[str], most: int) -> list[str]:
    """The texts; raises Problem where they have too many characters together."""
    total = sum(map(len, texts))
    if total > most:
        raise Problem(413, f"the texts have {total:,} characters: expected at most {most:,} (serve --max-chars)")
    return texts


async def read_body(request: Request, max_mb: int) -> bytes:
    """The bytes of a request.

    Raises:
        Problem: they are too many, or do not come.
    """
    most = max_mb * 1_000_000
    too_large = Problem(413, f"the request is larger than {max_mb} MB (serve --max-body)")
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 15 or int(length) > most:
        raise too_large

    async def read() -> bytes:
        parts, size = list[bytes](), 0
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise too_large
            parts.append(part)
        return b"".join(parts)

    try:
        return await asyncio.wait_for(read(), BODY_S)
    except asyncio.TimeoutError:
        raise Problem(408, f"the request did not come within {BODY_S:.0f} s") from None


def parsed(body: bytes, kind: type[A]) -> A:
    """A request from its JSON.

    Raises:
        Problem: it is no JSON object.
        ConfigError: a field is unknown, of the wrong type or out of range.
    """
    try:
        values = json.loads(body)
        values = _clean(values)
    except (ValueError, RecursionError):
        raise Problem(400, "the request is no JSON in UTF-8") from None
    if not isinstance(values, dict):
        raise Problem(400, "the request is no JSON object with the fields of /openapi.json")
    values = {name: value for name, value in values.items() if value is not None and name not in WITHOUT_EFFECT}
    names = {item.name for item in dataclasses.fields(kind)}
    for name, nothing in NOTHING.items():
        if name in values and name not in names and values.pop(name) not in nothing:
            raise ConfigError(f"{name} has no meaning here: leave it out")
    if unknown := sorted(values.keys() - names):
        raise ConfigError(f"unknown field {unknown[0]!r:.60}: expected some of {', '.join(sorted(names))}")
    return kind.from_json(values)


def _clean(value: Any) -> Any:
    """JSON without lone surrogates, which no text has."""
    if isinstance(value, str):
        return value if value.isascii() else replace_surrogates(value)
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(each) for key, each in value.items()}
    return value
