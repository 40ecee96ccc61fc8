"""A saved classifier, opened without TensorFlow: it tells the classes of texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import RunError, TextRNNError, for_python
from textrnn.base.files import MODEL_FILE, RUN_FILE, TOKENIZER_FILE, read_json, read_weights
from textrnn.base.run import find_run, read_run
from textrnn.classifier.combine import Mixture, predictions_by_model
from textrnn.classifier.explain import Word, explain
from textrnn.classifier.kinds import kind_from_json
from textrnn.classifier.label_kind import CLASSES, NUMBERS, SEVERAL, LabelKind
from textrnn.classifier.likeness import ARRAY, TEXTS_ARRAY, Likeness
from textrnn.classifier.linear import LinearModel
from textrnn.classifier.options import ClassifierConfig, EncoderConfig
from textrnn.classifier.recurrent import RecurrentClassifier
from textrnn.classifier.reservoir import ReservoirClassifier
from textrnn.classifier.saved import check_kind, check_parts
from textrnn.nn.architectures import check_cells
from textrnn.nn.numpy.threads import in_parts
from textrnn.nn.numpy.weights import Weights
from textrnn.nn.reservoir_options import ESN
from textrnn.text.given import given_texts, like_given
from textrnn.text.normalize import normalize
from textrnn.text.rows import cut
from textrnn.text.tokens.vocabulary import Vocabulary

KIND = "classifier"
CHUNK, CHUNK_CHARS = 8192, 1 << 20  # texts that are worked at a time, and their characters: fewer if they are long
EXPLAINED = 32  # texts that are explained at a time, each of which is asked for some hundred times
OK, EMPTY, TRUNCATED, UNCERTAIN = "ok", "empty", "truncated", "uncertain"


Member = RecurrentClassifier | ReservoirClassifier
Explained = dict[str, list[Word]]  # what words do to each label that is explained, by its name, or to a number


@dataclass(frozen=True)
class Prediction:
    """What is said of one text.

    Attributes:
        label: as it is written in a file: a class or grade, several labels with their separator between them, a number.
        confidence: its probability, that of several labels together the least sure one's; None for a number.
        predictions: float64[width], see `textrnn.classifier.kinds.LabelKind.predictions`.
        status: `ok`, `empty` (no text: the shares of the classes), `truncated` (only its ends were read by the RNN).
    """

    label: str
    confidence: float | None
    predictions: np.ndarray
    status: str = OK


@dataclass
class Networks:
    """Recurrent networks that were trained on parts of the same rows, with their vocabulary; they count equally.

    Attributes:
        members: the networks.
        vocabulary: of all of them.
        max_length: tokens of a text that are read.
    """

    members: Sequence[Member]
    vocabulary: Vocabulary
    max_length: int

    def encode(self, text: str) -> tuple[np.ndarray, bool]:
        """The ids that are read of a text, and whether some are left out."""
        ids = self.vocabulary.encode(text)
        return cut(ids, self.max_length), len(ids) > self.max_length

    def logits(self, ids: Sequence[np.ndarray]) -> np.ndarray:
        """The mean of the members' logits, float64[rows, classes]."""
        logits = [in_parts(member.logits, ids).astype(np.float64) for member in self.members]
        return np.mean(logits, 0)  # type: ignore[no-any-return]


