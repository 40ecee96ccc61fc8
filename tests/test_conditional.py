"""Documents and conditions from the command line: learnt, written in, measured, resumed; and what cannot be."""

import json
import os
import shutil

import numpy as np
import pytest
from cli_fixtures import good, refused, run_cli
from resume_cases import interrupt_after
from resume_cases import not_deterministic_for_ever as not_deterministic_for_ever  # a fixture

from textrnn import load
from textrnn.base.files import RUN_FILE, read_json, write_json

TEXTS = {"fruit": "apple", "tool": "spade", "bird": "heron"}
TABLE = "text,kind\n" + "".join(f"{text},{kind}\n" for kind, text in TEXTS.items()) * 40 + "nothing,\n"
SMALL = ("--units", "24", "--embed", "12", "--layers", "1", "--batch", "4", "--window", "12", "--warmup", "5")
LEARN = (*SMALL, "--learning-rate", "0.03", "--dropout", "0", "--epochs", "6", "--no-samples", "-q")
COLUMNS = ("--text-column", "text", "--condition", "kind")
SPELLED = (*COLUMNS, "--level", "char")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A folder with table.csv, and a run that has learnt it by heart."""
    from textrnn.training.backend import start_tensorflow

    start_tensorflow()
    home, before = tmp_path_factory.mktemp("conditional"), os.getcwd()
    (home / "table.csv").write_text(TABLE, encoding="utf-8")
    os.chdir(home)
    good("train", "table.csv", *SPELLED, "--validation-file", "table.csv", "--name", "kinds", *LEARN)
    os.chdir(before)
    return home


@pytest.fixture
def home(shared, monkeypatch):
    monkeypatch.chdir(shared)
    return shared


def test_each_condition_spells_its_own_word_and_stops(home):
    for kind, text in TEXTS.items():
        lines = good(
            "generate", "--condition", kind, "--count", "3", "--format", "jsonl", "--temperature", "0.3"
        ).lines()
        assert [(line["text"], line["stop_reason"], line["condition"]) for line in lines] == [(text, "end", kind)] * 3
        assert good("generate", "--condition", kind, "--temperature", "0").out == text + "\n"
        assert good("generate", "--condition", kind, "--guidance", "1", "--temperature", "0").out == text + "\n"
    assert good("generate", "--condition", "tool", "--seed", "sp", "--temperature", "0").out == "spade\n"


def test_conditions_are_drawn_and_told(home):
    ran = good("generate", "--count", "60", "--format", "jsonl", "--random-seed", "5", "--temperature", "0.1")
    assert "drawn, by their frequency: --condition chooses one of bird, fruit, tool" in ran.err
    assert all(line["text"] == TEXTS[line["condition"]] for line in ran.lines())
    assert {line["condition"] for line in ran.lines()} == set(TEXTS)
    one = good("generate", "--random-seed", "5", "--temperature", "0.1")
    assert one.out == ran.lines()[0]["text"] + "\n" and f"the condition is {ran.lines()[0]['condition']}" in one.err


def test_mixture_writes_of_both(home):
    lines = good(
        *("generate", "--condition", "fruit=1,tool=1", "--count", "60", "--format", "jsonl", "--random-seed", "1"),
        *("--guidance", "0"),
    ).lines()
    assert {line["condition"] for line in lines} == {"fruit=1,tool=1"}
    firsts = [line["text"][:1] for line in lines]
    assert firsts.count("a") + firsts.count("s") > 48 and min(firsts.count("a"), firsts.count("s")) > 3


def test_interactive_begins_anew_behind_the_end(home):
    out = good("generate", "-i", "--condition", "bird", "--temperature", "0", stdin=b"\n\nhe\n").out
    assert out == "heron\nheron\nheron\n"


def test_score_tells_the_condition(home):
    (home / "word.txt").write_text("spade\n", encoding="utf-8")
    (found,) = good("score", "word.txt", "--json").json["files"]
    nats = {kind: found["conditions"][kind]["nats_per_token"] * found["tokens"] for kind in TEXTS}
    assert (found["tokens"], found["chars"], found["documents"]) == (6, 5, 1) and min(nats, key=nats.get) == "tool"
    chances = {kind: np.exp(-nats[kind]) / 3 for kind in TEXTS}  # all conditions come as often
    total = sum(chances.values())
    assert found["nats_per_token"] == pytest.approx(-np.log(total) / 6)
    for kind in TEXTS:
        assert found["conditions"][kind]["posterior"] == pytest.approx(chances[kind] / total)
        (own,) = good("score", "word.txt", "--condition", kind, "--json").json["files"]
        assert own["nats_per_token"] == pytest.approx(nats[kind] / 6, rel=1e-4) and "conditions" not in own
    assert "  tool " in good("score", "word.txt").out.splitlines()[1]
    bits = [
        json.loads(line)["bits"]
        for line in good("score", "word.txt", "--per-char", "--condition", "tool").out.splitlines()
    ]
    assert len(bits) == 5 and sum(bits) <= nats["tool"] / np.log(2) + 1e-3
    assert load("models/kinds").score("spade").nats == pytest.approx(-np.log(total))
    assert "".join(load("models/kinds").generate(condition="bird", temperature=0)) == "heron"


def test_score_of_a_table_is_a_classifier(home):
    (home / "new.csv").write_text("kind,text\ntool,spade\nbird,heron\nfruit,spade\n,apple\n", encoding="utf-8")
    ran = good("score", "new.csv", *COLUMNS, "--json")
    (found,) = ran.json["files"]
    assert (found["documents"], found["judged"], found["accuracy"]) == (4, 3, pytest.approx(2 / 3))
    assert found["chars"] == 20 and found["tokens"] == 24 and found["log_loss"] > 0.5
    assert "is the right one in 66.67 % of 3 rows" in good("score", "new.csv", *COLUMNS).out
    (found,) = good("score", "new.csv", "--text-column", "text", "--json").json["files"]
    assert "accuracy" not in found and "posterior" not in found["conditions"]["tool"]


def test_info_shows_the_conditions(home):
    assert "conditions of kind: bird (40), fruit (40), tool (40)" in good("info", "kinds").out
    assert good("info", "kinds", "--json").json["documents"]["conditions"] == ["bird", "fruit", "tool"]


EXACT = (*SMALL, "--deterministic", "--dropout", "0.3", "--epochs", "1", "--no-samples", "-q", "--json")


@pytest.mark.slow
def test_interrupted_and_resumed_gives_the_same_bytes(tmp_path, shared, monkeypatch):
    """Also what is drawn to hide conditions, and the condition that is carried within a document."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(shared / "table.csv", tmp_path)
    arguments = ("train", "table.csv", *SPELLED, "--condition-dropout", "0.4", "--held-out", "0.2", *EXACT)
    whole = good(*arguments, "--name", "whole").json
    with monkeypatch.context() as patch:
        interrupt_after(patch, 7)
        assert run_cli(*arguments, "--name", "parts").code == 130
    assert good("train", "--resume", "parts", "--no-samples", "-q", "--json").json["steps"] == whole["steps"] > 9
    found = [(tmp_path / "models" / name / "model.safetensors").read_bytes() for name in ("whole", "parts")]
    assert found[0] == found[1]
    refused(
        *("train", "table.csv", "--resume", "parts", "--condition", "text", "--epochs", "9"),
        code=2,
        says=["--condition is 'kind' in the run and 'text' here"],
    )


