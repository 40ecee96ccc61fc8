"""`textrnn list`: the runs there are."""

from __future__ import annotations

from pathlib import Path

import click

from textrnn.cli.options import JSON, MODELS_DIR, Command


@click.command(cls=Command)
@MODELS_DIR
@JSON
@click.pass_context
def list(context: click.Context, models_dir: Path, as_json: bool) -> None:
    """List the saved runs, newest first, as 'textrnn info' does."""
    from textrnn.cli.info import info

    context.invoke(info, model=None, models_dir=models_dir, as_json=as_json)
