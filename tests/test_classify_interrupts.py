"""`textrnn classify` stopped by Ctrl-C, SIGTERM or a full disk: what is whole is kept, and no half is left."""

import errno
import os
import resource
import signal

import pytest
from classify_cases import TINY, reviews, write_table
from cli_fixtures import good, refused, run_cli, snapshot, start

import textrnn
from textrnn.base import files as run_files
from textrnn.base.files import RUN_FILE, read_json
from textrnn.classifier import predict as classifier
from textrnn.classifier import train as classify
from textrnn.classifier.predict import TextClassifier

LINEAR = ("--model", "linear", "--time", "1s", "-q")
BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
NUM_ROWS = 1500  # one more than are predicted at a time here


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # A process in the background of a shell ignores Ctrl-C, and so would the tests.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    write_table("reviews.csv", [*reviews(60), ("a lovely tea", "")])
    yield tmp_path
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def ready(place, monkeypatch):
    """A folder with a classifier and a long table."""
    monkeypatch.setattr(classifier, "CHUNK", NUM_ROWS - 1)
    good("classify", "reviews.csv", *LINEAR)
    write_table("long.csv", [(text,) for text, _ in reviews(NUM_ROWS)], header=("review",))
    return place


def signalled(monkeypatch, owner, name, *signals, call=1):
    """Lets signals arrive when a function is called for the so-manieth time."""
    function, calls = getattr(owner, name), []

    def wrapped(*arguments, **options):
        calls.append(1)
        if len(calls) == call:
            for number in signals:
                signal.raise_signal(number)
        return function(*arguments, **options)

    monkeypatch.setattr(owner, name, wrapped)


@BOTH
def test_signal_while_learning_saves_and_fills_nothing_in(number, place, monkeypatch):
    signalled(monkeypatch, classify, "fit_models", number)
    ran = run_cli("classify", "reviews.csv", *LINEAR, "--json")
    assert (ran.code, ran.json["ended"], ran.json["output"]) == (130, "interrupted", None)
    assert "stopping and saving" in ran.err
    assert "textrnn classify reviews.csv --predict --model models/reviews" in ran.err
    assert read_json(place / "models" / "reviews" / RUN_FILE)["status"] == "interrupted"
    assert not (place / "reviews.predicted.csv").exists()
    assert good("classify", "reviews.csv", "--predict", "--model", "models/reviews", "--json").json["rows"] == 61


@BOTH
def test_second_signal_leaves_nothing(number, place, monkeypatch):
    before = snapshot(place)
    signalled(monkeypatch, classify, "fit_models", number, number)
    ran = run_cli("classify", "reviews.csv", *LINEAR)
    assert (ran.code, ran.err.splitlines()[-1]) == (130, "interrupted: nothing was saved")
    assert {name: data for name, data in snapshot(place).items() if name != "models"} == before


@BOTH
@pytest.mark.parametrize("call", [1, 2])
def test_signal_while_predicting_leaves_no_half_file(number, call, ready, monkeypatch):
    before = snapshot(ready)
    signalled(monkeypatch, TextClassifier, "predictions", number, call=call)
    ran = run_cli("classify", "long.csv", "--model", "reviews")
    assert (ran.code, ran.out, ran.err.strip()) == (130, "", "interrupted")
    assert snapshot(ready) == before


def test_signal_while_filling_in_keeps_the_classifier(place, monkeypatch):
    signalled(monkeypatch, TextClassifier, "predictions", signal.SIGINT)
    ran = run_cli("classify", "reviews.csv", *LINEAR)
    assert (ran.code, ran.err.splitlines()[-1]) == (130, "interrupted")
    assert "the classifier is saved in models/reviews" in ran.err
    monkeypatch.undo()
    os.chdir(place)
    assert sorted(path.name for path in place.iterdir()) == ["models", "reviews.csv"]
    assert good("classify", "reviews.csv", "--predict", "--json").json["test"]["rows"] == 60


