"""Text out of files and standard input: decide the encoding of each as a whole, then read it in pieces."""

from __future__ import annotations

import contextlib
import io
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from textrnn.base.errors import DataError, warn
from textrnn.text.cutting import cut_safely, recut
from textrnn.text.detect import detect
from textrnn.text.encodings import (
    BAD,
    BLOCK_BYTES,
    REPLACE,
    REPLACEMENT,
    STRICT,
    NoTextError,
    UndecodableError,
    blocks_of,
    checked_codec,
    codec_of_mark,
    decode,
    refuse_binary,
)
from textrnn.text.files import STANDARD_INPUT, find_files
from textrnn.text.gutenberg import without_frames
from textrnn.text.likely_encoding import SAMPLE_BYTES
from textrnn.text.markup import text_of
from textrnn.text.packed import unpacked
from textrnn.text.streams import digest_of, opened, spooled, standard_input

__all__ = ["BLOCK_BYTES", "SAMPLE_BYTES", "Reading", "Source", "blocks_of", "cut_safely", "inspect_file", "opened"]
__all__ += ["open_sources", "pieces", "recut", "spooled", "standard_input"]
MOST_NOTES, MOST_LISTED = 4, 5  # lines on files that were read, and files in the line on those that were not


@dataclass(frozen=True)
class Reading:
    """How files are read.

    Attributes:
        encoding: name of a Python codec, used alone; None to tell it from the bytes, see `textrnn.text.detect`.
        strict: whether to refuse bytes that do not decode, instead of replacing a few of them.
        strip_gutenberg: whether to cut what Project Gutenberg puts around its books; False says in a line that a text
            has it, None leaves it there in silence.
        keep_tags: whether web pages and EPUB books are read as they are, and not their text alone.
        any_bytes: whether what is no text, but not empty, is a source of `BYTES`.
    """

    encoding: str | None = None
    strict: bool = False
    strip_gutenberg: bool | None = None
    keep_tags: bool = False
    any_bytes: bool = False


AS_IT_SHOWS = Reading()
BYTES = "bytes"  # in place of an encoding: each byte is the character of its number


@dataclass(frozen=True)
class Source:
    """A text that can be read.

    Args:
        name: what to call it: the name of the file without its folder, or "standard input".
        path: where it is.
        encoding: name of the Python codec that decodes all of it, or `BYTES`.
        num_bytes: its size.
        sha256: hexadecimal digest of its bytes.
        errors: what becomes of bytes that the codec refuses, see `textrnn.text.encodings`.
        note: what was guessed, replaced or cut, in words that go behind the name; "" if nothing was.
        place: the file with its text, which is another than `path` if that is packed.
        cut: "" or, if only the books of Project Gutenberg in it are read, the first of their marks.
    """

    name: str
    path: str
    encoding: str
    num_bytes: int
    sha256: str
    errors: str = STRICT
    note: str = ""
    place: str = ""
    cut: str = ""


def inspect_file(path: str, reading: Reading = AS_IT_SHOWS) -> Source:
    """Read a file in pieces to decide its encoding, see `textrnn.text.detect`, and to see that it is text.

    Args:
        path: the file.
        reading: how.

    Returns:
        The source, to be read by `pieces`.

    Raises:
        ConfigError: there is no such codec.
        DataError: the file cannot be read, is empty, white space only, binary, or in no known encoding.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "letter.txt")
        ...     with open(path, "w", encoding="utf-16") as file:
        ...         _ = file.write("你好")
        ...     source = inspect_file(path)
        >>> source.name, source.encoding, source.num_bytes
        ('letter.txt', 'utf-16-le', 6)
    """
    return _inspect(path, os.path.basename(path), path, reading)


def _inspect(path: str, name: str, label: str, reading: Reading) -> Source:
    codec = checked_codec(reading.encoding) if reading.encoding is not None else None
    with opened(path, label) as stream:
        head = stream.read(SAMPLE_BYTES)
        if not head:
            raise NoTextError(label, "is empty", "expected a file with text")
        codec = codec or codec_of_mark(head)
        try:
            refuse_binary(head, codec, label)
            found = detect(stream, codec, label, strict=reading.strict)
        except DataError:
            if reading.any_bytes:
                return Source(name, path, BYTES, *digest_of(stream), place=path)
            raise
    source = Source(name, path, found.codec, found.num_bytes, found.sha256, found.errors, found.note, path)
    return _of_gutenberg(source, found.mark, label, reading) if found.mark else source


def _of_gutenberg(source: Source, mark: str, label: str, reading: Reading) -> Source:
    """A source with a mark of Project Gutenberg: cut, or with a note that it has one."""
    if reading.strip_gutenberg is None:
        return source
    if reading.strip_gutenberg:
        before, source = sum(map(len, pieces(source))), replace(source, cut=mark)
        after = sum(map(len, pieces(source)))
        if not after:
            raise NoTextError(label, "has nothing but marks of Project Gutenberg", "leave out --strip-gutenberg")
        note = f"lost {before - after:,} of its {before:,} characters, which Project Gutenberg put around the book"
    else:
        note = "has a header or footer of Project Gutenberg, which is learnt as well: --strip-gutenberg cuts it"
    return replace(source, note=_together(source.note, note))


