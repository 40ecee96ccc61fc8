"""The table of tasks: what kinds of runs there are, and what opens them.

Functions stand here by their dotted names and are imported when they are used, so this table lies below all tasks.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any


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
