"""Packed files: `.gz`, or a `.zip` with one file in it; read from an unpacked copy, and packed again."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePath
from typing import IO, BinaryIO

from textrnn.base.errors import DataError
from textrnn.text.streams import opened, spooled

GZIP, ZIP = ".gz", ".zip"
PACKED = (GZIP, ZIP)
MOST_TIMES, LEAST_BOUND = 200, 1 << 26  # its own size, and bytes, that a packed file may unpack to
_GZIP_MAGIC = b"\x1f\x8b"
_DOCUMENTS = {"content.xml": "a document or spreadsheet of OpenDocument", "Index/Document.iwa": "of Apple's Numbers"}
_ABOUT = frozenset({"README", "LICENSE", "LICENCE", "COPYING", "NOTICE"})  # files about the one that is meant
_OFFICE = "[Content_Types].xml"  # in a spreadsheet or a letter, which is a zip archive too


def inner_name(path: str) -> str:
    """The name of the file that is packed in another, or of a file that is not packed; without folders.

    Raises:
        DataError: it is damaged, or an archive of several files.
    """
    name = os.path.basename(path)
    if name.lower().endswith(GZIP):
        return name[: -len(GZIP)]
    with _archive(path) as (_, inner):
        return name if inner is None else PurePath(inner).name


@contextlib.contextmanager
def unpacked(path: str) -> Iterator[tuple[str, str]]:
    """A file that can be read as it is: the path of a copy that is deleted at the end, or its own if it is not packed.

    Args:
        path: a file.

    Yields:
        the path, and the name of the file that was packed, see `inner_name`.

    Raises:
        DataError: it is damaged, or an archive of several files.
    """
    with opened(path, path) as stream:
        head = stream.read(2)
    name = inner_name(path)
    with contextlib.ExitStack() as stack:
        copy = path
        if head == _GZIP_MAGIC or path.lower().endswith(GZIP):
            with opened(path, path) as packed, gzip.GzipFile(fileobj=packed) as content, _damage(path, "gzip"):
                content.peek(1)  # what is not packed at all is refused before anything is copied
                copy = stack.enter_context(spooled(_Bounded(content, path), path))  # type: ignore[arg-type]
        else:
            with _archive(path) as (archive, inner):
                if archive is not None and inner is not None:
                    with archive.open(inner) as content:
                        copy = stack.enter_context(spooled(_Bounded(content, path), path))  # type: ignore[arg-type]
        yield copy, name


class _Bounded:
    """What a packed file unpacks to, up to a size that texts have, however well they are packed.

    Args:
        stream: unpacks it.
        path: of the file.
    """

    def __init__(self, stream: IO[bytes], path: str) -> None:
        self._stream, self._path = stream, path
        self._left = max(LEAST_BOUND, MOST_TIMES * os.path.getsize(path))

    def read(self, size: int) -> bytes:
        """Raises DataError where it is more."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise DataError(f"{self._path} unpacks to more than {MOST_TIMES} times its size: unpack it first to use it")
        return data


@contextlib.contextmanager
def _archive(path: str) -> Iterator[tuple[zipfile.ZipFile | None, str | None]]:
    """A file as an archive, and the name of the only file in it; None for each where it is none."""
    with opened(path, path) as stream:
        is_archive = stream.read(2) == b"PK"
    if not is_archive or not zipfile.is_zipfile(path):
        yield None, None
        return
    with _damage(path, "zip"), zipfile.ZipFile(path) as archive:
        yield archive, _only_file(archive, path)


@contextlib.contextmanager
def packing(file: BinaryIO, output: str, inner: str) -> Iterator[BinaryIO]:
    """A file to write that is packed as the suffix of the output says, if it says so.

    Args:
        file: where the packed bytes go.
        output: the name of the output.
        inner: the name of the table within a `.zip`.
    """
    if output.lower().endswith(GZIP):
        with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
            yield packed  # type: ignore[misc]
    elif output.lower().endswith(ZIP):
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(inner, "w") as packed:
            yield packed  # type: ignore[misc]
    else:
        yield file


@contextlib.contextmanager
def _damage(path: str, kind: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError) as error:
        raise DataError(f"{path} is no whole {kind} file: {error!s:.100}; pack it again") from None
    except UnicodeDecodeError:  # of a name in the archive
        raise DataError(f"{path} is no whole {kind} file; pack it again") from None
    except OSError as error:  # of a place in the file that cannot be
        if error.errno != errno.EINVAL:
            raise
        raise DataError(f"{path} is no whole {kind} file; pack it again") from None
    except RuntimeError as error:  # of zipfile, for a password
        if "encrypted" not in str(error):
            raise
        raise DataError(f"{path} needs a password: unpack it first") from None


def _only_file(archive: zipfile.ZipFile, path: str) -> str | None:
    """The name of the only file of an archive, but for what systems add and a README; None of an Office document."""
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if _OFFICE in names:
        return None
    names = [name for name in names if not name.startswith("__MACOSX/") and not PurePath(name).name.startswith(".")]
    if document := next((words for part, words in _DOCUMENTS.items() if part in names), None):
        raise DataError(f"{path} is {document}: save it there as text, or a table as .xlsx or 'CSV UTF-8'")
    told = [name for name in names if PurePath(name).stem.upper() not in _ABOUT]
    names = told if len(told) == 1 else names
    if len(names) != 1:
        shown = f" ({', '.join(names[:3])}{', ...' * (len(names) > 3)})" if names else ""
        raise DataError(f"{path} holds {len(names)} files{shown}: expected one; unpack it and name a file")
    return names[0]
