"""Language models: stacks of recurrent layers that carry their state, and windows read both ways."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import ops

from textrnn.nn.keras.tokens import Conditions, Logits, OneHot, TiedLogits
from textrnn.nn.options import LayerCell, ModelConfig, layer_cells

State = list[Any]


@keras.saving.register_keras_serializable(package="textrnn")
class LanguageModel(keras.Model):  # type: ignore[misc,unused-ignore]
    """Predicts the next token; works with plain `compile` and `fit`, or step by step with an explicit state.

    Args:
        config: the architecture, as a `ModelConfig` or its JSON.
        vocab_size: number of tokens, the reserved ones included.
        target: `each` gives logits for each step, `last` only for the token after the window.
        random_seed: seed of dropout.
        num_conditions: conditions that documents are in, see `textrnn.text.documents`; the last token then ends one.
        condition_dropout: share of documents whose condition is hidden while training.
        num_experts: orders of n-grams that are mixed in, see `gate_logits`; 0 for none.

    Call:
        ids int32[batch, steps] -> logits float32[batch, steps, vocab], or [batch, vocab] for target `last`;
        the state starts from zero.

    Example:
        >>> model = LanguageModel(ModelConfig(arch="gru", units=7, layers=1, embed=5), vocab_size=11)
        >>> logits, state = model.step(ops.zeros((2, 3), "int32"), model.initial_state(2))
        >>> tuple(logits.shape), [tuple(s.shape) for s in state]
        ((2, 3, 11), [(2, 7)])
    """

    def __init__(
        self,
        config: ModelConfig | dict[str, Any],
        vocab_size: int,
        *,
        target: str = "each",
        random_seed: int = 0,
        num_conditions: int = 0,
        condition_dropout: float = 0.0,
        num_experts: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.config = config if isinstance(config, ModelConfig) else ModelConfig.from_json(config)
        self.vocab_size, self.target, self.random_seed = vocab_size, target, random_seed
        self.num_conditions, self.condition_dropout = num_conditions, condition_dropout
        self.num_experts = num_experts
        config, self.cells = self.config, layer_cells(self.config)
        self.conditions, self.gate = None, None
        if num_experts:
            self.gate = keras.layers.Dense(num_experts + 1, kernel_initializer="zeros", name="gate", dtype="float32")
        if num_conditions:
            self.conditions = Conditions(
                num_conditions,
                first_id=vocab_size,
                dropout=condition_dropout,
                seed=random_seed + 2000,
                name="conditions",
            )
        if config.input == "one-hot":
            self.embedding = OneHot(vocab_size, name="embedding")
        else:
            # Much wider than what Keras draws: a model that cannot tell tokens apart at first learns letter
            # frequencies for hundreds of steps before anything else (350 steps of tiny Shakespeare, with the kernels
            # below: 1.77 nats per character on held-out text against 2.20 for the defaults of Keras).
            draws = keras.initializers.RandomNormal(stddev=config.embedding_stddev, seed=random_seed)
            self.embedding = keras.layers.Embedding(
                vocab_size, config.embed, embeddings_initializer=draws, name="embedding"
            )
        self.recurrent = [self._recurrent(cell, number) for number, cell in enumerate(self.cells)]
        self.dropouts = [
            keras.layers.Dropout(config.dropout, seed=random_seed + number, name=f"dropout{number}")
            for number in range(len(self.cells))
        ]
        self.projection = None
        if not config.tied:
            self.output_layer = Logits(vocab_size, name="output", dtype="float32")
        else:
            self.output_layer = TiedLogits(vocab_size, name="output")
            if config.units * (1 + self.cells[-1].both_ways) + num_conditions != config.embed:
                self.projection = keras.layers.Dense(config.embed, use_bias=False, name="projection")

    @property
    def reads_both_ways(self) -> bool:
        """Whether the model needs a whole window, so that it has no state to carry."""
        return any(cell.both_ways for cell in self.cells)

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """The layers that have weights, in order."""
        ends = [self.projection, self.output_layer, self.gate]
        return [self.embedding, *self.recurrent, *(layer for layer in ends if layer is not None)]

    def _recurrent(self, cell: LayerCell, number: int) -> keras.layers.Layer:
        config, last = self.config, number == len(self.cells) - 1
        penalty = keras.regularizers.L1L2(config.l1, config.l2) if config.l1 or config.l2 else None
        layer = cell.spec.make_layer(
            config.units,
            name=f"layer{number}",
            kernel_initializer="lecun_normal",
            kernel_regularizer=penalty,
            return_sequences=not (cell.both_ways and last),
            return_state=not cell.both_ways,
            recurrent_dropout=config.recurrent_dropout,
            recurrent_regularizer=penalty,
            seed=self.random_seed + 1000 + number,
        )
        return keras.layers.Bidirectional(layer, name=f"layer{number}") if cell.both_ways else layer

    def set_precision(self, precision: str) -> None:
        """Sets the type of the operands of products while training.

        Args:
            precision: `float32`, or `bfloat16`, which some CPUs multiply faster. Weights, cell states and sums stay
                float32, and so does everything outside training.
        """
        layers = [self.output_layer]
        for layer in self.recurrent:
            both_ways = isinstance(layer, keras.layers.Bidirectional)
            layers += [layer.forward_layer, layer.backward_layer] if both_ways else [layer]
        for layer in layers:
            layer.operand_dtype = precision

    def build(self, ids_shape: Any) -> None:
        """Makes all weights; without this, Keras traces the whole graph to find out their shapes (0.2 to 0.6 s)."""
        self.embedding.build(ids_shape)
        width = self.num_conditions + (self.vocab_size if self.config.input == "one-hot" else self.config.embed)
        for cell, layer, dropout in zip(self.cells, self.recurrent, self.dropouts, strict=True):
            layer.build((*ids_shape, width))
            width = self.config.units * (1 + cell.both_ways)
            dropout.build((*ids_shape, width))
        width += self.num_conditions
        if self.gate is not None:
            self.gate.build((*ids_shape, width))
        if self.projection is not None:
            self.projection.build((*ids_shape, width))
            width = self.config.embed
        self.output_layer.build((*ids_shape, width))

    def initial_state(self, batch: int) -> State:
        """The state before a text, float32[batch, any] for each state of each layer, as its `CellSpec` says.

        Where there are conditions, the last array is [batch, num_conditions]: zeros, which stand for none.
        """
        begins = [a for cell in self.cells if not cell.both_ways for a in cell.spec.initial_state(self.config.units)]
        begins += [np.zeros(self.num_conditions, np.float32)] * bool(self.num_conditions)
        return [ops.broadcast_to(array, (batch, len(array))) for array in begins]

    def hidden(self, ids: Any, state: State, *, training: bool = False) -> tuple[Any, State]:
        """What the last layer puts out, float32[batch, steps, units], or [batch, 2 units] when it reads both ways."""
        rest, after, conditions = list(state), State(), list[Any]()
        if self.conditions is not None:
            conditions = self.conditions(ids, rest.pop(), training=training)
            ids = self.tokens(ids)
        h = self.embedding(ids)
        if conditions:
            h = ops.concatenate([h, conditions[0]], -1)
        for cell, layer, dropout in zip(self.cells, self.recurrent, self.dropouts, strict=True):
            before, num_states = h, len(cell.spec.states)
            if cell.both_ways:
                h = layer(h, training=training)
            else:
                h, *new = layer(h, initial_state=rest[:num_states], training=training)
                rest, after = rest[num_states:], after + new
            if self.config.residual and before.shape == h.shape and layer is not self.recurrent[0]:
                h = h + before
            h = dropout(h, training=training)
        if conditions:
            h, after = ops.concatenate([h, conditions[0]], -1), [*after, conditions[1]]
        return h, after

    def tokens(self, ids: Any) -> Any:
        """Ids as the tokens they are read and predicted as: those that begin a document all are its last one's end."""
        return ops.minimum(ids, self.vocab_size - 1) if self.num_conditions else ids

    def logits(self, hidden: Any, *, training: bool = False) -> Any:
        """Logits float32[..., vocab] from what `hidden` gives."""
        if self.projection is not None:
            hidden = self.projection(hidden)
        table = [self.embedding.embeddings] if self.config.tied else []
        return self.output_layer(hidden, *table, training=training)

    def gate_logits(self, hidden: Any) -> Any:
        """Logits float32[..., 1 + orders] of the weights of the network and of each order of n-grams in a mixture."""
        if self.gate is None:
            raise ValueError("gate_logits() is for models with num_experts")
        return self.gate(hidden)

    def step(self, ids: Any, state: State, *, training: bool = False) -> tuple[Any, State]:
        """Reads some steps from a state on.

        Args:
            ids: int32[batch, steps].
            state: as `initial_state` or an earlier call gave it.
            training: whether dropout is on.

        Returns:
            logits float32[batch, steps, vocab] ([batch, vocab] when the model reads both ways), and the state after.
        """
        hidden, after = self.hidden(ids, state, training=training)
        return self.logits(hidden, training=training), after

    def call(self, ids: Any, training: bool = False) -> Any:
        hidden, _ = self.hidden(ids, self.initial_state(ops.shape(ids)[0]), training=training)
        if self.target == "last" and not self.reads_both_ways:
            hidden = hidden[:, -1]
        return self.logits(hidden, training=training)

    def get_config(self) -> dict[str, Any]:
        return dict(
            config=self.config.to_json(),
            vocab_size=self.vocab_size,
            target=self.target,
            random_seed=self.random_seed,
            num_conditions=self.num_conditions,
            condition_dropout=self.condition_dropout,
            num_experts=self.num_experts,
            name=self.name,
        )


