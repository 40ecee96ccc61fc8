"""Lines that are no rows: passed over, said with how many, and written back as they came."""

from __future__ import annotations

from pathlib import Path

import pytest

from textrnn.text.table.noise import Noise, is_ruler
from textrnn.text.table.table import TableOptions, open_table
from textrnn.text.table.writer import write_predictions

ROWS = [(f"the film number {n} was {'fine' if n % 2 else 'dull'}", "pos" if n % 2 else "neg") for n in range(30)]
BODY = [f"{text}\t{label}" for text, label in ROWS]
HEADER = "review\tlabel"


def table_of(lines: list[str], delimiter: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).replace("\t", delimiter).encode()


NOISY = {
    "titles": (["Reviews of 2024", "", "as of\t", HEADER, *BODY], "3 lines above the header"),
    "a title and a ruler": (["Reviews of 2024", HEADER, "---\t---", *BODY], "1 line above the header, 1 ruler"),
    "a title of the table's width": (["# shop 12\texported in May", HEADER, *BODY], "1 line above the header"),
    "remarks": (["# made by hand\tfor all", "# columns: review\tlabel", HEADER, *BODY], "2 lines above the header"),
    "keys with a colon": (["Shops:\tall of them", "As of:\tMay", HEADER, *BODY], "2 lines above the header"),
    "a title that has a name": (["Report: reviews\tall shops", "", HEADER, *BODY], "2 lines above the header"),
    "blank lines": (["", "", HEADER, *BODY, ""], "3 blank lines left out"),
    "repeated headers": ([HEADER, *BODY[:9], "Review\tlabel ", *BODY[9:], HEADER], "2 repeated headers"),
    "rulers": ([HEADER, "-----\t:---:", *BODY[:4], "======\t======", *BODY[4:]], "2 rulers"),
    "totals": ([HEADER, *BODY, "Total:\t30", "Average\t0.5", ""], "2 totals at the end"),
    "a total in Chinese": ([HEADER, *BODY, "", "合计\t30"], "1 total at the end"),
    "a count": ([HEADER, *BODY, "Anzahl\t30"], "1 total at the end"),
    "a mean": ([HEADER, *BODY, "Average rating\t0.5"], "1 total at the end"),
    "a count of lines": ([HEADER, *BODY, "合计\t30条"], "1 total at the end"),
    "counts of labels": ([HEADER, *BODY, "", "neg\t15", "pos\t15", "Gesamtergebnis\t30"], "3 totals at the end"),
    "SurveyMonkey": ([HEADER, "\tResponse", *BODY], "1 line that explains the header"),
    "kinds of columns": ([HEADER, "string\tint", *BODY], "1 line that explains the header"),
    "units": ([HEADER, "[words]\t[1..5]", *BODY], "1 line that explains the header"),
    "kinds of a database": ([HEADER, "VARCHAR(90)\tSMALLINT", *BODY], "1 line that explains the header"),
    "kinds of NumPy": ([HEADER, "utf8\ti4", *BODY], "1 line that explains the header"),
    "names in another language": ([HEADER, "评论\t标签", *BODY], "1 line that explains the header"),
    "Qualtrics": (
        [HEADER, "Why?\tHow good?", '{"ImportId":"a"}\t{"ImportId":"b"}', *BODY],
        "2 lines that explain the header",
    ),
    "a count in words": ([HEADER, *BODY, "Total\t30 messages"], "1 total at the end"),
    "a count in Chinese words": ([HEADER, *BODY, "合计\t共30条评论"], "1 total at the end"),
    "the end of a file of DOS": ([HEADER, *BODY, "\x1a"], "1 total at the end"),
    "a footer": ([HEADER, *BODY, "(30 rows)"], "1 total at the end"),
}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("kind", NOISY)
def test_noise_is_passed_over_said_and_written_back(tmp_path: Path, kind: str, delimiter: str) -> None:
    (lines, words), path, output = NOISY[kind], tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_bytes(table_of(lines, delimiter))
    with open_table(str(path), needs_label=True) as table:
        assert [(row.text, row.label) for row in table.rows()] == ROWS
        assert words in str(table.summary()) and ("--all-rows" in str(table.summary())) == (kind != "blank lines")
        assert (table.header, table.dialect.delimiter) == (["review", "label"], delimiter)
        assert f" {len(ROWS)} rows" in table.describe()
        write_predictions(table, ["sure"], [["1"]] * len(ROWS), str(output))
    kept = [f"{line}\t{'sure' if line == HEADER else 1}" if line in BODY else line for line in lines]
    kept[lines.index(HEADER)] += "\tsure"
    assert output.read_bytes() == table_of(kept, delimiter)


