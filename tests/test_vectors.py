"""Files of word vectors, the vocabularies made with them, and embeddings that start with them."""

import csv
import gzip
import random
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from cli_fixtures import good, refused
from hypothesis import given, settings
from hypothesis import strategies as st

import textrnn
from textrnn.base.errors import ConfigError, DataError
from textrnn.base.files import read_weights
from textrnn.classifier.fit import fit_classifier
from textrnn.classifier.kinds import Classes
from textrnn.classifier.models import FitRequest, fit_models
from textrnn.classifier.network import EMBEDDING_STD, EMBEDDINGS, build_classifier, with_unseen
from textrnn.classifier.network_request import NetworkRequest
from textrnn.classifier.options import ClassifierConfig, EncoderConfig
from textrnn.classifier.recurrent import RecurrentClassifier
from textrnn.classifier.vector_file import Wanted, read_vectors, vectors_width
from textrnn.classifier.vectors import StartVectors, vocabulary_with_vectors, width_from_vectors
from textrnn.nn.keras.weights import get_weights
from textrnn.nn.numpy.weights import Weights
from textrnn.text.tokens.base import NUM_RESERVED, UNKNOWN_ID

TEA, SOUP, WE = [0.5, -1.0, 2.0], [1.0, 0.25, -0.125], [3.0, 0.0, 1e-3]
LINES = ["we 3.0 0 1e-3", "Tea 9 9 9", "tea 0.5 -1 2.0", "SOUP 1 0.25 -.125", "soup, 7 7 7", "5 8 8 8", "tea 6 6 6"]
FORMS = {
    "vec": "7 3\n" + "".join(line + "\n" for line in LINES),
    "old Mac": "7 3\r" + "".join(line + "\r" for line in LINES),
    "trailing blanks": "7 3\n" + "".join(line + " \n" for line in LINES),
    "line ends of Windows": "7 3\r\n" + "".join(line + "\r\n" for line in LINES),
    "byte order mark": "\ufeff7 3\n" + "\n".join(LINES),
    "tabs": "7\t3\n" + "\n".join(LINES).replace(" ", "\t"),
    "glove": "\n".join(LINES) + "\n\n",
    "more blanks": "\n".join(LINES).replace(" ", "  "),
    "words with blanks": "\n".join(["at name@example.com 1 1 1", ". . . 2 2 2", *LINES, "1 tea 4 4 4"]),
}
ALL = Wanted(always=(), room=100)


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def vectors_of(path, *words):
    return {word: vector.tolist() for word, vector in read_vectors(path, Wanted(set(words))).items()}


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(form, packed, tmp_path):
    content = FORMS[form].encode()
    path = written(tmp_path / "vectors", gzip.compress(content) if packed else content)
    assert vectors_width(path) == 3
    found = vectors_of(path, "we", "tea", "soup", "late")
    assert found == {"we": np.float32(WE).tolist(), "tea": TEA, "soup": SOUP}


def test_word_as_written_counts_more_than_one_in_lower_case(tmp_path):
    path = written(tmp_path / "v", "TEA 1 1\ntea 2 2\nTea 3 3\ntea 4 4\nSoup 5 5\nsoup 6 6\nBED 7 7\nBed 8 8\n")
    assert vectors_of(path, "tea", "soup", "bed") == {"tea": [2, 2], "soup": [6, 6], "bed": [7, 7]}


def test_words_have_the_unicode_form_of_the_texts(tmp_path):
    path = written(tmp_path / "v", "cafe\u0301 1 2\nthe 3 4\n")
    assert vectors_of(path, "caf\u00e9") == {"caf\u00e9": [1, 2]}
    assert list(read_vectors(path, Wanted({"cafe\u0301"}), unicode="NFD")) == ["cafe\u0301"]
    assert list(read_vectors(path, Wanted({"caf\u00e9"}), unicode="none")) == []


