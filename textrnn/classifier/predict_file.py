"""Adding the predictions of a saved classifier to a table, as a stream."""

from __future__ import annotations

import os
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, DataError
from textrnn.classifier.explain_file import SHOWN_ROWS, Explaining, page_for
from textrnn.classifier.found_kind import encoder_of, labels_of
from textrnn.classifier.kinds import Several
from textrnn.classifier.labels import is_unlabelled, known_label
from textrnn.classifier.likeness import Watch
from textrnn.classifier.predict import EMPTY, OK, UNCERTAIN, Prediction, TextClassifier
from textrnn.report.layout import cut, printable
from textrnn.report.text_report import result_in_words
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.table.cell_values import as_number
from textrnn.text.table.forms import Cell, default_output, holds_lists, keeps_all_rows
from textrnn.text.table.joined import JoinedTable, open_tables
from textrnn.text.table.label_lists import parts_of
from textrnn.text.table.own_form import with_label
from textrnn.text.table.records import AND, Record
from textrnn.text.table.rows import Table
from textrnn.text.table.table import TableOptions
from textrnn.text.table.tally import Row
from textrnn.text.table.writer import write_joined, write_predictions

MOST_UNKNOWN = 20  # labels that were not learnt, which are listed


@dataclass(frozen=True)
class PredictOptions:
    """How predictions are written.

    Attributes:
        output: the file; None for the input's name with `.predicted` in it, `-` for standard output.
        overwrite: whether a file of that name may be replaced.
        min_confidence: below this probability a row's status is `uncertain`.
        explain: whether the words that mattered are added, and shown in a page beside the output.
        fill: whether rows without a label get the predicted one in their column of labels too.
        only_missing: whether only rows without a label are written.
    """

    output: str | None = None
    overwrite: bool = False
    min_confidence: float = 0.0
    explain: bool = False
    fill: bool = False
    only_missing: bool = False


