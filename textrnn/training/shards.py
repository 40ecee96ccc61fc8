"""One training step on rows of texts: the batch is cut into a shard for each core, inside one graph."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from textrnn.base.machine import num_cores

CLIP_NORM = 1.0
Losses = Callable[..., tuple[Any, Any]]


def num_shards(*, both_ways: bool) -> int:
    """Parts of a batch: the two directions of a bidirectional layer run side by side, each on a core of its own.

    Cutting the batch for two cores as well made steps a tenth to a fifth slower (`benchmarks/README.md`).
    """
    return max(1, num_cores() // (1 + both_ways))


def make_sharded_gradients(
    losses: Losses, variables: Sequence[keras.Variable], signature: Sequence[tf.TensorSpec], *, num_shards: int
) -> Callable[..., tuple[Any, list[Any], Any]]:
    """Builds the function that finds the gradient of one batch, for use inside a graph.

    Args:
        losses: of the arrays of a shard, the sum of their losses and the sum of what these count, float32 both.
        variables: what learns.
        signature: of the arrays of a batch; the first axis of each is that of the rows.
        num_shards: parts of a batch.

    Returns:
        a function of these arrays, which returns the mean loss in nats, its gradients and their global norm.
    """

    @tf.function(input_signature=signature, autograph=False)  # type: ignore[untyped-decorator,unused-ignore]
    def learn(*arrays: Any) -> tuple[Any, Any, list[Any]]:
        with tf.GradientTape() as tape:
            loss, count = losses(*arrays)
        gradients = tape.gradient(loss, variables)
        return loss, count, [tf.convert_to_tensor(gradient) for gradient in gradients]

    def gradients_of(*arrays: Any) -> tuple[Any, list[Any], Any]:
        rows = tf.shape(arrays[0])[0]
        bounds = [rows * number // num_shards for number in range(num_shards + 1)]
        parts = [learn(*(array[begin:end] for array in arrays)) for begin, end in itertools.pairwise(bounds)]
        count = tf.add_n([part[1] for part in parts])
        gradients = [tf.add_n(shares) / count for shares in zip(*(part[2] for part in parts), strict=True)]
        return tf.add_n([part[0] for part in parts]) / count, gradients, tf.linalg.global_norm(gradients)

    return gradients_of


def make_sharded_step(
    losses: Losses,
    variables: Sequence[keras.Variable],
    optimizer: keras.optimizers.Optimizer,
    signature: Sequence[tf.TensorSpec],
    *,
    num_shards: int,
) -> Callable[..., Any]:
    """Builds the function that learns from one batch.

    Args:
        losses: of the arrays of a shard, the sum of their losses and the sum of what these count, float32 both.
        variables: what learns.
        optimizer: with its variables made.
        signature: of the arrays of a batch; the first axis of each is that of the rows.
        num_shards: parts of a batch.

    Returns:
        a function of these arrays and the learning rate, which returns the mean loss in nats.
    """

    gradients_of = make_sharded_gradients(losses, variables, signature, num_shards=num_shards)

    @tf.function(input_signature=[*signature, tf.TensorSpec((), tf.float32)])  # type: ignore[untyped-decorator,unused-ignore]
    def step(*given: Any) -> Any:
        *arrays, learning_rate = given
        loss, gradients, norm = gradients_of(*arrays)
        gradients, _ = tf.clip_by_global_norm(gradients, CLIP_NORM, use_norm=norm)
        if tf.math.is_finite(norm):
            optimizer.learning_rate.assign(learning_rate)
            optimizer.apply(gradients, variables)
        return loss

    return step  # type: ignore[no-any-return]
