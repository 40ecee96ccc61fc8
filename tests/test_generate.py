"""What the generate command does, with a model that draws characters whatever was before."""

import io
import json
import math
import os
import stat
import sys

import numpy as np
import pytest

from textrnn.base.errors import ConfigError, DataError
from textrnn.language_model import generation
from textrnn.language_model.generate import format_jsonl, format_stream, format_text, read_seeds, write_output
from textrnn.language_model.generation import Generated, generate_stream, generate_texts, prepare_prompt, prepare_stops
from textrnn.language_model.generation_loop import Continuation
from textrnn.language_model.interactive import Session
from textrnn.language_model.sample_options import SampleConfig
from textrnn.text.options import NormalizeConfig
from textrnn.text.tokens.char import ByteTokenizer, CharTokenizer
from textrnn.text.tokens.word import WordTokenizer

CONFIG = SampleConfig(length=20, temperature=1, random_seed=11)


class Counter:
    """Each token is followed by the next one of the alphabet, or now and then by another."""

    start_id = 2
    end_id = None

    def __init__(self, alphabet="abcdefgh", *, noise=0.0, normalize_config=None):
        self.tokenizer = CharTokenizer(list(alphabet))
        self.vocab_size = self.tokenizer.vocab_size
        self.normalize_config = normalize_config or NormalizeConfig()
        self.reads = 0
        self._table = np.full((self.vocab_size, self.vocab_size), math.log(noise) if noise else -np.inf, np.float32)
        for token in range(2, self.vocab_size):
            self._table[token, 2 + (token - 1) % len(alphabet)] = 0

    def initial_state(self, rows):
        return [np.zeros((1, rows), np.float32)]

    def step(self, ids, state):
        return self._table[ids], [state[0] + 1]

    def read(self, ids, state):
        self.reads += 1
        return self._table[ids[-1:]], [state[0] + len(ids)]


@pytest.fixture
def model():
    return Counter(noise=0.1)


def test_prepare_prompt_normalises_by_the_models_rules():
    model = Counter("ab\n", normalize_config=NormalizeConfig(lowercase=True, collapse_whitespace=True))
    ids, warnings = prepare_prompt(model, "AB\r\n\r\nb")
    assert (model.tokenizer.decode(ids), warnings) == ("ab\nb", [])


@pytest.mark.parametrize(
    ("seed", "known", "named"),
    [
        ("xaüb", "ab", "'x', 'ü'"),
        ("a\u200bb\x07", "ab", r"'\u200b', '\x07'"),
        ("a\ud83db\udcff", "ab", r"'\ud83d', '\udcff'"),
        ("a\u0301b", "b", "'á'"),
        ("ab\u0301", "ab", r"'\u0301'"),
        ("axxxb", "ab", "'x'"),
        ("a" + "0123456789", "a", "'0', '1', '2', '3', '4', '5', '6', '7', '8', '9'"),
        ("a" + "0123456789XYZ", "a", "'0', '1', '2', '3', '4', '5', '6', '7', '8', '9' and 3 more"),
    ],
)
def test_prepare_prompt_names_and_leaves_out_what_the_model_never_saw(seed, known, named):
    model = Counter("ab")
    ids, warnings = prepare_prompt(model, seed)
    assert model.tokenizer.decode(ids) == known
    assert warnings == [f"the model never saw {named}: left out of the seed {seed!r}"]
    warnings[0].encode()


def test_prepare_prompt_shows_the_beginning_of_a_long_seed():
    _, warnings = prepare_prompt(Counter("ab"), "x" * 100)
    assert warnings[0].endswith("left out of the seed '" + "x" * 39 + "…'")


@pytest.mark.parametrize("seed", ["xyz", "\ud800", "5"])
def test_prepare_prompt_says_when_nothing_remains(seed):
    model = Counter("ab", normalize_config=NormalizeConfig(remove_digits=True))
    ids, warnings = prepare_prompt(model, seed)
    assert len(ids) == 0 and "knows nothing of the seed" in warnings[-1]
    assert not any("\n" in warning for warning in warnings)


def test_prepare_prompt_of_nothing_is_nothing():
    ids, warnings = prepare_prompt(Counter("ab"), "")
    assert ids.dtype == np.int32 and len(ids) == 0 and warnings == []


