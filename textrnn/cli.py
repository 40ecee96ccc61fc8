"""The command line: parse, call one function, print; nothing else.

Only click, the options and the errors are imported here; each command imports its task when it runs, so that
`--help` costs next to nothing and only training loads TensorFlow.
"""

from __future__ import annotations

import dataclasses
import io
import json
import shlex
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from textrnn import __version__
from textrnn.cli_answer import answer
from textrnn.cli_classify import classify
from textrnn.cli_inspect import inspect
from textrnn.cli_translate import translate
from textrnn.config import DataConfig, NormalizeConfig, TokenizerConfig, TrainConfig
from textrnn.console import INTERRUPTED, Commands, guarded, leave_at_once, stream
from textrnn.document_config import DocumentConfig
from textrnn.errors import ConfigError, DataError
from textrnn.model_config import ModelConfig
from textrnn.options import JSON, MODELS_DIR, config_options, given_options
from textrnn.reservoir_config import ReservoirConfig
from textrnn.sample_config import SampleConfig

MODEL = click.option("--model", "model", metavar="NAME_OR_PATH", help="Saved run.  [default: the newest]")
CONDITION = click.option(
    "--condition",
    metavar="NAME",
    help="What the text should be like: one of the conditions that the model learnt, or a mixture such as "
    "positive=0.7,negative=0.3, in which their vectors are mixed.  [default: one drawn by their frequency]",
)
ENCODING = click.option("--encoding", help="Encoding of the files.  [default: UTF-8, UTF-16 or GB18030, as they show]")


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
@click.argument("corpus", nargs=-1)
@click.option("--name", help="Name of the run.  [default: made from the corpus' name]")
@MODELS_DIR
@click.option("--overwrite", is_flag=True, help="Replace a run of that name.")
@click.option("--resume", metavar="NAME", help="Go on with a run: weights, optimizer, schedule and position.")
@click.option(
    "--validation-file",
    "validation",
    multiple=True,
    metavar="FILE",
    help="Validate on this text instead of the end of the corpus; may be repeated.",
)
@ENCODING
@config_options(DocumentConfig, TokenizerConfig, NormalizeConfig, ModelConfig, ReservoirConfig, DataConfig, TrainConfig)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Processes on this machine that share each batch and the cores; TF_CONFIG names those of several machines.",
)
@click.option("--samples/--no-samples", default=True, show_default=True, help="Show what the model writes, at checks.")
@click.option("--quiet", "-q", is_flag=True, help="Print warnings and the result only.")
@JSON
@click.pass_context
def train(
    context: click.Context,
    /,
    corpus: tuple[str, ...],
    name: str | None,
    models_dir: Path,
    overwrite: bool,
    resume: str | None,
    validation: tuple[str, ...],
    encoding: str | None,
    workers: int,
    samples: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Learn a language model from text files, folders, patterns or - (standard input)."""
    from textrnn.tasks.launch import launch, was_launched

    begin, arguments = context.obj
    if workers > 1 and not was_launched():
        context.exit(launch(workers, arguments))
    from textrnn.tasks.train import train as task

    command = shlex.join(["textrnn", *arguments])
    result = task(
        corpus,
        validation=validation,
        encoding=encoding,
        name=name,
        models_dir=models_dir,
        overwrite=overwrite,
        resume=resume,
        quiet=quiet,
        samples=samples,
        command=command,
        begin=begin,
        **given_options(context, options),
    )
    if as_json and "run" in result:  # workers beside the chief have nothing to say
        click.echo(json.dumps(result, ensure_ascii=False))
    elif "run" in result:
        click.echo(_train_summary(result, models_dir))
    if result["ended"] == "interrupted":
        context.exit(INTERRUPTED)


def _train_summary(result: dict[str, Any], models_dir: Path) -> str:
    from textrnn.run import models_dir_flag

    path = Path(result["run"])
    elsewhere = models_dir_flag(path)
    model = shlex.quote(path.name)
    bits, nats = result["val_bits_per_char"], result["val_nats_per_token"]
    quality = f"{bits:.3f} bits per character on held-out text ({nats:.3f} nats per token)" if bits else "not measured"
    lines = [f"saved {path}: {quality}, best at epoch {result['best_epoch'] or 0:.3g} of {result['epochs']:.3g}"]
    if result["ended"] == "patience":
        lines.append("ended early: held-out text had stopped getting easier (--patience); more text helps most")
    if result["ended"] == "interrupted":
        lines.append(f"go on with:  textrnn train --resume {model}{elsewhere}")
    lines.append(f'try it:      textrnn generate --model {model}{elsewhere} --seed "" --length 500')
    return "\n".join(lines)


@cli.command()
@MODEL
@MODELS_DIR
@click.option("--seed", default="", help="Text to begin from.  [default: empty, as a document begins]")
@click.option("--seeds-file", metavar="FILE", help="File of seeds, one a line; - for standard input.")
@CONDITION
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
    from textrnn.runtime.conditions import with_condition
    from textrnn.runtime.generation import condition_rng, generate_stream, generate_texts, random_seed
    from textrnn.tasks.generate import format_jsonl, format_stream, format_text, read_seeds, write_output

    opened: Any = _open_model(model, models_dir)
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
        pieces: Iterable[str] = format_stream(seed, generate_stream(opened, seed, config, stops=stops, warn=_warn))
    else:
        seeds = [seed] if seeds_file is None else read_seeds(seeds_file)
        texts = generate_texts(
            opened, seeds, config, count=count, stops=stops, measure=form == "jsonl", warn=_warn, choose=choose
        )
        pieces = (
            format_jsonl(text) if form == "jsonl" else format_text(text, number) for number, text in enumerate(texts, 1)
        )
    if output is not None and output != "-":
        write_output(pieces, output)
    else:
        stream(pieces)


def _converse(model: Any, config: SampleConfig, stops: tuple[str, ...]) -> None:
    from textrnn.tasks.interactive import Session

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
    from textrnn.runtime.conditions import check_condition, with_condition
    from textrnn.tasks.score import score_per_char, score_source
    from textrnn.tasks.score_documents import format_documents, score_documents
    from textrnn.text.reader import find_files, open_sources

    opened = _open_model(model, models_dir)
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
            scores = [score_documents(opened, source, table, condition=own, warn=_warn) for source in sources]
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
    from textrnn.tasks.info import all_runs, format_list, format_run, one_run

    if model is None:
        runs = all_runs(models_dir)
        click.echo(
            json.dumps({"runs": runs}, ensure_ascii=False) if as_json else format_list(runs, models_dir), nl=as_json
        )
    else:
        run = one_run(model, models_dir)
        click.echo(json.dumps(run, ensure_ascii=False) if as_json else format_run(run), nl=as_json)


cli.add_command(classify)
cli.add_command(inspect)
cli.add_command(translate)
cli.add_command(answer)


def _open_model(name: str | None, models_dir: Path) -> Any:
    from textrnn.run import find_run
    from textrnn.runtime.language_model import KIND, open_run

    return open_run(find_run(name, models_dir, KIND))


def _note(what: str, model: Any) -> None:
    """Says that a condition was drawn, and what there is to choose from."""
    from textrnn.runtime.conditions import listed

    click.echo(f"{what}, by their frequency: --condition chooses one of {listed(model.documents.conditions)}", err=True)


def _warn(line: str) -> None:
    click.echo(f"warning: {line}", err=True)


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
