"""What README.md says is true: its commands and its Python run, and its options are those of the program."""

import re
import shlex

import pytest
from readme_help import README, with_help

TEXT = README.read_text(encoding="utf-8")
SHELL = [
    line
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("textrnn ")
]
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder with data/, in which commands may write."""
    (tmp_path / "data").symlink_to(README.parent / "data")
    monkeypatch.chdir(tmp_path)


def shortened(text):
    """Commands that take a minute, with a small model instead."""
    return re.sub(r"--time \S+", "--epochs 0.01 --units 8 --embed 4", text).replace("time_s=60", "epochs=0.1")


def test_options_are_those_of_the_program():
    assert with_help(TEXT) == TEXT, "run python tests/readme_help.py"


@pytest.mark.slow
def test_commands_run(checkout, capsys):
    from textrnn.cli import main

    assert len(SHELL) >= 10
    for line in SHELL:
        with pytest.raises(SystemExit) as ended:
            main(shlex.split(shortened(line))[1:])
        assert ended.value.code == 0, f"{line}: {capsys.readouterr().err}"


@pytest.mark.slow
@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_python_runs(code, checkout):
    exec(compile(shortened(code), "README.md", "exec"), {})