def test_prepare_prompt_other_levels():
    model = Counter()
    model.tokenizer = ByteTokenizer()
    ids, warnings = prepare_prompt(model, "é\udcff")
    assert ids.tolist() == [0xC3 + 2, 0xA9 + 2] and len(warnings) == 1
    model.tokenizer = WordTokenizer([" ", "a", "b", " ab"], "character")
    ids, warnings = prepare_prompt(model, "ba ab?")
    assert model.tokenizer.decode(ids) == "ba ab" and len(warnings) == 1


def test_prepare_stops_speaks_as_the_model_does():
    model = Counter(normalize_config=NormalizeConfig(lowercase=True, remove_digits=True))
    assert prepare_stops(model, ["END", "1", "e\u0301"]) == ("end", "é")
    with pytest.raises(ConfigError, match="--stop is empty"):
        prepare_stops(model, ["END", ""])


def test_generate_texts_in_order(model):
    texts = list(generate_texts(model, ["a", "", "a"], CONFIG, count=3))
    assert [text.seed for text in texts] == ["a"] * 3 + [""] * 3 + ["a"] * 3
    assert len({text.continuation.text for text in texts}) == 9
    assert model.reads == 3  # once a seed
    assert all(text.continuation.bits_per_char > 0 for text in texts)


@pytest.mark.parametrize("count", [2, 70, 150])
def test_generate_texts_do_not_depend_on_how_many_there_are(model, count):
    first = next(generate_texts(model, ["ab"], CONFIG))
    many = list(generate_texts(model, ["ab", "c"], CONFIG, count=count))
    assert len(many) == 2 * count
    assert many[0] == first
    assert many[count] == list(generate_texts(model, ["ab", "c"], CONFIG))[1]
    assert "".join(generate_stream(model, "ab", CONFIG)) == first.continuation.text


def test_generate_texts_of_a_long_list_come_before_it_ends(model):
    asked = []
    seeds = (asked.append(number) or "a" for number in range(1000))
    next(generate_texts(model, seeds, CONFIG))
    assert len(asked) == generation.ROWS


def test_generate_texts_follow_the_random_seed(model):
    def text(random_seed):
        config = SampleConfig(length=40, random_seed=random_seed)
        return next(generate_texts(model, ["a"], config)).continuation.text

    assert text(1) == text(1) != text(2)
    assert text(None) != text(None)


def test_generate_texts_stops_and_warnings():
    model = Counter(normalize_config=NormalizeConfig(lowercase=True))
    warnings = []
    texts = generate_texts(model, ["A", "Ä"], CONFIG, stops=["EF"], measure=False, warn=warnings.append)
    assert [text.continuation for text in texts] == [
        Continuation("bcd", 5, "stop"),
        Continuation("bcd", 5, "stop"),  # begins after the start token, which is an a
    ]
    assert len(warnings) == 2 and "'ä'" in warnings[0]
    assert list(generate_texts(model, [], CONFIG)) == []


def test_generate_stream_warns_before_the_first_piece():
    warnings = []
    pieces = generate_stream(Counter(), "aX", CONFIG, warn=warnings.append)
    assert len(warnings) == 1
    assert next(pieces) == "b"


def test_generate_refuses_an_empty_stop(model):
    with pytest.raises(ConfigError, match="--stop is empty"):
        generate_stream(model, "a", CONFIG, stops=[""])
    with pytest.raises(ConfigError, match="--stop is empty"):
        next(generate_texts(model, ["a"], CONFIG, stops=["b", ""]))


@pytest.mark.parametrize(
    ("data", "seeds"),
    [
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        ("one\u2028more\r\rtwo\x85".encode(), ["one\u2028more", "", "two\x85"]),
        (b"\xef\xbb\xbfone\n\ntwo", ["one", "", "two"]),
        (b"\n", [""]),
        (b"\n\n", ["", ""]),
        ("一二\n a\u2028b \n".encode(), ["一二", " a\u2028b "]),
    ],
)
def test_read_seeds_one_a_line(tmp_path, monkeypatch, data, seeds):
    path = tmp_path / "seeds.txt"
    path.write_bytes(data)
    assert read_seeds(str(path)) == seeds
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "latin-1"))
    assert read_seeds("-") == seeds


