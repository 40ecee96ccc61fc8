"""Pretraining a classifier's encoder on texts alone: its first layer learns to predict the tokens beside it.

References:
    Dai and Le, 2015, Semi-supervised sequence learning (a language model's weights to begin with); Jean et al., 2015,
    On using very large target vocabulary for neural machine translation (some tokens stand for all others); Press and
    Wolf, 2017, Using the output embedding to improve language models (one matrix for tokens read and told).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from textrnn.classifier.fit import IDS, MASK, RowObjective, make_trainer, shards_of, steps_of
from textrnn.classifier.network import build_classifier
from textrnn.classifier.network_request import PretrainRequest
from textrnn.nn.keras.weights import get_weights
from textrnn.text.tokens.base import UNKNOWN_ID
from textrnn.training.objective import Loss, State
from textrnn.training.schedule import Budget

NUM_SAMPLES = 1024  # tokens that stand for all that could have come
DISTORTION = 0.75  # they are drawn by their frequency to this power
TOKENS = 3000  # in a batch, about
LEARNING_RATE = 4e-3
WARMUP = 20  # steps over which it rises
STEPS = 64  # tokens of a span of text


class SampledSoftmax(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
    """Predicts a token from the state beside it: the state is projected to the width of the embedding and compared with
    it, and with that of some drawn tokens.

    Args:
        counts: int64[vocabulary], how often each token occurs.
        ways: 2 when states of both directions lie side by side.
    """

    def __init__(self, counts: np.ndarray, units: int, embed: int, ways: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.counts, self.units, self.ways = counts, units, ways
        self.kernels = [
            self.add_weight(shape=(units, embed), initializer="glorot_uniform", name=f"kernel{way}")
            for way in range(ways)
        ]
        self.bias = self.add_weight(shape=(len(counts),), initializer="zeros", name="bias")

    def call(self, embedding: Any, states: Any, ids: Any, mask: Any) -> tuple[Any, Any]:
        """The sum of the losses, and how many there are."""
        total, count = tf.zeros(()), tf.zeros(())
        counted = mask * tf.cast(ids != UNKNOWN_ID, tf.float32)
        pairs = [(states[:, :-1, : self.units], ids[:, 1:], counted[:, 1:])]
        if self.ways == 2:
            pairs.append((states[:, 1:, self.units :], ids[:, :-1], counted[:, :-1] * mask[:, 1:]))
        for kernel, (state, target, weight) in zip(self.kernels, pairs, strict=True):
            at = tf.where(weight > 0)
            wanted = tf.cast(tf.gather_nd(target, at), tf.int64)[:, None]
            # Padding is never drawn; each other token is, at least as if it had occurred once.
            drawn = tf.random.fixed_unigram_candidate_sampler(
                true_classes=wanted,
                num_true=1,
                num_sampled=min(NUM_SAMPLES, len(self.counts) - 1),
                unique=True,
                range_max=len(self.counts),
                distortion=DISTORTION,
                unigrams=[0.0, *np.maximum(self.counts[1:], 1).tolist()],
            )
            losses = tf.nn.sampled_softmax_loss(
                embedding,
                tf.convert_to_tensor(self.bias),
                wanted,
                tf.gather_nd(state, at) @ tf.convert_to_tensor(kernel),
                num_sampled=min(NUM_SAMPLES, len(self.counts) - 1),
                num_classes=len(self.counts),
                sampled_values=drawn,
                remove_accidental_hits=True,
            )
            total, count = total + tf.reduce_sum(losses), count + tf.reduce_sum(weight)
        return total, count


@dataclass
class Pretrained:
    """What pretraining found.

    Attributes:
        weights: of embedding and first recurrent layer, by name as in `get_weights`.
        nats: mean loss of the last tenth of the steps (of a softmax over the drawn tokens).
        epochs: passes over the texts.
    """

    weights: dict[str, np.ndarray]
    nats: float
    epochs: float


def _spans(texts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The texts in spans of few steps, of which more rows go into a batch: products of more rows are faster."""
    spans = [text[begin : begin + STEPS] for text in texts for begin in range(0, len(text), STEPS)]
    return [span for span in spans if len(span) > 1] or [np.zeros(2, np.int32)]


def pretrain(request: PretrainRequest) -> Pretrained:
    """Trains embedding and first recurrent layer of a classifier as a language model, forwards and (if it reads both
    ways) backwards. Long texts are learnt in spans, those of one token not at all."""
    encoder, seed = request.config.encoder, request.random_seed
    model = build_classifier(encoder, request.vocab_size, 2, random_seed=seed, vectors=request.vectors)
    layer, spans = model.recurrent[0], _spans(request.texts)
    counts = np.bincount(np.concatenate(spans), minlength=model.vocab_size)
    head = SampledSoftmax(counts, encoder.units, encoder.embed, 1 + encoder.both_ways)

    def loss(arrays: tuple[Any, ...], state: State) -> Loss:
        ids, mask = arrays
        states = layer(model.embed(ids, training=True), mask=mask > 0, training=True)
        return Loss(*head(tf.convert_to_tensor(model.embedding.embeddings), states, ids, mask))

    variables = [*model.embedding.trainable_variables, *layer.trainable_variables, *head.trainable_variables]
    size = min(len(spans), max(4, round(TOKENS / np.mean([len(span) for span in spans]))))
    trainer = make_trainer(
        RowObjective(spans, size, seed, variables, loss),
        learning_rate=LEARNING_RATE,
        warmup=WARMUP,
        num_shards=shards_of(encoder.both_ways),
        signature=(IDS, MASK),
        interrupted=request.interrupted,
    )
    num_steps = max(1, round(request.config.ensemble.pretrain_epochs * len(spans) / size))
    nats = list[float]()
    for event in steps_of(trainer, Budget(num_steps, request.seconds, reserve_s=0.0)):
        nats.append(event.loss)
        request.on_step(event.done, event.loss)
    names = (f"{model.embedding.name}/", f"{layer.name}/")
    weights = {name: array for name, array in get_weights(model).items() if name.startswith(names)}
    last = nats[-max(1, len(nats) // 10) :] or [math.nan]
    return Pretrained(weights, float(np.mean(last)), len(nats) * size / len(spans))
