"""What a translator never saw of the texts that it is asked for: its translation of that is a guess."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path

from textrnn.base.errors import RunError
from textrnn.text.tokens.base import UNKNOWN_ID
from textrnn.text.words import NO_BLANKS
from textrnn.translator.store import read_pairs_file
from textrnn.translator.tokens import Side

_PART = re.compile(rf"[{NO_BLANKS}]|[^\W_{NO_BLANKS}]+")  # a word, or a character where no blanks are written


def words_learnt(path: Path) -> Collection[str] | None:
    """All words of the sources that a run learnt from, in lower case; None where it does not keep them.

    Args:
        path: of its file of pairs.
    """
    try:
        sources = read_pairs_file(path)["train"].sources
    except RunError:
        return None
    return set(_PART.findall("\n".join(sources).casefold()))


def unseen(text: str, side: Side, learnt: Callable[[], Collection[str] | None]) -> tuple[str, ...]:
    """The characters, tokens or words of a text that a translator never saw, each once.

    Args:
        text: in one line.
        side: the tokens of the sources.
        learnt: gives all words that were learnt from, in lower case; None if nobody knows them.

    Example:
        >>> from textrnn.translator.tokens import BlankTokenizer
        >>> unseen("K AE1 X", Side(BlankTokenizer(["K", "AE1"])), lambda: None)
        ('X',)
    """
    if side.level == "char":
        return tuple(side.tokenizer.unknown_characters(text))
    if side.level == "token":
        found = zip(text.split(), side.encode(text).tolist(), strict=True)
        return tuple(dict.fromkeys(token for token, number in found if number == UNKNOWN_ID))
    words, known = dict.fromkeys(_PART.findall(text)), learnt()
    if known is not None:
        return tuple(word for word in words if word.casefold() not in known)
    if side.level == "word":  # unknown words are spelled, and so are rare ones
        return tuple(word for word in words if len(side.encode(word)) > len(word) > 1)
    return ()
