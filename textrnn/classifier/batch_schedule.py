"""How long to learn from rows of texts, and how fast: until steps or time are used up, whichever is first."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from textrnn.text.rows import batches


@dataclass(frozen=True)
class Pace:
    """A plan of learning.

    Attributes:
        num_steps: at most.
        seconds: at most.
        learning_rate: the highest one.
        rise: steps in which it is reached.
        interrupted: whether to end before the next step.
    """

    num_steps: int
    seconds: float
    learning_rate: float
    rise: int
    interrupted: Callable[[], bool]

    def batches(
        self, lengths: np.ndarray, size: int, rng: np.random.Generator
    ) -> Iterator[tuple[np.ndarray, float, float]]:
        """Batches of rows, pass after pass, see `textrnn.text.rows.batches`.

        Yields:
            rows int64[size] or fewer, the learning rate, and the share that is done after this step as far as steps
            tell; the rate falls along half a cosine with the steps or the time, whichever is further.
        """
        begin, number = time.monotonic(), 0
        while True:
            for rows in batches(lengths, size, rng):
                done = max(number / self.num_steps, (time.monotonic() - begin) / self.seconds)
                if done >= 1 or self.interrupted():
                    return
                number += 1
                rate = self.learning_rate * min(1.0, number / self.rise) * (0.5 + 0.5 * math.cos(math.pi * done))
                yield rows, rate, max(done, number / self.num_steps)
