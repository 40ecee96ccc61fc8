"""One training of a run from its first save to its last: its budget, its interrupts, and how it ends."""

from __future__ import annotations

import contextlib
import math
import shlex
import time
from collections.abc import Iterator

from textrnn.base.errors import ConfigError
from textrnn.base.machine import num_cores
from textrnn.base.run import models_dir_flag
from textrnn.training.checkpoint import Progress
from textrnn.training.display import Display, duration, shown
from textrnn.training.interrupt import polite_interrupts
from textrnn.training.options import StopConfig
from textrnn.training.prepared import Prepared
from textrnn.training.schedule import Budget
from textrnn.training.store import RunStore
from textrnn.training.trainer import NotFiniteError, Step, Trainer
from textrnn.training.workers import Workers

SHOWN_EVERY_S = 0.25


def plan_budget(
    prepared: Prepared,
    config: StopConfig,
    progress: Progress,
    *,
    num_batches: int,
    left_s: float,
    workers: Workers | None = None,
) -> Budget:
    """The budget of a training; stores a new one in `progress`, and resets its `worse_checks` if patience had run out.

    Args:
        prepared: tells whether a budget was given now.
        config: how long to train.
        progress: how far training is.
        num_batches: batches of an epoch.
        left_s: what is left of the command's time for learning, in seconds, if there is a limit.
        workers: all processes that learn together; the chief's clock counts.

    Raises:
        ConfigError: the budget is used up.
    """
    workers = workers or Workers()
    if prepared.new_budget:
        limit_s = None if config.time_s is None else progress.seconds + left_s
        total = None if config.epochs is None else max(1, math.ceil(config.epochs * num_batches))
        progress.limit_s, progress.total_steps = workers.share({"plan": (limit_s, total)}, {})[0]["plan"]
    budget = Budget(progress.total_steps, progress.limit_s, used_s=progress.seconds, now=workers.now)
    # A run that was killed just before its end has used up its budget too, but has still to be finished.
    is_used_up = bool(progress.step) and budget.progress(progress.step) >= 1
    if is_used_up and prepared.new_budget and config.time_s is not None and left_s <= budget.reserve_s:
        raise ConfigError(
            f"--time is {config.time_s:g} s, which leaves none to learn: what comes before and behind takes about "
            f"{config.time_s - left_s + budget.reserve_s:.0f} s"
        )
    if is_used_up if prepared.new_budget else prepared.details["status"] == "finished":
        raise ConfigError(
            f"{prepared.path} has used up its budget: give a new --time, or more --epochs than "
            f"{progress.step / num_batches:.3g}"
        )
    if prepared.new_budget and config.patience and progress.worse_checks >= config.patience:
        progress.worse_checks = 0
    return budget


def default_shards() -> int:
    """Shards of a batch: one for each core, or one for a GPU."""
    import tensorflow as tf

    return 1 if tf.config.list_physical_devices("GPU") else num_cores()


@contextlib.contextmanager
def learning(trainer: Trainer, store: RunStore, display: Display, *, command: str, title: str | None) -> Iterator[None]:
    """A training within the block: saved before and after it, with the first Ctrl-C stopping after a step.

    Args:
        trainer: runs within the block; the way its last run ended decides about the status of the run.
        store: of the run.
        display: shows the live line, and where the run is when it is stopped at once.
        command: of `textrnn`, that goes on with such a run.
        title: of the picture of the curves; None for no picture.

    Raises:
        NotFiniteError: training has blown up; what was saved before is kept.
        RunError: the run cannot be written.
    """
    workers, path = trainer.workers, store.path
    store.begin(trainer.progress, trainer.state)
    resumed = f"textrnn {command} --resume {shlex.quote(path.name)}{models_dir_flag(path)}"
    workers.note(f"what was saved last is in {path}: go on with {resumed}")
    workers.tick()
    tell = "stopping after this step and saving; once more Ctrl-C stops at once"
    with polite_interrupts(lambda: display.warn(tell)) as interrupted:
        workers.listen(interrupted)
        try:
            with shown(display, "learning", path):
                yield
        except NotFiniteError as error:
            store.mark("failed")
            raise NotFiniteError(f"{error}; the last good weights are in {path}") from None
        status = "interrupted" if trainer.ended == "interrupted" else "finished"
        store.finish(trainer.progress, trainer.state, status=status, title=title)


class LiveLine:
    """The live line of a training, moved a few times a second.

    Args:
        display: shows it.
    """

    def __init__(self, display: Display) -> None:
        self._display, self._last = display, 0.0

    def is_due(self) -> bool:
        """Whether to move it now."""
        if time.monotonic() - self._last < SHOWN_EVERY_S:
            return False
        self._last = time.monotonic()
        return True

    def show(self, event: Step, detail: str) -> None:
        """Moves it to a step."""
        left = duration(event.left_s)
        self._display.update(event.done, f"epoch {event.epoch:.2f}  {detail}  {left} left")
