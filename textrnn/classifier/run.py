"""A classifier as a saved run: where it goes, what `run.json` says of it, and its files."""

from __future__ import annotations

import math
import platform
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from textrnn import __version__
from textrnn.base.files import (
    HISTORY_FILE,
    MODEL_FILE,
    RUN_FILE,
    TOKENIZER_FILE,
    run_head,
    write_json,
    write_weights,
)
from textrnn.classifier.label_kind import CLASSES, LabelKind
from textrnn.classifier.likeness import ARRAY, TEXTS_ARRAY, Likeness
from textrnn.classifier.models import Models
from textrnn.classifier.options import ClassifierConfig
from textrnn.classifier.predict import KIND
from textrnn.report.comparison import METRICS
from textrnn.training.display import write_history


def new_details(config: ClassifierConfig, kind: LabelKind, table: Mapping[str, Any], command: str) -> dict[str, Any]:
    """The content of `run.json`, but for what is learnt; of the table its `name` and, if it has some, its columns."""
    return {
        **run_head(KIND, command, config.to_json(), status="unfinished"),
        "classes": list(kind.names),
        "labels": kind.to_json(),
        "table": dict(table),
        "metrics": {},
        "versions": {"textrnn": __version__, "python": platform.python_version(), "numpy": np.__version__},
    }


def metrics_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """What `run.json` says of a report."""
    test, folds = report["test"], report.get("folds")
    metrics = dict(test_rows=test["rows"], judged_on=report["judged_on"])
    if "accuracy" in test:
        metrics.update(
            test_accuracy=test["accuracy"],
            accuracy_interval=list(test["accuracy_interval"]),
            accuracy_of={name: one["accuracy"] for name, one in report["models"].items()},
        )
    if report["task"] != CLASSES:
        kept = METRICS[report["task"]]
        metrics.update(test={name: test[name] for name in test if name in kept or name == "interval"})
        metrics["test"]["rows"] = test["rows"]
    if folds is not None:
        metrics.update(folds=folds["count"])
    return metrics


def save_models(
    folder: Path,
    details: dict[str, Any],
    models: Models,
    kind: LabelKind,
    labels: np.ndarray,
    likeness: Likeness | None = None,
) -> None:
    """Writes the files of a run into a folder; `details` get what was learnt.

    Args:
        folder: what other models have left there is replaced.
        details: the content of `run.json`.
        models: all that was fitted.
        kind: of the labels.
        labels: of the rows that were learnt from.
        likeness: what texts are usually like.
    """
    weights = _weights(models)
    details["model"] = {**_settings(models), "shares": kind.mean(labels).tolist()}
    details["table"]["rows"] = len(labels)
    details["parameters"] = sum(int(array.size) for array in weights.values())
    if likeness is not None:
        details["likeness"] = likeness.to_json()
        weights[ARRAY] = likeness.known.bits
        if likeness.texts is not None:
            weights[TEXTS_ARRAY] = likeness.texts.bits
    for left in (TOKENIZER_FILE, HISTORY_FILE):
        (folder / left).unlink(missing_ok=True)
    if models.vocabulary is not None:
        write_json(folder / TOKENIZER_FILE, models.vocabulary.to_json())
    if models.history:
        write_history(folder / HISTORY_FILE, models.history, list(models.history[0]))
    write_weights(folder / MODEL_FILE, weights)
    write_json(folder / RUN_FILE, details)


def _weights(models: Models) -> dict[str, np.ndarray]:
    """All arrays by name."""
    weights = {f"rnn{k}/{name}": array for k, own in enumerate(models.networks) for name, array in own.items()}
    return weights if models.linear is None else {**weights, **models.linear.to_arrays()}


def _settings(models: Models) -> dict[str, Any]:
    """What the arrays do not say."""
    choice = models.choice
    return dict(
        chosen=choice.chosen,
        members=len(models.networks),
        linear=None if models.linear is None else models.linear.to_json(),
        temperatures={name: value if math.isfinite(value) else 1.0 for name, value in choice.temperatures.items()},
        mixture=None if choice.mixture is None else choice.mixture.to_json(),
        decisions={name: values.tolist() for name, values in choice.decisions.items() if len(values)},
    )


def saved_in_words(run: Path, path: Sequence[str]) -> str:
    """Where a classifier is, and how the table it learnt from is filled in with it."""
    command = shlex.join(["textrnn", "classify", *path, "--predict", "--model", str(run)])
    return f"the classifier is saved in {run}; to fill in the table: {command}"
