"""What this machine's processor can do, and how fast it is next to the one on which sizes were fitted."""

from __future__ import annotations

import contextlib
import os
import re
import time

import numpy as np

# Products of float32 [64, 512] by [512, 2048] a second that NumPy makes on the reference: 2 cores of an AMD EPYC
# (Zen 5) machine without other load.
REFERENCE = 1_460.0
PRODUCTS, SECONDS = 2, 0.2  # short rounds: the best is one that nothing else has disturbed
LOW_PRECISION_GAIN = 1.5  # a training step with bfloat16 next to one with float32, where the CPU has it
BFLOAT16_FLAGS = {"amx_bf16", "avx512_bf16"}
# Values of ONEDNN_MAX_CPU_ISA under which oneDNN has no bfloat16: TensorFlow asks the CPU, and the process aborts.
WITHOUT_BFLOAT16 = re.compile(r"SSE41|AVX|AVX2.*", re.IGNORECASE)


def num_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_flags() -> set[str]:
    """What the CPU can do and oneDNN may use, as Linux names it; on other systems nothing is known."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("flags"):
                flags = set(line.partition(":")[2].split())
                is_held = WITHOUT_BFLOAT16.fullmatch(os.environ.get("ONEDNN_MAX_CPU_ISA", ""))
                return flags - BFLOAT16_FLAGS if is_held else flags
    return set()


def likes_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 faster than float32: it has AMX or AVX512-BF16."""
    return bool(cpu_flags() & BFLOAT16_FLAGS)


def machine_speed(precision: str) -> float:
    """How fast this machine learns next to the reference, which has bfloat16; measured in a fifth of a second.

    Args:
        precision: `auto`, `float32` or `bfloat16`.
    """
    best, end = 0.0, time.perf_counter() + SECONDS
    while not best or time.perf_counter() < end:
        best = max(best, _products_per_s() / REFERENCE)
    return best if precision != "float32" and likes_bfloat16() else best / LOW_PRECISION_GAIN


def _products_per_s() -> float:
    hidden, weights = np.ones((64, 512), np.float32), np.ones((512, 2048), np.float32)
    begin = time.perf_counter()
    for _ in range(PRODUCTS):
        hidden @ weights
    return PRODUCTS / (time.perf_counter() - begin)
