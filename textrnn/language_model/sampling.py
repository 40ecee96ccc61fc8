"""From logits to tokens: penalty, temperature, top-k, top-p, min-p and the draw itself.

All of it works on weights, probabilities up to a factor in which the most likely token of a row weighs exactly 1.
Nothing is normalised that need not be, and min-p is one comparison. The reserved ids come first in every vocabulary,
so leaving them out is a slice and costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from textrnn.base.errors import RunError
from textrnn.language_model.random_state import pick, to_ids
from textrnn.language_model.sample_options import SampleConfig
from textrnn.text.tokens.load import PADDING_ID, UNKNOWN_ID

FIRST_ID = max(PADDING_ID, UNKNOWN_ID) + 1  # the reserved ids are all below it, and are never drawn

# Above this vocabulary size, sorting all of a row or running over all of it one by one is what takes the time.
_WIDE = 1024
# A lower temperature gives the same draws, but its inverse would not fit into a float32.
_LOWEST_TEMPERATURE = 1e-30

Sampler = Callable[[np.ndarray, np.ndarray, np.ndarray | None], np.ndarray]
_Filter = Callable[[np.ndarray], np.ndarray]


def probabilities(logits: np.ndarray, config: SampleConfig, recent: np.ndarray | None = None) -> np.ndarray:
    """The distribution that tokens are drawn from.

    Applied in this order: repetition penalty, temperature, top-k, top-p, min-p; each sees what the one before it left.
    Tokens are tied when their probabilities are equal as float32. Top-k keeps exactly k tokens, and top-p the fewest
    of the most likely tokens that reach p of what is left, at least one; where tied tokens do not all fit, the lower
    ids win. Min-p keeps all tokens at least that share as likely as the most likely one. A temperature of 0 puts
    everything on the most likely token, the lowest id of tied ones. The penalty divides positive logits of recent
    tokens and multiplies negative ones, once however often a token occurs.

    Args:
        logits: float32[rows, vocab]. NaN counts as impossible; where there is +inf, nothing else is possible.
        config: the settings; `length` and `random_seed` are not looked at.
        recent: int[rows, any], the tokens that the repetition penalty is for; filled up with the padding id.

    Returns:
        float32[rows, vocab], each row adding up to 1; reserved ids have 0.

    Raises:
        RunError: a row has no possible token.

    Example:
        >>> logits = np.log(np.array([[0.4, 0.4, 0.1, 0.05, 0.05]], np.float32))
        >>> probabilities(logits, SampleConfig(temperature=1)).tolist()
        [[0.0, 0.0, 0.5, 0.25, 0.25]]
        >>> print(probabilities(logits, SampleConfig(temperature=0.5, top_k=2)))
        [[0.  0.  0.8 0.2 0. ]]

    Reference:
        Keskar et al., 2019, CTRL: A Conditional Transformer Language Model for Controllable Generation (penalty; the
        multiplication of negative logits is a later custom, without which it would make them more likely).
        Holtzman et al., 2020, The Curious Case of Neural Text Degeneration (top-p).
        Nguyen et al., 2024, Turning Up the Heat: Min-p Sampling for Creative and Coherent LLM Outputs.
    """
    weights = _make_weigh(config)(logits, recent)
    result = np.zeros(logits.shape, np.float32)
    np.divide(weights, weights.sum(axis=1, keepdims=True), out=result[:, FIRST_ID:], dtype=np.float32)
    return result


def make_sampler(config: SampleConfig) -> Sampler:
    """A function that draws tokens, with only those steps in it that the settings switch on.

    Args:
        config: see `probabilities`.

    Returns:
        `sample(logits, uniforms, recent) -> ids`: logits float32[rows, vocab]; uniforms float64[rows] in [0, 1), as
        from `RowDraws`; recent int[rows, any] or None, see `probabilities`; ids int32[rows]. A row's token depends
        on that row alone. It raises RunError as `probabilities` does.

    Example:
        >>> sample = make_sampler(SampleConfig(temperature=0))
        >>> sample(np.array([[9, 9, 1, 3, 2]], np.float32), np.array([0.5]), None).tolist()
        [3]
    """
    if config.temperature == 0:
        penalize = _make_penalize(config.repetition_penalty)

        def most_likely(logits: np.ndarray, uniforms: np.ndarray, recent: np.ndarray | None) -> np.ndarray:
            with np.errstate(all="ignore"):
                shifted = _shifted(penalize(logits, recent))
            return to_ids(shifted.argmax(axis=1), FIRST_ID)

        return most_likely

    weigh = _make_weigh(config)

    def sample(logits: np.ndarray, uniforms: np.ndarray, recent: np.ndarray | None) -> np.ndarray:
        return pick(weigh(logits, recent), uniforms, FIRST_ID)

    return sample


def surprise_bits(logits: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """How surprising tokens are to the model itself: -log2 of their probabilities, without any filter.

    Args:
        logits: float32[rows, vocab].
        ids: int[rows], none reserved.

    Returns:
        float64[rows] in bits; the reserved ids take no part.

    Raises:
        RunError: a row has no possible token.

    Example:
        >>> surprise_bits(np.log(np.array([[0.4, 0.4, 0.1, 0.05, 0.05]], np.float32)), np.array([3])).round(3).tolist()
        [2.0]
    """
    with np.errstate(all="ignore"):
        shifted = _shifted(logits[:, FIRST_ID:])
        chosen = shifted[np.arange(len(ids)), ids - FIRST_ID]
        total = np.exp(shifted, out=shifted).sum(axis=1)
    bits: np.ndarray = (np.log(total, dtype=np.float64) - chosen) / math.log(2)
    return bits


def _make_weigh(config: SampleConfig) -> Callable[[np.ndarray, np.ndarray | None], np.ndarray]:
    """The function from logits and recent tokens to weights [rows, vocab - FIRST_ID]; all but one may be 0."""
    penalize, filters = _make_penalize(config.repetition_penalty), _make_filters(config)
    sharpness = 1 / max(config.temperature, _LOWEST_TEMPERATURE)
    if config.temperature == 0:
        filters = [lambda weights: _keep_largest(weights, np.ones((1, 1), np.float32), 1)]

    def weigh(logits: np.ndarray, recent: np.ndarray | None) -> np.ndarray:
        with np.errstate(all="ignore"):  # huge and infinite logits are dealt with, not warned of
            weights = _shifted(penalize(logits, recent))
            if sharpness != 1:
                weights *= sharpness
            np.exp(weights, out=weights)
        for keep in filters:
            weights = keep(weights)
        return weights

    return weigh


def _shifted(logits: np.ndarray) -> np.ndarray:
    """A copy, row by row in memory, in which the highest logit of each row is 0."""
    highest = np.maximum.reduce(logits, axis=1, keepdims=True)
    # One sum tells whether any maximum is NaN or infinite; now and then it overflows, which costs a useless repair.
    if not math.isfinite(highest.item() if len(highest) == 1 else np.add.reduce(highest, axis=None)):
        logits = _repaired(logits)
        highest = np.maximum.reduce(logits, axis=1, keepdims=True)
    shifted: np.ndarray = np.subtract(logits, highest, order="C")
    return shifted


def _repaired(logits: np.ndarray) -> np.ndarray:
    """NaN made impossible, and all but +inf made impossible in rows that have it.

    Raises:
        RunError: a row has no possible token left.
    """
    logits = np.where(np.isnan(logits), -np.inf, logits)
    certain = logits == np.inf
    has_certain = certain.any(axis=1, keepdims=True)
    logits = np.where(has_certain, np.where(certain, 0, -np.inf), logits).astype(np.float32)
    if np.isneginf(logits).all(axis=1).any():
        raise RunError(
            "the model gives no token a probability: all its logits are NaN or -inf; its weights are damaged, "
            "or training has diverged: train it again with a lower --learning-rate"
        )
    return logits


def _make_penalize(penalty: float) -> Callable[[np.ndarray, np.ndarray | None], np.ndarray]:
    """The function that applies the repetition penalty and leaves out the reserved ids."""

    def penalize(logits: np.ndarray, recent: np.ndarray | None) -> np.ndarray:
        if recent is None or penalty == 1:
            return logits[:, FIRST_ID:]
        rows = np.arange(len(logits))[:, None]
        seen = logits[rows, recent]
        logits = logits.copy()
        # A token that occurs twice is written twice, with the same value: it is penalised once.
        logits[rows, recent] = np.where(seen > 0, seen / penalty, seen * penalty)
        return logits[:, FIRST_ID:]

    return penalize


def _make_filters(config: SampleConfig) -> list[_Filter]:
    """The filters that the settings switch on, in their order."""
    filters: list[_Filter] = []
    if config.top_k:
        filters.append(lambda weights: _top_k(weights, config.top_k))
    if config.top_p < 1:
        filters.append(lambda weights: _top_p(weights, config.top_p))
    if config.min_p:
        # The most likely token weighs 1, and no filter takes it away.
        filters.append(lambda weights: np.multiply(weights, weights >= np.float32(config.min_p), out=weights))
    return filters


def _top_k(weights: np.ndarray, k: int) -> np.ndarray:
    vocab = weights.shape[1]
    if k >= vocab:
        return weights
    return _keep_largest(weights, np.partition(weights, vocab - k, axis=1)[:, vocab - k, None], k)


def _top_p(weights: np.ndarray, p: float) -> np.ndarray:
    smallest, count = (_wide_nucleus if weights.shape[1] > _WIDE else _nucleus)(weights, p)
    return _keep_largest(weights, smallest, count)


def _nucleus(weights: np.ndarray, p: float) -> tuple[np.ndarray, np.ndarray]:
    """The smallest weight in each row's nucleus and the nucleus's size, both [rows, 1]."""
    ordered = np.sort(weights, axis=1)[:, ::-1]
    sums = np.add.accumulate(ordered, axis=1, dtype=np.float64)
    last = (sums >= p * sums[:, -1:]).argmax(axis=1)[:, None]
    return ordered[np.arange(len(last))[:, None], last], last + 1


def _wide_nucleus(weights: np.ndarray, p: float) -> tuple[np.ndarray, np.ndarray]:
    """As `_nucleus`, without sorting a large vocabulary: some 40 microseconds a row of 20,000 instead of 400.

    Tokens below (1 - p) / vocab of the total add up to less than 1 - p, so those above it reach p without them.
    """
    results = []
    for row in weights:
        total = row.sum(dtype=np.float64)
        likely = np.sort(row[row >= 0.999 * (1 - p) * total / len(row)])[::-1]
        last = min(int(np.searchsorted(np.cumsum(likely, dtype=np.float64), p * total)), len(likely) - 1)
        results.append((likely[last], last + 1))
    smallest, count = zip(*results, strict=True)
    return np.array(smallest, np.float32)[:, None], np.array(count)[:, None]


def _keep_largest(weights: np.ndarray, smallest: np.ndarray, count: int | np.ndarray) -> np.ndarray:
    """Set to 0 what is not among the `count` largest weights of its row, of which `smallest` [rows, 1] is the last."""
    kept = weights >= smallest
    if (np.add.reduce(kept, axis=1, keepdims=True, dtype=np.intp) > count).any():  # more ties than places
        larger = weights > smallest
        tied = kept & ~larger
        places = count - larger.sum(axis=1, keepdims=True)
        kept = larger | (tied & (tied.cumsum(axis=1) <= places))
    np.multiply(weights, kept, out=weights)
    return weights
