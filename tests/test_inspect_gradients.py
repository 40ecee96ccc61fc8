"""`textrnn inspect gradients`: Jacobian products against numerical derivatives and numbers worked out by hand."""

import indrnn
import numpy as np
import pytest
from cli_fixtures import good
from inspect_cases import EMBED, UNITS, config_of, draw, language_model, language_model_arrays, write_language_model

from textrnn.base.errors import ConfigError, DataError
from textrnn.inspect.backward import TracedNetwork
from textrnn.inspect.gradients import Curve, gradient_norms, initial_network, measure, windows_of
from textrnn.nn.architectures import CELLS
from textrnn.nn.numpy.network import token_nats
from textrnn.nn.numpy.weights import Weights
from textrnn.nn.options import ModelConfig

VOCAB, ROWS, STEPS = 11, 2, 6
NETWORKS = {
    "simple": dict(arch="simple"),
    "gru": dict(arch="gru"),
    "lstm": dict(arch="lstm"),
    "lstm x 2": dict(arch="lstm", layers=2),
    "residual gru x 3": dict(arch="gru", layers=3, residual=True),
    "residual lstm x 2, tied": dict(arch="lstm", layers=2, residual=True, tied=True),
    "one-hot simple x 2": dict(arch="simple", layers=2, input="one-hot"),
}


def traced(rng, **options):
    config = config_of(**options)
    arrays = language_model_arrays(config, VOCAB, rng)
    return TracedNetwork(config.model, VOCAB, Weights(arrays))


def loss_from(network, state, ids, targets):
    for token in ids:
        state = network.advance(token, state)
    return network.loss_nats(state, targets)


def check_norms(network, rng):
    windows = rng.integers(0, VOCAB, (ROWS, STEPS + 1)).astype(np.int32)
    norms = gradient_norms(network, windows, STEPS - 1)
    assert norms.shape == (STEPS, ROWS)
    for distance in (0, 1, 4):
        state = network.initial_state(ROWS)
        for token in windows[:, : STEPS - distance].T:
            state = network.advance(token, state)
        rest, total, step = windows[:, STEPS - distance : -1].T, np.zeros(ROWS), 1e-6
        for array in state:
            for unit in range(len(array)):
                kept = array[unit].copy()
                array[unit] = kept + step
                above = loss_from(network, state, rest, windows[:, -1])
                array[unit] = kept - step
                below = loss_from(network, state, rest, windows[:, -1])
                array[unit] = kept
                total += ((above - below) / (2 * step)) ** 2
        np.testing.assert_allclose(norms[distance], np.sqrt(total), rtol=1e-6)


@pytest.mark.parametrize("options", NETWORKS.values(), ids=NETWORKS)
def test_gradient_norms_equal_numerical_derivatives(options, rng):
    check_norms(traced(rng, **options), rng)


def test_gradient_norms_of_a_cell_with_its_own_way_back(rng, monkeypatch):
    monkeypatch.setitem(CELLS, "indrnn", indrnn.CELL)
    shapes = {f"layer0/{name}": shape for name, shape in indrnn.CELL.weights(EMBED, UNITS).items()}
    shapes |= {"embedding/embeddings": (VOCAB, EMBED), "output/kernel": (UNITS, VOCAB), "output/bias": (VOCAB,)}
    network = TracedNetwork(config_of(arch="indrnn").model, VOCAB, Weights(draw(rng, shapes)))
    check_norms(network, rng)


@pytest.mark.parametrize("options", NETWORKS.values(), ids=NETWORKS)
def test_traced_network_computes_what_the_runtime_does(options, rng):
    text = "abcdefghi"
    model, arrays = language_model(rng, text, **options)
    network = TracedNetwork(model.config.model, model.vocab_size, Weights(arrays))
    ids = model.tokenizer.encode(text)[None]
    logits, expected = model.network.read_all(ids[:, :-1], model.network.initial_state(1))
    state = network.initial_state(1)
    for token in ids[:, :-1].T:
        state = network.advance(token, state)
    for array, other in zip(state, expected, strict=True):
        assert array.dtype == np.float64
        np.testing.assert_allclose(array, other, atol=1e-5)
    np.testing.assert_allclose(network.loss_nats(state, ids[:, -1]), token_nats(logits[-1], ids[:, -1]), atol=1e-4)


def at_rest(kind, weight):
    """One unit whose input is nothing: around the state 0 its step is linear, and the Jacobian can be written down."""
    gates = {"simple": 1, "gru": 3, "lstm": 4}[kind]
    recurrent = np.zeros((1, gates))
    recurrent[0, {"simple": 0, "gru": 2, "lstm": 2}[kind]] = weight  # the candidate's
    arrays = {
        "embedding/embeddings": np.zeros((2, 1)),
        "layer0/kernel": np.zeros((1, gates)),
        "layer0/recurrent_kernel": recurrent,
        "layer0/bias": np.zeros((2, gates) if kind == "gru" else gates),
        "output/kernel": np.array([[1.0, -1.0]]),
        "output/bias": np.zeros(2),
    }
    return TracedNetwork(ModelConfig(arch=kind, units=1, layers=1, embed=1), 2, Weights(arrays))


@pytest.mark.parametrize("weight", [0.5, -0.9, 1.5])
def test_gradient_norms_of_a_linear_recurrence_are_powers(weight):
    norms = gradient_norms(at_rest("simple", weight), np.zeros((1, 12), np.int32), 10)
    np.testing.assert_allclose(
        norms[:, 0], np.abs(np.float32(weight)) ** np.arange(11), rtol=1e-12
    )  # |W^T (p - y)| = 1


