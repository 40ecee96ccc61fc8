"""Counts of n-grams: seconds, memory, size, nats of held-out text, and microseconds a step.

    python -m benchmarks.counts [FILE ...] [--order 8] [--level char|word|byte] [--lost 0.003]

Each file's last tenth is held out. Without files: 1 MB made of data/english.txt. A line is a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.tools import long_text, machine, table
from textrnn.text.corpus import smallest_dtype
from textrnn.text.counts.adapt import AdaptedStream, adapted_probabilities
from textrnn.text.counts.build import save_counts
from textrnn.text.counts.count import counted
from textrnn.text.counts.model import Counts
from textrnn.text.options import TokenizerConfig
from textrnn.text.tokens.load import build_tokenizer

HEAD = [
    "text",
    "tokens",
    "vocab",
    "order",
    "count s",
    "MB more",
    "n-grams",
    "kept",
    "file MB",
    "open ms",
    "nats",
    "all kept",
    "tokens/s",
    "adapted",
    "tokens/s",
    "us/step",
    "adapted",
    "64 streams",
]


def step_us(counts: Counts, ids: np.ndarray, streams: int, steps: int = 300) -> float:
    """Microseconds that generation would take a step: advance and mixture, median."""
    places = np.linspace(0, len(ids) - steps - 1, streams).astype(int)
    gate = np.full((streams, counts.order + 1), 1 / (counts.order + 1), np.float32)
    network = np.full((streams, counts.vocab), 1 / counts.vocab, np.float32)
    nodes, took = counts.start(streams), []
    for step in range(steps):
        tokens = ids[places + step]
        begin = time.perf_counter()
        nodes = counts.advance(nodes, tokens)
        counts.mixture(nodes, gate, network)
        took.append(time.perf_counter() - begin)
    return statistics.median(took) * 1e6


def adapted_step_us(counts: Counts, ids: np.ndarray, steps: int = 1000) -> float:
    """The same for one stream that adapts, by its last 300 steps."""
    stream, took = AdaptedStream(counts, counts.start(1)), []
    gate, network = np.full(counts.order + 1, 0.1, np.float32), np.full(counts.vocab, 0.1, np.float32)
    for token in ids[:steps].tolist():
        begin = time.perf_counter()
        stream.advance(token)
        stream.mixture(gate, network)
        took.append(time.perf_counter() - begin)
    return statistics.median(took[-300:]) * 1e6


def encoded(path: Path, level: str) -> tuple[np.ndarray, np.ndarray, int]:
    """The ids of a text but its last tenth, those of the last tenth, and the size of the vocabulary."""
    text = path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")
    cut = int(len(text) * 0.9)
    size = {"vocab_size": 30_000} if level in ("word", "bpe") else {}
    tokenizer = build_tokenizer(TokenizerConfig(level=level, **size), [text[:cut]])
    dtype = smallest_dtype(tokenizer.vocab_size)
    parts = [np.asarray(tokenizer.encode(part)).astype(dtype) for part in (text[:cut], text[cut:])]
    return parts[0], parts[1], tokenizer.vocab_size


def row(path: Path, options: argparse.Namespace) -> list[str]:
    """All figures of one text."""
    train, valid, vocab = encoded(path, options.level)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as name:
        folder, begin = Path(name), time.perf_counter()
        with counted(train, vocab, folder, max_order=options.order, least_gain_nats=options.least_gain) as found:
            found.left_out(0, len(train))
            seconds = time.perf_counter() - begin
            save_counts(found, folder / "all", lost_nats=0)
            saved = save_counts(found, folder / "counts", lost_nats=options.lost, max_bytes=options.most_mb * 1e6)
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
        begin = time.perf_counter()
        counts = Counts(folder / "counts")
        open_ms = (time.perf_counter() - begin) * 1e3
        nodes = counts.walk(counts.start(1), train[-20:, None])[-1]
        unpruned = Counts(folder / "all")
        nats, speeds = [], []
        predictions: list[Callable[[], object]] = [
            partial(counts.text_probabilities, nodes, valid),
            partial(unpruned.text_probabilities, unpruned.walk(unpruned.start(1), train[-20:, None])[-1], valid),
            partial(adapted_probabilities, counts, nodes, valid),
        ]
        for predict in predictions:
            begin = time.perf_counter()
            found_p = predict()
            speeds.append(len(valid) / (time.perf_counter() - begin))
            p = np.asarray(found_p[0] if isinstance(found_p, tuple) else found_p)
            nats.append(float(-np.log(p[:, -1]).mean(dtype=np.float64)))
        steps = [step_us(counts, valid, 1), adapted_step_us(counts, valid), step_us(counts, valid, 64)]
    return [
        path.name,
        *(f"{n:,}" for n in (len(train), vocab, counts.order)),
        f"{seconds:.1f}",
        f"{more:.0f}",
        *(f"{n:,}" for n in (saved.ngrams, saved.kept)),
        f"{saved.size_bytes / 1e6:.1f}",
        f"{open_ms:.1f}",
        *(f"{n:.4f}" for n in nats[:2]),
        f"{speeds[0]:,.0f}",
        f"{nats[2]:.4f}",
        f"{speeds[2]:,.0f}",
        *(f"{n:.0f}" for n in steps),
    ]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--order", type=int, default=8)
    parser.add_argument("--least-gain", type=float, default=-9.0)
    parser.add_argument("--lost", type=float, default=0.003)
    parser.add_argument("--most-mb", type=float, default=1e6)
    parser.add_argument("--level", default="char")
    parser.add_argument("--row", action="store_true")
    options = parser.parse_args()
    if options.row:
        print("\t".join(row(options.files[0], options)))
        return
    with tempfile.TemporaryDirectory() as name:
        files = options.files or [long_text(Path(name), 1_100_000)]
        others = [argument for argument in sys.argv[1:] if argument not in map(str, options.files)]
        rows = []
        for path in files:
            command = [sys.executable, "-m", "benchmarks.counts", str(path), *others, "--row"]
            rows.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().split("\t"))
    print(machine() + "\n")
    print(table(HEAD, rows))


if __name__ == "__main__":
    main()
