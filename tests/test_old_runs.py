"""Runs saved by the first format of run.json: each opens, gives what it gave then, and goes on learning as it did.

`runs-1/README.md` tells how they were made, `runs-1/expected.json` holds what the version that made them gave.
"""

import csv
import json
import shutil
from pathlib import Path

import pytest
from cli_fixtures import good
from closeness import assert_close
from resume_cases import not_deterministic_for_ever as not_deterministic_for_ever  # a fixture

import textrnn

RUNS = Path(__file__).parent / "runs-1"
EXPECTED = json.loads((RUNS / "expected.json").read_text(encoding="utf-8"))
COMMANDS = {"language_model": "train", "translator": "translate", "answerer": "answer"}
SENTENCE = "The old cat ran under the bright moon."


def of_kind(kind):
    return [name for name, told in EXPECTED.items() if told["info"]["kind"] == kind]


def listed(probabilities):
    return [[row[label] for label in sorted(row)] for row in probabilities]


@pytest.mark.parametrize("name", of_kind("language_model"))
def test_old_language_model_scores_and_generates_as_before(name):
    model, expected = textrnn.load(name, RUNS), EXPECTED[name]["outputs"]
    text, options = SENTENCE, {"length": 30, "temperature": 0.7, "random_seed": 3}
    if name == "conditions":
        text, options = "the room was clean and lovely", {**options, "condition": "good", "guidance": 1.0}
    assert_close(model.score(text).nats, expected["nats"])
    assert "".join(model.generate("The ", **options)) == expected["text"]


@pytest.mark.parametrize("name", of_kind("classifier"))
def test_old_classifier_gives_the_probabilities_it_gave(name):
    expected = EXPECTED[name]["outputs"]
    found = [row["probabilities"] for row in textrnn.load(name, RUNS).classify(expected["texts"])]
    assert [list(row) for row in found] == [list(row) for row in expected["probabilities"]]
    assert_close(listed(found), listed(expected["probabilities"]))


@pytest.mark.parametrize("name", of_kind("translator"))
def test_old_translator_translates_as_before(name):
    translator, expected = textrnn.load(name, RUNS), EXPECTED[name]["outputs"]
    found = list(translator.stream(expected["texts"]))
    assert [translation.text for translation in found] == expected["translations"]
    assert_close([translation.nats for translation in found], expected["nats"])


def test_old_answerer_answers_as_before():
    expected = EXPECTED["answerer"]["outputs"]
    story = ["Mira walked to the mill.", "Anton hurried to the attic."]
    found = textrnn.load("answerer", RUNS).answer(story, "Where is Mira?")
    assert found.text == expected["answer"]
    assert_close(found.confidence, expected["confidence"])
    assert_close(found.attention, expected["attention"])


def test_info_describes_every_old_run():
    for name, expected in EXPECTED.items():
        told = good("info", name, "--models-dir", RUNS, "--json").json
        assert {key: told[key] for key in expected["info"]} == expected["info"]


def losses(folder, column):
    with open(folder / "history.csv", encoding="utf-8", newline="") as file:
        return [float(row[column]) for row in csv.DictReader(file)]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, told in EXPECTED.items() if "resumed" in told])
def test_old_run_goes_on_with_the_losses_that_it_had(name, tmp_path):
    """The rounding of another processor grows with every step: after forty of them it is far below a thousandth."""
    shutil.copytree(RUNS / name, tmp_path / name)
    info, resumed = EXPECTED[name]["info"], EXPECTED[name]["resumed"]
    command = COMMANDS[info["kind"]]
    more = ["--no-samples"] if command == "train" else []
    if info["status"] == "finished":
        more += ["--epochs", "18"]
    good(command, "--resume", name, "--models-dir", tmp_path, "-q", "--json", *more)
    learnt = len(losses(RUNS / name, resumed["column"]))
    found = losses(tmp_path / name, resumed["column"])[learnt:]
    assert len(found) == len(resumed["losses"][learnt:]) > 0
    assert_close(found, resumed["losses"][learnt:], 1e-3)
