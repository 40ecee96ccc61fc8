"""Whether the first record of a table names its columns, and what a header that does not fit its rows means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from textrnn.text.table.column_facts import DATE, MIN_ROWS_TO_JUDGE, NUMBER, ColumnFacts, is_quantity
from textrnn.text.table.column_names import (
    EXACT,
    LAST,
    SECOND,
    label_hint,
    names_aspect,
    speaks_against,
    text_hint,
)

OFTEN_AT_END = 5  # times that each label comes, on average, where signs that delimit stand in the texts before it
LONGER = 1.2  # times as long as the longest label is a cell that is no label
MOST = 0.5  # share of cells that end as questions from which they are questions, and so tell no header
SHORTER = 0.6  # of the mean length of texts has a name of a column at most, where only that tells it from them
NEARLY_BLANK = 0.2  # share of filled cells below which a column that has a first cell is one with a name


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
    is_date = bool(DATE.fullmatch(cell))
    if not cell:
        return 0
    if NUMBER.fullmatch(cell) or is_date:
        return -3 if facts.numbers > 0.5 or facts.dates > 0.5 else -1
    if cell in facts.counts:
        return -3 if hint < EXACT - SECOND or facts.counts[cell] > 1 else -1
    if hint >= LAST and not re.search(r"\s", cell):
        return 4
    if facts.numbers > 0.9 or facts.dates > 0.9 or (facts.are_quantities and not is_quantity(cell)):
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
    is_name = bool(cell) and cell not in facts.counts and not NUMBER.fullmatch(cell) and not DATE.fullmatch(cell)
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


def with_whole_texts(rows: Sequence[Sequence[str]], delimiter: str) -> list[list[str]]:
    """Rows of a text and a label behind it, see `are_text_and_label`.

    Example:
        >>> with_whole_texts([["Good", " warm", "1"], ["Bad", "0"]], ",")
        [['Good, warm', '1'], ['Bad', '0']]
    """
    return [[delimiter.join(row[:-1]), *row[-1:]] for row in rows]


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
