"""Files named on the command line, their encodings, and where text is cut into pieces."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import os
import re
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrnn.base.errors import ConfigError, DataError
from textrnn.text.cutting import TAIL_CHARS
from textrnn.text.files import Found, find_files
from textrnn.text.gutenberg import without_frames
from textrnn.text.lines import each_line, each_line_of_bytes, lines_of
from textrnn.text.reader import Reading, cut_safely, inspect_file, open_sources, pieces, recut

CHINESE = "床前明月光，疑是地上霜。\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of many suffixes, and some that a folder argument leaves out."""
    for name in (
        "b.txt",
        "a.md",
        "sub/c.TXT",
        "e.srt",
        "none",
        ".hidden.txt",
        ".git/d.txt",
        "run/run.json",
        "run/x.csv",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("text", encoding="utf-8")
    return tmp_path


def relative(files: list[Found], folder: Path) -> list[str]:
    return [Path(file.path).relative_to(folder).as_posix() for file in files]


def saved(folder: Path, content: bytes) -> str:
    path = folder / "file.txt"
    path.write_bytes(content)
    return str(path)


# find_files


def test_find_files_lists_a_folder_sorted_without_hidden_files(folder: Path) -> None:
    assert relative(find_files([str(folder)]), folder) == ["a.md", "b.txt", "e.srt", "none", "sub/c.TXT"]


def test_find_files_keeps_a_named_file_of_any_kind(folder: Path) -> None:
    assert relative(find_files([str(folder / "run/x.csv"), str(folder / ".hidden.txt")]), folder) == [
        "run/x.csv",
        ".hidden.txt",
    ]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.txt", ["b.txt"]),
        ("[ab].*", ["a.md", "b.txt"]),
        ("**/*.TXT", ["sub/c.TXT"]),
        ("s*", ["sub/c.TXT"]),
    ],
)
def test_find_files_expands_a_pattern(folder: Path, pattern: str, expected: list[str]) -> None:
    assert relative(find_files([str(folder / pattern)]), folder) == expected


def test_find_files_prefers_a_file_whose_name_is_a_pattern(folder: Path) -> None:
    (folder / "[ab].txt").write_text("text", encoding="utf-8")
    assert relative(find_files([str(folder / "[ab].txt")]), folder) == ["[ab].txt"]


def test_find_files_drops_repeats_and_keeps_the_order_of_arguments(folder: Path) -> None:
    arguments = ["-", str(folder / "b.txt"), str(folder), str(folder / "sub" / ".." / "b.txt"), "-"]
    found = find_files(arguments)
    assert found[0] == Found("-", True)
    assert relative(found[1:], folder) == ["b.txt", "a.md", "e.srt", "none", "sub/c.TXT"]
    assert [file.is_named for file in found[1:]] == [True, False, False, False, False]


def test_find_files_suggests_the_nearest_name(folder: Path) -> None:
    (folder / "shakespeare.txt").write_text("text", encoding="utf-8")
    with pytest.raises(DataError, match=r"no such file: .*did you mean .*shakespeare\.txt\?"):
        find_files([str(folder / "shakspeare.txt")])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing-like-it", r"no such file: .*nothing-like-it$"),
        ("nowhere/b.txt", r"there is no folder .*nowhere"),
        ("*.pdf", r"no file matches .*\*\.pdf"),
        ("empty", r"no file in folder .*empty: expected files with text"),
    ],
)
def test_find_files_refuses_what_is_not_there(folder: Path, name: str, message: str) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match=message):
        find_files([str(folder / name)])


