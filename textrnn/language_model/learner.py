"""What learns a language model: the objective, and all parts of one training."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import time
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from textrnn.language_model.file_weights import FileWeights
from textrnn.language_model.mixed_counts import MixedCounts
from textrnn.language_model.network import LanguageModel, build_language_model, start_from_frequencies, start_gate
from textrnn.language_model.scoring import LARGEST_LOGITS
from textrnn.language_model.step import held_out_batches, make_eval_step, make_loss, total_nats
from textrnn.nn.keras.weights import begin_with, freeze, get_weights
from textrnn.nn.numpy.load import make_network
from textrnn.text.windows import MAX_TOKENS, SomeRows, make_windows, share_of
from textrnn.text.windows import Batch as TextBatch
from textrnn.training.backend import chosen_precision
from textrnn.training.checkpoint import Progress
from textrnn.training.display import COLUMNS, Display
from textrnn.training.objective import Batch, Loss, State
from textrnn.training.prepared import Prepared
from textrnn.training.schedule import Schedule
from textrnn.training.session import default_shards
from textrnn.training.step import Division, make_optimizer, make_step
from textrnn.training.store import RunStore
from textrnn.training.strategy import spread_over
from textrnn.training.trainer import Trainer
from textrnn.training.workers import Workers

TIMED_BATCHES = 2  # of the held-out part, by which the time of a check is told
# Tokens to check times those of the vocabulary, from which on a check takes some seconds: of fewer, learning tells soon
# enough, and timing them first cost a budget of 15 s 0.03 nats.
COSTLY_CHECK = 2e9
COUNTS_COLUMNS = ("network_bits_per_char", "counts_bits_per_char")  # of history.csv, where counts are mixed in
GATE_TOKENS = 50_000  # that the weights of the orders are found on at first
NEW_SHARE = 0.02  # of a network in the mixture at first: one that had no time to learn costs the counts no more
GATE_ROWS, GATE_STEPS = 64, 64  # of text, on which the share of one is found that has learnt before


def num_targets(ids: np.ndarray, end_id: int | None) -> int:
    """Tokens that are predicted: the id that begins the first document is not."""
    return len(ids) - (end_id is not None)


class TextObjective:
    """What a language model learns, see `textrnn.training.objective.Objective`: the next token of a text.

    Args:
        model: the network.
        prepared: the corpus and options.
        workers: all processes that learn together; this one reads its share of the rows of each batch.
        num_shards: shards of a batch.
        counts: of n-grams, that are mixed in.

    Attributes:
        held_out_nats: nats per token of the last evaluation: of the `network`, and of the `mixture` if there is one.
    """

    def __init__(
        self,
        model: LanguageModel,
        prepared: Prepared,
        workers: Workers,
        num_shards: int,
        counts: MixedCounts | None = None,
    ) -> None:
        config, corpus = prepared.config, prepared.data
        self._model, self._workers, self._window = model, workers, config.data.window or 1
        self._start_id, self._end_id = prepared.details["start_id"], corpus.end_id
        windows = make_windows(corpus.train.ids, config.data, config.optimization.random_seed)
        self.rows = share_of(windows.num_rows, workers.rank, workers.workers)
        self._windows = SomeRows(windows, self.rows)
        self._files = FileWeights.from_json(prepared.details["corpus"]["files"], len(corpus.train.ids))
        self._held_out = corpus.valid.ids[:MAX_TOKENS]  # all of it, or the beginning of a very long one
        self._counts, code_nats = counts, None if counts is None else counts.code_nats
        self._eval_step = make_eval_step(model, num_shards=num_shards, code_nats=code_nats)
        self._loss = make_loss(model, self._end_id, code_nats)
        self.held_out_nats = dict[str, float]()
        self.num_batches, self.num_checked = windows.num_batches, len(self._held_out)
        self.variables = model.trainable_variables

    @property
    def num_targets(self) -> int:
        """Tokens that an evaluation predicts."""
        return num_targets(self._held_out, self._end_id)

    def batch(self, epoch: int, index: int) -> Batch:
        """See `Objective`; arrays are those of `make_loss`."""
        batch, counts, files = self._windows.batch(epoch, index), self._counts, self._files
        arrays: tuple[np.ndarray, ...] = batch.x, batch.y, batch.mask
        if batch.places is None or (counts is None and files is None):
            return Batch(arrays, batch.num_tokens, batch.reset)
        weights = np.float32(1) if files is None else files.at(batch.places)
        if counts is None:
            return Batch((*arrays, weights), batch.num_tokens, batch.reset)
        taught = counts.teaches_network(batch.places, files)
        learnt = taught * weights, np.maximum(1 - taught, epoch == 0) * weights
        return Batch((*arrays, counts.codes_at(batch.places), *learnt), batch.num_tokens, batch.reset)

    def loss(self, arrays: tuple[Any, ...], state: State) -> Loss:
        """See `Objective`."""
        return self._loss(arrays, state)

    def initial_state(self, rows: int) -> State:
        """See `Objective`."""
        return self._model.initial_state(rows)

    def evaluate(self) -> float:
        """See `Objective`; nats per token, of the mixture if there is one."""
        sums = np.broadcast_to(self._nats_of(self._held_out_batches()), 1 + (self._counts is not None))
        found = [self._workers.total(float(total)) / self.num_targets for total in sums]
        self.held_out_nats = dict(zip(("network", "mixture"), reversed(found), strict=False))
        return found[0]

    def check_seconds(self) -> float:
        """About how long an evaluation takes, by a few batches of it; 0 where it has hardly more, or is quick."""
        if self.num_checked * self._model.vocab_size < COSTLY_CHECK:
            return 0.0
        batches = list(itertools.islice(self._held_out_batches(), 1 + TIMED_BATCHES))
        self._nats_of(batches[:1])  # makes the graph
        begin, num_timed = time.monotonic(), sum(batch.num_tokens for batch in batches[1:])
        self._nats_of(batches[1:])
        share = num_timed * self._workers.workers / max(1, self.num_checked)
        return (time.monotonic() - begin) / share if len(batches) > TIMED_BATCHES else 0.0

    def _held_out_batches(self) -> Iterable[TextBatch]:
        workers = self._workers
        return held_out_batches(
            self._model,
            self._held_out,
            start_id=self._start_id,
            window=self._window,
            rank=workers.rank,
            workers=workers.workers,
            end_id=self._end_id,
        )

    def _nats_of(self, batches: Iterable[TextBatch]) -> Any:
        codes = None if self._counts is None else self._counts.valid
        return total_nats(self._model, self._eval_step, batches, codes)


class Learner:
    """All parts of one training: network, objective, store and trainer.

    Args:
        prepared: the corpus and options.
        display: is warned of saves that fail.
        workers: all processes that learn together.
        counts: of n-grams, that are mixed in.
    """

    def __init__(
        self, prepared: Prepared, display: Display, workers: Workers, counts: MixedCounts | None = None
    ) -> None:
        config, strategy = prepared.config, workers.strategy
        self.counts, self.precision = counts, chosen_precision(config.optimization.precision)
        with contextlib.nullcontext() if strategy is None else strategy.scope():
            self.model = _new_network(prepared, self.precision, 0 if counts is None else counts.num_experts)
            freeze(self.model, embed=config.optimization.freeze_embed, layers=config.optimization.freeze_layers)
            optimizer = make_optimizer(config.optimization, self.model.trainable_variables)
        if not prepared.resume:  # a checkpoint brings its own
            _start(self.model, prepared, counts)
        columns = COLUMNS if counts is None else (*COLUMNS, *COUNTS_COLUMNS)
        self.store = RunStore(prepared, self.model, optimizer, display.warn, workers=workers, columns=columns)
        state, self.progress = self.store.load(Progress(num_shards=default_shards()))
        if not config.optimization.deterministic:
            self.progress.num_shards = default_shards()
        num_shards = max(1, self.progress.num_shards)
        self.objective = TextObjective(self.model, prepared, workers, num_shards, counts)
        division = Division(num_shards, config.optimization.accumulate)
        if strategy is not None:
            division = dataclasses.replace(division, spread=spread_over(workers, self.objective.variables))
        self.trainer = Trainer(
            self.objective,
            make_step(
                self.objective.loss,
                self.objective.variables,
                optimizer,
                clip_norm=config.optimization.clip_norm,
                division=division,
            ),
            Schedule.of(config.optimization, config.stop),
            self.store,
            progress=self.progress,
            state=[keras.ops.convert_to_tensor(array[self.objective.rows]) for array in state],
            workers=workers,
        )

    def __str__(self) -> str:
        return f"{self.model.config.arch} with {self.model.count_params():,} parameters, {self.precision}"


def _new_network(prepared: Prepared, precision: str, num_experts: int) -> LanguageModel:
    config, corpus = prepared.config, prepared.data
    model = build_language_model(
        config.model,
        corpus.vocab_size,
        target=config.data.target or "each",
        random_seed=config.optimization.random_seed,
        num_conditions=corpus.num_conditions,
        condition_dropout=config.documents.condition_dropout,
        num_experts=num_experts,
    )
    model.set_precision(precision)
    return model


def _start(model: LanguageModel, prepared: Prepared, counts: MixedCounts | None) -> None:
    """Sets what a new run begins with, where that is better than what was drawn."""
    ids = prepared.data.train.ids
    start_from_frequencies(model, ids)
    if prepared.start is not None:
        begin_with(model, prepared.start.weights, behind=int(prepared.data.end_id is not None))
    if counts is None:
        return
    if prepared.start is None:
        some = np.linspace(0, len(counts.train) - 1, GATE_TOKENS).astype(np.int64)
        start_gate(model, counts.code_nats[counts.train[some]], network=NEW_SHARE)
        return
    start_gate(model, _nats_of_each(model, prepared, counts))


def _nats_of_each(model: LanguageModel, prepared: Prepared, counts: MixedCounts) -> np.ndarray:
    """What tokens of a new text cost by a network that has learnt another, and by n-grams: [tokens, 1 + orders]."""
    ids, steps = prepared.data.train.ids, min(len(prepared.data.train.ids) - 1, GATE_STEPS)
    rows = max(8, min(GATE_ROWS, LARGEST_LOGITS // (steps * model.vocab_size)))
    places = np.linspace(0, len(ids) - 1 - steps, rows).astype(np.int64)[:, None] + np.arange(steps)
    network = numpy_network(prepared, get_weights(model), counts.num_experts)
    x, y = np.asarray(ids[places], np.int32), np.minimum(ids[places + 1], model.vocab_size - 1).astype(np.int32)
    nats, _ = network.target_nats(x, y, network.initial_state(rows))
    each = np.concatenate([nats[..., None], counts.code_nats[counts.codes_at(places + 1)]], -1)
    return each[:, steps // 4 :].reshape(-1, each.shape[-1])  # before, the network knows too little of its row


def numpy_network(prepared: Prepared, weights: dict[str, np.ndarray], num_experts: int) -> Any:
    """What predicts with some weights, without TensorFlow."""
    config, corpus = prepared.config, prepared.data
    return make_network(
        config.model,
        corpus.vocab_size,
        weights,
        window=config.data.window or 1,
        start_id=prepared.details["start_id"],
        num_conditions=corpus.num_conditions,
        num_experts=num_experts,
    )
