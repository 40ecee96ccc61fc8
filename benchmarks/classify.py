"""How good classifiers get: `textrnn classify train.csv --test test.csv --time T --json` for some folders with both.

    python -m benchmarks.classify FOLDER ... [--time 2m] [--json FILE] [-- OPTIONS OF classify]

Accuracy in percent of the linear model, the recurrent networks, both combined, and the one that was chosen (on training
rows alone). Log-loss in nats of the chosen model, and of the other two with and without calibration (raw).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.tools import TEXTRNN, machine, run_json, table

ACCURACIES, CALIBRATED = ["majority", "linear", "rnn", "combined"], ["linear", "rnn"]
LOSSES = ["log-loss", *(f"log-loss {name}{raw}" for name in CALIBRATED for raw in ("", ", raw"))]
HEADER = ["set", "rows", "test rows", *ACCURACIES, "chosen", "accuracy", *LOSSES, "s"]


def classify(folder: Path, time: str, more: list[str]) -> dict[str, Any]:
    """What `textrnn classify --json` says of one set, which leaves nothing behind."""
    with tempfile.TemporaryDirectory() as models:
        own = [
            "--test",
            str(folder / "test.csv"),
            "--time",
            time,
            "--models-dir",
            models,
            "--train",
            "--json",
            "--quiet",
        ]
        return run_json([*TEXTRNN, "classify", str(folder / "train.csv"), *own, *more])


def row(folder: Path, found: dict[str, Any]) -> list[str]:
    """A line of the table."""
    models = found["models"]
    shares = [f"{100 * models[name]['accuracy']:.2f}" if name in models else "" for name in ACCURACIES]
    test = found["test"]
    chosen = [found["chosen"], f"{100 * test['accuracy']:.2f}", f"{test['log_loss']:.3f}"]
    for name in CALIBRATED:
        model = models.get(name, {})
        chosen += [f"{model[key]:.3f}" if key in model else "" for key in ("log_loss", "raw_log_loss")]
    return [folder.name, str(found["rows"]["used"]), str(test["rows"]), *shares, *chosen, f"{found['wall_s']:.0f}"]


def main() -> None:
    """Prints the table, a line as its set ends, and writes the JSON."""
    own, _, more = " ".join(sys.argv[1:]).partition(" -- ")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--time", default="2m")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(own.split())
    print(machine() + "\n")
    print(table(HEADER, []), end="", flush=True)
    results = []
    for folder in options.folders:
        found = classify(folder, options.time, more.split())
        results.append(dict(set=folder.name, **found))
        print("| " + " | ".join(row(folder, found)) + " |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(dict(machine=machine(), results=results), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
