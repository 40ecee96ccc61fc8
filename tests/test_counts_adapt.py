"""Counts that go on counting in the text being read."""

import numpy as np
import pytest

from textrnn.text.counts.adapt import AdaptedStream, adapted_probabilities
from textrnn.text.counts.build import save_counts
from textrnn.text.counts.count import counted
from textrnn.text.counts.model import Counts

VOCAB, ORDER = 11, 4


@pytest.fixture(params=[1, ORDER])
def counts(tmp_path, rng, request):
    ids = rng.integers(0, 8, 300)
    with counted(ids, VOCAB, tmp_path, max_order=request.param, least_gain_nats=-99) as found:
        save_counts(found, tmp_path / "counts", lost_nats=0.05)
    return Counts(tmp_path / "counts")


def text(rng):
    return np.concatenate([rng.integers(0, VOCAB, 40), np.tile(rng.integers(0, VOCAB, 5), 8), rng.integers(0, 3, 40)])


@pytest.mark.parametrize("weight", [0.5, 2.0])
def test_stream_and_whole_text_agree(counts, rng, weight):
    tokens, before = text(rng), counts.walk(counts.start(1), rng.integers(0, 8, (6, 1)))[-1]
    expected = adapted_probabilities(counts, before, tokens, weight=weight)
    stream = AdaptedStream(counts, before, weight=weight)
    for place, token in enumerate(tokens.tolist()):
        assert stream.target_probabilities(token) == pytest.approx(expected[place], rel=1e-4)
        stream.advance(token)


def test_adapted_probabilities_sum_to_one(counts, rng):
    stream = AdaptedStream(counts, counts.start(1))
    gate = rng.dirichlet(np.ones(counts.order + 1)).astype(np.float32)
    network = rng.dirichlet(np.ones(VOCAB)).astype(np.float32)
    for token in text(rng).tolist():
        found = np.stack([stream.target_probabilities(w) for w in range(VOCAB)])
        assert (found > 0).all() and found.sum(0) == pytest.approx(1, abs=1e-5)
        mixed = stream.mixture(gate, network)
        assert mixed == pytest.approx(gate[0] * network + found @ gate[1:], rel=1e-4)
        stream.advance(token)


def test_adapting_learns_what_repeats(counts, rng):
    tokens = np.tile([8, 9, 10], 20)  # never seen
    plain, _ = counts.text_probabilities(counts.start(1), tokens)
    found = adapted_probabilities(counts, counts.start(1), tokens)
    assert found[0] == pytest.approx(plain[0], rel=1e-5)  # nothing read so far
    assert (found[30:, -1] > (0.8 if counts.order > 1 else 2 * plain[30:, -1])).all()
    assert adapted_probabilities(counts, counts.start(1), tokens[:0]).shape == (0, counts.order)


def test_adapting_by_hand(tmp_path):
    # Saved: a b a b a c, see test_counts.py: D1 = D2 = 0.5 in order 1, D1 = 0.2 in order 2; c(.) = 4, c(a) = 3.
    with counted(np.array([0, 1, 0, 1, 0, 2]), 3, tmp_path, max_order=2, least_gain_nats=-99) as found:
        save_counts(found, tmp_path / "counts", lost_nats=0)
    stream = AdaptedStream(Counts(tmp_path / "counts"), Counts(tmp_path / "counts").start(1), weight=1)
    # Reads a a. Order 1 counts the first a, as the beginning, and the second: a a is new. So c' = 2 with D' = 0.5:
    #   p(b) = (4 * 0.25 + 0.5 * 1/3) / 6 = 0.194444
    # Order 2 has a a once, D' = 0.2: p(a) = (4 * 0.5 + 1.5 + 0.5 / 3) / 6 = 0.611111;
    #   p(a | a) = (1.9 * 0.611111 + 0.8 + 0.2 * 0.611111) / 4 = 0.520833
    #   p(b | a) = (0.3 + 1.9 * 0.194444 + 0.2 * 0.194444) / 4 = 0.177083
    stream.advance(0)
    stream.advance(0)
    assert stream.target_probabilities(0) == pytest.approx([0.611111, 0.520833], rel=1e-4)
    assert stream.target_probabilities(1) == pytest.approx([0.194444, 0.177083], rel=1e-4)