@pytest.mark.slow
def test_separated_documents_begin_and_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "poems.txt").write_text("one two three\n\n" * 60 + "three two one\n\n" * 60, encoding="utf-8")
    options = ("--document-separator", r"\n\n", "--level", "word", "--min-count", "1", "--validation-file", "poems.txt")
    good("train", "poems.txt", "--name", "poems", *options, *LEARN)
    for line in good("generate", "--count", "6", "--format", "jsonl", "--temperature", "0.5").lines():
        assert line["text"] in ("one two three", "three two one") and line["stop_reason"] == "end"
        assert "condition" not in line
    seeds = {"one": " two three\n", "three two ": "one\n"}
    for seed, rest in seeds.items():
        assert good("generate", "--seed", seed, "--temperature", "0").out == seed + rest
    (found,) = good("score", "poems.txt", "--json").json["files"]
    assert (found["documents"], found["tokens"], found["chars"]) == (120, 480, 120 * 13) and found["perplexity"] < 1.6
    refused("generate", "--condition", "one", code=2, says=["--condition is for runs that learnt conditions", "poems"])
    refused("generate", "--guidance", "1", code=2, says=["--guidance is for runs that learnt conditions"])
    refused("score", "poems.txt", "--condition", "one", code=2, says=["--condition is for runs that"])


REFUSED = {
    "unknown condition": (
        ("generate", "--condition", "brid"),
        2,
        ["'brid'", "mean 'bird'", "there: bird, fruit, tool"],
    ),
    "no weights": (("generate", "--condition", "bird=0"), 2, ["no weight above 0"]),
    "no mixture": (("generate", "--condition", "bird=a lot"), 2, ["'a lot'", "expected numbers"]),
    "guidance": (("generate", "--guidance", "-1"), 2, ["--guidance"]),
    "score in what is unknown": (("score", "table.csv", "--condition", "kind"), 2, ["no condition 'kind'"]),
    "score no column": (("score", "table.csv", "--text-column", "txt"), 1, ["no column 'txt'", "mean 'text'"]),
    "score, per char, table": (("score", "table.csv", "--text-column", "text", "--per-char"), 2, ["--per-char"]),
    "score strange": (
        ("score", "table.csv", "--text-column", "kind", "--condition", "text"),
        1,
        ["not learnt: apple, heron, spade", "expected bird, fruit, tool"],
    ),
    "train, no column": (("train", "table.csv", "--text-column", "txt"), 1, ["no column 'txt'", "--text-column"]),
    "train, no condition": (("train", "table.csv", "--condition", "kid"), 1, ["'kid' as --condition wants it"]),
    "train, sliding": (("train", "table.csv", *COLUMNS, "--batching", "sliding"), 2, ["--condition needs"]),
    "train, separator": (("train", "table.csv", *COLUMNS, "--document-separator", "#"), 2, ["leave out one"]),
    "train, one document": (("train", "table.csv", "--document-separator", "#"), 1, ["one document only"]),
    "train, near condition": (
        ("train", "table.csv", "--text-column", "text", "--condition", "kin"),
        1,
        ["mean 'kind'"],
    ),
    "train, empty file": (("train", "-", *COLUMNS), 1, ["standard input is empty"]),
    "train, binary file": (("train", "picture.csv", *COLUMNS), 1, ["picture.csv is a PNG picture"]),
    "train, no file": (("train", "tabel.csv", *COLUMNS), 1, ["tabel.csv"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, home):
    arguments, code, says = REFUSED[case]
    (home / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    refused(*arguments, code=code, says=says)
    assert [path.name for path in (home / "models").iterdir() if path.name[0] != "."] == ["kinds"]


def test_damaged_documents_are_told(home, tmp_path):
    shutil.copytree(home / "models/kinds", tmp_path / "models/kinds")
    path = tmp_path / "models/kinds" / RUN_FILE
    details = read_json(path)
    for wrong in (None, 3, {**details["documents"], "counts": [1]}):
        write_json(path, {**details, "documents": wrong})
        refused("generate", "--model", tmp_path / "models/kinds", code=1, says=["kinds"])
