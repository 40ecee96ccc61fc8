"""Text out of files and standard input: decide the encoding of each as a whole, then read it in pieces."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from typing import BinaryIO, cast

from textrnn.base.errors import DataError
from textrnn.text.cutting import cut_safely, recut
from textrnn.text.encodings import (
    UndecodableError,
    checked_codec,
    codec_of_mark,
    decode,
    has_surrogates,
    is_plausible_gb18030,
    refuse_binary,
)
from textrnn.text.files import STANDARD_INPUT, find_files

__all__ = ["Source", "cut_safely", "find_files", "inspect_file", "open_sources", "pieces", "recut"]

# Arrays made of 64 KB stay in the cache and leave no holes in the heap: with 1 MB, 1 GB of text took 1.5 times as
# long to prepare and left 180 MB more in use.
BLOCK_BYTES = 1 << 16
SAMPLE_BYTES = 1 << 16


@dataclass(frozen=True)
class Source:
    """A text that can be read.

    Args:
        name: what to call it: the name of the file without its folder, or "standard input".
        path: where it is.
        encoding: name of the Python codec that decodes all of it.
        num_bytes: its size.
        sha256: hexadecimal digest of its bytes.
    """

    name: str
    path: str
    encoding: str
    num_bytes: int
    sha256: str


def inspect_file(path: str, encoding: str | None = None) -> Source:
    """Read a file once, in pieces, to decide its encoding and to see that it is text.

    Without `encoding` it is told by a byte order mark; else it is UTF-8 if all of it is, else GB18030 if all of it is
    (in a second pass), never what the locale says.

    Args:
        path: the file.
        encoding: name of a Python codec, used alone.

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
    return _inspect(path, os.path.basename(path), path, encoding)


def _inspect(path: str, name: str, label: str, encoding: str | None) -> Source:
    codec = checked_codec(encoding) if encoding is not None else None
    with opened(path, label) as stream:
        head = stream.read(SAMPLE_BYTES)
        if not head:
            raise DataError(f"{label} is empty: expected a file with text")
        codec = codec or codec_of_mark(head)
        refuse_binary(head, codec, label)
        if codec is None:
            codec, num_bytes, sha256 = _scan_unmarked(stream, label)
        else:
            try:
                num_bytes, sha256 = _scan(stream, codec, label)
            except UndecodableError as error:
                raise DataError(
                    f"{label} is not {codec}: cannot decode the bytes at offset {error.offset}; "
                    "name its encoding with --encoding"
                ) from None
    return Source(name, path, codec, num_bytes, sha256)


@contextlib.contextmanager
def open_sources(paths: Sequence[str], encoding: str | None = None) -> Iterator[list[Source]]:
    """Inspect several inputs, and keep a copy of those that can be read only once for as long as it is open.

    Args:
        paths: files as `find_files` lists them; `-` is standard input. It, and pipes, are spooled to temporary files.
        encoding: see `inspect_file`; for all of them.

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
                sources.append(_inspect(copy, "standard input", "standard input", encoding))
            elif os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
                with opened(path, path) as pipe:
                    copy = stack.enter_context(spooled(pipe, path))
                sources.append(_inspect(copy, os.path.basename(path), path, encoding))
            else:
                sources.append(inspect_file(path, encoding))
        yield sources


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
            yield from recut(decode(blocks_of(stream), source.encoding), num_chars)
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


def _scan_unmarked(stream: BinaryIO, label: str) -> tuple[str, int, str]:
    """Codec, size and digest of a file without byte order mark."""
    try:
        return ("utf-8", *_scan(stream, "utf-8", label))
    except UndecodableError as error:
        offset = error.offset
    stream.seek(offset)
    sample = stream.read(SAMPLE_BYTES)
    if len(sample) > 2 and has_surrogates(sample):
        raise DataError(
            f"{label} is no proper UTF-8: a surrogate stands at offset {offset} (CESU-8); save it again as UTF-8"
        )
    if is_plausible_gb18030(sample):
        with contextlib.suppress(UndecodableError):
            return ("gb18030", *_scan(stream, "gb18030", label))
    raise DataError(
        f"{label} is neither UTF-8 (byte 0x{sample[0]:02x} at offset {offset} does not fit) nor GB18030: "
        "name its encoding with --encoding, for example --encoding cp1252"
    )


def _scan(stream: BinaryIO, codec: str, label: str) -> tuple[int, str]:
    """Size and digest of a file that decodes and is text, or an error."""
    stream.seek(0)
    digest = hashlib.sha256()

    def hashed(blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            digest.update(block)
            yield block

    num_chars, blank = 0, True
    for text in decode(hashed(blocks_of(stream)), codec):
        if (at := text.find("\0")) >= 0:
            raise DataError(f"{label} has a NUL character (character {num_chars + at}): it is binary, not text")
        num_chars += len(text)
        blank = blank and text.isspace()
    if blank:
        found = "white space only" if num_chars else "a byte order mark only"
        raise DataError(f"{label} has {found}: expected a file with text")
    return stream.tell(), digest.hexdigest()


def blocks_of(stream: BinaryIO) -> Iterator[bytes]:
    """What is left of a file, in blocks."""
    while block := stream.read(BLOCK_BYTES):
        yield block
