"""Whether new texts are of the kind that a classifier learnt from: their words, their script and their length.

What is usual is measured on rows that were held out: a text of the same kind, too, has words that were never seen.
"""

from __future__ import annotations

import functools
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from textrnn.text.words import NO_BLANKS, fold

ENOUGH_TEXTS, FURTHER = 2_000, 16  # so many texts are measured, and then one of so many
BITS_PER_ITEM, MOST_BITS = 16, 1 << 24
READ_CHARS = 20_000  # of a text
# From here on texts are unlike: unknown words this many times as often as usual, and this much more, beside what
# chance does to the mean of a few texts. A set's own test rows have at most 1.0 times as many as its held-out rows;
# tweets for a model of film reviews 3.5 times, hotel reviews for one of meals 3.3 times (eight public sets).
UNKNOWN_FACTOR, UNKNOWN_MORE, UNKNOWN_ERRORS, MOST_UNKNOWN = 1.5, 0.02, 3.0, 0.95
LENGTH_FACTOR = 4.0  # of the median length, if it is also beyond that of nearly all texts
FOREIGN = 0.3  # share of letters in scripts that nearly no letter was in
RARE_SCRIPT = 0.02
OTHER_LANGUAGE = 0.5  # share of unknown words from which on that is asked
ARRAY, TEXTS_ARRAY = "likeness/words", "likeness/texts"
MANY_LEARNT = 0.1  # of the texts that a result is of: it tells less of others than it seems to
_RUN, _WORD = re.compile(f"[{NO_BLANKS}]+"), re.compile(rf"[^\W\d_{NO_BLANKS}]+")
_SCRIPTS = {"CJK": "Chinese", "HIRAGANA": "kana", "KATAKANA": "kana"}


def words_and_pairs(text: str) -> list[str]:
    """The words of a text, and of what is written without blanks the pairs of characters.

    Example:
        >>> words_and_pairs("Don't! 很好吃 2x")
        ['don', 't', 'x', '很好', '好吃']
    """
    folded = fold(text[:READ_CHARS])
    found = _WORD.findall(folded)
    for run in _RUN.findall(folded):
        found += [run[at : at + 2] for at in range(max(1, len(run) - 1))]
    return found


@functools.lru_cache(1 << 16)
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "UNKNOWN").split(maxsplit=1)[0].removesuffix("-")
    return _SCRIPTS.get(name, name.capitalize())


@dataclass
class Measured:
    """What some texts are like.

    Attributes:
        unknown: of each text the share of its words that are not known.
        lengths: of each text how many words it has.
        scripts: how many letters are of each script.
    """

    unknown: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    scripts: Counter[str] = field(default_factory=Counter)

    def add(self, text: str, known: Any) -> None:
        """Measures one more text; `known` is a set of words, or anything that has `in`."""
        words = words_and_pairs(text)
        if not words:
            return
        self.unknown.append(sum(word not in known for word in words) / len(words))
        self.lengths.append(len(words))
        self.scripts.update(_script(letter) for letter in "".join(words))

    @property
    def script_shares(self) -> dict[str, float]:
        """Of each script the share of all letters."""
        total = max(1, self.scripts.total())
        return {name: count / total for name, count in self.scripts.most_common()}


@dataclass(frozen=True)
class Hashed:
    """Words, or texts, as bits at the places of their hashes: some that are not among them seem to be.

    Attributes:
        bits: uint8[bits / 8].
    """

    bits: np.ndarray

    @classmethod
    def of(cls, items: Iterable[str]) -> Hashed:
        """The set of some distinct words or texts."""
        codes = np.array([_code(item) for item in items], np.int64)
        size = min(MOST_BITS, 1 << max(10, (BITS_PER_ITEM * len(codes)).bit_length()))
        flags = np.zeros(size, bool)
        flags[codes % size] = True
        return cls(np.packbits(flags))

    @property
    def share(self) -> float:
        """Of what is not among them, how much seems to be."""
        return float(np.unpackbits(self.bits).mean())

    def __contains__(self, item: str) -> bool:
        at = _code(item) % (8 * len(self.bits))
        return bool(self.bits[at >> 3] >> (7 - (at & 7)) & 1)


