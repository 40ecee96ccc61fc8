"""`textrnn translate` on the command line: parse, call one function, print."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import click

from textrnn.base.console import INTERRUPTED, stream
from textrnn.base.errors import ConfigError, DataError
from textrnn.cli.options import (
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
    typed_flags,
)
from textrnn.text.options import NormalizeConfig
from textrnn.training.options import OptimizationConfig, StopConfig
from textrnn.translator.options import FORMATS, DecodeConfig, LearningConfig, NetworkConfig, PairsConfig

TEXTS, PAIRS, NETWORK = names_of(NormalizeConfig), names_of(PairsConfig), names_of(NetworkConfig)
FITTING = names_of(LearningConfig, OptimizationConfig, StopConfig, without=("time_s",))
SECTIONS = {
    "Most used": ("model", "time_s", "test", "resume", "kind"),
    "Translating": (*names_of(DecodeConfig), "output", "form", "attention"),
    "How the file is written (found out if not given)": ("source_column", "target_column", "encoding"),
    **OUTPUT,
    "The pairs": tuple(name for name in PAIRS if name != "kind"),
    "The network": NETWORK,
    "Learning": FITTING,
    "The texts, before anything is learnt or translated": TEXTS,
}
HOW_TO_LEARN = (OptimizationConfig, StopConfig)
FOR_TRAINING = (
    *("test", "resume", "name", "overwrite", "quiet", "source_column", "target_column", "time_s"),
    *(*PAIRS, *NETWORK, *FITTING, *TEXTS),
)


@click.command(cls=SectionedCommand, sections=SECTIONS)
@click.argument("text", required=False)
@click.option("--model", metavar="NAME_OR_PATH", help="Translate TEXT, or each line of such a file, with this run.")
@click.option("--test", metavar="FILE", help="Measure on these pairs.  [default: a tenth of the sources, held out]")
@RESUME
@click.option("--output", "-o", metavar="FILE", help="Write translations to this file instead of standard output.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "jsonl", *FORMATS]),
    default=None,
    help="Translating: a line of text each (the default) or of JSON. Learning: how the pairs are written.",
)
@click.option("--attention", metavar="FILE.png", help="Draw what each token of the translation attends to.")
@click.option("--source-column", metavar="NAME_OR_NUMBER", help="Column of the sources in a table.")
@click.option("--target-column", metavar="NAME_OR_NUMBER", help="Column of the targets in a table.")
@click.option("--encoding", help="Encoding of the file, such as gb18030.")
@name_option("the file's")
@MODELS_DIR
@click.option("--overwrite", is_flag=True, help="Replace a run of that name.")
@JSON
@QUIET
@config_options(DecodeConfig, PairsConfig, NetworkConfig, LearningConfig, *HOW_TO_LEARN, NormalizeConfig)
@click.pass_context
def translate(
    context: click.Context,
    /,
    text: str | None,
    model: str | None,
    test: str | None,
    resume: str | None,
    output: str | None,
    form: str | None,
    attention: str | None,
    source_column: str | None,
    target_column: str | None,
    encoding: str | None,
    name: str | None,
    models_dir: Path,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Learn to turn texts into others from pairs of them, or do so.

    \b
      textrnn translate pairs.tsv               learn: source TAB target
      textrnn translate --model NAME "text"     translate a text, a file or - (a line each)
    """
    given = given_options(context, options)
    decode = DecodeConfig(**{key: given.pop(key) for key in names_of(DecodeConfig) if key in given})
    if model is not None:
        _translate(context, text, model, models_dir, decode, form, as_json, output, attention, encoding)
        return
    if flags := typed_flags(context, ("output", "attention")):
        raise ConfigError(f"{', '.join(flags)}: only for translating; name the run with --model")
    if form in ("text", "jsonl"):
        raise ConfigError(f"--format {form} is for translating with --model: for pairs expected {', '.join(FORMATS)}")
    if text is not None and text != "-" and not os.path.exists(text):
        _no_such_pairs(text)
    from textrnn.base.run_target import RunTarget
    from textrnn.translator.pairs import PairOptions
    from textrnn.translator.train import train

    begin, arguments = context.obj
    result = train(
        text,
        test=test,
        resume=resume,
        options=PairOptions(form, source_column, target_column, encoding),
        decode=decode,
        run_target=RunTarget(models_dir, name, overwrite),
        quiet=quiet,
        command=shlex.join(["textrnn", *arguments]),
        begin=begin,
        **given,
    )
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else _summary(result))
    if result["ended"] == "interrupted":
        context.exit(INTERRUPTED)


def _no_such_pairs(text: str) -> None:
    from textrnn.text.files import find_files

    try:
        find_files([text])
    except DataError as error:
        raise DataError(f"{error!s:.200}; to translate a text, name the run with --model NAME") from None


def _translate(
    context: click.Context,
    text: str | None,
    model: str,
    models_dir: Path,
    decode: DecodeConfig,
    form: str | None,
    as_json: bool,
    output: str | None,
    attention: str | None,
    encoding: str | None,
) -> None:
    if flags := typed_flags(context, FOR_TRAINING):
        raise ConfigError(f"with --model nothing is learnt: leave out {', '.join(flags)}")
    if form not in (None, "text", "jsonl"):
        raise ConfigError(f"--format is {form}: with --model expected text or jsonl")
    if text is None:
        raise ConfigError(
            "there is nothing to translate: give a text, a file with a text a line, or - for standard input"
        )
    from textrnn.language_model.generate import write_output
    from textrnn.translator.predict import load_translator
    from textrnn.translator.predict_file import draw_attention, read_texts, translated

    def warn(line: str) -> None:
        click.echo(line, err=True)

    opened = load_translator(model, models_dir)
    if attention is not None:
        if text == "-" or os.path.isfile(text):
            raise ConfigError("--attention draws one text: give the text itself, not a file")
        draw_attention(opened, text, decode, attention, warn=warn)
    with read_texts(text, encoding) as texts:
        pieces = translated(opened, texts, decode, as_json=as_json or form == "jsonl", warn=warn)
        if output is not None and output != "-":
            write_output(pieces, output)
        else:
            stream(pieces, eager=text == "-")


def _summary(result: dict[str, Any]) -> str:
    from textrnn.base.run import models_dir_flag
    from textrnn.translator.info import overlaps

    path, test = Path(result["run"]), result["test"]
    elsewhere = models_dir_flag(path)
    name = shlex.quote(path.name)
    lines = [f"saved {path}: {result['kind']}, {result['parameters']:,} parameters"]
    if test is not None:
        lines += [
            f"measured on {test['pairs']:,} sources of {result['judged_on']}:",
            f"  exact match {100 * test['exact_match']:.1f} %, token accuracy {100 * test['token_accuracy']:.1f} %, "
            f"token error rate {100 * test['token_error_rate']:.1f} %, character error rate "
            f"{100 * test['char_error_rate']:.1f} %",
            f"  {overlaps(test)}",
        ]
    if result["ended"] == "patience":
        lines.append("ended early: held-out pairs had stopped getting easier (--patience)")
    if result["ended"] == "interrupted":
        lines.append(f"go on with:  textrnn translate --resume {name}{elsewhere}")
    lines.append(f'try it:      textrnn translate --model {name}{elsewhere} "..."')
    return "\n".join(lines)
