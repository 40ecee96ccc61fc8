"""Explanations: what is measured, whether it is what the model goes by, and how it is shown."""

import csv
import json
import random
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from cli_fixtures import ROOT, good, refused, run_cli
from hypothesis import given, settings
from hypothesis import strategies as st
from report_cases import EVIL, STYLE, TEXTS, Strict

import textrnn
from textrnn.classifier import explain as method
from textrnn.classifier.explain import Word
from textrnn.classifier.explain_file import LISTED, SHOWN_ROWS, explanation_cell
from textrnn.classifier.explain_page import LONGEST_TEXT, STEPS, ExplainedRow, Part, format_explained
from textrnn.classifier.kinds import Classes, Grades, Numbers, Several, log_odds
from textrnn.classifier.spans import pieces, without
from textrnn.text.words import fold

# ---------------------------------------------------------------- pieces


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n", []),
        ("Don’t over-do it...", ["Don’t", "over-do", "it", "..."]),
        ("@ann see https://x.org/?a=b now", ["@ann", "see", "https://x.org/?a=b", "now"]),
        ("很好，5分 iPhone", ["很", "好", "，", "5", "分", "iPhone"]),
        ("a<br /><br />b &amp; c", ["a", "b", "&amp;", "c"]),
        ("हिन्दी है", ["हिन्दी", "है"]),
        ("ดีมาก", ["ดี", "ม", "า", "ก"]),
        ("cafe\u0301 !", ["cafe\u0301", "!"]),
        ("👍🏽👍🏽 ok", ["👍🏽👍🏽", "ok"]),
    ],
)
def test_pieces_are_what_a_person_points_to(text, expected):
    assert [text[begin:end] for begin, end in pieces(text)] == expected


@settings(deadline=None)
@given(st.text() | st.text("ab '-<br />好吃。\u0301\u0e33!_1"))
def test_pieces_leave_out_white_space_only(text):
    found, place = pieces(text), 0
    for begin, end in found:
        assert place <= begin < end and not fold(text)[place:begin].strip()
        place = end
    assert not fold(text)[place:].strip()


def test_without_keeps_words_apart():
    assert without("not-good", (3, 4)) == "not good"
    assert without("这个-好", (2, 3)) == "这个好"
    assert without("so good", (0, 7)) == "" and without("so good!", (3, 7)) == "so !"


# ---------------------------------------------------------------- the method, on models that are known


def model_of(score):
    """A model of two classes from the log-odds of the second one; `asked` lists the texts it was given."""

    def probabilities(texts):
        probabilities.asked += texts
        second = 1 / (1 + np.exp(-np.array([float(score(text)) for text in texts])))
        return np.stack([1 - second, second], 1)

    probabilities.asked = []
    return probabilities


ANY = Classes(["a", "b", "c"])


def explain(texts, model):
    """The words of the most probable of two or three classes."""
    given = model(texts)
    columns = [ANY.explained(own, np.zeros(0), None) for own in given]
    found = method.explain(texts, given, columns, model=model, scores=ANY.scores)
    return [own for (own,) in found]


def told(text, words):
    return {text[word.begin : word.end]: round(word.weight, 6) for word in words if abs(word.weight) > 1e-6}


def test_explain_measures_the_predicted_class():
    weights = {"fine": 2.0, "slow": -3.5, "rude": -0.5}
    model = model_of(lambda text: sum(weights.get(word, 0) for word in text.split()))
    texts = ["a fine tea", "slow and fine", "", "fine slow rude tea"]
    found = explain(texts, model)
    assert told(texts[0], found[0]) == {"fine": 2.0}
    assert told(texts[1], found[1]) == {"slow": 3.5, "fine": -2.0}  # the first class is predicted
    assert found[2] == []
    assert told(texts[3], found[3]) == {"slow": 3.5, "rude": 0.5, "fine": -2.0}
    assert [word[:2] for word in found[1]] == pieces(texts[1])


def test_explain_of_many_classes_takes_the_odds_against_all_others():
    def model(texts):
        return np.array([[0.7, 0.2, 0.1] if "tea" in text else [0.4, 0.3, 0.3] for text in texts])

    (word,) = explain(["tea"], model)[0]
    assert word.weight == pytest.approx(np.log(0.7 / 0.3) - np.log(0.4 / 0.6))


