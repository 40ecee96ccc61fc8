"""Which encoding a whole file is in, though a few of its bytes may be damaged: the file is read in blocks, not held.

A byte order mark decides, or `--encoding`. Else it is the first of these that holds:

1. UTF-8, if all of it is;
2. UTF-8 with damage, if it has at least four characters beyond ASCII for each place that does not decode;
3. Shift-JIS, EUC-JP, Big5 or EUC-KR, if it looks like that, and all of it is;
4. GB18030, if it looks like it, and all of it is, or it has a hundred such characters for each bad place;
5. UTF-8 with damage, if it has at least one such character for each bad place;
6. Windows-1252, if what comes of it is mostly text as western languages have it;
7. UTF-8 with damage, if at most one character in a thousand is bad;
8. an encoding of Cyrillic, Greek, Hebrew, Arabic or Thai letters, if it looks like one, and all of it is in it.

What does not decode becomes U+FFFD. Of all but 1, a line says what was taken for true, and how to take something else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from textrnn.base.errors import DataError
from textrnn.text.encodings import (
    BAD,
    BINARY,
    REPLACE,
    STRICT,
    NoTextError,
    UndecodableError,
    blocks_of,
    decode,
    east_asian_codec,
    guessed_name,
    has_surrogates,
    is_plausible_gb18030,
    one_byte_codec,
)
from textrnn.text.gutenberg import MARK, MARK_CHARS

SAMPLE_BYTES = 1 << 16
SURE_PER_BAD, GOOD_PER_BAD, GOOD_PER_BAD_GB18030 = 4, 1, 100  # characters beyond ASCII for each bad place
CHARS_PER_BAD = 1000
MOST_BEYOND_ASCII = 0.4  # of a text in Windows-1252, blanks left out: in others, nearly all letters are

_WIDE = ("utf-16", "utf-32")
_OTHER_NAMES = "--encoding names another encoding"
# Letters of western languages and what is printed beside them; other characters of Windows-1252 are seldom meant.
_WESTERN = re.compile(
    "[\xa0\xa1\xa3\xa7\xa9\xaa\xab\xad\xae\xb0\xb2\xb3\xb4\xb7\xba-\xcf\xd1-\xdd\xdf-\xef\xf1-\xfd"
    "\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u2013\u2014\u2018-\u201e\u2022\u2026\u20ac\u2122]"
)


@dataclass(frozen=True)
class Detected:
    """How the bytes of a file become text.

    Attributes:
        codec: name of the Python codec.
        num_bytes: its size.
        sha256: hexadecimal digest of its bytes.
        errors: what becomes of bytes that the codec refuses: `REPLACE` if there are some, else `STRICT`.
        note: what was taken for true, to be said behind the name of the file; "" if nothing was guessed or replaced.
        mark: the first mark of Project Gutenberg in the text, see `textrnn.text.gutenberg`; "" if there is none.
    """

    codec: str
    num_bytes: int
    sha256: str
    errors: str = STRICT
    note: str = ""
    mark: str = ""


@dataclass(frozen=True)
class _Scan:
    """What decoding all of a file finds; the numbers of characters only if bad places are replaced.

    Attributes:
        num_good: characters beyond ASCII that are good.
        num_bad: places that do not decode.
        num_full: characters that are not blank.
        num_western: characters beyond ASCII that western texts have.
    """

    codec: str
    num_bytes: int
    sha256: str
    num_chars: int
    num_good: int = 0
    num_bad: int = 0
    num_full: int = 0
    num_western: int = 0
    mark: str = ""

    def has_good(self, per_bad: int) -> bool:
        """Whether there are so many good characters for each bad place."""
        return self.num_good >= per_bad * self.num_bad

    @property
    def has_few_bad(self) -> bool:
        return self.num_chars >= CHARS_PER_BAD * self.num_bad

    def is_western(self, num_bad: int) -> bool:
        """Whether a text in Windows-1252 is one of western languages, and most of the places that are no UTF-8 are.

        Args:
            num_bad: these places; all other characters beyond ASCII would be UTF-8 too, and speak for nothing.
        """
        num_western = self.num_western - (self.num_good + self.num_bad - num_bad)
        return 2 * num_western > num_bad and not self.is_beyond_ascii

    @property
    def is_beyond_ascii(self) -> bool:
        """Whether more characters are beyond ASCII than western languages have."""
        return self.num_good + self.num_bad > MOST_BEYOND_ASCII * self.num_full

    def whole(self, note: str = "") -> Detected:
        """This encoding, in which nothing is bad."""
        return Detected(self.codec, self.num_bytes, self.sha256, STRICT, note, self.mark)

    def damaged(self, offset: int, label: str, *, strict: bool) -> Detected:
        """This encoding with bad places, the first at an offset; raises DataError if none may be replaced."""
        places = f"{self.num_bad:,} place{'s' * (self.num_bad > 1)}"
        first = f"at offset {offset}" if self.num_bad == 1 else f"the first at offset {offset}"
        if strict:
            raise DataError(
                f"{label} is {self.codec} but for {places}, {first}: mend it, or leave out --strict-encoding to have "
                "what does not decode replaced by U+FFFD"
            )
        does = "do" if self.num_bad > 1 else "does"
        note = f"is {self.codec} but for {places}, {first}, that {does} not decode: replaced by U+FFFD"
        note += " (--strict-encoding refuses)"
        return Detected(self.codec, self.num_bytes, self.sha256, REPLACE, note, self.mark)


def detect(stream: BinaryIO, codec: str | None, label: str, *, strict: bool = False) -> Detected:
    """Decides the encoding of a file, and sees that it is text; reads it to its end, or a few times if it is damaged.

    Args:
        stream: the file, which can be sought in.
        codec: the name of the only codec to try; None to find it out.
        label: what to call the file.
        strict: whether to refuse what would be replaced, and an encoding that fits any bytes.

    Raises:
        DataError: it is in no encoding that is known, has a NUL character, or is blank.
    """
    try:
        return _scan(stream, codec or "utf-8", label).whole()
    except UndecodableError as error:
        offset = error.offset
    if codec is None:
        return _not_utf8(stream, offset, label, strict=strict)
    if not codec.startswith(_WIDE):  # in which any bytes are characters, and a lost one moves all that follow
        found = _scan(stream, codec, label, REPLACE)
        if found.has_good(SURE_PER_BAD) or found.has_few_bad:
            return found.damaged(offset, label, strict=strict)
    raise DataError(
        f"{label} is not {codec}: cannot decode the bytes at offset {offset}; name its encoding with --encoding"
    )


def scan_western(stream: BinaryIO, label: str) -> _Scan:
    """What decoding a file as Windows-1252 finds."""
    return _scan(stream, "cp1252", label, REPLACE)


def _not_utf8(stream: BinaryIO, offset: int, label: str, *, strict: bool) -> Detected:
    """The encoding of a file that is not all UTF-8: the first bytes that are none are at `offset`."""
    stream.seek(offset)
    sample = stream.read(SAMPLE_BYTES)
    if len(sample) > 2 and has_surrogates(sample):
        raise DataError(
            f"{label} is no proper UTF-8: a surrogate stands at offset {offset} (CESU-8); save it again as UTF-8"
        )
    utf8 = _scan(stream, "utf-8", label, REPLACE)
    if not utf8.has_good(SURE_PER_BAD):
        found = _guessed(stream, east_asian_codec(sample), label, strict=strict)
        if found is None and is_plausible_gb18030(sample):
            found = _gb18030(stream, label, strict=strict)
        if found is not None:
            return found
    if utf8.has_good(GOOD_PER_BAD):
        return utf8.damaged(offset, label, strict=strict)
    western = scan_western(stream, label)
    is_western = western.is_western(utf8.num_bad)
    if is_western and not strict:
        errors = REPLACE if western.num_bad else STRICT
        note = f"was read as cp1252 (Windows-1252), which is a guess: it is not UTF-8; {_OTHER_NAMES}"
        return Detected("cp1252", utf8.num_bytes, utf8.sha256, errors, note, western.mark)
    if utf8.has_few_bad:
        return utf8.damaged(offset, label, strict=strict)
    codec = one_byte_codec(sample) if western.is_beyond_ascii else None
    if (found := _guessed(stream, codec, label, strict=strict)) is not None:
        return found
    raise DataError(
        f"{label} is neither UTF-8 (byte 0x{sample[0]:02x} at offset {offset} does not fit) nor GB18030: name its "
        f"encoding with --encoding{', for example --encoding cp1252' * is_western}"
    )


def _guessed(stream: BinaryIO, codec: str | None, label: str, *, strict: bool) -> Detected | None:
    """The encoding that a sample looked like, if all of the file is in it."""
    if codec is None:
        return None
    try:
        found = _scan(stream, codec, label)
    except UndecodableError:
        return None
    name = guessed_name(codec)
    if strict:
        raise DataError(f"{label} is not UTF-8, and looks like {name}: name its encoding with --encoding {codec}")
    return found.whole(f"was read as {name}, which is a guess: it is not UTF-8; {_OTHER_NAMES}")


def _gb18030(stream: BinaryIO, label: str, *, strict: bool) -> Detected | None:
    """GB18030, if it is that, whole or with little damage."""
    try:
        return _scan(stream, "gb18030", label).whole(f"was read as gb18030; {_OTHER_NAMES}")
    except UndecodableError as error:
        found = _scan(stream, "gb18030", label, REPLACE)
        return found.damaged(error.offset, label, strict=strict) if found.has_good(GOOD_PER_BAD_GB18030) else None


def _scan(stream: BinaryIO, codec: str, label: str, errors: str = STRICT) -> _Scan:
    """Decodes all of a file.

    Raises:
        UndecodableError: some bytes do not decode, and none are replaced.
        DataError: it has a NUL character, or is blank.
    """
    stream.seek(0)
    digest = hashlib.sha256()

    def hashed(blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            digest.update(block)
            yield block

    num_chars = good = bad = full = western = 0
    blank, mark, tail = True, "", ""
    for text in decode(hashed(blocks_of(stream)), codec, errors):
        if (at := text.find("\0")) >= 0:
            raise NoTextError(
                label, f"has a NUL character (character {num_chars + at})", "it is binary, not text", short=BINARY
            )
        num_chars += len(text)
        blank = blank and text.isspace()
        if not mark:
            mark = found[1] if (found := MARK.search(tail + text)) else ""
            tail = text[-MARK_CHARS:]
        if errors == REPLACE:
            num = text.count(BAD)
            bad += num
            good += len(text) - num - len(text.encode("ascii", "ignore"))
            full += len("".join(text.split()))
            western += len(_WESTERN.findall(text)) if codec == "cp1252" else 0
    if blank:
        only = "white space only" if num_chars else "a byte order mark only"
        raise NoTextError(label, f"has {only}", "expected a file with text")
    return _Scan(codec, stream.tell(), digest.hexdigest(), num_chars, good, bad, full, western, mark)
