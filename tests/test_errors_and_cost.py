"""The table of labels that are most surely wrong, and thresholds by what errors cost."""

import csv
import json

import numpy as np
import pytest
from classify_cases import read_table, reviews, write_table
from cli_fixtures import good, refused

from textrnn.base.errors import ConfigError
from textrnn.base.files import RUN_FILE, read_json
from textrnn.classifier.kinds import Classes, CostClasses, Several, kind_from_json, with_costs

LINEAR = ("--model", "linear", "--time", "2s", "-q")
NOTHING = np.zeros(0)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_costs_by_hand():
    """An error on a row of b costs 5: b is predicted from 1 / 6 on."""
    kind = with_costs(Classes(["a", "b"]), {"B": 5})
    said = np.array([[0.9, 0.1], [0.8, 0.2], [0.8, 0.2], [0.1, 0.9]])
    labels = np.array([1, 0, 1, 1])
    assert kind.say(said, NOTHING) == (["a", "b", "b", "b"], [0.9, 0.2, 0.2, 0.9])
    assert kind.losses(labels, said, NOTHING).tolist() == [5, 1, 0, 0]
    found = kind.evaluate(labels, said, NOTHING)
    assert found["cost"] == {
        "costs": {"a": 1.0, "b": 5},
        "thresholds": pytest.approx({"a": 5 / 6, "b": 1 / 6}),
        "with": 6 / 4,
        "without": 10 / 4,
    }
    assert found["confusion"] == [[0, 1], [1, 2]] and found["accuracy"] == 0.5
    again = kind_from_json(json.loads(json.dumps(kind.to_json())))
    assert isinstance(again, CostClasses) and list(again.costs) == [1.0, 5]


@pytest.mark.parametrize(
    ("kind", "costs", "words"),
    [
        (Classes(["a", "b", "c"]), {"a": 2}, "two classes: leave it out with 3 classes"),
        (Several(["a", "b"]), {"a": 2}, "with --task multi"),
        (Classes(["a", "b"]), {"x": 2}, "--cost x=2 names no label: expected 'a' or 'b'"),
        (Classes(["a", "b"]), {"a": 0}, "--cost a=0: expected a number above 0"),
        (Classes(["a", "b"]), {"a": float("nan")}, "expected a number above 0"),
    ],
)
def test_costs_that_cannot_be(kind, costs, words):
    with pytest.raises(ConfigError, match=words):
        with_costs(kind, costs)


def test_classify_by_cost_is_told_stored_and_applied(place):
    rows = [(text, label if number % 5 else "bad") for number, (text, label) in enumerate(reviews(200))]
    write_table("a.csv", rows)
    result = json.loads(good("classify", "a.csv", "--cost", "good=9", "--json", *LINEAR).out)
    cost = result["test"]["cost"]
    assert cost["thresholds"]["good"] == pytest.approx(0.1) and cost["with"] <= cost["without"]
    assert read_json(place / "models/a" / RUN_FILE)["labels"]["costs"] == [1.0, 9.0]
    said = good("classify", "a.csv", "--predict").out
    assert "costs: 9 for a row of 'good' that is wrong, 1 for 'bad'; 'good' from 10.0 % on" in said
    for row in read_table("a.predicted.csv"):
        assert row["predicted"] == ("good" if float(row["p(good)"]) >= 0.1 else "bad")
    refused("classify", "a.csv", "--cost", "good=9", "--balanced", *LINEAR, code=2, says=["not both"])


def test_errors_are_a_table_of_the_rows_that_are_surely_wrong(place):
    rows = [list(row) for row in reviews(200)]
    rows[3][0] = rows[3][0].replace(" ", "\n", 1)  # the rows behind it are a line further down
    flipped = [20, 90, 151]
    for number in flipped:
        rows[number][1] = "bad" if rows[number][1] == "good" else "good"
    write_table("a.csv", rows)
    result = json.loads(good("classify", "a.csv", "--errors", "3", "--json", *LINEAR).out)
    assert (result["errors"], result["num_errors"]) == ("a.errors.csv", 3)
    listed = read_table("a.errors.csv")
    assert sorted(int(one["row"]) for one in listed) == [number + 1 for number in flipped]
    for one in listed:
        row = rows[int(one["row"]) - 1]
        assert (one["label"], one["text"], int(one["line"])) == (row[1], row[0], int(one["row"]) + 2)
        assert one["suggested"] == ("bad" if row[1] == "good" else "good")
    sure = [float(one["confidence"]) for one in listed]
    assert sure == sorted(sure, reverse=True)
    refused("classify", "a.csv", "--errors", "3", "--name", "b", *LINEAR, code=2, says=["a.errors.csv exists"])
    refused("classify", "a.csv", "--errors", "0", *LINEAR, code=2, says=["--errors is 0"])


@pytest.mark.parametrize("task", ["multi", "numbers"])
def test_errors_of_several_labels_and_of_numbers(place, task):
    rows = []
    for number in range(200):
        tea, bed = number % 2, number // 2 % 2
        text = f"{'tea and' * tea} {'bed and' * bed} word{number % 7} number {number}"
        rows.append(
            [text, "; ".join(["tea"] * tea + ["bed"] * bed) or "none" if task == "multi" else 3 + 2.5 * tea + bed]
        )
    wrong = {20: "bed", 150: "none; tea"} if task == "multi" else {20: 14.25, 151: -9.5}
    for number, label in wrong.items():
        rows[number][1] = label
    write_table("a.csv", rows)
    result = json.loads(good("classify", "a.csv", "--task", task, "--errors", "2", "--json", *LINEAR).out)
    listed = {int(one["row"]) - 1: one for one in read_table("a.errors.csv")}
    assert result["num_errors"] == 2 and listed.keys() == wrong.keys()
    for number, one in listed.items():
        assert one["text"] == rows[number][0] and one["label"] == str(wrong[number])
        if task == "numbers":
            assert float(one["difference"]) == pytest.approx(float(one["label"]) - float(one["suggested"]), rel=1e-3)
            assert abs(float(one["difference"])) > 2 * float(one["half_width"])
        else:
            assert one["suggested"] == {20: "none", 150: "bed"}[number]
            is_given = one["worst"] in one["label"].split("; ")
            assert one["status"] == ("surplus" if is_given else "missing") and float(one["confidence"]) > 0.5
    assert "worth a look" in (place / "models/a/report.html").read_text(encoding="utf-8")


def test_errors_without_a_wrong_label_are_a_table_without_rows(place):
    write_table("a.csv", reviews(200))
    out = good("classify", "a.csv", "--errors", "5", *LINEAR).out
    assert "likely wrong labels: a.errors.csv (0 rows)" in out
    with open("a.errors.csv", encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))) == 1
