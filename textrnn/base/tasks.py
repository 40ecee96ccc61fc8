"""The table of tasks and commands: what kinds of runs there are, what makes, opens and describes them.

Modules and functions stand here by their dotted names and are imported when they are used, so this table lies below all
tasks. A new task is a folder, an entry of `TASKS` and the modules of its commands in `textrnn.cli`; a new command is a
module there and an entry here.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True)
class CommandSpec:
    """A command of `textrnn`.

    Attributes:
        name: of the command, of its module in `textrnn.cli` and of the function there.
        example: what it may be given.
        help: what it does, in some words.
    """

    name: str
    example: str
    help: str

    @property
    def usage(self) -> str:
        """How it may be called."""
        return f"textrnn {self.name} {self.example}".rstrip()


class RunRow(NamedTuple):
    """A run in the list of runs, in words.

    Attributes:
        run: its name.
        architecture: what it is.
        level: what it reads or says.
        parameters: how many it has.
        quality: how good it is on held-out text, in one figure; `-` where that was not measured.
        status: of its training.
        trained_on: the name of the file.
    """

    run: str
    architecture: str
    level: str
    parameters: str
    quality: str
    status: str
    trained_on: str


@dataclass(frozen=True)
class TaskSpec:
    """A task.

    Attributes:
        kind: the `kind` in `run.json`.
        folder: the package of the task. Its `info` module has `row(name, run)`, a `RunRow`, and `lines(run)`, what
            is said of one run.
        options: the class of all its options, `module:name` below the folder.
        opens: the function of a run's path that gives the model without TensorFlow, as above.
        commands: those of the task; the first makes a run.
        resumes: whether that command goes on with a run by `--resume`.
    """

    kind: str
    folder: str
    options: str
    opens: str
    commands: tuple[CommandSpec, ...]
    resumes: bool = True

    @property
    def noun(self) -> str:
        """What such a run is called."""
        return self.kind.replace("_", " ")

    @property
    def maker(self) -> CommandSpec:
        """The command that makes such a run."""
        return self.commands[0]

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
            commands=(
                CommandSpec("train", "YOUR_TEXT.txt", "learn a language model from a text"),
                CommandSpec("generate", '--seed "Once"', "write on from a few words"),
                CommandSpec("score", "YOUR_CHAPTER.txt", "how surprising is a text?"),
            ),
        ),
        TaskSpec(
            "classifier",
            folder="textrnn.classifier",
            options="options:ClassifierConfig",
            opens="predict:open_classifier",
            commands=(CommandSpec("classify", "YOUR_TABLE.csv", "learn labels of texts, fill in missing ones"),),
            resumes=False,
        ),
        TaskSpec(
            "translator",
            folder="textrnn.translator",
            options="options:TranslateConfig",
            opens="predict:open_translator",
            commands=(CommandSpec("translate", "YOUR_PAIRS.tsv", "learn to turn texts into others, or do so"),),
        ),
        TaskSpec(
            "answerer",
            folder="textrnn.answerer",
            options="options:AnswerConfig",
            opens="predict:open_answerer",
            commands=(CommandSpec("answer", "YOUR_STORIES.txt", "learn to answer questions about stories, or do so"),),
        ),
    )
}
# All commands: those of the tasks, and those that are for runs of any kind.
COMMANDS = {
    command.name: command
    for command in (
        *(command for task in TASKS.values() for command in task.commands),
        CommandSpec("inspect", "cells", "look into a network: units, gradients, attention"),
        CommandSpec("serve", "", "a page that writes with you, and HTTP"),
        CommandSpec("list", "", "the models that you have"),
        CommandSpec("info", "NAME", "what is known of a model"),
        CommandSpec("compare", "NAME OTHER", "two models side by side, on a text if one is given"),
        CommandSpec("export", "NAME --to onnx", "a language model for other programs"),
        CommandSpec("rename", "NAME NEW_NAME", "give a model another name"),
        CommandSpec("delete", "NAME", "delete models"),
        CommandSpec("completion", "--install", "let the shell complete commands, options and models"),
        CommandSpec("doctor", "", "this machine: what works, what is missing, what training costs"),
    )
}


def named(name: str) -> Any:
    """What a `module:name` stands for."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)
