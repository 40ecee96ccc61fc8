"""The manual page has every command and option, and roff prints it as it was written."""

import re
import shutil
import subprocess

import click
import pytest

from docs.man import escaped, page
from docs.options import contexts


@pytest.fixture(scope="module")
def shown():
    """The page as a terminal shows it, in words."""
    if shutil.which("groff") is None:
        pytest.skip("no groff")
    options = ["groff", "-man", "-Tutf8", "-P-c", "-rLL=200n", "-ww"]
    done = subprocess.run(options, input=page(), capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stderr == ""
    return " ".join(re.sub(".\b", "", done.stdout).split())


def test_every_command_and_option_is_in_the_page(shown):
    asked = list(contexts())
    assert len(asked) > 15
    for context in asked:
        begin = shown.index(f" {context.command_path} {context.command_path} [OPTIONS]")
        for param in context.command.get_params(context):
            if isinstance(param, click.Option):
                name, text = param.get_help_record(context)
                assert " ".join(f"{name} {text}".split()) in shown[begin:], name


def test_what_roff_would_take_for_its_own_is_printed(shown):
    for text in (
        r"\n is a line end, \t a tab",
        "pip install 'textrnn[fast]'",
        "textrnn inspect cells which unit tracks",
    ):
        assert text in shown


def test_escaped_keeps_every_character():
    if shutil.which("groff") is None:
        pytest.skip("no groff")
    text = ".dot\n'quote' `tick` \\fB \\ ~^ --x a-b \"c\""
    source = f".TH A 1\n.nf\n{escaped(text)}\n"
    done = subprocess.run(["groff", "-man", "-Tutf8", "-P-c"], input=source, capture_output=True, text=True)
    assert all(line in done.stdout for line in text.splitlines())
