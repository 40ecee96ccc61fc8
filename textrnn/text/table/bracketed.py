"""Lists of labels in brackets as NumPy, Postgres, and the sets and tuples of Python write them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_LABEL = rf"(?:{_QUOTED}|-?\d+(?:\.\d*)?)"
_BARE_LABEL = rf"(?:{_QUOTED}|[^,\"'{{}}\s][^,\"{{}}]*)"
_LABELS = {"[": _LABEL, "(": _LABEL, "{": _BARE_LABEL}  # by the first sign: of NumPy, tuples, sets and Postgres
_LISTS = {
    "[": re.compile(rf"\[\s*(?:{_LABEL}(?:\s+{_LABEL})*\s*)?\]", re.DOTALL),
    "(": re.compile(rf"\((?:{_LABEL}(?:,\s*{_LABEL})*,?)?\)", re.DOTALL),
    "{": re.compile(rf"\{{(?:{_BARE_LABEL}(?:,\s*{_BARE_LABEL})*)?\}}", re.DOTALL),
}
_QUOTE = re.compile("['\"]")
_NEEDS_NO_QUOTES = re.compile(r"[^,\"'{}\s\\]+")  # in Postgres
_EMPTY_SET = "set()"


def bracketed_labels(cell: str) -> list[str] | None:
    """The labels of a cell in brackets; None for a cell that is written otherwise.

    Example:
        >>> bracketed_labels("[0 3]"), bracketed_labels("['art'\\n 'fine food']"), bracketed_labels("[0. 1.]")
        (['0', '3'], ['art', 'fine food'], ['0', '1'])
        >>> bracketed_labels('{art,"fine, food"}'), bracketed_labels("{'art', 'food'}"), bracketed_labels("('art',)")
        (['art', 'fine, food'], ['art', 'food'], ['art'])
        >>> bracketed_labels("{}"), bracketed_labels("set()"), bracketed_labels("[sic]"), bracketed_labels("art")
        ([], [], None, None)
    """
    if cell == _EMPTY_SET:
        return []
    if cell[:1] not in _LISTS or not _LISTS[cell[0]].fullmatch(cell):
        return None
    found = re.findall(_LABELS[cell[0]], cell[1:-1], re.DOTALL)
    return [re.sub(r"\\(.)", r"\1", one[1:-1]) if one[0] in "'\"" else one.strip().rstrip(".") for one in found]


def is_bracketed_list(cell: str) -> bool:
    """Whether a cell has several labels in brackets."""
    return len(bracketed_labels(cell) or ()) > 1


def bracketed_style(cells: Collection[str]) -> str | None:
    """The longest cell with several labels where all cells have theirs in brackets; else None.

    Labels without quotes have to come again in other cells, as the ages of `(25, 32)` do not.

    Example:
        >>> bracketed_style(["[0 3]", "[3]", "[]"]), bracketed_style(["[0 3]", "art"]), bracketed_style(["{a}", "{b}"])
        ('[0 3]', None, None)
        >>> bracketed_style(["(25, 32)", "(38, 43)"]), bracketed_style(["('a', 'b')", "('c',)"])
        (None, "('a', 'b')")
    """
    found = dict[str, list[str]]()
    for cell in dict.fromkeys(cells):
        if (labels := bracketed_labels(cell)) is None:
            return None
        found[cell] = labels
    longest = max(filter(is_bracketed_list, found), key=len, default=None)
    often = Counter(label for labels in found.values() for label in labels)
    are_again = 2 * sum(count > 1 for count in often.values()) >= len(often)
    return longest if longest and (are_again or _QUOTE.search(longest)) else None


def in_brackets(labels: Sequence[str], like: str) -> str:
    """Labels in brackets, written as another cell is.

    Example:
        >>> in_brackets(["1", "4"], "[0 3]"), in_brackets(["a"], "['b' 'c']"), in_brackets(["a"], "('b', 'c')")
        ('[1 4]', "['a']", "('a',)")
        >>> in_brackets(["a", "fine, food"], "{art,food}"), in_brackets([], "{'art', 'food'}")
        ('{a,"fine, food"}', 'set()')
    """
    first, last, has_names = like[0], like[-1], like[1:].lstrip()[0] in "'\""
    if first == "{" and "'" not in like:
        return first + ",".join(map(_in_postgres, labels)) + last
    if first == "{" and not labels:
        return _EMPTY_SET
    written = [repr(label) if has_names else label for label in labels]
    between = " " if first == "[" else ", "
    return first + between.join(written) + "," * (first == "(" and len(labels) == 1) + last


def _in_postgres(label: str) -> str:
    if _NEEDS_NO_QUOTES.fullmatch(label):
        return label
    escaped = re.sub(r'(["\\])', r"\\\1", label)
    return f'"{escaped}"'
