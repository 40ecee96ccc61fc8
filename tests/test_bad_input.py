"""Everything a person can get wrong: one clear line, the right exit code, and nothing that was there is lost."""

import dataclasses
import errno
import io
import json
import os
import random
import re
import typing
import zipfile

import numpy as np
import pytest
from cli_fixtures import QUICK, TINY, good, refused, run_cli, snapshot, start, story

from textrnn.base import files as run_files
from textrnn.base.config import flag_of
from textrnn.base.files import MODEL_FILE, RUN_FILE, TOKENIZER_FILE, read_json, read_weights, write_json, write_weights
from textrnn.base.run import locked
from textrnn.language_model.sample_options import SampleConfig
from textrnn.nn.options import ModelConfig
from textrnn.text.options import DataConfig, NormalizeConfig, TokenizerConfig
from textrnn.training.checkpoint import checkpoints
from textrnn.training.options import OptimizationConfig, StopConfig


@pytest.fixture
def unchanged(home):
    """Compares the runs before and after."""
    before = snapshot("models")
    yield home
    assert snapshot("models") == before


def zipped():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("story.txt", story())
        archive.writestr("other.txt", "other")
    return data.getvalue()


CESU = "a moon 😀 again ".encode().replace("😀".encode(), "\ud83d\ude00".encode("utf-8", "surrogatepass"))
NO_ENCODING = b" ".join(bytes(range(begin, begin + 9)) for begin in range(0x80, 0xF7))
BAD_TEXTS = {
    "empty": (b"", ["is empty", "expected"]),
    "white space": (b" \n\t  \r\n\n", ["white space only", "expected"]),
    "byte order mark": (b"\xef\xbb\xbf", ["byte order mark only"]),
    "short": (b"The cat.\n", ["expected at least 65", "--window"]),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, ["PNG picture", "plain text"]),
    "zip": (zipped(), ["holds 2 files", "unpack it"]),
    "random": (random.Random(3).randbytes(5000), ["binary, not text"]),
    "one character": (b"a" * 5000, ["single distinct character", "'a'"]),
    "NUL": (story().encode().replace(b"cat", b"c\0t"), ["NUL", "binary"]),
    "late NUL": (story(3000).encode() + b"\0", ["NUL character", "character "]),
    "no encoding": (NO_ENCODING, ["neither UTF-8", "GB18030", "--encoding"]),
    "surrogates": (CESU * 300, ["no proper UTF-8", "surrogate", "offset 7", "save it again"]),
}
OF_ALL_FILES = ("short", "one character")  # told once all files are read, and no fault of a text to score


@pytest.mark.parametrize("kind", BAD_TEXTS)
@pytest.mark.usefixtures("unchanged")
def test_train_refuses_text(kind, home):
    data, says = BAD_TEXTS[kind]
    (home / "bad.txt").write_bytes(data)
    refused("train", "bad.txt", *QUICK, code=1, says=["bad.txt"] * (kind not in OF_ALL_FILES) + says)


@pytest.mark.parametrize("kind", [kind for kind in BAD_TEXTS if kind not in OF_ALL_FILES])
@pytest.mark.usefixtures("unchanged")
def test_score_refuses_text(kind, home):
    data, says = BAD_TEXTS[kind]
    (home / "bad.txt").write_bytes(data)
    refused("score", "bad.txt", code=1, says=["bad.txt", *says])


