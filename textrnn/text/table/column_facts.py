"""What the cells of columns are like, and whether the first record names them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from textrnn.text.table.column_names import (
    EXACT,
    LAST,
    OPINIONS,
    PARTS,
    SECOND,
    label_hint,
    names_aspect,
    speaks_against,
    text_hint,
)
from textrnn.text.table.label_lists import are_codes, labels_in

MAX_LABELS = 200  # different values of a column that is taken for labels without its name saying so
MAX_LABEL_CHARS = 60  # mean length
MIN_ROWS_TO_JUDGE = 20
OFTEN_AT_END = 5  # times that each label comes, on average, where signs that delimit stand in the texts before it
OFTEN = 20  # times that each value comes, on average, in a column of long labels
LONGER = 1.2  # times as long as the longest label is a cell that is no label
MOST = 0.5  # share of cells that end as questions from which they are questions, and so tell no header
FEWEST_AGAIN = 3  # times that each label comes in a column in which no row is likely to have one of its own
SHORTER = 0.6  # of the mean length of texts has a name of a column at most, where only that tells it from them
NEARLY_BLANK = 0.2  # share of filled cells below which a column that has a first cell is one with a name

# Blanks are matched in one place each: in two that stand beside each other, many of them would take forever.
NUMBER = re.compile(r"\s*(?:[$€£¥₹]\s*)?[+-]?(?:\d+(?:[.,]\d*)*|\.\d+)(?:[eE][+-]?\d+)?\s*(?:[%$€£¥₹]\s*)?")
_CLOCK = r"(?:\s*(?:T\s*)?\d{1,2}[:：时]\d{2}.*)?"
_DATES = (
    rf"\d{{4}}[-/.年]\d{{1,2}}(?:[-/.月]\d{{1,2}}日?)?{_CLOCK}",
    rf"\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}{_CLOCK}",
    r"\d{1,2}:\d{2}(?::\d{2})?",
    r"(?:[A-Z][a-z]{2,8},? ){1,2}\d{1,2},?.* \d{4}",
    r"\d{1,2}[ -][A-Z][a-z]{2,8}[ -]\d{2,4}.*",
)
_DATE = re.compile(rf"\s*(?:{'|'.join(_DATES)})\s*")
_OBJECT = re.compile(r"\[?\{\s{0,9}[\"']|Mozilla/\d")  # in JSON, or the name of a browser
_BETWEEN_LINKS = re.compile(r"[\s,;|\"'\[\]]+")
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
        words: share of cells with several words.
    """

    num_rows: int
    counts: Counter[str]
    mean_chars: float
    numbers: float
    dates: float
    prose: float
    words: float

    @property
    def is_measured(self) -> bool:
        """Whether the cells are numbers of which most are different and have decimals, as no ids have."""
        fractions = sum("." in value or "," in value for value in self.counts)
        return self.is_unique and self.numbers >= 0.9 and fractions > len(self.counts) / 2

    @property
    def filled(self) -> int:
        """Cells that are not blank."""
        return self.counts.total()

    @property
    def is_mostly_filled(self) -> bool:
        """Whether more than half of the cells are not blank."""
        return 2 * self.filled > self.num_rows

    @property
    def is_beyond_ascii(self) -> bool:
        """Whether hardly a cell is of ASCII alone."""
        return 10 * sum(map(str.isascii, self.counts)) < len(self.counts)

    @property
    def are_objects(self) -> bool:
        """Whether most cells are lists of objects in JSON."""
        return 2 * sum(cell.startswith("[{") for cell in self.counts) > len(self.counts)

    @property
    def are_by_machine(self) -> bool:
        """Whether most cells are what programs write to each other: objects in JSON, links, names of browsers."""
        return 2 * sum(map(_is_by_machine, self.counts)) > len(self.counts)

    @property
    def have_digits(self) -> bool:
        """Whether most values have digits in them, as grades do."""
        return 2 * sum(any(map(str.isdecimal, value)) for value in self.counts) > len(self.counts)

    @property
    def are_identifiers(self) -> bool:
        """Whether most values are words that underscores join, as the names of classes are written."""
        return 2 * sum("_" in value and not re.search(r"\s", value) for value in self.counts) > len(self.counts)

    @property
    def is_unique(self) -> bool:
        """Whether most values come once, as those of ids, dates and texts do, and never those of labels."""
        return self.filled >= MIN_ROWS_TO_JUDGE and len(self.counts) > self.filled / 2

    @property
    def is_text(self) -> bool:
        """Whether it is neither blank nor numbers nor dates."""
        return bool(self.filled) and self.numbers < 0.5 and self.dates < 0.5

    @property
    def is_free_text(self) -> bool:
        """Whether most cells are different texts of several words, and longer than names are."""
        are_different = 2 * len(self.counts) > self.filled
        return are_different and self.prose >= 0.5 and self.mean_chars >= (8 if self.is_beyond_ascii else 30)

    @cached_property
    def is_several(self) -> bool:
        """Whether cells hold several short labels, which come again in other cells though whole cells may not."""
        if (self.numbers >= 0.5 and not self.are_codes) or self.dates >= 0.5:
            return False
        often = Counter[str]()
        for cell, labels in zip(self.counts, labels_in(self.counts), strict=False):
            for label in labels:
                often[label] += self.counts[cell]
        chars = sum(map(len, often)) / max(1, len(often))
        fits = 2 <= len(often) <= MAX_LABELS and often.total() >= 5 * len(often)
        return fits and chars <= MAX_LABEL_CHARS / 2

    @property
    def are_codes(self) -> bool:
        """Whether cells such as `3,7` are several numbers of classes."""
        return any("," in cell for cell in self.counts) and are_codes(list(self.counts))

    @property
    def has_opinions(self) -> bool:
        """Whether most cells are words of OPINIONS."""
        return 2 * sum(count for cell, count in self.counts.items() if cell.casefold() in OPINIONS) > self.filled

    @property
    def come_again(self) -> bool:
        """Whether no value of a column is rare, so that one which comes once is not likely to be among them."""
        return self.filled >= MIN_ROWS_TO_JUDGE and min(self.counts.values()) >= FEWEST_AGAIN

    @property
    def is_few(self) -> bool:
        """Whether a few short values come again and again, as those of labels do."""
        if {value.casefold() for value in self.counts} <= PARTS:
            return False
        many = 5 if self.filled >= 50 else 2
        fits = 2 <= len(self.counts) <= MAX_LABELS and self.filled >= many * len(self.counts)
        longest = 2 * MAX_LABEL_CHARS if self.filled >= OFTEN * len(self.counts) else MAX_LABEL_CHARS / 2
        return fits and self.mean_chars <= longest and self.dates < 0.5