@pytest.mark.parametrize(
    ("kind", "decision", "label", "expected"),
    [
        (Grades(["1", "2", "3"], [1, 2, 3]), [], None, [1]),  # half of the probability lies up to the second grade
        (Several(["a", "b", "c"]), [0.2, 0.5, 0.5], None, [0]),
        (Several(["a", "b", "c"]), [0.2, 0.5, 0.5], [False, True, False], [0, 1]),
        (Several(["a", "b", "c"]), [0.5, 0.5, 0.5], None, [0]),  # none is predicted: the most probable one
        (Several(["a", "b", "c"]), [0.5, 0.5, 0.5], [False, False, True], [2]),
        (Numbers(), [1.0], 0.3, [0]),
    ],
)
def test_what_is_explained_is_what_is_said_and_what_is_given(kind, decision, label, expected):
    assert kind.explained(np.array([0.4, 0.3, 0.3]), np.array(decision), label) == expected


def test_each_label_has_words_of_its_own_and_a_text_is_asked_for_them_once():
    """Odds of two labels, and a number, from the same words."""
    asked = []

    def model(texts):
        asked.extend(texts)
        odds = np.array([[2.0 * ("tea" in one) - 1.0 * ("bed" in one), 3.0 * ("bed" in one)] for one in texts])
        return 1 / (1 + np.exp(-odds))

    text, kind = "tea and bed", Several(["food", "room"])
    food, room = method.explain([text], model([text]), [[0, 1]], model=model, scores=kind.scores)[0]
    assert told(text, food) == {"tea": 2.0, "bed": -1.0} and told(text, room) == {"bed": 3.0}
    assert len(asked) == 1 + 3
    number, score = lambda texts: np.array([[7.5 * ("tea" in one)] for one in texts]), Numbers(5.0, 2.0).scores
    assert told(text, method.explain([text], number([text]), [[0]], model=number, scores=score)[0][0]) == {"tea": 7.5}


def test_log_odds_keep_what_is_left_of_certainty():
    found = log_odds(np.array([1.0, 1.0]), np.array([1e-7, 0.0]))
    assert found[0] == pytest.approx(np.log(1e7)) and found[1] == pytest.approx(np.log(1e9))


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (lambda text: 3.0 * ("失望" in text), {"失望": 3.0}),  # each of the two takes all of it away
        (lambda text: 3.0 * ("失" in text or "望" in text), {"失望": 3.0}),  # neither does alone
        (lambda text: 3.0 * ("失" in text), {"失": 3.0}),
        (lambda text: 2.0 * ("失" in text) + 1.0 * ("望" in text), {"失望": 3.0}),
        (lambda text: 2.0 * ("失" in text) + 0.1 * ("望" in text), {"失": 2.0, "望": 0.1}),
        (lambda text: 2.0 * ("失望" in text) - 1.0 * ("望" in text), {"失望": 1.0}),  # 望 alone says the contrary
        (lambda text: 3.0 * ("失" in text) - 1.0 * ("望" in text), {"失": 3.0, "望": -1.0}),
    ],
)
def test_characters_are_joined_when_they_are_one_word(score, expected):
    text = "真的失望，走了"
    model = model_of(score)
    assert told(text, explain([text], model)[0]) == expected


def test_words_of_other_scripts_are_never_joined():
    model = model_of(lambda text: 3.0 * ("over" in text and "cooked" in text))
    assert told("over cooked", explain(["over cooked"], model)[0]) == {"over": 3, "cooked": 3}


