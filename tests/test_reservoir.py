"""The echo state network against its equations, and its readout against scikit-learn."""

import numpy as np
import pytest
from small_models import softmax_nats

from textrnn.base.errors import RunError
from textrnn.classifier.kinds import Classes
from textrnn.classifier.network_request import NetworkRequest
from textrnn.classifier.options import ClassifierConfig
from textrnn.classifier.reservoir import ReservoirClassifier, fit_reservoir, pooled_states
from textrnn.language_model.reservoir_reading import read_block
from textrnn.nn.numpy.reservoir import Calibration, Reservoir, ReservoirNetwork, log_softplus
from textrnn.nn.numpy.reservoir_draw import SMALL, make_reservoir
from textrnn.nn.numpy.ridge import Held, Pairs, Sums, choose_readout, fit_calibration
from textrnn.nn.numpy.weights import Weights
from textrnn.nn.reservoir_options import ReservoirConfig
from textrnn.text.windows import HeldOutRows

VOCAB, UNITS, ROWS, STEPS, CLASSES = 11, 7, 2, 5, 3


def dense(reservoir):
    """W as a full matrix, float64[units, units]: row for row what each unit reads."""
    matrix = np.zeros((reservoir.units, reservoir.units))
    for index, weights in zip(reservoir.index, reservoir.weights, strict=True):
        for unit, (source, weight) in enumerate(zip(index, weights, strict=True)):
            matrix[unit, source] += weight
    return matrix


def plain_states(reservoir, ids):
    """The states float64[steps, units] of one text, straight from the equations."""
    matrix, state, states = dense(reservoir), np.zeros(reservoir.units), []
    for token in ids:
        fresh = np.tanh(reservoir.inputs[token] + matrix @ state)
        state = (1 - reservoir.leak) * state + reservoir.leak * fresh
        states.append(state)
    return np.array(states)


def small(units=UNITS, seed=0, **options):
    return make_reservoir(ReservoirConfig(**{"density": 0.4, "leak": 0.6, **options}), VOCAB, units, seed)


def plainly(reservoir):
    """The same reservoir as the runtime steps it, without SciPy."""
    return Reservoir(reservoir.inputs, reservoir.index, reservoir.weights, reservoir.leak)


def random_network(rng, reservoir=None):
    reservoir = plainly(reservoir or small())
    width, prior = rng.uniform(0.02, 0.3, VOCAB), rng.normal(size=(VOCAB, VOCAB))
    calibration = Calibration(width.astype(np.float32), 0.9, 0.5, prior.astype(np.float32))
    kernel, bias = rng.normal(0, 0.3, (reservoir.units, VOCAB)), rng.normal(0, 0.1, VOCAB)
    return ReservoirNetwork(reservoir, kernel.astype(np.float32), bias.astype(np.float32), calibration)


@pytest.mark.parametrize(("units", "within", "radius"), [(30, 1e-5, 0.3), (30, 1e-5, 1.25), (SMALL + 20, 5e-3, 0.9)])
def test_make_reservoir_has_the_spectral_radius(units, within, radius):
    made = small(units, spectral_radius=radius, density=0.05)
    assert np.abs(np.linalg.eigvals(dense(made))).max() == pytest.approx(radius, rel=within)


def test_make_reservoir_has_the_connections_and_scale_that_are_asked_for():
    made = small(50, density=0.1, input_scale=2.5)
    assert made.index.shape == made.weights.shape == (5, 50)
    assert all(len(set(sources)) == 5 for sources in made.index.T)
    assert 2.2 < np.abs(made.inputs).max() <= 2.5
    assert small(50, density=None).index.shape == (10, 50) and small(4, density=None).index.shape == (4, 4)


def test_make_reservoir_follows_the_seed():
    one, same, other = small(seed=1), small(seed=1), small(seed=2)
    for name, array in one.to_arrays().items():
        np.testing.assert_array_equal(array, same.to_arrays()[name])
    assert not np.array_equal(one.inputs, other.inputs) and not np.array_equal(one.weights, other.weights)


@pytest.mark.parametrize("leak", [1.0, 0.6])
@pytest.mark.parametrize("rows", [1, 3])
def test_step_equals_the_equations(rng, leak, rows):
    fast = small(leak=leak)
    ids = rng.integers(0, VOCAB, (rows, STEPS))
    for reservoir in (fast, plainly(fast)):
        state = np.zeros((UNITS, rows), np.float32)
        for step in range(STEPS):
            before = state.copy()
            state, old = reservoir.step(ids[:, step], state), state
            np.testing.assert_array_equal(old, before)
        for row in range(rows):
            np.testing.assert_allclose(state[:, row], plain_states(fast, ids[row])[-1], atol=1e-5)


