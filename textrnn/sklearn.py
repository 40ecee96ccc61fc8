"""The classifier of `textrnn classify` as one of scikit-learn.

Example:
    from textrnn.sklearn import TextRNNClassifier
    cross_val_score(TextRNNClassifier(model="linear"), texts, labels)
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from textrnn.base.config import expected
from textrnn.base.errors import KEYWORDS, ConfigError, TextRNNError, in_keywords
from textrnn.classifier.call import Call, check_call
from textrnn.classifier.data import MOST_CLASSES, Rows
from textrnn.classifier.kinds import Classes
from textrnn.classifier.models import FitRequest
from textrnn.classifier.options import GROUPS, MODELS, ClassifierConfig, check_options
from textrnn.classifier.predict import TextClassifier, open_classifier
from textrnn.classifier.run import new_details, save_models
from textrnn.classifier.train import Fitter, start_networks, usual_time_s
from textrnn.nn.reservoir_options import ReservoirConfig
from textrnn.text.given import given_texts
from textrnn.text.options import NormalizeConfig
from textrnn.training.display import Display

COMMAND = "textrnn.sklearn"
NAMES = {**KEYWORDS, "random-seed": "random_state"}
OTHERWISE = "textrnn.classify learns several labels a row, grades and numbers"
WITHOUT = ("random_seed", "freeze_embed", "freeze_layers")  # `random_state` says the seed, and no other run begins it
OWN = dict(model="auto", balanced=False, random_state=None, verbose=False)
OPTIONS = {
    item.name: item.default
    for group in (NormalizeConfig, *GROUPS, ReservoirConfig)
    for item in dataclasses.fields(group)
    if item.name not in WITHOUT
}


def _signature() -> inspect.Signature:
    """That of `__init__`: scikit-learn reads the parameters and their defaults from it."""
    kind = inspect.Parameter.KEYWORD_ONLY
    own = [inspect.Parameter(name, kind, default=default) for name, default in {**OWN, **OPTIONS}.items()]
    return inspect.Signature([inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD), *own])


class TextRNNClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Tells the class of texts by a linear model of n-grams, recurrent networks, or both.

    `fit` learns from all rows that have a text; nothing is written to the current folder. What `textrnn.classify`
    holds out to measure on, `cross_val_score` and the like do here.

    Args:
        model: `auto` for what is best on rows that a model has not learnt from, `rnn`, `linear` or `combined`.
        balanced: whether each class counts the same, however many rows it has.
        random_state: seed of all that is drawn, as everywhere in scikit-learn.
        verbose: whether to tell on standard error what happens.
        options: those of `textrnn.classify`, such as `arch="gru"`, `units=64`, `epochs=5` or `time_s=60`. These seconds
            are of one `fit`: by default from 40 to 600, by the amount of text; a linear model alone seldom needs them.

    Attributes:
        classes_: the labels, sorted, ndarray[classes].
        model_: what `textrnn.load` gives, with `classify` and `explain`; its labels are those of `classes_` as text.
        run_: the files of the saved run by their names, in bytes. A pickle has these and not `model_`.

    Raises:
        ValueError: from `fit` and `predict`, where a parameter, a text or a label cannot be used.
        NotFittedError: from `predict`, before `fit`.

    Example:
        >>> from textrnn.sklearn import TextRNNClassifier
        >>> texts, labels = ["good tea", "bad tea", "good bed", "bad bed", "good", "bad"], [1, 0, 1, 0, 1, 0]
        >>> TextRNNClassifier(model="linear", random_state=0).fit(texts, labels).predict(["a good room"])
        array([1])
    """

    def __init__(self, **options: Any) -> None:
        if unknown := sorted(options.keys() - OWN.keys() - OPTIONS.keys()):
            raise TypeError(f"{type(self).__name__} has no parameter {', '.join(unknown)}")
        for name, default in {**OWN, **OPTIONS}.items():
            setattr(self, name, options.get(name, default))

    __init__.__signature__ = _signature()  # type: ignore[attr-defined]

    def fit(self, X: Any, y: Any) -> TextRNNClassifier:
        """Learns from texts and their classes.

        Args:
            X: some texts: any iterable of strings, or one column of them. Blank ones are left out.
            y: the class of each: strings, whole numbers or truth values.
        """
        begin = time.monotonic()
        with _value_errors():
            config = self._config()
            texts, labels = _texts(X), _labels(y)
            check_consistent_length(texts, labels)
            known = [row for row, text in enumerate(texts) if text.strip()]
            self.classes_, codes = _coded(labels[known])
            rows = Rows([texts[row] for row in known], codes, np.array(known, np.int64) + 1)
            self.run_ = self._learnt(rows, config, begin)
            self.model_ = _opened(self.run_)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, float64[rows, classes]; of a blank text the shares of the classes."""
        check_is_fitted(self)
        with _value_errors():
            return np.array([found.predictions for found in self.model_.stream(_texts(X))])

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each text, ndarray[rows]."""
        best = self.predict_proba(X).argmax(1)
        found: np.ndarray = self.classes_[best]
        return found

    def _config(self) -> ClassifierConfig:
        """All options; raises ConfigError."""
        values = {name: _plain(value) for name, value in self.get_params(deep=False).items()}
        if values["model"] not in MODELS:
            raise ConfigError(f"model is {values['model']!r:.60}: expected {expected(dict(choices=MODELS))}")
        given = {name: values[name] for name, default in OPTIONS.items() if values[name] != default}
        check_options(given)
        seed = values["random_state"]
        if not isinstance(seed, int):
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        config = ClassifierConfig.from_options({**given, "random_seed": seed})
        check_call(Call(kind=values["model"], balanced=bool(self.balanced)), config)
        return config

    def _learnt(self, rows: Rows, config: ClassifierConfig, begin: float) -> dict[str, bytes]:
        """The files of the run that is made of some rows."""
        kind, display = Classes([str(label) for label in self.classes_.tolist()]), Display(quiet=not self.verbose)
        request = FitRequest(config, kind, self.model, bool(self.balanced), say=display.say, on_progress=display.update)
        start_networks(request, display)
        end = begin + (config.stop.time_s or usual_time_s(rows.texts))
        models = Fitter(request, iter([lambda: end - time.monotonic()]), display).fit(rows)
        details = new_details(config, kind, {"name": COMMAND}, COMMAND)
        details["status"] = "finished"
        with tempfile.TemporaryDirectory(prefix="textrnn-") as folder:
            save_models(Path(folder), details, models, kind, rows.labels)
            return {path.name: path.read_bytes() for path in Path(folder).iterdir()}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "model_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "run_" in state:
            self.model_ = _opened(self.run_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array, tags.input_tags.two_d_array, tags.input_tags.string = True, False, True
        tags.non_deterministic = True
        return tags

    def _more_tags(self) -> dict[str, Any]:  # the same for scikit-learn before 1.6
        return dict(X_types=["string"], non_deterministic=True)


@contextlib.contextmanager
def _value_errors() -> Iterator[None]:
    """What cannot be used raises what users of scikit-learn expect."""
    try:
        yield
    except TextRNNError as error:
        raise ValueError(in_keywords(str(error), NAMES)) from error


def _plain(value: Any) -> Any:
    """A parameter without NumPy's types, which searches draw."""
    return value.item() if isinstance(value, np.generic) else value


def _texts(X: Any) -> list[str]:
    """The texts of a sequence or of one column; raises ValueError, DataError, ConfigError."""
    if isinstance(X, str | bytes | Mapping) or not hasattr(X, "__iter__"):
        raise ValueError(f"X is {X!r:.60}: expected a sequence of texts")
    cells = np.asarray(X if hasattr(X, "__array__") else list(X), object)
    if cells.ndim > 2 or (cells.ndim == 2 and cells.shape[1] != 1):
        raise ValueError(f"X has the shape {cells.shape}: expected texts, or one column of them")
    if not len(cells):
        raise ValueError(f"Found array with 0 sample(s) (shape={cells.shape}): expected at least one text")
    return list(given_texts(cells.ravel().tolist()))


def _labels(y: Any) -> np.ndarray:
    """The label of each row, ndarray[rows]; raises ValueError."""
    if y is None:
        raise ValueError("TextRNNClassifier requires y to be passed, but the target y is None: expected classes")
    try:
        labels: np.ndarray = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        if any(label is None or label != label for label in labels.tolist()):
            raise ValueError("Input y contains NaN or None")
        check_classification_targets(labels)
    except ValueError as error:
        raise ValueError(f"{error}: expected one class for each text ({OTHERWISE})") from None
    return labels


def _coded(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The classes, sorted, and int64[rows], the number of each; raises ValueError."""
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise ValueError(f"the classes of y cannot be sorted: {error}; expected all of one type") from None
    if not 2 <= len(classes) <= MOST_CLASSES:
        only = f" ({classes.item()!r:.60})" if len(classes) == 1 else ""
        raise ValueError(
            f"y has {len(classes):,} class{'es' * (len(classes) != 1)}{only} in rows with a text: expected from 2 to "
            f"{MOST_CLASSES:,}"
        )
    return classes, codes.astype(np.int64)


def _opened(run: Mapping[str, bytes]) -> TextClassifier:
    """Opens a run that is held in memory; raises RunError where it is damaged."""
    with tempfile.TemporaryDirectory(prefix="textrnn-") as folder:
        for name, data in run.items():
            (Path(folder) / Path(name).name).write_bytes(data)
        return dataclasses.replace(open_classifier(Path(folder)), path=None)
