"""From counted n-grams to the saved counts: pruned, in few bytes, in one file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from textrnn.base.files import atomic_file
from textrnn.text.counts.codes import COUNT_OF_CODE
from textrnn.text.counts.count import Counted, CountedLevel
from textrnn.text.counts.scratch import Column
from textrnn.text.counts.table_file import BACKOFF_STEPS, Layout, header


@dataclass(frozen=True)
class Saved:
    """What saving counts gave.

    Attributes:
        ngrams: n-grams of the text.
        kept: those that were saved.
        size_bytes: of the file.
        lost_nats: estimate of what the pruned ones cost, nats a token.
    """

    ngrams: int
    kept: int
    size_bytes: int
    lost_nats: float


class _Kept(NamedTuple):
    """What of an order is saved: a mask of its n-grams, and what stands for each context that is saved, on disk."""

    mask: np.ndarray
    children: Column
    backoff: Column
    scale: Column


def _sums(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Sums over neighbouring groups, which may be empty: float64[groups]."""
    sums = np.zeros(len(sizes))
    some = np.flatnonzero(sizes)
    if len(some):
        begins = np.cumsum(sizes[some], dtype=np.int64) - sizes[some]
        sums[some] = np.add.reduceat(values, begins, dtype=np.float64)
    return sums


def _masks(counted: Counted, threshold: float) -> list[np.ndarray]:
    """What is kept of each order, bool[ngrams]: n-grams that cost more than the threshold, and their contexts."""
    masks: list[np.ndarray] = []
    needed: np.ndarray | None = None
    for level in reversed(counted.levels):
        mask = level.costs.read() > threshold
        if level is counted.levels[0]:
            mask[:] = True
        if needed is not None:
            mask |= needed
        needed = _sums(mask, level.children.read()) > 0
        masks.append(mask)
    return masks[::-1]


def _threshold(counted: Counted, lost_nats: float) -> float:
    """The highest threshold at which the n-grams that cost no more sum up to at most `lost_nats` a token."""
    if lost_nats <= 0:
        return -np.inf
    edges = np.concatenate([[-np.inf], np.geomspace(1e-6, 1e4, 400)])
    total = np.zeros(len(edges) - 1)
    for level in counted.levels[1:]:
        costs = level.costs.read()
        total += np.histogram(costs, edges, weights=costs)[0]
    fits = np.cumsum(np.maximum(total, 0)) <= lost_nats * counted.num_tokens
    return float(edges[1:][fits][-1]) if fits.any() else -np.inf


def _layout(counted: Counted, masks: list[np.ndarray]) -> Layout:
    return Layout(counted.vocab, tuple(int(np.count_nonzero(mask)) for mask in masks))


def _choose(counted: Counted, lost_nats: float, max_bytes: float) -> tuple[list[np.ndarray], float]:
    """The masks of what is kept, and the nats a token that the rest costs."""
    while True:
        threshold = _threshold(counted, lost_nats)
        masks = _masks(counted, threshold)
        if _layout(counted, masks).size_bytes <= max_bytes or lost_nats > 1:
            break
        lost_nats = lost_nats * 1.25 + 1e-4
    lost = sum(
        float(level.costs.read()[~mask].sum(dtype=np.float64))
        for level, mask in zip(counted.levels, masks, strict=True)
    )
    return masks, lost / counted.num_tokens


def _values(level: CountedLevel) -> np.ndarray:
    """What each code of a count is worth without its discount: float64[256]."""
    discounts = level.discount[np.minimum(np.arange(256), 3)]
    values: np.ndarray = COUNT_OF_CODE - discounts
    return values


def _keep(level: CountedLevel, mask: np.ndarray, contexts: np.ndarray) -> _Kept:
    """An order after pruning: what is pruned goes to the order below."""
    children = level.children.read()
    value = _values(level)[level.counts.read()]
    kept = _sums(np.where(mask, value, 0), children)[contexts]
    total = level.totals.read()[contexts].astype(np.float64)
    num_children = _sums(mask, children)[contexts].astype(np.uint32)
    # Of two bytes, and the scale made to fit it: so that probabilities sum to 1 to the last bit of a float32.
    exact = np.divide(kept, total, out=np.zeros(len(total)), where=total > 0)
    backoff = np.maximum(np.rint((1 - exact) * BACKOFF_STEPS), 1).astype(np.uint16)
    backoff[num_children == 0] = BACKOFF_STEPS
    some = num_children > 0
    scale = np.divide(1 - backoff / BACKOFF_STEPS, kept, out=np.zeros(len(total)), where=some)
    columns = []
    for name, values in (("children", num_children), ("backoff", backoff), ("scale", scale.astype(np.float32))):
        path = level.tokens.path.with_name(f"kept-{name}-{level.tokens.path.name}")
        path.unlink(missing_ok=True)
        columns.append(Column(path, values.dtype))
        columns[-1].append(values)
    return _Kept(mask, *columns)


def save_counts(counted: Counted, path: Path, *, lost_nats: float = 0.003, max_bytes: float = float("inf")) -> Saved:
    """Saves the counts of a text; n-grams that change little are left out (Stolcke 1998).

    Args:
        counted: what was counted.
        path: the file, as `Counts` reads it.
        lost_nats: how much worse pruning may make the counts, estimated on the text, in nats a token.
        max_bytes: size of the file above which more is pruned.

    Raises:
        OSError: the file cannot be written.
    """
    masks, lost = _choose(counted, lost_nats, max_bytes)
    contexts, kept = np.ones(1, bool), []
    for level, mask in zip(counted.levels, masks, strict=True):
        kept.append(_keep(level, mask, contexts))
        contexts = mask
    layout = _layout(counted, masks)
    with atomic_file(path) as file:
        file.write(header(layout))
        for name in layout.arrays():
            for array in _parts(name, counted, kept, layout):
                file.write(array.tobytes())
    return Saved(sum(len(mask) for mask in masks), sum(layout.sizes), layout.size_bytes, lost)


def _parts(name: str, counted: Counted, kept: list[_Kept], layout: Layout) -> Iterator[np.ndarray]:
    """An array of the file, order by order."""
    if name == "sizes":
        yield np.array(layout.sizes, np.int64)
    elif name == "first":
        begin = np.uint32(0)
        yield np.array([begin])
        for part in kept:
            ends = begin + np.cumsum(part.children.read(), dtype=np.uint32)
            begin = ends[-1] if len(ends) else begin
            yield ends
    for level, part in zip(counted.levels, kept, strict=True):
        if name == "values":
            yield _values(level).astype(np.float32)
        elif name in ("scale", "backoff"):
            yield getattr(part, name).read()
        elif name in ("tokens", "counts"):
            yield getattr(level, name).read()[part.mask]
