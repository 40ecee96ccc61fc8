"""What a person can get wrong with `textrnn inspect`: one clear line, the right exit code, nothing lost or left."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from cli_fixtures import refused, snapshot
from inspect_cases import write_classifier, write_language_model

from textrnn.base.files import MODEL_FILE, RUN_FILE, read_json, write_json

TEXT = "the quick brown fox jumps over the lazy dog\n" * 3

# What is typed behind `textrnn inspect`, the exit code, and what the line on standard error says.
TYPED = {
    "no such run": (["cells", "--model", "nine"], 1, ["no run named 'nine'"]),
    "no runs": (["cells", "--models-dir", "none"], 1, ["no language model in none", "textrnn train"]),
    "wrong kind": (["gradients", "--model", "judge"], 1, ["'classifier', expected a 'language_model'", "--model"]),
    "attention of a language model": (
        ["attention", "--text", "x", "--model", "small"],
        1,
        ["'language_model', expected a 'classifier'"],
    ),
    "attention of mean pooling": (
        ["attention", "--text", "x", "--model", "mean"],
        2,
        ["models/mean has networks with --pooling mean", "--pooling attention"],
    ),
    "attention without texts": (["attention"], 2, ["no text", "--text"]),
    "attention of an empty text": (["attention", "--text", "  ", "--model", "judge"], 1, ["the text is empty"]),
    "a picture of two texts": (
        ["attention", "--text", "a", "--text", "b", "-o", "x.png"],
        2,
        ["a picture shows one text, and there are 2", ".html"],
    ),
    "cells of a linear classifier": (["cells", "text.txt", "--model", "linear"], 2, ["models/linear is a linear"]),
    "cells of a classifier without text": (["cells", "--model", "judge"], 2, ["keeps no text: name a file"]),
    "no such file": (["cells", "texd.txt"], 1, ["no such file: texd.txt", "did you mean text.txt?"]),
    "empty file": (["cells", "empty.txt"], 1, ["empty.txt is empty"]),
    "blank file": (["gradients", "blank.txt"], 1, ["blank.txt has white space only"]),
    "short text": (["cells", "short.txt"], 1, ["the text has 4 tokens", "at least 20"]),
    "too short for the distance": (["gradients", "text.txt"], 1, ["132 tokens", "at least 202", "--distance"]),
    "nothing to measure": (["gradients"], 2, ["name a text", "--model"]),
    "distance 0": (["gradients", "text.txt", "--distance", "0"], 2, ["--distance", "1<=x<=1000"]),
    "units of a trained one": (
        ["gradients", "--model", "small", "--units", "9"],
        2,
        ["--units and --layers are those"],
    ),
    "both ways": (["gradients", "--model", "both", "--distance", "9"], 2, ["simple, gru, lstm", "is bidirectional"]),
    "unit out of range": (["cells", "--model", "small", "--unit", "7"], 2, ["--unit is 7: expected 0 to 6", "layer 1"]),
    "negative unit": (["cells", "--model", "small", "--unit", "-1"], 2, ["--unit is -1: expected 0 to 6"]),
    "layer out of range": (["cells", "--unit", "1", "--layer", "2", "--model", "small"], 2, ["--layer is 2", "1 to 1"]),
    "layer alone": (["cells", "--layer", "1", "--model", "small"], 2, ["--layer 1", "--unit"]),
    "output exists": (["cells", "--model", "small", "-o", "there.html"], 2, ["there.html exists", "--overwrite"]),
    "picture exists": (["gradients", "text.txt", "-o", "there.png"], 2, ["there.png exists", "--overwrite"]),
    "output of another kind": (["cells", "-o", "cells.pdf"], 2, ["'cells.pdf'", ".html"]),
    "output is a folder": (["cells", "-o", "folder.html"], 2, ["folder.html", "a folder"]),
    "no such folder": (["gradients", "text.txt", "-o", "none/x.png"], 2, ["no folder none"]),
    "binary file": (["cells", "picture.txt"], 1, ["picture.txt is a PNG picture"]),
    "empty standard input": (["gradients", "-"], 1, ["standard input is empty"]),
    "held-out text lost": (["cells", "--model", "lost"], 1, ["valid.ids is missing", "name a file"]),
    "held-out text damaged": (["cells", "--model", "damaged"], 1, ["valid.ids is damaged"]),
    "weights damaged": (["cells", "text.txt", "--model", "cut"], 1, ["model.safetensors is damaged"]),
    "hostile details": (["cells", "--model", "hostile"], 1, ["models/hostile", "damaged"]),
}


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    home, rng = tmp_path_factory.mktemp("inspect"), np.random.default_rng(4)
    models = home / "models"
    write_language_model(models / "both", rng, TEXT, arch="bidirectional")
    write_classifier(models / "judge", rng, ["fox", "dog"])
    write_classifier(models / "mean", rng, ["fox", "dog"], pooling="mean")
    shutil.copytree(Path(__file__).parent / "old_runs" / "linear", models / "linear")
    write_language_model(models / "small", rng, TEXT, arch="gru")
    for name in ("lost", "damaged", "cut", "hostile"):
        shutil.copytree(models / "small", models / name)
    (models / "lost" / "checkpoint" / "valid.ids").unlink()
    (models / "damaged" / "checkpoint" / "valid.ids").write_bytes(b"\x02" * 99)
    (models / "cut" / MODEL_FILE).write_bytes((models / "small" / MODEL_FILE).read_bytes()[:-9])
    details = read_json(models / "hostile" / RUN_FILE)
    write_json(models / "hostile" / RUN_FILE, {**details, "corpus": ["no", "object"]})
    (home / "folder.html").mkdir()
    (home / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    for name, text in {
        "text.txt": TEXT,
        "empty.txt": "",
        "blank.txt": " \n\n",
        "short.txt": "fox\n",
        "there.html": "mine",
        "there.png": "mine",
    }.items():
        (home / name).write_text(text)
    return home


@pytest.mark.parametrize("typed", TYPED)
def test_bad_input_is_refused(typed, things, monkeypatch):
    monkeypatch.chdir(things)
    arguments, code, says = TYPED[typed]
    before = snapshot(things)
    refused("inspect", *arguments, code=code, says=says)
    assert snapshot(things) == before
