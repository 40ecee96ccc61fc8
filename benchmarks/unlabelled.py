"""What texts without labels give to `classify` where few rows have one, on rows of `train.csv` alone.

    python -m benchmarks.unlabelled FOLDER ... [--rows 1000] [--time 2m] [--seed 0]

Of each `train.csv` some rows keep their labels, 2,500 others are measured on, and the texts of all others are given to
`--unlabelled`, or left out.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.choice import TESTED, rows_of
from benchmarks.tools import TEXTRNN, machine, run, table

NAMES = ("linear", "rnn", "combined")


def write_parts(folder: Path, num_rows: int, place: Path) -> int:
    """Writes `some.csv`, `others.csv` and `texts.csv` into a place; how many texts have no label."""
    texts, labels, _ = rows_of(folder)
    order = np.random.default_rng(5).permutation(len(texts))
    parts = {
        "some": order[:num_rows],
        "others": order[num_rows : num_rows + TESTED],
        "texts": order[num_rows + TESTED :],
    }
    for name, part in parts.items():
        with open(place / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            heads = ["text", "label"][: 1 + (name != "texts")]
            rows = [[texts[row], str(labels[row])][: len(heads)] for row in part.tolist()]
            csv.writer(file).writerows([heads, *rows])
    return len(parts["texts"])


def measured(folder: Path, num_rows: int, time_s: str, seed: int) -> list[list[str]]:
    """A row of the table with the texts, and one without them."""
    rows = []
    with tempfile.TemporaryDirectory() as path:
        number = write_parts(folder, num_rows, place := Path(path))
        for texts, flags in ((number, ("--unlabelled", str(place / "texts.csv"))), (0, ())):
            command = [*TEXTRNN, "classify", str(place / "some.csv"), "--test", str(place / "others.csv"), *flags]
            more = ["--time", time_s, "--random-seed", str(seed), "--models-dir", path, "--overwrite", "--json", "-q"]
            report = json.loads(run([*command, *more]).output)
            figures = (report["models"][name] for name in NAMES)
            said = [f"{100 * one['accuracy']:.2f} .{round(1e4 * one['log_loss']):04d}" for one in figures]
            rows.append([folder.name, f"{texts:,}", *said, f"{report['seconds']:.0f}"])
            print(rows[-1], file=sys.stderr, flush=True)
    return rows


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--time", default="2m")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(machine() + "\n")
    rows = [row for folder in options.folders for row in measured(folder, options.rows, options.time, options.seed)]
    print(table(["set", "texts", *NAMES, "seconds"], rows))


if __name__ == "__main__":
    main()
