"""Scripts with and without blanks between words, and the tokens of their texts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from textrnn.text.normalize import replace_surrogates

SPACED, UNSPACED = "spaced", "unspaced"


SCRIPTS = (SPACED, UNSPACED)


SAMPLE_CHARS = 1 << 20  # of all texts, to tell their script


SAMPLE_CHARS_OF_TEXT = 1 << 10


# Letters of scripts without blanks between words: Thai, Lao, Burmese, Khmer, kana, Han.
NO_BLANKS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003347f"
)


_UNSPACED_LETTER = re.compile(f"[{NO_BLANKS}]")


_LETTER = re.compile(r"[^\W\d_]")


TOKENS = {
    SPACED: re.compile(
        r"\n"
        r"|[:;=]['o-]?[()\[\]dp/\\|*](?!\w)|<3"  # emoticons, in lower case
        r"|https?://\S+|www\.\S+"
        r"|[@#]\w+"
        r"|n't\b|'(?:s|m|d|ll|re|ve)\b"
        rf"|[^\W{NO_BLANKS}]+"
        r"|!+|\?+|\.+"
        r"|\S"
    ),
    UNSPACED: re.compile(r"\n|\S+"),
}


# Same lengths, so that places in the folded text are those in the text. The curly apostrophe is one like any other.
_FOLDED = (("\u2019", "'"), ("<br />", "      "), ("&amp;", "&    "))


def script_of(texts: Sequence[str]) -> str:
    """Tell whether texts are written with blanks between words ("spaced") or without ("unspaced", as Chinese is).

    Args:
        texts: the beginnings of the first ones are looked at, a million characters in all.

    Returns:
        "unspaced" if over half of the letters belong to such a script, else "spaced".

    Example:
        >>> script_of(["Good tea."]), script_of(["好茶，好价钱 OK"])
        ('spaced', 'unspaced')
    """
    sample, num_chars = [], 0
    for text in texts:
        sample.append(text[:SAMPLE_CHARS_OF_TEXT])
        num_chars += len(sample[-1])
        if num_chars >= SAMPLE_CHARS:
            break
    joined = "".join(sample)
    return UNSPACED if 2 * len(_UNSPACED_LETTER.findall(joined)) > len(_LETTER.findall(joined)) else SPACED


def fold(text: str) -> str:
    """Bring a text to the form that n-grams are taken of, character for character: lower case, plain apostrophes.

    Line breaks of HTML become blanks and its ampersands plain ones. The length does not change.

    Example:
        >>> fold("Don’t<br />PANIC")
        "don't      panic"
    """
    if not text.isascii():
        text = replace_surrogates(text)
    low = text.lower()
    if len(low) != len(text):  # the dotted capital I becomes two characters
        low = "".join(char.lower()[0] for char in text)
    for old, new in _FOLDED:
        if old in low:
            low = low.replace(old, new)
    return low


def split_tokens(text: str, script: str) -> list[str]:
    """The tokens of a text: words, "n't" and "'s", @names, #tags, links, emoticons, runs of ! ? and ., single others.

    Args:
        text: any string, tokenised already or not.
        script: "spaced" or "unspaced"; the last splits at white space only.

    Example:
        >>> split_tokens("I don't like @ann's tea... :-(", "spaced")
        ['i', 'do', "n't", 'like', '@ann', "'s", 'tea', '...', ':-(']
    """
    return TOKENS[script].findall(separated(fold(text)).replace("\n", " "))


def separated(folded: str) -> str:
    return folded.replace("n't", " n't") if "n't" in folded else folded
