"""Texts as ids for a classifier: words or characters; what is rare is unknown, and nothing is put together again.

Unlike the tokenizers of language models it gives up blanks and case, which tell little about the class of a text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from textrnn.errors import TokenizerError
from textrnn.text.ngrams import SCRIPTS, SPACED, UNSPACED, fold, script_of, split_tokens
from textrnn.text.token_base import NUM_RESERVED, UNKNOWN_ID, Ids, check_keys, check_tokens, damaged, ranked

LEVELS = ("word", "char")


class Vocabulary:
    """The tokens that a classifier knows.

    Args:
        tokens: without the reserved ids, distinct.
        level: `word` or `char`.
        script: how words are told apart, see `ngrams.script_of`.

    Example:
        >>> vocabulary = Vocabulary(["good", "tea"], "word")
        >>> vocabulary.encode("Good green tea").tolist()
        [2, 1, 3]
    """

    def __init__(self, tokens: list[str], level: str, script: str = SPACED) -> None:
        self.tokens, self.level, self.script = tokens, level, script
        self._ids = {token: number for number, token in enumerate(tokens, NUM_RESERVED)}

    @property
    def vocab_size(self) -> int:
        """Number of tokens, the two reserved ones included."""
        return len(self.tokens) + NUM_RESERVED

    def split(self, text: str) -> list[str]:
        """The tokens of a text, known or not."""
        return split_text(text, self.level, self.script)

    def encode(self, text: str) -> Ids:
        """The ids of a text, int32[steps]; a text without tokens is one unknown token."""
        known = self._ids
        ids = [known.get(token, UNKNOWN_ID) for token in self.split(text)]
        return np.array(ids or [UNKNOWN_ID], np.int32)

    def to_json(self) -> dict[str, Any]:
        """For the run's tokenizer.json."""
        return {"level": self.level, "script": self.script, "tokens": self.tokens}

    @classmethod
    def from_json(cls, values: Any) -> Vocabulary:
        """The inverse of `to_json`; raises TokenizerError."""
        check_keys(values, {"level", "script", "tokens"})
        if values["level"] not in LEVELS or values["script"] not in SCRIPTS:
            raise damaged(f"its level is {values['level']!r:.60} and its script {values['script']!r:.60}")
        return cls(check_tokens(values["tokens"]), values["level"], values["script"])


def split_text(text: str, level: str, script: str) -> list[str]:
    """A text as words, or as characters with runs of white space as one blank.

    Example:
        >>> split_text("Don't  GO!", "word", "spaced"), split_text("好  茶", "char", "unspaced")
        (['do', "n't", 'go', '!'], ['好', ' ', '茶'])
    """
    folded = fold(text)
    if level == "char":
        return list(" ".join(folded.split()))
    return split_tokens(folded, script)


def build_vocabulary(
    texts: Iterable[str], *, level: str | None = None, max_size: int = 30_000, min_count: int = 2
) -> Vocabulary:
    """Makes the vocabulary of some texts.

    Args:
        texts: those to learn from.
        level: `word` or `char`; None for what suits their script: words where blanks separate them, else characters.
        max_size: largest number of tokens, the reserved ones included.
        min_count: in fewer texts than this, a token stays unknown.

    Raises:
        TokenizerError: no token is frequent enough.
    """
    texts = list(texts)
    script = script_of(texts)
    level = level or ("char" if script == UNSPACED else "word")
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(split_text(text, level, script)))
    tokens = ranked((token, count) for token, count in counts.items() if count >= min_count)
    if not tokens:
        raise TokenizerError(f"no {level} is in {min_count} texts: there is nothing to learn from so few")
    return Vocabulary(tokens[: max_size - NUM_RESERVED], level, script)
