"""Several devices or workers as one: TensorFlow's strategies, and a training step spread over their replicas.

Reference: TensorFlow, `tf.distribute.MultiWorkerMirroredStrategy`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from textrnn.base.errors import ConfigError
from textrnn.text.windows import share_of
from textrnn.training.cluster import Cluster
from textrnn.training.workers import WorkerError, Workers, WorkersOfCluster, num_replicas

JOIN_S = 300.0  # in which all workers have to be there


HEARTBEAT_S = 30.0  # without a sign of life, after which a worker is gone; one may be stopped for 20 s


SEED_STEP = 1_000_003  # between the seeds of two replicas; those of layers are a few thousand apart


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