FILES = {
    "no such file": (["train", "nothing.txt"], 1, ["no such file: nothing.txt"]),
    "near name": (["train", "stori.txt"], 1, ["no such file: stori.txt", "did you mean story.txt?"]),
    "no such folder": (["train", "text/story.txt"], 1, ["there is no folder text"]),
    "nothing in folder": (["train", "empty"], 1, ["no file in folder empty", "with text"]),
    "no match": (["train", "*.text"], 1, ["no file matches *.text"]),
    "validation file": (["train", "story.txt", "--validation-file", "x.txt"], 1, ["no such file: x.txt"]),
    "nothing": (["train"], 2, ["nothing to train on", "standard input"]),
    "unknown encoding": (["train", "story.txt", "--encoding", "klingon"], 2, ["'klingon'", "utf-8"]),
    "wrong encoding": (["train", "story.txt", "--encoding", "utf-16"], 1, ["story.txt is not utf-16", "--encoding"]),
    "score nothing": (["score"], 2, ["FILES"]),
    "score no such file": (["score", "stori.txt"], 1, ["did you mean story.txt?"]),
    "no such run": (["generate", "--model", "x"], 1, ["no run named 'x' in models", "there: lstm"]),
    "no such run to score": (["score", "story.txt", "--model", "x"], 1, ["no run named 'x'"]),
    "no such run to show": (["info", "x"], 1, ["no run named 'x'", "there: lstm"]),
    "no run to resume": (["train", "--resume", "x"], 1, ["no run named 'x'", "there: lstm"]),
    "resume no name": (["train", "--resume", ""], 1, ["no run named ''"]),
    "no model yet": (["generate", "--models-dir", "none"], 1, ["no language model in none", "textrnn train"]),
    "no model to score": (["score", "story.txt", "--models-dir", "none"], 1, ["textrnn train"]),
    "models is a file": (["train", "story.txt", "--models-dir", "story.txt"], 1, ["cannot write", "--models-dir"]),
    "run exists": (["train", "story.txt", "--name", "lstm"], 1, ["exists", "--resume lstm", "--overwrite", "--name"]),
    "overwrite and fail": (["train", "bad.txt", "--name", "lstm", "--overwrite"], 1, ["bad.txt"]),
    "overwrite a folder": (["train", "story.txt", "--name", "own", "--overwrite"], 1, ["not a saved run", "--name"]),
    "name with slash": (["train", "story.txt", "--name", "a/b"], 2, ["--name is 'a/b'", "expected letters"]),
    "name of dots": (["train", "story.txt", "--name", ".."], 2, ["--name is '..'"]),
    "hidden name": (["train", "story.txt", "--name", ".x"], 2, ["--name is '.x'"]),
    "empty name": (["train", "story.txt", "--name", ""], 2, ["--name is ''"]),
    "long name": (["train", "story.txt", "--name", "n" * 300], 2, ["--name is 'nnn"]),
    "other text": (["train", "other.txt", "--resume", "lstm"], 1, ["other text", "story.txt", "SHA-256"]),
    "other options": (["train", "--resume", "lstm", "--units", "9", "--tied"], 2, ["--units is 8", "9 here", "--tied"]),
    "resume and name": (["train", "--resume", "lstm", "--name", "x"], 2, ["--resume", "--name"]),
    "used-up budget": (["train", "--resume", "lstm"], 2, ["used up its budget", "--epochs than 2"]),
    "no time to learn": (
        ["train", "--resume", "lstm", "--time", "0.1s"],
        2,
        ["--time is 0.1 s, which leaves none to learn: what comes before and behind takes about "],
    ),
    "fewer epochs": (["train", "--resume", "lstm", "--epochs", "1"], 2, ["used up its budget", "--epochs than 2"]),
    "empty stop": (["generate", "--stop", ""], 2, ["--stop is empty", "expected"]),
    "no seeds file": (["generate", "--seeds-file", "x.txt"], 1, ["x.txt", "No such file"]),
    "empty seeds file": (["generate", "--seeds-file", "empty.txt"], 1, ["empty.txt is empty", "one seed a line"]),
    "seeds of bytes": (["generate", "--seeds-file", "bad.txt"], 1, ["bad.txt", "UTF-8", "line 1"]),
    "two seeds": (["generate", "--seed", "a", "--seeds-file", "story.txt"], 2, ["--seed", "not both"]),
    "output nowhere": (["generate", "-o", "none/x.txt"], 1, ["none/x.txt", "-o"]),
    "interactive to a file": (["generate", "-i", "-o", "x.txt"], 2, ["--interactive", "--output"]),
    "count": (["generate", "--count", "0"], 2, ["--count", "0", "--help"]),
    "count in words": (["generate", "--count", "two"], 2, ["--count", "'two'"]),
    "format": (["generate", "--format", "xml"], 2, ["'xml'", "jsonl"]),
    "temperature": (["generate", "--temperature", "-1"], 2, ["--temperature is -1", "from 0 to 100"]),
    "top-p": (["generate", "--top-p", "2"], 2, ["--top-p is 2", "at most 1"]),
    "arch": (
        ["train", "story.txt", "--arch", "gpt"],
        2,
        ["'gpt'", "simple, gru, lstm, mingru, minlstm, memory, bidirectional"],
    ),
    "time 0": (["train", "story.txt", "--time", "0s"], 2, ["--time is 0", "above 0"]),
    "time in words": (["train", "story.txt", "--time", "abc"], 2, ["--time", "'abc'", "1h30m"]),
    "save-every in words": (["train", "story.txt", "--save-every", "often"], 2, ["--save-every", "'often'", "1h30m"]),
    "deterministic by time": (
        ["train", "story.txt", "--deterministic", "--time", "5m", "--epochs", "1"],
        2,
        ["--deterministic", "--time", "clock", "--epochs"],
    ),
    "deterministic without epochs": (["train", "story.txt", "--deterministic"], 2, ["--deterministic", "--epochs"]),
    "deterministic from now on": (
        ["train", "--resume", "lstm", "--deterministic", "--epochs", "3"],
        2,
        ["--deterministic is False in the run and True here"],
    ),
    "negative time": (["train", "story.txt", "--time", "-5"], 2, ["--time", "'-5'", "90s"]),
    "held-out": (["train", "story.txt", "--held-out", "1"], 2, ["--held-out is 1", "at most 0.9"]),
    "long window": (["train", "story.txt", "--window", "90000"], 1, ["tokens: expected at least 90001", "--window"]),
    "no such option": (["train", "story.txt", "--unitz", "1"], 2, ["--unitz", "--units"]),
    "no such command": (["tarin"], 2, ["'tarin'; did you mean train?", "--help"]),
    "a command of another name": (["runs"], 2, ["'runs'; did you mean list?"]),
    "no command at all": (["zzz"], 2, ["no such command: 'zzz' ("]),
    "bpe too small": (["train", "story.txt", "--level", "bpe", "--vocab-size", "9"], 2, ["--vocab-size is 9", "259"]),
    "tied one-hot": (["train", "story.txt", "--tied", "--input", "one-hot"], 2, ["--tied", "--input one-hot"]),
    "cells": (["train", "story.txt", "--arch", "bidirectional", "--cells", "bi-x"], 2, ["'bi-x'", "bi-gru"]),
    "streams both ways": (
        ["train", "story.txt", "--arch", "bidirectional", "--batching", "streams"],
        2,
        ["--batching sliding"],
    ),
}