def build_language_model(
    config: ModelConfig,
    vocab_size: int,
    *,
    target: str = "each",
    random_seed: int = 0,
    num_conditions: int = 0,
    condition_dropout: float = 0.0,
    num_experts: int = 0,
) -> LanguageModel:
    """Builds a language model with its weights made, in float32; equal seeds give equal weights.

    Args:
        config: the architecture.
        vocab_size: number of tokens, the reserved ones included.
        target: `each` or `last`, see `LanguageModel`.
        random_seed: seed of the initial weights and of dropout.
        num_conditions: see `LanguageModel`.
        condition_dropout: see `LanguageModel`.
        num_experts: see `LanguageModel`.
    """
    keras.utils.set_random_seed(random_seed)
    model = LanguageModel(
        dataclasses.replace(config),
        vocab_size,
        target=target,
        random_seed=random_seed,
        num_conditions=num_conditions,
        condition_dropout=condition_dropout,
        num_experts=num_experts,
    )
    model.build((None, None))
    return model


def start_gate(model: LanguageModel, nats: np.ndarray, *, network: float | None = None, rounds: int = 20) -> None:
    """Sets the bias of the gate to the best fixed weights of what is mixed, and its kernel to zero.

    Args:
        model: with a gate, its weights made.
        nats: float32[tokens, 1 + orders], what some tokens cost that nothing has learnt from: by the network and by
            each order. With `network`, float32[tokens, orders].
        network: the share of a network that has learnt nothing yet.
        rounds: of expectation maximisation.

    Reference:
        Jelinek and Mercer, 1980, Interpolated estimation of Markov source parameters from sparse data.
    """
    probabilities = np.exp(-nats.astype(np.float64))
    weights = np.full(nats.shape[1], 1 / nats.shape[1])
    for _ in range(rounds):
        shares = probabilities * weights
        weights = (shares / shares.sum(1, keepdims=True)).mean(0)
    if network is not None:
        weights = np.concatenate([[network], (1 - network) * weights])
    if model.gate is not None:
        model.gate.bias.assign(np.log(np.maximum(weights, 1e-3)).astype(np.float32))


def start_from_frequencies(model: LanguageModel, ids: np.ndarray, *, sample: int = 4_000_000) -> None:
    """Sets the output bias to the logarithm of each token's frequency, so that learning begins where counting ends.

    Otherwise the first hundreds of steps go into learning the frequencies by gradient, the more the larger the
    vocabulary is, and bend the recurrent layers meanwhile.

    Args:
        model: a model with its weights made.
        ids: int[num_tokens], the training part.
        sample: tokens from its beginning to count.

    Reference:
        Karpathy, 2019, A recipe for training neural networks ("init well").
    """
    tokens = np.minimum(np.asarray(ids[:sample], np.int64), model.vocab_size - 1)  # as in `LanguageModel.tokens`
    counts = np.bincount(tokens, minlength=model.vocab_size) + 0.1
    model.output_layer.bias.assign(np.log(counts / counts.sum()).astype(np.float32))
