"""With what light/setup.py installs, all but training works; what is missing is named with how to get it."""

import ast
import configparser
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_fixtures import ROOT

from textrnn.base.install import pip_install_all
from textrnn.doctor.packages import NEEDED

RUNS = Path(__file__).parent / "old_runs"
SETUP = (ROOT / "light" / "setup.py").read_text(encoding="utf-8")
RUNS_ALONE = ast.literal_eval(re.search(r"^RUNS = (\{.*?\})", SETUP, re.MULTILINE | re.DOTALL)[1])
MODULES = {"scikit-learn": "sklearn", "python-dateutil": "dateutil"}


def left_out():
    """The modules that setup.cfg asks for and a light install has not, with what only they bring."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = config["options"]["install_requires"].split("\n")
    needed = [re.split(r"[<>=]", line)[0] for line in listed if line and not line.startswith("#")]
    assert set(needed) >= RUNS_ALONE
    return sorted({MODULES.get(name, name) for name in needed if name not in RUNS_ALONE} | {"scipy", "h5py"})


SCRIPT = """
import contextlib, io, json, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
from textrnn.cli.main import main

found = []
for arguments in json.loads(sys.argv[1]):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(arguments)
            code = 0
        except SystemExit as ended:
            code = ended.code or 0
    found.append([code, *(stream.buffer.getvalue().decode() for stream in (out, err))])
print(json.dumps(found))
"""


def run(commands, cwd):
    """Runs commands one after the other in a process with what a light install has: code, output and errors of each."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(missing=left_out()), json.dumps(commands)],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_all_but_training_works_in_a_light_install(tmp_path):
    (tmp_path / "new.csv").write_text("text\nthe old miller fine\ncold harsh rain\n")
    (tmp_path / "text.txt").write_text("the old miller carried water\n" * 9)
    (tmp_path / "stories.txt").write_text("1 Mira went to the mill.\n2 Where is Mira?\n")
    runs = {name: str(RUNS / name) for name in ("lstm", "bpe", "conditions", "esn", "bidirectional", "combined")}
    commands = [
        ["--help"],
        ["train", "--help-all"],
        ["info", "--models-dir", str(RUNS)],
        *(["generate", "--model", runs[name], "--length", "9"] for name in runs if name != "combined"),
        *(["score", "text.txt", "--model", runs[name], "--json"] for name in ("lstm", "bpe")),
        ["classify", "new.csv", "--model", runs["combined"], "-o", "out.csv", "--explain"],
        ["translate", "--model", str(RUNS / "encoder-decoder"), "water"],
        ["answer", "stories.txt", "--model", str(RUNS / "answerer")],
        ["inspect", "cells", "text.txt", "--model", runs["lstm"]],
        ["doctor", "--no-measure"],
    ]
    found = run(commands, tmp_path)
    assert "training needs all of them: pip install textrnn\n" in found[-1][1]
    for command, (code, out, err) in zip(commands, found, strict=True):
        assert code == 0 and out, f"{command}: {err}"
        assert "Traceback" not in err, f"{command}: {err}"
    assert "explanation" in (tmp_path / "out.csv").read_text() and len(list(tmp_path.glob("*.html"))) == 2


def test_a_library_that_is_missing_is_named_in_one_line(tmp_path):
    (tmp_path / "text.txt").write_text("the old miller carried water\n" * 99)
    commands = [
        ["train", "text.txt", "--epochs", "1", "-q"],
        ["inspect", "gradients", "--model", str(RUNS / "lstm")],
    ]
    for code, out, err in run(commands, tmp_path):
        last = err.splitlines()[-1]
        assert (code, out) == (1, "") and last.startswith("error: this needs the package ") and "Traceback" not in err


def test_doctor_looks_for_what_a_light_install_has():
    assert {package.name for package in NEEDED} | {"click"} == RUNS_ALONE


@pytest.mark.parametrize(
    ("light", "command"), [(False, "pip install textrnn"), (True, "pip install 'textrnn-light[train]'")]
)
def test_how_to_install_follows_the_install(light, command, monkeypatch):
    monkeypatch.setattr("textrnn.base.install.is_light", lambda: light)
    assert pip_install_all() == command
