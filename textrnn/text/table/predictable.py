"""How well the texts of a table tell what stands in another column: what a person wants predicted is told best."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from textrnn.text.table.column_facts import EAST_ASIAN

MOST_ROWS, MOST_FEATURES = 400, 60  # that are looked at, and of a text
FOLDS, FEWEST_ROWS, FEWEST_TIMES = 5, 20, 3  # times that each value comes, on average
FEWEST_HAVING = 2  # rows that have a feature
SURE, LEAD = 4.0, 2.0  # deviations from which texts tell a column, and by which they do better than another one
SMOOTHING = 0.5  # rows more of each value that have a feature
MOST_SHARE = 0.97  # of the most frequent value, for the deviation
_WORDS = re.compile(r"[^\W\d_]{2,}|\d+")
_BEYOND = re.compile(EAST_ASIAN)


def features(text: str) -> list[str]:
    """The different words of a text, or its pairs of characters where it is in a script without blanks.

    Example:
        >>> features("A fine film, 2 hours"), features("好看的")
        (['fine', 'film', '2', 'hours'], ['好看', '看的', '的'])
    """
    if _BEYOND.search(text):
        return list(dict.fromkeys(text[at : at + 2] for at in range(min(len(text), MOST_FEATURES))))
    return list(dict.fromkeys(_WORDS.findall(text.casefold())[:MOST_FEATURES]))


def feature_matrix(texts: Sequence[str]) -> np.ndarray:
    """Which features each of the first texts has: float32[texts, features], 1 or 0; without those of one text alone.

    Example:
        >>> feature_matrix(["a fine film", "fine tea"]).tolist()
        [[1.0], [1.0]]
    """
    found = [features(text) for text in texts[:MOST_ROWS]]
    often = Counter(feature for own in found for feature in own)
    known = [feature for feature, number in often.items() if number >= FEWEST_HAVING]
    place = {feature: number for number, feature in enumerate(known)}
    matrix = np.zeros((len(found), len(known)), np.float32)
    for row, own in enumerate(found):
        matrix[row, [place[feature] for feature in own if feature in place]] = 1
    return matrix


def predictability(matrix: np.ndarray, labels: Sequence[str]) -> float:
    """How much better than the most frequent value a naive Bayes classifier does on rows that it has not seen.

    Args:
        matrix: float32[rows, features], see `feature_matrix`.
        labels: the values of a column in these rows and perhaps more, "" for none.

    Returns:
        the difference of the shares that are right, in standard deviations of the latter; 0.0 where it cannot be told.

    Reference:
        D. D. Lewis, 1998, Naive (Bayes) at forty (the binary independence model, features that are there alone).

    Example:
        >>> matrix = feature_matrix(["a fine film" if n % 2 else "a dull play" for n in range(40)])
        >>> predictability(matrix, ["good" if n % 2 else "bad" for n in range(40)]) > 4
        True
        >>> predictability(matrix, ["open" if n % 4 < 2 else "shut" for n in range(40)]) > 4
        False
    """
    labels = labels[: len(matrix)]
    names = sorted({label for label in labels if label})
    rows = np.array([row for row, label in enumerate(labels) if label], np.int64)
    if len(rows) < FEWEST_ROWS or len(names) < 2 or len(rows) < FEWEST_TIMES * len(names):
        return 0.0
    number = {name: place for place, name in enumerate(names)}
    own = np.array([number[labels[row]] for row in rows])
    right = sum(_num_right(matrix[rows], own, len(names), fold) for fold in range(FOLDS))
    often = min(MOST_SHARE, np.bincount(own).max() / len(rows))
    return float((right / len(rows) - often) / math.sqrt(often * (1 - often) / len(rows)))


def _num_right(matrix: np.ndarray, labels: np.ndarray, num_labels: int, fold: int) -> int:
    """How many rows of a fold are told rightly by the others."""
    held = np.arange(len(labels)) % FOLDS == fold
    members = np.eye(num_labels, dtype=np.float32)[labels[~held]]  # [rows, labels]
    often = members.sum(0)
    having = np.log(members.T @ matrix[~held] + SMOOTHING) - np.log(often + 1)[:, None]  # [labels, features]
    with np.errstate(divide="ignore"):  # of a label that no other row has
        log_odds = matrix[held] @ having.T + np.log(often)
    return int((log_odds.argmax(1) == labels[held]).sum())
