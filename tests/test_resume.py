"""Nothing is lost: wherever training is stopped, resumed it ends with the bytes of a training that was not."""

import itertools
import os
import shutil
from pathlib import Path

import pytest
from cli_fixtures import good, refused, run_cli, story
from resume_cases import EXACT, interrupt_after, model_of, train
from resume_cases import not_deterministic_for_ever as not_deterministic_for_ever  # a fixture

from textrnn.base.files import RUN_FILE, read_json
from textrnn.language_model import fit as session
from textrnn.training import session as training_session
from textrnn.training import store as saving
from textrnn.training.checkpoint import checkpoint_path

SAME = ("steps", "epochs", "val_nats_per_token", "best_epoch", "ended", "skipped_steps")


def history(folder):
    """Its rows, all but seconds and speed."""
    rows = [row.split(",") for row in (folder / "history.csv").read_text().splitlines()]
    return [[row[column] for column in (0, 1, 3, 4, 5, 6, 7, 8)] for row in rows]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder with story.txt and models/whole, a run that nothing disturbed, and what --json said of it."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "story.txt").write_text(story(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return folder, good("train", "story.txt", *EXACT, "--epochs", "1.5", "--name", "whole").json


@pytest.fixture
def place(whole, tmp_path, monkeypatch):
    """The current folder: story.txt and models/whole."""
    folder = tmp_path / "place"
    shutil.copytree(whole[0], folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.slow
def test_interrupted_and_resumed_gives_the_same_bytes(place, whole, monkeypatch):
    """Stopped twice, with a save at each step, and resumed where there are more cores.

    Sums round differently when a batch is cut for another number of cores, so it keeps the cuts that it began with.
    """
    with monkeypatch.context() as patch:
        interrupt_after(patch, 3)
        options = (*EXACT, "--epochs", "1.5", "--save-every", "0.001", "--name", "parts")
        assert run_cli("train", "story.txt", *options).code == 130
        patch.setattr(training_session, "num_cores", lambda: 5)
        assert run_cli("train", "--resume", "parts", "--no-samples", "-q").code == 130
        assert read_json(place / "models/parts" / RUN_FILE)["status"] == "interrupted"
    monkeypatch.setattr(training_session, "num_cores", lambda: 5)
    result = train("--resume", "parts")
    assert whole[1]["steps"] > 8
    assert {key: result[key] for key in SAME} == {key: whole[1][key] for key in SAME}
    assert model_of("parts") == model_of("whole")
    assert history(place / "models/parts") == history(place / "models/whole")


CASES = {
    "gru, recurrent dropout": ("--arch", "gru", "--recurrent-dropout", "0.2", "--epochs", "1.2"),
    "sliding": ("--arch", "bidirectional", "--batch", "500", "--window", "12", "--epochs", "1.2", "--patience", "2"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_other_networks_resumed_give_the_same_bytes(case, place, monkeypatch):
    arguments = ("train", "story.txt", *EXACT, *CASES[case])
    undisturbed = good(*arguments, "--name", "whole", "--overwrite").json
    with monkeypatch.context() as patch:
        interrupt_after(patch, 4)
        assert run_cli(*arguments, "--name", "parts").code == 130
    result = train("--resume", "parts")
    assert undisturbed["steps"] > 8
    assert {key: result[key] for key in SAME} == {key: undisturbed[key] for key in SAME}
    assert model_of("parts") == model_of("whole")
    assert history(place / "models/parts") == history(place / "models/whole")


@pytest.mark.slow
def test_removed_folder_is_made_anew_with_all_that_a_run_needs(place, monkeypatch):
    real, calls = saving.write_history, itertools.count()

    def write(path, history, columns):
        if next(calls) == 2:
            shutil.rmtree(path.parent)
        real(path, history, columns)

    monkeypatch.setattr(saving, "write_history", write)
    ran = good("train", "story.txt", *EXACT, "--epochs", "1.5", "--name", "lost")
    said = ["could not save to models/lost", "models/lost was removed: making it anew", "saving to models/lost works"]
    assert [line[: len(words)] for line, words in zip(ran.err.splitlines(), said, strict=True)] == said
    monkeypatch.undo()
    os.chdir(place)
    assert good("generate", "--model", "lost", "--length", "3").out
    files = [
        sorted(str(path.relative_to(place / "models" / name)) for path in (place / "models" / name).rglob("*"))
        for name in ("lost", "whole")
    ]
    assert set(files[1]) - set(files[0]) <= {str(checkpoint_path(Path(), step)) for step in range(99)}
    assert model_of("lost") == model_of("whole")
    assert train("--resume", "lost", "--epochs", "2")["epochs"] == 2


@pytest.mark.slow
def test_place_that_is_gone_pauses_saving(place, monkeypatch):
    """The folder gives way to a file, as when a drive is taken away, and later comes back."""
    real, calls, run = saving.write_history, itertools.count(), place / "models" / "away"

    def write(path, history, columns):
        number = next(calls)
        if number == 1:
            os.rename(run, place / "elsewhere")
            run.write_bytes(b"")
        real(path, history, columns)

    monkeypatch.setattr(saving, "write_history", write)
    monkeypatch.setattr(session.Watch, "step", lambda self, event: come_back(event))

    def come_back(event):
        if event.step == 7:
            run.unlink()
            os.rename(place / "elsewhere", run)

    ran = good("train", "story.txt", *EXACT, "--epochs", "1.5", "--name", "away", "--save-every", "0.001")
    said = ["could not save to models/away", "saving to models/away works again"]
    assert [line[: len(words)] for line, words in zip(ran.err.splitlines(), said, strict=True)] == said
    assert good("generate", "--model", "away", "--length", "3").out
    assert train("--resume", "away", "--epochs", "2")["epochs"] == 2


def test_resume_says_which_file_is_missing(home):
    (home / "models/lstm/checkpoint/valid.ids").unlink()
    refused("train", "--resume", "lstm", "--epochs", "3", code=1, says=["valid.ids is missing", "encoded text"])


def test_resume_with_a_new_save_every_keeps_it(home):
    train("--resume", "lstm", "--epochs", "2.5", "--save-every", "90s")
    assert read_json(home / "models/lstm" / RUN_FILE)["config"]["stop"]["save_every_s"] == 90


@pytest.mark.slow
def test_resume_of_a_deterministic_run_refuses_a_time(place):
    refused("train", "--resume", "whole", "--time", "5s", code=2, says=["--deterministic", "--time", "clock"])
    assert train("--resume", "whole", "--epochs", "1.6", "--deterministic")["epochs"] > 1.5
