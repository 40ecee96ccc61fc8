"""Disks that are full or read-only, and file systems that refuse: one line, the old file whole, nothing half done."""

import contextlib
import errno
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from cli_fixtures import ROOT, good, refused

from textrnn.base.files import atomic_file

RUNS = ROOT / "tests" / "old_runs"
TEXT = "the old miller fine bright\n"
COMMANDS = {
    "generate": ["generate", "--model", RUNS / "lstm", "--length", "400", "-o", "out"],
    "translate": ["translate", "words.txt", "--model", RUNS / "aligned", "-o", "out"],
    "attention": ["translate", "water", "--model", RUNS / "encoder-decoder", "--attention", "out"],
    "answer": ["answer", "new.txt", "--model", RUNS / "answerer", "-o", "out"],
    "classify": ["classify", "new.csv", "--model", RUNS / "linear", "--predict", "-o", "out"],
    "cells": ["inspect", "cells", "words.txt", "--model", RUNS / "lstm", "-o", "out.html"],
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current folder, with something to predict and a file that stands where the prediction goes."""
    monkeypatch.chdir(tmp_path)
    Path("words.txt").write_text(TEXT * 9, encoding="utf-8")
    Path("new.csv").write_text("text\n" + TEXT * 9, encoding="utf-8")
    Path("new.txt").write_text("1 Mira went to the mill.\n2 Where is Mira?\n" * 9, encoding="utf-8")
    for name in ("out", "out.html"):
        Path(name).write_text("before", encoding="utf-8")
    return tmp_path


@contextlib.contextmanager
def full():
    """A disk that has no room for a file of 100 bytes."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def failing(module, name, code):
    """A call of the system that fails."""

    def fail(*arguments, **options):
        raise OSError(code, os.strerror(code))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, fail)
        yield


@contextlib.contextmanager
def read_only():
    """A folder in which no file can be made."""
    real = open

    def refuse(path, mode="r", *arguments, **options):
        if set(mode) & set("wxa"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(path, mode, *arguments, **options)

    with failing(tempfile, "mkstemp", errno.EROFS), pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.open", refuse)
        yield


FAULTS = {
    "full": full,
    "read-only": read_only,
    "fsync": lambda: failing(os, "fsync", errno.EIO),
    "rename": lambda: failing(os, "replace", errno.EPERM),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_prediction_that_cannot_be_written_leaves_all_as_it_was(place, name, fault):
    before = sorted(os.listdir())
    with FAULTS[fault]():
        refused(*COMMANDS[name], "--overwrite", code=1)
    assert sorted(os.listdir()) == before
    assert Path("out").read_text() == Path("out.html").read_text() == "before"


@pytest.mark.parametrize("name", ["generate", "translate", "answer", "classify"])
def test_two_predictions_into_one_file_leave_a_whole_one(place, name):
    """The second one begins and ends while the first is being written."""
    Path("out").unlink()
    good(*COMMANDS[name])
    alone = Path("out").read_bytes()
    with atomic_file(Path("out")) as first:
        first.write(b"half of the first, ")
        good(*COMMANDS[name], "--overwrite")
        first.write(b"and the other half")
    assert Path("out").read_bytes() == b"half of the first, and the other half"
    good(*COMMANDS[name], "--overwrite")
    assert name == "generate" or Path("out").read_bytes() == alone
    assert not [left for left in os.listdir() if left.startswith(".out")]


@pytest.mark.skipif(os.name == "nt", reason="locks of another kind")
@pytest.mark.parametrize("command", [["train", "words.txt"], ["rename", "lstm", "new"], ["delete", "lstm", "--yes"]])
def test_a_folder_without_locks_is_said_to_be_one(place, command):
    import fcntl

    shutil.copytree(RUNS / "lstm", "models/lstm")
    with failing(fcntl, "flock", errno.ENOLCK):
        refused(*command, code=1, says=["No locks available", "--models-dir"])
    assert [path.name for path in Path("models").iterdir() if path.name[0] != "."] == ["lstm"]


@pytest.mark.parametrize(("call", "code"), [("rename", errno.EROFS), ("rename", errno.EPERM)])
@pytest.mark.parametrize("command", [["rename", "lstm", "new"], ["delete", "lstm", "--yes"]])
def test_a_run_that_cannot_be_moved_stays(place, command, call, code):
    shutil.copytree(RUNS / "lstm", "models/lstm")
    with failing(os, call, code):
        refused(*command, code=1, says=["cannot", "models/lstm"])
    good("info", "lstm")
