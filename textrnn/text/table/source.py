"""The bytes of a table: which encoding they are in, damaged or not, and its lines as text.

Unlike a corpus, a table is not refused for a few bad bytes: each becomes U+FFFD, and its row is named. The rule, for
the whole file: a byte order mark decides, or `--encoding`. Else it is UTF-8 if all of it is; or UTF-8 with damage if
it has at least four characters beyond ASCII for each bad place; or Shift-JIS, EUC-JP, Big5 or EUC-KR if it looks like
that and all of it is; or GB18030 if it looks like it and all of it is, or has a hundred such characters for each bad
place; or UTF-8 after all if bad places are rare and no letters of western
languages; else Windows-1252, which is a guess and said aloud, or Latin-1 if it has one of the five bytes that
Windows-1252 leaves out. Where most of it would be beyond ASCII, it is of another language: GB18030 or
UTF-8 with more damage, or an encoding of Cyrillic, Greek, Hebrew, Arabic or Thai letters if it looks like that and all
of it is, or else refused.
"""

from __future__ import annotations

import codecs
import io
import itertools
from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial

from textrnn.base.errors import DataError
from textrnn.text.detect import CHARS_PER_BAD, scan_western
from textrnn.text.encodings import (
    EAST_ASIAN,
    ONE_BYTE,
    UndecodableError,
    checked_codec,
    codec_of_mark,
    decode,
    east_asian_codec,
    guessed_name,
    has_surrogates,
    is_plausible_gb18030,
    one_byte_codec,
    refuse_binary,
)
from textrnn.text.lines import MAX_LINE_CHARS
from textrnn.text.reader import SAMPLE_BYTES, blocks_of, opened

BAD = "\udcff"  # stands for what cannot be decoded; no decoder makes this character of good bytes
REPLACEMENT = "\ufffd"
GOOD_PER_BAD, GOOD_PER_BAD_GB18030, SOME_PER_BAD_GB18030 = 4, 100, 20  # the last one where it is of no western language
MAX_NUL_SHARE = 0.05

