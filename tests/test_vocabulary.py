"""Texts as ids for classifiers."""

import pytest

from textrnn.errors import TokenizerError
from textrnn.text.token_base import UNKNOWN_ID
from textrnn.text.vocabulary import Vocabulary, build_vocabulary

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
