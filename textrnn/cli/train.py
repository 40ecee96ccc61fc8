"""`textrnn train` on the command line: parse, call one function, print."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from textrnn.base.config import MACHINES, TEXT
from textrnn.cli.complete import FILE
from textrnn.cli.console import INTERRUPTED, show_result
from textrnn.cli.options import (
    RESUME,
    TENSORBOARD,
    SectionedCommand,
    call_of,
    config_flags,
    flag,
    from_flag,
    new_run_flags,
    reading_flags,
    split_options,
    tags_flag,
)
from textrnn.language_model.chat import ChatConfig
from textrnn.nn.options import ModelConfig
from textrnn.nn.reservoir_options import ReservoirConfig
from textrnn.text.document_options import DocumentConfig
from textrnn.text.options import CountsConfig, DataConfig, NormalizeConfig, TokenizerConfig
from textrnn.training.options import OptimizationConfig, StopConfig

TEXT_GROUPS = (DocumentConfig, TokenizerConfig, NormalizeConfig, DataConfig)
FEW_EPOCHS = 0.2  # below which the time was so short that a person should know
EVEN_BITS = 0.005  # bits per character within which counts are as good as the mixture
OWN = ("validation", "encoding", "strict_encoding", "strip_gutenberg", "keep_tags", "resume", "from_run", "samples")
GROUPS = (*TEXT_GROUPS, ModelConfig, CountsConfig, ReservoirConfig, OptimizationConfig, StopConfig, ChatConfig)


@click.command(cls=SectionedCommand)
@click.argument("corpus", type=FILE, nargs=-1)
@new_run_flags("the corpus'")
@RESUME
@from_flag("a run", "another text")
@flag(
    "--validation-file",
    "validation",
    multiple=True,
    type=FILE,
    section=TEXT,
    help="Validate on this text instead of the end of the corpus; may be repeated.",
)
@reading_flags()
@tags_flag()
@flag(
    "--strip-gutenberg",
    is_flag=True,
    section=TEXT,
    help="Cut the header and footer that Project Gutenberg puts around its books.",
)
@config_flags(*GROUPS)
@flag(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    section=MACHINES,
    first=True,
    help="Processes on this machine that share each batch and the cores; TF_CONFIG names those of several machines.",
)
@flag("--events", type=FILE, help="Add what happens to this file as lines of JSON; - for standard output.")
@TENSORBOARD
@flag("--samples/--no-samples", default=True, show_default=True, help="Show what the model writes, at checks.")
@click.pass_context
def train(context: click.Context, /, corpus: tuple[str, ...], **options: Any) -> None:
    """Learn a language model from text files (.gz too), folders, patterns or - (standard input)."""
    from textrnn.language_model.launch import launch, was_launched

    asked, given = split_options(context, options, *GROUPS)
    if asked.workers > 1 and not was_launched():
        context.exit(launch(asked.workers, context.obj[1]))
    from textrnn.language_model.train import train as learn

    own = {name: getattr(asked, name) for name in (*OWN, "events", "tensorboard")}
    result = learn(corpus, **own, **call_of(context, asked), **given)
    if "run" in result:
        show_result(context, result, None if asked.as_json else _summary(result))
    elif result["ended"] == "interrupted":  # workers beside the chief have nothing to say
        context.exit(INTERRUPTED)


def _of_parts(models: dict[str, dict[str, float]]) -> str:
    """What the counts and the network are worth, in a line."""
    from textrnn.language_model.info import parts_in_words

    counts, mixture = (models[name]["val_bits_per_char"] for name in ("counts", "mixture"))
    nearly = counts <= mixture + EVEN_BITS
    plain = "; the counts alone are as good: more time, or more text, is what the network needs" if nearly else ""
    return parts_in_words(models) + plain


def _of_copies(copied: dict[str, Any]) -> str:
    from textrnn.language_model.copies import Copies

    return f"of what it writes, copied from the text word for word: {Copies(**copied).in_words()}"


def _summary(result: dict[str, Any]) -> str:
    from textrnn.base.run import models_dir_flag
    from textrnn.language_model.info import forgotten_in_words

    path = Path(result["run"])
    elsewhere = models_dir_flag(path)
    model = shlex.quote(path.name)
    bits, nats = result["val_bits_per_char"], result["val_nats_per_token"]
    quality = f"{bits:.3f} bits per character on held-out text ({nats:.3f} nats per token)" if bits else "not measured"
    lines = [f"saved {path}: {quality}, best at epoch {result['best_epoch'] or 0:.3g} of {result['epochs']:.3g}"]
    if len(result.get("models") or {}) > 1:
        lines.append(_of_parts(result["models"]))
    if "bits_per_char_after" in (result.get("from") or {}):
        lines.append(forgotten_in_words(result["from"]))
    if (result.get("copies") or {}).get("longest"):
        lines.append(_of_copies(result["copies"]))
    if result["ended"] == "budget" and result["epochs"] < FEW_EPOCHS:
        lines.append(f"the network had time for {100 * result['epochs']:.2g} % of the text: give it minutes (--time)")
    if result["ended"] == "patience":
        lines.append("ended early: held-out text had stopped getting easier (--patience); more text helps most")
    if result["ended"] == "interrupted":
        lines.append(f"go on with:  textrnn train --resume {model}{elsewhere}")
    seed = result["example"]
    lines.append(f'try it:      textrnn generate --model {model}{elsewhere} --seed "{seed}" --length 500')
    return "\n".join(lines)
