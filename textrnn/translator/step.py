"""One step of learning to translate, and one of measuring; each is a single TensorFlow graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from textrnn.training.loss import token_losses
from textrnn.training.shards import make_sharded_gradients
from textrnn.translator.batches import EncodedPairs, PairBatch
from textrnn.translator.network import Aligned, EncoderDecoder
from textrnn.translator.options import LessonConfig

Model = Aligned | EncoderDecoder
IDS, MASK = tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None, None), tf.float32)
SIGNATURE = [IDS, MASK, IDS, MASK]  # source, its mask, target, its mask
NUMBERS = tf.TensorSpec((None,), tf.int32)
# Numbers of random draws: after so many steps they come again.
MOST_SEEDS, MOST_STEPS, MOST_ROWS = 1 << 30, 1 << 20, 1 << 10
READ_ROWS = 256  # pairs read at a time when nothing is learnt


def shifted(y: Any, first: int) -> Any:
    """The tokens before each step: `first`, then all of int32[batch, steps] but the last."""
    return tf.concat([tf.fill([tf.shape(y)[0], 1], first), y[:, :-1]], 1)


def make_losses(
    model: Model, *, smoothing: float, sampling: Callable[[], Any] | None
) -> Callable[..., tuple[Any, Any]]:
    """Builds the function of a batch that gives the sum of its losses in nats, and how many tokens they are of.

    Beside sources, targets and masks it takes numbers int32[rows], of which the first decides all random draws.

    Scheduled sampling in two passes: the first one, in which all right tokens are known, tells what the model would
    write at each step; in the second one some of the tokens that the decoder is given are these.

    Args:
        model: the network.
        smoothing: see `token_losses`.
        sampling: gives the share of tokens that are replaced now; None for none.

    Reference:
        Bengio et al., 2015, Scheduled sampling for sequence prediction with recurrent neural networks; Mihaylova and
        Martins, 2019, Scheduled sampling for transformers, for the two passes.
    """

    def losses(x: Any, x_mask: Any, y: Any, mask: Any, numbers: Any) -> tuple[Any, Any]:
        seed = tf.reduce_sum(numbers[:1])  # a shard may have no row
        if isinstance(model, Aligned):
            logits = model(x, x_mask, seed=seed)
        else:
            end = model.target_size - 1
            memory, before = model.encode(x, x_mask, seed=seed), shifted(y, end)
            if sampling is not None:
                guess = tf.argmax(model.decode(before, memory, x_mask, seed=seed), -1, tf.int32)
                draws = tf.random.stateless_uniform(tf.shape(y), tf.stack([seed, -1]))
                before = tf.where(draws < sampling(), shifted(guess, end), before)
            logits = model.decode(before, memory, x_mask, seed=seed)
        return tf.reduce_sum(token_losses(logits, y, smoothing=smoothing) * mask), tf.reduce_sum(mask)

    return losses


def make_translator_step(
    model: Model,
    optimizer: keras.optimizers.Optimizer,
    lesson: LessonConfig,
    *,
    clip_norm: float,
    num_shards: int,
    ramp_steps: int,
    random_seed: int = 0,
) -> Callable[..., tuple[Any, Any, list[Any]]]:
    """Builds the function that learns from one batch, see `textrnn.training.trainer.Learner`.

    Args:
        model: the network.
        optimizer: with its variables made.
        lesson: how to learn.
        clip_norm: largest global norm of the gradient; 0 for no clipping.
        num_shards: parts of a batch, for the cores.
        ramp_steps: steps in which scheduled sampling comes to its share.
        random_seed: decides what is dropped and replaced.

    Returns:
        a function of source, target, both masks, a state that is always empty, and the learning rate; it returns the
        mean loss in nats, the norm of the gradient before clipping, and the state. A step that is not finite changes
        nothing.
    """

    def share() -> Any:
        steps = tf.cast(optimizer.iterations.value, tf.float32)
        return lesson.sampling * tf.minimum(1.0, steps / max(1, ramp_steps))

    samples = lesson.sampling > 0 and isinstance(model, EncoderDecoder)
    losses = make_losses(model, smoothing=lesson.label_smoothing or 0.0, sampling=share if samples else None)
    variables = model.trainable_variables
    gradients_of = make_sharded_gradients(losses, variables, [*SIGNATURE, NUMBERS], num_shards=num_shards)

    @tf.function(input_signature=[*SIGNATURE, tf.TensorSpec((), tf.float32)])  # type: ignore[untyped-decorator,unused-ignore]
    def step(x: Any, x_mask: Any, y: Any, mask: Any, learning_rate: Any) -> tuple[Any, Any]:
        rows = tf.shape(x)[0]
        numbers = (
            random_seed % MOST_SEEDS
            + tf.cast(optimizer.iterations.value % MOST_STEPS, tf.int32) * MOST_ROWS
            + tf.range(rows)
        )
        loss, gradients, norm = gradients_of(x, x_mask, y, mask, numbers)
        if clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, clip_norm, use_norm=norm)
        if tf.math.is_finite(norm) and tf.math.is_finite(loss):
            optimizer.learning_rate.assign(learning_rate)
            optimizer.apply(gradients, variables)
        return loss, norm

    def learn(x: Any, y: Any, masks: tuple[Any, Any], state: list[Any], rate: Any) -> tuple[Any, Any, list[Any]]:
        return (*step(x, masks[0], y, masks[1], rate), state)

    return learn


def make_translator_check(model: Model) -> Callable[[EncodedPairs], float]:
    """The function of pairs that gives the mean nats of their targets' tokens, the right ones before each known."""

    @tf.function(input_signature=SIGNATURE)  # type: ignore[untyped-decorator,unused-ignore]
    def read(x: Any, x_mask: Any, y: Any, mask: Any) -> Any:
        before = () if isinstance(model, Aligned) else (shifted(y, model.target_size - 1),)
        logits = model(x, x_mask, *before)
        return tf.reduce_sum(token_losses(logits, y) * mask)

    def nats(batch: PairBatch) -> float:
        return float(read(batch.x, batch.mask[0], batch.y, batch.mask[1]))

    return lambda pairs: float(np.sum([nats(batch) for batch in pairs.in_order(READ_ROWS)])) / max(1, pairs.num_tokens)
