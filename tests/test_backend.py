"""TensorFlow starts quietly, and says what it has to say when it cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from textrnn.base import machine, native
from textrnn.base.errors import TextRNNError
from textrnn.base.machine import num_cores
from textrnn.training import backend
from textrnn.training.backend import chosen_precision, start_tensorflow

NOISE = "import os\nos.write(2, b'native noise\\n')\n"


def start_with(tensorflow, tmp_path):
    """Starts a made-up TensorFlow in a fresh process."""
    (tmp_path / "tensorflow.py").write_text(NOISE + tensorflow, encoding="utf-8")
    (tmp_path / "keras.py").write_text("", encoding="utf-8")
    paths = os.pathsep.join([str(tmp_path), str(Path(backend.__file__).parents[2])])
    code = "from textrnn.training.backend import start_tensorflow; start_tensorflow(); print('started')"
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": paths},
    )


def test_start_tensorflow_replays_standard_error_of_a_failing_import(tmp_path):
    done = start_with("raise ImportError('no such processor')\n", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("native noise\n")
    assert "ImportError: no such processor" in done.stderr


@pytest.mark.parametrize("failure", ["KeyboardInterrupt", "ImportError"])
def test_start_tensorflow_says_nothing_when_it_is_interrupted(tmp_path, failure):
    """Libraries turn an interrupt into failures of their own."""
    interrupted = "import signal\ntry:\n    signal.raise_signal(signal.SIGINT)\nexcept BaseException:\n    pass\n"
    done = start_with(f"{interrupted}raise {failure}\n", tmp_path)
    assert "native noise" not in done.stderr and done.stderr.rstrip().endswith("KeyboardInterrupt")


def test_start_tensorflow_keeps_noise_back(tmp_path):
    made_up = "from unittest.mock import MagicMock\nconfig, zeros = MagicMock(), lambda n: 0.0\n"
    done = start_with(made_up, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "started\n", "")


def test_standard_error_is_back_after_the_block(capfd):
    with native.standard_error_kept_back():
        os.write(2, b"kept back\n")
    os.write(2, b"shown\n")
    assert capfd.readouterr().err == "shown\n"
    with pytest.raises(ImportError), native.standard_error_kept_back():
        os.write(2, b"replayed\n")
        raise ImportError
    os.write(2, b"shown again\n")
    assert capfd.readouterr().err == "replayed\nshown again\n"
    with pytest.raises(TextRNNError), native.standard_error_kept_back():
        os.write(2, b"kept back\n")
        raise TextRNNError("the port is taken")
    assert capfd.readouterr().err == ""


def test_start_tensorflow_without_standard_error(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)  # as under pythonw
    start_tensorflow()


def test_start_tensorflow_gives_each_core_one_operation():
    start_tensorflow()
    import tensorflow as tf

    assert tf.config.threading.get_intra_op_parallelism_threads() == 1
    assert tf.config.threading.get_inter_op_parallelism_threads() == num_cores() >= 1
    assert os.environ["KERAS_BACKEND"] == "tensorflow"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [({"avx512_bf16", "fma"}, "bfloat16"), ({"amx_bf16"}, "bfloat16"), ({"avx512f"}, "float32"), (set(), "float32")],
)
def test_chosen_precision_is_what_the_cpu_is_fast_at(monkeypatch, flags, expected):
    monkeypatch.setattr(machine, "cpu_flags", lambda: flags)
    assert chosen_precision("auto") == expected
    assert chosen_precision("float32") == "float32" and chosen_precision("bfloat16") == "bfloat16"


def test_chosen_precision_leaves_a_gpu_alone(monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(machine, "cpu_flags", lambda: {"avx512_bf16"})
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: ["a GPU"])
    assert chosen_precision("auto") == "float32"
