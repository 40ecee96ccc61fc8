"""Tables of texts: what is found out about them, and their rows."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from textrnn.base.errors import ConfigError, DataError
from textrnn.text.table import table as table_module
from textrnn.text.table.records import Record
from textrnn.text.table.table import Row, Table, TableOptions, choose_columns, open_table

WORDS = ["the", "film", "was", "good", "bad", "plain", "long", "short", "fine", "and", "dull"]
Save = Callable[..., str]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes a file and tells its path."""

    def write(content: str | bytes, name: str = "reviews.csv", encoding: str = "utf-8") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return str(path)

    return write


def read(path: str, needs_label: bool | None = None, **options: object) -> tuple[Table, list[Row]]:
    with open_table(path, TableOptions(**options), needs_label=needs_label) as table:  # type: ignore[arg-type]
        return table, list(table.rows())


def pairs(rows: Sequence[Row]) -> list[tuple[str, str | None]]:
    return [(row.text, row.label) for row in rows]


def sentence(number: int) -> str:
    """A text of 6 to 12 words, another one for each number."""
    size = 6 + number % 7
    return " ".join(WORDS[(number * 7 + place * place) % len(WORDS)] for place in range(size)) + f" {number}"


def written(rows: Sequence[Sequence[str]], **dialect: object) -> str:
    file = io.StringIO()
    csv.writer(file, **dialect).writerows(rows)  # type: ignore[arg-type]
    return file.getvalue()


# What the files that people have look like


