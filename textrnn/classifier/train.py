"""`textrnn classify`: from a table of texts with labels to an evaluated classifier and a filled-in table."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textrnn.base.errors import ConfigError, DataError
from textrnn.base.run import locked, publish, staged
from textrnn.classifier.call import Call, check_call, check_kind
from textrnn.classifier.data import Rows, check_learnable, read_rows, read_unlabelled
from textrnn.classifier.errors_file import errors_place, write_errors
from textrnn.classifier.evaluation import FittedRows, fit_and_evaluate, report_on
from textrnn.classifier.explain_file import check_explain
from textrnn.classifier.kinds import with_costs
from textrnn.classifier.label_kind import LabelKind
from textrnn.classifier.likeness import measure_likeness
from textrnn.classifier.models import FitRequest, Models, fit_models
from textrnn.classifier.options import ClassifierConfig, check_options
from textrnn.classifier.plan import EvaluationPlan, apart, plan_of
from textrnn.classifier.predict import TextClassifier, open_classifier
from textrnn.classifier.predict_file import PredictOptions, output_for, predict_table
from textrnn.classifier.run import metrics_of, new_details, save_models, saved_in_words
from textrnn.classifier.sides import NO_SIDES
from textrnn.classifier.splits import texts_like
from textrnn.classifier.vectors import width_from_vectors
from textrnn.classifier.warm_start import WarmStart
from textrnn.nn.reservoir_options import ESN
from textrnn.report.html import check_pages
from textrnn.report.html_report import write_html
from textrnn.report.text_report import began_in_words
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.normalize import normalize
from textrnn.text.table.joined import JoinedTable, open_tables
from textrnn.text.table.table import Table, TableOptions, open_table
from textrnn.text.words import SPACED, UNSPACED, script_of
from textrnn.training.display import Display, duration
from textrnn.training.from_run import check_other
from textrnn.training.interrupt import certain_interrupts, polite_interrupts

REPORT_FILE = "report.html"
# The default of --time, for each fit: this much, and this much more for a million characters, at most so much.
SHORTEST_S, LONGEST_S, SECONDS_PER_MCHAR = 40.0, 600.0, {SPACED: 15.0, UNSPACED: 75.0}


def train(path: str | Path | Sequence[str | Path], **settings: Any) -> dict[str, Any]:
    """Trains a classifier on a table, measures it, saves it, and fills in rows without a label.

    Args:
        path: the table, or several of the same columns; `-` for standard input.
        settings: fields of `Call`, and fields of the groups of `ClassifierConfig`.

    Returns:
        the report that `textrnn classify --json` prints.

    Raises:
        DataError: the table cannot be used.
        ConfigError: an option is out of range.
        RunError: the run exists, is in use or cannot be written.
    """
    check_options(settings)
    options, sides = settings.get("options") or TableOptions(), settings.get("sides", NO_SIDES)
    settings["options"] = replace(options, side_columns=sides.flagged)
    paths = [str(path)] if isinstance(path, str | Path) else [*map(str, path)]
    with open_tables(paths, settings["options"], needs_label=True) as table:
        return train_on(table, paths, **settings)


def train_on(table: Table, path: Sequence[str], **settings: Any) -> dict[str, Any]:
    """The same for a table that is open, with a column of labels."""
    call, settings = Call.split(settings)
    display = Display(quiet=call.quiet)
    start = None if call.from_run is None else WarmStart.open(call.from_run, Path(call.models_dir))
    config = ClassifierConfig.from_options(width_from_vectors(settings) if start is None else start.options(settings))
    check_pages()
    check_call(call, config)
    call.run_target.name_for(table.first_name, display.say)
    rows, kind = _rows_of(table, call, display)
    check_learnable(rows, kind, table.name)
    kind = kind if call.cost is None else with_costs(kind, call.cost)
    check_kind(call, config, kind)
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
        columns = dict(zip(("text_column", "label_column"), table.column_names, strict=True))
        details = new_details(config, kind, {"name": table.name, **columns}, call.command)
        if plan.sides:
            details["split"] = plan.sides
        if start is not None:
            details["from"], rate = start.to_json(), config.optimization.learning_rate
            display.say(f"{began_in_words(details['from'])}; the highest learning rate is {rate:g}")
        report, history = _fit_and_save(fitter, plan, details, folder, call.num_errors)
        report.update(table=table.describe(), rows=rows.counts, run=str(run), output=None)
        if isinstance(table, JoinedTable):
            report["files"] = table.counts()
            table.locate(report.get("findings", {}), but="surest_wrong" if call.test else None)
        report["seconds"] = round(time.monotonic() - call.begin, 3)
        publish(folder, run)
    with _saved_is_told(run, path, display):
        if errors is not None:
            found = report["errors"]
            report.update(errors=str(errors), num_errors=write_errors(errors, found, table, kind.task))
        write_html(run / REPORT_FILE, report, history=history)
        if output is not None and report["ended"] == "interrupted":
            display.warn(saved_in_words(run, path))
        elif output is not None:
            report.update(_fill_in(table, run, output, call.predict_options))
    report["seconds"] = round(time.monotonic() - call.begin, 3)
    return report


# ---------------------------------------------------------------- data


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


def _output(
    path: Sequence[str], predict_options: PredictOptions, rows: Rows, display: Display
) -> str | list[str] | None:
    """Where the filled-in table goes, looked at before anything is learnt; None if none is wanted."""
    number = len(rows.unlabelled)
    if predict_options.output is None and not number:
        return None
    if predict_options.output is None and path == [STANDARD_INPUT]:
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
            rows,
            kind,
            table.name,
            num_folds=call.num_folds,
            sides=call.sides.named(table),
            random_seed=seed,
            say=display.say,
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

    time_s = config.stop.time_s or sum(usual_time_s(rows.texts) for rows in plan.learnt)
    if plan.every is not None:
        display.say(
            f"{len(plan.parts)} folds and then all rows: {plan.num_fits} fits in at most {duration(time_s)}, "
            f"{duration(time_s / plan.num_fits)} for each; --time sets the whole"
        )
    return time_s


def usual_time_s(texts: Sequence[str]) -> float:
    """Seconds for one fit, if nothing is said of them."""
    per_mchar = SECONDS_PER_MCHAR[script_of(texts)]  # about the same for a token: a word, or a character
    return min(LONGEST_S, SHORTEST_S + per_mchar * sum(map(len, texts)) / 1e6)


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
    name = target.name_for(table.first_name)
    with locked(target.models_dir, name):
        path = target.check_free(name)
        if request.start is not None:
            check_other(request.start.path, path)
        start_networks(request, display)
        with staged(target.models_dir, name) as folder:
            yield folder, path


def start_networks(request: FitRequest, display: Display) -> None:
    """Loads TensorFlow if something has to be learnt by gradients."""
    if request.kind != "linear" and request.config.encoder.arch != ESN:
        from textrnn.training.backend import start_tensorflow

        with certain_interrupts():
            display.say("loading TensorFlow ...")
            start_tensorflow()


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
def _saved_is_told(run: Path, path: Sequence[str], display: Display) -> Iterator[None]:
    """What fails within the block comes after the classifier is saved, which a person is then told."""
    try:
        yield
    except BaseException:
        display.warn(saved_in_words(run, path))
        raise


def _fill_in(table: Table, run: Path, output: str | list[str], predict_options: PredictOptions) -> dict[str, Any]:
    """Adds predictions to the table that was learnt from: of what `predict_table` returns what the report has."""
    made = predict_table(table, open_classifier(run), output, predict_options)
    return {name: made[name] for name in ("output", "column", "filled", "explained") if name in made}
