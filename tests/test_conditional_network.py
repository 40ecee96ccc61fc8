"""Networks with conditions: Keras against NumPy written from the rule, mixtures and guidance worked out by hand."""

import dataclasses
import functools
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_models import BATCH, EMBED, UNITS, VOCAB, random_weights, small

from textrnn.base.errors import ConfigError, RunError
from textrnn.language_model.conditions import (
    ConditionedNetwork,
    conditioned,
    drawn_condition,
    frequencies,
    one_hot,
    parse_condition,
    with_condition,
)
from textrnn.language_model.document_scoring import Start, document_nats, log_joint
from textrnn.language_model.network import build_language_model, start_from_frequencies
from textrnn.language_model.options import Config
from textrnn.nn.keras.tokens import Conditions
from textrnn.nn.keras.weights import get_weights, named_variables, set_weights
from textrnn.nn.numpy.load import make_network
from textrnn.text.documents import Documents

NUM = 3
IDS = np.array([[VOCAB + 2, 4, 9, VOCAB, 5, VOCAB - 1, 7], [6, VOCAB + 1, 3, VOCAB + 3, 8, 8, 2]], np.int32)
KINDS = {
    "simple": small("simple"),
    "gru x 2": small("gru", layers=2),
    "lstm": small("lstm"),
    "one-hot lstm": small("lstm", input="one-hot"),
    "tied gru": small("gru", tied=True),
    "residual simple x 2": small("simple", layers=2, residual=True, embed=UNITS),
}


@functools.cache
def built(kind):
    model = build_language_model(KINDS[kind], VOCAB, num_conditions=NUM, condition_dropout=0.5)
    weights = random_weights(np.random.default_rng(5), get_weights(model))
    set_weights(model, weights)
    return model, weights


def network_of(kind):
    _, weights = built(kind)
    return make_network(KINDS[kind], VOCAB, weights, window=1, start_id=VOCAB - 1, num_conditions=NUM)


def oracle_conditions(ids, before):
    """The condition of each step, one token after the other: [batch, steps, NUM]."""
    found = np.zeros((*ids.shape, NUM))
    for row, text in enumerate(ids):
        now = before[row]
        for step, token in enumerate(text):
            if token >= VOCAB:
                now = np.array([token - VOCAB == place for place in range(NUM)], float)
            found[row, step] = now
    return found


def softmax(logits):
    exps = np.exp(np.asarray(logits, np.float64))
    return exps / exps.sum(-1, keepdims=True)


def test_conditions_layer_is_the_rule():
    before = np.array([[0.2, 0.3, 0.5], [0, 1, 0]], np.float32)
    each, last = Conditions(NUM, first_id=VOCAB)(IDS, before)
    expected = oracle_conditions(IDS, before)
    np.testing.assert_array_equal(each, expected.astype(np.float32))
    np.testing.assert_array_equal(last, expected[:, -1].astype(np.float32))


def test_conditions_layer_hides_whole_documents_while_training():
    layer = Conditions(NUM, first_id=VOCAB, dropout=0.3, seed=1)
    ids = np.full((500, 4), 5, np.int32)
    ids[:, 0] = VOCAB + 1
    each, last = (np.asarray(array) for array in layer(ids, np.zeros((500, NUM), np.float32), training=True))
    assert set(map(tuple, each.reshape(-1, NUM))) == {(0, 0, 0), (0, 1, 0)}
    assert (each == each[:, :1]).all() and (last == each[:, -1]).all()
    assert 0.62 < last[:, 1].mean() < 0.78
    carried, _ = layer(np.full((500, 2), 5, np.int32), last, training=True)  # nothing is drawn within a document
    np.testing.assert_array_equal(carried[:, 0], last)
    np.testing.assert_array_equal(layer(ids, np.zeros((500, NUM), np.float32))[1][:, 1], 1)


def test_network_is_that_of_the_equations():
    """An LSTM written out: the condition stands beside the token's vector, and beside the output of the layer."""
    model, weights = built("lstm")
    conditions = oracle_conditions(IDS, np.zeros((BATCH, NUM)))
    h, c, expected = np.zeros((BATCH, UNITS)), np.zeros((BATCH, UNITS)), []
    for step in range(IDS.shape[1]):
        token = weights["embedding/embeddings"][np.minimum(IDS[:, step], VOCAB - 1)]
        inputs = np.concatenate([token, conditions[:, step]], 1)
        gates = inputs @ weights["layer0/kernel"] + h @ weights["layer0/recurrent_kernel"] + weights["layer0/bias"]
        i, f, g, o = np.split(gates, 4, 1)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        output = np.concatenate([h, conditions[:, step]], 1)
        expected.append(output @ weights["output/kernel"] + weights["output/bias"])
    logits, after = model.step(IDS, model.initial_state(BATCH))
    np.testing.assert_allclose(logits, np.stack(expected, 1), atol=2e-5)
    np.testing.assert_array_equal(after[-1], conditions[:, -1].astype(np.float32))
    inside = 4 * UNITS * (EMBED + NUM + UNITS + 1)
    assert model.count_params() == VOCAB * EMBED + inside + (UNITS + NUM + 1) * VOCAB


