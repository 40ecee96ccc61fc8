"""`textrnn rename`: a saved run gets another name."""

from __future__ import annotations

from pathlib import Path

import click

from textrnn.cli.complete import RUN
from textrnn.cli.options import MODELS_DIR, Command


@click.command(cls=Command)
@click.argument("name", type=RUN)
@click.argument("new_name")
@MODELS_DIR
def rename(name: str, new_name: str, models_dir: Path) -> None:
    """Give the saved run NAME the name NEW_NAME."""
    from textrnn.base.run import named_run
    from textrnn.base.run_changes import rename_run

    path = named_run(name, models_dir)
    click.echo(f"{path} is {rename_run(path, new_name)} now")
