"""What the names of columns say they hold, in English and Chinese."""

from __future__ import annotations

import re

EXACT, LAST, WITHIN, SECOND = 3.0, 2.0, 1.0, 0.5  # how much a name tells; a second choice loses a half
TARGET = 2.875  # of the name of a target
NAMED = 2.75  # of a column that has the names of labels


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TEXT = _words(
    """text texts review reviews comment comments content contents sentence sentences tweet tweets message messages
    body document documents question questions headline headlines phrase phrases post posts feedback utterance
    news sms statement description descriptions excerpt paragraph transcription transcript narrative poem poems essay
    essays
    overview plot synopsis abstract lyrics
    文本 评论 内容 评价 正文 句子 留言 点评 文章 微博 短信 弹幕 反馈 语句 文字 原文 问题 详情 简介 剧情 歌词"""
)
# A part of a text, or a short form of it: less often what is meant when there is one of those above as well.
_TITLE = _words("title titles subject summary summaries caption 标题 主题 题目 摘要")
_LABEL = _words(
    """label labels sentiment sentiments class classes category categories polarity emotion emotions stance
    topics genres themes y annotation annotations choice choices
    标签 标注 情感 类别 分类 情绪 极性 情感倾向 情感极性 倾向 立场
    kategorie kategorien catégorie catégories categoría categorías categoria categorias категория カテゴリ カテゴリー"""
)
_TAGS = _words("tag tags hashtag hashtags")  # that help desks and blogs have beside what they sort by
_TARGET = _words("target targets")  # whom an opinion is about, where there is one of those above as well
# Less often what is meant when there is one of those above as well.
_GRADE = _words(
    """score scores stars star rating ratings grade grades overall liked satisfied satisfaction
    评分 星级 打分 分数 得分 等级 星数 好评 满意度 評価 评级
    bewertung bewertungen sterne étoiles puntuación puntuacion calificación calificacion valoración valoracion estrellas
    avaliação estrelas оценка оценки рейтинг 평점 별점"""
)
_SCALE = re.compile(  # as in `1-5分`, and what surveys ask
    r"\d\s*(?:[-–~～至到]|to)\s*\d+\s*(?:分|星|points|stars)|\bnps(?: score)?\W*\Z|\bhow (?:likely|satisfied)\b"
    r"|\bon a scale (?:of|from)\b|\brate (?:us|our|the|your|this)\b|\bplease rate\b|\b[01] ?= ?\D+\b(?:5|7|10) ?="
    r"|净推荐|多大可能|推荐.*吗|满意吗",
    re.IGNORECASE,
)
_GRADE_ALONE = _words("note noten nota 星")  # that say something else beside other words
_REMARK = _words("note nota")  # that are remarks as well
# What a row is asked for, beside what is known of it.
_OUTCOME = _words("churn churned fraudulent outcome converted urgent")
_NAMING = _words("name value title displayname")  # members of an object in JSON that say which one it is
_PART_OF = re.compile(r"sub\W?", re.IGNORECASE)  # before what a finer division is of
_NAMED = re.compile(r"(?:names?|名称|名)\Z", re.IGNORECASE)  # behind what it is the name of, as in `category_name`
# What else texts are sorted by: said where another column is taken.
_ASPECT = _words(
    """topic theme genre aspect aspects intent intents reason reasons department product component
    话题 体裁 意图 原因 部门 科室"""
)
# Behind the name of a label the number of one, as in `Class Index`; else what says how a column counts its rows.
_NUMBERED = _words("id idx index no nr number num code 编号 序号")
# Labels of opinions and of mail, by which a column is known whatever its name.
OPINIONS = _words(
    """positive negative neutral pos neg good bad spam ham mostly-true half-true barely-true pants-fire
    正面 负面 中性 积极 消极 好评 中评 差评"""
)
# What tells parts of a data set from each other, and no classes.
PARTS = _words("train training test testing valid validation val dev 训练 训练集 验证 验证集 测试 测试集")
# What a column is about when its name ends so: neither a text nor a label.
_OTHER = _words(
    """id ids idx index key no nr num number count counts date datetime time timestamp day month year created updated
    user username author name url link href confidence length len lang language email ip geo location coord hash md5
    predicted prediction votes vote likes retweets replies views followers price size width height
    file filename path parse device platform version browser os channel store branch
    address addresses addr adresse anschrift dirección direccion endereço endereco indirizzo адрес
    编号 序号 序 号 时间 日期 年 月 日 用户 用户名 作者 名称 姓名 昵称 链接 网址 数 数量 次数 长度 置信度
    来源 渠道 门店 店铺 属地 工具 平台 机型 设备 版本 地址 住址 住所 주소"""
)
# What numbers rows, people and places, and counts nothing.
_ID = _words(
    """id ids idx index key no nr num number uid uuid code phone tel mobile zip postcode plz ip timestamp hash row line
    编号 序号 序 号 号码 电话 手机 邮编"""
)
# Whom and where a text is from, which is seldom asked for.
_ASIDE = _words(
    """sex gender nationality country region city hotel shop agent clerk assignee operator handler by to source wave
    group anonymous verified purchase
    坐席 受理人 经办人 处理人 负责人 年级
    geschlecht nationalität land stadt filiale niederlassung standort
    sexe nationalité pays ville magasin boutique género genero nacionalidad país pais ciudad tienda sucursal cidade loja
    пол город страна магазин филиал 性别 国籍 国家 城市 省份 酒店 分店 성별 국적 도시"""
)
_CONSENT = re.compile(r"\bcontact (?:you|me)\b|\bconsent|\bcall (?:you|me) back\b", re.IGNORECASE)
# The two sides of a talk: what somebody wants, and what was said or done about it.
_QUESTION = _words(
    """question questions problem problems issue issues complaint complaints customer user prompt query request inquiry
    symptom symptoms frage anfrage kundenanfrage problema problemas beschwerde anliegen demande pregunta consulta
    pergunta вопрос 用户 客户 问题 提问 诉求 诉求描述 投诉 咨询 症状 質問"""
)
_ANSWER = _words(
    """answer answers solution solutions resolution resolutions reply replies response responses agent bot assistant
    completion action actions antwort antworten lösung réponse respuesta solución resposta solução ответ решение
    客服 回答 回复 答复 处理结果 办理结果 处理意见 解决方案 建议 回答内容 回复内容"""
)
_TIMES = _words("date datetime time timestamp day month year created updated 时间 日期 年 月 日")
_GUESSED = _words("suggestion pred predicted prediction predictions gpt chatgpt llm hypothesis 预测 模型")  # by a model
_RATERS = _words("rater raters annotator annotators coder coders labeler 标注人 标注员 标注者")  # people
_RESULT = _words("result results output outputs 结果")  # of a model, where it stands beside what is right
_GOLD = _words(  # what is right
    """gold golden human expected correct actual reference true truth adjudicated majority consensus final
    真实 人工 正确 仲裁 最终"""
)
_UPPER, _LOWER = "A-ZÀ-ÖØ-Þ", "a-zß-öø-ÿ"
_TOKENS = re.compile(rf"[{_UPPER}]+(?![{_LOWER}])|[{_UPPER}]?[{_LOWER}]+|\d+|[^\W\d_{_UPPER}{_LOWER}]+")


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
        >>> label_hint("tags"), label_hint("converted")
        (2.5, 1.0)
    """
    parent, _, member = name.rpartition(".")
    if parent and member.casefold() in _NAMING:  # of an object in JSON
        return min(NAMED, label_hint(parent))
    words = _TOKENS.findall(name)
    numbered = " ".join(words[:-1]) if words and words[-1].casefold() in _NUMBERED else ""
    return max(
        _hint(name, _LABEL),
        min(TARGET, _hint(name, _TARGET)),
        _hint(name, _TAGS) - SECOND,
        EXACT - SECOND if _is_alone(name, _GRADE_ALONE) else _hint(name, _GRADE) - SECOND,
        WITHIN if _is_alone(name, _OUTCOME) else 0.0,
        _hint(numbered, _LABEL) - SECOND,
        min(NAMED, _hint(_unnamed(name), _LABEL)),
    )


def names_aspect(name: str) -> bool:
    """Whether the name of a column is that of something that texts are sorted by as well.

    Example:
        >>> names_aspect("topic"), names_aspect("intent_name"), names_aspect("意图名称"), names_aspect("name")
        (True, True, True, False)
        >>> names_aspect("product"), names_aspect("Sub-product")
        (True, False)
    """
    return not _PART_OF.match(name) and max(_hint(name, _ASPECT), _hint(_unnamed(name), _ASPECT)) > 0


def _unnamed(name: str) -> str:
    """What a column holds the names of; "" if it does not say so."""
    name = name.strip()
    found = _NAMED.search(name)
    return name[: found.start()].rstrip(" _.-") if found else ""


def names_time(name: str) -> bool:
    """Whether the name of a column is that of a time."""
    tokens = _tokens(name)
    return bool(tokens) and _ends_with(tokens[-1], _TIMES)


def names_guessed(name: str, *, beside_gold: bool = False) -> bool:
    """Whether the name of a column is that of what a model predicts.

    Args:
        name: of the column.
        beside_gold: whether there is another that `names_gold`, beside which a result is meant.

    Example:
        >>> names_guessed("gpt4_label"), names_guessed("预测标签"), names_guessed("label"), names_guessed("result")
        (True, True, False, False)
    """
    return _begins_with(name, _GUESSED) or (beside_gold and _begins_with(name, _RESULT))


def names_rater(name: str) -> bool:
    """Whether the name of a column is that of somebody who gave labels.

    Example:
        >>> names_rater("rater_2"), names_rater("标注人1"), names_rater("majority")
        (True, True, False)
    """
    return _begins_with(name, _RATERS) and not names_gold(name)


def names_gold(name: str) -> bool:
    """Whether the name of a column is that of what is right, beside what a model predicts.

    Example:
        >>> names_gold("correct_label"), names_gold("人工标注"), names_gold("human"), names_gold("gold_pred")
        (True, True, True, False)
    """
    is_verdict = set(_tokens(name)) <= {"is", "correct"}  # whether the model was right
    return _begins_with(name, _GOLD) and not is_verdict and not names_guessed(name)


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
    return _has_word(name, _QUESTION) and not names_answer(name)


def names_answer(name: str) -> bool:
    """Whether the name of a column is that of what is said or done about a question."""
    return _has_word(name, _ANSWER)


def names_grades(name: str) -> bool:
    """Whether the name of a column is that of ordered grades.

    Example:
        >>> names_grades("reviewRating"), names_grades("用户评分"), names_grades("rating_count"), names_grades("label")
        (True, True, False, False)
        >>> names_grades("3、总体评价（1-5分）"), names_grades("How likely is it that ...?"), names_grades("NPS")
        (True, True, True)
    """
    return _hint(name, _GRADE) > 0 or _is_alone(name, _GRADE_ALONE) or bool(_SCALE.search(name))


def names_remark(name: str) -> bool:
    """Whether the name of a column is that of grades in one language, and of remarks in another.

    Example:
        >>> names_remark("Note"), names_remark("Noten")
        (True, False)
    """
    return _is_alone(name, _REMARK)


def names_id(name: str) -> bool:
    """Whether the name of a column is that of numbers which only tell rows, people or places from each other.

    Example:
        >>> names_id("order_id"), names_id("手机号"), names_id("Price"), names_id("")
        (True, True, False, False)
    """
    tokens = _tokens(name)
    return bool(tokens) and _ends_with(tokens[-1], _ID)


def names_aside(name: str) -> bool:
    """Whether the name of a column is that of whom or where a text is from, or of what is asked for that.

    Example:
        >>> [names_aside(name) for name in ("Filiale", "store_city", "性别", "hotel rating", "topic")]
        [True, True, True, False, False]
        >>> names_aside("May we contact you?")
        True
    """
    tokens = _tokens(name)
    return bool(tokens) and (_ends_with(tokens[-1], _ASIDE) or bool(_CONSENT.search(name)))


def speaks_against(name: str) -> bool:
    """Whether the name is that of a number, a date, a person or the like."""
    tokens = [token for token in _tokens(name) if not token.isdigit()]
    return bool(tokens) and _ends_with(tokens[-1], _OTHER) and not (label_hint(name) or names_aspect(name))


def _hint(name: str, words: frozenset[str]) -> float:
    tokens = _tokens(name)
    if not tokens or _ends_with(tokens[-1], _OTHER) or names_guessed(name):
        return 0.0
    if _is_alone(name, words):
        return EXACT
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
