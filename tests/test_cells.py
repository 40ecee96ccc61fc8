"""The cells: a step against the equations in plain Python, and what holds for every entry of the table."""

import dataclasses
import math

import indrnn
import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

from textrnn.classifier.recurrent import Block
from textrnn.nn.architectures import BIDIRECTIONAL, CELLS, CellNames, spec_of
from textrnn.nn.numpy.cells import make_cell
from textrnn.nn.numpy.scan import make_layer
from textrnn.nn.options import ModelConfig

BATCH, STEPS, INPUTS, UNITS = 2, 3, 5, 7
# With 4 slots of 3 numbers: heads 18 + 6 numbers from 7 + 1, and 3 x 7 from what is read.
PARAMETERS = {
    "simple": 7 * (5 + 7 + 1),
    "gru": 3 * 7 * (5 + 7 + 2),
    "lstm": 4 * 7 * (5 + 7 + 1),
    "mingru": 2 * 7 * (5 + 1),
    "minlstm": 3 * 7 * (5 + 1),
    "memory": 4 * 7 * (5 + 7 + 3 + 1) + 8 * 24 + 21,
    "indrnn": 7 * (5 + 1 + 1),
}


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def f32(*numbers):
    return np.array(numbers, np.float32)


def step_of_one(kind, kernel, recurrent, bias, x, *state):
    """A step of a cell with one input and one unit, as plain numbers."""
    arrays = {"kernel": f32(kernel), "recurrent_kernel": f32(recurrent), "bias": f32(*bias)}
    cell = make_cell(CELLS[kind], 1, {name: arrays[name] for name in CELLS[kind].weights(1, 1)})
    after = cell.step(cell.project(f32([x])), [f32([value]) for value in state])
    assert all(array.shape == (1, 1) and array.dtype == np.float32 for array in after)
    return [float(array[0, 0]) for array in after]


def test_gates_by_hand():
    """All weights are 0 but the biases, and for the GRU and the LSTM the recurrent ones: what is left is a sigmoid."""
    biases = {"gru": [[0.1, 0.2, 9], [0.3, -0.4, 9]], "lstm": [0.1, 0.2, 9, 0.4], "mingru": [0.1, 9]}
    biases["minlstm"] = [0.1, 0.2, 9]
    h = 0.5
    expected = {
        "gru": dict(update=sigmoid(0.4 + 2 * h), reset=sigmoid(-0.2 + 2 * h)),
        "lstm": dict(input=sigmoid(0.1 + 2 * h), forget=sigmoid(0.2 + 2 * h), output=sigmoid(0.4 + 2 * h)),
        "mingru": dict(update=sigmoid(0.1)),
        "minlstm": dict(forget=sigmoid(0.1), input=sigmoid(0.2)),
    }
    for kind, bias in biases.items():
        shapes = CELLS[kind].weights(1, 1)
        arrays = {"kernel": np.zeros(shapes["kernel"], np.float32), "bias": f32(*bias)}
        if "recurrent_kernel" in shapes:
            arrays["recurrent_kernel"] = np.full(shapes["recurrent_kernel"], 2, np.float32)
        cell = make_cell(CELLS[kind], 1, arrays)
        state = [f32([h]), f32([7])][: cell.num_states]
        found = cell.gates(cell.project(f32([3])), state)
        assert {name: value.item() for name, value in found.items()} == pytest.approx(expected[kind], rel=1e-6)
    assert make_cell(CELLS["simple"], 1, arrays | {"recurrent_kernel": f32([2])}).gates(f32([1]), [f32([h])]) == {}


def test_simple_step_by_hand():
    (h,) = step_of_one("simple", [0.5], [-0.25], [0.1], 0.8, 0.6)
    assert h == pytest.approx(math.tanh(0.5 * 0.8 - 0.25 * 0.6 + 0.1), rel=1e-6)
    assert h == pytest.approx(0.336376, abs=1e-6)  # tanh(0.35)


