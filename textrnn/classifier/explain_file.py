"""What `--explain` adds to predicting: a cell in each row, and a page of the first rows."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from textrnn.base.errors import ConfigError
from textrnn.classifier.explain import Word
from textrnn.classifier.predict import EMPTY, TRUNCATED, Prediction, TextClassifier, check_explainable
from textrnn.report.html import Span, render, write_page
from textrnn.report.layout import cut
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.table.tally import Row

COLUMN = "explanation"
SHOWN_ROWS = 200  # in the page: of more it would become large
REMARKS = {
    EMPTY: "nothing to go by: the most frequent label",
    TRUNCATED: "long: the networks have read its beginning and its end only",
}
# A cell lists so many words at most, none below this weight (which a tenth would round to 0) nor below this share of
# the heaviest one's; a longer word is cut.
LISTED, LIGHTEST, SHARE, WORD_COLUMNS = 6, 0.05, 0.1, 30
# From which weight on a word has the next stronger colour: odds 1.2, 1.6, 3.3 and 12 times as high.
STEPS = (0.2, 0.5, 1.2, 2.5)
# Of a text longer than the first number, stretches without a coloured word are shown at their ends only.
LONGEST_TEXT, END_OF_STRETCH = 1500, 120


class ExplainedRow(NamedTuple):
    """A row of the page.

    Attributes:
        number: in the file, from 1.
        text: as written.
        label: the one in the file, if there is one.
        predicted: the predicted one.
        confidence: its probability.
        remark: what else there is to say of the row; empty for nothing.
        words: see `explain`.
    """

    number: int
    text: str
    label: str | None
    predicted: str
    confidence: float | None
    remark: str
    words: Sequence[Word]


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
        check_explainable(classifier.kind)
        self._classifier, self._page, self._warn = classifier, page, warn
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
        """Writes the page of a table of this name; returns what the result has of it."""
        if self._page is None:
            return {}

        def page() -> str:
            return format_explained(self._rows, table=table, run=str(self._classifier.path), num_rows=self._num_rows)

        place = write_page(self._page, page, self._warn)
        return {} if place is None else {"explained": place}


def explanation_cell(text: str, words: Sequence[Word]) -> str:
    """The words with the largest weights, heaviest first; a word that occurs several times is listed once.

    A spreadsheet takes a cell that begins with a sign for a formula: words that are signs stand in quotes.

    Args:
        text: as written.
        words: see `explain`.

    Example:
        >>> explanation_cell("- so slow, so good", [Word(0, 1, 0.3), Word(5, 9, 2.1), Word(14, 18, -0.8)])
        "slow +2.1; good -0.8; '-' +0.3"
    """
    heaviest = max((abs(word.weight) for word in words), default=0.0)
    listed: dict[str, str] = {}
    for word in sorted(words, key=lambda word: -abs(word.weight)):
        if abs(word.weight) >= max(LIGHTEST, SHARE * heaviest):
            written = text[word.begin : word.end]
            shown = cut(written, WORD_COLUMNS)
            shown = shown if shown[:1].isalnum() else f"'{shown}'"
            listed.setdefault(written.lower(), f"{shown} {word.weight:+.1f}")
    return "; ".join(list(listed.values())[:LISTED])


def format_explained(rows: Sequence[ExplainedRow], *, table: str, run: str, num_rows: int) -> str:
    """The page that shows which words spoke for the predicted labels.

    Args:
        rows: the rows that are shown.
        table: the name of the file.
        run: the name of the classifier.
        num_rows: number of all rows.

    Returns:
        HTML, to be written as UTF-8.
    """
    all_rows = f"{num_rows:,} row{'s' * (num_rows != 1)}"
    return render(
        "explained.html",
        title=f"What mattered in {table}",
        shown=f"The first {len(rows):,} of {all_rows}" if len(rows) < num_rows else all_rows,
        run=run,
        limits=STEPS,
        rows=[(row, list(_spans(row.text, row.words)) or [Span("(no text)")]) for row in rows],
    )


def _spans(text: str, words: Sequence[Word]) -> Iterator[Span]:
    """The text in parts, of which words with a colour are marked."""
    place, is_long = 0, len(text) > LONGEST_TEXT
    for word in words:
        if step := bisect(STEPS, abs(word.weight)):
            yield from _plain(text[place : word.begin], is_long)
            kind = f"{'right' if word.weight > 0 else 'wrong'}{step}"
            yield Span(text[word.begin : word.end], kind, f"{word.weight:+.1f}")
            place = word.end
    yield from _plain(text[place:], is_long)


def _plain(text: str, is_long: bool) -> Iterator[Span]:
    """A stretch without colours, if it is not empty."""
    if is_long and len(text) > 3 * END_OF_STRETCH:
        text = f"{text[:END_OF_STRETCH]} … {text[-END_OF_STRETCH:]}"
    if text:
        yield Span(text)
