"""What a person can get wrong with `textrnn classify`: one clear line, the right exit code, nothing lost or left."""

import gzip
import random
import shutil

import pytest
from classify_cases import OTHER, reviews, write_table
from cli_fixtures import good, refused, run_cli, snapshot

from textrnn.base.files import MODEL_FILE, RUN_FILE, read_json, write_json

LINEAR = ("--model", "linear", "--time", "1s", "-q")


def lines(*rows, header="review,label"):
    return "".join(f"{row}\n" for row in (header, *rows)).encode()


TABLES = {
    "empty.csv": b"",
    "blank.csv": b"\n\n \n",
    "header.csv": b"review,label\n",
    "one_label.csv": lines(*(f"tea number {n},good" for n in range(9))),
    "no_texts.csv": lines(*(",good", ",bad") * 9),
    "numbers.csv": lines(*(f"{n},{'good' if n % 2 else 'bad'}" for n in range(40))),
    "label_a_row.csv": lines(*(f"tea number {n},label {n}" for n in range(60))),
    "mostly_single.csv": lines(*(f"tea number {n},{n if n % 2 else 'good'}" for n in range(60))),
    "thousands.csv": lines(*(f"tea of sort {n},{n % 1500}" for n in range(4500))),
    "marks.csv": lines("lovely tea,NA", "rude waiter,", "cold soup,?"),
    "two_rows.csv": lines("lovely tea,good", "rude waiter,bad"),
    "three_rows.csv": lines("lovely tea,good", "rude waiter,bad", "cold soup,bad"),
    "same_text.csv": lines(*("Lovely tea,good", "lovely  TEA,bad") * 9),
    "other_labels.csv": lines(*(f"tea number {n},{'yes' if n % 2 else 'no'}" for n in range(9))),
    "no_text_column.csv": lines(*(f"{n},good" for n in range(9)), header="id,label"),
    "unlabelled.csv": lines("lovely tea", "rude waiter", header="review"),
    "sheet.xlsx": b"PK\x03\x04" + bytes(200),
    "packed.csv.gz": gzip.compress(lines("lovely tea,good"), mtime=0)[:-9],
    "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
}

