"""Temperatures worked out by hand, and never worse than none."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from textrnn.base.errors import DataError
from textrnn.report.calibration import HIGHEST, LOWEST, apply_temperature, fit_temperature, log_softmax, softmax
from textrnn.report.metrics import calibration_error, log_loss, reliability


def noisy(seed, rows, num_classes, factor):
    """Logits and labels drawn from softmax(logits / factor): the right temperature is the factor."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (rows, num_classes))
    uniform = rng.random(rows)[:, None]
    return logits * factor, (softmax(logits).cumsum(1) < uniform).sum(1).clip(max=num_classes - 1)


@pytest.mark.parametrize(("right", "rows"), [(6, 8), (8, 8), (29, 30), (5, 8)])
def test_fit_temperature_is_laplace_for_equally_sure_rows(right, rows):
    """With the logits a and 0 in each row, the confidence becomes (right + 1) / (rows + 2)."""
    margin = math.log(99)  # says 99 %
    logits = np.tile([margin, 0.0], (rows, 1))
    labels = np.array([0] * right + [1] * (rows - right))
    share = (right + 1) / (rows + 2)
    temperature = fit_temperature(logits, labels)
    expected = margin / math.log(share / (1 - share))
    if right == rows:
        assert temperature == 1.0  # 99 % was better on these rows than (rows + 1) / (rows + 2)
    else:
        assert temperature == pytest.approx(expected, rel=1e-9)
        assert apply_temperature(logits, temperature)[0, 0] == pytest.approx(share)


def test_fit_temperature_makes_shy_models_surer():
    """All 98 rows right, each said with 60 %: 99 / 100."""
    logits = np.tile([math.log(1.5), 0.0], (98, 1))
    temperature = fit_temperature(logits, np.zeros(98, int))
    assert apply_temperature(logits, temperature)[0, 0] == pytest.approx(0.99)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(2, 7), st.floats(0.01, 100))
def test_fit_temperature_is_never_worse_than_none(seed, rows, num_classes, factor):
    logits, labels = noisy(seed, rows, num_classes, factor)
    temperature = fit_temperature(logits, labels)
    assert LOWEST <= temperature <= HIGHEST or temperature == 1.0
    assert log_loss(labels, apply_temperature(logits, temperature)) <= log_loss(labels, softmax(logits)) + 1e-12
    assert (apply_temperature(logits, temperature).argmax(1) == logits.argmax(1)).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(50, 300), st.integers(2, 5), st.floats(0.3, 4))
def test_fit_temperature_agrees_with_scipy(seed, rows, num_classes, factor):
    logits, labels = noisy(seed, rows, num_classes, factor)
    counts = (np.eye(num_classes)[labels] * rows + 1) / (rows + num_classes)
    found = minimize_scalar(
        lambda t: -(counts * log_softmax(logits / math.exp(t))).sum(), bounds=(-3, 3), method="bounded"
    )
    temperature = fit_temperature(logits, labels)
    assert temperature == 1.0 or temperature == pytest.approx(math.exp(found.x), rel=1e-3)


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_fit_temperature_finds_the_true_one_and_serves_other_rows(factor):
    logits, labels = noisy(7, 4000, 3, factor)
    temperature = fit_temperature(logits[:2000], labels[:2000])
    assert temperature == pytest.approx(factor, rel=0.1)
    logits, labels = logits[2000:], labels[2000:]
    after, before = apply_temperature(logits, temperature), softmax(logits)
    assert log_loss(labels, after) < log_loss(labels, before) - 0.01
    assert calibration_error(reliability(labels, after)) < calibration_error(reliability(labels, before)) / 2


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (np.zeros((0, 2)), []),
        (np.zeros((4, 3)), [0, 1, 2, 0]),  # nothing to scale
        (np.ones((2, 1)), [0, 0]),  # one class
        ([[1e6, -1e6]], [1]),  # as wrong as can be: the highest temperature
        ([[1e-9, 0.0]], [0]),
        ([[700.0, 0.0], [0.0, 700.0]], [0, 1]),
    ],
)
def test_fit_temperature_of_odd_rows_is_a_sane_number(logits, labels):
    temperature = fit_temperature(np.array(logits), np.array(labels, int))
    assert LOWEST <= temperature <= HIGHEST
    if len(labels):
        assert np.isfinite(apply_temperature(np.array(logits), temperature)).all()


def test_fit_temperature_stops_at_the_ends():
    wrong = np.tile([9.0, 0.0], (50, 1))
    assert fit_temperature(wrong, np.ones(50, int)) == pytest.approx(HIGHEST)
    assert fit_temperature(wrong / 3000, np.zeros(50, int)) == pytest.approx(LOWEST)


@pytest.mark.parametrize(
    ("logits", "labels"),
    [([[math.nan, 0.0]], [0]), ([[0.0, 1.0]], [0, 1]), ([0.0, 1.0], [0, 1]), ([[math.inf, 0]], [0])],
)
def test_fit_temperature_refuses(logits, labels):
    with pytest.raises(DataError, match="cannot calibrate"):
        fit_temperature(np.array(logits), np.array(labels))


def test_softmax_by_hand():
    found = softmax(np.array([[0, math.log(2), math.log(5)], [1000, 1000, -1000]], np.float32))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [[1 / 8, 2 / 8, 5 / 8], [0.5, 0.5, 0]], atol=1e-7)
    assert log_softmax(np.array([[0.0, -2000.0]]))[0, 1] == -2000
