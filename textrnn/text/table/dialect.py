"""How a table is cut into cells, found out from its beginning."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from textrnn.base.errors import ConfigError
from textrnn.text.table.column_facts import EXACT, NUMBER, OPINIONS, SECOND, label_hint, text_hint
from textrnn.text.table.json_arrays import array_level
from textrnn.text.table.json_lines import parse_object
from textrnn.text.table.noise import MAX_TITLES
from textrnn.text.table.not_tables import refuse_lines
from textrnn.text.table.records import (
    AT,
    AT_SIGN,
    ESCAPE,
    FASTTEXT,
    FIRST_WORD,
    JSON,
    JSONL,
    LABEL_PREFIX,
    LINES,
    QUOTE,
    Dialect,
    Record,
    first_word_cells,
    is_bracketed,
    read_records,
)

DELIMITERS = {"\t": "tab", ";": "semicolon", "|": "pipe", ",": "comma"}
NAMES = {name: char for char, name in DELIMITERS.items()} | {"\\t": "\t", "at": AT_SIGN, "space": " ", "colon": ":"}
NAMES |= {f"\\x{code:02x}": chr(code) for code in range(1, 32)}
MAX_QUOTING_RECORDS = 500  # tell which cells are quoted
MIN_LINES_PER_DELIMITER = 4  # a delimiter that is rarer is not tried
MIN_SHARE = 0.8  # of records with the same number of cells
MIN_SHARES = {0.0: MIN_SHARE, 0.5: 0.2, 1.0: 0.0}  # by what the names in the header tell
# Share of the records with quoted cells in which the quotes may be damaged; above it quotes are text. Commas stand in
# texts so often that files have to quote them; tabs do not, and what writes files with tabs often does not quote.
MAX_STRAY_SHARE = {",": 0.5, ";": 0.5}
MAX_STRAY_SHARE_ELSE = 0.1
BEGIN_LINES = 50  # in which the first object of a JSON array begins
LABEL_SIGNS = (AT_SIGN, "，", "；", "->", "=>", "→")  # before an opinion at the end of a line
RARER_LABEL_SIGNS = (",", "，", "：", ":", "\u3000", " ")  # the same, and before a 0 or 1, if no delimiter fits
MAX_AT_LABELS, MAX_AT_LABEL_CHARS = 50, 40
MAX_DELIMITER_CHARS = 10
MIN_SIGN_LINES, MIN_SIGN_SHARE = 8, 0.95  # lines, and the share of them with as many delimiters of several signs
# Delimiters of several signs, such as _!_ and +++$+++ and ||, and control characters, such as those of Hive. Signs that
# are often side by side in texts are none.
_SIGNS = re.compile(r"[#$%&+,:;@^`|~]{2,7}|\t{2,7}|_[^\w\s\"']{1,5}_|\+\+\+\$\+\+\+|[\x01-\x08\x0e-\x1f]")
# Delimiters that texts have as well: one of a few signs, a run of others, a name in brackets, or blanks; and these
# without the blanks around them. Colons and dashes that stand alone, brackets and what ends a sentence are none.
_RARE_SIGNS = re.compile(
    r"\s*(?:<\w+>|\[[A-Z]+\]|[#^~，；、｜→]|(?<=\s)/(?=\s)|[^\w\s\"'“”‘’.!?…。！？()（）{}\[\]【】《》]{2,7})\s*"
    r"|\s{2,}|[\u3000\t]|(?<=[\u3400-\u9fff]) (?=\w)|(?<=\w) (?=[\u3400-\u9fff])"
)
_BLANKS_AND_SIGNS_LAST = re.compile(r"[\s#$%&+,:;@^`|~=<>—\-]*\Z")
_QUOTED_OR_NUMBER = r'(?:"(?:[^"\\]|\\.|"")*"|[-+\d.eE]+|NA|NaN|-?Inf|TRUE|FALSE)'
_CELLS_AND_BLANKS = re.compile(rf"{_QUOTED_OR_NUMBER}(?: {_QUOTED_OR_NUMBER})+")
_LABEL_CODE = re.compile(r"[A-Z]{2,}(?:[:_-]\w+)+")  # such as NUM:date
_CLASS_NUMBER, _NUMBERED = re.compile(r"[+-]?\d{1,2}"), {"0", "-1"}  # of which there is one where classes are numbers
_FORMS = {LINES: (LINES, "\t", 1), AT_SIGN: (AT, AT_SIGN, 2), FIRST_WORD: (FIRST_WORD, "\t", 2)}
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


@dataclass(frozen=True)
class Measure:
    """What a dialect makes of the beginning of a file."""

    dialect: Dialect
    width: int = 0  # the usual number of cells
    share: float = 0.0  # of records that have so many
    stray_share: float = 0.0  # of records with quoted cells, that have quotes where none belong
    hint: float = 0.0  # whether cells of the first record are names that columns have: 0.5 if one is, 1 if both are
    spaced: bool = False  # whether some cells begin with a space and a quote
    quoted_share: float = 0.0  # of records but for a header, that have cells in quotes
    has_quotes: bool = False  # whether some cells are in quotes, and properly
    unclosed_line: int = 0  # the first line with a quote that is never closed; 0 if there is none


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
    if delimiter is None and (with_labels := _num_with_labels(lines)) is not None:
        before, behind = with_labels
        dialect = replace(unquoted, kind=FASTTEXT, delimiter="\t", labels_last=behind > before)
        return Measure(dialect, 2, 1.0)
    if delimiter in _FORMS:
        return _of_form(unquoted, delimiter)
    if delimiter is None:
        refuse_lines(lines, name)
    else:
        return _measured(lines, replace(unquoted, delimiter=delimiter), quotes, complete)
    return _best(lines, unquoted, quotes, complete, is_csv=name.casefold().endswith(".csv"))


def _of_form(unquoted: Dialect, delimiter: str) -> Measure:
    """A form that `parse_delimiter` names and that nothing has to be measured of."""
    kind, between, width = _FORMS[delimiter]
    return Measure(replace(unquoted, kind=kind, delimiter=between), width, 1.0)


def _best(lines: Sequence[str], unquoted: Dialect, quotes: bool | None, complete: bool, *, is_csv: bool) -> Measure:
    """The dialect that fits best, of all delimiters."""
    if signs := _signs_between(lines):
        return _measured(lines, replace(unquoted, delimiter=signs), quotes, complete)
    if _is_of_blanks(lines):
        return _measured(lines, replace(unquoted, delimiter=" "), quotes, complete)
    if sign := _sign_before(OPINIONS, lines, LABEL_SIGNS):
        return Measure(replace(unquoted, kind=AT, delimiter=sign), 2, 1.0)
    text = "".join(lines)
    found = [
        _measured(lines, replace(unquoted, delimiter=char), quotes, complete)
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
        # Of several that fit, one with proper quotes, then the one with more cells; in "fine;1,5" both make two, and
        # a comma is the less likely.
        best = max(fitting, key=lambda one: (round(one.share + one.hint, 2), one.has_quotes, one.width))
        return replace(best, unclosed_line=unclosed_line)
    if _is_at(lines):
        return _of_form(unquoted, AT_SIGN)
    if signs := _signs_beside_labels(lines):
        return _measured(lines, replace(unquoted, delimiter=signs), quotes, complete)
    if _is_first_word(lines):
        return _of_form(unquoted, FIRST_WORD)
    if sign := _sign_before(OPINIONS | {"0", "1"}, lines, RARER_LABEL_SIGNS):
        return Measure(replace(unquoted, kind=AT, delimiter=sign), 2, 1.0)
    comma = found[-1]
    is_quoted = comma.dialect.quotes and any(line.startswith(QUOTE) for line in lines)
    if comma.width == 1 and comma.share == 1 and (is_quoted or is_csv):
        return comma
    return replace(_of_form(unquoted, LINES), unclosed_line=unclosed_line)


def _is_of_blanks(lines: Sequence[str]) -> bool:
    """Whether nearly all lines are cells in quotes or numbers with blanks between them, as R writes them.

    Example:
        >>> _is_of_blanks(['"text" "stars"\\n', '"1" "so \\\\"fine\\\\"" 5\\n']), _is_of_blanks(['"No", she said\\n'])
        (True, False)
    """
    filled = [line.strip() for line in lines if not line.isspace()]
    fitting = sum(QUOTE in line and bool(_CELLS_AND_BLANKS.fullmatch(line)) for line in filled)
    return fitting >= MIN_SIGN_SHARE * len(filled)


def _signs_between(lines: Sequence[str]) -> str | None:
    """Several signs that part the cells: they stand as many times in nearly every line, and no usual delimiter does.

    Example:
        >>> _signs_between([f"{n}_!_10{n % 3}_!_news, {n}\\n" for n in range(9)])
        '_!_'
        >>> _signs_between(["spam,call now!!,,,\\n", "ham,ok!!,,,\\n"] * 5)
    """
    filled = [line for line in lines if not line.isspace()]
    for signs in _signs_of(filled, _SIGNS):
        count = _even(line.count(signs) for line in filled)
        if not count or signs not in filled[0] or not signs.isascii():
            continue
        # A delimiter of one sign that stands alone somewhere, too, has empty cells where two are side by side; and one
        # that makes as many cells is the delimiter.
        own, others = set(signs) & set(DELIMITERS), [one for one in DELIMITERS if one not in signs]
        is_alone = any(one in line.replace(signs, "") for one in own for line in filled)
        if not is_alone and count > max(
            _even(line.count(one) - line.count(f"{one} ") for line in filled) for one in others
        ):
            return signs
    return None


def _signs_beside_labels(lines: Sequence[str]) -> str | None:
    """Signs that stand as many times in nearly every line, so that a column holds a few labels and another does not.

    Half of the lines may have no tab, and so no label.

    Example:
        >>> lines = [f"{'ab'[n % 2]}，这是第{n}句\\n" for n in range(9)]
        >>> _signs_beside_labels(lines), _signs_beside_labels([line.replace("，", " ---> ") for line in lines])
        ('，', ' ---> ')
        >>> _signs_beside_labels([f"第{n}句，也是第{n}句\\n" for n in range(9)])
    """
    filled = [line.rstrip("\r\n") for line in lines if not line.isspace()]
    for signs in _signs_of(filled, _RARE_SIGNS):
        having = [line for line in filled if signs in line] if signs == "\t" else filled
        if 2 * len(having) >= len(filled) and (count := _even(line.count(signs) for line in having)):
            columns = [*zip(*(line.split(signs) for line in having if line.count(signs) == count), strict=True)]
            if 0 < sum(_are_labels([*map(str.strip, column)]) for column in columns) < len(columns):
                return signs
    return None


def _signs_of(lines: Sequence[str], kind: re.Pattern[str]) -> list[str]:
    """What may be a delimiter of this kind in the first lines, the longest first."""
    found = {signs for line in lines[:MIN_SIGN_LINES] for signs in kind.findall(line)}
    found |= {signs.strip() for signs in found} - {""}
    return sorted(found, key=lambda signs: (-len(signs), signs)) if len(lines) >= MIN_SIGN_LINES else []


def _even(counts: Iterable[int]) -> int:
    """The count that nearly all lines have; 0 if there is none."""
    ((count, often),) = (numbers := Counter(counts)).most_common(1)
    return count if often >= MIN_SIGN_SHARE * numbers.total() else 0


def _are_labels(cells: Sequence[str]) -> bool:
    """Whether a few short values come again and again; numbers of classes have a 0 or -1 among them."""
    labels = Counter(cells)
    if (
        not 1 < len(labels) <= MAX_AT_LABELS
        or len(cells) < 4 * len(labels)
        or max(map(len, labels)) > MAX_AT_LABEL_CHARS
    ):
        return False
    numbers = sum(labels[label] for label in labels if NUMBER.fullmatch(label))
    return 2 * labels[""] <= len(cells) and (2 * numbers <= len(cells) or bool(_NUMBERED & labels.keys()))


def _measured(lines: Sequence[str], unquoted: Dialect, quotes: bool | None, complete: bool) -> Measure:
    """How a delimiter does, with quotes or backslashes as they fit best."""
    found = _measured_quotes(lines, unquoted, quotes, complete)
    if quotes is not False and not found.has_quotes and sum("'" in line for line in lines) >= len(lines) / 2:
        single = _measured_quotes(lines, replace(unquoted, quote="'"), True, complete)
        if min(single.quoted_share, 1 - single.stray_share) >= MIN_SIGN_SHARE and single.share >= found.share:
            return single
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
    return Measure(
        replace(dialect, quoted=_quoting(records[len(records) > 1 :][:MAX_QUOTING_RECORDS], quote))
        if dialect.quotes
        else dialect,
        width,
        count / widths.total(),
        stray_share=num_stray / max(1, num_quoted),
        hint=hint,
        spaced=any(_is_spaced(record, quote) for record in records),
        quoted_share=min(1.0, num_quoted / max(1, len(records) - 1)),
        has_quotes=num_quoted > num_stray,
        unclosed_line=next((record.line for record in records if record.unclosed), 0),
    )


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


def _is_spaced(record: Record, quote: str) -> bool:
    """Whether a cell that is not itself in quotes begins with a space and a quote."""
    return any(
        record.raw[begin] == " " and cell.lstrip(" ")[:1] == quote
        for cell, (begin, end) in zip(record.cells, record.spans, strict=False)
        if begin < end
    )


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


def _num_with_labels(lines: Sequence[str]) -> tuple[int, int] | None:
    """How many lines have labels of fastText before their text, and behind it; None if it is another form."""
    filled = [line.split() for line in lines if not line.isspace()]
    before = sum(words[0].startswith(LABEL_PREFIX) for words in filled)
    behind = sum(words[-1].startswith(LABEL_PREFIX) for words in filled if len(words) > 1)
    return (before, behind) if 2 * max(before, behind) >= len(filled) > 0 else None


def _is_at(lines: Sequence[str], sign: str = AT_SIGN, only: Collection[str] | None = None) -> bool:
    """Whether what stands behind the last sign of nearly every line are few short words, or only some of these.

    Example:
        >>> _is_at(["评论，标签", "好茶，好喝，正面", "太淡，负面"], "，", only=OPINIONS)
        True
    """
    filled = [line for line in lines if not line.isspace()]
    if only is not None and filled and label_hint(filled[0].rpartition(sign)[2].strip()) >= EXACT - SECOND:
        filled = filled[1:]
    labels = Counter(line.rpartition(sign)[2].strip() for line in filled if sign in line)
    if labels.total() < 0.95 * len(filled) or any(len(label) > MAX_AT_LABEL_CHARS for label in labels):
        return False
    if only is not None:
        return len(labels) > 1 and {label.casefold() for label in labels} <= set(only)
    if label_hint(filled[0].rpartition(AT_SIGN)[2]) >= EXACT - SECOND:
        return True
    return len(labels) <= MAX_AT_LABELS and labels.total() >= max(4, 2 * len(labels))


def _sign_before(labels: Collection[str], lines: Sequence[str], signs: Sequence[str]) -> str | None:
    """Which of some signs, with other signs and blanks that stand before it in all lines, parts texts from labels.

    Example:
        >>> _sign_before(OPINIONS, ["好茶 --> 正面", "太淡 --> 负面"], ["->"])
        ' -->'
    """
    sign = next((sign for sign in signs if _is_at(lines, sign, only=labels)), None)
    if sign is None:
        return None
    texts = [line.rpartition(sign)[0] for line in lines if sign in line]
    run = min((found[0] for text in texts if (found := _BLANKS_AND_SIGNS_LAST.search(text))), key=len)
    return run + sign if all(text.endswith(run) for text in texts) else sign


def _is_first_word(lines: Sequence[str]) -> bool:
    """Whether nearly every line is one of a few labels, which texts do not begin with, a blank, and more words.

    Example:
        >>> _is_first_word(["1 a fine film", "0 long and dull"] * 9), _is_first_word(["LOC:city Which?"] * 9)
        (True, True)
        >>> _is_first_word(["A fine film", "The plot is dull"] * 9), _is_first_word(["1 cup of tea", "2 eggs"] * 9)
        (False, False)
        >>> _is_first_word(["[joy] a film", "[fear] a plot"] * 9), _is_first_word(["Ann: a film", "Ben: no"] * 9)
        (True, False)
    """
    bodies = [line.rstrip("\r\n") for line in lines if not line.isspace()]
    filled = [first_word_cells(body) for body in bodies]
    labels = Counter(words[0] for words in filled if len(words) > 1 and not NUMBER.fullmatch(words[1].strip()))
    if labels.total() < max(MIN_SIGN_LINES, MIN_SIGN_SHARE * len(filled), 4 * len(labels)):
        return False
    if _NUMBERED & labels.keys():
        return all(map(_CLASS_NUMBER.fullmatch, labels))
    if all(map(is_bracketed, bodies)) and len(labels) <= MAX_AT_LABELS:
        return True
    return all(label.casefold() in OPINIONS or _LABEL_CODE.fullmatch(label) for label in labels)


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
