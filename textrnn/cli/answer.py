"""`textrnn answer` on the command line: parse, call one function, print."""

from __future__ import annotations

import json
import shlex
from types import SimpleNamespace
from typing import Any

import click

from textrnn.answerer.options import AnswerFitConfig, MemoryNetworkConfig
from textrnn.base.console import INTERRUPTED, stream
from textrnn.base.errors import ConfigError
from textrnn.cli.options import JSON, MODELS_DIR, config_options, given_options, typed_flags
from textrnn.text.options import NormalizeConfig

# What says where a run comes from and goes, or what is done with one.
NEW_RUN = ("model", "output", "explain", "test", "encoding", "name", "overwrite")
ASKED = (*NEW_RUN, "resume", "models_dir", "as_json", "quiet")
Stories = Any  # of `textrnn.answerer.predict_file`, which is imported when it is needed


@click.command()
@click.argument("stories", required=False)
@click.option("--model", metavar="NAME_OR_PATH", help="Answer with this saved run, and learn nothing.")
@click.option("--output", "-o", metavar="FILE", help="Write the answered stories here.  [default: standard output]")
@click.option(
    "--explain", is_flag=True, help="Behind each answer, the number of the line that each hop looked at most."
)
@click.option("--test", metavar="FILE", help="Measure on these stories.  [default: a fifth of the stories, held out]")
@click.option("--resume", metavar="NAME", help="Go on with a run: weights, optimizer, schedule and position.")
@click.option("--encoding", help="Encoding of the files.  [default: UTF-8, UTF-16 or GB18030, as they show]")
@click.option("--name", help="Name of the run.  [default: made from the file's name]")
@MODELS_DIR
@click.option("--overwrite", is_flag=True, help="Replace a run of that name.")
@JSON
@click.option("--quiet", "-q", is_flag=True, help="Print warnings and the result only.")
@config_options(MemoryNetworkConfig, AnswerFitConfig, NormalizeConfig)
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

    asked = SimpleNamespace(**{name: options.pop(name) for name in ASKED})
    if asked.resume is not None:
        if stories is not None or typed_flags(context, NEW_RUN):
            raise ConfigError(
                "--resume goes on with a run and its stories in its own place: leave out the file, "
                + ", ".join(typed_flags(context, NEW_RUN) or ["--name", "--overwrite"])
            )
    elif stories is None:
        raise ConfigError("there is nothing to answer: name a file of stories, or - for standard input; see --help")
    file = None if stories is None else read_file(stories, asked.encoding)
    if file is None or (asked.model is None and file.answered):
        _learn(context, file, asked, given_options(context, options))
        return
    if flags := typed_flags(context, ["test", "name", "overwrite", *options]):
        raise ConfigError(f"a saved answerer is used here, and nothing learnt: leave out {', '.join(flags)}")
    _answer(file, asked)


def _learn(context: click.Context, file: Stories | None, asked: SimpleNamespace, given: dict[str, Any]) -> None:
    """Learns from a file, or goes on with a run."""
    from textrnn.answerer.predict_file import read_file
    from textrnn.answerer.train import summary, train
    from textrnn.base.run_target import RunTarget

    if file is not None and (asked.output is not None or asked.explain):
        raise ConfigError(
            f"{file.name} has answers, so that it is learnt from: --output and --explain go with --model NAME, "
            "which answers, or with stories without answers"
        )
    begin, arguments = context.obj
    result = train(
        file,
        test=None if asked.test is None else read_file(asked.test, asked.encoding),
        resume=asked.resume,
        run_target=RunTarget(asked.models_dir, asked.name, asked.overwrite),
        quiet=asked.quiet,
        command=shlex.join(["textrnn", *arguments]),
        begin=begin,
        **given,
    )
    click.echo(json.dumps(result, ensure_ascii=False) if asked.as_json else summary(result))
    if result["ended"] == "interrupted":
        context.exit(INTERRUPTED)


def _answer(file: Stories, asked: SimpleNamespace) -> None:
    """Answers the questions of a file with a saved run."""
    from textrnn.answerer.predict import KIND, open_answerer
    from textrnn.answerer.predict_file import answer_file, filled_in
    from textrnn.base.run import find_run
    from textrnn.language_model.generate import write_output

    answered = answer_file(file, open_answerer(find_run(asked.model, asked.models_dir, KIND)))
    if answered["accuracy"] is not None and not asked.as_json:
        click.echo(f"{100 * answered['accuracy']:.1f} % of the answers that were there are the same", err=True)
    as_text = json.dumps(answered, ensure_ascii=False) + "\n"
    text = as_text if asked.as_json else filled_in(file, answered, explain=asked.explain)
    if asked.output is None or asked.output == "-":
        stream([text])
    else:
        write_output([text], asked.output)
