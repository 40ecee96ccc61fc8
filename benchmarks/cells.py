"""How fast cells of equal units train: the whole step of `textrnn train`, in turn, as ratios to a GRU.

    python -m benchmarks.cells [--cell mingru ...] [--size 2x256 ...] [--batch 64 ...] [--precision float32]
        [--steps 100] [--rounds 5] [--json FILE]

65 symbols, an embedding of 64, Adam; medians over the rounds. What they learn in equal time is shown by
`benchmarks.quality`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.throughput import VOCAB, our_step, step_ms
from benchmarks.tools import machine, table
from textrnn.nn.architectures import CellNames
from textrnn.training.backend import start_tensorflow

CELLS = list(CellNames(both_ways=True))  # without the one that has a memory
HEADER = ["size", "batch x steps", "precision", "cell", "ms a step", "chars/s", "times as fast as gru"]


def measure(options: argparse.Namespace, size: str, batch: int) -> list[dict[str, Any]]:
    """All cells in turn, `--rounds` times; the medians."""
    layers, units = map(int, size.split("x"))
    data = np.random.default_rng(0).integers(0, VOCAB, (2, batch, options.steps)).astype(np.int32)
    sides: dict[str, Any] = dict(units=units, layers=layers, precision=options.precision, data=data)
    steps = {cell: our_step(cell, **sides) for cell in dict.fromkeys(["gru", *(options.cell or CELLS)])}
    times: dict[str, list[float]] = {cell: [] for cell in steps}
    for step in steps.values():
        step_ms(step, 2)  # traces
    for _, (cell, step) in itertools.product(range(options.rounds), steps.items()):
        times[cell].append(step_ms(step, 3))
    facts = dict(size=size, batch=batch, steps=options.steps, precision=options.precision)
    return [{**facts, "cell": cell, "step_ms": statistics.median(found)} for cell, found in times.items()]


def rows(found: list[dict[str, Any]]) -> list[list[str]]:
    """The lines of the table for one size."""
    slow = next(one["step_ms"] for one in found if one["cell"] == "gru")
    return [
        [
            one["size"].replace("x", " x "),
            f"{one['batch']} x {one['steps']}",
            one["precision"],
            one["cell"],
            f"{one['step_ms']:.1f}",
            f"{one['batch'] * one['steps'] / one['step_ms'] * 1e3:,.0f}",
            f"{slow / one['step_ms']:.2f}",
        ]
        for one in found
    ]


def main() -> None:
    """Prints the table, and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cell", action="append", choices=CELLS)
    parser.add_argument("--size", action="append", help="layers x units, such as 2x256")
    parser.add_argument("--batch", action="append", type=int)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    start_tensorflow()
    print(machine() + "\n", flush=True)
    print(table(HEADER, []), end="", flush=True)
    results = []
    for size, batch in itertools.product(options.size or ["2x256"], options.batch or [64]):
        found = measure(options, size, batch)
        results += found
        for row in rows(found):
            print("| " + " | ".join(row) + " |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(dict(machine=machine(), results=results), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
