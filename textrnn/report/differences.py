"""How two models differ on the same rows: by how much, whether that could be chance, and what to say of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from textrnn.report.metrics import Z95

# The largest p at which a difference between two models is not put down to chance; intervals are of 1 less it.
SIGNIFICANT = 0.05
MAJORITY = "majority"
NAMES = {
    "rnn": "the RNN",
    "linear": "the linear model",
    "combined": "the combination of both",
    MAJORITY: "saying the same of every text",
}
# Which models are compared: the complex one first, then the simple one.
PAIRS = (("rnn", "linear"), ("combined", "linear"))
AUTO = "auto"


def name_of(model: str) -> str:
    """What a model is called in a sentence."""
    return NAMES.get(model, f"the model {model}")


def compare_losses(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """Compares two models by how wrong they are on the same rows.

    Args:
        first: float64[rows], losses of the first model.
        second: float64[rows], of the second one.

    Returns:
        `rows`, `first_loss`, `second_loss`, `p` (two-sided, of the hypothesis that the mean losses are equal) and
        `difference_interval` (95 %, of the first mean less the second), from a normal distribution of the mean
        difference, ready for JSON.

    Example:
        >>> compare_losses(np.array([1.0, 0.0, 2.0, 1.0]), np.array([1.0, 1.0, 2.0, 2.0]))["first_loss"]
        1.0
    """
    differences = first - second
    mean, rows = float(differences.mean()), len(differences)
    error = float(differences.std(ddof=1)) / math.sqrt(rows) if rows > 1 else 0.0
    p = math.erfc(abs(mean) / error / math.sqrt(2)) if error > 0 else float(mean == 0)
    return dict(
        rows=rows,
        first_loss=float(first.mean()),
        second_loss=float(second.mean()),
        p=p,
        difference_interval=[mean - Z95 * error, mean + Z95 * error],
    )


def compare(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """Compares two models by the rows that only one of them predicts correctly.

    Args:
        first: bool[rows], which rows the first model has right.
        second: bool[rows], which ones the second model has right.

    Returns:
        `rows`, `first_accuracy`, `second_accuracy`, `only_first` and `only_second` (numbers of rows that only this
        model has right), `p` (see `mcnemar_exact`) and `difference_interval` (see there), ready for JSON.
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    return dict(
        rows=len(first),
        first_accuracy=float(first.mean()),
        second_accuracy=float(second.mean()),
        only_first=only_first,
        only_second=only_second,
        p=mcnemar_exact(only_first, only_second),
        difference_interval=list(difference_interval(only_first, only_second, len(first))),
    )


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """The exact two-sided p of the hypothesis that two models are equally good.

    Args:
        only_first, only_second: numbers of rows that only this model has right.

    Returns:
        min(1, 2 P(X <= the smaller number)), X binomial with probability 1/2.

    Reference:
        Q. McNemar, 1947, Note on the sampling error of the difference between correlated proportions or percentages;
        T. G. Dietterich, 1998, Approximate statistical tests for comparing supervised classification algorithms.

    Example:
        >>> round(mcnemar_exact(1, 5), 9)  # 2 (1 + 6) / 64
        0.21875
    """
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(min(only_first, only_second), only_first + only_second, 0.5)))


def difference_interval(only_first: int, only_second: int, num_rows: int) -> tuple[float, float]:
    """The 95 % interval of the first model's accuracy minus the second's, on the same rows.

    It is that of `mcnemar_exact`: of the rows that only one model has right, the exact interval of the share that the
    first one has. It holds 0 if and only if p is not below SIGNIFICANT. If there are no such rows, it has what would
    not be seen in so many rows.

    Reference:
        C. J. Clopper and E. S. Pearson, 1934, The use of confidence or fiducial limits illustrated in the case of the
        binomial.
    """
    from scipy.special import betaincinv

    tail, differ = SIGNIFICANT / 2, only_first + only_second
    if not differ:
        unseen = 1 - tail ** (1 / num_rows)
        return -unseen, unseen
    low = float(betaincinv(only_first, only_second + 1, tail)) if only_first else 0.0
    high = 1 - float(betaincinv(only_second, only_first + 1, tail)) if only_second else 1.0
    return (2 * low - 1) * differ / num_rows, (2 * high - 1) * differ / num_rows


