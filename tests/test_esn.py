"""Echo state networks on the command line: trained, stopped, resumed, used, refused."""

import contextlib
import json
import subprocess
import sys
from unittest import mock

import numpy as np
import pytest
from cli_fixtures import ROOT, good, refused, story

import textrnn
from textrnn.base.files import read_json, read_weights, write_json, write_weights
from textrnn.cli.console import INTERRUPTED

ESN = ("--arch", "esn", "--units", "60", "--batch", "2")
LINES = 300


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with story.txt and a finished run, models/whole, not to be changed."""
    home = tmp_path_factory.mktemp("esn")
    (home / "story.txt").write_text(story(LINES), encoding="utf-8")
    train(home, "whole")
    return home


def train(home, name, *more, run=good, **options):
    return run("train", home / "story.txt", "--models-dir", home / "models", "--name", name, *ESN, *more, **options)


def model_bytes(home, name):
    return (home / "models" / name / "model.safetensors").read_bytes()


def bigram_bits(learnt, held):
    """Bits per character of pairs, each probability drawn to the single character's by one imagined pair."""
    chars = {char: number for number, char in enumerate(sorted(set(learnt + held)))}
    pairs, single = np.zeros((len(chars), len(chars))), np.ones(len(chars))
    ids = [chars[char] for char in learnt]
    np.add.at(pairs, (ids[:-1], ids[1:]), 1)
    np.add.at(single, ids, 1)
    likely = (pairs + single / single.sum()) / (pairs.sum(1, keepdims=True) + 1)
    after = [chars[char] for char in held]
    return float(-np.log2(likely[after[:-1], after[1:]]).mean())


def test_train_beats_a_bigram_model(place):
    text = story(LINES)
    cut = round(len(text) * 0.9)
    run = good("info", "whole", "--models-dir", place / "models", "--json").json
    assert run["metrics"]["val_bits_per_char"] < bigram_bits(text[:cut], text[cut:]) - 0.3
    assert run["status"] == "finished" and run["config"]["model"]["units"] == 60