@pytest.mark.parametrize("row", FILES)
def test_command_refuses(row, home):
    (home / "empty").mkdir()
    (home / "models" / "own").mkdir()
    (home / "models" / "own" / "letter.doc").write_bytes(b"mine")
    (home / "empty.txt").write_bytes(b"")
    (home / "bad.txt").write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    (home / "other.txt").write_text(story(seed=2))
    before = snapshot(home)
    arguments, code, says = FILES[row]
    refused(*arguments, code=code, says=says)
    assert snapshot(home) == before


def numeric_options():
    """Each numeric option of train and generate with values that it cannot take."""
    groups = {
        "train": (TokenizerConfig, NormalizeConfig, ModelConfig, DataConfig, OptimizationConfig, StopConfig),
        "generate": (SampleConfig,),
    }
    for command, configs in groups.items():
        for config in configs:
            hints = typing.get_type_hints(config)
            for item in dataclasses.fields(config):
                kinds = {int, float} & set(typing.get_args(hints[item.name]) or (hints[item.name],))
                if kinds:
                    yield command, flag_of(item), item.metadata


@pytest.mark.parametrize(("command", "flag", "limits"), [pytest.param(*row, id=row[1]) for row in numeric_options()])
@pytest.mark.usefixtures("unchanged")
def test_numeric_option_refuses_absurd_values(command, flag, limits):
    values = ["nan", "inf", "-inf", "1e400", "words", "", "-1", "1" + "0" * 30, "0x", "１;2"]
    if limits["high"]:
        values.append(str(int(limits["high"]) + 1))
    if (limits["low"] or 0) >= 1 or limits["above"] is not None:
        values.append("0")
    for value in values:
        ran = refused(command, *(["story.txt"] if command == "train" else []), flag, value, code=2, says=[flag])
        assert len(ran.err.splitlines()) == 1