# What is typed behind `textrnn classify`, the exit code, and what the line on standard error says.
TYPED = {
    "no such file": (["reviewz.csv"], 1, ["no such file: reviewz.csv", "did you mean reviews.csv?"]),
    "no such folder": (["none/reviews.csv"], 1, ["there is no folder none"]),
    "a folder": (["folder"], 1, ["folder is a folder without texts", "expected a file"]),
    "empty": (["empty.csv"], 1, ["empty.csv is empty"]),
    "blank lines": (["blank.csv"], 1, ["blank.csv", "expected"]),
    "header only": (["header.csv"], 1, ["header.csv", "review, label", "no rows"]),
    "one class only": (["one_label.csv", "--train"], 1, ["single label, 'good'", "9 labelled rows", "--label-column"]),
    "all texts empty": (["no_texts.csv"], 1, ["all texts are empty in column 'review'", "--text-column"]),
    "texts are numbers": (["numbers.csv"], 1, ["column 'review' holds numbers such as 0", "--text-column", "'label'"]),
    "named texts are numbers": (["numbers.csv", "--text-column", "1"], 1, ["'review' holds numbers", "--text-column"]),
    "no such label column": (
        ["reviews.csv", "--label-column", "lable"],
        1,
        ["no column 'lable' as --label-column", "did you mean 'label'?", "there: 'review', 'label'"],
    ),
    "no such text column": (["reviews.csv", "--text-column", "9"], 1, ["'9' as --text-column", "'review', 'label'"]),
    "same column twice": (["reviews.csv", "--text-column", "1", "--label-column", "review"], 2, ["are the same"]),
    "two label columns": (
        ["reviews.csv", "--text-column", "review", "--label-column", "label", "--label-column", "label"],
        2,
        ["--label-column names a column twice"],
    ),
    "no label but marks": (
        ["marks.csv", "--model", "linear"],
        2,
        ["marks.csv has no label in column 'label'", "NA", "--model linear has no use"],
    ),
    "a label a row": (["label_a_row.csv", "--train"], 1, ["no column of labels", "--label-column"]),
    "most labels once": (
        ["mostly_single.csv", "--label-column", "label"],
        1,
        ["31 different labels in 60 rows, 30 of them only once", "'1', '3', '5'", "--label-column"],
    ),
    "thousands of labels": (
        ["thousands.csv", "--train", "--label-column", "2"],
        1,
        ["1,500 different", "1,000 at most"],
    ),
    "two rows": (["two_rows.csv", "--train"], 1, ["2 labelled rows", "too few to learn from"]),
    "one text": (["same_text.csv"], 1, ["the same text in all", "two different texts"]),
    "no unlabelled to learn": (["unlabelled.csv", "--train"], 1, ["no column of labels", "--label-column"]),
    "excel": (["sheet.xlsx"], 1, ["Excel", "CSV UTF-8"]),
    "half of a gzip file": (["packed.csv.gz"], 1, ["packed.csv.gz is cut off or damaged, and cannot be unpacked"]),
    "picture": (["picture.png"], 1, ["PNG picture"]),
    "unknown encoding": (["reviews.csv", "--encoding", "klingon"], 2, ["'klingon'"]),
    "test with a typo": (["reviews.csv", "--test", "reveiws.csv"], 1, ["no such file", "did you mean reviews.csv?"]),
    "test of other labels": (
        ["reviews.csv", "--test", "other_labels.csv"],
        1,
        ["other_labels.csv has labels that were not learnt: 'no', 'yes'", "expected 'bad', 'good'"],
    ),
    "test without texts": (["reviews.csv", "--test", "no_text_column.csv"], 1, ["no_text_column.csv", "--text-column"]),
    "test without labels": (["reviews.csv", "--test", "unlabelled.csv"], 1, ["unlabelled.csv", "no column of labels"]),
    "folds and test": (["reviews.csv", "--folds", "3", "--test", "reviews.csv"], 2, ["--folds or --test, not both"]),
    "one fold": (["reviews.csv", "--folds", "1"], 2, ["--folds is 1", "from 2 to 20"]),
    "many folds": (["reviews.csv", "--folds", "21"], 2, ["--folds is 21", "from 2 to 20"]),
    "more folds than texts": (["three_rows.csv", "--folds", "9"], 1, ["3 distinct texts cannot be cut into 9 folds"]),
    "folds without texts": (["three_rows.csv", "--folds", "2"], 1, ["1 distinct text outside of a fold"]),
    "train and predict": (["reviews.csv", "--train", "--predict"], 2, ["--train or --predict, not both"]),
    "train a saved one": (["reviews.csv", "--train", "--model", "ready"], 2, ["--model is 'ready'", "--train"]),
    "learn without labels": (["unlabelled.csv", "--folds", "3", "--units", "9"], 2, ["no column of labels", "--units"]),
    "predict with units": (["reviews.csv", "--predict", "--units", "9"], 2, ["nothing learnt", "leave out --units"]),
    "saved one with a test": (["reviews.csv", "--model", "ready", "--test", "x"], 2, ["leave out --test"]),
    "learn from a pipe": (["-", "--model", "linear"], 2, ["standard input", "--train"]),
    "time 0": (["reviews.csv", "--time", "0s"], 2, ["--time is 0"]),
    "no such model": (["reviews.csv", "--model", "nine"], 1, ["no run named 'nine'", "there: ", "ready"]),
    "no model yet": (["unlabelled.csv", "--models-dir", "none"], 1, ["no column of labels", "no classifier in none"]),
    "a language model": (
        ["reviews.csv", "--model", "words"],
        1,
        ["'language_model', expected a 'classifier'", "--model"],
    ),
    "run exists": (["reviews.csv", "--name", "ready"], 1, ["models/ready exists", "--overwrite", "--name"]),
    "overwrite a folder": (["reviews.csv", "--name", "own", "--overwrite"], 1, ["not a saved run", "--name"]),
    "name with slash": (["reviews.csv", "--name", "a/b"], 2, ["--name is 'a/b'"]),
    "models is a file": (["reviews.csv", "--models-dir", "header.csv"], 1, ["cannot write", "--models-dir"]),
    "output exists": (["reviews.csv", "-o", "header.csv"], 2, ["header.csv exists", "--overwrite", "--output"]),
    "output exists already": (
        ["reviews.csv", "--predict", "-o", "header.csv"],
        2,
        ["header.csv exists", "--overwrite"],
    ),
    "output is the input": (
        ["reviews.csv", "-o", "reviews.csv", "--overwrite"],
        2,
        ["is the table itself", "--output"],
    ),
    "output is a folder": (["reviews.csv", "--predict", "-o", "folder"], 2, ["folder is a folder", "--output"]),
    "output nowhere": (["reviews.csv", "-o", "none/x.csv"], 2, ["no folder none", "--output"]),
    "output into the report": (["reviews.csv", "-o", "-"], 2, ["--output is -", "name a file"]),
    "confidence": (["reviews.csv", "--predict", "--min-confidence", "2"], 2, ["--min-confidence"]),
}


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A folder with a classifier, in models/ready."""
    folder = tmp_path_factory.mktemp("ready")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_table("reviews.csv", reviews())
        good("classify", "reviews.csv", "--name", "ready", *LINEAR)
    return folder


@pytest.fixture
def place(ready, tmp_path, monkeypatch):
    """The current folder: all tables, and runs of each kind."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ready / "models", "models")
    for name, content in TABLES.items():
        (tmp_path / name).write_bytes(content)
    write_table("reviews.csv", reviews())
    (tmp_path / "folder").mkdir()
    for name in ("words", "own"):
        (tmp_path / "models" / name).mkdir()
    write_json(tmp_path / "models" / "words" / RUN_FILE, {"format_version": 1, "kind": "language_model"})
    (tmp_path / "models" / "own" / "letter.doc").write_bytes(b"mine")
    return tmp_path


