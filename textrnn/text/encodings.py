"""What bytes tell of their encoding, whether they are text at all, and decoding in pieces."""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from textrnn.base.errors import ConfigError, DataError

MAX_CONTROL_SHARE = 0.01
# Arrays made of 64 KB stay in the cache and leave no holes in the heap: with 1 MB, 1 GB of text took 1.5 times as
# long to prepare and left 180 MB more in use.
BLOCK_BYTES = 1 << 16
BAD, REPLACEMENT = "\udcff", "\ufffd"  # BAD stands for what does not decode; no decoder makes it of good bytes
STRICT, REPLACE = "strict", "textrnn.replace"  # what becomes of bytes that do not decode: an error, or BAD

_BOMS = (  # UTF-32 before UTF-16, whose mark it begins with
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ESCAPES = (("iso2022_jp", b"\x1b$B"), ("hz", b"~{"))
_MAGICS = (
    (b"%PDF-", "a PDF file"),
    (b"PK\x03\x04", "a zip archive (.docx, .odt and .epub files are ones)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
    (b"{\\rtf", "a rich text (RTF) file"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF89a", "a GIF picture"),
    (b"MThd\0", "a MIDI file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"SQLite format 3\0", "a database of SQLite"),
)
MARK = "\ufeff"  # which codecs named for one byte order keep
_MARKS = re.compile(f"(?<=[\r\n]){MARK}+")
_CONTROL = re.compile("[\x01-\x08\x0e-\x1f\x7f]")

BINARY = "is binary, not text"


class NoTextError(DataError):
    """A file is no text at all: empty, blank, or binary.

    Attributes:
        reason: what it is, in words that go behind its name.
    """

    def __init__(self, label: str, reason: str, advice: str, *, short: str = "") -> None:
        super().__init__(f"{label} {reason}: {advice}")
        self.reason = short or reason


class UndecodableError(Exception):
    """Bytes that the codec refuses, with their offset from the start of the file."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


def _to_bad(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return BAD, error.end


codecs.register_error(REPLACE, _to_bad)


def codec_of_mark(head: bytes) -> str | None:
    """The codec that a byte order mark at the start tells.

    Example:
        >>> codec_of_mark("text".encode("utf-8-sig"))
        'utf-8-sig'
    """
    return next((codec for mark, codec in _BOMS if head.startswith(mark)), None)


def codec_of_escapes(head: bytes) -> str | None:
    """The codec of an encoding of ASCII alone, where escapes stand before characters of two bytes.

    Example:
        >>> codec_of_escapes("はい、いいえ\\nいいえ、はい".encode("iso2022_jp"))
        'iso2022_jp'
    """
    if not head.isascii():
        return None
    often = [codec for codec, escape in _ESCAPES if head.count(escape) > 1]
    return next(iter(decoding(often, head)), None)


def checked_codec(encoding: str) -> str:
    """The codec's own name for an encoding.

    Raises:
        ConfigError: there is no such encoding of text.

    Example:
        >>> checked_codec("UTF8")
        'utf-8'
    """
    try:
        info = codecs.lookup(encoding)
    except (LookupError, ValueError):
        raise ConfigError(
            f"--encoding is {encoding!r:.60}: expected the name of an encoding, such as utf-8, gb18030 or cp1252"
        ) from None
    # Codecs from bytes to bytes or from text to text are found by the same lookup.
    if not getattr(info, "_is_text_encoding", True) or info.incrementaldecoder is None:
        raise ConfigError(f"--encoding is {encoding!r:.60}: that is no encoding of text")
    return info.name


def decoding(codecs_tried: Iterable[str], sample: bytes) -> tuple[str, ...]:
    """Those of some codecs that decode a sample, which may end within a character."""
    found = list[str]()
    for codec in codecs_tried:
        with contextlib.suppress(UnicodeDecodeError):
            codecs.getincrementaldecoder(codec)().decode(sample)
            found.append(codec)
    return tuple(found)


def blocks_of(stream: BinaryIO) -> Iterator[bytes]:
    """What is left of a file, in blocks."""
    while block := stream.read(BLOCK_BYTES):
        yield block


def decode(blocks: Iterable[bytes], codec: str, errors: str = STRICT) -> Iterator[str]:
    """Decode a text in blocks.

    Args:
        blocks: its bytes.
        codec: name of the Python codec.
        errors: `STRICT`, or `REPLACE` to put `BAD` in place of what does not decode.

    Yields:
        Text, none of it empty, without byte order marks: where files were joined, a later line begins with one as well.

    Raises:
        UndecodableError: the bytes are not in this encoding, and none are replaced (some codecs never do).

    Example:
        >>> "".join(decode([b"\\xc3", b"\\xa9"], "utf-8"))
        'é'
    """
    decoder = codecs.getincrementaldecoder(codec)(errors)
    offset, last = 0, "\n"
    for block in _with_end(blocks):
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeError as error:
            raise UndecodableError(offset - pending + getattr(error, "start", 0)) from None
        offset += len(block)
        if MARK in text:
            text = _MARKS.sub("", last + text)[1:]
        if text:
            last = text[-1]
            yield text


def first_undecodable(blocks: Iterable[bytes], codec: str) -> int | None:
    """The offset of the first bytes that a codec refuses, or None if it takes all.

    Example:
        >>> first_undecodable([b"caf", b"\\xe9 noir"], "utf-8")
        3
    """
    try:
        for _ in decode(blocks, codec):
            pass
    except UndecodableError as error:
        return error.offset
    return None


def _with_end(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks and then an empty one, at which a decoder must have nothing pending."""
    yield from blocks
    yield b""


def refuse_binary(head: bytes, codec: str | None, label: str) -> None:
    """Raise NoTextError if a file begins as no text does.

    Args:
        head: its first bytes.
        codec: its encoding, or None if nothing has told it.
        label: what to call it.
    """
    for magic, kind in _MAGICS:
        if head.startswith(magic):
            raise NoTextError(label, f"is {kind}, not text", "save it as plain text")
    if codec is None and (at := head.find(b"\0")) >= 0:
        hint = _utf16_hint(head)
        raise NoTextError(
            label, f"has a NUL byte at offset {at}", hint or "it is binary, not text", short="" if hint else BINARY
        )
    sample = head.decode(codec or codec_of_escapes(head) or "latin-1", "replace")
    share = len(_CONTROL.findall(sample)) / max(1, len(sample))
    if share > MAX_CONTROL_SHARE:
        raise NoTextError(label, BINARY, f"{share:.0%} of its first characters are control characters")


def _utf16_hint(head: bytes) -> str:
    """What to try if the NUL bytes stand as they do in UTF-16 without byte order mark."""
    total, odd = head.count(b"\0"), head[1::2].count(b"\0")
    for codec, in_place in (("utf-16-le", odd), ("utf-16-be", total - odd)):
        if total >= 2 and in_place >= 0.9 * total:
            return f"it looks like UTF-16 without byte order mark: try --encoding {codec}"
    return ""
