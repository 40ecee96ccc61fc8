"""The memory network: the paper's equations as its oracle, saving, learning, and `textrnn answer` on stories."""

import itertools
import json
import shutil
from contextlib import contextmanager
from unittest import mock

import keras
import numpy as np
import pytest
import story_maker
import tensorflow as tf
from cli_fixtures import good, refused, run_cli
from tensorflow.python.framework.config import disable_op_determinism  # which TensorFlow does not export

import textrnn
from textrnn.answerer.batches import StoryBatches
from textrnn.answerer.network import build_memory_network
from textrnn.answerer.options import AnswerConfig, MemoryNetworkConfig
from textrnn.answerer.predict import Answerer, Arrays, MemoryNetwork, to_arrays
from textrnn.answerer.step import SIGNATURE, answer_nats, make_loss
from textrnn.answerer.store import STORIES_FILE, story_lines
from textrnn.answerer.stories import read_stories
from textrnn.base.errors import DataError, RunError
from textrnn.base.files import MODEL_FILE, RUN_FILE, TOKENIZER_FILE, read_json, read_weights, write_json, write_weights
from textrnn.nn.numpy.weights import Weights
from textrnn.text.tokens.vocabulary import Vocabulary
from textrnn.training import session
from textrnn.training.checkpoint import checkpoints
from textrnn.training.step import Division, make_step

VOCAB, ANSWERS, EMBED, PLACES, BATCH = 11, 3, 5, 6, 2


def made(rng, **options):
    config = MemoryNetworkConfig(**{"embed": EMBED, "sentences": PLACES, "hops": 2, **options})
    model = build_memory_network(config, VOCAB, ANSWERS)
    model.set_weights([rng.normal(0, 0.5, weight.shape) for weight in model.weights])
    return model


def network_of(model):
    arrays = {weight.name: weight.numpy() for weight in model.weights}
    return MemoryNetwork(model.config, VOCAB, ANSWERS, Weights(arrays))


def drawn(rng, depth=4, words=3):
    """Sentences and questions with padding of both kinds: short ones, and a story of two sentences."""
    sentences = rng.integers(1, VOCAB, (BATCH, depth, words)).astype(np.int32)
    sentences[0, 1, 1:], sentences[1, 2:] = 0, 0
    questions = rng.integers(1, VOCAB, (BATCH, words)).astype(np.int32)
    questions[0, 2:] = 0
    return Arrays(sentences, questions)


def plain(model, sentences, question, *, linear=False):
    """One question, word by word and sentence by sentence, as Sukhbaatar et al. (2015) write it."""
    words, places, output = (np.float64(weight.numpy()) for weight in model.weights)

    def encoded(table, ids):
        ids = [word for word in ids if word]
        total = np.zeros(EMBED)
        for j, word in enumerate(ids, 1):
            for k in range(EMBED):
                weight = (1 - j / len(ids)) - (k + 1) / EMBED * (1 - 2 * j / len(ids))
                total[k] += (weight if model.config.encoder == "position" else 1) * words[table, word, k]
        return total

    told, q, o = [ids for ids in sentences if any(ids)], encoded(0, question), np.zeros(EMBED)
    attention = []
    for hop in range(model.config.hops):
        m = [encoded(hop, ids) + places[hop, i] for i, ids in enumerate(told)]
        c = [encoded(hop + 1, ids) + places[hop + 1, i] for i, ids in enumerate(told)]
        scores = np.array([(q + o) @ vector for vector in m])
        shares = scores if linear else np.exp(scores) / np.exp(scores).sum()
        o = o + sum(share * vector for share, vector in zip(shares, c, strict=True))
        attention.append(shares)
    return (q + o) @ output[:EMBED] + (q * o / 0.1) @ output[EMBED:], attention


@pytest.mark.parametrize("encoder", ["position", "bag"])
@pytest.mark.parametrize("hops", [1, 3])
def test_memory_network_follows_the_equations(encoder, hops, rng):
    model, arrays = made(rng, encoder=encoder, hops=hops), drawn(rng)
    logits = model(arrays.sentences, arrays.questions)
    linear = model(arrays.sentences, arrays.questions, linear=True)
    ours, attention = network_of(model).logits(arrays)
    assert logits.shape == (BATCH, ANSWERS) and attention.shape == (BATCH, hops, 4)
    tolerance = 1e-5 * np.abs(logits).max()
    np.testing.assert_allclose(ours, logits, atol=tolerance)
    for row in range(BATCH):
        expected, shares = plain(model, arrays.sentences[row], arrays.questions[row])
        np.testing.assert_allclose(ours[row], expected, atol=tolerance)
        for hop, own in enumerate(shares):
            np.testing.assert_allclose(attention[row, hop, : len(own)], own, atol=1e-5)
            assert not attention[row, hop, len(own) :].any()
        expected, _ = plain(model, arrays.sentences[row], arrays.questions[row], linear=True)
        # Without the softmax logits reach 400, where float32 products differ in the fifth digit between processors.
        np.testing.assert_allclose(linear[row], expected, atol=1e-5 * np.abs(expected).max())


