"""Saves that fail, and what is written once they succeed again."""

import errno
import os
import shutil
import tempfile
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.image import imread
from small_models import VOCAB, small

from textrnn.base.errors import RunError
from textrnn.base.files import MODEL_FILE, RUN_FILE, read_json, read_weights, write_weights
from textrnn.language_model.network import build_language_model
from textrnn.language_model.options import Config
from textrnn.nn.keras.weights import get_weights
from textrnn.training import store as saving
from textrnn.training.checkpoint import Progress, checkpoint_path, checkpoints
from textrnn.training.display import COLUMNS
from textrnn.training.prepared import Prepared
from textrnn.training.step import make_optimizer
from textrnn.training.store import LOSS, RunStore

ROW = dict.fromkeys(COLUMNS, 1.0)


class Failing:
    """The disk is full while `full` is true."""

    def __init__(self, monkeypatch, name):
        self.full, real = True, getattr(saving, name)

        def write(*args, **options):
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(*args, **options)

        monkeypatch.setattr(saving, name, write)


@pytest.fixture(scope="module")
def learner():
    model = build_language_model(small("simple"), VOCAB)
    optimizer = make_optimizer(Config().resolve().optimization, model.trainable_variables)
    return SimpleNamespace(model=model, optimizer=optimizer, state=model.initial_state(2))


def store_of(learner, folder, warn, *, metrics=None, parts=None):
    details = {"kind": "language_model", "metrics": metrics or {}}
    prepared = Prepared(folder, folder, Config(), None, details, resume=True, parts=parts or {})
    return RunStore(prepared, learner.model, learner.optimizer, warn)


@pytest.fixture
def writer(tmp_path, learner):
    warnings = []
    writer = store_of(learner, tmp_path / "run", warnings.append)
    writer.warnings = warnings
    return writer


def test_save_writes_all_files(writer, learner):
    writer.keep_best({"val_nats_per_token": 2.5})
    writer.save(Progress(step=3, history=[ROW]), learner.state)
    weights, _ = read_weights(writer.folder / MODEL_FILE)
    for name, array in get_weights(learner.model).items():
        np.testing.assert_array_equal(weights[name], array)
    assert read_json(writer.folder / RUN_FILE)["metrics"] == {"val_nats_per_token": 2.5}
    assert (checkpoint_path(writer.folder, 3)).is_file()
    assert (writer.folder / "history.csv").is_file()
    assert not (writer.folder / "curves.png").exists()
    assert writer.warnings == []


def test_save_keeps_the_best_weights(writer, learner):
    model = learner.model
    best = get_weights(model)
    writer.keep_best({})
    model.output_layer.bias.assign_add(np.ones(VOCAB, np.float32))
    writer.save(Progress(), learner.state)
    model.output_layer.bias.assign_add(np.ones(VOCAB, np.float32))
    writer.save(Progress(), learner.state)  # not the best: the file stays
    weights, _ = read_weights(writer.folder / MODEL_FILE)
    np.testing.assert_array_equal(weights["output/bias"], best["output/bias"])


def bias_on_disk(writer):
    return read_weights(writer.folder / MODEL_FILE)[0]["output/bias"]


def test_keep_best_leaves_better_weights_alone(writer, learner):
    """As after a kill between two files: the weights on disk are ahead of the checkpoint."""
    bias, best = learner.model.output_layer.bias, get_weights(learner.model)["output/bias"]
    writer.keep_best({LOSS: 1.5, "step": 7})
    writer.save(Progress(), learner.state)
    resumed = store_of(learner, writer.folder, pytest.fail, metrics={LOSS: 2.0})
    resumed.load(Progress())
    assert resumed.details["metrics"] == {LOSS: 1.5, "step": 7}  # and not those of the run.json before it
    worse, equal, better = (np.full(VOCAB, n, np.float32) for n in (1, 2, 3))
    for values, loss, expected in ((worse, 1.75, best), (equal, 1.5, equal), (better, 1.25, better)):
        bias.assign(values)
        resumed.keep_best({LOSS: loss})
        resumed.save(Progress(), learner.state)
        np.testing.assert_array_equal(bias_on_disk(resumed), expected)
    assert read_json(resumed.folder / RUN_FILE)["metrics"] == {LOSS: 1.25}


def test_load_refuses_damaged_weights(writer, learner):
    writer.keep_best({})
    writer.save(Progress(), learner.state)
    (writer.folder / MODEL_FILE).unlink()
    with pytest.raises(RunError, match="is missing"):
        writer.load(Progress())
    for metrics in ("[1]", "{", '{"val_nats_per_token": "x"}', '{"val_nats_per_token": null}'):
        write_weights(writer.folder / MODEL_FILE, {"output/bias": np.ones(3)}, {"metrics": metrics})
        with pytest.raises(RunError, match=r"model.safetensors is damaged"):
            writer.load(Progress())


