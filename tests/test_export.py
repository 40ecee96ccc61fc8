"""Models for other programs say what the runtime says; and the fast runtime writes what NumPy writes."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from cli_fixtures import TINY, enter_copy, good, refused, story
from small_models import ALL, BOTH_WAYS, CARRIED, UNITS, VOCAB, built, random_ids, random_weights

from textrnn.base.files import FORMAT_VERSION, MODEL_FILE, RUN_FILE, TOKENIZER_FILE, write_json, write_weights
from textrnn.base.run import load
from textrnn.classifier.kinds import Classes, Several
from textrnn.classifier.network import build_classifier
from textrnn.classifier.options import ClassifierConfig, EncoderConfig
from textrnn.export.export import export
from textrnn.language_model import fit
from textrnn.language_model.fast import FAST_FILE, FAST_MODEL, stack_of, with_runtime
from textrnn.language_model.generation_loop import Stream
from textrnn.language_model.options import Config
from textrnn.language_model.predict import open_run
from textrnn.language_model.random_state import row_rng
from textrnn.language_model.sample_options import SampleConfig
from textrnn.language_model.sampling import FIRST_ID
from textrnn.nn import stack as stack_module
from textrnn.nn.keras.litert import convert
from textrnn.nn.keras.weights import get_weights
from textrnn.nn.numpy.litert import LiteNetwork
from textrnn.nn.stack import STATES
from textrnn.text.tokens.char import CharTokenizer
from textrnn.text.tokens.vocabulary import Vocabulary

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
STEPS = [name for name, config in CARRIED.items() if config.arch in STATES]
STOCK = [name for name in ALL if not any(word in name for word in ("min", "memory"))]
ENDINGS = {"keras": ".keras", "savedmodel": ".savedmodel", "litert": ".tflite", "onnx": ".onnx"}


def drawn_run(path, name, rng):
    """A run of drawn weights with the characters a to i."""
    path.mkdir(parents=True)
    config = dataclasses.replace(Config.from_options({"arch": "gru", "window": 4}).resolve(), model=ALL[name])
    write_weights(path / MODEL_FILE, random_weights(rng, get_weights(built(name))))
    write_json(path / TOKENIZER_FILE, CharTokenizer(list("abcdefghi")).to_json())
    details = dict(format_version=5, kind="language_model", config=config.to_json(), start_id=2, vocab_size=VOCAB)
    write_json(path / RUN_FILE, {**details, "metrics": {}})
    return open_run(path)


@pytest.fixture
def run(tmp_path, rng, monkeypatch):
    """Makes a run in the current folder."""
    monkeypatch.chdir(tmp_path)
    return lambda name: drawn_run(tmp_path / "models" / "drawn", name, rng)


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """A run, and the same run by LiteRT with exact weights."""
    pytest.importorskip("ai_edge_litert")
    model = drawn_run(tmp_path_factory.mktemp("twice") / "drawn", "lstm x 2", np.random.default_rng(1))
    network = LiteNetwork(model.network, convert(stack_of(model), int8=False, first_id=FIRST_ID))
    return model, dataclasses.replace(model, network=network)


@pytest.fixture(scope="module")
def quick(begun, tmp_path_factory):
    """A folder with models/lstm, which has the files of the fast runtime."""
    pytest.importorskip("ai_edge_litert")
    folder = tmp_path_factory.mktemp("quick")
    shutil.copytree(begun / "models" / "lstm", folder / "models" / "lstm")
    models, output = folder / "models", folder / "x.tflite"
    said = good("export", "lstm", "--to", "litert", "--int8", "--models-dir", models, "-o", output).out
    assert "bits per character" in said and output.is_file()
    return folder


def by_steps(model, ids, say):
    """Logits [steps, rows, vocab] of a function from ids and states by name to outputs by name."""
    state = {f"state{n}": np.zeros((len(ids), UNITS), np.float32) for n in range(stack_of(model).num_states)}
    found = []
    for column in ids.T:
        outputs = say(ids=column, **state)
        found.append(np.array(outputs["logits"]))
        state = {name: np.array(outputs[name.replace("state", "after")]) for name in state}
    return np.array(found)


def say_onnx(path):
    session = pytest.importorskip("onnxruntime").InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    return lambda **given: dict(zip(names, session.run(None, given), strict=True))


def say_litert(path):
    return pytest.importorskip("ai_edge_litert.interpreter").Interpreter(path).get_signature_runner("step")


def say_savedmodel(path):
    step = tf.saved_model.load(path).signatures["step"]
    return lambda **given: step(**{name: tf.constant(array) for name, array in given.items()})


def run_without_textrnn(script, *arguments):
    """What an example prints where textrnn cannot be imported."""
    without = "import runpy, sys; sys.modules['textrnn'] = None; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0])"
    done = subprocess.run(
        [sys.executable, "-c", without, str(EXAMPLES / script), *arguments],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_close(found, expected):
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("largest", [0, 1 << 22])
@pytest.mark.parametrize("name", STEPS)
def test_a_step_in_onnx_is_the_runtimes(run, rng, monkeypatch, name, largest):
    monkeypatch.setattr(stack_module, "LARGEST_TABLE", largest)
    model, ids = run(name), random_ids(rng, 2, 5)
    found = export("drawn", "onnx", models_dir=Path("models"))
    expected, _ = model.network.read_all(ids, model.network.initial_state(2))
    is_close(by_steps(model, ids, say_onnx(str(found.path))), expected)


@pytest.mark.parametrize("to", ["litert", "savedmodel"])
@pytest.mark.parametrize("name", ["gru x 2", "residual minlstm x 2", "mingru x 2", "simple", "tied, projected lstm"])
def test_a_step_in_tensorflow_is_the_runtimes(run, rng, name, to):
    model, ids = run(name), random_ids(rng, 2, 5)
    path = str(export("drawn", to, models_dir=Path("models")).path)
    expected, _ = model.network.read_all(ids, model.network.initial_state(2))
    is_close(by_steps(model, ids, {"litert": say_litert, "savedmodel": say_savedmodel}[to](path)), expected)
    if to == "savedmodel":
        state = {f"state{n}": tf.zeros((2, UNITS)) for n in range(stack_of(model).num_states)}
        whole = tf.saved_model.load(path).signatures["read"](ids=tf.constant(ids), **state)
        is_close(np.swapaxes(whole["logits"], 0, 1), expected)


@pytest.mark.parametrize("name", STOCK)
def test_a_keras_model_of_stock_layers_is_the_runtimes(run, rng, name):
    model, ids = run(name), random_ids(rng, 2, 4)
    path = export("drawn", "keras", models_dir=Path("models")).path
    assert b"textrnn" not in zipfile.ZipFile(path).read("config.json")
    found = np.array(keras.models.load_model(path, safe_mode=True)(ids))
    expected, _ = model.network.read_all(ids, model.network.initial_state(2))
    is_close(found, expected[-1] if name in BOTH_WAYS else np.swapaxes(expected, 0, 1))


def drawn_classifier(path, rng, *, task="classes", level="word", **encoder):
    """A classifier of drawn weights: two networks beside a linear model that is not chosen."""
    path.mkdir(parents=True)
    encoder = EncoderConfig(units=UNITS, embed=5, **encoder)
    names, words = ["bad", "good", "so so"], ["tea", "lovely", "never", "again", "n't", "do"]
    config = dataclasses.replace(ClassifierConfig(), encoder=encoder)
    if level == "char":
        words = list("abcdeloty ")
    arrays = get_weights(build_classifier(encoder, len(words) + 2, len(names)))
    weights = {f"rnn{k}/{name}": array for k in range(2) for name, array in random_weights(rng, arrays).items()}
    write_weights(path / MODEL_FILE, weights)
    write_json(path / TOKENIZER_FILE, Vocabulary(words, level).to_json())
    kind = Classes(names) if task == "classes" else Several(names, "; ")
    model = dict(chosen="rnn", members=2, linear=None, mixture=None, shares=[0.2, 0.3, 0.5], temperatures={"rnn": 1.5})
    model["decisions"] = {} if task == "classes" else {"rnn": [0.2, 0.5, 0.3]}
    details = dict(format_version=FORMAT_VERSION, kind="classifier", config=config.to_json(), classes=names)
    write_json(path / RUN_FILE, {**details, "labels": kind.to_json(), "model": model, "metrics": {}})
    return load(path)


CLASSIFIERS = [
    {},
    dict(cell="lstm", layers=2, pooling="last"),
    dict(arch="simple", pooling="max"),
    dict(arch="gru", layers=2, pooling="attention", task="multi"),
    dict(arch="lstm", pooling="last", level="char"),
]
TEXTS = ["Lovely tea,  again", "do never lovely", "x"]


@pytest.mark.filterwarnings("ignore:.*softmax over axis")  # of a text of one token, in Keras
@pytest.mark.parametrize("to", ["onnx", "keras"])
@pytest.mark.parametrize("options", CLASSIFIERS, ids=lambda options: "-".join(map(str, options.values())) or "default")
def test_a_classifier_says_what_its_networks_say(tmp_path, rng, monkeypatch, options, to):
    monkeypatch.chdir(tmp_path)
    model = drawn_classifier(tmp_path / "models" / "drawn", rng, **options)
    path = export("drawn", to, models_dir=Path("models")).path
    if to == "onnx":
        session = pytest.importorskip("onnxruntime").InferenceSession(str(path))
    else:
        assert b"textrnn" not in zipfile.ZipFile(path).read("config.json")
        network = keras.models.load_model(path, safe_mode=True)
    for text in TEXTS:
        ids, _ = model.networks.encode(text)
        found = session.run(None, {"ids": ids[None]})[0] if to == "onnx" else np.array(network(ids[None]))
        is_close(found, model.all_predictions([text])[0]["rnn"])


@pytest.mark.slow
@pytest.mark.parametrize("to", ["onnx", "keras"])
@pytest.mark.parametrize("options", CLASSIFIERS[2:], ids=["simple", "multi", "char"])
def test_the_examples_tell_the_labels_that_classify_tells(tmp_path, rng, monkeypatch, options, to):
    monkeypatch.chdir(tmp_path)
    model = drawn_classifier(tmp_path / "models" / "drawn", rng, **options)
    good("export", "drawn", "--to", to)
    done = run_without_textrnn(f"classify_with_{to}.py", "drawn" + ENDINGS[to], *TEXTS)
    assert [line.split("\t")[0] for line in done.splitlines()] == [one["label"] for one in model.classify(TEXTS)]


def test_classifiers_that_cannot_be_exported_are_refused(tmp_path, rng, monkeypatch):
    monkeypatch.chdir(tmp_path)
    drawn_classifier(tmp_path / "models" / "drawn", rng, arch="mingru")
    refused("export", "drawn", "--to", "onnx", code=2, says=["the cell of models/drawn is mingru"])
    refused("export", "drawn", "--to", "litert", code=2, says=["exported to keras or onnx, and --to is litert"])
    shutil.copytree(Path(__file__).parent / "old_runs" / "answerer", "models/answers")
    refused("export", "answers", "--to", "onnx", code=2, says=["neither a language model nor a classifier"])


@pytest.mark.parametrize(
    ("name", "to", "says"),
    [
        ("memory", "onnx", "--arch is memory"),
        ("bidirectional", "savedmodel", "--arch is bidirectional"),
        ("mingru x 2", "keras", "--arch is mingru"),
    ],
)
def test_what_cannot_be_exported_is_refused(run, name, to, says):
    run(name)
    refused("export", "drawn", "--to", to, code=2, says=[says])
    assert not list(Path.cwd().glob("drawn*"))


def test_export_keeps_what_is_there(run):
    run("gru x 2")
    Path("drawn.tokens.json").write_text("mine")
    refused("export", "drawn", "--to", "onnx", code=2, says=["drawn.tokens.json exists"])
    refused("export", "drawn", "--to", "onnx", "--int8", code=2, says=["--int8 is for --to litert"])
    refused("export", "drawn", "--to", "onnx", "-o", "no/where.onnx", code=2, says=["a folder that exists"])
    assert "wrote drawn.onnx" in good("export", "drawn", "--to", "onnx", "--overwrite").out
    good("export", "drawn", "--to", "onnx", "-o", "other.onnx")
    Path("other.onnx").unlink()
    good("export", "drawn", "--to", "onnx", "-o", "other.onnx")  # the same tokens are no obstacle
    assert json.loads(Path("drawn.tokens.json").read_text())["tokens"] == ["", "\ufffd", *"abcdefghi"]


@pytest.mark.slow
@pytest.mark.parametrize(("to", "name"), [*((to, "lstm x 2") for to in ENDINGS), ("keras", "bidirectional x 2")])
def test_the_examples_write_what_generate_writes(run, to, name):
    run(name)
    good("export", "drawn", "--to", to)
    written = run_without_textrnn(f"write_with_{to}.py", "drawn" + ENDINGS[to], "abba", "20", "0")
    expected = good("generate", "--model", "drawn", "--seed", "abba", "--length", "20", "--temperature", "0").out
    assert written.strip() == expected.strip()


# ---------------------------------------------------------------- the fast runtime


@pytest.mark.parametrize(
    "options",
    [
        {},
        dict(temperature=1.3, min_p=0.05),
        dict(temperature=0),
        dict(temperature=0, repetition_penalty=1.5),
        dict(top_k=3),
        dict(top_p=0.7, repetition_penalty=1.2, min_p=0.01),
    ],
)
def test_tokens_drawn_ahead_are_those_of_numpy(twice, options):
    """Exact weights, so that all that may differ is the draw; the first text ends within a block of tokens."""
    assert twice[1].draws_ahead is not None
    texts = []
    for each in twice:
        stream = Stream(each, each.tokenizer.encode("abc"), row_rng(5))
        parts = ["".join(stream.write(SampleConfig(length=length, **options), stops=["ab"])) for length in (90, 45, 80)]
        texts.append((parts, stream.num_tokens))
    assert texts[0] == texts[1] and texts[0][1] > 60


def test_int8_is_measured_and_used(quick, monkeypatch):
    monkeypatch.chdir(quick)
    words = ("generate", "--model", "lstm", "--length", "40", "--random-seed", "3")
    for more in ((), ("--use", "network"), ("--count", "3"), ("--use", "network", "--count", "3")):
        exact, fast = (good(*words, *more, "--runtime", runtime) for runtime in ("numpy", "litert"))
        assert "LiteRT in int8" in fast.err and "LiteRT" not in exact.err
        assert len(fast.out) > 40 and good(*words, *more).out == fast.out
    model, said = with_runtime(open_run(quick / "models" / "lstm"), "litert")
    assert said and isinstance(model.predictors["network"], LiteNetwork)
    alone, _ = with_runtime(open_run(quick / "models" / "lstm").using("network"), "auto")
    assert alone.network is alone.predictors["network"] and alone.draws_ahead is not None
    ids = model.tokenizer.encode("The dog ran over the bright river.")[None]
    exact = open_run(quick / "models" / "lstm")
    networks = (one.predictors["mixture"] for one in (model, exact))
    both = [one.target_nats(ids[:, :-1], ids[:, 1:], one.initial_state(1))[0] for one in networks]
    assert both[0].mean() == pytest.approx(both[1].mean(), rel=0.02)


@pytest.mark.parametrize("is_late", [False, True])
def test_training_makes_the_files_of_the_fast_runtime_unless_its_time_is_over(tmp_path, monkeypatch, is_late):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fit, "FEWEST_PARAMETERS", 0)
    (tmp_path / "story.txt").write_text(story())
    limit = ("--time", "0.01s") if is_late else ("--epochs", "1")
    ran = good("train", "story.txt", *TINY, *limit, "--name", "new")
    assert ("LiteRT in int8" in ran.err, "textrnn export new --to litert --int8" in ran.err) == (not is_late, is_late)
    assert (tmp_path / "models" / "new" / FAST_FILE).is_file() != is_late


@pytest.mark.parametrize("damage", ["weights", "model", "missing"])
def test_a_model_that_does_not_belong_to_the_weights_is_not_used(quick, tmp_path, monkeypatch, damage):
    path = enter_copy(quick, tmp_path, monkeypatch) / "models" / "lstm"
    if damage == "weights":
        write_json(path / FAST_FILE, {**json.loads((path / FAST_FILE).read_text()), "weights": "0" * 64})
    elif damage == "model":
        (path / FAST_MODEL).write_bytes(b"\0" * 64)
    else:
        (path / FAST_MODEL).unlink()
    words = ("generate", "--model", "lstm", "--length", "9", "--random-seed", "3")
    refused(*words, "--runtime", "litert", code=1, says=["textrnn export lstm --to litert --int8"])
    ran = good(*words)
    assert "warning: writing with NumPy" in ran.err and ran.out == good(*words, "--runtime", "numpy").out
