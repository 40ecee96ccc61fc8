"""Vocabularies: round trips, streaming, saving, limits, and what damaged settings do."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrnn.base.errors import TokenizerError
from textrnn.language_model.options import Config
from textrnn.text import words
from textrnn.text.cutting import recut
from textrnn.text.normalize import normalize
from textrnn.text.options import LEVELS, NormalizeConfig, TokenizerConfig
from textrnn.text.tokens import word as word_level
from textrnn.text.tokens.load import PADDING_ID, UNKNOWN_ID, Tokenizer, build_tokenizer, tokenizer_from_json
from textrnn.text.words import LOSSLESS, SPACED, UNSPACED, split_texts, split_words

SAMPLES = [
    "",
    "x",
    "one two two  three\r\n\r\n\tdon't  stop,  don’t! ",
    "e\u0301 q\u0308\u0323 नमस्ते का",
    "👩‍👩‍👧 ❤️ 🏳️‍🌈",
    "床前明月光，疑是地上霜。",
    "Tom 说：你好 world 2024年",
    "trailing blanks    ",
    "<pad> <unk> </s> [UNK] Ġ",
    "snake_case = f(x)[0] ** 2  # ok",
    "\u3000\xa0\x85\u2028 \n \n",
]
TEXT = "\n".join(SAMPLES) * 2
ENGLISH = Path(__file__).resolve().parent.parent / "data" / "english.txt"


def build(level: str, text: str = TEXT, **options: Any) -> Tokenizer:
    config = Config(tokenizer=TokenizerConfig(level, **options)).resolve().tokenizer
    return build_tokenizer(config, [text])


@pytest.fixture(scope="module", params=LEVELS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return build(request.param)


@pytest.fixture
def no_rjieba(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if rjieba were not installed."""
    real_find, real_import = importlib.util.find_spec, importlib.import_module

    def import_module(name: str, package: str | None = None) -> Any:
        if name == "rjieba":
            raise ImportError(name)
        return real_import(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "rjieba" else real_find(name))
    monkeypatch.setattr(importlib, "import_module", import_module)
    words._load_rjieba.cache_clear()
    yield
    words._load_rjieba.cache_clear()


# Round trips


@pytest.mark.parametrize("text", SAMPLES)
def test_decode_returns_what_was_encoded(tokenizer: Tokenizer, text: str) -> None:
    normal = normalize(text, NormalizeConfig("none"))
    ids = tokenizer.encode(text)
    assert ids.dtype == np.int32
    assert ids.ndim == 1
    assert tokenizer.decode(ids) == text
    assert tokenizer.decode(tokenizer.encode(normal).tolist()) == normal
    assert tokenizer.unknown_characters(text) == []


@settings(deadline=None)
@given(text=st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(TEXT)), max_size=30))
def test_decode_loses_only_unknown_characters(tokenizer: Tokenizer, text: str) -> None:
    unknown = tokenizer.unknown_characters(text)
    assert unknown == [char for char in dict.fromkeys(text) if char in unknown]
    expected = "".join("\ufffd" if char in unknown else char for char in text)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == expected
    assert (UNKNOWN_ID in ids) == bool(unknown)
    if tokenizer.level in ("byte", "bpe"):
        assert not unknown


@settings(deadline=None)
@given(data=st.data())
def test_decoder_streams_what_decode_returns(tokenizer: Tokenizer, data: st.DataObject) -> None:
    ids = data.draw(st.lists(st.integers(0, tokenizer.vocab_size - 1), max_size=30))
    decoder = tokenizer.decoder()
    assert "".join([*map(decoder.feed, ids), decoder.finish()]) == tokenizer.decode(ids)


def test_decoder_gives_complete_characters_only() -> None:
    decoder = build("byte").decoder()
    ids = build("byte").encode("a你")
    assert [decoder.feed(int(token_id)) for token_id in ids] == ["a", "", "", "你"]
    assert decoder.feed(int(ids[1])) == ""
    assert decoder.finish() == "\ufffd"


