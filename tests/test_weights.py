"""Files of a corpus that count more than others: in the loss, and in nothing else."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from cli_fixtures import QUICK, TINY, good, refused, run_cli, start, story
from resume_cases import EXACT, interrupt_after, model_of, train
from resume_cases import not_deterministic_for_ever as not_deterministic_for_ever  # a fixture
from small_models import built

import textrnn
from textrnn.base.errors import ConfigError
from textrnn.base.files import RUN_FILE, read_json, write_json
from textrnn.language_model import learner as session
from textrnn.language_model.file_weights import FileWeights, weights_of
from textrnn.language_model.step import make_loss
from textrnn.text.corpus import map_ids, smallest_dtype
from textrnn.text.reader import Source

GREEK = str.maketrans("abcdefghijklmnopqrstuvwxyz .\n", "αβγδεζηθικλμνξοπρστυφχψωώάέήύ")
FILES = ("latin.txt", "greek.txt", "end.txt")
WEIGHTED = (*FILES, "--weight", "greek.txt=3")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current folder: a text, another one without a character of the first, and a third to be held out."""
    texts = (story(60, seed=2), story(25, seed=3).lower().translate(GREEK), story(12, seed=4))
    for name, text in zip(FILES, texts, strict=True):
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_of(name):
    return read_json(Path("models") / name / RUN_FILE)["corpus"]["files"]


# ---------------------------------------------------------------- the loss


@pytest.mark.parametrize("with_counts", [False, True])
def test_gradient_is_that_of_a_text_in_which_a_part_stands_twice(with_counts, rng):
    """Three rows, of which one counts twice, against four rows, of which two are the same."""
    x, y = rng.integers(2, 11, (2, 3, 3)).astype(np.int32)
    mask = np.array([[1, 1, 1], [1, 1, 0], [1, 1, 1]], np.float32)
    weights = np.array([[1.0], [2.0], [1.0]], np.float32) * np.ones((3, 3), np.float32)
    twice, model, code_nats = [0, 1, 1, 2], built("gru x 2"), None
    more, same, repeated = (weights,), (), ()
    if with_counts:
        model = textrnn.build_language_model(model.config, 11, num_experts=2)
        code_nats = -np.log(np.linspace(0.01, 0.9, 7)).astype(np.float32)
        codes, taught = rng.integers(0, 7, (3, 3, 2)).astype(np.uint8), rng.integers(0, 2, (3, 3)).astype(np.float32)
        more, same = (codes, taught * weights, weights), (codes, taught, np.ones_like(weights))
        repeated = tuple(array[twice] for array in same)
    loss = make_loss(model, code_nats=code_nats)

    def found(*arrays):
        tensors = tuple(map(tf.constant, arrays))
        with tf.GradientTape() as tape:
            got = loss(tensors, model.initial_state(len(arrays[0])))
            total = got.nats if got.unreported is None else got.nats + got.unreported * got.weight
        return float(got.nats), float(got.weight), tape.gradient(total, model.trainable_variables)

    nats, count, gradients = found(x, y, mask, *more)
    _, repeated_count, expected = found(x[twice], y[twice], mask[twice], *repeated)
    assert (count, repeated_count) == (8, 10)
    for one, other in zip(gradients, expected, strict=True):
        if other is not None:
            one, other = tf.convert_to_tensor(one).numpy(), tf.convert_to_tensor(other).numpy()
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * np.abs(other).max())
    assert nats == pytest.approx(found(x, y, mask, *same)[0], rel=1e-5)  # what is told knows no weights


def test_gradient_of_the_output_bias_is_what_is_worked_out_by_hand(rng):
    model = built("simple")
    x, y = rng.integers(2, 11, (2, 2, 3)).astype(np.int32)
    mask, weights = np.ones((2, 3), np.float32), rng.uniform(0.2, 3, (2, 3)).astype(np.float32)
    loss = make_loss(model)
    with tf.GradientTape() as tape:
        got = loss(tuple(map(tf.constant, (x, y, mask, weights))), model.initial_state(2))
        total = got.nats + got.unreported * got.weight
    logits = model.step(x, model.initial_state(2))[0].numpy().astype(np.float64)
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    by_hand = ((probabilities - np.eye(11)[y]) * weights[..., None]).sum((0, 1))
    np.testing.assert_allclose(tape.gradient(total, model.output_layer.bias), by_hand, rtol=1e-4, atol=1e-5)
    assert float(got.nats) == pytest.approx(
        -np.log(np.take_along_axis(probabilities, y[..., None], -1)).sum(), rel=1e-5
    )


