"""How fast this machine learns, next to the one on which the sizes of `textrnn.recipe` were fitted."""

from __future__ import annotations

import threading
import time

import tensorflow as tf

from textrnn.training.backend import num_cores

# Products of float32 or bfloat16 [64, 512] by [512, 2048] a second, all cores together, as `_products_per_s` counts
# them, with bfloat16 on 2 cores of an AMD EPYC (Zen 5) machine without other load.
REFERENCE = 2_250.0
ROUNDS, PRODUCTS = 5, 20


def machine_speed(precision: str) -> float:
    """The speed of this machine in a step's main work, 1 for the reference; measured in about a tenth of a second.

    Args:
        precision: the type of the operands, `float32` or `bfloat16`.
    """
    return max(_products_per_s(precision) for _ in range(ROUNDS)) / REFERENCE


def _products_per_s(precision: str) -> float:
    hidden, weights = tf.ones((64, 512), precision), tf.ones((512, 2048), precision)

    def work() -> None:
        for _ in range(PRODUCTS):
            tf.matmul(hidden, weights)

    threads = [threading.Thread(target=work) for _ in range(num_cores())]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(threads) * PRODUCTS / (time.perf_counter() - begin)
