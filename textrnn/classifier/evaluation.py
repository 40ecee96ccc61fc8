"""Evaluation: what models predict of rows that they have not learnt from, and the report on that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from textrnn.classifier.data import Rows
from textrnn.classifier.findings import duplicates, surest_wrong, suspected_labels
from textrnn.classifier.kinds import Classes
from textrnn.classifier.label_kind import SEVERAL, SOFTMAX, LabelKind
from textrnn.classifier.models import Models
from textrnn.classifier.plan import EvaluationPlan
from textrnn.classifier.predict import CHUNK, TextClassifier
from textrnn.report.calibration import apply_temperature
from textrnn.report.comparison import Judged, compare_models, over_folds
from textrnn.report.differences import AUTO, choice_in_words, name_of
from textrnn.report.metrics import SMALLEST, log_loss


class FittedRows(NamedTuple):
    """Rows, and the models that have learnt from them."""

    rows: Rows
    models: Models


@dataclass(frozen=True)
class Evaluated:
    """Predictions for rows, by models that have not learnt from them.

    Attributes:
        rows: the rows.
        predictions: float64[rows, width] of each model by its name.
        used: float64[rows, width] of the chosen model: with folds, of the one that was chosen in the row's fold.
        decisions: float64[rows, any] of each model, what its prediction of the row is decided by.
        used_decisions: float64[rows, any] of what is used.
        choices: the chosen model of each fold.
        fold_of: int64[rows], the number of the fold each row was held out in.
        truncated: rows that were too long to be read whole.
    """

    rows: Rows
    predictions: dict[str, np.ndarray]
    used: np.ndarray
    decisions: dict[str, np.ndarray]
    used_decisions: np.ndarray
    choices: list[str]
    fold_of: np.ndarray
    truncated: int


def fit_and_evaluate(
    plan: EvaluationPlan,
    learn: Callable[[Rows], Models],
    opened: Callable[[FittedRows], TextClassifier],
    *,
    interrupted: Callable[[], bool],
    say: Callable[[str], None],
) -> tuple[FittedRows, Evaluated]:
    """Fits and evaluates part by part. A fit that was interrupted is dropped, unless it is the first one.

    Args:
        plan: the rows of each part.
        learn: fits all models to some rows.
        opened: makes a classifier of them.
        interrupted: whether to end soon, with what there is.
        say: is called with a line about what happens.

    Returns:
        the models that are used from now on, and the predictions for the rows that were held out.
    """
    kept: FittedRows | None = None
    evaluated = list[Evaluated]()
    for number, (rows, held) in enumerate(plan.parts, 1):
        if len(plan.parts) > 1:
            say(f"fold {number} of {len(plan.parts)}:")
        fitted = FittedRows(rows, learn(rows))
        if kept is None or not interrupted():
            kept = fitted
            evaluated.append(evaluate_rows(opened(fitted), held))
        if interrupted():
            break
    if plan.every is not None and not interrupted():
        say("all rows:")
        fitted = FittedRows(plan.every, learn(plan.every))
        kept = kept if interrupted() else fitted
    return kept, joined(evaluated)  # type: ignore[return-value]  # there is always a first part


def evaluate_rows(classifier: TextClassifier, rows: Rows) -> Evaluated:
    """Predicts rows with all models of a classifier, some rows at a time."""
    parts, truncated = list[dict[str, np.ndarray]](), 0
    for begin in range(0, len(rows.texts), CHUNK):
        found, is_cut = classifier.all_predictions(rows.texts[begin : begin + CHUNK], every=True)
        parts.append(found)
        truncated += int(is_cut.sum())
    predictions = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    decisions = {name: np.tile(classifier.decision_of(name), (len(rows.texts), 1)) for name in predictions}
    one_fold, chosen = np.zeros(len(rows.texts), np.int64), classifier.chosen
    return Evaluated(
        rows, predictions, predictions[chosen], decisions, decisions[chosen], [chosen], one_fold, truncated
    )


def joined(parts: list[Evaluated]) -> Evaluated:
    """The rows of all folds together, in the order of the table."""
    if len(parts) == 1:
        return parts[0]
    numbers = np.concatenate([part.rows.numbers for part in parts])
    order = np.argsort(numbers, kind="stable")
    texts = [text for part in parts for text in part.rows.texts]

    def ordered(arrays: Iterable[np.ndarray]) -> np.ndarray:
        return np.concatenate(list(arrays))[order]

    rows = Rows([texts[row] for row in order], ordered(part.rows.labels for part in parts), numbers[order])
    if all(part.rows.lines is not None for part in parts):
        rows.lines = ordered(part.rows.lines for part in parts if part.rows.lines is not None)
    names = [name for name in parts[0].predictions if all(name in part.predictions for part in parts)]
    return Evaluated(
        rows,
        {name: ordered(part.predictions[name] for part in parts) for name in names},
        ordered(part.used for part in parts),
        {name: ordered(part.decisions[name] for part in parts) for name in names},
        ordered(part.used_decisions for part in parts),
        [choice for part in parts for choice in part.choices],
        ordered(part.fold_of + number for number, part in enumerate(parts)),
        sum(part.truncated for part in parts),
    )


def report_on(
    plan: EvaluationPlan,
    fitted: FittedRows,
    evaluated: Evaluated,
    kind: LabelKind,
    wanted: str = AUTO,
    num_errors: int | None = None,
) -> dict[str, Any]:
    """Metrics of all models on rows that they have not learnt from, and rows that deserve a look.

    Args:
        plan: how rows were held out.
        fitted: the models that are used from now on.
        evaluated: predictions for the rows held out, by these models or, with folds, by others that were fitted alike.
        kind: of the labels.
        wanted: the model that was asked for.
        num_errors: how many of the labels that are most surely wrong are to be listed as `errors`, if any.
    """
    choice, rows, learnt = fitted.models.choice, evaluated.rows, plan.every or fitted.rows
    models = {name: Judged(own, evaluated.decisions[name]) for name, own in evaluated.predictions.items()}
    report = compare_models(kind, rows.labels, models, chosen=choice.chosen, learnt_labels=learnt.labels)
    report["task"] = kind.task
    if plan.every is None:
        for name, temperature in choice.temperatures.items():
            if kind.loss == SOFTMAX:
                report["models"][name]["raw_log_loss"] = _raw_log_loss(
                    rows.labels, evaluated.predictions[name], temperature
                )
    else:
        report["folds"] = over_folds(kind, rows.labels, models, evaluated.fold_of)
        report["folds"]["chosen"] = evaluated.choices
        report["test"] = kind.evaluate(rows.labels, evaluated.used, evaluated.used_decisions)
        if words := _other_choices(choice.chosen, evaluated.choices):
            report["folds"]["words"] = words
    judged, said, decisions = _judged_rows(plan, fitted, evaluated)
    report["findings"] = dict(suspected_labels=suspected_labels(judged, said, kind, decisions))
    if isinstance(kind, Classes):
        report["findings"].update(
            surest_wrong=surest_wrong(rows, evaluated.used, kind), duplicates=duplicates(learnt, kind.names)
        )
    if num_errors is not None:
        report["errors"] = suspected_labels(judged, said, kind, decisions, limit=num_errors, chars=None)
    is_share = kind.counts_errors or kind.task == SEVERAL
    report["held_out"] = {name: 1 - loss if is_share else loss for name, loss in choice.losses.items()}
    measured = {name: (loss, choice.nats[name]) for name, loss in choice.losses.items()}
    report["choice"] = choice_in_words(
        choice.chosen, wanted, measured, len(choice.rows), kind.in_words, by_nats=kind.loss == SOFTMAX
    )
    if plan.sides:
        report["split"] = plan.sides
    report["judged_on"] = plan.in_words(len(evaluated.choices))
    report["truncated"] = evaluated.truncated
    return report


def _judged_rows(plan: EvaluationPlan, fitted: FittedRows, evaluated: Evaluated) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Rows of the table that was learnt from, what models that had not learnt from them say of each, and decisions."""
    if plan.every is not None:
        return evaluated.rows, evaluated.used, evaluated.used_decisions
    choice = fitted.models.choice
    rows, said = fitted.rows.some(choice.rows), choice.predictions[choice.chosen]
    decisions = np.tile(choice.decisions[choice.chosen], (len(said), 1))
    if not plan.is_one_table:
        return rows, said, decisions
    held = evaluated.rows
    both = Rows(
        [*rows.texts, *held.texts],
        np.concatenate([rows.labels, held.labels]),
        np.concatenate([rows.numbers, held.numbers]),
    )
    if rows.lines is not None and held.lines is not None:
        both.lines = np.concatenate([rows.lines, held.lines])
    return both, np.concatenate([said, evaluated.used]), np.concatenate([decisions, evaluated.used_decisions])


def _raw_log_loss(labels: np.ndarray, calibrated: np.ndarray, temperature: float) -> float:
    """The log-loss without calibration: logarithms of calibrated probabilities are logits, divided by temperature."""
    logits = np.log(np.clip(calibrated, SMALLEST, None))
    return log_loss(labels, apply_temperature(logits, 1 / temperature))


def _other_choices(chosen: str, choices: list[str]) -> str | None:
    """A line on the folds that have chosen another model than the one that is used; None if there are none."""
    others = {name: choices.count(name) for name in choices if name != chosen}
    if not others:
        return None
    listed = " and ".join(f"{count} of {len(choices)} chose {name_of(name)}" for name, count in others.items())
    return f"Each fold chose for itself, and {listed}: the result is of what each chose."
