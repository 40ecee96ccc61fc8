"""Rows of ids of many lengths: the ends of long ones, batches of about equal length, padding with a mask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np


def cut(ids: np.ndarray, max_length: int) -> np.ndarray:
    """The beginning and the end of a text that is too long; both say more than what is between.

    Example:
        >>> cut(np.arange(9), 4).tolist()
        [0, 1, 7, 8]
    """
    if len(ids) <= max_length:
        return ids
    return np.concatenate([ids[: max_length - max_length // 2], ids[len(ids) - max_length // 2 :]])


def batches(lengths: np.ndarray, size: int, rng: np.random.Generator, *, pool: int = 50) -> Iterator[np.ndarray]:
    """Rows in random batches of about equal length, so that little is padded.

    Args:
        lengths: int[rows], tokens of each.
        size: rows of a batch.
        rng: decides the order.
        pool: batches among which rows are sorted.

    Yields:
        int64[size] or fewer; each row exactly once.
    """
    order = rng.permutation(len(lengths))
    found = []
    for begin in range(0, len(order), size * pool):
        part = order[begin : begin + size * pool]
        part = part[np.argsort(lengths[part], kind="stable")]
        found += [part[k : k + size] for k in range(0, len(part), size)]
    for index in rng.permutation(len(found)):
        yield found[index]


def padded(texts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Puts texts side by side: ids int32[rows, steps], and a mask float32 of that shape, 1 for real steps, on the left.

    Example:
        >>> ids, mask = padded([np.array([5]), np.array([6, 7])])
        >>> ids.tolist(), mask.tolist()
        ([[5, 0], [6, 7]], [[1.0, 0.0], [1.0, 1.0]])
    """
    steps = max(map(len, texts))
    ids = np.zeros((len(texts), steps), np.int32)
    mask = np.zeros((len(texts), steps), np.float32)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return ids, mask
