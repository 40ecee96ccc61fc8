"""Several labels, grades and numbers on made-up texts with a known answer, beside scikit-learn's plain peers.

    python -m benchmarks.labels [--rows 2000] [--time 40s] [--seeds 3]
    python -m benchmarks.labels --task rare --rows 150 --time 10s

Texts are lists of invented words. Some of them stand for a label, or are worth something; a fifth of those are left out
and a few are put in by chance, so that nobody can be right always. The peers have the same rows: logistic regression of
each label against the rest, a ridge regression of the grades as numbers, rounded, and a ridge regression; all on TF-IDF
of words and pairs of words.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tools import TEXTRNN, machine, run_json, table
from textrnn.report.metrics import confusion_matrix
from textrnn.report.more_metrics import evaluate_numbers, evaluate_several, quadratic_kappa

LABELS = ["art", "food", "music", "people", "travel", "work"]
RARE = {"art": 0.4, "food": 0.2, "music": 0.1, "people": 0.06, "travel": 0.04, "work": 0.02}  # of the rows
SIGNS = 12  # words that stand for each label
TEST_ROWS = 1_000
Made = tuple[list[str], list[Any]]


def several(rng: np.random.Generator, rows: int) -> Made:
    """Some of six labels a row, of different frequency."""
    labels = [[name for k, name in enumerate(LABELS) if rng.random() < 0.5 / (k + 1) + 0.05] for _ in range(rows)]
    return [_text(rng, [_sign(rng, LABELS.index(name)) for name in own]) for own in labels], labels


def rare(rng: np.random.Generator, rows: int) -> Made:
    """The same labels, of which some are rare."""
    labels = [[name for name, share in RARE.items() if rng.random() < share] for _ in range(rows)]
    return [_text(rng, [_sign(rng, LABELS.index(name)) for name in own]) for own in labels], labels


def grades(rng: np.random.Generator, rows: int) -> Made:
    """From 1 to 5 by halves: what the words are worth on average."""
    found = [_valued(rng) for _ in range(rows)]
    return [text for text, _ in found], [float(np.clip(round(2 * value) / 2, 1, 5)) for _, value in found]


def numbers(rng: np.random.Generator, rows: int) -> Made:
    """Ten times what the words are worth on average."""
    found = [_valued(rng) for _ in range(rows)]
    return [text for text, _ in found], [round(10 * value, 2) for _, value in found]


def _sign(rng: np.random.Generator, label: int) -> str:
    return f"s{label}x{int(rng.integers(SIGNS))}" if rng.random() < 0.8 else f"w{int(rng.integers(300))}"


def _text(rng: np.random.Generator, signs: Sequence[str]) -> str:
    words = [*signs, *(f"w{int(k)}" for k in rng.integers(0, 300, 8))]
    rng.shuffle(words)
    return " ".join(words)


def _valued(rng: np.random.Generator) -> tuple[str, float]:
    """A text and its value; a word that says no turns the next one round."""
    values, words = list[float](), list[str]()
    for _ in range(int(rng.integers(2, 6))):
        worth, turned = int(rng.integers(1, 6)), rng.random() < 0.25
        words += [*["no"] * turned, f"v{worth}x{int(rng.integers(SIGNS))}", f"w{int(rng.integers(300))}"]
        values.append(6 - worth if turned else worth)
    return " ".join(words), float(np.mean(values) + rng.normal(0, 0.2))


def peer_several(texts: list[str], labels: list[Any], more: list[str]) -> Any:
    """Probabilities of each label."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    return _fitted(OneVsRestClassifier(LogisticRegression(C=10)), texts, _as_matrix(labels)).predict_proba(more)


def peer_numbers(texts: list[str], labels: list[Any], more: list[str]) -> Any:
    """Numbers of a ridge regression."""
    from sklearn.linear_model import Ridge

    return _fitted(Ridge(alpha=0.3), texts, np.array(labels)).predict(more)


def _fitted(model: Any, texts: list[str], labels: np.ndarray) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    return make_pipeline(TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), model).fit(texts, labels)


def _as_matrix(labels: list[Any]) -> np.ndarray:
    return np.array([[name in own for name in LABELS] for own in labels])


def _measures(task: str, labels: list[Any], said: Any) -> dict[str, float]:
    if task in ("multi", "rare"):
        test = evaluate_several(_as_matrix(labels), said, np.full(len(LABELS), 0.5), LABELS)
        return {name: test[name] for name in ("micro_f1", "macro_f1", "subset_accuracy", "hamming_loss")}
    if task == "numbers":
        test = evaluate_numbers(np.array(labels), said)
        return {name: test[name] for name in ("mae", "rmse", "r2", "spearman")}
    values = np.arange(1, 5.5, 0.5)
    true, guess = (np.clip(np.rint(2 * np.asarray(own)) - 2, 0, 8).astype(int) for own in (labels, said))
    test = evaluate_numbers(values[true], values[guess])
    kappa = quadratic_kappa(confusion_matrix(true, guess, 9), values)
    return dict(
        accuracy=float((true == guess).mean()), mae=test["mae"], quadratic_kappa=kappa or 0.0, spearman=test["spearman"]
    )


Peer = Callable[[list[str], list[Any], list[str]], Any]
SETS: dict[str, tuple[Callable[[np.random.Generator, int], Made], Peer]] = {
    "multi": (several, peer_several),
    "rare": (rare, peer_several),
    "grades": (grades, peer_numbers),
    "numbers": (numbers, peer_numbers),
}


def _write(path: Path, made: Made) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        cells = [", ".join(label) if isinstance(label, list) else f"{label:g}" for label in made[1]]
        csv.writer(file).writerows([["text", "label"], *zip(made[0], cells, strict=True)])


def row(task: str, rows: int, seed: int, time_s: str) -> list[dict[str, float]]:
    """The measures of our models and of the peer, on rows that none has learnt from."""
    make, peer = SETS[task]
    rng = np.random.default_rng(seed)
    learnt, tested = make(rng, rows), make(rng, TEST_ROWS)
    measured = _measures(task, tested[1], peer(*learnt, tested[0]))
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("train.csv", "test.csv")]
        for path, made in zip(files, (learnt, tested), strict=True):
            _write(path, made)
        options = [
            "--task",
            "multi" if task == "rare" else task,
            "--label-column",
            "label",
            "--test",
            str(files[1]),
            "--time",
            time_s,
            "--models-dir",
            folder,
            "--name",
            "run",
        ]
        report = run_json([*TEXTRNN, "classify", str(files[0]), *options, "--json", "--quiet"])
    return [{name: report["models"][model][name] for name in measured} for model in ("linear", report["chosen"])] + [
        measured
    ]


def main() -> None:
    """Prints a table for each kind of labels: medians over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--time", default="40s")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--task", action="append", choices=list(SETS))
    args = parser.parse_args()
    print(machine())
    for task in args.task or SETS:
        found = [row(task, args.rows, seed, args.time) for seed in range(args.seeds)]
        names = list(found[0][0])
        rows = [
            [who, *(f"{np.median([one[number][name] for one in found]):.3f}" for name in names)]
            for number, who in enumerate(("linear", "chosen", "scikit-learn"))
        ]
        print(f"\n{task}, {args.rows:,} rows to learn from, {TEST_ROWS:,} to measure on, {args.seeds} seeds")
        print(table(["model", *names], rows))


if __name__ == "__main__":
    main()
