"""Milliseconds of a training step next to stock Keras layers in this process, and to PyTorch in another one.

    python -m benchmarks.throughput [--cell lstm ...] [--size 2x256 ...] [--precision float32 ...] [--batch 64]
        [--peer "TORCH_PYTHON peer_torch.py"] [--json FILE]

The peer is called with `train --cell LSTM --units 256 --layers 2 --batch 64 --steps 100 [--bf16]` and prints a JSON
line with `step_ms`. All sides learn the same: 65 symbols, an embedding of 64, Adam. They take turns; medians.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shlex
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tools import machine, run_json, table
from textrnn.base.machine import num_cores
from textrnn.language_model.options import Config
from textrnn.training.backend import start_tensorflow

VOCAB, EMBED = 65, 64
TORCH_CELLS = {"lstm": "LSTM", "gru": "GRU", "simple": "RNN"}
STOCK_CELLS = {"lstm": "LSTM", "gru": "GRU", "simple": "SimpleRNN"}


def our_step(cell: str, *, units: int, layers: int, precision: str, data: np.ndarray) -> Callable[[], float]:
    """A training step of this project on fixed data."""
    from textrnn.language_model.network import build_language_model
    from textrnn.language_model.step import make_loss
    from textrnn.training.step import Division, make_optimizer, make_step

    options = dict(arch=cell, units=units, layers=layers, embed=EMBED, dropout=0.0)
    config = Config.from_options(options).resolve()
    model = build_language_model(config.model, VOCAB)
    model.set_precision(precision)
    variables = model.trainable_variables
    optimizer = make_optimizer(config.optimization, variables)
    step = make_step(make_loss(model), variables, optimizer, clip_norm=1.0, division=Division(num_cores()))
    mask, state = np.ones(data[0].shape, np.float32), model.initial_state(len(data[0]))
    return lambda: float(step((data[0], data[1], mask), state, np.float32(1e-3))[0])


def stock_step(cell: str, *, units: int, layers: int, precision: str, data: np.ndarray) -> Callable[[], float]:
    """A training step of stock Keras layers under `train_on_batch`, as tutorials train."""
    import keras

    policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"
    inputs = keras.Input((data.shape[-1],), dtype="int32")
    hidden = keras.layers.Embedding(VOCAB, EMBED, dtype=policy)(inputs)
    for _ in range(layers):
        hidden = getattr(keras.layers, STOCK_CELLS[cell])(units, return_sequences=True, dtype=policy)(hidden)
    model = keras.Model(inputs, keras.layers.Dense(VOCAB, dtype="float32")(hidden))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return lambda: float(model.train_on_batch(data[0], data[1]))


def step_ms(step: Callable[[], float], repeats: int) -> float:
    """The median of some steps, in milliseconds."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(times)


def measure(options: argparse.Namespace, cell: str, size: str, precision: str, batch: int) -> dict[str, Any]:
    """All sides in turn, `--rounds` times; the medians over the rounds."""
    layers, units = map(int, size.split("x"))
    data = np.random.default_rng(0).integers(0, VOCAB, (2, batch, options.steps)).astype(np.int32)
    facts = dict(cell=cell, size=size, precision=precision, batch=batch, steps=options.steps)
    sides: dict[str, Any] = dict(units=units, layers=layers, precision=precision, data=data)
    steps = {"textrnn": our_step(cell, **sides), "keras": stock_step(cell, **sides)}
    for step in steps.values():
        step_ms(step, 2)  # traces
    times: dict[str, list[float]] = {name: [] for name in (*steps, *(["torch"] if options.peer else []))}
    for _ in range(options.rounds):
        for name, step in steps.items():
            times[name].append(step_ms(step, options.repeats))
        if options.peer:
            sizes = f"--units {units} --layers {layers} --batch {batch} --steps {options.steps}"
            low = " --bf16" if precision == "bfloat16" else ""
            command = f"{options.peer} train --cell {TORCH_CELLS[cell]} {sizes}{low}"
            times["torch"].append(run_json(shlex.split(command))["step_ms"])
    return {**facts, **{f"{name}_ms": statistics.median(values) for name, values in times.items()}}


def row(found: dict[str, Any]) -> list[str]:
    """A line of the table."""
    ours = found["textrnn_ms"]
    ratios = [f"{found[key]:.1f} ({found[key] / ours:.2f})" if key in found else "" for key in ("keras_ms", "torch_ms")]
    speed = found["batch"] * found["steps"] / ours * 1e3
    return [
        found["cell"],
        found["size"],
        str(found["batch"]),
        found["precision"],
        f"{ours:.1f}",
        *ratios,
        f"{speed:,.0f}",
    ]


def main() -> None:
    """Prints the table, and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cell", action="append", choices=list(TORCH_CELLS))
    parser.add_argument("--size", action="append", help="layers x units, such as 2x256")
    parser.add_argument("--precision", action="append", choices=["float32", "bfloat16"])
    parser.add_argument("--batch", action="append", type=int)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--peer")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    start_tensorflow()
    print(machine() + "\n", flush=True)
    header = ["cell", "size", "batch", "precision", "ms a step", "Keras ms (ratio)", "PyTorch ms (ratio)", "chars/s"]
    print(table(header, []), end="", flush=True)
    found = []
    for case in itertools.product(
        options.cell or TORCH_CELLS,
        options.size or ["2x256"],
        options.precision or ["float32", "bfloat16"],
        options.batch or [64],
    ):
        found.append(measure(options, *case))
        print("| " + " | ".join(row(found[-1])) + " |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(dict(machine=machine(), results=found), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
