"""Words: the scripts of texts, and the one function that splits texts into words.

There are three rules. They serve different purposes, and saved runs depend on each:

rule        used by                                white space            case     "don't"       "..."      "很好"
LOSSLESS    language models, translators           kept, with its word    kept     don't         . . .      很 好
SPACED      classifiers, blanks between words      dropped                lower    do n't        ...        很 好
UNSPACED    classifiers, other scripts             dropped                lower    don't         ...        很好

Tokens of LOSSLESS add up to the text. SPACED keeps emoticons, links, @names and #tags whole, since they tell classes
apart. UNSPACED splits at white space alone: n-grams of characters do the rest.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import re
import unicodedata
from collections.abc import Callable, Sequence

from textrnn.base.errors import TokenizerError
from textrnn.base.install import pip_install
from textrnn.text.normalize import replace_surrogates

SPACED, UNSPACED, LOSSLESS = "spaced", "unspaced", "lossless"
SCRIPTS = (SPACED, UNSPACED)
SEGMENTERS = ("rjieba", "character")
SAMPLE_CHARS, SAMPLE_CHARS_OF_TEXT = 1 << 20, 1 << 10  # of all texts and of each, to tell their script

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003347f"
# Letters of scripts without blanks between words: Thai, Lao, Burmese, Khmer, kana, Han.
NO_BLANKS = f"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff{_HAN}"
HAN_CHAR = re.compile(f"[{_HAN}]")
_LAST_LETTER = 0x20000  # beyond, there are only ideographs and the marks that follow here
_VARIATION_SELECTORS = range(0xE0100, 0xE01F0)
_LETTER, _UNSPACED_LETTER = re.compile(r"[^\W\d_]"), re.compile(f"[{NO_BLANKS}]")
_FOLDED_WORDS = {
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
FOLDED = (("\u2019", "'"), ("<br />", "      "), ("&amp;", "&    "))


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
    for old, new in FOLDED:
        if old in low:
            low = low.replace(old, new)
    return low


def folded_words(rule: str) -> str:
    """The regular expression of all words of a folded text, by SPACED or UNSPACED."""
    return _FOLDED_WORDS[rule].pattern


def split_words(text: str, rule: str, segmenter: str = "character") -> list[str]:
    """Splits a text into words, other signs, and for LOSSLESS white space.

    Args:
        text: any string.
        rule: `LOSSLESS`, `SPACED` or `UNSPACED`.
        segmenter: what cuts Chinese when the rule is LOSSLESS, "rjieba" or "character".

    Raises:
        TokenizerError: the segmenter is needed but not installed.

    Example:
        >>> split_words("Don't stop,  he said.", LOSSLESS)
        ["Don't", ' stop', ',', ' ', ' he', ' said', '.']
        >>> split_words("I don't like @ann's tea... :-(", SPACED)
        ['i', 'do', "n't", 'like', '@ann', "'s", 'tea', '...', ':-(']
    """
    if rule != LOSSLESS:
        return split_texts([text], rule)
    if segmenter == "character" or not HAN_CHAR.search(text):
        return _lossless_words("").findall(text)
    cut = _load_rjieba()
    tokens: list[str] = []
    for token in _lossless_words("+").findall(text):
        if len(token) > 1 and HAN_CHAR.match(token):
            tokens += cut(token)
        else:
            tokens.append(token)
    return tokens


def split_texts(texts: Sequence[str], rule: str) -> list[str]:
    r"""Splits several texts by SPACED or UNSPACED; between two texts is the token "\n".

    Example:
        >>> split_texts(["So good", "No\nmore"], SPACED)
        ['so', 'good', '\n', 'no', 'more']
    """
    folded = "\n".join(fold(text).replace("\n", " ") for text in texts)
    return _FOLDED_WORDS[rule].findall(folded.replace("n't", " n't"))


@functools.cache
def _lossless_words(han_repeat: str) -> re.Pattern[str]:
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
    return (char.isalnum() or unicodedata.category(char)[0] == "M") and not HAN_CHAR.match(char)


@functools.cache
def _load_rjieba() -> Callable[[str], list[str]]:
    try:
        module = importlib.import_module("rjieba")
    except ImportError:
        raise TokenizerError(
            "this vocabulary cuts Chinese into words with rjieba, which is not installed: " + pip_install("chinese")
        ) from None
    return functools.partial(_cut_losslessly, module.cut)


def _cut_losslessly(cut: Callable[[str, bool], list[str]], run: str) -> list[str]:
    words = cut(run, True)
    return words if "".join(words) == run else list(run)
