"""The command line as tests use it: called in this process or in one of its own, over small trained runs."""

import contextlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

ROOT = Path(__file__).resolve().parent.parent
VOCABULARY = "the a cat dog ran over under moon sun bright old river house tree and then she he said nothing again"
WORDS = VOCABULARY.split()
TINY = ("--units", "8", "--embed", "6", "--layers", "1", "--batch", "8", "--warmup", "2")
QUICK = (*TINY, "--epochs", "2")
ARCHITECTURES = ("lstm", "simple", "gru", "memory", "bidirectional")  # in the order in which `trained` trains them


def story(num_lines=110, seed=1):
    """A text of about forty characters a line."""
    draw = random.Random(seed)
    return "".join(" ".join(draw.choices(WORDS, k=8)).capitalize() + ".\n" for _ in range(num_lines))


@dataclass
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


class Stream(io.TextIOWrapper):
    """A standard stream in memory, which stays readable when somebody closes it."""

    def __init__(self, data=b""):
        super().__init__(io.BytesIO(data), encoding="utf-8", errors="surrogateescape", newline="")

    def text(self):
        self.flush()
        return self.buffer.getvalue().decode("utf-8", "surrogateescape")


NUMBERS = ("--units", "--embed", "--layers", "--batch", "--warmup", "--epochs", "--networks", "--window", "--dropout")


def latest(arguments):
    """The arguments, in which a number that is given again takes the place of the earlier one: QUICK with changes."""
    words = [str(word) for word in arguments]
    for option in NUMBERS:
        while words.count(option) > 1:
            del words[words.index(option) : words.index(option) + 2]
    return words


def run_cli(*arguments, stdin=b""):
    """Calls the command line in this process; see `latest`."""
    from textrnn.cli.main import main

    arguments = latest(arguments)
    out, err = Stream(), Stream()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "stdin", Stream(stdin)),
        mock.patch.object(sys, "argv", ["textrnn", *arguments]),
        pytest.raises(SystemExit) as ended,
    ):
        main(arguments)
    return Ran(ended.value.code or 0, out.text(), err.text())


def good(*arguments, **options):
    """Calls the command line, which has to succeed."""
    ran = run_cli(*arguments, **options)
    assert ran.code == 0, ran.err
    return ran


def refused(*arguments, code, says=(), **options):
    """Calls the command line, which has to end with this exit code and one clear line."""
    ran = run_cli(*arguments, **options)
    errors = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert (ran.code, len(errors)) == (code, 1), ran.err
    assert ran.err.splitlines()[-1] == errors[0]
    assert "Traceback" not in ran.err
    for part in says:
        assert part in errors[0]
    return ran


def start(*arguments, cwd, **options):
    """Starts the command line in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if "preexec_fn" in options:  # a limit on the size of files, which the file of a coverage measurement would break
        environment = {name: value for name, value in environment.items() if not name.startswith("COVERAGE_")}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    command = [sys.executable, "-m", "textrnn", *latest(arguments)]
    return subprocess.Popen(command, cwd=cwd, env=environment, text=True, encoding="utf-8", **pipes)


def snapshot(folder):
    """All files under a folder with their content, but for the locks, which say nothing."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        if ".locks" not in path.parts:
            found[str(path.relative_to(folder))] = path.read_bytes() if path.is_file() else None
    return found


def enter_copy(folder, tmp_path, monkeypatch):
    """A copy of a folder, which is the current one from then on."""
    shutil.copytree(folder, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


def arrays(name, prefix=""):
    """The weights of a run whose names begin with a prefix, without it."""
    from textrnn.base.files import read_weights

    found = read_weights(Path("models", name, "model.safetensors"))[0]
    return {key.removeprefix(prefix): array for key, array in found.items() if key.startswith(prefix)}


def teach(home, arch):
    """Trains a run of an architecture on the folder's story."""
    good("train", home / "story.txt", "--models-dir", home / "models", "--name", arch, "--arch", arch, *QUICK, "-q")


@pytest.fixture(scope="session")
def begun(tmp_path_factory):
    """A folder with story.txt and models/lstm, not to be changed."""
    from textrnn.training.backend import start_tensorflow

    start_tensorflow()
    home = tmp_path_factory.mktemp("trained")
    (home / "story.txt").write_text(story(), encoding="utf-8")
    teach(home, ARCHITECTURES[0])
    return home


@pytest.fixture(scope="session")
def trained(begun):
    """The same folder with a run of each architecture in models/."""
    for arch in ARCHITECTURES[1:]:
        teach(begun, arch)
    return begun


@pytest.fixture
def home(begun, tmp_path, monkeypatch):
    """The current folder: story.txt, and models/lstm, a run of it."""
    shutil.copy(begun / "story.txt", tmp_path)
    shutil.copytree(begun / "models" / "lstm", tmp_path / "models" / "lstm")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """The current folder, as commands of README.md and docs/ expect it, with the beginning of each text of data/."""
    from docs.record import make_folder

    data, folder = tmp_path / "texts", tmp_path / "checkout"
    data.mkdir()
    folder.mkdir()
    for name in ("english.txt", "chinese.txt", "reviews.csv", "hello.tsv", "stories.txt"):
        lines = (ROOT / "data" / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (data / name).write_text("".join(lines[:100]), encoding="utf-8")
    make_folder(folder, data)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def library(trained, monkeypatch):
    """The current folder is that of all architectures' runs, for tests that only read."""
    before = snapshot(trained)
    monkeypatch.chdir(trained)
    yield trained
    assert snapshot(trained) == before
