"""Pretraining a classifier's encoder as a language model."""

import numpy as np
import pytest

from textrnn.classifier.network_request import PretrainRequest
from textrnn.classifier.options import ClassifierConfig, EncoderConfig

RISING = [np.array([2 + (begin + k) % 6 for k in range(12)], np.int32) for begin in range(6)]  # 2 3 4 5 6 7 2 3 ...
SMALL = dict(units=12, embed=8, dropout=0.0, embed_dropout=0.0, word_dropout=0.0)


def _pretrained(texts=RISING, epochs=1.0, on_step=lambda done, nats: None, **options):
    from textrnn.classifier.pretrain import pretrain

    config = ClassifierConfig.from_options({**SMALL, "pretrain_epochs": epochs, **options})
    return pretrain(PretrainRequest(config=config, texts=texts, vocab_size=8, random_seed=3, on_step=on_step))


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["bidirectional", "lstm"])
def test_learns_what_comes_next_and_what_came_before(arch):
    """Each token of a circle is certain in both directions; untaught, six tokens cost ln 6 = 1.79 nats."""
    nats = []
    after = _pretrained(arch=arch, epochs=400.0, on_step=lambda done, loss: nats.append(loss))
    assert 1.4 < nats[0] < 2.2
    assert after.nats < 0.35


def test_weights_are_those_of_embedding_and_first_layer():
    from textrnn.classifier.network import build_classifier
    from textrnn.nn.keras.weights import get_weights

    config = EncoderConfig(**SMALL, layers=2)
    found = _pretrained(epochs=1.0, layers=2)
    all_weights = get_weights(build_classifier(config, 8, 3))
    first = {name: array.shape for name, array in all_weights.items() if name.startswith(("embedding/", "layer0/"))}
    assert {name: array.shape for name, array in found.weights.items()} == first


def test_equal_seeds_give_equal_weights():
    first, second = _pretrained(epochs=3.0), _pretrained(epochs=3.0)
    for name, array in first.weights.items():
        np.testing.assert_array_equal(array, second.weights[name])


def test_texts_of_one_token_teach_nothing_and_do_no_harm():
    found = _pretrained([np.array([2], np.int32)] * 3, epochs=2.0)
    assert all(np.isfinite(array).all() for array in found.weights.values())


def test_padding_and_unknown_tokens_are_not_predicted():
    import tensorflow as tf

    from textrnn.classifier.pretrain import SampledSoftmax

    head = SampledSoftmax(np.array([0, 5, 5, 5, 5]), units=3, embed=2, ways=2)
    states = tf.random.stateless_normal((1, 4, 6), (1, 2))
    embedding = tf.zeros((5, 2))
    # Of 2 1 3 and padding: forwards only 3 is predicted (1 is unknown), backwards only 2.
    _, count = head(embedding, states, tf.constant([[2, 1, 3, 0]]), tf.constant([[1.0, 1, 1, 0]]))
    assert float(count) == 2
