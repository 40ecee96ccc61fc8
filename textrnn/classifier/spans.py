"""A text in the smallest pieces that a person would point to, and a text without some of them."""

from __future__ import annotations

import re
import unicodedata

from textrnn.text.words import NO_BLANKS, fold

Span = tuple[int, int]  # half-open places in a text

_LETTER = rf"[^\W{NO_BLANKS}]"
_PIECE = re.compile(
    r"https?://\S+|www\.\S+"
    rf"|[@#]?{_LETTER}+(?:['-]{_LETTER}+)*"
    rf"|[{NO_BLANKS}]"
    r"|[^\w\s]+"
)
_WORD_SIGN, _LONE_LETTER = re.compile(_LETTER), re.compile(f"[{NO_BLANKS}]")


def pieces(text: str) -> list[Span]:
    """The words of a text, characters where words are not separated by blanks, and runs of other signs.

    Args:
        text: any string.

    Returns:
        their places, in order; only white space, and what `fold` takes for it, is in none.

    Example:
        >>> text = "Don't<br />go!! 很好 :-)"
        >>> [text[begin:end] for begin, end in pieces(text)]
        ["Don't", 'go', '!!', '很', '好', ':-)']
    """
    found: list[Span] = []
    folded = fold(text)
    for match in _PIECE.finditer(folded):
        begin, end = match.span()
        if found and found[-1][1] == begin and _goes_on(folded[begin - 1], folded[begin]):
            begin = found.pop()[0]
        if text[end - 1 : end + 4].lower() == "&amp;":  # one character to `fold`: it goes as a whole
            end += 4
        found.append((begin, end))
    return found


def _goes_on(before: str, after: str) -> bool:
    """Whether two characters side by side are in one word: for `re`, vowel signs and other marks are no letters."""
    return _is_mark(after) or (_is_mark(before) and _WORD_SIGN.match(after) is not None)


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


def is_lone_letter(text: str, span: Span) -> bool:
    """Whether a piece is a character of a script that does not separate words."""
    return _LONE_LETTER.match(text, span[0]) is not None


def without(text: str, span: Span) -> str:
    """A text without a part of it; words that would then become one are kept apart by a blank.

    Example:
        >>> without("tea-room", (3, 4)), without("不好吃", (0, 1)), without("so good", (0, 2))
        ('tea room', '好吃', ' good')
    """
    before, after = text[: span[0]], text[span[1] :]
    are_words = before and after and _WORD_SIGN.match(before[-1]) and _WORD_SIGN.match(after[0])
    return f"{before}{' ' if are_words else ''}{after}"
