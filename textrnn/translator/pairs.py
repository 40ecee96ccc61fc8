"""Pairs of texts out of a file: source TAB target, a table with two columns, or a dictionary as cmudict is.

tsv       source TAB target; further cells, such as attributions, are ignored; quotes are text
csv       any table: two columns by name or number, or the first two
cmudict   a word, blanks, and its phonemes; `word(2)` is another way to say `word`; `;;;` and `#` begin comments
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from textrnn.base.errors import DataError
from textrnn.text.lines import lines_of
from textrnn.text.normalize import normalize
from textrnn.text.options import NormalizeConfig
from textrnn.text.reader import Reading, Source, open_sources, pieces
from textrnn.text.table.column_facts import column_facts, has_header
from textrnn.text.table.columns import resolve_column
from textrnn.text.table.dialect import find_dialect
from textrnn.text.table.records import read_records

MOST_PHONEMES = 300  # kinds of tokens in the second column of a dictionary
SAMPLE = 2_000  # lines that tell the format
TAB_SHARE = 0.9  # of the lines that have to have a tab
_VARIANT = re.compile(r"\(\d+\)$")
_ENTRY = re.compile(r"(\S+)[ \t]+(\S.*)")
_COMMENT = re.compile(r";;;.*|(?:^|\s)#.*")


@dataclass
class Pairs:
    """Pairs of texts, normalised, without doubles.

    Attributes:
        sources: one for each pair.
        targets: the same.
        warnings: what a person should know.
        form: `tsv`, `csv` or `cmudict`.
        file: the name, size and digest of the file.
    """

    sources: list[str]
    targets: list[str]
    warnings: list[str] = field(default_factory=list)
    form: str = "tsv"
    file: dict[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.sources)

    def some(self, chosen: np.ndarray | Sequence[int]) -> Pairs:
        """Some of the pairs, by their places."""
        sources, targets = ([side[row] for row in chosen] for side in (self.sources, self.targets))
        return Pairs(sources, targets, self.warnings, self.form, self.file)


@dataclass(frozen=True)
class PairOptions:
    """What the user says about a file of pairs; None is to be found out.

    Attributes:
        form: `tsv`, `csv` or `cmudict`.
        source_column: name of the column of the sources, or its number from 1.
        target_column: the same for the targets.
        encoding: name of a Python codec.
        strict_encoding: whether to refuse bytes that do not decode, instead of replacing a few of them.
    """

    form: str | None = None
    source_column: str | None = None
    target_column: str | None = None
    encoding: str | None = None
    strict_encoding: bool = False

    @property
    def reading(self) -> Reading:
        """How files are read."""
        return Reading(self.encoding, self.strict_encoding)


def read_pairs(path: str, options: PairOptions, config: NormalizeConfig) -> Pairs:
    """Reads a file of pairs.

    Args:
        path: the file; `-` is standard input.
        options: what is known about it.
        config: what is done to both sides; beside that, white space at their ends goes and any within is one blank.

    Raises:
        DataError: it is missing, empty, in no known encoding, or holds no pairs.

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
    with opened_text(path, options.reading, notes.append) as (source, label):
        lines = lines_of("".join(pieces(source)).removeprefix("\ufeff"))
        file: dict[str, object] = dict(name=source.name, bytes=source.num_bytes, sha256=source.sha256)
    form = options.form or _form_of(lines, label, options)
    readers = {"tsv": _tsv, "csv": _csv, "cmudict": _cmudict}
    found, num_bad = readers[form](lines, label, options)
    pairs = _cleaned(found, num_bad, label, form, file, config)
    return replace(pairs, warnings=[*notes, *pairs.warnings])


@contextlib.contextmanager
def opened_text(path: str, reading: Reading, warn: Callable[[str], None]) -> Iterator[tuple[Source, str]]:
    """A file as a source of text, and what to call it; raises DataError if there is none."""
    if os.path.isdir(path):
        raise DataError(f"{path} is a folder: expected a file of pairs, source TAB target")
    with open_sources([path], reading, warn=warn) as sources:
        yield sources[0], sources[0].name


