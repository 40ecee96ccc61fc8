"""The linear model over n-grams: the same in NumPy as in scikit-learn, honest out of fold, and saved whole."""

import random
import subprocess
import sys

import numpy as np
import pytest
from cli_fixtures import ROOT

from textrnn.base.errors import RunError
from textrnn.classifier import linear_fit as linear
from textrnn.classifier.kinds import Classes
from textrnn.classifier.linear import BNN, LTC, LinearModel
from textrnn.classifier.linear_fit import fit_linear, kinds_for
from textrnn.classifier.ngrams import NgramKind, ngrams
from textrnn.text.words import script_of

WORDS = ["tea", "room", "bed", "soup", "waiter", "street"]


def rows_of(kind="spaced", count=80):
    """Texts whose class is told by one word, and by nothing else."""
    draw, texts, labels = random.Random(3), [], []
    signs = ("好", "坏", "慢") if kind == "unspaced" else ("good", "bad", "slow")
    for number in range(count):
        words = [*draw.choices(WORDS if kind == "spaced" else list("茶床汤街房"), k=5), signs[number % 3]]
        draw.shuffle(words)
        texts.append(("" if kind == "unspaced" else " ").join(words))
        labels.append(number % 3)
    return texts, np.array(labels)


def fit(texts, labels, num_classes=3, **more):
    options = dict(rng=np.random.default_rng(1), time_s=600.0, row_weights=np.ones(len(labels)))
    return fit_linear(texts, labels, kind=Classes([str(k) for k in range(num_classes)]), **{**options, **more})


def fitted(kind="spaced"):
    texts, labels = rows_of(kind)
    return texts, labels, fit(texts, labels)


@pytest.mark.parametrize("kind", ["spaced", "unspaced"])
def test_fit_linear_learns_what_tells_the_class(kind):
    texts, labels, found = fitted(kind)
    assert script_of(texts) == kind
    assert (found.outputs.argmax(1) == labels).mean() > 0.9
    assert (found.model.logits(texts).argmax(1) == labels).all()


def test_logits_are_those_of_the_matrix():
    """What prediction makes of texts is what the solver saw."""
    texts, labels = rows_of()
    kinds = kinds_for("spaced", 0)[0]
    features, matrix = linear.make_features(texts, "spaced", kinds)
    own, bias = linear.solve(Classes("abc"), matrix, labels, np.ones(len(labels)), linear.Setting(kinds, 3.0))
    model = features.with_weights(own.astype(np.float32), bias)
    np.testing.assert_allclose(model.logits(texts), matrix @ own + bias, atol=1e-5)
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(1)).ravel())
    np.testing.assert_allclose(lengths, np.sqrt(2))  # words and characters, each of length 1


def test_logits_out_of_fold_know_nothing_of_their_row():
    """With labels drawn by chance, they are right as often as chance is."""
    texts = [f"word{n} thing{n}" for n in range(300)]
    labels = np.random.default_rng(0).integers(0, 2, 300)
    found = fit(texts, labels, 2)
    assert 0.35 < (found.outputs.argmax(1) == labels).mean() < 0.65


def test_ratios_by_hand():
    from scipy.sparse import csr_matrix

    matrix = csr_matrix([[0.3, 0.1], [0.2, 0.0], [0.0, 0.7]])
    found = linear._ratios(matrix, np.array([True, True, False]))
    # Rows that have a feature, and one more: inside 3 and 2 of 5, outside 1 and 2 of 3.
    np.testing.assert_allclose(found, np.sqrt([np.log((3 / 5) / (1 / 3)), abs(np.log((2 / 5) / (2 / 3)))]))


def test_class_without_rows_is_never_predicted():
    texts, labels = rows_of()
    found = fit(texts, labels, 5)
    assert set(found.model.logits(texts).argmax(1)) == {0, 1, 2}


