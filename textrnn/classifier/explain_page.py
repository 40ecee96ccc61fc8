"""The page that `--explain` writes: texts whose words are coloured by what they do to the prediction."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from textrnn.classifier.explain import Word
from textrnn.classifier.label_kind import CLASSES, NUMBERS, SEVERAL, LabelKind
from textrnn.report.html import Span, render

# From which weight on a word has the next stronger colour: odds 1.2, 1.6, 3.3 and 12 times as high. Weights are
# in the unit of the kind of labels, see `LabelKind.unit`.
STEPS = (0.2, 0.5, 1.2, 2.5)
# Of a text longer than the first number, stretches without a coloured word are shown at their ends only.
LONGEST_TEXT, END_OF_STRETCH = 1500, 120
# What the words of a coloured text do, and what their number is.
MEANING = {
    CLASSES: ("spoke for the predicted label", "spoke against it", "what the word adds to the log-odds of that label"),
    SEVERAL: ("spoke for a label", "spoke against it", "what the word adds to the log-odds of that label"),
    NUMBERS: ("raised the number", "lowered it", "by how much the number is higher with the word"),
}
ODDS = ": 0.7 doubles the odds, 2.3 makes them ten times as high"


class Part(NamedTuple):
    """What is explained of a text.

    Attributes:
        label: its name, where a text can have several; else empty.
        said: how probable it is, and who gives it.
        words: see `explain`.
    """

    label: str
    said: str
    words: Sequence[Word]


class ExplainedRow(NamedTuple):
    """A row of the page.

    Attributes:
        number: in the file, from 1.
        text: as written.
        label: the one in the file, if there is one.
        predicted: the predicted one.
        sure: its probability, or the interval of a number.
        is_wrong: whether the prediction is not the label in the file.
        remark: what else there is to say of the row; empty for nothing.
        parts: what is explained.
    """

    number: int
    text: str
    label: str | None
    predicted: str
    sure: str
    is_wrong: bool
    remark: str
    parts: Sequence[Part]


def with_sign(weight: float, unit: float) -> str:
    """A weight with the places that count.

    Example:
        >>> with_sign(0.25, 1.0), with_sign(-0.0125, 0.02), with_sign(1234.5, 400.0)
        ('+0.2', '-0.013', '+1234')
    """
    return f"{weight:+.{max(0, 1 - math.floor(math.log10(unit)))}f}"


def format_explained(rows: Sequence[ExplainedRow], *, table: str, run: str, num_rows: int, kind: LabelKind) -> str:
    """The page that shows which words spoke for the predicted labels.

    Args:
        rows: the rows that are shown.
        table: the name of the file.
        run: the name of the classifier.
        num_rows: number of all rows.
        kind: of the labels.

    Returns:
        HTML, to be written as UTF-8.
    """
    all_rows = f"{num_rows:,} row{'s' * (num_rows != 1)}"
    return render(
        "explained.html",
        title=f"What mattered in {table}",
        shown=f"The first {len(rows):,} of {all_rows}" if len(rows) < num_rows else all_rows,
        run=run,
        limits=[with_sign(limit * kind.unit, kind.unit)[1:] for limit in STEPS],
        meaning=MEANING.get(kind.task, MEANING[CLASSES]),
        odds="" if kind.task == NUMBERS else ODDS,
        rows=[
            (row, [(part, list(_spans(row.text, part.words, kind.unit)) or [Span("(no text)")]) for part in row.parts])
            for row in rows
        ],
    )


def _spans(text: str, words: Sequence[Word], unit: float) -> Iterator[Span]:
    """The text in parts, of which words with a colour are marked."""
    place, is_long = 0, len(text) > LONGEST_TEXT
    for word in words:
        if step := bisect(STEPS, abs(word.weight) / unit):
            yield from _plain(text[place : word.begin], is_long)
            kind = f"{'right' if word.weight > 0 else 'wrong'}{step}"
            yield Span(text[word.begin : word.end], kind, with_sign(word.weight, unit))
            place = word.end
    yield from _plain(text[place:], is_long)


def _plain(text: str, is_long: bool) -> Iterator[Span]:
    """A stretch without colours, if it is not empty."""
    if is_long and len(text) > 3 * END_OF_STRETCH:
        text = f"{text[:END_OF_STRETCH]} … {text[-END_OF_STRETCH:]}"
    if text:
        yield Span(text)
