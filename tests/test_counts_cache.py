"""A cache of the last tokens on top of the counts."""

import numpy as np
import pytest

from textrnn.base.errors import RunError
from textrnn.text.counts import cache as module
from textrnn.text.counts import last_tokens
from textrnn.text.counts.cache import Cache
from textrnn.text.counts.cache_window import Window

VOCAB, END = 7, 6
STRENGTHS, OTHERS = (4.0, 1.5, 0.5), (2.0, 9.0, 0.2)


def slow(cache, text, base, token):
    """The probability of a token after a text by the formulas, counting at each place that is remembered."""
    found = base
    for window in cache.windows:
        places = range(max(0, len(text) - window.size), len(text))
        for n, strength in enumerate(window.strengths, 1):
            context = text[len(text) - n :]
            followers = [text[place] for place in places if place >= n and text[place - n : place] == context]
            if n <= len(text):
                found = (followers.count(token) + strength * found) / (len(followers) + strength)
    return found


@pytest.fixture
def text(rng):
    """Of a few words, so that long contexts come again, in documents of different lengths."""
    words = [rng.integers(0, 5, size).tolist() for size in (1, 2, 4, 5)]
    tokens = []
    for _ in range(60):
        tokens += [*words[rng.integers(4)], *([END] if rng.random() < 0.1 else [])]
    return [END, *tokens]


@pytest.mark.parametrize("most_pairs", [0, 10_000])
@pytest.mark.parametrize("sizes", [(3,), (25, 6), (400, 30, 4)])
def test_the_step_is_the_formula(text, rng, monkeypatch, sizes, most_pairs):
    monkeypatch.setattr(last_tokens, "MOST_PAIRS", most_pairs)
    monkeypatch.setattr(last_tokens, "ROOM", 5)
    windows = [Window(size, strengths) for size, strengths in zip(sizes, (STRENGTHS, OTHERS, STRENGTHS), strict=False)]
    cache, base = Cache(VOCAB, tuple(windows)), rng.dirichlet(np.ones(VOCAB))
    remembered = cache.start(2)
    for place in range(len(text) - 40):
        rows = [text[: place + 1], text[40 : place + 41]]
        remembered = cache.advance(remembered, np.array([row[-1] for row in rows]))
        if place % 7:
            continue
        found = np.stack([cache.target_probabilities(remembered, np.full(2, w), base[[w, w]]) for w in range(VOCAB)], 1)
        expected = [[slow(cache, row, base[w], w) for w in range(VOCAB)] for row in rows]
        np.testing.assert_allclose(found, expected, rtol=1e-9)
        first = remembered[:, :1]
        alone = [cache.target_probabilities(first, np.array([w]), base[[w]]).item() for w in range(VOCAB)]
        np.testing.assert_allclose(alone, expected[0], rtol=1e-9)
        np.testing.assert_allclose(found.sum(1), 1, rtol=1e-9)


@pytest.mark.parametrize("end_id", [None, END])
@pytest.mark.parametrize("piece", [5, 1 << 16])
def test_a_whole_text_is_its_steps(text, rng, monkeypatch, end_id, piece):
    monkeypatch.setattr(module, "PIECE", piece)
    cache = Cache(VOCAB, (Window(30, STRENGTHS), Window(7, OTHERS)))
    base = rng.random(len(text)).astype(np.float32)
    found = cache.text_probabilities(np.array(text), base, end_id=end_id)
    begin = 0
    for place, token in enumerate(text):
        if place and text[place - 1] == end_id:
            begin = place - 1
        if token != end_id:  # what begins a document is not predicted
            assert found[place] == pytest.approx(slow(cache, text[begin:place], base[place], token), rel=1e-5), place


def test_texts_that_take_turns_are_not_mixed_up(text):
    """What was made last is kept to go on from quickly; who goes on from another state sees nothing of it."""
    cache = Cache(VOCAB, (Window(30, STRENGTHS), Window(4, OTHERS)))
    whole = [cache.filled(np.array([row])) for row in (text[:20], text[30:50])]
    lasting, read = whole[0].copy(), [text[:20], text[30:50]]
    for token in text[60:75]:
        for number, remembered in enumerate(whole):
            whole[number], read[number] = cache.advance(remembered, np.array([token])), [*read[number], token]
            found = cache.target_probabilities(whole[number], np.array([2]), np.array([0.1]))
            assert found.item() == pytest.approx(slow(cache, read[number], 0.1, 2), rel=1e-9)
    np.testing.assert_array_equal(cache.filled(np.array([text[:20]])), lasting)
    branches = [cache.advance(whole[0], np.array([token])) for token in (1, 2)]
    assert [branch[-1].item() for branch in branches] == [2, 3]


@pytest.mark.parametrize("size", [2, 30, 10_000])
def test_filled_is_what_reading_gives(text, size):
    cache = Cache(VOCAB, (Window(size, STRENGTHS),))
    remembered = cache.start(1)
    for token in text:
        remembered = cache.advance(remembered, np.array([token]))
    np.testing.assert_array_equal(cache.filled(np.array([text])), remembered)


def test_what_stands_before_a_shorter_text_counts_for_nothing(text):
    cache = Cache(VOCAB, (Window(30, STRENGTHS), Window(4, OTHERS)))
    short, long = text[:5], text[20:40]
    together = cache.filled(np.array([[-1] * 15 + short, long]))
    for token in text[5:25]:
        short, long = [*short, token], [*long, token]
        together = cache.advance(together, np.array([token, token]))
        found = cache.target_probabilities(together, np.array([2, 2]), np.array([0.1, 0.1]))
        np.testing.assert_allclose(found, [slow(cache, row, 0.1, 2) for row in (short, long)], rtol=1e-9)


def test_strengths_follow_the_text(rng):
    """Where words come again soon a cache is trusted, where nothing does it is not."""
    lively = np.concatenate([np.tile(rng.integers(0, 60, 12), 5) for _ in range(150)])
    dull = rng.integers(0, 60, len(lively))
    base = np.full(len(lively), 1 / 60, np.float32)
    loss = {}
    for name, ids in (("lively", lively), ("dull", dull)):
        cache = Cache.fitted(ids, base, 60)
        loss[name] = -np.log(cache.text_probabilities(ids, base)).mean()
        assert Cache.from_json(cache.to_json(), 60) == cache
    assert loss["lively"] < 0.5 * np.log(60) and loss["dull"] == pytest.approx(np.log(60), rel=0.02)


@pytest.mark.parametrize(
    "values",
    [
        3,
        {},
        [],
        [{"size": 0, "strengths": [1]}],
        [{"size": 9, "strengths": []}],
        [{"size": 9, "strengths": ["nan"]}],
        [{"size": 9, "strengths": [1]}, {"size": 9, "strengths": [1]}],
        [{"size": 9, "strengths": [1]}, {"size": 5, "strengths": [1, 2]}],
    ],
)
def test_a_cache_that_is_none_is_refused(values):
    with pytest.raises(RunError, match="the cache of the counts is"):
        Cache.from_json(values, 9)
