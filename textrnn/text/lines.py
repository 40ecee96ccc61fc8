"""Where lines end: at LF, CRLF or CR and nowhere else.

U+2028, U+0085, vertical tabs, form feeds and file separators, at which `str.splitlines` cuts too, belong to a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from textrnn.base.errors import DataError

# A CR before LF ends no line by itself, even where a pattern asks for two line ends.
LINE_END = r"(?:\r\n|\r(?!\n)|\n)"
MAX_LINE_CHARS = 1 << 26  # of what is read line by line
_LINE_END = re.compile(LINE_END)
_WITH_END = re.compile(rf"[^\r\n]*{LINE_END}|[^\r\n]+")


def lines_of(text: str) -> list[str]:
    """Lines without their ends.

    Example:
        >>> lines_of("one\\r\\ntwo\\u2028too\\n")
        ['one', 'two\\u2028too']
    """
    lines = _LINE_END.split(text)
    return lines if lines[-1] else lines[:-1]


def line_end_of(text: str) -> str:
    """The first line end of a text; a line feed if it has none.

    Example:
        >>> line_end_of("one\\r\\ntwo\\n"), line_end_of("one\\u2028more")
        ('\\r\\n', '\\n')
    """
    found = _LINE_END.search(text)
    return found[0] if found else "\n"


def each_line(chunks: Iterable[str]) -> Iterator[str]:
    """The lines of a text in chunks, without their ends, each as soon as its end is there.

    Raises:
        DataError: one is too long to be held.

    Example:
        >>> list(each_line(["one\\rt", "wo\\r", "\\nthree"]))
        ['one', 'two', 'three']
    """
    rest, ended_with_cr, held = list[str](), False, 0
    for chunk in filter(None, chunks):
        *whole, last = _LINE_END.split(chunk.removeprefix("\n") if ended_with_cr else chunk)
        ended_with_cr = chunk.endswith("\r")
        if whole:
            yield "".join([*rest, whole[0]])
            yield from whole[1:]
            rest, held = [], 0
        if last:
            rest.append(last)
            held += len(last)
        if held > MAX_LINE_CHARS:
            raise DataError(f"a line has more than {MAX_LINE_CHARS:,} characters: expected a file of shorter lines")
    if rest:
        yield "".join(rest)


def lines_with_ends(chunks: Iterable[str]) -> Iterator[list[str]]:
    """The lines of a text in chunks with their ends: from each chunk those that end in it, so that nothing is lost.

    Example:
        >>> list(lines_with_ends(["one\\r\\nt", "wo\\r", "\\nthree"]))
        [['one\\r\\n'], [], ['two\\r\\n'], ['three']]
    """
    rest = ""
    for chunk in chunks:
        lines = _WITH_END.findall(rest + chunk)
        rest = "" if not lines or lines[-1].endswith("\n") else lines.pop()  # a CR may be half of a CRLF
        yield lines
    if rest:
        yield [rest]


def each_line_of_bytes(blocks: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """The same for bytes of an encoding that writes LF and CR as ASCII does, a block at a time.

    A line of more than `longest` bytes may be given in parts, so that it is never held whole.

    Example:
        >>> list(each_line_of_bytes([b"one\\rt", b"wo\\r", b"\\nthree\\x0b"], 80))
        [b'one', b'two', b'three\\x0b']
    """
    rest = b""
    for block in blocks:
        lines = (rest + block).splitlines(keepends=True)  # of bytes: at LF, CRLF and CR alone
        rest = b"" if not lines or lines[-1].endswith(b"\n") else lines.pop()
        if len(rest) > longest:
            lines, rest = [*lines, rest], b""
        for line in lines:
            yield line.rstrip(b"\r\n")
    if rest:
        yield rest.rstrip(b"\r\n")
