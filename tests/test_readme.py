"""What README.md says is true: its commands and its Python run; it is short, and README.zh.md says the same."""

import re
import shlex

import pytest
from cli_fixtures import ROOT

from docs.pages import Page, differences

NAMES = (("en", "README.md"), ("zh", "README.zh.md"))
READMES = {language: Page(language, "README", (ROOT / name).read_text(encoding="utf-8")) for language, name in NAMES}
TEXT = READMES["en"].source
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


def headings(text):
    """How deep each heading is."""
    return re.findall(r"^(#+) ", text, re.MULTILINE)


def test_languages_say_the_same():
    english, chinese = READMES.values()
    assert differences(english, chinese) == []
    assert headings(english.source) == headings(chinese.source)
    assert {link.replace("docs/en/", "docs/zh/") for link in links(english)} == links(chinese)


def links(page):
    """Where a README leads to, but for the README in the other language."""
    return set(re.findall(r"\]\(([^)#]+)\)", page.source)) - {name for _, name in NAMES}


@pytest.mark.parametrize("page", READMES.values(), ids=READMES)
def test_readme_is_short_and_leads_somewhere(page):
    """What a newcomer reads in some minutes; what is looked up is in docs/."""
    lines = page.source.splitlines()
    assert len(lines) <= 200
    assert [line for line in lines if len(line) > 140] == []
    assert f"docs/{page.language}/62-options.md" in links(page)
    assert [target for target in links(page) if not (ROOT / target).is_file()] == []
