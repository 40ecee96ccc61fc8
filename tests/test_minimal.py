"""minGRU and minLSTM: the layers against the equations of the paper, and the scan by chunks against one by steps."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

from textrnn.base.errors import ConfigError
from textrnn.nn.architectures import CELLS
from textrnn.nn.keras import minimal
from textrnn.nn.keras.minimal import MinGRU, MinLSTM, minimal_scan
from textrnn.nn.numpy.cells import make_cell
from textrnn.nn.options import ModelConfig

BATCH, STEPS, INPUTS, UNITS = 2, 6, 5, 7
KINDS = {"mingru": MinGRU, "minlstm": MinLSTM}
NO_STATE = np.zeros((BATCH, UNITS), np.float32)
MASKS = {
    "right padding": [[1, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0]],
    "left padding": [[0, 0, 1, 1, 1, 1], [0, 1, 1, 1, 1, 1]],
    "holes": [[1, 0, 1, 0, 0, 1], [0, 1, 0, 1, 1, 0]],
    "nothing real": [[0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]],
}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def paper_step(kind, kernel, bias, x, h):
    """The paper's equations, one step: x [batch, inputs], h [batch, units]."""
    gates = np.split(x @ kernel + bias, len(bias) // h.shape[1], 1)
    if kind == "mingru":
        z, candidate = sigmoid(gates[0]), gates[1]
        return (1 - z) * h + z * candidate
    f, i, candidate = sigmoid(gates[0]), sigmoid(gates[1]), gates[2]
    return f / (f + i) * h + i / (f + i) * candidate


def paper_read(kind, layer, x, h, mask=None):
    """All steps one by one: the outputs [batch, steps, units] and the last state."""
    kernel, bias = (np.asarray(weight, np.float64) for weight in layer.weights)
    outputs, seen = [], np.zeros(len(x), bool)
    for step in range(x.shape[1]):
        real = np.ones(len(x), bool) if mask is None else mask[:, step]
        seen = seen | real
        h = np.where(real[:, None], paper_step(kind, kernel, bias, np.asarray(x[:, step], np.float64), h), h)
        outputs.append(h * seen[:, None])
    return np.stack(outputs, 1), h


def make(kind, rng, *, scale=0.7, units=UNITS, inputs=INPUTS, **options):
    layer = KINDS[kind](units, **{"return_sequences": True, "return_state": True, **options})
    layer.build((None, None, inputs))
    layer.set_weights([rng.normal(0, scale, weight.shape) for weight in layer.weights])
    return layer


def texts(rng, *shape):
    return rng.normal(size=shape or (BATCH, STEPS, INPUTS)).astype(np.float32)


def gradients_of(layer, x, h, **call):
    """Results of a layer, and the gradients of a random sum of them to input, state and weights."""
    x, h = tf.constant(x), tf.constant(h)
    with tf.GradientTape() as tape:
        tape.watch([x, h])
        results, draws = layer(x, initial_state=[h], **call), np.random.default_rng(9)
        total = tf.add_n([tf.reduce_sum(r * draws.normal(size=r.shape).astype(np.float32)) for r in results])
    return [*results, *tape.gradient(total, [x, h, *layer.trainable_variables])]


@pytest.mark.parametrize("mask", [None, *MASKS.values()], ids=["no mask", *MASKS])
def test_layer_reads_as_the_paper_says(kind, mask, rng):
    layer, x, h = make(kind, rng), texts(rng), rng.normal(size=(BATCH, UNITS)).astype(np.float32)
    mask = None if mask is None else np.array(mask) > 0
    outputs, last = layer(x, initial_state=[h], mask=mask)
    expected, expected_last = paper_read(kind, layer, x, h, mask)
    assert_close(outputs, expected)
    assert_close(last, expected_last)
    assert outputs.dtype == last.dtype == "float32"


@pytest.mark.parametrize("mask", [None, "holes"])
def test_layer_in_a_graph_of_open_shape_reads_as_the_paper_says(kind, mask, rng):
    layer = make(kind, rng)
    specs = [tf.TensorSpec((None, None, INPUTS)), tf.TensorSpec((None, None), tf.bool)]

    @tf.function(input_signature=specs if mask else specs[:1])
    def graph(x, mask=None):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs, last = layer(x, mask=mask)
            total = tf.reduce_sum(outputs**2) + tf.reduce_sum(last)
        return outputs, last, tape.gradient(total, x)

    for steps in (STEPS, STEPS - 1, 1):  # whether or not they are a multiple of the chunks
        x, real = texts(rng, BATCH, steps, INPUTS), np.array(MASKS["holes"])[:, :steps] > 0
        outputs, last, gradient = graph(x, real) if mask else graph(x)
        expected = paper_read(kind, layer, x, NO_STATE, real if mask else None)
        assert_close(outputs, expected[0])
        assert_close(last, expected[1])
        with tf.GradientTape() as tape:
            watched = tf.Variable(x)
            outputs, last = layer(watched, mask=real if mask else None)
            total = tf.reduce_sum(outputs**2) + tf.reduce_sum(last)
        assert_close(gradient, tape.gradient(total, watched))


@pytest.mark.parametrize("scale", [0.7, 60.0], ids=["gates between", "gates open or shut"])
@pytest.mark.parametrize("masked", [False, True])
def test_parallel_equals_sequential(kind, masked, scale, rng, monkeypatch):
    layer, x, h = make(kind, rng, scale=scale), texts(rng, 3, 16, INPUTS), texts(rng, 3, UNITS)
    mask = rng.random((3, 16)) < 0.6 if masked else None
    found = []
    for chunks in (1, 2, 8, 16):
        monkeypatch.setattr(minimal, "num_chunks", lambda steps, batch, chunks=chunks: chunks)
        found.append([np.asarray(array) for array in gradients_of(layer, x, h, mask=mask)])
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            assert np.isfinite(one).all() and np.abs(one).max() > 0
            np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-5 * np.abs(one).max())


