"""`textrnn list`, `rename`, `delete` and `compare`: runs as a whole, never one that is in use, nothing half done."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cli_fixtures import QUICK, ROOT, good, refused, run_cli

from textrnn.base import run as runs
from textrnn.base.errors import RunError
from textrnn.base.run import locked
from textrnn.base.run_changes import delete_run
from textrnn.base.run_target import RunTarget


def names():
    return sorted(path.name for path in Path("models").iterdir() if path.name[0] != ".")


def test_list_is_what_info_lists(home):
    assert good("list").out == good("info").out
    assert good("list", "--json").json == good("info", "--json").json


def test_rename_keeps_all_of_a_run(home):
    before = {path.name: path.read_bytes() for path in Path("models/lstm").iterdir() if path.is_file()}
    assert good("rename", "lstm", "my own").out == "models/lstm is models/my own now\n"
    assert {path.name: path.read_bytes() for path in Path("models/my own").iterdir() if path.is_file()} == before
    assert not (Path("models/.locks") / "lstm").exists()
    assert good("generate", "--model", "my own", "--length", 5).code == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("rename", "lstm", "taken"), 1, "models/taken exists"),
        (("rename", "lstm", "a/b"), 2, "--name is 'a/b'"),
        (("rename", "lsmt", "new"), 1, "did you mean 'lstm'?"),
        (("delete", "lsmt", "--yes"), 1, "did you mean 'lstm'?"),
        (("delete", "lstm"), 2, "add --yes"),
        (("compare", "lstm", "x"), 1, "no run named 'x'"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_changes(home, words, code, says):
    Path("models/taken").mkdir()
    before = names()
    refused(*words, code=code, says=[says])
    assert names() == before


@pytest.mark.parametrize("words", [("rename", "lstm", "new"), ("delete", "lstm", "--yes")])
def test_a_run_that_learns_is_left_alone(home, words):
    with locked(Path("models"), "lstm"):
        refused(*words, code=1, says=["held by another training"])
    assert "lstm" in names()


def test_delete_removes_runs_and_their_locks(home):
    with locked(Path("models"), "lstm"):
        pass
    assert "deleted models/lstm" in good("delete", "lstm", "lstm", "--yes").out
    assert "lstm" not in names() and not (Path("models/.locks") / "lstm").exists()
    assert not list(Path("models").glob(".lstm*"))


def test_a_killed_delete_is_finished_by_the_next_who_takes_the_name(home, monkeypatch):
    def killed(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("textrnn.base.run_changes.shutil.rmtree", killed)
        delete_run(Path("models/lstm"))
    assert "lstm" not in names() and list(Path("models").glob(".lstm.new-*"))
    with locked(Path("models"), "lstm"):
        assert not list(Path("models").glob(".lstm*"))


def test_a_link_is_no_run_of_ours(home, tmp_path):
    Path("models/lstm").rename(tmp_path / "elsewhere")
    Path("models/lstm").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="left alone"):
        delete_run(Path("models/lstm"))
    assert (tmp_path / "elsewhere" / "run.json").exists()


def test_a_lock_that_was_deleted_in_between_is_taken_anew(tmp_path, monkeypatch):
    """Another process deletes the run, and its lock, after this one has opened the file and before it holds it."""
    real, seen = runs._try_lock, []

    def deleted_first(handle):
        if not seen:
            (tmp_path / ".locks" / "x").unlink()
        seen.append(handle)
        return real(handle)

    monkeypatch.setattr(runs, "_try_lock", deleted_first)
    with locked(tmp_path, "x"):
        code = (
            "import sys; from pathlib import Path; from textrnn.base.run import locked\n"
            "with locked(Path(sys.argv[1]), 'x'): pass"
        )
        ran = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert len(seen) == 2 and "held by another training" in ran.stderr


def test_compare_shows_what_differs(library, monkeypatch):
    lines = good("compare", "lstm", "gru").out.splitlines()
    assert lines[0].split() == ["run", "lstm", "gru"]
    heads = [line.split()[0] for line in lines]
    assert {"architecture", "parameters", "quality", "on", "--arch"} <= {*heads} and "--units" not in heads
    both = good("compare", "lstm", "gru", "story.txt")
    assert both.out == good("score", "story.txt", "--model", "lstm", "--model", "gru").out
    assert [Path(run["run"]).name for run in good("compare", "lstm", "gru", "--json").json["runs"]] == ["lstm", "gru"]


@pytest.mark.parametrize("words", [[], ["help"], ["--help"]])
def test_help_however_it_is_asked_for(words):
    found = run_cli(*words)
    assert (found.code, found.err) == (0, "") and "Commands" in found.out


def test_help_of_a_command():
    assert good("help", "score").out == good("score", "--help").out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("generate", "--prompt", "x"), "Did you mean --seed?"),
        (("generate", "--temperatur", "1"), "--temperature"),
        (("train", "x.txt", "--tiem", "1m"), "--time"),
        (("classify", "x.csv", "--label", "y"), "--label-column"),
        (("generate", "Once", "upon"), "--seed 'Once upon' writes on from it"),
    ],
)
def test_what_was_meant_is_suggested(home, words, says):
    refused(*words, code=2, says=[says])


def test_digits_as_a_seed_are_asked_about(home):
    assert "--random-seed 42" in good("generate", "--seed", "42", "--length", 3).err


@pytest.mark.parametrize(
    ("command", "other", "says"),
    [
        ("train", "lstm", "; textrnn train --resume story --models-dir {} goes on with that one"),
        ("classify", "linear", ""),
    ],
)
def test_a_name_that_is_taken_is_said_first(tmp_path, command, other, says):
    shutil.copytree(ROOT / "tests/old_runs" / other, tmp_path / "story")
    said = []
    assert RunTarget(tmp_path).name_for("story.txt", said.append) == "story-2"
    assert said == [f"{tmp_path}/story is there: this run will be story-2" + says.format(tmp_path)]
    assert RunTarget(tmp_path).name_for("other.txt", said.append) == "other" and len(said) == 1


@pytest.mark.parametrize(
    ("command", "name", "options", "says"),
    [
        ("train", "lstm", [], "more --epochs than 2"),
        ("train", "lstm", ["--epochs", "1.5"], "more --epochs than 2"),
        ("translate", "aligned", [], "more --epochs than 3"),
        ("answer", "answerer", [], "more --epochs than 3, or more --tries than 2"),
    ],
)
def test_a_finished_run_is_refused_before_tensorflow_loads(tmp_path, command, name, options, says):
    shutil.copytree(ROOT / "tests/old_runs" / name, tmp_path / name)
    ran = run_cli(command, "--resume", name, "--models-dir", tmp_path, *options)
    assert ran.code == 2 and says in ran.err and "loading TensorFlow" not in ran.err


def test_an_interrupt_before_the_first_save_says_that_nothing_was_saved(home, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("textrnn.language_model.data.prepare", interrupted)
    ran = run_cli("train", "story.txt", "--name", "new", *QUICK)
    assert (ran.code, ran.err.splitlines()[-1]) == (130, "interrupted: nothing was saved")
    assert names() == ["lstm"]
