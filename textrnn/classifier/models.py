"""From labelled texts to all models of a classifier: the linear one, recurrent networks, and how they are combined.

Each recurrent network is trained without one fold of the rows and predicts that fold. Temperatures, the mixture and the
model that is used are chosen on these predictions, and all networks are kept as an ensemble: none is trained twice.
With more networks than folds the rows are cut into folds anew: of each row the mean of what several networks predict is
nearer to what the ensemble will predict. Where there are texts without labels a network learns from them too, see
`textrnn.classifier.self_training`.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from textrnn.classifier.combine import Choice, choose
from textrnn.classifier.kinds import mean_loss
from textrnn.classifier.label_kind import LabelKind
from textrnn.classifier.linear import LinearModel
from textrnn.classifier.linear_fit import Refit, fit_linear
from textrnn.classifier.network_request import FittedNetwork, NetworkRequest, PretrainRequest
from textrnn.classifier.options import ClassifierConfig
from textrnn.classifier.self_training import FEWEST, LEARNING_SHARE, SelfTraining
from textrnn.classifier.splits import folded, folds
from textrnn.classifier.vectors import StartVectors, vocabulary_with_vectors
from textrnn.classifier.warm_start import WarmStart
from textrnn.nn.reservoir_options import ESN
from textrnn.text.rows import cut
from textrnn.text.tokens.vocabulary import WORD, Vocabulary, build_vocabulary

NUM_FOLDS, MANY_FOLDS, MANY_ROWS = 5, 10, 20_000  # of many rows, a tenth is enough to choose on
LINEAR_SHARE, LINEAR_ALONE_SHARE = 0.2, 0.8  # of the time, at most
NETWORKS, NETWORKS_IN_TIME = 5, 10  # at most: nobody waits for more who has not said how long
# Another network is trained if this many times the seconds of the last one are left, and for each network so much more,
# as all of them read what is measured on.
ANOTHER, READING = 1.1, 0.05

AllIds = Callable[[], Sequence[np.ndarray]]  # of all texts, labelled or not, where they are needed


@dataclass
class Models:
    """All that was fitted, and how it is used.

    Attributes:
        linear: the linear model, fitted to all rows.
        vocabulary: of the networks.
        networks: the weights of each by name.
        history: of all networks, with `network` in each row.
        choice: which model is used.
    """

    linear: LinearModel | None = None
    vocabulary: Vocabulary | None = None
    networks: list[dict[str, np.ndarray]] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)
    choice: Choice = field(default_factory=lambda: Choice("linear"))


@dataclass(frozen=True)
class FitRequest:
    """What all models learn from, and within which time.

    Attributes:
        config: all options.
        label_kind: what the labels are.
        kind: `auto`, `rnn`, `linear` or `combined`.
        balanced: whether each class counts the same, however many rows it has.
        texts: normalised.
        labels: of each text, as their kind has them.
        unlabelled: further texts of the same kind, normalised.
        start: what the networks begin with; None for drawn weights.
        left_s: gives the seconds that are left.
        interrupted: whether to end soon, with what there is.
        say: is called with a line about what happened.
        on_progress: is called with the share that is done of the networks, and a detail.
    """

    config: ClassifierConfig
    label_kind: LabelKind
    kind: str = "auto"
    balanced: bool = False
    texts: Sequence[str] = ()
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    unlabelled: Sequence[str] = ()
    start: WarmStart | None = None
    left_s: Callable[[], float] = lambda: float("inf")
    interrupted: Callable[[], bool] = lambda: False
    say: Callable[[str], None] = lambda line: None
    on_progress: Callable[[float, str], None] = lambda done, detail: None

    @property
    def row_weights(self) -> np.ndarray:
        """float64[rows], what each row counts."""
        if not self.balanced:
            return np.ones(len(self.labels))
        counts = np.bincount(self.labels, minlength=len(self.label_kind.names))
        weights: np.ndarray = (len(self.labels) / (len(counts) * np.maximum(counts, 1)))[self.labels]
        return weights


def fit_models(request: FitRequest) -> Models:
    """Fits what `request.kind` asks for, and chooses on held-out rows what is used."""
    models, outputs = Models(), dict[str, np.ndarray]()
    # First of all, because a file of vectors may turn out to be damaged.
    tokens = None if request.kind == "linear" else _make_vocabulary(request)
    refit = None
    if request.kind != "rnn":
        models.linear, outputs["linear"], refit = _fit_linear(request)
    if tokens is not None and (request.kind == "rnn" or not request.interrupted()):
        outputs["rnn"] = _fit_networks(request, models, *tokens, refit)
    models.choice = choose(outputs, request.labels, request.label_kind, request.kind)
    return models


def _make_vocabulary(request: FitRequest) -> tuple[Vocabulary, StartVectors | None]:
    """The vocabulary of the networks, and what their embeddings start with."""
    tokens, texts = request.config.tokens, [*request.texts, *request.unlabelled]
    sizes: dict[str, Any] = dict(level=tokens.level, max_size=tokens.vocab_size, min_count=tokens.min_count)
    if tokens.vectors is None:
        known = None if request.start is None else request.start.vocabulary
        vocabulary = build_vocabulary(texts, **sizes, known=known)
        if known is not None:
            request.say(f"{vocabulary.vocab_size - known.vocab_size:,} tokens of the rows are new to the networks")
        return vocabulary, None
    unicode, interrupted = request.config.normalize.unicode, request.interrupted
    found = vocabulary_with_vectors(texts, tokens.vectors, **sizes, unicode=unicode, interrupted=interrupted)
    vocabulary, vectors, words = found
    request.say(words)
    return vocabulary, vectors


def _fit_linear(request: FitRequest) -> tuple[LinearModel, np.ndarray, Refit | None]:
    """The linear model, outputs float64[rows, outputs] of each row from a model that had not learnt from it, and what
    fits it to some of the rows, if there are texts without labels."""
    begin, share = time.monotonic(), LINEAR_ALONE_SHARE if request.kind == "linear" else LINEAR_SHARE
    fitted = fit_linear(
        request.texts,
        request.labels,
        rng=np.random.default_rng((request.config.optimization.random_seed, 1)),
        time_s=share * request.left_s(),
        kind=request.label_kind,
        row_weights=request.row_weights,
        interrupted=request.interrupted,
    )
    known = ~np.isnan(fitted.outputs[:, 0])
    loss = mean_loss(request.label_kind, request.labels[known], fitted.outputs[known])
    spent = time.monotonic() - begin
    request.say(f"linear model: {request.label_kind.in_words(loss)} in cross-validation, {spent:.0f} s")
    return fitted.model, np.asarray(fitted.outputs), fitted.refit if request.unlabelled else None


def _fit_networks(
    request: FitRequest,
    models: Models,
    vocabulary: Vocabulary,
    vectors: StartVectors | None,
    refit: Refit | None = None,
) -> np.ndarray:
    """Trains networks while there is time; their outputs, float64[rows, outputs], NaN where not held out."""
    config, labels, models.vocabulary = request.config, request.labels, vocabulary
    seed = config.optimization.random_seed
    ids = _encoded(request.texts, vocabulary, config)
    all_ids = functools.cache(lambda: [*ids, *_encoded(request.unlabelled, vocabulary, config)])
    if vectors is None:
        vectors = _vectors_of_texts(request, all_ids, vocabulary)
    pretrained = _pretrained(request, all_ids, vocabulary, vectors)
    train = _train_function(request, vocabulary, refit)
    total, times = np.zeros((len(labels), request.label_kind.num_outputs)), np.zeros((len(labels), 1))
    weights = request.row_weights
    count = config.ensemble.networks or (NETWORKS if config.stop.time_s is None else NETWORKS_IN_TIME)
    for number, (learnt, held) in enumerate(itertools.islice(_folds(request), count)):
        begin = time.monotonic()
        asked = NetworkRequest(
            config=config,
            texts=[ids[row] for row in learnt],
            labels=labels[learnt],
            held=[ids[row] for row in held],
            vocab_size=vocabulary.vocab_size,
            vectors=vectors,
            kind=request.label_kind,
            row_weights=weights[learnt],
            initial=pretrained if request.start is None else request.start.weights_of(number),
            random_seed=seed + number,
            seconds=max(1.0, LEARNING_SHARE * request.left_s()),
            interrupted=request.interrupted,
            on_step=lambda done, nats, number=number: request.on_progress(  # type: ignore[misc]
                (number + done) / count, f"network {number + 1} of {count}  loss {nats:.3f}"
            ),
        )
        fitted = train(asked, learnt, held)
        models.networks.append(fitted.weights)
        models.history += [{"network": number + 1, **row} for row in fitted.history]
        total[held] += fitted.outputs
        times[held] += 1
        spent, loss = time.monotonic() - begin, mean_loss(request.label_kind, labels[held], fitted.outputs)
        request.say(f"network {number + 1}: {request.label_kind.in_words(loss)} on rows it has not seen, {spent:.0f} s")
        if request.interrupted() or request.left_s() < (ANOTHER + READING * (number + 2)) * spent:
            break
    return np.divide(total, times, out=np.full_like(total, np.nan), where=times > 0)


def _train_function(
    request: FitRequest, vocabulary: Vocabulary, refit: Refit | None
) -> Callable[[NetworkRequest, np.ndarray, np.ndarray], FittedNetwork]:
    """What trains a network by a request, the rows that it learns from and those that it leaves out.

    Of texts without labels that are also rows nothing is learnt: their labels are known. Few texts are not worth a
    second network.
    """
    config = request.config
    fit, known = _fit_function(config), {folded(text) for text in request.texts} if request.unlabelled else set()
    texts = [text for text in request.unlabelled if folded(text) not in known]
    if len(texts) < FEWEST * len(request.texts):
        return lambda asked, learnt, held: fit(asked)
    rng = np.random.default_rng((config.optimization.random_seed, 3))
    return SelfTraining(
        fit=fit,
        texts=[texts[place] for place in rng.permutation(len(texts)).tolist()],
        rows=request.texts,
        labels=request.labels,
        encode=lambda some: _encoded(some, vocabulary, config),
        refit=refit,
        left_s=request.left_s,
        say=request.say,
    ).train


def _encoded(texts: Sequence[str], vocabulary: Vocabulary, config: ClassifierConfig) -> list[np.ndarray]:
    """The ids that are read of each text, int32[steps]."""
    return [cut(vocabulary.encode(text), config.tokens.max_length) for text in texts]


def _fit_function(config: ClassifierConfig) -> Callable[[NetworkRequest], FittedNetwork]:
    """What fits one network: a reservoir's readout, or all weights."""
    if config.encoder.arch == ESN:
        from textrnn.classifier.reservoir import fit_reservoir

        return fit_reservoir
    from textrnn.classifier.fit import fit_classifier

    return fit_classifier


