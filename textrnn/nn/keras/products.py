"""Matrix products of whole sequences, and their gradients, as the scans need them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

SPACE = 16  # columns


def space_behind(matrix: Any) -> int:
    """Columns of zeros to add to a matrix so that its rows do not begin a multiple of 2 KB apart.

    Rows a power of two apart share a few lines of the cache: a product with 1,024 columns of float32 had half the
    speed of one with 1,040 (43 and 85 GFLOP/s). Other types are laid out anew for their products anyway.
    """
    return SPACE if matrix.dtype == tf.float32 and matrix.shape[-1] % 512 == 0 else 0


def spaced(matrix: Any, space: int) -> Any:
    """Adds columns of zeros behind those of [..., width]."""
    return tf.pad(matrix, [*[(0, 0)] * (len(matrix.shape) - 1), (0, space)]) if space else matrix


def narrowed(matrix: Any, space: int) -> Any:
    """Takes them away again."""
    return matrix[..., : matrix.shape[-1] - space] if space else matrix


def times(weights: Any) -> Callable[[Any], Any]:
    """The function of inputs [rows, any] that gives inputs @ weights, for any number of calls."""
    space = space_behind(weights)
    wider = spaced(weights, space)
    return lambda inputs: narrowed(inputs @ wider, space)


def flat(values: Any) -> Any:
    """[..., width] -> [any, width]."""
    return tf.reshape(values, (-1, values.shape[-1]))


def project(x: Any, w: Any, b: Any) -> Any:
    """W x + b of all steps in one product: [steps, batch, inputs] -> [steps, batch, width]."""
    shape = tf.shape(x)
    product = tf.nn.bias_add(times(w)(flat(x)), b)
    return tf.ensure_shape(tf.reshape(product, (shape[0], shape[1], w.shape[-1])), (*x.shape[:2], w.shape[-1]))


def weight_gradient(inputs: Any, gradients: Any, dtype: Any) -> Any:
    """[steps, batch, units] and [steps, batch, width] -> [units, width], summed over steps and batch."""
    rows = flat(gradients)
    space = space_behind(rows)
    product = tf.matmul(flat(inputs), spaced(rows, space), transpose_a=True)
    return tf.cast(narrowed(product, space), dtype)


def bias_gradient(gradients: Any, dtype: Any) -> Any:
    """[steps, batch, width] -> [width]; as a product, which took an eighth of the time of `reduce_sum`."""
    rows = flat(gradients)
    return tf.cast(tf.matmul(tf.ones((1, tf.shape(rows)[0]), rows.dtype), rows)[0], dtype)


def input_gradient(gradients: Any, w: Any, x: Any) -> Any:
    """The gradient of `x` where that of `x @ w` is [steps, batch, width]."""
    product = times(tf.transpose(w))(flat(gradients))
    return tf.cast(tf.reshape(product, tf.shape(x)), x.dtype)
