"""The command line: parse, call one function, print; nothing else.

Each command is the module of its name in this folder, and is imported when it is needed: `--help` costs next to nothing
and only training loads TensorFlow.
"""

from __future__ import annotations

import io
import sys
import time

import click

from textrnn import __version__
from textrnn.base.console import Commands, guarded, leave_at_once
from textrnn.base.tasks import named

COMMANDS = ("train", "generate", "score", "classify", "inspect", "translate", "answer", "info")


class CommandsByName(Commands):
    """The commands, which are imported by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command: click.Command | None = named(f"textrnn.cli.{cmd_name}:{cmd_name}") if cmd_name in COMMANDS else None
        return command


@click.group(cls=CommandsByName, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="textrnn")
def cli() -> None:
    """Train recurrent networks on your own text, on an ordinary computer.

    \b
      textrnn train corpus.txt           learn from a text
      textrnn generate --seed "Once"     write on from a few words
      textrnn score chapter.txt          how surprising is a text?
      textrnn classify reviews.csv       learn labels of texts, fill in missing ones
      textrnn inspect cells              what the units of a network track
      textrnn translate pairs.tsv        learn to turn texts into others
      textrnn answer stories.txt         learn to answer questions about stories
      textrnn info                       the models that you have
    """


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line; never shows a traceback for what a user can cause."""
    begin = time.monotonic()
    for output in (sys.stdout, sys.stderr):  # names of files may hold bytes that no encoding has
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(errors="backslashreplace")
    words = sys.argv[1:] if arguments is None else arguments
    code = guarded(lambda: cli.main(words, prog_name="textrnn", standalone_mode=False, obj=(begin, words)))
    if arguments is None and "tensorflow" in sys.modules:
        leave_at_once(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
