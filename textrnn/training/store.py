"""Writing a run while it is trained: a failed save is reported and tried again, and training goes on.

The order of a save is part of the contract: weights, checkpoint, history, `run.json`. Whichever of them a kill comes
between, what is there loads, and a resume goes on from the newest checkpoint and comes to the same files again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from textrnn.base.errors import RunError
from textrnn.base.files import HISTORY_FILE, MODEL_FILE, RUN_FILE, Weights, read_weights, write_json, write_weights
from textrnn.base.run import publish_written
from textrnn.nn.keras.weights import get_weights
from textrnn.training.checkpoint import (
    CHECKPOINT_FOLDER,
    Progress,
    load_checkpoint,
    save_checkpoint,
    variable_groups,
)
from textrnn.training.display import COLUMNS, write_curves, write_history
from textrnn.training.objective import State
from textrnn.training.prepared import Prepared
from textrnn.training.strategy import spread_seeds
from textrnn.training.workers import Workers

LOSS = "val_nats_per_token"


class RunStore:
    """Keeps a run's folder up to date; among several workers, only the chief writes.

    Args:
        prepared: the run; its `details` become the content of `run.json`, with the metrics of the best weights.
        model: the network.
        optimizer: with its variables made.
        warn: told when saving fails, and when it works again.
        workers: all processes that learn together.
        columns: those of `history.csv`.
        loss: the name of the metric that the best weights are chosen by; the lowest is best.
    """

    def __init__(
        self,
        prepared: Prepared,
        model: Any,
        optimizer: Any,
        warn: Callable[[str], None],
        *,
        workers: Workers | None = None,
        columns: Sequence[str] = COLUMNS,
        loss: str = LOSS,
    ) -> None:
        self.folder, self.path, self.details = prepared.folder, prepared.path, prepared.details
        self.groups = variable_groups(model, optimizer)
        self._prepared, self._model, self._warn, self._workers = prepared, model, warn, workers or Workers()
        self._columns, self._loss = columns, loss
        self._best: Weights = {}  # kept in memory too, because the folder may be lost
        self._is_new = False  # whether they still have to be written
        self._has_saved = False
        self._error: OSError | None = None
        versions = {"tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__}
        self.details["versions"] = {**self.details.get("versions", {}), **versions}
        self.details["parameters"] = model.count_params()

    def load(self, new: Progress) -> tuple[State, Progress]:
        """What training begins with: the newest checkpoint of a resumed run, whose variables are put back, or nothing.

        Args:
            new: the progress of a new run.

        Returns:
            the carried state of all rows, and the progress; the chief's, for all workers.

        Raises:
            RunError: a file is missing or damaged.
        """
        state, progress = list[Any](), new
        if self._prepared.resume and self._workers.is_chief:
            state, progress = self._load_checkpoint()
            self._read_best()
            self._change(progress)
        return self._shared(state, progress)

    def _load_checkpoint(self, step: int | None = None) -> tuple[State, Progress]:
        """See `load_checkpoint`; where dropout was changed, a checkpoint from before it may have other generators."""
        changes = [*self.details.get("changes", []), self._prepared.changes]
        may_differ = ["random"] if any("dropout" in change for change in changes) else []
        return load_checkpoint(self.path, self.groups, self._warn, step=step, may_differ=may_differ)

    def _change(self, progress: Progress) -> None:
        """Keeps in `run.json` what is learnt with otherwise from here on; a new learning rate is not a halved one."""
        if changes := self._prepared.changes:
            self.details["changes"] = [*self.details.get("changes", []), {"step": progress.step, **changes}]
        if "learning_rate" in changes:
            progress.rate_scale = 1.0

    def begin(self, progress: Progress, state: State) -> None:
        """The first save: a new run is published untrained, a resumed one saved with its new budget.

        Raises:
            RunError: a new run cannot be written.
        """
        self.details["status"] = "training"
        if self._prepared.resume:
            self.save(progress, state)
        elif self._workers.is_chief:
            self.keep_best({})
            publish_written(self.folder, self.path, lambda: self._write([], progress, None))
            self.folder = self.path
            self._read_best()

    def mark(self, status: str) -> None:
        """Changes what `run.json` says of the training, and nothing else."""
        self.details["status"] = status
        if self._workers.is_chief:
            with contextlib.suppress(OSError):
                write_json(self.folder / RUN_FILE, self.details)

    def keep_best(self, metrics: dict[str, Any]) -> None:
        """Keeps the weights there are now as the best so far, for the next `save` to write, unless it has better ones.

        A kill between two files of a save can leave best weights on disk that are newer than the checkpoint: they stay
        until the resumed training has reached a loss as low as theirs.
        """
        if metrics.get(self._loss, math.inf) > self.details["metrics"].get(self._loss, math.inf):
            return
        self._best, self._is_new = get_weights(self._model), True
        self.details["metrics"] = metrics

    @property
    def best_weights(self) -> Weights:
        """The best weights so far."""
        return self._best

    def save(self, progress: Progress, state: State, *, title: str | None = None) -> None:
        """Writes the best weights if they are new, the checkpoint, the history and `run.json`; warns when it cannot.

        Args:
            progress: how far training is.
            state: the carried state, of this worker's rows.
            title: of the picture of the curves, which is drawn when there is one.
        """
        state = self._workers.gather(state)
        if not self._workers.is_chief:
            return
        try:
            self._write(state, progress, title)
        except OSError as error:
            if self._error is None:
                self._warn(
                    f"could not save to {self.folder}: {error.strerror or error}; the last good save is kept, training "
                    "goes on and tries again"
                )
            self._error = error
        else:
            if self._error is not None:
                self._warn(f"saving to {self.folder} works again")
            self._error, self._has_saved = None, True

    def restore(self, step: int) -> tuple[State, Progress, str]:
        """See `textrnn.training.trainer.Store`; the checkpoint of the best check is always kept."""
        state, progress, instead = list[Any](), Progress(), ""
        if self._workers.is_chief:
            try:
                state, progress = self._load_checkpoint(step)
            except RunError as error:
                # Steps that are not finite have changed no weight: those there are can be learnt from.
                instead = f"going on with the weights there are ({error})"
        state, progress = self._shared(state, progress)
        return state, progress, str(self._workers.share({"instead": instead}, {})[0]["instead"])

    def finish(self, progress: Progress, state: State, *, status: str, title: str | None = None) -> None:
        """The last save of a training.

        Raises:
            RunError: it failed; the save before it is still there.
        """
        self.details["status"] = status
        self.save(progress, state, title=title)
        if self._error is not None:
            raise RunError(
                f"could not save to {self.folder}: {self._error.strerror or self._error}; what was saved before is kept"
            )

    def _shared(self, state: State, progress: Progress) -> tuple[State, Progress]:
        """The chief's variables, state and progress, for all; dropout draws other numbers on each replica."""
        if self._workers.workers > 1:
            state, progress = self._from_chief(state, progress)
        if self._workers.strategy is not None:
            spread_seeds(list(self.groups["random"].values()), self._workers.rank)
        return state, progress

    def _from_chief(self, state: State, progress: Progress) -> tuple[State, Progress]:
        """Takes over the chief's variables; gives its state and progress."""
        is_chief, arrays = self._workers.is_chief, dict[str, np.ndarray]()
        if is_chief:
            arrays = {f"state/{number:03d}": np.asarray(array) for number, array in enumerate(state)}
            for group, variables in self.groups.items():
                arrays.update({f"{group}/{name}": np.asarray(variable) for name, variable in variables.items()})
        values, arrays = self._workers.share({"progress": json.dumps(dataclasses.asdict(progress))}, arrays)
        if is_chief:
            return state, progress
        for group, variables in self.groups.items():
            for name, variable in variables.items():
                variable.assign(arrays[f"{group}/{name}"])
        names = sorted(name for name in arrays if name.startswith("state/"))
        return [arrays[name] for name in names], Progress.from_json(values["progress"])

    def _read_best(self) -> None:
        """Takes over the best weights of the run on disk, and what was measured of them."""
        self._best, metadata = read_weights(self.folder / MODEL_FILE)
        try:
            # run.json is written last, so it may be older than the weights.
            self.details["metrics"] = dict(json.loads(metadata.get("metrics", "{}")))
            float(self.details["metrics"].get(self._loss, 0))
        except (TypeError, ValueError) as error:
            raise RunError(f"{self.folder / MODEL_FILE} is damaged: {error}; train again") from None
        self._is_new, self._has_saved = False, True

    def _write(self, state: State, progress: Progress, title: str | None) -> None:
        if self._has_saved and not self.folder.exists():
            self._warn(f"{self.folder} was removed: making it anew")
            self._has_saved = False
        (self.folder / CHECKPOINT_FOLDER).mkdir(parents=True, exist_ok=True)
        self._prepared.write_lost_parts(self.folder)
        if self._best and (self._is_new or not (self.folder / MODEL_FILE).exists()):
            metrics = json.dumps(self.details["metrics"], sort_keys=True)
            write_weights(self.folder / MODEL_FILE, self._best, {"metrics": metrics})
            self._is_new = False
        save_checkpoint(self.folder, self.groups, state, progress)
        if progress.rows:
            write_history(self.folder / HISTORY_FILE, progress.rows, self._columns)
            if title is not None:
                write_curves(self.folder / "curves.png", progress.history, title)
        self.details["skipped_steps"] = progress.skipped
        write_json(self.folder / RUN_FILE, self.details)
