"""Saved counts: predicting, pruning, the file and what may be wrong with it."""

import json
import struct

import numpy as np
import pytest
from counts_reference import Reference
from safetensors.numpy import load_file

from textrnn.base.errors import RunError
from textrnn.text.counts.build import save_counts
from textrnn.text.counts.count import counted
from textrnn.text.counts.model import Counts

VOCAB, ORDER = 11, 4


def text_of(rng, length=600):
    """Tokens 0 to 9 that follow one another more often than not; 10 never comes."""
    ids = rng.integers(0, 10, length)
    for place in range(1, length):
        if rng.random() < 0.6:
            ids[place] = (ids[place - 1] * 3 + 1) % 10
    return ids


def save(ids, folder, vocab=VOCAB, order=ORDER, **options):
    with counted(ids, vocab, folder, max_order=order, least_gain_nats=-99) as found:
        return save_counts(found, folder / "counts", **options)


@pytest.fixture
def ids(rng):
    return text_of(rng)


@pytest.fixture
def counts(tmp_path, ids):
    save(ids, tmp_path, lost_nats=0)
    return Counts(tmp_path / "counts")


def streams_of(counts, contexts):
    return np.concatenate(
        [counts.walk(counts.start(1), np.array(context, np.int64)[:, None])[-1] for context in contexts]
    )


CONTEXTS = [[], [1], [10], [1, 4, 3], [4, 3, 0, 1, 4], [10, 10, 10, 10], [9, 10, 1, 4]]


