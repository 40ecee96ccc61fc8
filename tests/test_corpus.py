"""From files to ids on disk: where the text is split, what the vocabulary sees, and that nothing is lost."""

import dataclasses
import errno
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textrnn.base.errors import DataError, RunError, TokenizerError
from textrnn.text import corpus
from textrnn.text.corpus import (
    between,
    check_ids,
    copy_ids,
    count_chars,
    forget_pages,
    largest_id,
    map_ids,
    normalized_text,
    prepare,
    smallest_dtype,
    start_id,
    write_ids,
)
from textrnn.text.options import NormalizeConfig, TokenizerConfig
from textrnn.text.reader import Reading, as_bytes, inspect_file, open_sources, pieces
from textrnn.text.tokens.load import UNKNOWN_ID, build_tokenizer

LEVELS = ("char", "byte", "word", "bpe")
WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "naïve", "dogs", "ran,", "far.", "中文", "也好"]


def tokenizer_config(level, **options):
    default = {"vocab_size": {"word": 60, "bpe": 300}.get(level), "min_count": 1}
    return TokenizerConfig(level=level, **{**default, **options})


def story(num_words, seed=0):
    rng = np.random.default_rng(seed)
    ends = rng.choice([" ", " ", " ", "\n"], num_words)
    return "".join(word + end for word, end in zip(rng.choice(WORDS, num_words), ends, strict=True))


@pytest.fixture
def make(tmp_path):
    """Writes texts to files and prepares them."""

    def sources(*texts, prefix="text"):
        found = []
        for number, text in enumerate(texts):
            path = tmp_path / f"{prefix}{number}.txt"
            path.write_bytes(text.encode())
            found.append(inspect_file(str(path)))
        return found

    def make(*texts, level="char", held_out=0.1, validation=(), normalize=None, **options):
        return prepare(
            sources(*texts),
            sources(*validation, prefix="valid"),
            tmp_path / "checkpoint",
            normalize=normalize or NormalizeConfig(),
            tokenizer=tokenizer_config(level, **options),
            held_out=held_out,
        )

    make.sources = sources
    return make


def text_of(part, tokenizer):
    return tokenizer.decode(part.ids)


@pytest.mark.parametrize(
    ("num_chars", "held_out", "num_train"),
    [(1_115_394, 0.1, 1_003_854), (10, 0.1, 9), (100, 0.3, 70), (11, 0.1, 9), (20, 0.9, 2), (4, 0.5, 2), (7, 0.2, 5)],
)
def test_prepare_splits_at_the_share_of_characters(make, num_chars, held_out, num_train):
    text = ("ab" * num_chars)[:num_chars]
    found = make(text, held_out=held_out)
    assert (found.train.num_chars, found.valid.num_chars) == (num_train, num_chars - num_train)
    assert num_train == int(num_chars * round(1 - held_out, 6) + 1e-9)
    assert text_of(found.train, found.tokenizer) + text_of(found.valid, found.tokenizer) == text


@pytest.mark.parametrize("level", LEVELS)
def test_prepare_splits_at_the_same_character_for_every_level(make, level):
    text = story(500)
    cut = int(0.9 * len(text))
    found = make(text, level=level)
    assert (found.train.num_chars, found.valid.num_chars) == (cut, len(text) - cut)
    assert text_of(found.train, found.tokenizer) == text[:cut]
    assert text_of(found.valid, found.tokenizer) == text[cut:]
    assert found.tokenizer.level == level


@pytest.mark.parametrize("level", LEVELS)
def test_prepare_gives_the_ids_of_the_parts_as_a_whole(make, level):
    text = story(400)
    found = make(text, level=level)
    cut = found.train.num_chars
    for part, whole in ((found.train, text[:cut]), (found.valid, text[cut:])):
        np.testing.assert_array_equal(part.ids, found.tokenizer.encode(whole))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("num_chars", [7, 50, 333])
