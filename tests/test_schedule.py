"""Learning rates and budgets by hand."""

import math
import time

import pytest

from textrnn.base.errors import ConfigError
from textrnn.training.options import OptimizationConfig, StopConfig
from textrnn.training.schedule import Budget, Schedule


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("step", "done", "expected"),
    [
        (0, 0.0, 0.4 * 1 / 4),
        (1, 0.0, 0.4 * 2 / 4),
        (3, 0.0, 0.4),
        (9, 0.0, 0.4),
        (9, 0.5, 0.4 * 0.51),  # 0.02 + 0.98 / 2
        (9, 0.25, 0.4 * (0.02 + 0.49 * (1 + math.sqrt(0.5)))),
        (9, 1.0, 0.4 * 0.02),
        (9, 1.5, 0.4 * 0.02),
        (1, 0.5, 0.4 * 0.5 * 0.51),
    ],
)
def test_learning_rate_cosine(step, done, expected):
    schedule = Schedule.of(OptimizationConfig(learning_rate=0.4, warmup=4), StopConfig())
    assert schedule.rate(step, done) == pytest.approx(expected)


@pytest.mark.parametrize(("step", "done", "expected"), [(0, 0.0, 0.1), (3, 0.3, 0.4), (9, 1.0, 0.4)])
def test_learning_rate_constant(step, done, expected):
    schedule = Schedule.of(OptimizationConfig(learning_rate=0.4, warmup=4, schedule="constant"), StopConfig())
    assert schedule.rate(step, done) == pytest.approx(expected)


def test_learning_rate_without_warmup():
    assert Schedule(0.4).rate(0, 0.0) == 0.4
    assert Schedule(0.4, final_share=0.0).rate(9, 1.0) == 0


def test_schedule_of_options_without_a_learning_rate_is_refused():
    with pytest.raises(ConfigError, match="no learning rate"):
        Schedule.of(OptimizationConfig(), StopConfig())


def test_budget_progress_by_steps(clock):
    budget = Budget(total_steps=20, limit_s=None)
    clock[0] += 1e6
    assert [budget.progress(step) for step in (0, 5, 20, 30)] == [0.0, 0.25, 1.0, 1.0]
    assert Budget(total_steps=0, limit_s=None).progress(1) == 1.0


def test_budget_progress_by_time(clock):
    budget = Budget(total_steps=None, limit_s=102.0)  # two seconds are kept for saving
    shares = []
    for seconds in (0, 25, 100, 200):
        clock[0] = 1000.0 + seconds
        shares.append(budget.progress(7))
    assert shares == [0.0, 0.25, 1.0, 1.0]
    budget.reserve_s = 52.0
    clock[0] = 1025.0
    assert budget.progress(7) == 0.5


def test_budget_progress_is_the_larger_share(clock):
    budget = Budget(total_steps=10, limit_s=102.0)
    clock[0] += 50
    assert budget.progress(2) == 0.5
    assert budget.progress(8) == 0.8


def test_budget_without_limits_never_ends(clock):
    budget = Budget(total_steps=None, limit_s=None)
    clock[0] += 1e6
    assert budget.progress(10**6) == 0.0


def test_budget_shorter_than_its_reserve_is_used_up(clock):
    budget = Budget(total_steps=None, limit_s=1.0)
    clock[0] += 0.01
    assert budget.progress(0) == 1.0


def test_budget_counts_earlier_sessions(clock):
    budget = Budget(total_steps=None, limit_s=102.0, used_s=40.0)
    assert budget.seconds() == 40.0
    clock[0] += 35
    assert budget.seconds() == 75.0
    assert budget.progress(1) == 0.75
    assert budget.left_s(1) == pytest.approx(25.0)


def test_budget_left_s(clock):
    budget = Budget(total_steps=20, limit_s=None)
    assert budget.left_s(0) == math.inf
    clock[0] += 30
    assert budget.left_s(5) == pytest.approx(90.0)  # a quarter took 30 seconds
    assert budget.left_s(20) == 0.0
