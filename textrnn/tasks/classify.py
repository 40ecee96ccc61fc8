"""`textrnn classify`: from a table of texts with labels to a measured classifier, and from texts to labels."""

from __future__ import annotations

import dataclasses
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textrnn import __version__
from textrnn.classify_config import ClassifierConfig
from textrnn.errors import DataError, RunError
from textrnn.judging.findings import duplicates, surest_wrong, suspected_labels
from textrnn.judging.html import write_html
from textrnn.judging.splits import hold_out
from textrnn.judging.verdict import judge
from textrnn.run import (
    FORMAT_VERSION,
    MODEL_FILE,
    RUN_FILE,
    TOKENIZER_FILE,
    check_name,
    free_name,
    locked,
    publish,
    staged,
    write_json,
    write_weights,
)
from textrnn.runtime.classifier import CHUNK, KIND, TextClassifier, open_classifier
from textrnn.tasks.classify_rows import Rows, check_learnable, read_rows
from textrnn.tasks.explaining import check_explain
from textrnn.tasks.predict import Using, output_for, predict
from textrnn.text.normalize import normalize
from textrnn.text.table import TableOptions, open_table
from textrnn.training.fitting import Models, Task, fit_models, to_weights
from textrnn.training.interrupt import certain_interrupts, polite_interrupts
from textrnn.training.report import Display

TEST_SHARE, MOST_TEST_ROWS = 0.2, 2_000
REPORT_FILE = "report.html"
SHORTEST_S, LONGEST_S, SECONDS_PER_MCHAR = 50.0, 600.0, 15.0  # the default of --time


@dataclass(frozen=True)
class Place:
    """Where a run goes: the folder of all runs, its name (None: from the table's), and whether that may be replaced."""

    models_dir: Path = Path("models")
    name: str | None = None
    overwrite: bool = False


