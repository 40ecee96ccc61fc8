"""Word vectors as the start of an embedding; and words that are in no row, which their vectors make known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textrnn.base.errors import ConfigError, DataError, TokenizerError
from textrnn.classifier.vector_file import EXPECTED, Wanted, read_vectors, vectors_width
from textrnn.text.tokens.base import NUM_RESERVED, ranked
from textrnn.text.tokens.vocabulary import DEFAULT_SIZES, Vocabulary, count_tokens, frequent, split_text, suitable_level
from textrnn.text.words import script_of


@dataclass(frozen=True)
class StartVectors:
    """What an embedding starts with; the numbers of `learnt` have a standard deviation of 1.

    Attributes:
        ids: int64[words], tokens of the rows that have a vector.
        learnt: float32[words, width], their vectors.
        unseen: float32[more words, width], of the last tokens of the vocabulary, which are in no row.
    """

    ids: np.ndarray
    learnt: np.ndarray
    unseen: np.ndarray


def width_from_vectors(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a classifier in which the width of the embedding is that of the vectors, if there are any.

    Raises:
        ConfigError: another width was asked for.
        DataError: the file cannot be used.
    """
    path, embed = settings.get("vectors"), settings.get("embed")
    if path is None:
        return dict(settings)
    width = vectors_width(path)
    if embed is not None and embed != width:
        raise ConfigError(
            f"--embed is {embed!r:.60}, but the vectors of {path} have {width} numbers: leave out --embed"
        )
    return {**settings, "embed": width}


def vocabulary_with_vectors(
    texts: Sequence[str],
    path: str,
    *,
    level: str | None = None,
    max_size: int | None = None,
    min_count: int = 2,
    unicode: str = "NFC",
    interrupted: Callable[[], bool] = lambda: False,
) -> tuple[Vocabulary, StartVectors, str]:
    """Makes the vocabulary of some texts and a file of vectors.

    First come the tokens that are frequent in the texts, with a vector or without; then those that are rare there and
    have one; then, up to `max_size`, the first ones of the file, which are the most frequent ones elsewhere.

    Args:
        texts: all that will be learnt from.
        path: the file.
        level: `word` or `char`; None for what suits the script of the texts.
        max_size: largest number of tokens, the reserved ones included; None for the default of the level.
        min_count: in fewer texts than this, a token without a vector stays unknown.
        unicode: Unicode form of the texts.
        interrupted: whether to leave out the rest of the file.

    Returns:
        the vocabulary, the vectors, and in a line how many words have one.

    Raises:
        DataError: the file cannot be used, or has no word of the texts.
        TokenizerError: the texts have no token.
    """
    script = script_of(texts)
    level = level or suitable_level(script)
    counts = count_tokens(texts, level, script)
    room = (max_size or DEFAULT_SIZES[level]) - NUM_RESERVED
    known = frequent(counts, min_count)[:room]
    if not counts:
        raise TokenizerError(f"no {level} is in the texts: there is nothing to learn")
    wanted = Wanted(
        set(known), counts.keys(), room - len(known), lambda token: split_text(token, level, script) == [token]
    )
    found = read_vectors(path, wanted, unicode=unicode, interrupted=interrupted)
    learnt = known + _rare(found, known, counts)[: room - len(known)]
    more = [token for token in found if token not in counts][: room - len(learnt)]
    ids = [number for number, token in enumerate(learnt, NUM_RESERVED) if token in found]
    if not ids and not (known and interrupted()):
        raise DataError(
            f"{path} has vectors for none of the {len(counts):,} words of the texts ({_some(ranked(counts.items()))}), "
            f"but for {_some(list(found)) or 'others'}: expected vectors of the same language"
        )
    start = _scaled(path, ids, [found[token] for token in learnt if token in found], [found[token] for token in more])
    summary = (
        f"{path}: vectors of {start.learnt.shape[1]} numbers for {len(ids):,} of the {len(learnt):,} words of the rows "
        f"that are known; {len(more):,} more words are known by theirs"
    )
    return Vocabulary(learnt + more, level, script), start, summary


def _rare(found: Mapping[str, np.ndarray], known: Sequence[str], counts: Counter[str]) -> list[str]:
    frequent_ones = set(known)
    return ranked((token, counts[token]) for token in found if token in counts and token not in frequent_ones)


def _scaled(path: str, ids: list[int], learnt: list[np.ndarray], unseen: list[np.ndarray]) -> StartVectors:
    width = vectors_width(path) if not learnt else len(learnt[0])
    first = np.array(learnt, np.float32).reshape(-1, width)
    rest = np.array(unseen, np.float32).reshape(-1, width)
    spread = float(first.std(dtype=np.float64)) if learnt else 1.0
    if not spread > 0:
        raise DataError(f"{path} has the same number everywhere in the vectors of {len(ids):,} words: {EXPECTED}")
    return StartVectors(np.array(ids, np.int64), first / np.float32(spread), rest / np.float32(spread))


def _some(words: Sequence[str]) -> str:
    return ", ".join(f"{word!r:.30}" for word in words[:3])