def test_gradient_norms_of_a_gru_at_rest():
    # h' = z h + (1 - z) tanh(r w h), z = r = 1/2: dh'/dh = 1/2 + w/4.
    norms = gradient_norms(at_rest("gru", 3.0), np.zeros((1, 7), np.int32), 5)
    np.testing.assert_allclose(norms[:, 0], 1.25 ** np.arange(6), rtol=1e-12)


def test_gradient_norms_of_an_lstm_at_rest():
    # c' = c/2 + tanh(w h)/2, h' = tanh(c')/2. Back from (dh, dc): d = dc + dh/2, then dh = w d/2 and dc = d/2.
    dh, dc, expected = 1.0, 0.0, [1.0]
    for _ in range(5):
        d = dc + dh / 2
        dh, dc = 3.0 * d / 2, d / 2
        expected.append(np.hypot(dh, dc))
    norms = gradient_norms(at_rest("lstm", 3.0), np.zeros((1, 7), np.int32), 5)
    np.testing.assert_allclose(norms[:, 0], expected, rtol=1e-12)


def test_gradient_norms_stay_numbers_far_back(rng):
    network = initial_network(ModelConfig(arch="simple", units=UNITS, embed=5), VOCAB, rng, gain=0.01)
    norms = gradient_norms(network, rng.integers(0, VOCAB, (3, 62)), 60)
    assert (norms > 0).all() and (norms[60] < 1e-100).all()  # float32 ends at 1e-45


def test_initial_network_is_drawn_as_training_draws(rng):
    config = ModelConfig(arch="lstm", units=40, embed=30, layers=2)
    network = initial_network(config, VOCAB, rng, gain=2.0)
    first, second = network._layers
    halved = first.weights["recurrent_kernel"]
    recurrent = np.concatenate([halved[:80] * 2, halved[80:120], halved[120:] * 2])
    np.testing.assert_allclose(recurrent.T @ recurrent, 4 * np.eye(40), atol=1e-5)  # rows of the Keras matrix
    assert first.bias[:, 0].tolist() == [0] * 40 + [0.5] * 40 + [0] * 80  # halved: a sigmoid's
    for layer, inputs in ((first, 30), (second, 40)):
        assert layer.kernel[80:120].std() == pytest.approx(inputs**-0.5, rel=0.1)


def test_windows_of_are_spread_over_the_text():
    windows = windows_of(np.arange(100), distance=10, count=5)
    assert windows.shape == (5, 22) and windows[0, 0] == 0 and windows[-1, -1] == 99
    assert len(windows_of(np.arange(22), distance=10, count=5)) == 1
    with pytest.raises(DataError, match="21 tokens, and --distance 10 needs at least 22"):
        windows_of(np.arange(21), distance=10, count=5)


def test_curve_reach_is_where_it_stays_small():
    def curve(*median):
        return Curve("x", "gru", False, np.array(median), np.array(median), np.array(median), 1.0)

    assert curve(1, 0.001, 0.5, 0.009, 0.001).reach == 3
    assert curve(1, 0.5, 0.02).reach is None


def test_measure_is_relative_to_distance_0(rng):
    network = traced(rng, arch="gru")
    windows = rng.integers(0, VOCAB, (5, 8))
    norms, curve = gradient_norms(network, windows, 3), measure(network, windows, 3, name="x", arch="gru")
    np.testing.assert_allclose(curve.median, np.median(norms / norms[0], 1))
    assert curve.median[0] == 1 and (curve.low <= curve.median).all() and (curve.median <= curve.high).all()


def test_traced_network_refuses_cells_that_it_knows_no_way_back_through():
    with pytest.raises(ConfigError, match="simple, gru, lstm, and this network is bidirectional"):
        TracedNetwork(ModelConfig(arch="bidirectional"), VOCAB, Weights({}))


# ---------------------------------------------------------------- the command


@pytest.fixture
def home(tmp_path, monkeypatch, rng):
    monkeypatch.chdir(tmp_path)
    text = "the quick brown fox jumps over the lazy dog\n" * 5
    write_language_model(tmp_path / "models" / "small", rng, text, arch="lstm")
    (tmp_path / "text.txt").write_text(text)
    return tmp_path


def test_gradients_of_untrained_networks(home):
    ran = good("inspect", "gradients", "text.txt", "--distance", "20", "--units", "8", "--windows", "3", "--json")
    assert [(one["arch"], one["trained"], len(one["median"])) for one in ran.json["curves"]] == [
        ("simple", False, 21),
        ("gru", False, 21),
        ("lstm", False, 21),
    ]
    assert (ran.json["windows"], ran.json["text"]) == (3, "text.txt") and ran.err == ""
    assert (home / "gradients.png").read_bytes().startswith(b"\x89PNG")
    again = good(
        "inspect", "gradients", "text.txt", "--distance", "20", "--units", "8", "--windows", "3", "--overwrite"
    )
    row = next(line for line in again.out.splitlines() if line.startswith("20 "))
    assert [float(value) for value in row.split()[1:]] == pytest.approx(
        [one["median"][20] for one in ran.json["curves"]], rel=0.06
    )


def test_gradients_of_a_trained_network(home):
    told = good("inspect", "gradients", "--model", "small", "--distance", "10", "-o", "one.png", "--json").json
    assert [(one["arch"], one["trained"]) for one in told["curves"]][-1] == ("lstm", True)
    assert told["text"] == "the text held out in training" and (home / "one.png").is_file()