def test_row_weights_move_the_border():
    texts, labels = ["tea"] * 30, np.array([0] * 20 + [1] * 10)
    texts = [f"{text} {n % 3}" for n, text in enumerate(texts)]
    even, heavy = (
        fit(texts, labels, 2, row_weights=np.array(weights)[labels]).model.logits(["tea"]).argmax()
        for weights in ([1.0, 1.0], [1.0, 9.0])
    )
    assert (even, heavy) == (0, 1)


def test_model_survives_its_parts():
    texts, _, found = fitted()
    model = found.model
    again = LinearModel.load(model.to_arrays(), model.to_json())
    np.testing.assert_array_equal(again.logits(texts), model.logits(texts))
    with pytest.raises(RunError, match="linear"):
        LinearModel.load({}, model.to_json())


def test_keys_are_the_same_in_every_process():
    code = (
        "from textrnn.classifier.ngrams import NgramKind, ngrams;"
        "print([f.keys.tolist() for f in ngrams(['so good'], [NgramKind('words', 1, 3), NgramKind('chars', 2, 4)],"
        " 'spaced')])"
    )
    run = dict(capture_output=True, text=True, check=True)
    found = [
        subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}, **run)
        for seed in ("1", "2")
    ]
    here = ngrams(["so good"], [NgramKind("words", 1, 3), NgramKind("chars", 2, 4)], "spaced")
    assert found[0].stdout == found[1].stdout == f"{[own.keys.tolist() for own in here]}\n"


def test_ngrams_are_those_of_counting_by_hand():
    """Equal n-grams have equal keys and others do not: words of one text, counted with Python's own means."""
    text = "the tea and the tea and more tea"
    words = text.split()
    keys = ngrams([text], [NgramKind("words", 1, 1)], "spaced")[0].keys.tolist()
    assert sorted(keys.count(key) for key in set(keys)) == sorted(words.count(word) for word in set(words))


@pytest.mark.parametrize("time_s, stop", [(0.0, False), (60.0, True)])
def test_without_time_one_fold_is_predicted_and_all_rows_are_learnt(time_s, stop):
    texts, labels = rows_of()
    found = fit(texts, labels, time_s=time_s, interrupted=lambda: stop)
    known = ~np.isnan(found.outputs[:, 0])
    assert 0.1 * len(texts) < known.sum() < 0.3 * len(texts)
    assert (found.model.logits(texts).argmax(1) == labels).all()


def test_long_texts_begin_with_a_weaker_penalty():
    short, long = (list(linear._settings(Classes("ab"), "spaced", chars, 10)) for chars in (900, 90_000))
    assert [(one.weighting, one.penalty) for one in short] == [(LTC, 10), (LTC, 10), (BNN, 0.3), (LTC, 30), (LTC, 3)]
    assert [(one.weighting, one.penalty) for one in long] == [(LTC, 100), (BNN, 1), (LTC, 100), (LTC, 30), (LTC, 300)]


def test_presence_is_all_that_counts_for_nb_svm():
    texts, labels = rows_of()
    features, matrix = linear.make_features(texts, "spaced", kinds_for("spaced", 0)[0][:1], BNN)
    setting = linear.Setting(features.kinds, 0.3, BNN)
    own, bias = linear.solve(Classes("abc"), matrix, labels, np.ones(len(labels)), setting)
    model = features.with_weights(own.astype(np.float32), bias)
    assert set(matrix.data) == {1.0}
    np.testing.assert_allclose(model.logits(texts), matrix @ own + bias, atol=1e-5)
    assert (model.logits(texts).argmax(1) == labels).all()
    again = LinearModel.load(model.to_arrays(), model.to_json())
    np.testing.assert_array_equal(again.logits(texts), model.logits(texts))


def test_models_of_before_weightings_are_tf_idf():
    model = fitted()[2].model
    assert (
        LinearModel.load(model.to_arrays(), {"script": model.script, "kinds": model.to_json()["kinds"]}).weighting
        == LTC
    )
    with pytest.raises(RunError, match="weighting is 'nnn', expected ltc or bnn"):
        LinearModel.load(model.to_arrays(), {**model.to_json(), "weighting": "nnn"})
