"""Texts that are given in Python: any iterable of them, of which a Series and a DataFrame keep their form.

Series and DataFrame are known by what they can do, so that pandas is not needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from textrnn.base.errors import ConfigError, DataError
from textrnn.text.table.json_lines import free_name

EXPECTED = "expected a list of texts"
GIVEN = "given texts"  # what a file is called that texts are copied to


def given_texts(texts: Iterable[Any], column: Any = None) -> Iterator[str]:
    """Goes through texts in their order, and sees that they are texts.

    Args:
        texts: any iterable of strings; of a DataFrame one column is read.
        column: the name of that column.

    Raises:
        ConfigError: `texts` is a single text or a mapping; or the column is missing, or given without a DataFrame.
        DataError: one of them is no text; the message has its number from 1, and its label in a Series.

    Example:
        >>> list(given_texts(text for text in ("a", "b")))
        ['a', 'b']
        >>> list(given_texts(["a", None]))
        Traceback (most recent call last):
        ...
        textrnn.base.errors.DataError: text 2 is None: expected a text; of one that is missing give an empty one, ''
    """
    if is_frame(texts):
        texts = _column_of(texts, column)
    elif column is not None:
        raise ConfigError(f"column is {column!r:.60}: it goes with a DataFrame, and texts is no such table")
    if isinstance(texts, str | bytes | Mapping):
        raise ConfigError(f"texts is {texts!r:.60}: {EXPECTED}")
    try:
        items = iter(texts)
    except TypeError:
        raise ConfigError(f"texts is {texts!r:.60}: {EXPECTED}") from None
    return _checked(items, getattr(texts, "index", None) if hasattr(texts, "iloc") else None)


def like_given(texts: Any, found: Sequence[Any], columns: Mapping[str, Sequence[Any]]) -> Any:
    """What was found for each text, in the form in which the texts were given.

    Args:
        texts: as for `given_texts`.
        found: one for each text.
        columns: what a DataFrame gets, by the names of the new columns; a name that is taken gets a number.

    Returns:
        a list; a Series with the same index; or a copy of the DataFrame with columns added.
    """
    if is_frame(texts):
        names = dict[str, Sequence[Any]]()
        for name, cells in columns.items():
            names[free_name(name, [*texts.columns, *names])] = cells
        return texts.assign(**names)
    if hasattr(texts, "iloc"):
        return type(texts)(list(found), index=texts.index, name=texts.name, dtype=object)
    return list(found)


def is_frame(texts: Any) -> bool:
    """Whether texts come in a DataFrame."""
    return hasattr(texts, "iloc") and hasattr(texts, "columns")


def _column_of(frame: Any, column: Any) -> Any:
    there = ", ".join(f"{name!r:.40}" for name in list(frame.columns)[:12]) or "none"
    if column is None:
        raise ConfigError(f"texts is a DataFrame: name the column with the texts, column=... (there: {there})")
    if (number := list(frame.columns).count(column)) != 1:
        found = f"{number} columns" if number else "no column"
        raise ConfigError(f"the DataFrame has {found} {column!r:.60} (there: {there})")
    return frame[column]


def _checked(items: Iterator[Any], index: Any) -> Iterator[str]:
    for number, text in enumerate(items, 1):
        if not isinstance(text, str):
            place = f"text {number:,}" if index is None else f"text {number:,} (index {index[number - 1]!s:.60})"
            raise DataError(f"{place} is {text!r:.60}: expected a text; of one that is missing give an empty one, ''")
        yield text