@contextlib.contextmanager
def open_sources(
    arguments: Sequence[str], reading: Reading = AS_IT_SHOWS, *, warn: Callable[[str], None] = warn
) -> Iterator[list[Source]]:
    """Inspect several inputs, and keep a copy of those that can be read only once for as long as it is open.

    Out of folders and patterns, what is no text, or in no known encoding, is left out.

    Args:
        arguments: files, folders, patterns or `-`, see `find_files`. Standard input and pipes are spooled to temporary
            files, packed files unpacked into such.
        reading: how; the encoding is that of all of them.
        warn: told in a line what was left out, and what was guessed, replaced or cut.

    Yields:
        The sources, in order.

    Raises:
        ConfigError, DataError: see `find_files` and `inspect_file`; also if standard input is closed or a terminal.
    """
    with contextlib.ExitStack() as stack:
        sources, left_out, found = list[Source](), list[str](), find_files(arguments)
        for path, is_named in found:
            try:
                sources.append(_open_source(path, reading, stack))
            except DataError as error:
                if is_named or (reading.strict and not isinstance(error, NoTextError)):
                    raise
                left_out.append(f"{path} {error.reason}" if isinstance(error, NoTextError) else _what_happened(error))
        lines = _notes(sources)
        if left_out:
            lines = [_left_out(left_out, len(found)), *lines]
            if not sources:
                raise DataError(f"{lines[0]}; expected at least one with text")
        for line in lines:
            warn(line)
        yield sources


def _what_happened(error: DataError) -> str:
    """A message without what was expected and what to do."""
    return str(error).partition(": ")[0]


def as_bytes(source: Source) -> Source:
    """The same file, read byte by byte."""
    return replace(source, encoding=BYTES, errors=STRICT, note="", cut="")


def _open_source(path: str, reading: Reading, stack: contextlib.ExitStack) -> Source:
    """Inspects an input; a copy of what can be read only once, or is packed, lasts as long as the stack."""
    if path == STANDARD_INPUT:
        copy = stack.enter_context(spooled(standard_input(), "standard input"))
        return _inspect(copy, "standard input", "standard input", reading)
    name = os.path.basename(path)
    with opened(path, path) as stream:
        if not os.path.isfile(path):
            copy = stack.enter_context(spooled(stream, path))
            return _inspect(copy, name, path, reading)
        text, note = text_of(stream, path, reading.encoding) if not reading.keep_tags else (None, "")
        if text is not None:
            copy = stack.enter_context(spooled(io.BytesIO(text.encode()), path))
            source = _inspect(copy, name, path, replace(reading, encoding="utf-8"))
        else:
            copy, _ = stack.enter_context(unpacked(path))
            source = _inspect(copy, name, path, reading)
        if copy != path:
            num_bytes, sha256 = digest_of(stream)
            source = replace(source, path=path, num_bytes=num_bytes, sha256=sha256)
        return replace(source, note=_together(note, source.note))


def _together(*notes: str) -> str:
    return "; ".join(filter(None, notes))


def _left_out(reasons: Sequence[str], num_files: int) -> str:
    """What files were left out, the first few by name."""
    more = f" and {len(reasons) - MOST_LISTED:,} more" if len(reasons) > MOST_LISTED else ""
    files = f"{len(reasons):,} of {num_files:,} file{'s' * (num_files > 1)} {'were' if len(reasons) > 1 else 'was'}"
    return f"{files} left out: {', '.join(reasons[:MOST_LISTED])}{more}"


def _notes(sources: Sequence[Source]) -> list[str]:
    """What was guessed or replaced, in a few lines, the same note of several files in one."""
    notes = Counter(source.note for source in sources if source.note)
    lines = []
    for note, count in notes.most_common(MOST_NOTES):
        name = next(source.name for source in sources if source.note == note)
        more = f" (and {count - 1:,} more file{'s' * (count > 2)})" if count > 1 else ""
        lines.append(f"{name}{more} {note}")
    if rest := sum(notes.values()) - sum(count for _, count in notes.most_common(MOST_NOTES)):
        lines.append(f"{rest:,} more file{'s are' if rest > 1 else ' is'} damaged, or in an encoding that was guessed")
    return lines


def pieces(source: Source, num_chars: int = 1 << 16) -> Iterator[str]:
    """Read a source as text, without byte order mark, its line ends as they are.

    Args:
        source: from `inspect_file` or `open_sources`.
        num_chars: length of a piece; see `recut` for where it ends.

    Yields:
        Pieces that add up to the text.

    Raises:
        DataError: the file cannot be read any more, or has changed and cannot be decoded.
    """
    with opened(source.place or source.path, source.name) as stream:
        try:
            codec = "latin-1" if source.encoding == BYTES else source.encoding
            text = decode(blocks_of(stream), codec, source.errors)
            if source.errors == REPLACE:
                text = (chunk.replace(BAD, REPLACEMENT) for chunk in text)
            if source.cut:
                text = without_frames(text, source.cut)
            yield from recut(text, num_chars)
        except UndecodableError as error:
            raise DataError(
                f"{source.name} has changed since it was inspected: "
                f"it is not {source.encoding} at offset {error.offset} any more"
            ) from None
