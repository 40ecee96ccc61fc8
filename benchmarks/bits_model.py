"""A small model for tasks on vectors of bits: one recurrent layer, and a logit for each bit at each step."""

from __future__ import annotations

from typing import Any

import keras

from textrnn.nn.keras.memory import Memory
from textrnn.nn.keras.recurrent import LSTM


def build_bit_model(cell: str, inputs: int, outputs: int, *, units: int, random_seed: int = 0, **memory: Any) -> Any:
    """Builds the model with its weights made; equal seeds give equal weights.

    Args:
        cell: `memory` or `lstm`.
        inputs: width of the inputs.
        outputs: bits to tell at each step.
        units: of the layer.
        random_seed: seed of the initial weights.
        memory: further options of `textrnn.nn.keras.memory.Memory`, for that cell.

    Returns:
        a `keras.Model`: float32[batch, steps, inputs] -> logits float32[batch, steps, outputs].

    Example:
        >>> build_bit_model("memory", 6, 4, units=7, slots=5, width=3).output_shape
        (None, None, 4)
    """
    keras.utils.set_random_seed(random_seed)
    layer = Memory(units, return_sequences=True, **memory) if cell == "memory" else LSTM(units, return_sequences=True)
    return keras.Sequential([keras.Input((None, inputs)), layer, keras.layers.Dense(outputs)])
