"""Counts beside a network, from the command to the files of the run and back."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from cli_fixtures import QUICK, TINY, good, refused, snapshot

import textrnn
from textrnn.base.errors import ConfigError, RunError
from textrnn.base.files import read_json
from textrnn.language_model import counting
from textrnn.language_model.asked import asked_model
from textrnn.language_model.mixed_counts import MixedCounts
from textrnn.language_model.mixture import MixtureNetwork
from textrnn.language_model.sample_options import TextConfig
from textrnn.language_model.score import adapted_nats
from textrnn.language_model.scoring import score_ids
from textrnn.nn.numpy.network import token_nats
from textrnn.text.corpus import map_ids
from textrnn.text.counts.adapt import AdaptedStream, adapted_probabilities
from textrnn.text.counts.build import save_counts
from textrnn.text.counts.cache import Cache
from textrnn.text.counts.cache_window import Window
from textrnn.text.counts.codes import probability_codes
from textrnn.text.counts.count import counted, map_probabilities
from textrnn.text.counts.model import Counts

ARCHITECTURES = ("lstm", "gru", "simple", "mingru", "minlstm", "memory")
FILES = {"counts.safetensors", "checkpoint/train.counts", "checkpoint/valid.counts"}


def train(*arguments):
    return good("train", *arguments, "-q", "--json").json


@pytest.fixture
def both(home):
    """The current folder, with models/both: a small LSTM beside its counts."""
    return (home / "models/lstm").rename(home / "models/both")


def files_of(name):
    return {file.removeprefix(f"{name}/") for file in snapshot("models") if file.startswith(f"{name}/")}


@pytest.mark.parametrize("arch", ["lstm", pytest.param("gru", marks=pytest.mark.slow)])
def test_what_training_measures_is_what_the_saved_run_scores(home, arch):
    result = train("story.txt", *QUICK, "--arch", arch, "--name", "both")
    model = textrnn.load("both")
    valid = np.array(map_ids(Path("models/both/checkpoint/valid.ids"), np.dtype(np.uint8)), np.int32)
    assert list(result["models"]) == ["counts", "network", "mixture"]
    assert result["val_nats_per_token"] == result["models"]["mixture"]["val_nats_per_token"]
    for name, found in result["models"].items():
        scored = score_ids(model.using(name), valid, num_chars=len(valid)).nats_per_token
        # Of the counts, training has read nats that went through a code.
        assert scored == pytest.approx(found["val_nats_per_token"], rel=1e-2 if name != "network" else 1e-4), name
    assert result["models"]["mixture"]["val_bits_per_char"] < result["models"]["network"]["val_bits_per_char"]


@pytest.mark.slow
@pytest.mark.parametrize("arch", ARCHITECTURES[1:])
def test_every_architecture_that_predicts_at_each_step_has_counts(home, arch):
    assert set(train("story.txt", *QUICK, "--arch", arch, "--name", arch)["models"]) == {"counts", "network", "mixture"}
    assert len(good("generate", "--model", arch, "--length", 20).out) > 10


@pytest.mark.parametrize("level", ["byte", "word", "bpe"])
def test_tokens_of_every_level_are_counted(home, level):
    limits = ["--vocab-size", "300"] if level == "bpe" else []
    result = train("story.txt", *QUICK, "--level", level, *limits, "--name", level)
    assert result["models"]["counts"]["val_nats_per_token"] > 0
    assert good("generate", "--model", level, "--length", 9, "--use", "counts").out


def test_a_mixture_in_numpy_is_the_sum_of_its_parts(both, rng):
    model = textrnn.load("both")
    network, mixture = model.predictors["network"], model.predictors["mixture"]
    ids, state = rng.integers(2, model.vocab_size, (3, 6)).astype(np.int32), mixture.initial_state(3)
    all_logits, after = mixture.read_all(ids, state)
    np.testing.assert_allclose(np.exp(all_logits).sum(-1), 1, rtol=1e-4)
    nats, same = mixture.target_nats(ids[:, :-1], ids[:, 1:], state)
    picked = np.take_along_axis(all_logits[:-1].transpose(1, 0, 2), ids[:, 1:, None], -1)[..., 0]
    np.testing.assert_allclose(nats, -picked, rtol=1e-3, atol=1e-4)
    hidden, _ = network.next_hidden(ids[:, 0], network.initial_state(3))
    counts = model.predictors["counts"].counts
    gate, nodes = network.gate(hidden).T, counts.advance(state[0].T, ids[:, 0])
    own = np.exp(network.logits(hidden))
    gate[:, -2] += gate[:, -1]  # after one token, a cache has nothing to add to the longest n-grams
    expected = counts.mixture(nodes, gate[:, :-1], (own / own.sum(1, keepdims=True)).astype(np.float32))
    np.testing.assert_allclose(np.exp(all_logits[0]), expected, rtol=1e-4, atol=1e-7)
    for one, other in zip(mixture.step(ids[:, -1], same)[1], after, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert isinstance(model.network, MixtureNetwork)


def test_use_says_what_predicts(both):
    texts = {name: good("generate", "--use", name, "--random-seed", 1).out for name in ("mixture", "network", "counts")}
    assert len(set(texts.values())) == 3
    assert good("generate", "--random-seed", 1).out == texts["mixture"]
    bits = {n: good("score", "story.txt", "--use", n, "--json").json["files"][0]["bits_per_char"] for n in texts}
    assert bits["counts"] < bits["mixture"] < bits["network"]  # of the text that they have by heart
    lines = [json.loads(line) for line in good("score", "story.txt", "--use", "counts", "--per-char").out.splitlines()]
    assert sum(line["bits"] for line in lines) / len(lines) == pytest.approx(bits["counts"], rel=1e-3)
    model = textrnn.load("both")
    assert model.score("The sun", use="counts").nats != model.score("The sun").nats
    with pytest.raises(ConfigError, match=r"--use is 'ngrams': expected one of mixture, network, counts"):
        model.using("ngrams")


def test_a_run_without_its_counts_is_a_network(both):
    alone = good("generate", "--use", "network", "--random-seed", 1).out
    Path("models/both/counts.safetensors").unlink()
    assert good("generate", "--random-seed", 1).out == alone
    refused("generate", "--use", "counts", code=2, says=["models/both has no counts", "--use"])


def test_no_counts_leaves_them_out(home):
    result = train("story.txt", *QUICK, "--no-counts", "--name", "alone")
    assert list(result["models"]) == ["network"] and not FILES & files_of("alone")
    assert "counts" not in read_json(Path("models/alone/run.json"))
    assert good("info", "alone").out.count("alone") >= 1


def test_the_end_of_training_says_what_each_part_is_worth(home):
    ran = good("train", "story.txt", *QUICK, "--name", "both")
    assert "counts alone" in ran.out and "network alone" in ran.out and "both together" in ran.out
    assert "counts alone" in good("info", "both").out and "copied" in good("info", "both").out
    header = Path("models/both/history.csv").read_text().splitlines()[0]
    assert header.endswith("network_bits_per_char,counts_bits_per_char")


@pytest.mark.parametrize("lost", sorted(FILES))
def test_counts_that_are_lost_are_made_again(both, lost):
    before = {file: Path("models/both", file).read_bytes() for file in FILES}
    Path("models/both", lost).unlink()
    train("--resume", "both", "--epochs", "2.2")
    for file, content in before.items():
        assert Path("models/both", file).read_bytes() == content, file


def test_damaged_counts_are_refused_in_a_line(both):
    path = Path("models/both/checkpoint/train.counts")
    path.write_bytes(bytes(len(path.read_bytes())))
    refused("train", "--resume", "both", "--epochs", "3", code=1, says=["train.counts", "is damaged"])


def test_counts_of_another_run_are_refused(both):
    train("story.txt", *QUICK, "--max-order", "2", "--name", "short")
    other = Path("models/short/counts.safetensors").read_bytes()
    Path("models/both/counts.safetensors").write_bytes(other)
    with pytest.raises(RunError, match="does not fit the network: it has order 2"):
        textrnn.load("both")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--counts", "--arch", "bidirectional"], "--counts go with networks that predict at each step"),
        (["--counts", "--batching", "sliding", "--target", "last"], "--counts go with networks"),
        (["--max-order", "3", "--no-counts"], "--max-order is for counts"),
        (["--max-order", "0"], "--max-order is 0"),
    ],
)
def test_options_of_counts_that_mean_nothing_are_refused(home, options, says):
    refused("train", "story.txt", *TINY, "--epochs", "1", *options, code=2, says=[says])


@pytest.mark.parametrize("text", ["ab" * 150, "the same line\n" * 40, "".join(chr(0x4E00 + k) for k in range(300))])
def test_texts_that_counts_say_little_of_are_trained_on(home, text):
    Path("strange.txt").write_text(text)
    result = train("strange.txt", *QUICK, "--window", "8", "--name", "strange")
    assert np.isfinite(result["models"]["mixture"]["val_nats_per_token"])
    assert good("generate", "--length", 5).code == 0


def test_a_copy_with_another_network_keeps_its_parts(both):
    model = textrnn.load("both")
    assert dataclasses.replace(model, start_id=3).using("network").network is model.predictors["network"]


def test_counts_that_go_on_counting_are_better_on_a_text_that_repeats_itself(both):
    Path("new.txt").write_text("The tree sang to the sun and the moon sang back.\n" * 9)
    found = good("score", "new.txt", "--adapt", "--json").json["files"][0]
    assert found["adapted_bits_per_char"] < 0.7 * found["bits_per_char"]
    assert found["bits_per_char"] == good("score", "new.txt", "--json").json["files"][0]["bits_per_char"]
    assert "go on counting" in good("score", "new.txt", "--adapt").out
    refused("score", "new.txt", "--adapt", "--use", "network", code=2, says=["--adapt is for models"])
    refused("score", "new.txt", "--adapt", "--per-char", code=2, says=["--adapt is for running text"])


def test_adapted_nats_are_those_of_a_stream_token_by_token(both):
    model = textrnn.load("both")
    counts, network = model.predictors["counts"].counts, model.predictors["network"]
    ids = model.tokenizer.encode("The sun sang to the sun and the moon.")
    nodes = counts.advance(counts.start(1), np.array([model.start_id]))
    cache = model.network.cache
    stream, state, before, expected = AdaptedStream(counts, nodes), network.initial_state(1), model.start_id, 0.0
    history = cache.start(1)
    for token in ids.tolist():
        hidden, state = network.next_hidden(np.array([before]), state)
        history = cache.advance(history, np.array([before]))
        own = np.exp(-token_nats(network.logits(hidden), np.array([token])))
        adapted = stream.target_probabilities(token)
        each = np.concatenate([own, adapted, cache.target_probabilities(history, np.array([token]), adapted[-1:])])
        expected -= np.log(network.gate(hidden)[:, 0] @ each)
        stream.advance(token)
        before = token
    assert adapted_nats(model, ids) == pytest.approx(expected, rel=1e-4)


def slow_adapted(model, use, ids):
    """Probabilities after ids when counts go on counting: each token appended in turn, and all of it counted anew."""
    counts, network = model.predictors["counts"].counts, model.predictors["network"]
    hidden, _ = network.outputs(np.array([[model.start_id, *ids]]), network.initial_state(1))
    own = np.exp(
        -token_nats(np.repeat(network.logits(hidden[:, -1:]), model.vocab_size, 0), np.arange(model.vocab_size))
    )
    gate = network.gate(hidden[:, -1:])[:, 0] if use == "mixture" else np.eye(counts.order + 2)[-1]
    nodes = counts.advance(counts.start(1), np.array([model.start_id]))
    texts = [np.array([model.start_id, *ids, w]) for w in range(model.vocab_size)]
    orders = np.array([adapted_probabilities(counts, nodes, text[1:])[-1] for text in texts])
    cached = [
        model.network.cache.text_probabilities(text, np.full(len(text), base))[-1]
        for text, base in zip(texts, orders[:, -1], strict=True)
    ]
    return gate[0] * own + orders @ gate[1:-1] + np.array(cached) * gate[-1]


@pytest.mark.parametrize("use", ["mixture", "counts"])
def test_texts_that_go_on_from_one_seed_each_count_for_themselves(both, use):
    model, _ = asked_model(textrnn.load("both"), TextConfig(adapt=True), use=use)
    seed = model.tokenizer.encode("The sun sang. The sun sang").tolist()
    _, read = model.read(np.array([model.start_id, *seed], np.int32), model.initial_state(1))
    going_on = np.array([model.tokenizer.encode(text) for text in ("sang", "the ", "sun ")]).T  # [steps, rows]
    state = [np.concatenate([array] * 3, axis=1) for array in read]
    for ids in going_on:
        logits, state = model.step(ids, state)
    for row in range(3):
        expected = slow_adapted(model, use, [*seed, *going_on[:, row]])
        assert np.exp(logits[row]) == pytest.approx(expected, rel=1e-3, abs=1e-7), row
    again, _ = model.step(going_on[0][1:2], read)  # the state of the seed is still that of the seed
    assert np.exp(again[0]) == pytest.approx(slow_adapted(model, use, [*seed, going_on[0][1]]), rel=1e-3, abs=1e-7)


def test_generate_adapts_one_text_and_many(both):
    seed = "Ab ab ab ab ab ab ab ab"  # the training text has no such thing
    sure = ["generate", "--model", "both", "--seed", seed, "--length", 30, "--temperature", 0, "--use", "counts"]
    assert good(*sure, "--adapt").out == seed + " ab" * 10 + "\n"
    asked = ["generate", "--model", "both", "--seed", seed, "--length", 40, "--random-seed", 4]
    alone = good(*asked, "--adapt").out
    python = textrnn.load("both").generate(seed, length=40, random_seed=4, adapt=True)
    assert alone.rstrip("\n") == "".join([seed, *python]).rstrip("\n") != good(*asked).out.rstrip("\n")
    many = good(*asked, "--adapt", "--count", 3, "--format", "jsonl").lines()
    assert seed + many[0]["text"].rstrip("\n") == alone.rstrip("\n") and len({line["text"] for line in many}) == 3
    talk = good("generate", "--model", "both", "--adapt", "-i", stdin=f"/length 40\n/random-seed 4\n{seed}\n".encode())
    assert alone in talk.out
    refused(*asked, "--adapt", "--use", "network", code=2, says=["--adapt is for what predicts with counts"])
    Path("models/both/counts.safetensors").unlink()
    refused(*asked, "--adapt", code=2, says=["--adapt is for what predicts with counts"])


def test_texts_in_a_condition_have_counts_on_request(home):
    rows = "".join(
        f"{kind},{word}\n" for kind, word in [("fruit", "apple pie"), ("tool", "spade"), ("fruit", "pear")] * 30
    )
    Path("kinds.csv").write_text("kind,text\n" + rows)
    table = ["kinds.csv", "--text-column", "text", "--condition", "kind", "--level", "char", *QUICK, "--window", "8"]
    assert list(train(*table, "--name", "plain")["models"]) == ["network"]
    assert list(train(*table, "--counts", "--name", "counted")["models"]) == ["counts", "network", "mixture"]
    for guidance, adapt in (("0", []), ("1", []), ("1", ["--adapt"])):
        written = ["--guidance", guidance, *adapt, "--length", 40, "--count", 20, "--format", "jsonl"]
        texts = good("generate", "--model", "counted", "--condition", "tool", *written).out
        # One text alone may end at once, by chance; most are what was counted.
        assert {json.loads(line)["text"] for line in texts.splitlines()} & {"spade", "pear", "apple pie"}
    assert good("score", "kinds.csv", "--model", "counted", "--text-column", "text", "--condition", "kind").out


def test_of_a_long_text_a_part_is_counted(home, monkeypatch):
    monkeypatch.setattr(counting, "MOST_COUNTED", 1_000)
    ran = good("train", "story.txt", *QUICK, "--name", "part")
    assert "in the last 1,000 of the text" in ran.err
    experts = textrnn.load("part").network.num_experts
    assert Path("models/part/checkpoint/train.counts").stat().st_size == 1_000 * experts
    assert good("train", "--resume", "part", "--epochs", "3", "--json").json["models"]["counts"]


def test_tokens_that_were_not_counted_are_looked_up(tmp_path, rng):
    ids = rng.integers(0, 6, 400)
    with counted(ids[150:], 6, tmp_path, max_order=3) as found:
        save_counts(found, tmp_path / "counts", lost_nats=0)
        counts, cache = Counts(tmp_path / "counts"), Cache(6, (Window(50, (20.0, 5.0)),))
        counting.write_train(counts, cache, ids[150:], found.left_out, tmp_path / "train", end_id=None)
    train = map_probabilities(tmp_path / "train", 4)
    mixed = MixedCounts(counts, cache, {}, ids, train, train[:0])
    places = np.array([[140, 141, 142], [149, 150, 151], [300, 301, 302]])
    codes = mixed.codes_at(places)
    whole = counts.text_probabilities(counts.start(1), ids)[0]
    cached = cache.text_probabilities(ids, whole[:, -1])
    whole = probability_codes(np.concatenate([whole, cached[:, None]], 1))
    np.testing.assert_array_equal(codes[0], whole[140:143])
    np.testing.assert_array_equal(codes[1], [whole[149], *train[:2]])
    np.testing.assert_array_equal(codes[2], train[150:153])
