"""Reading a text with a reservoir: what of it is learnt from, what the readout is chosen on, and how far reading is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from textrnn.base.errors import RunError
from textrnn.base.files import read_weights, write_weights
from textrnn.nn.numpy.reservoir import Reservoir, read_states
from textrnn.nn.numpy.ridge import Held, Pairs, Sums
from textrnn.text.windows import Batch, HeldOutRows

WASH_OUT = 64  # tokens after which a state has forgotten that it began with zeros
# Of the training part, at its end, this much is read to choose the readout; so many tokens of it count, evenly spread:
# what is far from the text that is learnt from says more of other text. At most so many states, or scores, are kept.
TUNED_SHARE, TUNED_TOKENS, TUNED_NUMBERS, TUNED_SPREAD = 0.05, 10_000, 40_000_000, 5
BLOCK_NUMBERS = 1 << 24  # states that are held at a time (64 MiB)
MAX_STEPS = 128


@dataclass(frozen=True)
class Plan:
    """How the training part of a text is read.

    Attributes:
        rows: what is learnt from.
        tuned_rows: the end of it, on which the readout is chosen.
        tuned_step: how many tokens of that end are read for one that counts.
        steps: that are read at a time.
        num_windows: such windows of what is learnt from.
    """

    rows: HeldOutRows
    tuned_rows: HeldOutRows
    tuned_step: int
    steps: int
    num_windows: int


def plan_reading(ids: np.ndarray, start_id: int, *, rows: int, units: int, vocab_size: int) -> Plan:
    """Divides the training part of a text.

    Args:
        ids: int[tokens], all of it.
        start_id: what stands before it.
        rows: that are read side by side.
        units: of the reservoir.
        vocab_size: number of tokens.
    """
    most = min(TUNED_TOKENS, TUNED_NUMBERS // max(units, vocab_size))
    num_tuned = max(1, min(TUNED_SPREAD * most, int(TUNED_SHARE * len(ids))))
    cut = len(ids) - num_tuned
    learnt = HeldOutRows(ids[:cut], start_id, rows, WASH_OUT)
    tuned = HeldOutRows(ids[cut:], int(ids[cut - 1]), rows, WASH_OUT)
    steps = max(1, min(MAX_STEPS, BLOCK_NUMBERS // (units * learnt.num_rows)))
    lead = learnt.lead if learnt.num_rows > 1 else 0
    return Plan(learnt, tuned, -(-num_tuned // most), steps, -(-(lead + learnt.own) // steps))


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


@dataclass
class Reading:
    """What is known of a text as far as it is read.

    Attributes:
        sums: what a regression needs of it.
        pairs: how often each token follows each.
        state: float32[units, rows], after what was read.
        progress: how far that is.
    """

    sums: Sums
    pairs: Pairs
    state: np.ndarray
    progress: Progress = field(default_factory=Progress)

    @classmethod
    def of_nothing(cls, units: int, vocab_size: int, num_rows: int) -> Reading:
        """Before the first token."""
        return cls(Sums(units, vocab_size), Pairs(vocab_size), np.zeros((units, num_rows), np.float32))

    def add(self, reservoir: Reservoir, batch: Batch) -> None:
        """Reads a window of parallel rows."""
        read, self.state = read_block(reservoir, batch, self.state)
        self.sums.add(read.block, read.labels)
        self.pairs.add(read.before, read.labels)
        self.progress.position += 1
        self.progress.tokens += len(read.labels)

    def _arrays(self) -> dict[str, np.ndarray]:
        return dict(gram=self.sums.gram, cross=self.sums.cross, pairs=self.pairs.counts, state=self.state)

    def write(self, path: Path, num_windows: int) -> None:
        """Writes all that reading on needs, which is nothing when the last window is read."""
        is_read = self.progress.position >= num_windows
        write_weights(path, {} if is_read else self._arrays(), {"progress": json.dumps(vars(self.progress))})

    def load(self, path: Path, num_windows: int) -> None:
        """The inverse of `write`, into a reading of nothing.

        Raises:
            RunError, KeyError, TypeError, ValueError: the file is damaged or another model's.
        """
        arrays, metadata = read_weights(path)
        progress = Progress(**json.loads(metadata["progress"]))
        progress.position, progress.seconds = int(progress.position), float(progress.seconds)
        if progress.position >= num_windows and not arrays:
            self.progress = progress
            return
        if _shapes(arrays) != _shapes(self._arrays()):
            raise RunError(f"{path} does not fit the model")
        self.sums.gram, self.sums.cross = arrays["gram"].astype(np.float64), arrays["cross"].astype(np.float64)
        self.pairs.counts = arrays["pairs"].astype(np.float64)
        self.sums.count, self.state, self.progress = float(progress.tokens), arrays["state"], progress


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in arrays.items()}


def read_tuned(reservoir: Reservoir, plan: Plan) -> Held:
    """Reads the part on which the readout is chosen."""
    state, found = np.zeros((reservoir.units, plan.tuned_rows.num_rows), np.float32), list[Held]()
    for batch in plan.tuned_rows.windows(plan.steps):
        read, state = read_block(reservoir, batch, state)
        some = slice(None, None, plan.tuned_step)
        found.append(Held(read.block[:, some].copy(), read.before[some], read.labels[some]))
    return Held(
        np.concatenate([read.block for read in found], 1),
        np.concatenate([read.before for read in found]),
        np.concatenate([read.labels for read in found]),
    )


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
