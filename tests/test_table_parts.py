"""What tables are read by: encodings, records, dialects, names and facts of columns, JSON lines."""

from __future__ import annotations

import csv
import io
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrnn.base.errors import DataError
from textrnn.text.encodings import BAD
from textrnn.text.table import records as records_module
from textrnn.text.table.bracketed import bracketed_labels
from textrnn.text.table.column_facts import column_facts
from textrnn.text.table.column_names import label_hint, speaks_against, text_hint
from textrnn.text.table.dialect import find_dialect, parse_delimiter
from textrnn.text.table.header import has_header
from textrnn.text.table.json_lines import read_json_records, with_members
from textrnn.text.table.records import Dialect, Record, read_records
from textrnn.text.table.source import encoding_remarks, inspect_table, table_lines
from textrnn.text.table.table import open_table

JAPANESE = "この湯のみで飲むお茶はとてもおいしいです。"
KOREAN = "저는 오늘 아침에 따뜻한 차를 두 잔 마셨고 기분이 아주 좋았습니다."
TRADITIONAL = "這杯茶是我們今天早上在山下買的，味道不錯，下次還要再來。"
CHINESE = "床前明月光，疑是地上霜，举头望明月，低头思故乡。"


def cells(text: str, width: int | None = None, **dialect: object) -> list[list[str]]:
    lines = text.splitlines(keepends=True)
    return [record.cells for record in read_records(lines, Dialect(**dialect), width=width)]  # type: ignore[arg-type]


# inspect_table and table_lines


