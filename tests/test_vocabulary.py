"""Texts as ids for classifiers."""

import csv
import subprocess
import sys

import pytest
from cli_fixtures import ROOT, good, refused
from hypothesis import given, settings
from hypothesis import strategies as st

from textrnn.base.errors import ConfigError, TokenizerError
from textrnn.classifier.options import TokensConfig
from textrnn.text.tokens import vocabulary as module
from textrnn.text.tokens.base import UNKNOWN_ID
from textrnn.text.tokens.bpe import BpeTokenizer
from textrnn.text.tokens.vocabulary import Subwords, Vocabulary, build_vocabulary
from textrnn.text.words import SCRIPTS, SPACED, UNSPACED, fold

ENGLISH = ["Good tea!", "good soup", "BAD tea", "a bad, bad soup"]
CHINESE = ["茶很好喝", "汤很难喝", "茶很香"]


def test_words_are_counted_once_a_text_and_ranked():
    found = build_vocabulary(ENGLISH)
    assert (found.level, found.script) == ("word", "spaced")
    assert found.tokens == ["bad", "good", "soup", "tea"]  # each is in two texts; ties in the order of code points
    assert found.encode("Bad good, tea").tolist() == [2, 3, UNKNOWN_ID, 5]


def test_scripts_without_blanks_are_cut_into_characters():
    found = build_vocabulary(CHINESE)
    assert (found.level, found.tokens) == ("char", ["很", "喝", "茶"])
    assert found.encode("喝茶 !").tolist() == [3, 4, UNKNOWN_ID, UNKNOWN_ID]


def test_level_can_be_given():
    assert build_vocabulary(ENGLISH, level="char", min_count=4).tokens == [" ", "d"]


def test_size_counts_the_reserved_ids():
    assert build_vocabulary(ENGLISH, max_size=4).tokens == ["bad", "good"]


def test_text_without_tokens_is_one_unknown_token():
    assert build_vocabulary(ENGLISH).encode("  ").tolist() == [UNKNOWN_ID]


def test_nothing_frequent_is_refused():
    with pytest.raises(TokenizerError, match="in 2 texts"):
        build_vocabulary(["one", "two"])


def test_vocabulary_survives_json():
    found = build_vocabulary(CHINESE)
    again = Vocabulary.from_json(found.to_json())
    assert again.encode(CHINESE[0]).tolist() == found.encode(CHINESE[0]).tolist()


@pytest.mark.parametrize("change", [{"level": "x"}, {"script": 3}, {"tokens": []}, {"tokens": ["a", "a"]}, {"more": 1}])
def test_damaged_vocabulary_is_refused(change):
    with pytest.raises(TokenizerError, match="damaged"):
        Vocabulary.from_json({**build_vocabulary(ENGLISH).to_json(), **change})


# ---------------------------------------------------------------- subwords

PLAIN = ["the better tea is the best tea", "better tea, the best of teas"] * 3
MIXED = ["茶很好喝，汤很难喝。", "Tea 很好喝! ", "<br />Don’t \ud800 go \t é"]


def subwords(texts, size=300):
    return build_vocabulary(texts, level="bpe", max_size=size)


def test_subwords_of_english_are_the_same_wherever_a_word_stands():
    found = subwords(PLAIN)
    assert (found.level, found.script) == ("bpe", SPACED)
    assert found.split("TEA  the tea\nbest") == [" tea", " the", " tea", " best"]
    assert found.split("rebest teas") == [" ", "r", "e", "be", "st", " teas"]
    first, _, third, _ = found.encode("tea the tea best").tolist()
    assert first == third and UNKNOWN_ID not in found.encode("zebra 茶 😀")


def test_subwords_of_chinese_are_words():
    found = subwords(["送餐很快，好吃", "味道好吃，送餐慢", "送餐的人很好，好吃"], 280)
    assert found.script == UNSPACED
    assert found.split("好吃，送餐很快") == [
        "好吃",
        "，",
        "送餐",
        "很",
        "",
        "",
        "快",
    ]  # the last one is spelled in bytes
    assert len(found.encode("送餐")) == 1 and "".join(found.split("龘")) == "龘"


