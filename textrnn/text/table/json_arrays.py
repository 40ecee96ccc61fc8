"""JSON of one value: an array of objects, perhaps within an object, read piece by piece."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from textrnn.text.table.json_lines import keys_of, read_json_records
from textrnn.text.table.records import Record

_BEGIN = re.compile(r"\s*(?:\[\s*[\[{\]]|\{[^{}\[\]]*\[\s*\{)")
_TOKEN = re.compile(r'\\.|["\[\]{}]', re.DOTALL)


class Piece(NamedTuple):
    """A part of the file: an object that is a row, or what stands around it."""

    text: str
    is_row: bool
    line: int  # number of its first line, from 1


def array_level(text: str) -> int:
    """How many brackets stand around each row: 1 in `[{...}]`, 2 in `{"data": [{...}]}`; 0 if it is no such JSON.

    Example:
        >>> array_level('[ {"text": "fine"}'), array_level('{"data": [{'), array_level('{"text": "fine"}')
        (1, 2, 0)
    """
    found = _BEGIN.match(text)
    return 0 if found is None else 1 if found[0].lstrip().startswith("[") else 2


def array_pieces(lines: Iterable[str], level: int) -> Iterator[Piece]:
    """Cut JSON into the objects at a level and what stands around them; together they are the lines.

    Args:
        lines: with their ends.
        level: see `array_level`.
    """
    text, begin, first, depth = "", 0, 1, 0
    inside = in_row = False
    for number, line in enumerate(lines, 1):
        at, text = len(text), text + line if text else line
        for found in _TOKEN.finditer(text, at):
            token = found[0]
            if token == '"':
                inside = not inside
            elif inside or token[0] == "\\":
                continue
            elif token in "[{":
                if depth == level and token == "{":
                    if found.start() > begin:
                        yield Piece(text[begin : found.start()], False, first)
                    begin, first, in_row = found.start(), number, True
                depth += 1
            else:
                depth -= 1
                if depth == level and in_row:
                    yield Piece(text[begin : found.end()], True, first)
                    begin, first, in_row = found.end(), number, False
        text, begin = text[begin:], 0
        if text and not in_row:
            yield Piece(text, False, first)
            text = ""
    if text:
        yield Piece(text, False, first)


def array_keys(lines: Sequence[str], level: int) -> list[str]:
    """The keys of all rows, as `keys_of`."""
    return keys_of(piece.text for piece in array_pieces(lines, level) if piece.is_row)


def read_array(lines: Iterable[str], level: int, keys: Sequence[str]) -> Iterator[tuple[bool, Record]]:
    """Read JSON as records, as `read_json_records`.

    Yields:
        whether it is a row, and the record; what stands around rows has no cells.

    Example:
        >>> [(is_row, record.raw, record.cells) for is_row, record in read_array(['[{"a": 1}]'], 1, ["a"])]
        [(False, '[', []), (True, '{"a": 1}', ['1']), (False, ']', [])]
    """
    for piece in array_pieces(lines, level):
        if piece.is_row:
            (record,) = read_json_records([piece.text], keys)
            yield True, record._replace(line=piece.line)
        else:
            yield False, Record(piece.text, [], piece.line)
