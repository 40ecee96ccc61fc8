"""Copying vectors of bits, once or several times: what a network with a memory should learn as a program.

References:
    Graves, Wayne and Danihelka, 2014, Neural Turing machines, sections 4.1 (copy) and 4.2 (repeat copy).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from textrnn.training.sharded import make_sharded_step

MARKS = 2  # channels beside the bits: one marks the beginning, one the end, with the number of copies wanted
COUNT_UNIT = 10  # copies that are written as 1


@dataclass(frozen=True)
class BitBatch:
    """Tasks side by side, padded to equal lengths.

    Attributes:
        inputs: float32[batch, steps, bits + MARKS].
        targets: float32[batch, steps, bits + 1], the last channel telling that all copies are made.
        mask: float32[batch, steps], 1 where the target counts.
    """

    inputs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray


def copy_tasks(
    rng: np.random.Generator, *, bits: int, lengths: np.ndarray, copies: np.ndarray, steps: int | None = None
) -> BitBatch:
    """Draws tasks: a mark, some vectors of bits, a mark with the number of copies, and then silence in which to answer.

    Args:
        rng: draws the bits.
        bits: in a vector.
        lengths: int[batch], vectors of each task.
        copies: int[batch], how often each has to be told.
        steps: to pad to; those of the longest task when None.

    Example:
        >>> batch = copy_tasks(np.random.default_rng(0), bits=3, lengths=np.array([2]), copies=np.array([1]))
        >>> batch.inputs.shape, batch.mask.tolist()  # mark, 2 vectors, mark, 2 answers, the end
        ((1, 7, 5), [[0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]])
    """
    steps = int((lengths * (1 + copies)).max()) + 3 if steps is None else steps
    inputs = np.zeros((len(lengths), steps, bits + MARKS), np.float32)
    targets = np.zeros((len(lengths), steps, bits + 1), np.float32)
    mask = np.zeros((len(lengths), steps), np.float32)
    for row, (length, count) in enumerate(zip(lengths, copies, strict=True)):
        vectors, begin = rng.integers(0, 2, (length, bits)), length + 2
        end = begin + length * count
        inputs[row, 0, bits] = 1
        inputs[row, 1 : length + 1, :bits] = vectors
        inputs[row, length + 1, bits + 1] = count / COUNT_UNIT
        targets[row, begin:end, :bits] = np.tile(vectors, (count, 1))
        targets[row, end, bits] = 1
        mask[row, begin : end + 1] = 1
    return BitBatch(inputs, targets, mask)


def wrong_bits(model: Any, batch: BitBatch) -> float:
    """Share of the bits that a model tells wrong, at the steps that count."""
    wrong = (np.asarray(model(batch.inputs)) > 0) != (batch.targets > 0.5)
    return float((wrong * batch.mask[:, :, None]).sum() / (batch.mask.sum() * batch.targets.shape[2]))


def learn_copying(
    model: Any,
    *,
    bits: int,
    longest: int,
    most_copies: int = 1,
    num_steps: int,
    batch: int = 16,
    learning_rate: float = 3e-3,
    random_seed: int = 0,
    num_shards: int = 1,
    on_step: Callable[[int, float], None] = lambda step, nats: None,
) -> list[float]:
    """Trains a model of `textrnn.models.bits` on tasks of 1 to `longest` vectors and 1 to `most_copies` copies.

    Args:
        model: with `bits` + MARKS inputs and `bits` + 1 outputs.
        bits: in a vector.
        longest: most vectors of a task.
        most_copies: most copies.
        num_steps: batches to learn from; over the last third the learning rate falls to zero.
        batch: tasks in a step.
        learning_rate: of Adam, until it falls.
        random_seed: decides the tasks.
        num_shards: parts of a batch, one a core.
        on_step: told the number of the step and the loss.

    Returns:
        the mean loss of each step, in nats per bit.
    """
    rng, specs = np.random.default_rng(random_seed), [tf.TensorSpec((None, None, None)), tf.TensorSpec((None, None))]
    optimizer = keras.optimizers.Adam(learning_rate, beta_2=0.99)
    optimizer.build(model.trainable_variables)

    def losses(inputs: Any, targets: Any, mask: Any) -> tuple[Any, Any]:
        inputs = tf.ensure_shape(inputs, (None, None, bits + MARKS))
        nats = tf.nn.sigmoid_cross_entropy_with_logits(targets, model(inputs, training=True))
        return tf.reduce_sum(nats * mask[:, :, None]), tf.reduce_sum(mask) * (bits + 1)

    signature = [specs[0], specs[0], specs[1]]
    step = make_sharded_step(losses, model.trainable_variables, optimizer, signature, num_shards=num_shards)
    found = []
    for number in range(num_steps):
        lengths, copies = rng.integers(1, longest + 1, batch), rng.integers(1, most_copies + 1, batch)
        tasks = copy_tasks(rng, bits=bits, lengths=lengths, copies=copies)
        rate = learning_rate * min(1.0, 3 * (num_steps - number) / num_steps)
        found.append(float(step(tasks.inputs, tasks.targets, tasks.mask, np.float32(rate))))
        on_step(number, found[-1])
    return found
