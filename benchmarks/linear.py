"""The linear model of `classify` beside scikit-learn's vectorizers: same n-grams, same scaling, same solver.

    python -m benchmarks.linear FOLDER ... [--repeats 3]

Folders have `train.csv` and `test.csv` with the columns text and label. Each fit is a process of its own, with the
first setting of `kinds_for` and the first penalty; nothing is chosen. Fitting and predicting are timed without imports.
The size is that of the arrays, and of the vocabulary as a JSON list where there is one. Methods run in turn.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tools import machine, run_json, table
from textrnn.classifier.kinds import Classes
from textrnn.classifier.linear_fit import (
    LONG_CHARS,
    PENALTIES,
    PENALTIES_OF_LONG,
    Setting,
    kinds_for,
    make_features,
    solve,
)
from textrnn.text.words import SPACED, script_of, split_words

HASHED = 1 << 21  # features of the hashing vectorizer
HEADER = ["set", "features", "accuracy", "fit s", "predict s", "peak MB", "saved MB"]

Logits = Callable[[Sequence[str]], Any]
Fit = Callable[[Sequence[str], np.ndarray, int, float], tuple[Logits, int]]


def ours(texts: Sequence[str], labels: np.ndarray, num_classes: int, penalty: float) -> tuple[Logits, int]:
    """N-grams as keys; the model is that of a saved run."""
    script = script_of(texts)
    features, matrix = make_features(texts, script, kinds_for(script, sum(map(len, texts)))[0])
    own, bias = solve(Classes([""] * num_classes), matrix, labels, np.ones(len(labels)), Setting((), penalty))
    model = features.with_weights(own.astype(np.float32), bias)
    return model.logits, sum(array.nbytes for array in model.to_arrays().values())


def with_vectorizers(
    make: Callable[[dict[str, Any]], Any], words: dict[str, Any], stored: Callable[[Any, np.ndarray], int]
) -> Fit:
    """A fit with one vectorizer for words and one for characters.

    Args:
        make: makes a vectorizer of its settings.
        words: further settings of the one for words.
        stored: bytes of the vectorizers and weights, float32.
    """

    def fit(texts: Sequence[str], labels: np.ndarray, num_classes: int, penalty: float) -> tuple[Logits, int]:
        from sklearn.pipeline import FeatureUnion

        chars = dict(analyzer="char", ngram_range=(2, 5))
        parts = [("words", make(dict(ngram_range=(1, 3), **words))), ("chars", make(chars))]
        if script_of(texts) != SPACED:
            parts = [("chars", make(dict(analyzer="char", ngram_range=(1, 4))))]
        union = FeatureUnion(parts)
        matrix = union.fit_transform(texts).tocsr()
        own, bias = solve(Classes([""] * num_classes), matrix, labels, np.ones(len(labels)), Setting((), penalty))
        return lambda more: union.transform(more) @ own + bias, stored(union, own.astype(np.float32))

    return fit


def _counted(settings: dict[str, Any]) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer

    return make_pipeline(CountVectorizer(min_df=2, **settings), Normalizer())


def _tfidf(settings: dict[str, Any]) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(min_df=2, sublinear_tf=True, **settings)


def _hashed(settings: dict[str, Any]) -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    from sklearn.pipeline import make_pipeline

    return make_pipeline(
        HashingVectorizer(n_features=HASHED, alternate_sign=False, norm=None, **settings),
        TfidfTransformer(sublinear_tf=True),
    )


def _with_names(union: Any, weights: np.ndarray) -> int:
    """Weights, a scale for each feature, and the names of all."""
    names = [name.partition("__")[2] for name in union.get_feature_names_out()]
    return weights.nbytes + 4 * len(names) + len(json.dumps(names, ensure_ascii=False).encode())


def _without_names(union: Any, weights: np.ndarray) -> int:
    """Weights that are not 0 with their places, and a scale for each."""
    return int((weights != 0).any(1).sum() * (4 + 4 + 4 * weights.shape[1]))


def _our_words(text: str) -> list[str]:
    return split_words(text, SPACED)


OUR_WORDS: dict[str, Any] = dict(tokenizer=_our_words, token_pattern=None, lowercase=False)
METHODS: dict[str, Fit] = {
    "ours": ours,
    "count": with_vectorizers(_counted, OUR_WORDS, _with_names),
    "tf-idf": with_vectorizers(_tfidf, OUR_WORDS, _with_names),
    "tf-idf, its words": with_vectorizers(_tfidf, {}, _with_names),
    "hashing": with_vectorizers(_hashed, OUR_WORDS, _without_names),
}


def read(path: Path) -> tuple[list[str], list[str]]:
    """Texts and labels of a table."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    return [text for text, _ in rows], [label for _, label in rows]


def measure(folder: Path, method: str) -> dict[str, float]:
    """Fits on the training rows, and predicts the test rows once."""
    import scipy.sparse  # noqa: F401 (its import is not timed)
    import sklearn.feature_extraction.text
    import sklearn.linear_model  # noqa: F401

    texts, labels = read(folder / "train.csv")
    classes = {label: number for number, label in enumerate(sorted(set(labels)))}
    numbers = np.array([classes[label] for label in labels])
    is_long = sum(map(len, texts)) > LONG_CHARS * len(texts)
    begin = time.perf_counter()
    logits, size = METHODS[method](texts, numbers, len(classes), (PENALTIES_OF_LONG if is_long else PENALTIES)[0])
    fit_s = time.perf_counter() - begin
    tested, expected = read(folder / "test.csv")
    begin = time.perf_counter()
    found = logits(tested).argmax(1)
    predict_s = time.perf_counter() - begin
    right = float((found == np.array([classes[label] for label in expected])).mean())
    return dict(accuracy=right, fit_s=fit_s, predict_s=predict_s, size=size)


def main() -> None:
    """Prints the table, a set after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", choices=METHODS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.folders[0], options.one)))
        return
    rows = []
    for folder in options.folders:
        found: dict[str, list[dict[str, float]]] = {method: [] for method in METHODS}
        for _ in range(options.repeats):
            for method, own in found.items():
                own.append(run_json([sys.executable, "-m", "benchmarks.linear", str(folder), "--one", method]))
        for method, own in found.items():
            middle = {key: statistics.median(one[key] for one in own) for key in own[0]}
            line = [f"{100 * middle['accuracy']:.2f}", f"{middle['fit_s']:.1f}", f"{middle['predict_s']:.2f}"]
            rows.append([folder.name, method, *line, f"{middle['peak_mb']:.0f}", f"{middle['size'] / 1e6:.1f}"])
            print(*rows[-1], sep="\t", file=sys.stderr, flush=True)
    print(f"{machine()}\n\n{table(HEADER, rows)}")


if __name__ == "__main__":
    main()