@pytest.mark.parametrize(
    ("content", "codec", "num_bad", "guessed"),
    [
        (b"plain", "utf-8", 0, False),
        ("ééééa".encode() + b"\xff", "utf-8", 1, False),
        ("éééa".encode() + b"\xff", "utf-8", 1, False),
        ("une tasse chaude éééa".encode() + b"\xff", "utf-8", 1, False),
        (("é" * 8).encode() + b"a\xc3 b\x80", "utf-8", 2, False),
        (CHINESE.encode("gb18030"), "gb18030", 0, False),
        # A text that was cut in the middle of a character, among 200 whole ones.
        ((CHINESE * 9).encode("gb18030") + b"\xb5\n" + (CHINESE * 9).encode("gb18030"), "gb18030", 1, False),
        (CHINESE.encode("gb18030") + b"\xb5\n", "gb18030", 1, False),
        ("un café noir – là".encode("cp1252"), "cp1252", 0, True),
        ("un café".encode("latin-1") + b" \x81\x8d", "iso8859-1", 0, True),
        (JAPANESE.encode("shift_jis"), "cp932", 0, True),
        (JAPANESE.encode("euc_jp"), "euc_jp", 0, True),
        (KOREAN.encode("euc_kr"), "cp949", 0, True),
        (TRADITIONAL.encode("big5"), "cp950", 0, True),
        (TRADITIONAL.encode("gb18030"), "gb18030", 0, False),
        # Labels beside texts in ASCII: all in rows of Hangul, in Big5, as those of Korean, and of western languages.
        ("late again,差评\nas ordered,好评\n".encode("gb18030") * 9, "gb18030", 0, True),
        ("late again,負面\nas ordered,正面\n".encode("big5") * 9, "cp950", 0, True),
        ("late again,부정\nas ordered,긍정\n".encode("cp949") * 9, "gb18030", 0, True),
        ("tarde de novo,Reclamação\n".encode("cp1252") * 9, "cp1252", 0, True),
        ("TARDE DE NOVO,SITUAÇÃO\n".encode("cp1252") * 9, "cp1252", 0, True),
        ("zu klein,Größe\nzu rauh,Qualität\n".encode("cp1252") * 9, "cp1252", 0, True),
        ("It rained.\xa0\xa0Then it stopped, \xa7\xa7 3\n".encode("cp1252") * 9, "cp1252", 0, True),
        ("late again,ужасно\nas ordered,отлично\n".encode("cp1251") * 9, "cp1251", 0, True),
        ("χάλια φαγητό,κακό\n".encode("cp1253") * 9, "cp1253", 0, True),
        ("iPhone和iPad比Mac小,Apple的A股涨了又跌,我今天还是想买\n".encode("gb18030"), "gb18030", 0, False),
        ("naïve\ud83d".encode("utf-16", "surrogatepass"), "utf-16-le", 1, False),
        (b"\xef\xbb\xbftext", "utf-8-sig", 0, False),
        (f"{JAPANESE}\n{JAPANESE}".encode("iso2022_jp"), "iso2022_jp", 0, False),
        (f"{CHINESE}\n{CHINESE}".encode("hz"), "hz", 0, False),
        (b"format('~{~a~}'), format('~{~b~}')", "utf-8", 0, False),
    ],
)
def test_inspect_table_decides_the_encoding(
    tmp_path: Path, content: bytes, codec: str, num_bad: int, guessed: bool
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    found = inspect_table(str(path), "a.csv")
    assert (found.codec, found.num_bad, found.guessed) == (codec, num_bad, guessed)
    text = "".join(table_lines(str(path), "a.csv", found))
    assert text.count(BAD) == num_bad and not text.startswith("\ufeff")


def test_table_lines_are_without_the_marks_of_files_that_were_joined(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(("\ufefftext\nfine\n\ufeff\n\ufefftext\n" + "zero\ufeffwidth\n").encode())
    lines = table_lines(str(path), "a.csv", inspect_table(str(path), "a.csv"))
    assert list(lines) == ["text\n", "fine\n", "\n", "text\n", "zero\ufeffwidth\n"]


@pytest.mark.parametrize(
    ("text", "codec", "others"),
    [
        ("late again,差评\nas ordered,好评\n", "gb18030", r"cp949 \(EUC-KR\)"),
        ("Pokój był mały,źle\nOddał mi mój głos,dobrze\n", "cp1250", r"cp1252 \(Western\)"),
        ("Přišel jsem pozdě,špatně\nPřesto mě přijali,dobře\n", "cp1250", r"cp1252 \(Western\)"),
        ("Ekranın ışığı açık kaldı, bataryanın şarjı da bitti ama şikayet yok\n", "cp1254", r"cp1252 \(Western\)"),
        ("Það er þreyttur maður, ný skýli\n", "cp1252", ""),
        ("Žižek était très étonné, déjà à Liège. Džeko à l'école\n", "cp1252", ""),
        ("Portugal com Özil e Björk: opções, ação, está à mão\n", "cp1252", ""),
        ("mañana hola ¿que tal? 12m³por 3m³por\n", "cp1252", ""),
        ("Où est l'été ? ¿Señor? nº1, 20 m³, père, søn, João\n", "cp1252", ""),
    ],
)
def test_encoding_remarks_name_other_encodings(tmp_path: Path, text: str, codec: str, others: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(codec))
    found = inspect_table(str(path), "a.csv")
    (line,) = encoding_remarks("a.csv", found)
    assert "".join(table_lines(str(path), "a.csv", found)) == text
    assert re.search(f"name its encoding with --encoding{f', such as {others}' if others else '$'}", line)


def test_inspect_table_refuses_surrogates_in_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("fine \ud83d\ude00".encode("utf-8", "surrogatepass"))
    with pytest.raises(DataError, match="no proper UTF-8: a surrogate stands at offset 5"):
        inspect_table(str(path), "a.csv")


def test_table_lines_tells_that_a_file_has_gone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\nc,d\n", encoding="utf-8")
    encoding = inspect_table(str(path), "a.csv")
    os.unlink(path)
    with pytest.raises(DataError, match=r"a\.csv cannot be read: No such file"):
        next(table_lines(str(path), "a.csv", encoding))


def test_table_lines_refuses_a_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textrnn.text.table.source.MAX_LINE_CHARS", 1000)
    path = tmp_path / "a.csv"
    path.write_text("a" * 1001, encoding="utf-8")
    with pytest.raises(DataError, match="a line of 1,000 characters or more"):
        list(table_lines(str(path), "a.csv", inspect_table(str(path), "a.csv")))


# read_records and parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\nc,d", [["a", "b"], ["c", "d"]]),
        ('"a\n",b\r\n\r\nc', [["a\n", "b"], [], ["c"]]),
        ('""\n', [[""]]),
        (",\n", [["", ""]]),
        ('a"b,c"\n', [['a"b', 'c"']]),
        ('"a" b,c\n', [['"a" b', "c"]]),
        ('"a "b" c",d\n', [['a "b" c', "d"]]),
        ('"a "b, c" d",e\n', [['a "b, c" d', "e"]]),
        ('"a,b\nc,d\n', [['"a', "b"], ["c", "d"]]),
        # The quote that would close the cell stands in the next cell: nothing is swallowed.
        ('"a,b\n"c",d\n', [['"a', "b"], ["c", "d"]]),
        ("a\rb,c\n", [["a\rb", "c"]]),
        ('"a\rb","c""\n"\n', [["a\rb", 'c"\n']]),
    ],
)
def test_read_records_cuts_records_into_cells(text: str, expected: list[list[str]]) -> None:
    lines = io.StringIO(text, newline="\n").readlines()
    found = list(read_records(lines, Dialect()))
    assert [record.cells for record in found] == expected
    assert "".join(record.raw for record in found) == text


