"""What several workers do together, seen from one of them; a process that trains alone is a team of one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from textrnn.training.link import Link

Arrays = dict[str, np.ndarray]


class Alone:
    """A team of one."""

    rank, workers, is_chief = 0, 1, True
    strategy: Any = None

    def __init__(self) -> None:
        self._asked: Callable[[], bool] = lambda: False

    def listen(self, asked: Callable[[], bool]) -> None:
        """Takes the function that tells whether this process was asked to stop."""
        self._asked = asked

    def now(self) -> float:
        """Seconds by the clock that all decisions are taken by."""
        return time.monotonic()

    def tick(self) -> None:
        """Moves that clock on, where it does not run by itself; all workers call this at the same places."""

    def is_asked(self) -> bool:
        """Whether to stop after this step."""
        return self._asked()

    def total(self, value: float) -> float:
        """The sum of what all workers give."""
        return value

    def gather(self, arrays: Sequence[Any]) -> list[Any]:
        """The chief: the rows of all workers, by rank; the others: nothing."""
        return list(arrays)

    def share(self, values: Mapping[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """What the chief gives, for all."""
        return dict(values), arrays

    def check(self, wait_s: float = 0.0) -> None:
        """Raises WorkerError when another worker is gone."""

    def note(self, where: str) -> None:
        """Takes what to say of the last save should a worker be lost."""


class Team(Alone):
    """One worker among several, which are connected.

    The clock stands still between two calls of `tick`: all workers then take the same decisions at the same step.

    Args:
        link: the connections.
    """

    def __init__(self, link: Link) -> None:
        super().__init__()
        cluster = link.cluster
        self.rank, self.workers, self.is_chief = cluster.rank, cluster.workers, cluster.is_chief
        self._link, self._now, self._stop, self._told = link, time.monotonic(), False, False

    def now(self) -> float:
        return self._now

    def is_asked(self) -> bool:
        return self._stop

    def tick(self) -> None:
        if self.is_chief:
            self._now = time.monotonic()
            self._stop = self._stop or self._asked() or self._link.asked_to_stop.is_set()
            self._link.send({"kind": "tick", "now": self._now, "stop": self._stop})
            return
        if self._asked() and not self._told:
            self._told = True
            self._link.send({"kind": "stop"})
        header, _ = self._link.receive("tick")
        self._now, self._stop = float(header["now"]), bool(header["stop"])

    def total(self, value: float) -> float:
        if not self.is_chief:
            self._link.send({"kind": "part", "value": value})
            return float(self._link.receive("total")[0]["value"])
        others = [float(self._link.receive("part", rank)[0]["value"]) for rank in range(1, self.workers)]
        finite = all(map(math.isfinite, [value, *others]))
        total = math.fsum([value, *others]) if finite else math.nan
        self._link.send({"kind": "total", "value": total})
        return total

    def gather(self, arrays: Sequence[Any]) -> list[Any]:
        own = [np.asarray(array) for array in arrays]
        if not self.is_chief:
            self._link.send({"kind": "rows"}, _packed(dict(zip(_names(own), own, strict=True))))
            return []
        found = [own]
        for rank in range(1, self.workers):
            rows = _unpacked(self._link.receive("rows", rank)[1])
            found.append([rows[name] for name in _names(own)])
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]

    def share(self, values: Mapping[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        if self.is_chief:
            self._link.send({"kind": "share", "values": dict(values)}, _packed(arrays))
            return dict(values), arrays
        header, payload = self._link.receive("share")
        return header["values"], _unpacked(payload)

    def check(self, wait_s: float = 0.0) -> None:
        self._link.check(wait_s)

    def note(self, where: str) -> None:
        self._link.where = where


def _names(arrays: Sequence[Any]) -> list[str]:
    return [f"{number:03d}" for number in range(len(arrays))]


def _packed(arrays: Arrays) -> bytes:
    from safetensors.numpy import save

    return bytes(save({name: np.asarray(array, order="C") for name, array in arrays.items()}))


def _unpacked(data: bytes) -> Arrays:
    from safetensors.numpy import load

    return dict(load(data))
