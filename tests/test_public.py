"""The public names of `textrnn`: they are there, they are listed, and the documentation shows only these."""

import re

import pytest
from cli_fixtures import ROOT, good

import textrnn

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*/*.md"))]
PYTHON = "\n".join(
    block
    for page in PAGES
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    if "textrnn" in block
)


def test_names_resolve_and_are_listed():
    for name in textrnn.__all__:
        assert getattr(textrnn, name) is not None
        assert name in dir(textrnn)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        textrnn.trian  # noqa: B018


def test_readme_and_docs_show_public_names_only():
    used = {*re.findall(r"\btextrnn\.(\w+)", PYTHON)}
    for names in re.findall(r"from textrnn import (.*)", PYTHON):
        used |= {*names.split(", ")}
    assert {"train", "load", "build_language_model"} <= used <= {*textrnn.__all__}


def test_a_run_is_made_in_python_as_by_the_command(tmp_path):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("".join(f"ab{i}\tba{i}\n" for i in range(30)), encoding="utf-8")
    options = dict(name="x", models_dir=tmp_path, epochs=1, units=4)
    found = textrnn.translate(pairs, **options)
    assert found["run"] == str(tmp_path / "x") and textrnn.load(tmp_path / "x").translate(["ab1"])
    assert "by: textrnn.translate" in good("info", "x", "--models-dir", tmp_path).out
    with pytest.raises(textrnn.TextRNNError, match="exists"):
        textrnn.translate(pairs, **options)
    with pytest.raises(textrnn.TextRNNError, match="unknown option nome"):
        textrnn.translate(pairs, nome="x")
