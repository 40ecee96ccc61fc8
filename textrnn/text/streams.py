"""Files, pipes and standard input as bytes; what can be read only once is copied to a temporary file."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from io import BufferedReader
from typing import BinaryIO, cast

from textrnn.base.errors import DataError
from textrnn.text.encodings import BLOCK_BYTES, blocks_of


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
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:  # of a stream that unpacks
            raise DataError(f"{label} is cut off or damaged, and cannot be unpacked: {error}") from None
        except OSError as error:
            raise DataError(f"{label} cannot be copied to {path}: {error.strerror or error}") from None
        yield path
    finally:
        os.unlink(path)


def digest_of(stream: BinaryIO) -> tuple[int, str]:
    """The size of a file and the hexadecimal SHA-256 of its bytes."""
    stream.seek(0)
    digest = hashlib.sha256()
    for block in blocks_of(stream):
        digest.update(block)
    return stream.tell(), digest.hexdigest()
