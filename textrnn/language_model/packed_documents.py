"""Documents as ids on disk, one behind the other in a random order, and the rows in which held-out ones are read.

A document is held out by a hash of its text, so that the same text is never on both sides, in whatever order the rows
of a table are. Memory does not grow with the text: documents are shuffled through files, a part of them at a time.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from textrnn.base.errors import DataError, RunError
from textrnn.language_model.options import Config
from textrnn.language_model.warm_start import WarmStart
from textrnn.text.corpus import Corpus, Part, map_ids, smallest_dtype
from textrnn.text.documents import Document, Documents, Warn, in_order, read_documents, spelled
from textrnn.text.reader import Source
from textrnn.text.tokens.load import UNKNOWN_ID, Tokenizer, build_tokenizer
from textrnn.text.windows import ALL_ROWS, Batch

MOST_CONDITIONS = 1_000
SHUFFLED_CHARS, MOST_FILES = 1 << 22, 200  # characters that are shuffled at a time, and files for the others
SHUFFLING_SEED = 0


@dataclass
class _Split:
    """Which documents of a corpus are held out.

    Attributes:
        below: those whose hash is smaller.
        num_chars: of all documents.
    """

    below: float
    num_chars: int

    def holds_out(self, text: str) -> bool:
        """Whether a document is held out."""
        return text_hash(text) < self.below


def text_hash(text: str) -> float:
    """A number from 0 to below 1 that is the same for the same text, and as good as random.

    Example:
        >>> text_hash("a") == text_hash("a") != text_hash("b")
        True
    """
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big") / 2.0**48


def prepare_documents(
    sources: Sequence[Source],
    validation: Sequence[Source],
    folder: Path,
    *,
    config: Config,
    known: tuple[Tokenizer, Documents] | None = None,
    start: WarmStart | None = None,
    warn: Warn = lambda line: None,
) -> Corpus:
    """Splits documents, builds the vocabulary on those to learn from, and encodes both parts into `folder`.

    Args:
        sources: the corpus; some of its documents are held out when `validation` is empty.
        validation: files whose documents to hold out instead.
        folder: where `train.ids` and `valid.ids` are written.
        config: all options, resolved.
        known: vocabulary and conditions, if another worker has made them.
        start: the run that a new one begins from, whose conditions it keeps.
        warn: told what is left out, in a line.

    Raises:
        DataError: there are too few documents or conditions.
        TokenizerError: no vocabulary can be made.
    """

    def documents(of: Sequence[Source], warn: Warn = lambda line: None) -> Iterator[Document]:
        return read_documents(of, config.documents, config.normalize, warn)

    split = _split(documents(sources, warn), config, has_validation=bool(validation))
    if validation and next(documents(validation), None) is None:
        raise DataError("the validation files have no document with text: expected some to validate on")
    counts = Counter[str | None]()

    def learnt() -> Iterator[Document]:
        return (document for document in documents(sources) if not split.holds_out(document.text))

    def counted() -> Iterator[str]:
        for text, condition in learnt():
            counts[condition] += 1
            if len(counts) > MOST_CONDITIONS:
                raise DataError(
                    f"column {config.documents.condition!r} has more than {MOST_CONDITIONS:,} different values, such "
                    f"as {condition!r:.60}: expected conditions that many texts share; name another with --condition"
                )
            yield spelled(text, config.tokenizer.level)

    if known is None:
        before = None if start is None else start.model
        tokenizer = build_tokenizer(config.tokenizer, counted(), None if before is None else before.tokenizer)
        found = _documents(tokenizer, counts, config, None if before is None else before.documents)
    else:
        tokenizer, found = known
    folder.mkdir(parents=True, exist_ok=True)
    train, num_train = _write(learnt(), tokenizer, found, folder / "train.ids", split.num_chars)
    held = documents(validation, warn) if validation else (d for d in documents(sources) if split.holds_out(d.text))
    valid, num_valid = _write(_known(held, found, warn), tokenizer, found, folder / "valid.ids", split.num_chars)
    found = Documents(found.end_id, num_train, num_valid, found.conditions, found.counts)
    return Corpus(train, valid, tokenizer, found)


def _split(documents: Iterable[Document], config: Config, *, has_validation: bool) -> _Split:
    """Decides which documents are held out: about the share that is wanted, at least one text, and not all."""
    num_chars, num_documents, lowest, highest = 0, 0, math.inf, -math.inf
    for text, _ in documents:
        num_chars, num_documents = num_chars + len(text), num_documents + 1
        number = text_hash(text)
        lowest, highest = min(lowest, number), max(highest, number)
    if not num_documents:
        raise DataError("no document has a text: expected something to learn from")
    if has_validation:
        return _Split(0.0, num_chars)
    if lowest == highest:
        separator = config.documents.document_separator
        if separator is not None:
            raise DataError(
                f"the text has one document only: --document-separator {separator!r:.60} does not part it into "
                "different ones"
            )
        raise DataError(
            "all documents have the same text: expected different ones, of which some are held out, or "
            "--validation-file"
        )
    below = config.data.held_out
    if lowest >= below:
        below = math.nextafter(lowest, 1)
    return _Split(min(below, highest), num_chars)


def _documents(
    tokenizer: Tokenizer, counts: Counter[str | None], config: Config, before: Documents | None
) -> Documents:
    """What is known of the documents to learn from; the conditions are those of `before`, if there is such a run."""
    column = config.documents.condition
    if before is not None and before.conditions:
        if strange := sorted(name for name in counts if name is not None and name not in before.conditions):
            raise DataError(
                f"column {column!r} has {strange[0]!r:.60}, and the run of --from knows "
                f"{', '.join(before.conditions):.200} alone: give the texts one of these conditions, or train a new run"
            )
        numbers = tuple(counts[name] for name in before.conditions)
        return Documents(tokenizer.vocab_size, 0, 0, before.conditions, numbers)
    names = sorted((name for name in counts if name is not None), key=in_order)
    if column is not None and len(names) < 2:
        found = f"a single value, {names[0]!r:.60}" if names else "no values"
        raise DataError(
            f"column {column!r} has {found} in the rows to learn from: expected at least two conditions; name "
            "another column with --condition, or leave it out"
        )
    return Documents(tokenizer.vocab_size, 0, 0, tuple(names), tuple(counts[name] for name in names))


def _known(documents: Iterable[Document], found: Documents, warn: Warn) -> Iterator[Document]:
    """Documents but for those in a condition that is in none to learn from."""
    strange = Counter[str]()
    for document in documents:
        if document.condition is None or document.condition in found.conditions or not found.conditions:
            yield document
        else:
            strange[document.condition] += 1
    if strange:
        listed = ", ".join(f"{name!r:.40}" for name in sorted(strange)[:5])
        warn(f"{sum(strange.values()):,} held-out documents are left out: nothing was learnt of {listed}")


def _write(
    documents: Iterable[Document], tokenizer: Tokenizer, found: Documents, path: Path, num_chars: int
) -> tuple[Part, int]:
    """Encodes documents and writes them in a random order, with `end_id` behind the last.

    Returns:
        the part, and the number of documents.
    """
    rng, dtype = np.random.default_rng(SHUFFLING_SEED), smallest_dtype(found.num_ids)
    files = [path.with_name(f"{path.name}.{n}") for n in range(min(MOST_FILES, 1 + num_chars // SHUFFLED_CHARS))]
    chars = unknown = number = 0
    try:
        opened = [open(file, "wb") for file in files]  # noqa: SIM115 (closed below)
        try:
            for text, condition in documents:
                ids = tokenizer.encode(spelled(text, tokenizer.level))
                start = found.start_id(condition if found.conditions else None)
                opened[int(rng.integers(len(files)))].write(np.concatenate([[start], ids]).astype(dtype).data)
                chars, unknown, number = chars + len(text), unknown + int((ids == UNKNOWN_ID).sum()), number + 1
        finally:
            for stream in opened:
                stream.close()
        if not number:
            raise DataError("no document is left to hold out: expected some to validate on")
        digest = hashlib.sha256()
        with open(path, "wb") as whole:
            for data in _shuffled(files, found.end_id, dtype, rng):
                digest.update(data)
                whole.write(data)
            whole.flush()
            os.fsync(whole.fileno())
    except OSError as error:
        raise RunError(f"cannot write the encoded text to {path}: {error.strerror}") from None
    finally:
        for file in files:
            file.unlink(missing_ok=True)
    return Part(map_ids(path, dtype), chars, unknown, digest.hexdigest()), number


def _shuffled(files: Sequence[Path], end_id: int, dtype: np.dtype, rng: np.random.Generator) -> Iterator[bytes]:
    """The documents of all files, those of each in a random order, and `end_id`."""
    for file in files:
        ids = np.fromfile(file, dtype)
        starts = np.flatnonzero(ids >= end_id)
        documents = np.split(ids, starts[1:]) if len(starts) else []
        if documents:
            yield np.concatenate([documents[place] for place in rng.permutation(len(documents))]).tobytes()
    yield np.array([end_id], dtype).tobytes()


@dataclass(frozen=True)
class DocumentRows:
    """Packed documents read by parallel rows: each begins with a document and a state of zeros, and counts all of it.

    Args:
        ids: int[num_tokens], documents behind their start ids.
        end_id: ids from this one on begin a document.
        rows: most rows to use.

    Example:
        >>> rows = DocumentRows(np.array([9, 2, 3, 9, 4, 9, 5, 6, 9]), 9, rows=2)
        >>> [(batch.x.tolist(), batch.y.tolist(), batch.mask.sum(1).tolist()) for batch in rows.windows(5)]
        [([[9, 2, 3, 9, 4], [9, 5, 6, 0, 0]], [[2, 3, 9, 4, 9], [5, 6, 9, 0, 0]], [5.0, 3.0])]
    """

    ids: np.ndarray
    end_id: int
    rows: int = 64

    @property
    def bounds(self) -> np.ndarray:
        """int64[num_rows + 1], the places where rows begin, and the last place."""
        last = len(self.ids) - 1
        starts = np.flatnonzero(self.ids[:last] >= self.end_id)
        wanted = np.linspace(0, last, self.rows + 1)[:-1]
        first = starts[np.minimum(np.searchsorted(starts, wanted), len(starts) - 1)]
        return np.unique(np.concatenate([[0], first, [last]]))

    @property
    def num_rows(self) -> int:
        """Rows in use."""
        return len(self.bounds) - 1

    def windows(self, steps: int, *, some: slice = ALL_ROWS) -> Iterator[Batch]:
        """Batches of `steps` steps, in order, the state carried from each to the next; of some rows only, if given."""
        bounds = self.bounds
        starts, lengths = bounds[:-1][some, None], np.diff(bounds)[some, None]
        for begin in range(0, int(lengths.max()), steps):
            in_row = begin + np.arange(steps)
            real = in_row < lengths
            places = np.where(real, starts + in_row, 0)
            x, y = (np.where(real, self.ids[places + ahead], 0).astype(np.int32) for ahead in (0, 1))
            yield Batch(x, y, real.astype(np.float32), begin == 0, places=places + 1)
