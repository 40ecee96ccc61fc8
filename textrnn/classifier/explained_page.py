"""What spoke for a prediction and what against it: as a cell of a table, and as a page with the words coloured."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from textrnn.base.files import write_atomically
from textrnn.classifier.explain import Word
from textrnn.report.layout import cut, percent
from textrnn.report.web import escaped, isolated, kind_of, language_of, page, paragraph

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
        remark: what else is to be said of the row, in words; empty for nothing.
        words: see `explain`.
    """

    number: int
    text: str
    label: str | None
    predicted: str
    confidence: float
    remark: str
    words: Sequence[Word]


def explanation_cell(text: str, words: Sequence[Word]) -> str:
    """The words that did most to a prediction, heaviest first, each with its weight; one that occurs again only once.

    A spreadsheet takes a cell that begins with a sign for a formula: words that are signs stand in quotes.

    Args:
        text: as written.
        words: see `explain`.

    Example:
        >>> explanation_cell("- so slow, so good", [Word(0, 1, 0.3), Word(5, 9, 2.1), Word(14, 18, -0.8)])
        "slow +2.1; good -0.8; '-' +0.3"
    """
    heaviest = max((abs(word.weight) for word in words), default=0.0)
    told: dict[str, str] = {}
    for word in sorted(words, key=lambda word: -abs(word.weight)):
        if abs(word.weight) >= max(LIGHTEST, SHARE * heaviest):
            written = text[word.begin : word.end]
            told.setdefault(written.lower(), f"{_quoted(written)} {word.weight:+.1f}")
    return "; ".join(list(told.values())[:LISTED])


def _quoted(word: str) -> str:
    word = cut(word, WORD_COLUMNS)
    return word if word[:1].isalnum() else f"'{word}'"


def write_explained(path: Path, rows: Sequence[ExplainedRow], *, table: str, run: str, num_rows: int) -> None:
    """Writes the page in one step: an old one stays whole until the new one is.

    Args:
        path: where to.
        rows: those that are shown.
        table: what the file is called.
        run: what the classifier is called.
        num_rows: how many rows there are in all.
    """
    write_atomically(path, format_explained(rows, table=table, run=run, num_rows=num_rows).encode())


def format_explained(rows: Sequence[ExplainedRow], *, table: str, run: str, num_rows: int) -> str:
    """The page that shows which words spoke for the predicted labels; see `write_explained`."""
    all_rows = f"{num_rows:,} row{'s' * (num_rows != 1)}"
    shown = f"The first {len(rows):,} of {all_rows}" if len(rows) < num_rows else all_rows
    header = (
        f"<header><h1>{isolated(f'What mattered in {table}')}</h1>"
        f"{paragraph(f'{shown}, labelled by {isolated(run)}.', 'soft')}</header>"
    )
    return page(f"What mattered in {table}", [header, _legend(), *map(_row, rows)])


def _legend() -> str:
    steps = range(1, len(STEPS) + 1)
    signs = {
        kind: " ".join(f'<mark class="{kind}{k}">{sign}{limit:g}</mark>' for k, limit in zip(steps, STEPS, strict=True))
        for kind, sign in (("right", "+"), ("wrong", "-"))
    }
    parts = [
        paragraph("Each word was taken out of its text, and the classifier was asked again."),
        paragraph(f"{signs['right']} spoke for the predicted label"),
        paragraph(f"{signs['wrong']} spoke against it"),
        paragraph(
            "The number is what the word adds to the log-odds of the predicted label: 0.7 doubles the odds, 2.3 makes "
            "them ten times as high. It is shown when the pointer rests on a word. In long texts only the parts that "
            "matter most are measured word by word.",
            "soft",
        ),
    ]
    return f'<div class="result">{"".join(parts)}</div>'


def _row(row: ExplainedRow) -> str:
    told = [f"<b>row {row.number:,}</b>", f"{isolated(row.predicted, 'predicted')} {percent(row.confidence)}"]
    if row.label is not None:
        is_right = row.label == row.predicted
        told.append("as labelled" if is_right else f'<span class="differs">labelled {isolated(row.label)}</span>')
    if row.remark:
        told.append(escaped(row.remark))
    text = "".join(_marked(row.text, row.words)) or "(no text)"
    return (
        f'<section class="explained">{paragraph(" · ".join(told), "soft")}'
        f'<p class="marked" dir="auto"{language_of(row.text)}>{text}</p></section>'
    )


def _marked(text: str, words: Sequence[Word]) -> Iterator[str]:
    """A text as HTML, with marks around the words that have a colour."""
    place, is_long = 0, len(text) > LONGEST_TEXT
    for word in words:
        if step := bisect(STEPS, abs(word.weight)):
            yield _plain(text[place : word.begin], is_long)
            name = "right" if word.weight > 0 else "wrong"
            content = escaped(text[word.begin : word.end])
            yield f'<mark{kind_of(f"{name}{step}")} title="{word.weight:+.1f}">{content}</mark>'
            place = word.end
    yield _plain(text[place:], is_long)


def _plain(text: str, is_long: bool) -> str:
    """A stretch without colours."""
    if is_long and len(text) > 3 * END_OF_STRETCH:
        return f"{escaped(text[:END_OF_STRETCH])} … {escaped(text[-END_OF_STRETCH:])}"
    return escaped(text)
