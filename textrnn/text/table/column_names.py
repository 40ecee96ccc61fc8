"""What the name of a column says about it: names in English and Chinese that columns of texts and labels have."""

from __future__ import annotations

import re

EXACT, LAST, WITHIN, SECOND = 3.0, 2.0, 1.0, 0.5


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TEXT = _words(
    """text texts review reviews comment comments content contents sentence sentences tweet tweets message messages
    body document documents question questions headline headlines phrase phrases post posts feedback utterance
    news sms statement
    文本 评论 内容 评价 正文 句子 留言 点评 文章 微博 短信 弹幕 反馈 语句 文字 原文 问题"""
)
_LABEL = _words(
    """label labels sentiment sentiments class classes category categories target targets polarity emotion emotions
    tag y
    标签 标注 情感 类别 分类 情绪 极性 情感倾向 情感极性 倾向"""
)
# Less often what is meant when there is one of those above as well.
_GRADE = _words(
    """score scores stars star rating ratings grade grades overall liked
    评分 星级 打分 分数 得分 等级 星数 好评"""
)
# What a column is about when its name ends so: neither a text nor a label.
_OTHER = _words(
    """id ids idx index key no nr num number count counts date datetime time timestamp day month year created updated
    user username author name url link href confidence length len lang language email ip geo location coord hash md5
    predicted prediction status
    编号 序号 序 号 时间 日期 年 月 日 用户 用户名 作者 名称 姓名 昵称 链接 网址 数 数量 次数 长度 置信度"""
)
_TOKENS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")


def text_hint(name: str) -> float:
    """How much the name of a column speaks for texts in it: EXACT, LAST (its last word does), WITHIN, or 0.

    Example:
        >>> text_hint("Review"), text_hint("reviewText"), text_hint("用户评论"), text_hint("text_id"), text_hint("v1")
        (3.0, 2.0, 2.0, 0.0, 0.0)
    """
    return _hint(name, _TEXT)


def label_hint(name: str) -> float:
    """How much the name of a column speaks for labels in it: as `text_hint`, and a little less for a grade.

    Example:
        >>> label_hint("label"), label_hint("stars"), label_hint("airline_sentiment"), label_hint("sentiment_gold")
        (3.0, 2.5, 2.0, 1.0)
    """
    return max(_hint(name, _LABEL), _hint(name, _GRADE) - SECOND)


def speaks_against(name: str) -> bool:
    """Whether the name is that of a number, a date, a person or the like.

    Example:
        >>> speaks_against("tweet_created"), speaks_against("评论时间"), speaks_against("text")
        (True, True, False)
        >>> speaks_against("predicted_2")
        True
    """
    tokens = [token for token in _tokens(name) if not token.isdigit()]
    return bool(tokens) and _ends_with(tokens[-1], _OTHER)


def _hint(name: str, words: frozenset[str]) -> float:
    tokens = _tokens(name)
    if not tokens or _ends_with(tokens[-1], _OTHER):
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
