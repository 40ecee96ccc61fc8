"""Copying vectors of bits, once or several times: a network with an external memory beside an LSTM.

    python -m benchmarks.memory_tasks [--task copy] [--bits 8] [--longest 10] [--steps N] [--units 64] [--seeds 3]

Both are trained on the same tasks of up to `--longest` vectors (and up to `--copies` copies, for repeat-copy), and
then asked for longer ones (and more copies). The LSTM has as many units as give it about as many parameters. The
numbers are bits told wrong, in percent.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from benchmarks.tools import machine, table

NUM_TESTS = 128
GOAL = 0.01  # of the bits, at twice the length that was learnt from


def errors(model: Any, bits: int, cases: list[tuple[int, int]]) -> list[float]:
    """Share of wrong bits for each case of (vectors, copies)."""
    from benchmarks.bit_tasks import copy_tasks, wrong_bits

    rng, found = np.random.default_rng(12345), []
    for length, copies in cases:
        lengths, counts = np.full(NUM_TESTS, length), np.full(NUM_TESTS, copies)
        found.append(wrong_bits(model, copy_tasks(rng, bits=bits, lengths=lengths, copies=counts)))
    return found


def cases(options: argparse.Namespace, task: str) -> list[tuple[int, int]]:
    """What is asked for, as (vectors, copies): the most that was learnt from, twice the length, and further."""
    longest, copies = options.longest, options.copies
    if task == "copy":
        return [(factor * longest, 1) for factor in (1, 2, 3, 5)]
    return [(longest, copies), (2 * longest, copies), (longest, 2 * copies), (longest, 3 * copies)]


def lstm_units(parameters: int, bits: int) -> int:
    """Units of the LSTM whose number of parameters is nearest to this."""
    from benchmarks.bit_tasks import MARKS

    def size(units: int) -> int:
        return 4 * units * (bits + MARKS + units + 1) + (bits + 1) * (units + 1)

    return min(range(1, 1 + parameters), key=lambda units: abs(size(units) - parameters))


def built(cell: str, options: argparse.Namespace, units: int, seed: int) -> Any:
    """A model with its first weights."""
    from benchmarks.bit_tasks import MARKS
    from benchmarks.bits_model import build_bit_model

    memory = dict(slots=options.slots, width=options.width, heads=options.heads, controller=options.controller)
    more = memory if cell == "memory" else {}
    return build_bit_model(cell, options.bits + MARKS, options.bits + 1, units=units, random_seed=seed, **more)


def learn(model: Any, options: argparse.Namespace, task: str, seed: int) -> None:
    """Trains a model on a task."""
    from benchmarks.bit_tasks import CopyObjective, learn_copying

    objective = CopyObjective(
        model,
        options.bits,
        options.longest,
        num_batches=options.steps,
        most_copies=1 if task == "copy" else options.copies,
        size=options.batch,
        random_seed=seed,
    )
    learn_copying(objective, learning_rate=options.learning_rate)


def compare(options: argparse.Namespace, task: str) -> None:
    """Prints the table of a task, a line for each seed and network, and how many seeds reached the goal."""
    asked, reached, goal = cases(options, task), 0, 2 * options.longest
    columns = [f"{length} vectors" + f" x {copies}" * (copies > 1) for length, copies in asked]
    print(table([task, "seed", "units", "parameters", *columns, "CPU s"], []), end="", flush=True)
    for seed in range(options.seed, options.seed + options.seeds):
        units, parameters = options.units, 0
        for cell in ("memory", "lstm"):
            units = lstm_units(parameters, options.bits) if cell == "lstm" else units
            model, begin = built(cell, options, units, seed), time.process_time()
            parameters = model.count_params()
            learn(model, options, task, seed)
            seconds, wrong = time.process_time() - begin, errors(model, options.bits, asked)
            reached += cell == "memory" and wrong[1] < GOAL
            row = [cell, seed, units, f"{parameters:,}", *(f"{100 * share:.2f} %" for share in wrong), f"{seconds:.0f}"]
            print("| " + " | ".join(map(str, row)) + " |", flush=True)
    print(f"\nmemory: less than {100 * GOAL:.0f} % wrong at {goal} vectors with {reached} of {options.seeds} seeds\n")


def main() -> None:
    """Prints a table for each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=("copy", "repeat-copy", "both"), default="both")
    parser.add_argument("--bits", type=int, default=8)
    parser.add_argument("--longest", type=int, default=10, help="most vectors in training")
    parser.add_argument("--copies", type=int, default=5, help="most copies in training, for repeat-copy")
    parser.add_argument("--units", type=int, default=64, help="of the network with a memory")
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--heads", type=int, default=1)
    parser.add_argument("--controller", choices=("lstm", "dense"), default="dense")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0, help="of initial weights and tasks")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from --seed on")
    options = parser.parse_args()
    from textrnn.training.backend import start_tensorflow

    start_tensorflow()
    print(machine() + "\n")
    for task in ("copy", "repeat-copy") if options.task == "both" else (options.task,):
        compare(options, task)


if __name__ == "__main__":
    main()
