"""How good models get in a given time: `textrnn train FILE --time T --json` for texts, times, architectures and levels.

python -m benchmarks.quality FILE ... [--time 45s ...] [--arch gru ...] [--level bpe ...] [--seeds 3] [--json FILE]
    [-- OPTIONS OF train]

With several seeds a line is that of the median loss, with the lowest and highest behind it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.tools import TEXTRNN, machine, run_json, table

HEADER = ["text", "time", "architecture", "level", "bits/char", "nats/token", "chars/s", "epochs", "parameters", "s"]


def train(path: Path, time: str, arch: str, level: str, seed: int, more: list[str]) -> dict[str, Any]:
    """What `textrnn train --json` says of one training, which leaves nothing behind."""
    with tempfile.TemporaryDirectory() as models:
        own = f"--time {time} --arch {arch} --level {level} --random-seed {seed} --models-dir {models} --json --quiet"
        return run_json([*TEXTRNN, "train", str(path), *own.split(), *more])


def row(path: Path, time: str, arch: str, level: str, found: list[dict[str, Any]]) -> list[str]:
    """A line of the table, of the training with the median loss."""
    found = sorted(found, key=lambda one: float(one["val_nats_per_token"]))
    middle, losses = found[len(found) // 2], [f"{one['val_nats_per_token']:.3f}" for one in found]
    spread = f" ({losses[0]} to {losses[-1]})" if len(losses) > 1 else ""
    return [
        path.name,
        time,
        arch,
        level,
        f"{middle['val_bits_per_char']:.3f}",
        f"{middle['val_nats_per_token']:.3f}{spread}",
        f"{middle['chars_per_s']:,.0f}",
        f"{middle['epochs']:.2f}",
        f"{middle['parameters']:,}",
        f"{middle['wall_s']:.0f}",
    ]


def main() -> None:
    """Prints the table, a line as its trainings end, and writes the JSON."""
    own, _, more = " ".join(sys.argv[1:]).partition(" -- ")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--time", action="append")
    parser.add_argument("--arch", action="append")
    parser.add_argument("--level", action="append")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(own.split())
    print(machine() + "\n")
    print(table(HEADER, []), end="", flush=True)
    results = []
    cases = itertools.product(
        options.files, options.time or ["3m"], options.arch or ["lstm"], options.level or ["char"]
    )
    for path, time, arch, level in cases:
        found = [train(path, time, arch, level, seed, more.split()) for seed in range(options.seeds)]
        results.append(dict(text=path.name, time=time, arch=arch, level=level, trainings=found))
        print("| " + " | ".join(row(path, time, arch, level, found)) + " |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(dict(machine=machine(), results=results), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
