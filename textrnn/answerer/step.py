"""What a memory network learns and is measured by: the loss of questions about stories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from textrnn.answerer.batches import StoryBatches
from textrnn.answerer.network import MemoryNetwork
from textrnn.training.objective import Loss, State

READ = tuple(tf.TensorSpec((None,) * rank, tf.int32) for rank in (3, 2, 1))  # sentences, questions, answers
SIGNATURE = (*READ, tf.TensorSpec((None, 2), tf.int64), tf.TensorSpec((None,), tf.bool))


def answer_nats(model: MemoryNetwork, sentences: Any, questions: Any, answers: Any, **options: Any) -> Any:
    """The loss of each question, float32[batch] in nats; options are those of the model's call."""
    logits = model(sentences, questions, **options)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(answers, logits)


def make_loss(model: MemoryNetwork) -> Callable[[tuple[Any, ...], State], Loss]:
    """Builds the loss of some questions, see `textrnn.training.objective.Objective`; no state is carried.

    Returns:
        a function of sentences int32[batch, sentences, words], questions int32[batch, words], answers int32[batch],
        seeds int64[batch, 2] for what training leaves to chance, and bool[batch], whether to leave out the softmax over
        sentences; of the last two the first row counts for all.
    """

    def loss(arrays: tuple[Any, ...], state: State) -> Loss:
        *questions, seeds, linear = arrays
        nats = answer_nats(model, *questions, linear=linear[0], seed=seeds[0])
        return Loss(tf.reduce_sum(nats), tf.cast(tf.shape(nats)[0], tf.float32))

    return loss


def make_check(model: MemoryNetwork, stories: StoryBatches) -> Callable[[], float]:
    """The function that gives the mean nats of the questions that `stories` is checked by."""

    @tf.function(input_signature=READ, autograph=False)  # type: ignore[untyped-decorator,unused-ignore]
    def read(sentences: Any, questions: Any, answers: Any) -> Any:
        return tf.reduce_sum(answer_nats(model, sentences, questions, answers))

    def check() -> float:
        sums = [float(read(*batch)) for batch in stories.checked()]
        return float(np.sum(sums)) / stories.num_checked

    return check
