"""Starting TensorFlow: quietly, and with threads that suit recurrent networks on a CPU."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable
from typing import Any

from textrnn.base.machine import likes_bfloat16, num_cores
from textrnn.base.native import standard_error_kept_back
from textrnn.training.interrupt import certain_interrupts


def chosen_precision(wanted: str) -> str:
    """The type that training multiplies in: what is wanted, or for `auto` what is fastest on this machine.

    Some CPUs multiply bfloat16 faster than float32; a GPU keeps to its own kernels.
    """
    if wanted != "auto":
        return wanted
    import tensorflow as tf

    return "bfloat16" if likes_bfloat16() and not tf.config.list_physical_devices("GPU") else "float32"


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
    gc.disable()  # importing makes objects by the million, and none of them is garbage: half a second to a second
    with standard_error_kept_back(), certain_interrupts():
        import tensorflow as tf

        with contextlib.suppress(RuntimeError):  # TensorFlow has started: its threads stay as they are
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(num_cores())
        made = strategy()
        tf.zeros(1) + 1.0  # starts the runtime, which has things to say as well
        import keras  # noqa: F401
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    gc.freeze()
    gc.enable()
    return made


def about() -> dict[str, Any]:
    """What training would run on: names of GPUs, precision, backend of Keras; starts TensorFlow."""
    start_tensorflow()
    import keras
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return {
        "gpus": [str(each.get("device_name", "GPU")) for each in details],
        "precision": chosen_precision("auto"),
        "backend": keras.backend.backend(),
    }
