"""How much each file of a corpus counts in learning (`train --weight`).

A file of weight w is learnt from as if it stood in the corpus w times: the loss of each of its tokens is multiplied by
w. Reading it w times would come to the same for whole numbers alone, make each epoch longer, and give the counts their
own text to read; a factor costs nothing, takes fractions, and leaves batches, positions and carried states what they
are, so that resuming and several workers know nothing of it. All weights are divided by their mean over the tokens of
the training part: gradients keep their size, and the learning rate its meaning.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, DataError
from textrnn.text.files import STANDARD_INPUT
from textrnn.text.reader import Source

MOST_LISTED = 20


@dataclass(frozen=True)
class FileWeights:
    """The weights of the files of a training part; no two files begin at the same token.

    Attributes:
        ends: int64[files], tokens up to the end of each file.
        weights: float64[files], as they were given.

    Example:
        >>> files = FileWeights(np.array([6, 8]), np.array([1.0, 5.0]))
        >>> files.at(np.array([5, 6])).tolist(), files.shares.tolist()
        ([0.5, 2.5], [0.375, 0.625])
    """

    ends: np.ndarray
    weights: np.ndarray

    @classmethod
    def from_json(cls, files: Sequence[Mapping[str, Any]], num_tokens: int) -> FileWeights | None:
        """Those of the files in `run.json`; None if all count alike.

        Args:
            files: what `add_weights` has made of them, or others.
            num_tokens: of the training part.

        Raises:
            KeyError, TypeError, ValueError: they are something else.
        """
        known = [file for file in files if "weight" in file and file["tokens"][0] != file["tokens"][1]]
        if len({file["weight"] for file in known}) < 2:
            return None
        begins, ends = ([int(file["tokens"][end]) for file in known] for end in (0, 1))
        weights = np.array([float(file["weight"]) for file in known])
        is_whole = [*begins, num_tokens] == [0, *ends] and ends == sorted(ends)
        if not (is_whole and np.isfinite(weights).all() and weights.min() > 0):
            raise ValueError("weights of files")
        return cls(np.array(ends), weights)

    @property
    def lengths(self) -> np.ndarray:
        """int64[files], tokens of each file."""
        return np.diff(self.ends, prepend=0)

    @property
    def shares(self) -> np.ndarray:
        """float64[files], the share of each file in what is learnt."""
        weighted = self.weights * self.lengths
        return np.asarray(weighted / weighted.sum())

    def at(self, places: np.ndarray) -> np.ndarray:
        """What the loss of tokens is multiplied by: float32 of the shape of their places, of mean 1 over all tokens."""
        mean = np.average(self.weights, weights=self.lengths)
        found: np.ndarray = (self.weights / mean).astype(np.float32)[self._numbers(places)]
        return found

    def spans(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The first token and the number of tokens of the file that each place is in, int64 of its shape."""
        numbers = self._numbers(places)
        return (self.ends - self.lengths)[numbers], self.lengths[numbers]

    def _numbers(self, places: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.ends, places, side="right")


def weights_of(given: Mapping[str, float], sources: Sequence[Source]) -> list[float]:
    """The weight of each file of a corpus, 1 where nothing is said.

    Args:
        given: weights by the file's name as the command names it, or without its folder where that is enough.
        sources: the files.

    Raises:
        ConfigError: a name is that of no file, or of several, or a file is named twice.
    """
    weights: dict[int, float] = {}
    for name, weight in given.items():
        places = [place for place, source in enumerate(sources) if os.path.normpath(name) == _typed(source)]
        places = places or [place for place, source in enumerate(sources) if name == source.name]
        if len(places) != 1:
            listed = ", ".join(map(_typed, sources[:MOST_LISTED])) + ", ..." * (len(sources) > MOST_LISTED)
            problem = f"there are {len(places)} files of that name" if places else "there is no such file"
            raise ConfigError(f"--weight names {name!r:.80}, and {problem} in the corpus: it has {listed}")
        if places[0] in weights:
            raise ConfigError(f"--weight names {_typed(sources[places[0]])} twice: give each file one weight")
        weights[places[0]] = float(weight)
    return [weights.get(place, 1.0) for place in range(len(sources))]


def _typed(source: Source) -> str:
    """A file as the command names it."""
    return STANDARD_INPUT if source.name == "standard input" else os.path.normpath(source.path)


def add_weights(files: Sequence[dict[str, Any]], weights: Sequence[float], ends: Sequence[int]) -> str:
    """Adds to the files of `run.json` their weights, and the ranges of their tokens in the training part.

    Args:
        files: what `run.json` says of each.
        weights: of each.
        ends: tokens of the training part up to the end of each.

    Returns:
        what the share of each is, in a line.

    Raises:
        DataError: all of a file with a weight is held out.
    """
    for file, weight, begin, end in zip(files, weights, (0, *ends), ends, strict=False):
        file.update(weight=weight, tokens=[begin, end])
        if begin == end and weight != 1:
            raise DataError(
                f"all of {file['name']} is held out, at the end of the corpus, and --weight is for what is learnt: "
                "name another file last, or one to validate on with --validation-file"
            )
    whole = FileWeights(np.array(ends), np.array(weights))
    rows = zip(files, weights, 100 * whole.lengths / whole.lengths.sum(), 100 * whole.shares, strict=True)
    listed = [
        f"{file['name']} {share:.1f} %" + f" (weight {weight:g}, {size:.1f} % of the text)" * (weight != 1)
        for file, weight, size, share in rows
        if weight != 1 or len(files) <= MOST_LISTED
    ]
    return f"shares of what is learnt: {', '.join(listed)}"
