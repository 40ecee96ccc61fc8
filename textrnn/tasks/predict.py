"""Adding the predictions of a saved classifier to a table, as a stream."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.errors import ConfigError, DataError
from textrnn.judging.layout import percent
from textrnn.judging.metrics import evaluate
from textrnn.runtime.classifier import OK, UNCERTAIN, Prediction, TextClassifier
from textrnn.tasks.explaining import SHOWN_ROWS, Explaining, page_for
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.table import TableOptions, open_table
from textrnn.text.table_rows import Row
from textrnn.text.table_writer import write_predictions

LOOKED_AT = 10_000  # rows, to see whether there are labels


@dataclass(frozen=True)
class Using:
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


def predict(path: str, classifier: TextClassifier, options: TableOptions, using: Using) -> dict[str, Any]:
    """Adds predictions to a table, row by row, and measures them when it has labels.

    Returns:
        `rows`, `output`, `seconds`, `run`, `test` if there were labels, and `explained` (the page) if one was written.

    Raises:
        DataError, ConfigError: the table cannot be read; the output exists.
    """
    begin = time.monotonic()
    output = output_for(path, using)
    explaining = Explaining(classifier, page_for(output, overwrite=using.overwrite)) if using.explain else None
    with open_table(path, options, needs_label=False) as table:
        known = {label: number for number, label in enumerate(classifier.classes)}
        labels, found = list[int](), list[np.ndarray]()
        num_rows, waiting = 0, deque[Row]()  # rows that are being worked

        def texts() -> Iterator[str]:
            for row in table.rows():
                waiting.append(row)
                yield row.text

        def cells() -> Iterator[list[str]]:
            nonlocal num_rows
            for made in (explaining or classifier).stream(texts()):
                row = waiting.popleft()
                label = row.label
                num_rows += 1
                if label in known:
                    labels.append(known[label])
                    found.append(made.probabilities.astype(np.float32))
                explanation = explaining.cells(row, made) if explaining else []
                yield [*_cells(made, using.min_confidence), *explanation]

        columns = [*_columns(classifier), *(explaining.columns if explaining else ())]
        write_predictions(table, columns, cells(), output)
        if not num_rows:
            raise DataError(f"{table.name} has no rows: expected texts")
    result: dict[str, Any] = dict(rows=num_rows, output=output, run=str(classifier.path))
    if explaining:
        result.update(explaining.write(table.name))
    if labels:
        probabilities = np.asarray(found, np.float64)
        probabilities /= probabilities.sum(1, keepdims=True)
        result["test"] = evaluate(np.array(labels), probabilities, classifier.classes)
    return {**result, "seconds": round(time.monotonic() - begin, 3)}


def summary(result: dict[str, Any]) -> str:
    """What `predict` did, in words."""
    lines = [f"{result['output']}: {result['rows']:,} rows, labelled by {result['run']} in {result['seconds']:.1f} s"]
    if test := result.get("test"):
        low, high = test["accuracy_interval"]
        lines.append(
            f"{percent(test['accuracy'])} of the {test['rows']:,} rows that have a label are right "
            f"(95 % interval: {percent(low)} to {percent(high)})"
        )
    if page := result.get("explained"):
        lines.append(f"{page}: the words that mattered, in the first {min(result['rows'], SHOWN_ROWS):,} rows")
    return "\n".join(lines)


def _columns(classifier: TextClassifier) -> list[str]:
    return ["predicted", "confidence", *(f"p({label})" for label in classifier.classes), "status"]


def _cells(made: Prediction, min_confidence: float) -> list[str]:
    status = UNCERTAIN if made.status == OK and made.confidence < min_confidence else made.status
    return [made.label, f"{made.confidence:.4f}", *(f"{p:.4f}" for p in made.probabilities), status]


def output_for(path: str, using: Using) -> str:
    """Where the predictions of a table go, looked at before there are any; `-` is standard output.

    Raises:
        ConfigError: something is there that has to be kept.
    """
    if using.output == STANDARD_INPUT or (using.output is None and path == STANDARD_INPUT):
        return STANDARD_INPUT
    place = Path(path)
    output = Path(using.output) if using.output else place.with_name(f"{place.stem}.predicted{place.suffix}")
    if output.exists() and not using.overwrite:
        raise ConfigError(f"{output} exists: replace it with --overwrite, or give another place with --output")
    if using.explain:
        page_for(str(output), overwrite=using.overwrite)
    return str(output)
