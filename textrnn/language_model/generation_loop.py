"""The loop that writes text: draw a token, let the model read it, and so on until something ends it."""

from __future__ import annotations

import contextlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from textrnn.language_model.rows import Model, Prompt, Rows, read_prompt
from textrnn.language_model.sample_options import SampleConfig
from textrnn.language_model.sampling import make_sampler, surprise_bits
from textrnn.language_model.stop_sequences import StopScanner
from textrnn.text.tokens.load import Tokenizer

LENGTH, STOP, END = "length", "stop", "end"  # why a text ends


@dataclass(frozen=True)
class Continuation:
    """A finished text.

    Attributes:
        text: what was written, without the prompt and without a stop text.
        num_tokens: tokens drawn, those of a stop text included.
        stop_reason: `length`, `stop` (a stop text was written) or `end` (the model ended the text).
        bits_per_char: how surprising the text was to the model, see `surprise_bits`: the mean over its characters;
            None if it has none, or if it was not asked for.
    """

    text: str
    num_tokens: int
    stop_reason: str
    bits_per_char: float | None = None


class Stream:
    """One text that is written piece by piece, in constant memory, and that can be gone on with.

    Args:
        model: the language model.
        prompt_ids: int32[tokens], what the text goes on from, perhaps empty.
        rng: gives the draws.

    Attributes:
        stop_reason: why the last `write` ended, see `Continuation`.
        num_tokens: tokens written so far.

    Example:
        >>> from types import SimpleNamespace
        >>> from textrnn.language_model.random_state import row_rng
        >>> from textrnn.text.tokens.char import ByteTokenizer
        >>> logits = np.eye(258)  # of a model after whose bytes comes the next higher byte
        >>> model = SimpleNamespace(tokenizer=ByteTokenizer(), start_id=12, end_id=None,
        ...                         initial_state=lambda rows: [],
        ...                         read=lambda ids, state: (logits[ids[-1:] + 1], state),
        ...                         step=lambda ids, state: (logits[ids + 1], state))
        >>> stream = Stream(model, model.tokenizer.encode("a"), row_rng(0))
        >>> list(stream.write(SampleConfig(length=3, temperature=0)))
        ['b', 'c', 'd']
        >>> list(stream.write(SampleConfig(temperature=0), stops=["gh"])), stream.stop_reason
        (['e', 'f'], 'stop')
    """

    def __init__(self, model: Model, prompt_ids: np.ndarray, rng: np.random.Generator) -> None:
        self._rows = Rows(model, [read_prompt(model, prompt_ids)], [rng])
        self._tokenizer = model.tokenizer
        self._decoder = model.tokenizer.decoder()
        self._end_id = model.end_id
        self.stop_reason = LENGTH
        self.num_tokens = 0

    def write(self, config: SampleConfig, *, stops: Sequence[str] = (), flush: bool = True) -> Iterator[str]:
        """Write on.

        Args:
            config: the settings; `length` counts from here, `random_seed` is not looked at.
            stops: texts that end the writing and are left out.
            flush: at the end, give bytes that are no whole character as U+FFFD. Without it they stay where they are,
                and the next `write` completes the character.

        Yields:
            Pieces of text, none empty, each as soon as it cannot be part of a stop text.

        Raises:
            ConfigError: a stop text is empty.
            RunError: the model gives no token a probability.
        """
        decode, scanner = self._decoder.feed, StopScanner(stops)
        self.stop_reason = LENGTH
        with contextlib.closing(self._rows.tokens(config)) as tokens:
            for token in tokens:
                if token == self._end_id:
                    self.stop_reason = END
                    break
                self.num_tokens += 1
                piece = decode(token)
                if stops:
                    piece = scanner.feed(piece)
                if piece:
                    yield piece
                if scanner.found:
                    self.stop_reason = STOP
                    return
        rest = ""
        if flush:
            rest, self._decoder = scanner.feed(self._decoder.finish()), self._tokenizer.decoder()
        if scanner.found:
            self.stop_reason = STOP
        if rest := rest + scanner.finish():
            yield rest


