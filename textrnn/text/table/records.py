"""Records of a delimited file: the raw text of each and its cells.

Python's csv module parses what is proper, and does so fast. What it refuses (a quote that is not closed where a cell
ends, a bare carriage return, a cell of over 128 KB) is parsed here, more leniently:

- A quote opens a cell only at its begin, and closes it only before a delimiter or the end of a line. So in
  `"He said "no" twice",1` the inner quotes are text.
- A cell with such quotes, or that is never closed, does not go beyond its line: what comes after is not swallowed.
- A record of several lines whose number of cells is wrong, but whose first line alone has the right number when its
  quotes are text, is that line.
- A carriage return within a line is text.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

CSV, JSONL, AT, LINES = "csv", "jsonl", "at", "lines"  # kinds of files
QUOTE, ESCAPE, AT_SIGN = '"', "\\", "@"
MAX_RECORD_CHARS = 1 << 24  # how far a closing quote is looked for

_LINE_END = {"\n": r"\r*(?:\n|\Z)", "\r": r"(?:\r|\Z)"}  # by what ends a line


@dataclass(frozen=True)
class Dialect:
    """How the records of a file are cut into cells.

    Attributes:
        kind: CSV (any delimiter), JSONL (an object a line), AT (text, an at sign, label), LINES (a text a line).
        delimiter: one character; for LINES the one that added columns get.
        quotes: whether cells can be quoted; else quotes are text.
        escape: whether a quote within quotes is written with a backslash and not doubled.
        skip_space: whether spaces before a quote or a cell do not count.
        newline: what ends a line: a line feed (perhaps after a carriage return), or a carriage return alone.
        quoted: which cells the file puts in quotes: `minimal`, `all`, `nonnumeric` or `none`.
    """

    kind: str = CSV
    delimiter: str = ","
    quotes: bool = True
    escape: bool = False
    skip_space: bool = False
    newline: str = "\n"
    quoted: str = "minimal"


class Record(NamedTuple):
    """A record.

    Attributes:
        raw: its text as it stands in the file, with its line end.
        cells: without quotes; none if the line is blank.
        line: number of its first line, from 1.
        stray: whether it has quotes that are not where they belong, so that what was meant is a guess.
        cut: whether one of its quotes may be closed behind the lines that were given.
    """

    raw: str
    cells: list[str]
    line: int
    stray: bool = False
    cut: bool = False


class _Lines:
    """Lines that can be given back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._next = iter(lines).__next__
        self.taken: list[str] = []  # since the record began
        self._given_back: list[str] = []  # the next one last

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._given_back.pop() if self._given_back else self._next()
        self.taken.append(line)
        return line

    def keep(self, number: int) -> None:
        """Give back the lines taken but for the first few."""
        self._given_back += reversed(self.taken[number:])
        del self.taken[number:]


def read_records(
    lines: Iterable[str], dialect: Dialect, *, width: int | None = None, complete: bool = True
) -> Iterator[Record]:
    """Cut lines into records and these into cells, in constant memory.

    Args:
        lines: with their ends.
        dialect: of any kind but JSONL.
        width: how many cells a record should have, if that is known: it decides where quotes are damaged.
        complete: whether the lines go to the end of the file. If not, a cell that is open at their end is no record,
            unless it began in their first half.

    Yields:
        The records; their raw texts add up to the lines. A blank line is a record without cells.

    Example:
        >>> lines = ["text,label\\n", '"two\\n', 'lines, one cell",1\\n', 'a "b",2']
        >>> [record.cells for record in read_records(lines, Dialect())]
        [['text', 'label'], ['two\\nlines, one cell', '1'], ['a "b"', '2']]
    """
    if dialect.kind == CSV and dialect.quotes:
        yield from _quoted_records(lines, dialect, width, complete)
        return
    delimiter, kind = dialect.delimiter, dialect.kind
    for number, raw in enumerate(lines, 1):
        body = raw.rstrip("\r\n")
        if not body:
            cells = []
        elif kind == CSV:
            cells = body.split(delimiter)
        else:
            cells = body.rsplit(delimiter, 1) if kind == AT else [body]
        yield Record(raw, cells, number)


def _quoted_records(lines: Iterable[str], dialect: Dialect, width: int | None, complete: bool) -> Iterator[Record]:
    source = _Lines(lines)
    reader = csv.reader(
        source,
        delimiter=dialect.delimiter,
        quotechar=QUOTE,
        skipinitialspace=dialect.skip_space,
        strict=True,
    )
    taken = source.taken
    line = 1
    half = -1 if complete else sum(map(len, lines)) // 2 if isinstance(lines, list) else 0
    chars = 0
    while True:
        stray = cut = False
        cells: list[str] | None = None
        try:
            if not dialect.escape:  # then the csv module does not see quotes that are not where they belong
                cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            source.keep(0)
        if cells is None:
            first = next(source, None)
            if first is None:
                return
            cells, _, stray, cut = parse(first, dialect, width, source)
            if cut and not complete and chars > half:
                return
        raw = taken[0] if len(taken) == 1 else "".join(taken)
        if width is not None and len(taken) > 1 and len(cells) != width:
            literal = parse(taken[0], dialect, width)
            if len(literal.cells) == width:
                source.keep(1)
                raw, cells, stray = taken[0], literal.cells, True
        yield Record(raw, cells, line, stray, cut)
        line += len(taken)
        chars += len(raw)
        taken.clear()


