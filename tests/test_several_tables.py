"""`textrnn classify a.csv b.csv`: several tables of the same columns, read as one, written each alone or in one."""

import csv
import json

import pytest
from classify_cases import read_table, reviews, write_table
from cli_fixtures import good, refused

from textrnn.text.table.joined import open_tables

LINEAR = ("--model", "linear", "--time", "1s", "-q")
FIRST, SECOND, THIRD = reviews(60), [(f"again {text}", label) for text, label in reviews(40, 2)], reviews(20, 3)


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """Three with the same columns in other orders and forms, some rows without a label, one wrong."""
    monkeypatch.chdir(tmp_path)
    write_table("a.csv", [*FIRST, ("lovely warm tea", ""), FIRST[0]])
    with open("b.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["id", "Label", "Review"])
        writer.writerows(
            [n, label, text] for n, (text, label) in enumerate([*SECOND, ("", "good"), (FIRST[0][0], "bad")])
        )
    with open("c.jsonl", "w", encoding="utf-8") as file:
        for text, label in [*THIRD, ("slow and rude", None)]:
            print(json.dumps({"label": label, "review": text}), file=file)
    return ("a.csv", "b.csv", "c.jsonl")


def test_rows_of_several_tables_are_numbered_through_and_found_again(tables):
    with open_tables(tables, needs_label=True) as table:
        rows = [(row.number, row.text, row.label, table.line_of(row.record)) for row in table.rows()]
        assert [row[0] for row in rows] == list(range(1, 126))
        assert rows[62] == (63, *SECOND[0], 2) and rows[104] == (105, *THIRD[0], 1)
        assert [table.place_of(number) for number in (1, 62, 63, 104, 105)] == [
            (0, 1),
            (0, 62),
            (1, 1),
            (1, 42),
            (2, 1),
        ]
        assert all(len(row.record.cells) == 2 for row in table.rows())
        assert "a.csv (62 rows), b.csv (42 rows), c.jsonl (21 rows); text in column 'review'" in table.describe()
        assert table.summary() == "b.csv: cannot be used: 1 row with no text (row 41; line 42)"


def test_several_tables_are_learnt_from_as_one_and_each_is_filled_in(tables):
    result = good("classify", *tables, *LINEAR, "--fill", "--json").json
    assert result["run"] == "models/a" and result["rows"] == {"used": 122, "unlabelled": 2, "empty": 1}
    counts = [(one["used"], one["unlabelled"], one["empty"]) for one in result["files"]]
    assert counts == [(61, 1, 0), (41, 0, 1), (20, 1, 0)] and [one["file"] for one in result["files"]] == [*tables]
    assert result["output"] == ["a.predicted.csv", "b.predicted.csv", "c.predicted.jsonl"]
    (conflict,) = result["findings"]["duplicates"]["listed"]
    assert (conflict["files"], conflict["rows"]) == (["a.csv", "a.csv", "b.csv"], [1, 62, 42])
    assert read_table("a.predicted.csv")[60]["label"] == "good"
    with open("b.predicted.csv", encoding="utf-8") as file:
        assert file.readline() == "id;Label;Review;predicted;confidence;p(bad);p(good);status\n"
    with open("c.predicted.jsonl", encoding="utf-8") as file:
        assert [json.loads(line) for line in file][-1]["label"] == "bad"
    with open("models/a/report.html", encoding="utf-8") as page:
        assert "a.csv 1, a.csv 62, b.csv 42" in page.read()


def test_several_tables_are_written_in_one_or_into_a_folder(tables, tmp_path):
    good("classify", "a.csv", *LINEAR, "--name", "one")
    result = good("classify", *tables, "--predict", "-o", "all.csv", "--json").json
    assert result["rows"] == 125 and result["output"] == "all.csv" and result["test"]["rows"] == 122
    assert result["files"] == [{"file": name, "rows": n} for name, n in zip(tables, (62, 42, 21), strict=True)]
    rows = read_table("all.csv")
    assert [*rows[0]][:5] == ["file", "review", "label", "id", "predicted"] and len(rows) == 125
    assert (rows[62]["file"], rows[62]["review"], rows[62]["id"]) == ("b.csv", SECOND[0][0], "0")
    good("classify", *tables, "--predict", "-o", "all.json", "--only-missing")
    with open("all.json", encoding="utf-8") as file:
        assert [(one["file"], one["label"]) for one in json.load(file)] == [("a.csv", ""), ("c.jsonl", None)]
    (tmp_path / "out").mkdir()
    result = good("classify", *tables, "--predict", "-o", "out", "--json").json
    assert [one["output"] for one in result["files"]] == result["output"]
    assert result["output"] == ["out/a.predicted.csv", "out/b.predicted.csv", "out/c.predicted.jsonl"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ("a.csv", "other.csv"),
            "other.csv does not go with a.csv: expected the columns 'review', 'label', and it has",
        ),
        (("a.csv", "./a.csv"), "./a.csv is named twice"),
        (("a.csv", "-"), "standard input (-) stands alone"),
        (("a.csv", "in/a.csv", "--predict", "-o", "out"), "several tables would be written to out/a.predicted.csv"),
        (("a.csv", "b.csv", "--predict", "--explain"), "--explain shows the words of one table"),
        (("a.csv", "b.csv", "--predict", "-o", "b.csv"), "b.csv is the table itself"),
        (("a.csv", "none.csv"), "none.csv"),
    ],
)
def test_tables_that_do_not_go_together_are_refused_in_a_line(tables, tmp_path, words, expected):
    write_table("other.csv", FIRST, ("review", "mood"))
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
    write_table("in/a.csv", FIRST)
    if "--predict" in words:
        good("classify", "a.csv", *LINEAR, "-o", "once.csv")
    refused("classify", *words, code=1 if {"other.csv", "none.csv"} & {*words} else 2, says=[expected])
