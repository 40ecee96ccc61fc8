"""How fast and how long to learn: the learning rate of each step, and what may be used up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from textrnn.base.errors import ConfigError
from textrnn.training.options import OptimizationConfig, StopConfig

FINAL_SHARE = 0.02  # of the learning rate of a language model, at the end of the cosine


@dataclass(frozen=True)
class Schedule:
    """The learning rate of each step, the patience of a training, and when to check and save.

    Attributes:
        learning_rate: the highest one.
        warmup: steps over which the learning rate rises from zero.
        decay: `cosine` along the budget, or `constant`.
        final_share: what is left of the learning rate at the end of the cosine.
        patience: checks without a better validation loss before training stops; 0 for never.
        save_every_s: longest time between two saves, in seconds.
        deterministic: whether checks come at fixed steps, so that nothing depends on the clock.

    Reference:
        Loshchilov and Hutter, 2017, SGDR: Stochastic gradient descent with warm restarts.
    """

    learning_rate: float
    warmup: int = 0
    decay: str = "cosine"
    final_share: float = FINAL_SHARE
    patience: int = 0
    save_every_s: float = math.inf
    deterministic: bool = False

    @classmethod
    def of(cls, optimization: OptimizationConfig, stop: StopConfig) -> Schedule:
        """The schedule of resolved options.

        Raises:
            ConfigError: they have no learning rate.
        """
        if optimization.learning_rate is None:
            raise ConfigError("there is no learning rate: expected resolved options, see resolve_optimization")
        return cls(
            learning_rate=optimization.learning_rate,
            warmup=optimization.warmup,
            decay=optimization.schedule,
            patience=stop.patience,
            save_every_s=stop.save_every_s,
            deterministic=optimization.deterministic,
        )

    def rate(self, step: int, done: float) -> float:
        """The learning rate of a step: a linear warm-up, then a cosine that ends with the budget, or constant.

        The trainer multiplies it by `Progress.rate_scale`.

        Args:
            step: steps done before this one.
            done: share of the budget that is used up, from 0 to 1.

        Example:
            >>> schedule = Schedule(1.0, warmup=2)
            >>> [round(schedule.rate(step, done), 2) for step, done in [(0, 0.0), (1, 0.0), (9, 0.5), (20, 1.0)]]
            [0.5, 1.0, 0.51, 0.02]
        """
        highest = self.learning_rate * (min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0)
        if self.decay == "constant":
            return highest
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        return highest * (self.final_share + (1 - self.final_share) * cosine)


@dataclass
class Budget:
    """What training may use: steps, seconds, or both; whichever is used up first ends it.

    Attributes:
        total_steps: steps in all, None for no limit.
        limit_s: seconds in all, None for no limit.
        used_s: seconds used by earlier sessions of the same run.
        reserve_s: seconds of the limit to leave for the last check and for saving.
        check_s: seconds that the first check takes at least, if that is known.
        now: the clock; all workers need the same.
    """

    total_steps: int | None
    limit_s: float | None
    used_s: float = 0.0
    reserve_s: float = 2.0
    check_s: float = 0.0
    now: Callable[[], float] = field(default_factory=lambda: time.monotonic)  # looked up anew: tests set the clock
    _begin: float = field(init=False)

    def __post_init__(self) -> None:
        self._begin = self.now()

    def expect_check(self, seconds: float) -> None:
        """Leaves time for a first check that takes so many seconds."""
        self.check_s = max(self.check_s, seconds)
        self.reserve_s = reserve_s(self.check_s)

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


def reserve_s(check_s: float) -> float:
    """Seconds to leave for the last check and for saving, if a check takes so long."""
    return 1.0 + 1.3 * check_s
