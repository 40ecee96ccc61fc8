"""Writing a run while it is trained: a failed save is reported and tried again, and training goes on.

The order of a save is part of the contract: weights, checkpoint, history, `run.json`. Whichever of them a kill comes
between, what is there loads, and a resume goes on from the newest checkpoint and comes to the same files again.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from textrnn.base.errors import RunError
from textrnn.base.files import MODEL_FILE, RUN_FILE, Weights, read_weights, write_json, write_weights
from textrnn.base.run import publish_written
from textrnn.training.checkpoint import CHECKPOINT_FOLDER, Groups, Progress, save_checkpoint
from textrnn.training.display import COLUMNS, write_curves, write_history

LOSS = "val_nats_per_token"


class RunWriter:
    """Keeps a run's folder up to date.

    Args:
        folder: the run.
        details: the content of `run.json`; its metrics are those of the best weights.
        warn: told when saving fails, and when it works again.
        parts: what writes the files that never change, by their names; they are written again when they are lost.
        columns: those of `history.csv`.
        loss: the name of what the best weights have least of, among their metrics.
    """

    def __init__(
        self,
        folder: Path,
        details: dict[str, Any],
        warn: Callable[[str], None],
        *,
        parts: Mapping[str, Callable[[Path], None]] | None = None,
        columns: Sequence[str] = COLUMNS,
        loss: str = LOSS,
    ) -> None:
        self.folder, self.details, self._warn, self.parts = folder, details, warn, dict(parts or {})
        self._columns, self._loss = columns, loss
        self._best: Weights = {}  # kept in memory too, because the folder may be lost
        self._is_new = False  # whether they still have to be written
        self._has_saved = False
        self._error: OSError | None = None

    def mark(self, status: str) -> None:
        """Changes what `run.json` says of the training, and nothing else."""
        self.details["status"] = status
        with contextlib.suppress(OSError):
            write_json(self.folder / RUN_FILE, self.details)

    def read_best(self) -> None:
        """Takes over the best weights of the run on disk, and what was measured of them.

        Raises:
            RunError: they are missing or damaged.
        """
        self._best, metadata = read_weights(self.folder / MODEL_FILE)
        try:
            # run.json is written last, so it may be older than the weights.
            self.details["metrics"] = dict(json.loads(metadata.get("metrics", "{}")))
            float(self.details["metrics"].get(self._loss, 0))
        except (TypeError, ValueError) as error:
            raise RunError(f"{self.folder / MODEL_FILE} is damaged: {error}; train again") from None
        self._has_saved = True

    def keep_best(self, weights: Weights, metrics: dict[str, Any]) -> None:
        """Takes weights as the best so far, to be written by the next `save`.

        After a kill between two files the weights on disk can be better than the checkpoint knows: they stay until
        training has come to equal ones again.
        """
        if metrics.get(self._loss, math.inf) > self.details["metrics"].get(self._loss, math.inf):
            return
        self._best, self._is_new = weights, True
        self.details["metrics"] = metrics

    def publish(
        self, path: Path, weights: Weights, groups: Groups, progress: Progress, state: Sequence[Any] = ()
    ) -> None:
        """Saves an untrained model and moves the run to its name.

        Raises:
            RunError: it cannot be written.
        """
        self.keep_best(weights, {})
        publish_written(self.folder, path, lambda: self._write(groups, state, progress, None))
        self.folder = path
        self.read_best()

    def save(self, groups: Groups, state: Sequence[Any], progress: Progress, *, title: str | None = None) -> None:
        """Writes the best weights if they are new, the checkpoint, the history and `run.json`; warns when it cannot.

        Args:
            groups: as `variable_groups` makes them.
            state: the carried state.
            progress: how far training is.
            title: of the picture of the curves, which is drawn when there is one.
        """
        try:
            self._write(groups, state, progress, title)
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

    def finish(self, groups: Groups, state: Sequence[Any], progress: Progress, title: str | None = None) -> None:
        """The last save of a training.

        Raises:
            RunError: it failed; the save before it is still there.
        """
        self.save(groups, state, progress, title=title)
        if self._error is not None:
            raise RunError(
                f"could not save to {self.folder}: {self._error.strerror or self._error}; what was saved before is kept"
            )

    def _write(self, groups: Groups, state: Sequence[Any], progress: Progress, title: str | None) -> None:
        if self._has_saved and not self.folder.exists():
            self._warn(f"{self.folder} was removed: making it anew")
            self._has_saved = False
        (self.folder / CHECKPOINT_FOLDER).mkdir(parents=True, exist_ok=True)
        for name, write in self.parts.items():
            if not (self.folder / name).exists():
                write(self.folder / name)
        if self._best and (self._is_new or not (self.folder / MODEL_FILE).exists()):
            metrics = json.dumps(self.details["metrics"], sort_keys=True)
            write_weights(self.folder / MODEL_FILE, self._best, {"metrics": metrics})
            self._is_new = False
        save_checkpoint(self.folder, groups, state, progress)
        if progress.history:
            write_history(self.folder / "history.csv", progress.history, self._columns)
            if title is not None:
                write_curves(self.folder / "curves.png", progress.history, title)
        self.details["skipped_steps"] = progress.skipped
        write_json(self.folder / RUN_FILE, self.details)