_WIDE = ("utf-16", "utf-32")
_ERRORS = "textrnn.bad"
_EXCEL = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_MARKUP = {
    "a page of HTML": ("<!doctype html", "<html", "<table"),
    "XML": ("<?xml", "<reviews>", "<dataset", "<corpus", "<documents"),
    "ARFF of Weka": ("@relation",),
    "a dump of SQL": ("insert into ", "create table ", "-- mysql dump"),
}
_NAMES = {"utf-8-sig": "UTF-8 with BOM", "cp1252": "Windows-1252", "iso8859-1": "Latin-1"}
_NAMES |= {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32"}
_NAMES |= {"utf-32-be": "UTF-32", "gb18030": "GB18030"} | EAST_ASIAN
_NAMES |= {codec: guessed_name(codec) for codec in ONE_BYTE}


def _mark_bad(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return BAD, error.end


codecs.register_error(_ERRORS, _mark_bad)


@dataclass(frozen=True)
class Encoding:
    """How the bytes of a table become text."""

    codec: str  # name of the Python codec
    bom: bool = False  # whether the file begins with a byte order mark
    guessed: bool = False  # whether it is a last resort that fits any bytes
    num_chars: int = 0
    num_bad: int = 0  # places that cannot be decoded
    num_good: int = 0  # characters that speak for the encoding: those beyond ASCII, or all if it is a wide one
    has_nul: bool = False
    first_bad: tuple[int, int] = (0, 0)  # offset of the first bytes that cannot be decoded, and their line from 1

    @property
    def name(self) -> str:
        """The name that people know it by, such as Windows-1252."""
        return _NAMES.get(self.codec, self.codec)

    def damage(self) -> str:
        """What cannot be decoded, in words that go behind the name of the file."""
        places = f"{self.num_bad:,} place{'s' * (self.num_bad != 1)} that {'are' if self.num_bad != 1 else 'is'} not"
        offset, line = self.first_bad
        return f"{places} {self.name}, {'the first ' * (self.num_bad > 1)}at offset {offset} (line {line:,})"


def inspect_table(path: str, label: str, encoding: str | None = None, *, strict: bool = False) -> Encoding:
    """Read a file once, or a few times if it is damaged, to decide its encoding; the module says how.

    Args:
        path: where it is.
        label: what to call it in messages.
        encoding: name of a Python codec, used alone.
        strict: whether to refuse what cannot be decoded, and an encoding that fits any bytes.

    Raises:
        ConfigError: there is no such codec.
        DataError: the file cannot be read, is empty, a spreadsheet of Excel, binary, or not in the encoding named.
    """
    given = checked_codec(encoding) if encoding is not None else None
    with opened(path, label) as stream:
        head = stream.read(SAMPLE_BYTES)
    if not head:
        raise DataError(f"{label} is empty: expected a table with text")
    marked = codec_of_mark(head)
    _refuse_other_files(head, given or marked, label)
    if codec := given or marked:
        found = _scan(path, label, codec)
        if not (_fits(found, GOOD_PER_BAD) or _is_rare(found)):
            raise DataError(
                f"{label} is not {found.name}: {found.num_bad:,} places of it cannot be decoded; "
                "name its encoding with --encoding"
            )
    else:
        found = _scan_unmarked(path, label)
    if found.num_bad:
        found = replace(found, first_bad=_first_bad(path, label, found.codec))
    if strict and found.num_bad:
        raise DataError(
            f"{label} has {found.damage()}: mend it, or leave out --strict-encoding to have what does not decode "
            "replaced by U+FFFD"
        )
    if strict and found.guessed:
        raise DataError(f"{label} is neither UTF-8 nor GB18030: name its encoding with --encoding")
    return replace(found, bom=marked is not None)


def encoding_remarks(name: str, encoding: Encoding) -> list[str]:
    """What a person should know of the encoding of a file of this name, in lines."""
    if encoding.guessed:
        what = "characters" if encoding.codec in EAST_ASIAN | ONE_BYTE else "letters with accents"
        return [
            f"{name} is neither UTF-8 nor GB18030: read as {encoding.name}; "
            f"if {what} look wrong, name its encoding with --encoding"
        ]
    if encoding.num_bad:
        return [
            f"{name} has {encoding.damage()}: replaced by U+FFFD (--strict-encoding refuses; if there are many, name "
            "its encoding with --encoding)"
        ]
    return []


def _first_bad(path: str, label: str, codec: str) -> tuple[int, int]:
    """The offset of the first bytes that cannot be decoded, and their line."""
    with opened(path, label) as stream:
        try:
            for _ in decode(blocks_of(stream), codec):
                pass
        except UndecodableError as error:
            stream.seek(0)
            return error.offset, 1 + stream.read(error.offset).count(b"\n")
    return 0, 0


def _is_rare(found: Encoding) -> bool:
    """Whether places that cannot be decoded are rare, in an encoding where they say nothing of what follows them."""
    return not found.codec.startswith(_WIDE) and found.num_chars >= CHARS_PER_BAD * found.num_bad


def table_lines(path: str, label: str, encoding: Encoding, newline: str = "\n") -> Generator[str, None, None]:
    """Read the lines of a table.

    Args:
        path: where it is.
        label: what to call it in messages.
        encoding: from `inspect_table`.
        newline: what ends a line: a line feed, or a carriage return as on an old Mac. The other one is kept.

    Yields:
        Lines with their ends, without byte order mark, `BAD` in place of what cannot be decoded.

    Raises:
        DataError: the file cannot be read any more, or a line is longer than 64 million characters.
    """
    mark = "\ufeff"  # codecs named for one byte order keep it
    with opened(path, label) as stream, io.TextIOWrapper(stream, encoding.codec, _ERRORS, newline) as lines:
        for line in iter(partial(lines.readline, MAX_LINE_CHARS), ""):
            _check_line(len(line), label)
            if line := line.removeprefix(mark):
                yield line
            mark = ""


def refuse_markup(line: str, label: str) -> None:
    """Raises DataError if a first line begins a file that is no table, though it is text: HTML, XML, ARFF or SQL."""
    begin = line.lstrip().casefold()
    for words, beginnings in _MARKUP.items():
        if begin.startswith(beginnings):
            raise DataError(
                f"{label} is {words}, not a table of text: open it in a spreadsheet or another program, save it as "
                "'CSV UTF-8', and give that file (--delimiter lines takes each line for a text)"
            )


def _check_line(num_chars: int, label: str) -> None:
    """Raises DataError where a line is too long to be held."""
    if num_chars >= MAX_LINE_CHARS:
        raise DataError(f"{label} has a line of {MAX_LINE_CHARS:,} characters or more: expected a table")


def _refuse_other_files(head: bytes, codec: str | None, label: str) -> None:
    """Raise DataError for what is no text; unlike a corpus, a table may have a few NUL characters."""
    if head.startswith(_EXCEL):
        raise DataError(
            f"{label} is a spreadsheet of Excel (or another archive), not text: open it there, "
            "choose Save As and the type 'CSV UTF-8', and give that file"
        )
    is_wide = codec is not None and codec.startswith(_WIDE)
    has_few = not is_wide and head.count(0) <= MAX_NUL_SHARE * len(head)
    refuse_binary(head.replace(b"\0", b"") if has_few else head, codec if is_wide or has_few else None, label)


def _scan_unmarked(path: str, label: str) -> Encoding:
    """The encoding of a file without byte order mark."""
    utf8 = _scan(path, label, "utf-8")
    if _fits(utf8, GOOD_PER_BAD):
        return utf8
    with opened(path, label) as stream:
        try:
            for _ in decode(blocks_of(stream), "utf-8"):
                pass
        except UndecodableError as error:
            stream.seek(error.offset)
        sample = stream.read(SAMPLE_BYTES)
    if len(sample) > 2 and has_surrogates(sample):
        raise DataError(f"{label} is no proper UTF-8: it has surrogates (CESU-8); save it again as UTF-8")
    if (codec := east_asian_codec(sample)) and not (found := _scan(path, label, codec)).num_bad:
        return replace(found, guessed=True)
    chinese = _scan(path, label, "gb18030") if is_plausible_gb18030(sample) else None
    if chinese is not None and _fits(chinese, GOOD_PER_BAD_GB18030):
        return chinese
    with opened(path, label) as stream:
        western = scan_western(stream, label)
    if _is_rare(utf8) and not utf8.has_nul and not western.is_western(utf8.num_bad):
        return utf8
    if western.is_beyond_ascii:
        if chinese is not None and _fits(chinese, SOME_PER_BAD_GB18030):
            return chinese
        if _fits(utf8, 1):
            return utf8
        if (codec := one_byte_codec(sample)) and not (found := _scan(path, label, codec)).num_bad:
            return replace(found, guessed=True)
        raise DataError(
            f"{label} is neither UTF-8 nor GB18030, and of no western language: name its encoding with --encoding, "
            "such as cp1251, koi8-r or cp1253"
        )
    found = _scan(path, label, "cp1252")
    return replace(_scan(path, label, "iso8859-1") if found.num_bad else found, guessed=True)


def _fits(found: Encoding, good_per_bad: int) -> bool:
    return found.num_bad == 0 or found.num_good >= good_per_bad * found.num_bad


def _scan(path: str, label: str, codec: str) -> Encoding:
    """What decoding all of a file finds."""
    decoder = codecs.getincrementaldecoder(codec)(_ERRORS)
    is_wide = codec.startswith(_WIDE)
    num_chars = num_bad = num_good = in_line = 0
    has_nul = False
    with opened(path, label) as stream:
        for block in itertools.chain(blocks_of(stream), [b""]):
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeError as error:  # of codecs that heed no error handler
                raise DataError(f"{label} is not {codec}: {error}; name its encoding with --encoding") from None
            num_chars += len(text)
            end = max(text.rfind("\n"), text.rfind("\r"))
            in_line = len(text) - end - 1 if end >= 0 else in_line + len(text)
            _check_line(in_line, label)
            has_nul = has_nul or "\0" in text
            if text.isascii() and not is_wide:
                continue
            bad = text.count(BAD)
            num_bad += bad
            # In wide encodings ASCII speaks for them as well; else only what lies beyond it does.
            num_good += len(text) - bad - (0 if is_wide else len(text.encode("ascii", "ignore")))
    return Encoding(codec, False, False, num_chars, num_bad, num_good, has_nul)
