"""The trainer: one loop for everything that learns by gradients.

It is a generator of events. The caller shows them, draws samples and keeps what is best; the trainer learns, checks,
saves, goes back when training blows up, and knows when to stop. It knows nothing of terminals, files or architectures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from textrnn.base.errors import TextRNNError
from textrnn.training.checkpoint import Progress
from textrnn.training.objective import Objective, State
from textrnn.training.schedule import Budget, Schedule, reserve_s
from textrnn.training.workers import Workers

CHECK_SHARE = 0.05  # of the budget between two checks
CHECK_EVERY_S = 300.0  # at most
CHECK_COST = 0.08  # share of the time that checks may take
MEASURED_S = 1.0  # seconds of steps from which their speed is known
GO_BACK_AFTER = 5  # steps in a row that are not finite: the fifth halves the learning rate
MAX_HALVINGS = 8
# Fields of `Progress` that `_go_back` does not restore: the plan, and what counts time and failures.
PLAN = ("limit_s", "total_steps", "num_shards", "rate_scale")
COUNTED = ("seconds", "step_s", "timed_tokens", "tokens", "skipped", "skipped_in_a_row")


class NotFiniteError(TextRNNError):
    """The loss or the gradient is not a number any more."""


class Store(Protocol):
    """Where progress is saved: `RunStore`, or `NoStore`."""

    def save(self, progress: Progress, state: State) -> None:
        """Saves all that a resume needs."""

    def restore(self, step: int) -> tuple[State, Progress, str]:
        """Puts the variables back as they were at a step; the carried state and the progress there, and a note of what
        was done instead where that was not possible ("" otherwise)."""


class NoStore:
    """For short trainings that are not resumed. Going back leaves the weights, which steps that are not finite have not
    changed; the learning rate is halved all the same."""

    def save(self, progress: Progress, state: State) -> None:
        """Saves nothing."""

    def restore(self, step: int) -> tuple[State, Progress, str]:
        """Leaves all as it is."""
        return [], Progress(), "going on with the weights there are"


# ---------------------------------------------------------------- events


@dataclass(frozen=True)
class Step:
    """A step is over: how many there were, its loss in nats, epochs, the share that is done, and what time is left.

    Where nothing was learnt (the batch had no target, or the step was not finite) the loss is that of the last step
    that did learn.
    """

    step: int
    loss: float
    epoch: float
    done: float
    left_s: float


@dataclass(frozen=True)
class Check:
    """The held-out part was evaluated: the new row of the history, and whether its loss is the best so far.

    Columns are added to the row before the next event is asked for: it is saved then.
    """

    row: dict[str, float]
    is_best: bool


@dataclass(frozen=True)
class Saved:
    """The store has saved."""

    step: int


@dataclass(frozen=True)
class WentBack:
    """Training had blown up: what was wrong, and what was done."""

    line: str


@dataclass(frozen=True)
class Done:
    """Training has ended: `budget`, `patience` or `interrupted`."""

    ended: str


Event = Step | Check | Saved | WentBack | Done


class Trainer:
    """Learns an objective step by step.

    Args:
        objective: what is learnt.
        step: the compiled step, see `textrnn.training.step.make_step`.
        schedule: learning rates, checks and saves.
        store: where progress is saved.
        progress: where to begin; it is kept up to date.
        state: the carried state there; empty to begin anew.
        workers: all processes that learn together.
    """

    def __init__(
        self,
        objective: Objective,
        step: Callable[..., tuple[Any, Any, State]],
        schedule: Schedule,
        store: Store | None = None,
        *,
        progress: Progress | None = None,
        state: State | None = None,
        workers: Workers | None = None,
    ) -> None:
        self.objective, self.schedule, self.store = objective, schedule, store or NoStore()
        self.progress, self.state = progress or Progress(), list(state or [])
        self.ended = ""
        self._step, self.workers = step, workers or Workers()
        self._is_traced = False  # whether the step has run, so that its time from now on is that of learning
        self._saved_at_s, self._save_s, self._next_check = 0.0, 0.0, math.inf

    def run(self, budget: Budget) -> Iterator[Event]:
        """Learns until the budget is used up, validation stops getting better, or somebody interrupts.

        Yields:
            events; the last one is `Done`.

        Raises:
            NotFiniteError: the loss is no longer a number, however low the learning rate.
        """
        self.ended, self._saved_at_s, self._next_check = "", budget.seconds(), math.inf
        progress, patience = self.progress, self.schedule.patience
        while not self.ended:
            is_over = budget.progress(progress.step) >= 1
            if patience and progress.worse_checks >= patience:
                self.ended = "patience"
            elif is_over and self._is_checked():
                self.ended = "budget"
            elif not is_over and self.workers.is_asked():
                # What was learnt should be kept; but a deterministic run has no checks that depend on the moment.
                if progress.recent.steps and not progress.history and not self.schedule.deterministic:
                    yield from self._check(budget)
                self.ended = "interrupted"
            else:
                yield from self._advance(budget, is_over=is_over)
        yield Done(self.ended)

    def _is_checked(self) -> bool:
        progress = self.progress
        return not self.objective.evaluate or bool(progress.history and progress.history[-1]["step"] == progress.step)

    def _advance(self, budget: Budget, *, is_over: bool) -> Iterator[Event]:
        """One step unless the budget is used up, then a check, a save or a way back where one is due."""
        progress, problem = self.progress, None
        if not is_over:
            problem = self._learn(budget)
            if progress.recent.steps:
                done, left_s = budget.progress(progress.step), budget.left_s(progress.step)
                epoch = progress.step / self.objective.num_batches
                yield Step(progress.step, progress.recent.loss, epoch, done, left_s)
        if not problem and self.objective.evaluate and (is_over or self._is_due(budget)):
            problem = yield from self._check(budget)
        if problem:
            yield self._go_back(problem)
        elif budget.seconds() - self._saved_at_s >= self.schedule.save_every_s:
            yield self._save(budget)

    def _learn(self, budget: Budget) -> str | None:
        """Learns from the next batch; a line about the problem if the last `GO_BACK_AFTER` steps were not finite."""
        begin, progress = budget.now(), self.progress
        batch = self.objective.batch(*divmod(progress.step, self.objective.num_batches))
        if batch.reset or not self.state:
            self.state = self.objective.initial_state(len(batch.arrays[0]))
        progress.step += 1
        if not batch.num_targets:  # the last window of an epoch may be all filling
            return None
        rate = self.schedule.rate(progress.step - 1, budget.progress(progress.step - 1)) * progress.rate_scale
        self.workers.begin_step()
        loss, norm, state = self._step(batch.arrays, self.state, np.float32(rate))
        loss, norm = float(loss), float(norm)
        self.workers.tick()
        progress.seconds = budget.seconds()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            return self._skip(f"the loss is {loss} and the gradient's norm {norm} at step {progress.step}")
        self.state = state
        progress.add_step(batch.num_targets, loss=loss, norm=norm, rate=rate)
        if self._is_traced:
            progress.add_time(batch.num_targets, budget.now() - begin)
        self._is_traced = True
        return None

    def _skip(self, problem: str) -> str | None:
        """Counts a step that is not finite; it has left the variables alone, and the state may be what is wrong."""
        progress = self.progress
        self.state = []
        progress.skipped += 1
        progress.skipped_in_a_row += 1
        return problem if progress.skipped_in_a_row >= GO_BACK_AFTER else None

    def _go_back(self, problem: str) -> WentBack:
        """Halves the learning rate and restores the state of the best check."""
        progress = self.progress
        if progress.rate_scale <= 0.5**MAX_HALVINGS:
            raise NotFiniteError(
                f"{problem}, though the learning rate was halved {MAX_HALVINGS} times: training has blown up; try a "
                "lower --learning-rate"
            )
        progress.rate_scale /= 2
        progress.skipped_in_a_row = 0
        self._next_check = math.inf
        kept = {name: getattr(progress, name) for name in PLAN + COUNTED}
        self.state, before, instead = self.store.restore(progress.best_step)
        if not instead:
            vars(progress).update(vars(before))
        vars(progress).update(kept)
        self.workers.tick()
        self.store.save(progress, self.state)
        rate = f"learning rate halved to {progress.rate_scale:g} of what was planned"
        return WentBack(f"{problem}: {instead or f'going back to step {progress.step:,}'}, {rate}")

    def _check(self, budget: Budget) -> Generator[Event, None, str | None]:
        """Evaluates the held-out part and saves what is better; a line about the problem if the loss is not finite."""
        begin, progress = budget.now(), self.progress
        val_nats = self.objective.evaluate() if self.objective.evaluate else math.nan
        self.workers.tick()
        if not math.isfinite(val_nats):
            return f"the validation loss is {val_nats} at step {progress.step}"
        progress.seconds = budget.seconds()
        is_best = progress.add_check(val_nats, num_batches=self.objective.num_batches)
        yield Check(progress.history[-1], is_best)
        self.workers.tick()
        check_s = budget.now() - begin
        if is_best:
            yield self._save(budget)
        budget.reserve_s = reserve_s(check_s + self._save_s)  # a large model takes its time to save
        self._next_check = self._check_after(budget, check_s + self._save_s)
        return None

    def _save(self, budget: Budget) -> Saved:
        begin = budget.seconds()
        self.store.save(self.progress, self.state)
        self.workers.tick()
        self._saved_at_s = budget.seconds()
        self._save_s = self._saved_at_s - begin
        return Saved(self.progress.step)

    def _is_due(self, budget: Budget) -> bool:
        """Whether to check after this step."""
        progress, recent = self.progress, self.progress.recent
        if self.schedule.deterministic:
            return progress.step % max(1, round(CHECK_SHARE * (progress.total_steps or 1))) == 0
        if self._next_check == math.inf and recent.seconds > MEASURED_S:
            # What the first check will probably take: reading costs a third of learning.
            budget.expect_check(self.objective.num_checked / (3 * recent.timed_tokens / recent.seconds))
            self._next_check = self._check_after(budget, budget.check_s)
        return budget.progress(progress.step) >= self._next_check

    def _check_after(self, budget: Budget, check_s: float) -> float:
        """The share of the budget at which to check again: not too rarely, and never at a high cost."""
        done = budget.progress(self.progress.step)
        share_of_second = done / budget.seconds()
        return done + max(min(CHECK_SHARE, CHECK_EVERY_S * share_of_second), check_s / CHECK_COST * share_of_second)
