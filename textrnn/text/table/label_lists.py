"""Several labels in a cell: a list as JSON and Python write it, `<art><food>`, or with a separator between them."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from textrnn.base.errors import DataError
from textrnn.text.table.records import AND

SPAN_WIDTH = 3  # of [begin, end, label], which marks a part of a text
SEPARATORS = ("\n", ";", "|", ",", "/", "，", "、", "；")  # between several labels, those first that are surest
UNSURE_SEPARATORS = ("&", "+")  # that stand in names as often
FEWEST_TOGETHER = 2  # different cells that a part of a cell is in if it is a label of its own
AGAIN_SHARE = 0.5  # of the parts for which that has to hold: of cells that are addresses, it does for few
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_TAGS = re.compile(r"(?:<[^<>]+>)+")


def list_of(cell: str) -> list[Any] | None:
    """The list that a cell holds, None if it holds none.

    Example:
        >>> list_of('["art", 1]'), list_of("['art']"), list_of("[sic]"), list_of("art")
        (['art', 1], ['art'], None, None)
        >>> list_of("<c#><.net>")
        ['c#', '.net']
    """
    if _TAGS.fullmatch(cell):
        return cell[1:-1].split("><")
    if not (cell.startswith("[") and cell.endswith("]")):
        return None
    parse: Callable[[str], Any]
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return found if isinstance(found, list) else None
    return None


def joined_labels(cell: str, column: str) -> str:
    """The labels of a cell with AND between them; a cell that holds no list as it is.

    Args:
        cell: as it is written.
        column: what to call it in messages.

    Raises:
        DataError: it marks parts of the text, and not the whole.

    Example:
        >>> joined_labels('["art", "food"]', "a"), joined_labels("[]", "a"), joined_labels("art", "a")
        ('art\\x1ffood', '', 'art')
    """
    found = list_of(cell)
    if found is None:
        return cell
    if any(isinstance(one, (list, dict)) for one in found) or _is_span(found):
        what = "holds objects" if isinstance(found[0], dict) else "marks parts of a text"
        raise DataError(
            f"{column} {what}, such as {cell:.60}: expected labels of the whole text; name another column with "
            "--label-column"
        )
    labels = (str(one).strip() for one in found if one is not None)
    return AND.join(dict.fromkeys(label for label in labels if label))


def _is_span(found: Sequence[Any]) -> bool:
    """Whether it is the begin and the end of a part of a text and its label: the only one of a list is given alone."""
    if len(found) != SPAN_WIDTH:
        return False
    begin, end, label = map(str, found)
    return begin.isdigit() and end.isdigit() and int(begin) <= int(end) and not label.isdigit()


def as_list(labels: Sequence[str], like: str) -> str:
    """Labels as a cell that is a list, written as another one is.

    Example:
        >>> as_list(["art", "food"], "['art']"), as_list(["art"], '["art"]'), as_list(["art", "food"], "<art>")
        ("['art', 'food']", '["art"]', '<art><food>')
    """
    if like.startswith("<"):
        return "".join(f"<{label}>" for label in labels)
    return repr(list(labels)) if like.startswith("['") else json.dumps(list(labels), ensure_ascii=False)


def parts_of(label: str, separator: str) -> list[str]:
    """The labels of a cell, each once."""
    parts = (part.strip() for part in label.split(separator.strip() or separator))
    return list(dict.fromkeys(part for part in parts if part))


def are_codes(written: Sequence[str]) -> bool:
    """Whether cells such as `3,7` are several numbers of classes, in order, and no decimal commas.

    Example:
        >>> are_codes(["3", "7", "3,7", "11", "7,11", "3,11", "8", "3,8"]), are_codes(["4", "3", "3,5", "4,5", "5"])
        (True, False)
    """
    cells = {label.strip() for label in written}
    pairs = [tuple(cell.split(",")) for cell in cells if DECIMAL_COMMA.fullmatch(cell)]
    in_order = all(first.isdigit() and int(first) < int(last) for first, last in pairs)
    return in_order and len({last for _, last in pairs}) > 2 and all(cells.issuperset(pair) for pair in pairs)


def separator_of(written: Sequence[str], separators: Sequence[str] = SEPARATORS) -> str | None:
    """What stands between several labels of a cell: what divides cells into parts that come again in other cells.

    Example:
        >>> separator_of(["art, people", "art", "people, food", "food, art", "food"])
        ','
        >>> separator_of(["Paris, France", "Rome, Italy"]) is None, separator_of(["#a #b", "#b"])
        (True, ' ')
    """
    cells = list(dict.fromkeys(written))
    if all(part.startswith("#") for cell in cells for part in cell.split()):
        return " " if any(len(cell.split()) > 1 for cell in cells) else None
    for separator in separators:
        divided = [parts_of(cell, separator) for cell in cells]
        several = [parts for parts in divided if len(parts) > 1]
        if len(several) < FEWEST_TOGETHER:
            continue
        often = Counter(part for parts in divided for part in parts)
        together = {part for parts in several for part in parts}
        again = sum(often[part] >= FEWEST_TOGETHER for part in together)
        if len(often) < len(cells) and again >= AGAIN_SHARE * len(together):
            return separator
    return None


def labels_in(cells: Iterable[str]) -> list[list[str]]:
    """The labels of each cell where cells hold several, whichever way they are written; none of other cells.

    Example:
        >>> labels_in(["art; food", "food", "food; art"]), labels_in(["['art']", "[]"]), labels_in(["art", "food"])
        ([['art', 'food'], ['food'], ['food', 'art']], [['art'], []], [])
    """
    cells = list(cells)
    lists = [found for cell in cells if (found := list_of(cell)) is not None]
    if cells and len(lists) == len(cells):
        return [[str(one) for one in found if not isinstance(one, (dict, list))] for found in lists]
    separator = separator_of(cells)
    return [] if separator is None else [parts_of(cell, separator) for cell in cells]
