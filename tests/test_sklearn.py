"""The classifier for scikit-learn."""

import pickle

import numpy as np
import pytest
from classify_cases import reviews
from pandas_like import Series
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks

from textrnn.base.errors import RunError
from textrnn.sklearn import TextRNNClassifier

TEXTS, LABELS = map(list, zip(*reviews(60), strict=True))
LINEAR = TextRNNClassifier(model="linear", random_state=0)
RNN = TextRNNClassifier(model="rnn", networks=1, units=4, embed=4, epochs=1, random_state=1)


@pytest.fixture(scope="module")
def fitted():
    return clone(LINEAR).fit(TEXTS, LABELS)


def column(texts):
    return np.array(texts, object)[:, None]


@pytest.mark.parametrize("form", [np.array, lambda texts: np.array(texts, object), column, Series, tuple, iter])
def test_texts_come_in_any_form(fitted, form):
    predicted = fitted.predict(form(TEXTS[:3]))
    assert predicted.tolist() == LABELS[:3] and predicted.dtype == fitted.classes_.dtype


@pytest.mark.parametrize("values", [(1, 0), (True, False), (2.0, 0.5 + 0.5), ("负", "正")])
def test_classes_are_the_labels_of_y(values):
    names = [values[label == "good"] for label in LABELS]
    model = clone(LINEAR).fit([*TEXTS, " "], [*names, names[0]])
    assert model.classes_.tolist() == sorted(values) and model.score(TEXTS, names) == 1
    proba = model.predict_proba([*TEXTS, ""])
    assert proba.sum(1) == pytest.approx(1) and proba[-1] == pytest.approx(0.5)


def test_searches_pipelines_and_validation_take_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    steps = make_pipeline(lower, clone(LINEAR))
    assert cross_val_score(steps, TEXTS, LABELS, cv=3).mean() > 0.8
    search = GridSearchCV(LINEAR, {"balanced": [False, True], "max_length": np.array([2, 5])}, cv=2, n_jobs=1)
    assert search.fit(TEXTS, LABELS).best_score_ > 0.8 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("model", [LINEAR, pytest.param(RNN, marks=pytest.mark.slow)])
def test_a_pickle_has_the_run_and_nothing_else(model):
    model = clone(model).fit(TEXTS, LABELS)
    data = pickle.dumps(model)
    assert (
        b"TextClassifier" not in data and (pickle.loads(data).predict_proba(TEXTS) == model.predict_proba(TEXTS)).all()
    )
    assert model.model_.classify(TEXTS[:1])[0]["label"] == model.predict(TEXTS[:1])[0]
    model.run_["run.json"] = b"{}"
    with pytest.raises(RunError):
        pickle.loads(pickle.dumps(model))


def test_parameters_are_the_options_and_are_checked_when_it_fits():
    model = TextRNNClassifier(units=3, learning_rate=0.5)
    assert {"arch", "units", "epochs", "time_s", "spectral_radius"} < model.get_params().keys()
    assert repr(model) == "TextRNNClassifier(learning_rate=0.5, units=3)"
    with pytest.raises(TypeError, match="no parameter unit"):
        TextRNNClassifier(unit=3)


@pytest.mark.parametrize(
    ("changes", "texts", "labels", "says"),
    [
        (dict(units=0), TEXTS, LABELS, "^units is 0: expected"),
        (dict(model="best"), TEXTS, LABELS, "^model is 'best': expected one of auto"),
        (dict(random_state=-1), TEXTS, LABELS, "^random_state is -1"),
        (dict(leak=0.5), TEXTS, LABELS, "leak goes with an echo state network"),
        ({}, TEXTS, LABELS[1:], "inconsistent numbers of samples"),
        ({}, TEXTS, np.linspace(0, 1, 60), "expected one class for each text"),
        ({}, TEXTS, np.eye(60)[:, :2], "expected one class for each text"),
        ({}, TEXTS, [["a"], ["a", "b"]] * 30, "expected one class for each text"),
        ({}, TEXTS, [*LABELS[1:], None], "None: expected one class"),
        ({}, TEXTS, ["a"] * 60, "1 class .'a'.*: expected from 2"),
        ({}, ["a", " "], ["x", "y"], "1 class .'x'. in rows with a text"),
        ({}, ["a", "a"], ["x", "y"], "1 distinct text"),
        ({}, [*TEXTS[1:], None], LABELS, "text 60 is None"),
        ({}, "text", LABELS, "expected a sequence of texts"),
        ({}, np.eye(60), LABELS, "shape .60, 60.: expected texts"),
    ],
)
def test_what_cannot_be_learnt_is_a_value_error(changes, texts, labels, says):
    with pytest.raises(ValueError, match=says):
        clone(LINEAR).set_params(**changes).fit(texts, labels)


def test_an_estimator_that_has_not_learnt_says_so():
    with pytest.raises(NotFittedError):
        LINEAR.predict(TEXTS)


class OfNumbers(TextRNNClassifier):
    """The same for tables of numbers, which is what the checks of scikit-learn give: a number becomes a word."""

    def fit(self, X, y):
        return super().fit(self._words(X, reset=True), y)

    def predict_proba(self, X):
        return super().predict_proba(self._words(X, reset=False))

    def _words(self, X, *, reset):
        from sklearn.utils.validation import validate_data

        rows = validate_data(self, X, reset=reset).tolist()
        return [" ".join(f"c{place}v{round(4 * number)}" for place, number in enumerate(row)) for row in rows]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array, tags.input_tags.two_d_array = False, True
        return tags


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(estimator_checks, "estimator_checks_generator"), reason="scikit-learn before 1.6")
def test_checks_of_scikit_learn():
    model = OfNumbers(model="linear", time_s=600, random_state=0)
    done = estimator_checks.check_estimator(model, on_fail=None, on_skip=None)
    assert len(done) > 40 and not [found for found in done if found["status"] == "failed"]