def test_read_seeds_says_what_is_wrong(tmp_path):
    path = tmp_path / "seeds.txt"
    with pytest.raises(DataError, match=r"cannot read seeds from .*seeds\.txt: No such file"):
        read_seeds(str(path))
    with pytest.raises(DataError, match="cannot read seeds"):
        read_seeds(str(tmp_path))
    path.write_bytes(b"\xef\xbb\xbfone\ntwo\n\xff")
    with pytest.raises(DataError, match="not UTF-8 in line 3"):
        read_seeds(str(path))
    for data in (b"", b"\xef\xbb\xbf"):
        path.write_bytes(data)
        with pytest.raises(DataError, match="is empty"):
            read_seeds(str(path))


def test_format_text_parts_texts_by_numbered_lines():
    texts = [Generated("a", Continuation("bc\n", 3, "length")), Generated("", Continuation("", 0, "stop"))]
    assert "".join(map(format_text, texts, [1, 2])) == "-------- 1 --------\nabc\n-------- 2 --------\n\n"


@pytest.mark.parametrize("pieces", [[], ["b", "c"], ["b\n"], ["", "b", ""]])
def test_format_stream_is_format_text_in_pieces(pieces):
    whole = Generated("a\ud800", Continuation("".join(pieces), 1, "length"))
    assert "".join(format_stream("a\ud800", pieces)) == format_text(whole, 1).partition("\n")[2]
    format_text(whole, 1).encode()


def test_format_jsonl_keys():
    generated = Generated('é"\ud800', Continuation("一\n", 2, "end", None))
    line = format_jsonl(generated, "models/x")
    assert line.encode().count(b"\n") == 1 and line.endswith("\n") and "一" in line
    assert json.loads(line) == {
        "seed": 'é"\ud800',
        "text": "一\n",
        "tokens": 2,
        "stop_reason": "end",
        "bits_per_char": None,
        "run": "models/x",
    }
    assert list(json.loads(line)) == ["seed", "text", "tokens", "stop_reason", "bits_per_char", "run"]


def test_write_output_writes_all_or_nothing(tmp_path):
    path = tmp_path / "out.txt"
    write_output(["一\n", "b\r\n"], path)
    assert path.read_bytes() == "一\nb\r\n".encode()

    def broken():
        yield "new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_output(broken(), path)
    assert path.read_bytes() == "一\nb\r\n".encode()
    assert os.listdir(tmp_path) == ["out.txt"]


@pytest.mark.skipif(os.name == "nt", reason="rights of another kind")
def test_write_output_keeps_rights_and_links(tmp_path):
    path, link = tmp_path / "out.txt", tmp_path / "link.txt"
    write_output(["a"], path)
    (tmp_path / "plain").write_text("a")
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    path.chmod(0o640)
    link.symlink_to(path)
    write_output(["b"], link)
    assert path.read_text() == "b" and link.is_symlink() and stat.S_IMODE(path.stat().st_mode) == 0o640
    write_output(["c"], "/dev/null")
    assert not os.path.isfile("/dev/null")


@pytest.mark.parametrize("name", ["missing/out.txt", ""])
def test_write_output_says_where_it_cannot_write(tmp_path, name):
    with pytest.raises(DataError, match=r"cannot write to .*-o"):
        write_output(["a"], tmp_path / name)


def converse(model, *lines, config=None, stops=()):
    """The answers of a session to lines, as one text."""
    config = config or SampleConfig(length=3, temperature=0)
    return "".join(Session(model, config, stops).run(lines))


def test_session_writes_on_from_seeds_and_from_itself():
    assert converse(Counter(), "ab\n", "\n", "\r\n", "h") == "abcde\nfgh\nabc\nhabc\n"
    assert converse(Counter(), "") == "bcd\n"
    assert converse(Counter()) == ""


def test_session_goes_on_after_a_stop():
    assert converse(Counter(), "/length 99", "a", "", stops=["d"]) == "/length 99\nabc\nefghabc\n"


def test_session_completes_a_character_with_the_next_line():
    model = Counter()
    model.tokenizer = ByteTokenizer()
    table = {0xC3: 0xA9, 0xA9: ord("a"), ord("a"): 0xC3}
    model._table = np.zeros((258, 258), np.float32)
    for before, after in table.items():
        model._table[before + 2, after + 2] = 1
    assert converse(model, "a", "", config=SampleConfig(length=1, temperature=0)) == "a\né\n"


def test_session_seed_that_begins_with_a_slash():
    assert converse(Counter("/ab"), "//a") == "/ab/a\n"


