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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.config import SampleConfig
from textrnn.errors import ConfigError, RunError
from textrnn.run import MODEL_FILE, RUN_FILE, publish_written, read_weights, write_json, write_weights
from textrnn.runtime.draws import row_rng
from textrnn.runtime.language_model import LanguageModel
from textrnn.runtime.network import Weights
from textrnn.runtime.reservoir import Calibration, Reservoir, ReservoirNetwork, read_states
from textrnn.runtime.scoring import Score, score_ids
from textrnn.runtime.writer import Stream
from textrnn.text.corpus import forget_pages
from textrnn.text.windows import Batch, HeldOutRows
from textrnn.training.interrupt import polite_interrupts
from textrnn.training.prepared import Prepared, write_lost_parts
from textrnn.training.report import Display, check_line, duration, one_line, shown, write_curves, write_history
from textrnn.training.reservoir import FastReservoir, Held, Pairs, Sums, choose_readout, make_reservoir

SUMS_FILE = "checkpoint/sums.safetensors"
COLUMNS = ("tokens", "epoch", "seconds", "ridge", "train_bits_per_char", "val_bits_per_char", "chars_per_s")
WASH_OUT = 64  # tokens after which a state has forgotten that it began with zeros
# Of the training part, at its end, this much is read to choose the readout; so many tokens of it count, evenly spread:
# what is far from the text that is learnt from says more of other text. At most so many states, or scores, are kept.
TUNED_SHARE, TUNED_TOKENS, TUNED_NUMBERS, TUNED_SPREAD = 0.05, 10_000, 40_000_000, 5
BLOCK_NUMBERS = 1 << 24  # states that are held at a time (64 MiB)
MAX_STEPS = 128
MAX_VALIDATED = 1_000_000  # tokens, as for other networks
SHARES, FEW_SHARES, CHEAP_READOUT = (1 / 32, 1 / 8, 1 / 2), (1 / 4,), 1_000_000
UNCHECKED_SHARE, RESERVE_S = 0.4, 2.0  # of the time before the first check; for saving


@dataclass
class Progress:
    """How far the text is read.

    Attributes:
        position: windows that are read.
        tokens: that have been counted.
        seconds: of training, checks included.
        read_s: of reading alone.
        limit_s: the seconds that were planned, None without a limit.
        history: a row for each check.
    """

    position: int = 0
    tokens: int = 0
    seconds: float = 0.0
    read_s: float = 0.0
    limit_s: float | None = None
    history: list[dict[str, float]] = field(default_factory=list)


