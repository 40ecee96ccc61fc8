"""Bits per character that cells reach in equal time of the processor, each with the size that `--size` gives it.

    python -m benchmarks.cell_quality tinyshakespeare.txt [--cell mingru ...] [--cpu-s 40] [--seconds 28]

Learning is measured in processor seconds, so that a busy machine changes nothing; loading and tracing do not count.
The last tenth of the text is held out. Without dropout and with batches of 16, in streams.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import math
import time
from pathlib import Path

import numpy as np

from benchmarks.tools import machine, table
from textrnn.base.machine import num_cores
from textrnn.language_model.options import Config
from textrnn.language_model.size import sized
from textrnn.nn.architectures import CellNames
from textrnn.text.tokens.char import CharTokenizer
from textrnn.training.backend import start_tensorflow

CELLS = list(CellNames(both_ways=True))  # without the one that has a memory
HEADER = ["cell", "layers x units", "learning rate", "parameters", "steps", "epochs", "bits/char"]
STREAMS, WINDOW, WARM_UP = 16, 64, 50


def learn(cell: str, ids: np.ndarray, vocab_size: int, options: argparse.Namespace) -> list[str]:
    """Trains one cell, and gives its line of the table."""
    from textrnn.language_model.network import build_language_model, start_from_frequencies
    from textrnn.language_model.step import make_eval_step, make_loss
    from textrnn.training.step import Division, make_optimizer, make_step

    cut = len(ids) * 9 // 10
    facts = dict(num_tokens=cut, vocab_size=vocab_size, seconds=options.seconds, speed=1.0)
    config, _ = sized(Config.from_options(dict(arch=cell)).resolve(), dict(arch=cell), **facts)
    model = build_language_model(dataclasses.replace(config.model, dropout=0.0), vocab_size)
    start_from_frequencies(model, ids[:cut])
    variables, division = model.trainable_variables, Division(num_cores())
    optimizer = make_optimizer(config.optimization, variables)
    step = make_step(make_loss(model), variables, optimizer, clip_norm=1.0, division=division)
    evaluate = make_eval_step(model, num_shards=1)
    highest, mask = config.optimization.learning_rate or 0.0, np.ones((STREAMS, WINDOW), np.float32)
    state, begin, steps = model.initial_state(STREAMS), time.process_time(), 0
    for x, y in itertools.chain.from_iterable(windows(ids[:cut]) for _ in itertools.count()):
        spent = (time.process_time() - begin) / options.cpu_s
        if spent >= 1:
            break
        rate = highest * min(1.0, steps / WARM_UP) * (1 + math.cos(math.pi * spent)) / 2
        _, _, state = step((x, y, mask), state, np.float32(rate))
        if steps == 0:  # was traced
            begin = time.process_time()
        steps += 1
    nats, state, held = 0.0, model.initial_state(STREAMS), list(windows(ids[cut:]))
    for x, y in held:
        loss, state = evaluate(x, y, mask, state)
        nats += float(loss)
    bits = nats / (len(held) * mask.size) / math.log(2)
    size = f"{config.model.layers} x {config.model.units}"
    epochs = steps * mask.size / cut
    return [cell, size, f"{highest:.4f}", f"{model.count_params():,}", f"{steps:,}", f"{epochs:.2f}", f"{bits:.3f}"]


def windows(ids: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Inputs and targets of streams side by side, int32[streams, window] each."""
    length = (len(ids) - 1) // (STREAMS * WINDOW) * WINDOW
    x, y = (ids[shift : shift + STREAMS * length].reshape(STREAMS, length) for shift in (0, 1))
    return [(x[:, at : at + WINDOW], y[:, at : at + WINDOW]) for at in range(0, length, WINDOW)]


def main() -> None:
    """Prints the table, a line as each training ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--cell", action="append", choices=CELLS)
    parser.add_argument("--cpu-s", type=float, default=40.0, help="of learning, for each cell")
    parser.add_argument("--seconds", type=float, default=28.0, help="of the command, which --size is asked for")
    options = parser.parse_args()
    start_tensorflow()
    text = options.file.read_text(encoding="utf-8")
    tokenizer = CharTokenizer(sorted(set(text)))
    ids = np.asarray(tokenizer.encode(text), np.int32)
    print(machine() + "\n\n" + table(HEADER, []), end="", flush=True)
    for cell in options.cell or CELLS:
        print("| " + " | ".join(learn(cell, ids, tokenizer.vocab_size, options)) + " |", flush=True)


if __name__ == "__main__":
    main()
