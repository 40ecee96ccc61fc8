"""Each measure with an answer worked out by hand, and next to scikit-learn's."""

import json
import math

import numpy as np
import pytest
import sklearn.metrics as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from textrnn.base.errors import DataError
from textrnn.report.metrics import (
    calibration_error,
    checked,
    class_scores,
    confusion_matrix,
    evaluate,
    log_loss,
    macro_f1,
    reliability,
    roc_auc,
    wilson_interval,
)

# Six rows of three classes, none of "c" predicted rightly and none of "d" anywhere.
LABELS = np.array([0, 0, 0, 1, 1, 2])
PROBABILITIES = np.array(
    [
        [0.70, 0.20, 0.10, 0.00],
        [0.50, 0.30, 0.20, 0.00],
        [0.25, 0.50, 0.25, 0.00],
        [0.10, 0.80, 0.10, 0.00],
        [0.60, 0.40, 0.00, 0.00],
        [0.30, 0.45, 0.25, 0.00],
    ]
)
CLASSES = ["a", "b", "c", "d"]


def random_case(seed, num_classes, rows, decimals=17):
    """Labels and probabilities of the classes; few decimals make ties."""
    rng = np.random.default_rng(seed)
    raw = np.round(rng.dirichlet(np.ones(num_classes), rows), decimals) + 1e-3
    return rng.integers(0, num_classes, rows), raw / raw.sum(1, keepdims=True)


def test_evaluate_by_hand():
    found = evaluate(LABELS, PROBABILITIES, CLASSES)
    assert found["rows"] == 6
    assert found["accuracy"] == 0.5  # rows 1, 2 and 4 of 6
    assert found["confusion"] == [[2, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert found["roc_auc"] is None
    a, b, c, d = found["per_class"]
    assert a == dict(label="a", precision=2 / 3, recall=2 / 3, f1=2 / 3, support=3)
    assert b == dict(label="b", precision=1 / 3, recall=1 / 2, f1=2 / 5, support=2)
    assert c == dict(label="c", precision=None, recall=0.0, f1=0.0, support=1)
    assert d == dict(label="d", precision=None, recall=None, f1=None, support=0)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 5 + 0) / 3)  # "d" is in no row: it does not count
    nats = -math.log(0.7) - math.log(0.5) - math.log(0.25) - math.log(0.8) - math.log(0.4) - math.log(0.25)
    assert found["log_loss"] == pytest.approx(nats / 6)


def test_evaluate_is_ready_for_json():
    found = evaluate(LABELS, PROBABILITIES.astype(np.float32), CLASSES)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    names = ["rows", "accuracy", "accuracy_interval", "macro_f1", "log_loss", "calibration_error", "roc_auc"]
    assert list(found) == [*names, "per_class", "confusion", "reliability"]


def test_evaluate_takes_the_first_of_equally_probable_classes():
    found = evaluate(np.array([0, 1]), np.full((2, 2), 0.5), ["x", "y"])
    assert found["confusion"] == [[1, 0], [1, 0]] and found["roc_auc"] == 0.5


@pytest.mark.parametrize("rows", [1, 2])
def test_evaluate_of_one_class_only(rows):
    found = evaluate(np.zeros(rows, int), np.tile([0.75, 0.25], (rows, 1)), ["x", "y"])
    assert found["accuracy"] == 1.0 and found["macro_f1"] == 1.0 and found["roc_auc"] is None
    assert found["accuracy_interval"][1] == 1.0 and found["calibration_error"] == 0.25
    json.dumps(found, allow_nan=False)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(1, 60), st.sampled_from([1, 17]))
def test_evaluate_agrees_with_scikit_learn(seed, num_classes, rows, decimals):
    labels, probabilities = random_case(seed, num_classes, rows, decimals)
    predicted, names = probabilities.argmax(1), [f"class {k}" for k in range(num_classes)]
    found = evaluate(labels, probabilities, names)
    assert found["accuracy"] == pytest.approx(oracle.accuracy_score(labels, predicted))
    assert found["macro_f1"] == pytest.approx(oracle.f1_score(labels, predicted, average="macro", zero_division=0))
    every = list(range(num_classes))
    assert found["log_loss"] == pytest.approx(oracle.log_loss(labels, probabilities, labels=every))
    assert found["confusion"] == oracle.confusion_matrix(labels, predicted, labels=every).tolist()
    scores = oracle.precision_recall_fscore_support(labels, predicted, labels=every, zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "support"), scores, strict=True):
        assert [one[name] or 0 for one in found["per_class"]] == pytest.approx(values.tolist())


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(2, 60), st.sampled_from([1, 17]))
def test_roc_auc_agrees_with_scikit_learn(seed, rows, decimals):
    labels, probabilities = random_case(seed, 2, rows, decimals)
    if len(set(labels.tolist())) < 2:
        assert roc_auc(labels, probabilities[:, 1]) is None
    else:
        assert roc_auc(labels, probabilities[:, 1]) == pytest.approx(oracle.roc_auc_score(labels, probabilities[:, 1]))


