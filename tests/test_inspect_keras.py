"""The gradients of `textrnn inspect` and its untrained networks against those of Keras."""

import numpy as np
import pytest
import tensorflow as tf
from small_models import ALL, STEPS, VOCAB, built, random_ids, random_weights, softmax_nats

from textrnn.inspect.backward import TracedNetwork
from textrnn.inspect.gradients import gradient_norms, initial_network
from textrnn.language_model.network import build_language_model
from textrnn.nn.keras.weights import get_weights, set_weights
from textrnn.nn.numpy.weights import Weights
from textrnn.nn.options import ModelConfig


@pytest.mark.parametrize("name", ["simple", "gru x 2", "lstm x 2", "residual gru x 3"])
def test_gradient_norms_equal_those_of_tensorflow(name, rng):
    model = built(name)
    weights = random_weights(rng, get_weights(model))
    set_weights(model, weights)
    window = random_ids(rng, 1, STEPS + 1)
    network = TracedNetwork(ALL[name], VOCAB, Weights(weights))
    state = model.initial_state(1)
    with tf.GradientTape() as tape:
        tape.watch(state)
        logits, _ = model.step(window[:, :-1], state)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(window[:, -1], logits[:, -1])
    expected = np.sqrt(sum(float(tf.reduce_sum(array**2)) for array in tape.gradient(loss, state)))
    np.testing.assert_allclose(gradient_norms(network, window, STEPS)[STEPS], [expected], rtol=1e-4)
    np.testing.assert_allclose(loss, softmax_nats(logits[:, -1], window[:, -1]), rtol=1e-4)


@pytest.mark.parametrize("arch", ["gru", "lstm"])
def test_initial_network_has_the_deviations_of_keras(arch, rng):
    config = ModelConfig(arch=arch, units=40, embed=30, layers=1)
    theirs = get_weights(build_language_model(config, VOCAB))
    layer = initial_network(config, VOCAB, rng, gain=1.0)._layers[0]
    candidate = slice(80, 120)
    for ours, name in ((layer.kernel, "kernel"), (layer.weights["recurrent_kernel"], "recurrent_kernel")):
        assert ours[candidate].std() == pytest.approx(theirs[f"layer0/{name}"][:, candidate].std(), rel=0.1)
    bias = theirs["layer0/bias"] if arch == "lstm" else theirs["layer0/bias"].sum(0)
    np.testing.assert_allclose(layer.bias[candidate, 0], bias[candidate], atol=1e-6)
    np.testing.assert_allclose(layer.bias[40:80, 0] * 2, bias[40:80], atol=1e-6)