def test_session_warns_of_strange_characters():
    assert converse(Counter(), "aX") == "(the model never saw 'X': left out of the seed 'aX')\naXbcd\n"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/temperature 0.5", "/temperature 0.5"),
        ("/top-k 40", "/top-k 40"),
        ("/top-p  0.9 ", "/top-p 0.9"),
        ("/min-p 0.1", "/min-p 0.1"),
        ("/length 7", "/length 7"),
        ("/length", "/length 3"),
        ("/repetition-penalty 1.2", "/repetition-penalty 1.2"),
        ("/random-seed 5", "/random-seed 5"),
        ("/random-seed none", "/random-seed none"),
        ("/stop  x", "/stop ' x'"),
        (r"/stop \n\\n", r"/stop '\n\\n'"),
        ("/stop", "/stop none"),
    ],
)
def test_session_settings_change_and_are_shown(line, answer):
    answers = converse(Counter(), line, "/settings", stops=["y"]).splitlines()
    assert answers[0] == answer and answer in answers[1:]
    assert len(answers) == 9


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("/temperature warm", "--temperature is 'warm': expected a number"),
        ("/temperature nan", "--temperature is nan: expected a number"),
        ("/top-k 1.5", "--top-k is 1.5: expected a whole number"),
        ("/top-k none", "--top-k is None: expected a whole number"),
        ("/top-p 0", "--top-p is 0: expected"),
        ("/length -1", "--length is -1: expected"),
        ("/warmth 1", "there is no command /warmth"),
        ("/", "there is no command /:"),
    ],
)
def test_session_bad_values_change_nothing(line, message):
    before = converse(Counter(), "/settings")
    answer, _, after = converse(Counter(), line, "/settings").partition("\n")
    assert answer.startswith(message) and after == before


def test_session_settings_take_effect():
    model = Counter(noise=0.3)
    answers = converse(model, "/temperature 1", "/random-seed 3", "/length 30", "a", "a", "/random-seed 4", "a")
    first, second, _, third = answers.splitlines()[3:]
    assert first == second != third and len(first) == 31
    stream = generate_stream(model, "a", SampleConfig(length=30, temperature=1, random_seed=3))
    assert first == "a" + "".join(stream)


def test_session_stop_and_quit():
    assert converse(Counter(), "/stop d", "a", "/stop", "a", "/quit", "a") == "/stop 'd'\nabc\n/stop none\nabcd\n"


def test_session_help_names_every_setting_and_command():
    text = converse(Counter(), "/help")
    for name in (*SampleConfig().to_json(), "stop", "settings", "help", "quit"):
        assert f"/{name.replace('_', '-')} " in text
    assert all(len(line) <= 120 for line in text.splitlines())


def test_session_refuses_an_empty_stop():
    with pytest.raises(ConfigError, match="--stop is empty"):
        Session(Counter(), SampleConfig(), [""])


def test_session_gives_pieces_as_they_come():
    def lines():
        yield "a"
        raise AssertionError("the session must answer before it asks for more")

    answers = Session(Counter(), SampleConfig(length=3, temperature=0)).run(lines())
    assert [next(answers) for _ in range(5)] == ["a", "b", "c", "d", "\n"]


def test_generate_texts_leaves_the_blank_before_a_word_to_the_model():
    """At word level " b" is one token: after the seed "a " the model writes it, and one blank stands between them."""
    tokenizer = WordTokenizer(["a", " b", " ", "b"], "character")
    following = {tokenizer.encode("a")[0]: tokenizer.encode(" b")[0]}
    logits = np.full((tokenizer.vocab_size, tokenizer.vocab_size), -30, np.float32)
    for before in range(tokenizer.vocab_size):
        logits[before, following.get(before, tokenizer.encode("a")[0])] = 30

    class Model:
        start_id, end_id, normalize_config = 0, None, NormalizeConfig()

        def __init__(self):
            self.tokenizer, self.vocab_size = tokenizer, tokenizer.vocab_size

        def initial_state(self, rows):
            return []

        def read(self, ids, state):
            return logits[ids[-1:]], state

        def step(self, ids, state):
            return logits[ids], state

    config = SampleConfig(length=2, temperature=0)
    assert [g.continuation.text for g in generate_texts(Model(), ["a ", "a"], config)] == ["ba", " ba"]
    assert "".join(generate_stream(Model(), "a ", config)) == "ba"