def test_train_leaves_a_history_whose_last_row_is_the_result(place):
    lines = (place / "models" / "whole" / "history.csv").read_text().splitlines()
    names, last = lines[0].split(","), lines[-1].split(",")
    row = dict(zip(names, map(float, last), strict=True))
    details = read_json(place / "models" / "whole" / "run.json")
    assert len(lines) > 2 and row["epoch"] == 1 and row["tokens"] > 0.9 * details["corpus"]["train"]["tokens"]
    best = min(float(line.split(",")[names.index("val_bits_per_char")]) for line in lines[1:])
    assert details["metrics"]["val_bits_per_char"] == pytest.approx(best, rel=1e-5)
    assert (place / "models" / "whole" / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_generate_score_info_and_load_work(place):
    models = ("--models-dir", place / "models")
    written = good(
        "generate", "--model", "whole", *models, "--seed", "The ", "--length", "40", "--random-seed", "1"
    ).out
    assert written.startswith("The ") and len(written) >= 40
    scored = good("score", place / "story.txt", "--model", "whole", *models, "--json").json["files"][0]
    model = textrnn.load(place / "models" / "whole")
    assert model.score(story(LINES)).bits_per_char == pytest.approx(scored["bits_per_char"], rel=1e-4)
    assert "esn, 1 x 60 units" in good("info", "whole", *models).out


def test_same_seed_same_bytes_and_another_seed_others(place):
    train(place, "again")
    assert model_bytes(place, "again") == model_bytes(place, "whole")
    train(place, "other", "--random-seed", "1")
    assert model_bytes(place, "other") != model_bytes(place, "whole")


@contextlib.contextmanager
def stopped_after(windows):
    """Within the block training is asked to stop when it has read so many windows."""
    left = iter([False] * windows)

    @contextlib.contextmanager
    def asked(on_first):
        yield lambda: next(left, True)

    with mock.patch("textrnn.language_model.reservoir_fit.polite_interrupts", asked):
        yield


def interrupted(home, name, windows=9):
    """A run that was stopped after some windows, and works."""
    from cli_fixtures import run_cli

    with stopped_after(windows):
        ran = train(home, name, run=run_cli)
    assert ran.code == INTERRUPTED and f"train --resume {name}" in ran.out, ran.err
    models = ("--models-dir", home / "models")
    assert good("info", name, *models, "--json").json["status"] == "interrupted"
    assert good("generate", "--model", name, *models, "--length", "5").out


def test_resume_ends_with_the_same_bytes(place):
    interrupted(place, "stopped")
    assert model_bytes(place, "stopped") != model_bytes(place, "whole")
    good("train", "--resume", "stopped", "--models-dir", place / "models")
    assert model_bytes(place, "stopped") == model_bytes(place, "whole")


@pytest.mark.parametrize("damage", ["missing", "shape"])
def test_resume_reads_again_where_sums_are_damaged(place, damage):
    name = f"damaged-{damage}"
    interrupted(place, name)
    path = place / "models" / name / "checkpoint" / "sums.safetensors"
    if damage == "missing":
        path.unlink()
    else:
        arrays, metadata = read_weights(path)
        write_weights(path, {**arrays, "gram": arrays["gram"][1:]}, metadata)
    ran = good("train", "--resume", name, "--models-dir", place / "models")
    assert "the text is read again from its beginning" in ran.err
    assert model_bytes(place, name) == model_bytes(place, "whole")


def test_resume_of_a_text_that_is_read_says_so(place):
    before = model_bytes(place, "whole")
    models = ("--models-dir", place / "models")
    refused("train", "--resume", "whole", *models, "--time", "5s", code=2, says=["has read its whole text"])
    refused("train", "--resume", "whole", *models, "--epochs", "3", code=2, says=["--epochs", "--arch esn"])
    refused("train", "--resume", "whole", *models, "--leak", "0.5", code=2, says=["--leak is 1.0", "0.5 here"])
    assert model_bytes(place, "whole") == before


def test_a_run_of_nonsense_is_refused(place):
    train(place, "nonsense")
    path = place / "models" / "nonsense" / "run.json"
    details = read_json(path)
    details["config"]["model"]["units"] = 59
    write_json(path, details)
    refused("score", place / "story.txt", "--model", path.parent, code=1, says=["reservoir/inputs", "59"])


def test_time_that_is_over_ends_with_what_was_read(place):
    with mock.patch(
        "textrnn.language_model.reservoir_fit.ReservoirSession._is_late", lambda self: self.progress.position > 4
    ):
        ran = train(place, "late", "--json")
    assert ran.json["ended"] == "budget" and 0 < ran.json["epochs"] < 0.5
    assert "of the text was read" in ran.err and ran.json["val_bits_per_char"] < 4
    refused("train", "--resume", "late", "--models-dir", place / "models", code=2, says=["used up its time", "--time"])
    good("train", "--resume", "late", "--models-dir", place / "models", "--time", "1m")
    assert model_bytes(place, "late") == model_bytes(place, "whole")


BAD = [
    (["--spectral-radius", "0"], ["--spectral-radius is 0", "above 0"]),
    (["--spectral-radius", "-1"], ["--spectral-radius is -1"]),
    (["--density", "0"], ["--density is 0", "above 0"]),
    (["--density", "1.5"], ["--density is 1.5", "at most 1"]),
    (["--leak", "0"], ["--leak is 0"]),
    (["--input-scale", "nan"], ["--input-scale is nan"]),
    (["--ridge", "0"], ["--ridge is 0"]),
    (["--layers", "2"], ["--layers does not go with --arch esn", "one layer"]),
    (["--dropout", "0.2", "--learning-rate", "1"], ["--dropout, --learning-rate does not go with --arch esn"]),
    (["--epochs", "3"], ["--epochs does not go with --arch esn"]),
]


@pytest.mark.parametrize(("options", "says"), BAD, ids=lambda value: " ".join(value) if value else "")
def test_bad_options_are_refused_in_one_line(place, options, says):
    refused("train", place / "story.txt", "--models-dir", place / "none", *ESN, *options, code=2, says=says)
    assert not (place / "none").exists()


def test_options_of_a_reservoir_need_one(place):
    refused("train", place / "story.txt", "--leak", "0.5", code=2, says=["--leak goes with an echo state network"])
    refused(
        "classify", place / "story.txt", "--train", "--ridge", "1", code=2, says=["--ridge goes with an echo state"]
    )


def test_workers_are_refused(place, monkeypatch):
    task = {"cluster": {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(task))
    train(place, "two", run=refused, code=2, says=["--arch esn reads the text in one process"])


def test_train_needs_no_tensorflow(place):
    script = (
        "import sys, textrnn\n"
        "textrnn.train('story.txt', arch='esn', units=9, models_dir='models', name='alone')\n"
        "print(sorted({'tensorflow', 'keras'} & sys.modules.keys()))"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=place, env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_size_follows_the_time():
    from textrnn.language_model.options import Config
    from textrnn.language_model.size import RESERVOIRS, sized

    def units(seconds, num_tokens=10**6, **options):
        config = Config.from_options({"arch": "esn", **options}).resolve()
        return sized(config, options, num_tokens=num_tokens, vocab_size=65, seconds=seconds, speed=1.0)[0].model.units

    found = [units(seconds) for seconds in (1, 30, 120, 600, 10**6)]
    assert found == sorted(found) and found[0] < found[2] < found[3] and found[-1] == RESERVOIRS[-1]
    assert units(600, num_tokens=20_000) < units(600)
    assert units(30, size="large") > units(30, size="small")


CLASSIFY = ("--arch", "esn", "--units", "50", "--networks", "2", "--train")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A table whose label is whether a text has the word moon, with two rows to be filled in."""
    home = tmp_path_factory.mktemp("labelled")
    lines = story(160, seed=3).splitlines()
    rows = [f"{line},{'night' if 'moon' in line.lower() else 'day'}" for line in lines]
    (home / "texts.csv").write_text("\n".join(["text,label", *rows, "The moon ran,", "The cat ran,"]) + "\n")
    return home


def test_classify_learns_predicts_and_needs_no_tensorflow_to(labelled):
    places = ("--models-dir", labelled / "models", "-o", labelled / "filled.csv")
    report = good("classify", labelled / "texts.csv", *CLASSIFY, "--model", "rnn", *places, "--json").json
    assert report["chosen"] == "rnn" and report["test"]["accuracy"] > report["models"]["majority"]["accuracy"] + 0.1
    model = textrnn.load(report["run"])
    first = model.classify(["The moon ran", "The cat ran"])
    assert [found["label"] for found in first] == ["night", "day"]
    filled = (labelled / "filled.csv").read_text().splitlines()
    assert ",night," in filled[-2] and ",day," in filled[-1]
    assert "esn, 1 x 50 units" in good("info", "texts", "--models-dir", labelled / "models").out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--layers", "2"], ["--layers does not go with --arch esn"]),
        (["--cell", "gru", "--epochs", "2"], ["--cell, --epochs does not go with --arch esn"]),
        (["--pooling", "attention"], ["--pooling attention"]),
        (["--unlabelled", "more.txt"], ["--unlabelled", "--arch esn"]),
        (["--spectral-radius", "0"], ["--spectral-radius is 0"]),
    ],
    ids=lambda value: value[0] if value else "",
)
def test_classify_refuses_what_does_not_go_with_it(labelled, options, says):
    refused("classify", labelled / "texts.csv", *CLASSIFY, *options, code=2, says=says)
