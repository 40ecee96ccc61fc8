"""`textrnn classify` from a table to a classifier and back to a table; and what a person can get wrong."""

import csv
import json
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_fixtures import ROOT, good, refused, run_cli, start

import textrnn
from textrnn.run import MODEL_FILE, RUN_FILE, read_json, read_weights

GOOD = ["lovely", "clean", "friendly", "quick", "tasty", "bright", "kind", "warm"]
BAD = ["slow", "rude", "broken", "dirty", "cold", "late", "stale", "grim"]
OTHER = [
    "the",
    "a",
    "tea",
    "room",
    "was",
    "and",
    "very",
    "shop",
    "we",
    "had",
    "there",
    "waiter",
    "soup",
    "bed",
    "again",
]
TINY = ("--epochs", "2", "--networks", "1", "--units", "4", "--embed", "4", "-q")


def reviews(count=120, seed=1):
    """Texts with a label, half of them good."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        words = draw.choices(OTHER, k=6) + draw.choices(BAD if number % 2 else GOOD, k=3)
        draw.shuffle(words)
        rows.append((" ".join(words), "bad" if number % 2 else "good"))
    return rows


def write_table(path, rows, header=("review", "label")):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([header, *rows] if header else rows)


def read_table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_table("reviews.csv", [*reviews(), ("a lovely friendly tea room", ""), ("", "good"), ("rude and late", "")])
    return tmp_path


@pytest.fixture(scope="module")
def classified(tmp_path_factory):
    """A folder in which a classifier was trained."""
    folder = tmp_path_factory.mktemp("classified")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        rows = [*reviews(), ("a lovely friendly tea room", ""), ("", "good"), ("rude and late", "")]
        write_table("reviews.csv", rows)
        result = good("classify", "reviews.csv", *TINY, "--json").json
    return folder, result


@pytest.fixture
def there(classified, monkeypatch):
    monkeypatch.chdir(classified[0])
    return classified[1]


@pytest.mark.slow
def test_classify_reports_what_it_has_learnt(there):
    assert there["chosen"] in ("rnn", "linear", "combined")
    assert set(there["models"]) == {"rnn", "linear", "combined", "majority"}
    assert there["test"]["rows"] == 24 and there["models"]["linear"]["accuracy"] == 1.0
    assert there["models"]["majority"]["accuracy"] == 0.5
    assert there["rows"] == {"used": 120, "unlabelled": 2, "empty": 1, "empty_rows": [122]}
    assert there["output"] == "reviews.predicted.csv" and there["ended"] == "done"
    assert read_json(Path(there["run"]) / RUN_FILE)["kind"] == "classifier"


@pytest.mark.slow
def test_classify_fills_in_the_table(there):
    before = Path("reviews.csv").read_text(encoding="utf-8").splitlines()
    after = Path("reviews.predicted.csv").read_text(encoding="utf-8").splitlines()
    assert all(new.startswith(old + ",") for old, new in zip(before, after, strict=True))
    rows = read_table("reviews.predicted.csv")
    assert list(rows[0]) == ["review", "label", "predicted", "confidence", "p(bad)", "p(good)", "status"]
    assert [row["predicted"] for row in rows[-3::2]] == ["good", "bad"]
    assert rows[-2]["status"] == "empty"
    for row in rows:
        assert float(row["p(bad)"]) + float(row["p(good)"]) == pytest.approx(1, abs=2e-4)
        assert float(row["confidence"]) == pytest.approx(max(float(row["p(bad)"]), float(row["p(good)"])))


@pytest.mark.slow
def test_saved_classifier_works_in_python(there):
    found = textrnn.load(there["run"]).classify(["a lovely friendly tea room", ""])
    assert found[0]["label"] == "good" and found[0]["status"] == "ok"
    assert found[1]["status"] == "empty"
    assert sum(found[0]["probabilities"].values()) == pytest.approx(1)


@pytest.mark.slow
def test_table_without_labels_is_predicted_and_one_with_labels_measured(there):
    write_table("new.csv", [("so rude and late", "1"), ("kind and warm", "2")], header=("text", "number"))
    assert good("classify", "new.csv", "--json").json["rows"] == 2
    assert [row["predicted"] for row in read_table("new.predicted.csv")] == ["bad", "good"]
    write_table("more.csv", reviews(20, seed=5))
    result = good("classify", "more.csv", "--predict", "--json").json
    assert result["test"]["rows"] == 20 and result["test"]["accuracy"] > 0.9
    ran = good("classify", "more.csv", "--predict", "--overwrite")
    assert "more.predicted.csv: 20 rows" in ran.out and "right" in ran.out


@pytest.mark.slow
def test_lines_of_standard_input_are_predicted(there):
    ran = run_cli("classify", "-", "--predict", stdin=b"so rude and late\nkind and warm\n")
    assert ran.code == 0, ran.err
    assert [line.split("\t")[1] for line in ran.out.splitlines()] == ["bad", "good"]


@pytest.mark.slow
def test_predicting_loads_no_tensorflow(there):
    code = (
        "import sys, textrnn; textrnn.load(sys.argv[1]).classify(['kind']);"
        "print([name for name in ('tensorflow', 'keras', 'sklearn', 'scipy') if name in sys.modules])"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code, there["run"]], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.slow
def test_info_shows_a_classifier(there):
    assert "good" in good("info", "reviews").out and "classifier" in good("info").out
    assert json.loads(good("info", "reviews", "--json").out)["kind"] == "classifier"


@pytest.mark.slow
def test_report_is_one_page(there):
    page = (Path(there["run"]) / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and not re.search("<script|<link|src=|href=|url\\(", page)


@pytest.mark.slow
def test_min_confidence_marks_what_is_uncertain(there):
    good("classify", "reviews.csv", "--predict", "--min-confidence", "1", "-o", "sure.csv")
    assert {row["status"] for row in read_table("sure.csv")} == {"uncertain", "empty"}


@pytest.mark.slow
def test_forced_linear_model_needs_no_tensorflow(place):
    result = good("classify", "reviews.csv", "--model", "linear", "-q", "--json").json
    assert (result["chosen"], set(result["models"])) == ("linear", {"linear", "majority"})
    weights, _ = read_weights(place / "models" / "reviews" / MODEL_FILE)
    assert all(name.startswith("linear/") for name in weights)


@pytest.mark.slow
def test_test_table_is_measured_on(place):
    write_table("test.csv", reviews(30, seed=9))
    result = good("classify", "reviews.csv", "--test", "test.csv", "--model", "linear", "-q", "--json").json
    assert result["test"]["rows"] == 30 and result["judged_on"] == "test.csv"


@pytest.mark.slow
def test_interrupt_saves_what_there_is(place):
    with start("classify", "reviews.csv", "--epochs", "10000", "--units", "4", cwd=place) as process:
        seen = ""
        while "linear model:" not in seen:
            line = process.stderr.readline()
            assert line, seen
            seen += line
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "stopping and saving" in err and "Traceback" not in err
    assert "chosen: " in out
    assert good("classify", "reviews.csv", "--predict", "--overwrite", "--json").json["rows"] == 123


# ---------------------------------------------------------------- what can be wrong

WRONG = {
    "empty": (b"", ["is empty"]),
    "header only": (b"review,label\n", ["no rows"]),
    "one class": (b"review,label\n" + b"".join(b"tea number %d,good\n" % n for n in range(9)), ["--label-column"]),
    "all texts empty": (b"review,label\n" + b",good\n,bad\n" * 9, ["--label-column", "review"]),
    "numbers": (
        b"review,label\n" + b"".join(b"%d,good\n%d,bad\n" % (n, n + 50) for n in range(20)),
        ["--label-column", "review"],
    ),
    "a label a row": (
        b"review,label\n" + b"".join(b"tea number %d,label %d\n" % (n, n) for n in range(60)),
        ["label"],
    ),
    "excel": (b"PK\x03\x04" + bytes(200), ["Excel", "CSV"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_classify_refuses_tables(case, place):
    content, says = WRONG[case]
    (place / "wrong.csv").write_bytes(content)
    refused("classify", "wrong.csv", "--train", "-q", code=1, says=says)
    assert not (place / "models" / "wrong").exists()


def test_classify_refuses_what_is_not_there(place):
    refused("classify", "reviewz.csv", code=1, says=["reviewz.csv", "reviews.csv"])
    refused("classify", "reviews.csv", "--label-column", "lable", "--train", code=1, says=["lable", "review", "label"])
    refused("classify", "reviews.csv", "--predict", code=1, says=["no classifier"])
    refused("classify", "reviews.csv", "--train", "--predict", code=2, says=["not both"])
    refused("classify", "reviews.csv", "--train", "--model", "reviews", code=2, says=["--model"])


@pytest.mark.slow
def test_output_that_exists_is_kept(there):
    before = Path("reviews.predicted.csv").read_bytes()
    refused("classify", "reviews.csv", "--predict", code=2, says=["reviews.predicted.csv exists", "--overwrite"])
    assert Path("reviews.predicted.csv").read_bytes() == before


@pytest.mark.slow
def test_two_hundred_classes_are_learnt(place):
    draw = random.Random(2)
    rows = [
        (f"word{n} {draw.choice(OTHER)} {draw.choice(OTHER)} {k}", f"label {n}") for n in range(200) for k in range(4)
    ]
    write_table("many.csv", rows)
    result = good("classify", "many.csv", "--model", "linear", "--time", "1s", "-q", "--json").json
    assert len(result["test"]["per_class"]) == 200 and result["test"]["accuracy"] > 0.9


@pytest.mark.slow
def test_a_cell_of_a_megabyte_is_read(place):
    write_table("long.csv", [*reviews(60), ("lovely tea " * 100_000, "good")])
    assert good("classify", "long.csv", "--model", "linear", "--time", "1s", "-q", "--json").json["rows"]["used"] == 61
