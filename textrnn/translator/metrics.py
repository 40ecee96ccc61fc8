"""How good translations are: exact matches, edit distances, BLEU and chrF; a source may have several references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from textrnn.text.words import UNSPACED, script_of
from textrnn.translator.tokens import units


def edit_distance(made: Sequence[str], right: Sequence[str]) -> int:
    """Fewest insertions, deletions and replacements that turn one sequence into another.

    Reference:
        Wagner and Fischer, 1974, The string-to-string correction problem.

    Example:
        >>> edit_distance("kitten", "sitting"), edit_distance("", "ab")
        (3, 2)
    """
    numbers = {token: number for number, token in enumerate(dict.fromkeys([*made, *right]))}
    other, places = np.array([numbers[token] for token in right], np.int64), np.arange(len(right) + 1)
    row = places.copy()
    for number, token in enumerate(made, 1):
        below = np.empty_like(row)
        below[0] = number
        below[1:] = np.minimum(row[:-1] + (other != numbers[token]), row[1:] + 1)
        row = np.minimum.accumulate(below - places) + places  # insertions, all at once
    return int(row[-1])


def nearest(made: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[int, Sequence[str]]:
    """The reference with the lowest error rate, with its edit distance; the first of equal ones.

    Example:
        >>> nearest("abc", ["x", "abd", "abcd"])
        (1, 'abcd')
    """
    if made in references:
        return 0, made
    distances = [edit_distance(made, right) for right in references]
    rates = [distance / max(1, len(right)) for distance, right in zip(distances, references, strict=True)]
    best = rates.index(min(rates))
    return distances[best], references[best]


def same_places(made: Sequence[str], right: Sequence[str]) -> float:
    """Share of places that have the right token, of as many as the longer of both has.

    Example:
        >>> same_places("ohlol", "ohlal"), same_places("ab", "abcd")
        (0.8, 0.5)
    """
    longer = max(len(made), len(right))
    return sum(a == b for a, b in zip(made, right, strict=False)) / longer if longer else 1.0


def measure(made: Sequence[str], references: Sequence[Sequence[str]], level: str) -> dict[str, Any]:
    """Measures translations.

    Args:
        made: the translation of each source.
        references: the right ones of each source, at least one.
        level: of the target's tokens, see `textrnn.translator.tokens.units`.

    Returns:
        `pairs` (sources), `exact_match` (share that equals a reference), `token_accuracy` (mean share of places with
        the right token), `char_error_rate` and `token_error_rate` (edits over length of the nearest references, summed
        over all sources).

    Example:
        >>> found = measure(["ab", "x"], [["ab"], ["xy", "zz"]], "char")
        >>> found["pairs"], found["exact_match"], found["token_accuracy"], found["char_error_rate"]
        (2, 0.5, 0.75, 0.25)
    """
    rates = {}
    for name, own in (("char", "char"), ("token", level)):
        edits = length = 0
        for text, right in zip(made, references, strict=True):
            distance, best = nearest(units(text, own), [units(one, own) for one in right])
            edits, length = edits + distance, length + len(best)
        rates[f"{name}_error_rate"] = edits / max(1, length)
    pairs = list(zip(made, references, strict=True))
    shares = [max(same_places(units(text, level), units(one, level)) for one in right) for text, right in pairs]
    return dict(
        pairs=len(made),
        exact_match=sum(text in right for text, right in pairs) / len(made),
        token_accuracy=float(np.mean(shares)),
        **rates,
        **bleu_and_chrf(made, references, level),
    )


def bleu_and_chrf(made: Sequence[str], references: Sequence[Sequence[str]], level: str) -> dict[str, Any]:
    """BLEU and chrF from 0 to 100, as sacrebleu computes them for a corpus.

    BLEU counts sequences of four tokens: where no reference has so many, there is none. Chinese is cut into characters,
    phonemes and tags at blanks, all else as sacrebleu does by default ("13a").

    Reference:
        Papineni et al., 2002, BLEU; Popovic, 2015, chrF; Post, 2018, A call for clarity in reporting BLEU scores.
    """
    from sacrebleu.metrics import BLEU, CHRF

    texts = [one for right in references for one in right]
    by = "none" if level == "token" else "zh" if script_of(texts) == UNSPACED else "13a"
    streams = [
        [right[number] if number < len(right) else None for right in references]
        for number in range(max(map(len, references)))
    ]
    bleu, chrf = BLEU(tokenize=by, effective_order=False), CHRF()
    has_four_grams = bleu.corpus_score(texts, [texts]).totals[-1] > 0
    return dict(
        bleu=bleu.corpus_score(list(made), streams).score if has_four_grams else None,
        chrf=chrf.corpus_score(list(made), streams).score,
        bleu_tokens=by,
    )
