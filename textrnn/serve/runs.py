"""`/v1/models` and what the page shows of runs: how good they are, their curves, and a training that goes on."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from textrnn.base.errors import RunError, TextRNNError
from textrnn.base.files import HISTORY_FILE, RUN_FILE, SAMPLES_FILE
from textrnn.base.run import list_runs, read_run, status_of
from textrnn.base.run_changes import delete_run, size_on_disk, weights_on_disk
from textrnn.base.tasks import TASKS, RunRow
from textrnn.serve.problems import as_json
from textrnn.serve.shelf import Service

MOST_ROWS = 2000  # of the history, in an answer
POLL_S = 1.0
MOST_BYTES = 5_000_000  # that are read of a file of a run


def models(service: Service) -> dict[str, Any]:
    """Answers `GET /v1/models`: the runs, newest first; damaged ones are left out."""
    found = []
    for path in list_runs(service.shelf.models_dir):
        try:
            found.append(_entry(path, read_run(path)))
        except (RunError, OSError):
            continue
    return dict(object="list", data=found)


def model(service: Service, name: str) -> dict[str, Any]:
    """Answers `GET /v1/models/NAME`: what is known of a run.

    Raises:
        Problem: there is none of that name.
        RunError: it is damaged.
    """
    path = service.shelf.find(name)
    run = read_run(path)
    return {**_entry(path, run), "lines": _lines(path, run), "bytes": size_on_disk(path), **_progress(path)}


def _entry(path: Path, run: dict[str, Any]) -> dict[str, Any]:
    created = int((path / RUN_FILE).stat().st_mtime)
    metrics = run.get("metrics")
    bits = metrics.get("val_bits_per_char") if isinstance(metrics, dict) else None
    more = dict(kind=run.get("kind"), status=status_of(path, run), parameters=run.get("parameters"), bits_per_char=bits)
    return dict(id=path.name, object="model", created=created, owned_by="textrnn", **more, quality=_quality(path, run))


def _quality(path: Path, run: dict[str, Any]) -> str:
    """How good a run is, in words."""
    row: RunRow = _said(path, run, "info:row", path.name)
    return row.quality


def _lines(path: Path, run: dict[str, Any]) -> list[tuple[str, str]]:
    """What `textrnn info` says of a run."""
    lines: list[tuple[str, str]] = _said(path, {**run, "model_bytes": weights_on_disk(path)}, "info:lines")
    return lines


def _said(path: Path, run: dict[str, Any], name: str, *given: Any) -> Any:
    """What a function of the run's task says of it, `module:name`; raises RunError where the run holds nonsense."""
    known = defaultdict(lambda: None, {**run, "run": path.name})
    try:
        return TASKS[str(run.get("kind"))].get(name)(*given, known)
    except (AttributeError, KeyError, TypeError, ValueError, TextRNNError) as error:  # a checksum can fit nonsense
        raise RunError(f"{path.name} is damaged: {error!r:.80}; restore it from a copy or train again") from None


def _progress(path: Path) -> dict[str, Any]:
    """The rows of its history as numbers, and the newest sample."""
    rows = list[dict[str, float]]()
    text = _read(path / HISTORY_FILE)
    for row in list(csv.DictReader(text.splitlines()))[-MOST_ROWS:]:
        rows.append({str(name): number for name, value in row.items() if (number := _number(value)) is not None})
    sample = None
    if lines := _read(path / SAMPLES_FILE).strip("\n").split("\n"):
        with contextlib.suppress(ValueError):
            sample = json.loads(lines[-1])
    return dict(history=rows, sample=sample)


def _read(path: Path) -> str:
    """The end of a file of a run; nothing if it is not there."""
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < 1e300 else None


def delete(service: Service, name: str) -> dict[str, Any]:
    """Answers `DELETE /v1/models/NAME`.

    Raises:
        Problem: there is none of that name.
        RunError: a training holds it.
    """
    path = service.shelf.find(name)
    delete_run(path)
    service.shelf.forget(path)
    return dict(id=name, object="model", deleted=True)


async def progress(service: Service, name: str) -> AsyncIterator[bytes]:
    """The events of `GET /v1/models/NAME/events`: history and sample whenever they change, until the training ends."""
    path, before = service.shelf.find(name), None
    while True:
        try:
            run = await service.quick.run(lambda: read_run(path))
            found = {**_entry(path, run), **await service.quick.run(lambda: _progress(path))}
        except (RunError, OSError):
            return
        if found != before:
            yield b"data: " + as_json(found) + b"\n\n"
            before = found
        if found["status"] != "training":
            return
        await asyncio.sleep(POLL_S)
