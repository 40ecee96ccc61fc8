"""`textrnn classify`: from a table of texts with labels to a measured classifier and a filled-in table."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, DataError
from textrnn.base.run import locked, publish, staged
from textrnn.base.run_target import RunTarget
from textrnn.classifier.evaluation import (
    EvaluationPlan,
    FittedRows,
    cross_validation,
    fit_and_evaluate,
    held_out,
    report_on,
)
from textrnn.classifier.explain_file import check_explain
from textrnn.classifier.fit_models import Models, Task, fit_models
from textrnn.classifier.options import ClassifierConfig, EncoderConfig, FitConfig
from textrnn.classifier.predict import TextClassifier, open_classifier
from textrnn.classifier.predict_file import PredictOptions, output_for, predict
from textrnn.classifier.rows import Rows, check_learnable, read_rows, similar_labels
from textrnn.classifier.run import metrics_of, new_details, save_fitted, saved_in_words
from textrnn.classifier.unlabelled import read_unlabelled
from textrnn.classifier.vectors import width_from_vectors
from textrnn.nn.reservoir_options import ESN, check_reservoir
from textrnn.report.html import check_pages
from textrnn.report.html_report import write_html
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.normalize import normalize
from textrnn.text.scripts import SPACED, UNSPACED, script_of
from textrnn.text.table.table import Table, TableOptions, open_table
from textrnn.training.display import Display, duration
from textrnn.training.interrupt import certain_interrupts, polite_interrupts

REPORT_FILE = "report.html"
# The default of --time, for each fit: this much, and this much more for a million characters, at most so much.
SHORTEST_S, LONGEST_S, SECONDS_PER_MCHAR = 40.0, 600.0, {SPACED: 15.0, UNSPACED: 75.0}
MIN_FOLDS, MAX_FOLDS = 2, 20
# The options of these groups that go with echo state networks.
GROUPS = (EncoderConfig, FitConfig)
WITH_ESN = ("units", "pooling", "time_s", "level", "vocab_size", "min_count", "networks", "max_length", "random_seed")


@dataclass
class Fitter:
    """What is the same for each fit of a command.

    Attributes:
        classes: the labels.
        config: all options.
        kind: `auto`, `rnn`, `linear` or `combined`.
        balanced: whether each class counts the same.
        shares: for each fit in turn, how many seconds it has left.
        interrupted: whether to end soon, with what there is.
        display: shows what happens.
        unlabelled: further texts, normalised.
    """

    classes: list[str]
    config: ClassifierConfig
    kind: str
    balanced: bool
    display: Display
    shares: Iterator[Callable[[], float]] = field(default_factory=lambda: iter(()))
    interrupted: Callable[[], bool] = lambda: False
    unlabelled: Sequence[str] = ()

    def learn(self, rows: Rows) -> Models:
        """Fits all models to some rows; what was fitted before an interrupt counts."""
        self.display.start("learning")
        try:
            return fit_models(self._task(rows))
        finally:
            self.display.stop()

    def _task(self, rows: Rows) -> Task:
        counts = np.bincount(rows.labels, minlength=len(self.classes))
        weights = len(rows.labels) / (len(counts) * np.maximum(counts, 1)) if self.balanced else np.ones(len(counts))
        return Task(
            texts=[normalize(text, self.config.normalize) for text in rows.texts],
            labels=rows.labels,
            num_classes=len(self.classes),
            config=self.config,
            kind=self.kind,
            class_weights=weights,
            left_s=next(self.shares),
            interrupted=self.interrupted,
            say=self.display.say,
            progress=self.display.update,
            unlabelled=self.unlabelled,
        )


@dataclass(frozen=True)
class Call:
    """How training was asked for, beside the options of `ClassifierConfig`.

    Attributes:
        test: a table of the same columns to measure on; None to hold out a fifth of the rows.
        num_folds: measure by cross-validation with so many folds, from 2 to 20, and learn from all rows at the end.
        unlabelled: a file of further texts for networks to be pretrained on, see `read_unlabelled`.
        options: what is known about the tables.
        kind: `rnn`, `linear`, `combined`, or `auto` for what is best on held-out rows.
        balanced: whether each class counts the same, however many rows it has.
        run_target: where the run goes.
        predict_options: how predictions are written.
        quiet: whether to print warnings only.
        command: what the run says that it was made by.
        begin: when the command began, by `time.monotonic`.
    """

    test: str | None = None
    num_folds: int | None = None
    unlabelled: str | None = None
    options: TableOptions = field(default_factory=TableOptions)
    kind: str = "auto"
    balanced: bool = False
    run_target: RunTarget = field(default_factory=RunTarget)
    predict_options: PredictOptions = field(default_factory=PredictOptions)
    quiet: bool = True
    command: str = "textrnn.classifier.train.train"
    begin: float = field(default_factory=time.monotonic)


def train(path: str, **settings: Any) -> dict[str, Any]:
    """Trains a classifier on a table, measures it, saves it, and fills in rows without a label.

    Args:
        path: the table; `-` for standard input.
        settings: fields of `Call`, and fields of `EncoderConfig`, `FitConfig` and `NormalizeConfig`.

    Returns:
        the report that `textrnn classify --json` prints.

    Raises:
        DataError: the table cannot be used.
        ConfigError: an option is out of range.
        RunError: the run exists, is in use or cannot be written.
    """
    call = Call(**{item.name: settings.pop(item.name) for item in fields(Call) if item.name in settings})
    display, config = Display(quiet=call.quiet), ClassifierConfig.from_options(width_from_vectors(settings))
    check_pages()
    _check(call, config, settings)
    with open_table(path, call.options, needs_label=True) as table:
        rows, classes = _rows_of(table, display)
        check_learnable(rows, classes, table.name)
        output = _output(path, call.predict_options, rows, display)
        if call.predict_options.explain:
            check_explain(table.name, is_predicted=output is not None)
        plan = _plan(rows, classes, table, call, config.fit.random_seed, display)
        fitter = Fitter(classes, config, call.kind, call.balanced, display)
        fitter.unlabelled = _more_texts(call.unlabelled, rows, call.options, config, display)
        with _new_run(call, table, config, display) as (folder, run):
            fitter.shares = _shares(_time_s(plan, config, display), call.begin, plan.num_fits)
            facts = dict(table=table.describe(), rows=rows.counts, run=str(run), output=None)
            report = _fitted_and_saved(fitter, plan, new_details(config, classes, table, call.command), facts, folder)
            publish(folder, run)
        if output is not None and report["ended"] == "interrupted":
            display.warn(saved_in_words(run, path))
        elif output is not None:
            predict_options = replace(call.predict_options, output=output)
            report.update(_fill_in(table, path, run, call.options, predict_options, display))
    report["seconds"] = round(time.monotonic() - call.begin, 3)
    return report


@contextlib.contextmanager
def _new_run(call: Call, table: Table, config: ClassifierConfig, display: Display) -> Iterator[tuple[Path, Path]]:
    """Holds the name of the run; TensorFlow is loaded when nothing can be refused any more."""
    target = call.run_target
    name = target.name_for(table.name)
    with locked(target.models_dir, name):
        target.check_free(name)
        if call.kind != "linear" and config.encoder.arch != ESN:
            _start_tensorflow(display)
        with staged(target.models_dir, name) as folder:
            yield folder, target.models_dir / name


def _fitted_and_saved(
    fitter: Fitter, plan: EvaluationPlan, details: dict[str, Any], facts: Mapping[str, Any], folder: Path
) -> dict[str, Any]:
    """Fits all models, evaluates them and writes the run into a folder; the report, with the facts of the command."""

    def opened(fitted: FittedRows) -> TextClassifier:
        save_fitted(folder, details, fitted)
        return open_classifier(folder)

    begin, say = time.monotonic(), fitter.display.say
    with _interrupts(fitter.display) as interrupted:
        fitter.interrupted = interrupted
        fitted, evaluated = fit_and_evaluate(plan, fitter.learn, opened, interrupted=interrupted, say=say)
        report = {**report_on(plan, fitted, evaluated, fitter.classes), **facts}
        report["seconds"] = round(time.monotonic() - begin, 3)
        report["ended"] = "interrupted" if interrupted() else "done"
        details.update(metrics=metrics_of(report), status="interrupted" if interrupted() else "finished")
        save_fitted(folder, details, fitted)
        write_html(folder / REPORT_FILE, report, history=fitted.models.history)
    return report


def _check(call: Call, config: ClassifierConfig, settings: Mapping[str, Any]) -> None:
    """Raises ConfigError where options contradict each other."""
    _check_folds(call.num_folds, call.test)
    check_reservoir(settings, WITH_ESN, GROUPS)
    if call.unlabelled is not None and config.encoder.arch == ESN:
        raise ConfigError("--unlabelled is for networks whose weights are learnt: leave it out with --arch esn")
    if call.unlabelled is not None and call.kind == "linear":
        raise ConfigError("--unlabelled is to pretrain recurrent networks on: leave it out with --model linear")


def _check_folds(num_folds: int | None, test: str | None) -> None:
    if num_folds is None:
        return
    if test is not None:
        raise ConfigError("give --folds or --test, not both: each says which rows are measured on")
    if not MIN_FOLDS <= num_folds <= MAX_FOLDS:
        raise ConfigError(f"--folds is {num_folds}: expected from {MIN_FOLDS} to {MAX_FOLDS}")


def _rows_of(table: Table, display: Display, classes: list[str] | None = None) -> tuple[Rows, list[str]]:
    """The rows and classes of a table, and what a person should know of it on the display."""
    display.say(table.describe())
    for line in table.warnings:
        display.warn(line)
    rows, known = read_rows(table, classes)
    for warning in (table.summary(), similar_labels(known) if classes is None else None):
        if warning:
            display.warn(warning)
    return rows, known


def _more_texts(
    path: str | None, rows: Rows, options: TableOptions, config: ClassifierConfig, display: Display
) -> list[str]:
    """Texts without labels, of the table itself and of a file of such, normalised."""
    texts = rows.unlabelled
    if path is not None:
        found = read_unlabelled(path, options)
        display.say(f"{path}: {len(found):,} texts without labels")
        texts = texts + found
    return [normalize(text, config.normalize) for text in texts]


def _output(path: str, predict_options: PredictOptions, rows: Rows, display: Display) -> str | None:
    """Where the filled-in table goes, looked at before anything is learnt; None if none is wanted."""
    number = len(rows.unlabelled)
    if predict_options.output is None and not number:
        return None
    if predict_options.output is None and path == STANDARD_INPUT:
        display.warn(
            f"{number:,} row{'s' * (number != 1)} without a label: name a file for their predictions with --output"
        )
        return None
    if predict_options.output == STANDARD_INPUT:
        raise ConfigError("--output is -, where the report goes: name a file, or add --predict to use a classifier")
    return output_for(path, predict_options)


def _plan(
    rows: Rows, classes: list[str], table: Table, call: Call, random_seed: int, display: Display
) -> EvaluationPlan:
    """Which rows are learnt from, and which the models are evaluated on."""
    if call.num_folds is not None:
        return cross_validation(rows, table.name, call.num_folds, random_seed)
    if call.test is None:
        return held_out(rows, table.name, random_seed)
    with open_table(call.test, call.options.like(*table.column_names), needs_label=True) as other:
        tested, _ = _rows_of(other, display, classes)
        if not tested.texts:
            raise DataError(f"{other.name} has no row with both a text and a label: expected some to measure on")
        return EvaluationPlan([(rows, tested)], other.name)


def _start_tensorflow(display: Display) -> None:
    from textrnn.training.backend import start_tensorflow

    with certain_interrupts():
        display.say("loading TensorFlow ...")
        start_tensorflow()


def _interrupts(display: Display) -> AbstractContextManager[Callable[[], bool]]:
    tell = "stopping and saving what there is; once more Ctrl-C stops at once"
    return polite_interrupts(lambda: display.warn(tell))


def _time_s(plan: EvaluationPlan, config: ClassifierConfig, display: Display) -> float:
    """Seconds for the whole command: as given, or by the amount of text that each fit learns from."""

    def for_one(rows: Rows) -> float:
        per_mchar = SECONDS_PER_MCHAR[script_of(rows.texts)]  # about the same for a token: a word, or a character
        return min(LONGEST_S, SHORTEST_S + per_mchar * sum(map(len, rows.texts)) / 1e6)

    time_s = config.fit.time_s or sum(map(for_one, plan.learnt))
    if plan.every is not None:
        display.say(
            f"{len(plan.parts)} folds and then all rows: {plan.num_fits} fits in at most {duration(time_s)}, "
            f"{duration(time_s / plan.num_fits)} for each; --time sets the whole"
        )
    return time_s


def _shares(time_s: float, begin: float, num_fits: int) -> Iterator[Callable[[], float]]:
    """For each fit, how many seconds it has left: an equal part of what those before it have left over."""
    for number in range(num_fits):
        now = time.monotonic()
        end = now + (begin + time_s - now) / (num_fits - number)
        yield lambda end=end: end - time.monotonic()  # type: ignore[misc]


def _fill_in(
    table: Table, path: str, run: Path, options: TableOptions, predict_options: PredictOptions, display: Display
) -> dict[str, Any]:
    """Adds predictions to the table that was learnt from: `output`, and `explained` if there is such a page."""
    try:
        source = table.path if path == STANDARD_INPUT else path
        made = predict(source, open_classifier(run), options, predict_options)
        return {name: made[name] for name in ("output", "explained") if name in made}
    except BaseException:
        display.warn(saved_in_words(run, path))
        raise
