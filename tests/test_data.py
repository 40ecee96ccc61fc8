"""The sample texts are what data/README.md says."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parent.parent / "data"
ROWS = re.findall(
    r"^\| (\w+\.txt) \|.*\| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$",
    (DATA / "README.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)
REVIEWS = DATA / "reviews.csv"
HAN = re.compile(r"[\u4e00-\u9fff]")


def test_readme_names_every_text():
    assert {row[0] for row in ROWS} == {path.name for path in DATA.glob("*.txt")}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_counts_are_those_of_the_readme(row):
    data = (DATA / row[0]).read_bytes()
    text = data.decode()
    counts = [len(data), len(text), len(set(text)), text.count("\n")]
    assert counts == [int(number.replace(",", "")) for number in row[1:]]
    assert "\r" not in text and text.endswith("\n") and not text.startswith("\n")


@pytest.fixture(scope="module")
def reviews():
    with REVIEWS.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    assert header == ["review", "label"]
    assert all(len(row) == 2 for row in rows)
    return rows


def test_reviews_are_balanced_in_each_language(reviews):
    counts = Counter(("zh" if HAN.search(text) else "en", label) for text, label in reviews)
    assert counts == {
        ("en", "positive"): 110,
        ("en", "negative"): 110,
        ("en", ""): 12,
        ("zh", "positive"): 110,
        ("zh", "negative"): 110,
        ("zh", ""): 12,
    }


def test_reviews_without_a_label_come_last(reviews):
    assert [bool(label) for _, label in reviews] == [True] * 440 + [False] * 24


def test_reviews_are_shuffled(reviews):
    # A slice of the labelled rows holds both labels of both languages.
    for start in range(0, 440, 88):
        part = Counter((bool(HAN.search(text)), label) for text, label in reviews[start : start + 88])
        assert len(part) == 4 and min(part.values()) >= 10


def test_reviews_are_distinct(reviews):
    # Not told apart by case, spaces or punctuation alone.
    assert len({re.sub(r"[\W_]", "", text.lower()) for text, _ in reviews}) == len(reviews)


def test_reviews_are_short(reviews):
    for text, _ in reviews:
        if HAN.search(text):
            assert 8 <= len(text) <= 50, text
        else:
            assert 6 <= len(text.split()) <= 35, text
        assert text == text.strip()


def test_reviews_are_plain_csv(reviews):
    data = REVIEWS.read_bytes()
    assert b"\r" not in data and data.endswith(b"\n") and not data.startswith(b"\xef\xbb\xbf")
    assert sum("\n" in text for text, _ in reviews) == 3
    assert any('"' in text for text, _ in reviews)
