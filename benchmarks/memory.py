"""Peak memory of `textrnn train` on a small and on a large text, same model, some steps.

    python -m benchmarks.memory [SMALL LARGE]

Without files: 1 MB and 20 MB made of data/english.txt.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.tools import TEXTRNN, long_text, machine, run_json, table


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--time", default="40s")
    options = parser.parse_args()
    rows, peaks = [], []
    with tempfile.TemporaryDirectory() as name:
        files = options.files or [long_text(Path(name), size) for size in (1_100_000, 20_000_000)]
        for path in files:
            command = [*TEXTRNN, "train", str(path), "--time", options.time, "--units", "128", "--layers", "1"]
            result = run_json([*command, "--models-dir", str(Path(name) / "models"), "--json", "--quiet"])
            peaks.append(result["peak_mb"])
            rows.append([path.name, f"{path.stat().st_size / 1e6:.1f}", f"{peaks[-1]:.0f}", result["steps"]])
    print(machine() + "\n")
    print(table(["text", "MB", "peak memory MB", "steps"], rows))
    print(f"difference: {peaks[-1] - peaks[0]:.0f} MB")


if __name__ == "__main__":
    main()
