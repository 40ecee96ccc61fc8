"""The machine: processor, memory, graphics card, disk, terminal."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textrnn.base.errors import RunError, TextRNNError
from textrnn.base.files import write_atomically
from textrnn.base.machine import BFLOAT16_FLAGS, container_limits, cpu_flags, likes_bfloat16, memory_bytes, num_cores
from textrnn.base.run import locked
from textrnn.doctor.part import Part, anonymous

INSTRUCTIONS = ("avx", "avx2", "avx512f", *sorted(BFLOAT16_FLAGS))  # those that make a difference
LEAST_FREE = 500_000_000  # bytes on the disk: a run has some megabytes, and keeps the ids of its text while it learns
LEAST_MEMORY = 2_000_000_000  # TensorFlow takes 0.5 GB, and a small network as much


def system() -> Part:
    """The operating system."""
    words = f"{platform.system()} {platform.release()}, {platform.machine()}"
    values = dict(system=platform.system(), release=platform.release(), machine=platform.machine())
    if _in_container():
        words += ", in a container"
    return Part("system", [words], {**values, "container": _in_container()})


def processor() -> Part:
    """The processor, and how much of it this process may use."""
    name, cores, limit = _processor_name(), num_cores(), container_limits()[0]
    flags = [flag for flag in INSTRUCTIONS if flag in cpu_flags()]
    of_all = f" of {os.cpu_count()}" if cores != os.cpu_count() else ""
    words = f"{name}, {cores}{of_all} cores usable"
    if limit is not None:
        words += f" (the container allows {limit:g})"
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    busy = load is not None and load > cores / 2
    lines = [words, *([", ".join(flags)] if flags else [])]
    if busy:
        lines.append(f"busy: {load:.1f} processes want to compute at once, so training is slower than it could be")
    values = dict(
        name=name, cores=cores, all_cores=os.cpu_count(), container_cores=limit, instructions=flags, load=load
    )
    return Part("processor", lines, values)


def memory() -> Part:
    """The memory, and what is free of it."""
    total, available, limit = memory_bytes(), _available_bytes(), container_limits()[1]
    if total is None:
        return Part("memory", ["not told by this system"], dict(bytes=None))
    words = f"{_gigabytes(total)}" + (f", {_gigabytes(available)} available" if available else "")
    if limit == total:
        words += " (a limit of the container)"
    least = f"{_gigabytes(total)} of memory are few to train in: use a small --units and --batch"
    problems = [least] if total < LEAST_MEMORY else []
    return Part("memory", [words], dict(bytes=total, available_bytes=available), problems)


def precision(tensorflow: Mapping[str, Any] | None) -> Part:
    """The type that training multiplies in, and why.

    Args:
        tensorflow: what `probe` knows of it; None where it is not there.
    """
    fast = sorted(BFLOAT16_FLAGS & cpu_flags())
    chosen = (tensorflow or {}).get("precision") or ("bfloat16" if likes_bfloat16() else "float32")
    if chosen == "bfloat16":
        why = f"the processor multiplies it faster than float32 ({', '.join(fast)})"
    elif (tensorflow or {}).get("gpus"):
        why = "a GPU keeps to its own kernels"
    else:
        why = "the processor has no fast bfloat16, or ONEDNN_MAX_CPU_ISA keeps it from it"
    return Part("precision", [f"{chosen}: {why}"], dict(auto=chosen, why=why))


def gpu(tensorflow: Mapping[str, Any] | None) -> Part:
    """The graphics cards that TensorFlow sees; see `precision`."""
    names = list((tensorflow or {}).get("gpus", []))
    there = os.path.exists("/proc/driver/nvidia/version")
    words = ", ".join(names) or "none that TensorFlow sees"
    if there and tensorflow is not None and not names:
        words += "; the driver of NVIDIA is there: pip install 'tensorflow[and-cuda]'"
    return Part("gpu", [words], dict(names=names, nvidia_driver=there))


def disk(models_dir: Path) -> Part:
    """Whether runs can be saved: room, and whether files can be written, moved into place and held.

    Args:
        models_dir: where runs are kept; it need not be there.
    """
    there = models_dir.is_dir()
    place = models_dir if there else next((each for each in models_dir.absolute().parents if each.is_dir()), Path("."))
    values: dict[str, Any] = dict(exists=there, free_bytes=None, writable=False, locks=False)
    words, problems = ["there" if there else "not there yet"], []
    with contextlib.suppress(OSError):
        values["free_bytes"] = free = shutil.disk_usage(place).free
        words.append(f"{_gigabytes(free)} free")
        if free < LEAST_FREE:
            problems.append(f"only {_gigabytes(free)} are free where runs are saved: make room")
    try:
        if models_dir.exists() and not there:
            raise RunError("a file has that name")
        values.update(_tried_out(place))
    except (OSError, TextRNNError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        problems.append(f"runs cannot be saved ({anonymous(str(reason))}): choose another --models-dir")
    if values["writable"]:
        words.append("files can be written, synced and moved into place" + ", and held by locks" * values["locks"])
        if not values["locks"]:
            problems.append(
                "two trainings could write one run, as locks do not hold there: choose another --models-dir"
            )
    return Part("models folder", [", ".join(words)], values, problems)


def _tried_out(place: Path) -> dict[str, bool]:
    """What a folder can do, found out by doing it in a hidden one in it, as trainings do."""
    with tempfile.TemporaryDirectory(prefix=".doctor-", dir=place) as folder:
        for data in (b"old", b"new"):
            write_atomically(Path(folder, "file"), data)
        with contextlib.ExitStack() as held:
            held.enter_context(locked(Path(folder), "run"))
            try:
                held.enter_context(locked(Path(folder), "run"))
                return dict(writable=True, locks=False)
            except TextRNNError:  # it is held, as it should be
                return dict(writable=True, locks=True)


def terminal() -> Part:
    """What the terminal can show."""
    from rich.console import Console

    console = Console(stderr=True)
    encoding = str(getattr(sys.stdout, "encoding", None) or "unknown")
    is_terminal = bool(sys.stderr is not None and sys.stderr.isatty())
    colours = console.color_system or "none"
    shows = f"width {console.width}, colours: {colours}" if is_terminal else "no terminal"
    lines = [f"{encoding}, {shows}"]
    if encoding.lower().replace("-", "") != "utf8":
        lines.append("characters that it does not have are shown as escapes: set PYTHONUTF8=1")
    values = dict(encoding=encoding, is_terminal=is_terminal, colours=console.color_system, width=console.width)
    return Part("terminal", lines, values)


def _processor_name() -> str:
    """What the maker calls the processor."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model", "cpu model"):
                return " ".join(value.split())
    if sys.platform == "darwin":
        with contextlib.suppress(OSError):
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            if said := subprocess.run(command, capture_output=True, text=True).stdout.strip():
                return said
    return platform.processor() or platform.machine() or "unknown"


def _available_bytes() -> int | None:
    """Memory that programs could have now, as Linux tells it."""
    with contextlib.suppress(OSError), open("/proc/meminfo", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _in_container() -> bool:
    return (
        os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv") or "KUBERNETES_SERVICE_HOST" in os.environ
    )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
