"""The memory network that answers questions about stories; `textrnn/answerer/predict.py` has the equations."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from textrnn.answerer.options import SPREAD, MemoryNetworkConfig

FAR = 1e9  # below any score, and finite
GAPS = 0.1  # share of the sentences before which training leaves a place empty, so that places are not learnt by heart


@keras.saving.register_keras_serializable(package="textrnn")
class MemoryNetwork(keras.Model):  # type: ignore[misc,unused-ignore]
    """Answers a question about the sentences of a story.

    Args:
        config: the architecture, as a `MemoryNetworkConfig` or its JSON.
        vocab_size: number of tokens, the reserved ones included.
        num_answers: number of answers.

    Call:
        sentences int32[batch, sentences, words] (the last one told first), questions int32[batch, words], both padded
        with 0 -> logits float32[batch, answers]; with `linear` without the softmax over sentences; with a `seed`
        int64[2] as in training, when it decides the places that are left empty.

    Example:
        >>> model = build_memory_network(MemoryNetworkConfig(embed=5, sentences=4), vocab_size=11, num_answers=3)
        >>> tuple(model(ops.ones((2, 4, 6), "int32"), ops.ones((2, 6), "int32")).shape)
        (2, 3)
    """

    def __init__(
        self, config: MemoryNetworkConfig | dict[str, Any], vocab_size: int, num_answers: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.config = config if isinstance(config, MemoryNetworkConfig) else MemoryNetworkConfig.from_json(config)
        self.vocab_size, self.num_answers = vocab_size, num_answers

    def build(self, sentences_shape: Any, questions_shape: Any = None) -> None:
        """Makes all weights, drawn as Sukhbaatar et al. do."""
        config, draws = self.config, keras.initializers.RandomNormal(stddev=SPREAD)
        tables = config.hops + 1

        def weight(name: str, *shape: int) -> Any:
            return self.add_weight(shape=shape, initializer=draws, name=name)

        self.words = weight("words", tables, self.vocab_size, config.embed)
        self.places = weight("places", tables, config.sentences, config.embed)
        self.output_kernel = weight("output", 2 * config.embed, self.num_answers)

    def call(self, sentences: Any, questions: Any, linear: Any = False, seed: Any = None) -> Any:
        words, places = ops.convert_to_tensor(self.words), ops.convert_to_tensor(self.places)
        at = self._at(tf.shape(sentences), seed)
        told = tf.cast(tf.reduce_any(sentences > 0, 2), tf.float32)
        asked = self._encoded(words[0], questions)
        m = self._encoded(words[0], sentences) + tf.gather(places[0], at)
        found = tf.zeros_like(asked)
        for hop in range(self.config.hops):
            c = self._encoded(words[hop + 1], sentences) + tf.gather(places[hop + 1], at)
            scores = tf.einsum("be,bse->bs", asked + found, m)
            # A story without sentences has nothing to look at: its shares are 0, not equal.
            shares = tf.where(linear, scores, tf.nn.softmax(scores + (told - 1) * FAR)) * told
            found, m = found + tf.einsum("bs,bse->be", shares, c), c
        both = tf.concat([asked + found, asked * found / SPREAD], 1)
        return both @ ops.convert_to_tensor(self.output_kernel)

    def _at(self, shape: Any, seed: Any) -> Any:
        """The place of each sentence, counted back from the question: int32[batch, sentences]."""
        at = tf.broadcast_to(tf.range(shape[1]), shape[:2])
        if seed is None:
            return at
        gaps = tf.cumsum(tf.cast(tf.random.stateless_uniform(shape[:2], seed) < GAPS, tf.int32), 1)
        return tf.minimum(at + gaps, self.config.sentences - 1)

    def _encoded(self, table: Any, ids: Any) -> Any:
        """Sentences of ids [..., words] as vectors [..., embed]."""
        known = tf.cast(ids > 0, tf.float32)
        vectors = tf.gather(table, ids) * known[..., None]
        bag = tf.reduce_sum(vectors, -2)
        if self.config.encoder == "bag":
            return bag
        count = tf.maximum(tf.reduce_sum(known, -1, keepdims=True), 1)
        place = tf.range(1, tf.shape(ids)[-1] + 1, dtype=tf.int32)
        weighted = tf.reduce_sum(vectors * (tf.cast(place, tf.float32) / count)[..., None], -2)
        feature = tf.range(1, self.config.embed + 1, dtype=tf.float32) / self.config.embed
        return (1 - feature) * bag - (1 - 2 * feature) * weighted

    def get_config(self) -> dict[str, Any]:
        return dict(
            config=self.config.to_json(), vocab_size=self.vocab_size, num_answers=self.num_answers, name=self.name
        )


def build_memory_network(
    config: MemoryNetworkConfig, vocab_size: int, num_answers: int, *, random_seed: int = 0
) -> MemoryNetwork:
    """Builds a memory network with its weights made; equal seeds give equal weights."""
    keras.utils.set_random_seed(random_seed)
    model = MemoryNetwork(config, vocab_size, num_answers)
    model.build((None, None, None))
    return model
