"""Several workers, each a process of its own: the same losses as one, and what happens when one is killed."""

import csv
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cli_fixtures import ROOT, TINY, good, refused, start, story

from textrnn.base.errors import ConfigError
from textrnn.base.files import MODEL_FILE, read_json, read_weights
from textrnn.language_model import launch as launch_module
from textrnn.language_model.launch import core_shares, free_addresses, launch
from textrnn.training.cluster import split_address

SAME = (*TINY, "--batch", "9", "--dropout", "0", "--epochs", "3", "--deterministic", "--precision", "float32")


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "story.txt").write_text(story(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    return tmp_path


def history(name):
    with open(Path("models") / name / "history.csv", newline="") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def assert_same_training(one, two):
    """Same losses at the same steps, and about the same weights."""
    rows = list(zip(history(one), history(two), strict=True))
    assert len(rows) > 5
    for mine, other in rows:
        assert mine["step"] == other["step"]
        for key in ("train_nats_per_token", "val_nats_per_token", "learning_rate"):
            assert mine[key] == pytest.approx(other[key], rel=1e-4, nan_ok=True)  # a row without steps
    weights, others = (read_weights(Path("models") / name / MODEL_FILE)[0] for name in (one, two))
    for key, array in weights.items():
        np.testing.assert_allclose(array, others[key], atol=2e-3)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A folder with models/one, which a single process trained, and what --json said of it."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "story.txt").write_text(story(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("TF_CONFIG", raising=False)
        return folder, good("train", "story.txt", "--name", "one", *SAME, "--json", "-q").json


@pytest.fixture
def one(alone, home):
    """models/one in the current folder."""
    shutil.copytree(alone[0] / "models" / "one", home / "models" / "one")
    return alone[1]


@pytest.mark.slow
def test_two_workers_learn_what_one_learns(home, one):
    process = start("train", "story.txt", "--name", "two", *SAME, "--workers", "2", "--json", cwd=home)
    out, err = process.communicate()
    assert process.returncode == 0, err
    result = json.loads(out)
    assert (one["workers"], result["workers"]) == (1, 2)
    assert result["val_nats_per_token"] == pytest.approx(one["val_nats_per_token"], rel=1e-4)
    assert result["steps"] == one["steps"]
    assert err.count("loading TensorFlow") == err.count("characters to learn from") == 1, "only the chief speaks"
    assert_same_training("one", "two")
    assert "--workers 2" in read_json(Path("models/two/run.json"))["command"]
    assert not [name for name in os.listdir("models") if name not in (".locks", "one", "two")]


def wait_for(process, pattern):
    """Reads standard error until a line matches."""
    seen = []
    for line in process.stderr:
        seen.append(line)
        if re.search(pattern, line):
            return
    pytest.fail(f"no line like {pattern!r}: {''.join(seen)}")


def children_of(pid):
    """Process ids of the workers, by rank: they were started in this order."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True)
    return sorted(map(int, found.stdout.split()))


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_worker_ends_the_other_and_one_goes_on(home, one, rank):
    process = start("train", "story.txt", "--name", "two", *SAME, "--workers", "2", cwd=home)
    wait_for(process, "bits/char")  # a check: something is saved
    os.kill(children_of(process.pid)[rank], signal.SIGKILL)
    out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert errors == [err.splitlines()[-1]] and "Traceback" not in err
    saved = "what was saved last is in models/two: go on with textrnn train --resume two"
    assert re.fullmatch(rf"error: worker {rank} of 2 is gone \(.+\); {saved}", errors[0])
    assert read_json(Path("models/two/run.json"))["status"] == "training"
    assert good("train", "--resume", "two", "--json", "-q").json["workers"] == 1
    assert_same_training("one", "two")


@pytest.mark.slow
def test_a_stopped_worker_is_waited_for_and_an_interrupt_ends_both(home):
    """Stopped for twelve seconds, more than the ten after which TensorFlow by itself takes a worker for gone."""
    arguments = ("train", "story.txt", "--name", "two", *TINY, "--epochs", "100000", "--patience", "0")
    process = start(*arguments, "--workers", "2", "--no-samples", cwd=home)
    wait_for(process, "bits/char")
    worker = children_of(process.pid)[1]
    os.kill(worker, signal.SIGSTOP)
    time.sleep(12)
    os.kill(worker, signal.SIGCONT)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130 and "go on with:  textrnn train --resume two" in out, err
    assert "error" not in err and read_json(Path("models/two/run.json"))["status"] == "interrupted"


@pytest.mark.slow
def test_workers_of_tf_config_read_their_own_files(home, tmp_path_factory):
    """As on two machines: the second has its own copy of the corpus and does not see the first one's run."""
    away, addresses = tmp_path_factory.mktemp("away"), free_addresses(2)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    script = home / "hidden.py"  # the chief's files are at a path that the other worker could find on this machine
    script.write_text(
        "from textrnn.language_model import workers\nworkers._mapped = lambda *of_the_chief: None\n"
        "from textrnn.cli.main import main\nmain()\n"
    )
    command = [sys.executable, str(script), "train", "story.txt", "--name", "x", *TINY, "--epochs", "1"]

    def run(text):
        (away / "story.txt").write_text(text, encoding="utf-8")
        pipes = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started = []
        for rank, cwd in enumerate((home, away)):
            task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}}
            own = {**environment, "TF_CONFIG": json.dumps(task)}
            started.append(subprocess.Popen(command, cwd=cwd, env=own, **pipes))
        return [(*process.communicate(), process.returncode) for process in started]

    (_, chief_err, chief_code), (_, err, code) = run(story(seed=2))
    assert (chief_code, code) == (1, 1)
    assert "worker 1 of 2 has failed: this worker's text is not the chief's" in chief_err
    assert err.splitlines()[-1].startswith("error: this worker's text is not the chief's: the train part has ")
    assert not (home / "models" / "x").exists()

    (out, chief_err, chief_code), (other_out, err, code) = run(story())
    assert (chief_code, code) == (0, 0), chief_err + err
    assert "saved models/x" in out
    assert (other_out, err) == ("", "")
    assert sorted(os.listdir(away)) == ["story.txt"]


