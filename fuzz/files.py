"""Files of strangers: tables, texts, tokenizers, weights, pairs, stories and vectors, each read as the commands do."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import bs4  # noqa: F401  # which takes a second, that belongs to no case

from fuzz.mutate import edited_bytes, edited_value
from fuzz.runs import OLD_RUNS
from textrnn.answerer.predict_file import read_file
from textrnn.base.files import read_weights
from textrnn.classifier.data import read_rows, read_unlabelled
from textrnn.classifier.found_kind import LabelOptions
from textrnn.classifier.vector_file import Wanted, read_vectors
from textrnn.text.options import NormalizeConfig
from textrnn.text.reader import open_sources, pieces
from textrnn.text.table.joined import open_tables
from textrnn.text.table.table import TableOptions
from textrnn.text.tokens.load import tokenizer_from_json
from textrnn.translator.pairs import PairOptions, read_pairs

Case = Callable[[random.Random], tuple[str, Callable[[], object]]]
ROWS = [("Lovely tea.", "pos"), ('Cold, "thin" soup', "neg"), ("很好喝", "pos"), ("never again; no", "neg")] * 6
PAIRS = [("water", "eau"), ("two cats", "deux chats"), ("天", "sky")] * 5


def _csv(sign: str) -> bytes:
    cells = [[cell.replace('"', '""') for cell in row] for row in [("text", "label"), *ROWS]]
    return "".join(sign.join(f'"{cell}"' for cell in row) + "\r\n" for row in cells).encode()


def _zipped(data: bytes, name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, data)
    return file.getvalue()


def _tmx() -> bytes:
    units = "".join(
        f'<tu><tuv xml:lang="en"><seg>{one}</seg></tuv><tuv xml:lang="fr"><seg>{other}</seg></tuv></tu>'
        for one, other in PAIRS
    )
    return f'<?xml version="1.0"?><tmx version="1.4"><header/><body>{units}</body></tmx>'.encode()


RECORDS = [{"text": text, "label": label, "meta": {"n": 1}} for text, label in ROWS]
TABLES = {
    "a.csv": _csv(","),
    "b.tsv": "".join(f"{label}\t{text}\n" for text, label in ROWS).encode(),
    "c.csv": _csv(";").decode().encode("utf-16"),
    "d.jsonl": "".join(json.dumps(record) + "\n" for record in RECORDS).encode(),
    "e.json": json.dumps(RECORDS).encode(),
    "f.json": json.dumps({"columns": ["text", "label"], "data": ROWS}).encode(),
    "g.txt": "".join(f"__label__{label} {text}\n" for text, label in ROWS).encode(),
    "h.csv.gz": gzip.compress(_csv(",")),
    "i.zip": _zipped(_csv(","), "inner.csv"),
}
TEXTS = {
    "a.txt": "Once upon a time.\r\nThe end — fin, 完。\n".encode() * 3,
    "b.txt": "où est la café".encode("cp1252") * 3,
    "c.txt": "春眠不觉晓\n处处闻啼鸟\n".encode("gb18030") * 5,
    "d.txt": "two bytes\n".encode("utf-16-le"),
    "e.txt.gz": gzip.compress(b"packed\n" * 9),
    "f.zip": _zipped(b"packed\n" * 9, "inner.txt"),
    "g.html": b"<html><head><title>t</title></head><body><p>One<br>two &amp; three</p></body></html>",
}
PAIR_FILES = {
    "a.tsv": "".join(f"{one}\t{other}\n" for one, other in PAIRS).encode(),
    "b.csv": "".join(f'"{one}",{other}\n' for one, other in PAIRS).encode(),
    "c.jsonl": "".join(json.dumps({"en": one, "fr": other}) + "\n" for one, other in PAIRS).encode(),
    "d.json": json.dumps([{"translation": {"en": one, "fr": other}} for one, other in PAIRS]).encode(),
    "e.tmx": _tmx(),
    "f.dict": b";;; phonemes\nABLE  EY1 B AH0 L\nABLE(2)  EY1 B L\nTWO  T UW1\n" * 3,
}
STORIES = b"1 Mira walked to the mill.\n2 Where is Mira?\tmill\t1\n1 Anton is here.\n2 Where is Anton? \there\n" * 3
VECTORS = {
    "a.vec": b"3 4\nthe 0.1 -0.2 0.3 1e-3\nold 1 2 3 4\nmiller 0 0 0 0\n",
    "b.txt": b"the 0.1 -0.2\nold 1 2\n",
    "c.vec.gz": gzip.compress(b"2 2\nthe 1 2\nold 3 4\n"),
}


def read_table(path: Path) -> None:
    """Reads rows and labels of a table, and its texts as unlabelled ones."""
    with open_tables([str(path)], TableOptions()) as table:
        read_rows(table, LabelOptions())
    read_unlabelled(str(path), TableOptions())


def read_text(path: Path) -> None:
    """Reads a text in the encoding that its bytes show."""
    with open_sources([str(path)], warn=lambda line: None) as sources:
        for source in sources:
            "".join(pieces(source))


def read_vector_file(path: Path) -> None:
    """Reads vectors of some words."""
    read_vectors(str(path), Wanted(["the", "old"], ["miller"], 10))


def mutated(content: dict[str, bytes], read: Callable[[Path], object]) -> Callable[[Path], Case]:
    """Changed bytes of some files, read by a function."""

    def make(folder: Path) -> Case:
        def case(rng: random.Random) -> tuple[str, Callable[[], object]]:
            name = rng.choice(sorted(content))
            (folder / name).write_bytes(edited_bytes(content[name], rng))
            return name, lambda: read(folder / name)

        return case

    return make


def tokenizers(folder: Path) -> Case:
    """Changed values of tokenizer.json, and the vocabularies that they still are, used."""
    paths = sorted(OLD_RUNS.glob("*/tokenizer.json"))
    contents = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    for values in contents:
        values.pop("sha256")
    known = [value for values in contents for value in ([values] if "level" in values else values.values())]

    def case(rng: random.Random) -> tuple[str, Callable[[], object]]:
        values = edited_value(rng.choice(known), rng)

        def run() -> None:
            tokenizer = tokenizer_from_json(values)
            tokenizer.decode(tokenizer.encode("the old miller \u202e 水"))

        return "tokenizer", run

    return case


WEIGHTS = {path.parent.name: path.read_bytes() for path in sorted(OLD_RUNS.glob("*/model.safetensors"))[:6]}
TARGETS: dict[str, Callable[[Path], Case]] = {
    "tables": mutated(TABLES, read_table),
    "texts": mutated(TEXTS, read_text),
    "tokenizers": tokenizers,
    "weights": mutated(WEIGHTS, read_weights),
    "pairs": mutated(PAIR_FILES, lambda path: read_pairs(str(path), PairOptions(), NormalizeConfig())),
    "stories": mutated({"a.txt": STORIES}, lambda path: read_file(str(path))),
    "vectors": mutated(VECTORS, read_vector_file),
}
