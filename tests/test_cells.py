"""One step of each NumPy cell against the equations in plain Python."""

import math

import numpy as np
import pytest
from closeness import assert_close

from textrnn.nn.architectures import CELLS
from textrnn.nn.numpy.cells import make_cell

GATES = {"simple": 1, "gru": 3, "lstm": 4, "mingru": 2, "minlstm": 3}


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def f32(*numbers):
    return np.array(numbers, np.float32)


def step_of_one(kind, kernel, recurrent, bias, x, *state):
    """A step of a cell with one input and one unit, as plain numbers."""
    cell = make_cell(kind, f32(kernel), f32(recurrent), f32(*bias))
    after = cell.step(cell.project(f32([x])), [f32([value]) for value in state])
    assert all(array.shape == (1, 1) and array.dtype == np.float32 for array in after)
    return [float(array[0, 0]) for array in after]


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


def recurrent_shape(kind, units):
    return units, 0 if kind.startswith("min") else GATES[kind] * units


@pytest.mark.parametrize("kind", CELLS)
def test_step_treats_rows_alike_and_changes_nothing(kind, rng):
    units, inputs, rows = 7, 5, 2
    width = GATES[kind] * units
    bias = rng.normal(size=(2, width) if kind == "gru" else width)
    cell = make_cell(kind, rng.normal(size=(inputs, width)), rng.normal(size=recurrent_shape(kind, units)), bias)
    x = rng.normal(size=(inputs, rows)).astype(np.float32)
    state = [rng.normal(size=(units, rows)).astype(np.float32) for _ in range(CELLS[kind].states)]
    projected, kept = cell.project(x), [array.copy() for array in state]
    kept_projected = projected.copy()
    after = cell.step(projected, state)
    np.testing.assert_array_equal(projected, kept_projected)
    for array, before, new in zip(state, kept, after, strict=True):
        np.testing.assert_array_equal(array, before)
        assert new.shape == (units, rows)
    for row in range(rows):
        own = slice(row, row + 1)
        alone = cell.step(cell.project(x[:, own]), [array[:, own] for array in state])
        for array, new in zip(alone, after, strict=True):
            assert_close(array, new[:, own])


@pytest.mark.parametrize("kind", CELLS)
def test_step_saturates_without_warnings(kind):
    width = GATES[kind]
    bias = np.full((2, width) if kind == "gru" else width, 1e4, np.float32)
    cell = make_cell(kind, np.ones((1, width)), np.ones(recurrent_shape(kind, 1)), bias)
    for sign in (1, -1):
        after = cell.step(cell.project(f32([sign * 1e6])), cell.initial_state(1))
        assert all(np.isfinite(array).all() for array in after)


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("wrong", ["kernel", "recurrent", "bias"])
def test_make_cell_refuses_shapes(kind, wrong):
    width = GATES[kind] * 7
    shapes = {
        "kernel": (5, width),
        "recurrent": recurrent_shape(kind, 7),
        "bias": (2, width) if kind == "gru" else (width,),
    }
    shapes[wrong] = (*shapes[wrong][:-1], width + 1)
    with pytest.raises(ValueError, match=f"are no {kind} of 7 units"):
        make_cell(kind, *(np.zeros(shapes[name], np.float32) for name in ("kernel", "recurrent", "bias")))
