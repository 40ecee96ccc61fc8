"""The options of `--arch memory`, and the sizes that follow from them: the same for Keras and for NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textrnn.base.config import option
from textrnn.base.errors import ConfigError

CONTROLLERS = ("lstm", "dense")
MEMORY_DEFAULTS = dict(memory_slots=32, memory_width=16, memory_heads=1, memory_controller="lstm")
SHIFTS = 3  # by -1, 0 or 1 slots
EMPTY = 1e-6  # what each number of a memory is before anything is written
TINY = 1e-6  # added to a weight before its logarithm is taken
SOFT = 1e-4  # added to the squares of lengths, so that the similarity to an empty slot is 0 and not undefined


def slots_option() -> Any:
    """Slots of the memory."""
    return option(None, "Slots of the memory of --arch memory.  [default: 32]", low=2, high=4096)


def width_option() -> Any:
    """Width of a slot."""
    return option(None, "Numbers in a slot of it.  [default: 16]", low=1, high=4096)


def heads_option() -> Any:
    """Number of heads."""
    return option(None, "Heads that read it, and as many that write to it.  [default: 1]", low=1, high=64)


def controller_option() -> Any:
    """What drives the heads."""
    return option(
        None,
        "What drives the heads: an LSTM, or one layer without a state of its own.  [default: lstm]",
        choices=CONTROLLERS,
    )


def settle_memory(config: Any) -> None:
    """Gives the memory options of a new configuration their defaults if `arch` is `memory`.

    Raises:
        ConfigError: it is not, and one of them was given.
    """
    for name, default in MEMORY_DEFAULTS.items():
        if config.arch == "memory" and getattr(config, name) is None:
            object.__setattr__(config, name, default)
        elif config.arch != "memory" and getattr(config, name) is not None:
            raise ConfigError(f"--{name.replace('_', '-')} goes with --arch memory, but --arch is {config.arch}")


@dataclass(frozen=True)
class MemorySizes:
    """The sizes of a controller with an external memory.

    Attributes:
        units: of the controller.
        slots: of the memory.
        width: numbers in a slot.
        heads: that read, and as many that write.
        controller: `lstm` or `dense`.

    Example:
        >>> MemorySizes(7, slots=4, width=3, heads=2).state
        [7, 7, 6, 12, 16]
    """

    units: int
    slots: int = 32
    width: int = 16
    heads: int = 1
    controller: str = "lstm"

    @property
    def gates(self) -> int:
        """Gates of the controller."""
        return 4 if self.controller == "lstm" else 1

    @property
    def reads(self) -> int:
        """Numbers that all heads together read in a step."""
        return self.heads * self.width

    @property
    def recurrent(self) -> int:
        """What the controller sees of the step before: its own output, if it is an LSTM, and what was read."""
        return self.reads + (self.units if self.controller == "lstm" else 0)

    @property
    def state(self) -> list[int]:
        """Widths of the states: h, c (of an LSTM), what was read, the memory, and the weights of all heads on slots."""
        own = [self.units] * (2 if self.controller == "lstm" else 1)
        return [*own, self.reads, self.slots * self.width, 2 * self.heads * self.slots]

    @property
    def pieces(self) -> list[int]:
        """What the controller tells the heads, piece by piece, reading heads before writing ones.

        Keys of all heads; what writing heads add, and erase; and of all heads gates, strengths, sharpening, shifts.
        """
        all_heads = 2 * self.heads
        return [all_heads * self.width, self.reads, self.reads, all_heads, all_heads, all_heads, all_heads * SHIFTS]


def memory_sizes(config: Any) -> MemorySizes:
    """The sizes that a configuration with `arch` memory asks for."""
    return MemorySizes(
        config.units, config.memory_slots, config.memory_width, config.memory_heads, config.memory_controller
    )