def words_of(comparison: Mapping[str, Any], in_words: Callable[[float], str]) -> str:
    """Says in one sentence which of two models is better, or that the rows do not tell.

    Args:
        comparison: `first` and `second`, and what `compare` or `compare_losses` gives.
        in_words: says a mean loss.
    """
    first, second, p = comparison["first"], comparison["second"], comparison["p"]
    losses, ends = _losses(comparison), comparison["difference_interval"]
    is_share = "first_accuracy" in comparison
    ends = ends if is_share else [-end for end in reversed(ends)]  # now more is better
    better, worse = (first, second) if losses[first] < losses[second] else (second, first)
    figures, rows = [in_words(losses[name]) for name in (better, worse)], f"{comparison['rows']:,} rows"
    if p < SIGNIFICANT:
        sentence = f"{name_of(better)} is better than {name_of(worse)}: {figures[0]} against {figures[1]}, on {rows}"
        limits = sorted(map(abs, ends))
        span = f"{_size(limits[0], is_share)} to {_size(limits[1], is_share)}{' points' * is_share} better"
    else:
        sentence = f"{name_of(better)} and {name_of(worse)}: {figures[0]} against {figures[1]}, on {rows}"
        if losses[first] == losses[second]:
            sentence = f"{name_of(better)} and {name_of(worse)} do equally well: {figures[0]}, on {rows}"
        else:
            sentence += "; the difference could be chance"
        span = f"{name_of(first)} is from {_directed(ends[0], is_share)} to {_directed(ends[1], is_share)}"
    chance = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    test = "McNemar exact " if is_share else ""
    return f"{sentence[0].upper()}{sentence[1:]} ({test}{chance}; {span}, with 95 % confidence)."


def _losses(comparison: Mapping[str, Any]) -> dict[str, float]:
    """The mean losses of both models, by name: of accuracies, what is missing from 1."""
    if "first_accuracy" in comparison:
        return {comparison[name]: 1 - comparison[f"{name}_accuracy"] for name in ("first", "second")}
    return {comparison[name]: comparison[f"{name}_loss"] for name in ("first", "second")}


def _size(difference: float, is_share: bool) -> str:
    return f"{100 * difference:.1f}" if is_share else f"{difference:.3g}"


def _directed(difference: float, is_share: bool) -> str:
    unit = " points" * is_share
    return f"{_size(abs(difference), is_share)}{unit} {'better' if difference >= 0 else 'worse'}"


def is_worth_saying(comparison: Mapping[str, Any]) -> bool:
    """Whether to report a comparison: all but the expected one, that a model beats the most frequent label."""
    losses = _losses(comparison)
    is_expected = comparison["p"] < SIGNIFICANT and losses[comparison["first"]] < losses[comparison["second"]]
    return comparison["second"] != MAJORITY or not is_expected


def choice_in_words(
    chosen: str,
    wanted: str,
    measured: Mapping[str, tuple[float, float]],
    num_rows: int,
    in_words: Callable[[float], str],
    *,
    by_nats: bool = True,
) -> str | None:
    """Why a model was chosen, in one sentence; None where there was no choice.

    Args:
        chosen: the name of the model.
        wanted: the one that was asked for, or `auto`.
        measured: mean loss and log-loss of each model on the rows that it was chosen on.
        num_rows: how many rows these were; none of the models had learnt from them.
        in_words: says a mean loss.
        by_nats: whether it was chosen by its log-loss, or else by its mean loss.

    Example:
        >>> measured = dict(linear=(0.2, 0.51), rnn=(0.25, 0.48))
        >>> choice_in_words("rnn", "auto", measured, 80, str).partition("; ")[2]
        'rnn has the lowest log-loss there; --model linear takes another'
    """
    if len(measured) < 2:
        return None
    figures = ", ".join(
        f"{name} {in_words(loss)}" + f" ({nats:.3f} nats)" * by_nats for name, (loss, nats) in measured.items()
    )
    found = f"on {num_rows:,} rows that were not learnt from: {figures}"
    if wanted != AUTO:
        return f"{found}; {chosen} was asked for, with --model {wanted}"
    others = " or ".join(name for name in measured if name != chosen)
    why = "has the lowest log-loss" if by_nats else "does best"
    return f"{found}; {chosen} {why} there; --model {others} takes another"
