"""`textrnn classify` on the command line: parse, call one function, print."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from textrnn.base.console import INTERRUPTED
from textrnn.base.errors import ConfigError
from textrnn.classifier.options import MODELS, EncoderConfig, FitConfig
from textrnn.cli.options import (
    JSON,
    MODELS_DIR,
    QUIET,
    WHERE,
    SectionedCommand,
    config_options,
    given_options,
    name_option,
    names_of,
    typed_flags,
)
from textrnn.nn.reservoir_options import RESERVOIR, ReservoirConfig
from textrnn.text.options import NormalizeConfig

NETWORKS = names_of(EncoderConfig)
FITTING = names_of(FitConfig, without=("time_s", "random_seed"))
TEXTS = names_of(NormalizeConfig)
SECTIONS = {
    "Most used": ("output", "time_s", "model", "test", "num_folds", "text_column", "label_column"),
    "How the table is written (found out if not given)": ("delimiter", "header", "quotes", "encoding"),
    "Learning or predicting": ("must_train", "must_predict", "min_confidence", "explain"),
    **WHERE,
    "Learning": ("unlabelled", "balanced", *FITTING, "random_seed"),
    "The networks": NETWORKS,
    "Echo state networks (--arch esn)": RESERVOIR,
    "The texts, before anything is learnt or predicted": TEXTS,
}
FOR_TRAINING = (
    "test",
    "num_folds",
    "unlabelled",
    "balanced",
    "name",
    "time_s",
    "random_seed",
    *NETWORKS,
    *RESERVOIR,
    *FITTING,
    *TEXTS,
)


@click.command(cls=SectionedCommand, sections=SECTIONS)
@click.argument("table")
@click.option(
    "--output", "-o", metavar="FILE", help="The table with predictions added.  [default: TABLE.predicted.csv]"
)
@click.option(
    "--model",
    default="auto",
    show_default=True,
    metavar="[auto|rnn|linear|combined|NAME_OR_PATH]",
    help="What to train: recurrent networks, a linear model, both combined, or what is best on held-out rows (auto). "
    "Or the saved classifier to predict with; the newest if none is named.",
)
@click.option("--test", metavar="FILE", help="Measure on this table.  [default: a fifth of the rows, held out]")
@click.option(
    "--folds",
    "num_folds",
    type=int,
    metavar="K",
    help="Measure by cross-validation: each row by one of K models that has not seen it; then learn from all rows. "
    "K + 1 fits share --time.  [from 2 to 20]",
)
@click.option(
    "--text-column", metavar="NAME_OR_NUMBER", help="Column of the texts.  [default: as names and cells show]"
)
@click.option("--label-column", metavar="NAME_OR_NUMBER", help="Column of the labels.  [default: as they show]")
@click.option("--delimiter", "-d", help="Between cells: a character, or tab, comma, semicolon, pipe, at, jsonl, lines.")
@click.option("--header/--no-header", default=None, help="Whether the first row names the columns.")
@click.option("--quotes/--no-quotes", default=None, help="Whether cells can be in quotes.")
@click.option("--encoding", help="Encoding of the tables, such as gb18030.")
@click.option("--train", "must_train", is_flag=True, help="Learn from the table, as from one with labels.")
@click.option(
    "--predict", "must_predict", is_flag=True, help="Predict with a saved classifier, even if there are labels."
)
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="SHARE",
    help="Below it the status of a row is uncertain.",
)
@click.option(
    "--explain",
    is_flag=True,
    help="Add the words that mattered for each prediction, and show them in a page, OUTPUT.explained.html; up to about "
    "100 times as slow.",
)
@name_option("the table's")
@MODELS_DIR
@click.option("--overwrite", is_flag=True, help="Replace a run of that name, and the output.")
@JSON
@QUIET
@click.option(
    "--unlabelled",
    metavar="FILE",
    help="Further texts without labels, for the networks to warm up on: a table, or a text a line; .gz too.",
)
@click.option("--balanced", is_flag=True, help="Let each class count the same, however many rows it has.")
@config_options(EncoderConfig, ReservoirConfig, FitConfig, NormalizeConfig)
@click.pass_context
def classify(
    context: click.Context,
    /,
    table: str,
    test: str | None,
    num_folds: int | None,
    must_train: bool,
    must_predict: bool,
    model: str,
    delimiter: str | None,
    text_column: str | None,
    label_column: str | None,
    header: bool | None,
    quotes: bool | None,
    encoding: str | None,
    unlabelled: str | None,
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

    \b
      textrnn classify reviews.csv    labels: learn from them, fill in missing ones
      textrnn classify new.csv        none: predict, with the newest classifier
    """
    if must_train and must_predict:
        raise ConfigError("give --train or --predict, not both")
    from textrnn.classifier.predict_file import Using, predict, wants_training
    from textrnn.text.table.table import TableOptions

    begin, arguments = context.obj
    columns = TableOptions(delimiter, text_column, label_column, encoding, header, quotes)
    using = Using(output, overwrite, min_confidence, explain)
    saved = None if model in MODELS else model
    if must_train and saved is not None:
        raise ConfigError(f"--model is {model!r:.60}: with --train expected one of {', '.join(MODELS)}")
    if must_train or (saved is None and not must_predict and wants_training(table, columns)):
        from textrnn.base.place import Place
        from textrnn.classifier.train import train as task
        from textrnn.report.text_report import format_report

        result = task(
            table,
            test=test,
            num_folds=num_folds,
            unlabelled=unlabelled,
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
    from textrnn.classifier.predict import load_classifier
    from textrnn.classifier.predict_file import summary

    _check_predicting(context, table, kind=None if saved or model == "auto" else model, must_predict=must_predict)
    result = predict(table, load_classifier(saved, models_dir), columns, using, lambda line: click.echo(line, err=True))
    if result["output"] != "-":
        click.echo(json.dumps(result, ensure_ascii=False) if as_json else summary(result))


def _check_predicting(context: click.Context, table: str, *, kind: str | None, must_predict: bool) -> None:
    """Raises ConfigError if there are options of learning though nothing will be learnt."""
    flags = [*[f"--model {kind}"] * (kind is not None), *typed_flags(context, FOR_TRAINING)]
    if not flags:
        return
    if must_predict or (kind is None and typed_flags(context, ["model"])):
        raise ConfigError(f"a saved classifier is used here, and nothing learnt: leave out {', '.join(flags)}")
    if table == "-":
        raise ConfigError(f"standard input is only learnt from with --train: give it, or leave out {', '.join(flags)}")
    raise ConfigError(
        f"{table} has no column of labels, so nothing would be learnt: name it with --label-column, or leave out "
        f"{', '.join(flags)}"
    )
