"""A resumed training goes on as if it had never stopped."""

import numpy as np
import pytest
from small_models import VOCAB, random_ids, small

from textrnn.config import OPTIMIZERS, Config, TrainConfig
from textrnn.errors import RunError
from textrnn.models.language_model import build_language_model
from textrnn.models.weights import get_weights
from textrnn.text.windows import Streams
from textrnn.training.checkpoint import CHECKPOINT_FILE, Progress, load_checkpoint, save_checkpoint
from textrnn.training.step import make_optimizer, make_train_step


def make_learner(config, optimizer="adam", random_seed=0):
    model = build_language_model(config, VOCAB, random_seed=random_seed)
    train = Config(train=TrainConfig(optimizer=optimizer)).resolve().train
    return model, make_optimizer(train, model)


def train(model, optimizer, windows, progress, state, steps):
    """Some steps on one shard, much as the loop does them; returns the state and the losses."""
    step, losses = make_train_step(model, optimizer, clip_norm=1.0, num_shards=1), []
    for _ in range(steps):
        batch = windows.batch(*divmod(progress.step, windows.num_batches))
        assert batch.mask.any()
        state = model.initial_state(len(batch.x)) if batch.reset or state is None else state
        loss, _, state = step(batch.x, batch.y, batch.mask, state, np.float32(0.01))
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
    save_checkpoint(tmp_path, model, optimizer, state, progress)
    state, losses = train(model, optimizer, windows, progress, state, 3)

    again, other_optimizer = make_learner(config, random_seed=8)
    loaded_state, loaded = load_checkpoint(tmp_path, again, other_optimizer)
    assert loaded.step == 4
    loaded_state, loaded_losses = train(again, other_optimizer, windows, loaded, loaded_state, 3)
    assert loaded_losses == losses
    assert np.isfinite(losses).all()
    assert_equal(everything(again, other_optimizer, loaded_state), everything(model, optimizer, state))
    assert len(again.variables) > len(again.weights)  # dropout has generators


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_load_checkpoint_of_each_optimizer(optimizer, rng, tmp_path):
    model, own = make_learner(small("simple", layers=2), optimizer)
    gradients = [rng.normal(size=weight.shape).astype(np.float32) for weight in model.trainable_variables]
    own.apply(gradients, model.trainable_variables)
    save_checkpoint(tmp_path, model, own, model.initial_state(2), Progress())
    again, other = make_learner(small("simple", layers=2), optimizer, random_seed=8)
    state, _ = load_checkpoint(tmp_path, again, other)
    assert_equal(everything(again, other, state), everything(model, own, model.initial_state(2)))


@pytest.fixture
def saved(tmp_path):
    model, optimizer = make_learner(small("gru"))
    progress = Progress(
        step=4,
        seconds=2.5,
        limit_s=60.0,
        total_steps=None,
        step_s=1.5,
        timed_tokens=18.0,
        tokens=24.0,
        best_nats=2.25,
        best_step=3,
        worse_checks=1,
        history=[{"step": 3, "val_nats_per_token": 2.25, "tokens_per_s": float("nan")}],
    )
    save_checkpoint(tmp_path, model, optimizer, model.initial_state(2), progress)
    return tmp_path, model, optimizer, progress


def test_load_checkpoint_returns_progress(saved):
    folder, model, optimizer, progress = saved
    state, loaded = load_checkpoint(folder, model, optimizer)
    assert np.isnan(loaded.history[0].pop("tokens_per_s"))
    assert progress.history[0].pop("tokens_per_s")
    assert loaded == progress
    assert [array.shape for array in state] == [(2, 7)]


def test_load_checkpoint_missing(tmp_path):
    with pytest.raises(RunError, match="is missing"):
        load_checkpoint(tmp_path, *make_learner(small("simple")))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: data[:-40] + bytes([data[-40] ^ 1]) + data[-39:],
        lambda data: data.replace(b'\\"step\\": 4', b'\\"step\\": 5', 1),
    ],
)
def test_load_checkpoint_damaged(saved, damage):
    folder, model, optimizer, _ = saved
    path = folder / CHECKPOINT_FILE
    data = path.read_bytes()
    assert damage(data) != data
    path.write_bytes(damage(data))
    before = get_weights(model)
    with pytest.raises(RunError, match="is damaged"):
        load_checkpoint(folder, model, optimizer)
    for name, array in get_weights(model).items():
        np.testing.assert_array_equal(array, before[name])


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
        load_checkpoint(saved[0], *make_learner(config, optimizer))
