"""Files of word vectors in text form, read line by line: only what is kept is in memory.

Two forms: `.vec`, as fastText and word2vec write it, whose first line tells the number of words and the width; and that
of GloVe, without such a line, in which a few words have blanks. Either may be packed with gzip.
"""

from __future__ import annotations

import gzip
import io
import os
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, cast

import numpy as np

from textrnn.base.errors import DataError
from textrnn.text.files import find_file
from textrnn.text.lines import each_line_of_bytes
from textrnn.text.reader import blocks_of, opened
from textrnn.text.words import fold

MAX_LINE_BYTES = 1 << 20
HEAD_BYTES, HEAD_LINES = MAX_LINE_BYTES, 100  # looked at to tell the form
MAX_CONTROL_SHARE = 0.01
LINES_BETWEEN_LOOKS = 10_000  # at whether to stop

_GZIP, _ZIP, _FASTTEXT_BIN = b"\x1f\x8b", b"PK\x03\x04", b"\xba\x16\x4f\x2f"
_CONTROL = bytes(range(9)) + bytes(range(14, 32))
EXPECTED = "expected lines of a word and its numbers, such as `tea 0.12 -0.3 0.07`"


MAX_WIDTH = 65_536


@dataclass
class Wanted:
    """Which words of a file are kept.

    Attributes:
        always: these.
        rather: these, but no more than `room`.
        room: how many of the others.
        is_token: whether a word can be a token at all.
    """

    always: Collection[str]
    rather: Collection[str] = ()
    room: int = 0
    is_token: Callable[[str], bool] = lambda word: True


@dataclass
class _Kept:
    """Vectors by token, in the order of the file; those of words that are spelled like their tokens are `exact`."""

    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    exact: set[str] = field(default_factory=set)
    num_rather: int = 0
    num_more: int = 0

    def wants(self, token: str, is_exact: bool, wanted: Wanted) -> bool:
        if token in self.vectors:
            return is_exact and token not in self.exact
        if token in wanted.always:
            return True
        if token in wanted.rather:
            self.num_rather += 1
            return self.num_rather <= wanted.room
        if self.num_more < wanted.room and wanted.is_token(token):
            self.num_more += 1
            return True
        return False


def vectors_width(path: str) -> int:
    """How many numbers the vectors of a file have; raises DataError if it has none."""
    return _layout(path)[0]


def read_vectors(
    path: str,
    wanted: Wanted,
    *,
    unicode: str = "NFC",
    interrupted: Callable[[], bool] = lambda: False,
) -> dict[str, np.ndarray]:
    """Reads the vectors of some words.

    A word stands for its form in lower case as well, unless that has a vector of its own; of two equal ones the first
    counts.

    Args:
        path: the file.
        wanted: which words.
        unicode: Unicode form that they are in.
        interrupted: whether to leave out the rest.

    Returns:
        float32[width] by token, in the order of the file.

    Raises:
        DataError: the file cannot be read, its vectors have different widths, or a number is none.
    """
    width, has_header = _layout(path)
    kept = _Kept()
    for number, line in _lines(path):
        if number % LINES_BETWEEN_LOOKS == 0 and interrupted():
            break
        if (has_header and number == 1) or not line:
            continue
        first, _, numbers = line.partition(b" ")
        if line.count(b" ") != width:
            first, numbers = _parted(path, number, line, width, has_header)
        word = first.decode("utf-8", "replace")
        token = _as_token(word, unicode)
        if kept.wants(token, token == word, wanted):
            kept.vectors[token] = _parsed(path, number, word, numbers)
            if token == word:
                kept.exact.add(token)
    return kept.vectors


def _as_token(word: str, unicode: str) -> str:
    """A word in the form that texts are brought to."""
    if not word.isascii() and unicode != "none":
        word = unicodedata.normalize(cast(Literal["NFC"], unicode), word)
    return fold(word)


def _parsed(path: str, number: int, word: str, numbers: bytes) -> np.ndarray:
    try:
        vector = np.array([float(part) for part in numbers.split(b" ")], np.float64)
    except ValueError as error:
        raise DataError(f"line {number:,} of {path} ({word!r:.40}) is no vector: {error!s:.80}; {EXPECTED}") from None
    if not (np.abs(vector) < np.finfo(np.float32).max).all():  # neither infinite nor NaN
        raise DataError(f"line {number:,} of {path} ({word!r:.40}) has numbers that are not finite: {EXPECTED}")
    return vector.astype(np.float32)


