"""What README.md says is true: its commands and its Python run, and it is short."""

import re
import shlex

import pytest
from cli_fixtures import ROOT

from textrnn.language_model.size import LADDER, PRESETS

README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
SHELL = [
    line
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("textrnn ")
]
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


# What makes the commands of the README that learn end in a moment.
TINY = {
    "train": "--epochs 0.02 --units 4 --embed 4 --layers 1 --no-samples",
    "classify": "--epochs 0.1 --units 4 --embed 4 --networks 1",
    "translate": "--epochs 1 --units 4",
    "answer": "--epochs 1 --tries 1 --embed 4",
}


def shortened(line):
    """The arguments of a command that takes a minute, with a small model instead."""
    command = shlex.split(line)[1]
    line = re.sub(r"--time \S+", TINY.get(command, ""), line)
    if line.endswith("data/hello.tsv"):  # what it learns is seen in test_translate.py
        line += " " + TINY["translate"]
    return shlex.split(line.replace("inspect gradients", "inspect gradients --units 8"))[1:]


@pytest.mark.slow
def test_commands_run(checkout, capsys):
    from textrnn.cli.main import main

    assert len(SHELL) >= 10
    for line in SHELL:
        with pytest.raises(SystemExit) as ended:
            main(shortened(line))
        assert ended.value.code == 0, f"{line}: {capsys.readouterr().err}"


@pytest.mark.slow
@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_python_runs(code, checkout):
    exec(compile(code.replace("units=128, time_s=60", "units=8, epochs=0.1"), "README.md", "exec"), {})


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
