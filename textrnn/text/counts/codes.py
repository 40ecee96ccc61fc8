"""Probabilities as one byte each: codes of their nats, finer where a token is likely."""

from __future__ import annotations

import numpy as np

MOST_NATS = 20.0
# Nats of each code. Half a step is 0.06 % of a probability of 0.99, 1.5 % of one half and 3 % of a tenth: rounded up or
# down as it happens, that costs less than 0.001 nats a token.
CODE_NATS: np.ndarray = (np.square(np.arange(256) / 255) * MOST_NATS).astype(np.float32)
CODE_PROBABILITIES: np.ndarray = np.exp(-CODE_NATS)


def encode(probabilities: np.ndarray, *, down: bool = False) -> np.ndarray:
    """Codes of probabilities: float32[...] from 0 to 1 -> uint8[...].

    Args:
        probabilities: any.
        down: whether none may become larger, so that those of a distribution still have a sum of at most 1.

    Example:
        >>> encode(np.array([1.0, 0.5, 0.0])).tolist(), CODE_NATS[encode(np.array([0.5]))].round(2).tolist()
        ([0, 47, 255], [0.68])
    """
    nats = -np.log(np.maximum(probabilities, 1e-9, dtype=np.float32))
    steps = np.sqrt(nats / np.float32(MOST_NATS)) * np.float32(255)
    found: np.ndarray = np.minimum(np.ceil(steps - np.float32(1e-3)) if down else np.rint(steps), 255).astype(np.uint8)
    return found
