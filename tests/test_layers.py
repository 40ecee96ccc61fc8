"""The layers against those of Keras with the same weights, and the gradients of the scans against differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

from textrnn.nn.keras import recurrent
from textrnn.nn.keras.recurrent import GRU, LSTM, SimpleRNN
from textrnn.nn.keras.scan import gru_scan, lstm_scan, simple_scan
from textrnn.nn.keras.tokens import Logits, OneHot, TiedLogits
from textrnn.nn.keras.units_first import lstm_scan_units_first

BATCH, STEPS, INPUTS, UNITS, VOCAB = 2, 3, 5, 7, 11
PAIRS = {
    "simple": (SimpleRNN, keras.layers.SimpleRNN),
    "gru": (GRU, keras.layers.GRU),
    "lstm": (LSTM, keras.layers.LSTM),
}
SCANS = ("simple_scan", "gru_scan", "lstm_scan", "lstm_scan_units_first")


@pytest.fixture(params=PAIRS)
def pair(request):
    return PAIRS[request.param]


@pytest.fixture
def scans(monkeypatch):
    """The names of the scans as they are called."""
    called = []
    for name in SCANS:
        scan = getattr(recurrent, name)
        monkeypatch.setattr(
            recurrent,
            name,
            lambda *args, scan=scan, name=name, **options: called.append(name) or scan(*args, **options),
        )
    return called


def make_both(pair, rng, *, inputs=INPUTS, scale=0.5, wrap=lambda layer: layer, **options):
    """Our layer and the stock one, with equal random weights, biases too."""
    options = {"units": UNITS, "return_sequences": True, "return_state": True, **options}
    layers = [wrap(kind(**options)) for kind in pair]
    for layer in layers:
        layer.build((None, None, inputs))
    weights = [rng.normal(0, scale, weight.shape).astype(np.float32) for weight in layers[0].weights]
    for layer in layers:
        layer.set_weights(weights)
    return layers


def random_states(layer, rng, batch=BATCH):
    count = 2 if isinstance(layer, keras.layers.LSTM) else 1
    return [rng.normal(0, 0.5, (batch, layer.units)).astype(np.float32) for _ in range(count)]


def results_and_gradients(layer, x, states, seed=9, **call):
    """Outputs and states of a layer, and the gradients of a random sum of them to inputs, states and weights."""
    x, states = tf.constant(x), [tf.constant(state) for state in states]
    with tf.GradientTape() as tape:
        tape.watch([x, *states])
        results = layer(x, initial_state=states, **call) if states else layer(x, **call)
        results = results if isinstance(results, list | tuple) else [results]
        rng = np.random.default_rng(seed)
        total = tf.add_n([tf.reduce_sum(r * rng.normal(size=r.shape).astype(np.float32)) for r in results])
    return results, tape.gradient(total, [x, *states, *layer.trainable_variables])


def assert_all_close(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(other).max() > 0
        assert_close(one, other, 1e-4)


@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("go_backwards", [False, True])
def test_recurrent_equals_keras(pair, rng, scans, go_backwards, return_sequences):
    ours, theirs = make_both(pair, rng, go_backwards=go_backwards, return_sequences=return_sequences)
    x, states = rng.normal(size=(BATCH, STEPS, INPUTS)).astype(np.float32), random_states(ours, rng)
    values, gradients = results_and_gradients(ours, x, states)
    stock_values, stock_gradients = results_and_gradients(theirs, x, states)
    assert len(scans) == 1
    assert values[0].shape == ((BATCH, STEPS, UNITS) if return_sequences else (BATCH, UNITS))
    assert_all_close(values, stock_values)
    assert_all_close(gradients, stock_gradients)


def test_recurrent_equals_keras_in_a_graph_of_open_shape(pair, rng):
    ours, theirs = make_both(pair, rng, units=32, inputs=16, scale=0.2)
    x, states = rng.normal(size=(BATCH, 20, 16)).astype(np.float32), random_states(ours, rng)

    @tf.function(input_signature=[tf.TensorSpec((None, None, 16)), [tf.TensorSpec((None, 32))] * len(states)])
    def graph(x, states):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs, *after = ours(x, initial_state=states)
            total = tf.reduce_sum(outputs**2) + tf.add_n([tf.reduce_sum(state) for state in after])
        return [outputs, *after], tape.gradient(total, [x, *ours.trainable_variables])

    with tf.GradientTape() as tape:
        inputs = tf.constant(x)
        tape.watch(inputs)
        outputs, *after = theirs(inputs, initial_state=[tf.constant(state) for state in states])
        total = tf.reduce_sum(outputs**2) + tf.add_n([tf.reduce_sum(state) for state in after])
    values, gradients = graph(x, states)
    assert_all_close(values, [outputs, *after])
    assert_all_close(gradients, tape.gradient(total, [inputs, *theirs.trainable_variables]))


@pytest.mark.parametrize("return_sequences", [True, False])
def test_recurrent_in_bidirectional_equals_keras(pair, rng, scans, return_sequences):
    ours, theirs = make_both(
        pair, rng, wrap=keras.layers.Bidirectional, return_sequences=return_sequences, return_state=False
    )
    x = rng.normal(size=(BATCH, STEPS, INPUTS)).astype(np.float32)
    values, gradients = results_and_gradients(ours, x, [])
    stock_values, stock_gradients = results_and_gradients(theirs, x, [])
    assert len(scans) == 2
    assert_all_close(values, stock_values)
    assert_all_close(gradients, stock_gradients)


def test_recurrent_without_initial_state_begins_at_zero(pair, rng):
    ours, _ = make_both(pair, rng)
    x = rng.normal(size=(BATCH, STEPS, INPUTS)).astype(np.float32)
    zeros = [np.zeros_like(state) for state in random_states(ours, rng)]
    np.testing.assert_array_equal(ours(x)[0], ours(x, initial_state=zeros)[0])


MASKS = {
    "right padding": [[1, 1, 1, 0], [1, 0, 0, 0]],
    "left padding": [[0, 0, 1, 1], [0, 1, 1, 1]],
    "holes": [[1, 0, 1, 0], [0, 1, 0, 1]],
    "nothing real": [[0, 0, 0, 0], [1, 1, 1, 1]],
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize(
    "options", [{}, dict(go_backwards=True), dict(return_sequences=False), dict(zero_output_for_mask=True)], ids=str
)
def test_recurrent_with_mask_equals_keras(pair, rng, scans, mask, options):
    ours, theirs = make_both(pair, rng, **options)
    x, states, mask = rng.normal(size=(2, 4, INPUTS)).astype(np.float32), random_states(ours, rng), np.array(mask) > 0
    values, gradients = results_and_gradients(ours, x, states, mask=mask)
    stock_values, stock_gradients = results_and_gradients(theirs, x, states, mask=mask)
    assert len(scans) == 1
    assert_all_close(values, stock_values)
    assert_all_close(gradients, stock_gradients)


def test_recurrent_in_masked_bidirectional_equals_keras(pair, rng, scans):
    ours, theirs = make_both(pair, rng, wrap=keras.layers.Bidirectional, return_state=False)
    x, mask = rng.normal(size=(2, 4, INPUTS)).astype(np.float32), np.array(MASKS["right padding"]) > 0
    values, gradients = results_and_gradients(ours, x, [], mask=mask)
    stock_values, stock_gradients = results_and_gradients(theirs, x, [], mask=mask)
    assert len(scans) == 2
    assert_all_close(values, stock_values)
    assert_all_close(gradients, stock_gradients)


def test_recurrent_with_bfloat16_operands_is_close_while_training(pair, rng):
    ours, theirs = make_both(pair, rng, units=32, inputs=16, scale=0.2)
    x, states = rng.normal(size=(4, 20, 16)).astype(np.float32), random_states(ours, rng, batch=4)
    exact, exact_gradients = results_and_gradients(theirs, x, states, training=True)
    ours.operand_dtype = "bfloat16"
    values, gradients = results_and_gradients(ours, x, states, training=True)
    for one, other in zip([*values, *gradients], [*exact, *exact_gradients], strict=True):
        one, other = np.asarray(one), np.asarray(other)
        assert one.dtype == np.float32
        assert 0 < np.linalg.norm(one - other) < 0.02 * np.linalg.norm(other)
    assert_all_close(results_and_gradients(ours, x, states, training=False)[0], exact)


@pytest.mark.parametrize(("tiles", "scan"), [(True, "lstm_scan_units_first"), (False, "lstm_scan")])
def test_lstm_in_bfloat16_takes_the_scan_of_the_processor(tiles, scan, rng, scans, monkeypatch):
    monkeypatch.setattr(recurrent, "has_tiles", lambda: tiles)
    ours, theirs = make_both(PAIRS["lstm"], rng, return_sequences=True)
    ours.operand_dtype = "bfloat16"
    x = rng.normal(size=(BATCH, STEPS, INPUTS)).astype(np.float32)
    np.testing.assert_allclose(ours(x, training=True)[0], theirs(x, training=True)[0], atol=0.03)
    assert scans == [scan]


FALLBACKS = {
    "activation": dict(activation="relu"),
    "unroll": dict(unroll=True),
    "no bias": dict(use_bias=False),
    "recurrent dropout": dict(recurrent_dropout=0.5, seed=3),
    "dropout": dict(dropout=0.5, seed=3),
    "bfloat16": dict(dtype="mixed_bfloat16"),
}


@pytest.mark.parametrize("reason", FALLBACKS)
def test_recurrent_falls_back_to_keras(pair, rng, scans, reason):
    ours, theirs = make_both(pair, rng, **FALLBACKS[reason])
    x, states = rng.normal(size=(BATCH, STEPS, INPUTS)).astype(np.float32), random_states(ours, rng)
    values, stock_values = (layer(x, initial_state=states, training=True) for layer in (ours, theirs))
    assert scans == []
    for one, other in zip(values, stock_values, strict=True):
        np.testing.assert_array_equal(np.asarray(one, np.float32), np.asarray(other, np.float32))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("gru", dict(reset_after=False)),
        ("gru", dict(recurrent_activation="hard_sigmoid")),
        ("lstm", dict(recurrent_activation="hard_sigmoid")),
    ],
)
def test_recurrent_falls_back_for_other_gates(rng, scans, kind, options):
    ours, theirs = make_both(PAIRS[kind], rng, **options)
    x = rng.normal(size=(BATCH, STEPS, INPUTS)).astype(np.float32)
    np.testing.assert_array_equal(ours(x)[0], theirs(x)[0])
    assert scans == []


def test_recurrent_scans_when_dropout_is_off(pair, rng, scans):
    ours, theirs = make_both(pair, rng, dropout=0.5, recurrent_dropout=0.5)
    x = rng.normal(size=(BATCH, STEPS, INPUTS)).astype(np.float32)
    assert_all_close(ours(x, training=False), theirs(x, training=False))
    assert len(scans) == 1


def test_recurrent_leaves_a_gpu_to_keras(pair, rng, scans, monkeypatch):
    monkeypatch.setattr(recurrent, "_has_gpu", lambda: True)
    make_both(pair, rng)[0](np.zeros((BATCH, STEPS, INPUTS), np.float32))
    assert scans == []


def test_recurrent_config_round_trip(pair):
    layer = pair[0](
        UNITS,
        recurrent_dropout=0.25,
        go_backwards=True,
        return_state=True,
        seed=4,
        name="layer0",
        kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2),
    )
    again = pair[0].from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    registered = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(registered) is pair[0]
    assert registered.get_config() == layer.get_config()


SCAN_SHAPES = {  # arguments for 3 steps, a batch of 2, 5 inputs and 4 units
    simple_scan: [(3, 2, 5), (5, 4), (4, 4), (4,), (2, 4)],
    gru_scan: [(3, 2, 5), (5, 12), (4, 12), (12,), (4,), (2, 4)],
    lstm_scan: [(3, 2, 5), (5, 16), (4, 16), (16,), (2, 4), (2, 4)],
    lstm_scan_units_first: [(3, 2, 5), (5, 16), (4, 16), (16,), (2, 4), (2, 4)],
}


@pytest.mark.parametrize("mask", [None, [[1, 0], [0, 1], [1, 1]]], ids=["no mask", "mask"])
@pytest.mark.parametrize("scan", SCAN_SHAPES, ids=SCANS)
def test_scan_gradient_equals_finite_differences(scan, rng, mask):
    arguments = [tf.constant(rng.normal(0, 0.5, shape)) for shape in SCAN_SHAPES[scan]]
    assert arguments[0].dtype == tf.float64
    mask = None if mask is None else tf.constant(mask, tf.float64)[:, :, None]
    states = 1 if scan in (simple_scan, gru_scan) else 2

    def total(*arguments):
        x, *weights = arguments[:-states]
        results = scan(x, weights, *arguments[-states:], mask=mask, low=tf.float64)
        results = results if isinstance(results, list | tuple) else [results]
        weights = np.random.default_rng(8)
        return tf.add_n([tf.reduce_sum(r * weights.normal(size=r.shape)) for r in results])

    with tf.GradientTape() as tape:
        tape.watch(arguments)
        loss = total(*arguments)
    gradients = tape.gradient(loss, arguments)
    for place, (argument, gradient) in enumerate(zip(arguments, gradients, strict=True)):
        for _ in range(4):
            direction = rng.normal(size=argument.shape)
            up, down = (
                total(*arguments[:place], argument + sign * 1e-5 * direction, *arguments[place + 1 :])
                for sign in (1, -1)
            )
            slope = (up - down) / 2e-5
            np.testing.assert_allclose(tf.reduce_sum(gradient * direction), slope, rtol=1e-6, atol=1e-8)


def test_one_hot_marks_each_id():
    layer = OneHot(VOCAB)
    vectors = np.asarray(layer(np.array([[0, 1, 10], [4, 4, 2]], np.int32)))
    assert vectors.shape == (BATCH, STEPS, VOCAB)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, np.eye(VOCAB)[[[0, 1, 10], [4, 4, 2]]])
    assert layer.weights == []
    assert OneHot.from_config(layer.get_config()).get_config() == layer.get_config()


def test_tied_logits_multiplies_by_the_table(rng):
    layer = TiedLogits(VOCAB)
    hidden = rng.normal(size=(BATCH, STEPS, INPUTS)).astype(np.float32)
    table = rng.normal(size=(VOCAB, INPUTS)).astype(np.float32)
    assert_close(layer(hidden, table), hidden @ table.T)
    bias = rng.normal(size=VOCAB).astype(np.float32)
    layer.set_weights([bias])
    assert_close(layer(hidden[:, -1], table), hidden[:, -1] @ table.T + bias)
    assert layer.count_params() == VOCAB
    assert TiedLogits.from_config(layer.get_config()).get_config() == layer.get_config()


def test_logits_with_bfloat16_operands_are_close_while_training(rng):
    layer = Logits(VOCAB)
    hidden = rng.normal(size=(BATCH, STEPS, UNITS)).astype(np.float32)
    exact = np.asarray(layer(hidden, training=True))
    layer.operand_dtype = "bfloat16"
    close = np.asarray(layer(hidden, training=True))
    assert close.dtype == np.float32 and 0 < np.abs(close - exact).max() < 0.05
    np.testing.assert_array_equal(layer(hidden, training=False), exact)
    assert_close(exact, keras.layers.Dense.call(layer, hidden))
