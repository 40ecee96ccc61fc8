"""`textrnn delete`: saved runs are deleted."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from textrnn.base.errors import ConfigError
from textrnn.cli.complete import RUN
from textrnn.cli.options import MODELS_DIR, Command


@click.command(cls=Command)
@click.argument("names", type=RUN, nargs=-1, required=True, metavar="NAME...")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@MODELS_DIR
def delete(names: tuple[str, ...], yes: bool, models_dir: Path) -> None:
    """Delete saved runs, with everything in their folders, after asking."""
    from textrnn.base.run import named_run
    from textrnn.base.run_changes import delete_run, size_on_disk

    paths = list(dict.fromkeys(named_run(name, models_dir) for name in names))
    listed = ", ".join(f"{path} ({size_on_disk(path) / 1e6:.1f} MB)" for path in paths)
    if not yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise ConfigError(f"nobody can be asked whether to delete {listed}: add --yes")
        click.confirm(f"delete {listed}?", abort=True, err=True)
    for path in paths:
        delete_run(path)
    click.echo(f"deleted {listed}")
