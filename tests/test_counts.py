"""Counts of n-grams: by hand, and against formulas that were written down a second time."""

import numpy as np
import pytest
from counts_reference import Reference, left_out, probabilities
from hypothesis import given, settings
from hypothesis import strategies as st

from textrnn.base.errors import DataError
from textrnn.text.counts import levels
from textrnn.text.counts.build import save_counts
from textrnn.text.counts.codes import (
    COUNT_OF_CODE,
    EXACT_COUNTS,
    MAX_NATS,
    PROBABILITY_OF_CODE,
    count_codes,
    probability_codes,
)
from textrnn.text.counts.count import counted
from textrnn.text.counts.left_out import discounts
from textrnn.text.counts.model import Counts

LINE = [1, 2, 3, 1, 2, 4, 1, 2, 3]
TEXTS = {
    "repetitive": (LINE * 9, 6),
    "one token": ([0] * 40, 2),
    "same line": ([3, 1, 4, 1, 5] * 20, 7),
    "no repeated n-gram": (list(range(30)), 30),
    "shorter than the order": ([1, 2], 3),
    "single": ([1], 2),
    "random": (np.random.default_rng(3).integers(0, 4, 150).tolist(), 4),
    "large vocabulary": ((np.random.default_rng(4).zipf(1.5, 300) % 70000).tolist(), 70000),
}


def count(ids, vocab, folder, **options):
    """The left-out probabilities, float32[num_tokens, order], before they are rounded, and the saved counts."""
    options = {"least_gain_nats": -99.0, **options}
    lost, chains = options.pop("lost_nats", 0.0), []
    dtype = np.uint16 if vocab < 65536 else np.int32
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textrnn.text.counts.count.probability_codes", lambda p: chains.append(p.copy()) or p)
        with counted(np.array(ids, dtype), vocab, folder, **options) as found:
            save_counts(found, folder / "counts", lost_nats=lost)
            left = np.concatenate(chains).reshape(found.order, len(ids)).T
            assert found.losses_nats == pytest.approx(-np.log(left).mean(0), rel=1e-5)
    assert not list(folder.glob(".counts*"))
    return left, Counts(folder / "counts")


def probabilities_of(counts, context):
    """float64[order, vocab]: of all tokens after a context."""
    nodes = counts.walk(counts.start(1), np.array(context, np.int64)[:, None])[-1]
    rows = np.repeat(nodes, counts.vocab, 0)
    return counts.target_probabilities(rows, np.arange(counts.vocab)).T.astype(float)


# ---------------------------------------------------------------- by hand


def test_discounts_are_those_of_the_paper():
    # Y = 40 / (40 + 2 * 10) = 2/3; D1 = 1 - 2 Y 10/40, D2 = 2 - 3 Y 5/10, D3 = 3 - 4 Y 2/5
    assert discounts(np.array([40, 10, 5, 2])) == pytest.approx([0, 2 / 3, 1, 29 / 15])
    assert discounts(np.zeros(4, int)) == pytest.approx([0, 1 / 3, 1, 5 / 3])  # each taken as 1
    assert discounts(np.array([1, 0, 0, 900])) == pytest.approx([0, 1 / 3, 1, 0.01])


def test_counts_by_hand(tmp_path):
    # Text: a b a b a c; tokens a, b, c = 0, 1, 2; bigrams ab 2, ba 2, ac 1.
    # Counts of counts of order 2: n1 = 1 (ac), n2 = 2 (ab, ba), n3 = n4 = 0, taken as 1.
    #   Y = 1/5; D1 = 1 - 2/5 * 2 = 0.2; D2 = 2 - 3/5 * 1/2 = 1.7; D3 = 3 - 4/5 = 2.2
    # Order 1: a stands after b and at the beginning, 2; b after a, 1; c after a, 1: n1 = 2, n2 = 1, n3 = n4 = 0 -> 1.
    #   Y = 2/4; D1 = 1 - 1 * 1/2 = 0.5; D2 = 2 - 3/2 * 1 = 0.5
    #   c = 4, D = 0.5 + 0.5 + 0.5; p(a) = 1.5/4 + 1.5/4 * 1/3 = 0.5, p(b) = p(c) = 0.5/4 + 1.5/4 * 1/3 = 0.25
    # p(b | a) = (2 - 1.7)/3 + 1.9/3 * 0.25 = 0.1 + 0.158333 = 0.258333, p(c | a) = 0.8/3 + 1.9/3 * 0.25 = 0.425
    # p(a | a) = 1.9/3 * 0.5 = 0.316667; after b: p(a | b) = 0.3/2 + 1.7/2 * 0.5 = 0.575
    _, counts = count([0, 1, 0, 1, 0, 2], 3, tmp_path, max_order=2, num_blocks=2)
    assert counts.order == 2
    assert probabilities_of(counts, [0]) == pytest.approx(
        np.array([[0.5, 0.25, 0.25], [0.316667, 0.258333, 0.425]]), rel=1e-4
    )
    assert probabilities_of(counts, [1])[1] == pytest.approx([0.575, 0.2125, 0.2125], rel=1e-4)
    assert probabilities_of(counts, [2])[1] == pytest.approx([0.5, 0.25, 0.25], rel=1e-4)  # nothing follows c


