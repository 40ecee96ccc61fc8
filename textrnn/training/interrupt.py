"""Ctrl-C and SIGTERM: the first asks training to stop after its step, the second stops at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def _handled_by(handle: Callable[[int, Any], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # signals belong to the main thread
        yield
        return
    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def certain_interrupts() -> Iterator[None]:
    """Within the block a signal raises KeyboardInterrupt, at the end of the block at the latest.

    Python drops an exception that comes up while a library runs a callback or guards an import against any
    failure; while TensorFlow loads, that is several per cent of the time.
    """
    seen = threading.Event()

    def handle(number: int, frame: Any) -> None:
        seen.set()
        raise KeyboardInterrupt

    with _handled_by(handle):
        try:
            yield
        except Exception:
            if seen.is_set():  # whatever failed did so because it was interrupted
                raise KeyboardInterrupt from None
            raise
        if seen.is_set():
            raise KeyboardInterrupt


@contextlib.contextmanager
def polite_interrupts(on_first: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Within the block the first signal only calls `on_first`; the second raises KeyboardInterrupt.

    Yields:
        a function that tells whether there was one.
    """
    asked, woken = threading.Event(), threading.Event()

    def handle(number: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        woken.set()

    def tell() -> None:
        woken.wait()
        if asked.is_set():
            on_first()

    # In a thread: a signal may come while a line is being written, and within that no other one can be.
    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        with _handled_by(handle):
            yield asked.is_set
    finally:
        woken.set()
        teller.join()
