"""The thread that writes for all requests of a run, step by step, and what a request has of it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Hashable, Sequence
from dataclasses import dataclass, field

from textrnn.language_model.continuous import Batch, Order, Piece, Text
from textrnn.language_model.rows import Model
from textrnn.serve.problems import SERVER, Problem

FLUSH_S, FLUSH_TEXT_S = 0.03, 0.002  # how long pieces are held back, and for each text: sending one costs 0.2 ms
Told = tuple[int, Piece] | Exception  # the number of a text and what has come to it


@dataclass(eq=False)
class Job:
    """Texts that were asked for together.

    Attributes:
        key: texts of the same key are written side by side.
        model: takes the steps for that key.
        orders: what is to be written.
        told: what comes.
    """

    key: Hashable
    model: Model
    orders: Sequence[Order]
    told: asyncio.Queue[Told] = field(default_factory=asyncio.Queue)

    @property
    def texts(self) -> list[Text]:
        """All of them."""
        return [text for order in self.orders for text in order.texts]

    async def pieces(self) -> AsyncGenerator[tuple[int, Piece], None]:
        """What comes, until all texts have ended; who stops listening cancels the rest."""
        left = len(self.texts)
        try:
            while left:
                told = await self.told.get()
                if isinstance(told, Exception):
                    raise told
                left -= told[1].stop_reason is not None
                yield told
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Leaves alone what has not ended yet."""
        for text in self.texts:
            text.is_cancelled = True


class Engine:
    """A thread that writes texts for one run; requests come and go between two steps.

    Args:
        name: of the thread.
        loop: where the requests are.
    """

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._lock = loop, threading.Condition()
        self._new, self._stopped = list[Job](), False
        self._batches = dict[Hashable, Batch]()
        self._jobs = dict[Text, Job]()
        self._fresh = set[Text]()  # of which nothing was told yet
        self._flushed = 0.0
        threading.Thread(target=self._run, name=f"textrnn {name}", daemon=True).start()

    def submit(self, job: Job) -> None:
        """Takes in a job."""
        with self._lock:
            self._new.append(job)
            self._lock.notify()

    def stop(self) -> None:
        """Ends all jobs and the thread."""
        with self._lock:
            self._stopped = True
            self._lock.notify()

    def _run(self) -> None:
        while True:
            with self._lock:
                while not (self._new or self._batches or self._stopped):
                    self._lock.wait()
                new, self._new = self._new, []
            for job in new:
                self._begin(job)
            if self._stopped:
                self._tell([(job, Problem(503, "the server is ending", SERVER)) for job in {*self._jobs.values()}])
                return
            self._step()

    def _begin(self, job: Job) -> None:
        batch = self._batches.setdefault(job.key, Batch(job.model))
        for order in job.orders:
            batch.add(order)
        for text in job.texts:
            self._jobs[text] = job
            self._fresh.add(text)

    def _step(self) -> None:
        """One step of each batch."""
        is_due = time.monotonic() - self._flushed >= FLUSH_S + FLUSH_TEXT_S * len(self._jobs)
        told = list[tuple[Job, Told]]()
        for key, batch in list(self._batches.items()):
            try:
                changed = batch.step()
            except Exception as error:  # of the model: all that it writes has to hear of it
                del self._batches[key]
                jobs = {job for job in self._jobs.values() if job.key == key}
                told += [(job, error) for job in jobs]
                self._forget([text for job in jobs for text in job.texts])
                continue
            told += self._pieces(changed, is_due=is_due)
            if batch.is_idle:
                del self._batches[key]
        if is_due or not self._batches:
            self._flushed = time.monotonic()
            self._forget([text for text in self._jobs if text.is_cancelled])
        self._tell(told)

    def _pieces(self, texts: Sequence[Text], *, is_due: bool) -> list[tuple[Job, Told]]:
        found = list[tuple[Job, Told]]()
        for text in texts:
            if is_due or text.stop_reason is not None or text in self._fresh:
                piece = text.take()
                job = self._jobs.get(text)
                if job is not None and (piece.text or piece.tokens or piece.stop_reason is not None):
                    self._fresh.discard(text)
                    found.append((job, (text.index, piece)))
                if piece.stop_reason is not None:
                    self._forget([text])
        return found

    def _forget(self, texts: Sequence[Text]) -> None:
        for text in texts:
            self._jobs.pop(text, None)
            self._fresh.discard(text)

    def _tell(self, told: Sequence[tuple[Job, Told]]) -> None:
        """Tells all at once: waking the other thread costs more than a step."""
        if told:
            with contextlib.suppress(RuntimeError):  # the server has ended
                self._loop.call_soon_threadsafe(_put, told)


def _put(told: Sequence[tuple[Job, Told]]) -> None:
    for job, each in told:
        job.told.put_nowait(each)
