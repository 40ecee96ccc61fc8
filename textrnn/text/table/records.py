"""Records of a delimited file: the raw text of each and its cells.

What Python's csv module reads without complaint is read as it does. What is damaged is read so that little is lost:

- A quote opens a cell only at its begin, and closes it only before a delimiter or the end of a line. So in
  `"He said "no" twice",1` the inner quotes are text.
- A cell with such quotes, or that is never closed, does not go beyond its line: what comes after is not swallowed.
- A record whose number of cells is wrong, but whose first line alone has the right number when its quotes are text, is
  that line. So is a record of several lines that are each like a row, in a file of such: a speech over several rows.
- A carriage return within a line is text.
- `="007"`, with which Excel keeps a cell as text, is read as `007`, with quotes around it or not.

Where cells are not quoted, a backslash may take a delimiter or a line end into its cell, as MySQL writes them.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

# Kinds of files: CSV (any delimiter), JSONL (an object a line), JSON (an array of objects), AT (text, at sign, label),
# FASTTEXT (`__label__` and label, text), FIRST_WORD (label, blank or colon, text), LINES (a text a line).
CSV, JSONL, JSON, AT, FASTTEXT, FIRST_WORD, LINES = "csv", "jsonl", "json", "at", "fasttext", "first-word", "lines"
LABEL_PREFIX = "__label__"  # of fastText
AND = "\x1f"  # between several labels of a row where the file has a list of them: a sign that is in none
QUOTE, ESCAPE, AT_SIGN = '"', "\\", "@"
KEPT_AS_TEXT = '="'  # with which such a cell begins
ROW_CHARS = 12  # of a line that may be a row
MAX_RECORD_CHARS = 1 << 24  # how far a closing quote is looked for


@dataclass(frozen=True)
class Dialect:
    """How the records of a file are cut into cells."""

    kind: str = CSV
    delimiter: str = ","  # for LINES the one that added columns get
    quotes: bool = True  # whether cells can be quoted; else quotes are text
    quote: str = QUOTE  # what stands around a quoted cell
    escape: bool = False  # whether a quote within quotes, or a delimiter without them, is written with a backslash
    speeches: bool = False  # whether cells in quotes over several lines, each of which is like a row, are such rows
    skip_space: bool = False  # whether spaces before a quote or a cell do not count
    level: int = 1  # of JSON: how many brackets stand around each row
    labels_last: bool = False  # of FASTTEXT: whether labels stand behind the text
    newline: str = "\n"  # what ends a line: a line feed (perhaps after a carriage return), or a carriage return alone
    quoted: str = "minimal"  # which cells the file puts in quotes: `minimal`, `all`, `nonnumeric` or `none`


class Record(NamedTuple):
    """A record: a row of cells, the header, or a blank line, which has none."""

    raw: str  # as it stands in the file, with its line end
    cells: list[str]  # without quotes
    line: int  # number of its first line, from 1, not counting a preamble
    stray: bool = (
        False  # whether quotes are not where they belong, so that what was meant is a guess; or no JSON object
    )
    unclosed: bool = False  # whether the lines end before one of its quotes is closed
    damaged: bool = False  # whether some of its bytes could not be decoded and were replaced
    spans: Sequence[tuple[int, int]] = ()  # where in `raw` each cell begins and ends; empty if there are no quotes
    changed: Mapping[int, str] = MappingProxyType({})  # cells that are not as they were read, by their column


_BRACKETED = re.compile(r"\s*[\[【(（]\s*(?P<label>[^\[\]【】()（）]{1,40}?)\s*[\]】)）](?:\s*[:：])?\s*(?P<text>\S.*)")
_BEFORE_COLON = re.compile(r"\s*(?P<label>[^\s:：，,]{1,40})\s*(?:[：，,]|:(?=[\s\u3400-\u9fff]))\s*(?P<text>\S.*)")

_OPEN_END = re.compile(r"(?<!\\)(?:\\\\)*\\[\r\n]+\Z")  # an odd number of backslashes

Peek = Callable[[int], "str | None"]  # a line that comes later, by its distance less one; None behind the last


def read_records(
    lines: Iterable[str], dialect: Dialect, *, width: int | None = None, complete: bool = True
) -> Iterator[Record]:
    """Cut lines into records and these into cells, in constant memory.

    Args:
        lines: with their ends; a list if they are not complete.
        dialect: of any kind but JSONL and JSON.
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
    source, ahead, number = iter(lines), deque[str](), 1
    half = 0 if complete else len(lines) // 2 if isinstance(lines, Sequence) else 0
    cut, parse = _plain_cutter(dialect), _quoted_record if dialect.quotes else _escaped_record
    sign = (dialect.quote if dialect.quotes else ESCAPE if dialect.escape else None) if dialect.kind == CSV else None

    def peek(place: int) -> str | None:
        while len(ahead) <= place:
            if (line := next(source, None)) is None:
                return None
            ahead.append(line)
        return ahead[place]

    while raw := ahead.popleft() if ahead else next(source, ""):
        if sign is None or sign not in raw:
            body = raw.rstrip("\r\n")
            yield Record(raw, cut(body) if body else [], number)
            number += 1
            continue
        record, num_lines = parse(raw, number, dialect, width, peek)
        if record.unclosed and not complete and number > half:
            return
        for _ in range(num_lines - 1):
            ahead.popleft()
        yield record
        number += num_lines


