"""Signs that part cells, or texts from labels, told by the lines at the begin of a file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from textrnn.text.table.column_facts import NUMBER
from textrnn.text.table.column_names import EXACT, SECOND, label_hint, text_hint
from textrnn.text.table.name_words import OPINIONS
from textrnn.text.table.predictable import SURE, feature_matrix, predictability
from textrnn.text.table.records import AT_SIGN, LABEL_PREFIX, QUOTE, before_colon, first_word_cells, is_bracketed

DELIMITERS = {"\t": "tab", ";": "semicolon", "|": "pipe", ",": "comma"}
MAX_AT_LABELS, MAX_AT_LABEL_CHARS = 50, 40
OFTEN = 5  # times that each label comes, on average, where any word may be one
_SPEAKERS = frozenset({"q", "a", "question", "answer", "interviewer", "respondent", "customer", "user", "agent", "bot"})
_SPEAKERS |= {"assistant", "问", "答", "客服", "客户", "用户", "机器人", "主持人"}
_ALONE = frozenset("-–—*>")  # signs between label and text that stand in texts as well
MIN_SIGN_LINES, MIN_SIGN_SHARE = 8, 0.95  # lines, and the share of them with as many delimiters of several signs
# Delimiters of several signs, such as _!_ and +++$+++ and ||, and control characters, such as those of Hive. Signs that
# are often side by side in texts are none.
_SIGNS = re.compile(r"[#$%&+,:;@^`|~]{2,7}|\t{2,7}|_[^\w\s\"']{1,5}_|\+\+\+\$\+\+\+|[\x01-\x08\x0e-\x1f]")
# Delimiters that texts have as well: one of a few signs, a run of others, a name in brackets, or blanks; and these
# without the blanks around them. Colons and dashes that stand alone, brackets and what ends a sentence are none.
_RARE_SIGNS = re.compile(
    r"\s*(?:<\w+>|\[[A-Z]+\]|[#^~，；、｜→]|(?<=\s)[-–—/*>](?=\s)|[^\w\s\"'“”‘’.!?…。！？()（）{}\[\]【】《》]{2,7})\s*"
    r"|\s{2,}|[\u3000\t]|(?<=[\u3400-\u9fff]) (?=\w)|(?<=\w) (?=[\u3400-\u9fff])"
)
_BLANKS_AND_SIGNS = " \t\u3000#$%&+,:;@^`|~=<>—-"
_QUOTED_OR_NUMBER = r'(?:"(?:[^"\\]|\\.|"")*"|[-+\d.eE]+|NA|NaN|-?Inf|TRUE|FALSE)'
_CELLS_AND_BLANKS = re.compile(rf"{_QUOTED_OR_NUMBER}(?: {_QUOTED_OR_NUMBER})+")
_LABEL_CODE = re.compile(r"[A-Z]{2,}(?:[:_-]\w+)+")  # such as NUM:date
_CLASS_NUMBER, _NUMBERED = re.compile(r"[+-]?\d{1,2}"), {"0", "-1"}  # of which there is one where classes are numbers


def is_of_blanks(lines: Sequence[str]) -> bool:
    """Whether nearly all lines are cells in quotes or numbers with blanks between them, as R writes them.

    Example:
        >>> is_of_blanks(['"text" "stars"\\n', '"1" "so \\\\"fine\\\\"" 5\\n']), is_of_blanks(['"No", she said\\n'])
        (True, False)
    """
    filled = [line.strip() for line in lines if not line.isspace()]
    fitting = sum(QUOTE in line and bool(_CELLS_AND_BLANKS.fullmatch(line)) for line in filled)
    return fitting >= MIN_SIGN_SHARE * len(filled)


def signs_between(lines: Sequence[str]) -> str | None:
    """Several signs that part the cells: they stand as many times in nearly every line, and no usual delimiter does.

    Example:
        >>> signs_between([f"{n}_!_10{n % 3}_!_news, {n}\\n" for n in range(9)])
        '_!_'
        >>> signs_between(["spam,call now!!,,,\\n", "ham,ok!!,,,\\n"] * 5)
    """
    filled = [line for line in lines if not line.isspace()]
    tabs = _even(line.count("\t") for line in filled) if filled else 0
    for signs in _signs_of(filled, _SIGNS):
        if tabs and "\t" not in signs:  # texts seldom have tabs
            continue
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


def signs_beside_labels(lines: Sequence[str]) -> str | None:
    """Signs that stand as many times in nearly every line, so that a column holds a few labels and another does not.

    Half of the lines may have no tab, and so no label.

    Example:
        >>> lines = [f"{'ab'[n % 2]}，这是第{n}句\\n" for n in range(9)]
        >>> signs_beside_labels(lines), signs_beside_labels([line.replace("，", " ---> ") for line in lines])
        ('，', ' ---> ')
        >>> signs_beside_labels([f"第{n}句，也是第{n}句\\n" for n in range(9)])
    """
    filled = [line.rstrip("\r\n") for line in lines if not line.isspace()]
    for signs in _signs_of(filled, _RARE_SIGNS):
        having = [line for line in filled if signs in line] if signs == "\t" else filled
        if 2 * len(having) >= len(filled) and (count := _even(line.count(signs) for line in having)):
            columns = [*zip(*(line.split(signs) for line in having if line.count(signs) == count), strict=True)]
            cells = [[*map(str.strip, column)] for column in columns]
            labels = [column for column in cells if _are_labels(column)]
            if not 0 < len(labels) < len(cells):
                continue
            others = [" ".join(row) for row in zip(*(c for c in cells if c is not labels[0]), strict=True)]
            if signs.strip() not in _ALONE or are_told(others, labels[0]):
                return signs
    return None


def _signs_of(lines: Sequence[str], kind: re.Pattern[str]) -> list[str]:
    """What may be a delimiter of this kind in the first lines, the longest first."""
    found = {signs for line in lines[:MIN_SIGN_LINES] for signs in kind.findall(line)}
    found = {signs for signs in found | {signs.strip() for signs in found} if signs and "</" not in signs}
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


def num_with_labels(lines: Sequence[str]) -> tuple[int, int] | None:
    """How many lines have labels of fastText before their text, and behind it; None if it is another form."""
    filled = [line.split() for line in lines if not line.isspace()]
    before = sum(words[0].startswith(LABEL_PREFIX) for words in filled)
    behind = sum(words[-1].startswith(LABEL_PREFIX) for words in filled if len(words) > 1)
    return (before, behind) if 2 * max(before, behind) >= len(filled) > 0 else None


def is_at(lines: Sequence[str], sign: str = AT_SIGN, only: Collection[str] | None = None) -> bool:
    """Whether what stands behind the last sign of nearly every line are few short words, or only some of these.

    Example:
        >>> is_at(["评论，标签", "好茶，好喝，正面", "太淡，负面"], "，", only=OPINIONS)
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