def test_echo_state_property_two_beginnings_end_alike(rng):
    reservoir, ids = small(60, spectral_radius=0.8, leak=1.0), rng.integers(0, VOCAB, 80)
    state = rng.normal(size=(60, 2)).astype(np.float32)
    begin = np.abs(state[:, 0] - state[:, 1]).max()
    for token in ids:
        state = reservoir.step(np.array([token, token]), state)
    assert begin > 0.5 and np.abs(state[:, 0] - state[:, 1]).max() < 1e-5


@pytest.mark.parametrize("weighted", [False, True])
def test_sums_give_the_ridge_of_scikit_learn(rng, weighted):
    from sklearn.linear_model import Ridge

    x, labels = rng.normal(0.3, 1, (40, UNITS)), rng.integers(0, CLASSES, 40)
    weights = rng.uniform(0.5, 2, 40) if weighted else np.ones(40)
    sums = Sums(UNITS, CLASSES)
    block = np.concatenate([x.T, np.ones((1, 40))])
    for begin in range(0, 40, 15):  # constant memory: the same as all at once
        part = slice(begin, begin + 15)
        sums.add(block[:, part], labels[part], weights[part] if weighted else None)
    ridge = Ridge(alpha=0.02 * weights.sum()).fit(x, np.eye(CLASSES)[labels], weights)
    kernel, bias = sums.solve(0.02)
    np.testing.assert_allclose(kernel, ridge.coef_.T, atol=1e-6)
    np.testing.assert_allclose(bias, ridge.intercept_, atol=1e-6)
    whole = Sums(UNITS, CLASSES)
    whole.add(block, labels, weights)
    np.testing.assert_allclose(sums.gram, whole.gram, rtol=1e-12)
    np.testing.assert_allclose(sums.cross, whole.cross, rtol=1e-12)


def test_sums_merge_is_the_sum_of_both(rng):
    block, labels = rng.normal(size=(UNITS + 1, 20)), rng.integers(0, CLASSES, 20)
    parts = [Sums(UNITS, CLASSES) for _ in range(3)]
    for sums, part in zip(parts, (slice(0, 8), slice(8, 20), slice(0, 20)), strict=True):
        sums.add(block[:, part], labels[part])
    parts[0].merge(parts[1])
    np.testing.assert_allclose(parts[0].gram, parts[2].gram)
    np.testing.assert_allclose(parts[0].cross, parts[2].cross)
    assert parts[0].count == parts[2].count == 20


def test_sums_of_fewer_rows_than_features_can_be_solved(rng):
    block = np.concatenate([rng.normal(size=(UNITS, 3)), np.ones((1, 3))]).astype(np.float32)
    block[1] = block[0]
    sums = Sums(UNITS, CLASSES)
    sums.add(block, np.array([0, 1, 2]))
    kernel, _ = sums.solve(1e-18)
    assert np.isfinite(kernel).all()


def test_log_softplus_equals_the_plain_formula():
    scores, width = np.linspace(-2, 2, 41, dtype=np.float32), np.full(41, 0.05, np.float32)
    exact = np.log(0.05 * np.log1p(np.exp(scores.astype(np.float64) / 0.05)))
    np.testing.assert_allclose(log_softplus(scores, width), exact, rtol=1e-4, atol=1e-4)


def test_pairs_log_prior_by_hand():
    pairs = Pairs(3)
    pairs.add(np.array([0, 0, 0, 1]), np.array([1, 1, 2, 0]))
    totals = np.array([1.5, 2.5, 1.5]) / 5.5
    expected = [[2 * totals[0] / 5, (2 + 2 * totals[1]) / 5, (1 + 2 * totals[2]) / 5]]
    expected += [[(1 + 2 * totals[0]) / 3, 2 * totals[1] / 3, 2 * totals[2] / 3], totals]
    np.testing.assert_allclose(np.exp(pairs.log_prior()), expected)
    many = Pairs(600)
    many.add(np.array([7, 8]), np.array([5, 5]))
    assert many.log_prior().shape == (1, 600) and many.log_prior().argmax() == 5
    assert np.exp(many.log_prior()).sum() == pytest.approx(1)


