"""The options of writing text with a model."""

from __future__ import annotations

from dataclasses import dataclass

from textrnn.base.config import PREDICTING, Checked, option


@dataclass(frozen=True)
class SampleConfig(Checked):
    """How tokens are drawn from what the model predicts."""

    section = PREDICTING

    length: int = option(500, "Most tokens to write.", low=0, high=1_000_000_000, unit="tokens")
    temperature: float = option(
        0.8, "Below 1 bolder on likely tokens, above 1 more even; 0 takes the most likely.", low=0, high=100
    )
    top_k: int = option(0, "Draw from the K most likely tokens only; 0 for all.", low=0, high=1_000_000)
    top_p: float = option(1.0, "Draw from the fewest tokens that reach this probability together.", above=0, high=1)
    min_p: float = option(0.0, "Draw from tokens at least this share as likely as the most likely one.", low=0, high=1)
    repetition_penalty: float = option(1.0, "Above 1: make tokens of the last 64 less likely again.", above=0, high=100)
    random_seed: int | None = option(None, "Seed of the draws; without it every call differs.", low=0, high=2**32 - 1)


@dataclass(frozen=True)
class TextConfig(Checked):
    """How predictions follow from the text that is written, from its seed on."""

    section = PREDICTING

    novel: int | None = option(
        None,
        "Write nothing that is longer than this and stands word for word in the text that the run learnt from, or in "
        "that of --corpus.",
        low=1,
        high=10_000,
        unit="characters",
    )
    adapt: bool = option(False, "Let the counts go on counting in each text, seed included, while it is written.")
