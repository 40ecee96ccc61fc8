"""How good translators get: `textrnn translate FILE --time T --json`, and its held-out pairs with and without a beam.

    python -m benchmarks.translate cmudict.dict fra.txt [--time 15m] [--beams 1,4] [--json FILE] [-- MORE OPTIONS]

`cmudict.dict` is spelling to phonemes, with a tenth of the words held out; `fra.txt` is English to French, 40,000 of
its pairs with at most 8 words on either side (`--fra-time`, by default 20m); any other file is taken as it is.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.tools import TEXTRNN, machine, run_json, table

HEADER = [
    "pairs",
    "learnt",
    "sources",
    "beam",
    "exact %",
    "token error %",
    "char error %",
    "BLEU",
    "chrF",
    "texts/s",
    "s",
]
OWN = {
    "cmudict.dict": ["--format", "cmudict", "--max-held-out", "20000"],
    "fra.txt": ["--max-words", "8", "--max-pairs", "40000", "--max-held-out", "4000"],
}


def translate(path: Path, time: str, beams: list[int], more: list[str]) -> list[dict[str, Any]]:
    """What `textrnn translate --json` says of a file, and what its run does with each beam; nothing is left behind."""
    from textrnn.translator.options import DecodeConfig
    from textrnn.translator.predict import open_translator
    from textrnn.translator.store import PAIRS_FILE, read_pairs_file
    from textrnn.translator.train import measured

    with tempfile.TemporaryDirectory() as models:
        own = [*OWN.get(path.name, []), "--time", time, "--models-dir", models, "--name", "run", "--json", "--quiet"]
        found = run_json([*TEXTRNN, "translate", str(path), *own, *more])
        model, test = open_translator(Path(models) / "run"), read_pairs_file(Path(models) / "run" / PAIRS_FILE)["test"]
        return [{**found, "test": measured(model, test, DecodeConfig(beam=beam))} for beam in beams]


def row(path: Path, found: dict[str, Any]) -> list[str]:
    """A line of the table."""
    test = found["test"]
    shares = [f"{100 * test[key]:.2f}" for key in ("exact_match", "token_error_rate", "char_error_rate")]
    counts = [f"{found['train_pairs']:,}", f"{test['pairs']:,}", str(test["beam"])]
    bleu = "" if test["bleu"] is None else f"{test['bleu']:.2f}"
    scores = [bleu, f"{test['chrf']:.2f}", f"{test['texts_per_s']:.0f}", f"{found['wall_s']:.0f}"]
    return [path.name, *counts, *shares, *scores]


def main() -> None:
    """Prints the table, lines as their file ends, and writes the JSON."""
    own, _, more = " ".join(sys.argv[1:]).partition(" -- ")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--time", default="15m")
    parser.add_argument("--fra-time", default="20m")
    parser.add_argument("--beams", default="1,4")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(own.split())
    print(machine() + "\n")
    print(table(HEADER, []), end="", flush=True)
    results = []
    for path in options.files:
        time = options.fra_time if path.name == "fra.txt" else options.time
        for found in translate(path, time, [int(beam) for beam in options.beams.split(",")], more.split()):
            results.append(dict(file=path.name, **found))
            print("| " + " | ".join(row(path, found)) + " |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(dict(machine=machine(), results=results), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
