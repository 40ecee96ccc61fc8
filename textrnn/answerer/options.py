"""The options of answering questions about stories: what the memory network looks like, and how it is trained."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from textrnn.base.config import NETWORK, STOP, TEXT, Checked, option
from textrnn.text.options import NormalizeConfig
from textrnn.training.options import StopConfig, resolve_stop

ENCODERS = ("position", "bag")
DEFAULT_TIME_S = 120.0
SPREAD = 0.1  # standard deviation of the first weights; what a product is divided by to be as large as a sum


@dataclass(frozen=True)
class MemoryNetworkConfig(Checked):
    """What a memory network looks like; vocabulary and answers come from the stories."""

    section = NETWORK

    hops: int = option(3, "How often it looks at the sentences before it answers.", low=1, high=20, first=True)
    embed: int = option(32, "Width of the vectors of words and sentences.", low=1, high=4096)
    sentences: int = option(50, "Last sentences of a story that it looks at.", low=1, high=10_000, unit="sentences")
    encoder: str = option(
        "position", "How words become a sentence: with their order (position), or without it (bag).", choices=ENCODERS
    )


@dataclass(frozen=True)
class AnswerFitConfig(Checked):
    """How the weights of a memory network are found."""

    time_s: float | None = option(
        None,
        "Wall-clock budget of the whole command, such as 90s or 10m; with --resume, so much more.  [default: 2m when "
        "--epochs is not given]",
        above=0,
        high=31_536_000,
        flag="--time",
        unit="seconds",
        section=STOP,
        first=True,
    )
    epochs: float | None = option(
        None,
        "Most passes over the questions for each try.  [default: 30, or as many as make 2,500 steps]",
        above=0,
        high=1_000_000,
        section=STOP,
        first=True,
    )
    tries: int = option(
        3,
        "Most networks to train from different beginnings, if there is time for more than one; the one that knows its "
        "own questions best is kept.",
        low=1,
        high=100,
    )
    linear_start: float = option(
        0.3, "Share of the passes without the softmax over sentences, so that it finds what to look at.", low=0, high=1
    )
    batch: int = option(32, "Questions in a training step.", low=1, high=65_536)
    learning_rate: float = option(1e-2, "Highest learning rate.", above=0, high=1000)
    held_out: float = option(
        0.2, "Share of the stories that is held out to measure on.", above=0, high=0.9, section=TEXT
    )
    random_seed: int = option(0, "Seed of the split, the initial weights and the order.", low=0, high=2**32 - 1)
    deterministic: bool = option(
        False,
        "Nothing that is learnt depends on the clock: a run that was stopped and resumed ends with the same bytes as "
        "one that was not.  Needs --epochs.",
    )
    save_every_s: float = option(
        60.0,
        "Longest time between two saves; each new best network is saved at once.",
        above=0,
        high=31_536_000,
        flag="--save-every",
        unit="seconds",
        section=STOP,
    )


@dataclass(frozen=True)
class AnswerConfig(Checked):
    """Everything that decides what is learnt from given stories."""

    normalize: NormalizeConfig = field(default_factory=NormalizeConfig)
    network: MemoryNetworkConfig = MemoryNetworkConfig()
    fit: AnswerFitConfig = AnswerFitConfig()

    def resolve(self) -> AnswerConfig:
        """The same options with the time that stands for none given.

        Raises:
            ConfigError: two options contradict each other.
        """
        fit = self.fit
        if fit.time_s is None and fit.epochs is None and not fit.deterministic:
            fit = dataclasses.replace(fit, time_s=DEFAULT_TIME_S)
        resolve_stop(StopConfig(epochs=fit.epochs, time_s=fit.time_s), deterministic=fit.deterministic)
        return dataclasses.replace(self, fit=fit)
