"""The networks of a classifier for other programs: what each format can hold of them, and how texts become ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError
from textrnn.base.files import MODEL_FILE, read_weights, write_atomically
from textrnn.classifier.label_kind import CLASSES, SEVERAL
from textrnn.classifier.predict import Networks, TextClassifier, below
from textrnn.export.language_model import STOCK
from textrnn.export.made import make
from textrnn.export.onnx_graph import check_onnx
from textrnn.nn.architectures import ESN
from textrnn.text.tokens.base import NUM_RESERVED, UNKNOWN_ID
from textrnn.text.tokens.vocabulary import CHAR, WORD
from textrnn.text.words import FOLDED, folded_words

FORMATS = ("keras", "onnx")


def check(model: TextClassifier, to: str, *, int8: bool) -> None:
    """Refuses what cannot be exported, before TensorFlow loads."""
    if model.networks is None:
        raise ConfigError(f"{model.path} is a linear classifier: it has no network to export")
    if to not in FORMATS or int8:
        raise ConfigError(f"a classifier is exported to {' or '.join(FORMATS)}, and --to is {to}{' --int8' * int8}")
    if to == "onnx":
        check_onnx()
    encoder = model.config.encoder
    if encoder.arch == ESN or encoder.spec.name not in STOCK:
        cell = ESN if encoder.arch == ESN else encoder.spec.name
        raise ConfigError(f"classifiers of {', '.join(STOCK)} are exported, and the cell of {model.path} is {cell}")
    if model.kind.task not in (CLASSES, SEVERAL):
        raise ConfigError(f"classifiers of classes are exported, and the labels of {model.path} are {model.kind.task}")
    if model.config.normalize.remove_digits:
        raise ConfigError(
            f"{model.path} leaves out digits (--remove-digits), which other programs do not: not exported"
        )
    if _networks(model).vocabulary.level not in (WORD, CHAR):
        raise ConfigError(f"classifiers of words and characters are exported, and {model.path} reads subwords")


def save(model: TextClassifier, to: str, target: Path, *, int8: bool) -> None:
    """Writes its networks, the mean of whose outputs counts."""
    encoder, temperature = model.config.encoder, model.temperatures.get("rnn", 1.0)
    arrays, _ = read_weights((model.path or Path()) / MODEL_FILE)
    several = model.kind.task == SEVERAL
    members = [below(f"rnn{number}/", arrays) for number in range(len(_networks(model).members))]
    if to == "onnx":
        from textrnn.export.classifier_onnx import build as build_onnx

        write_atomically(target, build_onnx(encoder, members, temperature, several=several))
        return

    def write(made: Path) -> None:
        from textrnn.export.classifier_keras import build

        build(encoder, members, temperature, several=several).save(made)

    make(target, write)


def left_out(model: TextClassifier) -> str:
    """What the run predicts with and no format has, in a line; empty for nothing."""
    if model.linear is None or model.chosen == "rnn":
        return ""
    found = model.details.get("metrics", {}).get("accuracy_of", {})
    shares = [f"{100 * found[name]:.1f} %" for name in ("rnn", model.chosen) if name in found]
    right = f", which tell {shares[0]} of the labels rightly, and the run {shares[1]}" if len(shares) == 2 else ""
    return f"the linear model of this run is left out: these are its networks alone{right}"


def token_list(model: TextClassifier) -> dict[str, Any]:
    """What a program needs to turn a text to ids, and what comes out to labels.

    Returns:
        `task` (`classes` or `multi`), `labels`, and `thresholds` from which on each of several labels holds; `unicode`,
        the form that a text is normalised to; `replace`, pairs of what is replaced in a text in lower case; `words`, a
        regular expression of all tokens of it, or None for characters with runs of white space as one blank; `tokens`,
        the text of each id; `unknown_id`, of all others and of a text without any; `max_length`, tokens that are read.
    """
    networks, normalize = _networks(model), model.config.normalize.to_json()
    vocabulary = networks.vocabulary
    decision = np.asarray(model.decision_of("rnn"), np.float64)
    return {
        "task": model.kind.task,
        "labels": list(model.kind.names),
        "thresholds": decision.tolist() if model.kind.task == SEVERAL else None,
        "unicode": normalize["unicode"],
        "replace": [*FOLDED, ("n't", " n't")] if vocabulary.level == WORD else FOLDED,
        "words": folded_words(vocabulary.script) if vocabulary.level == WORD else None,
        "unknown_id": UNKNOWN_ID,
        "max_length": networks.max_length,
        "tokens": [""] * NUM_RESERVED + vocabulary.tokens,
    }


def _networks(model: TextClassifier) -> Networks:
    assert model.networks is not None  # see `check`
    return model.networks
