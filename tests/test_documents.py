"""Documents of tables and of text: read, split by their text, packed in a random order, and read again by rows."""

import numpy as np
import pytest

from textrnn.base.errors import ConfigError, DataError, RunError
from textrnn.language_model import packed_documents as packing
from textrnn.language_model.options import Config
from textrnn.language_model.packed_documents import DocumentRows, prepare_documents
from textrnn.text import documents as documents_module
from textrnn.text.document_options import DocumentConfig
from textrnn.text.documents import Documents, in_order, read_documents, unescape
from textrnn.text.options import NormalizeConfig
from textrnn.text.reader import open_sources

PLAIN = NormalizeConfig()


def read(path, **options):
    with open_sources([str(path)]) as sources:
        return [tuple(document) for document in read_documents(sources, DocumentConfig(**options), PLAIN)]


def prepare(folder, text, validation=None, name="table.csv", **options):
    """A corpus, its documents of both parts as sets of (text, condition), and what was warned of."""
    (folder / name).write_text(text, encoding="utf-8", newline="")
    held = []
    if validation is not None:
        (folder / "held.csv").write_text(validation, encoding="utf-8", newline="")
        held = [str(folder / "held.csv")]
    config, warnings = Config.from_options(options).resolve(), []
    with open_sources([str(folder / name)]) as sources, open_sources(held) as held_sources:
        corpus = prepare_documents(sources, held_sources, folder / "ids", config=config, warn=warnings.append)
    return corpus, [unpacked(corpus, part.ids) for part in (corpus.train, corpus.valid)], warnings


def unpacked(corpus, ids):
    """Packed documents as (text, condition), read straight from the rule."""
    assert ids[0] >= corpus.documents.end_id == ids[-1]
    found, names = [], corpus.documents.conditions
    for token in ids[:-1].tolist():
        if token < corpus.documents.end_id:
            found[-1][0].append(token)
        else:
            place = token - corpus.documents.end_id - 1
            found.append(([], names[place] if 0 <= place < len(names) else None))
    return [(corpus.tokenizer.decode(tokens).removeprefix(" "), condition) for tokens, condition in found]


def table(rows):
    return "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)


ROWS = [(f"text number {number} of all", "good" if number % 3 else "bad") for number in range(60)]
COLUMNS = dict(text_column="text", condition="label")