def test_train_needs_text_longer_than_a_window(home):
    (home / "short.txt").write_text(story(2))
    refused("train", "short.txt", "--window", "500", *QUICK, code=1, says=["500", "expected at least 501"])


@pytest.mark.slow
def test_train_takes_a_line_of_ten_megabytes(home):
    (home / "line.txt").write_bytes(story(300_000).replace("\n", " ").encode()[:10_000_000])
    ran = good("train", "line.txt", *TINY, "--batch", "512", "--epochs", "0.00001", "--held-out", "0.001", "--json")
    assert ran.json["steps"] == 1
    assert "9,990,000 characters to learn from, 10,000 held out" in ran.err


def test_generate_drops_lone_surrogates_from_the_seed(home):
    seed = b"the \xff\xed\xa0\xbd cat".decode("utf-8", "surrogateescape")
    ran = good("generate", "--model", "lstm", "--seed", seed, "--length", 5)
    assert "'\\udcff'" in ran.err and ran.err.startswith("warning: ")
    line = good("generate", "--seed", seed, "--length", 5, "--format", "jsonl").lines()[0]
    assert line["seed"] == seed


def test_generate_warns_of_a_seed_it_knows_nothing_of(home):
    ran = good("generate", "--seed", "天地", "--length", 20)
    assert "'天', '地'" in ran.err and "knows nothing of the seed" in ran.err
    assert ran.out.startswith("天地") and len(ran.out) >= 22


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


