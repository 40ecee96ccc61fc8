"""Words as tokens; what is not in the vocabulary is spelled in characters, so that nothing is lost.

A token is a word or another single character, with the blank before it if there is one, or a run of one kind of white
space. The blank belongs to the word because a blank token of its own makes text about 1.6 times as long in tokens, so
that training is that much slower and sees that much less of what came before.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

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
from textrnn.text.words import HAN_CHAR, LOSSLESS, SEGMENTERS, split_words

MAX_WORD_CHARS = 64  # longer ones (links, encoded data) are not counted but spelled
MAX_COUNTED_WORDS = 4_000_000  # bounds memory; far above the largest vocabulary


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
    def build(
        cls, pieces: Iterable[str], vocab_size: int, min_count: int, segmenter: str | None = None
    ) -> WordTokenizer:
        """Take all characters (the most frequent ones if there is no room for all), then frequent words.

        Without a `segmenter`, Chinese is cut by rjieba where it is installed.
        """
        segmenter = segmenter or ("rjieba" if importlib.util.find_spec("rjieba") else "character")
        characters, words = CharCounter(), Counter[str]()
        for piece in map(replace_surrogates, pieces):
            characters.add(piece)
            words.update([word for word in split_words(piece, LOSSLESS, segmenter) if 1 < len(word) <= MAX_WORD_CHARS])
            _forget_rare(words)
        room, counts = vocab_size - NUM_RESERVED, characters.counts()
        tokens = ranked(counts.items())[:room]
        tokens += ranked((word, n) for word, n in words.items() if n >= min_count)[: room - len(tokens)]
        has_han = any(map(HAN_CHAR.match, counts))
        return cls(tokens, segmenter if has_han else "character")

    def with_tokens(self, tokens: Iterable[str]) -> WordTokenizer:
        """See `StringTokenizer.with_tokens`."""
        return WordTokenizer([*self.tokens, *tokens], self.segmenter)

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
        for token in split_words(text, LOSSLESS, self.segmenter):
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
