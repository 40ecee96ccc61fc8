"""A training in steps from its first save to its last: what language models and translators have in common.

A training has a model, batches and things to measure, which its own class brings. Here is what goes around them: the
variables of a checkpoint, the budget, the loop with its interrupts, going back, and the run's folder.
"""

from __future__ import annotations

import abc
import math
import shlex
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from textrnn.base.errors import ConfigError, RunError
from textrnn.base.machine import num_cores
from textrnn.base.run import models_dir_flag
from textrnn.language_model.prepared import Prepared
from textrnn.nn.keras.weights import get_weights
from textrnn.training.backend import chosen_precision
from textrnn.training.checkpoint import Groups, Progress, load_checkpoint, variable_groups
from textrnn.training.display import Display, check_line, duration, shown
from textrnn.training.interrupt import polite_interrupts
from textrnn.training.options import TrainConfig
from textrnn.training.schedule import Budget
from textrnn.training.store import RunWriter
from textrnn.training.team import Alone
from textrnn.training.trainer import Batches, Callbacks, Learner, NotFiniteError, train_loop
from textrnn.translator.prepared import PreparedPairs

SHOWN_EVERY_S = 0.25
# What going back to an earlier state leaves as it is.
PLAN = ("limit_s", "total_steps", "num_shards", "rate_scale")
COUNTED = ("seconds", "step_s", "timed_tokens", "tokens", "skipped", "skipped_in_a_row")


