"""From labelled texts to all models of a classifier: the linear one, recurrent networks, and how they are combined.

Each recurrent network is trained without one fold of the rows and predicts that fold. So everything that has to be
chosen on rows that were not learnt from (temperatures, the mixture, which model is used) is chosen on the folds that
were predicted like that, and no network is thrown away or trained twice.
"""

from __future__ import annotations

import contextlib
import functools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from textrnn.classifier.combine import Mixture, best_mixture
from textrnn.classifier.data import Fitted, ToFit
from textrnn.classifier.linear import LinearModel
from textrnn.classifier.linear_fit import fit_linear
from textrnn.classifier.options import ClassifierConfig
from textrnn.classifier.splits import folds
from textrnn.classifier.vectors import StartVectors, vocabulary_with_vectors
from textrnn.nn.reservoir_options import ESN
from textrnn.report.calibration import apply_temperature, fit_temperature
from textrnn.text.rows import cut
from textrnn.text.tokens.vocabulary import Vocabulary, build_vocabulary

NUM_FOLDS, MANY_FOLDS, MANY_ROWS = 5, 10, 20_000  # of many rows, a tenth is enough to choose on
LINEAR_SHARE = 0.2  # of the time, at most
LEARNING_SHARE = 0.8  # of what is left; the rest is for reading what was held out and what is measured on
PRETRAINING_SHARE = (
    0.3  # of what is left, with many texts without labels; with few it did not pay (`benchmarks/README.md`)
)
ANOTHER = 1.3  # times what the last network took has to be left for one more


@dataclass
class Models:
    """All that was fitted, and how it is used.

    Attributes:
        chosen: `linear`, `rnn` or `combined`.
        linear: the linear model, fitted to all rows.
        vocabulary: of the networks.
        vectors: what their embeddings start with.
        networks: the weights of each by name.
        temperatures: by model.
        mixture: of linear and recurrent probabilities.
        held: on rows that were not learnt from, the accuracy of each model.
        history: of all networks, with `network` in each row.
        held_rows: int64, rows that some network has predicted without knowing them.
        held_probabilities: float64[held rows, classes] of each model.
    """

    chosen: str = "linear"
    linear: LinearModel | None = None
    vocabulary: Vocabulary | None = None
    vectors: StartVectors | None = None
    networks: list[dict[str, np.ndarray]] = field(default_factory=list)
    temperatures: dict[str, float] = field(default_factory=dict)
    mixture: Mixture | None = None
    held: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    held_rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    held_probabilities: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass
class Task:
    """What is to be learnt, and within which time.

    Attributes:
        texts: normalised.
        labels: int64[rows].
        num_classes: number of classes.
        config: all options.
        kind: `auto`, `rnn`, `linear` or `combined`.
        class_weights: float64[classes], what a row of each class counts.
        left_s: seconds that are left now.
        interrupted: whether to end soon, with what there is.
        say: told what happens, in a line.
        progress: told what is done of the networks, as a share, with a detail.
        unlabelled: further texts of the same kind, normalised, for the networks to pretrain on.
    """

    texts: Sequence[str]
    labels: np.ndarray
    num_classes: int
    config: ClassifierConfig
    kind: str
    class_weights: np.ndarray
    left_s: Callable[[], float]
    interrupted: Callable[[], bool]
    say: Callable[[str], None]
    progress: Callable[[float, str], None]
    unlabelled: Sequence[str] = ()


def fit_models(task: Task) -> Models:
    """Fits what `task.kind` asks for, and decides on held-out rows what is used."""
    models, logits = Models(), dict[str, np.ndarray]()
    vocabulary = None if task.kind == "linear" else _make_vocabulary(task, models)
    if task.kind != "rnn":
        logits["linear"] = _fit_linear(task, models)
    if vocabulary is not None and (task.kind == "rnn" or not task.interrupted()):
        logits["rnn"] = _fit_networks(task, models, vocabulary)
    _decide(task, models, logits)
    return models


