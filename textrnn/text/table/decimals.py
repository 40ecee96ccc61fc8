"""Whether the sign in a number such as 3,208 or 3.208 stands before decimals or between thousands."""

from __future__ import annotations

import re
from collections.abc import Collection

from textrnn.text.table.label_lists import are_codes

_EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # 3,208
_DECIMAL = re.compile(r"[+-]?(?:\d+,(?:\d{1,2}|\d{4,})|0\d*,\d+)")  # 3,13 and 0,013
_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+")  # 3.208
_WHOLE, _BELOW_THOUSAND = re.compile(r"[+-]?\d+"), re.compile(r"[+-]?\d{1,3}")
_HUNDREDS = re.compile(r"[+-]?[1-9]\d\d")
_FIGURES = re.compile(r"[+-]?\d[\d.,]*")
SURE_DELIMITER = ";"  # which spreadsheets write where the comma is a decimal comma


def reading_of(cells: Collection[str], delimiter: str) -> tuple[str, str] | None:
    """How numbers of a column are read of which the form alone does not tell it, and why; None if no cell is such.

    Another number proves that commas are decimal commas, if none speaks for thousands; else the delimiter of the file
    does, where each number has such a comma. With that delimiter points stand between thousands beside whole numbers
    below a thousand.

    Args:
        cells: of a column.
        delimiter: of the file.

    Returns:
        the sign that is read in another way, a comma or a point, and why, in words.

    Example:
        >>> reading_of(["3,208", "3,13", "4"], ","), reading_of(["3,208", "4,125"], ";")
        ((',', "as '3,13' shows"), (',', "as the delimiter is ';'"))
        >>> reading_of(["3,208", "413"], ";"), reading_of(["3,208", "4,125"], ",")
        (None, None)
        >>> reading_of(["3.208", "413"], ";"), reading_of(["3.208", "4.125"], ";")
        (('.', "as '413' beside the delimiter ';' shows"), None)
    """
    numbers = [cell for cell in dict.fromkeys(cells) if _FIGURES.fullmatch(cell)]
    hundreds = list(filter(_HUNDREDS.fullmatch, numbers))
    is_sure = delimiter == SURE_DELIMITER
    if is_sure and hundreds and _are_all(numbers, _POINTS, _BELOW_THOUSAND) and any("." in one for one in numbers):
        return ".", f"as {min(hundreds)!r} beside the delimiter {delimiter!r} shows"
    if not _are_all(numbers, _EITHER, _DECIMAL, _WHOLE) or not any(map(_EITHER.fullmatch, numbers)):
        return None
    if (decimals := list(filter(_DECIMAL.fullmatch, numbers))) and not are_codes(numbers):
        return ",", f"as {min(decimals)!r} shows"
    are_alike = all(map(_EITHER.fullmatch, numbers)) and not are_codes(numbers)
    return (",", f"as the delimiter is {delimiter!r}") if is_sure and are_alike else None


def _are_all(numbers: Collection[str], *forms: re.Pattern[str]) -> bool:
    return all(any(form.fullmatch(number) for form in forms) for number in numbers)


def as_decimal(cell: str, sign: str) -> str:
    """A number with a decimal point and without signs between thousands, see `reading_of`; other cells as they are.

    Example:
        >>> as_decimal("3,208", ","), as_decimal("3,13", ","), as_decimal("3.208", "."), as_decimal("good", ",")
        ('3.208', '3,13', '3208', 'good')
    """
    form, new = (_EITHER, ".") if sign == "," else (_POINTS, "")
    return cell.replace(sign, new) if form.fullmatch(cell) else cell
