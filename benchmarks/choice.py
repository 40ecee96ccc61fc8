"""How `classify` chooses, on rows of `train.csv` alone: settings of the linear model, and the model that is used.

    python -m benchmarks.choice FOLDER ... [--rows 80 300 1000 3000] [--time 60s] [--seeds 1]
    python -m benchmarks.choice FOLDER ... --linear [--rows 2000] [--longer-than 2500]

The first fits all models to some rows of each `train.csv`, and measures each rule of choosing on 2,500 others: mean
accuracy, and what is lost against the best of the three models there, on average and at most. The second measures
settings of the linear model by five folds: the share that is right, and the log-loss with calibration.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks.tools import machine, table
from textrnn.classifier import models
from textrnn.classifier.combine import Choice, choose
from textrnn.classifier.kinds import Classes
from textrnn.classifier.label_kind import LabelKind
from textrnn.classifier.linear import BNN, LTC
from textrnn.classifier.linear_fit import Setting, kinds_for, make_features, solve
from textrnn.classifier.models import FitRequest, fit_models
from textrnn.classifier.options import ClassifierConfig
from textrnn.classifier.predict import Networks, _network
from textrnn.classifier.splits import folds
from textrnn.cli.options import Duration
from textrnn.nn.numpy.threads import in_parts
from textrnn.nn.numpy.weights import Weights
from textrnn.text.normalize import normalize
from textrnn.text.words import script_of

TESTED = 2500
NAMES = ("linear", "rnn", "combined")
Losses = Mapping[str, np.ndarray]


def rows_of(folder: Path, longer_than: int = 0) -> tuple[list[str], np.ndarray, Classes]:
    """Texts of more than so many characters, their classes int64[rows], and their kind."""
    csv.field_size_limit(1 << 30)
    with open(folder / "train.csv", encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file) if len(row["text"]) > longer_than]
    names = sorted({label for _, label in rows})
    return [text for text, _ in rows], np.array([names.index(label) for _, label in rows]), Classes(names)


def simplest(losses: Losses) -> str:
    """The first model, unless a later one is better by more than one standard error of the difference."""
    chosen = NAMES[0]
    for name in NAMES[1:]:
        gained = losses[chosen] - losses[name]
        if gained.sum() > math.sqrt((gained**2).sum()):
            chosen = name
    return chosen


def lowest(losses: Losses) -> str:
    """The model with the lowest mean loss."""
    return min(NAMES, key=lambda name: float(losses[name].mean()))


RULES: dict[str, Callable[[Losses, Losses], str]] = {
    "lowest log-loss (as it is)": lambda wrong, nats: lowest(nats),
    "log-loss, simplest within one standard error": lambda wrong, nats: simplest(nats),
    "most right": lambda wrong, nats: lowest(wrong),
    "most right, simplest within one standard error": lambda wrong, nats: simplest(wrong),
    "always the combination": lambda wrong, nats: "combined",
    "always the linear model": lambda wrong, nats: "linear",
}


def nats_of(predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """-ln of the probability of the true class, float64[rows]."""
    found: np.ndarray = -np.log(np.maximum(predictions[np.arange(len(labels)), labels], 1e-12))
    return found


def measured(folder: Path, num_rows: int, seed: int, seconds: float) -> dict[str, dict[str, float]]:
    """Of each rule: `accuracy` on other rows, and `lost` against the best of the models there, in points."""
    texts, labels, kind = rows_of(folder)
    order = np.random.default_rng(100 + seed).permutation(len(labels))
    learnt, tested = order[:num_rows], order[num_rows : num_rows + TESTED]
    config = ClassifierConfig.from_options(dict(random_seed=seed))
    end = time.monotonic() + seconds
    request = FitRequest(
        config,
        kind,
        texts=[normalize(texts[row], config.normalize) for row in learnt],
        labels=labels[learnt],
        left_s=lambda: end - time.monotonic(),
    )
    kept: list[tuple[Choice, np.ndarray]] = []

    def keep(outputs: Mapping[str, np.ndarray], labels: np.ndarray, kind: LabelKind, wanted: str) -> Choice:
        found = choose(outputs, labels, kind, wanted)
        kept.append((found, labels[found.rows]))
        return found

    with patch.object(models, "choose", keep):
        fitted = fit_models(request)
    (choice, known), vocabulary = kept[0], fitted.vocabulary
    assert fitted.linear is not None and vocabulary is not None and choice.mixture is not None
    others = [normalize(texts[row], config.normalize) for row in tested]
    sizes = config.encoder, vocabulary.vocab_size, kind.num_outputs
    members = [_network(*sizes, Weights(weights)) for weights in fitted.networks]
    networks = Networks(members, vocabulary, config.tokens.max_length)
    outputs = dict(
        linear=in_parts(fitted.linear.logits, others),
        rnn=networks.logits([networks.encode(text)[0] for text in others]),
    )
    said = {name: kind.predictions(own, choice.temperatures[name]) for name, own in outputs.items()}
    said["combined"] = choice.mixture([said["linear"], said["rnn"]])
    right = {name: 100 * float((own.argmax(1) == labels[tested]).mean()) for name, own in said.items()}
    wrong = {name: (own.argmax(1) != known).astype(float) for name, own in choice.predictions.items()}
    nats = {name: nats_of(own, known) for name, own in choice.predictions.items()}
    chosen = {rule: choose_one(wrong, nats) for rule, choose_one in RULES.items()}
    return {rule: dict(accuracy=right[name], lost=max(right.values()) - right[name]) for rule, name in chosen.items()}


SETTINGS = (
    *(Setting((), penalty, LTC) for penalty in (3, 10, 30, 100, 300)),
    *(Setting((), penalty, BNN) for penalty in (0.1, 0.3, 1.0)),
)


def linear_rows(folder: Path, num_rows: int, longer_than: int) -> list[list[str]]:
    """A row of the table for each setting."""
    texts, labels, kind = rows_of(folder, longer_than)
    order = np.random.default_rng(5).permutation(len(labels))[:num_rows]
    texts, labels, script = [texts[row] for row in order], labels[order], script_of(texts)
    pairs, weights = folds(texts, labels, 5, np.random.default_rng(1)), np.ones(len(labels))
    ngrams = kinds_for(script, 0)[0]
    matrices = {LTC: make_features(texts, script, ngrams)[1], BNN: make_features(texts, script, ngrams[:1], BNN)[1]}
    found = []
    for setting in SETTINGS:
        matrix, outputs = matrices[setting.weighting], np.zeros((len(labels), kind.num_outputs))
        for learnt, held in pairs:
            own, bias = solve(kind, matrix[learnt], labels[learnt], weights[learnt], setting)
            outputs[held] = matrix[held] @ own + bias
        nats = kind.nats(labels, kind.predictions(outputs, kind.temperature(outputs, labels)))
        right = f"{100 * (outputs.argmax(1) == labels).mean():.2f}"
        found.append([folder.name, f"{len(texts):,}", setting.weighting, f"{setting.penalty:g}", right, f"{nats:.4f}"])
    return found


def rule_rows(folders: Sequence[Path], num_rows: int, seeds: int, seconds: float) -> list[list[str]]:
    """A row of the table for each rule, over all folders."""
    found = []
    for folder in folders:
        for seed in range(seeds):
            found.append(measured(folder, num_rows, seed, seconds))
            print(folder.name, num_rows, seed, found[-1], file=sys.stderr, flush=True)
    rows = []
    for rule in RULES:
        accuracy, lost = ([one[rule][name] for one in found] for name in ("accuracy", "lost"))
        rows.append([f"{num_rows:,}", rule, f"{np.mean(accuracy):.2f}", f"{np.mean(lost):.2f}", f"{np.max(lost):.2f}"])
    return rows


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--rows", nargs="+", type=int, default=[80, 300, 1000, 3000])
    parser.add_argument("--time", default="60s")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--linear", action="store_true")
    parser.add_argument("--longer-than", type=int, default=0)
    asked = parser.parse_args()
    print(machine(), end="\n\n")
    if asked.linear:
        rows = [row for folder in asked.folders for row in linear_rows(folder, max(asked.rows), asked.longer_than)]
        print(table(["set", "rows", "weighting", "penalty", "right %", "nats"], rows))
        return
    seconds = Duration().convert(asked.time, None, None)
    rows = [row for number in asked.rows for row in rule_rows(asked.folders, number, asked.seeds, seconds)]
    print(table(["rows", "rule", "accuracy", "lost", "lost at most"], rows))


if __name__ == "__main__":
    main()
