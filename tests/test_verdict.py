"""Plain words on which model is better, and when they may say so."""

import json

import numpy as np
import pytest

from textrnn.base.errors import DataError
from textrnn.report.compare import compare
from textrnn.report.verdict import judge, name_of, words_of


def sentence(only_first, only_second, both=100, neither=20, first="rnn", second="linear"):
    """The words on two models with so many rows that only one of them has right."""
    right = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [both, only_first, only_second, neither], axis=0)
    labels = np.ones(len(right), int)
    return words_of(dict(first=first, second=second, **compare(labels, right[:, 0], right[:, 1])))


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


@pytest.mark.parametrize("only_second", range(0, 12))
@pytest.mark.parametrize("only_first", range(0, 24))
def test_words_agree_with_their_interval(only_first, only_second):
    """What is called better is better at both ends of the interval, for any number of rows that differ."""
    labels = np.ones(only_first + only_second + 9, int)
    first, second = labels.copy(), labels.copy()
    second[:only_first] = first[only_first : only_first + only_second] = 0
    found = compare(labels, first, second)
    low, high = found["difference_interval"]
    assert found["p"] >= 0.05 or low > 0 or high < 0


def test_judge_by_hand():
    labels = np.array([0, 1, 1, 1, 2])
    rnn = np.eye(3)[[0, 1, 1, 0, 1]] * 0.7 + 0.1
    linear = np.eye(3)[[0, 1, 0, 0, 0]] * 0.7 + 0.1
    learnt = np.array([0] * 5 + [1] * 4 + [2])
    found = judge(labels, {"rnn": rnn, "linear": linear}, ["a", "b", "c"], chosen="rnn", learnt_labels=learnt)
    assert list(found) == ["chosen", "test", "models", "comparisons"] and found["test"] is found["models"]["rnn"]
    assert {name: test["accuracy"] for name, test in found["models"].items()} == dict(rnn=0.6, linear=0.4, majority=0.2)
    majority = found["models"]["majority"]
    assert majority["label"] == "a"
    nats = -(np.log(0.5) + 3 * np.log(0.4) + np.log(0.1)) / 5  # says the shares of the rows that were learnt from
    assert majority["log_loss"] == pytest.approx(nats)
    assert [(one["first"], one["second"]) for one in found["comparisons"]] == [("rnn", "linear"), ("rnn", "majority")]
    assert (found["comparisons"][0]["only_first"], found["comparisons"][0]["only_second"]) == (1, 0)
    json.dumps(found, allow_nan=False)


def test_judge_without_learnt_labels_and_with_one_model():
    found = judge(
        np.array([1, 0]), {"rnn": np.full((2, 2), 0.5)}, ["x", "y"], chosen="rnn", learnt_labels=np.array([], int)
    )
    assert found["models"]["majority"]["log_loss"] == pytest.approx(np.log(2))
    assert [one["second"] for one in found["comparisons"]] == ["majority"]


def test_judge_needs_the_chosen_model():
    with pytest.raises(DataError, match="linear has no probabilities: there are rnn"):
        judge(np.array([0]), {"rnn": np.ones((1, 1))}, ["x"], chosen="linear", learnt_labels=np.array([0]))


def test_name_of_an_unknown_model():
    assert name_of("forest") == "the model forest"
