"""What bytes look like that are no UTF-8: which encodings of East Asia, and which of one byte a letter."""

from __future__ import annotations

import codecs
import re
from collections import Counter

_PAIRS = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]")  # characters of two bytes, in any encoding of East Asia
_SHIFT_JIS_KANA = re.compile(rb"\x82[\x9f-\xf1]|\x83[\x40-\x96]")
_BIG5_ALONE = re.compile(rb"[\xa1-\xa7][\x40-\x7e]|[\xaa-\xaf][\xa1-\xfe]")  # GB18030 has no character there
_SELDOM = re.compile(rb"[\xd8-\xf7][\xa1-\xfe]|[\x81-\xfe][\x40-\x7e]")  # in GB18030: ideographs that are rare
_IDEOGRAPH = re.compile(rb"[\x81-\x9f\xaa-\xf7][\x40-\x7e\x80-\xfe]|\xa0[\x40-\x7e\xa1-\xfe]")
_WORDS = re.compile(rb"(?<![A-Za-z\x80-\xff])[\xc0-\xff]{4,}(?![A-Za-z\x80-\xff])")
_IN_WORD = re.compile(rb"(?<=[A-Za-z])[\x81-\xfe][\x80-\xfe](?=[A-Za-z])")
EAST_ASIAN = {"cp949": "EUC-KR", "cp950": "Big5", "cp932": "Shift-JIS", "euc_jp": "EUC-JP"}
FEWEST_PAIRS, KANA_SHARE, BIG5_SHARE, HANGUL_SHARE = 8, 0.15, 0.03, 0.95
FEWEST_DIFFERENT = 12  # a few ideographs may all be in rows of Hangul, as those of a few labels often are

# Of alphabets that have letters beyond ASCII alone, a byte for each.
ONE_BYTE = {
    "cp1251": "Cyrillic",
    "koi8_r": "Cyrillic",
    "koi8_u": "Cyrillic",
    "cp866": "Cyrillic",
    "iso8859_5": "Cyrillic",
    "mac_cyrillic": "Cyrillic",
    "cp1253": "Greek",
    "cp1255": "Hebrew",
    "cp1256": "Arabic",
    "iso8859_6": "Arabic",
    "cp874": "Thai",
}
_OTHERS = {"gb18030": "Chinese", "cp1250": "Central European", "cp1254": "Turkish", "cp1252": "Western"}

# Letters that are frequent together in what is read as cp1252 though it is in another encoding, and in no language of
# cp1252: Czech, Slovene and Croatian, Hungarian, Romanian; within words Polish, Slovak and Romanian; Turkish.
# Of each, letters that are frequent together, and those beside which they are names from abroad in a western text.
_CENTRAL = (
    (frozenset("ìø"), frozenset("åäæ")),
    (frozenset("èž"), frozenset("àêòùûïâåøç")),
    (frozenset("æèž"), frozenset("åø")),
    (frozenset("õöá"), frozenset("ãçäàê")),
    (frozenset("ãþ"), frozenset("ç")),
)
_CENTRAL_IN_WORD = re.compile("([a-z\xdf-\xff])([\xb3\xb9\xba\xbe\xbf])(?=[a-z\xdf-\xff])")
_BESIDE_SIGNS = frozenset("êæœñþãèž")  # of which some are frequent where such signs stand for letters
_TURKISH, _ICELANDIC = frozenset("ýþ"), frozenset("áæí")
FREQUENT_LETTER, FEWEST_LETTERS = 0.02, 2  # of the letters beyond ASCII, and how many at least


def is_plausible_gb18030(sample: bytes) -> bool:
    """Whether at most half of the different pairs look like letters of other alphabets.

    Small letters in Windows-1252, Greek and Cyrillic, two of them or one before a plain letter, would be rare
    ideographs; and capital ones a single ideograph within a Latin word, which stands in few texts of Chinese.

    Example:
        >>> is_plausible_gb18030("iPhone和iPad都好".encode("gb18030"))
        True
        >>> is_plausible_gb18030("Solicitação, SITUAÇÃO, Größe".encode("cp1252"))
        False
    """
    pairs = set[bytes](_PAIRS.findall(sample))
    in_words = pairs.intersection(_IN_WORD.findall(sample))
    if not any(_IDEOGRAPH.fullmatch(pair) for pair in pairs):  # signs alone, such as two blanks that break no line
        return False
    return 2 * sum(pair in in_words or bool(_SELDOM.fullmatch(pair)) for pair in pairs) <= len(pairs)


def has_few_pairs(sample: bytes) -> bool:
    """Whether the different characters of two bytes are too few to tell which encoding of East Asia they are in."""
    return len(set(_PAIRS.findall(sample))) < FEWEST_DIFFERENT


