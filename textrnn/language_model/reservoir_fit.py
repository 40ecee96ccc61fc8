"""Training an echo state network: the text is read once, its sums are solved for the readout, and that is all.

What is read goes into two matrices of sums, so memory does not grow with the text, and reading can end at any time and
go on from there. At some shares of the text the sums are solved, to show how the loss falls as more is read.
"""

from __future__ import annotations

import itertools
import json
import math
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import HISTORY_FILE, MODEL_FILE, RUN_FILE, read_weights, write_json, write_weights
from textrnn.base.run import publish_written
from textrnn.language_model.data import example_of
from textrnn.language_model.generation_loop import Stream
from textrnn.language_model.predict import LanguageModel
from textrnn.language_model.random_state import row_rng
from textrnn.language_model.reservoir_reading import Progress, Reading, plan_reading, read_tuned
from textrnn.language_model.sample_options import SampleConfig
from textrnn.language_model.scoring import Score, score_ids
from textrnn.nn.numpy.reservoir import Calibration, Reservoir, ReservoirNetwork
from textrnn.nn.numpy.reservoir_draw import FastReservoir, make_reservoir
from textrnn.nn.numpy.ridge import Held, Sums, choose_readout
from textrnn.nn.numpy.weights import Weights
from textrnn.text.corpus import Part, forget_pages
from textrnn.training.display import (
    Display,
    check_line,
    duration,
    keep_sample,
    one_line,
    shown,
    write_curves,
    write_history,
)
from textrnn.training.interrupt import polite_interrupts
from textrnn.training.prepared import Prepared

SUMS_FILE = "checkpoint/sums.safetensors"
COLUMNS = ("tokens", "epoch", "seconds", "ridge", "train_bits_per_char", "val_bits_per_char", "chars_per_s")
MAX_VALIDATED = 1_000_000  # tokens, as for other networks
SHARES, FEW_SHARES, CHEAP_READOUT = (1 / 32, 1 / 8, 1 / 2), (1 / 4,), 1_000_000
UNCHECKED_SHARE, RESERVE_S = 0.4, 2.0  # of the time before the first check; for saving


