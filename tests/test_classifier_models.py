"""The recurrent classifier: shapes, parameters, masks, learning, and NumPy as the oracle of Keras."""

import itertools
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

from textrnn.base.errors import RunError
from textrnn.classifier.fit import IDS, MASK, ROW_WEIGHTS, fit_classifier, make_loss, make_reader, steps_of
from textrnn.classifier.kinds import Classes
from textrnn.classifier.network import Classifier, build_classifier
from textrnn.classifier.network_request import NetworkRequest
from textrnn.classifier.options import POOLINGS, ClassifierConfig, EncoderConfig
from textrnn.classifier.recurrent import RecurrentClassifier
from textrnn.nn.architectures import BIDIRECTIONAL, CELLS
from textrnn.nn.keras.pooling import Pooling
from textrnn.nn.keras.weights import get_weights, set_weights
from textrnn.nn.numpy.weights import Weights
from textrnn.text.rows import padded
from textrnn.training.step import Division, make_step
from textrnn.training.trainer import Done, Step, WentBack

VOCAB, CLASSES = 11, 3
SMALL = dict(units=7, embed=5)
KINDS = [
    *(dict(arch=arch, pooling="mean-max") for arch in (*CELLS, BIDIRECTIONAL)),
    *(dict(pooling=pooling) for pooling in POOLINGS),
    dict(arch="lstm", pooling="last", layers=2),
    dict(cell="lstm", layers=2, pooling="attention"),
    dict(cell="minlstm", layers=2),
]


def small(**more):
    return EncoderConfig(**SMALL, **more)


def texts_of(rng, lengths=(4, 1, 6, 4, 2)):
    return [rng.integers(1, VOCAB, length).astype(np.int32) for length in lengths]


def drawn(config, rng):
    """A model whose weights are all distinct, biases too."""
    model = build_classifier(config, VOCAB, CLASSES)
    set_weights(model, {name: rng.normal(0, 0.5, w.shape).astype(np.float32) for name, w in get_weights(model).items()})
    return model


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_numpy_gives_the_logits_of_keras(options, rng):
    config = small(**options)
    model, texts = drawn(config, rng), texts_of(rng)
    network = RecurrentClassifier(config, VOCAB, CLASSES, Weights(get_weights(model)))
    expected = model(*padded(texts)).numpy()
    assert_close(network.logits(texts), expected)
    assert_close(make_reader(model)(texts), expected)


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_numpy_gives_the_same_however_texts_are_put_together(options, rng, monkeypatch):
    config, texts = small(**options), texts_of(rng, (4, 1, 6, 4, 2, 9, 1, 3))
    network = RecurrentClassifier(config, VOCAB, CLASSES, Weights(get_weights(drawn(config, rng))))
    expected = np.concatenate([network.logits([text]) for text in texts])
    assert_close(network.logits(texts), expected)
    monkeypatch.setattr("textrnn.classifier.recurrent.TOKENS", 11)
    monkeypatch.setattr("textrnn.classifier.recurrent.ROWS", 2)
    assert_close(network.logits(texts), expected)


def test_numpy_needs_no_texts(rng):
    config = small()
    network = RecurrentClassifier(config, VOCAB, CLASSES, Weights(get_weights(drawn(config, rng))))
    assert network.logits([]).shape == (0, CLASSES)


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_padding_does_not_change_the_logits(options, rng):
    model, texts = drawn(small(**options), rng), texts_of(rng)
    together = model(*padded(texts)).numpy()
    for row, text in enumerate(texts):
        assert_close(model(*padded([text])).numpy()[0], together[row])


def test_number_of_parameters_is_that_of_the_formula():
    units, embed, width = 7, 5, 14
    model = build_classifier(small(pooling="attention"), VOCAB, CLASSES)
    gru = 2 * 3 * (embed * units + units * units + 2 * units)
    assert model.count_params() == VOCAB * embed + gru + width + (width + 1) * CLASSES


def test_weights_of_another_model_are_refused(rng):
    weights = get_weights(drawn(small(), rng))
    with pytest.raises(RunError, match="output/kernel"):
        RecurrentClassifier(small(), VOCAB, CLASSES + 1, Weights(weights))


def test_classifier_survives_its_config(rng):
    model = drawn(small(layers=2), rng)
    again = Classifier.from_config(model.get_config())
    again.build((None, None))
    set_weights(again, get_weights(model))
    ids, mask = padded(texts_of(rng))
    np.testing.assert_array_equal(model(ids, mask), again(ids, mask))


def test_pooling_by_hand():
    outputs = tf.constant([[[1.0, 10.0], [3.0, -20.0], [99.0, 99.0]]])
    mask = tf.constant([[1.0, 1.0, 0.0]])
    assert Pooling(["mean", "max"])(outputs, mask).numpy().tolist() == [[2.0, -5.0, 3.0, 10.0]]
    assert Pooling(["last"])(outputs, mask).numpy().tolist() == [[3.0, -20.0]]
    assert Pooling(["last"], both_ways=True)(outputs, mask).numpy().tolist() == [[3.0, 10.0]]
    attention = Pooling(["attention"])
    attention.build((None, None, 2))
    attention.query.assign([[np.log(3.0) / 2], [0.0]])  # scores differ by log 3: weights 1/4 and 3/4
    np.testing.assert_allclose(attention(outputs, mask).numpy(), [[2.5, -12.5]], rtol=1e-5)