def _folds(request: FitRequest) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Which rows each network learns from, and which it predicts, without end; the rows are cut into no more folds at a
    time than the smallest class has rows."""
    strata = request.label_kind.strata(request.labels)
    counts = np.bincount(strata)
    num_folds = NUM_FOLDS if len(request.labels) < MANY_ROWS else MANY_FOLDS
    num_folds = min(num_folds, max(2, int(counts[counts > 0].min())))
    for number in itertools.count():
        rng = np.random.default_rng((request.config.optimization.random_seed, 2, number))
        yield from folds(request.texts, strata, num_folds, rng)


def _vectors_of_texts(request: FitRequest, all_ids: AllIds, vocabulary: Vocabulary) -> StartVectors | None:
    """What the embeddings of words begin with, by all texts; None where they begin with drawn or given vectors.

    Those of characters are drawn: vectors did not help there (`benchmarks/README.md`). Texts of the fold that a network
    is evaluated on are among them, but no labels: nothing of the answers leaks.
    """
    config, begin = request.config, time.monotonic()
    if config.encoder.arch == ESN or request.start is not None or vocabulary.level != WORD:
        return None
    from textrnn.classifier.cooccurrence import vectors_of

    ids = all_ids()
    seed, width = config.optimization.random_seed, config.encoder.embed
    found = vectors_of(ids, vocabulary.vocab_size, width, random_seed=seed, interrupted=request.interrupted)
    if found is not None:
        spent = time.monotonic() - begin
        words = f"vectors of {len(found.ids):,} tokens by what stands beside them in {len(ids):,} texts"
        request.say(f"{words}, {spent:.0f} s")
    return found


def _pretrained(
    request: FitRequest, all_ids: AllIds, vocabulary: Vocabulary, vectors: StartVectors | None
) -> dict[str, np.ndarray]:
    """The weights that all networks begin with, learnt from texts alone; none if that gets no time."""
    config, begin = request.config, time.monotonic()
    share = config.ensemble.pretrain
    if not share or config.encoder.arch == ESN or request.start is not None or request.interrupted():
        return {}
    from textrnn.classifier.pretrain import pretrain

    ids = all_ids()
    found = pretrain(
        PretrainRequest(
            config=config,
            texts=ids,
            vocab_size=vocabulary.vocab_size,
            vectors=vectors,
            random_seed=config.optimization.random_seed,
            seconds=max(1.0, share * request.left_s()),
            interrupted=request.interrupted,
            on_step=lambda done, nats: request.on_progress(done, f"pretraining  {nats:.3f} nats"),
        )
    )
    spent = time.monotonic() - begin
    request.say(f"pretrained on {len(ids):,} texts: {found.nats:.3f} nats, {found.epochs:.1f} passes, {spent:.0f} s")
    return found.weights
