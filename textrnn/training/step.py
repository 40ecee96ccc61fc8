"""One training step and one validation step, each a single TensorFlow graph."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from textrnn.training.loss import token_losses
from textrnn.training.options import TrainConfig

State = list[Any]
# Makes of a function, (x, y, mask, state) -> ([tokens, loss, *gradients], state), one that sums over all replicas.
Spread = Callable[[Callable[..., Any]], Callable[..., Any]]
TrainStep = Callable[..., tuple[Any, Any, State]]


def make_optimizer(config: TrainConfig, model: keras.Model) -> keras.optimizers.Optimizer:
    """The optimizer of a resolved configuration, with its variables made."""
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
    optimizer.build(model.trainable_variables)
    return optimizer


def _shards(batch: int, num_shards: int, num_parts: int = 1) -> list[slice]:
    """The rows of each shard of each part, as equal as can be, none empty."""
    count = min(num_shards * num_parts, batch)
    bounds = [batch * number // count for number in range(count + 1)]
    return [slice(begin, end) for begin, end in itertools.pairwise(bounds)]


def _alone(gradients: Callable[..., Any]) -> Callable[..., Any]:
    """The spreading of a single process: none."""
    return gradients


def make_train_step(
    model: Any,
    optimizer: keras.optimizers.Optimizer,
    *,
    clip_norm: float,
    num_shards: int,
    num_parts: int = 1,
    spread: Spread = _alone,
    end_id: int | None = None,
) -> TrainStep:
    """Builds the function that learns from one batch.

    The batch is cut into `num_shards` shards whose graphs have nothing to do with each other, so that each core
    works on one of them; their gradients are added. With `num_parts` above 1 the batch is first cut into parts that
    are worked one after the other, which needs less memory and gives the same sum. With `spread`, the batch is some
    rows of one that several workers or devices share, and loss and gradients are those of the whole. Where a row begins
    with a document, an id from `end_id` on, its state is that before a text: carried on from another document, it would
    be one that no text begins with when it is generated.

    Returns:
        a function of x int32[batch, steps], y and mask of equal shape ([batch] for target `last`), state and
        learning rate. It returns the mean loss in nats per token (without penalties), the global norm of the
        gradient before clipping, and the state after. A step whose gradient is not finite changes nothing.
    """

    @tf.function(reduce_retracing=False)  # type: ignore[untyped-decorator,unused-ignore]
    def learn(x: Any, y: Any, mask: Any, state: State, penalty_weight: Any) -> tuple[list[Any], State]:
        """Tokens, loss and gradients of one shard, and its state; a function of its own: it is traced only once."""
        with tf.GradientTape() as tape:
            if model.target == "last" and not model.reads_both_ways:
                hidden, after = model.hidden(x, state, training=True)
                logits = model.logits(hidden[:, -1], training=True)
            else:
                logits, after = model.step(x, state, training=True)
            loss = tf.reduce_sum(token_losses(logits, model.tokens(y)) * mask)
            total = loss + tf.add_n(model.losses) * penalty_weight if model.losses else loss
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(total, model.trainable_variables)]
        return [tf.reduce_sum(mask), loss, *gradients], after

    def batch_sums(x: Any, y: Any, mask: Any, state: State) -> tuple[list[Any], State]:
        shards = _shards(x.shape[0], num_shards, num_parts)
        penalty_weight = tf.reduce_sum(mask) / len(shards)  # once in the mean over tokens
        states = []
        sums: list[list[Any]] = [[] for _ in range(num_shards)]
        for number, own in enumerate(shards):
            before = sums[number % num_shards]
            with tf.control_dependencies(before):  # a part waits for the one before it
                new, after = learn(x[own], y[own], mask[own], [array[own] for array in state], penalty_weight)
            sums[number % num_shards] = [a + b for a, b in zip(before, new, strict=True)] if before else new
            states.append(after)
        summed = [tf.add_n(parts) for parts in zip(*filter(None, sums), strict=True)]
        return summed, [tf.concat(parts, 0) for parts in zip(*states, strict=True)]

    @tf.function(reduce_retracing=False)  # type: ignore[untyped-decorator,unused-ignore]
    def step(x: Any, y: Any, mask: Any, state: State, learning_rate: Any) -> tuple[Any, Any, State]:
        if end_id is not None:
            goes_on = tf.cast(x[:, :1] < end_id, tf.float32)  # [batch, 1]
            begins = model.initial_state(x.shape[0])
            state = [begin + (array - begin) * goes_on for array, begin in zip(state, begins, strict=True)]
        (tokens, loss_sum, *gradients), after = spread(batch_sums)(x, y, mask, state)
        loss, norm = loss_sum / tokens, tf.linalg.global_norm(gradients) / tokens
        # From sums to clipped means in one pass.
        scale = (clip_norm / tf.maximum(norm, clip_norm) if clip_norm else 1.0) / tokens
        gradients = [gradient * scale for gradient in gradients]
        if tf.math.is_finite(norm) and tf.math.is_finite(loss):
            optimizer.learning_rate.assign(learning_rate)
            optimizer.apply(gradients, model.trainable_variables)
        return loss, norm, after

    return step  # type: ignore[no-any-return]


def make_eval_step(model: Any, *, num_shards: int) -> Callable[..., tuple[Any, State]]:
    """Builds the function that measures one batch: the sum of nats over the tokens that count, and the state."""

    @tf.function(reduce_retracing=False)  # type: ignore[untyped-decorator,unused-ignore]
    def step(x: Any, y: Any, mask: Any, state: State) -> tuple[Any, State]:
        sums, states = [], []
        for own in _shards(x.shape[0], num_shards):
            logits, after = model.step(x[own], [array[own] for array in state])
            sums.append(tf.reduce_sum(token_losses(logits, model.tokens(y[own])) * mask[own]))
            states.append(after)
        return tf.add_n(sums), [tf.concat(parts, 0) for parts in zip(*states, strict=True)]

    return step  # type: ignore[no-any-return]
