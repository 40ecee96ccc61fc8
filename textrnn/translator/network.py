"""Translators: an encoder and a decoder with attention, or a tagger with an output for each token that is read.

Nothing that attends is fed back into a recurrent layer before it. So, while learning, when the right tokens are known,
each layer reads all steps in one loop (`textrnn.nn.keras.scan`), and attention and logits are a few products.

    e = BiRNN(E_s x)                          all steps of the source and an end
    d_0 = RNN(E_t y_before), begun with tanh(W [e_last; e_first])
    c_i = attention(d_i, e);  d_(i+1) = RNN([d_i; c_i])
    logits = tanh(W [d_n; c_n]) E_t^T + b

Reference:
    Bahdanau, Cho and Bengio, 2015, Neural machine translation by jointly learning to align and translate; Luong et al.,
    2015, Effective approaches to attention-based neural machine translation; Wu et al., 2016, Google's neural machine
    translation system, for attention from the first layer of the decoder to those above it.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from textrnn.nn.architectures import CELLS
from textrnn.nn.keras.pooling import Attention
from textrnn.nn.keras.tokens import Logits, TiedLogits
from textrnn.translator.options import NetworkConfig

EMBEDDING_STD = 0.1


class _Translator(keras.Model):  # type: ignore[misc,unused-ignore]
    """What both kinds share: the encoder."""

    def __init__(self, config: NetworkConfig, source_size: int, target_size: int, random_seed: int) -> None:
        super().__init__(name="translator")
        self.config, self.source_size, self.target_size = config, source_size, target_size
        self.random_seed = random_seed
        self.units, self.embed, self.rate = config.sizes
        self.source = self._embedding("source", source_size, 0)
        self.encoder = [
            keras.layers.Bidirectional(
                self._layer(f"encoder{number}", number, config.way_units), name=f"encoder{number}"
            )
            for number in range(config.layers)
        ]

    @property
    def recurrent(self) -> list[keras.layers.Layer]:
        """The recurrent layers, those that read first."""
        return [*self.encoder, *getattr(self, "decoder", [])]

    def _embedding(self, name: str, size: int, seed: int) -> keras.layers.Layer:
        draws = keras.initializers.RandomNormal(stddev=EMBEDDING_STD, seed=self.random_seed + seed)
        return keras.layers.Embedding(size, self.embed, embeddings_initializer=draws, name=name)

    def _layer(self, name: str, number: int, units: int) -> keras.layers.Layer:
        seed = self.random_seed + 1000 + number
        return CELLS[self.config.cell].make_layer(units, return_sequences=True, name=name, seed=seed)

    def _build_encoder(self) -> None:
        self.source.build((None, None))
        width = self.embed
        for layer in self.encoder:
            layer.build((None, None, width))
            width = 2 * self.config.way_units

    def dropped(self, values: Any, number: int, seed: Any) -> Any:
        """Values [batch, steps, width] with some features of each text zero in all its steps; without a seed, all.

        One mask for all steps: the network cannot find in another step what it misses in one. The seed is given, and
        not a state, so that the shards of a batch need not wait for each other and a resumed run goes on alike.

        Reference:
            Gal and Ghahramani, 2016, A theoretically grounded application of dropout in recurrent neural networks.
        """
        if seed is None or not self.rate:
            return values
        shape = (tf.shape(values)[0], 1, values.shape[-1])
        draws = tf.random.stateless_uniform(shape, tf.stack([seed, number]))
        return values * tf.cast(draws >= self.rate, values.dtype) / (1 - self.rate)

    def encode(self, ids: Any, mask: Any, *, seed: Any = None) -> Any:
        """Reads sources: float32[batch, places, width]."""
        h = self.dropped(self.source(ids), 0, seed)
        for number, layer in enumerate(self.encoder, 1):
            h = self.dropped(layer(h, mask=mask > 0, training=seed is not None), number, seed)
        return h

    def set_precision(self, precision: str) -> None:
        """Sets the type that products multiply while training: `float32`, or `bfloat16`, which some CPUs do faster."""
        for layer in self.parts:
            for inner in [layer.forward_layer, layer.backward_layer] if hasattr(layer, "forward_layer") else [layer]:
                if hasattr(inner, "operand_dtype"):
                    inner.operand_dtype = precision


@keras.saving.register_keras_serializable(package="textrnn")
class Aligned(_Translator):
    """Tells a token for each that it reads.

    Args:
        config: the architecture, with all sizes.
        source_size: number of tokens of the source, the reserved ones included.
        target_size: the same for the target.
        random_seed: seed of initial weights and dropout.

    Call:
        ids int32[batch, steps], mask float32[batch, steps] -> logits float32[batch, steps, target]; with a seed, an
        int32 scalar, it is training and drops activations
    """

    def __init__(self, config: NetworkConfig, source_size: int, target_size: int, random_seed: int = 0) -> None:
        super().__init__(config, source_size, target_size, random_seed)
        self.output_layer = Logits(target_size, name="output")

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """The layers that have weights, in order."""
        return [self.source, *self.encoder, self.output_layer]

    def build(self, *shapes: Any) -> None:
        """Makes all weights."""
        self._build_encoder()
        self.output_layer.build((None, None, 2 * self.config.way_units))

    def call(self, ids: Any, mask: Any, seed: Any = None) -> Any:
        return self.output_layer(self.encode(ids, mask, seed=seed), training=seed is not None)


@keras.saving.register_keras_serializable(package="textrnn")
class EncoderDecoder(_Translator):
    """Reads a text and writes another.

    Args:
        config: the architecture, with all sizes.
        source_size: number of tokens of the source, the reserved ones and the end included.
        target_size: the same for the target; its end stands before the first token too.
        random_seed: seed of initial weights and dropout.

    Call:
        ids int32[batch, places], mask float32[batch, places], before int32[batch, steps] (the tokens before each
        step) -> logits float32[batch, steps, target]; with a seed, an int32 scalar, it is training and drops some
    """

    def __init__(self, config: NetworkConfig, source_size: int, target_size: int, random_seed: int = 0) -> None:
        super().__init__(config, source_size, target_size, random_seed)
        self.target = self._embedding("target", target_size, 1)
        count = config.decoder_layers
        self.bridge = keras.layers.Dense(count * self.units, activation="tanh", name="bridge")
        self.decoder = [self._layer(f"decoder{number}", 500 + number, self.units) for number in range(count)]
        self.attention = [Attention(name=f"attention{number}") for number in range(count)]
        self.combine = keras.layers.Dense(self.embed, activation="tanh", name="combine")
        self.output_layer = TiedLogits(target_size, name="output")

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """The layers that have weights, in order."""
        ends = [self.combine, self.output_layer]
        return [self.source, *self.encoder, self.target, self.bridge, *self.decoder, *self.attention, *ends]

    def build(self, *shapes: Any) -> None:
        """Makes all weights."""
        memory = 2 * self.config.way_units
        self._build_encoder()
        self.target.build((None, None))
        self.bridge.build((None, memory))
        width = self.embed
        for layer, attention in zip(self.decoder, self.attention, strict=True):
            layer.build((None, None, width))
            attention.build((None, None, self.units), (None, None, memory))
            width = self.units + memory
        self.combine.build((None, None, width))
        self.output_layer.build((None, None, self.embed), (self.target_size, self.embed))

    def begin(self, memory: Any, mask: Any) -> list[Any]:
        """The state of each layer of the decoder before the first token, float32[batch, units]."""
        half, last = self.config.way_units, tf.cast(tf.reduce_sum(mask, 1), tf.int32) - 1
        ends = tf.concat([tf.gather(memory, last, batch_dims=1)[:, :half], memory[:, 0, half:]], -1)
        return tf.split(self.bridge(ends), self.config.decoder_layers, -1)  # type: ignore[no-any-return]

    def decode(self, before: Any, memory: Any, mask: Any, *, seed: Any = None) -> Any:
        """Logits float32[batch, steps, target] after each of the tokens int32[batch, steps]."""
        h, training = self.dropped(self.target(before), 100, seed), seed is not None
        steps = zip(self.decoder, self.attention, self.begin(memory, mask), strict=True)
        for number, (layer, attention, state) in enumerate(steps, 101):
            states = [state, *(tf.zeros_like(state) for _ in CELLS[self.config.cell].states[1:])]
            h = layer(h, initial_state=states, training=training)
            h = self.dropped(tf.concat([h, attention(h, memory, mask)], -1), number, seed)
        return self.output_layer(self.combine(h), self.target.embeddings, training=training)

    def call(self, ids: Any, mask: Any, before: Any, seed: Any = None) -> Any:
        return self.decode(before, self.encode(ids, mask, seed=seed), mask, seed=seed)


def build_translator(
    kind: str,
    config: NetworkConfig,
    *,
    source_size: int,
    target_size: int,
    random_seed: int = 0,
    precision: str = "float32",
) -> Aligned | EncoderDecoder:
    """Builds a translator with its weights made; equal seeds give equal weights.

    Args:
        kind: `aligned` or `encoder-decoder`.
        config: the architecture, with all sizes.
        source_size: number of tokens of the source, the reserved ones (and the end) included.
        target_size: the same for the target.
        random_seed: seed of initial weights and dropout.
        precision: type of what is multiplied while training.

    Example:
        >>> config = NetworkConfig(units=7, embed=5, dropout=0.0)
        >>> model = build_translator("aligned", config, source_size=11, target_size=9)
        >>> tuple(model(keras.ops.zeros((2, 3), "int32"), keras.ops.ones((2, 3))).shape)
        (2, 3, 9)
    """
    keras.utils.set_random_seed(random_seed)
    maker = Aligned if kind == "aligned" else EncoderDecoder
    model = maker(config, source_size, target_size, random_seed)
    model.build()
    model.built = True
    model.set_precision(precision)
    return model
