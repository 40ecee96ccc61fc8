"""The networks of a classifier in ONNX, by its own recurrent operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from textrnn.classifier.options import EncoderConfig
from textrnn.export.onnx_graph import Graph

OPERATORS = {"simple": "RNN", "gru": "GRU", "lstm": "LSTM"}
ORDERS = {"simple": (0,), "gru": (0, 1, 2), "lstm": (0, 3, 1, 2)}  # of the gates, in the order that Keras has them
Named = Mapping[str, np.ndarray]


def build(config: EncoderConfig, members: Sequence[Named], temperature: float, *, several: bool) -> bytes:
    """The content of an ONNX file.

    Args:
        config: the architecture.
        members: the arrays of each network.
        temperature: what the mean of their outputs is divided by.
        several: whether a text may have several labels.

    Returns:
        a model from `ids` int32[rows, steps], texts of as many tokens, to `probabilities` float32[rows, labels].
    """
    from onnx import TensorProto, helper

    graph = Graph()
    logits = [_member(graph, config, arrays) for arrays in members]
    mean = graph.add("Mean", *logits)
    scores = graph.add("Div", mean, graph.constant(np.float32(temperature).reshape(())))
    found = graph.add("Sigmoid", scores) if several else graph.add("Softmax", scores, axis=1)
    graph.nodes.append(helper.make_node("Identity", [found], ["probabilities"]))
    num_labels = len(members[0]["output/bias"])
    return graph.content(
        "classifier",
        [helper.make_tensor_value_info("ids", TensorProto.INT32, ["rows", "steps"])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["rows", num_labels])],
    )


def _member(graph: Graph, config: EncoderConfig, arrays: Named) -> str:
    """The outputs of one network, float32[rows, labels]."""
    hidden = graph.add("Gather", graph.constant(arrays["embedding/embeddings"]), "ids")  # [rows, steps, embed]
    for number in range(config.layers):
        names = [f"layer{number}/{way}" for way in ("forward", "backward")] if config.both_ways else [f"layer{number}"]
        hidden = _layer(graph, config, hidden, [_of_layer(arrays, name) for name in names])
    pooled = [_pooled(graph, config, name, hidden, arrays) for name in config.pools]
    together = pooled[0] if len(pooled) == 1 else graph.add("Concat", *pooled, axis=1)
    return graph.affine(together, arrays["output/kernel"], arrays["output/bias"])


def _of_layer(arrays: Named, name: str) -> dict[str, np.ndarray]:
    return {key: arrays[f"{name}/{key}"] for key in ("kernel", "recurrent_kernel", "bias")}


def _layer(graph: Graph, config: EncoderConfig, inputs: str, ways: Sequence[Named]) -> str:
    """A layer that reads one or both ways: [rows, steps, width] -> [rows, steps, ways * units]."""
    cell = config.spec.name

    def gates(array: np.ndarray) -> np.ndarray:
        """Gates side by side in the last axis, in the order of ONNX one below the other."""
        parts = np.split(array, len(ORDERS[cell]), axis=-1)
        return np.concatenate([parts[place].T for place in ORDERS[cell]])

    kernels = np.stack([gates(way["kernel"]) for way in ways])
    recurrent = np.stack([gates(way["recurrent_kernel"]) for way in ways])
    biases = [way["bias"] if way["bias"].ndim == 2 else np.stack([way["bias"], 0 * way["bias"]]) for way in ways]
    bias = np.stack([np.concatenate([gates(part[None])[:, 0] for part in both]) for both in biases])
    options = {"linear_before_reset": 1} if cell == "gru" else {}
    by_steps = graph.add("Transpose", inputs, perm=[1, 0, 2])
    outputs, *_ = graph.add(
        OPERATORS[cell],
        by_steps,
        *map(graph.constant, (kernels, recurrent, bias)),
        outputs=3 if cell == "lstm" else 2,
        hidden_size=config.units,
        direction="bidirectional" if len(ways) == 2 else "forward",
        **options,
    )  # [steps, ways, rows, units]
    by_rows = graph.add("Transpose", outputs, perm=[2, 0, 1, 3])
    return str(graph.add("Reshape", by_rows, graph.constant(np.array([0, 0, -1]))))


def _pooled(graph: Graph, config: EncoderConfig, name: str, hidden: str, arrays: Named) -> str:
    """What is made of all steps: [rows, steps, width] -> [rows, width]."""
    steps = graph.constant(np.array([1]))
    if name == "mean":
        return str(graph.add("ReduceMean", hidden, steps, keepdims=0))
    if name == "max":
        return str(graph.add("ReduceMax", hidden, steps, keepdims=0))
    if name == "attention":
        scores = graph.add("MatMul", hidden, graph.constant(arrays["pooling/query"]))
        shares = graph.add("Softmax", scores, axis=1)
        return str(graph.add("ReduceSum", graph.add("Mul", hidden, shares), steps, keepdims=0))
    last, first = (graph.constant(np.array(place)) for place in (-1, 0))
    if not config.both_ways:
        return str(graph.add("Gather", hidden, last, axis=1))
    forward, backward = graph.add("Split", hidden, outputs=2, axis=2, num_outputs=2)
    ends = graph.add("Gather", forward, last, axis=1), graph.add("Gather", backward, first, axis=1)
    return str(graph.add("Concat", *ends, axis=1))
