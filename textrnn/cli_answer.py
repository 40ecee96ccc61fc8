"""`textrnn answer` on the command line: parse, call one function, print."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from textrnn.answer_config import AnswerFitConfig, MemoryNetworkConfig
from textrnn.config import NormalizeConfig
from textrnn.console import INTERRUPTED, stream
from textrnn.errors import ConfigError
from textrnn.options import JSON, MODELS_DIR, config_options, given_options, typed_flags


@click.command()
@click.argument("stories")
@click.option("--model", metavar="NAME_OR_PATH", help="Answer with this saved run, and learn nothing.")
@click.option("--output", "-o", metavar="FILE", help="Write the answered stories here.  [default: standard output]")
@click.option(
    "--explain", is_flag=True, help="Behind each answer, the number of the line that each hop looked at most."
)
@click.option("--test", metavar="FILE", help="Measure on these stories.  [default: a fifth of the stories, held out]")
@click.option("--encoding", help="Encoding of the files.  [default: UTF-8, UTF-16 or GB18030, as they show]")
@click.option("--name", help="Name of the run.  [default: made from the file's name]")
@MODELS_DIR
@click.option("--overwrite", is_flag=True, help="Replace a run of that name.")
@JSON
@click.option("--quiet", "-q", is_flag=True, help="Print warnings and the result only.")
@config_options(MemoryNetworkConfig, AnswerFitConfig, NormalizeConfig)
@click.pass_context
def answer(
    context: click.Context,
    /,
    stories: str,
    model: str | None,
    output: str | None,
    explain: bool,
    test: str | None,
    encoding: str | None,
    name: str | None,
    models_dir: Path,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Learn to answer questions about short stories, or answer them.

    \b
      textrnn answer stories.txt            answers: learn from them, and say how well
      textrnn answer new.txt                none: fill them in, with the newest answerer
    The format is that of the bAbI tasks: numbered lines, a story begins with 1; a question may be
    followed by a tab and its answer.
    """
    from textrnn.tasks.answer_file import read_file

    begin, arguments = context.obj
    file = read_file(stories, encoding)
    given = given_options(context, options)
    if model is None and file.answered:
        if output is not None or explain:
            raise ConfigError(
                f"{file.name} has answers, so that it is learnt from: --output and --explain go with --model NAME, "
                "which answers, or with stories without answers"
            )
        from textrnn.tasks.answer import summary
        from textrnn.tasks.answer import train as task

        result = task(
            file,
            test=None if test is None else read_file(test, encoding),
            name=name,
            models_dir=models_dir,
            overwrite=overwrite,
            quiet=quiet,
            command=shlex.join(["textrnn", *arguments]),
            begin=begin,
            **given,
        )
        click.echo(json.dumps(result, ensure_ascii=False) if as_json else summary(result))
        if result["ended"] == "interrupted":
            context.exit(INTERRUPTED)
        return
    if flags := typed_flags(context, ["test", "name", "overwrite", *options]):
        raise ConfigError(f"a saved answerer is used here, and nothing learnt: leave out {', '.join(flags)}")
    from textrnn.run import find_run
    from textrnn.run_files import write_atomically
    from textrnn.runtime.answerer import KIND, open_answerer
    from textrnn.tasks.answer_file import answer_file, filled_in

    answered = answer_file(file, open_answerer(find_run(model, models_dir, KIND)))
    if answered["accuracy"] is not None and not as_json:
        click.echo(f"{100 * answered['accuracy']:.1f} % of the answers that were there are the same", err=True)
    text = json.dumps(answered, ensure_ascii=False) + "\n" if as_json else filled_in(file, answered, explain=explain)
    if output is None or output == "-":
        stream([text])
    else:
        write_atomically(Path(output), text.encode())
