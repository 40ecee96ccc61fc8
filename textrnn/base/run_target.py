"""How a training was asked for: where its run goes and whether it may; and what may differ when it is resumed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import RUN_FILE
from textrnn.base.run import check_name, free_name, possible_name, resume_command

Call = TypeVar("Call", bound="TrainingCall")

CHANGEABLE = ("learning_rate", "dropout")  # what may be learnt with otherwise from a resume on


@dataclass(frozen=True)
class RunTarget:
    """Where a run goes.

    Attributes:
        models_dir: the folder of all runs.
        name: the run's name; None for one made from that of the file it learns from.
        overwrite: whether a run of that name may be replaced.
    """

    models_dir: Path = Path("models")
    name: str | None = None
    overwrite: bool = False

    def name_for(self, file: str, say: Callable[[str], None] | None = None) -> str:
        """The name of a run that learns from a file.

        Args:
            file: its name.
            say: told where a number makes the name another one than that of a run that is there.

        Raises:
            ConfigError: the name that was given cannot be one.
        """
        if self.name is not None:
            return check_name(self.name)
        stem = Path(file.removesuffix(".gz")).stem
        name, taken = free_name(stem, self.models_dir), self.models_dir / possible_name(stem)
        if say is not None and name != taken.name:
            resume = resume_command(taken)
            say(f"{taken} is there: this run will be {name}" + (f"; {resume} goes on with that one" if resume else ""))
        return name

    def check_free(self, name: str, *, resumable: bool = False) -> Path:
        """The folder of a new run.

        Args:
            name: of the run.
            resumable: whether the command can go on with a run, so that this is advised.

        Raises:
            RunError: nothing may be written there.
        """
        path = self.models_dir / name
        if path.exists() and not self.overwrite:
            advice = f"go on with it by --resume {name}, " if resumable else ""
            raise RunError(f"{path} exists: {advice}replace it by --overwrite, or give another --name")
        if path.exists() and any(path.iterdir()) and not (path / RUN_FILE).is_file():
            raise RunError(f"{path} is not a saved run, so --overwrite leaves it alone: give another --name")
        return path


@dataclass(frozen=True)
class TrainingCall:
    """How a training was asked for: what all tasks have in common, beside the options that decide what is learnt.

    Attributes:
        name: of the run; made from the name of what it learns from when None.
        models_dir: the folder that holds runs.
        overwrite: whether a run of that name may be replaced.
        quiet: whether to print warnings only.
        command: what the run says that it was made by.
        begin: when the command began, by `time.monotonic`.
    """

    name: str | None = None
    models_dir: str | Path = "models"
    overwrite: bool = False
    quiet: bool = True
    command: str = "textrnn"
    begin: float = field(default_factory=time.monotonic)

    @classmethod
    def split(cls: type[Call], options: Mapping[str, Any]) -> tuple[Call, dict[str, Any]]:
        """Parts what a call says of itself from the options that decide what is learnt."""
        names = {item.name for item in fields(cls)}
        call = cls(**{name: value for name, value in options.items() if name in names})
        return call, {name: value for name, value in options.items() if name not in names}

    @property
    def run_target(self) -> RunTarget:
        """Where the run goes."""
        return RunTarget(Path(self.models_dir), self.name, self.overwrite)


def resumed_options(
    before: Mapping[str, Any],
    given: Mapping[str, Any],
    *,
    resumable: Sequence[str],
    path: Path,
    flags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The options with which a run is gone on with; of `epochs` and `time_s`, a new one replaces both.

    Those of `CHANGEABLE` may differ if the run has them and a value is given.

    Args:
        before: all options of the run.
        given: those that were given now.
        resumable: names of those that may differ.
        path: the folder of the run.
        flags: of options whose name is not theirs.

    Raises:
        ConfigError: another one differs.
    """
    changed = {name for name in CHANGEABLE if name in before and given.get(name) is not None}
    free = changed.union(resumable)
    wrong = [name for name, value in given.items() if name not in free and before.get(name) != value]
    if wrong:
        flags = {name: f"--{name.replace('_', '-')}" for name in wrong} | dict(flags or {})
        shown = ", ".join(
            f"{flags[name]} is {before.get(name)!r} in the run and {given[name]!r} here" for name in wrong
        )
        raise ConfigError(f"{path} was trained with other options: {shown}; leave them out, or train a new run")
    budget = {name: given.get(name) for name in ("epochs", "time_s") if "epochs" in given or "time_s" in given}
    return {**before, **given, **budget}


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[float]]:
    """What a resume learns with otherwise: of each option of `CHANGEABLE` that differs, the old and the new value.

    Example:
        >>> changes_between({"learning_rate": 0.006, "dropout": 0.1}, {"learning_rate": 0.001, "dropout": 0.1})
        {'learning_rate': [0.006, 0.001]}
    """
    names = [name for name in CHANGEABLE if before.get(name) != after.get(name)]
    return {name: [before[name], after[name]] for name in names}


def changes_in_words(changes: Mapping[str, Sequence[float]]) -> str:
    """What `changes_between` found, for a person.

    Example:
        >>> changes_in_words({"learning_rate": [0.006, 0.001], "dropout": [0.1, 0]})
        'learning rate 0.001 (was 0.006), dropout 0 (was 0.1)'
    """
    return ", ".join(f"{name.replace('_', ' ')} {new:g} (was {old:g})" for name, (old, new) in changes.items())
