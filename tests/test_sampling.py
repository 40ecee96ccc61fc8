"""Filters against direct and slow computations, the draw against frequencies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrnn.base.errors import RunError
from textrnn.language_model import random_state as draws
from textrnn.language_model import sampling
from textrnn.language_model.random_state import RowDraws, draw, row_rng
from textrnn.language_model.sample_options import SampleConfig
from textrnn.language_model.sampling import FIRST_ID, make_sampler, probabilities, surprise_bits

VOCAB = 11
# A coarse grid, so that logits are tied often, and otherwise apart by more than rounding.
LOGITS = st.lists(st.integers(-12, 12).map(lambda n: n / 4), min_size=VOCAB, max_size=VOCAB)
BATCHES = st.lists(LOGITS, min_size=1, max_size=3).map(lambda rows: np.array(rows, np.float32))


def slow_softmax(logits):
    weights = np.exp(np.asarray(logits, np.float64) - max(logits))
    return weights / weights.sum()


def by_likelihood(row):
    """Ids from the most to the least likely, lower ids first where tied."""
    return sorted(range(len(row)), key=lambda index: (-row[index], index))


def slow_probabilities(logits, *, temperature=1.0, k=0, p=1.0, min_p=0.0, penalty=1.0, recent=()):
    """One row, filter by filter as the papers have it, in float64 and with lists."""
    logits = [float(value) for value in logits]
    for token in set(recent):
        logits[token] = logits[token] / penalty if logits[token] > 0 else logits[token] * penalty
    row = slow_softmax([value / temperature for value in logits[FIRST_ID:]])
    if k:
        chosen = by_likelihood(row)[:k]
        row = np.array([row[i] if i in chosen else 0.0 for i in range(len(row))])
        row = row / row.sum()
    if p < 1:
        chosen, reached = [], 0.0
        for index in by_likelihood(row):
            if reached >= p - 1e-9:
                break
            chosen.append(index)
            reached += row[index]
        row = np.array([row[i] if i in chosen else 0.0 for i in range(len(row))])
        row = row / row.sum()
    if min_p:
        row = np.where(row >= min_p * row.max() * (1 - 1e-9), row, 0.0)
        row = row / row.sum()
    return np.concatenate([[0.0, 0.0], row])


def check_rows(logits, config, **slow):
    found = probabilities(logits, config)
    expected = np.array([slow_probabilities(row, **slow) for row in logits])
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-7)
    return found


@pytest.fixture(params=["narrow", "wide"])
def narrow_and_wide(request, monkeypatch):
    """Runs a test with the code for large vocabularies too."""
    if request.param == "wide":
        monkeypatch.setattr(sampling, "_WIDE", 4)
        monkeypatch.setattr(draws, "_WIDE", 4)
        monkeypatch.setattr(draws, "_BLOCK", 4)


@settings(deadline=None)
@given(BATCHES, st.floats(0.05, 20))
def test_probabilities_temperature(logits, temperature):
    check_rows(logits, SampleConfig(temperature=temperature), temperature=temperature)


@settings(deadline=None)
@given(BATCHES, st.integers(1, 14))
def test_probabilities_top_k_keeps_exactly_k(logits, k):
    found = check_rows(logits, SampleConfig(temperature=1, top_k=k), k=k)
    assert ((found > 0).sum(axis=1) == min(k, VOCAB - FIRST_ID)).all()


@settings(deadline=None)
@given(logits=BATCHES, p=st.floats(0.01, 0.99), wide=st.booleans())
def test_probabilities_top_p_is_the_smallest_set(logits, p, wide):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "_WIDE", 4 if wide else 1024)
        found = probabilities(logits, SampleConfig(temperature=1, top_p=p))
    for row, kept in zip(logits, found[:, FIRST_ID:] > 0, strict=True):
        everything = slow_softmax([float(value) for value in row[FIRST_ID:]])
        order = by_likelihood(everything)
        number = int(kept.sum())
        assert number >= 1 and set(order[:number]) == set(np.flatnonzero(kept))
        assert everything[order[:number]].sum() >= p - 1e-6
        assert everything[order[: number - 1]].sum() < p + 1e-6


@settings(deadline=None)
@given(BATCHES, st.floats(0.01, 1))
def test_probabilities_min_p(logits, min_p):
    distances = np.abs(np.exp(np.arange(-24, 1) / 4) - min_p)
    if distances.min() > 1e-5:  # elsewhere rounding decides
        check_rows(logits, SampleConfig(temperature=1, min_p=min_p), min_p=min_p)


def test_probabilities_min_p_one_keeps_all_of_the_most_likely():
    logits = np.array([[9, 9, 2, 1, 2, 2, 0]], np.float32)
    found = probabilities(logits, SampleConfig(temperature=0.7, min_p=1))
    np.testing.assert_allclose(found, [[0, 0, 1 / 3, 0, 1 / 3, 1 / 3, 0]], rtol=1e-6)


@settings(deadline=None)
@given(LOGITS, st.lists(st.integers(0, VOCAB - 1), max_size=64), st.floats(0.5, 3))
def test_probabilities_repetition_penalty_counts_a_token_once(logits, recent, penalty):
    padded = np.array([[0] * (64 - len(recent)) + recent])
    config = SampleConfig(temperature=1, repetition_penalty=penalty)
    found = probabilities(np.array([logits], np.float32), config, padded)
    np.testing.assert_allclose(found[0], slow_probabilities(logits, penalty=penalty, recent=recent), rtol=2e-5)


def test_probabilities_all_filters_in_their_order():
    logits = np.log(np.array([[7, 7, 8, 4, 2, 2, 1, 1]], np.float32))
    config = SampleConfig(temperature=1, top_k=4, top_p=0.9, min_p=0.3)
    # Top-k leaves 8 4 2 2 of 16; 14 of them reach 0.9 only with the last 2, so all stay; min-p wants 2.4 and more.
    np.testing.assert_allclose(probabilities(logits, config), [[0, 0, 2 / 3, 1 / 3, 0, 0, 0, 0]], rtol=1e-6)
    config = SampleConfig(temperature=1, top_k=4, top_p=0.8)
    np.testing.assert_allclose(probabilities(logits, config), [[0, 0, 4 / 7, 2 / 7, 1 / 7, 0, 0, 0]], rtol=1e-6)


def test_probabilities_top_p_with_exact_ties():
    logits = np.zeros((1, 6), np.float32)
    found = probabilities(logits, SampleConfig(temperature=1, top_p=0.5))
    assert found.tolist() == [[0, 0, 0.5, 0.5, 0, 0]]
    found = probabilities(logits, SampleConfig(temperature=1, top_p=1e-9))
    assert found.tolist() == [[0, 0, 1, 0, 0, 0]]


@settings(deadline=None)
@given(BATCHES)
def test_probabilities_temperature_zero_takes_the_lowest_of_the_most_likely(logits):
    config = SampleConfig(temperature=0, top_k=3, top_p=0.5)
    expected = logits[:, FIRST_ID:].argmax(axis=1) + FIRST_ID
    found = probabilities(logits, config)
    assert (found.sum(axis=1) == 1).all() and (found.argmax(axis=1) == expected).all()
    assert (make_sampler(config)(logits, np.full(len(logits), 0.99), None) == expected).all()


@pytest.mark.parametrize("order", ["C", "F"])
def test_probabilities_leaves_its_input_alone(order):
    logits = np.array(np.random.default_rng(0).normal(size=(2, VOCAB)), np.float32, order=order)
    before, recent = logits.copy(), np.array([[2, 3], [4, 4]])
    config = SampleConfig(top_k=4, top_p=0.9, min_p=0.1, repetition_penalty=1.5)
    first = probabilities(logits, config, recent)
    assert (logits == before).all() and (probabilities(before, config, recent) == first).all()
    assert first.dtype == np.float32 and (first[:, :FIRST_ID] == 0).all()


@pytest.mark.parametrize("temperature", [0, 5e-324, 1e-8, 1, 100])
@pytest.mark.parametrize(
    ("row", "possible"),
    [
        ([3e38, -3e38, 3e38, -3e38], [2]),
        ([-np.inf, -np.inf, -3e38, -np.inf], [2]),
        ([np.nan, 0, -np.inf, np.nan], [1]),
        ([1, np.inf, np.nan, 5], [1]),
    ],
)
def test_sampling_survives_huge_and_infinite_logits(row, possible, temperature):
    row = [np.nan, np.inf, *row] if np.isnan(row).any() else [3.4e38, 0, *row]
    if row[2] == 3e38:
        row[2] = 2e38
    logits = np.array([row, [0, 0, 0, 0, 1e9, 0]], np.float32)
    config = SampleConfig(temperature=temperature, top_p=0.9)
    found = probabilities(logits, config)
    assert np.isfinite(found).all() and np.allclose(found.sum(axis=1), 1)
    if temperature <= 1:
        assert np.flatnonzero(found[0] > 0).tolist() == [FIRST_ID + index for index in possible]
    for uniform in (0.0, 1 - 2**-53):
        ids = make_sampler(config)(logits, np.full(2, uniform), None)
        assert (found[[0, 1], ids] > 0).all()
    assert surprise_bits(logits, found.argmax(axis=1)).tolist() == [0, 0]


def test_sampling_many_infinite_logits_share():
    logits = np.array([[0, 0, np.inf, 5, np.inf]], np.float32)
    assert probabilities(logits, SampleConfig()).tolist() == [[0, 0, 0.5, 0, 0.5]]


@pytest.mark.parametrize("value", [np.nan, -np.inf])
@pytest.mark.parametrize("temperature", [0, 1])
def test_sampling_says_when_no_token_is_possible(value, temperature):
    logits = np.full((2, 5), value, np.float32)
    logits[0] = 1
    logits[1, :FIRST_ID] = 1  # the reserved ids do not count
    with pytest.raises(RunError, match="NaN or -inf"):
        make_sampler(SampleConfig(temperature=temperature))(logits, np.zeros(2), None)
    with pytest.raises(RunError, match="NaN or -inf"):
        probabilities(logits, SampleConfig(temperature=temperature))


def test_draw_frequencies_follow_the_distribution(narrow_and_wide):
    wanted = np.array([0, 0, 0.5, 0.2, 0, 0.15, 0.05, 0.1, 0, 0])
    rows = np.tile(wanted, (1000, 1))
    rng, counts = np.random.default_rng(5), np.zeros(10)
    for _ in range(50):
        counts += np.bincount(draw(rows, rng), minlength=10)
    found = counts / counts.sum()
    # Four standard deviations of 50,000 draws are at most 0.009.
    assert np.abs(found - wanted).max() < 0.009 and (found[wanted == 0] == 0).all()


@pytest.mark.parametrize("uniform", [0.0, 0.5, 1 - 2**-53])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_draw_never_gives_an_impossible_token(narrow_and_wide, uniform, dtype):
    class Fixed:
        def random(self, size):
            return np.full(size, uniform)

    rng = np.random.default_rng(0)
    for vocab in (3, 4, 5, 8, 17):
        rows = rng.random((50, vocab)).astype(dtype) ** 40  # spread over many orders of magnitude
        rows[rng.random((50, vocab)) < 0.5] = 0
        rows[:, -1] = 0
        rows[:, 0] = np.where(rows[:, 1:].any(axis=1), 0, 1e-30)
        assert (rows[np.arange(50), draw(rows, Fixed())] > 0).all()


def test_draw_from_a_large_vocabulary_is_the_inverse_of_the_running_sum():
    rng = np.random.default_rng(1)
    rows = rng.random((3, 5000))
    uniforms = np.random.default_rng(2).random(3)
    expected = [
        np.searchsorted(np.cumsum(row), u * row.sum(), side="right") for row, u in zip(rows, uniforms, strict=True)
    ]
    assert draw(rows, np.random.default_rng(2)).tolist() == expected


def test_draw_reaches_the_last_tokens_of_a_large_vocabulary():
    places = [4999, 4992, 4991, 4872, 0]  # the last block begins at 4992, and is looked at from 4872 on
    rows = np.zeros((5, 5000))
    rows[range(5), places] = 1
    assert draw(rows, np.random.default_rng(0)).tolist() == places


@pytest.mark.parametrize("vocab", [67, 3000])
def test_sample_stays_within_top_k_and_top_p(vocab):
    rng = np.random.default_rng(3)
    logits = np.asfortranarray(rng.normal(size=(5, vocab)).astype(np.float32) * 3)
    config = SampleConfig(top_k=20, top_p=0.8, min_p=0.02, temperature=1.3)
    allowed, sample = probabilities(logits, config) > 0, make_sampler(config)
    drawn = np.array([sample(logits, rng.random(5), None) for _ in range(500)])
    assert drawn.dtype == np.int32
    for row in range(5):
        assert set(drawn[:, row]) <= set(np.flatnonzero(allowed[row]))
        assert allowed[row].sum() <= 20


@pytest.mark.parametrize("penalty", [1.0, 1.4])
def test_sample_agrees_with_probabilities(penalty):
    rng = np.random.default_rng(4)
    logits, recent = rng.normal(size=(3, VOCAB)).astype(np.float32), rng.integers(0, VOCAB, (3, 64))
    config = SampleConfig(top_k=7, min_p=0.05, repetition_penalty=penalty)
    sums = np.cumsum(probabilities(logits, config, recent).astype(np.float64), axis=1)
    sample = make_sampler(config)
    for uniforms in rng.random((100, 3)):
        expected = [np.searchsorted(row, u * row[-1], side="right") for row, u in zip(sums, uniforms, strict=True)]
        assert sample(logits, uniforms, recent).tolist() == expected


@pytest.mark.parametrize("settings_", [{}, {"top_k": 5}, {"top_p": 0.7}, {"repetition_penalty": 1.3}])
def test_sample_of_a_row_does_not_depend_on_the_others(settings_):
    rng = np.random.default_rng(6)
    logits, recent = rng.normal(size=(4, VOCAB)).astype(np.float32), rng.integers(0, VOCAB, (4, 64))
    sample = make_sampler(SampleConfig(**settings_))
    for uniforms in rng.random((50, 4)):
        together = sample(logits, uniforms, recent)
        alone = [sample(logits[i : i + 1], uniforms[i : i + 1], recent[i : i + 1])[0] for i in range(4)]
        assert together.tolist() == alone


def test_surprise_bits_leaves_out_reserved_ids():
    logits = np.array([[50, 60, 0, 0, 0, 0], [0, 0, 0, 0, 0, np.log(13)]], np.float32)
    np.testing.assert_allclose(surprise_bits(logits, np.array([3, 2])), [2, 4], rtol=1e-6)


def test_row_draws_are_the_numbers_of_each_generator():
    draws = RowDraws([row_rng(3, 0), row_rng(3, 1), row_rng(3, 2)])
    found = [draws.next().copy() for _ in range(300)]
    draws.keep([2, 0])
    rest = [draws.next().copy() for _ in range(600)]
    for row, kept in ((0, 1), (2, 0)):
        expected = row_rng(3, row).random(900)
        assert [numbers[row] for numbers in found] + [numbers[kept] for numbers in rest] == expected.tolist()


def test_row_rng_is_a_spawned_generator():
    child = np.random.SeedSequence(9).spawn(3)[2].spawn(2)[1]
    assert row_rng(9, 2, 1).random() == np.random.default_rng(child).random()
