"""`textrnn inspect` on the command line: parse, call one function, print."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from textrnn.base.errors import warn
from textrnn.cli.complete import FILE, RUN
from textrnn.cli.console import Commands
from textrnn.cli.options import JSON, MODELS_DIR, Command, reading_flags

if TYPE_CHECKING:
    from textrnn.inspect.inputs import Request

READING = reading_flags("file")
OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace the output.")


def output_option(default: str, what: str) -> Callable[[Any], Any]:
    """Where the page or picture goes."""
    return click.option("--output", "-o", type=FILE, default=default, show_default=True, help=what)


@click.group(cls=Commands)
def inspect() -> None:
    """Look into a network: its units, its gradients, its attention.

    \b
      textrnn inspect cells               which unit tracks quotes, line ends, ...?
      textrnn inspect gradients text.txt  do gradients vanish, or explode?
      textrnn inspect attention --text x  what does a classifier look at?
    """


@inspect.command(cls=Command, short_help="Which unit tracks what?")
@click.argument("file", type=FILE, required=False, metavar="[FILE]")
@click.option("--model", type=RUN, metavar="NAME_OR_PATH", help="Saved run.  [default: the newest language model]")
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
@READING
@JSON
def cells(as_json: bool, **options: Any) -> None:
    """Colour a text by what each unit of a network says, in a page that ranks units by what they track.

    FILE is the text; without it, the beginning of what was held out in training. Needs no TensorFlow.
    """
    from textrnn.inspect.cells import format_result, inspect_cells

    result = inspect_cells(_request(options), **options)
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else format_result(result))


@inspect.command(cls=Command, short_help="How far back do gradients reach?")
@click.argument("file", type=FILE, required=False, metavar="[FILE]")
@click.option("--model", type=RUN, metavar="NAME_OR_PATH", help="Measure this trained language model as well.")
@MODELS_DIR
@output_option("gradients.png", "The plot.")
@OVERWRITE
@click.option(
    "--distance", type=click.IntRange(1, 1000), default=100, show_default=True, help="Tokens to go back in time."
)
@click.option("--windows", type=click.IntRange(1, 1000), default=20, show_default=True, help="Pieces of the text.")
@click.option("--units", type=click.IntRange(1, 4096), metavar="N", help="Units in each layer.  [default: 128]")
@click.option("--layers", type=click.IntRange(1, 64), metavar="N", help="Recurrent layers.  [default: 1]")
@click.option(
    "--gain",
    type=click.FloatRange(0, 100, min_open=True),
    default=1.0,
    show_default=True,
    help="Multiply the recurrent weights of the untrained networks: small ones vanish at once, large ones explode.",
)
@click.option(
    "--random-seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of their weights."
)
@READING
@JSON
def gradients(as_json: bool, **options: Any) -> None:
    """Measure vanishing and exploding gradients of SimpleRNN, GRU and LSTM, in a table and a plot.

    FILE is the text that untrained networks read; with --model, the trained one reads it too (without FILE, what was
    held out of its own text). Needs no TensorFlow.
    """
    from textrnn.inspect.gradients import draw, format_result, inspect_gradients

    result = inspect_gradients(_request(options), **options)
    draw(result, warn)
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else format_result(result))


@inspect.command(cls=Command, short_help="What does a classifier look at?")
@click.argument("file", type=FILE, required=False, metavar="[FILE]")
@click.option("--text", "texts", multiple=True, help="A text; may be repeated.")
@click.option(
    "--model",
    type=RUN,
    metavar="NAME_OR_PATH",
    help="Saved classifier, or translator.  [default: the newest classifier]",
)
@MODELS_DIR
@output_option("attention.html", "The page; a picture of one text if the name ends with .png.")
@OVERWRITE
@READING
@JSON
def attention(texts: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Show which tokens a classifier with --pooling attention weighs how much, or a translator for each that it writes.

    FILE has a text in each line. Needs no TensorFlow.
    """
    from textrnn.inspect.attention import format_result, inspect_attention

    result = inspect_attention(_request(options), texts, warn=warn)
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else format_result(result))


def _request(options: dict[str, Any]) -> Request:
    """Takes what all commands share out of the options of one."""
    from textrnn.inspect.inputs import Request

    return Request(**{field.name: options.pop(field.name) for field in dataclasses.fields(Request)})
