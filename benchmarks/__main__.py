"""Runs the benchmarks that need nothing but this checkout."""

import subprocess
import sys

for name in ("startup", "encoding", "generation", "memory"):
    print(f"\n## {name}\n", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
