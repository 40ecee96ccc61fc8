"""The sizes of a controller with an external memory: the same for Keras and for NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

SHIFTS = 3  # by -1, 0 or 1 slots
EMPTY = 1e-6  # what each number of a memory is before anything is written
TINY = 1e-6  # added to a weight before its logarithm is taken
SOFT = 1e-4  # added to the squares of lengths, so that the similarity to an empty slot is 0 and not undefined


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

    def weights(self, inputs: int) -> dict[str, tuple[int, ...]]:
        """The shapes of all weights by name, in the order of the layer."""
        gates, told = self.gates * self.units, sum(self.pieces)
        return dict(
            kernel=(inputs, gates),
            recurrent_kernel=(self.recurrent, gates),
            bias=(gates,),
            head_kernel=(self.units, told),
            head_bias=(told,),
            read_kernel=(self.reads, self.units),
        )

    def initial_state(self) -> list[np.ndarray]:
        """The state before a text: an empty memory, each head at its first slot; float32[width] for each state."""
        import numpy as np

        *begin, memory, heads = (np.zeros(width, np.float32) for width in self.state)
        heads[:: self.slots] = 1
        return [*begin, memory + np.float32(EMPTY), heads]


def memory_sizes(config: Any) -> MemorySizes:
    """The sizes that a configuration with `arch` memory asks for."""
    return MemorySizes(
        config.units, config.memory_slots, config.memory_width, config.memory_heads, config.memory_controller
    )
