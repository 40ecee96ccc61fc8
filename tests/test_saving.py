"""Saves that fail, and what is written once they succeed again."""

import errno
from types import SimpleNamespace

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
from textrnn.training.checkpoint import Progress, checkpoint_path, variable_groups
from textrnn.training.report import COLUMNS
from textrnn.training.saving import RunWriter
from textrnn.training.step import make_optimizer

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
    groups = variable_groups(model, make_optimizer(Config().resolve().train, model))
    return SimpleNamespace(model=model, save=(groups, model.initial_state(2)))


@pytest.fixture
def writer(tmp_path):
    warnings = []
    writer = RunWriter(tmp_path / "run", {"kind": "language_model", "metrics": {}}, warnings.append)
    writer.warnings = warnings
    return writer


def test_save_writes_all_files(writer, learner):
    writer.keep_best(get_weights(learner.model), {"val_nats_per_token": 2.5})
    writer.save(*learner.save, Progress(step=3, history=[ROW]))
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
    writer.keep_best(get_weights(model), {})
    model.output_layer.bias.assign_add(np.ones(VOCAB, np.float32))
    writer.save(*learner.save, Progress())
    model.output_layer.bias.assign_add(np.ones(VOCAB, np.float32))
    writer.save(*learner.save, Progress())  # not the best: the file stays
    weights, _ = read_weights(writer.folder / MODEL_FILE)
    np.testing.assert_array_equal(weights["output/bias"], best["output/bias"])


@pytest.mark.parametrize("part", ["write_weights", "save_checkpoint", "write_history", "write_json"])
def test_save_that_fails_warns_once_and_tries_again(writer, learner, part, monkeypatch):
    disk = Failing(monkeypatch, part)
    best = get_weights(learner.model)
    writer.keep_best(get_weights(learner.model), {"step": 1})
    for _ in range(3):
        writer.save(*learner.save, Progress(history=[ROW]))
    assert len(writer.warnings) == 1
    assert "No space left on device" in writer.warnings[0]
    assert str(writer.folder) in writer.warnings[0]
    learner.model.output_layer.bias.assign_add(np.ones(VOCAB, np.float32))
    disk.full = False
    writer.save(*learner.save, Progress(history=[ROW]))
    weights, _ = read_weights(writer.folder / MODEL_FILE)
    np.testing.assert_array_equal(weights["output/bias"], best["output/bias"])
    assert read_json(writer.folder / RUN_FILE)["metrics"] == {"step": 1}
    writer.save(*learner.save, Progress(history=[ROW]))
    assert len(writer.warnings) == 2 and "works again" in writer.warnings[1]
    disk.full = True  # a new failure is told again
    writer.keep_best(get_weights(learner.model), {})
    writer.save(*learner.save, Progress(history=[ROW]))
    assert len(writer.warnings) == 3 and "could not save" in writer.warnings[2]


def test_finish_draws_the_curves(writer, learner):
    writer.keep_best(get_weights(learner.model), {})
    writer.finish(*learner.save, Progress(history=[ROW]), "run: simple")
    assert imread(writer.folder / "curves.png").ndim == 3


def test_finish_without_history_draws_nothing(writer, learner):
    writer.finish(*learner.save, Progress(), "run: simple")
    assert not (writer.folder / "curves.png").exists()


@pytest.mark.parametrize("part", ["save_checkpoint", "write_curves"])
def test_finish_that_fails_raises(writer, learner, part, monkeypatch):
    Failing(monkeypatch, part)
    with pytest.raises(RunError, match=r"could not save to .*No space left on device"):
        writer.finish(*learner.save, Progress(history=[ROW]), "run: simple")
