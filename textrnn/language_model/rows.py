"""Texts that are written in step: the model's state, each one's draws and last tokens; they may come and go."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from textrnn.language_model.ahead import ahead_of
from textrnn.language_model.random_state import RowDraws
from textrnn.language_model.sample_options import SampleConfig
from textrnn.language_model.sampling import Sampler, make_sampler
from textrnn.nn.litert import MOST_STEPS, RECENT_TOKENS
from textrnn.nn.numpy.network import State
from textrnn.text.tokens.load import PADDING_ID, Tokenizer


class Model(Protocol):
    """What writing needs of a language model."""

    @property
    def tokenizer(self) -> Tokenizer:
        """Between text and ids."""

    @property
    def start_id(self) -> int:
        """The token that a text begins after."""

    @property
    def end_id(self) -> int | None:
        """The token that ends a text, if there is one."""

    def initial_state(self, rows: int) -> State:
        """The state before a text; arrays [features, rows], never changed in place.

        An array may become longer with the text: zeros before its beginning are as good as nothing.
        """

    def step(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """Reads one token a row, int32[rows]: logits float32[rows, vocab] of the next, and the state after."""

    def read(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """Reads int32[steps] into a state of one row: logits float32[1, vocab] after the last, and the state."""


@dataclass(frozen=True)
class Prompt:
    """What a text goes on from: a prompt that the model has read. It can be gone on from any number of times.

    Attributes:
        logits: float32[1, vocab] of the first token to write.
        state: of one row.
        recent: int32[1, RECENT_TOKENS], the prompt's last tokens behind padding.
    """

    logits: np.ndarray
    state: State
    recent: np.ndarray


def read_prompt(model: Model, ids: np.ndarray) -> Prompt:
    """Let a model read the token that a text begins after, and then a prompt.

    Args:
        model: the language model.
        ids: int32[tokens], the prompt, perhaps empty.

    Returns:
        Where a text can go on from; see `textrnn.language_model.generation_loop.write` for an example.
    """
    reading = PromptReading(model, ids)
    reading.read(1 + len(ids))
    return reading.prompt()


class PromptReading:
    """A prompt that is read part by part, while other texts are written.

    Args:
        model: the language model.
        ids: int32[tokens], the prompt, perhaps empty.
    """

    def __init__(self, model: Model, ids: np.ndarray) -> None:
        self._model, self._recent = model, ids[-RECENT_TOKENS:]
        self._left = np.concatenate([[model.start_id], ids]).astype(np.int32)
        self._logits = np.zeros((1, 0), np.float32)
        self._state = model.initial_state(1)

    def read(self, most: int) -> int:
        """Reads at most so many tokens; how many were read, 0 at the end of the prompt."""
        part, self._left = self._left[:most], self._left[most:]
        if len(part):
            self._logits, self._state = self._model.read(part, self._state)
        return len(part)

    @property
    def logits(self) -> np.ndarray:
        """Logits of what comes next, float32[1, vocab], once something is read."""
        return self._logits

    @property
    def is_done(self) -> bool:
        """Whether all is read."""
        return not len(self._left)

    def prompt(self) -> Prompt:
        """The prompt, once it is read."""
        recent = np.full((1, RECENT_TOKENS), PADDING_ID, np.int32)
        recent[0, RECENT_TOKENS - len(self._recent) :] = self._recent
        return Prompt(self._logits, self._state, recent)


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays of the states of texts side by side; those that are longer for a longer text begin with zeros."""
    height = max(map(len, arrays))
    own = [np.pad(array, ((height - len(array), 0), (0, 0))) if len(array) < height else array for array in arrays]
    return np.concatenate(own, axis=1)


class Rows:
    """Texts that are written in step.

    Args:
        model: the language model.
        prompts: what each goes on from; at least one.
        rngs: gives the draws of each.

    Attributes:
        logits: float32[rows, vocab] that the last tokens were drawn from.
    """

    def __init__(self, model: Model, prompts: Sequence[Prompt], rngs: Sequence[np.random.Generator]) -> None:
        self._model, self._draws = model, RowDraws(rngs)
        self.logits = np.concatenate([prompt.logits for prompt in prompts])
        self._state = [_joined(arrays) for arrays in zip(*(prompt.state for prompt in prompts), strict=True)]
        self._recent = np.concatenate([prompt.recent for prompt in prompts])
        self._ids: np.ndarray | None = None  # drawn, and not yet read by the model
        self._turn = 0  # column of `_recent` that is the oldest

    def draw(self, sample: Sampler) -> np.ndarray:
        """The next token of each row, int32[rows]; `logits` are then those that it was drawn from."""
        self._advance()
        self._ids = sample(self.logits, self._draws.next(), self._recent)
        self._recent[:, self._turn] = self._ids
        self._turn = (self._turn + 1) % RECENT_TOKENS
        return self._ids

    def _advance(self) -> None:
        """Lets the model read what was drawn; only when it is needed, as nobody needs logits after the last token."""
        if self._ids is not None:
            self.logits, self._state = self._model.step(self._ids, self._state)
            self._ids = None

    def tokens(self, config: SampleConfig) -> Generator[int, None, None]:
        """Writes the only row on: its tokens, as many as `config.length`.

        A network that draws several tokens at once is asked for some ahead. If the iterator is closed before they are
        taken, those that were not are forgotten.
        """
        sample, left = make_sampler(config), config.length
        ahead = ahead_of(self._model, config)
        while left > 0:
            if ahead is None or self._ids is None:
                left -= 1
                yield self.draw(sample).item()
                continue
            uniforms = self._draws.ahead(min(left, MOST_STEPS))
            before, recent = (self._ids, self._state), np.roll(self._recent[0], -self._turn)
            drawn, self._state = ahead(*before, uniforms, recent)
            left, taken = left - len(drawn), 0
            try:
                for token in drawn.tolist():
                    taken += 1
                    yield token
            finally:
                self._take(drawn[:taken])
                if taken < len(drawn):
                    self._state = self._again(*before, drawn[: taken - 1])

    def _take(self, drawn: np.ndarray) -> None:
        """Goes on behind tokens of the only row that were drawn ahead, int32[tokens]."""
        self._draws.skip(len(drawn))
        self._ids = drawn[-1:]
        self._recent[0, (self._turn + np.arange(len(drawn))) % RECENT_TOKENS] = drawn
        self._turn = (self._turn + len(drawn)) % RECENT_TOKENS

    def _again(self, ids: np.ndarray, state: State, drawn: np.ndarray) -> State:
        """The state of the only row once it has read a token and others after it."""
        for token in (ids, *drawn[:, None]):
            _, state = self._model.step(token, state)
        return state

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only; call it after `draw`."""
        self._draws.keep(rows)
        self._state = [np.ascontiguousarray(array[:, rows]) for array in self._state]
        self._recent = self._recent[rows]
        self._ids = self._ids[rows] if self._ids is not None else None

    def join(self, prompts: Sequence[Prompt], rngs: Sequence[np.random.Generator]) -> None:
        """Take in further rows, behind those that there are: each draws what it would draw from the beginning."""
        self._advance()
        new = Rows(self._model, prompts, rngs)
        self.logits = np.concatenate([self.logits, new.logits])
        self._state = [_joined(pair) for pair in zip(self._state, new._state, strict=True)]
        self._recent = np.concatenate([self._recent, np.roll(new._recent, self._turn, axis=1)])
        self._draws.join(rngs)