def test_prepare_gives_the_same_ids_whatever_the_pieces(make, monkeypatch, level, num_chars):
    text = story(400).replace("sat ", "sat\r\n")
    whole = make(text, level=level)
    expected = [np.array(part.ids) for part in (whole.train, whole.valid)]
    monkeypatch.setattr(corpus, "pieces", lambda source: pieces(source, num_chars))
    assert max(map(len, normalized_text(make.sources(text), NormalizeConfig()))) < 2 * num_chars + 20
    found = make(text, level=level)
    assert found.tokenizer.to_json() == whole.tokenizer.to_json()
    for part, ids in zip((found.train, found.valid), expected, strict=True):
        np.testing.assert_array_equal(part.ids, ids)


def test_prepare_makes_the_vocabulary_from_the_training_part_alone(make):
    found = make("ab" * 45 + "xyzab\n\nabx", held_out=0.1)
    assert (found.train.num_chars, found.valid.num_chars) == (90, 10)
    assert found.tokenizer.to_json()["tokens"] == ["a", "b"]
    assert (found.train.num_unknown, found.valid.num_unknown) == (0, 6)
    assert np.count_nonzero(found.valid.ids == UNKNOWN_ID) == 6
    assert text_of(found.valid, found.tokenizer) == "\ufffd\ufffd\ufffdab\ufffd\ufffdab\ufffd"


@pytest.mark.parametrize("level", ["byte", "bpe"])
def test_prepare_knows_all_characters_of_byte_levels(make, level):
    found = make("ab" * 50 + "中文ab", level=level, held_out=0.05)
    assert found.valid.num_unknown == 0
    assert text_of(found.valid, found.tokenizer).endswith("中文ab")


@pytest.mark.parametrize(
    ("vocab_size", "name"),
    [(1, "uint8"), (256, "uint8"), (257, "uint16"), (65_536, "uint16"), (65_537, "uint32"), (1_000_000, "uint32")],
)
def test_smallest_dtype_holds_the_largest_id(vocab_size, name):
    assert smallest_dtype(vocab_size) == np.dtype(name)


@pytest.mark.parametrize(("num_distinct", "name"), [(254, "uint8"), (255, "uint16")])
def test_prepare_stores_ids_in_the_smallest_type(make, tmp_path, num_distinct, name):
    text = "".join(map(chr, range(0x4E00, 0x4E00 + num_distinct))) * 2
    found = make(text, held_out=0.5)
    assert found.tokenizer.vocab_size == num_distinct + 2
    assert found.train.ids.dtype == np.dtype(name) and isinstance(found.train.ids, np.memmap)
    size = (tmp_path / "checkpoint" / "train.ids").stat().st_size
    assert size == num_distinct * np.dtype(name).itemsize
    again = map_ids(tmp_path / "checkpoint" / "train.ids", smallest_dtype(found.tokenizer.vocab_size))
    np.testing.assert_array_equal(again, found.train.ids)


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        (["one", "two"], "one\ntwo"),
        (["one\n", "two\n"], "one\ntwo\n"),
        (["one\r\n", "two\r", "three"], "one\ntwo\nthree"),
        (["one\n\n", "\ntwo"], "one\n\n\ntwo"),
        (["only"], "only"),
        (["a", "b", "c"], "a\nb\nc"),
    ],
)
def test_normalized_text_joins_files_with_line_ends(make, texts, joined):
    assert "".join(normalized_text(make.sources(*texts), NormalizeConfig())) == joined


def test_normalized_text_joins_a_file_that_normalises_to_nothing(make):
    config = NormalizeConfig(remove_digits=True)
    assert "".join(normalized_text(make.sources("12", "b3"), config)) == "\nb"


def test_prepare_normalises_before_it_counts(make):
    found = make("AB\r\n" * 30, normalize=NormalizeConfig(lowercase=True), held_out=0.5)
    assert (found.train.num_chars, found.valid.num_chars) == (45, 45)
    assert text_of(found.valid, found.tokenizer) == "ab\n" * 15


def test_prepare_takes_validation_files_instead_of_the_end(make):
    found = make("abc\n", "abcabc", validation=["cab", "x\n"], held_out=0.5)
    assert text_of(found.train, found.tokenizer) == "abc\nabcabc"
    assert text_of(found.valid, found.tokenizer) == "cab\n\ufffd\n"
    assert (found.valid.num_chars, found.valid.num_unknown) == (6, 1)
    assert found.tokenizer.to_json()["tokens"] == ["a", "b", "c", "\n"]