def test_open_table_reads_a_spreadsheet_with_many_columns(save: Save) -> None:
    """A score, two reasons, a gold label that is nearly always blank, dates as serial numbers; invalid bytes."""
    header = ["tweet_id", "airline_sentiment", "airline_sentiment_confidence", "negativereason_confidence", "text"]
    header += ["airline", "negativereason", "airline_sentiment_gold", "name", "retweet_count", "tweet_created", "zone"]
    rows = [header]
    for n in range(400):
        mood = ("negative", "neutral", "positive")[n % 5 % 3]
        text = f"@Air{'é' * (n % 2)} " + sentence(n) + (', "really"' if n % 4 == 0 else "") + ("\nbye" * (n % 9 == 0))
        gold, reason = ("negative" if n % 100 == 0 else "", "Late Flight" if n % 3 else "")
        confidence, zone = str(n % 50 / 50), "Eastern Time (US & Canada)"
        airline = ("United", "Delta", "Southwest")[n % 3]
        rows.append([str(57 * 10**16 + n * 977), mood, confidence, "", text, airline, reason, gold, f"user{n}"])
        rows[-1] += [str(n % 7 // 5), f"42059.{n:05}", zone]
    content = written(rows).encode().replace("é f".encode(), b"\xc3 f")
    damaged = [n for n in range(1, 401) if rows[n][4].startswith("@Airé f")]
    table, found = read(save(content))
    assert table.describe() == (
        "reviews.csv: 400 rows, comma, UTF-8, text in column 'text', label in column 'airline_sentiment', "
        "1 empty column"
    )
    assert [row.label for row in found] == [row[1] for row in rows[1:]]
    assert [row.number for row in found if row.problem] == damaged
    assert found[0].text == rows[1][4] and found[8].text == rows[9][4].replace("é", "\ufffd")
    assert f"{len(damaged)} rows with undecodable bytes (rows {damaged[0]}," in str(table.summary())
    assert "places that are not UTF-8, the first at offset" in table.warnings[0]


@pytest.mark.parametrize("is_json", [False, True])
def test_few_bad_bytes_in_a_table_are_replaced_and_told_or_refused(save: Save, is_json: bool) -> None:
    lines = ["text,label"] + [f'"{sentence(n)}",{n % 2}' for n in range(200)]
    content = "\r\n".join(lines).encode()
    if is_json:
        rows = [[sentence(n), n % 2] for n in range(200)]
        content = json.dumps({"columns": ["text", "label"], "data": rows}, indent=1).encode()
    at = content.index(b" ", 900) + 1
    path = save(content[:at] + b"\xfe \xfe" + content[at:])
    table, _ = read(path, needs_label=True)
    line = content[:at].count(b"\n") + 1
    said = f"has 2 places that are not UTF-8, the first at offset {at} (line {line}): replaced by U+FFFD"
    assert any(said in warning for warning in table.warnings)
    with pytest.raises(
        DataError, match=rf"the first at offset {at} \(line {line}\): mend it, or leave out --strict-enc"
    ):
        read(path, strict_encoding=True)
    with pytest.raises(DataError, match=r"neither UTF-8 nor GB18030: name its encoding"):
        read(save("text,label\nun café noir,1\n".encode("cp1252") * 9), strict_encoding=True)
    with pytest.raises(DataError, match=r"is not UTF-8: name its encoding"):
        read(save("text,label\nlate again,差\n".encode("gb18030") * 9), strict_encoding=True)


def test_open_table_reads_windows_1252_and_says_so(save: Save) -> None:
    lines = ["label,news"] + [f'{("neutral", "positive")[n % 2]},"{sentence(n)} – Ængel, a"' for n in range(30)]
    table, rows = read(save("\r\n".join(lines).encode("cp1252")), needs_label=True)
    assert (table.text_column, table.label_column, table.encoding.name) == (1, 0, "Windows-1252")
    assert rows[1].text == f"{sentence(1)} – Ængel, a"
    assert "read as Windows-1252" in table.warnings[0] and "--encoding" in table.warnings[0]
    _, rows = read(save("\r\n".join(lines).encode("cp1252")), encoding="latin-1")
    assert rows[1].text == f"{sentence(1)} \x96 Ængel, a"


def test_open_table_is_not_misled_by_a_header_that_is_too_short(save: Save) -> None:
    """Rows begin with a number that the header does not know, so that its names stand above other columns."""
    lines = ["label,sentence"] + [f'{n},"{sentence(n)} , yes",{n % 3}' for n in range(60)]
    table, rows = read(save("\r\n".join(lines) + "\r\n"), needs_label=True)
    assert (table.text_column, table.label_column, table.header) == (1, 2, ["label", "sentence", ""])
    assert table.describe().endswith("60 rows, comma, UTF-8, text in column 'sentence', label in column 3")
    assert pairs(rows)[4] == (sentence(4) + " , yes", "1") and table.summary() is None


def test_open_table_reads_unquoted_tabs_with_quotes_and_missing_labels(save: Save) -> None:
    lines = ["Review\tLiked"] + [f"{sentence(n)}, ok.\t{n % 2}" for n in range(40)]
    lines[3] = '"Great" said nobody.\t1'
    lines[5] = 'He said "yum yum".\t0'
    lines[7] = 'I waited for 5"\t1'
    lines[9] = "The label is behind a space 1"
    lines[11] = '"Never closed\t0'
    table, rows = read(save("\n".join(lines), "reviews.tsv"), needs_label=True)
    assert (table.text_column, table.label_column, table.dialect.delimiter) == (0, 1, "\t")
    assert len(rows) == 40
    assert [rows[n].text for n in (2, 4, 6, 8)] == [line.split("\t")[0] for line in lines[3:10:2]]
    assert rows[10].text == '"Never closed' and rows[10].label == "0"
    assert rows[8].label is None and rows[8].problem == "too few cells"
    assert "1 row with too few cells (row 9; line 10)" in str(table.summary())


def test_open_table_reads_columns_without_a_name_and_carriage_returns_in_cells(save: Save) -> None:
    lines = ["v1,v2,,,"] + [f'{("ham", "ham", "spam")[n % 3]},"{sentence(n)}, yes",,,' for n in range(60)]
    lines[5] = 'ham,"was it, for u?\\""\rMham""",,,'
    lines[7] = 'spam,one \rtwo,"x ""16""",,'
    table, rows = read(save("\r\n".join(lines)), needs_label=True)
    assert (table.text_column, table.label_column, table.header) == (1, 0, ["v1", "v2", "", "", ""])
    assert rows[4].text == 'was it, for u?\\"\rMham"' and rows[6].text == "one \rtwo"
    assert len(rows) == 60 and table.summary() is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_open_table_reads_chinese_in_its_encodings(save: Save, encoding: str) -> None:
    lines = ["评论,标签"] + [f"菜味道很棒，送餐{'很' * (n % 4)}快{n},{'好评' if n % 2 else '差评'}" for n in range(30)]
    table, rows = read(save("\n".join(lines), encoding=encoding), needs_label=True)
    assert (table.text_column, table.label_column) == (0, 1)
    text = "菜味道很棒，送餐很很很快3"
    assert rows[3] == Row(4, text, "好评", None, Record(lines[4] + "\n", [text, "好评"], 5))
    assert table.encoding.bom == (encoding in ("utf-8-sig", "utf-16"))


def test_open_table_reads_text_at_label(save: Save) -> None:
    lines = [f"房间{'很' * (n % 5)}大, 邮箱 me@home.cn{',' * (n % 3)} 好{n}@{n % 2}" for n in range(20)]
    table, rows = read(save("\n".join(lines), "reviews.txt"))
    assert "text@label" in table.describe() and not table.has_header
    assert pairs(rows)[1] == ("房间很大, 邮箱 me@home.cn, 好1", "1")
    table, rows = read(save("好@1\n坏@0\n好", "few.txt"), delimiter="at")
    assert pairs(rows) == [("好", "1"), ("坏", "0"), ("好", None)]


def test_open_table_reads_json_lines(save: Save) -> None:
    lines = ['{"id": 1, "text": "a fine film", "label": 1.0}', "", '{"label": "1.0", "text": "a, b"}', "{oops"]
    lines += ['{"text": null, "label": 1}', '{"id": 9, "text": "half \\ud83d of one", "label": null}']
    table, rows = read(save("\n".join(lines), "reviews.jsonl"), label_column="label")
    assert pairs(rows) == [
        ("a fine film", "1.0"),
        ("a, b", "1.0"),
        ("", None),
        ("", "1"),
        ("half \ufffd of one", None),
    ]
    assert [row.record.line for row in rows] == [1, 3, 4, 5, 6]
    assert table.summary() == (
        "reviews.jsonl: cannot be used: 1 row with no JSON object (row 3; line 4), 1 row with no text "
        "(row 4; line 5); 1 blank line left out"
    )


@pytest.mark.parametrize("name", ["lines.txt", "lines.csv"])
def test_open_table_reads_a_text_a_line(save: Save, name: str) -> None:
    lines = ["a good film", "not bad; really", "", 'she said "no"', "dull"]
    table, rows = read(save("\n".join(lines), name), needs_label=False)
    assert [row.text for row in rows] == [line for line in lines if line]
    assert (table.has_header, table.label_column) == (False, None)
    table, rows = read(save("\n".join(["text", *lines]), name), needs_label=False)
    assert [row.text for row in rows] == [line for line in lines if line]


def test_open_table_heeds_the_separator_line_of_excel(save: Save) -> None:
    table, rows = read(save("sep=|\r\ntext|label\r\ngood, yes|1\r\nbad, no|0\r\nfine|1\r\nno|0\r\n"))
    assert (table.dialect.delimiter, rows[0].record.line) == ("|", 2)
    assert pairs(rows)[:2] == [("good, yes", "1"), ("bad, no", "0")]


def test_open_table_reads_lines_of_an_old_mac(save: Save) -> None:
    _, rows = read(save('text,label\rgood,1\r"so, so",0\r'), label_column="label")
    assert pairs(rows) == [("good", "1"), ("so, so", "0")] and rows[1].record.raw == '"so, so",0\r'


# Labels, blank and odd cells


def test_rows_keep_labels_as_they_are_written(save: Save) -> None:
    content = "text,label\n" + "".join(f"{sentence(n)},{label}\n" for n, label in enumerate(LABELS))
    _, rows = read(save(content), label_column="label")
    assert [row.label for row in rows] == ["1", "1.0", "01", "1", "NA", "None", "null", "good", None, None]


LABELS = ["1", "1.0", "01", "  1 ", "NA", "None", "null", "\tgood", "", "   "]


def test_rows_count_what_is_odd(save: Save) -> None:
    lines = [f"{sentence(n)},{n % 2}" for n in range(30)]
    lines[3] = ",1"
    lines[4] = '"   ",0'
    lines[6] = ""
    lines[8] = "nul\0in it,1"
    lines[9] = "one,0,two"
    lines[12] = '"She said "no" twice",1'
    table, rows = read(save("text,label\n" + "\n".join(lines)), needs_label=True)
    assert len(rows) == 29
    assert [(row.number, row.record.line, row.problem) for row in rows if row.problem] == [
        (4, 5, "no text"),
        (5, 6, "no text"),
        (8, 10, "NUL characters"),
        (9, 11, "surplus cells left out"),
        (12, 14, "stray quotes"),
    ]
    assert rows[7].text == "nulin it" and rows[11].text == 'She said "no" twice'
    assert table.summary() == (
        "reviews.csv: cannot be used: 2 rows with no text (rows 4, 5; lines 5, 6); read as well as it can be: "
        "1 row with NUL characters (row 8; line 10), 1 row with surplus cells left out (row 9; line 11), "
        "1 row with stray quotes (row 12; line 14); 1 blank line left out"
    )


def test_rows_join_a_text_that_has_delimiters_without_quotes(save: Save) -> None:
    lines = [f"{sentence(n)}{', really' * (n % 3 == 0)},{('pos', 'neg')[n % 2]}" for n in range(30)]
    table, rows = read(save("text,label\n" + "\n".join(lines)), needs_label=True)
    assert pairs(rows) == [(line.rpartition(",")[0], line.rpartition(",")[2]) for line in lines]
    assert "10 rows with surplus cells joined" in str(table.summary()) and "--delimiter" in str(table.summary())


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("text", ['we ate soup, fish, "very good", said Ann', '"Very good", said Ann, and ate'])
def test_rows_join_a_text_that_has_quotes_which_are_its_own(save: Save, text: str, is_first: bool) -> None:
    texts = [sentence(n) if n % 9 else text for n in range(40)]
    expected = [(text, ("pos", "neg")[n % 2]) for n, text in enumerate(texts)]
    header = "label,text" if is_first else "text,label"
    lines = [",".join(pair[::-1] if is_first else pair) for pair in expected]
    table, rows = read(save("\n".join([header, *lines])), needs_label=True)
    assert pairs(rows) == expected
    assert "5 rows with surplus cells joined" in str(table.summary())


def test_rows_leave_out_what_stands_behind_a_text_in_quotes(save: Save) -> None:
    lines = [f'{("pos", "neg")[n % 2]},"{sentence(n)}, ok"{",seen" * (n == 7)}' for n in range(40)]
    table, rows = read(save("\n".join(["label,text", *lines])), needs_label=True)
    assert rows[7].text == f"{sentence(7)}, ok"
    assert "1 row with surplus cells left out (row 8; line 9)" in str(table.summary())


def test_rows_join_a_text_behind_its_label_if_all_have_delimiters(save: Save) -> None:
    expected = [(f"{sentence(n)},so{',well' * (n % 3)}", ("pos", "neg")[n % 2]) for n in range(40)]
    _, rows = read(save("\n".join(["label,text", *(f"{label},{text}" for text, label in expected)])), needs_label=True)
    assert pairs(rows) == expected


def test_rows_join_texts_even_if_nearly_all_have_delimiters(save: Save) -> None:
    lines = [f"well, {sentence(n)}, yes, really,{('pos', 'neg')[n % 2]}" for n in range(60)]
    lines[20:44] = [f"{sentence(n)},{('pos', 'neg')[n % 2]}" for n in range(20, 44)]
    _, rows = read(save("text,label\n" + "\n".join(lines)), needs_label=True)
    assert pairs(rows) == [(line.rpartition(",")[0], line.rpartition(",")[2]) for line in lines]


def test_rows_of_ten_columns_with_numbers_are_no_tokens(save: Save) -> None:
    lines = ["\t".join([str(n), *"abcde", str(n % 3), sentence(n), sentence(n + 1), "0.5"]) for n in range(40)]
    assert len(read(save("\n".join(lines), "a.tsv"), text_column="8", label_column="7")[1]) == 40


@pytest.mark.parametrize("is_first", [True, False])
def test_rows_of_tabs_keep_a_speech_in_quotes_over_several_rows_apart(save: Save, is_first: bool) -> None:
    texts = [f"{chr(34) * (n % 9 == 2)}{sentence(n)}{chr(34) * (n % 9 == 4)}" for n in range(60)]
    expected = [(text, ("pos", "neg")[n % 2]) for n, text in enumerate(texts)]
    lines = ["\t".join(pair[::-1] if is_first else pair) for pair in expected]
    cell = '"two lines,\nno tab"'
    lines.append("\t".join(["pos", cell] if is_first else [cell, "pos"]))
    header = "label\ttext" if is_first else "text\tlabel"
    table, rows = read(save("\n".join([header, *lines]), "a.tsv"), needs_label=True)
    assert pairs(rows) == [*expected, ("two lines,\nno tab", "pos")]
    assert "7 rows with stray quotes" in str(table.summary())


def test_rows_stop_a_quote_that_is_never_closed(save: Save) -> None:
    lines = [f'"{sentence(n)}, ok",{n % 2}' for n in range(40)]
    lines[10] = '"The end is missing,1'
    _, rows = read(save("text,label\n" + "\n".join(lines)), needs_label=True)
    assert len(rows) == 40
    assert rows[10].text == '"The end is missing' and rows[11].text == sentence(11) + ", ok"


def test_open_table_names_the_quote_that_leaves_no_row(save: Save) -> None:
    content = 'text,label\n\n"It was the best\n'
    with pytest.raises(DataError, match=r"a quote opened on line 3 is never closed.*--no-quotes"):
        read(save(content), needs_label=True)
    _, rows = read(save(content), quotes=False, text_column="text", label_column="label")
    assert pairs(rows) == [('"It was the best', None)]


@pytest.mark.slow
def test_rows_read_a_cell_of_a_million_characters(save: Save) -> None:
    cell = 'all, "work" and no\n play. ' * 38_000
    rows = [["text", "label"], [cell, "1"], ["short", "0"], ["words " * 200_000, "1"], ["short", "0"]]
    _, found = read(save(written(rows)), needs_label=True)
    assert pairs(found) == [(text, label) for text, label in rows[1:]]


@pytest.mark.parametrize("cell", ['="{}"', '"=""{}"""'])
def test_rows_have_cells_that_excel_keeps_as_text_without_its_signs(save: Save, cell: str) -> None:
    texts = ["soup, fish", "tea 007", 'a = "b"', '="b" + c']
    rows = [cell.format(text.replace('"', '""' if cell[0] == "=" else '""""')) for text in texts[:3]] + [texts[3]]
    path = save("text,label\n" + "".join(f"{row},{cell.format('good')}\n" for row in rows * 5))
    with open_table(path, TableOptions(text_column="text", label_column="label")) as table:
        assert [(row.text, row.label) for row in table.rows()] == [(text, "good") for text in texts] * 5
        assert len(table.warnings) == 1 and "keeps as text" in table.warnings[0] and table.summary() is None


@pytest.mark.parametrize(
    ("delimiter", "numbers", "expected", "why"),
    [
        ("\t", ["3,208", "3,13", "12"], ["3.208", "3,13", "12"], "as '3,13' shows"),
        (";", ["3,208", "1,500"], ["3.208", "1.500"], "as the delimiter is ';'"),
        (";", ["3,208", "413"], ["3,208", "413"], None),
        ("\t", ["3,208", "1,500"], ["3,208", "1,500"], None),
        (";", ["3.208", "413", "1.500.000"], ["3208", "413", "1500000"], "as '413' beside the delimiter ';' shows"),
        (";", ["3.208", "41"], ["3.208", "41"], None),
        (";", ["3,208", "3,13", "1,234,567"], ["3,208", "3,13", "1,234,567"], None),
    ],
)
def test_rows_read_labels_with_a_sign_of_decimals_or_thousands_as_others_show(
    save: Save, delimiter: str, numbers: list[str], expected: list[str], why: str | None
) -> None:
    rows = [f"a fine film {n}{delimiter}{numbers[n % len(numbers)]}\n" for n in range(6 * len(numbers))]
    with open_table(save(f"text{delimiter}score\n{''.join(rows)}"), needs_label=True) as table:
        assert [row.label for row in table.rows()] == expected * 6
        assert [why is not None and why in line for line in table.warnings] == [True] * (why is not None)


def test_rows_can_be_read_at_the_same_time(save: Save) -> None:
    with open_table(save("text,label\na,1\nb,0\nc,1\n")) as table:
        first, second = table.rows(), table.rows()
        assert [row.text for pair in zip(first, second, strict=True) for row in pair] == list("aabbcc")


@pytest.mark.slow
def test_rows_take_constant_memory(save: Save) -> None:
    path = save("text,label\n" + "".join(f'"{sentence(n)},\n{"more " * 9}",{n % 2}\n' for n in range(30_000)))
    with open_table(path, needs_label=True) as table:
        assert table.num_rows is None
        tracemalloc.start()
        assert sum(1 for _ in table.rows()) == 30_000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1_000_000 < os.path.getsize(path)
    assert (table.num_rows, table.describe()[:26]) == (30_000, "reviews.csv: 30,000 rows, ")


def test_open_table_looks_further_where_the_first_rows_have_one_label(
    save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "SAMPLE_CHARS", 1000)
    monkeypatch.setattr(table_module, "SAMPLE_LINES", 20)
    content = "".join(f"{n},{sentence(n)},{'neg' if n < 500 else 'pos'},{'en'}\n" for n in range(1000))
    table, _ = read(save("nr,what,which,where\n" + content), needs_label=True)
    assert (table.text_column, table.label_column, table.known_labels) == (1, 2, {"neg"})
    assert len(read(save("nr,what,which,where\n" + content))[1]) == 1000


def test_open_table_spools_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        closed = False
        buffer = io.BytesIO(b"a fine film\na bad one\n")

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", Input())
    with open_table("-", needs_label=False) as table:
        assert [row.text for row in table.rows()] == [row.text for row in table.rows()] == ["a fine film", "a bad one"]
        assert table.describe() == "standard input: 2 rows, a text a line, UTF-8"
    assert not os.path.exists(table.path)


# What is refused, and the flag that helps

GOOD = "id,title,body,kind,place\n" + "".join(
    f"{n},{WORDS[n % 5]} {WORDS[n % 11]},{sentence(n)},{WORDS[n % 3]},{WORDS[n % 4]}\n" for n in range(60)
)
MANY = "id,title,body,kind,place\n" + "".join(
    f"{n},{sentence(n)},{sentence(n + 99)},{WORDS[n % 3]},x\n" for n in range(60)
)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"", {}, r"is empty"),
        ("text,label\nšála a šaty,1\n".encode("utf-16-le"), {}, "UTF-16 without .* utf-16-le"),
        ("".join(f"{n % 2} {n + 1}:0.5 {n + 9}:1\n" for n in range(9)), {}, "numbers of features"),
        ("# text = a\n" + "the\tB-PER\ndog\tI-PER\nis\tO\n\n" * 9, {}, "a token in each line with a tag such as B-PER"),
        ("dog NN I-NP B-PER\nis VB I-VP O\n\n" * 9, {}, "a token in each line with a tag"),
        ("1\tdog\tdog\tNN\tN\t_\t0\troot\t_\t_\n" * 9, {}, "a token in each line .CoNLL-U."),
        ("{'text': 'a fine film', 'label': None}\n" * 9, {}, "Python .* json.dumps"),
        (b"\n\n\r\n", {}, r"blank lines only"),
        (b"\xef\xbb\xbf", {}, r"blank lines only"),
        (b"text,label\n", {}, r"has a header \(text, label\) and no rows"),
        (b'"text\nor so",label\n', {}, r"has a header \(text or so, label\) and no rows"),
        (b"PK\x03\x04xl/workbook", {}, r"spreadsheet of Excel.*Save As.*CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", {}, r"spreadsheet of Excel"),
        (b"%PDF-1.7", {}, r"is a PDF file"),
        ("text,label\na,1\n".encode("utf-16-le"), {}, r"try --encoding utf-16-le"),
        (GOOD.encode(), {"label_column": "knd"}, r"no column 'knd' as --label-column.*did you mean 'kind'\?.*'place'"),
        (GOOD.encode(), {"text_column": "9"}, r"no column '9' as --text-column.*there: 'id', 'title', 'body'"),
        (GOOD.encode(), {"text_column": "id"}, r"column 'id' holds numbers such as 0, expected text; .*--text-column"),
        (b"a,b,a\nx y,1,2\n", {"text_column": "a", "header": True}, r"several columns named 'a'.*\(1, 3\)"),
        (b"good\nbad\nso so\n", {}, r"no column of labels beside column 1.*--label-column.*--delimiter"),
        (b"text,label\n,1\n,0\n", {}, r"all texts are empty in column 'text'"),
        (b"3\n4\n5\n", {}, r"column 1 holds numbers such as 3, expected text"),
        (b"\xff\xfe" + "a".encode("utf-16-le"), {"encoding": "utf-32"}, r"is not utf-32"),
        ("café,1\nnoir,2\n".encode("cp1252") * 9, {"encoding": "utf-8"}, r"is not UTF-8: 9 places.*--encoding"),
    ],
)
def test_open_table_refuses_what_it_cannot_read(
    save: Save, content: bytes, options: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(save(content), needs_label=True, **options)


@pytest.mark.parametrize(
    "options", [{"delimiter": "a" * 11}, {"delimiter": '"'}, {"delimiter": ""}, {"encoding": "klingon"}]
)
def test_open_table_refuses_options_that_make_no_sense(save: Save, options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="--"):
        read(save(GOOD), **options)
    with pytest.raises(ConfigError, match="same"):
        read(save(GOOD), text_column="body", label_column="3")


def test_open_table_works_with_the_flag_that_its_message_names(save: Save) -> None:
    table, rows = read(save(GOOD), needs_label=True, label_column="kind")
    assert (table.text_column, table.label_column) == (2, 3)
    assert pairs(rows)[7] == (sentence(7), WORDS[1])
    assert read(save(GOOD), needs_label=False)[0].label_column is None
    table, _ = read(save(MANY.replace("body", "info")), needs_label=True, text_column="info")
    assert (table.text_column, table.label_column) == (2, 3)


def test_choose_columns_forgets_what_was_chosen_before(save: Save) -> None:
    with open_table(save(GOOD), needs_label=False) as table:
        assert (table.text_column, table.label_column, table.known_labels) == (2, None, frozenset())
        choose_columns(table, TableOptions(), needs_label=True)
        assert table.label_column == 3 and any("could also be in 'place'" in line for line in table.warnings)
        choose_columns(table, TableOptions().like("title", "kind"), needs_label=True)
        assert (table.text_column, table.label_column, table.known_labels) == (1, 3, frozenset(WORDS[:3]))
        assert [row.label for row in table.rows()][:4] == ["the", "film", "was", "the"]
        choose_columns(table, TableOptions(), needs_label=False)
        assert (table.label_column, table.known_labels) == (None, frozenset())


def test_open_table_refuses_a_folder_and_a_missing_file(save: Save, tmp_path: Path) -> None:
    save(GOOD)
    with pytest.raises(DataError, match=r"is a folder with 1 file \(reviews.csv\): expected a table; name one of them"):
        read(str(tmp_path))
    with pytest.raises(DataError, match=r"no such file.*did you mean .*reviews\.csv"):
        read(str(tmp_path / "review.csv"))


@pytest.mark.parametrize(
    ("third", "reason"),
    [
        ([str(10**6 + n * 37) for n in range(60)], "id-like"),
        ([f"2015-02-{n % 5 + 1:02} 11:35:02" for n in range(60)], "date-like"),
        ([f"{n % 5 + 1}/2/15" for n in range(60)], "date-like"),
        (["en"] * 60, "constant"),
        ([f"user{n}" for n in range(60)], "names"),
    ],
)
def test_open_table_never_takes_it_for_a_label(save: Save, third: list[str], reason: str) -> None:
    rows = [["first", "second", "third"]] + [[sentence(n), WORDS[n % 2], third[n]] for n in range(60)]
    table, _ = read(save(written(rows)), needs_label=True)
    assert table.label_column == 1, reason
    with pytest.raises(DataError, match=r"no column of labels.*--label-column"):
        read(save(written([[row[0], row[2]] for row in rows])), needs_label=True)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("good film,1\nbad film,0\nfine,1\nno,0\n", False),
        ("good film,1\nbad film,0\n", False),
        ("dull\n" + "".join(f"{sentence(n)}\n" for n in range(9)), False),
        ("review\n" + "".join(f"{sentence(n)}\n" for n in range(9)), True),
        ("good film,pos\nbad film,neg\nfine,pos\nno,neg\n", False),
        ("review,score\ngood film,1\nbad film,0\nfine,1\nno,0\n", True),
        ("评论内容,情感倾向\n好,正\n坏,负\n好的,正\n坏的,负\n", True),
        ("x1,x2\n" + "".join(f"{sentence(n)},{n % 2}\n" for n in range(9)), True),
    ],
)
def test_open_table_recognises_a_header(save: Save, content: str, expected: bool) -> None:
    table, rows = read(save(content))
    assert (table.has_header, len(rows)) == (expected, content.count("\n") - expected)
    assert read(save(content), header=not expected)[0].has_header is not expected


