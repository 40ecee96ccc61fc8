"""Mixtures of models and the choice among them: by hand, and not carried away by few rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrnn.base.errors import ConfigError, DataError
from textrnn.classifier.combine import LARGEST_GRID, Mixture, _grid, best_mixture, choose
from textrnn.classifier.kinds import Classes, Grades
from textrnn.report.calibration import softmax
from textrnn.report.metrics import log_loss

PAIR = Classes(["bad", "good"])
A, B = np.array([[0.8, 0.2], [0.5, 0.5]]), np.array([[0.2, 0.8], [0.1, 0.9]])


def mix(first, second, weight, kind="log"):
    return Mixture(kind, (1 - weight, weight))([first, second])


def simulated(seed, rows, skills):
    """Labels and calibrated probabilities of models that err independently."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, rows)
    shift = np.where(labels, 1, -1)[:, None] / 2
    logits = [skill * (rng.normal(0, 1, (rows, 1)) + skill * shift) for skill in skills]
    return labels, [softmax(np.concatenate([-one / 2, one / 2], 1)) for one in logits]


def test_mix_linear_by_hand():
    np.testing.assert_allclose(mix(A, B, 0.25, kind="linear"), [[0.65, 0.35], [0.4, 0.6]])


def test_mix_log_by_hand():
    """Odds are multiplied: sqrt(4 / 1 * 1 / 4) = 1, sqrt(1 * 1 / 9) = 1 / 3."""
    np.testing.assert_allclose(mix(A, B, 0.5), [[0.5, 0.5], [0.25, 0.75]])


@pytest.mark.parametrize("kind", ["linear", "log"])
def test_mix_at_the_ends_is_one_model(kind):
    np.testing.assert_allclose(mix(A, B, 0, kind=kind), A)
    np.testing.assert_allclose(mix(A, B, 1, kind=kind), B)


def test_mix_log_stands_probabilities_of_zero():
    sure, other = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    np.testing.assert_allclose(mix(sure, other, 0.5), [[0.5, 0.5]])
    np.testing.assert_allclose(mix(sure, sure, 0.5), sure, atol=1e-12)


@given(st.integers(0, 10**6), st.floats(0, 1), st.sampled_from(["linear", "log"]))
def test_mix_gives_probabilities(seed, weight, kind):
    rng = np.random.default_rng(seed)
    first, second = rng.dirichlet(np.ones(5), 3), rng.dirichlet(np.full(5, 0.1), 3)
    found = mix(first, second, weight, kind=kind)
    assert found.shape == (3, 5) and (found >= 0).all()
    np.testing.assert_allclose(found.sum(1), 1)


def test_mixture_of_three_by_hand():
    found = Mixture("linear", (0.5, 0.25, 0.25))([A, B, B])
    np.testing.assert_allclose(found, (A + B) / 2)


def test_mixture_json_round_trip():
    mixture = Mixture("log", (0.25, 0.75))
    assert Mixture.from_json(mixture.to_json()) == mixture
    assert mixture.to_json() == {"kind": "log", "weights": [0.25, 0.75]}


@pytest.mark.parametrize(
    "values",
    [None, 3, {}, {"kind": "log"}, {"kind": "cubic", "weights": [1.0]}, {"kind": "log", "weights": [0.5]}]
    + [{"kind": "log", "weights": weights} for weights in ([-1, 2], ["x"], 5, [float("nan")], [])],
)
def test_mixture_from_json_refuses(values):
    with pytest.raises(ConfigError, match="a mixture is"):
        Mixture.from_json(values)


def test_mixture_needs_a_model_for_each_weight():
    with pytest.raises(DataError, match="3 models for 2 weights"):
        Mixture("log", (0.5, 0.5))([A, A, A])


@pytest.mark.parametrize(("num_models", "size"), [(1, 1), (2, 1 + 21), (3, 1 + 66), (4, 1 + 56), (5, 1 + 70), (30, 31)])
def test_grid_covers_the_ends_and_the_middle(num_models, size):
    grid = list(_grid(num_models))
    assert len(grid) == size <= LARGEST_GRID + 1
    assert grid[0] == (1 / num_models,) * num_models
    for weights in grid:
        assert sum(weights) == pytest.approx(1) and min(weights) >= 0 and len(weights) == num_models
    for k in range(num_models):
        assert tuple(float(j == k) for j in range(num_models)) in grid


@pytest.mark.parametrize("rows", [4, 30])
def test_best_mixture_of_equals_stays_in_the_middle_with_few_rows(rows):
    """One model happens to be right where the other is just not: no reason to believe it alone."""
    labels = np.arange(rows) % 2
    good = np.where(labels[:, None] == [0, 1], 0.55, 0.45)
    worse = good.copy()
    worse[0] = worse[0, ::-1]
    weights = best_mixture([good, worse], labels, PAIR).weights
    assert 0.3 <= weights[1] <= 0.7


def test_best_mixture_leaves_out_a_model_that_knows_nothing():
    labels, (good, _) = simulated(3, 600, (2.5, 1.0))
    guesses = np.random.default_rng(4).dirichlet([1, 1], 600)
    assert best_mixture([good, guesses], labels, PAIR).weights[1] <= 0.1
    assert best_mixture([guesses, good], labels, PAIR).weights[0] <= 0.1


def test_best_mixture_is_better_on_other_rows_than_each_alone():
    labels, parts = simulated(5, 4000, (1.5, 1.3, 1.1))
    mixture = best_mixture([part[:800] for part in parts], labels[:800], PAIR)
    mixed, truth = mixture([part[800:] for part in parts]), labels[800:]
    alone = [(part[800:].argmax(1) == truth).mean() for part in parts]
    assert (mixed.argmax(1) == truth).mean() > max(alone) + 0.02
    assert log_loss(truth, mixed) < min(log_loss(truth, part[800:]) for part in parts)


