"""The report as text: readable, harmless, and honest about who wins."""

import json
import re

import pytest
from report_cases import EVIL, full_report, labels_named

from textrnn.report.layout import num_columns
from textrnn.report.text_report import (
    counts_in_words,
    format_classes,
    format_report,
    frequent_confusions,
    labels_in_words,
)

SECTIONS = [
    "rows: 1,200 used, 270 unlabelled, 2 empty (17, 1030)\n",
    "chosen: the combination of both\n",
    "95 % interval",
    "McNemar exact",
    "majority (always 负面)",
    "combined *",
    "how sure it is",
    "surest and wrong:",
    "labels that may be wrong",
    "texts have different labels",
    "rows repeat the text of an earlier row",
    "61.2 s\n",
]


@pytest.mark.parametrize("num_classes", [2, 3, 30])
def test_format_report_has_all_sections_in_order(num_classes):
    report = full_report(num_classes)
    text = format_report(json.loads(json.dumps(report)))
    places = [text.find(words) for words in SECTIONS]
    assert -1 not in places and text == format_report(report)
    assert (places[0], places[-1]) == (min(places), max(places))
    assert ("confusion (labels down" in text) == (num_classes < 30)
    assert ("most frequent confusions:" in text) == (num_classes == 30)
    assert ("ROC-AUC" in text) == (num_classes == 2)


@pytest.mark.parametrize("num_classes", [2, 3, 30])
def test_format_report_cannot_steer_a_terminal(num_classes):
    text = format_report(full_report(num_classes))
    assert all(line.isprintable() for line in text.split("\n"))
    text.encode()


@pytest.mark.parametrize("columns", [60, 100, 160])
def test_format_report_lines_with_texts_fit(columns):
    text = format_report(full_report(), columns=columns).partition("surest and wrong:")[2]
    lines = [line for line in text.split("\n") if re.match("  +(row|rows) ", line) or line.startswith("    ")]
    assert len(lines) >= 15 and all(num_columns(line) <= columns for line in lines)


def test_format_report_of_little():
    assert format_report({}) == "\n"
    assert format_report(dict(findings=dict(surest_wrong=[]), rows={}, models={})) == "\n"
    nothing = dict(duplicates=dict(exact=0, conflicts=0, conflicting_rows=0, listed=[]))
    assert format_report(dict(findings=dict(**nothing, suspected_labels=dict(rows=5, count=0, listed=[])))) == "\n"


def test_format_report_says_when_the_most_frequent_label_does_as_well():
    report = full_report()
    expected, useless = report["comparisons"][-1], dict(report["comparisons"][-1], p=0.4, words="No better.")
    assert expected["second"] == "majority" and expected["words"][:40] not in format_report(report)
    assert useless["words"] in format_report(dict(report, comparisons=[useless]))


def test_format_classes_by_hand():
    classes = [
        dict(label="好评", precision=0.5, recall=1.0, f1=2 / 3, support=1200),
        dict(label="bad", precision=None, recall=0.0, f1=0.0, support=3),
    ]
    assert format_classes(dict(per_class=classes)) == [
        "label  precision  recall     F1   rows",
        "好评       0.500   1.000  0.667  1,200",
        "bad            -   0.000  0.000      3",
    ]
    assert format_classes({}) == []


def test_format_report_confusion_by_hand():
    test = dict(
        rows=9,
        accuracy=8 / 9,
        accuracy_interval=[0.5, 1.0],
        confusion=[[5, 1], [0, 3]],
        per_class=[dict(label=name, precision=1.0, recall=1.0, f1=1.0, support=1) for name in ("好", "b")],
    )
    text = format_report(dict(test=test))
    assert "predictions across):\n      好  b\n  好   5  1\n  b    0  3\n" in text


def test_frequent_confusions_breaks_ties_by_order_and_stops():
    confusion = [[0, 1, 1], [1, 0, 0], [0, 2, 0]]
    assert frequent_confusions(confusion, "abc", 3) == [("c", "b", 2), ("a", "b", 1), ("a", "c", 1)]
    assert frequent_confusions([[3, 0], [0, 4]], "ab") == []


def test_counts_in_words_by_hand():
    found = counts_in_words(
        dict(used=0, unusable=1234, unusable_rows=[3, 5], note="x", cut_short=1, cut_short_rows=[9])
    )
    assert found == "1,234 unusable (3, 5, ...), 1 cut short (9)"


def test_labels_in_words_cuts_long_lists():
    assert labels_in_words(dict(a=1, b=3)) == ["3 b", "1 a"]
    assert labels_in_words(dict(a=1, b=3, c=1, d=1, e=1)) == ["3 b", "1 a", "1 c", "2 more labels"]
    assert EVIL in labels_named(3)


def test_verdict_is_the_beginning_and_the_end_of_the_whole_report():
    report = {**full_report(), "run": "models/a"}
    verdict, whole = format_report(report, is_whole=False), format_report(report)
    lines = [line for line in verdict.splitlines() if line]
    assert len(lines) <= 12 < len(whole.splitlines()) / 3
    assert [line for line in lines if line not in whole] == [line for line in lines if "--verbose" in line] != []


def test_places_have_lines_if_they_are_known():
    report = full_report()
    for one in report["findings"]["surest_wrong"]:
        one["line"] = one["row"] + 1
    for one in report["findings"]["duplicates"]["listed"]:
        one["lines"] = [row + 1 for row in one["rows"]]
    text = format_report(report)
    for one in report["findings"]["surest_wrong"]:
        assert f"row {one['row']} (line {one['line']})" in text
    assert "rows 1, 4, 7, ... (lines 2, 5, 8, ...)" in text
