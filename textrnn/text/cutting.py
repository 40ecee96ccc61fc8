"""Cut long text into pieces that can be normalised and tokenised one by one with the result of the whole."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

TAIL_CHARS = 1 << 12  # how far back a good place is looked for, and how much longer than asked a piece may get

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
# Each pattern ends where a cut may be; the greedy `.*` makes that the last such place.  Best kind of place first.
_PLACES = (
    # Before white space: nothing composes with a blank, no word and no GPT-2 style token has one inside or at its end.
    re.compile(r".*\S(?=\s)", re.DOTALL),
    # Between a word and its punctuation.  Apostrophe, full stop and colon are left out because they may stand inside
    # a word and because lower-casing a final sigma looks through them.
    re.compile(
        rf".*(?:[{_HAN}](?=[\u3001-\u3003\u3008-\u3011\uff01\uff08\uff09\uff0c\uff1b\uff1f])"
        r'|[A-Za-z](?=[!"#$%&()*+,\-/;<=>?@\[\\\]_{|}~]))',
        re.DOTALL,
    ),
    # Before an ideograph: changes at most where Chinese words begin.
    re.compile(rf".*(?=[{_HAN}])", re.DOTALL),
)
_STEADY = frozenset(("Lu", "Ll", "Lt", "Lo", "Nl", "So"))


def cut_safely(text: str) -> int:
    """Find the best place near the end of a text to cut it in two.

    Tried in order, each only within the last 4,096 characters: before a run of white space; between a word and the
    punctuation after it; before a Chinese ideograph; between two letters neither of which composes with or changes
    the case of its neighbours. Normalising both parts gives the normalised whole at all four (but for the white
    space that `normalize_pieces` joins); at the first two the words and byte pairs of the whole are kept too.

    Args:
        text: what to cut; its last character only serves to look ahead.

    Returns:
        The length of the first part, from 1 to `len(text) - 1`, or 0 if there is no such place.

    Example:
        >>> cut_safely("to be, or not to be")
        16
        >>> cut_safely("12345678")
        0
    """
    begin = max(0, len(text) - TAIL_CHARS)
    for pattern in _PLACES:
        match = pattern.match(text, begin)
        if match and match.end() > begin:
            return match.end()
    for cut in range(len(text) - 1, begin, -1):
        if _is_steady(text[cut]) and _is_steady(text[cut - 1]):
            return cut
    return 0


def recut(chunks: Iterable[str], num_chars: int) -> Iterator[str]:
    """Cut a stream of text anew, at safe places, whatever its chunks were.

    Args:
        chunks: parts of one text, of any length.
        num_chars: length of a piece, at least 2; a piece is shorter if it must be to end at a safe place, and up to
            4,096 characters longer if there is none before. Only if there is none even then it is cut anywhere, but
            never within a CRLF line end.

    Yields:
        Pieces, none empty, that add up to the text. They depend on the text and `num_chars` alone.

    Example:
        >>> list(recut(["to b", "e, or not", " to be"], 9))
        ['to be, or', ' not to', ' be']
    """
    num_chars = max(2, num_chars)
    rest = ""
    for chunk in chunks:
        rest += chunk
        begin = 0
        while cut := _next_cut(rest, begin, num_chars):
            yield rest[begin : begin + cut]
            begin += cut
        rest = rest[begin:]
    if rest:
        yield rest


def _next_cut(text: str, begin: int, num_chars: int) -> int:
    """Length of the next piece of `text[begin:]`, or 0 if more text is needed to tell."""
    if len(text) - begin <= num_chars:
        return 0
    if cut := cut_safely(text[begin : begin + num_chars + 1]):
        return cut
    longest = num_chars + TAIL_CHARS
    if len(text) - begin <= longest:
        return 0
    window = text[begin : begin + longest + 1]
    return cut_safely(window) or longest - (window[-2:] == "\r\n")


def _is_steady(char: str) -> bool:
    """Whether a letter or symbol neither composes nor takes part in the rule for a sigma at the end of a word."""
    return (
        unicodedata.category(char) in _STEADY
        and unicodedata.is_normalized("NFKD", char)
        and char != "\u03a3"
        and not "\u1100" <= char <= "\u11ff"  # conjoining jamo compose although they are no marks,
        and not "\U00016d40" <= char <= "\U00016d7f"  # and so do vowel signs of Kirat Rai
    )
