"""One session of training a language model: its graph, what it reads and measures, and what a person sees of it."""

from __future__ import annotations

import contextlib
import math
import time
from typing import Any

import keras
import numpy as np

from textrnn.language_model.conditions import drawn_condition
from textrnn.language_model.evaluate import MAX_TOKENS, held_out_batches, total_nats
from textrnn.language_model.generation_loop import Stream
from textrnn.language_model.network import build_language_model, start_from_frequencies
from textrnn.language_model.options import Config
from textrnn.language_model.predict import LanguageModel
from textrnn.language_model.prepared import Prepared, lasting_parts
from textrnn.language_model.random_state import row_rng
from textrnn.language_model.sample_options import SampleConfig
from textrnn.language_model.scoring import Score
from textrnn.nn.keras.weights import get_weights
from textrnn.nn.numpy.load import make_network
from textrnn.text.corpus import forget_pages
from textrnn.text.windows import SomeRows, make_windows, share_of
from textrnn.training.checkpoint import Progress
from textrnn.training.display import Display, one_line
from textrnn.training.distributed import spread_over, spread_seeds
from textrnn.training.running import Running
from textrnn.training.sharing import share_training
from textrnn.training.step import make_eval_step, make_optimizer, make_train_step
from textrnn.training.team import Alone
from textrnn.training.trainer import Learner


