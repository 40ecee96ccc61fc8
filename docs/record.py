"""Runs what the pages say, in one folder after the other page, and keeps what is printed and drawn.

Everything runs in this process, since TensorFlow takes longer to start than most of the networks to learn.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import runpy
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib

from docs.pages import DOCS, LANGUAGES, PICTURES, Page, read_pages, steps

matplotlib.use("agg")

NOISE = 0.02  # numbers this close, relative to the larger, are those of another machine and no news
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class CommandFailed(Exception):
    """A command of a page did not end well."""


def make_folder(folder: Path, data: Path = DOCS.parent / "data") -> None:
    """A folder that looks like a fresh checkout to the commands of the pages: a copy of data/, and docs/examples/."""
    (folder / "docs").mkdir()
    shutil.copytree(data, folder / "data", ignore=shutil.ignore_patterns("*.predicted.*"))
    (folder / "docs" / "examples").symlink_to(DOCS / "examples")


def run_command(kind: str, command: str) -> str:
    """Runs a shell line or a Python block in the current folder.

    Returns:
        what it wrote to standard output.

    Raises:
        CommandFailed: it raised, or its exit code is not 0.
    """
    from matplotlib import pyplot

    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline=""), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            _run(kind, command)
    except SystemExit as ended:
        if ended.code:
            raise CommandFailed(f"{command}\n{err.getvalue()}") from None
    except Exception as error:
        raise CommandFailed(f"{command}\n{type(error).__name__}: {error}") from error
    finally:
        pyplot.close("all")
    out.flush()
    return out.buffer.getvalue().decode()  # type: ignore[attr-defined]


def _run(kind: str, command: str) -> None:
    if kind == "python":
        exec(compile(command, "page", "exec"), {"__name__": "page"})
        return
    program, *arguments = shlex.split(command)
    if program == "textrnn":
        from textrnn.cli.main import main

        main(arguments)
    elif program == "python":
        with _arguments(arguments):
            runpy.run_path(arguments[0], run_name="__main__")
    else:
        raise CommandFailed(f"{command}: pages run textrnn and python only")


@contextlib.contextmanager
def _arguments(arguments: list[str]) -> Iterator[None]:
    before, sys.argv = sys.argv, arguments
    try:
        yield
    finally:
        sys.argv = before


def run_pages(
    pages: list[Page], *, shorten: Callable[[str], str] = str, tell: Callable[[str], None] = lambda _: None
) -> dict[str, str]:
    """Runs each distinct command of some pages once, in order, in the current folder.

    Args:
        pages: the pages of one language.
        shorten: what to make of a command before it is run.
        tell: called with each command before it is run.

    Returns:
        what each command printed.
    """
    printed: dict[str, str] = {}
    for page in pages:
        for step in steps(page.source):
            for command in step.commands:
                if command not in printed:
                    tell(f"{page.name}: {command.splitlines()[0]}")
                    printed[command] = run_command(step.kind, shorten(command))
    return printed


def with_outputs(source: str, printed: dict[str, str]) -> str:
    """A page with what its commands printed, but for outputs that differ by noise alone."""
    for step in reversed(steps(source)):
        if step.output is None:
            continue
        new = "".join(printed[command] for command in step.commands)
        new = "".join(line.rstrip() + "\n" for line in new.splitlines())
        if not same_but_for_noise(step.output, new):
            source = source[: step.span[0]] + new + source[step.span[1] :]
    return source


def same_but_for_noise(old: str, new: str) -> bool:
    """Whether two outputs have the same words and nearly the same numbers.

    Example:
        >>> same_but_for_noise("2.000 bits", "2.010 bits"), same_but_for_noise("2.000 bits", "2.100 bits")
        (True, False)
    """
    if _NUMBER.sub("0", old) != _NUMBER.sub("0", new):
        return False
    pairs = zip(map(float, _NUMBER.findall(old)), map(float, _NUMBER.findall(new)), strict=True)
    return all(abs(a - b) <= NOISE * max(a, b) for a, b in pairs)


def record(folder: Path, *, tell: Callable[[str], None]) -> None:
    """Runs all commands in an empty folder, writes what they print into the pages and what they draw to pictures/.

    Raises:
        CommandFailed: a command failed, or did not draw a picture that its page shows.
    """
    make_folder(folder)
    before = Path.cwd()
    os.chdir(folder)
    try:
        printed = run_pages(read_pages(LANGUAGES[0]), tell=tell)
    finally:
        os.chdir(before)
    for language in LANGUAGES:
        for page in read_pages(language):
            source = with_outputs(page.source, printed)
            keep = source == page.source
            page.path.write_text(source, encoding="utf-8")
            for name in page.drawn:
                if not (folder / name).is_file():
                    raise CommandFailed(f"{page.path}: no command drew {name}")
                if not keep or not (PICTURES / name).is_file():
                    shutil.copy(folder / name, PICTURES / name)