def test_words_in_another_encoding_do_no_harm(tmp_path):
    path = written(tmp_path / "v", b"caf\xe9 1 2\nthe 3 4\n")
    assert vectors_of(path, "the") == {"the": [3, 4]}


def test_others_are_kept_while_there_is_room(tmp_path):
    path = written(tmp_path / "v", "".join(f"{word} 1 2\n" for word in ["a", "x", "b", "y", "c", "z", "d"]))
    wanted = Wanted({"d"}, {"x", "y", "z"}, 2, lambda word: word != "a")
    assert list(read_vectors(path, wanted)) == ["x", "b", "y", "c", "d"]


@settings(deadline=None, max_examples=30)
@given(
    table=st.dictionaries(
        st.text(st.characters(min_codepoint=33, exclude_categories=("Z", "C", "Lu", "Lt")), min_size=1).filter(
            lambda word: word.isalpha() and word == word.lower()
        ),
        st.lists(st.floats(-100, 100, width=32), min_size=4, max_size=4),
        min_size=3,
    ),
    has_header=st.booleans(),
)
def test_what_was_written_is_read(table, has_header, tmp_path_factory):
    lines = [f"{len(table)} 4"] * has_header + [f"{word} {' '.join(map(repr, v))}" for word, v in table.items()]
    path = written(tmp_path_factory.mktemp("any") / "v", "\n".join(lines))
    found = read_vectors(path, Wanted(table.keys()), unicode="none")
    assert {word: vector.tolist() for word, vector in found.items()} == table


def test_memory_does_not_grow_with_the_file(tmp_path):
    numbers, peaks = " 0.12345" * 50, []
    for name, count in (("small", 4_000), ("large", 12_000)):
        path = written(tmp_path / name, "".join(f"word{k}{numbers}\n" for k in range(count)))
        tracemalloc.start()
        assert len(read_vectors(path, Wanted({"word7", "word3999"}, room=100))) == 102
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] and peaks[1] < Path(path).stat().st_size


def test_reading_ends_when_it_is_told(tmp_path):
    path = written(tmp_path / "v", "".join(f"w{k} 1 2\n" for k in range(12_000)))
    found = read_vectors(path, Wanted({"w5", "w11000"}), interrupted=lambda: True)
    assert list(found) == ["w5"]


