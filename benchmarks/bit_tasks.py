"""Copying vectors of bits, once or several times: what a network with a memory should learn as a program.

References:
    Graves, Wayne and Danihelka, 2014, Neural Turing machines, sections 4.1 (copy) and 4.2 (repeat copy).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from textrnn.training.shards import make_sharded_step

MARKS = 2  # channels beside the bits: one marks the beginning, one the end, with the number of copies wanted
COUNT_UNIT = 10  # copies that are written as 1
RISE = 20  # steps in which the learning rate is reached
# When hardly a bit is wrong, gradients are tiny. Adam divides by their size, so with a short memory for it (beta 2)
# and its usual epsilon the steps stay large, and one unlucky batch undoes the program that was found.
BETA_2, EPSILON = 0.999, 1e-5
CHECK_EVERY, CHECK_TASKS = 25, 64  # steps; tasks of lengths that are learnt from


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
    batch: int = 32,
    learning_rate: float = 3e-3,
    random_seed: int = 0,
    num_shards: int = 1,
    on_step: Callable[[int, float], None] = lambda step, nats: None,
) -> list[float]:
    """Trains a model of `benchmarks.bits_model` on tasks of 1 to `longest` vectors and 1 to `most_copies` copies.

    The model ends with the weights that had the lowest loss on other tasks of the same lengths and numbers of copies.

    Args:
        model: with `bits` + MARKS inputs and `bits` + 1 outputs.
        bits: in a vector.
        longest: most vectors of a task.
        most_copies: most copies.
        num_steps: batches to learn from, while the learning rate falls to zero along half a cosine.
        batch: tasks in a step.
        learning_rate: of Adam, at first.
        random_seed: decides the tasks.
        num_shards: parts of a batch, one a core.
        on_step: told the number of the step and the loss.

    Returns:
        the mean loss of each step, in nats per bit.
    """
    rng = np.random.default_rng(random_seed)

    def drawn(count: int) -> BitBatch:
        lengths, copies = rng.integers(1, longest + 1, count), rng.integers(1, most_copies + 1, count)
        return copy_tasks(rng, bits=bits, lengths=lengths, copies=copies)

    check, best, kept = drawn(CHECK_TASKS), math.inf, model.get_weights()
    step, found = _step(model, bits, learning_rate, num_shards), list[float]()
    for number in range(num_steps):
        tasks = drawn(batch)
        rate = learning_rate * min(1.0, (number + 1) / RISE) * (0.5 + 0.5 * math.cos(math.pi * number / num_steps))
        found.append(float(step(tasks.inputs, tasks.targets, tasks.mask, np.float32(rate))))
        on_step(number, found[-1])
        if (number + 1) % CHECK_EVERY == 0 or number + 1 == num_steps:
            total, count = _losses(model, check.inputs, check.targets, check.mask)
            if float(total / count) < best:
                best, kept = float(total / count), model.get_weights()
    model.set_weights(kept)
    return found


def _losses(model: Any, inputs: Any, targets: Any, mask: Any) -> tuple[Any, Any]:
    """The sum of the losses in nats, and how many bits they are of."""
    nats = tf.nn.sigmoid_cross_entropy_with_logits(targets, model(inputs))
    return tf.reduce_sum(nats * mask[:, :, None]), tf.reduce_sum(mask) * targets.shape[2]


def _step(model: Any, bits: int, learning_rate: float, num_shards: int) -> Callable[..., Any]:
    """The function that learns from a batch; it clips the norm of the gradient, see `make_sharded_step`."""
    optimizer = keras.optimizers.Adam(learning_rate, beta_2=BETA_2, epsilon=EPSILON)
    optimizer.build(model.trainable_variables)
    signature = [tf.TensorSpec((None, None, width)) for width in (bits + MARKS, bits + 1)]
    return make_sharded_step(
        lambda *arrays: _losses(model, *arrays),
        model.trainable_variables,
        optimizer,
        [*signature, tf.TensorSpec((None, None))],
        num_shards=num_shards,
    )
