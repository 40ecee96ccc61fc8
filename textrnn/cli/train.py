"""`textrnn train` on the command line: parse, call one function, print."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from textrnn.base.console import INTERRUPTED
from textrnn.cli.options import (
    ENCODING,
    JSON,
    MODELS_DIR,
    OUTPUT,
    QUIET,
    RESUME,
    SectionedCommand,
    config_options,
    given_options,
    name_option,
    names_of,
)
from textrnn.nn.options import ModelConfig
from textrnn.nn.reservoir_options import ReservoirConfig
from textrnn.text.document_options import DocumentConfig
from textrnn.text.options import DataConfig, NormalizeConfig, TokenizerConfig
from textrnn.training.options import OptimizationConfig, StopConfig

SECTIONS = {
    "Most used": ("time_s", "epochs", "name", "arch", "size", "units", "level", "condition", "resume", "workers"),
    "Text": ("validation", "encoding", *names_of(DocumentConfig, TokenizerConfig, NormalizeConfig, DataConfig)),
    "Network": names_of(ModelConfig),
    "Echo state networks (--arch esn)": names_of(ReservoirConfig),
    "Learning": names_of(OptimizationConfig, without=("precision", "accumulate")),
    "Stop and save": names_of(StopConfig),
    "Machines": ("precision", "accumulate"),
    **OUTPUT,
}


@click.command(cls=SectionedCommand, sections=SECTIONS)
@click.argument("corpus", nargs=-1)
@name_option("the corpus'")
@MODELS_DIR
@click.option("--overwrite", is_flag=True, help="Replace a run of that name.")
@RESUME
@click.option(
    "--validation-file",
    "validation",
    multiple=True,
    metavar="FILE",
    help="Validate on this text instead of the end of the corpus; may be repeated.",
)
@ENCODING
@config_options(
    DocumentConfig,
    TokenizerConfig,
    NormalizeConfig,
    ModelConfig,
    ReservoirConfig,
    DataConfig,
    OptimizationConfig,
    StopConfig,
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Processes on this machine that share each batch and the cores; TF_CONFIG names those of several machines.",
)
@click.option("--samples/--no-samples", default=True, show_default=True, help="Show what the model writes, at checks.")
@QUIET
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
    from textrnn.language_model.launch import launch, was_launched

    begin, arguments = context.obj
    if workers > 1 and not was_launched():
        context.exit(launch(workers, arguments))
    from textrnn.language_model.train import train as task

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
    from textrnn.base.run import models_dir_flag

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