def predict(
    path: str | Sequence[str],
    classifier: TextClassifier,
    options: TableOptions,
    predict_options: PredictOptions,
    warn: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Adds predictions to a table, row by row, and measures them when it has labels.

    Args:
        path: the table, or several of the same columns; `-` for standard input.
        classifier: a saved one.
        options: what is known about the table.
        predict_options: how predictions are written.
        warn: is called with a line about what is odd about the table.

    Returns:
        see `predict_table`.

    Raises:
        DataError, ConfigError: the table cannot be read; the output exists.
    """
    output, learnt_from = output_for(path, predict_options), classifier.details.get("table")
    if isinstance(learnt_from, dict):
        options = options.like(learnt_from.get("text_column"), learnt_from.get("label_column"))
    with open_tables([path] if isinstance(path, str) else path, options, needs_label=False) as table:
        for warning in table.warnings:
            warn(warning)
        return predict_table(table, classifier, output, predict_options, warn)


def predict_table(
    table: Table,
    classifier: TextClassifier,
    output: str | list[str],
    predict_options: PredictOptions,
    warn: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Writes an open table with predictions, row by row, and measures them when it has labels.

    Args:
        table: read once.
        classifier: a saved one.
        output: the file to write, `-` for standard output; for several tables one for each.
        predict_options: how predictions are written.
        warn: is called with a line about rows that are odd.

    Returns:
        `table` (in words), `rows`, `output`, `column` (the name of the one with the predicted labels), `seconds`,
        `run`, `test` if there were labels, `unknown_labels` with `unknown_label_rows` if some of them were not learnt,
        `unlike` (in words) if texts are unlike those it learnt from, `filled` (rows that got a label) with `fill`, and
        `explained` (the page) if one was written. Of several tables `files` has `file`, `rows` and, if each is written
        alone, `output` of each; then `output` lists them all.

    Raises:
        DataError: there are no rows, or the table cannot be written.
        ConfigError: the page of explanations exists, or labels are to be filled in where there is no column of them.
    """
    if predict_options.fill and table.label_column is None:
        raise ConfigError(
            f"--fill puts labels into their column, and {table.name} has none: name it with --label-column"
        )
    places = [(table, output)] if isinstance(output, str) else zip(getattr(table, "members", ()), output, strict=True)
    if predict_options.only_missing and any(keeps_all_rows(one, place) for one, place in places):
        raise ConfigError(
            f"--only-missing leaves rows out, on which formulas of {table.name} may depend: write another form, such "
            "as -o rest.csv"
        )
    begin, explaining = time.monotonic(), None
    if predict_options.explain and isinstance(output, str):
        explaining = Explaining(classifier, page_for(output, overwrite=predict_options.overwrite), warn)
    predictions = _Predictions(classifier, explaining, predict_options)
    name, files = _write(table, predictions, output)
    if not predictions.num_rows:
        raise DataError(f"{table.name} has no rows: expected texts")
    for problems in (table.summary(), unlike := predictions.watch.remark(), predictions.watch.learnt_line()):
        if problems:
            warn(problems)
    result = dict(table=table.describe(), rows=predictions.num_rows, output=output, run=str(classifier.path))
    result.update(column=name, **({"files": files} if files else {}))
    if unlike:
        result["unlike"] = unlike
    if explaining:
        result.update(explaining.write(table.name))
    if predict_options.fill:
        result["filled"] = predictions.num_filled
    return {**result, **predictions.measured(), "seconds": round(time.monotonic() - begin, 3)}


def _write(table: Table, predictions: _Predictions, output: str | list[str]) -> tuple[str, list[dict[str, Any]]]:
    """Writes a table, or several; the name of the column of predictions, and what was done for each of several."""

    def write_alone(one: Table, place: str) -> str:
        predictions.as_lists = one.has_lists and holds_lists(one, place)
        predictions.as_numbers = one.has_numbers_as_labels
        cells = predictions.cells(one)
        return write_predictions(one, predictions.columns, cells, place, edit=partial(predictions.edited, one))[0]

    if not isinstance(table, JoinedTable):
        return write_alone(table, str(output)), []
    if isinstance(output, str):
        predictions.as_numbers = all(member.has_numbers_as_labels for member in table.members)
        names = write_joined(table.members, predictions.columns, predictions.cells, output, edit=predictions.edited)
        name, places = names[0], []
    else:
        names = [write_alone(one, place) for one, place in zip(table.members, output, strict=True)]
        name, places = names[0], output
    files: list[dict[str, Any]] = [
        {"file": path, "rows": member.num_rows} for path, member in zip(table.paths, table.members, strict=True)
    ]
    for one, place in zip(files, places, strict=False):
        one["output"] = place
    return name, files


class _Predictions:
    """The new cells of each row of a table, and what its labels say of them.

    Args:
        classifier: what predicts.
        explaining: what explains each prediction, if that is wanted.
        options: how predictions are written.
    """

    def __init__(self, classifier: TextClassifier, explaining: Explaining | None, options: PredictOptions) -> None:
        self._classifier, self._explaining, self._options = classifier, explaining, options
        self.num_rows = self.num_filled = 0
        self.watch = Watch(classifier.likeness)
        self.as_lists = False  # whether several labels of a row are written as a list
        self.as_numbers = False  # whether labels are written as numbers
        self._kind, self._decision = classifier.kind, classifier.decision_of(classifier.chosen)
        self._labels, self._predictions = list[Any](), array("f")  # of millions of rows as well
        self._unknown, self._num_unknown = dict[str, None](), 0
        self._new_label: str | None = None  # of the last row: None if it has a label, and blank if it has no text
        self.columns = [*classifier.columns, *(explaining.columns if explaining else ())]

    def cells(self, table: Table) -> Iterator[list[Cell]]:
        """The cells of each row, in order; rows are read some at a time."""
        waiting, encode = deque[tuple[Row, str | None, Any]](), encoder_of(self._kind)

        def rows() -> Iterator[tuple[str, Any]]:
            for row in table.rows():
                written = self._written(row.label, table.options)
                waiting.append((row, written, None if written is None else encode(written)))
                self.watch.add(row.text)
                yield row.text, waiting[-1][2]

        explaining = self._explaining
        stream = explaining.stream(rows()) if explaining else self._classifier.stream(text for text, _ in rows())
        for made in stream:
            row, written, label = waiting.popleft()
            self.num_rows += 1
            self._new_label = None if written is not None else "" if made.status == EMPTY else made.label
            if label is not None and made.status != EMPTY:
                self.watch.add_labelled(row.text)
                self._labels.append(label)
                self._predictions.extend(made.predictions)
            elif written is not None and label is None:
                self._num_unknown += 1
                if len(self._unknown) < MOST_UNKNOWN:
                    self._unknown[written.replace(AND, "; ")] = None
            explained = explaining.cells(row._replace(label=written), label, made) if explaining else ()
            yield [*self._cells(made), *explained]

    def edited(self, table: Table, record: Record) -> Record | None:
        """The row whose cells were made last, as it is written: see `PredictOptions`."""
        if self._new_label is None:
            return None if self._options.only_missing else record
        if not self._options.fill or not self._new_label:
            return record
        self.num_filled += 1
        label = self._new_label
        if isinstance(self._kind, Several) and table.has_lists:
            label = AND.join(parts_of(label, self._kind.separator))
        return with_label(table, record, label)

    def _cells(self, made: Prediction) -> list[Cell]:
        if made.status == EMPTY:  # nothing is known of it
            return [*[""] * (len(self._classifier.columns) - 1), EMPTY]
        sure, status = made.confidence, made.status
        if sure is not None and status == OK and sure < self._options.min_confidence:
            status = UNCERTAIN
        figures = self._kind.figures(made.predictions, self._decision)
        cells = [*([] if sure is None else [f"{sure:.4f}"]), *(f"{value:{self._kind.form}}" for value in figures)]
        label: Cell = as_number(made.label) if self.as_numbers else made.label
        if self.as_lists and isinstance(self._kind, Several):
            label = parts_of(made.label, self._kind.separator)
        return [label, *cells, status]

    def _written(self, label: str | None, options: TableOptions) -> str | None:
        """The label of a row as it counts; None for none."""
        if label is None or is_unlabelled(label, options):
            return None
        return label if isinstance(self._kind, Several) else known_label(label, self._kind.names, options)

    def measured(self) -> dict[str, Any]:
        """`test`, `unknown_labels` and `unknown_label_rows`, as far as there is something to say."""
        found = dict[str, Any]()
        if self._labels:
            predictions = np.array(self._predictions, np.float64).reshape(len(self._labels), -1)
            labels = labels_of(self._kind, self._labels)
            found["test"] = self._kind.evaluate(labels, predictions, self._decision)
        if self._unknown:
            found.update(unknown_labels=list(self._unknown), unknown_label_rows=self._num_unknown)
        return found


def summary(result: dict[str, Any]) -> str:
    """What `predict` did, in words."""
    lines = [printable(result["table"])]
    rows = f"{result['rows']:,} row{'s' * (result['rows'] != 1)}"
    output = result["output"] if isinstance(result["output"], str) else ", ".join(result["output"])
    lines.append(f"{output}: {rows}, labelled by {result['run']} in {result['seconds']:.1f} s")
    if "filled" in result:
        number = result["filled"]
        lines.append(f"{number:,} label{'s' * (number != 1)} filled in; see column {result['column']} for all")
    if test := result.get("test"):
        lines += result_in_words(test, f"the {test['rows']:,} rows that have a label")
    if unknown := result.get("unknown_labels"):
        listed = ", ".join(cut(label, 30) for label in unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        number = result["unknown_label_rows"]
        lines.append(f"{number:,} {'row has' if number == 1 else 'rows have'} a label that it has not learnt: {listed}")
    if page := result.get("explained"):
        lines.append(f"{page}: the words that mattered, in the first {min(result['rows'], SHOWN_ROWS):,} rows")
    return "\n".join(lines)


def output_for(path: str | Sequence[str], predict_options: PredictOptions) -> str | list[str]:
    """Where the predictions of a table go, looked at before there are any; `-` is standard output.

    Args:
        path: of the table; several go to one output if one is named that is no folder, else each to its own.
        predict_options: what is said of it.

    Raises:
        ConfigError: something is there that has to be kept, or nothing can be written there.
    """
    if isinstance(path, str):
        return _one_output(path, predict_options)
    if len(path) == 1:
        return _one_output(path[0], predict_options)
    if predict_options.explain:
        raise ConfigError("--explain shows the words of one table: leave it out, or name one table")
    wanted = predict_options.output
    if wanted is not None and not os.path.isdir(wanted):
        same = [one for one in path if os.path.exists(one) and os.path.exists(wanted) and os.path.samefile(one, wanted)]
        return _one_output([*same, *path][0], predict_options)
    folder, places = "" if wanted is None else wanted, list[str]()
    for one in path:
        name = default_output(Path(one), is_folder=os.path.isdir(one))
        place = Path(folder, name.name) if wanted is not None else Path(name)
        places.append(_one_output(one, replace(predict_options, output=str(place))))
    if twice := [place for place in places if places.count(place) > 1]:
        raise ConfigError(f"several tables would be written to {twice[0]}: name one output for all with --output FILE")
    return places


def _one_output(path: str, predict_options: PredictOptions) -> str:
    """The same for one table."""
    if predict_options.output == STANDARD_INPUT or (predict_options.output is None and path == STANDARD_INPUT):
        return STANDARD_INPUT
    place, wanted = Path(path), predict_options.output
    output = Path(wanted) if wanted else Path(default_output(place, is_folder=place.is_dir()))
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
