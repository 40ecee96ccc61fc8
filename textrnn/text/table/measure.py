"""How well a delimiter fits the lines at the begin of a file, and how its cells are quoted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from textrnn.text.table.column_facts import NUMBER
from textrnn.text.table.column_names import EXACT, SECOND, label_hint, text_hint
from textrnn.text.table.noise import MAX_TITLES
from textrnn.text.table.records import ESCAPE, Dialect, Record, are_rows, read_records
from textrnn.text.table.signs import MIN_SIGN_SHARE

MAX_QUOTING_RECORDS = 500  # tell which cells are quoted
FEWEST = 3  # records that tell of quotes which are unusual
MIN_SHARE = 0.8  # of records with the same number of cells
# Share of the records with quoted cells in which the quotes may be damaged; above it quotes are text. Commas stand in
# texts so often that files have to quote them; tabs do not, and what writes files with tabs often does not quote.
MAX_STRAY_SHARE = {",": 0.5, ";": 0.5}
MAX_STRAY_SHARE_ELSE = 0.1


@dataclass(frozen=True)
class Measure:
    """What a dialect makes of the beginning of a file."""

    dialect: Dialect
    width: int = 0  # the usual number of cells
    share: float = 0.0  # of records that have so many
    stray_share: float = 0.0  # of records with quoted cells, that have quotes where none belong
    hint: float = 0.0  # whether cells of the first record are names that columns have: 0.5 if one is, 1 if both are
    spaced: bool = False  # whether some cells begin with a space and a quote
    blank_behind: bool = False  # whether most delimiters have a blank behind them, as commas in texts have
    quoted_share: float = 0.0  # of records but for a header, that have cells in quotes
    num_quoted: int = 0  # of records of one line that have cells in quotes
    has_quotes: bool = False  # whether some cells are in quotes, and properly
    unclosed_line: int = 0  # the first line with a quote that is never closed; 0 if there is none


def measured(lines: Sequence[str], unquoted: Dialect, quotes: bool | None, complete: bool) -> Measure:
    """How a delimiter does, with quotes or backslashes as they fit best."""
    found = _measured_quotes(lines, unquoted, quotes, complete)
    if quotes is not False and not found.has_quotes and sum("'" in line for line in lines) >= len(lines) / 2:
        single = _measured_quotes(lines, replace(unquoted, quote="'"), True, complete)
        is_sure = single.num_quoted >= FEWEST and min(single.quoted_share, 1 - single.stray_share) >= MIN_SIGN_SHARE
        if is_sure and single.share >= found.share:
            return replace(single, has_quotes=False)  # apostrophes stand in texts as well
    kept = tuple(ESCAPE + one for one in (unquoted.delimiter, "\r", "\n"))
    if not quotes and any(one in line for line in lines for one in kept):
        escaped = _measure(lines, replace(unquoted, escape=True), complete)
        if escaped.share > found.share:
            return escaped
    return found


def _measured_quotes(lines: Sequence[str], unquoted: Dialect, quotes: bool | None, complete: bool) -> Measure:
    """How a delimiter does, with quotes as they fit best."""
    if quotes is False:
        return _measure(lines, unquoted, complete)
    quoted = _measure(lines, replace(unquoted, quotes=True), complete)
    if quoted.spaced:
        spaced = _measure(lines, replace(quoted.dialect, skip_space=True), complete)
        if spaced.share >= quoted.share and spaced.stray_share <= quoted.stray_share:
            quoted = spaced
    if quoted.stray_share and any(ESCAPE + unquoted.quote in line for line in lines):
        escaped = _measure(lines, replace(quoted.dialect, escape=True), complete)
        if escaped.stray_share < quoted.stray_share:
            quoted = escaped
    if quotes is None and quoted.stray_share:
        literal = _measure(lines, unquoted, complete)
        too_many = quoted.stray_share > MAX_STRAY_SHARE.get(unquoted.delimiter, MAX_STRAY_SHARE_ELSE)
        if literal.share > quoted.share + 0.05 or (too_many and quoted.share <= literal.share + 0.05):
            return replace(literal, unclosed_line=quoted.unclosed_line)
    return quoted


def _measure(lines: Sequence[str], dialect: Dialect, complete: bool) -> Measure:
    records = [record for record in read_records(lines, dialect, complete=complete) if record.cells]
    if not records:
        return Measure(dialect)
    widths = Counter(len(record.cells) for record in records)
    first, hint = next((r.cells for r in records[: MAX_TITLES + 1] if len(r.cells) > 1), records[0].cells), 0.0
    if len(first) > 1:  # names do not come again, unless the header does
        below = {cell for record in records[:MAX_QUOTING_RECORDS] if record.cells != first for cell in record.cells}
        names = set(first) - below
        hint = sum(any(known(cell) >= EXACT - SECOND for cell in names) for known in (text_hint, label_hint)) / 2
    if hint and len(records) > 1:  # a header may be shorter than all rows
        widths[len(first)] -= 1
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    if hint and count < MIN_SHARE * widths.total():
        width, count = len(first), widths[len(first)]
    num_stray = sum(record.stray for record in records)
    quote = dialect.quote
    num_quoted = sum(any(record.raw.startswith(quote, begin) for begin, _ in record.spans) for record in records)
    several = [record.raw for record in records if dialect.newline in record.raw.rstrip("\r\n")]
    if dialect.quotes:
        quoted = _quoting(records[len(records) > 1 :][:MAX_QUOTING_RECORDS], quote)
        dialect = replace(dialect, quoted=quoted, speeches=_are_speeches(several, dialect, width))
    return Measure(
        dialect,
        width,
        count / widths.total(),
        stray_share=num_stray / max(1, num_quoted),
        hint=hint,
        spaced=any(_is_spaced(record, quote) for record in records),
        blank_behind=_has_blanks_behind(records),
        quoted_share=min(1.0, num_quoted / max(1, len(records) - 1)),
        num_quoted=num_quoted - len(several),
        has_quotes=num_quoted > num_stray,
        unclosed_line=next((record.line for record in records if record.unclosed), 0),
    )


def _are_speeches(several: Sequence[str], dialect: Dialect, width: int) -> bool:
    """Whether most records of several lines are rows: a quote begins one text, and ends another. Only of a delimiter
    that texts seldom have, such as a tab."""
    if width < 2 or dialect.delimiter.isprintable() or len(several) < FEWEST:
        return False
    return sum(are_rows(raw, dialect, width) for raw in several) >= max(FEWEST, len(several) / 2)


def _has_blanks_behind(records: Sequence[Record]) -> bool:
    cells = [cell for record in records[:MAX_QUOTING_RECORDS] for cell in record.cells[1:]]
    return 2 * sum(cell.startswith(" ") for cell in cells) > len(cells)


def _is_spaced(record: Record, quote: str) -> bool:
    """Whether a cell that is not itself in quotes begins with a space and a quote."""
    return any(
        record.raw[begin] == " " and cell.lstrip(" ")[:1] == quote
        for cell, (begin, end) in zip(record.cells, record.spans, strict=False)
        if begin < end
    )


def _quoting(records: Sequence[Record], quote: str) -> str:
    """Which cells are quoted, by records without a header."""
    seen = set[tuple[bool, bool]]()  # (is quoted, is a number)
    for record in records:
        spans = record.spans or [(0, 0)] * len(record.cells)
        for cell, (begin, end) in zip(record.cells, spans, strict=True):
            seen.add((begin < end and record.raw[begin] == quote, bool(NUMBER.fullmatch(cell))))
    if (False, False) in seen or not {(True, False), (True, True)} & seen:
        return "minimal"
    if (False, True) not in seen:
        return "all"
    return "minimal" if (True, True) in seen else "nonnumeric"
