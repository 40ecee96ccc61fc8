"""A classifier without training: texts worked some at a time, on some cores, as if each were alone."""

import numpy as np
import pytest
from pandas_like import Frame, Series

from textrnn.base.errors import DataError
from textrnn.classifier import predict as module
from textrnn.classifier.combine import Mixture
from textrnn.classifier.kinds import Classes
from textrnn.classifier.linear import LinearModel
from textrnn.classifier.ngrams import NgramKind, ngrams
from textrnn.classifier.options import ClassifierConfig
from textrnn.classifier.predict import Networks, TextClassifier
from textrnn.classifier.recurrent import RecurrentClassifier
from textrnn.nn.numpy import threads
from textrnn.nn.numpy.weights import Weights
from textrnn.text.tokens.vocabulary import Vocabulary

WORDS = ["tea", "soup", "good", "bad", "slow"]


def network(rng, config, vocab_size):
    gates = 3 * config.units
    shapes = {"embedding/embeddings": (vocab_size, config.embed), "output/kernel": (4 * config.units, 3)}
    for way in ("forward", "backward"):
        shapes[f"layer0/{way}/kernel"] = (config.embed, gates)
        shapes[f"layer0/{way}/recurrent_kernel"] = (config.units, gates)
        shapes[f"layer0/{way}/bias"] = (2, gates)
    arrays = {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    return RecurrentClassifier(config, vocab_size, 3, Weights({**arrays, "output/bias": np.zeros(3, np.float32)}))


@pytest.fixture
def classifier(rng):
    config = ClassifierConfig.from_options(dict(units=7, embed=5, max_length=6))
    keys = np.sort([ngrams([word], [NgramKind("words")], "spaced")[0].keys[0] for word in WORDS])
    weights = rng.normal(0, 1, (5, 3)).astype(np.float32)
    linear = LinearModel("spaced", (NgramKind("words"),), "ltc", keys, np.ones(5, np.float32), weights, np.zeros(3))
    vocabulary = Vocabulary(WORDS, "word")
    members = [network(rng, config.encoder, vocabulary.vocab_size) for _ in range(2)]
    return TextClassifier(
        Classes(["a", "b", "c"]),
        "combined",
        np.array([0.2, 0.3, 0.5]),
        {},
        dict(linear=1.5, rnn=0.5),
        linear,
        Networks(members, vocabulary, 6),
        Mixture("log", (0.5, 0.5)),
        config,
    )


@pytest.mark.parametrize("cores", [1, 3])
def test_stream_says_of_each_text_what_is_said_of_it_alone(classifier, cores, rng, monkeypatch):
    texts = [" ".join(rng.choice(WORDS, rng.integers(0, 9))) for _ in range(60)]
    expected = [classifier.predictions([text])[0] for text in texts]
    monkeypatch.setattr(threads, "num_cores", lambda: cores)
    monkeypatch.setattr(threads, "FEWEST", 4)
    monkeypatch.setattr(module, "CHUNK", 25)
    found = list(classifier.stream(texts))
    assert {one.status for one in found} == {"ok", "empty", "truncated"}
    assert [(one.label, one.status) for one in found] == [(one.label, one.status) for one in expected]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.predictions, other.predictions, atol=1e-6)


def test_stream_works_fewer_texts_at_a_time_if_they_are_long(classifier, monkeypatch):
    sizes = []
    monkeypatch.setattr(classifier, "predictions", lambda texts: sizes.append([len(text) for text in texts]) or texts)
    monkeypatch.setattr(module, "CHUNK", 3)
    monkeypatch.setattr(module, "CHUNK_CHARS", 10)
    texts = [letter * count for letter, count in zip("abcdefg", (4, 7, 25, 1, 0, 2, 9), strict=True)]
    assert list(classifier.stream(iter(texts))) == texts
    assert sizes == [[4, 7], [25], [1, 0, 2], [9]]


def test_stream_of_no_texts_is_empty(classifier):
    assert list(classifier.stream([])) == []


def test_classify_reads_a_shuffled_series_by_place(classifier):
    alone = {text: classifier.classify([text])[0]["label"] for text in ("good tea", "bad soup slow", "slow tea")}
    series = Series(list(alone), [2, 0, 1])
    found = classifier.classify(series)
    assert found.index == [2, 0, 1] and [one["label"] for one in found] == list(alone.values())
    assert [one.label for one in classifier.stream(series)] == list(alone.values())
    assert [one["label"] for one in classifier.explain(series)] == list(alone.values())
    frame = classifier.classify(Frame({"text": list(alone)}, [2, 0, 1]), column="text")
    assert frame.columns == ["text", "predicted", "confidence", "p(a)", "p(b)", "p(c)", "status"]
    assert list(frame["predicted"]) == list(alone.values())
    with pytest.raises(DataError, match=r"text 2 is None"):
        classifier.classify(["good tea", None])
