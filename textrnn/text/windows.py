"""Batches from ids: parallel streams, shuffled sliding windows, and the rows that validation reads.

Nothing here copies the text: a batch is gathered from the memory-mapped ids when it is asked for, by its
number. A position is therefore one integer, `epoch * num_batches + index`, easy to save and to set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from textrnn.base.errors import ConfigError, DataError
from textrnn.text.options import DataConfig

MAX_TOKENS = 1_000_000  # held-out tokens read at a check; more would cost minutes and change the third decimal


@dataclass(frozen=True)
class Batch:
    """One training step's worth of text.

    Attributes:
        x: int32[batch, steps], the tokens that are read.
        y: int32[batch, steps], the token after each of them; int32[batch] for target `last`.
        mask: float32, of y's shape; 1 where y counts, 0 where it is filling.
        reset: whether the carried state starts from zero here.
        tokens: positions of y that count in the whole batch, when this is some rows of it; taken from `mask` when None.
        places: int64, of y's shape: where in the text each token of y stands; any place where it does not count.
    """

    x: np.ndarray
    y: np.ndarray
    mask: np.ndarray
    reset: bool
    tokens: int | None = None
    places: np.ndarray | None = None

    @property
    def num_tokens(self) -> int:
        """Positions of y that count in the whole batch."""
        return int(self.mask.sum()) if self.tokens is None else self.tokens


ALL_ROWS = slice(None)


class Windows(Protocol):
    """What training needs of a way to cut text: how many batches an epoch has, and each of them."""

    num_batches: int
    num_rows: int

    def batch(self, epoch: int, index: int, rows: slice = ALL_ROWS) -> Batch:
        """Batch `index`, from 0 to `num_batches - 1`, of epoch `epoch`, from 0; some rows only, if they are given."""


class SomeRows:
    """Some rows of each batch of other windows: the part of one of several workers; the others are not read.

    Args:
        windows: all rows.
        rows: those to read.

    Example:
        >>> streams = SomeRows(Streams(np.arange(11), batch=2, window=3), slice(1, 2))
        >>> streams.batch(0, 0).x.tolist(), streams.batch(0, 0).num_tokens, streams.num_rows
        ([[5, 6, 7]], 6, 1)
    """

    def __init__(self, windows: Windows, rows: slice) -> None:
        self._windows, self._rows = windows, range(*rows.indices(windows.num_rows))
        self.num_batches, self.num_rows = windows.num_batches, len(self._rows)

    def batch(self, epoch: int, index: int, rows: slice = ALL_ROWS) -> Batch:
        """See `Windows.batch`."""
        own = self._rows[rows]
        return self._windows.batch(epoch, index, slice(own.start, own.stop, own.step))


def share_of(size: int, rank: int, workers: int) -> slice:
    """The part of `size` things that is one worker's, as even as can be.

    Example:
        >>> [share_of(5, rank, 2) for rank in range(2)]
        [slice(0, 2, None), slice(2, 5, None)]
    """
    return slice(size * rank // workers, size * (rank + 1) // workers)


def from_position(windows: Windows, position: int = 0) -> Iterator[Batch]:
    """All batches from a position on, epoch after epoch, without end."""
    while True:
        yield windows.batch(*divmod(position, windows.num_batches))
        position += 1


class Streams:
    """The text cut into parallel streams, read in order, for truncated back-propagation through time.

    Row r of every batch goes on where row r of the batch before ended, so the state can be carried. In each
    epoch, each pair (token, next token) of the text counts exactly once. From the second epoch on the grid of
    windows is shifted by a seeded amount, so that gradients are not always cut at the same tokens; a row then
    first reads, without counting them, up to `window - 1` tokens that precede its part.

    Args:
        ids: int[num_tokens], usually memory-mapped.
        batch: rows, one stream each.
        window: steps of a batch.
        random_seed: seed of the shifts.

    Reference:
        Williams and Peng, 1990, An efficient gradient-based algorithm for on-line training of recurrent
        network trajectories.

    Example:
        >>> streams = Streams(np.arange(11), batch=2, window=3)
        >>> streams.batch(0, 0).x.tolist(), streams.batch(0, 0).y.tolist()
        ([[0, 1, 2], [5, 6, 7]], [[1, 2, 3], [6, 7, 8]])
    """

    def __init__(self, ids: np.ndarray, *, batch: int, window: int, random_seed: int = 0) -> None:
        _check_length(ids, window)
        num_pairs = len(ids) - 1
        # Rows of a short text are at least one window long: empty rows would cost time and teach nothing.
        rows = self.num_rows = max(1, min(batch, num_pairs // window))
        bounds = np.linspace(0, num_pairs, rows + 1).astype(np.int64)
        self._ids, self._window, self._random_seed = ids, window, random_seed
        self._starts, self._lengths = bounds[:-1, None], np.diff(bounds)[:, None]
        # Room for any shift, so that every epoch has as many batches; the last may have nothing that counts.
        self.num_batches = -(-(int(self._lengths.max()) + (window - 1)) // window)

    def _shift(self, epoch: int) -> int:
        return int(np.random.default_rng((self._random_seed, epoch)).integers(self._window)) if epoch else 0

    def batch(self, epoch: int, index: int, rows: slice = ALL_ROWS) -> Batch:
        """See `Windows.batch`."""
        begin = index * self._window - self._shift(epoch)
        in_row = np.arange(self._window) + begin
        mask = (in_row >= 0) & (in_row < self._lengths[rows])  # [batch, steps]
        places = self._starts[rows] + in_row
        num_tokens = len(self._ids)
        x, targets = self._ids[places % num_tokens], (places + 1) % num_tokens
        y = self._ids[targets]
        counted = np.clip(np.minimum(self._lengths, begin + self._window) - max(begin, 0), 0, None).sum()
        arrays = x.astype(np.int32), y.astype(np.int32), mask.astype(np.float32)
        return Batch(*arrays, index == 0, int(counted), targets)


class SlidingWindows:
    """Windows of equal length, a stride apart, in an order that a seeded permutation gives for each epoch.

    The last batch of an epoch is filled up with windows that do not count.

    Args:
        ids: int[num_tokens], usually memory-mapped.
        batch: windows in a batch.
        window: tokens in a window.
        stride: tokens from the start of a window to the start of the next.
        target: `each` step predicts the token after it, or only the `last` one does.
        random_seed: seed of the permutations.

    Example:
        >>> windows = SlidingWindows(np.arange(9), batch=3, window=3, stride=2, target="last")
        >>> sorted(y for k in range(windows.num_batches) for y in windows.batch(0, k).y.tolist())
        [3, 5, 7]
    """

    def __init__(
        self, ids: np.ndarray, *, batch: int, window: int, stride: int, target: str, random_seed: int = 0
    ) -> None:
        _check_length(ids, window)
        self.num_windows = (len(ids) - 1 - window) // stride + 1
        self._ids, self._window, self._stride, self._target = ids, window, stride, target
        self.num_rows, self._random_seed = min(batch, self.num_windows), random_seed
        self.num_batches = -(-self.num_windows // self.num_rows)

    def batch(self, epoch: int, index: int, rows: slice = ALL_ROWS) -> Batch:
        """See `Windows.batch`."""
        order = np.arange(index * self.num_rows, (index + 1) * self.num_rows)
        counted = np.count_nonzero(order < self.num_windows) * (1 if self._target == "last" else self._window)
        order = order[rows]
        real = order < self.num_windows
        starts = permuted(order % self.num_windows, self.num_windows, (self._random_seed, epoch)) * self._stride
        places = starts[:, None] + np.arange(self._window + 1)
        tokens = self._ids[places].astype(np.int32)
        x, y, places = tokens[:, :-1], tokens[:, 1:], places[:, 1:]
        mask = np.broadcast_to(real[:, None], y.shape).astype(np.float32)
        if self._target == "last":
            y, mask, places = y[:, -1], mask[:, -1], places[:, -1]
        return Batch(x, y, mask, True, int(counted), places)


def _check_length(ids: np.ndarray, window: int) -> None:
    if len(ids) <= window:
        raise DataError(
            f"the training part has {len(ids)} tokens: expected at least {window + 1}, one more than "
            f"--window {window}; give more text or a smaller --window"
        )


def permuted(numbers: np.ndarray, size: int, key: tuple[int, ...]) -> np.ndarray:
    """Where a seeded permutation of `range(size)` sends some numbers, without an array of that size.

    A four-round Feistel network permutes the smallest power of four that holds `size`; a number sent outside
    is sent on until it is inside (cycle walking), which keeps it a permutation.

    Args:
        numbers: int64[any], each in `range(size)`.
        size: how many numbers are permuted.
        key: seeds of the permutation.

    Returns:
        int64 of the same shape.

    Reference:
        Black and Rogaway, 2002, Ciphers with arbitrary finite domains.

    Example:
        >>> sorted(permuted(np.arange(7), 7, (1,)).tolist())
        [0, 1, 2, 3, 4, 5, 6]
    """
    half_bits = max(1, (max(size - 1, 1).bit_length() + 1) // 2)
    low = np.uint64((1 << half_bits) - 1)
    keys = np.random.default_rng(key).integers(1, 2**63, size=(4, 2), dtype=np.uint64)

    def once(values: np.ndarray) -> np.ndarray:
        left, right = values >> np.uint64(half_bits), values & low
        for multiplier, offset in keys:
            mixed = (right + offset) * (multiplier | np.uint64(1))
            mixed ^= mixed >> np.uint64(29)
            mixed *= np.uint64(0xBF58476D1CE4E5B9)
            left, right = right, left ^ ((mixed >> np.uint64(32)) & low)
        return np.asarray((left << np.uint64(half_bits)) | right)

    result = once(np.asarray(numbers).astype(np.uint64))
    while (outside := result >= size).any():
        result[outside] = once(result[outside])
    return result.astype(np.int64)


def make_windows(ids: np.ndarray, config: DataConfig, random_seed: int) -> Windows:
    """The training windows that a resolved `DataConfig` describes."""
    if config.window is None or config.batch is None or config.stride is None or config.target is None:
        raise ConfigError("make_windows needs a resolved configuration: call Config.resolve() first")
    if config.batching == "streams":
        return Streams(ids, batch=config.batch, window=config.window, random_seed=random_seed)
    return SlidingWindows(
        ids,
        batch=config.batch,
        window=config.window,
        stride=config.stride,
        target=config.target,
        random_seed=random_seed,
    )


@dataclass(frozen=True)
class HeldOutRows:
    """A text read in order by parallel rows, each token counted exactly once.

    Row r reads `lead + own` pairs from `r * own` on. Row 0 counts all of them; the others have read the last
    `lead` tokens before their own part without counting them, so that their state is what one reader, going
    through the whole text, would have there (to about 1e-4 bits per character with a lead of 256). A text of
    fewer than 8,192 tokens is read by one row: exactly.

    Args:
        ids: int[num_tokens], the text.
        start_id: the token that precedes it.
        rows: most rows to use.
        lead: tokens read without counting.
    """

    ids: np.ndarray
    start_id: int
    rows: int = 64
    lead: int = 256

    @property
    def num_rows(self) -> int:
        """Rows in use: at least 4,096 tokens each."""
        return max(1, min(self.rows, len(self.ids) // 4096))

    @property
    def own(self) -> int:
        """Tokens that each row but the first counts."""
        lead = self.lead if self.num_rows > 1 else 0
        return -(-max(1, len(self.ids) - lead) // self.num_rows)

    def before(self, steps: int) -> np.ndarray:
        """The tokens before the first one that each row reads: int64[rows, steps], -1 where there is none."""
        places = (np.arange(self.num_rows) * self.own - 1)[:, None] + np.arange(-steps, 0)
        ids = np.asarray(self.ids[np.maximum(places, 0)], np.int64)
        return np.where(places < 0, np.where(places == -1, self.start_id, -1), ids)

    def windows(self, steps: int, *, some: slice = ALL_ROWS) -> Iterator[Batch]:
        """Batches of `steps` steps, in order, the state carried from each to the next; of some rows only, if given."""
        lead, own, num_tokens = (self.lead if self.num_rows > 1 else 0), self.own, len(self.ids)
        rows = np.arange(self.num_rows)[some, None]
        for begin in range(0, lead + own, steps):
            in_row = begin + np.arange(steps)
            places = rows * own + in_row
            counts = (in_row < lead + own) & ((in_row >= lead) | (rows == 0)) & (places < num_tokens)
            places = np.minimum(places, num_tokens - 1)
            x = np.where(places == 0, self.start_id, self.ids[np.maximum(places - 1, 0)])
            arrays = x.astype(np.int32), self.ids[places].astype(np.int32), counts.astype(np.float32)
            yield Batch(*arrays, begin == 0, places=places)


def windows_before(
    ids: np.ndarray, start_id: int, *, window: int, batch: int, some: slice = ALL_ROWS
) -> Iterator[Batch]:
    """For each token of a text in order, the `window` tokens before it (`start_id` before the text).

    Yields batches for models that read whole windows: x int32[batch, window], y int32[batch]; the last batch is
    filled up with rows that do not count. With `some`, only these tokens of the text are targets.
    """
    first, end, _ = some.indices(len(ids))
    for begin in range(first, end, batch):
        targets = np.arange(begin, begin + batch)
        real = targets < end
        targets = np.minimum(targets, len(ids) - 1)
        places = targets[:, None] + np.arange(-window, 0)
        x = np.where(places < 0, start_id, ids[np.maximum(places, 0)])
        yield Batch(x.astype(np.int32), ids[targets].astype(np.int32), real.astype(np.float32), True)
