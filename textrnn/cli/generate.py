"""`textrnn generate` on the command line: parse, call one function, print."""

from __future__ import annotations

import itertools
import shlex
import sys
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import click

from textrnn.base.config import PREDICTING
from textrnn.base.errors import ConfigError, DataError, warn
from textrnn.base.escapes import HELP
from textrnn.cli.complete import FILE
from textrnn.cli.console import check_output, stream, write
from textrnn.cli.options import (
    MODEL,
    MODELS_DIR,
    USE,
    Command,
    Typed,
    config_flags,
    flag,
    names_of,
    say_newest,
    split_options,
)
from textrnn.language_model.sample_options import SampleConfig, TextConfig


def _meant(words: list[str]) -> str:
    """What was meant by words that are given without an option."""
    text = " ".join(words)
    return f"{text!r:.60}: --seed {shlex.quote(text):.60} writes on from it, --model names a run to write with"


@click.command(cls=Command, if_extra=_meant)
@MODEL
@MODELS_DIR
@click.option(
    "--seed",
    type=Typed(),
    default="",
    help=f"Text to begin from; {HELP}.  [default: empty, as a document begins]",
)
@USE
@click.option("--seeds-file", type=FILE, help="File of seeds, one a line; - for standard input.")
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
@click.option(
    "--stop",
    "stops",
    type=Typed(),
    multiple=True,
    metavar="TEXT",
    help="End before this text, with the escapes of --seed; may be repeated.",
)
@config_flags(SampleConfig, TextConfig)
@flag(
    "--corpus",
    multiple=True,
    section=PREDICTING,
    type=FILE,
    help="Text for --novel: a file, folder or pattern; may be repeated.  [default: that which the run learnt from]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    show_default=True,
    help="Plain text, or a line of JSON for each text.",
)
@flag(
    "--runtime",
    type=click.Choice(["auto", "numpy", "litert"]),
    default="auto",
    show_default=True,
    section=PREDICTING,
    help="What runs the network: NumPy, exactly, or LiteRT in int8, many times as fast; auto takes LiteRT where it is "
    "installed (pip install 'textrnn[fast]') and the run has its files.",
)
@click.option("--output", "-o", type=FILE, help="Write to this file instead of standard output.")
@click.option("--overwrite", is_flag=True, help="Replace that file if it exists.")
@click.option("--interactive", "-i", is_flag=True, help="Type a line, get a continuation; /help says more.")
@click.pass_context
def generate(context: click.Context, /, **options: Any) -> None:
    """Write text with a trained model; needs no TensorFlow."""
    asked, given = split_options(context, options, SampleConfig, TextConfig)
    text = TextConfig(**{name: given.pop(name) for name in names_of(TextConfig) if name in given})
    config = SampleConfig(**given)
    many = asked.seeds_file or asked.count > 1 or asked.form != "text"
    if asked.interactive and (many or asked.output):
        raise ConfigError("--interactive talks to a person: leave out --seeds-file, --count, --format and --output")
    if asked.seeds_file and asked.seed:
        raise ConfigError("give --seed or --seeds-file, not both")
    if "-" in asked.corpus and (asked.interactive or asked.seeds_file == "-"):
        raise ConfigError("--corpus is standard input, and so is what is asked for: give --corpus a file")
    check_output(asked.output, overwrite=asked.overwrite)
    from textrnn.language_model.asked import asked_model
    from textrnn.language_model.fast import with_runtime
    from textrnn.language_model.generation import condition_rng, random_seed
    from textrnn.language_model.novel import KnownToCounts
    from textrnn.language_model.predict import load_language_model

    opened: Any = load_language_model(asked.model, asked.models_dir)
    say_newest(asked.model, opened.path)
    opened, said = with_runtime(opened, "numpy" if asked.use == "counts" else asked.runtime)
    if said:
        click.echo(said, err=True)
    wanted = {name: getattr(asked, name) for name in ("use", "condition", "guidance", "corpus")}
    opened, choose = asked_model(opened, text, **wanted)
    if text.novel is not None and not asked.corpus and isinstance(opened.known, KnownToCounts):
        warn("the counts leave out pieces that tell little, so some longer ones may stand in the text: see --corpus")
    if asked.seed.isdigit():
        click.echo(f"the text begins with {asked.seed}; to repeat a text there is --random-seed {asked.seed}", err=True)
    if choose is not None and not many:
        drawn, opened = choose(condition_rng(random_seed(config), 0, 0))
    if choose is not None and asked.condition is None:
        _note("each text's condition is drawn" if many else f"the condition is {drawn}", opened)
    if asked.interactive:
        _converse(opened, config, asked)
    else:
        encoding = "utf-8"
        if opened.config.is_bytes and asked.form == "text":
            encoding = "latin-1"  # in which each byte is the character that it was read as
        pieces = _many(opened, config, asked, choose) if many else _one(opened, config, asked)
        write(pieces, asked.output, encoding=encoding)


def _one(model: Any, config: SampleConfig, asked: SimpleNamespace) -> Iterable[str]:
    """One text, as it comes."""
    from textrnn.language_model.generate import as_bytes, format_stream
    from textrnn.language_model.generation import generate_stream

    if model.config.is_bytes:
        seed, stops = as_bytes(asked.seed), tuple(map(as_bytes, asked.stops))
        return itertools.chain([seed], generate_stream(model, seed, config, stops=stops, warn=warn))
    return format_stream(asked.seed, generate_stream(model, asked.seed, config, stops=asked.stops, warn=warn))


def _many(model: Any, config: SampleConfig, asked: SimpleNamespace, choose: Any) -> Iterable[str]:
    """Several texts, or one as a line of JSON."""
    from textrnn.language_model.generate import as_bytes, format_jsonl, format_text, read_seeds
    from textrnn.language_model.generation import generate_texts

    seeds = read_seeds(asked.seeds_file) if asked.seeds_file else [asked.seed]
    if model.config.is_bytes:
        seeds = list(map(as_bytes, seeds))
    as_json = asked.form == "jsonl"
    texts = generate_texts(
        model, seeds, config, count=asked.count, stops=asked.stops, measure=as_json, warn=warn, choose=choose
    )
    run = str(model.path)
    return (format_jsonl(text, run) if as_json else format_text(text, number) for number, text in enumerate(texts, 1))


def _converse(model: Any, config: SampleConfig, asked: SimpleNamespace) -> None:
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

    stream(Session(model, config, asked.stops, asked.seed).run(lines()), eager=True)


def _note(what: str, model: Any) -> None:
    """Says that a condition was drawn, and what there is to choose from."""
    from textrnn.language_model.conditions import listed

    click.echo(f"{what}, by their frequency: --condition chooses one of {listed(model.documents.conditions)}", err=True)
