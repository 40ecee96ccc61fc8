"""What strangers wrote does not control the terminal: no command shows a control character or a change of direction."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cli_fixtures
import pytest
from cli_fixtures import ROOT, run_cli

from textrnn.base.escapes import UNSAFE
from textrnn.base.files import RUN_FILE, TOKENIZER_FILE, read_json, write_json

BAD = "\x1b[2J\x9b\x07\u202e\u2066"
RUNS = {"lstm": "language_model", "conditions": "language_model", "combined": "classifier"}
RUNS |= {"aligned": "translator", "answerer": "answerer"}
# Values that the program itself compares with its own words.
KEPT = ("config", "kind", "sha256", "model", "translator", "labels", "level", "levels", "status", "likeness", "counts")


def hostile(value):
    """A JSON value whose texts have control characters in them."""
    if isinstance(value, dict):
        return {name: inner if name in KEPT else hostile(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [hostile(inner) for inner in value]
    return value + BAD if isinstance(value, str) else value


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current folder, with runs and files whose texts and names have control characters in them."""
    for name in RUNS:
        shutil.copytree(ROOT / "tests/old_runs" / name, tmp_path / "models" / name)
        path = tmp_path / "models" / name / RUN_FILE
        write_json(path, hostile(read_json(path)))
    path = tmp_path / "models" / "lstm" / TOKENIZER_FILE
    tokenizer = read_json(path)
    tokenizer["tokens"] = [*BAD[:3], BAD[-2], *tokenizer["tokens"][4:]]  # it writes what it learnt
    write_json(path, tokenizer)
    monkeypatch.chdir(tmp_path)
    more = "and the old miller had a fine cup of tea there again, " * 4  # or control characters are too many for a text
    files = {
        "a.txt": f"one{BAD} two {more}\n" * 3,
        "b.csv": "text,label\n" + "".join(f'"{more}{BAD} {i}",pos{BAD}\n' for i in range(30)),
        "c.csv": "text\n" + f"{more}{BAD}\n" * 3,
        "d.tsv": f"a{BAD}b {more}\n",
        "e.txt": f"1 Mira went{BAD} {more}{more}{more}.\n2 Where is Mira?\tmill{BAD}\n",
    }
    for name, text in files.items():
        Path(name.replace(".", f"{BAD}.")).write_text(text, encoding="utf-8")
    monkeypatch.setattr(cli_fixtures.Stream, "isatty", lambda self: True)
    monkeypatch.setenv("TERM", "dumb")
    return tmp_path


def files(name):
    return name.replace(".", f"{BAD}.")


READING = {
    "list": ["list"],
    **{f"info of a {kind}": ["info", name] for name, kind in RUNS.items()},
    "compare": ["compare", "lstm", "conditions"],
    "generate": ["generate", "--model", "lstm", "--length", "200", "--seed", BAD, "--temperature", "5"],
    "generate with a condition": ["generate", "--model", "conditions", "--length", "9"],
    "score": ["score", files("a.txt"), "--model", "lstm"],
    "score characters": ["score", files("a.txt"), "--model", "lstm", "--per-char"],
    "classify": ["classify", files("c.csv"), "--model", "models/combined", "-o", "-"],
    "translate": ["translate", BAD, files("d.tsv"), "--model", "aligned"],
    "answer": ["answer", files("e.txt"), "--model", "answerer"],
    "inspect cells": ["inspect", "cells", files("a.txt"), "--model", "lstm", "-o", "cells.html"],
}
REFUSED = {
    "train": ["train", files("a.txt"), "--resume", "lstm"],
    "learn to classify": ["classify", files("b.csv"), "--train", "--model", "linear"],
    "no such condition": ["generate", "--model", "conditions", "--condition", BAD],
    "no such run": ["info", f"x{BAD}"],
    "no such file": ["score", f"x{BAD}", "--model", "lstm"],
    "no such option": ["generate", f"--{BAD}"],
    "rename": ["rename", "lstm", f"x{BAD}"],
    "delete": ["delete", f"x{BAD}", "--yes"],
}


@pytest.mark.parametrize("name", [*READING, *REFUSED])
def test_no_command_lets_strangers_control_the_terminal(name, place):
    ran = run_cli(*READING.get(name) or REFUSED[name])
    shown = ran.out + ran.err
    assert not UNSAFE.findall(shown) and "Traceback" not in shown
    assert (ran.code == 0) == (name in READING), ran.err


def test_files_and_pipes_get_texts_as_they_are(place, monkeypatch):
    run_cli("translate", BAD, files("d.tsv"), "--model", "aligned", "-o", "out.txt")
    to_file = Path("out.txt").read_text(encoding="utf-8")
    monkeypatch.undo()
    monkeypatch.chdir(place)
    piped = run_cli("score", files("a.txt"), "--model", "lstm", "--json")
    assert json.loads(piped.out)["files"][0]["file"] == files("a.txt")
    assert to_file and BAD in run_cli("generate", "--model", "lstm", "--length", "1", "--seed", BAD).out


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
def test_at_a_real_terminal(place):
    import pty

    main, own = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "textrnn", "info", "lstm"], stdout=own, stderr=own, env=environment)
    os.close(own)
    shown = os.read(main, 1 << 16).decode()
    assert done.returncode == 0 and r"\u202e" in shown and not UNSAFE.findall(shown.replace("\r\n", "\n"))
