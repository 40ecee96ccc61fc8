"""Labels of a row that are written as a list in its cell: `["art", "food"]` as JSON and Python write it."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Sequence
from typing import Any

from textrnn.base.errors import DataError
from textrnn.text.table.records import AND

SPAN_WIDTH = 3  # of [begin, end, label], which marks a part of a text


def list_of(cell: str) -> list[Any] | None:
    """The list that a cell holds, None if it holds none.

    Example:
        >>> list_of('["art", 1]'), list_of("['art']"), list_of("[sic]"), list_of("art")
        (['art', 1], ['art'], None, None)
    """
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
        >>> as_list(["art", "food"], "['art']"), as_list(["art"], '["art"]')
        ("['art', 'food']", '["art"]')
    """
    return repr(list(labels)) if like.startswith("['") else json.dumps(list(labels), ensure_ascii=False)