class Running(abc.ABC):
    """One training in one process, alone or with others; only the chief writes and speaks.

    A subclass makes `windows`, `model` and `optimizer`, calls `_take_over`, makes `learner`, and calls `_keep`.

    Args:
        prepared: texts, options and folder.
        display: tells the person.
        team: all workers.
    """

    command: str  # that goes on with such a run
    prepared: Prepared | PreparedPairs
    windows: Batches
    model: Any
    groups: Groups
    progress: Progress
    learner: Learner
    writer: RunWriter

    def __init__(self, prepared: Prepared | PreparedPairs, display: Display, team: Alone) -> None:
        self.prepared, self.display, self._team, self._last_shown = prepared, display, team, 0.0
        self.precision = chosen_precision(prepared.config.train.precision)

    def _take_over(self, optimizer: Any) -> list[Any]:
        """Makes progress and the groups of variables, as the checkpoint of a resumed run has them.

        Returns:
            the carried state.
        """
        self.groups = variable_groups(self.model, optimizer)
        shards = 1 if tf.config.list_physical_devices("GPU") else num_cores()
        progress, state = Progress(num_shards=shards), list[Any]()
        if self.prepared.resume and self._team.is_chief:
            state, progress = load_checkpoint(self.prepared.path, self.groups, self.display.warn)
        state, self.progress = self._for_all(state, progress)
        if not self._config.deterministic:
            self.progress.num_shards = shards
        return state

    def _keep(self, parts: Mapping[str, Callable[[Path], None]]) -> None:
        """Makes the writer of the run's folder; `parts` as `RunWriter` takes them."""
        details = self.prepared.details
        details["versions"].update(tensorflow=tf.__version__, keras=keras.__version__, numpy=np.__version__)
        details["parameters"] = self.model.count_params()
        self.writer = RunWriter(self.prepared.folder, details, self.display.warn, parts=parts)
        if self.prepared.resume and self._team.is_chief:
            self.writer.read_best()

    # ------------------------------------------------------------ what is different

    def _for_all(self, state: list[Any], progress: Progress) -> tuple[list[Any], Progress]:
        """Gives all workers the chief's variables and progress, and of the state of all rows each its own."""
        return state, progress

    def _seconds_to_learn(self, left_s: float) -> float:
        """How much of what is left of the command's time is for learning."""
        return left_s

    @property
    @abc.abstractmethod
    def _check_tokens(self) -> int:
        """Tokens that a check reads."""

    @abc.abstractmethod
    def _validate(self) -> float:
        """The held-out part, nats per token."""

    @abc.abstractmethod
    def _measured(self, row: dict[str, float]) -> dict[str, Any]:
        """Adds bits and characters to a row of the history; returns the metrics of a run with these weights."""

    @abc.abstractmethod
    def _after_check(self, *, is_best: bool) -> None:
        """Says more of a check, below its line."""

    @abc.abstractmethod
    def _pace(self, loss: float) -> str:
        """The loss, and how fast learning is, for the live line."""

    @abc.abstractmethod
    def _what(self) -> str:
        """The network in a few words."""

    @abc.abstractmethod
    def _opening(self) -> str:
        """What is said when learning begins."""

    # ------------------------------------------------------------ what is the same

    @property
    def _config(self) -> TrainConfig:
        return self.prepared.config.train

    def run(self, begin: float) -> str:
        """Trains and saves.

        Args:
            begin: when the command began, by `time.monotonic`.

        Returns:
            `budget`, `patience` or `interrupted`.

        Raises:
            NotFiniteError: training has blown up; what was saved before is kept.
            RunError: the run cannot be written.
            WorkerError: another worker is gone; what was saved before is kept.
        """
        prepared, team, path = self.prepared, self._team, self.prepared.path
        team.tick()
        budget = self._budget(begin)
        if prepared.resume:
            self._save()  # with the new budget, and without what a kill or damage left
        elif team.is_chief:
            self.writer.publish(path, get_weights(self.model), self.groups, self.progress)
        resumed = f"textrnn {self.command} --resume {shlex.quote(path.name)}{models_dir_flag(path)}"
        team.note(f"what was saved last is in {path}: go on with {resumed}")
        team.tick()
        self.display.say(self._opening())
        tell = "stopping after this step and saving; once more Ctrl-C stops at once"
        with polite_interrupts(lambda: self.display.warn(tell)) as interrupted:
            team.listen(interrupted)
            with shown(self.display, "learning", path):
                ended = self._loop(budget)
            self.progress.seconds = budget.seconds()
            prepared.details["status"] = "interrupted" if ended == "interrupted" else "finished"
            state = team.gather(self.learner.state)
            if team.is_chief:
                self.writer.finish(self.groups, state, self.progress, f"{path.name}: {self._what()}")
        return ended

    def _loop(self, budget: Budget) -> str:
        callbacks = Callbacks(
            validate=self._validate,
            check_tokens=self._check_tokens,
            on_step=self._on_step,
            on_check=self._on_check,
            save=self._save,
            restore=self._restore,
            interrupted=self._team.is_asked,
            tick=self._team.tick,
        )
        try:
            return train_loop(self.learner, self.windows, self._config, budget, self.progress, callbacks)
        except NotFiniteError as error:
            if self._team.is_chief:
                self.writer.mark("failed")
            raise NotFiniteError(f"{error}; the last good weights are in {self.prepared.path}") from None

    def _budget(self, begin: float) -> Budget:
        prepared, config, progress, num_batches = self.prepared, self._config, self.progress, self.windows.num_batches
        if prepared.new_budget:
            planned = self._planned(time.monotonic() - begin)
            progress.limit_s, progress.total_steps = self._team.share({"planned": planned}, {})[0]["planned"]
        budget = Budget(progress.total_steps, progress.limit_s, used_s=progress.seconds, now=self._team.now)
        # A run that was killed just before its end has used up its budget too, but has still to be finished.
        is_used_up = bool(progress.step) and budget.progress(progress.step) >= 1
        if is_used_up if prepared.new_budget else prepared.details["status"] == "finished":
            raise ConfigError(
                f"{prepared.path} has used up its budget: give a new --time, or more --epochs than "
                f"{progress.step / num_batches:.3g}"
            )
        if prepared.new_budget and config.patience and progress.worse_checks >= config.patience:
            progress.worse_checks = 0
        prepared.details["status"] = "training"
        return budget

    def _planned(self, elapsed: float) -> tuple[float | None, int | None]:
        """Seconds and steps of the run, earlier sessions included; None where they are not limited."""
        time_s, epochs = self._config.time_s, self._config.epochs
        limit_s = None if time_s is None else self.progress.seconds + self._seconds_to_learn(time_s - elapsed)
        return limit_s, None if epochs is None else max(1, math.ceil(epochs * self.windows.num_batches))

    def _save(self) -> None:
        state = self._team.gather(self.learner.state)
        if self._team.is_chief:
            self.writer.save(self.groups, state, self.progress)

    def _restore(self, problem: str) -> None:
        """Goes back to the best check, whose checkpoint is kept; what counts time and failures stays as it is."""
        progress, rate = self.progress, f"learning rate halved to {self.progress.rate_scale:g} of what was planned"
        kept = {name: getattr(progress, name) for name in PLAN + COUNTED}
        state, before, action, warn = list[Any](), progress, "", self.display.warn
        if self._team.is_chief:
            try:
                state, before = load_checkpoint(self.prepared.path, self.groups, warn, step=progress.best_step)
            except RunError as error:
                # Steps that are not finite have changed no weight: those there are can be learnt from.
                action = f"going on with the weights there are ({error})"
        self.learner.state, before = self._for_all(state, before)
        vars(progress).update({**vars(before), **kept})
        warn(f"{problem}: {action or f'going back to step {progress.step:,}'}, {rate}")
        self._save()

    def _on_step(self, progress: Progress, budget: Budget, epoch: float, loss: float) -> None:
        now = time.monotonic()
        if now - self._last_shown < SHOWN_EVERY_S:
            return
        self._last_shown = now
        left = duration(budget.left_s(progress.step))
        self.display.update(budget.progress(progress.step), f"epoch {epoch:.2f}  {self._pace(loss)}  {left} left")

    def _on_check(self, row: dict[str, float], is_best: bool) -> None:
        metrics = self._measured(row)
        if not self._team.is_chief:
            return
        self.display.say(check_line(row, is_best=is_best))
        if is_best:
            self.writer.keep_best(get_weights(self.model), metrics)
        self._after_check(is_best=is_best)
