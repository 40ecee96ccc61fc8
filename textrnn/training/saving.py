"""Writing a run while it is trained: a failed save is reported and tried again, and training goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textrnn.errors import RunError
from textrnn.models.language_model import LanguageModel
from textrnn.models.weights import get_weights
from textrnn.run import MODEL_FILE, RUN_FILE, Weights, write_json, write_weights
from textrnn.training.checkpoint import Progress, save_checkpoint
from textrnn.training.report import write_curves, write_history


class RunWriter:
    """Keeps a run's folder up to date.

    Args:
        folder: the run.
        details: the content of `run.json`; its metrics are kept up to date.
        warn: told about saves that failed.
    """

    def __init__(self, folder: Path, details: dict[str, Any], warn: Callable[[str], None]) -> None:
        self.folder, self.details, self._warn = folder, details, warn
        self._best: Weights | None = None  # weights that still have to be written
        self._error: OSError | None = None

    def mark(self, status: str) -> None:
        """Changes what `run.json` says of the training, and nothing else."""
        self.details["status"] = status
        with contextlib.suppress(OSError):
            write_json(self.folder / RUN_FILE, self.details)

    def keep_best(self, model: LanguageModel, metrics: dict[str, Any]) -> None:
        """Takes the weights as the best so far, to be written by the next `save`."""
        self._best = get_weights(model)
        self.details["metrics"] = metrics

    def save(self, model: LanguageModel, optimizer: Any, state: list[Any], progress: Progress) -> None:
        """Writes the best weights if they are new, the checkpoint, the history and `run.json`."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._best is not None:
                write_weights(self.folder / MODEL_FILE, self._best)
                self._best = None
            save_checkpoint(self.folder, model, optimizer, state, progress)
            if progress.history:
                write_history(self.folder / "history.csv", progress.history)
            write_json(self.folder / RUN_FILE, self.details)
            self._error = None
        except OSError as error:
            if self._error is None:
                self._warn(
                    f"could not save to {self.folder}: {error.strerror}; the last good save is kept, training "
                    "goes on and tries again"
                )
            self._error = error

    def finish(self, model: LanguageModel, optimizer: Any, state: list[Any], progress: Progress, title: str) -> None:
        """The last save of a training.

        Raises:
            RunError: it failed; the save before it is still there.
        """
        self.save(model, optimizer, state, progress)
        if self._error is None and progress.history:
            try:
                write_curves(self.folder / "curves.png", progress.history, title)
            except OSError as error:
                self._error = error
        if self._error is not None:
            raise RunError(f"could not save to {self.folder}: {self._error.strerror}; what was saved before is kept")
