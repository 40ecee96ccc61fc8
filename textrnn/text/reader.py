"""Text out of files and standard input: decide the encoding of each as a whole, then read it in pieces."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from typing import BinaryIO, cast

from textrnn.base.errors import DataError, warn
from textrnn.text.cutting import cut_safely, recut
from textrnn.text.detect import SAMPLE_BYTES, detect
from textrnn.text.encodings import (
    BAD,
    BLOCK_BYTES,
    REPLACE,
    REPLACEMENT,
    STRICT,
    UndecodableError,
    blocks_of,
    checked_codec,
    codec_of_mark,
    decode,
    refuse_binary,
)
from textrnn.text.files import STANDARD_INPUT, find_files

__all__ = ["BLOCK_BYTES", "SAMPLE_BYTES", "Reading", "Source", "blocks_of", "cut_safely", "find_files", "inspect_file"]
__all__ += ["open_sources", "pieces", "recut"]
MOST_NOTES = 4  # lines on the encodings of files


@dataclass(frozen=True)
class Reading:
    """How files are read.

    Attributes:
        encoding: name of a Python codec, used alone; None to tell it from the bytes, see `textrnn.text.detect`.
        strict: whether to refuse bytes that do not decode, instead of replacing a few of them.
    """

    encoding: str | None = None
    strict: bool = False


AS_IT_SHOWS = Reading()


@dataclass(frozen=True)
class Source:
    """A text that can be read.

    Args:
        name: what to call it: the name of the file without its folder, or "standard input".
        path: where it is.
        encoding: name of the Python codec that decodes all of it.
        num_bytes: its size.
        sha256: hexadecimal digest of its bytes.
        errors: what becomes of bytes that the codec refuses, see `textrnn.text.encodings`.
        note: what was guessed or replaced, in words that go behind the name; "" if nothing was.
    """

    name: str
    path: str
    encoding: str
    num_bytes: int
    sha256: str
    errors: str = STRICT
    note: str = ""


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
            raise DataError(f"{label} is empty: expected a file with text")
        codec = codec or codec_of_mark(head)
        refuse_binary(head, codec, label)
        found = detect(stream, codec, label, strict=reading.strict)
    return Source(name, path, found.codec, found.num_bytes, found.sha256, found.errors, found.note)


@contextlib.contextmanager
def open_sources(
    paths: Sequence[str], reading: Reading = AS_IT_SHOWS, *, warn: Callable[[str], None] = warn
) -> Iterator[list[Source]]:
    """Inspect several inputs, and keep a copy of those that can be read only once for as long as it is open.

    Args:
        paths: files as `find_files` lists them; `-` is standard input. It, and pipes, are spooled to temporary files.
        reading: how; the encoding is that of all of them.
        warn: told in a line what was guessed or replaced.

    Yields:
        The sources, in order.

    Raises:
        ConfigError, DataError: see `inspect_file`; also if standard input is closed or a terminal.
    """
    with contextlib.ExitStack() as stack:
        sources = []
        for path in paths:
            if path == STANDARD_INPUT:
                copy = stack.enter_context(spooled(standard_input(), "standard input"))
                sources.append(_inspect(copy, "standard input", "standard input", reading))
            elif os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
                with opened(path, path) as pipe:
                    copy = stack.enter_context(spooled(pipe, path))
                sources.append(_inspect(copy, os.path.basename(path), path, reading))
            else:
                sources.append(inspect_file(path, reading))
        for line in _notes(sources):
            warn(line)
        yield sources


def _notes(sources: Sequence[Source]) -> list[str]:
    """What was guessed or replaced, in a few lines, the same note of several files in one."""
    notes = Counter(source.note for source in sources if source.note)
    lines = []
    for note, count in notes.most_common(MOST_NOTES):
        name = next(source.name for source in sources if source.note == note)
        more = f" (and {count - 1:,} more file{'s' * (count > 2)})" if count > 1 else ""
        lines.append(f"{name}{more} {note}")
    if rest := sum(notes.values()) - sum(count for _, count in notes.most_common(MOST_NOTES)):
        lines.append(f"{rest:,} more file{'s' * (rest > 1)} are damaged, or in an encoding that was guessed")
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
    with opened(source.path, source.name) as stream:
        try:
            text = decode(blocks_of(stream), source.encoding, source.errors)
            if source.errors == REPLACE:
                text = (chunk.replace(BAD, REPLACEMENT) for chunk in text)
            yield from recut(text, num_chars)
        except UndecodableError as error:
            raise DataError(
                f"{source.name} has changed since it was inspected: "
                f"it is not {source.encoding} at offset {error.offset} any more"
            ) from None


@contextlib.contextmanager
def opened(path: str, label: str) -> Iterator[BinaryIO]:
    """Open a file to read; what the system refuses becomes a DataError."""
    try:
        with open(path, "rb") as stream:
            yield stream
    except PermissionError:
        raise DataError(f"{label} cannot be read: permission denied") from None
    except OSError as error:
        raise DataError(f"{label} cannot be read: {error.strerror or error}") from None


def standard_input() -> BufferedReader:
    """The bytes of standard input; raises DataError if it is closed or a terminal."""
    stream = sys.stdin
    if stream is None or stream.closed:
        raise DataError("standard input is closed: pipe text into the command, or name a file in place of -")
    if stream.isatty():
        raise DataError("standard input is a terminal: pipe text into the command, or name a file in place of -")
    return cast(BufferedReader, stream.buffer)


@contextlib.contextmanager
def spooled(stream: BinaryIO, label: str) -> Iterator[str]:
    """Path of a temporary file with all that a stream has to give, deleted at the end."""
    descriptor, path = tempfile.mkstemp(prefix="textrnn-")
    try:
        try:
            with open(descriptor, "wb") as copy:
                shutil.copyfileobj(stream, copy, BLOCK_BYTES)
        except OSError as error:
            raise DataError(f"{label} cannot be copied to {path}: {error.strerror or error}") from None
        yield path
    finally:
        os.unlink(path)
