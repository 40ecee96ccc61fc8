"""`textrnn completion`: the script by which a shell completes commands, options and names of runs."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from textrnn.base.errors import ConfigError
from textrnn.cli.options import Command

SHELLS = ("bash", "zsh", "fish")
MARK = "# Written by 'textrnn completion --install'."


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.option(
    "--install", is_flag=True, help="Write the script to where the shell looks for it, and say what was done."
)
@click.pass_context
def completion(context: click.Context, shell: str | None, install: bool) -> None:
    """Print the script by which a shell completes commands, options, names of runs and files, or install it.

    Without a shell it is the one that $SHELL names.
    """
    shell = shell or _own_shell()
    text = script(context.find_root().command, shell)
    if not install:
        click.echo(text, nl=False)
        return
    path = place(shell)
    _write(path, text, shell)
    click.echo(f"wrote {path}")
    undo = f"rm {shlex.quote(str(path))}"
    if shell == "zsh":
        settings = _home("ZDOTDIR", "") / ".zshrc"
        click.echo(_told_zsh(path.parent, settings))
        undo += f", and take two lines out of {settings}, the first of which is {MARK!r}"
    if shell == "bash":
        click.echo(
            "bash reads it by itself where the package bash-completion is installed; elsewhere, add this line to "
            f"~/.bashrc: source {shlex.quote(str(path))}"
        )
    click.echo(f"new shells complete textrnn; to undo: {undo}")


def script(cli: click.Command, shell: str) -> str:
    """The script of a shell, with the mark by which it is known as ours.

    Args:
        cli: the commands.
        shell: one of `SHELLS`.
    """
    from click.shell_completion import get_completion_class

    from textrnn.cli.complete import VARIABLE

    found = get_completion_class(shell)
    if found is None:
        raise ConfigError(f"this version of click knows nothing of {shell}: pip install --upgrade click")
    text = found(cli, {}, "textrnn", VARIABLE).source()
    first, _, rest = text.partition("\n")
    return f"{first}\n{MARK}\n{rest}" if shell == "zsh" else f"{MARK}\n{text}"  # zsh wants `#compdef` to come first


def place(shell: str) -> Path:
    """The file that a shell reads when `textrnn` is to be completed."""
    if shell == "fish":
        return _home("XDG_CONFIG_HOME", ".config") / "fish" / "completions" / "textrnn.fish"
    data = _home("XDG_DATA_HOME", ".local/share")
    if shell == "zsh":
        return data / "zsh" / "site-functions" / "_textrnn"
    user_dir = os.environ.get("BASH_COMPLETION_USER_DIR", "").partition(":")[0]
    return Path(user_dir or data / "bash-completion") / "completions" / "textrnn"


def _own_shell() -> str:
    """The shell that the user has chosen.

    Raises:
        ConfigError: it is none that can be told what to complete.
    """
    name = Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        said = f"$SHELL is {name}" if name else "$SHELL is not set"
        raise ConfigError(f"{said}: name one of {', '.join(SHELLS)}, as in 'textrnn completion bash --install'")
    return name


def _home(variable: str, default: str) -> Path:
    """A folder for settings: what a variable names, or one in the home folder."""
    if named := os.environ.get(variable):
        return Path(named)
    try:
        return Path.home() / default
    except RuntimeError:
        raise ConfigError(f"there is no home folder: set HOME or {variable}") from None


def _write(path: Path, text: str, shell: str) -> None:
    """Writes the script.

    Raises:
        ConfigError: there is a file of somebody else.
    """
    from textrnn.base.files import write_atomically

    if path.exists() and MARK not in path.read_text(encoding="utf-8", errors="replace"):
        raise ConfigError(
            f"{path} was not written by textrnn, and stays as it is: move it away, or put what 'textrnn completion "
            f"{shell}' prints elsewhere"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())


def _told_zsh(folder: Path, settings: Path) -> str:
    """Lets zsh look into a folder, if it has not been told so before.

    Args:
        folder: that holds the script.
        settings: the file that zsh reads when it starts.

    Returns:
        what was done, in words.
    """
    line = f"fpath=({shlex.quote(str(folder))} $fpath) && autoload -Uz compinit && compinit"
    before = settings.read_text(encoding="utf-8", errors="replace") if settings.exists() else ""
    if line in before.splitlines():
        return f"{settings} has the line that zsh needs already"
    with settings.open("a", encoding="utf-8") as file:
        file.write(f"{'' if before.endswith(chr(10)) or not before else chr(10)}{MARK}\n{line}\n")
    return f"added to {settings}: {line}"