# ---------------------------------------------------------------- what is learnt from


@pytest.fixture
def objectives(monkeypatch):
    """The objectives that are made from now on."""
    made, real = [], session.TextObjective

    def make(*arguments):
        made.append(real(*arguments))
        return made[-1]

    monkeypatch.setattr(session, "TextObjective", make)
    return made


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--batching", "sliding", "--stride", "7"),
        ("--batching", "sliding", "--target", "last", "--window", "9", "--stride", "3"),
        ("--counts",),
    ],
    ids=["streams", "sliding", "last", "counts"],
)
def test_each_token_has_the_weight_of_its_file(place, objectives, options):
    counts = () if "--counts" in options else ("--no-counts",)
    train(*WEIGHTED, "--weight", "end.txt=0.5", *TINY, *options, *counts, "--epochs", "0.2", "--name", "w")
    (objective,), model = objectives, textrnn.load("w")
    letters = np.array([model.tokenizer.decode([token]) for token in range(model.vocab_size)])
    found, real = [], []
    for index in range(objective.num_batches):
        _, y, mask, *more = objective.batch(1, index).arrays
        weights = more[0] if len(more) == 1 else more[1] + more[2]  # each token teaches the network or the gate
        assert (weights.shape, weights.dtype) == (y.shape, np.float32)
        found.append(weights[mask > 0])
        real.append(letters[y[mask > 0]])
    weights, letters = np.concatenate(found), np.concatenate(real)
    of_greek = np.isin(letters, [chr(code) for code in GREEK.values()])
    values = np.unique(weights)
    assert len(values) == 3
    np.testing.assert_allclose(values / values[1], [0.5, 1, 3], rtol=1e-5)
    assert (weights[of_greek] == values[2]).all() and (weights[~of_greek & (letters != "\n")] < values[2]).all()
    assert weights.mean() == pytest.approx(1, rel=3e-2)


def test_where_files_have_weights_each_leaves_its_first_twentieth_to_the_gate(place, objectives):
    train(*WEIGHTED, *TINY, "--epochs", "0.2", "--name", "w")
    (objective,), files = objectives, files_of("w")
    left_out = dict.fromkeys(FILES, 0)
    for index in range(objective.num_batches):
        _, _, mask, _, network, gate = objective.batch(1, index).arrays
        places = objective._windows.batch(1, index).places
        assert ((network > 0) != (gate > 0)).all()
        for file in files:
            begin, end = file["tokens"]
            left_out[file["name"]] += int(((gate > 0) & (mask > 0) & (places >= begin) & (places < end)).sum())
    for file in files:
        begin, end = file["tokens"]
        assert left_out[file["name"]] == pytest.approx(0.05 * (end - begin), abs=2)


@pytest.mark.parametrize("level", ["char", "byte", "word", "bpe"])
def test_token_ranges_are_those_of_the_files(place, level):
    Path("latin.txt").write_text(Path("latin.txt").read_text() + "No line end")
    limits = ("--vocab-size", "300") if level == "bpe" else ()
    size = sum(len(Path(name).read_text(encoding="utf-8")) for name in FILES)
    more = ("--held-out", str(300 / size))
    ran = good("train", *WEIGHTED, *TINY, "--level", level, *limits, *more, "--epochs", "0.1", "--name", "w")
    model, files = textrnn.load("w"), files_of("w")
    ids = np.array(map_ids(Path("models/w/checkpoint/train.ids"), smallest_dtype(model.vocab_size)), np.int32)
    texts = [model.tokenizer.decode(ids[begin:end]) for begin, end in (file["tokens"] for file in files)]
    assert texts[0] == Path("latin.txt").read_text() + "\n"
    assert texts[1] == Path("greek.txt").read_text(encoding="utf-8") + "\n"
    assert texts[2] and Path("end.txt").read_text().startswith(texts[2])
    assert [file["weight"] for file in files] == [1, 3, 1]
    sizes = np.diff([0, *(file["tokens"][1] for file in files)])
    share = 300 * sizes[1] / (sizes @ [1, 3, 1])
    said = f"greek.txt {share:.1f} % (weight 3, {100 * sizes[1] / sizes.sum():.1f} % of the text)"
    assert "shares of what is learnt: latin.txt" in ran.err and said in ran.err
    assert "greek.txt" in good("info", "w").out and "bytes, weight 3)" in good("info", "w").out