def test_decode_gives_nothing_for_padding_and_a_mark_for_unknown(tokenizer: Tokenizer) -> None:
    x = tokenizer.encode("x").tolist()
    assert tokenizer.decode([PADDING_ID, *x, UNKNOWN_ID, PADDING_ID]) == "x\ufffd"
    assert tokenizer.decode([]) == tokenizer.decode(np.zeros(0, np.int32)) == ""
    assert tokenizer.decode(np.array([*x, *x], np.uint8 if x[0] < 256 else np.int64)) == "xx"


@pytest.mark.parametrize("bad", [-1, 10**6])
def test_decode_refuses_an_id_outside_of_the_vocabulary(tokenizer: Tokenizer, bad: int) -> None:
    message = f"token id {bad} is not in the vocabulary: expected 0 to {tokenizer.vocab_size - 1}"
    with pytest.raises(TokenizerError, match=message):
        tokenizer.decode([2, bad])
    with pytest.raises(TokenizerError, match=message):
        tokenizer.decoder().feed(bad)
    with pytest.raises(TokenizerError, match=message):
        tokenizer.token_text(bad)


def test_encode_survives_lone_surrogates(tokenizer: Tokenizer) -> None:
    assert "\ufffd" in tokenizer.decode(tokenizer.encode("a\ud800b"))


def test_token_text_shows_every_token(tokenizer: Tokenizer) -> None:
    texts = [tokenizer.token_text(token_id) for token_id in range(tokenizer.vocab_size)]
    assert texts[:2] == ["<padding>", "<unknown>"]
    assert all(texts)
    if tokenizer.level == "byte":
        assert (texts[2 + 97], texts[2 + 0xE4]) == ("a", "<e4>")


# Saving


def test_to_json_and_back_is_an_identity(tokenizer: Tokenizer) -> None:
    saved = json.loads(json.dumps(tokenizer.to_json()))
    again = tokenizer_from_json(saved)
    assert again.to_json() == tokenizer.to_json() == saved
    assert (again.level, again.vocab_size) == (tokenizer.level, tokenizer.vocab_size)
    for text in SAMPLES:
        assert again.encode(text).tolist() == tokenizer.encode(text).tolist()


def test_build_tokenizer_gives_the_same_ids_twice(tokenizer: Tokenizer) -> None:
    assert build(tokenizer.level).to_json() == tokenizer.to_json()


@pytest.mark.parametrize("level", ["word", "bpe"])
def test_build_tokenizer_does_not_depend_on_hash_seeds(level: str) -> None:
    code = (
        "import hashlib, json, textrnn.text.tokens.load as t, textrnn.text.options as c\n"
        f"k = t.build_tokenizer(c.TokenizerConfig({level!r}, 300, 1), ['ab ba abc cab bca ' * 9 + 'de ed fe ef'])\n"
        "print(json.dumps(k.to_json(), sort_keys=True))"
    )
    root = str(Path(word_level.__file__).parents[3])
    outputs = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root}
        command = [sys.executable, "-c", code]
        outputs.add(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert len(outputs) == 1


@pytest.mark.parametrize("values", [None, [], {}, {"level": "subword"}, {"level": ["char"]}, {"level": 3}, "char"])
def test_tokenizer_from_json_refuses_an_unknown_level(values: Any) -> None:
    with pytest.raises(TokenizerError, match="damaged: its level is"):
        tokenizer_from_json(values)


@pytest.mark.parametrize(
    "values",
    [
        {"level": "char"},
        {"level": "char", "tokens": ["a"], "more": 1},
        {"level": "char", "tokens": []},
        {"level": "char", "tokens": "ab"},
        {"level": "char", "tokens": ["a", "a"]},
        {"level": "char", "tokens": ["a", 1]},
        {"level": "char", "tokens": ["a", ""]},
        {"level": "char", "tokens": ["a", "bc"]},
        {"level": "char", "tokens": ["a", "\ud800"]},
        {"level": "char", "tokens": ["a", ["b"]]},
        {"level": "byte", "tokens": ["a"]},
        {"level": "word", "tokens": ["a"]},
        {"level": "word", "tokens": ["a"], "segmenter": "os.system"},
        {"level": "word", "tokens": ["a"], "segmenter": ["rjieba"]},
        {"level": "word", "tokens": ["a", "a"], "segmenter": "character"},
        {"level": "bpe"},
        {"level": "bpe", "library": None},
        {"level": "bpe", "library": {"model": {"type": "WordPiece"}}},
        {"level": "bpe", "library": {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}},
    ],
)
def test_tokenizer_from_json_refuses_damaged_settings(values: Any) -> None:
    with pytest.raises(TokenizerError, match="the saved tokenizer is damaged"):
        tokenizer_from_json(values)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["added_tokens"], [{"id": 0, "content": "<s>"}]),
        (["model"], None),
        (["model", "vocab"], None),
        (["model", "merges"], None),
        (["model", "merges"], [["a"]]),
        (["model", "merges"], [["a", "no such"]]),
        (["model", "merges"], [[1, 2]]),
        (["model", "vocab", "a"], 10**6),
        (["model", "vocab", "a"], True),
        (["model", "vocab", "a"], "0"),
        (["model", "vocab", "你"], 300),
    ],
)
def test_tokenizer_from_json_refuses_damaged_bpe(path: list[str], value: Any) -> None:
    values = copy.deepcopy(build("bpe", vocab_size=302).to_json())
    inner = values["library"]
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(TokenizerError, match="the saved tokenizer is damaged"):
        tokenizer_from_json(values)


