"""Which units track what in a text: correlations, and what chance alone would give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textrnn.inspect.activations import Reading, Unit
from textrnn.inspect.properties import Property, token_values

NUM_SHIFTS = 40
FEWEST_TOKENS = 20  # of fewer, every correlation is high
CHANCE = 0.95


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
        Karpathy, Johnson and Fei-Fei, 2015, Visualizing and understanding recurrent networks, who found such units by
        eye; the correlation is Pearson's.
    """
    properties, values = token_values(reading.tokens)
    units, wanted = standardized(reading.values.T), standardized(values)
    return Ranking(properties, units.T @ wanted / len(units), chance_of(units, wanted))


def standardized(values: np.ndarray) -> np.ndarray:
    """float[tokens, any] with mean 0 and mean square 1 over the tokens, float64; what is the same everywhere becomes 0.

    Example:
        >>> standardized(np.array([[1.0, 7.0], [3.0, 7.0]])).tolist()
        [[-1.0, 0.0], [1.0, 0.0]]
    """
    centred = values.astype(np.float64) - values.mean(0, dtype=np.float64)
    deviation = np.sqrt((centred**2).mean(0))
    is_flat = deviation <= 1e-7 * np.abs(values).max(0, initial=0.0)  # what rounding leaves of a constant
    found: np.ndarray = np.where(is_flat, 0.0, centred) / np.where(is_flat, 1.0, deviation)
    return found


def chance_of(units: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The |r| that the best of all units reaches with a property by chance, float64[properties].

    The property is moved along the text, around its end, so that it stays as regular as it is, but no longer belongs to
    the text: the best unit's |r| is then chance. Its 95 % quantile over some such shifts is returned.

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
    """The units that track a property most, with their correlation, best first.

    Args:
        ranking: of these units.
        units: all of them.
        place: of the property.
        count: how many.
    """
    r = ranking.correlations[:, place]
    return [(units[number], float(r[number])) for number in np.argsort(-np.abs(r), kind="stable")[:count]]
