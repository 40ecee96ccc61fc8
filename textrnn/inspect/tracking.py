"""Which units track what in a text: properties of characters, and how closely each unit follows them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from textrnn.inspect.activations import Reading, Unit

# Straight quotes open and close with the same sign. Single ones are left out: they are apostrophes too.
QUOTES = {"“": "”", "«": "»", "「": "」", "『": "』", "„": "“", '"': '"'}
BRACKETS = {"(": ")", "[": "]", "{": "}", "（": "）", "【": "】", "《": "》"}
SENTENCE_ENDS = frozenset(".!?。！？…")
VOWELS = frozenset("aeiou")
NUM_SHIFTS, CHANCE = 40, 0.95  # see `chance_of`
FEWEST_TOKENS = 20  # of fewer, every correlation is high


@dataclass(frozen=True)
class Property:
    """A property of each character of a text.

    Attributes:
        name: in JSON.
        title: for people.
        of: text -> float64[chars], what holds after the character has been read.
        is_event: whether it happens at a single character. The value of a token is then the largest of its
            characters, else that of its last one.
    """

    name: str
    title: str
    of: Callable[[str], np.ndarray]
    is_event: bool = False


def _where(test: Callable[[str], bool]) -> Callable[[str], np.ndarray]:
    return lambda text: np.array([test(char) for char in text], np.float64)


def _since(begins: np.ndarray) -> np.ndarray:
    """How many characters ago the last True was; one is assumed before the text."""
    places = np.arange(len(begins))
    return (places - np.maximum.accumulate(np.where(begins, places, -1))).astype(np.float64)


def _column(text: str) -> np.ndarray:
    return _since(_where("\n".__eq__)(text) > 0)


def _line_share(text: str) -> np.ndarray:
    """The share of its line that has been read, without the line end."""
    lengths = [len(line) for line in text.split("\n") for _ in range(len(line) + 1)][: len(text)]
    share: np.ndarray = _column(text) / np.maximum(1, np.array(lengths))
    return share


def _indentation(text: str) -> np.ndarray:
    """White space at the beginning of the line, as far as it has been read."""
    found, width, is_begin = [], 0, True
    for char in text:
        is_begin = char == "\n" or (is_begin and char.isspace())
        width = 0 if char == "\n" else width + is_begin
        found.append(width)
    return np.array(found, np.float64)


def depth(text: str, pairs: dict[str, str]) -> np.ndarray:
    """How many pairs of signs are open after each character, float64[chars].

    Signs without a partner do not count. A pair lies within one paragraph: a blank line closes what is open.

    Example:
        >>> depth("a(b[c]) d) (e", BRACKETS).astype(int).tolist()
        [0, 1, 1, 2, 2, 1, 0, 0, 0, 0, 0, 0, 0]
    """
    steps, opened = np.zeros(len(text) + 1), list[tuple[str, int]]()
    for place, char in enumerate(text):
        if text.startswith("\n\n", place):
            opened = []
        elif opened and char == opened[-1][0]:
            steps[opened.pop()[1]] += 1
            steps[place] -= 1
        elif char in pairs:
            opened.append((pairs[char], place))
    return np.cumsum(steps)[:-1]


def _is_punctuation(char: str) -> bool:
    return unicodedata.category(char)[0] in "PS"


def _is_vowel(char: str) -> bool:
    return unicodedata.normalize("NFD", char)[0].lower() in VOWELS


def _in_word(text: str) -> np.ndarray:
    return np.array([char.isalnum() or unicodedata.category(char)[0] == "M" for char in text], bool)


def _word_length(text: str) -> np.ndarray:
    """Letters of the word so far."""
    return _since(~_in_word(text))


PROPERTIES = (
    Property("quotes", "inside quotes", lambda text: np.minimum(1, depth(text, QUOTES))),
    Property("brackets", "depth of brackets", lambda text: depth(text, BRACKETS)),
    Property("column", "characters since the line began", _column),
    Property("line-share", "share of the line that is over", _line_share),
    Property("indentation", "indentation of the line", _indentation),
    Property("line-end", "a line ends", _where("\n".__eq__), is_event=True),
    Property("word-begin", "a word begins", lambda text: (_word_length(text) == 1).astype(np.float64), is_event=True),
    Property("word-length", "letters since the word began", _word_length),
    Property("space", "a blank", _where(lambda char: char.isspace() and char != "\n"), is_event=True),
    Property("capital", "a capital letter", _where(str.isupper), is_event=True),
    Property("vowel", "a vowel (a, e, i, o, u)", _where(_is_vowel), is_event=True),
    Property("digit", "a digit", _where(str.isdigit), is_event=True),
    Property("punctuation", "a punctuation mark or sign", _where(_is_punctuation), is_event=True),
    Property(
        "sentence", "characters since the sentence began", lambda t: _since(_where(SENTENCE_ENDS.__contains__)(t) > 0)
    ),
    Property("position", "position in the text", lambda text: np.arange(len(text), dtype=np.float64)),
)


def token_values(tokens: Sequence[str]) -> tuple[list[Property], np.ndarray]:
    """What there is to track in a text.

    Args:
        tokens: the text in parts, none empty.

    Returns:
        the properties that are not the same everywhere, and float64[tokens, properties].

    Example:
        >>> found, values = token_values(["A", " small", " cat"])
        >>> dict(zip([one.name for one in found], values.T.tolist()))["capital"]
        [1.0, 0.0, 0.0]
    """
    lengths = np.array([len(token) for token in tokens], np.int64)
    text, ends, found, columns = "".join(tokens), np.cumsum(lengths), [], []
    for one in PROPERTIES:
        chars = one.of(text)
        values = np.maximum.reduceat(chars, ends - lengths) if one.is_event else chars[ends - 1]
        if np.ptp(values) > 0:
            found.append(one)
            columns.append(values)
    return found, np.stack(columns, 1) if columns else np.zeros((len(tokens), 0))


@dataclass(frozen=True)
class Ranking:
    """How much each unit tracks each property of a text.

    Attributes:
        properties: those that are not the same everywhere in the text.
        correlations: float64[units, properties], Pearson's r over the tokens.
        chance: float64[properties], the |r| that the best unit reaches by chance, see `chance_of`.
    """

    properties: list[Property]
    correlations: np.ndarray
    chance: np.ndarray

    def best_units(self, count: int) -> np.ndarray:
        """The units that track anything most, int64[count], in the order of the units."""
        best = np.abs(self.correlations).max(1, initial=0.0)
        return np.sort(np.argsort(-best, kind="stable")[:count])


def rank(reading: Reading) -> Ranking:
    """Compares each unit with each property of the text.

    Reference:
        Karpathy, Johnson and Fei-Fei, 2015, Visualizing and understanding recurrent networks.
    """
    properties, values = token_values(reading.tokens)
    units, wanted = standardized(reading.values.T), standardized(values)
    return Ranking(properties, units.T @ wanted / len(units), chance_of(units, wanted))


def standardized(values: np.ndarray) -> np.ndarray:
    """Values float[tokens, any] with mean 0 and variance 1 over the tokens, float64; constant columns become 0."""
    centred = values.astype(np.float64) - values.mean(0, dtype=np.float64)
    deviation = np.sqrt((centred**2).mean(0))
    is_flat = deviation <= 1e-7 * np.abs(values).max(0, initial=0.0)  # what rounding leaves of a constant
    found: np.ndarray = np.where(is_flat, 0.0, centred) / np.where(is_flat, 1.0, deviation)
    return found


def chance_of(units: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The |r| that the best of all units reaches with a property by chance, float64[properties].

    The property is shifted cyclically along the text: it stays as regular as it is, but no longer belongs to the text,
    so the best unit's |r| is chance. The result is the 95 % quantile of |r| over NUM_SHIFTS shifts.

    Args:
        units: float64[tokens, units], standardised.
        wanted: float64[tokens, properties], standardised.
    """
    tokens = len(wanted)
    shifts = np.unique(np.linspace(0.1 * tokens, 0.9 * tokens, NUM_SHIFTS).astype(np.int64))
    moved = np.concatenate([np.roll(wanted, shift, 0) for shift in shifts], 1).astype(np.float32)
    best = np.abs(units.astype(np.float32).T @ moved).max(0, initial=0.0) / tokens
    reached: np.ndarray = np.quantile(best.reshape(len(shifts), -1), CHANCE, axis=0)
    return reached


def top(ranking: Ranking, units: list[Unit], place: int, count: int) -> list[tuple[Unit, float]]:
    """The `count` units that follow the property at `place` most closely, with their correlation, best first."""
    r = ranking.correlations[:, place]
    return [(units[number], float(r[number])) for number in np.argsort(-np.abs(r), kind="stable")[:count]]
