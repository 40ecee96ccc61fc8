"""Where only NumPy, click, safetensors, tokenizers, rich and threadpoolctl are installed, all but training works.

Pages need Jinja2 as well.
"""

import json
import subprocess
import sys
from pathlib import Path

from cli_fixtures import ROOT

RUNS = Path(__file__).parent / "old_runs"
LARGE = ("tensorflow", "keras", "sklearn", "scipy", "matplotlib", "sacrebleu", "h5py")
PAGES = ("jinja2",)
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


def run(commands, cwd, missing=LARGE + PAGES):
    """Runs commands one after the other in a process without some libraries: code, output and errors of each."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(large=missing), json.dumps(commands)],
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
        ["classify", "new.csv", "--model", runs["combined"], "-o", "out.csv"],
        ["translate", "--model", str(RUNS / "encoder-decoder"), "water"],
        ["answer", "stories.txt", "--model", str(RUNS / "answerer")],
    ]
    pages = [
        ["classify", "new.csv", "--model", runs["combined"], "-o", "explained.csv", "--explain"],
        ["inspect", "cells", "text.txt", "--model", runs["lstm"]],
    ]
    found = [*run(commands, tmp_path), *run(pages, tmp_path, missing=LARGE)]
    for command, (code, out, err) in zip(commands + pages, found, strict=True):
        assert code == 0 and out, f"{command}: {err}"


def test_a_library_that_is_missing_is_named_in_one_line(tmp_path):
    (tmp_path / "text.txt").write_text("the old miller carried water\n" * 99)
    commands = [["train", "text.txt", "--epochs", "1", "-q"], ["inspect", "gradients", "--model", str(RUNS / "lstm")]]
    commands += [["inspect", "cells", "text.txt", "--model", str(RUNS / "lstm")]]
    for code, out, err in run(commands, tmp_path):
        last = err.splitlines()[-1]
        assert (code, out) == (1, "") and last.startswith("error: this needs the package ") and "Traceback" not in err
