"""A process that is killed, and weights that blow up: what was saved is enough to end with the same bytes."""

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from cli_fixtures import good, run_cli, start, story
from resume_cases import EXACT, interrupt_after, model_of, train
from resume_cases import not_deterministic_for_ever as not_deterministic_for_ever  # a fixture

from textrnn import load
from textrnn.base.files import RUN_FILE, read_json
from textrnn.language_model import learner as session
from textrnn.training import store
from textrnn.training.checkpoint import checkpoints
from textrnn.training.trainer import GO_BACK_AFTER


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current folder, with story.txt."""
    (tmp_path / "story.txt").write_text(story(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def moments(place, monkeypatch):
    """Copies of the run as a kill would leave it before each file is moved into place or removed, with what is next."""
    found, run = [], place / "models" / "whole"

    def watched(real):
        def call(*paths, **options):
            if run.exists() and str(paths[-1]).startswith("models/whole/"):
                copy = place / "moments" / f"{len(found):03d}"
                shutil.copytree(run, copy)
                found.append((f"{real.__name__} {os.path.basename(paths[-1])}", copy))
            return real(*paths, **options)

        return call

    def unlink(path, missing_ok=False):
        with contextlib.suppress(*[FileNotFoundError] * missing_ok):
            os.unlink(path)

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink"):
            patch.setattr(os, name, watched(getattr(os, name)))
        patch.setattr(Path, "unlink", unlink)  # that of Python 3.10 would not see the watched one
        good("train", "story.txt", *EXACT, "--epochs", "0.3", "--name", "whole")
    return found


@pytest.mark.slow
def test_killed_between_any_two_files_gives_the_same_bytes(place, moments):
    names = {name.split("-")[0] for name, _ in moments}
    assert {"replace model.safetensors", "replace history.csv", "replace run.json", "replace step"} <= names
    assert "unlink step" in names and "replace curves.png" in names
    expected, checked, before = model_of("whole"), set(), ""
    shutil.rmtree(place / "models/whole")
    for name, copy in moments:
        os.rename(copy, place / "models/whole")
        assert load("models/whole") and good("info", "whole").out
        kind, before = (before.split("-")[0], name.split("-")[0]), name  # what was done last, and what is next
        if read_json(place / "models/whole" / RUN_FILE)["status"] == "training":
            if kind in checked:
                shutil.rmtree(place / "models/whole")
                continue
            assert train("--resume", "whole")["ended"] == "budget", name
            checked.add(kind)
        assert model_of("whole") == expected, name
        assert read_json(place / "models/whole" / RUN_FILE)["status"] == "finished"
        assert not [path for path in (place / "models/whole").rglob(".*")], name
        shutil.rmtree(place / "models/whole")
    assert len(checked) >= 10


@pytest.mark.slow
def test_killed_process_gives_the_same_bytes(place):
    arguments = ("train", "story.txt", *EXACT, "--epochs", "6", "--save-every", "0.001s")
    whole, run = good(*arguments, "--name", "whole").json, place / "models/killed"
    with start(*arguments, "--name", "killed", cwd=place) as process:
        while max(checkpoints(run), default=0) <= 3:
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert load("models/killed") and good("info", "killed").out
    assert 3 < max(checkpoints(run)) < whole["steps"]
    assert train("--resume", "killed")["steps"] == whole["steps"]
    assert model_of("killed") == model_of("whole")


def blow_up(monkeypatch, *, above):
    """Lets a step be not finite while its learning rate is above a limit."""
    real = session.make_step

    def make(*arguments, **options):
        step = real(*arguments, **options)

        def call(arrays, state, rate):
            if rate <= above:
                return step(arrays, state, rate)
            return np.float32(np.nan), np.float32(np.inf), state

        return call

    monkeypatch.setattr(session, "make_step", make)


HIGH = ("--learning-rate", "0.01", "--warmup", "10", "--schedule", "constant", "--epochs", "3", "--save-every", "0.001")


@pytest.fixture(scope="module")
def wild(tmp_path_factory):
    """A folder with story.txt and a run that blew up from its ninth step on, and what the command said."""
    folder = tmp_path_factory.mktemp("wild")
    (folder / "story.txt").write_text(story(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        blow_up(patch, above=0.0081)
        return folder, good("train", "story.txt", *EXACT, *HIGH, "--name", "wild")


@pytest.mark.slow
def test_training_goes_back_to_the_best_check_and_halves_the_rate(wild, monkeypatch):
    folder, ran = wild
    monkeypatch.chdir(folder)
    assert ran.json["skipped_steps"] == GO_BACK_AFTER and ran.json["ended"] == "budget"
    assert ran.err.count("learning rate halved to 0.5 of what was planned") == 1 and "going back to step 8" in ran.err
    assert read_json(folder / "models/wild" / RUN_FILE)["skipped_steps"] == GO_BACK_AFTER
    rows = (folder / "models/wild/history.csv").read_text().splitlines()[1:]
    assert [float(row.split(",")[3]) for row in rows][-1] == pytest.approx(0.005)
    steps = [int(row.split(",")[0]) for row in rows]
    assert steps == sorted(set(steps)) and steps[-1] == ran.json["steps"]
    assert good("generate", "--model", "wild", "--length", "3").out


@pytest.mark.slow
def test_training_that_goes_back_is_resumed_exactly(wild, monkeypatch):
    """Stopped among the steps that fail."""
    folder, ran = wild
    monkeypatch.chdir(folder)
    blow_up(monkeypatch, above=0.0081)
    with monkeypatch.context() as patch:
        interrupt_after(patch, 10)
        assert run_cli("train", "story.txt", *EXACT, *HIGH, "--name", "parts").code == 130
    result = train("--resume", "parts")
    assert (result["skipped_steps"], result["steps"]) == (ran.json["skipped_steps"], ran.json["steps"])
    assert model_of("parts") == model_of("wild")


@pytest.mark.slow
def test_training_goes_on_with_its_weights_when_no_save_can_be_read(place, monkeypatch):
    blow_up(monkeypatch, above=0.0081)
    real = store.load_checkpoint

    def load_nothing(folder, *arguments, **options):
        shutil.rmtree(folder)
        return real(folder, *arguments, **options)

    monkeypatch.setattr(store, "load_checkpoint", load_nothing)
    ran = good("train", "story.txt", *EXACT, *HIGH, "--name", "wild")
    assert "going on with the weights there are" in ran.err and "was removed: making it anew" in ran.err
    assert ran.json["skipped_steps"] == GO_BACK_AFTER
    assert good("generate", "--model", "wild", "--length", "3").out
