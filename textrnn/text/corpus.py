"""From text files to ids on disk: normalised, split in order, encoded in pieces, memory-mapped.

Memory does not grow with the text: every pass reads pieces, and training reads the file of ids through a
memory map. Three passes: count characters (to know where to split), build the vocabulary on the training
part alone, encode.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import DataError, RunError
from textrnn.base.files import atomic_file
from textrnn.text.documents import Documents
from textrnn.text.normalize import normalize_pieces
from textrnn.text.options import NormalizeConfig, TokenizerConfig
from textrnn.text.reader import BYTES, Source, pieces
from textrnn.text.tokens.load import UNKNOWN_ID, Tokenizer, build_tokenizer, bytes_as_characters

Pieces = Callable[[], Iterator[str]]
PIECE_BYTES = 1 << 20
DECODED = 1 << 16  # tokens that are made text together: what comes of it takes some ninety bytes for each


@dataclass(frozen=True)
class Part:
    """One part of a corpus as ids on disk.

    Attributes:
        ids: int[num_tokens], memory-mapped, of the smallest unsigned type that holds the vocabulary.
        num_chars: characters of normalised text.
        num_unknown: tokens that the vocabulary does not know.
        sha256: of the file of ids, in hexadecimal digits.
        ends: tokens of this part up to the end of each file of the corpus, where they are known.
    """

    ids: np.ndarray
    num_chars: int
    num_unknown: int
    sha256: str
    ends: tuple[int, ...] = ()


def smallest_dtype(vocab_size: int) -> np.dtype[Any]:
    """The smallest unsigned integer type that holds ids below `vocab_size`.

    Example:
        >>> smallest_dtype(256), smallest_dtype(257)
        (dtype('uint8'), dtype('uint16'))
    """
    return np.min_scalar_type(vocab_size - 1)


def normalized_text(sources: Sequence[Source], config: NormalizeConfig, ends: list[int] | None = None) -> Iterator[str]:
    """The normalised text of files, in pieces; a file that does not end its last line is given a line end.

    What is read byte by byte stays as it is. No piece is of two files. To `ends` the number of characters up to the end
    of each file is added.
    """
    num_chars = 0
    for index, source in enumerate(sources):
        last = ""
        for piece in pieces(source) if source.encoding == BYTES else normalize_pieces(pieces(source), config):
            last, num_chars = piece or last, num_chars + len(piece)
            yield piece
        if index + 1 < len(sources) and source.encoding != BYTES and not last.endswith("\n"):
            num_chars += 1
            yield "\n"
        if ends is not None:
            ends.append(num_chars)


def between(text: Iterable[str], begin: int, end: int | None) -> Iterator[str]:
    """The characters from `begin` to before `end` of a text in pieces."""
    place = 0
    for piece in text:
        part = piece[max(0, begin - place) : None if end is None else end - place]
        place += len(piece)
        if part:
            yield part
        if end is not None and place >= end:
            return


def write_ids(text: Iterable[str], tokenizer: Tokenizer, path: Path, char_ends: Sequence[int] = ()) -> Part:
    """Encodes a text in pieces into a file of ids and maps it.

    Args:
        text: its pieces.
        tokenizer: what encodes each.
        path: of the file.
        char_ends: characters up to the end of each file of the corpus, of which `Part.ends` are made; a piece ends
            there, or the text before.

    Raises:
        DataError: the text has no tokens.
        RunError: the file cannot be written.
    """
    dtype = smallest_dtype(tokenizer.vocab_size)
    num_chars, num_unknown, digest = 0, 0, hashlib.sha256()
    num_tokens, ends = 0, np.zeros(len(char_ends), np.int64)
    try:
        with open(path, "wb") as file:
            for piece in text:
                ids = tokenizer.encode(piece)
                num_chars += len(piece)
                num_unknown += int(np.count_nonzero(ids == UNKNOWN_ID))
                num_tokens += len(ids)
                ends[np.greater_equal(char_ends, num_chars)] = num_tokens
                data = ids.astype(dtype).data
                digest.update(data)
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise RunError(f"cannot write the encoded text to {path}: {error.strerror}") from None
    return Part(map_ids(path, dtype), num_chars, num_unknown, digest.hexdigest(), tuple(ends.tolist()))


def map_ids(path: Path, dtype: np.dtype[Any]) -> np.ndarray:
    """Maps a file of ids that `write_ids` wrote.

    Raises:
        RunError: it is missing, empty, or cut within a token.
    """
    try:
        return np.memmap(path, dtype, mode="r")
    except FileNotFoundError:
        raise RunError(
            f"{path} is missing: without the encoded text training cannot go on; restore it from a copy or train again"
        ) from None
    except (OSError, ValueError) as error:
        raise RunError(f"{path} with the encoded text cannot be read: {error}") from None


def forget_pages(ids: np.ndarray) -> None:
    """Gives back the memory of what has been read of mapped ids; the system may still have it in its cache.

    Without it, the pages that training reads here and there stay with the process until it has all of a long text.
    """
    if isinstance(ids.base, mmap.mmap) and hasattr(ids.base, "madvise"):  # not on Windows
        ids.base.madvise(mmap.MADV_DONTNEED)


def decoded(ids: np.ndarray, tokenizer: Tokenizer, most: int | None = None) -> Iterator[str]:
    """The text of ids in pieces, without what begins a document; of the first `most` tokens, if that is given."""
    for begin in range(0, len(ids[:most]), DECODED):
        piece = np.asarray(ids[:most][begin : begin + DECODED], np.int32)
        yield tokenizer.decode(piece[piece < tokenizer.vocab_size])


def largest_id(ids: np.ndarray) -> int:
    """The largest of some ids, at least one, found in constant memory."""
    largest = 0
    for begin in range(0, len(ids), PIECE_BYTES):
        largest = max(largest, int(ids[begin : begin + PIECE_BYTES].max()))
        forget_pages(ids)
    return largest


def check_ids(path: Path, sha256: str) -> None:
    """Compares a file of ids with its checksum, in constant memory.

    Raises:
        RunError: it cannot be read, or it is not the file that was written.
    """
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while data := file.read(PIECE_BYTES):
                digest.update(data)
    except OSError as error:
        raise RunError(f"{path} with the encoded text cannot be read: {error.strerror}") from None
    if digest.hexdigest() != sha256:
        raise RunError(f"{path} is damaged: its content does not fit its checksum; restore it or train again")


def sha256_of(ids: np.ndarray) -> str:
    """The checksum of mapped ids or codes, in hexadecimal digits, in constant memory."""
    digest = hashlib.sha256()
    for begin in range(0, len(ids), PIECE_BYTES):
        digest.update(ids[begin : begin + PIECE_BYTES].tobytes())
    return digest.hexdigest()


def copy_ids(ids: np.ndarray, path: Path) -> None:
    """Writes ids that are mapped into a file, in constant memory; the mapped file may have been removed meanwhile.

    Raises:
        OSError: it cannot be written.
    """
    with atomic_file(path) as file:
        for begin in range(0, len(ids), PIECE_BYTES):
            file.write(ids[begin : begin + PIECE_BYTES].tobytes())


@dataclass(frozen=True)
class Corpus:
    """A training and a held-out part with the tokenizer that made them; `documents` if they consist of some."""

    train: Part
    valid: Part
    tokenizer: Tokenizer
    documents: Documents | None = None

    @property
    def vocab_size(self) -> int:
        """Tokens that a network tells apart: those of the tokenizer, and the end of a document if there are any."""
        return self.tokenizer.vocab_size + (self.documents is not None)

    @property
    def num_ids(self) -> int:
        """Different ids that the parts may have."""
        return self.tokenizer.vocab_size if self.documents is None else self.documents.num_ids

    @property
    def end_id(self) -> int | None:
        """Where there are documents, the first of the ids that begin one; the last one's end."""
        return None if self.documents is None else self.documents.end_id

    @property
    def num_conditions(self) -> int:
        """Conditions that documents are in."""
        return 0 if self.documents is None else len(self.documents.conditions)


