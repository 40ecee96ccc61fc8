"""Modified Kneser-Ney probabilities of an order, with the counts of a whole text and without those of each block.

    p(w | h) = (c(h w) - d(c(h w))) / c(h) + D(h) / c(h) * p(w | h without its first token)

In the highest order, c(h w) is the number of times that the n-gram occurs in the text; in the orders below, the number
of different tokens that occur before it. c(h) is the sum of c(h w) over all w, d(c) the discount of a count, and D(h)
the sum of d(c(h w)) over all w.

Reference: Chen and Goodman 1999, An empirical study of smoothing techniques for language modeling. Pruning: Stolcke
1998, Entropy-based pruning of backoff language models.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from textrnn.text.counts.codes import COUNT_OF_CODE, count_codes
from textrnn.text.counts.levels import ALONE, FIRST, PIECE, Level, Span, Text, cuts, in_order

CODES_A_NAT = 3000  # of the probabilities by which pruning is judged, in two bytes


class Chains(NamedTuple):
    """Probabilities of each token of the text in the orders done so far.

    Attributes:
        left_out: float32[num_tokens], without the counts of the token's own block.
        full: uint16[num_tokens], with all counts, as `CODES_A_NAT` times the negative logarithm.
    """

    left_out: np.ndarray
    full: np.ndarray


class Evaluated(NamedTuple):
    """N-grams of a span with their contexts, for the saved counts.

    Attributes:
        counts: uint8[grams], codes of counts.
        costs: float32[grams], nats that the text would lose without this n-gram.
        totals: float32[contexts], the sum of counts c(h) of each.
        backoff: float32[contexts], D(h) / c(h).
    """

    counts: np.ndarray
    costs: np.ndarray
    totals: np.ndarray
    backoff: np.ndarray


class _Runs(NamedTuple):
    """Runs: all places of one n-gram in one block.

    Attributes:
        grams: int32[runs], the number of the n-gram.
        blocks: the number of the block.
        gone: by how much the count of the n-gram is lower without the block.
        lengths: how many places.
    """

    grams: np.ndarray
    blocks: np.ndarray
    gone: np.ndarray
    lengths: np.ndarray


def discounts(counts_of_counts: np.ndarray) -> np.ndarray:
    """The discounts of counts 0, 1, 2 and from 3 on, by how many n-grams have the counts 1, 2, 3 and 4.

    A number of 0 is taken as 1, and a discount is at least 0.01 and at most its count less 0.01.

    Example:
        >>> discounts(np.array([40, 10, 5, 2]))
        array([0.        , 0.66666667, 1.        , 1.93333333])
    """
    n1, n2, n3, n4 = np.maximum(counts_of_counts, 1).astype(float)
    y = n1 / (n1 + 2 * n2)
    found = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    return np.array([0.0, *np.clip(found, 0.01, [0.99, 1.99, 2.99])])


def level_discounts(level: Level, flags: np.ndarray | None) -> np.ndarray:
    """The discounts of an order: float64[4]. `flags` as in `next_level`; None is the highest order."""
    histogram = np.zeros(6, np.int64)
    sizes = level.sizes.read()
    ends = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])

    def count(grams: tuple[int, int]) -> np.ndarray:
        begin, end = grams
        counts = sizes[begin:end]
        if flags is not None:
            first = flags[level.places.read(int(ends[begin]), int(ends[end]))] & FIRST
            counts = np.add.reduceat(first, ends[begin:end] - ends[begin], dtype=np.int32)
        return np.bincount(np.minimum(counts, 5), minlength=6)

    for found in in_order(count, cuts(sizes, PIECE)):
        histogram += found
    return discounts(histogram[1:5])


def _runs(
    text: Text, places: np.ndarray, sizes: np.ndarray, flags: np.ndarray | None, first_gram: int
) -> tuple[_Runs, np.ndarray]:
    """The runs of some n-grams, and the count of each n-gram."""
    gram = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    block = places // np.int32(text.block_size)
    begins = np.flatnonzero(np.concatenate([[True], (gram[1:] != gram[:-1]) | (block[1:] != block[:-1])]))
    lengths = np.diff(np.append(begins, len(places)))
    if flags is None:
        counts, gone = sizes.astype(np.int32), lengths
    else:
        flag = flags[places]
        counts = np.add.reduceat(flag & FIRST, np.cumsum(sizes, dtype=np.int64) - sizes, dtype=np.int32)
        gone = np.add.reduceat(flag // ALONE, begins, dtype=np.int32)
    return _Runs(gram[begins] + np.int32(first_gram), block[begins], gone, lengths), counts


def _left_out(
    runs: _Runs, counts: np.ndarray, context: np.ndarray, discount: np.ndarray, num_blocks: int
) -> tuple[np.ndarray, np.ndarray]:
    """What the order adds, and the weight of the order below, for each run without its block: two float32[runs]."""
    count = counts[runs.grams]
    left = count - runs.gone
    pair = context[runs.grams].astype(np.int64) * num_blocks + runs.blocks
    taken, taken_left = discount[np.minimum(count, 3)], discount[np.minimum(left, 3)]
    size = (int(context[-1]) + 1) * num_blocks
    total = np.bincount(context, counts)[context[runs.grams]] - np.bincount(pair, runs.gone, size)[pair]
    mass = np.bincount(context, discount[np.minimum(counts, 3)])[context[runs.grams]]
    mass -= np.bincount(pair, taken - taken_left, size)[pair]
    known = total > 0.5
    total = np.maximum(total, 1)
    added = np.where(known, (left - taken_left) / total, 0)
    return added.astype(np.float32), np.where(known, np.clip(mass / total, 0, 1), 1).astype(np.float32)


def _full(
    counts: np.ndarray, sizes: np.ndarray, children: np.ndarray, discount: np.ndarray, lower: np.ndarray
) -> tuple[Evaluated, np.ndarray]:
    """The n-grams with all counts, and their probabilities; `lower` are those of the order below."""
    context = np.repeat(np.arange(len(children)), children)
    codes = count_codes(counts)
    count, taken = COUNT_OF_CODE[codes], discount[np.minimum(counts, 3)]
    total = np.bincount(context, count, len(children))
    backoff = np.divide(np.bincount(context, taken, len(children)), total, out=np.ones(len(total)), where=total > 0)
    added = (count - taken) / total[context]
    p = added + backoff[context] * lower
    pruned = (backoff[context] + added) * lower
    often = np.bincount(context, sizes, len(children))[context]
    costs = often * (p * np.log(p / pruned) - added * (1 - lower))
    return Evaluated(codes, costs.astype(np.float32), total.astype(np.float32), backoff.astype(np.float32)), p


def evaluate_span(
    text: Text, level: Level, span: Span, *, flags: np.ndarray | None, discount: np.ndarray, chains: Chains
) -> Evaluated:
    """Adds the order of a span to the chains of probabilities, in place; its n-grams, for the saved counts."""
    sizes, children = level.sizes.read(*span.grams), level.children.read(*span.contexts)
    if not len(sizes):
        nothing = np.zeros(len(children), np.float32)
        return Evaluated(np.zeros(0, np.uint8), nothing[:0], nothing, nothing + 1)
    ends = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    pieces = cuts(sizes, PIECE)

    def read(begin: int, end: int) -> np.ndarray:
        return level.places.read(span.places[0] + int(ends[begin]), span.places[0] + int(ends[end]))

    all_runs, all_counts, all_firsts = [], [], []
    for begin, end in pieces:
        places = read(begin, end)
        runs, found = _runs(text, places, sizes[begin:end], flags, begin)
        all_runs.append(runs)
        all_counts.append(found)
        all_firsts.append(places[ends[begin:end] - ends[begin]])
    counts, first_places = np.concatenate(all_counts), np.concatenate(all_firsts)
    lower = np.exp(chains.full[first_places] / -CODES_A_NAT)
    evaluated, p = _full(counts, sizes, children, discount, lower)
    code = np.minimum(np.rint(np.log(p) * -CODES_A_NAT), 65535).astype(np.uint16)
    used = np.repeat(np.arange(np.count_nonzero(children), dtype=np.int32), children[children > 0])
    joined = _Runs(*(np.concatenate(column) for column in zip(*all_runs, strict=True)))
    added, weight = _left_out(joined, counts, used, discount, text.num_blocks)
    done = 0
    for (begin, end), runs in zip(pieces, all_runs, strict=True):
        here = slice(done, done + len(runs.grams))
        done = here.stop
        places = read(begin, end)
        below = chains.left_out[places]
        chains.left_out[places] = np.repeat(added[here], runs.lengths) + np.repeat(weight[here], runs.lengths) * below
        chains.full[places] = np.repeat(code[begin:end], sizes[begin:end])
    return evaluated