def _fit_linear(task: Task, models: Models) -> np.ndarray:
    """Fits the linear model; its logits for each row, from a model that had not learnt from it."""
    begin = time.monotonic()
    rng = np.random.default_rng((task.config.fit.random_seed, 1))
    fitted = fit_linear(
        task.texts,
        task.labels,
        task.num_classes,
        rng=rng,
        time_s=LINEAR_SHARE * task.left_s() if task.kind != "linear" else 0.8 * task.left_s(),
        class_weights=task.class_weights,
        interrupted=task.interrupted,
    )
    models.linear = fitted.model
    known = ~np.isnan(fitted.logits[:, 0])
    right = float((fitted.logits[known].argmax(1) == task.labels[known]).mean())
    task.say(f"linear model: {100 * right:.1f} % right in cross-validation, {time.monotonic() - begin:.0f} s")
    return np.asarray(fitted.logits)


def _make_vocabulary(task: Task, models: Models) -> Vocabulary:
    """The vocabulary of the networks; first of all, because a file of vectors may turn out to be damaged."""
    fit, texts = task.config.fit, [*task.texts, *task.unlabelled]
    sizes: dict[str, Any] = dict(level=fit.level, max_size=fit.vocab_size, min_count=fit.min_count)
    if fit.vectors is None:
        return build_vocabulary(texts, **sizes)
    unicode, interrupted = task.config.normalize.unicode, task.interrupted
    found = vocabulary_with_vectors(texts, fit.vectors, **sizes, unicode=unicode, interrupted=interrupted)
    vocabulary, models.vectors, told = found
    task.say(told)
    return vocabulary


def _fit_networks(task: Task, models: Models, vocabulary: Vocabulary) -> np.ndarray:
    """Trains recurrent networks while there is time; their logits, float64[rows, classes], NaN where not held out."""
    config, labels = task.config, task.labels
    seed = config.fit.random_seed
    models.vocabulary = vocabulary
    ids = [cut(vocabulary.encode(text), config.fit.max_length) for text in task.texts]
    fit = _fit_function(task, models, vocabulary, ids)
    num_folds = NUM_FOLDS if len(labels) < MANY_ROWS else MANY_FOLDS
    pairs = folds(task.texts, labels, min(num_folds, _smallest_class(labels)), np.random.default_rng((seed, 2)))
    logits = np.full((len(labels), task.num_classes), np.nan)
    count = min(config.fit.networks, len(pairs))
    for number, (learnt, held) in enumerate(pairs[:count]):
        begin, left = time.monotonic(), task.left_s()
        to_fit = ToFit(
            config,
            [ids[row] for row in learnt],
            labels[learnt],
            [ids[row] for row in held],
            vocab_size=vocabulary.vocab_size,
            num_classes=task.num_classes,
            class_weights=task.class_weights,
            random_seed=seed + number,
            seconds=max(1.0, LEARNING_SHARE * left),
            interrupted=task.interrupted,
            on_step=lambda done, nats, number=number: task.progress(  # type: ignore[misc]
                (number + done) / count, f"network {number + 1} of {count}  {nats:.3f} nats"
            ),
        )
        fitted = fit(to_fit)
        models.networks.append(fitted.weights)
        models.history += [{"network": number + 1, **row} for row in fitted.history]
        logits[held] = fitted.logits
        spent, right = time.monotonic() - begin, (fitted.logits.argmax(1) == labels[held]).mean()
        task.say(f"network {number + 1}: {100 * right:.1f} % right on rows it has not seen, {spent:.0f} s")
        if task.interrupted() or task.left_s() < ANOTHER * spent:
            break
    return logits


def _fit_function(
    task: Task, models: Models, vocabulary: Vocabulary, ids: Sequence[np.ndarray]
) -> Callable[[ToFit], Fitted]:
    """What fits one network: a reservoir's readout, or all weights from what they begin with."""
    if task.config.encoder.arch == ESN:
        from textrnn.classifier.reservoir_fit import fit_reservoir

        return fit_reservoir
    from textrnn.classifier.fit import fit_classifier

    initial = _pretrained(task, models, vocabulary, ids)
    return functools.partial(fit_classifier, vectors=models.vectors, initial=initial)