class Parsed(NamedTuple):
    """The cells of a record, and the offset at which each ends."""

    cells: list[str]
    ends: list[int]
    stray: bool = False
    cut: bool = False


def parse(text: str, dialect: Dialect, width: int | None = None, more: _Lines | None = None) -> Parsed:
    """Cut a record into cells as the module says.

    Args:
        text: the record, or its first line.
        dialect: of kind CSV with quotes.
        width: see `read_records`.
        more: further lines, which are taken if quotes go on.

    Example:
        >>> parse('"He said "no" twice",1\\n', Dialect())
        Parsed(cells=['He said "no" twice', '1'], ends=[20, 22], stray=True, cut=False)
    """
    first, pos, stray, cut = text, 0, False, False
    cells: list[str] = []
    ends: list[int] = []
    while True:
        while dialect.skip_space and text.startswith(" ", pos):
            pos += 1
        end = -1
        if text.startswith(QUOTE, pos):
            text, end, is_open = _close(text, pos, dialect, more)
            cut = cut or is_open
            if end < 0:
                stray = True
                end = _close_leniently(text, pos, dialect)
        quoted = end >= 0
        body = _end_of_line(text, end if quoted else pos, dialect)
        if quoted:
            cells.append(_unquoted(text[pos + 1 : end - 1], dialect))
        else:
            end = text.find(dialect.delimiter, pos, body)
            end = body if end < 0 else end
            cells.append(text[pos:end])
        ends.append(end)
        if end >= body:
            break
        pos = end + 1
    if stray and width is not None and len(cells) != width:
        literal = first.rstrip("\r\n").split(dialect.delimiter)
        if len(literal) == width:
            if more is not None:
                more.keep(1)
            cells, ends = literal, [end - 1 for end in accumulate(len(cell) + 1 for cell in literal)]
    return Parsed(cells if len(cells) > 1 or ends[0] else [], ends, stray, cut)


def _end_of_line(text: str, pos: int, dialect: Dialect) -> int:
    """Where the line at `pos` ends, without its line end."""
    end = text.find(dialect.newline, pos)
    end = len(text) if end < 0 else end
    while end > pos and text[end - 1] == "\r":
        end -= 1
    return end


def _close(text: str, pos: int, dialect: Dialect, more: _Lines | None) -> tuple[str, int, bool]:
    """Where the cell whose quote opens at `pos` ends, over lines; -1 if it has a quote that is not at its end.

    Returns:
        The text with the lines it takes, the offset behind the closing quote, whether the lines ended before it.
    """
    before = 0 if more is None else len(more.taken)
    # Adding line to line would take time that grows with the square of their number.
    pieces, line, begin, at = [text], text, 0, pos + 1
    line_end, is_open = re.compile(_LINE_END[dialect.newline]), False
    while True:
        at = line.find(QUOTE, at)
        if at >= 0:
            if dialect.escape and _is_escaped(line, at, pos if begin == 0 else -1):
                at += 1
            elif not dialect.escape and line.startswith(QUOTE, at + 1):
                at += 2
            elif line.startswith(dialect.delimiter, at + 1) or line_end.match(line, at + 1):
                return "".join(pieces), begin + at + 1, False
            else:
                break
        else:
            begin, at = begin + len(line), 0
            following = next(more, None) if more is not None and begin - pos < MAX_RECORD_CHARS else None
            if following is None:
                is_open = True
                break
            line = following
            pieces.append(line)
    if more is not None:
        more.keep(before)
    return text, -1, is_open


def _is_escaped(text: str, at: int, begin: int) -> bool:
    """Whether an odd number of backslashes stands before."""
    number = 0
    while at - number - 1 > begin and text[at - number - 1] == ESCAPE:
        number += 1
    return number % 2 == 1


def _close_leniently(text: str, pos: int, dialect: Dialect) -> int:
    """Where the cell ends within its line: behind the first quote before a delimiter or the end; -1 if nowhere."""
    close = re.compile(f"{QUOTE}(?={re.escape(dialect.delimiter)}|{_LINE_END[dialect.newline]})")
    found = close.search(text, pos + 1, max(pos + 1, _end_of_line(text, pos, dialect)))
    return found.end() if found else -1


def _unquoted(cell: str, dialect: Dialect) -> str:
    if dialect.escape:
        return re.sub(r"\\(.)", r"\1", cell, flags=re.DOTALL)
    return cell.replace(QUOTE * 2, QUOTE)
