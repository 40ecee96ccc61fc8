"""The last tokens of a text, and how much each weighs; the formula is that of `textrnn.text.counts.cache`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FIRST_STRENGTHS = (1000.0, 200.0, 50.0, 20.0, 10.0, 5.0)  # with which fitting begins, for contexts of 1 to 6 tokens


@dataclass(frozen=True)
class Window:
    """Some last tokens.

    Attributes:
        size: how many.
        strengths: of each length of context, from one token on: how many tokens seen weigh as much as the order below.
    """

    size: int
    strengths: tuple[float, ...]

    def leant(self, base: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """q of tokens that follow each other, float32[tokens], from q_0 and int32[1 + longest, 1 + tokens]."""
        found = base.astype(np.float32)
        for n, strength in enumerate(np.array(self.strengths, np.float32)):
            found = (seen[n + 1, 1:] + strength * found) / (seen[n, :-1] + strength)
        return found


def fitted_window(window: Window, base: np.ndarray, seen: np.ndarray) -> Window:
    """The window that predicts a text best: its strengths are changed one by one, by steps that become smaller.

    Args:
        window: to begin with.
        base: float32[tokens], q_0 of each token of the text.
        seen: int32[1 + longest, 1 + tokens], see `Window.leant`.
    """

    def loss(window: Window) -> float:
        return -float(np.log(np.maximum(window.leant(base, seen), 1e-30)).mean())

    best = loss(window)
    for factor in (4.0, 4.0, 4.0, 2.0, 2.0):
        for n in range(len(window.strengths)):
            for times in (factor, 1 / factor):
                strengths = list(window.strengths)
                strengths[n] = min(max(strengths[n] * times, 0.1), 1e6)
                tried = Window(window.size, tuple(strengths))
                if (value := loss(tried)) < best:
                    best, window = value, tried
    return window
