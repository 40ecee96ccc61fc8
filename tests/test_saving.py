"""Saves that fail, and what is written once they succeed again."""

import errno

import numpy as np
import pytest
from matplotlib.image import imread
from small_models import VOCAB, small

from textrnn.config import Config
from textrnn.errors import RunError
from textrnn.models.language_model import build_language_model
from textrnn.models.weights import get_weights
from textrnn.run import MODEL_FILE, RUN_FILE, read_json, read_weights
from textrnn.training import saving
from textrnn.training.checkpoint import CHECKPOINT_FILE, Progress
from textrnn.training.report import COLUMNS
from textrnn.training.saving import RunWriter
from textrnn.training.step import make_optimizer

ROW = dict.fromkeys(COLUMNS, 1.0)


class Failing:
    """The disk is full while `full` is true."""

    def __init__(self, monkeypatch, name):
        self.full, real = True, getattr(saving, name)

        def write(*args):
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(*args)

        monkeypatch.setattr(saving, name, write)


@pytest.fixture(scope="module")
def learner():
    model = build_language_model(small("simple"), VOCAB)
    return model, make_optimizer(Config().resolve().train, model), model.initial_state(2)


@pytest.fixture
def writer(tmp_path):
    warnings = []
    writer = RunWriter(tmp_path / "run", {"kind": "language_model", "metrics": {}}, warnings.append)
    writer.warnings = warnings
    return writer


def test_save_writes_all_files(writer, learner):
    writer.keep_best(learner[0], {"val_nats_per_token": 2.5})
    writer.save(*learner, Progress(step=3, history=[ROW]))
    weights, _ = read_weights(writer.folder / MODEL_FILE)
    for name, array in get_weights(learner[0]).items():
        np.testing.assert_array_equal(weights[name], array)
    assert read_json(writer.folder / RUN_FILE)["metrics"] == {"val_nats_per_token": 2.5}
    assert (writer.folder / CHECKPOINT_FILE).is_file()
    assert (writer.folder / "history.csv").is_file()
    assert not (writer.folder / "curves.png").exists()
    assert writer.warnings == []


def test_save_keeps_the_best_weights(writer, learner):
    model = learner[0]
    best = get_weights(model)
    writer.keep_best(model, {})
    model.output_layer.bias.assign_add(np.ones(VOCAB, np.float32))
    writer.save(*learner, Progress())
    model.output_layer.bias.assign_add(np.ones(VOCAB, np.float32))
    writer.save(*learner, Progress())  # not the best: the file stays
    weights, _ = read_weights(writer.folder / MODEL_FILE)
    np.testing.assert_array_equal(weights["output/bias"], best["output/bias"])


@pytest.mark.parametrize("part", ["write_weights", "save_checkpoint", "write_history", "write_json"])
def test_save_that_fails_warns_once_and_tries_again(writer, learner, part, monkeypatch):
    disk = Failing(monkeypatch, part)
    best = get_weights(learner[0])
    writer.keep_best(learner[0], {"step": 1})
    for _ in range(3):
        writer.save(*learner, Progress(history=[ROW]))
    assert len(writer.warnings) == 1
    assert "No space left on device" in writer.warnings[0]
    assert str(writer.folder) in writer.warnings[0]
    learner[0].output_layer.bias.assign_add(np.ones(VOCAB, np.float32))
    disk.full = False
    writer.save(*learner, Progress(history=[ROW]))
    weights, _ = read_weights(writer.folder / MODEL_FILE)
    np.testing.assert_array_equal(weights["output/bias"], best["output/bias"])
    assert read_json(writer.folder / RUN_FILE)["metrics"] == {"step": 1}
    assert len(writer.warnings) == 1
    disk.full = True  # a new failure is told again
    writer.keep_best(learner[0], {})
    writer.save(*learner, Progress(history=[ROW]))
    assert len(writer.warnings) == 2


def test_finish_draws_the_curves(writer, learner):
    writer.keep_best(learner[0], {})
    writer.finish(*learner, Progress(history=[ROW]), "run: simple")
    assert imread(writer.folder / "curves.png").ndim == 3


def test_finish_without_history_draws_nothing(writer, learner):
    writer.finish(*learner, Progress(), "run: simple")
    assert not (writer.folder / "curves.png").exists()


@pytest.mark.parametrize("part", ["save_checkpoint", "write_curves"])
def test_finish_that_fails_raises(writer, learner, part, monkeypatch):
    Failing(monkeypatch, part)
    with pytest.raises(RunError, match=r"could not save to .*No space left on device"):
        writer.finish(*learner, Progress(history=[ROW]), "run: simple")
