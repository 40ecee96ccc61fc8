"""Numbers in one byte: counts, and probabilities as their negative logarithm."""

from __future__ import annotations

import numpy as np

EXACT_COUNTS = 128  # counts up to here have a code of their own; above, each is 14 % above the one before
MAX_NATS = 20.0
_above = np.geomspace(EXACT_COUNTS, 2.0**31, 256 - EXACT_COUNTS)[1:]
# The count that stands for each code, float64[256].
COUNT_OF_CODE = np.concatenate([np.arange(EXACT_COUNTS + 1), np.round(_above)])
_BETWEEN = (COUNT_OF_CODE[1:] + COUNT_OF_CODE[:-1]) / 2
# The probability that stands for each code, float32[256]: its negative logarithm is MAX_NATS * (code / 255)**2.
PROBABILITY_OF_CODE = np.exp(-MAX_NATS * (np.arange(256) / 255) ** 2).astype(np.float32)


def count_codes(counts: np.ndarray) -> np.ndarray:
    """The codes of counts: int[any] -> uint8[any]. Exact up to `EXACT_COUNTS`, off by up to 7 % above.

    Example:
        >>> COUNT_OF_CODE[count_codes(np.array([0, 7, 128, 1000]))].astype(int).tolist()
        [0, 7, 128, 1041]
    """
    return np.searchsorted(_BETWEEN, counts).astype(np.uint8)


def probability_codes(probabilities: np.ndarray) -> np.ndarray:
    """The codes of probabilities: float[any] -> uint8[any].

    With `nats` the negative logarithm, its error is at most `0.0176 * sqrt(nats) + 0.0001`; above `MAX_NATS` it is cut.

    Example:
        >>> probability_codes(np.array([1, 0.5, 0.001, 0])).tolist()
        [0, 47, 150, 255]
        >>> (PROBABILITY_OF_CODE[[0, 47, 150]] * 1000).round().tolist()
        [1000.0, 507.0, 1.0]
    """
    nats = np.minimum(-np.log(np.maximum(probabilities, 1e-30, dtype=np.float32)), np.float32(MAX_NATS))
    codes: np.ndarray = np.rint(np.sqrt(np.maximum(nats, 0) * np.float32(255 * 255 / MAX_NATS))).astype(np.uint8)
    return codes