def _is_by_machine(cell: str) -> bool:
    parts = [part for part in _BETWEEN_LINKS.split(cell) if part]
    are_links = bool(parts) and all(part.startswith(("https://", "http://")) for part in parts)
    return are_links or _OBJECT.match(cell) is not None


def column_facts(rows: Sequence[Sequence[str]], width: int) -> list[ColumnFacts]:
    """Look at the cells of each column.

    Args:
        rows: cells; missing ones are blank.
        width: number of columns.
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
                sum(len(cell.split(None, 1)) > 1 for cell in cells) / size,
            )
        )
    return found


def has_header(first: Sequence[str], below: Sequence[ColumnFacts]) -> bool:
    """Whether the first record names the columns: it is compared with the cells below."""
    if len(first) == 1:  # the only text may well be a short one
        return max(text_hint(first[0]), label_hint(first[0])) >= LAST and first[0].strip() not in below[0].counts
    if _numbers_columns(first) and any(facts.prose >= 0.5 for facts in below):
        return True
    pairs = [(cell.strip(), facts) for cell, facts in zip(first, below, strict=False)]
    votes = sum(_vote(cell, facts) for cell, facts in pairs)
    if not any(_is_like_texts(cell, facts) for cell, facts in pairs):
        votes += sum(_is_no_label(cell, facts) for cell, facts in pairs)
    return votes > 0


def _numbers_columns(first: Sequence[str]) -> bool:
    """Whether a record is 0, 1 and so on, perhaps behind a blank: pandas heads columns without names so."""
    cells, numbers = [cell.strip() for cell in first], [str(number) for number in range(len(first))]
    return cells in (numbers, ["", *numbers[:-1]])


def is_unlike_labels(first: Sequence[str], below: Sequence[ColumnFacts]) -> bool:
    """Whether no cell of the first record comes again below, though a column has few values, as labels do."""
    pairs = [(cell.strip(), facts) for cell, facts in zip(first, below, strict=False) if cell.strip()]
    is_again = any(cell in facts.counts for cell, facts in pairs)
    return not is_again and any(facts.is_few and not NUMBER.fullmatch(cell) for cell, facts in pairs)


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
    if not re.search(r"\s", cell) and (names_aspect(cell) or speaks_against(cell)):
        return 2
    if _is_question(cell) and not _are_questions(facts):
        return 2
    if facts.is_few:
        return 1 + _is_unlike(cell, facts)
    if NEARLY_BLANK * facts.num_rows > facts.filled:
        return 1
    if facts.prose >= 0.5:
        is_word = not re.search(r"\s", cell) and (facts.words >= 0.9 or (cell.isascii() and facts.is_beyond_ascii))
        return 1 if is_word or (len(cell) * 3 < facts.mean_chars and len(cell.split()) <= 3) else -1
    return 0


def _is_like_texts(cell: str, facts: ColumnFacts) -> bool:
    """Whether a cell is about as long as the texts of a column, or a question as they are."""
    if facts.prose < 0.5 or facts.is_few:
        return False
    return len(cell) > SHORTER * facts.mean_chars or (_is_question(cell) and _are_questions(facts))


def _is_no_label(cell: str, facts: ColumnFacts) -> bool:
    """Whether a cell is none of the labels of a column, of which none is rare, and so likely to be its name."""
    is_name = bool(cell) and cell not in facts.counts and not NUMBER.fullmatch(cell) and not _DATE.fullmatch(cell)
    return is_name and facts.is_few and facts.come_again


def _is_question(cell: str) -> bool:
    """Whether a cell ends as what is asked in a form does."""
    return cell.endswith(("?", "？", ":", "："))


def _are_questions(facts: ColumnFacts) -> bool:
    """Whether most cells end so."""
    return MOST * facts.filled <= sum(count for cell, count in facts.counts.items() if _is_question(cell))


def _is_unlike(cell: str, facts: ColumnFacts) -> bool:
    """Whether a cell is longer than all labels of a column, or has several words where they have one."""
    has_words = any(len(label.split()) > 1 for label in facts.counts)
    return len(cell) > LONGER * max(map(len, facts.counts)) or (len(cell.split()) > 1 and not has_words)


def are_text_and_label(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a header is that of a text and a label, though rows have more cells: of texts with signs that delimit.

    Example:
        >>> rows = [["Good, warm", " and cheap", "1"], ["Bad", " and cold", "0"]] * 10
        >>> are_text_and_label(["text", "label"], rows), are_text_and_label(["text", "date"], rows)
        (True, False)
    """
    if len(names) != 2 or text_hint(names[0]) < LAST or label_hint(names[1]) < LAST:
        return False
    longer = [row for row in rows if len(row) > 2 and row[1].strip()]
    if 2 * len(longer) < len(rows) or all(row[0].strip().isdigit() for row in longer):
        return False  # rows are no longer than the header, or begin with their numbers
    last = Counter(row[-1].strip() for row in rows if len(row) > 1)
    return last.total() >= OFTEN_AT_END * len(last) and last.total() >= MIN_ROWS_TO_JUDGE and not last[""]


def shifted_names(names: list[str], rows: Sequence[Sequence[str]], width: int) -> tuple[list[str], list[str]]:
    """The names of a header that has fewer than rows have cells: R leaves out that of the row names.

    Args:
        names: those of the header.
        rows: cells.
        width: number of columns.

    Returns:
        the names, and lines that say what was taken for true.

    Example:
        >>> shifted_names(["text", "label"], [["1", "fine", "a"], ["2", "dull", "b"]], 3)
        (['', 'text', 'label'], ['the header has no name for the first column, which numbers the rows'])
        >>> shifted_names(["text", "label"], [["fine", "a", ""], ["dull", "b", ""]], 3)
        (['text', 'label'], [])
    """
    first, last = (Counter(row[column] for row in rows if len(row) == width) for column in (0, width - 1))
    if len(names) == width - 1 and len(first) > 1 and list(first) == [str(n) for n in range(1, len(first) + 1)]:
        return ["", *names], ["the header has no name for the first column, which numbers the rows"]
    if not any(map(str.strip, last)):
        return names, []
    several = "s" * (len(names) != 1)
    return names, [f"the header names {len(names)} column{several}, and rows have {width}: the last have no name"]