@pytest.mark.slow
def test_weight_changes_what_is_learnt_and_weight_one_changes_no_byte(place):
    for name, given in {
        "plain": {},
        "one": {"greek.txt": 1},
        "all": dict.fromkeys(FILES, 2.5),
        "more": {"greek.txt": 20},
        "less": {"greek.txt": 0.05},
    }.items():
        weights = [word for file, weight in given.items() for word in ("--weight", f"{file}={weight}")]
        train(*FILES, *EXACT, "--epochs", "3", *weights, "--name", name)
    assert model_of("plain") == model_of("one") == model_of("all")
    for file in ("tokenizer.json", "checkpoint/train.ids", "checkpoint/valid.ids", "counts.safetensors"):
        assert len({Path("models", name, file).read_bytes() for name in ("plain", "more", "less")}) == 1, file
    text = Path("greek.txt").read_text(encoding="utf-8")
    bits = [textrnn.load(name).score(text, use="network").bits_per_char for name in ("more", "plain", "less")]
    assert bits == sorted(bits) and bits[0] < bits[2] - 0.2


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--batching", "sliding", "--no-counts")], ids=["streams", "sliding"])
def test_weights_survive_a_resume_without_the_files(place, monkeypatch, options):
    arguments = ("train", *WEIGHTED, *EXACT, *options, "--epochs", "1.5")
    whole = good(*arguments, "--name", "whole").json
    with monkeypatch.context() as patch:
        interrupt_after(patch, 5)
        assert run_cli(*arguments, "--name", "parts").code == 130
    for file in FILES:
        Path(file).unlink()
    assert train("--resume", "parts", "--weight", "greek.txt=3")["steps"] == whole["steps"]
    assert model_of("parts") == model_of("whole")
    says = ["--weight is {'greek.txt': 3.0} in the run and {'greek.txt': 2.0} here"]
    refused("train", "--resume", "parts", "--epochs", "2", "--weight", "greek.txt=2", code=2, says=says)


@pytest.mark.slow
def test_two_workers_learn_with_the_same_weights(place):
    arguments = (
        "train",
        *WEIGHTED,
        *TINY,
        "--dropout",
        "0",
        "--epochs",
        "2",
        "--deterministic",
        "--precision",
        "float32",
    )
    one = good(*arguments, "--name", "one", "--json", "-q").json
    plain = good(*arguments[:4], *arguments[6:], "--name", "plain", "--json", "-q").json
    with start(*arguments, "--name", "two", "--workers", "2", "--json", "-q", cwd=place) as process:
        out, err = process.communicate()
    assert process.returncode == 0, err
    losses = [found["models"]["network"]["val_nats_per_token"] for found in (one, json.loads(out), plain)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4) and abs(losses[2] - losses[0]) > 1e-3


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--weight", "greek.tx=3"), ["'greek.tx'", "no such file", "it has latin.txt, greek.txt, end.txt"]),
        (("--weight", "greek.txt=0"), ["--weight of 'greek.txt' is 0.0", "above 0 and at most 1,000"]),
        (("--weight", "greek.txt=-1"), ["is -1.0"]),
        (("--weight", "greek.txt=nan"), ["is nan"]),
        (("--weight", "greek.txt=inf"), ["is inf"]),
        (("--weight", "greek.txt=1001"), ["is 1001.0"]),
        (("--weight", "greek.txt"), ["'greek.txt' is no name and number", "FILE=NUMBER"]),
        (("--weight", "greek.txt=many"), ["'greek.txt=many' is no name and number"]),
        (("--weight", "=3"), ["'=3' is no name and number"]),
        (("--weight",), ["--weight", "requires an argument"]),
        (("--weight", "greek.txt=3", "--weight", "greek.txt=2"), ["'greek.txt' is named twice"]),
        (("--weight", "greek.txt=3", "--weight", "./greek.txt=2"), ["names greek.txt twice"]),
        (("--weight", "greek.txt=3", "--document-separator", "."), ["--weight is for files of running text"]),
        (("--weight", "greek.txt=3", "--arch", "esn"), ["--weight does not go with --arch esn"]),
    ],
)
def test_weights_that_mean_nothing_are_refused(place, options, says):
    epochs = () if "esn" in options else ("--epochs", "1")
    refused("train", *FILES, *epochs, *options, code=2, says=says)
    assert not Path("models/latin").exists()


