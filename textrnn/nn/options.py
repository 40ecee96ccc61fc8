"""The options of a language model's network: its architecture and sizes."""

from __future__ import annotations

from dataclasses import dataclass

from textrnn.base.config import Checked, option
from textrnn.base.errors import ConfigError
from textrnn.nn.architectures import COMPOSITES, MATRIX, CellNames, cell_spec, is_cell
from textrnn.nn.memory_options import controller_option, heads_option, settle_memory, slots_option, width_option
from textrnn.nn.reservoir_options import ESN
from textrnn.nn.reservoir_options import UNITS as RESERVOIR_UNITS

ARCHITECTURES = CellNames(*COMPOSITES)
SIZES = ("auto", "small", "medium", "large")


@dataclass(frozen=True)
class ModelConfig(Checked):
    """What the network looks like; the vocabulary's size comes from the tokenizer."""

    arch: str = option("lstm", "Architecture; esn is an echo state network.", choices=ARCHITECTURES)
    size: str | None = option(
        None,
        "Units, layers, batch, dropout and learning rate together; auto looks at the machine, the text and --time.  "
        "[default: auto, when no single one of them is given]",
        choices=SIZES,
    )
    units: int = option(
        None,
        "Units in each recurrent layer, in each direction.  [default: 256, 128 for bidirectional, 2,000 for esn]",
        low=1,
        high=16_384,
    )
    layers: int = option(2, "Recurrent layers.", low=1, high=64)
    cells: str | None = option(
        None,
        "Layers of the bidirectional architecture one by one, such as simple,bi-gru (the default with two "
        "layers) or bi-lstm,bi-lstm.",
    )
    input: str = option(
        "embedding", "Learn a vector for each token, or feed it as a one-hot vector.", choices=("embedding", "one-hot")
    )
    embed: int = option(64, "Width of the embedding.", low=1, high=16_384)
    dropout: float = option(0.1, "Share of activations dropped between layers while training.", low=0, high=0.95)
    recurrent_dropout: float = option(
        0.0, "Share of the state dropped within a layer while training.", low=0, high=0.95
    )
    l1: float = option(0.0, "L1 penalty on the weight matrices of the recurrent layers.", low=0, high=1)
    l2: float = option(0.0, "L2 penalty on the weight matrices of the recurrent layers.", low=0, high=1)
    tied: bool = option(False, "Use the embedding as output matrix too.")
    residual: bool = option(False, "Add the input of each layer after the first to its output.")
    memory_slots: int | None = slots_option()
    memory_width: int | None = width_option()
    memory_heads: int | None = heads_option()
    memory_controller: str | None = controller_option()

    def __post_init__(self) -> None:
        if self.units is None:  # here and not in Config.resolve: models are built from this group alone
            units = 128 if self.arch == "bidirectional" else RESERVOIR_UNITS if self.arch == ESN else 256
            object.__setattr__(self, "units", units)
        if self.arch == ESN:
            object.__setattr__(self, "layers", 1)
        settle_memory(self)
        super().__post_init__()
        if self.tied and self.input == "one-hot":
            raise ConfigError("--tied shares the embedding, and --input one-hot has none: leave out one of the two")
        if self.cells is not None and self.arch != "bidirectional":
            raise ConfigError(f"--cells lists the layers of --arch bidirectional, but --arch is {self.arch}")
        cells = {layer.cell for layer in layer_cells(self)}
        if self.recurrent_dropout and not any(is_cell(cell) and cell_spec(cell).recurrent == MATRIX for cell in cells):
            raise ConfigError(
                f"--recurrent-dropout is {self.recurrent_dropout:g}: {' and '.join(sorted(cells))} drops nothing of a "
                "state; use --dropout"
            )


@dataclass(frozen=True)
class LayerCell:
    """One recurrent layer: its cell, and whether it reads in both directions."""

    cell: str
    both_ways: bool


def layer_cells(config: ModelConfig) -> list[LayerCell]:
    """The recurrent layers of an architecture, first to last.

    Example:
        >>> layer_cells(ModelConfig(arch="bidirectional"))
        [LayerCell(cell='simple', both_ways=False), LayerCell(cell='gru', both_ways=True)]
    """
    if config.arch != "bidirectional":
        return [LayerCell(config.arch, False)] * config.layers
    chain = ",".join(["simple"] * (config.layers > 1) + ["bi-gru"] * max(1, config.layers - 1))
    names = [name.strip() for name in (chain if config.cells is None else config.cells).split(",")]
    for name in names:
        if not is_cell(name.removeprefix("bi-")):
            choices = ", ".join([*CellNames(), *("bi-" + cell for cell in CellNames())])
            raise ConfigError(f"--cells names a layer {name!r}: expected a list of {choices}")
    if not names[-1].startswith("bi-"):
        raise ConfigError(f"--cells ends with {names[-1]!r}: the last layer of bidirectional reads both ways (bi-...)")
    return [LayerCell(name.removeprefix("bi-"), name.startswith("bi-")) for name in names]
