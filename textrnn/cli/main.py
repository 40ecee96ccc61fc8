"""The command line: parse, call one function, print; nothing else.

The commands stand in the table of `textrnn.base.tasks`. Each is the module of its name in this folder, and is imported
when it is needed: `--help` costs next to nothing and only training loads TensorFlow.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
from typing import Any

import click

from textrnn import __version__
from textrnn.base.escapes import guarded_output
from textrnn.base.tasks import COMMANDS, named
from textrnn.cli.console import Commands, guarded, leave_at_once

SYNONYMS = {"runs": "list", "ls": "list", "rm": "delete", "mv": "rename", "show": "info", "predict": "classify"}


class CommandsByName(Commands):
    """The commands of the table, each the function of its name in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command: click.Command | None = named(f"textrnn.cli.{cmd_name}:{cmd_name}") if cmd_name in COMMANDS else None
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named; one that is not there is refused with the one that may have been meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from textrnn.base.config import nearest

            near = SYNONYMS.get(args[0]) or nearest(args[0], list(COMMANDS))
            meant = f"; did you mean {near}?" if near else ""
            raise click.UsageError(f"no such command: {args[0]!r:.60}{meant}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """The commands that begin so, of which none is imported, and the options."""
        from click.shell_completion import CompletionItem

        begun = [command for name, command in COMMANDS.items() if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(command.name, help=command.help) for command in begun), *options]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(command.usage, command.help) for command in COMMANDS.values()], col_max=40)


@click.group(cls=CommandsByName, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="textrnn")
def cli() -> None:
    """Train recurrent networks on your own text, on an ordinary computer."""


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line; never shows a traceback for what a user can cause."""
    begin = time.monotonic()
    if asked := os.environ.get("_TEXTRNN_COMPLETE"):
        from textrnn.cli.complete import answer_shell

        answer_shell(cli, asked)
        sys.exit(0)
    for output in (sys.stdout, sys.stderr):  # names of files may hold bytes that no encoding has
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(errors="backslashreplace")
    words = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if words[0] == "help":
        words = [*words[1:], "--help"]
    with (
        contextlib.redirect_stdout(guarded_output(sys.stdout)),
        contextlib.redirect_stderr(guarded_output(sys.stderr)),
    ):
        code = guarded(lambda: cli.main(words, prog_name="textrnn", standalone_mode=False, obj=(begin, words)))
    if arguments is None and "tensorflow" in sys.modules:
        leave_at_once(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
