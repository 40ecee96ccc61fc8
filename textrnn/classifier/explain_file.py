"""What `--explain` adds to predicting: a cell in each row, and a page of the first rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError
from textrnn.classifier.explain import Word
from textrnn.classifier.explain_page import ExplainedRow, Part, format_explained, with_sign
from textrnn.classifier.kinds import Numbers, Several
from textrnn.classifier.predict import EMPTY, TRUNCATED, Explained, Prediction, TextClassifier
from textrnn.report.html import write_page
from textrnn.report.layout import cut, percent
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.table.label_lists import parts_of
from textrnn.text.table.records import AND
from textrnn.text.table.tally import Row

COLUMN = "explanation"
SHOWN_ROWS = 200  # in the page: of more it would become large
REMARKS = {
    EMPTY: "nothing to go by: the most frequent label",
    TRUNCATED: "long: the networks have read its beginning and its end only",
}
# A cell lists so many words at most, none below this weight (which a tenth would round to 0) nor below this share of
# the heaviest one's; a longer word is cut. Weights are in the unit of the kind of labels, see `LabelKind.unit`.
LISTED, LIGHTEST, SHARE, WORD_COLUMNS = 6, 0.05, 0.1, 30
BETWEEN = " | "  # between the labels of a cell


def check_explain(name: str, *, is_predicted: bool) -> None:
    """Raises ConfigError when no row is predicted, so that there is nothing to explain."""
    if not is_predicted:
        raise ConfigError(
            f"--explain is for rows that are predicted, and none of {name} is: name a file (not standard input) with "
            "rows that have no label, or give --output FILE to predict all rows, or --predict to learn nothing"
        )


def page_for(output: str, *, overwrite: bool) -> Path | None:
    """The path of the page: beside the output; None if that is standard output.

    Raises:
        ConfigError: there is a page already, and it is not to be replaced.
    """
    if output == STANDARD_INPUT:
        return None
    place = Path(output)
    page = place.with_name(f"{place.stem.removesuffix('.predicted')}.explained.html")
    if page.exists() and not overwrite:
        raise ConfigError(f"{page} exists: replace it with --overwrite, or give another place with --output")
    return page


class Explaining:
    """Explains predictions while they are written, and keeps the rows of the page.

    Args:
        classifier: what predicts.
        page: where the page goes, if there is one.
        warn: is called with a line if the page cannot be made.
    """

    columns = (COLUMN,)

    def __init__(self, classifier: TextClassifier, page: Path | None, warn: Callable[[str], None]) -> None:
        self._classifier, self._page, self._warn = classifier, page, warn
        self._rows, self._num_rows = list[ExplainedRow](), 0
        self._explained: Explained = {}

    def stream(self, rows: Iterable[tuple[str, Any]]) -> Iterator[Prediction]:
        """Predicts rows, see `TextClassifier.stream_explained`, a few at a time; `cells` is for the last one."""
        for made, explained in self._classifier.stream_explained(rows):
            self._explained = explained
            yield made

    def cells(self, row: Row, label: Any, made: Prediction) -> list[str]:
        """The new cell of the row that was predicted last, whose label is `label` as the kind has it, or None."""
        self._num_rows += 1
        kind, own = self._classifier.kind, self._explained
        if self._page is not None and self._num_rows <= SHOWN_ROWS:
            self._rows.append(self._row(row, label, made))
        named = isinstance(kind, Several)
        cells = {name: explanation_cell(row.text, words, kind.unit) for name, words in own.items()}
        return [BETWEEN.join(f"{_shown(name)}: {cell}" if named else cell for name, cell in cells.items() if cell)]

    def _row(self, row: Row, label: Any, made: Prediction) -> ExplainedRow:
        """A row of the page, see `cells`."""
        kind, given, sure = self._classifier.kind, row.label, percent(made.confidence)
        facts = kind.facts(made.predictions, self._classifier.decision_of(self._classifier.chosen))
        parts, is_wrong = [Part("", "", words) for words in self._explained.values()], given != made.label
        if isinstance(kind, Numbers):
            sure = f"({facts['low']:.4g} to {facts['high']:.4g})"
            is_wrong = label is not None and not facts["low"] <= label <= facts["high"]
        elif isinstance(kind, Several):
            given = given and kind.separator.join(parts_of(given, AND if AND in given else kind.separator))
            given, has = given if label is None else kind.written(np.array(label)), dict.fromkeys(kind.names)
            has.update({} if label is None else zip(kind.names, label, strict=True))
            is_wrong = given != made.label
            parts = [
                Part(name, _said(facts["probabilities"][name], name in facts["labels"], has[name]), words)
                for name, words in self._explained.items()
            ]
        remark = REMARKS.get(made.status, "")
        return ExplainedRow(row.number, row.text, given, made.label, sure, is_wrong, remark, parts)

    def write(self, table: str) -> dict[str, str]:
        """Writes the page of a table of this name; returns what the result has of it."""
        if self._page is None:
            return {}

        def page() -> str:
            kind, run = self._classifier.kind, str(self._classifier.path)
            return format_explained(self._rows, table=table, run=run, num_rows=self._num_rows, kind=kind)

        place = write_page(self._page, page, self._warn)
        return {} if place is None else {"explained": place}


def _said(probability: float, is_predicted: bool, is_given: bool | None) -> str:
    """What is said of one of several labels of a row; `is_given` is None where the row has no labels."""
    by = ["predicted" if is_predicted else "not predicted"]
    if is_given is not None:
        by.append("labelled" if is_given else "not labelled")
    return f"{percent(probability)}, {', '.join(by)}"


def _shown(name: str) -> str:
    """A word in a cell: a spreadsheet takes a cell that begins with a sign for a formula, so signs stand in quotes."""
    shown = cut(name, WORD_COLUMNS)
    return shown if shown[:1].isalnum() else f"'{shown}'"


def explanation_cell(text: str, words: Sequence[Word], unit: float = 1.0) -> str:
    """The words with the largest weights, heaviest first; a word that occurs several times is listed once.

    Args:
        text: as written.
        words: see `explain`.
        unit: of the weights, see `LabelKind.unit`.

    Example:
        >>> explanation_cell("- so slow, so good", [Word(0, 1, 0.3), Word(5, 9, 2.1), Word(14, 18, -0.8)])
        "slow +2.1; good -0.8; '-' +0.3"
    """
    heaviest = max((abs(word.weight) for word in words), default=0.0)
    listed: dict[str, str] = {}
    for word in sorted(words, key=lambda word: -abs(word.weight)):
        if abs(word.weight) >= max(LIGHTEST * unit, SHARE * heaviest):
            written = text[word.begin : word.end]
            listed.setdefault(written.lower(), f"{_shown(written)} {with_sign(word.weight, unit)}")
    return "; ".join(list(listed.values())[:LISTED])
