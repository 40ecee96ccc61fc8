"""SimpleRNN, GRU and LSTM: the Keras layers with the same weights and options, and a faster loop on a CPU.

The rule: the loop of `textrnn.layers.scan` runs where the layer has its usual activations and a bias, gets no mask,
drops nothing inside the layer, is not unrolled, and TensorFlow sees no GPU. Otherwise the Keras layer does its own
(on a GPU: the cuDNN kernels).
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from textrnn.layers.scan import gru_scan, lstm_scan, simple_scan


def _scans(layer: Any, mask: Any, training: bool) -> bool:
    """Whether the fast loop computes what this layer, called like this, means."""
    drops = training and (layer.dropout or layer.recurrent_dropout)
    usual = layer.activation is keras.activations.tanh and layer.use_bias
    usual = usual and getattr(layer, "recurrent_activation", keras.activations.sigmoid) is keras.activations.sigmoid
    usual = usual and getattr(layer, "reset_after", True)
    floats = layer.compute_dtype == layer.variable_dtype == "float32"
    return bool(usual and floats and mask is None and not drops and not layer.unroll and not _has_gpu())


def _has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def _project(layer: Any, sequences: Any, kernel: Any, bias: Any) -> Any:
    """W x + b of all steps in one product: [batch, steps, inputs] -> [steps, batch, width], in reading order."""
    steps_first = tf.transpose(sequences, (1, 0, 2))
    if layer.go_backwards:
        steps_first = steps_first[::-1]
    shape = tf.shape(steps_first)
    flat = tf.reshape(steps_first, (-1, sequences.shape[-1])) @ kernel + bias
    return tf.reshape(flat, (shape[0], sequences.shape[0] or shape[1], kernel.shape[-1]))


def _results(layer: Any, hs: Any, *more: Any) -> tuple[Any, Any, list[Any]]:
    """What an `inner_loop` returns: the last output, all outputs with the batch first, and the final state."""
    last = hs[-1]
    outputs = tf.transpose(hs, (1, 0, 2)) if layer.return_sequences else last[:, None]
    return last, outputs, [last, *more]


def _tensors(*variables: Any) -> list[Any]:
    """The values of variables; a custom gradient refuses the variables themselves."""
    return [tf.identity(ops.convert_to_tensor(variable)) for variable in variables]


def _scale(units: int, *gates: float) -> Any:
    """A factor for each column of a gate matrix."""
    return tf.repeat(tf.constant(gates, tf.float32), units)


@keras.saving.register_keras_serializable(package="textrnn")
class SimpleRNN(keras.layers.SimpleRNN):  # type: ignore[misc,unused-ignore]
    """`keras.layers.SimpleRNN`, faster on a CPU. Reference: Elman, 1990, Finding structure in time."""

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        if not _scans(self, mask, training):
            return super().inner_loop(sequences, initial_state, mask, training)
        kernel, recurrent, bias = _tensors(self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)
        (h0,) = initial_state
        return _results(self, simple_scan(_project(self, sequences, kernel, bias), recurrent, h0))


@keras.saving.register_keras_serializable(package="textrnn")
class GRU(keras.layers.GRU):  # type: ignore[misc,unused-ignore]
    """`keras.layers.GRU` (gates z, r, h; reset after the product), faster on a CPU. Reference: Cho et al., 2014."""

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        if not _scans(self, mask, training):
            return super().inner_loop(sequences, initial_state, mask, training)
        kernel, recurrent, bias = _tensors(self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)
        scale, (h0,) = _scale(self.units, 0.5, 0.5, 1.0), initial_state
        outer = tf.concat([bias[0, : 2 * self.units] + bias[1, : 2 * self.units], bias[0, 2 * self.units :]], 0)
        zx = _project(self, sequences, kernel * scale, outer * scale)
        return _results(self, gru_scan(zx, recurrent * scale, bias[1, 2 * self.units :], h0))


@keras.saving.register_keras_serializable(package="textrnn")
class LSTM(keras.layers.LSTM):  # type: ignore[misc,unused-ignore]
    """`keras.layers.LSTM` (gates i, f, c, o), faster on a CPU. Reference: Hochreiter and Schmidhuber, 1997."""

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        if not _scans(self, mask, training):
            return super().inner_loop(sequences, initial_state, mask, training)
        kernel, recurrent, bias = _tensors(self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)
        scale, (h0, c0) = _scale(self.units, 0.5, 0.5, 1.0, 0.5), initial_state
        zx = _project(self, sequences, kernel * scale, bias * scale)
        hs, c = lstm_scan(zx, recurrent * scale, h0, c0)
        return _results(self, hs, c)
