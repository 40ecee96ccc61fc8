"""Who trains together: the workers that `TF_CONFIG` names, read without TensorFlow."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from textrnn.base.errors import ConfigError

VARIABLE = "TF_CONFIG"
LAUNCHED = "TEXTRNN_LAUNCHED_BY"  # the process of `--workers` that started this one
EXAMPLE = '{"cluster": {"worker": ["host-a:2222", "host-b:2222"]}, "task": {"type": "worker", "index": 0}}'
JOBS = ("chief", "worker")  # in the order of their ranks
MAX_PORT = 65_535


@dataclass(frozen=True)
class Cluster:
    """The workers of one training, and which of them this process is.

    Attributes:
        addresses: `host:port` of each worker, by rank; the first is the chief, which alone writes and speaks.
        rank: this process, from 0 on.
    """

    addresses: tuple[str, ...]
    rank: int

    @property
    def workers(self) -> int:
        """How many there are."""
        return len(self.addresses)

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes and speaks."""
        return self.rank == 0


def split_address(address: str) -> tuple[str, int]:
    """Host and port of an address; IPv6 hosts are in brackets.

    Example:
        >>> split_address("[::1]:2222")
        ('::1', 2222)
    """
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def was_launched(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether `--workers` of another process started this one, so that all share one terminal."""
    return LAUNCHED in environment


def read_cluster(environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """The cluster that `TF_CONFIG` describes, None when there is none or it has one worker.

    Raises:
        ConfigError: it is no JSON, lacks something, or asks for what this program does not do.

    Example:
        >>> read_cluster({"TF_CONFIG": EXAMPLE})
        Cluster(addresses=('host-a:2222', 'host-b:2222'), rank=0)
        >>> read_cluster({}) is None
        True
    """
    text = environment.get(VARIABLE, "").strip()
    if not text:
        return None
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{VARIABLE} is no JSON ({error}): expected such as {EXAMPLE}") from None
    if not isinstance(values, dict) or not isinstance(values.get("cluster", {}), dict):
        raise ConfigError(f"{VARIABLE} is {text!r:.80}: expected an object such as {EXAMPLE}")
    jobs = values.get("cluster", {})
    if not jobs:
        return None
    ranks = _ranks(jobs)
    rank = ranks.index(_task(values, jobs))
    addresses = tuple(jobs[job][index] for job, index in ranks)
    if len(set(addresses)) < len(addresses):
        raise ConfigError(f"{VARIABLE} names an address twice: {', '.join(addresses)}; each worker needs its own")
    return Cluster(addresses, rank) if len(addresses) > 1 else None


def _ranks(jobs: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Job and index of each worker, by rank."""
    for job, addresses in jobs.items():
        if job not in JOBS:
            raise ConfigError(
                f"{VARIABLE} has a job {job!r:.40}: expected 'worker', "
                "all of which do the same, and at most a 'chief' beside it"
            )
        if not isinstance(addresses, list) or not addresses:
            raise ConfigError(f"{VARIABLE}: the job {job!r} is {addresses!r:.80}: expected a list of host:port")
        for address in addresses:
            _check_address(address)
    if len(jobs.get("chief", ())) > 1:
        raise ConfigError(f"{VARIABLE} has {len(jobs['chief'])} chiefs: expected one")
    return [(job, index) for job in JOBS for index in range(len(jobs.get(job, ())))]


def _check_address(address: Any) -> None:
    host, _, port = str(address).rpartition(":")
    if not isinstance(address, str) or not host or not port.isascii() or not port.isdigit():
        raise ConfigError(f"{VARIABLE} has an address {address!r:.80}: expected host:port")
    if not 0 < int(port) <= MAX_PORT:
        raise ConfigError(f"{VARIABLE} has an address {address!r:.80}: expected a port from 1 to {MAX_PORT}")


def _task(values: Mapping[str, Any], jobs: Mapping[str, Any]) -> tuple[str, int]:
    """Job and index of this process."""
    task = values.get("task")
    if not isinstance(task, dict) or "type" not in task or "index" not in task:
        raise ConfigError(
            f"{VARIABLE} does not say which worker this is: expected a task such as "
            '{"type": "worker", "index": 0}, found ' + f"{task!r:.80}"
        )
    job, index = task["type"], task["index"]
    if job not in jobs:
        raise ConfigError(f"{VARIABLE}: the task is of type {job!r:.40}: expected one of {', '.join(jobs)}")
    if isinstance(index, str) and index.isascii() and index.isdigit():  # as shells and templates write it
        index = int(index)
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(jobs[job]):
        raise ConfigError(
            f"{VARIABLE}: the task has index {index!r:.40}: expected a number from 0 to {len(jobs[job]) - 1}, "
            f"one for each {job}"
        )
    return job, index
