"""The training loop with a made-up step, made-up windows and a clock that only they move."""

import itertools
import math
import time
from types import SimpleNamespace

import numpy as np
import pytest

from textrnn.config import TrainConfig
from textrnn.text.windows import Batch
from textrnn.training.checkpoint import Progress
from textrnn.training.loop import CHECK_COST, Callbacks, Learner, NotFiniteError, train_loop
from textrnn.training.schedule import Budget

CONFIG = TrainConfig(learning_rate=0.4, warmup=0, patience=0)
STEP_S, TOKENS = 0.5, 6


class Fake:
    """A step, windows and callbacks that write down what happened."""

    def __init__(
        self, *, num_batches=10, losses=(), nats=(), filling=(), check_s=0.0, interrupt_after=None, check_tokens=1
    ):
        self.num_batches, self.filling = num_batches, filling
        self.check_s, self.interrupt_after = check_s, interrupt_after
        self._losses, self._nats, self.now = iter(losses), iter(nats), 1000.0
        self.asked, self.rates, self.states = [], [], []
        self.shown, self.rows, self.best = [], [], []
        self.learner = Learner(self.step, lambda rows: [np.zeros((rows, 1))])
        self.callbacks = Callbacks(
            validate=self.validate,
            check_tokens=check_tokens,
            on_step=self.on_step,
            on_check=self.on_check,
            interrupted=lambda: len(self.rates) == self.interrupt_after,
        )

    def batch(self, epoch, index):
        self.asked.append((epoch, index))
        mask = np.full((2, 3), (epoch, index) not in self.filling, np.float32)
        return Batch(np.zeros((2, 3), np.int32), np.zeros((2, 3), np.int32), mask, reset=index == 0)

    def step(self, x, y, mask, state, rate):
        assert mask.any()
        self.now += STEP_S
        self.rates.append(float(rate))
        self.states.append(float(state[0][0, 0]))
        loss = next(self._losses, 2.0)
        return np.float32(loss), np.float32(0.5), [state[0] + 1]

    def validate(self):
        self.now += self.check_s
        return next(self._nats, 1.0)

    def on_step(self, progress, budget, epoch, loss):
        self.shown.append((progress.step, epoch, loss))

    def on_check(self, row, is_best, state):
        self.rows.append(row)
        self.best.append(is_best)
        self.state_at_check = state


@pytest.fixture
def train(monkeypatch):
    """Runs the loop over a `Fake`; returns why it ended and the progress."""

    def run(fake, *, steps=100, limit_s=None, progress=None, config=CONFIG):
        monkeypatch.setattr(time, "monotonic", lambda: fake.now)
        progress = progress or Progress()
        budget = Budget(steps, limit_s, used_s=progress.seconds)
        return SimpleNamespace(
            ended=train_loop(fake.learner, fake, config, budget, progress, fake.callbacks),
            progress=progress,
            budget=budget,
        )

    return run


def test_train_loop_ends_on_steps(train):
    fake = Fake(num_batches=4)
    result = train(fake, steps=6)
    assert (result.ended, result.progress.step) == ("budget", 6)
    assert fake.asked == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1)]
    assert fake.rows[-1]["step"] == 6
    assert fake.rows[-1]["epoch"] == 1.5
    assert [step for step, _, _ in fake.shown] == [1, 2, 3, 4, 5, 6]
    assert fake.shown[-1] == (6, 1.5, 2.0)


def test_train_loop_ends_on_time(train):
    fake = Fake(check_s=1.0)
    result = train(fake, steps=None, limit_s=60.0)
    assert result.ended == "budget"
    assert 60 - STEP_S - 2.5 <= result.budget.seconds() <= 60
    assert result.progress.seconds == result.budget.seconds()


def test_train_loop_carries_the_state_and_resets_it(train):
    fake = Fake(num_batches=3)
    train(fake, steps=7)
    assert fake.states == [0, 1, 2, 0, 1, 2, 0]
    assert float(fake.state_at_check[0][0, 0]) == 1


def test_train_loop_follows_the_schedule(train):
    fake = Fake()
    train(fake, steps=4)
    expected = [0.4 * (0.02 + 0.49 * (1 + math.cos(math.pi * step / 4))) for step in range(4)]
    assert fake.rates == pytest.approx(expected)


def test_train_loop_checks_at_sensible_shares(train):
    fake = Fake()
    result = train(fake, steps=200)
    assert fake.rows == result.progress.history
    steps = [row["step"] for row in fake.rows]
    assert 18 <= len(steps) <= 21
    assert steps[-1] == 200
    assert all(9 <= after - before <= 11 for before, after in itertools.pairwise(steps[:-1]))


def test_train_loop_checks_at_least_every_five_minutes(train):
    fake = Fake()
    train(fake, steps=None, limit_s=20_000.0)
    seconds = [row["seconds"] for row in fake.rows]
    assert max(after - before for before, after in itertools.pairwise(seconds)) <= 300 + STEP_S


@pytest.mark.parametrize("check_s", [5.0, 40.0])
def test_train_loop_keeps_checks_cheap(train, check_s):
    fake = Fake(check_s=check_s)
    result = train(fake, steps=None, limit_s=1000.0)
    assert len(fake.rows) >= 2
    assert (len(fake.rows) - 1) * check_s <= 1.2 * CHECK_COST * 1000  # the last one is not optional
    assert result.budget.seconds() <= 1000


