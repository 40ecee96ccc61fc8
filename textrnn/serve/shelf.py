"""Runs that are open: found by name alone, opened when they are asked for, the least used let go."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from textrnn.base.errors import RunError
from textrnn.base.files import RUN_FILE
from textrnn.base.run import list_runs, load, read_run
from textrnn.base.tasks import TASKS
from textrnn.language_model.chat import ChatTemplate
from textrnn.serve.engine import Engine, Job
from textrnn.serve.options import ServeConfig
from textrnn.serve.problems import NOT_FOUND, Problem

T = TypeVar("T")
THREADS = 2  # that classify, score, translate and answer
LANGUAGE_MODEL = "language_model"


class Pool:
    """Threads for work that takes a while; unlike those of the standard library they never hold up the end.

    Args:
        loop: where the requests are.
        most: how much work may wait.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int) -> None:
        self.loop, self._waiting = loop, queue.Queue[tuple[Callable[[], Any], asyncio.Future[Any]]](most)
        for number in range(THREADS):
            threading.Thread(target=self._run, name=f"textrnn work {number}", daemon=True).start()

    async def run(self, work: Callable[[], T]) -> T:
        """What some work gives; if nobody waits for it any more before it begins, it is not done.

        Raises:
            Problem: too much work waits already.
        """
        future: asyncio.Future[T] = self.loop.create_future()
        try:
            self._waiting.put_nowait((work, future))
        except queue.Full:
            raise busy() from None
        return await future

    def _run(self) -> None:
        while True:
            work, future = self._waiting.get()
            if future.cancelled():
                continue
            try:
                result, error = work(), None
            except Exception as found:
                result, error = None, found
            with contextlib.suppress(RuntimeError):  # the server has ended
                self.loop.call_soon_threadsafe(_settle, future, result, error)


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def busy() -> Problem:
    """The answer where too much waits already."""
    return Problem(429, "too many requests wait here already: try again later", "rate_limit_exceeded")


@dataclass(eq=False)
class Opened:
    """A run that is open.

    Attributes:
        path: its folder.
        stamp: of its files; another one where they were written anew.
        model: what `textrnn.load` gives.
        num_bytes: of its files.
        engine: that writes, if it is a language model.
        num_users: requests that use it now.
    """

    path: Path
    stamp: object
    model: Any
    num_bytes: int
    engine: Engine | None
    num_users: int = 0

    @property
    def name(self) -> str:
        """Of the run."""
        return self.path.name

    def submit(self, job: Job) -> None:
        """Begins to write; raises Problem where it is no language model."""
        if self.engine is None:
            raise Problem(400, f"the model {self.name!r:.120} writes no text")
        self.engine.submit(job)

    def close(self) -> None:
        """Ends its thread."""
        if self.engine is not None:
            self.engine.stop()


@dataclass
class Shelf:
    """The runs of a folder, those that are open among them.

    Attributes:
        models_dir: the folder.
        config: how many may be open.
        pool: opens them.
    """

    models_dir: Path
    config: ServeConfig
    pool: Pool
    _open: dict[Path, Opened] = field(default_factory=dict)  # the last used one is the last
    _locks: dict[Path, asyncio.Lock] = field(default_factory=dict)

    def find(self, name: str | None, kind: str | None = None) -> Path:
        """The folder of the run of a name, or the newest one of a kind.

        Names are compared with those that there are, never made into paths.

        Raises:
            Problem: there is none.
        """
        runs = list_runs(self.models_dir)
        for path in runs:
            if name is None:
                with contextlib.suppress(RunError):
                    read_run(path, kind)
                    return path
            elif path.name == name:
                if kind is not None and (found := read_run(path).get("kind")) != kind:
                    raise Problem(400, f"the model {name!r:.120} is a {found}: this is for a {kind}")
                return path
        what = f"no model named {name!r:.120}" if name is not None else f"no {TASKS[str(kind)].noun}"
        raise Problem(404, f"there is {what}: GET /v1/models lists what there is", NOT_FOUND)

    @contextlib.asynccontextmanager
    async def using(self, name: str | None, kind: str) -> AsyncIterator[Opened]:
        """A run that stays open while it is used.

        Raises:
            Problem: there is no such run.
            RunError: it is damaged.
        """
        path = self.find(name, kind)
        async with self._locks.setdefault(path, asyncio.Lock()):
            opened = self._open.pop(path, None)
            if opened is not None and opened.stamp != stamp_of(path):
                self._retire(opened)
                opened = None
            if opened is None:
                opened = await self.pool.run(lambda: self._opened(path, kind))
            self._open[path] = opened
        opened.num_users += 1
        try:
            self._let_go()
            yield opened
        finally:
            opened.num_users -= 1
            if self._open.get(path) is not opened and not opened.num_users:
                opened.close()

    def _opened(self, path: Path, kind: str) -> Opened:
        stamp, model = stamp_of(path), load(path)
        num_bytes = sum(file.stat().st_size for file in path.iterdir() if file.is_file())
        engine = Engine(path.name, self.pool.loop) if kind == LANGUAGE_MODEL else None
        return Opened(path, stamp, model, num_bytes, engine)

    def _let_go(self) -> None:
        """Closes the least used runs above the limits, as far as nobody uses them."""
        for opened in list(self._open.values()):
            total = sum(one.num_bytes for one in self._open.values())
            if len(self._open) <= self.config.max_models and total <= self.config.max_memory * 1e6:
                return
            if not opened.num_users:
                self._retire(self._open.pop(opened.path))

    def _retire(self, opened: Opened) -> None:
        if not opened.num_users:
            opened.close()

    def forget(self, path: Path) -> None:
        """Closes a run that is deleted; whoever uses it goes on to the end."""
        if opened := self._open.pop(path, None):
            self._retire(opened)

    def stop(self) -> None:
        """Ends all that is being written."""
        for opened in self._open.values():
            opened.close()


def stamp_of(path: Path) -> object:
    """What changes when a run is written anew.

    Raises:
        Problem: it is gone.
    """
    try:
        found = (path / RUN_FILE).stat()
    except OSError:
        raise Problem(404, f"the model {path.name!r:.120} is gone", NOT_FOUND) from None
    return found.st_mtime_ns, found.st_ino


class Places:
    """How much is worked on at a time.

    Args:
        most: texts and other requests.
    """

    def __init__(self, most: int) -> None:
        self._left = most

    @contextlib.contextmanager
    def taken(self, number: int) -> Any:
        """Holds some places.

        Raises:
            Problem: there are not so many.
        """
        if number > self._left:
            raise busy()
        self._left -= number
        try:
            yield
        finally:
            self._left += number


@dataclass
class Service:
    """What all requests share.

    Attributes:
        config: the limits.
        shelf: the runs.
        pool: does what takes a while.
        quick: does what takes little, and opens runs: it never waits for the other.
        places: for work.
        chat_template: for all runs, in place of their own.
    """

    config: ServeConfig
    shelf: Shelf
    pool: Pool
    quick: Pool
    places: Places
    chat_template: ChatTemplate | None = None


def new_service(models_dir: Path, config: ServeConfig, chat_template: ChatTemplate | None = None) -> Service:
    """A service in the loop that is running."""
    pool, quick = (Pool(asyncio.get_running_loop(), config.max_queue) for _ in range(2))
    return Service(config, Shelf(models_dir, config, quick), pool, quick, Places(config.max_queue), chat_template)
