"""A text that has grown or changed since a run learnt from it: noticed, told in a line, and the run goes on."""

import shutil
from pathlib import Path

import pytest
from cli_fixtures import QUICK, good, refused, run_cli

STORED = "'textrnn train --resume lstm' goes on with the text that is stored in the run"
MORE = "And then the moon said nothing.\n"


def sizes(more=0):
    size = Path("story.txt").stat().st_size
    return f"{size - more:,} bytes then, {size:,} now"


def grow(file="story.txt"):
    with open(file, "a", encoding="utf-8") as stream:
        stream.write(MORE)


def test_named_text_that_has_grown_is_told_apart_and_refused(home):
    grow()
    line = f"story.txt has grown ({sizes(len(MORE))}) since models/lstm learnt from it: {STORED}, "
    anew = "'textrnn train story.txt --from lstm' begins a new run on the new text with these weights"
    refused("train", "story.txt", "--resume", "lstm", "--epochs", "3", code=1, says=[line + anew])


@pytest.mark.parametrize("change", ["one letter", "shorter", "grown and one letter", "no file more"])
def test_named_text_that_has_changed_is_refused(home, change):
    text = Path("story.txt").read_text()
    changed = {"one letter": "X" + text[1:], "shorter": text[:-9], "grown and one letter": "X" + text[1:] + MORE}
    files = ["story.txt"]
    if change in changed:
        Path("story.txt").write_text(changed[change])
    else:
        shutil.copy("story.txt", "more.txt")
        files.append("more.txt")
    now = ", ".join(f"{file} with {Path(file).stat().st_size:,} bytes" for file in files)
    says = ["models/lstm was trained on other text", f"story.txt with {len(text):,} bytes then, {now} now", STORED]
    refused(
        "train", *files, "--resume", "lstm", "--epochs", "3", code=1, says=[*says, f"{' '.join(files)} --from lstm"]
    )


def test_standard_input_is_named_as_it_was(home):
    says = ["now; the SHA-256 differs", "'textrnn train - --from lstm'"]
    refused("train", "-", "--resume", "lstm", "--epochs", "3", code=1, says=says, stdin=MORE.encode() * 9)


def test_validation_text_is_compared_too(home):
    Path("held.txt").write_text(MORE * 40)
    good("train", "story.txt", "--validation-file", "held.txt", *QUICK, "--name", "held", "-q")
    grow("held.txt")
    says = ["held.txt has grown", "'textrnn train story.txt --from held'"]
    refused("train", "story.txt", "--validation-file", "held.txt", "--resume", "held", code=1, says=says)


def test_text_that_changed_where_it_was_is_told_and_the_run_goes_on(home):
    """The runs of these tests were made by a command that names another folder; one made here names its own."""
    go_on = ("train", "--resume", "lstm", "--no-samples", "-q", "--epochs")
    Path("texts").mkdir()
    shutil.copy("story.txt", "texts")
    good("train", "texts/story.txt", *QUICK, "--name", "lstm", "--overwrite", "-q")
    grow()  # of the same name, but not the one that the command names
    assert good(*go_on, "2.2").err == ""
    grow("texts/story.txt")
    line = f"texts/story.txt has grown ({sizes(len(MORE))}) since models/lstm learnt from it: {STORED}, "
    ran = good(*go_on, "2.4")
    assert ran.err.startswith(line) and len(ran.err.splitlines()) == 1
    Path("texts/story.txt").write_text(MORE * 9)
    assert "texts/story.txt has changed (" in good(*go_on, "2.6").err
    Path("texts/story.txt").unlink()  # now the one in the current folder is all there is to find
    assert "story.txt has grown (" in good(*go_on, "2.8").err
    Path("story.txt").unlink()
    assert run_cli(*go_on, "3").err == ""