# Any table that Python's csv module writes

CELLS = st.text(max_size=4).map(
    lambda cell: "".join(c for c in cell if c >= " " and not "\x7f" <= c < "\xa0" and not "\ud800" <= c < "\ue000")
)
CELLS |= st.text(st.sampled_from("ab ,;|\t\"'\\\n\r@é好😀\u2028"), max_size=8)


@st.composite
def csv_files(draw: st.DrawFn) -> tuple[list[list[str]], dict[str, object], str]:
    """Rows of the same length, the first column text; a dialect; and what it writes."""
    width = draw(st.integers(1, 4))
    row = st.lists(CELLS, min_size=width, max_size=width).map(lambda cells: ["text " + cells[0], *cells[1:]])
    rows = draw(st.lists(row, min_size=2, max_size=6))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    # Where a line ends with a line feed, the csv module does not quote a carriage return: "a\r" is then "a".
    assume(end == "\r\n" or quoting != csv.QUOTE_MINIMAL or not any("\r" in cell for row in rows for cell in row))
    dialect = {"delimiter": draw(st.sampled_from(",;\t|")), "quoting": quoting, "lineterminator": end}
    return rows, dialect, written(rows, **dialect)


@settings(deadline=None)
@given(csv_files(), st.booleans())
def test_rows_are_the_cells_that_the_csv_module_wrote(
    tmp_path_factory: pytest.TempPathFactory, file: tuple[list[list[str]], dict[str, object], str], headed: bool
) -> None:
    rows, dialect, content = file
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(content.encode())
    first = rows[0] if headed else []
    assume("1" not in [name.strip() for name in first])
    table, found = read(
        str(path), delimiter=dialect["delimiter"], header=headed, all_rows=True, text_column="1", needs_label=False
    )
    assert [list(row.record.cells) for row in found] == rows[headed:]
    assert "".join(row.record.raw for row in found) == content[len(written(rows[:headed], **dialect)) :]
    assert not headed or table.header == [name.strip() for name in first]