def test_gru_step_by_hand():
    x, h = 0.8, 0.6
    (got,) = step_of_one("gru", [0.5, -0.4, 0.3], [0.2, 0.7, -0.9], [[0.1, 0.2, 0.3], [-0.3, 0.4, 0.5]], x, h)
    update = sigmoid(0.5 * x + 0.1 + 0.2 * h - 0.3)
    reset = sigmoid(-0.4 * x + 0.2 + 0.7 * h + 0.4)
    candidate = math.tanh(0.3 * x + 0.3 + reset * (-0.9 * h + 0.5))
    assert got == pytest.approx(update * h + (1 - update) * candidate, rel=1e-6)


def test_lstm_step_by_hand():
    x, h, c = 0.8, 0.6, -0.5
    new_h, new_c = step_of_one("lstm", [0.5, -0.4, 0.3, 0.9], [0.2, 0.7, -0.9, 0.6], [0.1, 0.2, -0.3, 0.4], x, h, c)
    take = sigmoid(0.5 * x + 0.2 * h + 0.1)
    keep = sigmoid(-0.4 * x + 0.7 * h + 0.2)
    candidate = math.tanh(0.3 * x - 0.9 * h - 0.3)
    show = sigmoid(0.9 * x + 0.6 * h + 0.4)
    assert new_c == pytest.approx(keep * c + take * candidate, rel=1e-6)
    assert new_h == pytest.approx(show * math.tanh(keep * c + take * candidate), rel=1e-6)


def test_mingru_step_by_hand():
    (got,) = step_of_one("mingru", [0.5, -0.4], [], [0.1, 0.2], 0.8, 0.6)
    z = sigmoid(0.5 * 0.8 + 0.1)
    assert got == pytest.approx((1 - z) * 0.6 + z * (-0.4 * 0.8 + 0.2), rel=1e-6)


def test_minlstm_step_by_hand():
    (got,) = step_of_one("minlstm", [0.5, -0.4, 0.3], [], [0.1, 0.2, -0.3], 0.8, 0.6)
    f, i = sigmoid(0.5 * 0.8 + 0.1), sigmoid(-0.4 * 0.8 + 0.2)
    assert got == pytest.approx(f / (f + i) * 0.6 + i / (f + i) * (0.3 * 0.8 - 0.3), rel=1e-6)


# ---------------------------------------------------------------- every entry of the table


@pytest.fixture(params=[*CELLS, "indrnn"])
def spec(request, monkeypatch):
    """An entry of the table, to which one cell more is added."""
    monkeypatch.setitem(CELLS, "indrnn", indrnn.CELL)
    options = dict(memory_slots=4, memory_width=3) if request.param == "memory" else {}
    return spec_of(request.param, ModelConfig(arch=request.param, units=UNITS, **options))


def drawn(spec, rng, scale=0.6):
    """The weights of a layer by name."""
    return {name: rng.normal(0, scale, shape).astype(np.float32) for name, shape in spec.weights(INPUTS, UNITS).items()}


def layer_of(spec, arrays, **options):
    """The Keras layer with these weights."""
    layer = spec.make_layer(UNITS, **{"return_sequences": True, "return_state": True, **options})
    layer.build((None, None, INPUTS))
    for weight in layer.weights:
        weight.assign(arrays[weight.name])
    return layer


def middle_state(spec, arrays, rng):
    """A state in the middle of texts, float32[batch, any] for each array."""
    cell = make_cell(spec, UNITS, arrays)
    return [array.T for array in cell.step(cell.project(inputs_of(rng, INPUTS, BATCH)), cell.initial_state(BATCH))]


