"""Which files the arguments of a command name: files, folders, patterns and standard input."""

from __future__ import annotations

import difflib
import glob
import os
from collections.abc import Sequence
from typing import NamedTuple

from textrnn.base.errors import DataError
from textrnn.base.files import RUN_FILE

STANDARD_INPUT = "-"


def input_name(path: str) -> str:
    """What to call a file: its name without its folder, or "standard input"."""
    return "standard input" if path == STANDARD_INPUT else os.path.basename(path)


class Found(NamedTuple):
    """A file, and whether an argument names it itself: else it is out of a folder or pattern."""

    path: str
    is_named: bool


def find_files(arguments: Sequence[str]) -> list[Found]:
    """List the files that arguments name.

    Args:
        arguments: each a file; a folder, searched with the folders inside it for files, whatever their suffix, but not
            for hidden ones and not in saved runs; a pattern with `*`, `?`, `[...]` or `**`; or `-` for standard
            input. A file whose name looks like a pattern is that file.

    Returns:
        In the order of the arguments, sorted within a folder or pattern, each file once.

    Raises:
        DataError: there is no such file, it cannot be read, or a folder or pattern has no file.

    Example:
        >>> find_files(["-"])
        [Found(path='-', is_named=True)]
    """
    found: dict[str, Found] = {}
    for argument in arguments:
        for file in _expand(argument):
            found.setdefault(file.path if file.path == STANDARD_INPUT else os.path.realpath(file.path), file)
    return list(found.values())


def find_file(argument: str) -> str:
    """The path of the one file that an argument names.

    Raises:
        DataError: there is no such file, it cannot be read, or it names several.
    """
    paths = [file.path for file in find_files([argument])]
    if len(paths) > 1:
        raise DataError(f"{argument} names {len(paths):,} files: expected one")
    return paths[0]


def _expand(argument: str) -> list[Found]:
    if argument == STANDARD_INPUT:
        return [Found(argument, True)]
    if os.path.isdir(argument):
        if paths := _files_in_folder(argument):
            return [Found(path, False) for path in paths]
        raise DataError(f"no file in folder {argument}: expected files with text (hidden ones and saved runs are none)")
    if os.path.exists(argument):
        return [Found(_readable(argument), True)]
    if glob.has_magic(argument):
        return [Found(path, False) for path in _matches(argument)]
    raise DataError(_no_such_file(argument))


def _matches(pattern: str) -> list[str]:
    """Files that match, and those in folders that match, as if the shell had expanded the pattern."""
    paths: list[str] = []
    for path in sorted(glob.glob(pattern, recursive=True)):
        paths += _files_in_folder(path) if os.path.isdir(path) else [_readable(path)]
    if not paths:
        raise DataError(f"no file matches {pattern}: check the pattern and the current folder")
    return paths


def _files_in_folder(folder: str) -> list[str]:
    def refuse(error: OSError) -> None:
        raise DataError(f"folder {error.filename} cannot be read: {error.strerror}")

    paths = []
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and not os.path.exists(os.path.join(parent, name, RUN_FILE))
        ]
        paths += [os.path.join(parent, name) for name in names if not name.startswith(".")]
    return sorted(_readable(path) for path in paths if os.path.isfile(path))


def _readable(path: str) -> str:
    if not os.access(path, os.R_OK):
        raise DataError(f"{path} cannot be read: permission denied")
    return path


def _no_such_file(path: str) -> str:
    """The message for a missing file, with the nearest name in its folder."""
    folder, name = os.path.split(path)
    if folder and not os.path.isdir(folder):
        return f"no such file: {path} (there is no folder {folder})"
    try:
        names = os.listdir(folder or ".")
    except OSError:
        names = []
    near = difflib.get_close_matches(name, names, n=1)
    return f"no such file: {path}" + (f"; did you mean {os.path.join(folder, near[0])}?" if near else "")