@st.composite
def reviews(draw: st.DrawFn) -> tuple[list[list[str]], dict[str, object]]:
    """Texts with anything in them, labels, perhaps a header and a number before; and a dialect."""
    texts = draw(st.lists(CELLS.map(lambda cell: cell.replace("\r", "")), min_size=8, max_size=30))
    texts = [f"{sentence(number)} {text}" for number, text in enumerate(texts)]
    texts[0], texts[1] = sentence(77), sentence(78) + ", ; \t | and more"  # no delimiter is in all of them
    labels = draw(st.sampled_from([["pos", "neg"], ["1", "0"], ["好", "坏"]]))
    rows = [[text, labels[number % 2]] for number, text in enumerate(texts)]
    if draw(st.booleans()):
        rows = [["review", "label"], *rows]
    if draw(st.booleans()):
        rows = [row[::-1] for row in rows]
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return rows, {"delimiter": draw(st.sampled_from(",;\t|")), "quoting": quoting, "lineterminator": end}


@settings(deadline=None)
@given(reviews())
def test_open_table_finds_out_what_the_csv_module_wrote(
    tmp_path_factory: pytest.TempPathFactory, file: tuple[list[list[str]], dict[str, object]]
) -> None:
    rows, dialect = file
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(written(rows, **dialect).encode())
    table, found = read(str(path), needs_label=True)
    headed = "review" in rows[0]
    assert (table.has_header, table.dialect.delimiter) == (headed, dialect["delimiter"])
    assert [list(row.record.cells) for row in found] == rows[headed:]
    assert len(rows[-1][table.text_column]) > 10 and table.label_column == 1 - table.text_column


