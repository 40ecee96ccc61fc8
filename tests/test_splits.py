"""Splits: every row on one side, texts never on both, classes in their shares, the same seed the same split."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrnn.base.errors import ConfigError, DataError
from textrnn.classifier.splits import folded, folds, group_numbers, hold_out

# Few letters in two cases, and spaces: many texts are the same text.
TEXTS = st.lists(st.tuples(st.text("abcABC ", max_size=3), st.integers(0, 3)), min_size=2, max_size=40)


def columns(pairs):
    return [text for text, _ in pairs], np.array([label for _, label in pairs])


def texts_of(rows, texts):
    return {folded(texts[row]) for row in rows}


def own_texts(texts, labels):
    """Of each class the distinct texts that are in no other class."""
    of_text = {}
    for text, label in zip(texts, labels.tolist(), strict=True):
        of_text.setdefault(folded(text), set()).add(label)
    found = {}
    for text, classes in of_text.items():
        if len(classes) == 1:
            found.setdefault(next(iter(classes)), set()).add(text)
    return found


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Good  film", "good film", True),
        ("\tgood\r\nfilm ", "GOOD FILM", True),
        ("Straße", "STRASSE", True),
        ("很 好", "很\u3000好", True),
        ("很好", "很 好", False),
        ("good", "good!", False),
        ("", " \n", True),
    ],
)
def test_folded_texts_are_the_same(first, second, same):
    assert (folded(first) == folded(second)) == same


def test_group_numbers_in_order_of_first_occurrence():
    assert group_numbers(["b", "a", "B ", "c", "A"]).tolist() == [0, 1, 0, 2, 1]
    assert group_numbers([]).tolist() == []


@settings(deadline=None)
@given(TEXTS, st.floats(0.02, 0.98), st.integers(0, 10**6), st.none() | st.integers(1, 30))
def test_hold_out_keeps_its_promises(pairs, share, seed, max_rows):
    texts, labels = columns(pairs)
    try:
        train, held = hold_out(texts, labels, share, np.random.default_rng(seed), max_rows=max_rows)
    except DataError:
        splittable = any(len(own) > 1 for own in own_texts(texts, labels).values())
        assert not splittable or (max_rows is not None and max_rows < np.bincount(group_numbers(texts)).max())
        return
    assert sorted([*train, *held]) == list(range(len(texts)))
    assert (np.diff(train) > 0).all() and (np.diff(held) > 0).all() and len(held)
    assert not texts_of(train, texts) & texts_of(held, texts)
    if max_rows is not None:
        assert len(held) <= max_rows
    else:
        for label, own in own_texts(texts, labels).items():
            if len(own) > 1:
                assert label in labels[train] and label in labels[held]
    again = hold_out(texts, labels, share, np.random.default_rng(seed), max_rows=max_rows)
    assert again[0].tolist() == train.tolist() and again[1].tolist() == held.tolist()


def test_hold_out_takes_the_share_of_each_class():
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    _, held = hold_out([f"text {row}" for row in range(1000)], labels, 0.2, np.random.default_rng(1))
    assert np.bincount(labels[held]).tolist() == [120, 60, 20]


def test_hold_out_rounds_so_that_the_sum_is_right():
    """Shares of 3.5, 3.5 and 3 rows make 10 and not 11 or 9."""
    labels = np.repeat([0, 1, 2], [7, 7, 6])
    _, held = hold_out([f"text {row}" for row in range(20)], labels, 0.5, np.random.default_rng(1))
    assert len(held) == 10 and np.bincount(labels[held]).min() >= 3


def test_hold_out_at_most_so_many_rows_in_the_same_shares():
    labels = np.repeat([0, 1], [9000, 1000])
    texts = [f"text {row}" for row in range(10_000)]
    train, held = hold_out(texts, labels, 0.2, np.random.default_rng(1), max_rows=500)
    assert np.bincount(labels[held]).tolist() == [450, 50] and len(train) == 9500


def test_hold_out_gives_a_rare_class_one_row():
    labels = np.repeat([0, 1, 2], [97, 2, 1])
    train, held = hold_out([f"text {row}" for row in range(100)], labels, 0.1, np.random.default_rng(1))
    assert np.bincount(labels[held], minlength=3).tolist()[1:] == [1, 0]  # the class of one row is learnt from
    assert np.bincount(labels[train]).tolist()[1:] == [1, 1]


def test_hold_out_with_less_room_than_classes_prefers_the_largest():
    labels = np.repeat([0, 1, 2, 3], [5, 40, 5, 50])
    _, held = hold_out([f"text {row}" for row in range(100)], labels, 0.1, np.random.default_rng(1), max_rows=2)
    assert sorted(labels[held]) == [1, 3]


def test_hold_out_keeps_a_text_of_many_rows_together():
    texts = ["same"] * 50 + ["Same "] * 10 + [f"text {row}" for row in range(40)]
    labels = np.array([0] * 50 + [1] * 10 + [0] * 20 + [1] * 20)
    for seed in range(20):
        train, held = hold_out(texts, labels, 0.2, np.random.default_rng(seed))
        assert "same" in texts_of(train, texts) and "same" not in texts_of(held, texts)  # too many for a fifth
        assert set(labels[held]) == {0, 1}


def test_hold_out_of_classes_whose_texts_are_all_repeated():
    texts, labels = ["a"] * 8 + ["b"] * 6 + ["c"] * 8 + ["d"] * 7, np.repeat([0, 1], [14, 15])
    train, held = hold_out(texts, labels, 0.1, np.random.default_rng(1))
    assert texts_of(held, texts) == {"b", "d"} and texts_of(train, texts) == {"a", "c"}


def test_hold_out_differs_between_seeds():
    texts, labels = [f"text {row}" for row in range(100)], np.zeros(100, int)
    splits = {tuple(hold_out(texts, labels, 0.2, np.random.default_rng(seed))[1].tolist()) for seed in range(5)}
    assert len(splits) == 5


@pytest.mark.parametrize("share", [0, 1, -0.5, 2, float("nan")])
def test_hold_out_refuses_a_share(share):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        hold_out(["a", "b"], np.array([0, 0]), share, np.random.default_rng(1))


def test_hold_out_refuses_rows_that_cannot_be_split():
    rng = np.random.default_rng(1)
    with pytest.raises(ConfigError, match="at most 0 rows"):
        hold_out(["a", "b"], np.array([0, 0]), 0.5, rng, max_rows=0)
    with pytest.raises(DataError, match="2 distinct texts in 3 rows"):
        hold_out(["a", "b", "B"], np.array([0, 1, 1]), 0.5, rng)
    with pytest.raises(DataError, match="0 texts and 0 labels"):
        hold_out([], np.array([], int), 0.5, rng)
    with pytest.raises(DataError, match="2 texts and 1 labels"):
        hold_out(["a", "b"], np.array([0]), 0.5, rng)


@settings(deadline=None)
@given(TEXTS, st.integers(2, 6), st.integers(0, 10**6))
def test_folds_keep_their_promises(pairs, num_folds, seed):
    texts, labels = columns(pairs)
    if len(texts_of(range(len(texts)), texts)) < num_folds:
        with pytest.raises(DataError, match="cannot be cut"):
            folds(texts, labels, num_folds, np.random.default_rng(seed))
        return
    found = folds(texts, labels, num_folds, np.random.default_rng(seed))
    assert len(found) == num_folds
    assert sorted(row for _, held in found for row in held.tolist()) == list(range(len(texts)))
    for train, held in found:
        assert len(held) and sorted([*train, *held]) == list(range(len(texts)))
        assert not texts_of(train, texts) & texts_of(held, texts)
        for label, own in own_texts(texts, labels).items():
            if len(own) > 1:
                assert label in labels[train]
    again = folds(texts, labels, num_folds, np.random.default_rng(seed))
    assert [held.tolist() for _, held in again] == [held.tolist() for _, held in found]


def test_folds_spread_each_class_evenly():
    labels = np.repeat([0, 1, 2], [50, 25, 7])
    found = folds([f"text {row}" for row in range(82)], labels, 5, np.random.default_rng(1))
    counts = np.array([np.bincount(labels[held], minlength=3) for _, held in found])
    assert (np.ptp(counts, axis=0) <= 1).all() and np.ptp(counts.sum(1)) <= 1


def test_folds_refuse():
    with pytest.raises(ConfigError, match="1 folds"):
        folds(["a", "b"], np.array([0, 1]), 1, np.random.default_rng(1))
    with pytest.raises(DataError, match="2 distinct texts cannot be cut into 3 folds"):
        folds(["a", "b", "A"], np.array([0, 1, 0]), 3, np.random.default_rng(1))
