"""Measures of translations against numbers worked out by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrnn.translator.metrics import edit_distance, measure, nearest, same_places


def slow_distance(a, b):
    """By its definition, letter by letter."""
    if not a or not b:
        return len(a) + len(b)
    return min(slow_distance(a[1:], b) + 1, slow_distance(a, b[1:]) + 1, slow_distance(a[1:], b[1:]) + (a[0] != b[0]))


@settings(max_examples=60, deadline=None)
@given(st.text("abc", max_size=5), st.text("abc", max_size=5))
def test_edit_distance_is_that_of_its_definition(a, b):
    assert edit_distance(a, b) == slow_distance(a, b)


def test_nearest_reference_is_the_one_with_the_lowest_rate():
    # One edit of ten is nearer than one of two.
    assert nearest("abcdefghij", ["ab", "abcdefghix"]) == (1, "abcdefghix")
    assert nearest("ab", ["xy", "ab"]) == (0, "ab")


def test_same_places_counts_the_longer_text():
    assert same_places(["a", "b"], ["a", "c", "b", "b"]) == 0.25
    assert same_places([], []) == 1.0


def test_measure_of_phonemes():
    made = ["K AE1 T", "D AO1 G", "R EH1 D"]
    references = [["K AE1 T"], ["D AA1 G", "D AO1 G Z"], ["R IY1 D", "R EH1 D"]]
    found = measure(made, references, "token")
    assert found["pairs"] == 3 and found["exact_match"] == pytest.approx(2 / 3)
    # Of "D AO1 G", "D AO1 G Z" is an edit of four away and "D AA1 G" one of three: 1 / (3 + 4 + 3).
    assert found["token_error_rate"] == pytest.approx(0.1)
    assert found["token_accuracy"] == pytest.approx((1 + 3 / 4 + 1) / 3)
    # In characters "D AA1 G" is one edit of seven away, "D AO1 G Z" two of nine: 1 / (7 + 7 + 7).
    assert found["char_error_rate"] == pytest.approx(1 / 21)
    assert found["bleu_tokens"] == "none"


def test_perfect_translations_have_full_marks():
    found = measure(["We are going home now ."], [["Home.", "We are going home now ."]], "word")
    assert (found["bleu"], found["chrf"]) == (pytest.approx(100), pytest.approx(100))
    assert found["exact_match"] == found["token_accuracy"] == 1 and found["char_error_rate"] == 0


def test_bleu_of_one_text_is_that_of_the_formula():
    # Four of five words, three of four pairs, two of three, one of two; equal lengths, so no penalty.
    found = measure(["the cat sat on mats"], [["the cat sat on rugs"]], "word")
    assert found["bleu"] == pytest.approx(100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)


def test_texts_of_three_words_have_no_bleu():
    assert measure(["a b c", "d"], [["a b c"], ["d", "e"]], "word")["bleu"] is None
    assert measure(["a b c"], [["a b c", "a b c d"]], "word")["bleu"] is not None


def test_chinese_is_measured_by_characters():
    assert measure(["我喝很多的茶"], [["我喝很多的茶"]], "char")["bleu_tokens"] == "zh"