def test_read_records_undoes_a_record_that_swallowed_others() -> None:
    text = 'fine,1\n"so it goes,0\ntall 5",1\nbad,0\n'
    assert cells(text) == [["fine", "1"], ["so it goes,0\ntall 5", "1"], ["bad", "0"]]
    text = 'fine,1,x\n"so it goes,0,x\ntall 5",1,x\nbad,0,x\n'
    assert cells('fine,1\n"so it goes,0\n5",1,x\n', width=2) == [["fine", "1"], ['"so it goes', "0"], ['5"', "1", "x"]]
    assert cells(text, width=3)[1] == ["so it goes,0,x\ntall 5", "1", "x"]


def test_read_records_reads_backslashes_and_spaces_if_told() -> None:
    assert cells('"a \\"b\\", c",d\n', escape=True) == [['a "b", c', "d"]]
    assert cells('"a\\",b\n"c",d\n', escape=True) == [["a\\", "b"], ["c", "d"]]
    assert cells('"a, b", "c, d", e\n', skip_space=True) == [["a, b", "c, d", "e"]]
    assert cells('"a\tb"\t"c\n', delimiter="\t", quotes=False) == [['"a', 'b"', '"c']]
    text = "a\\\n\\\r\nb\\\tc\\\\\tx\\N\\\\\n\nd\te\\\n"
    assert cells(text, delimiter="\t", quotes=False, escape=True) == [["a\n\r\nb\tc\\", "x\\N\\"], [], ["d", "e\\"]]


def test_read_records_looks_for_a_closing_quote_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    text = '"open\n' + "c,d\n" * 40_000 + '",e\n'  # more than the csv module takes
    assert len(cells(text)) == 1
    monkeypatch.setattr(records_module, "MAX_RECORD_CHARS", 1000)
    assert cells(text)[:2] == [['"open'], ["c", "d"]] and len(cells(text)) == 40_002


def test_read_records_tells_where_cells_end() -> None:
    raw = '"a, ""b""",,"c\nd",e\r\n'
    (found,) = read_records(raw.splitlines(keepends=True), Dialect())
    assert found.cells == ['a, "b"', "", "c\nd", "e"]
    assert [raw[begin:end] for begin, end in found.spans] == ['"a, ""b"""', "", '"c\nd"', "e"]