@pytest.mark.parametrize(
    ("labels", "scores", "area"),
    [
        ([0, 1], [0.1, 0.9], 1.0),
        ([1, 0], [0.1, 0.9], 0.0),
        ([0, 1], [0.5, 0.5], 0.5),
        ([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], 0.75),  # 3 of 4 pairs in order
        ([0, 0, 0, 1, 1], [1, 2, 2, 2, 3], 5 / 6),  # 3 + 1 + 2 halves of 6
        ([1, 1], [0.1, 0.9], None),
    ],
)
def test_roc_auc_by_hand(labels, scores, area):
    assert roc_auc(np.array(labels), np.array(scores)) == pytest.approx(area)


@pytest.mark.parametrize(
    ("right", "rows", "low", "high"),
    [
        # z^2 = 3.8415: (p + z^2/2n ± z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)
        (8, 10, 0.4902, 0.9433),
        (50, 100, 0.4038, 0.5962),
        (0, 10, 0.0, 0.2775),  # z^2 / (n + z^2) = 3.8415 / 13.8415
        (10, 10, 0.7225, 1.0),
        (1500, 1821, 0.8055, 0.8405),
    ],
)
def test_wilson_interval_by_hand(right, rows, low, high):
    assert wilson_interval(right, rows) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 5000), st.data())
def test_wilson_interval_holds_the_share(rows, data):
    right = data.draw(st.integers(0, rows))
    low, high = wilson_interval(right, rows)
    assert 0 <= low <= right / rows <= high <= 1 and low < high
    other_low, other_high = wilson_interval(rows - right, rows)
    assert (1 - other_high, 1 - other_low) == pytest.approx((low, high))
    expected = binomtest(right, rows).proportion_ci(0.95, method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_confusion_matrix_has_the_true_classes_down():
    found = confusion_matrix(np.array([0, 0, 1]), np.array([2, 2, 0]), 3)
    assert found.dtype == np.int64 and found.tolist() == [[0, 0, 2], [1, 0, 0], [0, 0, 0]]


def test_macro_f1_counts_a_class_that_is_predicted_but_in_no_row():
    confusion = np.array([[2, 1], [0, 0]])  # F1 of 0: 2 * 2 / (3 + 2); of 1: 0 / (0 + 1)
    assert macro_f1(confusion) == pytest.approx((0.8 + 0) / 2)
    assert class_scores(confusion)[1] == dict(precision=0.0, recall=None, f1=0.0, support=0)


def test_log_loss_of_a_sure_mistake_is_finite():
    found = log_loss(np.array([0]), np.array([[0.0, 1.0]]))
    assert found == pytest.approx(52 * math.log(2))  # 2.2e-16 is 2^-52


def test_reliability_by_hand():
    labels, confidence = np.array([0, 0, 1, 0, 0]), np.array([0.7, 0.8, 0.75, 0.55, 1.0])
    bins = reliability(labels, np.stack([confidence, 1 - confidence], 1), num_bins=5)
    assert [(one["low"], one["high"], one["rows"]) for one in bins] == [(0.4, 0.6, 1), (0.6, 0.8, 3), (0.8, 1.0, 1)]
    assert [one["accuracy"] for one in bins] == [1.0, pytest.approx(2 / 3), 1.0]
    assert [one["confidence"] for one in bins] == pytest.approx([0.55, 0.75, 1.0])
    # 1/5 |1 - 0.55| + 3/5 |2/3 - 0.75| + 1/5 |1 - 1| = 0.09 + 0.05
    assert calibration_error(bins) == pytest.approx(0.14)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(1, 80))
def test_calibration_error_agrees_with_a_loop(seed, num_classes, rows):
    labels, probabilities = random_case(seed, num_classes, rows)
    total = 0.0
    for k in range(15):
        mine = [
            (row.max(), row.argmax() == label)
            for row, label in zip(probabilities, labels, strict=True)
            if k / 15 < row.max() <= (k + 1) / 15
        ]
        total += abs(sum(right - confidence for confidence, right in mine))
    bins = reliability(labels, probabilities)
    assert calibration_error(bins) == pytest.approx(total / rows)
    assert sum(one["rows"] for one in bins) == rows


@pytest.mark.parametrize(
    ("labels", "probabilities", "words"),
    [
        ([], np.zeros((0, 2)), "no labelled rows"),
        ([0], [[0.5, 0.25, 0.25]], "do not fit"),
        ([0, 1], [[0.5, 0.5]], "do not fit"),
        ([2], [[0.5, 0.5]], "from 2 to 2: expected from 0 to 1"),
        ([-1], [[0.5, 0.5]], "from -1 to -1"),
        ([0], [[math.nan, 0.5]], "row 0 has the probabilities"),
        ([0, 0], [[0.5, 0.5], [0.5, 0.4]], "in all 0.9"),
        ([0], [[1.5, -0.5]], "from 0 to 1"),
    ],
)
def test_checked_refuses_what_is_no_prediction(labels, probabilities, words):
    with pytest.raises(DataError, match=words):
        checked(np.array(labels, int), np.array(probabilities), 2)


def test_checked_makes_rows_sum_to_one():
    labels, probabilities = checked(np.array([1], np.int8), np.array([[0.3, 0.7002]], np.float32), 2)
    assert labels.dtype == np.int64 and probabilities.dtype == np.float64
    assert probabilities.sum() == pytest.approx(1, abs=1e-15)
