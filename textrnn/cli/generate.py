"""`textrnn generate` on the command line: parse, call one function, print."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from textrnn.base.console import open_model, stream, warn
from textrnn.base.errors import ConfigError, DataError
from textrnn.cli.options import MODEL, MODELS_DIR, config_options, given_options
from textrnn.language_model.sample_options import SampleConfig


@click.command()
@MODEL
@MODELS_DIR
@click.option("--seed", default="", help="Text to begin from.  [default: empty, as a document begins]")
@click.option("--seeds-file", metavar="FILE", help="File of seeds, one a line; - for standard input.")
@click.option(
    "--condition",
    metavar="NAME",
    help="What the text should be like: one of the conditions that the model learnt, or a mixture such as "
    "positive=0.7,negative=0.3, in which their vectors are mixed.  [default: one drawn by their frequency]",
)
@click.option(
    "--guidance",
    type=click.FloatRange(0, 100),
    help="Above 0, what sets the condition apart is made this much stronger, at twice the time.  [default: 2 with "
    "--condition, else 0]",
)
@click.option("--count", type=click.IntRange(1, 1_000_000), default=1, show_default=True, help="Texts for each seed.")
@click.option("--stop", "stops", multiple=True, metavar="TEXT", help="End before this text; may be repeated.")
@config_options(SampleConfig)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    show_default=True,
    help="Plain text, or a line of JSON for each text.",
)
@click.option("--output", "-o", metavar="FILE", help="Write to this file instead of standard output.")
@click.option("--interactive", "-i", is_flag=True, help="Type a line, get a continuation; /help says more.")
@click.pass_context
def generate(
    context: click.Context,
    /,
    model: str | None,
    models_dir: Path,
    seed: str,
    seeds_file: str | None,
    condition: str | None,
    guidance: float | None,
    count: int,
    stops: tuple[str, ...],
    form: str,
    output: str | None,
    interactive: bool,
    **options: Any,
) -> None:
    """Write text with a trained model; needs no TensorFlow."""
    config = SampleConfig(**given_options(context, options))
    if interactive and (seeds_file or output or count > 1 or form != "text"):
        raise ConfigError("--interactive talks to a person: leave out --seeds-file, --count, --format and --output")
    if seeds_file and seed:
        raise ConfigError("give --seed or --seeds-file, not both")
    from textrnn.language_model.conditions import with_condition
    from textrnn.language_model.generate import format_jsonl, format_stream, format_text, read_seeds, write_output
    from textrnn.language_model.generation import condition_rng, generate_stream, generate_texts, random_seed

    opened: Any = open_model(model, models_dir)
    opened, choose = with_condition(opened, condition, guidance)
    is_one = interactive or (seeds_file is None and count == 1 and form == "text")
    if choose is not None and is_one:
        drawn, opened = choose(condition_rng(random_seed(config), 0, 0))
    if choose is not None and condition is None:
        _note(f"the condition is {drawn}" if is_one else "each text's condition is drawn", opened)
    if interactive:
        _converse(opened, config, stops)
        return
    if is_one:
        pieces: Iterable[str] = format_stream(seed, generate_stream(opened, seed, config, stops=stops, warn=warn))
    else:
        seeds = [seed] if seeds_file is None else read_seeds(seeds_file)
        texts = generate_texts(
            opened, seeds, config, count=count, stops=stops, measure=form == "jsonl", warn=warn, choose=choose
        )
        pieces = (
            format_jsonl(text) if form == "jsonl" else format_text(text, number) for number, text in enumerate(texts, 1)
        )
    if output is not None and output != "-":
        write_output(pieces, output)
    else:
        stream(pieces)


def _converse(model: Any, config: SampleConfig, stops: tuple[str, ...]) -> None:
    from textrnn.language_model.interactive import Session

    if sys.stdin is None:
        raise DataError("--interactive needs standard input, and it is closed")
    terminal = sys.stdin.isatty()
    if terminal:
        click.echo("Type a text to go on from; an empty line goes on with the last one; /help says more.", err=True)

    def lines() -> Iterable[str]:
        while True:
            if terminal:
                click.echo("> ", nl=False, err=True)
            line = sys.stdin.readline()
            if not line:
                return
            yield line

    stream(Session(model, config, stops).run(lines()), eager=True)


def _note(what: str, model: Any) -> None:
    """Says that a condition was drawn, and what there is to choose from."""
    from textrnn.language_model.conditions import listed

    click.echo(f"{what}, by their frequency: --condition chooses one of {listed(model.documents.conditions)}", err=True)
