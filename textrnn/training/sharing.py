"""The chief's variables, state and progress, for all workers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from textrnn.training.checkpoint import Groups, Progress
from textrnn.training.team import Alone


def share_training(team: Alone, groups: Groups, state: Sequence[Any], progress: Progress) -> tuple[list[Any], Progress]:
    """Gives all workers the chief's variables, carried state and progress.

    Args:
        team: all workers.
        groups: variables, as `variable_groups` makes them; changed everywhere but at the chief.
        state: the chief's carried state, of all rows.
        progress: the chief's.

    Returns:
        state and progress of the chief.
    """
    if team.workers == 1:
        return list(state), progress
    arrays = {f"state/{number:03d}": np.asarray(array) for number, array in enumerate(state)}
    if team.is_chief:
        for group, variables in groups.items():
            arrays.update({f"{group}/{name}": np.asarray(variable) for name, variable in variables.items()})
    values, arrays = team.share({"progress": json.dumps(dataclasses.asdict(progress))}, arrays)
    if team.is_chief:
        return list(state), progress
    for group, variables in groups.items():
        for name, variable in variables.items():
            variable.assign(arrays[f"{group}/{name}"])
    names = sorted(name for name in arrays if name.startswith("state/"))
    return [arrays[name] for name in names], Progress.from_json(values["progress"])