@pytest.mark.parametrize("size", [64, 65, 200, 5_000])
def test_explain_finds_the_words_of_long_texts_at_bounded_cost(size):
    words = [f"w{k}" for k in range(size)]
    words[size // 3], words[-1] = "good", "bad"
    text = " ".join(words)
    model = model_of(lambda text: 3.0 * ("good" in text.split()) - 1.0 * ("bad" in text.split()))
    found = explain([text], model)[0]
    assert told(text, found) == {"good": 3.0, "bad": -1.0}
    assert len(model.asked) <= 1 + 64 * 4 and len(found) <= 64


def test_texts_in_memory_are_bounded(monkeypatch):
    monkeypatch.setattr(method, "CHARS_AT_A_TIME", 40)
    texts, sizes = ["one two three four", "five", "six seven"], []

    def model(some):
        sizes.append(sum(map(len, some)))
        return np.array([[0.5 + 0.01 * len(text.split()), 0.5 - 0.01 * len(text.split())] for text in some])

    found = explain(texts, model)
    assert max(sizes) <= 40 and len(sizes) > 2
    monkeypatch.undo()
    assert found == explain(texts, model)


# ---------------------------------------------------------------- faithfulness, on trained classifiers

SIGNS = {
    "english": (["lovely", "clean", "friendly", "tasty", "kind"], ["rude", "broken", "dirty", "stale", "grim"]),
    "chinese": (["好吃", "干净", "热情", "喜欢", "满意"], ["难吃", "脏乱", "冷漠", "讨厌", "失望"]),
}
FILLERS = {
    "english": [
        "the",
        "a",
        "tea",
        "room",
        "was",
        "and",
        "shop",
        "we",
        "had",
        "there",
        "waiter",
        "soup",
        "bed",
        "again",
    ],
    "chinese": ["我们", "这家", "房间", "晚上", "点了", "服务", "一个", "老板", "今天", "时候", "米饭", "桌子", "朋友"],
}


def made_up(language, count, seed):
    """Texts with three words for their class and one for the other; a tenth of the labels is wrong, so none is sure."""
    draw, rows = random.Random(seed), []
    for number in range(count):
        own, other = SIGNS[language][number % 2], SIGNS[language][1 - number % 2]
        words = draw.choices(FILLERS[language], k=9) + draw.sample(own, 3) + draw.sample(other, 1)
        draw.shuffle(words)
        label = ("good", "bad")[(number + (number % 10 == number // 10 % 10)) % 2]
        rows.append(((" " if language == "english" else "").join(words), label))
    return rows


def write_table(path, rows, header=("review", "label")):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


@pytest.fixture(scope="module", params=["english", "chinese"])
def language(request):
    return request.param


@pytest.fixture(scope="module")
def all_models(language, tmp_path_factory):
    """A classifier of all kinds of models, and texts that it has not seen."""
    folder = tmp_path_factory.mktemp(language)
    write_table(folder / "made_up.csv", made_up(language, 360, 1))
    small = ("--networks", "1", "--units", "16", "--embed", "16", "--epochs", "15", "--learning-rate", "0.01")
    steady = ("--dropout", "0.1", "--embed-dropout", "0", "--word-dropout", "0.1", "--time", "100h")
    place = ("--models-dir", folder / "models", "--name", "all")
    good("classify", folder / "made_up.csv", "--model", "combined", *place, *small, *steady, "-q")
    return textrnn.load(folder / "models" / "all"), [text for text, _ in made_up(language, 60, 2)]


@pytest.fixture(params=["linear", "rnn", "combined"])
def trained(request, all_models):
    classifier, texts = all_models
    classifier.chosen = request.param
    return classifier, texts


def removed(text, spans):
    for begin, end in sorted(spans, reverse=True):
        text = text[:begin] + " " * (" " in text) + text[end:]
    return text


def mean_fall(classifier, texts, choices):
    """By how much the probability of the predicted label falls when spans are taken out, on average."""
    before = classifier.classify(texts)
    after = classifier.classify([removed(text, spans) for text, spans in zip(texts, choices, strict=True)])
    pairs = zip(before, after, strict=True)
    return np.mean([old["confidence"] - new["probabilities"][old["label"]] for old, new in pairs])


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 3])
def test_words_that_are_told_matter_more_than_random_ones(trained, k):
    classifier, texts = trained
    found = [one["words"] for one in classifier.explain(texts)]
    told = [[(w["begin"], w["end"]) for w in sorted(words, key=lambda w: -w["weight"])[:k]] for words in found]
    rng, falls = np.random.default_rng(3), []
    for _ in range(5):
        chosen = []
        for text, spans in zip(texts, told, strict=True):  # as many pieces as are taken out of the other text
            places = pieces(text)
            count = sum(any(begin <= place[0] < end for begin, end in spans) for place in places)
            chosen.append([places[number] for number in rng.permutation(len(places))[:count]])
        falls.append(mean_fall(classifier, texts, chosen))
    fall = mean_fall(classifier, texts, told)
    assert fall > 0.005 and fall > 2 * max(falls), (fall, falls)


@pytest.mark.slow
def test_words_that_speak_against_a_label_lower_it(trained):
    classifier, texts = trained
    told = []
    for one in classifier.explain(texts):
        worst = min(one["words"], key=lambda word: word["weight"])
        told.append([(worst["begin"], worst["end"])] if worst["weight"] < 0 else [])
    assert mean_fall(classifier, texts, told) < 0


@pytest.mark.slow
def test_weights_are_what_taking_a_word_out_does(trained, language):
    classifier, texts = trained
    for one, text in zip(classifier.explain(texts[:3]), texts, strict=False):
        odds = np.log(one["confidence"] / (1 - one["confidence"]))
        for word in one["words"]:
            assert word["text"] == text[word["begin"] : word["end"]]
            after = classifier.classify([removed(text, [(word["begin"], word["end"])])])[0]
            share = after["probabilities"][one["label"]]
            assert word["weight"] == pytest.approx(odds - np.log(share / (1 - share)), abs=1e-3)


@pytest.mark.slow
def test_explain_tells_what_classify_tells(trained):
    classifier, texts = trained
    explained = classifier.explain([texts[0], "", texts[1]])
    assert [word for word in explained[1]["words"]] == [] and explained[1]["status"] == "empty"
    for one in explained:
        del one["words"]
    for one, expected in zip(explained, classifier.classify([texts[0], "", texts[1]]), strict=True):
        assert one["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-6)
        assert one["label"] == expected["label"]
    json.dumps(explained)


@pytest.mark.slow
def test_explained_texts_are_read_as_they_are_wanted(all_models):
    classifier, texts = all_models
    read = []
    source = (read.append(number) or (texts[0], None) for number in range(10_000))
    assert len(list(islice(classifier.stream_explained(source), 3))) == 3
    assert len(read) < 100


# ---------------------------------------------------------------- the cell


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("so good", [Word(0, 2, 0.04), Word(3, 7, -1.25)], "good -1.2"),
        ("Good, GOOD tea", [Word(0, 4, 0.5), Word(4, 5, 0.2), Word(6, 10, 0.75)], "GOOD +0.8; ',' +0.2"),
        ("=1+1 ok", [Word(0, 1, 2.0), Word(1, 4, 1.0)], "'=' +2.0; 1+1 +1.0"),
        ("服务 不好", [Word(3, 5, 3.0), Word(0, 2, 0.2)], "不好 +3.0"),  # a tenth of the heaviest is not told
        ("", [], ""),
        ("dull", [Word(0, 4, 0.0)], ""),
    ],
)
def test_explanation_cell_by_hand(text, words, expected):
    assert explanation_cell(text, words) == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(min_size=1), st.floats(-9, 9))))
