"""What README.md says is true: its commands and its Python run, and it is short."""

import re
import shlex

import pytest
from cli_fixtures import ROOT

from textrnn.recipe import LADDER, PRESETS

README = ROOT / "README.md"
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
    """Commands that take a minute, with a small model instead; a network that answers has no units but in its LSTM."""
    small = "--epochs 0.01 --embed 4 " + ("--time 5s" if text.startswith("textrnn answer ") else "--units 8")
    return re.sub(r"--time \S+", small, text).replace("time_s=60", "epochs=0.1")


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


def test_readme_sizes_are_those_of_the_rule():
    section = TEXT.partition("\n## Sizes\n")[2].partition("\n## ")[0]
    line = r"^\| (\d+) \| (\d+) x (\d+) \| (\d+) \| ([\d.]+) \|(?: `--size (\w+)`)? \|$"
    presets = {rung: name for name, rung in PRESETS.items()}
    for rung, (size, row) in enumerate(zip(LADDER, re.findall(line, section, re.MULTILINE), strict=True)):
        numbers = (size.from_s, size.layers, size.units, size.batch, size.learning_rate)
        assert row == (*(f"{number:g}" for number in numbers), presets.get(rung, ""))


def test_readme_is_short_and_narrow():
    """What a newcomer reads in some minutes; what is looked up is in docs/."""
    lines = TEXT.splitlines()
    assert len(lines) <= 450
    assert [line for line in lines if len(line) > 120] == []


def test_readme_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", TEXT)
    assert "docs/en/62-options.md" in targets
    assert [target for target in targets if not (ROOT / target).is_file()] == []
