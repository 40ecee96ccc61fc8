"""Whether the comma of a number such as 3,208 is a decimal comma or stands between thousands."""

from __future__ import annotations

import re
from collections.abc import Collection

from textrnn.text.table.label_lists import are_codes

_EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # 3,208
_DECIMAL = re.compile(r"[+-]?(?:\d+,(?:\d{1,2}|\d{4,})|0\d*,\d+)")  # 3,13 and 0,013
_WHOLE = re.compile(r"[+-]?\d+")
_FIGURES = re.compile(r"[+-]?\d[\d.,]*")
SURE_DELIMITER = ";"  # which spreadsheets write where the comma is a decimal comma


def decimal_comma(cells: Collection[str], delimiter: str) -> str | None:
    """Why numbers with a comma and three figures behind it are decimals, in words; None if they are not.

    Another number proves it, if none speaks for thousands; else the delimiter of the file does, where each number has
    such a comma.

    Args:
        cells: of a column.
        delimiter: of the file.

    Example:
        >>> decimal_comma(["3,208", "3,13", "4"], ","), decimal_comma(["3,208", "4,125"], ";")
        ("as '3,13' shows", "as the delimiter is ';'")
        >>> decimal_comma(["3,208", "413"], ";"), decimal_comma(["3,208", "4,125"], ",")
        (None, None)
    """
    numbers = [cell for cell in dict.fromkeys(cells) if _FIGURES.fullmatch(cell)]
    either = list(filter(_EITHER.fullmatch, numbers))
    decimals = list(filter(_DECIMAL.fullmatch, numbers))
    num_whole = sum(map(bool, map(_WHOLE.fullmatch, numbers)))
    if not either or len(either) + len(decimals) + num_whole < len(numbers) or are_codes(numbers):
        return None
    if decimals:
        return f"as {min(decimals)!r} shows"
    return None if num_whole or delimiter != SURE_DELIMITER else f"as the delimiter is {delimiter!r}"


def with_point(cell: str) -> str:
    """A number with a comma and three figures behind it, with a decimal point; others as they are.

    Example:
        >>> with_point("3,208"), with_point("3,13"), with_point("good")
        ('3.208', '3,13', 'good')
    """
    return cell.replace(",", ".") if _EITHER.fullmatch(cell) else cell
