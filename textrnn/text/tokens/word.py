"""Words as tokens; what is not in the vocabulary is spelled in characters, so that nothing is lost.

A token is a word or another single character, with the blank before it if there is one, or a run of one kind of white
space. The blank belongs to the word because a blank token of its own makes text about 1.6 times as long in tokens, so
that training is that much slower and sees that much less of what came before.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from textrnn.base.errors import TokenizerError
from textrnn.text.normalize import replace_surrogates
from textrnn.text.tokens.base import (
    NUM_RESERVED,
    UNKNOWN_ID,
    Ids,
    StringTokenizer,
    check_keys,
    check_tokens,
    damaged,
    ranked,
)
from textrnn.text.tokens.char import CharCounter

SEGMENTERS = ("rjieba", "character")
MAX_WORD_CHARS = 64  # longer ones (links, encoded data) are not counted but spelled
MAX_COUNTED_WORDS = 4_000_000  # bounds memory; far above the largest vocabulary

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003347f"
_HAN_CHAR = re.compile(f"[{_HAN}]")
_LAST_LETTER = 0x20000  # beyond, there are only ideographs and the marks that follow here
_VARIATION_SELECTORS = range(0xE0100, 0xE01F0)


class WordTokenizer(StringTokenizer):
    """Frequent words are tokens; so are all characters, which spell the other words.

    Args:
        tokens: the vocabulary without the reserved ids, distinct, characters among them.
        segmenter: "rjieba" cuts Chinese into words, "character" into characters.

    Example:
        >>> tokenizer = WordTokenizer([" ", "a", "b", "c", " cab"], "character")
        >>> tokenizer.encode("a cab bac").tolist()
        [3, 6, 2, 4, 3, 5]
    """

    level = "word"

    def __init__(self, tokens: list[str], segmenter: str) -> None:
        super().__init__(tokens)
        self.segmenter = segmenter

    @classmethod
    def build(cls, pieces: Iterable[str], vocab_size: int, min_count: int) -> WordTokenizer:
        """Take all characters (the most frequent ones if there is no room for all), then frequent words."""
        segmenter = "rjieba" if importlib.util.find_spec("rjieba") else "character"
        characters, words = CharCounter(), Counter[str]()
        for piece in map(replace_surrogates, pieces):
            characters.add(piece)
            words.update([word for word in split_words(piece, segmenter) if 1 < len(word) <= MAX_WORD_CHARS])
            _forget_rare(words)
        room, counts = vocab_size - NUM_RESERVED, characters.counts()
        tokens = ranked(counts.items())[:room]
        tokens += ranked((word, n) for word, n in words.items() if n >= min_count)[: room - len(tokens)]
        has_han = any(map(_HAN_CHAR.match, counts))
        return cls(tokens, segmenter if has_han else "character")

    @classmethod
    def from_json(cls, values: Any) -> WordTokenizer:
        """The inverse of `to_json`; raises TokenizerError. The segmenter need not be installed."""
        check_keys(values, {"level", "tokens", "segmenter"})
        if values["segmenter"] not in SEGMENTERS:
            raise damaged(f"the segmenter is {values['segmenter']!r:.60}, expected {' or '.join(SEGMENTERS)}")
        return cls(check_tokens(values["tokens"]), values["segmenter"])

    def encode(self, text: str) -> Ids:
        """See `Tokenizer.encode`.

        Raises:
            TokenizerError: the text has Chinese characters, and the segmenter it was trained with is not installed.
        """
        ids: list[int] = []
        known = self._ids
        for token in split_words(text, self.segmenter):
            if (token_id := known.get(token)) is not None:
                ids.append(token_id)
            else:
                ids += self._spell(token)
        return np.array(ids, np.int32)

    def _spell(self, token: str) -> Iterator[int]:
        """Ids of a token that has none: of the blank and the word after it, else of the characters."""
        if token[0] == " " and token[1:] in self._ids:
            parts: Iterable[str] = (" ", token[1:])
        else:
            parts = token
        return (self._ids.get(part, UNKNOWN_ID) for part in parts)

    def to_json(self) -> dict[str, Any]:
        """See `Tokenizer.to_json`."""
        return {"level": self.level, "segmenter": self.segmenter, "tokens": self.tokens}


def _forget_rare(words: Counter[str]) -> None:
    """Drop the rarest words when there are too many to count."""
    rare = 1
    while len(words) > MAX_COUNTED_WORDS:
        for word in [word for word, count in words.items() if count <= rare]:
            del words[word]
        rare += 1


def split_words(text: str, segmenter: str) -> list[str]:
    """Split text into words, other characters and white space.

    Args:
        text: any string.
        segmenter: what cuts Chinese, "rjieba" or "character".

    Returns:
        Tokens that add up to the text.

    Raises:
        TokenizerError: the segmenter is needed but not installed.

    Example:
        >>> split_words("Don't stop,  he said.", "character")
        ["Don't", ' stop', ',', ' ', ' he', ' said', '.']
        >>> split_words("你好。", "character")
        ['你', '好', '。']
    """
    if segmenter == "character" or not _HAN_CHAR.search(text):
        return _token_pattern("").findall(text)
    cut = _load_rjieba()
    tokens: list[str] = []
    for token in _token_pattern("+").findall(text):
        if len(token) > 1 and _HAN_CHAR.match(token):
            tokens += cut(token)
        else:
            tokens.append(token)
    return tokens


@functools.cache
def _token_pattern(han_repeat: str) -> re.Pattern[str]:
    """The pattern of a token, Chinese in single characters ("") or in runs ("+")."""
    near, far = _word_classes()
    # `re` tests the hundreds of ranges beyond U+FFFF one by one: only where a character is there at all.
    word = rf"(?:[{near}]+|[\U00010000-\U0010ffff](?<=[{far}]))+"
    return re.compile(
        rf" ?{word}(?:['’]{word})*"
        rf"|[{_HAN}]{han_repeat}"
        r"|\n{1,16}|\t{1,16}"
        r"| {1,16}(?!\S)"  # blanks before something that is not white space leave it the last one
        rf"| ?[^\s{_HAN}]"
        r"|\s"
    )


def _word_classes() -> tuple[str, str]:
    """Letters, marks and digits but ideographs up to U+FFFF and beyond, as ranges; `re` has no name for marks."""
    near: list[str] = []
    far: list[str] = []
    codes = (code for code in (*range(_LAST_LETTER), *_VARIATION_SELECTORS) if _is_in_word(chr(code)))
    for _, run in itertools.groupby(enumerate(codes), lambda item: item[1] - item[0]):
        members = [code for _, code in run]
        (near if members[0] <= 0xFFFF else far).append(f"{chr(members[0])}-{chr(members[-1])}")
    return "".join(near), "".join(far)


def _is_in_word(char: str) -> bool:
    return (char.isalnum() or unicodedata.category(char)[0] == "M") and not _HAN_CHAR.match(char)


@functools.cache
def _load_rjieba() -> Callable[[str], list[str]]:
    try:
        module = importlib.import_module("rjieba")
    except ImportError:
        raise TokenizerError(
            "this vocabulary cuts Chinese into words with rjieba, which is not installed: "
            "pip install 'textrnn[chinese]'"
        ) from None
    return functools.partial(_cut_losslessly, module.cut)


def _cut_losslessly(cut: Callable[[str, bool], list[str]], run: str) -> list[str]:
    words = cut(run, True)
    return words if "".join(words) == run else list(run)
