"""Copying vectors of bits, once or several times: what a network with a memory should learn as a program.

References:
    Graves, Wayne and Danihelka, 2014, Neural Turing machines, sections 4.1 (copy) and 4.2 (repeat copy).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from textrnn.training.objective import Batch, Loss, State
from textrnn.training.schedule import Budget, Schedule
from textrnn.training.step import Division, make_step
from textrnn.training.trainer import Step, Trainer

MARKS = 2  # channels beside the bits: one marks the beginning, one the end, with the number of copies wanted
COUNT_UNIT = 10  # copies that are written as 1
WARMUP = 20  # steps in which the learning rate is reached
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


@dataclass
class CopyObjective:
    """Tasks of 1 to `longest` vectors and 1 to `most_copies` copies, see `textrnn.training.objective.Objective`.

    Attributes:
        model: of `benchmarks.bits_model`, with `bits` + MARKS inputs and `bits` + 1 outputs.
        bits: in a vector.
        longest: most vectors of a task.
        num_batches: all that is learnt from.
        most_copies: most copies.
        size: tasks of a batch.
        random_seed: decides the tasks.
    """

    model: Any
    bits: int
    longest: int
    num_batches: int
    most_copies: int = 1
    size: int = 32
    random_seed: int = 0
    evaluate = None
    num_checked = 0

    def __post_init__(self) -> None:
        self.variables = list(self.model.trainable_variables)
        self._rng = np.random.default_rng(self.random_seed)

    def drawn(self, size: int) -> BitBatch:
        """Some tasks, other ones at each call."""
        rng = self._rng
        lengths, copies = rng.integers(1, self.longest + 1, size), rng.integers(1, self.most_copies + 1, size)
        return copy_tasks(rng, bits=self.bits, lengths=lengths, copies=copies)

    def batch(self, epoch: int, index: int) -> Batch:
        """See `Objective`, but in the order in which they are asked for; arrays are those of a `BitBatch`."""
        tasks = self.drawn(self.size)
        return Batch((tasks.inputs, tasks.targets, tasks.mask), self.size)

    def loss(self, arrays: tuple[Any, ...], state: State) -> Loss:
        """See `Objective`; nats, and how many bits they are of."""
        inputs, targets, mask = arrays
        nats = tf.nn.sigmoid_cross_entropy_with_logits(targets, self.model(inputs))
        return Loss(tf.reduce_sum(nats * mask[:, :, None]), tf.reduce_sum(mask) * targets.shape[2])

    def initial_state(self, rows: int) -> State:
        """See `Objective`; nothing is carried."""
        return []


def learn_copying(objective: CopyObjective, *, learning_rate: float = 3e-3, num_shards: int = 1) -> list[float]:
    """Trains a model, which ends with the weights that had the lowest loss on other tasks of the same kind.

    Args:
        objective: the model and its tasks.
        learning_rate: of Adam, at first; it falls to zero along half a cosine.
        num_shards: parts of a batch, one a core.

    Returns:
        the mean loss of each step, in nats per bit.
    """
    optimizer = keras.optimizers.Adam(learning_rate, beta_2=BETA_2, epsilon=EPSILON)
    optimizer.build(objective.variables)
    signature = tuple(tf.TensorSpec((None, None, width)) for width in (objective.bits + MARKS, objective.bits + 1))
    division = Division(num_shards, signature=(*signature, tf.TensorSpec((None, None))))
    step = make_step(objective.loss, objective.variables, optimizer, clip_norm=1.0, division=division)
    trainer = Trainer(objective, step, Schedule(learning_rate, WARMUP, final_share=0.0))
    check, model = objective.drawn(CHECK_TASKS), objective.model
    best, kept, losses = math.inf, model.get_weights(), list[float]()
    for event in trainer.run(Budget(objective.num_batches, None)):
        if isinstance(event, Step):
            losses.append(event.loss)
            if event.step % CHECK_EVERY == 0 or event.step == objective.num_batches:
                found = objective.loss((check.inputs, check.targets, check.mask), [])
                if float(found.nats / found.weight) < best:
                    best, kept = float(found.nats / found.weight), model.get_weights()
    model.set_weights(kept)
    return losses
