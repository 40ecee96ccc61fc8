"""The NumPy networks against the Keras models with the same weights."""

import numpy as np
import pytest
from closeness import assert_close
from small_models import ALL, BOTH_WAYS, CARRIED, EMBED, STEPS, UNITS, VOCAB, built, random_ids, random_weights

from textrnn.base.errors import RunError
from textrnn.nn.keras.weights import get_weights, set_weights
from textrnn.nn.numpy import network as network_module
from textrnn.nn.numpy.load import make_network

ROWS, WINDOW, START_ID = 2, 4, 6


def make_both(name, rng, **options):
    """A Keras model and the NumPy network with the same random weights."""
    model = built(name)
    weights = random_weights(rng, get_weights(model))
    set_weights(model, weights)
    return model, network_of(name, weights, **options)


def network_of(name, weights, *, window=WINDOW):
    return make_network(ALL[name], VOCAB, weights, window=window, start_id=START_ID)


def windows_of(text, window=WINDOW):
    """The `window` ids up to each place of a list, START_ID before its beginning."""
    padded = [START_ID] * window + list(text)
    return np.array([padded[place + 1 : place + 1 + window] for place in range(len(text))], np.int32)


@pytest.mark.parametrize("name", CARRIED)
def test_read_all_equals_keras(name, rng):
    model, network = make_both(name, rng)
    ids = random_ids(rng, ROWS, 2 * STEPS)
    expected, expected_state = model.step(ids, model.initial_state(ROWS))
    logits, state = network.read_all(ids, network.initial_state(ROWS))
    assert logits.shape == (2 * STEPS, ROWS, VOCAB)
    assert_close(logits, np.swapaxes(expected, 0, 1))
    for array, other in zip(state, expected_state, strict=True):
        assert_close(array, np.transpose(other))


@pytest.mark.parametrize("name", ["lstm x 2", "gru", "simple", "mingru x 2"])
def test_gates_are_those_of_each_layer_and_token(name, rng):
    _, network = make_both(name, rng)
    (ids,), state = random_ids(rng, 1, STEPS), network.initial_state(1)
    found = network.gates(ids, state)
    layers = {"simple": 0, "gru": 1}.get(name, 2)
    assert {tag.split("/")[0] for tag in found} == {f"layer{number}" for number in range(layers)}
    assert all(values.shape == (UNITS, STEPS) and values.min() > 0 and values.max() < 1 for values in found.values())
    if name == "lstm x 2":  # the state that is kept is the share of the forget gate, and what is new is within 1
        cells = np.stack([after[3][:, 0] for after in network.states(ids, state)], 1)
        before = np.concatenate([np.zeros((UNITS, 1)), cells[:, :-1]], 1)
        new = (cells - found["layer1/forget"] * before) / found["layer1/input"]
        assert np.abs(new).max() <= 1 + 1e-5


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_read_all_equals_keras_on_windows(name, rng):
    model, network = make_both(name, rng)
    for length in (WINDOW - 1, WINDOW, 2 * WINDOW + 1):
        ids = random_ids(rng, ROWS, length)
        logits, state = network.read_all(ids, network.initial_state(ROWS))
        windows = np.stack([windows_of(row) for row in ids], 1)  # [length, rows, window]
        assert_close(logits, np.reshape(model(windows.reshape(-1, WINDOW)), (length, ROWS, VOCAB)))
        np.testing.assert_array_equal(state[0], windows[-1].T)


@pytest.mark.parametrize("name", ["lstm x 2", "gru", "bidirectional x 2", "bi-lstm,bi-gru"])
def test_read_all_without_table_equals_that_with(name, rng, monkeypatch):
    _, network = make_both(name, rng)
    ids = random_ids(rng, ROWS, 2 * WINDOW + 1)
    expected, _ = network.read_all(ids, network.initial_state(ROWS))
    monkeypatch.setattr(network_module, "LARGEST_TABLE", 0)
    without = network_of(name, get_weights(built(name)))
    assert_close(without.read_all(ids, without.initial_state(ROWS))[0], expected)
    row, _ = without.read(ids[1], without.initial_state(1))
    assert_close(row[0], expected[-1, 1])


@pytest.mark.parametrize("name", ["bidirectional x 3", "lstm,bi-simple"])
def test_read_all_equals_keras_on_a_window_of_one(name, rng):
    model, network = make_both(name, rng, window=1)
    ids = random_ids(rng, ROWS, STEPS)
    logits, _ = network.read_all(ids, network.initial_state(ROWS))
    assert_close(logits.reshape(-1, VOCAB), model(ids.T.reshape(-1, 1)))


@pytest.mark.parametrize("name", ALL)
def test_step_and_read_equal_read_all(name, rng):
    _, network = make_both(name, rng)
    ids = random_ids(rng, ROWS, 2 * WINDOW + 1)
    begin = network.initial_state(ROWS)
    kept = [array.copy() for array in begin]
    at_once, final = network.read_all(ids, begin)
    state = begin
    for place in range(ids.shape[1]):
        logits, state = network.step(ids[:, place], state)
        assert logits.shape == (ROWS, VOCAB)
        assert_close(logits, at_once[place])
    first, between = network.read_all(ids[:, :STEPS], begin)
    second, after = network.read_all(ids[:, STEPS:], between)
    assert_close(np.concatenate([first, second]), at_once)
    for one, other, third in zip(state, final, after, strict=True):
        assert_close(one, other)
        assert_close(third, other)
    for array, before in zip(begin, kept, strict=True):
        np.testing.assert_array_equal(array, before)
    for row in range(ROWS):
        for length in (1, STEPS, ids.shape[1]):
            logits, _ = network.read(ids[row, :length], network.initial_state(1))
            assert logits.shape == (1, VOCAB)
            assert_close(logits[0], at_once[length - 1, row])


def test_initial_state_of_windows_begins_with_start_id(rng):
    _, network = make_both("bidirectional x 2", rng)
    np.testing.assert_array_equal(network.initial_state(ROWS), [np.full((WINDOW, ROWS), START_ID)])


def test_initial_state_of_carried_is_zero(rng):
    _, network = make_both("lstm x 2", rng)
    assert [array.shape for array in network.initial_state(ROWS)] == [(UNITS, ROWS)] * 4
    assert not any(array.any() for array in network.initial_state(ROWS))


@pytest.mark.parametrize("name", ALL)
def test_make_network_refuses_missing_extra_and_wrong(name, rng):
    weights = get_weights(built(name))
    for weight, array in weights.items():
        without = {other: value for other, value in weights.items() if other != weight}
        with pytest.raises(RunError, match=f"the weights do not fit the model: {weight} is missing"):
            network_of(name, without)
        longer = np.concatenate([array, array])
        with pytest.raises(RunError, match=f"the weights do not fit the model: {weight} is of shape"):
            network_of(name, {**weights, weight: longer})
        with pytest.raises(RunError, match=f"the weights do not fit the model: {weight} is of shape"):
            network_of(name, {**weights, weight: array[None]})
    with pytest.raises(RunError, match="it has no place for layer9/kernel"):
        network_of(name, {**weights, "layer9/kernel": np.zeros((EMBED, UNITS), np.float32)})
    with pytest.raises(RunError, match="missing"):
        network_of(name, {})


def test_make_network_refuses_another_architecture(rng):
    weights = get_weights(built("lstm x 2"))
    for name in ("gru x 2", "lstm", "lstm x 3", "one-hot lstm", "bidirectional x 2"):
        with pytest.raises(RunError, match="the weights do not fit the model"):
            network_of(name, weights)