def write(
    model: Model,
    prompts: Sequence[Prompt],
    rngs: Sequence[np.random.Generator],
    config: SampleConfig,
    *,
    stops: Sequence[str] = (),
    measure: bool = False,
) -> list[Continuation]:
    """Write texts side by side; each is what it would be alone, up to the rounding of the model's matrix products.

    Args:
        model: the language model.
        prompts: what each text goes on from, see `read_prompt`; a few dozen at a time are fastest.
        rngs: one generator a text, which gives its draws.
        config: the settings; `random_seed` is not looked at.
        stops: texts that end a text and are left out.
        measure: also find out how surprising the texts are to the model, for some 10 to 20 microseconds a step.

    Returns:
        One for each prompt, in their order.

    Raises:
        ConfigError: a stop text is empty.
        RunError: the model gives no token a probability.

    Example:
        >>> from types import SimpleNamespace
        >>> from textrnn.language_model.random_state import row_rng
        >>> from textrnn.language_model.rows import read_prompt
        >>> from textrnn.text.tokens.char import ByteTokenizer
        >>> logits = np.eye(258)  # of a model after whose bytes comes the next higher byte
        >>> model = SimpleNamespace(tokenizer=ByteTokenizer(), start_id=12, end_id=None,
        ...                         initial_state=lambda rows: [],
        ...                         read=lambda ids, state: (logits[ids[-1:] + 1], state),
        ...                         step=lambda ids, state: (logits[ids + 1], state))
        >>> prompts = [read_prompt(model, model.tokenizer.encode(text)) for text in ("a", "x")]
        >>> write(model, prompts, [row_rng(0, 0), row_rng(0, 1)], SampleConfig(length=2, temperature=0))[1]
        Continuation(text='yz', num_tokens=2, stop_reason='length', bits_per_char=None)
    """
    if not prompts:
        return []
    texts = [_Text(model.tokenizer, stops, model.end_id) for _ in prompts]
    rows, sample = Rows(model, prompts, rngs), make_sampler(config)
    columns = list(enumerate(texts))  # which column of the batch is which unfinished text
    bits = [0.0] * len(texts)
    for _ in range(config.length):
        drawn = rows.draw(sample)
        if measure:
            bits = surprise_bits(rows.logits, drawn).tolist()
        tokens = drawn.tolist()
        if any([text.add(tokens[column], bits[column]) for column, text in columns]):
            columns = [(column, text) for column, text in columns if text.stop_reason == LENGTH]
            if not columns:
                break
            # A finished text costs its share of each step, leaving it out a copy of all states: do so by halves.
            if len(columns) <= len(tokens) // 2:
                rows.keep([column for column, _ in columns])
                columns = [(column, text) for column, (_, text) in enumerate(columns)]
    return [text.finish(measure=measure) for text in texts]


class _Text:
    """What one text of a batch has come to. It is decoded at its end, unless a stop text has to be looked for."""

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str], end_id: int | None) -> None:
        self._tokenizer, self._end_id = tokenizer, end_id
        self._decoder, self._scanner = tokenizer.decoder(), StopScanner(stops)
        self._scans = bool(stops)
        self._pieces: list[str] = []
        self._num_chars = 0  # decoded so far, those held back included
        # Numbers as in C take a fifth of the memory of those in lists, and texts may have millions.
        self._tokens, self._bits, self._begins = array("i"), array("d"), array("q")
        self.stop_reason = LENGTH

    def add(self, token: int, bits: float) -> bool:
        """Take in one token and how surprising it was; tells whether the text is finished."""
        if token == self._end_id:
            self.stop_reason = END
            return True
        self._tokens.append(token)
        self._bits.append(bits)
        if not self._scans:
            return False
        self._begins.append(self._num_chars)
        self._take(self._decoder.feed(token))
        return self._scanner.found

    def _take(self, piece: str) -> None:
        self._num_chars += len(piece)
        self._pieces.append(self._scanner.feed(piece))
        if self._scanner.found:
            self.stop_reason = STOP

    def finish(self, *, measure: bool) -> Continuation:
        """The finished text."""
        if not self._scans:
            text, num_tokens = self._tokenizer.decode(np.array(self._tokens, np.int32)), len(self._tokens)
        else:
            if not self._scanner.found:
                self._take(self._decoder.finish())
            text = "".join(self._pieces) + self._scanner.finish()
            num_tokens = bisect_left(self._begins, len(text))  # those of the stop text are not the text's own
        bits_per_char = sum(self._bits[:num_tokens]) / len(text) if measure and text else None
        return Continuation(text, len(self._tokens), self.stop_reason, bits_per_char)
