"""Scores with answers worked out by hand, and networks whose ways of reading agree."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import ALL, BASE, BOTH_WAYS, CARRIED, EMBED, UNITS, VOCAB, random_ids, small, softmax_nats

from textrnn.base.errors import DataError, RunError
from textrnn.language_model import scoring
from textrnn.language_model.scoring import NATS_PER_UNKNOWN, Score, nats_in_order, score_ids
from textrnn.nn.numpy.load import make_network
from textrnn.nn.numpy.network import TargetNats, token_nats
from textrnn.nn.options import layer_cells
from textrnn.text.windows import windows_before

WINDOW, START = 6, 4


class Unigram(TargetNats):
    """The same probabilities whatever was before; notes what it is asked."""

    def __init__(self, probabilities):
        self.logits = np.log(np.asarray(probabilities, np.float32)) + 3
        self.vocab_size = len(probabilities)
        self.shapes = []

    def initial_state(self, rows):
        return [np.zeros((1, rows), np.float32)]

    def read_all(self, ids, state):
        rows, steps = ids.shape
        self.shapes.append((steps, rows))
        return np.broadcast_to(self.logits, (steps, rows, self.vocab_size)), state


class Follower(Unigram):
    """Gives 0.9 to the token that is one more than the last one read, and shares the rest."""

    def __init__(self, vocab_size):
        super().__init__([1 / vocab_size] * vocab_size)
        self.table = np.full((vocab_size, vocab_size), math.log(0.1 / (vocab_size - 1)), np.float32)
        self.table[np.arange(vocab_size), (np.arange(vocab_size) + 1) % vocab_size] = math.log(0.9)

    def read_all(self, ids, state):
        return self.table[ids.T], state


def model_of(network, start_id=START):
    return SimpleNamespace(network=network, start_id=start_id, initial_state=network.initial_state)


def random_arrays(config, rng, scale=0.5):
    """Weights of the shapes that a configuration has."""
    cells, arrays, width = layer_cells(config), {}, VOCAB
    if config.input != "one-hot":
        arrays["embedding/embeddings"], width = (VOCAB, config.embed), config.embed
    for number, cell in enumerate(cells):
        shapes = cell.spec.weights(width, UNITS)
        for way in ("/forward", "/backward") if cell.both_ways else ("",):
            arrays |= {f"layer{number}{way}/{name}": shape for name, shape in shapes.items()}
        width = UNITS * (1 + cell.both_ways)
    arrays["output/bias"] = (VOCAB,)
    if not config.tied:
        arrays["output/kernel"] = (width, VOCAB)
    elif width != config.embed:
        arrays["projection/kernel"] = (width, config.embed)
    return {name: rng.normal(0, scale, shape).astype(np.float32) for name, shape in arrays.items()}


def network_of(config, rng, **options):
    return make_network(config, VOCAB, random_arrays(config, rng, **options), window=WINDOW, start_id=START)


# ---------------------------------------------------------------- nats


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 30), st.floats(-80, 80))
def test_token_nats_agrees_with_the_direct_computation(seed, scale, offset):
    rng = np.random.default_rng(seed)
    logits = rng.normal(offset, scale, (3, 2, VOCAB)).astype(np.float32)
    targets = rng.integers(0, VOCAB, (3, 2))
    found = token_nats(logits, targets)
    assert found.shape == (3, 2) and found.dtype == np.float64
    np.testing.assert_allclose(found, softmax_nats(logits, targets), rtol=1e-5, atol=1e-5)


def test_token_nats_by_hand():
    logits = np.log(np.array([[1, 2, 5], [8, 1, 1]], np.float32))
    np.testing.assert_allclose(token_nats(logits, np.array([1, 0])), [math.log(8 / 2), math.log(10 / 8)], rtol=1e-6)
    assert token_nats(np.array([[1e4, 0, -1e4]], np.float32), np.array([2]))[0] == pytest.approx(2e4)
    assert token_nats(np.array([[0, -np.inf]], np.float32), np.array([0]))[0] == 0


def test_token_nats_leaves_logits_alone():
    logits = np.ones((2, 3), np.float32)
    token_nats(logits, np.array([0, 2]))
    assert (logits == 1).all()


# ---------------------------------------------------------------- scores


def test_score_ids_by_hand():
    network = Unigram([1 / 16, 1 / 16, 1 / 2, 1 / 4, 1 / 8])
    found = score_ids(model_of(network), np.array([2, 2, 3, 4], np.uint8), num_chars=6)
    bits = 1 + 1 + 2 + 3
    assert (found.chars, found.tokens, found.unknown) == (6, 4, 0)
    assert found.nats == pytest.approx(bits * math.log(2), rel=1e-6)
    assert found.nats_per_token == pytest.approx(7 / 4 * math.log(2), rel=1e-6)
    assert found.perplexity == pytest.approx(2 ** (7 / 4), rel=1e-6)
    assert found.bits_per_char == pytest.approx(7 / 6, rel=1e-6)


def test_score_ids_charges_unknown_characters():
    network = Unigram([1 / 16, 1 / 16, 1 / 2, 1 / 4, 1 / 8])
    found = score_ids(model_of(network), np.array([2, 1, 1]), num_chars=3)
    assert found.unknown == 2
    assert found.nats == pytest.approx(9 * math.log(2), rel=1e-6), "without the charge"
    assert found.perplexity == pytest.approx(2**3, rel=1e-6), "without the charge"
    assert found.bits_per_char == pytest.approx((9 + 2 * math.log2(1_112_064)) / 3, rel=1e-6)
    assert NATS_PER_UNKNOWN / math.log(2) == pytest.approx(20.0848, abs=1e-4)


@pytest.mark.parametrize("num_tokens", [1, 63, 64, 65, 5000, 8191, 8192, 50_001])
def test_score_ids_counts_each_token_once(num_tokens):
    probabilities = np.arange(1, 8) / 28
    ids = np.random.default_rng(num_tokens).integers(2, 7, num_tokens).astype(np.uint8)
    found = score_ids(model_of(Unigram(probabilities)), ids, num_chars=num_tokens)
    assert found.nats == pytest.approx(-np.log(probabilities[ids]).sum(), rel=1e-5)


@pytest.mark.parametrize("num_tokens", [1, 70, 20_000])
def test_score_ids_asks_for_each_token_after_the_one_before(num_tokens):
    ids = (START + 1 + np.arange(num_tokens)) % 9
    found = score_ids(model_of(Follower(9)), ids, num_chars=num_tokens)
    assert found.nats_per_token == pytest.approx(-math.log(0.9), rel=1e-5)
    wrong = score_ids(model_of(Follower(9), start_id=START + 1), ids, num_chars=num_tokens)
    assert wrong.nats - found.nats == pytest.approx(math.log(0.9 / (0.1 / 8)), rel=1e-3)


def test_score_ids_holds_few_logits_of_a_large_vocabulary(monkeypatch):
    monkeypatch.setattr(scoring, "LARGEST_LOGITS", 7 * 2 * 5)
    ids = np.full(8192, 3)
    network = Unigram([1 / 4, 1 / 4, 1 / 8, 1 / 4, 1 / 8])
    assert score_ids(model_of(network), ids, num_chars=8192).nats_per_token == pytest.approx(math.log(4), rel=1e-6)
    assert set(network.shapes) == {(7, 2)}
    monkeypatch.setattr(scoring, "LARGEST_LOGITS", 1)
    network.shapes.clear()
    assert score_ids(model_of(network), ids[:99], num_chars=99).nats_per_token == pytest.approx(math.log(4), rel=1e-6)
    assert set(network.shapes) == {(1, 1)}


def test_score_ids_refuses_an_empty_text():
    with pytest.raises(DataError, match="empty"):
        score_ids(model_of(Follower(9)), np.zeros(0, np.uint8), num_chars=0)


def test_score_to_json_has_the_keys_of_the_contract():
    assert Score(10, 5, 5 * math.log(4), 0).to_json() == pytest.approx(
        dict(chars=10, tokens=5, bits_per_char=1.0, nats_per_token=math.log(4), perplexity=4.0, unknown=0)
    )


def test_score_perplexity_of_a_hopeless_model_is_a_number():
    assert math.isfinite(Score(1, 1, 1e9, 0).perplexity)


@pytest.mark.parametrize("num_tokens", [1, 63, 64, 65, 200])
@pytest.mark.parametrize("name", BASE)
def test_nats_in_order_adds_up_to_score_ids(rng, name, num_tokens):
    model, ids = model_of(network_of(BASE[name], rng)), random_ids(rng, num_tokens)
    blocks = [nats for _, nats in nats_in_order(model, [ids])]
    assert [len(block) for block in blocks[:-1]] == [64] * (len(blocks) - 1)
    nats = np.concatenate(blocks)
    assert nats.shape == (num_tokens,)
    assert nats.sum() == pytest.approx(score_ids(model, ids, num_chars=1).nats, rel=1e-6)


def test_nats_in_order_are_those_of_single_steps(rng):
    model, ids = model_of(network_of(CARRIED["lstm x 2"], rng)), random_ids(rng, 70)
    state, last, expected = model.initial_state(1), START, []
    for token in ids:
        logits, state = model.network.step(np.array([last], np.int32), state)
        expected.append(softmax_nats(logits, np.array([token]))[0])
        last = token
    np.testing.assert_allclose(
        np.concatenate([nats for _, nats in nats_in_order(model, [ids[:5], ids[5:]])]), expected, rtol=1e-4, atol=1e-5
    )


def test_nats_in_order_of_nothing_is_nothing():
    assert list(nats_in_order(model_of(Follower(9)), [np.zeros(0, np.int32)])) == []


@pytest.mark.parametrize("name", ["simple", "gru x 2", "lstm x 2"])
def test_score_ids_by_parallel_rows_agrees_with_one_row(rng, name):
    model, ids = model_of(network_of(CARRIED[name], rng, scale=0.3)), random_ids(rng, 20_000)
    parallel = score_ids(model, ids, num_chars=20_000)
    one_row = sum(float(block.sum()) for _, block in nats_in_order(model, [ids]))
    assert scoring.HeldOutRows(ids, START).num_rows == 4
    assert abs(parallel.nats - one_row) / math.log(2) / 20_000 < 1e-3


def test_score_ids_of_windows_agrees_with_each_window_read_alone(rng):
    network, ids = network_of(BOTH_WAYS["bidirectional x 2"], rng), random_ids(rng, 9_000)
    nats = sum(
        float((token_nats(network.window_logits(batch.x.T), batch.y) * batch.mask).sum())
        for batch in windows_before(ids, START, window=WINDOW, batch=512)
    )
    assert score_ids(model_of(network), ids, num_chars=1).nats == pytest.approx(nats, rel=1e-6)


# ---------------------------------------------------------------- the network's contract


@pytest.mark.parametrize("name", ALL)
def test_network_reads_alike_by_steps_and_at_once(rng, name):
    network, ids = network_of(ALL[name], rng), random_ids(rng, 2, 9)
    state = network.initial_state(2)
    every, last_state = network.read_all(ids, state)
    assert every.shape == (9, 2, VOCAB) and every.dtype == np.float32
    for step in range(9):
        logits, state = network.step(ids[:, step], state)
        assert logits.shape == (2, VOCAB)
        np.testing.assert_allclose(logits, every[step], atol=1e-5)
    for one, two in zip(state, last_state, strict=True):
        assert one.shape == two.shape and one.shape[1] == 2
        np.testing.assert_allclose(one, two, atol=1e-5)
    for row in range(2):
        logits, after = network.read(ids[row], network.initial_state(1))
        assert logits.shape == (1, VOCAB)
        np.testing.assert_allclose(logits[0], every[-1, row], atol=1e-5)
        for one, two in zip(after, last_state, strict=True):
            np.testing.assert_allclose(one[:, 0], two[:, row], atol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_network_goes_on_from_a_state_in_any_pieces(rng, name):
    network, ids = network_of(ALL[name], rng), random_ids(rng, 3, 10)
    whole, _ = network.read_all(ids, network.initial_state(3))
    state, parts = network.initial_state(3), []
    for begin, end in ((0, 1), (1, 8), (8, 10)):
        logits, state = network.read_all(ids[:, begin:end], state)
        parts.append(logits)
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_network_never_changes_a_state_or_logits_it_gave(rng, name):
    network, ids = network_of(ALL[name], rng), random_ids(rng, 1, 5)
    first, state = network.step(ids[:, 0], network.initial_state(1))
    kept = [first.copy(), *(array.copy() for array in state)]
    network.step(ids[:, 1], state)
    network.read(ids[0], state)
    network.read_all(ids, state)
    for one, two in zip(kept, [first, *state], strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", ALL)
def test_network_rows_do_not_touch_each_other(rng, name):
    network, ids = network_of(ALL[name], rng), random_ids(rng, 3, 8)
    other = ids.copy()
    other[1] = (other[1] + 1) % VOCAB
    one, _ = network.read_all(ids, network.initial_state(3))
    two, _ = network.read_all(other, network.initial_state(3))
    np.testing.assert_allclose(one[:, [0, 2]], two[:, [0, 2]], atol=1e-6)
    assert np.abs(one[:, 1] - two[:, 1]).max() > 1e-3


def test_network_forgets_what_is_before_its_window(rng):
    network, ids = network_of(BOTH_WAYS["bidirectional"], rng), random_ids(rng, 20)
    far, _ = network.read(np.concatenate([ids, ids[:WINDOW]]), network.initial_state(1))
    near, _ = network.read(ids[:WINDOW], network.initial_state(1))
    np.testing.assert_allclose(far, near, atol=1e-6)
    empty, _ = network.read(np.array([START], np.int32), network.initial_state(1))
    np.testing.assert_allclose(empty, network.window_logits(np.full((WINDOW, 1), START)), atol=1e-6)


@pytest.mark.parametrize("name", ["lstm", "one-hot lstm", "tied, projected lstm", "bidirectional x 2"])
def test_make_network_refuses_weights_that_do_not_fit(rng, name):
    arrays = random_arrays(ALL[name], rng)

    def make(changed, vocab_size=VOCAB):
        make_network(ALL[name], vocab_size, changed, window=WINDOW, start_id=START)

    make(arrays)
    for key, array in arrays.items():
        for wrong in (array[:-1], array[..., :-1], array[None], array.reshape(-1)[0], np.zeros(0, np.float32)):
            with pytest.raises(RunError, match=key):
                make({**arrays, key: wrong})
        with pytest.raises(RunError, match=f"{key} is missing"):
            make({other: arrays[other] for other in arrays if other != key})
    with pytest.raises(RunError, match="no place for more"):
        make({**arrays, "more": np.zeros(3, np.float32)})
    with pytest.raises(RunError, match="expected shape"):
        make(arrays, VOCAB + 1)


def test_make_network_takes_half_precision_weights(rng):
    arrays = {name: array.astype(np.float16) for name, array in random_arrays(small("gru"), rng).items()}
    network = make_network(small("gru"), VOCAB, arrays, window=WINDOW, start_id=START)
    logits, _ = network.read(random_ids(rng, 3), network.initial_state(1))
    assert logits.dtype == np.float32 and EMBED != UNITS
