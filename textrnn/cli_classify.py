"""`textrnn classify` on the command line: parse, call one function, print."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from textrnn.classify_config import MODELS, EncoderConfig, FitConfig
from textrnn.config import NormalizeConfig
from textrnn.console import INTERRUPTED
from textrnn.errors import ConfigError
from textrnn.options import JSON, MODELS_DIR, config_options, given_options


@click.command()
@click.argument("table")
@click.option("--test", metavar="FILE", help="Measure on this table.  [default: a fifth of the rows, held out]")
@click.option("--train", "must_train", is_flag=True, help="Learn from the table, even if --model is given or made it.")
@click.option(
    "--predict", "must_predict", is_flag=True, help="Predict with a saved classifier, even if there are labels."
)
@click.option(
    "--model",
    default="auto",
    show_default=True,
    metavar="[auto|rnn|linear|combined|NAME_OR_PATH]",
    help="What to train: recurrent networks, a linear model, both combined, or what is best on held-out rows (auto). "
    "Or the saved classifier to predict with; the newest if none is named.",
)
@click.option("--delimiter", "-d", help="Between cells: a character, or tab, comma, semicolon, pipe, at, jsonl.")
@click.option(
    "--text-column", metavar="NAME_OR_NUMBER", help="Column of the texts.  [default: as names and cells show]"
)
@click.option("--label-column", metavar="NAME_OR_NUMBER", help="Column of the labels.  [default: as they show]")
@click.option("--header/--no-header", default=None, help="Whether the first row names the columns.")
@click.option("--quotes/--no-quotes", default=None, help="Whether cells can be in quotes.  [default: as they show]")
@click.option("--encoding", help="Encoding of the tables.  [default: as they show]")
@click.option("--balanced", is_flag=True, help="Let each class count the same, however many rows it has.")
@click.option("--output", "-o", metavar="FILE", help="Table with the predictions.  [default: TABLE.predicted.csv]")
@click.option("--min-confidence", type=click.FloatRange(0, 1), default=0.0, help="Below it a row is marked uncertain.")
@click.option(
    "--explain",
    is_flag=True,
    help="Add the words that mattered for each prediction, and show them in a page, OUTPUT.explained.html; up to about "
    "100 times as slow.",
)
@click.option("--name", help="Name of the run.  [default: made from the table's name]")
@MODELS_DIR
@click.option("--overwrite", is_flag=True, help="Replace a run of that name, and the output.")
@config_options(EncoderConfig, FitConfig, NormalizeConfig)
@click.option("--quiet", "-q", is_flag=True, help="Print warnings and the result only.")
@JSON
@click.pass_context
def classify(
    context: click.Context,
    /,
    table: str,
    test: str | None,
    must_train: bool,
    must_predict: bool,
    model: str,
    delimiter: str | None,
    text_column: str | None,
    label_column: str | None,
    header: bool | None,
    quotes: bool | None,
    encoding: str | None,
    balanced: bool,
    output: str | None,
    min_confidence: float,
    explain: bool,
    name: str | None,
    models_dir: Path,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Learn the labels of texts from a table, or add labels to one.

    A table with labels is learnt from; one without is predicted with the newest classifier, or with --model.
    """
    if must_train and must_predict:
        raise ConfigError("give --train or --predict, not both")
    from textrnn.tasks.predict import Using, predict, wants_training
    from textrnn.text.table import TableOptions

    begin, arguments = context.obj
    columns = TableOptions(delimiter, text_column, label_column, encoding, header, quotes)
    using = Using(output, overwrite, min_confidence, explain)
    saved = None if model in MODELS else model
    if must_train and saved is not None:
        raise ConfigError(f"--model is {model!r:.60}: with --train expected one of {', '.join(MODELS)}")
    if must_train or (saved is None and not must_predict and wants_training(table, columns)):
        from textrnn.judging.report import format_report
        from textrnn.tasks.classify import Place
        from textrnn.tasks.classify import train as task

        result = task(
            table,
            test=test,
            options=columns,
            kind=model,
            balanced=balanced,
            place=Place(models_dir, name, overwrite),
            using=using,
            quiet=quiet,
            command=shlex.join(["textrnn", *arguments]),
            begin=begin,
            **given_options(context, options),
        )
        click.echo(json.dumps(result, ensure_ascii=False) if as_json else format_report(result), nl=as_json)
        if result["ended"] == "interrupted":
            context.exit(INTERRUPTED)
        return
    from textrnn.runtime.classifier import load_classifier
    from textrnn.tasks.predict import summary

    result = predict(table, load_classifier(saved, models_dir), columns, using)
    if result["output"] != "-":
        click.echo(json.dumps(result, ensure_ascii=False) if as_json else summary(result))