def _form_of(lines: Sequence[str], label: str, options: PairOptions) -> str:
    """How a file is written, by its first lines."""
    if options.source_column or options.target_column or label.lower().endswith(".csv"):
        return "csv"
    sample = [line for line in lines if line.strip()][:SAMPLE]
    if sum("\t" in line for line in sample) >= TAB_SHARE * len(sample):
        return "tsv"
    said = [line for line in (_COMMENT.sub("", line).strip() for line in sample) if line]
    entries = [found for line in said if (found := _ENTRY.fullmatch(line))]
    phonemes = [token for entry in entries for token in entry[2].split()]
    # In prose, more words of a few lines are there once.
    is_small = len(set(phonemes)) <= min(MOST_PHONEMES, 0.5 * len(phonemes))
    if entries and len(entries) >= TAB_SHARE * len(said) and is_small:
        return "cmudict"
    number = next(number for number, line in enumerate(lines, 1) if line.strip() and "\t" not in line)
    raise DataError(
        f"{label} has one column only (line {number} has no tab): expected source TAB target on each line; for another "
        "table give --format csv, --source-column and --target-column, for a dictionary of phonemes --format cmudict"
    )


def _tsv(lines: Sequence[str], label: str, options: PairOptions) -> tuple[list[tuple[str, str]], int]:
    cells = [line.split("\t") for line in lines if line.strip()]
    if not any(len(row) > 1 for row in cells):
        raise DataError(f"{label} has one column only: expected source TAB target on each line")
    return [(row[0], row[1]) for row in cells if len(row) > 1], sum(len(row) < 2 for row in cells)


def _cmudict(lines: Sequence[str], label: str, options: PairOptions) -> tuple[list[tuple[str, str]], int]:
    found, num_bad = list[tuple[str, str]](), 0
    for line in lines:
        line = _COMMENT.sub("", line).strip()
        if entry := _ENTRY.fullmatch(line):
            found.append((_VARIANT.sub("", entry[1]), entry[2]))
        else:
            num_bad += bool(line)
    return found, num_bad


def _csv(lines: Sequence[str], label: str, options: PairOptions) -> tuple[list[tuple[str, str]], int]:
    ended = [line + "\n" for line in lines]
    measure = find_dialect(ended[: 10 * SAMPLE], name=label)
    rows = [record.cells for record in read_records(ended, measure.dialect, width=measure.width) if record.cells]
    width = max(map(len, rows))
    if width < 2:
        raise DataError(f"{label} has one column only: expected one of sources and one of targets")
    named = [name for name in (options.source_column, options.target_column) if name and not name.isdecimal()]
    first = [cell.strip() for cell in rows[0]]
    names = first if named or has_header(first, column_facts(rows[1 : SAMPLE + 1], width)) else None

    def column(wanted: str | None, flag: str, default: int) -> int:
        return default if wanted is None else resolve_column(wanted, names, width, flag=flag, table=label)

    if width > 2 and not (options.source_column and options.target_column):
        shown = ", ".join(names or [str(number + 1) for number in range(width)])
        raise DataError(f"{label} has {width} columns ({shown:.200}): name two by --source-column and --target-column")
    source = column(options.source_column, "--source-column", 0)
    target = column(options.target_column, "--target-column", 1 - source if width == 2 else 1)
    source = 1 - target if options.source_column is None else source
    if source == target:
        raise DataError(f"{label}: --source-column and --target-column are the same column: expected two")
    rows = rows[1:] if names else rows
    whole = [row for row in rows if len(row) > max(source, target)]
    return [(row[source], row[target]) for row in whole], len(rows) - len(whole)


def one_line(text: str, config: NormalizeConfig) -> str:
    """A side of a pair, normalised, with single blanks for all white space.

    Example:
        >>> one_line(" Va\\u00a0 ! ", NormalizeConfig())
        'Va !'
    """
    return " ".join(normalize(text, config).split())


def _cleaned(
    found: list[tuple[str, str]],
    num_bad: int,
    label: str,
    form: str,
    file: dict[str, object],
    config: NormalizeConfig,
) -> Pairs:
    """The pairs without doubles and without those of which a side is empty."""
    clean = [(one_line(source, config), one_line(target, config)) for source, target in found]
    full = list(dict.fromkeys(pair for pair in clean if all(pair)))
    num_empty = sum(not all(pair) for pair in clean)
    warnings = []
    if num_bad:
        warnings.append(f"{label}: {num_bad:,} line{'s' * (num_bad > 1)} without a target left out")
    if num_empty:
        warnings.append(f"{label}: {num_empty:,} pair{'s' * (num_empty > 1)} with an empty side left out")
    if not full:
        raise DataError(f"{label} has no pair of texts: expected source TAB target on each line")
    return Pairs([source for source, _ in full], [target for _, target in full], warnings, form, file)
