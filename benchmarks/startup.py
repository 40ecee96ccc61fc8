"""What it costs to start: `textrnn --help` beside `python -c "import click"`, in turn.

python -m benchmarks.startup
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from benchmarks.tools import TEXTRNN, machine, run, table


def main() -> None:
    """Prints the table."""
    installed = Path(sys.executable).with_name("textrnn")
    help_command = [str(installed), "--help"] if installed.exists() else [*TEXTRNN, "--help"]
    commands = {"python -c 'import click'": [sys.executable, "-c", "import click"], "textrnn --help": help_command}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(15):
        for name, command in commands.items():
            times[name].append(run(command).seconds)
    medians = {name: statistics.median(values[2:]) for name, values in times.items()}
    base = medians["python -c 'import click'"]
    print(machine() + "\n")
    rows = [[f"`{name}`", f"{1000 * value:.0f}", f"{value / base:.2f}"] for name, value in medians.items()]
    print(table(["command", "ms", "ratio"], rows))


if __name__ == "__main__":
    main()
