"""The trainer with a made-up objective, a made-up step and a clock that only they move."""

import itertools
import math
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from textrnn.training.checkpoint import Progress
from textrnn.training.objective import Batch
from textrnn.training.schedule import Budget, Schedule
from textrnn.training.trainer import (
    CHECK_COST,
    GO_BACK_AFTER,
    MAX_HALVINGS,
    Check,
    NotFiniteError,
    Saved,
    Step,
    Trainer,
    WentBack,
)
from textrnn.training.workers import Workers

SCHEDULE = Schedule(0.4)
STEP_S, TOKENS = 0.5, 6


class Fake:
    """An objective, a step and a store that write down what happened."""

    variables = ()

    def __init__(
        self,
        *,
        num_batches=10,
        losses=(),
        nats=(),
        filling=(),
        check_s=0.0,
        interrupt_after=None,
        num_checked=1,
        norms=(),
    ):
        self.num_batches, self.filling, self.num_checked = num_batches, filling, num_checked
        self.check_s, self.interrupt_after = check_s, interrupt_after
        self._losses, self._nats, self._norms, self.now = iter(losses), iter(nats), iter(norms), 1000.0
        self.asked, self.rates, self.states, self.saves = [], [], [], []
        self.restored = Progress()
        self.first_state = []

    def batch(self, epoch, index):
        self.asked.append((epoch, index))
        num_targets = 0 if (epoch, index) in self.filling else TOKENS
        return Batch((np.zeros((2, 3), np.int32),), num_targets, reset=index == 0)

    def initial_state(self, rows):
        return [np.zeros((rows, 1))]

    def step(self, arrays, state, rate):
        assert self.asked[-1] not in self.filling
        self.now += STEP_S
        self.rates.append(float(rate))
        self.states.append(float(state[0][0, 0]))
        loss = next(self._losses, 2.0)
        return np.float32(loss), np.float32(next(self._norms, 0.5)), [state[0] + 1]

    def evaluate(self):
        self.now += self.check_s
        return next(self._nats, 1.0)

    def save(self, progress, state):
        self.saves.append((progress.step, self.now))

    def restore(self, step):
        return [], self.restored, ""


@pytest.fixture
def train(monkeypatch):
    """Runs the trainer over a `Fake`; gives why it ended, the progress, and the events by their kind."""

    def run(fake, *, steps=100, limit_s=None, progress=None, schedule=SCHEDULE, check_s=0.0):
        monkeypatch.setattr(time, "monotonic", lambda: fake.now)
        workers = Workers()
        workers.listen(lambda: len(fake.rates) == fake.interrupt_after)
        progress = fake.progress = progress or Progress()
        trainer = fake.trainer = Trainer(
            fake, fake.step, schedule, fake, progress=progress, state=fake.first_state, workers=workers
        )
        budget = Budget(steps, limit_s, used_s=progress.seconds)
        budget.expect_check(check_s)
        fake.events = []
        for event in trainer.run(budget):
            fake.events.append(event)
            if isinstance(event, Check):
                fake.state_at_check = trainer.state
        fake.checks = [event for event in fake.events if isinstance(event, Check)]
        fake.rows = [event.row for event in fake.checks]
        fake.best = [event.is_best for event in fake.checks]
        fake.problems = [event.line for event in fake.events if isinstance(event, WentBack)]
        assert [event.ended for event in fake.events[-1:]] == [trainer.ended]
        return SimpleNamespace(ended=trainer.ended, progress=trainer.progress, budget=budget)

    return run


def test_trainer_ends_on_steps(train):
    fake = Fake(num_batches=4)
    result = train(fake, steps=6)
    assert (result.ended, result.progress.step) == ("budget", 6)
    assert fake.asked == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1)]
    assert fake.rows[-1]["step"] == 6
    assert fake.rows[-1]["epoch"] == 1.5
    steps = [event for event in fake.events if isinstance(event, Step)]
    assert [event.step for event in steps] == [1, 2, 3, 4, 5, 6]
    assert (steps[-1].epoch, steps[-1].loss, steps[2].done) == (1.5, 2.0, 0.5)


def test_trainer_ends_on_time(train):
    fake = Fake(check_s=1.0)
    result = train(fake, steps=None, limit_s=60.0)
    assert result.ended == "budget"
    assert 60 - STEP_S - 2.5 <= result.budget.seconds() <= 60
    assert result.progress.seconds == result.budget.seconds()


def test_trainer_carries_the_state_and_resets_it(train):
    fake = Fake(num_batches=3)
    train(fake, steps=7)
    assert fake.states == [0, 1, 2, 0, 1, 2, 0]
    assert float(fake.state_at_check[0][0, 0]) == 1


