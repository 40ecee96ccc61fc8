"""Texts that one model writes side by side, and that come and go between steps (continuous batching)."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from textrnn.language_model.generation import (
    Choose,
    LanguageModel,
    Warn,
    condition_rng,
    opens_blank,
    prepare_prompt,
    prepare_stops,
)
from textrnn.language_model.generation_loop import END, LENGTH, STOP
from textrnn.language_model.random_state import row_rng
from textrnn.language_model.rows import Model, Prompt, PromptReading, Rows
from textrnn.language_model.sample_options import SampleConfig
from textrnn.language_model.sampling import FIRST_ID, Sampler, make_sampler
from textrnn.language_model.stop_sequences import StopScanner

MOST_ROWS = 64  # texts written side by side; more are hardly faster each
READ_TOKENS = 256  # of prompts between two steps, so that a long one holds nobody up
END_TEXT = "<end>"  # how the token that ends a text is shown among others


@dataclass(frozen=True)
class Token:
    """A token that was drawn.

    Attributes:
        text: what it adds to the text; nothing where a character is not complete with it.
        logprob: natural logarithm of its probability, before temperature and filters.
        top: the most likely tokens there, with theirs.
    """

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Piece:
    """What has come to a text since the last piece.

    Attributes:
        text: may be empty in the last one.
        tokens: those that the text is made of, if they were asked for.
        num_tokens: drawn so far, those of a stop text included.
        stop_reason: why the text has ended, see `Continuation`; None while it has not.
    """

    text: str
    tokens: tuple[Token, ...]
    num_tokens: int
    stop_reason: str | None


@dataclass(frozen=True)
class Wanted:
    """How a text is written.

    Attributes:
        config: the settings of sampling; `random_seed` is not looked at.
        stops: texts that end it.
        top: how many of the most likely tokens are given with each token; None to give no tokens.
    """

    config: SampleConfig
    stops: Sequence[str] = ()
    top: int | None = None


class Text:
    """A text that is being written.

    Args:
        model: that writes it.
        rng: gives its draws.
        wanted: how, with stops as `prepare_stops` gives them.
        index: which one it is of those that were asked for together.
        without_blank: whether a blank that it begins with is left out.

    Attributes:
        stop_reason: why it has ended; None while it has not.
        is_cancelled: set it to have the text left alone.
    """

    def __init__(
        self,
        model: Model,
        rng: np.random.Generator,
        wanted: Wanted,
        *,
        index: int = 0,
        without_blank: bool = False,
    ) -> None:
        self.rng, self.config, self.index, self.top = rng, wanted.config, index, wanted.top
        self.stop_reason: str | None = None
        self.is_cancelled = False
        self._tokenizer, self._end_id = model.tokenizer, model.end_id
        self._decoder, self._scanner = model.tokenizer.decoder(), StopScanner(wanted.stops)
        self._without_blank = without_blank
        self._text, self._num_tokens = "", 0  # what is not taken yet, and all that were drawn
        self._tokens = deque[tuple[int, Token]]()  # with where each begins
        self._read_chars = self._given_chars = 0

    def add(self, token: int, logprobs: np.ndarray | None) -> None:
        """Take in a token, and the logarithms of all probabilities it was drawn from, float[vocab], if they count."""
        if token == self._end_id:
            self._finish(END)
            return
        self._num_tokens += 1
        piece = self._decoder.feed(token)
        if logprobs is not None and self.top is not None:
            self._tokens.append((self._read_chars, self._facts(token, piece, logprobs)))
        self._read_chars += len(piece)
        self._text += self._scanner.feed(piece)
        if self._scanner.found:
            self.stop_reason = STOP
        elif self._num_tokens == self.config.length:
            self._finish(LENGTH)

    def _finish(self, reason: str) -> None:
        self._text += self._scanner.feed(self._decoder.finish())
        self._text += self._scanner.finish()
        self.stop_reason = STOP if self._scanner.found else reason

    def _facts(self, token: int, piece: str, logprobs: np.ndarray) -> Token:
        best = np.argsort(-logprobs, kind="stable")[: self.top] if self.top else ()
        top = tuple((self._shown(int(one)), float(logprobs[one])) for one in best)
        return Token(piece, float(logprobs[token]), top)

    def _shown(self, token: int) -> str:
        known = token < self._tokenizer.vocab_size and token != self._end_id
        return self._tokenizer.decode([token]) if known else END_TEXT

    def take(self) -> Piece:
        """What has come since the last call."""
        text, self._text = self._text, ""
        self._given_chars += len(text)
        tokens = list[Token]()
        while self._tokens and (self._tokens[0][0] < self._given_chars or self.stop_reason in (LENGTH, END)):
            tokens.append(self._tokens.popleft()[1])
        if text and self._without_blank:
            text, self._without_blank = text.removeprefix(" "), False
            tokens[:1] = [replace(token, text=token.text.removeprefix(" ")) for token in tokens[:1]]
        return Piece(text, tuple(tokens), self._num_tokens, self.stop_reason)


@dataclass(frozen=True)
class Order:
    """Texts that go on from the same prompt, int32[tokens], in the same condition: that of the model, see `Choose`."""

    model: Model
    ids: np.ndarray
    texts: Sequence[Text]


def orders(
    model: LanguageModel,
    seeds: Iterable[str],
    wanted: Wanted,
    *,
    random_seed: int,
    count: int = 1,
    choose: Choose | None = None,
    warn: Warn = lambda line: None,
) -> Iterator[Order]:
    """What has to be written for `count` texts for each seed: they are those of `generate_texts` with that random seed.

    Args:
        model, seeds, count, choose, warn: see `generate_texts`.
        wanted: how they are written.
        random_seed: of the draws.

    Yields:
        orders; text n of seed m has the index m * count + n.

    Raises:
        ConfigError: a stop text is empty.
    """
    wanted = replace(wanted, stops=prepare_stops(model, wanted.stops))
    choose = choose or (lambda rng: (None, model))
    for number, seed in enumerate(seeds):
        ids, warnings = prepare_prompt(model, seed)
        for line in warnings:
            warn(line)
        blank, found = opens_blank(model, seed), dict[str | None, tuple[Model, list[Text]]]()
        for copy in range(count):
            condition, beginning = choose(condition_rng(random_seed, number, copy))
            rng, index = row_rng(random_seed, number, copy), number * count + copy
            text = Text(model, rng, wanted, index=index, without_blank=blank)
            found.setdefault(condition, (beginning, []))[1].append(text)
        yield from (Order(beginning, ids, texts) for beginning, texts in found.values())


def read_tokens(order: Order, top: int) -> list[Token]:
    """The tokens of a prompt, with the probabilities that they have where they stand.

    Args:
        order: of the prompt.
        top: see `Wanted`.
    """
    reading = PromptReading(order.model, order.ids)
    text = Text(order.model, row_rng(0), Wanted(SampleConfig(length=max(1, len(order.ids))), top=top))
    for token in order.ids.tolist():
        reading.read(1)
        text.add(token, _logprobs(reading.logits)[0])
    return list(text.take().tokens)


class Batch:
    """Texts that a model writes in step; those of orders differ from it at most in the state that texts begin with."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._reading = deque[tuple[PromptReading, Sequence[Text]]]()
        self._ready = deque[tuple[Prompt, Text]]()
        self._rows: Rows | None = None
        self._texts = list[Text]()  # of the rows
        self._samplers: list[tuple[Sampler, list[int]]] = []

    def add(self, order: Order) -> None:
        """Take in texts; they begin as soon as their prompt is read and there is room."""
        self._reading.append((PromptReading(order.model, order.ids), order.texts))

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self._texts or self._reading or self._ready)

    def step(self) -> list[Text]:
        """Read some of the prompts that wait, then write a token of each text; those to which something has come.

        Raises:
            RunError: the model gives no token a probability.
        """
        self._read()
        self._leave()
        self._join()
        if self._rows is None:
            return []
        drawn = self._rows.draw(self._sample).tolist()
        asked = [row for row, text in enumerate(self._texts) if text.top is not None]
        logprobs = dict(zip(asked, _logprobs(self._rows.logits[asked]), strict=True)) if asked else {}
        for row, text in enumerate(self._texts):
            text.add(drawn[row], logprobs.get(row))
        changed = list(self._texts)
        self._leave()
        return changed

    def _read(self) -> None:
        left = READ_TOKENS
        while self._reading and left > 0:
            reading, texts = self._reading[0]
            if not all(text.is_cancelled for text in texts):
                left -= reading.read(left)
                if not reading.is_done:
                    self._reading.rotate(-1)  # the next one goes on at the next step
                    return
                self._ready.extend((reading.prompt(), text) for text in texts)
            self._reading.popleft()

    def _join(self) -> None:
        new = list[tuple[Prompt, Text]]()
        while self._ready and len(self._texts) + len(new) < MOST_ROWS:
            prompt, text = self._ready.popleft()
            if not text.is_cancelled:
                new.append((prompt, text))
        if not new:
            return
        prompts, texts = [prompt for prompt, _ in new], [text for _, text in new]
        rngs = [text.rng for text in texts]
        if self._rows is None:
            self._rows = Rows(self._model, prompts, rngs)
        else:
            self._rows.join(prompts, rngs)
        self._texts += texts
        self._sort()

    def _leave(self) -> None:
        """Lets go of texts that have ended or are wanted no more."""
        kept = [row for row, text in enumerate(self._texts) if text.stop_reason is None and not text.is_cancelled]
        if len(kept) == len(self._texts):
            return
        self._texts = [self._texts[row] for row in kept]
        if kept and self._rows is not None:
            self._rows.keep(kept)
        else:
            self._rows = None
        self._sort()

    def _sort(self) -> None:
        """Which rows are drawn together: those of the same settings."""
        rows = dict[SampleConfig, list[int]]()
        for row, text in enumerate(self._texts):
            rows.setdefault(replace(text.config, length=0, random_seed=None), []).append(row)
        self._samplers = [(make_sampler(config), own) for config, own in rows.items()]

    def _sample(self, logits: np.ndarray, uniforms: np.ndarray, recent: np.ndarray | None) -> np.ndarray:
        if len(self._samplers) == 1:
            return self._samplers[0][0](logits, uniforms, recent)
        ids = np.empty(len(logits), np.int32)
        for sample, rows in self._samplers:
            ids[rows] = sample(logits[rows], uniforms[rows], None if recent is None else recent[rows])
        return ids


def _logprobs(logits: np.ndarray) -> np.ndarray:
    """Logarithms of probabilities, float64[rows, vocab]; reserved ids have none."""
    found = logits.astype(np.float64)
    found[:, :FIRST_ID] = -math.inf
    found -= found.max(axis=1, keepdims=True)
    found -= np.log(np.exp(found).sum(axis=1, keepdims=True))
    return found
