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


def batches(
    lengths: np.ndarray, size: int, rng: np.random.Generator, *, pool: int = 50, full_steps: int | None = None
) -> Iterator[np.ndarray]:
    """Rows in random batches of about equal length, so that little is padded.

    Args:
        lengths: int[rows], tokens of each.
        size: rows of a batch.
        rng: decides the order.
        pool: batches among which rows are sorted.
        full_steps: see `sizes`.

    Yields:
        int64[size] or fewer; each row exactly once. There are as many as `num_batches` says, for any `rng`.
    """
    found = []
    for rows, own_size in _by_size(lengths, size, full_steps):
        order = rows[rng.permutation(len(rows))]
        for begin in range(0, len(order), own_size * pool):
            part = order[begin : begin + own_size * pool]
            part = part[np.argsort(lengths[part], kind="stable")]
            found += [part[k : k + own_size] for k in range(0, len(part), own_size)]
    for index in rng.permutation(len(found)):
        yield found[index]


def num_batches(lengths: np.ndarray, size: int, *, full_steps: int | None = None) -> int:
    """How many batches `batches` makes."""
    return sum(-(-len(rows) // own_size) for rows, own_size in _by_size(lengths, size, full_steps))


def sizes(lengths: np.ndarray, size: int, full_steps: int | None) -> np.ndarray:
    """Rows of the batch that each row is in, so that no batch takes much more memory than others.

    Args:
        lengths: int[rows], tokens of each.
        size: rows of a batch.
        full_steps: tokens up to which a batch has `size` rows. Up to twice as many it has half of that, and so on.
            None for the same size of all.

    Returns:
        int64[rows].

    Example:
        >>> sizes(np.array([5, 512, 513, 1024, 1025, 90_000]), 32, 512).tolist()
        [32, 32, 16, 16, 8, 1]
    """
    if full_steps is None:
        return np.full(len(lengths), size)
    doublings = np.ceil(np.log2(np.maximum(lengths, full_steps) / full_steps)).astype(np.int64)
    found: np.ndarray = np.maximum(1, size >> doublings)
    return found


def _by_size(lengths: np.ndarray, size: int, full_steps: int | None) -> Iterator[tuple[np.ndarray, int]]:
    """The rows whose batches have a size, int64[any], and that size."""
    of_row = sizes(lengths, size, full_steps)
    for own_size in np.unique(of_row)[::-1].tolist():
        yield np.flatnonzero(of_row == own_size), own_size


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
