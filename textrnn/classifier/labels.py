"""Labels as they are written, and what they count as: none at all, or another spelling of one."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from textrnn.classifier.label_numbers import number_of
from textrnn.classifier.splits import folded
from textrnn.text.table.cell_values import EXCEL_ERRORS
from textrnn.text.table.options import TableOptions

# Never a label, in upper or lower case: as programs and databases write what is missing, and errors of a spreadsheet.
MARKS = frozenset({"na", "n/a", "#n/a", "<na>", "nan", "null", "[null]", "(null)", "<null>", "\\n", "?", "#nv"})
MARKS |= {"n.a", "n.a.", "--na--", "??", "???", "(blank)", "(not set)", "(none)", "unlabeled", "unlabelled", "no label"}
MARKS |= {"not labeled", "not labelled", "k.a.", "k. a.", "keine angabe", "(leer)", "(vide)", "н/д", "未評価"}
MARKS |= {"未标注", "待标注", "未标记", "未打标", "未填写", "(空)", "（空）", "(跳过)", "（跳过）"}
MARKS |= {sign.lower() for sign in EXCEL_ERRORS}
# A label unless they are rare, or the others are numbers.
DOUBTFUL = frozenset(
    {"none", "-", "--", "–", "—", "——", "/", "tbd", "nat", "not rated", "unrated", "no rating", "no answer"}
)
DOUBTFUL |= {"blank", "missing", "todo", "to do", "unassigned", "unspecified", "not available", "not applicable", "."}
DOUBTFUL |= {"无", "空", "暂无", "待定", "未知", "未分类", "缺失", "不适用", "不详", "跳过"}
MOST_DOUBTFUL = 0.05  # share of the rows
FEWEST_NUMBERS, MOST_WORDS = 3, 2  # different labels that are numbers, and others among them
LISTED = 5
UNLIKELY = 0.02  # that labels of single rows would by chance never come twice in a row
_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200e\u200f\u2060\ufeff"))  # a soft hyphen, and signs without width
_NUMBER = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,2})?")


def is_mark(label: str) -> bool:
    """Whether a label only says that there is none.

    Example:
        >>> is_mark("N/A"), is_mark("none"), is_mark("good")
        (True, False, False)
    """
    return folded(label) in MARKS


def is_unlabelled(label: str, options: TableOptions) -> bool:
    """Whether a label stands for none; `keep_labels` and `missing_labels` of the options are read."""
    if label in options.keep_labels:
        return False
    return is_mark(label) or folded(label) in map(folded, options.missing_labels)


def settle_labels(
    counts: Mapping[str, int], num_rows: int, options: TableOptions
) -> tuple[dict[str, str | None], list[str]]:
    """Decides what the labels of a table count as.

    Args:
        counts: rows of each label as it is written.
        num_rows: all rows of the table.
        options: of which `keep_labels` and `missing_labels` are read.

    Returns:
        for each label as it is written the label that it counts as, None for no label; and what a person should know
        of that, in lines without the name of the table.

    Example:
        >>> meant, lines = settle_labels({"Pos": 9, "pos": 2, "1": 5, "NA": 1}, 17, TableOptions())
        >>> meant
        {'Pos': 'Pos', 'pos': 'Pos', '1': '1', 'NA': None}
        >>> lines[0]
        "1 row with 'NA' for a label counts as one without a label; --keep-label NA takes it for a label"
    """
    kept, missing = set(options.keep_labels), {folded(label) for label in options.missing_labels}
    words = _words_among_numbers(label for label in counts if folded(label) not in missing | MARKS)
    frequent = {
        label
        for label in counts
        if folded(label) in DOUBTFUL - missing and _total(counts, label) >= MOST_DOUBTFUL * num_rows
    }
    if words and DOUBTFUL.issuperset(map(folded, words)):
        frequent = set()
    none = [label for label in counts if label not in kept | frequent and folded(label) in missing | MARKS | DOUBTFUL]
    groups: dict[object, list[str]] = {}
    for label in counts:
        if label not in none:
            groups.setdefault(("kept", label) if label in kept else _key(label), []).append(label)
    meant: dict[str, str | None] = dict.fromkeys(counts)
    for group in groups.values():
        usual = max(group, key=lambda label: (counts[label], -len(label)))
        meant.update(dict.fromkeys(group, usual))
    lines = [
        _missing_line([label for label in none if folded(label) not in missing], counts),
        _frequent_line(frequent - kept, counts, num_rows),
        _words_line([label for label in words if label not in kept | frequent and label not in none], counts),
    ]
    return meant, [line for line in lines if line]


def known_label(label: str | None, classes: Collection[str], options: TableOptions | None = None) -> str | None:
    """The class that a label means, as `settle_labels` would have it; None for a mark; or the label if it is unknown.

    Args:
        label: as it is written; None where there is none.
        classes: the labels that were learnt.
        options: of which `keep_labels` and `missing_labels` are read.

    Example:
        >>> known_label("1.0", ["0", "1"]), known_label("NA", ["0", "1"]), known_label("2", ["0", "1"])
        ('1', None, '2')
    """
    options = options or TableOptions()
    if label is None or label in classes or label in options.keep_labels:
        return label
    if folded(label) in map(folded, options.missing_labels):
        return None
    alike = [one for one in classes if _key(one) == _key(label)]
    if len(alike) == 1:
        return alike[0]
    return None if folded(label) in MARKS | DOUBTFUL else label


def stand_for_groups(labels: Sequence[str | None]) -> bool:
    """Whether labels seem to stand for the rows below them, which have none: the same never comes twice in a row.

    Args:
        labels: of all rows in order, None for none.

    Example:
        >>> stand_for_groups(["a", None, None, "b", None, "c", None, None] * 4)
        True
        >>> stand_for_groups(["a", None, None, "a", None, "b", None, None] * 4), stand_for_groups(["a", "b"] * 9)
        (False, False)
    """
    filled = [label for label in labels if label is not None]
    if not labels or labels[0] is None or 2 * len(filled) > len(labels):
        return False
    if any(label == below for label, below in pairwise(filled)):
        return False
    by_chance = sum((count / len(filled)) ** 2 for count in Counter(filled).values())
    return (1 - by_chance) ** (len(filled) - 1) < UNLIKELY


def listed(labels: Iterable[str], counts: Mapping[str, int] | None = None) -> str:
    """Some labels in quotes, with how many rows have each: `'a' (3), 'b' (2) and 9 more`."""
    shown = [f"{label!r:.40}" + (f" ({counts[label]:,})" if counts else "") for label in labels]
    return ", ".join(shown[:LISTED]) + (f" and {len(shown) - LISTED} more" if len(shown) > LISTED else "")


def _key(label: str) -> Decimal | str:
    """What labels of the same meaning have in common: a number, or a word without case, surplus and unseen signs."""
    label = unicodedata.normalize("NFC", label.translate(_UNSEEN))
    return Decimal(label) if _NUMBER.fullmatch(label) else folded(label)


def _total(counts: Mapping[str, int], label: str) -> int:
    """Rows with a label in any case."""
    return sum(count for other, count in counts.items() if folded(other) == folded(label))


def _rows(number: int) -> str:
    return f"{number:,} row{'s' * (number != 1)}"


def _missing_line(none: Sequence[str], counts: Mapping[str, int]) -> str | None:
    if not none:
        return None
    number = sum(counts[label] for label in none)
    shown = listed(none, counts if len(none) > 1 else None)
    many = "count as rows" if number != 1 else "counts as one"
    it = "it" if len(none) == 1 else "that"
    return f"{_rows(number)} with {shown} for a label {many} without a label; {_flag(none[0])} takes {it} for a label"


def _frequent_line(frequent: Collection[str], counts: Mapping[str, int], num_rows: int) -> str | None:
    if not frequent:
        return None
    number = sum(counts[label] for label in frequent)
    first = min(frequent)
    return (
        f"{listed(sorted(frequent))} is taken for a label, as {_rows(number)} of {num_rows:,} have it; "
        f"--missing-label {shlex.quote(first)} takes it for none"
    )


def _words_among_numbers(labels: Iterable[str]) -> list[str]:
    """The labels that are no numbers, where they are one or two among several that are.

    Example:
        >>> _words_among_numbers(["1", "2", "3", "skip"]), _words_among_numbers(["1", "2", "skip"])
        (['skip'], [])
    """
    words, numbers = list[str](), set[float]()
    for label in labels:
        if (number := number_of(label)) is not None:
            numbers.add(number)
        elif len(words) == MOST_WORDS:
            return []
        else:
            words.append(label)
    return words if len(numbers) >= FEWEST_NUMBERS else []


def _words_line(words: Sequence[str], counts: Mapping[str, int]) -> str | None:
    if not words:
        return None
    flags = " ".join(f"--missing-label {shlex.quote(word)}" for word in words)
    many = "are taken for labels" if len(words) > 1 else "is taken for a label"
    return f"{listed(words, counts)} {many} beside numbers; {flags} leaves the numbers alone"


def merged_line(meant: Mapping[str, str | None], counts: Mapping[str, int]) -> str | None:
    """A line on the labels that count as others; None if there are none.

    Args:
        meant: what each counts as, see `settle_labels`.
        counts: rows of each.
    """
    merged = [label for label, usual in meant.items() if usual not in (label, None)]
    if not merged:
        return None
    pairs = Counter({f"{label!r:.40} as {meant[label]!r:.40}": counts[label] for label in merged})
    shown = ", ".join(f"{pair} ({_rows(count)})" for pair, count in pairs.most_common(LISTED))
    more = f" and {len(merged) - LISTED} more" if len(merged) > LISTED else ""
    return (
        f"labels that differ only in case, blanks, unseen signs or the spelling of a number are the same: {shown}{more}"
        f"; {_flag(merged[0])} keeps it apart"
    )


def _flag(label: str) -> str:
    return f"--keep-label {shlex.quote(label)}"