def test_weight_of_a_file_that_is_held_out_is_refused(place):
    shutil.copy("end.txt", "last.txt")
    Path("last.txt").write_text(Path("end.txt").read_text()[:99])
    says = ["all of last.txt is held out", "--validation-file"]
    refused("train", *FILES, "last.txt", *QUICK, "--weight", "last.txt=3", code=1, says=says)
    held = ("--validation-file", "latin.txt")
    assert "last.txt" in good("train", *FILES, "last.txt", *held, *QUICK, "--weight", "last.txt=3").err


def sources(*paths):
    return [Source(Path(path).name, path, "utf-8", 9, "0") for path in paths]


def test_weights_of_finds_files_by_path_or_by_a_name_that_only_one_has():
    found = sources("a/one.txt", "./two.txt", "b/one.txt", "a=b.txt")
    assert weights_of({"b/one.txt": 2, "two.txt": 0.5, "./a/one.txt": 3}, found) == [3, 0.5, 2, 1]
    assert weights_of({"a=b.txt": 2}, found) == [1, 1, 1, 2]
    assert weights_of({}, found) == [1, 1, 1, 1]
    with pytest.raises(ConfigError, match=r"'one.txt', and there are 2 files of that name in the corpus: it has a/one"):
        weights_of({"one.txt": 2}, found)
    assert weights_of({"-": 2}, [Source("standard input", "/tmp/x", "utf-8", 9, "0")]) == [2]


def test_weights_in_python_are_a_dictionary(place):
    textrnn.train(list(FILES), weights={"greek.txt": 3}, name="w", epochs=0.1, units=8, layers=1)
    assert [file["weight"] for file in files_of("w")] == [1, 3, 1]
    for wrong in ([("greek.txt", 3)], {"greek.txt": "3"}, {"greek.txt": True}, {3: 3}):
        with pytest.raises(ConfigError, match=r"^weights "):
            textrnn.train(list(FILES), weights=wrong, name="x")


def test_files_without_tokens_have_no_place():
    files = [
        {"weight": 2.0, "tokens": [0, 4]},
        {"weight": 5.0, "tokens": [4, 4]},
        {"weight": 1.0, "tokens": [4, 10]},
    ]
    found = FileWeights.from_json(files, 10)
    np.testing.assert_allclose(found.at(np.arange(10)) * 1.4, [2] * 4 + [1] * 6, rtol=1e-6)
    assert [array.tolist() for array in found.spans(np.array([[3], [4]]))] == [[[0], [4]], [[4], [6]]]
    assert FileWeights.from_json([{"name": "a"}], 10) is None and FileWeights.from_json(files[:2], 4) is None


@pytest.mark.parametrize("wrong", [{"tokens": [5, 10]}, {"tokens": [4, 11]}, {"weight": float("nan")}, {"weight": -1}])
def test_weights_that_are_nonsense_are_refused(wrong):
    files = [{"weight": 2.0, "tokens": [0, 4]}, {"weight": 1.0, "tokens": [4, 10], **wrong}]
    with pytest.raises(ValueError, match="weights"):
        FileWeights.from_json(files, 10)


def test_run_whose_weights_are_nonsense_is_damaged(place):
    train(*WEIGHTED, *TINY, "--epochs", "0.1", "--name", "w")
    path = Path("models/w") / RUN_FILE
    details = read_json(path)
    details["corpus"]["files"][1]["tokens"][0] += 1
    write_json(path, details)
    refused("train", "--resume", "w", "--epochs", "1", code=1, says=["run.json is damaged"])
