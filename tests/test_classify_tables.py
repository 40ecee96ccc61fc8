"""`textrnn classify` on tables as people have them, from the command to the sheet that is written."""

import csv
import json

import pytest
from classify_cases import read_table, reviews, write_table
from cli_fixtures import good


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


LINEAR = ("--model", "linear", "--time", "1s", "-q")
ROWS = reviews(60)


def test_several_text_columns_are_learnt_from_and_found_again(place):
    """The label is in the title alone, and what follows has its words for nothing."""
    rows = [(text.split()[0], text, label, f"{label} {text}") for text, label in ROWS]
    write_table("two.csv", rows, ("intro", "body", "label", "title"))
    columns = ("--text-column", "title", "--text-column", "body")
    result = good("classify", "two.csv", *LINEAR, *columns, "--name", "two", "--json").json
    assert result["table"].endswith("text in columns 'title' and 'body', label in column 'label'")
    assert "text in columns 'title' and 'body', label in column 'label'" in good("info", "two").out
    write_table("new.csv", [("good", "x y"), ("bad", "z x")], ("title", "body"))
    assert "columns 'title' and 'body'" in good("classify", "new.csv", "--model", "two").out
    assert [row["predicted"] for row in read_table("new.predicted.csv")] == ["good", "bad"]


def test_a_sheet_with_its_own_predictions_is_not_learnt_from(place):
    write_table("a.csv", ROWS, ("review", "label"))
    good("classify", "a.csv", *LINEAR, "--name", "first", "-o", "b.csv")
    with open("b.csv", encoding="utf-8", newline="") as file:
        rows = [row[:1] + row[2:] for row in csv.reader(file)]
    write_table("c.csv", rows[1:], rows[0])
    ran = good("classify", "c.csv", "-o", "d.csv")
    assert "no labels, 5 columns of an earlier prediction passed over" in ran.out and "models/first" in ran.out
    assert read_table("d.csv")[0]["predicted_2"] == read_table("c.csv")[0]["predicted"]


def test_paths_of_json_are_columns(place):
    with open("a.jsonl", "w", encoding="utf-8") as file:
        for text, label in [*ROWS, ("a lovely tea", None)]:
            print(json.dumps({"review": {"body": text, "lang": "en"}, "meta": {"label": label}}), file=file)
    result = good("classify", "a.jsonl", *LINEAR, "--json").json
    assert result["table"].endswith("text in column 'review.body', label in column 'meta.label'")
    with open("a.predicted.jsonl", encoding="utf-8") as file:
        last = [json.loads(line) for line in file][-1]
    assert last["review"] == {"body": "a lovely tea", "lang": "en"} and last["predicted"] == "good"