@pytest.mark.parametrize("seed", range(5))
def test_best_mixture_costs_little_more_than_the_best_of_its_rows(seed):
    """The charge for unequal weights is at most 2.5 nats over all rows."""
    labels, parts = simulated(seed, 300, (1.5, 1.0))
    best = min(log_loss(labels, mix(*parts, w / 20, kind=kind)) for w in range(21) for kind in ("linear", "log"))
    assert 300 * (log_loss(labels, best_mixture(parts, labels, PAIR)(parts)) - best) <= 2.5


def test_best_mixture_of_one_model_is_that_model():
    assert best_mixture([A], np.array([0, 1]), PAIR) == Mixture("linear", (1.0,))


def test_best_mixture_refuses():
    with pytest.raises(DataError, match="no models"):
        best_mixture([], np.array([0]), PAIR)
    with pytest.raises(DataError, match="no labelled rows"):
        best_mixture([np.zeros((0, 2))], np.array([], int), PAIR)
    with pytest.raises(DataError, match="do not fit"):
        best_mixture([A, A[:1]], np.array([0, 1]), PAIR)


# ---------------------------------------------------------------- the choice


def scores(labels, right, rng, sure=2.0):
    """Logits whose larger one is right in a share of the rows."""
    predicted = np.where(rng.random(len(labels)) < right, labels, 1 - labels)
    return np.eye(2)[predicted] * sure + rng.normal(0, 0.1, (len(labels), 2))


def chosen(rng, right, kind="auto", known=400):
    """The choice among models of which a share is right, the networks on the first rows only."""
    labels = rng.integers(0, 2, 400)
    logits = {name: scores(labels, share, rng) for name, share in right.items()}
    if "rnn" in logits:
        logits["rnn"][known:] = np.nan
    return choose(logits, labels, PAIR, kind)


def test_choose_combines_models_that_err_on_different_rows(rng):
    choice = chosen(rng, dict(linear=0.8, rnn=0.8), known=300)
    assert choice.nats["combined"] <= min(choice.nats["linear"], choice.nats["rnn"])
    assert choice.rows.tolist() == list(range(300))
    assert all(own.shape == (300, 2) for own in choice.predictions.values())
    parts = [choice.predictions[name] for name in ("linear", "rnn")]
    np.testing.assert_array_equal(choice.mixture(parts), choice.predictions["combined"])


@pytest.mark.parametrize(("linear", "rnn", "never"), [(0.95, 0.5, "rnn"), (0.5, 0.95, "linear")])
def test_choose_leaves_the_worse_model(linear, rnn, never, rng):
    assert chosen(rng, dict(linear=linear, rnn=rnn)).chosen != never


def test_choose_takes_the_linear_model_in_a_draw(rng):
    labels = rng.integers(0, 2, 200)
    logits = scores(labels, 0.8, rng)
    assert choose({"linear": logits, "rnn": logits.copy()}, labels, PAIR, "auto").chosen == "linear"


@pytest.mark.parametrize("kind", ["rnn", "linear", "combined"])
def test_choose_takes_what_is_asked_for(kind, rng):
    assert chosen(rng, dict(linear=0.7, rnn=0.7), kind).chosen == kind
    assert chosen(rng, dict(linear=0.7), kind).chosen == "linear"  # all that there is


def test_choose_lowers_the_loss_of_sure_models(rng):
    labels = rng.integers(0, 2, 400)
    assert choose({"linear": scores(labels, 0.75, rng, sure=9.0)}, labels, PAIR, "auto").temperatures["linear"] > 3


def test_choose_takes_the_linear_model_where_no_row_is_known_to_both(rng):
    labels = rng.integers(0, 2, 40)
    logits = {name: scores(labels, 0.9, rng) for name in ("linear", "rnn")}
    logits["linear"][20:], logits["rnn"][:20] = np.nan, np.nan
    choice = choose(logits, labels, PAIR, "auto")
    assert (choice.chosen, choice.rows.tolist(), choice.mixture) == ("linear", list(range(20)), None)


def test_choose_goes_by_log_loss_and_not_by_the_rows_that_are_right(rng):
    """The linear model is right more often; the networks know where they are not sure."""
    labels = rng.integers(0, 2, 400)
    linear = scores(labels, 1.0, rng)
    linear[:80] = linear[:80, ::-1]
    rnn = scores(labels, 1.0, rng)
    rnn[:84] = 0.02 * rnn[:84, ::-1]
    choice = choose({"linear": linear, "rnn": rnn}, labels, PAIR, "auto")
    assert choice.losses["linear"] < choice.losses["rnn"] and choice.nats["rnn"] < choice.nats["linear"]
    assert choice.chosen != "linear"
    assert choice.nats[choice.chosen] == min(choice.nats.values())


def test_other_kinds_are_chosen_by_their_own_loss(rng):
    """Grades: the networks are nearer, and their log-loss is worse."""
    kind, labels = Grades(["1", "2", "3"], [1.0, 2.0, 3.0]), rng.integers(0, 3, 300)
    near = np.where((labels[:, None] > [0, 1]) ^ (rng.random((300, 1)) < 0.05), 9.0, -9.0)
    far = np.tile([0.4, -0.4], (300, 1))
    choice = choose({"linear": far, "rnn": near}, labels, kind, "auto")
    assert choice.chosen != "linear" and choice.losses[choice.chosen] == min(choice.losses.values())