def test_train_loop_expects_what_the_first_check_costs(train):
    fake = Fake(check_s=10.0, check_tokens=360)  # at 12 tokens a second and three times that when reading: 10 seconds
    train(fake, steps=None, limit_s=1000.0)
    assert fake.rows[0]["seconds"] == pytest.approx(10 / CHECK_COST + 10, abs=3)


def test_train_loop_of_few_steps_checks_once(train):
    fake = Fake()
    train(fake, steps=1)
    assert [row["step"] for row in fake.rows] == [1]
    assert math.isnan(fake.rows[0]["tokens_per_s"])  # the only step traced the graph


def test_train_loop_ends_on_patience(train):
    fake = Fake(nats=[3.0, 2.0, 2.5, 1.5, 1.7, 1.6, 1.5, 1.0])
    result = train(fake, steps=1000, config=TrainConfig(learning_rate=0.4, patience=3))
    assert result.ended == "patience"
    assert fake.best == [True, True, False, True, False, False, False]  # an equal loss is not better
    progress = result.progress
    assert (progress.best_nats, progress.best_step, progress.worse_checks) == (1.5, fake.rows[3]["step"], 3)
    assert progress.step == fake.rows[-1]["step"] < 1000


def test_train_loop_without_patience_goes_on(train):
    fake = Fake(nats=[1.0] + [2.0] * 100)
    result = train(fake, steps=400)
    assert (result.ended, result.progress.step) == ("budget", 400)
    assert result.progress.best_nats == 1.0


def test_train_loop_stops_after_the_step_when_interrupted(train):
    fake = Fake(interrupt_after=5)
    result = train(fake, steps=1000)
    assert (result.ended, result.progress.step, len(fake.rates)) == ("interrupted", 5, 5)
    assert [row["step"] for row in fake.rows] == [5]  # so that what was learnt is kept


def test_train_loop_interrupted_before_the_first_step(train):
    fake = Fake(interrupt_after=0)
    result = train(fake)
    assert (result.ended, result.progress.step, fake.rows) == ("interrupted", 0, [])


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_train_loop_not_finite_gives_advice(train, loss):
    fake = Fake(losses=[2.0, 2.0, loss])
    progress = Progress()
    with pytest.raises(NotFiniteError, match=r"at step 3: .*--learning-rate.*--warmup.*--clip-norm"):
        train(fake, progress=progress)
    assert progress.step == 2
    assert float(fake.learner.state[0][0, 0]) == 2


def test_train_loop_not_finite_validation(train):
    fake = Fake(nats=[math.nan])
    with pytest.raises(NotFiniteError, match=r"validation loss is nan.*--learning-rate"):
        train(fake, steps=3)
    assert fake.rows == []


def test_train_loop_skips_a_batch_of_filling(train):
    fake = Fake(num_batches=3, filling=[(0, 2), (1, 0)])
    result = train(fake, steps=6)
    assert result.progress.step == 6
    assert len(fake.rates) == 4
    assert result.progress.tokens == 4 * TOKENS
    assert fake.states == [0, 1, 0, 1]  # a reset counts even where nothing else does
    assert all(math.isfinite(loss) for _, _, loss in fake.shown)


def test_train_loop_history_row(train):
    fake = Fake(num_batches=4, losses=[4.0, 3.0, 2.5, 2.5], nats=[2.25])
    result = train(fake, steps=4)
    rate = fake.rows[0].pop("learning_rate")
    assert rate == pytest.approx(fake.rates[-1])
    assert fake.rows == [
        dict(
            step=4,
            epoch=1.0,
            seconds=4 * STEP_S,
            gradient_norm=0.5,
            train_nats_per_token=3.0,
            val_nats_per_token=2.25,
            tokens_per_s=TOKENS / STEP_S,
        )
    ]
    progress = result.progress
    assert (progress.tokens, progress.timed_tokens, progress.step_s) == (4 * TOKENS, 3 * TOKENS, 3 * STEP_S)


def test_train_loop_rows_count_from_the_check_before(train):
    fake = Fake(losses=[4.0] * 10 + [1.0] * 200)
    train(fake, steps=200)
    assert fake.rows[0]["train_nats_per_token"] > 1
    assert fake.rows[-1]["train_nats_per_token"] == 1.0


def test_train_loop_goes_on_from_a_position(train):
    fake = Fake(num_batches=3)
    fake.learner.state = [np.full((2, 1), 7.0)]
    progress = Progress(step=5, seconds=50.0, best_nats=0.5, best_step=4, history=[{"step": 4}])
    result = train(fake, steps=8, progress=progress)
    assert fake.asked == [(1, 2), (2, 0), (2, 1)]
    assert fake.states == [7, 0, 1]  # the carried state, then a new epoch
    assert progress.step == 8
    assert progress.seconds == 50.0 + 3 * STEP_S
    assert [row["step"] for row in result.progress.history] == [4, 8]
    assert fake.best == [False]  # 1.0 is worse than the 0.5 of the session before
    assert progress.best_step == 4
