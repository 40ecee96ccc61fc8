"""Runs that earlier versions saved: they load, give what they gave, are described, and are gone on with."""

import json
import shutil
from pathlib import Path

import pytest
from cli_fixtures import good, refused
from tensorflow.python.framework.config import disable_op_determinism  # which TensorFlow does not export

import textrnn

FOLDER = Path(__file__).parent / "old_runs"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
RESUMED = {name: found for name, found in EXPECTED.items() if "resumed" in found}
COMMANDS = {"language_model": "train", "translator": "translate", "answerer": "answer"}
TEXT = "the old miller fine bright", "cold rain dull on his roof"


@pytest.fixture
def story():
    """The first 300 characters of the text that the language models learnt from."""
    return (FOLDER / "story.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXPECTED)
def test_an_old_run_gives_what_it_gave(name, story):
    model, expected = textrnn.load(FOLDER / name), EXPECTED[name]
    if expected["kind"] == "language_model":
        assert model.score(story).bits_per_char == pytest.approx(expected["bits_per_char"], rel=1e-5)
        options = {"condition": "pos"} if name == "conditions" else {}
        text = "".join(model.generate("The old ", length=40, random_seed=3, temperature=0.8, **options))
        assert text == expected["text"]
    elif expected["kind"] == "classifier":
        for found, shares in zip(model.classify(TEXT), expected["probabilities"], strict=True):
            own = [share for _, share in sorted(found["probabilities"].items())]
            assert own == pytest.approx(shares, rel=1e-4, abs=2e-6)
    elif expected["kind"] == "translator":
        assert [str(getattr(found, "text", found)) for found in model.translate(["water", "cats"])] == expected["texts"]
    else:
        found = model.answer(["Mira went to the mill.", "Anton went to the pond."], "Where is Mira?")
        assert (found.text, found.confidence) == (expected["answer"], pytest.approx(expected["confidence"], rel=1e-4))


def test_old_runs_are_listed_and_described():
    listed = good("info", "--models-dir", FOLDER).out
    assert "damaged" not in listed and len(listed.splitlines()) == 1 + len(EXPECTED)
    for name in ("conditions", "combined", "aligned", "answerer"):
        assert "parameters" in good("info", name, "--models-dir", FOLDER).out


@pytest.mark.slow
@pytest.mark.parametrize("name", RESUMED)
def test_an_old_run_is_gone_on_with(name, tmp_path):
    """The losses are those of bfloat16 where the run was made; another processor may take float32."""
    shutil.copytree(FOLDER / name, tmp_path / name)
    expected = RESUMED[name]
    where = ("--resume", name, "--models-dir", tmp_path)
    try:
        found = good(COMMANDS[expected["kind"]], *where, "--epochs", "4", "-q", "--json").json
    finally:
        disable_op_determinism()
    own = {key: found[key] for key in expected["resumed"]}
    assert own == {key: pytest.approx(value, rel=0.02) for key, value in expected["resumed"].items()}
    model = textrnn.load(tmp_path / name)
    assert model.details["status"] == "finished"


@pytest.mark.parametrize(
    ("command", "name", "says"),
    [
        ("train", "aligned", "go on with it by 'textrnn translate --resume aligned --models-dir"),
        ("answer", "lstm", "go on with it by 'textrnn train --resume lstm --models-dir"),
        ("translate", "linear", "no command goes on with such runs, 'textrnn classify YOUR_TABLE.csv' makes a new one"),
    ],
)
def test_resume_of_another_kind_says_which_command_goes_on(command, name, says):
    refused(command, "--resume", name, "--models-dir", FOLDER, code=1, says=[says])


def test_a_newer_format_is_refused(tmp_path):
    shutil.copytree(FOLDER / "lstm", tmp_path / "new")
    path = tmp_path / "new" / "run.json"
    path.write_text(path.read_text().replace('"format_version": 1', '"format_version": 99'))
    refused("info", "new", "--models-dir", tmp_path, code=1, says=["format version 99", "install a newer textrnn"])
