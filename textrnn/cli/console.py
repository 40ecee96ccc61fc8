"""Between the commands and the terminal: text as it comes, and errors as one line and an exit code."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import click

from textrnn.base.errors import ConfigError, TextRNNError
from textrnn.base.install import pip_install_all

INTERRUPTED = 130


class OutputClosedError(Exception):
    """Whoever read standard output has enough of it, as in `| head`."""


class Commands(click.Group):
    """The commands; click would end with exit code 1 when the reader of the output leaves."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise OutputClosedError from None


def stream(pieces: Iterable[str], *, eager: bool = False, encoding: str = "utf-8") -> None:
    """Writes pieces as they come: at once to a person, in blocks to a file or pipe."""
    output = sys.stdout
    if hasattr(output, "reconfigure"):
        output.reconfigure(encoding=encoding, errors="replace", newline="")
    eager, last = eager or output.isatty(), 0.0
    for number, piece in enumerate(pieces):
        output.write(piece)
        # A person sees text at once; flushing each of thousands of characters a second would cost more than they do.
        if number == 0 or (eager and time.monotonic() - last > 0.02):
            output.flush()
            last = time.monotonic()
    output.flush()


def guarded(run: Callable[[], Any]) -> int:
    """Runs a command and turns what happens into an exit code and at most one line on standard error."""
    with contextlib.suppress(ValueError):  # not the main thread: signals are not ours
        signal.signal(signal.SIGTERM, _terminated)
    try:
        code = run()
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except TextRNNError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f" ('{context.command_path} --help' says more)" if context else ""
        click.echo(f"error: {error.format_message().rstrip('.')}{hint}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as error:
        said = (error.__cause__ or error).args  # click makes an Abort of a KeyboardInterrupt
        click.echo(": ".join(["interrupted", *map(str, said)]), err=True)
        return INTERRUPTED
    except (BrokenPipeError, OutputClosedError):
        _drop_output()
        return 0
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        if package == "textrnn":
            raise
        click.echo(f"error: this needs the package {package}, which is not installed: {pip_install_all()}", err=True)
        return 1
    except MemoryError:
        click.echo("error: not enough memory: try a smaller --units, --batch or --window", err=True)
        return 1
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            click.echo("error: the disk is full: make room and try again; what was saved before is kept", err=True)
            _drop_output()
            return 1
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {where}{error.strerror or error}", err=True)
        return 1


def write(pieces: Iterable[str], output: str | None, *, eager: bool = False, encoding: str = "utf-8") -> None:
    """Writes pieces to a file, or to standard output as they come.

    Args:
        pieces: of text.
        output: the file; None or `-` for standard output.
        eager: whether somebody waits for each piece, see `stream`.
        encoding: how they are written.
    """
    if output is None or output == "-":
        stream(pieces, eager=eager, encoding=encoding)
        return
    from textrnn.language_model.generate import write_output

    write_output(pieces, output, encoding)


def check_output(output: str | None, *, overwrite: bool) -> None:
    """Refuses a file that exists before anything else is done; what is no plain file, such as /dev/null, is written to.

    Raises:
        ConfigError: it exists, and may not be replaced.
    """
    if output not in (None, "-") and os.path.isfile(str(output)) and not overwrite:
        raise ConfigError(f"{output} exists: replace it with --overwrite, or name another file with -o")


def show_result(context: click.Context, result: dict[str, Any], text: str | None) -> None:
    """Prints what a training returned, and ends the command with exit code 130 if it was interrupted.

    Args:
        context: of the command.
        result: as JSON has it; `ended` says how it ended.
        text: what a person is told; None to print the JSON.
    """
    click.echo(json.dumps(result, ensure_ascii=False) if text is None else text.rstrip("\n"))
    if result["ended"] == "interrupted":
        context.exit(INTERRUPTED)


def _terminated(number: int, frame: Any) -> None:
    """SIGTERM ends a command as Ctrl-C does: what is half done is put away."""
    raise KeyboardInterrupt


def leave_at_once(code: int) -> NoReturn:
    """Ends the process without taking TensorFlow apart first, which takes one to two seconds."""
    for output in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            output.flush()
    os._exit(code)


def _drop_output() -> None:
    """Lets what is still buffered for standard output go nowhere: flushing it at exit would fail again."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
