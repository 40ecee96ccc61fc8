"""Labels as they are written: marks for none, other spellings of one, and what a person is told of both."""

import re
import shlex
from collections import Counter

import pytest

from textrnn.classifier.data import has_labels, read_rows
from textrnn.classifier.found_kind import LabelOptions
from textrnn.classifier.kinds import Classes
from textrnn.classifier.labels import known_label, merged_line, settle_labels
from textrnn.text.table.table import TableOptions, open_table

KEEP_NA, KEEP_POS = TableOptions(keep_labels=("NA",)), TableOptions(keep_labels=("pos",))


def settled(counts, options=TableOptions(), num_rows=None):  # noqa: B008
    """The labels that count with their rows, those without one under None; and the lines that are printed."""
    meant, lines = settle_labels(counts, num_rows or sum(counts.values()), options)
    lines += filter(None, [merged_line(meant, counts)])
    found = Counter()
    for label, count in counts.items():
        found[meant[label]] += count
    return found, lines


@pytest.mark.parametrize(
    ("counts", "options", "expected", "says"),
    [
        ({"a": 5, "b": 4}, TableOptions(), {"a": 5, "b": 4}, []),
        (
            {"a": 5, "b": 4, "NA": 1},
            TableOptions(),
            {"a": 5, "b": 4, None: 1},
            ["1 row with 'NA' for a label counts as one without a label; --keep-label NA takes it for a label"],
        ),
        (
            {"a": 50, "b": 40, "N/A": 9, "#N/A": 2, "NaN": 1, "null": 1, "?": 3, "none": 4, "-": 1},
            TableOptions(),
            {"a": 50, "b": 40, None: 21},
            [
                "21 rows with 'N/A' (9), '#N/A' (2), 'NaN' (1), 'null' (1), '?' (3) and 2 more for a label count as "
                "rows without a label; --keep-label N/A takes that for a label"
            ],
        ),
        (
            {"a": 50, "\\N": 30, "(null)": 20, "未标注": 9, "（空）": 1, "无": 2, "待定": 20},
            TableOptions(),
            {"a": 50, "待定": 20, None: 62},
            ["62 rows with '\\\\N' (30), '(null)' (20), ", "'待定' is taken for a label, as 20 rows of"],
        ),
        (
            {"a": 50, "b": 40, "N.A.": 9, "Unlabelled": 8, "k.A.": 7, "(跳过)": 6, "???": 5, "Not rated": 2, "NaT": 1},
            TableOptions(),
            {"a": 50, "b": 40, None: 38},
            ["38 rows with 'N.A.' (9), 'Unlabelled' (8), 'k.A.' (7), '(跳过)' (6), '???' (5) and 2 more for a label"],
        ),
        (
            {"a": 50, "Not rated": 20},
            TableOptions(),
            {"a": 50, "Not rated": 20},
            ["'Not rated' is taken for a label, as 20 rows of 70 have it"],
        ),
        (
            {"1": 9, "2": 8, "3,5": 7, "Not rated": 20},
            TableOptions(),
            {"1": 9, "2": 8, "3,5": 7, None: 20},
            ["20 rows with 'Not rated' for a label count as rows without a label; --keep-label 'Not rated' takes it"],
        ),
        (
            {"1 star": 9, "2 stars": 8, "3 stars": 7, "spam": 2},
            TableOptions(),
            {"1 star": 9, "2 stars": 8, "3 stars": 7, "spam": 2},
            ["'spam' (2) is taken for a label beside numbers; --missing-label spam leaves the numbers alone"],
        ),
        ({"a": 5, "NA": 3}, KEEP_NA, {"a": 5, "NA": 3}, []),
        (
            {"a": 50, "none": 4, "None": 1},
            TableOptions(),
            {"a": 50, "none": 5},
            [
                "'None', 'none' is taken for a label, as 5 rows of 55 have it; --missing-label None takes it for none",
                "'None' as 'none' (1 row)",
            ],
        ),
        ({"a": 5, "none": 5}, TableOptions(missing_labels=("None",)), {"a": 5, None: 5}, []),
        ({"a": 5, "99": 5}, TableOptions(missing_labels=("99",)), {"a": 5, None: 5}, []),
        (
            {"1": 9, "1.0": 4, "01": 1, "1e0": 1, "0": 1, "0.0": 3, "2": 1},
            TableOptions(),
            {"1": 15, "0.0": 4, "2": 1},
            ["'1.0' as '1' (4 rows), '01' as '1' (1 row), '1e0' as '1' (1 row), '0' as '0.0' (1 row); --keep"],
        ),
        (
            {"Very Good": 3, "very  good": 2, "bad": 9},
            TableOptions(),
            {"Very Good": 5, "bad": 9},
            ["'very  good' as 'Very Good' (2 rows); --keep-label 'very  good' keeps it apart"],
        ),
        (
            {"été": 5, "e\u0301te\u0301": 2, "mer\u200b": 1, "mer": 4, "\ufeffmer": 1, "me\u00adr": 1},
            TableOptions(),
            {"été": 7, "mer": 7},
            ["unseen signs or the spelling of a number are the same: 'e\u0301te\u0301' as 'été' (2 rows), 'mer"],
        ),
        ({"Pos": 3, "pos": 2, "neg": 1}, KEEP_POS, {"Pos": 3, "pos": 2, "neg": 1}, []),
        ({"1": 3, "1,5": 2, "1.5": 1, "1-": 1}, TableOptions(), {"1": 3, "1,5": 2, "1.5": 1, "1-": 1}, []),
    ],
)
def test_settle_labels_by_hand(counts, options, expected, says):
    found, lines = settled(counts, options)
    assert found == expected
    assert len(lines) == len(says)
    assert [words for words, line in zip(says, lines, strict=True) if words not in line] == []