def test_memory_network_without_a_story(rng):
    model, question = made(rng), np.array([[3, 4]], np.int32)
    arrays = Arrays(np.zeros((1, 1, 2), np.int32), question)
    np.testing.assert_allclose(network_of(model).logits(arrays)[0], model(arrays.sentences, question), atol=1e-5)
    np.testing.assert_allclose(model(arrays.sentences, question)[0], plain(model, [], question[0])[0], atol=1e-5)


def test_memory_network_number_of_weights(rng):
    assert made(rng).count_params() == 3 * (VOCAB + PLACES) * EMBED + 2 * EMBED * ANSWERS


def test_memory_network_survives_its_config(rng):
    model, arrays = made(rng, encoder="bag"), drawn(rng)
    again = type(model).from_config(model.get_config())
    again.build((None, None, None))
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(arrays.sentences, arrays.questions), model(arrays.sentences, arrays.questions))


@pytest.mark.parametrize("linear", [False, True])
def test_memory_network_gradient_equals_differences(linear, rng):
    model, arrays, numbers = made(rng), drawn(rng), np.array([2, 0], np.int32)
    options = dict(linear=linear, seed=np.array([3, 1], np.int64))  # as while learning, with gaps between places

    def nats():
        return tf.reduce_sum(answer_nats(model, arrays.sentences, arrays.questions, numbers, **options))

    with tf.GradientTape() as tape:
        loss = nats()
    gradients = [tf.convert_to_tensor(g).numpy() for g in tape.gradient(loss, [w.value for w in model.weights])]
    before = model.get_weights()
    for weight, gradient, value in zip(model.weights, gradients, before, strict=True):
        assert np.any(gradient)
        direction, ends = rng.normal(size=gradient.shape), []
        for way in (3e-3, -3e-3):
            weight.assign(value + way * direction)
            ends.append(float(nats()))
        weight.assign(value)
        assert (ends[0] - ends[1]) / 6e-3 == pytest.approx(float((gradient * direction).sum()), rel=0.02, abs=0.02)


def test_memory_network_leaves_places_empty_by_its_seed_alone(rng):
    model, arrays = made(rng), drawn(rng)
    one, same, *others = (
        np.asarray(model(arrays.sentences, arrays.questions, seed=np.array([seed, 0], np.int64)))
        for seed in (1, 1, *range(2, 20))
    )
    np.testing.assert_array_equal(one, same)
    assert any((one != other).any() for other in others)


def test_story_lines_ask_the_same_again():
    text = (
        story_maker.stories("two facts", 3) + "1 Mira is here.\n2 Where is Mira?\n3 Anton left.\n4 Is it so?\tno\t1\n"
    )
    asked = [question for question in read_stories(text.splitlines(), "x") if question.answer]
    again = read_stories(story_lines(asked), "x")
    assert [(q.sentences, q.text, q.answer) for q in again] == [(q.sentences, q.text, q.answer) for q in asked]
    assert [q.story for q in again] == [q.story for q in asked] and again[-1].sentences[-1] == "Anton left."


def test_story_batches_hold_each_question_once(rng):
    arrays = Arrays(np.arange(7 * 2 * 3).reshape(7, 2, 3), np.arange(7 * 3).reshape(7, 3))
    stories = StoryBatches(arrays, np.arange(7), 3, 5)
    found = [stories.batch(1, index) for index in range(stories.num_batches)]
    assert [len(batch[0]) for batch in found] != [3, 3, 3] and sum(len(batch[2]) for batch in found) == 7
    order = [int(number) for batch in found for number in batch[2]]
    assert sorted(order) == list(range(7)) == sorted(n for batch in stories.checked() for n in batch[2].tolist())
    for _, questions, answers in found:
        np.testing.assert_array_equal(questions[:, 0], 3 * answers)
    stories.batch(0, 0)  # another pass between
    assert [int(n) for index in range(3) for n in stories.batch(1, index)[2]] == order
    stories.random_seed = 6
    assert [int(n) for index in range(3) for n in stories.batch(1, index)[2]] != order