def test_tokenizer_from_json_ignores_other_settings_of_the_library() -> None:
    tokenizer = build("bpe")
    values = copy.deepcopy(tokenizer.to_json())
    values["library"]["normalizer"] = {"type": "Lowercase"}
    values["library"]["post_processor"] = {"type": "Nonsense"}
    assert tokenizer_from_json(values).encode("ABC").tolist() == tokenizer.encode("ABC").tolist()


# Building


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("pieces", "message"),
    [([], "the text is empty"), ([""], "the text is empty"), (["a", "aaa"], "a single distinct character 'a'")],
)
def test_build_tokenizer_refuses_nothing_to_learn(level: str, pieces: list[str], message: str) -> None:
    config = Config(tokenizer=TokenizerConfig(level)).resolve().tokenizer
    with pytest.raises(TokenizerError, match=message):
        build_tokenizer(config, pieces)


def test_build_tokenizer_refuses_a_count_that_nothing_reaches() -> None:
    with pytest.raises(TokenizerError, match="no character is seen 3 times"):
        build("char", "aabb", min_count=3)


def test_build_tokenizer_reads_pieces_once(tokenizer: Tokenizer) -> None:
    pieces = iter(list(recut([TEXT], 50)))
    config = Config(tokenizer=TokenizerConfig(tokenizer.level)).resolve().tokenizer
    assert build_tokenizer(config, pieces).vocab_size == tokenizer.vocab_size
    assert next(pieces, None) is None


@settings(deadline=None)
@given(text=st.text(st.sampled_from("aé你😀 \n"), max_size=30), size=st.integers(1, 7))
def test_char_and_byte_do_not_depend_on_pieces(text: str, size: int) -> None:
    text += "ab"
    pieces = [text[begin : begin + size] for begin in range(0, len(text), size)]
    for level in ("char", "byte"):
        whole = build(level, text)
        config = Config(tokenizer=TokenizerConfig(level)).resolve().tokenizer
        in_pieces = build_tokenizer(config, pieces)
        assert in_pieces.to_json() == whole.to_json()
        assert np.concatenate([whole.encode(piece) for piece in pieces]).tolist() == whole.encode(text).tolist()


@pytest.mark.parametrize("level", ["word", "bpe"])
@pytest.mark.parametrize("text", ["one two,  three\n\nfour(five) " * 9, "床前明月光，疑是地上霜。" * 9])
def test_word_and_bpe_do_not_depend_on_pieces_cut_at_safe_places(level: str, text: str) -> None:
    tokenizer = build(level, text)
    ids = [tokenizer.encode(piece) for piece in recut([text], 20)]
    assert len(ids) > 3
    assert np.concatenate(ids).tolist() == tokenizer.encode(text).tolist()


