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
SMALLEST = 1e-9
# Two characters are joined to one word if the weight of both together is more than MORE_TOGETHER times the sum of their
# own weights (then each has little weight without the other), or if the share of each in it is from LEAST_PART to
# MOST_PART (above 1: without it the other one means the contrary, as "bad" does without the "not" of "not bad").
MORE_TOGETHER, LEAST_PART, MOST_PART = 1.25, 0.25, 2.0

Probabilities = Callable[[Sequence[str]], np.ndarray]


class Word(NamedTuple):
    """A word, a character or two of them side by side.

    Attributes:
        begin: its first character in the text.
        end: behind its last one.
        weight: by how much the log-odds of the predicted class, in nats, are higher with it than without it: above 0
            it speaks for the prediction, below 0 against it.
    """

    begin: int
    end: int
    weight: float


def explain(texts: Sequence[str], given: np.ndarray, probabilities: Probabilities) -> list[list[Word]]:
    """Measures what each word does to the prediction of a text.

    The weight of a word is how far the log-odds of the prediction fall when the word is taken out of the text and the
    same model predicts again; any model will do. In texts of more than WHOLE words only the words of the parts with the
    largest effects are measured, which bounds the cost of a long text.

    Args:
        texts: some of them.
        given: float[texts, classes], the model's probabilities for them.
        probabilities: the model: texts in, float[texts, classes] out.

    Returns:
        for each text its measured words, in order; a word that is not among them counts as weight 0.

    Reference:
        J. Li, W. Monroe and D. Jurafsky, 2016, Understanding neural networks through representation erasure.

    Example:
        >>> def model(texts):
        ...     logits = np.array([2.0 * ("good" in text) - 1.5 * ("slow" in text) for text in texts])
        ...     return np.stack([1 / (1 + np.exp(logits)), 1 / (1 + np.exp(-logits))], 1)
        >>> text = "good, if slow"
        >>> [(text[word.begin : word.end], round(word.weight, 2)) for word in explain([text], model([text]), model)[0]]
        [('good', 2.0), (',', 0.0), ('if', 0.0), ('slow', -1.5)]
    """
    chosen = given.argmax(1)
    before = log_odds(given, chosen)
    found: list[list[Word]] = [[] for _ in texts]
    searches = {row: _search(text) for row, text in enumerate(texts)}
    wanted: dict[int, list[Span]] = {row: next(search) for row, search in searches.items()}
    while wanted:
        asked = [(row, span) for row, spans in wanted.items() for span in spans]
        rows = np.array([row for row, _ in asked], np.int64)
        after = _log_odds_without(texts, asked, chosen[rows], probabilities)
        effects = iter((before[rows] - after).tolist())
        following = {}
        for row, spans in wanted.items():
            try:
                following[row] = searches[row].send([next(effects) for _ in spans])
            except StopIteration as ended:
                found[row] = ended.value
        wanted = following
    return found


def log_odds(probabilities: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """ln(p / (1 - p)) of one class of each row, float64[rows].

    Args:
        probabilities: float[rows, classes].
        chosen: int[rows], the classes.

    Example:
        >>> log_odds(np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([1, 0])).round(3).tolist()
        [1.386, 0.0]
    """
    probabilities = np.asarray(probabilities, np.float64)
    own = probabilities[np.arange(len(chosen)), chosen]
    others = probabilities.copy()  # 1 - p would lose what is left of a p near 1
    others[np.arange(len(chosen)), chosen] = 0
    found: np.ndarray = np.log(np.maximum(own, SMALLEST)) - np.log(np.maximum(others.sum(1), SMALLEST))
    return found


def _log_odds_without(
    texts: Sequence[str], asked: Sequence[tuple[int, Span]], chosen: np.ndarray, probabilities: Probabilities
) -> np.ndarray:
    """The log-odds of the chosen classes when spans are taken out, float64[asked]."""
    parts = [np.zeros(0)]
    for batch in _batches(len(texts[row]) for row, _ in asked):
        changed = [without(texts[row], span) for row, span in asked[batch]]
        parts.append(log_odds(probabilities(changed), chosen[batch]))
    return np.concatenate(parts)


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