def test_find_files_tells_denied_permission(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may read everything
    with pytest.raises(DataError, match="permission denied"):
        find_files([str(folder / "b.txt")])


# inspect_file and pieces


@pytest.mark.parametrize(
    ("text", "written_as", "mark", "encoding"),
    [
        ("plain\n", "utf-8", b"", "utf-8"),
        ("naïve 😀 " + CHINESE, "utf-8", b"", "utf-8"),
        ("naïve\r\n", "utf-8", b"\xef\xbb\xbf", "utf-8-sig"),
        ("naïve 😀 " + CHINESE, "utf-16-le", b"\xff\xfe", "utf-16-le"),
        ("naïve 😀 " + CHINESE, "utf-16-be", b"\xfe\xff", "utf-16-be"),
        ("naïve 😀", "utf-32-le", b"\xff\xfe\0\0", "utf-32-le"),
        ("naïve 😀", "utf-32-be", b"\0\0\xfe\xff", "utf-32-be"),
        (CHINESE * 50, "gb18030", b"", "gb18030"),
        ("联通两个字，" + CHINESE, "gb18030", b"", "gb18030"),
        ("這杯茶是我們今天早上在山下買的。", "big5", b"", "cp950"),
        ("この湯のみで飲むお茶は\nおいしいです。", "iso2022_jp", b"", "iso2022_jp"),
        ("この湯のみで飲むお茶はおいしいです。", "shift_jis", b"", "cp932"),
    ],
)
def test_inspect_file_decides_the_encoding(
    tmp_path: Path, text: str, written_as: str, mark: bytes, encoding: str
) -> None:
    content = mark + text.encode(written_as)
    path = saved(tmp_path, content)
    source = inspect_file(path)
    assert (source.name, source.path, source.encoding) == ("file.txt", path, encoding)
    assert (source.num_bytes, source.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert "".join(pieces(source)) == text


def test_inspect_file_uses_a_given_encoding_alone(tmp_path: Path) -> None:
    path = saved(tmp_path, "café".encode("latin-1"))
    source = inspect_file(path, Reading("latin1"))
    assert source.encoding == "iso8859-1"
    assert list(pieces(source)) == ["café"]
    with pytest.raises(DataError, match=r"not utf-8: cannot decode the bytes at offset 3"):
        inspect_file(path, Reading("utf8"))


@pytest.mark.parametrize("given_encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_inspect_file_drops_the_mark_with_a_given_encoding(tmp_path: Path, given_encoding: str) -> None:
    content = ("" if given_encoding in ("utf-16", "utf-8-sig") else "\ufeff") + "text"
    source = inspect_file(saved(tmp_path, content.encode(given_encoding)), Reading(given_encoding))
    assert list(pieces(source)) == ["text"]


@pytest.mark.parametrize("encoding", ["klingon", "base64", "rot13", "", "utf-8\0"])
def test_inspect_file_refuses_an_unknown_encoding(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(ConfigError, match="--encoding is"):
        inspect_file(saved(tmp_path, b"text"), Reading(encoding))


@pytest.mark.parametrize("text", ["un café noir", "für eine größere Übung", "el niño mañana", "I\u2019ve 5 \u20ac"])
def test_inspect_file_takes_western_texts_for_cp1252_and_says_so(tmp_path: Path, text: str) -> None:
    path = saved(tmp_path, text.encode("cp1252"))
    with open_sources([path], warn=(notes := []).append) as (source,):
        assert list(pieces(source)) == [text]
    assert len(notes) == 1 and notes[0].startswith("file.txt was read as cp1252 (Windows-1252), which is a guess")
    with pytest.raises(DataError, match=r"neither UTF-8 .* nor GB18030: .*, for example --encoding cp1252"):
        inspect_file(path, Reading(strict=True))


def test_inspect_file_strictly_read_guesses_no_east_asian_encoding(tmp_path: Path) -> None:
    path = saved(tmp_path, "這杯茶是我們今天早上在山下買的。".encode("big5"))
    with pytest.raises(DataError, match=r"looks like cp950 \(Big5\): name its encoding with --encoding cp950"):
        inspect_file(path, Reading(strict=True))


LONG = "Она любит чай. ".encode() * 80
DAMAGED = {
    # what of it is bad, its place, and how many places there are
    "a byte that is none": (LONG + b"\xff" + LONG, len(LONG), 1),
    "a character cut off": (LONG + "é".encode()[:1] + LONG, len(LONG), 1),
    "at the end": (LONG + "天".encode()[:2], len(LONG), 1),
    "far on, astride two blocks": (b"a" * ((1 << 20) - 1) + "é".encode() + b"b\xff", (1 << 20) + 2, 1),
    "several": (b"\x80" + LONG + b"\xe9 \xff", 0, 3),
    "ASCII, and no letter of cp1252": (b"tea " * 999 + b"\xff" + b"tea " * 999, 3996, 1),
    "some UTF-8, nothing western": ("don\u2019t ".encode() + b"tea " * 999 + b"\xff\xfe", 4004, 2),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_inspect_file_replaces_a_few_bad_bytes_and_counts_them(tmp_path: Path, kind: str) -> None:
    content, offset, count = DAMAGED[kind]
    path = saved(tmp_path, content)
    told = f"file.txt is utf-8 but for {count} place{'s, the first' if count > 1 else ','} at offset {offset}, that do"
    with open_sources([path], warn=(notes := []).append) as (source,):
        assert (source.num_bytes, source.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert "".join(pieces(source)) == "".join(pieces(source, 7)) == content.decode("utf-8", "replace")
    assert len(notes) == 1 and notes[0].startswith(told)
    assert inspect_file(path, Reading("utf-8")).note == source.note
    with pytest.raises(DataError, match=rf"file\.txt is utf-8 but for .*at offset {offset}:.* --strict-encoding"):
        inspect_file(path, Reading(strict=True))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_pieces_leave_out_the_marks_of_files_that_were_joined(tmp_path: Path, encoding: str) -> None:
    path = saved(tmp_path, "one\n".encode(encoding) * 20_000)
    assert "".join(pieces(inspect_file(path))) == "one\n" * 20_000


def test_inspect_file_replaces_bad_bytes_of_gb18030(tmp_path: Path) -> None:
    text = CHINESE * 50
    found = inspect_file(saved(tmp_path, text.encode("gb18030") + b"\xff" + text.encode("gb18030")))
    assert found.note.startswith(f"is gb18030 but for 1 place, at offset {len(text.encode('gb18030'))},")
    assert "".join(pieces(found)) == f"{text}\ufffd{text}"


@pytest.mark.parametrize(
    ("encoding", "name", "text"),
    [
        ("koi8-r", "koi8_r (Cyrillic)", "Съешь же ещё этих мягких французских булок, да выпей чаю. "),
        ("cp1251", "cp1251 (Cyrillic)", "Съешь же ещё этих мягких французских булок, да выпей чаю. "),
        ("iso8859-7", "cp1253 (Greek)", "Η αλεπού πηδά πάνω από τον σκύλο που κοιμάται στην αυλή. "),
        ("cp1255", "cp1255 (Hebrew)", "השועל קפץ מעל הכלב העצלן וברח אל היער הגדול. "),
        ("cp1256", "cp1256 (Arabic)", "قفز الثعلب فوق الكلب الكسول ثم هرب إلى الغابة. "),
        ("tis-620", "cp874 (Thai)", "สุนัขจิ้งจอกกระโดดข้ามสุนัขขี้เกียจ แล้ววิ่งเข้าป่าใหญ่ "),
    ],
    ids=lambda value: value if value.isascii() else "",
)
def test_inspect_file_knows_alphabets_by_their_letters(tmp_path: Path, encoding: str, name: str, text: str) -> None:
    path = saved(tmp_path, text.encode(encoding) * 50)
    source = inspect_file(path)
    assert "".join(pieces(source)) == text * 50
    assert source.note.startswith(f"was read as {name}, which is a guess")
    with pytest.raises(DataError, match=rf"looks like {re.escape(name)}: name its encoding with --encoding"):
        inspect_file(path, Reading(strict=True))


def test_inspect_file_refuses_what_is_in_no_encoding_and_advises_no_cp1252(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"neither UTF-8 \(byte 0x.* at offset 0 .*GB18030: .*with --encoding$"):
        inspect_file(saved(tmp_path, b" ".join(bytes(range(begin, begin + 9)) for begin in range(0x80, 0xF7))))


def test_open_sources_says_the_same_of_several_files_once(tmp_path: Path) -> None:
    paths = []
    for number in range(8):
        content = LONG * number + b"\xff" if number > 2 else "café noir ".encode("cp1252")
        (tmp_path / f"{number}.txt").write_bytes(content)
        paths.append(str(tmp_path / f"{number}.txt"))
    with open_sources(paths, warn=(notes := []).append):
        assert notes[0].startswith("0.txt (and 2 more files) was read as cp1252")
        assert [note[:5] for note in notes[1:4]] == ["3.txt", "4.txt", "5.txt"]
        assert notes[4:] == ["2 more files are damaged, or in an encoding that was guessed"]


def test_inspect_file_refuses_an_incomplete_character_at_the_end(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="offset 2"):
        inspect_file(saved(tmp_path, b"ab\xe4\xbd"), Reading("utf-8"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"%PDF-1.7 and so on", "is a PDF file, not text: save it as plain text"),
        (b"PK\x03\x04 and so on", "zip archive"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (gzip.compress(b"text", mtime=0), "gzip"),
        (b"abc\0def", "NUL byte at offset 3: it is binary"),
        ("plain".encode("utf-16-le"), "try --encoding utf-16-le"),
        ("plain".encode("utf-16-be"), "try --encoding utf-16-be"),
        (b"a" * 100_000 + b"\0", r"NUL character \(character 100000\)"),
        (b"\x01\x02" + b"a" * 50, "4% of its first characters are control characters"),
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "byte order mark only"),
        (b" \r\n\t\n", "white space only"),
        ("\ufeff \u3000".encode("utf-16-le"), "white space only"),
    ],
)
def test_inspect_file_refuses_what_is_no_text(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        inspect_file(saved(tmp_path, content))


def test_inspect_file_refuses_nul_in_a_given_encoding(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="NUL character"):
        inspect_file(saved(tmp_path, "ab\0".encode("utf-16-le")), Reading("utf-16-le"))


def test_inspect_file_accepts_few_control_characters(tmp_path: Path) -> None:
    content = b"\f\v" * 9 + b"\x1b" + b"a" * 200
    assert inspect_file(saved(tmp_path, content)).num_bytes == 219


def test_inspect_file_tells_what_the_system_refuses(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        inspect_file(str(tmp_path))
    with pytest.raises(DataError, match="cannot be read: No such file"):
        inspect_file(str(tmp_path / "gone.txt"))


def test_pieces_tells_that_a_file_has_changed(tmp_path: Path) -> None:
    source = inspect_file(saved(tmp_path, b"text"))
    saved(tmp_path, b"te\xfft")
    with pytest.raises(DataError, match=r"file\.txt has changed.*offset 2"):
        list(pieces(source))
    os.unlink(source.path)
    with pytest.raises(DataError, match="cannot be read"):
        list(pieces(source))


def test_pieces_of_a_single_long_line_are_bounded(tmp_path: Path) -> None:
    line = "0123456789" * 1_000_000
    source = inspect_file(saved(tmp_path, line.encode()))
    parts = list(pieces(source))  # a quadratic search would take minutes
    assert "".join(parts) == line
    assert max(map(len, parts)) <= (1 << 16) + TAIL_CHARS


# open_sources


class _Input:
    """Stands for sys.stdin."""

    closed = False

    def __init__(self, content: bytes, terminal: bool = False) -> None:
        self.buffer = io.BytesIO(content)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def test_open_sources_spools_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", _Input(CHINESE.encode("utf-16")))
    with open_sources([saved(tmp_path, b"text"), "-"]) as (file, standard_input):
        assert (file.name, standard_input.name) == ("file.txt", "standard input")
        assert standard_input.encoding == "utf-16-le"
        assert list(pieces(standard_input)) == list(pieces(standard_input)) == [CHINESE]
    assert not os.path.exists(standard_input.path)
    assert os.path.exists(file.path)


def test_open_sources_deletes_the_copy_after_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", _Input(b""))
    with pytest.raises(DataError, match=r"^standard input is empty"), open_sources(["-"]):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("stdin", "message"), [(None, "closed"), (_Input(b"", terminal=True), "terminal")])
def test_open_sources_refuses_no_input(monkeypatch: pytest.MonkeyPatch, stdin: object, message: str) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(DataError, match=f"standard input is .*{message}.*pipe"), open_sources(["-"]):
        pass


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="needs /dev/fd")
def test_open_sources_reads_a_pipe_twice() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"from a pipe")
    os.close(write_end)
    try:
        with open_sources([f"/dev/fd/{read_end}"]) as (source,):
            assert list(pieces(source)) == ["from a pipe"]
    finally:
        os.close(read_end)


# cut_safely and recut


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("one two three", "one two"),
        ("one \r\n two", "one"),
        ("你好，世界很大", "你好"),
        ("你好世界很大", "你好世界很"),
        ("abc,def", "abc"),
        ("don'tstop", "don'tsto"),
        ("1234", ""),
        ("e\u0301\u0301", ""),
        ("\u0391\u03a3b", ""),
        ("\u1112\u1161", ""),
    ],
)
def test_cut_safely_takes_the_best_place(text: str, first: str) -> None:
    assert text[: cut_safely(text)] == first


def test_lines_end_at_lf_crlf_and_cr_alone() -> None:
    odd = "a\u2028b\x85c\vd\fe\x1cf"
    assert lines_of(f"{odd}\r\n\nb\rc") == [odd, "", "b", "c"]
    assert (lines_of(""), lines_of("a\r\n"), lines_of("\n")) == ([], ["a"], [""])


@settings(deadline=None)
@given(st.text("a\r\n\u2028\x85\f\x1c", max_size=12), st.integers(1, 4))
def test_lines_do_not_depend_on_chunks(text: str, size: int) -> None:
    parts = [text[begin : begin + size] for begin in range(0, len(text), size)]
    expected = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n") if text else []
    assert lines_of(text) == list(each_line(parts)) == expected
    of_bytes = each_line_of_bytes([part.encode() for part in parts], 99)
    assert [line.decode() for line in of_bytes] == expected


def test_line_of_bytes_too_long_is_given_in_parts() -> None:
    assert list(each_line_of_bytes([b"abc", b"def", b"g\nh"], 4)) == [b"abcdef", b"g", b"h"]


def test_open_sources_leaves_out_of_a_folder_what_is_no_text_and_says_so(tmp_path: Path) -> None:
    files = {
        "a.srt": "one".encode("utf-16"),
        "b": "naïve café".encode("cp1252"),
        "c.tex": CHINESE.encode(),
        "d.txt.gz": gzip.compress(b"packed"),
        "e.txt": b"",
        "f.png": b"\x89PNG\r\n\x1a\n\0",
        "g.bin": bytes(range(256)),
        "i.gz": gzip.compress(b"one" * 999)[:-9],
        "h.txt": b" ".join(bytes(range(begin, begin + 9)) for begin in range(0x80, 0xF7)),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    left_out = (
        f"5 of 9 files were left out: {tmp_path}/e.txt is empty, {tmp_path}/f.png is a PNG picture, not text, "
        f"{tmp_path}/g.bin is binary, not text, {tmp_path}/h.txt is neither UTF-8 (byte 0x80 at offset 0 does not "
        f"fit) nor GB18030, "
        f"{tmp_path}/i.gz is cut off or damaged, and cannot be unpacked"
    )
    for argument in (tmp_path, tmp_path / "*"):
        with open_sources([str(argument)], warn=(lines := []).append) as sources:
            assert ["".join(pieces(source)) for source in sources] == ["one", "naïve café", CHINESE, "packed"]
            packed = sources[3]
            assert (packed.name, packed.path) == ("d.txt.gz", str(tmp_path / "d.txt.gz"))
            assert packed.sha256 == hashlib.sha256(files["d.txt.gz"]).hexdigest()
            assert packed.num_bytes == len(files["d.txt.gz"])
        assert lines[0] == left_out and len(lines) == 2 and lines[1].startswith("b was read as cp1252")
        assert not os.path.exists(packed.place)
    with pytest.raises(DataError, match="is a PNG picture"), open_sources([str(tmp_path / "f.png")]):
        pass
    with (
        pytest.raises(DataError, match=r"b is neither UTF-8"),
        open_sources([str(tmp_path)], Reading(strict=True)),
    ):
        pass
    none = r"^2 of 2 files were left out: .*; expected at least one with text$"
    with pytest.raises(DataError, match=none), open_sources([str(tmp_path / "[ef]*")]):
        pass


@pytest.mark.parametrize("content", [gzip.compress(b"one" * 999, mtime=0)[:-9], b"\x1f\x8bno gzip"])
def test_open_sources_refuses_a_damaged_gzip_file(tmp_path: Path, content: bytes) -> None:
    message = r"file\.txt is (?:cut off or damaged|no whole gzip file)"
    with pytest.raises(DataError, match=message), open_sources([saved(tmp_path, content)]):
        pass


def test_open_sources_reads_the_only_text_in_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "texts.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("in/a.txt", "été".encode())
    with open_sources([str(path)]) as (source,):
        assert "".join(pieces(source)) == "été" and (source.name, source.path) == ("texts.zip", str(path))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("b.txt", "b")
    with pytest.raises(DataError, match=r"texts\.zip holds 2 files \(in/a\.txt, b\.txt\)"), open_sources([str(path)]):
        pass


BOOK = """Title: A{}
{}** START OF THIS PROJECT GUTENBERG EBOOK A{}
Chapter 1

The * end *** of it.
{}License
*** START: FULL LICENSE ***
"""
END = "*** END OF THE PROJECT GUTENBERG EBOOK A ***\n"
FRAMED = {
    "plain": BOOK.format("", "*", " ***", END),
    "a long title, and the old footer": BOOK.format(
        "", "*", "\nAND B ***", "End of Project Gutenberg's A, by C\n\n" + END
    ),
    "no stars at the end": BOOK.format("", "*", "\n", END),
}


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
@pytest.mark.parametrize("kind", FRAMED)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_books_of_project_gutenberg_lose_their_frames(kind: str, end: str, size: int) -> None:
    text = (FRAMED[kind] * 2).replace("\n", end)
    book = "Chapter 1\n\nThe * end *** of it.\n".replace("\n", end)
    parts = [text[begin : begin + size] for begin in range(0, len(text), size)]
    assert "".join(without_frames(parts, "START")) == book * 2
    only_end = text[text.index("Chapter") : len(text) // 2]
    assert "".join(without_frames([only_end], "END")) == book


def test_open_sources_cuts_or_names_the_frame_of_project_gutenberg(tmp_path: Path) -> None:
    path = saved(tmp_path, b"x" * (1 << 16) + b"\n" + FRAMED["plain"].encode())
    for strip, told in ((None, []), (False, ["has a header or footer of Project Gutenberg, which is learnt as well"])):
        with open_sources([path], Reading(strip_gutenberg=strip), warn=(lines := []).append) as (source,):
            assert "".join(pieces(source)) == Path(path).read_text()
            assert [line.partition(": --strip-gutenberg")[0] for line in lines] == [f"file.txt {line}" for line in told]
    with open_sources([path], Reading(strip_gutenberg=True), warn=(lines := []).append) as (source,):
        assert "".join(pieces(source)) == "Chapter 1\n\nThe * end *** of it.\n"
        num_chars = os.path.getsize(path)
        lost = f"file.txt lost {num_chars - 32:,} of its {num_chars:,} characters"
        assert lines == [f"{lost}, which Project Gutenberg put around the book"]
    with pytest.raises(DataError, match="nothing but marks of Project Gutenberg"):
        inspect_file(saved(tmp_path, b"*** END OF THE PROJECT GUTENBERG EBOOK A ***"), Reading(strip_gutenberg=True))


@pytest.mark.parametrize("unit", ["\r\n", "e\u0301", "12", " ", "字"])
def test_recut_is_bounded_where_nothing_is_safe(unit: str) -> None:
    text = unit * 150_000
    parts = list(recut([text[:7], text[7:]], 999))
    assert "".join(parts) == text
    assert max(map(len, parts)) <= 999 + TAIL_CHARS
    assert not any(a.endswith("\r") and b.startswith("\n") for a, b in itertools.pairwise(parts))


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(1, 9), st.integers(2, 9))
def test_recut_depends_on_the_text_alone(text: str, chunk: int, num_chars: int) -> None:
    chunks = [text[begin : begin + chunk] for begin in range(0, len(text), chunk)]
    parts = list(recut(chunks, num_chars))
    assert "".join(parts) == text
    assert all(parts)
    assert parts == list(recut([text], num_chars))