EXACT = ("--epochs", 20, "--tries", 2, "--embed", 16, "--learning-rate", 0.02, "--deterministic")


@pytest.fixture(autouse=True)
def not_deterministic_for_ever():
    yield
    disable_op_determinism()


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    """A file of stories, and a run that learnt from it."""
    home = tmp_path_factory.mktemp("stories")
    (home / "stories.txt").write_text(story_maker.stories("one fact", 30, rounds=4), encoding="utf-8")
    with mock.patch("textrnn.answerer.train.LSTM_EPOCHS", 2.0):
        ran = good("answer", home / "stories.txt", "--models-dir", home / "models", *EXACT, "--json")
    return home, ran.json


@pytest.mark.slow
def test_memory_network_overfits_a_few(rng):
    questions = read_stories(story_maker.stories("yes or no", 2).splitlines(), "x")
    words = sorted({word for q in questions for text in (*q.sentences, q.text) for word in text.lower().split()})
    vocabulary = Vocabulary([word.rstrip(".?") for word in words], "word")
    config = AnswerConfig()
    answers = np.array([question.answer == "yes" for question in questions], np.int32)
    arrays = to_arrays(questions, vocabulary, config)
    model = build_memory_network(config.network, vocabulary.vocab_size, 2, random_seed=1)
    optimizer = keras.optimizers.Adam(0.02)
    optimizer.build(model.trainable_variables)
    variables, division, before = model.trainable_variables, Division(signature=SIGNATURE), model.get_weights()
    step = make_step(make_loss(model), variables, optimizer, clip_norm=1.0, division=division)
    rows = len(answers)
    for number in range(160):
        seeds = np.tile(np.array([1, number]), (rows, 1))
        batch = (arrays.sentences, arrays.questions, answers, seeds, np.zeros(rows, bool))
        loss, norm, _ = step(batch, [], np.float32(0.02))
        assert np.isfinite([float(loss), float(norm)]).all()
    assert float(loss) < 0.1
    assert all((one != other).any() for one, other in zip(before, model.get_weights(), strict=True))
    weights = {weight.name: weight.numpy() for weight in model.weights}
    network = MemoryNetwork(config.network, vocabulary.vocab_size, 2, Weights(weights))
    given = Answerer(network, vocabulary, ["no", "yes"], config).answer_all(questions)
    assert [answer.text for answer in given] == [question.answer for question in questions]


@pytest.mark.slow
def test_answer_learns_and_compares(stories):
    home, result = stories
    models = result["models"]
    assert list(models) == ["memory_network", "lstm", "majority"]
    assert result["test"] == {"questions": 24, "accuracy": models["memory_network"]}
    assert models["memory_network"] > models["majority"]
    assert all(0 <= share <= 1 for share in models.values())
    header, *rows = (home / "models" / "stories" / "history.csv").read_text().splitlines()
    assert header == "try,epoch,step,train_nats,own_nats,learning_rate,gradient_norm,seconds"
    assert [row.split(",")[0] for row in rows] == ["1"] * 20 + ["2"] * 20  # 60 steps each, a check every three
    best = min(float(row.split(",")[4]) for row in rows)
    assert result["own_nats"] == pytest.approx(best, rel=1e-4) and (result["tries"], result["steps"]) == (2, 60)


@contextmanager
def nobody_compares(monkeypatch):
    """Within the block the LSTM guesses the most frequent answer."""
    with monkeypatch.context() as patch:
        nobody = lambda prepared, model, *_: [model.answers[0]] * len(prepared.data.held)  # noqa: E731
        patch.setattr("textrnn.answerer.train._lstm_answers", nobody)
        yield patch


def stopped_after(patch, steps, *, at_once=False):
    """Asks training to stop after some steps of its session, or ends it there as a second Ctrl-C or a kill does."""

    @contextmanager
    def interrupts(on_first):
        counted = itertools.count()

        def asked():
            if next(counted) < steps:
                return False
            if at_once:
                raise KeyboardInterrupt
            return True

        yield asked

    patch.setattr(session, "polite_interrupts", interrupts)


