"""`textrnn doctor`: what this machine is, what is installed, what is broken, what training will cost."""

from __future__ import annotations

from pathlib import Path

import click

from textrnn.cli.options import JSON, MODELS_DIR, Command


@click.command(cls=Command)
@MODELS_DIR
@click.option("--no-measure", is_flag=True, help="Leave out the two seconds that measure what training will cost.")
@JSON
@click.pass_context
def doctor(context: click.Context, models_dir: Path, no_measure: bool, as_json: bool) -> None:
    """Look at this machine and at what is installed, and say what is broken, and what training will cost.

    What is printed can be pasted into a bug report: no name of a person, machine, folder, run or text is in it. The
    exit code is 1 if something is broken.
    """
    from textrnn.doctor import checkup

    click.echo("looking at what is installed; TensorFlow takes some seconds to load", err=True)
    parts = checkup.checkup(models_dir, measure=not no_measure)
    if as_json:
        import json

        click.echo(json.dumps(checkup.as_json(parts), ensure_ascii=False))
    else:
        click.echo(checkup.as_text(parts), nl=False)
    context.exit(bool(checkup.problems_of(parts)))
