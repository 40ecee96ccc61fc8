"""The conversation of `textrnn generate --interactive`."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from textrnn.base.config import flag_of, nearest
from textrnn.base.errors import ConfigError
from textrnn.base.escapes import HELP, unescape
from textrnn.language_model.generate import format_stream
from textrnn.language_model.generation import (
    LanguageModel,
    closed,
    opens_blank,
    prepare_prompt,
    prepare_stops,
    random_seed,
)
from textrnn.language_model.generation_loop import END, Stream
from textrnn.language_model.random_state import row_rng
from textrnn.language_model.sample_options import SampleConfig

WORDS_FOR_COMMANDS = ("exit", "quit", "help")  # that people type to a program


class Session:
    """The conversation of --interactive: lines in, text out.

    Args:
        model: the language model.
        config: the settings to begin with.
        stops: the stop texts to begin with.
        seed: a text to write on from before anything is asked.

    Raises:
        ConfigError: a stop text is empty.
    """

    def __init__(self, model: LanguageModel, config: SampleConfig, stops: Sequence[str] = (), seed: str = "") -> None:
        self._model, self._config, self._stops, self._seed = model, config, tuple(stops), seed
        prepare_stops(model, stops)
        self._stream: Stream | None = None
        self._fields = {flag_of(item).replace("--", "/", 1): item for item in dataclasses.fields(SampleConfig)}

    def run(self, lines: Iterable[str]) -> Iterator[str]:
        """Answer each line: a seed, a command, or an empty line, which goes on with the last text.

        Args:
            lines: with or without line ends.

        Yields:
            Pieces of the answers, as they come; each answer ends with a line end.

        Raises:
            RunError: the model gives no token a probability.
        """
        if self._seed:
            yield from self._write(self._seed)
        for line in lines:
            line = line.rstrip("\r\n")
            if line.startswith("/") and not line.startswith("//"):
                command, _, value = line.partition(" ")
                if command == "/quit":
                    return
                yield from (answer + "\n" for answer in self._obey(command, value))
            elif line.strip().lower() in WORDS_FOR_COMMANDS:
                yield f"(/quit ends, /help says more; a text that begins so: //{line.strip()})\n"
            else:
                yield from self._write(unescape(line.removeprefix("/")))

    def _write(self, seed: str) -> Iterator[str]:
        if seed or self._stream is None or self._stream.stop_reason == END:
            ids, warnings = prepare_prompt(self._model, seed)
            yield from (f"({warning})\n" for warning in warnings)
            self._stream = Stream(self._model, ids, row_rng(random_seed(self._config), 0, 0))
        stops = prepare_stops(self._model, self._stops)
        pieces = self._stream.write(self._config, stops=stops, flush=False)
        begins = bool(seed) or not self._stream.num_tokens
        yield from format_stream(seed, closed(pieces) if begins and opens_blank(self._model, seed) else pieces)

    def _obey(self, command: str, value: str) -> Iterator[str]:
        """The lines that answer a command."""
        if command == "/help":
            yield from self._help()
        elif command == "/settings":
            yield from (self._setting(name) for name in [*self._fields, "/stop"])
        elif command == "/stop":
            self._stops = (unescape(value),) if value else ()
            yield self._setting(command)
        elif item := self._fields.get(command):
            if value.strip():
                try:
                    self._config = dataclasses.replace(self._config, **{item.name: _parse(value)})
                except ConfigError as error:
                    yield str(error)
                    return
            yield self._setting(command)
        else:
            names = [*self._fields, "/stop", "/settings", "/help", "/quit"]
            near = nearest(command, names)
            meant = f"did you mean {near}? " if near else ""
            yield f"there is no command {command}: {meant}/help lists them, and a seed that begins with / is written //"

    def _setting(self, command: str) -> str:
        if command == "/stop":
            return f"/stop {' '.join(map(repr, self._stops)) or 'none'}"
        value = getattr(self._config, self._fields[command].name)
        return f"{command} {'none' if value is None else value}"

    def _help(self) -> Iterator[str]:
        """What there is to say."""
        texts = {
            "TEXT": "Write on from this text; // stands for a / at its beginning.",
            "": f"In it and behind /stop, {HELP}.",
            "(an empty line)": "Go on with the last text.",
        }
        texts.update({f"{name} VALUE": item.metadata["help"] for name, item in self._fields.items()})
        texts.update(
            {
                "/stop TEXT": "End before this text; without TEXT, end nowhere.",
                "/settings": "Show the settings.",
                "/help": "Show this.",
                "/quit": "End.",
            }
        )
        width = max(map(len, texts))
        yield from (f"{name:{width}}  {text}" for name, text in texts.items())


def _parse(value: str) -> Any:
    """A value of a setting; what is no number is left to the check of the settings to complain about."""
    value = value.strip()
    if value == "none":
        return None
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(value)
    return value
