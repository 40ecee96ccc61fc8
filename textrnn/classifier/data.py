"""What a classifier learns from: the rows of a table, further texts without labels, and ids for one network."""

from __future__ import annotations

import contextlib
import gzip
import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import DataError
from textrnn.classifier.options import ClassifierConfig
from textrnn.classifier.splits import folded, group_numbers
from textrnn.classifier.vectors import StartVectors
from textrnn.text.lines import lines_of
from textrnn.text.reader import Reading, open_sources, opened, pieces, spooled
from textrnn.text.table.table import Table, TableOptions, open_table

FEW_NAMED = 5  # classes that a message lists
MOST_CLASSES = 1_000  # of which a linear model, which has weights for each, is still learnt in minutes
FEW_ROWS = 20
LOOKED_AT = 10_000  # rows, to see whether there are labels
TABLES = frozenset({".csv", ".tsv", ".tab", ".psv", ".json", ".jsonl", ".ndjson"})
PACKED = ".gz"


@dataclass
class Rows:
    """Rows that have a text and a label.

    Attributes:
        texts: as written.
        labels: int64[rows], the class of each.
        numbers: int64[rows], the row numbers in the file, from 1.
        unlabelled: texts of rows that have none.
        counts: of all rows, by what they are.
    """

    texts: list[str]
    labels: np.ndarray
    numbers: np.ndarray
    unlabelled: list[str] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)

    def some(self, chosen: np.ndarray) -> Rows:
        """Some of the rows, int[any] by their places here."""
        return Rows([self.texts[row] for row in chosen.tolist()], self.labels[chosen], self.numbers[chosen])


def read_rows(table: Table, classes: Sequence[str] | None = None) -> tuple[Rows, list[str]]:
    """Reads all rows of a table.

    Args:
        table: opened, with a column of labels.
        classes: the labels that count; None for those that are there, in order.

    Returns:
        the rows, and the classes.

    Raises:
        DataError: there is nothing to learn from, or a label that is not among the classes.
    """
    texts, written, numbers, unlabelled = list[str](), list[str](), list[int](), list[str]()
    empty = list[int]()
    for row in table.rows():
        if not row.text.strip():
            empty.append(row.number)
        elif row.label is None:
            unlabelled.append(row.text)
        else:
            texts.append(row.text)
            written.append(row.label)
            numbers.append(row.number)
    known = list(classes) if classes is not None else sorted(set(written), key=_in_order)
    if strange := sorted(set(written) - set(known)):
        raise DataError(f"{table.name} has labels that were not learnt: {_listed(strange)}; expected {_listed(known)}")
    place = {label: number for number, label in enumerate(known)}
    labels = np.array([place[label] for label in written], np.int64)
    counts: dict[str, Any] = dict(used=len(texts), unlabelled=len(unlabelled), empty=len(empty))
    if empty:
        counts["empty_rows"] = empty[:FEW_NAMED]
    return Rows(texts, labels, np.array(numbers, np.int64), unlabelled, counts), known


def _in_order(label: str) -> tuple[float, str]:
    """Numbers by their size, then everything else."""
    try:
        return float(label), label
    except ValueError:
        return float("inf"), label


def _listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - FEW_NAMED} more" if len(labels) > FEW_NAMED else ""
    return ", ".join(f"{label!r:.40}" for label in labels[:FEW_NAMED]) + more


def has_labels(table: Table) -> bool:
    """Whether there are labels among the first rows of a table."""
    return table.label_column is not None and any(row.label for row in islice(table.rows(), LOOKED_AT))


def check_learnable(rows: Rows, classes: Sequence[str], name: str) -> None:
    """Raises DataError when there are too few rows or classes to learn from, naming them."""
    if not rows.texts:
        raise DataError(f"{name} has no row with both a text and a label: expected some to learn from")
    counts = Counter(rows.labels.tolist())
    num_texts = len(set(group_numbers(rows.texts).tolist()))
    if num_texts < 2:
        raise DataError(f"{name} has the same text in all of its labelled rows: expected at least two different texts")
    if len(classes) < 2:
        raise DataError(
            f"{name} has a single label, {classes[0]!r:.60}, in all of its {len(rows.texts):,} labelled rows: expected "
            "at least two; name another column with --label-column"
        )
    single = [classes[number] for number, count in sorted(counts.items()) if count < 2]
    if len(single) > len(classes) / 2 and len(rows.texts) < FEW_ROWS:
        raise DataError(
            f"{name} has {len(rows.texts)} labelled rows, {len(single)} of them with a label that comes once "
            f"({_listed(single)}): too few to learn from; expected several rows of each label"
        )
    if len(single) > len(classes) / 2:
        raise DataError(
            f"{name} has {len(classes):,} different labels in {len(rows.texts):,} rows, {len(single):,} of them only "
            f"once ({_listed(single)}): that is no column of labels; name another one with --label-column"
        )
    if len(classes) > MOST_CLASSES:
        raise DataError(
            f"{name} has {len(classes):,} different labels, such as {_listed(classes)}: expected {MOST_CLASSES:,} at "
            "most; put rare ones together, or name another column with --label-column"
        )


