"""Which encoding a file without a byte order mark is in, though a few of its bytes may be damaged.

It is the first of these that holds:

1. UTF-8, if there are at least four characters beyond ASCII for each place that does not decode;
2. Shift-JIS, EUC-JP, Big5 or EUC-KR, if it looks like that, and all of it is;
3. GB18030, if it looks like it, and there are a hundred such characters for each bad place;
4. UTF-8, if there is at least one such character for each bad place;
5. Windows-1252, if what comes of it is mostly text as western languages have it; or an encoding of Cyrillic, Greek,
   Hebrew, Arabic or Thai letters, if most such characters are in words without a letter of ASCII, and all of it is; or
   that of Central Europe or Turkey, if its letters are frequent, and all of it is;
6. UTF-8, if at most one character in a thousand is bad;
7. GB18030 with 20 such characters for each bad place, if most characters are beyond ASCII;
8. GB18030, if most characters are beyond ASCII, few of them are different, and all of it is;
9. an encoding of those letters, if most characters are beyond ASCII, it looks like one, and all of it is.

Of all but UTF-8 and GB18030, bytes of other encodings may pass for it: they are guesses, and to be said. So is GB18030
of a few different characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from textrnn.base.errors import DataError
from textrnn.text.encodings import BAD, decoding
from textrnn.text.recognise import (
    EAST_ASIAN,
    ONE_BYTE,
    east_asian_codec,
    guessed_name,
    has_few_pairs,
    has_surrogates,
    is_plausible_gb18030,
    likelier_than_cp1252,
    one_byte_codec,
    words_beyond_ascii,
)

UTF8, GB18030, WESTERN = "utf-8", "gb18030", "cp1252"
SAMPLE_BYTES = 1 << 16  # from the first ones that are no UTF-8, by which encodings are recognised
SURE_PER_BAD, GOOD_PER_BAD = 4, 1  # characters beyond ASCII for each bad place
GOOD_PER_BAD_GB18030, SOME_PER_BAD_GB18030 = 100, 20
CHARS_PER_BAD = 1000
MOST_BEYOND_ASCII = 0.4  # of a text in Windows-1252, blanks left out: in others, nearly all letters are

_WIDE = ("utf-16", "utf-32")
# Letters of western languages and what is printed beside them; other characters of Windows-1252 are seldom meant.
_WESTERN = re.compile(
    "[\xa0\xa1\xa3\xa7\xa9\xaa\xab\xad\xae\xb0\xb2\xb3\xb4\xb7\xba-\xcf\xd1-\xdd\xdf-\xef\xf1-\xfd"
    "\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u2013\u2014\u2018-\u201e\u2022\u2026\u20ac\u2122]"
)
D = TypeVar("D", bound="Decoded")


@dataclass(frozen=True)
class Decoded:
    """What decoding a file finds.

    Attributes:
        codec: name of the Python codec.
        num_chars: characters.
        num_good: those that speak for the encoding: beyond ASCII, or all if its characters have two bytes or four.
        num_bad: places that do not decode, `BAD` in the text.
        num_full: characters that are not blank; of Windows-1252 alone.
        num_western: characters beyond ASCII that western texts have; of Windows-1252 alone.
        others: codecs that it may well be in instead, though this one was found.
    """

    codec: str
    num_chars: int = 0
    num_good: int = 0
    num_bad: int = 0
    num_full: int = 0
    num_western: int = 0
    others: tuple[str, ...] = ()

    def counting(self: D, text: str) -> D:
        """The same with a further piece of text."""
        found = replace(self, num_chars=self.num_chars + len(text))
        if not text.isascii() or self.is_wide:
            bad = text.count(BAD)
            good = len(text) - bad - (0 if self.is_wide else len(text.encode("ascii", "ignore")))
            found = replace(found, num_good=self.num_good + good, num_bad=self.num_bad + bad)
        if self.codec == WESTERN:
            full, western = len("".join(text.split())), len(_WESTERN.findall(text))
            found = replace(found, num_full=self.num_full + full, num_western=self.num_western + western)
        return found

    @property
    def is_wide(self) -> bool:
        """Whether any bytes are characters, two or four of them, and a lost one moves all that follow."""
        return self.codec.startswith(_WIDE)

    @property
    def is_guess(self) -> bool:
        """Whether bytes of other encodings might pass for this one."""
        return self.codec in ONE_BYTE | EAST_ASIAN or self.codec == WESTERN or bool(self.others)

    @property
    def others_named(self) -> str:
        """The other codecs as examples behind a piece of advice; "" if there are none."""
        names = [guessed_name(codec) for codec in self.others]
        return f", such as {' or '.join(filter(None, (', '.join(names[:-1]), *names[-1:])))}" if names else ""

    @property
    def is_sound(self) -> bool:
        """Whether it is this encoding, if somebody says so: all of it is, or nearly all."""
        return self.num_bad == 0 or self.has_good(SURE_PER_BAD) or (self.has_few_bad and not self.is_wide)

    @property
    def has_few_bad(self) -> bool:
        """Whether at most one character in a thousand is bad."""
        return self.num_chars >= CHARS_PER_BAD * self.num_bad

    def has_good(self, per_bad: int) -> bool:
        """Whether there are so many good characters for each bad place."""
        return self.num_good >= per_bad * self.num_bad

    def is_western(self, num_bad: int) -> bool:
        """Whether a text in Windows-1252 is one of western languages, and most of the places that are no UTF-8 are.

        Args:
            num_bad: these places; all other characters beyond ASCII would be UTF-8 too, and speak for nothing.
        """
        num_western = self.num_western - (self.num_good + self.num_bad - num_bad)
        return 2 * num_western > num_bad and not self.is_beyond_ascii

    @property
    def is_beyond_ascii(self) -> bool:
        """Whether more characters of a text in Windows-1252 are beyond ASCII than western languages have."""
        return self.num_good + self.num_bad > MOST_BEYOND_ASCII * self.num_full


def likely_encoding(scan: Callable[[str], D], utf8: D, sample: bytes, offset: int, label: str) -> D | None:
    """The encoding of a file that is not all UTF-8; the module says how. None if it is in none.

    Args:
        scan: decodes all of the file by a codec.
        utf8: what that gives by UTF-8.
        sample: bytes from the first ones on that are no UTF-8.
        offset: where these are.
        label: what to call the file.

    Raises:
        DataError: it has surrogates.
    """
    if utf8.has_good(SURE_PER_BAD):
        return utf8
    if len(sample) > 2 and has_surrogates(sample):
        raise DataError(
            f"{label} is no proper UTF-8: a surrogate stands at offset {offset} (CESU-8); save it again as UTF-8"
        )
    if (found := _whole(scan, east_asian_codec(sample))) is not None:
        return found
    chinese = scan(GB18030) if is_plausible_gb18030(sample) else None
    if chinese is not None and chinese.has_good(GOOD_PER_BAD_GB18030):
        return _perhaps_others(chinese, sample)
    if utf8.has_good(GOOD_PER_BAD):
        return utf8
    western = scan(WESTERN)
    if western.is_western(utf8.num_bad):
        if (words := words_beyond_ascii(sample)) and (found := _whole(scan, one_byte_codec(words))) is not None:
            return found
        likelier = _whole(scan, likelier_than_cp1252(sample))
        return western if likelier is None else replace(likelier, others=(WESTERN,))
    if utf8.has_few_bad:
        return utf8
    if not western.is_beyond_ascii:
        return None
    if chinese is not None and chinese.has_good(SOME_PER_BAD_GB18030):
        return chinese
    if has_few_pairs(sample) and (found := _whole(scan, GB18030)) is not None:
        return _perhaps_others(found, sample)
    return _whole(scan, one_byte_codec(sample))


def _perhaps_others(chinese: D, sample: bytes) -> D:
    """GB18030, with the encodings that a few of its characters may be in instead."""
    return replace(chinese, others=decoding(EAST_ASIAN, sample)) if has_few_pairs(sample) else chinese


def _whole(scan: Callable[[str], D], codec: str | None) -> D | None:
    """What decoding by a codec gives, if nothing is bad."""
    found = None if codec is None else scan(codec)
    return None if found is None or found.num_bad else found
