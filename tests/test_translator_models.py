"""The networks of translators: shapes, parameters, the plain equations, padding, learning, and NumPy against Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from translate_cases import (
    EMBED,
    PLACES,
    ROWS,
    SOURCE,
    STEPS,
    TARGET,
    UNITS,
    network_config,
    plain_logits,
    plain_memory,
    random_weights,
    shapes,
)

from textrnn.nn.keras.pooling import Attention
from textrnn.nn.keras.weights import get_weights, set_weights
from textrnn.nn.numpy.weights import Weights
from textrnn.training.loss import token_losses
from textrnn.training.step import Division, make_step
from textrnn.translator.batches import EncodedPairs
from textrnn.translator.network import build_translator
from textrnn.translator.numpy_network import AlignedNetwork, EncoderDecoderNetwork
from textrnn.translator.step import NUMBERS, SIGNATURE, make_check, make_loss, random_numbers, shifted

SIZES = dict(source_size=SOURCE, target_size=TARGET)
CONFIGS = {
    "gru, 1 + 2": network_config(),
    "gru, 2 + 1": network_config(layers=2, decoder_layers=1),
    "lstm, 1 + 2": network_config(cell="lstm"),
}
KINDS = [(kind, name) for kind in ("aligned", "encoder-decoder") for name in CONFIGS]


@pytest.fixture(scope="module")
def models():
    return {(kind, name): build_translator(kind, CONFIGS[name], **SIZES) for kind, name in KINDS}


def inputs(rng):
    ids = rng.integers(1, SOURCE, (ROWS, PLACES)).astype(np.int32)
    mask = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], np.float32)
    return ids, mask, rng.integers(1, TARGET, (ROWS, STEPS)).astype(np.int32)


def call(model, kind, ids, mask, before):
    return np.asarray(model(ids, mask) if kind == "aligned" else model(ids, mask, before))


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_translator_has_the_weights_of_the_formula(models, kind, name):
    expected = shapes(CONFIGS[name], aligned=kind == "aligned")
    found = {key: array.shape for key, array in get_weights(models[kind, name]).items()}
    assert found == expected
    assert models[kind, name].count_params() == sum(int(np.prod(shape)) for shape in expected.values())


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_numpy_equals_keras(models, rng, kind, name):
    config, (ids, mask, before) = CONFIGS[name], inputs(rng)
    weights = random_weights(rng, config, aligned=kind == "aligned")
    set_weights(models[kind, name], weights)
    expected = call(models[kind, name], kind, ids, mask, before)
    if kind == "aligned":
        made = AlignedNetwork(config, SOURCE, TARGET, Weights(weights)).logits(ids, mask)
        np.testing.assert_allclose(made[mask > 0], expected[mask > 0], atol=1e-5)
        return
    network = EncoderDecoderNetwork(config, SOURCE, TARGET, Weights(weights))
    memory = network.read([ids[0], ids[1, :2]])
    state = memory.state
    for step in range(STEPS):
        logits, state, _ = network.step(before[:, step], state, memory, np.arange(ROWS))
        np.testing.assert_allclose(logits, expected[:, step], atol=1e-5)


@pytest.mark.parametrize("name", ["gru, 1 + 2", "gru, 2 + 1"])
def test_translators_are_the_plain_equations(models, rng, name):
    config, (ids, mask, before) = CONFIGS[name], inputs(rng)
    weights = random_weights(rng, config)
    set_weights(models["encoder-decoder", name], weights)
    made = np.asarray(models["encoder-decoder", name](ids, mask, before))
    for row, length in enumerate(mask.sum(1).astype(int)):  # each alone and unpadded: padding changes nothing
        expected, seen = plain_logits(weights, config, ids[row, :length], before[row])
        np.testing.assert_allclose(made[row], expected, atol=1e-5)
        network = EncoderDecoderNetwork(config, SOURCE, TARGET, Weights(weights))
        np.testing.assert_allclose(network.attention(ids[row, :length], before[row]), seen, atol=1e-5)
    weights = random_weights(rng, config, aligned=True)
    set_weights(models["aligned", name], weights)
    expected = plain_memory(weights, config, ids[1, :2]) @ weights["output/kernel"] + weights["output/bias"]
    np.testing.assert_allclose(np.asarray(models["aligned", name](ids, mask))[1, :2], expected, atol=1e-5)


def test_attention_is_a_softmax_over_real_places(rng):
    layer = Attention()
    query, memory = (
        rng.normal(size=shape).astype(np.float32) for shape in ((ROWS, STEPS, UNITS), (ROWS, PLACES, EMBED))
    )
    mask = np.array([[1, 1, 1, 1], [1, 0, 0, 0]], np.float32)
    context = np.asarray(layer(query, memory, mask))
    np.testing.assert_allclose(context[1], np.repeat(memory[1, :1], STEPS, 0), rtol=1e-5)
    scores = np.exp(query[0] @ layer.kernel.numpy() @ memory[0].T)
    np.testing.assert_allclose(context[0], scores / scores.sum(1, keepdims=True) @ memory[0], rtol=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_smoothed_loss_and_its_gradient_are_those_of_the_definition(rng, smoothing):
    logits, y = rng.normal(size=(5, 4)).astype(np.float32), np.array([0, 3, 1, 1, 2], np.int32)
    weight = rng.normal(size=5).astype(np.float32)
    target = (1 - smoothing) * np.eye(4)[y] + smoothing / 4
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    variable = tf.Variable(logits)
    with tf.GradientTape() as tape:
        nats = token_losses(variable, y, smoothing=smoothing)
        total = tf.reduce_sum(nats * weight)
    np.testing.assert_allclose(nats, -(target * np.log(shares)).sum(1), rtol=1e-5)
    np.testing.assert_allclose(tape.gradient(total, variable), weight[:, None] * (shares - target), atol=1e-5)


@pytest.mark.parametrize(("kind", "name"), [("encoder-decoder", "gru, 1 + 2"), ("aligned", "gru, 2 + 1")])
def test_gradient_is_that_of_small_differences(models, rng, kind, name):
    model = models[kind, name]
    set_weights(model, random_weights(rng, CONFIGS[name], aligned=kind == "aligned"))
    ids, mask, y = inputs(rng)
    if kind == "aligned":  # a target for each place
        y = rng.integers(1, TARGET, ids.shape).astype(np.int32)
    losses = make_loss(model, smoothing=0.1, sampling=None)
    y_mask = mask if kind == "aligned" else np.ones_like(y, np.float32)
    numbers = np.zeros(ROWS, np.int32)

    def total():
        return losses((ids, mask, y, y_mask, numbers), []).nats

    with tf.GradientTape() as tape:
        loss = total()
    variables = model.trainable_variables
    gradients = [np.asarray(tf.convert_to_tensor(one)) for one in tape.gradient(loss, variables)]
    before = [variable.numpy() for variable in variables]
    for _ in range(3):
        direction = [rng.normal(size=one.shape) for one in gradients]
        ends = []
        for way in (3e-3, -3e-3):
            for variable, value, part in zip(variables, before, direction, strict=True):
                variable.assign(value + way * part)
            ends.append(float(total()))
        expected = sum(float((one * part).sum()) for one, part in zip(gradients, direction, strict=True))
        assert (ends[0] - ends[1]) / 6e-3 == pytest.approx(expected, rel=0.02, abs=0.05)


def test_shifted_puts_the_end_first():
    assert np.asarray(shifted(tf.constant([[3, 4, 5], [6, 7, 0]]), 8)).tolist() == [[8, 3, 4], [8, 6, 7]]


def test_dropout_hangs_on_its_seed_alone_and_is_the_same_in_all_steps(rng):
    model = build_translator("aligned", network_config(dropout=0.5), **SIZES)
    values = tf.ones((ROWS, STEPS, 64))
    one, same, other = (np.asarray(model.dropped(values, 3, seed)) for seed in (7, 7, 8))
    assert (one == same).all() and (one != other).any()
    assert (one == one[:, :1]).all() and set(np.unique(one)) == {0.0, 2.0}
    assert model.dropped(values, 3, None) is values


@pytest.fixture(scope="module")
def tiny_pairs():
    rng = np.random.default_rng(3)
    draw = lambda top: [rng.integers(2, top, rng.integers(2, 5)).astype(np.int32) for _ in range(6)]  # noqa: E731
    return EncodedPairs(draw(SOURCE), draw(TARGET))


def learnt(pairs, num_steps, sampling):
    """A model after some steps on all pairs at once, its weights before, and its losses before and after."""
    model = build_translator("encoder-decoder", network_config(units=16, embed=12), **SIZES)
    optimizer = keras.optimizers.Adam(0.02)
    optimizer.build(model.trainable_variables)
    check, before, arrays = make_check(model), get_weights(model), pairs.arrays(range(len(pairs)))
    loss = make_loss(model, smoothing=0.0, sampling=lambda: sampling)
    division = Division(2, signature=(*SIGNATURE, NUMBERS))
    step = make_step(loss, model.trainable_variables, optimizer, clip_norm=1.0, division=division)
    nats = check(pairs)
    for number in range(num_steps):
        numbers = random_numbers(len(pairs), step=number, random_seed=1)
        loss, norm, _ = step((*arrays, numbers), [], np.float32(0.02))
        assert np.isfinite([float(loss), float(norm)]).all()
    return model, before, nats, check(pairs)


@pytest.mark.slow
def test_tiny_batch_is_overfitted_and_each_weight_learns(tiny_pairs):
    model, before, first, last = learnt(tiny_pairs, 120, sampling=0.2)
    assert first > 1.5 and last < first / 5  # how fast the rest is learnt hangs on the rounding
    after = get_weights(model)
    assert [name for name in before if (before[name] == after[name]).all()] == []


def test_scheduled_sampling_feeds_what_the_network_would_write(models, rng):
    model = models["encoder-decoder", "gru, 1 + 2"]
    set_weights(model, random_weights(rng, CONFIGS["gru, 1 + 2"]))
    ids, mask, y = inputs(rng)
    ones, numbers = np.ones_like(y, np.float32), np.zeros(ROWS, np.int32)
    guess = np.argmax(model(ids, mask, shifted(tf.constant(y), TARGET - 1)), -1).astype(np.int32)
    fed = model(ids, mask, shifted(tf.constant(guess), TARGET - 1))
    found = make_loss(model, smoothing=0.0, sampling=lambda: 1.0)((ids, mask, y, ones, numbers), [])
    assert float(found.nats) == pytest.approx(float(tf.reduce_sum(token_losses(fed, y))), rel=1e-5)
    assert float(found.weight) == y.size
