"""How the bytes of a text file become text, decided by all of it: the file is read in blocks, not held.

A byte order mark decides, or `--encoding`; else it is UTF-8 if all of it is, and else what `likely_encoding` finds.
What does not decode becomes U+FFFD. Unless all is UTF-8, a line says what was taken for true, and how to take something
else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from textrnn.base.errors import DataError
from textrnn.text.encodings import (
    BINARY,
    REPLACE,
    STRICT,
    NoTextError,
    UndecodableError,
    blocks_of,
    codec_of_escapes,
    decode,
    first_undecodable,
)
from textrnn.text.gutenberg import MARK, MARK_CHARS
from textrnn.text.likely_encoding import GB18030, SAMPLE_BYTES, WESTERN, Decoded, likely_encoding
from textrnn.text.recognise import guessed_name

_OTHER_NAMES = "--encoding names another encoding"


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
class _Scan(Decoded):
    """What decoding all of a file finds; the last attributes are those of `Detected`."""

    num_bytes: int = 0
    sha256: str = ""
    mark: str = ""

    def detected(self, note: str = "") -> Detected:
        """This encoding, with what is to be said of it."""
        errors = REPLACE if self.num_bad else STRICT
        return Detected(self.codec, self.num_bytes, self.sha256, errors, note, self.mark)

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
        return self.detected(note + " (--strict-encoding refuses)")


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
    stream.seek(0)
    escaped = None if codec else codec_of_escapes(stream.read(SAMPLE_BYTES))
    try:
        found = _scan(stream, codec or escaped or "utf-8", label, STRICT)
        return found.detected(f"was read as {escaped}; {_OTHER_NAMES}" if escaped else "")
    except UndecodableError as error:
        offset = error.offset
    if codec is None:
        return _not_utf8(stream, offset, label, strict=strict)
    if not Decoded(codec).is_wide:
        found = _scan(stream, codec, label)
        if found.is_sound:
            return found.damaged(offset, label, strict=strict)
    raise DataError(
        f"{label} is not {codec}: cannot decode the bytes at offset {offset}; name its encoding with --encoding"
    )


def _not_utf8(stream: BinaryIO, offset: int, label: str, *, strict: bool) -> Detected:
    """The encoding of a file that is not all UTF-8: the first bytes that are none are at `offset`."""
    stream.seek(offset)
    sample = stream.read(SAMPLE_BYTES)
    utf8 = _scan(stream, "utf-8", label)
    found = likely_encoding(lambda codec: _scan(stream, codec, label), utf8, sample, offset, label)
    if found is None or (strict and found.codec == WESTERN):
        raise DataError(
            f"{label} is neither UTF-8 (byte 0x{sample[0]:02x} at offset {offset} does not fit) nor GB18030: name its "
            f"encoding with --encoding{'' if found is None else f', for example --encoding {found.codec}'}"
        )
    if found.codec == WESTERN:
        note = "was read as cp1252 (Windows-1252), which is a guess: it is not UTF-8; "
        return found.detected(f"{note}{_OTHER_NAMES}{found.others_named}")
    if found.is_guess:
        return _guessed(found, label, strict=strict)
    if found.codec == GB18030 and not found.num_bad:
        return found.detected(f"was read as gb18030; {_OTHER_NAMES}")
    return found.damaged(_first_bad(stream, found.codec, offset), label, strict=strict)


def _guessed(found: _Scan, label: str, *, strict: bool) -> Detected:
    """An encoding that the file looked like, all of which is in it."""
    name = guessed_name(found.codec)
    if strict:
        raise DataError(f"{label} is not UTF-8, and looks like {name}: name its encoding with --encoding {found.codec}")
    return found.detected(f"was read as {name}, which is a guess: it is not UTF-8; {_OTHER_NAMES}{found.others_named}")


def _first_bad(stream: BinaryIO, codec: str, default: int) -> int:
    """The offset of the first bytes that a codec refuses."""
    stream.seek(0)
    offset = first_undecodable(blocks_of(stream), codec)
    return default if offset is None else offset


def _scan(stream: BinaryIO, codec: str, label: str, errors: str = REPLACE) -> _Scan:
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

    found, blank, mark, tail = Decoded(codec), True, "", ""
    for text in decode(hashed(blocks_of(stream)), codec, errors):
        if (at := text.find("\0")) >= 0:
            place = found.num_chars + at
            raise NoTextError(label, f"has a NUL character (character {place})", "it is binary, not text", short=BINARY)
        found = found.counting(text)
        blank = blank and text.isspace()
        if not mark:
            mark = match[1] if (match := MARK.search(tail + text)) else ""
            tail = text[-MARK_CHARS:]
    if blank:
        only = "white space only" if found.num_chars else "a byte order mark only"
        raise NoTextError(label, f"has {only}", "expected a file with text")
    return _Scan(**vars(found), num_bytes=stream.tell(), sha256=digest.hexdigest(), mark=mark)
