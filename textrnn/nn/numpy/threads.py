"""Work on many items shared among the cores, by threads: NumPy computes without holding Python's lock."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from textrnn.base.machine import num_cores

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
FEWEST = 256  # items for which a thread pays


def in_parts(work: Callable[[Sequence[Item]], np.ndarray], items: Sequence[Item]) -> np.ndarray:
    """Does some work for items, a part on each core if there are many.

    Args:
        work: gives an array with a row for each of some items; it runs several times at once.
        items: all of them; each part has every second, third ... one, so that all parts are of a kind.

    Returns:
        a row for each item, in order.

    Example:
        >>> in_parts(np.array, [3, 1, 2]).tolist()
        [3, 1, 2]
    """
    count = max(1, min(num_cores(), len(items) // FEWEST))
    # The products are small: more threads for each would wait for one another, and stand in the way of ours.
    with _controller().limit(limits=1, user_api="blas"):
        if count == 1:
            return work(items)
        from concurrent.futures import ThreadPoolExecutor  # here, as it would delay the answer for a few texts

        with ThreadPoolExecutor(count) as pool:
            parts = list(pool.map(work, [items[first::count] for first in range(count)]))
    whole = np.empty((len(items), *parts[0].shape[1:]), parts[0].dtype)
    for first, part in enumerate(parts):
        whole[first::count] = part
    return whole


@functools.cache
def _controller() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
