"""Which files the arguments of a command name: files, folders, patterns and standard input."""

from __future__ import annotations

import difflib
import glob
import os
from collections.abc import Sequence

from textrnn.base.errors import DataError

STANDARD_INPUT = "-"
SUFFIXES = (".txt", ".md")


def find_files(arguments: Sequence[str]) -> list[str]:
    """List the files that arguments name.

    Args:
        arguments: each a file; a folder, searched with the folders inside it for .txt and .md files that are not
            hidden; a pattern with `*`, `?`, `[...]` or `**`; or `-` for standard input. A file whose name looks like
            a pattern is that file.

    Returns:
        Paths, in the order of the arguments, sorted within a folder or pattern, each file once.

    Raises:
        DataError: there is no such file, it cannot be read, or a folder or pattern has no file.

    Example:
        >>> find_files(["-"])
        ['-']
    """
    found: dict[str, str] = {}
    for argument in arguments:
        for path in _expand(argument):
            found.setdefault(path if path == STANDARD_INPUT else os.path.realpath(path), path)
    return list(found.values())


def _expand(argument: str) -> list[str]:
    if argument == STANDARD_INPUT:
        return [argument]
    if os.path.isdir(argument):
        if paths := _files_in_folder(argument):
            return paths
        raise DataError(f"no text in folder {argument}: expected {' or '.join('*' + s for s in SUFFIXES)} files in it")
    if os.path.exists(argument):
        return [_readable(argument)]
    if glob.has_magic(argument):
        return _matches(argument)
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
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [
            _readable(os.path.join(parent, name))
            for name in names
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    return sorted(paths)


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
