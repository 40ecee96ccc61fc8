"""How much of what a model writes stands word for word in the text that it learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from textrnn.text.hashes import Text, code_points, hashes, overlapping
from textrnn.text.words import UNSPACED, script_of

# Pieces of so many characters or more count as copied; a Chinese character says as much as two or three letters.
PIECE, UNSPACED_PIECE = 50, 20


@dataclass(frozen=True)
class Copies:
    """What is copied in some texts.

    Attributes:
        share: fraction of the characters that are covered by copied pieces of `piece` characters or more.
        longest: characters of the longest such piece; 0 if there is none.
        piece: see `share`.
        chars: characters of the texts.
    """

    share: float
    longest: int
    piece: int
    chars: int

    def to_json(self) -> dict[str, Any]:
        """As `run.json` has it."""
        return asdict(self)

    def in_words(self) -> str:
        """For a person.

        Example:
            >>> Copies(0.13, 73, 50, 2000).in_words(), Copies(0.0, 0, 20, 2000).in_words()
            ('13 % of 2,000 characters, in pieces of 50 or more; the longest has 73', 'nothing in pieces of 20 or more')
        """
        if not self.longest:
            return f"nothing in pieces of {self.piece} or more"
        share = f"{100 * self.share:.0f} %" if self.share >= 0.01 else "under 1 %"
        return (
            f"{share} of {self.chars:,} characters, in pieces of {self.piece} or more; the longest has {self.longest:,}"
        )


def copies(texts: Sequence[str], source: Text, *, piece: int | None = None) -> Copies:
    """Measures what some texts have copied from a source.

    Args:
        texts: what was written.
        source: gives the text that may have been copied, in pieces, each time from its beginning.
        piece: characters from which on a copy counts; None for `PIECE`, or `UNSPACED_PIECE` in scripts without blanks.

    Example:
        >>> copies(["the old mill", "x"], lambda: ["it was the o", "ld mill"], piece=5)
        Copies(share=0.9230769230769231, longest=12, piece=5, chars=13)
    """
    piece = piece or (UNSPACED_PIECE if script_of("".join(texts)) == UNSPACED else PIECE)
    points = [code_points(text) for text in texts]
    num_chars = sum(map(len, points))
    copied = [np.zeros(len(each), bool) for each in points]
    for marks, begins in zip(copied, _common(points, source, piece), strict=True):
        for begin in begins:
            marks[begin : begin + piece] = True
    share = sum(int(marks.sum()) for marks in copied) / max(1, num_chars)
    return Copies(share, _longest(points, source, piece) if share else 0, piece, num_chars)


def _longest(points: Sequence[np.ndarray], source: Text, shortest: int) -> int:
    """The length of the longest piece in common, by bisection; there is one of `shortest`."""
    low, high = shortest, max(map(len, points)) + 1
    while high - low > 1:
        middle = min(2 * low, (low + high) // 2)
        if any(len(begins) for begins in _common(points, source, middle)):
            low = middle
        else:
            high = middle
    return low


def _common(points: Sequence[np.ndarray], source: Text, length: int) -> list[np.ndarray]:
    """Where pieces of a length begin, in each text, that the source has as well."""
    own = [hashes(each, length) for each in points]
    wanted = np.unique(np.concatenate(own))
    if not len(wanted):
        return own
    found = np.zeros(len(wanted), bool)
    for part in overlapping(source(), length):
        its = hashes(part, length)
        places = np.minimum(np.searchsorted(wanted, its), len(wanted) - 1)
        found[places[wanted[places] == its]] = True
    there = wanted[found]
    return [np.flatnonzero(np.isin(each, there)) for each in own]
