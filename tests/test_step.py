"""The training step against plain gradients, and what clipping, masks, shards and optimizers do to it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_models import ALL, BATCH, STEPS, VOCAB, built, random_ids, random_weights, small, softmax_nats

from textrnn.language_model.network import build_language_model
from textrnn.language_model.options import Config
from textrnn.language_model.step import make_eval_step, make_loss
from textrnn.nn.keras.weights import get_weights, named_variables, set_weights
from textrnn.training.objective import Loss
from textrnn.training.options import OPTIMIZERS, OptimizationConfig
from textrnn.training.step import Division, make_optimizer, make_step

ROWS = 4


def prepare(name, seed=3):
    """A shared model with weights of a seed, a batch with a mask, and a random carried state."""
    rng, model = np.random.default_rng(seed), built(name)
    set_weights(model, random_weights(rng, get_weights(model)))
    x, y = random_ids(rng, ROWS, STEPS), random_ids(rng, ROWS, STEPS)
    if model.reads_both_ways:
        y = y[:, 0]
    mask = (rng.random(y.shape) < 0.7).astype(np.float32)
    mask.flat[:2] = 0, 1
    state = [rng.normal(size=array.shape).astype(np.float32) for array in model.initial_state(ROWS)]
    return model, (x, y, mask, state)


def text_step(model, optimizer, clip_norm=1.0, division=None):
    """The step of a language model, as a function of x, y, mask, state and learning rate."""
    step = make_step(make_loss(model), model.trainable_variables, optimizer, clip_norm=clip_norm, division=division)

    def call(x, y, mask, state, rate):
        return step((x, y, mask), state, rate)

    call.num_traces = step.experimental_get_tracing_count
    return call


def sgd_step(model, *, rate=1.0, clip_norm=0.0, num_shards=1, num_parts=1):
    return text_step(model, keras.optimizers.SGD(rate), clip_norm, Division(num_shards, num_parts))


def plain_gradients(model, x, y, mask, state):
    """Loss and gradients by name, the plain way."""
    variables = named_variables(model)
    with tf.GradientTape() as tape:
        logits, _ = model.step(x, state)
        losses = keras.ops.sparse_categorical_crossentropy(y, logits, from_logits=True)
        loss = tf.reduce_sum(losses * mask) / mask.sum()
    gradients = tape.gradient(loss, [variable.value for variable in variables.values()])
    return loss, {name: tf.convert_to_tensor(g).numpy() for name, g in zip(variables, gradients, strict=True)}


def norm_of(gradients):
    return np.sqrt(sum((gradient.astype(np.float64) ** 2).sum() for gradient in gradients.values()))


@pytest.mark.parametrize("name", ["lstm x 2", "bidirectional x 2"])
def test_train_step_loss_and_state(name):
    model, (x, y, mask, state) = prepare(name)
    logits, expected_state = model.step(x, state)
    expected = (softmax_nats(logits, y) * mask).sum() / mask.sum()
    loss, _, after = sgd_step(model, num_shards=2)(x, y, mask, state, np.float32(0.1))
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    for array, other in zip(after, expected_state, strict=True):
        np.testing.assert_allclose(array, other, atol=1e-6)


def test_train_step_loss_of_target_last(rng):
    model = build_language_model(small("gru"), VOCAB, target="last")
    x, y, mask = random_ids(rng, BATCH, STEPS), random_ids(rng, BATCH), np.ones(BATCH, np.float32)
    expected = softmax_nats(model(x), y).mean()
    loss, _, _ = sgd_step(model)(x, y, mask, model.initial_state(BATCH), np.float32(0.1))
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("clip_norm", [0.0, 0.25, 1e6])
def test_train_step_clips(clip_norm):
    model, batch = prepare("simple")
    before = get_weights(model)
    expected_loss, gradients = plain_gradients(model, *batch)
    norm_before = norm_of(gradients)
    loss, norm, _ = sgd_step(model, clip_norm=clip_norm)(*batch, np.float32(0.5))
    assert float(loss) == pytest.approx(float(expected_loss), rel=1e-5)
    assert norm_before > 0.25
    assert float(norm) == pytest.approx(norm_before, rel=1e-4)
    scale = 0.25 / norm_before if clip_norm == 0.25 else 1.0
    for name, weight in get_weights(model).items():
        np.testing.assert_allclose(weight, before[name] - 0.5 * scale * gradients[name], atol=1e-5)


def test_train_step_ignores_masked_positions(rng):
    results = []
    for changed in (False, True):
        model, (x, y, mask, state) = prepare("gru")
        if changed:
            y = np.where(mask == 0, (y + 1 + random_ids(rng, *y.shape) % (VOCAB - 1)) % VOCAB, y).astype(np.int32)
        loss, norm, _ = sgd_step(model)(x, y, mask, state, np.float32(0.5))
        results.append(({"loss": float(loss), "norm": float(norm), **get_weights(model)}, y))
    assert (results[0][1] != results[1][1]).any()
    for name, value in results[0][0].items():
        np.testing.assert_array_equal(value, results[1][0][name])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "cuts"), [("gru", [(1, 1), (3, 1), (2, 2), (1, 3)]), ("bidirectional", [(1, 1), (3, 1)])]
)
def test_train_step_shards_and_parts_add_up(name, cuts):
    results = []
    for num_shards, num_parts in cuts:
        model, batch = prepare(name)
        step = sgd_step(model, clip_norm=0.5, num_shards=num_shards, num_parts=num_parts)
        loss, norm, after = step(*batch, np.float32(0.1))
        state = {f"state{number}": array.numpy() for number, array in enumerate(after)}
        results.append({"loss": float(loss), "norm": float(norm), **state, **get_weights(model)})
    for other in results[1:]:
        for key, value in results[0].items():
            np.testing.assert_allclose(other[key], value, rtol=1e-6, atol=1e-6)


def test_train_step_more_shards_than_rows(rng):
    model, (x, y, _, state) = prepare("simple")
    ones = np.ones((1, STEPS), np.float32)
    loss, _, _ = sgd_step(model, num_shards=3)(x[:1], y[:1], ones, [array[:1] for array in state], np.float32(0.1))
    assert np.isfinite(float(loss))


def test_train_step_penalty_counts_once(rng):
    model = build_language_model(small("simple", l1=0.01, l2=0.02), VOCAB)
    set_weights(model, random_weights(rng, get_weights(model)))
    before = get_weights(model)
    x, y, mask = random_ids(rng, BATCH, STEPS), random_ids(rng, BATCH, STEPS), np.ones((BATCH, STEPS), np.float32)
    state = model.initial_state(BATCH)
    expected_loss, gradients = plain_gradients(model, x, y, mask, state)
    for name in ("layer0/kernel", "layer0/recurrent_kernel"):
        gradients[name] = gradients[name] + 0.01 * np.sign(before[name]) + 2 * 0.02 * before[name]
    loss, norm, _ = sgd_step(model, num_shards=2)(x, y, mask, state, np.float32(1))
    assert float(loss) == pytest.approx(float(expected_loss), rel=1e-5)  # reported without penalties
    assert float(norm) == pytest.approx(norm_of(gradients), rel=1e-4)
    for name, weight in get_weights(model).items():
        np.testing.assert_allclose(weight, before[name] - gradients[name], atol=1e-5)


def test_train_step_not_finite_changes_nothing():
    model, batch = prepare("simple")
    weights = get_weights(model)
    weights["output/kernel"][:] = 1e38
    weights["output/kernel"][:, 3] = -1e38
    set_weights(model, weights)
    optimizer = make_optimizer(Config().resolve().optimization, model.trainable_variables)
    before = [variable.numpy() for variable in optimizer.variables]
    step = text_step(model, optimizer)
    loss, norm, _ = step(*batch, np.float32(0.5))
    assert not (np.isfinite(float(loss)) and np.isfinite(float(norm)))
    for name, weight in get_weights(model).items():
        np.testing.assert_array_equal(weight, weights[name])
    for variable, value in zip(optimizer.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_train_step_traces_once(rng):
    model, (x, y, mask, _) = prepare("simple")
    step, state = sgd_step(model), model.initial_state(ROWS)
    for number in range(4):
        _, _, state = step(x, y, mask, state, np.float32(0.1 + 0.1 * number))
        x, y = y, random_ids(rng, ROWS, STEPS)
    step(x, y, mask, [array.numpy() for array in state], np.float32(0.3))
    step(x, y, mask, model.initial_state(ROWS), np.float32(0.3))
    assert step.num_traces() == 1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_make_optimizer_runs(name):
    model, batch = prepare("simple")
    config = Config(optimization=OptimizationConfig(optimizer=name)).resolve().optimization
    optimizer = make_optimizer(config, model.trainable_variables)
    assert float(optimizer.learning_rate) == pytest.approx(config.learning_rate)
    step = text_step(model, optimizer)
    losses = [float(step(*batch, np.float32(config.learning_rate / 4))[0]) for _ in range(5)]
    assert losses[-1] < losses[0]
    assert float(optimizer.learning_rate) == pytest.approx(config.learning_rate / 4)


@pytest.mark.parametrize(
    ("name", "weight_decay", "share"),
    [
        ("adam", 0.1, 0.1),
        ("adamw", 0.0, 0.01),
        ("adamw", 0.1, 0.1),
        ("rmsprop", 0.1, 0.1),
        ("sgd", 0.1, 0.1),
        ("adam", 0.0, 0.0),
    ],
)
def test_make_optimizer_decays_all_but_biases(name, weight_decay, share):
    model, _ = prepare("gru")
    before = get_weights(model)
    config = OptimizationConfig(optimizer=name, weight_decay=weight_decay, learning_rate=0.5)
    optimizer = make_optimizer(config, model.trainable_variables)
    optimizer.apply([tf.zeros(weight.shape) for weight in model.trainable_variables], model.trainable_variables)
    for weight, now in get_weights(model).items():
        kept = 1.0 if weight.endswith("bias") else 1 - 0.5 * share
        np.testing.assert_allclose(now, kept * before[weight], rtol=1e-6)


def test_make_eval_step_sums_nats(rng):
    model = build_language_model(small("lstm", dropout=0.5), VOCAB, target="last")  # measured at each step all the same
    x, y = random_ids(rng, ROWS, STEPS), random_ids(rng, ROWS, STEPS)
    mask = (rng.random(y.shape) < 0.7).astype(np.float32)
    logits, expected_state = model.step(x, model.initial_state(ROWS))
    for num_shards in (1, 3):
        nats, after = make_eval_step(model, num_shards=num_shards)(x, y, mask, model.initial_state(ROWS))
        assert float(nats) == pytest.approx((softmax_nats(logits, y) * mask).sum(), rel=1e-5)
        for array, other in zip(after, expected_state, strict=True):
            np.testing.assert_allclose(array, other, atol=1e-6)


def test_make_eval_step_of_both_ways():
    model, (x, y, mask, state) = prepare("bi-lstm,bi-gru")
    nats, after = make_eval_step(model, num_shards=2)(x, y, mask, state)
    assert float(nats) == pytest.approx((softmax_nats(model(x), y) * mask).sum(), rel=1e-5)
    assert list(after) == []
    assert ALL["bi-lstm,bi-gru"].dropout == 0


@pytest.mark.parametrize("num_shards", [1, 2, 5])
def test_step_of_batches_whose_shapes_change_traces_once(num_shards):
    """Rows of any number and length: three rows in five shards leave some shards empty."""
    weight = keras.Variable(np.float32([2.0]))
    optimizer = keras.optimizers.SGD(1.0)
    optimizer.build([weight])

    traced, calls = [], []

    def loss(arrays, state):
        values, counts = arrays
        traced.append(calls[-1])
        return Loss(tf.reduce_sum(values) * weight[0], tf.reduce_sum(counts))

    signature = (tf.TensorSpec((None, None)), tf.TensorSpec((None,)))
    step = make_step(loss, [weight], optimizer, clip_norm=0.0, division=Division(num_shards, signature=signature))
    for num_calls, (rows, steps) in enumerate(((3, 2), (4, 7), (1, 1))):
        weight.assign([2.0])
        calls.append(num_calls)
        nats, norm, state = step((np.ones((rows, steps), np.float32), np.ones(rows, np.float32)), [], np.float32(0.25))
        assert (float(nats), float(norm), list(state)) == (2.0 * steps, steps, [])
        assert float(weight[0]) == 2 - 0.25 * steps
    assert set(traced) == {0}


def test_networks_that_learn_for_a_step_each_are_no_function_traced_anew(caplog):
    """TensorFlow warns of five calls of one code that were all traced."""
    import logging

    signature = (tf.TensorSpec((None,)),)
    with caplog.at_level(logging.WARNING, "tensorflow"):
        for _ in range(7):
            weight = keras.Variable(np.float32([2.0]))
            optimizer = keras.optimizers.SGD(1.0)
            optimizer.build([weight])
            loss = lambda arrays, state, weight=weight: Loss(tf.reduce_sum(arrays[0]) * weight[0], tf.constant(1.0))  # noqa: E731
            step = make_step(loss, [weight], optimizer, clip_norm=0.0, division=Division(1, signature=signature))
            step((np.ones(2, np.float32),), [], np.float32(0.25))
    assert not caplog.records
