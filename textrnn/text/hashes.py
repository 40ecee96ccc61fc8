"""Pieces of text of one length as numbers: equal for equal pieces, and else as good as never."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2**64
_INVERSE = np.uint64(pow(int(_FACTOR), -1, 1 << 64))
_TABLE = np.random.default_rng(0).integers(1, 2**63, 1 << 16, dtype=np.uint64)  # a number for each half of a character
POINT_BITS = np.uint64(21)  # those of a code point
POINT = np.uint64((1 << 21) - 1)

Text = Callable[[], Iterable[str]]


def code_points(text: str) -> np.ndarray:
    """The code points of a text, uint32[chars]."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def values(points: np.ndarray) -> np.ndarray:
    """What stands for characters in a hash, uint64[any]."""
    found: np.ndarray = _TABLE[points & 0xFFFF] ^ (points >> 16).astype(np.uint64) * _FACTOR
    return found


def powers(length: int) -> np.ndarray:
    """The factor of each place of a piece, uint64[length]: the hash is the sum of its values times these."""
    return np.cumprod(np.append(np.uint64(1), np.full(length - 1, _FACTOR)))


def hashes(points: np.ndarray, length: int) -> np.ndarray:
    """A number for each piece of a length, uint64[pieces].

    Reference:
        Karp and Rabin, 1987, Efficient randomized pattern-matching algorithms.
    """
    if len(points) < length:
        return np.zeros(0, np.uint64)
    with np.errstate(over="ignore"):
        factors, inverse = (np.cumprod(np.full(len(points), factor)) for factor in (_FACTOR, _INVERSE))
        sums = np.concatenate([[np.uint64(0)], np.cumsum(values(points) * factors, dtype=np.uint64)])
        found: np.ndarray = (sums[length:] - sums[:-length]) * inverse[: len(points) - length + 1]
    return found


def overlapping(text: Iterable[str], length: int) -> Iterator[np.ndarray]:
    """The code points of a text in parts, each with the end of the one before, so that all pieces are in one."""
    before = code_points("")
    for part in text:
        whole = np.concatenate([before, code_points(part)])
        before = whole[max(0, len(whole) - length + 1) :]
        yield whole


class Followers:
    """Which characters follow each piece of a length in a text.

    It keeps 43 bits of a piece's hash and the character, 8 bytes for each pair that is different, and takes twice as
    much while it is made. It never misses a character. It gives one that is not there where two pieces have the same
    hash: of n pairs, in n / 2**43 of the look-ups, one in 400,000 with 20 million.

    Args:
        text: gives the text in parts, each time from its beginning.
        length: characters of a piece, at least 1.

    Example:
        >>> after = Followers(lambda: ["abra", "cadabra"], 2)
        >>> which, found = after.after(hashes(code_points("abxrac"), 2))  # of ab, bx, xr, ra and ac
        >>> which.tolist(), bytes(found.tolist()).decode()
        ([0, 3, 4], 'rca')
    """

    def __init__(self, text: Text, length: int) -> None:
        parts = [np.full(1, 2**64 - 1, np.uint64)]  # of no character: so there is a last key
        for part in overlapping(text(), length + 1):
            parts.append(np.unique(_keys(hashes(part, length)[: len(part) - length], part[length:])))
        keys = np.concatenate(parts)
        parts.clear()
        keys.sort()
        self._keys = keys[np.append(True, keys[1:] != keys[:-1])]

    def after(self, pieces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The characters that follow pieces, piece by piece.

        Args:
            pieces: uint64[pieces], their hashes.

        Returns:
            int64[found], the places of pieces among those given, rising, and uint64[found], a code point each.
        """
        lowest = pieces & ~POINT
        begin = self._keys.searchsorted(lowest)
        known = (self._keys[begin] - lowest <= POINT).nonzero()[0]
        if not len(known):  # most times
            return known, lowest[:0]
        num = np.zeros(len(pieces), np.int64)
        num[known] = np.searchsorted(self._keys, lowest[known] | POINT, "right") - begin[known]
        which = np.repeat(np.arange(len(pieces)), num)
        places = np.arange(len(which)) + np.repeat(begin + num - np.cumsum(num), num)
        return which, self._keys[places] & POINT

    def has(self, pieces: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Whether a character follows a piece: uint64[any], int[any] -> bool[any]."""
        keys = _keys(pieces, points)
        there: np.ndarray = self._keys[self._keys.searchsorted(keys)] == keys
        return there


def _keys(pieces: np.ndarray, points: np.ndarray) -> np.ndarray:
    keys: np.ndarray = (pieces & ~POINT) | points.astype(np.uint64)
    return keys