BINARY = b"2 3\ntea " + np.array([0.1, -0.2, 0.3], "<f4").tobytes() + b"\nsoup " + np.ones(3, "<f4").tobytes()
BAD = {
    "empty": (b"", ["has no vectors", "such as"]),
    "header only": (b"3 4\n", ["has no vectors"]),
    "words only": (b"tea\nsoup\n", ["has no vectors", "tea"]),
    "a text": (b"The tea was good, and there was soup.\nWe had 2 of them.\n", ["has no vectors"]),
    "a table": (b"text,label\ngood tea,1\n", ["has no vectors"]),
    "too few numbers": (b"we 1 2 3\ntea 1 2 3\nbed 1 2\n", ["line 3 ", "2 numbers", "expected 3", "cut off"]),
    "too many numbers": (b"we 1 2 3\ntea 1 2 3 4\nbed 1 2 3\n", ["line 2 ", "4 numbers", "expected 3"]),
    "not as the header says": (b"2 4\nwe 1 2 3\ntea 1 2 3\n", ["line 2 ", "3 numbers", "expected 4", "first line"]),
    "no number": (b"we 1 2 3\ntea 1 x2 3\nbed 1 2 3\n", ["line 2 ", "'tea'", "x2"]),
    "a comma in a number": (b"we 1 2 3\ntea 1 0,2 3\nbed 1 2 3\n", ["line 2 ", "'tea'", "0,2"]),
    "not finite": (b"we 1 2 3\ntea 1 nan 3\n", ["line 2 ", "'tea'", "finite"]),
    "too large": (b"we 1 2 3\ntea 1 1e39 3\n", ["line 2 ", "'tea'", "finite"]),
    "no word of the texts": (b"thee 1 2\nsuppe 3 4\n", ["none of the 3 words", "'soup'", "'thee', 'suppe'"]),
    "equal everywhere": (b"tea 1 1\nwe 1 1\n", ["same number"]),
    "word2vec binary": (BINARY, ["binary file of word2vec", "save_word2vec_format"]),
    "fasttext binary": (b"\xba\x16\x4f\x2f\x0c\0\0\0", ["binary model of fastText", ".vec"]),
    "binary": (b"\x01\x02\0\x03 tea 1 2\n", ["is binary"]),
    "utf-16": ("tea 1 2\n".encode("utf-16"), ["not in UTF-8"]),
    "zip": (b"PK\x03\x04" + bytes(50), ["zip archive", "unpack"]),
    "cut off gzip": (gzip.compress(b"tea 1 2\nwe 3 4\n" * 900)[:-9], ["cut off", "unpacked"]),
    "gzip of binary": (gzip.compress(BINARY), ["binary file of word2vec"]),
    "an endless line": (b"we 1 2\n" + b"tea" + b" 1" * 600_000, ["line 2 ", "longer than"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused(case, tmp_path):
    content, says = BAD[case]
    path = written(tmp_path / "bad.vec", content)
    with pytest.raises(DataError) as refusal:
        vocabulary_with_vectors(["we tea", "tea soup"], path, min_count=1)
    assert all(part in str(refusal.value) for part in [path, *says])
    assert "\n" not in str(refusal.value)


def test_files_that_are_none_are_refused(tmp_path):
    written(tmp_path / "glove.txt", "tea 1 2\n")
    with pytest.raises(DataError, match=r"no such file.*did you mean .*glove\.txt"):
        vectors_width(str(tmp_path / "glov.txt"))
    with pytest.raises(DataError, match="is no file"):
        vectors_width(str(tmp_path))


# ---------------------------------------------------------------- vocabularies

TEXTS = ["Good tea", "good soup", "good, good bed", "bad soup!"]  # good 3, soup 2, then , ! bad bed tea
VECTORS = "the 4 0\nDon't 1 1\ngood 1 3\nGreat 2 2\ntea -1 1\nnew_york 5 5\ngreat 3 -3\nbad 1 1\nfine 0 8\nlast 1 1\n"


def test_vocabulary_knows_words_of_rows_then_rare_ones_then_those_of_the_file(tmp_path):
    path = written(tmp_path / "v", VECTORS)
    vocabulary, start, told = vocabulary_with_vectors(TEXTS, path)
    assert vocabulary.tokens == ["good", "soup", "bad", "tea", "the", "great", "new_york", "fine", "last"]
    assert vocabulary.encode("The Great bed").tolist() == [6, 7, UNKNOWN_ID]
    assert start.ids.tolist() == [2, 4, 5]  # good, bad and tea; soup has no vector
    learnt = np.array([[1, 3], [1, 1], [-1, 1]])
    np.testing.assert_allclose(start.learnt, learnt / learnt.std(), rtol=1e-6)
    np.testing.assert_allclose(
        start.unseen, np.array([[4, 0], [3, -3], [5, 5], [0, 8], [1, 1]]) / learnt.std(), rtol=1e-6
    )
    assert start.learnt.dtype == start.unseen.dtype == np.float32
    assert "3 of the 4 words" in told and "5 more words" in told and "\n" not in told


@pytest.mark.parametrize(
    ("size", "tokens"),
    [
        (8, ["good", "soup", "bad", "tea", "the", "great"]),
        (5, ["good", "soup", "tea"]),  # of bad and tea, the first one of the file
        (4, ["good", "soup"]),
        (3, ["good"]),
    ],
)
def test_vocabulary_size_is_kept(size, tokens, tmp_path):
    path = written(tmp_path / "v", VECTORS)
    vocabulary, start, _ = vocabulary_with_vectors(TEXTS, path, max_size=size)
    assert vocabulary.tokens == tokens
    assert len(start.unseen) == max(0, len(tokens) - 4)
    assert len(start.ids) == len(start.learnt) == len(set(tokens) & {"good", "bad", "tea"})


def test_characters_have_vectors_too(tmp_path):
    path = written(tmp_path / "v", "茶 1 2\n好茶 3 4\n好 5 6\n汤 7 8\n")
    vocabulary, start, _ = vocabulary_with_vectors(["茶很好", "茶很香"], path)
    assert (vocabulary.level, vocabulary.tokens) == ("char", ["很", "茶", "好", "汤"])
    assert start.ids.tolist() == [3, 4] and len(start.unseen) == 1


def test_embedding_has_the_width_of_the_vectors(tmp_path):
    path = written(tmp_path / "v", VECTORS)
    assert width_from_vectors({"units": 3}) == {"units": 3}
    assert width_from_vectors({"vectors": path}) == {"vectors": path, "embed": 2}
    assert width_from_vectors({"vectors": path, "embed": 2}) == {"vectors": path, "embed": 2}
    with pytest.raises(ConfigError, match=r"--embed is 3, but the vectors of .* have 2 numbers"):
        width_from_vectors({"vectors": path, "embed": 3})


# ---------------------------------------------------------------- networks

VOCAB, EMBED, UNSEEN = 400, 40, 3


def start_of(rng):
    ids = np.arange(NUM_RESERVED, 200)
    return StartVectors(
        ids, rng.normal(size=(len(ids), EMBED)).astype(np.float32), np.ones((UNSEEN, EMBED), np.float32)
    )


def test_embedding_starts_with_vectors_and_random_ones_of_the_same_spread(rng):
    start, config = start_of(rng), EncoderConfig(units=7, embed=EMBED)
    model = build_classifier(config, VOCAB, 2, vectors=start, random_seed=3)
    embeddings = get_weights(model)[EMBEDDINGS]
    assert embeddings.shape == (VOCAB - UNSEEN, EMBED)
    np.testing.assert_allclose(embeddings[start.ids], EMBEDDING_STD * start.learnt, rtol=1e-6)
    others = np.delete(embeddings, start.ids, 0)
    assert others.std() == pytest.approx(embeddings[start.ids].std(), rel=0.05)
    plain = build_classifier(config, VOCAB - UNSEEN, 2, random_seed=3)
    np.testing.assert_array_equal(others, np.delete(get_weights(plain)[EMBEDDINGS], start.ids, 0))


@pytest.mark.slow
def test_words_that_are_in_no_row_keep_their_vectors(rng):
    config = ClassifierConfig.from_options(dict(units=4, embed=EMBED, epochs=1, word_dropout=0.0))
    start, texts = start_of(rng), [rng.integers(1, VOCAB - UNSEEN, 6).astype(np.int32) for _ in range(64)]
    labels, kind = np.arange(64) % 2, Classes(["no", "yes"])
    more = dict(vocab_size=VOCAB, kind=kind, row_weights=np.ones(64), random_seed=3)
    rows = dict(texts=texts, labels=labels, held=texts[:2], vectors=start)
    weights = fit_classifier(NetworkRequest(config=config, **rows, **more)).weights
    assert weights[EMBEDDINGS].shape == (VOCAB, EMBED)
    np.testing.assert_allclose(weights[EMBEDDINGS][-UNSEEN:], EMBEDDING_STD, rtol=1e-6)
    seen = np.intersect1d(start.ids, np.concatenate(texts))
    assert (weights[EMBEDDINGS][seen] != EMBEDDING_STD * start.learnt[seen - NUM_RESERVED]).any(1).all()
    network = RecurrentClassifier(config.encoder, VOCAB, 2, Weights(weights))
    assert np.isfinite(network.logits([np.array([VOCAB - 1, 5])])).all()


def test_without_vectors_weights_stay_as_they_are():
    weights = {EMBEDDINGS: np.ones((2, 3))}
    assert with_unseen(weights, None) is weights


# ---------------------------------------------------------------- the command

PRAISE, BLAME = ["lovely", "clean", "friendly", "tasty"], ["slow", "rude", "dirty", "stale"]
OTHER = ["the", "tea", "room", "was", "and", "we", "had", "there", "waiter", "soup"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A table, and vectors in which `splendid` is like the words of praise and `dreadful` like the others."""
    monkeypatch.chdir(tmp_path)
    draw, rng = random.Random(1), np.random.default_rng(1)
    rows = []
    for number in range(160):
        words = draw.choices(OTHER, k=5) + draw.choices(BLAME if number % 2 else PRAISE, k=3)
        draw.shuffle(words)
        rows.append((" ".join(words), "bad" if number % 2 else "good"))
    with open("reviews.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("review", "label"), *rows])
    centres = {1: rng.normal(size=12), -1: rng.normal(size=12)}
    kinds = {**dict.fromkeys([*PRAISE, "splendid"], 1), **dict.fromkeys([*BLAME, "dreadful"], -1)}
    table = {word: centres[kind] + 0.2 * rng.normal(size=12) for word, kind in kinds.items()}
    table.update({word: rng.normal(size=12) for word in OTHER})
    lines = [f"{len(table)} 12", *(f"{word} {' '.join(f'{x:.4f}' for x in v)}" for word, v in table.items())]
    written(Path("words.vec.gz"), gzip.compress("\n".join(lines).encode()))
    return tmp_path


@pytest.mark.slow
def test_words_are_understood_that_no_row_has(place):
    options = ("--model", "rnn", "--networks", "1", "--units", "8", "--epochs", "20", "--name", "tea")
    ran = good("classify", "reviews.csv", "--vectors", "words.vec.gz", *options)
    assert "vectors of 12 numbers for 18 of the 18 words" in ran.err and "2 more words" in ran.err
    weights, _ = read_weights(Path("models/tea/model.safetensors"))
    assert weights["rnn0/embedding/embeddings"].shape == (22, 12)
    Path("words.vec.gz").unlink()  # what is saved is all that predicting needs
    found = textrnn.load("models/tea").classify(["the waiter was splendid", "we had dreadful soup"])
    assert [row["label"] for row in found] == ["good", "bad"]


@pytest.mark.slow
def test_interrupt_while_vectors_are_read_still_makes_a_classifier(place):
    request = FitRequest(
        texts=["good tea", "bad tea", "the tea was lovely", "we had rude tea"],
        labels=np.array([1, 0, 1, 0]),
        label_kind=Classes(["no", "yes"]),
        config=ClassifierConfig.from_options(dict(vectors="words.vec.gz", embed=12, units=4)),
        kind="rnn",
        left_s=lambda: 10.0,
        interrupted=lambda: True,
    )
    models = fit_models(request)
    assert (models.choice.chosen, len(models.networks)) == ("rnn", 1)
    assert models.networks[0][EMBEDDINGS].shape == (models.vocabulary.vocab_size, 12)


def test_classify_refuses_vectors_before_it_learns(place):
    written(place / "bad.vec", "tea 1 2\nsoup 1 2\nwe 1\n")
    for options, code, says in [
        (("--vectors", "word.vec.gz"), 1, ["no such file", "words.vec.gz"]),
        (("--vectors", "words.vec.gz", "--embed", "50"), 2, ["--embed is 50", "12 numbers"]),
        (("--vectors", "words.vec.gz", "--level", "bpe"), 2, ["--vectors", "--level bpe"]),
        (("--vectors", "bad.vec"), 1, ["line 3 of bad.vec", "1 numbers"]),
    ]:
        refused("classify", "reviews.csv", "--train", "-q", *options, code=code, says=says)
    assert not list(place.glob("models/*/run.json"))