def _parted(path: str, number: int, line: bytes, width: int, has_header: bool) -> tuple[bytes, bytes]:
    """Word and numbers of a line with more or fewer blanks than one before each number."""
    words = line.split()
    if len(words) == width + 1:
        return words[0], b" ".join(words[1:])
    parts = line.rsplit(b" ", width)
    extra = parts[0].split(b" ")[1:]
    if len(parts) == width + 1 and not all(map(_is_number, extra)):
        return parts[0], b" ".join(parts[1:])  # a word with blanks
    told = "as its first line says" if has_header else "as the lines at its beginning have"
    raise DataError(
        f"line {number:,} of {path} has {len(words) - 1:,} numbers: expected {width:,}, {told}; "
        "the file is damaged or cut off"
    )


def _is_number(part: bytes) -> bool:
    try:
        float(part)
    except ValueError:
        return False
    return True


def _layout(path: str) -> tuple[int, bool]:
    """The width of the vectors, and whether there is a first line that tells it."""
    with _stream(path) as stream:
        head = stream.read(HEAD_BYTES)
    lines = _complete(head)[:HEAD_LINES]
    header = lines[0].split() if lines else []
    has_header = len(header) == 2 and all(part.isdigit() for part in header)
    _refuse_binary(path, head, has_header)
    if has_header:
        lines = lines[1:]
    if not any(lines):
        raise DataError(f"{path} has no vectors: {EXPECTED}")
    # A number may be a word, or a part of one: what most lines have is the width.
    width = Counter(_trailing_numbers(line) for line in lines if line).most_common(1)[0][0]
    if has_header:
        width = int(header[1])
    if not 2 <= width <= MAX_WIDTH:
        raise DataError(
            f"{path} has no vectors, its first line is {(b' '.join(header) or lines[0])[:40]!r}: {EXPECTED}"
        )
    return width, has_header


def _complete(head: bytes) -> list[bytes]:
    """The lines at the beginning of a file, without the last one if it may go on."""
    lines = list(each_line_of_bytes([head.removeprefix(b"\xef\xbb\xbf")], HEAD_BYTES))
    if len(head) == HEAD_BYTES and len(lines) > 1:
        lines.pop()
    return [_cleaned(line) for line in lines]


def _trailing_numbers(line: bytes) -> int:
    parts = line.split()
    count = 0
    while count < len(parts) - 1 and _is_number(parts[-1 - count]):
        count += 1
    return count


def _refuse_binary(path: str, head: bytes, has_header: bool) -> None:
    if head.startswith(_ZIP):
        raise DataError(f"{path} is a zip archive: unpack it, and give one of the text files that are in it")
    if head.startswith(_FASTTEXT_BIN):
        raise DataError(f"{path} is a binary model of fastText: give the .vec file of the same vectors")
    share = (len(head) - len(head.translate(None, _CONTROL))) / max(1, len(head))
    if b"\0" not in head and share <= MAX_CONTROL_SHARE:
        return
    if has_header:
        raise DataError(
            f"{path} is a binary file of word2vec: save it as text, for example with gensim: "
            "KeyedVectors.load_word2vec_format(FILE, binary=True).save_word2vec_format('vectors.vec')"
        )
    raise DataError(f"{path} is binary, or not in UTF-8: {EXPECTED}")


def _cleaned(line: bytes) -> bytes:
    line = line.rstrip()
    return line.replace(b"\t", b" ") if b"\t" in line else line


def _lines(path: str) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers, from 1, without white space at their ends."""
    with _stream(path) as stream:
        for number, line in enumerate(each_line_of_bytes(blocks_of(stream), MAX_LINE_BYTES), 1):
            if len(line) > MAX_LINE_BYTES:
                raise DataError(f"line {number:,} of {path} is longer than {MAX_LINE_BYTES:,} bytes: {EXPECTED}")
            yield number, _cleaned(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)


@contextmanager
def _stream(path: str) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked; what cannot be read becomes a DataError."""
    if not os.path.exists(path):
        find_file(path)  # which says what is near
    if not os.path.isfile(path):
        raise DataError(f"{path} is no file: expected a text file of word vectors")
    with opened(path, path) as raw:
        packed = raw.read(2) == _GZIP
        raw.seek(0)
        try:
            yield cast(BinaryIO, io.BufferedReader(cast(Any, gzip.GzipFile(fileobj=raw)))) if packed else raw
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise DataError(f"{path} is cut off or damaged: it cannot be unpacked; load it again") from None
