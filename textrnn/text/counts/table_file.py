"""The file of the counts: safetensors, which is mapped and not read.

Unlike a file of weights it has no checksum, for which all of it would have to be read. The header is checked when the
file is opened, and a place that an array names when it is used: a damaged file gives an error or wrong probabilities.
"""

from __future__ import annotations

import json
import math
import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import RunError
from textrnn.text.corpus import smallest_dtype

BACKOFF_STEPS = 65535
MOST_ORDERS = 64
MOST_HEADER_BYTES = 1 << 16
NAMES = {"uint8": "U8", "uint16": "U16", "uint32": "U32", "int64": "I64", "float32": "F32"}


@dataclass(frozen=True)
class Layout:
    """What the file holds: the vocabulary and the n-grams of each order, which tell all shapes."""

    vocab: int
    sizes: tuple[int, ...]

    @property
    def order(self) -> int:
        """The highest order."""
        return len(self.sizes)

    def arrays(self) -> dict[str, tuple[np.dtype[Any], tuple[int, ...]]]:
        """The arrays by name, in their order in the file: the larger types first, so that each is aligned."""
        ngrams, contexts = sum(self.sizes), 1 + sum(self.sizes[:-1])
        arrays: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {
            "sizes": (np.dtype(np.int64), (self.order,)),
            "values": (np.dtype(np.float32), (self.order, 256)),
            "first": (np.dtype(np.uint32), (contexts + 1,)),
            "scale": (np.dtype(np.float32), (contexts,)),
            "backoff": (np.dtype(np.uint16), (contexts,)),
            "tokens": (smallest_dtype(self.vocab), (ngrams,)),
            "counts": (np.dtype(np.uint8), (ngrams,)),
        }
        return dict(sorted(arrays.items(), key=lambda item: -item[1][0].itemsize))

    @property
    def size_bytes(self) -> int:
        """Of the whole file."""
        arrays = self.arrays().values()
        return len(header(self)) + sum(dtype.itemsize * math.prod(shape) for dtype, shape in arrays)


def header(layout: Layout) -> bytes:
    """The beginning of the file."""
    entries: dict[str, Any] = {"__metadata__": {"vocab": str(layout.vocab)}}
    begin = 0
    for name, (dtype, shape) in layout.arrays().items():
        end = begin + dtype.itemsize * math.prod(shape)
        entries[name] = {"dtype": NAMES[dtype.name], "shape": shape, "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _layout(data: mmap.mmap, path: Path) -> tuple[Layout, int]:
    """The layout that a file must have by its vocabulary and its `sizes`, and where the arrays begin."""
    length = int.from_bytes(data[:8], "little")
    if not 0 < length <= MOST_HEADER_BYTES:
        raise ValueError(f"its header is {length:,} bytes long")
    entries = json.loads(data[8 : 8 + length])
    vocab, order = int(entries["__metadata__"]["vocab"]), entries["sizes"]["shape"][0]
    if not (1 <= vocab <= 1 << 31 and isinstance(order, int) and 1 <= order <= MOST_ORDERS):
        raise ValueError(f"{vocab} tokens and {order} orders")
    sizes = np.frombuffer(data, np.int64, order, 8 + length)
    if sizes.min() < 0 or sizes.max() >= 1 << 32 or sizes[0] > vocab:
        raise ValueError("it has impossible numbers of n-grams")
    return Layout(vocab, tuple(sizes.tolist())), 8 + length


def map_arrays(path: Path) -> tuple[Layout, dict[str, np.ndarray]]:
    """Maps a file that `save_counts` wrote.

    Raises:
        RunError: it is missing, or its size or header are not those of counts.
    """
    if not path.is_file():
        raise RunError(f"{path} is missing: without its counts the run predicts with the network alone")
    try:
        with open(path, "rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        layout, begin = _layout(data, path)
        if data[:begin] != header(layout) or not layout.sizes[0]:
            raise ValueError("its header does not fit its content")
        arrays = {}
        for name, (dtype, shape) in layout.arrays().items():
            arrays[name] = np.frombuffer(data, dtype, math.prod(shape), begin).reshape(shape)
            begin += arrays[name].nbytes
        if begin != len(data):
            raise ValueError(f"it has {len(data):,} bytes instead of {begin:,}")
    except (OSError, ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError) as error:
        raise RunError(f"{path} is damaged: {error}; restore it from a copy or train again") from None
    return layout, arrays
