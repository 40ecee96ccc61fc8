"""The bytes of a table: which encoding they are in, damaged or not, and its lines as text.

Unlike a corpus, a table is not refused for a few bad bytes: each becomes U+FFFD, and its row is named. A byte order
mark decides, or `--encoding`; else it is UTF-8 if all of it is, and else what `likely_encoding` finds. What is in none
of these, and not mostly beyond ASCII, is read as Windows-1252, or Latin-1 if it has one of the five bytes that
Windows-1252 leaves out.
"""

from __future__ import annotations

import codecs
import io
import itertools
from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial

from textrnn.base.errors import DataError
from textrnn.text.encodings import (
    MARK,
    REPLACE,
    checked_codec,
    codec_of_escapes,
    codec_of_mark,
    first_undecodable,
    refuse_binary,
)
from textrnn.text.likely_encoding import GB18030, SAMPLE_BYTES, WESTERN, Decoded, likely_encoding
from textrnn.text.lines import MAX_LINE_CHARS
from textrnn.text.reader import blocks_of, opened
from textrnn.text.recognise import EAST_ASIAN, ONE_BYTE, guessed_name

LATIN1 = "iso8859-1"
MAX_NUL_SHARE = 0.05
CONTROL_DELIMITERS = b"\x01\x02\x1e\x1f"  # of Hive, and those that ASCII has for it

