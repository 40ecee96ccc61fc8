"""Vectors of tokens from what stands beside them: what embeddings begin with where there are many texts.

The positive pointwise mutual information of each pair of tokens that stand at most WINDOW tokens apart, with the
frequencies of the second one flattened, is a large sparse matrix. Its truncated singular value decomposition U S V
gives the vectors U sqrt(S).

References:
    Levy and Goldberg, 2014, Neural word embedding as implicit matrix factorization; Levy, Goldberg and Dagan, 2015,
    Improving distributional similarity with lessons learned from word embeddings (the flattening, and the root of S);
    Halko, Martinsson and Tropp, 2011, Finding structure with randomness (the decomposition).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from textrnn.classifier.vectors import StartVectors
from textrnn.text.tokens.base import NUM_RESERVED

WINDOW = 5
FLATTENING = 0.75  # power of the frequencies of the second token
MOST_TOKENS = 40_000_000  # that are counted: of more texts, the first of a random order
ITERATIONS = 3  # of the decomposition


def vectors_of(
    texts: Sequence[np.ndarray],
    vocab_size: int,
    width: int,
    *,
    random_seed: int = 0,
    interrupted: Callable[[], bool] = lambda: False,
) -> StartVectors | None:
    """Vectors of the tokens that stand beside others.

    Args:
        texts: ids of each text, int32[steps].
        vocab_size: number of tokens.
        width: of a vector.
        random_seed: of the decomposition, and of the choice among very many texts.
        interrupted: whether to give up.

    Returns:
        the vectors; None where fewer tokens have neighbours than a vector has numbers, or it was interrupted.
    """
    rng = np.random.default_rng(random_seed)
    counts = pair_counts(_some(texts, rng), vocab_size, interrupted)
    ids = np.flatnonzero(0 if counts is None else counts.sum(1))
    if len(ids) <= width:
        return None
    from sklearn.utils.extmath import randomized_svd

    left, values, _ = randomized_svd(information(counts), width, n_iter=ITERATIONS, random_state=random_seed)
    learnt = (left[ids] * np.sqrt(values)).astype(np.float32)
    return StartVectors(ids, learnt / learnt.std(), np.zeros((0, width), np.float32))


def _some(texts: Sequence[np.ndarray], rng: np.random.Generator) -> Sequence[np.ndarray]:
    """All texts, or so many that they have about MOST_TOKENS tokens."""
    total = sum(map(len, texts))
    if total <= MOST_TOKENS:
        return texts
    share = MOST_TOKENS / total
    return [texts[row] for row in rng.permutation(len(texts))[: max(1, round(share * len(texts)))]]


def pair_counts(
    texts: Sequence[np.ndarray], vocab_size: int, interrupted: Callable[[], bool] = lambda: False
) -> Any | None:
    """How often each token stands at most WINDOW tokens before or behind each other one.

    Returns:
        a sparse symmetric matrix, float32[vocabulary, vocabulary], in which reserved tokens have nothing; None if it
        was interrupted.

    Example:
        >>> pair_counts([np.array([2, 3, 2])], 4).toarray()[2:, 2:].tolist()
        [[2.0, 2.0], [2.0, 0.0]]
    """
    from scipy.sparse import csr_matrix

    gap = np.zeros(WINDOW, np.int64)  # between texts
    ids = np.concatenate([part for text in texts for part in (text, gap)]) if len(texts) else gap
    total = csr_matrix((vocab_size, vocab_size), dtype=np.float32)
    for distance in range(1, WINDOW + 1):
        if interrupted():
            return None
        before, behind = ids[:-distance], ids[distance:]
        known = (before >= NUM_RESERVED) & (behind >= NUM_RESERVED)
        pairs, counts = np.unique(before[known] * vocab_size + behind[known], return_counts=True)
        places = (pairs // vocab_size, pairs % vocab_size)
        total = total + csr_matrix((counts.astype(np.float32), places), (vocab_size, vocab_size))
    return (total + total.T).tocsr()


def information(counts: Any) -> Any:
    """The positive pointwise mutual information of pairs, as a sparse matrix of the shape of their counts.

    Args:
        counts: sparse, float32[vocabulary, vocabulary], symmetric.
    """
    from scipy.sparse import csr_matrix

    totals = np.asarray(counts.sum(1), np.float64).ravel()
    flattened = totals**FLATTENING
    pairs = counts.tocoo()
    values = np.log(pairs.data / totals[pairs.row] * flattened.sum() / flattened[pairs.col])
    kept = values > 0
    places = (pairs.row[kept], pairs.col[kept])
    return csr_matrix((values[kept].astype(np.float32), places), counts.shape)
