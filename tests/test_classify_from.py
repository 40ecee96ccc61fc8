"""`classify --from`: networks that begin with those of another classifier, or with a language model."""

from pathlib import Path

import numpy as np
import pytest
from classify_cases import reviews, write_table
from cli_fixtures import QUICK, arrays, enter_copy, good, refused, snapshot, story

import textrnn
from textrnn.base.files import read_json
from textrnn.classifier.kinds import Classes, Several
from textrnn.classifier.warm_start import WarmStart, known_tokens
from textrnn.text.tokens.char import CharTokenizer
from textrnn.text.tokens.vocabulary import Vocabulary
from textrnn.text.tokens.word import WordTokenizer

LONG = ("--model", "rnn", "--time", "10m", "-q")  # so that no clock ends it
ONE_STEP = (*LONG, "--learning-rate", "1e-12", "--epochs", "0.01", "--json")
SHORT = ("--units", "4", "--embed", "4", "--epochs", "1")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A folder with tables, a classifier of two networks, and language models of characters and words."""
    home = tmp_path_factory.mktemp("from")
    write_table(home / "old.csv", reviews())
    newer = [(f"{text} zebra quilt", label) for text, label in reviews(60, seed=2)]
    write_table(home / "new.csv", newer)
    other = [(text, ["fine", "poor", "so so"][number % 3]) for number, (text, _) in enumerate(newer)]
    write_table(home / "other.csv", other)
    (home / "story.txt").write_text(story(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        good("classify", "old.csv", *SHORT, *LONG, "--networks", "2", "--name", "old")
        good("classify", "old.csv", "--model", "linear", "--name", "linear", "-q")
        good("train", "story.txt", *QUICK, "--layers", "2", "--name", "letters", "-q", "--no-samples")
        good("train", "story.txt", *QUICK, "--input", "one-hot", "--name", "one-hot", "-q", "--no-samples")
    return home


@pytest.fixture
def home(shared, tmp_path, monkeypatch):
    return enter_copy(shared, tmp_path, monkeypatch)


def test_networks_begin_with_the_old_ones_by_turns_which_stay_as_they_are(home):
    before = snapshot("models/old")
    result = good("classify", "new.csv", "--from", "old", "--name", "new", "--networks", "3", *ONE_STEP).json
    assert snapshot("models/old") == before
    known = textrnn.load("old").networks.vocabulary.vocab_size
    assert textrnn.load("new").networks.vocabulary.split("zebra") == ["zebra"]
    assert textrnn.load("new").networks.vocabulary.vocab_size == known + 2  # zebra and quilt
    for number in range(3):
        old, new = arrays("old", f"rnn{number % 2}/"), arrays("new", f"rnn{number}/")
        assert old.keys() == new.keys()
        for key in old:
            part = np.s_[:known] if key == "embedding/embeddings" else ...
            np.testing.assert_allclose(new[key][part], old[key], rtol=1e-6, atol=1e-7, err_msg=key)
        assert np.std(new["embedding/embeddings"][known:]) > 0.01
    assert not np.allclose(arrays("new", "rnn0/")["output/kernel"], arrays("new", "rnn1/")["output/kernel"])
    assert result["from"] == dict(run="models/old", kind="classifier", learnt="96 rows of old.csv", output=True)
    assert read_json(Path("models/new/run.json"))["from"] == result["from"]
    assert "models/old" in good("info", "new").out


def test_other_labels_get_a_last_layer_and_what_is_frozen_stays(home):
    frozen = ("--freeze-embed", "--freeze-layers", "1", *LONG, "--networks", "1", "--epochs", "3")
    ran = good("classify", "other.csv", "--from", "old", "--name", "new", *frozen)
    assert "last layer" in ran.out
    old, new = arrays("old", "rnn0/"), arrays("new", "rnn0/")
    assert old["output/bias"].shape == (2,) and new["output/bias"].shape == (3,)
    known = len(old["embedding/embeddings"])
    np.testing.assert_array_equal(new["embedding/embeddings"][:known], old["embedding/embeddings"])
    for key in old.keys() - {"embedding/embeddings", "output/kernel", "output/bias"}:
        np.testing.assert_array_equal(new[key], old[key], err_msg=key)
    assert np.all(new["output/bias"])  # which begins with zeros
    config = textrnn.load("new").config
    assert (config.encoder.units, config.encoder.embed) == (4, 4)
    assert config.optimization.learning_rate == textrnn.load("old").config.optimization.learning_rate / 2


def test_the_last_layer_follows_the_order_of_the_labels():
    kernel, bias = np.arange(6.0).reshape(2, 3), np.arange(3.0)
    member = {"embedding/embeddings": np.zeros((4, 2)), "output/kernel": kernel, "output/bias": bias}
    start = WarmStart(Path("a"), "classifier", {}, Vocabulary(["x"], "word"), [member], ["p", "q", "r"])
    turned = start.for_kind(Classes(["r", "p", "q"]))
    assert turned.members[0]["output/kernel"].tolist() == [[2, 0, 1], [5, 3, 4]]
    assert turned.members[0]["output/bias"].tolist() == [2, 0, 1]
    assert turned.to_json()["output"]
    for other in (Classes(["p", "q"]), Several(["p", "q", "r"])):
        begun = start.for_kind(other)
        assert begun.members[0].keys() == {"embedding/embeddings"} and not begun.to_json()["output"]


def test_a_language_model_gives_its_vectors_and_first_layer(home):
    before = snapshot("models/letters")
    result = good("classify", "new.csv", "--from", "letters", "--name", "new", "--networks", "1", *ONE_STEP).json
    assert snapshot("models/letters") == before
    old, new, model = arrays("letters"), arrays("new", "rnn0/"), textrnn.load("new")
    known = len(old["embedding/embeddings"])
    vectors, kernel = new["embedding/embeddings"][:known], new["layer0/forward/kernel"]
    assert len(new["embedding/embeddings"]) > known  # the story has not all letters
    assert np.std(vectors) == pytest.approx(0.1, rel=1e-4)
    # As small as drawn vectors, and to the layer what they were.
    expected = old["embedding/embeddings"] @ old["layer0/kernel"]
    np.testing.assert_allclose(vectors @ kernel, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
    for name in ("recurrent_kernel", "bias"):
        np.testing.assert_allclose(new[f"layer0/forward/{name}"], old[f"layer0/{name}"], rtol=1e-6, atol=1e-7)
        assert not np.allclose(new[f"layer0/backward/{name}"], new[f"layer0/forward/{name}"])
    encoder, letters = model.config.encoder, textrnn.load("letters").tokenizer
    assert (encoder.arch, encoder.cell, encoder.layers) == ("bidirectional", "lstm", 1)
    assert (encoder.units, encoder.embed) == (8, 6)
    assert model.networks.vocabulary.encode("the moon").tolist() == letters.encode("the moon").tolist()
    assert (result["from"]["kind"], result["from"]["output"]) == ("language_model", False)


def test_learnt_weights_get_half_the_rate_and_few_passes_and_drawn_ones_all(home):
    for start, rate, passes in (("old", 1e-3, 12), ("letters", 2e-3, 40)):
        good("classify", "new.csv", "--from", start, "--name", f"{start}2", "--networks", "1", *LONG)
        assert textrnn.load(f"{start}2").config.optimization.learning_rate == rate
        assert len(Path("models", f"{start}2", "history.csv").read_text().splitlines()) == 1 + passes


def test_words_of_a_language_model_are_those_in_lower_case_with_a_blank():
    tokenizer = WordTokenizer([" ", "t", "e", "The", " tea", "Tea", " the", "\n", " Go"], "character")
    ids, vocabulary = known_tokens(Path("a"), tokenizer)
    assert dict(zip(vocabulary.tokens, ids[2:].tolist(), strict=True)) == {"t": 3, "e": 4, "the": 8, "tea": 6, "go": 10}
    assert ids[:2].tolist() == [0, 1]
    assert vocabulary.encode("Go, the tea").tolist() == [6, 1, 4, 5]


def test_a_classifier_reads_the_letters_of_a_language_model_by_their_ids():
    tokenizer = CharTokenizer(list("好茶ab "))
    ids, vocabulary = known_tokens(Path("a"), tokenizer)
    assert (ids.tolist(), vocabulary.level) == (list(range(7)), "char")
    assert vocabulary.encode("茶 好B").tolist() == tokenizer.encode("茶 好b").tolist()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--from", "nobody"], 1, "no run named 'nobody'"),
        (["--from", "old", "--units", "5"], 2, "--units is 4"),
        (["--from", "old", "--level", "char"], 2, "--level is 'word'"),
        (["--from", "old", "--arch", "lstm"], 2, "--arch is 'bidirectional'"),
        (["--from", "old", "--pooling", "max"], 2, "--pooling is 'mean-max'"),
        (["--from", "old", "--lowercase"], 2, "--lowercase is False"),
        (["--from", "old", "--freeze-layers", "2"], 2, "1 layers"),
        (["--from", "old", "--vectors", "v.vec"], 2, "leave out --vectors"),
        (["--from", "old", "--pretrain", "0.3"], 2, "leave out --pretrain"),
        (["--from", "old", "--model", "linear"], 2, "leave out --model linear"),
        (["--from", "old", "--name", "old", "--overwrite"], 2, "give the new run another --name"),
        (["--from", "letters", "--units", "5"], 2, "--units is 8"),
        (["--from", "letters", "--level", "word"], 2, "--level is 'char'"),
        (["--from", "linear"], 2, "a linear model alone"),
        (["--from", "one-hot"], 2, "--input one-hot"),
        (["--freeze-embed"], 2, "goes with --from"),
    ],
)
def test_what_cannot_be_begun_is_refused_in_a_line(home, monkeypatch, options, code, says):
    from textrnn.training import backend

    monkeypatch.setattr(backend, "start_tensorflow", lambda **_: pytest.fail("TensorFlow is loaded"))
    before = snapshot("models")
    refused("classify", "new.csv", *options, code=code, says=[says])
    assert snapshot("models") == before
