"""Texts without labels, from files of any kind."""

import gzip
from pathlib import Path

import pytest

from textrnn.base.errors import DataError
from textrnn.classifier.data import read_unlabelled
from textrnn.text.table.table import TableOptions

TEXTS = ["good tea, and warm", "bad tea", "茶很好"]
LINES = "good tea, and warm\r\n\r\nbad tea\n茶很好"
TABLE = 'id,text\n1,"good tea, and warm"\n2,bad tea\n3,\n4,茶很好\n'


@pytest.mark.parametrize("name, content", [("more.txt", LINES), ("more", LINES), ("more.csv", TABLE)])
def test_texts_of_lines_and_of_tables_plain_and_packed(tmp_path: Path, name: str, content: str) -> None:
    plain, packed = tmp_path / name, tmp_path / f"{name}.gz"
    plain.write_bytes(content.encode())
    packed.write_bytes(gzip.compress(content.encode()))
    assert read_unlabelled(str(plain), TableOptions()) == TEXTS
    assert read_unlabelled(str(packed), TableOptions()) == TEXTS


def test_encoding_is_told_or_named(tmp_path: Path) -> None:
    path = tmp_path / "more.txt"
    path.write_bytes("茶很好\n喝了三年\n".encode("gb18030"))
    assert read_unlabelled(str(path), TableOptions()) == ["茶很好", "喝了三年"]
    path.write_bytes("café\n".encode("cp1252"))
    assert read_unlabelled(str(path), TableOptions(encoding="cp1252")) == ["café"]


@pytest.mark.parametrize(
    "name, content, expected",
    [
        ("none.txt", None, "no such file: "),
        ("empty.txt", b"", "empty.txt is empty"),
        ("blank.txt", b" \n \n", "blank.txt has white space only"),
        ("half.txt.gz", gzip.compress(b"good tea\n" * 999, mtime=0)[:-9], "half.txt.gz is cut off or damaged"),
        ("plain.txt.gz", b"good tea\n", "plain.txt.gz is no whole gzip file"),
        ("binary.txt.gz", gzip.compress(b"\x89PNG\r\n\x1a\n\0\0", mtime=0), "binary.txt.gz"),
    ],
    ids=["missing", "empty", "blank", "half", "not packed", "binary"],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | None, expected: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=str(path.parent)) as caught:
        read_unlabelled(str(path), TableOptions())
    assert expected in str(caught.value)
