"""`textrnn doctor`: what is broken is told, nothing of the user is, and a library that crashes ends only itself."""

import contextlib
import errno
import getpass
import platform
import socket
from pathlib import Path

import pytest
from cli_fixtures import good, run_cli

from textrnn.doctor import cost, machine, packages
from textrnn.doctor.part import anonymous
from textrnn.doctor.probe import imported
from textrnn.language_model.options import Config
from textrnn.language_model.size import planned, sized
from textrnn.training.backend import chosen_precision

CRASHES = "import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Libraries that are quick to load in the place of the real ones, by the folder of a user with a strange name."""
    home = tmp_path / "zebedee"
    libraries, project = home / "lib", home / "novel"
    libraries.mkdir(parents=True)
    (project / "models" / "confession").mkdir(parents=True)
    for each in (*packages.TRAINING, *packages.EXTRAS):
        (libraries / f"{each.imports}.py").write_text("")
    monkeypatch.syspath_prepend(str(libraries))
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "zebedee")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(project)
    return libraries


def test_what_is_broken_is_told_without_the_name_of_anybody(install, monkeypatch):
    (install / "tensorflow.py").write_text(CRASHES)
    (install / "rjieba.py").write_text("raise ImportError(f'{__file__}: built by zebedee for another Python')\n")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["zebedees-computer:1"]}}')
    Path("models", "confession", "run.json").write_text("{}")
    ran = run_cli("doctor", "--no-measure", "--models-dir", Path.cwd() / "models")
    problems = [line for line in ran.out.splitlines() if line.startswith("problem: ")]
    assert (ran.code, len(problems)) == (1, 3) and "Traceback" not in ran.err
    assert "tensorflow" in problems[0] and "SIGILL" in problems[0] and "pip install --force-reinstall" in problems[0]
    assert "rjieba.py: built by USER for another Python" in problems[1] and "KERAS_BACKEND is torch" in problems[2]
    words = ("zebedee", "novel", "confession", str(install.parent), socket.gethostname())
    for shown in (ran.out, run_cli("doctor", "--no-measure", "--json").out):
        assert not [word for word in words if word in shown]


def test_an_install_without_tensorflow_is_not_broken(install, monkeypatch):
    there = packages.there
    monkeypatch.setattr(packages, "there", lambda package: package.name != "tensorflow" and there(package))
    monkeypatch.setattr(cost, "machine_speed", lambda precision, seconds: 0.5)
    found = good("doctor", "--json").json
    assert found["problems"] == [] and found["speed"]["speed"] == 0.5
    assert found["models_folder"]["writable"] and found["models_folder"]["locks"]
    assert found["training"].keys() == {each.name for each in packages.TRAINING}
    text = good("doctor").out
    assert "not there: tensorflow\n" in text and "training needs all of them: pip install textrnn\n" in text
    assert text.endswith("\nnothing is broken\n") and "--time 10m, Chinese: " in text
    assert "--time" not in good("doctor", "--no-measure").out
    assert [path.name for path in Path("models").iterdir()] == ["confession"]


@pytest.mark.slow
def test_tensorflow_is_asked_what_training_would_run_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = good("doctor", "--json", "--no-measure").json
    assert found["training"]["tensorflow"] and found["precision"]["auto"] == chosen_precision("auto")
    assert found["gpu"]["names"] == [] or all(found["gpu"]["names"])
    assert found["blas"]["libraries"][0]["num_threads"] >= 1


def test_imported_goes_on_after_a_crash(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, code in {"one": "", "two": CRASHES, "three": "import nosuchmodule", "four": "print('{')"}.items():
        (tmp_path / f"zz_{name}.py").write_text(code)
    found = imported(["zz_one", "zz_two", "zz_three", "zz_four"])
    assert found["zz_one"] == found["zz_four"] == {}
    assert found["zz_two"]["crashed"] and "SIGILL" in found["zz_two"]["error"]
    assert "nosuchmodule" in found["zz_three"]["error"]


def test_imported_does_not_wait_for_ever(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("textrnn.doctor.probe.LONGEST_S", 0.5)
    (tmp_path / "zz_slow.py").write_text("import time\ntime.sleep(600)\n")
    assert "not done in" in imported(["zz_slow"])["zz_slow"]["error"]


def test_disk_says_why_runs_cannot_be_saved(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    assert "a file has that name" in machine.disk(tmp_path / "file").problems[0]
    there = machine.disk(tmp_path / "new" / "models")
    assert not there.problems and there.values["locks"] and not (tmp_path / "new").exists()

    def refuse(*arguments):
        raise OSError(errno.EROFS, "Read-only file system", "/home/zebedee/x")

    with monkeypatch.context() as patch:
        patch.setattr(machine, "write_atomically", refuse)
        (problem,) = machine.disk(tmp_path).problems
        assert problem.startswith("runs cannot be saved (Read-only file system): ")
    monkeypatch.setattr(machine, "locked", lambda *arguments: contextlib.nullcontext())
    assert "locks do not hold" in machine.disk(tmp_path).problems[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/ann/lib/a.so: not found", ".../a.so: not found"),
        ("DLL load failed: C:\\Users\\ann\\a.dll", "DLL load failed: .../a.dll"),
        ("cannot open 'x/y' or /etc: 3/4", "cannot open 'x/y' or /etc: 3/4"),
        (f"two\nlines by {getpass.getuser()}", "two lines by USER"),
        (f"no route to {platform.node()}:1", "no route to HOST:1"),
    ],
)
def test_anonymous(text, expected):
    assert anonymous(text) == expected


@pytest.mark.parametrize("speed", [0.02, 0.5, 3.0])
def test_planned_is_what_the_rule_of_sizes_takes(speed):
    asked = dict(num_tokens=1_000_000, vocab_size=90, speed=speed)
    for seconds in (60.0, 600.0):
        size, chars_per_s = planned(seconds, **asked)
        config, _ = sized(Config().resolve(), {}, seconds=seconds, **asked)
        assert (config.model.layers, config.model.units) == (size.layers, size.units)
        assert chars_per_s == pytest.approx(size.tokens_per_s * speed, rel=0.3)
