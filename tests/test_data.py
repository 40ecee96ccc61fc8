"""The sample texts are what data/README.md says."""

import re
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parent.parent / "data"
ROWS = re.findall(
    r"^\| (\w+\.txt) \|.*\| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$",
    (DATA / "README.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_readme_names_every_text():
    assert {row[0] for row in ROWS} == {path.name for path in DATA.glob("*.txt")}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_counts_are_those_of_the_readme(row):
    data = (DATA / row[0]).read_bytes()
    text = data.decode()
    counts = [len(data), len(text), len(set(text)), text.count("\n")]
    assert counts == [int(number.replace(",", "")) for number in row[1:]]
    assert "\r" not in text and text.endswith("\n") and not text.startswith("\n")
