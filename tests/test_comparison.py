"""Whether one model is better than another: tests by hand and next to SciPy's, and the words that say so."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_rel

from textrnn.base.errors import DataError
from textrnn.classifier.kinds import Classes
from textrnn.report.comparison import Judged, compare_models
from textrnn.report.differences import (
    choice_in_words,
    compare,
    compare_losses,
    difference_interval,
    is_worth_saying,
    mcnemar_exact,
    name_of,
    words_of,
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
    assert mcnemar_exact(first, second) == pytest.approx(p) == mcnemar_exact(second, first)


@settings(deadline=None)
@given(st.integers(0, 3000), st.integers(0, 3000))
def test_mcnemar_exact_agrees_with_scipy(first, second):
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar_exact(first, second) == pytest.approx(expected, rel=1e-9, abs=1e-200)


def test_mcnemar_exact_of_very_many_rows_is_a_number():
    assert 0 < mcnemar_exact(499_000, 501_000) < 0.05
    assert mcnemar_exact(0, 5000) == 0.0


def test_difference_interval_is_that_of_scipy():
    low, high = binomtest(25, 30).proportion_ci(0.95, method="exact")
    assert difference_interval(25, 5, 150) == pytest.approx(((2 * low - 1) / 5, (2 * high - 1) / 5), rel=1e-9)
    assert difference_interval(4, 0, 8)[1] == 0.5  # of the four rows that differ, it may well have all
    assert difference_interval(0, 0, 20) == pytest.approx((0.025 ** (1 / 20) - 1, 1 - 0.025 ** (1 / 20)))


@settings(deadline=None)
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
    found = compare(right[:, 0] > 0, right[:, 1] > 0)
    return words_of(dict(first=first, second=second, **found), Classes("ab").in_words)


def test_words_of_a_better_rnn():
    """125 and 105 of 150 rows; of the 30 that differ it has 25, from 65.3 % to 94.4 %: (2 * 0.653 - 1) * 30 / 150."""
    assert sentence(25, 5) == (
        "The RNN is better than the linear model: 83.3 % right against 70.0 % right, on 150 rows "
        "(McNemar exact p < 0.001; 6.1 to 17.7 points better, with 95 % confidence)."
    )


def test_words_of_a_better_linear_model():
    words = sentence(5, 25)
    assert words.startswith("The linear model is better than the RNN: 83.3 % right against 70.0 % right, on 150 rows")
    assert "6.1 to 17.7 points better" in words


def test_words_of_a_draw_prefer_none():
    """2 (1 + 10 + 45 + 120) / 1024 = 0.344"""
    words = sentence(7, 3)
    assert words.startswith("The RNN and the linear model: 82.3 % right against 79.2 % right, on 130 rows; the diff")
    assert "(McNemar exact p = 0.344; the RNN is from 2.3 points worse to 6.7 points better" in words


def test_words_of_equal_models_speak_of_no_difference():
    words = sentence(3, 3)
    assert "could be chance" not in words and "p = 1.000" in words and "do equally well: 81.7 % right" in words


def test_p_and_interval_of_a_comparison_never_contradict_each_other():
    for only_first in range(24):
        for only_second in range(12):
            right = np.repeat([[1, 1], [1, 0], [0, 1]], [9, only_first, only_second], axis=0)
            found = compare(right[:, 0] > 0, right[:, 1] > 0)
            low, high = found["difference_interval"]
            assert (found["p"] >= 0.05) == (low <= 0 <= high), (only_first, only_second)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("auto", "combined has the lowest log-loss there; --model linear or rnn takes another"),
        ("combined", "combined was asked for, with --model combined"),
    ],
)
def test_choice_is_told_with_its_rule_and_its_way_out(wanted, expected):
    measured = dict(linear=(0.192, 0.45), rnn=(0.188, 0.47), combined=(0.19, 0.41))
    said = choice_in_words("combined", wanted, measured, 500, Classes("ab").in_words)
    assert said.startswith("on 500 rows that were not learnt from: linear 80.8 % right (0.450 nats), rnn 81.2 % right")
    assert said.endswith(expected)
    assert choice_in_words("linear", "linear", dict(linear=(0.1, 0.4)), 500, str) is None
    other = choice_in_words("rnn", "auto", dict(linear=(0.2, 0.4), rnn=(0.1, 0.5)), 9, str, by_nats=False)
    assert other.endswith("linear 0.2, rnn 0.1; rnn does best there; --model linear takes another")


def test_losses_are_compared_as_a_paired_test_does(rng):
    first, second = rng.random(400), rng.random(400) + 0.05
    found = compare_losses(first, second)
    expected = ttest_rel(first, second)
    assert found["p"] == pytest.approx(expected.pvalue, rel=0.05)  # that of a normal distribution, not of Student's
    low, high = found["difference_interval"]
    assert low < first.mean() - second.mean() < high
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=0.02, abs=1e-3)
    said = words_of(dict(first="rnn", second="linear", **found), lambda loss: f"off by {loss:.1f}")
    assert said.startswith("The RNN is better than the linear model: off by 0.5 against off by 0.5, on 400 rows (p")
    same = compare_losses(first, first)
    assert same["p"] == 1 and "chance" not in words_of(dict(first="rnn", second="linear", **same), str)


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
