"""minGRU and minLSTM: cells whose gates do not see the state, so that a text is read by a parallel scan.

All gates of all steps come from the inputs in one product each, and what is left is h' = g + a * (h - g), with a share
`a` of the old state that is kept. This is linear in h, so a text can be cut into chunks that are read side by side, as
if they were further rows of the batch: each is read from zero, which gives the states between the chunks, and then
from its state. No share is ever divided by, so any gate may be open or shut. It pays because TensorFlow takes longer
to begin an operation on [batch, units] than to do it (`benchmarks/README.md`).

`operand_dtype` is the type of the operands of products while training, as in `textrnn.nn.keras.recurrent`.

Reference:
    Feng, Tung, Ahmed, Bengio and Hajimirsadeghi, 2024, Were RNNs all we needed?;
    Martin and Cundy, 2018, Parallelizing linear recurrent neural nets over sequence length;
    Blelloch, 1990, Prefix sums and their applications, for scans in chunks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from textrnn.nn.keras.products import bias_gradient, input_gradient, project, weight_gradient
from textrnn.nn.keras.recurrent import RecurrentLayer

CHUNKS = range(8, 3, -1)  # all steps are read twice then, so that fewer do not pay
MOST_ROWS = 16  # of a batch for which chunks pay
UNKNOWN_CHUNKS = 4  # where the graph is made for any number of steps


def num_chunks(steps: int | None, batch: int | None) -> int:
    """Parts of a text to read side by side; of equal length, if the length is known.

    Example:
        >>> num_chunks(64, 8), num_chunks(100, 16), num_chunks(7, 2), num_chunks(64, 64), num_chunks(None, None)
        (8, 5, 7, 1, 4)
    """
    if steps is None:
        return UNKNOWN_CHUNKS
    if batch is not None and batch > MOST_ROWS:
        return 1
    return next((number for number in CHUNKS if steps % number == 0), 1)


def _read(step: Callable[[Any, Any], tuple[Any, Any]], begin: Any, steps: Any, *, backwards: bool, keep: bool) -> Any:
    """Runs `written, state = step(t, state)` over all steps: the last state, and with `keep` all that was written."""

    def advance(t: Any, state: Any, *kept: Any) -> tuple[Any, ...]:
        written, state = step(t, state)
        return (t - 1 if backwards else t + 1), state, *(array.write(t, written) for array in kept)

    kept = [tf.TensorArray(begin.dtype, steps, element_shape=begin.shape)] if keep else []
    going_on = (lambda t, *_: t >= 0) if backwards else (lambda t, *_: t < steps)
    first = steps - 1 if backwards else tf.constant(0)
    _, state, *kept = tf.while_loop(going_on, advance, (first, begin, *kept), parallel_iterations=1)
    return (state, kept[0].stack()) if keep else state


def _between(totals: Any, ends: Any, state: Any, chunks: int, *, backwards: bool) -> Any:
    """The states that chunks begin with, float[chunks * batch, units], from where they end when they begin at zero."""
    totals, ends = (tf.reshape(value, (chunks, -1, value.shape[-1])) for value in (totals, ends))
    begins = [state]
    for number in range(chunks - 1, 0, -1) if backwards else range(chunks - 1):
        begins.append(ends[number] + totals[number] * begins[-1])
    return tf.concat(begins[::-1] if backwards else begins, 0)


def minimal_scan(logits: Any, g: Any, h0: Any, *, mask: Any = None, chunks: int = 1) -> tuple[Any, Any]:
    """h' = g + a * (h - g) with a = sigmoid(logits).

    Args:
        logits: float[steps, chunks * batch, units]: a text's first chunk is in the first `batch` rows, and so on.
        g: float[steps, chunks * batch, units].
        h0: float[batch, units].
        mask: float[steps, chunks * batch, 1], 1 for real steps; where it is 0 the state stays.
        chunks: parts of a text.

    Returns:
        the states after each step, float[steps, chunks * batch, units], and the last one, float[batch, units].
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator,unused-ignore]
    def scan(logits: Any, g: Any, h0: Any) -> Any:
        a, steps, batch = tf.sigmoid(logits), tf.shape(g)[0], tf.shape(h0)[0]
        if mask is not None:
            a = a * mask + (1 - mask)
        totals = tf.reduce_prod(a, 0) if chunks > 1 else None

        def forward(t: Any, h: Any) -> tuple[Any, Any]:
            now = g[t]
            h = now + a[t] * (h - now)
            return h, h

        begins = h0
        if chunks > 1:
            ends = _read(forward, tf.zeros_like(g[0]), steps, backwards=False, keep=False)
            begins = _between(totals, ends, h0, chunks, backwards=False)
        last, hs = _read(forward, begins, steps, backwards=False, keep=True)

        def gradient(d_hs: Any, d_last: Any) -> tuple[Any, Any, Any]:
            def backward(t: Any, dh: Any) -> tuple[Any, Any]:
                dh = dh + d_hs[t]
                return dh, dh * a[t]

            begins = d_last
            if chunks > 1:
                ends = _read(backward, tf.zeros_like(g[0]), steps, backwards=True, keep=False)
                begins = _between(totals, ends, d_last, chunks, backwards=True)
            first, dh = _read(backward, begins, steps, backwards=True, keep=True)
            dg = dh - dh * a
            return dg * (hs - g), dg, first[:batch]

        return (hs, last[-batch:]), gradient

    return scan(logits, g, h0)  # type: ignore[no-any-return]