def _pretrained(
    task: Task, models: Models, vocabulary: Vocabulary, ids: Sequence[np.ndarray]
) -> dict[str, np.ndarray] | None:
    """The weights that all networks begin with, learnt from texts alone; None if that gets no time.

    Texts that a network is judged by are among these, as is fair for texts: their labels are not.
    """
    from textrnn.classifier.pretrain import pretrain

    config, begin = task.config, time.monotonic()
    share = config.fit.pretrain
    if share is None:
        share = PRETRAINING_SHARE if len(task.unlabelled) > len(task.texts) else 0.0
    if not share or task.interrupted():
        return None
    more = [cut(vocabulary.encode(text), config.fit.max_length) for text in task.unlabelled]
    found = pretrain(
        config.encoder,
        [*ids, *more],
        vocab_size=vocabulary.vocab_size,
        vectors=models.vectors,
        epochs=config.fit.pretrain_epochs,
        seconds=max(1.0, share * task.left_s()),
        random_seed=config.fit.random_seed,
        interrupted=task.interrupted,
        on_step=lambda done, nats: task.progress(done, f"pretraining  {nats:.3f} nats"),
    )
    spent = time.monotonic() - begin
    task.say(
        f"pretrained on {len(ids) + len(more):,} texts: {found.nats:.3f} nats, {found.epochs:.1f} passes, {spent:.0f} s"
    )
    return found.weights


def _smallest_class(labels: np.ndarray) -> int:
    return max(2, int(np.bincount(labels)[np.unique(labels)].min()))


def _decide(task: Task, models: Models, logits: dict[str, np.ndarray]) -> None:
    """Temperatures, mixture and choice, on rows that all models have predicted without having learnt from them."""
    known = ~np.isnan(np.stack([array[:, 0] for array in logits.values()])).any(0)
    if len(logits) > 1 and not known.any():  # both were cut short, and no row is known to both: the simpler one is used
        return _decide(task, models, {"linear": logits["linear"]})
    labels, rows = task.labels[known], np.flatnonzero(known)
    found = dict[str, np.ndarray]()
    for name, array in logits.items():
        models.temperatures[name] = fit_temperature(array[known], labels)
        found[name] = apply_temperature(array[known], models.temperatures[name])
    if {"linear", "rnn"} <= found.keys():
        parts = [found["linear"], found["rnn"]]
        models.mixture = best_mixture(parts, labels)
        found["combined"] = models.mixture(parts)
    models.held = {name: float((own.argmax(1) == labels).mean()) for name, own in found.items()}
    models.held_rows, models.held_probabilities = rows, found
    models.chosen = task.kind if task.kind in found else _simplest_good(found, labels)
    with contextlib.suppress(KeyError):
        shares = ", ".join(f"{name} {100 * models.held[name]:.1f} %" for name in ("linear", "rnn", "combined"))
        task.say(f"right on {len(rows):,} rows that were not learnt from: {shares}; chosen: {models.chosen}")


def _simplest_good(found: dict[str, np.ndarray], labels: np.ndarray) -> str:
    """The first model, unless a later one, which is less simple, is better by more than one standard error.

    The error is that of the difference: the root of the number of rows on which just one of the two is right.

    Reference:
        L. Breiman, J. Friedman, R. Olshen and C. Stone, 1984, Classification and regression trees, section 3.4.3.
    """
    chosen, *others = found
    for name in others:
        new, old = (found[model].argmax(1) == labels for model in (name, chosen))
        if new.sum() - old.sum() > math.sqrt((new != old).sum()):
            chosen = name
    return chosen


def to_weights(models: Models) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """All arrays by name, and the rest for run.json."""
    weights = {f"rnn{k}/{name}": array for k, own in enumerate(models.networks) for name, array in own.items()}
    settings: dict[str, Any] | None = None
    if models.linear is not None:
        weights.update(models.linear.to_arrays())
        settings = models.linear.to_json()
    return weights, dict(
        chosen=models.chosen,
        members=len(models.networks),
        linear=settings,
        temperatures={name: value if math.isfinite(value) else 1.0 for name, value in models.temperatures.items()},
        mixture=None if models.mixture is None else models.mixture.to_json(),
    )
