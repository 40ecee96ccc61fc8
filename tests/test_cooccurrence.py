"""Vectors of tokens by what stands beside them: counts and information against loops, and likeness by neighbours."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from textrnn.classifier import cooccurrence
from textrnn.classifier.cooccurrence import FLATTENING, WINDOW, information, pair_counts, vectors_of

VOCAB = 40


@pytest.fixture
def texts():
    rng = np.random.default_rng(5)
    return [rng.integers(0, VOCAB, rng.integers(1, 30)).astype(np.int32) for _ in range(60)]


def counted(texts):
    """The same by looking at each pair of places."""
    found = Counter()
    for text in texts:
        for (one, a), (other, b) in itertools.permutations(enumerate(text.tolist()), 2):
            if abs(one - other) <= WINDOW and min(a, b) >= 2:
                found[a, b] += 1
    return found


def test_pairs_are_counted_and_their_information_follows_the_formula(texts):
    expected, counts = counted(texts), pair_counts(texts, VOCAB)
    matrix = counts.toarray()
    assert {(a, b): matrix[a, b] for a, b in zip(*matrix.nonzero(), strict=True)} == expected
    totals = matrix.sum(1, dtype=np.float64)
    shares = totals**FLATTENING / (totals**FLATTENING).sum()
    found = information(counts).toarray()
    for (a, b), count in expected.items():
        value = math.log(count / totals[a] / shares[b])
        assert found[a, b] == pytest.approx(max(0.0, value), rel=1e-5, abs=1e-6)
    assert not found[matrix == 0].any()


def test_tokens_with_the_same_neighbours_have_like_vectors():
    rng = np.random.default_rng(1)
    kinds = [(2, 3), (4, 5)]  # of tokens that stand for each other, each beside tokens of its own
    texts = []
    for _ in range(400):
        kind = int(rng.integers(2))
        beside = 6 + 15 * kind + rng.integers(0, 15, 3)
        texts.append(np.array([beside[0], kinds[kind][rng.integers(2)], *beside[1:]], np.int32))
    found = vectors_of(texts, 36, 8)
    vectors = dict(zip(found.ids.tolist(), found.learnt, strict=True))
    assert found.learnt.dtype == np.float32 and found.learnt.std() == pytest.approx(1, rel=1e-4)
    assert min(found.ids) >= 2 and found.unseen.shape == (0, 8)

    def cosine(a, b):
        return vectors[a] @ vectors[b] / np.linalg.norm(vectors[a]) / np.linalg.norm(vectors[b])

    assert min(cosine(2, 3), cosine(4, 5)) > max(cosine(a, b) for a in (2, 3) for b in (4, 5)) + 0.3


def test_vectors_are_equal_for_equal_seeds_and_none_where_there_is_too_little(texts, monkeypatch):
    first, second = vectors_of(texts, VOCAB, 8, random_seed=3), vectors_of(texts, VOCAB, 8, random_seed=3)
    np.testing.assert_array_equal(first.learnt, second.learnt)
    assert vectors_of(texts, VOCAB, VOCAB) is None  # fewer tokens than numbers
    assert vectors_of([np.array([2], np.int32)] * 5, VOCAB, 8) is vectors_of([], VOCAB, 8) is None
    assert vectors_of(texts, VOCAB, 8, interrupted=lambda: True) is None
    monkeypatch.setattr(cooccurrence, "MOST_TOKENS", 300)
    some = cooccurrence._some(texts, np.random.default_rng(0))
    assert 150 < sum(map(len, some)) < 600 and vectors_of(texts, VOCAB, 8) is not None