def _product(x: Any, w: Any, b: Any) -> Any:
    """x W + b, with operands of the type of `x`: low[steps, rows, inputs] -> float[steps, rows, units]."""

    @tf.custom_gradient  # type: ignore[untyped-decorator,unused-ignore]
    def product(x: Any, w: Any, b: Any) -> Any:
        low = tf.cast(w, x.dtype)

        def gradient(dy: Any) -> tuple[Any, Any, Any]:
            return input_gradient(dy, low, x), weight_gradient(x, dy, w.dtype), bias_gradient(dy, w.dtype)

        return project(x, low, tf.cast(b, x.dtype)), gradient

    return tf.cast(product(x, w, b), w.dtype)


class _Minimal(RecurrentLayer):
    """What minGRU and minLSTM share: arguments, results and masks are those of `keras.layers.GRU`."""

    num_gates: int
    stateful = False

    def __init__(
        self, units: int, *, go_backwards: bool = False, zero_output_for_mask: bool = False, **options: Any
    ) -> None:
        super().__init__(units, **options)
        self.go_backwards, self.zero_output_for_mask = go_backwards, zero_output_for_mask

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        width = self.num_gates * self.units
        self.kernel = self.add_kernel(sequences_shape[-1], width)
        self.bias = self.add_weight(shape=(width,), initializer="zeros", name="bias")

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        low = tf.as_dtype((training and self.operand_dtype) or self.compute_dtype)
        batch, steps = tf.shape(sequences)[0], tf.shape(sequences)[1]
        x, real = tf.cast(sequences, low), None if mask is None else tf.cast(mask, self.compute_dtype)[:, :, None]
        if self.go_backwards:
            x, real = x[:, ::-1], None if real is None else real[:, ::-1]
        shown, chunks = real, num_chunks(x.shape[1], x.shape[0])
        if x.shape[1] is None:  # chunks of equal length need a few steps more, which are not real
            behind = [(0, 0), (0, -steps % chunks), (0, 0)]
            real = tf.ones((batch, steps, 1), self.compute_dtype) if real is None else real
            x, real = tf.pad(x, behind), tf.pad(real, behind)
        logits, g = self.gates(_by_chunk(x, chunks))
        h0 = tf.zeros((batch, self.units), self.compute_dtype)
        if initial_state is not None:
            h0 = initial_state[0] if isinstance(initial_state, list | tuple) else initial_state
        hs, last = minimal_scan(logits, g, h0, mask=None if real is None else _by_chunk(real, chunks), chunks=chunks)
        outputs = self._outputs(hs, shown, chunks, batch, steps)
        outputs = tf.ensure_shape(outputs, (*sequences.shape[:2], self.units))
        outputs = outputs if self.return_sequences else outputs[:, -1]
        return (outputs, last) if self.return_state else outputs

    def _outputs(self, hs: Any, shown: Any, chunks: int, batch: Any, steps: Any) -> Any:
        """The outputs in reading order, float[batch, steps, units]."""
        by_text = tf.transpose(tf.reshape(hs, (-1, chunks, batch, self.units)), (2, 1, 0, 3))
        outputs = tf.reshape(by_text, (batch, -1, self.units))[:, :steps]
        if shown is None:
            return outputs
        # Before the first real step Keras puts out zeros, whatever the state is.
        return outputs * (shown if self.zero_output_for_mask else tf.minimum(tf.cumsum(shown, 1), 1))

    def _products(self, x: Any, *signs: float) -> list[Any]:
        """The share of the inputs in each gate, with a sign: low[steps, rows, inputs] -> float[steps, rows, units]."""
        kernels = tf.split(tf.identity(ops.convert_to_tensor(self.kernel)), self.num_gates, 1)
        biases = tf.split(tf.identity(ops.convert_to_tensor(self.bias)), self.num_gates)
        return [_product(x, sign * w, sign * b) for sign, w, b in zip(signs, kernels, biases, strict=True)]

    def gates(self, x: Any) -> tuple[Any, Any]:
        """The logits of the share of the state to keep, and what comes in: float[steps, rows, units] both."""
        raise NotImplementedError

    def compute_mask(self, sequences: Any, mask: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        outputs = mask if self.return_sequences else None
        return [outputs, None] if self.return_state else outputs

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, steps = sequences_shape[:2]
        outputs = (batch, steps, self.units) if self.return_sequences else (batch, self.units)
        return (outputs, (batch, self.units)) if self.return_state else outputs

    def get_config(self) -> dict[str, Any]:
        own = dict(go_backwards=self.go_backwards, zero_output_for_mask=self.zero_output_for_mask)
        return {**super().get_config(), **own}


def _by_chunk(values: Any, chunks: int) -> Any:
    """[batch, chunks * steps, width] -> [steps, chunks * batch, width]."""
    batch, width = tf.shape(values)[0], values.shape[-1]
    by_step = tf.transpose(tf.reshape(values, (batch, chunks, -1, width)), (2, 1, 0, 3))
    return tf.reshape(by_step, (-1, chunks * batch, width))


@keras.saving.register_keras_serializable(package="textrnn")
class MinGRU(_Minimal):
    """z = sigmoid(x W_z + b_z); g = x W_h + b_h; h' = (1 - z) * h + z * g (kernel in order z, h).

    Reference:
        Feng et al., 2024, Were RNNs all we needed?, section 3.1.
    """

    num_gates = 2

    def gates(self, x: Any) -> tuple[Any, Any]:
        logits, g = self._products(x, -1, 1)
        return logits, g


@keras.saving.register_keras_serializable(package="textrnn")
class MinLSTM(_Minimal):
    """f, i = sigmoid(x W + b); g = x W_h + b_h; h' = f / (f + i) * h + i / (f + i) * g (kernel in order f, i, h).

    f / (f + i) is sigmoid(log f - log i), which no gate can make 0 / 0.

    Reference:
        Feng et al., 2024, Were RNNs all we needed?, section 3.2.
    """

    num_gates = 3

    def gates(self, x: Any) -> tuple[Any, Any]:
        minus_f, minus_i, g = self._products(x, -1, -1, 1)
        return tf.nn.softplus(minus_i) - tf.nn.softplus(minus_f), g