def test_gradient_is_that_of_small_differences(rng):
    """Through all that a condition stands beside: the loss of one batch, along a random direction of each weight."""
    model, weights = built("gru x 2")
    targets = np.roll(np.minimum(IDS, VOCAB - 1), -1, 1)

    def total():
        logits, _ = model.step(IDS, model.initial_state(BATCH))
        return keras.ops.sum(keras.ops.sparse_categorical_crossentropy(targets, logits, from_logits=True))

    variables = named_variables(model)
    with tf.GradientTape() as tape:
        loss = total()
    found = tape.gradient(loss, {name: variable.value for name, variable in variables.items()})
    for name, variable in variables.items():
        gradient = tf.convert_to_tensor(found[name]).numpy()
        direction, ends = rng.normal(size=gradient.shape), []
        for way in (2e-3, -2e-3):
            variable.assign(weights[name] + way * direction)
            ends.append(float(total()))
        variable.assign(weights[name])
        assert gradient.any(), name
        assert (ends[0] - ends[1]) / 4e-3 == pytest.approx(float((gradient * direction).sum()), rel=0.02, abs=0.05), (
            name
        )


@pytest.mark.parametrize("kind", KINDS)
def test_runtime_is_the_keras_model(kind):
    model, _ = built(kind)
    before = np.array([[0.2, 0.3, 0.5], [0.0, 0.6, 0.4]], np.float32)
    state = [*model.initial_state(BATCH)[:-1], before]
    expected, after = model.step(IDS, state)
    network = network_of(kind)
    start = [*network.initial_state(BATCH)[:-1], before.T]
    logits, found = network.read_all(IDS, start)
    np.testing.assert_allclose(np.transpose(logits, (1, 0, 2)), expected, atol=3e-5)
    for own, other in zip(found, after, strict=True):
        np.testing.assert_allclose(own.T, other, atol=3e-5)
    for step in range(IDS.shape[1]):
        logits, start = network.step(IDS[:, step], start)
        np.testing.assert_allclose(logits, expected[:, step], atol=3e-5)
    read, _ = network.read(IDS[0], [array[:, :1] for array in [*network.initial_state(1)[:-1], before.T]])
    np.testing.assert_allclose(read[0], expected[0, -1], atol=3e-5)


def test_model_is_made_again_from_its_config():
    model, weights = built("lstm")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
    set_weights(again, weights)
    np.testing.assert_array_equal(again(IDS), model(IDS))


def test_frequencies_count_all_beginnings_as_the_end():
    model = build_language_model(KINDS["simple"], VOCAB, num_conditions=NUM)
    start_from_frequencies(model, np.array([VOCAB, 2, VOCAB + 2, 2, VOCAB - 1, 3]))
    chances = softmax(model.output_layer.bias.numpy())
    np.testing.assert_allclose(chances[[2, 3, VOCAB - 1]] * (6 + 0.1 * VOCAB), [2.1, 1.1, 3.1], atol=1e-5)


def test_weights_of_other_conditions_are_refused():
    _, weights = built("lstm")
    with pytest.raises(RunError, match="the weights do not fit the model"):
        make_network(KINDS["lstm"], VOCAB, weights, window=1, start_id=0, num_conditions=NUM + 1)


# ---------------------------------------------------------------- which condition


NAMES = ("bad", "good", "So, so=1")


@pytest.mark.parametrize(
    "text, weights",
    [
        ("good", [0, 1, 0]),
        (" GOOD ", [0, 1, 0]),
        ("So, so=1", [0, 0, 1]),
        ("bad=0.3,good=0.7", [0.3, 0.7, 0]),
        (" good = 3 , bad = 1 ", [0.25, 0.75, 0]),
        ("good=2", [0, 1, 0]),
        ("good=1,bad=0", [0, 1, 0]),
    ],
)
def test_parse_condition(text, weights):
    np.testing.assert_allclose(parse_condition(text, NAMES), weights, atol=1e-7)


@pytest.mark.parametrize(
    "text, says",
    [
        ("god", "no condition 'god'; did you mean 'good'.*there: bad, good, So, so=1"),
        ("", "no condition ''"),
        ("good=0", "no weight above 0"),
        ("good=0,bad=0", "no weight above 0"),
        ("good=x", "the weight 'x': expected numbers"),
        ("good=-1,bad=2", "the weight '-1'"),
        ("good=nan", "the weight 'nan'"),
        ("good=inf", "the weight 'inf'"),
        ("good=", "the weight ''"),
        ("good=1,good=2", "names 'good' twice"),
        ("good=1,,bad=1", "the weight ''|no condition ''"),
        ("=1", "no condition ''"),
    ],
)
def test_parse_condition_refuses(text, says):
    with pytest.raises(ConfigError, match=says):
        parse_condition(text, NAMES)


