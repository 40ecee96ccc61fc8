"""What the names of columns are made of, in English, Chinese and other languages."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TEXT = _words(
    """text texts review reviews comment comments content contents sentence sentences tweet tweets message messages
    body document documents question questions headline headlines phrase phrases post posts feedback utterance
    news sms statement description descriptions excerpt paragraph transcription transcript narrative poem poems essay
    essays
    overview plot synopsis abstract lyrics
    文本 评论 内容 评价 正文 句子 留言 点评 文章 微博 短信 弹幕 反馈 语句 文字 原文 问题 详情 简介 剧情 歌词"""
)
# A part of a text, or a short form of it: less often what is meant when there is one of those above as well.
TITLE = _words("title titles subject summary summaries caption 标题 主题 题目 摘要")
LABEL = _words(
    """label labels sentiment sentiments class classes category categories polarity emotion emotions stance
    topics genres themes y annotation annotations choice choices
    标签 标注 情感 类别 分类 情绪 极性 情感倾向 情感极性 情感属性 倾向 立场
    etiqueta etiquetas rótulo étiquette étiquettes etikett etiketten etykieta etykiety etiket метка метки ラベル 라벨
    التصنيف 归类 kategorie kategorien kategoria kategori catégorie catégories categoría categorías categoria categorias
    категория カテゴリ カテゴリー 카테고리"""
)
TAGS = _words("tag tags hashtag hashtags")  # that help desks and blogs have beside what they sort by
TARGETS = _words("target targets")  # whom an opinion is about, where there is one of those above as well
# Less often what is meant when there is one of those above as well.
GRADE = _words(
    """score scores stars star rating ratings grade grades overall liked satisfied satisfaction
    评分 星级 打分 分数 得分 等级 星数 好评 满意度 評価 评级
    bewertung bewertungen sterne étoiles puntuación puntuacion calificación calificacion valoración valoracion estrellas
    avaliação estrelas оценка оценки рейтинг 평점 별점"""
)
SCALE = re.compile(  # as in `1-5分`, and what surveys ask
    r"\d\s*(?:[-–~～至到]|to)\s*\d+\s*(?:分|星|points|stars)|\bnps(?: score)?\W*\Z|\bhow (?:likely|satisfied)\b"
    r"|\bon a scale (?:of|from)\b|\brate (?:us|our|the|your|this)\b|\bplease rate\b|\b[01] ?= ?\D+\b(?:5|7|10) ?="
    r"|净推荐|多大可能|推荐.*吗|满意吗",
    re.IGNORECASE,
)
GRADE_ALONE = _words("note noten nota 星")  # that say something else beside other words
REMARK = _words("note nota")  # that are remarks as well
# What a row is asked for, beside what is known of it.
OUTCOME = _words("churn churned fraudulent outcome converted urgent")
NAMING = _words("name value title displayname")  # members of an object in JSON that say which one it is
PART_OF = re.compile(r"sub\W?", re.IGNORECASE)  # before what a finer division is of
NAME_OF = re.compile(r"(?:names?|名称|名)\Z", re.IGNORECASE)  # behind what it is the name of, as in `category_name`
# What else texts are sorted by: said where another column is taken.
ASPECT = _words(
    """topic theme genre aspect aspects intent intents reason reasons department product component
    motivo motif grund thema тема причина 話題 種別 区分 유형 话题 体裁 意图 原因 部门 科室 类型 类目 归属"""
)
ASPECT_ALONE = _words("code codes type types typ art tipo")  # that say something else beside other words
# Behind the name of a label the number of one, as in `Class Index`; else what says how a column counts its rows.
NUMBERED = _words("id idx index no nr number num code 编号 序号")
# Labels of opinions and of mail, by which a column is known whatever its name.
OPINIONS = _words(
    """positive negative neutral pos neg good bad spam ham mostly-true half-true barely-true pants-fire
    正面 负面 中性 积极 消极 好评 中评 差评"""
)
# What tells parts of a data set from each other, and no classes.
PARTS = _words("train training test testing valid validation val dev 训练 训练集 验证 验证集 测试 测试集")
# What a column is about when its name ends so: neither a text nor a label.
OTHER = _words(
    """id ids idx index key no nr num number count counts date datetime time timestamp day month year created updated
    user username author name url link href confidence length len lang language email ip geo location coord hash md5
    predicted prediction votes vote likes retweets replies views followers price size width height
    file filename path parse device platform version browser os channel store branch
    address addresses addr adresse anschrift dirección direccion endereço endereco indirizzo адрес
    编号 序号 序 号 时间 日期 年 月 日 用户 用户名 作者 名称 姓名 昵称 链接 网址 数 数量 次数 长度 置信度
    来源 渠道 门店 店铺 属地 工具 平台 机型 设备 版本 地址 住址 住所 주소"""
)
# What numbers rows, people and places, and counts nothing.
ID = _words(
    """id ids idx index key no nr num number uid userid uuid code phone tel mobile zip postcode plz ip timestamp hash
    row line
    编号 序号 序 号 号码 电话 手机 邮编"""
)
# What is counted in money, points or time, and asked for where nothing else is.
AMOUNT = _words(
    """price prices salary rent amount paid cost costs points marks wage fee premium preis gehalt miete kaltmiete betrag
    prix loyer salaire precio sueldo preço salário prezzo цена зарплата
    价格 价 总价 单价 售价 薪资 月薪 薪 租金 租 金额 刑期"""
)
# Whom and where a text is from, which is seldom asked for.
ASIDE = _words(
    """sex gender nationality country region city hotel shop agent clerk assignee operator handler by to source wave
    group anonymous verified purchase from sender shift channel notes remarks remark memo
    sachbearbeiter bearbeiter schicht ort kanal responsable responsável responsabile turno canal provincia équipe equipo
    opiekun zmiana temsilci vardiya менеджер оператор канал смена 担当 担当者 シフト 受付 담당자 상담원 근무조 채널
    الموظف 客服 处理员 班次 轮次 备注 说明
    坐席 受理人 经办人 处理人 负责人 年级
    geschlecht nationalität land stadt filiale niederlassung standort
    sexe nationalité pays ville magasin boutique género genero nacionalidad país pais ciudad tienda sucursal cidade loja
    пол город страна магазин филиал 性别 国籍 国家 城市 省份 酒店 分店 성별 국적 도시"""
)
CONSENT = re.compile(r"\bcontact (?:you|me)\b|\bconsent|\bcall (?:you|me) back\b", re.IGNORECASE)
# The two sides of a talk: what somebody wants, and what was said or done about it.
QUESTION = _words(
    """question questions problem problems issue issues complaint complaints customer user prompt query request inquiry
    symptom symptoms frage anfrage kundenanfrage problema problemas beschwerde anliegen demande pregunta consulta
    pergunta вопрос 用户 客户 问题 提问 诉求 诉求描述 投诉 咨询 症状 質問"""
)
ANSWER = _words(
    """answer answers solution solutions resolution resolutions reply replies response responses agent bot assistant
    completion action actions antwort antworten lösung réponse respuesta solución resposta solução ответ решение
    客服 回答 回复 答复 处理结果 办理结果 处理意见 解决方案 建议 回答内容 回复内容"""
)
TIMES = _words("date datetime time timestamp day month year created updated 时间 日期 年 月 日")
GUESSED = _words(
    "guess bot suggestion pred predicted prediction predictions gpt chatgpt llm hypothesis 预测 模型"
)  # by a model
RATERS = _words("rater raters annotator annotators coder coders labeler 标注人 标注员 标注者")  # people
RESULT = _words("result results output outputs 结果")  # of a model, where it stands beside what is right
GOLD = _words(  # what is right
    """gold golden human expected correct actual reference true truth adjudicated majority consensus final
    真实 人工 正确 仲裁 最终"""
)