def test_char_ids_are_by_count_then_character() -> None:
    tokenizer = build("char", "hello\nworld")
    assert tokenizer.to_json() == {"level": "char", "tokens": ["l", "o", "\n", "d", "e", "h", "r", "w"]}
    assert tokenizer.vocab_size == 10
    assert tokenizer.encode("low!").tolist() == [2, 3, 9, UNKNOWN_ID]


def test_char_vocabulary_is_limited_by_size_and_count() -> None:
    assert build("char", "aaabbc", vocab_size=4).to_json()["tokens"] == ["a", "b"]
    limited = build("char", "aaabbc", min_count=2)
    assert limited.to_json()["tokens"] == ["a", "b"]
    assert limited.unknown_characters("xacx😀") == ["x", "c", "😀"]
    assert limited.encode("xacx😀").tolist() == [1, 2, 1, 1, 1]


def test_byte_ids_are_bytes_and_two() -> None:
    tokenizer = build("byte")
    assert tokenizer.vocab_size == 258
    assert tokenizer.encode("a\n你").tolist() == [99, 12, 0xE4 + 2, 0xBD + 2, 0xA0 + 2]


# Words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't  panic!", ["Don't", " ", " panic", "!"]),
        ("rock 'n' roll’s", ["rock", " '", "n", "'", " roll’s"]),
        ("a\n\n\n b", ["a", "\n\n\n", " b"]),
        ("    x \t\ty ", ["   ", " x", " ", "\t\t", "y", " "]),
        ("नमस्ते e\u0301t𝒜", ["नमस्ते", " e\u0301t𝒜"]),
        ("a_b (c)", ["a", "_", "b", " (", "c", ")"]),
        ("你好 ok吗", ["你", "好", " ok", "吗"]),
        (" " * 20 + "a", [" " * 16, " " * 3, " a"]),
        ("👩‍👧", ["👩", "\u200d", "👧"]),
    ],
)
def test_split_words_table(text: str, expected: list[str]) -> None:
    assert split_words(text, LOSSLESS) == expected


@pytest.mark.parametrize(
    ("text", "rule", "expected"),
    [
        ("Don’t!! I'll see:-)... x=D", SPACED, "do n't !! i 'll see :-) ... x =d"),
        ("@Ann #tea's http://a.b/c?d <3", SPACED, "@ann #tea 's http://a.b/c?d <3"),
        ("so<br />good &amp; bad", SPACED, "so good & bad"),
        ("tea茶很b", SPACED, "tea 茶 很 b"),
        ("Tea茶很，  好!", UNSPACED, "tea茶很， 好!"),
    ],
)
def test_split_words_by_folding_rules(text: str, rule: str, expected: str) -> None:
    assert split_words(text, rule) == expected.split()
    assert split_texts([text, "", f"{text}\nb"], rule) == [*expected.split(), "\n", "\n", *expected.split(), "b"]


@settings(deadline=None)
@given(st.text(st.one_of(st.characters(), st.sampled_from(" \n\t'’a1我们_")), max_size=40))
def test_split_words_adds_up_to_the_text(text: str) -> None:
    assert "".join(split_words(text, LOSSLESS)) == text
    if importlib.util.find_spec("rjieba"):
        assert "".join(split_words(text, LOSSLESS, "rjieba")) == text


def test_word_vocabulary_has_all_characters_and_frequent_words() -> None:
    tokenizer = build("word", "the cat, the dog, the cow", min_count=2)
    assert tokenizer.to_json() == {
        "level": "word",
        "segmenter": "character",
        "tokens": [*" teh", *",co", *"adgw", " the"],
    }
    assert [tokenizer.token_text(i) for i in tokenizer.encode("the dog in the")] == [
        "t",
        "h",
        "e",
        " ",
        "d",
        "o",
        "g",
        " ",
        "<unknown>",
        "<unknown>",
        " the",
    ]


def test_word_vocabulary_keeps_the_most_frequent_characters_first() -> None:
    tokenizer = build("word", "aa aa aa bb bb c", vocab_size=5)
    assert tokenizer.to_json()["tokens"] == ["a", " ", "b"]
    assert tokenizer.decode(tokenizer.encode("aa bc")) == "aa b\ufffd"