@pytest.mark.slow
def test_stopped_and_killed_run_ends_with_the_same_bytes(stories, tmp_path, monkeypatch):
    """Stopped in the linear phase of the first try, killed in the second phase of the second one."""
    home, whole = stories
    monkeypatch.chdir(tmp_path)
    shutil.copy(home / "stories.txt", "own.txt")
    with nobody_compares(monkeypatch) as patch:
        stopped_after(patch, 10)
        ran = run_cli("answer", "own.txt", *EXACT)
        assert ran.code == 130 and "go on with:  textrnn answer --resume own" in ran.out, ran.err
        assert set(textrnn.load("own").details["metrics"]["accuracy_of"]) == {"memory_network", "majority"}
        (tmp_path / "own.txt").unlink()  # the run has all that it needs
        stopped_after(patch, 50 + 40, at_once=True)
        ran = run_cli("answer", "--resume", "own")
        assert ran.code == 130 and "what was saved last is in models/own" in ran.err
        assert read_json(tmp_path / "models" / "own" / RUN_FILE)["status"] == "training"  # killed, and so not ended
        assert "interrupted" in good("info", "own").out and min(checkpoints(tmp_path / "models" / "own")) > 30
    with nobody_compares(monkeypatch):
        result = good("answer", "--resume", "own", "-q", "--json").json
    assert (result["tries"], result["steps"], result["own_nats"]) == (2, 60, whole["own_nats"])
    assert result["test"] == whole["test"] and result["ended"] == "budget"
    for name in (MODEL_FILE, TOKENIZER_FILE, STORIES_FILE):
        path = tmp_path / "models" / "own" / name
        assert path.read_bytes() == (home / "models" / "stories" / name).read_bytes()
    refused("answer", "--resume", "own", code=2, says=["used up its budget", "--epochs than 20", "--tries than 2"])
    refused("answer", "--resume", "own", "--hops", "2", code=2, says=["--hops is 3 in the run and 2 here"])


@pytest.mark.slow
def test_answer_fills_in_and_explains(stories):
    home, _ = stories
    asked = "1 Mira walked to the mill.\n2 Anton hurried to the chapel.\n3 Where is Mira?\n4 Where is Anton?\tx\t2\n"
    (home / "new.txt").write_text(asked, encoding="utf-8")
    where = ("--model", "stories", "--models-dir", home / "models")
    model = textrnn.load("stories", home / "models")
    given = model.answer(["Mira walked to the mill.", "Anton hurried to the chapel."], "Where is Mira?")
    assert given.text in model.answers and 0 < given.confidence <= 1
    np.testing.assert_allclose(given.attention.sum(1), 1, rtol=1e-6)
    plain_text = good("answer", home / "new.txt", *where)
    assert plain_text.out == asked.replace("Mira?", f"Mira?\t{given.text}")
    assert "0.0 % of the answers that were there are the same" in plain_text.err
    lines = " ".join(str(hop.argmax() + 1) for hop in given.attention)
    explained = good("answer", "-", *where, "--explain", stdin=asked.encode())
    assert explained.out == asked.replace("Mira?", f"Mira?\t{given.text}\t{lines}")
    found = good("answer", home / "new.txt", *where, "--json", "-o", home / "out.json")
    assert found.out == ""
    refused("answer", home / "new.txt", *where, "-o", "none/x.txt", code=1, says=["cannot write to none/x.txt", "-o"])
    first, second = json.loads((home / "out.json").read_text())["questions"]
    assert (first["line"], first["answer"], first["known"], second["known"]) == (3, given.text, None, "x")
    assert [list(hop) for hop in first["attention"]] == [["1", "2"]] * 3
    assert (plain_text.err.count("never saw"), "unseen" in first) == (0, False)
    assert model.answer("", "Where is Mira?").attention.shape == (3, 0)
    with pytest.raises(DataError, match="the question is empty"):
        model.answer("Mira walked.", " ")


@pytest.mark.slow
def test_answer_names_what_it_never_saw(stories):
    home, _ = stories
    asked = "1 Zoe walked to the mill.\n2 Where is Zoe?\n3 Anton walked to the igloo.\n4 Where is Anton?\n"
    where = ("--model", "stories", "--models-dir", home / "models")
    found = good("answer", "-", *where, "--json", stdin=asked.encode())
    assert [one["unseen"] for one in json.loads(found.out)["questions"]] == [["zoe"], ["zoe", "igloo"]]
    assert "warning: the model never saw 'zoe', 'igloo': what it makes of them, in 2 questions, is a guess" in found.err