class ReservoirSession:
    """What one command needs to train an echo state network.

    Args:
        prepared: text, options and folder.
        display: tells the person.
        samples: whether to show a line that the model writes at each check.
    """

    def __init__(self, prepared: Prepared, display: Display, *, samples: bool) -> None:
        self.prepared, self.display, self._samples = prepared, display, samples
        config, corpus = prepared.config, prepared.corpus
        self.vocab_size, units = corpus.tokenizer.vocab_size, config.model.units
        ids = corpus.train.ids
        most = min(TUNED_TOKENS, TUNED_NUMBERS // max(units, self.vocab_size))
        num_tuned = max(1, min(TUNED_SPREAD * most, int(TUNED_SHARE * len(ids))))
        self._tuned_step = -(-num_tuned // most)
        start, rows = prepared.details["start_id"], config.data.batch or 1
        self._rows = HeldOutRows(ids[: len(ids) - num_tuned], start, rows, WASH_OUT)
        self._tuned_ids, before = ids[len(ids) - num_tuned :], int(ids[len(ids) - num_tuned - 1])
        self._tuned_rows = HeldOutRows(self._tuned_ids, before, rows, WASH_OUT)
        num_rows = self._rows.num_rows
        self._steps = max(1, min(MAX_STEPS, BLOCK_NUMBERS // (units * num_rows)))
        lead = self._rows.lead if num_rows > 1 else 0
        self.num_windows = -(-(lead + self._rows.own) // self._steps)
        self.sums, self.pairs = Sums(units, self.vocab_size), Pairs(self.vocab_size)
        self.progress, self._best = Progress(), dict[str, np.ndarray]()
        self._tuned: Held | None = None
        self._check_s: float | None = None
        self._checked_at = -1
        self._chosen_ridge = math.nan
        prepared.details["versions"]["numpy"] = np.__version__
        if prepared.resume:
            self._load()
        else:
            self.reservoir = make_reservoir(config.reservoir, self.vocab_size, units, config.train.random_seed)
            self.state = np.zeros((units, num_rows), np.float32)
        num_weights = sum(array.size for array in self.reservoir.to_arrays().values())
        prepared.details["parameters"] = num_weights + (units + 1) * self.vocab_size

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
        self._plan(begin)
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

    def _plan(self, begin: float) -> None:
        """Sets the clock, and how long there is time."""
        prepared, progress = self.prepared, self.progress
        if prepared.config.train.epochs is not None:
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
            time_s = prepared.config.train.time_s
            spent = time.monotonic() - begin
            progress.limit_s = None if time_s is None else progress.seconds + time_s - spent
        elif prepared.details["status"] == "finished":
            raise ConfigError(f"{prepared.path} has used up its time: give a new --time to read on")
        prepared.details["status"] = "training"

    def _read(self, interrupted: Callable[[], bool]) -> str:
        """Adds up what is read, window by window, until the end of the text, of the time, or an interrupt."""
        progress, train = self.progress, self.prepared.corpus.train
        shares = SHARES if self.vocab_size * self.reservoir.units <= CHEAP_READOUT else FEW_SHARES
        due = {math.ceil(share * self.num_windows) for share in shares} - {self.num_windows}
        saved, shown = time.monotonic(), 0.0
        for batch in itertools.islice(self._rows.windows(self._steps), progress.position, None):
            if interrupted():
                return "interrupted"
            if progress.position and self._is_late():
                return "budget"
            begin = time.monotonic()
            read, self.state = read_block(self.reservoir, batch, self.state)
            self.sums.add(read.block, read.labels)
            self.pairs.add(read.before, read.labels)
            progress.position, progress.tokens = progress.position + 1, progress.tokens + len(read.labels)
            now = time.monotonic()
            progress.read_s += now - begin
            progress.seconds = now - self._clock
            if progress.position in due:
                self._check()
                self._save()
                saved = time.monotonic()
            elif now - saved > self.prepared.config.train.save_every_s:
                self._save()
                saved = time.monotonic()
            if now - shown > 0.25:
                shown = now
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
            self._tuned = self._read_tuned()
        network, tuned_nats = self._solved(self._tuned)
        valid, train = self.prepared.corpus.valid, self.prepared.corpus.train
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
            self.display.say(f"        {self._sample(network)}", style="dim")
        self._check_s, self._checked_at = time.monotonic() - begin, progress.position

    def _solved(self, held: Held) -> tuple[ReservoirNetwork, float]:
        """The network that follows from the sums, and its loss on the part on which the readout was chosen.

        In the end that part is learnt from as well: penalty and calibration are chosen by then.
        """
        chosen = choose_readout(self.sums, held, self.pairs.log_prior(), self.prepared.config.reservoir.ridge)
        everything = Sums(self.reservoir.units, self.vocab_size)
        everything.add(held.block, held.labels)
        everything.merge(self.sums)
        self._chosen_ridge = chosen.ridge
        return ReservoirNetwork(self.reservoir, *everything.solve(chosen.ridge), chosen.calibration), chosen.nats

    def _read_tuned(self) -> Held:
        """Reads the part on which the readout is chosen."""
        state, found = np.zeros((self.reservoir.units, self._tuned_rows.num_rows), np.float32), list[Held]()
        for batch in self._tuned_rows.windows(self._steps):
            read, state = read_block(self.reservoir, batch, state)
            some = slice(None, None, self._tuned_step)
            found.append(Held(read.block[:, some].copy(), read.before[some], read.labels[some]))
        return Held(
            np.concatenate([read.block for read in found], 1),
            np.concatenate([read.before for read in found]),
            np.concatenate([read.labels for read in found]),
        )

    def _sample(self, network: ReservoirNetwork, num_tokens: int = 80) -> str:
        """A line that a network writes."""
        config, tokenizer, details = self.prepared.config, self.prepared.corpus.tokenizer, self.prepared.details
        model = LanguageModel(network, tokenizer, config, details["start_id"], details)
        stream = Stream(model, tokenizer.encode(""), row_rng(self.progress.position))
        return one_line("".join(stream.write(SampleConfig(length=num_tokens))))

    def _chars_per_s(self) -> float:
        train = self.prepared.corpus.train
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
        write_lost_parts(self.prepared, folder)
        write_weights(folder / MODEL_FILE, self._best, {"metrics": json.dumps(details["metrics"], sort_keys=True)})
        is_read = progress.position >= self.num_windows  # nothing is left to add
        metadata = {"progress": json.dumps(vars(progress))}
        write_weights(folder / SUMS_FILE, {} if is_read else self._summed(), metadata)
        if progress.history:
            write_history(folder / "history.csv", progress.history, COLUMNS)
        write_json(folder / RUN_FILE, details)

    def _summed(self) -> dict[str, np.ndarray]:
        """All that reading on needs."""
        return dict(gram=self.sums.gram, cross=self.sums.cross, pairs=self.pairs.counts, state=self.state)

    def _load(self) -> None:
        """Takes over reservoir, sums and progress of the run on disk; damaged sums are added up anew."""
        path, units = self.prepared.path, self.prepared.config.model.units
        self._best, metadata = read_weights(path / MODEL_FILE)
        known = Reservoir.load(Weights(self._best), self.vocab_size, units)
        self.reservoir = FastReservoir(known.inputs, known.index, known.weights, known.leak)
        self.state = np.zeros((units, self._rows.num_rows), np.float32)
        try:
            self.prepared.details["metrics"] = dict(json.loads(metadata.get("metrics", "{}")))
            self._load_sums(path / SUMS_FILE)
        except (RunError, KeyError, TypeError, ValueError) as error:
            self.display.warn(f"{str(error).partition(';')[0]}: the text is read again from its beginning")
            self.progress, self.prepared.details["status"] = Progress(), "training"

    def _load_sums(self, path: Path) -> None:
        arrays, metadata = read_weights(path)
        progress = Progress(**json.loads(metadata["progress"]))
        progress.position, progress.seconds = int(progress.position), float(progress.seconds)
        if progress.position >= self.num_windows and not arrays:
            self.progress = progress
            return
        expected = {name: array.shape for name, array in self._summed().items()}
        if {name: array.shape for name, array in arrays.items()} != expected:
            raise RunError(f"{path} does not fit the model")
        self.sums.gram, self.sums.cross = arrays["gram"].astype(np.float64), arrays["cross"].astype(np.float64)
        self.pairs.counts = arrays["pairs"].astype(np.float64)
        self.sums.count, self.state, self.progress = float(progress.tokens), arrays["state"], progress

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
            val_tokens=min(MAX_VALIDATED, len(self.prepared.corpus.valid.ids)),
            best_epoch=metrics.get("epoch"),
            precision="float32",
            workers=1,
            ended=ended,
        )


@dataclass(frozen=True)
class _Reader:
    """What scoring needs."""

    network: ReservoirNetwork
    start_id: int


def read_block(reservoir: Reservoir, batch: Batch, state: np.ndarray) -> tuple[Held, np.ndarray]:
    """Reads a window of parallel rows.

    Args:
        reservoir: what reads.
        batch: the window.
        state: float32[units, rows], before it.

    Returns:
        the states of the tokens that count, with a 1 behind each, and the tokens; and the state after the window.
    """
    rows, steps = batch.x.shape
    block = np.empty((reservoir.units + 1, steps * rows), np.float32)
    block[-1] = 1
    state = read_states(reservoir, batch.x, state, block)
    counts, before, labels = batch.mask.T.ravel() > 0, batch.x.T.ravel(), batch.y.T.ravel()
    if not counts.all():
        block, before, labels = np.ascontiguousarray(block[:, counts]), before[counts], labels[counts]
    return Held(block, before, labels), state
