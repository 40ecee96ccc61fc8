"""The training loop: steps, checks against the held-out part, saves, and when to stop.

The loop knows nothing of files, terminals or architectures: it is given a step, windows, and functions to call.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from textrnn.base.errors import TextRNNError
from textrnn.training.checkpoint import Progress, Recent
from textrnn.training.options import TrainConfig
from textrnn.training.schedule import Budget, learning_rate

CHECK_SHARE = 0.05  # of the budget between two checks
CHECK_EVERY_S = 300.0  # at most
CHECK_COST = 0.08  # share of the time that checks may take
MEASURED_S = 1.0  # seconds of steps from which their speed is known
MAX_SKIPPED = 5  # steps in a row that are not finite, until the learning rate is halved
MAX_HALVINGS = 8


class Batches(Protocol):
    """What the loop needs of windows of text, or of pairs of texts: see `textrnn.text.windows`."""

    num_batches: int

    def batch(self, epoch: int, index: int) -> Any:
        """Batch `index` of epoch `epoch`, both from 0, with `x`, `y`, `mask`, `reset` and `num_tokens`."""


class NotFiniteError(TextRNNError):
    """The loss or the gradient is not a number any more."""


@dataclass
class Callbacks:
    """What the loop calls.

    Attributes:
        validate: measures the held-out part, nats per token.
        check_tokens: tokens that it reads.
        on_step: after each step: progress, budget, epoch and loss.
        on_check: after each check, with its row of the history; `is_best` tells whether weights are the best so far.
        save: writes all that a resume needs.
        restore: puts variables, carried state and progress back as they were at the best check, but for the
            learning rate's scale and what counts time and skipped steps; it is told why.
        interrupted: whether to stop after this step.
        tick: lets the clock go on; called after all that takes time.
    """

    validate: Callable[[], float]
    check_tokens: int
    on_step: Callable[[Progress, Budget, float, float], None]
    on_check: Callable[[dict[str, float], bool], None]
    save: Callable[[], None]
    restore: Callable[[str], None]
    interrupted: Callable[[], bool]
    tick: Callable[[], None] = lambda: None


@dataclass
class Learner:
    """What changes while learning: the step with its variables inside, and the carried state.

    Attributes:
        step: as `make_train_step` makes it.
        initial_state: the state before a text for a batch of some rows.
        state: the state after the last step; empty for one to begin with.
        traced: whether the step has run, so that its time from now on is that of learning.
    """

    step: Callable[..., tuple[Any, Any, list[Any]]]
    initial_state: Callable[[int], list[Any]]
    state: list[Any] = field(default_factory=list)
    traced: bool = False


@dataclass
class _Pace:
    """When to check and to save next, which depends on the clock and is therefore no part of `Progress`."""

    saved_at_s: float
    save_s: float = 0.0
    next_check: float = math.inf


def train_loop(
    learner: Learner, windows: Batches, config: TrainConfig, budget: Budget, progress: Progress, callbacks: Callbacks
) -> str:
    """Trains until the budget is used up, validation stops getting better, or somebody interrupts.

    Args:
        learner: the step and the carried state.
        windows: the training batches.
        config: resolved options.
        budget: how long to train.
        progress: where to begin; it is kept up to date.
        callbacks: validation, display and saving.

    Returns:
        why it ended: `budget`, `patience` or `interrupted`.

    Raises:
        NotFiniteError: the loss is no longer a number, however low the learning rate.
    """
    pace = _Pace(saved_at_s=budget.seconds())
    while not (config.patience and progress.worse_checks >= config.patience):
        is_over = budget.progress(progress.step) >= 1
        if is_over and progress.history and progress.history[-1]["step"] == progress.step:
            return "budget"
        if not is_over and callbacks.interrupted():
            # What was learnt should be kept; but a deterministic run has no checks that depend on the moment.
            if progress.recent.steps and not progress.history and not config.deterministic:
                _check(windows, progress, budget, pace, callbacks)
            return "interrupted"
        problem = None if is_over else _one_step(learner, windows, config, budget, progress, callbacks)
        if progress.recent.steps and not is_over:
            callbacks.on_step(progress, budget, progress.step / windows.num_batches, progress.recent.loss)
        if not problem and (is_over or _is_due(config, progress, budget, pace, callbacks.check_tokens)):
            problem = _check(windows, progress, budget, pace, callbacks)
        if problem:
            _go_back(config, progress, pace, callbacks, problem)
        elif budget.seconds() - pace.saved_at_s >= config.save_every_s:
            _save(budget, pace, callbacks)
    return "patience"


def _one_step(
    learner: Learner, windows: Batches, config: TrainConfig, budget: Budget, progress: Progress, callbacks: Callbacks
) -> str | None:
    """Learns from the next batch; returns what went wrong when too many steps in a row were not finite."""
    begin = budget.now()
    batch, recent = windows.batch(*divmod(progress.step, windows.num_batches)), progress.recent
    if batch.reset or not learner.state:
        learner.state = learner.initial_state(len(batch.x))
    tokens = float(batch.num_tokens)
    progress.step += 1
    if not tokens:  # the last window of an epoch may be all filling
        return None
    rate = learning_rate(config, progress.step - 1, budget.progress(progress.step - 1)) * progress.rate_scale
    loss, norm, state = learner.step(batch.x, batch.y, batch.mask, learner.state, np.float32(rate))
    loss, norm = float(loss), float(norm)
    callbacks.tick()
    progress.seconds = budget.seconds()
    if not (math.isfinite(loss) and math.isfinite(norm)):
        return _skip(learner, progress, f"the loss is {loss} and the gradient's norm {norm} at step {progress.step}")
    learner.state = state
    spent = budget.now() - begin
    progress.skipped_in_a_row = 0
    progress.tokens += tokens
    recent.loss, recent.norm, recent.rate = loss, norm, rate
    recent.nats += loss * tokens
    recent.tokens += tokens
    recent.steps += 1
    if learner.traced:
        recent.seconds += spent
        recent.timed_tokens += tokens
        progress.step_s += spent
        progress.timed_tokens += tokens
    learner.traced = True
    return None


def _skip(learner: Learner, progress: Progress, problem: str) -> str | None:
    """Counts a step that is not finite; it has left the variables alone, and the state may be what is wrong."""
    learner.state = []
    progress.skipped += 1
    progress.skipped_in_a_row += 1
    return problem if progress.skipped_in_a_row >= MAX_SKIPPED else None


def _go_back(config: TrainConfig, progress: Progress, pace: _Pace, callbacks: Callbacks, problem: str) -> None:
    """Halves the learning rate and restores the last good state."""
    if progress.rate_scale <= 0.5**MAX_HALVINGS:
        clipping = "a smaller --clip-norm" if config.clip_norm else "clipping, such as --clip-norm 1"
        raise NotFiniteError(
            f"{problem}, though the learning rate was halved {MAX_HALVINGS} times: training has blown up; try a lower "
            f"--learning-rate, a longer --warmup or {clipping}"
        )
    progress.rate_scale /= 2
    progress.skipped_in_a_row = 0
    pace.next_check = math.inf
    callbacks.restore(problem)
    callbacks.tick()


def _check(windows: Batches, progress: Progress, budget: Budget, pace: _Pace, callbacks: Callbacks) -> str | None:
    """Measures the held-out part, tells, and saves what is better; returns what went wrong."""
    begin, recent = budget.now(), progress.recent
    val_nats = callbacks.validate()
    callbacks.tick()
    if not math.isfinite(val_nats):
        return f"the validation loss is {val_nats} at step {progress.step}"
    is_best = progress.best_nats is None or val_nats < progress.best_nats
    progress.worse_checks = 0 if is_best else progress.worse_checks + 1
    if is_best:
        progress.best_nats, progress.best_step = val_nats, progress.step
    progress.seconds = budget.seconds()
    row = dict(
        step=progress.step,
        epoch=progress.step / windows.num_batches,
        seconds=progress.seconds,
        learning_rate=recent.rate,
        gradient_norm=recent.norm,
        train_nats_per_token=recent.nats / recent.tokens if recent.tokens else math.nan,
        val_nats_per_token=val_nats,
        tokens_per_s=recent.timed_tokens / recent.seconds if recent.seconds else math.nan,
    )
    progress.history.append(row)
    progress.recent = Recent()
    callbacks.on_check(row, is_best)
    callbacks.tick()
    check_s = budget.now() - begin
    if is_best:
        _save(budget, pace, callbacks)
    budget.reserve_s = _reserve_s(check_s + pace.save_s)  # a large model takes its time to save
    pace.next_check = _next_check(progress, budget, check_s + pace.save_s)
    return None


def _save(budget: Budget, pace: _Pace, callbacks: Callbacks) -> None:
    begin = budget.seconds()
    callbacks.save()
    callbacks.tick()
    pace.saved_at_s = budget.seconds()
    pace.save_s = pace.saved_at_s - begin


def _is_due(config: TrainConfig, progress: Progress, budget: Budget, pace: _Pace, check_tokens: int) -> bool:
    """Whether to check after this step."""
    if config.deterministic:
        return progress.step % max(1, round(CHECK_SHARE * (progress.total_steps or 1))) == 0
    recent = progress.recent
    if pace.next_check == math.inf and recent.seconds > MEASURED_S:
        # What the first check will probably take: reading costs a third of learning.
        check_s = check_tokens / (3 * recent.timed_tokens / recent.seconds)
        budget.reserve_s = _reserve_s(check_s)
        pace.next_check = _next_check(progress, budget, check_s)
    return budget.progress(progress.step) >= pace.next_check


def _reserve_s(check_s: float) -> float:
    return 1.0 + 1.3 * check_s


def _next_check(progress: Progress, budget: Budget, check_s: float) -> float:
    """The share of the budget at which to check again: not too rarely, and never at a high cost."""
    done = budget.progress(progress.step)
    share_of_second = done / budget.seconds()
    return done + max(min(CHECK_SHARE, CHECK_EVERY_S * share_of_second), check_s / CHECK_COST * share_of_second)
