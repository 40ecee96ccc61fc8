"""Nothing is lost: wherever training is stopped, resumed it ends with the bytes of a training that was not."""

import contextlib
import itertools
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from cli_fixtures import TINY, good, refused, run_cli, start
from tensorflow.python.framework.config import disable_op_determinism  # which TensorFlow does not export

from textrnn import load
from textrnn.run_files import MODEL_FILE, RUN_FILE, read_json
from textrnn.training import running, saving, session
from textrnn.training.checkpoint import checkpoint_path, checkpoints
from textrnn.training.loop import MAX_SKIPPED

EXACT = (*TINY, "--deterministic", "--dropout", "0.3", "--no-samples", "-q", "--json")


@pytest.fixture(autouse=True)
def not_deterministic_for_ever():
    yield
    disable_op_determinism()


def train(*arguments):
    return good("train", *arguments, "--no-samples", "-q", "--json").json


def model_of(name):
    return (Path("models") / name / MODEL_FILE).read_bytes()


def interrupt_after(monkeypatch, steps):
    """Asks training to stop after some steps of its session."""

    @contextlib.contextmanager
    def interrupts(on_first):
        counted = itertools.count()
        yield lambda: next(counted) >= steps

    monkeypatch.setattr(running, "polite_interrupts", interrupts)


