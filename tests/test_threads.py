"""Work in parts: the same rows in the same order as in one, and nothing else of the process changed."""

import threading

import numpy as np
import pytest
import threadpoolctl

from textrnn.nn.numpy import threads
from textrnn.nn.numpy.threads import in_parts


@pytest.fixture
def three_cores(monkeypatch):
    monkeypatch.setattr(threads, "num_cores", lambda: 3)
    monkeypatch.setattr(threads, "FEWEST", 2)


def blas_threads():
    return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]


def test_in_parts_keeps_the_order(three_cores):
    given = []

    def work(items):
        given.append((threading.get_ident(), items))
        return np.array([[item, item**2] for item in items], np.float32)

    found = in_parts(work, list(range(8)))
    assert sorted(items for _, items in given) == [[0, 3, 6], [1, 4, 7], [2, 5]]
    assert found.dtype == np.float32 and found.tolist() == [[item, item**2] for item in range(8)]
    assert threading.get_ident() not in {thread for thread, _ in given}


def test_in_parts_leaves_few_items_together(three_cores):
    given = []
    for count in range(6):
        in_parts(lambda items: given.append(len(items)) or np.array(items), list(range(count)))
    assert sorted(given[:4]) == [0, 1, 2, 3] and sorted(given[4:]) == [2, 2, 2, 3]


def test_in_parts_raises_what_a_part_raises(three_cores):
    def work(items):
        if 5 in items:
            raise ValueError("five")
        return np.array(items)

    with pytest.raises(ValueError, match="five"):
        in_parts(work, list(range(8)))


@pytest.mark.parametrize("count", [1, 8])
def test_in_parts_has_one_thread_for_each_product_and_gives_the_others_back(three_cores, count):
    with threadpoolctl.threadpool_limits(2, "blas"):
        before, inside = blas_threads(), []
        in_parts(lambda items: inside.extend(blas_threads()) or np.array(items), list(range(count)))
        assert before and set(before) == {2}  # one of them is NumPy's
        assert set(inside) == {1} and blas_threads() == before


def test_num_cores_is_at_least_one():
    assert threads.num_cores() >= 1
