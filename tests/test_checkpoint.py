"""A resumed training goes on as if it had never stopped."""

import keras
import numpy as np
import pytest
from small_models import MEMORY, VOCAB, random_ids, small

from textrnn.base.errors import RunError
from textrnn.language_model.network import build_language_model
from textrnn.language_model.options import Config
from textrnn.language_model.step import make_loss
from textrnn.nn.keras.weights import get_weights
from textrnn.text.windows import Streams
from textrnn.training.checkpoint import (
    Progress,
    Recent,
    checkpoint_path,
    checkpoints,
    load_checkpoint,
    save_checkpoint,
    variable_groups,
)
from textrnn.training.options import OPTIMIZERS, OptimizationConfig
from textrnn.training.step import make_optimizer, make_step


def make_learner(config, optimizer="adam", random_seed=0):
    model = build_language_model(config, VOCAB, random_seed=random_seed)
    train = Config(optimization=OptimizationConfig(optimizer=optimizer)).resolve().optimization
    return model, make_optimizer(train, model.trainable_variables)


def save(folder, model, optimizer, state, progress):
    save_checkpoint(folder, variable_groups(model, optimizer), state, progress)


def load(folder, model, optimizer, warnings=None, **options):
    warn = pytest.fail if warnings is None else warnings.append
    return load_checkpoint(folder, variable_groups(model, optimizer), warn, **options)


def train(model, optimizer, windows, progress, state, steps):
    """Some steps on one shard, much as the loop does them; returns the state and the losses."""
    step, losses = make_step(make_loss(model), model.trainable_variables, optimizer, clip_norm=1.0), []
    for _ in range(steps):
        batch = windows.batch(*divmod(progress.step, windows.num_batches))
        assert batch.mask.any()
        state = model.initial_state(len(batch.x)) if batch.reset or state is None else state
        loss, _, state = step((batch.x, batch.y, batch.mask), state, np.float32(0.01))
        losses.append(float(loss))
        progress.step += 1
    return state, losses


def everything(model, optimizer, state):
    """All that must be equal, bit for bit: weights, random generators, optimizer and carried state."""
    return [np.asarray(value) for value in [*model.variables, *optimizer.variables, *state]]


def assert_equal(ours, theirs):
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        small("lstm", layers=2, dropout=0.5),
        small("gru", dropout=0.5, recurrent_dropout=0.25),
    ],
    ids=["dropout", "recurrent dropout"],
)
def test_load_checkpoint_goes_on_bit_for_bit(config, rng, tmp_path):
    windows = Streams(random_ids(rng, 33), batch=2, window=3)  # six batches an epoch: step 7 is in the second
    model, optimizer = make_learner(config)
    progress = Progress()
    state, _ = train(model, optimizer, windows, progress, None, 4)
    save(tmp_path, model, optimizer, state, progress)
    state, losses = train(model, optimizer, windows, progress, state, 3)

    again, other_optimizer = make_learner(config, random_seed=8)
    loaded_state, loaded = load(tmp_path, again, other_optimizer)
    assert loaded.step == 4
    loaded_state, loaded_losses = train(again, other_optimizer, windows, loaded, loaded_state, 3)
    assert loaded_losses == losses
    assert np.isfinite(losses).all()
    assert_equal(everything(again, other_optimizer, loaded_state), everything(model, optimizer, state))
    assert len(again.variables) > len(again.weights)  # dropout has generators


@pytest.mark.parametrize("arch", ["mingru", "minlstm", "memory"])
def test_load_checkpoint_of_each_cell(arch, rng, tmp_path):
    """All that a step reads comes back: weights, optimizer, random generators and the state in the middle of a text."""
    config = small(arch, layers=2, dropout=0.5, **(MEMORY if arch == "memory" else {}))
    (model, own), (again, other) = (make_learner(config, random_seed=seed) for seed in (7, 8))
    own.apply(
        [rng.normal(size=w.shape).astype(np.float32) for w in model.trainable_variables], model.trainable_variables
    )
    _, state = model.step(random_ids(rng, 2, 3), model.initial_state(2), training=True)
    assert any(np.any(array) for array in state)
    save(tmp_path, model, own, state, Progress())
    loaded, _ = load(tmp_path, again, other)
    assert_equal(everything(again, other, loaded), everything(model, own, state))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_load_checkpoint_of_each_optimizer(optimizer, rng, tmp_path):
    model, own = make_learner(small("simple", layers=2), optimizer)
    gradients = [rng.normal(size=weight.shape).astype(np.float32) for weight in model.trainable_variables]
    own.apply(gradients, model.trainable_variables)
    save(tmp_path, model, own, model.initial_state(2), Progress())
    again, other = make_learner(small("simple", layers=2), optimizer, random_seed=8)
    state, _ = load(tmp_path, again, other)
    assert_equal(everything(again, other, state), everything(model, own, model.initial_state(2)))