DAMAGE = {
    "missing": lambda path: path.unlink(),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "flipped": flip,
    "other bytes": lambda path: path.write_bytes(b"\x00\xff" * 50),
}
USES = {
    "generate": (["generate", "--model", "lstm", "--length", "3"], (RUN_FILE, TOKENIZER_FILE, MODEL_FILE)),
    "score": (["score", "story.txt", "--model", "lstm"], (RUN_FILE, TOKENIZER_FILE, MODEL_FILE)),
    "info": (["info", "lstm"], (RUN_FILE,)),
    "resume": (
        ["train", "--resume", "lstm", "--epochs", "3"],
        (
            RUN_FILE,
            TOKENIZER_FILE,
            MODEL_FILE,
            "checkpoint/train.ids",
            "checkpoint/valid.ids",
        ),
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(("use", "name"), [(use, name) for use, (_, names) in USES.items() for name in names])
def test_damaged_run_is_refused(use, name, damage, home):
    path = home / "models" / "lstm" / name
    DAMAGE[damage](path)
    before = snapshot("models")
    refused(*USES[use][0], code=1, says=["models/lstm", "" if name == RUN_FILE and damage == "missing" else path.name])
    assert snapshot("models") == before


@pytest.mark.parametrize("damage", DAMAGE)
def test_resume_passes_over_a_damaged_newest_checkpoint(damage, home):
    newest, _ = checkpoints(home / "models" / "lstm").values()
    DAMAGE[damage](newest)
    ran = good("train", "--resume", "lstm", "--epochs", "3", "-q", "--json")
    assert ran.json["epochs"] == 3
    told = [line for line in ran.err.splitlines() if newest.name in line]
    assert len(told) == len(ran.err.splitlines()) == (0 if damage == "missing" else 1)
    assert all("training goes on from the save before it" in line for line in told)


@pytest.mark.parametrize("damage", DAMAGE)
def test_resume_refuses_when_all_checkpoints_are_damaged(damage, home):
    paths = checkpoints(home / "models" / "lstm").values()
    for path in paths:
        DAMAGE[damage](path)
    before = snapshot("models")
    newest = "models/lstm/checkpoint" if damage == "missing" else f"models/lstm/checkpoint/{next(iter(paths)).name}"
    refused("train", "--resume", "lstm", "--epochs", "3", code=1, says=[newest, "train again"])
    assert snapshot("models") == before


def rewrite(path, **changes):
    write_json(path, {**read_json(path), **changes})


@pytest.mark.parametrize("use", USES)
def test_newer_format_is_refused(use, home):
    rewrite(home / "models" / "lstm" / RUN_FILE, format_version=99)
    refused(*USES[use][0], code=1, says=["format version 99", "install a newer textrnn"])


@pytest.mark.parametrize("use", ["generate", "score"])
def test_weights_of_other_shapes_are_refused(use, home):
    path = home / "models" / "lstm" / MODEL_FILE
    weights, metadata = read_weights(path)
    name = sorted(weights)[0]
    write_weights(path, {**weights, name: np.zeros((3, 5), np.float32)}, metadata)
    refused(*USES[use][0], code=1, says=["models/lstm/model.safetensors", name])


@pytest.mark.parametrize("use", ["generate", "score", "resume"])
def test_vocabulary_of_other_size_is_refused(use, home):
    path = home / "models" / "lstm" / TOKENIZER_FILE
    values = read_json(path)
    key = next(key for key, value in values.items() if isinstance(value, list))
    rewrite(path, **{key: values[key][:-1]})
    refused(*USES[use][0], code=1, says=["models/lstm"])


HOSTILE = {
    "no config": {"config": None},
    "odd config": {"config": {"model": {"units": "many"}}},
    "no corpus": {"corpus": None},
    "odd corpus": {"corpus": {"files": 3, "train": [], "valid": None}},
    "no metrics": {"metrics": None},
    "no versions": {"versions": 7},
    "odd parameters": {"parameters": "many"},
}
COUNTED_ANEW = ("resume", "odd parameters")


def test_resume_counts_the_parameters_anew(home):
    rewrite(home / "models" / "lstm" / RUN_FILE, parameters="many")
    assert good("train", "--resume", "lstm", "--epochs", "2.5", "-q", "--json").json["parameters"] > 100
    assert good("info", "lstm").out


def test_resume_finds_another_text_with_a_checksum_of_its_own(home):
    """Every file fits its own checksum: only run.json tells that the encoded text is not the run's."""
    path = home / "models" / "lstm" / "checkpoint" / "train.ids"
    path.write_bytes(path.read_bytes()[::-1])
    refused("train", "--resume", "lstm", "--epochs", "3", code=1, says=["train.ids is damaged", "checksum"])


@pytest.mark.parametrize(
    ("use", "row"), [(use, row) for use in ("info", "resume") for row in HOSTILE if (use, row) != COUNTED_ANEW]
)
def test_nonsense_with_a_good_checksum_is_refused(use, row, home):
    rewrite(home / "models" / "lstm" / RUN_FILE, **HOSTILE[row])
    refused(*USES[use][0], code=1, says=["models/lstm", "damaged"])


def test_run_of_another_kind_is_refused(home):
    rewrite(home / "models" / "lstm" / RUN_FILE, kind="classifier")
    refused("generate", "--model", "lstm", code=1, says=["'classifier'", "'language_model'", "--model"])


def full_disk(monkeypatch, *, after):
    """Lets the disk be full from a number of saved files on."""
    replace, saved = os.replace, []

    def limited(source, target, **options):
        if len(saved) >= after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        saved.append(target)
        return replace(source, target, **options)

    monkeypatch.setattr(run_files.os, "replace", limited)


@pytest.mark.parametrize("after", range(5))
def test_full_disk_at_the_first_save_leaves_nothing(after, home, monkeypatch):
    before = snapshot("models")
    full_disk(monkeypatch, after=after)
    refused("train", "story.txt", *QUICK, "-q", code=1)
    assert snapshot("models") == before


def test_full_disk_while_encoding_leaves_nothing(home, monkeypatch):
    before = snapshot("models")

    def fail(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    refused("train", "story.txt", *QUICK, "-q", code=1, says=["No space left"])
    assert snapshot("models") == before


@pytest.mark.slow
def test_full_disk_later_keeps_the_save_before(home, monkeypatch):
    good("train", "story.txt", *QUICK, "-q", "--name", "new")
    before = snapshot("models/new")
    full_disk(monkeypatch, after=0)
    ran = run_cli("train", "--resume", "new", "--epochs", "4", "--no-samples")
    assert ran.code == 1
    assert ran.err.count("could not save to models/new: No space left on device; the last good save is kept") == 1
    assert ran.err.splitlines()[-1].startswith("error: could not save to models/new")
    assert snapshot("models/new") == before
    monkeypatch.undo()
    os.chdir(home)
    assert good("generate", "--model", "new", "--length", 3).out
    assert good("train", "--resume", "new", "--epochs", "4", "--json", "-q").json["epochs"] == 4


@pytest.mark.slow
def test_full_disk_from_the_second_save_on_keeps_the_first(home, monkeypatch):
    full_disk(monkeypatch, after=8)  # tokenizer.json, counts and their two, weights, checkpoint, run.json, the folder
    ran = run_cli("train", "story.txt", *QUICK, "--no-samples", "--name", "new")
    assert ran.code == 1 and ran.err.count("training goes on and tries again") == 1
    monkeypatch.undo()
    os.chdir(home)
    assert good("generate", "--model", "new", "--length", 3).out
    assert good("train", "--resume", "new", "--json", "-q").json["epochs"] == 2


def test_train_refuses_a_name_that_is_held(home):
    before = snapshot("models")
    with locked(home / "models", "busy"):
        refused("train", "story.txt", *QUICK, "--name", "busy", code=1, says=["held by another training", "--name"])
    assert snapshot("models") == before


def test_resume_refuses_a_run_that_is_held(home):
    with locked(home / "models", "lstm"):
        refused("train", "--resume", "lstm", "--epochs", "3", code=1, says=["held by another training"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "--model", "lstm", "--length", "100000"],
        ["generate", "--model", "lstm", "--count", "500"],
        ["score", "--model", "lstm", "--per-char", "long.txt"],
        ["info"],
    ],
    ids=["generate", "count", "per-char", "info"],
)
def test_reader_of_output_that_leaves_early_is_no_fault(arguments, home):
    (home / "long.txt").write_text(story(400))
    with start(*arguments, cwd=home) as process:
        assert len(process.stdout.read(10)) == 10
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == ("", 0)


def test_full_disk_of_standard_output_is_one_line(home):
    with open("/dev/full", "w") as full, start("info", "--json", cwd=home, stdout=full) as process:
        error = process.stderr.read()
    assert (process.returncode, len(error.splitlines())) == (1, 1) and error.startswith("error: the disk is full")


@pytest.mark.slow
def test_name_of_a_file_may_be_no_text(home):
    folder = home / "letters"
    folder.mkdir()
    with open(os.fsencode(folder) + b"/\xff.txt", "w") as file:
        file.write(story())
    good("train", "letters", *QUICK, "-q", "--name", "odd")
    details = json.loads((home / "models" / "odd" / RUN_FILE).read_bytes())
    assert details["corpus"]["files"][0]["name"] == "\udcff.txt"
    assert re.search(r"\\udcff.txt", good("info").out)
    assert good("info", "odd", "--json").json["corpus"]["files"][0]["name"] == "\udcff.txt"