def similar_labels(classes: Sequence[str]) -> str | None:
    """A warning of labels that differ in case or inner spaces only; None if there are none.

    Example:
        >>> similar_labels(["bad", "good", "Good"])
        "labels that differ in case or spaces only are different ones: 'good' and 'Good'"
    """
    alike: dict[str, list[str]] = {}
    for label in classes:
        alike.setdefault(folded(label), []).append(label)
    groups = [" and ".join(f"{label!r:.40}" for label in group) for group in alike.values() if len(group) > 1]
    more = f" and {len(groups) - FEW_NAMED} more" if len(groups) > FEW_NAMED else ""
    words = "labels that differ in case or spaces only are different ones: "
    return f"{words}{', '.join(groups[:FEW_NAMED])}{more}" if groups else None


def read_unlabelled(path: str, options: TableOptions) -> list[str]:
    """Reads all texts of a file, as many as there are.

    Args:
        path: a table by its suffix (`.csv`, `.tsv`, `.jsonl` and so on), or else a text a line; with `.gz` after it,
            packed.
        options: how tables are read; of other files the encoding.

    Returns:
        those that are not blank.

    Raises:
        DataError: it cannot be read, or holds no text.
    """
    with _plain(path) as (place, name):
        try:
            texts = _cells(place, options) if Path(name).suffix.lower() in TABLES else _lines(place, options.encoding)
        except DataError as error:  # which names the unpacked copy
            raise DataError(str(error).replace(place, path)) from None
    if not (found := [text for text in texts if text.strip()]):
        raise DataError(f"{path} has no text: expected texts without labels")
    return found


def _cells(path: str, options: TableOptions) -> list[str]:
    with open_table(path, options, needs_label=False) as table:
        return [row.text for row in table.rows()]


def _lines(path: str, encoding: str | None) -> list[str]:
    with open_sources([path], Reading(encoding)) as (source,):
        return lines_of("".join(pieces(source)))


@contextlib.contextmanager
def _plain(path: str) -> Iterator[tuple[str, str]]:
    """The path of a file, unpacked if need be, and its name."""
    if Path(path).suffix.lower() != PACKED:
        yield path, path
        return
    with opened(path, path) as packed, gzip.GzipFile(fileobj=packed) as stream:
        try:
            stream.peek(1)  # what is not packed at all is refused before anything is copied
            with spooled(stream, path) as copy:  # type: ignore[arg-type,unused-ignore]
                yield copy, Path(path).stem
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"{path} is no whole gzip file: {error}; pack it again") from None


@dataclass(frozen=True, kw_only=True)
class PretrainRequest:
    """What one network learns from when it learns from texts alone, and within which time.

    Attributes:
        config: all options.
        texts: ids of each text, int32[steps], at least one.
        vocab_size: number of tokens.
        vectors: what the embedding starts with; no text has a token that is unseen there.
        random_seed: seed of the initial weights, the order and dropout.
        seconds: after which training has to end; the learning rate falls so that it is low then.
        interrupted: whether to stop after this step.
        on_step: is called with the share that is done and the loss in nats.
    """

    config: ClassifierConfig
    texts: Sequence[np.ndarray]
    vocab_size: int
    vectors: StartVectors | None = None
    random_seed: int = 0
    seconds: float = math.inf
    interrupted: Callable[[], bool] = lambda: False
    on_step: Callable[[float, float], None] = lambda done, nats: None


@dataclass(frozen=True, kw_only=True)
class NetworkRequest(PretrainRequest):
    """What one network learns from when texts have labels.

    Attributes:
        labels: int[rows], the class of each text.
        held: ids of the texts to predict at the end.
        num_classes: number of classes.
        class_weights: float[classes], what a row of each class counts in the loss.
        initial: weights to begin with, by name; those that are not there begin at random, and so does what they lack
            of the end of the vocabulary.
    """

    labels: np.ndarray
    held: Sequence[np.ndarray]
    num_classes: int
    class_weights: np.ndarray
    initial: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass
class FittedNetwork:
    """A trained network.

    Attributes:
        weights: its arrays by name.
        logits: float32[rows, classes] of the texts that were held out.
        history: a row for each pass: `epoch`, `train_nats`, `seconds`; none of a reservoir.
    """

    weights: dict[str, np.ndarray]
    logits: np.ndarray
    history: list[dict[str, float]] = field(default_factory=list)
