"""Columns that decide which rows are held out: words, dates and numbers as people write them, and groups."""

import json

import numpy as np
import pytest
from classify_cases import reviews, write_table
from cli_fixtures import good, refused

from textrnn.base.errors import DataError
from textrnn.base.files import RUN_FILE, read_json
from textrnn.classifier import linear_fit
from textrnn.classifier.sides import given_sides, order_keys, side_of
from textrnn.classifier.splits import GroupedTexts, folds, hold_out

LINEAR = ("--model", "linear", "--time", "2s", "-q")
PRODUCTS = ["tea", "soup", "bed", "room", "shop", "cup"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("word", "side"),
    [
        ("TRAIN", "train"),
        ("training_set", "train"),
        ("Train split", "train"),
        ("训练集", "train"),
        ("val", "validation"),
        ("Development", "validation"),
        ("验证数据集", "validation"),
        ("test", "test"),
        ("Held-Out", "test"),
        ("测试", "test"),
        ("tested", None),
        ("", None),
    ],
)
def test_side_of_words_as_people_write_them(word, side):
    assert side_of(word) == side


@pytest.mark.parametrize(
    "cells",
    [
        ["2019", "2020", "2021", "2022"],
        ["1.5", "2", "10", "1e2"],
        ["2023-12-31", "2024-01-01", "2024-1-10", "2024/02/01"],
        ["31.12.2023", "01.02.2024", "3.2.2024", "1.3.2024"],
        ["01/25/2024", "02/01/2024", "02/03/2024", "3/1/24"],
        ["25/01/2024", "1/2/2024", "2/2/2024", "01/03/2024"],
        ["2024年1月5日", "2024年1月15日", "2024年2月1日 9时5分", "2024年2月1日 10时0分"],
        ["2024-01-01T10:00:00Z", "2024-01-01T12:00:00+01:00", "2024-01-01T07:30:00-05:00", "2024-01-02"],
        ["Jan 5, 2024", "6 Jan 2024", "February 1, 2024", "Mon, 05 Feb 2024 10:00:00 +0000"],
        ["9:59", "10:00", "10:00:30", "23:15"],
    ],
)
def test_order_keys_rise_as_time_does(cells):
    keys, note = order_keys(cells, "--split-column")
    assert (np.diff(keys) > 0).all() and note == ""


def test_order_keys_tell_a_guess_and_refuse_a_contradiction():
    assert "month first" in order_keys(["1/2/2024", "2/2/2024"], "x")[1]
    with pytest.raises(DataError, match="day first and dates with the month first"):
        order_keys(["1/25/2024", "25/1/2024"], "x")


def test_given_sides_by_order_keep_equal_values_together_and_leave_blanks_out():
    sides = given_sides(["3", "1", "2", "3", "", "1", "2", "1"], "year", 0.3, 100)
    assert (sides.learnt.tolist(), sides.held.tolist()) == ([1, 2, 5, 6, 7], [0, 3])
    assert sides.words == (
        "by 'year': the first 5 rows, before 3, are learnt from, and the last 2 are measured on; 1 row left out, where "
        "'year' is blank"
    )


def test_given_sides_measure_on_validation_where_there_is_no_test():
    sides = given_sides(["train", "dev", "train"], "part", 0.2, 100)
    assert sides.held.tolist() == [1] and sides.words.endswith(
        "2 rows of train are learnt from, 1 of validation are measured on"
    )


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["", ""], "is blank in all"),
        (["train", "train"], r"says only train \(2 rows\)"),
        (["train", "other"], "has 'train' and also 'other'"),
        (["2", "2"], "is '2' in all rows"),
        (["2024-01-01", "soon"], "has 'soon': expected words for train"),
    ],
)
def test_given_sides_refuse(cells, words):
    with pytest.raises(DataError, match=words):
        given_sides(cells, "part", 0.2, 100)


