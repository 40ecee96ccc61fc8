"""`textrnn compare`: two saved runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from textrnn.cli.complete import FILE, RUN
from textrnn.cli.options import JSON, MODELS_DIR, Command


@click.command(cls=Command)
@click.argument("name", type=RUN)
@click.argument("other", type=RUN)
@click.argument("file", type=FILE, required=False)
@MODELS_DIR
@JSON
@click.pass_context
def compare(context: click.Context, name: str, other: str, file: str | None, models_dir: Path, as_json: bool) -> None:
    """Show the saved runs NAME and OTHER side by side: what they are, what differs in their options, how good they are.

    With FILE, two language models are measured on that text, as 'textrnn score FILE --model NAME --model OTHER' does.
    """
    from textrnn.base.run import named_run
    from textrnn.cli.info import run_info
    from textrnn.cli.score import score

    if file is not None:
        more = dict(models_dir=models_dir, as_json=as_json)
        context.invoke(score, files=(file,), models=(name, other), **more)
        return
    runs = [run_info(named_run(each, models_dir)) for each in (name, other)]
    if as_json:
        import json

        click.echo(json.dumps({"runs": runs}, ensure_ascii=False))
    else:
        click.echo(side_by_side(runs), nl=False)


def side_by_side(runs: list[dict[str, Any]]) -> str:
    """What is known of two runs, in columns."""
    from textrnn.base.run_changes import size_on_disk
    from textrnn.cli.info import HEADS, in_columns, row_of

    rows: list[tuple[str, ...]] = list(zip(HEADS, *map(row_of, runs), strict=True))
    rows.append(("on disk", *(f"{size_on_disk(Path(run['run'])) / 1e6:.1f} MB" for run in runs)))
    first, second = (_options(run) for run in runs)
    for name in [*first, *(name for name in second if name not in first)]:
        if first.get(name) != second.get(name):
            rows.append((name, *(_shown(options, name) for options in (first, second))))
    return in_columns(rows)


def _options(run: dict[str, Any]) -> dict[str, Any]:
    """All options of a run by the names of their flags."""
    groups = (group for group in run["config"].values() if isinstance(group, dict))
    return {f"--{name.replace('_', '-')}": value for group in groups for name, value in group.items()}


def _shown(options: dict[str, Any], name: str) -> str:
    value = options.get(name)
    return "-" if value is None else str(value)
