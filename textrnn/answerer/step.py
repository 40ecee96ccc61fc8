"""One step of a memory network that learns to answer, one of measuring it, and an LSTM on the same questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from textrnn.answerer.batches import StoryBatches
from textrnn.answerer.network import MemoryNetwork
from textrnn.classifier.data import ToFit
from textrnn.classifier.fit import fit_classifier
from textrnn.classifier.options import ClassifierConfig, EncoderConfig, FitConfig
from textrnn.training.shards import CLIP_NORM, make_sharded_gradients

LSTM_UNITS, LSTM_EPOCHS = 64, 40.0
SIGNATURE = [tf.TensorSpec((None,) * rank, tf.int32) for rank in (3, 2, 1)]  # sentences, questions, answers
SEED = tf.TensorSpec((2,), tf.int64)


def make_answerer_step(
    model: MemoryNetwork, optimizer: keras.optimizers.Optimizer, *, linear: bool
) -> Callable[..., tuple[Any, Any]]:
    """Builds the function that learns from one batch.

    Args:
        model: the network.
        optimizer: with its variables made.
        linear: whether to leave out the softmax over sentences.

    Returns:
        a function of sentences int32[batch, sentences, words], questions int32[batch, words], answers int32[batch], a
        seed int64[2] for what training leaves to chance, and the learning rate; it returns the mean loss in nats and
        the norm of the gradient before clipping. A step that is not finite changes nothing.
    """
    variables = model.trainable_variables

    @tf.function(input_signature=[*SIGNATURE, SEED, tf.TensorSpec((), tf.float32)])  # type: ignore[untyped-decorator,unused-ignore]
    def step(sentences: Any, questions: Any, answers: Any, seed: Any, learning_rate: Any) -> tuple[Any, Any]:
        def losses(*arrays: Any) -> tuple[Any, Any]:
            nats = answer_nats(model, *arrays, linear=linear, seed=seed)
            return tf.reduce_sum(nats), tf.cast(tf.shape(nats)[0], tf.float32)

        # Steps are so small that a second shard costs more than it saves.
        gradients_of = make_sharded_gradients(losses, variables, SIGNATURE, num_shards=1)
        loss, gradients, norm = gradients_of(sentences, questions, answers)
        gradients, _ = tf.clip_by_global_norm(gradients, CLIP_NORM, use_norm=norm)
        if tf.math.is_finite(norm) and tf.math.is_finite(loss):
            optimizer.learning_rate.assign(learning_rate)
            optimizer.apply(gradients, variables)
        return loss, norm

    return step  # type: ignore[no-any-return]


def answer_nats(model: MemoryNetwork, sentences: Any, questions: Any, answers: Any, **options: Any) -> Any:
    """The loss of each question, float32[batch] in nats; options are those of the model's call."""
    logits = model(sentences, questions, **options)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(answers, logits)


def make_answerer_check(model: MemoryNetwork, stories: StoryBatches) -> Callable[[], float]:
    """The function that gives the mean nats of the questions that `stories` is checked by."""

    @tf.function(input_signature=SIGNATURE)  # type: ignore[untyped-decorator,unused-ignore]
    def read(sentences: Any, questions: Any, answers: Any) -> Any:
        return tf.reduce_sum(answer_nats(model, sentences, questions, answers))

    def check() -> float:
        sums = [float(read(*batch.x, batch.y)) for batch in stories.checked()]
        return float(np.sum(sums)) / stories.num_checked

    return check


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
