"""Whether two models differ: exact tests worked out by hand, and next to SciPy's (which scikit-learn brings)."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from textrnn.report.compare import compare, difference_interval, mcnemar_exact


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
    found = compare(labels, np.array([0, 1, 2, 0, 0]), np.array([0, 0, 1, 2, 0]))
    assert found == dict(
        rows=5,
        first_accuracy=3 / 5,
        second_accuracy=2 / 5,
        only_first=2,
        only_second=1,
        p=1.0,
        difference_interval=list(difference_interval(2, 1, 5)),
    )
