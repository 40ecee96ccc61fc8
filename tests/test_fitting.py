"""What is decided about models, on rows that they had not learnt from."""

import numpy as np
import pytest

from textrnn.classifier.fit_models import Models, Task, _decide, _simplest_good, _smallest_class
from textrnn.classifier.options import ClassifierConfig


def task(labels, kind="auto"):
    said = []
    made = Task(
        texts=["x"] * len(labels),
        labels=labels,
        num_classes=2,
        config=ClassifierConfig(),
        kind=kind,
        class_weights=np.ones(2),
        left_s=lambda: 10.0,
        interrupted=lambda: False,
        say=said.append,
        progress=lambda done, detail: None,
    )
    return made, said


def scores(labels, right, rng, sure=2.0):
    """Logits whose larger one is right in a share of the rows."""
    told = np.where(rng.random(len(labels)) < right, labels, 1 - labels)
    return np.eye(2)[told] * sure + rng.normal(0, 0.1, (len(labels), 2))


def decided(rng, right, kind="auto", known=400):
    labels = rng.integers(0, 2, 400)
    logits = {name: scores(labels, share, rng) for name, share in right.items()}
    if "rnn" in logits:
        logits["rnn"][known:] = np.nan
    models, (made, said) = Models(), task(labels, kind)
    _decide(made, models, logits)
    return models, said


def test_two_models_that_err_on_different_rows_are_combined(rng):
    models, said = decided(rng, dict(linear=0.8, rnn=0.8), known=300)
    assert models.held["combined"] >= max(models.held["linear"], models.held["rnn"])
    assert models.mixture is not None and sum(models.mixture.weights) == pytest.approx(1)
    assert len(models.held_rows) == 300 and "300 rows" in said[-1]
    assert all(own.shape == (300, 2) for own in models.held_probabilities.values())


def test_better_model_is_chosen(rng):
    assert decided(rng, dict(linear=0.95, rnn=0.5))[0].chosen in ("linear", "combined")
    assert decided(rng, dict(linear=0.5, rnn=0.95))[0].chosen in ("rnn", "combined")


def test_linear_model_wins_a_draw(rng):
    labels = rng.integers(0, 2, 200)
    logits = scores(labels, 0.8, rng)
    models, (made, _) = Models(), task(labels)
    _decide(made, models, {"linear": logits, "rnn": logits.copy()})
    assert models.chosen == "linear"


@pytest.mark.parametrize("kind", ["rnn", "linear", "combined"])
def test_asked_for_model_is_chosen(kind, rng):
    assert decided(rng, dict(linear=0.7, rnn=0.7), kind)[0].chosen == kind


def test_asked_for_combination_of_one_is_that_one(rng):
    assert decided(rng, dict(linear=0.7), "combined")[0].chosen == "linear"


def test_temperatures_lower_the_loss_of_sure_models(rng):
    labels = rng.integers(0, 2, 400)
    models, (made, _) = Models(), task(labels)
    _decide(made, models, {"linear": scores(labels, 0.75, rng, sure=9.0)})
    assert models.temperatures["linear"] > 3


def test_smallest_class_is_at_least_two():
    assert [_smallest_class(np.array(labels)) for labels in ([0, 0, 0, 2, 2, 2, 2], [0, 0, 1])] == [3, 2]


def test_linear_model_is_used_when_no_row_is_known_to_both(rng):
    labels = rng.integers(0, 2, 40)
    logits = {name: scores(labels, 0.9, rng) for name in ("linear", "rnn")}
    logits["linear"][20:], logits["rnn"][:20] = np.nan, np.nan
    models, (made, _) = Models(), task(labels)
    _decide(made, models, logits)
    assert models.chosen == "linear" and len(models.held_rows) == 20 and models.mixture is None


def test_more_than_a_standard_error_is_needed_for_less_simple_models():
    """Right on 4 rows more, of 16 that just one is right on, is one standard error: not enough."""
    labels, simple, elaborate = np.zeros(100, np.int64), np.zeros(100, np.int64), np.zeros(100, np.int64)
    simple[:10], elaborate[10:16] = 1, 1
    said = {name: np.eye(2)[told] for name, told in (("linear", simple), ("combined", elaborate))}
    assert _simplest_good(said, labels) == "linear"
    elaborate[15] = 0
    said["combined"] = np.eye(2)[elaborate]
    assert _simplest_good(said, labels) == "combined"
