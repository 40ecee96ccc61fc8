"""`train --from`: a new run that begins with the weights, tokens and counts of another."""

import json
from pathlib import Path

import numpy as np
import pytest
from cli_fixtures import QUICK, arrays, enter_copy, good, refused, run_cli, snapshot, story
from resume_cases import interrupt_after, model_of
from resume_cases import not_deterministic_for_ever as not_deterministic_for_ever  # a fixture

import textrnn
from textrnn.base.files import read_json
from textrnn.language_model.counting import write_train
from textrnn.language_model.scoring import score_ids
from textrnn.text.corpus import map_ids
from textrnn.text.counts.build import save_counts
from textrnn.text.counts.cache import Cache
from textrnn.text.counts.cache_window import Window
from textrnn.text.counts.codes import PROBABILITY_OF_CODE
from textrnn.text.counts.count import counted, map_probabilities
from textrnn.text.counts.joined import JoinedCounts
from textrnn.text.counts.model import Counts
from textrnn.text.options import TokenizerConfig
from textrnn.text.tokens.load import build_tokenizer, tokenizer_from_json

STILL = ("--learning-rate", "1e-12", "--dropout", "0", "--epochs", "0.2", "--no-samples", "-q")
NEW_TEXT = story(seed=2).replace("moon", "möön") + "Schlüß!\n" * 20


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A folder with story.txt, new.txt with characters of its own, and models/old with two layers."""
    home = tmp_path_factory.mktemp("warm")
    (home / "story.txt").write_text(story(), encoding="utf-8")
    (home / "new.txt").write_text(NEW_TEXT, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        good("train", "story.txt", *QUICK, "--layers", "2", "--name", "old", "-q", "--no-samples")
    return home


@pytest.fixture
def home(shared, tmp_path, monkeypatch):
    return enter_copy(shared, tmp_path, monkeypatch)


def begin(*options, name="new", text="new.txt"):
    return good("train", text, "--from", "old", "--name", name, "--json", *options).json


def test_it_begins_with_the_weights_of_the_other_and_leaves_that_alone(home):
    before = snapshot("models/old")
    result = begin(*STILL)
    assert snapshot("models/old") == before
    old, new = arrays("old"), arrays("new")
    known = textrnn.load("old").vocab_size
    assert textrnn.load("new").vocab_size > known
    parts = {"embedding/embeddings": np.s_[:known], "output/kernel": np.s_[:, :known], "output/bias": np.s_[:known]}
    for key in old.keys() - {"gate/kernel", "gate/bias"}:
        np.testing.assert_allclose(new[key][parts.get(key, ...)], old[key], rtol=1e-6, atol=1e-7, err_msg=key)
    assert np.std(new["embedding/embeddings"][known:]) > 0.1
    told = result["from"]
    assert (told["run"], told["counts"]) == ("models/old", 1)
    valid = map_ids(Path("models/old/checkpoint/valid.ids"), np.dtype(np.uint8))
    of_old = score_ids(textrnn.load("old"), np.asarray(valid, np.int32), num_chars=len(valid)).bits_per_char
    # Rows side by side have read a little less before than one that goes through the whole text.
    assert told["bits_per_char_before"] == pytest.approx(of_old, rel=0.05)
    of_new = score_ids(textrnn.load("new"), np.asarray(valid, np.int32), num_chars=len(valid)).bits_per_char
    assert told["bits_per_char_after"] == pytest.approx(of_new, rel=0.05)


def test_what_is_frozen_stays_and_the_rest_learns(home):
    begin("--freeze-embed", "--freeze-layers", "1", "--epochs", "2", "--no-samples", "-q")
    old, new = arrays("old"), arrays("new")
    known = len(old["embedding/embeddings"])
    np.testing.assert_array_equal(new["embedding/embeddings"][:known], old["embedding/embeddings"])
    for key in old:
        if key.startswith("layer"):
            assert np.array_equal(new[key], old[key]) == key.startswith("layer0"), key


def test_counts_of_the_text_before_are_one_more_predictor(home):
    result = begin("--epochs", "2", "--no-samples", "-q")
    model = textrnn.load("new")
    assert list(result["models"]) == ["counts", "network", "mixture"]
    valid = np.asarray(map_ids(Path("models/new/checkpoint/valid.ids"), np.dtype(np.uint8)), np.int32)
    scored = score_ids(model, valid, num_chars=len(valid)).nats_per_token
    assert scored == pytest.approx(result["val_nats_per_token"], rel=1e-2)
    state = model.network.initial_state(3)
    logits, _ = model.network.read_all(valid[:60].reshape(3, 20), state)
    np.testing.assert_allclose(np.exp(logits).sum(-1), 1, rtol=1e-4)
    assert good("generate", "--model", "new", "--length", "30", "--use", "counts").out
    Path("same.txt").write_text("The tree sang to the sun and the moon sang back.\n" * 9)
    assert good("generate", "--model", "new", "--adapt", "--count", "2", "--length", "20", "--seed", "The ").out
    found = good("score", "same.txt", "--model", "new", "--adapt", "--json").json["files"][0]
    assert found["adapted_bits_per_char"] < 0.9 * found["bits_per_char"]
    Path("models/new/counts.1.safetensors").unlink()
    refused("generate", "--model", "new", code=1, says=["does not fit the network"])


@pytest.mark.slow
def test_a_run_from_a_run_has_the_counts_of_both_and_resumes_to_the_same_bytes(home, monkeypatch):
    begin("--epochs", "1", "--no-samples", "-q")
    again = ("train", "story.txt", "--from", "new", "--deterministic", "--epochs", "2", "--no-samples", "-q")
    good(*again, "--name", "whole")
    assert sorted(path.name for path in Path("models/whole").glob("counts*")) == [
        "counts.1.safetensors",
        "counts.2.safetensors",
        "counts.safetensors",
    ]
    with monkeypatch.context() as patch:
        interrupt_after(patch, 3)
        assert run_cli(*again, "--name", "part").code == 130
    good("train", "--resume", "part", "--no-samples", "-q")
    assert model_of("part") == model_of("whole")


def test_joined_counts_are_the_sum_of_their_parts(tmp_path, rng):
    ids, old_ids = rng.integers(2, 9, 900), rng.integers(2, 7, 900)
    for name, text, vocab in (("own", ids, 10), ("old", old_ids, 8)):
        with counted(text, vocab, tmp_path, max_order=3, least_gain_nats=-9) as found:
            save_counts(found, tmp_path / name, max_bytes=1e9)
    own, old = Counts(tmp_path / "own"), Counts(tmp_path / "old")
    joined = JoinedCounts(own, [old], has_end=True)
    tokens = np.array([2, 8, 9, 5, 3, 4, 2, 6])  # 8 is new, and 9, the end, is 7 in the old text
    as_old = np.array([2, 0, 7, 5, 3, 4, 2, 6])
    found, after = joined.text_probabilities(joined.start(1), tokens)
    expected, _ = own.text_probabilities(own.start(1), tokens)
    before, _ = old.text_probabilities(old.start(1), as_old)
    np.testing.assert_allclose(found[:, 1:], expected, rtol=1e-6)
    np.testing.assert_allclose(found[:, 0], before[:, -1] * (as_old > 0), rtol=1e-6)
    nodes = joined.start(1)
    for token in tokens:
        nodes = joined.advance(nodes, np.array([token]))
    np.testing.assert_array_equal(nodes, after)
    gate = rng.dirichlet(np.ones(2 + own.order), 1).astype(np.float32)
    network = rng.dirichlet(np.ones(10), 1).astype(np.float32)
    mixed = joined.mixture(nodes, gate, network)
    each = joined.target_probabilities(np.repeat(nodes, 10, 0), np.arange(10))
    np.testing.assert_allclose(
        mixed[0, 1:], (gate[0, 0] * network[0] + each @ gate[0, 1:])[1:], rtol=1e-5
    )  # but for padding
    codes = rng.integers(0, 255, (len(tokens), own.order)).astype(np.uint8)
    cache = Cache(10, (Window(9, (4.0, 1.0)),))
    write_train(joined, cache, tokens, lambda begin, end: codes[begin:end], tmp_path / "codes", end_id=None)
    written = map_probabilities(tmp_path / "codes", 2 + own.order)
    np.testing.assert_array_equal(written[:, 1:-1], codes)
    np.testing.assert_allclose(PROBABILITY_OF_CODE[written[:, 0]], np.maximum(found[:, 0], 2e-9), rtol=0.1)


@pytest.mark.parametrize("level", ["char", "word", "byte", "bpe"])
def test_a_vocabulary_grows_behind_its_own_ids(level):
    config = TokenizerConfig(level=level, vocab_size=None if level in ("char", "byte") else 300, min_count=1)
    known, text = build_tokenizer(config, [story()]), "Größe 中文 the cat moonlight moonlight"
    grown = build_tokenizer(config, [text], known)
    assert grown.encode(story()).tolist() == known.encode(story()).tolist()
    assert grown.decode(grown.encode(text)) == text
    assert (grown.vocab_size > known.vocab_size) == (level in ("char", "word"))
    assert tokenizer_from_json(json.loads(json.dumps(grown.to_json()))).encode(text).tolist() == (
        grown.encode(text).tolist()
    )


def test_texts_in_a_condition_keep_the_conditions(home):
    def table(kinds):
        rows = [f"{kind},{word}\n" for kind, word in kinds] * 25
        return "kind,text\n" + "".join(rows)

    Path("kinds.csv").write_text(table([("fruit", "apple pie"), ("tool", "spade"), ("bird", "heron")]))
    Path("more.csv").write_text(table([("tool", "hämmer"), ("fruit", "pear")]), encoding="utf-8")
    Path("other.csv").write_text(table([("fish", "cod"), ("tool", "rake")]))
    columns = ("--text-column", "text", "--condition", "kind", "--level", "char")
    columns = (*columns, "--validation-file", "kinds.csv")
    good("train", "kinds.csv", *columns, *QUICK, "--window", "8", "--name", "kinds", "-q", "--no-samples")
    validated = ("more.csv", "--validation-file", "more.csv")
    found = good("train", *validated, "--from", "kinds", *STILL, "--name", "more", "--json").json["from"]
    of_old = read_json(Path("models/kinds/run.json"))["metrics"]["val_bits_per_char"]
    assert found["bits_per_char_before"] == pytest.approx(of_old, rel=1e-3)
    # The new characters, which the old text has not, take some of the probability.
    assert of_old < found["bits_per_char_after"] < of_old + 1
    old, new = arrays("kinds"), arrays("more")
    known = textrnn.load("kinds").tokenizer.vocab_size
    np.testing.assert_allclose(new["embedding/embeddings"][-1], old["embedding/embeddings"][-1], rtol=1e-6)
    np.testing.assert_allclose(new["output/kernel"][:, :known], old["output/kernel"][:, :known], rtol=1e-6)
    assert textrnn.load("more").documents.conditions == textrnn.load("kinds").documents.conditions
    assert good("generate", "--model", "more", "--condition", "bird", "--count", "9").out
    refused("train", "other.csv", "--validation-file", "other.csv", "--from", "kinds", code=1, says=["'fish'", "fruit"])
    refused("train", "kinds.csv", "--from", "old", *columns, code=2, says=["--condition"])


def test_conditions_behind_one_hot_tokens_stay_behind_them(home):
    """Rows of the first layer's kernel: tokens, the end of a document, then conditions."""
    for name, word in (("kinds", "spade"), ("more", "hämmer")):
        rows = [f"fruit,apple\n,plain\ntool,{word}\n"] * 25
        Path(f"{name}.csv").write_text("kind,text\n" + "".join(rows), encoding="utf-8")
    options = ("--text-column", "text", "--condition", "kind", "--level", "char", "--input", "one-hot")
    validated = ("--validation-file", "kinds.csv")
    good("train", "kinds.csv", *options, *validated, *QUICK, "--window", "8", "--name", "kinds", "-q", "--no-samples")
    good("train", "more.csv", *validated, "--from", "kinds", *STILL, "--name", "more")
    (old, new), known = (arrays(name)["layer0/kernel"] for name in ("kinds", "more")), textrnn.load("kinds").vocab_size
    assert len(new) > len(old) == known + 3
    np.testing.assert_allclose(np.delete(new, np.s_[known : len(new) - 3], 0), old, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--from", "old", "--units", "16"], "--units is 8"),
        (["--from", "old", "--level", "word"], "--level is 'char'"),
        (["--from", "old", "--arch", "gru"], "--arch is 'lstm'"),
        (["--from", "old", "--freeze-layers", "3"], "2 layers"),
        (["--from", "old", "--name", "old", "--overwrite"], "give the new run another --name"),
        (["--from", "old", "--resume", "old"], "leave out one"),
        (["--freeze-embed"], "goes with --from"),
    ],
)
def test_what_cannot_be_begun_is_refused_in_a_line(home, options, says):
    before = snapshot("models")
    refused("train", "new.txt", *options, "--epochs", "1", code=2, says=[says])
    refused("train", "new.txt", "--from", "nobody", code=1, says=["no run named 'nobody'"])
    assert snapshot("models") == before


@pytest.mark.slow
def test_an_echo_state_network_is_nothing_to_begin_with(home):
    good("train", "story.txt", "--arch", "esn", "--units", "20", "--name", "esn", "-q")
    refused("train", "new.txt", "--from", "esn", code=2, says=["echo state"])