@dataclass
class TextClassifier:
    """A linear model, recurrent networks, or both.

    Attributes:
        kind: of the labels.
        chosen: `linear`, `rnn` or `combined`.
        mean: float64[width], what is predicted of nothing, see `LabelKind.mean`.
        decisions: what the predictions of each model are decided by, see `LabelKind.decision`.
        temperatures: what each model's outputs are divided by, by `linear` and `rnn`.
        linear: the linear model, if there is one.
        networks: the recurrent ones, if there are any.
        mixture: how linear and recurrent predictions are combined.
        config: all options.
        details: the content of `run.json`.
        path: the folder it was loaded from.
        likeness: what texts are usually like; None if that was not measured.
    """

    kind: LabelKind
    chosen: str
    mean: np.ndarray
    decisions: dict[str, np.ndarray]
    temperatures: dict[str, float]
    linear: LinearModel | None
    networks: Networks | None
    mixture: Mixture | None
    config: ClassifierConfig
    details: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None
    likeness: Likeness | None = None

    def __repr__(self) -> str:
        labels = ", ".join(self.classes) or self.kind.task
        return f"<{type(self).__name__} {self.path}: {self.chosen}, {labels:.60}>"

    @property
    def classes(self) -> list[str]:
        """The labels; none for numbers."""
        return list(self.kind.names)

    def decision_of(self, model: str) -> np.ndarray:
        """What the predictions of a model are decided by, float64[any]."""
        return self.decisions.get(model, np.zeros(0))

    def all_predictions(self, texts: Sequence[str], *, every: bool = False) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """What the models say: float64[rows, width] by name; and which texts were truncated, bool[rows].

        Args:
            texts: some of them.
            every: ask all models; else only those that the chosen one needs.
        """
        texts = [normalize(text, self.config.normalize) for text in texts]
        outputs, truncated = dict[str, np.ndarray](), np.zeros(len(texts), bool)
        if self.linear is not None and (every or self.chosen != "rnn"):
            outputs["linear"] = in_parts(self.linear.logits, texts)
        if self.networks is not None and (every or self.chosen != "linear"):
            encoded = [self.networks.encode(text) for text in texts]
            outputs["rnn"] = self.networks.logits([ids for ids, _ in encoded])
            truncated = np.array([is_cut for _, is_cut in encoded], bool)
        return predictions_by_model(outputs, self.temperatures, self.mixture, self.kind), truncated

    def predictions(self, texts: Iterable[str]) -> list[Prediction]:
        """Tells the labels of some texts, which may be any iterable of strings."""
        texts = list(given_texts(texts))
        full = [row for row, text in enumerate(texts) if text.strip()]
        predictions = np.tile(self.mean, (len(texts), 1))
        status = [EMPTY] * len(texts)
        if full:
            found, truncated = self.all_predictions([texts[row] for row in full])
            predictions[full] = found[self.chosen]
            for row, is_cut in zip(full, truncated, strict=True):
                status[row] = TRUNCATED if is_cut else OK
        labels, confidence = self.kind.say(predictions, self.decision_of(self.chosen))
        return [Prediction(*said) for said in zip(labels, confidence, predictions, status, strict=True)]

    def stream(self, texts: Iterable[str]) -> Iterator[Prediction]:
        """Tells the labels of any number of texts, some at a time."""
        some, num_chars = list[str](), 0
        for text in given_texts(texts):
            some.append(text)
            num_chars += len(text)
            if len(some) == CHUNK or num_chars >= CHUNK_CHARS:
                yield from self.predictions(some)
                some, num_chars = [], 0
        yield from self.predictions(some)

    @for_python
    def classify(self, texts: Iterable[str], column: str | None = None) -> Any:
        """Tells the classes of some texts.

        Args:
            texts: any iterable of strings, read in its order; a pandas Series or DataFrame too.
            column: of a DataFrame, the name of the column with the texts.

        Returns:
            for each text a dict of `label`, `confidence`, `probabilities` (by label) and `status`; of several labels a
            row also `labels`; of a number `value`, `low` and `high` (see `LabelKind.decision`) instead of confidence
            and probabilities. They are a list; for a Series one with the same index; for a DataFrame a copy with the
            columns that a table gets, see `columns`.

        Raises:
            ConfigError: `texts` is a single text, or the column is missing.
            DataError: one of them is no text; the message names its place.

        Example:
            textrnn.load("models/reviews").classify(["Lovely tea.", "Never again."])
        """
        made = self.predictions(given_texts(texts, column))
        return like_given(texts, [self._as_dict(found) for found in made], self._columns(made))

    predict = classify  # the name that other libraries give it

    def stream_explained(self, rows: Iterable[tuple[str, Any]]) -> Iterator[tuple[Prediction, Explained]]:
        """Tells the labels of any number of texts, and what their words did to that.

        Args:
            rows: each text, and its label as the kind has it if it is known, else None.
        """
        rest, decision = iter(rows), self.decision_of(self.chosen)
        while some := list(islice(rest, EXPLAINED)):
            texts = [text for text, _ in some]
            made = self.predictions(texts)
            given = np.stack([found.predictions for found in made])
            columns = [self.kind.explained(own, decision, label) for own, (_, label) in zip(given, some, strict=True)]
            words = explain(
                texts,
                given,
                columns,
                model=lambda changed: self.all_predictions(changed)[0][self.chosen],
                scores=self.kind.scores,
            )
            for found, places, parts in zip(made, columns, words, strict=True):
                yield (
                    found,
                    {self.classes[k] if self.classes else "": own for k, own in zip(places, parts, strict=True)},
                )

    @for_python
    def explain(self, texts: Iterable[str], column: str | None = None) -> Any:
        """Tells the labels of some texts, and which words they come from; slow, see `textrnn.classifier.explain`.

        Args:
            texts, column: as for `classify`.

        Returns:
            what `classify` does, and `words`: of each word that was measured `text`, `begin` and `end` (where it is in
            the text, half-open) and `weight` (what it adds to the log-odds of the label, in nats, or to the number).
            Where a text has several labels, such a list for each that is predicted, or for the most probable one, by
            its name.

        Example:
            textrnn.load("models/reviews").explain(["Lovely tea."])[0]["words"]
        """
        all_texts = list(given_texts(texts, column))
        made, words = list[Prediction](), list[Any]()
        for text, (found, parts) in zip(
            all_texts, self.stream_explained((one, None) for one in all_texts), strict=True
        ):
            made.append(found)
            of_label = {
                name: [dict(text=text[word.begin : word.end], **word._asdict()) for word in own]
                for name, own in parts.items()
            }
            words.append(of_label if self.kind.task == SEVERAL else next(iter(of_label.values())))
        dicts = [{**self._as_dict(found), "words": own} for found, own in zip(made, words, strict=True)]
        return like_given(texts, dicts, {**self._columns(made), "words": words})

    @property
    def columns(self) -> list[str]:
        """The columns that a table of predictions gets, see `cells`."""
        sure = ["confidence"] * (self.kind.task != NUMBERS)
        return ["predicted", *sure, *self.kind.columns, "status"]

    def cells(self, made: Prediction) -> list[Any]:
        """What these columns hold for a text: strings, and floats."""
        sure = [] if made.confidence is None else [made.confidence]
        return [made.label, *sure, *self.kind.figures(made.predictions, self.decision_of(self.chosen)), made.status]

    def _columns(self, made: Sequence[Prediction]) -> dict[str, list[Any]]:
        rows = [self.cells(found) for found in made]
        return {name: [row[place] for row in rows] for place, name in enumerate(self.columns)}

    def _as_dict(self, found: Prediction) -> dict[str, Any]:
        said = self.kind.facts(found.predictions, self.decision_of(self.chosen))
        sure = {} if found.confidence is None else dict(confidence=found.confidence)
        return dict(label=found.label, **sure, **said, status=found.status)