@settings(deadline=None)
@given(st.text(st.sampled_from('ab,"\n\r '), max_size=40), st.sampled_from([None, 2]))
def test_read_records_loses_nothing_and_parses_a_record_as_it_was_read(text: str, width: int | None) -> None:
    lines = io.StringIO(text, newline="\n").readlines()
    found = list(read_records(lines, Dialect(), width=width))
    assert "".join(record.raw for record in found) == text
    assert [record.line for record in found] == [
        1 + sum(r.raw.count("\n") for r in found[:number]) for number in range(len(found))
    ]
    try:
        strict = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return
    if width is None and "\r" not in text:
        assert [record.cells for record in found] == strict


# find_dialect


@pytest.mark.parametrize(
    ("text", "delimiter", "quotes", "kind"),
    [
        ("a;1,5\nb;2,5\nc;3,0\n", ";", True, "csv"),
        ("text\tlabel\nso, it is\t1\nno\t0\n", "\t", True, "csv"),
        ("a|b|c\nd|e|f\n", "|", True, "csv"),
        ("good film, pos\nbad film, neg\nso, neg\nno, pos\n", ",", True, "csv"),
        ("I liked it, really\n", "\t", False, "lines"),
        ("好,不错\n", "\t", False, "lines"),
        ('"a; b",1\n"c, d",2\n"e",3\n', ",", True, "csv"),
        ('"a" x\t1\n"b" y\t2\nc\t3\n', "\t", False, "csv"),
        ("text,label\nit is, I think, so,1\nno, no, no, no,0\nyes,1\n", ",", True, "csv"),
        ('{"a": 1}\n{"a": 2}\n', ",", False, "jsonl"),
        ("好@1\n坏, 坏@0\n好好@1\n坏坏@0\n", "@", False, "at"),
        ("评论@标签\n好@1\n", "@", False, "at"),
        ("a line\nand, another\n", "\t", False, "lines"),
        ('"text" "label"\n"1" "so \\"good\\" it is" 1\n"2" "no" NA\n', " ", True, "csv"),
        ('"So" it is\n"No", she said\n', "\t", False, "lines"),
    ],
)
def test_find_dialect_finds_the_delimiter(text: str, delimiter: str, quotes: bool, kind: str) -> None:
    dialect = find_dialect(text.splitlines(keepends=True)).dialect
    assert (dialect.kind, dialect.quotes) == (kind, quotes)
    assert kind == "jsonl" or dialect.delimiter == delimiter


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ('"a \\"b\\" c",1\n"it, \\"is\\"",2\n', {"escape": True}),
        ('text, label\n"it, is", "1"\n"b, c", "2"\n', {"skip_space": True, "quoted": "all"}),
        ('text,label\n"it, "" is",1\n" ""b, c"", "" d",2\n', {"quoted": "nonnumeric"}),
        ("1\tso\\\nit is\tpos\n2\tno\tneg\n3\tyes\tpos\n", {"escape": True, "quotes": False}),
        ("text,label\n" + "'it''s, well,\n \"so\"',1\n'no',2\n" * 9, {"quote": "'", "quoted": "nonnumeric"}),
        ("'it\\'s, well','a'\n'no, no','b'\n" * 9, {"quote": "'", "escape": True, "quoted": "all"}),
        ("'tis good, I say,1\nit's 'bad',2\n" * 9, {"quote": '"'}),
        ("1\tC:\\\tpos\n2\tno\tneg\n3\tD:\\\tpos\n", {}),
    ],
)
def test_find_dialect_finds_how_cells_are_quoted(text: str, options: dict[str, object]) -> None:
    dialect = find_dialect(text.splitlines(keepends=True)).dialect
    expected = {"escape": False, "skip_space": False, **options}
    assert {name: getattr(dialect, name) for name in expected} == expected