@pytest.mark.parametrize("signs", ["_!_", "||", "::", "+++$+++", "##"])
def test_delimiters_of_several_signs_are_found(save: Save, signs: str) -> None:
    lines = [signs.join([str(1000 + n), WORDS[n % 2], sentence(n) + ", or so: # is it", ""]) for n in range(40)]
    table, rows = read(save("\n".join(lines) + "\n"), needs_label=True)
    assert (table.dialect.delimiter, table.text_column, table.label_column) == (signs, 2, 1)
    assert pairs(rows)[7] == (sentence(7) + ", or so: # is it", WORDS[1])


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    "signs", ["###", "@@@", "||||", "\t\t", "\x01", "\x1e", "，", "、", "^", "<sep>", " --> ", "  ", " "]
)
def test_delimiters_beside_chinese_are_found(save: Save, signs: str, is_first: bool) -> None:
    rows = [(f"第{n}篇文章的题目{'！' * (n % 2)}", ("体育", "财经", "科技")[n % 3]) for n in range(40)]
    lines = [signs.join(row[::-1] if is_first else row) for row in rows]
    table, found = read(save("\n".join(lines) + "\n", "a.txt"), needs_label=True)
    assert (table.dialect.delimiter, pairs(found)) == (signs, rows)


def test_no_sign_is_a_delimiter_that_does_not_part_labels_from_texts(save: Save) -> None:
    for signs in ("，", " ", "  ", "——", "、", "#"):
        lines = [f"第{n}句的前半{signs}第{n}句的后半" for n in range(40)]
        assert [row.text for row in read(save("\n".join(lines), "a.txt"))[1]] == lines


