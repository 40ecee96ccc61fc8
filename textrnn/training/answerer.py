"""Training memory networks on questions about stories, several times, and an LSTM on the same ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from textrnn.answer_config import AnswerConfig
from textrnn.classify_config import ClassifierConfig, EncoderConfig, FitConfig
from textrnn.models.answerer import build_memory_network
from textrnn.runtime.answerer import Arrays
from textrnn.training.classifier import fit_classifier
from textrnn.training.pace import Pace
from textrnn.training.prepared import ToFit
from textrnn.training.sharded import make_sharded_step

EPOCHS, STEPS = 30, 2500  # passes of a try when nobody says, and at least so many steps
RISE = 10  # steps in which the learning rate is reached
LSTM_UNITS, LSTM_EPOCHS = 64, 40.0


@dataclass
class Learnt:
    """A trained network.

    Attributes:
        weights: its arrays by name.
        nats: mean loss of its last pass.
        history: a row for each pass: `try`, `epoch`, `train_nats`, `seconds`.
    """

    weights: dict[str, np.ndarray]
    nats: float
    history: list[dict[str, float]] = field(default_factory=list)


def fit_memory_network(
    config: AnswerConfig,
    arrays: Arrays,
    answers: np.ndarray,
    *,
    vocab_size: int,
    num_answers: int,
    random_seed: int,
    number: int = 1,
    seconds: float,
    interrupted: Callable[[], bool] = lambda: False,
    on_step: Callable[[float, float], None] = lambda done, nats: None,
) -> Learnt:
    """Trains one memory network.

    Args:
        config: all options.
        arrays: the questions to learn from, with their stories.
        answers: int32[questions], the number of each answer.
        vocab_size: number of tokens.
        num_answers: number of answers.
        random_seed: decides initial weights and order.
        number: of this try, for the history.
        seconds: after which it ends; the learning rate falls so that it is low then.
        interrupted: whether to stop after this step.
        on_step: told the share that is done and the loss in nats.
    """
    begin, rng, fit = time.monotonic(), np.random.default_rng(random_seed), config.fit
    model = build_memory_network(config.network, vocab_size, num_answers, random_seed=random_seed)
    optimizer = keras.optimizers.Adam(fit.learning_rate, beta_2=0.99)
    optimizer.build(model.trainable_variables)
    steps = {linear: _step(model, optimizer, linear=linear) for linear in (True, False)}
    per_epoch = -(-len(answers) // fit.batch)
    epochs = max(EPOCHS, STEPS / per_epoch) if fit.epochs is None else fit.epochs
    pace = Pace(max(1, round(epochs * per_epoch)), seconds, fit.learning_rate, RISE, interrupted)
    lengths, losses, history = np.ones(len(answers), np.int64), list[float](), list[dict[str, float]]()
    for rows, rate, done in pace.batches(lengths, fit.batch, rng):
        step = steps[done < fit.linear_start]
        found = step(arrays.sentences[rows], arrays.questions[rows], answers[rows], np.float32(rate))
        losses.append(float(found))
        on_step(done, losses[-1])
        if len(losses) % per_epoch == 0 or done >= 1:
            mean = float(np.mean(losses[-per_epoch:]))
            row = {"try": number, "epoch": len(losses) / per_epoch, "train_nats": mean}
            history.append({**row, "seconds": time.monotonic() - begin})
    weights = {weight.name: weight.numpy() for weight in model.weights}
    return Learnt(weights, float(np.mean(losses[-per_epoch:])), history)


def _step(model: Any, optimizer: Any, *, linear: bool) -> Callable[..., Any]:
    def losses(sentences: Any, questions: Any, answers: Any) -> tuple[Any, Any]:
        logits = model(sentences, questions, linear=linear, training=True)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(answers, logits)
        return tf.reduce_sum(nats), tf.cast(tf.shape(nats)[0], tf.float32)

    signature = [tf.TensorSpec((None,) * rank, tf.int32) for rank in (3, 2, 1)]
    # Steps are so small that a second shard costs more than it saves.
    return make_sharded_step(losses, model.trainable_variables, optimizer, signature, num_shards=1)


def lstm_guesses(
    texts: Sequence[np.ndarray],
    answers: np.ndarray,
    held: Sequence[np.ndarray],
    *,
    vocab_size: int,
    num_answers: int,
    random_seed: int,
    seconds: float,
    interrupted: Callable[[], bool] = lambda: False,
) -> np.ndarray:
    """What an LSTM says that reads story and question as one text: int64[held], the number of each answer.

    Args:
        texts: ids of each question to learn from, its story before it.
        answers: int[texts], the number of each answer.
        held: ids of the questions to answer.
        vocab_size: number of tokens.
        num_answers: number of answers.
        random_seed: decides initial weights and order.
        seconds: after which it ends.
        interrupted: whether to stop after this step.
    """
    encoder = EncoderConfig(
        arch="lstm", units=LSTM_UNITS, embed=32, pooling="last", dropout=0.0, embed_dropout=0.0, word_dropout=0.0
    )
    task = ToFit(
        ClassifierConfig(encoder=encoder, fit=FitConfig(learning_rate=5e-3, epochs=LSTM_EPOCHS)),
        texts,
        answers,
        held,
        vocab_size=vocab_size,
        num_classes=num_answers,
        class_weights=np.ones(num_answers),
        random_seed=random_seed,
        seconds=seconds,
        interrupted=interrupted,
    )
    return np.asarray(fit_classifier(task).logits.argmax(1))
