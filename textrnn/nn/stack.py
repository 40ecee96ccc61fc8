"""The weights of a network that carries its state, put apart: what other programs and other runtimes are made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textrnn.base.errors import ConfigError
from textrnn.nn.options import ModelConfig, layer_cells

# How many states the cells have that a step elsewhere is written for, see `textrnn.nn.keras.stack_step`.
STATES = {"simple": 1, "gru": 1, "lstm": 2, "mingru": 1, "minlstm": 1}
LARGEST_TABLE = 1 << 22  # numbers: what the first layer makes of each token is looked up in a table up to this size


@dataclass(frozen=True)
class Stack:
    """A stack of recurrent layers between an embedding and an output layer; all arrays are float32.

    Attributes:
        cell: a name of `STATES`.
        units: width of each layer.
        embeddings: [vocab, embed]; None for one-hot vectors.
        layers: `kernel` [inputs, gates * units], `bias` and perhaps `recurrent_kernel`, shaped as Keras has them.
        output: [units + num_conditions, vocab + gates]: to logits, and to those of the weights of a mixture.
        output_bias: [vocab + gates].
        vocab_size: number of tokens.
        residual: whether the input of each layer after the first is added to its output.
        num_conditions: numbers that stand behind the vector of each token and behind the output of the last layer.
    """

    cell: str
    units: int
    embeddings: np.ndarray | None
    layers: tuple[dict[str, np.ndarray], ...]
    output: np.ndarray
    output_bias: np.ndarray
    vocab_size: int
    residual: bool
    num_conditions: int

    @property
    def num_states(self) -> int:
        """Arrays of the state, float32[rows, units] each."""
        return STATES[self.cell] * len(self.layers)

    @property
    def table(self) -> np.ndarray | None:
        """What the first layer makes of each token, [vocab, gates * units]; None where that would be large."""
        kernel, bias = self.layers[0]["kernel"], self.layers[0]["bias"]
        if self.embeddings is not None and self.vocab_size * kernel.shape[1] > LARGEST_TABLE:
            return None
        inputs = kernel[: len(kernel) - self.num_conditions]
        projected = inputs if self.embeddings is None else self.embeddings @ inputs
        table: np.ndarray = projected + (bias if bias.ndim == 1 else bias[0])
        return table


def check_stack(config: ModelConfig) -> None:
    """Raises ConfigError where there is no `Stack` of an architecture."""
    if config.arch not in STATES:
        raise ConfigError(f"--arch is {config.arch}: this takes {', '.join(STATES)} alone")


def make_stack(
    config: ModelConfig,
    vocab_size: int,
    arrays: dict[str, np.ndarray],
    *,
    num_conditions: int = 0,
    gated: bool = False,
) -> Stack:
    """The stack of a network.

    Args:
        config: its architecture.
        vocab_size: number of tokens.
        arrays: the content of `model.safetensors`, whose names and shapes have been checked.
        num_conditions: of documents.
        gated: whether the weights of a mixture are put out behind the logits, where there are some.

    Raises:
        ConfigError: see `check_stack`.
    """
    check_stack(config)
    embeddings = arrays.get("embedding/embeddings")
    if config.tied:
        output = np.asarray(embeddings).T
        output = arrays["projection/kernel"] @ output if "projection/kernel" in arrays else output
    else:
        output = arrays["output/kernel"]
    bias = arrays["output/bias"]
    if gated and "gate/kernel" in arrays:
        output = np.concatenate([output, arrays["gate/kernel"]], 1)
        bias = np.concatenate([bias, arrays["gate/bias"]])
    layers = [
        {name.partition("/")[2]: array for name, array in arrays.items() if name.startswith(f"layer{number}/")}
        for number in range(len(layer_cells(config)))
    ]
    return Stack(
        config.arch,
        config.units,
        embeddings,
        tuple(layers),
        output,
        bias,
        vocab_size,
        config.residual,
        num_conditions,
    )