@pytest.mark.parametrize("end", [" #fun", "，大家好", " -> good", "  by Ann", " / more"])
def test_lines_without_labels_stay_whole_where_none_are_wanted(save: Save, end: str) -> None:
    lines = [f"{sentence(n)}{end if n % 2 else end[:-1] + 'x'}" for n in range(40)]
    assert [row.text for row in read(save("\n".join(lines), "a.txt"), needs_label=False)[1]] == lines


@pytest.mark.parametrize("inside", ["x$$y$$z", "0 Main St, Dover, OR", "WARN :: web :: up", "a && b", "'a', 'b'"])
@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_signs_that_stand_evenly_in_texts_are_no_delimiters(save: Save, inside: str, delimiter: str) -> None:
    if delimiter == ";" and inside != "0 Main St, Dover, OR":
        return
    rows = [(f"{sentence(n)} {inside}", WORDS[n % 2]) for n in range(40)]
    table, found = read(save("\n".join(delimiter.join(row) for row in rows)), needs_label=True)
    assert (table.dialect.delimiter, pairs(found)) == (delimiter, rows)


def test_codes_such_as_those_of_tokens_are_labels(save: Save) -> None:
    rows = [(f"visit {n}", ("B-1", "B-2", "L-1")[n % 3]) for n in range(40)]
    assert pairs(read(save("\n".join("\t".join(row) for row in rows)), needs_label=True)[1]) == rows


