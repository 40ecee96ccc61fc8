"""Pairs as ids, in batches of about equal length, the same ones for the same seed and number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from textrnn.text.rows import batches, padded
from textrnn.translator.pairs import Pairs
from textrnn.translator.tokens import Side

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


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

    def arrays(self, rows: Sequence[int] | np.ndarray) -> Arrays:
        """Some pairs: sources int32[rows, places], their mask, targets int32[rows, steps], their mask, both float32."""
        x, x_mask = padded([self.sources[row] for row in rows])
        y, mask = padded([self.targets[row] for row in rows])
        return x, x_mask, y, mask

    def in_order(self, size: int) -> Iterator[Arrays]:
        """All pairs once, short ones first, so that little is padded; see `arrays`."""
        order = np.argsort(self.lengths, kind="stable")
        for begin in range(0, len(order), size):
            yield self.arrays(order[begin : begin + size])

    @property
    def lengths(self) -> np.ndarray:
        """int64[pairs], by which pairs of like length are found: that of the target, then that of the source."""
        sources, targets = ([len(ids) for ids in side] for side in (self.sources, self.targets))
        longest = max(sources, default=0) + 1
        return np.array(targets, np.int64) * longest + np.array(sources, np.int64)


def encode_pairs(pairs: Pairs, sides: tuple[Side, Side], ends: tuple[int, int] | None) -> EncodedPairs:
    """Pairs as ids.

    Args:
        pairs: their texts.
        sides: the tokens of source and target.
        ends: the id that stands behind each source, and behind each target; None for nothing.
    """
    behind = [np.array([] if ends is None else ends[number : number + 1], np.int32) for number in range(2)]
    ids = [
        [np.concatenate([side.encode(text), end]) for text in texts]
        for side, texts, end in zip(sides, (pairs.sources, pairs.targets), behind, strict=True)
    ]
    return EncodedPairs(*ids)


class PairBatches:
    """The pairs of each training batch of all epochs.

    Args:
        pairs: at least one.
        size: pairs of a batch.
        random_seed: decides which pairs are together, and the order of the batches.
    """

    def __init__(self, pairs: EncodedPairs, size: int, random_seed: int) -> None:
        self.pairs, self.num_rows, self._seed, self._lengths = pairs, size, random_seed, pairs.lengths
        self.num_batches = -(-len(pairs) // size)
        self._epoch, self._plan = -1, list[np.ndarray]()

    def batch(self, epoch: int, index: int) -> Arrays:
        """Batch `index` of epoch `epoch`, both from 0; see `EncodedPairs.arrays`."""
        if epoch != self._epoch:
            rng = np.random.default_rng((self._seed, epoch))
            self._epoch, self._plan = epoch, list(batches(self._lengths, self.num_rows, rng))
        return self.pairs.arrays(self._plan[index])
