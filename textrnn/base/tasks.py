"""The table of tasks: what kinds of runs there are, and what makes, opens and describes them.

Functions stand here by their dotted names and are imported when they are used, so this table lies below all tasks.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TaskSpec:
    """A task.

    Attributes:
        kind: the `kind` in `run.json`.
        folder: the package of the task. Its `info` module has `row(name, run)`, a line of the list of runs, and
            `lines(run)`, what is said of one.
        options: the class of all its options, `module:name` below the folder.
        opens: the function of a run's path that gives the model without TensorFlow, as above.
        command: of `textrnn`, which makes such a run.
        example: what the command is given.
        resumes: whether the command goes on with a run by `--resume`.
    """

    kind: str
    folder: str
    options: str
    opens: str
    command: str
    example: str
    resumes: bool = True

    @property
    def noun(self) -> str:
        """What such a run is called."""
        return self.kind.replace("_", " ")

    @property
    def made_by(self) -> str:
        """The command that makes such a run."""
        return f"textrnn {self.command} {self.example}"

    def get(self, name: str) -> Any:
        """What a `module:name` below the folder stands for."""
        return named(f"{self.folder}.{name}")


TASKS = {
    task.kind: task
    for task in (
        TaskSpec(
            "language_model",
            folder="textrnn.language_model",
            options="options:Config",
            opens="predict:open_run",
            command="train",
            example="YOUR_TEXT.txt",
        ),
        TaskSpec(
            "classifier",
            folder="textrnn.classifier",
            options="options:ClassifierConfig",
            opens="predict:open_classifier",
            command="classify",
            example="YOUR_TABLE.csv",
            resumes=False,
        ),
        TaskSpec(
            "translator",
            folder="textrnn.translator",
            options="options:TranslateConfig",
            opens="predict:open_translator",
            command="translate",
            example="YOUR_PAIRS.tsv",
        ),
        TaskSpec(
            "answerer",
            folder="textrnn.answerer",
            options="options:AnswerConfig",
            opens="predict:open_answerer",
            command="answer",
            example="YOUR_STORIES.txt",
        ),
    )
}


def named(name: str) -> Any:
    """What a `module:name` stands for."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)
