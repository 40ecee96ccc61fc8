"""Several labels in a cell: a list as JSON and Python write it, each within signs, or with a separator between them."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any

from textrnn.base.errors import DataError
from textrnn.text.table.bracketed import bracketed_labels, bracketed_style, in_brackets, is_bracketed_list
from textrnn.text.table.label_studio import CHOICES
from textrnn.text.table.records import AND

SPAN_WIDTH = 3  # of [begin, end, label], which marks a part of a text
# Between several labels, those first that are surest.
SEPARATORS = ("\n", ";", "|", "｜", "┋", ",", "/", "，", "、", "；", "#")
STRICT_SEPARATORS = ("&", "+", " ")  # that stand in names as well, and divide only cells that leave no doubt
UNSURE_SEPARATORS = ("&", "+", " and ")  # that stand in names as often
FEWEST_TOGETHER = 2  # different cells that a part of a cell is in if it is a label of its own
AGAIN_SHARE = 0.5  # of the parts for which that has to hold: of cells that are addresses, it does for few
NAME, LABEL = "name", "label"  # of an object that is a label
PLACES = ("start", "begin", "offset")  # of one that marks a part of a text
MANY_PAIRS = 8  # of numbers in order, which decimal commas do not make by chance
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
MOST_TOGETHER = 10  # labels of a cell with a blank between
_REMARKED = re.compile(r"\s#|#\s|(?<!\w\w)#\w")  # a remark stands behind the label, or a key such as C# before it
LIST_SIGNS = "[{<【#"  # with which a cell begins that is a list
_WITHIN = {first: (first, last) for first, last in ("<>", "[]", "【】", "##")}  # signs around each label


def list_of(cell: str, like: str | None = None) -> list[Any] | None:
    """The list that a cell holds, None if it holds none.

    Args:
        cell: as it is written.
        like: another cell of the column, see `list_style`: beside it one label can be a list too.

    Example:
        >>> list_of('["art", 1]'), list_of("['art']"), list_of("[sic]"), list_of("art")
        (['art', 1], ['art'], None, None)
        >>> list_of("<c#><.net>"), list_of("【art】【food】"), list_of("[art]", "[art][food]"), list_of("#art#food#")
        (['c#', '.net'], ['art', 'food'], ['art'], ['art', 'food'])
        >>> list_of('{"choices": ["art", "food"]}'), list_of("art", '{"choices": ["art", "food"]}')
        (['art', 'food'], ['art'])
        >>> list_of("[1]", "[0 3]"), list_of("{art}", "{art,food}"), list_of("['art' 'food']")
        (['1'], ['art'], ['art', 'food'])
        >>> list_of('{"/m/07s9rl0": "Drama", "/m/01z4y": "Comedy"}'), list_of("{}", '{"/m/07s9rl0": "Drama"}')
        (['Drama', 'Comedy'], [])
        >>> list_of('{"label": "world", "score": 0.9}')
        ['world']
    """
    if like is not None and is_bracketed_list(like):
        return bracketed_labels(cell)
    if (found := _written_list(cell)) is not None:
        return found
    if like is not None and like[0] == "{":
        return [cell]
    labels = _labels_within(cell)
    is_alike = like is not None and like[0] == cell[:1] and _written_list(like) is None
    return labels if len(labels) > 1 or (labels and is_alike) else None


def _written_list(cell: str) -> list[Any] | None:
    """The list that a cell holds as JSON, Python or Label Studio write it; None if it holds none."""
    if not (cell.startswith("[") and cell.endswith("]")) and not (cell.startswith("{") and cell.endswith("}")):
        return None
    if is_bracketed_list(cell) and re.match(r"\[\s*['\"]", cell):  # Python takes 'art' 'food' for one string
        return bracketed_labels(cell)
    parse: Callable[[str], Any]
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, dict):
            found = next(iter(found.values())) if found.keys() == CHOICES else _names_by_number(found)
        return _named(found) if isinstance(found, list) else None
    return None


def _names_by_number(found: dict[str, Any]) -> list[str] | None:
    """The names in an object that has one for each number or code, as that of genres, or its label; None of others."""
    if isinstance(found.get(LABEL), str):  # beside how sure somebody is
        return [found[LABEL]]
    names = list(found.values())
    are_codes = all(isinstance(key, str) and not key.isalpha() for key in found)
    return names if are_codes and all(isinstance(name, str) for name in names) else None


def _named(found: list[Any]) -> list[Any]:
    """A list in which objects that have a name are that name; those with places in a text mark parts of it.

    Example:
        >>> _named([{"id": 35, "name": "Comedy"}]), _named([{"name": "Paris", "start": 0}])
        (['Comedy'], [{'name': 'Paris', 'start': 0}])
    """
    names = [one.get(NAME) for one in found if isinstance(one, dict) and one.keys().isdisjoint(PLACES)]
    are_objects = len(names) == len(found) and all(isinstance(name, str) for name in names)
    return names if are_objects else found


def _labels_within(cell: str) -> list[str]:
    """The labels of a cell of which each is within signs, such as `<art><food>`; none of other cells."""
    first, last = map(re.escape, _WITHIN.get(cell[:1], "<>"))
    inner = f"[^{first}{last}]+"
    if not re.fullmatch(rf"(?:{first}{inner}{last}\s*)+|#(?:[^#]*[^#\s]#)+", cell):
        return []
    return [label for part in re.findall(inner, cell) if (label := part.strip())]


def list_style(cells: Iterable[str]) -> str | None:
    """The longest of the cells that are lists, to write others like it; None if there is none.

    Example:
        >>> list_style(["[art]", "[art][food]"]), list_style(["[sic]", "art"]), list_style(["[]", '["art"]'])
        ('[art][food]', None, '["art"]')
        >>> list_style(["[0 3]", "[3]"]), list_style(["{art,food}", "{art}"]), list_style(["(1, 2)", "(1,)"])
        ('[0 3]', '{art,food}', '(1, 2)')
    """
    cells = [cell for cell in cells if cell]
    return bracketed_style(cells) or max(
        (cell for cell in cells if cell[0] in LIST_SIGNS and list_of(cell) is not None), key=len, default=None
    )


def joined_labels(cell: str, column: str, like: str | None = None) -> str:
    """The labels of a cell with AND between them; a cell that holds no list as it is.

    Args:
        cell: as it is written.
        column: what to call it in messages.
        like: see `list_of`.

    Raises:
        DataError: it marks parts of the text, and not the whole.

    Example:
        >>> joined_labels('["art", "food"]', "a"), joined_labels("[]", "a"), joined_labels("art", "a")
        ('art\\x1ffood', '', 'art')
    """
    found = list_of(cell, like)
    if found is None:
        return cell
    if any(isinstance(one, (list, dict)) for one in found) or _is_span(found):
        what = "holds objects" if isinstance(found[0], dict) else "marks parts of a text"
        raise DataError(
            f"{column} {what}, such as {cell:.60}: expected labels of the whole text; name another column with "
            "--label-column"
        )
    if len(found) > 2 and {str(one) for one in found} <= {"0", "1"}:
        raise DataError(
            f"{column} holds lists of 0 and 1, such as {cell:.60}, which do not name their labels: expected the names, "
            "or a column of 0 and 1 for each label"
        )
    labels = (str(one).strip() for one in found if one is not None)
    return AND.join(dict.fromkeys(label for label in labels if label))


def _is_span(found: Sequence[Any]) -> bool:
    """Whether it is the begin and the end of a part of a text and its label: the only one of a list is given alone."""
    if len(found) != SPAN_WIDTH:
        return False
    begin, end, label = map(str, found)
    return begin.isdigit() and end.isdigit() and int(begin) <= int(end) and not label.isdigit()


def as_list(labels: Sequence[str], like: str) -> str:
    """Labels as a cell that is a list, written as another one is.

    Example:
        >>> as_list(["art", "food"], "['art']"), as_list(["art"], '["art"]'), as_list(["art", "food"], "<a><b>")
        ("['art', 'food']", '["art"]', '<art><food>')
        >>> as_list(["art", "food"], "#a##b#"), as_list(["art", "food"], "#a#b#"), as_list(["art"], '{"choices": []}')
        ('#art##food#', '#art#food#', 'art')
    """
    if is_bracketed_list(like):
        return in_brackets(labels, like)
    if like.startswith("{"):
        return labels[0] if len(labels) == 1 else json.dumps({"choices": list(labels)}, ensure_ascii=False)
    if like and _written_list(like) is None:
        first, last = _WITHIN[like[0]]
        between = re.search(rf"{re.escape(last)}\s*{re.escape(first)}", like)
        return first + (between[0] if between else last).join(labels) + last
    return repr(list(labels)) if like.startswith("['") else json.dumps(list(labels), ensure_ascii=False)


def parts_of(label: str, separator: str) -> list[str]:
    """The labels of a cell, each once; blanks around a sign count for nothing, and a word is one with its blanks alone.

    Example:
        >>> parts_of("art ;food;", "; "), parts_of("sand and brand", " and ")
        (['art', 'food'], ['sand', 'brand'])
    """
    sign = separator.strip()
    parts = (part.strip() for part in label.split(separator if sign.isalpha() else sign or separator))
    return list(dict.fromkeys(part for part in parts if part))


def are_codes(written: Sequence[str]) -> bool:
    """Whether cells such as `3,7` are several numbers of classes, in order, and no decimal commas.

    Example:
        >>> are_codes(["3", "7", "3,7", "11", "7,11", "3,11", "8", "3,8"]), are_codes(["4", "3", "3,5", "4,5", "5"])
        (True, False)
        >>> are_codes(["0", "27", "6", "27,6", "15,6", "15", "15,27", "0,15"])
        True
    """
    cells = {label.strip() for label in written}
    pairs = [tuple(cell.split(",")) for cell in cells if DECIMAL_COMMA.fullmatch(cell)]
    numbers = [(int(first), int(last)) for first, last in pairs if first.isdigit()]
    if len({last for _, last in pairs}) < 3 or len(numbers) < len(pairs):
        return False
    in_order = all(first < last for first, last in numbers)
    if all(map(cells.issuperset, pairs)):
        return in_order or any(last > 9 for _, last in numbers)  # no decimals that are a class by themselves
    return in_order and len(pairs) >= MANY_PAIRS and 2 * sum(last in cells for _, last in pairs) >= len(pairs)


def separator_of(written: Sequence[str], separators: Sequence[str] = SEPARATORS) -> str | None:
    """What stands between several labels of a cell: what divides cells into parts that come again in other cells.

    Example:
        >>> separator_of(["art, people", "art", "people, food", "food, art", "food"])
        ','
        >>> separator_of(["Paris, France", "Rome, Italy"]) is None, separator_of(["#a #b", "#b"])
        (True, ' ')
        >>> separator_of(["art food", "food", "art"]) is None, separator_of(["art food", "food art", "art"])
        (True, ' ')
        >>> separator_of(["Bug#VIP", "Bug", "Task#VIP", "Task"]), separator_of(["art & food", "food & art", "art"])
        ('#', '&')
        >>> separator_of(["bad # not sure", "good # not sure", "good"]) is None
        True
        >>> separator_of(["Health & Beauty", "Health", "Beauty", "Home & Garden"]) is None
        True
    """
    cells = list(dict.fromkeys(written))
    if all(part.startswith("#") for cell in cells for part in cell.split()):
        return " " if any(len(cell.split()) > 1 for cell in cells) else None
    for separator in separators:
        if separator == "#" and any(map(_REMARKED.search, cells)):
            continue
        divided = [parts_of(cell, separator) for cell in cells]
        several = [parts for parts in divided if len(parts) > 1]
        if len(several) < FEWEST_TOGETHER:
            continue
        often = Counter(part for parts in divided for part in parts)
        together = {part for parts in several for part in parts}
        again = sum(often[part] >= FEWEST_TOGETHER for part in together)
        if len(often) < len(cells) and again >= AGAIN_SHARE * len(together):
            return separator
    return next((separator for separator in STRICT_SEPARATORS if _divides_surely(cells, separator)), None)


def _divides_surely(cells: Sequence[str], separator: str) -> bool:
    """Whether a sign stands between labels, and not between the words of one such as `very good`.

    It does if all parts stand alone in some cell and some stand both before and behind others, or if most parts that
    are in a cell together come in both orders.
    """
    divided = [[part.strip() for part in cell.split(separator)] for cell in cells]
    several = [parts for parts in divided if len(parts) > 1]
    if len(several) < FEWEST_TOGETHER or any("" in parts or len(set(parts)) < len(parts) for parts in divided):
        return False
    if max(map(len, several)) > MOST_TOGETHER:
        return False
    alone = {parts[0] for parts in divided if len(parts) == 1}
    before, behind = ({part for parts in several for part in parts[own]} for own in (slice(-1), slice(1, None)))
    is_long = separator == " " or max(map(len, several)) > 2  # departments have two names
    if before | behind <= alone and before & behind and is_long:
        return True
    pairs = {pair for parts in several for pair in combinations(parts, 2)}
    together = set(map(frozenset, pairs))
    return 2 * (len(pairs) - len(together)) > len(together)


def labels_in(cells: Iterable[str]) -> list[list[str]]:
    """The labels of each cell where cells hold several, whichever way they are written; none of other cells.

    Example:
        >>> labels_in(["art; food", "food", "food; art"]), labels_in(["['art']", "[]"]), labels_in(["art", "food"])
        ([['art', 'food'], ['food'], ['food', 'art']], [['art'], []], [])
    """
    cells = list(cells)
    like = list_style(cells)
    lists = [found for cell in cells if (found := list_of(cell, like)) is not None]
    if cells and len(lists) == len(cells):
        return [[str(one) for one in found if not isinstance(one, (dict, list))] for found in lists]
    separator = separator_of(cells)
    return [] if separator is None else [parts_of(cell, separator) for cell in cells]
