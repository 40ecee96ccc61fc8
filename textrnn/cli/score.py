"""`textrnn score`: how well a model predicts texts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from textrnn.base.console import open_model, stream, warn
from textrnn.base.errors import ConfigError
from textrnn.cli.options import ENCODING, JSON, MODEL, MODELS_DIR
from textrnn.text.document_options import DocumentConfig


@click.command()
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
