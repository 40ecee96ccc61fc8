"""What is found out about one thing, and how it is said without a word of whose machine it is."""

from __future__ import annotations

import getpass
import os
import platform
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Two or more folders, of Unix or Windows, before the name of a file.
FOLDERS = re.compile(r"(?:[A-Za-z]:)?(?:[\\/][^\s\\/:'\",;()]+)+[\\/](?=[^\s\\/])")
LONGEST = 300  # characters of an error that somebody else has written


@dataclass(frozen=True)
class Part:
    """What was found out about one thing.

    Attributes:
        name: of the thing; in JSON with `_` for blanks.
        lines: what a person is told.
        values: the same as JSON.
        problems: what is broken, each with what to do.
    """

    name: str
    lines: list[str]
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def anonymous(text: str) -> str:
    """A message of others in one line, without folders, and the names of the user and the machine.

    Example:
        >>> anonymous("/opt/x/lib/libfoo.so: no such file\\n  in C:\\\\x\\\\y\\\\z.dll")
        '.../libfoo.so: no such file in .../z.dll'
    """
    known = {str(Path.cwd()), sys.prefix, sys.base_prefix, os.path.expanduser("~")} - {"/", "~"}
    for folder in sorted(known, key=len, reverse=True):
        text = text.replace(folder, "...")
    text = FOLDERS.sub(".../", " ".join(text.split()))
    for name, instead in ((_user(), "USER"), (platform.node(), "HOST")):
        text = re.sub(rf"\b{re.escape(name)}\b", instead, text) if name else text
    return text[:LONGEST]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no entry for the number of the user, as in containers
        return "root"
