"""Several devices or workers as one: TensorFlow's strategies, and what workers agree on over its collectives.

Everything between processes goes over `tf.distribute`: the sums of a step, the chief's clock and wishes to stop, sums
of checks, gathered state, what the chief has prepared. Its coordination service finds out who is gone, by heartbeats.

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

from textrnn.base.errors import ConfigError, TextRNNError
from textrnn.text.windows import share_of
from textrnn.training.cluster import Cluster, was_launched

JOIN_S = 300.0  # in which all workers have to be there
HEARTBEAT_S = 30.0  # without a sign of life, after which a worker is gone; one may be stopped for 20 s
LEAVE_S = 20.0  # in which all have to come to the end
SEED_STEP = 1_000_003  # between the seeds of two replicas; those of layers are a few thousand apart

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

    @tf.function(input_signature=[tf.TensorSpec((None,), dtype)])  # type: ignore[untyped-decorator,unused-ignore]
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


def make_strategy(cluster: Cluster | None, num_rows: int = 1) -> Any:
    """The strategy for this process; under a cluster this must come before any operation of TensorFlow.

    Args:
        cluster: all workers; None for one process.
        num_rows: rows of a batch, of which each device of one process needs one.

    Returns:
        None for one process with at most one GPU, `MirroredStrategy` for several GPUs, and
        `MultiWorkerMirroredStrategy` for several workers.

    Raises:
        ConfigError: this version of TensorFlow cannot have its heartbeat set.
        WorkerError: this worker's address in `TF_CONFIG` cannot be used, or not all workers have come.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if cluster is None:
        devices = [f"GPU:{number}" for number in range(min(len(gpus), num_rows))]
        return tf.distribute.MirroredStrategy(devices) if len(devices) > 1 else None
    _set_heartbeat(cluster.workers)
    communication = tf.distribute.experimental.CommunicationImplementation
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(
            cluster_resolver=tf.distribute.cluster_resolver.SimpleClusterResolver(
                tf.train.ClusterSpec({"worker": list(cluster.addresses)}),
                task_type="worker",
                task_id=cluster.rank,
                num_accelerators={"GPU": len(gpus)},
                rpc_layer="grpc",
            ),
            communication_options=tf.distribute.experimental.CommunicationOptions(
                implementation=communication.AUTO if gpus else communication.RING
            ),
        )
    except tf.errors.DeadlineExceededError:
        raise WorkerError(
            f"not all {cluster.workers} workers came within {JOIN_S:.0f} s: are all of them started, at the addresses "
            f"{', '.join(cluster.addresses):.200}?"
        ) from None
    except tf.errors.OpError as error:
        raise WorkerError(
            f"worker {cluster.rank} of {cluster.workers} cannot be at {cluster.addresses[cluster.rank]} "
            f"({error.message!s:.120}): is the port taken, or the address another machine's?"
        ) from None


def _set_heartbeat(workers: int) -> None:
    """Lets TensorFlow take a worker for gone after `HEARTBEAT_S`; its own limit of ten seconds is too short."""
    try:
        from tensorflow.python.eager import context

        job = context.coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=workers)
        context.context().configure_coordination_service(
            service_type="standalone",
            service_leader="/job:worker/replica:0/task:0",
            heartbeat_timeout_in_ms=round(1000 * HEARTBEAT_S),
            cluster_register_timeout_in_ms=round(1000 * JOIN_S),
            shutdown_barrier_timeout_in_ms=5000,
            coordinated_jobs=[job],
        )
    except (AttributeError, ImportError, TypeError, ValueError) as error:
        import tensorflow as tf

        raise ConfigError(
            f"several workers need a TensorFlow whose heartbeat can be set, which {tf.__version__} does not offer "
            f"({error!r:.80}): install one of the versions that setup.cfg names"
        ) from None


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


def spread_over(workers: Workers, variables: Sequence[Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What makes of a function that sums over its own rows one that sums over those of all replicas.

    Each step has one collective: the sum of a vector of the number of targets, the loss, all gradients, and what
    several workers say of the clock.

    Args:
        workers: with a strategy.
        variables: those that the gradients belong to.

    Returns:
        the `spread` of `textrnn.training.step.Division`.
    """
    import tensorflow as tf

    strategy, local = workers.strategy, num_replicas(workers.strategy)
    shapes = [(), (), *[tuple(variable.shape) for variable in variables]]
    clock = workers if isinstance(workers, WorkersOfCluster) else None

    def spread(sums: Callable[..., Any]) -> Callable[..., Any]:
        def replica(arrays: Any, state: Any, said: Any) -> tuple[Any, Any]:
            own, after = sums(arrays, state)
            context = tf.distribute.get_replica_context()
            is_first = tf.cast(context.replica_id_in_sync_group % local == 0, tf.float32)
            flat = tf.concat([*(tf.reshape(part, [-1]) for part in own), said * is_first], 0)
            (total,) = context.all_reduce(tf.distribute.ReduceOp.SUM, [flat])
            return total, after

        def whole(arrays: Any, state: Any) -> tuple[Any, Any]:
            said = tf.zeros(0) if clock is None else clock.said.read_value()
            total, after = strategy.run(replica, (*_by_replica(strategy, (arrays, state)), said))
            total = strategy.experimental_local_results(total)[0]
            *parts, heard = tf.split(total, [*map(math.prod, shapes), said.shape[0]])
            if clock is not None:
                clock.heard.assign(heard)
            summed = [tf.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]
            return summed, [tf.concat(strategy.experimental_local_results(rows), 0) for rows in after]

        return whole

    return spread


def _by_replica(strategy: Any, arguments: Any) -> Any:
    """Rows cut into a part for each replica of this process."""
    import tensorflow as tf

    count = num_replicas(strategy)
    if count == 1:
        return arguments
    rows = arguments[0][0].shape[0]

    def part(context: Any) -> Any:
        own = share_of(rows, context.replica_id_in_sync_group % count, count)
        return tf.nest.map_structure(lambda array: array[own], arguments)

    return strategy.experimental_distribute_values_from_function(part)


def spread_seeds(variables: Sequence[Any], rank: int) -> None:
    """Gives each replica random generators of its own; all come from equal ones, and those of the first stay.

    Args:
        variables: states of generators, int64[2], all equal on all workers.
        rank: of this worker.
    """
    for variable in variables:
        values = getattr(variable.value, "values", (variable.value,))
        seed, count = variable.numpy()
        for local, value in enumerate(values):
            value.assign([seed + (rank * len(values) + local) * SEED_STEP, count])
