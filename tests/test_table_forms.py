"""Forms of tables beside delimited ones: fastText, JSON arrays, folders, packed files; in which one they come back."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest

from textrnn.base.errors import DataError
from textrnn.text.table.forms import column_names
from textrnn.text.table.json_arrays import array_level, array_pieces
from textrnn.text.table.own_form import with_label
from textrnn.text.table.records import AND, Record
from textrnn.text.table.table import Row, Table, TableOptions, open_table
from textrnn.text.table.writer import write_predictions

ROWS = [(f'the "film", number {n}, was {"fine" if n % 2 else "dull [really] {so}"}', "pn"[n % 2]) for n in range(30)]
OBJECTS = [{"text": text, "label": label} for text, label in ROWS]


def packed_in_zip(name: str, content: bytes, *more: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for other in more:
            archive.writestr(other, "x")
        archive.writestr(name, content)
    return file.getvalue()


CSV = "text,label\n" + "".join(f'"{text.replace(chr(34), chr(34) * 2)}",{label}\n' for text, label in ROWS)
LINES = "".join(f"{json.dumps(one)}\n" for one in OBJECTS)
ARRAY = json.dumps(OBJECTS, indent=1)
FILES: dict[str, bytes] = {
    "a.csv": CSV.encode(),
    "a.jsonl": LINES.encode(),
    "a.json": ARRAY.encode(),
    "compact.json": json.dumps(OBJECTS).encode(),
    "within.json": json.dumps({"version": 1, "data": OBJECTS, "end": None}, indent=2).encode(),
    "ft.txt": "".join(f"__label__{label} {text}\r\n" for text, label in ROWS).encode(),
    "a.csv.gz": gzip.compress(CSV.encode()),
    "a.json.gz": gzip.compress(ARRAY.encode()),
    "told.zip": packed_in_zip("inside/a.csv", CSV.encode(), "inside/README.md", "LICENSE"),
    "one.zip": packed_in_zip("inside/a.csv", CSV.encode(), "__MACOSX/._a.csv", ".DS_Store"),
}


def read(path: Path, needs_label: bool | None = True, **options: object) -> tuple[Table, list[Row]]:
    with open_table(str(path), TableOptions(**options), needs_label=needs_label) as table:  # type: ignore[arg-type]
        return table, list(table.rows())


def pairs(rows: list[Row]) -> list[tuple[str, str | None]]:
    return [(row.text, row.label) for row in rows]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize("name", FILES)
def test_open_table_reads_every_form(folder: Path, name: str) -> None:
    table, rows = read(folder / name)
    assert pairs(rows) == ROWS and table.describe().partition(": ")[2].startswith("30 rows")
    assert column_names(table)[table.text_column] == "text" and table.summary() is None


@pytest.mark.parametrize("to", [".csv", ".tsv", ".jsonl", ".json", ".csv.gz", ".zip", ".txt"])
@pytest.mark.parametrize("name", FILES)
def test_write_predictions_keeps_the_form_or_takes_that_of_the_suffix(folder: Path, name: str, to: str) -> None:
    output = folder / f"out{to}"
    with open_table(str(folder / name), needs_label=True) as table:
        write_predictions(table, ["sure", "label"], [[n, "x"] for n in range(30)], str(output))
    content = output.read_bytes()
    if to.endswith(".gz"):
        content = gzip.decompress(content)
    if to == ".zip":
        with zipfile.ZipFile(output) as archive:
            (inner,) = archive.namelist()
            assert inner == name.removesuffix(".gz") or name in ("one.zip", "told.zip")
            content = archive.read(inner)
    text = content.decode()
    form = {".csv.gz": ".csv", ".zip": Path(name.removesuffix(".gz")).suffix}.get(to, to)
    form = {".zip": ".csv"}.get(form, form)
    found: list[list[object]]
    if form in (".csv", ".tsv"):
        head, *found = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if form == ".tsv" else ",")
        assert sorted(head) == ["label", "label_2", "sure", "text"]
        order = [head.index(column) for column in ("text", "label", "sure", "label_2")]
        found = [[row[column] for column in order] for row in found]
    elif form == ".jsonl":
        found = [list(json.loads(line).values()) for line in text.splitlines()]
    elif form == ".json":
        values = json.loads(text)
        found = [list(one.values()) for one in (values["data"] if "within" in name else values)]
    else:
        return
    if name == "ft.txt":
        found = [sorted(map(str, row), key=lambda cell: len(cell) < 5) for row in found]
        assert [row[0] for row in found] == [text for text, _ in ROWS]
    else:
        expected = [[text, label, number, "x"] for number, (text, label) in enumerate(ROWS)]
        assert [[*map(str, row)] for row in found] == [[*map(str, row)] for row in expected]


def test_write_predictions_keeps_an_array_as_it_came(tmp_path: Path) -> None:
    path, output = tmp_path / "a.json", tmp_path / "b.json"
    path.write_text('[\n  {"text": "a",\n   "label": {"x": 1.0}\n  },\n  {"text": "b"} ]\n\n', encoding="utf-8")
    with open_table(str(path), TableOptions(text_column="text"), needs_label=False) as table:
        write_predictions(table, ["sure"], [[1], [0.5]], str(output))
    assert output.read_text(encoding="utf-8") == (
        '[\n  {"text": "a",\n   "label": {"x": 1.0}, "sure": 1\n  },\n  {"text": "b", "sure": 0.5} ]\n\n'
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ARRAY, 30),
        (json.dumps(OBJECTS), 30),
        ('[{"a": "]}\\"[{"}, {"b": [{}, [1]]}]', 2),
        ("[]", 0),
        ("[{}, 3, [{}],\n {", 1),
    ],
)
def test_array_pieces_add_up_and_rows_are_objects(text: str, expected: int) -> None:
    pieces = list(array_pieces(text.splitlines(keepends=True), array_level(text)))
    assert "".join(piece.text for piece in pieces) == text
    rows = [piece for piece in pieces if piece.is_row]
    assert len(rows) == expected and all(isinstance(json.loads(row.text), dict) for row in rows)
    assert all(text.splitlines()[row.line - 1].find("{") >= 0 for row in rows)


@pytest.mark.parametrize(
    ("labels", "form"),
    [
        (("1", "0"), "{} "),
        (("-1", "+1"), "{} "),
        (("NUM:date", "LOC:city"), "{} "),
        (("pos", "neg"), "{}: "),
        (("好评", "差评"), "{}："),
        (("so so", "joy"), "[{}] "),
    ],
)
def test_a_label_before_each_text(tmp_path: Path, labels: tuple[str, str], form: str) -> None:
    path = tmp_path / "a.txt"
    texts = ["a fine, long film", "dull", "nice , but long , and loud"]
    lines = [f"{form.format(label)}{text}\n" for text in texts for label in labels for _ in range(4)]
    path.write_text("".join(lines), encoding="utf-8")
    table, rows = read(path)
    assert table.describe().startswith("a.txt: 24 rows, a label before each text, UTF-8, text in column")
    assert pairs(rows[3:5]) == [(texts[0], labels[0]), (texts[0], labels[1])]
    assert with_label(table, rows[0].record, "new").raw == f"{form.format('new')}a fine, long film\n"
    path.write_text("The plot\nA film\nThe end\nA bore\n" * 5, encoding="utf-8")
    assert "a text a line" in read(path, needs_label=False)[0].describe()
    assert read(path, delimiter="first-word")[1][0].label == "The"


def test_who_speaks_in_a_talk_is_no_label(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    cells = (f"text: this is number {n}\nlabel: good\n" for n in range(24))  # those of a row are no labels either
    for lines in ([f"{('Ann', 'Ben')[n % 2]}: this is number {n}\n" for n in range(24)], cells):
        path.write_text("".join(lines))
        with pytest.raises(DataError, match="has no column of labels"):
            read(path)


def test_a_table_saved_as_csv_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("".join(f'"{n},""so fine, number {n}"",{n % 2}"\n' for n in range(24)))
    with pytest.raises(DataError, match=r"has a whole row in quotes in each line.*saved as CSV twice"):
        read(path)


@pytest.mark.parametrize(("between", "label"), [("@", "good"), (" -> ", "pos"), ("，", "好评"), ("；", "正面")])
def test_a_label_behind_each_text(tmp_path: Path, between: str, label: str) -> None:
    path, output = tmp_path / "a.txt", tmp_path / "b.txt"
    texts = [f"tea，number {n}" for n in range(12)]
    lines = [f"{text}{between}{label if n % 2 else '差评'}\n" for n, text in enumerate(texts)]
    path.write_text("".join(lines), encoding="utf-8")
    table, rows = read(path)
    assert [(text.strip(), own) for text, own in pairs(rows)[:2]] == [(texts[0], "差评"), (texts[1], label)]
    assert with_label(table, rows[1].record, "new").raw == f"{texts[1]}{between}new\n"
    with open_table(str(path), needs_label=True) as opened:
        write_predictions(opened, ["sure"], [["1"]] * 12, str(output))
    assert output.read_text(encoding="utf-8").count(texts[3]) == 1


def test_fasttext_lines_without_a_label_and_with_several(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("__label__a good film\n\njust a film\n__label__b bad\n__label__a\n", encoding="utf-8")
    table, rows = read(path)
    assert pairs(rows) == [("good film", "a"), ("just a film", None), ("bad", "b"), ("", "a")]
    assert "fastText" in table.describe() and "1 row with no text" in str(table.summary())


@pytest.mark.parametrize(
    "line", ["__label__a __label__b\tbad", "bad __label__a __label__b", "__label__a bad  __label__b"]
)
def test_fasttext_lines_with_several_labels(tmp_path: Path, line: str) -> None:
    path, output = tmp_path / "a.txt", tmp_path / "b.txt"
    path.write_text(f"{line}\n{line}\nbad\n", encoding="utf-8")
    with open_table(str(path), needs_label=True) as table:
        assert pairs(list(table.rows())) == [("bad", f"a{AND}b")] * 2 + [("bad", None)]
        edits = iter([None, None, f"c{AND}so so"])

        def edit(record: Record) -> Record:
            new = next(edits)
            return record if new is None else with_label(table, record, new)

        write_predictions(table, ["sure"], [["1"]] * 3, str(output), edit=edit)
    new = "bad __label__c __label__so-so" if line.startswith("bad") else "__label__c __label__so-so bad"
    assert output.read_text(encoding="utf-8") == f"{line}\t1\n{line}\t1\n{new}\t1\n"


def test_folder_is_a_table_of_its_files(tmp_path: Path) -> None:
    for label, names in {"pos": "ab", "neg": "cd", "unsup": "e", ".git": "x"}.items():
        (tmp_path / "set" / label / "in").mkdir(parents=True)
        for name in names:
            place = tmp_path / "set" / label / (f"in/{name}" if name == "b" else f"{name}.txt")
            place.write_bytes(f"très bien,\r\nsaid {name}\n".encode("cp1252" if name == "a" else "utf-8"))
    (tmp_path / "set" / "neg" / "empty.txt").write_bytes(b"")
    (tmp_path / "set" / "neg" / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    (tmp_path / "set" / "readme").write_bytes(b"x")
    table, rows = read(tmp_path / "set")
    text = "très bien,\r\nsaid "
    labels = [("c", "neg"), ("d", "neg"), ("a", "pos"), ("b", "pos"), ("e", None)]
    assert pairs(rows) == [(text + name, label) for name, label in labels]
    assert [line.partition(": ")[2] for line in table.warnings] == [
        "1 file (readme) beside the subfolders left out",
        "2 files (neg/empty.txt, neg/picture.png) without text left out",
    ]
    assert table.name == "set.csv"
    plain, rows = read(tmp_path / "set" / "unsup", needs_label=None)
    assert (plain.label_column, [row.text for row in rows]) == (None, [f"{text}e"])


def test_files_of_a_folder_that_labels_name_have_a_text_a_line(tmp_path: Path) -> None:
    """As in the film reviews of Pang and Lee, 2005."""
    (tmp_path / "rt-polarity.pos").write_bytes("très bien\n\nfine, too\n".encode("cp1252"))
    (tmp_path / "rt-polarity.neg").write_bytes(b"dull\r\n")
    table, rows = read(tmp_path)
    assert pairs(rows) == [("dull", "neg"), ("très bien", "pos"), ("fine, too", "pos")]
    assert "each line is a text" in table.warnings[-1]


@pytest.mark.parametrize("around", ["", "rt-polaritydata"])
def test_a_file_that_tells_of_the_others_is_no_text(tmp_path: Path, around: str) -> None:
    (tmp_path / around).mkdir(exist_ok=True)
    (tmp_path / "README.txt").write_bytes(b"of films\n")
    for label in ("pos", "neg"):
        (tmp_path / around / f"rt-polarity.{label}").write_text(f"a {label} film\nanother\n")
    table, rows = read(tmp_path)
    assert pairs(rows) == [("a neg film", "neg"), ("another", "neg"), ("a pos film", "pos"), ("another", "pos")]
    assert around or "1 file (README.txt) left out" in table.warnings[-1]


def test_parts_of_a_data_set_are_told_by_a_word_of_their_names(tmp_path: Path) -> None:
    for part in ("news-by-date-train", "news-by-date-test"):
        for label in ("sci.med", "rec.autos"):
            (tmp_path / part / label).mkdir(parents=True)
            for number in range(3):
                (tmp_path / part / label / str(number)).write_text(f"{label} {number} of {part}")
    assert {row.label for row in read(tmp_path)[1]} == {"sci.med", "rec.autos"}


def test_names_of_chapters_are_no_labels(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"chapter {number}.txt").write_text(f"It was chapter {number}.\n\nIt rained.")
    with pytest.raises(DataError, match="no column of labels"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("names", "lines", "needs_label", "labels"),
    [
        (("sports.txt", "体育.txt"), "line\n" * 12, True, {"sports", "体育"}),
        (("sports.txt", "体育.txt"), "line\n" * 12, False, {None}),
        (("sports.txt", "体育.txt"), "line\n" * 6, None, {None}),
        (("sports.txt", "体育.txt"), "line\n\n" * 12, None, {None}),
        (("train.txt", "test.txt"), "line\n" * 12, None, {None}),
        (("day 1.txt", "day 2.txt"), "line\n" * 12, None, {None}),
    ],
)
def test_files_of_many_lines_are_classes_where_labels_are_wanted(
    tmp_path: Path, names: tuple[str, ...], lines: str, needs_label: bool | None, labels: set[str | None]
) -> None:
    for name in names:
        (tmp_path / name).write_text(lines, encoding="utf-8")
    _, rows = read(tmp_path, needs_label=needs_label, text_column="text")
    assert {row.label for row in rows} == labels
    assert len(rows) == (24 if labels != {None} else 2)


def test_labels_are_found_in_a_folder_within_a_folder(tmp_path: Path) -> None:
    for place in ("set/all/sports/1", "set/all/art/1", "set/readme"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(f"said {place}\n", encoding="utf-8")
    table, rows = read(tmp_path / "set")
    assert pairs(rows) == [("said set/all/art/1", "art"), ("said set/all/sports/1", "sports")]
    assert table.warnings[0].endswith("of it, all is read, which has the folders of labels")


def test_parts_of_a_data_set_in_a_folder_are_no_labels(tmp_path: Path) -> None:
    """As in the film reviews of Maas et al., 2011."""
    for place in ("train/pos/1", "train/neg/2", "train/unsup/3", "test/pos/4", "train/urls", "readme"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(f"said {place}\n", encoding="utf-8")
    table, rows = read(tmp_path)
    assert [row.label for row in rows] == ["pos", "neg", "pos", None]
    assert [row.record.cells[1] for row in rows] == ["test", "train", "train", "train"]
    assert "test and train are parts of a data set" in table.warnings[0] and "--split-column part" in table.warnings[0]
    assert "2 files (readme, train/urls) beside the subfolders left out" in table.warnings[1]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("two.zip", packed_in_zip("a.csv", b"x", "b.csv"), r"holds 2 files \(b.csv, a.csv\): expected one"),
        ("none.zip", packed_in_zip("__MACOSX/x", b""), r"holds 0 files: expected one"),
        ("sheet.zip", packed_in_zip("[Content_Types].xml", b"x", "xl/workbook.xml"), "is damaged, or no workbook"),
        ("a.docx", packed_in_zip("[Content_Types].xml", b"x", "word/document.xml"), "spreadsheet of Excel"),
        ("half.csv.gz", gzip.compress(CSV.encode())[:-9], r"half.csv.gz is cut off or damaged"),
        ("plain.csv.gz", CSV.encode(), r"plain.csv.gz is no whole gzip file"),
        (
            "name.zip",
            packed_in_zip("好.csv", CSV.encode()).replace("好".encode(), b"\xe5\xff\xbd", 1),
            "no whole zip file",
        ),
        (
            "long.zip",
            packed_in_zip("a.csv", CSV.encode()).replace(b"a.csv", b"b.csv", 1),
            "no whole zip file: .{0,100}; p",
        ),
        ("half.zip", packed_in_zip("a.csv", CSV.encode())[:80], "zip|archive|Excel"),
        ("a.ods", packed_in_zip("mimetype", b"x", "content.xml"), "spreadsheet of OpenDocument: save it there"),
        ("export.xls", b"<html><table>\n<tr><td>a</td></tr>\n</table></html>\n", "is a page of HTML, not a table"),
        ("a.xml", b"\xef\xbb\xbf<?xml version='1.0'?>\n<rows/>\n", "is XML, not a table"),
        ("a.arff", b"@RELATION reviews\n@data\n'a film',1\n", "is ARFF of Weka, not a table"),
        ("strings.json", b'["a text", "another"]', "no column of labels"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # an archive has the time it was made
)
def test_open_table_refuses_what_is_not_packed_well(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=says):
        read(path)


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r"])
def test_a_table_of_another_alphabet_is_read_and_the_guess_is_said(tmp_path: Path, encoding: str) -> None:
    text = "отличный товар, советую всем"
    (tmp_path / "a.csv").write_text(f'"{text}",1\n"{text}",0\n' * 20, encoding=encoding)
    table, rows = read(tmp_path / "a.csv")
    assert rows[0].text == text
    assert any("neither UTF-8 nor GB18030: read as " in line and "(Cyrillic)" in line for line in table.warnings)
    with pytest.raises(DataError, match=r"neither UTF-8 nor GB18030: name its encoding"):
        read(tmp_path / "a.csv", strict_encoding=True)


def test_a_table_in_no_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b",1\n".join(bytes(range(begin, begin + 9)) for begin in range(0x80, 0xF7)))
    with pytest.raises(DataError, match=r"neither UTF-8 nor GB18030, .* --encoding, such as cp1251"):
        read(tmp_path / "a.csv")


ABOUT = {"Bill": "on day {} paid twice", "Login": "no code came on day {}"}
ABOUT |= {"体育": "主场第{}次比赛赢了", "教育": "学校第{}次考试推迟"}


@pytest.mark.parametrize(
    "form", ["{label}: {text}", "{label}：{text}", "{label} - {text}", "{text} — {label}", "{label} > {text}"]
)
@pytest.mark.parametrize("labels", [("Bill", "Login"), ("体育", "教育")])
def test_a_sign_between_a_text_and_any_word_that_it_tells(tmp_path: Path, form: str, labels: tuple[str, str]) -> None:
    path, expected = tmp_path / "a.txt", [(ABOUT[labels[n % 2]].format(n), labels[n % 2]) for n in range(40)]
    lines = (form.format(text=text, label=label) for text, label in expected)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    assert pairs(read(path)[1]) == expected
    untold = (form.format(text=f"day {n} it was", label=labels[n * n % 11 % 2]) for n in range(40))
    path.write_text("".join(f"{line}\n" for line in untold), encoding="utf-8")
    with pytest.raises(DataError, match="has no column of labels"):
        read(path)


def test_yaml_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("- text: fine tea\n  label: good\n" * 9)
    with pytest.raises(DataError, match="is YAML, not a table of text"):
        read(path)