def inputs_of(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def read(cell, x, state):
    """The outputs [batch, steps, units] of x [batch, steps, inputs], step by step, and the state after, batch first."""
    state, outputs = [np.ascontiguousarray(array.T) for array in state], []
    for step in range(x.shape[1]):
        state = cell.step(cell.project(np.ascontiguousarray(x[:, step].T)), state)
        outputs.append(cell.output(state).T)
    return np.stack(outputs, 1), [array.T for array in state]


def test_cell_has_the_weights_that_its_entry_says(spec, rng):
    arrays = drawn(spec, rng)
    layer = layer_of(spec, arrays)
    assert {weight.name: tuple(weight.shape) for weight in layer.weights} == spec.weights(INPUTS, UNITS)
    assert layer.count_params() == PARAMETERS[spec.name]
    outputs, *state = layer(inputs_of(rng, BATCH, STEPS, INPUTS))
    assert outputs.shape == (BATCH, STEPS, UNITS)
    assert [tuple(a.shape) for a in state] == [(BATCH, len(begin)) for begin in spec.initial_state(UNITS)]
    assert len(state) == len(spec.states)


def test_cell_in_numpy_equals_the_layer(spec, rng):
    arrays = drawn(spec, rng)
    x, state = inputs_of(rng, BATCH, STEPS, INPUTS), middle_state(spec, arrays, rng)
    outputs, *after = layer_of(spec, arrays)(x, initial_state=[tf.constant(array) for array in state])
    expected, expected_after = read(make_cell(spec, UNITS, arrays), x, state)
    assert_close(outputs, expected)
    for array, other in zip(after, expected_after, strict=True):
        assert_close(array, other)
    begin = [np.repeat(array[None], BATCH, 0) for array in spec.initial_state(UNITS)]
    assert_close(layer_of(spec, arrays)(x)[0], read(make_cell(spec, UNITS, arrays), x, begin)[0])


def test_cell_keeps_its_state_where_texts_are_padded(spec, rng):
    arrays = drawn(spec, rng)
    layer, x = layer_of(spec, arrays), inputs_of(rng, BATCH, STEPS + 2, INPUTS)
    mask = np.array([[True] * STEPS + [False] * 2, [True, False, True, False, True]])
    outputs, *after = layer(x, mask=mask)
    for row, real in enumerate(mask):
        alone, *ended = layer(x[row : row + 1, real])
        assert_close(outputs[row][real], alone[0])
        for array, other in zip(after, ended, strict=True):
            assert_close(array[row], other[0])


def test_cell_gradients_equal_differences(spec, rng):
    """By the step in NumPy with float64."""
    arrays, x, factors = drawn(spec, rng), inputs_of(rng, BATCH, STEPS, INPUTS), rng.normal(size=(BATCH, STEPS, UNITS))
    layer = layer_of(spec, arrays)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(x)[0] * factors.astype(np.float32))
    gradients = dict(zip((w.name for w in layer.weights), tape.gradient(total, layer.trainable_variables), strict=True))
    wide = {name: array.astype(np.float64) for name, array in arrays.items()}
    begin = [np.repeat(array[None].astype(np.float64), BATCH, 0) for array in spec.initial_state(UNITS)]

    def slope(name, direction):
        sides = []
        for sign in (1, -1):
            cell = make_cell(spec, UNITS, {**wide, name: wide[name] + sign * 1e-5 * direction})
            sides.append((read(cell, x.astype(np.float64), begin)[0] * factors).sum())
        return (sides[0] - sides[1]) / 2e-5

    assert gradients.keys() == arrays.keys()
    for name, gradient in gradients.items():
        largest = float(np.linalg.norm(gradient))
        assert largest > 0
        for _ in range(3):
            direction = rng.normal(size=arrays[name].shape)
            direction /= np.linalg.norm(direction)
            assert (gradient * direction).numpy().sum() == pytest.approx(slope(name, direction), abs=1e-4 * largest)


def test_cell_learns_with_all_its_weights_and_is_saved(spec, rng, tmp_path):
    layer = spec.make_layer(UNITS, kernel_regularizer=keras.regularizers.L2(0.5), recurrent_dropout=0.0, seed=3)
    model = keras.Sequential([keras.Input((None, INPUTS)), layer])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x, before = inputs_of(rng, 8, STEPS, INPUTS), model.get_weights()
    model.fit(x, inputs_of(rng, 8, UNITS), epochs=1, verbose=0)
    assert all((old != new).any() for old, new in zip(before, model.get_weights(), strict=True))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), model(x))
    assert len(again.losses) == 1  # the penalty is in the config


