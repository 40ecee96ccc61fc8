"""Training a language model: its objective, the run that is kept, and what a person sees of it."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from textrnn.language_model.conditions import drawn_condition
from textrnn.language_model.copies import copies
from textrnn.language_model.counting import MixedCounts, with_parts
from textrnn.language_model.file_weights import FileWeights
from textrnn.language_model.generation_loop import Stream, read_prompt, write
from textrnn.language_model.mixture import MixtureNetwork
from textrnn.language_model.model import Model
from textrnn.language_model.network import LanguageModel, build_language_model, start_from_frequencies, start_gate
from textrnn.language_model.random_state import row_rng
from textrnn.language_model.sample_options import SampleConfig
from textrnn.language_model.scoring import Score
from textrnn.language_model.step import held_out_batches, make_eval_step, make_loss, total_nats
from textrnn.nn.keras.weights import get_weights
from textrnn.nn.numpy.load import make_network
from textrnn.text.corpus import Corpus, forget_pages
from textrnn.text.windows import MAX_TOKENS, SomeRows, make_windows, share_of
from textrnn.training.backend import chosen_precision
from textrnn.training.checkpoint import Progress
from textrnn.training.display import COLUMNS, Display, check_line, one_line
from textrnn.training.objective import Batch, Loss, State
from textrnn.training.prepared import Prepared
from textrnn.training.schedule import Schedule
from textrnn.training.session import LiveLine, default_shards, learning, plan_budget
from textrnn.training.step import Division, make_optimizer, make_step
from textrnn.training.store import RunStore
from textrnn.training.strategy import spread_over
from textrnn.training.trainer import Check, Step, Trainer, WentBack
from textrnn.training.workers import Workers

SAMPLE_TOKENS = 80
COPY_TEXTS, COPY_TOKENS = 4, 500  # that are written at the end, to see what is copied
MOST_COMPARED, PIECE_TOKENS = 30_000_000, 1 << 20  # training tokens that they are compared with, and at a time
COUNTS_COLUMNS = ("network_bits_per_char", "counts_bits_per_char")  # of history.csv, where counts are mixed in
GATE_TOKENS = 50_000  # that the weights of the orders are found on at first


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
        workers = self._workers
        batches = held_out_batches(
            self._model,
            self._held_out,
            start_id=self._start_id,
            window=self._window,
            rank=workers.rank,
            workers=workers.workers,
            end_id=self._end_id,
        )
        codes = None if self._counts is None else self._counts.valid
        sums = np.broadcast_to(total_nats(self._model, self._eval_step, batches, codes), 1 + (codes is not None))
        found = [workers.total(float(total)) / self.num_targets for total in sums]
        self.held_out_nats = dict(zip(("network", "mixture"), reversed(found), strict=False))
        return found[0]


def num_targets(ids: np.ndarray, end_id: int | None) -> int:
    """Tokens that are predicted: the id that begins the first document is not."""
    return len(ids) - (end_id is not None)


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
            self.model = _new_network(prepared, self.precision, 0 if counts is None else counts.num_orders)
            optimizer = make_optimizer(config.optimization, self.model.trainable_variables)
        if not prepared.resume:  # a checkpoint brings its own
            start_from_frequencies(self.model, prepared.data.train.ids)
            if counts is not None:
                some = np.linspace(0, len(counts.train) - 1, GATE_TOKENS).astype(np.int64)
                start_gate(self.model, counts.code_nats[counts.train[some]])
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


def _new_network(prepared: Prepared, precision: str, num_orders: int) -> LanguageModel:
    config, corpus = prepared.config, prepared.data
    return build_language_model(
        config.model,
        corpus.vocab_size,
        target=config.data.target or "each",
        random_seed=config.optimization.random_seed,
        precision=precision,
        num_conditions=corpus.num_conditions,
        condition_dropout=config.documents.condition_dropout,
        num_orders=num_orders,
    )


def fit(
    prepared: Prepared,
    display: Display,
    *,
    begin: float,
    samples: bool,
    workers: Workers | None = None,
    counts: MixedCounts | None = None,
) -> dict[str, Any]:
    """Trains a language model and saves it.

    Args:
        prepared: the corpus and options.
        display: shows what happens.
        begin: when the command began, by `time.monotonic`.
        samples: whether to show a line that the model writes at each check.
        workers: all processes that learn together.
        counts: of n-grams, that are mixed in.

    Returns:
        the object that `textrnn train --json` prints, and `ended`; workers beside the chief return only `ended`.

    Raises:
        NotFiniteError: training has blown up; what was saved before is kept.
        RunError: the run cannot be written.
        WorkerError: another worker is gone; what was saved before is kept.
    """
    workers = workers or Workers()
    prepared = with_parts(prepared, counts)
    if counts is not None and counts.said:
        display.say(counts.said)
    learner = Learner(prepared, display, workers, counts)
    workers.tick()
    budget = plan_budget(
        prepared,
        prepared.config.stop,
        learner.progress,
        num_batches=learner.objective.num_batches,
        left_s=(prepared.config.stop.time_s or 0.0) - (time.monotonic() - begin),
        workers=workers,
    )
    display.say(f"{learner}; learning (Ctrl-C stops and saves)")
    watch = Watch(prepared, learner, display, samples=samples)
    title = f"{prepared.path.name}: {learner}"
    with learning(learner.trainer, learner.store, display, command="train", title=title):
        for event in learner.trainer.run(budget):
            if isinstance(event, Step):
                watch.step(event)
            elif isinstance(event, Check):
                watch.check(event, is_chief=workers.is_chief)
            elif isinstance(event, WentBack):
                display.warn(event.line)
        if workers.is_chief and learner.trainer.ended != "interrupted":
            watch.measure_copies()
    ended = learner.trainer.ended
    return watch.result(time.monotonic() - begin, workers) if workers.is_chief else dict(ended=ended)


class Watch:
    """What a person sees of a training, and what is kept of its checks.

    Args:
        prepared: the corpus and options.
        learner: what is trained.
        display: shows it.
        samples: whether to show a line that the model writes at each check.
    """

    def __init__(self, prepared: Prepared, learner: Learner, display: Display, *, samples: bool) -> None:
        self._prepared, self._learner, self._display, self._samples = prepared, learner, display, samples
        self._corpus: Corpus = prepared.data
        self._live = LiveLine(display)

    def step(self, event: Step) -> None:
        """Moves the live line."""
        if self._live.is_due():
            forget_pages(self._corpus.train.ids)
            speed = self._chars_per_s(self._learner.progress.tokens_per_s or 0.0)
            self._live.show(event, f"{self._train_bits(event.loss):.3f} bits/char  {speed:,.0f} chars/s")

    def check(self, event: Check, *, is_chief: bool) -> None:
        """Adds bits and characters to the row of a check; the chief shows it and keeps the weights if they are best."""
        row, score = event.row, self._score(event.row["val_nats_per_token"])
        models = self._models()
        if self._learner.counts is not None:
            row.update((name, models[name.partition("_")[0]]["val_bits_per_char"]) for name in COUNTS_COLUMNS)
        row.update(
            train_bits_per_char=self._train_bits(row["train_nats_per_token"]),
            val_bits_per_char=score.bits_per_char,
            chars_per_s=self._chars_per_s(row["tokens_per_s"]),
        )
        if not is_chief:
            return
        self._display.say(check_line(row, is_best=event.is_best))
        if event.is_best:
            metrics: dict[str, Any] = dict(val_nats_per_token=score.nats_per_token, epoch=row["epoch"])
            metrics.update(val_bits_per_char=score.bits_per_char, step=int(row["step"]), models=models)
            self._learner.store.keep_best(metrics)
        progress = self._learner.progress
        if not event.is_best and progress.worse_checks % 3 == 0:
            epoch = progress.best_step / self._learner.objective.num_batches
            risen = f"validation has risen for {progress.worse_checks} checks"
            self._display.say(f"{risen}: the best model, of epoch {epoch:.3g}, is kept")
        if self._samples:
            self._display.say(f"        {self._sample()}", style="dim")

    def result(self, seconds: float, workers: Workers) -> dict[str, Any]:
        """The object that `textrnn train --json` prints, and `ended`."""
        learner, details = self._learner, self._prepared.details
        progress, metrics = learner.progress, details["metrics"]
        speed = progress.tokens_per_s
        return dict(
            run=str(self._prepared.path),
            arch=learner.model.config.arch,
            parameters=learner.model.count_params(),
            seconds=round(seconds, 3),
            epochs=progress.step / learner.objective.num_batches,
            steps=progress.step,
            skipped_steps=progress.skipped,
            chars_per_s=None if speed is None else self._chars_per_s(speed),
            val_nats_per_token=metrics.get("val_nats_per_token"),
            val_bits_per_char=metrics.get("val_bits_per_char"),
            val_tokens=learner.objective.num_targets,
            models=metrics.get("models"),
            copies=details.get("copies"),
            best_epoch=metrics.get("epoch"),
            changes=details.get("changes", []),
            precision=learner.precision,
            workers=workers.workers,
            ended=learner.trainer.ended,
        )

    def _models(self) -> dict[str, dict[str, float]]:
        """The held-out loss of all that there is to predict with."""
        counts, nats = self._learner.counts, dict(self._learner.objective.held_out_nats)
        if counts is not None:
            nats = {"counts": counts.held_out_nats, **nats}
        scores = {name: self._score(value) for name, value in nats.items()}
        return {
            name: dict(val_nats_per_token=score.nats_per_token, val_bits_per_char=score.bits_per_char)
            for name, score in scores.items()
        }

    def measure_copies(self) -> None:
        """Writes some text with the best weights, and keeps how much of it stands in the training text."""
        model = self._model(self._learner.store.best_weights)
        rngs = [row_rng(number) for number in range(COPY_TEXTS)]
        prompts = [read_prompt(self._begun(model, rng)[1], model.tokenizer.encode("")) for rng in rngs]
        texts = [one.text for one in write(model, prompts, rngs, SampleConfig(length=COPY_TOKENS))]
        self._prepared.details["copies"] = copies(texts, self._training_text).to_json()

    def _training_text(self) -> Iterator[str]:
        """The training part in pieces, or the beginning of a very long one."""
        ids, tokenizer = self._corpus.train.ids, self._corpus.tokenizer
        for begin in range(0, min(len(ids), MOST_COMPARED), PIECE_TOKENS):
            piece = np.asarray(ids[begin : begin + PIECE_TOKENS], np.int32)
            yield tokenizer.decode(piece[piece < tokenizer.vocab_size])  # without what begins a document

    def _sample(self) -> str:
        """A line that is written now."""
        rng = row_rng(self._learner.progress.step)
        label, model = self._begun(self._model(get_weights(self._learner.model)), rng)
        text = "".join(Stream(model, model.tokenizer.encode(""), rng).write(SampleConfig(length=SAMPLE_TOKENS)))
        return one_line(f"{label}: {text.strip()}" if label else text)

    def _begun(self, model: Model, rng: np.random.Generator) -> tuple[str, Model]:
        """The model whose texts begin in a condition that is drawn, if there are some, and its name."""
        return drawn_condition(model, rng) if self._corpus.num_conditions else ("", model)

    def _model(self, weights: dict[str, np.ndarray]) -> Model:
        """What predicts with some weights, without TensorFlow."""
        config, corpus, details = self._prepared.config, self._corpus, self._prepared.details
        network: Any = make_network(
            config.model,
            corpus.vocab_size,
            weights,
            window=config.data.window or 1,
            start_id=details["start_id"],
            num_conditions=corpus.num_conditions,
            num_orders=self._learner.model.num_orders,
        )
        if self._learner.counts is not None:
            network = MixtureNetwork(network, self._learner.counts.counts)
        return Model(network, corpus.tokenizer, config, details["start_id"], details, documents=corpus.documents)

    def _score(self, nats_per_token: float) -> Score:
        valid = self._corpus.valid
        tokens = num_targets(valid.ids, self._corpus.end_id)
        return Score(valid.num_chars, tokens, nats_per_token * tokens, valid.num_unknown)

    def _train_bits(self, nats_per_token: float) -> float:
        train = self._corpus.train
        return nats_per_token / math.log(2) * len(train.ids) / train.num_chars

    def _chars_per_s(self, tokens_per_s: float) -> float:
        train = self._corpus.train
        return tokens_per_s * train.num_chars / len(train.ids)
