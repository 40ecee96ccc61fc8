"""How fast `textrnn classify --predict` is: the time for five rows, and rows a second, each of a whole command.

    python -m benchmarks.predict MODEL TABLE [--rows 20000 ...] [--repeats 5] [--json FILE]

MODEL is the folder of a combined classifier: it predicts with its linear model alone, its networks alone, and both.
The rows of TABLE are repeated with their words in another order each time, so that no two texts are the same. Commands
are run in turn; they may keep their compiled modules, as those of an installed package are.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.tools import TEXTRNN, Finished, machine, run, table
from textrnn.base.files import RUN_FILE, read_json, write_json
from textrnn.text.table.table import open_table

KINDS = ("linear", "rnn", "combined")
FEW = 5
HEADER = ["model", "rows", "s", "rows/s", "peak memory MB"]


def variants(model: Path, folder: Path) -> dict[str, Path]:
    """Copies of a run, each of which predicts with another of its models.

    Raises:
        ValueError: the run has not all of them.
    """
    details = read_json(model / RUN_FILE)
    if not details["model"]["members"] or not details["model"]["mixture"]:
        raise ValueError(f"{model} is no combined classifier: expected one made with --model combined")
    found = {}
    for kind in KINDS:
        found[kind] = shutil.copytree(model, folder / kind)
        write_json(folder / kind / RUN_FILE, {**details, "model": {**details["model"], "chosen": kind}})
    return found


def turned(text: str, number: int) -> str:
    """A text with the first few of its words, or of its characters if there is one word, at the end."""
    parts = text.split(" ")
    between = " " if len(parts) > 1 else ""
    parts = parts if between else list(text)
    places = number % len(parts)
    return between.join(parts[places:] + parts[:places])


def different_rows(path: Path) -> Iterator[tuple[str, str]]:
    """Texts and labels of a table, again and again, each time with other texts."""
    with open_table(str(path), needs_label=False) as source:
        rows = [(row.text, row.label or "") for row in source.rows() if row.text]
    for number in itertools.count():
        for text, label in rows:
            yield turned(text, number), label


def write_rows(path: Path, rows: Iterator[tuple[str, str]], count: int) -> Path:
    """A table of some rows."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(itertools.islice(rows, count))
    return path


def predicted(model: Path, path: Path) -> Finished:
    """A whole command that predicts a table."""
    output = path.with_suffix(".predicted.csv")
    options = ["--predict", "--model", str(model), "--output", str(output), "--overwrite"]
    return run([*TEXTRNN, "classify", str(path), *options], env={"PYTHONDONTWRITEBYTECODE": ""})


def measure(models: dict[str, Path], tables: dict[int, Path], repeats: int) -> list[dict[str, Any]]:
    """The medians for each model and table; the first round is not counted."""
    rounds = []
    for number in range(repeats + 1):
        rounds.append({(kind, rows): predicted(models[kind], tables[rows]) for kind in models for rows in tables})
        print(f"round {number} of {repeats}", file=sys.stderr, flush=True)
    results = []
    for kind, rows in rounds[0]:
        seconds = statistics.median(found[kind, rows].seconds for found in rounds[1:])
        peak_mb = max(found[kind, rows].peak_mb for found in rounds[1:])
        results.append(dict(model=kind, rows=rows, seconds=seconds, rows_per_s=rows / seconds, peak_mb=peak_mb))
    return results


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("table", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = variants(options.model, folder)
        tables = {
            count: write_rows(folder / f"{count}.csv", different_rows(options.table), count)
            for count in (FEW, *options.rows)
        }
        results = measure(models, tables, options.repeats)
    print(machine() + "\n")
    lines = []
    for found in results:
        speed = f"{found['rows_per_s']:,.0f}" if found["rows"] > FEW else ""
        seconds, peak_mb = f"{found['seconds']:.2f}", f"{found['peak_mb']:.0f}"
        lines.append([found["model"], f"{found['rows']:,}", seconds, speed, peak_mb])
    print(table(HEADER, lines))
    if options.json:
        options.json.write_text(json.dumps(dict(machine=machine(), results=results), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
