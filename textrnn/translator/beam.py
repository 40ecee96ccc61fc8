"""Searching for the most likely text: beam search over many sources at once; a beam of 1 takes the best token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

State = list[np.ndarray]
# (ids int32[rows], state, sources int64[sources]) -> (logits float32[rows, vocab], state); the same number of rows for
# each of the sources, which are side by side; arrays of a state are [features, rows].
Step = Callable[[np.ndarray, State, np.ndarray], tuple[np.ndarray, State]]


@dataclass(frozen=True)
class Found:
    """A text that was found.

    Attributes:
        ids: int32[tokens], without the end.
        log_prob: of all tokens and the end, in nats, at most 0.
        is_whole: whether it came to its end; else it was cut at the longest length allowed.
    """

    ids: np.ndarray
    log_prob: float
    is_whole: bool = True

    def score(self, length_penalty: float) -> float:
        """See `normalized`; the end counts as a token."""
        return normalized(self.log_prob, len(self.ids) + self.is_whole, length_penalty)


def normalized(log_prob: float, length: int, length_penalty: float) -> float:
    """What texts are compared by: the log-probability over a power of the length in tokens."""
    score: float = log_prob / max(1, length) ** length_penalty
    return score


@dataclass
class _Live:
    """Beginnings of texts, of all sources that are still searched.

    Attributes:
        sources: int64[sources].
        ids: int32[sources, width, steps].
        log_probs: float64[sources, width], in nats, at most 0.
        state: of the network.
    """

    sources: np.ndarray
    ids: np.ndarray
    log_probs: np.ndarray
    state: State

    def take(self, which: np.ndarray, parents: np.ndarray) -> State:
        """The state of some rows, int64[sources, width], of some sources, int64[sources]."""
        rows = (which[:, None] * self.log_probs.shape[1] + parents).reshape(-1)
        return [array[:, rows] for array in self.state]


def beam_search(
    step: Step,
    state: State,
    *,
    end_id: int,
    longest: Sequence[int],
    beam: int = 1,
    length_penalty: float = 1.0,
    barred: Sequence[int] = (),
) -> list[Found]:
    """Finds a likely text for each source.

    A beginning whose end is among the `beam` best candidates is put aside. A source is done when no beginning can
    become better than the best text put aside, or when `beam` texts are and no beginning is better than it now.

    Args:
        step: reads a token a row.
        state: of the sources before the first token, [features, sources].
        end_id: the token that ends a text; it is read before the first one too.
        longest: most tokens of the text of each source.
        beam: beginnings that are kept for each source.
        length_penalty: see `normalized`.
        barred: ids that are never written.

    Returns:
        the best text of each source.

    Reference:
        Wu et al., 2016, Google's neural machine translation system; they divide by ((5 + length) / 6)**a.
    """
    num = len(longest)
    limits, aside = np.asarray(longest, np.int64), [list[Found]() for _ in range(num)]
    live = _Live(np.arange(num), np.zeros((num, 1, 0), np.int32), np.zeros((num, 1)), state)
    last = np.full(num, end_id, np.int32)
    while len(live.sources):
        logits, live.state = step(last, live.state, live.sources)
        log_probs, parents, tokens = _candidates(live.log_probs, logits, beam, barred)
        ends = tokens == end_id
        for row, place in np.argwhere((ends & np.isfinite(log_probs))[:, :beam]):
            ids = live.ids[row, parents[row, place]]
            aside[live.sources[row]].append(Found(ids, float(log_probs[row, place])))
        # At most one candidate of each beginning is its end, so that enough others are left.
        order = np.argsort(ends, 1, kind="stable")[:, :beam]
        log_probs, parents, tokens = (np.take_along_axis(array, order, 1) for array in (log_probs, parents, tokens))
        log_probs = np.where(tokens == end_id, -np.inf, log_probs)
        ids = np.concatenate([np.take_along_axis(live.ids, parents[:, :, None], 1), tokens[:, :, None]], 2)
        going = np.ones(len(live.sources), bool)
        for row, source in enumerate(live.sources):
            best = max((found.score(length_penalty) for found in aside[source]), default=-np.inf)
            is_full = ids.shape[2] >= limits[source] or not log_probs[row, 0] > -np.inf  # nothing can go on
            if is_full and not aside[source]:
                aside[source].append(Found(ids[row, 0], float(log_probs[row, 0]), is_whole=False))
            # At best, all that follows is certain; but often enough a text grows no better.
            length = ids.shape[2] + 1 if len(aside[source]) >= beam else limits[source] + 1
            going[row] = not (is_full or best >= normalized(log_probs[row, 0], length, length_penalty))
        kept = np.flatnonzero(going)
        state = live.take(kept, parents[kept])
        live = _Live(live.sources[kept], ids[kept], log_probs[kept], state)
        last = tokens[kept].reshape(-1).astype(np.int32)
    return [max(found, key=lambda one: one.score(length_penalty)) for found in aside]


def _candidates(
    before: np.ndarray, logits: np.ndarray, beam: int, barred: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best ways to go on: log-probability, beginning and token of each, [sources, up to 2 beam], best first.

    Args:
        before: float64[sources, width], of the beginnings.
        logits: float32[sources * width, vocab].
        beam: how many are wanted beside ends.
        barred: tokens that are none.
    """
    sources, width = before.shape
    vocab = logits.shape[-1]
    logits = logits - logits.max(1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(1, keepdims=True))
    logits[:, list(barred)] = -np.inf
    log_probs = (before[:, :, None] + logits.reshape(sources, width, vocab)).reshape(sources, width * vocab)
    count = min(2 * beam, width * vocab)
    if count < width * vocab:
        places = np.argpartition(-log_probs, count - 1, 1)[:, :count]
    else:
        places = np.broadcast_to(np.arange(width * vocab), log_probs.shape)
    places = np.sort(places, 1)  # equal ones in the order of their ids
    found = np.take_along_axis(log_probs, places, 1)
    order = np.argsort(-found, 1, kind="stable")
    places, found = (np.take_along_axis(array, order, 1) for array in (places, found))
    return found, places // vocab, places % vocab
