"""What the names of columns say they hold, in English and Chinese."""

from __future__ import annotations

import re

from textrnn.text.table.name_words import (
    AMOUNT,
    ANSWER,
    ASIDE,
    ASPECT,
    ASPECT_ALONE,
    CONSENT,
    GOLD,
    GRADE,
    GRADE_ALONE,
    GUESSED,
    ID,
    LABEL,
    NAME_OF,
    NAMING,
    NUMBERED,
    OTHER,
    OUTCOME,
    PART_OF,
    QUESTION,
    RATERS,
    REMARK,
    RESULT,
    SCALE,
    TAGS,
    TARGETS,
    TEXT,
    TIMES,
    TITLE,
)

EXACT, LAST, WITHIN, SECOND = 3.0, 2.0, 1.0, 0.5  # how much a name tells; a second choice loses a half
TARGET = 2.875  # of the name of a target
NAMED = 2.75  # of a column that has the names of labels
_UPPER, _LOWER = "A-ZÀ-ÖØ-Þ", "a-zß-öø-ÿ"
_TOKENS = re.compile(rf"[{_UPPER}]+(?![{_LOWER}])|[{_UPPER}]?[{_LOWER}]+|\d+|[^\W\d_{_UPPER}{_LOWER}]+")


def text_hint(name: str) -> float:
    """How much the name of a column speaks for texts in it: EXACT, LAST (its last word does), WITHIN, or 0.

    Example:
        >>> text_hint("Review"), text_hint("reviewText"), text_hint("用户评论"), text_hint("title")
        (3.0, 2.0, 2.0, 1.5)
    """
    return max(_hint(name, TEXT), _hint(name, TITLE) / 2)


def label_hint(name: str) -> float:
    """How much the name of a column speaks for labels in it: as `text_hint`, and a little less for a grade or a number.

    Example:
        >>> label_hint("label"), label_hint("stars"), label_hint("airline_sentiment"), label_hint("sentiment_gold")
        (3.0, 2.5, 2.0, 1.0)
        >>> label_hint("Class Index"), label_hint("index"), label_hint("text_id"), label_hint("labels.name")
        (2.5, 0.0, 0.0, 2.75)
        >>> label_hint("category_name"), label_hint("类别名称"), label_hint("user_name"), label_hint("labels.color")
        (2.75, 2.75, 0.0, 1.0)
        >>> label_hint("tags"), label_hint("converted")
        (2.5, 1.0)
    """
    parent, _, member = name.rpartition(".")
    if parent and member.casefold() in NAMING:  # of an object in JSON
        return min(NAMED, label_hint(parent))
    words = _TOKENS.findall(name)
    numbered = " ".join(words[:-1]) if words and words[-1].casefold() in NUMBERED else ""
    return max(
        _hint(name, LABEL),
        min(TARGET, _hint(name, TARGETS)),
        _hint(name, TAGS) - SECOND,
        EXACT - SECOND if _is_alone(name, GRADE_ALONE) else _hint(name, GRADE) - SECOND,
        WITHIN if _is_alone(name, OUTCOME) else 0.0,
        _hint(numbered, LABEL) - SECOND,
        min(NAMED, _hint(_unnamed(name), LABEL)),
    )


def names_aspect(name: str) -> bool:
    """Whether the name of a column is that of something that texts are sorted by as well.

    Example:
        >>> names_aspect("topic"), names_aspect("intent_name"), names_aspect("意图名称"), names_aspect("name")
        (True, True, True, False)
        >>> names_aspect("product"), names_aspect("Sub-product"), names_aspect("Code"), names_aspect("zip code")
        (True, False, True, False)
    """
    if PART_OF.match(name):
        return False
    return max(_hint(name, ASPECT), _hint(_unnamed(name), ASPECT)) > 0 or _is_alone(name, ASPECT_ALONE)


def _unnamed(name: str) -> str:
    """What a column holds the names of; "" if it does not say so."""
    name = name.strip()
    found = NAME_OF.search(name)
    return name[: found.start()].rstrip(" _.-") if found else ""


def names_time(name: str) -> bool:
    """Whether the name of a column is that of a time."""
    tokens = _tokens(name)
    return bool(tokens) and _ends_with(tokens[-1], TIMES)


def names_guessed(name: str, *, beside_gold: bool = False) -> bool:
    """Whether the name of a column is that of what a model predicts.

    Args:
        name: of the column.
        beside_gold: whether there is another that `names_gold`, beside which a result is meant.

    Example:
        >>> names_guessed("gpt4_label"), names_guessed("预测标签"), names_guessed("label"), names_guessed("result")
        (True, True, False, False)
    """
    return _begins_with(name, GUESSED) or (beside_gold and _begins_with(name, RESULT))


def names_rater(name: str) -> bool:
    """Whether the name of a column is that of somebody who gave labels.

    Example:
        >>> names_rater("rater_2"), names_rater("标注人1"), names_rater("majority")
        (True, True, False)
    """
    return _begins_with(name, RATERS) and not names_gold(name)


