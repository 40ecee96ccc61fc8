"""What a LiteRT model of a stack, the runtime that calls it, and the sampler in NumPy agree on."""

from __future__ import annotations

from typing import NamedTuple

MOST_STEPS = 32  # tokens that are drawn in one call
RECENT_TOKENS = 64  # tokens that the repetition penalty looks back
STEP, WRITE, FILTERED = "step", "write", "write_filtered"  # the functions of a model
WIDEST = 1024  # tokens of a vocabulary above which filters that sort are left to NumPy


class Draws(NamedTuple):
    """How tokens are drawn, see `textrnn.language_model.sample_options.SampleConfig`; numbers that a model is given.

    Attributes:
        sharpness: 1 / temperature.
        min_p: as there.
        top_k: as there, or the size of the vocabulary for all.
        top_p: as there.
        penalty: as there.
    """

    sharpness: float
    min_p: float
    top_k: int
    top_p: float
    penalty: float
