"""Starting TensorFlow: quietly, and with threads that suit recurrent networks on a CPU."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any


def num_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def _standard_error_kept_back() -> Iterator[None]:
    """Keeps what native code writes to standard error from the user, and replays it if the block fails.

    TensorFlow writes there while it is imported, before any setting of its own can stop it.
    """
    try:
        sys.stderr.flush()
        saved = os.dup(2)
    except (OSError, ValueError, AttributeError):  # no standard error at all
        yield
        return
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(saved, kept.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def _no_strategy() -> None:
    """What a process that trains alone on at most one device needs."""


def start_tensorflow(*, deterministic: bool = False, strategy: Callable[[], Any] = _no_strategy) -> Any:
    """Imports TensorFlow and gives each core one operation at a time.

    A training step holds one shard of the batch for each core; one thread a shard beats two threads an operation.
    Does nothing more when TensorFlow has already started.

    Args:
        deterministic: let each operation give the same bits each time, for the rest of the process.
        strategy: makes the strategy, which has to be there before the first operation runs.

    Returns:
        what `strategy` made.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with _standard_error_kept_back():
        import tensorflow as tf

        with contextlib.suppress(RuntimeError):  # TensorFlow has started: its threads stay as they are
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(num_cores())
        made = strategy()
        tf.zeros(1) + 1.0  # starts the runtime, which has things to say as well
        import keras  # noqa: F401
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    return made
