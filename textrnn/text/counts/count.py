"""Counting a text: its n-grams of each order, and the probability of each token by the counts of all other blocks."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import DataError
from textrnn.text.corpus import largest_id
from textrnn.text.counts.codes import probability_codes
from textrnn.text.counts.left_out import (
    CODES_A_NAT,
    Chains,
    Evaluated,
    evaluate_span,
    level_discounts,
)
from textrnn.text.counts.levels import Level, Text, first_level, in_order, next_level
from textrnn.text.counts.scratch import Column

PIECE = 1 << 20
MOST_BLOCKS = 64


@dataclass
class CountedLevel:
    """An order of n-grams as the saved counts need it; columns as in `Level` and `Evaluated`."""

    tokens: Column
    counts: Column
    costs: Column
    children: Column
    totals: Column
    backoff: Column
    discount: np.ndarray = field(default_factory=lambda: np.zeros(4))


@dataclass
class Counted:
    """What counting a text gives; its files are removed when the block of `counted` ends.

    Attributes:
        vocab: number of tokens.
        num_tokens: length of the text.
        levels: from order 1 on.
        losses_nats: mean over the text of the left-out negative log probability in each order.
        codes: of the left-out probabilities, a column of uint8[num_tokens] an order.
    """

    vocab: int
    num_tokens: int
    levels: list[CountedLevel]
    losses_nats: list[float]
    codes: list[Column]

    @property
    def order(self) -> int:
        """The highest order."""
        return len(self.levels)

    def left_out(self, begin: int, end: int) -> np.ndarray:
        """Codes of the left-out probabilities of a piece of the text: uint8[end - begin, order]."""
        return np.stack([column.read(begin, end) for column in self.codes], 1)


def map_probabilities(path: Path, order: int) -> np.ndarray:
    """Maps a file of probabilities: uint8[num_tokens, order], `PROBABILITY_OF_CODE` has what they stand for."""
    return np.memmap(path, np.uint8, mode="r").reshape(-1, order)


def _check(ids: np.ndarray, vocab: int, num_blocks: int) -> None:
    if not len(ids):
        raise DataError("there is nothing to count: the text has no tokens")
    if len(ids) >= 1 << 31:
        raise DataError(f"{len(ids):,} tokens cannot be counted at once: count a part of fewer than 2**31")
    if not 1 <= num_blocks <= MOST_BLOCKS:
        raise DataError(f"{num_blocks} blocks cannot be left out in turn: expected 1 to {MOST_BLOCKS}")
    if (largest := largest_id(ids)) >= vocab:
        raise DataError(f"token {largest} is not below the {vocab} of the vocabulary")


def _evaluate(text: Text, level: Level, flags: np.ndarray | None, chains: Chains, folder: Path) -> CountedLevel:
    def column(name: str, dtype: Any) -> Column:
        return Column(folder / f"{name}{level.order}", dtype)

    counts, costs = column("counts", np.uint8), column("costs", np.float32)
    totals, backoff = column("totals", np.float32), column("backoff", np.float32)
    discount = level_discounts(level, flags)

    def evaluate(span: Any) -> Evaluated:
        return evaluate_span(text, level, span, flags=flags, discount=discount, chains=chains)

    for found in in_order(evaluate, level.spans):
        text.check()
        counts.append(found.counts)
        costs.append(found.costs)
        totals.append(found.totals)
        backoff.append(found.backoff)
    level.remove_places()
    return CountedLevel(level.tokens, counts, costs, level.children, totals, backoff, discount)


def _write_codes(chains: Chains, path: Path) -> tuple[Column, float]:
    """Writes the codes of an order; also their mean loss."""
    column, total = Column(path, np.uint8), 0.0
    for begin in range(0, len(chains.left_out), PIECE):
        p = chains.left_out[begin : begin + PIECE]
        column.append(probability_codes(p))
        total -= float(np.log(np.maximum(p, 1e-30)).sum(dtype=np.float64))
    return column, total / len(chains.left_out)


@contextmanager
def counted(
    ids: np.ndarray,
    vocab: int,
    folder: Path,
    *,
    max_order: int = 10,
    least_gain_nats: float = 0.02,
    num_blocks: int = 10,
    check: Callable[[], None] = lambda: None,
) -> Iterator[Counted]:
    """Counts a text, with each block left out in turn, by interpolated modified Kneser-Ney smoothing.

    Orders are added until one lowers the left-out loss by less than `least_gain_nats`. The order above it is the last
    one; `max_order` is, if it comes before.

    Args:
        ids: int[num_tokens], each below `vocab`.
        vocab: number of tokens.
        folder: where a folder for scratch files is made; they need about 30 bytes a token.
        max_order: the longest n-grams.
        least_gain_nats: see above.
        num_blocks: contiguous blocks, 1 to `MOST_BLOCKS`.
        check: is called now and then, and may raise to end counting.

    Raises:
        DataError: the text is empty or too long, or a token is too large.
        RunError: the disk is full.
    """
    _check(ids, vocab, num_blocks)
    text = Text(ids, vocab, num_blocks, check)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".counts.") as name:
        scratch = Path(name)
        size = len(ids)
        uniform = np.uint16(min(65535, round(np.log(vocab) * CODES_A_NAT)))
        chains = Chains(np.full(size, 1 / vocab, np.float32), np.full(size, uniform, np.uint16))
        result = Counted(vocab, size, [], [], [])
        level, flags = first_level(text, scratch), np.zeros(size, np.uint8)
        while True:
            highest = level.order >= max_order or _stopped(result.losses_nats, least_gain_nats)
            above = None if highest else next_level(text, level, scratch, flags)
            result.levels.append(_evaluate(text, level, None if highest else flags, chains, scratch))
            column, loss = _write_codes(chains, scratch / f"codes{level.order}")
            result.codes.append(column)
            result.losses_nats.append(loss)
            if above is None:
                break
            level = above
        del chains, flags
        yield result


def _stopped(losses: list[float], least_gain: float) -> bool:
    return len(losses) > 1 and losses[-2] - losses[-1] < least_gain
