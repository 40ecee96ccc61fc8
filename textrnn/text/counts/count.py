"""Counting a text: the n-grams to save, and what they give each token of a text that they are mixed with."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from textrnn.text.counts.codes import CODE_NATS, encode
from textrnn.text.counts.kneser_ney import Smoothed
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
    below = np.full(len(ids), 1 / vocab_size, np.float32)
    codes, levels, nats = [], list[Level](), float("inf")
    most, orders = max_order or LONGEST, orders_of(ids, vocab_size, starts)
    order, contexts = next(orders), np.zeros(len(ids), np.int32)
    while True:
        longer = next(orders) if len(levels) + 1 < most else None
        if longer is not None and not len(longer.tokens):
            longer = None  # the text, or each of its documents, is too short for it
        levels.append(_add(order, longer, contexts, edges, below))
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


def _add(order: Order, longer: Order | None, contexts: np.ndarray, edges: np.ndarray, below: np.ndarray) -> Level:
    """One order as it is saved; `below`, the probabilities of the order before, become those of this one."""
    smoothed = Smoothed.of(order, longer)
    only = _only_block(longer, edges) if longer is not None else None
    for block, (begin, end) in enumerate(itertools.pairwise(edges.tolist())):
        rows = order.ends[begin:end]
        # What occurs only here stands before an n-gram no longer.
        gone = rows[rows != NONE] if longer is None else longer.suffixes[only == block]
        below[begin:end] = smoothed.without(rows, gone, contexts[begin:end], below[begin:end])
    tokens = order.tokens.astype(np.min_scalar_type(int(order.tokens.max(initial=0))))
    return Level(order.offsets.astype(np.uint32), tokens, encode(smoothed.shares, down=True))


def _only_block(order: Order, edges: np.ndarray) -> np.ndarray:
    """The block in which all occurrences of an n-gram stand, int64[rows]; -1 where they stand in several."""
    first, last = (np.searchsorted(edges, places, side="right") - 1 for places in (order.first, order.last))
    only: np.ndarray = np.where(first == last, first, NONE)
    return only
