"""What shells complete: commands, options, choices, names of runs, files and folders.

A shell asks by calling the program with `_TEXTRNN_COMPLETE` set. The answer has to be quick, so nothing here imports
NumPy, and a shell is never told of an error, which would stand in the middle of what is being typed.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, shell_complete

from textrnn.base.errors import ConfigError

VARIABLE = "_TEXTRNN_COMPLETE"


class RunName(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """The name of a saved run, or the folder of one.

    Args:
        words: what may stand there instead.
    """

    name = "text"

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.words = tuple(words)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """The words and the runs that begin so; a path leads to folders.

        A name that textrnn would not give, as one with control characters, is not offered.
        """
        from textrnn.base.run import check_name, list_runs

        if "/" in incomplete or os.sep in incomplete:
            return [CompletionItem(incomplete, type="dir")]
        names = list(self.words)
        for path in list_runs(Path(ctx.params.get("models_dir") or "models").expanduser()):
            with contextlib.suppress(ConfigError):
                names.append(check_name(path.name))
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class FileName(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A file; the shell itself completes it."""

    name = "file"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        return [CompletionItem(incomplete, type="file")]


RUN, FILE = RunName(), FileName()


def folders(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """What completes an option whose value is a folder: the shell itself."""
    return [CompletionItem(incomplete, type="dir")]


@add_completion_class
class Bash(BashComplete):
    """Bash, which parts `--model=name` into three words, and takes what it is given as it is typed."""

    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        return [word for word in args if word != "="], incomplete

    def format_completion(self, item: Any) -> str:
        value = shlex.quote(item.value) if item.type == "plain" and item.value else item.value
        return f"{item.type},{value}"


def answer_shell(cli: click.Command, asked: str) -> None:
    """Writes to standard output what a shell asks for.

    Args:
        cli: the commands.
        asked: the content of `_TEXTRNN_COMPLETE`, such as `bash_complete`.
    """
    with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(Exception):
        shell_complete(cli, {}, "textrnn", VARIABLE, asked)
