"""Runs cases until the time is over, and sorts what fails by where it fails."""

from __future__ import annotations

import contextlib
import io
import os
import random
import signal
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from fuzz.files import TARGETS
from fuzz.requests import Requests
from fuzz.runs import EditedRuns
from textrnn.base.errors import TextRNNError

ALL = {"runs": EditedRuns, "requests": Requests, **TARGETS}
NAMES = tuple(ALL)
MOST_S = 5.0  # of CPU time for one case
LONGEST_LINE = 1_000  # characters of a message


@dataclass
class Failure:
    """A kind of failure: its first case, and how many there were."""

    seed: int
    what: str
    error: BaseException
    number: int = 1


class TooSlowError(BaseException):
    """A case that takes longer than a person waits; no `except Exception` takes it for something else."""


def fuzz(
    name: str, folder: Path, *, seed: int, seconds: float, most: int | None = None
) -> tuple[int, dict[str, Failure]]:
    """Runs cases of a target.

    Args:
        name: of the target.
        folder: to write to; it is made.
        seed: of the first case; the next has the next one.
        seconds: after which no further one begins.
        most: cases; None for no limit.

    Returns:
        how many cases were run, and the failures by kind of error and place.
    """
    folder.mkdir()
    make: Any = ALL[name](folder)
    failures, end, count = dict[str, Failure](), time.monotonic() + seconds, 0
    silent = mock.patch("sys.stderr", io.StringIO())  # warnings of what is replaced or guessed are no failures
    with mock.patch.object(os, "fsync", lambda handle: None), silent, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while (most is None or count < most) and (time.monotonic() < end or not count):
            what, run = make(random.Random(seed + count))
            try:
                with _limited():
                    run()
            except TextRNNError as error:
                if not 0 < len(str(error)) < LONGEST_LINE or "\n" in str(error).strip():
                    _note(failures, error, seed + count, what)
            except (Exception, TooSlowError) as error:
                _note(failures, error, seed + count, what)
            count += 1
    return count, failures


def _note(failures: dict[str, Failure], error: BaseException, seed: int, what: str) -> None:
    """Counts a failure with those of its kind at its place in the product."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "textrnn" in frame.filename]
    key = f"{type(error).__name__} at {Path(frames[-1].filename).name}:{frames[-1].name}" if frames else repr(error)
    if key in failures:
        failures[key].number += 1
    else:
        failures[key] = Failure(seed, what, error)


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Within the block a case may take `MOST_S`."""

    def late(number: int, frame: Any) -> None:
        raise TooSlowError(f"more than {MOST_S:g} s")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, MOST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
