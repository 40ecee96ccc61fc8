"""Columns of a terminal: Chinese takes two, marks none, and nothing steers it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrnn.report.layout import align, cut, decimals, num_columns, percent, printable


@pytest.mark.parametrize(
    ("text", "columns"), [("", 0), ("abc", 3), ("好评", 4), ("ａ", 2), ("e\u0301", 1), ("，!", 3), ("é", 1), ("한", 2)]
)
def test_num_columns_by_hand(text, columns):
    assert num_columns(text) == columns


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" a\n b\t", "a b"),
        ("\x1b[31mred\x07", "�[31mred�"),
        ("\u202eturned", "�turned"),
        ("很\u3000好", "很 好"),
        ("\ud800", "�"),
        ("a\u2028b", "a b"),
    ],
)
def test_printable_shows_one_harmless_line(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("abc def", 5, "abc…"),
        ("好好好", 6, "好好好"),
        ("好好好", 5, "好好…"),
        ("好好好", 4, "好…"),
        ("e\u0301", 1, "e\u0301"),
        ("ab", 1, "…"),
        ("", 0, ""),
    ],
)
def test_cut_by_hand(text, columns, shown):
    assert cut(text, columns) == shown


@given(st.text(), st.integers(1, 30))
def test_cut_never_takes_more_columns_than_there_are(text, columns):
    shown = cut(text, columns)
    assert num_columns(shown) <= columns and (shown.isprintable())
    assert shown == printable(text) or shown.endswith("…")


@given(st.lists(st.tuples(*[st.text("ab好評 \u0301", max_size=6).map(str.strip)] * 3), min_size=1, max_size=5))
def test_align_puts_cells_below_each_other(rows):
    ended = [(*row, "|") for row in rows]
    lines = align(ended, right=[1])
    assert len({num_columns(line) for line in lines}) == 1
    assert all(line.startswith("  ") and line.endswith("|") for line in lines)


def test_align_of_nothing():
    assert align([]) == []
    assert align([["", ""]]) == [""]


def test_numbers_in_words():
    assert percent(0.12345) == "12.3 %" and percent(0) == "0.0 %" and percent(None) == "-"
    assert decimals(2, 1) == "2.0" and decimals(None) == "-"
