"""The validation loss of the Keras models against what the NumPy runtime says of the same text."""

from types import SimpleNamespace

import numpy as np
import pytest
from small_models import ALL, VOCAB, built, random_ids, random_weights

from textrnn.language_model import step as validate
from textrnn.language_model.scoring import score_ids
from textrnn.language_model.step import held_out_batches, make_eval_step, total_nats
from textrnn.nn.keras.weights import get_weights, set_weights
from textrnn.nn.numpy.load import make_network

WINDOW, START_ID = 4, 6


def both_totals(name, length, rng):
    """Nats of a random text by Keras and by NumPy."""
    model = built(name)
    weights = random_weights(rng, get_weights(model))
    set_weights(model, weights)
    ids = random_ids(rng, length)
    batches = held_out_batches(model, ids, start_id=START_ID, window=WINDOW)
    keras_nats = total_nats(model, make_eval_step(model, num_shards=2), batches)
    network = make_network(ALL[name], VOCAB, weights, window=WINDOW, start_id=START_ID)
    runtime = SimpleNamespace(network=network, start_id=START_ID, initial_state=network.initial_state)
    return keras_nats, score_ids(runtime, ids, num_chars=length).nats


@pytest.mark.parametrize("name", ["lstm x 2", "bidirectional x 2"])
@pytest.mark.parametrize("length", [1, 300])
def test_total_nats_equals_runtime(name, length, rng, monkeypatch):
    monkeypatch.setattr(validate, "EVAL_BATCH", 128)  # so that windows need more than one batch
    keras_nats, runtime_nats = both_totals(name, length, rng)
    assert keras_nats == pytest.approx(runtime_nats, rel=1e-4)
    assert keras_nats > 0.5 * length


def test_total_nats_equals_runtime_in_parallel_rows(rng):
    keras_nats, runtime_nats = both_totals("gru", 8300, rng)  # two rows, the second with a lead
    assert keras_nats == pytest.approx(runtime_nats, rel=1e-4)


def test_total_nats_of_both_ways_by_hand(rng):
    model, ids = built("bidirectional"), np.array([3, 8, 5], np.int32)
    set_weights(model, random_weights(rng, get_weights(model)))
    windows = np.array([[6, 6, 6, 6], [6, 6, 6, 3], [6, 6, 3, 8]], np.int32)
    logits = np.asarray(model(windows), np.float64)
    expected = sum(np.log(np.exp(row).sum()) - row[target] for row, target in zip(logits, ids, strict=True))
    batches = held_out_batches(model, ids, start_id=START_ID, window=WINDOW)
    assert total_nats(model, make_eval_step(model, num_shards=1), batches) == pytest.approx(expected, rel=1e-5)


def test_total_nats_carries_and_resets_the_state():
    seen = []

    def eval_step(x, y, mask, state):
        seen.append(int(state[0]))
        return 2.5, [state[0] + 1]

    model = SimpleNamespace(initial_state=lambda rows: [10 * rows])
    batches = [
        SimpleNamespace(x=np.zeros((2, 3)), y=None, mask=None, reset=reset) for reset in (True, False, True, False)
    ]
    assert total_nats(model, eval_step, batches) == 10.0
    assert seen == [20, 21, 20, 21]
