"""What a resume needs, in one file: weights, optimizer, carried state, random generators, and how far training is."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from textrnn.errors import RunError
from textrnn.models.language_model import LanguageModel
from textrnn.models.weights import get_weights, set_weights
from textrnn.run import Weights, read_weights, write_weights

CHECKPOINT_FILE = "checkpoint/last.safetensors"


@dataclass
class Progress:
    """How far training is; everything that goes on changing besides the variables of the graph.

    Attributes:
        step: steps done, which is also the position in the data.
        seconds: seconds of training, checks included.
        limit_s: the training seconds that were planned, None without a time budget.
        total_steps: the steps that were planned, None without a limit on epochs.
        step_s: seconds of the training steps alone, without those that traced the graph.
        timed_tokens: tokens learnt from in that time.
        tokens: tokens learnt from.
        best_nats: best validation loss, nats per token.
        best_step: the step after which it was reached.
        worse_checks: checks since then.
        history: a row for each check, as in `history.csv`.
    """

    step: int = 0
    seconds: float = 0.0
    limit_s: float | None = None
    total_steps: int | None = None
    step_s: float = 0.0
    timed_tokens: float = 0.0
    tokens: float = 0.0
    best_nats: float | None = None
    best_step: int = 0
    worse_checks: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def _random_variables(model: keras.Model) -> list[Any]:
    """States of dropout's random generators: they are variables of the model, but no weights."""
    weights = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def _named(prefix: str, values: list[Any]) -> Weights:
    return {f"{prefix}/{number:03d}": np.asarray(value) for number, value in enumerate(values)}


def save_checkpoint(folder: Path, model: LanguageModel, optimizer: Any, state: list[Any], progress: Progress) -> None:
    """Writes the checkpoint of a run atomically.

    Raises:
        OSError: it cannot be written; the one before is still there.
    """
    arrays = {f"weights/{name}": array for name, array in get_weights(model).items()}
    arrays.update(_named("optimizer", optimizer.variables))
    arrays.update(_named("random", _random_variables(model)))
    arrays.update(_named("state", state))
    path = folder / CHECKPOINT_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_weights(path, arrays, {"progress": json.dumps(dataclasses.asdict(progress))})


def load_checkpoint(folder: Path, model: LanguageModel, optimizer: Any) -> tuple[list[Any], Progress]:
    """Puts a checkpoint back: the variables into model and optimizer; returns the carried state and the progress.

    Raises:
        RunError: it is missing, damaged, or of another model.
    """
    path = folder / CHECKPOINT_FILE
    arrays, metadata = read_weights(path)
    groups: dict[str, Weights] = {"weights": {}, "optimizer": {}, "random": {}, "state": {}}
    for name, array in arrays.items():
        group, _, rest = name.partition("/")
        groups.setdefault(group, {})[rest] = array
    set_weights(model, groups["weights"])
    for group, variables in (("optimizer", optimizer.variables), ("random", _random_variables(model))):
        values = [groups[group][name] for name in sorted(groups[group])]
        shapes = [tuple(variable.shape) for variable in variables]
        if [value.shape for value in values] != shapes:
            raise RunError(f"{path} does not fit: the {group} has other shapes than this model; train again")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    try:
        progress = Progress(**json.loads(metadata["progress"]))
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path} is damaged: {error}; train again") from None
    state = [keras.ops.convert_to_tensor(groups["state"][name]) for name in sorted(groups["state"])]
    return state, progress
