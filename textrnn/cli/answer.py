"""`textrnn answer` on the command line: parse, call one function, print."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from textrnn.answerer.options import AnswerFitConfig, MemoryNetworkConfig
from textrnn.base.config import OUTPUT, PREDICTING, TEXT
from textrnn.base.errors import ConfigError
from textrnn.cli.complete import FILE, RUN
from textrnn.cli.console import check_output, show_result, write
from textrnn.cli.options import (
    RESUME,
    SectionedCommand,
    call_of,
    config_flags,
    flag,
    names_of,
    new_run_flags,
    reading_flags,
    reading_of,
    say_newest,
    split_options,
    typed_flags,
)
from textrnn.text.options import NormalizeConfig

if TYPE_CHECKING:
    from textrnn.answerer.predict_file import Stories

GROUPS = (MemoryNetworkConfig, AnswerFitConfig, NormalizeConfig)
# What says where a run comes from and goes, or what is done with one.
NEW_RUN = ("model", "output", "explain", "test", "encoding", "strict_encoding", "name", "overwrite")


@click.command(cls=SectionedCommand)
@click.argument("stories", type=FILE, required=False)
@flag(
    "--model",
    type=RUN,
    metavar="NAME_OR_PATH",
    section=PREDICTING,
    first=True,
    help="Answer with this saved run, and learn nothing.",
)
@flag(
    "--output",
    "-o",
    type=FILE,
    section=OUTPUT,
    first=True,
    help="Write the answered stories here.  [default: standard output]",
)
@flag(
    "--explain",
    is_flag=True,
    section=PREDICTING,
    first=True,
    help="Behind each answer, the number of the line that each hop looked at most.",
)
@flag(
    "--test",
    type=FILE,
    section=TEXT,
    first=True,
    help="Measure on these stories.  [default: a fifth of the stories, held out]",
)
@RESUME
@reading_flags()
@new_run_flags("the file's", what="a run of that name, or the output")
@config_flags(*GROUPS)
@click.pass_context
def answer(context: click.Context, /, stories: str | None, **options: Any) -> None:
    """Learn to answer questions about short stories, or answer them.

    \b
      textrnn answer stories.txt            answers: learn from them, and say how well
      textrnn answer new.txt                none: fill them in, with the newest answerer
    The format is that of the bAbI tasks: numbered lines, a story begins with 1; a question may be
    followed by a tab and its answer.
    """
    from textrnn.answerer.predict_file import read_file

    asked, given = split_options(context, options, *GROUPS)
    if asked.resume is not None:
        if stories is not None or typed_flags(context, NEW_RUN):
            raise ConfigError(
                "--resume goes on with a run and its stories in its own place: leave out the file, "
                + ", ".join(typed_flags(context, NEW_RUN) or ["--name", "--overwrite"])
            )
    elif stories is None:
        raise ConfigError("there is nothing to answer: name a file of stories, or - for standard input; see --help")
    file = None if stories is None else read_file(stories, reading_of(asked))
    if file is None or (asked.model is None and file.answered):
        _learn(context, file, asked, given)
        return
    if flags := typed_flags(context, ["test", "name", *names_of(*GROUPS)]):
        raise ConfigError(f"a saved answerer is used here, and nothing learnt: leave out {', '.join(flags)}")
    _answer(file, asked)


def _learn(context: click.Context, file: Stories | None, asked: SimpleNamespace, given: dict[str, Any]) -> None:
    """Learns from a file, or goes on with a run."""
    from textrnn.answerer.predict_file import read_file
    from textrnn.answerer.train import summary, train

    if file is not None and (asked.output is not None or asked.explain):
        raise ConfigError(
            f"{file.name} has answers, so that it is learnt from: --output and --explain go with --model NAME, "
            "which answers, or with stories without answers"
        )
    result = train(
        file,
        test=None if asked.test is None else read_file(asked.test, reading_of(asked)),
        resume=asked.resume,
        **call_of(context, asked),
        **given,
    )
    show_result(context, result, None if asked.as_json else summary(result))


def _answer(file: Stories, asked: SimpleNamespace) -> None:
    """Answers the questions of a file with a saved run."""
    check_output(asked.output, overwrite=asked.overwrite)
    from textrnn.answerer.predict import KIND, open_answerer
    from textrnn.answerer.predict_file import answer_file, filled_in, unseen_line
    from textrnn.base.run import find_run

    path = find_run(asked.model, asked.models_dir, KIND)
    say_newest(asked.model, path)
    answered = answer_file(file, open_answerer(path))
    if answered["accuracy"] is not None and not asked.as_json:
        click.echo(f"{100 * answered['accuracy']:.1f} % of the answers that were there are the same", err=True)
    if line := unseen_line(answered):
        click.echo(f"warning: {line}", err=True)
    as_json = json.dumps(answered, ensure_ascii=False) + "\n"
    write([as_json if asked.as_json else filled_in(file, answered, explain=asked.explain)], asked.output)
