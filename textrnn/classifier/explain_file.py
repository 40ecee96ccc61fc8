"""What `--explain` adds to predicting: a cell in each row, and a page of the first rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from textrnn.base.errors import ConfigError
from textrnn.classifier.explain import Word
from textrnn.classifier.explained_page import ExplainedRow, explanation_cell, write_explained
from textrnn.classifier.predict import EMPTY, TRUNCATED, Prediction, TextClassifier
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.table.rows import Row

COLUMN = "explanation"
SHOWN_ROWS = 200  # in the page: of more it would become large
REMARKS = {
    EMPTY: "nothing to go by: the most frequent label",
    TRUNCATED: "long: the networks have read its beginning and its end only",
}


def check_explain(name: str, *, is_predicted: bool) -> None:
    """Raises ConfigError when no row is predicted, so that there is nothing to explain."""
    if not is_predicted:
        raise ConfigError(
            f"--explain is for rows that are predicted, and none of {name} is: name a file (not standard input) with "
            "rows that have no label, or give --output FILE to predict all rows, or --predict to learn nothing"
        )


def page_for(output: str, *, overwrite: bool) -> Path | None:
    """Where the page goes: beside the output, so nowhere if that is standard output.

    Raises:
        ConfigError: there is one that has to be kept.
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
    """

    columns = (COLUMN,)

    def __init__(self, classifier: TextClassifier, page: Path | None) -> None:
        self._classifier, self._page = classifier, page
        self._rows, self._num_rows = list[ExplainedRow](), 0
        self._words: list[Word] = []

    def stream(self, texts: Iterable[str]) -> Iterator[Prediction]:
        """Predicts texts, a few at a time; `cells` is for the last one."""
        for made, words in self._classifier.stream_explained(texts):
            self._words = words
            yield made

    def cells(self, row: Row, made: Prediction) -> list[str]:
        """The new cell of the row that was predicted last."""
        self._num_rows += 1
        if self._page is not None and self._num_rows <= SHOWN_ROWS:
            remark = REMARKS.get(made.status, "")
            self._rows.append(
                ExplainedRow(row.number, row.text, row.label, made.label, made.confidence, remark, self._words)
            )
        return [explanation_cell(row.text, self._words)]

    def write(self, table: str) -> dict[str, str]:
        """Writes the page of a table of this name; what there is to say of it in the result."""
        if self._page is None:
            return {}
        write_explained(self._page, self._rows, table=table, run=str(self._classifier.path), num_rows=self._num_rows)
        return {"explained": str(self._page)}
