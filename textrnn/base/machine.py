"""What this machine's processor can do, and how fast it is next to the one on which sizes were fitted."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import re
import time
from pathlib import Path, PurePosixPath

# Products of float32 [64, 512] by [512, 2048] a second that NumPy makes on the reference: 2 cores of an AMD EPYC
# (Zen 5) machine without other load.
REFERENCE = 1_460.0
PRODUCTS, SECONDS = 2, 0.2  # short rounds: the best is one that nothing else has disturbed
LOW_PRECISION_GAIN = 1.5  # a training step with bfloat16 next to one with float32, where the CPU has it
BFLOAT16_FLAGS = {"amx_bf16", "avx512_bf16"}
PROCESS_GROUPS, GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")  # where Linux tells of control groups
# Values of ONEDNN_MAX_CPU_ISA under which oneDNN has no bfloat16: TensorFlow asks the CPU, and the process aborts.
WITHOUT_BFLOAT16 = re.compile(r"SSE41|AVX|AVX2.*", re.IGNORECASE)


def num_cores() -> int:
    """Processor cores that this process may use, and a container lets it use at a time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = container_limits()[0]
    return cores if limit is None else max(1, min(cores, math.ceil(limit)))


def memory_bytes() -> int | None:
    """Memory of the machine, or of the container if that is less; None where the system does not tell."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    limit = container_limits()[1]
    return total if limit is None else min(total, limit)


@functools.cache
def container_limits() -> tuple[float | None, int | None]:
    """Cores, and bytes of memory, that the control groups of this process allow on Linux; None without a limit."""
    cores, memory = [], []
    for group in _control_groups():
        quota = _numbers(group / "cpu.max") or _numbers(group / "cpu.cfs_quota_us") + _numbers(
            group / "cpu.cfs_period_us"
        )
        if len(quota) == 2 and all(quota):  # without a limit, the first is `max` or -1
            cores.append(quota[0] / quota[1])
        memory += _numbers(group / "memory.max") + _numbers(group / "memory.limit_in_bytes")
    return min(cores, default=None), min(memory, default=None)


def _control_groups() -> list[Path]:
    """The folders of the control groups of this process, of version 1 and 2, with those that they are in."""
    found = []
    with contextlib.suppress(OSError), open(PROCESS_GROUPS, encoding="utf-8", errors="replace") as file:
        for line in file:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            place = PurePosixPath(path)
            found += [GROUPS / controllers / str(each).lstrip("/") for each in (place, *place.parents)]
    return found


def _numbers(file: Path) -> list[int]:
    """The whole numbers in a file; none if it is not there."""
    with contextlib.suppress(OSError):
        return [int(word) for word in file.read_text(encoding="ascii", errors="replace").split() if word.isdecimal()]
    return []


def cpu_flags() -> set[str]:
    """What the CPU can do and oneDNN may use, as Linux names it; on other systems nothing is known."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("flags"):
                flags = set(line.partition(":")[2].split())
                is_held = WITHOUT_BFLOAT16.fullmatch(os.environ.get("ONEDNN_MAX_CPU_ISA", ""))
                return flags - BFLOAT16_FLAGS if is_held else flags
    return set()


def has_tiles() -> bool:
    """Whether the CPU multiplies bfloat16 by tiles (AMX), for which one of two matrices has to be laid out anew."""
    return "amx_bf16" in cpu_flags()


def likes_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 faster than float32: it has AMX or AVX512-BF16."""
    return bool(cpu_flags() & BFLOAT16_FLAGS)


def machine_speed(precision: str, seconds: float = SECONDS) -> float:
    """How fast this machine learns next to the reference, which has bfloat16.

    Args:
        precision: `auto`, `float32` or `bfloat16`.
        seconds: that the measure takes.
    """
    best, end = 0.0, time.perf_counter() + seconds
    while not best or time.perf_counter() < end:
        best = max(best, _products_per_s() / REFERENCE)
    return best if precision != "float32" and likes_bfloat16() else best / LOW_PRECISION_GAIN


def _products_per_s() -> float:
    import numpy as np  # here, as what is asked of a machine on which NumPy is broken needs none

    hidden, weights = np.ones((64, 512), np.float32), np.ones((512, 2048), np.float32)
    begin = time.perf_counter()
    for _ in range(PRODUCTS):
        hidden @ weights
    return PRODUCTS / (time.perf_counter() - begin)
