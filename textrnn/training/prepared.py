"""What a task hands to training: data, options, and a folder that is held for the run. TensorFlow is not needed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import RUN_FILE, remove_temporaries
from textrnn.base.run import locked, models_dir_flag, named_run, read_run, staged
from textrnn.base.run_target import RunTarget, changes_in_words
from textrnn.base.tasks import TASKS

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

    def write_lost_parts(self, folder: Path) -> None:
        """Writes those of `parts` that are not in a folder; raises OSError if that fails."""
        for name, write in self.parts.items():
            if not (folder / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                write(folder / name)


@contextlib.contextmanager
def new_run(run_target: RunTarget, file: str) -> Iterator[tuple[Path, Path]]:
    """Holds the name of a new run within the block.

    Args:
        run_target: where it goes.
        file: name of the file that it learns from, of which its own name is made if none was given.

    Yields:
        the folder in which it is put together, and where it ends up.

    Raises:
        RunError: nothing may be written there, or another training holds the name.
    """
    name = run_target.name_for(file)
    with locked(run_target.models_dir, name):
        path = run_target.check_free(name, resumable=True)
        with staged(run_target.models_dir, name) as folder:
            yield folder, path


def _check_kind(path: Path, kind: str) -> None:
    """Refuses a run of another kind, and says which command goes on with it, if one does."""
    task = TASKS.get(str(read_run(path).get("kind")))
    if task is not None and task.kind != kind:
        resume = f"go on with it by 'textrnn {task.maker.name} --resume {path.name}{models_dir_flag(path)}'"
        anew = f"no command goes on with such runs, '{task.maker.usage}' makes a new one"
        raise RunError(f"{path} is of kind {task.kind!r}, expected {kind!r}: {resume if task.resumes else anew}")
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
