"""Which words a prediction comes from: how it changes when they are taken out of the text."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from textrnn.classifier.spans import Span, is_lone_letter, pieces, without

# Of a text of at most WHOLE pieces each piece is taken out. A longer text is cut into FIRST_PARTS parts; those with the
# largest effects are cut into FINER_PARTS finer ones, again and again.
WHOLE, FIRST_PARTS, FINER_PARTS, FEWEST_KEPT = 64, 32, 8, 8
MOST_PAIRS = 24  # of characters side by side that are taken out together
# Characters of changed texts that are in memory at a time.
CHARS_AT_A_TIME = 1 << 20
# Two characters are joined to one word if the weight of both together is more than MORE_TOGETHER times the sum of their
# own weights (then each has little weight without the other), or if the share of each in it is from LEAST_PART to
# MOST_PART (above 1: without it the other one means the contrary, as "bad" does without the "not" of "not bad").
MORE_TOGETHER, LEAST_PART, MOST_PART = 1.25, 0.25, 2.0

Model = Callable[[Sequence[str]], np.ndarray]  # texts in, float[texts, width] out
Scores = Callable[[np.ndarray, int], np.ndarray]  # predictions and a column of them in, float64[rows] out


class Word(NamedTuple):
    """A word, a character or two of them side by side.

    Attributes:
        begin: its first character in the text.
        end: behind its last one.
        weight: by how much the score of what is explained is higher with it than without it: above 0 it speaks for
            it, below 0 against it. Of a label the score is its log-odds in nats, of a number the number.
    """

    begin: int
    end: int
    weight: float


def explain(
    texts: Sequence[str], given: np.ndarray, columns: Sequence[Sequence[int]], *, model: Model, scores: Scores
) -> list[list[list[Word]]]:
    """Measures what each word does to what is predicted of a text.

    The weight of a word is how far the score falls when the word is taken out of the text and the same model predicts
    again; any model will do. In texts of more than WHOLE words only the words of the parts with the largest effects are
    measured, which bounds the cost of a long text.

    Args:
        texts: some of them.
        given: float[texts, width], what the model predicts of them.
        columns: those that are explained of each text.
        model: predicts.
        scores: see `textrnn.classifier.label_kind.LabelKind.scores`.

    Returns:
        for each text, and each of its columns, the measured words, in order; a word that is not among them counts as
        weight 0.

    Reference:
        J. Li, W. Monroe and D. Jurafsky, 2016, Understanding neural networks through representation erasure.

    Example:
        >>> def model(texts):
        ...     return np.array([[2.0 * ("good" in text) - 1.5 * ("slow" in text)] for text in texts])
        >>> text = "good, if slow"
        >>> found = explain([text], model([text]), [[0]], model=model, scores=lambda said, column: said[:, column])
        >>> [(text[word.begin : word.end], word.weight) for word in found[0][0]]
        [('good', 2.0), (',', 0.0), ('if', 0.0), ('slow', -1.5)]
    """
    searches = {(row, column): _search(texts[row]) for row, own in enumerate(columns) for column in own}
    before = {(row, column): scores(given[row : row + 1], column)[0] for row, column in searches}
    wanted: dict[tuple[int, int], list[Span]] = {key: next(search) for key, search in searches.items()}
    found = dict[tuple[int, int], list[Word]]()
    while wanted:
        asked = list(dict.fromkeys((row, span) for (row, _), spans in wanted.items() for span in spans))
        place = {one: number for number, one in enumerate(asked)}
        after = np.concatenate([given[:0], *_without(texts, asked, model)])
        following = {}
        for (row, column), spans in wanted.items():
            left = after[[place[row, span] for span in spans]] if spans else given[:0]
            try:
                following[row, column] = searches[row, column].send(
                    (before[row, column] - scores(left, column)).tolist()
                )
            except StopIteration as ended:
                found[row, column] = ended.value
        wanted = following
    return [[found[row, column] for column in own] for row, own in enumerate(columns)]


def _without(texts: Sequence[str], asked: Sequence[tuple[int, Span]], model: Model) -> Iterator[np.ndarray]:
    """What is predicted of texts out of which spans are taken, some at a time."""
    for batch in _batches(len(texts[row]) for row, _ in asked):
        yield model([without(texts[row], span) for row, span in asked[batch]])


def _batches(sizes: Iterable[int]) -> Iterator[slice]:
    begin = end = total = 0
    for size in sizes:
        if end > begin and total + size > CHARS_AT_A_TIME:
            yield slice(begin, end)
            begin, total = end, 0
        end, total = end + 1, total + size
    if end > begin:
        yield slice(begin, end)


def _search(text: str) -> Generator[list[Span], list[float], list[Word]]:
    """Asks for the effects of spans of a text, from coarse to fine, until words have them."""
    places = pieces(text)

    def spans(parts: Iterable[Span]) -> list[Span]:
        return [(places[begin][0], places[end - 1][1]) for begin, end in parts]

    parts = _parts((0, len(places)), len(places) if len(places) <= WHOLE else FIRST_PARTS)
    while True:
        effects = yield spans(parts)
        size = max((end - begin for begin, end in parts), default=1)
        if size == 1:
            break
        order = sorted(range(len(parts)), key=lambda k: -abs(effects[k]))
        kept = sorted(order[: max(FEWEST_KEPT, WHOLE // size)])
        parts = [part for k in kept for part in _parts(parts[k], FINER_PARTS)]
    words = [Word(*span, effect) for span, effect in zip(spans(parts), effects, strict=True)]
    pairs = _pairs(text, words)
    if not pairs:
        return words
    effects = yield [(words[k].begin, words[k + 1].end) for k in pairs]
    return _joined(words, dict(zip(pairs, effects, strict=True)))


def _pairs(text: str, words: Sequence[Word]) -> list[int]:
    """Which characters may be a word with the next one: of all such pairs those that matter most."""
    found = [
        k
        for k, (word, following) in enumerate(itertools.pairwise(words))
        if word.end == following.begin and all(is_lone_letter(text, one[:2]) for one in (word, following))
    ]
    return sorted(found, key=lambda k: -abs(words[k].weight) - abs(words[k + 1].weight))[:MOST_PAIRS]


def _parts(span: Span, count: int) -> list[Span]:
    """A range cut into so many ranges of about equal size, none empty."""
    begin, size = span[0], span[1] - span[0]
    count = min(count, size)
    return [(begin + size * k // count, begin + size * (k + 1) // count) for k in range(count)]


def _joined(words: Sequence[Word], pairs: dict[int, float]) -> list[Word]:
    """Puts characters together that are a word, the heaviest first: what both do is measured, not added up.

    Args:
        words: characters, and words between them.
        pairs: the weight of a word and the next one together.
    """
    taken = dict[int, Word | None]()
    for k in sorted(pairs, key=lambda k: -abs(pairs[k])):
        if k not in taken and k + 1 not in taken and _belong(words[k].weight, words[k + 1].weight, pairs[k]):
            taken[k], taken[k + 1] = Word(words[k].begin, words[k + 1].end, pairs[k]), None
    return [found for k, word in enumerate(words) if (found := taken.get(k, word)) is not None]


def _belong(first: float, second: float, both: float) -> bool:
    """Whether two characters are one word, see MORE_TOGETHER."""
    if abs(both) > MORE_TOGETHER * (abs(first) + abs(second)):
        return True
    shares = [own / both if both else 0.0 for own in (first, second)]
    return min(shares) >= LEAST_PART and max(shares) <= MOST_PART
