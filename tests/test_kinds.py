"""Kinds of labels: next to scikit-learn and SciPy, and whole from a table to predictions."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from classify_cases import write_table
from cli_fixtures import good, refused
from scipy import stats
from sklearn import metrics

import textrnn
from textrnn.classifier.data import read_rows
from textrnn.classifier.found_kind import LabelOptions, encoded, found_kind
from textrnn.classifier.kinds import Classes, Grades, Numbers, Several, kind_from_json
from textrnn.classifier.label_numbers import number_of
from textrnn.report.more_metrics import (
    average_precision,
    best_thresholds,
    evaluate_numbers,
    evaluate_several,
    quadratic_kappa,
)
from textrnn.text.table.table import open_table

KINDS = [
    Classes(["bad", "good"]),
    Grades(["1", "2.5", "5"], [1.0, 2.5, 5.0]),
    Several(["art", "food", "people"], "; "),
    Numbers(10.0, 2.0),
]


def labels_and_outputs(kind, rng, rows=300):
    """Labels of rows, and outputs of a model that knows something of them."""
    if isinstance(kind, Several):
        labels = rng.random((rows, 3)) < [0.1, 0.4, 0.7]
        return labels, 3.0 * labels - 1.5 + rng.normal(0, 1, labels.shape)
    if isinstance(kind, Numbers):
        labels = rng.normal(10, 2, rows)
        return labels, kind.targets(labels) + rng.normal(0, 0.3, (rows, 1))
    labels = rng.integers(0, len(kind.names), rows)
    targets = kind.targets(labels) if isinstance(kind, Grades) else np.eye(2)[labels]
    return labels, 3.0 * targets - 1.5 + rng.normal(0, 1, targets.shape)


@pytest.mark.parametrize("rows", [1, 2, 300])
def test_several_labels_are_measured_as_scikit_learn_does(rng, rows):
    labels, said = rng.random((rows, 4)) < [0.1, 0.5, 0.9, 0.3], rng.random((rows, 4)).round(1)
    thresholds = np.array([0.3, 0.5, 0.5, 0.75])
    predicted, found = said >= thresholds, evaluate_several(labels, said, thresholds, "abcd")
    assert found["micro_f1"] == pytest.approx(metrics.f1_score(labels, predicted, average="micro", zero_division=0))
    assert found["sample_f1"] == pytest.approx(metrics.f1_score(labels, predicted, average="samples", zero_division=1))
    assert found["subset_accuracy"] == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert found["hamming_loss"] == pytest.approx(metrics.hamming_loss(labels, predicted))
    for k, one in enumerate(found["per_label"]):
        if labels[:, k].any():
            assert one["average_precision"] == pytest.approx(metrics.average_precision_score(labels[:, k], said[:, k]))
            assert one["recall"] == pytest.approx(metrics.recall_score(labels[:, k], predicted[:, k]))
    if rows == 300:
        assert found["macro_f1"] == pytest.approx(metrics.f1_score(labels, predicted, average="macro"))
    assert average_precision(np.zeros(3, bool), np.ones(3)) is None
    json.dumps(found, allow_nan=False)


def test_numbers_and_grades_are_measured_as_scipy_and_scikit_learn_do(rng):
    labels = rng.normal(size=200)
    said = (labels + rng.normal(size=200)).round(1)
    found = evaluate_numbers(labels, said)
    assert found["r2"] == pytest.approx(metrics.r2_score(labels, said))
    assert found["spearman"] == pytest.approx(stats.spearmanr(labels, said).statistic)
    assert found["pearson"] == pytest.approx(stats.pearsonr(labels, said).statistic)
    assert evaluate_numbers(labels, np.zeros(200))["spearman"] is None
    true, guess = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    confusion = metrics.confusion_matrix(true, guess, labels=range(5))
    expected = metrics.cohen_kappa_score(true, guess, weights="quadratic")
    assert quadratic_kappa(confusion, np.arange(5.0)) == pytest.approx(expected)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.task)
def test_what_a_kind_says_is_of_one_piece(kind, rng):
    labels, outputs = labels_and_outputs(kind, rng)
    assert outputs.shape == (300, kind.num_outputs) and kind_from_json(json.loads(json.dumps(kind.to_json()))) == kind
    temperature = kind.temperature(outputs, labels)
    said = kind.predictions(outputs, temperature)
    assert said.shape == (300, len(kind.mean(labels)))
    if kind.mixes_logarithms:
        np.testing.assert_allclose(said.sum(1), 1)
    decision = kind.decision(said, labels)
    always = np.tile(kind.mean(labels), (300, 1))
    assert kind.losses(labels, said, decision).mean() < 0.7 * kind.losses(labels, always, decision).mean()
    assert kind.nats(labels, said) < kind.nats(labels, always)
    test = kind.evaluate(labels, said, decision)
    assert test["rows"] == 300 and json.dumps(test, allow_nan=False)
    written, sure = kind.say(said, decision)
    again = encoded(kind, written, "table")
    assert kind.losses(again, said, decision).max() < 1e-3  # what is said is what losses are of
    assert all(0 < p <= 1 for p in sure) if sure[0] is not None else kind.task == "numbers"
    assert [len(kind.figures(row, decision)) for row in said[:2]] == [len(kind.columns)] * 2
    strata = kind.strata(labels)
    assert strata.shape == (300,) and strata.min() >= 0 and len(np.unique(strata)) > 1


def test_grades_know_their_order():
    """Between 1 and 5, of which each is half as probable as not, lies what is least far off."""
    kind = Grades(["1", "2", "5"], [1.0, 2.0, 5.0])
    np.testing.assert_array_equal(kind.targets(np.array([0, 1, 2])), [[0, 0], [1, 0], [1, 1]])
    said = kind.predictions(np.array([[0.0, 0.0], [-9.0, 9.0], [9.0, -9.0]]), 1.0)
    np.testing.assert_allclose(said, [[0.5, 0, 0.5], [1, 0, 0], [0, 1, 0]], atol=1e-3)
    np.testing.assert_allclose(kind.losses(np.array([2, 2, 2]), said, np.zeros(0)), [4, 4, 3])


def test_an_interval_holds_as_many_numbers_as_it_says(rng):
    kind, rows = Numbers(), 2_000
    labels, said = rng.normal(size=rows), rng.normal(size=(rows, 1)) * 0.1
    half = kind.decision(said[:200], labels[:200])
    assert 0.85 < kind.evaluate(labels[200:], said[200:], half)["interval"]["covered"] < 0.95
    assert kind.decision(said[:1], labels[:1]) == pytest.approx(abs(said[0] - labels[0]))


def test_thresholds_are_those_of_the_best_f1(rng):
    labels = np.stack([rng.random(500) < 0.1, np.zeros(500, bool)], 1)
    said = np.clip(labels * 0.25 + rng.normal(0.1, 0.05, (500, 2)), 0, 1)
    low, none = best_thresholds(labels, said)
    tried = [metrics.f1_score(labels[:, 0], said[:, 0] >= t) for t in np.linspace(0, 1, 101)]
    assert metrics.f1_score(labels[:, 0], said[:, 0] >= low) >= max(tried) - 0.01
    assert none == pytest.approx(low, abs=0.01) and best_thresholds(np.zeros((9, 1), bool), said[:9, :1]) == [0.5]


def test_thresholds_of_rare_labels_are_drawn_to_that_of_all():
    """One of the labels is told from 0.3 on; the best threshold of the other, in one row of them, is 0.05."""
    often = np.repeat([[0.4, 0.0]], 50, 0), np.repeat([[True, False]], 50, 0)
    never = np.repeat([[0.2, 0.0]], 50, 0), np.repeat([[False, False]], 50, 0)
    rare = np.array([[0.0, 0.1]]), np.array([[False, True]])
    said, labels = (np.concatenate(parts) for parts in zip(often, never, rare, strict=True))
    first, second = best_thresholds(labels, said)
    assert first == pytest.approx(0.3)
    odds = (np.log(0.05 / 0.95) + 2 * np.log(0.3 / 0.7)) / 3
    assert second == pytest.approx(1 / (1 + np.exp(-odds)))


@pytest.mark.parametrize(
    ("labels", "column", "task"),
    [
        (["a", "b", "a"], "label", "classes"),
        (["1", "2", "3", "4", "5"] * 9, "label", "classes"),  # may be the numbers of classes
        (["1", "2", "3", "4", "5"] * 9, "Stars given", "grades"),
        (["1", "2", "3"] * 9, "评分", "grades"),
        (["★☆☆", "★★☆", "★★★"] * 9, "label", "grades"),
        (["2.0 out of 5 stars", "3 stars", "5/5"] * 9, "label", "grades"),
        (["一星", "两颗星", "五星级"] * 9, "label", "grades"),
        (["☆", "☆☆", "☆☆☆"] * 9, "label", "grades"),
        (["☆☆☆", "★★☆", "★★★"] * 9, "label", "classes"),  # the first may be none or three
        (["⭐️", "⭐️⭐️", "⭐️⭐️⭐️"] * 9, "label", "grades"),
        (["1 Stern", "2 Sterne", "4,0 von 5 Sternen", "3 sur 5 étoiles", "5 estrellas"] * 9, "label", "grades"),
        (["Rated 4 out of 5", "2 star rating", "1-star", "3 (of 5)", "5 of 5"] * 9, "label", "grades"),
        (["★ 4", "3★", "2 ⭐", "5つ星のうち1.0"] * 9, "label", "grades"),
        (["9/20", "12/20", "16/20"] * 9, "label", "grades"),
        (["2点", "4点", "5点"] * 9, "score", "grades"),
        ([f"{n}/100" for n in range(40)], "label", "numbers"),
        (["3.0分", "4.7分", "5分"] * 9, "评分", "grades"),
        (["3.1", "4.7", "5"] * 9, "label", "classes"),  # may be versions
        (["1分", "2分", "3分"] * 9, "时长", "classes"),
        (["1/2", "2/3", "3/4"] * 9, "label", "classes"),
        (["0", "1"] * 9, "rating", "classes"),
        (["1", "1.5", "3", "4,5"] * 9, "label", "grades"),
        ([f"{n / 7:.3f}" for n in range(60)], "label", "numbers"),
        ([str(n) for n in range(100)], "label", "numbers"),
        ([f"${n // 9 + 1},{n % 900 + 100}.{n % 7}5" for n in range(60)], "label", "numbers"),
        ([f"{n % 30 + 1} %" for n in range(60)], "score", "numbers"),
        ([f"{n} km" for n in range(100)], "label", "numbers"),
        ([f"{5 * n} %" for n in range(21)] * 3, "label", "numbers"),
        (["3_4", "1_2", "2_1"] * 9, "label", "classes"),
        (["art & food & people", "food & people", "art", "food", "people"] * 3, "label", "multi"),
        (["bad#urgent", "bad", "good#urgent", "good"] * 3, "label", "multi"),
        (["bad # not sure", "good # not sure", "good", "bad"] * 3, "label", "classes"),
        (["art, food", "art", "food, people", "people", "art, people"] * 3, "label", "multi"),
        (["艺术、美食", "艺术", "美食", "人物、艺术"] * 3, "label", "multi"),
        (["艺术｜美食", "艺术", "美食", "人物｜艺术"] * 3, "label", "multi"),
        (["艺术┋美食", "艺术", "美食", "人物┋艺术"] * 3, "label", "multi"),
        (["cs.LG stat.ML", "stat.ML cs.LG", "cs.LG", "cs.LG cs.CV", "cs.CV cs.LG"] * 3, "label", "multi"),
        (["art food", "food people", "art", "food", "people"] * 3, "label", "multi"),
        (["art#food", "food#people", "art", "food", "people"] * 3, "label", "multi"),
        (["good", "bad", "very good", "very bad"] * 3, "label", "classes"),
        (["North", "South", "East", "West", "North East", "South West"] * 3, "label", "classes"),
        (["John Smith", "Smith John", "Jane Doe"] * 3, "label", "classes"),
        (["New York", "York", "New Jersey", "Jersey City"] * 3, "label", "classes"),
        (["C#", "C", "F#", "F", "issue #1", "issue #2"] * 3, "label", "classes"),
        (["0 0 1", "0 1 0", "1 0 0", "0", "1"] * 3, "label", "classes"),
        (["Paris, France", "Rome, Italy", "Bonn, Germany"] * 5, "label", "classes"),
        (["yes/no", "yes/no", "maybe"] * 5, "label", "classes"),
    ],
)
def test_the_kind_is_found_out(labels, column, task):
    kind, words = found_kind(labels, column, LabelOptions())
    may_be_grades = labels[:5] == ["1", "2", "3", "4", "5"] or "分" in labels[0] or labels[0] == "3.1"
    assert kind.task == task and (words is None) == (task == "classes" and not may_be_grades)
    assert words is None or ("--task grades" if task == "classes" else "--task classes") in words
    assert len(encoded(kind, labels, "table")) == len(labels)
    assert found_kind(labels, column, LabelOptions("classes"))[0].task == "classes"


@pytest.mark.parametrize("begin", ["5", "5★", "5 of 5", "★", "rated"])
def test_long_runs_of_blanks_in_grades_take_no_time_that_grows_with_their_square(begin):
    assert number_of(f"{begin}{' ' * 300_000}b") is None


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (["Price & Service", "Price", "Place & Service", "Place", "Service"], "'Price & Service' is one label here"),
        (["Beer & Wine", "Wine & Spirits", "Beer", "Wine", "Spirits"], "'Beer & Wine' is one label here"),
        (["sand and brass", "sand", "brass", "sand and wood", "wood"], "--label-separator ' and '"),
        ([str(n) for n in range(30)] * 3, "numbers from 0 to 29 are taken as classes without an order; --task numbers"),
        (["R&D", "Sales", "Q&A"], None),
        (["0", "1", "2", "3"], "numbers from 0 to 3 are taken as classes without an order; --task grades takes them"),
        (["-1", "1"], None),
    ],
)
def test_labels_that_may_be_several_or_grades_are_said(labels, says):
    kind, words = found_kind(labels * 3, "label", LabelOptions())
    assert kind.task == "classes" and (words is None if says is None else says in words)
    assert "&" not in labels[0] or found_kind(labels * 3, "label", LabelOptions(separator="&"))[0].task == "multi"


WORDS = {"awful": 1.0, "poor": 2.0, "fair": 3.0, "good": 4.0, "superb": 5.0}
THINGS = ["tea", "room", "play"]


def rows_of(task, rng, count=160):
    """Texts whose label is told by their words."""
    rows = []
    for number in range(count):
        word = list(WORDS)[number % 5]
        things = [thing for thing in THINGS if rng.random() < 0.5]
        text = f"{word} {' and '.join(things) or 'nothing'} number {number}"
        label = {"grades": f"{WORDS[word] / 2:g}", "numbers": f"{WORDS[word] + len(things) * 1.37:.2f}"}
        rows.append((text, label.get(task, "; ".join(things) or "none")))
    return rows


@pytest.mark.parametrize("task", ["multi", "grades", "numbers"])
@pytest.mark.parametrize("model", ["linear", pytest.param("combined", marks=pytest.mark.slow)])
def test_a_table_is_learnt_from_and_filled_in(home, rng, task, model):
    write_table("rows.csv", [*rows_of(task, rng), ("superb tea and play", ""), ("", "")])
    small = ("--units", "16", "--embed", "16", "--networks", "2", "--epochs", "20") if model != "linear" else ()
    ran = good("classify", "rows.csv", "--model", model, "--time", "30s", *small, "--json", "--name", task)
    report = ran.json
    assert report["task"] == task and "--task classes" in ran.err
    test = report["test"]
    best = {"multi": test.get("micro_f1"), "grades": test.get("quadratic_kappa"), "numbers": test.get("r2")}[task]
    assert best > 0.9 and report["models"]["majority"]
    with open("rows.predicted.csv", encoding="utf-8", newline="") as file:
        filled = list(csv.DictReader(file))
    said = textrnn.load(task).classify(["superb tea and play"])[0]
    assert filled[160]["predicted"] == said["label"]
    if task == "multi":
        assert sorted(said["labels"]) == ["play", "tea"]
    elif task == "grades":
        assert said["label"] == "2.5"
    else:
        assert said["value"] == pytest.approx(7.74, abs=1.5) and said["low"] < said["value"] < said["high"]
        assert float(filled[160]["low"]) == pytest.approx(said["low"], rel=1e-4)
    again = good("classify", "rows.csv", "--predict", "--model", task, "-o", "again.csv", "--json").json
    assert again["test"].keys() == test.keys() and again["test"]["rows"] == 160
    words = ("classify", "rows.csv", "--predict", "--model", task, "-o", "words.csv", "--explain")
    assert good(*words).out
    with open("words.csv", encoding="utf-8", newline="") as file:
        told = [row["explanation"] for row in csv.DictReader(file)]
    expected = {"multi": "tea: tea +", "grades": "superb +", "numbers": "superb +"}[task]
    assert sum(expected in cell for cell in told) > 20 and told[161] == ""
    assert told[160].count(" | ") == (task == "multi")
    page = Path("words.explained.html").read_text(encoding="utf-8")
    assert {"multi": "predicted, labelled", "grades": "as labelled", "numbers": "raised the number"}[task] in page
    shown = good("info", task).out
    assert task in shown and good("info").out
    assert (home / "models" / task / "report.html").read_text(encoding="utf-8").count("<table") >= 1


def test_folds_and_several_labels(home, rng):
    write_table("rows.csv", rows_of("multi", rng))
    report = good("classify", "rows.csv", "--folds", "3", "--model", "linear", "--time", "5s", "--json").json
    assert report["folds"]["models"]["linear"]["micro_f1"]["mean"] > 0.9


@pytest.mark.parametrize(
    ("task", "options", "code", "says"),
    [
        ("multi", ["--balanced"], 2, "--balanced is for classes and grades"),
        ("numbers", ["--arch", "esn"], 2, "--arch esn is for classes"),
        ("multi", ["--task", "numbers"], 1, "--task numbers is for numbers"),
        ("grades", ["--task", "multi"], 1, "name it with --label-separator"),
    ],
)
def test_what_does_not_go_with_a_kind_is_refused(home, rng, task, options, code, says):
    write_table("rows.csv", [*rows_of(task, rng), ("tea", "")])
    refused("classify", "rows.csv", *options, code=code, says=[says])


def one_hot_rows(rng, count=120):
    rows = []
    for text, label in rows_of("multi", rng, count):
        has = [int(thing in label) for thing in THINGS]
        rows.append((text, *has))
    return rows


def test_columns_of_yes_and_no_are_labels(home, rng):
    rows = one_hot_rows(rng)
    write_table("hot.csv", [*rows, ("awful tea", "", "", "")], header=("review", *THINGS))
    ran = good("classify", "hot.csv", "--model", "linear", "--time", "5s", "--json")
    assert "3 columns of yes and no are labels; --label-column tea takes that one alone" in ran.err
    assert ran.json["task"] == "multi" and ran.json["test"]["micro_f1"] > 0.9
    assert ran.json["rows"] == {"used": 120, "unlabelled": 1, "empty": 0}  # zeros are an answer, blanks are none
    with open("hot.predicted.csv", encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file))[120]["predicted"] == "tea"
    named = ("--label-column", "play", "--label-column", "2", "--model", "linear", "--name", "two", "-o", "two.csv")
    two = good("classify", "hot.csv", *named, "--json").json
    assert [one["label"] for one in two["test"]["per_label"]] == ["play", "tea"]
    write_table("new.csv", rows[:20], header=("review", *THINGS))
    assert good("classify", "new.csv", "--predict", "--model", "hot", "--json").json["test"]["rows"] == 20


@pytest.mark.parametrize(("yes", "no"), [("x", ""), ("✓", ""), ("TRUE", ""), ("oui", "non"), ("○", "×"), ("有", "无")])
def test_columns_of_yes_and_no_in_other_words_are_labels(tmp_path, yes, no):
    rows = [(f"text {n}", *(yes if n >> bit & 1 else no for bit in range(3))) for n in range(40)]
    (tmp_path / "a.csv").write_text(
        "".join(",".join(row) + "\n" for row in [("review", *THINGS), *rows]), encoding="utf-8"
    )
    with open_table(str(tmp_path / "a.csv"), needs_label=True) as table:
        found, kind = read_rows(table, LabelOptions())
    assert kind.task == "multi" and set(kind.names) == set(THINGS) and len(found.texts) == 40
    places = [kind.names.index(thing) for thing in THINGS]
    assert found.labels[:, places].tolist() == [[bool(n >> bit & 1) for bit in range(3)] for n in range(40)]
    said = ["a.csv: 5 rows without a mark count as rows with none of the labels"] if not no else []
    assert found.remarks == said


@pytest.mark.parametrize("others", ["AB", "01"])
def test_columns_of_marks_beside_other_labels_are_none(tmp_path, others):
    rows = [f"text {n},{','.join('x' * (n >> bit & 1) for bit in range(3))},{others[n % 2]}\n" for n in range(40)]
    (tmp_path / "a.csv").write_text(f"review,{','.join(THINGS)},segment\n{''.join(rows)}", encoding="utf-8")
    with open_table(str(tmp_path / "a.csv"), needs_label=True) as table:
        assert table.column_names[1] == "segment"


def test_columns_of_which_one_is_yes_are_classes(home, rng):
    rows = [(f"{word} {n}", *(int(word == other) for other in WORDS)) for n in range(30) for word in WORDS]
    write_table("hot.csv", rows, header=("review", *WORDS))
    report = good("classify", "hot.csv", "--model", "linear", "--time", "5s", "--json").json
    assert report["task"] == "classes" and report["test"]["accuracy"] == 1


def test_what_is_neither_yes_nor_no_is_refused(home, rng):
    rows = one_hot_rows(rng)
    write_table("hot.csv", [*rows, ("good tea", 1, 7, 0)], header=("review", *THINGS))
    options = [option for name in THINGS for option in ("--label-column", name)]
    refused("classify", "hot.csv", *options, code=1, says=["has '7' in column 'room'", "1 and 0, or yes and no"])
    refused("classify", "hot.csv", *options[:2], *options[:2], code=2, says=["names a column twice"])


@pytest.mark.parametrize("task", ["multi", "grades", "numbers"])
def test_a_table_without_a_label_is_refused_whatever_its_kind(home, task):
    write_table("rows.csv", [(f"tea {n}", "NA") for n in range(30)])
    options = ("--label-column", "label", "--label-separator", ";") if task == "multi" else ("--label-column", "label")
    refused("classify", "rows.csv", "--train", "--task", task, *options, code=1, says=["no row with both a text and a"])
