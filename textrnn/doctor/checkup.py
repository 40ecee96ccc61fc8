"""All that `textrnn doctor` finds out, in order, and how it is told."""

from __future__ import annotations

import os
import re
from pathlib import Path
from textwrap import wrap
from typing import Any

from textrnn.doctor import machine, packages
from textrnn.doctor.cost import cost
from textrnn.doctor.part import Part
from textrnn.doctor.probe import imported

# Settings of the environment that change what training does.
SETTINGS = (
    "KERAS_BACKEND",
    "ONEDNN_MAX_CPU_ISA",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)
LINE = 110  # columns, as of the help
HARMLESS = re.compile(r"[\w,.:-]{0,20}")  # a value that says nothing of anybody


def checkup(models_dir: Path, *, measure: bool = True) -> list[Part]:
    """Looks at the machine and at what is installed; takes some seconds, most of which TensorFlow takes to load.

    Args:
        models_dir: where runs are kept.
        measure: whether to measure for two seconds what training will cost.
    """
    found = imported(each.imports for each in packages.EVERY if packages.there(each))
    tensorflow = found.get("tensorflow")
    kind = machine.precision(tensorflow)
    parts = [
        packages.textrnn(),
        packages.python(),
        machine.system(),
        machine.processor(),
        machine.memory(),
        *packages.packages(found),
        kind,
        machine.gpu(tensorflow),
        machine.disk(models_dir),
        machine.terminal(),
        settings(),
    ]
    if measure and "error" not in found.get("numpy", {"error": "missing"}):
        parts.append(cost(kind.values["auto"]))
    return parts


def settings() -> Part:
    """What the environment says that changes training."""
    given = {name: os.environ[name] for name in SETTINGS if os.environ.get(name)}
    values = {name: value if HARMLESS.fullmatch(value) else "..." for name, value in given.items()}
    lines = [f"{name}={value}" for name, value in values.items()]
    problems = []
    if values.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        problems.append(f"KERAS_BACKEND is {values['KERAS_BACKEND']}, and training needs tensorflow: unset it")
    return Part("settings", lines or ["none that change training"], values, problems)


def problems_of(parts: list[Part]) -> list[str]:
    """What is broken, each in a line with what to do."""
    return [problem for part in parts for problem in part.problems]


def as_json(parts: list[Part]) -> dict[str, Any]:
    """All of it as one object."""
    named = {part.name.replace(" ", "_"): part.values for part in parts}
    return {"problems": problems_of(parts), **named}


def as_text(parts: list[Part]) -> str:
    """One block for a person, and for a bug report."""
    width = max(len(part.name) for part in parts)
    lines = []
    for part in parts:
        head = part.name.ljust(width + 2)
        for line in part.lines:
            lines += wrap(line, LINE, initial_indent=head, subsequent_indent=" " * (width + 4), break_on_hyphens=False)
            head = " " * (width + 2)
    problems = problems_of(parts)
    lines += ["", *(f"problem: {each}" for each in problems)] if problems else ["", "nothing is broken"]
    return "\n".join(lines) + "\n"
