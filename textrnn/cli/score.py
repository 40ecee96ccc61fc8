"""`textrnn score`: how well a model predicts texts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from textrnn.base.errors import ConfigError, warn
from textrnn.cli.complete import FILE, RUN
from textrnn.cli.console import stream
from textrnn.cli.options import JSON, MODELS_DIR, USE, Command, reading_flags, reading_of, say_newest, tags_flag
from textrnn.text.document_options import DocumentConfig

if TYPE_CHECKING:
    from textrnn.text.reader import Source


@click.command(cls=Command)
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option(
    "--model",
    "models",
    multiple=True,
    type=RUN,
    metavar="NAME_OR_PATH",
    help="Saved run; several are compared.  [default: the newest]",
)
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
def score(files: tuple[str, ...], models: tuple[str, ...], **options: Any) -> None:
    """Measure how well a model predicts texts: bits per character, nats per token, perplexity."""
    from textrnn.language_model.predict import load_language_model
    from textrnn.text.reader import as_bytes, open_sources

    asked = SimpleNamespace(**options)
    if len(models) > 1 and asked.per_char:
        raise ConfigError("--per-char shows the characters of a text to one model: give --model once")
    opened = [load_language_model(name, asked.models_dir) for name in models or (None,)]
    say_newest(models[0] if models else None, opened[0].path)
    if asked.use is not None:
        opened = [model.using(asked.use) for model in opened]
    tables = [_table_of(model, asked) for model in opened]
    any_bytes = all(model.config.is_bytes for model in opened)
    found = list[dict[str, Any]]()
    with open_sources(files, dataclasses.replace(reading_of(asked), any_bytes=any_bytes)) as sources:
        for model, table in zip(opened, tables, strict=True):
            own = list(map(as_bytes, sources)) if model.config.is_bytes else sources
            if asked.per_char:
                _per_char(model, own, asked.condition)
                return
            found.append({"run": str(model.path), "files": _scores(model, own, table, asked)})
    for one in found:
        _warn_of_doubts(one)
    if asked.as_json:
        click.echo(json.dumps(found[0] if len(found) == 1 else {"models": found}, ensure_ascii=False))
    else:
        click.echo(_in_words(found[0]["files"]) if len(found) == 1 else _side_by_side(found))


def _table_of(model: Any, asked: SimpleNamespace) -> DocumentConfig:
    """How tables are read for a model; raises ConfigError if it cannot do what is asked."""
    from textrnn.language_model.conditions import check_condition

    if asked.adapt and (asked.per_char or model.documents is not None):
        raise ConfigError("--adapt is for running text as a whole: leave it out with --per-char and with documents")
    table = DocumentConfig(text_column=asked.text_column, delimiter=asked.delimiter, header=asked.header)
    if table.is_table and (asked.per_char or model.documents is None):
        reason = (
            "--per-char shows the characters of a text" if asked.per_char else "the model did not learn from documents"
        )
        raise ConfigError(f"{reason}: leave out --text-column, --delimiter and --header")
    if table.is_table:
        return dataclasses.replace(table, condition=asked.condition)
    if asked.condition is not None:
        check_condition(model, asked.condition)
    return table


def _warn_of_doubts(found: dict[str, Any]) -> None:
    """Warns of each file whose figure says little: the run has learnt from it, or knows few of its tokens."""
    for file in found["files"]:
        if file["learnt_from"]:
            warn(
                f"{found['run']} has learnt from {file['file']}: of texts that it does not know it predicts less "
                "('textrnn info' has its held-out loss)"
            )
        if file["unknown"] * 2 > file["tokens"]:
            warn(
                f"{found['run']} does not know {file['unknown']:,} of the {file['tokens']:,} tokens of {file['file']}: "
                "nats and perplexity are those of a token that is called unknown each time"
            )


def _side_by_side(found: list[dict[str, Any]]) -> str:
    """Several models on the same files, the best one first."""
    lines = []
    for files in zip(*(one["files"] for one in found), strict=True):
        bits = [file["bits_per_char"] for file in files]
        order = sorted(range(len(found)), key=bits.__getitem__)
        lines.append(f"{files[0]['file']} ({files[0]['chars']:,} characters), bits per character:")
        lines += [f"  {bits[place]:.4f}  {found[place]['run']}" for place in order]
        first, second = order[:2]
        gain = bits[second] - bits[first]
        better = f"  {found[first]['run']} is better by {gain:.4f} than {found[second]['run']}"
        lines.append(better if round(gain, 4) else f"  {found[first]['run']} and {found[second]['run']} are equal")
    return "\n".join(lines)


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
    from textrnn.language_model.score import has_learnt_from, score_source
    from textrnn.language_model.score_documents import score_documents

    own = None if table.is_table else asked.condition
    scores = []
    for source in sources:
        if model.documents is None:
            found = score_source(model, source, adapt=asked.adapt)
        else:
            found = score_documents(model, source, table, condition=own, warn=warn)
        scores.append({**found, "learnt_from": has_learnt_from(model, source)})
    return scores


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