def test_trainer_follows_the_schedule(train):
    fake = Fake()
    train(fake, steps=4)
    expected = [0.4 * (0.02 + 0.49 * (1 + math.cos(math.pi * step / 4))) for step in range(4)]
    assert fake.rates == pytest.approx(expected)


def test_trainer_checks_at_sensible_shares(train):
    fake = Fake()
    result = train(fake, steps=200)
    assert fake.rows == result.progress.history
    steps = [row["step"] for row in fake.rows]
    assert 18 <= len(steps) <= 21
    assert steps[-1] == 200
    assert all(9 <= after - before <= 11 for before, after in itertools.pairwise(steps[:-1]))


def test_trainer_checks_at_least_every_five_minutes(train):
    fake = Fake()
    train(fake, steps=None, limit_s=20_000.0)
    seconds = [row["seconds"] for row in fake.rows]
    assert max(after - before for before, after in itertools.pairwise(seconds)) <= 300 + STEP_S


@pytest.mark.parametrize("check_s", [5.0, 40.0])
def test_trainer_keeps_checks_cheap(train, check_s):
    fake = Fake(check_s=check_s)
    result = train(fake, steps=None, limit_s=1000.0)
    assert len(fake.rows) >= 2
    assert (len(fake.rows) - 1) * check_s <= 1.2 * CHECK_COST * 1000  # the last one is not optional
    assert result.budget.seconds() <= 1000


def test_trainer_expects_what_the_first_check_costs(train):
    fake = Fake(check_s=10.0, num_checked=360)  # at 12 tokens a second and three times that when reading: 10 seconds
    train(fake, steps=None, limit_s=1000.0)
    assert fake.rows[0]["seconds"] == pytest.approx(10 / CHECK_COST + 10, abs=3)


def test_trainer_leaves_what_was_measured_of_the_first_check(train):
    fake = Fake(check_s=600.0, num_checked=1)  # which looks cheap by the speed of learning
    result = train(fake, steps=None, limit_s=1000.0, check_s=600.0)
    assert len(fake.rows) == 1 and 800 < result.budget.seconds() <= 1000


def test_trainer_of_few_steps_checks_once(train):
    fake = Fake()
    train(fake, steps=1)
    assert [row["step"] for row in fake.rows] == [1]
    assert math.isnan(fake.rows[0]["tokens_per_s"])  # the only step traced the graph


def test_trainer_ends_on_patience(train):
    fake = Fake(nats=[3.0, 2.0, 2.5, 1.5, 1.7, 1.6, 1.5, 1.0])
    result = train(fake, steps=1000, schedule=replace(SCHEDULE, patience=3))
    assert result.ended == "patience"
    assert fake.best == [True, True, False, True, False, False, False]  # an equal loss is not better
    progress = result.progress
    assert (progress.best_nats, progress.best_step, progress.worse_checks) == (1.5, fake.rows[3]["step"], 3)
    assert progress.step == fake.rows[-1]["step"] < 1000


def test_trainer_without_patience_goes_on(train):
    fake = Fake(nats=[1.0] + [2.0] * 100)
    result = train(fake, steps=400)
    assert (result.ended, result.progress.step) == ("budget", 400)
    assert result.progress.best_nats == 1.0


def test_trainer_stops_after_the_step_when_interrupted(train):
    fake = Fake(interrupt_after=5)
    result = train(fake, steps=1000)
    assert (result.ended, result.progress.step, len(fake.rates)) == ("interrupted", 5, 5)
    assert [row["step"] for row in fake.rows] == [5]  # so that what was learnt is kept


def test_trainer_interrupted_before_the_first_step(train):
    fake = Fake(interrupt_after=0)
    result = train(fake)
    assert (result.ended, result.progress.step, fake.rows) == ("interrupted", 0, [])


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_trainer_skips_steps_that_are_not_finite(train, loss):
    losses = [2.0, 2.0, *[loss] * (GO_BACK_AFTER - 1), 3.0, loss]
    fake = Fake(losses=losses, num_checked=10**9)  # too many to check before the end
    progress = train(fake, steps=20).progress
    assert (progress.step, progress.skipped, progress.skipped_in_a_row) == (20, GO_BACK_AFTER, 0)
    shown = [event.loss for event in fake.events if isinstance(event, Step)]
    assert shown[:9] == [2.0] * 6 + [3.0, 3.0, 2.0]  # of a step that was not finite, the loss before it
    assert fake.problems == [] and progress.rate_scale == 1
    assert fake.states[:9] == [0, 1, *[2, 0, 0, 0], 0, 1, 0]  # the state may be what is wrong: it begins anew
    assert progress.tokens == (20 - GO_BACK_AFTER) * TOKENS
    assert fake.rows[0]["train_nats_per_token"] == pytest.approx((2 * 14 + 3) / 15)


