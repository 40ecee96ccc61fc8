"""Fitting the linear model: n-grams weighted by how much they tell, one logistic regression for each class.

Reference:
    Wang and Manning, 2012, Baselines and bigrams: simple, good sentiment and topic classification. Their log-count
    ratios scale the features; here by the square root of their size, which measured better than either end (tf-idf
    alone, or the whole ratio) in cross-validation on the training rows of six sets (`benchmarks/README.md`).
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from textrnn.classifier.kinds import Grades, mean_loss
from textrnn.classifier.label_kind import GRADES, HUBER, SIGMOID, SOFTMAX, LabelKind
from textrnn.classifier.linear import BNN, LTC, LinearModel, NgramFeatures
from textrnn.classifier.ngrams import CHARS, HEADS, WORDS, NgramKind, batches, ngrams
from textrnn.classifier.splits import folds
from textrnn.text.words import SPACED, script_of

NUM_FOLDS = 5
RATIO_POWER = 0.5  # of the log-count ratio
SMOOTHING = 1.0  # added to each count of it
# Inverse strengths of the L2 penalty that are tried, the most likely one first: in a long text, brought to length 1,
# each n-gram is small. Each is the best one of some training sets (`benchmarks/README.md`).
PENALTIES: tuple[float, ...] = (10.0, 30.0, 3.0)
PENALTIES_OF_LONG: tuple[float, ...] = (100.0, 30.0, 300.0)
PENALTY_OF_PRESENCE, PENALTY_OF_PRESENCE_IN_LONG = 0.3, 1.0  # where only the presence of n-grams counts
LONG_CHARS = 500  # of a text, on average
MOST_CHARS = 8_000_000  # of all texts, up to which n-grams of characters are counted beside those of words
ABSENT = -20.0  # the logit of a class that has no row
SHARPNESS = 4.0  # of the border between grades that are one apart
RIDGE = 3.0  # of the penalty of a ridge regression, for the penalty that is tried first

Kinds = tuple[NgramKind, ...]
Refit = Callable[[np.ndarray], LinearModel]  # from the numbers of some rows, int64[some], to a model of them


class Setting(NamedTuple):
    """How a linear model is learnt.

    Attributes:
        ngrams: that are counted.
        penalty: the inverse strength of the L2 penalty.
        weighting: of the features, see `NgramFeatures`.
        is_one_number: whether grades are learnt as one number, and not each border between two by itself.
    """

    ngrams: Kinds
    penalty: float
    weighting: str = LTC
    is_one_number: bool = False


@dataclass(frozen=True)
class FittedLinear:
    """A linear model, and what it is worth.

    Attributes:
        model: fitted to all rows.
        outputs: float64[rows, outputs], of each row from a model that had not learnt from it; NaN where time was up.
        refit: fits a model of the same setting to some of the rows.
    """

    model: LinearModel
    outputs: np.ndarray
    refit: Refit


def kinds_for(script: str, num_chars: int) -> list[Kinds]:
    """The n-grams that are worth trying for texts of a script, the most likely choice first.

    Example:
        >>> [[kind.unit for kind in kinds] for kinds in kinds_for("spaced", 1000)]
        [['words', 'chars'], ['words', 'chars', 'heads']]
    """
    if script != SPACED:
        return [(NgramKind(CHARS, 1, 4),)]
    words = NgramKind(WORDS, 1, 3)
    if num_chars > MOST_CHARS:
        return [(words,)]
    both = words, NgramKind(CHARS, 2, 5)
    return [both, (*both, NgramKind(HEADS))]


def fit_linear(
    texts: Sequence[str],
    labels: np.ndarray,
    *,
    kind: LabelKind,
    rng: np.random.Generator,
    time_s: float,
    row_weights: np.ndarray,
    interrupted: Callable[[], bool] = lambda: False,
) -> FittedLinear:
    """Fits a linear model; n-grams and penalty are those that do best in cross-validation, as far as time allows.

    Args:
        texts: one for each row.
        labels: of each row, as the kind has them.
        kind: of the labels.
        rng: decides the folds.
        time_s: seconds for cross-validation, and to try more than the most likely settings. One fold is always done.
        row_weights: float64[rows], what each row counts.
        interrupted: whether to end soon.
    """
    begin, script = time.monotonic(), script_of(texts)
    pairs = folds(texts, kind.strata(labels), NUM_FOLDS if len(texts) >= 10 * NUM_FOLDS else 2, rng)
    targets = kind.targets(labels)
    best: tuple[float, Setting, np.ndarray] | None = None
    made: dict[tuple[Kinds, str], tuple[NgramFeatures, Any]] = {}
    for setting in _settings(kind, script, sum(map(len, texts)), len(texts)):
        tried, wanted = time.monotonic(), (setting.ngrams, setting.weighting)
        _, matrix = made[wanted] = made.get(wanted) or make_features(texts, script, *wanted)
        outputs = np.full((len(texts), kind.num_outputs), np.nan)
        for number, (learnt, held) in enumerate(pairs):
            if number and (interrupted() or time.monotonic() - begin > time_s):
                break
            own, bias = solve(kind, matrix[learnt], targets[learnt], row_weights[learnt], setting)
            outputs[held] = matrix[held] @ own + bias
        known = ~np.isnan(outputs[:, 0])
        loss = _loss(kind, labels[known], outputs[known])
        if best is None or (known.all() and loss < best[0]):
            best = loss, setting, outputs
        now = time.monotonic()
        if interrupted() or now - begin + 1.5 * (now - tried) > time_s:
            break
    _, setting, outputs = best  # type: ignore[misc]  # there is always a first one
    features, matrix = made[setting.ngrams, setting.weighting]

    def fitted(matrix: Any, targets: np.ndarray, row_weights: np.ndarray) -> LinearModel:
        own, bias = solve(kind, matrix, targets, row_weights, setting)
        return features.with_weights(own.astype(np.float32), bias)

    def refit(rows: np.ndarray) -> LinearModel:
        return fitted(matrix[rows], targets[rows], row_weights[rows])

    return FittedLinear(fitted(matrix, targets, row_weights), outputs, refit)


def _loss(kind: LabelKind, labels: np.ndarray, outputs: np.ndarray) -> float:
    """What settings are compared by: of classes the log-loss with calibration, of other kinds the mean loss."""
    if kind.loss != SOFTMAX:
        return mean_loss(kind, labels, outputs)
    return kind.nats(labels, kind.predictions(outputs, kind.temperature(outputs, labels)))


def _settings(kind: LabelKind, script: str, num_chars: int, num_texts: int) -> Iterator[Setting]:
    """What is tried, the most likely setting first.

    For classes, NB-SVM is among them: the presence of n-grams counts, however long the text is. In texts of over 2,500
    characters it was better than tf-idf by a point with 2,000 rows (`benchmarks/README.md`).
    """
    ngrams, is_long = kinds_for(script, num_chars), num_chars > LONG_CHARS * num_texts
    penalties = PENALTIES_OF_LONG if is_long else PENALTIES
    tried = [Setting(ngrams[0], penalty) for penalty in penalties]
    presence = Setting(ngrams[0][:1], PENALTY_OF_PRESENCE_IN_LONG if is_long else PENALTY_OF_PRESENCE, BNN)
    more = [Setting(own, penalties[0]) for own in ngrams[1:]]
    tried[1:1] = [presence, *more] if is_long else [*more, presence]
    for setting in tried:
        if kind.loss == HUBER and setting.weighting == BNN:
            continue
        yield setting
        if kind.task == GRADES and setting.weighting == LTC:
            yield setting._replace(is_one_number=True)


def make_features(texts: Sequence[str], script: str, kinds: Kinds, weighting: str = LTC) -> tuple[NgramFeatures, Any]:
    """The n-grams that are in two texts or more, with their inverse document frequencies (`ltc`) or scales of 1
    (`bnn`); and the texts as a sparse matrix of them, float64[texts, features]."""
    from scipy.sparse import csr_matrix

    keys, texts_with = _keys(texts, script, kinds)
    scales = 1 + np.log(len(texts) / texts_with) if weighting == LTC else np.ones(len(keys))
    features = NgramFeatures(script, kinds, weighting, keys, scales.astype(np.float32))
    values, columns, counts = list[np.ndarray](), list[np.ndarray](), [np.zeros(1, np.int64)]
    for part in batches(texts):
        rows, found, own = features.values(texts[part])
        values.append(own)
        columns.append(found)
        counts.append(np.bincount(rows, minlength=part.stop - part.start))
    ends = np.cumsum(np.concatenate(counts))
    return features, csr_matrix((np.concatenate(values), np.concatenate(columns), ends), (len(texts), len(keys)))


def _keys(texts: Sequence[str], script: str, kinds: Kinds) -> tuple[np.ndarray, np.ndarray]:
    """The n-grams that are in two texts or more, uint64 in order, and in how many each of them is."""
    seen = []
    for part in batches(texts):
        for found in ngrams(texts[part], kinds, script):
            order = np.lexsort((found.rows, found.keys))
            keys, rows = found.keys[order], found.rows[order]
            is_new = np.ones(len(keys), bool)
            is_new[1:] = (keys[1:] != keys[:-1]) | (rows[1:] != rows[:-1])
            seen.append(keys[is_new])
    keys, counts = np.unique(np.concatenate(seen), return_counts=True)
    often = counts > 1 if (counts > 1).any() else counts > 0
    return keys[often], counts[often]


def solve(
    kind: LabelKind, matrix: Any, targets: np.ndarray, weights: np.ndarray, setting: Setting
) -> tuple[np.ndarray, np.ndarray]:
    """Weights float64[features, outputs] and bias float64[outputs] of a linear model.

    Args:
        kind: of the labels. Each class is learnt against the others, of two the second; each output of a sigmoid by
            itself; a number by ridge regression.
        matrix: sparse, float64[rows, features].
        targets: see `LabelKind.targets`.
        weights: float64[rows], what each row counts.
        setting: how it is learnt.
    """
    if isinstance(kind, Grades) and setting.is_one_number:
        return _one_number(kind, matrix, targets, weights, setting.penalty)
    if kind.loss == HUBER:
        own, bias = _ridge(matrix, targets[:, 0], weights, setting.penalty)
        return own[:, None], np.array([bias])
    columns = targets > 0.5 if kind.loss == SIGMOID else targets[:, None] == np.arange(kind.num_outputs)
    own, biases = np.zeros((matrix.shape[1], kind.num_outputs)), np.full(kind.num_outputs, ABSENT)
    present = columns.any(0)
    if kind.loss == SOFTMAX and present.sum() == 1:
        biases[present] = 0.0
        return own, biases
    is_pair = kind.loss == SOFTMAX and kind.num_outputs == 2
    for k in [1] if is_pair else np.flatnonzero(present).tolist():
        if columns[:, k].all():
            biases[k] = -ABSENT
        else:
            own[:, k], biases[k] = _against_others(matrix, columns[:, k], weights, setting.penalty)
    if is_pair:
        biases[0] = 0.0
    return own, biases


def _ridge(matrix: Any, targets: np.ndarray, weights: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    from sklearn.linear_model import Ridge

    solver = Ridge(alpha=RIDGE / penalty, solver="lsqr").fit(matrix, targets, sample_weight=weights)
    return np.asarray(solver.coef_), float(solver.intercept_)


def _one_number(
    kind: Grades, matrix: Any, targets: np.ndarray, weights: np.ndarray, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Grades as one number, with borders in the middle between them: a cumulative link with weights that are shared.

    Reference:
        P. McCullagh, 1980, Regression models for ordinal data.
    """
    values = np.asarray(kind.values)
    own, bias = _ridge(matrix, values[targets.sum(1).astype(np.int64)], weights, penalty)
    sharpness = SHARPNESS / np.diff(values).mean()  # about right: the temperature does the rest
    borders = (values[1:] + values[:-1]) / 2
    return np.outer(own, np.full(len(borders), sharpness)), sharpness * (bias - borders)


def _against_others(matrix: Any, is_in: np.ndarray, weights: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    from scipy.sparse import diags
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    scale = _ratios(matrix, is_in)
    solver = LogisticRegression(C=penalty, solver="liblinear", dual=True, tol=0.03, random_state=0)
    with warnings.catch_warnings():  # a few rows that contradict one another take long, and tell nothing
        warnings.simplefilter("ignore", ConvergenceWarning)
        solver.fit((matrix @ diags(scale)).tocsr(), is_in, sample_weight=weights)
    return solver.coef_[0] * scale, float(solver.intercept_[0])


def _ratios(matrix: Any, is_in: np.ndarray) -> np.ndarray:
    """What each feature is multiplied by: a power of the size of its log-count ratio; counted are rows that have it."""
    inside, outside = (
        SMOOTHING + np.bincount(matrix[rows].indices, minlength=matrix.shape[1]) for rows in (is_in, ~is_in)
    )
    ratio = np.abs(np.log(inside / inside.sum()) - np.log(outside / outside.sum()))
    return ratio**RATIO_POWER  # type: ignore[no-any-return]
