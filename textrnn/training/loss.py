"""The loss of language models: nats of the right token under a softmax over the vocabulary."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


@tf.custom_gradient  # type: ignore[untyped-decorator,unused-ignore]
def _nats(logits: Any, ids: Any) -> Any:
    """float32[rows, vocab] and int32[rows] -> float32[rows]; the exponentials serve the gradient as well."""
    shifted = logits - tf.reduce_max(logits, -1, keepdims=True)
    exponentials = tf.exp(shifted)
    sums = tf.reduce_sum(exponentials, -1)

    def gradient(d_nats: Any) -> tuple[Any, None]:
        d_logits = exponentials * (d_nats / sums)[:, None]
        places = tf.stack([tf.range(tf.shape(ids)[0]), ids], 1)
        return tf.tensor_scatter_nd_sub(d_logits, places, d_nats), None

    return tf.math.log(sums) - tf.gather(shifted, ids, batch_dims=1), gradient


def token_losses(logits: Any, y: Any) -> Any:
    """Nats of each target.

    The same as TensorFlow's sparse cross-entropy, in less than half its time on a CPU (`benchmarks/README.md`), which
    is what a step with a large vocabulary spends most on.

    Args:
        logits: float32[..., vocab].
        y: int32[...], the right tokens.

    Returns:
        float32[...].

    Example:
        >>> token_losses(tf.math.log([[0.5, 0.25, 0.25]]), tf.constant([1])).numpy().astype(float).round(2).tolist()
        [1.39]
    """
    rows = tf.reshape(tf.cast(logits, tf.float32), (-1, logits.shape[-1]))
    return tf.reshape(_nats(rows, tf.reshape(y, (-1,))), tf.shape(y))