def test_explanation_cell_is_no_formula_and_one_line(parts):
    text, words = "", []
    for part, weight in parts:
        words.append(Word(len(text), len(text) + len(part), weight))
        text += part
    cell = explanation_cell(text, words)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")) and len(cell.splitlines()) <= 1
    assert len(re.findall(r" [+-]\d\.\d(?:; |$)", cell)) >= min(1, len(cell))
    assert cell == explanation_cell(text, words[::-1]) or len({abs(word.weight) for word in words}) < len(words)


def test_explanation_cell_is_short():
    text = " ".join(f"word{k}" for k in range(50)) + " " + "x" * 500
    words = [Word(*span, 1.0) for span in pieces(text)]
    assert explanation_cell(text, words).count(";") == LISTED - 1
    assert len(explanation_cell(text, words[-1:])) < 50


# ---------------------------------------------------------------- the page


def rows_of(texts):
    return [
        ExplainedRow(number, text, EVIL, "负面", "75 %", True, "long", [Part(EVIL, EVIL, [Word(0, len(text), weight)])])
        for number, (text, weight) in enumerate(zip(texts, (-5, -1, 0, 0.3, 9, 1), strict=True), 1)
    ]


def test_page_is_well_formed_and_never_active():
    page = format_explained(rows_of(TEXTS), table=EVIL, run=EVIL, num_rows=9, kind=ANY)
    found = Strict(page)
    kinds = [value for tag, name, value in found.attributes if tag == "mark" and name == "class"]
    assert kinds[: 2 * len(STEPS)] == [f"{kind}{k}" for kind in ("right", "wrong") for k in range(1, 5)]
    assert kinds[2 * len(STEPS) :] == ["wrong4", "wrong2", "right1", "right4", "right2"]
    assert "script" not in found.elements and found.elements.count("section") == len(TEXTS)
    assert not any(name.startswith("on") or name in ("href", "src", "style") for _, name, _ in found.attributes)
    words = "".join(found.words)
    assert words.count(EVIL) >= 9 and "The first 6 of 9 rows" in words and TEXTS[1] in words
    assert all(f"mark).{kind} {{" in STYLE for kind in kinds)
    page.encode()


