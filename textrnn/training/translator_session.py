"""One session of training a translator: the loop, checkpoints and saving of language models over pairs of texts."""

from __future__ import annotations

import math
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from textrnn.errors import ConfigError, RunError
from textrnn.machine import num_cores
from textrnn.models.translator import EncoderDecoder, build_translator
from textrnn.models.weights import get_weights
from textrnn.run import TOKENIZER_FILE, publish, write_json
from textrnn.runtime.translator import Translator, make_network, network_size
from textrnn.text.pair_batches import PairBatches
from textrnn.text.pair_store import PAIRS_FILE, write_pairs
from textrnn.text.pair_tokens import Side
from textrnn.training.backend import chosen_precision
from textrnn.training.checkpoint import Progress, load_checkpoint, variable_groups
from textrnn.training.interrupt import polite_interrupts
from textrnn.training.loop import Callbacks, Learner, NotFiniteError, train_loop
from textrnn.training.prepared_pairs import PreparedPairs
from textrnn.training.report import Display, check_line, duration, one_line
from textrnn.training.saving import RunWriter
from textrnn.training.schedule import Budget
from textrnn.training.session import COUNTED, PLAN
from textrnn.training.step import make_optimizer
from textrnn.training.translator import make_translator_check, make_translator_step
from textrnn.translate_config import DecodeConfig

RAMP_EPOCHS = 3.0  # in which scheduled sampling comes to its share
SHOWN = 40  # validation pairs from which samples are taken