@pytest.mark.parametrize("held_out", [0.1, 0.9])
def test_prepare_refuses_a_part_without_characters(make, held_out):
    with pytest.raises(DataError, match="has 1 characters: too few to hold"):
        make("a", held_out=held_out)


@pytest.mark.parametrize("validation", [[], ["ab"]])
def test_prepare_refuses_what_normalises_to_white_space(make, validation):
    with pytest.raises(DataError, match="white space only"):
        make("12 34\n", normalize=NormalizeConfig(remove_digits=True), validation=validation)


def test_prepare_refuses_a_validation_file_that_normalises_to_white_space(make):
    with pytest.raises(DataError, match="white space only"):
        make("some text", normalize=NormalizeConfig(remove_digits=True), validation=["12"])


def test_prepare_refuses_a_training_part_of_one_character(make):
    with pytest.raises(TokenizerError, match="single distinct character"):
        make("a" * 90 + "b" * 10)


@pytest.mark.parametrize("text", [[], [""], [" ", "\n\t", "\u3000"]])
def test_count_chars_refuses_blank_text(text):
    with pytest.raises(DataError, match="empty or white space only"):
        count_chars(text)


def test_prepare_keeps_every_byte_of_what_is_read_byte_by_byte(tmp_path):
    contents = [b"MThd\r\n\r\xff\0 e\xcc\x81" + bytes(range(256)) * 300, "no line end: 天".encode()]
    for number, content in enumerate(contents):
        (tmp_path / str(number)).write_bytes(content)
    reading = Reading(any_bytes=True)
    with open_sources([str(tmp_path / "0"), str(tmp_path / "1")], reading) as (odd, text):
        assert (odd.encoding, text.encoding) == ("bytes", "utf-8")
        settings = dict(normalize=NormalizeConfig(unicode="raw"), tokenizer=TokenizerConfig(level="byte"))
        found = prepare([odd, as_bytes(text)], [], tmp_path / "ids", **settings, held_out=0.5)
    ids = np.concatenate([found.train.ids, found.valid.ids])
    assert (ids - 2).astype(np.uint8).tobytes() == b"".join(contents)
    assert found.train.num_chars + found.valid.num_chars == sum(map(len, contents)) and found.vocab_size == 258
    assert found.tokenizer.decode(ids[:4]) == "MThd"


def test_count_chars_counts_over_pieces():
    assert count_chars(["ab", "", " \n", "é"]) == 5


@given(st.lists(st.text(max_size=6), max_size=8), st.data())
@settings(deadline=None)
def test_between_is_a_slice_of_the_whole(parts, data):
    text = "".join(parts)
    begin = data.draw(st.integers(0, len(text) + 2))
    end = data.draw(st.none() | st.integers(0, len(text) + 2))
    found = list(between(parts, begin, end))
    assert "".join(found) == text[begin:end]
    assert all(found)


def test_between_reads_no_further_than_it_must():
    def parts():
        yield "abc"
        yield "def"
        raise AssertionError("read too far")

    assert "".join(between(parts(), 1, 6)) == "bcdef"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text("ab中\n ", min_size=1), min_size=1, max_size=5))
def test_write_ids_is_read_back_by_map_ids(tmp_path, parts):
    tokenizer = build_tokenizer(tokenizer_config("char"), ["abab\n"])
    text = "".join(parts)
    part = write_ids(parts, tokenizer, tmp_path / "x.ids")
    assert part.num_chars == len(text) and part.num_unknown == text.count("中") + text.count(" ")
    assert tokenizer.decode(part.ids) == re.sub("[中 ]", "\ufffd", text)


def test_write_ids_says_when_the_disk_is_full(tmp_path, monkeypatch):
    tokenizer = build_tokenizer(tokenizer_config("char"), ["ab"])

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(corpus.os, "fsync", full)
    with pytest.raises(RunError, match=r"cannot write the encoded text to .*: No space left on device"):
        write_ids(["abab"], tokenizer, tmp_path / "x.ids")
    with pytest.raises(RunError, match="cannot write"):
        write_ids(["abab"], tokenizer, tmp_path / "nowhere" / "x.ids")


