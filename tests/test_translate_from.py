"""`translate --from`: a new translator that begins with the weights and tokens of another."""

import random
from pathlib import Path

import numpy as np
import pytest
from cli_fixtures import arrays, enter_copy, good, refused, run_cli, snapshot
from resume_cases import interrupt_after, model_of
from resume_cases import not_deterministic_for_ever as not_deterministic_for_ever  # a fixture

import textrnn
from textrnn.base.files import read_json
from textrnn.translator.options import PairsConfig
from textrnn.translator.tokens import build_side, side_from_json

TINY = ("--units", "8", "--embed", "6", "--decoder-layers", "1", "--batch", "16", "--warmup", "2", "--dropout", "0")
STILL = ("--learning-rate", "1e-12", "--epochs", "0.2", "-q", "--json")


def spelled(letters, num=60, seed=1):
    """Words, and the names of their letters from last to first."""
    draw = random.Random(seed)
    words = dict.fromkeys("".join(draw.choices(letters, k=draw.randint(2, 6))) for _ in range(num))
    return "".join(f"{word}\t{' '.join(letter.upper() + 'E' for letter in word[::-1])}\n" for word in words)


def turned(letters):
    """Words, and the same from last to first."""
    words = [line.partition("\t")[0] for line in spelled(letters).splitlines()]
    return "".join(f"{word}\t{word[::-1]}\n" for word in words)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A folder with pairs of old and of new letters, and a translator of the old ones, of each kind."""
    home = tmp_path_factory.mktemp("from")
    (home / "old.tsv").write_text(spelled("abcdef"), encoding="utf-8")
    (home / "same.tsv").write_text(spelled("abcdef", seed=2), encoding="utf-8")
    (home / "new.tsv").write_text(spelled("defghi", seed=3), encoding="utf-8")
    (home / "turned.tsv").write_text(turned("abcdef"), encoding="utf-8")
    (home / "more.tsv").write_text(turned("defghi"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        good("translate", "old.tsv", *TINY, "--kind", "encoder-decoder", "--epochs", "3", "--name", "old", "-q")
        good("translate", "turned.tsv", *TINY, "--epochs", "1", "--name", "aligned", "-q")
    return home


@pytest.fixture
def home(shared, tmp_path, monkeypatch):
    return enter_copy(shared, tmp_path, monkeypatch)


def test_it_begins_with_the_weights_of_the_other_and_leaves_that_alone(home):
    before = snapshot("models/old")
    told = good("translate", "new.tsv", "--from", "old", "--name", "new", *STILL).json["from"]
    assert snapshot("models/old") == before
    old, new = arrays("old"), arrays("new")
    assert old.keys() == new.keys()
    sizes = {"source": textrnn.load("old").source.vocab_size, "target": textrnn.load("old").target.vocab_size}
    grown = {"source/embeddings": "source", "target/embeddings": "target", "output/bias": "target"}
    for key, array in old.items():
        # The end stands behind all tokens, there and here.
        same = np.append(np.arange(sizes[grown[key]]), -1) if key in grown else ...
        np.testing.assert_allclose(new[key][same], array, rtol=1e-6, atol=1e-7, err_msg=key)
    assert len(new["target/embeddings"]) == len(old["target/embeddings"]) + 3
    assert np.std(new["source/embeddings"][sizes["source"] : -1]) > 0.01
    assert (told["run"], told["new_tokens"]) == ("models/old", [3, 3])
    # The new tokens take some of the probability.
    assert told["nats_per_token_before"] < told["nats_per_token_after"] < told["nats_per_token_before"] + 1
    assert read_json(Path("models/new/run.json"))["from"] == told
    assert "3 tokens of the source" in good("info", "new").out


def test_what_is_forgotten_is_measured_where_the_old_pairs_are_there(home):
    options = ("same.tsv", "--from", "old", "--test", "old.tsv", *STILL)
    told = good("translate", *options, "--name", "new").json["from"]
    metrics = read_json(Path("models/old/run.json"))["metrics"]
    assert told["nats_per_token_before"] == metrics["val_nats_per_token"]
    assert told["nats_per_token_after"] == pytest.approx(metrics["val_nats_per_token"], rel=1e-4)
    pairs = read_json(Path("models/old/run.json"))["pairs"]
    assert (told["pairs"], told["learnt_before"]) == (pairs["valid"], pairs["train"])
    Path("models/old/checkpoint/pairs.safetensors").unlink()
    told = good("translate", *options, "--name", "other").json["from"]
    assert told == dict(run="models/old", new_tokens=[0, 0], learnt_before=0)


def test_an_aligned_one_has_no_end_behind_its_tokens(home):
    good("translate", "more.tsv", "--from", "aligned", "--name", "new", *STILL)
    old, new = arrays("aligned"), arrays("new")
    grown = {"source/embeddings": np.s_[:8], "output/kernel": np.s_[:, :8], "output/bias": np.s_[:8]}
    for key, array in old.items():
        np.testing.assert_allclose(new[key][grown.get(key, ...)], array, rtol=1e-6, atol=1e-7, err_msg=key)
    assert new["output/kernel"].shape[1] == 11


@pytest.mark.slow
def test_a_run_with_frozen_weights_resumes_to_the_same_bytes(home, monkeypatch):
    frozen = ("--freeze-embed", "--freeze-layers", "1", "--dropout", "0.3")
    again = ("translate", "new.tsv", "--from", "old", *frozen, "--deterministic", "--epochs", "4", "-q")
    good(*again, "--name", "whole")
    with monkeypatch.context() as patch:
        interrupt_after(patch, 3)
        assert run_cli(*again, "--name", "part").code == 130
    good("translate", "--resume", "part", "-q")
    assert model_of("part") == model_of("whole")
    old, new = arrays("old"), arrays("whole")
    for key in old:
        same = np.array_equal(new[key][: len(old[key]) - 1], old[key][:-1])
        assert same == key.startswith(("source/", "target/", "encoder0/")), key


@pytest.mark.parametrize("level", ["char", "word", "token", "bpe"])
def test_a_side_grows_behind_its_own_ids(level):
    config = PairsConfig(min_count=1, vocab_size=None if level == "char" else 300)
    known, texts = build_side(["the cat", "a dog"], level, config), ["the zebra", "a quilt"]
    grown = build_side(texts, level, config, known)
    for text in ("the cat", "a dog"):
        assert grown.encode(text).tolist() == known.encode(text).tolist()
    assert [grown.decode(grown.encode(text)) for text in texts] == texts
    assert (grown.vocab_size > known.vocab_size) == (level != "bpe")
    assert side_from_json(grown.tokenizer.to_json()).encode("a zebra").tolist() == grown.encode("a zebra").tolist()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--from", "nobody"], 1, "no run named 'nobody'"),
        (["--from", "old", "--units", "9"], 2, "--units is 8"),
        (["--from", "old", "--kind", "aligned"], 2, "--kind is 'encoder-decoder'"),
        (["--from", "old", "--level", "word"], 2, "--source-level is 'char', --target-level is 'token'"),
        (["--from", "old", "--freeze-layers", "3"], 2, "2 layers"),
        (["--from", "old", "--name", "old", "--overwrite"], 2, "give the new run another --name"),
        (["--freeze-layers", "1"], 2, "goes with --from"),
    ],
)
def test_what_cannot_be_begun_is_refused_in_a_line(home, monkeypatch, options, code, says):
    from textrnn.translator import train

    monkeypatch.setattr(train, "start_tensorflow", lambda **_: pytest.fail("TensorFlow is loaded"))
    before = snapshot("models")
    refused("translate", "new.tsv", *options, "--epochs", "1", code=code, says=[says])
    refused("translate", "--resume", "old", "--from", "old", code=2, says=["leave out one"])
    assert snapshot("models") == before


def test_other_kinds_of_runs_are_refused(home):
    refused("train", "old.tsv", "--from", "old", "--epochs", "1", code=1, says=["'translator'", "'language_model'"])
    Path("few.csv").write_text("text,label\n" + "good tea,x\nbad tea,y\n" * 9)
    refused("classify", "few.csv", "--from", "old", code=1, says=["'translator'", "'classifier' or 'language_model'"])
    refused(
        "translate", "new.tsv", "--from", "aligned", "--kind", "encoder-decoder", code=2, says=["--kind is 'aligned'"]
    )