@pytest.mark.slow
def test_info_shows_an_answerer(stories):
    home, result = stories
    assert "answerer, 3 hops" in good("info", "--models-dir", home / "models").out
    shown = good("info", "stories", "--models-dir", home / "models").out
    assert "96 questions of stories.txt" in shown and f"{result['parameters']:,} parameters" in shown
    refused("generate", "--model", "stories", "--models-dir", home / "models", code=1, says=["'answerer'"])


BAD = {
    "no such file": (["none.txt"], 1, ["no such file: none.txt"]),
    "no stories": (["tale.txt"], 1, ["tale.txt, line 1 is 'Once upon a time.'", "expected a number"]),
    "no answerer": (["asked.txt"], 1, ["no answerer in models", "textrnn answer"]),
    "one story": (["one.txt"], 1, ["one.txt has 1 stories with answered questions", "--test"]),
    "one answer": (["same.txt"], 1, ["all questions of same.txt have the answer 'mill'"]),
    "test without answers": (["two.txt", "--test", "asked.txt"], 1, ["asked.txt has no question with an answer"]),
    "explain learning": (["two.txt", "--explain"], 2, ["--explain go with --model"]),
    "learning with a model": (["two.txt", "--model", "x", "--hops", "2"], 2, ["leave out --hops"]),
    "hops": (["two.txt", "--hops", "0"], 2, ["--hops is 0"]),
    "name": (["two.txt", "--name", "a/b"], 2, ["--name is 'a/b'"]),
    "exists": (["two.txt", "--name", "own"], 1, ["exists", "--resume own", "--overwrite"]),
    "nothing at all": ([], 2, ["nothing to answer", "standard input"]),
    "resume and file": (["two.txt", "--resume", "own"], 2, ["leave out the file"]),
    "resume and name": (["--resume", "own", "--name", "x"], 2, ["leave out the file, --name"]),
    "resume no such run": (["--resume", "x"], 1, ["no run named 'x'"]),
    "resume of another kind": (["--resume", "lm"], 1, ["'language_model', expected 'answerer'", "train --resume lm"]),
    "run of another kind": (["two.txt", "--model", "lm"], 1, ["'language_model', expected an 'answerer'"]),
    "deterministic": (["two.txt", "--deterministic"], 2, ["--deterministic", "it needs --epochs"]),
    "deterministic by time": (
        ["two.txt", "--deterministic", "--epochs", "1", "--time", "1m"],
        2,
        ["it does not go with --time"],
    ),
    "empty file": (["empty.txt"], 1, ["empty.txt is empty"]),
    "binary file": (["bytes.txt"], 1, ["bytes.txt", "PNG picture"]),
    "empty standard input": (["-"], 1, ["standard input is empty"]),
    "overwrite a folder": (["two.txt", "--name", "own", "--overwrite"], 1, ["not a saved run"]),
}


@pytest.mark.parametrize("kind", BAD)
def test_answer_refuses(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    story = "1 Mira walked to the mill.\n2 Where is Mira?\t{}\n"
    texts = dict(
        tale="Once upon a time.\n", asked="1 So.\n2 Where is Mira?\n", one=story.format("mill"),
        same=story.format("mill") * 3, two=story.format("mill") + story.format("pond") * 2,
    )  # fmt: skip
    for name, text in texts.items():
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    (tmp_path / "models" / "own").mkdir(parents=True)
    (tmp_path / "models" / "own" / "mine.txt").write_text("mine")
    (tmp_path / "models" / "lm").mkdir()
    write_json(tmp_path / "models" / "lm" / RUN_FILE, {"format_version": 1, "kind": "language_model"})
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "bytes.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    arguments, code, says = BAD[kind]
    refused("answer", *arguments, code=code, says=says)
    assert [path.name for path in (tmp_path / "models" / "own").iterdir()] == ["mine.txt"]


@pytest.mark.slow
@pytest.mark.parametrize("file", [RUN_FILE, TOKENIZER_FILE, MODEL_FILE])
def test_open_answerer_refuses_damage(file, stories, tmp_path):
    home, _ = stories
    run = tmp_path / "run"
    run.mkdir()
    for name in (RUN_FILE, TOKENIZER_FILE, MODEL_FILE):
        shutil.copy(home / "models" / "stories" / name, run)
    textrnn.load(run)
    if file == MODEL_FILE:
        weights, _ = read_weights(run / file)
        write_weights(run / file, {**weights, "words": weights["words"][:, :-1]})
    else:
        values = read_json(run / file)
        values.pop("sha256")
        write_json(run / file, {**values, "answers": [1], "tokens": 3})
    with pytest.raises(RunError, match=r"damaged|do not fit"):
        textrnn.load(run)
