"""What a resume needs, in one file: groups of named variables, the carried state, and how far training is.

The two newest checkpoints are kept, and the one of the best validation loss, which training goes back to when it blows
up: which one is the newest depends on the clock, and nothing that a deterministic run learns may.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from textrnn.base.errors import RunError
from textrnn.base.files import Weights, read_weights, write_weights
from textrnn.nn.keras.weights import Model, named_variables

CHECKPOINT_FOLDER = "checkpoint"
GENERATIONS = 2

Groups = Mapping[str, Mapping[str, Any]]


@dataclass
class Recent:
    """Sums over the steps since the last check.

    Attributes:
        steps: steps that taught something.
        nats: training loss over their tokens.
        tokens: tokens learnt from.
        seconds: seconds of the steps that were timed: all but the first of a session, which traces the graph.
        timed_tokens: tokens learnt from in that time.
        loss: training loss of the last step, nats per token.
        norm: norm of its gradient.
        rate: its learning rate.
    """

    steps: int = 0
    nats: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0
    timed_tokens: float = 0.0
    loss: float = float("nan")
    norm: float = float("nan")
    rate: float = 0.0


@dataclass
class Progress:
    """How far training is; everything that goes on changing besides the variables of the graph.

    Attributes:
        step: steps done, which is also the position in the data.
        seconds: seconds of training, checks included.
        limit_s: the training seconds that were planned, None without a time budget.
        total_steps: the steps that were planned, None without a limit on epochs.
        num_shards: parts into which a batch is cut; their sums round differently for another number.
        step_s: seconds of the training steps alone, without those that traced the graph.
        timed_tokens: tokens learnt from in that time.
        tokens: tokens learnt from.
        skipped: steps whose loss or gradient was not finite.
        skipped_in_a_row: how many of them were the last steps.
        rate_scale: what the learning rate is multiplied by; halved when too many steps in a row, or a validation loss,
            were not finite.
        best_nats: best validation loss, nats per token.
        best_step: the step after which it was reached.
        worse_checks: checks since then.
        history: a row for each check, as in `history.csv`.
        earlier: the rows of networks that were trained before this one, from other beginnings.
        recent: sums since the last check.
        memo: what an objective has to remember beside the variables, such as the number of a restart.
    """

    step: int = 0
    seconds: float = 0.0
    limit_s: float | None = None
    total_steps: int | None = None
    num_shards: int = 1
    step_s: float = 0.0
    timed_tokens: float = 0.0
    tokens: float = 0.0
    skipped: int = 0
    skipped_in_a_row: int = 0
    rate_scale: float = 1.0
    best_nats: float | None = None
    best_step: int = 0
    worse_checks: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    recent: Recent = field(default_factory=Recent)
    memo: dict[str, int] = field(default_factory=dict)
    earlier: list[dict[str, float]] = field(default_factory=list)

    @property
    def rows(self) -> list[dict[str, float]]:
        """All rows of `history.csv`."""
        return [*self.earlier, *self.history]

    def add_step(self, tokens: float, *, loss: float, norm: float, rate: float) -> None:
        """Counts a step that taught something: its tokens, mean loss in nats, gradient norm and learning rate."""
        recent = self.recent
        self.skipped_in_a_row = 0
        self.tokens += tokens
        recent.loss, recent.norm, recent.rate = loss, norm, rate
        recent.nats += loss * tokens
        recent.tokens += tokens
        recent.steps += 1

    def add_time(self, tokens: float, seconds: float) -> None:
        """Counts the time of a step that learnt from some tokens."""
        self.recent.seconds += seconds
        self.recent.timed_tokens += tokens
        self.step_s += seconds
        self.timed_tokens += tokens

    def add_check(self, val_nats: float, *, num_batches: int) -> bool:
        """Adds a row to the history, begins the sums anew, and tells whether the validation loss is the best so far."""
        recent = self.recent
        is_best = self.best_nats is None or val_nats < self.best_nats
        self.worse_checks = 0 if is_best else self.worse_checks + 1
        if is_best:
            self.best_nats, self.best_step = val_nats, self.step
        row = dict(
            step=self.step,
            epoch=self.step / num_batches,
            seconds=self.seconds,
            learning_rate=recent.rate,
            gradient_norm=recent.norm,
            train_nats_per_token=recent.nats / recent.tokens if recent.tokens else math.nan,
            val_nats_per_token=val_nats,
            tokens_per_s=recent.timed_tokens / recent.seconds if recent.seconds else math.nan,
        )
        self.history.append(row)
        self.recent = Recent()
        return is_best

    @property
    def tokens_per_s(self) -> float | None:
        """Tokens learnt from in a second of training steps; None before any was timed."""
        return self.timed_tokens / self.step_s if self.step_s else None

    @classmethod
    def from_json(cls, text: str) -> Progress:
        """The inverse of `json.dumps(dataclasses.asdict(progress))`.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        values = json.loads(text)
        progress = cls(**{**values, "recent": Recent(**values["recent"])})
        _check_types(progress)
        _check_types(progress.recent)
        return progress


def _check_types(made: Any) -> None:
    """Refuses values of other types: a checksum can be right over a file that somebody wrote by hand."""
    for name, hint in typing.get_type_hints(type(made)).items():
        value = getattr(made, name)
        hints = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        kinds = tuple(typing.get_origin(kind) or kind for kind in hints)
        if isinstance(value, bool) or not isinstance(value, (*kinds, int) if float in kinds else kinds):
            raise TypeError(f"{name} is {value!r:.60}")