def test_dropout_takes_words_and_features_of_a_text_as_a_whole():
    model = build_classifier(EncoderConfig(units=7, embed=50, word_dropout=0.5, embed_dropout=0.5), VOCAB, CLASSES)
    vectors = model.embed(np.ones((40, 30), np.int32), training=True).numpy()
    words, features = (vectors != 0).any(2), (vectors != 0).any(1)
    assert 0.4 < words.mean() < 0.6 and 0.4 < features.mean() < 0.6
    assert ((vectors != 0) == words[:, :, None] & features[:, None, :]).all()
    plain = model.embed(np.ones((1, 1), np.int32)).numpy()[0, 0]
    kept = vectors[words.argmax(0)[0], 0]
    np.testing.assert_allclose(kept[kept != 0], 2 * plain[kept != 0], rtol=1e-5)


def step_of(model, num_shards=1):
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)
    division = Division(num_shards, signature=(IDS, MASK, tf.TensorSpec((None,), tf.int32), ROW_WEIGHTS))
    step = make_step(make_loss(model), model.trainable_variables, optimizer, clip_norm=1.0, division=division)
    return lambda *arrays, rate: step(arrays, [], np.float32(rate))[0]


def test_steps_of_warns_where_training_went_back(capsys):
    steps = [Step(1, 2.0, 0.5, 0.5, 1.0), Step(2, 1.0, 1.0, 1.0, 0.0)]
    events = [steps[0], WentBack("the loss is nan"), steps[1], Done("budget")]
    assert list(steps_of(SimpleNamespace(run=lambda budget: events), None)) == steps
    assert capsys.readouterr().err == "warning: the loss is nan\n"


OTHERS = [dict(arch="minlstm"), dict(arch="memory")]


@pytest.mark.parametrize("options", [dict(pooling="attention"), dict(layers=2), *OTHERS], ids=str)
def test_one_step_changes_every_weight_and_more_overfit(options, rng):
    model = drawn(small(**options, dropout=0.0, embed_dropout=0.0, word_dropout=0.0), rng)
    before = get_weights(model)
    texts = [np.arange(1, VOCAB, dtype=np.int32), np.array([3, 1], np.int32)]
    labels, weight = np.array([0, 2], np.int32), np.ones(2, np.float32)
    step = step_of(model)
    step(*padded(texts), labels, weight, rate=0.01)
    assert all((before[name] != after).any() for name, after in get_weights(model).items())
    losses = [float(step(*padded(texts), labels, weight, rate=0.05)) for _ in range(40)]
    assert losses[-1] < 0.05


def test_fit_step_shards_add_up(rng):
    config = small(dropout=0.0, embed_dropout=0.0, word_dropout=0.0)
    ids, mask = padded(texts_of(rng))
    labels, weight = rng.integers(0, CLASSES, 5).astype(np.int32), np.array([1, 2, 0.5, 1, 1], np.float32)
    found = []
    for num_shards in (1, 2):
        model = build_classifier(config, VOCAB, CLASSES)
        step = step_of(model, num_shards)
        losses = [float(step(ids, mask, labels, weight, rate=0.01)) for _ in range(3)]
        found.append([*losses, *get_weights(model).values()])
    for one, two in zip(*found, strict=True):
        assert_close(one, two, 1e-4)


def test_fit_classifier_learns_a_rule(rng):
    """Whether token 5 is in a text."""
    texts = [rng.integers(1, VOCAB, rng.integers(2, 9)).astype(np.int32) for _ in range(300)]
    labels = np.array([int(5 in text) for text in texts])
    config = ClassifierConfig.from_options(
        dict(units=8, embed=8, epochs=12, learning_rate=0.02, dropout=0.0, embed_dropout=0.0, word_dropout=0.0)
    )
    more = dict(vocab_size=VOCAB, kind=Classes(["no", "yes"]), row_weights=np.ones(200), random_seed=3)
    request = NetworkRequest(config=config, texts=texts[:200], labels=labels[:200], held=texts[200:], **more)
    fitted = fit_classifier(request)
    assert (fitted.outputs.argmax(1) == labels[200:]).mean() > 0.95
    assert [row["epoch"] for row in fitted.history] == list(range(1, 13))
    again = fit_classifier(request)
    assert all(np.allclose(fitted.weights[name], array) for name, array in again.weights.items())


def test_fit_classifier_stops_when_it_is_told(rng):
    texts = texts_of(rng)
    config = ClassifierConfig.from_options(dict(**SMALL, batch=2, epochs=100))
    told, counted = [], itertools.count()
    request = NetworkRequest(
        config=config,
        texts=texts,
        labels=np.array([0, 1, 2, 0, 1]),
        held=texts[:2],
        vocab_size=VOCAB,
        kind=Classes("abc"),
        row_weights=np.ones(5),
        random_seed=0,
        interrupted=lambda: next(counted) >= 4,
        on_step=lambda done, nats: told.append(done),
    )
    fitted = fit_classifier(request)
    assert told == [1 / 300, 2 / 300, 3 / 300, 4 / 300] and fitted.outputs.shape == (2, CLASSES)
