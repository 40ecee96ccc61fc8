"""The header and footer that Project Gutenberg puts around its books, told by the lines that begin and end a book.

    *** START OF THE PROJECT GUTENBERG EBOOK ALICE'S ADVENTURES IN WONDERLAND ***
    *** END OF THE PROJECT GUTENBERG EBOOK ALICE'S ADVENTURES IN WONDERLAND ***

A file may hold several books one after the other, and what is between them is cut as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from textrnn.text.lines import lines_with_ends

MARK = re.compile(r"\*\*\* ?(START|END) OF TH(?:E|IS) PROJECT GUTENBERG")
MARK_CHARS = 48  # no mark is longer
MOST_TITLE_LINES = 5  # that the mark of a long title goes on

_START = re.compile(r"\s*\*\*\* ?START OF TH(?:E|IS) PROJECT GUTENBERG")
_END = re.compile(
    r"\s*(?:\*\*\* ?END OF TH(?:E|IS) PROJECT GUTENBERG|End of (?:the )?Project Gutenberg(?:['\u2019]s| E))"
)
_STARS = re.compile(r"\*\*\*\s*$")


def without_frames(chunks: Iterable[str], first: str) -> Iterator[str]:
    """A text without what is outside of its books.

    Args:
        chunks: the text, in parts of any length.
        first: the first mark that it has: "START", or "END" if it begins within a book.

    Example:
        >>> book = ["Title: A\\n*** START OF THE PROJECT GUTENBERG EBOOK A ***\\none\\n", "two\\n*** END OF TH"]
        >>> list(without_frames([*book, "E PROJECT GUTENBERG EBOOK A ***\\nLicense\\n"], "START"))
        ['one\\n', 'two\\n']
    """
    is_inside, title_lines = first == "END", 0
    for lines in lines_with_ends(chunks):
        kept = []
        for line in lines:
            if title_lines:
                title_lines = 0 if _STARS.search(line) or not line.strip() else title_lines - 1
                is_inside = not title_lines
            elif not is_inside and (mark := _START.match(line)):
                title_lines = 0 if _STARS.search(line, mark.end()) else MOST_TITLE_LINES
                is_inside = not title_lines
            elif is_inside and _END.match(line):
                is_inside = False
            elif is_inside:
                kept.append(line)
        if kept:
            yield "".join(kept)