class Session(Running):
    """Everything one process needs to train a language model, alone or with others.

    Args:
        prepared: text, options and folder.
        display: tells the person.
        samples: whether to show a line that the model wrote at each check.
        team: all workers.
        strategy: as `make_strategy` makes it.
    """

    command = "train"
    prepared: Prepared

    def __init__(
        self, prepared: Prepared, display: Display, *, samples: bool, team: Alone | None = None, strategy: Any = None
    ) -> None:
        super().__init__(prepared, display, team or Alone())
        self._samples, self._strategy = samples, strategy
        config = prepared.config
        seed, target = config.train.random_seed, config.data.target or "each"
        windows = make_windows(prepared.corpus.train.ids, config.data, seed)
        self._rows = share_of(windows.num_rows, self._team.rank, self._team.workers)
        self.windows = SomeRows(windows, self._rows)
        with contextlib.nullcontext() if strategy is None else strategy.scope():
            self.model = build_language_model(
                config.model,
                prepared.corpus.vocab_size,
                target=target,
                random_seed=seed,
                precision=self.precision,
                num_conditions=self._num_conditions,
                condition_dropout=config.documents.condition_dropout,
            )
            optimizer = make_optimizer(config.train, self.model)
        if not prepared.resume:  # a checkpoint brings its own
            start_from_frequencies(self.model, prepared.corpus.train.ids)
        state = self._take_over(optimizer)
        num_shards = max(1, self.progress.num_shards)
        spread = {} if strategy is None else {"spread": spread_over(strategy, self.model.trainable_variables)}
        step = make_train_step(
            self.model,
            optimizer,
            clip_norm=config.train.clip_norm,
            num_shards=num_shards,
            num_parts=config.train.accumulate,
            end_id=self._end_id,
            **spread,
        )
        self.learner = Learner(step, self.model.initial_state, state)
        self._eval_step = make_eval_step(self.model, num_shards=num_shards)
        self._keep(lasting_parts(prepared))

    def _for_all(self, state: list[Any], progress: Progress) -> tuple[list[Any], Progress]:
        state, progress = share_training(self._team, self.groups, state, progress)
        if self._strategy is not None:
            spread_seeds(list(self.groups["random"].values()), self._team.rank)
        return [keras.ops.convert_to_tensor(array[self._rows]) for array in state], progress

    def train(self, begin: float) -> dict[str, Any]:
        """Trains and saves, see `Running.run`.

        Returns:
            the object that `textrnn train --json` prints, and `ended`; workers beside the chief return only `ended`.
        """
        ended = self.run(begin)
        return self._result(ended, time.monotonic() - begin)

    @property
    def _end_id(self) -> int | None:
        """Where there are documents, the first of the ids that begin one."""
        documents = self.prepared.corpus.documents
        return None if documents is None else documents.end_id

    @property
    def _num_conditions(self) -> int:
        documents = self.prepared.corpus.documents
        return 0 if documents is None else len(documents.conditions)

    def _num_targets(self, ids: np.ndarray) -> int:
        """Tokens that are predicted: the id that begins the first document is not."""
        return len(ids) - (self._end_id is not None)

    @property
    def _held_out(self) -> np.ndarray:
        """What checks read of the held-out part: all of it, or the beginning of a very long one."""
        return self.prepared.corpus.valid.ids[:MAX_TOKENS]

    @property
    def _check_tokens(self) -> int:
        return len(self._held_out)

    def _validate(self) -> float:
        ids, window = self._held_out, self.prepared.config.data.window or 1
        batches = held_out_batches(
            self.model,
            ids,
            start_id=self.prepared.details["start_id"],
            window=window,
            rank=self._team.rank,
            workers=self._team.workers,
            end_id=self._end_id,
        )
        return self._team.total(total_nats(self.model, self._eval_step, batches)) / self._num_targets(ids)

    def _pace(self, loss: float) -> str:
        progress = self.progress
        forget_pages(self.prepared.corpus.train.ids)
        speed = self._chars_per_s(progress.timed_tokens / progress.step_s) if progress.step_s else 0.0
        return f"{self._train_bits(loss):.3f} bits/char  {speed:,.0f} chars/s"

    def _measured(self, row: dict[str, float]) -> dict[str, Any]:
        score = self._score(row["val_nats_per_token"])
        row.update(
            train_bits_per_char=self._train_bits(row["train_nats_per_token"]),
            val_bits_per_char=score.bits_per_char,
            chars_per_s=self._chars_per_s(row["tokens_per_s"]),
        )
        nats, bits = score.nats_per_token, score.bits_per_char
        return dict(val_nats_per_token=nats, epoch=row["epoch"], val_bits_per_char=bits, step=int(row["step"]))

    def _after_check(self, *, is_best: bool) -> None:
        progress = self.progress
        if not is_best and progress.worse_checks % 3 == 0:
            epoch = progress.best_step / self.windows.num_batches
            self.display.say(
                f"validation has risen for {progress.worse_checks} checks: the best model, of epoch {epoch:.3g}, is "
                "kept"
            )
        if self._samples:
            self.display.say(f"        {self._sample()}", style="dim")

    def _sample(self, num_tokens: int = 80) -> str:
        """A line that the network writes now."""
        config, corpus, details = self.prepared.config, self.prepared.corpus, self.prepared.details
        network = make_network(
            config.model,
            corpus.vocab_size,
            get_weights(self.model),
            window=config.data.window or 1,
            start_id=details["start_id"],
            num_conditions=self._num_conditions,
        )
        model = LanguageModel(
            network, corpus.tokenizer, config, details["start_id"], details, documents=corpus.documents
        )
        rng, label = row_rng(self.progress.step), ""
        if corpus.documents is not None and corpus.documents.conditions:
            label, model = drawn_condition(model, rng)
        stream = Stream(model, corpus.tokenizer.encode(""), rng)
        text = "".join(stream.write(SampleConfig(length=num_tokens)))
        return one_line(f"{label}: {text.strip()}" if label else text)

    def _score(self, nats_per_token: float) -> Score:
        valid = self.prepared.corpus.valid
        tokens = self._num_targets(valid.ids)
        return Score(valid.num_chars, tokens, nats_per_token * tokens, valid.num_unknown)

    def _train_bits(self, nats_per_token: float) -> float:
        train = self.prepared.corpus.train
        return nats_per_token / math.log(2) * len(train.ids) / train.num_chars

    def _chars_per_s(self, tokens_per_s: float) -> float:
        train = self.prepared.corpus.train
        return tokens_per_s * train.num_chars / len(train.ids)

    def _what(self) -> str:
        config: Config = self.prepared.config
        return f"{config.model.arch} with {self.model.count_params():,} parameters, {self.precision}"

    def _opening(self) -> str:
        return f"{self._what()}; learning (Ctrl-C stops and saves)"

    def _result(self, ended: str, seconds: float) -> dict[str, Any]:
        progress, metrics = self.progress, self.prepared.details["metrics"]
        speed = self._chars_per_s(progress.timed_tokens / progress.step_s) if progress.step_s else None
        if not self._team.is_chief:
            return dict(ended=ended)
        return dict(
            run=str(self.prepared.path),
            arch=self.prepared.config.model.arch,
            parameters=self.model.count_params(),
            seconds=round(seconds, 3),
            epochs=progress.step / self.windows.num_batches,
            steps=progress.step,
            skipped_steps=progress.skipped,
            chars_per_s=speed,
            val_nats_per_token=metrics.get("val_nats_per_token"),
            val_bits_per_char=metrics.get("val_bits_per_char"),
            val_tokens=self._num_targets(self._held_out),
            best_epoch=metrics.get("epoch"),
            precision=self.precision,
            workers=self._team.workers,
            ended=ended,
        )
