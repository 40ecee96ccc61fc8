"""A TensorFlow SavedModel of a network: one step, and whole windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from textrnn.nn.keras.stack_step import Step, make_step, named_state, one_step, step_inputs
from textrnn.nn.stack import Stack


def save(stack: Stack, folder: Path) -> None:
    """Writes a SavedModel with the signatures `step` (of `one_step`) and `read`.

    `read` takes `ids` int32[rows, steps] and the state, and gives `logits` float32[rows, steps, vocab] and the state
    after.
    """
    step, module = make_step(stack), tf.Module()
    module.step, module.read = one_step(stack, step), _read(stack, step)
    tf.saved_model.save(module, str(folder), signatures={"step": module.step, "read": module.read})


def _read(stack: Stack, step: Step) -> Any:
    ids, *others = step_inputs(stack, None)

    def read(ids: Any, *given: Any) -> dict[str, Any]:
        state, conditions = given[: stack.num_states], [*given[stack.num_states :], None][0]
        steps = tf.shape(ids)[1]

        def turn(place: Any, found: Any, *state: Any) -> tuple[Any, ...]:
            logits, after = step(ids[:, place], list(state), conditions)
            return place + 1, found.write(place, logits), *after

        begin = (0, tf.TensorArray(tf.float32, steps), *state)
        _, found, *after = tf.while_loop(lambda place, *_: place < steps, turn, begin)
        return {"logits": tf.transpose(found.stack(), (1, 0, 2)), **named_state(after)}

    ids = tf.TensorSpec((None, None), ids.dtype, ids.name)
    return tf.function(read, autograph=False, input_signature=[ids, *others])
