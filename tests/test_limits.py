"""What asks for too much is refused in a line before it is held: bombs, endless lines, columns, JSON, tensors."""

import gzip
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from cli_fixtures import ROOT, refused

from fuzz.cases import NAMES, fuzz
from textrnn.base import files
from textrnn.text import lines, packed
from textrnn.text.table import source
from textrnn.text.table.table import open_table

RUNS = ROOT / "tests" / "old_runs"
PREDICT = ("--predict", "--model", RUNS / "linear", "-o", "out.csv")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current folder, where limits are a few thousand bytes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(packed, "LEAST_BOUND", 10_000)
    for module in (lines, source):
        monkeypatch.setattr(module, "MAX_LINE_CHARS", 10_000)
    return tmp_path


@pytest.mark.parametrize("name", ["bomb.csv.gz", "bomb.zip"])
@pytest.mark.parametrize("command", [("classify", *PREDICT), ("score", "--model", RUNS / "lstm")])
def test_what_unpacks_to_far_more_than_its_size_is_refused(place, name, command):
    content = b"text,label\n" + b"a\n" * 2_000_000
    if name.endswith(".gz"):
        Path(name).write_bytes(gzip.compress(content))
    else:
        with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", content)
    refused(command[0], name, *command[1:], code=1, says=["unpacks to more than 200 times its size", "unpack it first"])


@pytest.mark.parametrize("content", ['text,label\n"{}",pos\n', "{},pos\n", '{{"text":"{}","label":"pos"}}\n'])
def test_an_endless_line_of_a_table_is_refused(place, content):
    Path("a.csv").write_text(content.format("a" * 20_000), encoding="utf-8")
    refused("classify", "a.csv", *PREDICT, code=1, says=["has a line of 10,000 characters or more"])


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_json_that_is_nested_without_end_is_no_text(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path(name).write_text('{"a":' * 100_000 + "1" + "}" * 100_000 + "\n", encoding="utf-8")
    refused("classify", name, *PREDICT, code=1, says=["holds JSON that is nested too deep"])


def test_an_endless_line_of_pairs_is_refused(place):
    Path("a.tsv").write_text("a\t" + "b" * 20_000, encoding="utf-8")
    refused("translate", "a.tsv", code=1, says=["a line has more than 10,000 characters"])


@pytest.mark.parametrize("sign", [",", "\t"])
def test_columns_without_end_are_refused(tmp_path, monkeypatch, sign):
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text(f"a{sign}" * 100_001 + "b\n" + f"x{sign}" * 100_001 + "y\n", encoding="utf-8")
    refused("classify", "a.csv", *PREDICT, code=1, says=["more than 100,000 columns"])


@pytest.mark.parametrize("between", [",", "\n"])
def test_commas_within_json_are_no_columns(tmp_path, between):
    row = '{"text": "fine, and cold", "label": "good"}'
    content = between.join([row] * 40_000 if between == "," else [row.replace("fine", "fine, " * 100_001), row])
    (tmp_path / "a.json").write_text(f"[{content}]" if between == "," else content, encoding="utf-8")
    with open_table(str(tmp_path / "a.json")) as table:
        assert {row.label for row in table.rows()} == {"good"}


@pytest.mark.parametrize(
    ("command", "says"), [(("classify", *PREDICT), "nested too deep"), (("translate", "--train"), "recursion")]
)
@pytest.mark.parametrize("content", ["[" * 200_000 + "]" * 200_000, '{"a":' * 200_000 + "1" + "}" * 200_000])
def test_deep_json_is_refused(tmp_path, monkeypatch, command, says, content):
    monkeypatch.chdir(tmp_path)
    Path("a.json").write_text(content, encoding="utf-8")
    refused(command[0], "a.json", *command[1:], code=1, says=["JSON", says])


@pytest.mark.parametrize("name", ["run.json", "tokenizer.json"])
def test_a_huge_file_of_a_run_is_not_read(tmp_path, monkeypatch, name):
    monkeypatch.setattr(files, "MOST_JSON_BYTES", 100_000)
    shutil.copytree(RUNS / "lstm", tmp_path / "lstm")
    (tmp_path / "lstm" / name).write_bytes(b'{"tokens": [' + b'"a",' * 50_000 + b'"a"]}')
    refused(
        "score", ROOT / "data/hello.tsv", "--model", tmp_path / "lstm", code=1, says=[name, "200,0", "expected 100,000"]
    )


def test_a_tensor_of_a_terabyte_is_refused(tmp_path):
    shutil.copytree(RUNS / "lstm", tmp_path / "lstm")
    header = json.dumps({"embed": {"dtype": "F32", "shape": [1 << 38], "data_offsets": [0, 1 << 40]}}).encode()
    (tmp_path / "lstm" / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 64)
    refused("generate", "--model", tmp_path / "lstm", code=1, says=["model.safetensors is damaged"])


@pytest.mark.parametrize("name", NAMES)
def test_changed_files_are_read_or_refused_in_a_line(tmp_path, name):
    """A few cases of `python -m fuzz`, always the same ones."""
    count, failures = fuzz(name, tmp_path / name, seed=0, seconds=1.0, most=100)
    assert count and not failures, failures
