"""Where only NumPy, click, safetensors, tokenizers, rich and threadpoolctl are installed, all but training works."""

import json
import subprocess
import sys
from pathlib import Path

from cli_fixtures import ROOT

RUNS = Path(__file__).parent / "old_runs"
LARGE = ("tensorflow", "keras", "sklearn", "scipy", "matplotlib", "sacrebleu", "jinja2", "h5py")
SCRIPT = """
import contextlib, io, json, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {large}:
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
    """Runs commands one after the other in a process that has no large library: code, output and errors of each."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(large=LARGE), json.dumps(commands)],
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
        ["score", "text.txt", "--model", runs["lstm"], "--json"],
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
        has_page = "--explain" in command or "cells" in command
        assert ("is left out: pages are made with Jinja2" in err) == has_page, f"{command}: {err}"
    assert "explanation" in (tmp_path / "out.csv").read_text() and not list(tmp_path.glob("*.html"))


def test_a_library_that_is_missing_is_named_in_one_line(tmp_path):
    (tmp_path / "text.txt").write_text("the old miller carried water\n" * 99)
    commands = [["train", "text.txt", "--epochs", "1", "-q"], ["inspect", "gradients", "--model", str(RUNS / "lstm")]]
    for code, out, err in run(commands, tmp_path):
        last = err.splitlines()[-1]
        assert (code, out) == (1, "") and last.startswith("error: this needs the package ") and "Traceback" not in err
