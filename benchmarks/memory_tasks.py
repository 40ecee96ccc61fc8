"""Copying vectors of bits, once or several times: a network with an external memory beside an LSTM.

    python -m benchmarks.memory_tasks [--task copy] [--bits 8] [--longest 10] [--steps N] [--units 64]

Both are trained on the same tasks of up to `--longest` vectors (and up to `--copies` copies, for repeat-copy), and
then asked for longer ones (and more copies). The numbers are bits told wrong, in percent.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from benchmarks.tools import machine, table

NUM_TESTS = 128


def errors(model: Any, bits: int, cases: list[tuple[int, int]]) -> list[float]:
    """Share of wrong bits for each case of (vectors, copies)."""
    from textrnn.training.bit_tasks import copy_tasks, wrong_bits

    rng, found = np.random.default_rng(12345), []
    for length, copies in cases:
        lengths, counts = np.full(NUM_TESTS, length), np.full(NUM_TESTS, copies)
        found.append(wrong_bits(model, copy_tasks(rng, bits=bits, lengths=lengths, copies=counts)))
    return found


def trained(cell: str, options: argparse.Namespace, copies: int) -> tuple[Any, float, float]:
    """A model trained on a task, the loss of its last steps in nats per bit, and the seconds that it took."""
    from textrnn.machine import num_cores
    from textrnn.models.bits import build_bit_model
    from textrnn.training.bit_tasks import MARKS, learn_copying

    memory = dict(slots=options.slots, width=options.width, heads=options.heads, controller=options.controller)
    model = build_bit_model(
        cell,
        options.bits + MARKS,
        options.bits + 1,
        units=options.units,
        random_seed=options.seed,
        **(memory if cell == "memory" else {}),
    )
    begin = time.monotonic()
    losses = learn_copying(
        model,
        bits=options.bits,
        longest=options.longest,
        most_copies=copies,
        num_steps=options.steps,
        batch=options.batch,
        learning_rate=options.learning_rate,
        random_seed=options.seed,
        num_shards=num_cores(),
    )
    return model, float(np.mean(losses[-100:])), time.monotonic() - begin


def main() -> None:
    """Prints a table for each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=("copy", "repeat-copy", "both"), default="both")
    parser.add_argument("--bits", type=int, default=8)
    parser.add_argument("--longest", type=int, default=10, help="most vectors in training")
    parser.add_argument("--copies", type=int, default=5, help="most copies in training, for repeat-copy")
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--heads", type=int, default=1)
    parser.add_argument("--controller", choices=("lstm", "dense"), default="dense")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    from textrnn.training.backend import start_tensorflow

    start_tensorflow()
    print(machine() + "\n")
    for task in ("copy", "repeat-copy") if options.task == "both" else (options.task,):
        copies = 1 if task == "copy" else options.copies
        longest = options.longest
        cases = [(longest, copies), (2 * longest, copies), (longest, 2 * copies), (3 * longest, copies)]
        cases = [(length, count) for length, count in cases if task == "repeat-copy" or count == 1]
        header = [task, "parameters", "nats/bit", *(f"{n} vectors" + f" x {k}" * (k > 1) for n, k in cases), "seconds"]
        print(table(header, []), end="", flush=True)
        for cell in ("memory", "lstm"):
            model, nats, seconds = trained(cell, options, copies)
            wrong = [f"{100 * share:.2f} %" for share in errors(model, options.bits, cases)]
            row = [cell, f"{model.count_params():,}", f"{nats:.5f}", *wrong, f"{seconds:.0f}"]
            print("| " + " | ".join(row) + " |", flush=True)
        print()


if __name__ == "__main__":
    main()
