"""Pairs as ids, in batches of about equal length, the same ones for the same seed and number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from textrnn.text.rows import batches, padded


@dataclass(frozen=True)
class PairBatch:
    """Some pairs side by side, as `textrnn.training.trainer` reads a batch.

    Attributes:
        x: int32[rows, places], the sources.
        y: int32[rows, steps], the targets.
        mask: float32[rows, places] and float32[rows, steps], 1 for real tokens of sources and targets.
        reset: whether a carried state begins anew: always, as there is none.
    """

    x: np.ndarray
    y: np.ndarray
    mask: tuple[np.ndarray, np.ndarray]
    reset: bool = True

    @property
    def num_tokens(self) -> int:
        """Tokens that are learnt from."""
        return int(self.mask[1].sum())


@dataclass
class EncodedPairs:
    """Both sides of pairs as ids, each int32[tokens] and not empty."""

    sources: Sequence[np.ndarray]
    targets: Sequence[np.ndarray]

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def num_tokens(self) -> int:
        """Tokens of the targets."""
        return sum(map(len, self.targets))

    def batch(self, rows: Sequence[int] | np.ndarray) -> PairBatch:
        """Some pairs as a batch."""
        x, x_mask = padded([self.sources[row] for row in rows])
        y, mask = padded([self.targets[row] for row in rows])
        return PairBatch(x, y, (x_mask, mask))

    def in_order(self, size: int) -> Iterator[PairBatch]:
        """All pairs once, short ones first, so that little is padded."""
        order = np.argsort(self.lengths, kind="stable")
        for begin in range(0, len(order), size):
            yield self.batch(order[begin : begin + size])

    @property
    def lengths(self) -> np.ndarray:
        """int64[pairs], by which pairs of like length are found: that of the target, then that of the source."""
        sources, targets = ([len(ids) for ids in side] for side in (self.sources, self.targets))
        longest = max(sources, default=0) + 1
        return np.array(targets, np.int64) * longest + np.array(sources, np.int64)


class PairBatches:
    """The training batches of all epochs, see `textrnn.text.windows.Windows`.

    Args:
        pairs: at least one.
        size: pairs of a batch.
        random_seed: decides which pairs are together, and the order of the batches.
    """

    def __init__(self, pairs: EncodedPairs, size: int, random_seed: int) -> None:
        self.pairs, self._size, self._seed, self._lengths = pairs, size, random_seed, pairs.lengths
        self.num_batches = -(-len(pairs) // size)
        self.num_rows = size
        self._epoch, self._plan = -1, list[np.ndarray]()

    def batch(self, epoch: int, index: int) -> PairBatch:
        """A batch of an epoch, both from 0."""
        if epoch != self._epoch:
            rng = np.random.default_rng((self._seed, epoch))
            self._epoch, self._plan = epoch, list(batches(self._lengths, self._size, rng))
        return self.pairs.batch(self._plan[index])
