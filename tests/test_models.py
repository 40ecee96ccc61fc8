"""The language models: shapes, sizes, state, penalties, seeds, weights by name, and that they learn."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close
from small_models import (
    ALL,
    BASE,
    BATCH,
    BOTH_WAYS,
    CARRIED,
    EMBED,
    STEPS,
    UNITS,
    VOCAB,
    built,
    random_ids,
    random_weights,
    small,
)

from textrnn.base.errors import RunError
from textrnn.language_model.network import LanguageModel, build_language_model, start_from_frequencies
from textrnn.language_model.step import make_loss
from textrnn.nn.keras.weights import get_weights, named_variables, set_weights
from textrnn.nn.options import ModelConfig, layer_cells
from textrnn.training.options import OptimizationConfig
from textrnn.training.step import make_optimizer, make_step

CELLS = ["residual minlstm x 2", "memory"]  # that are in none of the above
SAVED = [*BASE, *CELLS, "one-hot lstm", "tied, projected lstm", "residual gru x 3", "tied bidirectional"]


@pytest.fixture
def eagerly():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def build(config, **options):
    return build_language_model(config, VOCAB, **options)


def num_parameters(config):
    """The number of weights, layer by layer; those of a cell are counted in test_cells."""
    width = VOCAB if config.input == "one-hot" else config.embed
    count = 0 if config.input == "one-hot" else VOCAB * config.embed
    for layer in layer_cells(config):
        ways = 2 if layer.both_ways else 1
        shapes = layer.spec.weights(width, config.units)
        count, width = count + ways * sum(map(math.prod, shapes.values())), ways * config.units
    if not config.tied:
        return count + width * VOCAB + VOCAB
    return count + (width * config.embed if width != config.embed else 0) + VOCAB


@pytest.mark.parametrize("name", ALL)
def test_build_language_model_shapes(name, rng, monkeypatch):
    model, ids = built(name), random_ids(rng, BATCH, STEPS)
    each = model(ids)
    monkeypatch.setattr(model, "target", "last")
    last = model(ids)
    assert each.shape == ((BATCH, VOCAB) if name in BOTH_WAYS else (BATCH, STEPS, VOCAB))
    assert last.shape == (BATCH, VOCAB)
    assert each.dtype == last.dtype == "float32"
    assert model.reads_both_ways is (name in BOTH_WAYS)
    if name in CARRIED:
        assert_close(each[:, -1], last)


def test_build_language_model_target_last(rng):
    model = build(ALL["gru"], target="last")
    assert model(random_ids(rng, BATCH, STEPS)).shape == (BATCH, VOCAB)


@pytest.mark.parametrize("name", ALL)
def test_build_language_model_parameter_count(name):
    model = built(name)
    assert model.count_params() == num_parameters(ALL[name])
    assert sum(array.size for array in get_weights(model).values()) == num_parameters(ALL[name])


def test_build_language_model_parameter_count_worked_out():
    # embedding 11 x 5; LSTM 4 x 7 x (5 + 7 + 1) and 4 x 7 x (7 + 7 + 1); output 7 x 11 + 11
    assert built("lstm x 2").count_params() == 55 + 364 + 420 + 88
    # embedding; LSTM 4 x 7 x (5 + 7 + 3 + 1); heads 18 + 6 from 7 + 1; 3 x 7 from what is read; output 7 x 11 + 11
    assert built("memory").count_params() == 55 + 448 + 192 + 21 + 88
    # embedding 11 x 5; simple 7 x (5 + 7 + 1); twice GRU 3 x 7 x (7 + 7 + 2); output 14 x 11 + 11
    assert built("bidirectional x 2").count_params() == 55 + 91 + 2 * 336 + 165


@pytest.mark.parametrize("name", CARRIED)
def test_step_carries_state(name, rng):
    model, ids = built(name), random_ids(rng, BATCH, 2 * STEPS)
    set_weights(model, random_weights(rng, get_weights(model)))
    begin = model.initial_state(BATCH)
    if "memory" not in name:
        assert all(array.shape == (BATCH, UNITS) and not np.any(array) for array in begin)
    first, between = model.step(ids[:, :STEPS], begin)
    second, after = model.step(ids[:, STEPS:], between)
    at_once, final = model.step(ids, begin)
    assert_close(np.concatenate([first, second], 1), at_once)
    assert_close(at_once, model(ids))
    assert len(after) == len(begin)
    for one, other in zip(after, final, strict=True):
        assert_close(one, other)
    assert not np.allclose(second, model(ids[:, STEPS:]), atol=1e-4)  # the state matters


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_step_of_both_ways_equals_call(name, rng):
    model, ids = built(name), random_ids(rng, BATCH, STEPS)
    np.testing.assert_array_equal(model.step(ids, model.initial_state(BATCH))[0], model(ids))


def test_step_drops_only_when_training(rng):
    model, ids = build(small("gru", dropout=0.5)), random_ids(rng, BATCH, STEPS)
    state = model.initial_state(BATCH)
    np.testing.assert_array_equal(model.step(ids, state)[0], model.step(ids, state)[0])
    assert not np.allclose(model.step(ids, state, training=True)[0], model.step(ids, state, training=True)[0])


@pytest.mark.parametrize("name", ALL)
def test_train_step_changes_every_weight(name, rng, eagerly):
    model = built(name)
    before, x = get_weights(model), np.arange(12, dtype=np.int32).reshape(4, STEPS) % VOCAB
    y = random_ids(rng, *((4,) if name in BOTH_WAYS else x.shape))
    step = make_step(make_loss(model), model.trainable_variables, keras.optimizers.SGD(0.1), clip_norm=1.0)
    step((x, y, np.ones(y.shape, np.float32)), model.initial_state(4), np.float32(0.1))
    for weight, now in get_weights(model).items():
        assert not np.array_equal(now, before[weight]), weight


@pytest.mark.parametrize("name", [*BASE, *CELLS])
def test_language_model_overfits_one_batch(name, rng):
    model, x = build(ALL[name]), random_ids(rng, BATCH, STEPS)
    y = random_ids(rng, *((BATCH,) if name in BOTH_WAYS else x.shape))
    config = OptimizationConfig(learning_rate=0.05)
    variables = model.trainable_variables
    step = make_step(make_loss(model), variables, make_optimizer(config, variables), clip_norm=1.0)
    mask = np.ones(y.shape, np.float32)
    losses = [float(step((x, y, mask), model.initial_state(BATCH), np.float32(0.05))[0]) for _ in range(60)]
    assert losses[0] == pytest.approx(np.log(VOCAB), rel=0.1)
    assert losses[-1] < 0.05
    np.testing.assert_array_equal(np.argmax(model(x), -1), y)


def test_language_model_fits_by_keras(rng):
    model, x, y = build(BASE["lstm"]), random_ids(rng, 6, STEPS), random_ids(rng, 6, STEPS)
    model.compile(keras.optimizers.Adam(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    losses = model.fit(x, y, batch_size=BATCH, epochs=6, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", SAVED)
def test_language_model_saves_and_loads(name, rng, tmp_path):
    model, ids = build(ALL[name], target="last", random_seed=6), random_ids(rng, BATCH, STEPS)
    set_weights(model, random_weights(rng, get_weights(model)))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(again, LanguageModel)
    assert (again.config, again.target, again.random_seed) == (ALL[name], "last", 6)
    np.testing.assert_array_equal(again(ids), model(ids))


@pytest.mark.parametrize("name", ALL)
def test_named_variables_covers_all_weights(name):
    model = built(name)
    variables = named_variables(model)
    assert {id(variable) for variable in variables.values()} == {id(weight) for weight in model.trainable_variables}
    assert len(variables) == len(model.weights)


def test_named_variables_names():
    assert list(named_variables(build(small("bidirectional", layers=2, tied=True)))) == [
        "embedding/embeddings",
        "layer0/kernel",
        "layer0/recurrent_kernel",
        "layer0/bias",
        "layer1/forward/kernel",
        "layer1/forward/recurrent_kernel",
        "layer1/forward/bias",
        "layer1/backward/kernel",
        "layer1/backward/recurrent_kernel",
        "layer1/backward/bias",
        "projection/kernel",
        "output/bias",
    ]


@pytest.mark.parametrize("name", ALL)
def test_set_weights_round_trip(name, rng):
    model, ids = built(name), random_ids(rng, BATCH, STEPS)
    weights = random_weights(rng, get_weights(model))
    set_weights(model, weights)
    taken, logits = get_weights(model), model(ids)
    assert list(taken) == list(weights)
    for weight, array in weights.items():
        assert taken[weight].dtype == np.float32
        np.testing.assert_array_equal(taken[weight], array)
    set_weights(model, random_weights(rng, weights))
    assert not np.allclose(model(ids), logits)
    set_weights(model, taken)
    np.testing.assert_array_equal(model(ids), logits)


def test_get_weights_copies():
    model = built("simple")
    taken = get_weights(model)
    kept = taken["layer0/kernel"].copy()
    model.recurrent[0].cell.kernel.assign(kept + 1)
    np.testing.assert_array_equal(taken["layer0/kernel"], kept)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.pop("layer0/bias"), "layer0/bias is missing"),
        (lambda w: w.update(extra=np.zeros(3)), "extra is (3,), expected none of that name"),
        (lambda w: w.update({"output/bias": np.zeros(VOCAB + 1)}), "output/bias is (12,), expected (11,)"),
        (lambda w: w.update({"layer0/kernel": w["layer0/kernel"].T}), "layer0/kernel is (7, 5), expected (5, 7)"),
    ],
)
def test_set_weights_refuses_others(change, words):
    model = built("simple")
    before, weights = get_weights(model), {name: array + 1 for name, array in get_weights(model).items()}
    change(weights)
    with pytest.raises(RunError, match="the weights do not fit the model") as caught:
        set_weights(model, weights)
    assert words in str(caught.value)
    for name, array in get_weights(model).items():  # nothing was changed
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("name", BASE)
def test_build_language_model_is_seeded(name):
    first, same, other = (get_weights(build(BASE[name], random_seed=seed)) for seed in (1, 1, 2))
    for weight, array in first.items():
        np.testing.assert_array_equal(array, same[weight])
    assert not np.array_equal(first["embedding/embeddings"], other["embedding/embeddings"])


def test_build_language_model_dropout_is_seeded(rng):
    config, ids = small("lstm", dropout=0.5, recurrent_dropout=0.5), random_ids(rng, BATCH, STEPS)
    first, same, other = (build(config, random_seed=seed) for seed in (1, 1, 2))
    set_weights(other, get_weights(first))
    np.testing.assert_array_equal(first(ids, training=True), same(ids, training=True))
    assert not np.allclose(first(ids, training=True), other(ids, training=True))


@pytest.mark.parametrize("arch", ["lstm", "bidirectional"])
def test_losses_hold_the_penalties(arch, rng):
    model = build(small(arch, layers=2, l1=0.25, l2=0.5))
    weights = random_weights(rng, get_weights(model))
    set_weights(model, weights)
    matrices = [array for name, array in weights.items() if name.startswith("layer") and name.endswith("kernel")]
    expected = sum(0.25 * np.abs(matrix).sum() + 0.5 * (matrix**2).sum() for matrix in matrices)
    assert len(matrices) == len(model.losses) == (4 if arch == "lstm" else 6)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)
    assert build(small(arch)).losses == []


def test_residual_adds_the_input_of_the_layer(rng):
    ids = random_ids(rng, BATCH, STEPS)
    plain, residual = build(small("gru", layers=2)), build(small("gru", layers=2, residual=True))
    set_weights(residual, get_weights(plain))
    first = plain.recurrent[0](plain.embedding(ids))[0]
    expected = plain.hidden(ids, plain.initial_state(BATCH))[0] + first
    assert_close(residual.hidden(ids, residual.initial_state(BATCH))[0], expected)


@pytest.mark.slow
def test_residual_in_a_graph_equals_eager(rng):
    model, ids = built("residual mixed"), random_ids(rng, BATCH, STEPS)
    for shape in ((BATCH, STEPS), (None, None)):  # shapes that are open must not leave out an addition
        graph = tf.function(lambda ids: model(ids), input_signature=[tf.TensorSpec(shape, tf.int32)])
        assert_close(graph(ids), model(ids))


def test_tied_uses_the_embedding(rng):
    model, ids = built("tied gru"), random_ids(rng, BATCH, STEPS)
    weights = random_weights(rng, get_weights(model))
    set_weights(model, weights)
    hidden, _ = model.hidden(ids, model.initial_state(BATCH))
    expected = hidden @ weights["embedding/embeddings"].T + weights["output/bias"]
    assert_close(model(ids), expected)
    assert named_variables(built("tied, projected lstm"))["projection/kernel"].shape == (UNITS, EMBED)


def test_start_from_frequencies_predicts_them():
    model = build_language_model(ModelConfig(arch="gru", units=7, layers=1, embed=5), 11, random_seed=1)
    ids = np.array([2, 3, 3, 10] * 50, np.uint8)
    start_from_frequencies(model, ids)
    counts = np.bincount(ids, minlength=11) + 0.1
    np.testing.assert_allclose(np.exp(model.output_layer.bias.numpy()), counts / counts.sum(), rtol=1e-5)
    start_from_frequencies(model, ids, sample=1)
    assert int(np.argmax(model.output_layer.bias.numpy())) == 2