def test_word_spells_a_known_word_after_an_unseen_blank() -> None:
    tokenizer = build("word", "cat\ncat\n dog dog")
    assert [tokenizer.token_text(i) for i in tokenizer.encode("cat cat dog")] == ["cat", " ", "cat", " dog"]


def test_word_counting_forgets_rare_words_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_level, "MAX_COUNTED_WORDS", 3)
    tokenizer = build("word", "aa bb cc dd aa bb aa", min_count=1)
    assert tokenizer.to_json()["tokens"][-2:] == [" aa", " bb"]


def test_word_without_rjieba_takes_chinese_characters(no_rjieba: None) -> None:
    tokenizer = build("word", "我们的我们")
    assert tokenizer.to_json()["segmenter"] == "character"
    assert tokenizer.encode("我们").size == 2


def test_word_trained_with_rjieba_needs_it_for_chinese_only(no_rjieba: None) -> None:
    tokenizer = tokenizer_from_json({"level": "word", "segmenter": "rjieba", "tokens": ["a", "我", "们", "我们"]})
    assert tokenizer.decode(tokenizer.encode("aa")) == "aa"
    assert tokenizer.decode([5]) == "我们"
    with pytest.raises(TokenizerError, match=r"pip install 'textrnn\[chinese\]'"):
        tokenizer.encode("a我")


def test_word_cuts_chinese_with_rjieba() -> None:
    pytest.importorskip("rjieba")
    tokenizer = build("word", "我们喜欢北京，我们喜欢读书。")
    assert tokenizer.to_json()["segmenter"] == "rjieba"
    assert [tokenizer.token_text(i) for i in tokenizer.encode("我们喜欢北京")] == ["我们", "喜欢", "北", "京"]
    assert build("word", "no Chinese here").to_json()["segmenter"] == "character"


# Byte pairs


def test_bpe_merges_the_most_frequent_pair_first() -> None:
    tokenizer = build("bpe", "aab aab aab aac", vocab_size=259, min_count=1)
    assert tokenizer.vocab_size == 259
    assert tokenizer.token_text(258) == "aa"
    assert tokenizer.encode("aab").size == 2


def library_of(tokenizer: Any) -> Any:
    import tokenizers

    return tokenizers.Tokenizer.from_str(json.dumps(tokenizer.to_json()["library"]))


@pytest.mark.parametrize("short_chars", [0, 1 << 12])
def test_bpe_agrees_with_the_library(short_chars: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textrnn.text.tokens.bpe.SHORT_CHARS", short_chars)
    tokenizer = build("bpe")
    library = library_of(tokenizer)
    for text in SAMPLES:
        ids = library.encode(text).ids
        assert tokenizer.encode(text).tolist() == [token_id + 2 for token_id in ids]
        assert tokenizer.decode(np.array(ids, np.int64) + 2) == library.decode(ids) == text


@pytest.fixture(scope="module")
def subwords() -> tuple[Any, Any]:
    tokenizer = build("bpe", ENGLISH.read_text(encoding="utf-8"), vocab_size=600)
    return tokenizer, library_of(tokenizer)


@given(st.text() | st.text("ab '\n\t .stredlmv1²Ⅷéñ\u3000\xa0\u2028\x1c\x85中ºª\u0301", max_size=40))
def test_short_texts_are_encoded_as_by_the_library(subwords: tuple[Any, Any], text: str) -> None:
    tokenizer, library = subwords
    assert tokenizer.encode(text).tolist() == [token_id + 2 for token_id in library.encode(text).ids]


def test_bpe_needs_no_library_once_it_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    trained, text = build("bpe"), 200 * TEXT
    ids = trained.encode(text)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    again = tokenizer_from_json(trained.to_json())
    assert again.encode(text).tolist() == ids.tolist() and again.decode(ids) == text


@pytest.mark.parametrize("level", LEVELS)
def test_encode_takes_megabytes_without_white_space(level: str) -> None:
    text = "abcdefghij" * 100_000
    tokenizer = build(level, text[:1000], min_count=None)
    assert tokenizer.decode(tokenizer.encode(text)) == text
