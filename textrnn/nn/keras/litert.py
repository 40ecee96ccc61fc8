"""LiteRT models of a `Stack`: one step of any number of rows, and several steps of one with the draws between them.

They are functions of one file and share its weights. The loop within the model is what makes one text fast: the
weights stay in the processor's cache, and nothing is handed over between the steps.
"""

from __future__ import annotations

import tempfile
from typing import Any

import tensorflow as tf

from textrnn.nn.keras.stack_step import Step, make_step, named_state, one_step, step_inputs
from textrnn.nn.litert import FILTERED, MOST_STEPS, RECENT_TOKENS, STEP, WRITE
from textrnn.nn.stack import Stack


def convert(stack: Stack, *, int8: bool, first_id: int | None = None) -> bytes:
    """The content of a `.tflite` file.

    Args:
        stack: the network.
        int8: whether weights become int8 with a factor for each row of a matrix; all else stays float32.
        first_id: the lowest token that may be drawn; None for the function of one step alone.

    Returns:
        The function `step` takes `ids` int32[rows], `state0`, `state1`, ... float32[rows, units], and `conditions`
        float32[rows, conditions] where there are some; it gives `logits` and `after0`, `after1`, ... With a gate the
        logits are logarithms of probabilities, and `gate` has the weights of a mixture. The others, see `_writing`, are
        there with `first_id`.
    """
    step = make_step(stack)
    functions = {STEP: one_step(stack, step)}
    if first_id is not None:
        functions |= {name: _writing(stack, step, first_id, filtered=name == FILTERED) for name in (WRITE, FILTERED)}
    module = tf.Module()
    module.functions = functions
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=functions)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(functions))  # STEP first
        if int8:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        content: bytes = converter.convert()
    return content


def _writing(stack: Stack, step: Step, first_id: int, *, filtered: bool) -> Any:
    """Several steps of one row: read a token, draw the next one, and so on.

    Beside what a step is given, it takes `uniforms` float32[MOST_STEPS] in [0, 1), `steps` (how many), `sharpness` and
    `min_p`; if it is `filtered`, `top_k`, `top_p`, `penalty`, and `seen` int32[vocab] as well: the place at which each
    token was written last, counted from the first one to draw. It gives `drawn` int32[MOST_STEPS], and the state
    before the last of them is read.
    """
    names = ["uniforms", "steps", "sharpness", "min_p", *(["top_k", "top_p", "penalty", "seen"] * filtered)]
    shapes = {"uniforms": (MOST_STEPS,), "seen": (stack.vocab_size,)}
    whole = ("steps", "top_k", "seen")
    more = [tf.TensorSpec(shapes.get(name, ()), tf.int32 if name in whole else tf.float32, name) for name in names]
    own = step_inputs(stack, 1)
    places, tokens = tf.range(MOST_STEPS), tf.range(stack.vocab_size)

    def write(ids: Any, *given: Any) -> dict[str, Any]:
        state, conditions = given[: stack.num_states], [*given[stack.num_states : len(own) - 1], None][0]
        by_name = dict(zip(names, given[len(own) - 1 :], strict=True))

        def turn(place: Any, ids: Any, drawn: Any, seen: Any, *state: Any) -> tuple[Any, ...]:
            outputs, after = step(ids, list(state), conditions)
            logits = outputs[:, : stack.vocab_size]
            if filtered:
                logits = _penalized(logits, seen > place - RECENT_TOKENS - 1, by_name["penalty"])
            ids = _drawn(logits[:, first_id:], tf.gather(by_name["uniforms"], place), by_name) + first_id
            if filtered:
                seen = tf.where(tokens == ids, place, seen)
            return place + 1, ids, tf.where(places == place, ids, drawn), seen, *after

        seen = by_name.get("seen", tf.zeros((1,), tf.int32))
        begin = (0, ids, tf.zeros((MOST_STEPS,), tf.int32), seen, *state)
        _, _, drawn, _, *after = tf.while_loop(lambda place, *_: place < by_name["steps"], turn, begin)
        return {"drawn": drawn, **named_state(after)}

    return tf.function(write, autograph=False, input_signature=[*own, *more])


def _penalized(logits: Any, recent: Any, penalty: Any) -> Any:
    return tf.where(recent, tf.where(logits > 0, logits / penalty, logits * penalty), logits)


def _drawn(logits: Any, uniform: Any, options: dict[str, Any]) -> Any:
    """One token, int32[1], as `textrnn.language_model.sampling` draws it, but for the rounding of sums."""
    weights = tf.exp((logits - tf.reduce_max(logits, 1, keepdims=True)) * options["sharpness"])
    if "top_k" in options:
        weights = _filtered(weights[0], options["top_k"], options["top_p"])[None]
    weights = tf.where(weights >= options["min_p"], weights, 0.0)
    sums = tf.cumsum(weights, 1)
    return tf.reduce_sum(tf.cast(sums <= sums[:, -1:] * uniform, tf.int32), 1)


def _filtered(weights: Any, top_k: Any, top_p: Any) -> Any:
    """Weights, float32[tokens], of which those are 0 that are not among the likeliest; of tied ones, the lower win."""
    num = weights.shape[0]
    ordered, tokens = tf.math.top_k(weights, num)
    ordered = tf.where(tf.range(num) < top_k, ordered, 0.0)
    sums = tf.cumsum(ordered)
    ordered = tf.where(sums - ordered < top_p * sums[-1], ordered, 0.0)
    return tf.scatter_nd(tokens[:, None], ordered, (num,))