def sign_before(labels: Collection[str], lines: Sequence[str], signs: Sequence[str]) -> str | None:
    """Which of some signs, with other signs and blanks that stand before it in all lines, parts texts from labels.

    Example:
        >>> sign_before(OPINIONS, ["好茶 --> 正面", "太淡 --> 负面"], ["->"])
        ' -->'
    """
    sign = next((sign for sign in signs if is_at(lines, sign, only=labels)), None)
    if sign is None:
        return None
    texts = [line.rpartition(sign)[0] for line in lines if sign in line]
    run = min((text[len(text.rstrip(_BLANKS_AND_SIGNS)) :] for text in texts), key=len)
    return run + sign if all(text.endswith(run) for text in texts) else sign


def is_first_word(lines: Sequence[str]) -> bool:
    """Whether nearly every line is one of a few labels, which texts do not begin with, a blank, and more words.

    Example:
        >>> is_first_word(["1 a fine film", "0 long and dull"] * 9), is_first_word(["LOC:city Which?"] * 9)
        (True, True)
        >>> is_first_word(["A fine film", "The plot is dull"] * 9), is_first_word(["1 cup of tea", "2 eggs"] * 9)
        (False, False)
        >>> is_first_word(["[joy] a film", "[fear] a plot"] * 9), is_first_word(["Ann: a film", "Ben: no"] * 9)
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


def begin_with_labels(lines: Sequence[str]) -> bool:
    """Whether nearly every line is one of a few words, a colon and more, that tells the word.

    Example:
        >>> lines = ["Bug: it hangs", "Bug: it ends", "Login: no code", "Login: a code", "Money: paid twice"]
        >>> begin_with_labels(lines * 9)
        True
        >>> begin_with_labels(["Ann: a film", "Ben: a film", "Ben: no", "Ann: no"] * 9)
        False
    """
    filled = [line.strip() for line in lines if not line.isspace()]
    pairs = [(label, line.partition(label)[2]) for line in filled if (label := before_colon(line)) is not None]
    found = [label for label, _ in pairs]
    labels = Counter(found)
    fits = 1 < len(labels) <= MAX_AT_LABELS and len(found) >= max(MIN_SIGN_SHARE * len(filled), OFTEN * len(labels))
    if not fits or any(label.casefold() in _SPEAKERS or _names_column(label) for label in labels):
        return False
    return are_told([text for _, text in pairs], found)


def _names_column(word: str) -> bool:
    """Whether a word is the name of a column, as where each cell of a row is on a line of its own."""
    return max(text_hint(word), label_hint(word)) >= EXACT


def are_told(texts: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether texts tell the labels: who speaks in a talk they do not."""
    return predictability(feature_matrix(texts), labels) > SURE