@pytest.mark.slow
def test_a_worker_whose_port_is_taken_says_so(home):
    addresses = free_addresses(2)
    task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": 1}}
    own = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CONFIG": json.dumps(task)}
    command = [sys.executable, "-m", "textrnn", "train", "story.txt", "--name", "x", *TINY, "--epochs", "1"]
    with socket.create_server(split_address(addresses[1])):
        done = subprocess.run(command, cwd=home, env=own, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(rf"error: worker 1 of 2 cannot be at {addresses[1]} \(.+\): is the port taken.*\n", done.stderr)
    assert not (home / "models").exists()


@pytest.mark.slow
def test_workers_on_devices_of_one_process_learn_what_one_learns(tmp_path):
    """MirroredStrategy, with two devices that share the processor in place of two GPUs."""
    script = f"""
import sys
sys.path[:0] = [{str(ROOT / "tests")!r}, {str(ROOT)!r}]
from textrnn.training.backend import start_tensorflow

def devices():
    import tensorflow as tf
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

strategy = start_tensorflow(strategy=devices)
import contextlib
import numpy as np
from small_models import VOCAB, small
from textrnn.language_model.options import Config
from textrnn.language_model.network import build_language_model
from textrnn.nn.keras.weights import get_weights
from textrnn.language_model.step import make_loss
from textrnn.training.step import Division, make_optimizer, make_step
from textrnn.training.strategy import spread_over, spread_seeds
from textrnn.training.workers import Workers, num_replicas

rng = np.random.default_rng(1)
x, y = rng.integers(0, VOCAB, (2, 5, 3)).astype(np.int32)
mask = (rng.random((5, 3)) < 0.7).astype(np.float32)
mask[:2] = 0  # one replica has nothing to learn from
results = []
for spread in (False, True):
    with strategy.scope() if spread else contextlib.nullcontext():
        model = build_language_model(small("lstm", layers=2, dropout=0.0, l2=0.01), VOCAB)
        variables, config = model.trainable_variables, Config.from_options(dict(optimizer="adamw", epochs=1)).resolve()
        optimizer = make_optimizer(config.optimization, variables)
    division = Division(2, 1, spread_over(Workers(strategy), variables)) if spread else Division(2)
    step = make_step(make_loss(model), variables, optimizer, clip_norm=0.5, division=division)
    state, found = model.initial_state(5), []
    for _ in range(4):
        loss, norm, state = step((x, y, mask), state, np.float32(0.01))
        found += [loss.numpy(), norm.numpy()]
    results.append([*found, *(np.asarray(s) for s in state), *get_weights(model).values()])
for one, two in zip(*results, strict=True):
    np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)
assert num_replicas(strategy) == 2
with strategy.scope():
    model = build_language_model(small("lstm", layers=2, dropout=0.5), VOCAB)
variable = model.dropouts[0].seed_generator.state
spread_seeds([variable], 3)
seeds = [value.numpy().tolist() for value in variable.value.values]
assert seeds[0][0] != seeds[1][0] and [seed[1] for seed in seeds] == [0, 0], seeds
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------- starting them


def test_core_shares_are_equal():
    assert core_shares([4, 5, 6, 7], 2) == [[4, 5], [6, 7]]
    assert core_shares([3], 2) == [[3], [3]]
    for cores, workers in ((7, 3), (2, 5), (1, 1)):
        shares = core_shares(list(range(cores)), workers)
        assert len(shares) == workers and {len(share) for share in shares} == {max(1, cores // workers)}


def test_free_addresses_are_of_this_machine_alone():
    found = [split_address(address) for address in free_addresses(5)]
    assert {host for host, _ in found} == {"127.0.0.1"} and len({port for _, port in found}) == 5


def test_launch_is_refused_under_tf_config(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 0}}')
    with pytest.raises(ConfigError, match="use one of both"):
        launch(2, ["train", "x.txt"])
    monkeypatch.setenv("TF_CONFIG", "{")
    refused("train", "story.txt", code=2, says=["TF_CONFIG is no JSON"])


@pytest.mark.parametrize("number", ["0", "257", "two"])
def test_launch_is_refused_out_of_range(number):
    refused("train", "story.txt", "--workers", number, code=2, says=["--workers"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["missing.txt"], 1, "missing.txt"),
        (["story.txt", "--batch", "1"], 2, "there are 2 workers, each of which needs one"),
    ],
)
def test_launched_workers_refuse_in_one_line(home, capfd, options, code, says):
    assert launch(2, ["train", *options]) == code
    errors = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and says in errors[0]


class Process:
    """Stands for a worker that ends with a code, or never."""

    def __init__(self, code):
        self.code, self.killed = code, False

    def poll(self):
        return self.code

    def kill(self):
        self.killed, self.code = True, -9

    def wait(self):
        return self.code


@pytest.mark.parametrize(
    ("codes", "expected"),
    [([0, 0], 0), ([130, 130], 130), ([2, 2], 2), ([1, -9], 1), ([-9, 1], 1), ([0, 3], 1), ([None, 3], 1)],
)
def test_exit_code_is_the_chiefs(codes, expected, monkeypatch, capsys):
    monkeypatch.setattr(launch_module.time, "sleep", lambda seconds: None)
    processes = [Process(code) for code in codes]
    assert launch_module._look_after(processes) == expected
    launch_module._end(processes)
    assert [process.killed for process in processes] == [code is None for code in codes]
    assert ("has ended (exit code 3) and the chief hangs" in capsys.readouterr().err) == (None in codes)
