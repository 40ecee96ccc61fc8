"""The numbers that labels are: with a decimal comma, of money or percent, or as stars and grades are written."""

from __future__ import annotations

import math
import re

from textrnn.text.table.column_facts import MONEY, UNIT
from textrnn.text.table.label_lists import DECIMAL_COMMA

_NUMBER = r"\d{1,3}(?:[.,]\d)?"
_MOST = r"(?:5|10|20|100|five|ten)"
_STAR = (
    r"(?:[★⭐*]|stars?|star\(s\)|Stern(?:en?)?|[ée]toiles?|[ée]toile\(s\)|estrellas?|estrelas?|stell[ae]|sterren|ster"
)
_STAR += r"|зв[её]зд\w?|つ星|颗星|星级?)"
_OUT_OF = rf"\s*(?:/|\(?\b(?:out\s+of|of|von|sur|de|di|van|из)\b)\s*{_MOST}\)?"
# Labels that say by themselves that they are grades: ★★★☆☆, ☆☆☆, ★ 4, 4 stars, Rated 4.0 out of 5 stars, 4/5, 四星.
_STARS = re.compile(
    r"(?P<signs>[★⭐]+)☆*|(?P<empty>☆+)|(?P<word>[零一二两三四五六七八九十])(?:颗星|星级?)"
    rf"|(?:[★⭐]\s*|5つ星のうち)(?P<behind>{_NUMBER})"
    rf"|(?:rated\s+)?(?P<number>{_NUMBER})(?:[\s-]*{_STAR}(?:{_OUT_OF})?|{_OUT_OF})(?:[\s-]*{_STAR})?(?:\s+rating)?",
    re.IGNORECASE,
)
_VARIATION = "\ufe0f"  # behind a sign that is drawn in colour
_FIGURES = {"两": "2"} | {sign: str(number) for number, sign in enumerate("零一二三四五六七八九十")}
_UNITS = re.compile(rf"^{MONEY}\s*|(?<=\d)\s*(?:{UNIT}|[分点點])$")  # before or behind a number
_TEN_THOUSANDS = re.compile(r"(?<=\d)\s*万元?$")
_THOUSANDS = (  # 1,234.5, 1.234,5 and 1 234,5; of 1.234 nothing tells that it is no decimal
    re.compile(r"(?P<whole>[+-]?[1-9]\d{0,2}(?:,\d{3})+)(?:\.(?P<rest>\d+))?"),
    re.compile(r"(?P<whole>[+-]?[1-9]\d{0,2}(?:\.\d{3})+),(?P<rest>\d+)"),
    re.compile(r"(?P<whole>[+-]?[1-9]\d{0,2}(?:[ \xa0\u202f'’]\d{3})+)(?:[,.](?P<rest>\d+))?"),
)


def is_grade(label: str) -> bool:
    """Whether a label says by itself that it is a grade.

    Example:
        >>> is_grade("★★☆"), is_grade("4 of 5"), is_grade("3 Sterne"), is_grade("3"), is_grade("2/3")
        (True, True, True, False, False)
    """
    return _grade(label) is not None


def _grade(label: str) -> re.Match[str] | None:
    return _STARS.fullmatch(label.strip().replace(_VARIATION, ""))


def number_of(label: str) -> float | None:
    """The number that a label is, also one with a decimal comma, of money, percent or stars; None if it is none.

    Example:
        >>> number_of("4,5"), number_of(" 3 "), number_of("good"), number_of("nan")
        (4.5, 3.0, None, None)
        >>> number_of("$1,234.50"), number_of("1.234,50 €"), number_of("12 %"), number_of("1,234"), number_of("¥20")
        (1234.5, 1234.5, 12.0, 1234.0, 20.0)
        >>> number_of("￥27,481.26"), number_of("RMB 2,700"), number_of("US$5"), number_of("80％"), number_of("RMB")
        (27481.26, 2700.0, 5.0, 80.0, None)
        >>> number_of("★★☆☆☆"), number_of("4.0 out of 5 stars"), number_of("9/10"), number_of("85/100")
        (2.0, 4.0, 9.0, 85.0)
        >>> number_of("☆☆"), number_of("四星"), number_of("两颗星"), number_of("4.7分")
        (2.0, 4.0, 2.0, 4.7)
        >>> number_of("5,0 von 5 Sternen"), number_of("Rated 3 stars out of five stars"), number_of("★ 4")
        (5.0, 3.0, 4.0)
        >>> number_of("12,5 kg"), number_of("35 min"), number_of("41/100"), number_of("3.5万"), number_of("5 apples")
        (12.5, 35.0, 41.0, 35000.0, None)
        >>> number_of("12'084"), number_of("45\xa0123,50"), number_of("−3.5"), number_of("90 points")
        (12084.0, 45123.5, -3.5, 90.0)
        >>> number_of("3_4") is None  # Python would take it for 34
        True
    """
    label = label.strip().replace("−", "-")
    factor = 10_000 if _TEN_THOUSANDS.search(label) else 1
    if stars := _grade(label):
        label = stars["number"] or stars["behind"] or _FIGURES.get(stars["word"]) or ""
        label = label or str(len(stars["signs"] or stars["empty"]))
    label = _UNITS.sub("", label)
    if thousands := next(filter(None, (form.fullmatch(label) for form in _THOUSANDS)), None):
        label = f"{re.sub(r'[^0-9+-]', '', thousands['whole'])}.{thousands['rest'] or 0}"
    if "_" in label:
        return None
    try:
        found = float(label.replace(",", ".") if DECIMAL_COMMA.fullmatch(label) else label)
    except ValueError:
        return None
    return found * factor if math.isfinite(found) else None
