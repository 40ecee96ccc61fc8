"""The public names of `textrnn`: they are there, they are listed, and the documentation shows only these."""

import re

import pytest
from cli_fixtures import ROOT, good

import textrnn

RUNS = ROOT / "tests" / "old_runs"
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
    assert textrnn.classify.__name__ == "classify"  # which `help` shows, and not what it is made of
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        textrnn.trian  # noqa: B018


def test_readme_and_docs_show_public_names_only():
    used = {*re.findall(r"\btextrnn\.(\w+)", PYTHON)}
    for names in re.findall(r"from textrnn import (.*)", PYTHON):
        used |= {*names.split(", ")}
    assert {"train", "load", "build_language_model"} <= used <= {*textrnn.__all__, "sklearn"}


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


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: textrnn.train("x.txt", time=10), "unknown option time: did you mean time_s?"),
        (lambda: textrnn.train("x.txt", lr=1), "did you mean learning_rate?"),
        (lambda: textrnn.train("x.txt", time_s="10s"), "time_s is '10s': expected a number of seconds above 0"),
        (lambda: textrnn.translate("x.tsv", max_words=0), "^max_words is 0"),
        (lambda: textrnn.load(RUNS / "lstm").generate(temp=1), "did you mean temperature?"),
        (lambda: textrnn.load(RUNS / "lstm").generate(5), "^seed is 5: expected a text"),
        (lambda: textrnn.load(RUNS / "lstm").score(b"ab"), "^text is b'ab': expected a text"),
        (lambda: textrnn.load(RUNS / "lstm").generate(use="counts"), "leave out use, or"),
        (lambda: textrnn.load(RUNS / "aligned").translate(["x"], beam=0), "^beam is 0"),
    ],
)
def test_errors_speak_of_keywords(call, says):
    with pytest.raises(textrnn.TextRNNError, match=says.replace("?", "[?]")):
        call()


@pytest.mark.parametrize("name", ["lstm", "combined", "aligned", "answerer"])
def test_what_is_loaded_is_shown_in_a_line(name):
    shown = repr(textrnn.load(RUNS / name))
    assert str(RUNS / name) in shown and len(shown) < len(str(RUNS)) + 100
    assert repr(textrnn.SampleConfig(length=5)) == "SampleConfig(length=5)"


def test_predict_is_classify():
    model = textrnn.load(RUNS / "combined")
    assert model.predict(["the old miller"]) == model.classify(["the old miller"])
