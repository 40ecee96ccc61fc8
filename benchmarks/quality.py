"""How good models get in a given time: `textrnn train FILE --time T --json` for texts, architectures and levels.

python -m benchmarks.quality FILE ... [--time 3m] [--arch lstm --arch gru] [--level char] [-- OPTIONS OF train]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.tools import TEXTRNN, machine, run_json, table


def main() -> None:
    """Prints the table, a line as each training ends."""
    own, _, more = " ".join(sys.argv[1:]).partition(" -- ")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--time", default="3m")
    parser.add_argument("--arch", action="append")
    parser.add_argument("--level", action="append")
    options = parser.parse_args(own.split())
    print(machine() + "\n")
    header = ["text", "architecture", "level", "bits/char", "nats/token", "chars/s", "epochs", "parameters", "seconds"]
    print(table(header, []), end="", flush=True)
    with tempfile.TemporaryDirectory() as models:
        for path in options.files:
            for arch in options.arch or ["lstm"]:
                for level in options.level or ["char"]:
                    found = run_json(
                        [
                            *TEXTRNN,
                            "train",
                            str(path),
                            "--time",
                            options.time,
                            "--arch",
                            arch,
                            "--level",
                            level,
                            "--models-dir",
                            models,
                            "--json",
                            "--quiet",
                            *more.split(),
                        ]
                    )
                    row = [
                        path.name,
                        arch,
                        level,
                        f"{found['val_bits_per_char']:.3f}",
                        f"{found['val_nats_per_token']:.3f}",
                        f"{found['chars_per_s']:,.0f}",
                        f"{found['epochs']:.2f}",
                        f"{found['parameters']:,}",
                        f"{found['wall_s']:.0f}",
                    ]
                    print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
