"""The one training step: it computes gradients, clips and applies them, and passes over what is not finite."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from textrnn.training.objective import Loss, State
from textrnn.training.options import OptimizationConfig

LossFunction = Callable[[tuple[Any, ...], State], Loss]
Sums = Callable[[tuple[Any, ...], State], tuple[list[Any], State]]


def make_optimizer(config: OptimizationConfig, variables: Sequence[keras.Variable]) -> keras.optimizers.Optimizer:
    """The optimizer of a resolved configuration, with its variables made for those that learn."""
    # The learning rate is a starting value: each step assigns its own.
    settings: dict[str, Any] = dict(learning_rate=config.learning_rate, weight_decay=config.weight_decay or None)
    makers: dict[str, Callable[[], Any]] = {
        # The second moment forgets faster than usual: runs are short.
        "adam": lambda: keras.optimizers.Adam(**settings, beta_2=0.99),
        "adamw": lambda: keras.optimizers.AdamW(
            **{**settings, "weight_decay": config.weight_decay or 0.01}, beta_2=0.99
        ),
        "rmsprop": lambda: keras.optimizers.RMSprop(**settings),
        "sgd": lambda: keras.optimizers.SGD(**settings, momentum=0.9, nesterov=True),
    }
    optimizer = makers[config.optimizer]()
    if config.weight_decay or config.optimizer == "adamw":
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.build(variables)
    return optimizer


def _one_replica(sums: Sums) -> Sums:
    """The spreading of a single process on a single device: none."""
    return sums


@dataclass(frozen=True)
class Division:
    """How the work of a step is divided.

    Attributes:
        num_shards: shards of a batch whose graphs have nothing to do with each other, so that each core works on one.
        num_parts: parts of a batch that are worked one after the other, each in shards: needs less memory.
        spread: changes a function that sums over the rows it is given into one that sums over the rows of all
            replicas, see `textrnn.training.strategy.spread_over`.
        signature: `tf.TensorSpec` of the arrays of a batch, if their shapes change from batch to batch: the graph is
            then traced only once. None where all batches have one shape, which makes faster graphs.
    """

    num_shards: int = 1
    num_parts: int = 1
    spread: Callable[[Sums], Sums] = _one_replica
    signature: tuple[Any, ...] | None = None


def row_ranges(rows: Any, num_shards: int, num_parts: int = 1) -> list[slice]:
    """The rows of each shard of each part, as equal as can be; none is empty if the number of rows is known.

    Args:
        rows: number of rows, int, or int32[] where the graph does not know it.
        num_shards: shards of a part.
        num_parts: parts.
    """
    count = min(num_shards * num_parts, rows) if isinstance(rows, int) else num_shards * num_parts
    bounds = [rows * number // count for number in range(count + 1)]
    return [slice(begin, end) for begin, end in itertools.pairwise(bounds)]


def make_step(
    loss: LossFunction,
    variables: Sequence[keras.Variable],
    optimizer: keras.optimizers.Optimizer,
    *,
    clip_norm: float,
    division: Division | None = None,
) -> Callable[..., tuple[Any, Any, State]]:
    """Builds the function that learns from one batch.

    Args:
        loss: see `textrnn.training.objective.Objective`.
        variables: those that learn.
        optimizer: with its variables made.
        clip_norm: largest global norm of the gradient of the mean loss; 0 for no clipping.
        division: how the work is divided; loss and gradients are those of the whole batch in any case.

    Returns:
        a function of the batch's arrays, the carried state and the learning rate. It returns the mean loss in nats
        (without `Loss.unreported`), the global norm of the gradient before clipping, and the state after. A step whose
        loss or gradient is not finite changes no variable.
    """
    division = division or Division()
    all_sums = division.spread(_batch_sums(loss, variables, division))
    signature = None
    if division.signature is not None:
        signature = [division.signature, [], tf.TensorSpec((), tf.float32)]

    # AutoGraph would write a file for each function into the folder for temporary files, and take half a second.
    @tf.function(input_signature=signature, autograph=False, reduce_retracing=False)  # type: ignore[untyped-decorator,unused-ignore]
    def step(arrays: tuple[Any, ...], state: State, learning_rate: Any) -> tuple[Any, Any, State]:
        (count, nats, *gradients), after = all_sums(arrays, state)
        mean, norm = nats / count, tf.linalg.global_norm(gradients) / count
        # From sums to clipped means in one pass.
        scale = (clip_norm / tf.maximum(norm, clip_norm) if clip_norm else 1.0) / count
        gradients = [gradient * scale for gradient in gradients]

        def apply() -> None:
            optimizer.learning_rate.assign(learning_rate)
            optimizer.apply(gradients, variables)

        tf.cond(tf.math.is_finite(norm) & tf.math.is_finite(mean), apply, lambda: None)
        return mean, norm, after

    return step if signature is None else traced_once(step)


def traced_once(function: Any) -> Callable[..., Any]:
    """A `tf.function` with a signature as a plain function, traced when it is first called and never again.

    TensorFlow counts the calls of all functions that are made of the same code, and takes five networks that are
    trained one after another, each for a few steps, for one that is traced anew each time.
    """
    graph = functools.cache(function.get_concrete_function)
    return lambda *arrays: graph()(*arrays)


def _batch_sums(loss: LossFunction, variables: Sequence[keras.Variable], division: Division) -> Sums:
    """The function of a batch that gives the sums of counts, losses and gradients, and the state after."""
    num_shards, num_parts = division.num_shards, division.num_parts

    @tf.function(autograph=False, reduce_retracing=False)  # type: ignore[untyped-decorator,unused-ignore]
    def learn(arrays: tuple[Any, ...], state: State) -> tuple[list[Any], State]:
        """The sums of one shard; a function of its own: it is traced only once."""
        with tf.GradientTape() as tape:
            found = loss(arrays, state)
            total = found.nats if found.unreported is None else found.nats + found.unreported * found.weight
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(total, variables)]
        return [found.weight, found.nats, *gradients], found.state

    def sums(arrays: tuple[Any, ...], state: State) -> tuple[list[Any], State]:
        rows = arrays[0].shape[0]
        states = []
        shards: list[list[Any]] = [[] for _ in range(num_shards)]
        ranges = row_ranges(tf.shape(arrays[0])[0] if rows is None else rows, num_shards, num_parts)
        for number, own in enumerate(ranges):
            before = shards[number % num_shards]
            with tf.control_dependencies(before):  # a part waits for the one before it
                new, after = learn(tuple(array[own] for array in arrays), [array[own] for array in state])
            shards[number % num_shards] = [a + b for a, b in zip(before, new, strict=True)] if before else new
            states.append(after)
        summed = [tf.add_n(parts) for parts in zip(*filter(None, shards), strict=True)]
        return summed, [tf.concat(parts, 0) for parts in zip(*states, strict=True)]

    return sums