def test_rows_of_a_table_are_documents(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text('label\ttext\ngood\t"  two\nlines "\n\tno label\nbad\t \n1\tCafe\u0301\n', encoding="utf-8")
    found = read(path, **COLUMNS)
    assert found == [("two\nlines", "good"), ("no label", None), ("Café", "1")]
    assert read(path, text_column="text")[0] == ("two\nlines", None)


@pytest.mark.parametrize("size", [3, 5, 64])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separated_documents_whatever_the_pieces(tmp_path, monkeypatch, size, end):
    pieces = documents_module.pieces
    monkeypatch.setattr(documents_module, "pieces", lambda source: pieces(source, size))
    path = tmp_path / "poems.txt"
    path.write_bytes(end.join(["", "one", "more", "", "two", "", "", "", "three", ""]).encode())
    assert read(path, document_separator=r"\n\n") == [("one\nmore", None), ("two", None), ("three", None)]
    assert [text for text, _ in read(path, document_separator="more")] == ["one", "two\n\n\n\nthree"]


def test_long_document_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(documents_module, "MAX_DOCUMENT_CHARS", 10)
    path = tmp_path / "long.txt"
    path.write_text("a document of many characters")
    with pytest.raises(DataError, match=r"more than 10 characters.*--document-separator '#'"):
        read(path, document_separator="#")


def test_unescape_and_order():
    assert unescape(r"\n\t\\n<|end|>") == "\n\t\\n<|end|>"
    assert sorted(["b", "10", "nan", "9", "a"], key=in_order) == ["9", "10", "a", "b", "nan"]


@pytest.mark.parametrize("level", ["char", "byte", "word", "bpe"])
def test_prepare_keeps_documents_whole_and_apart(tmp_path, level):
    rows = ROWS + ROWS[:20]  # some texts come twice
    corpus, (train, valid), warnings = prepare(tmp_path, table(rows), level=level, held_out=0.3, **COLUMNS)
    assert sorted(train + valid) == sorted(rows) and warnings == []
    assert not {text for text, _ in train} & {text for text, _ in valid}
    assert 0.15 < len(valid) / len(rows) < 0.45
    documents = corpus.documents
    assert (documents.train, documents.valid) == (len(train), len(valid)) and documents.conditions == ("bad", "good")
    assert documents.counts == tuple(sum(own == name for _, own in train) for name in documents.conditions)
    for part, found in zip((corpus.train, corpus.valid), (train, valid), strict=True):
        assert part.num_chars == sum(len(text) for text, _ in found)
    assert corpus.vocab_size == corpus.tokenizer.vocab_size + 1 and corpus.num_ids == corpus.vocab_size + 3


def test_prepare_is_the_same_in_any_order_of_rows_but_for_the_order(tmp_path):
    _, (train, valid), _ = prepare(tmp_path, table(ROWS), **COLUMNS)
    _, (again, held), _ = prepare(tmp_path, table(sorted(ROWS)), **COLUMNS)
    assert sorted(train) == sorted(again) and sorted(valid) == sorted(held)


def test_prepare_mixes_a_sorted_table(tmp_path, monkeypatch):
    rows = sorted(ROWS, key=lambda row: row[1])
    _, (train, valid), _ = prepare(tmp_path, table(rows), **COLUMNS)
    labels = [label for _, label in train]
    assert labels != sorted(labels) and labels != sorted(labels, reverse=True)
    monkeypatch.setattr(packing, "SHUFFLED_CHARS", 300)  # through several files
    _, (others, held), _ = prepare(tmp_path, table(rows), **COLUMNS)
    assert sorted(others) == sorted(train) and sorted(held) == sorted(valid) and others != train
    assert {path.name for path in (tmp_path / "ids").iterdir()} == {"train.ids", "valid.ids"}


def test_prepare_two_texts_are_one_each(tmp_path):
    for share in (0.001, 0.9):
        _, (train, valid), _ = prepare(tmp_path, "ab\n\nba", name="t.txt", document_separator=r"\n\n", held_out=share)
        assert {len(train), len(valid)} == {1} and {*train, *valid} == {("ab", None), ("ba", None)}


def test_prepare_with_validation_rows(tmp_path):
    held = table([("an exam", "good"), ("a tomato", "odd"), ("far", "")])
    corpus, (train, valid), warnings = prepare(tmp_path, table(ROWS), held, **COLUMNS)
    assert len(train) == len(ROWS) and sorted(valid, key=str) == [("an exam", "good"), ("far", None)]
    assert corpus.documents.valid == 2 and warnings == [
        "1 held-out documents are left out: nothing was learnt of 'odd'"
    ]


BAD = {
    "no such column": ("text,label\na b,c\nb a,d\n", dict(text_column="txt"), "no column 'txt'.*did you mean 'text'"),
    "no such condition": (table(ROWS), dict(text_column="text", condition="labl"), "'labl' as --condition wants it"),
    "no rows": ("text,label\n", COLUMNS, "no rows"),
    "no text": ("text,label\n ,a\n ,b\n", COLUMNS, "text"),
    "one text": (table([("same", "a"), ("same", "b")]), COLUMNS, "all documents have the same text"),
    "one condition": (table([(text, "a") for text, _ in ROWS]), COLUMNS, "a single value, 'a'"),
    "no separator": ("all in one", dict(document_separator="#"), "one document only.*'#'"),
}


@pytest.mark.parametrize("case", BAD)
def test_prepare_refuses(tmp_path, case):
    text, options, says = BAD[case]
    with pytest.raises(DataError, match=says):
        prepare(tmp_path, text, **options)


def test_prepare_refuses_a_column_of_other_values(tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "MOST_CONDITIONS", 20)
    rows = [(f"text {number}", f"k{number}") for number in range(60)]
    with pytest.raises(DataError, match="more than 20 different values"):
        prepare(tmp_path, table(rows), **COLUMNS)


@pytest.mark.parametrize(
    "options, says",
    [
        (dict(document_separator=""), "is empty"),
        (dict(document_separator="#", text_column="text"), "leave out one"),
        (dict(condition_dropout=1.0), "--condition-dropout"),
    ],
)
def test_document_options_are_checked(options, says):
    with pytest.raises(ConfigError, match=says):
        DocumentConfig(**options)


@pytest.mark.parametrize("options", [dict(arch="bidirectional"), dict(batching="sliding")])
def test_condition_needs_streams(options):
    with pytest.raises(ConfigError, match="--condition needs the beginning"):
        Config.from_options(dict(condition="label", **options)).resolve()


GOOD = dict(end_id=5, train=3, valid=1, conditions=["a", "b"], counts=[2, 1])


def test_documents_to_json_and_back():
    documents = Documents.from_json(GOOD, 5)
    assert documents.to_json() == GOOD and documents.conditions == ("a", "b") and Documents.from_json(None, 5) is None


@pytest.mark.parametrize(
    "wrong",
    [
        dict(end_id=6),
        dict(train=-1),
        dict(valid="1"),
        dict(conditions="ab"),
        dict(conditions=["a", "a"]),
        dict(conditions=["a", ""]),
        dict(counts=[1]),
        dict(counts=[0, 0]),
        dict(counts=None),
        dict(more=1),
    ],
    ids=str,
)
def test_documents_from_nonsense(wrong):
    with pytest.raises(RunError):
        Documents.from_json({**GOOD, **wrong}, 5)


@pytest.mark.parametrize("rows", [1, 2, 5, 64])
def test_document_rows_count_each_token_once(rows):
    rng = np.random.default_rng(3)
    lengths = rng.integers(1, 9, 20)
    ids = np.concatenate([[9 + rng.integers(3), *rng.integers(2, 9, length)] for length in lengths] + [[9]])
    packed, pairs = DocumentRows(ids, 9, rows=rows), []
    assert packed.num_rows <= rows
    for part in (slice(0, packed.num_rows // 2), slice(packed.num_rows // 2, packed.num_rows)):
        batches = list(packed.windows(4, some=part)) if part.start < part.stop else []
        assert [batch.reset for batch in batches] == [True] * bool(batches) + [False] * (len(batches) - 1)
        for row in range(part.stop - part.start):
            x, y, mask = (
                np.concatenate([getattr(batch, name)[row] for batch in batches]) for name in ("x", "y", "mask")
            )
            assert x[0] >= 9 and mask.tolist() == sorted(mask.tolist(), reverse=True)
            pairs += list(zip(x[mask > 0].tolist(), y[mask > 0].tolist(), strict=True))
    assert pairs == list(zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True))
