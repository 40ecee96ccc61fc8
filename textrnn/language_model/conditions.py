"""Texts in a condition that is asked for: one of those learnt, a mixture of them, or one drawn by their frequency."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from textrnn.base.errors import ConfigError
from textrnn.language_model.generation import Choose
from textrnn.language_model.model import Model
from textrnn.nn.numpy.network import Network, State, TargetNats
from textrnn.text.documents import MOST_LISTED

# Makes clear which condition was asked for, and texts hardly less varied (`benchmarks/conditional.py`).
GUIDANCE = 2.0

M = TypeVar("M", bound=Model)


def parse_condition(text: str, names: Sequence[str]) -> np.ndarray:
    """The weights of conditions that a name, or a mixture such as `good=0.7,bad=0.3`, stands for.

    Args:
        text: what was asked for.
        names: the conditions there are.

    Returns:
        float32[conditions], adding up to 1.

    Raises:
        ConfigError: a name is unknown or comes twice, or a weight cannot be used.

    Example:
        >>> parse_condition("good", ["bad", "good"]).tolist(), parse_condition("bad=1,good=3", ["bad", "good"]).tolist()
        ([0.0, 1.0], [0.25, 0.75])
    """
    weights = np.zeros(len(names))
    if text in names or "=" not in text:
        weights[_place(text.strip() if text not in names else text, names)] = 1
        return np.asarray(weights, np.float32)
    taken = set[int]()
    for part in text.split(","):
        name, _, number = part.rpartition("=")
        place = _place(name.strip(), names)
        if place in taken:
            raise ConfigError(
                f"--condition {text!r:.80} names {name.strip()!r:.40} twice: expected one weight for each"
            )
        taken.add(place)
        weights[place] = _weight(number, text)
    if not weights.sum():
        raise ConfigError(f"--condition {text!r:.80} has no weight above 0: expected one at least")
    return np.asarray(weights / weights.sum(), np.float32)


def _weight(number: str, text: str) -> float:
    try:
        weight = float(number)
    except ValueError:
        weight = math.nan
    if not 0 <= weight <= 1e6:
        raise ConfigError(
            f"--condition {text!r:.80} has the weight {number.strip()!r:.40}: expected numbers from 0 on, as in "
            "positive=0.7,negative=0.3"
        )
    return weight


def _place(name: str, names: Sequence[str]) -> int:
    if name in names:
        return names.index(name)
    folded = [known.casefold() for known in names]
    if folded.count(name.casefold()) == 1:
        return folded.index(name.casefold())
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    hint = f"; did you mean {names[folded.index(near[0])]!r:.60}?" if near else ""
    raise ConfigError(f"--condition: there is no condition {name!r:.60}{hint} (there: {listed(names)})")


def listed(names: Sequence[str]) -> str:
    """Conditions as a message names them."""
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(f"{name:.60}" for name in names[:MOST_LISTED]) + more


def frequencies(model: Model) -> np.ndarray:
    """The share of each condition among the documents that were learnt from, float64[conditions]."""
    counts = np.array(model.documents.counts if model.documents else (), np.float64)
    return np.asarray(counts / counts.sum())


class ConditionedNetwork(TargetNats):
    """A network whose texts begin in a condition; with guidance, what sets that condition apart is made stronger.

    With guidance g, logits are c + g (c - u): those in the condition, c, and those without any, u, of a second state
    that reads the same text.

    Args:
        network: with conditions.
        weights: float32[conditions] that texts begin with: the vectors of the conditions are mixed.
        guidance: g, 0 for none.

    Reference:
        Ho and Salimans, 2022, Classifier-free diffusion guidance; Sanchez et al., 2023, Stay on topic with
        classifier-free guidance (for language models).
    """

    def __init__(self, network: Network, weights: np.ndarray, guidance: float = 0.0) -> None:
        self.vocab_size, self._network, self._weights, self._guidance = network.vocab_size, network, weights, guidance

    def initial_state(self, rows: int) -> State:
        """See `Network.initial_state`; with guidance, the state without a condition comes behind the other."""
        without = self._network.initial_state(rows)
        state = [*without[:-1], np.repeat(np.asarray(self._weights, np.float32)[:, None], rows, axis=1)]
        return [*state, *without] if self._guidance else state

    def step(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.step`."""
        if not self._guidance:
            return self._network.step(ids, state)
        rows, half = len(ids), len(state) // 2
        both = [np.concatenate(pair, axis=1) for pair in zip(state[:half], state[half:], strict=True)]
        logits, after = self._network.step(np.concatenate([ids, ids]), both)
        return self._guided(logits[:rows], logits[rows:]), [
            *(array[:, :rows] for array in after),
            *(array[:, rows:] for array in after),
        ]

    @property
    def write(self) -> Any:
        """See `textrnn.language_model.model.Model.draws_ahead`."""
        return None if self._guidance else getattr(self._network, "write", None)

    def read(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read`."""
        return self._apart(self._network.read, ids, state)

    def read_all(self, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.read_all`."""
        return self._apart(self._network.read_all, ids, state)

    def target_nats(self, ids: np.ndarray, targets: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Network.target_nats`."""
        if self._guidance:
            return super().target_nats(ids, targets, state)
        return self._network.target_nats(ids, targets, state)

    def _apart(self, read, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:  # type: ignore[no-untyped-def]
        """Reads with each of the states, one after the other."""
        if not self._guidance:
            return read(ids, state)  # type: ignore[no-any-return]
        half = len(state) // 2
        (within, after), (without, after_without) = read(ids, state[:half]), read(ids, state[half:])
        return self._guided(within, without), [*after, *after_without]

    def _guided(self, within: np.ndarray, without: np.ndarray) -> np.ndarray:
        guided: np.ndarray = within + np.float32(self._guidance) * (within - without)
        return guided


def conditioned(model: M, weights: np.ndarray, guidance: float = 0.0) -> M:
    """The same model, whose texts begin in a condition.

    Args:
        model: with conditions.
        weights: float[conditions], see `parse_condition`.
        guidance: see `ConditionedNetwork`.

    Raises:
        ConfigError: guidance is asked for and the model has not learnt what texts without a condition are like.
    """
    if guidance and not model.config.documents.condition_dropout:
        raise ConfigError(
            "--guidance compares with texts without a condition, and this run was trained with --condition-dropout 0: "
            "leave --guidance out, or train with some"
        )
    return dataclasses.replace(model, network=ConditionedNetwork(model.network, weights, guidance))


def one_hot(place: int, num: int) -> np.ndarray:
    """The weights of a single condition."""
    return np.asarray(np.eye(num, dtype=np.float32)[place])


def drawn_condition(model: M, rng: np.random.Generator, guidance: float = 0.0) -> tuple[str, M]:
    """A condition by the frequency of each, and the model whose texts begin in it."""
    names = model.documents.conditions if model.documents else ()
    place = int(np.searchsorted(np.cumsum(frequencies(model)), rng.random(), side="right"))
    place = min(place, len(names) - 1)
    return names[place], conditioned(model, one_hot(place, len(names)), guidance)


def with_condition(model: M, condition: str | None, guidance: float | None = None) -> tuple[M, Choose | None]:
    """A model whose texts are in the condition that is asked for.

    Args:
        model: any language model.
        condition: a name or mixture, see `parse_condition`; None for one that is drawn for each text.
        guidance: see `ConditionedNetwork`; None for `GUIDANCE` where a condition is asked for and guidance is possible.

    Returns:
        the model, and what gives each text its condition (None where there are no conditions), see `generate_texts`.

    Raises:
        ConfigError: there is no such condition, or none at all.
    """
    names = check_condition(model, condition, guidance)
    if not names:
        return model, None
    if guidance is None:
        guidance = GUIDANCE if condition is not None and model.config.documents.condition_dropout else 0.0
    if condition is None:
        without = conditioned(model, np.zeros(len(names)), guidance)
        return without, lambda rng: drawn_condition(model, rng, guidance)
    chosen = conditioned(model, parse_condition(condition, names), guidance)
    return chosen, lambda rng: (condition, chosen)


def check_condition(model: Model, condition: str | None, guidance: float | None = None) -> tuple[str, ...]:
    """The conditions of a model; raises ConfigError if there are none to choose from."""
    names = model.documents.conditions if model.documents else ()
    flag = "--condition" if condition is not None else "--guidance" if guidance else None
    if flag and not names:
        raise ConfigError(
            f"{flag} is for runs that learnt conditions, and {model.path or 'this one'} has none: leave it out, or "
            "train on a table with --condition COLUMN"
        )
    return names