ROW = {"step": 3, "val_nats_per_token": 2.25, "tokens_per_s": float("nan")}


@pytest.fixture
def saved(tmp_path):
    """A folder with checkpoints of steps 4 and 6, whose weights differ, and what the newer one holds."""
    model, optimizer = make_learner(small("gru"))
    save(tmp_path, model, optimizer, model.initial_state(2), Progress(step=4, best_step=3))
    model.output_layer.bias.assign_add(np.ones(VOCAB, np.float32))
    progress = Progress(
        step=6,
        seconds=2.5,
        limit_s=60.0,
        total_steps=None,
        num_shards=3,
        step_s=1.5,
        timed_tokens=18.0,
        tokens=24.0,
        skipped=2,
        skipped_in_a_row=1,
        rate_scale=0.25,
        best_nats=2.25,
        best_step=3,
        worse_checks=1,
        history=[dict(ROW)],
        recent=Recent(steps=1, nats=9.5, tokens=4.0, loss=2.375, norm=0.5, rate=0.01),
    )
    save(tmp_path, model, optimizer, model.initial_state(2), progress)
    return tmp_path, model, optimizer, progress


def test_load_checkpoint_returns_progress(saved):
    folder, model, optimizer, progress = saved
    state, loaded = load(folder, model, optimizer)
    assert np.isnan(loaded.history[0].pop("tokens_per_s"))
    assert progress.history[0].pop("tokens_per_s")
    assert loaded == progress
    assert [array.shape for array in state] == [(2, 7)]


def test_load_checkpoint_missing(tmp_path):
    with pytest.raises(RunError, match="is missing"):
        load(tmp_path, *make_learner(small("simple")))


