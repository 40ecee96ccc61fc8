r"""What stands for line ends and tabs in a text that is typed into a command or an interactive line."""

from __future__ import annotations

import re

ESCAPES = {"n": "\n", "t": "\t", "\\": "\\"}
HELP = r"\n is a line end, \t a tab, \\ a backslash"


def unescape(text: str) -> str:
    r"""A typed text with what its escapes stand for: \n, \t and \\; any other backslash is itself.

    Example:
        >>> unescape(r"one\ntwo C:\\new \d")
        'one\ntwo C:\\new \\d'
    """
    return re.sub(r"\\([nt\\])", lambda found: ESCAPES[found[1]], text)
