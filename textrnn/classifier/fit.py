"""Training a recurrent classifier on rows of ids, within a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from textrnn.classifier.batch_schedule import Pace
from textrnn.classifier.data import Fitted, ToFit
from textrnn.classifier.network import Classifier, build_classifier, with_unseen
from textrnn.classifier.vectors import StartVectors
from textrnn.nn.keras.weights import get_weights, set_weights
from textrnn.text.rows import padded
from textrnn.training.shards import make_sharded_step, num_shards

WARM_UP = 30  # steps over which the learning rate rises
# Passes over the rows: after about six, networks know the rows and no more of others; but few rows make few steps.
EPOCHS, MOST_EPOCHS, ENOUGH_STEPS = 6.0, 40.0, 500
READ_ROWS = 256  # rows read at a time when nothing is learnt


def make_fit_step(model: Classifier, optimizer: keras.optimizers.Optimizer) -> Callable[..., Any]:
    """Builds the function that learns from one batch, its rows cut into shards for the cores.

    Args:
        model: the network.
        optimizer: with its variables made.

    Returns:
        a function of ids int32[rows, steps], mask float32[rows, steps], labels int32[rows], weight float32[rows] (of
        each row in the mean) and the learning rate, which returns the mean loss in nats.
    """
    rows, steps = tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None, None), tf.float32)
    numbers, floats = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None,), tf.float32)

    def losses(ids: Any, mask: Any, labels: Any, weight: Any) -> tuple[Any, Any]:
        logits = model(ids, mask, training=True)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        return tf.reduce_sum(nats * weight), tf.reduce_sum(weight)

    signature = [rows, steps, numbers, floats]
    return make_sharded_step(
        losses, model.trainable_variables, optimizer, signature, num_shards=num_shards(both_ways=model.config.both_ways)
    )


def make_reader(model: Classifier) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
    """The function of texts as ids that gives their logits, float32[texts, classes]."""

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None, None), tf.float32)])  # type: ignore[untyped-decorator,unused-ignore]
    def read(ids: Any, mask: Any) -> Any:
        return model(ids, mask, training=False)

    def logits(texts: Sequence[np.ndarray]) -> np.ndarray:
        found = np.zeros((len(texts), model.num_classes), np.float32)
        order = np.argsort([len(text) for text in texts], kind="stable")
        for begin in range(0, len(order), READ_ROWS):
            rows = order[begin : begin + READ_ROWS]
            found[rows] = read(*padded([texts[row] for row in rows])).numpy()
        return found

    return logits


def fit_classifier(
    task: ToFit, *, vectors: StartVectors | None = None, initial: dict[str, np.ndarray] | None = None
) -> Fitted:
    """Trains one network.

    Args:
        task: what it learns from.
        vectors: what the embedding starts with; no text has a token that is unseen there.
        initial: further weights to begin with, by name.
    """
    config, texts, seed = task.config, task.texts, task.random_seed
    begin, rng = time.monotonic(), np.random.default_rng(seed)
    model = build_classifier(config.encoder, task.vocab_size, task.num_classes, random_seed=seed, vectors=vectors)
    set_weights(model, get_weights(model) | (initial or {}))
    optimizer = keras.optimizers.Adam(config.fit.learning_rate, beta_2=0.99)
    optimizer.build(model.trainable_variables)
    step = make_fit_step(model, optimizer)
    lengths, size = np.array([len(text) for text in texts]), config.fit.batch
    per_epoch = -(-len(texts) // size)
    epochs = config.fit.epochs or min(MOST_EPOCHS, max(EPOCHS, ENOUGH_STEPS / per_epoch))
    pace = Pace(max(1, round(epochs * per_epoch)), task.seconds, config.fit.learning_rate, WARM_UP, task.interrupted)
    losses, history = list[float](), list[dict[str, float]]()
    for rows, rate, done in pace.batches(lengths, size, rng):
        ids, mask = padded([texts[row] for row in rows])
        own = task.labels[rows]
        weight = task.class_weights[own].astype(np.float32)
        losses.append(float(step(ids, mask, own.astype(np.int32), weight, np.float32(rate))))
        task.on_step(done, losses[-1])
        if len(losses) % per_epoch == 0 or done >= 1:
            history.append(_row(losses, per_epoch, time.monotonic() - begin))
    logits = make_reader(model)(task.held) if len(task.held) else np.zeros((0, task.num_classes), np.float32)
    return Fitted(with_unseen(get_weights(model), vectors), logits, history)


def _row(losses: list[float], per_epoch: int, seconds: float) -> dict[str, float]:
    """A line of the history: the mean loss of the last pass, or of what there is of it."""
    last = losses[-(len(losses) % per_epoch or per_epoch) :]
    return dict(epoch=len(losses) / per_epoch, train_nats=float(np.mean(last)), seconds=seconds)
