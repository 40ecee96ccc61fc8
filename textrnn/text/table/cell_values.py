"""Cells as text, and text as the values of cells that have kinds, as in Excel and Parquet."""

from __future__ import annotations

import datetime
import json
import math
import re
from typing import Any

EXCEL_ERRORS = frozenset({"#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"})
LARGEST_WHOLE = 10**15  # below it a float holds each whole number
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,14})")
_FIGURE = re.compile(r"-?\d+\.\d+")


def as_text(value: Any) -> str:
    """A value as a table in text has it: whole numbers without decimals, dates as in ISO 8601, nothing for none.

    Example:
        >>> as_text(5.0), as_text(4.5), as_text(True), as_text(datetime.datetime(2024, 5, 1)), as_text(None)
        ('5', '4.5', 'TRUE', '2024-05-01', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return "" if math.isnan(value) else str(whole_or_float(value))
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ").removesuffix(" 00:00:00")
    return str(value)


def text_of_list(cell: str) -> str:
    """The text of a cell of JSON that is a list of words, or of parts of a text; other cells as they are.

    Example:
        >>> text_of_list('["a", "film"]'), text_of_list('["好", "看"]'), text_of_list("[sic]")
        ('a film', '好看', '[sic]')
        >>> text_of_list('["see ", {"type": "link", "text": "http://a.b"}]')
        'see http://a.b'
    """
    try:
        parts = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    if not isinstance(parts, list):
        return cell
    texts: list[Any] = [part.get("text") if isinstance(part, dict) else part for part in parts]
    if not all(isinstance(text, str) for text in texts):
        return cell
    are_words = parts == texts and re.search("[A-Za-z]", "".join(texts))
    return (" " if are_words else "").join(texts)


def whole_or_float(value: float) -> int | float:
    """A float that is a whole number as an int.

    Example:
        >>> whole_or_float(3.0), whole_or_float(3.5)
        (3, 3.5)
    """
    return int(value) if value.is_integer() and abs(value) < LARGEST_WHOLE else value


def as_number(text: str) -> int | float | str:
    """The number that a text is exactly, so that writing it gives the text again; else the text.

    Example:
        >>> as_number("5"), as_number("-0.5"), as_number("007"), as_number("1.10"), as_number("1e3")
        (5, -0.5, '007', '1.10', '1e3')
    """
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _FIGURE.fullmatch(text) and repr(float(text)) == text else text


def as_figure(cell: Any) -> Any:
    """A cell that is a number with decimals, such as a probability, as a number; nothing for an empty one.

    Example:
        >>> as_figure("0.9000"), as_figure("ok"), as_figure("") is None
        (0.9, 'ok', True)
    """
    if isinstance(cell, str):
        return float(cell) if _FIGURE.fullmatch(cell) else cell or None
    return cell
