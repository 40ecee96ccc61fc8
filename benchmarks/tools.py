"""What the benchmarks share: running commands, medians, tables, and texts and runs to measure on."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.base.files import FORMAT_VERSION, MODEL_FILE, RUN_FILE, TOKENIZER_FILE, Weights, write_json, write_weights
from textrnn.language_model.options import Config
from textrnn.text.tokens.char import CharTokenizer

TEXTRNN = (sys.executable, "-m", "textrnn")
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Finished:
    """A command that has ended.

    Attributes:
        output: what it printed.
        seconds: wall-clock time.
        first_s: time until its first byte of output.
        peak_mb: largest resident memory, in 10**6 bytes.
    """

    output: str
    seconds: float
    first_s: float
    peak_mb: float


def run(command: Sequence[str], *, env: dict[str, str] | None = None) -> Finished:
    """Runs a command and measures it.

    Raises:
        RuntimeError: it failed.
    """
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env={**os.environ, **(env or {})})
        assert process.stdout is not None
        first = os.read(process.stdout.fileno(), 1)
        first_s = time.perf_counter() - begin
        output = first + process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(command)} failed: {errors.read().decode()[-2000:]}")
    return Finished(output.decode(), seconds, first_s, usage.ru_maxrss * 1024 / 1e6)


def run_json(command: Sequence[str]) -> dict[str, Any]:
    """The JSON object that a command prints, with its `wall_s` and `peak_mb`."""
    finished = run(command)
    return {**json.loads(finished.output), "wall_s": finished.seconds, "peak_mb": finished.peak_mb}


def median(measure: Callable[[], float], repeats: int) -> float:
    """The median of some measurements."""
    return statistics.median(measure() for _ in range(repeats))


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def machine() -> str:
    """The machine in a line: processor, cores, versions."""
    name = "processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        name = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), name)
    return f"{name}, {len(os.sched_getaffinity(0))} cores; Python {sys.version.split()[0]}, NumPy {np.__version__}"


def long_text(folder: Path, num_bytes: int) -> Path:
    """A text of a size, made by repeating the English one of data/."""
    text, path = (ROOT / "data" / "english.txt").read_bytes(), folder / f"{num_bytes}.txt"
    with open(path, "wb") as file:
        for begin in range(0, num_bytes, len(text)):
            file.write(text[: num_bytes - begin])
    return path


def random_run(folder: Path, *, units: int, layers: int, vocab: int = 67, embed: int = 64) -> Path:
    """A saved LSTM with random weights: as fast to generate with as a trained one, and made in no time."""
    rng = np.random.default_rng(0)
    options = dict(arch="lstm", units=units, layers=layers, embed=embed)
    weights: Weights = {
        "embedding/embeddings": rng.standard_normal((vocab, embed)),
        "output/bias": np.zeros(vocab),
        "output/kernel": rng.standard_normal((units, vocab)) / np.sqrt(units),
    }
    for layer in range(layers):
        width = units if layer else embed
        weights[f"layer{layer}/kernel"] = rng.standard_normal((width, 4 * units)) / np.sqrt(width)
        weights[f"layer{layer}/recurrent_kernel"] = rng.standard_normal((units, 4 * units)) / np.sqrt(units)
        weights[f"layer{layer}/bias"] = np.zeros(4 * units)
    path = folder / f"lstm-{layers}x{units}"
    path.mkdir(parents=True)
    write_weights(path / MODEL_FILE, {name: array.astype(np.float32) for name, array in weights.items()})
    write_json(path / TOKENIZER_FILE, CharTokenizer([chr(33 + n) for n in range(vocab - 2)]).to_json())
    config = Config.from_options(options).resolve().to_json()
    write_json(
        path / RUN_FILE,
        dict(
            format_version=FORMAT_VERSION,
            kind="language_model",
            config=config,
            start_id=0,
            vocab_size=vocab,
            metrics={},
        ),
    )
    return path
