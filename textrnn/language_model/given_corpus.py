"""A corpus that is given in Python: the names of files, or the texts themselves, which are copied to a file first.

Training reads a corpus several times and a run knows its SHA-256, so texts that come once are treated as standard input
is: they are written as a table of JSON lines into a temporary folder, one after the other, and read from there.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from textrnn.base.errors import ConfigError, DataError
from textrnn.nn.reservoir_options import ESN
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.given import GIVEN, is_frame

EXPECTED = "expected texts, or dictionaries that have one"


class GivenTexts:
    """Texts of a corpus, one at a time.

    Args:
        texts: strings, or rows: dictionaries by column, or a DataFrame.
        options: those of the training; `text_column` (by default "text") and `condition` name columns of rows.
    """

    def __init__(self, texts: Iterable[Any], options: Mapping[str, Any]) -> None:
        self._text, self._condition = options.get("text_column") or "text", options.get("condition")
        self._items = iter(self._rows_of(texts) if is_frame(texts) else texts)

    @property
    def options(self) -> dict[str, str]:
        """What says how the file is read that `write` makes."""
        return dict(text_column=self._text, delimiter="jsonl")

    def lines(self) -> Iterator[str]:
        """JSON lines of those that are not blank.

        Raises:
            ConfigError: a row has not the columns that are named.
            DataError: one is neither a text nor a row that has one; or all are blank.
        """
        is_blank = True
        for number, item in enumerate(self._items, 1):
            row = self._row(number, item)
            if row[self._text].strip():
                is_blank = False
                yield f"{json.dumps(row, ensure_ascii=False)}\n"
        if is_blank:
            raise DataError(f"there is no text in the corpus: {EXPECTED}")

    def _row(self, number: int, item: Any) -> dict[str, Any]:
        """What is kept of an item: its text, and its condition if it has one."""
        if isinstance(item, str):
            if self._condition is not None:
                raise ConfigError(f"text {number:,} has no condition {self._condition!r:.60}: expected dictionaries")
            return {self._text: item}
        if not isinstance(item, Mapping):
            raise DataError(f"text {number:,} is {item!r:.60}: {EXPECTED}")
        kept = [self._text, *[self._condition] * (self._condition is not None)]
        if missing := [name for name in kept if name not in item]:
            raise ConfigError(
                f"row {number:,} has no {missing[0]!r:.60} (there: {_listed(item)}): name the key of the texts by "
                "text_column, that of their condition by condition"
            )
        text = item[self._text]
        if _is_missing(text):
            text = ""
        if not isinstance(text, str):
            raise DataError(f"row {number:,} has {text!r:.60} as {self._text!r:.60}: expected a text")
        return {name: str(item[name]) for name in kept if not _is_missing(item[name])} | {self._text: text}

    def _rows_of(self, frame: Any) -> Iterator[dict[str, Any]]:
        names = [name for name in (self._text, self._condition) if name is not None and name in list(frame.columns)]
        if self._text not in names:
            raise ConfigError(f"the DataFrame has no column {self._text!r:.60} (there: {_listed(frame.columns)})")
        return (dict(zip(names, cells, strict=True)) for cells in zip(*(frame[name] for name in names), strict=True))


def _is_missing(value: Any) -> bool:
    return value is None or value != value


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(f"{name!r:.40}" for name in list(names)[:12]) or "nothing"


@contextlib.contextmanager
def given_corpus(corpus: Any, options: Mapping[str, Any]) -> Iterator[tuple[list[str], dict[str, str]]]:
    """The files of a corpus within the block, and the options that say how they are read, if some do.

    Args:
        corpus: a path, a list or tuple of paths, or any iterable of paths that are no strings; else texts or rows, see
            `GivenTexts`, which are read once.
        options: of the training.

    Raises:
        ConfigError: it is none of this, or a column is missing.
        DataError: one of the texts is none, or they cannot be copied.
    """
    paths, rest = _parted(corpus)
    if paths is not None:
        yield [os.fspath(path) for path in paths], {}
        return
    if options.get("arch") == ESN:
        raise ConfigError("--arch esn reads one running text, and texts are documents: write them to a file")
    texts = GivenTexts(rest, options)
    with tempfile.TemporaryDirectory(prefix="textrnn-") as folder:
        path = os.path.join(folder, GIVEN)
        with open(path, "w", encoding="utf-8", errors="replace", newline="") as file:
            for line in texts.lines():
                with _failing_told(path):
                    file.write(line)
            with _failing_told(path):
                file.flush()
        yield [path], texts.options


def _parted(corpus: Any) -> tuple[list[Any] | None, Any]:
    """The paths that a corpus consists of, or None; and all of it where it is no paths."""
    if isinstance(corpus, str | os.PathLike):
        return [corpus], ()
    if is_frame(corpus):
        return None, corpus
    if isinstance(corpus, Mapping):
        raise ConfigError(f"the corpus is a dictionary of {_listed(corpus)}: {EXPECTED}; take one of them")
    if hasattr(corpus, "read"):
        raise ConfigError(f"the corpus is {corpus!r:.60}: name a file by its path")
    if isinstance(corpus, bytes) or not hasattr(corpus, "__iter__"):
        raise ConfigError(f"the corpus is {corpus!r:.60}: {EXPECTED}, or paths of files")
    items, is_list = iter(corpus), isinstance(corpus, list | tuple)
    first = list(islice(items, 1))
    are_paths = isinstance(first[0], (str, os.PathLike) if is_list else os.PathLike) if first else is_list
    if not are_paths:
        return None, chain(first, items)
    paths = [*first, *items]
    if isinstance(corpus, list) and len(paths) > 1 and not any(map(_may_be_file, paths)):
        raise ConfigError(
            f"none of the {len(paths):,} strings of the corpus is a file, such as {paths[0]!r:.60}: of a list, "
            "files are expected; texts are given as iter(texts)"
        )
    return paths, ()


def _may_be_file(path: Any) -> bool:
    return path == STANDARD_INPUT or os.path.exists(path) or glob.has_magic(path)


@contextlib.contextmanager
def _failing_told(path: str) -> Iterator[None]:
    """What the system refuses within the block becomes a DataError."""
    try:
        yield
    except OSError as error:
        raise DataError(f"the texts cannot be copied to {path}: {error.strerror or error}") from None