def test_left_out_by_hand(tmp_path):
    # The text above in blocks a b a and b a c. Without the second block are left: a at the beginning, ab 1, ba 1.
    #   Order 1: a 2 (beginning, after b), b 1: of a c goes. c = 3, D = 0.5 + 0.5.
    #   p(b) = 0.5/3 + 1/3 * 1/3 = 0.277778, p(c) = 1/9, p(a) = 1.5/3 + 1/9 = 0.611111
    #   Order 2: p(b | a) = 0.8/1 + 0.2 * 0.277778 = 0.855556; p(a | b) = 0.8 + 0.2 * 0.611111; p(c | a) = 0.2/9
    left, _ = count([0, 1, 0, 1, 0, 2], 3, tmp_path, max_order=2, num_blocks=2)
    assert left[3:] == pytest.approx(np.array([[0.277778, 0.855556], [0.611111, 0.922222], [1 / 9, 0.2 / 9]]), rel=1e-5)


# ---------------------------------------------------------------- against the formulas


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("order", [1, 2, 5])
@pytest.mark.parametrize("num_blocks", [1, 3, 10])
def test_counts_agree_with_the_formulas(tmp_path, name, order, num_blocks):
    ids, vocab = TEXTS[name]
    left, counts = count(ids, vocab, tmp_path, max_order=order, num_blocks=num_blocks)
    assert left == pytest.approx(np.array(left_out(ids, vocab, order, num_blocks)), rel=1e-4)
    found, _ = counts.text_probabilities(counts.start(1), np.array(ids))
    assert found == pytest.approx(np.array(probabilities(Reference(ids, vocab, order), ids, range(len(ids)))), rel=5e-3)


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_counts_do_not_depend_on_pieces(tmp_path, monkeypatch, piece):
    for module in ("levels", "left_out", "count", "model"):
        monkeypatch.setattr(f"textrnn.text.counts.{module}.PIECE", piece)
    ids, vocab = TEXTS["random"]
    left, counts = count(ids, vocab, tmp_path, max_order=4, num_blocks=5)
    assert left == pytest.approx(np.array(left_out(ids, vocab, 4, 5)), rel=1e-4)
    found, nodes = counts.text_probabilities(counts.start(1), np.array(ids))
    assert found == pytest.approx(np.array(probabilities(Reference(ids, vocab, 4), ids, range(len(ids)))), rel=5e-3)
    assert np.array_equal(nodes, counts.walk(counts.start(1), np.array(ids)[:, None])[-1])


@settings(deadline=None, max_examples=40)
@given(ids=st.lists(st.integers(0, 3), min_size=1, max_size=60), order=st.integers(1, 4), num_blocks=st.integers(1, 6))
def test_any_text_agrees_with_the_formulas(tmp_path_factory, ids, order, num_blocks):
    left, counts = count(ids, 4, tmp_path_factory.mktemp("any"), max_order=order, num_blocks=num_blocks)
    assert left == pytest.approx(np.array(left_out(ids, 4, order, num_blocks)), rel=1e-4)
    reference = Reference(ids, 4, order)
    expected = [[reference.probability(n, tuple(ids), w) for w in range(4)] for n in range(1, order + 1)]
    # The weights of the orders below are saved in steps of 1 / 65535.
    assert probabilities_of(counts, ids) == pytest.approx(np.array(expected), rel=1e-3, abs=2e-5)


def test_highest_order_is_where_gains_end(tmp_path, rng):
    ids = rng.integers(0, 5, 3000)
    with counted(ids, 5, tmp_path, max_order=9) as found:
        assert found.order == 3  # order 2 gains nothing
        assert found.losses_nats[0] == pytest.approx(np.log(5), abs=0.02)


# ---------------------------------------------------------------- in one byte


def test_left_out_probabilities_are_kept_in_bytes(tmp_path):
    ids, vocab = TEXTS["random"]
    exact = np.array(left_out(ids, vocab, 3, 4))
    with counted(np.array(ids), vocab, tmp_path, max_order=3, least_gain_nats=-99, num_blocks=4) as found:
        codes = np.concatenate([found.left_out(0, 40), found.left_out(40, len(ids))])
    assert codes.dtype == np.uint8 and codes.shape == (len(ids), 3)
    nats = -np.log(exact)
    error = np.abs(-np.log(PROBABILITY_OF_CODE[codes]) - nats)
    assert (error <= 0.0176 * np.sqrt(nats) + 0.0002).all()


def test_probability_codes_are_as_exact_as_stated():
    nats = np.linspace(0, MAX_NATS, 100_001)
    found = -np.log(PROBABILITY_OF_CODE[probability_codes(np.exp(-nats))])
    assert (np.abs(found - nats) <= 0.0176 * np.sqrt(nats) + 0.0001 + 1e-6).all()
    assert probability_codes(np.array([0.0, 1e-12, 1.0])).tolist() == [255, 255, 0]


def test_count_codes_are_as_exact_as_stated():
    counts = np.unique(np.geomspace(1, 2**31 - 1, 5000).astype(np.int64))
    found = COUNT_OF_CODE[count_codes(counts)]
    small = counts <= EXACT_COUNTS
    assert np.array_equal(found[small], counts[small])
    assert (np.abs(found / counts - 1) < 0.075).all()


# ---------------------------------------------------------------- what cannot be counted


@pytest.mark.parametrize(
    ("ids", "options", "message"),
    [
        ([], {}, "no tokens"),
        ([1, 2], {"num_blocks": 0}, "0 blocks"),
        ([1, 2], {"num_blocks": 65}, "65 blocks"),
        ([1, 3], {}, "token 3"),
    ],
)
def test_counted_refuses(tmp_path, ids, options, message):
    with pytest.raises(DataError, match=message), counted(np.array(ids, np.int32), 3, tmp_path, **options):
        pass
    assert not list(tmp_path.iterdir())


def test_cuts_cover_all():
    assert levels.cuts(np.zeros(0, int), 5) == []
    assert levels.cuts(np.array([7]), 5) == [(0, 1)]
