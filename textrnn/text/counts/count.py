"""Counting a text: the n-grams to save, and what they give each token of a text that they are mixed with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textrnn.text.counts.codes import CODE_NATS, encode
from textrnn.text.counts.kneser_ney import Shares, discounts, numbers_before
from textrnn.text.counts.model import Level, NgramModel
from textrnn.text.counts.ngrams import NONE, Order, orders_of

BLOCKS = 10
LONGEST = 10  # tokens of n-grams, if nothing is said: longer ones need more room and time than they are worth
ENOUGH_NATS = 0.01  # an order that gains less than this over the one before it is the last but one


@dataclass(frozen=True)
class Counted:
    """A text that was counted.

    Attributes:
        model: its n-grams.
        codes: uint8[tokens, orders], the nats of each token of it by each order, from counts of all of it but the block
            in which the token stands, see `textrnn.text.counts.codes`.
    """

    model: NgramModel
    codes: np.ndarray


def count(
    ids: np.ndarray,
    vocab_size: int,
    *,
    blocks: int = BLOCKS,
    max_order: int | None = None,
    starts: np.ndarray | None = None,
) -> Counted:
    """Counts the n-grams of a text.

    Each block of the text is predicted by counts of the rest: its own would know it by heart, which new text is not.

    Args:
        ids: int[tokens], at least one.
        vocab_size: number of tokens.
        blocks: contiguous parts of equal length.
        max_order: tokens of the longest n-grams; None to go on as long as longer ones predict other blocks better.
        starts: positions over which no n-gram reaches, see `orders_of`.
    """
    edges = np.linspace(0, len(ids), min(blocks, len(ids)) + 1).astype(np.int64)
    spans = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    below = np.full(len(ids), 1 / vocab_size, np.float32)
    codes, levels, nats = [], list[Level](), float("inf")
    most, orders = max_order or LONGEST, orders_of(ids, vocab_size, starts)
    order, contexts = next(orders), np.zeros(len(ids), np.int32)
    while True:
        longer = next(orders) if len(levels) + 1 < most else None
        if longer is not None and not len(longer.tokens):
            longer = None  # the text, or each of its documents, is too short for it
        levels.append(_add(order, longer, contexts, spans, below))
        codes.append(encode(below))
        before, nats = nats, float(CODE_NATS[codes[-1]].mean())
        if longer is None:
            break
        if max_order is None and before - nats < ENOUGH_NATS:
            most = len(levels) + 1
        contexts = np.concatenate([[NONE], order.ends[:-1]])
        contexts[longer.ends == NONE] = NONE
        order = longer
    return Counted(NgramModel(vocab_size, levels), np.stack(codes, 1))


def _add(
    order: Order,
    longer: Order | None,
    contexts: np.ndarray,
    spans: Sequence[tuple[int, int]],
    below: np.ndarray,
) -> Level:
    """One order as it is saved; `below`, the probabilities of the order before, become those of this one."""
    counts = order.counts if longer is None else numbers_before(order, longer)
    discount = discounts(counts)
    for begin, end in spans:
        rows = order.ends[begin:end]
        if longer is None:
            left = counts - np.bincount(rows[rows != NONE], minlength=len(counts))
        else:
            left = numbers_before(order, longer, without=(begin, end))
        shares = Shares(order, left, discount)
        below[begin:end] = shares.probabilities(rows, contexts[begin:end], below[begin:end])
    seen = Shares(order, counts, discount).seen
    tokens = order.tokens.astype(np.min_scalar_type(int(order.tokens.max(initial=0))))
    return Level(order.offsets.astype(np.uint32), tokens, encode(seen, down=True))
