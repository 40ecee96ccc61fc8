"""What a task hands to training: data, options, and a folder that is held for the run. TensorFlow is not needed."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import HISTORY_FILE, RUN_FILE, remove_temporaries
from textrnn.base.run import locked, named_run, read_run, resume_command, staged
from textrnn.base.run_target import RunTarget, changes_in_words
from textrnn.base.tasks import TASKS

MORE = {"epochs": "epoch", "tries": "try"}  # what a new budget has more of, and the column that tells what there was
Parts = Mapping[str, Callable[[Path], None]]


@dataclass(frozen=True)
class Prepared:
    """A training that is ready to begin or to go on.

    Attributes:
        folder: where the run is put together; the run itself when it is resumed.
        path: where the run ends up.
        config: all options of the task, resolved.
        data: what is learnt from, as the task has it.
        details: the content of `run.json` so far.
        resume: whether to go on from the checkpoint in `folder`.
        new_budget: whether epochs and time were given now; a resumed run without goes on with what it had left.
        is_own: whether this process writes the run; among workers, the chief does.
        parts: functions that write the files of the run that training never changes, by file name; a file that is lost
            is written again.
        start: the run whose weights this one begins with, as the task has it; None for drawn ones.
        changes: what a resumed run learns with otherwise from now on, see `changes_between`.
    """

    folder: Path
    path: Path
    config: Any
    data: Any
    details: dict[str, Any]
    resume: bool = False
    new_budget: bool = True
    is_own: bool = True
    parts: Parts = field(default_factory=dict)
    start: Any = None
    changes: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def resuming(self) -> str:
        """That a run is gone on with, and what changes, in a line."""
        return f"resuming {self.path}" + (f"; from here on {changes_in_words(self.changes)}" if self.changes else "")

    def check_budget(self, epochs: float | None = None) -> None:
        """Refuses to go on where the files of the run show that nothing is left to do: before TensorFlow loads.

        Args:
            epochs: that were asked for, which count from the beginning; None for no such limit.

        Raises:
            ConfigError: the run is finished and was given no new budget, or has had as many epochs.
        """
        had = _last_check(self.path)
        had_all = epochs is not None and epochs <= had.get("epoch", 0.0)
        if had_all if self.new_budget else self.details["status"] == "finished":
            wanted = [f"more --{name} than {had[key]:.3g}" for name, key in MORE.items() if key in had]
            raise ConfigError(f"{self.path} has used up its budget: give {', or '.join(['a new --time', *wanted])}")

    def write_lost_parts(self, folder: Path) -> None:
        """Writes those of `parts` that are not in a folder; raises OSError if that fails."""
        for name, write in self.parts.items():
            if not (folder / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                write(folder / name)


def _last_check(path: Path) -> dict[str, float]:
    """The numbers of the last row of `history.csv`; none where it cannot be read."""
    with contextlib.suppress(OSError, ValueError, csv.Error):
        with open(path / HISTORY_FILE, encoding="utf-8", newline="") as file:
            *_, last = csv.DictReader(file)
        return {name: float(last[name]) for name in MORE.values() if name in last}
    return {}


@contextlib.contextmanager
def new_run(run_target: RunTarget, file: str, say: Callable[[str], None] | None = None) -> Iterator[tuple[Path, Path]]:
    """Holds the name of a new run within the block.

    Args:
        run_target: where it goes.
        file: name of the file that it learns from, of which its own name is made if none was given.
        say: see `RunTarget.name_for`.

    Yields:
        the folder in which it is put together, and where it ends up.

    Raises:
        RunError: nothing may be written there, or another training holds the name.
    """
    name = run_target.name_for(file, say)
    with locked(run_target.models_dir, name):
        path = run_target.check_free(name, resumable=True)
        with staged(run_target.models_dir, name) as folder:
            yield folder, path


def _check_kind(path: Path, kind: str) -> None:
    """Refuses a run of another kind, and says which command goes on with it, if one does."""
    task = TASKS.get(str(read_run(path).get("kind")))
    if task is not None and task.kind != kind:
        anew = f"no command goes on with such runs, '{task.maker.usage}' makes a new one"
        advice = f"go on with it by '{resume_command(path)}'" if task.resumes else anew
        raise RunError(f"{path} is of kind {task.kind!r}, expected {kind!r}: {advice}")
    read_run(path, kind)


@contextlib.contextmanager
def resumed_run(name: str, run_target: RunTarget, kind: str) -> Iterator[Path]:
    """Holds a run within the block, to go on with it.

    Args:
        name: name or folder of the run.
        run_target: where runs are; it names none.
        kind: what the run has to be.

    Yields:
        its folder, without what a kill left in it.

    Raises:
        ConfigError: a name was given as well.
        RunError: there is no such run, another training holds it, or what it holds is nonsense.
    """
    if run_target.name is not None or run_target.overwrite:
        raise ConfigError("--resume goes on with a run in its own place: leave out --name and --overwrite")
    path = named_run(name, run_target.models_dir)
    _check_kind(path, kind)
    with locked(path.resolve().parent, path.resolve().name):
        remove_temporaries(path)
        try:
            yield path
        except (AttributeError, KeyError, TypeError, ValueError) as error:  # a checksum can be right over nonsense
            raise RunError(f"{path / RUN_FILE} is damaged: {error!r:.80}; train again") from None
