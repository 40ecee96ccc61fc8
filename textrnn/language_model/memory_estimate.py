"""Whether training will fit into memory, told before it begins."""

from __future__ import annotations

import math

from textrnn.base.errors import ConfigError
from textrnn.base.machine import memory_bytes
from textrnn.language_model.options import Config
from textrnn.nn.architectures import ESN
from textrnn.nn.options import layer_cells

COPIES = 5  # of each weight: itself, its gradient, the optimizer's two averages, and the best one so far
KEPT = 3  # times the gates' width that a layer keeps of each step, for the backward pass


def estimated_bytes(config: Config, vocab_size: int) -> int:
    """About how much memory training takes, without TensorFlow itself (0.5 GB).

    Args:
        config: resolved options.
        vocab_size: number of tokens.

    Example:
        >>> estimated_bytes(Config().resolve(), 67) // 10**6
        69
    """
    model, data = config.model, config.data
    if model.arch == ESN:  # sums of products in float64, three times while they are solved; states and scores
        return 8 * 3 * model.units * (model.units + vocab_size) + 4 * 60_000_000
    batch, window, units = data.batch or 1, data.window or 1, model.units
    weights, activations, width = vocab_size * model.embed, 0, model.embed
    for cell in layer_cells(model):
        ways, shapes = 1 + cell.both_ways, cell.spec.weights(width, units)
        weights += ways * sum(math.prod(shape) for shape in shapes.values())
        activations += ways * KEPT * (shapes["kernel"][1] + cell.spec.more_kept) * window * batch
        width = ways * units
    predictions = batch * (1 if data.target == "last" else window)
    weights += width * (model.embed if model.tied else vocab_size)
    return 4 * (COPIES * weights + activations + 3 * predictions * vocab_size)


def check_memory(config: Config, vocab_size: int) -> None:
    """Refuses options that cannot fit.

    Raises:
        ConfigError: training would need more memory than the machine has.
    """
    needed, total = estimated_bytes(config, vocab_size), memory_bytes()
    if total and needed > total:
        raise ConfigError(
            f"training would need about {needed / 1e9:,.0f} GB of memory and this machine has {total / 1e9:,.0f}: use "
            f"fewer --units ({config.model.units}), a smaller --batch ({config.data.batch}), --window "
            f"({config.data.window}) or --vocab-size ({vocab_size})"
        )
