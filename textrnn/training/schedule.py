"""How far training has come, and the learning rate there."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from textrnn.training.options import TrainConfig

FINAL_SHARE = 0.02  # of the learning rate, at the end of the cosine


def learning_rate(config: TrainConfig, step: int, progress: float) -> float:
    """The learning rate of a step: a linear warm-up, then a cosine that lands at the end of the budget, or constant.

    Args:
        config: resolved options.
        step: steps done before this one.
        progress: share of the budget that is used up, from 0 to 1.

    Reference:
        Loshchilov and Hutter, 2017, SGDR: Stochastic gradient descent with warm restarts.

    Example:
        >>> config = TrainConfig(learning_rate=1.0, warmup=2)
        >>> [round(learning_rate(config, step, p), 2) for step, p in [(0, 0.0), (1, 0.0), (9, 0.5), (20, 1.0)]]
        [0.5, 1.0, 0.51, 0.02]
    """
    highest = config.learning_rate or 0.0
    rising = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    if config.schedule == "constant":
        return highest * rising
    falling = FINAL_SHARE + (1 - FINAL_SHARE) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return highest * rising * falling


@dataclass
class Budget:
    """What training may use: steps, seconds, or both; whichever is used up first ends it.

    Attributes:
        total_steps: steps in all, None for no limit.
        limit_s: seconds in all, None for no limit.
        used_s: seconds used by earlier sessions of the same run.
        reserve_s: seconds of the limit to leave for the last check and for saving.
        now: the clock; all workers of a team need the same.
    """

    total_steps: int | None
    limit_s: float | None
    used_s: float = 0.0
    reserve_s: float = 2.0
    now: Callable[[], float] = field(default_factory=lambda: time.monotonic)  # looked up anew: tests set the clock
    _begin: float = field(init=False)

    def __post_init__(self) -> None:
        self._begin = self.now()

    def seconds(self) -> float:
        """Seconds of training so far, earlier sessions included."""
        return self.used_s + self.now() - self._begin

    def progress(self, steps_done: int) -> float:
        """Share of the budget that is used up, from 0 to 1."""
        shares = [0.0]
        if self.total_steps is not None:
            shares.append(steps_done / max(1, self.total_steps))
        if self.limit_s is not None:
            shares.append(self.seconds() / max(1e-3, self.limit_s - self.reserve_s))
        return min(1.0, max(shares))

    def left_s(self, steps_done: int) -> float:
        """Seconds that training will still take at the speed so far."""
        progress, seconds = self.progress(steps_done), self.seconds()
        return seconds * (1 - progress) / progress if progress else float("inf")