CASES = {
    "lstm, save at each step": ("--epochs", "1.5", "--save-every", "0.001"),
    "gru, recurrent dropout": ("--arch", "gru", "--recurrent-dropout", "0.2", "--epochs", "1.5"),
    "sliding": ("--arch", "bidirectional", "--batch", "500", "--epochs", "1.2", "--patience", "2"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_interrupted_and_resumed_gives_the_same_bytes(case, home, monkeypatch):
    arguments = ("train", "story.txt", *EXACT, *CASES[case])
    whole = good(*arguments, "--name", "whole").json
    assert whole["steps"] > 8
    with monkeypatch.context() as patch:
        interrupt_after(patch, 3)
        assert run_cli(*arguments, "--name", "parts").code == 130
        assert run_cli("train", "--resume", "parts", "--no-samples", "-q").code == 130
        assert read_json(home / "models/parts" / RUN_FILE)["status"] == "interrupted"
    result = train("--resume", "parts")
    same = ("steps", "epochs", "val_nats_per_token", "best_epoch", "ended", "skipped_steps")
    assert {key: result[key] for key in same} == {key: whole[key] for key in same}
    assert model_of("parts") == model_of("whole")
    columns = [0, 1, 3, 4, 5, 6, 7, 8]  # all but seconds and speed
    found = [(home / "models" / name / "history.csv").read_text().splitlines() for name in ("parts", "whole")]
    assert [[row.split(",")[c] for c in columns] for row in found[0]] == [
        [row.split(",")[c] for c in columns] for row in found[1]
    ]


@pytest.mark.slow
def test_deterministic_run_keeps_its_parts_of_a_batch(home, monkeypatch):
    """Sums round differently when a batch is cut for another number of cores."""
    arguments = ("train", "story.txt", *EXACT, "--epochs", "1")
    good(*arguments, "--name", "whole")
    with monkeypatch.context() as patch:
        interrupt_after(patch, 3)
        assert run_cli(*arguments, "--name", "parts").code == 130
    monkeypatch.setattr(running, "num_cores", lambda: 5)
    train("--resume", "parts")
    assert model_of("parts") == model_of("whole")


@pytest.fixture
def moments(home, monkeypatch):
    """Copies of the run as a kill would leave it before each file is moved into place or removed, by what is next."""
    found, run = [], home / "models" / "whole"

    def watched(real):
        def call(*paths, **options):
            if run.exists() and str(paths[-1]).startswith("models/whole/"):
                copy = home / "moments" / f"{len(found):03d}"
                shutil.copytree(run, copy)
                found.append((f"{real.__name__} {os.path.basename(paths[-1])}", copy))
            return real(*paths, **options)

        return call

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink"):
            patch.setattr(os, name, watched(getattr(os, name)))
        good("train", "story.txt", *EXACT, "--epochs", "0.3", "--name", "whole")
    return found


@pytest.mark.slow
def test_killed_between_any_two_files_gives_the_same_bytes(home, moments):
    names = {name.split("-")[0] for name, _ in moments}
    assert {"replace model.safetensors", "replace history.csv", "replace run.json", "replace step"} <= names
    assert "unlink step" in names and "replace curves.png" in names
    expected, checked = model_of("whole"), 0
    shutil.rmtree(home / "models/whole")
    for name, copy in moments:
        os.rename(copy, home / "models/whole")
        assert load("models/whole") and good("info", "whole").out
        if read_json(home / "models/whole" / RUN_FILE)["status"] == "training":
            assert train("--resume", "whole")["ended"] == "budget", name
            checked += 1
        assert model_of("whole") == expected, name
        assert read_json(home / "models/whole" / RUN_FILE)["status"] == "finished"
        assert not [path for path in (home / "models/whole").rglob(".*")], name
        shutil.rmtree(home / "models/whole")
    assert checked >= 12


@pytest.mark.slow
def test_killed_process_gives_the_same_bytes(home):
    arguments = ("train", "story.txt", *EXACT, "--epochs", "12", "--save-every", "0.001s")
    train_whole = good(*arguments, "--name", "whole").json
    run, last = home / "models/killed", 0
    with start(*arguments, "--name", "killed", cwd=home) as process:
        for _ in range(2):
            while max(checkpoints(run), default=0) <= last + 3:
                assert process.poll() is None
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            last = max(checkpoints(run))
            assert load("models/killed") and good("info", "killed").out
            process = start("train", "--resume", "killed", "--no-samples", "-q", cwd=home)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert 0 < last < train_whole["steps"]
    assert train("--resume", "killed")["steps"] == train_whole["steps"]
    assert model_of("killed") == model_of("whole")


def blow_up(monkeypatch, *, above):
    """Lets a step be not finite while its learning rate is above a limit."""
    real = session.make_train_step

    def make(*arguments, **options):
        step = real(*arguments, **options)

        def call(x, y, mask, state, rate):
            if rate <= above:
                return step(x, y, mask, state, rate)
            return np.float32(np.nan), np.float32(np.inf), state

        return call

    monkeypatch.setattr(session, "make_train_step", make)


HIGH = ("--learning-rate", "0.01", "--warmup", "10", "--schedule", "constant", "--epochs", "3")


@pytest.mark.slow
def test_training_goes_back_to_the_best_check_and_halves_the_rate(home, monkeypatch):
    blow_up(monkeypatch, above=0.0081)  # from the ninth step on
    ran = good("train", "story.txt", *EXACT, *HIGH, "--name", "wild")
    assert ran.json["skipped_steps"] == MAX_SKIPPED and ran.json["ended"] == "budget"
    assert ran.err.count("learning rate halved to 0.5 of what was planned") == 1 and "going back to step 8" in ran.err
    assert read_json(home / "models/wild" / RUN_FILE)["skipped_steps"] == MAX_SKIPPED
    rows = (home / "models/wild/history.csv").read_text().splitlines()[1:]
    assert [float(row.split(",")[3]) for row in rows][-1] == pytest.approx(0.005)
    steps = [int(row.split(",")[0]) for row in rows]
    assert steps == sorted(set(steps)) and steps[-1] == ran.json["steps"]
    assert good("generate", "--model", "wild", "--length", "3").out


@pytest.mark.slow
@pytest.mark.parametrize("stop", [10])
def test_training_that_goes_back_is_resumed_exactly(stop, home, monkeypatch):
    """Stopped before the first step that fails, among those that do, and after going back."""
    blow_up(monkeypatch, above=0.0081)
    arguments = ("train", "story.txt", *EXACT, *HIGH, "--save-every", "0.001")
    whole = good(*arguments, "--name", "whole").json
    with monkeypatch.context() as patch:
        interrupt_after(patch, stop)
        assert run_cli(*arguments, "--name", "parts").code == 130
    result = train("--resume", "parts")
    assert (result["skipped_steps"], result["steps"]) == (whole["skipped_steps"], whole["steps"])
    assert model_of("parts") == model_of("whole")


@pytest.mark.slow
def test_training_goes_on_with_its_weights_when_no_save_can_be_read(home, monkeypatch):
    blow_up(monkeypatch, above=0.0081)
    real = running.load_checkpoint

    def load_nothing(folder, *arguments, **options):
        shutil.rmtree(folder)
        return real(folder, *arguments, **options)

    monkeypatch.setattr(running, "load_checkpoint", load_nothing)
    ran = good("train", "story.txt", *EXACT, *HIGH, "--name", "wild")
    assert "going on with the weights there are" in ran.err and "was removed: making it anew" in ran.err
    assert ran.json["skipped_steps"] == MAX_SKIPPED
    assert good("generate", "--model", "wild", "--length", "3").out


@pytest.mark.slow
def test_removed_folder_is_made_anew_with_all_that_a_run_needs(home, monkeypatch):
    real, calls = saving.write_history, itertools.count()

    def write(path, history):
        if next(calls) == 2:
            shutil.rmtree(path.parent)
        real(path, history)

    monkeypatch.setattr(saving, "write_history", write)
    ran = good("train", "story.txt", *EXACT, "--epochs", "1.5", "--name", "lost")
    said = ["could not save to models/lost", "models/lost was removed: making it anew", "saving to models/lost works"]
    assert [line[: len(words)] for line, words in zip(ran.err.splitlines(), said, strict=True)] == said
    monkeypatch.undo()
    os.chdir(home)
    assert good("generate", "--model", "lost", "--length", "3").out
    good("train", "story.txt", *EXACT, "--epochs", "1.5", "--name", "kept")
    files = [
        sorted(str(path.relative_to(home / "models" / name)) for path in (home / "models" / name).rglob("*"))
        for name in ("lost", "kept")
    ]
    assert set(files[1]) - set(files[0]) <= {str(checkpoint_path(Path(), step)) for step in range(99)}
    assert model_of("lost") == model_of("kept")
    assert train("--resume", "lost", "--epochs", "2")["epochs"] == 2


@pytest.mark.slow
def test_place_that_is_gone_pauses_saving(home, monkeypatch):
    """The folder gives way to a file, as when a drive is taken away, and later comes back."""
    real, calls, run = saving.write_history, itertools.count(), home / "models" / "away"

    def write(path, history):
        number = next(calls)
        if number == 1:
            os.rename(run, home / "elsewhere")
            run.write_bytes(b"")
        real(path, history)

    monkeypatch.setattr(saving, "write_history", write)
    monkeypatch.setattr(session.Session, "_on_step", lambda self, progress, *_: come_back(progress))

    def come_back(progress):
        if progress.step == 7:
            run.unlink()
            os.rename(home / "elsewhere", run)

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
    assert read_json(home / "models/lstm" / RUN_FILE)["config"]["train"]["save_every_s"] == 90


@pytest.mark.slow
def test_resume_of_a_deterministic_run_refuses_a_time(home):
    good("train", "story.txt", *EXACT, "--epochs", "0.2", "--name", "exact")
    refused("train", "--resume", "exact", "--time", "5s", code=2, says=["--deterministic", "--time", "clock"])
    assert train("--resume", "exact", "--epochs", "0.4", "--deterministic")["epochs"] > 0.2
