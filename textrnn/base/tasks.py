"""The table of tasks: what kinds of runs there are, and what opens them.

Functions stand here by their dotted names and are imported when they are used, so this table lies below all tasks.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textrnn.base.errors import RunError
from textrnn.base.run import find_run, read_run


@dataclass(frozen=True)
class TaskSpec:
    """A task: what a run of it is called and how it is opened.

    Attributes:
        kind: the `kind` in `run.json`.
        opens: `module:function` of a run's path that gives the model, without TensorFlow.
    """

    kind: str
    opens: str


TASKS = {
    task.kind: task
    for task in (
        TaskSpec("language_model", "textrnn.language_model.predict:open_run"),
        TaskSpec("classifier", "textrnn.classifier.predict:open_classifier"),
        TaskSpec("translator", "textrnn.translator.predict:open_translator"),
        TaskSpec("answerer", "textrnn.answerer.predict:open_answerer"),
    )
}


def named(name: str) -> Any:
    """What a `module:name` stands for."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def load(model: str | Path, models_dir: str | Path = "models") -> Any:
    """Opens a saved run; TensorFlow is not needed and not imported.

    Args:
        model: the folder of the run, or its name under `models_dir`.
        models_dir: where runs are kept.

    Returns:
        a language model, ready to generate and to score, a classifier, ready to tell the classes of texts, a
        translator, or an answerer, ready to answer questions about stories.

    Raises:
        RunError: there is no such run, it is damaged, of a kind that is not known, or its parts do not belong together.
    """
    path = find_run(str(model), Path(models_dir), "language_model")
    kind = read_run(path).get("kind")
    if kind not in TASKS:
        raise RunError(f"{path} is of the kind {kind!r:.60}: expected one of {', '.join(TASKS)}")
    return named(TASKS[kind].opens)(path)