class TranslatorSession:
    """Everything that one training needs.

    Args:
        prepared: pairs, options and folder.
        display: tells the person.
    """

    def __init__(self, prepared: PreparedPairs, display: Display) -> None:
        self.prepared, self.display, config = prepared, display, prepared.config
        seed, shards = config.train.random_seed, num_cores()
        self._train, self._valid = prepared.encoded("train"), prepared.encoded("valid")
        self.windows = PairBatches(self._train, config.lesson.batch or 1, seed)
        self.precision = chosen_precision(config.train.precision)
        sizes = [network_size(prepared.kind, side) for side in prepared.sides]
        self.model = build_translator(
            prepared.kind,
            config.network,
            source_size=sizes[0],
            target_size=sizes[1],
            random_seed=seed,
            precision=self.precision,
        )
        self.optimizer = make_optimizer(config.train, self.model)
        self.groups = variable_groups(self.model, self.optimizer)
        self.progress = Progress(num_shards=1 if tf.config.list_physical_devices("GPU") else shards)
        if prepared.resume:
            _, progress = load_checkpoint(prepared.path, self.groups, display.warn)
            if not config.train.deterministic:
                progress.num_shards = self.progress.num_shards
            self.progress = progress
        step = make_translator_step(
            self.model,
            self.optimizer,
            config.lesson,
            clip_norm=config.train.clip_norm,
            num_shards=max(1, self.progress.num_shards),
            ramp_steps=math.ceil(RAMP_EPOCHS * self.windows.num_batches),
            random_seed=seed,
        )
        self.learner = Learner(step, lambda rows: [])
        self._check, self._last_shown = make_translator_check(self.model), 0.0
        versions = dict(tensorflow=tf.__version__, keras=keras.__version__, numpy=np.__version__)
        prepared.details["versions"].update(versions)
        prepared.details["parameters"] = self.model.count_params()
        parts = {
            TOKENIZER_FILE: lambda path: write_json(path, vocabularies(prepared.sides)),
            PAIRS_FILE: lambda path: write_pairs(path, prepared.parts),
        }
        self.writer = RunWriter(prepared.folder, prepared.details, display.warn, parts=parts)
        if prepared.resume:
            self.writer.read_best()
        # Characters of the targets for each token, the end counted as one, so that losses compare.
        chars = sum(map(len, prepared.parts["train"].targets)) + len(self._train)
        self._chars_per_token = chars / self._train.num_tokens

    def train(self, begin: float) -> str:
        """Trains and saves.

        Args:
            begin: when the command began, by `time.monotonic`.

        Returns:
            `budget`, `patience` or `interrupted`.

        Raises:
            NotFiniteError: training has blown up; what was saved before is kept.
            RunError: the run cannot be written.
        """
        budget = self._budget(begin)
        if self.prepared.resume:
            self.writer.save(self.groups, [], self.progress)  # with the new budget, and without what a kill left
        else:
            self._publish()
        self.display.say(f"{self._what()}; a step learns from {self.windows.num_rows} pairs on {num_cores()} cores")
        tell = "stopping after this step and saving; once more Ctrl-C stops at once"
        with polite_interrupts(lambda: self.display.warn(tell)) as interrupted:
            callbacks = Callbacks(
                validate=lambda: self._check(self._valid),
                check_tokens=self._valid.num_tokens,
                on_step=self._on_step,
                on_check=self._on_check,
                save=lambda: self.writer.save(self.groups, [], self.progress),
                restore=self._restore,
                interrupted=interrupted,
            )
            self.display.start("learning")
            try:
                ended = train_loop(
                    self.learner, self.windows, self.prepared.config.train, budget, self.progress, callbacks
                )
            except NotFiniteError as error:
                self.writer.mark("failed")
                raise NotFiniteError(f"{error}; the last good weights are in {self.prepared.path}") from None
            except KeyboardInterrupt:
                self.display.stop()
                self.display.warn(f"stopped at once: what was saved last is in {self.prepared.path}, for --resume")
                raise
            finally:
                self.display.stop()
            self.progress.seconds = budget.seconds()
            self.prepared.details["status"] = "interrupted" if ended == "interrupted" else "finished"
            title = f"{self.prepared.path.name}: {self._what()}"
            self.writer.finish(self.groups, [], self.progress, title)
        return ended

    def _publish(self) -> None:
        """Saves the untrained model and moves the run to its name: from here on the folder always loads."""
        failures: list[str] = []
        writer = RunWriter(self.prepared.folder, self.prepared.details, failures.append, parts=self.writer.parts)
        writer.keep_best(get_weights(self.model), {})
        writer.save(self.groups, [], self.progress)
        if failures:
            reason = failures[0].partition(";")[0]
            raise RunError(f"{reason}; make room, or choose another --models-dir")
        publish(self.prepared.folder, self.prepared.path)
        self.writer.folder = self.prepared.path
        self.writer.read_best()

    def _restore(self, problem: str) -> None:
        """Goes back to the best check; what counts time and failures stays as it is."""
        progress, action = self.progress, ""
        kept = {name: getattr(progress, name) for name in PLAN + COUNTED}
        try:
            _, before = load_checkpoint(self.prepared.path, self.groups, self.display.warn, step=progress.best_step)
            vars(progress).update(vars(before))
        except RunError as error:
            action = f"going on with the weights there are ({error})"
        vars(progress).update(kept)
        rate = f"learning rate halved to {progress.rate_scale:g} of what was planned"
        self.display.warn(f"{problem}: {action or f'going back to step {progress.step:,}'}, {rate}")
        self.writer.save(self.groups, [], progress)

    def _budget(self, begin: float) -> Budget:
        prepared, config, progress = self.prepared, self.prepared.config.train, self.progress
        if prepared.new_budget:
            left = None if config.time_s is None else config.time_s - (time.monotonic() - begin) - prepared.reserve_s
            progress.limit_s = None if left is None else progress.seconds + max(1.0, left)
            epochs = config.epochs
            progress.total_steps = None if epochs is None else max(1, math.ceil(epochs * self.windows.num_batches))
        budget = Budget(progress.total_steps, progress.limit_s, used_s=progress.seconds)
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

    def _on_step(self, progress: Progress, budget: Budget, epoch: float, loss: float) -> None:
        if time.monotonic() - self._last_shown < 0.25:
            return
        self._last_shown = time.monotonic()
        left = duration(budget.left_s(progress.step))
        speed = progress.timed_tokens / progress.step_s if progress.step_s else 0.0
        detail = f"epoch {epoch:.2f}  {loss:.3f} nats/token  {speed:,.0f} tokens/s  {left} left"
        self.display.update(budget.progress(progress.step), detail)

    def _on_check(self, row: dict[str, float], is_best: bool) -> None:
        bits = 1 / math.log(2) / self._chars_per_token
        row.update(
            train_bits_per_char=row["train_nats_per_token"] * bits,
            val_bits_per_char=row["val_nats_per_token"] * bits,
            chars_per_s=row["tokens_per_s"] * self._chars_per_token,
        )
        self.display.say(check_line(row, is_best=is_best))
        if is_best:
            nats = row["val_nats_per_token"]
            metrics = dict(val_nats_per_token=nats, epoch=row["epoch"], step=int(row["step"]))
            self.writer.keep_best(get_weights(self.model), metrics)
        self.display.say(f"        {one_line(self._sample())}", style="dim")

    def _sample(self) -> str:
        """A held-out text and what the network makes of it now."""
        prepared, valid = self.prepared, self.prepared.parts["valid"]
        network = make_network(prepared.kind, prepared.config, prepared.sides, get_weights(self.model))
        translator = Translator(
            prepared.kind, *prepared.sides, network, prepared.config, float(prepared.details["longest"])
        )
        text = valid.sources[len(self.progress.history) % min(SHOWN, len(valid))]
        return f"{text} → {translator.some([text], DecodeConfig(beam=1))[0].text}"

    def _what(self) -> str:
        network = self.prepared.config.network
        layers = f"{network.layers}" + (f" + {network.decoder_layers}" * isinstance(self.model, EncoderDecoder))
        return (
            f"{self.prepared.kind}, {network.cell}, {layers} layers of {network.units} units, "
            f"{self.model.count_params():,} parameters, {self.precision}"
        )


def vocabularies(sides: tuple[Side, Side]) -> dict[str, Any]:
    """The content of `tokenizer.json`."""
    return {"source": sides[0].tokenizer.to_json(), "target": sides[1].tokenizer.to_json()}
