"""Pairs of texts out of a file, see `textrnn.translator.forms`, or out of two files with a text on each line."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from textrnn.base.errors import DataError
from textrnn.text.lines import each_line, lines_of
from textrnn.text.normalize import normalize
from textrnn.text.options import NormalizeConfig
from textrnn.text.reader import Reading, Source, open_sources, pieces
from textrnn.translator.forms import SAMPLE, Found, NoPairsError, PairOptions, read_form

__all__ = ["PairOptions", "Pairs", "one_line", "read_pairs", "why_no_pairs"]
PARALLEL = "parallel"  # the form of two files
NOTHING = {"jsonl": "objects with two texts", "tmx": "units with two texts", PARALLEL: "a text on each line of both"}


@dataclass
class Pairs:
    """Pairs of texts, normalised, without doubles.

    Attributes:
        sources: one for each pair.
        targets: the same.
        warnings: what a person should know.
        form: one of `textrnn.translator.forms`, or `parallel`.
        file: the name, size and digest of the file, and of the one with the targets as `target`.
        between: what the sides are, such as `en to fr`, where that is known.
        is_reversed: whether the sides have changed places.
    """

    sources: list[str]
    targets: list[str]
    warnings: list[str] = field(default_factory=list)
    form: str = "tsv"
    file: dict[str, Any] = field(default_factory=dict)
    between: str = ""
    is_reversed: bool = False

    def __len__(self) -> int:
        return len(self.sources)

    def some(self, chosen: np.ndarray | Sequence[int]) -> Pairs:
        """Some of the pairs, by their places."""
        sources, targets = ([side[row] for row in chosen] for side in (self.sources, self.targets))
        return replace(self, sources=sources, targets=targets)

    def turned(self) -> Pairs:
        """The same pairs the other way round."""
        return replace(self, sources=self.targets, targets=self.sources, is_reversed=not self.is_reversed)


def read_pairs(path: str, options: PairOptions, config: NormalizeConfig, *, target: str | None = None) -> Pairs:
    """Reads a file of pairs, or two files with a text on each line.

    Args:
        path: the file; `-` is standard input.
        options: what is known about it.
        config: what is done to both sides; beside that, white space at their ends goes and any within is one blank.
        target: the file whose lines belong to those of `path`, if there is one.

    Raises:
        DataError: it is missing, empty, in no known encoding, or holds no pairs; or two files have other numbers of
            lines.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "pairs.tsv")
        ...     with open(path, "w", encoding="utf-8") as file:
        ...         _ = file.write("Go.\\tVa !\\tby someone\\nHi.\\tSalut !\\n")
        ...     found = read_pairs(path, PairOptions(), NormalizeConfig())
        >>> found.sources, found.targets, found.form
        (['Go.', 'Hi.'], ['Va !', 'Salut !'], 'tsv')
    """
    notes = list[str]()
    lines, file = _lines(path, options.reading, notes.append)
    label = str(file["name"])
    if target is None:
        form, found = read_form(lines, label, options)
    else:
        others, file["target"] = _lines(target, options.reading, notes.append)
        form, found = PARALLEL, Found(_side_by_side((label, lines), (file["target"]["name"], others)), 0)
    pairs = _cleaned(found, label, form, config)
    pairs = replace(pairs, file=file, warnings=[*notes, *pairs.warnings])
    return pairs.turned() if options.reverse else pairs


def why_no_pairs(path: str, options: PairOptions) -> str:
    """Why the first lines of a file are single texts and no pairs; "" if they are pairs, or neither, which reading
    them refuses. Raises DataError if the file cannot be read."""
    with opened_text(path, options.reading, lambda line: None) as source:
        text = "".join(itertools.islice(pieces(source), 2)).removeprefix("\ufeff")
    try:
        read_form(lines_of(text)[:SAMPLE], source.name, options)
    except NoPairsError as error:
        return str(error)
    except DataError:
        pass
    return ""


def _lines(path: str, reading: Reading, warn: Callable[[str], None]) -> tuple[list[str], dict[str, Any]]:
    """The lines of a file, and its name, size and digest."""
    with opened_text(path, reading, warn) as source:
        lines = list(each_line(pieces(source)))
        lines[:1] = [line.removeprefix("\ufeff") for line in lines[:1]]
        return lines, dict(name=source.name, bytes=source.num_bytes, sha256=source.sha256)


@contextlib.contextmanager
def opened_text(path: str, reading: Reading, warn: Callable[[str], None]) -> Iterator[Source]:
    """A file as a source of text; raises DataError if there is none."""
    if os.path.isdir(path):
        raise DataError(f"{path} is a folder: expected a file of pairs, source TAB target")
    with open_sources([path], reading, warn=warn) as sources:
        yield sources[0]


def _side_by_side(source: tuple[str, list[str]], target: tuple[str, list[str]]) -> list[tuple[str, str]]:
    """The lines of two files as pairs; raises DataError if there are more of one."""
    numbers = [f"{name} has {len(lines):,} line{'s' * (len(lines) != 1)}" for name, lines in (source, target)]
    if len(source[1]) == len(target[1]):
        return list(zip(source[1], target[1], strict=True))
    blank = []
    for name, lines in (source, target):
        first = next((number for number, line in enumerate(lines, 1) if not line.strip()), None)
        blank.append(
            f"{name} has no blank line" if first is None else f"line {first:,} is the first blank one of {name}"
        )
    raise DataError(f"{numbers[0]} and {numbers[1]}: expected as many; {', '.join(blank)}")


def one_line(text: str, config: NormalizeConfig) -> str:
    """A side of a pair, normalised, with single blanks for all white space.

    Example:
        >>> one_line(" Va\\u00a0 ! ", NormalizeConfig())
        'Va !'
    """
    return " ".join(normalize(text, config).split())


def _cleaned(found: Found, label: str, form: str, config: NormalizeConfig) -> Pairs:
    """The pairs without doubles and without those of which a side is empty."""
    clean = [(one_line(source, config), one_line(target, config)) for source, target in found.pairs]
    full = list(dict.fromkeys(pair for pair in clean if all(pair)))
    num_empty = sum(not all(pair) for pair in clean)
    warnings = []
    if found.num_bad:
        what = {"jsonl": "record", "tmx": "unit"}.get(form, "line")
        without = "texts" if form in ("jsonl", "tmx") else "a target"
        warnings.append(f"{label}: {found.num_bad:,} {what}{'s' * (found.num_bad > 1)} without {without} left out")
    if num_empty:
        warnings.append(f"{label}: {num_empty:,} pair{'s' * (num_empty > 1)} with an empty side left out")
    if not full:
        expected = NOTHING.get(form, "source TAB target on each line")
        raise DataError(f"{label} has no pair of texts: expected {expected}")
    sides = [source for source, _ in full], [target for _, target in full]
    return Pairs(*sides, warnings, form, between=found.between)
