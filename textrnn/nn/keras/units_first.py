"""The loop of the LSTM for operands of 16 bits, on processors with tiles: units first, batch last, one product a step.

oneDNN lays the right one of two bfloat16 matrices out anew for the tiles (AMX) at each product. In
[batch, inputs] @ weights these are the weights, which takes longer than the product. Here it is weights @ [inputs,
batch]: inputs, state and bias are multiplied at once, and gates are contiguous rows.

Reference: Appleyard et al., 2016, Optimizing performance of recurrent neural networks on GPUs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from textrnn.nn.keras.products import bias_gradient, input_gradient, weight_gradient
from textrnn.nn.keras.scan import Tensors, run_steps, where_real

ALIGNED = 16  # rows of the product's sum, of which the last ones are the bias and zeros


def swapped(values: Any) -> Any:
    """[steps, batch, units] -> [steps, units, batch], and back."""
    return tf.transpose(values, (0, 2, 1))


def lstm_scan_units_first(
    x: Any, weights: Sequence[Any], h0: Any, c0: Any, *, mask: Any = None, low: Any = None
) -> Any:
    """What `textrnn.nn.keras.scan.lstm_scan` gives, up to the rounding of `low`, in which gates are computed too."""

    @tf.custom_gradient  # type: ignore[untyped-decorator,unused-ignore]
    def scan(x: Any, w: Any, u: Any, b: Any, h0: Any, c0: Any) -> Any:
        full, units, steps = u.dtype, u.shape[0], tf.shape(x)[0]
        x_low, w_low, u_low, b_low, h_low = (tf.cast(value, low) for value in (x, w, u, b, tf.transpose(h0)))
        inputs, whole = _inputs(x_low), _weights(w_low, u_low, b_low)
        masks, c = None if mask is None else swapped(mask), tf.transpose(c0)
        rooms = _array(steps + 1, h_low, units).write(0, h_low), _array(steps + 1, c, units).write(0, c)
        carried = (h_low, c, *rooms, _array(steps, h_low, 4 * units))
        _, c, hs, cs, all_gates = run_steps(steps, _forward(inputs, whole, masks), carried)
        states = swapped(hs.stack())  # [steps + 1, batch, units]

        def gradient(d_hs: Any, d_c: Any) -> Tensors:
            backward = _backward(swapped(d_hs), (cs, all_gates), u_low, masks)
            carried = (tf.transpose(tf.zeros_like(h0)), tf.transpose(d_c), _array(steps, h_low, 4 * units))
            dh, dc, dzs = run_steps(steps, backward, carried, backwards=True)
            dz = swapped(dzs.stack())
            both = weight_gradient(tf.concat([x_low, states[:-1]], 2), dz, full)
            dw, du = both[: w.shape[0]], both[w.shape[0] :]
            d_x = input_gradient(dz, w_low, x)
            return d_x, dw, du, bias_gradient(dz, full), tf.transpose(dh), tf.transpose(dc)

        return (states[1:], tf.transpose(c)), gradient

    return scan(x, *weights, h0, c0)


def _array(num: Any, like: Any, height: int) -> Any:
    """Room for `num` times [height, batch]."""
    return tf.TensorArray(like.dtype, num, element_shape=(height, like.shape[1]), clear_after_read=False)


def _padding(inputs: int) -> int:
    """Rows behind the inputs: one of ones, which the bias is multiplied with, and zeros."""
    return 1 + -(inputs + 1) % ALIGNED


def _inputs(x: Any) -> Any:
    """[steps, batch, inputs] -> [steps, inputs + padding, batch]."""
    by_unit, padding = swapped(x), _padding(x.shape[2])
    ones = tf.ones_like(by_unit[:, :1])
    zeros = tf.zeros((tf.shape(x)[0], padding - 1, tf.shape(x)[1]), x.dtype)
    return tf.ensure_shape(tf.concat([by_unit, ones, zeros], 1), (None, x.shape[2] + padding, x.shape[1]))


def _weights(w: Any, u: Any, b: Any) -> Any:
    """All weights as they are multiplied: [4 units, inputs + padding + units]."""
    zeros = tf.zeros((_padding(w.shape[0]) - 1, b.shape[0]), b.dtype)
    return tf.transpose(tf.concat([w, b[None], zeros, u], 0))


def _forward(inputs: Any, whole: Any, masks: Any) -> Callable[..., Tensors]:
    """A step, which keeps the output, the cell state and the gates."""
    nothing = tf.zeros(tf.shape(inputs)[2:], inputs.dtype)  # added, so that TensorFlow makes one call of it all

    def forward(t: Any, h: Any, c: Any, hs: Any, cs: Any, all_gates: Any) -> Tensors:
        gates = tf.tanh(tf.nn.bias_add(whole @ tf.concat([inputs[t], h], 0), nothing))
        i, f, g, o = tf.split(tf.cast(gates, c.dtype), 4, axis=0)
        c = where_real(masks, t, tf.add_n([f * c, c, i * g, g]) * 0.5, c)
        tanh_c = tf.tanh(c)
        h = where_real(masks, t, tf.cast((o * tanh_c + tanh_c) * 0.5, h.dtype), h)
        return h, c, hs.write(t + 1, h), cs.write(t + 1, c), all_gates.write(t, gates)

    return forward


def _backward(d_hs: Any, saved: Tensors, u_low: Any, masks: Any) -> Callable[..., Tensors]:
    """A step of the gradient, which keeps that of the gates."""
    cs, all_gates = saved

    def backward(t: Any, dh: Any, dc: Any, dzs: Any) -> Tensors:
        full = dh.dtype
        dh, gates = dh + tf.cast(d_hs[t], full), tf.cast(all_gates.read(t), full)
        i, f, g, o = tf.split(gates, 4, axis=0)
        tanh_c = tf.tanh(cs.read(t + 1))
        half, half_c = (dh, dc) if masks is None else (dh * masks[t], dc * masks[t])
        half = half * 0.5
        half_c = half_c * 0.5 + (o * half + half) * (1 - tanh_c * tanh_c) * 0.5
        inner = tf.concat([half_c * g, half_c * cs.read(t), half_c * i + half_c, half * tanh_c], 0)
        dz = tf.cast(inner * (1 - gates * gates), u_low.dtype)
        dh_before, dc_before = tf.cast(u_low @ dz, full), f * half_c + half_c
        if masks is not None:
            dh_before, dc_before = dh_before + dh * (1 - masks[t]), dc_before + dc * (1 - masks[t])
        return dh_before, dc_before, dzs.write(t, dz)

    return backward
