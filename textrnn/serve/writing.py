"""`/v1/completions` and `/v1/chat/completions`: texts as OpenAI's interface gives them, whole or as they come."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from textrnn.base.errors import ConfigError
from textrnn.language_model.asked import asked_model
from textrnn.language_model.chat import ASSISTANT, SYSTEM, USER
from textrnn.language_model.continuous import Piece, Token, Wanted, orders, read_tokens
from textrnn.language_model.generation_loop import LENGTH
from textrnn.language_model.sample_options import TextConfig
from textrnn.serve.engine import Job
from textrnn.serve.problems import Events, as_json, error_values, problem_of
from textrnn.serve.requests import Chat, Completion, Writing, check_chars, texts_of
from textrnn.serve.shelf import LANGUAGE_MODEL, Opened, Service

ROLES = {"system": SYSTEM, "developer": SYSTEM, "user": USER, "assistant": ASSISTANT}
MOST_FACTS = 1_000_000  # tokens and other likely ones of a request: each is some hundred bytes
LOWEST = -9999.0  # the logarithm of nothing, as OpenAI writes it


@dataclass
class Written:
    """What has come of one text."""

    pieces: list[str] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    num_tokens: int = 0
    stop_reason: str | None = None

    def add(self, piece: Piece) -> None:
        """Takes in a piece."""
        self.pieces.append(piece.text)
        self.tokens += piece.tokens
        self.num_tokens, self.stop_reason = piece.num_tokens, piece.stop_reason

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)


@dataclass(frozen=True)
class Plan:
    """What a request for text comes to.

    Attributes:
        asked: the request.
        seeds: the texts to go on from.
        stops: texts that end the writing.
        top: see `Text`.
        form: how it is answered.
        shows_reading: whether tokens of the seeds are given as well.
    """

    asked: Writing
    seeds: Sequence[str]
    stops: Sequence[str]
    top: int | None
    form: Form
    shows_reading: bool = False

    @property
    def num_texts(self) -> int:
        """Texts that are asked for."""
        return len(self.seeds) * self.asked.n


class Form:
    """How `/v1/completions` writes its answers.

    Args:
        prompts: what each text begins with, if it is to have that.
        logprobs: whether tokens are given.
    """

    prefix, whole, chunk = "cmpl", "text_completion", "text_completion"

    def __init__(self, prompts: Sequence[str], *, logprobs: bool) -> None:
        self._prompts, self._logprobs = list(prompts), logprobs
        self._read: dict[int, Sequence[Token]] = {}
        self._lengths: dict[int, int] = {}

    def take_reading(self, index: int, tokens: Sequence[Token]) -> None:
        """Begins a text with the tokens of its prompt, as the model has read them."""
        self._read[index], self._prompts[index] = tokens, "".join(token.text for token in tokens)

    def opening(self, index: int) -> dict[str, Any] | None:
        """The part of a stream with which a text begins, if there is one."""
        prompt = self._prompts[index] if self._prompts else ""
        return self.part(index, prompt, self._read.get(index, ()), None) if prompt else None

    def part(self, index: int, text: str, tokens: Sequence[Token], reason: str | None) -> dict[str, Any]:
        """A piece of a text in a stream."""
        begin = self._lengths.get(index, 0)
        self._lengths[index] = begin + len(text)
        found = self._facts(tokens, begin) if self._logprobs else None
        return dict(index=index, text=text, logprobs=found, finish_reason=reason)

    def choice(self, index: int, written: Written, reason: str | None) -> dict[str, Any]:
        """A whole text."""
        prompt, read = self._prompts[index] if self._prompts else "", self._read.get(index, ())
        tokens, begin = [*read, *written.tokens], 0 if read else len(prompt)
        found = self._facts(tokens, begin) if self._logprobs else None
        return dict(index=index, text=prompt + written.text, logprobs=found, finish_reason=reason)

    def _facts(self, tokens: Sequence[Token], begin: int) -> dict[str, Any]:
        offsets = list[int]()
        for token in tokens:
            offsets.append(begin)
            begin += len(token.text)
        return dict(
            tokens=[token.text for token in tokens],
            token_logprobs=[_finite(token.logprob) for token in tokens],
            top_logprobs=[{text: _finite(value) for text, value in reversed(token.top)} for token in tokens],
            text_offset=offsets,
        )


class ChatForm(Form):
    """How `/v1/chat/completions` writes its answers."""

    prefix, whole, chunk = "chatcmpl", "chat.completion", "chat.completion.chunk"

    def opening(self, index: int) -> dict[str, Any] | None:
        """See `Form.opening`."""
        delta = dict(role=ASSISTANT, content="")
        return dict(index=index, delta=delta, logprobs=None, finish_reason=None)

    def part(self, index: int, text: str, tokens: Sequence[Token], reason: str | None) -> dict[str, Any]:
        """See `Form.part`."""
        delta = dict(content=text) if text else {}
        return dict(index=index, delta=delta, logprobs=self._content(tokens), finish_reason=reason)

    def choice(self, index: int, written: Written, reason: str | None) -> dict[str, Any]:
        """See `Form.choice`."""
        message = dict(role=ASSISTANT, content=written.text, refusal=None)
        return dict(index=index, message=message, logprobs=self._content(written.tokens), finish_reason=reason)

    def _content(self, tokens: Sequence[Token]) -> dict[str, Any] | None:
        if not self._logprobs:
            return None
        return {
            "content": [
                {**_entry(token.text, token.logprob), "top_logprobs": [_entry(*one) for one in token.top]}
                for token in tokens
            ],
            "refusal": None,
        }


def _finite(value: float) -> float:
    return round(max(value, LOWEST), 6)


def _entry(text: str, logprob: float) -> dict[str, Any]:
    return dict(token=text, logprob=_finite(logprob), bytes=list(text.encode("utf-8", "replace")))


def _reason(stop_reason: str | None) -> str | None:
    return stop_reason if stop_reason in (None, LENGTH) else "stop"


async def complete(service: Service, asked: Completion) -> dict[str, Any] | Response:
    """Answers `/v1/completions`."""
    seeds = texts_of(asked.prompt, "prompt", service.config.max_texts) or [""]
    prompts = [seed for seed in seeds for _ in range(asked.n)] if asked.echo else []
    form = Form(prompts, logprobs=asked.logprobs is not None)
    shows_reading = asked.echo and asked.logprobs is not None
    if shows_reading and sum(map(len, seeds)) > service.config.max_tokens:
        most = f"at most {service.config.max_tokens:,} characters"
        raise ConfigError(f"echo with logprobs reads token by token: expected prompts of {most}, or /v1/score")
    return await _answer(service, Plan(asked, seeds, asked.stops, asked.logprobs, form, shows_reading))


async def chat(service: Service, asked: Chat) -> dict[str, Any] | Response:
    """Answers `/v1/chat/completions`."""
    if not asked.messages:
        raise ConfigError("messages are missing: expected a list of objects with role and content")
    messages = [_message(one) for one in asked.messages]
    async with service.shelf.using(asked.model, LANGUAGE_MODEL) as opened:
        template = service.chat_template or opened.model.config.chat.template()
    if asked.max_tokens is None:
        asked = dataclasses.replace(asked, max_tokens=asked.max_completion_tokens)
    top = (asked.top_logprobs or 0) if asked.logprobs else None
    stops = [*([template.stop] if template.stop else []), *asked.stops]
    form = ChatForm((), logprobs=asked.logprobs)
    return await _answer(service, Plan(asked, [template.prompt(messages)], stops, top, form))


def _message(value: Any) -> tuple[str, str]:
    """Role and content of a message; its content may be a list of parts of text."""
    if isinstance(value, dict) and str(value.get("role")) in ROLES:
        content = value.get("content")
        if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in content):
            content = "".join(str(part.get("text", "")) for part in content)
        if isinstance(content, str):
            return ROLES[value["role"]], content
    raise ConfigError(f"a message is {value!r:.80}: expected role (user, assistant or system) and content, a text")


async def _answer(service: Service, plan: Plan) -> dict[str, Any] | Response:
    """The whole answer, or one that comes bit by bit."""
    check_chars(list(plan.seeds), service.config.max_chars)
    if plan.num_texts > service.config.max_texts:
        most = service.config.max_texts
        raise ConfigError(f"{plan.num_texts:,} texts are asked for: expected at most {most:,} (serve --max-texts)")
    length = plan.asked.sampling(service.config.max_tokens).length
    if plan.top is not None and plan.num_texts * length * (1 + plan.top) > MOST_FACTS:
        raise ConfigError(f"logprobs of {plan.num_texts:,} texts of {length:,} tokens are too many: ask for fewer")
    stack = contextlib.AsyncExitStack()
    try:
        stack.enter_context(service.places.taken(plan.num_texts))
        opened = await stack.enter_async_context(service.shelf.using(plan.asked.model, LANGUAGE_MODEL))
        job, warnings = await service.quick.run(lambda: _job(plan, opened, service.config.max_tokens))
        if plan.shows_reading:
            await service.pool.run(lambda: _show_reading(plan, job))
        head = dict(id=f"{plan.form.prefix}-{secrets.token_hex(12)}", created=int(time.time()), model=opened.name)
        opened.submit(job)
        if plan.asked.stream:
            parts = _parts(plan, job, {**head, "object": plan.form.chunk}, warnings)
            stack.callback(job.cancel)
            return Events(parts, stack.pop_all())
        written = [Written() for _ in range(plan.num_texts)]
        async with contextlib.aclosing(job.pieces()) as pieces:
            async for index, piece in pieces:
                written[index].add(piece)
        choices = [plan.form.choice(index, one, _reason(one.stop_reason)) for index, one in enumerate(written)]
        head.update(object=plan.form.whole, choices=choices, usage=_usage(job, [one.num_tokens for one in written]))
        return {**head, **({"warnings": warnings} if warnings else {})}
    finally:
        await stack.aclose()


def _job(plan: Plan, opened: Opened, most_tokens: int) -> tuple[Job, list[str]]:
    """What is to be written, and warnings about the prompts."""
    asked, warnings = plan.asked, list[str]()
    if opened.model.config.is_bytes:
        raise ConfigError(f"the model {opened.name} writes bytes, which are no text: use textrnn generate -o FILE")
    how = dict(use=asked.use, condition=asked.condition, guidance=asked.guidance)
    model, choose = asked_model(opened.model, TextConfig(adapt=asked.adapt), **how)  # type: ignore[arg-type]
    random_seed = secrets.randbits(128) if asked.seed is None else asked.seed
    wanted = orders(
        model,
        plan.seeds,
        Wanted(asked.sampling(most_tokens), plan.stops, plan.top),
        random_seed=random_seed,
        count=asked.n,
        choose=choose,
        warn=warnings.append,
    )
    return Job((asked.adapt, *how.values()), model, list(wanted)), warnings


def _show_reading(plan: Plan, job: Job) -> None:
    """Has the texts of a request begin with the tokens of their prompts."""
    for order in job.orders:
        tokens = read_tokens(order, plan.top or 0)
        for text in order.texts:
            plan.form.take_reading(text.index, tokens)


async def _parts(plan: Plan, job: Job, head: dict[str, Any], warnings: list[str]) -> AsyncIterator[bytes]:
    """The events of a stream."""
    counts = [0] * plan.num_texts

    first = {"warnings": warnings} if warnings else {}

    def event(choices: Iterable[Any], **more: Any) -> bytes:
        values = {**head, "choices": list(choices), **first, **more}
        first.clear()
        return b"data: " + as_json(values) + b"\n\n"

    for index in range(plan.num_texts):
        if opening := plan.form.opening(index):
            yield event([opening])
    try:
        async with contextlib.aclosing(job.pieces()) as pieces:
            async for index, piece in pieces:
                counts[index] = piece.num_tokens
                yield event([plan.form.part(index, piece.text, piece.tokens, _reason(piece.stop_reason))])
    except Exception as error:
        yield b"data: " + as_json(error_values(problem_of(error))) + b"\n\n"
        return
    if plan.asked.with_usage:
        yield event([], usage=_usage(job, counts))
    yield b"data: [DONE]\n\n"


def _usage(job: Job, num_tokens: Sequence[int]) -> dict[str, int]:
    read, drawn = sum(len(order.ids) for order in job.orders), sum(num_tokens)
    return dict(prompt_tokens=read, completion_tokens=drawn, total_tokens=read + drawn)
