"""What is worth a look: sure mistakes, suspected labels and duplicates, worked out by hand."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from textrnn.base.errors import DataError
from textrnn.classifier.data import Rows
from textrnn.classifier.findings import SHOWN_CHARS, duplicates, surest_wrong, suspected_labels
from textrnn.classifier.kinds import Classes, Grades, Numbers, Several
from textrnn.classifier.splits import folded

CLASSES = ["bad", "good", "so-so"]


def rows_of(texts, labels, first=1):
    return Rows(list(texts), np.array(labels, int), np.arange(first, first + len(texts)))


def test_surest_wrong_by_hand():
    probabilities = np.array([[0.125, 0.75, 0.125], [0.125, 0.75, 0.125], [0.875, 0, 0.125], [0.25, 0.25, 0.5]])
    found = surest_wrong(rows_of("wxyz", [0, 1, 2, 0], first=11), probabilities, Classes(CLASSES), limit=2)
    assert found == [
        dict(row=13, text="y", label="so-so", predicted="bad", confidence=0.875, label_probability=0.125),
        dict(row=11, text="w", label="bad", predicted="good", confidence=0.75, label_probability=0.125),
    ]


def test_surest_wrong_keeps_the_order_of_equals_and_cuts_texts():
    probabilities = np.tile([0.75, 0.25], (3, 1))
    found = surest_wrong(rows_of(["字" * 999, "b", "c"], [1, 0, 1]), probabilities, Classes(["x", "y"]))
    assert [one["row"] for one in found] == [1, 3] and found[0]["text"] == "字" * SHOWN_CHARS
    assert surest_wrong(rows_of("b", [0]), probabilities[:1], Classes(["x", "y"])) == []


def test_suspected_labels_by_hand():
    """Thresholds: 0 has (0.9 + 0.8 + 0.1) / 3 = 0.6, 1 has (0.7 + 0.5 + 0.3) / 3 = 0.5; no row is of class 2."""
    first = np.array([0.9, 0.8, 0.1, 0.2, 0.4, 0.7])
    second = np.array([0.05, 0.1, 0.8, 0.7, 0.5, 0.3])
    probabilities = np.stack([first, second, 1 - first - second], 1)
    found = suspected_labels(rows_of("uvwxyz", [0, 0, 0, 1, 1, 1]), probabilities, Classes(CLASSES))
    assert found["rows"] == 6 and found["count"] == 2
    assert [(one["row"], one["label"], one["predicted"]) for one in found["listed"]] == [
        (3, "bad", "good"),  # ahead by 0.8 - 0.1
        (6, "good", "bad"),  # ahead by 0.7 - 0.3
    ]


def test_suspected_labels_lets_an_unsure_mistake_pass():
    """Predicted wrongly with 0.55, where rows of the other class have 0.9: no reason to doubt the label."""
    first = np.array([0.9, 0.9, 0.45, 0.1, 0.1])
    probabilities = np.stack([first, 1 - first], 1)
    found = suspected_labels(rows_of("abcde", [0, 0, 0, 1, 1]), probabilities, Classes(["x", "y"]))
    assert found == dict(rows=5, count=0, listed=[])


def test_suspected_labels_finds_flipped_ones():
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 3, 600)
    probabilities = 0.1 * rng.dirichlet(np.ones(3), 600)
    probabilities[np.arange(600), truth] += 0.9
    labels, flipped = truth.copy(), rng.choice(600, 30, replace=False)
    labels[flipped] = (labels[flipped] + 1) % 3
    found = suspected_labels(rows_of(["text"] * 600, labels), probabilities, Classes(CLASSES), limit=100)
    assert {one["row"] - 1 for one in found["listed"]} == set(flipped.tolist()) and found["count"] == 30


def test_suspected_labels_of_equal_rows_are_none():
    probabilities = np.tile([0.6, 0.4], (7, 1))
    kind = Classes(["x", "y"])
    assert suspected_labels(rows_of("a" * 7, [0] * 4 + [1] * 3), probabilities, kind, limit=0)["count"] == 3
    probabilities = np.full((7, 2), 0.5)
    assert suspected_labels(rows_of("a" * 7, [0] * 7), probabilities, kind)["count"] == 0


def test_grades_that_are_predicted_are_those_in_the_middle():
    """Half of the probability lies up to the second grade, though the first one is the most probable."""
    kind, said = Grades(["1", "2", "3"], [1, 2, 3]), np.array([[0.4, 0.35, 0.25]] * 2)
    found = surest_wrong(rows_of("ab", [0, 1]), said, kind)
    assert [(one["row"], one["predicted"], one["confidence"]) for one in found] == [(1, "2", 0.35)]


def test_suspected_sets_name_their_worst_label():
    """Thresholds of tea: (0.9 + 0.8 + 0.1) / 3 = 0.6, without it (0.9 + 0.2) / 2 = 0.55; of bed 0.875 and 0.65."""
    tea, bed = [0.9, 0.8, 0.1, 0.1, 0.8], [0.95, 0.9, 0.8, 0.05, 0.1]
    rows = Rows(list("vwxyz"), np.array([[1, 1], [1, 0], [1, 1], [0, 0], [0, 0]], bool), np.arange(1, 6))
    found = suspected_labels(rows, np.array([tea, bed]).T, Several(["tea", "bed"], "; "))
    assert found["count"] == 3 and found["rows"] == 5
    first, second, third = found["listed"]  # 0.9 by tea first: equal ones stay in the order of the file
    assert (first["row"], first["worst"], first["status"]) == (2, "bed", "missing")
    assert (first["label"], first["predicted"]) == ("tea", "tea; bed") and first["label_probability"] == approx(0.1)
    assert (second["row"], second["worst"], second["status"]) == (3, "tea", "surplus")
    assert (second["label"], second["predicted"], second["confidence"]) == ("tea; bed", "bed", approx(0.9))
    assert (third["row"], third["label"], third["predicted"], third["status"]) == (5, "", "tea", "missing")


def test_numbers_are_suspected_from_twice_their_interval_on():
    rows = Rows(list("wxyz"), np.array([1.0, 4.25, -7.0, 3.0]), np.arange(1, 5), lines=np.arange(2, 6))
    said, halves = np.array([[1.5], [2.0], [2.0], [1.0]]), np.array([[1.0], [1.0], [3.0], [1.0]])
    found = suspected_labels(rows, said, Numbers(), halves, chars=None)
    assert found["count"] == 2 and [one["line"] for one in found["listed"]] == [
        4,
        3,
    ]  # 3 and 2.25 times
    shown = dict(row=3, line=4, text="y", label="-7", predicted="2", difference=-9.0, half_width=3.0)
    assert found["listed"][0] == shown


def test_duplicates_by_hand():
    texts = ["ok", "Fine", "ok", "fine ", "OK", "new", "FINE", "ok"]
    found = duplicates(rows_of(texts, [0, 1, 0, 0, 2, 1, 1, 0], first=10), CLASSES)
    assert found == dict(
        exact=2,  # the second and third "ok"
        conflicts=2,
        conflicting_rows=7,
        listed=[
            dict(text="ok", labels={"bad": 3, "so-so": 1}, rows=[10, 12, 14, 17]),
            dict(text="Fine", labels={"bad": 1, "good": 2}, rows=[11, 13, 16]),
        ],
    )
    assert json.loads(json.dumps(found)) == found


def test_duplicates_of_nothing():
    nothing = dict(exact=0, conflicts=0, conflicting_rows=0, listed=[])
    assert duplicates(rows_of([], []), CLASSES) == nothing
    assert duplicates(rows_of("ab", [0, 1]), CLASSES) == nothing
    assert duplicates(rows_of("aba", [0, 1, 0]), CLASSES) == {**nothing, "exact": 1}


def test_duplicates_lists_no_more_than_asked_for():
    texts = [f"text {row % 30}" for row in range(300)]
    found = duplicates(rows_of(texts, np.arange(300) // 30 % 2), ["x", "y"], limit=5)
    assert found["conflicts"] == 30 and found["conflicting_rows"] == 300 and found["exact"] == 270
    assert len(found["listed"]) == 5 and found["listed"][0]["rows"] == [1, 31, 61, 91, 121]


@given(st.lists(st.tuples(st.text("abA ", max_size=2), st.integers(0, 2)), max_size=30))
def test_duplicates_agrees_with_a_dictionary(pairs):
    texts, labels = [text for text, _ in pairs], [label for _, label in pairs]
    of_text = {}
    for text, label in pairs:
        of_text.setdefault(folded(text), []).append(label)
    several = [found for found in of_text.values() if len(set(found)) > 1]
    found = duplicates(rows_of(texts, labels), CLASSES)
    assert found["conflicts"] == len(several) and found["conflicting_rows"] == sum(map(len, several))
    assert found["exact"] == sum(text in texts[:row] for row, text in enumerate(texts))


def test_findings_refuse_probabilities_that_do_not_fit():
    for find in (surest_wrong, suspected_labels):
        with pytest.raises(DataError, match="do not fit"):
            find(rows_of("ab", [0, 1]), np.array([[0.5, 0.5]]), Classes(["x", "y"]))
