"""The options of a language model's network: its architecture and sizes; those of a memory are for classifiers too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from textrnn.base.config import NETWORK, Checked, option
from textrnn.base.errors import ConfigError
from textrnn.nn.architectures import BIDIRECTIONAL, ESN, CellNames, CellSpec, spec_of

SIZES = ("auto", "small", "medium", "large")
RESERVOIR_UNITS = 2000  # by default: as many as a few minutes and one or two million characters are good for
MEMORY_DEFAULTS = dict(memory_slots=32, memory_width=16, memory_heads=1, memory_controller="lstm")


def memory_option(name: str) -> Any:
    """The option of a memory of this name, without `memory_`, for the group of a language model or a classifier."""
    if name == "slots":
        return option(None, "Slots of the memory of --arch memory.  [default: 32]", low=2, high=4096)
    if name == "width":
        return option(None, "Numbers in a slot of it.  [default: 16]", low=1, high=4096)
    if name == "heads":
        return option(None, "Heads that read it, and as many that write to it.  [default: 1]", low=1, high=64)
    help = "What drives the heads: an LSTM, or one layer without a state of its own.  [default: lstm]"
    return option(None, help, choices=("lstm", "dense"))


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
class ModelConfig(Checked):
    """What the network looks like; the vocabulary's size comes from the tokenizer."""

    section = NETWORK

    arch: str = option(
        "lstm",
        "Architecture; esn is an echo state network. Cells of installed packages go by their names.",
        choices=CellNames(BIDIRECTIONAL, ESN),
        first=True,
    )
    size: str | None = option(
        None,
        "Units, layers, batch, dropout and learning rate together; auto looks at the machine, the text and --time.  "
        "[default: auto, when no single one of them is given]",
        choices=SIZES,
        first=True,
    )
    units: int = option(
        None,
        "Units in each recurrent layer, in each direction.  [default: 256, 128 for bidirectional, 2,000 for esn]",
        low=1,
        high=16_384,
        first=True,
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
    embed: int = option(64, "Width of the embedding; 128 where it is the output matrix too.", low=1, high=16_384)
    dropout: float = option(0.1, "Share of activations dropped between layers while training.", low=0, high=0.95)
    recurrent_dropout: float = option(
        0.0, "Share of the state dropped within a layer while training.", low=0, high=0.95
    )
    l1: float = option(0.0, "L1 penalty on the weight matrices of the recurrent layers.", low=0, high=1)
    l2: float = option(0.0, "L2 penalty on the weight matrices of the recurrent layers.", low=0, high=1)
    tied: bool = option(
        False,
        "Use the embedding as output matrix too.  [default: with a vocabulary of 1,000 tokens or more]",
        flag="--tied/--no-tied",
    )
    residual: bool = option(False, "Add the input of each layer after the first to its output.")
    memory_slots: int | None = memory_option("slots")
    memory_width: int | None = memory_option("width")
    memory_heads: int | None = memory_option("heads")
    memory_controller: str | None = memory_option("controller")

    def __post_init__(self) -> None:
        if self.units is None:  # here and not in Config.resolve: models are built from this group alone
            units = 128 if self.arch == BIDIRECTIONAL else RESERVOIR_UNITS if self.arch == ESN else 256
            object.__setattr__(self, "units", units)
        if self.arch == ESN:
            object.__setattr__(self, "layers", 1)
        settle_memory(self)
        super().__post_init__()
        if self.tied and self.input == "one-hot":
            raise ConfigError("--tied shares the embedding, and --input one-hot has none: leave out one of the two")
        if self.cells is not None and self.arch != BIDIRECTIONAL:
            raise ConfigError(f"--cells lists the layers of --arch bidirectional, but --arch is {self.arch}")
        layers = layer_cells(self)
        if self.recurrent_dropout and not any("recurrent_dropout" in layer.spec.recurrent_options for layer in layers):
            names = sorted({layer.cell for layer in layers}) or [self.arch]
            raise ConfigError(
                f"--recurrent-dropout is {self.recurrent_dropout:g}: {' and '.join(names)} drops nothing of a state; "
                "use --dropout"
            )

    @property
    def embedding_stddev(self) -> float:
        """The standard deviation of the numbers that embeddings begin with.

        An output matrix of as large ones would be sure of tokens at random: two minutes of Journey to the West came to
        4.74 nats per token where a tied matrix began with 1, to 4.33 with 0.1 or 0.2.
        """
        return 0.1 if self.tied else 1.0


@dataclass(frozen=True)
class LayerCell:
    """One recurrent layer: its cell, whether it reads in both directions, and the entry of the cell."""

    cell: str
    both_ways: bool
    spec: CellSpec = field(repr=False, compare=False)


def layer_cells(config: ModelConfig) -> list[LayerCell]:
    """The recurrent layers of an architecture, first to last; none of an echo state network.

    Example:
        >>> layer_cells(ModelConfig(arch="bidirectional"))
        [LayerCell(cell='simple', both_ways=False), LayerCell(cell='gru', both_ways=True)]
    """
    if config.arch == ESN:
        return []
    if config.arch != BIDIRECTIONAL:
        return [LayerCell(config.arch, False, spec_of(config.arch, config))] * config.layers
    chain = ",".join(["simple"] * (config.layers > 1) + ["bi-gru"] * max(1, config.layers - 1))
    names = [name.strip() for name in (chain if config.cells is None else config.cells).split(",")]
    known = CellNames(both_ways=True)
    for name in names:
        if name.removeprefix("bi-") not in known:
            choices = ", ".join([*known, *("bi-" + cell for cell in known)])
            raise ConfigError(f"--cells names a layer {name!r}: expected a list of {choices}")
    if not names[-1].startswith("bi-"):
        raise ConfigError(f"--cells ends with {names[-1]!r}: the last layer of bidirectional reads both ways (bi-...)")
    cells = [(name.removeprefix("bi-"), name.startswith("bi-")) for name in names]
    return [LayerCell(cell, both_ways, spec_of(cell, config)) for cell, both_ways in cells]
