"""Text to subwords by merges that are known: what a run needs of byte-level BPE where the library is not installed.

Reference: Sennrich et al. 2016, Neural machine translation of rare words with subword units; Radford et al. 2019,
Language models are unsupervised multitask learners, for the words that merges stay within, and for bytes.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

MOST_WORDS = 1 << 17  # whose ids are remembered
_WHITE = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_IS_WHITE = re.compile(f"[{_WHITE}]")
# Behind `_Kinds` all letters, numbers and white space are those of ASCII.
_WORD = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]+| ?[0-9]+| ?[^\t-\r A-Za-z0-9]+|[\t-\r ]+(?![^\t-\r ])|[\t-\r ]+")


class _Kinds(dict[int, str]):
    """For `str.translate`: a letter, number, blank or sign of ASCII for each other character of its kind."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        kind = unicodedata.category(char)[0]
        found = char if code < 128 else "a" if kind == "L" else "0" if kind == "N" else "."
        self[code] = "\t" if code >= 128 and _IS_WHITE.match(char) else found
        return self[code]


_KINDS = _Kinds()


def words(text: str) -> Iterator[str]:
    """The words of a text, which no token goes beyond: each with the blank before it; they add up to the text.

    Example:
        >>> list(words("It's 3 più  dolce!\\n\\nSì"))
        ['It', "'s", ' 3', ' più', ' ', ' dolce', '!', '\\n', '\\n', 'Sì']
    """
    return (text[found.start() : found.end()] for found in _WORD.finditer(text.translate(_KINDS)))


class Merges:
    """Encodes text.

    Args:
        numbers: of each token, which is written in the characters of bytes.
        merges: the pairs of tokens that become one, those that are merged first before the others.
        characters: those of the bytes from 0 to 255.

    Example:
        >>> numbers, merges = {"a": 0, "b": 1, "ab": 2, "aab": 3}, [("a", "b"), ("a", "ab")]
        >>> Merges(numbers, merges, "".join(map(chr, range(256)))).encode("aabab")
        [3, 2]
    """

    def __init__(self, numbers: Mapping[str, int], merges: Sequence[tuple[str, str]], characters: str) -> None:
        self._numbers, self._characters = numbers, characters
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._of_word = functools.lru_cache(MOST_WORDS)(self._merged)

    def encode(self, text: str) -> list[int]:
        """The numbers of the tokens of a text without lone surrogates."""
        return [number for word in words(text) for number in self._of_word(word)]

    def _merged(self, word: str) -> tuple[int, ...]:
        parts, last = [self._characters[byte] for byte in word.encode()], len(self._ranks)
        while len(parts) > 1:
            first = min(pairwise(parts), key=lambda pair: self._ranks.get(pair, last))
            if first not in self._ranks:
                break
            parts = list(_joined(parts, first))
        return tuple(self._numbers[part] for part in parts)


def _joined(parts: Sequence[str], pair: tuple[str, str]) -> Iterator[str]:
    """The parts, with each pair of these two as one."""
    place = 0
    while place < len(parts):
        is_pair = (parts[place], *parts[place + 1 : place + 2]) == pair
        yield "".join(pair) if is_pair else parts[place]
        place += 1 + is_pair
