"""`textrnn classify` on tables as people have them, from the command to the sheet that is written."""

import csv
import gzip
import json
import zipfile
from pathlib import Path

import pytest
from classify_cases import read_table, reviews, write_table
from cli_fixtures import good, refused


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


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip", "a.json", "texts"])
def test_what_comes_back_has_the_form_of_what_came(place, name):
    """One row has no label and is filled in."""
    rows = [*ROWS, ("a lovely tea", "")]
    write_table("a.csv", rows)
    if name == "a.csv.gz":
        Path(name).write_bytes(gzip.compress(Path("a.csv").read_bytes()))
    elif name == "a.zip":
        with zipfile.ZipFile(name, "w") as archive:
            archive.write("a.csv")
    elif name == "a.json":
        Path(name).write_text(json.dumps([dict(review=text, label=label) for text, label in rows]), encoding="utf-8")
    else:
        for number, (text, label) in enumerate(rows):
            (Path(name) / (label or "unsup")).mkdir(parents=True, exist_ok=True)
            (Path(name) / (label or "unsup") / f"{number}.txt").write_text(text, encoding="utf-8")
    result = good("classify", name, *LINEAR, "--json").json
    written = {"a.csv.gz": "a.predicted.csv.gz", "a.zip": "a.predicted.zip", "a.json": "a.predicted.json"}
    assert result["output"] == written.get(name, "texts.predicted.csv")
    if name == "a.json":
        found = json.loads(Path(result["output"]).read_text(encoding="utf-8"))
    else:
        opened = gzip.open if name == "a.csv.gz" else open
        if name == "a.zip":
            zipfile.ZipFile(result["output"]).extractall("out")
        with opened("out/a.csv" if name == "a.zip" else result["output"], "rt", encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file))
    (filled,) = [row for row in found if not row["label"]]
    assert len(found) == 61 and filled["predicted"] == "good"
    again = good("classify", name, "--predict", "-o", "again.tsv", "--json").json
    again_lines = Path("again.tsv").read_text(encoding="utf-8").splitlines()
    assert again["test"]["rows"] == 60 and len(again_lines) == 62
    assert {line.count("\t") for line in again_lines} == {7 if name == "texts" else 6}


def test_fill_puts_labels_into_empty_cells_alone_and_only_missing_leaves_the_rest_out(place):
    rows = [*ROWS, ("a lovely tea, kind", ""), ("", "?"), ("rude, dirty", "NA"), ("stale", "new"), ("late", "n/a")]
    write_table("a.csv", rows)
    ran = good("classify", "a.csv", *LINEAR, "--name", "a", "-o", "b.csv", "--keep-label", "new", "--fill")
    assert "filled in: b.csv (see column predicted; 3 labels)" in ran.out
    before, after = read_table("a.csv"), read_table("b.csv")
    changed = [
        (old["label"], new["label"]) for old, new in zip(before, after, strict=True) if old["label"] != new["label"]
    ]
    assert changed == [("", "good"), ("NA", "bad"), ("n/a", "bad")]
    assert after[-4]["status"] == "empty" and (after[-4]["predicted"], after[-4]["label"]) == ("", "?")
    ran = good("classify", "a.csv", "--predict", "--only-missing", "-o", "c.csv")
    assert [row["label"] for row in read_table("c.csv")] == ["", "?", "NA", "n/a"] and "65 rows" in ran.out
    ran = good("classify", "a.csv", "--predict", "--only-missing", "--fill", "-o", "d.jsonl")
    found = [json.loads(line) for line in Path("d.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["label"] for row in found] == ["good", "?", "bad", "bad"] and "3 labels filled in" in ran.out
    write_table("texts.csv", [("lovely",)], ["review"])
    refused(
        "classify", "texts.csv", "--predict", "--fill", code=2, says=["--fill", "texts.csv has none", "--label-column"]
    )
    assert not Path("texts.predicted.csv").exists()


def test_report_is_a_verdict_and_counts_lines_as_the_file_has_them(place):
    """The label of one row is wrong: it stands on line 6, behind a title and a text of two lines."""
    rows = [(text.replace(" ", "\n", 1) if n == 1 else text, label) for n, (text, label) in enumerate(reviews(200))]
    write_table("a.csv", [*rows[:2], (rows[2][0], "bad"), *rows[3:]])
    Path("a.csv").write_text("My reviews\n" + Path("a.csv").read_text(encoding="utf-8"), encoding="utf-8")
    ran = good("classify", "a.csv", "--model", "linear", "--time", "1s", "--folds", "4", "--overwrite")
    assert len(ran.out.splitlines()) <= 12 and "precision" not in ran.out and "--verbose" in ran.out
    assert (ran.out + ran.err).count("a.csv: 200 rows") == 1
    ran = good("classify", "a.csv", *LINEAR, "--folds", "4", "--verbose", "--name", "b")
    assert "precision" in ran.out and "row 3 (line 6)" in ran.out and ran.out.startswith("a.csv: 200 rows")
    found = good("classify", "a.csv", *LINEAR, "--folds", "4", "--json", "--name", "c").json["findings"]
    assert [(one["row"], one["line"]) for one in found["suspected_labels"]["listed"]] == [(3, 6)]
