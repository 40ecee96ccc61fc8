"""Lines that look like a table and are none of labelled texts: they are refused, and said what they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from textrnn.base.errors import DataError
from textrnn.text.table.records import QUOTE

MIN_LINES, MIN_SHARE, MAX_LINES = 8, 0.95, 1_000
_FEATURES = re.compile(r"[+-]?\d[\d.,]*(?:\s+\d+:[+-]?\d[-+\d.eE]*)+\s*(?:#.*)?")
_GRAMMAR = re.compile(r"\d+(?:[-.]\d+)?\t(?:[^\t]+\t){2}(?:[A-Z]+|_)\t(?:\S+\t){2}(?:\d+|_)(?:\t\S+){3}")
_FIELD_END, _TAG = re.compile(r"[\t ,]"), re.compile(r"O|[BIESLU]-\w\S*")
MAX_FIELDS = 10  # of a token
_ABOUT_TOKENS = re.compile(r"# \S.*|-DOCSTART-.*")
_SEVERAL = {"{": "}", "[": "]", "(": ")"}


def refuse_lines(lines: Sequence[str], name: str) -> None:
    """Raises DataError if a file begins with lines of features, of tokens, of Python or of Weka.

    Args:
        lines: those at its begin.
        name: what to call it.

    Example:
        >>> refuse_lines(["+1 3:0.5 7:1\\n"] * 8, "a.txt")
        Traceback (most recent call last):
        ...
        textrnn.base.errors.DataError: a.txt has numbers of features (libsvm) and no texts: give the texts themselves
        >>> refuse_lines(["% tickets\\n", "@RELATION tickets\\n", "@data\\n"], "a.arff")
        Traceback (most recent call last):
        ...
        textrnn.base.errors.DataError: a.arff is an ARFF file (Weka): expected a table; save it as CSV
    """
    filled = [body for line in lines[:MAX_LINES] if (body := line.strip())]
    if next((body for body in filled if not body.startswith("%")), "").casefold().startswith("@relation "):
        raise DataError(f"{name} is an ARFF file (Weka): expected a table; save it as CSV")
    tokens = [body for body in filled if not _ABOUT_TOKENS.fullmatch(body)]
    fields = [_FIELD_END.split(body) for body in tokens]
    tags = [own[-1] for own in fields if 1 < len(own) <= MAX_FIELDS and _TAG.fullmatch(own[-1])]
    if _fill(tags, tokens) and {tag[:2] for tag in tags} & {"B-", "I-"} and "O" in tags:
        raise DataError(
            f"{name} has a token in each line with a tag such as {min(tags)}, which marks a part of a text: expected "
            "whole texts with a label each"
        )
    if _fill([body for body in tokens if _GRAMMAR.fullmatch(body)], tokens):
        raise DataError(f"{name} has a token in each line (CoNLL-U): expected whole texts with a label each")
    if _fill([body for body in filled if _FEATURES.fullmatch(body)], filled):
        raise DataError(f"{name} has numbers of features (libsvm) and no texts: give the texts themselves")
    if _fill([body for body in filled if _is_row_in_quotes(body)], filled):
        raise DataError(
            f"{name} has a whole row in quotes in each line, so that all are one column: it was saved as CSV twice; "
            "open it, split the column at its commas, and save it once"
        )
    values = [body.removesuffix(",") for body in filled]  # a list may go on in the next line
    if filled and filled[0][0] in _SEVERAL and _fill([body for body in values if _is_python(body)], values):
        raise DataError(f"{name} has a value of Python in each line and not JSON: write each with json.dumps")


def _is_row_in_quotes(body: str) -> bool:
    """Whether a line is one cell in quotes that holds commas, and in rows with quotes also doubled ones.

    Example:
        >>> _is_row_in_quotes('"1,""Good, cheap"",pos"'), _is_row_in_quotes('"1","Good, cheap"')
        (True, False)
        >>> _is_row_in_quotes('"Good, cheap"')
        False
    """
    inner = body[1:-1]
    is_one = len(body) > 1 and body[0] == body[-1] == QUOTE and QUOTE not in inner.replace(QUOTE * 2, "")
    return is_one and f",{QUOTE * 2}" in inner


def _fill(found: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether nearly all lines are among those found."""
    return len(lines) >= MIN_LINES and len(found) >= MIN_SHARE * len(lines)


def _is_python(body: str) -> bool:
    """Whether a line is a dict, list or tuple of Python with a text in single quotes.

    Example:
        >>> _is_python("{'text': 'fine', 'label': None}"), _is_python("['fine', 1]"), _is_python('["fine", 1]')
        (True, True, False)
    """
    if "'" not in body or _SEVERAL.get(body[0]) != body[-1]:
        return False
    try:
        value = ast.literal_eval(body)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return isinstance(value, (dict, list)) or (isinstance(value, tuple) and body[0] == "(")
