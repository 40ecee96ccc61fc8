"""What is written stands nowhere in a text, against a search of every piece."""

import random
from pathlib import Path

import numpy as np
import pytest
from cli_fixtures import QUICK, good, refused, snapshot, story

import textrnn
from textrnn.base.errors import ConfigError, DataError
from textrnn.language_model.known_text import KnownText
from textrnn.language_model.novel import KnownToCounts, NovelNetwork
from textrnn.text.counts.build import save_counts
from textrnn.text.counts.count import counted
from textrnn.text.counts.model import Counts
from textrnn.text.hashes import Followers, code_points, hashes
from textrnn.text.options import TokenizerConfig
from textrnn.text.tokens.load import build_tokenizer


def chinese(num_lines=60, seed=2):
    """A text whose words come again and again."""
    draw = random.Random(seed)
    words = ["从前", "有", "一座", "山", "山里", "有座", "庙", "老和尚", "给", "小和尚", "讲故事", "🦊", "明月", "照"]
    return "".join("".join(draw.choices(words, k=9)) + "。\n" for _ in range(num_lines))


TEXTS = {"english": story(60), "chinese": chinese()}
LEVELS = {
    "char": TokenizerConfig(min_count=1),
    "byte": TokenizerConfig(level="byte"),
    "word": TokenizerConfig(level="word", vocab_size=200, min_count=1),
    "bpe": TokenizerConfig(level="bpe", vocab_size=330, min_count=2),
}


def written(tokenizer, ids):
    """The characters that are complete after some tokens."""
    decoder = tokenizer.decoder()
    return "".join(map(decoder.feed, ids))


def copied(text, begin, source, limit):
    """Pieces of limit + 1 characters that end after `begin` and stand in the source."""
    pieces = [text[end - limit - 1 : end] for end in range(max(begin, limit) + 1, len(text) + 1)]
    return [piece for piece in pieces if piece in source]


def slow(tokenizer, ids, source, limit):
    """The tokens that would complete a copied piece, by trying them all."""
    before = len(written(tokenizer, ids))
    return {t for t in range(tokenizer.vocab_size) if copied(written(tokenizer, [*ids, t]), before, source, limit)}


def found_by(known, state):
    pairs = {(row, token) for rows, ids in known.forbidden(state) for row, token in zip(rows, ids, strict=True)}
    return [{token for each, token in pairs if each == row} for row in range(state[0].shape[1])]


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("limit", [1, 3, 6, 13])
def test_forbidden_tokens_are_those_of_a_search(level, language, limit, rng):
    source = TEXTS[language]
    tokenizer = build_tokenizer(LEVELS[level], [source])
    known = KnownText(lambda: (source[k : k + 97] for k in range(0, len(source), 97)), limit, tokenizer)
    ids = tokenizer.encode(source)
    slices = [np.concatenate([ids[b : b + 9], ids[b + 5 : b + 60]]) for b in rng.integers(0, len(ids) - 60, 3)]
    texts = np.array(
        [*slices[:2], np.where(rng.random(64) < 0.3, rng.integers(2, tokenizer.vocab_size, 64), slices[2])]
    )
    state, num = known.start(len(texts)), 0
    for step in range(texts.shape[1] + 1):
        expected = [slow(tokenizer, text[:step], source, limit) for text in texts.tolist()]
        assert found_by(known, state) == expected, step
        num += sum(map(len, expected))
        if step < texts.shape[1]:
            state = known.read(texts[:, step], state)
    assert num


def test_unpruned_counts_know_what_a_search_finds(tmp_path, rng):
    source = TEXTS["chinese"]
    tokenizer = build_tokenizer(LEVELS["char"], [source])
    ids = tokenizer.encode(source)
    with counted(ids, tokenizer.vocab_size, tmp_path, max_order=5, least_gain_nats=-99) as found:
        save_counts(found, tmp_path / "counts", lost_nats=0)
    for limit in (1, 4):
        known = KnownToCounts(Counts(tmp_path / "counts"), limit, tokenizer.vocab_size)
        texts, state = np.array([ids[5:20], rng.permutation(ids)[:15]]), known.start(2)
        for step in range(15):
            state = known.read(texts[:, step], state)
            assert found_by(known, state) == [slow(tokenizer, t[: step + 1], source, limit) for t in texts.tolist()]


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_followers_are_those_of_a_search(size):
    source, length = "the heron and the hen, the heron 🦊 and the", 4
    after = Followers(lambda: (source[k : k + size] for k in range(0, len(source), size)), length)
    asked = "and the herb, the hen 🦊 and"
    which, chars = after.after(hashes(code_points(asked), length))
    pieces = [asked[k : k + length] for k in range(len(asked) - length + 1)]
    pairs = [(k, c) for k, piece in enumerate(pieces) for c in sorted(set(source)) if piece + c in source]
    assert list(zip(which.tolist(), map(chr, chars.tolist()), strict=True)) == pairs
    assert not len(Followers(lambda: ["abc"], 3).after(hashes(code_points("abcd"), 3))[0])


