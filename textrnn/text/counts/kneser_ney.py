"""Interpolated modified Kneser-Ney probabilities from counts of n-grams.

With c the count of a continuation w of a context, and for all but the longest n-grams instead of it the number of
different tokens that stand before the n-gram, the probability is

    p(w | context) = max(c - D(c), 0) / total + taken / total * p(w | context without its first token)

total is the sum of c over all continuations, taken that of the discounts D(1), D(2), D(3 and more) of the order.

Reference:
    Chen and Goodman, 1999, An empirical study of smoothing techniques for language modeling, section 3.
"""

from __future__ import annotations

import numpy as np

from textrnn.text.counts.ngrams import NONE, Order


def discounts(counts: np.ndarray) -> np.ndarray:
    """The discounts of counts 0, 1, 2, and 3 and more, float64[4], from how many n-grams have each count.

    Where some of these numbers are 0, as in a very short or a strange text, discounts are kept within their bounds.

    Args:
        counts: int[rows].

    Example:
        >>> discounts(np.array([1, 1, 1, 1, 2, 2, 3, 4])).round(3).tolist()
        [0.0, 0.5, 1.25, 1.0]
    """
    n1, n2, n3, n4 = np.maximum(np.bincount(np.minimum(counts, 5), minlength=6)[1:5], 1)
    y = n1 / (n1 + 2 * n2)
    found = [0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    clipped: np.ndarray = np.clip(found, [0, 0.01, 0.01, 0.01], [0, 0.99, 1.99, 2.99])
    return clipped


def numbers_before(order: Order, longer: Order, *, without: tuple[int, int] | None = None) -> np.ndarray:
    """How many different tokens stand before each n-gram, int64[rows].

    Args:
        order: the n-grams.
        longer: those of the order after.
        without: a range of positions that is left out: what occurs only there does not count.
    """
    suffixes = longer.suffixes
    if without is not None:
        begin, end = without
        suffixes = suffixes[(longer.first < begin) | (longer.last >= end)]
    return np.bincount(suffixes, minlength=len(order.tokens))


class Shares:
    """What an order gives its n-grams and leaves to the order below.

    Args:
        order: the n-grams.
        counts: int[rows], which of them to go by.
        discount: float64[4], see `discounts`.

    Attributes:
        seen: float32[rows], the discounted share of each n-gram in its context.
        left: float32[contexts], what each context leaves to the order below; 1 where it has not been seen.
    """

    def __init__(self, order: Order, counts: np.ndarray, discount: np.ndarray) -> None:
        kept = np.maximum(counts - discount[np.minimum(counts, 3)], 0)
        sums = [np.concatenate([[0], np.cumsum(values, dtype=np.float64)]) for values in (counts, kept)]
        total, seen = (found[order.offsets[1:]] - found[order.offsets[:-1]] for found in sums)
        safe = np.maximum(total, 1)
        self.seen = (kept / np.repeat(safe, np.diff(order.offsets))).astype(np.float32)
        self.left = np.where(total > 0, 1 - seen / safe, 1).astype(np.float32)

    def probabilities(self, rows: np.ndarray, contexts: np.ndarray, below: np.ndarray) -> np.ndarray:
        """Probabilities of the order, float32[tokens].

        Args:
            rows: int32[tokens], the n-gram of each token with its context; -1 if there is none.
            contexts: int32[tokens], the row of the context in the order before; -1 if there is none.
            below: float32[tokens], probabilities of the order below.
        """
        seen = np.where(rows != NONE, self.seen[rows], np.float32(0)) if len(self.seen) else np.float32(0)
        left = np.where(contexts != NONE, self.left[contexts], np.float32(1))
        found: np.ndarray = np.minimum(seen + left * below, np.float32(1))
        return found
