"""`--from`: what the networks of a new classifier take over from another classifier, or from a language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError
from textrnn.base.files import MODEL_FILE, read_weights
from textrnn.base.run import load
from textrnn.classifier.label_kind import CLASSES, NUMBERS, SEVERAL, LabelKind
from textrnn.classifier.options import EMBEDDING_STD, ClassifierConfig, EncoderConfig
from textrnn.classifier.predict import KIND, below
from textrnn.nn.architectures import BIDIRECTIONAL, ESN, CellNames
from textrnn.text.options import NormalizeConfig
from textrnn.text.tokens.base import NUM_RESERVED, PADDING_ID, UNKNOWN_ID
from textrnn.text.tokens.vocabulary import BPE, CHAR, WORD, Subwords, Vocabulary
from textrnn.text.words import UNSPACED, fold, script_of
from textrnn.training.from_run import NO_WEIGHTS, find_start, flags_of, options_from

LANGUAGE_MODEL = "language_model"
# Options of the network that do not change what it computes; all others are those of the weights.
FREE = ("dropout", "embed_dropout", "word_dropout")
FIXED = {"level": "--level", **flags_of(NormalizeConfig, EncoderConfig, but=FREE)}
NOT_TAKEN = {"vectors": "--vectors", "pretrain": "--pretrain", "pretrain_epochs": "--pretrain-epochs"}
OUTPUT = "output/"  # what the names of the last layer's weights begin with


@dataclass(frozen=True)
class WarmStart:
    """A run whose weights the networks of a classifier begin with; it is only read.

    Attributes:
        path: its folder.
        kind: `classifier` or `language_model`.
        before: options of a classifier that its weights fit.
        vocabulary: its tokens, as a classifier reads them.
        members: the weights of each of its networks, by their names in a classifier.
        classes: its labels, if it has some.
        task: their kind.
        learnt: what it has learnt from, in words.
    """

    path: Path
    kind: str
    before: dict[str, Any]
    vocabulary: Vocabulary
    members: list[dict[str, np.ndarray]]
    classes: Sequence[str] = ()
    task: str = CLASSES
    learnt: str = ""

    @classmethod
    def open(cls, name: str, models_dir: Path) -> WarmStart:
        """Opens the run of a name or path.

        Raises:
            ConfigError: its networks cannot be those of a classifier.
            RunError: it is missing, damaged, or of another kind.
        """
        path, kind = find_start(name, models_dir, (KIND, LANGUAGE_MODEL))
        model, weights = load(path), read_weights(path / MODEL_FILE)[0]
        return (_of_classifier if kind == KIND else _of_language_model)(path, model, weights)

    def options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All options of the new classifier: the old ones, where others were not given now.

        Raises:
            ConfigError: an option would change the networks or their tokens.
        """
        if wrong := [flag for name, flag in NOT_TAKEN.items() if given.get(name) is not None]:
            raise ConfigError(f"--from brings what the networks begin with: leave out {', '.join(wrong)}")
        fixed, more = FIXED, dict[str, Any]()
        if self.kind != KIND:  # its last layer is drawn, and what is drawn needs large steps
            fixed, more = {name: flag for name, flag in FIXED.items() if name != "pooling"}, dict(rate_share=1.0)
        layers = self.before["layers"]
        return options_from(self.path, self.before, given, fixed=fixed, layers=layers, but=tuple(NOT_TAKEN), **more)

    def for_kind(self, kind: LabelKind) -> WarmStart:
        """The same for a classifier with some labels: with the last layer if they are the same, in their order."""
        classes = kind.names
        is_same = set(classes) == set(self.classes) if kind.task in (CLASSES, SEVERAL) else classes == self.classes
        if kind.task != self.task or kind.task == NUMBERS or not is_same:
            rest = [{name: own[name] for name in own if not name.startswith(OUTPUT)} for own in self.members]
            return replace(self, members=rest)
        columns = [self.classes.index(label) for label in classes[: kind.num_outputs]]
        ordered = [
            {name: array[..., columns] if name.startswith(OUTPUT) else array for name, array in own.items()}
            for own in self.members
        ]
        return replace(self, members=ordered, classes=list(classes))

    def weights_of(self, number: int) -> dict[str, np.ndarray]:
        """What a network begins with, by its number from 0: that of one of the old ones, by turns."""
        return self.members[number % len(self.members)]

    def to_json(self) -> dict[str, Any]:
        """What `run.json` and the report say of it."""
        takes_output = any(name.startswith(OUTPUT) for name in self.members[0])
        return dict(run=str(self.path), kind=self.kind, learnt=self.learnt, output=takes_output)