def test_trainer_skips_steps_whose_gradient_is_not_finite(train):
    fake = Fake(norms=[0.5, math.nan])
    progress = train(fake, steps=5).progress
    assert (progress.step, progress.skipped) == (5, 1)


def test_trainer_goes_back_and_halves_the_rate(train):
    fake = Fake(losses=[2.0] * 3 + [math.nan] * GO_BACK_AFTER)
    fake.restored = Progress(step=2)
    progress = train(fake, steps=100, schedule=replace(SCHEDULE, decay="constant")).progress
    assert len(fake.problems) == 1
    assert "the loss is nan and the gradient's norm 0.5 at step 8" in fake.problems[0]
    assert fake.rates == pytest.approx([0.4] * (3 + GO_BACK_AFTER) + [0.2] * 98)
    assert fake.asked[8] == (0, 2)
    assert (progress.step, progress.skipped, progress.rate_scale) == (100, GO_BACK_AFTER, 0.5)


def test_trainer_that_never_gets_finite_gives_advice(train):
    fake = Fake(losses=[2.0, 2.0] + [math.nan] * 1000)
    with pytest.raises(NotFiniteError, match=r"the loss is nan .* at step 5.*a lower --learning-rate$"):
        train(fake)
    assert fake.progress.rate_scale == 0.5**MAX_HALVINGS
    assert fake.progress.skipped == (MAX_HALVINGS + 1) * GO_BACK_AFTER


def test_trainer_not_finite_validation_goes_back(train):
    fake = Fake(nats=[math.nan, 2.0])
    result = train(fake, steps=3)
    assert len(fake.problems) == 1 and "validation loss is nan at step 3" in fake.problems[0]
    assert (result.ended, len(fake.rates), [row["step"] for row in fake.rows]) == ("budget", 6, [3])
    assert result.progress.rate_scale == 0.5


def test_trainer_validation_that_never_gets_finite(train):
    fake = Fake(nats=[math.nan] * 100)
    with pytest.raises(NotFiniteError, match=r"validation loss is nan.*--learning-rate"):
        train(fake, steps=3)
    assert not any(isinstance(event, Check) for event in fake.events)


def test_trainer_not_finite_at_the_end_of_the_time(train):
    """Going back does not bring time back: what was restored is measured, and that is the end."""
    fake = Fake(nats=[math.nan, 2.0], check_s=20.0)
    result = train(fake, steps=None, limit_s=10.0)
    assert (result.ended, [row["step"] for row in fake.rows]) == ("budget", [0])


def test_trainer_saves_after_some_time_and_each_best(train):
    fake = Fake(nats=[3.0, 2.0, 2.5, 2.5])
    train(fake, steps=200, schedule=replace(SCHEDULE, save_every_s=12.0))
    best = [row["step"] for row, is_best in zip(fake.rows, fake.best, strict=True) if is_best]
    worse = {row["step"] for row in fake.rows} - set(best)
    steps = [step for step, _ in fake.saves]
    assert set(best) < set(steps) and not worse <= set(steps)
    times = [1000.0, *(now for _, now in fake.saves)]
    assert max(after - before for before, after in itertools.pairwise(times)) == 12.0  # between checks too
    assert len(steps) == len(set(steps))


def test_trainer_does_not_save_more_often_than_asked(train):
    fake = Fake(nats=[1.0] + [2.0] * 100)
    train(fake, steps=200, schedule=replace(SCHEDULE, save_every_s=1000.0))
    assert (
        [step for step, _ in fake.saves]
        == [fake.rows[0]["step"]]
        == [e.step for e in fake.events if isinstance(e, Saved)]
    )


DETERMINISTIC = replace(SCHEDULE, deterministic=True)


@pytest.mark.parametrize("check_s", [0.0, 100.0])
def test_trainer_deterministic_checks_at_fixed_steps(train, check_s):
    fake = Fake(check_s=check_s)
    progress = train(fake, steps=103, progress=Progress(total_steps=103), schedule=DETERMINISTIC).progress
    assert [row["step"] for row in fake.rows] == [*range(5, 101, 5), 103]
    assert progress.step == 103
    few = Fake(check_s=check_s)
    train(few, steps=3, progress=Progress(total_steps=3), schedule=DETERMINISTIC)
    assert [row["step"] for row in few.rows] == [1, 2, 3]