class Fixed:
    """Predicts the same at each step, and counts the tokens that it read."""

    def __init__(self, logits):
        self.logits = np.array([logits], np.float32)

    def initial_state(self, rows):
        return [np.zeros((1, rows))]

    def step(self, ids, state):
        return np.repeat(self.logits, len(ids), 0), [state[0] + 1]

    def read(self, ids, state):
        return self.logits, [state[0] + len(ids)]


def test_only_what_is_forbidden_loses_its_probability():
    tokenizer = build_tokenizer(LEVELS["char"], ["abca"])
    a, b, c = tokenizer.encode("abc").tolist()
    known = KnownText(lambda: ["abca"], 1, tokenizer)
    logits = np.array([0, 0, 1, 2, 3], np.float32)
    network = NovelNetwork(Fixed(logits), known)
    first, state = network.read(np.array([c, a], np.int32), network.initial_state(1))  # c is before the text
    assert first[0, b] == -np.inf and (np.delete(first[0], b) == np.delete(logits, b)).all()
    second, after = network.step(np.array([a]), state)
    assert (second == first).all() and after[-1] == 3  # "aa" is no piece of it
    third, _ = network.step(np.array([b]), state)
    assert np.flatnonzero(np.isneginf(third[0])).tolist() == [c]
    assert (network.step(np.array([a]), state)[0] == second).all()  # states are not changed


@pytest.mark.parametrize(("source", "left"), [("abac", "a"), ("aabacbc", "abc")])
def test_where_nothing_possible_is_left_others_are_written(source, left):
    """After a, nothing but b and c is possible: where both are forbidden there is a; where a is as well, none is."""
    tokenizer = build_tokenizer(LEVELS["char"], ["cab"])
    a, b, c = tokenizer.encode("abc").tolist()
    logits = np.full(5, -np.inf, np.float32)
    logits[[b, c]] = 1, 2
    network = NovelNetwork(Fixed(logits), KnownText(lambda: [source], 1, tokenizer))
    found, _ = network.read(np.array([c, a], np.int32), network.initial_state(1))
    assert (found[0] == logits).all() if left == "abc" else np.flatnonzero(found[0] > -np.inf).tolist() == [a]


@pytest.mark.parametrize("level", [*LEVELS])
def test_generate_copies_no_piece_at_any_level(home, level):
    source = "".join(map(str.__add__, story(40).splitlines(), chinese(40).splitlines(keepends=True)))
    Path("both.txt").write_text(source)
    limits = ["--vocab-size", "330"] if level == "bpe" else []
    good("train", "both.txt", *QUICK, "--level", level, *limits, "--name", "both", "-q")
    seed = source[100:110]
    asked = ["generate", "--model", "both", "--seed", seed, "--length", 90, "--random-seed", 5]
    more = ["--count", 3, "--format", "jsonl"]
    texts = [line["text"] for line in good(*asked, *more, "--novel", 6, "--corpus", "both.txt").lines()]
    assert [copied(seed + text, len(seed), source, 6) for text in texts] == [[], [], []]
    assert any(copied(seed + line["text"], len(seed), source, 6) for line in good(*asked, *more).lines())
    python = textrnn.load("both").generate(seed, length=90, random_seed=5, novel=6, corpus="both.txt")
    alone = good(*asked, "--novel", 6, "--corpus", "both.t*").out.removeprefix(seed)
    assert "".join(python) == texts[0] and alone.rstrip("\n") == texts[0].rstrip("\n")


def test_a_conversation_copies_nothing_over_its_lines(home):
    source, seed = Path("story.txt").read_text(), "The cat"
    asked = ["generate", "--novel", 5, "--corpus", "story.txt", "--adapt", "--random-seed", 3]
    said = good(*asked, "-i", stdin=f"/length 30\n{seed}\n\n\n".encode()).out.partition(seed)[2]
    text = good(*asked, "--seed", seed, "--length", 90).out
    assert not copied(text.rstrip("\n"), len(seed), source, 5)
    assert said.replace("\n", "") == text.removeprefix(seed).replace("\n", "")  # each answer ends its last line


