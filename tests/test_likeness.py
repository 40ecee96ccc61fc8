"""Whether new texts are like those that were learnt from: quiet on the same kind, and a line on another one."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from classify_cases import reviews, write_table
from cli_fixtures import good

from textrnn.base.files import RUN_FILE, read_json, write_json
from textrnn.classifier.likeness import Hashed, Likeness, Measured, Watch, measure_likeness, words_and_pairs

CHINESE = ["味道", "服务", "外卖", "房间", "送餐", "老板", "米饭", "今天", "好吃", "干净", "热情", "很快"]


def texts_of(words, count, length, seed):
    draw = random.Random(seed)
    return ["".join(draw.choices(words, k=length)) for _ in range(count)]


def english(count, seed=1, length=9):
    return [" ".join(text.split() * (length // 9)) for text, _ in reviews(count, seed)]


@pytest.fixture(scope="module")
def likeness():
    return measure_likeness([(english(200), english(60, seed=2))], english(200))


def remark(likeness, texts):
    watch = Watch(likeness)
    for text in texts:
        watch.add(text)
    return watch.remark()


@pytest.mark.parametrize("count", [1, 3, 60, 3000])
def test_texts_of_the_same_kind_are_passed_over_in_silence(likeness, count):
    assert remark(likeness, english(count, seed=7)) is None


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (
            ["zebra quilt alpine xylophone riverbed"] * 9,
            "100% of their words are unknown to it, where 0% are usual, as",
        ),
        (texts_of(CHINESE, 40, 6, 1), "100% of their letters are Chinese, and hardly any of those were"),
        (["чай был очень хорош"] * 5, "letters are Cyrillic"),
        (english(30, seed=4, length=90), "they have about 90 words each, where 9 are usual"),
        (["tea"] * 30, "they have about 1 words each, where 9 are usual"),
    ],
)
def test_other_texts_are_told(likeness, texts, words):
    said = remark(likeness, texts)
    assert said.startswith("these texts look unlike those it learnt from: ") and words in said


def test_chinese_is_measured_by_pairs_of_characters():
    likeness = measure_likeness(
        [(texts_of(CHINESE, 99, 6, 1), texts_of(CHINESE, 50, 6, 2))], texts_of(CHINESE, 99, 6, 1)
    )
    assert remark(likeness, texts_of(CHINESE, 50, 6, 3)) is None
    assert "of their pairs of characters are unknown" in remark(likeness, ["天地玄黄宇宙洪荒"] * 9)


def test_texts_without_words_say_nothing(likeness):
    assert remark(likeness, ["", "!!!", "5"]) is None and remark(None, ["x"]) is None
    assert measure_likeness([(["a"], ["!"])], ["a"]) is None
    assert words_and_pairs("好") == ["好"]


def test_known_words_are_known_and_few_others():
    words = [f"word{number}" for number in range(5000)]
    known = Hashed.of(words)
    assert all(word in known for word in words)
    assert np.mean([f"other{number}" in known for number in range(5000)]) < 0.1
    assert "a" not in Hashed.of([])


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_rows_that_were_learnt_from_are_told(share):
    learnt, others = ([f"{name} number {number}" for number in range(2000)] for name in ("this", "that"))
    watch = Watch(measure_likeness([(learnt, others)], learnt))
    border = int(share * 2000)
    for text in learnt[:border] + others[border:]:
        watch.add_labelled(f" {text}\n")
    line = watch.learnt_line()
    if share < 0.1:
        assert line is None
    else:
        told = int(line.removeprefix("about ").partition("%")[0]) / 100
        assert told == pytest.approx(share, abs=0.06) and "of the 2,000 rows with a label" in line


def test_likeness_comes_back_from_json(likeness):
    again = Likeness.from_json(json.loads(json.dumps(likeness.to_json())), likeness.known.bits, likeness.texts.bits)
    assert again.to_json() == likeness.to_json()
    found = Measured()
    found.add("zebra quilt", again.known)
    assert found.unknown == [1.0]


def test_classify_warns_of_other_texts_and_older_runs_do_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_table("a.csv", reviews(120))
    good("classify", "a.csv", "--model", "linear", "--time", "2s", "-q")
    write_table("same.csv", [(text,) for text in english(40, seed=5)], ("review",))
    write_table("other.csv", [("der Kellner war leider unfreundlich",)] * 20, ("review",))
    assert "unlike" not in good("classify", "same.csv", "--json").err
    Path("again.csv").write_bytes(Path("a.csv").read_bytes())  # by another name
    assert "rows with a label have a text that it has learnt from" in good("classify", "again.csv", "--predict").err
    write_table("labelled.csv", reviews(40, 5))
    assert "learnt from" not in good("classify", "labelled.csv", "--predict").err
    ran = good("classify", "other.csv", "--json")
    assert ran.err.count("these texts look unlike those it learnt from") == 1
    assert json.loads(ran.out)["unlike"].startswith("these texts look unlike")
    path = tmp_path / "models/a" / RUN_FILE
    details = read_json(path)
    del details["likeness"], details["sha256"]
    write_json(path, details)
    assert "unlike" not in good("classify", "other.csv", "--json", "--overwrite").err
