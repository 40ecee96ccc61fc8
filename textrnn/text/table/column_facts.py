"""What the names of columns and their cells tell of them, and whether the first record names them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from textrnn.text.table.label_lists import are_codes, labels_in

MAX_LABELS = 200  # different values of a column that is taken for labels without its name saying so
MAX_LABEL_CHARS = 60  # mean length
MIN_ROWS_TO_JUDGE = 20
NEARLY_BLANK = 0.2  # share of filled cells below which a column that has a first cell is one with a name

# Blanks are matched in one place each: in two that stand beside each other, many of them would take forever.
NUMBER = re.compile(r"\s*(?:[$€£¥₹]\s*)?[+-]?(?:\d+(?:[.,]\d*)*|\.\d+)(?:[eE][+-]?\d+)?\s*(?:[%$€£¥₹]\s*)?")
_CLOCK = r"(?:\s*(?:T\s*)?\d{1,2}[:：时]\d{2}.*)?"
_DATES = (
    rf"\d{{4}}[-/.年]\d{{1,2}}(?:[-/.月]\d{{1,2}}日?)?{_CLOCK}",
    rf"\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}{_CLOCK}",
    r"\d{1,2}:\d{2}(?::\d{2})?",
    r"(?:[A-Z][a-z]{2,8},? ){1,2}\d{1,2},?.* \d{4}",
    r"\d{1,2}[ -][A-Z][a-z]{2,8}[ -]\d{2,4}.*",
)
_DATE = re.compile(rf"\s*(?:{'|'.join(_DATES)})\s*")
_PROSE = re.compile(r"\S\s+\S|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
EXACT, LAST, WITHIN, SECOND = 3.0, 2.0, 1.0, 0.5  # how much a name tells; a second choice loses a half
NAMED = 2.75  # of a column that has the names of labels


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TEXT = _words(
    """text texts review reviews comment comments content contents sentence sentences tweet tweets message messages
    body document documents question questions headline headlines phrase phrases post posts feedback utterance
    news sms statement description descriptions excerpt paragraph
    文本 评论 内容 评价 正文 句子 留言 点评 文章 微博 短信 弹幕 反馈 语句 文字 原文 问题"""
)
# A part of a text, or a short form of it: less often what is meant when there is one of those above as well.
_TITLE = _words("title titles subject summary caption 标题 主题 题目 摘要")
_LABEL = _words(
    """label labels sentiment sentiments class classes category categories target targets polarity emotion emotions
    tag tags hashtags topics genres themes y annotation annotations choice choices
    标签 标注 情感 类别 分类 情绪 极性 情感倾向 情感极性 倾向"""
)
# Less often what is meant when there is one of those above as well.
_GRADE = _words(
    """score scores stars star rating ratings grade grades overall liked satisfied satisfaction
    评分 星级 打分 分数 得分 等级 星数 好评 满意度 評価"""
)
_NAMING = _words("name value title displayname")  # members of an object in JSON that say which one it is
_NAMED = re.compile(r"(?:names?|名称|名)\Z", re.IGNORECASE)  # behind what it is the name of, as in `category_name`
# What else texts are sorted by: said where another column is taken.
_ASPECT = _words("topic theme genre aspect intent stance 话题 体裁 意图 立场")
# Behind the name of a label the number of one, as in `Class Index`; else what says how a column counts its rows.
_NUMBERED = _words("id idx index no nr number num code 编号 序号")
# Labels of opinions and of mail, by which a column is known whatever its name.
OPINIONS = _words("positive negative neutral pos neg good bad spam ham 正面 负面 中性 积极 消极 好评 中评 差评")
# What tells parts of a data set from each other, and no classes.
PARTS = _words("train training test testing valid validation val dev 训练 训练集 验证 验证集 测试 测试集")
# What a column is about when its name ends so: neither a text nor a label.
_OTHER = _words(
    """id ids idx index key no nr num number count counts date datetime time timestamp day month year created updated
    user username author name url link href confidence length len lang language email ip geo location coord hash md5
    predicted prediction votes vote likes retweets replies views followers price size width height
    source sources device platform version browser os channel store branch
    编号 序号 序 号 时间 日期 年 月 日 用户 用户名 作者 名称 姓名 昵称 链接 网址 数 数量 次数 长度 置信度
    来源 渠道 门店 店铺 属地 工具 平台 机型 设备 版本"""
)
_TIMES = _words("date datetime time timestamp day month year created updated 时间 日期 年 月 日")
_GUESSED = _words("pred predicted prediction predictions")  # by a model
_TOKENS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")


def text_hint(name: str) -> float:
    """How much the name of a column speaks for texts in it: EXACT, LAST (its last word does), WITHIN, or 0.

    Example:
        >>> text_hint("Review"), text_hint("reviewText"), text_hint("用户评论"), text_hint("title")
        (3.0, 2.0, 2.0, 1.5)
    """
    return max(_hint(name, _TEXT), _hint(name, _TITLE) / 2)


def label_hint(name: str) -> float:
    """How much the name of a column speaks for labels in it: as `text_hint`, and a little less for a grade or a number.

    Example:
        >>> label_hint("label"), label_hint("stars"), label_hint("airline_sentiment"), label_hint("sentiment_gold")
        (3.0, 2.5, 2.0, 1.0)
        >>> label_hint("Class Index"), label_hint("index"), label_hint("text_id"), label_hint("labels.name")
        (2.5, 0.0, 0.0, 2.75)
        >>> label_hint("category_name"), label_hint("类别名称"), label_hint("user_name"), label_hint("labels.color")
        (2.75, 2.75, 0.0, 1.0)
    """
    parent, _, member = name.rpartition(".")
    if parent and member.casefold() in _NAMING:  # of an object in JSON
        return min(NAMED, label_hint(parent))
    words = _TOKENS.findall(name)
    numbered = " ".join(words[:-1]) if words and words[-1].casefold() in _NUMBERED else ""
    return max(
        _hint(name, _LABEL),
        _hint(name, _GRADE) - SECOND,
        _hint(numbered, _LABEL) - SECOND,
        min(NAMED, _hint(_unnamed(name), _LABEL)),
    )


def names_aspect(name: str) -> bool:
    """Whether the name of a column is that of something that texts are sorted by as well.

    Example:
        >>> names_aspect("topic"), names_aspect("intent_name"), names_aspect("意图名称"), names_aspect("name")
        (True, True, True, False)
    """
    return max(_hint(name, _ASPECT), _hint(_unnamed(name), _ASPECT)) > 0


def _unnamed(name: str) -> str:
    """What a column holds the names of; "" if it does not say so."""
    name = name.strip()
    found = _NAMED.search(name)
    return name[: found.start()].rstrip(" _.-") if found else ""


def names_time(name: str) -> bool:
    """Whether the name of a column is that of a time."""
    tokens = _tokens(name)
    return bool(tokens) and _ends_with(tokens[-1], _TIMES)


def names_grades(name: str) -> bool:
    """Whether the name of a column is that of ordered grades.

    Example:
        >>> names_grades("reviewRating"), names_grades("用户评分"), names_grades("rating_count"), names_grades("label")
        (True, True, False, False)
    """
    return _hint(name, _GRADE) > 0


def speaks_against(name: str) -> bool:
    """Whether the name is that of a number, a date, a person or the like."""
    tokens = [token for token in _tokens(name) if not token.isdigit()]
    return bool(tokens) and _ends_with(tokens[-1], _OTHER) and not (label_hint(name) or names_aspect(name))


def _hint(name: str, words: frozenset[str]) -> float:
    tokens = _tokens(name)
    if not tokens or _ends_with(tokens[-1], _OTHER) or not _GUESSED.isdisjoint(tokens):
        return 0.0
    if name.strip().casefold() in words:
        return EXACT
    if _ends_with(tokens[-1], words):
        return LAST
    return WITHIN if any(token in words for token in tokens) else 0.0


def _ends_with(token: str, words: frozenset[str]) -> bool:
    """Whether a word is one of these, or ends with one as Chinese words do, whose last part says what they are."""
    return token in words or (not token.isascii() and any(token.endswith(word) for word in words if not word.isascii()))


def _tokens(name: str) -> list[str]:
    return [token.casefold() for token in _TOKENS.findall(name)]


@dataclass(frozen=True)
class ColumnFacts:
    """What the cells of a column are like; those that are blank only count in `num_rows`.

    Attributes:
        num_rows: cells that were looked at.
        counts: how often each value, without white space around it, comes.
        mean_chars: mean length of a cell.
        numbers: share of cells that are numbers.
        dates: share of cells that are dates or times of day.
        prose: share of cells with several words, or with Chinese.
        words: share of cells with several words.
    """

    num_rows: int
    counts: Counter[str]
    mean_chars: float
    numbers: float
    dates: float
    prose: float
    words: float

    @property
    def is_measured(self) -> bool:
        """Whether the cells are numbers of which most are different and have decimals, as no ids have."""
        fractions = sum("." in value or "," in value for value in self.counts)
        return self.is_unique and self.numbers >= 0.9 and fractions > len(self.counts) / 2

    @property
    def filled(self) -> int:
        """Cells that are not blank."""
        return self.counts.total()

    @property
    def is_mostly_filled(self) -> bool:
        """Whether more than half of the cells are not blank."""
        return 2 * self.filled > self.num_rows

    @property
    def is_unique(self) -> bool:
        """Whether most values come once, as those of ids, dates and texts do, and never those of labels."""
        return self.filled >= MIN_ROWS_TO_JUDGE and len(self.counts) > self.filled / 2

    @property
    def is_text(self) -> bool:
        """Whether it is neither blank nor numbers nor dates."""
        return bool(self.filled) and self.numbers < 0.5 and self.dates < 0.5

    @cached_property
    def is_several(self) -> bool:
        """Whether cells hold several short labels, which come again in other cells though whole cells may not."""
        if (self.numbers >= 0.5 and not self.are_codes) or self.dates >= 0.5:
            return False
        often = Counter[str]()
        for cell, labels in zip(self.counts, labels_in(self.counts), strict=False):
            for label in labels:
                often[label] += self.counts[cell]
        chars = sum(map(len, often)) / max(1, len(often))
        fits = 2 <= len(often) <= MAX_LABELS and often.total() >= 5 * len(often)
        return fits and chars <= MAX_LABEL_CHARS / 2

    @property
    def are_codes(self) -> bool:
        """Whether cells such as `3,7` are several numbers of classes."""
        return any("," in cell for cell in self.counts) and are_codes(list(self.counts))

    @property
    def has_opinions(self) -> bool:
        """Whether most cells are words of OPINIONS."""
        return 2 * sum(count for cell, count in self.counts.items() if cell.casefold() in OPINIONS) > self.filled

    @property
    def is_few(self) -> bool:
        """Whether a few short values come again and again, as those of labels do."""
        if {value.casefold() for value in self.counts} <= PARTS:
            return False
        many = 5 if self.filled >= 50 else 2
        fits = 2 <= len(self.counts) <= MAX_LABELS and self.filled >= many * len(self.counts)
        return fits and self.mean_chars <= MAX_LABEL_CHARS / 2 and self.dates < 0.5


def column_facts(rows: Sequence[Sequence[str]], width: int) -> list[ColumnFacts]:
    """Look at the cells of each column.

    Args:
        rows: cells; missing ones are blank.
        width: number of columns.
    """
    found = []
    for column in range(width):
        cells = [cell for row in rows if column < len(row) and (cell := row[column].strip())]
        size = max(1, len(cells))
        found.append(
            ColumnFacts(
                len(rows),
                Counter(cells),
                sum(map(len, cells)) / size,
                sum(bool(NUMBER.fullmatch(cell)) for cell in cells) / size,
                sum(bool(_DATE.fullmatch(cell)) for cell in cells) / size,
                sum(bool(_PROSE.search(cell)) for cell in cells) / size,
                sum(len(cell.split(None, 1)) > 1 for cell in cells) / size,
            )
        )
    return found


def has_header(first: Sequence[str], below: Sequence[ColumnFacts]) -> bool:
    """Whether the first record names the columns: it is compared with the cells below."""
    if len(first) == 1:  # the only text may well be a short one
        return max(text_hint(first[0]), label_hint(first[0])) >= LAST and first[0].strip() not in below[0].counts
    return sum(_vote(cell.strip(), facts) for cell, facts in zip(first, below, strict=False)) > 0


def _vote(cell: str, facts: ColumnFacts) -> int:
    """How much a cell of the first record speaks for (above 0) or against a header."""
    hint = max(text_hint(cell), label_hint(cell))
    is_date = bool(_DATE.fullmatch(cell))
    if not cell:
        return 0
    if NUMBER.fullmatch(cell) or is_date:
        return -3 if facts.numbers > 0.5 or facts.dates > 0.5 else -1
    if cell in facts.counts:
        return -3 if hint < EXACT - SECOND or facts.counts[cell] > 1 else -1
    if hint >= LAST and not re.search(r"\s", cell):
        return 4
    if facts.numbers > 0.9 or facts.dates > 0.9:
        return 2
    if facts.is_few:
        return 2 if facts.filled >= MIN_ROWS_TO_JUDGE and min(facts.counts.values()) > 1 else 1
    if NEARLY_BLANK * facts.num_rows > facts.filled:
        return 1
    if facts.prose >= 0.5:
        is_word = facts.words >= 0.9 and not re.search(r"\s", cell)
        return 1 if is_word or (len(cell) * 3 < facts.mean_chars and len(cell.split()) <= 3) else -1
    return 0


def shifted_names(names: list[str], rows: Sequence[Sequence[str]], width: int) -> tuple[list[str], list[str]]:
    """The names of a header that has fewer than rows have cells: R leaves out that of the row names.

    Args:
        names: those of the header.
        rows: cells.
        width: number of columns.

    Returns:
        the names, and lines that say what was taken for true.

    Example:
        >>> shifted_names(["text", "label"], [["1", "fine", "a"], ["2", "dull", "b"]], 3)
        (['', 'text', 'label'], ['the header has no name for the first column, which numbers the rows'])
        >>> shifted_names(["text", "label"], [["fine", "a", ""], ["dull", "b", ""]], 3)
        (['text', 'label'], [])
    """
    first, last = (Counter(row[column] for row in rows if len(row) == width) for column in (0, width - 1))
    if len(names) == width - 1 and len(first) > 1 and list(first) == [str(n) for n in range(1, len(first) + 1)]:
        return ["", *names], ["the header has no name for the first column, which numbers the rows"]
    if not any(map(str.strip, last)):
        return names, []
    several = "s" * (len(names) != 1)
    return names, [f"the header names {len(names)} column{several}, and rows have {width}: the last have no name"]
