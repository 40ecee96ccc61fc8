"""A cell of one's own, in one file: in the table, and brought by another package."""

import importlib
import os
import subprocess
import sys

import numpy as np
import pytest
from cli_fixtures import ROOT, TINY, good, refused, run_cli, story
from small_models import VOCAB, random_ids, random_weights, small

from textrnn.nn import architectures
from textrnn.nn.keras.weights import get_weights, set_weights
from textrnn.nn.numpy.load import make_network

# Li et al., 2018, Independently recurrent neural network: each unit sees only its own last output.
INDRNN = """
import numpy as np

from textrnn import CellSpec


def layer():
    import keras
    from keras import ops

    @keras.saving.register_keras_serializable(package="indrnn")
    class IndRNNCell(keras.layers.Layer):
        def __init__(self, units, initializer="glorot_uniform", regularizer=None, **options):
            super().__init__(**options)
            self.units = self.state_size = self.output_size = units
            self.initializer, self.regularizer = initializer, regularizer

        def build(self, shape):
            options = dict(initializer=self.initializer, regularizer=self.regularizer)
            self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel", **options)
            between = keras.initializers.RandomUniform(0, 1)
            self.recurrent = self.add_weight(shape=(self.units,), initializer=between, name="recurrent_kernel")
            self.bias = self.add_weight(shape=(self.units,), name="bias")

        def call(self, inputs, states, training=False):
            output = ops.relu(ops.matmul(inputs, self.kernel) + states[0] * self.recurrent + self.bias)
            return output, [output]

        def get_config(self):
            return {"units": self.units, "name": self.name}

    def make(units, kernel_initializer="glorot_uniform", kernel_regularizer=None, **options):
        return keras.layers.RNN(IndRNNCell(units, kernel_initializer, kernel_regularizer), **options)

    return make


def step(cell, projected, state):
    return [np.maximum(projected + cell.recurrent * state[0], 0)]


SPEC = CellSpec("indrnn", layer=layer, step=step, recurrent="vector", speed=2.0, rate_share=0.5)
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package that brings the cell; the current folder has a story and a table."""
    site = tmp_path / "site"
    (site / "indrnn-1.0.dist-info").mkdir(parents=True)
    (site / "indrnn.py").write_text(INDRNN)
    (site / "indrnn-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: indrnn\nVersion: 1.0\n")
    (site / "indrnn-1.0.dist-info" / "entry_points.txt").write_text("[textrnn.cells]\nindrnn = indrnn:SPEC\n")
    (tmp_path / "story.txt").write_text(story(), encoding="utf-8")
    rows = "".join(f"{'good' if k % 2 else 'bad'} {'tea' if k % 3 else 'ink'} {k},{k % 2}\n" for k in range(60))
    (tmp_path / "rows.csv").write_text("text,label\n" + rows)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(site))
    architectures.cells_of_packages.cache_clear()
    yield site
    architectures.cells_of_packages.cache_clear()
    sys.modules.pop("indrnn", None)


def test_a_cell_in_the_table_is_the_same_in_keras_and_numpy(package, monkeypatch, rng):
    from textrnn.language_model.network import build_language_model

    monkeypatch.setitem(architectures.CELLS, "own", importlib.import_module("indrnn").SPEC)
    config = small("own", layers=2)
    model, ids = build_language_model(config, VOCAB), random_ids(rng, 2, 5)
    set_weights(model, random_weights(rng, get_weights(model)))
    network = make_network(config, VOCAB, get_weights(model), window=1, start_id=2)
    logits, _ = network.read_all(ids, network.initial_state(2))
    np.testing.assert_allclose(logits.transpose(1, 0, 2), model(ids), rtol=1e-5, atol=1e-5)
    shapes = architectures.cell_spec("own").shapes(config.embed, config.units)
    assert {name: tuple(weight.shape) for name, weight in get_weights(model).items() if "layer0" in name} == {
        f"layer0/{name}": shape for name, shape in shapes.items()
    }


@pytest.mark.slow
def test_a_cell_of_a_package_does_all_that_others_do(package, tmp_path):
    assert "indrnn" in good("train", "--help").out and "indrnn" in good("classify", "--help-all").out
    options = (*TINY, "--arch", "indrnn", "--name", "own", "--no-samples", "-q", "--json")
    assert good("train", "story.txt", *options, "--epochs", "1").json["arch"] == "indrnn"
    assert good("train", "--resume", "own", "--epochs", "2", "-q", "--no-samples", "--json").json["epochs"] == 2
    sized = good("train", "story.txt", "--arch", "indrnn", "--name", "sized", "--epochs", "0.1", "--no-samples").err
    assert "size auto: units" in sized
    without = (
        "import sys\nfrom textrnn.cli.main import cli\n"
        "cli.main(['generate', '--model', 'own', '--length', '9'], standalone_mode=False)\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(package)])}
    done = subprocess.run([sys.executable, "-c", without], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and len(done.stdout) == 10, done.stderr
    for cell in (["--arch", "indrnn"], ["--cell", "indrnn"]):
        given = ("--units", "4", "--embed", "4", "--epochs", "1", "--networks", "1", "--model", "rnn", "--overwrite")
        good("classify", "rows.csv", *cell, *given, "--name", "own-labels", "-o", "out.csv", "-q")
        assert "predicted" in (tmp_path / "out.csv").read_text()


@pytest.mark.slow
def test_a_cell_whose_package_is_gone_is_named_in_one_line(package, monkeypatch):
    good("train", "story.txt", *TINY, "--arch", "indrnn", "--name", "own", "--epochs", "0.2", "--no-samples", "-q")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(package)])
    architectures.cells_of_packages.cache_clear()
    for command in (["generate", "--model", "own"], ["info", "own"], ["train", "--resume", "own"]):
        refused(*command, code=1, says=["indrnn", "not installed"])
    refused("train", "story.txt", "--arch", "indrnn", code=2, says=["--arch is 'indrnn'", "lstm"])


def test_a_broken_package_costs_one_line(package, capsys):
    (package / "indrnn-1.0.dist-info" / "entry_points.txt").write_text("[textrnn.cells]\nbad = indrnn:nothing\n")
    assert not architectures.is_cell("indrnn") and not architectures.is_cell("other")
    line = "warning: the cell 'bad' of another package cannot be used: "
    assert [text[: len(line)] for text in capsys.readouterr().err.splitlines()] == [line]
    assert run_cli("--version").code == 0
