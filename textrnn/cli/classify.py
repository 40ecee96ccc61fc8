"""`textrnn classify` on the command line: parse, call one function, print."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from textrnn.base.config import LEARNING, PREDICTING, TEXT
from textrnn.base.errors import ConfigError, DataError
from textrnn.classifier.options import GROUPS as CLASSIFIER
from textrnn.classifier.options import MODELS, TASKS, check_options
from textrnn.cli.complete import FILE, RunName
from textrnn.cli.console import show_result
from textrnn.cli.options import (
    NamedNumber,
    SectionedCommand,
    by_name,
    call_of,
    config_flags,
    flag,
    from_flag,
    names_of,
    new_run_flags,
    reading_flags,
    say_newest,
    split_options,
    typed_flags,
)
from textrnn.nn.reservoir_options import ReservoirConfig
from textrnn.text.options import NormalizeConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textrnn.classifier.predict_file import PredictOptions
    from textrnn.text.table.table import Table, TableOptions

GROUPS = (*CLASSIFIER, ReservoirConfig, NormalizeConfig)
COLUMNS = (
    "delimiter",
    "text_column",
    "label_column",
    "encoding",
    "strict_encoding",
    "header",
    "quotes",
    "sheet",
    "all_rows",
    "keep_labels",
    "missing_labels",
)
WRITING = ("output", "overwrite", "min_confidence", "explain", "fill", "only_missing")
FOR_TRAINING = (
    "task",
    "label_separator",
    "test",
    "num_folds",
    "group_column",
    "split_column",
    "unlabelled",
    "from_run",
    "balanced",
    "num_errors",
    "cost",
    "name",
    *names_of(*GROUPS),
)


@click.command(cls=SectionedCommand)
@click.argument("table", nargs=-1, type=FILE, required=True)
@flag(
    "--output",
    "-o",
    type=FILE,
    first=True,
    help="The table with predictions added; all rows of several tables in one, or each of them if it is a folder.  "
    "[default: TABLE.predicted.csv, of each]",
)
@flag(
    "--model",
    default="auto",
    show_default=True,
    type=RunName(MODELS),
    metavar="[auto|rnn|linear|combined|NAME_OR_PATH]",
    section=LEARNING,
    first=True,
    help="What to train: recurrent networks, a linear model, both combined, or what is best on held-out rows (auto). "
    "Or the saved classifier to predict with; the newest if none is named.",
)
@flag(
    "--test",
    type=FILE,
    section=TEXT,
    first=True,
    help="Measure on this table.  [default: a fifth of the rows, held out; of 100 or fewer, all of them in 5 folds]",
)
@flag(
    "--folds",
    "num_folds",
    type=int,
    metavar="K",
    section=TEXT,
    first=True,
    help="Measure by cross-validation: each row by one of K models that has not seen it; then learn from all rows. "
    "K + 1 fits share --time.  [from 2 to 20]",
)
@flag(
    "--group-column",
    metavar="NAME_OR_NUMBER",
    section=TEXT,
    help="Column of what rows belong to, such as author or product: no group is both learnt from and measured on.",
)
@flag(
    "--split-column",
    metavar="NAME_OR_NUMBER",
    section=TEXT,
    help="Column that says which rows to measure on: train, valid or test in words; or a date, time or number, by "
    "which the last fifth is held out.",
)
@flag(
    "--text-column",
    multiple=True,
    metavar="NAME_OR_NUMBER",
    section=TEXT,
    first=True,
    help="Column of the texts, by its name, number or path in JSON (review.body); given twice, both are joined.  "
    "[default: as names and cells show]",
)
@flag(
    "--label-column",
    multiple=True,
    metavar="NAME_OR_NUMBER",
    section=TEXT,
    first=True,
    help="Column of the labels; given several times, each column says yes or no to a label of its name.  [default: as "
    "they show]",
)
@flag(
    "--task",
    type=click.Choice(TASKS),
    section=TEXT,
    first=True,
    help="What labels are: one of some classes, several in a cell (multi), ordered grades, or numbers.  [default: as "
    "they show]",
)
@flag(
    "--label-separator",
    metavar="TEXT",
    section=TEXT,
    help="Between several labels in a cell.  [default: as it shows]",
)
@flag(
    "--keep-label",
    "keep_labels",
    multiple=True,
    metavar="LABEL",
    section=TEXT,
    help="Take it for a label, as it is written, though it looks like none (NA) or like another spelling of one "
    "(1.0, Pos).  [may be repeated]",
)
@flag(
    "--missing-label",
    "missing_labels",
    multiple=True,
    metavar="LABEL",
    section=TEXT,
    help="Take it for no label, as NA, N/A, #N/A, nan, null and ? are.  [may be repeated]",
)
@flag(
    "--delimiter",
    "-d",
    section=TEXT,
    help="Between cells: a character, or tab, comma, semicolon, pipe, at, jsonl, lines.  [default: as they show]",
)
@flag(
    "--header/--no-header",
    default=None,
    section=TEXT,
    help="Whether the first row names the columns.  [default: as it shows]",
)
@flag(
    "--quotes/--no-quotes",
    default=None,
    section=TEXT,
    help="Whether cells can be in quotes.  [default: as they show]",
)
@flag(
    "--sheet",
    metavar="NAME_OR_NUMBER",
    section=TEXT,
    help="Sheet of a workbook of Excel.  [default: the first with a table]",
)
@flag(
    "--all-rows",
    is_flag=True,
    section=TEXT,
    help="Take each line for a row: titles above the header, headers that come again, rulers and totals too.",
)
@reading_flags("tables")
@flag(
    "--unlabelled",
    type=FILE,
    section=TEXT,
    help="Further texts without labels, for the networks to learn from: a table, or a text a line; .gz too.",
)
@from_flag("a classifier, or of a language model", "these labels")
@flag(
    "--train",
    "must_train",
    is_flag=True,
    section=LEARNING,
    help="Learn from the table, as from one with labels.",
)
@flag(
    "--predict",
    "must_predict",
    is_flag=True,
    section=PREDICTING,
    help="Predict with a saved classifier, even if there are labels.",
)
@flag(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="SHARE",
    section=PREDICTING,
    help="Below it the status of a row is uncertain.",
)
@flag(
    "--fill",
    is_flag=True,
    section=PREDICTING,
    help="Write the predicted label into the column of labels too, where a row has none.",
)
@flag(
    "--only-missing",
    is_flag=True,
    section=PREDICTING,
    help="Write only the rows without a label.",
)
@flag(
    "--explain",
    is_flag=True,
    section=PREDICTING,
    first=True,
    help="Add the words that mattered for each prediction, and show them in a page, OUTPUT.explained.html; up to about "
    "100 times as slow.",
)
@flag(
    "--errors",
    "num_errors",
    type=int,
    metavar="N",
    section=LEARNING,
    help="Write the N rows whose label is most surely wrong, surest first, to TABLE.errors.csv.",
)
@flag(
    "--cost",
    type=NamedNumber("LABEL=NUMBER", "positive=5"),
    multiple=True,
    callback=by_name,
    metavar="LABEL=NUMBER",
    section=LEARNING,
    help="Of two labels, what an error on a row of this one costs, where 1 is usual: the threshold is chosen by it.",
)
@new_run_flags("the table's", what="a run of that name, and the output")
@flag(
    "--verbose",
    is_flag=True,
    help="Print the whole report, which report.html in the run has as well.",
)
@flag(
    "--balanced",
    is_flag=True,
    section=LEARNING,
    help="Let each class count the same, however many rows it has.",
)
@config_flags(*GROUPS)
@click.pass_context
def classify(context: click.Context, /, table: tuple[str, ...], **options: Any) -> None:
    """Learn the labels of texts from a table, or add labels to one.

    \b
      textrnn classify reviews.csv    labels: learn from them, fill in missing ones
      textrnn classify new.csv        none: predict, with the newest classifier
      textrnn classify a.csv b.csv    several of the same columns, as one
    """
    from textrnn.classifier.predict_file import PredictOptions
    from textrnn.classifier.sides import SideColumns
    from textrnn.text.table.table import TableOptions

    asked, given = split_options(context, options, *GROUPS)
    if asked.must_train and asked.must_predict:
        raise ConfigError("give --train or --predict, not both")
    sides = SideColumns(asked.group_column, asked.split_column)
    columns = TableOptions(**{name: getattr(asked, name) for name in COLUMNS}, side_columns=sides.flagged)
    predict_options = PredictOptions(**{name: getattr(asked, name) for name in WRITING})
    saved = None if asked.model in MODELS else asked.model
    if asked.must_train and saved is not None:
        raise ConfigError(f"--model is {saved!r:.60}: with --train expected one of {', '.join(MODELS)}")
    reason = ""
    # Standard input can be read only once, so it is learnt from only where that is asked for.
    if asked.must_train or (saved is None and not asked.must_predict and table != ("-",)):
        check_options(given)
        given.update(options=columns, predict_options=predict_options, sides=sides)
        reason = _learn_if_labelled(context, list(table), asked, given)
        if not reason:
            return
    _check_predicting(context, table, asked, reason)
    _predict(table, asked, columns, predict_options)


def _learn_if_labelled(
    context: click.Context, path: Sequence[str], asked: SimpleNamespace, given: dict[str, Any]
) -> str:
    """Learns from a table if it has labels; else why it has none, for it to be filled in by a saved classifier.

    Raises:
        DataError: it has none, and has to be learnt from, or there is no classifier.
    """
    from textrnn.base.run import newest_run
    from textrnn.classifier.data import has_labels, why_unlabelled
    from textrnn.classifier.predict import KIND
    from textrnn.text.table.find_columns import NoLabelError
    from textrnn.text.table.joined import open_tables

    has_classifier = newest_run(Path(asked.models_dir), KIND) is not None
    needs_label = None if has_classifier and not asked.must_train else True
    with contextlib.ExitStack() as stack:
        try:
            table = stack.enter_context(open_tables(path, given["options"], needs_label=needs_label))
        except NoLabelError as error:
            if asked.must_train:
                raise
            reason = str(error)
        else:
            if asked.must_train or has_labels(table):
                _learn(context, table, path, asked, given)
                return ""
            reason = why_unlabelled(table)
    if not has_classifier:
        raise DataError(f"{reason}; and there is no classifier in {asked.models_dir} that could fill them in")
    return reason


def _learn(
    context: click.Context, table: Table, path: Sequence[str], asked: SimpleNamespace, given: dict[str, Any]
) -> None:
    """Learns from a table that is open."""
    from textrnn.classifier.found_kind import LabelOptions
    from textrnn.classifier.train import train_on
    from textrnn.report.text_report import format_report

    result = train_on(
        table,
        path,
        test=asked.test,
        num_folds=asked.num_folds,
        unlabelled=asked.unlabelled,
        from_run=asked.from_run,
        kind=asked.model,
        balanced=asked.balanced,
        labels=LabelOptions(asked.task, asked.label_separator),
        num_errors=asked.num_errors,
        cost=asked.cost,
        **call_of(context, asked),
        **given,
    )
    said = {} if asked.quiet else {"table": None, "split": None}  # which was said before learning began
    shown = format_report({**result, **said}, is_whole=asked.verbose)
    show_result(context, result, None if asked.as_json else shown)


def _predict(
    table: Sequence[str], asked: SimpleNamespace, columns: TableOptions, predict_options: PredictOptions
) -> None:
    """Adds predictions of a saved classifier to a table."""
    from textrnn.classifier.predict import load_classifier
    from textrnn.classifier.predict_file import predict, summary

    name = None if asked.model in MODELS else asked.model
    classifier = load_classifier(name, asked.models_dir)
    say_newest(name, classifier.path)
    result = predict(table, classifier, columns, predict_options, lambda line: click.echo(line, err=True))
    if result["output"] != "-":
        click.echo(json.dumps(result, ensure_ascii=False) if asked.as_json else summary(result))


def _check_predicting(context: click.Context, table: Sequence[str], asked: SimpleNamespace, reason: str) -> None:
    """Raises ConfigError if there are options of learning though nothing will be learnt, for this reason."""
    names_kind = asked.model in MODELS and asked.model != "auto"
    flags = [*[f"--model {asked.model}"] * names_kind, *typed_flags(context, FOR_TRAINING)]
    if not flags:
        return
    if asked.must_predict or (not names_kind and typed_flags(context, ["model"])):
        raise ConfigError(f"a saved classifier is used here, and nothing learnt: leave out {', '.join(flags)}")
    if table == ("-",):
        raise ConfigError(f"standard input is only learnt from with --train: give it, or leave out {', '.join(flags)}")
    raise ConfigError(f"{reason}; where nothing is learnt, {', '.join(flags)} {'have' if flags[1:] else 'has'} no use")