def test_save_writes_again_what_was_lost(writer, learner):
    parts = {
        "tokenizer.json": lambda path: path.write_text("tokens"),
        "checkpoint/x.ids": lambda path: path.write_bytes(b"i"),
    }
    writer = store_of(learner, writer.folder, writer.warnings.append, parts=parts)
    writer.keep_best({LOSS: 2.5})
    writer.save(Progress(step=3, history=[ROW]), learner.state)
    whole = {path.name: path.read_bytes() for path in writer.folder.rglob("*") if path.is_file()}
    assert {"tokenizer.json", "x.ids"} < set(whole)
    warnings = []
    writer._warn = warnings.append
    for lost in (*whole, None):
        if lost is None:
            shutil.rmtree(writer.folder)
        else:
            next(writer.folder.rglob(lost)).unlink()
        writer.save(Progress(step=3, history=[ROW]), learner.state)
        assert {path.name: path.read_bytes() for path in writer.folder.rglob("*") if path.is_file()} == whole
    assert warnings == [f"{writer.folder} was removed: making it anew"]


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EIO])
def test_save_pauses_while_nothing_can_be_written(writer, learner, code, monkeypatch):
    """A read-only moment: no file can be made; what is there stays whole."""
    writer.keep_best({LOSS: 2.5})
    writer.save(Progress(step=3, history=[ROW]), learner.state)
    before = {path: path.read_bytes() for path in writer.folder.rglob("*") if path.is_file()}

    def refuse(**options):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as moment:
        moment.setattr(tempfile, "mkstemp", refuse)
        writer.keep_best({LOSS: 2.25})
        for step in (4, 5):
            writer.save(Progress(step=step, history=[ROW]), learner.state)
    assert {path: path.read_bytes() for path in writer.folder.rglob("*") if path.is_file()} == before
    assert len(writer.warnings) == 1 and os.strerror(code) in writer.warnings[0]
    writer.save(Progress(step=6, history=[ROW]), learner.state)
    assert len(writer.warnings) == 2 and "works again" in writer.warnings[1]
    assert read_json(writer.folder / RUN_FILE)["metrics"] == {LOSS: 2.25}
    assert max(checkpoints(writer.folder)) == 6


@pytest.mark.parametrize("part", ["write_weights", "save_checkpoint", "write_history", "write_json"])
def test_save_that_fails_warns_once_and_tries_again(writer, learner, part, monkeypatch):
    disk = Failing(monkeypatch, part)
    best = get_weights(learner.model)
    writer.keep_best({"step": 1})
    for _ in range(3):
        writer.save(Progress(history=[ROW]), learner.state)
    assert len(writer.warnings) == 1
    assert "No space left on device" in writer.warnings[0]
    assert str(writer.folder) in writer.warnings[0]
    learner.model.output_layer.bias.assign_add(np.ones(VOCAB, np.float32))
    disk.full = False
    writer.save(Progress(history=[ROW]), learner.state)
    weights, _ = read_weights(writer.folder / MODEL_FILE)
    np.testing.assert_array_equal(weights["output/bias"], best["output/bias"])
    assert read_json(writer.folder / RUN_FILE)["metrics"] == {"step": 1}
    writer.save(Progress(history=[ROW]), learner.state)
    assert len(writer.warnings) == 2 and "works again" in writer.warnings[1]
    disk.full = True  # a new failure is told again
    writer.keep_best({})
    writer.save(Progress(history=[ROW]), learner.state)
    assert len(writer.warnings) == 3 and "could not save" in writer.warnings[2]


def test_finish_draws_the_curves(writer, learner):
    writer.keep_best({})
    writer.finish(Progress(history=[ROW]), learner.state, status="finished", title="run: simple")
    assert imread(writer.folder / "curves.png").ndim == 3


def test_finish_without_history_draws_nothing(writer, learner):
    writer.finish(Progress(), learner.state, status="finished", title="run: simple")
    assert not (writer.folder / "curves.png").exists()


@pytest.mark.parametrize("part", ["save_checkpoint", "write_curves"])
def test_finish_that_fails_raises(writer, learner, part, monkeypatch):
    Failing(monkeypatch, part)
    with pytest.raises(RunError, match=r"could not save to .*No space left on device"):
        writer.finish(Progress(history=[ROW]), learner.state, status="finished", title="run: simple")
