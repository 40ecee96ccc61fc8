"""Counts of n-grams against numbers worked out by hand and a slow reference; saved and opened."""

import itertools
import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrnn.base.errors import RunError
from textrnn.base.files import map_weights, write_weights
from textrnn.text.counts.codes import CODE_NATS, CODE_PROBABILITIES, encode
from textrnn.text.counts.count import count
from textrnn.text.counts.kneser_ney import discounts
from textrnn.text.counts.model import NgramModel
from textrnn.text.counts.ngrams import orders_of

VOCAB = 5
TEXT = np.array([0, 1, 2, 0, 1, 3, 0, 1, 2, 4, 0, 1, 2, 0, 2, 2, 1, 0, 1, 2, 3, 3, 0, 1])
CODE_STEP = 0.08  # relative error of a probability that went through a code: half a step each way, down for a share


def slow_counts(texts, order):
    """Counts of all n-grams of an order in some texts."""
    return Counter(tuple(text[i : i + order]) for text in texts for i in range(len(text) - order + 1))


def slow_probability(texts, whole, context, token, order, top):
    """The formula of the module, from dictionaries: counts of `texts`, discounts of `whole`."""

    def counts_of(which):
        if order == top:
            return slow_counts(which, order)
        return Counter(gram[1:] for gram in slow_counts(which, order + 1))

    if order == 0:
        return 1 / VOCAB
    discount = discounts(np.array(list(counts_of(whole).values()) or [0]))
    continuations = {
        gram[-1]: c
        for gram, c in counts_of(texts).items()
        if gram[:-1] == tuple(context[-order + 1 :] if order > 1 else ())
    }
    below = slow_probability(texts, whole, context, token, order - 1, top)
    total = sum(continuations.values())
    if not total:
        return below
    kept = {word: max(c - discount[min(c, 3)], 0) for word, c in continuations.items()}
    return (kept.get(token, 0) + (total - sum(kept.values())) * below) / total


def model_probabilities(model, text):
    """What a model gives the tokens of a text, float32[order, tokens]."""
    ids = np.asarray(text, np.int32)[None]
    contexts = model.read(ids, model.initial_context(1))
    return model.target_probabilities([each[:, :-1] for each in contexts], ids)[:, 0]


def test_discounts_by_hand():
    # Five of count 1, two of 2, one of 3, one of 4: y = 5 / 9.
    found = discounts(np.array([1] * 5 + [2] * 2 + [3, 4]))
    np.testing.assert_allclose(
        found, [0, 1 - 2 * 5 / 9 * 2 / 5, 2 - 3 * 5 / 9 * 1 / 2, 3 - 4 * 5 / 9 * 1 / 1], rtol=1e-9
    )


def test_probabilities_by_hand():
    """ "0 1 0 1 1": with order 1 and 2, all counts of counts by hand."""
    model = count(np.array([0, 1, 0, 1, 1]), 2, max_order=2).model
    # Order 1: before 0 stands 1; before 1 stand 0 and 1. Counts 1 and 2: y = 1/3, D1 = 1 - 2/3, D2 = 2 - 1 = 1.
    first = np.array([(1 - 1 / 3) / 3, (2 - 1) / 3]) + (1 / 3 + 1) / 3 / 2
    # Order 2: after 0 comes 1 twice; after 1 come 0 once and 1 once. Counts of counts 2 and 1: y = 2/4, D1 = D2-free.
    d1, d2 = 1 - 2 * 0.5 * 1 / 2, 2 - 3 * 0.5 * 1 / 1
    after0 = np.array([0, (2 - d2) / 2]) + d2 / 2 * first
    after1 = np.array([1 - d1, 1 - d1]) / 2 + d1 * first
    found = [[model_probabilities(model, [before, token])[1, 1] for token in (0, 1)] for before in (0, 1)]
    np.testing.assert_allclose(found, [after0, after1], rtol=CODE_STEP)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_all_probabilities_are_those_of_the_slow_reference(order):
    model, text = count(TEXT, VOCAB, max_order=order).model, TEXT.tolist()
    found = model_probabilities(model, text)
    for place, token in enumerate(text):
        for n in range(1, min(order, place + 1) + 1):
            expected = slow_probability([text], [text], text[:place], token, n, order)
            assert found[n - 1, place] == pytest.approx(expected, rel=CODE_STEP), (place, n)


