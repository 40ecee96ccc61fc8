"""How files of pairs are written, and what is read from each form.

tsv       source TAB target; further cells, such as attributions, are ignored, and columns of numbers before them too;
          quotes are text
csv       any table: two columns by name or number, or the first two
cmudict   a word, blanks, and its phonemes; `word(2)` is another way to say `word`; `;;;` and `#` begin comments
jsonl     an object or a list of two texts a line, see `textrnn.translator.json_pairs`
tmx       a translation memory, see `textrnn.translator.tmx`
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from textrnn.base.errors import DataError
from textrnn.report.layout import in_a_line
from textrnn.text.reader import Reading
from textrnn.text.table.column_facts import column_facts
from textrnn.text.table.columns import resolve_column
from textrnn.text.table.dialect import find_dialect
from textrnn.text.table.header import has_header
from textrnn.text.table.records import read_records
from textrnn.translator.json_pairs import SOURCES, TARGETS, read_json
from textrnn.translator.tmx import read_tmx

MOST_PHONEMES = 300  # kinds of tokens in the second column of a dictionary
SHORT_CHARS, SHORT_MEAN = 4, 2.5  # the longest phoneme, and the mean of them
SAMPLE = 2_000  # lines that tell the format
TAB_SHARE = 0.9  # of the lines that have to have a tab
# Names of two columns, which are no pair.
LANGUAGES = ("en", "fr", "de", "es", "it", "pt", "nl", "ru", "zh", "english", "french", "german", "spanish", "chinese")
HEADINGS = frozenset((*SOURCES, *TARGETS, *LANGUAGES))
_VARIANT = re.compile(r"\(\d+\)$")
_ENTRY = re.compile(r"(\S+)[ \t]+(\S.*)")
_COMMENT = re.compile(r";;;.*|\s#.*")
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_TMX = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*(?:<!DOCTYPE\s+tmx|<tmx)\b", re.DOTALL)


@dataclass(frozen=True)
class PairOptions:
    """What the user says about a file of pairs; None is to be found out.

    Attributes:
        form: `tsv`, `csv`, `cmudict`, `jsonl` or `tmx`.
        source_column: name of the column of the sources, or its number from 1; of JSON a key, of TMX a language.
        target_column: the same for the targets.
        encoding: name of a Python codec.
        strict_encoding: whether to refuse bytes that do not decode, instead of replacing a few of them.
        reverse: whether to learn the sources from the targets.
    """

    form: str | None = None
    source_column: str | None = None
    target_column: str | None = None
    encoding: str | None = None
    strict_encoding: bool = False
    reverse: bool = False

    @property
    def columns(self) -> tuple[str | None, str | None]:
        """Those of source and target."""
        return self.source_column, self.target_column

    @property
    def reading(self) -> Reading:
        """How files are read."""
        return Reading(self.encoding, self.strict_encoding)


class NoPairsError(DataError):
    """A file is of single texts, not of pairs."""


class Found(NamedTuple):
    """What a file has: pairs, how many lines, records or units are none, and what the sides are, if that is known."""

    pairs: list[tuple[str, str]]
    num_bad: int
    between: str = ""


def read_form(lines: Sequence[str], label: str, options: PairOptions) -> tuple[str, Found]:
    """The form of a file, as given or as its first lines show, and the pairs in it, as they are written.

    Args:
        lines: of the file, without their ends.
        label: what to call it.
        options: what is known about it.

    Raises:
        DataError: it has no pairs, or it is not clear which.
    """
    form = options.form or _form_of(lines, label, options)
    return form, READERS[form](lines, label, options)


def _form_of(lines: Sequence[str], label: str, options: PairOptions) -> str:
    """How a file is written, by its first lines."""
    sample = [line for line in lines if line.strip()][:SAMPLE]
    if label.lower().endswith(".tmx") or _TMX.match("\n".join(sample[:100])):
        return "tmx"
    if sample and _begins_as_json(sample[0], label):
        return "jsonl"
    if options.source_column or options.target_column or label.lower().endswith(".csv"):
        return "csv"
    body = _without_head(sample)
    said = [line for line in _without_comments(sample) if line]
    entries = [found for line in said if (found := _ENTRY.fullmatch(line))]
    num_tabs = sum("\t" in line for line in body)
    has_tabs = num_tabs >= TAB_SHARE * len(body)
    if has_tabs and not any(_VARIANT.search(entry[1]) for entry in entries):
        return "tsv"
    if not num_tabs and len(find_dialect([f"{line}\n" for line in body]).dialect.delimiter) > 1:  # such as |||
        return "csv"
    if entries and len(entries) >= TAB_SHARE * len(said) and _are_phonemes(entries):
        return "cmudict"
    if 2 * num_tabs > len(body):
        return "tsv"
    number = next(number for number, line in enumerate(lines, 1) if line.strip() and "\t" not in line)
    raise NoPairsError(
        f"{label} has one column only (line {number} has no tab): expected source TAB target on each line; for another "
        "table give --format csv, --source-column and --target-column, for a dictionary of phonemes --format cmudict"
    )


def _begins_as_json(line: str, label: str) -> bool:
    """Whether a file is JSON, by its name or its first line."""
    if label.lower().endswith((".json", ".jsonl", ".ndjson")) or line.strip() in ("[", "{"):
        return True
    try:
        return isinstance(json.loads(line), dict | list)
    except (ValueError, RecursionError):
        return False


def _are_phonemes(entries: Sequence[re.Match[str]]) -> bool:
    """Whether the second column of a dictionary is in phonemes: few kinds, or all of them short; no words."""
    tokens = [token for said in dict.fromkeys(entry[0] for entry in entries) for token in said.split()[1:]]
    if len(set(tokens)) <= min(MOST_PHONEMES, 0.5 * len(tokens)):  # in prose, more words of a few lines are there once
        return True
    lengths = [len(token) for token in tokens]
    is_short = max(lengths) <= SHORT_CHARS and sum(lengths) <= SHORT_MEAN * len(lengths)
    return is_short and not any(map(_IDEOGRAPH.search, tokens))


def _without_head(lines: Sequence[str]) -> list[str]:
    """Lines without comments, and without blank ones, at their head; a comment has no tab."""
    is_comment = (not line.strip() or (line.startswith(("#", ";;;")) and "\t" not in line) for line in lines)
    return list(lines[next((number for number, found in enumerate(is_comment) if not found), len(lines)) :])


def _without_comments(lines: Sequence[str]) -> list[str]:
    """Lines of a dictionary without comments: ;;; begins one anywhere, # behind a blank or at the begin of a line; but
    behind the head, `#sharp-sign SH AA1 R P` is an entry."""
    found = []
    for line in map(str.strip, _without_head(lines)):
        is_entry = line.startswith("#") and not line[1:2].isspace() and _ENTRY.fullmatch(line)
        found.append(_COMMENT.sub("", line if is_entry or not line.startswith("#") else "").rstrip())
    return found


def _tsv(lines: Sequence[str], label: str, options: PairOptions) -> Found:
    rows = [line.split("\t") for line in _without_head(lines) if line.strip()]
    if not any(len(row) > 1 for row in rows):
        raise NoPairsError(f"{label} has one column only: expected source TAB target on each line")
    names = rows[0] if _names_sides(rows[0][:2]) else None
    rows = rows[1:] if names else rows
    source, target = _texts_of(rows[:SAMPLE])
    whole = [row for row in rows if len(row) > target]
    between = "" if (source, target) == (0, 1) else f"column {source + 1} to column {target + 1}"
    if names and len(names) > target:
        between = _by_heading(names, source, target)
    return Found([(row[source], row[target]) for row in whole], len(rows) - len(whole), between)


def _texts_of(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """The first two columns; behind one of numbers alone, the first two that are none.

    Example:
        >>> _texts_of([["1", "tea", "7", "thé"]]), _texts_of([["1", "one"]]), _texts_of([["tea", "thé", "CC-BY"]])
        ((1, 3), (0, 1), (0, 1))
    """
    columns = itertools.zip_longest(*rows, fillvalue="")
    texts = [place for place, cells in enumerate(columns) if not all(cell.isdecimal() for cell in cells if cell)]
    return (texts[0], texts[1]) if len(texts) > 1 and texts[0] else (0, 1)


def _cmudict(lines: Sequence[str], label: str, options: PairOptions) -> Found:
    found, num_bad = list[tuple[str, str]](), 0
    for line in _without_comments(lines):
        if entry := _ENTRY.fullmatch(line):
            found.append((_VARIANT.sub("", entry[1]), entry[2]))
        else:
            num_bad += bool(line)
    return Found(found, num_bad)


def _json(lines: Sequence[str], label: str, options: PairOptions) -> Found:
    return Found(*read_json(lines, label, options.columns))


def _tmx(lines: Sequence[str], label: str, options: PairOptions) -> Found:
    return Found(*read_tmx("\n".join(lines), label, options.columns))


def _csv(lines: Sequence[str], label: str, options: PairOptions) -> Found:
    ended = [line + "\n" for line in lines]
    measure = find_dialect(ended[: 10 * SAMPLE], name=label)
    rows = [record.cells for record in read_records(ended, measure.dialect, width=measure.width) if record.cells]
    width = max(map(len, rows))
    if width < 2:
        raise NoPairsError(f"{label} has one column only: expected one of sources and one of targets")
    named = [name for name in (options.source_column, options.target_column) if name and not name.isdecimal()]
    first = [cell.strip() for cell in rows[0]]
    is_heading = named or _names_sides(first) or has_header(first, column_facts(rows[1 : SAMPLE + 1], width))
    names = [*first, *[""] * (width - len(first))] if is_heading else None

    def column(wanted: str | None, flag: str, default: int) -> int:
        return default if wanted is None else resolve_column(wanted, names, width, flag=flag, table=label)

    if width > 2 and not (options.source_column and options.target_column):
        shown = in_a_line(names or [str(number + 1) for number in range(width)])
        raise DataError(f"{label} has {width} columns ({shown}): name two by --source-column and --target-column")
    source = column(options.source_column, "--source-column", 0)
    target = column(options.target_column, "--target-column", 1 - source if width == 2 else 1)
    source = 1 - target if options.source_column is None else source
    if source == target:
        raise DataError(f"{label}: --source-column and --target-column are the same column: expected two")
    rows = rows[1:] if names else rows
    whole = [row for row in rows if len(row) > max(source, target)]
    between = _by_heading(names, source, target) if names else ""
    return Found([(row[source], row[target]) for row in whole], len(rows) - len(whole), between)


def _names_sides(cells: Sequence[str]) -> bool:
    """Whether cells are all names that sides have, such as `source` and `en`."""
    return {cell.strip().casefold() for cell in cells} <= HEADINGS


def _by_heading(names: Sequence[str], source: int, target: int) -> str:
    """What the sides are by a first line that is no pair."""
    sides = [names[column] or f"column {column + 1}" for column in (source, target)]
    return f"{' to '.join(sides)}, as the first line says"


READERS: dict[str, Callable[[Sequence[str], str, PairOptions], Found]] = {
    "tsv": _tsv,
    "csv": _csv,
    "cmudict": _cmudict,
    "jsonl": _json,
    "tmx": _tmx,
}
