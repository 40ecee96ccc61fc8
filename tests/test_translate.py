"""`textrnn translate` from pairs to a translator, and from texts to translations."""

import contextlib
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_fixtures import ROOT, enter_copy, good, refused, run_cli
from translate_cases import small_translator

import textrnn
from textrnn.base.files import MODEL_FILE, RUN_FILE, read_json, read_weights, write_json, write_weights
from textrnn.translator import predict as runtime
from textrnn.translator.options import DecodeConfig, PairsConfig
from textrnn.translator.pairs import Pairs
from textrnn.translator.predict_file import draw_attention
from textrnn.translator.store import write_pairs
from textrnn.translator.tokens import build_side
from textrnn.translator.unseen import unseen, words_learnt

TINY = ("--units", "8", "--embed", "6", "--decoder-layers", "1", "--sampling", "0", "--batch", "16", "--warmup", "2")


def spelled(num=60, seed=1):
    """Words and the names of their letters."""
    draw = random.Random(seed)
    words = dict.fromkeys("".join(draw.choices("abcdef", k=draw.randint(2, 6))) for _ in range(num))
    return "".join(f"{word}\t{' '.join(letter.upper() + 'E' for letter in word[::-1])}\n" for word in words)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with pairs, and a run of them that was trained for a moment."""
    from textrnn.training.backend import start_tensorflow

    start_tensorflow()
    folder = tmp_path_factory.mktemp("translate")
    (folder / "spelled.tsv").write_text(spelled(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        options = (*TINY, "--kind", "encoder-decoder", "--deterministic", "--epochs", "3", "-q", "--json")
        (folder / "result.json").write_text(good("translate", "spelled.tsv", *options).out)
    return folder


@pytest.fixture
def place(folder, tmp_path, monkeypatch):
    return enter_copy(folder, tmp_path, monkeypatch)


@pytest.mark.slow
def test_hello_becomes_ohlol(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = good("translate", ROOT / "data" / "hello.tsv", "-q", "--json").json
    assert (result["kind"], result["levels"]) == ("aligned", ["char", "char"])
    assert result["test"]["exact_match"] == 1 and result["train_pairs"] == 1
    assert good("translate", "--model", "hello", "hello").out == "ohlol\n"


@pytest.mark.slow
def test_result_has_the_keys_of_the_contract(place):
    result = json.loads((place / "result.json").read_text())
    assert result["kind"] == "encoder-decoder" and result["levels"] == ["char", "token"]
    keys = {"pairs", "exact_match", "token_accuracy", "char_error_rate", "token_error_rate", "bleu", "chrf"}
    assert keys <= set(result["test"]) and {"run", "seconds", "parameters"} <= set(result)
    weights, _ = read_weights(place / "models" / "spelled" / MODEL_FILE)
    assert result["parameters"] == sum(array.size for array in weights.values())
    assert read_json(Path(result["run"]) / RUN_FILE)["test"] == result["test"]


@pytest.mark.slow
def test_texts_files_and_standard_input_are_translated_alike(place):
    (place / "words.txt").write_text("abc\n\nfed\n", encoding="utf-8")
    from_file = good("translate", "--model", "spelled", "words.txt")
    lines = from_file.out.split("\n")
    assert len(lines) == 4 and lines[1] == "" and all(token[1:] == "E" for token in lines[0].split())
    assert from_file.err == good("translate", "--model", "spelled", "abc").err == ""
    for stdin in (b"abc\n\nfed", b"abc\r\rfed\r", b"abc\r\n\r\nfed\r\n"):
        assert good("translate", "--model", "spelled", "-", stdin=stdin).out == from_file.out
    assert good("translate", "--model", "spelled", "abc").out == lines[0] + "\n"
    assert textrnn.load("spelled").translate(["abc", "", "fed"]) == lines[:3]
    found = good("translate", "--model", "spelled", "words.txt", "--format", "jsonl", "--beam", "1").lines()
    assert [one["status"] for one in found[1:2]] == ["empty"] and found[0]["source"] == "abc" and found[0]["nats"] < 0
    good("translate", "--model", "spelled", "words.txt", "-o", "out.txt")
    assert (place / "out.txt").read_text() == from_file.out


@pytest.mark.slow
def test_what_the_model_never_saw_is_named(place):
    (place / "words.txt").write_text("abc\nax\nxyz\n", encoding="utf-8")
    ran = good("translate", "--model", "spelled", "words.txt", "--format", "jsonl")
    assert ran.err == "warning: the model never saw 'x', 'y', 'z': what it makes of them, in 2 texts, is a guess\n"
    assert [one.get("unseen") for one in ran.lines()] == [None, ["x"], ["x", "y", "z"]]
    assert textrnn.load("spelled").unseen("a cx") == (" ", "x")


WORDS = ["green apple", "red apple", "green umbrella", "blue hat"]


@pytest.mark.parametrize("level", ["char", "token", "word", "bpe"])
def test_unseen_parts_of_a_text(tmp_path, level):
    pairs = Pairs(WORDS, [word.upper() for word in WORDS])
    write_pairs(tmp_path / "pairs.safetensors", dict.fromkeys(("train", "valid", "test"), pairs))
    config = PairsConfig(vocab_size=300 if level == "bpe" else None, min_count=1 if level == "token" else None)
    side = build_side(WORDS, level, config)
    text, expected = "Purple umbrella, red or purplish cat", ("Purple", "or", "purplish", "cat")
    if level == "char":
        expected = ("P", ",", "o", "i", "s", "c")
    elif level == "token":
        expected = ("Purple", "umbrella,", "or", "purplish", "cat")
    assert unseen(text, side, lambda: words_learnt(tmp_path / "pairs.safetensors")) == expected
    without_pairs = unseen(text, side, lambda: words_learnt(tmp_path / "none"))
    if level == "bpe":
        assert without_pairs == ()
    elif level == "word":  # rare words are not told from new ones
        assert set(expected) <= set(without_pairs) and "apple" not in unseen("apple", side, lambda: None)
    else:
        assert without_pairs == expected
    assert unseen("RED apple", build_side(WORDS, "word", PairsConfig()), lambda: {"red", "apple"}) == ()
    assert unseen("我们在", build_side(["我在这"], "bpe", PairsConfig(vocab_size=300)), lambda: {"我", "在"}) == ("们",)


@pytest.mark.slow
def test_two_files_and_other_forms_are_learnt_and_turned_round(place):
    pairs = [line.split("\t") for line in spelled().splitlines()]
    for number, name in enumerate(("a.en", "a.fr")):
        (place / name).write_text("".join(pair[number] + "\n" for pair in pairs), encoding="utf-8")
    objects = [{"source": source, "target": target} for source, target in pairs]
    (place / "a.jsonl").write_text("".join(json.dumps(one) + "\n" for one in objects), encoding="utf-8")
    options = (*TINY, "--kind", "encoder-decoder", "--deterministic", "--epochs", "1", "-q", "--overwrite")
    shown = []
    for files in (["spelled.tsv"], ["--source", "a.en", "--target", "a.fr"], ["a.jsonl"]):
        good("translate", *files, *options, "--name", "x")
        shown.append(good("translate", "--model", "x", "abc").out)
    assert len(set(shown)) == 1
    told = good("translate", "--source", "a.en", "--target", "a.fr", *options[:-2], "--name", "y", "--reverse")
    assert "read as two files with a text on each line, the other way round (--reverse)" in told.err
    assert read_json(place / "models" / "y" / RUN_FILE)["levels"] == ["token", "char"]
    assert read_json(place / "models" / "y" / RUN_FILE)["pairs"]["target"]["name"] == "a.fr"
    both = "--source and --target are two files"
    for wrong in (["--source", "a.en"], ["a.en", "--source", "a.en", "--target", "a.fr"]):
        refused("translate", *wrong, code=2, says=[both])
    refused("translate", "--model", "x", "abc", "--reverse", code=2, says=["leave out --reverse"])


@pytest.mark.slow
def test_attention_is_drawn_and_run_is_described(place):
    good("translate", "--model", "spelled", "abc", "--attention", "seen.png")
    assert (place / "seen.png").read_bytes().startswith(b"\x89PNG")
    assert "encoder-decoder" in good("info").out and "char to token" in good("info").out
    assert "sources of held-out pairs" in good("info", "spelled").out
    assert good("info", "spelled", "--json").json["kind"] == "translator"


@pytest.mark.slow
def test_stopped_and_resumed_run_ends_with_the_same_bytes(place, monkeypatch):
    from textrnn.training import session

    @contextlib.contextmanager
    def soon(on_first):
        calls = iter([False, False, False, True])
        yield lambda: next(calls)

    options = (*TINY, "--kind", "encoder-decoder", "--deterministic", "--epochs", "3", "-q", "--json")
    with monkeypatch.context() as patch:
        patch.setattr(session, "polite_interrupts", soon)
        ran = run_cli("translate", "spelled.tsv", "--name", "again", *options)
    assert ran.code == 130 and ran.json["ended"] == "interrupted" and ran.json["steps"] == 3
    assert len(good("translate", "--model", "again", "abc").out)
    (place / "spelled.tsv").unlink()  # the run has all that it needs
    result = good("translate", "--resume", "again", "-q", "--json").json
    first = json.loads((place / "result.json").read_text())
    assert result["steps"] == first["steps"] and result["ended"] == "budget"
    for name in (MODEL_FILE, "tokenizer.json", "checkpoint/pairs.safetensors"):
        assert (place / "models/again" / name).read_bytes() == (place / "models/spelled" / name).read_bytes()
    same = {key: value for key, value in first["test"].items() if key != "texts_per_s"}
    assert {key: result["test"][key] for key in same} == same
    refused("translate", "--resume", "again", code=2, says=["has used up its budget"])
    refused("translate", "--resume", "again", "--units", "9", code=2, says=["--units is 8 in the run and 9 here"])


def test_translating_loads_no_tensorflow(place):
    code = (
        "import sys, textrnn; textrnn.load('spelled').translate(['abc']);"
        "print([n for n in ('tensorflow', 'keras', 'sklearn', 'sacrebleu', 'matplotlib') if n in sys.modules])"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=place)
    assert done.stdout.strip() == "[]", done.stderr


def test_many_texts_on_many_cores_are_as_each_alone(rng):
    model = small_translator(rng)
    texts = ["".join(rng.choice(list("abcdefgh"), rng.integers(1, 7))) for _ in range(600)]
    assert [found.text for found in model.stream(texts)][::60] == [model.translate([text])[0] for text in texts[::60]]


def test_beam_finds_texts_at_least_as_likely_as_greedy(rng):
    model = small_translator(rng)
    texts = ["".join(rng.choice(list("abcdefgh"), 4)) for _ in range(200)]
    greedy, wide = (list(model.stream(texts, DecodeConfig(beam, 0.0))) for beam in (1, 8))
    gains = [b.nats - a.nats for a, b in zip(greedy, wide, strict=True) if a.is_whole]  # others have no end to compare
    assert len(gains) >= 5 and min(gains) > -1e-4 and max(gains) > 0


def test_long_source_is_cut_and_told(rng):
    found = small_translator(rng, max_length=3).some(["abcdef", "abc"])
    assert [one.is_cut for one in found] == [True, False] and found[0].text == found[1].text


def test_attention_map_names_its_tokens(rng):
    model = small_translator(rng)
    found = model.attention("abc", "K L")
    assert (found.source, found.target) == (["a", "b", "c", "end"], ["K", "L", "end"])
    assert found.weights.shape == (2, 3, 4)
    np.testing.assert_allclose(found.weights.sum(2), 1, atol=1e-5)


def test_attention_is_drawn(rng, tmp_path):
    draw_attention(small_translator(rng), "abc", DecodeConfig(), str(tmp_path / "seen.png"), warn=pytest.fail)
    assert (tmp_path / "seen.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_inspect_attention_draws_that_of_a_translator(place):
    options = ("--model", "spelled", "--text", "abc", "-o", "seen.png")
    one = good("inspect", "attention", *options, "--json").json["texts"][0]
    assert one["source"] == ["a", "b", "c", "end"]
    assert [len(row) for row in one["weights"]] == [4] * len(one["target"])
    assert (place / "seen.png").read_bytes().startswith(b"\x89PNG")
    refused("inspect", "attention", *options[:4], "-o", "seen.html", code=2, says=["give a name with .png"])


@pytest.mark.slow
@pytest.mark.parametrize("what", ["weights", "config", "tokenizer", "longest"])
def test_run_whose_parts_do_not_fit_is_refused(place, what):
    run = place / "models" / "spelled"
    if what == "weights":
        weights, metadata = read_weights(run / MODEL_FILE)
        write_weights(run / MODEL_FILE, {**weights, "more": np.zeros(3, np.float32)}, metadata)
    elif what == "tokenizer":
        values = read_json(run / "tokenizer.json")
        write_json(run / "tokenizer.json", {**values, "source": {"level": "token", "tokens": ["x"]}})
    else:
        values = read_json(run / RUN_FILE)
        changed = {"config": {"network": {"units": -1}}} if what == "config" else {"longest": "far"}
        write_json(run / RUN_FILE, {**values, **changed})
    refused("translate", "--model", "spelled", "abc", code=1, says=["spelled"])


BAD = {
    "no such file": (["pairz.tsv"], 1, ["no such file: pairz.tsv", "--model NAME"]),
    "empty file": (["empty.tsv"], 1, ["empty.tsv is empty"]),
    "one column": (["prose.txt"], 1, ["prose.txt has one column only", "source TAB target", "--format"]),
    "one column, tsv": (["prose.txt", "--format", "tsv"], 1, ["prose.txt has one column only"]),
    "empty sides": (["sides.tsv"], 1, ["sides.tsv has no pair of texts"]),
    "all sources equal": (["equal.tsv"], 1, ["all 3 pairs have the same source 'a'"]),
    "a folder": (["models"], 1, ["models is a folder"]),
    "nothing at all": ([], 2, ["nothing to learn from"]),
    "unknown level": (["good.tsv", "--level", "byte"], 2, ["--level is 'byte'", "char, word, token, bpe"]),
    "unknown kind": (["good.tsv", "--kind", "both"], 2, ["--kind is 'both'", "aligned"]),
    "unknown format": (["good.tsv", "--format", "xml"], 2, ["xml"]),
    "format of translations": (["good.tsv", "--format", "text"], 2, ["--format text is for translating"]),
    "aligned but unequal": (["good.tsv", "--kind", "aligned"], 2, ["as many tokens on both sides"]),
    "all too long": (["good.tsv", "--max-length", "1"], 1, ["more than 1 tokens on a side", "--max-length"]),
    "all too many words": (["words.tsv", "--max-words", "1"], 1, ["more than 1 words", "--max-words"]),
    "test has all sources": (["good.tsv", "--test", "good.tsv"], 1, ["0 sources to learn from"]),
    "no such test": (["good.tsv", "--test", "none.tsv"], 1, ["no such file: none.tsv"]),
    "run of another kind": (["--model", "other", "x"], 1, ["'language_model', expected a 'translator'"]),
    "resumed run of another kind": (
        ["--resume", "other"],
        1,
        ["expected 'translator'", "train --resume other"],
    ),
    "no such run": (["--model", "nothing", "x"], 1, ["no run named 'nothing'"]),
    "nothing to translate": (["--model", "other"], 2, ["nothing to translate"]),
    "beam of 0": (["--model", "other", "x", "--beam", "0"], 2, ["--beam is 0"]),
    "learning with a model": (["--model", "other", "x", "--units", "8"], 2, ["leave out --units"]),
    "output without a model": (["good.tsv", "-o", "x"], 2, ["--output: only for translating"]),
    "resume and file": (["good.tsv", "--resume", "other"], 2, ["leave out file"]),
    "name is there": (["good.tsv", "--name", "other"], 1, ["exists", "--overwrite"]),
    "no column": (["t.csv", "--source-column", "x", "--target-column", "b"], 1, ["no column 'x' as --source-column"]),
    "same column": (["t.csv", "--source-column", "a", "--target-column", "1"], 1, ["are the same column"]),
    "near column": (["t2.csv", "--source-column", "englsh", "--target-column", "b"], 1, ["did you mean 'english'?"]),
    "binary file": (["picture.tsv"], 1, ["picture.tsv is a PNG picture"]),
    "neither UTF-8 nor GB18030": (["bytes.tsv"], 1, ["bytes.tsv is neither UTF-8", "--encoding"]),
    "empty standard input": (["-", "--train"], 1, ["standard input is empty"]),
    "models is a file": (["good.tsv", "--models-dir", "prose.txt"], 1, ["cannot write to prose.txt", "--models-dir"]),
    "bad encoding": (["good.tsv", "--encoding", "klingon"], 2, ["klingon"]),
    "min-count too high": (["good.tsv", "--min-count", "1000"], 1, ["--min-count"]),
}


@pytest.fixture(scope="module")
def bad_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    files = {
        "empty.tsv": "",
        "prose.txt": "Once upon a time there was\na fox who bought the hat\nand never paid for it\n",
        "sides.tsv": "\tb\n \tc\n",
        "equal.tsv": "a\tb\na\tc\na\td\n",
        "good.tsv": spelled(20),
        "words.tsv": "a b\tc d\ne f\tg h\n",
        "t.csv": "a,b\none,eins\ntwo,zwei\n",
        "t2.csv": "english,b\none,eins\ntwo,zwei\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "picture.tsv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    (folder / "bytes.tsv").write_bytes(b"\n".join(bytes(range(begin, begin + 9)) for begin in range(0x80, 0xF7)))
    (folder / "models" / "other").mkdir(parents=True)
    write_json(folder / "models" / "other" / RUN_FILE, {"format_version": 1, "kind": "language_model"})
    return folder


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_line(bad_folder, monkeypatch, name):
    arguments, code, says = BAD[name]
    monkeypatch.chdir(bad_folder)
    refused("translate", *arguments, code=code, says=says)
    assert sorted(path.name for path in (bad_folder / "models").iterdir() if path.name[0] != ".") == ["other"]


def test_bad_texts_are_one_clear_line(bad_folder, monkeypatch, rng):
    monkeypatch.chdir(bad_folder)
    model = small_translator(rng, "aligned")
    monkeypatch.setattr(runtime, "open_translator", lambda path: model)
    monkeypatch.setattr(runtime, "find_run", lambda *arguments: Path("x"))
    translate = ("translate", "--model", "x")
    refused(*translate, " ", code=1, says=["the text is empty"])
    refused(*translate, "-", code=1, says=["standard input is empty"])
    bad = good(*translate, "-", stdin=b"ab\n\xffa\n")
    assert bad.out == good(*translate, "-", stdin="ab\n\ufffda\n".encode()).out
    replaced, unseen_line = bad.err.splitlines()
    assert (
        replaced == "warning: standard input is utf-8 but for 1 place: replaced by U+FFFD (--strict-encoding refuses)"
    )
    assert unseen_line.startswith("warning: the model never saw '\ufffd'")
    strict = (*translate, "-", "--strict-encoding")
    refused(*strict, stdin=b"ab\n\xffa\n", code=1, says=["not utf-8 at offset 3", "--encoding"])
    refused(*translate, "abc", "--attention", "x.png", code=2, says=["'aligned' has no attention"])
    refused(*translate, "-", "--attention", "x.png", code=2, says=["--attention draws one text"])


def test_what_is_given_tells_whether_to_learn(tmp_path, monkeypatch):
    """With a translator there, files without pairs and texts are translated; what names no file is not guessed at."""
    shutil.copytree(ROOT / "tests/old_runs/aligned", tmp_path / "models/aligned")
    monkeypatch.chdir(tmp_path)
    Path("todo.txt").write_text("cats\nwater\n", encoding="utf-8")
    Path("pairs.tsv").write_text(spelled(20), encoding="utf-8")
    of_file = good("translate", "todo.txt")
    assert "todo.txt has no pairs" in of_file.err and "using models/aligned" in of_file.err
    assert of_file.out == good("translate", "cats", "water").out == good("translate", "todo.txt", "--beam", 1).out
    assert good("translate", "-", stdin=b"cats\nwater\n").out == of_file.out
    assert good("translate", "cats", "todo.txt", "--model", "aligned").out.count("\n") == 3
    refused("translate", "todo.txt", "--train", code=1, says=["todo.txt has one column only"])
    refused("translate", "todo.txt", "--name", "x", code=1, says=["todo.txt has one column only"])
    refused("translate", "tod.txt", code=1, says=["did you mean todo.txt?"])
    refused("translate", "pairs.tsv", "-o", "out.txt", code=2, says=["--output: only for translating"])
    refused("translate", "pairs.tsv", "todo.txt", "--train", code=2, says=["expected one file of pairs"])
    refused("translate", "cats", "-", code=2, says=["translated alone"])
