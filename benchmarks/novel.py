"""Characters a second of `textrnn generate` with --novel and with --adapt, beside those without.

    python -m benchmarks.novel RUN TEXT... [--limit 30]

The run has counts; the texts are those that --novel looks in. The ways take turns, on the same machine.
"""

from __future__ import annotations

import argparse
import statistics
import time

from benchmarks.generation import batch_speed, stream_speed
from benchmarks.tools import machine, table
from textrnn.base.run import load
from textrnn.language_model.asked import asked_model
from textrnn.language_model.sample_options import TextConfig


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--limit", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(machine() + "\n")
    saved = load(options.run)
    begin = time.perf_counter()
    novel, _ = asked_model(saved, TextConfig(novel=options.limit), corpus=options.texts)
    print(f"--novel {options.limit}: {time.perf_counter() - begin:.2f} s to read the text\n")
    adapted, _ = asked_model(saved, TextConfig(adapt=True))
    ways = {"as it is": saved, f"--novel {options.limit}": novel, "--adapt": adapted}
    rows = []
    for texts in (1, 64):
        speeds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.repeats):
            for name, model in ways.items():
                speed = stream_speed(model, 2000) if texts == 1 else batch_speed(model, texts, 100)
                speeds[name].append(speed)
        plain = statistics.median(speeds["as it is"])
        for name, found in speeds.items():
            rows.append([texts, name, f"{statistics.median(found):,.0f}", f"{statistics.median(found) / plain:.2f}"])
    print(table(["texts at once", "options", "chars/s", "ratio"], rows))


if __name__ == "__main__":
    main()
