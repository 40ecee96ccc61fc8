"""`report.html`: the report as one page that needs nothing else, is never active, and prints well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from textrnn.base.files import write_atomically
from textrnn.report.charts import LOSSES, accuracy_chart, learning_chart, reliability_chart
from textrnn.report.comparison import folds_in_words, folds_table
from textrnn.report.differences import is_worth_saying, name_of
from textrnn.report.html import render
from textrnn.report.layout import percent
from textrnn.report.text_report import (
    conflicts_in_words,
    cost_in_words,
    counts_in_words,
    frequent_confusions,
    label_scores,
    labels_in_words,
    models_table,
    places_in_words,
    repeats_in_words,
    result_in_words,
    sure_in_words,
    suspects_in_words,
)

# Labels are the heads of the columns of a small confusion matrix, numbers those of a larger one. A matrix of more
# classes than the last limit cannot be read, and only the most frequent confusions are listed.
WITH_LABELS, LARGEST_MATRIX = 8, 40
# From which share of the rows of a class on a cell has the next stronger colour.
RIGHT_STEPS, WRONG_STEPS = (0.5, 0.7, 0.85, 0.95), (0.02, 0.05, 0.1, 0.25)
PARTS = ("rows", "test", "models", "comparisons", "folds", "findings")


def write_html(path: Path, report: Mapping[str, Any], *, history: Sequence[Mapping[str, Any]] = ()) -> None:
    """Writes `report.html` in one step: an old one stays whole until the new one is complete.

    Args:
        path: where to.
        report: see `format_html`.
        history: see `learning_chart`.
    """
    write_atomically(path, format_html(report, history=history).encode())


def format_html(report: Mapping[str, Any], *, history: Sequence[Mapping[str, Any]] = ()) -> str:
    """The report as one HTML page: no script, no request to anywhere, light or dark as the reader prefers.

    Args:
        report: what `--json` prints, see `textrnn.report.text_report.format_report`.
        history: epochs of the networks for the learning curve, see `learning_chart`.

    Returns:
        the page, to be written as UTF-8.

    Example:
        >>> page = format_html({"table": "<b>.csv: 3 rows"})
        >>> "&lt;b&gt;.csv: 3 rows" in page, "<b>" in page
        (True, False)
    """
    table, chosen = report.get("table", ""), report.get("chosen", "")
    parts: dict[str, Any] = {name: report.get(name) or {} for name in PARTS}
    test, models, folds = parts["test"], parts["models"], parts["folds"]
    return render(
        "report.html",
        **parts,
        table=table,
        chosen=chosen,
        choice=report.get("choice"),
        split=(report.get("split") or {}).get("words", ""),
        judged_on=report.get("judged_on", ""),
        seconds=report.get("seconds"),
        title=f"Report on {table.partition(':')[0]}" if table else "Report on a classifier",
        counts=counts_in_words(parts["rows"]),
        chosen_name=name_of(chosen) if chosen else "",
        sentences=[found["words"] for found in parts["comparisons"] if is_worth_saying(found)],
        models_table=models_table(models) if models else [],
        result=_result(test),
        accuracy=accuracy_chart(models, chosen) if "accuracy" in test and models else None,
        folds_words=folds_in_words(folds) if folds else "",
        folds_table=folds_table(folds) if folds else [],
        cost_words=cost_in_words(test["cost"]) if "cost" in test else "",
        matrix=_matrix(test),
        with_labels=WITH_LABELS,
        confusions=_confusions(test),
        reliability=reliability_chart(test["reliability"]) if test.get("reliability") else None,
        learning=learning_chart(history, LOSSES[report.get("task", "classes")]),
        scores=label_scores(test),
        labels_in_words=labels_in_words,
        places_in_words=places_in_words,
        conflicts_in_words=conflicts_in_words,
        repeats_in_words=repeats_in_words,
        sure_in_words=sure_in_words,
        suspects_in_words=suspects_in_words,
    )


def _result(test: Mapping[str, Any]) -> list[str]:
    """How good it is, in sentences, beside the share of rows that are right."""
    sentences = result_in_words(test, f"{test['rows']:,} rows") if test else []
    return sentences if "accuracy" not in test else sentences[-1:] if "mae" in test else []


def _confusions(test: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """The most frequent confusions, when the matrix has no labels above its columns."""
    labels = [one["label"] for one in test.get("per_class", ())]
    return frequent_confusions(test["confusion"], labels) if len(labels) > WITH_LABELS else []


def _matrix(test: Mapping[str, Any]) -> list[tuple[str, list[tuple[int, str, str]]]]:
    """The confusion matrix: the label of each row, and count, colour and words of each cell."""
    labels = [one["label"] for one in test.get("per_class", ())]
    if not test.get("confusion") or len(labels) > LARGEST_MATRIX:
        return []
    rows = []
    for true, counts in enumerate(test["confusion"]):
        support, cells = sum(counts), []
        for other, count in enumerate(counts):
            name, steps = ("right", RIGHT_STEPS) if true == other else ("wrong", WRONG_STEPS)
            share = count / support if support else 0.0
            title = f"{labels[true]} → {labels[other]}: {count:,} of {support:,} rows ({percent(share)})"
            cells.append((count, f"{name}{sum(share >= limit for limit in steps)}", title))
        rows.append((labels[true], cells))
    return rows