def held_rows(rng, rows=400):
    """Rows whose label mostly shows in the state, with noise."""
    labels, before = rng.integers(0, VOCAB, rows), rng.integers(0, VOCAB, rows)
    block = rng.normal(0, 0.7, (VOCAB + 1, rows)).astype(np.float32)
    block[labels, np.arange(rows)] += 1
    block[-1] = 1
    return Held(block, before, labels)


def test_fit_calibration_finds_the_least_loss(rng):
    held, pairs = held_rows(rng), Pairs(VOCAB)
    pairs.add(held.before, held.labels)
    scores, log_prior = (0.2 * held.block[:-1].T).astype(np.float32), pairs.log_prior()
    found, nats = fit_calibration(scores, held, log_prior)
    assert nats == pytest.approx(softmax_nats(found(scores, held.before), held.labels).mean(), abs=1e-4)
    assert nats < softmax_nats(log_prior[held.before], held.labels).mean() - 0.2
    for power, slope in ((0.1, 0), (-0.1, 0), (0, 0.1), (0, -0.1)):
        moved = Calibration(found.width, found.power + power, found.slope + slope, found.prior)
        assert softmax_nats(moved(scores, held.before), held.labels).mean() > nats - 1e-4


def test_choose_readout_takes_the_penalty_that_is_best_on_other_rows(rng):
    learnt, held = held_rows(rng, 60), held_rows(rng, 400)
    sums, pairs = Sums(VOCAB, VOCAB), Pairs(VOCAB)
    sums.add(learnt.block, learnt.labels)
    pairs.add(learnt.before, learnt.labels)
    chosen = choose_readout(sums, held, pairs.log_prior(), None)
    losses = {ridge: choose_readout(sums, held, pairs.log_prior(), ridge).nats for ridge in (1e-6, 1e-2)}
    assert chosen.nats <= min(losses.values()) + 1e-4 and chosen.ridge == 1e-2
    assert choose_readout(sums, held, pairs.log_prior(), 0.7).ridge == 0.7


def test_network_equals_the_equations(rng):
    network, ids = random_network(rng), rng.integers(0, VOCAB, (ROWS, STEPS)).astype(np.int32)
    arrays = network.to_arrays()
    logits, _ = network.read_all(ids, network.initial_state(ROWS))
    assert logits.shape == (STEPS, ROWS, VOCAB) and logits.dtype == np.float32
    for row in range(ROWS):
        scores = plain_states(network.reservoir, ids[row]) @ arrays["readout/kernel"] + arrays["readout/bias"]
        width = arrays["calibration/width"]
        expected = 0.9 * np.log(width * np.log1p(np.exp(scores / width))) + 0.5 * scores
        np.testing.assert_allclose(logits[:, row], expected + arrays["calibration/prior"][ids[row]], atol=1e-3)


def test_network_step_and_read_equal_read_all(rng):
    network, ids = random_network(rng), rng.integers(0, VOCAB, (ROWS, STEPS)).astype(np.int32)
    at_once, after = network.read_all(ids, network.initial_state(ROWS))
    state = network.initial_state(ROWS)
    for step in range(STEPS):
        logits, state = network.step(ids[:, step], state)
        np.testing.assert_allclose(logits, at_once[step], atol=1e-5)
    np.testing.assert_allclose(state[0], after[0], atol=1e-6)
    for row in range(ROWS):
        logits, _ = network.read(ids[row], network.initial_state(1))
        np.testing.assert_allclose(logits[0], at_once[-1, row], atol=1e-5)


def test_network_is_the_same_from_its_arrays(rng):
    network, ids = random_network(rng), rng.integers(0, VOCAB, (ROWS, STEPS)).astype(np.int32)
    again = ReservoirNetwork.load(Weights(network.to_arrays()), VOCAB, UNITS)
    expected, _ = network.read_all(ids, network.initial_state(ROWS))
    np.testing.assert_allclose(again.read_all(ids, again.initial_state(ROWS))[0], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("reservoir/index", lambda array: array + UNITS, "reservoir/index"),
        ("reservoir/index", lambda array: array - UNITS, "reservoir/index"),
        ("reservoir/weights", lambda array: array[:0], "reservoir/index"),
        ("reservoir/leak", lambda array: array * np.nan, "reservoir/leak"),
        ("reservoir/inputs", lambda array: array[1:], "reservoir/inputs"),
        ("readout/kernel", lambda array: array.T, "readout/kernel"),
        ("calibration/width", lambda array: array * 0, "calibration/width"),
        ("calibration/prior", lambda array: array[:2], "calibration/prior"),
    ],
)
def test_network_refuses_arrays_that_are_none(rng, name, change, says):
    arrays = random_network(rng).to_arrays()
    with pytest.raises(RunError, match=f"the weights do not fit the model: .*{says}"):
        ReservoirNetwork.load(Weights({**arrays, name: change(arrays[name])}), VOCAB, UNITS)