def _plain_cutter(dialect: Dialect) -> Callable[[str], list[str]]:
    """How a line without quotes is cut."""
    delimiter = dialect.delimiter
    if dialect.kind == LINES:
        return lambda body: [body]
    if dialect.kind == AT:
        return lambda body: body.rsplit(delimiter, 1)
    if dialect.kind == FASTTEXT:
        return _fasttext_cells
    if dialect.kind == FIRST_WORD:
        return first_word_cells
    if dialect.skip_space:
        return lambda body: [cell.lstrip(" ") for cell in body.split(delimiter)]
    return lambda body: body.split(delimiter)


def first_word_cells(body: str) -> list[str]:
    """Label and text of a line that begins with its label: before a blank, a colon or a comma, or in brackets.

    Example:
        >>> first_word_cells("1 a film"), first_word_cells("LOC:city Which?"), first_word_cells("pos: a film")
        (['1', 'a film'], ['LOC:city', 'Which?'], ['pos', 'a film'])
        >>> first_word_cells("好评：好茶"), first_word_cells("[so so] a film")
        (['好评', '好茶'], ['so so', 'a film'])
    """
    found = _BRACKETED.fullmatch(body) or _BEFORE_COLON.fullmatch(body)
    return [found["label"], found["text"]] if found else body.split(maxsplit=1)


def before_colon(body: str) -> str | None:
    """The word before the first colon of a line; None if more stands before it."""
    found = _BEFORE_COLON.fullmatch(body)
    return found["label"] if found and body[found.end("label") :].lstrip()[0] in ":：" else None


def is_bracketed(body: str) -> bool:
    """Whether a line begins with something in brackets."""
    return _BRACKETED.fullmatch(body) is not None


def _fasttext_cells(body: str) -> list[str]:
    """Labels and text of a line of fastText; labels stand before the text or behind it, and several have AND between.

    Example:
        >>> _fasttext_cells("__label__good __label__long a film"), _fasttext_cells("a film __label__good")
        (['good\\x1flong', 'a film'], ['good', 'a film'])
    """
    text, labels = body.strip(), list[str]()
    while text.startswith(LABEL_PREFIX):
        label, *rest = text.split(maxsplit=1)
        labels, text = [*labels, label], rest[0] if rest else ""
    behind = list[str]()
    while (words := text.rsplit(maxsplit=1)) and words[-1].startswith(LABEL_PREFIX):
        text, behind = words[0] if len(words) > 1 else "", [words[-1], *behind]
    return [AND.join(label.removeprefix(LABEL_PREFIX) for label in labels + behind), text]


def _escaped_record(first: str, number: int, dialect: Dialect, width: int | None, peek: Peek) -> tuple[Record, int]:
    """The record that begins with a line, where a backslash keeps a delimiter or line end, and how many it takes."""
    lines = [first]
    while _OPEN_END.search(lines[-1]) and (line := peek(len(lines) - 1)) is not None:
        lines.append(line)
    raw, delimiter = "".join(lines), re.escape(dialect.delimiter)
    body, spans, end = len(raw.rstrip("\r\n")), list[tuple[int, int]](), -len(dialect.delimiter)
    inside, kept = re.compile(rf"(?:(?!{delimiter})[^\\]|\\.?)*", re.DOTALL), re.compile(rf"\\([\\\r\n]|{delimiter})")
    while end < body:
        begin = end + len(dialect.delimiter)
        found = inside.match(raw, begin, body)
        end = found.end() if found else body
        spans.append((begin, end))
    return Record(raw, [kept.sub(r"\1", raw[slice(*span)]) for span in spans], number, spans=spans), len(lines)


def _quoted_record(first: str, number: int, dialect: Dialect, width: int | None, peek: Peek) -> tuple[Record, int]:
    """The record that begins with a line, and how many lines it takes."""
    found, num_lines = _parse(first, number, dialect, peek)
    if width is None or not (found.stray or num_lines > 1):
        return found, num_lines
    if len(found.cells) == width:
        if dialect.speeches and num_lines > 1 and are_rows(found.raw, dialect, width):
            return _without_quotes(first, number, dialect), 1
        return found, num_lines
    for other in (_parse(first, number, dialect)[0], _without_quotes(first, number, dialect)):
        if len(other.cells) == width:
            return other, 1
    return found, num_lines


