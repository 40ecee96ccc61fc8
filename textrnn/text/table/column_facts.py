"""What the columns of a table are like, by their cells, and whether the first record names them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from textrnn.text.table.column_names import EXACT, LAST, SECOND, label_hint, text_hint
from textrnn.text.table.dialect import NUMBER

MAX_LABELS = 200  # different values of a column that is taken for labels without its name saying so
MAX_LABEL_CHARS = 60  # mean length
MIN_ROWS_TO_JUDGE = 20

_CLOCK = r"(?:[T ]*\d{1,2}[:：时]\d{2}.*)?"
_DATES = (
    rf"\d{{4}}[-/.年]\d{{1,2}}(?:[-/.月]\d{{1,2}}日?)?\s*{_CLOCK}",
    rf"\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}\s*{_CLOCK}",
    r"\d{1,2}:\d{2}(?::\d{2})?",
    r"(?:[A-Z][a-z]{2,8},? ){1,2}\d{1,2},?.* \d{4}",
    r"\d{1,2}[ -][A-Z][a-z]{2,8}[ -]\d{2,4}.*",
)
_DATE = re.compile(rf"\s*(?:{'|'.join(_DATES)})\s*")
_PROSE = re.compile(r"\S\s+\S|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True)
class ColumnFacts:
    """What the cells of a column are like; those that are blank only count in `num_rows`.

    Attributes:
        num_rows: cells that were looked at.
        counts: how often each value, without white space around it, comes.
        mean_chars: mean length of a cell.
        numbers: share of cells that are numbers.
        dates: share of cells that are dates or times of day.
        prose: share of cells with several words, or with Chinese.
    """

    num_rows: int
    counts: Counter[str]
    mean_chars: float
    numbers: float
    dates: float
    prose: float

    @property
    def filled(self) -> int:
        """Cells that are not blank."""
        return self.counts.total()

    @property
    def is_unique(self) -> bool:
        """Whether most values come once, as those of ids, dates and texts do, and never those of labels."""
        return self.filled >= MIN_ROWS_TO_JUDGE and len(self.counts) > self.filled / 2

    @property
    def is_text(self) -> bool:
        """Whether it is neither blank nor numbers nor dates."""
        return bool(self.filled) and self.numbers < 0.5 and self.dates < 0.5

    @property
    def is_few(self) -> bool:
        """Whether a few short values come again and again."""
        many = 5 if self.filled >= 50 else 2
        fits = 2 <= len(self.counts) <= MAX_LABELS and self.filled >= many * len(self.counts)
        return fits and self.mean_chars <= MAX_LABEL_CHARS / 2 and self.dates < 0.5


def column_facts(rows: Sequence[Sequence[str]], width: int) -> list[ColumnFacts]:
    """Look at the cells of each column.

    Args:
        rows: cells; missing ones are blank.
        width: number of columns.

    Example:
        >>> facts = column_facts([["1", "a film"], ["2", ""]], 2)
        >>> facts[0].numbers, facts[1].filled, facts[1].prose
        (1.0, 1, 1.0)
    """
    found = []
    for column in range(width):
        cells = [cell for row in rows if column < len(row) and (cell := row[column].strip())]
        size = max(1, len(cells))
        found.append(
            ColumnFacts(
                len(rows),
                Counter(cells),
                sum(map(len, cells)) / size,
                sum(bool(NUMBER.fullmatch(cell)) for cell in cells) / size,
                sum(bool(_DATE.fullmatch(cell)) for cell in cells) / size,
                sum(bool(_PROSE.search(cell)) for cell in cells) / size,
            )
        )
    return found


def has_header(first: Sequence[str], below: Sequence[ColumnFacts]) -> bool:
    """Whether the first record names the columns: it is compared with the cells below.

    Example:
        >>> below = column_facts([["ham", "see you at five"], ["spam", "you won a prize"]], 2)
        >>> has_header(["v1", "v2"], below), has_header(["ham", "good, let us meet"], below)
        (True, False)
    """
    if len(first) == 1:  # the only text may well be a short one
        return max(text_hint(first[0]), label_hint(first[0])) >= LAST and first[0].strip() not in below[0].counts
    return sum(_vote(cell.strip(), facts) for cell, facts in zip(first, below, strict=False)) > 0


def _vote(cell: str, facts: ColumnFacts) -> int:
    """How much a cell of the first record speaks for (above 0) or against a header."""
    hint = max(text_hint(cell), label_hint(cell))
    is_date = bool(_DATE.fullmatch(cell))
    if not cell:
        return 0
    if NUMBER.fullmatch(cell) or is_date:
        return -3 if facts.numbers > 0.5 or facts.dates > 0.5 else -1
    if cell in facts.counts:
        return -3 if hint < EXACT - SECOND or facts.counts[cell] > 1 else -1
    if hint >= LAST and not re.search(r"\s", cell):
        return 4
    if facts.numbers > 0.9 or facts.dates > 0.9:
        return 2
    if facts.is_few:
        return 1
    if facts.prose >= 0.5:
        return 1 if len(cell) * 3 < facts.mean_chars and len(cell.split()) <= 3 else -1
    return 0
