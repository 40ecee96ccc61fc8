"""What is known about each recurrent cell, in one place; plain facts, so that any module may ask.

A new cell needs an entry here, a Keras layer in `textrnn.nn.keras.cells.LAYERS`, its step in `textrnn.nn.numpy.cells`
and, for classifiers, in `textrnn.nn.numpy.scan`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CellFacts:
    """A recurrent cell.

    Attributes:
        gates: its kernel is float32[inputs, gates * units], the gates side by side.
        states: arrays that it carries from step to step, the output first.
        recurrent: whether the state is multiplied by a recurrent kernel, float32[units, gates * units].
        biases: 1 for float32[gates * units], 2 for float32[2, gates * units]: of the input, then of the state.
        more_layers: layers that `--size` adds: a gate that does not see the state learns of it from the layer below.
        speed: how many times as fast as an LSTM of equal units and without these layers a training step is.
        rate_share: the best learning rate as a share of that of an LSTM.
    """

    gates: int
    states: int = 1
    recurrent: bool = True
    biases: int = 1
    more_layers: int = 0
    speed: float = 1.0
    rate_share: float = 1.0

    def shapes(self, inputs: int, units: int) -> dict[str, tuple[int, ...]]:
        """The weights by name.

        Example:
            >>> CELLS["gru"].shapes(5, 7)
            {'kernel': (5, 21), 'recurrent_kernel': (7, 21), 'bias': (2, 21)}
        """
        width = self.gates * units
        recurrent = {"recurrent_kernel": (units, width)} if self.recurrent else {}
        return {"kernel": (inputs, width), **recurrent, "bias": (width,) if self.biases == 1 else (2, width)}


CELLS = {
    "simple": CellFacts(gates=1, speed=3.0, rate_share=0.3),
    "gru": CellFacts(gates=3, biases=2, speed=1.3, rate_share=0.7),
    "lstm": CellFacts(gates=4, states=2),
    "mingru": CellFacts(gates=2, recurrent=False, more_layers=2, speed=1.2, rate_share=1.7),
    "minlstm": CellFacts(gates=3, recurrent=False, more_layers=2, speed=0.9, rate_share=1.7),
}
# Of the architecture that is a controller with a memory (`textrnn.nn.memory_options`), and no stack of one of these.
MEMORY = CellFacts(gates=4, speed=0.2, rate_share=0.5)
