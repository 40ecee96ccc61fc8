"""What happens in a training, as files of TensorBoard: they are read back with what TensorFlow and TensorBoard have."""

import json
import math

import numpy as np
import pytest
from cli_fixtures import QUICK, good, refused

from textrnn.training import tensorboard
from textrnn.training.events import Gates, Sample, Weights
from textrnn.training.tensorboard import board

ROW = {"step": 3.0, "train_bits_per_char": 1.5, "val_bits_per_char": 2.5, "learning_rate": 0.5, "chars_per_s": math.nan}


def shown(folder):
    """What TensorBoard shows of a folder, by tag, as steps and values: scalars, texts, and numbers of values."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = accumulator.EventAccumulator(str(folder), dict(scalars=0, tensors=0, histograms=0)).Reload()
    tags = found.Tags()
    scalars = {tag: [(one.step, one.value) for one in found.Scalars(tag)] for tag in tags["scalars"]}
    texts = {
        tag: [(one.step, one.tensor_proto.string_val[0].decode()) for one in found.Tensors(tag)]
        for tag in tags["tensors"]
    }
    counts = {tag: [(one.step, one.histogram_value.num) for one in found.Histograms(tag)] for tag in tags["histograms"]}
    return scalars, texts, counts


def test_events_become_scalars_texts_and_histograms(tmp_path, monkeypatch):
    from textrnn.training.trainer import Check, Saved, Step

    monkeypatch.setattr(tensorboard, "MOST_VALUES", 10)
    with board(tmp_path, "run") as tell:
        tell(Step(2, loss=1.25, epoch=0.5, done=0.5, left_s=1.0))
        tell(Step(3, loss=1.0, epoch=0.75, done=0.7, left_s=1.0))  # too soon after the one before
        tell(Check(ROW, is_best=True))
        tell(Sample(3, "a\nb"))
        tell(Weights(3, lambda: {"kernel": np.arange(6.0), "large": np.zeros(100), "odd": np.array([math.inf])}))
        tell(Gates(3, lambda: {"layer0/forget": np.full((2, 4), 0.5)}))
        tell(Saved(3))
    scalars, texts, counts = shown(tmp_path / "run")
    assert scalars == {
        "nats_per_token/step": [(2, 1.25)],
        "bits_per_char/train": [(3, 1.5)],
        "bits_per_char/val": [(3, 2.5)],
        "training/learning_rate": [(3, 0.5)],
    }
    assert texts == {"sample": [(3, "    a\n    b\n")]}
    assert counts == {"weights/kernel": [(3, 6)], "weights/large": [(3, 10)], "gates/layer0/forget": [(3, 8)]}


def test_what_was_learnt_anew_takes_the_place_of_what_was_before(tmp_path):
    from textrnn.training.trainer import Check

    for steps in [(1, 2, 3, 4), (3, 4, 2)]:  # the second goes on from 2, and goes back to 1 later on
        with board(tmp_path, "run") as tell:
            for step in steps:
                tell(Check({"step": float(step), "learning_rate": float(len(steps))}, is_best=True))
    assert shown(tmp_path / "run")[0]["training/learning_rate"] == [(1, 4.0), (2, 3.0)]


def test_a_full_disk_ends_the_files_and_not_the_training(tmp_path, capsys, monkeypatch):
    import tensorflow as tf

    class Full:
        def __init__(self, path):
            pass

        def write(self, data):
            pass

        def flush(self):
            raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

        close = flush

    monkeypatch.setattr(tf.io, "TFRecordWriter", Full)
    with board(tmp_path, "run") as tell:
        tell(Sample(1, "a"))
        tell(Sample(2, "b"))
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "No space left on device; training goes on" in told


def test_a_folder_that_cannot_be_written_is_refused_before_training(home):
    says = ["--tensorboard is 'story.txt', which cannot be written"]
    refused("train", "story.txt", *QUICK, "--tensorboard", "story.txt", code=2, says=says)
    refused("train", "story.txt", "--arch", "esn", "--tensorboard", "x", code=2, says=["--arch is esn"])
    assert not (home / "models" / "story").exists()


@pytest.mark.slow
def test_train_writes_its_curves_and_resume_goes_on_with_them(home):
    flags = ("-q", "--tensorboard", "logs")
    good("train", "story.txt", "--name", "one", *QUICK, *flags, "--events", "events.jsonl")
    good("train", "--resume", "one", "--epochs", "3", *flags)
    scalars, texts, counts = shown(home / "logs" / "one")
    assert {"bits_per_char/train", "bits_per_char/val", "training/gradient_norm", "training/chars_per_s"} <= {*scalars}
    steps = [step for step, _ in scalars["bits_per_char/val"]]
    history = (home / "models" / "one" / "history.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert steps == [int(float(line.split(",")[0])) for line in history] == sorted(steps)
    assert [step for step, _ in texts["sample"]] == steps and "weights/output/kernel" in counts
    assert [step for step, _ in counts["gates/layer0/forget"]] == [step for step, _ in counts["gates/mixture/network"]]
    told = [json.loads(line) for line in (home / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["text"] for line in told if line["event"] == "sample"]