def test_page_marks_the_words_and_nothing_else():
    words = [Word(4, 8, 1.3), Word(9, 12, 0.01), Word(13, 16, -0.6)]
    row = ExplainedRow(7, "the good tea bad\nend", None, "x", "50 %", False, "", [Part("", "", words)])
    page = format_explained([row], table="a.csv", run="r", num_rows=1, kind=ANY)
    good, bad = '<mark class="right3" title="+1.3">good</mark>', '<mark class="wrong2" title="-0.6">bad</mark>'
    assert f"the {good} tea {bad}\nend</p>" in page
    assert ">1 row, " in page and "labelled" not in page.partition('class="explained"')[2]


def test_page_shows_long_texts_in_part():
    text = "start " + "filler " * 1000 + "awful " + "filler " * 1000 + "end"
    place = text.index("awful")
    row = ExplainedRow(1, text, None, "x", "50 %", False, "", [Part("", "", [Word(place, place + 5, 2.0)])])
    page = format_explained([row], table="a.csv", run="r", num_rows=1, kind=ANY)
    shown = "".join(Strict(page.partition("</div>\n")[2].partition("\n</main>")[0]).words)
    assert len(shown) < LONGEST_TEXT and shown.count(" … ") == 2
    assert "start" in shown and "filler awful filler" in shown and shown.endswith("end")


# ---------------------------------------------------------------- the command


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_table("reviews.csv", [*made_up("english", 120, 1), ("a lovely friendly tea room", ""), ("", "")])
    return tmp_path


LINEAR = ("--model", "linear", "--time", "1s", "-q", "--explain")


def read_table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_classify_explains_what_it_fills_in_and_what_it_predicts(place):
    result = good("classify", "reviews.csv", *LINEAR, "--json").json
    assert (result["output"], result["explained"]) == ("reviews.predicted.csv", "reviews.explained.html")
    rows = read_table("reviews.predicted.csv")
    assert list(rows[0])[-2:] == ["status", "explanation"] and len(rows) == 122
    assert re.match(r"(lovely|friendly) \+\d", rows[120]["explanation"]) and rows[121]["explanation"] == ""
    page = Path("reviews.explained.html").read_text(encoding="utf-8")
    assert page.count('class="explained"') == 122 and "nothing to go by" in page
    write_table("new.csv", [("rude and grim",), ("kind, clean",)] * (SHOWN_ROWS // 2 + 20), header=("text",))
    ran = good("classify", "new.csv", "--explain")
    assert f"new.explained.html: the words that mattered, in the first {SHOWN_ROWS} rows" in ran.out
    assert Path("new.explained.html").read_text(encoding="utf-8").count('class="explained"') == SHOWN_ROWS
    assert [row["explanation"][:4] for row in read_table("new.predicted.csv")][:1] in (["grim"], ["rude"])
    plain = good("classify", "new.csv", "--overwrite", "--json").json
    assert "explained" not in plain and "explanation" not in read_table("new.predicted.csv")[0]
    Path("new.predicted.csv").unlink()
    refused("classify", "new.csv", "--explain", code=2, says=["new.explained.html exists", "--overwrite"])
    assert not Path("new.predicted.csv").exists()
    ran = run_cli("classify", "-", "--predict", "--explain", stdin=b"so rude and grim\nkind and clean\n")
    assert ran.code == 0 and re.search(r"(rude|grim) \+\d", ran.out.splitlines()[0])
    Path("lines.jsonl").write_text('{"text": "so rude"}\n{"text": "kind, clean"}\n', encoding="utf-8")
    good("classify", "lines.jsonl", "--predict", "--explain", "-o", "out.jsonl")
    assert "rude +" in json.loads(Path("out.jsonl").read_text(encoding="utf-8").splitlines()[0])["explanation"]
    assert Path("out.explained.html").exists()


def test_explain_is_refused_before_anything_is_learnt(place):
    write_table("labelled.csv", made_up("english", 40, 1))
    refused("classify", "labelled.csv", *LINEAR, code=2, says=["--explain", "labelled.csv", "--output", "--predict"])
    Path("made.explained.html").write_text("mine")
    refused("classify", "labelled.csv", *LINEAR, "-o", "made.csv", code=2, says=["made.explained.html exists"])
    assert not (place / "models" / "labelled").exists() and not Path("made.csv").exists()
    assert Path("made.explained.html").read_text() == "mine"


@pytest.mark.slow
def test_explaining_loads_no_tensorflow(all_models):
    code = (
        "import sys, textrnn; textrnn.load(sys.argv[1]).explain(['kind']);"
        "print([name for name in ('tensorflow', 'keras', 'sklearn', 'scipy') if name in sys.modules])"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", code, str(all_models[0].path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "[]", done.stderr
