"""Lines of a delimited file that are no rows: titles above the header, headers that come again, rulers, totals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from textrnn.text.table.column_facts import MIN_ROWS_TO_JUDGE, NUMBER, ColumnFacts, column_facts
from textrnn.text.table.column_names import EXACT, LAST, label_hint, text_hint
from textrnn.text.table.header import SHORTER, has_header

REPEATED, RULER, TOTAL = "repeated header", "ruler", "total at the end"
EXPLAINED = "line that explains the header"
MOST_EXPLAINED = 2  # below the header, as survey programs write them
MOST_UNLIKE = 4  # rows at the beginning that may be none
FEWEST_OF_EACH = 3  # rows that have each label, where that of one row alone is none
LONGER = 1.5  # times as long as the longest label is what explains them
MAX_TITLES = 10  # records above a header
MAX_TOTAL_CHARS = 20
_LINES, _STARTS = "-=_+*~─━═|╪┼:", "TtGgSsAaMmDdPpCc合总小平иИ("  # with what rulers, and totals, begin
_RULER = re.compile(r"\s*(?::?[-=_+*~─━═]{2,}:?|:-:)\s*")
_RULER_LINE = re.compile(r"(?=.*[-=_─━═]{3})[\s|+:*~─━═┼╪│=_-]+")
_REMARK = re.compile(r"\s*(?:#|[^\W\d]+(?: [^\W\d]+)?\s?[:：](?:\s|\Z))")
_TOTAL = re.compile(
    r"(?:grand |sub)?totals?|sum|(?:average|mean)(?: (?:rating|score|grade|stars))?|count|(?:gesamt)?summe"
    r"|gesamt(?:ergebnis)?|anzahl|durchschnitt|somme|moyenne|suma|promedio"
    r"|合计|总计|小计|总数|平均值?|итого",
    re.IGNORECASE,
)
_COLUMN_KIND = re.compile(
    r"(?:非?必填|选填|可选|required|optional|str|string|text|object|int|integer|float|double|number|bool|boolean"
    r"|date|datetime|varchar|char|numeric|decimal|real|bigint|smallint|tinyint|utf-?8|[uif]\d{1,2}"
    r"|(?:open-ended )?response|文本|字符串|数字|数值|日期)\s*(?:[(（].*[)）])?|\[[^\[\]]*\]|\([^()]*\)",
    re.IGNORECASE,
)
_ASKED = re.compile(r"必填|选填|\brequired\b|\boptional\b|\bone of\b", re.IGNORECASE)
_NUMBERED = re.compile(r"\d{1,2}|(?:col(?:umn)?|field|v|x|var|spalte|列|字段)[ _]?\d{1,2}", re.IGNORECASE)
_PLACE = re.compile(rf"\s*(?:[A-Za-z]|Unnamed.*|{_NUMBERED.pattern})?\s*", re.IGNORECASE)  # a name that says nothing
# How many rows there are, as totals tell it.
_COUNTED = re.compile(r"(?:共|总共|共计)?\s*\d[\d,]*\s*(?:[条个件行项][^\W\d]{0,4}|[a-z]{3,12}s)", re.IGNORECASE)
# As programs end a file, and people who sign it or say what is in it.
_FOOTER = re.compile(
    r"\(?\d[\d,]* (?:rows?|records?|entries|results?)(?: (?:in set.*|affected|exported|found|selected|returned))?\)?"
    r"|共\s*\d+\s*[条行]\w{0,3}|results (?:are )?truncated\b.*|\x1a",
    re.IGNORECASE,
)
_SIGNED = re.compile(
    r"(?:(?:prepared|checked|approved|signed|printed|created|exported|reviewed)(?: by| on| at)?|source|notes?|as of"
    r"|stand|quelle|erstellt(?: von| am)?|geprüft(?: von)?|hinweis|制表人?|审核人?|制单人?|复核人?|说明|备注|注"
    r"|数据来源|来源|导出时间)\s?[:：]",
    re.IGNORECASE,
)
_FOOTER_STARTS = frozenset("(共rR\x1a0123456789")  # characters with which it begins
SIGNED_CHARS = 16  # within which the colon behind what is signed stands


class Noise:
    """Tells which records below the header are no rows.

    Args:
        header: the names of the columns, if a record of the file is the header.
        width: number of columns.
    """

    def __init__(self, header: Sequence[str] | None, width: int) -> None:
        self._header = _folded(header) if header and any(header) else None
        self._width = width
        name = self._header[0] if self._header else ""
        self._starts = frozenset(f"{_STARTS}{name[:1]}{name[:1].upper()}")
        self._longest = max(MAX_TOTAL_CHARS, 2 * len(name))

    def is_possible(self, cells: Sequence[str]) -> bool:
        """Whether it is worth to ask `kind_of`, by the first cell: it is not for nearly all of millions of rows."""
        first = cells[0]
        if len(cells) == 1 or not first or first[0].isspace() or first[0] in _LINES:
            return True
        if first[0] in self._starts and len(first) <= self._longest:
            return True
        if first[0] in _FOOTER_STARTS and _FOOTER.match(first):
            return True
        begin = first[:SIGNED_CHARS]  # a regular expression takes longer than to look for a colon
        return (":" in begin or "：" in begin) and _SIGNED.match(first) is not None

    def kind_of(self, cells: Sequence[str], labels: Collection[str] = ()) -> str | None:
        """What a record is if it is no row: REPEATED, RULER, TOTAL (if it stands at the end), else None.

        Args:
            cells: at least one.
            labels: values that are labels, and so no totals.

        Example:
            >>> noise = Noise(["text", "stars"], 2)
            >>> rows = ["", " "], ["Text", "stars"], ["---", ":--"], ["Total", "300"], ["-", ""]
            >>> [noise.kind_of(row) for row in rows]
            [None, 'repeated header', 'ruler', 'total at the end', None]
            >>> [noise.kind_of(row) for row in (["Total", "60 messages"], ["合计", "共70条"], ["Total", "loss"])]
            ['total at the end', 'total at the end', None]
        """
        if self._width < 2:
            return None
        filled = [cell.strip() for cell in cells if cell and not cell.isspace()]
        if not filled:
            return None
        if self._header is not None and _folded(cells) == self._header:
            return REPEATED
        if is_ruler(cells):
            return RULER
        if _FOOTER.fullmatch(filled[0]):
            return TOTAL if len(filled) == 1 else None
        if _SIGNED.match(filled[0]):
            is_apart = len(filled) != 2 or (bool(labels) and self._width > 2)  # else it may be a text and its label
            are_signed = is_apart and all(_SIGNED.match(cell) for cell in filled[::2])
            return TOTAL if are_signed and not any(cell in labels for cell in filled) else None
        named = _TOTAL.fullmatch(filled[0].rstrip(" :：")) or (filled[0] in labels and len(filled) == 2)
        are_counts = all(NUMBER.fullmatch(cell) or _COUNTED.fullmatch(cell) for cell in filled[1:])
        return TOTAL if named and are_counts and not any(cell in labels for cell in filled[1:]) else None


def num_counted(rows: Sequence[Sequence[str]], label: int) -> int:
    """How many of the last rows are no rows but a label each, and how many of the rows have it.

    Args:
        rows: all cells of a table.
        label: the column of the labels.

    Example:
        >>> rows = [["a film", "good"], ["a tale", "bad"], ["a song", "good"], ["good", "2"], ["bad", "1"]]
        >>> num_counted(rows, 1), num_counted(rows[1:], 1), num_counted(rows[:3], 1)
        (2, 1, 0)
    """
    counts = Counter(row[label].strip() for row in rows if label < len(row))
    for number, row in enumerate(reversed(rows)):
        name, *others = [cell.strip() for cell in row if cell.strip()] or [""]
        if not counts[name] or others != [str(counts[name])]:
            return number
    return 0


def num_unlike_labels(rows: Sequence[Sequence[str]], text: int, label: int, header: Sequence[str] | None) -> int:
    """How many of the first rows are no rows but names of columns, or what explains them.

    They have a label that no other row has, where all others come again and again, and a text that is far shorter.

    Args:
        rows: all cells of a table.
        text, label: the columns of the texts and of the labels.
        header: the names of the columns, if there are some.

    Example:
        >>> rows = [["required", "one of four"], *[["a fine film indeed", "ab"[n % 2]] for n in range(30)]]
        >>> num_unlike_labels(rows, 0, 1, None), num_unlike_labels(rows[1:], 0, 1, None)
        (1, 0)
    """
    whole = [row for row in rows if len(row) > max(text, label)]
    counts = Counter(cell for row in whole if (cell := row[label].strip()))
    mean_chars = sum(len(row[text]) for row in whole) / max(1, len(whole))
    unlike, are_places = 0, bool(header) and all(map(_PLACE.fullmatch, header or ()))
    while unlike < min(MOST_UNLIKE, len(rows)):
        row = rows[unlike]
        if len(row) <= max(text, label) or counts[row[label].strip()] != 1 or len(row[text]) > SHORTER * mean_chars:
            break
        if not (_explains(row, row[label].strip(), counts) or (are_places and not unlike)):
            break
        unlike += 1
    others = counts - Counter(row[label].strip() for row in rows[:unlike])
    return unlike if len(others) > 1 and min(others.values()) >= FEWEST_OF_EACH else 0


def _explains(cells: Sequence[str], label: str, labels: Collection[str]) -> bool:
    """Whether one of the cells is a name or a kind of column, or what stands for the label is no label like others."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    are_names = any(text_hint(cell) >= EXACT or label_hint(cell) >= EXACT for cell in filled)
    are_names |= all(any(hint(cell) >= LAST for cell in filled) for hint in (text_hint, label_hint))
    are_kinds = any(_COLUMN_KIND.fullmatch(cell) or _ASKED.search(cell) for cell in filled)
    others = [other for other in labels if other != label]
    is_longer = len(label) > LONGER * max(map(len, others), default=0) and len(label.split()) > 2
    are_letters = len(filled) > 2 and all(len(cell) == 1 and cell.isalpha() for cell in filled)
    return are_names or are_kinds or is_longer or are_letters or all(map(_NUMBERED.fullmatch, filled))


