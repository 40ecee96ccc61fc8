"""A controller with an external memory, addressed by content and by location.

A step with input x. M is the memory, r what its heads have read in the step before, w the weights of a head on slots:

    [h, c] = LSTM([x, r], [h, c]), or h = tanh(x W + r U + b) for the dense controller
    k = tanh, a = tanh, e = sigmoid, g = sigmoid, beta = softplus, gamma = 1 + softplus, s = softmax of h V + v
    content:     w_c = softmax over slots of beta * cos(k, M[slot])
    gate:        w_g = g * w_c + (1 - g) * w
    shift:       w_s[slot] = s[-1] * w_g[slot + 1] + s[0] * w_g[slot] + s[1] * w_g[slot - 1], around the end
    sharpening:  w = w_s ^ gamma, divided by its sum
    reading:     r = sum of w[slot] * M[slot]
    writing:     M[slot] = M[slot] * product over heads of (1 - w[slot] * e) + sum over heads of w[slot] * a
    output:      h + r P

All heads look at the memory as the step before left it. It begins as a small constant, each head at the first slot.

References:
    Graves, Wayne and Danihelka, 2014, Neural Turing machines;
    Collier and Beel, 2018, Implementing neural Turing machines, for the constant memory and the bounded keys.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from textrnn.nn.keras.recurrent import RecurrentLayer
from textrnn.nn.memory import SHIFTS, SOFT, TINY, MemorySizes

Tensors = tuple[Any, ...]


@keras.saving.register_keras_serializable(package="textrnn")
class Memory(RecurrentLayer):
    """An LSTM or a dense layer that reads and writes an external memory; the module has the equations.

    Args:
        units: width of the controller and of the output.
        slots: slots of the memory.
        width: numbers in a slot.
        heads: heads that read, and as many that write.
        controller: `lstm` or `dense`.
        recurrent_regularizer: penalty on the kernel of what the controller sees of the step before.
        options: those of `RecurrentLayer`; `return_sequences` gives the output of each step and not of the last one
            alone, `return_state` the state after the last step too.

    Call:
        float32[batch, steps, inputs], initial_state as `initial_state` gives it, mask bool[batch, steps] (at a step
        where it is False the state stays and the output is repeated)
        -> float32[batch, steps, units] or float32[batch, units], and with `return_state` the states.

    Example:
        >>> layer = Memory(7, slots=4, width=3, return_sequences=True, return_state=True)
        >>> outputs, *state = layer(tf.zeros((2, 5, 6)), initial_state=layer.initial_state(2))
        >>> tuple(outputs.shape), [array.shape[1] for array in state]  # h, c, what was read, memory, weights of 2 heads
        ((2, 5, 7), [7, 7, 3, 12, 8])
    """

    def __init__(
        self,
        units: int,
        *,
        slots: int = 32,
        width: int = 16,
        heads: int = 1,
        controller: str = "lstm",
        recurrent_regularizer: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(units, **options)
        self.sizes = MemorySizes(units, slots, width, heads, controller)
        self.recurrent_regularizer = keras.regularizers.get(recurrent_regularizer)

    def build(self, inputs_shape: Any) -> None:
        shapes = self.sizes.weights(inputs_shape[-1])
        self.kernel = self.add_kernel(*shapes["kernel"])
        self.recurrent_kernel = self.add_weight(
            shape=shapes["recurrent_kernel"],
            initializer="glorot_uniform",
            regularizer=self.recurrent_regularizer,
            name="recurrent_kernel",
        )
        self.bias = self.add_weight(shape=shapes["bias"], initializer=self._first_bias, name="bias")
        for name in ("head_kernel", "head_bias", "read_kernel"):
            initializer = "zeros" if name == "head_bias" else "glorot_uniform"
            setattr(self, name, self.add_weight(shape=shapes[name], initializer=initializer, name=name))

    def _first_bias(self, shape: Any, dtype: Any = None) -> Any:
        """Zeros, but 1 for the forget gate of an LSTM (Jozefowicz et al., 2015)."""
        units = self.sizes.units
        if self.sizes.gates == 1:
            return tf.zeros(shape, dtype)
        return tf.concat([tf.zeros(units), tf.ones(units), tf.zeros(2 * units)], 0)

    def initial_state(self, batch: Any) -> list[Any]:
        """The state before a text, float32[batch, width] for each width of `MemorySizes.state`."""
        return [tf.broadcast_to(array, (batch, len(array))) for array in self.sizes.initial_state()]

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        sizes = self.sizes
        state = self.initial_state(tf.shape(sequences)[0]) if initial_state is None else initial_state
        projected = sequences @ _tensor(self.kernel) + _tensor(self.bias)
        weights = [_tensor(weight) for weight in (self.recurrent_kernel, self.head_kernel, self.head_bias)]
        mask = None if mask is None else tf.transpose(tf.cast(mask, projected.dtype))[:, :, None]
        hs, reads, state = memory_scan(tf.transpose(projected, (1, 0, 2)), mask, tuple(state), *weights, sizes=sizes)
        if not self.return_sequences:
            hs, reads = hs[-1], reads[-1]
        outputs = hs + reads @ _tensor(self.read_kernel)
        outputs = tf.transpose(outputs, (1, 0, 2)) if self.return_sequences else outputs
        return [outputs, *state] if self.return_state else outputs

    def compute_mask(self, sequences: Any, mask: Any = None, **more: Any) -> Any:
        """The mask of the inputs for the outputs of all steps, None for the last one."""
        return mask if self.return_sequences else None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **dataclasses.asdict(self.sizes),
            "recurrent_regularizer": keras.regularizers.serialize(self.recurrent_regularizer),
        }


def make_memory(units: int, *, sizes: MemorySizes, **options: Any) -> Memory:
    """The layer of sizes, for the table of cells; the units are those of the sizes."""
    return Memory(**dataclasses.asdict(sizes), **options)


def _tensor(variable: Any) -> Any:
    return tf.identity(ops.convert_to_tensor(variable))


def memory_scan(
    projected: Any, mask: Any, state: Tensors, recurrent: Any, head: Any, head_bias: Any, *, sizes: MemorySizes
) -> tuple[Any, Any, Tensors]:
    """All steps of a text.

    Args:
        projected: float32[steps, batch, gates * units], the inputs' share of the controller.
        mask: float32[steps, batch, 1], 1 for real steps; None for all.
        state: float32[batch, width] for each width of `sizes.state`.
        recurrent: float32[sizes.recurrent, gates * units].
        head: float32[units, told].
        head_bias: float32[told].
        sizes: of it all.

    Returns:
        h float32[steps, batch, units], what was read float32[steps, batch, reads], and the state after.
    """
    steps, place = tf.shape(projected)[0], len(sizes.state) - 3  # of what was read, among the states

    def advance(t: Any, state: Tensors, hs: Any, reads: Any) -> Tensors:
        new = memory_step(projected[t], state, recurrent, head, head_bias, sizes=sizes)
        if mask is not None:
            new = tuple(old + mask[t] * (array - old) for array, old in zip(new, state, strict=True))
        return t + 1, new, hs.write(t, new[0]), reads.write(t, new[place])

    rooms = [tf.TensorArray(tf.float32, steps, element_shape=state[k].shape) for k in (0, place)]
    _, state, hs, reads = tf.while_loop(
        lambda t, *_: t < steps, advance, (0, state, *rooms), maximum_iterations=steps, parallel_iterations=1
    )
    return hs.stack(), reads.stack(), state


def memory_step(
    projected: Any, state: Tensors, recurrent: Any, head: Any, head_bias: Any, *, sizes: MemorySizes
) -> Tensors:
    """The state after one step, see `memory_scan`; projected is float32[batch, gates * units]."""
    heads, slots, width = sizes.heads, sizes.slots, sizes.width
    *own, reads, memory, weights = state
    own = _controller(projected, own, reads, recurrent, sizes)
    memory = tf.reshape(memory, (-1, slots, width))
    told = tf.split(own[0] @ head + head_bias, sizes.pieces, 1)
    weights = address(memory, tf.reshape(weights, (-1, 2 * heads, slots)), (told[0], *told[3:]), sizes)
    reads = tf.reshape(weights[:, :heads] @ memory, (-1, sizes.reads))
    add, erase = (tf.reshape(piece, (-1, heads, width)) for piece in (tf.tanh(told[1]), tf.sigmoid(told[2])))
    memory = _written(memory, weights[:, heads:], add, erase)
    flat = tf.reshape(memory, (-1, slots * width)), tf.reshape(weights, (-1, 2 * heads * slots))
    return (*own, reads, *flat)


def _controller(projected: Any, own: Sequence[Any], reads: Any, recurrent: Any, sizes: MemorySizes) -> list[Any]:
    """Its state after a step: h and c, or h alone."""
    if sizes.controller == "dense":
        return [tf.tanh(projected + reads @ recurrent)]
    z = projected + tf.concat([own[0], reads], 1) @ recurrent
    i, f, g, o = tf.split(z, 4, 1)
    c = tf.sigmoid(f) * own[1] + tf.sigmoid(i) * tf.tanh(g)
    return [tf.sigmoid(o) * tf.tanh(c), c]


def address(memory: Any, weights: Any, told: Tensors, sizes: MemorySizes) -> Any:
    """The weights of all heads on the slots, from those of the step before.

    Args:
        memory: float32[batch, slots, width].
        weights: float32[batch, 2 heads, slots], of the step before.
        told: keys, gates, strengths, sharpening and shifts, as the controller puts them out.
        sizes: of it all.
    """
    key, gate, strength, sharp, shift = told
    key = tf.tanh(tf.reshape(key, (-1, 2 * sizes.heads, sizes.width)))
    # Lengths and strength are multiplied into the keys and the products, which are smaller than the memory.
    key *= (tf.nn.softplus(strength) * tf.math.rsqrt(tf.reduce_sum(key * key, 2) + SOFT))[:, :, None]
    lengths = tf.math.rsqrt(tf.reduce_sum(memory * memory, 2) + SOFT)[:, None]
    content = tf.nn.softmax(tf.matmul(key, memory, transpose_b=True) * lengths)
    weights += tf.sigmoid(gate)[:, :, None] * (content - weights)
    shift = tf.nn.softmax(tf.reshape(shift, (-1, 2 * sizes.heads, SHIFTS)))
    around = tf.concat([weights[:, :, -1:], weights, weights[:, :, :1]], 2)
    back, stay, on = tf.split(shift, SHIFTS, 2)
    weights = back * around[:, :, 2:] + stay * weights + on * around[:, :, :-2]
    return tf.nn.softmax(tf.math.log(weights + TINY) * (1 + tf.nn.softplus(sharp))[:, :, None])


def _written(memory: Any, weights: Any, add: Any, erase: Any) -> Any:
    """The memory after heads with weights [batch, heads, slots] have erased and added [batch, heads, width]."""
    if add.shape[1] == 1:
        return memory + weights[:, 0, :, None] * (add - memory * erase)
    kept = tf.reduce_prod(1 - weights[:, :, :, None] * erase[:, :, None], 1)
    return memory * kept + tf.matmul(weights, add, transpose_a=True)
