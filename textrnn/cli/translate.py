"""`textrnn translate` on the command line: parse, call one function, print."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from textrnn.base.config import LEARNING, PREDICTING, TEXT
from textrnn.base.errors import ConfigError, DataError, RunError
from textrnn.base.errors import warn as show_warning
from textrnn.cli.complete import FILE, RUN
from textrnn.cli.console import check_output, show_result, write
from textrnn.cli.options import (
    RESUME,
    TENSORBOARD,
    SectionedCommand,
    call_of,
    config_flags,
    flag,
    from_flag,
    names_of,
    new_run_flags,
    reading_flags,
    reading_of,
    say_newest,
    split_options,
    typed_flags,
)
from textrnn.text.options import NormalizeConfig
from textrnn.training.options import OptimizationConfig, StopConfig
from textrnn.translator.options import FORMATS, DecodeConfig, LearningConfig, NetworkConfig, PairsConfig

if TYPE_CHECKING:
    from textrnn.translator.pairs import PairOptions

TRAINING = (PairsConfig, NetworkConfig, LearningConfig, OptimizationConfig, StopConfig, NormalizeConfig)
GROUPS = (DecodeConfig, *TRAINING)
OF_FILES = ("source", "target", "reverse", "source_column", "target_column")
OF_LEARNING = ("test", "resume", "from_run", "name", "must_train", "tensorboard", *OF_FILES)
FOR_TRAINING = (*OF_LEARNING, *names_of(*TRAINING))
FILE_NAME = re.compile(r"\S+\.(tsv|csv|txt|jsonl?|tmx|dict|gz|zip)", re.IGNORECASE)  # and no text to translate


@click.command(cls=SectionedCommand)
@click.argument("texts", nargs=-1, type=FILE, metavar="[PAIRS | TEXT...]")
@flag(
    "--model",
    type=RUN,
    metavar="NAME_OR_PATH",
    section=PREDICTING,
    first=True,
    help="Translate with this run, and learn nothing.  [default: the newest translator, for what has no pairs]",
)
@flag(
    "--test",
    type=FILE,
    section=TEXT,
    first=True,
    help="Measure on these pairs.  [default: a tenth of the sources, held out]",
)
@RESUME
@from_flag("a translator", "other pairs")
@flag(
    "--output",
    "-o",
    type=FILE,
    first=True,
    help="Write translations to this file instead of standard output.",
)
@flag(
    "--format",
    "form",
    type=click.Choice(["text", *FORMATS]),
    default=None,
    section=TEXT,
    help="Translating: a line of text each (the default) or of JSON. Learning: how the pairs are written.",
)
@flag(
    "--attention",
    type=FILE,
    metavar="FILE.png",
    section=PREDICTING,
    help="Draw what each token of the translation attends to.",
)
@flag("--source", type=FILE, section=TEXT, help="Learn from two files: this one has a source on each line,")
@flag("--target", type=FILE, section=TEXT, help="and this one its target on the same line.")
@flag("--reverse", is_flag=True, section=TEXT, help="Learn the other direction: sources from targets.")
@flag(
    "--source-column",
    metavar="NAME_OR_NUMBER",
    section=TEXT,
    help="Column of the sources in a table; of JSON the key, of TMX the language.",
)
@flag("--target-column", metavar="NAME_OR_NUMBER", section=TEXT, help="The same of the targets.")
@flag("--train", "must_train", is_flag=True, section=LEARNING, help="Learn from standard input (-), as from a file.")
@reading_flags("file")
@new_run_flags("the file's", what="a run of that name, or the output")
@config_flags(*GROUPS)
@TENSORBOARD
@click.pass_context
def translate(context: click.Context, /, texts: tuple[str, ...], **options: Any) -> None:
    """Learn to turn texts into others from pairs of them, or do so.

    \b
      textrnn translate pairs.tsv       pairs: learn from source TAB target, a table, JSON, TMX
      textrnn translate todo.txt        none: translate each line, with the newest translator
      textrnn translate "text" "more"   translate texts; - translates lines as they come
    """
    asked, given = split_options(context, options, *GROUPS)
    decode = DecodeConfig(**{name: given.pop(name) for name in names_of(DecodeConfig) if name in given})
    learns = asked.must_train or typed_flags(context, FOR_TRAINING) or asked.form in set(FORMATS) - {"jsonl"}
    if asked.model is None and (learns or not texts or _are_pairs(texts, asked)):
        _learn(context, texts, asked, given, decode)
    else:
        _translate(context, texts, asked, decode)


def _are_pairs(texts: tuple[str, ...], asked: SimpleNamespace) -> bool:
    """Whether the one argument that there is names a file of pairs, or would name one if it were there."""
    from textrnn.base.run import find_run
    from textrnn.translator.pairs import why_no_pairs

    if len(texts) > 1 or texts == ("-",):
        return False
    if not os.path.exists(texts[0]):
        return bool(FILE_NAME.fullmatch(texts[0]))
    reason = why_no_pairs(texts[0], _pair_options(asked))
    if not reason:
        return True
    try:
        find_run(None, asked.models_dir, "translator")
    except RunError:
        raise DataError(reason) from None
    click.echo(f"{texts[0]} has no pairs: each line is translated (--train learns, and says what it misses)", err=True)
    return False


def _pair_options(asked: SimpleNamespace) -> PairOptions:
    """What the flags say of files of pairs."""
    from textrnn.translator.pairs import PairOptions

    columns = asked.source_column, asked.target_column
    form = None if asked.form == "text" else asked.form
    return PairOptions(form, *columns, asked.encoding, asked.strict_encoding, asked.reverse)


def _learn(
    context: click.Context,
    texts: tuple[str, ...],
    asked: SimpleNamespace,
    given: dict[str, Any],
    decode: DecodeConfig,
) -> None:
    """Learns from a file of pairs, or goes on with a run."""
    if flags := typed_flags(context, ("output", "attention")):
        raise ConfigError(f"{', '.join(flags)}: only for translating; name the run with --model")
    if asked.form == "text":
        raise ConfigError(f"--format text is for translating with --model: for pairs expected {', '.join(FORMATS)}")
    if (asked.source is None) != (asked.target is None) or (asked.source and (texts or asked.form)):
        raise ConfigError("--source and --target are two files, of a text on each line: give both, and no other file")
    if len(texts) > 1:
        raise ConfigError(f"{len(texts)} arguments: expected one file of pairs to learn from, or --model to translate")
    path = texts[0] if texts else asked.source
    if texts and path != "-" and not os.path.exists(path):
        _no_such_pairs(path)
    from textrnn.translator.train import train

    result = train(
        path,
        target=asked.target,
        test=asked.test,
        resume=asked.resume,
        from_run=asked.from_run,
        tensorboard=asked.tensorboard,
        options=_pair_options(asked),
        decode=decode,
        **call_of(context, asked),
        **given,
    )
    show_result(context, result, None if asked.as_json else _summary(result))


def _no_such_pairs(text: str) -> None:
    from textrnn.text.files import find_file

    try:
        find_file(text)
    except DataError as error:
        raise DataError(f"{error!s:.200}; to translate a text, name the run with --model NAME") from None


def _translate(context: click.Context, texts: tuple[str, ...], asked: SimpleNamespace, decode: DecodeConfig) -> None:
    """Translates texts, and the lines of files, with a saved run."""
    if flags := typed_flags(context, FOR_TRAINING):
        raise ConfigError(f"with --model nothing is learnt: leave out {', '.join(flags)}")
    if asked.form not in (None, "text", "jsonl"):
        raise ConfigError(f"--format is {asked.form}: with --model expected text or jsonl")
    if not texts:
        raise ConfigError(
            "there is nothing to translate: give a text, a file with a text a line, or - for standard input"
        )
    check_output(asked.output, overwrite=asked.overwrite)
    check_output(asked.attention, overwrite=asked.overwrite)
    from textrnn.translator.predict import load_translator
    from textrnn.translator.predict_file import draw_attention, read_texts, translated

    def warn(line: str) -> None:
        click.echo(line, err=True)

    opened = load_translator(asked.model, asked.models_dir)
    say_newest(asked.model, opened.path)
    if asked.attention is not None:
        if len(texts) > 1 or texts == ("-",) or os.path.isfile(texts[0]):
            raise ConfigError("--attention draws one text: give the text itself, not a file")
        draw_attention(opened, texts[0], decode, asked.attention, warn=warn)
    as_json = asked.as_json or asked.form == "jsonl"
    with read_texts(texts, reading_of(asked), show_warning) as lines:
        write(translated(opened, lines, decode, as_json=as_json, warn=warn), asked.output, eager="-" in texts)


def _summary(result: dict[str, Any]) -> str:
    from textrnn.base.run import models_dir_flag
    from textrnn.translator.info import began_in_words, overlaps

    path, test = Path(result["run"]), result["test"]
    elsewhere = models_dir_flag(path)
    name = shlex.quote(path.name)
    lines = [f"saved {path}: {result['kind']}, {result['parameters']:,} parameters"]
    if test is not None:
        lines += [
            f"measured on {test['pairs']:,} source{'s' * (test['pairs'] != 1)} of {result['judged_on']}:",
            f"  exact match {100 * test['exact_match']:.1f} %, token accuracy {100 * test['token_accuracy']:.1f} %, "
            f"token error rate {100 * test['token_error_rate']:.1f} %, character error rate "
            f"{100 * test['char_error_rate']:.1f} %",
            f"  {overlaps(test)}",
        ]
    if result.get("from"):
        lines.append(f"began from {began_in_words(result['from'])}")
    if result["ended"] == "patience":
        lines.append("ended early: held-out pairs had stopped getting easier (--patience)")
    if result["ended"] == "interrupted":
        lines.append(f"go on with:  textrnn translate --resume {name}{elsewhere}")
    source = result["example"] or "..."
    lines.append(f'try it:      textrnn translate --model {name}{elsewhere} "{source}"')
    return "\n".join(lines)
