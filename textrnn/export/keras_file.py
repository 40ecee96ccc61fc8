"""A Keras model of stock layers alone, which loads where textrnn is not installed."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from textrnn.nn.options import ModelConfig, layer_cells

LAYERS = {"simple": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}
WEIGHTS = ("kernel", "recurrent_kernel", "bias")


def build(config: ModelConfig, vocab_size: int, arrays: dict[str, np.ndarray]) -> Any:
    """The model.

    Args:
        config: the architecture, of the cells of `LAYERS`.
        vocab_size: number of tokens.
        arrays: the content of `model.safetensors`.

    Returns:
        from ids int32[batch, steps] to logits float32[batch, steps, vocab] from an empty state on; where layers read
        both ways, to logits float32[batch, vocab] of the token after the window.
    """
    vectors = arrays.get("embedding/embeddings", np.eye(vocab_size, dtype=np.float32))
    ids = keras.Input((None,), dtype="int32", name="ids")
    embedding = keras.layers.Embedding(*vectors.shape, name="embedding")
    hidden, cells = embedding(ids), layer_cells(config)
    embedding.set_weights([vectors])
    for number, cell in enumerate(cells):
        last = number == len(cells) - 1
        layer = LAYERS[cell.cell](config.units, return_sequences=not (cell.both_ways and last), name=f"layer{number}")
        ways = [layer]
        if cell.both_ways:
            layer = keras.layers.Bidirectional(layer, name=f"layer{number}")
        before, hidden = hidden, layer(hidden)
        if cell.both_ways:
            ways = [layer.forward_layer, layer.backward_layer]
        for way, name in zip(ways, ("/forward", "/backward") if cell.both_ways else ("",), strict=True):
            way.set_weights([arrays[f"layer{number}{name}/{weight}"] for weight in WEIGHTS])
        if config.residual and number and before.shape == hidden.shape:
            hidden = keras.layers.Add(name=f"residual{number}")([hidden, before])
    output = keras.layers.Dense(vocab_size, name="logits")
    logits = output(hidden)
    kernel = arrays.get("output/kernel", vectors.T)
    if "projection/kernel" in arrays:
        kernel = arrays["projection/kernel"] @ kernel
    output.set_weights([kernel, arrays["output/bias"]])
    return keras.Model(ids, logits, name="language_model")