def _of_classifier(path: Path, model: Any, weights: dict[str, np.ndarray]) -> WarmStart:
    if model.config.encoder.arch == ESN:
        raise ConfigError(f"{path} {NO_WEIGHTS}")
    if model.networks is None:
        raise ConfigError(f"{path} has a linear model alone: --from is for one with networks, or a language model")
    vocabulary, table = model.networks.vocabulary, model.details["table"]
    members = [below(f"rnn{number}/", weights) for number in range(len(model.networks.members))]
    before = {**model.config.options(), "level": vocabulary.level}
    learnt = f"{table['rows']:,} rows of {table['name']}"
    return WarmStart(path, KIND, before, vocabulary, members, model.classes, model.kind.task, learnt)


def _of_language_model(path: Path, model: Any, weights: dict[str, np.ndarray]) -> WarmStart:
    """Vectors and first layer of a language model, the latter as the one of a classifier that reads forwards.

    Vectors of a language model are larger than those a classifier begins with, which are moved by small steps. They are
    made as small, and what they are multiplied by as much larger, so that the layer computes the same.
    """
    network = model.config.model
    _check_fits(path, model)
    ids, vocabulary = known_tokens(path, model.tokenizer)
    vectors, layer = weights["embedding/embeddings"][ids], below("layer0/", weights)
    scale = EMBEDDING_STD / vectors.std()
    member = {f"layer0/forward/{name}": array for name, array in layer.items()}
    member.update({"embedding/embeddings": vectors * scale, "layer0/forward/kernel": layer["kernel"] / scale})
    sizes = dict(arch=BIDIRECTIONAL, cell=network.arch, layers=1, units=network.units, embed=network.embed)
    kept = {**sizes, "level": vocabulary.level, **model.config.normalize.to_json()}
    learnt = ", ".join(file["name"] for file in model.details["corpus"]["files"])
    before = ClassifierConfig.from_options(kept).options()
    return WarmStart(path, LANGUAGE_MODEL, before, vocabulary, [member], learnt=learnt)


def _check_fits(path: Path, model: Any) -> None:
    """Raises ConfigError where a language model is no beginning for a classifier."""
    network = model.config.model
    wrong = {
        f"--arch {network.arch}": network.arch not in CellNames(both_ways=True),
        "--input one-hot": network.input == "one-hot",
        "--level byte": model.tokenizer.level == "byte",
        "--condition": model.documents is not None and bool(model.documents.conditions),
    }
    if found := [flag for flag, is_so in wrong.items() if is_so]:
        raise ConfigError(
            f"{path} was trained with {', '.join(found)}: --from expected a language model of characters, words or "
            "subwords (--level char, word or bpe) with an embedding and layers that read forwards, such as --arch gru"
        )


def known_tokens(path: Path, tokenizer: Any) -> tuple[np.ndarray, Vocabulary]:
    """The tokens of a language model as a classifier reads them, and the id that each of them has there.

    A classifier reads words in lower case and without the blank before them: of several tokens that are one word to it,
    the one in lower case with a blank counts.
    """
    ids = np.arange(tokenizer.vocab_size)
    script = script_of([tokenizer.token_text(number) for number in ids[NUM_RESERVED:]])
    if tokenizer.level == BPE:
        return ids, Subwords(tokenizer, script)
    if tokenizer.level == CHAR:
        return ids, Vocabulary(tokenizer.tokens, CHAR, script)
    if script == UNSPACED:
        raise ConfigError(f"{path} reads words of a script without blanks: expected --level char or bpe there")
    found: dict[str, int] = {}
    for number, token in enumerate(tokenizer.tokens, NUM_RESERVED):
        word = fold(token).strip()
        if word and (word not in found or token == f" {word}"):
            found[word] = number
    return np.array([PADDING_ID, UNKNOWN_ID, *found.values()]), Vocabulary(list(found), WORD, script)
