"""Where a run goes and whether it may; and what may differ between a run and its resumption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import RUN_FILE
from textrnn.base.run import check_name, free_name


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

    def name_for(self, file: str) -> str:
        """The name of a run that learns from a file; raises ConfigError if it cannot be one."""
        return free_name(Path(file).stem, self.models_dir) if self.name is None else check_name(self.name)

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


def resumed_options(
    before: Mapping[str, Any], given: Mapping[str, Any], *, resumable: Sequence[str], path: Path
) -> dict[str, Any]:
    """The options with which a run is gone on with; of `epochs` and `time_s`, a new one replaces both.

    Args:
        before: all options of the run.
        given: those that were given now.
        resumable: names of those that may differ.
        path: the folder of the run.

    Raises:
        ConfigError: another one differs.
    """
    wrong = [name for name, value in given.items() if name not in resumable and before.get(name) != value]
    if wrong:
        shown = ", ".join(
            f"--{name.replace('_', '-')} is {before.get(name)!r} in the run and {given[name]!r} here" for name in wrong
        )
        raise ConfigError(f"{path} was trained with other options: {shown}; leave them out, or train a new run")
    budget = {name: given.get(name) for name in ("epochs", "time_s") if "epochs" in given or "time_s" in given}
    return {**before, **given, **budget}
