"""Beam search against all texts of a tiny vocabulary, and against taking the best token each time."""

import itertools

import numpy as np
import pytest

from textrnn.translator.beam import Found, beam_search

VOCAB, END, LONGEST = 4, 3, 4


def random_step(seed, num):
    """A fake network whose logits depend on all tokens so far: its state is their number in base VOCAB."""

    def step(ids, state, sources):
        number = state[0][0] * VOCAB + ids
        rows = len(ids) // len(sources)
        logits = [
            np.random.default_rng((seed, int(source), int(one))).normal(0, 1.5, VOCAB)
            for source, one in zip(np.repeat(sources, rows), number, strict=True)
        ]
        return np.array(logits, np.float32), [number[None]]

    return step, [np.ones((1, num), np.int64)]


def all_texts(step, source):
    """Each text of at most LONGEST tokens that comes to its end, with its log-probability."""
    found = []
    for length in range(LONGEST + 1):
        for tokens in itertools.product([t for t in range(VOCAB) if t != END], repeat=length):
            if length == LONGEST:
                continue  # its end would be a token too many
            state, nats, last = [np.ones((1, 1), np.int64)], 0.0, END
            for token in (*tokens, END):
                logits, state = step(np.array([last]), state, np.array([source]))
                logits = logits[0].astype(np.float64)
                nats += logits[token] - np.log(np.exp(logits).sum())
                last = token
            found.append((tokens, nats))
    return found


@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0])
def test_wide_beam_finds_the_best_of_all_texts(penalty):
    step, state = random_step(5, 3)
    found = beam_search(step, state, end_id=END, longest=[LONGEST] * 3, beam=300, length_penalty=penalty)
    for source, one in enumerate(found):
        best = max(all_texts(step, source), key=lambda item: item[1] / (len(item[0]) + 1) ** penalty)
        assert tuple(one.ids) == best[0]
        assert one.log_prob == pytest.approx(best[1], abs=1e-4) and one.is_whole


@pytest.mark.parametrize("seed", range(6))
def test_beam_of_one_takes_the_best_token_each_time(seed):
    step, state = random_step(seed, 1)
    tokens, last, now = [], END, state
    while len(tokens) < 9:
        logits, now = step(np.array([last]), now, np.array([0]))
        last = int(logits[0].argmax())
        if last == END:
            break
        tokens.append(last)
    (found,) = beam_search(step, state, end_id=END, longest=[9], beam=1)
    assert found.ids.tolist() == tokens and found.is_whole == (last == END)


@pytest.mark.parametrize("beam", [1, 2, 3])
def test_sources_side_by_side_are_as_each_alone(beam):
    step, state = random_step(7, 4)
    longest = [1, 5, 3, 6]
    together = beam_search(step, state, end_id=END, longest=longest, beam=beam)
    for source in range(4):
        alone_step = lambda ids, state, sources, source=source: step(ids, state, sources + source)  # noqa: E731
        (alone,) = beam_search(alone_step, [state[0][:, :1]], end_id=END, longest=[longest[source]], beam=beam)
        assert alone.ids.tolist() == together[source].ids.tolist()
        assert alone.log_prob == pytest.approx(together[source].log_prob)


def test_barred_tokens_are_never_written_and_long_texts_are_cut():
    logits = np.array([[9.0, 8.0, 1.0, -np.inf]], np.float32)

    def step(ids, state, sources):
        return np.repeat(logits, len(ids), 0), state

    (found,) = beam_search(step, [], end_id=END, longest=[5], beam=2, barred=(0, 1))
    assert found.ids.tolist() == [2] * 5 and not found.is_whole


def test_score_divides_by_the_length_with_the_end():
    assert Found(np.array([1, 2]), -6.0).score(1.0) == -2.0
    assert Found(np.array([1, 2]), -6.0, is_whole=False).score(1.0) == -3.0
    assert Found(np.array([1, 2]), -6.0).score(0.0) == -6.0
