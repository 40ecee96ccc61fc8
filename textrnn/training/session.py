"""One session of training: builds the graph, runs the loop, keeps the run's folder and the person up to date."""

from __future__ import annotations

import contextlib
import math
import shlex
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from textrnn.config import Config, SampleConfig
from textrnn.errors import ConfigError, RunError
from textrnn.machine import num_cores
from textrnn.models.language_model import build_language_model, start_from_frequencies
from textrnn.models.weights import get_weights
from textrnn.run import models_dir_flag, publish
from textrnn.runtime.conditions import drawn_condition
from textrnn.runtime.draws import row_rng
from textrnn.runtime.language_model import LanguageModel
from textrnn.runtime.network import make_network
from textrnn.runtime.scoring import Score
from textrnn.runtime.writer import Stream
from textrnn.text.corpus import forget_pages
from textrnn.text.windows import SomeRows, make_windows, share_of
from textrnn.training.backend import chosen_precision
from textrnn.training.checkpoint import Progress, load_checkpoint, variable_groups
from textrnn.training.interrupt import polite_interrupts
from textrnn.training.loop import Callbacks, Learner, NotFiniteError, train_loop
from textrnn.training.prepared import Prepared, lasting_parts
from textrnn.training.report import Display, check_line, duration, one_line
from textrnn.training.saving import RunWriter
from textrnn.training.schedule import Budget
from textrnn.training.sharing import share_training
from textrnn.training.step import make_eval_step, make_optimizer, make_train_step
from textrnn.training.strategy import spread_over, spread_seeds
from textrnn.training.team import Alone
from textrnn.training.validate import MAX_TOKENS, held_out_batches, total_nats

# What going back to an earlier state leaves as it is.
PLAN = ("limit_s", "total_steps", "num_shards", "rate_scale")
COUNTED = ("seconds", "step_s", "timed_tokens", "tokens", "skipped", "skipped_in_a_row")


