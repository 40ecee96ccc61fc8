"""The table of recurrent cells: an entry holds all that is known about one.

A new cell is one `CellSpec`: in `CELLS`, or brought by another package under the entry point `textrnn.cells`. Layers
and steps stand here by dotted names, or behind functions, so that reading the table imports no TensorFlow and no NumPy.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError, RunError
from textrnn.base.tasks import named

ENTRY_POINTS = "textrnn.cells"
MATRIX, VECTOR = "matrix", "vector"


@dataclass(frozen=True)
class CellSpec:
    """A recurrent cell.

    Attributes:
        name: what `--arch` calls it.
        layer: gives the Keras layer's class, or a function of the same arguments: `units`, `name`,
            `kernel_initializer`, `kernel_regularizer`, `return_sequences`, `return_state`, and for a recurrent matrix
            `recurrent_dropout`, `recurrent_regularizer` and `seed`. A function without arguments, or `module:name`.
        step: one step in NumPy, a function of a `textrnn.nn.numpy.cells.Cell`, the projected input float32[gates *
            units, rows] and the state, a list of float32[units, rows]; it gives the next state, the output first. A
            function, or `module:name`.
        gates: its kernel is float32[inputs, gates * units], the gates side by side; its bias float32[gates * units].
        states: arrays that it carries from step to step, the output first.
        recurrent: what the state is multiplied by: `matrix` for float32[units, gates * units], `vector` for
            float32[gates * units], None for nothing.
        biases: 1, or 2 for float32[2, gates * units]: of the input, then of the state.
        halved: for each gate whether its weights are halved for the NumPy step, which writes a sigmoid as a tanh.
        window_step: a faster step for texts side by side, see `textrnn.nn.numpy.scan`; without it `step` is used.
        more_layers: layers that `--size` adds: a gate that does not see the state learns of it from the layer below.
        speed: how many times as fast as an LSTM of equal units and without these layers a training step is.
        rate_share: the best learning rate as a share of that of an LSTM.
    """

    name: str
    layer: str | Callable[[], Any]
    step: str | Callable[..., Any]
    gates: int = 1
    states: int = 1
    recurrent: str | None = MATRIX
    biases: int = 1
    halved: tuple[bool, ...] = ()
    window_step: str | None = None
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
        recurrent = {MATRIX: (units, width), VECTOR: (width,), None: ()}[self.recurrent]
        of_state: dict[str, tuple[int, ...]] = {"recurrent_kernel": recurrent} if recurrent else {}
        return {"kernel": (inputs, width), **of_state, "bias": (width,) if self.biases == 1 else (2, width)}

    def make_layer(self) -> Any:
        """The class of the Keras layer, or what stands for it; imports TensorFlow."""
        return named(self.layer) if isinstance(self.layer, str) else self.layer()

    def numpy_step(self) -> Callable[..., Any]:
        """The step in NumPy."""
        step: Callable[..., Any] = named(self.step) if isinstance(self.step, str) else self.step
        return step


_KERAS, _MINIMAL, _NUMPY, _SCAN = (
    f"textrnn.nn.{module}:" for module in ("keras.recurrent", "keras.minimal", "numpy.cells", "numpy.scan")
)
# Gates in the order of the layers: LSTM i, f, c, o; GRU z, r, h; minGRU z, h; minLSTM f, i, h.
CELLS = {
    spec.name: spec
    for spec in (
        CellSpec(
            "simple",
            layer=_KERAS + "SimpleRNN",
            step=_NUMPY + "simple_step",
            window_step=_SCAN + "SIMPLE",
            speed=3.0,
            rate_share=0.3,
        ),
        CellSpec(
            "gru",
            layer=_KERAS + "GRU",
            step=_NUMPY + "gru_step",
            gates=3,
            biases=2,
            halved=(True, True, False),
            window_step=_SCAN + "GRU",
            speed=1.3,
            rate_share=0.7,
        ),
        CellSpec(
            "lstm",
            layer=_KERAS + "LSTM",
            step=_NUMPY + "lstm_step",
            gates=4,
            states=2,
            halved=(True, True, False, True),
            window_step=_SCAN + "LSTM",
        ),
        CellSpec(
            "mingru",
            layer=_MINIMAL + "MinGRU",
            step=_NUMPY + "mingru_step",
            gates=2,
            recurrent=None,
            halved=(True, False),
            window_step=_SCAN + "MINGRU",
            more_layers=2,
            speed=1.2,
            rate_share=1.7,
        ),
        CellSpec(
            "minlstm",
            layer=_MINIMAL + "MinLSTM",
            step=_NUMPY + "minlstm_step",
            gates=3,
            recurrent=None,
            window_step=_SCAN + "MINLSTM",
            more_layers=2,
            speed=0.9,
            rate_share=1.7,
        ),
    )
}
COMPOSITES = ("bidirectional", "memory", "esn")  # architectures that are no stack of one of these
# A controller with a memory: what the size rule needs of it.
MEMORY = CellSpec("memory", layer="textrnn.nn.keras.memory:Memory", step="", gates=4, speed=0.2, rate_share=0.5)


@functools.cache
def cells_of_packages() -> dict[str, CellSpec]:
    """The cells that other packages bring, by name; one that cannot be loaded costs a line on standard error."""
    from importlib.metadata import entry_points

    found = {}
    for point in entry_points(group=ENTRY_POINTS):
        try:
            spec = point.load()
            if not isinstance(spec, CellSpec) or spec.name in CELLS:
                raise TypeError(f"expected a CellSpec with a name of its own, found {spec!r:.80}")
            found[spec.name] = spec
        except Exception as error:  # of a package that is not ours
            sys.stderr.write(f"warning: the cell {point.name!r} of another package cannot be used: {error!r:.120}\n")
    return found


def cell_spec(name: str) -> CellSpec:
    """The cell of a name.

    Raises:
        ConfigError: there is none.

    Example:
        >>> cell_spec("lstm").states
        2
    """
    spec = CELLS.get(name) or cells_of_packages().get(name)
    if spec is None:
        raise ConfigError(f"there is no cell {name!r:.60}: the package that brings it is not installed")
    return spec


def is_cell(name: str) -> bool:
    """Whether there is a cell of that name."""
    return name in CELLS or name in cells_of_packages()


def check_cells(details: Mapping[str, Any], path: Path) -> None:
    """Refuses a run of a cell that is not there.

    Args:
        details: the content of `run.json`.
        path: of the run.

    Raises:
        RunError: no installed package brings it.
    """
    config = details.get("config")
    groups = [config.get(name) for name in ("model", "encoder")] if isinstance(config, dict) else []
    for group in filter(None, groups):
        names = [group.get(name) for name in ("arch", "cell")] if isinstance(group, dict) else []
        for name in names:
            if isinstance(name, str) and name not in CellNames(*COMPOSITES):
                raise RunError(f"{path} has the cell {name!r:.60}, which is not installed: install what brings it")


class CellNames:
    """The names of all cells, and of further architectures: what an option may be. Packages are looked at late.

    Args:
        more: the further names.
    """

    def __init__(self, *more: str) -> None:
        self._more = more

    def __contains__(self, name: object) -> bool:
        return name in self._more or (isinstance(name, str) and is_cell(name))

    def __iter__(self) -> Iterator[str]:
        yield from (*CELLS, *self._more, *cells_of_packages())
