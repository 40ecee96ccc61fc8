"""Saved runs whose checksums fit and whose values do not: they are refused in a line, or work."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import textrnn
from fuzz.mutate import edited_arrays, edited_bytes, edited_value
from textrnn.base.files import RUN_FILE, read_json, read_weights, write_json, write_weights
from textrnn.cli.info import format_run, run_info

OLD_RUNS = Path(__file__).parent.parent / "tests" / "old_runs"
TEXT = "the old miller fine"


def use(path: Path) -> None:
    """What can be done with a run: it is described, opened and asked."""
    format_run(run_info(path))
    model = textrnn.load(path)
    kind = model.details["kind"]
    with np.errstate(all="ignore"):  # weights may hold anything
        if kind == "language_model":
            "".join(model.generate(TEXT, length=3, random_seed=0))
            model.score(TEXT)
        elif kind == "classifier":
            model.classify([TEXT, ""])
        elif kind == "translator":
            model.translate(["water"])
        else:
            model.answer([TEXT], "Where is Mira?")


def _is_counts(path: Path) -> bool:
    """Whether a file is of counts, which have no checksum."""
    return path.name.startswith("counts")


def copied(folder: Path, *names: str) -> list[Path]:
    """Copies of runs of earlier versions, without what only a resume needs."""
    without = shutil.ignore_patterns("checkpoint")
    return [Path(shutil.copytree(OLD_RUNS / name, folder / name, ignore=without)) for name in names]


class EditedRuns:
    """Copies of runs of earlier versions, of which one file at a time is another one.

    Args:
        folder: where the copies are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[tuple[Path, Any]] = []
        for run in copied(folder, *sorted(path.name for path in OLD_RUNS.iterdir() if path.is_dir())):
            for path in sorted(itertools.chain(run.glob("*.json"), run.glob("*.safetensors"))):
                # That of run.json is where most of the values are.
                self._files += [(path, self._read(path))] * (4 if path.name == RUN_FILE else 1)

    @staticmethod
    def _read(path: Path) -> Any:
        if path.suffix == ".json":
            return {name: value for name, value in read_json(path).items() if name != "sha256"}
        return path.read_bytes() if _is_counts(path) else read_weights(path)

    def __call__(self, rng: random.Random) -> tuple[str, Callable[[], None]]:
        """A case: what it is, and what to run."""
        path, content = rng.choice(self._files)
        before = path.read_bytes()

        def run() -> None:
            try:
                if _is_counts(path):
                    path.write_bytes(edited_bytes(content, rng))
                elif path.suffix == ".json":
                    changed = edited_value(content, rng)
                    write_json(path, changed if isinstance(changed, dict) else {"": changed})
                else:
                    write_weights(path, edited_arrays(content[0], rng), content[1])
                use(path.parent)
            finally:
                path.write_bytes(before)

        return f"{path.parent.name}/{path.name}", run
