"""Interpolated modified Kneser-Ney probabilities from counts of n-grams.

With c the count of a continuation w of a context, and for all but the longest n-grams instead of it the number of
different tokens that stand before the n-gram, the probability is

    p(w | context) = max(c - D(c), 0) / total + taken / total * p(w | context without its first token)

total is the sum of c over all continuations, taken that of the discounts D(1), D(2), D(3 and more) of the order.

Reference:
    Chen and Goodman, 1999, An empirical study of smoothing techniques for language modeling, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Smoothed:
    """An order with its probabilities, and with what they become when a part of the text is left out.

    Attributes:
        order: the n-grams.
        counts: int64[rows], c in the formula above.
        discount: float64[4].
        total: float64[contexts], the counts of the continuations of each context.
        kept: float64[contexts], what the discounts leave of them.
    """

    order: Order
    counts: np.ndarray
    discount: np.ndarray
    total: np.ndarray
    kept: np.ndarray

    @classmethod
    def of(cls, order: Order, longer: Order | None) -> Smoothed:
        """Smooths an order; the one after tells what stands before its n-grams, and is None for the longest."""
        counts = order.counts if longer is None else np.bincount(longer.suffixes, minlength=len(order.tokens))
        discount = discounts(counts)
        total, kept = (_sums(values, order.offsets) for values in (counts, _discounted(counts, discount)))
        return cls(order, counts, discount, total, kept)

    @property
    def shares(self) -> np.ndarray:
        """The discounted share of each n-gram in its context, float32[rows]."""
        safe = np.repeat(np.maximum(self.total, 1), np.diff(self.order.offsets))
        shares: np.ndarray = (_discounted(self.counts, self.discount) / safe).astype(np.float32)
        return shares

    def without(self, rows: np.ndarray, gone: np.ndarray, contexts: np.ndarray, below: np.ndarray) -> np.ndarray:
        """Probabilities of the tokens of a part of the text by counts of the rest.

        Args:
            rows: int32[tokens], the n-gram that ends at each; -1 if there is none.
            gone: int32[any], rows by which counts are lower without the part, as often as by one; all are in `rows`.
            contexts: int32[tokens], the context of each, in the order before; -1 if there is none.
            below: float32[tokens], probabilities of the order below.

        Returns:
            float32[tokens].
        """
        own, place = np.unique(rows, return_inverse=True)
        lost = np.bincount(np.searchsorted(own, gone), minlength=len(own))
        before, after = self.counts[own], self.counts[own] - lost
        kept = _discounted(after, self.discount)
        fewer = _discounted(before, self.discount) - kept
        groups, group = np.unique(contexts, return_inverse=True)
        of_own = np.zeros(len(own), np.int64)
        of_own[place] = group
        total = self.total[groups] - np.bincount(of_own, lost, minlength=len(groups))
        left = self.kept[groups] - np.bincount(of_own, fewer, minlength=len(groups))
        seen = np.where((own != NONE) & (total[of_own] > 0), kept / np.maximum(total[of_own], 1), 0)
        rest = np.where((groups != NONE) & (total > 0), 1 - left / np.maximum(total, 1), 1)
        found: np.ndarray = np.minimum(seen[place] + rest[group] * below, 1).astype(np.float32)
        return found


def _discounted(counts: np.ndarray, discount: np.ndarray) -> np.ndarray:
    discounted: np.ndarray = np.maximum(counts - discount[np.minimum(counts, 3)], 0)
    return discounted


def _sums(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    upto = np.concatenate([[0], np.cumsum(values, dtype=np.float64)])
    sums: np.ndarray = upto[offsets[1:]] - upto[offsets[:-1]]
    return sums