def test_all_signs_before_an_opinion_are_its_delimiter(save: Save) -> None:
    rows = [(f"第{n}杯茶{'->很烫' * (n % 3)}", ("好评", "差评")[n % 2]) for n in range(40)]
    table, found = read(save("\n".join(" ---> ".join(row) for row in rows), "a.txt"), needs_label=True)
    assert (table.dialect.delimiter, pairs(found)) == (" --->", rows)


@pytest.mark.parametrize("labels", [("好评", "差评"), ("0", "1")])
@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("sign", ["，", ","])
def test_labels_are_found_beside_texts_with_as_many_commas_as_they_like(
    save: Save, sign: str, is_first: bool, labels: tuple[str, str]
) -> None:
    rows = [(f"第{n}杯茶{f'{sign}很烫' * (n % 4)}", labels[n % 2]) for n in range(40)]
    lines = [sign.join(row[::-1] if is_first else row) for row in rows]
    assert pairs(read(save("\n".join(lines), "a.txt"), needs_label=True)[1]) == rows


def test_delimiter_of_several_signs_can_be_named(save: Save) -> None:
    _, rows = read(save("".join(f"{sentence(n)} ab{WORDS[n % 2]}\n" for n in range(5))), delimiter=" ab")
    assert pairs(rows)[1] == (sentence(1), WORDS[1])