_EXCEL = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_MARKUP = {
    "a page of HTML": ("<!doctype html", "<html", "<table"),
    "XML": ("<?xml", "<reviews>", "<dataset", "<corpus", "<documents"),
    "ARFF of Weka": ("@relation",),
    "a dump of SQL": ("insert into ", "create table ", "-- mysql dump"),
    "YAML": ('version: "3.1"', "nlu:"),
}
_NAMES = {"utf-8-sig": "UTF-8 with BOM", WESTERN: "Windows-1252", LATIN1: "Latin-1"}
_NAMES |= {"cp1250": "Windows-1250", "cp1254": "Windows-1254"}
_NAMES |= {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32"}
_NAMES |= {"utf-32-be": "UTF-32", "gb18030": "GB18030", "iso2022_jp": "ISO-2022-JP", "hz": "HZ"} | EAST_ASIAN
_NAMES |= {codec: guessed_name(codec) for codec in ONE_BYTE}


@dataclass(frozen=True)
class Encoding(Decoded):
    """How the bytes of a table become text.

    Attributes:
        bom: whether the file begins with a byte order mark.
        guessed: whether bytes of other encodings might pass for this one, and nobody named it.
        has_nul: whether the text has NUL characters.
        first_bad: the offset of the first bytes that do not decode, and their line from 1.
    """

    bom: bool = False
    guessed: bool = False
    has_nul: bool = False
    first_bad: tuple[int, int] = (0, 0)

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
    if codec := given or marked or codec_of_escapes(head):
        found = _scan(path, label, codec)
        if not found.is_sound:
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
        others = "is not UTF-8" if found.codec == GB18030 else "is neither UTF-8 nor GB18030"
        raise DataError(f"{label} {others}: name its encoding with --encoding")
    return replace(found, bom=marked is not None)


def encoding_remarks(name: str, encoding: Encoding) -> list[str]:
    """What a person should know of the encoding of a file of this name, in lines."""
    if encoding.guessed:
        what = "letters with accents" if encoding.codec in (WESTERN, LATIN1) else "characters"
        is_not = "not UTF-8, and has few other characters" if encoding.codec == GB18030 else "neither UTF-8 nor GB18030"
        return [
            f"{name} is {is_not}: read as {encoding.name}; if {what} look wrong, name its encoding with --encoding"
            f"{encoding.others_named}"
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
        offset = first_undecodable(blocks_of(stream), codec) or 0
        stream.seek(0)
        return offset, 1 + stream.read(offset).count(b"\n")


def table_lines(path: str, label: str, encoding: Encoding, newline: str = "\n") -> Generator[str, None, None]:
    """Read the lines of a table.

    Args:
        path: where it is.
        label: what to call it in messages.
        encoding: from `inspect_table`.
        newline: what ends a line: a line feed, or a carriage return as on an old Mac. The other one is kept.

    Yields:
        Lines with their ends, without byte order marks, one of which begins a later line where files were joined; `BAD`
        is in place of what cannot be decoded.

    Raises:
        DataError: the file cannot be read any more, or a line is longer than 64 million characters.
    """
    with opened(path, label) as stream, io.TextIOWrapper(stream, encoding.codec, REPLACE, newline) as lines:
        for line in iter(partial(lines.readline, MAX_LINE_CHARS), ""):
            _check_line(len(line), label)
            if line := line.lstrip(MARK):
                yield line


def refuse_markup(line: str, label: str) -> None:
    """Raises DataError if a first line begins a file of text that is no table: HTML, XML, ARFF, SQL or YAML."""
    begin = line.lstrip().casefold()
    named = "YAML" if label.casefold().endswith((".yml", ".yaml")) else None
    if words := next((words for words, own in _MARKUP.items() if begin.startswith(own)), named):
        raise DataError(
            f"{label} is {words}, not a table of text: open it in a spreadsheet or another program, save it as "
            "'CSV UTF-8', and give that file (--delimiter lines takes each line for a text)"
        )


def _check_line(num_chars: int, label: str) -> None:
    """Raises DataError where a line is too long to be held."""
    if num_chars >= MAX_LINE_CHARS:
        raise DataError(f"{label} has a line of {MAX_LINE_CHARS:,} characters or more: expected a table")


def _refuse_other_files(head: bytes, codec: str | None, label: str) -> None:
    """Raise DataError for what is no text; a table may have a few NUL characters, and delimiters that are no text."""
    if head.startswith(_EXCEL):
        raise DataError(
            f"{label} is a spreadsheet of Excel (or another archive), not text: open it there, "
            "choose Save As and the type 'CSV UTF-8', and give that file"
        )
    is_wide = codec is not None and Decoded(codec).is_wide
    has_few = not is_wide and head.count(0) <= MAX_NUL_SHARE * len(head)
    text = head.translate(None, b"\0" + CONTROL_DELIMITERS) if has_few else head
    refuse_binary(text, codec if is_wide or has_few else None, label)


def _scan_unmarked(path: str, label: str) -> Encoding:
    """The encoding of a file without byte order mark."""
    utf8 = _scan(path, label, "utf-8")
    if not utf8.num_bad:
        return utf8
    offset, _ = _first_bad(path, label, "utf-8")
    with opened(path, label) as stream:
        stream.seek(offset)
        sample = stream.read(SAMPLE_BYTES)
    found = likely_encoding(lambda codec: _scan(path, label, codec), utf8, sample, offset, label)
    if found is None:
        found = _scan(path, label, WESTERN)
        if found.is_beyond_ascii:
            raise DataError(
                f"{label} is neither UTF-8 nor GB18030, and of no western language: name its encoding with --encoding, "
                "such as cp1251, koi8-r or cp1253"
            )
    if found.codec == WESTERN and found.num_bad:
        found = _scan(path, label, LATIN1)
    return replace(found, guessed=found.codec == LATIN1 or found.is_guess)


def _scan(path: str, label: str, codec: str) -> Encoding:
    """What decoding all of a file finds."""
    decoder, found, in_line, has_nul = codecs.getincrementaldecoder(codec)(REPLACE), Decoded(codec), 0, False
    with opened(path, label) as stream:
        for block in itertools.chain(blocks_of(stream), [b""]):
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeError as error:  # of codecs that heed no error handler
                raise DataError(f"{label} is not {codec}: {error}; name its encoding with --encoding") from None
            end = max(text.rfind("\n"), text.rfind("\r"))
            in_line = len(text) - end - 1 if end >= 0 else in_line + len(text)
            _check_line(in_line, label)
            found, has_nul = found.counting(text), has_nul or "\0" in text
    return Encoding(**vars(found), has_nul=has_nul)
