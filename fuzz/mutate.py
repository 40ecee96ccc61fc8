"""Small changes of bytes, of JSON values and of arrays, drawn by a generator."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 255, 2**31, 2**63, 10**30, -0.5, 0.5, 1e308, float("nan"), float("inf")),
    *("", "x", "1", "\x1b[31m", "\u202e", "\ud800", "a" * 300, [], {}, [[]], {"": None}, [1, 2], ["a", "a"], [None]),
)
ODD_BYTES = (
    *(b"", b"\0", b"\n", b"\r", b"\t", b",", b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b"<", b">", b"&#x0;", b"&a;"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x80", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\xc2\x85", b"\x1b[2J"),
    *(b"1e999", b"-", b"NaN", b"9" * 400, b"\t" * 50, b"," * 50, b"[" * 2000, b'{"a":' * 1500, b"<a>" * 500, b"||"),
)
DTYPES = ("float32", "float64", "float16", "int8", "uint8", "int32", "int64", "uint64", "bool")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values within a JSON value, that of itself excluded."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def edited_value(value: Any, rng: random.Random) -> Any:
    """A JSON value in which one value is another one, is gone, is there twice or has another name."""
    value = copy.deepcopy(value)
    found = list(places(value))
    if not found:
        return rng.choice(ODD_VALUES)
    *way, key = rng.choice(found)
    parent = value
    for step in way:
        parent = parent[step]
    how = rng.randrange(6)
    if how == 0:
        del parent[key]
    elif how == 1 and isinstance(parent, dict):
        parent[str(rng.choice(ODD_VALUES))] = parent.pop(key)
    elif how == 2 and isinstance(parent, list):
        parent.insert(key, copy.deepcopy(rng.choice(parent)))
    elif how == 3 and isinstance(parent[key], int | float):
        parent[key] = type(parent[key])(parent[key] * rng.choice((0, -1, 2, 0.5, 1000)) + rng.choice((-1, 0, 1)))
    else:
        parent[key] = copy.deepcopy(rng.choice(ODD_VALUES))
    return value


def edited_bytes(data: bytes, rng: random.Random) -> bytes:
    """Bytes with a few changes: some are others, gone, there twice, elsewhere, or cut off."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        begin = rng.randrange(len(data) + 1)
        end = min(len(data), begin + rng.choice((0, 1, 2, 8, 100)))
        how = rng.randrange(5)
        if how == 0:
            put = bytes(rng.randrange(256) for _ in range(end - begin))
        elif how == 1:
            put = data[begin:end] * rng.choice((2, 3, 20))
        elif how == 2:
            there = rng.randrange(len(data) + 1)
            put = data[there : there + 40]
        else:
            put = rng.choice(ODD_BYTES)
        data = data[:begin] + put + data[end:]
        if rng.random() < 0.1:
            data = data[: rng.randrange(len(data) + 1)]
    return data


def edited_arrays(arrays: dict[str, np.ndarray], rng: random.Random) -> dict[str, np.ndarray]:
    """Named arrays of which one has other values, another shape, type or name, or is gone."""
    arrays = dict(arrays)
    name = rng.choice(sorted(arrays)) if arrays else ""
    if not name:
        return {"x": np.zeros(3, np.float32)}
    array, how = arrays.pop(name), rng.randrange(6)
    if how == 0:
        arrays[rng.choice(["x", name + "x", ""])] = array
    elif how == 1:
        with np.errstate(all="ignore"):
            arrays[name] = array.astype(rng.choice(DTYPES))
    elif how == 2:
        shapes = (array.shape[1:], (1, *array.shape), array.shape[::-1], (array.size,), (0, *array.shape[1:]))
        arrays[name] = np.resize(array, rng.choice(shapes))
    elif how in (3, 4):
        changed = np.array(array)
        flat = changed.reshape(-1)
        if array.size:
            odd = (0, 1, 127) if array.dtype.kind in "biu" else (0, 1, -1, 1e30, np.inf, np.nan)
            some = slice(None) if rng.random() < 0.2 else rng.randrange(array.size)
            with np.errstate(all="ignore"):
                flat[some] = np.asarray(rng.choice(odd)).astype(array.dtype)
        arrays[name] = changed
    return arrays
