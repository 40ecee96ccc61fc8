"""Adding the predictions of a saved classifier to a table, as a stream."""

from __future__ import annotations

import os
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, DataError
from textrnn.classifier.explain_file import SHOWN_ROWS, Explaining, page_for
from textrnn.classifier.predict import OK, UNCERTAIN, Prediction, TextClassifier
from textrnn.report.layout import cut, percent, printable
from textrnn.report.metrics import evaluate
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.table.rows import Row
from textrnn.text.table.table import TableOptions, open_table
from textrnn.text.table.writer import write_predictions

MOST_UNKNOWN = 20  # labels that were not learnt, which are listed
LOOKED_AT = 10_000  # rows, to see whether there are labels


@dataclass(frozen=True)
class PredictOptions:
    """How predictions are written.

    Attributes:
        output: the file; None for the input's name with `.predicted` in it, `-` for standard output.
        overwrite: whether a file of that name may be replaced.
        min_confidence: below this probability a row's status is `uncertain`.
        explain: whether the words that mattered are added, and shown in a page beside the output.
    """

    output: str | None = None
    overwrite: bool = False
    min_confidence: float = 0.0
    explain: bool = False


def wants_training(path: str, options: TableOptions) -> bool:
    """Whether a table has labels among its first rows; standard input, which can be read only once, counts as without.

    Raises:
        DataError: the table cannot be read.
    """
    if path == STANDARD_INPUT:
        return False
    with open_table(path, options, needs_label=None) as table:
        return table.label_column is not None and any(row.label for row in islice(table.rows(), LOOKED_AT))


def predict(
    path: str,
    classifier: TextClassifier,
    options: TableOptions,
    predict_options: PredictOptions,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Adds predictions to a table, row by row, and measures them when it has labels.

    Args:
        path: the table; `-` for standard input.
        classifier: a saved one.
        options: what is known about the table.
        predict_options: how predictions are written.
        tell: told what is odd about the table, in a line.

    Returns:
        `table` (in words), `rows`, `output`, `seconds`, `run`, `test` if there were labels, `unknown_labels` with
        `unknown_label_rows` if some of them were not learnt, and `explained` (the page) if one was written.

    Raises:
        DataError, ConfigError: the table cannot be read; the output exists.
    """
    begin = time.monotonic()
    output, learnt_from = output_for(path, predict_options), classifier.details.get("table")
    if isinstance(learnt_from, dict):
        options = options.like(learnt_from.get("text_column"), learnt_from.get("label_column"))
    explaining = None
    if predict_options.explain:
        explaining = Explaining(classifier, page_for(output, overwrite=predict_options.overwrite))
    with open_table(path, options, needs_label=False) as table:
        for warning in table.warnings:
            tell(warning)
        known = {label: number for number, label in enumerate(classifier.classes)}
        labels, found = array("i"), array("f")  # of millions of rows as well
        unknown, num_unknown = dict[str, None](), 0
        num_rows, waiting = 0, deque[Row]()  # rows that are being worked

        def texts() -> Iterator[str]:
            for row in table.rows():
                waiting.append(row)
                yield row.text

        def cells() -> Iterator[list[str]]:
            nonlocal num_rows, num_unknown
            for made in (explaining or classifier).stream(texts()):
                row = waiting.popleft()
                label = row.label
                num_rows += 1
                if label in known:
                    labels.append(known[label])
                    found.extend(made.probabilities)
                elif label is not None:
                    num_unknown += 1
                    if len(unknown) < MOST_UNKNOWN:
                        unknown[label] = None
                explanation = explaining.cells(row, made) if explaining else []
                yield [*_cells(made, predict_options.min_confidence), *explanation]

        columns = [*_columns(classifier), *(explaining.columns if explaining else ())]
        write_predictions(table, columns, cells(), output)
        if not num_rows:
            raise DataError(f"{table.name} has no rows: expected texts")
        if problems := table.summary():
            tell(problems)
    result: dict[str, Any] = dict(table=table.describe(), rows=num_rows, output=output, run=str(classifier.path))
    if explaining:
        result.update(explaining.write(table.name))
    if labels:
        probabilities = np.array(found, np.float64).reshape(len(labels), -1)
        probabilities /= probabilities.sum(1, keepdims=True)
        result["test"] = evaluate(np.array(labels), probabilities, classifier.classes)
    if unknown:
        result.update(unknown_labels=list(unknown), unknown_label_rows=num_unknown)
    return {**result, "seconds": round(time.monotonic() - begin, 3)}


def summary(result: dict[str, Any]) -> str:
    """What `predict` did, in words."""
    lines = [printable(result["table"])]
    lines.append(
        f"{result['output']}: {result['rows']:,} rows, labelled by {result['run']} in {result['seconds']:.1f} s"
    )
    if test := result.get("test"):
        low, high = test["accuracy_interval"]
        lines.append(
            f"{percent(test['accuracy'])} of the {test['rows']:,} rows that have a label are right "
            f"(95 % interval: {percent(low)} to {percent(high)})"
        )
    if unknown := result.get("unknown_labels"):
        listed = ", ".join(cut(label, 30) for label in unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        number = result["unknown_label_rows"]
        lines.append(f"{number:,} {'row has' if number == 1 else 'rows have'} a label that it has not learnt: {listed}")
    if page := result.get("explained"):
        lines.append(f"{page}: the words that mattered, in the first {min(result['rows'], SHOWN_ROWS):,} rows")
    return "\n".join(lines)


def _columns(classifier: TextClassifier) -> list[str]:
    return ["predicted", "confidence", *(f"p({label})" for label in classifier.classes), "status"]


def _cells(made: Prediction, min_confidence: float) -> list[str]:
    status = UNCERTAIN if made.status == OK and made.confidence < min_confidence else made.status
    return [made.label, f"{made.confidence:.4f}", *(f"{p:.4f}" for p in made.probabilities.tolist()), status]


def output_for(path: str, predict_options: PredictOptions) -> str:
    """Where the predictions of a table go, looked at before there are any; `-` is standard output.

    Raises:
        ConfigError: something is there that has to be kept, or nothing can be written there.
    """
    if predict_options.output == STANDARD_INPUT or (predict_options.output is None and path == STANDARD_INPUT):
        return STANDARD_INPUT
    place, wanted = Path(path), predict_options.output
    output = Path(wanted) if wanted else place.with_name(f"{place.stem}.predicted{place.suffix}")
    elsewhere = "give another place with --output"
    if output.is_dir():
        raise ConfigError(f"{output} is a folder: expected a file; {elsewhere}")
    if not output.parent.is_dir():
        raise ConfigError(f"{output} cannot be written, as there is no folder {output.parent}: make it, or {elsewhere}")
    if not os.access(output.parent, os.W_OK):
        raise ConfigError(f"{output} cannot be written, as {output.parent} is protected: {elsewhere}")
    if output.exists() and place.exists() and output.samefile(place):
        raise ConfigError(f"{output} is the table itself, which is kept: {elsewhere}")
    if output.exists() and not predict_options.overwrite:
        raise ConfigError(f"{output} exists: replace it with --overwrite, or {elsewhere}")
    if predict_options.explain:
        page_for(str(output), overwrite=predict_options.overwrite)
    return str(output)
