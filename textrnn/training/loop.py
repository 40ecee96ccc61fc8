"""The training loop: steps, checks against the held-out part, saves, and when to stop.

The loop knows nothing of files, terminals or architectures: it is given a step, windows, and functions to call.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from textrnn.config import TrainConfig
from textrnn.errors import TextRNNError
from textrnn.text.windows import Windows
from textrnn.training.checkpoint import Progress
from textrnn.training.schedule import Budget, learning_rate

CHECK_SHARE = 0.05  # of the budget between two checks
CHECK_EVERY_S = 300.0  # at most
CHECK_COST = 0.08  # share of the time that checks may take
MEASURED_S = 1.0  # seconds of steps from which their speed is known


class NotFiniteError(TextRNNError):
    """The loss or the gradient is not a number any more."""


@dataclass
class Callbacks:
    """What the loop calls.

    Attributes:
        validate: measures the held-out part, nats per token.
        check_tokens: tokens that it reads.
        on_step: after each step: progress, budget, epoch, loss and learning rate.
        on_check: after each check, with its row of the history; `is_best` tells whether weights are the best so far.
        interrupted: whether to stop after this step.
    """

    validate: Callable[[], float]
    check_tokens: int
    on_step: Callable[[Progress, Budget, float, float], None]
    on_check: Callable[[dict[str, float], bool, list[Any]], None]
    interrupted: Callable[[], bool]


@dataclass
class Learner:
    """What changes while learning: the step with its variables inside, and the carried state.

    Attributes:
        step: as `make_train_step` makes it.
        initial_state: the state before a text for a batch of some rows.
        state: the state after the last step.
        traced: whether the step has run, so that its time from now on is that of learning.
    """

    step: Callable[..., tuple[Any, Any, list[Any]]]
    initial_state: Callable[[int], list[Any]]
    state: list[Any] | None = None
    traced: bool = False


def train_loop(
    learner: Learner, windows: Windows, config: TrainConfig, budget: Budget, progress: Progress, callbacks: Callbacks
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
        NotFiniteError: the loss is no longer a number; the weights are those before that step.
    """
    recent, next_check = _Recent(), math.inf
    while budget.progress(progress.step) < 1:
        if callbacks.interrupted():
            if recent.steps and not progress.history:  # nothing that was learnt has been kept yet
                _check(learner, windows, progress, budget, recent, callbacks)
            return "interrupted"
        _one_step(learner, windows, config, budget, progress, recent)
        if recent.steps:
            callbacks.on_step(progress, budget, progress.step / windows.num_batches, recent.loss)
        if next_check == math.inf and recent.seconds > MEASURED_S:
            next_check = _first_check(progress, budget, recent, callbacks.check_tokens)
        if budget.progress(progress.step) >= next_check:
            check_s = _check(learner, windows, progress, budget, recent, callbacks)
            recent, next_check = _Recent(), _next_check(progress, budget, check_s)
            if config.patience and progress.worse_checks >= config.patience:
                return "patience"
    if recent.steps or not progress.history:
        _check(learner, windows, progress, budget, recent, callbacks)
    return "budget"


@dataclass
class _Recent:
    """What happened since the last check; the first step of a session traces the graph and is not timed."""

    steps: int = 0
    nats: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0
    timed_tokens: float = 0.0
    loss: float = math.nan
    norm: float = math.nan
    rate: float = 0.0


def _one_step(
    learner: Learner, windows: Windows, config: TrainConfig, budget: Budget, progress: Progress, recent: _Recent
) -> None:
    begin = time.monotonic()
    batch = windows.batch(*divmod(progress.step, windows.num_batches))
    if batch.reset or learner.state is None:
        learner.state = learner.initial_state(len(batch.x))
    tokens = float(batch.mask.sum())
    if not tokens:  # the last window of an epoch may be all filling
        progress.step += 1
        return
    recent.rate = learning_rate(config, progress.step, budget.progress(progress.step))
    loss, norm, state = learner.step(batch.x, batch.y, batch.mask, learner.state, np.float32(recent.rate))
    recent.loss, recent.norm = float(loss), float(norm)
    if not (math.isfinite(recent.loss) and math.isfinite(recent.norm)):
        clipping = "a smaller --clip-norm" if config.clip_norm else "clipping, such as --clip-norm 1"
        raise NotFiniteError(
            f"the loss is {recent.loss} and the gradient's norm {recent.norm} at step {progress.step + 1}: training "
            f"has blown up; try a lower --learning-rate, a longer --warmup or {clipping}"
        )
    learner.state = state
    spent = time.monotonic() - begin
    progress.step += 1
    progress.tokens += tokens
    progress.seconds = budget.seconds()
    recent.nats += recent.loss * tokens
    recent.tokens += tokens
    recent.steps += 1
    if learner.traced:
        recent.seconds += spent
        recent.timed_tokens += tokens
        progress.step_s += spent
        progress.timed_tokens += tokens
    learner.traced = True


def _check(
    learner: Learner, windows: Windows, progress: Progress, budget: Budget, recent: _Recent, callbacks: Callbacks
) -> float:
    """Measures the held-out part, tells (which saves), and returns the seconds that this took."""
    begin = time.monotonic()
    val_nats = callbacks.validate()
    if not math.isfinite(val_nats):
        raise NotFiniteError(f"the validation loss is {val_nats}: training has blown up; try a lower --learning-rate")
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
    callbacks.on_check(row, is_best, learner.state or [])
    check_s = time.monotonic() - begin  # a large model takes its time to save
    budget.reserve_s = _reserve_s(check_s)
    return check_s


def _first_check(progress: Progress, budget: Budget, recent: _Recent, check_tokens: int) -> float:
    """When to check first, by what a check will probably take: reading costs a third of learning."""
    check_s = check_tokens / (3 * recent.timed_tokens / recent.seconds)
    budget.reserve_s = _reserve_s(check_s)
    return _next_check(progress, budget, check_s)


def _reserve_s(check_s: float) -> float:
    return 1.0 + 1.3 * check_s


def _next_check(progress: Progress, budget: Budget, check_s: float) -> float:
    """The share of the budget at which to check again: not too rarely, and never at a high cost."""
    done = budget.progress(progress.step)
    share_of_second = done / budget.seconds()
    return done + max(min(CHECK_SHARE, CHECK_EVERY_S * share_of_second), check_s / CHECK_COST * share_of_second)
