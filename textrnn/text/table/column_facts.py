"""What the cells of columns are like."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from textrnn.text.table.label_lists import are_codes, labels_in
from textrnn.text.table.name_words import OPINIONS, PARTS

MAX_LABELS = 200  # different values of a column that is taken for labels without its name saying so
MAX_LABEL_CHARS = 60  # mean length
MIN_ROWS_TO_JUDGE = 20
MOST_CANNED = 20  # values of a column of long labels
OFTEN = 20  # times that each value comes, on average, in a column of long labels
FEWEST_AGAIN = 3  # times that each label comes in a column in which no row is likely to have one of its own

# Blanks are matched in one place each: in two that stand beside each other, many of them would take forever.
MONEY = r"(?:(?:US|HK)?[$€£¥￥₹]|RMB|CNY|USD|EUR|GBP|CHF|руб\.?|zł|Kč|kr\.?)"
_BEFORE = rf"\s*(?:{MONEY}\s*)?"
_FIGURE = r"(?:\d+(?:[.,]\d*)*|\.\d+)(?:[eE][+-]?\d+)?\s*"
_THOUSANDS = r"\d{1,3}(?:[ \xa0\u202f'’]\d{3})+(?:[.,]\d*)?\s*"  # that stand apart
NUMBER = re.compile(rf"{_BEFORE}[+-]?{_FIGURE}(?:(?:{MONEY}|[%％])\s*)?")
UNIT = (  # behind a number
    rf"(?:{MONEY}|[%％]|/\s*100|kg|g|km|cm|mm|m|mins?|minutes?|hours?|hrs?|h|secs?|seconds?|s|days?|weeks?"
    r"|months?|years?|points?|pts|k|pcm|p\.?m\.?|,[-–]|\.[-–]|元/月|/月|万元|万|元|分钟|小时|天|岁|年|公里|平米|㎡)"
)
_QUANTITY = re.compile(rf"{_BEFORE}[+−-]?(?:{_THOUSANDS}|{_FIGURE})(?:{UNIT}\s*)?")
_CLOCK = r"(?:\s*(?:T\s*)?\d{1,2}[:：时]\d{2}.*)?"
_DATES = (
    rf"\d{{4}}[-/.年]\d{{1,2}}(?:[-/.月]\d{{1,2}}日?)?{_CLOCK}",
    rf"\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}{_CLOCK}",
    r"\d{1,2}:\d{2}(?::\d{2})?",
    r"(?:[A-Z][a-z]{2,8},? ){1,2}\d{1,2},?.* \d{4}",
    r"\d{1,2}[ -][A-Z][a-z]{2,8}[ -]\d{2,4}.*",
)
DATE = re.compile(rf"\s*(?:{'|'.join(_DATES)})\s*")
_OBJECT = re.compile(r"\[?\{\s{0,9}[\"']|Mozilla/\d")  # in JSON, or the name of a browser
_FLAGS = re.compile(r"\[\s*[01](?:[\s,]+[01]){2,}\s*\]")
_BETWEEN_LINKS = re.compile(r"[\s,;|\"'\[\]]+")
EAST_ASIAN = "[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"  # kana, ideographs and Hangul
_PROSE = re.compile(rf"\S\s+\S|{EAST_ASIAN}")


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
        return self.is_unique and self.are_quantities and self.have_decimals and self.dates < 0.5

    @property
    def have_decimals(self) -> bool:
        """Whether there is a point or a comma in most values."""
        return 2 * sum("." in value or "," in value for value in self.counts) > len(self.counts)

    @cached_property
    def are_quantities(self) -> bool:
        """Whether nearly all values are numbers, also with units behind them."""
        return 10 * sum(map(is_quantity, self.counts)) >= 9 * len(self.counts) > 0

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
    def are_ids(self) -> bool:
        """Whether nearly all values are plain whole numbers, and none comes twice."""
        return self.filled == len(self.counts) and 10 * sum(map(str.isdecimal, self.counts)) >= 9 * self.filled

    @property
    def are_rising(self) -> bool:
        """Whether the values, in the order in which they first come, only rise, as those of clocks and counters do."""
        try:
            numbers = [float(value.replace(",", ".")) for value in self.counts]
        except ValueError:
            return False
        return len(numbers) > 1 and numbers == sorted(numbers)

    @property
    def are_objects(self) -> bool:
        """Whether most cells are lists of objects in JSON."""
        return 2 * sum(cell.startswith("[{") for cell in self.counts) > len(self.counts)

    @property
    def are_flags(self) -> bool:
        """Whether most cells are lists of 0 and 1, which do not name what they say."""
        return 2 * sum(_FLAGS.fullmatch(cell) is not None for cell in self.counts) > len(self.counts)

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
    def are_canned(self) -> bool:
        """Whether there are so few values that they are known ones, however long."""
        return len(self.counts) <= MOST_CANNED

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


def is_quantity(cell: str) -> bool:
    """Whether a cell is a number, also with a unit behind it.

    Example:
        >>> is_quantity("12,5 kg"), is_quantity("124.9万"), is_quantity("$5"), is_quantity("5 apples")
        (True, True, True, False)
        >>> is_quantity("45\xa0123,50"), is_quantity("−3.5"), is_quantity("Q123 456")
        (True, True, False)
    """
    return _QUANTITY.fullmatch(cell) is not None


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
                sum(bool(DATE.fullmatch(cell)) for cell in cells) / size,
                sum(bool(_PROSE.search(cell)) for cell in cells) / size,
                sum(len(cell.split(None, 1)) > 1 for cell in cells) / size,
            )
        )
    return found
