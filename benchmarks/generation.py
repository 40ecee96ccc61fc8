"""Characters a second of `textrnn generate`, and the time to its first one, beside a peer.

    python -m benchmarks.generation [--peer "PYTHON SCRIPT"] [--units 512] [--layers 1] [--model models/NAME]

The peer is a command that takes `generate --units U --layers L --batch B` and prints JSON with `chars_per_s`; the two
run in turn, and the ratio is that of the medians. Times are of the generating loop, as the peer's are; the time to
the first character is that of the whole command. A saved run in the place of a drawn one is measured with and without
its counts, by NumPy and, where it has the files, by LiteRT.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.tools import TEXTRNN, machine, median, random_run, run, table
from textrnn.language_model.fast import FAST_FILE, with_runtime
from textrnn.language_model.generation_loop import Stream, write
from textrnn.language_model.predict import LanguageModel, open_run
from textrnn.language_model.random_state import row_rng
from textrnn.language_model.rows import read_prompt
from textrnn.language_model.sample_options import SampleConfig


def stream_speed(model: LanguageModel, length: int) -> float:
    """Characters a second of one stream, text included."""
    stream = Stream(model, model.tokenizer.encode(""), row_rng(0))
    list(stream.write(SampleConfig(length=200)))
    begin = time.perf_counter()
    num_chars = sum(map(len, stream.write(SampleConfig(length=length))))
    return num_chars / (time.perf_counter() - begin)


def batch_speed(model: LanguageModel, rows: int, length: int) -> float:
    """Characters a second of some texts written side by side."""
    prompt = read_prompt(model, model.tokenizer.encode(""))
    rngs = [row_rng(0, row) for row in range(rows)]
    write(model, [prompt] * rows, rngs, SampleConfig(length=20))
    begin = time.perf_counter()
    texts = write(model, [prompt] * rows, rngs, SampleConfig(length=length))
    return sum(len(text.text) for text in texts) / (time.perf_counter() - begin)


def measured(path: Path) -> dict[str, LanguageModel]:
    """All ways in which a run writes, by name."""
    found = dict[str, LanguageModel]()
    for runtime in ("numpy", *(["litert"] if (path / FAST_FILE).is_file() else [])):
        model, _ = with_runtime(open_run(path), runtime)
        found.update({f"{name}, {runtime}": model.using(name) for name in model.predictors if name != "counts"})
    return found


def peer_speed(command: str, units: int, layers: int, rows: int) -> float:
    """Characters a second that a peer reports."""
    sizes = ["generate", "--units", units, "--layers", layers, "--batch", rows]
    return float(json.loads(run([*shlex.split(command), *map(str, sizes)]).output)["chars_per_s"])


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer")
    parser.add_argument("--units", type=int, default=512)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(machine() + "\n")
    with tempfile.TemporaryDirectory() as folder:
        path = options.model or random_run(Path(folder), units=options.units, layers=options.layers)
        ways, rows = measured(path), []
        for texts in (1, 64):
            own, peer = {name: list[float]() for name in ways}, list[float]()
            for _ in range(options.repeats):
                for name, model in ways.items():
                    own[name].append(stream_speed(model, 8000) if texts == 1 else batch_speed(model, texts, 250))
                if options.peer:
                    peer.append(peer_speed(options.peer, options.units, options.layers, texts))
            theirs = statistics.median(peer) if peer else 0
            for name, speeds in own.items():
                ours = statistics.median(speeds)
                beside = [f"{theirs:,.0f}", f"{ours / theirs:.2f}"] if peer else ["-", "-"]
                rows.append([f"{path.name}: {name}", texts, f"{ours:,.0f}", *beside])
        print(table(["model", "texts at once", "chars/s", "peer chars/s", "ratio"], rows))
        command = [*TEXTRNN, "generate", "--model", str(path), "--length", "200"]
        first = median(lambda: run(command).first_s, options.repeats)
        print(f"first character of `textrnn generate`: {first:.2f} s after the command began")


if __name__ == "__main__":
    main()
