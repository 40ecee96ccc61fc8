"""The recurrent classifier: embedding, recurrent layers, pooling over the steps, and a linear layer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from textrnn.classifier.options import EMBEDDING_STD, EncoderConfig
from textrnn.classifier.vectors import StartVectors
from textrnn.nn.keras.pooling import Pooling

EMBEDDINGS = "embedding/embeddings"  # their name among the weights


@keras.saving.register_keras_serializable(package="textrnn")
class Classifier(keras.Model):  # type: ignore[misc,unused-ignore]
    """Tells the class of a text.

    Args:
        config: the architecture, as an `EncoderConfig` or its JSON.
        vocab_size: number of tokens, the reserved ones included.
        num_classes: number of classes.
        random_seed: seed of the initial weights and of dropout.

    Call:
        ids int32[batch, steps], mask float32[batch, steps] (1 for real steps, at least one, on the left)
        -> logits float32[batch, classes]

    Example:
        >>> model = build_classifier(EncoderConfig(units=7, embed=5), vocab_size=11, num_classes=3)
        >>> tuple(model(keras.ops.zeros((2, 3), "int32"), keras.ops.ones((2, 3))).shape)
        (2, 3)
    """

    def __init__(
        self,
        config: EncoderConfig | dict[str, Any],
        vocab_size: int,
        num_classes: int,
        *,
        random_seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.config = config if isinstance(config, EncoderConfig) else EncoderConfig.from_json(config)
        self.vocab_size, self.num_classes, self.random_seed = vocab_size, num_classes, random_seed
        config = self.config
        draws = keras.initializers.RandomNormal(stddev=EMBEDDING_STD, seed=random_seed)
        self.embedding = keras.layers.Embedding(
            vocab_size, config.embed, embeddings_initializer=draws, name="embedding"
        )
        self.recurrent = [self._recurrent(number) for number in range(config.layers)]
        self.pooling = Pooling(config.pools, both_ways=config.both_ways, name="pooling")
        self.output_layer = keras.layers.Dense(num_classes, name="output")
        # One mask for a token in all its features, one for a feature in all tokens, one for each pooled feature.
        self.word_dropout = keras.layers.Dropout(config.word_dropout, (None, None, 1), seed=random_seed + 1)
        self.embed_dropout = keras.layers.Dropout(config.embed_dropout, (None, 1, None), seed=random_seed + 2)
        self.dropout = keras.layers.Dropout(config.dropout, seed=random_seed + 3)

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """The layers that have weights, in order."""
        return [self.embedding, *self.recurrent, self.pooling, self.output_layer]

    def _recurrent(self, number: int) -> keras.layers.Layer:
        layer = self.config.spec.make_layer(
            self.config.units, return_sequences=True, name=f"layer{number}", seed=self.random_seed + 1000 + number
        )
        return keras.layers.Bidirectional(layer, name=f"layer{number}") if self.config.both_ways else layer

    def build(self, ids_shape: Any, mask_shape: Any = None) -> None:
        """Makes all weights."""
        self.embedding.build(ids_shape)
        width = self.config.embed
        for layer in self.recurrent:
            layer.build((*ids_shape, width))
            width = self.config.width
        self.pooling.build((*ids_shape, width))
        self.output_layer.build((None, width * len(self.config.pools)))

    def embed(self, ids: Any, *, training: bool = False) -> Any:
        """The vectors of tokens, float32[batch, steps, embed], after dropout."""
        vectors = self.word_dropout(self.embedding(ids), training=training)
        if training:  # dropped words are zeros, and the others need not make up for them
            vectors = vectors * (1 - self.config.word_dropout)
        return self.embed_dropout(vectors, training=training)

    def call(self, ids: Any, mask: Any, training: bool = False) -> Any:
        h = self.embed(ids, training=training)
        for layer in self.recurrent:
            h = layer(h, mask=mask > 0, training=training)
        return self.output_layer(self.dropout(self.pooling(h, mask), training=training))

    def get_config(self) -> dict[str, Any]:
        return dict(
            config=self.config.to_json(),
            vocab_size=self.vocab_size,
            num_classes=self.num_classes,
            random_seed=self.random_seed,
            name=self.name,
        )


def build_classifier(
    config: EncoderConfig,
    vocab_size: int,
    num_classes: int,
    *,
    random_seed: int = 0,
    vectors: StartVectors | None = None,
) -> Classifier:
    """Builds a classifier with its weights made; equal seeds give equal weights.

    Args:
        config: the architecture.
        vocab_size: number of tokens, the reserved ones included.
        num_classes: number of classes.
        random_seed: seed of the initial weights and of dropout.
        vectors: what the embedding starts with. The tokens that are in no row are left out: nothing is learnt of them
            and training takes no longer for them; `with_unseen` puts them in.
    """
    keras.utils.set_random_seed(random_seed)
    num_unseen = 0 if vectors is None else len(vectors.unseen)
    model = Classifier(config, vocab_size - num_unseen, num_classes, random_seed=random_seed)
    model.build((None, None))
    if vectors is not None:
        embeddings = model.embedding.embeddings.numpy()
        embeddings[vectors.ids] = EMBEDDING_STD * vectors.learnt
        model.embedding.embeddings.assign(embeddings)
    return model


def with_unseen(weights: dict[str, np.ndarray], vectors: StartVectors | None) -> dict[str, np.ndarray]:
    """The weights of a trained classifier by name, with the vectors of the tokens that are in no row."""
    if vectors is None:
        return weights
    unseen = np.float32(EMBEDDING_STD) * vectors.unseen
    return {**weights, EMBEDDINGS: np.concatenate([weights[EMBEDDINGS], unseen])}