@pytest.mark.parametrize("case", TYPED)
def test_classify_refuses(case, place):
    arguments, code, says = TYPED[case]
    before = snapshot(place)
    ran = refused("classify", *arguments, code=code, says=says)
    assert ran.out == "" and snapshot(place) == before


DAMAGE = {
    "no run.json": (RUN_FILE, lambda path: path.unlink(), "no run named"),
    "half of run.json": (RUN_FILE, lambda path: path.write_bytes(path.read_bytes()[:99]), "run.json is damaged"),
    "no weights": (MODEL_FILE, lambda path: path.unlink(), "model.safetensors is missing"),
    "half of the weights": (MODEL_FILE, lambda path: path.write_bytes(path.read_bytes()[:999]), "is damaged"),
    "no classes": (RUN_FILE, lambda path: write_json(path, {**read_json(path), "classes": None}), "is damaged"),
    "no config": (RUN_FILE, lambda path: write_json(path, {**read_json(path), "config": 3}), "is damaged"),
    "odd table": (RUN_FILE, lambda path: write_json(path, {**read_json(path), "model": []}), "is damaged"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_predicting_refuses_a_damaged_run(damage, place):
    name, spoil, says = DAMAGE[damage]
    spoil(place / "models" / "ready" / name)
    before = snapshot(place)
    refused("classify", "unlabelled.csv", "--model", "models/ready", code=1, says=["models/ready", says])
    assert snapshot(place) == before


# ---------------------------------------------------------------- what is odd, and works all the same

FORTY = reviews(40)
ODD = {
    "a class with one row": [*FORTY, ("the soup was odd", "odd")],
    "two hundred classes": [(f"w{n} {word}", f"l{n}") for n in range(200) for word in OTHER[:3]],
    "labels with spaces around": [(text, [label, f" {label} "][k % 2]) for k, (text, label) in enumerate(FORTY)],
    "a cell of a megabyte": [*FORTY, ("lovely tea " * 100_000, "good")],
    "labels that are sentences": [(text, f"This text is {label}, which is all it says. " * 4) for text, label in FORTY],
    "header of predictions": FORTY,
    "few rows": [("lovely tea", "good"), ("rude waiter", "bad"), ("cold soup", "bad")],
}


@pytest.mark.slow
@pytest.mark.parametrize("case", ODD)
def test_odd_table_is_learnt_from(case, place):
    rows, num_rows = ODD[case], len(ODD[case])
    header = ("review", "label", "predicted", "status") if case == "header of predictions" else ("review", "label")
    write_table("odd.csv", [[*row, "good", "ok"][: len(header)] for row in rows], header)
    result = good("classify", "odd.csv", *LINEAR, "--json").json
    assert result["rows"]["used"] == num_rows
    assert len(result["test"]["per_class"]) == len({label.strip() for _, label in rows})
    again = good("classify", "odd.csv", "--predict", "--json").json
    assert again["rows"] == num_rows and again["test"]["rows"] == num_rows
    assert again["run"] == result["run"] == "models/odd"


@pytest.mark.parametrize("folds", [2, 5])
def test_class_with_one_row_is_learnt_from_in_folds(folds, place):
    write_table("odd.csv", [*reviews(40), ("the soup was odd", "odd")])
    result = good("classify", "odd.csv", *LINEAR, "--folds", folds, "--balanced", "--json").json
    assert result["test"]["rows"] == 41 and result["test"]["per_class"][2] == {
        "label": "odd",
        "precision": None,
        "recall": 0.0,
        "f1": 0.0,
        "support": 1,
    }


def test_labels_that_differ_in_case_are_one_unless_they_are_kept(place):
    write_table("case.csv", [(text, label.title() if k < 9 else label) for k, (text, label) in enumerate(reviews(60))])
    ran = good("classify", "case.csv", *LINEAR, "--json")
    assert "'Good' as 'good' (5 rows), 'Bad' as 'bad' (4 rows)" in ran.err and len(ran.err.splitlines()) == 1
    assert [one["label"] for one in ran.json["test"]["per_class"]] == ["bad", "good"]
    kept = ("--keep-label", "Good", "--keep-label", "Bad", "--missing-label", "good")
    ran = good("classify", "case.csv", *LINEAR, "--json", *kept)
    assert [one["label"] for one in ran.json["test"]["per_class"]] == ["Bad", "Good", "bad"]
    assert ran.json["rows"]["unlabelled"] == 25 and not ran.err


def test_unlabelled_table_is_said_to_have_no_labels(place):
    out = good("classify", "unlabelled.csv").out
    assert out.startswith("unlabelled.csv: 2 rows") and "no labels" in out and "models/ready" in out
    write_table("ids.csv", [(text, f"label {k}") for k, (text, _) in enumerate(FORTY)], ("review", "sentiment"))
    ran = good("classify", "ids.csv")
    assert "column 'sentiment' has another value in most rows, so it is not taken for labels" in ran.err


def test_labelled_table_is_measured_when_predicted(place):
    rows = [*reviews(20, seed=8), ("cold soup", "cold"), ("warm soup", "warm"), ("a tea", "")]
    write_table("more.csv", rows)
    result = good("classify", "more.csv", "--predict", "--json").json
    assert (result["rows"], result["test"]["rows"], result["unknown_label_rows"]) == (23, 20, 2)
    assert result["unknown_labels"] == ["cold", "warm"]
    out = good("classify", "more.csv", "--predict", "--overwrite").out
    assert "of the 20 rows that have a label are right" in out
    assert "2 rows have a label that it has not learnt: cold, warm" in out


def test_predicted_table_is_predicted_again_not_learnt_from(place):
    write_table("new.csv", [(text,) for text, _ in reviews(40, seed=4)], header=("review",))
    good("classify", "new.csv")
    again = good("classify", "new.predicted.csv", "--json").json
    assert again["run"] == "models/ready" and "no labels" in again["table"]
    first, second = ((place / name).read_text() for name in ("new.predicted.csv", "new.predicted.predicted.csv"))
    assert second.splitlines()[0].startswith(first.splitlines()[0] + ",predicted_2,confidence_2,")
    third = good("classify", "new.predicted.predicted.csv", "--json").json
    assert third["run"] == "models/ready" and not (place / "models" / "new").exists()


def test_classifier_remembers_the_columns_it_learnt_from(place):
    """In a table of these names no flag is needed, even where the cells alone do not tell."""
    header = ("first words", "last words", "verdict", "weather")
    rows = [(text, text[::-1], label, random.Random(k).choice("ab")) for k, (text, label) in enumerate(reviews(60))]
    write_table("wide.csv", rows, header)
    flags = ("--text-column", "first words", "--label-column", "verdict")
    result = good("classify", "wide.csv", *flags, *LINEAR, "--test", "wide.csv", "--json").json
    assert "text in column 'first words', label in column 'verdict'" in result["table"]
    again = good("classify", "wide.csv", "--predict", "--json").json
    assert again["table"] == result["table"] and again["test"]["rows"] == 60


def test_pipe_with_labels_is_learnt_from(place):
    write_table("some.csv", [*reviews(40), ("a lovely tea", "")])
    data = (place / "some.csv").read_bytes()
    ran = good("classify", "-", "--train", *LINEAR, stdin=data)
    assert "1 row without a label" in ran.err and "standard input" in ran.out
    ran = good("classify", "-", "--train", *LINEAR, "-o", "filled.csv", stdin=data)
    assert len((place / "filled.csv").read_text().splitlines()) == 42 and "filled in: filled.csv" in ran.out


def test_output_may_have_any_name(place):
    name = b"caf\xe9.csv".decode("utf-8", "surrogateescape")
    ran = run_cli("classify", "unlabelled.csv", "-o", name)
    assert ran.code == 0 and "caf\\udce9.csv" in ran.out.encode("ascii", "backslashreplace").decode()
    assert (place / name).read_text().startswith("review,predicted")


def test_flags_of_the_version_before_work_with_a_warning(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = refused("classify", "none.csv", "--warm-up", "0.2", "--warm-up-epochs=3", "--train", code=1)
    assert "warning: --warm-up is called --pretrain now" in ran.err
    assert "warning: --warm-up-epochs is called --pretrain-epochs now" in ran.err
