"""`textrnn info`: the runs there are, or one of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from textrnn.base.errors import ConfigError, RunError
from textrnn.base.tasks import TASKS, RunRow, TaskSpec
from textrnn.cli.complete import RUN
from textrnn.cli.options import JSON, MODELS_DIR, Command

HEADS = tuple(name.replace("_", " ") for name in RunRow._fields)
KEYS = (
    "kind",
    "status",
    "created",
    "command",
    "parameters",
    "vocab_size",
    "metrics",
    "skipped_steps",
    "config",
    "corpus",
    "table",
    "classes",
    "labels",
    "stories",
    "answers",
    "model",
    "translator",
    "levels",
    "pairs",
    "test",
    "versions",
    "documents",
    "counts",
    "copies",
    "from",
    "split",
    "changes",
)


@click.command(cls=Command)
@click.argument("model", type=RUN, required=False)
@MODELS_DIR
@JSON
def info(model: str | None, models_dir: Path, as_json: bool) -> None:
    """List the saved runs, or describe one of them."""
    from textrnn.base.run import named_run

    if model is None:
        runs = all_runs(models_dir)
        text = json.dumps({"runs": runs}, ensure_ascii=False) if as_json else format_list(runs, models_dir)
    else:
        run = run_info(named_run(model, models_dir))
        text = json.dumps(run, ensure_ascii=False) if as_json else format_run(run)
    click.echo(text, nl=as_json)


def run_info(path: Path) -> dict[str, Any]:
    """What is known about a run: `run.json` with the run's path and size.

    Raises:
        RunError: it is missing or damaged.
    """
    from textrnn.base.files import RUN_FILE
    from textrnn.base.run import read_run, status_of
    from textrnn.base.run_changes import weights_on_disk
    from textrnn.nn.architectures import check_cells

    details = read_run(path)
    check_cells(details, path)
    run = {"run": str(path), "model_bytes": weights_on_disk(path), **{key: details.get(key) for key in KEYS}}
    run["status"] = status_of(path, details)
    try:
        task = _task(run)
        task.get(task.options).from_json(run["config"])
        format_list([run], path), format_run(run)
    # A checksum can be right over nonsense.
    except (AttributeError, KeyError, TypeError, ValueError, ConfigError) as error:
        raise RunError(f"{path / RUN_FILE} is damaged: {error!r:.80}; restore it from a copy or train again") from None
    return run


def all_runs(models_dir: Path) -> list[dict[str, Any]]:
    """What is known about each run, newest first; a damaged one has the key `error`."""
    from textrnn.base.run import list_runs

    found: list[dict[str, Any]] = []
    for path in list_runs(models_dir):
        try:
            found.append(run_info(path))
        except RunError as error:
            found.append({"run": str(path), "error": str(error)})
    return found


def format_list(runs: list[dict[str, Any]], models_dir: Path) -> str:
    """A line for each run."""
    if not runs:
        examples = " or ".join(repr(task.maker.usage) for task in TASKS.values())
        return f"no runs in {models_dir.absolute()} (--models-dir names another folder): make one with {examples}\n"
    damaged = ("damaged", *[""] * (len(HEADS) - 2))
    return in_columns([HEADS, *((Path(run["run"]).name, *damaged) if "error" in run else row_of(run) for run in runs)])


def row_of(run: dict[str, Any]) -> RunRow:
    """A run in the list of runs."""
    row: RunRow = _task(run).get("info:row")(Path(run["run"]).name, run)
    return row


def in_columns(rows: list[tuple[str, ...]]) -> str:
    """Rows of cells in columns of equal width."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines) + "\n"


def format_run(run: dict[str, Any]) -> str:
    """One run for a person: what it is, where it came from, how good it is."""
    return _aligned(_task(run).get("info:lines")(run) + _origin(run))


def _task(run: dict[str, Any]) -> TaskSpec:
    return TASKS[str(run["kind"])]


def _aligned(lines: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines) + "\n"


def _origin(run: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("status", run["status"]),
        *_changed(run),
        ("made", f"{run['created']} by: {run['command']}"),
        ("with", ", ".join(f"{name} {version}" for name, version in run["versions"].items())),
    ]


def _changed(run: dict[str, Any]) -> list[tuple[str, str]]:
    """What a resume has changed, if one has, and after which step."""
    from textrnn.base.run_target import changes_in_words

    words = []
    for found in run["changes"] or ():
        changes = {name: value for name, value in found.items() if name != "step"}
        words.append(f"{changes_in_words(changes)}, after step {found['step']:,}")
    return [("changed", "; ".join(words))] if words else []
