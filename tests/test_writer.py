"""Writing with models that are no networks: one spells a word, one draws from a fixed distribution."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from textrnn.base.errors import ConfigError, RunError
from textrnn.language_model.generation_loop import Continuation, Stream, write
from textrnn.language_model.random_state import row_rng
from textrnn.language_model.rows import read_prompt
from textrnn.language_model.sample_options import SampleConfig
from textrnn.language_model.stop_sequences import StopScanner
from textrnn.text.options import NormalizeConfig
from textrnn.text.tokens.char import ByteTokenizer, CharTokenizer

GREEDY = SampleConfig(length=12, temperature=0)


class Speller:
    """Spells a word over and over; a prompt only moves it on in the word. Its state counts the tokens read."""

    normalize_config = NormalizeConfig()
    end_id = None

    def __init__(self, word, tokenizer=None, start_id=2):
        self.tokenizer = tokenizer or CharTokenizer(sorted(set(word)))
        self.vocab_size, self.start_id = self.tokenizer.vocab_size, start_id
        self.ids = self.tokenizer.encode(word)
        self.widths, self.read_ids = [], []

    def _logits(self, counts):
        following = self.ids[(counts.astype(int) - 1) % len(self.ids)]
        logits = np.zeros((self.vocab_size, len(following)), np.float32)
        logits[following, np.arange(len(following))] = 30
        return logits.T

    def initial_state(self, rows):
        return [np.zeros((1, rows), np.float32)]

    def step(self, ids, state):
        assert ids.dtype == np.int32 and ids.shape == (state[0].shape[1],)
        self.widths.append(len(ids))
        counts = state[0] + 1
        return self._logits(counts[0]), [counts]

    def read(self, ids, state):
        assert ids.dtype == np.int32
        self.read_ids.append(ids.tolist())
        counts = state[0] + len(ids)
        return self._logits(counts[0]), [counts]


class Dice(Speller):
    """Draws from one distribution whatever was before."""

    def __init__(self, weights):
        super().__init__("".join(weights))
        self.row = np.full(self.vocab_size, 5, np.float32)  # the reserved ids are no part of the distribution
        for char, weight in weights.items():
            self.row[self.tokenizer.encode(char)] = math.log(weight)

    def _logits(self, counts):
        return np.tile(self.row[:, None], (1, len(counts))).T


def encode(model, text):
    return model.tokenizer.encode(text)


def stream_text(model, prompt, config, **keywords):
    """The text of a stream, and the stream."""
    stream = Stream(model, encode(model, prompt), row_rng(7, 0))
    return "".join(stream.write(config, **keywords)), stream


def write_texts(model, prompts, config, **keywords):
    read = [read_prompt(model, encode(model, prompt)) for prompt in prompts]
    return write(model, read, [row_rng(7, number) for number in range(len(read))], config, **keywords)


def test_stream_spells_the_word():
    text, stream = stream_text(Speller("hello "), "", GREEDY)
    assert (text, stream.num_tokens, stream.stop_reason) == ("hello hello ", 12, "length")


@pytest.mark.parametrize(("prompt", "fed"), [("", [4]), ("ol", [4, 5, 4])])
def test_read_prompt_feeds_the_start_token_first(prompt, fed):
    model = Speller("hello", start_id=4)
    prompt_read = read_prompt(model, encode(model, prompt))
    assert model.read_ids == [fed]
    assert prompt_read.recent[0, 64 - len(prompt) :].tolist() == fed[1:] and prompt_read.recent.shape == (1, 64)
    assert (prompt_read.recent[0, : 64 - len(prompt)] == 0).all()


def test_read_prompt_remembers_the_last_tokens_of_a_long_one():
    model = Speller("hello")
    ids = encode(model, "hello" * 30)
    assert read_prompt(model, ids).recent[0].tolist() == ids[-64:].tolist()


def test_stream_does_not_read_more_tokens_than_it_must():
    model = Speller("hello")
    stream_text(model, "", GREEDY)
    assert len(model.widths) == 11


def test_stream_goes_on_where_it_ended():
    model = Speller("hello")
    stream = Stream(model, encode(model, ""), row_rng(0))
    pieces = ["".join(stream.write(SampleConfig(length=length, temperature=0))) for length in (3, 0, 4, 1)]
    assert (pieces, stream.num_tokens) == (["hel", "", "lohe", "l"], 8)


def test_stream_gives_whole_characters_only():
    model = Speller("añ€😀", ByteTokenizer())
    stream = Stream(model, encode(model, ""), row_rng(0))
    assert list(stream.write(SampleConfig(length=10, temperature=0))) == ["a", "ñ", "€", "😀"]
    assert list(stream.write(SampleConfig(length=2, temperature=0))) == ["a", "\ufffd"]


def test_stream_without_flush_completes_a_character_later():
    model = Speller("a€", ByteTokenizer())
    stream = Stream(model, encode(model, ""), row_rng(0))
    config = SampleConfig(length=3, temperature=0)
    assert [list(stream.write(config, flush=False)) for _ in range(3)] == [["a"], ["€", "a"], ["€", "a"]]


@pytest.mark.parametrize(
    ("word", "stops", "expected"),
    [
        ("hello world. ", ["world"], "hello "),  # over several tokens
        ("hello world. ", ["hello"], ""),  # at the very beginning
        ("hello world. ", ["h"], ""),
        ("aaabc", ["aab"], "a"),  # a partial match that is none, overlapping the real one
        ("ababac", ["abac"], "ab"),
        ("abcd", ["abcd", "bc"], "a"),  # the one that is complete first counts
        ("abcd", ["bc", "abc"], ""),  # and the longer one if both are
        ("hello world. ", ["lp", "o w"], "hell"),
        ("a€b", ["€"], "a"),
    ],
)
def test_stops_end_a_text_and_are_left_out(word, stops, expected):
    for tokenizer in (None, ByteTokenizer()):
        model = Speller(word, tokenizer)
        text, stream = stream_text(model, "", GREEDY, stops=stops)
        assert (text, stream.stop_reason) == (expected, "stop")
        (batched,) = write_texts(model, [""], GREEDY, stops=stops)
        assert (batched.text, batched.stop_reason, batched.num_tokens) == (expected, "stop", stream.num_tokens)


def test_stops_that_never_come_take_nothing_away():
    model = Speller("hello ")
    text, stream = stream_text(model, "", GREEDY, stops=["hello hello h", "xyz"])
    assert (text, stream.stop_reason) == ("hello hello ", "length")
    assert write_texts(model, [""], GREEDY, stops=["hello hello h"])[0].text == "hello hello "


def test_stop_in_the_prompt_does_not_count():
    text, _ = stream_text(Speller("hello "), "hell", SampleConfig(length=2, temperature=0), stops=["llo"])
    assert text == "o "


def test_stop_that_only_a_broken_character_completes():
    model = Speller("a€", ByteTokenizer())
    config = SampleConfig(length=2, temperature=0)
    text, stream = stream_text(model, "", config, stops=["\ufffd"])
    assert (text, stream.stop_reason) == ("a", "stop")
    assert write_texts(model, [""], config, stops=["\ufffd"]) == [Continuation("a", 2, "stop")]


def test_pieces_come_as_soon_as_they_can():
    model = Speller("abcabd")
    stream = Stream(model, encode(model, ""), row_rng(0))
    assert list(stream.write(GREEDY, stops=["abd"])) == ["abc"]
    assert stream.stop_reason == "stop"


@pytest.mark.parametrize("stops", [[""], ["a", ""]])
def test_stop_must_not_be_empty(stops):
    model = Speller("hello")
    with pytest.raises(ConfigError, match="--stop is empty"):
        stream_text(model, "", GREEDY, stops=stops)
    with pytest.raises(ConfigError, match="--stop is empty"):
        write_texts(model, [""], GREEDY, stops=stops)


def slow_stop(text, stops):
    """What is left of a text that is looked at after each character."""
    for end in range(1, len(text) + 1):
        found = [end - len(stop) for stop in stops if text[:end].endswith(stop)]
        if found:
            return text[: min(found)], True
    return text, False


SHORT = st.text("ab", min_size=1, max_size=4)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.text("abc", max_size=5), max_size=8), st.lists(SHORT, min_size=1, max_size=3))
@example(["aaab"], ["aab"])
@example(list("aaab"), ["aab"])
def test_stop_scanner_does_not_depend_on_the_pieces(pieces, stops):
    scanner, given_out = StopScanner(stops), []
    for piece in pieces:
        given_out.append(scanner.feed(piece))
        text = "".join(given_out)
        if scanner.found:
            break
        # What is held back must be needed: all of it begins some stop text.
        so_far = "".join(pieces[: len(given_out)])
        held = so_far[len(text) :]
        assert text + held == so_far and (not held or any(stop.startswith(held) for stop in stops))
    expected, found = slow_stop("".join(pieces), stops)
    assert ("".join(given_out) + scanner.finish(), scanner.found) == (expected, found)


def test_write_finishes_rows_one_by_one():
    model = Speller("abcdefgh")
    prompts = ["", "a", "ab", "abc", "abcd", "abcde", "abcdef"]
    found = write_texts(model, prompts, SampleConfig(length=20, temperature=0), stops=["h"])
    assert [row.text for row in found] == ["abcdefg", "bcdefg", "cdefg", "defg", "efg", "fg", "g"]
    assert [row.num_tokens for row in found] == [8, 7, 6, 5, 4, 3, 2]
    assert {row.stop_reason for row in found} == {"stop"}
    assert model.widths == [7, 7, 7, 7, 3, 3, 1]  # finished rows leave when half of a batch is finished


@pytest.mark.parametrize("stops", [[], ["xx"]])
def test_write_ends_at_the_end_token(stops):
    model = Speller("abc.")
    model.end_id = int(encode(model, ".")[0])
    found = write_texts(model, ["", "ab"], GREEDY, stops=stops, measure=True)
    assert [(row.text, row.num_tokens, row.stop_reason) for row in found] == [("abc", 3, "end"), ("c", 1, "end")]
    text, stream = stream_text(model, "a", GREEDY, stops=stops)
    assert (text, stream.num_tokens, stream.stop_reason) == ("bc", 2, "end")


@pytest.mark.parametrize("stops", [[], ["he"]])
def test_write_length_zero(stops):
    model = Speller("hello")
    config = SampleConfig(length=0)
    assert write_texts(model, ["", "h"], config, stops=stops, measure=True) == [Continuation("", 0, "length")] * 2
    assert stream_text(model, "", config, stops=stops)[0] == ""


def test_write_nothing():
    assert write_texts(Speller("hello"), [], GREEDY) == []


SETTINGS = [{}, {"temperature": 1.5}, {"top_k": 2}, {"top_p": 0.8}, {"repetition_penalty": 2.0}, {"min_p": 0.2}]


@pytest.mark.parametrize("options", SETTINGS)
@pytest.mark.parametrize("stops", [[], ["cab"]])
def test_write_gives_each_row_what_it_would_be_alone(options, stops):
    model, config = Dice({"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1}), SampleConfig(length=300, **options)
    together = write_texts(model, ["a", "b", "", "abcd", "d"], config, stops=stops, measure=True)
    assert together == write_texts(model, ["a", "b", "", "abcd", "d"], config, stops=stops, measure=True)
    assert together[:1] == write_texts(model, ["a"], config, stops=stops, measure=True)
    assert len({row.text for row in together}) > 1
    assert stream_text(model, "a", config, stops=stops)[0] == together[0].text


def test_write_follows_the_distribution():
    model = Dice({"a": 0.5, "b": 0.3, "c": 0.2})
    text = "".join(row.text for row in write_texts(model, [""] * 20, SampleConfig(length=2000, temperature=1)))
    # Four standard deviations of 40,000 draws are at most 0.01.
    assert text.count("a") / 40_000 == pytest.approx(0.5, abs=0.01)
    assert text.count("c") / 40_000 == pytest.approx(0.2, abs=0.01)


def test_repetition_penalty_looks_back_64_tokens():
    letters = "".join(chr(0x4E00 + number) for number in range(70))
    model = Dice(dict.fromkeys(letters, 100.0))
    config = SampleConfig(length=300, temperature=0, repetition_penalty=10)
    text, _ = stream_text(model, letters[0], config)
    # Of letters as likely as each other comes the first that is not among the last 64: so 65 of them in turn.
    assert letters[0] + text == (letters[:65] * 5)[:301]


def test_bits_per_char_is_the_models_own_at_temperature_one():
    model = Dice({"a": 0.5, "b": 0.25, "c": 0.25})
    config = SampleConfig(length=40, temperature=3, top_k=2)
    (row,) = write_texts(model, [""], config, measure=True)
    expected = sum({"a": 1, "b": 2, "c": 2}[char] for char in row.text) / 40
    assert row.bits_per_char == pytest.approx(expected, rel=1e-6)
    assert write_texts(model, [""], config)[0].bits_per_char is None


def test_bits_per_char_counts_the_text_without_the_stop_text():
    model = Dice({"a": 0.5, "b": 0.25, "c": 0.125, "d": 0.125})
    rows = write_texts(model, [""] * 30, SampleConfig(length=40, temperature=1), stops=["d"], measure=True)
    assert any(row.text for row in rows) and not all(row.text for row in rows)
    for row in rows:
        bits = [{"a": 1, "b": 2, "c": 3}[char] for char in row.text]
        assert row.bits_per_char == (pytest.approx(sum(bits) / len(bits)) if bits else None)


def test_bits_per_char_is_per_character_and_not_per_token():
    model = Speller("€", ByteTokenizer())
    model._logits = lambda counts: np.where(np.isin(np.arange(258), model.ids), 0, -np.inf)[None, :].astype(np.float32)
    model.ids = model.ids[:1]
    (row,) = write_texts(model, [""], SampleConfig(length=4), measure=True)
    assert row == Continuation("\ufffd" * 4, 4, "length", 0.0)


def test_write_says_when_a_model_gives_nothing():
    model = Speller("hello")
    model._logits = lambda counts: np.full((len(counts), model.vocab_size), np.nan, np.float32)
    with pytest.raises(RunError, match="diverged"):
        stream_text(model, "", GREEDY)
    with pytest.raises(RunError, match="diverged"):
        write_texts(model, [""], GREEDY)


class Instant(Dice):
    """A model whose step costs nothing, so that what is measured is the rest of the loop."""

    def __init__(self, rows):
        super().__init__({chr(0x4E00 + number): 1.0 for number in range(65)})
        self.logits = super()._logits(np.zeros(rows))

    def step(self, ids, state):
        return self.logits, state

    def read(self, ids, state):
        return self.logits[:1], state


def test_stream_takes_constant_memory():
    model = Instant(1)
    pieces = Stream(model, encode(model, ""), row_rng(0)).write(SampleConfig(length=20_000), stops=["\u4e00" * 9])
    for _ in range(1000):
        next(pieces)
    tracemalloc.start()
    try:
        for _ in range(5000):
            next(pieces)
        assert tracemalloc.get_traced_memory()[0] < 20_000
    finally:
        tracemalloc.stop()