@settings(deadline=None, max_examples=60)
@given(text=st.text(st.sampled_from("ab Té茶好，.'\n\t\ud800\u2003😀İ")), script=st.sampled_from(SCRIPTS))
def test_subwords_are_those_of_the_whole_text_in_one(text, script):
    bpe = BpeTokenizer.build(["ab abT 茶好，茶好 é. '"] * 3, 290, 2)
    found = Subwords(bpe, script)
    read = " ".join(fold(text).split())
    read = " " * bool(read and script == SPACED) + read
    for _ in range(2):  # the second time everything is known
        assert found.encode(text).tolist() == (bpe.encode(read).tolist() or [UNKNOWN_ID])
        assert "".join(found.split(text)) == read
        assert len(found.split(text)) == len(bpe.encode(read))


def test_subwords_forget_nothing_when_their_memory_is_full(monkeypatch):
    expected = subwords(PLAIN).encode("the best of teas, the best").tolist()
    monkeypatch.setattr(module, "CACHED_CHUNKS", 2)
    monkeypatch.setattr(module, "CACHED_CHARS", 4)
    found = subwords(PLAIN)
    assert found.encode("the best of teas, the best").tolist() == expected
    assert set(found._known) <= {" the", " of"}


def test_subwords_are_learnt_from_texts_all_over(monkeypatch):
    texts = [word * 3 for word in ("alpha ", "betas ", "gamma ", "delta ")]
    monkeypatch.setattr(module, "SAMPLE_BYTES", sum(map(len, texts)) // 2)
    tokens = subwords(texts).tokens
    assert {" alpha", " gamma"} <= set(tokens) and not {" betas", " delta"} & set(tokens)


@pytest.mark.parametrize("texts", [PLAIN, MIXED])
def test_subwords_survive_json(texts):
    found = subwords(texts)
    again = Vocabulary.from_json(found.to_json())
    assert isinstance(again, Subwords) and (again.tokens, again.script) == (found.tokens, found.script)
    assert all(again.encode(text).tolist() == found.encode(text).tolist() for text in PLAIN + MIXED)


@pytest.mark.parametrize(
    "change", [{"script": 3}, {"library": {}}, {"library": None}, {"more": 1}, {"tokens": ["a"], "level": "word"}]
)
def test_damaged_subwords_are_refused(change):
    with pytest.raises(TokenizerError, match="damaged"):
        Vocabulary.from_json({**subwords(PLAIN).to_json(), **change})


def test_size_of_the_vocabulary_depends_on_the_level(monkeypatch):
    assert module.DEFAULT_SIZES == {"word": 30_000, "char": 30_000, "bpe": 8_000}
    monkeypatch.setattr(module, "DEFAULT_SIZES", {"word": 4, "char": 5, "bpe": 261})
    sizes = [build_vocabulary(PLAIN, level=level).vocab_size for level in ("word", "char", "bpe")]
    assert sizes == [4, 5, 261]


def test_subwords_need_the_bytes():
    assert TokensConfig(level="bpe", vocab_size=259).vocab_size == 259
    with pytest.raises(ConfigError, match="--vocab-size is 258"):
        TokensConfig(level="bpe", vocab_size=258)


@pytest.mark.slow
def test_classify_with_subwords(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [(f"茶{n}很{'好喝' if n % 2 else '难喝'}，{'推荐' if n % 2 else '失望'}", n % 2) for n in range(60)]
    with open("reviews.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("评论", "标签"), *rows])
    refused("classify", "reviews.csv", "--level", "bpe", "--vocab-size", "99", code=2, says=["259"])
    tiny = ("--networks", "1", "--units", "8", "--embed", "8", "--epochs", "15", "--learning-rate", "0.02")
    tiny += ("--dropout", "0", "--embed-dropout", "0", "--word-dropout", "0")
    options = ("--level", "bpe", "--vocab-size", "270", "--model", "rnn", "--name", "tea")
    result = good("classify", "reviews.csv", *options, *tiny, "-q", "--json").json
    assert result["models"]["rnn"]["accuracy"] > 0.9
    code = (
        "import sys, textrnn; print([row['label'] for row in textrnn.load(sys.argv[1]).classify(['难喝', '好喝'])]);"
        "print([name for name in ('tensorflow', 'keras', 'sklearn', 'scipy') if name in sys.modules])"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code, "models/tea"], capture_output=True, text=True, env=environment, encoding="utf-8"
    )
    assert done.stdout.splitlines() == ["['0', '1']", "[]"], done.stderr
