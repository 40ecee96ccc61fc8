"""The loss against TensorFlow's own, and where floating point ends."""

import numpy as np
import pytest
import tensorflow as tf

from textrnn.training.loss import token_losses


@pytest.mark.parametrize("shape", [(2, 3), (5,)])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_token_losses_and_gradient_equal_tensorflow(rng, shape, scale):
    logits = tf.constant(rng.normal(0, scale, (*shape, 11)).astype(np.float32))
    y, weights = tf.constant(rng.integers(0, 11, shape), tf.int32), rng.normal(size=shape).astype(np.float32)
    results = []
    for losses in (token_losses, lambda a, b: tf.nn.sparse_softmax_cross_entropy_with_logits(b, a)):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            nats = losses(logits, y)
            total = tf.reduce_sum(nats * weights)
        results.append((nats, tape.gradient(total, logits)))
    for ours, theirs in zip(*results, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_token_losses_of_huge_logits_are_exact():
    losses = token_losses(tf.constant([[3e4, -3e4, 0.0]]), tf.constant([1]))
    assert losses.numpy().tolist() == [6e4]


def test_token_losses_of_infinite_logits_are_not_finite():
    assert not np.isfinite(token_losses(tf.constant([[np.inf, 0.0]]), tf.constant([1]))).any()