@pytest.mark.parametrize("counts", [{"a": 9, "NA": 3, "?": 1}, {"x": 9, "X": 2, "b": 1}, {"a": 50, "1.0": 2, "1": 9}])
def test_settle_labels_names_flags_that_undo_it(counts):
    keep = list[str]()
    for _ in range(len(counts)):
        _, lines = settled(counts, TableOptions(keep_labels=tuple(keep)))
        keep += [shlex.split(flag)[0] for line in lines for flag in re.findall(r"--keep-label (\S+)", line)]
    assert settled(counts, TableOptions(keep_labels=tuple(keep))) == (counts, [])


def test_known_label_means_the_only_class_that_is_alike():
    classes = ["0", "1", "Pos", "x", "X"]
    assert [known_label(label, classes) for label in ("1.0", "POS", "x", "NA", "none", "-")] == [
        "1",
        "Pos",
        "x",
        None,
        None,
        None,
    ]
    assert known_label("x ", ["x", "X"]) == "x " and known_label("new", classes) == "new"
    assert known_label("not rated", ()) is None and known_label("4.5", ()) == "4.5"  # of numbers
    assert known_label("NA", ["NA", "a"]) == "NA" and known_label("none", ["None", "a"]) == "None"


def test_read_rows_leaves_marks_without_a_label(tmp_path):
    path = tmp_path / "a.csv"
    labels = ["good", "NA", "bad", "", "Good", "nan", "good", "bad"]
    path.write_text("text,label\n" + "".join(f"text {n},{label}\n" for n, label in enumerate(labels)), encoding="utf-8")
    with open_table(str(path), needs_label=True) as table:
        rows, kind = read_rows(table, LabelOptions())
        assert kind == Classes(["bad", "good"]) and rows.labels.tolist() == [1, 0, 1, 1, 0]
        assert rows.numbers.tolist() == [1, 3, 5, 7, 8]
        assert rows.unlabelled == ["text 1", "text 3", "text 5"] and rows.counts["unlabelled"] == 3
        *marks, few = rows.remarks
        assert [re.findall(r"\d rows?", line) for line in marks] == [["2 rows"], ["1 row"]]
        assert "5 labelled rows, too few to learn from" in few
        tested, _ = read_rows(table, LabelOptions(), Classes(["good", "BAD"]))
        assert tested.labels.tolist() == [0, 1, 0, 0, 1] and tested.remarks == []
    with open_table(str(path), TableOptions(keep_labels=("nan",)), needs_label=True) as table:
        assert read_rows(table, LabelOptions())[1].names == ["bad", "good", "nan"]


@pytest.mark.parametrize(("label", "keep", "expected"), [("NA", (), False), ("NA", ("NA",), True), ("none", (), True)])
def test_has_labels_needs_more_than_marks(tmp_path, label, keep, expected):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + f"some text,{label}\n" * 5, encoding="utf-8")
    with open_table(str(path), TableOptions(keep_labels=keep, label_column="label")) as table:
        assert has_labels(table) is expected
