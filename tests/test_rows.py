"""Rows of ids of many lengths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textrnn.text.rows import batches, cut, num_batches, padded, sizes


@given(st.integers(1, 30), st.integers(1, 40))
def test_cut_keeps_both_ends(max_length, length):
    ids = np.arange(length)
    short = cut(ids, max_length)
    assert len(short) == min(length, max_length)
    if length > max_length:
        begin = max_length - max_length // 2
        assert short.tolist() == [*range(begin), *range(length - max_length // 2, length)]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=60), st.integers(1, 7), st.integers(0, 5))
def test_batches_have_each_row_once_and_equal_lengths(lengths, size, seed):
    lengths = np.array(lengths)
    found = list(batches(lengths, size, np.random.default_rng(seed)))
    assert sorted(np.concatenate(found).tolist()) == list(range(len(lengths)))
    assert max(map(len, found)) <= size
    widths = sum(lengths[rows].max() * len(rows) for rows in found)
    assert widths >= lengths.sum()


@pytest.mark.parametrize("seed", [0, 1])
def test_batches_of_long_texts_have_fewer_rows(seed):
    lengths = np.random.default_rng(9).integers(1, 200, 500)
    found = list(batches(lengths, 8, np.random.default_rng(seed), pool=3, full_steps=20))
    assert len(found) == num_batches(lengths, 8, full_steps=20)  # of any seed
    assert sorted(np.concatenate(found).tolist()) == list(range(500))
    assert max(len(rows) * lengths[rows].max() for rows in found if len(rows) > 1) <= 8 * 20
    assert {len(rows) for rows in found if lengths[rows].max() <= 20} >= {8}
    assert (sizes(lengths, 8, 20)[lengths > 160] == 1).all()


def test_batches_pad_little():
    lengths = np.random.default_rng(1).integers(1, 100, 1000)
    found = list(batches(lengths, 10, np.random.default_rng(2)))
    assert sum(lengths[rows].max() * len(rows) for rows in found) < 1.1 * lengths.sum()


def test_padded_marks_what_is_real():
    ids, mask = padded([np.array([7]), np.array([8, 9, 10])])
    assert (ids.dtype, mask.dtype) == (np.int32, np.float32)
    assert ids.tolist() == [[7, 0, 0], [8, 9, 10]] and mask.tolist() == [[1, 0, 0], [1, 1, 1]]
