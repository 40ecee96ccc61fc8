"""Training on texts that are given in Python, not in files."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from cli_fixtures import story
from pandas_like import Frame, Series

import textrnn
from textrnn.language_model.given_corpus import given_corpus

LINES = story(120).splitlines()
SMALL = dict(arch="gru", units=8, embed=6, layers=1, batch=8, warmup=2, epochs=1, samples=False)


class Streaming:
    """What is used of a streaming data set: it can be gone through, and has no length."""

    def __init__(self, rows):
        self._rows, self.passes = rows, 0

    def __iter__(self):
        self.passes += 1
        yield from self._rows


def rows_of(corpus, **options):
    with given_corpus(corpus, options) as ((path,), form):
        assert os.path.basename(path) == "given texts" and form["delimiter"] == "jsonl"
        return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("corpus", "options", "expected"),
    [
        (iter(["a\nb", " ", "负"]), {}, [{"text": "a\nb"}, {"text": "负"}]),
        (np.array(["a", "b"]), {}, [{"text": "a"}, {"text": "b"}]),
        (Series(["a"]), {}, [{"text": "a"}]),
        ([{"text": "a", "id": 1}, {"text": None, "id": 2}], {}, [{"text": "a"}]),
        (
            Streaming([{"body": "a", "k": 1}, {"body": "b", "k": None}]),
            dict(text_column="body", condition="k"),
            [{"body": "a", "k": "1"}, {"body": "b"}],
        ),
        (Frame({"text": ["a", float("nan")], "id": [1, 2]}, [7, 8]), {}, [{"text": "a"}]),
        (iter(["\ud800"]), {}, [{"text": "?"}]),
    ],
)
def test_texts_are_copied_to_a_table(corpus, options, expected):
    assert rows_of(corpus, **options) == expected


@pytest.mark.parametrize("corpus", ["a.txt", Path("a.txt"), ["a.txt"], ("a.txt",), (Path(name) for name in ["a.txt"])])
def test_paths_are_files(corpus):
    with given_corpus(corpus, {}) as (files, form):
        assert (files, form) == (["a.txt"], {})


@pytest.mark.parametrize(
    ("corpus", "options", "says"),
    [
        (iter([]), {}, "^there is no text in the corpus: expected texts"),
        (iter(["", " \n"]), {}, "^there is no text in the corpus"),
        (range(3), {}, "^text 1 is 0: expected texts, or dictionaries"),
        (iter(["a", None]), {}, "^text 2 is None"),
        (iter([{"body": "a"}]), {}, "^row 1 has no 'text' .there: 'body'.: .* text_column"),
        ([{"text": "a"}, {"text": 5}], {}, "^row 2 has 5 as 'text'"),
        ([{"text": "a"}], dict(condition="label"), "^row 1 has no 'label'"),
        (iter(["a"]), dict(condition="label"), "^text 1 has no condition 'label'"),
        (Frame({"body": ["a"]}, [0]), {}, "no column 'text' .there: 'body'"),
        ({"train": [], "test": []}, {}, "a dictionary of 'train', 'test'"),
        (["one text", "two"], {}, "none of the 2 strings .* iter.texts."),
        (iter(["a"]), dict(arch="esn"), "^arch esn reads one running text"),
        (iter(["a"]), dict(document_separator="x"), "^document_separator parts"),
        (b"text", {}, "^the corpus is b'text'"),
        (7, {}, "^the corpus is 7"),
    ],
)
def test_what_is_no_corpus_is_said_in_a_line(tmp_path, corpus, options, says):
    with pytest.raises(textrnn.TextRNNError, match=says) as caught:
        textrnn.train(corpus, models_dir=tmp_path, **options)
    assert "\n" not in str(caught.value) and "--" not in str(caught.value) and not list(tmp_path.iterdir())


def test_an_open_file_is_named_by_its_path():
    with open(__file__, encoding="utf-8") as file, pytest.raises(textrnn.TextRNNError, match="by its path"):
        textrnn.train(file)


@pytest.mark.slow
def test_a_stream_is_read_once_and_the_run_goes_on_without_it(tmp_path):
    long = ", ".join(LINES) * 2 + "," * 100_001
    stream = Streaming([{"text": text, "label": len(text) % 2} for text in [*LINES, long]])
    made = textrnn.train(stream, models_dir=tmp_path, condition="label", **SMALL)
    assert stream.passes == 1 and made["run"] == str(tmp_path / "given-texts")
    details = textrnn.load(made["run"]).details
    assert sum(details["documents"][part] for part in ("train", "valid")) == len(LINES) + 1
    assert details["documents"]["conditions"] == ["0", "1"]
    more = textrnn.train(resume="given-texts", models_dir=tmp_path, epochs=2, samples=False)
    assert more["epochs"] == pytest.approx(2, rel=0.2)
    with pytest.raises(textrnn.TextRNNError, match=r"other text .given texts with .* CORPUS --from given-texts"):
        others = ({"text": text, "label": 0} for text in LINES)
        textrnn.train(others, resume="given-texts", models_dir=tmp_path, condition="label", epochs=3)