def test_probabilities_sum_to_one(counts):
    nodes = np.repeat(streams_of(counts, CONTEXTS), VOCAB, 0)
    found = counts.target_probabilities(nodes, np.tile(np.arange(VOCAB), len(CONTEXTS)))
    assert (found > 0).all()
    assert found.reshape(len(CONTEXTS), VOCAB, ORDER).sum(1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("few", [0, 99])
def test_mixture_is_the_weighted_sum(counts, rng, monkeypatch, few):
    monkeypatch.setattr("textrnn.text.counts.one_stream.FEW", few)
    monkeypatch.setattr("textrnn.text.counts.one_stream.MOST_CACHED", 5)
    nodes = streams_of(counts, CONTEXTS)
    gate = rng.dirichlet(np.ones(ORDER + 1), len(CONTEXTS)).astype(np.float32)
    network = rng.dirichlet(np.ones(VOCAB), len(CONTEXTS)).astype(np.float32)
    orders = counts.target_probabilities(np.repeat(nodes, VOCAB, 0), np.tile(np.arange(VOCAB), len(CONTEXTS)))
    orders = orders.reshape(len(CONTEXTS), VOCAB, ORDER)
    expected = gate[:, :1] * network + np.einsum("svn,sn->sv", orders, gate[:, 1:])
    mixed = counts.mixture(nodes, gate, network)
    assert mixed.dtype == np.float32 and mixed.shape == (len(CONTEXTS), VOCAB)
    assert mixed == pytest.approx(expected, rel=1e-4)
    assert mixed.sum(1) == pytest.approx(1, abs=1e-5)
    for at in range(len(CONTEXTS)):
        for _ in range(2):  # from the cache as well
            here = slice(at, at + 1)
            assert counts.mixture(nodes[here], gate[here], network[here]) == pytest.approx(mixed[here], rel=1e-4)


def test_advance_gives_the_states_of_walk(counts, ids):
    states = counts.walk(counts.start(1), ids[:50, None])[:, 0]
    one, many = counts.start(1), counts.start(3)
    for place, token in enumerate(ids[:50]):
        one, many = counts.advance(one, np.array([token])), counts.advance(many, np.full(3, token))
        assert np.array_equal(one[0], states[place + 1]) and np.array_equal(many, np.repeat(one, 3, 0))
    assert (counts.advance(many, np.array([10, 10, 10]))[:, 1:] == -1).all()  # has never come


def test_order_one_predicts(tmp_path, ids):
    save(ids, tmp_path, order=1)
    counts = Counts(tmp_path / "counts")
    nodes = counts.advance(counts.start(2), np.array([3, 10]))
    assert nodes.tolist() == [[0], [0]]
    gate, network = np.full((2, 2), 0.5, np.float32), np.full((2, VOCAB), 1 / VOCAB, np.float32)
    assert counts.mixture(nodes, gate, network).sum(1) == pytest.approx(1, abs=1e-5)
    assert counts.target_probabilities(nodes, np.array([3, 3]))[0] == pytest.approx(counts.unigram[3])


def test_counts_above_those_with_a_code_sum_to_one(tmp_path):
    ids = np.array(([0] * 500 + [1, 2] * 300 + [2] * 7) * 3)
    save(ids, tmp_path, vocab=4, order=3)
    counts = Counts(tmp_path / "counts")
    nodes = np.repeat(streams_of(counts, [[0, 0], [1, 2], [3]]), 4, 0)
    found = counts.target_probabilities(nodes, np.tile(np.arange(4), 3)).reshape(3, 4, 3)
    assert found.sum(1) == pytest.approx(1, abs=1e-5)
    reference = Reference(ids.tolist(), 4, 3)
    assert found[1, :, 2] == pytest.approx([reference.probability(3, (1, 2), w) for w in range(4)], rel=0.2)


# ---------------------------------------------------------------- pruning


def test_pruning_costs_what_it_says(tmp_path, ids):
    whole = save(ids, tmp_path, lost_nats=0)
    assert whole.kept == whole.ngrams and whole.lost_nats == 0
    assert whole.size_bytes == (tmp_path / "counts").stat().st_size
    before, _ = Counts(tmp_path / "counts").text_probabilities(Counts(tmp_path / "counts").start(1), ids)
    pruned = save(ids, tmp_path, lost_nats=0.05)
    assert pruned.ngrams == whole.ngrams and pruned.kept < 0.9 * whole.kept and 0 < pruned.lost_nats <= 0.05
    counts = Counts(tmp_path / "counts")
    after, _ = counts.text_probabilities(counts.start(1), ids)
    lost = np.log(before[:, -1]).mean() - np.log(after[:, -1]).mean()
    assert 0 < lost < 0.5  # of the text itself, which knows rare n-grams by heart
    nodes = np.repeat(streams_of(counts, CONTEXTS), VOCAB, 0)
    found = counts.target_probabilities(nodes, np.tile(np.arange(VOCAB), len(CONTEXTS)))
    assert found.reshape(-1, VOCAB, ORDER).sum(1) == pytest.approx(1, abs=1e-5)


def test_pruning_goes_on_until_the_file_is_small(tmp_path, ids):
    whole = save(ids, tmp_path, lost_nats=0)
    small = save(ids, tmp_path, lost_nats=0, max_bytes=whole.size_bytes - 1000)
    assert small.size_bytes <= whole.size_bytes - 1000
    assert small.lost_nats > 0


# ---------------------------------------------------------------- the file


def test_file_is_safetensors(tmp_path, ids):
    save(ids, tmp_path)
    arrays = load_file(tmp_path / "counts")
    assert set(arrays) == {"sizes", "values", "first", "scale", "backoff", "tokens", "counts"}
    assert arrays["tokens"].dtype == np.uint8 and len(arrays["tokens"]) == arrays["sizes"].sum()


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(RunError, match="missing"):
        Counts(tmp_path / "counts")
    with pytest.raises(RunError, match="missing"):
        Counts(tmp_path)  # a folder


def edited_header(data, edit):
    length = int.from_bytes(data[:8], "little")
    entries = json.loads(data[8 : 8 + length])
    edit(entries)
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


BAD = {
    "empty": lambda data: b"",
    "cut in its header": lambda data: data[:50],
    "cut": lambda data: data[:-1],
    "longer": lambda data: data + b"x",
    "no JSON": lambda data: data[:8] + b"x" * 100,
    "nested": lambda data: (60000).to_bytes(8, "little") + b"[" * 60000,
    "huge header": lambda data: b"\xff" * 8 + data[8:],
    "a list": lambda data: (8).to_bytes(8, "little") + b"[1,2,3] " + data,
    "no vocabulary": lambda data: edited_header(data, lambda e: e.pop("__metadata__")),
    "strange vocabulary": lambda data: edited_header(data, lambda e: e["__metadata__"].update(vocab="x")),
    "larger vocabulary": lambda data: edited_header(data, lambda e: e["__metadata__"].update(vocab="99999")),
    "many orders": lambda data: edited_header(data, lambda e: e["sizes"].update(shape=[10**9])),
    "negative order": lambda data: edited_header(data, lambda e: e["sizes"].update(shape=[-1])),
    "no order": lambda data: edited_header(data, lambda e: e["sizes"].update(shape=[])),
}


@pytest.mark.parametrize("name", BAD)
def test_damaged_file_is_refused(tmp_path, ids, name):
    save(ids, tmp_path)
    path = tmp_path / "counts"
    path.write_bytes(BAD[name](path.read_bytes()))
    with pytest.raises(RunError, match="damaged"):
        Counts(path)


def use(path):
    """All ways to predict, on all tokens."""
    counts = Counts(path)
    tokens = np.arange(VOCAB)
    many, one = counts.start(VOCAB), counts.start(1)
    gate, network = np.ones((VOCAB, counts.order + 1), np.float32), np.ones((VOCAB, VOCAB), np.float32)
    for token in [1, 4, 3, 0, 1, 4]:
        many, one = counts.advance(many, (tokens + token) % VOCAB), counts.advance(one, np.array([token]))
        counts.target_probabilities(many, tokens)
        counts.mixture(many, gate, network)
        counts.mixture(one, gate[:1], network[:1])
    counts.text_probabilities(one, tokens)


@pytest.mark.parametrize("array", ["sizes", "first", "tokens", "counts", "backoff", "scale", "values"])
def test_hostile_content_costs_an_error_at_most(tmp_path, ids, rng, array):
    save(ids, tmp_path)
    path = tmp_path / "counts"
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    begin, end = json.loads(data[8 : 8 + length])[array]["data_offsets"]
    refused = 0
    for trial in range(30):
        bad = bytearray(data)
        if trial < 10:
            bad[8 + length + begin : 8 + length + end] = rng.bytes(end - begin)
        else:
            for at in rng.integers(begin, end, trial):
                bad[8 + length + at] = rng.integers(256)
        path.write_bytes(bad)
        try:
            with np.errstate(all="ignore"):
                use(path)
        except RunError as error:
            assert "damaged" in str(error)
            refused += 1
    if array in ("sizes", "first", "tokens"):
        assert refused > 5


def test_rows_that_are_no_rows_are_refused(tmp_path, ids):
    save(ids, tmp_path)
    path = tmp_path / "counts"
    data = bytearray(path.read_bytes())
    length = int.from_bytes(data[:8], "little")
    begin, _ = json.loads(data[8 : 8 + length])["first"]["data_offsets"]
    struct.pack_into("<I", data, 8 + length + begin + 4 * 3, 4_000_000_000)
    path.write_bytes(data)
    counts = Counts(path)
    with pytest.raises(RunError, match="no trie"):
        counts.find(np.array([2, 3]), np.array([1, 1]))
    with pytest.raises(RunError, match="no trie"):
        counts.advance(np.array([[0, 2, 2, -1]]), np.array([1]))