def _code(item: str) -> int:
    return zlib.crc32(item.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class Likeness:
    """What texts are usually like, measured on rows that were not learnt from.

    Attributes:
        known: words of all rows that were learnt from.
        texts: of all these rows; None in older runs.
        unknown: mean and standard deviation of the share of unknown words.
        lengths: 5 %, 50 % and 95 % of the texts have fewer words.
        scripts: share of letters by script.
    """

    known: Hashed
    unknown: tuple[float, float]
    lengths: tuple[float, float, float]
    scripts: Mapping[str, float]
    texts: Hashed | None = None

    def to_json(self) -> dict[str, Any]:
        """For `run.json`; the words and the texts are arrays of their own."""
        return dict(unknown=list(self.unknown), lengths=list(self.lengths), scripts=dict(self.scripts))

    @classmethod
    def from_json(cls, values: Any, words: np.ndarray, texts: np.ndarray | None) -> Likeness:
        """The inverse of `to_json`, with the bits of words and texts.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        unknown, lengths = [float(one) for one in values["unknown"]], [float(one) for one in values["lengths"]]
        scripts = {str(name): float(share) for name, share in values["scripts"].items()}
        (mean, deviation), (low, middle, high) = unknown, lengths
        for bits in (words, *([] if texts is None else [texts])):
            if bits.dtype != np.uint8 or bits.ndim != 1 or not bits.size:
                raise ValueError(f"known words are {bits.dtype}{list(bits.shape)}, expected uint8[any]")
        known = None if texts is None else Hashed(texts)
        return cls(Hashed(words), (mean, deviation), (low, middle, high), scripts, known)

    def learnt_share(self, num_known: int, num_texts: int) -> float:
        """The share of some texts that were learnt from, from 0 to 1, by how many of them seem to be: an estimate."""
        by_chance = 1.0 if self.texts is None else self.texts.share
        return max(0.0, (num_known / num_texts - by_chance) / (1 - by_chance)) if num_texts and by_chance < 1 else 0.0

    def remark(self, found: Measured) -> str | None:
        """What is unusual about some texts, in one line; None if nothing is."""
        if not found.unknown:
            return None
        parts = [*self._words(found), *self._scripts(found), *self._length(found)]
        return f"these texts look unlike those it learnt from: {'; '.join(parts)}" if parts else None

    def _words(self, found: Measured) -> list[str]:
        mean, deviation = self.unknown
        limit = UNKNOWN_FACTOR * mean + UNKNOWN_MORE + UNKNOWN_ERRORS * deviation / len(found.unknown) ** 0.5
        share = float(np.mean(found.unknown))
        if share <= min(limit, MOST_UNKNOWN):
            return []
        what = "pairs of characters" if _is_unspaced(found.script_shares) else "words"
        other = ", as if in another language" if share >= OTHER_LANGUAGE else ""
        return [f"{share:.0%} of their {what} are unknown to it, where {mean:.0%} are usual{other}"]

    def _scripts(self, found: Measured) -> list[str]:
        foreign = {
            name: share for name, share in found.script_shares.items() if self.scripts.get(name, 0.0) < RARE_SCRIPT
        }
        if sum(foreign.values()) <= FOREIGN:
            return []
        name = max(foreign, key=lambda script: foreign[script])
        return [f"{foreign[name]:.0%} of their letters are {name}, and hardly any of those were"]

    def _length(self, found: Measured) -> list[str]:
        low, usual, high = self.lengths
        length = float(np.median(found.lengths))
        is_long = length > LENGTH_FACTOR * usual and length > high
        if is_long or (length * LENGTH_FACTOR < usual and length < low):
            what = "characters" if _is_unspaced(found.script_shares) else "words"
            return [f"they have about {length:,.0f} {what} each, where {usual:,.0f} are usual"]
        return []


def _is_unspaced(shares: Mapping[str, float]) -> bool:
    return sum(shares.get(name, 0.0) for name in ("Chinese", "kana")) > 0.5


def measure_likeness(parts: Sequence[tuple[Sequence[str], Sequence[str]]], texts: Sequence[str]) -> Likeness | None:
    """Measures what is usual.

    Args:
        parts: texts that were learnt from, and others that were not; as many parts are read as are needed.
        texts: all that the classifier has learnt from.

    Returns:
        the measures; None if no text has a word.
    """
    found = Measured()
    for learnt, held in parts:
        known = _all_words(learnt)
        for text in held[: ENOUGH_TEXTS - len(found.unknown)]:
            found.add(text, known)
        if len(found.unknown) >= ENOUGH_TEXTS:
            break
    if not found.unknown:
        return None
    low, middle, high = np.quantile(found.lengths, (0.05, 0.5, 0.95)).tolist()
    unknown = float(np.mean(found.unknown)), float(np.std(found.unknown))
    seen = Hashed.of({text.strip() for text in texts})
    return Likeness(Hashed.of(_all_words(texts)), unknown, (low, middle, high), found.script_shares, seen)


def _all_words(texts: Sequence[str]) -> set[str]:
    known = set[str]()
    for text in texts:
        known.update(words_and_pairs(text))
    return known


@dataclass
class Watch:
    """Measures texts as they come by, and says at the end what is unusual about them.

    Args:
        likeness: what is usual; None if that is not known, as of older runs.
    """

    likeness: Likeness | None
    seen: int = 0
    found: Measured = field(default_factory=Measured)
    num_labelled: int = 0
    num_learnt: int = 0

    def add(self, text: str) -> None:
        """Looks at one more text."""
        self.seen += 1
        if self.likeness is not None and (self.seen <= ENOUGH_TEXTS or self.seen % FURTHER == 0):
            self.found.add(text, self.likeness.known)

    def add_labelled(self, text: str) -> None:
        """Looks whether a text with a label, which says how good the classifier is, was learnt from."""
        if self.likeness is not None and self.likeness.texts is not None:
            self.num_labelled += 1
            self.num_learnt += text.strip() in self.likeness.texts

    def learnt_line(self) -> str | None:
        """That many of the texts with a label were learnt from; None if few were."""
        share = 0.0 if self.likeness is None else self.likeness.learnt_share(self.num_learnt, self.num_labelled)
        if share < MANY_LEARNT:
            return None
        return (
            f"about {share:.0%} of the {self.num_labelled:,} rows with a label have a text that it has learnt from: "
            "others are right less often ('textrnn info' says how often)"
        )

    def remark(self) -> str | None:
        """See `Likeness.remark`."""
        return None if self.likeness is None else self.likeness.remark(self.found)
