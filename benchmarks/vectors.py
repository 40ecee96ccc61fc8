"""What vectors by what stands beside a token give to the networks of `classify`, on rows of `train.csv` alone.

    python -m benchmarks.vectors FOLDER ... [--folds 3]

One network for each of some of five folds begins with drawn vectors, and one with those of
`textrnn.classifier.cooccurrence` from the texts of the file: mean share that is right on the fold that was left out,
and log-loss without calibration.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.choice import nats_of, rows_of
from benchmarks.tools import machine, table
from textrnn.classifier.cooccurrence import vectors_of
from textrnn.classifier.fit import fit_classifier
from textrnn.classifier.network_request import NetworkRequest
from textrnn.classifier.options import ClassifierConfig
from textrnn.classifier.splits import folds
from textrnn.report.calibration import softmax
from textrnn.text.normalize import normalize
from textrnn.text.tokens.vocabulary import build_vocabulary
from textrnn.training.backend import start_tensorflow


def measured(folder: Path, num_folds: int) -> list[list[str]]:
    """A row of the table for drawn vectors, and one for the others."""
    written, labels, kind = rows_of(folder)
    config = ClassifierConfig()
    texts = [normalize(text, config.normalize) for text in written]
    vocabulary = build_vocabulary(texts, min_count=config.tokens.min_count)
    ids, begin = [vocabulary.encode(text) for text in texts], time.monotonic()
    found, seconds = vectors_of(ids, vocabulary.vocab_size, config.encoder.embed), time.monotonic() - begin
    rows = []
    for name, vectors in (("drawn", None), (f"found in {seconds:.1f} s", found)):
        right, nats = list[float](), list[float]()
        for number, (learnt, held) in enumerate(folds(texts, labels, 5, np.random.default_rng(7))[:num_folds]):
            request = NetworkRequest(
                config=config,
                texts=[ids[row] for row in learnt],
                labels=labels[learnt],
                held=[ids[row] for row in held],
                vocab_size=vocabulary.vocab_size,
                vectors=vectors,
                kind=kind,
                row_weights=np.ones(len(learnt)),
                random_seed=number,
            )
            outputs = softmax(fit_classifier(request).outputs.astype(np.float64))
            right.append(100 * float((outputs.argmax(1) == labels[held]).mean()))
            nats.append(float(nats_of(outputs, labels[held]).mean()))
        rows.append([folder.name, name, f"{np.mean(right):.2f}", f"{np.mean(nats):.3f}"])
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--folds", type=int, default=3, help="of five")
    options = parser.parse_args()
    start_tensorflow()
    print(machine() + "\n")
    rows = [row for folder in options.folders for row in measured(folder, options.folds)]
    print(table(["set", "vectors", "right %", "log-loss"], rows))


if __name__ == "__main__":
    main()