class ReservoirSession:
    """What one command needs to train an echo state network.

    Args:
        prepared: text, options and folder.
        display: tells the person.
        samples: whether to show a line that the model writes at each check.
    """

    def __init__(self, prepared: Prepared, display: Display, *, samples: bool) -> None:
        self.prepared, self.display, self._samples = prepared, display, samples
        config, corpus = prepared.config, prepared.data
        self.vocab_size, units = corpus.tokenizer.vocab_size, config.model.units
        self._plan = plan_reading(
            corpus.train.ids,
            prepared.details["start_id"],
            rows=config.data.batch or 1,
            units=units,
            vocab_size=self.vocab_size,
        )
        self.num_windows = self._plan.num_windows
        self.reading = Reading.of_nothing(units, self.vocab_size, self._plan.rows.num_rows)
        self._best = dict[str, np.ndarray]()
        self._tuned: Held | None = None
        self._check_s: float | None = None
        self._checked_at = -1
        self._chosen_ridge = math.nan
        prepared.details["versions"]["numpy"] = np.__version__
        if prepared.resume:
            self._load()
        else:
            self.reservoir = make_reservoir(config.reservoir, self.vocab_size, units, config.optimization.random_seed)
        num_weights = sum(array.size for array in self.reservoir.to_arrays().values())
        prepared.details["parameters"] = num_weights + (units + 1) * self.vocab_size

    @property
    def progress(self) -> Progress:
        """How far the text is read."""
        return self.reading.progress

    def train(self, begin: float) -> dict[str, Any]:
        """Reads what is left of the text, solves and saves.

        Args:
            begin: when the command began, by `time.monotonic`.

        Returns:
            the object that `textrnn train --json` prints, and `ended`: `budget` or `interrupted`.

        Raises:
            ConfigError: there is nothing left to read, or no time for it.
            RunError: the run cannot be written.
        """
        self._set_clock(begin)
        if not self.prepared.resume:
            self._publish()
        units, vocab = self.reservoir.units, self.vocab_size
        self.display.say(
            f"esn with {units:,} units, {len(self.reservoir.index)} connections to each, and a readout of "
            f"{(units + 1) * vocab:,} numbers; reading (Ctrl-C stops and saves)"
        )
        tell = "stopping and solving for what has been read; once more Ctrl-C stops at once"
        with polite_interrupts(lambda: self.display.warn(tell)) as interrupted:
            with shown(self.display, "reading", self.prepared.path):
                ended = self._read(interrupted)
                if self._checked_at != self.progress.position:
                    self._check()
            self.prepared.details["status"] = "interrupted" if ended == "interrupted" else "finished"
            self._save(last=True)
        return self._result(ended, time.monotonic() - begin)

    def _set_clock(self, begin: float) -> None:
        """Sets the clock, and how long there is time."""
        prepared, progress = self.prepared, self.progress
        if prepared.config.stop.epochs is not None:
            raise ConfigError(
                "--epochs does not go with --arch esn, which reads the text once: give --time, or neither"
            )
        self._clock = time.monotonic() - progress.seconds
        if progress.position >= self.num_windows and prepared.details["status"] == "finished":
            raise ConfigError(
                f"{prepared.path} has read its whole text, and a readout in closed form needs that only once: train a "
                "new run with more --units or more text"
            )
        if prepared.new_budget:
            time_s = prepared.config.stop.time_s
            spent = time.monotonic() - begin
            progress.limit_s = None if time_s is None else progress.seconds + time_s - spent
        elif prepared.details["status"] == "finished":
            raise ConfigError(f"{prepared.path} has used up its time: give a new --time to read on")
        prepared.details["status"] = "training"

    def _read(self, interrupted: Callable[[], bool]) -> str:
        """Adds up what is read, window by window, until the end of the text, of the time, or an interrupt."""
        progress, train = self.progress, self.prepared.data.train
        shares = SHARES if self.vocab_size * self.reservoir.units <= CHEAP_READOUT else FEW_SHARES
        due = {math.ceil(share * self.num_windows) for share in shares} - {self.num_windows}
        saved, told = time.monotonic(), 0.0
        for batch in itertools.islice(self._plan.rows.windows(self._plan.steps), progress.position, None):
            if interrupted():
                return "interrupted"
            if progress.position and self._is_late():
                return "budget"
            begin = time.monotonic()
            self.reading.add(self.reservoir, batch)
            now = time.monotonic()
            progress.read_s += now - begin
            progress.seconds = now - self._clock
            if progress.position in due:
                self._check()
                self._save()
                saved = time.monotonic()
            elif now - saved > self.prepared.config.stop.save_every_s:
                self._save()
                saved = time.monotonic()
            if now - told > 0.25:
                told = now
                forget_pages(train.ids)
                done = progress.position / self.num_windows
                left = duration(progress.read_s * (1 / done - 1))
                self.display.update(done, f"{self._chars_per_s():,.0f} chars/s  {left} left")
        return "budget"

    def _is_late(self) -> bool:
        """Whether the time that is left is needed for the last check."""
        limit, spent = self.progress.limit_s, time.monotonic() - self._clock
        if limit is None:
            return False
        if self._check_s is None:
            return spent > UNCHECKED_SHARE * limit
        return spent + 1.5 * self._check_s + RESERVE_S > limit

    def _check(self) -> None:
        """Solves for the readout, measures it, and keeps it if it is the best so far."""
        begin, progress, details = time.monotonic(), self.progress, self.prepared.details
        if self._tuned is None:
            self._tuned = read_tuned(self.reservoir, self._plan)
        network, tuned_nats = self._solved(self._tuned)
        valid, train = self.prepared.data.valid, self.prepared.data.train
        ids = valid.ids[:MAX_VALIDATED]
        found = score_ids(_Reader(network, details["start_id"]), ids, num_chars=1)
        score = Score(valid.num_chars, len(valid.ids), found.nats_per_token * len(valid.ids), valid.num_unknown)
        progress.seconds = time.monotonic() - self._clock
        row = dict(
            tokens=progress.tokens,
            epoch=progress.position / self.num_windows,
            seconds=progress.seconds,
            ridge=self._chosen_ridge,
            train_bits_per_char=tuned_nats / math.log(2) * len(train.ids) / train.num_chars,
            val_bits_per_char=score.bits_per_char,
            chars_per_s=self._chars_per_s(),
        )
        progress.history.append(row)
        is_best = score.nats_per_token <= details["metrics"].get("val_nats_per_token", math.inf)
        if is_best:
            self._best = network.to_arrays()
            details["metrics"] = dict(
                val_nats_per_token=score.nats_per_token,
                epoch=row["epoch"],
                val_bits_per_char=score.bits_per_char,
                ridge=self._chosen_ridge,
                tokens=progress.tokens,
            )
        self.display.say(check_line(row, is_best=is_best))
        if self._samples:
            sample = self._sample(network)
            self.display.say(f"        {one_line(sample)}", style="dim")
            keep_sample(self.prepared.path, progress.position, sample)
        self._check_s, self._checked_at = time.monotonic() - begin, progress.position

    def _solved(self, held: Held) -> tuple[ReservoirNetwork, float]:
        """The network that follows from the sums, and its loss on the part on which the readout was chosen.

        In the end that part is learnt from as well: penalty and calibration are chosen by then.
        """
        sums = self.reading.sums
        chosen = choose_readout(sums, held, self.reading.pairs.log_prior(), self.prepared.config.reservoir.ridge)
        everything = Sums(self.reservoir.units, self.vocab_size)
        everything.add(held.block, held.labels)
        everything.merge(sums)
        self._chosen_ridge = chosen.ridge
        return ReservoirNetwork(self.reservoir, *everything.solve(chosen.ridge), chosen.calibration), chosen.nats

    def _sample(self, network: ReservoirNetwork, num_tokens: int = 80) -> str:
        """A text that a network writes."""
        config, tokenizer, details = self.prepared.config, self.prepared.data.tokenizer, self.prepared.details
        model = LanguageModel(network, tokenizer, config, details["start_id"], details)
        stream = Stream(model, tokenizer.encode(""), row_rng(self.progress.position))
        return "".join(stream.write(SampleConfig(length=num_tokens)))

    def _chars_per_s(self) -> float:
        train: Part = self.prepared.data.train
        return self.progress.tokens / max(1e-9, self.progress.read_s) * train.num_chars / len(train.ids)

    def _publish(self) -> None:
        """Saves the untrained model and moves the run to its name."""
        vocab, units = self.vocab_size, self.reservoir.units
        nothing = np.zeros(vocab, np.float32)
        even = Calibration(nothing + 1, 0.0, 0.0, nothing[None])
        untrained = ReservoirNetwork(self.reservoir, np.zeros((units, vocab), np.float32), nothing, even)
        self._best = untrained.to_arrays()
        folder = self.prepared.folder
        publish_written(folder, self.prepared.path, lambda: self._write(folder))

    def _save(self, *, last: bool = False) -> None:
        """Writes the best readout so far, the sums, the history and `run.json`; warns when it cannot."""
        path = self.prepared.path
        try:
            self._write(path)
            if last:
                name = f"{path.name}: esn, {self.reservoir.units:,} units"
                write_curves(path / "curves.png", self.progress.history, name, first="end of the training part")
        except OSError as error:
            reason = error.strerror or error
            if last:
                raise RunError(f"could not save to {path}: {reason}; what was saved before is kept") from None
            self.display.warn(f"could not save to {path}: {reason}; reading goes on, and saving is tried again")

    def _write(self, folder: Path) -> None:
        """Weights, sums, history, `run.json`: in this order, so that a kill between two of them leaves a whole run."""
        progress, details = self.progress, self.prepared.details
        self.prepared.write_lost_parts(folder)
        write_weights(folder / MODEL_FILE, self._best, {"metrics": json.dumps(details["metrics"], sort_keys=True)})
        self.reading.write(folder / SUMS_FILE, self.num_windows)
        if progress.history:
            write_history(folder / HISTORY_FILE, progress.history, COLUMNS)
        write_json(folder / RUN_FILE, details)

    def _load(self) -> None:
        """Takes over reservoir, sums and progress of the run on disk; damaged sums are added up anew."""
        path, units = self.prepared.path, self.prepared.config.model.units
        self._best, metadata = read_weights(path / MODEL_FILE)
        known = Reservoir.load(Weights(self._best), self.vocab_size, units)
        self.reservoir = FastReservoir(known.inputs, known.index, known.weights, known.leak)
        try:
            self.prepared.details["metrics"] = dict(json.loads(metadata.get("metrics", "{}")))
            self.reading.load(path / SUMS_FILE, self.num_windows)
        except (RunError, KeyError, TypeError, ValueError) as error:
            self.display.warn(f"{str(error).partition(';')[0]}: the text is read again from its beginning")
            self.reading.progress, self.prepared.details["status"] = Progress(), "training"

    def _result(self, ended: str, seconds: float) -> dict[str, Any]:
        progress, details = self.progress, self.prepared.details
        metrics = details["metrics"]
        if ended == "budget" and progress.position < self.num_windows:
            self.display.warn(
                f"the time was over when {100 * progress.position / self.num_windows:.0f} % of the text was read: "
                f"fewer --units read faster, or go on with --resume {shlex.quote(self.prepared.path.name)} --time ..."
            )
        return dict(
            run=str(self.prepared.path),
            arch=self.prepared.config.model.arch,
            parameters=details["parameters"],
            seconds=round(seconds, 3),
            epochs=progress.position / self.num_windows,
            steps=progress.position,
            skipped_steps=0,
            chars_per_s=self._chars_per_s() if progress.tokens else None,
            val_nats_per_token=metrics.get("val_nats_per_token"),
            val_bits_per_char=metrics.get("val_bits_per_char"),
            val_tokens=min(MAX_VALIDATED, len(self.prepared.data.valid.ids)),
            best_epoch=metrics.get("epoch"),
            precision="float32",
            workers=1,
            ended=ended,
            example=example_of(self.prepared.data),
        )


@dataclass(frozen=True)
class _Reader:
    """What scoring needs."""

    network: ReservoirNetwork
    start_id: int
