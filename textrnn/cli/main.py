"""The command line: parse, call one function, print; nothing else.

Only click, the options and the errors are imported here; each command imports its task when it runs, so that
`--help` costs next to nothing and only training loads TensorFlow.
"""

from __future__ import annotations

import dataclasses
import io
import json
import sys
import time
from pathlib import Path

import click

from textrnn import __version__
from textrnn.base.console import Commands, guarded, leave_at_once, open_model, stream, warn
from textrnn.base.errors import ConfigError
from textrnn.cli.answer import answer
from textrnn.cli.classify import classify
from textrnn.cli.generate import generate
from textrnn.cli.inspect import inspect
from textrnn.cli.options import ENCODING, JSON, MODEL, MODELS_DIR
from textrnn.cli.train import train
from textrnn.cli.translate import translate
from textrnn.text.document_options import DocumentConfig


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="textrnn")
def cli() -> None:
    """Train recurrent networks on your own text, on an ordinary computer.

    \b
      textrnn train corpus.txt           learn from a text
      textrnn generate --seed "Once"     write on from a few words
      textrnn score chapter.txt          how surprising is a text?
      textrnn classify reviews.csv       learn labels of texts, fill in missing ones
      textrnn inspect cells              what the units of a network track
      textrnn translate pairs.tsv        learn to turn texts into others
      textrnn answer stories.txt         learn to answer questions about stories
      textrnn info                       the models that you have
    """


@cli.command()
@click.argument("files", nargs=-1, required=True)
@MODEL
@MODELS_DIR
@ENCODING
@click.option(
    "--condition",
    metavar="NAME",
    help="Measure in this condition, or a mixture, instead of in each that the model learnt; of a table, the column "
    "with the condition of each text, to see how often it is the most likely one.",
)
@click.option("--text-column", metavar="NAME_OR_NUMBER", help="The files are tables with texts in this column.")
@click.option("--delimiter", help="Between the cells of tables, as for train.")
@click.option("--header/--no-header", default=None, help="Whether the first row of tables names the columns.")
@click.option("--per-char", is_flag=True, help="A line of JSON for each character: how surprising it was, in bits.")
@JSON
def score(
    files: tuple[str, ...],
    model: str | None,
    models_dir: Path,
    encoding: str | None,
    condition: str | None,
    text_column: str | None,
    delimiter: str | None,
    header: bool | None,
    per_char: bool,
    as_json: bool,
) -> None:
    """Measure how well a model predicts texts: bits per character, nats per token, perplexity."""
    from textrnn.language_model.conditions import check_condition, with_condition
    from textrnn.language_model.score import score_per_char, score_source
    from textrnn.language_model.score_documents import format_documents, score_documents
    from textrnn.text.reader import find_files, open_sources

    opened = open_model(model, models_dir)
    table = DocumentConfig(text_column=text_column, delimiter=delimiter, header=header)
    if table.is_table:
        table = dataclasses.replace(table, condition=condition)
    if table.is_table and (per_char or opened.documents is None):
        reason = "--per-char shows the characters of a text" if per_char else "the model did not learn from documents"
        raise ConfigError(f"{reason}: leave out --text-column, --delimiter and --header")
    if condition is not None and (per_char or not table.is_table):
        check_condition(opened, condition)
    with open_sources(find_files(files), encoding) as sources:
        if per_char:
            opened = opened if condition is None else with_condition(opened, condition, 0.0)[0]
            for source in sources:
                stream(score_per_char(opened, source))
            return
        if opened.documents is None:
            scores = [score_source(opened, source) for source in sources]
        else:
            own = None if table.is_table else condition
            scores = [score_documents(opened, source, table, condition=own, warn=warn) for source in sources]
    if as_json:
        click.echo(json.dumps({"files": scores}, ensure_ascii=False))
        return
    for found in scores:
        unknown = f", {found['unknown']:,} unknown" if found["unknown"] else ""
        click.echo(
            f"{found['file']}: {found['bits_per_char']:.4f} bits per character, {found['nats_per_token']:.4f} "
            f"nats per token, perplexity {found['perplexity']:.4g} ({found['chars']:,} characters, "
            f"{found['tokens']:,} tokens{unknown})"
        )
        click.echo(format_documents(found), nl=False)


@cli.command()
@click.argument("model", required=False)
@MODELS_DIR
@JSON
def info(model: str | None, models_dir: Path, as_json: bool) -> None:
    """List the saved runs, or describe one of them."""
    from textrnn.cli.info import all_runs, format_list, format_run, one_run

    if model is None:
        runs = all_runs(models_dir)
        click.echo(
            json.dumps({"runs": runs}, ensure_ascii=False) if as_json else format_list(runs, models_dir), nl=as_json
        )
    else:
        run = one_run(model, models_dir)
        click.echo(json.dumps(run, ensure_ascii=False) if as_json else format_run(run), nl=as_json)


for command in (train, generate, classify, inspect, translate, answer):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line; never shows a traceback for what a user can cause."""
    begin = time.monotonic()
    for output in (sys.stdout, sys.stderr):  # names of files may hold bytes that no encoding has
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(errors="backslashreplace")
    words = sys.argv[1:] if arguments is None else arguments
    code = guarded(lambda: cli.main(words, prog_name="textrnn", standalone_mode=False, obj=(begin, words)))
    if arguments is None and "tensorflow" in sys.modules:
        leave_at_once(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
