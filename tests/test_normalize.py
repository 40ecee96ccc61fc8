"""Preprocessing: each step, doing it twice, and doing it in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrnn.text.cutting import recut
from textrnn.text.normalize import normalize, normalize_pieces, replace_surrogates
from textrnn.text.options import UNICODE_FORMS, NormalizeConfig

# Characters that compose, change with their neighbours, or turn into others of another kind.
TRICKY = (
    "aΣσς'.:1 \t\r\n\u0301\u0308e\u0345ǅİẞΑ²１①\uff9eハ가\u1100\u1161각我。,\u3000\xa8㏂𝚺\xa0\xad\u200d\x85\u2028\ud800"
)
CHARACTERS = st.one_of(st.characters(), st.sampled_from(TRICKY))
TEXTS = st.text(CHARACTERS, max_size=40)
CONFIGS = st.builds(
    NormalizeConfig,
    unicode=st.sampled_from(UNICODE_FORMS),
    lowercase=st.booleans(),
    remove_digits=st.booleans(),
    collapse_whitespace=st.booleans(),
)
EVERYTHING = NormalizeConfig("NFKC", True, True, True)


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        ("", EVERYTHING, ""),
        ("a\r\nb\rc\n\r", NormalizeConfig(), "a\nb\nc\n\n"),
        ("a\x85b\u2028c", NormalizeConfig(), "a\x85b\u2028c"),
        ("x\ud800y", NormalizeConfig("none"), "x\ufffdy"),
        ("e\u0301", NormalizeConfig(), "é"),
        ("é", NormalizeConfig("NFD"), "e\u0301"),
        ("ﬁ①", NormalizeConfig("NFKC"), "fi1"),
        ("ﬁ e\u0301", NormalizeConfig("none"), "ﬁ e\u0301"),
        ("ΟΔΟΣ İ", NormalizeConfig(lowercase=True), "οδος i̇"),
        ("a1٣b２c²", NormalizeConfig(remove_digits=True), "abc²"),
        ("a1٣b２c²", NormalizeConfig("NFKC", remove_digits=True), "abc"),
        ("e1\u0301", NormalizeConfig(remove_digits=True), "é"),
        ("a \t b\r\n\n c\u3000d\u2029e ", NormalizeConfig(collapse_whitespace=True), "a b\nc d\ne "),
        ("a 1 b", NormalizeConfig(remove_digits=True, collapse_whitespace=True), "a b"),
    ],
)
def test_normalize_steps(text: str, config: NormalizeConfig, expected: str) -> None:
    assert normalize(text, config) == expected
    assert normalize(expected, config) == expected


@settings(deadline=None)
@given(TEXTS, CONFIGS)
def test_normalize_twice_changes_nothing(text: str, config: NormalizeConfig) -> None:
    once = normalize(text, config)
    assert normalize(once, config) == once
    once.encode()  # no surrogates are left


def test_normalize_returns_plain_text_as_it_is() -> None:
    text = "plain ASCII\n" * 1_000_000
    assert normalize(text, NormalizeConfig()) is text


@pytest.mark.parametrize("unit", [" ", "\t\n", "1 "])
def test_normalize_collapses_long_runs_in_linear_time(unit: str) -> None:
    assert len(normalize(unit * 500_000, EVERYTHING)) == 1  # quadratic time would take hours


@settings(deadline=None, max_examples=500)
@given(TEXTS, CONFIGS, st.integers(2, 9))
def test_normalize_pieces_equals_the_whole(text: str, config: NormalizeConfig, num_chars: int) -> None:
    parts = list(normalize_pieces(recut([text], num_chars), config))
    assert all(parts)
    assert "".join(parts) == normalize(text, config)


@settings(deadline=None)
@given(st.text(st.sampled_from("1 \n"), max_size=20), st.integers(1, 5))
def test_normalize_pieces_joins_white_space_wherever_it_is_cut(text: str, size: int) -> None:
    config = NormalizeConfig(remove_digits=True, collapse_whitespace=True)
    chunks = [text[begin : begin + size] for begin in range(0, len(text), size)]
    assert "".join(normalize_pieces(chunks, config)) == normalize(text, config)


def test_replace_surrogates_leaves_pairs_and_others() -> None:
    assert replace_surrogates("a\udfff😀\ud800") == "a\ufffd😀\ufffd"
