"""Runs the tests that compare floating-point numbers as on less able processors: `make test-processors`.

oneDNN (TensorFlow), OpenBLAS and NumPy choose their code by the processor, and other code rounds otherwise. Each
setting makes them take that of an older one, as far as this machine can: a setting never adds instructions. Arguments
go to pytest; with `--all` in front of them every test is run.
"""

import ast
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from numpy._core import _multiarray_umath as numpy_core

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = (
    "ONEDNN_MAX_CPU_ISA=AVX2",
    "ONEDNN_MAX_CPU_ISA=SSE41",
    "TF_ENABLE_ONEDNN_OPTS=0",
    "OPENBLAS_CORETYPE=Haswell",
    "OPENBLAS_CORETYPE=Sandybridge",
    "OPENBLAS_CORETYPE=Zen",
    # All that NumPy would use here beyond what every x86-64 has.
    "NPY_DISABLE_CPU_FEATURES="
    + " ".join(name for name in numpy_core.__cpu_dispatch__ if numpy_core.__cpu_features__[name]),
)
# TensorFlow asks the processor itself for bfloat16, and oneDNN, held below it, then aborts: no real processor does so.
HELD_BELOW_BFLOAT16 = SETTINGS[:2]
COMPARES = re.compile(r"allclose|approx\(|array_equal")


def numeric_tests():
    """Of each file the tests that compare numbers, themselves or by a function or a fixture of that file."""
    chosen = []
    for path in sorted(ROOT.glob("tests/test_*.py")):
        source = path.read_text("utf-8")
        parts = {
            part.name: ast.get_source_segment(source, part)
            for part in ast.parse(source).body
            if isinstance(part, (ast.FunctionDef, ast.ClassDef))
        }
        comparing, before = {name for name, code in parts.items() if COMPARES.search(code)}, set()
        while comparing != before:
            before, named = comparing, re.compile(rf"\b({'|'.join(sorted(comparing))})\b")
            comparing = {name for name, code in parts.items() if COMPARES.search(code) or named.search(code)}
        chosen += [f"{path}::{name}" for name in parts if name in comparing and name.startswith("test_")]
    return chosen


def main(arguments):
    everything = arguments[:1] == ["--all"]
    chosen = arguments[1:] if everything else [*numeric_tests(), *arguments]
    failed = 0
    for setting in SETTINGS:
        name, _, value = setting.partition("=")
        began = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", *chosen]
        command += ["-k", "not bfloat16"] if setting in HELD_BELOW_BFLOAT16 else []
        ran = subprocess.run(command, cwd=ROOT, env={**os.environ, name: value}, text=True, capture_output=True)
        if ran.returncode:
            failed += 1
            print(ran.stdout + ran.stderr)
        summary = (ran.stdout.strip().splitlines() or ["nothing was run"])[-1].strip("= ")
        print(f"{setting[:60]:60} {time.monotonic() - began:5.0f} s  {summary}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
