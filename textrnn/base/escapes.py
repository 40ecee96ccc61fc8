r"""Escapes: for line ends and tabs in a text that is typed, and for what must not reach a terminal as it is."""

from __future__ import annotations

import re
from typing import Any, TextIO

ESCAPES = {"n": "\n", "t": "\t", "\\": "\\"}
HELP = r"\n is a line end, \t a tab, \\ a backslash"


def unescape(text: str) -> str:
    r"""A typed text with what its escapes stand for: \n, \t and \\; any other backslash is itself.

    Example:
        >>> unescape(r"one\ntwo C:\\new \d")
        'one\ntwo C:\\new \\d'
    """
    return re.sub(r"\\([nt\\])", lambda found: ESCAPES[found[1]], text)


# Control characters but tab and line end, and what changes the direction of the text after it.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""A text as a terminal may show it: characters that would control it are written as escapes.

    Example:
        >>> visible("a\x1b[2Jb\tc\r\nd\u202e")
        'a\\x1b[2Jb\tc\nd\\u202e'
    """
    return UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text.replace("\r\n", "\n"))


class TerminalOutput:
    """A text stream of a terminal that is written to by way of `visible`; all else is the stream's.

    Args:
        output: the stream.
    """

    def __init__(self, output: TextIO) -> None:
        self.output = output

    def write(self, text: str) -> int:
        """See `visible`."""
        return self.output.write(visible(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.output, name)


def guarded_output(output: Any) -> Any:
    """A standard stream, as `TerminalOutput` if it is a terminal; what goes into a file or pipe stays as it is."""
    return TerminalOutput(output) if output is not None and output.isatty() else output
