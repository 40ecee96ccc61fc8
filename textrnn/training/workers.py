"""What workers tell each other besides the sums of a step: the clock, requests to stop, losses, states, plans.

All of it goes over the collectives of `tf.distribute`, whose coordination service finds out by heartbeats who is gone.
The strategies themselves are made in `textrnn.training.strategy`.

Reference: TensorFlow, `tf.distribute.MultiWorkerMirroredStrategy`.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from textrnn.base.errors import TextRNNError
from textrnn.training.cluster import Cluster, was_launched

LEAVE_S = 20.0  # in which all have to come to the end

Arrays = dict[str, np.ndarray]


class WorkerError(TextRNNError):
    """Another worker is gone, has failed or does something else.

    Attributes:
        rank: the worker that it is about; None where that is not known.
    """

    def __init__(self, message: str, rank: int | None = None) -> None:
        super().__init__(message)
        self.rank = rank


def is_told_elsewhere(cluster: Cluster, error: TextRNNError) -> bool:
    """Whether another process on this terminal tells what went wrong: the chief, or the first that outlives it."""
    if cluster.is_chief or not was_launched():
        return False
    return not (isinstance(error, WorkerError) and error.rank == 0) or cluster.rank > 1


class Workers:
    """One process that learns alone, on one device or several.

    Args:
        strategy: as `make_strategy` makes it.
    """

    rank, workers, is_chief = 0, 1, True

    def __init__(self, strategy: Any = None) -> None:
        self.strategy, self.where = strategy, "nothing was saved yet"
        self._asked: Callable[[], bool] = lambda: False

    def listen(self, asked: Callable[[], bool]) -> None:
        """Takes the function that tells whether this process was asked to stop."""
        self._asked = asked

    def note(self, where: str) -> None:
        """Takes what to say of the last save should a worker be lost."""
        self.where = where

    def now(self) -> float:
        """Seconds by the clock that all decisions are taken by."""
        return time.monotonic()

    def begin_step(self) -> None:
        """Says that the next collective is that of a training step, which moves the clock on as well."""

    def tick(self) -> None:
        """Moves the clock on, where it does not run by itself; all workers call this at the same places."""

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
        """What the chief gives, for all: values as in JSON, and named arrays."""
        return dict(values), arrays

    def exchange(self, text: str) -> list[str]:
        """What each worker says, by rank, for all."""
        return [text]

    def leave(self) -> None:
        """Waits until no other worker needs this one any more."""


class WorkersOfCluster(Workers):
    """One worker among several.

    The clock stands still between two calls of `tick`: all workers then take the same decisions at the same step.

    Args:
        cluster: all workers.
        strategy: a `MultiWorkerMirroredStrategy`.
    """

    def __init__(self, cluster: Cluster, strategy: Any) -> None:
        super().__init__(strategy)
        import tensorflow as tf

        self.rank, self.workers, self.is_chief = cluster.rank, cluster.workers, cluster.is_chief
        self._begin, self._now, self._stop, self._is_in_step = time.monotonic(), 0.0, False, False
        # Whole seconds, the rest of a second, and wishes to stop: what this worker says, and the sums over all.
        with tf.device("CPU:0"):
            self.said = tf.Variable([0.0] * 3, trainable=False)
            self.heard = tf.Variable([0.0] * 3, trainable=False)
        self._summed = {dtype: _make_sum(strategy, dtype) for dtype in (tf.int32, tf.float64)}

    def now(self) -> float:
        return self._now

    def begin_step(self) -> None:
        self.said.assign(self._words())
        self._is_in_step = True

    def tick(self) -> None:
        whole, rest, stop = self.heard.numpy() if self._is_in_step else self._sum(np.array(self._words()))
        self._is_in_step = False
        self._now, self._stop = float(whole) + float(rest), self._stop or stop > 0

    def is_asked(self) -> bool:
        return self._stop

    def total(self, value: float) -> float:
        return float(self._sum(np.array([value]))[0])

    def gather(self, arrays: Sequence[Any]) -> list[Any]:
        own = [np.asarray(array) for array in arrays]
        found = [_unpacked(data) for data in self._all_bytes(_packed(dict(zip(_names(own), own, strict=True))))]
        if not self.is_chief:
            return []
        return [np.concatenate([rows[name] for rows in found]) for name in _names(own)]

    def share(self, values: Mapping[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        own = (json.dumps(dict(values)).encode(), _packed(arrays)) if self.is_chief else (b"", b"")
        text, packed = (self._all_bytes(data)[0] for data in own)
        return json.loads(text), arrays if self.is_chief else _unpacked(packed)

    def exchange(self, text: str) -> list[str]:
        return [data.decode() for data in self._all_bytes(text.encode())]

    def leave(self) -> None:
        # When this process has the last sum, the others may still be fetching theirs from it.
        from tensorflow.python.eager import context

        with contextlib.suppress(Exception):  # whoever has left already needs nobody
            context.context().wait_at_barrier("leave", round(1000 * LEAVE_S))

    def _words(self) -> list[float]:
        """What this worker says at a step; only the chief's clock counts."""
        seconds = time.monotonic() - self._begin if self.is_chief else 0.0
        rest, whole = math.modf(seconds)
        return [whole, rest, float(self._asked())]

    def _sum(self, values: np.ndarray) -> np.ndarray:
        """The sum over all workers of int32 or float64 [any]."""
        import tensorflow as tf

        dtype = tf.int32 if values.dtype == np.int32 else tf.float64
        return np.asarray(self._summed[dtype](tf.convert_to_tensor(values, dtype)))

    def _all_bytes(self, data: bytes) -> list[bytes]:
        """What each worker gives, by rank: everybody adds its bytes to nothing but zeros."""
        sizes = np.zeros(self.workers, np.int32)
        sizes[self.rank] = len(data)
        sizes = self._sum(sizes)
        ends = np.cumsum(-(-sizes // 4))  # in words of four bytes
        words, begin = np.zeros(max(1, ends[-1]), np.int32), ends[self.rank] - -(-len(data) // 4)
        words[begin : ends[self.rank]] = np.frombuffer(data + b"\0" * (-len(data) % 4), np.int32)
        words = self._sum(words)
        starts = np.concatenate([[0], ends[:-1]])
        return [words[start:end].tobytes()[:size] for start, end, size in zip(starts, ends, sizes, strict=True)]


def _make_sum(strategy: Any, dtype: Any) -> Callable[[Any], Any]:
    """The function that sums a vector of this process over all processes."""
    import tensorflow as tf

    local = num_replicas(strategy)

    def replica(values: Any) -> Any:
        context = tf.distribute.get_replica_context()
        is_first = tf.cast(context.replica_id_in_sync_group % local == 0, dtype)  # of the devices of a process
        return context.all_reduce(tf.distribute.ReduceOp.SUM, [values * is_first])[0]

    @tf.function(input_signature=[tf.TensorSpec((None,), dtype)], autograph=False)  # type: ignore[untyped-decorator,unused-ignore]
    def total(values: Any) -> Any:
        return strategy.experimental_local_results(strategy.run(replica, (values,)))[0]

    return total  # type: ignore[no-any-return]


def _names(arrays: Sequence[Any]) -> list[str]:
    return [f"{number:03d}" for number in range(len(arrays))]


def _packed(arrays: Arrays) -> bytes:
    from safetensors.numpy import save

    return bytes(save({name: np.asarray(array, order="C") for name, array in arrays.items()}))


def _unpacked(data: bytes) -> Arrays:
    from safetensors.numpy import load

    return dict(load(data))


# ---------------------------------------------------------------- strategies


@contextlib.contextmanager
def lost_workers_told(workers: Workers) -> Iterator[None]:
    """Within the block, a collective that was cut off because a worker is gone says so.

    Raises:
        WorkerError: one is gone.
    """
    import tensorflow as tf

    try:
        yield
    except (tf.errors.ResourceExhaustedError, tf.errors.InvalidArgumentError):  # its own fault
        raise
    except tf.errors.OpError as error:
        if workers.workers == 1:
            raise
        message = str(error.message)
        others = {int(rank) for rank in re.findall(r"/task:(\d+)", message)} - {workers.rank}
        rank = min(others, default=1 - workers.rank if workers.workers == 2 else None)
        name = "another worker" if rank is None else f"worker {rank} of {workers.workers}"
        found = re.search(r"aborted by: *([^\n]+)", message)
        reason = found[1] if found else " ".join(message.split())
        raise WorkerError(f"{name} is gone ({reason:.80}); {workers.where}", rank) from None


def num_replicas(strategy: Any) -> int:
    """Replicas of this process alone."""
    return len(strategy.extended.worker_devices)