def train(
    path: str,
    *,
    test: str | None = None,
    options: TableOptions | None = None,
    kind: str = "auto",
    balanced: bool = False,
    place: Place | None = None,
    using: Using | None = None,
    quiet: bool = True,
    command: str = "textrnn.tasks.classify.train",
    begin: float | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Trains a classifier on a table, measures it, saves it, and fills in rows without a label.

    Args:
        path: the table; `-` for standard input.
        test: a table of the same columns to measure on; None to hold out a fifth of the rows.
        options: what is known about the tables.
        kind: `rnn`, `linear`, `combined`, or `auto` for what is best on held-out rows.
        balanced: whether each class counts the same, however many rows it has.
        place: where the run goes.
        using: how predictions are written.
        quiet: print warnings only.
        command: what the run says that it was made by.
        begin: when the command began, by `time.monotonic`.
        settings: fields of `EncoderConfig`, `FitConfig` and `NormalizeConfig`.

    Returns:
        the report that `textrnn classify --json` prints.

    Raises:
        DataError: the table cannot be used.
        ConfigError: an option is out of range.
        RunError: the run exists, is in use or cannot be written.
    """
    begin = time.monotonic() if begin is None else begin
    options, place, using = options or TableOptions(), place or Place(), using or Using()
    display, config = Display(quiet=quiet), ClassifierConfig.from_options(settings)
    with open_table(path, options, needs_label=True) as table:
        _tell(table, display)
        rows, classes = read_rows(table)
        if problems := table.summary():
            display.warn(problems)
        check_learnable(rows, classes, table.name)
        wants_output = path != "-" and (using.output is not None or bool(rows.unlabelled))
        if using.explain:
            check_explain(table.name, is_predicted=wants_output)
        if wants_output:
            output_for(path, using)
        learnt, tested, judged_on = _split(rows, classes, test, options, config.fit.random_seed, display)
        name = check_name(place.name) if place.name is not None else free_name(Path(table.name).stem, place.models_dir)
        with locked(place.models_dir, name):
            run = place.models_dir / name
            if run.exists() and not place.overwrite:
                raise RunError(f"{run} exists: replace it by --overwrite, or give another --name")
            if run.exists() and any(run.iterdir()) and not (run / RUN_FILE).is_file():
                raise RunError(f"{run} is not a saved run, so --overwrite leaves it alone: give another --name")
            with staged(place.models_dir, name) as folder:
                task = _task(learnt, len(classes), config, kind, balanced, begin, display)
                models, was_interrupted = _fit(task, display)
                details = _details(config, classes, learnt, models, table.name, command)
                _save(folder, details, models)
                classifier = open_classifier(folder)
                report = _report(classifier, models, learnt, tested, classes)
                report.update(table=table.describe(), rows=rows.counts, judged_on=judged_on, run=str(run), output=None)
                details["metrics"] = dict(test_accuracy=report["test"]["accuracy"], test_rows=report["test"]["rows"])
                write_json(folder / RUN_FILE, details)
                report["seconds"] = round(time.monotonic() - begin, 3)
                write_html(folder / REPORT_FILE, report, history=models.history)
                publish(folder, run)
    if wants_output:
        made = predict(path, open_classifier(run), options, using)
        report.update({name: made[name] for name in ("output", "explained") if name in made})
    report["seconds"] = round(time.monotonic() - begin, 3)
    report["ended"] = "interrupted" if was_interrupted else "done"
    return report


def _tell(table: Any, display: Display) -> None:
    display.say(table.describe())
    for line in table.warnings:
        display.warn(line)


def _split(
    rows: Rows, classes: list[str], test: str | None, options: TableOptions, seed: int, display: Display
) -> tuple[Rows, Rows, str]:
    """The rows to learn from, those to judge by, and in words what these are."""
    if test is not None:
        with open_table(test, options, needs_label=True) as table:
            _tell(table, display)
            tested, _ = read_rows(table, classes)
        if not tested.texts:
            raise DataError(f"{table.name} has no row with both a text and a label: expected some to measure on")
        return rows, tested, table.name
    rng = np.random.default_rng((seed, 0))
    learnt, held = hold_out(rows.texts, rows.labels, TEST_SHARE, rng, max_rows=MOST_TEST_ROWS)
    return _some(rows, learnt), _some(rows, held), "the rows held out"


def _some(rows: Rows, chosen: np.ndarray) -> Rows:
    return Rows([rows.texts[row] for row in chosen], rows.labels[chosen], rows.numbers[chosen])


def _task(
    rows: Rows,
    num_classes: int,
    config: ClassifierConfig,
    kind: str,
    balanced: bool,
    begin: float,
    display: Display,
) -> Task:
    texts = [normalize(text, config.normalize) for text in rows.texts]
    counts = np.bincount(rows.labels, minlength=num_classes)
    weights = len(rows.labels) / (num_classes * np.maximum(counts, 1)) if balanced else np.ones(num_classes)
    time_s = config.fit.time_s or min(LONGEST_S, SHORTEST_S + SECONDS_PER_MCHAR * sum(map(len, texts)) / 1e6)
    return Task(
        texts=texts,
        labels=rows.labels,
        num_classes=num_classes,
        config=config,
        kind=kind,
        class_weights=weights,
        left_s=lambda: time_s - (time.monotonic() - begin),
        interrupted=lambda: False,
        say=display.say,
        progress=display.update,
    )


def _fit(task: Task, display: Display) -> tuple[Models, bool]:
    """Fits all models; what was fitted before an interrupt counts."""
    if task.kind != "linear":
        from textrnn.training.backend import start_tensorflow

        with certain_interrupts():
            display.say("loading TensorFlow ...")
            start_tensorflow()
    tell = "stopping and saving what there is; once more Ctrl-C stops at once"
    with polite_interrupts(lambda: display.warn(tell)) as interrupted:
        display.start("learning")
        try:
            models = fit_models(dataclasses.replace(task, interrupted=interrupted))
        finally:
            display.stop()
        return models, interrupted()


def _report(
    classifier: TextClassifier, models: Models, learnt: Rows, tested: Rows, classes: list[str]
) -> dict[str, Any]:
    """What the models are worth on rows that they have not learnt from."""
    parts = list[dict[str, np.ndarray]]()
    truncated = 0
    for begin in range(0, len(tested.texts), CHUNK):
        found, cut = classifier.all_probabilities(tested.texts[begin : begin + CHUNK], every=True)
        parts.append(found)
        truncated += int(cut.sum())
    probabilities = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    report = judge(tested.labels, probabilities, classes, chosen=models.chosen, learnt_labels=learnt.labels)
    chosen = probabilities[models.chosen]
    held = models.held_rows
    report["findings"] = dict(
        surest_wrong=surest_wrong(tested.texts, tested.labels, chosen, classes, numbers=tested.numbers.tolist()),
        suspected_labels=suspected_labels(
            [learnt.texts[row] for row in held],
            learnt.labels[held],
            models.held_probabilities[models.chosen],
            classes,
            numbers=learnt.numbers[held].tolist(),
        ),
        duplicates=duplicates(learnt.texts, learnt.labels, classes, numbers=learnt.numbers.tolist()),
    )
    report["held_out"] = models.held
    report["truncated"] = truncated
    return report


def _details(
    config: ClassifierConfig, classes: list[str], rows: Rows, models: Models, name: str, command: str
) -> dict[str, Any]:
    counts = np.bincount(rows.labels, minlength=len(classes))
    return {
        "format_version": FORMAT_VERSION,
        "kind": KIND,
        "status": "finished",
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": command,
        "config": config.to_json(),
        "classes": classes,
        "table": dict(name=name, rows=len(rows.texts)),
        "metrics": {},
        "versions": {"textrnn": __version__, "python": platform.python_version(), "numpy": np.__version__},
        "shares": (counts / counts.sum()).tolist(),
    }


def _save(folder: Path, details: dict[str, Any], models: Models) -> None:
    weights, model = to_weights(models)
    details["model"] = {**model, "shares": details.pop("shares")}
    details["parameters"] = sum(int(array.size) for array in weights.values())
    if models.vocabulary is not None:
        write_json(folder / TOKENIZER_FILE, models.vocabulary.to_json())
    write_weights(folder / MODEL_FILE, weights)
    write_json(folder / RUN_FILE, details)
