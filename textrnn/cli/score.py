"""`textrnn score`: how well a model predicts texts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from textrnn.base.errors import ConfigError, warn
from textrnn.cli.console import stream
from textrnn.cli.options import JSON, MODEL, MODELS_DIR, USE, reading_flags, reading_of, tags_flag
from textrnn.text.document_options import DocumentConfig

if TYPE_CHECKING:
    from textrnn.text.reader import Source


@click.command()
@click.argument("files", nargs=-1, required=True)
@MODEL
@MODELS_DIR
@USE
@reading_flags()
@tags_flag()
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
@click.option(
    "--adapt",
    is_flag=True,
    help="Measure as well how much better it predicts when its counts go on counting in the text.",
)
@JSON
def score(files: tuple[str, ...], **options: Any) -> None:
    """Measure how well a model predicts texts: bits per character, nats per token, perplexity."""
    from textrnn.language_model.conditions import check_condition
    from textrnn.language_model.predict import load_language_model
    from textrnn.text.reader import as_bytes, open_sources

    asked = SimpleNamespace(**options)
    opened = load_language_model(asked.model, asked.models_dir)
    if asked.use is not None:
        opened = opened.using(asked.use)
    if asked.adapt and (asked.per_char or opened.documents is not None):
        raise ConfigError("--adapt is for running text as a whole: leave it out with --per-char and with documents")
    table = DocumentConfig(text_column=asked.text_column, delimiter=asked.delimiter, header=asked.header)
    if table.is_table and (asked.per_char or opened.documents is None):
        reason = (
            "--per-char shows the characters of a text" if asked.per_char else "the model did not learn from documents"
        )
        raise ConfigError(f"{reason}: leave out --text-column, --delimiter and --header")
    if table.is_table:
        table = dataclasses.replace(table, condition=asked.condition)
    elif asked.condition is not None:
        check_condition(opened, asked.condition)
    reading = dataclasses.replace(reading_of(asked), any_bytes=opened.config.is_bytes)
    with open_sources(files, reading) as sources:
        if opened.config.is_bytes:
            sources = list(map(as_bytes, sources))
        if asked.per_char:
            _per_char(opened, sources, asked.condition)
            return
        scores = _scores(opened, sources, table, asked)
    click.echo(json.dumps({"files": scores}, ensure_ascii=False) if asked.as_json else _in_words(scores))


def _per_char(model: Any, sources: Iterable[Source], condition: str | None) -> None:
    """Prints a line for each character."""
    from textrnn.language_model.conditions import with_condition
    from textrnn.language_model.score import score_per_char

    model = model if condition is None else with_condition(model, condition, 0.0)[0]
    for source in sources:
        stream(score_per_char(model, source))


def _scores(
    model: Any, sources: Iterable[Source], table: DocumentConfig, asked: SimpleNamespace
) -> list[dict[str, Any]]:
    """What `--json` prints of each source."""
    from textrnn.language_model.score import score_source
    from textrnn.language_model.score_documents import score_documents

    if model.documents is None:
        return [score_source(model, source, adapt=asked.adapt) for source in sources]
    own = None if table.is_table else asked.condition
    return [score_documents(model, source, table, condition=own, warn=warn) for source in sources]


def _adapted(found: dict[str, Any]) -> str:
    bits = found.get("adapted_bits_per_char")
    return f"  with counts that go on counting: {bits:.4f} bits per character\n" if bits is not None else ""


def _in_words(scores: list[dict[str, Any]]) -> str:
    from textrnn.language_model.score_documents import format_documents

    parts = []
    for found in scores:
        unknown = f", {found['unknown']:,} unknown" if found["unknown"] else ""
        parts.append(
            f"{found['file']}: {found['bits_per_char']:.4f} bits per character, {found['nats_per_token']:.4f} "
            f"nats per token, perplexity {found['perplexity']:.4g} ({found['chars']:,} characters, "
            f"{found['tokens']:,} tokens{unknown})\n{_adapted(found)}{format_documents(found)}"
        )
    return "".join(parts).removesuffix("\n")
