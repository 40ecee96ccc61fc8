"""The networks of a classifier as one Keras model of stock layers, which loads where textrnn is not installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from textrnn.classifier.options import EncoderConfig
from textrnn.export.keras_file import LAYERS, WEIGHTS

Named = Mapping[str, np.ndarray]


def build(config: EncoderConfig, members: Sequence[Named], temperature: float, *, several: bool) -> Any:
    """The model.

    Args:
        config: the architecture, of the cells of `LAYERS`.
        members: the arrays of each network.
        temperature: what the mean of their outputs is divided by.
        several: whether a text may have several labels.

    Returns:
        from ids int32[rows, steps], texts of as many tokens, to probabilities float32[rows, labels].
    """
    ids = keras.Input((None,), dtype="int32", name="ids")
    logits = [_member(config, arrays, ids, f"network{number}") for number, arrays in enumerate(members)]
    mean = logits[0] if len(logits) == 1 else keras.layers.Average(name="mean")(logits)
    scores = keras.layers.Rescaling(1 / temperature, name="scores")(mean)
    found = keras.layers.Activation("sigmoid" if several else "softmax", name="probabilities")(scores)
    return keras.Model(ids, found, name="classifier")


def _member(config: EncoderConfig, arrays: Named, ids: Any, name: str) -> Any:
    """The outputs of one network, [rows, labels]."""
    vectors = arrays["embedding/embeddings"]
    embedding = keras.layers.Embedding(*vectors.shape, name=f"{name}_embedding")
    hidden = embedding(ids)
    embedding.set_weights([vectors])
    for number in range(config.layers):
        below, hidden = hidden, _recurrent(config, arrays, hidden, number, name)
    pooled = [_pooled(config, arrays, below, hidden, pool, name) for pool in config.pools]
    together = pooled[0] if len(pooled) == 1 else keras.layers.Concatenate(name=f"{name}_pooled")(pooled)
    output = keras.layers.Dense(len(arrays["output/bias"]), name=f"{name}_output")
    logits = output(together)
    output.set_weights([arrays["output/kernel"], arrays["output/bias"]])
    return logits


def _recurrent(
    config: EncoderConfig, arrays: Named, inputs: Any, number: int, name: str, *, all_steps: bool = True
) -> Any:
    """A layer that reads one or both ways, and gives all its steps, or the last one of each way."""
    name = f"{name}_layer{number}" + "_last" * (not all_steps)
    layer = LAYERS[config.spec.name](config.units, return_sequences=all_steps, name=name)
    if not config.both_ways:
        outputs = layer(inputs)
        layer.set_weights([arrays[f"layer{number}/{weight}"] for weight in WEIGHTS])
        return outputs
    both = keras.layers.Bidirectional(layer, name=name)
    outputs = both(inputs)
    for way, which in ((both.forward_layer, "forward"), (both.backward_layer, "backward")):
        way.set_weights([arrays[f"layer{number}/{which}/{weight}"] for weight in WEIGHTS])
    return outputs


def _pooled(config: EncoderConfig, arrays: Named, below: Any, hidden: Any, pool: str, name: str) -> Any:
    """What is made of all steps of the last layer, [rows, steps, width] -> [rows, width]."""
    if pool == "mean":
        return keras.layers.GlobalAveragePooling1D(name=f"{name}_mean")(hidden)
    if pool == "max":
        return keras.layers.GlobalMaxPooling1D(name=f"{name}_max")(hidden)
    if pool == "last":
        return _recurrent(config, arrays, below, config.layers - 1, name, all_steps=False)
    query = keras.layers.Dense(1, use_bias=False, name=f"{name}_query")
    shares = keras.layers.Softmax(axis=1, name=f"{name}_shares")(query(hidden))
    query.set_weights([arrays["pooling/query"]])
    weighed = keras.layers.Dot(axes=1, name=f"{name}_attention")([hidden, shares])
    return keras.layers.Reshape((config.width,), name=f"{name}_attended")(weighed)