DAMAGE = [
    lambda data: data[:-1],
    lambda data: data[: len(data) // 2],
    lambda data: b"",
    lambda data: data[:-40] + bytes([data[-40] ^ 1]) + data[-39:],
    lambda data: data.replace(b'\\"step\\": 6', b'\\"step\\": 5', 1),
]


def damage_file(path, damage):
    data = path.read_bytes()
    assert damage(data) != data
    path.write_bytes(damage(data))


@pytest.mark.parametrize("damage", DAMAGE)
def test_load_checkpoint_passes_over_a_damaged_one(saved, damage):
    folder, model, optimizer, _ = saved
    bias, warnings = model.output_layer.bias.numpy(), []
    damage_file(checkpoint_path(folder, 6), damage)
    _, progress = load(folder, model, optimizer, warnings)
    assert repr(progress) == repr(Progress(step=4, best_step=3))  # which, other than ==, takes nan for nan
    np.testing.assert_array_equal(model.output_layer.bias, bias - 1)
    assert len(warnings) == 1
    assert "step-0000000006.safetensors is damaged" in warnings[0] and "of step 4" in warnings[0]


@pytest.mark.parametrize("damage", DAMAGE[:-1])
def test_load_checkpoint_all_damaged(saved, damage):
    folder, model, optimizer, _ = saved
    for step in (4, 6):
        damage_file(checkpoint_path(folder, step), damage)
    before = get_weights(model)
    with pytest.raises(RunError, match=r"step-0000000006.safetensors is damaged: .*the saves before it"):
        load(folder, model, optimizer)
    for name, array in get_weights(model).items():
        np.testing.assert_array_equal(array, before[name])


def test_load_checkpoint_of_a_step(saved):
    folder, model, optimizer, _ = saved
    assert load(folder, model, optimizer, step=4)[1].step == 4
    assert load(folder, model, optimizer, step=5)[1].step == 6  # there is none: the newest
    damage_file(checkpoint_path(folder, 4), DAMAGE[0])
    warnings = []
    assert load(folder, model, optimizer, warnings, step=4)[1].step == 6
    assert len(warnings) == 1


@pytest.mark.parametrize("name", ["optimizer/001", "random/000", "weights/output/bias", "state/000"])
def test_load_checkpoint_puts_back_every_group(name, tmp_path):
    model, optimizer = make_learner(small("gru", dropout=0.5))
    groups = variable_groups(model, optimizer)
    state = [np.full((2, 7), 3.0, np.float32)]
    save(tmp_path, model, optimizer, state, Progress())
    group, _, rest = name.partition("/")
    if group == "state":
        loaded, _ = load(tmp_path, model, optimizer)
        np.testing.assert_array_equal(loaded[0], state[0])
        return
    variable = groups[group][rest]
    before = variable.numpy()
    variable.assign(before + 1)
    load(tmp_path, model, optimizer)
    np.testing.assert_array_equal(variable, before)


def test_save_checkpoint_of_a_further_group(tmp_path, rng):
    model, optimizer = make_learner(small("gru"))
    averaged = {name: keras.Variable(array) for name, array in get_weights(model).items()}
    groups = {**variable_groups(model, optimizer), "averaged": averaged}
    save_checkpoint(tmp_path, groups, [], Progress())
    before = averaged["output/bias"].numpy()
    averaged["output/bias"].assign(before + 1)
    load_checkpoint(tmp_path, groups, pytest.fail)
    np.testing.assert_array_equal(averaged["output/bias"], before)


@pytest.mark.parametrize(
    ("saves", "kept"),
    [
        ([(0, 0)], [0]),
        ([(0, 0), (3, 0)], [3, 0]),
        ([(0, 0), (3, 3), (5, 3), (8, 3), (9, 3)], [9, 8, 3]),
        ([(0, 0), (3, 3), (5, 5), (8, 8)], [8, 5]),
        ([(0, 0), (3, 3), (5, 3), (8, 3), (5, 3), (6, 3)], [6, 5, 3]),  # 8 was damaged: training went on from 5
        ([(0, 0), (3, 3), (5, 3), (8, 3), (3, 3)], [3]),  # training went back to the best check
        ([(2, 0), (2, 0)], [2]),
    ],
)
def test_save_checkpoint_keeps_the_newest_and_the_best(saves, kept, tmp_path):
    for step, best_step in saves:
        save_checkpoint(tmp_path, {}, [], Progress(step=step, best_step=best_step))
        assert checkpoint_path(tmp_path, step).is_file()
    assert list(checkpoints(tmp_path)) == kept
    assert len(list((tmp_path / "checkpoint").iterdir())) == len(kept)


def test_checkpoints_leaves_other_files_alone(tmp_path):
    save_checkpoint(tmp_path, {}, [], Progress(step=12_345_678_901))
    for name in ("train.ids", ".step-0000000001.safetensors.abcdefgh", "step-1.safetensors", "step-000000000x.ids"):
        (tmp_path / "checkpoint" / name).write_bytes(b"x")
    save_checkpoint(tmp_path, {}, [], Progress(step=12_345_678_902))
    assert list(checkpoints(tmp_path)) == [12_345_678_902, 12_345_678_901]
    assert len(list((tmp_path / "checkpoint").iterdir())) == 6


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"recent": {}, "step": "x"}',
        '{"recent": {}, "step": true}',
        '{"recent": {}, "seconds": null}',
        '{"recent": {"steps": 0.5}}',
        '{"recent": {}, "history": 3}',
        '{"recent": {}, "steps": 3}',
        "{",
    ],
)
def test_progress_from_json_refuses_nonsense(text):
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        Progress.from_json(text)


@pytest.mark.parametrize(
    ("config", "optimizer"),
    [
        (small("lstm"), "adam"),
        (small("gru", units=8), "adam"),
        (small("gru", layers=2), "adam"),
        (small("gru"), "sgd"),
        (small("gru", dropout=0.5), "adam"),
    ],
)
def test_load_checkpoint_of_another_model(saved, config, optimizer):
    with pytest.raises(RunError, match="fit"):
        load(saved[0], *make_learner(config, optimizer))