@pytest.mark.parametrize(("order", "blocks"), [(1, 2), (2, 3), (3, 3)])
def test_left_out_probabilities_are_those_of_the_slow_reference(order, blocks):
    """N-grams over an edge belong to the block that they end in, so the rest is counted position by position."""
    text, codes = TEXT.tolist(), count(TEXT, VOCAB, max_order=order, blocks=blocks).codes
    edges = np.linspace(0, len(text), blocks + 1).astype(int)
    for begin, end in itertools.pairwise(edges.tolist()):
        for place in range(begin, end):
            expected = left_out_probability(text, (begin, end), place, order)
            assert CODE_PROBABILITIES[codes[place, order - 1]] == pytest.approx(expected, rel=CODE_STEP), place


def left_out_probability(text, block, place, top):
    """By counts of the n-grams that end outside of a block."""

    def ending(n, outside):
        places = [i for i in range(n - 1, len(text)) if not (outside and block[0] <= i < block[1])]
        return Counter(tuple(text[i - n + 1 : i + 1]) for i in places)

    def of(n):
        if n == 0:
            return 1 / VOCAB
        whole, rest = ending(n, False), ending(n, True)
        if n < top:
            whole, rest = (Counter(gram[1:] for gram in ending(n + 1, outside)) for outside in (False, True))
        discount = discounts(np.array(list(whole.values())))
        context = tuple(text[place - n + 1 : place])
        own = {gram[-1]: c for gram, c in rest.items() if gram[:-1] == context}
        total, below = sum(own.values()), of(n - 1)
        if place < n - 1 or not total:
            return below
        kept = {word: max(c - discount[min(c, 3)], 0) for word, c in own.items()}
        return (kept.get(text[place], 0) + (total - sum(kept.values())) * below) / total

    return of(top)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_probabilities_of_all_tokens_add_up_to_one(text, order, seed):
    rng, vocab = np.random.default_rng(seed), 7
    model = count(np.array(text), vocab, max_order=order).model
    streams = 4
    context = model.initial_context(streams)
    for ids in rng.integers(0, vocab, (3, streams)):
        context = model.advance(ids, context)
    for n in range(model.order):
        weights = np.zeros((model.order, streams), np.float32)
        weights[n] = 1
        mixed = np.zeros((streams, vocab), np.float32)
        model.mix(mixed, context, weights)
        np.testing.assert_allclose(mixed.sum(1), 1, rtol=1e-5)
        every = np.broadcast_to(np.arange(vocab), (streams, vocab))
        rows = [np.broadcast_to(each[:, None], every.shape) for each in context]
        np.testing.assert_allclose(model.target_probabilities(rows, every)[n], mixed, rtol=1e-4, atol=1e-7)


def test_one_stream_is_what_several_are(rng):
    model = count(TEXT, VOCAB, max_order=4).model
    context, alone = model.initial_context(3), [model.initial_context(1) for _ in range(3)]
    for ids in rng.integers(0, VOCAB, (9, 3)):
        context = model.advance(ids, context)
        alone = [model.advance(ids[k : k + 1], alone[k]) for k in range(3)]
        np.testing.assert_array_equal(np.concatenate(alone, 1), context)
        weights = rng.random((model.order, 3)).astype(np.float32)
        # A view that is not in one piece, as the logits of a network are.
        mixed, one = np.zeros((VOCAB, 3), np.float32).T, np.zeros((3, VOCAB), np.float32)
        model.mix(mixed, context, weights)
        for k in range(3):
            model.mix(one[k : k + 1], context[:, k : k + 1], weights[:, k : k + 1])
        np.testing.assert_allclose(mixed, one, rtol=1e-5)


@pytest.mark.parametrize(
    "text",
    [[3], [2, 2, 2, 2, 2, 2, 2, 2], [0, 1, 2, 3, 4], [0, 1, 2] * 9],
    ids=["one", "same", "no repeat", "periodic"],
)
def test_strange_texts_are_counted(text):
    counted = count(np.array(text), VOCAB)
    assert counted.codes.shape == (len(text), counted.model.order) and counted.model.order <= 10
    assert np.isfinite(model_probabilities(counted.model, [*text, 4, 4])).all()


