"""N-grams of words and of characters as 64-bit keys, in NumPy alone.

All texts of a call become one stream of characters, in which tokens stand between single blanks and texts between line
ends. An n-gram is hashed by a polynomial of the scrambled codes of its characters, all of one length at once. Nothing
is salted: a key is the same in each process and on each machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textrnn.text.words import split_texts

WORDS, CHARS, HEADS = "words", "chars", "heads"
UNITS = (WORDS, CHARS, HEADS)  # the place of a unit is in the two highest bits of its keys
KEY_BITS = 62

Keys = NDArray[np.uint64]
Positions = NDArray[np.int64]


_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_NAME, _LINK = np.uint64(0x6E616D65), np.uint64(0x6C696E6B)  # what @names and links count as beside other words
_BLANK, _LINE_END = 0x20, 0x0A
_HEAD_WORDS = 4


@dataclass(frozen=True)
class NgramKind:
    """Which n-grams of a text.

    Args:
        unit: "words" (tokens, and a mark at both ends of the text), "chars" (characters, over token borders too, each
            run of white space being one blank) or "heads" (what is asked is said at the beginning: the first words
            with their place, and each further word together with the first one and the first two; sizes are not used).
        low: units in the shortest.
        high: units in the longest.
    """

    unit: str
    low: int = 1
    high: int = 1


@dataclass(frozen=True)
class Ngrams:
    """N-grams of some texts, once for each place where they occur.

    Attributes:
        keys: uint64[ngrams], the hash of each; the two highest bits tell the unit.
        rows: int64[ngrams], the number of its text.
    """

    keys: Keys
    rows: Positions


def ngrams(texts: Sequence[str], kinds: Sequence[NgramKind], script: str) -> list[Ngrams]:
    """Find all n-grams of some kinds.

    Args:
        texts: any strings; memory grows with all of their characters, so give some hundreds at a time.
        kinds: which n-grams.
        script: "spaced" or "unspaced", how to cut tokens; see `script_of`.

    Returns:
        For each kind its n-grams.

    Example:
        >>> found, = ngrams(["so good", "so"], [NgramKind("words", 1, 2)], "spaced")
        >>> len(found.keys), len(set(found.keys.tolist()))  # so, good, ^so, so good, good$; so, ^so, so$
        (8, 6)
        >>> found.rows.tolist()
        [0, 0, 1, 0, 0, 0, 1, 1]
    """
    codes = _stream(texts, script)
    scrambled = _scrambled(codes.astype(np.uint64))
    words = _Words.of(codes, scrambled)
    found = []
    for kind in kinds:
        parts = zip(*_FINDERS[kind.unit](codes, scrambled, words, kind), strict=True)
        keys, rows = np.concatenate(next(parts)), np.concatenate(next(parts))
        keys >>= np.uint64(64 - KEY_BITS)
        keys |= np.uint64(UNITS.index(kind.unit) << KEY_BITS)
        found.append(Ngrams(keys, rows))
    return found


def batches(texts: Sequence[str], num_chars: int = 1 << 15) -> Iterator[slice]:
    """Ranges of texts with so many characters in all, or one longer text: what `ngrams` does fastest, in the cache.

    Example:
        >>> [(batch.start, batch.stop) for batch in batches(["abc", "de", "f"], num_chars=4)]
        [(0, 1), (1, 3)]
    """
    begin = size = 0
    for row, text in enumerate(texts):
        if size and size + len(text) > num_chars:
            yield slice(begin, row)
            begin, size = row, 0
        size += len(text) + 1
    if begin < len(texts):
        yield slice(begin, len(texts))


def _stream(texts: Sequence[str], script: str) -> NDArray[np.uint32]:
    stream = " ".join(["\n", *split_texts(texts, script), "\n"])
    codes = np.frombuffer(stream.encode("utf-32-le"), np.uint32)
    wide = (codes >= 0xFF01) & (codes <= 0xFF5E)  # the full-width forms of ASCII
    return np.where(wide, codes - 0xFEE0, codes) if wide.any() else codes


def _scrambled(values: Keys) -> Keys:
    """The finaliser of splitmix64: from small numbers to ones without a pattern.

    Reference:
        Steele, Lea and Flood, 2014, Fast splittable pseudorandom number generators.
    """
    values = values + _FACTOR
    values ^= values >> np.uint64(30)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


def _salt(n: int) -> np.uint64:
    return np.uint64(n * 0xD6E8FEB86659FD93 % (1 << 64))  # type: ignore[no-any-return,unused-ignore]


def _rolled(values: Keys, low: int, high: int) -> Iterator[tuple[int, Keys]]:
    """Hashes of all runs of n values, low to high: sum of values[i + k] * FACTOR ** (n - 1 - k), salted by n."""
    hashes = np.zeros(len(values) + 1, np.uint64)
    for n in range(1, min(high, len(values)) + 1):
        hashes = hashes[:-1] * _FACTOR
        hashes += values[n - 1 :]
        if n >= low:
            yield n, hashes + _salt(n)


@dataclass(frozen=True)
class _Words:
    """The tokens of a stream, line ends among them.

    Attributes:
        hashes: uint64[tokens] of the characters of each; `kinds` is the same, but alike for all @names, all links and
            all line ends.
        is_mark: bool[tokens], the token is a line end.
        rows: int64[tokens], the text it is in; the mark before a text belongs to it.
        next_mark: int64[tokens], the first mark after it.
    """

    hashes: Keys
    kinds: Keys
    is_mark: NDArray[np.bool_]
    rows: Positions
    next_mark: Positions

    @classmethod
    def of(cls, codes: NDArray[np.uint32], scrambled: Keys) -> _Words:
        blanks = np.flatnonzero(codes == _BLANK)
        begins, ends = np.append(0, blanks + 1), np.append(blanks, len(codes))
        sizes = ends - begins
        offsets = np.arange(len(codes)) - np.repeat(begins, np.append(np.diff(begins), sizes[-1]))
        powers = np.full(int(sizes.max()) + 1, _FACTOR, np.uint64)
        powers[0] = 1
        products = scrambled * np.cumprod(powers)[offsets]
        products[blanks] = 0
        hashes = np.add.reduceat(products, begins)
        first, second, third = (codes[np.minimum(begins + k, len(codes) - 1)] for k in range(3))
        is_mark = first == _LINE_END
        kinds = hashes.copy()
        kinds[(first == ord("@")) & (sizes > 1)] = _NAME
        kinds[(first == ord("h")) & (second == ord("t")) & (third == ord("t")) & (sizes > 8)] = _LINK
        rows = np.cumsum(is_mark) - 1
        marks = np.append(np.flatnonzero(is_mark), len(begins))
        return cls(hashes, kinds, is_mark, rows, marks[rows + 1])


_Found = Iterator[tuple[Keys, Positions]]


def _word_ngrams(codes: NDArray[np.uint32], scrambled: Keys, words: _Words, kind: NgramKind) -> _Found:
    room = words.next_mark - np.arange(len(words.hashes)) + 1  # tokens up to the mark at the end, that one included
    room[words.is_mark & (room <= 2)] = 0  # two marks side by side: nothing between them
    for n, hashes in _rolled(words.kinds, kind.low, kind.high):
        at = np.flatnonzero(room[: len(hashes)] >= n) if n > 1 else np.flatnonzero(~words.is_mark)
        keys = (hashes if n > 1 else words.hashes + _salt(1))[at]
        yield keys, words.rows[at]


def _char_ngrams(codes: NDArray[np.uint32], scrambled: Keys, words: _Words, kind: NgramKind) -> _Found:
    is_end = codes == _LINE_END
    rows = np.cumsum(is_end) - 1
    line_ends = np.append(np.flatnonzero(is_end), len(codes))
    room = line_ends[rows + 1] - np.arange(len(codes))
    room[is_end] = 0
    is_blank = codes == _BLANK
    room[is_blank & (room <= 1)] = 0
    for n, hashes in _rolled(scrambled, kind.low, kind.high):
        at = np.flatnonzero(room[: len(hashes)] >= n) if n > 1 else np.flatnonzero((room > 0) & ~is_blank)
        yield hashes[at], rows[at]


def _head_ngrams(codes: NDArray[np.uint32], scrambled: Keys, words: _Words, kind: NgramKind) -> _Found:
    starts = np.flatnonzero(words.is_mark)
    place = np.arange(len(words.hashes)) - starts[words.rows]  # 1 for the first word of a text
    heads = words.hashes[np.minimum(starts + 1, len(words.hashes) - 1)][words.rows]
    pairs = heads * _FACTOR + words.hashes[np.minimum(starts + 2, len(words.hashes) - 1)][words.rows]
    is_word = ~words.is_mark
    for salt, at, context in (
        (1, np.flatnonzero(is_word & (place <= _HEAD_WORDS)), place.astype(np.uint64)),
        (2, np.flatnonzero(is_word & (place > 2)), heads),
        (3, np.flatnonzero(is_word & (place > 3)), pairs),
    ):
        keys = _scrambled(context[at] * _FACTOR + words.hashes[at]) + _salt(salt)
        yield keys, words.rows[at]


_FINDERS = {WORDS: _word_ngrams, CHARS: _char_ngrams, HEADS: _head_ngrams}
