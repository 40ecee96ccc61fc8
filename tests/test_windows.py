"""Batches from ids: each token learnt from once, in an order that can be taken up again anywhere."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrnn.base.errors import ConfigError, DataError
from textrnn.language_model.options import Config
from textrnn.text.options import DataConfig
from textrnn.text.windows import (
    Batch,
    HeldOutRows,
    SlidingWindows,
    SomeRows,
    Streams,
    from_position,
    make_windows,
    permuted,
    share_of,
    windows_before,
)


def epoch_of(windows, epoch):
    return [windows.batch(epoch, index) for index in range(windows.num_batches)]


def assert_equal(one, two):
    for a, b in ((one.x, two.x), (one.y, two.y), (one.mask, two.mask)):
        np.testing.assert_array_equal(a, b)
    assert one.reset == two.reset


def counted(batch):
    """The pairs (token, next token) that count."""
    return list(zip(batch.x[batch.mask > 0].tolist(), batch.y[batch.mask > 0].tolist(), strict=True))


texts = st.integers(1, 40).flatmap(lambda window: st.tuples(st.integers(window + 1, 300), st.just(window)))
seeds = st.integers(0, 2**32 - 1)


# ---------------------------------------------------------------- streams


@settings(deadline=None)
@given(texts, st.integers(1, 9), seeds)
def test_streams_count_each_pair_once_an_epoch(text, rows, seed):
    num_tokens, window = text
    streams = Streams(np.arange(num_tokens), batch=rows, window=window, random_seed=seed)
    for epoch in range(3):
        pairs = [pair for batch in epoch_of(streams, epoch) for pair in counted(batch)]
        assert sorted(pairs) == [(token, token + 1) for token in range(num_tokens - 1)]


@settings(deadline=None)
@given(texts, st.integers(1, 9), seeds)
def test_streams_go_on_where_the_batch_before_ended(text, rows, seed):
    num_tokens, window = text
    streams = Streams(np.arange(num_tokens), batch=rows, window=window, random_seed=seed)
    for epoch in range(3):
        batches = epoch_of(streams, epoch)
        assert [batch.reset for batch in batches] == [True] + [False] * (len(batches) - 1)
        for batch in batches:
            assert batch.x.shape == batch.y.shape == batch.mask.shape == (len(batches[0].x), window)
            assert (batch.x.dtype, batch.y.dtype, batch.mask.dtype) == (np.int32, np.int32, np.float32)
            np.testing.assert_array_equal(batch.x[:, 1:], batch.y[:, :-1])
            assert set(np.unique(batch.mask)) <= {0, 1}
            assert batch.y[batch.mask > 0].max(initial=0) < num_tokens
        for before, after in itertools.pairwise(batches):
            np.testing.assert_array_equal(before.y[:, -1], after.x[:, 0])


def test_streams_have_rows_of_at_least_a_window():
    assert Streams(np.arange(4), batch=9, window=3).batch(0, 0).x.shape == (1, 3)
    assert Streams(np.arange(7), batch=9, window=3).batch(0, 0).x.shape == (2, 3)
    assert Streams(np.arange(100), batch=9, window=3).batch(0, 0).x.shape == (9, 3)


def test_streams_are_what_is_worked_out_by_hand():
    streams = Streams(np.arange(10, 18), batch=2, window=2)  # 7 pairs: rows of 3 and 4
    assert streams.num_batches == 3
    assert [batch.x.tolist() for batch in epoch_of(streams, 0)] == [
        [[10, 11], [13, 14]],
        [[12, 13], [15, 16]],
        [[14, 15], [17, 10]],
    ]
    assert [batch.mask.tolist() for batch in epoch_of(streams, 0)] == [
        [[1, 1], [1, 1]],
        [[1, 0], [1, 1]],
        [[0, 0], [0, 0]],
    ]


def test_streams_shift_their_grid_from_epoch_to_epoch():
    streams = Streams(np.arange(200), batch=2, window=16, random_seed=1)
    begins = {int(streams.batch(epoch, 1).x[0, 0]) % 16 for epoch in range(30)}
    assert len(begins) > 8
    assert streams.batch(0, 0).x[0, 0] == 0, "the first epoch begins at the beginning"


def test_streams_with_equal_seeds_give_equal_batches():
    ids = np.arange(99)
    one, two, other = (Streams(ids, batch=3, window=16, random_seed=seed) for seed in (5, 5, 6))
    for epoch, index in itertools.product(range(3), range(one.num_batches)):
        assert_equal(one.batch(epoch, index), two.batch(epoch, index))
    assert any((one.batch(epoch, 0).x != other.batch(epoch, 0).x).any() for epoch in range(1, 5))


# ---------------------------------------------------------------- sliding windows


@settings(deadline=None)
@given(texts, st.integers(1, 9), st.integers(1, 9), st.sampled_from(["each", "last"]), seeds)
def test_sliding_windows_begin_at_each_place_once_an_epoch(text, batch_size, stride, target, seed):
    num_tokens, window = text
    windows = SlidingWindows(
        np.arange(num_tokens), batch=batch_size, window=window, stride=stride, target=target, random_seed=seed
    )
    starts = list(range(0, num_tokens - window, stride))
    assert windows.num_windows == len(starts)
    for epoch in range(3):
        found = []
        for batch in epoch_of(windows, epoch):
            assert batch.reset and batch.x.shape == (min(batch_size, len(starts)), window)
            assert batch.mask.shape == batch.y.shape == (batch.x.shape if target == "each" else batch.x.shape[:1])
            np.testing.assert_array_equal(batch.x, batch.x[:, :1] + np.arange(window))
            np.testing.assert_array_equal(batch.y, batch.x + 1 if target == "each" else batch.x[:, -1] + 1)
            real = batch.mask if target == "last" else batch.mask[:, 0]
            np.testing.assert_array_equal(batch.mask.T, np.broadcast_to(real, batch.mask.T.shape))
            found += batch.x[real > 0, 0].tolist()
        assert sorted(found) == starts


def test_sliding_windows_are_in_another_order_each_epoch_and_the_same_for_equal_seeds():
    def starts(seed, epoch):
        windows = SlidingWindows(np.arange(500), batch=7, window=3, stride=1, target="last", random_seed=seed)
        return tuple(int(x) for batch in epoch_of(windows, epoch) for x in batch.x[:, 0])

    orders = [starts(seed, epoch) for seed in (0, 1) for epoch in range(3)]
    assert len(set(orders)) == 6 and tuple(sorted(orders[0])) not in orders
    assert starts(1, 2) == orders[-1]


def test_sliding_windows_are_shuffled_well():
    """Neighbours in the text are apart in the order: the mean distance of a random order is a third of the size."""
    size = 3000
    order = permuted(np.arange(size), size, (0, 0))
    assert abs(np.abs(np.diff(order)).mean() / (size / 3) - 1) < 0.1
    assert abs(np.corrcoef(order, np.arange(size))[0, 1]) < 0.1


@settings(deadline=None)
@given(st.integers(1, 2000), st.lists(st.integers(0, 2**40), min_size=1, max_size=3))
def test_permuted_is_a_permutation(size, key):
    order = permuted(np.arange(size), size, tuple(key))
    assert order.dtype == np.int64
    np.testing.assert_array_equal(np.sort(order), np.arange(size))


@settings(deadline=None)
@given(st.integers(1, 2**40), st.integers(1, 20), seeds)
def test_permuted_sends_a_number_to_the_same_place_whatever_is_beside_it(size, count, key):
    numbers = np.unique(np.linspace(0, size - 1, count).astype(np.int64))
    together = permuted(numbers, size, (key,))
    assert len(set(together.tolist())) == len(numbers) and together.min() >= 0 and together.max() < size
    for number, place in zip(numbers, together, strict=True):
        assert permuted(np.array([number]), size, (key,)) == place
    square = permuted(np.stack([numbers, numbers]), size, (key,))
    np.testing.assert_array_equal(square, [together, together])


def test_permuted_leaves_its_input_alone():
    numbers = np.arange(10)
    permuted(numbers, 10, (1,))
    np.testing.assert_array_equal(numbers, np.arange(10))


# ---------------------------------------------------------------- both


@pytest.mark.parametrize("window", [1, 5])
def test_windows_need_one_token_more_than_a_window(window):
    ids = np.arange(window)
    message = rf"has {window} tokens: expected at least {window + 1}.*--window {window}"
    with pytest.raises(DataError, match=message):
        Streams(ids, batch=2, window=window)
    with pytest.raises(DataError, match=message):
        SlidingWindows(ids, batch=2, window=window, stride=1, target="last")
    enough = np.arange(window + 1)
    assert Streams(enough, batch=2, window=window).batch(0, 0).mask.sum() == window
    assert SlidingWindows(enough, batch=2, window=window, stride=1, target="last").num_windows == 1


@pytest.mark.parametrize("batching", ["streams", "sliding"])
def test_from_position_is_the_same_as_skipping(batching):
    config = Config.from_options({"batching": batching, "window": 4, "batch": 3}).resolve()
    windows = make_windows(np.arange(50), config.data, 3)
    everything = list(itertools.islice(from_position(windows), 2 * windows.num_batches + 5))
    for position in (0, 1, windows.num_batches - 1, windows.num_batches, 2 * windows.num_batches + 1):
        for one, two in zip(everything[position:], from_position(windows, position), strict=False):
            assert_equal(one, two)
    assert_equal(everything[windows.num_batches], windows.batch(1, 0))


def test_make_windows_follows_the_configuration():
    ids = np.arange(100)
    each = make_windows(ids, Config(data=DataConfig(batching="sliding", window=5, batch=4)).resolve().data, 1)
    last = make_windows(ids, Config.from_options({"arch": "bidirectional", "batch": 4}).resolve().data, 1)
    streams = make_windows(ids, Config.from_options({"window": 7, "batch": 4}).resolve().data, 1)
    assert isinstance(each, SlidingWindows) and each.batch(0, 0).y.shape == (4, 5) and each.num_windows == 19
    assert isinstance(last, SlidingWindows) and last.batch(0, 0).y.shape == (4,) and last.num_windows == 84
    assert isinstance(streams, Streams) and streams.batch(0, 0).y.shape == (4, 7)
    for options in ({"window": 5}, {}):
        with pytest.raises(ConfigError, match="resolve"):
            make_windows(ids, DataConfig(**options), 1)


def fifty_million():
    return np.broadcast_to(np.uint16(7), 50_000_000)


@pytest.mark.parametrize(
    "read",
    [
        lambda ids: Streams(ids, batch=32, window=64).batch(3, 1000),
        lambda ids: SlidingWindows(ids, batch=256, window=24, stride=1, target="last").batch(3, 1000),
        lambda ids: SlidingWindows(ids, batch=32, window=64, stride=64, target="each").batch(3, 1000),
        lambda ids: next(HeldOutRows(ids, 0).windows(64)),
        lambda ids: next(windows_before(ids, 0, window=24, batch=256)),
    ],
)
def test_batches_take_no_memory_that_grows_with_the_text(read):
    ids = fifty_million()
    read(ids)
    tracemalloc.start()
    try:
        batch = read(ids)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert batch.x.dtype == np.int32 and peak < 2_000_000


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_batches_are_read_from_mapped_files_of_any_type(tmp_path, dtype):
    plain = np.random.default_rng(1).integers(2, 200, 100).astype(dtype)
    plain.tofile(tmp_path / "ids")
    mapped = np.memmap(tmp_path / "ids", dtype, mode="r")
    assert_equal(Streams(mapped, batch=3, window=5).batch(1, 2), Streams(plain, batch=3, window=5).batch(1, 2))
    for batch in (Streams(mapped, batch=3, window=5).batch(1, 0), next(HeldOutRows(mapped, 199).windows(7))):
        assert type(batch.x) is type(batch.y) is np.ndarray and batch.x.dtype == batch.y.dtype == np.int32


# ---------------------------------------------------------------- held-out text


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 40_000) | st.sampled_from([4095, 4096, 8191, 8192, 8193, 12_288]),
    st.integers(1, 9),
    st.sampled_from([0, 1, 7, 256, 5000]),
    st.sampled_from([1, 64, 1000, 20_000]),
)
def test_held_out_rows_count_each_token_once(num_tokens, rows, lead, steps):
    steps = max(steps, num_tokens // 200)
    held = HeldOutRows(np.arange(2, num_tokens + 2), 1, rows=rows, lead=lead)
    assert 1 <= held.num_rows <= rows
    found, batches = [], list(held.windows(steps))
    for batch in batches:
        assert batch.x.shape == batch.y.shape == batch.mask.shape == (held.num_rows, steps)
        assert all(before == after - 1 for before, after in counted(batch))
        found.append(batch.y[batch.mask > 0])
    np.testing.assert_array_equal(np.sort(np.concatenate(found)), np.arange(2, num_tokens + 2))
    assert batches[0].x[0, 0] == 1 and batches[0].mask[0, 0] == 1
    assert [batch.reset for batch in batches] == [True] + [False] * (len(batches) - 1)


def test_held_out_rows_go_on_from_batch_to_batch():
    batches = list(HeldOutRows(np.arange(2, 20_002), 1, rows=3).windows(64))
    for before, after in itertools.pairwise(batches[:-3]):
        np.testing.assert_array_equal(before.x[:, 1:], before.y[:, :-1])
        np.testing.assert_array_equal(before.y[:, -1], after.x[:, 0])


def test_held_out_rows_read_a_lead_that_they_do_not_count():
    held = HeldOutRows(np.arange(2, 20_002), 1, rows=3, lead=100)
    assert (held.num_rows, held.own) == (3, math.ceil((20_000 - 100) / 3))
    first = next(held.windows(200))
    np.testing.assert_array_equal(first.mask.sum(1), [200, 100, 100])
    np.testing.assert_array_equal(first.y[:, 0], [2, 2 + held.own, 2 + 2 * held.own])


def test_held_out_rows_read_a_short_text_by_one_row():
    assert HeldOutRows(np.arange(8191), 0).num_rows == 1
    assert HeldOutRows(np.arange(8192), 0).num_rows == 2
    assert HeldOutRows(np.broadcast_to(np.uint8(1), 10**7), 0).num_rows == 64
    (batch,) = HeldOutRows(np.array([5, 6]), 9).windows(3)
    assert_equal(batch, Batch(np.array([[9, 5, 5]]), np.array([[5, 6, 6]]), np.array([[1, 1, 0]]), True))


@settings(deadline=None)
@given(st.integers(1, 50), st.integers(1, 12), st.integers(1, 12))
def test_windows_before_have_the_context_of_each_token(num_tokens, window, batch_size):
    ids = np.arange(2, num_tokens + 2).astype(np.uint8)
    text = [1] * window + ids.tolist()
    found = []
    for batch in windows_before(ids, 1, window=window, batch=batch_size):
        assert batch.x.shape == (batch_size, window) and batch.y.shape == batch.mask.shape == (batch_size,)
        for x, y, real in zip(batch.x.tolist(), batch.y.tolist(), batch.mask, strict=True):
            if real:
                place = len(found)
                assert x == text[place : place + window]
                found.append(y)
    assert found == ids.tolist()


# ---------------------------------------------------------------- shared among workers


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", ["streams", "each", "last"])
def test_some_rows_of_all_workers_are_the_whole_batch(kind, workers):
    ids = np.arange(77)
    whole = Streams(ids, batch=5, window=4, random_seed=3)
    if kind != "streams":
        whole = SlidingWindows(ids, batch=5, window=4, stride=3, target=kind, random_seed=3)
    shares = [SomeRows(whole, share_of(whole.num_rows, rank, workers)) for rank in range(workers)]
    assert sum(share.num_rows for share in shares) == whole.num_rows == 5
    for epoch, index in itertools.product(range(3), range(whole.num_batches)):
        batch, parts = whole.batch(epoch, index), [share.batch(epoch, index) for share in shares]
        joined = [np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "y", "mask")]
        assert_equal(batch, Batch(*joined, reset=parts[0].reset))
        for part in [batch, *parts]:
            assert part.num_tokens == batch.mask.sum()


def test_some_rows_reads_only_its_own():
    class Watched:
        """Ids that write down which of them were read."""

        def __init__(self, ids):
            self.ids, self.read = ids, set()

        def __len__(self):
            return len(self.ids)

        def __getitem__(self, places):
            self.read |= set(np.unique(places).tolist())
            return self.ids[places]

    ids = Watched(np.arange(81))
    SomeRows(Streams(ids, batch=4, window=5), slice(1, 2)).batch(0, 1)
    assert ids.read == set(range(25, 31))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_held_out_shares_count_each_token_once(workers):
    ids, found = np.arange(2, 20_002), []
    held = HeldOutRows(ids, 1, rows=4)
    for rank in range(workers):
        for batch in held.windows(640, some=share_of(held.num_rows, rank, workers)):
            found.append(batch.y[batch.mask > 0])
    np.testing.assert_array_equal(np.sort(np.concatenate(found)), ids)
    few, found = ids[:47], []
    for rank in range(workers):
        for batch in windows_before(few, 1, window=3, batch=8, some=share_of(len(few), rank, workers)):
            assert batch.x.shape == (8, 3)
            found.append(batch.y[batch.mask > 0])
    np.testing.assert_array_equal(np.concatenate(found), few)
