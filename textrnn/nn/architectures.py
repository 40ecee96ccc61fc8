"""The table of architectures: a `CellSpec` for each recurrent cell says all that the product knows about it.

Training, running without TensorFlow, resuming, sizing and describing follow from the entry. A cell of one's own is one
more entry: in `CELLS`, or in another installed package that has an entry point of the group `textrnn.cells`, whose
name is the name of the cell and whose value is its `CellSpec`. Translators take those that their `--cell` names.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textrnn.base.errors import RunError
from textrnn.base.tasks import named
from textrnn.nn.memory import MemorySizes, memory_sizes

if TYPE_CHECKING:
    import importlib.metadata

    import numpy as np

GROUP = "textrnn.cells"  # of the entry points of packages that bring cells
# A function, or `module:name` of one that is imported when it is first used: reading the table imports no TensorFlow.
Function = Callable[..., Any] | str
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class CellSpec:
    """A recurrent cell.

    Attributes:
        name: what `--arch` and `run.json` call it.
        layer: makes the Keras layer, `layer(units, **options)`. The options are `name`, `return_sequences`,
            `return_state`, `kernel_initializer`, `kernel_regularizer` and those of `recurrent_options`. The names of
            the layer's weights are those of `weights`.
        step: one step in NumPy, `step(weights, projected, state)`: the next state. `projected` float32[width, rows] is
            kernel^T x + bias, `state` holds float32[any, rows]; neither may be changed. `weights` has all others,
            matrices transposed (float32[outputs, inputs]) and vectors as columns (float32[any, 1]).
        weights: the shapes of all weights by name, `weights(inputs, units)`. `kernel` (inputs, width) has to be there.
        states: the names of the arrays that are carried from step to step. The first is the output.
        recurrent_options: those of `recurrent_regularizer`, `recurrent_dropout` and `seed` that `layer` takes.
        both_ways: whether the layer may be one of `--arch bidirectional`. Keras copies it by its config then, so its
            class has to be registered with Keras, and it has to take `go_backwards`.
        prepare: changes the weights before the first step, once: `prepare(arrays)`, named and shaped as `weights` says.
        back: the gradient of a step in NumPy, `back(weights, projected, state, after)`: the arguments of `step`, and
            the gradients with respect to the state after it, in float64. It gives those with respect to `state`, and
            the one with respect to `projected`. Without it, or with `output`, `inspect gradients` refuses the cell.
        output: what is put out after a step, `output(weights, state)`: float32[units, rows]. By default `state[0]`.
        gates: how far its gates are open in a step, for histograms, `gates(weights, projected, state)`: the arguments
            of `step`, and float32[units, rows] from 0 to 1 by name. Without it, it has none.
        begin: the state before a text, `begin(units)`: float32[width] for each state. By default zeros float32[units].
        windows: a `textrnn.nn.numpy.scan.WindowStep`, which reads many texts faster than `step` does.
        configure: the entry for a configuration, `configure(spec, config)`, if the cell has options of its own.
        sizes: given to `layer`, `step`, `output` and `gates` as `sizes=`, unless it is None.
        more_kept: numbers beside those of `projected` that training keeps of each step and row.
        speed: how many times as fast as an LSTM of equal units a training step is, without `more_layers`.
        rate_share: the best learning rate as a share of that of an LSTM.
        more_layers: layers that `--size` adds: a gate that does not see the state learns of it from the layer below.

    Example:
        >>> CELLS["gru"].weights(5, 7)
        {'kernel': (5, 21), 'recurrent_kernel': (7, 21), 'bias': (2, 21)}
    """

    name: str
    layer: Function
    step: Function
    weights: Callable[[int, int], Shapes]
    states: tuple[str, ...] = ("h",)
    recurrent_options: tuple[str, ...] = ()
    both_ways: bool = False
    prepare: Function | None = None
    back: Function | None = None
    output: Function | None = None
    gates: Function | None = None
    begin: Callable[[int], list[np.ndarray]] | None = None
    windows: str | None = None
    configure: Callable[[CellSpec, Any], CellSpec] | None = None
    sizes: Any = None
    more_kept: int = 0
    speed: float = 1.0
    rate_share: float = 1.0
    more_layers: int = 0

    def function(self, role: str) -> Callable[..., Any]:
        """The function of a role: `layer`, `step`, `prepare`, `back`, `output` or `gates`."""
        found = getattr(self, role)
        found = named(found) if isinstance(found, str) else found
        return found if self.sizes is None or role == "prepare" else functools.partial(found, sizes=self.sizes)

    def make_layer(self, units: int, **options: Any) -> Any:
        """The Keras layer; of the options in `recurrent_options`, those that it does not take are left out."""
        taken = {
            name: value
            for name, value in options.items()
            if name not in RECURRENT_OPTIONS or name in self.recurrent_options
        }
        return self.function("layer")(units, **taken)

    def initial_state(self, units: int) -> list[np.ndarray]:
        """The state before a text: float32[width] for each array."""
        import numpy as np  # here, as `--help` reads the table too

        return self.begin(units) if self.begin else [np.zeros(units, np.float32) for _ in self.states]


RECURRENT_OPTIONS = ("recurrent_regularizer", "recurrent_dropout", "seed")
_STEPS = "textrnn.nn.numpy.cells"


def _gated(name: str, layer: str, gates: int, *, recurrent: bool = True, biases: int = 1, **facts: Any) -> CellSpec:
    """The entry of a cell of the project whose kernels have some gates side by side.

    Args:
        name: of the cell, and the beginning of the name of its step.
        layer: the Keras layer.
        gates: their number.
        recurrent: whether the state is multiplied by a recurrent kernel.
        biases: 1 for float32[gates * units], 2 for float32[2, gates * units]: of the input, then of the state.
        facts: other attributes.
    """

    def weights(inputs: int, units: int) -> Shapes:
        width = gates * units
        kernels = {"kernel": (inputs, width), **({"recurrent_kernel": (units, width)} if recurrent else {})}
        return {**kernels, "bias": (width,) if biases == 1 else (biases, width)}

    return CellSpec(
        name,
        layer=f"textrnn.nn.keras.{layer}",
        step=f"{_STEPS}:{name}_step",
        weights=weights,
        recurrent_options=RECURRENT_OPTIONS if recurrent else (),
        both_ways=True,
        back=f"{_STEPS}:{name}_back" if recurrent else None,
        gates=f"{_STEPS}:{name}_gates" if gates > 1 else None,
        windows=f"textrnn.nn.numpy.scan:{name.upper()}",
        **facts,
    )


def _with_memory(spec: CellSpec, config: Any) -> CellSpec:
    """The entry of the memory of a configuration."""
    sizes: MemorySizes = memory_sizes(config)
    states = (("h", "c") if sizes.controller == "lstm" else ("h",)) + ("reads", "memory", "heads")
    return dataclasses.replace(
        spec,
        weights=lambda inputs, units: sizes.weights(inputs),
        states=states,
        begin=lambda units: sizes.initial_state(),
        sizes=sizes,
        more_kept=sum(sizes.pieces) + 2 * sum(sizes.state),
    )


CELLS: dict[str, CellSpec] = {
    spec.name: spec
    for spec in (
        _gated("simple", "recurrent:SimpleRNN", 1, speed=3.0, rate_share=0.3),
        _gated("gru", "recurrent:GRU", 3, biases=2, prepare=f"{_STEPS}:prepare_gru", speed=1.3, rate_share=0.7),
        _gated("lstm", "recurrent:LSTM", 4, states=("h", "c"), prepare=f"{_STEPS}:prepare_lstm"),
        _gated(
            "mingru",
            "minimal:MinGRU",
            2,
            recurrent=False,
            prepare=f"{_STEPS}:prepare_mingru",
            more_layers=2,
            speed=1.2,
            rate_share=1.7,
        ),
        _gated("minlstm", "minimal:MinLSTM", 3, recurrent=False, more_layers=2, speed=0.9, rate_share=1.7),
        CellSpec(
            "memory",
            layer="textrnn.nn.keras.memory:make_memory",
            step="textrnn.nn.numpy.memory:memory_step",
            output="textrnn.nn.numpy.memory:memory_output",
            weights=lambda inputs, units: MemorySizes(units).weights(inputs),
            recurrent_options=("recurrent_regularizer",),
            configure=_with_memory,
            speed=0.2,
            rate_share=0.5,
        ),
    )
}
# Architectures that are no stack of one cell: a chain of layers of which some read both ways, and a fixed random
# network, which has no layers that learn (`textrnn.nn.numpy.reservoir`).
BIDIRECTIONAL, ESN = "bidirectional", "esn"
COMPOSITE = (BIDIRECTIONAL, ESN)


def find_cell(name: str) -> CellSpec | None:
    """The entry of a cell: one of the table, or that of an installed package; None if there is none of that name."""
    if name in CELLS or name in COMPOSITE:
        return CELLS.get(name)
    return _load(name) if name in _installed() else None


def spec_of(name: str, config: Any) -> CellSpec:
    """The entry of a cell that is there, for the options of a configuration."""
    spec = find_cell(name)
    if spec is None:
        raise KeyError(name)
    return spec.configure(spec, config) if spec.configure else spec


@functools.cache
def _installed() -> dict[str, importlib.metadata.EntryPoint]:
    """The entry points by the name of their cell; not read (20 to 50 ms) unless a name is not in the table."""
    import importlib.metadata

    return {entry.name: entry for entry in importlib.metadata.entry_points(group=GROUP)}


@functools.cache
def _load(name: str) -> CellSpec | None:
    """The cell of a package, or None after a warning that names the package."""
    entry = _installed()[name]
    try:
        spec = entry.load()
        if not isinstance(spec, CellSpec) or spec.name != name:
            raise TypeError(f"{entry.value} is no CellSpec of that name")
    except Exception as error:
        from textrnn.base.errors import warn

        package = entry.dist.name if entry.dist else entry.value
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        warn(f"the cell {name} of the package {package} cannot be used ({reason}): update or remove that package")
        return None
    return spec


class CellNames(Sequence[str]):
    """The names that an option takes: those of cells, also of installed packages, and some others.

    Its length and its items are the names of the table only, so that help costs no look at the installed packages.

    Args:
        others: further names.
        both_ways: whether only cells that can read both ways are meant.

    Example:
        >>> names = CellNames("bidirectional", both_ways=True)
        >>> "memory" in names, "lstm" in names, len(names)
        (False, True, 6)
    """

    def __init__(self, *others: str, both_ways: bool = False) -> None:
        self._both_ways = both_ways
        self._names = (*(spec.name for spec in CELLS.values() if self._fits(spec)), *others)

    def _fits(self, spec: CellSpec | None) -> bool:
        return spec is not None and (spec.both_ways or not self._both_ways)

    def __contains__(self, name: object) -> bool:
        return name in self._names or (isinstance(name, str) and self._fits(find_cell(name)))

    def __getitem__(self, place: Any) -> Any:
        return self._names[place]

    def __len__(self) -> int:
        return len(self._names)

    def __str__(self) -> str:
        """All names, for a message: a cell of another package has to be installed to be one of them."""
        installed = [name for name in _installed() if name not in self._names and name in self]
        return ", ".join((*self._names, *installed)) + ", or a cell of another package, which has to be installed"


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
    for group in groups:
        for name in (group.get("arch"), group.get("cell")) if isinstance(group, dict) else ():
            if isinstance(name, str) and name not in CellNames(*COMPOSITE):
                raise RunError(
                    f"{path} was trained with the cell {name!r:.60}, which is not there: install the package that "
                    f"brings it (by an entry point of the group {GROUP})"
                )