class Session:
    """Everything one process needs to train a run, alone or with others; only the chief writes and speaks.

    Args:
        prepared: text, options and folder.
        display: tells the person.
        samples: whether to show a line that the model wrote at each check.
        team: all workers.
        strategy: as `make_strategy` makes it.
    """

    def __init__(
        self, prepared: Prepared, display: Display, *, samples: bool, team: Alone | None = None, strategy: Any = None
    ) -> None:
        config, self.prepared, self.display, self._samples = prepared.config, prepared, display, samples
        self._team, self._strategy = team or Alone(), strategy
        seed, target = config.train.random_seed, config.data.target or "each"
        self.precision = chosen_precision(config.train.precision)
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
            self.optimizer = make_optimizer(config.train, self.model)
        if not prepared.resume:  # a checkpoint brings its own
            start_from_frequencies(self.model, prepared.corpus.train.ids)
        self.groups = variable_groups(self.model, self.optimizer)
        shards, self._last_shown = 1 if tf.config.list_physical_devices("GPU") else num_cores(), 0.0
        progress, state = Progress(num_shards=shards), list[Any]()
        if prepared.resume and self._team.is_chief:
            state, progress = load_checkpoint(prepared.path, self.groups, display.warn)
        state, self.progress = self._for_all(state, progress)
        if not config.train.deterministic:
            self.progress.num_shards = shards
        spread = {} if strategy is None else {"spread": spread_over(strategy, self.model.trainable_variables)}
        step = make_train_step(
            self.model,
            self.optimizer,
            clip_norm=config.train.clip_norm,
            num_shards=max(1, self.progress.num_shards),
            num_parts=config.train.accumulate,
            end_id=self._end_id,
            **spread,
        )
        self.learner = Learner(step, self.model.initial_state, state)
        self._eval_step = make_eval_step(self.model, num_shards=max(1, self.progress.num_shards))
        versions = dict(tensorflow=tf.__version__, keras=keras.__version__, numpy=np.__version__)
        prepared.details["versions"].update(versions)
        prepared.details["parameters"] = self.model.count_params()
        self.writer = RunWriter(prepared.folder, prepared.details, display.warn, parts=lasting_parts(prepared))
        if prepared.resume and self._team.is_chief:
            self.writer.read_best()

    def _for_all(self, state: list[Any], progress: Progress) -> tuple[list[Any], Progress]:
        """Gives all workers the chief's variables and progress, and of the state of all rows each its own."""
        state, progress = share_training(self._team, self.groups, state, progress)
        if self._strategy is not None:
            spread_seeds(list(self.groups["random"].values()), self._team.rank)
        return [keras.ops.convert_to_tensor(array[self._rows]) for array in state], progress

    def train(self, begin: float) -> dict[str, Any]:
        """Trains and saves.

        Args:
            begin: when the command began, by `time.monotonic`.

        Returns:
            the object that `textrnn train --json` prints, and `ended`: `budget`, `patience` or `interrupted`; workers
            beside the chief return only `ended`.

        Raises:
            NotFiniteError: training has blown up; what was saved before is kept.
            RunError: the run cannot be written.
            WorkerError: another worker is gone; what was saved before is kept.
        """
        self._team.tick()
        budget = self._budget(begin)
        if self.prepared.resume:
            self._save()  # with the new budget, and without what a kill or damage left
        elif self._team.is_chief:
            self._publish()
        self._team.note(self._advice())
        self._team.tick()
        self.display.say(f"{self._what()}; learning (Ctrl-C stops and saves)")
        tell = "stopping after this step and saving; once more Ctrl-C stops at once"
        with polite_interrupts(lambda: self.display.warn(tell)) as interrupted:
            self._team.listen(interrupted)
            callbacks = Callbacks(
                validate=self._validate,
                check_tokens=len(self._held_out),
                on_step=self._on_step,
                on_check=self._on_check,
                save=self._save,
                restore=self._restore,
                interrupted=self._team.is_asked,
                tick=self._team.tick,
            )
            self.display.start("learning")
            try:
                ended = train_loop(
                    self.learner, self.windows, self.prepared.config.train, budget, self.progress, callbacks
                )
            except KeyboardInterrupt:
                self.display.stop()
                self.display.warn(f"stopped at once: what was saved last is in {self.prepared.path}, for --resume")
                raise
            except NotFiniteError as error:
                if self._team.is_chief:
                    self.writer.mark("failed")
                raise NotFiniteError(f"{error}; the last good weights are in {self.prepared.path}") from None
            finally:
                self.display.stop()
            self.progress.seconds = budget.seconds()
            self.prepared.details["status"] = "interrupted" if ended == "interrupted" else "finished"
            state = self._team.gather(self.learner.state)
            if self._team.is_chief:
                self.writer.finish(self.groups, state, self.progress, self._title())
        return self._result(ended, time.monotonic() - begin)

    def _publish(self) -> None:
        """Saves the untrained model and moves the run to its name: from here on the folder always loads."""
        failures: list[str] = []
        writer = RunWriter(self.prepared.folder, self.prepared.details, failures.append)
        writer.keep_best(get_weights(self.model), {})
        writer.save(self.groups, [], self.progress)
        if failures:
            reason = failures[0].partition(";")[0]
            raise RunError(f"{reason}; make room, or choose another --models-dir")
        publish(self.prepared.folder, self.prepared.path)
        self.writer.folder = self.prepared.path
        self.writer.read_best()

    def _save(self) -> None:
        state = self._team.gather(self.learner.state)
        if self._team.is_chief:
            self.writer.save(self.groups, state, self.progress)

    def _restore(self, problem: str) -> None:
        """Goes back to the best check, whose checkpoint is kept; what counts time and failures stays as it is."""
        progress, rate = self.progress, f"learning rate halved to {self.progress.rate_scale:g} of what was planned"
        kept = {name: getattr(progress, name) for name in PLAN + COUNTED}
        state, before, action = list[Any](), progress, ""
        if self._team.is_chief:
            try:
                state, before = load_checkpoint(
                    self.prepared.path, self.groups, self.display.warn, step=progress.best_step
                )
            except RunError as error:
                # Steps that are not finite have changed no weight: those there are can be learnt from.
                action = f"going on with the weights there are ({error})"
        self.learner.state, before = self._for_all(state, before)
        vars(progress).update({**vars(before), **kept})
        self.display.warn(f"{problem}: {action or f'going back to step {progress.step:,}'}, {rate}")
        self._save()

    def _budget(self, begin: float) -> Budget:
        prepared, config, progress = self.prepared, self.prepared.config.train, self.progress
        if prepared.new_budget:
            planned = self._planned(config, time.monotonic() - begin)
            progress.limit_s, progress.total_steps = self._team.share({"planned": planned}, {})[0]["planned"]
        budget = Budget(progress.total_steps, progress.limit_s, used_s=progress.seconds, now=self._team.now)
        # A run that was killed just before its end has used up its budget too, but has still to be finished.
        is_used_up = bool(progress.step) and budget.progress(progress.step) >= 1
        if is_used_up if prepared.new_budget else prepared.details["status"] == "finished":
            raise ConfigError(
                f"{prepared.path} has used up its budget: give a new --time, or more --epochs than "
                f"{progress.step / self.windows.num_batches:.3g}"
            )
        if prepared.new_budget and config.patience and progress.worse_checks >= config.patience:
            progress.worse_checks = 0
        prepared.details["status"] = "training"
        return budget

    def _planned(self, config: Any, elapsed: float) -> tuple[float | None, int | None]:
        limit_s = None if config.time_s is None else self.progress.seconds + config.time_s - elapsed
        epochs = config.epochs
        return limit_s, None if epochs is None else max(1, math.ceil(epochs * self.windows.num_batches))

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

    def _on_step(self, progress: Progress, budget: Budget, epoch: float, loss: float) -> None:
        now = time.monotonic()
        if now - self._last_shown < 0.25:
            return
        self._last_shown = now
        forget_pages(self.prepared.corpus.train.ids)
        speed = self._chars_per_s(progress.timed_tokens / progress.step_s) if progress.step_s else 0.0
        left = duration(budget.left_s(progress.step))
        detail = f"epoch {epoch:.2f}  {self._train_bits(loss):.3f} bits/char  {speed:,.0f} chars/s  {left} left"
        self.display.update(budget.progress(progress.step), detail)

    def _on_check(self, row: dict[str, float], is_best: bool) -> None:
        score = self._score(row["val_nats_per_token"])
        row.update(
            train_bits_per_char=self._train_bits(row["train_nats_per_token"]),
            val_bits_per_char=score.bits_per_char,
            chars_per_s=self._chars_per_s(row["tokens_per_s"]),
        )
        if not self._team.is_chief:
            return
        self.display.say(check_line(row, is_best=is_best))
        if is_best:
            nats, bits = score.nats_per_token, score.bits_per_char
            metrics = dict(val_nats_per_token=nats, epoch=row["epoch"], val_bits_per_char=bits, step=int(row["step"]))
            self.writer.keep_best(get_weights(self.model), metrics)
        elif self.progress.worse_checks % 3 == 0:
            epoch = self.progress.best_step / self.windows.num_batches
            self.display.say(
                f"validation has risen for {self.progress.worse_checks} checks: the best model, of epoch "
                f"{epoch:.3g}, is kept"
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

    def _advice(self) -> str:
        path = self.prepared.path
        elsewhere = models_dir_flag(path)
        return (
            f"what was saved last is in {path}: go on with textrnn train --resume {shlex.quote(path.name)}{elsewhere}"
        )

    def _title(self) -> str:
        return f"{self.prepared.path.name}: {self._what()}"

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
