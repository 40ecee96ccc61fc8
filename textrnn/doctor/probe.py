"""Imports libraries and says what came of it, a line of JSON each; runs in a process of its own, which may crash.

So a library that ends the process, as TensorFlow does on a processor without AVX, ends only this one.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from textrnn.base.tasks import named

LONGEST_S = 300.0  # in which libraries are imported: TensorFlow takes minutes on a slow disk or a busy machine
START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from textrnn.doctor.probe import main; main()"


def imported(modules: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Imports modules in another process.

    Args:
        modules: their names, each of which is there.

    Returns:
        for each what is known of it, or with the key `error` why it could not be imported, and with `crashed` how the
        process ended.
    """
    found: dict[str, dict[str, Any]] = {}
    waiting = list(modules)
    while waiting:
        lines, ended = _run(waiting)
        found.update(lines)
        waiting = [name for name in waiting if name not in found]
        if waiting:  # the first of them has ended the process
            found[waiting.pop(0)] = {"error": ended, "crashed": True}
    return found


def _run(modules: list[str]) -> tuple[dict[str, dict[str, Any]], str]:
    """What one process could import until it ended, and how that was."""
    command = [sys.executable, "-c", START, json.dumps(sys.path), *modules]
    pipes: dict[str, Any] = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process = subprocess.Popen(command, text=True, encoding="utf-8", errors="replace", **pipes)
    try:
        out, err = process.communicate(timeout=LONGEST_S)
        ended = _ending(process.returncode)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        ended = f"it was not done in {LONGEST_S:.0f} s"
    lines = {}
    for line in out.splitlines():
        name, _, values = line.partition("\t")
        if name in modules and values.startswith("{"):
            lines[name] = json.loads(values)
    said = err.strip().splitlines()
    return lines, f"{ended} ({said[-1]})" if said else ended


def _ending(code: int) -> str:
    """How a process ended, in words."""
    with contextlib.suppress(ValueError):  # a signal without a name
        if code < 0:
            return f"the process was ended by {signal.Signals(-code).name} ({signal.strsignal(-code)})"
    return f"the process ended with code {code}"


def main() -> None:
    """Imports what the arguments name, in order."""
    for name in sys.argv[2:]:
        try:
            values = ABOUT.get(name, _nothing_more)(named(f"{name}:__name__"))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # also what native code raises as something of its own
            values = {"error": f"{type(error).__name__}: {error}"}
        print(f"{name}\t{json.dumps(values)}", flush=True)


def _nothing_more(name: str) -> dict[str, Any]:
    return {}


def _numpy(name: str) -> dict[str, Any]:
    """The BLAS of NumPy, and its threads."""
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return {"blas": [{key: pool.get(key) for key in BLAS} for pool in pools]}


def _tensorflow(name: str) -> dict[str, Any]:
    """What training would run on."""
    from textrnn.training.backend import about

    return about()


BLAS = ("internal_api", "version", "architecture", "num_threads")
ABOUT = {"numpy": _numpy, "tensorflow": _tensorflow}