def test_find_dialect_heeds_the_name_and_the_flag() -> None:
    lines = ["good,so\n", "bad,no\n"]
    assert find_dialect(lines, name="a.csv").width == 2 and find_dialect(lines, name="a.txt").width == 1
    assert find_dialect(["so, so\n"], name="a.csv").width == 1
    assert find_dialect(["a;1\n", "b;2\n"], delimiter="lines").dialect.kind == "lines"


def test_parse_delimiter_knows_words() -> None:
    assert [parse_delimiter(word) for word in ("TAB", "\\t", "at", "pipe", "^", "jsonl")] == [*"\t\t@|^", "jsonl"]


# Columns


@pytest.mark.parametrize(
    ("name", "text", "label", "against"),
    [
        ("text", 3, 0, False),
        ("Review Text", 2, 0, False),
        ("review_text_clean", 1, 0, False),
        ("评论内容", 2, 0, False),
        ("评论时间", 0, 0, True),
        ("情感标签", 0, 2, False),
        ("label", 0, 3, False),
        ("Score", 0, 2.5, False),
        ("sentiment_confidence", 0, 0, True),
        ("tweet_id", 0, 0, True),
        ("", 0, 0, False),
    ],
)
def test_hints_of_a_name(name: str, text: float, label: float, against: bool) -> None:
    assert (text_hint(name), label_hint(name), speaks_against(name)) == (text, label, against)


def test_column_facts_tell_shares() -> None:
    rows = [["1", "2015-02-24 11:35", "a b"], ["-2.5", "24/2/15", ""], ["x", "Feb 24, 2015", " 好 "], ["3%"]]
    numbers, dates, texts = column_facts(rows, 3)
    assert (numbers.numbers, numbers.filled, numbers.num_rows) == (0.75, 4, 4)
    assert (dates.dates, dates.filled) == (1, 3)
    assert (texts.prose, texts.filled, texts.mean_chars, texts.counts["好"]) == (1, 2, 2, 1)


def test_has_header_is_not_misled_by_a_label_that_looks_like_a_name() -> None:
    below = column_facts([["the markets fell", "news"], ["a goal", "sport"], ["the vote", "news"]], 2)
    assert not has_header(["the storm came", "news"], below)
    assert has_header(["text", "news"], column_facts([["a b", "1"], ["c d", "0"]], 2))


# JSON lines


def test_read_json_records_gives_values_as_they_are_written() -> None:
    line = '{"a": 1.50, "b": [1, {"c": "é"}], "d": false, "e": "\\ud800x\\u0000", "f": NaN}\n'
    assert list(read_json_records([line, "\n"], ["a", "b", "d", "e", "f", "g"])) == [
        Record(line, ["1.50", '["1", {"c": "é"}]', "false", "\ufffdx", "NaN", ""], 1),
        Record("\n", [], 2),
    ]


def test_with_members_adds_to_an_object_of_any_form() -> None:
    assert with_members("{}", {"a": "好"}) == '{"a": "好"}'
    assert with_members(' {"a" :[1] } \r\n', {"a": 1, "b": None}) == ' {"a" :[1], "a_2": 1, "b": null } \r\n'


@pytest.mark.parametrize("begin", ["", "2020-01-01", "[a]", "a name", "5 ", "<a>", "好"])
def test_long_runs_of_blanks_take_no_time_that_grows_with_their_square(tmp_path: Path, begin: str) -> None:
    """With 300,000 of them that would be hours."""
    path = tmp_path / "a.csv"
    path.write_text(f"text,label\n{begin}{' ' * 300_000}b,neg\n", encoding="utf-8")
    with open_table(str(path)) as table:
        assert [row.text.split() for row in table.rows()] == [[*begin.split(), "b"]]


@pytest.mark.parametrize("begin", ["[", "[0", "['a'", "(", "('a',", "{", "{a", "{a,"])
def test_long_runs_of_blanks_in_brackets_take_no_time_that_grows_with_their_square(begin: str) -> None:
    assert bracketed_labels(f"{begin}{' ' * 300_000}'") is None
