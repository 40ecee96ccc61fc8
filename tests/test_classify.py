"""`textrnn classify` from a table to a classifier and back to a table."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from classify_cases import TINY, read_table, reviews, write_table
from cli_fixtures import ROOT, good, run_cli, start

import textrnn
from textrnn.base.files import MODEL_FILE, RUN_FILE, read_json, read_weights


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
    assert there["models"]["rnn"]["raw_log_loss"] > 0 and "raw_log_loss" not in there["models"]["combined"]
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
    assert rows[-2]["status"] == "empty" and rows[-2]["predicted"] == rows[-2]["confidence"] == rows[-2]["p(bad)"] == ""
    for row in [*rows[:-2], rows[-1]]:
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
    ran = good("classify", "reviews.csv", "--predict", "--min-confidence", "1", "-o", "sure.csv")
    assert re.search(r"about \d+% of the \d+ rows with a label have a text that it has learnt from", ran.err)
    assert {row["status"] for row in read_table("sure.csv")} == {"uncertain", "empty"}


@pytest.mark.slow
def test_forced_linear_model_needs_no_tensorflow(place):
    result = good("classify", "reviews.csv", "--model", "linear", "-q", "--json").json
    assert (result["chosen"], set(result["models"])) == ("linear", {"linear", "majority"})
    weights, _ = read_weights(place / "models" / "reviews" / MODEL_FILE)
    assert {name.partition("/")[0] for name in weights} == {"linear", "likeness"}


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
        out, err = process.communicate()
    assert process.returncode == 130 and "stopping and saving" in err and "Traceback" not in err
    assert "chosen: " in out
    assert good("classify", "reviews.csv", "--predict", "--overwrite", "--json").json["rows"] == 123


@pytest.mark.slow
def test_networks_are_pretrained_on_texts_without_labels(place):
    Path("more.txt").write_text("".join(f"{text}\n" for text, _ in reviews() * 2), encoding="utf-8")
    more = (
        "--model",
        "rnn",
        "--unlabelled",
        "more.txt",
        "--pretrain",
        "0.3",
        "--pretrain-epochs",
        "1",
        "--name",
        "warm",
        "--json",
    )
    result = good("classify", "reviews.csv", *[option for option in TINY if option != "-q"], *more)
    assert "more.txt: 240 texts without labels" in result.err
    assert re.search(r"pretrained on 338 texts: \d\.\d+ nats, 1\.0 passes", result.err)
    assert result.json["chosen"] == "rnn"
    refused = run_cli("classify", "reviews.csv", *TINY, "--model", "linear", "--unlabelled", "more.txt")
    assert refused.code == 2 and "leave it out with --model linear" in refused.err