def test_the_text_that_a_run_keeps_is_not_copied(home):
    story = Path("story.txt").read_text()
    learnt = story[: len(story) * 9 // 10 - 1]
    asked = ["generate", "--model", "lstm", "--length", 300, "--random-seed", 1, "--temperature", "0.5"]
    ran = good(*asked, "--novel", 8)
    assert not copied(ran.out.rstrip("\n"), 0, learnt, 8)
    assert copied(good(*asked).out, 0, learnt, 8)
    assert not ran.err


def test_counts_forbid_what_they_know(home):
    Path("models/lstm/checkpoint/train.ids").unlink()
    counts = textrnn.load("lstm").predictors["counts"].counts
    tokenizer, limit = textrnn.load("lstm").tokenizer, counts.order - 1
    asked = ["generate", "--model", "lstm", "--length", 200, "--random-seed", 2, "--seed", "The"]

    def known(ran):
        nodes = counts.walk(counts.start(1), tokenizer.encode(ran.out.rstrip("\n"))[:, None])[3:-1, 0, limit]
        return int((counts.find(nodes, tokenizer.encode(ran.out.rstrip("\n"))[3:]) > 0).sum())

    ran = good(*asked, "--novel", limit)
    assert known(ran) == 0 < known(good(*asked))
    assert len(ran.err.splitlines()) == 1 and "--corpus" in ran.err
    python = textrnn.load("lstm").generate("The", length=200, random_seed=2, novel=limit)
    assert ran.out.rstrip("\n") == "".join(["The", *python]).rstrip("\n")


def test_documents_copy_from_none_and_end_all_the_same(home):
    kinds = [("fruit", "apple pie"), ("tool", "spade"), ("fruit", "pear"), ("tool", "saw")] * 25
    Path("kinds.csv").write_text("kind,text\n" + "".join(f"{kind},{word}\n" for kind, word in kinds))
    table = ["--text-column", "text", "--condition", "kind", "--level", "char", *QUICK, "--window", "8"]
    good("train", "kinds.csv", *table, "--name", "kinds", "-q")
    texts = good("generate", "--novel", 3, "--corpus", "kinds.csv", "--count", 20, "--format", "jsonl", "--length", 40)
    for line in texts.lines():
        assert not any(copied(line["text"], 0, word, 3) for _, word in kinds[:4])
    assert {"end"} <= {line["stop_reason"] for line in texts.lines()}


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--novel", "0"], 2, "--novel is 0: expected a number from 1 to 10,000"),
        (["--novel", "x"], 2, "--novel"),
        (["--novel", "50"], 2, "--novel is 50, and the counts of models/lstm know pieces of at most"),
        (["--novel", "5", "--corpus", "stroy.txt"], 1, "no such file: stroy.txt; did you mean story.txt?"),
        (["--novel", "5", "--corpus", "-", "--seeds-file", "-"], 2, "--corpus is standard input"),
        (["--corpus", "story.txt"], 2, "--corpus is the text that --novel looks in"),
    ],
)
def test_what_novel_cannot_do_is_refused_before_anything_is_written(home, options, code, says):
    Path("models/lstm/checkpoint/train.ids").unlink()
    before = snapshot(home)
    assert not refused("generate", *options, "-o", "out.txt", code=code, says=[says]).out
    assert snapshot(home) == before


def test_runs_that_cannot_tell_want_a_corpus(home):
    good("train", "story.txt", *QUICK, "--level", "word", "--name", "words", "-q")
    for name in ("words", "lstm"):
        Path(f"models/{name}/checkpoint/train.ids").unlink()
    refused("generate", "--novel", "3", code=2, says=["models/words", "--level word", "--corpus FILE"])
    Path("models/lstm/counts.safetensors").unlink()
    refused("generate", "--model", "lstm", "--novel", "3", code=2, says=["models/lstm has no counts", "--corpus FILE"])
    model = textrnn.load("lstm")
    with pytest.raises(ConfigError, match="corpus is the text"):
        model.generate(corpus="story.txt")
    with pytest.raises(DataError, match="no such file"):
        model.generate(novel=3, corpus=[Path("none.txt")])