def test_cell_step_treats_rows_alike_and_changes_nothing(spec, rng):
    arrays = drawn(spec, rng)
    cell, x = make_cell(spec, UNITS, arrays), inputs_of(rng, INPUTS, BATCH)
    state = [np.ascontiguousarray(array.T) for array in middle_state(spec, arrays, rng)]
    projected, kept = cell.project(x), [array.copy() for array in state]
    kept_projected = projected.copy()
    after = cell.step(projected, state)
    np.testing.assert_array_equal(projected, kept_projected)
    for array, before in zip(state, kept, strict=True):
        np.testing.assert_array_equal(array, before)
    for row in range(BATCH):
        own = slice(row, row + 1)
        alone = cell.step(cell.project(x[:, own]), [np.ascontiguousarray(array[:, own]) for array in state])
        for array, new in zip(alone, after, strict=True):
            assert array.dtype == new.dtype == np.float32
            assert_close(array, new[:, own])


def test_cell_saturates_without_warnings(spec):
    arrays = {name: np.full(shape, 100, np.float32) for name, shape in spec.weights(INPUTS, UNITS).items()}
    cell = make_cell(spec, UNITS, arrays)
    for sign in (1, -1):
        after = cell.step(cell.project(np.full((INPUTS, 1), sign * 1e4, np.float32)), cell.initial_state(1))
        assert all(np.isfinite(array).all() for array in after)


@pytest.mark.parametrize("num_ways", [1, 2])
def test_cell_reads_many_texts_as_each_alone(spec, num_ways, rng):
    lengths = (6, 4, 4, 1)
    ways = [drawn(spec, rng) for _ in range(num_ways)]
    texts = [inputs_of(rng, length, INPUTS) for length in lengths]
    layer, block = make_layer(spec, UNITS, ways), Block.of(np.array(lengths))
    assert layer.units == UNITS
    inputs = np.concatenate(texts)
    projected = layer.project(inputs)
    assert projected.shape[1:3] == (num_ways, len(inputs))
    flat = projected.reshape(len(projected), num_ways * len(inputs), -1)
    index = np.stack([block.tokens, block.tokens[block.mirrored] + len(inputs)][:num_ways])
    steps = [outputs.copy() for outputs in layer.scan(flat, index, block.counts)]
    assert [outputs.shape for outputs in steps] == [(num_ways, count, UNITS) for count in (4, 3, 3, 3, 1, 1)]
    begin = [array[None] for array in spec.initial_state(UNITS)]
    for way, row in np.ndindex(num_ways, len(texts)):
        text = texts[row] if way == 0 else texts[row][::-1]
        expected = read(make_cell(spec, UNITS, ways[way]), text[None], begin)[0][0]
        assert_close([outputs[way, row] for outputs in steps[: len(text)]], expected)


def test_the_step_of_any_cell_serves_windows_as_its_fast_one_does(rng):
    """Cells that bring only a step are read by it: here the LSTM, both ways of reading."""
    spec, x = CELLS["lstm"], inputs_of(rng, 4, INPUTS)
    arrays, index = drawn(spec, rng), np.arange(4)[None]
    found = []
    for entry in (spec, dataclasses.replace(spec, windows=None)):
        layer = make_layer(entry, UNITS, [arrays])
        projected = layer.project(x)
        flat = projected.reshape(len(projected), 4, -1)
        found.append([outputs.copy() for outputs in layer.scan(flat, index, [1] * 4)])
    assert_close(found[0], found[1])


def test_names_of_cells_hold_those_of_the_table(monkeypatch):
    assert "indrnn" not in CellNames(BIDIRECTIONAL)
    monkeypatch.setitem(CELLS, "indrnn", indrnn.CELL)
    assert "indrnn" in CellNames(BIDIRECTIONAL) and "memory" not in CellNames(both_ways=True)
