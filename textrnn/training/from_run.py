"""`--from`: how a new run of any task begins with one that is there, which is only read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from textrnn.base.config import Checked, flag_of
from textrnn.base.errors import ConfigError, RunError
from textrnn.base.run import named_run, read_run
from textrnn.training.options import StopConfig

RATE_SHARE = 0.5  # of the old run's highest learning rate: what is learnt is lost in large steps
# Not taken over: how long to learn, what follows from it, and what was left as it was.
NOT_KEPT = (
    *(field.name for field in dataclasses.fields(StopConfig)),
    *("learning_rate", "deterministic", "freeze_embed", "freeze_layers"),
)
NO_WEIGHTS = "is an echo state network, whose readout is solved: --from has nothing to go on"


def find_start(name: str, models_dir: Path, kinds: Sequence[str]) -> tuple[Path, str]:
    """The run of a name or path that a new one begins with, and its kind.

    Args:
        name: what `--from` says.
        models_dir: where runs are kept.
        kinds: those that can be begun with.

    Raises:
        RunError: there is none, or it is of another kind.
    """
    path = named_run(name, models_dir)
    kind = str(read_run(path).get("kind"))
    if kind not in kinds:
        raise RunError(f"{path} is of kind {kind!r:.60}: with --from expected {' or '.join(map(repr, kinds))}")
    return path, kind


def flags_of(*groups: type[Checked], but: Sequence[str] = ()) -> dict[str, str]:
    """The flags of the options of some groups by their names, but for some."""
    fields = [field for group in groups for field in dataclasses.fields(group)]
    return {field.name: flag_of(field) for field in fields if field.name not in but}


def options_from(
    path: Path,
    before: Mapping[str, Any],
    given: Mapping[str, Any],
    *,
    fixed: Mapping[str, str],
    layers: int,
    but: Sequence[str] = (),
    rate_share: float = RATE_SHARE,
) -> dict[str, Any]:
    """All options of a new run: those of an old one where others were not given now.

    Args:
        path: the old run.
        before: its options.
        given: those that were given now.
        fixed: the flags of the options that belong to its weights, by name.
        layers: recurrent layers that it has.
        but: names of options that say something of the old text alone.
        rate_share: the highest learning rate as a share of the old one.

    Raises:
        ConfigError: an option would change the network or its tokens.
    """
    if wrong := [name for name in fixed if name in given and given[name] != before[name]]:
        listed = ", ".join(f"{fixed[name]} is {before[name]!r}" for name in wrong)
        raise ConfigError(f"--from keeps the network and the tokens of {path}, where {listed}: leave it out")
    if given.get("freeze_layers", 0) > layers:
        raise ConfigError(f"--freeze-layers is {given['freeze_layers']}: {path} has {layers} layers")
    kept = {name: value for name, value in before.items() if name not in (*NOT_KEPT, *but)}
    rate = (before["learning_rate"] or 0.0) * rate_share
    return {**kept, "learning_rate": rate, **given}


def check_other(start: Path, path: Path) -> None:
    """Raises ConfigError where a new run at `path` would take the place of the one that it begins with."""
    if path.resolve() == start.resolve():
        raise ConfigError(f"--from keeps {start} as it is: give the new run another --name")
