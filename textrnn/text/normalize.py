"""The fixed preprocessing of text. It is stored with a model, so that what it is asked later is treated alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal, cast

from textrnn.text.encodings import REPLACEMENT
from textrnn.text.options import NormalizeConfig

_SURROGATES = re.compile("[\ud800-\udfff]")
_DIGITS = re.compile(r"\d+")  # exactly the Unicode category Nd
# All runs that are not yet one blank or one line end; single blanks, the most of them, do not match.
_UNCOLLAPSED = re.compile(r"\s{2,}|[^\S \n]")
_LINE_ENDS = ("\n", "\x85", "\u2028", "\u2029")

_Form = Literal["NFC", "NFD", "NFKC", "NFKD"]


def normalize(text: str, config: NormalizeConfig) -> str:
    """Bring text to the form that a model is trained on.

    In this order: lone surrogates become U+FFFD; CRLF and CR become LF; the Unicode form; lower case; digits (category
    Nd) left out; each run of white space becomes one line end if it has one, else one blank. Doing it twice changes
    nothing.

    Args:
        text: any string.
        config: which of the steps to take.

    Returns:
        The normalised text.

    Example:
        >>> normalize("Cafe\\u0301\\r\\n  No. 5", NormalizeConfig(lowercase=True, collapse_whitespace=True))
        'café\\nno. 5'
    """
    text = _before_collapse(text, config)
    return _collapse(text) if config.collapse_whitespace else text


def normalize_pieces(chunks: Iterable[str], config: NormalizeConfig) -> Iterator[str]:
    """Normalise a text given in pieces.

    Args:
        chunks: pieces cut at safe places, as by `reader.pieces` or `cutting.recut`.
        config: see `normalize`.

    Yields:
        Pieces, none empty, that add up to the normalised whole text. (Not so where `recut` had to cut anywhere, after
        4,096 characters without a safe place, if a combining mark, or a digit or sigma beside it, stands just there.)

    Example:
        >>> list(normalize_pieces(["one ", " two"], NormalizeConfig(collapse_whitespace=True)))
        ['one', ' two']
    """
    if not config.collapse_whitespace:
        yield from filter(None, (_before_collapse(chunk, config) for chunk in chunks))
        return
    held = ""  # white space at the end of a piece, which may go on in the next, above all where digits are left out
    for chunk in chunks:
        text = _collapse(held + _before_collapse(chunk, config))
        body = text.rstrip()
        held = text[len(body) :]
        if body:
            yield body
    if held:
        yield held


def replace_surrogates(text: str) -> str:
    """Put U+FFFD in place of lone surrogates, which no encoding can write.

    Example:
        >>> replace_surrogates("a\\ud800b") == "a\\ufffdb"
        True
    """
    try:
        text.encode()  # several times as fast as the search
    except UnicodeEncodeError:
        return _SURROGATES.sub(REPLACEMENT, text)
    return text


def _before_collapse(text: str, config: NormalizeConfig) -> str:
    if not text.isascii():
        text = replace_surrogates(text)
    if "\r" in text and config.unicode != "raw":
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _to_form(text, config.unicode)
    if config.lowercase:
        text = _to_form(text.lower(), config.unicode)  # lower case may decompose, as that of a dotted capital I
    if config.remove_digits:
        text = _to_form(_DIGITS.sub("", text), config.unicode)  # a mark may now follow a letter
    return text


def _to_form(text: str, form: str) -> str:
    if form in ("none", "raw") or text.isascii():
        return text
    return unicodedata.normalize(cast(_Form, form), text)


def _collapse(text: str) -> str:
    return _UNCOLLAPSED.sub(_one_of, text)


def _one_of(run: re.Match[str]) -> str:
    return "\n" if any(end in run[0] for end in _LINE_ENDS) else " "
