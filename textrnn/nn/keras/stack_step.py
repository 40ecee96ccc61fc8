"""A step of a `Stack` in TensorFlow, written by hand with its weights as constants, from which converters start.

Rows come first: [rows, units].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from textrnn.nn.stack import STATES, Stack

Step = Callable[[Any, list[Any], Any], tuple[Any, list[Any]]]


def make_step(stack: Stack) -> Step:
    """A step.

    Args:
        stack: the network.

    Returns:
        `step(ids, state, conditions)`: ids int32[rows], state float32[rows, units] for each of `stack.num_states`,
        conditions float32[rows, num_conditions] or None; gives float32[rows, vocab + gates] and the state after.
    """
    cells = [_make_cell(stack.cell, layer) for layer in stack.layers]
    num, table, output = STATES[stack.cell], stack.table, tf.constant(stack.output)
    embeddings = None if table is not None else tf.constant(stack.embeddings)

    def step(ids: Any, state: list[Any], conditions: Any) -> tuple[Any, list[Any]]:
        after = list[Any]()
        if table is not None:
            projected = tf.gather(tf.constant(table), ids)
            if conditions is not None:
                projected += conditions @ tf.constant(stack.layers[0]["kernel"][-stack.num_conditions :])
        else:
            vectors = tf.gather(embeddings, ids)
            projected = _project(
                stack.layers[0], vectors if conditions is None else tf.concat([vectors, conditions], 1)
            )
        hidden = None
        for number, cell in enumerate(cells):
            before = hidden
            if before is not None:
                projected = _project(stack.layers[number], before)
            new = cell(projected, state[number * num : (number + 1) * num])
            hidden = new[0] + before if stack.residual and before is not None else new[0]
            after += new
        if conditions is not None:
            hidden = tf.concat([hidden, conditions], 1)
        return hidden @ output + stack.output_bias, after

    return step


def step_inputs(stack: Stack, rows: int | None) -> list[Any]:
    """What a step is given, by name: ids, the state, and the conditions if there are some."""
    widths = {f"state{number}": stack.units for number in range(stack.num_states)}
    if stack.num_conditions:
        widths["conditions"] = stack.num_conditions
    floats = [tf.TensorSpec((rows, width), tf.float32, name) for name, width in widths.items()]
    return [tf.TensorSpec((rows,), tf.int32, "ids"), *floats]


def named_state(state: list[Any]) -> dict[str, Any]:
    """The state after a step by name."""
    return {f"after{number}": array for number, array in enumerate(state)}


def one_step(stack: Stack, step: Step) -> Any:
    """The function of one step of any number of rows, whose inputs and outputs have names; see `step_inputs`."""

    def one(ids: Any, *given: Any) -> dict[str, Any]:
        state, conditions = list(given[: stack.num_states]), [*given[stack.num_states :], None][0]
        outputs, after = step(ids, state, conditions)
        logits, gate = outputs[:, : stack.vocab_size], outputs[:, stack.vocab_size :]
        if gate.shape[1]:  # what is mixed needs probabilities
            return {"logits": tf.nn.log_softmax(logits), "gate": tf.nn.softmax(gate), **named_state(after)}
        return {"logits": logits, **named_state(after)}

    return tf.function(one, autograph=False, input_signature=step_inputs(stack, None))


def _project(layer: dict[str, Any], inputs: Any) -> Any:
    bias = layer["bias"]
    return inputs @ tf.constant(layer["kernel"]) + (bias if bias.ndim == 1 else bias[0])


def _make_cell(name: str, layer: dict[str, Any]) -> Callable[[Any, list[Any]], list[Any]]:
    """The step of a cell, from its projected input [rows, gates * units] and its state to the state after."""
    kernel = tf.constant(layer["recurrent_kernel"]) if "recurrent_kernel" in layer else None

    def simple(z: Any, state: list[Any]) -> list[Any]:
        return [tf.tanh(z + state[0] @ kernel)]

    def lstm(z: Any, state: list[Any]) -> list[Any]:
        i, f, g, o = tf.split(z + state[0] @ kernel, 4, 1)
        c = tf.sigmoid(f) * state[1] + tf.sigmoid(i) * tf.tanh(g)
        return [tf.sigmoid(o) * tf.tanh(c), c]

    def gru(z: Any, state: list[Any]) -> list[Any]:
        (inner_z, inner_r, inner_g), (z_z, z_r, z_g) = (
            tf.split(part, 3, 1) for part in (state[0] @ kernel + layer["bias"][1], z)
        )
        update = tf.sigmoid(z_z + inner_z)
        candidate = tf.tanh(z_g + tf.sigmoid(z_r + inner_r) * inner_g)
        return [update * state[0] + (1 - update) * candidate]

    def mingru(z: Any, state: list[Any]) -> list[Any]:
        gate, candidate = tf.split(z, 2, 1)
        return [state[0] + tf.sigmoid(gate) * (candidate - state[0])]

    def minlstm(z: Any, state: list[Any]) -> list[Any]:
        f, i, candidate = tf.split(z, 3, 1)
        # i / (f + i) is the sigmoid of the difference of the logarithms, so that no gate makes 0 / 0.
        share = tf.sigmoid(tf.math.softplus(-f) - tf.math.softplus(-i))
        return [state[0] + share * (candidate - state[0])]

    return {"simple": simple, "lstm": lstm, "gru": gru, "mingru": mingru, "minlstm": minlstm}[name]