def open_classifier(path: Path) -> TextClassifier:
    """Opens a saved classifier.

    Raises:
        RunError: it is missing, damaged or of another kind.
    """
    details = read_run(path, KIND)
    check_cells(details, path)
    weights, _ = read_weights(path / MODEL_FILE)
    try:
        return _opened(path, details, weights)
    except RunError:
        raise
    # A checksum can be right over nonsense.
    except (AttributeError, KeyError, TypeError, ValueError, TextRNNError) as error:
        raise RunError(f"{path / RUN_FILE} is damaged: {error!r:.80}; restore it from a copy or train again") from None


def read_vocabulary(path: Path) -> Vocabulary:
    """Reads `tokenizer.json`; raises RunError, TokenizerError."""
    values = read_json(path)
    values.pop("sha256")
    return Vocabulary.from_json(values)


def _opened(path: Path, details: dict[str, Any], weights: dict[str, np.ndarray]) -> TextClassifier:
    config, model = ClassifierConfig.from_json(details["config"]), details["model"]
    kind = kind_from_json(details.get("labels", dict(task=CLASSES, names=[str(label) for label in details["classes"]])))
    check_kind(kind)
    networks = None
    if model["members"]:
        vocabulary = read_vocabulary(path / TOKENIZER_FILE)
        sizes = (config.encoder, vocabulary.vocab_size, kind.num_outputs)
        members = [_network(*sizes, Weights(below(f"rnn{k}/", weights))) for k in range(model["members"])]
        networks = Networks(members, vocabulary, config.tokens.max_length)
    linear = LinearModel.load(weights, model["linear"]) if model["linear"] else None
    mixture = Mixture.from_json(model["mixture"]) if model["mixture"] else None
    mean = np.array(model["shares"], np.float64)
    temperatures = {name: float(value) for name, value in model["temperatures"].items()}
    decisions = {name: np.array(value, np.float64) for name, value in model.get("decisions", {}).items()}
    likeness = None
    if "likeness" in details:
        likeness = Likeness.from_json(details["likeness"], weights[ARRAY], weights.get(TEXTS_ARRAY))
    opened = TextClassifier(
        kind, model["chosen"], mean, decisions, temperatures, linear, networks, mixture, config, details, path, likeness
    )
    check_parts(opened)
    return opened


def _network(config: EncoderConfig, vocab_size: int, num_classes: int, weights: Weights) -> Member:
    if config.arch == ESN:
        return ReservoirClassifier.load(weights, vocab_size, config.units, num_classes, config.pools)
    return RecurrentClassifier(config, vocab_size, num_classes, weights)


def below(prefix: str, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin with a prefix, by the rest of their names."""
    return {name.removeprefix(prefix): array for name, array in weights.items() if name.startswith(prefix)}


def load_classifier(name: str | None, models_dir: Path) -> TextClassifier:
    """Opens the classifier of a name or path, or the newest one."""
    return open_classifier(find_run(name, models_dir, KIND))