def model_of(kind="lstm", counts=(1, 3, 4), **options):
    documents = Documents(VOCAB - 1, 8, 1, ("bad", "good", "other"), counts)
    return _Model(network_of(kind), Config.from_options(options), documents)


@dataclasses.dataclass(frozen=True)
class _Model:
    network: object
    config: Config
    documents: Documents
    path: object = None
    start_id: int = VOCAB - 1


def test_mixture_by_hand():
    """Half of one and half of another: all that the first step adds up is linear in the vectors of the conditions."""
    _, weights = built("simple")
    network = ConditionedNetwork(network_of("simple"), np.array([0.25, 0.75, 0], np.float32))
    logits, _ = network.step(np.array([VOCAB - 1]), network.initial_state(1))
    mixed = 0.25 * np.eye(NUM)[0] + 0.75 * np.eye(NUM)[1]
    inputs = np.concatenate([weights["embedding/embeddings"][VOCAB - 1], mixed])
    h = np.tanh(inputs @ weights["layer0/kernel"] + weights["layer0/bias"])
    expected = np.concatenate([h, mixed]) @ weights["output/kernel"] + weights["output/bias"]
    np.testing.assert_allclose(logits[0], expected, atol=1e-5)


def test_single_condition_is_its_beginning():
    network = network_of("gru x 2")
    own = ConditionedNetwork(network, one_hot(1, NUM))
    text = np.array([4, 2, 9], np.int32)
    expected, _ = network.read(np.concatenate([[VOCAB + 1], text]), network.initial_state(1))
    found, _ = own.read(np.concatenate([[VOCAB - 1], text]), own.initial_state(1))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_guidance_by_hand():
    network, ids = network_of("lstm"), np.array([[VOCAB - 1, 4, 2], [VOCAB - 1, 9, 9]], np.int32)
    guided = ConditionedNetwork(network, one_hot(2, NUM), guidance=1.5)
    plain = ConditionedNetwork(network, one_hot(2, NUM))
    within, _ = plain.read_all(ids, plain.initial_state(2))
    without, _ = network.read_all(ids, network.initial_state(2))
    expected = 2.5 * within - 1.5 * without
    np.testing.assert_allclose(guided.read_all(ids, guided.initial_state(2))[0], expected, atol=1e-4)
    state = guided.initial_state(2)
    for step in range(3):
        logits, state = guided.step(ids[:, step], state)
        np.testing.assert_allclose(logits, expected[step], atol=1e-4)
    read, _ = guided.read(ids[0], guided.initial_state(1))
    np.testing.assert_allclose(read[0], expected[2, 0], atol=1e-4)


def test_conditions_are_drawn_by_their_frequency():
    model, rng = model_of(), np.random.default_rng(0)
    np.testing.assert_allclose(frequencies(model), [0.125, 0.375, 0.5])
    drawn = [drawn_condition(model, rng)[0] for _ in range(2000)]
    shares = [drawn.count(name) / 2000 for name in model.documents.conditions]
    np.testing.assert_allclose(shares, [0.125, 0.375, 0.5], atol=0.04)


def test_with_condition_refuses_what_cannot_be():
    with pytest.raises(ConfigError, match="--condition-dropout 0"):
        conditioned(model_of(condition_dropout=0.0), one_hot(0, NUM), 1.0)
    plain = SimpleNamespace(documents=None, path="models/x")
    for arguments, flag in ((("good", 0.0), "--condition"), ((None, 1.0), "--guidance")):
        with pytest.raises(ConfigError, match=f"{flag} is for runs that learnt conditions, and models/x has none"):
            with_condition(plain, *arguments)
    assert with_condition(plain, None) == (plain, None)


def test_document_nats_by_hand():
    network = network_of("lstm")
    texts = [np.array([4, 2, 9]), np.array([], np.int32), np.array([3])]
    found = document_nats([Start(network, VOCAB + place) for place in range(NUM)], texts, VOCAB - 1)
    for row, text in enumerate(texts):
        for place in range(NUM):
            state, nats = network.initial_state(1), 0.0
            for before, after in zip([VOCAB + place, *text], [*text, VOCAB - 1], strict=True):
                logits, state = network.step(np.array([before]), state)
                nats -= np.log(softmax(logits[0])[after])
            assert found[row, place] == pytest.approx(nats, abs=1e-4)
    joint = log_joint(model_of(), found)
    np.testing.assert_allclose(joint, np.log([0.125, 0.375, 0.5]) - found)