def is_ruler(cells: Sequence[str]) -> bool:
    """Whether a record only draws a line, such as `---|---`.

    Example:
        >>> is_ruler(["", "---", ":-:", ""]), is_ruler(["+-----+----+"]), is_ruler(["-----", ""])
        (True, True, False)
    """
    filled = [cell for cell in cells if cell and not cell.isspace()]
    if len(cells) == 1:
        return bool(filled) and _RULER_LINE.fullmatch(filled[0]) is not None
    return len(filled) > 1 and all(map(_RULER.fullmatch, filled))


def num_titles(rows: Sequence[Sequence[str]], width: int) -> int:
    """How many records stand above the header: those with few cells that are not blank, before one that names columns.

    Of several that might name them it is the first of those with most names. Titles may have as many cells as the table
    where a record below them is a header by names that texts and labels have, and where they begin as remarks do: with
    `#`, or with a word and a colon.

    Args:
        rows: cells of the first records that are not blank lines.
        width: the usual number of cells.

    Example:
        >>> rows = [["Reviews 2024", ""], ["", ""], ["text", "label"], ["a fine film", "1"], ["a dull one", "0"]]
        >>> num_titles(rows, 2), num_titles(rows[2:], 2)
        (2, 0)
        >>> num_titles([["# shop 12", "exported in May"], *rows[2:]], 2)
        1
    """
    filled = [_num_filled(row) for row in rows[: MAX_TITLES + 1]]
    remarks = [len(rows) >= MIN_ROWS_TO_JUDGE and is_remark(row) for row in rows[: MAX_TITLES + 1]]
    found, most = 0, 1
    for number in sorted(range(1, min(len(filled), len(rows) - 1)), key=lambda number: remarks[number]):
        above = [row for row, remark in zip(rows[:number], remarks, strict=False) if not remark]
        are_short = all(_num_filled(row) <= max(1, filled[number] // 2) or is_ruler(row) for row in above)
        is_below = most < filled[number] <= width and not is_ruler(rows[number])
        is_known = not found and _names_both(rows[number]) and not any(map(_names_one, above))
        if is_below and (are_short or is_known) and has_header(rows[number], facts_below(rows[number:], width)):
            found, most = number, filled[number]
    return found


def is_remark(cells: Sequence[str]) -> bool:
    """Whether a record begins as a remark above a table does.

    Example:
        >>> [is_remark(cells) for cells in (["# as of May", "all"], ["Period:", "May"], ["", "Shops: all"], ["9:30"])]
        [True, True, True, False]
    """
    return _REMARK.match(next(filter(None, cells), "")) is not None


def _names_both(cells: Sequence[str]) -> bool:
    """Whether a record has a name that columns of texts have, and another one of labels."""
    return any(text_hint(cell) >= EXACT for cell in cells) and any(label_hint(cell) >= EXACT for cell in cells)


def _names_one(cells: Sequence[str]) -> bool:
    return any(max(text_hint(cell), label_hint(cell)) >= LAST for cell in cells)


def num_explained(rows: Sequence[Sequence[str]], header: Sequence[str]) -> int:
    """How many of the first records below the header explain it; the header again does not.

    They are names in another language, kinds of columns such as `string` or `必填`, units in brackets, or what
    SurveyMonkey (1) and Qualtrics (2) write.

    Example:
        >>> num_explained([["", "Open-Ended Response"], ["1", "a fine film"]], ["id", "Why?"])
        1
        >>> num_explained([["Start", "Why?"], ['{"ImportId":"s"}', '{"ImportId":"QID1"}'], ["1", "fine"]], ["s", "Q1"])
        2
        >>> names = ["评论", "标签"]
        >>> [num_explained([row], names) for row in (["text", "label"], ["必填", "选填（0/1）"], names, ["好看", "1"])]
        [1, 1, 0, 0]
    """
    for number, row in enumerate(rows[:MOST_EXPLAINED], 1):
        filled = [cell.strip() for cell in row if cell.strip()]
        if filled and all(cell.startswith('{"ImportId"') for cell in filled):
            return number
    if not rows or _folded(rows[0]) == _folded(header):
        return 0
    first = [cell.strip() for cell in rows[0]]
    are_kinds, are_again = (_are_kinds(row) for row in (rows[0], rows[1] if len(rows) > 1 else []))
    is_survey = not first[0] and bool({"Response", "Open-Ended Response"} & set(first))
    is_translated = _names_both(first) and "".join(first).isascii() != "".join(header).isascii()
    return int(is_survey or is_translated or (are_kinds and not are_again))


def _are_kinds(cells: Sequence[str]) -> bool:
    """Whether several cells, and all of them, are kinds of columns or units."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return len(filled) > 1 and all(map(_COLUMN_KIND.fullmatch, filled))


def facts_below(rows: Sequence[Sequence[str]], width: int) -> list[ColumnFacts]:
    """What the columns are like below the first record, without what is no row.

    Where most records come again, the first is no header for that, unless it has names that columns have.
    """
    are_again = 2 * len(set(map(tuple, rows))) < len(rows) and not _names_one(rows[0])
    noise = Noise(None if are_again else rows[0], width)
    return column_facts([row for row in rows[1:] if noise.kind_of(row) is None], max(width, len(rows[0])))


def _num_filled(cells: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _folded(cells: Sequence[str]) -> list[str]:
    """Cells without case, blanks around, and empty ones at the end."""
    folded = [cell.strip().casefold() for cell in cells]
    while folded and not folded[-1]:
        folded.pop()
    return folded