def test_groups_are_on_one_side_of_every_split(rng):
    groups = [None if number % 11 == 0 else f"g{number % 7}" for number in range(200)]
    texts = GroupedTexts([f"text {number % 150}" for number in range(200)], groups)
    labels = rng.integers(0, 3, 200)
    pairs = [hold_out(texts, labels, 0.2, rng), *folds(texts, labels, 5, rng)]
    for learnt, held in pairs:
        assert len(held) and not {groups[row] for row in learnt} & {groups[row] for row in held} - {None}
        assert not {texts[row] for row in learnt} & {texts[row] for row in held}
    assert sorted(row for _, held in pairs[1:] for row in held) == list(range(200))


def grouped_table(path, count=180):
    rows = [(*row, PRODUCTS[n % 6], 2000 + n // 30) for n, row in enumerate(reviews(count))]
    write_table(path, rows, ("review", "label", "product", "year"))


def test_classify_by_group_holds_whole_groups_out_within_folds_too(place, monkeypatch):
    grouped_table("a.csv")
    seen, real = [], linear_fit.folds
    monkeypatch.setattr(
        linear_fit, "folds", lambda texts, *rest: seen.append((texts, real(texts, *rest))) or seen[-1][1]
    )
    result = json.loads(good("classify", "a.csv", "--group-column", "product", "--json", *LINEAR).out)
    assert result["split"]["group_column"] == "product" and "no group is in both" in result["split"]["words"]
    assert read_json(place / "models/a" / RUN_FILE)["split"] == result["split"]
    ((texts, pairs),) = seen
    for learnt, held in pairs:
        assert not {texts.groups[row] for row in learnt} & {texts.groups[row] for row in held}


def test_classify_by_time_measures_on_the_last_rows(place):
    grouped_table("a.csv")
    result = json.loads(good("classify", "a.csv", "--split-column", "year", "--json", *LINEAR).out)
    assert result["test"]["rows"] == 30 and result["judged_on"] == "a.csv from 'year' = 2005 on"


def test_classify_refuses_splits_that_cannot_be(place):
    grouped_table("a.csv")
    rows = [("a tea", "good", "same", "train"), ("the soup", "bad", "same", "train"), ("a bed", "odd", "same", "test")]
    write_table("b.csv", rows * 10, ("review", "label", "shop", "part"))
    for table, flags, words, code in [
        ("a.csv", ["--group-column", "label"], "taken for the labels of a.csv", 2),
        ("a.csv", ["--split-column", "year", "--folds", "3"], "give --folds or --split-column, not both", 2),
        ("b.csv", ["--group-column", "shop"], "has a single group to learn from, 'same' in 30 rows", 1),
        ("b.csv", ["--split-column", "part"], "puts all rows with the label 'odd' on the side that is measured on", 1),
    ]:
        refused(
            "classify",
            table,
            "--text-column",
            "review",
            "--label-column",
            "label",
            *flags,
            *LINEAR,
            code=code,
            says=[words],
        )


def test_columns_of_sides_are_neither_texts_nor_labels(place):
    parts, texts = ["test", "train", "train", "train"], enumerate(reviews(120))
    rows = [(text, label, parts[n % 4], f"a {PRODUCTS[n % 6]}") for n, (text, label) in texts]
    write_table("a.csv", rows, ("words", "kind", "part", "maker"))
    ran = good("classify", "a.csv", *LINEAR)
    assert "could also be in 'maker'" in ran.err and "label in column 'kind'" in ran.err + ran.out  # never 'part'
    ran = refused("classify", "a.csv", "--split-column", "part", "--group-column", "4", *LINEAR, code=1)
    assert "several columns" not in ran.err  # half of the groups are on both sides, and the others have one label
    write_table("b.csv", [row[:3] for row in rows], ("words", "kind", "part"))
    assert "label in column 'kind'" in good("classify", "b.csv", "--split-column", "part", *LINEAR).out