@pytest.mark.parametrize("stop", [3, 5, 7, 99, 100])
def test_trainer_deterministic_is_the_same_after_an_interrupt(train, stop):
    losses, nats = [3 - 0.01 * step for step in range(103)], [2 - 0.02 * (n % 7) for n in range(30)]
    whole = Fake(losses=losses, nats=nats)
    expected = train(whole, steps=103, progress=Progress(total_steps=103), schedule=DETERMINISTIC).progress
    first = Fake(losses=losses, nats=nats, interrupt_after=stop)
    result = train(first, steps=103, progress=Progress(total_steps=103), schedule=DETERMINISTIC)
    assert (result.ended, result.progress.step) == ("interrupted", stop)
    second = Fake(losses=losses[stop:], nats=nats[len(first.rows) :])
    second.first_state = first.trainer.state
    found = train(second, steps=103, progress=result.progress, schedule=DETERMINISTIC).progress
    assert first.rates + second.rates == whole.rates and first.states + second.states == whole.states
    for row in [*expected.history, *found.history]:
        del row["seconds"], row["tokens_per_s"]  # the first step of a session is not timed
    assert found.history == expected.history
    assert (found.best_nats, found.best_step, found.worse_checks) == (
        expected.best_nats,
        expected.best_step,
        expected.worse_checks,
    )


def test_trainer_that_was_killed_before_its_end_ends(train):
    """All steps were done and saved, the last check or what comes after it was not."""
    unchecked = Fake()
    result = train(unchecked, steps=8, progress=Progress(step=8, seconds=4.0))
    assert (result.ended, [row["step"] for row in unchecked.rows], unchecked.rates) == ("budget", [8], [])
    checked = Fake()
    result = train(checked, steps=8, progress=Progress(step=8, seconds=4.0, history=[{"step": 8}]))
    assert (result.ended, checked.rows, checked.rates) == ("budget", [], [])
    patient = Fake()
    progress = Progress(step=5, seconds=4.0, worse_checks=2, history=[{"step": 5}])
    result = train(patient, steps=8, progress=progress, schedule=replace(SCHEDULE, patience=2))
    assert (result.ended, patient.rows, patient.rates) == ("patience", [], [])


def test_trainer_skips_a_batch_of_filling(train):
    fake = Fake(num_batches=3, filling=[(0, 2), (1, 0)])
    result = train(fake, steps=6)
    assert result.progress.step == 6
    assert len(fake.rates) == 4
    assert result.progress.tokens == 4 * TOKENS
    assert fake.states == [0, 1, 0, 1]  # a reset counts even where nothing else does
    assert all(math.isfinite(event.loss) for event in fake.events if isinstance(event, Step))


def test_trainer_history_row(train):
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


def test_trainer_rows_count_from_the_check_before(train):
    fake = Fake(losses=[4.0] * 10 + [1.0] * 200)
    train(fake, steps=200)
    assert fake.rows[0]["train_nats_per_token"] > 1
    assert fake.rows[-1]["train_nats_per_token"] == 1.0


def test_trainer_goes_on_from_a_position(train):
    fake = Fake(num_batches=3)
    fake.first_state = [np.full((2, 1), 7.0)]
    progress = Progress(step=5, seconds=50.0, best_nats=0.5, best_step=4, history=[{"step": 4}])
    result = train(fake, steps=8, progress=progress)
    assert fake.asked == [(1, 2), (2, 0), (2, 1)]
    assert fake.states == [7, 0, 1]  # the carried state, then a new epoch
    assert progress.step == 8
    assert progress.seconds == 50.0 + 3 * STEP_S
    assert [row["step"] for row in result.progress.history] == [4, 8]
    assert fake.best == [False]  # 1.0 is worse than the 0.5 of the session before
    assert progress.best_step == 4


def test_trainer_without_checks_makes_its_steps_and_ends(train):
    fake = Fake()
    fake.evaluate = None
    result = train(fake, steps=7, schedule=replace(SCHEDULE, final_share=0.0))
    assert (result.ended, result.progress.step, fake.checks, fake.saves) == ("budget", 7, [], [])
    assert fake.rates == pytest.approx([0.2 * (1 + math.cos(math.pi * step / 7)) for step in range(7)])


def test_trainer_without_a_store_goes_on_with_the_weights_there_are(monkeypatch):
    fake = Fake(losses=[math.nan] * GO_BACK_AFTER)
    monkeypatch.setattr(time, "monotonic", lambda: fake.now)
    fake.evaluate = None
    trainer = Trainer(fake, fake.step, SCHEDULE)
    events = list(trainer.run(Budget(9, None)))
    assert trainer.progress.step == 9 and trainer.progress.rate_scale == 0.5
    assert "going on with the weights there are" in next(e.line for e in events if isinstance(e, WentBack))
