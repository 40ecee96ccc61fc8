"""How weights are found: the options."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from textrnn.base.config import MACHINES, STOP, Checked, option
from textrnn.base.errors import ConfigError

PRECISIONS = ("auto", "float32", "bfloat16")


OPTIMIZERS = ("adam", "adamw", "rmsprop", "sgd")


LEARNING_RATES = {"adam": 6e-3, "adamw": 6e-3, "rmsprop": 2e-3, "sgd": 1.0}


def freeze_option(what: str) -> Any:
    """The option that leaves weights as `--from` brings them: of the `embed`ding, or of the first `layers`."""
    if what == "embed":
        return option(False, "With --from: leave the vectors of the tokens as they are.")
    help = "With --from: leave the first recurrent layers as they are, so many of them."
    return option(0, help, low=0, high=64, unit="layers")


@dataclass(frozen=True)
class OptimizationConfig(Checked):
    """How the weights are found."""

    optimizer: str = option("adam", "Optimizer.", choices=OPTIMIZERS)
    learning_rate: float | None = option(
        None,
        "Highest learning rate.  [default: set by --size, else 0.006 for adam and adamw, 0.002 for rmsprop, 1 for sgd; "
        "in translate 0.002, or 0.01 for few pairs]",
        above=0,
        high=1000,
    )
    schedule: str = option(
        "cosine",
        "Learning rate after the warm-up: falling along a cosine, or constant.",
        choices=("cosine", "constant"),
    )
    warmup: int = option(
        50, "Steps over which the learning rate rises from zero.", low=0, high=10_000_000, unit="steps"
    )
    clip_norm: float = option(1.0, "Largest global norm of the gradient; 0 for no clipping.", low=0, high=1e9)
    weight_decay: float = option(0.0, "Decoupled weight decay.", low=0, high=1)
    precision: str = option(
        "auto",
        "Type of the numbers that are multiplied while training: bfloat16 is faster on some CPUs, and auto takes "
        "it there.",
        choices=PRECISIONS,
        section=MACHINES,
    )
    accumulate: int = option(
        1,
        "Parts of a batch that are worked one after the other, to need less memory.",
        low=1,
        high=65_536,
        section=MACHINES,
    )
    freeze_embed: bool = freeze_option("embed")
    freeze_layers: int = freeze_option("layers")
    random_seed: int = option(0, "Seed of initial weights, shuffling and dropout.", low=0, high=2**32 - 1)
    deterministic: bool = option(
        False,
        "Nothing that is learnt depends on the clock: checks come at fixed steps, and a run that was stopped and "
        "resumed ends with the same bytes as one that was not.  Needs --epochs.",
    )


@dataclass(frozen=True)
class StopConfig(Checked):
    """How long to learn, and how often to save."""

    section = STOP

    epochs: float | None = option(
        None, "Passes over the training part; with --resume, in all.", above=0, high=1_000_000, first=True
    )
    time_s: float | None = option(
        None,
        "Wall-clock budget of the whole command, such as 90s, 10m or 1h30m; with --resume, so much more.  [default: 5m "
        "when --epochs is not given]",
        above=0,
        high=31_536_000,
        flag="--time",
        unit="seconds",
        first=True,
    )
    patience: int = option(
        8,
        "Checks without a better validation loss before training stops; 0 for never.",
        low=0,
        high=1_000_000,
        unit="checks",
    )
    save_every_s: float = option(
        300.0,
        "Longest time between two saves; each new best model is saved at once.",
        above=0,
        high=31_536_000,
        flag="--save-every",
        unit="seconds",
    )


def check_nothing_frozen(config: Any) -> None:
    """Raises ConfigError where weights are to be left as they are in a run that begins with drawn ones.

    Args:
        config: with the fields of both `freeze_option`.
    """
    if config.freeze_embed or config.freeze_layers:
        flag = "--freeze-embed" if config.freeze_embed else "--freeze-layers"
        raise ConfigError(f"{flag} leaves learnt weights as they are: it goes with --from")


def resolve_stop(config: StopConfig, *, deterministic: bool) -> StopConfig:
    """The same options with a time where nothing was said.

    Args:
        config: as they were given.
        deterministic: whether nothing may depend on the clock.

    Raises:
        ConfigError: two options contradict each other.
    """
    if deterministic and (config.time_s is not None or config.epochs is None):
        given = "it does not go with --time" if config.time_s is not None else "it needs --epochs"
        raise ConfigError(
            f"--deterministic lets nothing depend on the clock, and the learning rate follows the budget: {given}; "
            "give the length of training by --epochs alone"
        )
    time_s = 300.0 if config.time_s is None and config.epochs is None else config.time_s
    return dataclasses.replace(config, time_s=time_s)


def resolve_optimization(config: OptimizationConfig) -> OptimizationConfig:
    """The same options with the learning rate of the optimizer where none was given."""
    rate = config.learning_rate or LEARNING_RATES[config.optimizer]
    return dataclasses.replace(config, learning_rate=rate)