def test_all_rows_takes_each_line_for_one(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(table_of([HEADER, "---\t---", *BODY, "\t", HEADER, "Total\t3"], ","))
    with open_table(str(path), TableOptions(all_rows=True, label_column="label"), needs_label=True) as table:
        found = [(row.text, row.label) for row in table.rows()]
    assert found == [("---", "---"), *ROWS, ("", None), ("review", "label"), ("Total", "3")]


def test_markdown_and_psql_tables_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    lines = ["| review | label |", "|---|:--|", *(f"| {text} | {label} |" for text, label in ROWS)]
    path.write_text("\n".join(lines), encoding="utf-8")
    with open_table(str(path), needs_label=True) as table:
        assert [(row.text.strip(), row.label) for row in table.rows()] == ROWS
    lines = [
        " id | review | label ",
        "----+-------+------",
        *(f" {n} | {a} | {b}" for n, (a, b) in enumerate(ROWS)),
        "(30 rows)",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    with open_table(str(path), needs_label=True) as table:
        assert [(row.text.strip(), row.label) for row in table.rows()] == ROWS
        assert "1 ruler, 1 total at the end" in str(table.summary())


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a film to see\t", *BODY], 31),  # no header: the first row has no label
        ([HEADER, *BODY, "Total\tpos"], 31),
        (["#one to see\tpos", "# two: no\tneg", *BODY], 32),
        (["Note: a film\tpos", "Well: no\tneg", *BODY], 32),
        ([HEADER, *(f"[film {n}]\t[{n % 2}]" for n in range(30))], 30),
        ([HEADER, *BODY[:3], "Total\t30", *BODY[3:]], 31),
        ([HEADER, *BODY, "-\tneg", "--\t"], 32),
        (["\treview\tlabel\t", "---\t---\t---\t---", *(f"{n}\t{line}\t" for n, line in enumerate(BODY))], 30),
    ],
)
def test_rows_that_look_like_noise_are_rows(tmp_path: Path, lines: list[str], expected: int) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(table_of(lines, ";"))
    with open_table(str(path), needs_label=True) as table:
        assert sum(1 for _ in table.rows()) == table.num_rows == expected


def test_a_total_that_has_a_known_label_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [f"{text}\t{'1' if label == 'pos' else '0'}" for text, label in ROWS]
    path.write_bytes(table_of([HEADER, *lines, "Average\t1"], ","))
    with open_table(str(path), needs_label=True) as table:
        assert [row.text for row in table.rows()][-1] == "Average" and table.summary() is None


def test_columns_of_nothing_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(table_of(["", f"\t{HEADER}\t\t", *(f"{n}\t{line}\t\t" for n, line in enumerate(BODY))], ","))
    with open_table(str(path), needs_label=True) as table:
        assert [(row.text, row.label) for row in table.rows()] == ROWS
        assert table.describe().endswith("text in column 'review', label in column 'label', 2 empty columns")


def test_ruler_needs_a_line() -> None:
    noise = Noise(None, 2)
    assert [is_ruler([cell]) for cell in ("---", "--", "- - -", "+--+---+", "| --- |", "text", "=====")] == [
        True, False, False, True, True, False, True,
    ]  # fmt: skip
    assert noise.kind_of(["", "---"]) is None and Noise(["text"], 1).kind_of(["text"]) is None


def test_keys_and_values_above_a_header_are_titles(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    body = [f"{n}\t{line}\tx" for n, line in enumerate(BODY)]
    path.write_bytes(table_of(["Report\tReviews\t\t", "Date\t2024", "", f"id\t{HEADER}\tnote", *body], ";"))
    with open_table(str(path), needs_label=True) as table:
        assert [(row.text, row.label) for row in table.rows()] == ROWS
        assert "3 lines above the header" in str(table.summary())


DAYS = [f"{n},the tea of day {n} was quite {('fine', 'poor')[n % 2]},{('good', 'bad')[n % 2]}" for n in range(30)]


@pytest.mark.parametrize(
    ("above", "below", "passed_over"),
    [
        (["a,b,c", "id,text,kind"], [], 1),
        (["id,text,kind", "required,required,one of two"], [], 1),
        (["id,text,kind", "1,2,3", "number,what was said,what it is"], [], 2),
        (["id,text,kind"], ["Prepared by:,A. Byron,Checked:"], 1),
        (["编号,内容,类别"], ["合计,30,", "制表人：王磊,,"], 2),
        (["id,text,kind"], ["30 records exported,,"], 1),
        (["id,text,kind"], ["30,it came late,odd"], 0),  # a label of one row
        (["id,text,kind"], ["30,it came late,"], 0),  # a row to predict
        (["id,text,kind", "99,a tea of another sort that is none of these,odd"], [], 0),
    ],
    ids=["letters", "notes", "numbers and notes", "signed", "signed below a total", "counted", "rare", "new", "long"],
)
def test_rows_that_only_explain_or_sign_are_passed_over(
    tmp_path: Path, above: list[str], below: list[str], passed_over: int
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join([*above, *DAYS, *below]) + "\n", encoding="utf-8")
    with open_table(str(path), needs_label=True) as table:
        rows = list(table.rows())
    assert len(rows) == len(above) - 1 + len(DAYS) + len(below) - passed_over
    assert sum(table.tally.passed_over.values()) + table.num_titles == passed_over
    with open_table(str(path), TableOptions(all_rows=True, header=True), needs_label=True) as table:
        assert len(list(table.rows())) == len(above) - 1 + len(DAYS) + len(below)