def variable_groups(model: Model, optimizer: Any) -> dict[str, dict[str, Any]]:
    """All variables that training changes, by group and name: a checkpoint is these, the carried state and `Progress`.

    Whatever else training comes to change is one more line here.
    """
    weights = {id(weight) for weight in model.weights}
    # States of dropout's random generators are variables of the model, but no weights.
    random = [variable for variable in model.variables if id(variable) not in weights]
    return {
        "weights": named_variables(model),
        "optimizer": _numbered(optimizer.variables),
        "random": _numbered(random),
    }


def _numbered(values: Sequence[Any]) -> dict[str, Any]:
    return {f"{number:03d}": value for number, value in enumerate(values)}


def checkpoint_path(folder: Path, step: int) -> Path:
    """The checkpoint of a run after some steps."""
    return folder / CHECKPOINT_FOLDER / f"step-{step:010d}.safetensors"


def checkpoints(folder: Path) -> dict[int, Path]:
    """The checkpoints of a run by step, newest first."""
    found = {}
    with contextlib.suppress(OSError):
        for path in (folder / CHECKPOINT_FOLDER).iterdir():
            if match := re.fullmatch(r"step-(\d{10,18})\.safetensors", path.name):
                found[int(match[1])] = path
    return dict(sorted(found.items(), reverse=True))


def save_checkpoint(folder: Path, groups: Groups, state: Sequence[Any], progress: Progress) -> None:
    """Writes a checkpoint of a run atomically, then removes those that are no longer needed.

    Args:
        folder: the run.
        groups: as `variable_groups` makes them.
        state: the carried state, arrays.
        progress: how far training is.

    Raises:
        OSError: it cannot be written; the ones before are still there.
    """
    arrays = {
        f"{group}/{name}": np.asarray(value)
        for group, values in {**groups, "state": _numbered(state)}.items()
        for name, value in values.items()
    }
    path = checkpoint_path(folder, progress.step)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_weights(path, arrays, {"progress": json.dumps(dataclasses.asdict(progress))})
    _remove_old(folder, progress)


def _remove_old(folder: Path, progress: Progress) -> None:
    """Removes all but the newest checkpoints and the best one; those of later steps were damaged or led astray."""
    found = checkpoints(folder)
    kept = {*[step for step in found if step <= progress.step][:GENERATIONS], progress.best_step}
    for step, path in found.items():
        if step not in kept or step > progress.step:
            with contextlib.suppress(OSError):
                path.unlink()


def load_checkpoint(
    folder: Path,
    groups: Groups,
    warn: Callable[[str], None],
    *,
    step: int | None = None,
    may_differ: Sequence[str] = (),
) -> tuple[list[Any], Progress]:
    """Puts the newest checkpoint that is whole back into the variables.

    Args:
        folder: the run.
        groups: as `variable_groups` makes them; changed only when a checkpoint fits in every part.
        warn: told when a damaged checkpoint is passed over.
        step: the checkpoint to take, if it is there and whole, instead of the newest.
        may_differ: groups whose variables stay as they are where a checkpoint has others.

    Returns:
        the carried state and the progress.

    Raises:
        RunError: there is none, all are damaged, or they are of another model.
    """
    found = sorted(checkpoints(folder).items(), key=lambda item: (item[0] != step, -item[0]))
    problems: list[str] = []
    for _, path in found:
        try:
            arrays, progress = _read_checkpoint(path, groups, may_differ)
        except RunError as error:
            problems.append(str(error))
            continue
        if problems:
            problem = problems[0].partition(";")[0]
            warn(f"{problem}; training goes on from the save before it, of step {progress.step:,}")
        for group, variables in groups.items():
            for name, variable in variables.items():
                variable.assign(arrays[group][name])
        return [keras.ops.convert_to_tensor(array) for _, array in sorted(arrays["state"].items())], progress
    if not problems:
        raise RunError(f"{folder / CHECKPOINT_FOLDER} is missing its checkpoints: the run is incomplete; train again")
    if len(problems) == 1:
        raise RunError(problems[0])
    raise RunError(f"{problems[0].partition(';')[0]}, and the saves before it cannot be used either; train again")


def _read_checkpoint(path: Path, groups: Groups, may_differ: Sequence[str]) -> tuple[dict[str, Weights], Progress]:
    arrays, metadata = read_weights(path)
    found: dict[str, Weights] = {group: {} for group in [*groups, "state"]}
    for full_name, array in arrays.items():
        group, _, name = full_name.partition("/")
        found.setdefault(group, {})[name] = array
    for group, variables in groups.items():
        expected = {name: tuple(variable.shape) for name, variable in variables.items()}
        given = {name: array.shape for name, array in found[group].items()}
        if given != expected and group in may_differ:
            found[group] = {name: np.asarray(variable) for name, variable in variables.items()}
        elif given != expected:
            wrong = sorted(n for n in given.keys() | expected.keys() if given.get(n) != expected.get(n))[0]
            raise RunError(
                f"{path} does not fit the model: {group}/{wrong} is {given.get(wrong, 'missing')}, expected "
                f"{expected.get(wrong, 'none of that name')}; train again"
            )
    try:
        return found, Progress.from_json(metadata["progress"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path} is damaged: {error!r:.120}; train again") from None
