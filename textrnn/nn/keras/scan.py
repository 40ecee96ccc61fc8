"""The recurrent loop of each cell with a gradient written by hand.

Stock Keras multiplies the input inside the loop and adds up a weight gradient in every step. Here the input is
multiplied for all steps at once; the forward loop keeps what the backward loop needs; the backward loop makes only
the gradients of the gates; and the gradient of each weight matrix is one product over all steps.

A sigmoid is written as sigmoid(v) = (tanh(v / 2) + 1) / 2. The halves are multiplied into the weights by the caller,
so that one tanh serves all gates of a step: element-wise operations are what TensorFlow is slow at on a CPU.

Each scan takes its weights as a sequence. `low` is the type of the operands of the products, and of what is
kept for the backward pass: the type of the weights, or bfloat16. What is carried from step to step and summed up stays
in the type of the weights.

Reference:
    Appleyard et al., 2016, Optimizing performance of recurrent neural networks on GPUs, for the hoisted products;
    Werbos, 1990, Backpropagation through time, for the gradient;
    Micikevicius et al., 2018, Mixed precision training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from textrnn.nn.keras.products import (
    bias_gradient,
    input_gradient,
    narrowed,
    project,
    space_behind,
    spaced,
    times,
    weight_gradient,
)

Tensors = tuple[Any, ...]


def _array(num: Any, like: Any, width: int) -> Any:
    """Room for `num` times [batch, width], kept as they are written: nothing is copied when they are read."""
    return tf.TensorArray(like.dtype, num, element_shape=(like.shape[0], width), clear_after_read=False)


def run_steps(steps: Any, body: Callable[..., Tensors], carried: Tensors, *, backwards: bool = False) -> Tensors:
    """Runs `carried = body(t, *carried)` over all steps, t from 0 up or from the last step down."""

    def advance(t: Any, *carried: Any) -> Tensors:
        return (t - 1 if backwards else t + 1, *body(t, *carried))

    begin = steps - 1 if backwards else tf.constant(0)
    going_on = (lambda t, *_: t >= 0) if backwards else (lambda t, *_: t < steps)
    _, *carried = tf.while_loop(going_on, advance, (begin, *carried), parallel_iterations=1)
    return tuple(carried)


def where_real(mask: Any, t: Any, new: Any, old: Any) -> Any:
    """The new value where the mask is 1 and the old one where it is 0; without a mask the new one."""
    if mask is None:
        return new
    real = mask[t]
    return new * tf.cast(real, new.dtype) + old * tf.cast(1 - real, old.dtype)


def simple_scan(x: Any, weights: Sequence[Any], h0: Any, *, mask: Any = None, low: Any = None) -> Any:
    """h' = tanh(x W + h U + b).

    Args:
        x: float or low[steps, batch, inputs].
        weights: W float[inputs, units], U float[units, units], b float[units].
        h0: float[batch, units].
        mask: float[steps, batch, 1], 1 for real steps; where it is 0 the state stays.
        low: type of the operands; that of the weights when None.

    Returns:
        the states after each step, low[steps, batch, units].
    """
    low = low or weights[1].dtype

    @tf.custom_gradient  # type: ignore[untyped-decorator,unused-ignore]
    def scan(x: Any, w: Any, u: Any, b: Any, h0: Any) -> Any:
        full, x_low, w_low, u_low, h_low = u.dtype, *(tf.cast(value, low) for value in (x, w, u, h0))
        steps, units, zx = tf.shape(x)[0], u.shape[0], project(x_low, w_low, tf.cast(b, low))
        recur = times(u_low)

        def forward(t: Any, h: Any, hs: Any) -> Tensors:
            new = tf.cast(tf.tanh(tf.cast(zx[t], full) + tf.cast(recur(h), full)), low)
            h = where_real(mask, t, new, h)
            return h, hs.write(t + 1, h)

        _, hs = run_steps(steps, forward, (h_low, _array(steps + 1, h_low, units).write(0, h_low)))
        states = hs.stack()

        def gradient(d_hs: Any) -> Tensors:
            back = times(tf.transpose(u_low))

            def backward(t: Any, dh: Any, dzs: Any) -> Tensors:
                h, dh = tf.cast(hs.read(t + 1), full), dh + tf.cast(d_hs[t], full)
                own = dh if mask is None else dh * mask[t]
                dz = tf.cast(own * (1 - h * h), low)
                before = tf.cast(back(dz), full)
                return (before if mask is None else before + (dh - own)), dzs.write(t, dz)

            dh, dzs = run_steps(steps, backward, (tf.zeros_like(h0), _array(steps, h_low, units)), backwards=True)
            dz = dzs.stack()
            dw, du = weight_gradient(x_low, dz, full), weight_gradient(states[:-1], dz, full)
            return input_gradient(dz, w_low, x), dw, du, bias_gradient(dz, full), dh

        return states[1:], gradient

    return scan(x, *weights, h0)


def gru_scan(x: Any, weights: Sequence[Any], h0: Any, *, mask: Any = None, low: Any = None) -> Any:
    """z, r = (tanh(x W + h U + b) + 1) / 2; g = tanh(x W + b + r * (h U + c)); h' = g + z * (h - g).

    Args:
        x: float or low[steps, batch, inputs].
        weights: W float[inputs, 3 units] in order z, r, g, U float[units, 3 units], b float[3 units], all three with
            z and r halved, and c float[units], the recurrent bias of g.
        h0: float[batch, units].
        mask: float[steps, batch, 1], 1 for real steps; where it is 0 the state stays.
        low: type of the operands; that of the weights when None.

    Returns:
        the states after each step, low[steps, batch, units], and the last one, float[batch, units].
    """
    low = low or weights[1].dtype

    @tf.custom_gradient  # type: ignore[untyped-decorator,unused-ignore]
    def scan(x: Any, w: Any, u: Any, b: Any, inner_b: Any, h0: Any) -> Any:
        full, x_low, w_low, u_low, h_low = u.dtype, *(tf.cast(value, low) for value in (x, w, u, h0))
        steps, units, zx = tf.shape(x)[0], u.shape[0], project(x_low, w_low, tf.cast(b, low))
        forward = _gru_forward(zx, times(u_low), inner_b, mask, low)
        rooms = _array(steps + 1, h_low, units).write(0, h_low), _array(steps, h_low, 3 * units)
        h, _, hs, all_gates, inners = run_steps(steps, forward, (h0, h_low, *rooms, _array(steps, h_low, units)))
        states = hs.stack()

        def gradient(d_hs: Any, d_h: Any) -> Tensors:
            backward = _gru_backward(d_hs, (hs, all_gates, inners), times(tf.transpose(u_low)), mask)
            rooms = _array(steps, h_low, 3 * units), _array(steps, h_low, units)
            dh, drs, dgs = run_steps(steps, backward, (d_h, *rooms), backwards=True)
            dr = drs.stack()
            dz = tf.concat([dr[:, :, : 2 * units], dgs.stack()], 2)
            dw, du = weight_gradient(x_low, dz, full), weight_gradient(states[:-1], dr, full)
            d_inner = bias_gradient(dr[:, :, 2 * units :], full)
            return input_gradient(dz, w_low, x), dw, du, bias_gradient(dz, full), d_inner, dh

        return (states[1:], h), gradient

    return scan(x, *weights, h0)


def _gru_forward(zx: Any, recur: Callable[[Any], Any], inner_b: Any, mask: Any, low: Any) -> Callable[..., Tensors]:
    """A step of the GRU, which keeps the state, the gates and the inner part of the candidate."""
    units, full = inner_b.shape[0], inner_b.dtype

    def forward(t: Any, h: Any, h_low: Any, hs: Any, all_gates: Any, inners: Any) -> Tensors:
        own, recurrent = tf.cast(zx[t], full), tf.cast(recur(h_low), full)
        gates = tf.tanh(own[:, : 2 * units] + recurrent[:, : 2 * units])
        inner = recurrent[:, 2 * units :] + inner_b
        z, r = gates[:, :units], gates[:, units:]
        g = tf.tanh(own[:, 2 * units :] + (r * inner + inner) * 0.5)
        d = h - g
        h = where_real(mask, t, g + (z * d + d) * 0.5, h)
        h_low, kept = tf.cast(h, low), tf.cast(tf.concat([gates, g], 1), low)
        return h, h_low, hs.write(t + 1, h_low), all_gates.write(t, kept), inners.write(t, tf.cast(inner, low))

    return forward


def _gru_backward(d_hs: Any, kept: Tensors, back: Callable[[Any], Any], mask: Any) -> Callable[..., Tensors]:
    """A step of the GRU's gradient, which keeps that of the state's share of the gates, and of the candidate."""
    hs, all_gates, inners = kept
    low, units = d_hs.dtype, inners.element_shape[-1]

    def backward(t: Any, dh: Any, drs: Any, dgs: Any) -> Tensors:
        full = dh.dtype
        dh, gates = dh + tf.cast(d_hs[t], full), tf.cast(all_gates.read(t), full)
        z, r, g = gates[:, :units], gates[:, units : 2 * units], gates[:, 2 * units :]
        inner, before = tf.cast(inners.read(t), full), tf.cast(hs.read(t), full)
        half = (dh if mask is None else dh * mask[t]) * 0.5
        through = z * half + half
        dg = (2 * half - through) * (1 - g * g)
        half_dg = dg * 0.5
        outer = gates[:, : 2 * units]
        d_gates = tf.concat([half * (before - g), half_dg * inner], 1) * (1 - outer * outer)
        dr = tf.cast(tf.concat([d_gates, half_dg * r + half_dg], 1), low)
        passed = through if mask is None else through + dh * (1 - mask[t])
        return tf.cast(back(dr), full) + passed, drs.write(t, dr), dgs.write(t, tf.cast(dg, low))

    return backward


def lstm_scan(x: Any, weights: Sequence[Any], h0: Any, c0: Any, *, mask: Any = None, low: Any = None) -> Any:
    """i, f, o = (tanh(x W + h U + b) + 1) / 2; g = tanh(x W + h U + b); c' = f * c + i * g; h' = o * tanh(c').

    Args:
        x: float or low[steps, batch, inputs].
        weights: W float[inputs, 4 units] in order i, f, g, o, U float[units, 4 units], b float[4 units], all three
            with i, f and o halved.
        h0: float[batch, units].
        c0: float[batch, units].
        mask: float[steps, batch, 1], 1 for real steps; where it is 0 the state stays.
        low: type of the operands; that of the weights when None.

    Returns:
        the outputs after each step, low[steps, batch, units], and the last cell state, float[batch, units].
    """
    low = low or weights[1].dtype

    @tf.custom_gradient  # type: ignore[untyped-decorator,unused-ignore]
    def scan(x: Any, w: Any, u: Any, b: Any, h0: Any, c0: Any) -> Any:
        full, units, space = u.dtype, u.shape[0], space_behind(tf.cast(u, low))
        x_low, h_low = tf.cast(x, low), tf.cast(h0, low)
        w_low, u_low, b_low = (spaced(tf.cast(value, low), space) for value in (w, u, b))
        steps, zx = tf.shape(x)[0], project(x_low, w_low, b_low)
        sizes, width = [*[units] * 4, space], 4 * units + space
        rooms = _array(steps + 1, h_low, units).write(0, h_low), _array(steps + 1, c0, units).write(0, c0)
        carried = (h_low, c0, *rooms, _array(steps, h_low, width))
        _, c, hs, cs, all_gates = run_steps(steps, _lstm_forward(zx, u_low, sizes, mask), carried)
        states = hs.stack()

        def gradient(d_hs: Any, d_c: Any) -> Tensors:
            backward = _lstm_backward(d_hs, (cs, all_gates), times(tf.transpose(u_low)), sizes, mask)
            carried = (tf.zeros_like(h0), d_c, _array(steps, h_low, width))
            dh, dc, dzs = run_steps(steps, backward, carried, backwards=True)
            dz = dzs.stack()
            found = (
                weight_gradient(x_low, dz, full),
                weight_gradient(states[:-1], dz, full),
                bias_gradient(dz, full),
            )
            return input_gradient(dz, w_low, x), *(narrowed(gradient, space) for gradient in found), dh, dc

        return (states[1:], c), gradient

    return scan(x, *weights, h0, c0)


def _lstm_forward(zx: Any, u_low: Any, sizes: list[int], mask: Any) -> Callable[..., Tensors]:
    """A step of the LSTM, which keeps the output, the cell state and the gates; `sizes` has their widths."""

    def forward(t: Any, h: Any, c: Any, hs: Any, cs: Any, all_gates: Any) -> Tensors:
        full, low = c.dtype, h.dtype
        gates = tf.tanh(tf.cast(zx[t], full) + tf.cast(h @ u_low, full))
        i, f, g, o, _ = tf.split(gates, sizes, axis=1)
        c = where_real(mask, t, tf.add_n([f * c, c, i * g, g]) * 0.5, c)
        tanh_c = tf.tanh(c)
        h = where_real(mask, t, tf.cast((o * tanh_c + tanh_c) * 0.5, low), h)
        return h, c, hs.write(t + 1, h), cs.write(t + 1, c), all_gates.write(t, tf.cast(gates, low))

    return forward


def _lstm_backward(
    d_hs: Any, kept: Tensors, back: Callable[[Any], Any], sizes: list[int], mask: Any
) -> Callable[..., Tensors]:
    """A step of the LSTM's gradient, which keeps that of the gates."""
    cs, all_gates = kept

    def backward(t: Any, dh: Any, dc: Any, dzs: Any) -> Tensors:
        full = dh.dtype
        dh, gates = dh + tf.cast(d_hs[t], full), tf.cast(all_gates.read(t), full)
        i, f, g, o, behind = tf.split(gates, sizes, axis=1)
        tanh_c = tf.tanh(cs.read(t + 1))
        half, half_c = (dh, dc) if mask is None else (dh * mask[t], dc * mask[t])
        half = half * 0.5
        half_c = half_c * 0.5 + (o * half + half) * (1 - tanh_c * tanh_c) * 0.5
        inner = tf.concat([half_c * g, half_c * cs.read(t), half_c * i + half_c, half * tanh_c, behind], 1)
        dz = tf.cast(inner * (1 - gates * gates), d_hs.dtype)
        dh_before, dc_before = tf.cast(back(dz), full), f * half_c + half_c
        if mask is not None:
            dh_before, dc_before = dh_before + dh * (1 - mask[t]), dc_before + dc * (1 - mask[t])
        return dh_before, dc_before, dzs.write(t, dz)

    return backward
