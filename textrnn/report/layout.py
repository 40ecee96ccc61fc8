"""Text in columns for a terminal: Chinese takes two columns, and nothing in it can steer the terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence


def num_columns(text: str) -> int:
    """How many columns of a terminal a text takes.

    Reference:
        Unicode Standard Annex 11, East Asian width: wide and full-width characters take two columns, and combining
        marks none.

    Example:
        >>> num_columns("ab"), num_columns("好ab"), num_columns("e" + chr(0x301))
        (2, 4, 1)
    """
    return sum(_columns_of(char) for char in text)


def _columns_of(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def printable(text: str) -> str:
    """A text in one line, without control characters: white space becomes one space, what cannot be shown a sign.

    Escape sequences, and marks that turn the direction of writing, would else change how the rest is shown.

    Example:
        >>> printable("very\\n good" + chr(27) + "[31m")
        'very good�[31m'
    """
    joined = " ".join(text.split())
    return joined if joined.isprintable() else "".join(char if char.isprintable() else "�" for char in joined)


def in_a_line(names: Iterable[str], most_chars: int = 200) -> str:
    """Names of a file with commas between them, as `printable`, cut where they are too many or too long.

    Example:
        >>> in_a_line(["en", "f\\nr"]), in_a_line(["a" * 9, "b"], most_chars=4)
        ('en, f r', 'aaaa')
    """
    return printable(", ".join(names))[:most_chars]


def cut(text: str, columns: int) -> str:
    """A text that `printable` has made one line of, with "…" at its end if it is too long.

    Example:
        >>> cut("a long text", 7), cut("这家酒店", 7), cut("short", 7)
        ('a long…', '这家酒…', 'short')
    """
    text, used = printable(text), 0
    for end, char in enumerate(text):
        used += _columns_of(char)
        if used > columns or (used == columns and num_columns(text[end + 1 :])):
            return text[:end].rstrip() + "…"
    return text


def align(rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), indent: int = 2, gap: int = 2) -> list[str]:
    """Lines whose cells stand below each other.

    Args:
        rows: cells of each row; all have as many.
        right: numbers of the columns that are aligned at their right side.
        indent: columns before each line.
        gap: columns between cells.

    Example:
        >>> align([["label", "rows"], ["好评", "1,200"], ["bad", "7"]], right=[1])
        ['  label   rows', '  好评   1,200', '  bad        7']
    """
    widths = [max(num_columns(row[k]) for row in rows) for k in range(len(rows[0]))] if rows else []
    lines = []
    for row in rows:
        cells = []
        for k, (cell, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - num_columns(cell))
            cells.append(space + cell if k in right else cell + space)
        lines.append((" " * indent + (" " * gap).join(cells)).rstrip())
    return lines


def percent(share: float | None) -> str:
    """A share as a person reads it.

    Example:
        >>> percent(0.82429), percent(1.0), percent(None)
        ('82.4 %', '100.0 %', '-')
    """
    return "-" if share is None else f"{100 * share:.1f} %"


def decimals(value: float | None, places: int = 3) -> str:
    """A number with fixed places, "-" for none.

    Example:
        >>> decimals(0.41236), decimals(-0.0001), decimals(None)
        ('0.412', '0.000', '-')
    """
    return "-" if value is None else f"{round(value, places) + 0.0:.{places}f}"