def test_streams_side_by_side_give_what_one_stream_gives(rng):
    reservoir, ids = small(spectral_radius=0.3, leak=1.0), rng.integers(0, VOCAB, 12_300)
    sums = []
    for rows in (1, 3):
        held = HeldOutRows(ids, 0, rows, 64)
        state, own = np.zeros((UNITS, held.num_rows), np.float32), Sums(UNITS, VOCAB)
        assert held.num_rows == rows
        for batch in held.windows(100):
            read, state = read_block(reservoir, batch, state)
            own.add(read.block, read.labels)
        sums.append(own)
    assert sums[0].count == sums[1].count == len(ids)
    np.testing.assert_allclose(sums[0].gram, sums[1].gram, atol=0.5)
    np.testing.assert_allclose(sums[0].cross, sums[1].cross, atol=0.1)
    np.testing.assert_array_equal(sums[0].cross[:, -1], np.bincount(ids, minlength=VOCAB))


def test_read_block_keeps_the_states_that_count(rng):
    reservoir, ids = small(leak=1.0), rng.integers(0, VOCAB, 30)
    state, blocks, before, labels = np.zeros((UNITS, 1), np.float32), [], [], []
    for batch in HeldOutRows(ids, 4).windows(8):
        read, state = read_block(reservoir, batch, state)
        blocks.append(read.block)
        before += read.before.tolist()
        labels += read.labels.tolist()
    assert before == [4, *ids[:-1]] and labels == ids.tolist()
    block = np.concatenate(blocks, 1)
    np.testing.assert_allclose(block[:-1].T, plain_states(reservoir, before), atol=1e-5)
    assert (block[-1] == 1).all()


def random_texts(rng, count=9):
    return [rng.integers(0, VOCAB, length) for length in rng.integers(1, 8, count)]


def test_pooled_states_equal_the_plain_way(rng):
    reservoir, texts = small(), random_texts(rng)
    found = pooled_states(reservoir, texts, ["mean", "max", "last"], rows=4)
    for own, ids in zip(found, texts, strict=True):
        states = plain_states(reservoir, ids)
        expected = np.concatenate([states.mean(0), states.max(0), states[-1]])
        np.testing.assert_allclose(own, expected, atol=1e-5)


def fitted(texts, labels, held, **options):
    config = ClassifierConfig.from_options({"arch": "esn", "units": 40, "random_seed": 1, **options})
    kind = Classes([str(number) for number in range(CLASSES)])
    sizes = dict(vocab_size=VOCAB, kind=kind, row_weights=np.ones(len(texts)), random_seed=1, seconds=60.0)
    return fit_reservoir(NetworkRequest(config=config, texts=texts, labels=labels, held=held, **sizes))


def test_fit_reservoir_learns_and_is_the_same_from_its_arrays(rng):
    texts = random_texts(rng, 200)
    labels = np.array([ids[-1] % CLASSES for ids in texts])
    found = fitted(texts[:150], labels[:150], texts[150:], pooling="last")
    assert (found.outputs.argmax(1) == labels[150:]).mean() > 0.9
    again = ReservoirClassifier.load(Weights(found.weights), VOCAB, 40, CLASSES, ["last"])
    np.testing.assert_allclose(again.logits(texts[150:]), found.outputs, atol=1e-4)


def test_fit_reservoir_equals_the_ridge_of_scikit_learn(rng):
    from sklearn.linear_model import Ridge

    texts = random_texts(rng, 50)
    labels = rng.integers(0, CLASSES, 50)
    found = fitted(texts, labels, [], ridge=0.01, pooling="last", units=UNITS)
    reservoir = Reservoir.load(Weights(found.weights), VOCAB, UNITS)
    x = np.array([plain_states(reservoir, ids)[-1] for ids in texts])
    ridge = Ridge(alpha=0.01 * 50).fit(x, np.eye(CLASSES)[labels])
    np.testing.assert_allclose(found.weights["readout/kernel"] / 8, ridge.coef_.T, atol=1e-4)
    np.testing.assert_allclose(found.weights["readout/bias"] / 8, ridge.intercept_, atol=1e-4)
