"""One step of a network in ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np

from textrnn.export.onnx_graph import Graph
from textrnn.nn.stack import STATES, Stack


def build(stack: Stack) -> bytes:
    """The content of an ONNX file.

    Returns:
        a model from `ids` int32[rows], `state0`, `state1`, ... float32[rows, units] and, where there are some,
        `conditions` float32[rows, conditions] to `logits` float32[rows, vocab], `after0`, `after1`, ...
    """
    from onnx import TensorProto, helper

    def tensor(name: str, *widths: int) -> Any:
        kind = TensorProto.INT32 if name == "ids" else TensorProto.FLOAT
        return helper.make_tensor_value_info(name, kind, ["rows", *widths])

    graph, num = Graph(), STATES[stack.cell]
    states = [f"state{number}" for number in range(stack.num_states)]
    hidden, after = _first(graph, stack), list[str]()
    for number, layer in enumerate(stack.layers):
        before = hidden if number else ""
        bias = layer["bias"] if layer["bias"].ndim == 1 else layer["bias"][0]
        projected = graph.affine(hidden, layer["kernel"], bias) if number or stack.table is None else hidden
        new = _cell(graph, stack.cell, layer, projected, states[number * num : (number + 1) * num])
        hidden = graph.add("Add", new[0], before) if stack.residual and before else new[0]
        after += new
    if stack.num_conditions:
        hidden = graph.add("Concat", hidden, "conditions", axis=1)
    outputs = ["logits", *(f"after{number}" for number in range(stack.num_states))]
    for found, name in zip([graph.affine(hidden, stack.output, stack.output_bias), *after], outputs, strict=True):
        graph.nodes.append(helper.make_node("Identity", [found], [name]))
    widths = {"logits": stack.vocab_size, "conditions": stack.num_conditions}
    inputs = ["ids", *states, *(["conditions"] * bool(stack.num_conditions))]
    return graph.content(
        "step",
        [tensor(name) if name == "ids" else tensor(name, widths.get(name, stack.units)) for name in inputs],
        [tensor(name, widths.get(name, stack.units)) for name in outputs],
    )


def _first(graph: Graph, stack: Stack) -> str:
    """What the first layer makes of the tokens, or their vectors where there is no table of that."""
    if stack.table is None:
        vectors = graph.add("Gather", graph.constant(np.asarray(stack.embeddings)), "ids")
        return str(graph.add("Concat", vectors, "conditions", axis=1) if stack.num_conditions else vectors)
    projected = graph.add("Gather", graph.constant(stack.table), "ids")
    if stack.num_conditions:
        kernel = graph.constant(stack.layers[0]["kernel"][-stack.num_conditions :])
        projected = graph.add("Add", projected, graph.add("MatMul", "conditions", kernel))
    return str(projected)


def _cell(graph: Graph, name: str, layer: dict[str, np.ndarray], z: str, state: list[str]) -> list[str]:
    """The state after a step, see `textrnn.nn.keras.stack_step`."""

    def split(value: str, parts: int) -> Any:
        return graph.add("Split", value, outputs=parts, axis=1, num_outputs=parts)

    def towards(share: str, to: str) -> list[str]:
        way = graph.add("Sub", to, state[0])
        return [graph.add("Add", state[0], graph.add("Mul", graph.add("Sigmoid", share), way))]

    if name == "mingru":
        return towards(*split(z, 2))
    if name == "minlstm":
        f, i, candidate = split(z, 3)
        soft_f, soft_i = (graph.add("Softplus", graph.add("Neg", gate)) for gate in (f, i))
        return towards(graph.add("Sub", soft_f, soft_i), candidate)
    recurrent = graph.add("MatMul", state[0], graph.constant(layer["recurrent_kernel"]))
    if name == "gru":
        recurrent = graph.add("Add", recurrent, graph.constant(layer["bias"][1]))
        (outer_z, outer_r, outer_g), (inner_z, inner_r, inner_g) = split(z, 3), split(recurrent, 3)
        update, reset = (
            graph.add("Sigmoid", graph.add("Add", *pair)) for pair in ((outer_z, inner_z), (outer_r, inner_r))
        )
        candidate = graph.add("Tanh", graph.add("Add", outer_g, graph.add("Mul", reset, inner_g)))
        way = graph.add("Mul", update, graph.add("Sub", state[0], candidate))
        return [graph.add("Add", candidate, way)]
    z = graph.add("Add", z, recurrent)
    if name == "simple":
        return [graph.add("Tanh", z)]
    i, f, g, o = split(z, 4)
    i, f, o = (graph.add("Sigmoid", gate) for gate in (i, f, o))
    kept, new = graph.add("Mul", f, state[1]), graph.add("Mul", i, graph.add("Tanh", g))
    c = graph.add("Add", kept, new)
    return [graph.add("Mul", o, graph.add("Tanh", c)), c]
