"""Whether texts are like what was asked for: `textrnn generate --condition` judged by a classifier of its own kind.

    python -m benchmarks.conditional TRAIN.csv [--time 2m] [--count 250] [--json FILE] [-- OPTIONS OF train]

Trains a language model with `textrnn train --condition` and a classifier with `textrnn classify` on the rows of a table
(columns text and label), writes texts of each condition, and prints in percent: how many of them the classifier gives
the label that was asked for, how many are a text of the table (case and white space apart), and how many are different.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.tools import TEXTRNN, machine, run, run_json, table
from textrnn import load

HEADER = ["condition", "guidance", "texts", "agree", "copied", "different", "ended", "tokens", "bits/char"]


def folded(text: str) -> str:
    """A text without what does not make it another one."""
    return " ".join(text.casefold().split())


def read_table(path: Path) -> tuple[set[str], list[str]]:
    """The texts of a table, folded, and its labels in order."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {folded(row["text"]) for row in rows}, sorted({row["label"] for row in rows})


def write_texts(model: str, condition: str, options: argparse.Namespace, guidance: str) -> list[dict[str, Any]]:
    """Texts of a condition, as `textrnn generate --format jsonl` writes them."""
    own = ["--condition", condition, "--count", str(options.count), "--format", "jsonl", "--random-seed", "1"]
    own += ["--temperature", options.temperature, "--guidance", guidance, "--length", "100"]
    return [json.loads(line) for line in run([*TEXTRNN, "generate", "--model", model, *own]).output.splitlines()]


def judged(found: list[dict[str, Any]], condition: str, classifier: Any, known: set[str]) -> dict[str, float]:
    """What is true of how many of some texts, in percent, and their means."""
    texts = [line["text"] for line in found]
    labels = [prediction["label"] for prediction in classifier.classify(texts)]
    share = 100 / len(found)
    return dict(
        agree=share * sum(label == condition for label in labels),
        copied=share * sum(folded(text) in known for text in texts),
        different=share * len(set(map(folded, texts))),
        ended=share * sum(line["stop_reason"] == "end" for line in found),
        tokens=sum(line["tokens"] for line in found) / len(found),
        bits=sum(line["bits_per_char"] or 0 for line in found) / len(found),
    )


def main() -> None:
    """Prints the table, a line for each guidance and condition and one for all, and writes the JSON."""
    own, _, more = " ".join(sys.argv[1:]).partition(" -- ")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--time", default="2m", help="of each of the two trainings")
    parser.add_argument("--count", type=int, default=250, help="texts of each condition")
    parser.add_argument("--temperature", default="0.7")
    parser.add_argument("--guidance", nargs="+", default=["0", "1", "2"])
    parser.add_argument("--test", type=Path, help="also tell how well P(text | label) tells the labels of these rows")
    parser.add_argument("--model", help="a language model that is there, instead of training one")
    parser.add_argument("--classifier", help="a classifier that is there, instead of training one")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(own.split())
    known, conditions = read_table(options.table)
    print(machine() + "\n", flush=True)
    with tempfile.TemporaryDirectory() as models:
        where = ["--time", options.time, "--models-dir", models, "--json", "--quiet"]
        columns = ["--text-column", "text", "--condition", "label"]
        train = [*TEXTRNN, "train", str(options.table), *columns, *where, *more.split()]
        model = options.model or run_json(train)["run"]
        classify = [*TEXTRNN, "classify", str(options.table), "--train", *where]
        classifier = load(options.classifier or run_json(classify)["run"])
        print(table(HEADER, []), end="", flush=True)
        results = []
        for guidance in options.guidance:
            rows = list[dict[str, Any]]()
            for condition in conditions:
                texts = write_texts(model, condition, options, guidance)
                rows.append(dict(condition=condition, **judged(texts, condition, classifier, known)))
            numbers = [key for key in rows[0] if key != "condition"]
            rows.append(dict(condition="all", **{key: sum(row[key] for row in rows) / len(rows) for key in numbers}))
            for row in rows:
                texts_of = options.count * (len(conditions) if row["condition"] == "all" else 1)
                cells = [row["condition"], guidance, str(texts_of), *(f"{row[key]:.1f}" for key in numbers)]
                print("| " + " | ".join(cells) + " |", flush=True)
                results.append(dict(guidance=guidance, **row))
        if options.test:
            found = run_json([*TEXTRNN, "score", str(options.test), "--model", model, *columns, "--json"])["files"][0]
            results.append(dict(test=found))
            print(f"\n{options.test.name}: P(text | label) tells {100 * found['accuracy']:.2f} % of labels")
    if options.json:
        options.json.write_text(json.dumps(dict(machine=machine(), results=results), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
