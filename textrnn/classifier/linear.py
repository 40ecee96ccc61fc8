"""Linear classifiers over n-grams: scores of texts in NumPy alone."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textrnn.base.errors import RunError
from textrnn.classifier.ngrams import KEY_BITS, UNITS, Keys, NgramKind, Positions, batches, ngrams
from textrnn.text.words import SCRIPTS

Floats = NDArray[np.floating[Any]]
LONGEST_NGRAM = 16
PREFIX, ARRAYS = "linear/", ("keys", "scales", "weights", "bias")  # names in the file of weights
LTC, BNN = "ltc", "bnn"  # how features are weighted, in SMART notation, see `NgramFeatures.values`


@dataclass(frozen=True)
class KeyTable:
    """Finds keys in a sorted array faster than bisection: keys are hashes, so their first bits tell about where.

    Attributes:
        keys: uint64[features], sorted, distinct.
        shift: bits of a key that are not part of its bucket's number.
        first: int32[buckets + 1], the first key of each bucket or of a later one.
    """

    keys: Keys
    shift: int
    first: NDArray[np.int32]

    @classmethod
    def of(cls, keys: Keys) -> KeyTable:
        """Make the table of some sorted keys."""
        num_bits = max(4, int(4 * len(keys)).bit_length())
        edges = np.arange(1 << num_bits, dtype=np.uint64) << np.uint64(64 - num_bits)
        first = np.append(np.searchsorted(keys, edges), len(keys)).astype(np.int32)
        return cls(keys, 64 - num_bits, first)

    def find(self, wanted: Keys) -> tuple[Positions, Positions]:
        """Which of the wanted keys are there: their places in `wanted`, and in `keys`, int64[found] both."""
        # `take` is several times as fast as an index in brackets.
        buckets = (wanted >> np.uint64(self.shift)).astype(np.int64)
        place, end = self.first.take(buckets), self.first[1:].take(buckets)
        at = np.flatnonzero(place < end)
        places, ends, left = place.take(at), end.take(at), wanted.take(at)
        found, features = [at[:0]], [at[:0]]
        while len(at):
            here = self.keys.take(places)
            hit = np.flatnonzero(here == left)
            found.append(at.take(hit))
            features.append(places.take(hit))
            more = np.flatnonzero((here < left) & (places + 1 < ends))
            at, places, ends, left = at.take(more), places.take(more) + 1, ends.take(more), left.take(more)
        return np.concatenate(found), np.concatenate(features)


@dataclass(frozen=True)
class NgramFeatures:
    """Turns texts into numbers: one feature for each known n-gram.

    Attributes:
        script: how texts are cut into tokens, see `textrnn.text.words.script_of`.
        kinds: the n-grams.
        keys: uint64[features], sorted.
        weighting: `ltc` or `bnn`.
        scales: float32[features], how much each matters, such as inverse document frequencies.
    """

    script: str
    kinds: tuple[NgramKind, ...]
    weighting: str
    keys: Keys
    scales: NDArray[np.float32]

    def with_weights(self, weights: NDArray[np.float32], bias: NDArray[np.float64]) -> LinearModel:
        """A model of these features."""
        return LinearModel(self.script, self.kinds, self.weighting, self.keys, self.scales, weights, bias)

    @functools.cached_property
    def _table(self) -> KeyTable:
        return KeyTable.of(self.keys)

    @functools.cached_property
    def _kind_of(self) -> Positions:
        """The number of the kind of each key, int64[features]."""
        number = np.zeros(len(UNITS) + 1, np.int64)
        number[[UNITS.index(kind.unit) for kind in self.kinds]] = np.arange(len(self.kinds))
        found: Positions = number[(self.keys >> np.uint64(KEY_BITS)).astype(np.int64)]
        return found

    def values(self, texts: Sequence[str]) -> tuple[Positions, Positions, Floats]:
        """The features of some hundred texts that are not 0.

        With `ltc` they are (1 + ln count) x scale, each kind brought to length 1. With `bnn` they are the scale.

        Returns:
            in order of rows, then of features: the number of the text, int64[entries]; that of the feature,
            int64[entries]; and the value, float64[entries].

        Reference:
            Manning, Raghavan and Schuetze, 2008, Introduction to Information Retrieval, section 6.4 (ltc).
        """
        width, parts = max(1, len(self.keys)), []
        for found in ngrams(texts, self.kinds, self.script):
            at, features = self._table.find(found.keys)
            parts.append(found.rows.take(at) * width + features)
        cells = np.sort(np.concatenate(parts))
        starts = np.flatnonzero(np.append(True, cells[1:] != cells[:-1])) if len(cells) else cells
        first = cells.take(starts)
        rows = first // width
        features = first - rows * width  # np.divmod takes longer
        if self.weighting == BNN:
            return rows, features, self.scales.take(features).astype(np.float64)
        values = (1 + np.log(np.diff(np.append(starts, len(cells))))) * self.scales.take(features)
        groups = rows * len(self.kinds) + self._kind_of.take(features)
        lengths = np.sqrt(np.bincount(groups, values * values, len(texts) * len(self.kinds)))
        values /= lengths.take(groups)
        return rows, features, values


@dataclass(frozen=True)
class LinearModel(NgramFeatures):
    """Scores texts: for each class a weighted sum of the features of a text.

    Attributes:
        weights: float32[features, classes].
        bias: float64[classes].

    Example:
        >>> good, bad = (ngrams([word], [NgramKind("words")], "spaced")[0].keys[0] for word in ("good", "bad"))
        >>> order = np.argsort([good, bad])
        >>> weights = np.array([[-1, 1], [2, -2]], np.float32)[order]
        >>> model = LinearModel("spaced", (NgramKind("words"),), LTC, np.array([good, bad])[order],
        ...     np.ones(2, np.float32), weights, np.array([0.5, 0]))
        >>> model.logits(["good", "bad, bad", "neither", "good or bad"]).round(3).tolist()
        [[-0.5, 1.0], [2.5, -2.0], [0.5, 0.0], [1.207, -0.707]]
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float64]

    def logits(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """The score of each class: softmax gives probabilities.

        Args:
            texts: any strings.

        Returns:
            float64[rows, classes]; a text without any known n-gram gets the bias.
        """
        found = [np.empty((0, len(self.bias)))]
        for batch in batches(texts):
            rows, features, values = self.values(texts[batch])
            size = batch.stop - batch.start
            columns = [np.bincount(rows, values * column.take(features), size) for column in self.weights.T]
            found.append(np.stack(columns, 1) + self.bias)
        return np.concatenate(found)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name, for a safetensors file."""
        return {PREFIX + name: getattr(self, name) for name in ARRAYS}

    def to_json(self) -> dict[str, Any]:
        """What the arrays do not say, for `run.json`."""
        kinds = [dataclasses.asdict(kind) for kind in self.kinds]
        return {"script": self.script, "kinds": kinds, "weighting": self.weighting}

    @classmethod
    def load(cls, arrays: Mapping[str, NDArray[Any]], settings: Any) -> LinearModel:
        """The inverse of `to_arrays` and `to_json`.

        Args:
            arrays: may hold others.
            settings: from JSON.

        Raises:
            RunError: something is missing, of another shape or type, or out of range.
        """
        try:
            kinds = tuple(NgramKind(**kind) for kind in settings["kinds"])
            parts = [arrays[PREFIX + name] for name in ARRAYS]
            model = cls(settings["script"], kinds, settings.get("weighting", LTC), *parts)
        except (KeyError, TypeError) as error:
            raise RunError(f"the linear model is damaged: {error}; restore the run or train again") from None
        _check(model)
        return model


def _check(model: LinearModel) -> None:
    num_features, num_classes = len(model.keys), len(model.bias)
    for name, dtype, shape in (
        ("keys", np.uint64, (num_features,)),
        ("scales", np.float32, (num_features,)),
        ("weights", np.float32, (num_features, num_classes)),
        ("bias", np.float64, (num_classes,)),
    ):
        array = getattr(model, name)
        if array.dtype != dtype or array.shape != shape:
            raise _damaged(f"{name} is {array.dtype}{list(array.shape)}, expected {np.dtype(dtype)}{list(shape)}")
        if dtype != np.uint64 and not np.isfinite(array).all():
            raise _damaged(f"{name} has values that are not finite")
    if num_features > 1 and not (model.keys[1:] > model.keys[:-1]).all():
        raise _damaged("keys are not in order")
    if (model.scales <= 0).any():
        raise _damaged("scales are not positive")
    if model.weighting not in (LTC, BNN):
        raise _damaged(f"the weighting is {model.weighting!r:.60}, expected {LTC} or {BNN}")
    if model.script not in SCRIPTS:
        raise _damaged(f"the script is {model.script!r:.60}, expected {' or '.join(SCRIPTS)}")
    units = [kind.unit for kind in model.kinds]
    if not units or len(set(units)) < len(units) or not set(units) <= set(UNITS):
        raise _damaged(f"the kinds of n-grams are {units!r:.60}, expected some of {', '.join(UNITS)}, each once")
    for kind in model.kinds:
        sizes = (kind.low, kind.high)
        if not all(type(size) is int for size in sizes) or not 1 <= kind.low <= kind.high <= LONGEST_NGRAM:
            raise _damaged(f"n-grams of {kind.unit} from {kind.low!r:.20} to {kind.high!r:.20} units")


def _damaged(what: str) -> RunError:
    return RunError(f"the linear model is damaged: {what}; restore the run or train again")
