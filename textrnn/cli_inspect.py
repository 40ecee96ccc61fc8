"""`textrnn inspect` on the command line: parse, call one function, print."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from textrnn.console import Commands
from textrnn.options import JSON, MODELS_DIR

ENCODING = click.option("--encoding", help="Encoding of the file.  [default: UTF-8, UTF-16 or GB18030, as it shows]")
OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace the output.")


def output_option(default: str, what: str) -> Callable[[Any], Any]:
    """Where the page or picture goes."""
    return click.option("--output", "-o", metavar="FILE", default=default, show_default=True, help=what)


@click.group(cls=Commands)
def inspect() -> None:
    """Look into a network: its units, its gradients, its attention.

    \b
      textrnn inspect cells        which unit tracks quotes, line ends, ...?
    """


@inspect.command()
@click.argument("text", required=False, metavar="[FILE]")
@click.option("--model", metavar="NAME_OR_PATH", help="Saved run.  [default: the newest language model]")
@MODELS_DIR
@output_option("cells.html", "The page.")
@OVERWRITE
@click.option(
    "--chars", type=click.IntRange(20, 100_000), default=4000, show_default=True, help="Characters of the text to read."
)
@click.option(
    "--unit", type=int, metavar="N", help="Show this unit first, from 0.  [default: the one that tracks most]"
)
@click.option("--layer", type=int, metavar="N", help="Layer of --unit, from 1.  [default: the last]")
@ENCODING
@JSON
def cells(
    text: str | None,
    model: str | None,
    models_dir: Path,
    output: str,
    overwrite: bool,
    chars: int,
    unit: int | None,
    layer: int | None,
    encoding: str | None,
    as_json: bool,
) -> None:
    """Colour a text by what each unit of a network says, in a page that ranks units by what they track.

    FILE is the text; without it, the beginning of what was held out in training. Needs no TensorFlow.
    """
    from textrnn.tasks.inspect_cells import format_result, inspect_cells

    result = inspect_cells(
        text,
        output,
        model=model,
        models_dir=models_dir,
        encoding=encoding,
        chars=chars,
        unit=unit,
        layer=layer,
        overwrite=overwrite,
    )
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else format_result(result))
