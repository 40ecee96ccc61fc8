"""`--workers N`: this process starts N of itself on this machine, and does nothing but look after them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import textrnn
from textrnn.base.errors import ConfigError, TextRNNError
from textrnn.training.cluster import LAUNCHED, VARIABLE, Cluster
from textrnn.training.cluster import was_launched as was_launched
from textrnn.training.workers import is_told_elsewhere

POLL_S = 0.1
ORPHAN_S = 30.0  # in which a process ends by itself when the one that started it is gone
END_S = 60.0  # in which workers end by themselves after one has; the heartbeat may miss a killed one for 30 s


def launch(workers: int, arguments: Sequence[str]) -> int:
    """Runs `textrnn` in several local processes under one `TF_CONFIG`; the first is the chief.

    Args:
        workers: how many.
        arguments: those of the command, of which each process takes no notice of `--workers`.

    Returns:
        the exit code of the chief, or 1 when a worker failed.

    Raises:
        ConfigError: there are workers already, by `TF_CONFIG`, or no ports for these.
    """
    if os.environ.get(VARIABLE, "").strip():
        raise ConfigError(
            f"--workers starts workers on this machine, and {VARIABLE} names some already: use one of both"
        )
    addresses = free_addresses(workers)
    started: list[subprocess.Popen[bytes]] = []
    with _forwarded_signals(started):
        try:
            for rank in range(workers):
                started.append(_start(rank, addresses, arguments))
            return _look_after(started)
        finally:
            _end(started)


def free_addresses(workers: int) -> list[str]:
    """Loopback addresses whose ports are free now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(workers)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{probe.getsockname()[1]}" for probe in probes]


def core_shares(cores: Sequence[int], workers: int) -> list[list[int]]:
    """The cores of each worker: equal numbers, at least one, which have to be shared when there are too few.

    Example:
        >>> core_shares([0, 1, 2, 3, 4], 2), core_shares([0, 1], 3)
        ([[0, 1], [2, 3]], [[0], [1], [0]])
    """
    each = max(1, len(cores) // workers)
    return [[cores[(rank * each + n) % len(cores)] for n in range(each)] for rank in range(workers)]


def _start(rank: int, addresses: Sequence[str], arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    task = {"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": rank}}
    root = str(Path(textrnn.__file__).resolve().parents[1])  # a checkout need not be installed
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, VARIABLE: json.dumps(task), LAUNCHED: str(os.getpid()), "PYTHONPATH": paths}
    own = None if rank == 0 else subprocess.DEVNULL
    with _limited_to_share(rank, len(addresses)):
        # In a session of its own, Ctrl-C of the terminal reaches this process alone, which passes it on once.
        return subprocess.Popen(
            [sys.executable, "-m", "textrnn", *arguments],
            env=environment,
            stdin=own,
            stdout=own,
            start_new_session=True,
        )


@contextlib.contextmanager
def _limited_to_share(rank: int, workers: int) -> Iterator[None]:
    """Within the block this process may use the cores of one worker only, and what it starts inherits that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, core_shares(cores, workers)[rank])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def _forwarded_signals(started: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Ctrl-C and SIGTERM go to the chief, which stops all after the same step; the second time to all."""
    times = 0

    def handle(number: int, frame: Any) -> None:
        nonlocal times
        times += 1
        for process in started[:1] if times == 1 else started:
            with contextlib.suppress(OSError):
                process.send_signal(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _look_after(started: Sequence[subprocess.Popen[bytes]]) -> int:
    """Waits for all to end; when one has, the others get some time to do so by themselves."""
    left_s = END_S
    while any(process.poll() is None for process in started):
        time.sleep(POLL_S)
        codes = [process.poll() for process in started]
        if any(code not in (None, 0) for code in codes) or codes[0] is not None:
            left_s -= POLL_S  # counted, not timed: while this process is stopped, so are the others
        if left_s <= 0:
            break
    codes = [process.poll() for process in started]
    chief = codes[0]
    if chief is None:
        rank = next(rank for rank, code in enumerate(codes) if code not in (None, 0))
        sys.stderr.write(f"error: worker {rank} of {len(codes)} has ended ({_how(codes[rank])}) and the chief hangs\n")
        return 1
    failed = next((code for code in codes[1:] if code), 0)
    return 1 if chief < 0 or (chief == 0 and failed) else chief


def _how(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _end(started: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ends what is left."""
    for process in started:
        if process.poll() is None:
            process.kill()
    for process in started:
        process.wait()


@contextlib.contextmanager
def one_voice(cluster: Cluster | None) -> Iterator[None]:
    """Of several processes on one terminal, lets one tell what went wrong."""
    try:
        yield
    except TextRNNError as error:
        if cluster is None or not is_told_elsewhere(cluster, error):
            raise
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        if cluster is None or cluster.is_chief or not was_launched():
            raise
        raise SystemExit(130) from None


def end_with_launcher() -> None:
    """Lets this process stop as by SIGTERM when the one that started it is gone."""
    if not was_launched() or not hasattr(os, "getppid"):
        return
    parent = int(os.environ[LAUNCHED])

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ORPHAN_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
