"""`textrnn classify` on the command line: parse, call one function, print."""

from __future__ import annotations

import json
import shlex
from types import SimpleNamespace
from typing import Any

import click

from textrnn.base.console import INTERRUPTED
from textrnn.base.errors import ConfigError
from textrnn.classifier.options import GROUPS, MODELS, EncoderConfig
from textrnn.cli.options import (
    JSON,
    MODELS_DIR,
    OUTPUT,
    QUIET,
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
FITTING = names_of(*GROUPS, without=(*NETWORKS, "time_s", "random_seed"))
TEXTS = names_of(NormalizeConfig)
SECTIONS = {
    "Most used": (
        *(
            "output",
            "time_s",
            "model",
            "test",
            "num_folds",
            "text_column",
            "label_column",
            "explain",
            "name",
            "overwrite",
        ),
    ),
    "Table (found out if not given)": ("delimiter", "header", "quotes", "encoding"),
    "Learning or predicting": ("must_train", "must_predict", "min_confidence"),
    **OUTPUT,
    "Learning": ("unlabelled", "balanced", *FITTING, "random_seed"),
    "Network": NETWORKS,
    "Echo state networks (--arch esn)": RESERVOIR,
    "Text, before anything is learnt or predicted": TEXTS,
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


COLUMNS = ("delimiter", "text_column", "label_column", "encoding", "header", "quotes")
ASKED = (
    *("test", "num_folds", "must_train", "must_predict", "model", "unlabelled", "balanced", "output", "min_confidence"),
    *("explain", "name", "models_dir", "overwrite", "quiet", "as_json"),
)
RENAMED = {"--warm-up": "--pretrain", "--warm-up-epochs": "--pretrain-epochs"}


@click.command(cls=SectionedCommand, sections=SECTIONS, renamed=RENAMED)
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
    help="Further texts without labels, for the networks to be pretrained on: a table, or a text a line; .gz too.",
)
@click.option("--balanced", is_flag=True, help="Let each class count the same, however many rows it has.")
@config_options(*GROUPS, ReservoirConfig, NormalizeConfig)
@click.pass_context
def classify(context: click.Context, /, table: str, **options: Any) -> None:
    """Learn the labels of texts from a table, or add labels to one.

    \b
      textrnn classify reviews.csv    labels: learn from them, fill in missing ones
      textrnn classify new.csv        none: predict, with the newest classifier
    """
    from textrnn.classifier.data import has_labels
    from textrnn.classifier.predict_file import PredictOptions
    from textrnn.text.table.table import TableOptions, open_table

    asked = SimpleNamespace(**{name: options.pop(name) for name in ASKED})
    if asked.must_train and asked.must_predict:
        raise ConfigError("give --train or --predict, not both")
    columns = TableOptions(**{name: options.pop(name) for name in COLUMNS})
    predict_options = PredictOptions(asked.output, asked.overwrite, asked.min_confidence, asked.explain)
    saved = None if asked.model in MODELS else asked.model
    if asked.must_train and saved is not None:
        raise ConfigError(f"--model is {saved!r:.60}: with --train expected one of {', '.join(MODELS)}")
    # Standard input can be read only once, so it is learnt from only where that is asked for.
    if asked.must_train or (saved is None and not asked.must_predict and table != "-"):
        with open_table(table, columns, needs_label=asked.must_train or None) as opened:
            if asked.must_train or has_labels(opened):
                given = dict(options=columns, predict_options=predict_options, **given_options(context, options))
                _learn(context, opened, table, asked, given)
                return
    kind = None if saved or asked.model == "auto" else asked.model
    _check_predicting(context, table, kind=kind, must_predict=asked.must_predict)
    _predict(table, saved, asked, columns, predict_options)


def _learn(context: click.Context, opened: Any, path: str, asked: SimpleNamespace, given: dict[str, Any]) -> None:
    """Learns from a table that is open."""
    from textrnn.base.run_target import RunTarget
    from textrnn.classifier.train import train_on
    from textrnn.report.text_report import format_report

    begin, arguments = context.obj
    result = train_on(
        opened,
        path,
        test=asked.test,
        num_folds=asked.num_folds,
        unlabelled=asked.unlabelled,
        kind=asked.model,
        balanced=asked.balanced,
        run_target=RunTarget(asked.models_dir, asked.name, asked.overwrite),
        quiet=asked.quiet,
        command=shlex.join(["textrnn", *arguments]),
        begin=begin,
        **given,
    )
    as_json = asked.as_json
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else format_report(result), nl=as_json)
    if result["ended"] == "interrupted":
        context.exit(INTERRUPTED)


def _predict(table: str, saved: str | None, asked: SimpleNamespace, columns: Any, predict_options: Any) -> None:
    """Adds predictions of a saved classifier to a table."""
    from textrnn.classifier.predict import load_classifier
    from textrnn.classifier.predict_file import predict, summary

    classifier = load_classifier(saved, asked.models_dir)
    result = predict(table, classifier, columns, predict_options, lambda line: click.echo(line, err=True))
    if result["output"] != "-":
        click.echo(json.dumps(result, ensure_ascii=False) if asked.as_json else summary(result))


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