def count_chars(text: Iterable[str]) -> int:
    """Characters of a text in pieces.

    Raises:
        DataError: nothing but white space is left after normalisation.
    """
    num_chars, blank = 0, True
    for piece in text:
        num_chars += len(piece)
        blank = blank and not piece.strip()
    if blank:
        raise DataError("the text is empty or white space only (after normalisation): expected something to learn from")
    return num_chars


def prepare(
    sources: Sequence[Source],
    validation: Sequence[Source],
    folder: Path,
    *,
    normalize: NormalizeConfig,
    tokenizer: TokenizerConfig,
    held_out: float,
    known: Tokenizer | None = None,
) -> Corpus:
    """Splits, builds the vocabulary on the training part, and encodes both parts into `folder`.

    Args:
        sources: the training text; its end is held out when `validation` is empty.
        validation: files to hold out instead.
        folder: where `train.ids` and `valid.ids` are written.
        normalize: the preprocessing.
        tokenizer: level and limits of the vocabulary, resolved.
        held_out: share of the characters that is held out, at the end.
        known: the vocabulary that this one begins with, see `build_tokenizer`.

    Raises:
        DataError: a part is empty.
        TokenizerError: no vocabulary can be made.
    """
    ends: list[int] = []
    num_chars = count_chars(normalized_text(sources, normalize, ends))
    if validation:
        cut, held_text = num_chars, normalized_text(validation, normalize)
        count_chars(normalized_text(validation, normalize))
    else:
        # The rounding guards against 0.9 * 10 = 9.000000000000002 in floating point.
        cut = int(round(num_chars * (1 - held_out), 6))
        held_text = between(normalized_text(sources, normalize), cut, None)
    if min(cut, num_chars if validation else num_chars - cut) < 1:
        raise DataError(f"the text has {num_chars} characters: too few to hold {held_out:g} of them out")
    if known is None and sources[0].encoding == BYTES:
        known = bytes_as_characters()
    built = build_tokenizer(tokenizer, between(normalized_text(sources, normalize), 0, cut), known)
    folder.mkdir(parents=True, exist_ok=True)
    train = write_ids(between(normalized_text(sources, normalize), 0, cut), built, folder / "train.ids", ends)
    return Corpus(train, write_ids(held_text, built, folder / "valid.ids"), built)


def start_id(tokenizer: Tokenizer) -> int:
    """The token after which a document begins: a line end if the vocabulary has one, else padding.

    A model has seen thousands of lines begin, but at most a few documents.
    """
    ids = tokenizer.encode("\n")
    return int(ids[-1]) if len(ids) and ids[-1] != UNKNOWN_ID else 0
