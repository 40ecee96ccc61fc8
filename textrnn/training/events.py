"""What happens in a training, for those that watch it; and as lines of JSON, for programs."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from textrnn.base.errors import ConfigError, warn

if TYPE_CHECKING:
    from textrnn.training.trainer import Event


@dataclass(frozen=True)
class Sample:
    """The model has written a text at a check."""

    step: int
    text: str


@dataclass(frozen=True)
class Weights:
    """A network at a check: what gives its arrays by name, if it is called before the next step."""

    step: int
    read: Callable[[], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Gates:
    """A network at a check: what gives how far its gates are open in some text, by name."""

    step: int
    read: Callable[[], Mapping[str, np.ndarray]]


Told = Union["Event", Sample, Weights, Gates]
Tell = Callable[[Told], None]


def together(*listeners: Tell) -> Tell:
    """What takes events and hands each to several."""

    def tell(event: Told) -> None:
        for listener in listeners:
            listener(event)

    return tell


def event_line(event: Event | Sample) -> str:
    """An event as a JSON object: `event`, its name such as `step` or `went_back`, `time`, and its values.

    Numbers that are not finite are null.

    Example:
        >>> from textrnn.training.trainer import Saved
        >>> sorted(json.loads(event_line(Saved(step=3))))
        ['event', 'step', 'time']
    """
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
    values = {"event": name, "time": round(time.time(), 3), **dataclasses.asdict(event)}
    return json.dumps(_finite(values), ensure_ascii=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextlib.contextmanager
def event_lines(target: str | None) -> Iterator[Tell]:
    """What takes events and writes each as a line, at once.

    When that fails later on, a warning says so and the training goes on without it.

    Args:
        target: a file, which lines are added to; `-` for standard output; None to write nothing.

    Raises:
        ConfigError: the file cannot be opened.
    """
    if target is None:
        yield lambda event: None
        return
    with contextlib.ExitStack() as stack:
        try:  # unbuffered, so that nothing is left to fail when it is closed
            file = None if target == "-" else stack.enter_context(open(target, "ab", buffering=0))
        except OSError as error:
            raise ConfigError(f"--events is {target!r:.120}, which cannot be written: {error.strerror}") from None
        works = True

        def tell(event: Told) -> None:
            nonlocal works
            if not works or isinstance(event, Weights | Gates):
                return
            try:
                if file is None:
                    print(event_line(event), flush=True)
                else:
                    file.write(f"{event_line(event)}\n".encode())
            except OSError as error:
                works = False
                warn(f"events are no longer written to {target}: {error.strerror or error}; training goes on")

        yield tell