def names_gold(name: str) -> bool:
    """Whether the name of a column is that of what is right, beside what a model predicts.

    Example:
        >>> names_gold("correct_label"), names_gold("人工标注"), names_gold("human"), names_gold("gold_pred")
        (True, True, True, False)
    """
    is_verdict = set(_tokens(name)) <= {"is", "correct"}  # whether the model was right
    return _begins_with(name, GOLD) and not is_verdict and not names_guessed(name)


def alike_but_for_numbers(name: str, other: str) -> bool:
    """Whether two columns are named alike but for a number or a letter at the end, as the texts of a pair are.

    Example:
        >>> alike_but_for_numbers("turn2", "turn1"), alike_but_for_numbers("text_a", "text_b")
        (True, True)
        >>> alike_but_for_numbers("text", "text2"), alike_but_for_numbers("Q1", "Q2")
        (True, False)
    """
    stems = [re.sub(r"[\s_-]*(?:\d|(?<=[\s_-])[a-z])\Z", "", one.strip().casefold()) for one in (name, other)]
    return stems[0] == stems[1] and len(stems[0]) > 1 and name != other


def names_question(name: str) -> bool:
    """Whether the name of a column is that of what somebody asks or wants.

    Example:
        >>> [names_question(name) for name in ("Problem", "customer_message", "诉求描述", "Customer reply", "Notes")]
        [True, True, True, False, False]
    """
    return _has_word(name, QUESTION) and not names_answer(name)


def names_answer(name: str) -> bool:
    """Whether the name of a column is that of what is said or done about a question."""
    return _has_word(name, ANSWER)


def names_grades(name: str) -> bool:
    """Whether the name of a column is that of ordered grades.

    Example:
        >>> names_grades("reviewRating"), names_grades("用户评分"), names_grades("rating_count"), names_grades("label")
        (True, True, False, False)
        >>> names_grades("3、总体评价（1-5分）"), names_grades("How likely is it that ...?"), names_grades("NPS")
        (True, True, True)
    """
    return _hint(name, GRADE) > 0 or _is_alone(name, GRADE_ALONE) or bool(SCALE.search(name))


def names_remark(name: str) -> bool:
    """Whether the name of a column is that of grades in one language, and of remarks in another.

    Example:
        >>> names_remark("Note"), names_remark("Noten")
        (True, False)
    """
    return _is_alone(name, REMARK)


def names_id(name: str) -> bool:
    """Whether the name of a column is that of numbers which only tell rows, people or places from each other.

    Example:
        >>> names_id("order_id"), names_id("手机号"), names_id("Price"), names_id("")
        (True, True, False, False)
    """
    tokens = _tokens(name)
    return bool(tokens) and _ends_with(tokens[-1], ID)


def names_amount(name: str) -> bool:
    """Whether the name of a column is that of an amount of money, of points, or of time, without or with its unit.

    Example:
        >>> [names_amount(name) for name in ("Paid (EUR)", "月薪", "total_price", "price list", "amount of noise")]
        [True, True, True, False, False]
    """
    tokens = _tokens(re.sub(r"[(（\[].*", "", name))
    return bool(tokens) and _ends_with(tokens[-1], AMOUNT)


def names_aside(name: str) -> bool:
    """Whether the name of a column is that of whom or where a text is from, or of what is asked for that.

    Example:
        >>> [names_aside(name) for name in ("Filiale", "store_city", "性别", "hotel rating", "topic")]
        [True, True, True, False, False]
        >>> names_aside("May we contact you?")
        True
    """
    tokens = _tokens(name)
    return bool(tokens) and (_ends_with(tokens[-1], ASIDE) or bool(CONSENT.search(name)))


def speaks_against(name: str) -> bool:
    """Whether the name is that of a number, a date, a person or the like."""
    tokens = [token for token in _tokens(name) if not token.isdigit()]
    return bool(tokens) and _ends_with(tokens[-1], OTHER) and not (label_hint(name) or names_aspect(name))


def _hint(name: str, words: frozenset[str]) -> float:
    tokens = _tokens(name)
    if _is_alone(name, words):
        return EXACT
    if not tokens or _ends_with(tokens[-1], OTHER) or names_guessed(name):
        return 0.0
    if _ends_with(tokens[-1], words):
        return LAST
    return WITHIN if any(token in words for token in tokens) else 0.0


def _is_alone(name: str, words: frozenset[str]) -> bool:
    return name.strip().casefold() in words


def _begins_with(name: str, words: frozenset[str]) -> bool:
    """Whether one of its words is one of these, or begins with one as Chinese words do."""
    return any(
        token in words or (not token.isascii() and any(token.startswith(word) for word in words if not word.isascii()))
        for token in _tokens(name)
    )


def _has_word(name: str, words: frozenset[str]) -> bool:
    return any(_ends_with(token, words) for token in _tokens(name))


def _ends_with(token: str, words: frozenset[str]) -> bool:
    """Whether a word is one of these, or ends with one as Chinese words do, whose last part says what they are."""
    return token in words or (not token.isascii() and any(token.endswith(word) for word in words if not word.isascii()))


def _tokens(name: str) -> list[str]:
    return [token.casefold() for token in _TOKENS.findall(name)]
