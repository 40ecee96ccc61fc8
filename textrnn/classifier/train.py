"""`textrnn classify`: from a table of texts with labels to an evaluated classifier and a filled-in table."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError, DataError
from textrnn.base.run import locked, publish, staged
from textrnn.base.run_target import TrainingCall
from textrnn.classifier.data import Rows, check_learnable, read_rows, read_unlabelled
from textrnn.classifier.errors_file import errors_place, write_errors
from textrnn.classifier.evaluation import FittedRows, fit_and_evaluate, report_on
from textrnn.classifier.explain_file import check_explain
from textrnn.classifier.found_kind import LabelOptions
from textrnn.classifier.kinds import Classes, with_costs
from textrnn.classifier.label_kind import SOFTMAX, LabelKind
from textrnn.classifier.likeness import measure_likeness
from textrnn.classifier.models import FitRequest, Models, fit_models
from textrnn.classifier.options import ClassifierConfig, check_options
from textrnn.classifier.plan import EvaluationPlan, apart, plan_of
from textrnn.classifier.predict import TextClassifier, check_explainable, open_classifier
from textrnn.classifier.predict_file import PredictOptions, output_for, predict_table
from textrnn.classifier.run import metrics_of, new_details, save_models, saved_in_words
from textrnn.classifier.sides import NO_SIDES, SideColumns
from textrnn.classifier.splits import texts_like
from textrnn.classifier.vectors import width_from_vectors
from textrnn.classifier.warm_start import WarmStart
from textrnn.nn.reservoir_options import ESN
from textrnn.report.html import check_pages
from textrnn.report.html_report import write_html
from textrnn.report.text_report import began_in_words
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.normalize import normalize
from textrnn.text.table.table import Table, TableOptions, open_table
from textrnn.text.words import SPACED, UNSPACED, script_of
from textrnn.training.display import Display, duration
from textrnn.training.from_run import check_other
from textrnn.training.interrupt import certain_interrupts, polite_interrupts
from textrnn.training.options import check_nothing_frozen

REPORT_FILE = "report.html"
# The default of --time, for each fit: this much, and this much more for a million characters, at most so much.
SHORTEST_S, LONGEST_S, SECONDS_PER_MCHAR = 40.0, 600.0, {SPACED: 15.0, UNSPACED: 75.0}
MIN_FOLDS, MAX_FOLDS = 2, 20


@dataclass(frozen=True)
class Call(TrainingCall):
    """How training was asked for, beside the options of `ClassifierConfig`.

    Attributes:
        test: a table of the same columns to measure on; None to hold out a fifth of the rows.
        num_folds: measure by cross-validation with so many folds, from 2 to 20, and learn from all rows at the end.
        unlabelled: a file of further texts for networks to be pretrained on, see `read_unlabelled`.
        from_run: the name of a classifier or language model that the networks begin with.
        options: what is known about the tables.
        kind: `rnn`, `linear`, `combined`, or `auto` for what is best on held-out rows.
        balanced: whether each class counts the same, however many rows it has.
        predict_options: how predictions are written.
        labels: what is said of the labels.
        sides: columns that decide which rows are held out.
        num_errors: how many rows whose label is most surely wrong are written as a table of their own, if any.
        cost: what an error on a row of a class costs, by its label; of others 1.
    """

    test: str | None = None
    num_folds: int | None = None
    unlabelled: str | None = None
    from_run: str | None = None
    options: TableOptions = field(default_factory=TableOptions)
    kind: str = "auto"
    balanced: bool = False
    predict_options: PredictOptions = field(default_factory=PredictOptions)
    labels: LabelOptions = field(default_factory=LabelOptions)
    sides: SideColumns = NO_SIDES
    num_errors: int | None = None
    cost: Mapping[str, float] | None = None
    command: str = "textrnn.classify"


def train(path: str | Path, **settings: Any) -> dict[str, Any]:
    """Trains a classifier on a table, measures it, saves it, and fills in rows without a label.

    Args:
        path: the table; `-` for standard input.
        settings: fields of `Call`, and fields of the groups of `ClassifierConfig`.

    Returns:
        the report that `textrnn classify --json` prints.

    Raises:
        DataError: the table cannot be used.
        ConfigError: an option is out of range.
        RunError: the run exists, is in use or cannot be written.
    """
    check_options(settings)
    with open_table(str(path), settings.get("options"), needs_label=True) as table:
        return train_on(table, str(path), **settings)


def train_on(table: Table, path: str, **settings: Any) -> dict[str, Any]:
    """The same for a table that is open, with a column of labels."""
    call, settings = Call.split(settings)
    display = Display(quiet=call.quiet)
    start = None if call.from_run is None else WarmStart.open(call.from_run, Path(call.models_dir))
    config = ClassifierConfig.from_options(width_from_vectors(settings) if start is None else start.options(settings))
    check_pages()
    _check(call, config)
    rows, kind = _rows_of(table, call, display)
    check_learnable(rows, kind, table.name)
    kind = kind if call.cost is None else with_costs(kind, call.cost)
    _check_kind(call, config, kind)
    start = None if start is None else start.for_kind(kind)
    output = _output(path, call.predict_options, rows, display)
    errors = None if call.num_errors is None else errors_place(path, overwrite=call.overwrite)
    if call.predict_options.explain:
        check_explain(table.name, is_predicted=output is not None)
    plan = _plan(rows, kind, table, call, config, display)
    request = FitRequest(config, kind, call.kind, call.balanced, say=display.say, on_progress=display.update)
    request = replace(request, unlabelled=_unlabelled(call, rows, config, display), start=start)
    with _new_run(call, table, request, display) as (folder, run), _interrupts(display) as interrupted:
        shares = _shares(_time_s(plan, config, display), call.begin, plan.num_fits)
        fitter = Fitter(replace(request, interrupted=interrupted), shares, display)
        details = new_details(config, kind, table, call.command)
        if plan.sides:
            details["split"] = plan.sides
        if start is not None:
            details["from"], rate = start.to_json(), config.optimization.learning_rate
            display.say(f"{began_in_words(details['from'])}; the highest learning rate is {rate:g}")
        report, history = _fit_and_save(fitter, plan, details, folder, call.num_errors)
        report.update(table=table.describe(), rows=rows.counts, run=str(run), output=None)
        report["seconds"] = round(time.monotonic() - call.begin, 3)
        publish(folder, run)
    with _saved_is_told(run, path, display):
        if errors is not None:
            found = report["errors"]
            report.update(errors=str(errors), num_errors=write_errors(errors, found, table))
        write_html(run / REPORT_FILE, report, history=history)
        if output is not None and report["ended"] == "interrupted":
            display.warn(saved_in_words(run, path))
        elif output is not None:
            report.update(_fill_in(table, run, output, call.predict_options))
    report["seconds"] = round(time.monotonic() - call.begin, 3)
    return report


def _check(call: Call, config: ClassifierConfig) -> None:
    """Raises ConfigError where options contradict each other."""
    if call.from_run is None:
        check_nothing_frozen(config.optimization)
    elif call.kind == "linear" or call.unlabelled is not None:
        flag = "--model linear" if call.kind == "linear" else "--unlabelled"
        raise ConfigError(f"--from brings the weights that networks begin with: leave out {flag}")
    if call.num_folds is not None and call.test is not None:
        raise ConfigError("give --folds or --test, not both: each says which rows are measured on")
    if call.balanced and call.cost is not None:
        raise ConfigError("give --balanced or --cost, not both: each says what errors on rows of a class count")
    if call.num_errors is not None and call.num_errors < 1:
        raise ConfigError(f"--errors is {call.num_errors}: expected 1 or more rows")
    if call.sides.split is not None and (call.num_folds is not None or call.test is not None):
        flag = "--folds" if call.test is None else "--test"
        raise ConfigError(f"give {flag} or --split-column, not both: each says which rows are measured on")
    if call.num_folds is not None and not MIN_FOLDS <= call.num_folds <= MAX_FOLDS:
        raise ConfigError(f"--folds is {call.num_folds}: expected from {MIN_FOLDS} to {MAX_FOLDS}")
    if call.unlabelled is not None and config.encoder.arch == ESN:
        raise ConfigError("--unlabelled is for networks whose weights are learnt: leave it out with --arch esn")
    if call.unlabelled is not None and call.kind == "linear":
        raise ConfigError("--unlabelled is to pretrain recurrent networks on: leave it out with --model linear")


# ---------------------------------------------------------------- data


def _check_kind(call: Call, config: ClassifierConfig, kind: LabelKind) -> None:
    """Raises ConfigError where an option does not go with a kind of labels."""
    if call.balanced and not isinstance(kind, Classes):
        raise ConfigError(f"--balanced is for classes and grades: leave it out with --task {kind.task}")
    if call.num_errors is not None and not isinstance(kind, Classes):
        raise ConfigError(f"--errors is for classes and grades: leave it out with --task {kind.task}")
    if config.encoder.arch == ESN and kind.loss != SOFTMAX:
        raise ConfigError(f"--arch esn is for classes: choose another one with --task {kind.task}")
    if call.predict_options.explain:
        check_explainable(kind)


def _rows_of(table: Table, call: Call, display: Display, kind: LabelKind | None = None) -> tuple[Rows, LabelKind]:
    """The rows of a table and the kind of their labels, and what a person should know of it on the display."""
    display.say(table.describe())
    for line in table.warnings:
        display.warn(line)
    rows, found = read_rows(table, call.labels, kind, call.sides)
    for warning in [*filter(None, [table.summary()]), *rows.remarks]:
        display.warn(warning)
    return rows, found


def _unlabelled(call: Call, rows: Rows, config: ClassifierConfig, display: Display) -> list[str]:
    """Texts without labels, of the table itself and of a file of such, normalised."""
    texts = rows.unlabelled
    if call.unlabelled is not None:
        found = read_unlabelled(call.unlabelled, call.options)
        display.say(f"{call.unlabelled}: {len(found):,} texts without labels")
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
    rows: Rows, kind: LabelKind, table: Table, call: Call, config: ClassifierConfig, display: Display
) -> EvaluationPlan:
    """Which rows are learnt from, and which the models are evaluated on."""
    if call.test is None:
        seed = config.optimization.random_seed
        return plan_of(
            rows, kind, table.name, num_folds=call.num_folds, sides=call.sides, random_seed=seed, say=display.say
        )
    with open_table(call.test, call.options.like(*table.column_names), needs_label=True) as other:
        tested, _ = _rows_of(other, call, display, kind)
        if not tested.texts:
            raise DataError(f"{other.name} has no row with both a text and a label: expected some to measure on")
        if call.sides.group is None:
            return EvaluationPlan([(rows, tested)], other.name, is_one_table=False)
        learnt, words = apart(rows, tested, f"by {call.sides.group!r:.60}: no group is in both tables")
        display.say(words)
        told = dict(group_column=call.sides.group, words=words)
        return EvaluationPlan([(learnt, tested)], other.name, sides=told, is_one_table=False)


# ---------------------------------------------------------------- time


def _time_s(plan: EvaluationPlan, config: ClassifierConfig, display: Display) -> float:
    """Seconds for the whole command: as given, or by the amount of text that each fit learns from."""

    def for_one(rows: Rows) -> float:
        per_mchar = SECONDS_PER_MCHAR[script_of(rows.texts)]  # about the same for a token: a word, or a character
        return min(LONGEST_S, SHORTEST_S + per_mchar * sum(map(len, rows.texts)) / 1e6)

    time_s = config.stop.time_s or sum(map(for_one, plan.learnt))
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


# ---------------------------------------------------------------- fitting and the run


@contextlib.contextmanager
def _new_run(call: Call, table: Table, request: FitRequest, display: Display) -> Iterator[tuple[Path, Path]]:
    """A folder to write, and the path of the run that it becomes; TensorFlow is loaded once nothing can be refused."""
    target = call.run_target
    name = target.name_for(table.name)
    with locked(target.models_dir, name):
        path = target.check_free(name)
        if request.start is not None:
            check_other(request.start.path, path)
        if call.kind != "linear" and request.config.encoder.arch != ESN:
            from textrnn.training.backend import start_tensorflow

            with certain_interrupts():
                display.say("loading TensorFlow ...")
                start_tensorflow()
        with staged(target.models_dir, name) as folder:
            yield folder, path


@dataclass
class Fitter:
    """Fits all models to one set of rows after another.

    Attributes:
        request: what is the same for each fit.
        shares: for each fit in turn, how many seconds it has left.
        display: shows what happens.
    """

    request: FitRequest
    shares: Iterator[Callable[[], float]]
    display: Display

    def fit(self, rows: Rows) -> Models:
        """Fits all models to some rows; what was fitted before an interrupt counts."""
        texts = texts_like(rows.texts, (normalize(text, self.request.config.normalize) for text in rows.texts))
        self.display.start("learning")
        try:
            return fit_models(replace(self.request, texts=texts, labels=rows.labels, left_s=next(self.shares)))
        finally:
            self.display.stop()


def _fit_and_save(
    fitter: Fitter, plan: EvaluationPlan, details: dict[str, Any], folder: Path, num_errors: int | None
) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """Fits all models, evaluates them and writes them into a folder; the report, and the history of the networks."""

    def opened(fitted: FittedRows) -> TextClassifier:
        save_models(folder, details, fitted.models, kind, fitted.rows.labels)
        return open_classifier(folder)

    interrupted, kind = fitter.request.interrupted, fitter.request.label_kind
    fitted, evaluated = fit_and_evaluate(plan, fitter.fit, opened, interrupted=interrupted, say=fitter.request.say)
    report = report_on(plan, fitted, evaluated, kind, fitter.request.kind, num_errors)
    if "from" in details:
        report["from"] = details["from"]
    report["ended"] = "interrupted" if interrupted() else "done"
    details.update(metrics=metrics_of(report), status="interrupted" if interrupted() else "finished")
    held = [(learnt.texts, tested.texts) for learnt, tested in plan.parts]
    likeness = measure_likeness(held, fitted.rows.texts)
    save_models(folder, details, fitted.models, kind, fitted.rows.labels, likeness)
    return report, fitted.models.history


def _interrupts(display: Display) -> AbstractContextManager[Callable[[], bool]]:
    return polite_interrupts(lambda: display.warn("stopping and saving what there is; once more Ctrl-C stops at once"))


@contextlib.contextmanager
def _saved_is_told(run: Path, path: str, display: Display) -> Iterator[None]:
    """What fails within the block comes after the classifier is saved, which a person is then told."""
    try:
        yield
    except BaseException:
        display.warn(saved_in_words(run, path))
        raise


def _fill_in(table: Table, run: Path, output: str, predict_options: PredictOptions) -> dict[str, Any]:
    """Adds predictions to the table that was learnt from: of what `predict_table` returns what the report has."""
    made = predict_table(table, open_classifier(run), output, predict_options)
    return {name: made[name] for name in ("output", "column", "filled", "explained") if name in made}
