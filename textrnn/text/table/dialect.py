"""How a table is cut into cells, found out from its beginning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from textrnn.base.errors import ConfigError
from textrnn.text.table.column_facts import NUMBER
from textrnn.text.table.json_arrays import array_level
from textrnn.text.table.json_lines import parse_object
from textrnn.text.table.measure import MIN_SHARE, Measure, measured
from textrnn.text.table.name_words import OPINIONS
from textrnn.text.table.not_tables import refuse_lines
from textrnn.text.table.records import (
    AT,
    AT_SIGN,
    FASTTEXT,
    FIRST_WORD,
    JSON,
    JSONL,
    LINES,
    QUOTE,
    Dialect,
    read_records,
)
from textrnn.text.table.signs import (
    DELIMITERS,
    begin_with_labels,
    is_at,
    is_first_word,
    is_of_blanks,
    num_with_labels,
    sign_before,
    signs_beside_labels,
    signs_between,
)

NAMES = {name: char for char, name in DELIMITERS.items()} | {"\\t": "\t", "at": AT_SIGN, "space": " ", "colon": ":"}
NAMES |= {f"\\x{code:02x}": chr(code) for code in range(1, 32)}
MIN_LINES_PER_DELIMITER = 4  # a delimiter that is rarer is not tried
MIN_SHARES = {0.0: MIN_SHARE, 0.5: 0.2, 1.0: 0.0}  # by what the names in the header tell
BEGIN_LINES = 50  # in which the first object of a JSON array begins
LABEL_SIGNS = (AT_SIGN, "，", "；", "->", "=>", "→")  # before an opinion at the end of a line
RARER_LABEL_SIGNS = (",", "，", "：", ":", "\u3000", " ")  # the same, and before a 0 or 1, if no delimiter fits
MAX_DELIMITER_CHARS = 10
_FORMS = {LINES: (LINES, "\t", 1), AT_SIGN: (AT, AT_SIGN, 2), FIRST_WORD: (FIRST_WORD, "\t", 2)}
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


def parse_delimiter(wanted: str) -> str:
    """The delimiter that a flag names: some characters, or a word such as `tab`; or `jsonl`, `first-word` or `lines`.

    Raises:
        ConfigError: it is neither.
    """
    if wanted.casefold() in (JSONL, FIRST_WORD, LINES):
        return wanted.casefold()
    found = NAMES.get(wanted.casefold(), wanted)
    if not 1 <= len(found) <= MAX_DELIMITER_CHARS or set(found) & set(f"{QUOTE}\r\n"):
        raise ConfigError(
            f"--delimiter is {wanted!r:.60}: expected a character or a few, such as ';' or '||', or one of "
            f"{', '.join(DELIMITERS.values())}, at (text@label), "
            f"{JSONL} (an object a line), {FIRST_WORD} (a label, a blank or colon, and a text), {LINES} (a text a line)"
        )
    return found


def separator_line(line: str) -> str | None:
    """The delimiter that a first line as Excel understands it tells."""
    found = _SEPARATOR_LINE.fullmatch(line)
    return found.group(1) if found else None


def find_dialect(
    lines: Sequence[str],
    *,
    complete: bool = True,
    newline: str = "\n",
    delimiter: str | None = None,
    quotes: bool | None = None,
    name: str = "",
    wants_labels: bool = False,
) -> Measure:
    """Find out how records are cut into cells.

    The delimiter is the one that gives most records the same number of cells, two at least, where a name in the
    header that is known counts in its favour. Quotes are quotes if nearly all that open a cell are closed at the end
    of one. A file in which no delimiter fits is `text@label` if what stands behind the last at sign of its lines are
    few short words, and else a text a line.

    Args:
        lines: those at the begin of the file.
        complete: whether they are all.
        newline: what ends a line.
        delimiter: as `parse_delimiter` gives it, if it is known.
        quotes: whether cells can be quoted, if it is known.
        name: of the file; its suffix tells what is else open.
        wants_labels: whether there should be labels, so that signs which texts have as well may part them from texts.

    Returns:
        The dialect, and the number of cells.

    Raises:
        DataError: the lines are no table, see `textrnn.text.table.not_tables`.

    Example:
        >>> find_dialect(["good film, really;1\\n", "bad;0\\n"]).dialect.delimiter
        ';'
    """
    unquoted = Dialect(newline=newline, quotes=False, quoted="none")
    if delimiter is None and (level := _json_level(lines)):
        return Measure(replace(unquoted, kind=JSON, level=level))
    if delimiter == JSONL or (delimiter is None and _is_jsonl(lines)):
        return Measure(replace(unquoted, kind=JSONL))
    if delimiter is None and (with_labels := num_with_labels(lines)) is not None:
        before, behind = with_labels
        dialect = replace(unquoted, kind=FASTTEXT, delimiter="\t", labels_last=behind > before)
        return Measure(dialect, 2, 1.0)
    if delimiter in _FORMS:
        return _of_form(unquoted, delimiter)
    if delimiter is None:
        refuse_lines(lines, name)
    else:
        return measured(lines, replace(unquoted, delimiter=delimiter), quotes, complete)
    found = _best(lines, unquoted, quotes, complete, is_csv=name.casefold().endswith(".csv"))
    is_open = found.width == 1 or found.dialect.kind == FIRST_WORD
    if wants_labels and is_open and (signs := signs_beside_labels(lines)):
        return measured(lines, replace(unquoted, delimiter=signs), quotes, complete)
    if wants_labels and found.width == 1 and begin_with_labels(lines):
        return _of_form(unquoted, FIRST_WORD)
    if wants_labels and found.width == 1 and (sign := sign_before(OPINIONS | {"0", "1"}, lines, RARER_LABEL_SIGNS)):
        return Measure(replace(unquoted, kind=AT, delimiter=sign), 2, 1.0)
    return found


def _of_form(unquoted: Dialect, delimiter: str) -> Measure:
    """A form that `parse_delimiter` names and that nothing has to be measured of."""
    kind, between, width = _FORMS[delimiter]
    return Measure(replace(unquoted, kind=kind, delimiter=between), width, 1.0)


def _best(lines: Sequence[str], unquoted: Dialect, quotes: bool | None, complete: bool, *, is_csv: bool) -> Measure:
    """The dialect that fits best, of all delimiters."""
    if signs := signs_between(lines):
        return measured(lines, replace(unquoted, delimiter=signs), quotes, complete)
    if is_of_blanks(lines):
        return measured(lines, replace(unquoted, delimiter=" "), quotes, complete)
    if sign := sign_before(OPINIONS, lines, LABEL_SIGNS):
        return Measure(replace(unquoted, kind=AT, delimiter=sign), 2, 1.0)
    text = "".join(lines)
    found = [
        measured(lines, replace(unquoted, delimiter=char), quotes, complete)
        for char in DELIMITERS
        if char == "," or char in lines[0] or MIN_LINES_PER_DELIMITER * text.count(char) > len(lines)
    ]
    unclosed_line = max(one.unclosed_line for one in found)
    fitting = [
        one
        for one in found
        if one.width > 1 and one.share >= MIN_SHARES[one.hint] and not _is_prose(lines, one, complete, is_csv)
    ]
    if fitting:
        # Of several that fit, one with proper quotes, then the tab, which texts seldom have, then the one with more
        # cells; in "fine;1,5" both make two, and a comma is the less likely.
        best = max(
            fitting,
            key=lambda one: (
                round(one.share + one.hint, 2),
                one.has_quotes,
                one.dialect.delimiter == "\t",
                not one.blank_behind,
                one.width,
            ),
        )
        return replace(best, unclosed_line=unclosed_line)
    if is_at(lines):
        return _of_form(unquoted, AT_SIGN)
    if is_first_word(lines):
        return _of_form(unquoted, FIRST_WORD)
    comma = found[-1]
    is_quoted = comma.dialect.quotes and any(line.startswith(QUOTE) for line in lines)
    if comma.width == 1 and comma.share == 1 and (is_quoted or is_csv):
        return comma
    return replace(_of_form(unquoted, LINES), unclosed_line=unclosed_line)


def _is_prose(lines: Sequence[str], found: Measure, complete: bool, is_csv: bool) -> bool:
    """Whether what looks like a delimiter may be the punctuation of texts that are a line each.

    It is none if there are quotes, names in a header, a column of numbers or one of values that come again; else if it
    has a space behind it, or the file is not called one with such delimiters.
    """
    char = found.dialect.delimiter
    if char not in ",;" or found.hint or found.has_quotes:
        return False
    rows = [record.cells for record in read_records(lines, found.dialect, complete=complete)]
    rows = [cells for cells in rows if len(cells) == found.width]
    for column in zip(*rows, strict=True):
        numbers = sum(bool(NUMBER.fullmatch(cell)) for cell in column)
        if 2 * numbers > len(column) or (len(column) >= 4 and 2 * len(set(column)) <= len(column)):
            return False
    spaced = sum(cell[:1].isspace() for cells in rows for cell in cells[1:])
    return not is_csv or 2 * spaced > len(rows) * (found.width - 1)


def is_json(lines: Sequence[str]) -> bool:
    """Whether the beginning of a file is that of rows in JSON: an array, or an object a line."""
    return _json_level(lines) > 0 or _is_jsonl(lines)


def _is_jsonl(lines: Sequence[str]) -> bool:
    filled = [line for line in lines if not line.isspace()][:200]
    if not filled or not filled[0].lstrip().startswith("{"):
        return False
    return sum(parse_object(line) is not None for line in filled) > len(filled) / 2


def _json_level(lines: Sequence[str]) -> int:
    """The level of the rows if it is one JSON value of many rows, see `array_level`; else 0."""
    level = array_level("".join(lines[:BEGIN_LINES]))
    return level if level == 1 or sum(not line.isspace() for line in lines) == 1 or not _is_jsonl(lines) else 0