def east_asian_codec(sample: bytes) -> str | None:
    """The codec of Japanese, Korean or traditional Chinese that a sample looks like, though GB18030 may decode it.

    Characters of two bytes tell: kana are a good part of what is Japanese, and stand in other rows in Shift-JIS and in
    EUC-JP; many different characters are in rows of Hangul, and hardly one beyond, in Korean alone; many ideographs of
    Big5 lie where GB18030 has nothing. Windows-1252 has such pairs only by chance, and hardly any of two bytes beyond
    ASCII.

    Args:
        sample: bytes of a file, from the first one that is no UTF-8.

    Example:
        >>> east_asian_codec("この映画は楽しい".encode("shift_jis"))
        'cp932'
        >>> east_asian_codec("这部电影很好看".encode("gb18030"))
    """
    pairs: list[bytes] = _PAIRS.findall(sample)
    if len(pairs) < FEWEST_PAIRS:
        return None
    if sum(bool(_SHIFT_JIS_KANA.fullmatch(pair)) for pair in pairs) >= KANA_SHARE * len(pairs):
        return "cp932"
    if 3 * sum(pair[1] >= 0xA1 for pair in pairs) < len(pairs):
        return None
    if sum(bool(_BIG5_ALONE.fullmatch(pair)) for pair in pairs) >= BIG5_SHARE * len(pairs):
        return "cp950"
    if sum(pair[0] in (0xA4, 0xA5) and pair[1] >= 0xA1 for pair in pairs) >= KANA_SHARE * len(pairs):
        return "euc_jp"
    ideographs = {pair for pair in pairs if b"\xb0" <= pair <= b"\xf7\xfe" and pair[1] >= 0xA1}
    hangul = sum(pair[0] <= 0xC8 for pair in ideographs)
    return "cp949" if len(ideographs) >= FEWEST_DIFFERENT and hangul >= HANGUL_SHARE * len(ideographs) else None


def one_byte_codec(sample: bytes) -> str | None:
    """The codec of Cyrillic, Greek, Hebrew, Arabic or Thai letters that a sample looks like, one of `ONE_BYTE`.

    Args:
        sample: bytes of a file, most of whose letters are beyond ASCII: accents among others are easily mistaken.

    Example:
        >>> one_byte_codec("Этот фильм мне очень понравился, советую всем".encode("koi8-r"))
        'koi8_r'
    """
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=list(ONE_BYTE)).best()
    return None if best is None else best.encoding


def words_beyond_ascii(sample: bytes) -> bytes:
    """The words without a letter of ASCII, if most of its letters beyond that are in such: none are western then.

    Example:
        >>> words_beyond_ascii("late again,отлично".encode("cp1251")).decode("cp1251")
        'отлично'
        >>> words_beyond_ascii("Größe, Çà et là".encode("cp1252"))
        b''
    """
    words = list[bytes](_WORDS.findall(sample))
    is_most = 2 * sum(map(len, words)) > sum(byte >= 0xC0 for byte in sample)
    return b" ".join(words) if is_most else b""


def likelier_than_cp1252(sample: bytes) -> str | None:
    """The encoding of Central Europe or Turkey whose letters a sample has, though cp1252 decodes it; None if neither.

    Example:
        >>> likelier_than_cp1252("Hotel był miły i ciepły.".encode("cp1250"))
        'cp1250'
        >>> likelier_than_cp1252("Ce film était très drôle, señor.".encode("cp1252"))
    """
    text = sample.decode("cp1252", "replace")
    counts = Counter(re.findall("[^\x00-\x7f\ufffd]", text.lower()))
    fewest = max(FEWEST_LETTERS, FREQUENT_LETTER * counts.total())
    letters = {letter for letter, number in counts.items() if number >= fewest}
    if letters >= _TURKISH and _ICELANDIC.isdisjoint(counts):
        return "cp1254"
    in_words = _CENTRAL_IN_WORD.findall(text)
    beside = _BESIDE_SIGNS & (set(letters) - set("ñ" if "¿" in text else ""))
    alone = {before for before, sign in in_words if sign != "¿"}  # letters before signs: of m³ the same
    are_meant = len(in_words) >= fewest and (len({sign for _, sign in in_words}) > 1 or bool(beside) or len(alone) > 1)
    is_french = "é" in letters and not letters & {"á", "í"}  # with names from abroad
    is_central = are_meant or any(
        letters >= own and others.isdisjoint(letters) and not (is_french and "ž" in own) for own, others in _CENTRAL
    )
    return "cp1250" if is_central else None


def guessed_name(codec: str) -> str:
    """What a person may know an encoding by that was found by its letters, or may be meant.

    Example:
        >>> guessed_name("cp1251"), guessed_name("cp932")
        ('cp1251 (Cyrillic)', 'cp932 (Shift-JIS)')
    """
    return f"{codec} ({(ONE_BYTE | EAST_ASIAN | _OTHERS)[codec]})"


def has_surrogates(sample: bytes) -> bool:
    """Whether what is no UTF-8 would be one with surrogates, as some databases and Java write emoji (CESU-8)."""
    try:
        codecs.getincrementaldecoder("utf-8")("surrogatepass").decode(sample)
    except UnicodeDecodeError:
        return False
    return True