# What was learnt, by how many rows it was judged, and in how many folds, when a signal arrives in one of four fits.
STOPPED = {1: (40, 20, 1), 2: (40, 20, 1), 3: (40, 40, 2), 4: (40, 60, 3), 9: (60, 60, 3)}


@pytest.mark.parametrize("call", STOPPED)
def test_signal_in_folds_keeps_what_is_whole(call, place, monkeypatch):
    signalled(monkeypatch, classify, "fit_models", signal.SIGINT, call=call)
    result = run_cli("classify", "reviews.csv", *LINEAR, "--folds", "3", "--json").json
    learnt, judged, count = STOPPED[call]
    assert (result["test"]["rows"], result["folds"]["count"], len(result["folds"]["rows"])) == (judged, count, count)
    assert read_json(place / "models" / "reviews" / RUN_FILE)["table"]["rows"] == learnt
    assert ("each held out once in 3 folds" in result["judged_on"]) == (count == 3)
    assert result["ended"] == ("interrupted" if call < 9 else "done")


@pytest.mark.slow
def test_signal_while_networks_learn(place):
    """SIGTERM in folds; test_classify.py has Ctrl-C without them."""
    typed = ("--folds", "2", *TINY[2:-1], "--epochs", "10000")
    with start("classify", "reviews.csv", *typed, cwd=place) as process:
        seen = ""
        while "linear model:" not in seen:
            line = process.stderr.readline()
            assert line, seen
            seen += line
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
    assert process.returncode == 130 and "stopping and saving" in err and "Traceback" not in err
    assert "held out in 1 of 2 folds, are right" in out and "saved: models/reviews" in out
    assert good("classify", "reviews.csv", "--predict", "--json").json["rows"] == 61


# ---------------------------------------------------------------- a full disk


def full(monkeypatch, is_full):
    """Lets the disk be full for the files that a function of their name tells."""
    replace = os.replace

    def limited(source, target, **options):
        if is_full(os.path.basename(target)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(source, target, **options)

    monkeypatch.setattr(run_files.os, "replace", limited)


@pytest.mark.parametrize("name", ["model.safetensors", "run.json", "reviews"])
def test_full_disk_while_saving_leaves_nothing(name, place, monkeypatch):
    before = snapshot(place)
    full(monkeypatch, lambda target: target == name)
    refused("classify", "reviews.csv", *LINEAR, code=1)
    assert {name: data for name, data in snapshot(place).items() if name != "models"} == before


def test_full_disk_while_writing_the_page_keeps_the_classifier(place, monkeypatch):
    full(monkeypatch, lambda target: target == "report.html")
    ran = refused("classify", "reviews.csv", *LINEAR, code=1, says=["the disk is full"])
    assert "the classifier is saved in models/reviews" in ran.err
    assert textrnn.load("models/reviews", ".").classes


def test_full_disk_while_filling_in_keeps_the_classifier(place, monkeypatch):
    full(monkeypatch, lambda target: target.endswith(".csv"))
    ran = refused("classify", "reviews.csv", *LINEAR, code=1, says=["the disk is full"])
    assert "the classifier is saved in models/reviews" in ran.err
    assert sorted(path.name for path in place.iterdir()) == ["models", "reviews.csv"]


def test_full_disk_while_predicting_keeps_what_there_was(ready):
    """A limit on the size of files, in a process of its own, for want of a small disk."""
    (ready / "long.predicted.csv").write_text("mine")
    before = snapshot(ready)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # noqa: E731
    with start("classify", "long.csv", "--model", "reviews", "--overwrite", cwd=ready, preexec_fn=limit) as process:
        out, err = process.communicate()
    assert (process.returncode, out, len(err.splitlines())) == (1, "", 1)
    assert err.startswith("error: cannot write long.predicted.csv: File too large")
    assert snapshot(ready) == before
