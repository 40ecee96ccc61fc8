"""Several devices or workers as one: the strategy of TensorFlow, and a training step spread over its replicas."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from textrnn.text.windows import share_of
from textrnn.training.cluster import Cluster
from textrnn.training.link import WorkerError
from textrnn.training.team import Alone

LOST_S = 30.0  # in which the others are missed after a collective was cut off
SEED_STEP = 1_000_003  # between the seeds of two replicas; those of layers are a few thousand apart


def make_strategy(cluster: Cluster | None, num_rows: int) -> Any:
    """The strategy for this process; under a cluster this must come before any operation of TensorFlow.

    Args:
        cluster: all workers; None for one process.
        num_rows: rows of a batch, of which each replica needs one.

    Returns:
        None for one process with at most one GPU, `MirroredStrategy` for several GPUs, and
        `MultiWorkerMirroredStrategy` for several workers.

    Raises:
        WorkerError: this worker's address in `TF_CONFIG` cannot be used.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if cluster is None:
        devices = [f"GPU:{number}" for number in range(min(len(gpus), num_rows))]
        return tf.distribute.MirroredStrategy(devices) if len(devices) > 1 else None
    _leave_watching_to_the_link()
    communication = tf.distribute.experimental.CommunicationImplementation
    own_address = cluster.addresses[cluster.rank]
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
    except tf.errors.OpError as error:
        raise WorkerError(
            f"worker {cluster.rank} of {cluster.workers} cannot be at {own_address} ({error.message!s:.120}): "
            "is the port taken, or the address another machine's?"
        ) from None


def _leave_watching_to_the_link() -> None:
    """Switches off TensorFlow's own heartbeats: they take a process that was stopped for ten seconds for dead."""
    from tensorflow.python.distribute import collective_all_reduce_strategy
    from tensorflow.python.eager import context

    context.context().configure_coordination_service(service_type="")
    collective_all_reduce_strategy.CollectiveAllReduceExtended._enable_check_health = False


@contextlib.contextmanager
def lost_workers_told(team: Alone) -> Iterator[None]:
    """Within the block, a collective that was cut off because a worker is gone says so.

    Raises:
        WorkerError: one is gone.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.ResourceExhaustedError:  # its own fault
        raise
    except tf.errors.OpError:
        team.check(wait_s=LOST_S)  # which knows better what happened
        raise


def num_replicas(strategy: Any) -> int:
    """Replicas of this process alone."""
    return len(strategy.extended.worker_devices)


def spread_over(strategy: Any, variables: Sequence[Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What makes of a function that sums over its own rows one that sums over those of all replicas.

    Each step has one collective: the sum of a vector of the number of tokens, the loss and all gradients.

    Args:
        strategy: as `make_strategy` makes it.
        variables: those that the gradients belong to.

    Returns:
        the `spread` of `textrnn.training.step.Division`.
    """
    import tensorflow as tf

    shapes = [(), (), *[tuple(variable.shape) for variable in variables]]

    def spread(sums: Callable[..., Any]) -> Callable[..., Any]:
        def replica(arrays: Any, state: Any) -> tuple[Any, Any]:
            own, after = sums(arrays, state)
            flat = tf.concat([tf.reshape(part, [-1]) for part in own], 0)
            (total,) = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, [flat])
            return total, after

        def whole(arrays: Any, state: Any) -> tuple[Any, Any]:
            arguments = _by_replica(strategy, (arrays, state))
            total, after = strategy.run(replica, arguments)
            total = strategy.experimental_local_results(total)[0]
            parts = tf.split(total, [math.prod(shape) for shape in shapes])
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
