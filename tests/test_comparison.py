"""Whether one model is better than another: tests by hand and next to SciPy's, and the words that say so."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_rel

from textrnn.base.errors import DataError
from textrnn.classifier.kinds import Classes
from textrnn.report.comparison import (
    Judged,
    compare,
    compare_losses,
    compare_models,
    difference_interval,
    is_worth_saying,
    mcnemar_exact,
    name_of,
    words_of,
    words_of_losses,
)


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),  # 2 * 1/2
        (0, 5, 2 / 32),
        (1, 5, 2 * 7 / 64),
        (2, 8, 2 * 56 / 1024),  # 1 + 10 + 45
        (5, 5, 1.0),
        (4, 5, 1.0),  # 2 * 1/2
        (4, 6, 2 * 386 / 1024),  # 1 + 10 + 45 + 120 + 210
    ],
)
def test_mcnemar_exact_by_hand(first, second, p):
    assert mcnemar_exact(first, second) == p == mcnemar_exact(second, first)


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_mcnemar_exact_agrees_with_scipy(first, second):
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar_exact(first, second) == pytest.approx(expected, rel=1e-9, abs=1e-200)


def test_mcnemar_exact_of_very_many_rows_is_a_number():
    assert 0 < mcnemar_exact(499_000, 501_000) < 0.05
    assert mcnemar_exact(0, 5000) == 0.0


def test_difference_interval_by_hand():
    # n = 8 + 2, d = 4 / 10, 1.96 sqrt(5 - 16 / 10) / 10
    half = 1.959964 * math.sqrt(3.4) / 10
    assert difference_interval(4, 0, 8) == pytest.approx((0.4 - half, 0.4 + half), abs=1e-6)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 50))
def test_difference_interval_turns_with_its_models(first, second, same):
    low, high = difference_interval(first, second, first + second + same)
    assert -1 <= low < high <= 1
    assert difference_interval(second, first, first + second + same) == pytest.approx((-high, -low))


def test_compare_by_hand():
    labels = np.array([0, 1, 2, 2, 1])
    found = compare(np.array([0, 1, 2, 0, 0]) == labels, np.array([0, 0, 1, 2, 0]) == labels)
    assert found == dict(
        rows=5,
        first_accuracy=3 / 5,
        second_accuracy=2 / 5,
        only_first=2,
        only_second=1,
        p=1.0,
        difference_interval=list(difference_interval(2, 1, 5)),
    )


def sentence(only_first, only_second, both=100, neither=20, first="rnn", second="linear"):
    """The words on two models with so many rows that only one of them has right."""
    right = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [both, only_first, only_second, neither], axis=0)
    return words_of(dict(first=first, second=second, **compare(right[:, 0] > 0, right[:, 1] > 0)))


def test_words_of_a_better_rnn():
    """125 and 105 of 150 rows; b + c = 30, b - c = 20: (20 ± 1.96 sqrt(31 - 400 / 152)) / 152."""
    assert sentence(25, 5) == (
        "The RNN is better than the linear model: 83.3 % against 70.0 % of 150 rows right "
        "(McNemar exact p < 0.001; 6.3 to 20.0 points better, with 95 % confidence)."
    )


def test_words_of_a_better_linear_model():
    words = sentence(5, 25)
    assert words.startswith("The linear model is better than the RNN: 83.3 % against 70.0 % of 150 rows right")
    assert "6.3 to 20.0 points better" in words


def test_words_of_a_draw_are_for_the_simpler_model():
    """2 (1 + 10 + 45 + 120) / 1024 = 0.344; (4 ± 1.96 sqrt(11 - 16 / 132)) / 132"""
    words = sentence(7, 3)
    assert words.startswith("The linear model is as good as the RNN: 79.2 % against 82.3 % of 130 rows right, a diff")
    assert "(McNemar exact p = 0.344; the RNN is from 1.9 points worse to 7.9 points better" in words


def test_words_of_equal_models_speak_of_no_difference():
    words = sentence(3, 3)
    assert "chance explains" not in words and "p = 1.000" in words


def test_compare_calls_no_model_better_whose_interval_holds_zero():
    for only_first in range(24):
        for only_second in range(12):
            right = np.repeat([[1, 1], [1, 0], [0, 1]], [9, only_first, only_second], axis=0)
            found = compare(right[:, 0] > 0, right[:, 1] > 0)
            low, high = found["difference_interval"]
            assert found["p"] >= 0.05 or low > 0 or high < 0, (only_first, only_second)


def test_losses_are_compared_as_a_paired_test_does(rng):
    first, second = rng.random(400), rng.random(400) + 0.05
    found = compare_losses(first, second)
    expected = ttest_rel(first, second)
    assert found["p"] == pytest.approx(expected.pvalue, rel=0.05)  # that of a normal distribution, not of Student's
    low, high = found["difference_interval"]
    assert low < first.mean() - second.mean() < high
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=0.02, abs=1e-3)
    said = words_of_losses(dict(first="rnn", second="linear", **found), lambda loss: f"off by {loss:.1f}")
    assert said.startswith("The RNN is better than the linear model: off by 0.5 against off by 0.5, on 400 rows (p")
    same = compare_losses(first, first)
    assert same["p"] == 1 and "chance" not in words_of_losses(dict(first="rnn", second="linear", **same), str)


def test_is_worth_saying_leaves_out_that_a_model_beats_the_most_frequent_label():
    better = dict(first="rnn", second="majority", p=0.01, first_accuracy=0.8, second_accuracy=0.5)
    assert not is_worth_saying(better) and is_worth_saying(dict(better, second="linear"))
    assert is_worth_saying(dict(better, p=0.4)) and is_worth_saying(dict(better, first_accuracy=0.3))


def test_compare_models_by_hand():
    labels = np.array([0, 1, 1, 1, 2])
    rnn = np.eye(3)[[0, 1, 1, 0, 1]] * 0.7 + 0.1
    linear = np.eye(3)[[0, 1, 0, 0, 0]] * 0.7 + 0.1
    learnt = np.array([0] * 5 + [1] * 4 + [2])
    models = {name: Judged(said, np.zeros((5, 0))) for name, said in (("rnn", rnn), ("linear", linear))}
    found = compare_models(Classes("abc"), labels, models, chosen="rnn", learnt_labels=learnt)
    assert list(found) == ["chosen", "test", "models", "comparisons"] and found["test"] is found["models"]["rnn"]
    assert {name: test["accuracy"] for name, test in found["models"].items()} == dict(rnn=0.6, linear=0.4, majority=0.2)
    majority = found["models"]["majority"]
    assert majority["label"] == "a"
    nats = -(np.log(0.5) + 3 * np.log(0.4) + np.log(0.1)) / 5  # says the shares of the rows that were learnt from
    assert majority["log_loss"] == pytest.approx(nats)
    assert [(one["first"], one["second"]) for one in found["comparisons"]] == [("rnn", "linear"), ("rnn", "majority")]
    assert (found["comparisons"][0]["only_first"], found["comparisons"][0]["only_second"]) == (1, 0)
    json.dumps(found, allow_nan=False)


def test_compare_models_without_learnt_labels_and_with_one_model():
    models = {"rnn": Judged(np.full((2, 2), 0.5), np.zeros((2, 0)))}
    nothing = np.array([], int)
    found = compare_models(Classes("xy"), np.array([1, 0]), models, chosen="rnn", learnt_labels=nothing)
    assert found["models"]["majority"]["log_loss"] == pytest.approx(np.log(2))
    assert [one["second"] for one in found["comparisons"]] == ["majority"]


def test_compare_models_needs_the_chosen_model():
    with pytest.raises(DataError, match="linear has said nothing: there are rnn"):
        models = {"rnn": Judged(np.ones((1, 1)), np.zeros((1, 0)))}
        compare_models(Classes("x"), np.array([0]), models, chosen="linear", learnt_labels=np.array([0]))


def test_name_of_an_unknown_model():
    assert name_of("forest") == "the model forest"
