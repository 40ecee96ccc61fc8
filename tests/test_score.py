"""`textrnn score`: the numbers that it prints, against each other and against training's."""

import math
import re

import pytest
from cli_fixtures import ARCHITECTURES, good, refused

from textrnn.base.files import read_json

KEYS = {
    "file": str,
    "chars": int,
    "tokens": int,
    "bits_per_char": float,
    "nats_per_token": float,
    "perplexity": float,
    "unknown": int,
    "learnt_from": bool,
}


def score(*arguments, **options):
    return good("score", *arguments, "--json", **options).json["files"]


def test_score_json_has_the_documented_keys(library):
    found = score("story.txt", "--model", "gru")[0]
    assert {key: type(value) for key, value in found.items()} == KEYS
    assert (found["file"], found["chars"]) == ("story.txt", len((library / "story.txt").read_text()))
    assert found["perplexity"] == pytest.approx(math.exp(found["nats_per_token"]))
    per_token = found["nats_per_token"] / math.log(2)
    assert found["bits_per_char"] == pytest.approx(per_token * found["tokens"] / found["chars"])


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_score_of_the_held_out_part_is_what_training_measured(arch, library):
    details = read_json(library / "models" / arch / "run.json")
    held = (library / "story.txt").read_text()[details["corpus"]["train"]["chars"] :]
    found = score("-", "--model", arch, stdin=held.encode())[0]
    assert found["file"] == "standard input" and found["chars"] == details["corpus"]["valid"]["chars"]
    assert found["bits_per_char"] == pytest.approx(details["metrics"]["val_bits_per_char"], abs=1e-3)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_per_char_lines_add_up_to_the_score(arch, library):
    text = "The cat ran over the 天 moon.\nThe sun\n".encode()
    lines = good("score", "-", "--per-char", "--model", arch, stdin=text).lines()
    assert "".join(line["char"] for line in lines) == text.decode()
    assert [line["char"] for line in lines if line.get("unknown")] == ["天"]
    found = score("-", "--model", arch, stdin=text)[0]
    assert sum(line["bits"] for line in lines) == pytest.approx(found["bits_per_char"] * found["chars"], abs=1e-2)
    assert found["unknown"] == 1


def test_score_takes_several_files(library, tmp_path):
    (tmp_path / "b.txt").write_text("The old tree.\n")
    (tmp_path / "a.txt").write_text("Zq xj kv\n")
    found = score(tmp_path / "b.txt", tmp_path / "a.txt", "--model", "lstm")
    assert [(file["file"], file["unknown"] > 0) for file in found] == [
        (str(tmp_path / "b.txt"), False),
        (str(tmp_path / "a.txt"), True),
    ]
    lines = good("score", tmp_path / "b.txt", tmp_path / "a.txt", "--model", "lstm").out.splitlines()
    assert len(lines) == 2 and lines[0].startswith(f"{tmp_path / 'b.txt'}: ") and "bits per character" in lines[0]
    assert "unknown" in lines[1] and "unknown" not in lines[0]


def test_score_of_one_bad_file_prints_no_half_result(library, tmp_path):
    (tmp_path / "empty.txt").write_bytes(b"")
    assert refused("score", "story.txt", tmp_path / "empty.txt", code=1, says=["empty.txt"]).out == ""


def test_per_char_takes_several_files(library, tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("The old tree.\n")
    lines = good("score", tmp_path / "a.txt", tmp_path / "b.txt", "--per-char", "--model", "gru").lines()
    assert "".join(line["char"] for line in lines) == "The old tree.\n" * 2
    assert lines[:14] == lines[14:]


def test_text_that_was_learnt_from_is_told(library, tmp_path):
    """By its bytes, whatever its name is."""
    (tmp_path / "copy.md").write_bytes((library / "story.txt").read_bytes())
    (tmp_path / "other.txt").write_bytes((library / "story.txt").read_bytes() + b"More.\n")
    ran = good("score", tmp_path / "copy.md", tmp_path / "other.txt", "--model", "lstm", "--json")
    assert [file["learnt_from"] for file in ran.json["files"]] == [True, False]
    assert f"models/lstm has learnt from {tmp_path / 'copy.md'}" in ran.err and "other.txt" not in ran.err


def test_text_of_unknown_tokens_is_told(library, tmp_path):
    (tmp_path / "other.txt").write_text("съешь же ещё этих булок\n", encoding="utf-8")
    err = good("score", tmp_path / "other.txt", "--model", "lstm").err
    assert re.search(r"models/lstm does not know \d+ of the \d+ tokens of .*other.txt: nats and perplexity", err)


def test_models_are_compared_side_by_side(library, tmp_path):
    (tmp_path / "a.txt").write_text("The old tree and the cat.\n")
    both = ("score", tmp_path / "a.txt", "--model", "gru", "--model", "lstm")
    found = good(*both, "--json").json["models"]
    alone = [score(tmp_path / "a.txt", "--model", name)[0]["bits_per_char"] for name in ("gru", "lstm")]
    assert [one["files"][0]["bits_per_char"] for one in found] == alone
    best, other = sorted(found, key=lambda one: one["files"][0]["bits_per_char"])
    last = good(*both).out.splitlines()[-1]
    assert last.strip() == f"{best['run']} is better by {max(alone) - min(alone):.4f} than {other['run']}"
    refused(*both, "--per-char", code=2, says=["give --model once"])
