"""How well the texts of a table tell what stands in another column: what a person wants predicted is told best."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

MOST_ROWS, MOST_FEATURES = 400, 60  # that are looked at, and of a text
FOLDS, FEWEST_ROWS, FEWEST_TIMES = 5, 20, 3  # times that each value comes, on average
SMOOTHING = 0.5  # rows more of each value that have a feature
_WORDS = re.compile(r"[^\W\d_]{2,}|\d+")
_BEYOND = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
MOST_SHARE = 0.97  # of the most frequent value, for the deviation


def features(text: str) -> frozenset[str]:
    """The words of a text, or its pairs of characters where it is in a script without blanks.

    Example:
        >>> sorted(features("A fine film, 2 hours")), sorted(features("好看的"))
        (['2', 'film', 'fine', 'hours'], ['好看', '的', '看的'])
    """
    if _BEYOND.search(text):
        return frozenset(text[at : at + 2] for at in range(min(len(text), MOST_FEATURES)))
    return frozenset(_WORDS.findall(text.casefold())[:MOST_FEATURES])


def predictability(texts: Sequence[frozenset[str]], labels: Sequence[str]) -> float:
    """How much better than the most frequent value a naive Bayes classifier does on rows that it has not seen.

    Args:
        texts: the features of each row.
        labels: the values of a column, "" for none.

    Returns:
        the difference of the shares that are right, in standard deviations of the latter; 0.0 where it cannot be told.

    Reference:
        D. D. Lewis, 1998, Naive (Bayes) at forty (the binary independence model, words that are there alone).

    Example:
        >>> texts = [features("a fine film" if n % 2 else "a dull play") for n in range(40)]
        >>> predictability(texts, ["good" if n % 2 else "bad" for n in range(40)]) > 4
        True
        >>> predictability(texts, ["open" if n % 4 < 2 else "shut" for n in range(40)]) > 4
        False
    """
    rows = [row for row, label in enumerate(labels) if label][:MOST_ROWS]
    counts = Counter(labels[row] for row in rows)
    if len(rows) < FEWEST_ROWS or len(counts) < 2 or len(rows) < FEWEST_TIMES * len(counts):
        return 0.0
    right = sum(_num_right(texts, labels, rows, fold) for fold in range(FOLDS))
    often = min(MOST_SHARE, max(counts.values()) / len(rows))
    return (right / len(rows) - often) / math.sqrt(often * (1 - often) / len(rows))


def _num_right(texts: Sequence[frozenset[str]], labels: Sequence[str], rows: Sequence[int], fold: int) -> int:
    """How many rows of a fold are told rightly by the others."""
    often, having = Counter[str](), defaultdict[str, Counter[str]](Counter)
    for place, row in enumerate(rows):
        if place % FOLDS != fold:
            often[labels[row]] += 1
            having[labels[row]].update(texts[row])

    def log_odds(row: int, label: str) -> float:
        known, total = having[label], math.log(often[label] + 1)
        return math.log(often[label]) + sum(math.log(known[one] + SMOOTHING) - total for one in texts[row])

    held = rows[fold::FOLDS]
    return sum(labels[row] == max(often, key=lambda label: log_odds(row, label)) for row in held)