@pytest.mark.parametrize("mask", [None, [[1, 0], [0, 1], [1, 1]]], ids=["no mask", "mask"])
@pytest.mark.parametrize("chunks", [1, 2])
def test_scan_gradient_equals_finite_differences(chunks, mask, rng):
    shapes = [(3, 2, 4), (3, 2, 4), (2 // chunks, 4)]
    arguments = [tf.constant(rng.normal(0, 1, shape)) for shape in shapes]
    mask = None if mask is None else tf.constant(mask, tf.float64)[:, :, None]

    def total(*arguments):
        results, draws = minimal_scan(*arguments, mask=mask, chunks=chunks), np.random.default_rng(8)
        return tf.add_n([tf.reduce_sum(r * draws.normal(size=r.shape)) for r in results])

    with tf.GradientTape() as tape:
        tape.watch(arguments)
        loss = total(*arguments)
    for place, gradient in enumerate(tape.gradient(loss, arguments)):
        for _ in range(4):
            direction = rng.normal(size=shapes[place])
            up, down = (
                total(*arguments[:place], arguments[place] + sign * 1e-5 * direction, *arguments[place + 1 :])
                for sign in (1, -1)
            )
            np.testing.assert_allclose(tf.reduce_sum(gradient * direction), (up - down) / 2e-5, rtol=1e-7, atol=1e-9)


def test_gates_that_are_open_or_shut(kind, rng):
    """What is kept and what comes in, where a plain f / (f + i) would be 0 / 0; in NumPy too."""
    x, h = texts(rng, BATCH, 1, 1), texts(rng, BATCH, 1)
    cases = {"mingru": [([-200], 0), ([200], 1)], "minlstm": [([-200, -201], 1 / (1 + np.e)), ([-200, -100], 1)]}
    for logits, share in cases[kind]:
        weights = [np.array([[0.0] * len(logits) + [1.0]]), np.array([*logits, 0.0])]
        layer = make(kind, rng, units=1, inputs=1)
        layer.set_weights(weights)
        expected = h + share * (x[:, 0] - h)
        np.testing.assert_allclose(layer(x, initial_state=[h])[1], expected, atol=1e-4)
        arrays = dict(kernel=weights[0].astype(np.float32), bias=weights[1].astype(np.float32))
        cell = make_cell(CELLS[kind], 1, arrays)
        np.testing.assert_allclose(cell.step(cell.project(x[:, 0].T), [h.T])[0].T, expected, atol=1e-4)


def test_backwards_reads_from_the_end(kind, rng):
    layer, x = make(kind, rng, go_backwards=True), texts(rng)
    assert_close(layer(x)[0], paper_read(kind, layer, x[:, ::-1], NO_STATE)[0])
    layer.return_sequences, mask = False, np.array(MASKS["right padding"]) > 0
    outputs, last = layer(x, mask=mask)
    np.testing.assert_array_equal(outputs, last)
    assert_close(last, paper_read(kind, layer, x[:, ::-1], NO_STATE, mask[:, ::-1])[1])


def test_bidirectional_reads_both_ways(kind, rng):
    both = keras.layers.Bidirectional(KINDS[kind](UNITS, return_sequences=True))
    x, mask = texts(rng), np.array(MASKS["right padding"]) > 0
    outputs = np.asarray(both(x, mask=mask))
    forward, _ = paper_read(kind, both.forward_layer, x, NO_STATE, mask)
    backward, _ = paper_read(kind, both.backward_layer, x[:, ::-1], NO_STATE, mask[:, ::-1])
    expected = np.concatenate([forward, backward[:, ::-1]], 2) * mask[:, :, None]  # zeros where nothing is
    assert_close(outputs, expected)


def test_bfloat16_operands_are_close_while_training(kind, rng):
    layer, x, h = make(kind, rng, units=32, inputs=16, scale=0.2), texts(rng, 4, 20, 16), texts(rng, 4, 32)
    exact = gradients_of(layer, x, h, training=True)
    layer.operand_dtype = "bfloat16"
    for one, other in zip(gradients_of(layer, x, h, training=True), exact, strict=True):
        assert one.dtype == "float32"
        assert 0 < np.linalg.norm(one - other) < 0.02 * np.linalg.norm(other)
    np.testing.assert_array_equal(layer(x, initial_state=[h])[0], exact[0])


def test_config_round_trip(kind):
    options = dict(go_backwards=True, return_state=True, kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2))
    layer = KINDS[kind](UNITS, **options, name="layer0")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is KINDS[kind] and again.get_config() == layer.get_config()
    assert again.compute_output_shape((BATCH, STEPS, INPUTS)) == ((BATCH, UNITS), (BATCH, UNITS))


def test_recurrent_dropout_is_refused(kind):
    with pytest.raises(ConfigError, match=f"--recurrent-dropout is 0.2: {kind} drops nothing of a state"):
        ModelConfig(arch=kind, recurrent_dropout=0.2)
    assert ModelConfig(arch="bidirectional", cells=f"{kind},bi-gru", recurrent_dropout=0.2).recurrent_dropout == 0.2
