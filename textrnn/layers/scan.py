"""The recurrent loop of each cell with a gradient written by hand.

Stock Keras multiplies the input inside the loop and adds up a weight gradient in every step. Here the caller has
multiplied the input for all steps at once; the forward loop keeps what the backward loop needs; the backward loop
makes only the gradients of the gates; and the gradient of the recurrent weights is one product over all steps.

A sigmoid is written as sigmoid(v) = (tanh(v / 2) + 1) / 2. The halves are multiplied into the weights by the caller,
so that one tanh serves all gates of a step: element-wise operations are what TensorFlow is slow at on a CPU.

Reference:
    Appleyard et al., 2016, Optimizing performance of recurrent neural networks on GPUs, for the hoisted products;
    Werbos, 1990, Backpropagation through time, for the gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Tensors = tuple[Any, ...]


def _loop(
    steps: Any,
    body: Callable[..., tuple[Tensors, Tensors]],
    carried: Tensors,
    widths: list[int],
    *,
    backwards: bool = False,
) -> tuple[Tensors, list[Any]]:
    """Runs `body(t, *carried) -> (carried, outputs)` over all steps; outputs come back as [steps, batch, width]."""
    like = carried[0]
    arrays = tuple(tf.TensorArray(like.dtype, steps, element_shape=(like.shape[0], width)) for width in widths)

    def advance(t: Any, carried: Tensors, arrays: Tensors) -> tuple[Any, Tensors, Tensors]:
        carried, outputs = body(t, *carried)
        written = tuple(array.write(t, value) for array, value in zip(arrays, outputs, strict=True))
        return (t - 1 if backwards else t + 1), carried, written

    begin = steps - 1 if backwards else tf.constant(0)
    _, carried, arrays = tf.while_loop(
        lambda t, *_: t >= 0 if backwards else t < steps, advance, (begin, carried, arrays), parallel_iterations=1
    )
    return carried, [array.stack() for array in arrays]


def _before(initial: Any, values: Any) -> Any:
    """What each step found: the initial value, then all values but the last."""
    return tf.concat([initial[None], values[:-1]], 0)


def _weight_gradient(inputs: Any, gradients: Any) -> Any:
    """[steps, batch, units] and [steps, batch, width] -> [units, width], summed over steps and batch."""
    inputs = tf.reshape(inputs, (-1, inputs.shape[-1]))
    return tf.matmul(inputs, tf.reshape(gradients, (-1, gradients.shape[-1])), transpose_a=True)


@tf.custom_gradient  # type: ignore[untyped-decorator,unused-ignore]
def simple_scan(zx: Any, u: Any, h0: Any) -> Any:
    """h' = tanh(zx + h U).

    Args:
        zx: float32[steps, batch, units], W x + b.
        u: float32[units, units].
        h0: float32[batch, units].

    Returns:
        the outputs float32[steps, batch, units].
    """
    steps, units = tf.shape(zx)[0], u.shape[0]

    def forward(t: Any, h: Any) -> tuple[Tensors, Tensors]:
        h = tf.tanh(zx[t] + h @ u)
        return (h,), (h,)

    _, (hs,) = _loop(steps, forward, (h0,), [units])

    def gradient(d_hs: Any) -> Tensors:
        u_transposed = tf.transpose(u)

        def backward(t: Any, dh: Any) -> tuple[Tensors, Tensors]:
            h = hs[t]
            dz = (dh + d_hs[t]) * (1 - h * h)
            return (dz @ u_transposed,), (dz,)

        (dh,), (dzs,) = _loop(steps, backward, (tf.zeros_like(h0),), [units], backwards=True)
        return dzs, _weight_gradient(_before(h0, hs), dzs), dh

    return hs, gradient


@tf.custom_gradient  # type: ignore[untyped-decorator,unused-ignore]
def gru_scan(zx: Any, u: Any, b: Any, h0: Any) -> Any:
    """z, r = (tanh(zx + h U) + 1) / 2; g = tanh(zx + r * (h U + b)); h' = g + z * (h - g).

    Args:
        zx: float32[steps, batch, 3 units], W x and all biases but `b`, in order z, r, g; z and r halved.
        u: float32[units, 3 units], z and r halved.
        b: float32[units], the recurrent bias of g.
        h0: float32[batch, units].

    Returns:
        the outputs float32[steps, batch, units].
    """
    steps, units = tf.shape(zx)[0], u.shape[0]

    def forward(t: Any, h: Any) -> tuple[Tensors, Tensors]:
        x, recurrent = zx[t], h @ u
        gates = tf.tanh(x[:, : 2 * units] + recurrent[:, : 2 * units])
        inner = recurrent[:, 2 * units :] + b
        z, r = gates[:, :units], gates[:, units:]
        g = tf.tanh(x[:, 2 * units :] + (r * inner + inner) * 0.5)
        d = h - g
        h = g + (z * d + d) * 0.5
        return (h,), (h, gates, inner, g)

    _, (hs, all_gates, inners, gs) = _loop(steps, forward, (h0,), [units, 2 * units, units, units])
    before = _before(h0, hs)

    def gradient(d_hs: Any) -> Tensors:
        u_transposed = tf.transpose(u)

        def backward(t: Any, dh: Any) -> tuple[Tensors, Tensors]:
            dh, gates, inner, g = (dh + d_hs[t]) * 0.5, all_gates[t], inners[t], gs[t]  # dh is halved here
            z, r = gates[:, :units], gates[:, units:]
            through = z * dh + dh
            dg = (2 * dh - through) * (1 - g * g)
            half = dg * 0.5
            d_gates = tf.concat([dh * (before[t] - g), half * inner], 1) * (1 - gates * gates)
            d_recurrent = tf.concat([d_gates, half * r + half], 1)
            return (d_recurrent @ u_transposed + through,), (d_recurrent, dg)

        (dh,), (drs, dgs) = _loop(steps, backward, (tf.zeros_like(h0),), [3 * units, units], backwards=True)
        dzs = tf.concat([drs[:, :, : 2 * units], dgs], 2)
        return dzs, _weight_gradient(before, drs), tf.reduce_sum(drs[:, :, 2 * units :], (0, 1)), dh

    return hs, gradient


@tf.custom_gradient  # type: ignore[untyped-decorator,unused-ignore]
def lstm_scan(zx: Any, u: Any, h0: Any, c0: Any) -> Any:
    """i, f, o = (tanh(zx + h U) + 1) / 2; g = tanh(zx + h U); c' = f * c + i * g; h' = o * tanh(c').

    Args:
        zx: float32[steps, batch, 4 units], W x + b in order i, f, g, o; i, f and o halved.
        u: float32[units, 4 units], i, f and o halved.
        h0: float32[batch, units].
        c0: float32[batch, units].

    Returns:
        the outputs float32[steps, batch, units] and the last cell state float32[batch, units].
    """
    steps, units = tf.shape(zx)[0], u.shape[0]

    def forward(t: Any, h: Any, c: Any) -> tuple[Tensors, Tensors]:
        gates = tf.tanh(zx[t] + h @ u)
        i, f, g, o = tf.split(gates, 4, axis=1)
        c = (f * c + c + (i * g + g)) * 0.5
        tanh_c = tf.tanh(c)
        h = (o * tanh_c + tanh_c) * 0.5
        return (h, c), (h, c, gates)

    (_, c_last), (hs, cs, all_gates) = _loop(steps, forward, (h0, c0), [units, units, 4 * units])
    before = _before(c0, cs)

    def gradient(d_hs: Any, d_c: Any) -> Tensors:
        u_transposed = tf.transpose(u)

        def backward(t: Any, dh: Any, dc: Any) -> tuple[Tensors, Tensors]:
            dh, gates, tanh_c = (dh + d_hs[t]) * 0.5, all_gates[t], tf.tanh(cs[t])  # dh and dc are halved here
            i, f, g, o = tf.split(gates, 4, axis=1)
            dc = dc * 0.5 + (o * dh + dh) * (1 - tanh_c * tanh_c) * 0.5
            inner = tf.concat([dc * g, dc * before[t], dc * i + dc, dh * tanh_c], 1)
            dz = inner * (1 - gates * gates)
            return (dz @ u_transposed, f * dc + dc), (dz,)

        (dh, dc), (dzs,) = _loop(steps, backward, (tf.zeros_like(h0), d_c), [4 * units], backwards=True)
        return dzs, _weight_gradient(_before(h0, hs), dzs), dh, dc

    return (hs, c_last), gradient