def test_map_ids_refuses_what_is_missing_empty_or_cut(tmp_path):
    (tmp_path / "empty.ids").write_bytes(b"")
    (tmp_path / "cut.ids").write_bytes(b"abc")
    with pytest.raises(RunError, match="is missing"):
        map_ids(tmp_path / "missing.ids", np.dtype(np.uint16))
    for name in ("empty.ids", "cut.ids"):
        with pytest.raises(RunError, match="cannot be read"):
            map_ids(tmp_path / name, np.dtype(np.uint16))


@pytest.mark.parametrize("num_chars", [7, 333])
def test_write_ids_gives_the_checksum_of_the_file(make, monkeypatch, tmp_path, num_chars):
    monkeypatch.setattr(corpus, "pieces", lambda source: pieces(source, num_chars))
    found = make(story(400))
    for name in ("train", "valid"):
        path, part = tmp_path / "checkpoint" / f"{name}.ids", getattr(found, name)
        assert part.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        check_ids(path, part.sha256)


def test_check_ids_finds_every_flipped_bit(tmp_path):
    data = bytes(range(9))
    path, digest = tmp_path / "x.ids", hashlib.sha256(data).hexdigest()
    for place in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(RunError, match=r"x.ids is damaged: .*checksum"):
            check_ids(path, digest)
    path.unlink()
    with pytest.raises(RunError, match="cannot be read: No such file"):
        check_ids(path, digest)


def test_check_ids_and_copy_ids_go_through_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "PIECE_BYTES", 7)
    data = np.arange(33, dtype=np.uint16)
    (tmp_path / "x.ids").write_bytes(data.tobytes())
    digest = hashlib.sha256(data.tobytes()).hexdigest()
    check_ids(tmp_path / "x.ids", digest)
    mapped = map_ids(tmp_path / "x.ids", data.dtype)
    (tmp_path / "x.ids").unlink()  # what is mapped is still there
    copy_ids(mapped, tmp_path / "y.ids")
    check_ids(tmp_path / "y.ids", digest)
    assert [path.name for path in tmp_path.iterdir()] == ["y.ids"]


def test_forget_pages_gives_memory_back_and_keeps_the_ids(tmp_path):
    def resident_bytes():
        return next(
            int(line.split()[1]) * 1024
            for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith("RssFile")
        )

    data = np.random.default_rng(0).integers(256, size=32 << 20, dtype=np.uint8)
    (tmp_path / "x.ids").write_bytes(data.tobytes())
    mapped = map_ids(tmp_path / "x.ids", data.dtype)
    before = resident_bytes()
    assert largest_id(mapped) == data.max()
    assert resident_bytes() - before < 4 << 20
    assert np.array_equal(mapped, data)
    assert resident_bytes() - before > 28 << 20
    forget_pages(mapped)
    assert resident_bytes() - before < 4 << 20
    assert np.array_equal(mapped, data)


def test_forget_pages_leaves_arrays_in_memory_alone():
    ids = np.arange(5)
    forget_pages(ids)
    assert ids.tolist() == [0, 1, 2, 3, 4]


def test_largest_id_sees_the_last_piece(monkeypatch):
    monkeypatch.setattr(corpus, "PIECE_BYTES", 4)
    assert largest_id(np.array([3, 1, 4, 1, 5, 9], np.uint8)) == 9


@pytest.mark.parametrize("level", LEVELS)
def test_start_id_is_a_line_end(level):
    tokenizer = build_tokenizer(tokenizer_config(level), ["ab ab\nab ab\n"])
    assert tokenizer.decode([start_id(tokenizer)]) == "\n"


def test_start_id_is_padding_without_line_ends():
    assert start_id(build_tokenizer(tokenizer_config("char"), ["ab ab"])) == 0


def test_part_cannot_be_changed(make):
    found = make("abcabc", held_out=0.5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.train.num_chars = 3
    with pytest.raises(ValueError, match="read-only"):
        found.train.ids[0] = 3