def is_kept_as_text(record: Record) -> bool:
    """Whether a record has a cell that is written as `="007"`.

    Example:
        >>> [is_kept_as_text(one) for one in read_records(['="007",a\\n', '"007",a = "b"\\n'], Dialect())]
        [True, False]
    """
    starts = (KEPT_AS_TEXT, f'"{KEPT_AS_TEXT}"')
    return any(
        record.raw.startswith(starts, begin) and not cell.startswith(KEPT_AS_TEXT)
        for cell, (begin, _) in zip(record.cells, record.spans, strict=False)
    )


def are_rows(raw: str, dialect: Dialect, width: int) -> bool:
    """Whether each line of a record looks like a row of its own."""
    return all(
        len(line) >= ROW_CHARS and line.count(dialect.delimiter) == width - 1
        for line in raw.rstrip("\r\n").split(dialect.newline)
    )


def _without_quotes(raw: str, number: int, dialect: Dialect) -> Record:
    cells, spans, begin = raw.rstrip("\r\n").split(dialect.delimiter), [], 0
    for cell in cells:
        spans.append((begin, begin + len(cell)))
        begin += len(cell) + len(dialect.delimiter)
    return Record(raw, cells, number, stray=True, spans=spans)


def _parse(text: str, number: int, dialect: Dialect, peek: Peek = lambda place: None) -> tuple[Record, int]:
    """Cut a record into cells; it takes further lines where a quoted cell goes on."""
    _, closing = _patterns(dialect)
    cells: list[str] = []
    spans: list[tuple[int, int]] = []
    begin, body, num_lines = 0, len(text.rstrip("\r\n")), 1
    stray = unclosed = False
    while True:
        while dialect.skip_space and text.startswith(" ", begin):
            begin += 1
        end = -1
        opening = begin + text.startswith(KEPT_AS_TEXT, begin)
        if text.startswith(dialect.quote, opening):
            more, end = _close(text, opening, dialect, peek, num_lines - 1)
            if end < 0 and opening == begin:
                stray, unclosed = True, unclosed or more is None
                found = closing.search(text, begin + 1, body)
                end = found.end() if found else -1
            elif end >= 0 and more:
                text, num_lines = "".join([text, *more]), num_lines + len(more)
                body = len(text.rstrip("\r\n"))
        if end >= 0:
            cells.append(_unquoted(text[opening + 1 : end - 1], dialect))
        else:
            end = text.find(dialect.delimiter, begin, body)
            end = body if end < 0 else end
            cells.append(text[begin:end])
        spans.append((begin, end))
        if end >= body:
            return Record(text, cells, number, stray, unclosed, spans=spans), num_lines
        begin = end + len(dialect.delimiter)


def _close(text: str, begin: int, dialect: Dialect, peek: Peek, num_more: int) -> tuple[list[str] | None, int]:
    """Find the quote that closes a cell, in the text or in lines behind it but for those it has already.

    Returns:
        The further lines that the cell takes, and the offset behind its closing quote. If it is not closed properly
        the offset is -1, and the lines are None if there is no quote at all behind.
    """
    inside, closing = _patterns(dialect)
    more: list[str] = []
    line, size, at = text, 0, begin + 1
    # Line by line: a search from the start for each line would take time that grows with the square of their number.
    while True:
        within = inside.match(line, at)
        at = within.end() if within else at
        if at < len(line):
            return more, size + at + 1 if closing.match(line, at) else -1
        size, at = size + len(line), 0
        following = peek(num_more + len(more)) if size - begin < MAX_RECORD_CHARS else None
        if following is None:
            return None, -1
        more.append(following)
        line = following


@lru_cache
def _patterns(dialect: Dialect) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What stands within quotes, and a quote that closes a cell."""
    quote, line_end = dialect.quote, r"\r*(?:\n|\Z)" if dialect.newline == "\n" else r"(?:\r|\Z)"
    inside = rf"(?:[^{quote}\\]+|\\.?)*" if dialect.escape else rf"(?:[^{quote}]+|{quote}{quote})*"
    return re.compile(inside, re.DOTALL), re.compile(f"{quote}(?={re.escape(dialect.delimiter)}|{line_end})")


def _unquoted(cell: str, dialect: Dialect) -> str:
    if dialect.escape:
        return re.sub(r"\\(.)", r"\1", cell, flags=re.DOTALL)
    cell = cell.replace(dialect.quote * 2, dialect.quote)
    is_kept = cell.startswith(KEPT_AS_TEXT) and cell.endswith(QUOTE) and len(cell) > len(KEPT_AS_TEXT)
    return cell[len(KEPT_AS_TEXT) : -1].replace(QUOTE * 2, QUOTE) if is_kept else cell