def test_no_ngram_reaches_over_the_start_of_a_document():
    orders = [
        order for _, order in zip(range(3), orders_of(np.array([0, 1, 0, 1, 2]), 3, np.array([0, 2])), strict=False)
    ]
    assert orders[1].ends.tolist() == [-1, 0, -1, 0, 1] and orders[2].ends.tolist() == [-1, -1, -1, -1, 0]


def test_orders_in_pieces_are_those_at_once(rng, monkeypatch):
    ids = rng.integers(0, 6, 500)
    whole = [order for _, order in zip(range(4), orders_of(ids, 6), strict=False)]
    monkeypatch.setattr("textrnn.text.counts.ngrams.PIECE", 50)
    for one, other in zip(whole, orders_of(ids, 6), strict=False):
        for name in ("offsets", "tokens", "counts", "suffixes", "first", "last", "ends"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


def test_more_orders_are_counted_while_they_are_worth_it(rng):
    line = rng.integers(0, VOCAB, 12)
    periodic = count(np.tile(line, 60), VOCAB).model.order
    assert count(rng.integers(0, VOCAB, 720), VOCAB).model.order < periodic + 1 <= 11


def test_codes_are_near_what_they_stand_for(rng):
    probabilities = np.exp(-rng.uniform(0, 19, 1000))
    nats = CODE_NATS[encode(probabilities)] + np.log(probabilities)
    assert np.abs(nats).max() < 0.09 and abs(nats.mean()) < 0.01
    assert (CODE_PROBABILITIES[encode(probabilities, down=True)] <= probabilities * 1.0001).all()


def test_a_saved_model_is_opened_as_it_was(tmp_path):
    model = count(TEXT, VOCAB, max_order=3).model
    model.save(tmp_path / "counts.safetensors")
    opened = NgramModel.load(tmp_path / "counts.safetensors")
    assert (opened.order, opened.vocab_size) == (3, VOCAB)
    np.testing.assert_array_equal(model_probabilities(opened, TEXT), model_probabilities(model, TEXT))


def _changed(path, change, metadata=None):
    arrays, facts = map_weights(path)
    arrays = {name: np.array(array) for name, array in arrays.items()}
    change(arrays)
    write_weights(path, arrays, {**{k: v for k, v in facts.items() if k != "sha256"}, **(metadata or {})})


@pytest.mark.parametrize(
    ("change", "metadata"),
    [
        (lambda arrays: arrays["2/offsets"].__setitem__(1, 9_999), {}),
        (lambda arrays: arrays["2/offsets"].__setitem__(-1, 0), {}),
        (lambda arrays: arrays["3/tokens"].__setitem__(0, VOCAB), {}),
        (lambda arrays: arrays.update({"2/codes": arrays["2/codes"][:-1]}), {}),
        (lambda arrays: arrays.update({"1/tokens": arrays["1/tokens"].astype(np.float32)}), {}),
        (lambda arrays: arrays.pop("1/codes"), {}),
        (lambda arrays: None, {"order": "99"}),
        (lambda arrays: None, {"vocab_size": "-4"}),
        (lambda arrays: None, {"vocab_size": "many"}),
    ],
)
def test_a_file_whose_parts_do_not_belong_together_is_refused(tmp_path, change, metadata):
    path = tmp_path / "counts.safetensors"
    count(TEXT, VOCAB, max_order=3).model.save(path)
    _changed(path, change, metadata)
    with pytest.raises(RunError, match="is damaged"):
        NgramModel.load(path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 99,
        (2).to_bytes(8, "little") + b"[]",
        *[
            len(text).to_bytes(8, "little") + text + bytes(8)
            for text in [
                json.dumps({"1/codes": facts}).encode()
                for facts in (
                    {"dtype": "U8", "shape": [4], "data_offsets": [0, 4_000]},
                    {"dtype": "U8", "shape": [-1], "data_offsets": [6, 2]},
                    {"dtype": "U8", "shape": [99], "data_offsets": [0, 8]},
                    {"dtype": "O", "shape": [8], "data_offsets": [0, 8]},
                    {"dtype": "U32", "shape": [1], "data_offsets": [0, 3]},
                )
            ]
        ],
    ],
)
def test_a_file_that_is_no_safetensors_is_refused(tmp_path, data):
    (tmp_path / "counts.safetensors").write_bytes(data)
    with pytest.raises(RunError, match="is damaged"):
        NgramModel.load(tmp_path / "counts.safetensors")
