"""The layer with a memory: the paper's equations in plain NumPy as its oracle, gradients, masks, saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

from textrnn.base.errors import ConfigError
from textrnn.nn.architectures import spec_of
from textrnn.nn.keras.memory import Memory, memory_step
from textrnn.nn.memory import MemorySizes
from textrnn.nn.numpy.cells import make_cell
from textrnn.nn.options import ModelConfig

BATCH, STEPS, INPUTS, UNITS, SLOTS, WIDTH = 2, 3, 5, 7, 4, 3
KINDS = [("lstm", 1), ("lstm", 2), ("dense", 1), ("dense", 3)]


def made(controller, heads, rng, scale=0.7, **options):
    options = {"return_sequences": True, "return_state": True, **options}
    layer = Memory(UNITS, slots=SLOTS, width=WIDTH, heads=heads, controller=controller, **options)
    layer.build((None, None, INPUTS))
    layer.set_weights([rng.normal(0, scale, weight.shape) for weight in layer.weights])
    return layer


def drawn_state(layer, rng):
    """A state in the middle of a text: weights of heads are shares."""
    *others, weights = [rng.normal(0, 1, (BATCH, width)) for width in layer.sizes.state]
    shares = np.exp(weights.reshape(BATCH, -1, SLOTS))
    shares /= shares.sum(2, keepdims=True)
    return [array.astype(np.float32) for array in (*others, shares.reshape(BATCH, -1))]


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


def softmax(values):
    return np.exp(values) / np.exp(values).sum()


def plain_step(layer, x, state):
    """One step of one row, head by head and slot by slot, in float64, from the equations of Graves et al. (2014).

    Their equations: cosine similarity (6), content (5), interpolation (7), rotation (8), sharpening (9), reading (2),
    erasing (3), adding (4). The outputs of the controller come in the layer's order.
    """
    kernel, recurrent, bias, head, head_bias, read = (np.float64(weight.numpy()) for weight in layer.weights)
    heads, dense = layer.sizes.heads, layer.sizes.controller == "dense"
    *own, reads, memory, weights = (np.float64(array) for array in state)
    memory, weights = memory.reshape(SLOTS, WIDTH), weights.reshape(2 * heads, SLOTS)
    z = x @ kernel + np.concatenate([reads] if dense else [own[0], reads]) @ recurrent + bias
    if dense:
        own = [np.tanh(z)]
    else:
        i, f, g, o = z.reshape(4, UNITS)
        c = sigmoid(f) * own[1] + sigmoid(i) * np.tanh(g)
        own = [sigmoid(o) * np.tanh(c), c]
    told = iter(own[0] @ head + head_bias)
    take = lambda *shape: np.array([next(told) for _ in range(int(np.prod(shape)))]).reshape(shape)  # noqa: E731
    keys, adds, erases = np.tanh(take(2 * heads, WIDTH)), np.tanh(take(heads, WIDTH)), sigmoid(take(heads, WIDTH))
    gates, strengths = sigmoid(take(2 * heads)), np.log1p(np.exp(take(2 * heads)))
    sharps, shifts = 1 + np.log1p(np.exp(take(2 * heads))), take(2 * heads, 3)
    new = np.zeros_like(weights)
    for n in range(2 * heads):
        cosines = [keys[n] @ slot / np.sqrt((keys[n] @ keys[n] + 1e-4) * (slot @ slot + 1e-4)) for slot in memory]
        content = softmax(strengths[n] * np.array(cosines))
        mixed, shift = gates[n] * content + (1 - gates[n]) * weights[n], softmax(shifts[n])
        for slot in range(SLOTS):
            for place, by in enumerate((-1, 0, 1)):
                new[n, (slot + by) % SLOTS] += shift[place] * mixed[slot]
        new[n] = (new[n] + 1e-6) ** sharps[n]
        new[n] /= new[n].sum()
    reads = np.concatenate([new[n] @ memory for n in range(heads)])
    for n in range(heads):
        memory = memory * (1 - np.outer(new[heads + n], erases[n]))
    for n in range(heads):
        memory = memory + np.outer(new[heads + n], adds[n])
    return own[0] + reads @ read, [*own, reads, memory.ravel(), new.ravel()]


@pytest.mark.parametrize(("controller", "heads"), KINDS)
def test_memory_follows_the_equations(controller, heads, rng):
    layer = made(controller, heads, rng)
    x, state = rng.normal(0, 1, (BATCH, STEPS, INPUTS)).astype(np.float32), drawn_state(layer, rng)
    outputs, *after = layer(x, initial_state=state)
    assert outputs.shape == (BATCH, STEPS, UNITS)
    for row in range(BATCH):
        own = [array[row] for array in state]
        for step in range(STEPS):
            expected, own = plain_step(layer, x[row, step], own)
            assert_close(outputs[row, step], expected, 1e-4)
        for array, other in zip(after, own, strict=True):
            assert_close(array[row], other, 1e-4)


@pytest.mark.parametrize(("controller", "heads"), KINDS)
def test_memory_cell_of_the_runtime_follows_the_equations(controller, heads, rng):
    layer = made(controller, heads, rng)
    options = dict(memory_slots=SLOTS, memory_width=WIDTH, memory_heads=heads, memory_controller=controller)
    spec = spec_of("memory", ModelConfig(arch="memory", units=UNITS, **options))
    cell = make_cell(spec, UNITS, {weight.name: weight.numpy() for weight in layer.weights})
    x, state = rng.normal(0, 1, (BATCH, INPUTS)).astype(np.float32), drawn_state(layer, rng)
    kept = [array.copy() for array in state]
    after = cell.step(cell.project(x.T), [np.ascontiguousarray(array.T) for array in state])
    assert len(after) == cell.num_states
    for row in range(BATCH):
        expected, own = plain_step(layer, x[row], [array[row] for array in state])
        assert_close(cell.output(after)[:, row], expected, 1e-4)
        for array, other in zip(after, own, strict=True):
            assert_close(array[:, row], other, 1e-4)
    for array, before in zip(state, kept, strict=True):
        np.testing.assert_array_equal(array, before)
    for ours, theirs in zip(cell.initial_state(BATCH), layer.initial_state(BATCH), strict=True):
        np.testing.assert_array_equal(ours, np.transpose(theirs))


def test_memory_by_hand():
    """A key and a shift that leave no doubt: what is written can be read again at the next slot."""
    sizes = MemorySizes(1, slots=3, width=1, controller="dense")
    # of h = 1: keys 0 0, add 50, erase 50, gates -50 -50, strengths 0 0, sharpening 50 50, shifts: read on, write stays
    told = np.float32([[0, 0, 50, 50, -50, -50, 0, 0, 50, 50, -50, -50, 50, -50, 50, -50]])
    state = [np.float32(array)[None] for array in ([0.0], [0.0], [0.2, 0.3, 0.4], [1, 0, 0, 0, 1, 0])]
    zeros = np.zeros((1, 1), np.float32)
    _, reads, memory, weights = memory_step(
        np.full((1, 1), 99.0, np.float32), state, zeros, told, np.zeros(16, np.float32), sizes=sizes
    )
    np.testing.assert_allclose(weights, [[0, 1, 0, 0, 1, 0]], atol=1e-5)  # the reading head has moved on
    assert_close(reads, [[0.3]])
    np.testing.assert_allclose(memory, [[0.2, 1.0, 0.4]], atol=1e-5)  # erased, and 1 added


@pytest.mark.parametrize(("controller", "heads"), KINDS[1:3])
def test_memory_gradient_equals_differences(controller, heads, rng):
    layer = made(controller, heads, rng, return_state=False)
    x, state = tf.constant(rng.normal(0, 1, (BATCH, STEPS, INPUTS)), tf.float32), drawn_state(layer, rng)
    state, weights = [tf.constant(array) for array in state], rng.normal(0, 1, (BATCH, STEPS, UNITS))

    def total():
        return tf.reduce_sum(layer(x, initial_state=state) * weights)

    variables = [weight.value for weight in layer.weights]
    with tf.GradientTape() as tape:
        tape.watch([x, *state])
        value = total()
    gradients = tape.gradient(value, [*variables, x, *state], unconnected_gradients="zero")
    unused = controller == "dense"  # which does not look at its own output of the step before
    assert [np.any(gradient) for gradient in gradients] == [True] * 7 + [not unused] + [True] * (len(state) - 1)
    for variable, gradient in zip(variables, gradients, strict=False):
        direction = rng.normal(0, 1, variable.shape).astype(np.float32)
        direction /= np.sqrt((direction**2).sum())
        before, sides = variable.numpy(), []
        for sign in (1, -1):
            variable.assign(before + sign * 3e-3 * direction)
            sides.append(float(total()))
        variable.assign(before)
        expected = (sides[0] - sides[1]) / 6e-3
        assert float((gradient * direction).numpy().sum()) == pytest.approx(expected, rel=0.02, abs=5e-3)


def test_memory_last_output(rng):
    layer = made("lstm", 1, rng)
    last = Memory.from_config({**layer.get_config(), "return_sequences": False, "return_state": False})
    x = rng.normal(0, 1, (BATCH, STEPS, INPUTS)).astype(np.float32)
    last.build(x.shape)
    last.set_weights(layer.get_weights())
    assert_close(last(x), layer(x)[0][:, -1])


def test_memory_saves_and_loads(rng, tmp_path):
    options = dict(slots=SLOTS, width=WIDTH, heads=2, controller="dense", kernel_regularizer=keras.regularizers.L2(0.5))
    model = keras.Sequential([keras.Input((None, INPUTS)), Memory(UNITS, **options)])
    model.save(tmp_path / "model.keras")
    again, x = keras.saving.load_model(tmp_path / "model.keras"), rng.normal(0, 1, (BATCH, STEPS, INPUTS))
    np.testing.assert_array_equal(again(x), model(x))
    assert again.layers[0].get_config() == model.layers[0].get_config()
    assert len(again.losses) == 1


def test_model_config_settles_the_memory():
    assert ModelConfig(arch="memory").memory_slots == 32
    assert ModelConfig(arch="memory", memory_slots=5).to_json()["memory_width"] == 16
    assert ModelConfig().memory_slots is None
    with pytest.raises(ConfigError, match="--memory-slots goes with --arch memory, but --arch is gru"):
        ModelConfig(arch="gru", memory_slots=5)
    with pytest.raises(ConfigError, match=r"--recurrent-dropout is 0.5: memory drops nothing of a state"):
        ModelConfig(arch="memory", recurrent_dropout=0.5)
    with pytest.raises(ConfigError, match="--memory-slots is 1: expected a number from 2 to 4,096"):
        ModelConfig(arch="memory", memory_slots=1)
